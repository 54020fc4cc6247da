// SPDX-License-Identifier: GPL-2.0
/* The other file: globals of an arena that is defined elsewhere. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "../arena_linked.h"

extern struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

static int __arena_global count = 100;
char __arena_global tag2 = 'b';
__u64 __arena_global wide __attribute__((aligned(64))) = 1000;
int __arena_global numbers[4] = { 1, 2, 3, 4 };
int __arena_global zeroed2;
int idx = 1;

extern struct link_node __arena * __arena_global third_ptr;

/* static ones are known by the offset in their section alone */
static struct link_node __arena_global fourth[2] = { {}, { NULL, 4 } };
static int __arena * __arena_global middle = &numbers[1];
struct link_node __arena_global second = { &fourth[1], 2 };
int __arena *value_of_fourth = &fourth[1].value;

static __noinline int count2(int add)
{
	count += add;
	return count;
}

/* addresses that are computed and passed on */
static __noinline int load(int __arena *p)
{
	return *p;
}

__noinline int load_global(int __arena *p __arg_arena)
{
	return p ? *p : 0;
}

SEC("syscall")
int sum2(void *ctx)
{
	return *middle + *value_of_fourth + count2(1) + tag2 + zeroed2;
}

SEC("syscall")
int arithmetic(void *ctx)
{
	return load(&numbers[2]) + load(&numbers[idx & 3]) + load(&second.value) * 10 +
	       load_global(&fourth[idx & 1].value) * 100;
}

/* the program hangs the list's end on: third was not reached by the initial values */
SEC("syscall")
int append(void *ctx)
{
	if (!bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0))
		return 1;
	fourth[1].next = third_ptr;
	return 0;
}

char _license[] SEC("license") = "GPL";
