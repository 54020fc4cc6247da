// SPDX-License-Identifier: GPL-2.0
/* A red-black tree with parent pointers */
#include "corpus.h"

struct rb {
	struct rb __arena *parent, *child[2];
	u64 key;
	bool red;
};

struct rb __arena * __arena_global root;
u64 key, result;

static void rotate(struct rb __arena *n, int dir)
{
	struct rb __arena *up = n->child[!dir], *parent = n->parent;

	n->child[!dir] = up->child[dir];
	if (up->child[dir])
		up->child[dir]->parent = n;
	up->parent = parent;
	if (!parent)
		root = up;
	else
		parent->child[n == parent->child[1]] = up;
	up->child[dir] = n;
	n->parent = up;
}

static void rebalance(struct rb __arena *n)
{
	struct rb __arena *parent, *grand, *uncle;
	int dir;

	while ((parent = n->parent) && parent->red && can_loop) {
		grand = parent->parent;
		if (!grand)
			break;
		dir = parent == grand->child[1];
		uncle = grand->child[!dir];
		if (uncle && uncle->red) {
			parent->red = false;
			uncle->red = false;
			grand->red = true;
			n = grand;
			continue;
		}
		if (n == parent->child[!dir]) {
			rotate(parent, dir);
			n = parent;
			parent = n->parent;
		}
		parent->red = false;
		grand->red = true;
		rotate(grand, !dir);
	}
	root->red = false;
}

SEC("syscall")
int rb_insert(void *ctx)
{
	struct rb __arena *n = root, *parent = NULL;
	int dir = 0;

	while (n && can_loop) {
		if (n->key == key)
			return 0;
		parent = n;
		dir = key > n->key;
		n = n->child[dir];
	}
	n = new(struct rb);
	if (!n)
		return 1;
	n->key = key;
	n->red = true;
	n->parent = parent;
	if (parent)
		parent->child[dir] = n;
	else
		root = n;
	rebalance(n);
	return 0;
}

static struct rb __arena *first(struct rb __arena *n)
{
	while (n && n->child[0] && can_loop)
		n = n->child[0];
	return n;
}

static struct rb __arena *next(struct rb __arena *n)
{
	if (n->child[1])
		return first(n->child[1]);
	while (n->parent && n == n->parent->child[1] && can_loop)
		n = n->parent;
	return n->parent;
}

SEC("tc")
int rb_sum(void *ctx)
{
	struct rb __arena *n;
	u64 sum = 0;

	for (n = first(root); n && can_loop; n = next(n))
		sum += n->key;
	result = sum;
	return 0;
}

/* The least key that is not less */
SEC("tc")
int rb_lower_bound(void *ctx)
{
	struct rb __arena *n = root, *best = NULL;

	while (n && can_loop) {
		if (n->key >= key) {
			best = n;
			n = n->child[0];
		} else {
			n = n->child[1];
		}
	}
	if (!best)
		return 1;
	result = best->key;
	return 0;
}

/* Black nodes on the way down are the same in number everywhere */
SEC("tc")
int rb_check(void *ctx)
{
	struct rb __arena *n, *up;
	int black, expected = -1;

	for (n = first(root); n && can_loop; n = next(n)) {
		if (n->red && n->parent && n->parent->red)
			return 1;
		if (n->child[0] && n->child[1])
			continue;
		black = 0;
		for (up = n; up && can_loop; up = up->parent)
			black += !up->red;
		if (expected < 0)
			expected = black;
		else if (expected != black)
			return 2;
	}
	return 0;
}
