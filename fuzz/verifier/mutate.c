// SPDX-License-Identifier: GPL-2.0
/*
 * One thing or several wrong with a program, and what may not become of it
 *
 * No instruction comes or goes, so that jumps stay where they were. In a strict one, what is
 * an address of the kernel is the base of an access and nothing else: the frame, the
 * map's value. In a plain one arithmetic stays small.
 */
#include <string.h>
#include "verifier.h"

static bool is_load(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_LDX;
}

static bool is_alu(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_ALU || BPF_CLASS(i->code) == BPF_ALU64;
}

static bool is_jump(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_JMP || BPF_CLASS(i->code) == BPF_JMP32;
}

static bool is_store(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_ST || BPF_CLASS(i->code) == BPF_STX;
}

static bool is_atomic(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC;
}

static bool uses_src(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_STX || is_load(i) ||
	       ((is_alu(i) || is_jump(i)) && BPF_SRC(i->code) == BPF_X);
}

static bool is_load_acquire(const struct bpf_insn *i)
{
	return is_atomic(i) && i->imm == BPF_LOAD_ACQ;
}

static bool is_kernel_reg(int reg)
{
	return reg == 8 || reg == 10;
}

/* Nothing of the kernel's becomes a value. Calls are not made by mutations. */
static bool stays_strict(const struct bpf_insn *i)
{
	if (BPF_CLASS(i->code) == BPF_LD || i->code == (BPF_JMP | BPF_CALL))
		return false;
	if (is_alu(i) || is_jump(i))
		return !is_kernel_reg(i->dst_reg) &&
		       !(uses_src(i) && is_kernel_reg(i->src_reg));
	if (is_load(i) || is_load_acquire(i))
		return !is_kernel_reg(i->dst_reg);
	return !(uses_src(i) && is_kernel_reg(i->src_reg));
}

static bool stays_plain(const struct bpf_insn *i)
{
	uint8_t op = BPF_OP(i->code);

	if (is_load(i))
		return BPF_MODE(i->code) != BPF_MEMSX;
	if (is_atomic(i))
		return i->imm != BPF_XOR && i->imm != (BPF_XOR | BPF_FETCH);
	if (!is_alu(i))
		return !is_store(i) || (i->imm >= 0 && i->imm <= 0xffff);
	return (op == BPF_ADD || op == BPF_OR || op == BPF_AND || op == BPF_RSH || op == BPF_MOV) &&
	       /* neither a move that sign-extends */
	       (!i->off || (i->off == BPF_CAST && BPF_SRC(i->code) == BPF_X)) &&
	       ((i->off == BPF_CAST && BPF_SRC(i->code) == BPF_X) ||
		(i->imm >= 0 && i->imm <= 0xffff));
}

static bool may_become(const struct code *c, const struct bpf_insn *i)
{
	return (!c->strict || stays_strict(i)) && (!c->plain || stays_plain(i));
}

static struct bpf_insn changed(struct rng *rng, const struct code *c, struct bpf_insn i)
{
	static const int32_t imms[] = { 0, 1, -1, 0x10000, 0x10001, 2, 64, 32, BPF_FETCH, 0xe0,
					BPF_LOAD_ACQ, BPF_STORE_REL };
	static const int16_t offs[] = { 0, 1, 2, -1, -2, 8, 16, 32, INT16_MAX, INT16_MIN };

	switch (rng_below(rng, 8)) {
	case 0: i.dst_reg = rng_below(rng, 11); break;
	case 1: i.src_reg = rng_below(rng, 11); break;
	case 2: i.off = rng_pick(rng, offs); break;
	case 3: i.imm = rng_pick(rng, imms); break;
	case 4: i.code ^= 1 << rng_below(rng, 8); break;
	case 5: i = c->insns[rng_below(rng, c->cnt)]; break;
	case 6: i = (struct bpf_insn){ .code = BPF_JMP | BPF_JA }; break;
	case 7: i.code = (i.code & ~0x18) | (rng_next(rng) & 0x18); break;
	}
	return i;
}

void mutate(struct code *c, struct rng *rng)
{
	uint32_t cnt = rng_between(rng, 1, 6), at;
	struct bpf_insn i;

	c->never[0] = 0;
	while (cnt--) {
		at = rng_below(rng, c->cnt);
		/* pairs and the frame stay, but for programs that may be anything */
		if (c->keep[at] == FIXED)
			continue;
		if (c->keep[at] == KEEP && (c->strict || !one_in(rng, 4)))
			continue;
		i = changed(rng, c, c->insns[at]);
		if (may_become(c, &i))
			c->insns[at] = i;
	}
}
