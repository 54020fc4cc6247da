// SPDX-License-Identifier: GPL-2.0
/*
 * A program of loop.c, run with one input here: what does it do that no accepted
 * program may?
 *
 * The verifier says that no input makes the program leave the map's value, or go on for
 * ever. So one input that does is a finding, without a crash or a page that happens to
 * have a pattern. It is run in the kernel as well, where it may be seen.
 *
 * may_goto leaves when time is over, which can be at any moment; each later one leaves as
 * well, in callers and in new calls. Time is counted in may_gotos here. A program that
 * goes on for STEPS after that does not end. The verifier has bounded what else it loops:
 * it looks at a million instructions at most.
 *
 * Pointers are numbers that no scalar gets to: VALUE and STACK, by frame.
 */
#include <string.h>
#include "verifier.h"

#define STEPS (4 * 1000 * 1000)
#define MAX_DEPTH 8
#define STACK_SIZE 64
#define VALUE (1ULL << 40)
#define STACK (2ULL << 40)

struct machine {
	const struct code *c;
	uint8_t value[VALUE_SIZE];
	uint8_t stack[MAX_DEPTH][STACK_SIZE];
	uint64_t regs[11];
	struct { uint64_t saved[4]; uint32_t at; } frames[MAX_DEPTH];
	uint32_t depth, at;
	uint32_t left;		/* may_gotos that do not leave */
	uint32_t steps;		/* since one did not */
	bool over;
	char *what;
	size_t size;
};

#define wrong(m, fmt, args...) (snprintf((m)->what, (m)->size, fmt, ##args), false)

static uint32_t width(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B: return 1;
	case BPF_H: return 2;
	case BPF_W: return 4;
	default: return 8;
	}
}

/* Where an access goes, or NULL */
static uint8_t *memory(struct machine *m, uint64_t addr, uint32_t size)
{
	uint64_t stack = m->regs[10] - STACK_SIZE;

	if (addr >= VALUE && addr + size <= VALUE + VALUE_SIZE)
		return m->value + (addr - VALUE);
	if (addr >= stack && addr + size <= m->regs[10])
		return m->stack[m->depth] + (addr - stack);
	return NULL;
}

static bool access_memory(struct machine *m, const struct bpf_insn *i)
{
	bool is_load = BPF_CLASS(i->code) == BPF_LDX;
	uint64_t addr = m->regs[is_load ? i->src_reg : i->dst_reg] + i->off, value = 0;
	uint8_t *mem = memory(m, addr, width(i->code));

	if (!mem)
		return wrong(m, "instruction %u accesses byte %lld of the map's value", m->at,
			     (long long)(addr - VALUE));
	if (is_load) {
		memcpy(&value, mem, width(i->code));
		m->regs[i->dst_reg] = value;
		return true;
	}
	value = BPF_CLASS(i->code) == BPF_ST ? (uint64_t)i->imm : m->regs[i->src_reg];
	memcpy(mem, &value, width(i->code));
	return true;
}

static void alu(struct machine *m, const struct bpf_insn *i)
{
	uint64_t src = BPF_SRC(i->code) == BPF_X ? m->regs[i->src_reg] : (uint64_t)i->imm;
	uint64_t dst = m->regs[i->dst_reg];

	switch (BPF_OP(i->code)) {
	case BPF_MOV: dst = src; break;
	case BPF_ADD: dst += src; break;
	case BPF_SUB: dst -= src; break;
	case BPF_MUL: dst *= src; break;
	case BPF_AND: dst &= src; break;
	case BPF_LSH: dst <<= src; break;
	case BPF_RSH: dst >>= src; break;
	}
	m->regs[i->dst_reg] = BPF_CLASS(i->code) == BPF_ALU ? (uint32_t)dst : dst;
}

static bool is_taken(struct machine *m, const struct bpf_insn *i)
{
	uint64_t x = m->regs[i->dst_reg];
	uint64_t y = BPF_SRC(i->code) == BPF_X ? m->regs[i->src_reg] : (uint64_t)i->imm;

	if (BPF_CLASS(i->code) == BPF_JMP32) {
		/* signs as the comparison wants them */
		x = (int64_t)(int32_t)x;
		y = (int64_t)(int32_t)y;
	}
	switch (BPF_OP(i->code)) {
	case BPF_JA: return true;
	case BPF_JEQ: return x == y;
	case BPF_JNE: return x != y;
	case BPF_JGT: return x > y;
	case BPF_JGE: return x >= y;
	case BPF_JLT: return x < y;
	case BPF_JLE: return x <= y;
	case BPF_JSGT: return (int64_t)x > (int64_t)y;
	case BPF_JSLT: return (int64_t)x < (int64_t)y;
	default: return x & y;
	}
}

static bool may_goto_leaves(struct machine *m)
{
	if (!m->left) {
		m->over = true;
		return true;
	}
	m->left--;
	m->steps = 0;
	return false;
}

static void enter(struct machine *m, const struct bpf_insn *i)
{
	memcpy(m->frames[m->depth].saved, &m->regs[6], sizeof(m->frames[0].saved));
	m->frames[m->depth++].at = m->at;
	m->regs[10] += STACK_SIZE;
	m->at += i->imm;
}

/* Returns whether the program goes on */
static bool leave(struct machine *m)
{
	if (!m->depth)
		return false;
	m->at = m->frames[--m->depth].at;
	memcpy(&m->regs[6], m->frames[m->depth].saved, sizeof(m->frames[0].saved));
	m->regs[10] -= STACK_SIZE;
	return true;
}

/* One instruction. Returns whether the program goes on. */
static bool step(struct machine *m)
{
	const struct bpf_insn *i = &m->c->insns[m->at];

	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
		m->regs[i->dst_reg] = VALUE + i[1].imm;
		m->at++;
		break;
	case BPF_LDX: case BPF_ST: case BPF_STX:
		if (!access_memory(m, i))
			return false;
		break;
	case BPF_ALU: case BPF_ALU64:
		alu(m, i);
		break;
	default:
		if (i->code == (BPF_JMP | BPF_EXIT)) {
			if (!leave(m))
				return false;
		} else if (i->code == (BPF_JMP | BPF_CALL)) {
			enter(m, i);
		} else if (i->code == MAY_GOTO ? may_goto_leaves(m) : is_taken(m, i)) {
			m->at += i->off;
		}
	}
	m->at++;
	return true;
}

/* rounds: may_gotos that fall through before time is over. what: what was wrong */
enum sim simulate(const struct code *c, const uint64_t *input, uint32_t rounds, char *what,
		  size_t size)
{
	struct machine m = { .c = c, .left = rounds, .what = what, .size = size };

	what[0] = 0;
	memcpy(m.value, input, VALUE_SIZE);
	m.regs[10] = STACK + STACK_SIZE;
	while (step(&m)) {
		if (++m.steps < STEPS)
			continue;
		snprintf(what, size, "it does not end: after %u may_gotos, and %u instructions, at instruction %u",
			 rounds - m.left, m.steps, m.at);
		break;
	}
	if (what[0])
		return SIM_WRONG;
	return m.over ? SIM_ENDS_BY_MAY_GOTO : SIM_ENDS;
}
