/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _X86_NET_BPF_MAY_GOTO_H
#define _X86_NET_BPF_MAY_GOTO_H

#include <linux/types.h>
#include <linux/bpf_may_goto.h>

struct bpf_insn;
struct bpf_prog;

/* Where a function has what may_goto needs; offsets are from rbp */
struct x86_may_goto {
	enum bpf_may_goto_kind kind;
	u32 cost;
	bool r12_is_base;	/* of the arena */
	bool saves_r12;
	bool inherits;		/* r12 is the shared fuel on entry */
	bool starts;
	bool below;
	bool thunk;
	int r12_off;
	int shared_off;
	int fuel_off;		/* the function's own struct */
	int left_off;
	int size;		/* bytes on the stack */
	int sites;		/* may_gotos of this pass */
	/* the code behind the function, in the image; known after the first pass */
	int stubs;
};

void x86_may_goto_init(struct x86_may_goto *mg, const struct bpf_prog *prog,
		       bool uses_arena, bool tail_call_reachable);
u8 *x86_may_goto_enter(u8 *prog, const struct x86_may_goto *mg);
u8 *x86_may_goto_leave(u8 *prog, const struct x86_may_goto *mg);
bool x86_may_goto_swaps_r12(const struct x86_may_goto *mg, const struct bpf_insn *call);
u8 *x86_may_goto_before_call(u8 *prog, const struct x86_may_goto *mg);
u8 *x86_may_goto_round(u8 *prog, struct x86_may_goto *mg, int pos);
int x86_may_goto_end(struct bpf_prog *bpf_prog, struct x86_may_goto *mg, const int *addrs,
		     u8 *image, u8 *rw_image, int proglen);

#endif
