// SPDX-License-Identifier: GPL-2.0
/* A singly linked list */
#include "corpus.h"

struct node {
	struct node __arena *next;
	u64 key;
	u64 value;
};

struct node __arena * __arena_global head;
u64 key, value, result;
u32 count;

SEC("syscall")
int list_fill(void *ctx)
{
	struct node __arena *n;
	u32 i;

	for (i = 0; i < count && can_loop; i++) {
		n = new(struct node);
		if (!n)
			return 1;
		n->key = i;
		n->value = value;
		n->next = head;
		head = n;
	}
	return 0;
}

SEC("tc")
int list_sum(void *ctx)
{
	struct node __arena *n;
	u64 sum = 0;

	for (n = head; n && can_loop; n = n->next)
		sum += n->value;
	result = sum;
	return 0;
}

SEC("tc")
int list_find(void *ctx)
{
	struct node __arena *n = head;

	while (n && can_loop) {
		if (n->key == key) {
			result = n->value;
			return 1;
		}
		n = n->next;
	}
	return 0;
}

SEC("tc")
int list_reverse(void *ctx)
{
	struct node __arena *done = NULL, *n = head, *next;

	while (n && can_loop) {
		next = n->next;
		n->next = done;
		done = n;
		n = next;
	}
	head = done;
	return 0;
}

/* Floyd's: a fast pointer meets a slow one where there is a circle */
SEC("tc")
int list_has_cycle(void *ctx)
{
	struct node __arena *slow = head, *fast = head;

	while (fast && fast->next && can_loop) {
		slow = slow->next;
		fast = fast->next->next;
		if (slow == fast)
			return 1;
	}
	return 0;
}

SEC("tc")
int list_remove_all(void *ctx)
{
	struct node __arena * __arena *pos, *n;
	u32 removed = 0;

	if (!head)
		return 0;
	while (head && head->key == key && can_loop)
		head = head->next;
	if (!head)
		return 0;
	pos = &head->next;
	while ((n = *pos) && can_loop) {
		if (n->key == key) {
			*pos = n->next;
			removed++;
		} else {
			pos = &n->next;
		}
	}
	return removed;
}

/* Two sorted lists become one */
static struct node __arena *merge(struct node __arena *a, struct node __arena *b)
{
	struct node __arena *first = NULL, *last = NULL, *n;

	while (a && b && can_loop) {
		if (a->key <= b->key) {
			n = a;
			a = a->next;
		} else {
			n = b;
			b = b->next;
		}
		if (last)
			last->next = n;
		else
			first = n;
		last = n;
	}
	n = a ? a : b;
	if (last)
		last->next = n;
	else
		first = n;
	return first;
}

static struct node __arena *split(struct node __arena *n, u32 length)
{
	struct node __arena *rest;
	u32 i;

	for (i = 1; n && i < length && can_loop; i++)
		n = n->next;
	if (!n)
		return NULL;
	rest = n->next;
	n->next = NULL;
	return rest;
}

SEC("tc")
int list_merge_sort(void *ctx)
{
	struct node __arena *rest, *left, *right, *sorted, *last;
	u32 length, merges;

	for (length = 1; can_loop; length *= 2) {
		rest = head;
		sorted = NULL;
		last = NULL;
		merges = 0;
		while (rest && can_loop) {
			left = rest;
			right = split(left, length);
			rest = split(right, length);
			left = merge(left, right);
			if (last)
				last->next = left;
			else
				sorted = left;
			last = left;
			while (last->next && can_loop)
				last = last->next;
			merges++;
		}
		head = sorted;
		if (merges <= 1)
			break;
	}
	return 0;
}

SEC("tc")
int list_insertion_sort(void *ctx)
{
	struct node __arena *sorted = NULL, *n = head, *next, *at;

	for (; n && can_loop; n = next) {
		next = n->next;
		if (!sorted || n->key < sorted->key) {
			n->next = sorted;
			sorted = n;
			continue;
		}
		for (at = sorted; at->next && at->next->key <= n->key && can_loop; at = at->next)
			;
		n->next = at->next;
		at->next = n;
	}
	head = sorted;
	return 0;
}
