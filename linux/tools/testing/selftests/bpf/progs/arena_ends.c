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

SEC("raw_tp/sys_enter")
int faults(void *ctx)
{
	volatile __u64 __arena *p = (volatile __u64 __arena *)absent;

	if ((int)bpf_get_current_pid_tgid() != tid || entered)
		return 0;
	entered = true;
	present = 1;
	while (can_loop) {
		sum += *p;
		rounds++;
	}
	left = true;
	return 0;
}

char _license[] SEC("license") = "GPL";
