// SPDX-License-Identifier: GPL-2.0
/* bpf_for() and bpf_repeat(), in programs with and without an arena */
#include <linux/bpf.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "bpf_misc.h"

#define INT_MAX 0x7fffffff
#define INT_MIN (-INT_MAX - 1)
#define CNT 64

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_iter_num);
} iterators SEC(".maps");

int __arena_global shared[CNT];
int array[CNT];
int limit = CNT;

/* No arena here. */
SEC("xdp")
int sums(struct xdp_md *ctx)
{
	int i, j, sum = 0;

	bpf_for(i, 0, 100)
		sum += i;
	if (sum != 4950)
		return 1;
	bpf_for(i, -3, 3)
		bpf_for(j, 0, limit)
			sum += i;
	if (sum != 4950 - 3 * CNT)
		return 2;
	bpf_for(i, 5, 5)
		return 3;
	bpf_repeat(7)
		sum++;
	return sum == 4957 - 3 * CNT ? 0 : 4;
}

static __noinline int index_of(int what)
{
	int i;

	bpf_for(i, 0, CNT) {
		if (i % 2)
			continue;
		if (array[i] == what)
			return i;
	}
	return -1;
}

SEC("syscall")
int arrays(void *ctx)
{
	unsigned long n = limit;
	__u32 i;

	bpf_for(i, 0, CNT)
		array[i] = 2 * i;
	bpf_for(i, 0, n)
		shared[i] = i + 1;
	if (index_of(8) != 4 || index_of(6) != -1 || index_of(1) != -1)
		return 1;
	i = 0;
	bpf_for(i, 0, 1000000) {
		if (i == 70000)
			break;
	}
	return i == 70000 ? 0 : 2;
}

SEC("syscall")
int ranges(void *ctx)
{
	struct bpf_iter_num it;
	int *i;

	if (bpf_iter_num_new(&it, 5, 4) != -EINVAL || bpf_iter_num_next(&it))
		return 1;
	if (bpf_iter_num_new(&it, INT_MIN, INT_MAX) != -E2BIG || bpf_iter_num_next(&it))
		return 2;
	if (bpf_iter_num_new(&it, INT_MIN, INT_MIN + 2))
		return 3;
	i = bpf_iter_num_next(&it);
	if (!i || *i != INT_MIN)
		return 4;
	i = bpf_iter_num_next(&it);
	if (!i || *i != INT_MIN + 1 || bpf_iter_num_next(&it) || bpf_iter_num_next(&it))
		return 5;
	if (bpf_iter_num_new(&it, INT_MAX - 1, INT_MAX))
		return 6;
	i = bpf_iter_num_next(&it);
	if (!i || *i != INT_MAX - 1 || bpf_iter_num_next(&it))
		return 7;
	bpf_iter_num_destroy(&it);
	return bpf_iter_num_next(&it) ? 8 : 0;
}

/* It never counts any further, and ends by time. */
SEC("syscall")
int hazard_20_endless(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 2);
	while (bpf_iter_num_next(&it))
		bpf_iter_num_new(&it, 0, 2);
	return 0;
}

/* What the program puts into its iterator is but numbers. */
SEC("syscall")
int hazard_21_forged(void *ctx)
{
	union {
		struct bpf_iter_num it;
		struct { int cur, end; };
	} u;
	int *i, sum = 0;

	u.cur = limit;
	u.end = INT_MAX;
	barrier_var(u.cur);
	i = bpf_iter_num_next(&u.it);
	if (i)
		sum = *i;
	return sum == CNT + 1 ? 0 : 1;
}

/* What is refused */

SEC("syscall")
__failure __msg("arg#0 expected pointer to a bpf_iter_num on the stack")
int in_a_map(void *ctx)
{
	__u32 key = 0;
	struct bpf_iter_num *it = bpf_map_lookup_elem(&iterators, &key);

	return it && bpf_iter_num_next(it);
}

SEC("syscall")
__failure __msg("cannot write into rdonly_mem")
int writes(void *ctx)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 0, 2);
	i = bpf_iter_num_next(&it);
	if (i)
		*i = 1;
	return 0;
}

SEC("syscall")
__failure __msg("R0 invalid mem access")
int not_checked(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 2);
	return *bpf_iter_num_next(&it);
}

SEC("syscall")
__failure __msg("invalid access to map value, value_size=")
int out_of_bounds(void *ctx)
{
	int i;

	bpf_for(i, 0, CNT + 1)
		array[i] = 1;
	return 0;
}

char _license[] SEC("license") = "GPL";
