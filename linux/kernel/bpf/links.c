// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scalars and pointers that depend on one another
 *
 * 6.1 knows which scalars are equal: a copy gets the id of what it was copied from, and
 * what a conditional jump tells of one holds for all that have this id. For a loop over an
 * array, "for (i = zero; i < 1000 && can_loop; i++) array[i] = i", this is not enough.
 * Clang compares the old value of the counter and goes on with the new one, or it counts
 * in one register and moves a pointer in another:
 *
 *	r1 = r6					r3 = r6
 *	r6 += 1					r3 <<= 2
 *	if r1 > 998 goto out			r1 = array
 *	...	r6 is 999 at most		r1 += r3
 *						...
 *						r1 += 4
 *						r6 += 1
 *						if r6 > 998 goto out
 *						...	r1 is within the array
 *
 * In programs with an arena or a may_goto a scalar therefore keeps its id when a constant
 * is added, or when it is multiplied by one, and a pointer gets a link to the id of what
 * is added to it. With x for the number that the id stands for, modulo 2^64
 *
 *	a scalar is		scale * x + delta
 *	a pointer's variable
 *	part is			scale * x + delta + rest,  rest_min <= rest <= rest_max
 *
 * where rest is what the pointer had of a variable part before. Constants that are added
 * to a pointer are in its fixed part, as ever.
 *
 * An instruction on all 64 bits always keeps that. One on 32 bits does if neither the old
 * nor the new value has upper bits and nothing wraps, which the bounds have to show.
 * Whatever else changes a scalar, or forgets it, takes the id away, as in 6.1.
 *
 * Bounds
 *   A conditional jump narrows the scalars that it compares. What else depends on the same
 *   number is then known to be in what can be calculated from the narrowed one. It keeps
 *   what was known of it before, since calculating may lose that. A scalar that is equal
 *   becomes a copy, as in 6.1.
 *
 * What an older state must have in common with one that it covers
 *   Whether the jump narrows something depends on the ids, and by how much depends on the
 *   scalar that is compared.
 *   - What depends on one number in the old state depends on one in the new state, and in
 *     the same way: bpf_link_matches(). Only where x begins may be different.
 *   - If a scalar has to be precise, what it was narrowed by has to be, too. Each
 *     conditional jump records the registers and slots of its own frame that it narrowed
 *     on any path, and whether there were some in a caller's: insn_aux_data.linked_*. On
 *     the way back from the need of one of them, the compared registers are needed as well.
 *     That is more than necessary where it was another path, which is safe. Equal scalars
 *     count as well: what is known of them may differ, since calculating loses some of it.
 *     So a scalar that need not be precise has narrowed nothing that matters, and its link
 *     is not looked at.
 *   - The variable part of a pointer has always to be precise. So what it is narrowed by is
 *     precise at once.
 *   The bounds by which an instruction on 32 bits was found to keep the id are needed, too.
 *   They are those of its own register, and the way back from whatever the link narrows
 *   goes through it.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/filter.h>
#include <linux/math64.h>
#include "loops.h"

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/* States that differ in their links do not cover one another. A loop that adds to several
 * numbers, or does not, may have very many. After so many instructions, the verifier gives
 * up what links tell, and goes on as without them.
 */
#define MAX_LINKED_INSNS	(32 * 1024)

static bool makes_links(const struct bpf_verifier_env *env)
{
	return bpf_has_arena_or_may_goto(env) && env->insn_processed < MAX_LINKED_INSNS;
}

/**
 * bpf_link_new() - give a scalar an id of its own
 * @env: verifier state
 * @reg: scalar without id
 */
void bpf_link_new(struct bpf_verifier_env *env, struct bpf_reg_state *reg)
{
	reg->id = ++env->id_gen;
	reg->scale = 1;
	reg->delta = 0;
}

static bool fits_32_bits(const struct bpf_reg_state *reg, u64 factor, s64 diff)
{
	return reg->umax_value <= U32_MAX && reg->umax_value * factor <= U32_MAX &&
	       (s64)(reg->umin_value * factor) + diff >= 0 &&
	       (s64)(reg->umax_value * factor) + diff <= U32_MAX;
}

/**
 * bpf_link_alu() - does a scalar keep its id when it is changed?
 * @env: verifier state
 * @insn: ALU instruction, neither a move nor a negation nor a swap of bytes
 * @reg: its destination, a scalar, as it is before; scale and delta are adjusted
 *
 * Return: true if a constant is added or subtracted, or is what @reg is multiplied by. A
 * scalar that is itself a constant has nothing to learn by a link.
 */
bool bpf_link_alu(const struct bpf_verifier_env *env, const struct bpf_insn *insn,
		  struct bpf_reg_state *reg)
{
	u64 factor = 1;
	s64 diff = 0;

	if (!reg->id || BPF_SRC(insn->code) != BPF_K || !makes_links(env) ||
	    tnum_is_const(reg->var_off))
		return false;
	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		diff = insn->imm;
		break;
	case BPF_SUB:
		diff = -(s64)insn->imm;
		break;
	case BPF_LSH:
		factor = insn->imm < 32 ? BIT_ULL(insn->imm) : 0;
		break;
	case BPF_MUL:
		factor = max(insn->imm, 0);
		break;
	default:
		return false;
	}
	if (!factor || factor * reg->scale > U32_MAX ||
	    (BPF_CLASS(insn->code) == BPF_ALU && !fits_32_bits(reg, factor, diff)))
		return false;
	reg->scale *= factor;
	reg->delta = reg->delta * factor + diff;
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
	if (!makes_links(env) || src->umax_value > U32_MAX || tnum_is_const(src->var_off))
		return false;
	if (src == dst)
		return src->id;
	if (!src->id)
		bpf_link_new(env, src);
	dst->id = src->id;
	dst->scale = src->scale;
	dst->delta = src->delta;
	return true;
}

/**
 * bpf_link_pointer() - a number that is not known is added to a pointer
 * @env: verifier state
 * @ptr: the sum
 * @off: the number
 * @rest_min: the least that the variable part of the pointer was before
 * @rest_max: ... and the most
 *
 * Where a CPU may run ahead of a conditional jump, a pointer is kept in its bounds by the
 * instruction that adds to it. What the jump tells later would come too late for that.
 */
void bpf_link_pointer(const struct bpf_verifier_env *env, struct bpf_reg_state *ptr,
		      const struct bpf_reg_state *off, u64 rest_min, u64 rest_max)
{
	ptr->link = 0;
	if (!off->id || rest_max > U32_MAX || !env->bypass_spec_v1 || !makes_links(env))
		return;
	ptr->link = off->id;
	ptr->scale = off->scale;
	ptr->delta = off->delta;
	ptr->rest_min = rest_min;
	ptr->rest_max = rest_max;
}

/* Can reg be narrowed when compared is? The other way round nothing can be divided. */
static bool follows(const struct bpf_reg_state *reg, const struct bpf_reg_state *compared)
{
	return compared->id && bpf_link(reg) == compared->id &&
	       !bpf_link_equal(reg, compared) &&
	       (compared->scale == 1 || compared->scale == reg->scale);
}

/* Returns whether it is a pointer. */
static bool record_reg(struct bpf_insn_aux_data *aux, const struct bpf_reg_state *reg,
		       const struct bpf_reg_state *compared, bool of_caller, int i)
{
	if (reg == compared || !(bpf_link_equal(reg, compared) || follows(reg, compared)))
		return false;
	if (reg->type != SCALAR_VALUE)
		return true;
	if (of_caller)
		aux->linked_callers = true;
	else if (i < BPF_REG_FP)
		aux->linked_regs |= BIT(i);
	else
		aux->linked_slots |= BIT_ULL(i - BPF_REG_FP);
	return false;
}

static int record(struct bpf_verifier_env *env, u32 regno)
{
	struct bpf_insn_aux_data *aux = &env->insn_aux_data[env->insn_idx];
	const struct bpf_verifier_state *st = env->cur_state;
	const struct bpf_reg_state *compared = &st->frame[st->curframe]->regs[regno];
	bool pointer = false;
	int fr, i;

	if (compared->type != SCALAR_VALUE || !compared->id)
		return 0;
	for (fr = 0; fr <= st->curframe; fr++) {
		const struct bpf_func_state *frame = st->frame[fr];
		bool of_caller = fr < st->curframe;

		for (i = 0; i < BPF_REG_FP; i++)
			pointer |= record_reg(aux, &frame->regs[i], compared, of_caller, i);
		for (i = 0; i < frame->allocated_stack / BPF_REG_SIZE; i++)
			if (frame->stack[i].slot_type[0] == STACK_SPILL)
				pointer |= record_reg(aux, &frame->stack[i].spilled_ptr, compared,
						      of_caller, BPF_REG_FP + i);
	}
	return pointer ? mark_chain_precision(env, regno) : 0;
}

/**
 * bpf_links_record() - record what a conditional jump is going to narrow
 * @env: verifier state, in which the jump may go both ways
 * @insn: the jump
 *
 * Return: 0, or what mark_chain_precision() says.
 */
int bpf_links_record(struct bpf_verifier_env *env, const struct bpf_insn *insn)
{
	int err = record(env, insn->dst_reg);

	return err || BPF_SRC(insn->code) != BPF_X ? err : record(env, insn->src_reg);
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

static bool has_values(const struct bpf_reg_state *reg)
{
	return reg->smin_value <= reg->smax_value && reg->umin_value <= reg->umax_value &&
	       reg->s32_min_value <= reg->s32_max_value &&
	       reg->u32_min_value <= reg->u32_max_value;
}

/* Returns whether anything is in both. Pointers have no bounds of 32 bits. */
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
	if (reg->type == SCALAR_VALUE) {
		reg->s32_min_value = max(reg->s32_min_value, with->s32_min_value);
		reg->s32_max_value = min(reg->s32_max_value, with->s32_max_value);
		reg->u32_min_value = max(reg->u32_min_value, with->u32_min_value);
		reg->u32_max_value = min(reg->u32_max_value, with->u32_max_value);
	}
	if (!has_values(reg))
		return false;
	reg_bounds_sync(reg);
	return has_values(reg);
}

static void calculate(struct bpf_reg_state *reg, u8 op, u64 min, u64 max)
{
	struct bpf_reg_state operand = {
		.type = SCALAR_VALUE,
		.var_off = tnum_range(min, max),
		.smin_value = min <= S64_MAX && max <= S64_MAX ? min : S64_MIN,
		.smax_value = min <= S64_MAX && max <= S64_MAX ? max : S64_MAX,
		.umin_value = min,
		.umax_value = max,
		.s32_min_value = max <= S32_MAX ? min : S32_MIN,
		.s32_max_value = max <= S32_MAX ? max : S32_MAX,
		.u32_min_value = max <= U32_MAX ? min : 0,
		.u32_max_value = max <= U32_MAX ? max : U32_MAX,
	};

	scalar_calculate(reg, op, &operand);
}

static void add(struct bpf_reg_state *reg, s64 diff)
{
	if (diff < 0)
		calculate(reg, BPF_SUB, -(u64)diff, -(u64)diff);
	else
		calculate(reg, BPF_ADD, diff, diff);
}

/**
 * bpf_link_narrow() - a conditional jump has narrowed a scalar
 * @reg: what may depend on the same number
 * @compared: the scalar, with an id, after the jump
 *
 * If no value is left the jump does not go this way. Then @reg stays as it is, since
 * nothing else expects bounds without a value.
 */
void bpf_link_narrow(struct bpf_reg_state *reg, const struct bpf_reg_state *compared)
{
	struct bpf_reg_state moved, narrowed;

	if (!follows(reg, compared) || !has_values(compared))
		return;
	moved = *compared;
	narrowed = *reg;
	if (reg->scale == compared->scale) {
		add(&moved, reg->delta - compared->delta);
	} else {
		add(&moved, -compared->delta);
		calculate(&moved, BPF_MUL, reg->scale, reg->scale);
		add(&moved, reg->delta);
	}
	if (reg->type != SCALAR_VALUE)
		calculate(&moved, BPF_ADD, reg->rest_min, reg->rest_max);
	if (intersect(&narrowed, &moved))
		*reg = narrowed;
}

/**
 * bpf_link_matches() - does something depend on a number as in an older state?
 * @old: scalar or pointer of the older state, with a link
 * @cur: the same of the new state
 * @idmap: what has been seen of the two states
 *
 * The number x of the old state is called y + c in the new one, with one c for all that
 * depend on it. Then scale * x + old->delta is scale * y + cur->delta.
 */
bool bpf_link_matches(const struct bpf_reg_state *old, const struct bpf_reg_state *cur,
		      struct bpf_id_pair *idmap)
{
	struct bpf_id_pair new = { bpf_link(old), bpf_link(cur) };
	s64 diff = cur->delta - old->delta;
	int i;

	if (old->type != cur->type || old->scale != cur->scale || WARN_ON_ONCE(!old->scale))
		return false;
	new.delta = div64_s64(diff, old->scale);
	if (new.delta * old->scale != diff)
		return false;
	if (old->type != SCALAR_VALUE &&
	    (old->rest_min > cur->rest_min || old->rest_max < cur->rest_max))
		return false;
	for (i = 0; i < BPF_ARENA_ID_MAP_SIZE * MAX_ARENA_CALL_FRAMES; i++) {
		if (!idmap[i].old) {
			idmap[i] = new;
			return true;
		}
		if (idmap[i].old == new.old)
			return idmap[i].cur == new.cur && idmap[i].delta == new.delta;
	}
	WARN_ON_ONCE(1);
	return false;
}

/**
 * bpf_link_is_alone() - can something without a link take the place of one with it?
 * @link: the link, in an older state
 * @idmap: what has been seen of the two states
 *
 * Nothing else of the older state may depend on the same number, neither what has been
 * seen nor what is yet to come: no link of the new state is 0.
 */
bool bpf_link_is_alone(u32 link, struct bpf_id_pair *idmap)
{
	int i;

	for (i = 0; i < BPF_ARENA_ID_MAP_SIZE * MAX_ARENA_CALL_FRAMES && idmap[i].old; i++)
		if (idmap[i].old == link)
			return false;
	if (WARN_ON_ONCE(i == BPF_ARENA_ID_MAP_SIZE * MAX_ARENA_CALL_FRAMES))
		return false;
	idmap[i] = (struct bpf_id_pair){ .old = link };
	return true;
}

/**
 * bpf_link_fold() - move the fixed part of a linked pointer to its variable part
 * @ptr: pointer to a map's value
 *
 * A pointer that is moved along with a counter has another fixed part in each round. Both
 * parts together depend on the counter as ever, so that a state can be covered.
 */
void bpf_link_fold(struct bpf_reg_state *ptr)
{
	struct bpf_reg_state folded;

	if (!ptr->link || !ptr->off)
		return;
	folded = *ptr;
	add(&folded, ptr->off);
	if (folded.smin_value < 0 || folded.umax_value > U32_MAX)
		return;
	folded.off = 0;
	folded.delta += ptr->off;
	folded.s32_min_value = S32_MIN;
	folded.s32_max_value = S32_MAX;
	folded.u32_min_value = 0;
	folded.u32_max_value = U32_MAX;
	reg_bounds_sync(&folded);
	*ptr = folded;
}

/**
 * bpf_link_print() - what the log says behind the id of a scalar, or a pointer's link
 * @env: verifier state
 * @reg: scalar or pointer
 */
void bpf_link_print(struct bpf_verifier_env *env, const struct bpf_reg_state *reg)
{
	if (!bpf_link(reg))
		return;
	if (reg->scale != 1)
		verbose(env, "*%u", reg->scale);
	if (reg->delta)
		verbose(env, "%+lld", reg->delta);
}
