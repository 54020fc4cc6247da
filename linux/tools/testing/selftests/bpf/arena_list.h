/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A doubly linked list in an arena, for program and process alike. Neither a
 * lock nor RCU: the tests use it from one side at a time.
 */
#ifndef __ARENA_LIST_H
#define __ARENA_LIST_H

#include <bpf/bpf_arena.h>

struct list_node {
	struct list_node __arena *next;
	struct list_node __arena * __arena *pprev;
};

struct shared_list {
	struct list_node __arena *first;
};

struct list_elem {
	__u64 value;
	struct list_node node;
};

static inline void list_add_node(struct list_node __arena *n, struct shared_list __arena *l)
{
	struct list_node __arena *first = l->first;

	n->next = first;
	n->pprev = &l->first;
	if (first)
		first->pprev = &n->next;
	l->first = n;
}

static inline void list_del_node(struct list_node __arena *n)
{
	struct list_node __arena *next = n->next;
	struct list_node __arena * __arena *pprev = n->pprev;

	*pprev = next;
	if (next)
		next->pprev = pprev;
}

static inline struct list_elem __arena *list_elem_of(struct list_node __arena *n)
{
	return arena_container_of(n, struct list_elem, node);
}

static inline __u64 list_sum_of(struct shared_list __arena *l)
{
	struct list_node __arena *n;
	__u64 sum = 0;

	for (n = l->first; n && can_loop; n = n->next)
		sum += list_elem_of(n)->value;
	return sum;
}

#endif
