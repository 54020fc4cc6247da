// SPDX-License-Identifier: GPL-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "arena_lib_queue.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

SEC("syscall")
int op(struct lib_call *call)
{
	if (call->c && !lib_late())
		return LIB_NOT_LATE;
	return lib_op(call);
}

/* In the midst of whatever its CPU was at. Thread 3's number: it puts nothing else. */
static int interrupt(void)
{
	__u32 value = 0, number;
	int err;

	if (arena_read_once(&queue.stop))
		return 0;
	arena_fetch_add(&queue.interrupts, 1);
	stack_turn(&queue, 4);
	number = arena_fetch_add(&queue.next[3], 1) + 1;
	if (arena_ring_put(&queue.ring, 3 << 24 | number))
		arena_fetch_add(&queue.sum[3], number);
	err = arena_ring_get(&queue.ring, &value);
	if (!err)
		arena_fetch_add(&queue.sum[value >> 24 & (THREADS - 1)], value & 0xffffff);
	return 0;
}

SEC("perf_event")
int on_clock(void *ctx)
{
	return interrupt();
}

SEC("raw_tp/nmi_handler")
int on_nmi(void *ctx)
{
	return interrupt();
}

char _license[] SEC("license") = "GPL";
