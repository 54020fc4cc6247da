// SPDX-License-Identifier: GPL-2.0
/*
 * Compiled with -mcpu=v4: sign-extending loads and moves, signed division and
 * bswap, on an arena, on the context, and on the kernel's structures.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "../arena_v4.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct v4_values __arena_global values;
__u64 absent;		/* user address of a page that is not there */
struct v4_results results;
__u32 mark = 0x80fe80fc, cb = 0x80008001;

SEC("syscall")
int on_arena(struct v4_ctx *ctx)
{
	volatile struct v4_values __arena *v = &values;
	struct v4_results *r = &results;

	r->s8 = v->s8;
	r->s16 = v->s16;
	r->s32 = v->s32;
	r->moved8 = (__s8)v->s64;
	r->moved16 = (__s16)v->s64;
	r->moved32 = (__s32)v->s64;
	r->div = v->s64 / v->divisor;
	r->mod = v->s64 % v->divisor;
	r->div32 = v->s32 / (__s32)v->divisor;
	r->mod32 = v->s32 % (__s32)v->divisor;
	r->swap16 = __builtin_bswap16(v->s64);
	r->swap32 = __builtin_bswap32(v->s64);
	r->swap64 = __builtin_bswap64(v->s64);
	ctx->done = 42;	/* BPF_ST */
	return 0;
}

SEC("syscall")
int on_absent(void *ctx)
{
	volatile struct v4_values __arena *v = (void __arena *)absent;

	bpf_arena_free_pages(&arena, NULL, 0);	/* names the arena */
	results.s8 = v->s8;
	results.s16 = v->s16;
	results.s32 = v->s32;
	return 0;
}

/* Of 32 bits: the field of the context is wider in the kernel, or narrower here */
SEC("tc")
int on_context(struct __sk_buff *skb)
{
	char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	/* no constants: BPF_ST to this context is refused */
	skb->mark = mark;
	skb->cb[1] = cb;
	barrier();
	results.s32 = *(volatile __s32 *)&skb->mark;
	results.s16 = *(volatile __s16 *)&skb->mark;
	results.s8 = *(volatile __s8 *)&skb->mark;
	results.moved16 = *(volatile __s16 *)&skb->cb[1];
	results.moved32 = *(volatile __s32 *)&skb->cb[1];
	if (data + 4 <= end) {
		results.div = *(volatile __s32 *)data;
		results.mod = *(volatile __s8 *)data;
	}
	return 0;
}

/* Through pointers to BTF types; the last one is NULL */
SEC("raw_tp/sys_enter")
int on_task(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	results.s32 = *(volatile int *)&task->prio;
	results.s16 = *(volatile short *)&task->signal->oom_score_adj;
	results.s8 = *(volatile __s8 *)&task->signal->oom_score_adj;
	results.div = *(volatile int *)&task->splice_pipe->readers;
	return 0;
}

char _license[] SEC("license") = "GPL";
