// SPDX-License-Identifier: GPL-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "arena_lib_hash.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096);
} arena SEC(".maps");

/* bpf_trace_printk() has nested() run here, in the midst of a writer */
static int in_between(void)
{
	int err = arena_lock(&hash.table.lock);

	if (err)
		return err;
	hash.nested = 1;
	bpf_printk("nested");
	hash.nested = 0;
	return arena_unlock(&hash.table.lock);
}

SEC("syscall")
int op(struct lib_call *call)
{
	if (call->op == HASH_NESTED)
		return in_between();
	if (call->c && !lib_late())
		return LIB_NOT_LATE;
	return lib_op(call);
}

SEC("raw_tp/bpf_trace_printk")
int nested(void *ctx)
{
	struct pair_key key = hash_key(3);
	struct pair_value value = {};

	if (!hash.nested)
		return 0;
	hash.found = !pairs_find(&hash.table, &key, &value);
	hash.value = value.word[0];
	hash.nested_err = pairs_set(&hash.table, &key, &value, ARENA_HASH_ANY);
	return 0;
}

/* A reader in the midst of whatever its CPU was at */
static int interrupt(void)
{
	arena_fetch_add(&hash.interrupts, 1);
	return hash_read(&hash, 8);
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
