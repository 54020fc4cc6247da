// SPDX-License-Identifier: GPL-2.0
/* Programs with an arena of their own that run amid one with another arena */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

int __arena_global other_mark = 100;

SEC("tc")
int other(struct __sk_buff *skb)
{
	other_mark++;
	return other_mark;
}

SEC("?fentry")
int other_fentry(void *ctx)
{
	other_mark += 10;
	return 0;
}

SEC("?fexit")
int other_fexit(void *ctx)
{
	other_mark += 100;
	return 0;
}

char _license[] SEC("license") = "GPL";
