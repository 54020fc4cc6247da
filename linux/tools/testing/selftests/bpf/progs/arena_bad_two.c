// SPDX-License-Identifier: GPL-2.0
/* One arena too many: libbpf must say so */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena_one SEC(".maps"), arena_two SEC(".maps");

SEC("tc")
int nothing(struct __sk_buff *skb)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
