// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured of programs that use an arena. With ops = 0 each does nothing,
 * which is taken off. XDP, since that type runs on every kernel and cannot sleep.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "access.h"
#include "hash.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

__u32 ops;
__u64 start;		/* first key */
__u64 where;		/* in the arena */
__u64 sum;
__u64 wrong;		/* look-ups that did not find, and the like */
__u64 __arena_global in_arena;

/* Single instructions */

#define UNROLL4(x) x x x x
#define UNROLL256(x) UNROLL4(UNROLL4(UNROLL4(UNROLL4(x))))

/* "ops" times 256 would need a loop: it is once or not at all. The pointer is in r1. */
#define INSN_PROG(name, insn)							\
	SEC("?xdp") int name(void *ctx)						\
	{									\
		void __arena *p = (void __arena *)where;			\
										\
		if (!ops)							\
			return 0;						\
		in_arena = 1;							\
		asm volatile("r1 = addr_space_cast(%[p], 0, 1);"		\
			     "r2 = 1;"						\
			     UNROLL256(insn)					\
			     :: [p]"r"(p) : "r1", "r2", "memory");		\
		return 0;							\
	}

INSN_PROG(do_none, "")
INSN_PROG(do_load, "r2 = *(u64 *)(r1 + 0);")
INSN_PROG(do_store, "*(u64 *)(r1 + 0) = r2;")
INSN_PROG(do_cast, "r2 = addr_space_cast(r1, 1, 0); *(u64 *)(r1 + 0) = r2;")
INSN_PROG(do_atomic, "lock *(u64 *)(r1 + 0) += r2;")
INSN_PROG(do_fetch, "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2);")

/* Loops */

SEC("?xdp")
int walk(void *ctx)
{
	struct node __arena *n;
	__u64 s = 0;

	if (!ops)
		return 0;
	in_arena = 1; /* ties the program to the arena */
	for (n = (struct node __arena *)where; n && can_loop; n = n->next)
		s += n->value;
	sum = s;
	return 0;
}

/* 8,388,608 rounds */
SEC("?xdp")
int empty_loop(void *ctx)
{
	if (!ops)
		return 0;
	in_arena = 1;
	while (can_loop)
		;
	return 0;
}

/* Entry and calls */

SEC("?xdp")
int enter_plain(void *ctx)
{
	if (ops)
		sum = 1;
	return 0;
}

SEC("?xdp")
int enter_arena(void *ctx)
{
	if (ops)
		in_arena = 1;
	return 0;
}

static __noinline int nothing(__u64 x)
{
	asm volatile("" : "+r"(x));
	return x;
}

SEC("?xdp")
int call_plain(void *ctx)
{
	if (!ops)
		return 0;
	sum = 1;
	UNROLL256(nothing(1);)
	return 0;
}

SEC("?xdp")
int call_arena(void *ctx)
{
	if (!ops)
		return 0;
	in_arena = 1;
	UNROLL256(nothing(1);)
	return 0;
}

static __noinline int touch(void)
{
	in_arena = 1;
	return 0;
}

SEC("?xdp")
int call_touch(void *ctx)
{
	if (!ops)
		return 0;
	in_arena = 1;
	UNROLL256(touch();)
	return 0;
}

/* Look-ups */

#define for_each_key(N, body)							\
	do {									\
		struct key##N key;						\
		__u64 nr = start;						\
		__u32 i;							\
										\
		for (i = 0; i < ops && can_loop; i++) {				\
			nr = next_nr(nr, mask);					\
			make_key(&key, nr);					\
			asm volatile("" :: "r"(&key) : "memory");		\
			body;							\
		}								\
		start = nr;							\
	} while (0)

__u64 mask;	/* of the numbers that keys are made of: a power of two less one */

#define TABLE_PROGS(N)								\
	SEC("?xdp") int keys_##N(void *ctx)					\
	{									\
		in_arena = 1;							\
		for_each_key(N, );						\
		return 0;							\
	}									\
	SEC("?xdp") int find_##N(void *ctx)					\
	{									\
		struct table##N __arena *t = (struct table##N __arena *)where;	\
										\
		in_arena = 1;							\
		for_each_key(N, wrong += !table##N##_find(t, &key));		\
		return 0;							\
	}									\
	SEC("?xdp") int remove_##N(void *ctx)					\
	{									\
		struct table##N __arena *t = (struct table##N __arena *)where;	\
										\
		in_arena = 1;							\
		for_each_key(N, wrong -= table##N##_remove(t, &key));		\
		return 0;							\
	}									\
	SEC("?xdp") int add_##N(void *ctx)					\
	{									\
		struct table##N __arena *t = (struct table##N __arena *)where;	\
										\
		in_arena = 1;							\
		for_each_key(N, wrong -= table##N##_add(t, &key, nr));		\
		return 0;							\
	}

TABLE_PROGS(16)
TABLE_PROGS(64)

/* The same with maps; a key of an array is 4 bytes of it. */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct key16);
	__type(value, __u64);
} map_16 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct key64);
	__type(value, __u64);
} map_64 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} map_array SEC(".maps");

#define MAP_PROGS(N)								\
	SEC("?xdp") int map_find_##N(void *ctx)					\
	{									\
		in_arena = 1;							\
		for_each_key(N, wrong += !bpf_map_lookup_elem(&map_##N, &key));	\
		return 0;							\
	}									\
	SEC("?xdp") int map_remove_##N(void *ctx)				\
	{									\
		in_arena = 1;							\
		for_each_key(N, wrong += !!bpf_map_delete_elem(&map_##N, &key));	\
		return 0;							\
	}									\
	SEC("?xdp") int map_add_##N(void *ctx)					\
	{									\
		in_arena = 1;							\
		for_each_key(N, wrong += !!bpf_map_update_elem(&map_##N, &key, &key, BPF_NOEXIST)); \
		return 0;							\
	}

MAP_PROGS(16)
MAP_PROGS(64)

SEC("?xdp")
int array_find(void *ctx)
{
	in_arena = 1;
	for_each_key(16, wrong += !bpf_map_lookup_elem(&map_array, &key));
	return 0;
}

char _license[] SEC("license") = "GPL";

/* Memory that helpers are given: in the arena, or where it has to be copied first */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[ANSWER_BYTES]);
} bounce SEC(".maps");

char text[TEXT_BYTES];

#define TIMES(x) UNROLL4(UNROLL4(x))

/* As many pairs of load and store as there are words */
#define COPY(to, from, bytes)							\
	_Pragma("unroll")							\
	for (int i_ = 0; i_ < (bytes) / 8; i_++)				\
		((__u64 volatile *)(to))[i_] = ((__u64 volatile __arena *)(from))[i_]

#define HELPER_PROG(name, work)							\
	SEC("?xdp") int name(struct xdp_md *ctx)				\
	{									\
		void __arena *p = (void __arena *)where;			\
										\
		if (!ops)							\
			return 0;						\
		in_arena = 1;							\
		work								\
		return 0;							\
	}

static __noinline void str_over_stack(void __arena *p)
{
	__u64 buf[TEXT_BYTES / 8];

	bpf_probe_read_kernel_str(buf, sizeof(buf), text);
#pragma unroll
	for (int i = 0; i < TEXT_BYTES / 8; i++)
		((__u64 volatile __arena *)p)[i] = buf[i];
}

HELPER_PROG(str_arena, TIMES(bpf_probe_read_kernel_str((void *)p, TEXT_BYTES, text);))
HELPER_PROG(str_bounce, TIMES(str_over_stack(p);))

static __noinline void record_over_ring(void __arena *p)
{
	void *rec = bpf_ringbuf_reserve(&ring, ANSWER_BYTES, 0);

	if (!rec)
		return;
	COPY(rec, p, ANSWER_BYTES);
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
}

HELPER_PROG(ring_arena,
	    TIMES(bpf_ringbuf_output(&ring, (void *)p, ANSWER_BYTES, BPF_RB_NO_WAKEUP);))
HELPER_PROG(ring_bounce, TIMES(record_over_ring(p);))

static __noinline void answer_over_map(struct xdp_md *ctx, void __arena *p)
{
	__u32 zero = 0;
	char *value = bpf_map_lookup_elem(&bounce, &zero);

	if (!value)
		return;
	COPY(value, p, ANSWER_BYTES);
	bpf_xdp_store_bytes(ctx, 0, value, ANSWER_BYTES);
}

HELPER_PROG(xdp_arena, TIMES(bpf_xdp_store_bytes(ctx, 0, (void *)p, ANSWER_BYTES);))
HELPER_PROG(xdp_bounce, TIMES(answer_over_map(ctx, p);))
