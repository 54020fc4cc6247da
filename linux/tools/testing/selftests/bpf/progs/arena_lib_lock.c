// SPDX-License-Identifier: GPL-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "arena_lib_lock.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

/* bpf_trace_printk() has nested() run here, in the midst of this program */
static int in_between(void)
{
	int err = arena_lock(&lock.lock);

	if (err)
		return err;
	lock.nested_err = 1;
	bpf_printk("nested");
	return arena_unlock(&lock.lock);
}

/* A program whose time is over when it unlocks: 250 ms, or 8 million rounds, in this function */
static int time_over(void)
{
	int err = arena_lock(&lock.lock);

	if (err)
		return err;
	while (can_loop)
		arena_read_once(&lock.stop);
	lock.done = can_loop;
	return arena_unlock(&lock.lock);
}

/* A page that is not there is no lock */
static int nowhere(void)
{
	return arena_trylock((struct arena_lock __arena *)((char __arena *)&lock + (15 << 12)));
}

SEC("syscall")
int op(struct lib_call *call)
{
	if (call->op == LOCK_NESTED)
		return in_between();
	if (call->op == LOCK_LATE)
		return time_over();
	if (call->op == LOCK_NOWHERE)
		return nowhere();
	return lock_op(call);
}

SEC("raw_tp/bpf_trace_printk")
int nested(void *ctx)
{
	if (lock.nested_err != 1)
		return 0;
	lock.nested++;
	lock.nested_err = arena_lock(&lock.lock);
	return 0;
}

SEC("xdp")
int packet(struct xdp_md *ctx)
{
	if (arena_lock(&lock.lock))
		return XDP_ABORTED;
	return arena_unlock(&lock.lock) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
