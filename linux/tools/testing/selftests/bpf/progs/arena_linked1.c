// SPDX-License-Identifier: GPL-2.0
/* One of two linked files: it has the arena, and the list's first and third node. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "../arena_linked.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

/* not aligned, so that what follows moves */
char __arena_global tag1 = 'a';
int __arena_global zeroed1[3];
/* both files have one of this name */
static int __arena_global count = 10;

extern struct link_node __arena_global second;
extern __u64 __arena_global wide;
extern int __arena_global numbers[];

static struct link_node __arena_global third = { NULL, 3 };
struct link_node __arena * __arena_global third_ptr = &third;
struct link_node __arena_global first = { &second, 1 };

/* ordinary globals that point into the arena */
struct link_node __arena *head = &first;
int __arena *last_number = &numbers[3];
const volatile struct {
	long pad;
	__u64 __arena *p;
} ro = { 0, &wide };

static __noinline int count1(int add)
{
	count += add;
	return count;
}

SEC("syscall")
int sum1(void *ctx)
{
	return link_sum(head) + count1(1) + tag1 + zeroed1[2];
}

SEC("syscall")
int sum_extern(void *ctx)
{
	return second.value + wide + numbers[2] + *last_number + *ro.p;
}

char _license[] SEC("license") = "GPL";
