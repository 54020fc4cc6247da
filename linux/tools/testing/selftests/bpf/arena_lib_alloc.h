/* SPDX-License-Identifier: GPL-2.0 */
/* <bpf/arena/alloc.h>: what program and process do with one heap */
#ifndef ARENA_LIB_ALLOC_H
#define ARENA_LIB_ALLOC_H
#define ARENA_HEAP_CPUS 2 /* more callers that meet */
#include <bpf/arena/alloc.h>
#include "arena_lib.h"

#define ALLOC_SLOTS 64

struct alloc_test {
	struct arena_heap __arena *heap;
	void __arena *result;
	void __arena *slot[ALLOC_SLOTS];
	__u64 n;
	__u32 done, none, overlap, refused, late, interrupts;
};

enum {
	ALLOC_MALLOC, ALLOC_CALLOC, ALLOC_ALIGNED, ALLOC_REALLOC, ALLOC_FREE, ALLOC_USABLE,
	NR_ALLOC_OPS, ALLOC_STRESS, ALLOC_ADD, ALLOC_GROW, ALLOC_INIT,
};

#ifdef __bpf__
struct alloc_test __arena_global alloc;
#define ALLOC_T (&alloc)
#define ALLOC_HEAP alloc.heap
#else
static struct alloc_test *alloc_t;
static struct arena_heap *alloc_heap; /* not in the arena, where a bad heap would write to it */
#define ALLOC_T alloc_t
#define ALLOC_HEAP alloc_heap
#endif

static inline __u64 alloc_next(__u64 seed)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^ seed << 17;
}

/* The first and the last word of an object of two words or more say whose it is */
static inline void alloc_sign(__u64 __arena *p, __u64 size, __u64 sign)
{
	arena_write_once(&p[0], size);
	arena_write_once(&p[1], sign);
	arena_write_once(&p[size / 8 - 1], sign);
}

static inline int alloc_signed(__u64 __arena *p)
{
	__u64 size = arena_read_once(&p[0]), sign = (__u64)p ^ 0x1234567;

	if (size < 16 || size > 1 << 20 || !arena_ok(p, size))
		return 0;
	if (arena_read_once(&p[1]) != sign)
		return 0;
	return size == 16 || arena_read_once(&p[size / 8 - 1]) == sign;
}

/* Random objects go into slots; whoever finds one in the slot looks at it and frees it */
static inline int alloc_stress(struct alloc_test __arena *t, __u32 rounds, __u64 seed)
{
	struct arena_heap __arena *heap = ALLOC_HEAP;
	__u64 __arena *p, *old;
	__u64 size;
	__u32 i;

	arena_rounds(i, rounds) {
		seed = alloc_next(seed);
		size = seed >> 20 & 1 ? 16 + (seed >> 8 & 0xff8) :
					16 + (seed >> 8 & (seed >> 21 & 7 ? 0x78 : 0x7ff8));
		if (size == 16 + 8)
			size = 16;
		p = (__u64 __arena *)arena_malloc(heap, size);
		if (p) {
			if (!arena_ok(p, size))
				return -EFAULT;
			alloc_sign(p, size, (__u64)p ^ 0x1234567);
		} else {
			arena_fetch_add(&t->none, 1);
		}
		old = (__u64 __arena *)arena_xchg(&t->slot[(seed >> 40) % ALLOC_SLOTS],
						  (void __arena *)p);
		if (!old)
			continue;
		if (!arena_ok(old, 16) || !alloc_signed(old)) {
			arena_fetch_add(&t->overlap, 1);
			continue;
		}
		size = arena_read_once(&old[0]);
		if (seed & 1 ? arena_free(heap, old) : arena_free_sized(heap, old, size))
			arena_fetch_add(&t->refused, 1);
		arena_fetch_add(&t->done, 1);
	}
	if (i < rounds)
		arena_fetch_add(&t->late, 1);
	return 0;
}

static inline int lib_op(struct lib_call *c)
{
	struct alloc_test __arena *t = ALLOC_T;
	struct arena_heap __arena *heap = ALLOC_HEAP;

	switch (c->op) {
	case ALLOC_MALLOC:
		t->result = arena_malloc(heap, c->a);
		return 0;
	case ALLOC_CALLOC:
		t->result = arena_calloc(heap, c->b, c->a);
		return 0;
	case ALLOC_ALIGNED:
		t->result = arena_aligned_alloc(heap, c->b, c->a);
		return 0;
	case ALLOC_REALLOC:
		t->result = arena_realloc(heap, (void __arena *)c->b, c->a);
		return 0;
	case ALLOC_FREE:
		return arena_free(heap, (void __arena *)c->b);
	case ALLOC_USABLE:
		t->n = arena_usable_size(heap, (void __arena *)c->b);
		return 0;
	case ALLOC_STRESS:
		return alloc_stress(t, c->a, c->b);
	case ALLOC_ADD:
		return arena_heap_add(heap, (void __arena *)c->b, c->a);
	case ALLOC_INIT:
		return arena_heap_init(heap, (void __arena *)c->b, c->a, 12345);
	}
	return -1;
}
#endif
