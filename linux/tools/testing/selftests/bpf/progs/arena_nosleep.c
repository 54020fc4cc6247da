// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of several kinds that allocate and free in one arena at once, and
 * some that take, free and reserve the address that they are told.
 */
#include <linux/bpf.h>
#include "arena_use.h"

PROG(run_xdp, "xdp", XDP_PASS)
PROG(run_tc, "tc", 0)
PROG(run_syscall, "syscall", 0)
PROG(on_nmi, "raw_tp/nmi_handler", 0)
PROG(on_perf, "perf_event", 0)

#define TOP_PAGES 1000

/* a few pages, whoever has them */
SEC("tc")
int free_top(void *ctx)
{
	__u64 page = top / PAGE_SIZE + bpf_get_prandom_u32() % TOP_PAGES;

	bpf_arena_free_pages(&arena, (void __arena *)(page * PAGE_SIZE),
			     1 + bpf_get_prandom_u32() % 40);
	return 0;
}

static int spin(__u32 i, void *ctx)
{
	return 0;
}

/* holds up whatever its CPU was at */
SEC("perf_event")
int hold_up(void *ctx)
{
	bpf_loop(5000, spin, NULL, 0);
	return 0;
}

/* one address, asked for by number */
__u64 addr;
long result;

SEC("tc")
int run_alloc_at(void *ctx)
{
	result = (long)bpf_arena_alloc_pages(&arena, (void __arena *)addr, cnt, -1, 0);
	return 0;
}

SEC("tc")
int run_free_at(void *ctx)
{
	bpf_arena_free_pages(&arena, (void __arena *)addr, cnt);
	return 0;
}

SEC("syscall")
int run_alloc_at_s(void *ctx)
{
	result = (long)bpf_arena_alloc_pages(&arena, (void __arena *)addr, cnt, -1, 0);
	return 0;
}

#define HELD 32

/* As many pages as there can be at once, one by one, and then none of them */
SEC("xdp")
int run_hold(void *ctx)
{
	__u64 pages[HELD] = {};
	int i;

	for (i = 0; i < HELD; i++) {
		pages[i] = (__u64)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
		if (pages[i])
			__sync_fetch_and_add(&good, 1);
		else
			__sync_fetch_and_add(&failed, 1);
	}
	for (i = 0; i < HELD; i++)
		bpf_arena_free_pages(&arena, (void __arena *)pages[i], 1);
	return XDP_PASS;
}

/* the same where it may sleep: gone from everywhere on return */
SEC("syscall")
int run_free_at_s(void *ctx)
{
	bpf_arena_free_pages(&arena, (void __arena *)addr, cnt);
	return 0;
}

SEC("tc")
int run_reserve_at(void *ctx)
{
	result = bpf_arena_reserve_pages(&arena, (void __arena *)addr, cnt);
	return 0;
}

/* on a certain node: no page that is dying will do */
SEC("syscall")
int run_alloc_node_s(void *ctx)
{
	result = (long)bpf_arena_alloc_pages(&arena, (void __arena *)addr, cnt, 0, 0);
	return 0;
}

SEC("syscall")
int run_reserve_at_s(void *ctx)
{
	result = bpf_arena_reserve_pages(&arena, (void __arena *)addr, cnt);
	return 0;
}

char _license[] SEC("license") = "GPL";
