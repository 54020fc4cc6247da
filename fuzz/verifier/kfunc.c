// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of the arena's kfuncs, with arguments of every kind
 *
 * A map may be any that the program uses, of whatever type, or what a map iterator has in
 * ctx->map. Everything else is refused, and the program notes what it was: an accepted one
 * is a finding as it stands.
 *
 *	r1	the map; before, what it is made from is in r0 and r1
 *	r2	an address: any number or pointer
 *	r3	pages
 *	r4, r5	of an allocation: node, flags
 *
 * All that a call takes comes from callee-saved registers (struct kfunc_regs).
 */
#include <string.h>
#include "verifier.h"

#define INNER_MAP_META 8	/* offsets in struct bpf_map, and in the iterator's context */
#define CTX_MAP 8

#define REFUSED_ONE_IN 6

struct call {
	struct code *c;
	struct rng *rng;
	const struct kfunc_regs *regs;
	uint32_t skip[2], nr_skip;	/* jumps to behind the call */
};

static void never(struct call *k, const char *what)
{
	snprintf(k->c->never, sizeof(k->c->never), "a kfunc's map argument: %s", what);
}

static void skip_if_null(struct call *k, int reg)
{
	k->skip[k->nr_skip++] = emit(k->c, BPF_JMP | BPF_JEQ | BPF_K, reg, 0, 0, 0);
}

static void iter_map_or_null(struct call *k)
{
	emit(k->c, BPF_LDX | BPF_MEM | BPF_DW, 1, k->regs->ctx, CTX_MAP, 0);
}

static void iter_map(struct call *k)
{
	iter_map_or_null(k);
	skip_if_null(k, 1);
}

/* Maps that are right */

static void own_arena(struct call *k)
{
	emit_fixup(k->c, 1, ARENA_MAP, 0);
}

static void other_type(struct call *k)
{
	static const enum fixup maps[] = { ARRAY_MAP, HASH_MAP, OUTER_MAP };

	emit_fixup(k->c, 1, rng_pick(k->rng, maps), 0);
}

/* and those that are not */

static void arena_and_const(struct call *k)
{
	own_arena(k);
	emit(k->c, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, rng_below(k->rng, 2) ? 8 : -8);
	never(k, "the arena with a constant offset");
}

static void arena_and_variable(struct call *k)
{
	own_arena(k);
	emit_mov(k->c, 0, k->regs->scalar);
	emit(k->c, BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 0x78);
	/* 0 may be added, if the verifier knows that it is */
	emit(k->c, BPF_ALU64 | BPF_OR | BPF_K, 0, 0, 0, 1);
	emit(k->c, BPF_ALU64 | BPF_ADD | BPF_X, 1, 0, 0, 0);
	never(k, "the arena with a variable offset");
}

static void arena_modified(struct call *k)
{
	own_arena(k);
	emit(k->c, (rng_below(k->rng, 2) ? BPF_ALU : BPF_ALU64) | BPF_XOR | BPF_K, 1, 0, 0, 1);
	never(k, "the arena, modified");
}

static void number(struct call *k)
{
	if (rng_below(k->rng, 2))
		emit_set(k->c, 1, rng_below(k->rng, 2));
	else
		emit_mov(k->c, 1, k->regs->scalar);
	never(k, "a number");
}

static void frame(struct call *k)
{
	emit_mov(k->c, 1, 10);
	emit(k->c, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -64);
	never(k, "the stack");
}

static void map_value(struct call *k)
{
	emit_fixup(k->c, 1, rng_below(k->rng, 2) ? MAP_VALUE : ARENA_VALUE, 0);
	never(k, "a map's value");
}

static void arena_pointer(struct call *k)
{
	emit(k->c, BPF_ALU64 | BPF_MOV | BPF_X, 1, k->regs->scalar, BPF_CAST, TO_KERN);
	never(k, "a pointer into the arena");
}

static void percpu(struct call *k)
{
	emit_fixup(k->c, 1, KERNEL_VAR, 0);
	never(k, "a per-CPU variable");
}

/* Maybe NULL, or what is a map as far as its type goes */
static void inner(struct call *k)
{
	emit(k->c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 0);
	emit_mov(k->c, 2, 10);
	emit(k->c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -8);
	emit_fixup(k->c, 1, OUTER_MAP, 0);
	emit_helper(k->c, BPF_FUNC_map_lookup_elem);
	if (rng_below(k->rng, 3))
		skip_if_null(k, 0);
	emit_mov(k->c, 1, 0);
	never(k, "an inner map");
}

static void context(struct call *k)
{
	emit_mov(k->c, 1, k->regs->ctx);
	never(k, "the context");
}

static void iter_maybe_null(struct call *k)
{
	iter_map_or_null(k);
	never(k, "ctx->map that may be NULL");
}

static void iter_and_const(struct call *k)
{
	static const int32_t offsets[] = { 8, -8, 1, 64, 256, -256 };

	iter_map(k);
	emit(k->c, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, rng_pick(k->rng, offsets));
	never(k, "ctx->map with a constant offset");
}

/* Up to where another object lies */
static void iter_and_variable(struct call *k)
{
	static const int32_t masks[] = { 8, 0x78, 0x3f8, 0xff8 };

	emit_helper(k->c, BPF_FUNC_get_prandom_u32);
	emit(k->c, BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, rng_pick(k->rng, masks));
	iter_map(k);
	emit(k->c, BPF_ALU64 | (one_in(k->rng, 3) ? BPF_SUB : BPF_ADD) | BPF_X, 1, 0, 0, 0);
	if (one_in(k->rng, 3))
		emit(k->c, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -8);
	never(k, "ctx->map with a variable offset");
}

static void iter_inner(struct call *k)
{
	iter_map(k);
	emit(k->c, BPF_LDX | BPF_MEM | BPF_DW, 1, 1, INNER_MAP_META, 0);
	if (rng_below(k->rng, 2))
		skip_if_null(k, 1);
	never(k, "map->inner_map_meta");
}

typedef void map_fn(struct call *k);

static void pick_map(struct call *k)
{
	static map_fn *const right[] = { own_arena, own_arena, own_arena, other_type };
	static map_fn *const wrong[] = { arena_and_const, arena_and_variable, arena_modified, number,
					 frame, map_value, arena_pointer, percpu, inner, context };
	static map_fn *const wrong_iter[] = { iter_maybe_null, iter_and_const, iter_and_variable,
					      iter_inner };
	map_fn *map;

	if (!one_in(k->rng, REFUSED_ONE_IN))
		map = k->regs->iter && rng_below(k->rng, 2) ? iter_map : rng_pick(k->rng, right);
	else if (k->regs->iter && rng_below(k->rng, 2))
		map = rng_pick(k->rng, wrong_iter);
	else
		map = rng_pick(k->rng, wrong);
	if (map == context && k->regs->ctx < 0)
		map = number;
	map(k);
}

/* Whatever there is: the kfunc takes it for a number */
static void pick_addr(struct call *k)
{
	switch (rng_below(k->rng, 6)) {
	case 0: case 1: emit_set(k->c, 2, 0); break;
	case 2: emit_mov(k->c, 2, k->regs->scalar); break;
	case 3: emit_mov(k->c, 2, 10); break;
	default: emit_mov(k->c, 2, k->regs->user < 0 ? k->regs->scalar : k->regs->user);
	}
}

static void pick_number(struct call *k, int reg, int32_t usual)
{
	if (one_in(k->rng, 6))
		emit_mov(k->c, reg, k->regs->scalar);
	else
		emit_set(k->c, reg, one_in(k->rng, 6) ? (int32_t)rng_next(k->rng) : usual);
}

void gen_kfunc_call(struct code *c, struct rng *rng, const struct kfunc_regs *regs)
{
	struct call k = { .c = c, .rng = rng, .regs = regs };
	uint32_t which = rng_below(rng, ARENA_KFUNCS), i;

	pick_map(&k);
	pick_addr(&k);
	pick_number(&k, 3, rng_between(rng, 1, 4));
	if (!which) {
		pick_number(&k, 4, -1);
		pick_number(&k, 5, 0);
	}
	emit_kfunc(c, which);
	for (i = 0; i < k.nr_skip; i++)
		c->insns[k.skip[i]].off = c->cnt - k.skip[i] - 1;
}
