// SPDX-License-Identifier: GPL-2.0
/* A global in the arena, but no arena: libbpf must say so */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

int __arena_global homeless = 1;

SEC("tc")
int use_it(struct __sk_buff *skb)
{
	return homeless;
}

char _license[] SEC("license") = "GPL";
