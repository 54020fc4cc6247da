// SPDX-License-Identifier: GPL-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "arena_lib_alloc.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096);
} arena SEC(".maps");

SEC("syscall")
int op(struct lib_call *call)
{
	if (call->c && !lib_late())
		return LIB_NOT_LATE;
	if (call->op == ALLOC_GROW)
		return arena_heap_grow(alloc.heap, &arena, call->a);
	return lib_op(call);
}

/* 64 bytes from a CPU's stack and back */
SEC("xdp")
int packet(struct xdp_md *ctx)
{
	void __arena *p = arena_malloc(alloc.heap, 64);

	if (!p)
		return XDP_DROP;
	return arena_free(alloc.heap, p) ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp")
int packet_sized(struct xdp_md *ctx)
{
	void __arena *p = arena_malloc(alloc.heap, 64);

	if (!p)
		return XDP_DROP;
	return arena_free_sized(alloc.heap, p, 64) ? XDP_ABORTED : XDP_PASS;
}

/* As packet(), but for what it measures */
SEC("xdp")
int nothing(struct xdp_md *ctx)
{
	return alloc.heap ? XDP_PASS : XDP_DROP;
}

/* In the midst of whatever its CPU was at */
static int interrupt(void)
{
	__u64 n = arena_fetch_add(&alloc.interrupts, 1) + 1;

	return alloc_stress(&alloc, 5, n * 0x9e3779b97f4a7c15);
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
