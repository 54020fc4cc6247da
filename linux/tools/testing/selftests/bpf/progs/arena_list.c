// SPDX-License-Identifier: GPL-2.0
/* The program's side of a list that the process walks and changes as well */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "../arena_list.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
} arena SEC(".maps");

struct shared_list __arena_global list;
__u32 cnt;
__u64 sum;

/* one element at the start of each of cnt pages */
SEC("syscall")
int list_add(void *ctx)
{
	struct list_elem __arena *e;
	__u32 i;

	for (i = 0; i < cnt && can_loop; i++) {
		e = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
		if (!e)
			return i;
		e->value = i;
		list_add_node(&e->node, &list);
	}
	return i;
}

SEC("syscall")
int list_sum(void *ctx)
{
	sum = list_sum_of(&list);
	return 0;
}

/* take every other element off, and give its page back */
SEC("syscall")
int list_thin_out(void *ctx)
{
	struct list_node __arena *n = list.first;
	struct list_node __arena *next;
	int removed = 0;

	while (n && can_loop) {
		next = n->next;
		if (next) {
			n = next->next;
			list_del_node(next);
			bpf_arena_free_pages(&arena, list_elem_of(next), 1);
			removed++;
			continue;
		}
		n = next;
	}
	return removed;
}

char _license[] SEC("license") = "GPL";
