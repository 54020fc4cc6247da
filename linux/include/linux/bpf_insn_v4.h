/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instructions that the base kernel lacks: those of -mcpu=v4, load-acquire and
 * store-release. kernel/bpf/insn_v4.c describes them.
 *
 * Included by linux/filter.h.
 */
#ifndef _LINUX_BPF_INSN_V4_H
#define _LINUX_BPF_INSN_V4_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

/* unused opcodes to mark sign-extending loads: of a pointer to a BTF type, and
 * through an arena pointer
 */
#define BPF_PROBE_MEMSX		0x40
#define BPF_PROBE_MEM32SX	0xc0

/* mode of a verified atomic through an arena pointer */
#define BPF_PROBE_ATOMIC	0xe0

/* off of a signed division or modulo */
#define BPF_SIGNED		1

/* dst = (s8, s16 or s32)src; off is the number of bits */
static inline bool insn_is_movsx(const struct bpf_insn *insn)
{
	switch (insn->code) {
	case BPF_ALU64 | BPF_MOV | BPF_X:
		return insn->off == 8 || insn->off == 16 || insn->off == 32;
	case BPF_ALU | BPF_MOV | BPF_X:
		return insn->off == 8 || insn->off == 16;
	default:
		return false;
	}
}

static inline bool insn_is_signed_div(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class == BPF_ALU || class == BPF_ALU64) &&
	       (op == BPF_DIV || op == BPF_MOD) && insn->off == BPF_SIGNED;
}

static inline bool insn_is_bswap(const struct bpf_insn *insn)
{
	return insn->code == (BPF_ALU64 | BPF_END | BPF_TO_LE);
}

/* A sign-extending load, as programs have it or as the verifier marked it */
static inline bool insn_is_ldsx(const struct bpf_insn *insn)
{
	u8 mode = BPF_MODE(insn->code);

	return BPF_CLASS(insn->code) == BPF_LDX &&
	       (mode == BPF_MEMSX || mode == BPF_PROBE_MEMSX || mode == BPF_PROBE_MEM32SX);
}

/* A verified atomic on arena memory has a mode of its own. */
static inline bool insn_has_atomic_mode(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_STX &&
	       (BPF_MODE(insn->code) == BPF_ATOMIC ||
		BPF_MODE(insn->code) == BPF_PROBE_ATOMIC);
}

/* dst = load_acquire(src + off) */
static inline bool insn_is_load_acquire(const struct bpf_insn *insn)
{
	return insn_has_atomic_mode(insn) && insn->imm == BPF_LOAD_ACQ;
}

/* store_release(dst + off, src) */
static inline bool insn_is_store_release(const struct bpf_insn *insn)
{
	return insn_has_atomic_mode(insn) && insn->imm == BPF_STORE_REL;
}

/* The distance of a jump, which may be BPF_JMP32 | BPF_JA, from the next insn */
static inline s32 insn_jump_off(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP32 | BPF_JA) ? insn->imm : insn->off;
}

#endif /* _LINUX_BPF_INSN_V4_H */
