// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF instructions of -mcpu=v4, load-acquire and store-release
 *
 * Compilers for later kernels emit instructions that the base kernel refuses:
 *
 *   instruction              encoding                              result
 *   r1 = (s8)r2              BPF_ALU64 | BPF_MOV | BPF_X, off 8    64 bits
 *                            off 16, 32: s16, s32
 *   w1 = (s8)w2              BPF_ALU | BPF_MOV | BPF_X, off 8, 16  32 bits, upper half 0
 *   r1 s/= r2, r1 s%= r2     BPF_DIV, BPF_MOD, off 1
 *   r1 = bswap32 r1          BPF_ALU64 | BPF_END, imm 16, 32, 64   upper bits 0
 *   r1 = *(s32 *)(r2 + 8)    BPF_LDX | BPF_MEMSX | B, H, W         64 bits
 *   r1 = load_acquire(...)   BPF_STX | BPF_ATOMIC, imm 0x100       upper bits 0
 *   store_release(..., r2)   BPF_STX | BPF_ATOMIC, imm 0x110
 *   gotol +100000            BPF_JMP32 | BPF_JA, imm               (the base has it)
 *
 * JITs run all of them but gotol; the interpreter does not, and so programs with
 * one set prog->jit_required. A JIT that lacks them would take r1 = (s8)r2 for
 * r1 = r2: the verifier asks bpf_jit_supports_insn_v4() when it meets one.
 *
 * Division: x s/ 0 is 0, x s% 0 is x, S64_MIN s/ -1 is S64_MIN and its remainder 0.
 * x86's idiv traps in all four cases, so bpf_v4_patch_div() puts tests before it.
 *
 * load_acquire is a load to the verifier, for the class of the instruction alone
 * it is a store: it defines dst_reg, and its pointer is src_reg.
 */
#include <linux/bitops.h>
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/filter.h>

#include "insn_v4.h"

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/* For messages; NULL: the interpreter can run it */
static const char *v4_name(const struct bpf_insn *insn)
{
	if (insn_is_movsx(insn))
		return "a sign-extending move";
	if (insn_is_signed_div(insn))
		return "signed division";
	if (insn_is_bswap(insn))
		return "bswap";
	if (insn_is_ldsx(insn))
		return "a sign-extending load";
	if (insn_is_load_acquire(insn))
		return "load_acquire";
	if (insn_is_store_release(insn))
		return "store_release";
	return NULL;
}

/* Overridden by JITs that know the instructions above */
bool __weak bpf_jit_supports_insn_v4(void)
{
	return false;
}

/**
 * bpf_v4_check_insn() - may this program have this instruction?
 * @env: verifier state
 * @insn: any instruction, not checked yet
 *
 * Return: 0; -EOPNOTSUPP, with a message in the log, if what is going to run the
 * program cannot run @insn.
 */
int bpf_v4_check_insn(struct bpf_verifier_env *env, const struct bpf_insn *insn)
{
	const char *name = v4_name(insn);

	if (!name)
		return 0;
	if (bpf_prog_is_dev_bound(env->prog->aux)) {
		verbose(env, "programs for a device cannot use %s\n", name);
		return -EOPNOTSUPP;
	}
	if (!env->prog->jit_requested) {
		verbose(env, "JIT is required to use %s\n", name);
		return -EOPNOTSUPP;
	}
	if (!bpf_jit_supports_insn_v4()) {
		verbose(env, "JIT doesn't support %s\n", name);
		return -EOPNOTSUPP;
	}
	env->prog->jit_required = 1;
	return 0;
}

/**
 * bpf_v4_may_store_imm() - may BPF_ST store to the context?
 * @env: verifier state
 *
 * With -mcpu=v4, clang uses BPF_ST. The base refuses it for all contexts, though only
 * convert_ctx_access() of some program types cannot take it. Other programs get the
 * base's answer, which its tests expect.
 */
bool bpf_v4_may_store_imm(const struct bpf_verifier_env *env)
{
	return (env->prog->aux->arena || env->loops.used) && !env->ops->convert_ctx_access;
}

static s64 sign_extended(u64 value, int size)
{
	return sign_extend64(value, size * 8 - 1);
}

/**
 * bpf_reg_is_sign_extended() - does sign extension leave a register as it is?
 * @reg: a scalar
 * @size: in bytes, 1, 2 or 4
 */
bool bpf_reg_is_sign_extended(const struct bpf_reg_state *reg, int size)
{
	s64 max = (1LL << (size * 8 - 1)) - 1;

	return reg->smin_value >= -max - 1 && reg->smax_value <= max;
}

/*
 * The signed bounds of what is sign-extended. Where the bits above do not differ
 * between the bounds, the lower ones go up from smin to smax, and so does their
 * sign-extended value if it does not pass from positive to negative.
 */
static void sign_extend_bounds(struct bpf_reg_state *reg, int size)
{
	s64 smin = sign_extended(reg->smin_value, size);
	s64 smax = sign_extended(reg->smax_value, size);

	if (reg->smin_value >> (size * 8) == reg->smax_value >> (size * 8) && smin <= smax) {
		reg->smin_value = smin;
		reg->smax_value = smax;
	} else {
		reg->smax_value = (1LL << (size * 8 - 1)) - 1;
		reg->smin_value = -reg->smax_value - 1;
	}
}

/**
 * bpf_reg_sign_extend() - sign-extend what is known of a scalar
 * @reg: the scalar, of which only the lowest @size bytes count
 * @size: in bytes, 1, 2 or 4
 *
 * If the value may be another one afterwards, the register is not linked by its id to
 * others any more.
 */
void bpf_reg_sign_extend(struct bpf_reg_state *reg, int size)
{
	if (bpf_reg_is_sign_extended(reg, size))
		return;

	reg->id = 0;
	/* an unknown sign makes all bits above it unknown, as extending the mask does */
	reg->var_off.value = sign_extended(reg->var_off.value, size);
	reg->var_off.mask = sign_extended(reg->var_off.mask, size);
	sign_extend_bounds(reg, size);
	reg->umin_value = 0;
	reg->umax_value = U64_MAX;
	__reg_combine_64_into_32(reg);
}

static int patch_div_imm(const struct bpf_insn *insn, struct bpf_insn *buf)
{
	if (insn->imm != -1)
		return 0;
	if (BPF_OP(insn->code) == BPF_DIV)
		*buf = BPF_RAW_INSN(BPF_CLASS(insn->code) | BPF_NEG | BPF_K, insn->dst_reg,
				    0, 0, 0);
	else
		*buf = BPF_RAW_INSN(BPF_CLASS(insn->code) | BPF_MOV | BPF_K, insn->dst_reg,
				    0, 0, 0);
	return 1;
}

/**
 * bpf_v4_patch_div() - replace a signed division by one that does not trap
 * @insn: any instruction
 * @buf: where the instructions that replace it go, room for 7
 *
 * Return: number of instructions in @buf, 0 if @insn can stay as it is.
 */
int bpf_v4_patch_div(const struct bpf_insn *insn, struct bpf_insn *buf)
{
	const u8 class = BPF_CLASS(insn->code), dst = insn->dst_reg, src = insn->src_reg;
	const bool is64 = class == BPF_ALU64, isdiv = BPF_OP(insn->code) == BPF_DIV;
	const u8 jeq = (is64 ? BPF_JMP : BPF_JMP32) | BPF_JEQ | BPF_K;
	const struct bpf_insn div[] = {
		BPF_RAW_INSN(jeq, src, 0, 3, 0),
		BPF_RAW_INSN(jeq, src, 0, 4, -1),
		*insn,
		BPF_JMP_IMM(BPF_JA, 0, 0, 3),
		/* by 0 */
		BPF_MOV32_IMM(dst, 0),
		BPF_JMP_IMM(BPF_JA, 0, 0, 1),
		/* by -1 */
		BPF_RAW_INSN(class | BPF_NEG | BPF_K, dst, 0, 0, 0),
	};
	const struct bpf_insn mod[] = {
		BPF_RAW_INSN(jeq, src, 0, is64 ? 4 : 5, 0),
		BPF_RAW_INSN(jeq, src, 0, 2, -1),
		*insn,
		BPF_JMP_IMM(BPF_JA, 0, 0, is64 ? 1 : 3),
		/* by -1; of the class that the verifier knows the result to have */
		BPF_RAW_INSN(class | BPF_MOV | BPF_K, dst, 0, 0, 0),
		/* by 0, 32 bits */
		BPF_JMP_IMM(BPF_JA, 0, 0, 1),
		BPF_MOV32_REG(dst, dst),
	};
	const int cnt = ARRAY_SIZE(mod) - (!isdiv && is64 ? 2 : 0);

	if (!insn_is_signed_div(insn))
		return 0;
	if (BPF_SRC(insn->code) == BPF_K)
		return patch_div_imm(insn, buf);
	memcpy(buf, isdiv ? div : mod, cnt * sizeof(*buf));
	return cnt;
}
