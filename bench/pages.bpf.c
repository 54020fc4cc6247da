// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured of pages: allocate, free, and access what is not there, from
 * programs that may sleep and from one that may not. The loops are bounded by
 * constants, so that no kernel's may_goto is part of what they cost; ops is how many
 * rounds are wanted, and with 0 a run is the cost of running the program at all.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "pages.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

__u32 ops;			/* rounds */
__u32 cnt;			/* pages a round */
__u32 failed;			/* allocations */
__u64 addrs[PAGES_MAX_OPS];	/* what is allocated, or to be freed */
__u64 where;			/* to load from */
__u64 sum;

#define for_each_op(i) for (i = 0; i < PAGES_MAX_OPS && i < ops; i++)

static __always_inline void alloc_all(void)
{
	void __arena *p;
	__u32 i;

	for_each_op(i) {
		p = bpf_arena_alloc_pages(&arena, NULL, cnt, -1, 0);
		if (!p)
			failed++;
		addrs[i] = (__u64)p;
	}
}

static __always_inline void free_all(void)
{
	__u32 i;

	for_each_op(i)
		bpf_arena_free_pages(&arena, (void __arena *)addrs[i], cnt);
}

static __always_inline void alloc_and_free(void)
{
	void __arena *p;
	__u32 i;

	for_each_op(i) {
		p = bpf_arena_alloc_pages(&arena, NULL, cnt, -1, 0);
		if (!p)
			failed++;
		bpf_arena_free_pages(&arena, p, cnt);
	}
}

#define PROGS(kind, sec)							\
	SEC(sec) int kind##_alloc(void *ctx) { alloc_all(); return 0; }		\
	SEC(sec) int kind##_free(void *ctx) { free_all(); return 0; }		\
	SEC(sec) int kind##_pair(void *ctx) { alloc_and_free(); return 0; }

PROGS(syscall, "?syscall")
PROGS(xdp, "?xdp")

SEC("?syscall")
int syscall_load(void *ctx)
{
	volatile __u64 __arena *p = (volatile __u64 __arena *)where;
	__u32 i;

	bpf_arena_free_pages(&arena, NULL, 0); /* ties the program to the arena */
	for_each_op(i)
		sum += *p;
	return 0;
}

char _license[] SEC("license") = "GPL";
