// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that are nearly valid
 *
 * A program is made of statements. The generator knows roughly what a register holds, as
 * the verifier will, and mostly picks registers that fit; one in MISFIT times it picks
 * any. What registers are for:
 *
 *	r0 to r5   whatever a statement needs, lost in calls
 *	r6         arena pointer
 *	r7         rounds of the loop, or a scalar where there is no loop
 *	r8         the map's value, VALUE_SIZE bytes
 *	r9         user address in the arena, a scalar
 *	r10 - 64   eight words of stack, written before anything else
 *	r10 - 72   an iterator, or interrupt flags
 *
 * Loops are of one shape here, and short, so that there is time for other programs.
 * loop.c has the others.
 */
#include <string.h>
#include <linux/bpf.h>
#include "verifier.h"

#define MISFIT 60	/* one register in so many may not fit */
#define SLOTS 8
#define MAX_SUBS 2
#define MAX_JUMPS 8

enum kind { UNKNOWN, SCALAR, ARENA_PTR, VALUE_PTR, FRAME_PTR };

struct gen {
	struct code *c;
	struct rng *rng;
	uint32_t arena_pages;
	enum kind regs[11];
	bool in_sub, in_loop;	/* in_loop: there is or was a loop */
	/* jumps whose target is not reached yet */
	struct { uint32_t at, left; enum kind regs[11]; } jumps[MAX_JUMPS];
	/* calls of subprograms that come later */
	uint32_t calls[16], nr_calls;
};

static int32_t pick_imm(struct gen *g)
{
	static const int32_t edges[] = { 0, 1, -1, 7, 8, 31, 32, 63, 64, 255, 4095, 4096, 4097,
					 0x7fff, 0x8000, 0xffff, 0x10000, INT32_MAX, INT32_MIN };

	if (g->c->plain)
		return rng_below(g->rng, 0x10000);
	switch (rng_below(g->rng, 3)) {
	case 0: return rng_pick(g->rng, edges);
	case 1: return rng_below(g->rng, 256);
	default: return rng_next(g->rng) & 0x7fffffff;
	}
}

/* Offsets of instructions reach out of pages, of the arena, and of its window. */
static int16_t pick_off(struct gen *g)
{
	static const int16_t edges[] = { 0, 0, 0, 8, -8, 4088, 4092, 4095, INT16_MAX, INT16_MAX - 7,
					 INT16_MIN, INT16_MIN + 1, -1, 1 };

	return one_in(g->rng, 3) ? (int16_t)rng_next(g->rng) : rng_pick(g->rng, edges);
}

static uint8_t pick_size(struct gen *g)
{
	static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

	return rng_pick(g->rng, sizes);
}

static bool may_write(const struct gen *g, int reg)
{
	return reg != 10 && reg != 8 && !(reg == 7 && g->in_loop);
}

/* A register of that kind if there is one, or one that does not fit */
static int pick_reg(struct gen *g, enum kind kind)
{
	int start = rng_below(g->rng, 10), i, reg;

	if (one_in(g->rng, MISFIT) && !g->c->strict)
		return rng_below(g->rng, 11);
	for (i = 0; i < 10; i++) {
		reg = (start + i) % 10;
		if (g->regs[reg] == kind)
			return reg;
	}
	return -1;
}

/* One to write to. r6 and r9 less often: they are what it is about. */
static int pick_dst(struct gen *g)
{
	int reg;

	do {
		reg = rng_below(g->rng, 10);
	} while (!may_write(g, reg) || ((reg == 6 || reg == 9) && !one_in(g->rng, 6)));
	return reg;
}

static uint8_t pick_op(struct gen *g)
{
	static const uint8_t all[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH,
				       BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH };
	static const uint8_t plain[] = { BPF_ADD, BPF_OR, BPF_AND, BPF_RSH, BPF_MOV };

	return g->c->plain ? rng_pick(g->rng, plain) : rng_pick(g->rng, all);
}

static int32_t imm_for(struct gen *g, uint8_t op, uint8_t class)
{
	int32_t imm = pick_imm(g);

	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		return imm & (class == BPF_ALU64 ? 63 : 31);
	return imm || (op != BPF_DIV && op != BPF_MOD) ? imm : 1;
}

/* Mostly off 0: the rest is refused unless the operation is a division */
static int16_t alu_off(struct gen *g, uint8_t op)
{
	if (op == BPF_DIV || op == BPF_MOD)
		return rng_below(g->rng, 2) ? SIGNED : 0;
	return !g->c->strict && one_in(g->rng, 200) ? SIGNED : 0;
}

static void gen_bswap(struct gen *g, int dst)
{
	emit(g->c, BPF_ALU64 | BPF_END, dst, 0, 0, 16 << rng_below(g->rng, 3));
}

static void gen_alu(struct gen *g)
{
	uint8_t class = rng_below(g->rng, 2) ? BPF_ALU : BPF_ALU64, op = pick_op(g);
	int dst = pick_reg(g, SCALAR), src = pick_reg(g, SCALAR);

	if (dst < 0 || !may_write(g, dst))
		return;
	if (one_in(g->rng, 12) && !g->c->plain)
		emit(g->c, BPF_ALU | BPF_NEG, dst, 0, 0, 0);
	else if (one_in(g->rng, 12) && !g->c->plain)
		emit(g->c, BPF_ALU | BPF_END | (rng_below(g->rng, 2) ? BPF_X : BPF_K), dst, 0, 0,
		     16 << rng_below(g->rng, 3));
	else if (one_in(g->rng, 12) && !g->c->plain)
		gen_bswap(g, dst);
	else if (src >= 0 && rng_below(g->rng, 2))
		emit(g->c, class | op | BPF_X, dst, src, alu_off(g, op), 0);
	else
		emit(g->c, class | op | BPF_K, dst, 0, alu_off(g, op), imm_for(g, op, class));
	g->regs[dst] = SCALAR;
}

/* A move that sign-extends, and what is done with it: an offset into the value */
static void gen_movsx(struct gen *g)
{
	uint8_t class = one_in(g->rng, 3) ? BPF_ALU : BPF_ALU64;
	int dst = pick_dst(g), src = pick_reg(g, rng_below(g->rng, 4) ? SCALAR : ARENA_PTR);

	if (src < 0 || g->c->plain)
		return;
	emit(g->c, class | BPF_MOV | BPF_X, dst, src,
	     8 << rng_below(g->rng, class == BPF_ALU64 ? 3 : 2), 0);
	g->regs[dst] = SCALAR;
}

/*
 * The verifier has to know what sign extension leaves of a range: offset of 1 to 8 bytes
 * into the value, by a number that is in it, or not, and is negative at times.
 */
static void gen_value_at(struct gen *g)
{
	static const int32_t limits[] = { 7, 31, 55, 56, 63, 64, 127, 128, 255, 32767, 65535 };
	int num = pick_reg(g, SCALAR), at = 1 + rng_below(g->rng, 5);
	uint8_t mov = BPF_ALU64 | BPF_MOV | BPF_X;
	uint32_t bits = 8 << rng_below(g->rng, 3);

	/* it leaves an address of the kernel in a register */
	if (g->in_sub || num < 0 || g->c->strict || num == at)
		return;
	emit(g->c, mov, at, num, 0, 0);
	emit(g->c, BPF_ALU64 | BPF_AND | BPF_K, at, 0, 0, rng_pick(g->rng, limits));
	if (rng_below(g->rng, 2))
		emit(g->c, BPF_ALU64 | BPF_SUB | BPF_K, at, 0, 0, rng_pick(g->rng, limits));
	if (one_in(g->rng, 3))
		emit(g->c, BPF_ALU | BPF_MOV | BPF_X, at, at, bits == 32 ? 8 : bits, 0);
	else
		emit(g->c, mov, at, at, bits, 0);
	if (rng_below(g->rng, 2)) {
		emit(g->c, BPF_JMP | BPF_JSGT | BPF_K, at, 0, 3, rng_pick(g->rng, limits));
		emit(g->c, BPF_JMP | BPF_JSLT | BPF_K, at, 0, 2, 0);
		emit(g->c, BPF_ALU64 | BPF_ADD | BPF_X, at, 8, 0, 0);
		emit(g->c, BPF_ST | BPF_MEM | BPF_B, at, 0, 0, 1);
	} else {
		emit(g->c, BPF_ALU64 | BPF_ADD | BPF_X, at, 8, 0, 0);
		emit(g->c, BPF_ST | BPF_MEM | pick_size(g), at, 0, 0, 1);
	}
	g->regs[at] = UNKNOWN;
}

static void gen_mov(struct gen *g)
{
	int dst = pick_dst(g), src = pick_reg(g, rng_below(g->rng, 2) ? SCALAR : ARENA_PTR);

	if (src < 0 || one_in(g->rng, 3)) {
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, pick_imm(g));
		g->regs[dst] = SCALAR;
		return;
	}
	emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
	g->regs[dst] = g->regs[src];
}

/* Arena pointers, in 64 bits for the most part: in 32 the verifier wants a scalar */
static void gen_arena_alu(struct gen *g)
{
	uint8_t class = one_in(g->rng, 5) ? BPF_ALU : BPF_ALU64;
	int dst = pick_reg(g, ARENA_PTR), src = pick_reg(g, SCALAR);
	uint8_t op = one_in(g->rng, 4) ? pick_op(g) : BPF_ADD;

	if (dst < 0 || !may_write(g, dst))
		return;
	if (src >= 0 && rng_below(g->rng, 2))
		emit(g->c, class | op | BPF_X, dst, src, alu_off(g, op), 0);
	else
		emit(g->c, class | op | BPF_K, dst, 0, alu_off(g, op), imm_for(g, op, class));
	if (op == BPF_MOV)
		g->regs[dst] = SCALAR;
}

/*
 * Around the 4 GiB, by steps of 1: in 32 bits it is where it was, or not there; in 64 it
 * would be in the window beside, whose distance is a whole number of GiB.
 */
static void gen_far(struct gen *g)
{
	int dst = pick_reg(g, ARENA_PTR), src = pick_reg(g, SCALAR), steps = rng_between(g->rng, 4, 8);
	uint8_t op = rng_below(g->rng, 2) ? BPF_ADD : BPF_SUB;

	if (dst < 0 || src < 0 || g->c->plain || !may_write(g, dst))
		return;
	while (steps--)
		emit(g->c, BPF_ALU64 | op | BPF_K, dst, 0, 0, 1 << 30);
	if (rng_below(g->rng, 2))
		emit(g->c, BPF_STX | BPF_MEM | BPF_DW, dst, src, 0, 0);
	emit(g->c, BPF_LDX | BPF_MEM | BPF_DW, 0, dst, 0, 0);
	emit(g->c, BPF_STX | BPF_MEM | BPF_DW, 6, 0, 0, 0);
	g->regs[0] = SCALAR;
}

/* An access to the arena on one path, and to something else on the other: refused */
static void gen_mix(struct gen *g)
{
	int reg = rng_below(g->rng, 6), scalar = pick_reg(g, SCALAR), other = 10;
	bool arena_first = rng_below(g->rng, 2);
	uint8_t mov = BPF_ALU64 | BPF_MOV | BPF_X;

	if (g->c->strict || scalar < 0 || !one_in(g->rng, 4))
		return;
	if (!g->in_sub && rng_below(g->rng, 2))
		other = 8;
	emit(g->c, mov, reg, arena_first ? 6 : other, 0, 0);
	emit(g->c, BPF_JMP | BPF_JSET | BPF_K, scalar, 0, 1, 1 << rng_below(g->rng, 16));
	emit(g->c, mov, reg, arena_first ? other : 6, 0, 0);
	if (rng_below(g->rng, 2))
		emit(g->c, BPF_ST | BPF_MEM | BPF_DW, reg, 0, other == 8 ? 0 : -8, pick_imm(g));
	else
		emit(g->c, BPF_LDX | BPF_MEM | BPF_DW, reg, reg, other == 8 ? 0 : -8, 0);
	g->regs[reg] = UNKNOWN;
}

/* Of anything: a cast makes it an address of the arena, or one that is not there. */
static void gen_cast(struct gen *g)
{
	int dst = pick_dst(g), src = pick_reg(g, rng_below(g->rng, 4) ? SCALAR : ARENA_PTR);
	bool to_kern = rng_below(g->rng, 3);

	if (src < 0)
		src = 9;
	emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, BPF_CAST, to_kern ? TO_KERN : TO_USER);
	g->regs[dst] = to_kern ? ARENA_PTR : SCALAR;
}

/* How a load extends: what is not plain may be negative; 64 bits do not, or are refused */
static uint8_t load_mode(struct gen *g, uint8_t size)
{
	if (g->c->plain || (size == BPF_DW && (g->c->strict || !one_in(g->rng, 60))))
		return BPF_MEM;
	return one_in(g->rng, 3) ? BPF_MEMSX : BPF_MEM;
}

static void gen_load(struct gen *g)
{
	int src = pick_reg(g, ARENA_PTR), dst = pick_dst(g);
	uint8_t size = pick_size(g);

	if (src < 0)
		return;
	emit(g->c, BPF_LDX | load_mode(g, size) | size, dst, src, pick_off(g), 0);
	g->regs[dst] = SCALAR;
}

static void gen_store(struct gen *g)
{
	int dst = pick_reg(g, ARENA_PTR), src = pick_reg(g, rng_below(g->rng, 4) ? SCALAR : ARENA_PTR);

	if (dst < 0)
		return;
	if (src >= 0 && rng_below(g->rng, 4))
		emit(g->c, BPF_STX | BPF_MEM | pick_size(g), dst, src, pick_off(g), 0);
	else
		emit(g->c, BPF_ST | BPF_MEM | pick_size(g), dst, 0, pick_off(g), pick_imm(g));
}

static void gen_atomic(struct gen *g)
{
	static const int32_t ops[] = { BPF_ADD, BPF_OR, BPF_AND, BPF_XOR, BPF_ADD | BPF_FETCH,
				       BPF_OR | BPF_FETCH, BPF_AND | BPF_FETCH,
				       BPF_XOR | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG };
	int dst = pick_reg(g, ARENA_PTR), src = pick_reg(g, SCALAR);
	int32_t op = rng_pick(g->rng, ops);

	if (dst < 0 || src < 0 || ((op & BPF_FETCH) && !may_write(g, src)))
		return;
	if (op == BPF_CMPXCHG && g->regs[0] != SCALAR)
		return;
	if (g->c->plain && op == BPF_XOR)
		op = BPF_OR;
	emit(g->c, BPF_STX | BPF_ATOMIC | (rng_below(g->rng, 2) ? BPF_W : BPF_DW), dst, src,
	     one_in(g->rng, 8) ? pick_off(g) : pick_off(g) & ~7, op);
}

/* load_acquire or store_release: on the arena, on the stack, or on the map's value */
static void gen_ordered(struct gen *g)
{
	uint8_t code = BPF_STX | BPF_ATOMIC | pick_size(g);
	int src = pick_reg(g, rng_below(g->rng, 4) ? SCALAR : ARENA_PTR), dst = pick_dst(g);
	int base = pick_reg(g, ARENA_PTR);
	int16_t off = one_in(g->rng, 8) ? pick_off(g) : pick_off(g) & ~7;

	if (one_in(g->rng, 3)) {
		base = 10;
		off = -8 * (int)rng_between(g->rng, 1, SLOTS);
	} else if (one_in(g->rng, 3) && !g->in_sub) {
		base = 8;
		off = rng_below(g->rng, VALUE_SIZE / 8) * 8;
	}
	if (base < 0)
		return;
	if (rng_below(g->rng, 2)) {
		emit(g->c, code, dst, base, off, BPF_LOAD_ACQ);
		g->regs[dst] = base == 10 ? UNKNOWN : SCALAR;
	} else if (src >= 0) {
		emit(g->c, code, base, src, off, BPF_STORE_REL);
	}
}

/* A word of the stack, or of the map's value: written, then read by someone else */
static void gen_spill(struct gen *g)
{
	int slot = -8 * (int)rng_between(g->rng, 1, SLOTS), dst = pick_dst(g);
	int src = pick_reg(g, rng_below(g->rng, 2) ? SCALAR : ARENA_PTR);
	uint8_t size;

	if (src < 0)
		return;
	emit(g->c, BPF_STX | BPF_MEM | BPF_DW, 10, src, slot, 0);
	if (rng_below(g->rng, 2)) {
		emit(g->c, BPF_LDX | BPF_MEM | BPF_DW, dst, 10, slot, 0);
		g->regs[dst] = g->regs[src];
	} else if (rng_below(g->rng, 2)) {
		size = pick_size(g);
		emit(g->c, BPF_LDX | load_mode(g, size) | size, dst, 10, slot, 0);
		g->regs[dst] = SCALAR;
	}
}

static void gen_fill(struct gen *g)
{
	int slot = -8 * (int)rng_between(g->rng, 1, SLOTS), dst = pick_dst(g);

	/* what the slot holds is for the verifier to know */
	emit(g->c, BPF_LDX | BPF_MEM | BPF_DW, dst, 10, slot, 0);
	g->regs[dst] = UNKNOWN;
}

static void gen_value(struct gen *g)
{
	uint8_t size = pick_size(g);
	int off = rng_below(g->rng, VALUE_SIZE / 8) * 8, reg;

	if (g->in_sub)
		return;
	if (one_in(g->rng, 20))
		off = (int)rng_below(g->rng, VALUE_SIZE + 32) - 16;
	reg = rng_below(g->rng, 2) ? pick_reg(g, SCALAR) : pick_reg(g, ARENA_PTR);
	if (reg >= 0 && rng_below(g->rng, 2)) {
		emit(g->c, BPF_STX | BPF_MEM | size, 8, reg, off, 0);
		return;
	}
	reg = pick_dst(g);
	emit(g->c, BPF_LDX | load_mode(g, size) | size, reg, 8, off, 0);
	g->regs[reg] = SCALAR;
}

static void lose_args(struct gen *g)
{
	memset(g->regs, 0, 6 * sizeof(g->regs[0]));
}

static uint32_t pick_cnt(struct gen *g)
{
	return one_in(g->rng, 8) ? (uint32_t)pick_imm(g) : rng_between(g->rng, 1, 3);
}

static void gen_kfunc(struct gen *g)
{
	uint32_t which = rng_below(g->rng, 3), from = g->c->cnt;
	int addr = pick_reg(g, rng_below(g->rng, 3) ? SCALAR : ARENA_PTR);

	/* how full the pool is differs from one run to the next */
	if (g->c->strict && !g->c->sleepable)
		return;
	if (addr < 0 || one_in(g->rng, 3))
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0);
	else
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, 2, addr, 0, 0);
	if (rng_below(g->rng, 2))
		emit(g->c, BPF_ALU64 | BPF_AND | BPF_K, 2, 0, 0, -4096);
	emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, pick_cnt(g));
	if (!which) {
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, one_in(g->rng, 4) ? pick_imm(g) : -1);
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, one_in(g->rng, 8) ? pick_imm(g) : 0);
	}
	emit_fixup(g->c, 1, ARENA_MAP, 0);
	emit(g->c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, kfunc_id(which));
	/* -EINVAL, stored where it is not aligned, looks like an address */
	if (g->c->plain && which == 2)
		emit(g->c, BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 0x7f);
	keep_from(g->c, from, KEEP);
	lose_args(g);
	if (which != 1)
		g->regs[0] = SCALAR;
}

static void gen_helper(struct gen *g)
{
	static const int32_t any[] = { BPF_FUNC_ktime_get_ns, BPF_FUNC_get_smp_processor_id,
				       BPF_FUNC_get_prandom_u32, BPF_FUNC_get_numa_node_id };
	static const int32_t takes_mem[] = { BPF_FUNC_map_lookup_elem, BPF_FUNC_probe_read_kernel,
					     BPF_FUNC_probe_read_kernel_str,
					     BPF_FUNC_probe_read_user, BPF_FUNC_copy_from_user,
					     BPF_FUNC_get_current_comm,
					     BPF_FUNC_map_update_elem, BPF_FUNC_trace_printk };
	static const int32_t sizes[] = { 0, 8, 8, 8, 512, 4097, 32768, 32769 };
	int arg, mem = rng_below(g->rng, 2) ? pick_reg(g, ARENA_PTR) : -1;

	if (g->c->strict)
		return;
	if (rng_below(g->rng, 3)) {
		emit(g->c, BPF_JMP | BPF_CALL, 0, 0, 0, rng_pick(g->rng, any));
	} else {
		/* memory in the arena or on the stack; an arena pointer for another argument */
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, 1, mem < 0 ? 10 : mem, 0, 0);
		if (mem < 0)
			emit(g->c, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -16);
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0,
		     mem < 0 ? 8 : rng_pick(g->rng, sizes));
		arg = pick_reg(g, ARENA_PTR);
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, 3, arg < 0 ? 6 : arg, 0, 0);
		emit(g->c, BPF_JMP | BPF_CALL, 0, 0, 0,
		     rng_below(g->rng, 4) ? BPF_FUNC_probe_read_kernel : rng_pick(g->rng, takes_mem));
	}
	lose_args(g);
	g->regs[0] = SCALAR;
}

/* An argument of a subprogram: an arena pointer, a scalar, or now and then both */
static void gen_call(struct gen *g)
{
	int arg = pick_reg(g, SCALAR);
	uint32_t at;

	if (g->in_sub || g->nr_calls == 16)
		return;
	emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
	if (arg >= 0 && arg != 1)
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, 2, arg, 0, 0);
	else
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, pick_imm(g));
	at = emit(g->c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
	g->c->keep[at] = KEEP;
	g->calls[g->nr_calls++] = at;
	lose_args(g);
	g->regs[0] = SCALAR;
}

/* Over some of the statements that follow */
static void gen_jump(struct gen *g)
{
	static const uint8_t ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSGT,
				       BPF_JSGE, BPF_JSLT, BPF_JSLE, BPF_JSET };
	int dst = pick_reg(g, rng_below(g->rng, 3) ? SCALAR : ARENA_PTR), i;
	uint8_t class = rng_below(g->rng, 2) ? BPF_JMP : BPF_JMP32;
	int src = pick_reg(g, g->regs[dst < 0 ? 0 : dst]);

	for (i = 0; i < MAX_JUMPS && g->jumps[i].left; i++)
		;
	if (i == MAX_JUMPS || dst < 0)
		return;
	if (src >= 0 && rng_below(g->rng, 2))
		g->jumps[i].at = emit(g->c, class | rng_pick(g->rng, ops) | BPF_X, dst, src, 0, 0);
	else
		g->jumps[i].at = emit(g->c, class | rng_pick(g->rng, ops) | BPF_K, dst, 0, 0,
				      g->regs[dst] == ARENA_PTR ? 0 : pick_imm(g));
	g->jumps[i].left = rng_between(g->rng, 1, 4);
	memcpy(g->jumps[i].regs, g->regs, sizeof(g->regs));
}

/* Statements that a jump goes over have ended: what differs is not known any more. */
static void land(struct gen *g, uint32_t i)
{
	int reg;

	g->c->insns[g->jumps[i].at].off = g->c->cnt - g->jumps[i].at - 1;
	g->jumps[i].left = 0;
	for (reg = 0; reg < 10; reg++)
		if (g->regs[reg] != g->jumps[i].regs[reg])
			g->regs[reg] = UNKNOWN;
}

static void land_all(struct gen *g)
{
	uint32_t i;

	for (i = 0; i < MAX_JUMPS; i++)
		if (g->jumps[i].left)
			land(g, i);
}

static void count_jumps(struct gen *g)
{
	uint32_t i;

	for (i = 0; i < MAX_JUMPS; i++)
		if (g->jumps[i].left && !--g->jumps[i].left)
			land(g, i);
}

/* Any instruction. What it does to registers is not looked at. */
static void gen_any(struct gen *g)
{
	static const uint8_t codes[] = {
		BPF_ALU64 | BPF_MOV | BPF_X, BPF_ALU | BPF_MOV | BPF_X, MAY_GOTO,
		BPF_LDX | 0xa0 | BPF_W, BPF_STX | 0xa0 | BPF_DW, BPF_STX | 0xe0 | BPF_DW,
		BPF_LDX | BPF_MEM | BPF_DW, BPF_ST | 0xa0 | BPF_W, BPF_ALU64 | BPF_ADD | BPF_X,
		BPF_LDX | 0x20 | BPF_DW, BPF_STX | BPF_ATOMIC | BPF_H, BPF_ALU | BPF_ADD | BPF_X,
		BPF_LDX | BPF_MEMSX | BPF_DW, BPF_LDX | 0x40 | BPF_W, BPF_LDX | 0xc0 | BPF_W,
		BPF_ALU64 | BPF_END, BPF_ALU64 | BPF_END | BPF_X, GOTOL,
	};
	uint8_t code = one_in(g->rng, 3) ? rng_next(g->rng) : rng_pick(g->rng, codes);

	if (g->c->strict || !one_in(g->rng, 8))
		return;
	emit(g->c, code, rng_below(g->rng, 12), rng_below(g->rng, 12), rng_below(g->rng, 4), pick_imm(g));
}

/* Now and then more than there is of a format, of arguments, or of streams */
static void gen_print(struct gen *g)
{
	uint32_t format = rng_below(g->rng, FORMAT_CNT + one_in(g->rng, 8)), from = g->c->cnt;
	bool args = format || one_in(g->rng, 8);

	emit_set(g->c, 1, one_in(g->rng, 8) ? pick_imm(g) : (int32_t)rng_between(g->rng, 1, 2));
	emit_fixup(g->c, 2, FORMATS, format * FORMAT_SIZE);
	if (args)
		emit_mov(g->c, 3, 8);
	else
		emit_set(g->c, 3, 0);
	emit_set(g->c, 4, one_in(g->rng, 8) ? pick_imm(g) : 8 * args);
	emit_kfunc(g->c, PRINT_KFUNC);
	/* an error looks like an address, see gen_kfunc() */
	if (g->c->plain)
		emit(g->c, BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 0x7f);
	keep_from(g->c, from, KEEP);
	lose_args(g);
	g->regs[0] = SCALAR;
}

static const struct {
	uint32_t weight;
	void (*gen)(struct gen *g);
} statements[] = {
	{ 4, gen_alu }, { 2, gen_mov }, { 4, gen_arena_alu }, { 5, gen_cast }, { 6, gen_load },
	{ 6, gen_store }, { 4, gen_atomic }, { 3, gen_spill }, { 1, gen_fill }, { 3, gen_value },
	{ 2, gen_kfunc }, { 1, gen_far }, { 1, gen_mix }, { 1, gen_helper }, { 2, gen_call },
	{ 3, gen_jump }, { 1, gen_any }, { 2, gen_movsx }, { 2, gen_value_at }, { 3, gen_ordered },
	{ 1, gen_print },
};

static void gen_statement(struct gen *g)
{
	uint32_t i, all = 0, at;

	for (i = 0; i < ARRAY_SIZE(statements); i++)
		all += statements[i].weight;
	at = rng_below(g->rng, all);
	for (i = 0; at >= statements[i].weight; i++)
		at -= statements[i].weight;
	if (g->c->cnt < MAX_INSNS - 100)
		statements[i].gen(g);
	count_jumps(g);
}

static void gen_statements(struct gen *g, uint32_t cnt)
{
	while (cnt--)
		gen_statement(g);
}

/*
 * head: may_goto out; r7 += 1; if r7 > rounds goto out; ... goto head; out:
 * A round begins with what the first one had, as far as the generator knows. Where a
 * may_goto lies, and whether there is a counter at all, differs in loop.c.
 */
static void gen_loop(struct gen *g)
{
	uint32_t head, out;
	enum kind regs[11];

	land_all(g);
	g->in_loop = true;
	head = emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, 0) + 1;
	emit(g->c, MAY_GOTO, 0, 0, 0, 0);
	emit(g->c, BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, 1);
	out = emit(g->c, BPF_JMP | BPF_JGT | BPF_K, 7, 0, 0, rng_between(g->rng, 1, 40));
	keep_from(g->c, head - 1, KEEP);
	memset(g->regs, 0, 6 * sizeof(g->regs[0]));
	memcpy(regs, g->regs, sizeof(regs));
	gen_statements(g, rng_between(g->rng, 1, 8));
	land_all(g);
	if (rng_below(g->rng, 2))
		emit(g->c, BPF_JMP | BPF_JA, 0, 0, (int)head - (int)g->c->cnt - 1, 0);
	else
		emit(g->c, GOTOL, 0, 0, 0, (int)head - (int)g->c->cnt - 1);
	keep_from(g->c, g->c->cnt - 1, KEEP);
	g->c->insns[head].off = g->c->cnt - head - 1;
	g->c->insns[out].off = g->c->cnt - out - 1;
	memcpy(g->regs, regs, sizeof(regs));
}

/*
 * Once in a while among the words that anybody writes to. Not in strict programs: a loop
 * that time ends is not the same twice.
 */
static void emit_own_slot(struct gen *g, int reg)
{
	int slot = !g->c->strict && one_in(g->rng, 20) ? rng_between(g->rng, 1, SLOTS) : SLOTS + 1;

	emit_mov(g->c, reg, 10);
	emit(g->c, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, -8 * slot);
}

/*
 * new(it, from, to); head: r0 = next(it); if r0 == 0 goto out; rN = *r0; ... goto head; out:
 * Registers of the loop's first round are those of gen_loop().
 */
static void gen_counted(struct gen *g)
{
	uint32_t from = g->c->cnt, head, out;
	enum kind regs[11];
	int num;

	land_all(g);
	emit_own_slot(g, 1);
	emit_set(g->c, 2, !g->c->strict && one_in(g->rng, 8) ? pick_imm(g) : 0);
	emit_set(g->c, 3, !g->c->strict && one_in(g->rng, 8) ? pick_imm(g) :
		 (int32_t)rng_below(g->rng, 40));
	emit_kfunc(g->c, ITER_KFUNCS);
	head = g->c->cnt;
	emit_own_slot(g, 1);
	emit_kfunc(g->c, ITER_KFUNCS + 1);
	out = emit(g->c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0, 0);
	lose_args(g);
	memcpy(regs, g->regs, sizeof(regs));
	num = 1 + rng_below(g->rng, 5);
	emit(g->c, BPF_LDX | BPF_MEM | BPF_W, num, 0, 0, 0);
	/* no address of the kernel in a strict program */
	if (g->c->strict)
		emit_set(g->c, 0, 0);
	g->regs[num] = SCALAR;
	keep_from(g->c, from, KEEP);
	gen_statements(g, rng_between(g->rng, 1, 6));
	land_all(g);
	emit(g->c, BPF_JMP | BPF_JA, 0, 0, (int)head - (int)g->c->cnt - 1, 0);
	keep_from(g->c, g->c->cnt - 1, KEEP);
	g->c->insns[out].off = g->c->cnt - out - 1;
	memcpy(g->regs, regs, sizeof(regs));
}

static void emit_section(struct gen *g, uint32_t kfunc)
{
	uint32_t from = g->c->cnt;

	if (kfunc >= 4)
		emit_own_slot(g, 1);
	emit_kfunc(g->c, SECTION_KFUNCS + kfunc);
	keep_from(g->c, from, KEEP);
	lose_args(g);
}

/* Now and then it never ends, or another one does. */
static void gen_section(struct gen *g)
{
	uint32_t kind = rng_below(g->rng, SECTIONS);

	land_all(g);
	emit_section(g, 2 * kind);
	gen_statements(g, rng_between(g->rng, 1, 6));
	land_all(g);
	if (one_in(g->rng, 20))
		kind = rng_below(g->rng, SECTIONS);
	if (!one_in(g->rng, 20))
		emit_section(g, 2 * kind + 1);
}

static void gen_body(struct gen *g)
{
	uint32_t part, parts = rng_between(g->rng, 1, 4);

	for (part = 0; part < parts; part++) {
		if (!g->in_sub && one_in(g->rng, 4))
			gen_loop(g);
		else if (one_in(g->rng, 6))
			gen_counted(g);
		else if (one_in(g->rng, 6))
			gen_section(g);
		else
			gen_statements(g, rng_between(g->rng, 2, 12));
	}
	land_all(g);
}

static void gen_end(struct gen *g)
{
	uint32_t from = g->c->cnt;

	if (g->regs[0] != SCALAR)
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, rng_below(g->rng, 4));
	emit(g->c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	keep_from(g->c, from, KEEP);
}

/* The whole frame that is used, so that nothing old can be read from it */
static void gen_frame(struct gen *g)
{
	int slot;

	for (slot = 1; slot <= SLOTS; slot++)
		emit(g->c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8 * slot, slot);
}

/* Where the address that the program begins with lies: in the arena, or at its end */
static int32_t pick_start(struct gen *g)
{
	uint32_t size = g->arena_pages * 4096;

	return one_in(g->rng, 3) ? 0 : rng_below(g->rng, size) & ~(one_in(g->rng, 2) ? 7 : 4095);
}

static void gen_head(struct gen *g)
{
	enum kind scalar = SCALAR;
	int reg;

	emit_fixup(g->c, 9, ARENA_VALUE, pick_start(g));
	emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, 6, 9, BPF_CAST, TO_KERN);
	emit_fixup(g->c, 8, MAP_VALUE, 0);
	emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, 0);
	/* a program that is given its context is not strict */
	for (reg = g->c->strict || rng_below(g->rng, 2) ? 1 : 2; reg < 6; reg++) {
		emit(g->c, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, pick_imm(g));
		g->regs[reg] = scalar;
	}
	gen_frame(g);
	keep_from(g->c, 0, KEEP);
	g->regs[6] = ARENA_PTR;
	g->regs[7] = g->regs[9] = SCALAR;
	g->regs[8] = VALUE_PTR;
}

static void gen_sub(struct gen *g)
{
	uint32_t from = g->c->cnt;

	memset(g->regs, 0, sizeof(g->regs));
	g->in_sub = true;
	emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	emit(g->c, BPF_ALU64 | BPF_MOV | BPF_X, 9, 2, 0, 0);
	gen_frame(g);
	keep_from(g->c, from, KEEP);
	g->regs[6] = g->regs[1] = ARENA_PTR;
	g->regs[9] = g->regs[2] = SCALAR;
	gen_statements(g, rng_between(g->rng, 2, 10));
	land_all(g);
	gen_end(g);
}

/* All subprograms are behind the program; every one of them is called. */
static void gen_subs(struct gen *g)
{
	uint32_t nr = g->nr_calls < MAX_SUBS ? g->nr_calls : MAX_SUBS, start[MAX_SUBS], i, at;

	for (i = 0; i < nr; i++) {
		start[i] = g->c->cnt;
		gen_sub(g);
	}
	for (i = 0; i < g->nr_calls; i++) {
		at = g->calls[i];
		g->c->insns[at].imm = (int)start[i % nr] - (int)at - 1;
	}
}

void gen_program(struct code *c, struct rng *rng, uint32_t arena_pages)
{
	struct gen g = { .c = c, .rng = rng, .arena_pages = arena_pages };

	code_clear(c);
	gen_head(&g);
	gen_body(&g);
	gen_end(&g);
	if (g.nr_calls)
		gen_subs(&g);
}
