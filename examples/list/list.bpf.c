// SPDX-License-Identifier: GPL-2.0
/* The program: it starts the list, and later walks what the process has added */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "list.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16); /* pages */
} arena SEC(".maps");

struct node __arena * __arena_global head;

SEC("syscall")
int push(void *ctx)
{
	struct node __arena *n = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	int i;

	if (!n)
		return 1;
	for (i = 1; i <= 10 && can_loop; i++, n++) {
		n->value = i;
		list_push(&head, n);
	}
	return 0;
}

SEC("syscall")
int sum(void *ctx)
{
	return list_sum(head);
}

char _license[] SEC("license") = "GPL";
