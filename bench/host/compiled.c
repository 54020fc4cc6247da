// SPDX-License-Identifier: GPL-2.0
/*
 * native.h as C. With COUNTED, each round of a loop counts down as may_goto does: what
 * that takes when everything else is C.
 */
#include <limits.h>
#include <bpf/bpf_arena.h>

#ifdef COUNTED
static long budget = LONG_MAX;

#undef can_loop
#define can_loop								\
	({									\
		int go_;							\
										\
		asm volatile("subq $1, %1" : "=@ccns"(go_), "+m"(budget));	\
		go_;								\
	})
#define ENTRIES counted
#else
#define ENTRIES compiled
#endif

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
