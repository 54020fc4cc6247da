// SPDX-License-Identifier: GPL-2.0
/*
 * One operation a run, in a program that may sleep and in two that may not. The former
 * has it in its context, the others in a packet.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "op.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

#define for_each_val(i, op)			\
	_Pragma("unroll")			\
	for (i = 0; i < OP_VALS; i++)		\
		if (i < (op)->cnt)

static __always_inline __u64 all_words(__u64 __arena *p, __u32 cnt)
{
	__u64 all = 0;
	__u32 i;

	for (i = 0; i < cnt && can_loop; i++)
		all |= p[i];
	return all;
}

static __always_inline void run(struct op *op)
{
	char __arena *p = (char __arena *)op->addr;
	__u32 i;

	switch (op->kind) {
	case OP_ALLOC:
		op->ret = (__u64)bpf_arena_alloc_pages(&arena, p, op->cnt, op->node, op->flags);
		break;
	case OP_FREE:
		bpf_arena_free_pages(&arena, p, op->cnt);
		break;
	case OP_RESERVE:
		op->ret = (__s64)bpf_arena_reserve_pages(&arena, p, op->cnt);
		break;
	case OP_READ:
		for_each_val(i, op)
			op->vals[i] = *(volatile __u64 __arena *)(p + i * op->stride);
		break;
	case OP_WRITE:
		for_each_val(i, op)
			*(volatile __u64 __arena *)(p + i * op->stride) = op->vals[i];
		break;
	case OP_ADD:
		op->ret = __sync_fetch_and_add((__u64 __arena *)p, op->vals[0]);
		break;
	case OP_OR:
		op->ret = all_words((__u64 __arena *)p, op->cnt);
		break;
	}
}

SEC("syscall")
int run_syscall(struct op *op)
{
	run(op);
	return 0;
}

#define RUN_PACKET(ctx, otherwise) ({						\
	void *data = (void *)(long)(ctx)->data + OP_IN_PACKET;			\
	if (data + sizeof(struct op) > (void *)(long)(ctx)->data_end)		\
		return otherwise;						\
	run(data);								\
})

SEC("tc")
int run_tc(struct __sk_buff *skb)
{
	RUN_PACKET(skb, TC_ACT_SHOT);
	return TC_ACT_OK;
}

SEC("xdp")
int run_xdp(struct xdp_md *xdp)
{
	RUN_PACKET(xdp, XDP_DROP);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
