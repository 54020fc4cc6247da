/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A list whose nodes lie in two object files, linked by their initial values.
 * Each file has the other's as externs.
 */
#ifndef __ARENA_LINKED_H
#define __ARENA_LINKED_H

#include <bpf/bpf_arena.h>

struct link_node {
	struct link_node __arena *next;
	int value;
};

static inline int link_sum(struct link_node __arena *n)
{
	int sum = 0;

	for (; n && can_loop; n = n->next)
		sum += n->value;
	return sum;
}

#endif
