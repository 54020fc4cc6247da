// SPDX-License-Identifier: GPL-2.0
/* A global that another file should have defined: libbpf must say so */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

extern int __arena_global elsewhere;

SEC("tc")
int use_it(struct __sk_buff *skb)
{
	return elsewhere;
}

char _license[] SEC("license") = "GPL";
