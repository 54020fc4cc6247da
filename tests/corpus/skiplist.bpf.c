// SPDX-License-Identifier: GPL-2.0
/* A skip list: several lists over the same nodes, each a quarter as long as the last */
#include "corpus.h"

#define LEVELS 12

struct node {
	u64 key, value;
	u32 levels;
	struct node __arena *next[LEVELS];
};

struct node __arena_global head;
u32 levels = 1;
u64 key, value, result;

static u32 random_levels(void)
{
	u32 r = bpf_get_prandom_u32(), n = 1;

	while ((r & 3) == 0 && n < LEVELS && can_loop) {
		r >>= 2;
		n++;
	}
	return n;
}

SEC("syscall")
int skip_insert(void *ctx)
{
	struct node __arena *update[LEVELS];
	struct node __arena *at = &head, *n;
	u32 i, height;
	int level;

	for (i = 0; i < LEVELS; i++)
		update[i] = &head;
	for (level = LEVELS - 1; level >= 0; level--) {
		while (at->next[level] && at->next[level]->key < key && can_loop)
			at = at->next[level];
		update[level] = at;
	}
	n = at->next[0];
	if (n && n->key == key) {
		n->value = value;
		return 0;
	}
	n = new(struct node);
	if (!n)
		return 1;
	height = random_levels();
	n->key = key;
	n->value = value;
	n->levels = height;
	for (i = 0; i < LEVELS; i++) {
		if (i >= height)
			break;
		n->next[i] = update[i]->next[i];
		update[i]->next[i] = n;
	}
	return 0;
}

SEC("tc")
int skip_find(void *ctx)
{
	struct node __arena *at = &head, *n;
	int level = levels - 1;

	for (; level >= 0 && can_loop; level--) {
		for (n = at->next[level]; n && n->key < key && can_loop; n = at->next[level])
			at = n;
	}
	n = at->next[0];
	if (!n || n->key != key)
		return 0;
	result = n->value;
	return 1;
}

SEC("tc")
int skip_delete(void *ctx)
{
	struct node __arena *at = &head, *n, *gone = NULL;
	int level;

	for (level = LEVELS - 1; level >= 0 && can_loop; level--) {
		while ((n = at->next[level]) && n->key < key && can_loop)
			at = n;
		if (n && n->key == key) {
			gone = n;
			at->next[level] = n->next[level];
		}
	}
	return gone ? 1 : 0;
}
