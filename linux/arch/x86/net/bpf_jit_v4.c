// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions of -mcpu=v4, load-acquire and store-release in x86-64 code
 *
 * What programs have beyond v3 is, but for signed division, one x86 insn each:
 *
 *	r1 = (s8)r2			movsx, movsxd
 *	r1 = *(s8 *)(r2 + off)		movsx, movsxd
 *	r1 s/= r2			as r1 /= r2, with cqo, or cdq, and idiv
 *	r1 = bswap32 r1			as r1 = be32 r1
 *	r1 = load_acquire(r2 + off)	as r1 = *(r2 + off)
 *	store_release(r1 + off, r2)	as *(r1 + off) = r2
 *	gotol				the base knows it
 *
 * On x86 every load is an acquire and every store a release. Loads of kernel memory
 * that may fault share the code of bpf_jit_comp.c for them, division its use of rax
 * and rdx. Accesses to an arena are the affair of bpf_jit_arena.c.
 */
#include "bpf_jit_comp.h"

/* LDX: dst_reg = *(s8*)(src_reg + off), 64 bits */
static void emit_ldsx(u8 **pprog, u32 size, u32 dst_reg, u32 src_reg, int off)
{
	maybe_emit_mod(pprog, src_reg, dst_reg, true);
	if (size == BPF_W)
		*pprog = put_bytes(*pprog, 0x63);		/* movsxd */
	else
		*pprog = put_bytes(*pprog, 0x0F, size == BPF_B ? 0xBE : 0xBF); /* movsx */
	emit_insn_suffix(pprog, src_reg, dst_reg, off);
}

/* dst_reg = (s8, s16 or s32)src_reg */
static void emit_movsx_reg(u8 **pprog, int bits, bool is64, u32 dst_reg, u32 src_reg)
{
	u8 *start = *pprog, *prog;

	maybe_emit_mod(pprog, src_reg, dst_reg, is64);
	prog = *pprog;
	/* SIL and DIL need a REX byte, too */
	if (prog == start && bits == 8 && is_ereg_8l(src_reg))
		prog = put_bytes(prog, 0x40);
	if (bits == 32)
		prog = put_bytes(prog, 0x63);			/* movsxd */
	else
		prog = put_bytes(prog, 0x0F, bits == 8 ? 0xBE : 0xBF);	/* movsx */
	*pprog = put_bytes(prog, modrm_regs(src_reg, dst_reg));
}

/**
 * x86_v4_ldx() - emit a load, sign-extending or not
 * @pprog: where to, moved on
 * @insn: of class BPF_LDX, or a load-acquire; not of an arena
 */
void x86_v4_ldx(u8 **pprog, const struct bpf_insn *insn)
{
	u32 size = BPF_SIZE(insn->code);

	if (insn_is_ldsx(insn))
		emit_ldsx(pprog, size, insn->dst_reg, insn->src_reg, insn->off);
	else
		emit_ldx(pprog, size, insn->dst_reg, insn->src_reg, insn->off);
}

/**
 * x86_v4_cqo() - emit what spreads the sign of rax to rdx, before idiv
 * @pprog: where to, moved on
 * @is64: cqo, else cdq, of eax to edx
 */
void x86_v4_cqo(u8 **pprog, bool is64)
{
	if (is64)
		*pprog = put_bytes(*pprog, 0x48);
	*pprog = put_bytes(*pprog, 0x99);
}

/**
 * x86_v4_insn() - emit an insn that bpf_jit_comp.c does not know
 * @pprog: where to, moved on
 * @insn: any insn
 *
 * Return: false if it is for bpf_jit_comp.c, and nothing was emitted
 */
bool x86_v4_insn(u8 **pprog, const struct bpf_insn *insn)
{
	if (insn_is_movsx(insn))
		emit_movsx_reg(pprog, insn->off, BPF_CLASS(insn->code) == BPF_ALU64,
			       insn->dst_reg, insn->src_reg);
	else if (insn_is_load_acquire(insn) || (insn_is_ldsx(insn) && !is_probe_ldx(insn)))
		x86_v4_ldx(pprog, insn);
	else if (insn_is_store_release(insn))
		emit_stx(pprog, BPF_SIZE(insn->code), insn->dst_reg, insn->src_reg, insn->off);
	else
		return false;
	return true;
}

bool bpf_jit_supports_insn_v4(void)
{
	return true;
}
