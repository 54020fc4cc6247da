// SPDX-License-Identifier: GPL-2.0
/*
 * native.h as C. With COUNTED, each round of a loop counts down as may_goto does: what
 * that takes when everything else is C. With PADDED it moves constants besides, which
 * nothing waits for, so many that a look-up of a key of 16 bytes, one element to a chain,
 * has as many instructions as the JIT's, 45: what it takes that they have to go through
 * the CPU at all.
 */
#include <limits.h>
#include <bpf/bpf_arena.h>
#include <bpf/arena/common.h>

#ifdef PADDED
#define MOVE "\n\tmov $1, %k2"
#define PADDING MOVE MOVE MOVE MOVE MOVE MOVE MOVE
#define ENTRIES padded
#elif defined(COUNTED)
#define PADDING ""
#define ENTRIES counted
#else
#define ENTRIES compiled
#endif

#ifdef PADDING
static long budget = LONG_MAX;

#undef can_loop
#define can_loop								\
	({									\
		int go_, pad_;							\
										\
		asm volatile("subq $1, %1" PADDING				\
			     : "=@ccns"(go_), "+m"(budget), "=r"(pad_));	\
		go_;								\
	})
#endif

/* C is to check nothing that the JIT's code does not, and knows where the arena is. */
#undef arena_ok
#define arena_ok(p, size) 1
#undef arena_at
#define arena_at(low) ((void *)(NATIVE_USER_START | (__u32)(low)))

#include "../native.h"
#include "run.h"

#define FUNCTION(name)								\
	static int c_##name(struct native_args *a)				\
	{									\
		do_##name(a);							\
		return 0;							\
	}

NATIVE_PROGS(FUNCTION)

#define ENTRY(name) { #name, c_##name },

const struct compiled ENTRIES[] = { NATIVE_PROGS(ENTRY) {} };
