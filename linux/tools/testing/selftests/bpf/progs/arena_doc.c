// SPDX-License-Identifier: GPL-2.0
/* The program of the example in Documentation/bpf/arena.rst, which quotes it */

/* [program] */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "arena_doc.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16); /* pages */
} arena SEC(".maps");

struct visit __arena * __arena_global head; /* lies in the arena */

SEC("syscall")
int add_visits(void *ctx)
{
	struct visit __arena *v;
	int i;

	v = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	if (!v)
		return 1;
	for (i = 1; i <= 10 && can_loop; i++, v++) {
		v->value = i;
		v->next = head;
		head = v;
	}
	return 0;
}

SEC("syscall")
int sum_visits(void *ctx)
{
	return sum_of(head);
}

char _license[] SEC("license") = "GPL";
/* [program end] */
