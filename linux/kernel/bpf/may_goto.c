// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF: how long may_goto loops run
 *
 * A call of a function may run 8,388,608 rounds, and the loops of an invocation
 * 250 ms in all. The count is exact; the time is looked at now and then. Nested
 * calls make the count useless as a bound (8 frames deep it is 2^184), so the
 * time is what ends a program that does not end by itself.
 *
 * Rounds burn fuel, 8,192 units of it between two looks at the clock. One sub
 * and one jump that is not taken are all that a round pays:
 *
 *	sub  fuel, cost
 *	js   stub	---->	bpf_may_goto_stub(), which keeps R0 to R5 and asks
 *	...		<----	bpf_may_goto_look(): on, with new fuel
 *			---->	or out of the loop, over
 *
 * The fuel is one for all functions that call each other, else a function with
 * 8,191 rounds, called in a loop, would never look. It lies with the deadline in
 * the frame of the outermost function (struct bpf_may_goto_shared), whose address
 * is in a register that C and trampolines preserve:
 *
 *	main, a callback	makes it, if it calls functions with a may_goto
 *	  INNER			a function with a may_goto that calls others: burns the
 *				shared fuel, counts its rounds apart, two instructions more
 *	    LEAF		calls no others: takes the fuel into its frame on entry
 *				and gives back what is left; nobody else burns any then
 *	ALONE			main or a callback that calls no others: has its own
 *
 * Invariants:
 *  - Between two looks, all functions of an invocation together burn no more
 *    than BPF_MAY_GOTO_FUEL and what the round costs that asked last.
 *  - When time is over the fuel is 0 and stays so: each may_goto that comes
 *    later, of a caller, of the same or of a new call, goes to the stub and out.
 *  - Everything is in frames of the invocation. It may be preempted, migrate or
 *    be interrupted by another one; no CPU and no task has a part in it.
 *
 * A round costs more where it may take long, see round_cost(). Whoever is entered
 * from C (main programs, callbacks, extensions, targets of tail calls) has a
 * deadline of its own. A function that is both called and given to a helper is
 * entered by the helper through a thunk, which makes what it inherits otherwise.
 */
#include <linux/bpf.h>
#include <linux/bpf_may_goto.h>
#include <linux/bpf_stream.h>
#include <linux/bpf_verifier.h>
#include <linux/filter.h>
#include <linux/timekeeping.h>

#include "loops.h"

#define MAY_GOTO_NS	(250 * NSEC_PER_MSEC)

/* In place of the end of an invocation that has come to it. The clock may go
 * back a little in an NMI, what is over must not.
 */
#define MAY_GOTO_OVER	1

/*
 * A clock that stands still would never end a program, so that time is over while
 * timekeeping is suspended.
 *
 * These are inlined always: nothing may be traced that a look consists of, or the
 * tracing program's own look would come in here again.
 */
static __always_inline bool time_is_over(u64 *end, unsigned long ip)
{
	u64 now;

	if (*end == MAY_GOTO_OVER)
		return true;
	now = ktime_get_mono_fast_ns();
	if (!*end)
		*end = now + MAY_GOTO_NS;
	if (now < *end && likely(!READ_ONCE(timekeeping_suspended)))
		return false;
	*end = MAY_GOTO_OVER;
	/* once for an invocation, so it may be traced */
	bpf_stream_report_timeout(ip);
	return true;
}

/*
 * Account for the rounds that have burnt the fuel from given down to less than
 * nothing, and grant one more. Returns the fuel for the next ones, or -1 if none
 * is granted: left, the rounds of this call, is then 0.
 */
static __always_inline s64 refuel(s64 *left, s64 given, s64 fuel, u32 cost)
{
	/* the last one has not been granted yet */
	*left -= div_s64(given - fuel, cost) - 1;
	if (*left <= 0)
		return -1;
	--*left;
	return min_t(s64, BPF_MAY_GOTO_FUEL, *left * cost);
}

static __always_inline bool look_alone(struct bpf_may_goto_alone *call, u32 cost,
				       unsigned long ip)
{
	s64 given = min_t(s64, BPF_MAY_GOTO_FUEL, call->left * cost);
	s64 fuel = -1;

	if (!time_is_over(&call->end, ip))
		fuel = refuel(&call->left, given, call->fuel, cost);
	call->fuel = max_t(s64, fuel, 0);
	return fuel >= 0;
}

/* shared->fuel is what the function was given: nobody has touched it since */
static __always_inline bool look_leaf(struct bpf_may_goto_leaf *call, u32 cost,
				      unsigned long ip)
{
	struct bpf_may_goto_shared *shared = call->shared;
	s64 fuel = -1;

	if (!time_is_over(&shared->end, ip))
		fuel = refuel(&call->left, shared->fuel, call->fuel, cost);
	call->fuel = max_t(s64, fuel, 0);
	shared->fuel = call->fuel;
	return fuel >= 0;
}

static __always_inline bool look_inner(struct bpf_may_goto_shared *shared, unsigned long ip)
{
	bool over = time_is_over(&shared->end, ip);

	shared->fuel = over ? 0 : BPF_MAY_GOTO_FUEL;
	return !over;
}

/**
 * bpf_may_goto_look() - the fuel is used up: does the loop go on?
 * @tagged: address of the function's struct, with enum bpf_may_goto_kind added:
 *	    struct bpf_may_goto_alone, _leaf, or _shared for MAY_GOTO_INNER
 * @cost: of a round, as in struct bpf_may_goto_info
 * @ip: where the call of bpf_may_goto_stub() returns to
 *
 * Context: Any, NMI included. Called by bpf_may_goto_stub(); what is looked at
 * is in frames below, and nobody else knows of it.
 * Return: Whether the loop goes on; there is fuel for it then.
 *
 * KMSAN does not see what JITed code has pushed.
 */
bool notrace __no_kmsan_checks bpf_may_goto_look(unsigned long tagged, u32 cost,
						 unsigned long ip)
{
	unsigned long at = tagged & ~7UL;

	switch (tagged & 7) {
	case MAY_GOTO_ALONE:
		return look_alone((struct bpf_may_goto_alone *)at, cost, ip);
	case MAY_GOTO_LEAF:
		return look_leaf((struct bpf_may_goto_leaf *)at, cost, ip);
	default:
		return look_inner((struct bpf_may_goto_shared *)at, ip);
	}
}

#ifdef CONFIG_BPF_SYSCALL
static int subprog_at(const struct bpf_verifier_env *env, u32 insn_idx)
{
	int lo = 0, hi = env->subprog_cnt - 1;

	while (lo < hi) {
		int mid = (lo + hi + 1) / 2;

		if (env->subprog_info[mid].start <= insn_idx)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

static bool is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL);
}

static bool is_pseudo_call(const struct bpf_insn *insn)
{
	return is_call(insn) && insn->src_reg == BPF_PSEUDO_CALL;
}

static bool is_bpf_loop_call(const struct bpf_insn *insn)
{
	return is_call(insn) && insn->src_reg == 0 && insn->imm == BPF_FUNC_loop;
}

/* The function that a call or a pointer to a function at insn i leads to */
static struct bpf_may_goto_info *callee(struct bpf_verifier_env *env, int i)
{
	int target = i + env->prog->insnsi[i].imm + 1;

	return &env->subprog_info[subprog_at(env, target)].may_goto;
}

static void note_functions(struct bpf_verifier_env *env)
{
	const struct bpf_insn *insn = env->prog->insnsi;
	int i;

	for (i = 0; i < env->prog->len; i++, insn++) {
		if (is_may_goto(insn))
			env->subprog_info[subprog_at(env, i)].may_goto.own = true;
		else if (bpf_pseudo_func(insn))
			callee(env, i)->callback = true;
		else if (is_pseudo_call(insn))
			callee(env, i)->called = true;
	}
	/* Main is entered from C. check_cfg() refuses calls of it today. */
	env->subprog_info[0].may_goto.called = false;
}

/* Tell callers what is below them. Returns whether one has learnt of it. */
static bool note_callers(struct bpf_verifier_env *env)
{
	const struct bpf_insn *insn = env->prog->insnsi;
	struct bpf_may_goto_info *caller;
	bool news = false;
	int i;

	for (i = 0; i < env->prog->len; i++, insn++) {
		if (!is_pseudo_call(insn) || !(callee(env, i)->own || callee(env, i)->below))
			continue;
		caller = &env->subprog_info[subprog_at(env, i)].may_goto;
		news |= !caller->below;
		caller->below = true;
	}
	return news;
}

/* Where a walk of the graph goes from insn i; ends at a may_goto */
static int successors(const struct bpf_insn *insn, int i, int next[2])
{
	u8 class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	next[0] = i + 1;
	if (class != BPF_JMP && class != BPF_JMP32)
		return 1;
	if (op == BPF_CALL)
		return 1;
	if (op == BPF_EXIT || is_may_goto(insn))
		return 0;
	next[1] = i + 1 + insn->off;
	if (op != BPF_JA)
		return 2;
	next[0] = class == BPF_JMP ? next[1] : i + 1 + insn->imm;
	return 1;
}

/* What the walk knows of an insn; OPEN: it is at this insn or behind it, and OPEN + n
 * that it has been to n successors
 */
enum { UNSEEN, OPEN, DONE = OPEN + 3 };

/*
 * Walk from insn i, depth first, to all that have not been seen. Returns whether
 * there is a way from an insn to itself without a may_goto.
 */
static bool finds_cycle(const struct bpf_insn *insns, int i, u8 *state, u32 *stack)
{
	int depth = 0, next[2];

	if (state[i] != UNSEEN)
		return false;
	state[i] = OPEN;
	stack[depth++] = i;
	while (depth) {
		i = stack[depth - 1];
		if (state[i] - OPEN == successors(&insns[i], i, next)) {
			state[i] = DONE;
			depth--;
			continue;
		}
		i = next[state[i]++ - OPEN];
		if (state[i] == DONE)
			continue;
		if (state[i] != UNSEEN)
			return true;
		state[i] = OPEN;
		stack[depth++] = i;
	}
	return false;
}

/* Insns of which a round of average cost has at most so many */
#define INSNS_PER_UNIT	64
/* A round with a call in it: the clock is looked at after 9 rounds at most */
#define CALL_COST	(BPF_MAY_GOTO_FUEL / 8)
/* With a function that calls back, each time for 250 ms, every second round */
#define CALLBACK_COST	BPF_MAY_GOTO_FUEL

/*
 * The longest round of a function's loops, in units of fuel. Between two looks
 * are 512 Ki insns at most, each of which may fault, or 9 rounds with a call
 * or with a loop that the verifier has found to be bounded. That may be one of a
 * million insns.
 */
static u32 round_cost(const struct bpf_verifier_env *env, int start, int end,
		      u8 *state, u32 *stack)
{
	const struct bpf_insn *insns = env->prog->insnsi;
	u32 cost = clamp((end - start) / INSNS_PER_UNIT, 1, CALL_COST);
	int i;

	for (i = start; i < end; i++) {
		if (bpf_pseudo_func(&insns[i]))
			return CALLBACK_COST;
		if (is_call(&insns[i]) || finds_cycle(insns, i, state, stack))
			cost = CALL_COST;
	}
	return cost;
}

static int set_costs(struct bpf_verifier_env *env)
{
	u32 len = env->prog->len;
	int i, err = -ENOMEM;
	u32 *stack;
	u8 *state;

	state = kvcalloc(len, sizeof(*state), GFP_KERNEL);
	stack = kvcalloc(len, sizeof(*stack), GFP_KERNEL);
	if (!state || !stack)
		goto out;
	for (i = 0; i < env->subprog_cnt; i++) {
		struct bpf_subprog_info *func = &env->subprog_info[i];

		if (func->may_goto.own)
			func->may_goto.cost = round_cost(env, func[0].start,
							 func[1].start, state, stack);
		cond_resched();
	}
	err = 0;
out:
	kvfree(stack);
	kvfree(state);
	return err;
}

/*
 * A call of bpf_loop() that becomes a loop around a call enters its callback
 * directly, which must then be one that inherits nothing.
 */
static void keep_thunk_calls(struct bpf_verifier_env *env)
{
	int i;

	for (i = 0; i < env->prog->len; i++) {
		struct bpf_loop_inline_state *loop = &env->insn_aux_data[i].loop_inline_state;

		if (is_bpf_loop_call(&env->prog->insnsi[i]) && loop->fit_for_inline &&
		    bpf_may_goto_has_thunk(&env->subprog_info[loop->callback_subprogno].may_goto))
			loop->fit_for_inline = false;
	}
}

/**
 * bpf_may_goto_prepare() - find out what the JIT has to know about may_gotos
 * @env: verifier state of a program that has been accepted and not rewritten yet
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int bpf_may_goto_prepare(struct bpf_verifier_env *env)
{
	int err;

	if (!env->prog->jit_required)
		return 0;
	note_functions(env);
	/* one more level of callers, of 16 at most, learns of it each time */
	while (note_callers(env))
		cond_resched();
	err = set_costs(env);
	if (err)
		return err;
	keep_thunk_calls(env);
	env->prog->aux->may_goto = env->subprog_info[0].may_goto;
	return 0;
}
#endif
