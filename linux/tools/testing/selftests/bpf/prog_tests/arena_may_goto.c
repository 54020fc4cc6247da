// SPDX-License-Identifier: GPL-2.0
/* Convergence of loops that may_goto bounds: see progs/arena_may_goto.c */
#include <test_progs.h>
#include "arena_may_goto.skel.h"

void test_arena_may_goto(void)
{
	RUN_TESTS(arena_may_goto);
}
