// SPDX-License-Identifier: GPL-2.0
/*
 * An arena program that knows nothing of this series: vmlinux.h is that of a later
 * kernel, bpf_helpers.h that of a later libbpf, and what they lack stands here, as in
 * programs for later kernels. A list in the arena, globals in it, kfuncs, may_goto.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define __arena __attribute__((address_space(1)))

/* true until the frame has gone round 8 million times */
#define can_loop						\
	({							\
		__label__ out, on;				\
		bool go = true;					\
								\
		asm goto("may_goto %l[out]" : : : : out);	\
		goto on;					\
out:		go = false;					\
on:		go;						\
	})

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
} arena SEC(".maps");

struct element {
	struct element __arena *next;
	__u64 value;
};

struct element __arena *head;
__u32 __arena first = 100;
__u64 __arena sum;
__u32 wanted;
__u64 rounds;
__u64 start;

/* CO-RE finds the field, wherever the running kernel has it */
static __u64 user_vm_start(void)
{
	return ((struct bpf_arena *)&arena)->user_vm_start;
}

SEC("syscall")
int fill(void *ctx)
{
	struct element __arena *e;
	__u32 i;

	e = (struct element __arena *)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	if (!e)
		return 1;
	for (i = 0; i < wanted && can_loop; i++, e++) {
		e->value = first + i;
		e->next = head;
		head = e;
	}
	start = user_vm_start();
	return 0;
}

SEC("syscall")
int add_up(void *ctx)
{
	struct element __arena *e;

	for (e = head; e && can_loop; e = e->next)
		sum += e->value;
	return 0;
}

/* ends by may_goto and by nothing else */
SEC("syscall")
int forever(void *ctx)
{
	__u64 n = 0;

	while (can_loop)
		n++;
	rounds = n;
	return 0;
}

SEC("syscall")
int give_back(void *ctx)
{
	bpf_arena_free_pages(&arena, (void *)head, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
