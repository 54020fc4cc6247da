// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loops that may_goto bounds, and callbacks: where the verifier may stop following them
 *
 * may_goto counts down a counter that each call of a function has, and jumps
 * when nothing is left. Code that falls through one and the same call's
 * may_goto on every round therefore ends, whatever the data. The verifier does
 * not know the number of rounds, so it must not follow all of them: it cuts a
 * path where an older state covers the current one. Two things have to hold
 * then, and they are argued apart.
 *
 * The states of the exploration are nodes. An edge leads from a state to each
 * state that was made next on a path from it, and a cut is an edge to the state
 * that covers. A state is
 *   in progress   while paths from it are still to be followed (branches > 0);
 *   open          after that, while it leads, by edges, to one in progress;
 *   closed        otherwise.
 *
 *      A: may_goto OUT      A is in progress until both ways have been followed.
 *         if (r0) goto X    The way to X is cut at A. From then on X is open:
 *         ...               what happens after X is what happens after A, and
 *      X: ...               not all of that is known yet.
 *         goto A
 *
 * Safety: a covered state cannot do worse
 *   Against a closed state, compare what it read and what had to be precise, as
 *   6.1 does. Both are complete, see "Marks" below. Against any other state,
 *   compare every register and slot (RANGE_WITHIN): whatever the current state
 *   can be at run time, the old one can be as well. So the first thing that goes
 *   wrong, n instructions from the current state, goes wrong n instructions from
 *   the old one, whose paths are all followed before the program is accepted.
 *   Values are in relation to each other, too: registers that share an id in the
 *   old state share one in the current state, over all frames.
 *
 * Termination: on every round of a loop a counter goes down
 *   Cuts are made (bpf_loop_may_cut())
 *     to a closed state;
 *     to an open state, by a path in the same calls as that state, as far as
 *       the loops are concerned that it leads to (loop_frame);
 *     to a state in progress AT a may_goto, by a path in the same calls that
 *       fell through that may_goto (in_body).
 *   Exploration is last in, first out; callbacks of timers, which have no
 *   ancestors, come after all else. So what is in progress are the ancestors
 *   of the current path (bpf_loop_cut() checks what it can), and all edges but those to a
 *   state in progress lead to a state that is finished earlier than their start.
 *   Take an infinite run, and of the states that it goes through infinitely
 *   often the one that is finished last, A. Nothing but an edge to a state in
 *   progress leads back into A, so A is at a may_goto. check_may_goto() has the
 *   way to its exit followed first: at that time no edge to A is allowed, so all
 *   that can be reached by that way and is finished before A does not lead back
 *   to A. So the run falls through A's may_goto on every round. It stays in A's
 *   call, since only tree edges, which come from states that are finished after
 *   A, and cuts enter another call, and cuts do not enter A's. A's counter is
 *   used up after finitely many rounds, a contradiction.
 *   Callbacks add cuts, see below.
 *   A loop in which a path is not cut like this is followed until its own
 *   condition or the verifier's limit ends it. 6.1's test for infinite loops
 *   only makes the latter quick, and is skipped between two states with a
 *   may_goto of a still active call between them.
 *
 * Widening
 *   So that rounds become alike, a may_goto forgets scalars that changed since
 *   its last round and are not precise. To know less is always safe. What is
 *   precise for conditional jumps alone (not "needed") is forgotten as well, but
 *   only after some rounds, and unless one of these had the same values, but for
 *   those that no round had: the states of a machine soon repeat, a counter that is
 *   compared with a constant at the end does not. Both ways are followed then.
 *
 * Marks
 *   A path that is cut at a state in progress, or at an open one, ends before
 *   that state knows all that its future depends on. struct bpf_loop_edge keeps
 *   both ends. When the outermost state in progress that was cut at is finished,
 *   nothing open leads to a state in progress any more, and the marks are
 *   propagated along the edges, round and round until there are no new ones:
 *   marks are only ever added. Then all of it is closed.
 *
 * Callbacks
 *   A helper calls back as often as it likes, and not at all. What one round leaves in
 *   the stack of the callers is what the next round finds there, so it is a loop:
 *
 *	C: call bpf_loop ----> on, behind C: there was no round
 *			 ----> H, the first insn of the callback
 *	E: exit		 ----> on, behind C: that was the last round
 *			 ----> H, unless R0 is 1: the next round
 *
 *   The way on goes first. All rounds of a call of a helper have the same activation
 *   number, so cuts in a callback may be made to a state of an earlier round. Cuts to a
 *   state in progress are also made at H, by a path that comes from E and thereby begins
 *   a round (begins_round): not by one that jumps there. If A, above, is at H, an
 *   infinite run begins rounds without end in one call of a helper, which bounds them.
 *   If A is at a may_goto in a callback, the run begins no more rounds at some time, and
 *   after that it uses up the counter of one round.
 *
 *   The arguments that the helper keeps for the next round are part of a state, although
 *   no register shows them: callback_args.
 *
 *   At E the next round forgets what changed, as a may_goto does, and for the sake of
 *   what the callback itself shows to matter: what comes behind C is followed later. Two
 *   rounds are followed with all that they change, for a flag that one of them sets. After
 *   many rounds what matters is forgotten, too. Nothing but a number of rounds that the
 *   verifier does not look at may end a loop like that.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/filter.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "loops.h"

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/* What closing the loops of a program may take, in instructions walked back: some
 * seconds. Programs that are not made for it take some ten thousand.
 */
#define MAX_CLOSING_STEPS	(64 * 1024 * 1024)
#define STEPS_BETWEEN_LOOKS	(16 * 1024)

/* What may wait, in programs for which 8,192 states may be too few, is counted in frames,
 * which take the memory: some 10 KB each at most. It is as many as 8,192 states have
 * that are eight calls deep. A loop around loops that is followed round for round leaves
 * a state behind with each round of each of them.
 */
#define MAX_QUEUED_FRAMES	(BPF_COMPLEXITY_LIMIT_JMP_SEQ * MAX_CALL_FRAMES)

/**
 * bpf_has_may_goto() - does any instruction of the program bound a loop?
 * @prog: program as it was loaded
 *
 * Nothing here, nor what depends on it in verifier.c, is for other programs.
 */
bool bpf_has_may_goto(const struct bpf_prog *prog)
{
	u32 i;

	for (i = 0; i < prog->len; i++) {
		if (is_may_goto(&prog->insnsi[i]))
			return true;
		if (prog->insnsi[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			i++;
	}
	return false;
}

/**
 * bpf_queue_is_full() - do too many states wait to be explored?
 * @env: verifier state, after one has been added
 */
bool bpf_queue_is_full(const struct bpf_verifier_env *env)
{
	if (bpf_has_arena_or_may_goto(env))
		return env->loops.queued_frames > MAX_QUEUED_FRAMES;
	return env->stack_size > BPF_COMPLEXITY_LIMIT_JMP_SEQ;
}

/**
 * bpf_depth_is_known() - has the stack below a call been found to suffice?
 * @env: verifier state
 * @subprog: what is called
 * @frame: calls that are active then
 * @depth: bytes of stack that they take, a multiple of 32
 *
 * Functions that call each other 16 deep, at a few places each, do so in more ways than
 * anybody can count. Whatever fits below a call that is as deep, and has no more stack
 * left, fits here. So a function is walked through some hundred times at most.
 *
 * Where there are tail calls, what is below matters for what is above, and all ways are
 * walked. That is at most eight deep, as ever.
 */
bool bpf_depth_is_known(struct bpf_verifier_env *env, int subprog, int frame, int depth)
{
	u8 *entered = env->loops.entered[subprog];
	int i;

	cond_resched();
	if (env->loops.tail_calls)
		return false;
	for (i = frame; i < MAX_ARENA_CALL_FRAMES; i++)
		if (entered[i] > depth / 32)
			return true;
	entered[frame] = depth / 32 + 1;
	return false;
}

/* Are the calls that are active in both states the same, down to a frame? */
static bool same_calls(const struct bpf_verifier_state *old,
		       const struct bpf_verifier_state *cur, u32 frame)
{
	int i;

	if (old->curframe != cur->curframe)
		return false;
	for (i = 0; i <= min(frame, old->curframe); i++)
		if (old->frame[i]->activation != cur->frame[i]->activation)
			return false;
	return true;
}

/**
 * bpf_may_goto_between() - has a call fallen through a may_goto between two
 * states in which it is active?
 * @old: an ancestor of @cur
 * @cur: state of the current path
 *
 * Calls that it made may be others in the two.
 */
bool bpf_may_goto_between(const struct bpf_verifier_state *old,
			  const struct bpf_verifier_state *cur)
{
	int i;

	for (i = 0; i <= min(old->curframe, cur->curframe) &&
		    old->frame[i]->activation == cur->frame[i]->activation; i++)
		if (old->frame[i]->may_goto != cur->frame[i]->may_goto)
			return true;
	return false;
}

/**
 * bpf_loop_open() - does a state lead to one that is in progress?
 * @env: verifier state
 * @st: a state with no paths left to follow
 *
 * Return: true if the liveness and precision of @st are not complete.
 */
bool bpf_loop_open(const struct bpf_verifier_env *env,
		   const struct bpf_verifier_state *st)
{
	return env->loops.outermost && st->loop_gen == env->loops.gen;
}

/**
 * bpf_loop_may_cut() - may the current path end in a state that covers it?
 * @env: verifier state
 * @old: a state at the current instruction
 *
 * This is all that makes loops end: see the head of this file.
 */
bool bpf_loop_may_cut(const struct bpf_verifier_env *env,
		      const struct bpf_verifier_state *old)
{
	if (old->branches)
		return (bpf_callback_begins(env) ? old->begins_round : old->in_body) &&
		       same_calls(old, env->cur_state, old->curframe);
	return !bpf_loop_open(env, old) ||
	       same_calls(old, env->cur_state, old->loop_frame);
}

/**
 * bpf_loop_enter() - the way into a loop is followed now
 * @env: verifier state, after it took up a path
 * @may_goto_idx: the may_goto that put the path aside
 *
 * The way out of the loop has been followed to all of its ends.
 *
 * Return: 0; -EFAULT if the path does not come from that may_goto's state.
 */
int bpf_loop_enter(struct bpf_verifier_env *env, int may_goto_idx)
{
	struct bpf_verifier_state *cur = env->cur_state, *st = cur->parent;

	if (WARN_ON_ONCE(!st || st->insn_idx != may_goto_idx || st->branches != 1))
		return -EFAULT;
	st->in_body = true;
	cur->frame[cur->curframe]->may_goto = ++env->loops.last_id;
	return 0;
}

static void find_rounds(const struct bpf_verifier_env *env,
			const struct bpf_verifier_state_list *sl, struct bpf_rounds *rounds)
{
	for (; sl && rounds->cnt < ARRAY_SIZE(rounds->st); sl = sl->next)
		if (sl->state.insn_idx == env->insn_idx && sl->state.branches &&
		    bpf_loop_may_cut(env, &sl->state))
			rounds->st[rounds->cnt++] = &sl->state;
}

/* What is in a register, or spilled into the slot i - BPF_REG_FP; or NULL */
static struct bpf_reg_state *reg_at(struct bpf_func_state *frame, int i)
{
	int slot = i - BPF_REG_FP;

	if (slot < 0)
		return &frame->regs[i];
	if (slot < frame->allocated_stack / BPF_REG_SIZE &&
	    frame->stack[slot].slot_type[BPF_REG_SIZE - 1] == STACK_SPILL)
		return &frame->stack[slot].spilled_ptr;
	return NULL;
}

static struct bpf_reg_state *scalar_at(struct bpf_func_state *frame, int i)
{
	struct bpf_reg_state *reg = reg_at(frame, i);

	return reg && reg->type == SCALAR_VALUE ? reg : NULL;
}

static int scalar_places(const struct bpf_func_state *frame)
{
	return BPF_REG_FP + frame->allocated_stack / BPF_REG_SIZE;
}

/* In which rounds was this a value of the scalar? A bit each, the last round is bit 0. */
static u32 rounds_with(const struct bpf_rounds *rounds, int fr, int i,
		       const struct bpf_reg_state *cur)
{
	const struct bpf_reg_state *old;
	u32 n, with = 0;

	for (n = 0; n < rounds->cnt; n++) {
		old = scalar_at(rounds->st[n]->frame[fr], i);
		if (old && scalar_covers(old, cur))
			with |= BIT(n);
	}
	return with;
}

static bool is_for_jumps(const struct bpf_reg_state *reg)
{
	return reg->precise && !reg->needed;
}

/* The rounds that agree in what matters for jumps alone, but for what is in no round */
static u32 rounds_alike(const struct bpf_rounds *rounds, const struct bpf_verifier_state *cur)
{
	const struct bpf_reg_state *last, *reg;
	u32 with, alike = ~0U;
	int fr, i;

	for (fr = 0; fr <= cur->curframe; fr++) {
		for (i = 0; i < scalar_places(cur->frame[fr]); i++) {
			last = scalar_at(rounds->st[0]->frame[fr], i);
			reg = scalar_at(cur->frame[fr], i);
			if (!last || !reg || !is_for_jumps(last))
				continue;
			with = rounds_with(rounds, fr, i, reg);
			if (with)
				alike &= with;
		}
	}
	return alike;
}

static bool keeps(const struct bpf_rounds *rounds, u32 alike, int fr, int i,
		  const struct bpf_reg_state *cur)
{
	const struct bpf_reg_state *last = scalar_at(rounds->st[0]->frame[fr], i);

	if (!last || scalar_covers(last, cur))
		return true;
	if (rounds->too_many)
		return false;
	if (!last->precise)
		return rounds->cnt < rounds->exact;
	return last->needed || rounds->cnt <= ROUNDS_BEFORE_WIDENING ||
	       (alike && rounds_with(rounds, fr, i, cur));
}

/* Where callbacks are concerned, a slot becomes one that can hold what it likes: it covers
 * a zero that has not changed yet.
 */
static void forget(const struct bpf_verifier_env *env, const struct bpf_rounds *rounds,
		   struct bpf_func_state *frame, int i)
{
	struct bpf_stack_state *slot;
	int j;

	__mark_reg_unknown(env, scalar_at(frame, i));
	if (!rounds->callback || i < BPF_REG_FP)
		return;
	slot = &frame->stack[i - BPF_REG_FP];
	slot->spilled_ptr.type = NOT_INIT;
	for (j = 0; j < BPF_REG_SIZE; j++)
		if (slot->slot_type[j] == STACK_SPILL)
			slot->slot_type[j] = STACK_MISC;
}

/* A relation that has changed will change again. Without the link this state covers the
 * next one.
 */
static void forget_links(struct bpf_verifier_env *env, struct bpf_verifier_state *st,
			 const struct bpf_verifier_state *last)
{
	const struct bpf_reg_state *old;
	struct bpf_reg_state *reg;
	int fr, i;

	memset(env->idmap_scratch, 0, (st->curframe + 1) * sizeof(env->idmap_scratch[0]));
	for (fr = 0; fr <= st->curframe; fr++) {
		for (i = 0; i < scalar_places(st->frame[fr]); i++) {
			old = reg_at(last->frame[fr], i);
			reg = reg_at(st->frame[fr], i);
			if (!old || !reg || old->type != reg->type || old->off != reg->off ||
			    !bpf_link(old) ||
			    !bpf_link(reg) || bpf_link_matches(old, reg, env->idmap_scratch[0]))
				continue;
			if (reg->type == SCALAR_VALUE)
				reg->id = 0;
			else
				reg->link = 0;
		}
	}
}

/**
 * bpf_loop_forget() - forget the values of scalars that a round changed
 * @env: verifier state
 * @st: state at the beginning of a round
 * @rounds: what came before, one at least
 */
void bpf_loop_forget(struct bpf_verifier_env *env, struct bpf_verifier_state *st,
		     const struct bpf_rounds *rounds)
{
	struct bpf_reg_state *reg;
	u32 alike = 0;
	int fr, i;

	if (rounds->cnt > ROUNDS_BEFORE_WIDENING)
		alike = rounds_alike(rounds, st);
	for (fr = 0; fr <= st->curframe; fr++) {
		for (i = 0; i < scalar_places(st->frame[fr]); i++) {
			reg = reg_at(st->frame[fr], i);
			if (reg && reg->type == PTR_TO_MAP_VALUE)
				bpf_link_fold(reg);
			reg = scalar_at(st->frame[fr], i);
			if (reg && !keeps(rounds, alike, fr, i, reg))
				forget(env, rounds, st->frame[fr], i);
		}
	}
	forget_links(env, st, rounds->st[0]);
}

/**
 * bpf_loop_widen() - forget the values of scalars that a round changed
 * @env: verifier state, at a may_goto
 * @sl: states to look for the latest rounds in
 *
 * Unless they matter: a counter that only counts, or is compared, becomes any
 * number, and the next round's state is covered; one that an access depends on
 * stays exact, and the loop is unrolled until its own condition ends it. Values that
 * come again, all of them as in one and the same round, are no counters'.
 */
void bpf_loop_widen(struct bpf_verifier_env *env,
		    const struct bpf_verifier_state_list *sl)
{
	struct bpf_rounds rounds = {};

	find_rounds(env, sl, &rounds);
	if (rounds.cnt)
		bpf_loop_forget(env, env->cur_state, &rounds);
}

static u32 reg_marks(const struct bpf_reg_state *reg)
{
	return !!(reg->live & REG_LIVE_READ32) +
	       2 * !!(reg->live & REG_LIVE_READ64) + reg->precise + reg->needed;
}

/* Marks are only ever added, so their number tells whether there are new ones */
static u32 state_marks(const struct bpf_verifier_state *st)
{
	u32 marks = 0;
	int fr, i;

	for (fr = 0; fr <= st->curframe; fr++) {
		const struct bpf_func_state *frame = st->frame[fr];

		for (i = 0; i < BPF_REG_FP; i++)
			marks += reg_marks(&frame->regs[i]);
		for (i = 0; i < frame->allocated_stack / BPF_REG_SIZE; i++)
			marks += reg_marks(&frame->stack[i].spilled_ptr);
	}
	return marks;
}

/**
 * bpf_loops_free() - forget all edges
 * @env: verifier state; no state is open afterwards
 */
void bpf_loops_free(struct bpf_verifier_env *env)
{
	struct bpf_loop_edge *edge;

	while ((edge = env->loops.edges)) {
		env->loops.edges = edge->next;
		free_verifier_state(&edge->cur, false);
		kfree(edge);
	}
	env->loops.outermost = NULL;
	env->loops.gen++;
}

/* Between the current path and the outermost state all lead to what old leads to. As
 * long as the outermost state is the same, so does all that is above one that has been
 * marked like this. Returns whether old is one of them, if it could be asked.
 */
static bool open_states(struct bpf_verifier_env *env,
			const struct bpf_verifier_state *old)
{
	u32 frame = old->branches ? old->curframe : old->loop_frame;
	struct bpf_verifier_state *st;
	bool met = false;

	for (st = env->cur_state->parent; st && st != env->loops.outermost; st = st->parent) {
		env->loops.steps++;
		met |= st == old;
		if (st->loop_gen != env->loops.gen)
			st->loop_frame = 0;
		if (st->loop_walk != env->loops.walk)
			st->walk_frame = 0;
		else if (st->walk_frame >= frame)
			return true;
		st->loop_gen = env->loops.gen;
		st->loop_walk = env->loops.walk;
		st->loop_frame = max(st->loop_frame, frame);
		st->walk_frame = max(st->walk_frame, frame);
	}
	return met || (st && st == old);
}

static int check_steps(struct bpf_verifier_env *env)
{
	if (env->loops.steps > MAX_CLOSING_STEPS) {
		verbose(env, "BPF program is too large: its loops take too long to close\n");
		env->loops.err = -E2BIG;
	} else if (env->loops.steps - env->loops.looked > STEPS_BETWEEN_LOOKS) {
		env->loops.looked = env->loops.steps;
		cond_resched();
		if (signal_pending(current))
			env->loops.err = -EAGAIN;
	}
	return env->loops.err;
}

/**
 * bpf_loop_cut() - end the current path in a state that is not closed
 * @env: verifier state
 * @old: the state, in progress or open, that covers the current one
 *
 * Return: 1 or an error, as is_state_visited() does.
 */
int bpf_loop_cut(struct bpf_verifier_env *env, struct bpf_verifier_state *old)
{
	struct bpf_verifier_state *cur = env->cur_state;
	struct bpf_loop_edge *edge;
	int err;

	edge = kzalloc(sizeof(*edge), GFP_KERNEL);
	if (!edge)
		return -ENOMEM;
	edge->next = env->loops.edges;
	env->loops.edges = edge;
	edge->old = old;
	err = push_jmp_history(env, cur) ?: copy_verifier_state(&edge->cur, cur);
	if (err)
		return err;

	/* Both are ancestors of the current path, so the older one is outside. */
	if (old->branches && (!env->loops.outermost ||
			      old->seq < env->loops.outermost->seq)) {
		env->loops.outermost = old;
		env->loops.walk++;
	}
	if (!open_states(env, old) && WARN_ON_ONCE(old->branches))
		return -EFAULT;
	return check_steps(env) ?: 1;
}

/**
 * bpf_loop_steps() - time passes
 * @env: verifier state
 * @cnt: as long as it takes to walk back so many instructions
 *
 * Called where marks are put on states. Closing the loops of a program may go
 * through everything that was explored, again and again.
 *
 * Return: 0; -E2BIG if closing has taken too long, -EAGAIN after a signal. It has
 * failed then, even if the caller can only stop.
 */
int bpf_loop_steps(struct bpf_verifier_env *env, u32 cnt)
{
	if (!env->loops.closing || env->loops.err)
		return env->loops.err;
	env->loops.steps += cnt;
	return check_steps(env);
}

static int propagate_edge(struct bpf_verifier_env *env, struct bpf_loop_edge *edge)
{
	struct bpf_verifier_state *cur = env->cur_state;
	u32 insn_idx = env->insn_idx;
	int err;

	env->cur_state = &edge->cur;
	env->insn_idx = edge->old->insn_idx;
	err = propagate_liveness(env, edge->old, &edge->cur) ?:
	      propagate_precision(env, edge->old);
	env->cur_state = cur;
	env->insn_idx = insn_idx;
	return err;
}

/* Return: whether the old end had new marks, or an error */
static int propagate_news(struct bpf_verifier_env *env, struct bpf_loop_edge *edge)
{
	u32 marks = state_marks(edge->old);
	int err;

	err = bpf_loop_steps(env, BPF_LOOP_STATE_STEPS);
	if (err || edge->marks == marks)
		return err;
	edge->marks = marks;
	err = propagate_edge(env, edge);
	return err < 0 ? err : 1;
}

static int propagate_all(struct bpf_verifier_env *env)
{
	struct bpf_loop_edge *edge;
	bool again;
	int err;

	do {
		again = false;
		for (edge = env->loops.edges; edge; edge = edge->next) {
			err = propagate_news(env, edge);
			if (err < 0)
				return err;
			again |= err;
		}
	} while (again);
	return env->loops.err;
}

/**
 * bpf_loops_close() - give all states of loops the marks that they lack
 * @env: verifier state, after a path has ended
 *
 * Does nothing until the outermost loop has been explored.
 *
 * Return: 0, -EAGAIN for a signal, -E2BIG, -EFAULT.
 */
int bpf_loops_close(struct bpf_verifier_env *env)
{
	int err;

	if (!env->loops.outermost || env->loops.outermost->branches)
		return 0;
	env->loops.closing = true;
	err = propagate_all(env);
	env->loops.closing = false;
	if (!err)
		bpf_loops_free(env);
	return err;
}
