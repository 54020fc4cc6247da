// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF arena: which helpers take arena memory, and what becomes of their calls
 *
 * A helper follows its pointers with plain loads and stores, which an arena's absent
 * page does not survive. Those that arena_calls.c has a variant of may be given arena
 * memory. The call
 *
 *	r1 = an arena pointer
 *	r2 = 256
 *	r3 = an address of the kernel
 *	call bpf_probe_read_kernel
 *
 * becomes, where r1 is an arena pointer on all paths,
 *
 *	r1 = addr_space_cast(r1, 0, 2)		base of the window + lower half of r1
 *	call bpf_arena_probe_read_kernel
 *
 * The cast is BPF_CAST_TO_KADDR, which no program can have itself. Like an access, it
 * takes the lower half of whatever is in the register, also under speculation.
 *
 * Invariants:
 *  - Address and size stay inside of window and guards: the verifier knows the largest
 *    size, which is at most ARENA_MEM_MAX. So nothing is checked at run time.
 *  - An argument of a call is arena memory on all paths or on none:
 *    aux->arena_mem and aux->other_mem have a bit for each that was seen.
 *  - Bits in aux->arena_mem are those of calls of helpers with a variant. Nobody else
 *    gets past bpf_arena_check_mem(): kfuncs and functions of the program do not.
 */
#include <linux/bpf.h>
#include <linux/bpf_arena.h>
#include <linux/bpf_verifier.h>
#include <linux/filter.h>

#include "arena_helpers.h"
#include "disasm.h"

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/* Of a call that the verifier has accepted, or is looking at */
static const struct bpf_arena_helper *find_helper(const struct bpf_verifier_env *env,
						  const struct bpf_insn *call)
{
	return bpf_arena_helper_find(env->ops->get_func_proto(call->imm, env->prog)->func);
}

static bool arg_is_mem(u32 type)
{
	return base_type(type) == ARG_PTR_TO_MEM ||
	       base_type(type) == ARG_PTR_TO_MAP_KEY ||
	       base_type(type) == ARG_PTR_TO_MAP_VALUE;
}

static int check_helper(struct bpf_verifier_env *env, u32 argno)
{
	const struct bpf_insn *call = &env->prog->insnsi[env->insn_idx];
	const struct bpf_arena_helper *helper = find_helper(env, call);

	if (helper && helper->args & BIT(argno))
		return 0;
	verbose(env, "R%d type=arena: func %s#%d does not take arena memory here\n",
		BPF_REG_1 + argno, func_id_name(call->imm), call->imm);
	return -EACCES;
}

/**
 * bpf_arena_helper_arg() - look at an argument of a helper
 * @env: verifier state, at the call
 * @argno: number of the argument, from 0
 * @type: enum bpf_arg_type, with flags: what the helper expects there
 * @is_arena: set to whether it is arena memory; what else it is, is not checked here
 *
 * Return: 0; -EACCES or -EINVAL, with a message in the log, if it is arena memory that the
 * helper does not take, or is that on one of two paths.
 */
int bpf_arena_helper_arg(struct bpf_verifier_env *env, u32 argno, u32 type, bool *is_arena)
{
	const struct bpf_func_state *frame = env->cur_state->frame[env->cur_state->curframe];
	struct bpf_insn_aux_data *aux = &env->insn_aux_data[env->insn_idx];
	int err;

	*is_arena = false;
	if (!env->prog->aux->arena || !arg_is_mem(type))
		return 0;
	*is_arena = type_is_arena_ptr(frame->regs[BPF_REG_1 + argno].type);
	err = *is_arena ? check_helper(env, argno) : 0;
	if (err)
		return err;
	if ((*is_arena ? aux->other_mem : aux->arena_mem) & BIT(argno)) {
		verbose(env, "same insn cannot be used with different pointers\n");
		return -EINVAL;
	}
	if (*is_arena)
		aux->arena_mem |= BIT(argno);
	else
		aux->other_mem |= BIT(argno);
	return 0;
}

/**
 * bpf_arena_check_mem() - may the current call access this much arena memory?
 * @env: verifier state, at a call of anything
 * @regno: register with the arena pointer
 * @size: in bytes, the largest that is possible
 * @zero_allowed: may it be 0?
 *
 * Return: 0; -EACCES, with a message in the log.
 */
int bpf_arena_check_mem(struct bpf_verifier_env *env, u32 regno, u32 size,
			bool zero_allowed)
{
	const struct bpf_insn *call = &env->prog->insnsi[env->insn_idx];
	u32 max;

	if (!(env->insn_aux_data[env->insn_idx].arena_mem & BIT(regno - BPF_REG_1))) {
		verbose(env, "R%d type=arena expected=fp\n", regno);
		return -EACCES;
	}
	max = find_helper(env, call)->max;
	if (size <= max && (size || zero_allowed))
		return 0;
	verbose(env, "R%d type=arena: func %s#%d takes %d to %u bytes of arena memory, not %u\n",
		regno, func_id_name(call->imm), call->imm, !zero_allowed, max, size);
	return -EACCES;
}

static bool is_memory_call(const struct bpf_insn *insn, const struct bpf_insn_aux_data *aux)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg && aux->arena_mem;
}

/* Instructions in place of a call, the call last: its number */
static int emit_call(const struct bpf_verifier_env *env, u32 at, struct bpf_insn *buf)
{
	const unsigned long args = env->insn_aux_data[at].arena_mem;
	const struct bpf_insn *call = &env->prog->insnsi[at];
	u32 argno, cnt = 0;

	for_each_set_bit(argno, &args, MAX_BPF_FUNC_REG_ARGS)
		buf[cnt++] = BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1 + argno,
					  BPF_REG_1 + argno, BPF_ADDR_SPACE_CAST,
					  BPF_CAST_TO_KADDR);
	buf[cnt] = *call;
	buf[cnt++].imm = BPF_CALL_IMM(find_helper(env, call)->arena);
	return cnt;
}

/**
 * bpf_arena_rewrite_call() - have a call take its arena memory
 * @env: verifier state of a program that has been accepted
 * @at: any instruction
 *
 * do_misc_fixups() leaves such a call alone: it has bits in aux->arena_mem.
 *
 * Return: how many instructions were put in before @at; -ENOMEM.
 */
int bpf_arena_rewrite_call(struct bpf_verifier_env *env, u32 at)
{
	struct bpf_insn buf[MAX_BPF_FUNC_REG_ARGS + 1];
	struct bpf_prog *prog;
	int cnt;

	if (!is_memory_call(&env->prog->insnsi[at], &env->insn_aux_data[at]))
		return 0;
	cnt = emit_call(env, at, buf);
	prog = bpf_patch_insn_data(env, at, buf, cnt);
	if (!prog)
		return -ENOMEM;
	env->prog = prog;
	return cnt - 1;
}
