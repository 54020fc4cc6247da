// SPDX-License-Identifier: GPL-2.0
/*
 * One operation a run, its arguments in the context: user space decides what
 * to try. Works on an arena of any size at any address.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "../arena_ops.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

SEC("syscall")
int op_alloc(struct arena_op *op)
{
	void __arena *p = (void __arena *)op->addr;

	op->ret = (__u64)bpf_arena_alloc_pages(&arena, p, op->cnt, op->node, op->flags);
	return 0;
}

SEC("syscall")
int op_free(struct arena_op *op)
{
	bpf_arena_free_pages(&arena, (void __arena *)op->addr, op->cnt);
	return 0;
}

SEC("syscall")
int op_read(struct arena_op *op)
{
	__u64 __arena *p = (__u64 __arena *)op->addr;

	bpf_arena_free_pages(&arena, p, 0); /* ties the program to the arena */
	op->ret = *p;
	return 0;
}

SEC("syscall")
int op_write(struct arena_op *op)
{
	__u64 __arena *p = (__u64 __arena *)op->addr;

	bpf_arena_free_pages(&arena, p, 0);
	*p = op->ret;
	return 0;
}

/*
 * Allocate cnt pages one by one, each with its number in it; ret = how many. It goes on
 * behind those that there are: time may have ended the loop.
 */
SEC("syscall")
int op_alloc_many(struct arena_op *op)
{
	__u32 n = op->ret, cnt = op->cnt;
	__u64 __arena *p;

	while (n < cnt && can_loop) {
		p = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
		if (!p)
			break;
		*p = n;
		n++;
	}
	op->ret = n;
	return 0;
}

/*
 * Free cnt pages, a power of two, one by one in an order that jumps about; ret = how many,
 * and node where the last one was. It goes on behind these.
 */
SEC("syscall")
int op_free_many(struct arena_op *op)
{
	__u32 n = op->ret, at = op->node, cnt = op->cnt;
	char __arena *base = (char __arena *)op->addr;

	while (n < cnt && can_loop) {
		at = (at * 1103515245 + 12345) & (cnt - 1);
		bpf_arena_free_pages(&arena, base + (__u64)at * op->flags, 1);
		n++;
	}
	op->ret = n;
	op->node = at;
	return 0;
}

/* Read a word over and over; ret = the first value other than 0 and flags, if any */
SEC("syscall")
int op_watch(struct arena_op *op)
{
	volatile __u64 __arena *p = (__u64 __arena *)op->addr;
	__u32 n = 0, cnt = op->cnt;
	__u64 val, own = op->flags;

	bpf_arena_free_pages(&arena, (void __arena *)p, 0);
	while (n < cnt && can_loop) {
		val = *p;
		if (val && val != own) {
			op->ret = val;
			break;
		}
		n++;
	}
	return 0;
}

/* All atomics on a word of 0 or 1, over and over; ret = bits that came from elsewhere */
SEC("?syscall")
int op_atomics(struct arena_op *op)
{
	volatile __u64 __arena *p = (__u64 __arena *)op->addr;
	__u32 n = 0, cnt = op->cnt;
	__u64 seen = 0;

	bpf_arena_free_pages(&arena, (void __arena *)p, 0);
	while (n < cnt && can_loop) {
		seen |= __sync_fetch_and_or(p, 1);
		seen |= __sync_fetch_and_and(p, 1);
		seen |= __sync_fetch_and_xor(p, 1);
		seen |= __sync_fetch_and_add(p, 0);
		seen |= __sync_lock_test_and_set(p, 1);
		seen |= __sync_val_compare_and_swap(p, 1, 0);
		seen |= __sync_val_compare_and_swap(p, 0, 1);
		(void)__sync_fetch_and_or(p, 1);
		n++;
	}
	op->ret = seen & ~1ULL;
	return 0;
}

char _license[] SEC("license") = "GPL";
