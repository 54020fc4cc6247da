// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/* Follows the pointers of another process, which has nothing to do with BPF */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "list.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* the pinned one's */
} arena SEC(".maps");

__u64 head, sum, nodes, add;

SEC("syscall")
int walk(void *ctx)
{
	struct node __arena *node = (struct node __arena *)head;

	/* it has to be mentioned, to be this program's */
	asm volatile("" :: "r"(&arena));
	for (; node && can_loop; node = node->next) {
		sum += node->value;
		node->value += add;
		nodes++;
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
