/* SPDX-License-Identifier: GPL-2.0 */
/* A tree that program and process share. It needs no header but this one. */
#ifndef TREE_H
#define TREE_H

#include <bpf/bpf_arena.h>

struct tree_node {
	struct tree_node __arena *child[2];
	__u32 key;
};

static inline struct tree_node __arena *tree_find(struct tree_node __arena *n, __u32 key)
{
	while (n && n->key != key && can_loop)
		n = n->child[key > n->key];
	return n;
}

static inline void tree_insert(struct tree_node __arena *root, struct tree_node __arena *new_node)
{
	struct tree_node __arena *n = root;

	for (;;) {
		int side = new_node->key > n->key;

		if (!n->child[side]) {
			n->child[side] = new_node;
			break;
		}
		n = n->child[side];
		cond_break;
	}
}

#endif
