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
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <asm/insn.h>

#include "bpf_jit.h"
#include "bpf_may_goto.h"

#define FUEL	A64_R(23)
#define SHARED	A64_R(24)
#define TMP	A64_R(10)	/* TMP_REG_1 and _2: not live between BPF insns */
#define TMP2	A64_R(11)
#define IP0	A64_R(16)	/* with which br may go to a function */

#define FUEL_OFF	offsetof(struct bpf_may_goto_leaf, fuel)
#define LEFT_OFF	offsetof(struct bpf_may_goto_leaf, left)
#define SHARED_OFF	offsetof(struct bpf_may_goto_leaf, shared)
#define END_OFF		offsetof(struct bpf_may_goto_alone, end)

static bool burns_x23(const struct a64_may_goto *mg)
{
	return mg->kind == MAY_GOTO_ALONE || mg->kind == MAY_GOTO_LEAF;
}

void a64_may_goto_init(struct a64_may_goto *mg, const struct bpf_prog *prog)
{
	const struct bpf_may_goto_info *info = &prog->aux->may_goto;
	int off = 0;

	mg->kind = bpf_may_goto_kind(info);
	mg->cost = info->cost;
	mg->starts = bpf_may_goto_starts(info);
	mg->thunk = bpf_may_goto_has_thunk(info);
	/* no BPF insn becomes more than 32 of A64, on average */
	mg->far = prog->len > SZ_1M / AARCH64_INSN_SIZE / 64;

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

/* To be emitted when SP is where it stays */
int a64_may_goto_enter(u32 *to, const struct a64_may_goto *mg)
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

/* The mirror of a64_may_goto_enter() */
int a64_may_goto_leave(u32 *to, const struct a64_may_goto *mg)
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

/* From the start of a may_goto to where it resumes */
int a64_may_goto_round_len(const struct a64_may_goto *mg)
{
	return (burns_x23(mg) ? 1 : 3) + (mg->far ? 2 : 1);
}

static int site_len(const struct a64_may_goto *mg)
{
	return burns_x23(mg) ? 5 : 4;
}

static int common_len(const struct a64_may_goto *mg)
{
	u32 buf[A64_MAY_GOTO_MAX];

	return a64_may_goto_common(buf, mg);
}

/* may_goto number nr, at index idx. INNER lacks the second jump yet. */
int a64_may_goto_round(u32 *to, const struct a64_may_goto *mg, int idx, int nr)
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

int a64_may_goto_common(u32 *to, const struct a64_may_goto *mg)
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

/* idx, resume, out: indices in the image, the first one of the site */
int a64_may_goto_site(u32 *to, const struct a64_may_goto *mg, int idx,
		      int resume, int out)
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

unsigned long bpf_may_goto_resume(unsigned long ip)
{
	const __le32 *insn = (__le32 *)ip;

	/* the first branch, behind one or two other instructions */
	while (!aarch64_insn_is_b(le32_to_cpu(*insn)))
		insn++;
	return (unsigned long)insn + aarch64_get_branch_offset(le32_to_cpu(*insn));
}

/*
 * What a helper calls: make what the function inherits, call it. idx: the thunk's
 * index in the image, of which the function is the beginning.
 */
int a64_may_goto_thunk(u32 *to, int idx)
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
