// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that are attached: to the iterator of maps, to functions of arena programs
 *
 *	r6	the context
 *	r8	a number
 *	r9	an address in the arena
 *
 * An iterator's program gives ctx->map to kfuncs. fentry and fexit programs read all
 * arguments of their function, and follow those that they get as pointers: what the
 * function takes for an arena pointer must not be one.
 */
#include <string.h>
#include "verifier.h"

static void gen_start(struct code *c)
{
	code_clear(c);
	c->type = BPF_PROG_TYPE_TRACING;
	c->flags = 0;
	c->sleepable = false;
	emit_mov(c, 6, 1);
	emit_helper(c, BPF_FUNC_get_prandom_u32);
	emit_mov(c, 8, 0);
	emit_fixup(c, 9, ARENA_VALUE, 0);
}

static void gen_end(struct code *c)
{
	emit_set(c, 0, 0);
	emit_exit(c);
}

static void gen_kfuncs(struct code *c, struct rng *rng, bool iter)
{
	struct kfunc_regs regs = { .scalar = 8, .user = 9, .ctx = 6, .iter = iter };
	uint32_t cnt = rng_between(rng, iter, 3);

	while (cnt--)
		gen_kfunc_call(c, rng, &regs);
}

void gen_iter(struct code *c, struct rng *rng)
{
	gen_start(c);
	c->attach_type = BPF_TRACE_ITER;
	c->attach_btf_id = iter_map_btf_id;
	gen_kfuncs(c, rng, true);
	gen_end(c);
}

/* The context of an XDP program, as the kernel has it; other types have fields read */
static void gen_follow(struct code *c, struct rng *rng, uint32_t type)
{
	static const int16_t offsets[] = { 0, 8, 16, 40, 112, 200 };

	if (type == BPF_PROG_TYPE_XDP && rng_below(rng, 4))
		emit_helper(c, BPF_FUNC_xdp_get_buff_len);
	else
		emit(c, BPF_LDX | BPF_MEM | BPF_DW, 0, 1, rng_pick(rng, offsets), 0);
}

static bool is_pointer(enum arg arg, struct rng *rng)
{
	return arg == ARG_CTX || arg == ARG_CTX_ARENA || (arg != ARG_INT && one_in(rng, 10));
}

/* A function with a context that is tagged, if there is one; else any */
static uint32_t pick_func(struct rng *rng, const struct code *target)
{
	uint32_t func = rng_below(rng, target->nr_funcs), i, arg;

	for (i = 0; i < target->nr_funcs; i++)
		for (arg = 0; arg < target->funcs[i].nr_args; arg++)
			if (target->funcs[i].args[arg] == ARG_CTX_ARENA && rng_below(rng, 2))
				func = i;
	return func;
}

void gen_tracer(struct code *c, struct rng *rng, const struct code *target)
{
	uint32_t func = pick_func(rng, target), i;
	const struct func *f = &target->funcs[func];

	gen_start(c);
	c->attach_type = rng_below(rng, 2) ? BPF_TRACE_FENTRY : BPF_TRACE_FEXIT;
	c->attach_btf_id = btf_func_id(func);
	for (i = 0; i < f->nr_args; i++) {
		emit(c, BPF_LDX | BPF_MEM | BPF_DW, 1, 6, 8 * i, 0);
		if (is_pointer(f->args[i], rng))
			gen_follow(c, rng, target->type);
	}
	if (one_in(rng, 3))
		gen_kfuncs(c, rng, false);
	gen_end(c);
}
