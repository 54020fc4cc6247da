// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of several functions: global and static ones, callbacks of bpf_loop(),
 * bpf_for_each_map_elem() and timers, tail calls
 *
 * A statement that calls makes the function that it calls, or takes one that is there and
 * comes later, so that nothing is recursive. Everything is called.
 *
 *	r6, r7	the arguments: numbers, arena pointers, memory, the context; if there are
 *		none, numbers
 *	r8	a number
 *	r9	an address in the arena; a number in programs without one
 *	fp-64	a buffer
 *	r0 to r5	for one statement
 *
 * What may sleep, what is a pointer and what has to be precise depends on all ways to a
 * function, and so on the whole of a program.
 */
#include <string.h>
#include "verifier.h"

#define MAX_REFS 24
#define BUFFER 64

enum role { PLAIN, LOOP_CB, EACH_CB, TIMER_CB };

struct calls {
	struct code *c;
	struct rng *rng;
	enum role roles[MAX_FUNCS];
	uint32_t nr_funcs;
	/* instructions that name a function */
	struct { uint32_t at, func; } refs[MAX_REFS];
	uint32_t nr_refs;
	bool arena, tags;	/* tags: contexts are tagged as arena pointers */
	/* The function that is being made */
	uint32_t func;
	enum arg regs[4];	/* of r6 to r9 */
};

static int reg_of(struct calls *l, enum arg kind)
{
	int i, start = rng_below(l->rng, 4);

	for (i = 0; i < 4; i++)
		if (l->regs[(start + i) % 4] == kind)
			return 6 + (start + i) % 4;
	return -1;
}

static int number(struct calls *l)
{
	int reg = rng_below(l->rng, 2) ? reg_of(l, ARG_LONG) : reg_of(l, ARG_INT);

	return reg < 0 ? 8 : reg;
}

static enum arg draw_arg(struct calls *l)
{
	static const enum arg kinds[] = { ARG_INT, ARG_LONG, ARG_LONG, ARG_ARENA, ARG_MEM, ARG_CTX };
	enum arg kind = l->tags && rng_below(l->rng, 2) ? ARG_CTX : rng_pick(l->rng, kinds);

	if (kind == ARG_ARENA && !l->arena)
		return ARG_LONG;
	if (kind == ARG_CTX && l->tags)
		return ARG_CTX_ARENA;
	/* BTF has no name for the context of syscall programs */
	if (kind == ARG_CTX && (l->c->type == BPF_PROG_TYPE_SYSCALL || reg_of(l, ARG_CTX) < 0))
		return ARG_INT;
	return kind;
}

static void draw_args(struct calls *l, struct func *f)
{
	uint32_t i;

	f->nr_args = rng_between(l->rng, 0, 2);
	for (i = 0; i < f->nr_args; i++)
		f->args[i] = draw_arg(l);
}

/* A function that comes later, or -1 */
static int pick_func(struct calls *l, enum role role)
{
	uint32_t i;

	for (i = l->func + 1; i < l->nr_funcs; i++)
		if (l->roles[i] == role && (l->nr_funcs == MAX_FUNCS || rng_below(l->rng, 2)))
			return i;
	if (l->nr_funcs == MAX_FUNCS)
		return -1;
	l->roles[l->nr_funcs] = role;
	l->c->funcs[l->nr_funcs] = (struct func){ .global = role == PLAIN && rng_below(l->rng, 3) };
	if (role == PLAIN)
		draw_args(l, &l->c->funcs[l->nr_funcs]);
	return l->nr_funcs++;
}

static void refer(struct calls *l, uint32_t at, uint32_t func)
{
	l->refs[l->nr_refs].at = at;
	l->refs[l->nr_refs++].func = func;
}

/*
 * A helper that calls back. A function that is named, and not called by anyone, makes 6.1
 * warn ("No program starts at insn") and return -EFAULT, without arenas as well: it
 * removes the function as dead code. So mutations leave this alone.
 */
static void emit_callback(struct calls *l, uint32_t func, int32_t helper)
{
	uint32_t at = emit_fixup(l->c, 2, FUNCTION, 0);

	refer(l, at, func);
	if (helper != BPF_FUNC_timer_set_callback) {
		emit_set(l->c, 3, 0);
		emit_set(l->c, 4, 0);
	}
	emit_helper(l->c, helper);
	keep_from(l->c, at, FIXED);
}

/* Statements */

static void gen_kfunc(struct calls *l)
{
	struct kfunc_regs regs = { .scalar = number(l), .user = l->arena ? 9 : -1,
				   .ctx = reg_of(l, ARG_CTX) };

	if (l->arena)
		gen_kfunc_call(l->c, l->rng, &regs);
}

/* A number that has to be precise: a helper writes so many bytes. */
static void gen_size(struct calls *l)
{
	uint32_t skip = emit(l->c, BPF_JMP | BPF_JGT | BPF_K, number(l), 0, 0, BUFFER);
	int reg = l->c->insns[skip].dst_reg;

	emit_mov(l->c, 1, 10);
	emit(l->c, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -BUFFER);
	emit_mov(l->c, 2, reg);
	emit_set(l->c, 3, 0);
	emit_helper(l->c, BPF_FUNC_probe_read_kernel);
	l->c->insns[skip].off = l->c->cnt - skip - 1;
}

/* A byte of the map's value, which a number is the index of */
static void gen_index(struct calls *l)
{
	int reg = number(l);
	uint32_t skip;

	emit_fixup(l->c, 1, MAP_VALUE, 0);
	skip = emit(l->c, BPF_JMP | BPF_JGE | BPF_K, reg, 0, 0, VALUE_SIZE);
	emit(l->c, BPF_ALU64 | BPF_ADD | BPF_X, 1, reg, 0, 0);
	emit(l->c, BPF_ST | BPF_MEM | BPF_B, 1, 0, 0, 1);
	l->c->insns[skip].off = l->c->cnt - skip - 1;
}

static void gen_arith(struct calls *l)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_MUL };

	emit(l->c, BPF_ALU64 | rng_pick(l->rng, ops) | BPF_K, 8, 0, 0, rng_below(l->rng, 100));
}

static void gen_access(struct calls *l)
{
	int reg = reg_of(l, ARG_ARENA);

	if (!l->arena)
		return;
	emit(l->c, BPF_ALU64 | BPF_MOV | BPF_X, 1, reg < 0 ? 9 : reg, BPF_CAST, TO_KERN);
	if (rng_below(l->rng, 2))
		emit(l->c, BPF_STX | BPF_MEM | BPF_DW, 1, 8, rng_below(l->rng, 4096), 0);
	else
		emit(l->c, BPF_LDX | BPF_MEM | BPF_DW, 8, 1, rng_below(l->rng, 4096), 0);
}

static void gen_memory(struct calls *l)
{
	int reg = reg_of(l, ARG_MEM);

	if (reg < 0)
		return;
	emit(l->c, BPF_JMP | BPF_JEQ | BPF_K, reg, 0, 1, 0);
	emit(l->c, BPF_LDX | BPF_MEM | BPF_DW, 8, reg, 0, 0);
}

static void pass(struct calls *l, int to, enum arg kind)
{
	int reg = reg_of(l, kind);

	switch (kind) {
	case ARG_ARENA: case ARG_CTX_ARENA:
		emit(l->c, BPF_ALU64 | BPF_MOV | BPF_X, to, reg < 0 ? 9 : reg, BPF_CAST, TO_KERN);
		break;
	case ARG_MEM:
		if (reg >= 0) {
			emit_mov(l->c, to, reg);
			break;
		}
		emit(l->c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 1);
		emit_mov(l->c, to, 10);
		emit(l->c, BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, -8);
		break;
	case ARG_INT: case ARG_LONG:
		if (one_in(l->rng, 3))
			emit_set(l->c, to, rng_below(l->rng, 100));
		else
			emit_mov(l->c, to, number(l));
		break;
	default:
		/* without one it is refused */
		emit_mov(l->c, to, reg < 0 ? 8 : reg);
	}
}

static void gen_call(struct calls *l)
{
	int func = pick_func(l, PLAIN), i;

	if (func < 0)
		return;
	for (i = 0; i < l->c->funcs[func].nr_args; i++)
		pass(l, 1 + i, l->c->funcs[func].args[i]);
	refer(l, emit(l->c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0), func);
	if (rng_below(l->rng, 2))
		emit_mov(l->c, 8, 0);
}

static void gen_bpf_loop(struct calls *l)
{
	int func = pick_func(l, LOOP_CB);

	if (func < 0)
		return;
	emit_set(l->c, 1, rng_below(l->rng, 4));
	emit_callback(l, func, BPF_FUNC_loop);
}

static void gen_for_each(struct calls *l)
{
	int func = pick_func(l, EACH_CB);

	if (func < 0)
		return;
	emit_fixup(l->c, 1, ARRAY_MAP, 0);
	emit_callback(l, func, BPF_FUNC_for_each_map_elem);
}

static void gen_timer(struct calls *l)
{
	/* tracing programs cannot have any */
	int func = l->c->type == BPF_PROG_TYPE_RAW_TRACEPOINT ? -1 : pick_func(l, TIMER_CB);

	if (func < 0)
		return;
	emit_fixup(l->c, 1, TIMER_VALUE, 0);
	emit_fixup(l->c, 2, TIMER_MAP, 0);
	emit_set(l->c, 3, 1 /* CLOCK_MONOTONIC */);
	emit_helper(l->c, BPF_FUNC_timer_init);
	emit_fixup(l->c, 1, TIMER_VALUE, 0);
	emit_callback(l, func, BPF_FUNC_timer_set_callback);
	emit_fixup(l->c, 1, TIMER_VALUE, 0);
	emit_set(l->c, 2, rng_below(l->rng, 100000));
	emit_set(l->c, 3, 0);
	emit_helper(l->c, BPF_FUNC_timer_start);
	l->c->timers = true;
}

/* Into a program that was accepted before, if there is one */
static void gen_tail_call(struct calls *l)
{
	int ctx = reg_of(l, ARG_CTX);

	if (ctx < 0 || l->c->sleepable || l->roles[l->func] != PLAIN)
		return;
	emit_mov(l->c, 1, ctx);
	emit_fixup(l->c, 2, PROG_MAP, 0);
	emit_set(l->c, 3, rng_below(l->rng, 2));
	emit_helper(l->c, BPF_FUNC_tail_call);
	l->c->tail_calls = true;
}

/* Twenty rounds; nothing in it may write r8 */
static void gen_loop(struct calls *l)
{
	uint32_t head;

	emit_set(l->c, 8, 0);
	head = emit(l->c, MAY_GOTO, 0, 0, 0, 0);
	emit(l->c, BPF_ALU64 | BPF_ADD | BPF_K, 8, 0, 0, 1);
	if (rng_below(l->rng, 2))
		gen_kfunc(l);
	emit(l->c, BPF_JMP | BPF_JLT | BPF_K, 8, 0, (int)head - (int)l->c->cnt - 1, 20);
	l->c->insns[head].off = l->c->cnt - head - 1;
}

static const struct {
	uint32_t weight;
	void (*gen)(struct calls *l);
} statements[] = {
	{ 6, gen_kfunc }, { 3, gen_size }, { 2, gen_index }, { 2, gen_arith }, { 2, gen_access },
	{ 2, gen_memory }, { 6, gen_call }, { 2, gen_bpf_loop }, { 2, gen_for_each },
	{ 3, gen_timer }, { 1, gen_tail_call }, { 1, gen_loop },
};

static void gen_statement(struct calls *l)
{
	uint32_t i, all = 0, at;

	for (i = 0; i < ARRAY_SIZE(statements); i++)
		all += statements[i].weight;
	at = rng_below(l->rng, all);
	for (i = 0; at >= statements[i].weight; i++)
		at -= statements[i].weight;
	if (l->c->cnt < MAX_INSNS - 60 && l->nr_refs < MAX_REFS - 2)
		statements[i].gen(l);
}

/* Functions */

static void begin_args(struct calls *l)
{
	const struct func *f = &l->c->funcs[l->func];
	uint32_t i;

	for (i = 0; i < 2; i++) {
		if (i < f->nr_args) {
			emit_mov(l->c, 6 + i, 1 + i);
			l->regs[i] = f->args[i];
		} else if (l->roles[l->func] == LOOP_CB && !i) {
			emit_mov(l->c, 6, 1);
		} else {
			emit_set(l->c, 6 + i, rng_below(l->rng, 200));
		}
	}
}

static void begin(struct calls *l)
{
	int i;

	for (i = 0; i < 4; i++)
		l->regs[i] = ARG_LONG;
	begin_args(l);
	if (rng_below(l->rng, 2)) {
		emit_helper(l->c, BPF_FUNC_get_prandom_u32);
		emit_mov(l->c, 8, 0);
	} else {
		emit_set(l->c, 8, rng_below(l->rng, 200));
	}
	if (l->arena)
		emit_fixup(l->c, 9, ARENA_VALUE, 0);
	else
		emit_set(l->c, 9, 0);
}

static void gen_func(struct calls *l, uint32_t func)
{
	uint32_t statements = rng_between(l->rng, 1, func ? 4 : 7);

	l->func = func;
	l->c->funcs[func].start = l->c->cnt;
	begin(l);
	while (statements--)
		gen_statement(l);
	if (l->roles[func] == PLAIN && func && rng_below(l->rng, 2))
		emit_mov(l->c, 0, 8);
	else
		emit_set(l->c, 0, 0);
	emit_exit(l->c);
}

static void gen_main_info(struct calls *l)
{
	l->c->funcs[0] = (struct func){ .global = true, .nr_args = 1, .args = { ARG_CTX } };
	l->nr_funcs = 1;
}

void gen_calls(struct code *c, struct rng *rng)
{
	struct calls l = { .c = c, .rng = rng };
	uint32_t i, at;

	code_clear(c);
	l.arena = !one_in(rng, 4);
	l.tags = l.arena && one_in(rng, 5);
	gen_main_info(&l);
	for (i = 0; i < l.nr_funcs; i++)
		gen_func(&l, i);
	for (i = 0; i < l.nr_refs; i++) {
		at = l.refs[i].at;
		c->insns[at].imm = (int)c->funcs[l.refs[i].func].start - (int)at - 1;
	}
	c->nr_funcs = l.nr_funcs;
}
