// SPDX-License-Identifier: GPL-2.0
/* As arena_ops.c, for a kfunc that not every kernel with arenas has */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "../arena_ops.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

SEC("syscall")
int op_reserve(struct arena_op *op)
{
	op->ret = bpf_arena_reserve_pages(&arena, (void __arena *)op->addr, op->cnt);
	return 0;
}

char _license[] SEC("license") = "GPL";
