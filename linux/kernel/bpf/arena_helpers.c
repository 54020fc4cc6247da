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
 *  - An argument of a call is arena memory on all paths or on none. aux->arena_helper
 *    is the variant for those that are, aux->other_args has a bit for each that was
 *    anything else: a number, a socket.
 *  - Calls of helpers alone have an aux->arena_helper. Nobody else gets past
 *    bpf_arena_check_mem(): kfuncs and functions of the program do not.
 */
#include <linux/bpf.h>
#include <linux/bpf_arena.h>
#include <linux/bpf_verifier.h>
#include <linux/filter.h>

#include "arena_helpers.h"
#include "disasm.h"

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/* Which arguments of a call are arena memory: BIT(argno) */
static u8 arena_args(const struct bpf_insn_aux_data *aux)
{
	return aux->arena_helper ? bpf_arena_variant(aux->arena_helper)->args : 0;
}

static bool arg_is_mem(u32 type)
{
	return base_type(type) == ARG_PTR_TO_MEM ||
	       base_type(type) == ARG_PTR_TO_MAP_KEY ||
	       base_type(type) == ARG_PTR_TO_MAP_VALUE;
}

/* Their values are sockets, not bytes. */
static bool is_sockmap(const struct bpf_reg_state *reg)
{
	return reg->type == CONST_PTR_TO_MAP &&
	       (reg->map_ptr->map_type == BPF_MAP_TYPE_SOCKMAP ||
		reg->map_ptr->map_type == BPF_MAP_TYPE_SOCKHASH);
}

static int find_variant(struct bpf_verifier_env *env, const struct bpf_func_proto *fn, u32 argno)
{
	struct bpf_insn_aux_data *aux = &env->insn_aux_data[env->insn_idx];
	const s32 func_id = env->prog->insnsi[env->insn_idx].imm;
	u8 nr = bpf_arena_helper_find(fn->func, arena_args(aux) | BIT(argno));

	if (!nr || is_sockmap(&cur_regs(env)[BPF_REG_1])) {
		verbose(env, "R%d type=arena: func %s#%d does not take arena memory here\n",
			BPF_REG_1 + argno, func_id_name(func_id), func_id);
		return -EACCES;
	}
	aux->arena_helper = nr;
	return 0;
}

/**
 * bpf_arena_helper_arg() - look at an argument of a helper
 * @env: verifier state, at the call
 * @fn: the helper
 * @argno: number of the argument, from 0
 * @type: enum bpf_arg_type, with flags: what the helper expects there
 * @is_arena: set to whether it is arena memory; what else it is, is not checked here
 *
 * Return: 0; -EACCES or -EINVAL, with a message in the log, if it is arena memory that the
 * helper does not take, or is that on one of two paths.
 */
int bpf_arena_helper_arg(struct bpf_verifier_env *env, const struct bpf_func_proto *fn,
			 u32 argno, u32 type, bool *is_arena)
{
	struct bpf_insn_aux_data *aux = &env->insn_aux_data[env->insn_idx];

	*is_arena = type_is_arena_ptr(cur_regs(env)[BPF_REG_1 + argno].type) &&
		    arg_is_mem(type);
	if ((*is_arena ? aux->other_args : arena_args(aux)) & BIT(argno)) {
		verbose(env, "same insn cannot be used with different pointers\n");
		return -EINVAL;
	}
	if (*is_arena)
		return find_variant(env, fn, argno);
	aux->other_args |= BIT(argno);
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
	const struct bpf_insn_aux_data *aux = &env->insn_aux_data[env->insn_idx];
	const struct bpf_insn *call = &env->prog->insnsi[env->insn_idx];
	const u8 args = arena_args(aux);
	u32 max;

	if (!(args & BIT(regno - BPF_REG_1))) {
		verbose(env, "R%d type=arena expected=fp\n", regno);
		return -EACCES;
	}
	max = bpf_arena_variant(aux->arena_helper)->max;
	if (args & (BIT(regno - BPF_REG_1) - 1))	/* a value; its key is copied as well */
		size += cur_regs(env)[BPF_REG_1].map_ptr->key_size;
	if (size <= max && (size || zero_allowed))
		return 0;
	verbose(env, "R%d type=arena: func %s#%d takes %d to %u bytes of arena memory, not %u\n",
		regno, func_id_name(call->imm), call->imm, !zero_allowed, max, size);
	return -EACCES;
}

/* Instructions in place of a call, the call last: its number */
static int emit_call(const struct bpf_insn *call, const struct bpf_arena_helper *helper,
		     struct bpf_insn *buf)
{
	const unsigned long args = helper->args;
	u32 argno, cnt = 0;

	for_each_set_bit(argno, &args, MAX_BPF_FUNC_REG_ARGS)
		buf[cnt++] = BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1 + argno,
					  BPF_REG_1 + argno, BPF_ADDR_SPACE_CAST,
					  BPF_CAST_TO_KADDR);
	buf[cnt] = *call;
	buf[cnt++].imm = BPF_CALL_IMM(helper->arena);
	return cnt;
}

/**
 * bpf_arena_rewrite_call() - have a call take its arena memory
 * @env: verifier state of a program that has been accepted
 * @at: any instruction
 *
 * do_misc_fixups() leaves such a call alone: it has an aux->arena_helper.
 *
 * Return: how many instructions were put in before @at; -ENOMEM; -EINTR if the task is
 * about to die.
 */
int bpf_arena_rewrite_call(struct bpf_verifier_env *env, u32 at)
{
	const u8 nr = env->insn_aux_data[at].arena_helper;
	struct bpf_insn buf[MAX_BPF_FUNC_REG_ARGS + 1];
	int cnt;

	if (!nr)
		return 0;
	cnt = emit_call(&env->prog->insnsi[at], bpf_arena_variant(nr), buf);
	return bpf_arena_patch(env, at, buf, cnt) ?: cnt - 1;
}
