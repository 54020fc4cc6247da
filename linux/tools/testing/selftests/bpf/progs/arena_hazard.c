// SPDX-License-Identifier: GPL-2.0
/*
 * The kfuncs where nothing may sleep, one operation a run as in arena_ops.c. The
 * context is what the test run passes on: ctx[0] = address, ctx[1] = number of
 * pages, ctx[2] = value or node. What comes of it is in result.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

__u64 result;

SEC("raw_tp")
int fast_alloc(__u64 *ctx)
{
	result = (__u64)bpf_arena_alloc_pages(&arena, (void __arena *)ctx[0], ctx[1], ctx[2], 0);
	return 0;
}

SEC("raw_tp")
int fast_free(__u64 *ctx)
{
	bpf_arena_free_pages(&arena, (void __arena *)ctx[0], ctx[1]);
	return 0;
}

/* Marks a page, frees it, looks at it: 0 unless something else than 0 is seen */
SEC("raw_tp")
int fast_use_after_free(__u64 *ctx)
{
	volatile __u64 __arena *p = (__u64 __arena *)ctx[0];

	result = 1;
	*p = 0x5ec4e7;
	p[PAGE_SIZE / 8 - 1] = 0x5ec4e7;
	if (*p != 0x5ec4e7)
		return 0;
	bpf_arena_free_pages(&arena, (void __arena *)p, 1);
	result = *p | p[PAGE_SIZE / 8 - 1];
	return 0;
}

char _license[] SEC("license") = "GPL";
