// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions of -mcpu=v4, load-acquire and store-release in arm64 code
 *
 * Each but a sign-extending load from memory that is no arena is emitted here; of
 * that one bpf_jit_comp.c emits the load that zero-extends, in the last insn.
 */
#define pr_fmt(fmt) "bpf_jit: " fmt

#include <linux/log2.h>
#include <asm/insn.h>

#include "bpf_jit_comp.h"

/* From a load that zero-extends one that sign-extends to 64 bits: opc, bits 23 and 22,
 * is 2 instead of 1
 */
#define A64_SIGNED_LOAD(insn) ((insn) ^ GENMASK(23, 22))

/* Load-acquire, store-release; log2: of the size in bytes */
#define A64_LDAR(log2, rt, rn) (0x08dffc00 | (u32)(log2) << 30 | (rn) << 5 | (rt))
#define A64_STLR(log2, rt, rn) (0x089ffc00 | (u32)(log2) << 30 | (rn) << 5 | (rt))

/* Sign extend: the lowest bits of rn, 8, 16 or 32 */
#define A64_SXT(sf, rd, rn, bits) A64_SBFM(sf, rd, rn, 0, (bits) - 1)

#define A64_SDIV(sf, rd, rn, rm) A64_DATA2(sf, rd, rn, rm, SDIV)

bool bpf_jit_supports_insn_v4(void)
{
	return true;
}

static bool is_64(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU64;
}

/* Division, or modulo, as UDIV has it in bpf_jit_comp.c */
static void emit_signed_div(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	const bool mod = BPF_OP(insn->code) == BPF_MOD, is64 = is_64(insn);
	const u8 tmp = bpf2a64[TMP_REG_1], tmp2 = bpf2a64[TMP_REG_2];
	const u8 dst = bpf2a64[insn->dst_reg];
	u8 divisor = bpf2a64[insn->src_reg];

	if (BPF_SRC(insn->code) == BPF_K) {
		divisor = mod ? tmp2 : tmp;
		emit_a64_mov_i(is64, divisor, insn->imm, ctx);
	}
	emit(A64_SDIV(is64, mod ? tmp : dst, dst, divisor), ctx);
	if (mod)
		emit(A64_MSUB(is64, dst, dst, tmp, divisor), ctx);
}

static void emit_bswap(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	const u8 dst = bpf2a64[insn->dst_reg];

	switch (insn->imm) {
	case 16:
		emit(A64_REV16(1, dst, dst), ctx);
		emit(A64_UXTH(1, dst, dst), ctx);
		break;
	case 32:
		emit(A64_REV32(0, dst, dst), ctx);
		break;
	case 64:
		emit(A64_REV64(dst, dst), ctx);
		break;
	}
}

static int emit_gotol(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	const int i = insn - ctx->prog->insnsi;
	const s32 jmp_offset = bpf2a64_offset(i, insn_jump_off(insn), ctx);
	int err = check_branch(i, jmp_offset, 26);

	if (err)
		return err;
	emit(A64_B(jmp_offset), ctx);
	return 0;
}

/* LDAR and STLR take an address without an offset. */
static int emit_acquire_release(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	const bool load = insn_is_load_acquire(insn);
	const u8 dst = bpf2a64[insn->dst_reg], src = bpf2a64[insn->src_reg];
	const u8 addr = a64_emit_atomic_addr(insn, load ? src : dst, ctx);
	const int log2 = ilog2(bpf_size_to_bytes(BPF_SIZE(insn->code)));

	emit(load ? A64_LDAR(log2, dst, addr) : A64_STLR(log2, src, addr), ctx);
	if (BPF_MODE(insn->code) != BPF_PROBE_ATOMIC)
		return 0;
	return a64_add_exception_entry(ctx, ctx->idx - 1, ctx->idx,
				       load ? dst : EX_CLEAR_NONE);
}

/**
 * a64_sign_extend_load() - make a load that was just emitted a sign-extending one
 * @insn: any load; nothing is done unless it sign-extends
 * @ctx: the function
 */
void a64_sign_extend_load(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	__le32 *last;

	if (!ctx->image || !insn_is_ldsx(insn))
		return;
	last = &ctx->image[ctx->idx - 1];
	*last = cpu_to_le32(A64_SIGNED_LOAD(le32_to_cpu(*last)));
}

static int emit_arena_ldsx(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	int err = a64_emit_arena_access(insn, ctx);

	a64_sign_extend_load(insn, ctx);
	return err;
}

/**
 * a64_emit_v4_insn() - emit an insn that 6.1 lacks
 * @insn: any insn
 * @ctx: the function
 * @ret: 0 or an error, if the insn is one of them
 *
 * Return: whether it is one of them.
 */
bool a64_emit_v4_insn(const struct bpf_insn *insn, struct jit_ctx *ctx, int *ret)
{
	const u8 dst = bpf2a64[insn->dst_reg], src = bpf2a64[insn->src_reg];

	*ret = 0;
	if (insn_is_movsx(insn))
		emit(A64_SXT(is_64(insn), dst, src, insn->off), ctx);
	else if (insn_is_signed_div(insn))
		emit_signed_div(insn, ctx);
	else if (insn_is_bswap(insn))
		emit_bswap(insn, ctx);
	else if (insn->code == (BPF_JMP32 | BPF_JA))
		*ret = emit_gotol(insn, ctx);
	else if (insn_is_load_acquire(insn) || insn_is_store_release(insn))
		*ret = emit_acquire_release(insn, ctx);
	else if (insn_is_arena_access(insn) && insn_is_ldsx(insn))
		*ret = emit_arena_ldsx(insn, ctx);
	else
		return false;
	return true;
}
