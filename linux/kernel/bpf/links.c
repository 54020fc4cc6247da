// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scalars that differ by a constant
 *
 * 6.1 knows which scalars are equal: a copy gets the id of what it was copied from, and
 * what a conditional jump tells of one holds for all that have this id. Clang likes to
 * compare the old value of a counter, and to go on with the new one:
 *
 *	r1 = r6
 *	r6 += 1
 *	if r1 > 998 goto out		r6 is 999 at most behind it
 *	...				and an index into an array of 1,000
 *
 * In programs with an arena or a may_goto a scalar therefore keeps its id when a constant
 * is added, and its delta counts what was. Two scalars a and b with the same id fulfil
 *
 *	a - a.delta == b - b.delta	modulo 2^64
 *
 * An instruction on all 64 bits always keeps that. One on 32 bits does if neither the old
 * nor the new value has upper bits and nothing wraps, which the bounds have to show.
 * Whatever else changes a scalar, or forgets it, takes the id away, as in 6.1.
 *
 * Bounds
 *   A conditional jump narrows the scalars that it compares. Every other one with such an
 *   id is then known to be in what the narrowed one, moved by the difference, can be. It
 *   keeps what was known of it before, since moving may lose that. A scalar with the same
 *   delta is equal, and becomes a copy, as in 6.1.
 *
 * What an older state must have in common with one that it covers
 *   Whether the jump narrows a scalar depends on the link, and by how much depends on the
 *   scalar that is compared.
 *   - Two with one id in the old state have one id in the new one, and differ by the same:
 *     bpf_link_matches(). The deltas themselves may be others.
 *   - If a scalar has to be precise, what it was narrowed by has to be, too. Each
 *     conditional jump records the registers and slots of its own frame that it narrowed
 *     on any path, and whether there were some in a caller's: insn_aux_data.linked_*. On
 *     the way back from the need of one of them, the compared registers are needed as well.
 *     That is more than necessary where it was another path, which is safe. Equal scalars
 *     have equal bounds, so one of them is enough, and nothing is recorded for them.
 *   The bounds by which an instruction on 32 bits was found to keep the id are needed, too.
 *   They are those of its own register, and the way back from whatever the link narrows
 *   goes through it.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/filter.h>
#include "loops.h"

/**
 * bpf_link_add() - does a scalar keep its id when it is changed?
 * @env: verifier state
 * @insn: ALU instruction, neither a move nor a negation nor a swap of bytes
 * @reg: its destination, a scalar, as it is before; delta is adjusted
 *
 * Return: true if a constant is added or subtracted, and the sum has the meaning that
 * deltas have.
 */
bool bpf_link_add(const struct bpf_verifier_env *env, const struct bpf_insn *insn,
		  struct bpf_reg_state *reg)
{
	s64 diff = insn->imm;

	if (!reg->id || BPF_SRC(insn->code) != BPF_K || !bpf_has_arena_or_may_goto(env))
		return false;
	if (BPF_OP(insn->code) == BPF_SUB)
		diff = -diff;
	else if (BPF_OP(insn->code) != BPF_ADD)
		return false;
	if (BPF_CLASS(insn->code) == BPF_ALU &&
	    (reg->umax_value > U32_MAX || (s64)reg->umin_value + diff < 0 ||
	     (s64)reg->umax_value + diff > U32_MAX))
		return false;
	reg->delta += diff;
	return true;
}

/**
 * bpf_link_mov32() - is the lower half of a scalar the whole of it?
 * @env: verifier state
 * @src: what is copied; gets an id if it had none
 * @dst: where it is copied to, already a copy of @src
 *
 * Return: true if @dst has the id of @src now. The id of a constant would tell nothing.
 */
bool bpf_link_mov32(struct bpf_verifier_env *env, struct bpf_reg_state *src,
		    struct bpf_reg_state *dst)
{
	if (!bpf_has_arena_or_may_goto(env) || src->umax_value > U32_MAX ||
	    tnum_is_const(src->var_off))
		return false;
	if (src == dst)
		return src->id;
	if (!src->id) {
		src->id = ++env->id_gen;
		src->delta = 0;
	}
	dst->id = src->id;
	dst->delta = src->delta;
	return true;
}

static bool is_linked(const struct bpf_reg_state *reg, const struct bpf_reg_state *compared)
{
	return reg->type == SCALAR_VALUE && reg->id == compared->id &&
	       reg->delta != compared->delta;
}

static void record(struct bpf_insn_aux_data *aux, const struct bpf_verifier_state *st,
		   const struct bpf_reg_state *compared)
{
	int fr, i;

	if (compared->type != SCALAR_VALUE || !compared->id)
		return;
	for (fr = 0; fr <= st->curframe; fr++) {
		const struct bpf_func_state *frame = st->frame[fr];

		for (i = 0; i < BPF_REG_FP; i++) {
			if (!is_linked(&frame->regs[i], compared))
				continue;
			if (fr == st->curframe)
				aux->linked_regs |= BIT(i);
			else
				aux->linked_callers = true;
		}
		for (i = 0; i < frame->allocated_stack / BPF_REG_SIZE; i++) {
			if (frame->stack[i].slot_type[0] != STACK_SPILL ||
			    !is_linked(&frame->stack[i].spilled_ptr, compared))
				continue;
			if (fr == st->curframe)
				aux->linked_slots |= BIT_ULL(i);
			else
				aux->linked_callers = true;
		}
	}
}

/**
 * bpf_links_record() - record what a conditional jump is going to narrow
 * @env: verifier state, in which the jump may go both ways
 * @insn: the jump
 */
void bpf_links_record(struct bpf_verifier_env *env, const struct bpf_insn *insn)
{
	struct bpf_insn_aux_data *aux = &env->insn_aux_data[env->insn_idx];
	const struct bpf_verifier_state *st = env->cur_state;
	const struct bpf_reg_state *regs = st->frame[st->curframe]->regs;

	record(aux, st, &regs[insn->dst_reg]);
	if (BPF_SRC(insn->code) == BPF_X)
		record(aux, st, &regs[insn->src_reg]);
}

/**
 * bpf_links_backtrack() - what a conditional jump narrowed needs what it compared
 * @env: verifier state
 * @idx: an instruction, which has been backtracked
 * @above: it is so many frames above the one that is asked for
 * @reg_mask: registers of that frame that are needed; the compared ones are added
 * @stack_mask: slots of it that are needed
 *
 * Return: 0, or -ENOTSUPP if that cannot be told by the masks.
 */
int bpf_links_backtrack(const struct bpf_verifier_env *env, int idx, u32 above,
			u32 *reg_mask, u64 stack_mask)
{
	const struct bpf_insn_aux_data *aux = &env->insn_aux_data[idx];
	const struct bpf_insn *insn = &env->prog->insnsi[idx];

	if (above)
		return aux->linked_callers ? -ENOTSUPP : 0;
	if (!(aux->linked_regs & *reg_mask) && !(aux->linked_slots & stack_mask))
		return 0;
	*reg_mask |= BIT(insn->dst_reg);
	if (BPF_SRC(insn->code) == BPF_X)
		*reg_mask |= BIT(insn->src_reg);
	return 0;
}

static bool intersect(struct bpf_reg_state *reg, const struct bpf_reg_state *with)
{
	if ((reg->var_off.value ^ with->var_off.value) &
	    ~(reg->var_off.mask | with->var_off.mask))
		return false;
	reg->var_off = tnum_intersect(reg->var_off, with->var_off);
	reg->smin_value = max(reg->smin_value, with->smin_value);
	reg->smax_value = min(reg->smax_value, with->smax_value);
	reg->umin_value = max(reg->umin_value, with->umin_value);
	reg->umax_value = min(reg->umax_value, with->umax_value);
	reg->s32_min_value = max(reg->s32_min_value, with->s32_min_value);
	reg->s32_max_value = min(reg->s32_max_value, with->s32_max_value);
	reg->u32_min_value = max(reg->u32_min_value, with->u32_min_value);
	reg->u32_max_value = min(reg->u32_max_value, with->u32_max_value);
	reg_bounds_sync(reg);
	return reg->smin_value <= reg->smax_value && reg->umin_value <= reg->umax_value &&
	       reg->s32_min_value <= reg->s32_max_value &&
	       reg->u32_min_value <= reg->u32_max_value;
}

/**
 * bpf_link_narrow() - a conditional jump has narrowed a scalar with the same id
 * @reg: scalar
 * @compared: the other one, after the jump
 *
 * If no value is left the jump does not go this way. Then @reg stays as it is, since
 * nothing else expects bounds without a value.
 */
void bpf_link_narrow(struct bpf_reg_state *reg, const struct bpf_reg_state *compared)
{
	struct bpf_reg_state moved = *compared, narrowed = *reg;

	scalar_add_const(&moved, reg->delta - compared->delta);
	if (intersect(&narrowed, &moved))
		*reg = narrowed;
}

/**
 * bpf_link_matches() - is a scalar linked as one of an older state is?
 * @old: an id of the older state, not 0
 * @cur: the id in its place
 * @delta: by how much more, modulo 2^64, the scalar with @cur differs from those with
 *	   its id than the one with @old does from those with its own; 0 for pointers
 * @idmap: what has been seen of the two states
 */
bool bpf_link_matches(u32 old, u32 cur, u64 delta, struct bpf_id_pair *idmap)
{
	int i;

	for (i = 0; i < BPF_ID_MAP_SIZE * MAX_ARENA_CALL_FRAMES; i++) {
		if (!idmap[i].old) {
			idmap[i] = (struct bpf_id_pair){ old, cur, delta };
			return true;
		}
		if (idmap[i].old == old)
			return idmap[i].cur == cur && idmap[i].delta == delta;
	}
	WARN_ON_ONCE(1);
	return false;
}
