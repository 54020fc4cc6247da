// SPDX-License-Identifier: GPL-2.0
/* A binary search tree, and ways to walk it */
#include "corpus.h"

struct node {
	struct node __arena *left, *right;
	u64 key;
	u64 value;
};

struct node __arena * __arena_global root;
u64 key, value, low, high, result;

SEC("syscall")
int bst_insert(void *ctx)
{
	struct node __arena *n, *parent = NULL, *at = root;

	while (at && can_loop) {
		parent = at;
		if (key == at->key) {
			at->value = value;
			return 0;
		}
		at = key < at->key ? at->left : at->right;
	}
	n = new(struct node);
	if (!n)
		return 1;
	n->key = key;
	n->value = value;
	if (!parent)
		root = n;
	else if (key < parent->key)
		parent->left = n;
	else
		parent->right = n;
	return 0;
}

SEC("tc")
int bst_find(void *ctx)
{
	struct node __arena *n = root;

	while (n && can_loop) {
		if (key < n->key) {
			n = n->left;
		} else if (key > n->key) {
			n = n->right;
		} else {
			result = n->value;
			return 1;
		}
	}
	return 0;
}

SEC("tc")
int bst_delete(void *ctx)
{
	struct node __arena *n = root, *parent = NULL, *child, *heir;

	while (n && n->key != key && can_loop) {
		parent = n;
		n = key < n->key ? n->left : n->right;
	}
	if (!n)
		return 0;
	if (n->left && n->right) {
		parent = n;
		heir = n->right;
		while (heir->left && can_loop) {
			parent = heir;
			heir = heir->left;
		}
		n->key = heir->key;
		n->value = heir->value;
		n = heir;
	}
	child = n->left ? n->left : n->right;
	if (!parent)
		root = child;
	else if (parent->left == n)
		parent->left = child;
	else
		parent->right = child;
	return 1;
}

#define DEPTH 32

/* In order, by a stack on the program's stack */
SEC("tc")
int bst_walk(void *ctx)
{
	struct node __arena *stack[DEPTH];
	struct node __arena *n = root;
	u32 top = 0;
	u64 sum = 0;

	while ((n || top) && can_loop) {
		if (n) {
			if (top >= DEPTH)
				return 1;
			stack[top++] = n;
			n = n->left;
		} else {
			if (top > DEPTH)
				return 1;
			n = stack[--top & (DEPTH - 1)];
			sum += n->value;
			n = n->right;
		}
	}
	result = sum;
	return 0;
}

struct node __arena * __arena_global arena_stack[64];

/* The same by a stack in the arena, and only what is from low to high */
SEC("tc")
int bst_range(void *ctx)
{
	struct node __arena *n = root;
	u32 top = 0, found = 0;

	for (;;) {
		cond_break;
		if (n) {
			if (n->key < low) {
				n = n->right;
				continue;
			}
			if (top == 64)
				break;
			arena_stack[top++] = n;
			n = n->left;
			continue;
		}
		if (!top)
			break;
		n = arena_stack[--top];
		if (n->key > high)
			break;
		found++;
		result += n->value;
		n = n->right;
	}
	return found;
}

/* Level by level, with a queue */
SEC("tc")
int bst_levels(void *ctx)
{
	struct node __arena *n;
	u32 head = 0, tail = 0, level = 0, end;

	if (!root)
		return 0;
	arena_stack[tail++] = root;
	do {
		end = tail;
		level++;
		while (head != end && can_loop) {
			n = arena_stack[head++ % 64];
			if (n->left)
				arena_stack[tail++ % 64] = n->left;
			if (n->right)
				arena_stack[tail++ % 64] = n->right;
		}
	} while (head != tail && can_loop);
	return level;
}

/* Morris': threads in the tree itself instead of a stack */
SEC("tc")
int bst_morris(void *ctx)
{
	struct node __arena *n = root, *p;
	u64 sum = 0;

	while (n && can_loop) {
		if (!n->left) {
			sum += n->key;
			n = n->right;
			continue;
		}
		p = n->left;
		while (p->right && p->right != n && can_loop)
			p = p->right;
		if (!p->right) {
			p->right = n;
			n = n->left;
		} else {
			p->right = NULL;
			sum += n->key;
			n = n->right;
		}
	}
	result = sum;
	return 0;
}
