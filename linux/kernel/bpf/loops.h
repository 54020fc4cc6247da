/* SPDX-License-Identifier: GPL-2.0-only */
/* Loops that may_goto bounds: between verifier.c and loops.c, which see */
#ifndef __BPF_LOOPS_H
#define __BPF_LOOPS_H

#include <linux/bpf_verifier.h>
#include <linux/filter.h>

/* What it takes to put marks on a state, in instructions walked back */
#define BPF_LOOP_STATE_STEPS	64

/* How many rounds keep scalars that matter for conditional jumps alone. With n of
 * them that change by turns, 8 rounds make some 8^n / n! states.
 */
#define ROUNDS_BEFORE_WIDENING	8

/* The latest rounds of a loop that are being followed, the last one first */
struct bpf_rounds {
	const struct bpf_verifier_state *st[ROUNDS_BEFORE_WIDENING + 1];
	u32 cnt;
	bool callback;	/* of a helper, and not of a may_goto */
	u32 exact;	/* how many keep what is not precise */
	bool too_many;	/* nothing is kept */
};

static inline bool is_may_goto(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_JCOND);
}

/* All other programs are verified as the base kernel does it. */
static inline bool bpf_has_arena_or_may_goto(const struct bpf_verifier_env *env)
{
	return env->prog->aux->arena || env->loops.used;
}

/* How deep functions may call each other. The stack that they take has its own limit.
 * With tail calls, a program may take that stack 33 times.
 */
static inline int bpf_max_call_frames(const struct bpf_verifier_env *env)
{
	return env->prog->aux->arena && !env->loops.tail_calls ?
	       MAX_ARENA_CALL_FRAMES : MAX_CALL_FRAMES;
}

/* Is it the state of a loop's round that is being followed? What comes later is compared
 * with the last of them. kept counts them.
 */
static inline bool bpf_loop_keep(const struct bpf_verifier_state *st, int *kept)
{
	return (st->in_body || st->begins_round) && st->branches && ++*kept <= 16;
}

/* What waits to be explored at a time, in any program */
#define BPF_COMPLEXITY_LIMIT_JMP_SEQ	8192

/* In loops.c */
bool bpf_queue_is_full(const struct bpf_verifier_env *env);
bool bpf_depth_is_known(struct bpf_verifier_env *env, int subprog, int frame, int depth);
bool bpf_has_may_goto(const struct bpf_prog *prog);
int bpf_loop_steps(struct bpf_verifier_env *env, u32 cnt);
bool bpf_may_goto_between(const struct bpf_verifier_state *old,
			  const struct bpf_verifier_state *cur);
bool bpf_loop_open(const struct bpf_verifier_env *env,
		   const struct bpf_verifier_state *st);
bool bpf_loop_may_cut(const struct bpf_verifier_env *env,
		      const struct bpf_verifier_state *old);
int bpf_loop_cut(struct bpf_verifier_env *env, struct bpf_verifier_state *old);
void bpf_loop_widen(struct bpf_verifier_env *env,
		    const struct bpf_verifier_state_list *sl);
void bpf_loop_forget(struct bpf_verifier_env *env, struct bpf_verifier_state *st,
		     const struct bpf_rounds *rounds);
int bpf_loop_enter(struct bpf_verifier_env *env, int may_goto_idx);
int bpf_loops_close(struct bpf_verifier_env *env);
void bpf_loops_free(struct bpf_verifier_env *env);

/* The id that a scalar or the variable part of a pointer is expressed by, or 0 */
static inline u32 bpf_link(const struct bpf_reg_state *reg)
{
	return reg->type == SCALAR_VALUE ? reg->id : reg->link;
}

/* Are both scalars the same? */
static inline bool bpf_link_equal(const struct bpf_reg_state *reg,
				  const struct bpf_reg_state *other)
{
	return reg->type == SCALAR_VALUE && reg->id == other->id &&
	       reg->scale == other->scale && reg->delta == other->delta;
}

/* In links.c */
void bpf_link_new(struct bpf_verifier_env *env, struct bpf_reg_state *reg);
bool bpf_link_alu(const struct bpf_verifier_env *env, const struct bpf_insn *insn,
		  struct bpf_reg_state *reg);
bool bpf_link_mov32(struct bpf_verifier_env *env, struct bpf_reg_state *src,
		    struct bpf_reg_state *dst);
void bpf_link_pointer(const struct bpf_verifier_env *env, struct bpf_reg_state *ptr,
		      const struct bpf_reg_state *off, u64 rest_min, u64 rest_max);
int bpf_links_record(struct bpf_verifier_env *env, const struct bpf_insn *insn);
int bpf_links_backtrack(const struct bpf_verifier_env *env, int idx, u32 above,
			u32 *reg_mask, u64 stack_mask);
void bpf_link_narrow(struct bpf_reg_state *reg, const struct bpf_reg_state *compared);
bool bpf_link_matches(const struct bpf_reg_state *old, const struct bpf_reg_state *cur,
		      struct bpf_id_pair *idmap);
bool bpf_link_is_alone(u32 link, struct bpf_id_pair *idmap);
void bpf_link_fold(struct bpf_reg_state *ptr);
void bpf_link_print(struct bpf_verifier_env *env, const struct bpf_reg_state *reg);

/* In callback.c */
void bpf_callbacks_prepare(struct bpf_verifier_env *env);
bool bpf_callback_begins(const struct bpf_verifier_env *env);
int bpf_callback_enter(struct bpf_verifier_env *env, int *insn_idx);
void bpf_callback_entered(struct bpf_verifier_env *env, struct bpf_verifier_state *st);
int bpf_callback_exit(struct bpf_verifier_env *env);
bool bpf_callback_backtrack(const struct bpf_verifier_env *env, int idx, int next,
			    u32 *above, u32 *reg_mask, u64 *stack_mask);

/* In iter_num.c */
int bpf_iter_num_prepare(struct bpf_verifier_env *env);
int bpf_iter_num_check(struct bpf_verifier_env *env, const struct bpf_insn *insn,
		       struct bpf_kfunc_arg_meta *meta);

/* In sections.c */
int bpf_section_kfunc(struct bpf_verifier_env *env, const struct bpf_insn *insn, u32 flags);
int bpf_section_helper(struct bpf_verifier_env *env, u32 func_id);
int bpf_section_ld_abs(struct bpf_verifier_env *env);
int bpf_section_exit(struct bpf_verifier_env *env);
void bpf_section_global_func(struct bpf_verifier_env *env, int subprog);
int bpf_sections_check(struct bpf_verifier_env *env);

/* In verifier.c, for loops.c, callback.c and links.c */
void free_verifier_state(struct bpf_verifier_state *state, bool free_self);
void free_func_state(struct bpf_func_state *state);
int copy_func_state(struct bpf_func_state *dst, const struct bpf_func_state *src);
int copy_verifier_state(struct bpf_verifier_state *dst_state,
			const struct bpf_verifier_state *src);
struct bpf_verifier_state *push_stack(struct bpf_verifier_env *env, int insn_idx,
				      int prev_insn_idx, bool speculative);
int push_jmp_history(struct bpf_verifier_env *env, struct bpf_verifier_state *cur);
bool scalar_covers(const struct bpf_reg_state *rold, const struct bpf_reg_state *rcur);
void __mark_reg_unknown(const struct bpf_verifier_env *env, struct bpf_reg_state *reg);
void reg_bounds_sync(struct bpf_reg_state *reg);
void scalar_calculate(struct bpf_reg_state *reg, u8 op, struct bpf_reg_state *operand);
int propagate_liveness(struct bpf_verifier_env *env,
		       const struct bpf_verifier_state *vstate,
		       struct bpf_verifier_state *vparent);
int propagate_precision(struct bpf_verifier_env *env,
			const struct bpf_verifier_state *old);

#endif
