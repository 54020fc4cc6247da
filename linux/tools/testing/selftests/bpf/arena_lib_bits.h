/* SPDX-License-Identifier: GPL-2.0 */
/* <bpf/arena/bitmap.h>: what program and process do to one bitmap */
#ifndef ARENA_LIB_BITS_H
#define ARENA_LIB_BITS_H
#include <bpf/arena/bitmap.h>
#include "arena_lib.h"

#define BITS 700

struct bits_test {
	__u64 map[ARENA_BITMAP_WORDS(BITS) + 1]; /* the last one belongs to nobody */
	__u32 claimed, clashes, late;
	__u32 owner[BITS];
};

enum {
	BITS_TEST, BITS_SET, BITS_CLEAR, BITS_FIND, BITS_FIND_ZERO, BITS_COUNT, BITS_CLAIM,
	BITS_RELEASE, BITS_STRESS, NR_BITS_OPS,
};

#ifdef __bpf__
struct bits_test __arena_global bits;
#define BITS_T (&bits)
#else
static struct bits_test *bits_t;
#define BITS_T bits_t
#endif

/* Claims runs and releases them; whoever finds another's mark in its run has a clash */
static inline int bits_stress(struct bits_test __arena *t, __u32 rounds, __u32 n)
{
	__u32 i, j, bit, from = n * 37;

	arena_rounds(i, rounds) {
		bit = arena_bitmap_claim(t->map, BITS, n, 1, from % BITS);
		from = from * 5 + 7;
		if (bit >= BITS)
			continue;
		arena_rounds(j, n)
			if (arena_cmpxchg(&t->owner[bit + j], 0, 1))
				arena_fetch_add(&t->clashes, 1);
		arena_rounds(j, n)
			arena_cmpxchg(&t->owner[bit + j], 1, 0);
		if (j < n) { /* the program's time is over, on a slow machine */
			arena_fetch_add(&t->late, 1);
			return 0;
		}
		arena_fetch_add(&t->claimed, 1);
		if (arena_bitmap_release(t->map, bit, n))
			arena_fetch_add(&t->clashes, 1);
	}
	return 0;
}

static inline int lib_op(struct lib_call *c)
{
	struct bits_test __arena *t = BITS_T;

	switch (c->op) {
	case BITS_TEST:
		return arena_bitmap_test(t->map, c->a);
	case BITS_SET:
		return arena_bitmap_set(t->map, c->a);
	case BITS_CLEAR:
		return arena_bitmap_clear(t->map, c->a);
	case BITS_FIND:
		return arena_bitmap_find(t->map, BITS, c->a);
	case BITS_FIND_ZERO:
		return arena_bitmap_find_zero(t->map, BITS, c->a);
	case BITS_COUNT:
		return arena_bitmap_count(t->map, c->a);
	case BITS_CLAIM:
		return arena_bitmap_claim(t->map, BITS, c->a, c->b, c->c);
	case BITS_RELEASE:
		return arena_bitmap_release(t->map, c->a, c->b);
	case BITS_STRESS:
		return bits_stress(t, c->a, c->b);
	}
	return -1;
}
#endif
