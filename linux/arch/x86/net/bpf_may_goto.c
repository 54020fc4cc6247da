// SPDX-License-Identifier: GPL-2.0-only
/*
 * may_goto in x86-64 code; what it does is told in kernel/bpf/may_goto.c
 *
 * A function's frame, below stack and tail call counter, from rbp downwards:
 *
 *	r12 of the caller	if the function uses r12: inherits, starts, or has
 *				accesses to an arena
 *	end, fuel		if it starts: struct bpf_may_goto_shared
 *	end, left, fuel		ALONE
 *	left, fuel		LEAF, r12 right above is the pointer to what is shared
 *	left			INNER
 *	rbx, r13, ...
 *
 * r12 is the address of the shared fuel wherever a function that inherits it may
 * be called, and on entry of one. In between it is the arena's base, if there is
 * one. Other code that runs before the callee's first instruction, trampolines
 * for example, preserves it.
 *
 * A may_goto, a round of a loop:
 *
 *		sub  qword ptr [fuel], cost
 *		js   site
 *	resume:	(INNER: sub qword ptr [left], 1; js out)
 *
 * and behind the function's code
 *
 *		int3
 *	common:	lea  r11, [struct + kind]	INNER: the shared fuel's address
 *		mov  r9d, cost
 *		jmp  bpf_may_goto_stub
 *		int3
 *	site:	call common			one for each may_goto
 *		lfence
 *		je   out
 *		jmp  resume
 *
 * The lfence is for returns that are predicted to come here with the registers of
 * other code: accesses to an arena rely on them (see find_zext()).
 */
#include <asm/ibt.h>

#include "bpf_jit_comp.h"

#define COMMON_LEN	20
#define SITE_LEN	19

/* The opcode's bytes are written as they lie in memory, last one first: 0xe58948 */
static u8 *put_off32(u8 *prog, u64 bytes, int len, int off)
{
	return put(put(prog, bytes, len), (u32)off, 4);
}

void x86_may_goto_init(struct x86_may_goto *mg, const struct bpf_prog *prog,
		       bool uses_arena, bool tail_call_reachable)
{
	const struct bpf_may_goto_info *info = &prog->aux->may_goto;
	int off = -round_up(prog->aux->stack_depth, 8) - (tail_call_reachable ? 8 : 0);
	int top = off;

	mg->sites = 0;
	mg->kind = bpf_may_goto_kind(info);
	mg->cost = info->cost;
	mg->r12_is_base = uses_arena;
	mg->inherits = bpf_may_goto_inherits(info);
	mg->starts = bpf_may_goto_starts(info);
	mg->below = info->below;
	mg->thunk = bpf_may_goto_has_thunk(info);
	mg->saves_r12 = uses_arena || mg->starts || mg->kind == MAY_GOTO_LEAF;

	if (mg->saves_r12)
		mg->r12_off = off -= 8;
	if (mg->starts)
		mg->shared_off = off -= sizeof(struct bpf_may_goto_shared);
	if (mg->kind == MAY_GOTO_ALONE)
		off -= 8;
	if (mg->kind != MAY_GOTO_NONE)
		mg->left_off = off -= 8;
	if (mg->kind == MAY_GOTO_ALONE || mg->kind == MAY_GOTO_LEAF)
		mg->fuel_off = off -= 8;
	mg->size = top - off;
}

static u8 *push_imm(u8 *prog, u32 imm)
{
	return imm ? put_off32(prog, 0x68, 1, imm) : put(prog, 0x006a, 2);
}

/* To be emitted right below stack and tail call counter */
u8 *x86_may_goto_enter(u8 *prog, const struct x86_may_goto *mg)
{
	if (mg->saves_r12)
		prog = put(prog, 0x5441, 2);		/* push r12 */
	if (mg->starts) {
		prog = push_imm(prog, 0);
		prog = push_imm(prog, BPF_MAY_GOTO_FUEL);
		prog = put(prog, 0xe48949, 3);		/* mov r12, rsp */
	}
	if (mg->kind == MAY_GOTO_ALONE)
		prog = push_imm(prog, 0);
	if (mg->kind != MAY_GOTO_NONE)
		prog = push_imm(prog, BPF_MAY_GOTO_BUDGET);
	if (mg->kind == MAY_GOTO_ALONE)
		prog = push_imm(prog, BPF_MAY_GOTO_FUEL);
	else if (mg->kind == MAY_GOTO_LEAF)
		prog = put(prog, 0x2434ff41, 4);	/* push qword ptr [r12] */
	return prog;
}

/* The mirror of x86_may_goto_enter(); before leave or a tail call */
u8 *x86_may_goto_leave(u8 *prog, const struct x86_may_goto *mg)
{
	int size = mg->size - (mg->saves_r12 ? 8 : 0);

	if (mg->kind == MAY_GOTO_LEAF) {
		prog = put(prog, 0x5b41, 2);		/* pop r11 */
		size -= 8;
	}
	if (size)
		prog = put(prog, 0xc48348 | size << 24, 4);	/* add rsp, size */
	if (mg->saves_r12)
		prog = put(prog, 0x5c41, 2);		/* pop r12 */
	if (mg->kind == MAY_GOTO_LEAF)
		prog = put(prog, 0x241c894d, 4);	/* mov [r12], r11 */
	return prog;
}

bool x86_may_goto_swaps_r12(const struct x86_may_goto *mg, const struct bpf_insn *call)
{
	return mg->below && mg->r12_is_base && call->src_reg == BPF_PSEUDO_CALL;
}

/* mov r12, [rbp + r12_off], or lea r12, [rbp + shared_off] */
u8 *x86_may_goto_before_call(u8 *prog, const struct x86_may_goto *mg)
{
	if (mg->starts)
		return put_off32(prog, 0xa58d4c, 3, mg->shared_off);
	return put_off32(prog, 0xa58b4c, 3, mg->r12_off);
}

/* sub qword ptr [rbp + off], value, as short as it can be */
static u8 *sub_slot(u8 *prog, int off, u32 value)
{
	bool near = off >= -128, small = value < 128;

	prog = put(prog, 0x48, 1);
	prog = put(prog, small ? 0x83 : 0x81, 1);
	prog = put(prog, near ? 0x6d : 0xad, 1);
	prog = put(prog, off, near ? 1 : 4);
	return put(prog, value, small ? 1 : 4);
}

static u8 *burn_fuel(u8 *prog, const struct x86_may_goto *mg)
{
	if (mg->kind != MAY_GOTO_INNER)
		return sub_slot(prog, mg->fuel_off, mg->cost);
	if (mg->starts)
		return sub_slot(prog, mg->shared_off, mg->cost);
	if (!mg->r12_is_base)			/* sub qword ptr [r12], cost */
		return put_off32(prog, 0x242c8149, 4, mg->cost);
	prog = put_off32(prog, 0x9d8b4c, 3, mg->r12_off);	/* mov r11, [rbp + r12_off] */
	return put_off32(prog, 0x2b8149, 3, mg->cost);	/* sub qword ptr [r11], cost */
}

/*
 * The function's next may_goto, at pos in the image. What is missing for
 * MAY_GOTO_INNER is the second jump.
 */
u8 *x86_may_goto_round(u8 *prog, struct x86_may_goto *mg, int pos)
{
	u8 *start = prog;
	int site = mg->stubs + COMMON_LEN + mg->sites++ * SITE_LEN;

	prog = burn_fuel(prog, mg);
	prog = put_off32(prog, 0x880f, 2, site - (pos + (int)(prog - start) + 6)); /* js */
	if (mg->kind == MAY_GOTO_INNER)
		prog = sub_slot(prog, mg->left_off, 1);
	return prog;
}

/* From the start of a may_goto to where it resumes */
static int x86_may_goto_round_len(const struct x86_may_goto *mg)
{
	u8 buf[32];

	return burn_fuel(buf, mg) - buf + 6;
}

/* ip: the address at which prog will lie */
static u8 *x86_may_goto_common(u8 *prog, const struct x86_may_goto *mg, const u8 *ip)
{
	u8 *start = prog;

	prog = put(prog, 0xcc, 1);		/* int3 */
	if (mg->kind != MAY_GOTO_INNER)		/* lea r11, [rbp + fuel_off + kind] */
		prog = put_off32(prog, 0x9d8d4c, 3, mg->fuel_off + mg->kind);
	else if (mg->starts)			/* lea r11, [rbp + shared_off] */
		prog = put_off32(prog, 0x9d8d4c, 3, mg->shared_off);
	else if (mg->r12_is_base)		/* mov r11, [rbp + r12_off] */
		prog = put_off32(prog, 0x9d8b4c, 3, mg->r12_off);
	else					/* lea r11, [r12 + 0] */
		prog = put(prog, 0x00245c8d4dULL, 5);
	prog = put_off32(prog, 0xb941, 2, mg->cost);	/* mov r9d, cost */
	prog = put_off32(prog, 0xe9, 1, (long)bpf_may_goto_stub -
			 (long)(ip + (prog - start) + 5));
	while (prog < start + COMMON_LEN)
		prog = put(prog, 0xcc, 1);
	return prog;
}

static u8 *x86_may_goto_site(u8 *prog, const struct x86_may_goto *mg, int nr,
			     int resume, int out)
{
	int at = mg->stubs + COMMON_LEN + nr * SITE_LEN;

	prog = put_off32(prog, 0xe8, 1, mg->stubs + 1 - (at + 5));	/* call common */
	prog = put(prog, 0xe8ae0f, 3);					/* lfence */
	prog = put_off32(prog, 0x840f, 2, out - (at + 14));		/* je out */
	return put_off32(prog, 0xe9, 1, resume - (at + 19));		/* jmp resume */
}

unsigned long bpf_may_goto_resume(unsigned long ip)
{
	const int jmp_rel32 = SITE_LEN - 4 - 5, next = SITE_LEN - 5;

	return ip + next + *(s32 *)(ip + jmp_rel32);
}

/*
 * What a helper calls: make what the function inherits, call it from here. What
 * follows the call and the last instruction, a return, is for the caller.
 */
static u8 *x86_may_goto_thunk_begin(u8 *prog)
{
	prog = put(prog, 0xcc, 1);			/* int3 */
#ifdef CONFIG_X86_KERNEL_IBT
	prog = put(prog, gen_endbr(), 4);
#endif
	prog = put(prog, 0xe5894855, 4);		/* push rbp; mov rbp, rsp */
	prog = put(prog, 0x5441, 2);			/* push r12 */
	prog = push_imm(prog, 0);
	prog = push_imm(prog, BPF_MAY_GOTO_FUEL);
	return put(prog, 0xe48949, 3);			/* mov r12, rsp */
}

static u8 *x86_may_goto_thunk_end(u8 *prog)
{
	return put(prog, 0xc9f8658b4cULL, 5);		/* mov r12, [rbp - 8]; leave */
}

/* What belongs to may_gotos and lies behind the code. Returns its end. */
static int emit_may_goto_sites(struct bpf_prog *bpf_prog, const int *addrs, u8 *image,
			       u8 *rw_image, int proglen, struct x86_may_goto *mg)
{
	const struct bpf_insn *insn = bpf_prog->insnsi;
	int len = x86_may_goto_round_len(mg);
	int i, nr = 0;
	u8 temp[64];

	if (mg->kind == MAY_GOTO_NONE)
		return proglen;
	mg->stubs = proglen;
	proglen = put_image(rw_image, proglen, temp,
			    x86_may_goto_common(temp, mg, image + proglen));
	for (i = 1; i <= bpf_prog->len; i++, insn++)
		if (insn->code == (BPF_JMP | BPF_JCOND))
			proglen = put_image(rw_image, proglen, temp,
					    x86_may_goto_site(temp, mg, nr++,
							      addrs[i - 1] + len,
							      addrs[i + insn->off]));
	return proglen;
}

/* What helpers call in place of the function, see bpf_may_goto_has_thunk() */
static int emit_may_goto_thunk(struct bpf_prog *bpf_prog, u8 *image, u8 *rw_image,
			       int proglen)
{
	u8 temp[64], *prog;

	prog = x86_may_goto_thunk_begin(temp);
	if (emit_call(&prog, image, image + proglen + (prog - temp)))
		return -EINVAL;
	prog = x86_may_goto_thunk_end(prog);
	emit_return(&prog, image + proglen + (prog - temp));
	if (image)
		bpf_prog->aux->callback_entry = image + proglen + 1;
	return put_image(rw_image, proglen, temp, prog);
}

/*
 * What lies behind the function's code, from proglen on. Returns its end, or -EINVAL
 * if the thunk's call gets too far. addrs, image and rw_image are as for
 * x86_arena_end().
 */
int x86_may_goto_end(struct bpf_prog *bpf_prog, struct x86_may_goto *mg, const int *addrs,
		     u8 *image, u8 *rw_image, int proglen)
{
	proglen = emit_may_goto_sites(bpf_prog, addrs, image, rw_image, proglen, mg);
	if (mg->thunk)
		proglen = emit_may_goto_thunk(bpf_prog, image, rw_image, proglen);
	return proglen;
}
