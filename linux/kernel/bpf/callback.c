// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callbacks: the verifier follows them again until nothing new comes
 *
 * A helper calls back as often as it likes, and not at all. What one round leaves in the
 * stack of the callers is what the next round finds there, so it is a loop. The head of
 * loops.c says why it may be cut, and what is forgotten from round to round.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/filter.h>
#include "loops.h"

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/* How many rounds keep scalars that do not matter in the callback, and all others */
#define EXACT_ROUNDS		2
#define MAX_EXACT_ROUNDS	256

/* A helper that calls back, before it returns */
static bool calls_back(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg &&
	       (insn->imm == BPF_FUNC_for_each_map_elem || insn->imm == BPF_FUNC_loop ||
		insn->imm == BPF_FUNC_find_vma || insn->imm == BPF_FUNC_user_ringbuf_drain);
}

/* How a function ends, and helpers call one back */
static bool is_exit(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_EXIT);
}

static int start_of(const struct bpf_verifier_env *env, const struct bpf_func_state *frame)
{
	return env->subprog_info[frame->subprogno].start;
}

static bool is_start(const struct bpf_verifier_env *env, int idx)
{
	int i;

	for (i = 0; i < env->subprog_cnt; i++)
		if (env->subprog_info[i].start == idx)
			return true;
	return false;
}

/**
 * bpf_callbacks_prepare() - does a program with an arena pass functions to helpers?
 * @env: verifier state, after the maps have been looked up
 *
 * Its loops, through helpers, are followed then as those with a may_goto are. Callbacks of
 * programs with neither are followed once, as 6.1 does it.
 */
void bpf_callbacks_prepare(struct bpf_verifier_env *env)
{
	u32 i;

	if (!env->prog->aux->arena)
		return;
	for (i = 0; i < env->prog->len; i++)
		env->loops.used |= calls_back(&env->prog->insnsi[i]);
}

/**
 * bpf_callback_begins() - does a helper enter its callback now?
 * @env: verifier state, before an instruction
 *
 * A jump to the first instruction enters nothing.
 */
bool bpf_callback_begins(const struct bpf_verifier_env *env)
{
	const struct bpf_func_state *frame = env->cur_state->frame[env->cur_state->curframe];
	const struct bpf_insn *prev;

	if (!env->loops.used || !frame->in_callback_fn || env->insn_idx != start_of(env, frame))
		return false;
	prev = &env->prog->insnsi[env->prev_insn_idx];
	return calls_back(prev) || is_exit(prev);
}

/* A number for what a helper passes in each round. Equal numbers, at the same call, stand
 * for equal arguments. What else is in registers is the same for all calls from there.
 */
static u32 args_number(const struct bpf_func_state *callee)
{
	const struct bpf_reg_state *reg;
	u32 number = 0;
	s64 off;
	int i;

	for (i = BPF_REG_1; i <= BPF_REG_5; i++) {
		reg = &callee->regs[i];
		if (reg->type == CONST_PTR_TO_MAP && reg->map_uid)
			return callee->activation;
		if (reg->type != PTR_TO_STACK)
			continue;
		off = -(reg->off + (s64)reg->var_off.value);
		if (!tnum_is_const(reg->var_off) || off < 0 || off > MAX_BPF_STACK)
			return callee->activation;
		number = BIT(31) | reg->frameno << 16 | off;
	}
	return number;
}

/**
 * bpf_callback_enter() - a helper may call back, or not
 * @env: verifier state, the innermost frame of which is the callee's
 * @insn_idx: where it goes on
 *
 * Does nothing unless the callee is a callback.
 *
 * Return: 0; -ENOMEM.
 */
int bpf_callback_enter(struct bpf_verifier_env *env, int *insn_idx)
{
	struct bpf_verifier_state *cur = env->cur_state;
	struct bpf_func_state *callee = cur->frame[cur->curframe];

	if (!env->loops.used || !callee->in_callback_fn)
		return 0;
	callee->callback_args = args_number(callee);
	if (!push_stack(env, start_of(env, callee), callee->callsite, false))
		return -ENOMEM;
	/* there was no round */
	*insn_idx = callee->callsite;
	free_func_state(callee);
	cur->frame[cur->curframe--] = NULL;
	return 0;
}

/**
 * bpf_callback_entered() - is a new state the beginning of a round?
 * @env: verifier state
 * @st: a copy of its current state, which will be an ancestor of what follows
 */
void bpf_callback_entered(struct bpf_verifier_env *env, struct bpf_verifier_state *st)
{
	if (!bpf_callback_begins(env))
		return;
	st->begins_round = true;
	env->cur_state->frame[st->curframe]->round = st;
}

/* Does another helper wait for this callback's? */
static bool is_nested(const struct bpf_verifier_state *st)
{
	int i;

	for (i = 1; i < st->curframe; i++)
		if (st->frame[i]->in_callback_fn)
			return true;
	return false;
}

/* The rounds that led to the current one, and this: they are ancestors of the path, so
 * that none of them has been freed.
 */
static void rounds_of(const struct bpf_verifier_state *cur, struct bpf_rounds *rounds)
{
	const struct bpf_func_state *callee = cur->frame[cur->curframe];
	const struct bpf_verifier_state *st;

	for (st = callee->round; st && rounds->cnt < ARRAY_SIZE(rounds->st);
	     st = st->frame[callee->frameno]->round)
		rounds->st[rounds->cnt++] = st;
	rounds->callback = true;
	/* the rounds of a nested one are followed for each of the outer one's */
	rounds->exact = is_nested(cur) ? 1 : EXACT_ROUNDS;
	rounds->too_many = callee->rounds >= MAX_EXACT_ROUNDS;
}

/* The callee is as it was when the last round began. */
static int begin_round(struct bpf_verifier_env *env, struct bpf_verifier_state *st)
{
	struct bpf_func_state *callee = st->frame[st->curframe];
	struct bpf_verifier_state *round = callee->round;
	struct bpf_rounds rounds = {};
	int i, err;

	rounds_of(st, &rounds);
	err = copy_func_state(callee, round->frame[st->curframe]);
	if (err)
		return err;
	for (i = 0; i < MAX_BPF_REG; i++) {
		callee->regs[i].parent = NULL;
		callee->regs[i].live = REG_LIVE_NONE;
	}
	callee->round = round;
	callee->rounds++;
	callee->may_goto = ++env->loops.last_id;
	bpf_loop_forget(env, st, &rounds);
	return 0;
}

/* A callback leaves its caller with the references that it has found, also where a function
 * that it calls takes or drops one: check_reference_leak() looks at the callback's own.
 */
static int check_references(struct bpf_verifier_env *env, const struct bpf_func_state *callee,
			    const struct bpf_func_state *caller)
{
	const struct bpf_reference_state *ref;
	int i, j;

	for (i = 0; i < callee->acquired_refs; i++) {
		ref = &callee->refs[i];
		for (j = 0; j < caller->acquired_refs; j++)
			if (caller->refs[j].id == ref->id)
				break;
		if (j == caller->acquired_refs) {
			verbose(env, "Unreleased reference id=%d alloc_insn=%d\n", ref->id,
				ref->insn_idx);
			return -EINVAL;
		}
	}
	if (callee->acquired_refs == caller->acquired_refs)
		return 0;
	verbose(env, "a callback releases a reference of its caller\n");
	return -EINVAL;
}

/**
 * bpf_callback_exit() - a round of a callback ends
 * @env: verifier state, at the exit. R0 is 0 or 1, and what it depends on is precise.
 *
 * The helper returns, which is followed now, or calls back again.
 *
 * Return: 0; -ENOMEM; -EINVAL if the round takes or drops a reference; -EFAULT if it is not
 * known where it began.
 */
int bpf_callback_exit(struct bpf_verifier_env *env)
{
	struct bpf_verifier_state *cur = env->cur_state, *next;
	struct bpf_func_state *callee = cur->frame[cur->curframe];
	struct bpf_reg_state *r0 = &cur->frame[cur->curframe - 1]->regs[BPF_REG_0];
	int err;

	if (!env->loops.used)
		return 0;
	if (WARN_ON_ONCE(!callee->round))
		return -EFAULT;
	err = check_references(env, callee, cur->frame[cur->curframe - 1]);
	if (err)
		return err;
	/* R0 has been found to be 0 or 1 */
	if (callee->regs[BPF_REG_0].umin_value != 1 &&
	    env->prog->insnsi[callee->callsite].imm != BPF_FUNC_find_vma) {
		next = push_stack(env, start_of(env, callee), env->insn_idx, false);
		if (!next)
			return -ENOMEM;
		err = begin_round(env, next);
		if (err)
			return err;
	}
	/* what the helper returns */
	__mark_reg_unknown(env, r0);
	r0->subreg_def = 0;	/* all 64 bits of it */
	r0->live |= REG_LIVE_WRITTEN;
	return 0;
}

/**
 * bpf_callback_backtrack() - walk back past what a helper does that calls back
 * @env: verifier state
 * @idx: instruction that was executed
 * @next: the one that was executed after it
 * @above: how many frames are between the instruction's and the one whose scalars are
 *	   asked for
 * @reg_mask: the latter's registers
 * @stack_mask: its slots
 *
 * A callback gets nothing from its caller but arguments and what it reads from its caller's
 * stack. States in it have to agree in what arguments point to (callback_args), and a NULL
 * is precise before the call (mark_null_precise()). What it gives back is in that stack, too:
 * see backtrack_by_pointer().
 *
 * Return: false if @idx is nothing of that kind.
 */
bool bpf_callback_backtrack(const struct bpf_verifier_env *env, int idx, int next,
			    u32 *above, u32 *reg_mask, u64 *stack_mask)
{
	const struct bpf_insn *insn = &env->prog->insnsi[idx];
	bool enters, leaves, calls = calls_back(insn);

	if (!env->loops.used || !(calls || is_exit(insn)))
		return false;
	enters = calls ? next != idx + 1 : is_start(env, next);
	leaves = !calls && !enters && calls_back(&env->prog->insnsi[next - 1]);
	if (!calls && !enters && !leaves)
		return false;
	if (enters && !*above) {
		*reg_mask = 0;
		*stack_mask = 0;
	} else if (enters && calls) {
		--*above;
	} else if (!enters && !*above) {
		*reg_mask &= ~BIT(BPF_REG_0);
	}
	if (leaves)
		++*above;
	return true;
}
