/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is timed on the real CPU: one source, for the JIT and for C. See host/run.c.
 *
 * The code that the JIT makes of it runs outside of the kernel, so it calls no helper,
 * and has no global variables: all is in its context, and in the arena.
 */
#ifndef __NATIVE_H
#define __NATIVE_H

/* Where a process has the arena. Page 0 has nothing in it: its address is NULL. */
#define NATIVE_USER_START (1ULL << 40)

#include <bpf/bpf_arena.h>
#include <bpf/arena/xarray.h>
#include "access.h"
#include "hash.h"

struct native_args {
	__u64 where;	/* list, table, array or words */
	__u64 ops;	/* rounds */
	__u64 start;	/* first number to make a key of; the next one afterwards */
	__u64 mask;	/* of these numbers */
	__u64 factor;	/* of an array's index, to a number */
	__u64 result;	/* sum of the list, or look-ups that found */
};

/* Each is a program, a function in C, and the name of both */
#define NATIVE_PROGS(X)								\
	X(walk) X(load) X(store) X(atomic) X(fetch) X(call) X(find_16) X(find_64)	\
	X(xa_load) X(xa_store)

#define NATIVE static inline __attribute__((always_inline)) void

#define for_each_round(a)							\
	for (__u64 i_ = 0, ops_ = (a)->ops; i_ < ops_ && can_loop; i_++)

/* Nothing that was read stays in a register */
#define forget() asm volatile("" ::: "memory")

NATIVE do_walk(struct native_args *a)
{
	struct node __arena *list = (struct node __arena *)a->where, *n;
	__u64 sum = 0;

	for_each_round(a) {
		forget();
		for (n = list; n && can_loop; n = n->next)
			sum += n->value;
	}
	a->result = sum;
}

/* Words that a round of load, store, atomic and fetch has, a cache line each */
#define ROUND_WORDS 16

#define for_each_word(i) UNROLL_WORDS for (unsigned int i = 0; i < 8 * ROUND_WORDS; i += 8)

NATIVE do_load(struct native_args *a)
{
	volatile __u64 __arena *words = (volatile __u64 __arena *)a->where;
	__u64 sum = 0;

	for_each_round(a)
		for_each_word(i)
			sum += words[i];
	a->result = sum;
}

NATIVE do_store(struct native_args *a)
{
	volatile __u64 __arena *words = (volatile __u64 __arena *)a->where;

	for_each_round(a)
		for_each_word(i)
			words[i] = 1;
}

NATIVE do_atomic(struct native_args *a)
{
	__u64 __arena *words = (__u64 __arena *)a->where;

	for_each_round(a)
		for_each_word(i)
			__sync_fetch_and_add(&words[i], 1);
}

NATIVE do_fetch(struct native_args *a)
{
	__u64 __arena *words = (__u64 __arena *)a->where;
	__u64 sum = 0;

	for_each_round(a)
		for_each_word(i)
			sum += __sync_fetch_and_add(&words[i], 1);
	a->result = sum;
}

static __attribute__((noinline)) __u64 add_word(__u64 __arena *word, __u64 sum)
{
	return sum + *word;
}

NATIVE do_call(struct native_args *a)
{
	__u64 __arena *words = (__u64 __arena *)a->where;
	__u64 sum = 0;

	for_each_round(a) {
		forget();
		sum = add_word(words, sum);
	}
	a->result = sum;
}

/*
 * The loop around look-ups is the test's own, and not part of one. So there are several in
 * a round, with one may_goto.
 */
#define ROUND_LOOKUPS 8

#define FIND(N)									\
NATIVE do_find_##N(struct native_args *a)					\
{										\
	struct table##N __arena *t = (struct table##N __arena *)a->where;	\
	__u64 nr = a->start, mask = a->mask, found = 0;				\
	struct key##N key;							\
										\
	for_each_round(a) {							\
		UNROLL_WORDS							\
		for (int n_ = 0; n_ < ROUND_LOOKUPS; n_++) {			\
			nr = next_nr(nr, mask);					\
			make_key(&key, nr);					\
			asm volatile("" :: "r"(&key) : "memory");		\
			found += !!table##N##_find(t, &key);			\
		}								\
	}									\
	a->start = nr;								\
	a->result = found;							\
}

FIND(16)
FIND(64)

/*
 * What arena_xa_load() and arena_xa_store() do at first, and in the end if no node was used again
 * meanwhile, and if the entry is there; else it would take another loop, or call the kernel. Global
 * functions, as those are, so that the verifier looks at each once; and calls of these may be
 * unrolled. C calls them, too, as it would call a library's.
 */
#ifdef __bpf__
#define NATIVE_FUNC __weak __noinline
#else
#define NATIVE_FUNC static __attribute__((noinline))
#endif

NATIVE_FUNC int xa_get(__arg_arena struct arena_xa __arena *t, __u64 index, __u64 *value)
{
	return value ? __arena_xa_get(t, index, value) : -EINVAL;
}

NATIVE_FUNC int xa_replace(__arg_arena struct arena_xa __arena *t, __u64 index)
{
	__u64 __arena *slot;
	int err;

	slot = __arena_xa_slot(t, index, &err);
	if (!slot)
		return err;
	arena_store_release(slot, index | 1);
	return 0;
}

/* As FIND, of entries of a sparse array */
NATIVE do_xa_load(struct native_args *a)
{
	struct arena_xa __arena *t = (struct arena_xa __arena *)a->where;
	__u64 nr = a->start, mask = a->mask, factor = a->factor, found = 0, value;

	for_each_round(a) {
		UNROLL_WORDS
		for (int n_ = 0; n_ < ROUND_LOOKUPS; n_++) {
			nr = next_nr(nr, mask);
			found += !xa_get(t, nr * factor, &value);
		}
	}
	a->start = nr;
	a->result = found;
}

NATIVE do_xa_store(struct native_args *a)
{
	struct arena_xa __arena *t = (struct arena_xa __arena *)a->where;
	__u64 nr = a->start, mask = a->mask, factor = a->factor, found = 0;

	for_each_round(a) {
		UNROLL_WORDS
		for (int n_ = 0; n_ < ROUND_LOOKUPS; n_++) {
			nr = next_nr(nr, mask);
			found += !xa_replace(t, nr * factor);
		}
	}
	a->start = nr;
	a->result = found;
}

#endif
