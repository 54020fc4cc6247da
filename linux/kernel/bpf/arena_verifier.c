// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF arena: what the verifier knows about arena pointers
 *
 * PTR_TO_ARENA is the low half of a user address: a number below 4 GiB that
 * comes out of a cast and goes into loads and stores, which add the base of the
 * kernel window. What it points to is nobody's business, so there are no
 * bounds, no offsets and no ids to track; two such registers are always alike.
 *
 * Invariant: the upper 32 bits of a register that holds one are zero. Programs
 * rely on it where they compare, store and shift pointers. For the address of an
 * access the JITs clear them once more, unless they see that it has been done: a
 * CPU that speculates keeps no invariants. Therefore
 *  - the cast from user to kernel is a 32-bit move;
 *  - arithmetic that yields an arena pointer is done in 32 bits;
 *  - none of these instructions may have its upper half filled with random
 *    bits by BPF_F_TEST_RND_HI32.
 *
 * PTR_TO_ARENA_UADDR is what global functions take and return: a whole address, or
 * any other number. It is an ordinary number, and can be followed: a 32-bit move is put
 * in before the access. See arena_func.c.
 *
 * The verifier decides per instruction what it becomes, and one instruction
 * becomes one thing: aux->arena_use remembers the first visit, and a visit that
 * disagrees fails. Once the program is accepted, bpf_arena_rewrite() puts in
 * what the JIT sees, one for one:
 *
 *   r1 = addr_space_cast(r2, 0, 1)      w1 = w2
 *   r1 = addr_space_cast(r2, 1, 0)      the same, done by the JIT; w1 = w2
 *                                       when there is no upper half to add
 *   r1 += 8                             w1 += 8
 *   r3 = *(u32 *)(r1 + 4)               BPF_PROBE_MEM32
 *   r3 = *(s32 *)(r1 + 4)               BPF_PROBE_MEM32SX
 *   *(u32 *)(r1 + 4) = r3 (or imm)      BPF_PROBE_MEM32
 *   lock *(u32 *)(r1 + 4) += r3         BPF_PROBE_ATOMIC; load_acquire and
 *                                       store_release as well
 *   call bpf_probe_read_kernel          see arena_helpers.c
 *
 * The interpreter knows none of this: prog->jit_required.
 */
#include <linux/bitmap.h>
#include <linux/bpf.h>
#include <linux/bpf_arena.h>
#include <linux/bpf_verifier.h>
#include <linux/bsearch.h>
#include <linux/btf_ids.h>
#include <linux/filter.h>
#include <linux/sched/signal.h>

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/**
 * bpf_arena_attach() - a program uses an arena
 * @env: verifier state of the program, at its first look at the maps
 * @map: map of type BPF_MAP_TYPE_ARENA
 *
 * The program's reference to @map, taken by the caller, keeps the arena.
 *
 * Return: 0; -EBUSY for a second arena; -EPERM, -EOPNOTSUPP or -EINVAL, with a
 * message in the log, if the program cannot use one.
 */
int bpf_arena_attach(struct bpf_verifier_env *env, struct bpf_map *map)
{
	struct bpf_arena *arena = (struct bpf_arena *)map;
	struct bpf_prog_aux *aux = env->prog->aux;

	if (aux->arena && aux->arena != arena) {
		verbose(env, "Only one arena per program\n");
		return -EBUSY;
	}
	if (!env->allow_ptr_leaks || !env->bpf_capable) {
		verbose(env, "CAP_BPF and CAP_PERFMON are required to use arena\n");
		return -EPERM;
	}
	if (!env->prog->jit_requested) {
		verbose(env, "JIT is required to use arena\n");
		return -EOPNOTSUPP;
	}
	if (!bpf_jit_supports_arena()) {
		verbose(env, "JIT doesn't support arena\n");
		return -EOPNOTSUPP;
	}
	if (!bpf_arena_user_vm_start(arena)) {
		verbose(env, "arena's user address must be set via map_extra or mmap()\n");
		return -EINVAL;
	}
	aux->arena = arena;
	env->prog->jit_required = 1;
	return 0;
}

/**
 * bpf_arena_insn_use() - note what the current path makes of an instruction
 * @env: verifier state of a program that has an arena
 * @insn_idx: the instruction
 * @use: ARENA_USE_YES if it has to be rewritten for an arena pointer
 *
 * Return: 0; -EINVAL, with a message in the log, if another path made something
 * else of it.
 */
int bpf_arena_insn_use(struct bpf_verifier_env *env, u32 insn_idx,
		       enum bpf_arena_use use)
{
	struct bpf_insn_aux_data *aux = &env->insn_aux_data[insn_idx];

	if (aux->arena_use && aux->arena_use != use) {
		verbose(env, "same insn cannot be used with different pointers\n");
		return -EINVAL;
	}
	aux->arena_use = use;
	return 0;
}

/**
 * bpf_arena_alu_use() - the same for arithmetic
 * @env: verifier state of a program that has an arena, at the instruction
 * @insn: the instruction, neither a move nor a negation
 * @yields_ptr: its result is an arena pointer on this path
 *
 * One of 64 bits becomes one of 32 where it yields an arena pointer. One of 32 bits
 * is that already, and may yield a number on another path.
 *
 * Return: 0; -EINVAL, with a message in the log, if another path made something
 * else of it.
 */
int bpf_arena_alu_use(struct bpf_verifier_env *env, const struct bpf_insn *insn,
		      bool yields_ptr)
{
	const enum bpf_arena_use use = yields_ptr ? ARENA_USE_YES : ARENA_USE_NO;
	struct bpf_insn_aux_data *aux = &env->insn_aux_data[env->insn_idx];
	const bool is_64 = BPF_CLASS(insn->code) == BPF_ALU64;

	if (is_64 && aux->arena_use && aux->arena_use != use) {
		verbose(env, "same insn cannot be used with and without arena pointer\n");
		return -EINVAL;
	}
	if (is_64 || yields_ptr)
		aux->arena_use = use;
	return 0;
}

/**
 * bpf_arena_cut() - an access follows an arena pointer
 * @env: verifier state of a program that has an arena
 * @insn_idx: the access
 * @reg: the pointer
 *
 * A whole address is cut before the access. It keeps its type, which says nothing of its
 * upper half: what a later insn is may not depend on the way to it.
 */
void bpf_arena_cut(struct bpf_verifier_env *env, u32 insn_idx,
		   const struct bpf_reg_state *reg)
{
	env->insn_aux_data[insn_idx].arena_cut |= reg->type == PTR_TO_ARENA_UADDR;
}

/**
 * bpf_arena_check_cast() - is this address-space cast well-formed and allowed?
 * @env: verifier state
 * @insn: BPF_ALU64 | BPF_MOV | BPF_X with off == BPF_ADDR_SPACE_CAST
 *
 * The source may be anything: what is no address in the arena becomes one, or
 * one that is not there.
 *
 * Return: 0 or -EINVAL, with a message in the log.
 */
int bpf_arena_check_cast(struct bpf_verifier_env *env,
			 const struct bpf_insn *insn)
{
	if (insn->imm != BPF_CAST_TO_KERN && insn->imm != BPF_CAST_TO_USER) {
		verbose(env,
			"addr_space_cast insn can only convert between address space 1 and 0\n");
		return -EINVAL;
	}
	if (!env->prog->aux->arena) {
		verbose(env,
			"addr_space_cast insn can only be used in a program that has an associated arena\n");
		return -EINVAL;
	}
	return 0;
}

static bool cast_is_move(const struct bpf_prog *prog, const struct bpf_insn *insn)
{
	/* struct bpf_arena starts with its map */
	const struct bpf_map *map = (struct bpf_map *)prog->aux->arena;

	return insn->imm == BPF_CAST_TO_KERN ||
	       map->map_flags & BPF_F_NO_USER_CONV ||
	       !(bpf_arena_user_vm_start(prog->aux->arena) >> 32);
}

static void rewrite_cast(const struct bpf_prog *prog, struct bpf_insn *insn,
			 struct bpf_insn_aux_data *aux)
{
	if (!cast_is_move(prog, insn))
		return;
	insn->code = BPF_ALU | BPF_MOV | BPF_X;
	if (insn->imm == BPF_CAST_TO_KERN)
		insn->imm = 0;	/* see insn_is_cast_move() */
	aux->zext_dst = true;
}

static void rewrite_insn(struct bpf_insn *insn, struct bpf_insn_aux_data *aux)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU64:
	case BPF_ALU:
		insn->code = BPF_ALU | BPF_OP(insn->code) | BPF_SRC(insn->code);
		aux->zext_dst = true;
		return;
	case BPF_STX:
		if (BPF_MODE(insn->code) == BPF_ATOMIC) {
			insn->code = BPF_STX | BPF_PROBE_ATOMIC | BPF_SIZE(insn->code);
			break;
		}
		fallthrough;
	default:
		insn->code = BPF_CLASS(insn->code) | BPF_SIZE(insn->code) |
			     (insn_is_ldsx(insn) ? BPF_PROBE_MEM32SX : BPF_PROBE_MEM32);
	}
}

BTF_ID_LIST(arena_kfunc_ids)
BTF_ID(func, bpf_arena_alloc_pages)
BTF_ID(func, bpf_arena_free_pages)
BTF_ID(func, bpf_arena_reserve_pages)

/* Frees need nothing to be there. */
static bool needs_pool(const struct bpf_insn *insn, const struct bpf_insn_aux_data *aux)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->off &&
	       insn->src_reg == BPF_PSEUDO_KFUNC_CALL && !aux->arena_may_sleep &&
	       (insn->imm == arena_kfunc_ids[0] || insn->imm == arena_kfunc_ids[2]);
}

/**
 * bpf_arena_patch() - put instructions in place of one
 * @env: verifier state
 * @at: the instruction
 * @insns: what comes in its place; its aux data stays with the last one
 * @cnt: their number
 *
 * A program may have 100,000 such places, and each moves what follows.
 *
 * Return: 0; -ENOMEM; -EINTR if the task is about to die.
 */
int bpf_arena_patch(struct bpf_verifier_env *env, u32 at, const struct bpf_insn *insns, u32 cnt)
{
	struct bpf_prog *prog = bpf_patch_insn_data(env, at, insns, cnt);

	if (!prog)
		return -ENOMEM;
	env->prog = prog;
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int emit_cut(struct bpf_verifier_env *env, u32 at)
{
	const struct bpf_insn access = env->prog->insnsi[at];
	const u8 reg = BPF_CLASS(access.code) == BPF_LDX || insn_is_load_acquire(&access) ?
		       access.src_reg : access.dst_reg;
	const struct bpf_insn with_cut[] = { BPF_MOV32_REG(reg, reg), access };
	int err = bpf_arena_patch(env, at, with_cut, ARRAY_SIZE(with_cut));

	if (!err)
		env->insn_aux_data[at].zext_dst = true;
	return err;
}

/**
 * bpf_arena_rewrite() - turn an accepted program's instructions into the JIT's
 * @env: verifier state; every instruction that is left has been verified
 *
 * Return: 0; -ENOMEM; -EINTR if the task is about to die.
 */
int bpf_arena_rewrite(struct bpf_verifier_env *env)
{
	bool pool = false;
	int err;
	u32 i;

	if (!env->prog->aux->arena)
		return 0;
	for (i = 0; i < env->prog->len; i++) {
		struct bpf_insn *insn = &env->prog->insnsi[i];
		struct bpf_insn_aux_data *aux = &env->insn_aux_data[i];

		if (insn_is_addr_space_cast(insn))
			rewrite_cast(env->prog, insn, aux);
		else if (aux->arena_use == ARENA_USE_YES)
			rewrite_insn(insn, aux);
		pool |= needs_pool(insn, aux);
		if (aux->arena_cut) {
			err = emit_cut(env, i++);
			if (err)
				return err;
		}
		err = bpf_arena_rewrite_call(env, i);
		if (err < 0)
			return err;
		i += err;
	}
	return pool ? bpf_arena_pool_enable(env->prog->aux->arena) : 0;
}

/* Same order */
static const void *const arena_kfunc_sleepable[] = {
	bpf_arena_alloc_pages_sleepable,
	bpf_arena_free_pages_sleepable,
	bpf_arena_reserve_pages_sleepable,
};

static int arena_kfunc_index(u32 func_id)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(arena_kfunc_sleepable); i++)
		if (arena_kfunc_ids[i] == func_id)
			return i;
	return -1;
}

/*
 * Who may sleep
 *
 * A call of a kfunc becomes one of its variant that sleeps if all ways to the
 * call are known to allow that. The program has to be a sleepable one, and the
 * function with the call in it may not be reached from a callback: those run in
 * whatever context their helper has made, a timer's in softirq, that of
 * bpf_for_each_map_elem() under rcu_read_lock(). bpf_loop() alone makes none, and
 * calls its callback like any function.
 *
 *	main ---> f ---> g	g may not sleep, though main may: the timer's
 *	          timer --^	callback calls it as well. f may.
 *
 * No path alone shows this, since a global function is verified by itself. So the
 * paths note callbacks only, and the graph of calls is walked when there are no
 * more of them. Locks need no look: a program that holds one calls nothing. Calls in
 * sections (sections.c) are noted as they are met.
 */

/**
 * bpf_arena_note_callback() - a helper is about to call a function
 * @env: verifier state, at the helper's call
 * @insn_idx: that call
 * @subprog: the function
 */
void bpf_arena_note_callback(struct bpf_verifier_env *env, u32 insn_idx, int subprog)
{
	struct bpf_insn_aux_data *aux = &env->insn_aux_data[insn_idx];
	u16 callback = subprog + 1;

	if (env->prog->insnsi[insn_idx].imm == BPF_FUNC_loop &&
	    (!aux->arena_loop_callback || aux->arena_loop_callback == callback))
		aux->arena_loop_callback = callback;
	else	/* a second callback of one call is of no interest */
		env->subprog_info[subprog].arena_nosleep = true;
}

static int cmp_start(const void *start, const void *info)
{
	return *(const u32 *)start - ((const struct bpf_subprog_info *)info)->start;
}

/* The function that an instruction calls, or NULL */
static struct bpf_subprog_info *insn_callee(struct bpf_verifier_env *env, u32 i)
{
	const struct bpf_insn *insn = &env->prog->insnsi[i];
	u16 callback = env->insn_aux_data[i].arena_loop_callback;
	u32 start = i + insn->imm + 1;

	if (callback)
		return &env->subprog_info[callback - 1];
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg != BPF_PSEUDO_CALL)
		return NULL;
	return bsearch(&start, env->subprog_info, env->subprog_cnt,
		       sizeof(*env->subprog_info), cmp_start);
}

/* What a function calls may not sleep if the function may not. */
static void spread_nosleep(struct bpf_verifier_env *env, const struct bpf_subprog_info *info)
{
	struct bpf_subprog_info *callee;
	u32 i;

	for (i = info[0].start; i < info[1].start; i++) {
		callee = insn_callee(env, i);
		if (callee)
			callee->arena_nosleep = true;
	}
}

static void spread_all_nosleep(struct bpf_verifier_env *env)
{
	DECLARE_BITMAP(done, BPF_MAX_SUBPROGS) = {};
	u32 i = 0;

	while (i < env->subprog_cnt) {
		if (!env->subprog_info[i].arena_nosleep || __test_and_set_bit(i, done)) {
			i++;
		} else {
			spread_nosleep(env, &env->subprog_info[i]);
			i = 0;	/* what it calls may come before it */
		}
	}
}

/**
 * bpf_arena_find_sleepable() - find the calls of a program that may sleep
 * @env: verifier state; all paths have been verified, nothing is rewritten yet
 */
void bpf_arena_find_sleepable(struct bpf_verifier_env *env)
{
	struct bpf_subprog_info *info = env->subprog_info;
	u32 s, i;

	if (!env->prog->aux->sleepable || !env->prog->aux->kfunc_tab)
		return;
	spread_all_nosleep(env);
	for (s = 0; s < env->subprog_cnt; s++)
		for (i = info[s].start; i < info[s + 1].start; i++)
			env->insn_aux_data[i].arena_may_sleep =
				!info[s].arena_nosleep && !env->insn_aux_data[i].in_section;
}

/**
 * bpf_arena_kfunc_imm() - the function that a call of an arena's kfunc becomes
 * @aux: what bpf_arena_find_sleepable() found of the call
 * @func_id: BTF id of the kfunc
 *
 * The kfunc itself works everywhere.
 *
 * Return: immediate of the call, 0 for the kfunc's own.
 */
s32 bpf_arena_kfunc_imm(const struct bpf_insn_aux_data *aux, u32 func_id)
{
	int i = arena_kfunc_index(func_id);

	if (i < 0 || !aux->arena_may_sleep)
		return 0;
	return BPF_CALL_IMM(arena_kfunc_sleepable[i]);
}

/**
 * bpf_arena_show_cast() - undo bpf_arena_rewrite() for a dump of the program
 * @insn: any instruction of it; a copy
 *
 * Accesses are left as they are: the mode says that they go to an arena and may
 * fault, which nothing else in a dump does.
 *
 * Return: whether @insn was a cast that had become a move.
 */
bool bpf_arena_show_cast(struct bpf_insn *insn)
{
	if (!insn_is_cast_move(insn))
		return false;
	insn->code = BPF_ALU64 | BPF_MOV | BPF_X;
	if (!insn->imm)
		insn->imm = BPF_CAST_TO_KERN;
	return true;
}
