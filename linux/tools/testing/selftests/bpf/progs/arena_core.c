// SPDX-License-Identifier: GPL-2.0
/* What the kernel's own types tell through CO-RE: the arena's address, the page's size */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct bpf_arena___local {
	__u64 user_vm_start;
	__u64 user_vm_end;
} __attribute__((preserve_access_index));

__u64 user_vm_start, user_vm_end, page_size;

SEC("syscall")
int read_types(void *ctx)
{
	struct bpf_arena___local *a = (void *)&arena;

	user_vm_start = a->user_vm_start;
	user_vm_end = a->user_vm_end;
	page_size = PAGE_SIZE;
	return 0;
}

char _license[] SEC("license") = "GPL";
