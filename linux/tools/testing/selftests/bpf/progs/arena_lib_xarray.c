// SPDX-License-Identifier: GPL-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "arena_lib_xarray.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
} arena SEC(".maps");

SEC("syscall")
int op(struct lib_call *call)
{
	if (call->c && !lib_late())
		return LIB_NOT_LATE;
	return lib_op(call);
}

/* A reader in the midst of whatever its CPU was at */
static int interrupt(void)
{
	arena_fetch_add(&xa.interrupts, 1);
	return xa_read(&xa, 8);
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
