// SPDX-License-Identifier: GPL-2.0
/*
 * Has everything that bpf_arena.h offers to a program. TYPES is where the
 * kernel's types come from, if not from bpf_arena.h.
 */
#ifdef TYPES
#include TYPES
#endif
#include "tree.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | BPF_F_NO_USER_CONV);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct tree_node __arena_global root;

_Static_assert(BPF_MAP_TYPE_ARENA == 33, "map type");
_Static_assert(BPF_F_SEGV_ON_FAULT == 1 << 17, "flag");
_Static_assert(BPF_F_NO_USER_CONV == 1 << 18, "flag");

__attribute__((noinline)) int key_of(struct tree_node __arena *n __arg_arena)
{
	cast_kern(n);
	return n ? n->key : 0;
}

SEC("syscall")
int prog(void *ctx)
{
	struct tree_node __arena *n = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	__u32 __arena *key;

	if (!n || bpf_arena_reserve_pages(&arena, (void __arena *)n + arena_page_size(), PAGE_SIZE / 4096))
		return 1;
	tree_insert(&root, n);
	key = &n->key;
	cast_user(n);
	if (arena_container_of(key, struct tree_node, key) != n || tree_find(&root, 1))
		return key_of(n);
	bpf_arena_free_pages(&arena, n, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
