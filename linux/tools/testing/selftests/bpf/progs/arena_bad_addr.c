// SPDX-License-Identifier: GPL-2.0
/* An address is not known before load: libbpf must not pretend that it is */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

int __arena_global target = 1;
int __arena * __arena_global pointer = &target;

SEC("tc")
int use_it(struct __sk_buff *skb)
{
	return *pointer;
}

char _license[] SEC("license") = "GPL";
