/* SPDX-License-Identifier: GPL-2.0 */
/* A list in an arena: what program and process share */
#include <bpf/bpf_arena.h>

struct node {
	struct node __arena *next;
	int value;
};

static inline void list_push(struct node __arena * __arena *head, struct node __arena *n)
{
	n->next = *head;
	*head = n;
}

static inline int list_sum(struct node __arena *n)
{
	int sum = 0;

	for (; n && can_loop; n = n->next)
		sum += n->value;
	return sum;
}
