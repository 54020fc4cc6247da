// SPDX-License-Identifier: GPL-2.0-only
/*
 * may_goto in arm64 code; what it does is told in kernel/bpf/may_goto.c
 *
 * x23 is the fuel of ALONE and LEAF, and the rounds that are left to INNER. x24 is
 * the address of the shared fuel from the first instruction of a function that
 * inherits it, or the end of the prologue of one that starts, to the last.
 * C and trampolines preserve both. At SP, which functions do not move, are
 *
 *	fuel, left, end		ALONE
 *	fuel, left, shared	LEAF; fuel and shared are only written for the stub
 *	fuel, end		starts: struct bpf_may_goto_shared
 *	caller's x23, x24
 *
 * A may_goto, a round of a loop:
 *
 *		subs	x23, x23, #cost		INNER: ldr, subs, str with [x24]
 *		b.mi	site
 *	resume:					INNER: subs x23, x23, #1; b.mi out
 *
 * and behind the epilogue
 *
 *	common:	str	x23, [sp]		not INNER
 *		str	x24, [sp, #16]		LEAF
 *		add	x10, sp, #kind		INNER: mov x10, x24
 *		mov	w11, #cost
 *		mov	x16, #bpf_may_goto_stub
 *		br	x16
 *	site:	bl	common			one for each may_goto
 *		ldr	x23, [sp]		not INNER
 *		cbz	w10, 1f
 *		b	resume
 *	1:	b	out
 */
#define pr_fmt(fmt) "bpf_jit: " fmt

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <asm/insn.h>

#include "bpf_jit_comp.h"

#define A64_COND_MI	AARCH64_INSN_COND_MI /* < 0 */
#define A64_COND_PL	AARCH64_INSN_COND_PL /* >= 0 */

#define FUEL	A64_R(23)
#define SHARED	A64_R(24)
#define TMP	A64_R(10)	/* TMP_REG_1 and _2: not live between BPF insns */
#define TMP2	A64_R(11)
#define IP0	A64_R(16)	/* with which br may go to a function */

#define FUEL_OFF	offsetof(struct bpf_may_goto_leaf, fuel)
#define LEFT_OFF	offsetof(struct bpf_may_goto_leaf, left)
#define SHARED_OFF	offsetof(struct bpf_may_goto_leaf, shared)
#define END_OFF		offsetof(struct bpf_may_goto_alone, end)

/* No sequence is longer */
#define MAX_INSNS	20

static void emit_list(const u32 *insns, int n, struct jit_ctx *ctx)
{
	while (n--)
		emit(*insns++, ctx);
}

static bool burns_x23(const struct a64_may_goto *mg)
{
	return mg->kind == MAY_GOTO_ALONE || mg->kind == MAY_GOTO_LEAF;
}

/* Before the first pass */
void a64_may_goto_init(struct jit_ctx *ctx)
{
	const struct bpf_may_goto_info *info = &ctx->prog->aux->may_goto;
	struct a64_may_goto *mg = &ctx->may_goto;
	int off = 0;

	mg->kind = bpf_may_goto_kind(info);
	mg->cost = info->cost;
	mg->starts = bpf_may_goto_starts(info);
	mg->thunk = bpf_may_goto_has_thunk(info);
	/* no BPF insn becomes more than 32 of A64, on average */
	mg->far = ctx->prog->len > SZ_1M / AARCH64_INSN_SIZE / 64;

	if (burns_x23(mg))
		off += sizeof(struct bpf_may_goto_leaf);
	else if (mg->starts)
		off += sizeof(struct bpf_may_goto_shared);
	mg->x23_off = off;
	if (mg->kind != MAY_GOTO_NONE)
		off += 8;
	mg->x24_off = off;
	if (mg->starts)
		off += 8;
	mg->size = round_up(off, 16);
}

/* mov xd, #value, of 24 bits, as one insn or two */
static int mov_imm(u32 *to, int reg, u32 value)
{
	int n = 0;

	if (!(value & 0xffff)) {
		to[n++] = A64_MOVZ(1, reg, value >> 16, 16);
		return n;
	}
	to[n++] = A64_MOVZ(1, reg, value & 0xffff, 0);
	if (value >> 16)
		to[n++] = A64_MOVK(1, reg, value >> 16, 16);
	return n;
}

static int put_enter(u32 *to, const struct a64_may_goto *mg)
{
	int n = 0;

	BUILD_BUG_ON(BPF_MAY_GOTO_BUDGET & 0xffff);
	if (mg->starts) {
		to[n++] = A64_STR64I(SHARED, A64_SP, mg->x24_off);
		n += mov_imm(to + n, TMP, BPF_MAY_GOTO_FUEL);
		to[n++] = A64_STR64I(TMP, A64_SP, 0);
		to[n++] = A64_STR64I(A64_ZR, A64_SP,
				     offsetof(struct bpf_may_goto_shared, end));
		to[n++] = A64_MOV(1, SHARED, A64_SP);
	}
	if (mg->kind != MAY_GOTO_NONE)
		to[n++] = A64_STR64I(FUEL, A64_SP, mg->x23_off);
	if (mg->kind == MAY_GOTO_INNER)
		n += mov_imm(to + n, FUEL, BPF_MAY_GOTO_BUDGET);
	if (burns_x23(mg)) {
		n += mov_imm(to + n, TMP, BPF_MAY_GOTO_BUDGET);
		to[n++] = A64_STR64I(TMP, A64_SP, LEFT_OFF);
	}
	if (mg->kind == MAY_GOTO_LEAF) {
		to[n++] = A64_LDR64I(FUEL, SHARED, 0);
	} else if (mg->kind == MAY_GOTO_ALONE) {
		to[n++] = A64_STR64I(A64_ZR, A64_SP, END_OFF);
		n += mov_imm(to + n, FUEL, BPF_MAY_GOTO_FUEL);
	}
	return n;
}

/* The end of the prologue, when SP is where it stays, in each pass */
void a64_may_goto_enter(struct jit_ctx *ctx)
{
	u32 insns[MAX_INSNS];

	ctx->may_goto.count = 0;
	emit_list(insns, put_enter(insns, &ctx->may_goto), ctx);
}

/* The mirror of put_enter() */
static int put_leave(u32 *to, const struct a64_may_goto *mg)
{
	int n = 0;

	if (mg->kind == MAY_GOTO_LEAF)
		to[n++] = A64_STR64I(FUEL, SHARED, 0);
	if (mg->kind != MAY_GOTO_NONE)
		to[n++] = A64_LDR64I(FUEL, A64_SP, mg->x23_off);
	if (mg->starts)
		to[n++] = A64_LDR64I(SHARED, A64_SP, mg->x24_off);
	return n;
}

/* To be emitted while SP still is there */
void a64_may_goto_leave(struct jit_ctx *ctx)
{
	u32 insns[MAX_INSNS];

	emit_list(insns, put_leave(insns, &ctx->may_goto), ctx);
}

/* How many insns a64_may_goto_leave() emits */
int a64_may_goto_leave_len(const struct jit_ctx *ctx)
{
	u32 insns[MAX_INSNS];

	return put_leave(insns, &ctx->may_goto);
}

/* From the start of a may_goto to where it resumes */
static int round_len(const struct a64_may_goto *mg)
{
	return (burns_x23(mg) ? 1 : 3) + (mg->far ? 2 : 1);
}

static int site_len(const struct a64_may_goto *mg)
{
	return burns_x23(mg) ? 5 : 4;
}

static int put_common(u32 *to, const struct a64_may_goto *mg)
{
	u64 stub = (u64)bpf_may_goto_stub;
	int n = 0;

	if (burns_x23(mg)) {
		to[n++] = A64_STR64I(FUEL, A64_SP, FUEL_OFF);
		if (mg->kind == MAY_GOTO_LEAF)
			to[n++] = A64_STR64I(SHARED, A64_SP, SHARED_OFF);
		to[n++] = A64_ADD_I(1, TMP, A64_SP, mg->kind);
	} else {
		to[n++] = A64_MOV(1, TMP, SHARED);
	}
	to[n++] = A64_MOVZ(1, TMP2, mg->cost, 0);
	to[n++] = A64_MOVN(1, IP0, ~stub & 0xffff, 0);
	to[n++] = A64_MOVK(1, IP0, (stub >> 16) & 0xffff, 16);
	to[n++] = A64_MOVK(1, IP0, (stub >> 32) & 0xffff, 32);
	to[n++] = A64_BR(IP0);
	return n;
}

static int common_len(const struct a64_may_goto *mg)
{
	u32 insns[MAX_INSNS];

	return put_common(insns, mg);
}

/* may_goto number nr, at index idx. INNER lacks the second jump yet. */
static int put_round(u32 *to, const struct a64_may_goto *mg, int idx, int nr)
{
	int site = mg->sites ? mg->sites + common_len(mg) + nr * site_len(mg) : idx;
	int n = 0;

	if (burns_x23(mg)) {
		to[n++] = A64_SUBS_I(1, FUEL, FUEL, mg->cost);
	} else {
		to[n++] = A64_LDR64I(TMP, SHARED, 0);
		to[n++] = A64_SUBS_I(1, TMP, TMP, mg->cost);
		to[n++] = A64_STR64I(TMP, SHARED, 0);
	}
	if (mg->far) {
		to[n++] = A64_B_(A64_COND_PL, 2);
		to[n] = A64_B(site - (idx + n));
		n++;
	} else {
		to[n] = A64_B_(A64_COND_MI, site - (idx + n));
		n++;
	}
	if (mg->kind == MAY_GOTO_INNER)
		to[n++] = A64_SUBS_I(1, FUEL, FUEL, 1);
	return n;
}

/**
 * a64_emit_may_goto() - emit a may_goto
 * @insn: the may_goto
 * @ctx: the function
 *
 * Return: 0; -EFAULT if the function is none that has one, -EINVAL if what it jumps to
 *         is out of reach.
 */
int a64_emit_may_goto(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	const int i = insn - ctx->prog->insnsi;
	struct a64_may_goto *mg = &ctx->may_goto;
	u32 insns[MAX_INSNS];
	s32 jmp_offset;
	int err;

	if (mg->kind == MAY_GOTO_NONE)
		return -EFAULT;
	emit_list(insns, put_round(insns, mg, ctx->idx, mg->count++), ctx);
	if (mg->kind != MAY_GOTO_INNER)
		return 0;

	/* the call's rounds are used up */
	jmp_offset = bpf2a64_offset(i, insn->off, ctx);
	err = check_branch(i, jmp_offset, 19);
	if (err)
		return err;
	emit(A64_B_(A64_COND_MI, jmp_offset), ctx);
	return 0;
}

/* idx, resume, out: indices in the image, the first one of the site */
static int put_site(u32 *to, const struct a64_may_goto *mg, int idx, int resume, int out)
{
	int n = 0;

	to[n] = A64_BL(mg->sites - (idx + n));
	n++;
	if (burns_x23(mg))
		to[n++] = A64_LDR64I(FUEL, A64_SP, FUEL_OFF);
	to[n++] = A64_CBZ(0, TMP, 2);
	to[n] = A64_B(resume - (idx + n));
	n++;
	to[n] = A64_B(out - (idx + n));
	n++;
	return n;
}

/*
 * What a helper calls: make what the function inherits, call it. idx: the thunk's
 * index in the image, of which the function is the beginning.
 */
static int put_thunk(u32 *to, int idx)
{
	int n = 0;

	if (IS_ENABLED(CONFIG_ARM64_BTI_KERNEL))
		to[n++] = A64_BTI_JC;
	if (IS_ENABLED(CONFIG_ARM64_PTR_AUTH_KERNEL))
		to[n++] = A64_PACIASP;
	to[n++] = A64_PUSH(A64_FP, A64_LR, A64_SP);
	to[n++] = A64_MOV(1, A64_FP, A64_SP);
	to[n++] = A64_SUB_I(1, A64_SP, A64_SP, 32);
	to[n++] = A64_STR64I(SHARED, A64_SP, 16);
	n += mov_imm(to + n, TMP, BPF_MAY_GOTO_FUEL);
	to[n++] = A64_STR64I(TMP, A64_SP, 0);
	to[n++] = A64_STR64I(A64_ZR, A64_SP, 8);
	to[n++] = A64_MOV(1, SHARED, A64_SP);
	to[n] = A64_BL(-(idx + n));
	n++;
	to[n++] = A64_LDR64I(SHARED, A64_SP, 16);
	to[n++] = A64_ADD_I(1, A64_SP, A64_SP, 32);
	to[n++] = A64_POP(A64_FP, A64_LR, A64_SP);
	if (IS_ENABLED(CONFIG_ARM64_PTR_AUTH_KERNEL))
		to[n++] = A64_AUTIASP;
	to[n++] = A64_RET(A64_LR);
	return n;
}

/* What belongs to may_gotos and lies behind the epilogue, in each pass */
void a64_build_may_goto_sites(struct jit_ctx *ctx)
{
	struct a64_may_goto *mg = &ctx->may_goto;
	const struct bpf_prog *prog = ctx->prog;
	u32 insns[MAX_INSNS];
	int i, resume, out;

	if (mg->kind != MAY_GOTO_NONE) {
		mg->sites = ctx->idx;
		emit_list(insns, put_common(insns, mg), ctx);
		for (i = 0; i < prog->len; i++) {
			if (prog->insnsi[i].code != (BPF_JMP | BPF_JCOND))
				continue;
			resume = ctx->offset[i] + round_len(mg);
			out = ctx->offset[i + 1 + prog->insnsi[i].off];
			emit_list(insns, put_site(insns, mg, ctx->idx, resume, out), ctx);
		}
	}
	if (mg->thunk) {
		if (ctx->image)
			prog->aux->callback_entry = &ctx->image[ctx->idx];
		emit_list(insns, put_thunk(insns, ctx->idx), ctx);
	}
}

unsigned long bpf_may_goto_resume(unsigned long ip)
{
	const __le32 *insn = (__le32 *)ip;

	/* the first branch, behind one or two other instructions */
	while (!aarch64_insn_is_b(le32_to_cpu(*insn)))
		insn++;
	return (unsigned long)insn + aarch64_get_branch_offset(le32_to_cpu(*insn));
}
