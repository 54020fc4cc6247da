// SPDX-License-Identifier: GPL-2.0
/* The process's side, in C and in C++ */
#include "tree.h"
#include "skel.h"
#include <bpf/bpf.h>
#include <assert.h>

/* The name is the process's: <sys/user.h>, for example, has it as well. */
#define PAGE_SIZE 4096
static char page[PAGE_SIZE];

#ifndef __cplusplus
#define static_assert _Static_assert
#endif
static_assert(BPF_MAP_TYPE_ARENA == 33, "map type");
static_assert(BPF_F_SEGV_ON_FAULT == 1 << 17, "flag");
static_assert(BPF_F_NO_USER_CONV == 1 << 18, "flag");

int main(void)
{
	struct tree_node nodes[3] = {};
	int i;

	for (i = 0; i < 3; i++) {
		nodes[i].key = i * 5 % 3 + 1;
		if (i)
			tree_insert(&nodes[0], &nodes[i]);
	}
	for (i = 0; i < 3; i++)
		assert(tree_find(&nodes[0], nodes[i].key) == &nodes[i]);
	assert(!tree_find(&nodes[0], 4));
	assert(arena_container_of(&nodes[1].key, struct tree_node, key) == &nodes[1]);
	assert(!bpf_arena_alloc_pages(NULL, NULL, 1, -1, 0) && arena_page_size() >= sizeof(page));
	return bpf_map_create(BPF_MAP_TYPE_ARENA, "arena", 0, 0, 1, NULL) >= 0;
}
