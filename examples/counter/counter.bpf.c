// SPDX-License-Identifier: GPL-2.0
/* The program: it runs at each system call and counts those of one process */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "counter.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4); /* pages */
} arena SEC(".maps");

struct slot __arena_global table[SLOTS];
int pid;

SEC("raw_tp/sys_enter")
int count(struct bpf_raw_tracepoint_args *ctx)
{
	struct slot __arena *s;

	if (bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	s = slot_find(table, ctx->args[1] + 1); /* the number of the call, from 1 on */
	if (s)
		__sync_fetch_and_add(&s->count, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
