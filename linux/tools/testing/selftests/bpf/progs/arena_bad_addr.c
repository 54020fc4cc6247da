// SPDX-License-Identifier: GPL-2.0
/* A process that follows this pointer would not get there: libbpf must say so */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

int target = 1;
int *__arena_global pointer = &target;

SEC("tc")
int use_it(struct __sk_buff *skb)
{
	return !!pointer;
}

char _license[] SEC("license") = "GPL";
