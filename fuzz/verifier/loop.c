// SPDX-License-Identifier: GPL-2.0
/*
 * Loops of many shapes
 *
 * A function is a few blocks. A block does some arithmetic, and ends in a jump to any
 * other: on a condition, by may_goto, always, or not at all. So a may_goto lies at a
 * loop's head, in its middle, at an exit, on one of its ways or beside it; loops nest,
 * share blocks and are entered in the middle. Whether such a program is right is for the
 * verifier to say, and for sim.c to doubt.
 *
 *	r6, r7, r8	scalars: constants, counters, bytes of the input
 *	r9		the map's value
 *	fp-8, fp-16	spilled scalars
 *	fp-24		the map's value, and what was added to it
 *	r0 to r5	for one operation
 *
 * What counts is that most conditions depend on the input, which the verifier does not
 * know, in one of two ways: by a bit of MASK, the same in all rounds, so that the
 * program stays on one way for ever, or by a bit of NOISE, another in every round. A
 * scalar then is an index of a byte that is written. Constants are too large now and
 * then: one way to such a write that is not followed, and it is accepted wrongly.
 */
#include <string.h>
#include "verifier.h"
#include "loop.h"

#define MAX_BLOCKS 8
#define MAX_SUBS 2
#define MAX_CALLS 8
#define POINTER_SLOT -24

/* ENTER: into the middle of a loop, with another value than what falls through has */
enum ending { FALL, GOTO, EXIT, IF, IF_MAY_GOTO, ENTER };

struct block {
	enum ending ending;
	uint32_t to;		/* a block */
	bool reached, entered;	/* entered: while a way from it is being followed */
	uint32_t start, jump;	/* instructions */
};

struct loops {
	struct code *c;
	struct rng *rng;
	struct block blocks[MAX_BLOCKS];
	uint32_t nr_blocks;
	bool in_sub;
	uint32_t nr_subs, calls[MAX_CALLS], nr_calls;
	uint32_t may_gotos;	/* of 8 blocks, so many end in one */
	uint32_t bad;		/* of 32 constants, so many are too large */
	int favourite;		/* scalar: what happens to one is of more interest */
};

static int pick_scalar(struct loops *l)
{
	return rng_below(l->rng, 2) ? l->favourite : (int)rng_between(l->rng, 6, 8);
}

static int pick_slot(struct loops *l)
{
	return rng_below(l->rng, 2) ? -8 : -16;
}

static int32_t pick_const(struct loops *l)
{
	if (rng_below(l->rng, 32) < l->bad)
		return rng_between(l->rng, ROOM, 2000);
	return rng_below(l->rng, rng_below(l->rng, 2) ? 4 : ROOM);
}

static uint8_t pick_class(struct loops *l)
{
	return one_in(l->rng, 4) ? BPF_ALU : BPF_ALU64;
}

static void gen_count(struct loops *l)
{
	static const int32_t steps[] = { 1, 1, 1, 2, 3, -1, 40, -40 };

	emit(l->c, pick_class(l) | (one_in(l->rng, 8) ? BPF_SUB : BPF_ADD) | BPF_K, pick_scalar(l),
	     0, 0, rng_pick(l->rng, steps));
}

/* Into another one, of which it is then a multiple */
static void gen_multiply(struct loops *l)
{
	int reg = pick_scalar(l);
	uint8_t class = pick_class(l);

	emit(l->c, class | BPF_MOV | BPF_X, reg, pick_scalar(l), 0, 0);
	if (rng_below(l->rng, 2))
		emit(l->c, class | BPF_LSH | BPF_K, reg, 0, 0, rng_below(l->rng, 4));
	else
		emit(l->c, class | BPF_MUL | BPF_K, reg, 0, 0, rng_below(l->rng, 5));
}

static void gen_set(struct loops *l)
{
	emit_set(l->c, pick_scalar(l), pick_const(l));
}

static void gen_copy(struct loops *l)
{
	emit(l->c, pick_class(l) | BPF_MOV | BPF_X, pick_scalar(l), pick_scalar(l), 0, 0);
}

/* A byte, or all of them */
static void gen_input(struct loops *l)
{
	static const uint8_t sizes[] = { BPF_B, BPF_B, BPF_W, BPF_DW };
	uint8_t size = rng_pick(l->rng, sizes);

	emit(l->c, BPF_LDX | BPF_MEM | size, pick_scalar(l), 9,
	     INPUT_BYTES + (size == BPF_B ? rng_below(l->rng, 8) : 0), 0);
}

static void gen_limit(struct loops *l)
{
	int reg = pick_scalar(l);

	if (rng_below(l->rng, 2)) {
		emit(l->c, BPF_ALU64 | BPF_AND | BPF_K, reg, 0, 0, 31);
		return;
	}
	emit(l->c, BPF_JMP | BPF_JLT | BPF_K, reg, 0, 1, ROOM);
	emit_set(l->c, reg, rng_below(l->rng, ROOM));
}

/* The byte that a scalar is the index of */
static void gen_write(struct loops *l)
{
	int reg = pick_scalar(l);

	emit_mov(l->c, 1, 9);
	emit(l->c, BPF_ALU64 | BPF_ADD | BPF_X, 1, reg, 0, 0);
	emit(l->c, BPF_ST | BPF_MEM | BPF_B, 1, 0, OUTPUT, 1);
}

/* A pointer that a scalar or two have been added to */
static void gen_point(struct loops *l)
{
	emit_mov(l->c, 1, 9);
	emit(l->c, BPF_ALU64 | BPF_ADD | BPF_X, 1, pick_scalar(l), 0, 0);
	if (one_in(l->rng, 4))
		emit(l->c, BPF_ALU64 | BPF_ADD | BPF_X, 1, pick_scalar(l), 0, 0);
	emit(l->c, BPF_STX | BPF_MEM | BPF_DW, 10, 1, POINTER_SLOT, 0);
}

/* ... is moved, and used */
static void gen_walk(struct loops *l)
{
	static const int32_t steps[] = { 1, 1, 2, 4, 8, -1 };

	emit(l->c, BPF_LDX | BPF_MEM | BPF_DW, 1, 10, POINTER_SLOT, 0);
	if (rng_below(l->rng, 3)) {
		emit(l->c, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, rng_pick(l->rng, steps));
		emit(l->c, BPF_STX | BPF_MEM | BPF_DW, 10, 1, POINTER_SLOT, 0);
	}
	if (rng_below(l->rng, 4))
		emit(l->c, BPF_ST | BPF_MEM | BPF_B, 1, 0, OUTPUT, 1);
}

static void gen_spill(struct loops *l)
{
	emit(l->c, BPF_STX | BPF_MEM | BPF_DW, 10, pick_scalar(l), pick_slot(l), 0);
}

static void gen_fill(struct loops *l)
{
	emit(l->c, BPF_LDX | BPF_MEM | BPF_DW, pick_scalar(l), 10, pick_slot(l), 0);
}

/* Subprograms get the map's value and a scalar, and return one. */
static void gen_sub_call(struct loops *l)
{
	int result = pick_scalar(l);

	if (l->in_sub || !l->nr_subs || l->nr_calls == MAX_CALLS)
		return;
	emit_mov(l->c, 1, 9);
	emit_mov(l->c, 2, pick_scalar(l));
	l->calls[l->nr_calls++] = emit(l->c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
	if (rng_below(l->rng, 2))
		emit_mov(l->c, result, 0);
}

/* By the input: r1 & r2 says nothing of r1 or r2, so that states are alike on either way. */
static uint32_t gen_input_jump(struct loops *l)
{
	emit(l->c, BPF_LDX | BPF_MEM | BPF_DW, 1, 9, INPUT_MASK, 0);
	emit(l->c, BPF_LDX | BPF_MEM | BPF_B, 2, 9, INPUT_BITS + rng_below(l->rng, 8), 0);
	return emit(l->c, BPF_JMP | BPF_JSET | BPF_X, 1, 2, 0, 0);
}

/* One constant or the other: two ways that meet behind */
static void gen_choice(struct loops *l)
{
	int reg = pick_scalar(l);
	uint32_t jump;

	emit_set(l->c, reg, one_in(l->rng, 4) ? 1000 : pick_const(l));
	jump = gen_input_jump(l);
	emit_set(l->c, reg, one_in(l->rng, 12) ? 1000 : pick_const(l));
	l->c->insns[jump].off = 1;
}

static void gen_op(struct loops *l)
{
	static void (*const ops[])(struct loops *l) = {
		gen_count, gen_count, gen_set, gen_set, gen_copy, gen_input, gen_limit, gen_write,
		gen_write, gen_spill, gen_fill, gen_sub_call, gen_choice, gen_choice,
		gen_choice, gen_choice, gen_multiply, gen_point, gen_walk,
	};

	rng_pick(l->rng, ops)(l);
}

/* Another bit in every round: next number, top bits */
static void gen_noise(struct loops *l)
{
	emit(l->c, BPF_LDX | BPF_MEM | BPF_DW, 1, 9, INPUT_NOISE, 0);
	emit(l->c, BPF_ALU64 | BPF_MUL | BPF_K, 1, 0, 0, 1103515245);
	emit(l->c, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, 12345);
	emit(l->c, BPF_STX | BPF_MEM | BPF_DW, 9, 1, INPUT_NOISE, 0);
	emit(l->c, BPF_ALU64 | BPF_RSH | BPF_K, 1, 0, 0, 24);
}

/* A condition; returns its jump */
static uint32_t gen_if(struct loops *l)
{
	static const uint8_t ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSGT,
				       BPF_JSLT };
	uint8_t class = one_in(l->rng, 4) ? BPF_JMP32 : BPF_JMP;

	switch (rng_below(l->rng, 7)) {
	case 0: case 1: case 2:
		return gen_input_jump(l);
	case 3:
		emit(l->c, BPF_LDX | BPF_MEM | BPF_DW, 1, 9, INPUT_MASK, 0);
		return emit(l->c, BPF_JMP | BPF_JSET | BPF_K, 1, 0, 0, 1 << rng_below(l->rng, 8));
	case 4:
		gen_noise(l);
		return emit(l->c, BPF_JMP | BPF_JSET | BPF_K, 1, 0, 0, 1 << rng_below(l->rng, 8));
	case 5:
		return emit(l->c, class | rng_pick(l->rng, ops) | BPF_X, pick_scalar(l), pick_scalar(l), 0, 0);
	default:
		return emit(l->c, class | rng_pick(l->rng, ops) | BPF_K, pick_scalar(l), 0, 0,
			    rng_below(l->rng, ROOM));
	}
}

/* For the most part out of the loop by may_goto, and back by goto: else little is accepted. */
static uint32_t draw_target(struct loops *l, uint32_t i, enum ending ending)
{
	uint32_t last = l->nr_blocks - 1;

	if (ending == IF_MAY_GOTO && i + 2 <= last && rng_below(l->rng, 4))
		return rng_between(l->rng, i + 2, last);
	if (ending == GOTO && rng_below(l->rng, 4))
		return rng_below(l->rng, i + 1);
	return rng_below(l->rng, l->nr_blocks);
}

static void draw_block(struct loops *l, uint32_t i)
{
	static const enum ending endings[] = { FALL, GOTO, GOTO, EXIT, IF, IF, IF, IF };
	struct block *b = &l->blocks[i];

	*b = (struct block){ .ending = rng_pick(l->rng, endings) };
	if (rng_below(l->rng, 8) < l->may_gotos)
		b->ending = IF_MAY_GOTO;
	if (i == l->nr_blocks - 1)
		b->ending = one_in(l->rng, 3) ? GOTO : EXIT;
	b->to = draw_target(l, i, b->ending);
	/* a may_goto to the next instruction is refused, and tells nothing */
	if (b->ending == IF_MAY_GOTO && b->to == i + 1)
		b->to = i ? 0 : l->nr_blocks - 1;
}

/*
 * As a compiler makes them: may_goto at the head, and a jump back at the end
 *
 *	0    1: may_goto 4   2       3: goto 1                                4: exit
 *	0    1: may_goto 7   2   3: may_goto 6   4   5: goto 3   6: goto 1   7: exit
 */
static void draw_nest(struct loops *l)
{
	static const struct block one[] = { { FALL }, { IF_MAY_GOTO, 4 }, { IF, 3 }, { GOTO, 1 },
					    { EXIT } };
	static const struct block two[] = { { FALL }, { IF_MAY_GOTO, 7 }, { FALL }, { IF_MAY_GOTO, 6 },
					    { IF, 5 }, { GOTO, 3 }, { GOTO, 1 }, { EXIT } };
	bool is_two = one_in(l->rng, 3);
	uint32_t i;

	l->nr_blocks = is_two ? ARRAY_SIZE(two) : ARRAY_SIZE(one);
	memcpy(l->blocks, is_two ? two : one, is_two ? sizeof(two) : sizeof(one));
	for (i = 0; i < l->nr_blocks; i++)
		if (l->blocks[i].ending == IF && rng_below(l->rng, 2))
			l->blocks[i].ending = FALL;
	if (one_in(l->rng, 3)) {
		l->blocks[0].ending = ENTER;
		l->blocks[0].to = rng_between(l->rng, 1, l->nr_blocks - 2);
	}
	/* and one block as it comes, now and then */
	if (one_in(l->rng, 3))
		draw_block(l, rng_below(l->rng, l->nr_blocks));
}

/* The verifier wants no code that nothing leads to. Returns whether there is a loop. */
static bool reach(struct loops *l, uint32_t i)
{
	struct block *b = &l->blocks[i];
	bool loop = false;

	if (b->reached)
		return b->entered;
	b->reached = b->entered = true;
	if (b->ending != FALL && b->ending != EXIT)
		loop |= reach(l, b->to);
	if (b->ending != GOTO && b->ending != EXIT)
		loop |= reach(l, i + 1);
	b->entered = false;
	return loop;
}

static bool has_may_goto(const struct loops *l)
{
	uint32_t i;

	for (i = 0; i < l->nr_blocks; i++)
		if (l->blocks[i].reached && l->blocks[i].ending == IF_MAY_GOTO)
			return true;
	return false;
}

/* What has no loop or no may_goto is for others to try; subprograms may be like that. */
static void draw_blocks(struct loops *l)
{
	uint32_t tries = l->in_sub ? 1 : 20, i;
	bool loop;

	if (one_in(l->rng, 3)) {
		draw_nest(l);
		reach(l, 0);
		return;
	}

	do {
		l->nr_blocks = rng_between(l->rng, 2, rng_between(l->rng, 4, MAX_BLOCKS));
		for (i = 0; i < l->nr_blocks; i++)
			draw_block(l, i);
		loop = reach(l, 0);
	} while (--tries && !(loop && has_may_goto(l)));
}

static void gen_block(struct loops *l, struct block *b)
{
	static const uint8_t counts[] = { 0, 0, 1, 1, 2, 3 };
	uint32_t ops = rng_pick(l->rng, counts);

	b->start = l->c->cnt;
	while (ops--)
		gen_op(l);
	switch (b->ending) {
	case FALL:
		/* a block has an instruction, at least */
		emit_set(l->c, 0, 0);
		break;
	case GOTO:
		b->jump = emit(l->c, BPF_JMP | BPF_JA, 0, 0, 0, 0);
		break;
	case EXIT:
		/* what matters behind a loop is known last in it */
		if (rng_below(l->rng, 2))
			gen_write(l);
		emit_mov(l->c, 0, pick_scalar(l));
		emit_exit(l->c);
		break;
	case IF:
		b->jump = gen_if(l);
		break;
	case ENTER:
		emit_set(l->c, l->favourite, rng_below(l->rng, 2) ? 1000 : pick_const(l));
		b->jump = gen_input_jump(l);
		emit_set(l->c, l->favourite, pick_const(l));
		break;
	case IF_MAY_GOTO:
		b->jump = emit(l->c, MAY_GOTO, 0, 0, 0, 0);
		break;
	}
}

static void gen_blocks(struct loops *l)
{
	struct block *b;
	uint32_t i;

	draw_blocks(l);
	for (i = 0; i < l->nr_blocks; i++)
		if (l->blocks[i].reached)
			gen_block(l, &l->blocks[i]);
	for (i = 0; i < l->nr_blocks; i++) {
		b = &l->blocks[i];
		if (b->reached && b->ending != FALL && b->ending != EXIT)
			l->c->insns[b->jump].off = (int)l->blocks[b->to].start - (int)b->jump - 1;
	}
}

/* Scalars and stack are written before the first block. */
static void gen_start(struct loops *l)
{
	int reg;

	if (l->in_sub) {
		emit_mov(l->c, 9, 1);
		emit_mov(l->c, 6, 2);
	} else {
		emit_fixup(l->c, 9, MAP_VALUE, 0);
		emit_set(l->c, 6, pick_const(l));
	}
	for (reg = 7; reg <= 8; reg++) {
		if (one_in(l->rng, 3))
			emit(l->c, BPF_LDX | BPF_MEM | BPF_B, reg, 9, INPUT_BYTES + reg - 7, 0);
		else
			emit_set(l->c, reg, pick_const(l));
	}
	emit(l->c, BPF_STX | BPF_MEM | BPF_DW, 10, 7, -8, 0);
	emit(l->c, BPF_STX | BPF_MEM | BPF_DW, 10, 6, -16, 0);
	emit(l->c, BPF_STX | BPF_MEM | BPF_DW, 10, 9, POINTER_SLOT, 0);
}

void gen_loops(struct code *c, struct rng *rng)
{
	struct loops l = { .c = c, .rng = rng, .may_gotos = rng_between(rng, 2, 6),
			   .bad = rng_below(rng, 5), .favourite = rng_between(rng, 6, 8), .nr_subs = rng_below(rng, MAX_SUBS + 1) };
	uint32_t nr_subs, start[MAX_SUBS], i, at;

	code_clear(c);
	c->many = true;
	gen_start(&l);
	gen_blocks(&l);
	nr_subs = l.nr_calls < l.nr_subs ? l.nr_calls : l.nr_subs;
	l.in_sub = true;
	for (i = 0; i < nr_subs; i++) {
		start[i] = c->cnt;
		gen_start(&l);
		gen_blocks(&l);
	}
	for (i = 0; i < l.nr_calls; i++) {
		at = l.calls[i];
		c->insns[at].imm = (int)start[i % nr_subs] - (int)at - 1;
	}
	keep_from(c, 0, KEEP);
}

void draw_loop_input(uint64_t *input, struct rng *rng)
{
	uint32_t i;

	memset(input, 0, VALUE_SIZE);
	switch (rng_below(rng, 4)) {
	case 0: break;
	case 1: input[INPUT_MASK / 8] = 0xff; break;
	default: input[INPUT_MASK / 8] = rng_below(rng, 256);
	}
	input[INPUT_NOISE / 8] = rng_next(rng);
	for (i = 0; i < 8; i++)
		((uint8_t *)input)[INPUT_BITS + i] = 1 << i;
	for (i = 0; i < 8; i++)
		((uint8_t *)input)[INPUT_BYTES + i] = rng_below(rng, rng_below(rng, 2) ? ROOM : 256);
}
