// SPDX-License-Identifier: GPL-2.0
/* More trees: a treap, a B-tree's search, segment and Fenwick trees, intervals */
#include "corpus.h"

struct treap {
	struct treap __arena *left, *right;
	u64 key;
	u32 priority;
	u32 size;
};

struct treap __arena * __arena_global root;
struct treap __arena * __arena_global path[64];
u64 key, low, high, result;

static void fix(struct treap __arena *t)
{
	t->size = 1 + (t->left ? t->left->size : 0) + (t->right ? t->right->size : 0);
}

SEC("syscall")
int treap_insert(void *ctx)
{
	struct treap __arena *t = root, *parent, *n;
	u32 depth = 0;

	while (t && depth < 64 && can_loop) {
		if (t->key == key)
			return 0;
		path[depth++] = t;
		t = key < t->key ? t->left : t->right;
	}
	n = new(struct treap);
	if (!n)
		return 1;
	n->key = key;
	n->priority = bpf_get_prandom_u32();
	n->size = 1;
	if (!depth) {
		root = n;
		return 0;
	}
	if (key < path[depth - 1]->key)
		path[depth - 1]->left = n;
	else
		path[depth - 1]->right = n;
	while (depth && can_loop) {
		parent = path[--depth];
		if (parent->priority >= n->priority) {
			fix(parent);
			continue;
		}
		if (parent->left == n) {
			parent->left = n->right;
			n->right = parent;
		} else {
			parent->right = n->left;
			n->left = parent;
		}
		fix(parent);
		fix(n);
		if (!depth)
			root = n;
		else if (path[depth - 1]->left == parent)
			path[depth - 1]->left = n;
		else
			path[depth - 1]->right = n;
	}
	return 0;
}

/* How many keys are less? */
SEC("tc")
int treap_rank(void *ctx)
{
	struct treap __arena *t = root;
	u32 rank = 0;

	while (t && can_loop) {
		if (key <= t->key) {
			t = t->left;
		} else {
			rank += 1 + (t->left ? t->left->size : 0);
			t = t->right;
		}
	}
	return rank;
}

#define ORDER 16

struct bnode {
	u16 n;
	bool leaf;
	u64 keys[ORDER - 1];
	u64 values[ORDER - 1];
	struct bnode __arena *child[ORDER];
};

struct bnode __arena * __arena_global broot;

SEC("tc")
int btree_find(void *ctx)
{
	struct bnode __arena *b = broot;
	u32 i;

	while (b && can_loop) {
		for (i = 0; i < b->n && b->keys[i] < key && can_loop; i++)
			;
		if (i < b->n && b->keys[i] == key) {
			result = b->values[i];
			return 1;
		}
		if (b->leaf)
			break;
		b = b->child[i];
	}
	return 0;
}

static struct bnode __arena *new_bnode(bool leaf)
{
	struct bnode __arena *b = new(struct bnode);

	if (b) {
		b->leaf = leaf;
		b->n = 0;
	}
	return b;
}

static int split_child(struct bnode __arena *parent, u32 at)
{
	struct bnode __arena *left = parent->child[at], *right = new_bnode(left->leaf);
	u32 i, mid = (ORDER - 1) / 2;

	if (!right)
		return 1;
	right->n = ORDER - 2 - mid;
	for (i = 0; i < right->n && can_loop; i++) {
		right->keys[i] = left->keys[mid + 1 + i];
		right->values[i] = left->values[mid + 1 + i];
	}
	for (i = 0; !left->leaf && i <= right->n && can_loop; i++)
		right->child[i] = left->child[mid + 1 + i];
	left->n = mid;
	for (i = parent->n; i > at && can_loop; i--) {
		parent->keys[i] = parent->keys[i - 1];
		parent->values[i] = parent->values[i - 1];
		parent->child[i + 1] = parent->child[i];
	}
	parent->keys[at] = left->keys[mid];
	parent->values[at] = left->values[mid];
	parent->child[at + 1] = right;
	parent->n++;
	return 0;
}

SEC("syscall")
int btree_insert(void *ctx)
{
	struct bnode __arena *b = broot;
	int i;

	if (!b) {
		b = new_bnode(true);
		if (!b)
			return 1;
		broot = b;
	}
	if (b->n == ORDER - 1) {
		b = new_bnode(false);
		if (!b)
			return 1;
		b->child[0] = broot;
		if (split_child(b, 0))
			return 1;
		broot = b;
	}
	while (!b->leaf && can_loop) {
		for (i = 0; i < b->n && b->keys[i] < key && can_loop; i++)
			;
		if (b->child[i]->n == ORDER - 1) {
			if (split_child(b, i))
				return 1;
			if (b->keys[i] < key)
				i++;
		}
		b = b->child[i];
	}
	for (i = b->n; i > 0 && b->keys[i - 1] > key && can_loop; i--) {
		b->keys[i] = b->keys[i - 1];
		b->values[i] = b->values[i - 1];
	}
	b->keys[i] = key;
	b->values[i] = low;
	b->n++;
	return 0;
}

#define LEAVES 1024

u64 __arena_global segment[2 * LEAVES], fenwick[LEAVES + 1];

SEC("tc")
int segment_update(void *ctx)
{
	u32 i = LEAVES + key % LEAVES;

	segment[i] = high;
	for (i /= 2; i >= 1 && can_loop; i /= 2) {
		u64 l = segment[2 * i], r = segment[2 * i + 1];

		segment[i] = l > r ? l : r;
	}
	return 0;
}

SEC("tc")
int segment_max(void *ctx)
{
	u32 l = LEAVES + low % LEAVES, r = LEAVES + high % LEAVES + 1;
	u64 most = 0;

	while (l < r && can_loop) {
		if (l & 1) {
			if (segment[l] > most)
				most = segment[l];
			l++;
		}
		if (r & 1) {
			r--;
			if (segment[r] > most)
				most = segment[r];
		}
		l >>= 1;
		r >>= 1;
	}
	result = most;
	return 0;
}

SEC("tc")
int fenwick_add(void *ctx)
{
	u32 i;

	for (i = key % LEAVES + 1; i <= LEAVES && can_loop; i += i & -i)
		fenwick[i] += low;
	return 0;
}

SEC("tc")
int fenwick_sum(void *ctx)
{
	u64 sum = 0;
	u32 i = key % LEAVES + 1;

	for (; i && can_loop; i &= i - 1)
		sum += fenwick[i];
	result = sum;
	return 0;
}

struct interval {
	struct interval __arena *left, *right;
	u64 from, to, last; /* last: of the whole subtree */
};

struct interval __arena * __arena_global intervals;

SEC("syscall")
int interval_add(void *ctx)
{
	struct interval __arena * __arena *pos, *n, *first;

	n = new(struct interval);
	if (!n)
		return 1;
	n->from = low;
	n->to = high;
	n->last = high;
	if (!intervals) {
		intervals = n;
		return 0;
	}
	for (first = intervals; can_loop; first = *pos) {
		if (first->last < high)
			first->last = high;
		pos = low < first->from ? &first->left : &first->right;
		if (!*pos) {
			*pos = n;
			return 0;
		}
	}
	return 1;
}

SEC("tc")
int interval_find(void *ctx)
{
	struct interval __arena *i = intervals;

	while (i && can_loop) {
		if (i->from <= key && key <= i->to) {
			low = i->from;
			high = i->to;
			return 1;
		}
		if (i->left && i->left->last >= key)
			i = i->left;
		else
			i = i->right;
	}
	return 0;
}
