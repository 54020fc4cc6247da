// SPDX-License-Identifier: GPL-2.0
/* What would be put into functions of progs/arena_func.c, or would trace them */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

#define __tagged __arena __attribute__((btf_type_tag("arena")))

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct node {
	struct node __arena *next;
	int value;
};

int __arena_global in_arena;

/* here, the number is followed */
SEC("?freplace/address_of")
__u64 replaces_tagged(struct node *n)
{
	return n ? n->value : 0;
}

SEC("?freplace/no_node")
void *replaces_result(void)
{
	in_arena = 1;
	return NULL;
}

SEC("?freplace/number_of")
__u64 replaces_number(struct node __tagged *n)
{
	in_arena = 1;
	return 0;
}

SEC("?freplace/returns_nothing")
void replaces_void(void)
{
	in_arena = 1;
	asm volatile("r0 = r10" ::: "r0");
}

SEC("?freplace/returns_nothing")
int replaces_void_by_int(void)
{
	in_arena = 1;
	return 1;
}

SEC("?fexit/no_node")
int traces_result(__u64 *ctx)
{
	return ((struct node *)ctx[0])->value;
}

/* where the result would be */
SEC("?fexit/returns_nothing")
int traces_void(__u64 *ctx)
{
	return ctx[0] != 0;
}

char _license[] SEC("license") = "GPL";
