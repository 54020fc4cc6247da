// SPDX-License-Identifier: GPL-2.0
/* A loop over an address without a page, in one task, until its time is over */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
} arena SEC(".maps");

__u64 __arena_global present;
__u64 absent;
int tid;
volatile bool entered, left;
volatile __u64 rounds, sum;

/* also the address of a function that is not the program's first */
static __noinline __u64 load(__u64 addr)
{
	return *(volatile __u64 __arena *)addr;
}

SEC("raw_tp/sys_enter")
int faults(void *ctx)
{
	if ((int)bpf_get_current_pid_tgid() != tid || entered)
		return 0;
	entered = true;
	present = 1;
	while (can_loop) {
		sum += load(absent);
		rounds++;
	}
	left = true;
	return 0;
}

char _license[] SEC("license") = "GPL";
