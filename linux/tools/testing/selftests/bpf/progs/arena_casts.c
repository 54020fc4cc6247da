// SPDX-License-Identifier: GPL-2.0
/*
 * Written for a compiler that knows no address spaces and emits no casts, such
 * as clang 14: the macros of bpf_arena.h do it.
 */
#undef __BPF_FEATURE_ADDR_SPACE_CAST
#undef __BPF_FEATURE_MAY_GOTO
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "../arena_linked.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct link_node *__arena_global head = NULL;
int __arena_global initial = 5;

/* nodes with the values 1 to 4 on a page of their own, the latest in front */
SEC("syscall")
int build(void *ctx)
{
	struct link_node *page, *n, **headp = &head;
	int i;

	page = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	if (!page)
		return -1;
	cast_kern(page);
	cast_kern(headp);
	for (i = 0; i < 4; i++) {
		n = &page[i];
		n->value = i + 1;
		n->next = *headp;
		cast_user(n);
		*headp = n;
	}
	return 0;
}

SEC("syscall")
int sum(void *ctx)
{
	struct link_node *n, **headp = &head;
	int *initialp = &initial, result;

	cast_kern(initialp);
	result = *initialp;
	cast_kern(headp);
	for (n = *headp; n && can_loop; n = n->next) {
		cast_kern(n);
		result += n->value;
	}
	return result;
}

/* the loop ends even if a process has made the list a circle */
SEC("syscall")
int count(void *ctx)
{
	struct link_node *n, **headp = &head;
	int rounds = 0;

	cast_kern(headp);
	n = *headp;
	while (n) {
		cast_kern(n);
		n = n->next;
		rounds++;
		cond_break;
	}
	return rounds;
}

char _license[] SEC("license") = "GPL";
