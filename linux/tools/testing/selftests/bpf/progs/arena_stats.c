// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses to pages that are not there, each in a program of its own, and
 * programs that see them through the tracepoint; allocations that fail.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "bpf_misc.h"
#include "../arena_stats.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2000);
} arena SEC(".maps");

/* where */
__u64 addr;

/* what the tracepoint said */
__u32 map_id;
struct arena_seen seen;
__u64 seen_cnt;
__u64 nested_cnt;

static volatile __u64 __arena *place(void)
{
	bpf_arena_free_pages(&arena, NULL, 0); /* ties the program to the arena */
	return (volatile __u64 __arena *)addr;
}

SEC("syscall")
int fault_read(void *ctx)
{
	return *place();
}

SEC("syscall")
int fault_write(void *ctx)
{
	*place() = 1;
	return 0;
}

SEC("syscall")
int fault_write_imm16(void *ctx)
{
	((volatile __u16 __arena *)place())[3] = 7;
	return 0;
}

SEC("syscall")
int fault_atomic(void *ctx)
{
	__sync_fetch_and_add(place() + 1000, 1);
	return 0;
}

/* two accesses in a loop, on most CPUs */
SEC("syscall")
int fault_fetch_xor(void *ctx)
{
	return __sync_fetch_and_xor(place(), 1);
}

/* below its own address */
SEC("syscall")
int fault_before(void *ctx)
{
	return place()[-2];
}

static __noinline int reads(__u64 at)
{
	return *(volatile __u64 __arena *)at;
}

SEC("syscall")
int fault_subprog(void *ctx)
{
	bpf_arena_free_pages(&arena, NULL, 0);
	return reads(addr);
}

SEC("xdp")
int fault_xdp(void *ctx)
{
	return *place() ? XDP_DROP : XDP_PASS;
}

SEC("raw_tp/bpf_arena_fault")
int on_fault(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[0] != map_id)
		return 0;
	seen.prog_id = ctx->args[1];
	seen.uaddr = ctx->args[2];
	seen.access = ctx->args[3];
	seen.ip = ctx->args[4];
	__sync_fetch_and_add(&seen_cnt, 1);
	return 0;
}

/* Two that fault whenever somebody does */
SEC("raw_tp/bpf_arena_fault")
int on_fault_read(void *ctx)
{
	__sync_fetch_and_add(&nested_cnt, 1);
	return *place();
}

SEC("raw_tp/bpf_arena_fault")
int on_fault_write(void *ctx)
{
	__sync_fetch_and_add(&nested_cnt, 1);
	*place() = 1;
	return 0;
}

/* arguments and result of allocations */
__u32 cnt, node, loops;
__u64 flags;
__u64 result;

SEC("syscall")
int alloc(void *ctx)
{
	result = (__u64)bpf_arena_alloc_pages(&arena, (void __arena *)addr, cnt, node, flags);
	return 0;
}

SEC("syscall")
int reserve(void *ctx)
{
	result = bpf_arena_reserve_pages(&arena, (void __arena *)addr, cnt);
	return 0;
}

SEC("syscall")
int release(void *ctx)
{
	bpf_arena_free_pages(&arena, (void __arena *)addr, cnt);
	return 0;
}

SEC("syscall")
int alloc_free_many(void *ctx)
{
	void __arena *p;
	__u32 i = 0;

	while (i < loops && can_loop) {
		p = bpf_arena_alloc_pages(&arena, NULL, cnt, -1, 0);
		bpf_arena_free_pages(&arena, p, cnt);
		i++;
	}
	return 0;
}

SEC("?tc")
int alloc_tc(void *ctx)
{
	result = (__u64)bpf_arena_alloc_pages(&arena, (void __arena *)addr, cnt, -1, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
