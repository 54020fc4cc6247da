/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/arena_loops.c has in its arena */
#pragma once

#include <bpf/bpf_arena.h>

struct slot {
	int busy, flag, val;
};

struct node {
	struct node __arena *left, *right;
	int val;
};
