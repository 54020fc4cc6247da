// SPDX-License-Identifier: GPL-2.0
/*
 * The statements that functions are made of
 *
 * statements[] has them and how often each is drawn. A statement leaves g->now as the
 * verifier sees the state behind it.
 *
 *   if       [jump over A] A                    what A and nothing leave
 *            [jump to B] A [ja] B               what A and B leave
 *   loop     n = 1..; L: may_goto out; A; [n--, jump to L if not 0] out:
 *            A leaves what it found where that was anything, so that a round starts
 *            as the first one did
 *
 * Pointers are often made anew: arithmetic soon takes one to where nothing is, and
 * all that is seen there are zeroes.
 */
#include "gen.h"

#define MAX_NEST	3
#define MAX_LOOPS	2

static const u8 alu_ops[] = {
	BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR,
	BPF_ARSH, BPF_ADD, BPF_SUB, BPF_AND,
};

static const u8 jump_ops[] = {
	BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT, BPF_JSGE, BPF_JLT, BPF_JLE,
	BPF_JSLT, BPF_JSLE,
};

static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

static const s32 atomic_ops[] = {
	BPF_ADD, BPF_AND, BPF_OR, BPF_XOR, BPF_ADD | BPF_FETCH, BPF_AND | BPF_FETCH,
	BPF_OR | BPF_FETCH, BPF_XOR | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG,
};

#define PICK(g, array)	((array)[rng_below(&(g)->rng, ARRAY_SIZE(array))])

/* ---- arithmetic ---- */

static s32 alu_imm(struct gen *g, u8 class, u8 op)
{
	s32 imm = rng_number(&g->rng);

	switch (op) {
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		return rng_below(&g->rng, class == BPF_ALU ? 32 : 64);
	case BPF_DIV:
	case BPF_MOD:
		return rng_chance(&g->rng, 15) ? -1 : imm ?: 1;
	case BPF_MUL:
		return rng_chance(&g->rng, 50) ? 1 + (imm & 15) : imm;
	default:
		return imm;
	}
}

static u32 pick_written(struct gen *g)
{
	u32 reg = pick_any(g);

	if (g->locked[reg]) {
		reg = pick_dst(g);
		create(g, reg, NUMBER);
	}
	return reg;
}

static void alu(struct gen *g)
{
	u8 class = rng_chance(&g->rng, 50) ? BPF_ALU : BPF_ALU64, op = PICK(g, alu_ops);
	u32 dst = pick_written(g), src = pick_any(g);
	s16 off = (op == BPF_DIV || op == BPF_MOD) && rng_chance(&g->rng, 60) ? OFF_SIGNED : 0;
	enum kind src_kind = NUMBER;
	const struct bpf_insn *insn;

	if (rng_chance(&g->rng, 50)) {
		insn = emit(g, class | op | BPF_K, dst, 0, off, alu_imm(g, class, op));
	} else {
		insn = emit(g, class | op | BPF_X, dst, src, off, 0);
		src_kind = g->now.reg[src];
	}
	g->now.reg[dst] = kind_of_result(insn, g->now.reg[dst], src_kind);
}

/* Signed division of what overflows by what makes it do so, or by 0 */
static void divide(struct gen *g)
{
	static const s32 divisors[] = { -1, 0, 1, -2 };
	u8 class = rng_chance(&g->rng, 50) ? BPF_ALU : BPF_ALU64;
	u8 op = rng_chance(&g->rng, 50) ? BPF_DIV : BPF_MOD;
	u32 dst = pick_dst(g), src = pick_dst(g);

	if (rng_chance(&g->rng, 70))
		emit_wide(g, dst, 0, 1ull << (class == BPF_ALU ? 31 : 63));
	else
		create(g, dst, NUMBER);
	emit(g, BPF_ALU64 | BPF_MOV | BPF_K, src, 0, 0, PICK(g, divisors));
	emit(g, class | op | BPF_X, dst, src, OFF_SIGNED, 0);
	g->now.reg[dst] = NUMBER;
	g->now.reg[src] = NUMBER;
}

static void unary(struct gen *g)
{
	u8 class = rng_chance(&g->rng, 50) ? BPF_ALU : BPF_ALU64;
	u8 order = rng_chance(&g->rng, 60) ? BPF_TO_BE : BPF_TO_LE;
	u32 dst = pick_written(g);

	if (rng_chance(&g->rng, 40))
		emit(g, class | BPF_NEG, dst, 0, 0, 0);
	else if (rng_chance(&g->rng, 40))
		emit(g, OP_BSWAP, dst, 0, 0, 16 << rng_below(&g->rng, 3));
	else
		emit(g, BPF_ALU | BPF_END | order, dst, 0, 0, 16 << rng_below(&g->rng, 3));
	g->now.reg[dst] = NUMBER;
}

static void move(struct gen *g)
{
	u32 src = pick_any(g), dst = pick_dst(g);
	bool wide = rng_chance(&g->rng, 50);

	if (rng_chance(&g->rng, 40)) {
		emit(g, (wide ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_X, dst, src,
		     8 << rng_below(&g->rng, wide ? 3 : 2), 0);
		g->now.reg[dst] = NUMBER;
		return;
	}
	emit(g, (wide ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_X, dst, src, 0, 0);
	g->now.reg[dst] = wide ? g->now.reg[src] : NUMBER;
}

static void cast(struct gen *g)
{
	u32 src = pick_any(g), dst = pick_dst(g);
	bool to_kern = rng_chance(&g->rng, 50);

	emit(g, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, OFF_CAST,
	     to_kern ? CAST_TO_KERN : CAST_TO_USER);
	g->now.reg[dst] = to_kern ? ARENA : NUMBER;
}

static void new_pointer(struct gen *g)
{
	create(g, pick_dst(g), ARENA);
}

static void new_number(struct gen *g)
{
	create(g, pick_dst(g), NUMBER);
}

/* ---- memory ---- */

static u32 pick_base(struct gen *g)
{
	if (rng_chance(&g->rng, 25))
		new_pointer(g);
	return pick_src(g, ARENA);
}

/* The mode of a load, by its size */
static u8 load_mode(struct gen *g, u8 size)
{
	return size != BPF_DW && rng_chance(&g->rng, 40) ? BPF_MEMSX : BPF_MEM;
}

static void load(struct gen *g)
{
	u32 base = pick_base(g), dst = pick_dst(g);
	u8 size = PICK(g, sizes);

	emit(g, BPF_LDX | load_mode(g, size) | size, dst, base, rng_offset(&g->rng), 0);
	g->now.reg[dst] = NUMBER;
}

/* As a program follows a list: what was loaded is the next address. */
static void follow(struct gen *g)
{
	u32 base = pick_base(g), dst = pick_dst(g);

	emit(g, BPF_LDX | BPF_MEM | BPF_DW, dst, base, rng_offset(&g->rng), 0);
	emit(g, BPF_ALU64 | BPF_MOV | BPF_X, dst, dst, OFF_CAST, CAST_TO_KERN);
	g->now.reg[dst] = ARENA;
}

static void store(struct gen *g)
{
	u32 src = pick_any(g), base = pick_base(g);

	if (rng_chance(&g->rng, 30))
		emit(g, BPF_ST | BPF_MEM | PICK(g, sizes), base, 0, rng_offset(&g->rng),
		     rng_number(&g->rng));
	else
		emit(g, BPF_STX | BPF_MEM | PICK(g, sizes), base, src, rng_offset(&g->rng), 0);
}

static u32 pick_atomic_src(struct gen *g, s32 op)
{
	u32 src = pick_src(g, NUMBER);

	while (op & BPF_FETCH && g->locked[src]) {
		src = pick_dst(g);
		create(g, src, NUMBER);
	}
	if (op == BPF_CMPXCHG && g->now.reg[0] != NUMBER)
		create(g, 0, NUMBER);
	return src;
}

static void emit_atomic(struct gen *g, u8 size, s32 op, u32 base, u32 src, s16 off)
{
	if (op == BPF_CMPXCHG && rng_chance(&g->rng, 50))
		emit(g, BPF_LDX | BPF_MEM | size, 0, base, off, 0);
	emit(g, BPF_STX | BPF_ATOMIC | size, base, src, off, op);
}

/* Mostly aligned: what others do is not always defined. */
static void atomic(struct gen *g)
{
	u8 size = rng_chance(&g->rng, 50) ? BPF_W : BPF_DW;
	s32 mask = size == BPF_W ? ~3 : ~7, op = PICK(g, atomic_ops);
	u32 src = pick_atomic_src(g, op);
	s16 off = rng_offset(&g->rng);
	u32 base;

	do
		base = pick_dst(g);
	while (base == src || base == 0);
	if (g->now.reg[base] != ARENA)
		create(g, base, ARENA);
	if (rng_chance(&g->rng, 95)) {
		emit(g, BPF_ALU64 | BPF_AND | BPF_K, base, 0, 0, mask);
		off &= mask;
	}
	emit_atomic(g, size, op, base, src, off);
}

/* load_acquire or store_release. They are atomics: mostly aligned. */
static void ordered(struct gen *g)
{
	static const u8 by_log2[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	u32 log2 = rng_below(&g->rng, ARRAY_SIZE(by_log2)), reg, base;
	u8 code = BPF_STX | BPF_ATOMIC | by_log2[log2];
	bool is_load = rng_chance(&g->rng, 50);
	s16 off = rng_offset(&g->rng);

	reg = is_load ? pick_dst(g) : pick_any(g);
	do
		base = pick_dst(g);
	while (base == reg && !is_load);
	if (g->now.reg[base] != ARENA || rng_chance(&g->rng, 25))
		create(g, base, ARENA);
	if (rng_chance(&g->rng, 95)) {
		emit(g, BPF_ALU64 | BPF_AND | BPF_K, base, 0, 0, -(1 << log2));
		off &= -(1 << log2);
	}
	if (is_load) {
		emit(g, code, reg, base, off, BPF_LOAD_ACQ);
		g->now.reg[reg] = NUMBER;
	} else {
		emit(g, code, base, reg, off, BPF_STORE_REL);
	}
}

/* ---- stack ---- */

static void spill(struct gen *g)
{
	u32 slot = rng_below(&g->rng, SLOTS), src = pick_any(g);

	if (rng_chance(&g->rng, 25))
		emit(g, BPF_STX | BPF_ATOMIC | BPF_DW, 10, src, slot_off(slot), BPF_STORE_REL);
	else
		emit(g, BPF_STX | BPF_MEM | BPF_DW, 10, src, slot_off(slot), 0);
	g->now.slot[slot] = g->now.reg[src];
}

static void fill(struct gen *g)
{
	u32 slot = rng_below(&g->rng, SLOTS), dst;

	if (g->now.slot[slot] == UNSET)
		return spill(g);
	dst = pick_dst(g);
	if (rng_chance(&g->rng, 25))
		emit(g, BPF_STX | BPF_ATOMIC | BPF_DW, dst, 10, slot_off(slot), BPF_LOAD_ACQ);
	else
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, dst, 10, slot_off(slot), 0);
	g->now.reg[dst] = g->now.slot[slot];
}

/* A part of a slot, which is no arena pointer after a store. */
static void part_of_slot(struct gen *g)
{
	u32 slot = rng_below(&g->rng, SLOTS), bytes = 1 << rng_below(&g->rng, 3), reg;
	u8 size = bytes == 1 ? BPF_B : bytes == 2 ? BPF_H : BPF_W;
	s16 off = slot_off(slot) + bytes * rng_below(&g->rng, 8 / bytes);

	if (g->now.slot[slot] == UNSET)
		return spill(g);
	if (g->now.slot[slot] == NUMBER && rng_chance(&g->rng, 50)) {
		reg = pick_dst(g);
		if (rng_chance(&g->rng, 25))
			emit(g, BPF_STX | BPF_ATOMIC | size, reg, 10, off, BPF_LOAD_ACQ);
		else
			emit(g, BPF_LDX | load_mode(g, size) | size, reg, 10, off, 0);
		g->now.reg[reg] = NUMBER;
		return;
	}
	reg = pick_src(g, NUMBER);
	if (rng_chance(&g->rng, 25))
		emit(g, BPF_STX | BPF_ATOMIC | size, 10, reg, off, BPF_STORE_REL);
	else
		emit(g, BPF_STX | BPF_MEM | size, 10, reg, off, 0);
	g->now.slot[slot] = NUMBER;
}

static void atomic_on_slot(struct gen *g)
{
	u32 slot = rng_below(&g->rng, SLOTS), src;
	s32 op = PICK(g, atomic_ops);

	if (g->now.slot[slot] != NUMBER)
		return spill(g);
	src = pick_atomic_src(g, op);
	emit_atomic(g, rng_chance(&g->rng, 50) ? BPF_W : BPF_DW, op, 10, src, slot_off(slot));
	if (op & BPF_FETCH)
		g->now.reg[op == BPF_CMPXCHG ? 0 : src] = NUMBER;
}

/* ---- branches and loops ---- */

static void land(struct gen *g, u32 jump)
{
	set_jump_distance(&g->prog->insn[jump], g->prog->len - jump - 1);
}

/*
 * What is compared. If the verifier knows how it ends, it holds on to the values on
 * both sides, and a loop where they change does not converge. Hence where there are
 * loops it gets one that it does not know.
 */
static u32 pick_condition(struct gen *g)
{
	u32 reg;

	if (!g->may_loop)
		return pick_any(g);
	reg = pick_dst(g);
	emit_input(g, reg);
	return reg;
}

static u32 emit_jump(struct gen *g)
{
	u8 code = PICK(g, jump_ops) | (rng_chance(&g->rng, 50) ? BPF_JMP : BPF_JMP32);
	u32 src = pick_any(g), dst = pick_condition(g);

	if (rng_chance(&g->rng, 50))
		emit(g, code | BPF_K, dst, 0, 0, rng_number(&g->rng));
	else
		emit(g, code | BPF_X, dst, src, 0, 0);
	return g->prog->len - 1;
}

static void merge_kind(enum kind *a, enum kind b)
{
	if (*a != b)
		*a = UNSET;
}

static void merge(struct types *a, const struct types *b)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(a->reg); i++)
		merge_kind(&a->reg[i], b->reg[i]);
	for (i = 0; i < SLOTS; i++)
		merge_kind(&a->slot[i], b->slot[i]);
}

static void branch(struct gen *g)
{
	u32 jump = emit_jump(g), skip;
	struct types before = g->now, after;

	emit_block(g, 1 + rng_below(&g->rng, 4));
	if (rng_chance(&g->rng, 50)) {
		land(g, jump);
		merge(&g->now, &before);
		return;
	}
	after = g->now;
	g->now = before;
	skip = g->prog->len;
	emit(g, rng_chance(&g->rng, 50) ? OP_GOTOL : BPF_JMP | BPF_JA, 0, 0, 0, 0);
	land(g, jump);
	emit_block(g, 1 + rng_below(&g->rng, 4));
	land(g, skip);
	merge(&g->now, &after);
}

static void restore_reg(struct gen *g, u32 reg, enum kind kind)
{
	if (kind == UNSET)
		g->now.reg[reg] = UNSET;
	else if (g->now.reg[reg] != kind)
		create(g, reg, kind);
}

static void restore_slot(struct gen *g, u32 slot, enum kind kind)
{
	if (kind == UNSET || g->now.slot[slot] == kind) {
		g->now.slot[slot] = kind;
		return;
	}
	emit(g, BPF_STX | BPF_MEM | BPF_DW, 10, pick_src(g, kind), slot_off(slot), 0);
	g->now.slot[slot] = kind;
}

/* Slots first: they may take a register, which is put right afterwards. */
static void restore(struct gen *g, const struct types *types)
{
	u32 i;

	for (i = 0; i < SLOTS; i++)
		restore_slot(g, i, types->slot[i]);
	for (i = 0; i < ARRAY_SIZE(types->reg); i++)
		restore_reg(g, i, types->reg[i]);
}

/* What a loop counts in: not r0 to r5, which calls clobber. */
static s32 pick_counter(struct gen *g)
{
	u32 reg = 6 + rng_below(&g->rng, 4);

	return g->locked[reg] ? -1 : (s32)reg;
}

static void start_counter(struct gen *g, u32 counter)
{
	if (rng_chance(&g->rng, 20)) {
		emit(g, BPF_ALU64 | BPF_MOV | BPF_K, counter, 0, 0, 1 + rng_below(&g->rng, 6));
	} else {
		emit_map_value(g, counter, 8 * rng_below(&g->rng, INPUTS));
		emit(g, BPF_LDX | BPF_MEM | BPF_B, counter, counter, 0, 0);
		emit(g, BPF_ALU64 | BPF_AND | BPF_K, counter, 0, 0, 15);
		emit(g, BPF_ALU64 | BPF_OR | BPF_K, counter, 0, 0, 1);
	}
	g->now.reg[counter] = NUMBER;
}

static void loop(struct gen *g)
{
	s32 counter = g->loops < MAX_LOOPS ? pick_counter(g) : -1;
	struct types start;
	u32 head;

	if (counter < 0 || !g->may_loop)
		return move(g);
	start_counter(g, counter);
	g->locked[counter] = true;
	g->loops++;
	start = g->now;
	head = g->prog->len;
	emit(g, OP_MAY_GOTO, 0, 0, 0, 0);
	emit_block(g, 1 + rng_below(&g->rng, 5));
	restore(g, &start);
	emit(g, BPF_ALU64 | BPF_SUB | BPF_K, counter, 0, 0, 1);
	emit(g, BPF_JMP | BPF_JNE | BPF_K, counter, 0, (s32)head - (s32)g->prog->len - 1, 0);
	land(g, head);
	g->loops--;
	g->locked[counter] = false;
}

/* The one loop that only its may_goto ends. */
void emit_exhausted(struct gen *g)
{
	u32 head;

	emit(g, BPF_ALU64 | BPF_MOV | BPF_K, 6, 0, 0, 0);
	head = g->prog->len;
	emit(g, OP_MAY_GOTO, 0, 0, 2, 0);
	emit(g, BPF_ALU64 | BPF_ADD | BPF_K, 6, 0, 0, 1);
	emit(g, BPF_JMP | BPF_JA, 0, 0, (s32)head - (s32)g->prog->len - 1, 0);
	g->now.reg[6] = NUMBER;
}

/* ---- calls ---- */

static void after_call(struct gen *g, enum kind result)
{
	u32 i;

	for (i = 1; i <= 5; i++)
		g->now.reg[i] = UNSET;
	g->now.reg[0] = result;
}

/* Arguments that are in place are not moved, others come from any register. */
static void emit_arg(struct gen *g, u32 reg, enum kind kind)
{
	u32 src;

	if (kind == OTHER) {
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, reg, 10, CONTEXT_OFF, 0);
		g->now.reg[reg] = OTHER;
		return;
	}
	if (g->now.reg[reg] == kind && rng_chance(&g->rng, 50))
		return;
	for (src = 9; src && g->now.reg[src] != kind; src--)
		;
	if (src)
		emit(g, BPF_ALU64 | BPF_MOV | BPF_X, reg, src, 0, 0);
	else
		create(g, reg, kind);
	g->now.reg[reg] = kind;
}

static void call(struct gen *g)
{
	s32 func = find_func(g, false);
	u32 i;

	if (func < 0)
		return load(g);
	for (i = g->func[func].args; i; i--)
		emit_arg(g, i, g->func[func].arg[i]);
	emit_func_ref(g, func, true);
	after_call(g, g->func[func].ret);
}

static void call_loop(struct gen *g)
{
	s32 func = find_func(g, true);

	if (func < 0)
		return atomic(g);
	emit_input(g, 1);
	emit(g, BPF_ALU64 | BPF_AND | BPF_K, 1, 0, 0, 7);
	emit_func_ref(g, func, false);
	emit(g, BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0);
	emit(g, BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 0);
	emit(g, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_loop);
	after_call(g, NUMBER);
}

/* To a later program, to an entry that is empty, or beyond the last. */
static void call_tail(struct gen *g)
{
	u32 first = g->index + 1;

	if (!g->func[g->current].has_context)
		return store(g);
	emit_arg(g, 1, OTHER);
	if (rng_chance(&g->rng, 50)) {
		emit(g, BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, first + rng_below(&g->rng, 3));
	} else {
		emit_input(g, 3);
		emit(g, BPF_ALU64 | BPF_AND | BPF_K, 3, 0, 0, 1);
		emit(g, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, first);
	}
	emit_wide(g, 2, BPF_PSEUDO_MAP_FD, MAP_PROGS);
	emit(g, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call);
	/* What r0 is after one that failed is not defined. */
	after_call(g, UNSET);
}

/* In bytes; a number that the verifier does not know, but for its largest value */
static void emit_size(struct gen *g, u32 reg)
{
	u32 most = 1 << rng_below(&g->rng, 10);

	if (rng_chance(&g->rng, 50)) {
		emit(g, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, 1 + rng_below(&g->rng, MAX_COPY));
	} else {
		emit_input(g, reg);
		emit(g, BPF_ALU64 | BPF_AND | BPF_K, reg, 0, 0, most - 1);
		emit(g, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, 1);
	}
	g->now.reg[reg] = NUMBER;
}

/* From a packet or to one: mostly inside of it */
static void call_skb(struct gen *g)
{
	bool from = rng_chance(&g->rng, 50);

	emit_arg(g, 1, OTHER);
	emit_arg(g, 3, ARENA);
	emit_size(g, 4);
	if (rng_chance(&g->rng, 60))
		emit(g, BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 1 + rng_below(&g->rng, 40));
	if (rng_chance(&g->rng, 80))
		emit(g, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, rng_below(&g->rng, PACKET));
	else
		emit_input(g, 2);
	emit(g, BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, 0);
	emit(g, BPF_JMP | BPF_CALL, 0, 0, 0,
	     from ? BPF_FUNC_skb_load_bytes : BPF_FUNC_skb_store_bytes);
}

/* From the map's value; the call of an array's helper only reads its key. */
static void call_mem(struct gen *g)
{
	if (rng_chance(&g->rng, 60)) {
		emit_arg(g, 1, ARENA);
		emit_size(g, 2);
		emit_map_value(g, 3, rng_below(&g->rng, sizeof(struct value) - MAX_COPY));
		emit(g, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel);
	} else {
		emit_arg(g, 2, ARENA);
		emit_wide(g, 1, BPF_PSEUDO_MAP_FD, MAP_VALUE);
		emit(g, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_delete_elem);
	}
}

/* Helpers that take arena memory */
static void call_helper(struct gen *g)
{
	if (g->func[g->current].has_context && rng_chance(&g->rng, 60))
		call_skb(g);
	else
		call_mem(g);
	after_call(g, NUMBER);
}

static const struct {
	u32 weight;
	void (*emit)(struct gen *g);
	bool nests;
} statements[] = {
	{ 20, alu },
	{ 5, unary },
	{ 5, move },
	{ 7, cast },
	{ 3, new_pointer },
	{ 2, new_number },
	{ 12, load },
	{ 3, follow },
	{ 12, store },
	{ 12, atomic },
	{ 6, ordered },
	{ 2, divide },
	{ 3, spill },
	{ 3, fill },
	{ 3, part_of_slot },
	{ 2, atomic_on_slot },
	{ 8, branch, true },
	{ 4, loop, true },
	{ 4, call },
	{ 2, call_loop },
	{ 1, call_tail },
	{ 4, call_helper },
};

static u32 draw(struct gen *g)
{
	u32 total = 0, i;
	s32 at;

	for (i = 0; i < ARRAY_SIZE(statements); i++)
		total += statements[i].weight;
	at = rng_below(&g->rng, total);
	for (i = 0; at >= (s32)statements[i].weight; i++)
		at -= statements[i].weight;
	return i;
}

void emit_block(struct gen *g, u32 count)
{
	u32 i;

	for (g->nest++; count && g->prog->len < MAX_INSNS - ROOM; count--) {
		i = draw(g);
		if (!statements[i].nests || g->nest <= MAX_NEST)
			statements[i].emit(g);
	}
	g->nest--;
}
