// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF arena: arena pointers between functions
 *
 * A static function is verified with what its callers give it, and they go on with
 * what it returns. A global one is verified by itself, and its BTF says what it
 * takes and returns:
 *
 *   int f(struct node *n)	n is an arena pointer if it has the decl tag
 *				"arg:arena", or its type the type tag "arena":
 *				PTR -> TYPE_TAG "arena" -> STRUCT node
 *   struct node *g(void)	returns one if its type has this type tag
 *   void h(void)		returns nothing, and R0 cannot be read after a call
 *
 * What is passed is a C pointer, the whole address that user space has: callees
 * store it, compare it, return it. It is not cut, or what they store would be of no
 * use to user space. So neither side knows its upper half. To the verifier it is a
 * PTR_TO_ARENA_UADDR: any number of 64 bits. clang casts a copy of it before each
 * access. An access by what was not cast cuts it, for good.
 *
 *	caller				callee
 *	scalar		--- any --->	PTR_TO_ARENA_UADDR	a tagged argument
 *	PTR_TO_ARENA	--- of  --->	SCALAR_VALUE		an integer
 *	.._UADDR	<-- these --	SCALAR_VALUE, PTR_TO_ARENA, PTR_TO_ARENA_UADDR
 *
 * Pointers to other memory do not pass. Calls of global functions read their
 * arguments for that: where an arena pointer was passed, no path may end that has
 * another pointer there.
 *
 * Nobody else takes part in such a call. freplace programs are refused if one side
 * has an arena pointer in its BTF; fentry and fexit programs get numbers.
 */
#include <linux/bpf.h>
#include <linux/bpf_arena.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/filter.h>

static bool is_decl_tag(const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info) == BTF_KIND_DECL_TAG;
}

static const struct btf_decl_tag *decl_tag(const struct btf_type *t)
{
	return (const struct btf_decl_tag *)(t + 1);
}

/* PTR -> TYPE_TAG "arena" -> anything; a pointer's type tags come in a row */
static bool has_arena_tag(const struct btf *btf, u32 type_id)
{
	const struct btf_type *t = btf_type_skip_modifiers(btf, type_id, NULL);

	if (!btf_type_is_ptr(t))
		return false;
	for (t = btf_type_by_id(btf, t->type); btf_type_is_type_tag(t);
	     t = btf_type_by_id(btf, t->type))
		if (!strcmp(btf_name_by_offset(btf, t->name_off), "arena"))
			return true;
	return false;
}

static const struct btf_type *func_proto(const struct btf *btf, u32 func_id)
{
	return btf_type_by_id(btf, btf_type_by_id(btf, func_id)->type);
}

/**
 * btf_func_arena_args() - where does a function have arena pointers?
 * @btf: BTF of a program
 * @func_id: the function in it
 *
 * Goes through all types.
 *
 * Return: BIT(argno) of all arguments with the decl tag "arg:arena" or of a type with
 * the type tag "arena"; BPF_ARENA_RESULT if that of the result has the latter.
 */
u8 btf_func_arena_args(const struct btf *btf, u32 func_id)
{
	const struct btf_type *t = func_proto(btf, func_id);
	const struct btf_param *params = btf_params(t);
	u32 id, cnt = btf_nr_types(btf);
	u8 args = has_arena_tag(btf, t->type) ? BPF_ARENA_RESULT : 0;
	int argno;

	for (argno = 0; argno < min_t(int, btf_type_vlen(t), MAX_BPF_FUNC_REG_ARGS); argno++)
		if (has_arena_tag(btf, params[argno].type))
			args |= BIT(argno);
	for (id = 1; id < cnt; id++) {
		t = btf_type_by_id(btf, id);
		if (!is_decl_tag(t) || t->type != func_id)
			continue;
		argno = decl_tag(t)->component_idx;
		if (argno >= 0 && argno < MAX_BPF_FUNC_REG_ARGS &&
		    !strcmp(btf_name_by_offset(btf, t->name_off), "arg:arena"))
			args |= BIT(argno);
	}
	return args;
}

/* The same for a function of the program, whose calls may be very many. */
static u8 own_func_arena_args(const struct bpf_verifier_env *env, u32 func_id)
{
	const struct bpf_prog_aux *aux = env->prog->aux;
	u32 i;

	for (i = 0; i < aux->func_info_cnt; i++) {
		struct bpf_func_info_aux *func = &aux->func_info_aux[i];

		if (aux->func_info[i].type_id != func_id)
			continue;
		if (!func->arena_args_known) {
			func->arena_args = btf_func_arena_args(aux->btf, func_id);
			func->arena_args_known = true;
		}
		return func->arena_args;
	}
	return 0;
}

/**
 * bpf_arena_func_arg() - is an argument of a function an arena pointer?
 * @env: verifier state
 * @btf: BTF of the function
 * @t: type of the argument, a pointer
 * @func_id: the function
 * @argno: number of the argument, from 0
 *
 * What has the type of the context cannot be one: fentry and fexit programs get it
 * as a pointer that is safe to follow.
 *
 * Return: 1 if it is, 0 if not; -EINVAL, with a message in the log.
 */
int bpf_arena_func_arg(struct bpf_verifier_env *env, const struct btf *btf,
		       const struct btf_type *t, u32 func_id, int argno)
{
	if (!env->prog->aux->arena || btf_is_kernel(btf) ||
	    !(own_func_arena_args(env, func_id) & BIT(argno)))
		return 0;
	if (!btf_get_prog_ctx_type(&env->log, btf, t, resolve_prog_type(env->prog), argno))
		return 1;
	bpf_log(&env->log, "arg#%d has invalid combination of tags\n", argno);
	return -EINVAL;
}

/**
 * bpf_arena_check_arg() - may this be passed for an arena pointer?
 * @env: verifier state, at the call
 * @reg: what is passed
 * @regno: its number
 *
 * Return: 0 or -EINVAL, with a message in the log.
 */
int bpf_arena_check_arg(struct bpf_verifier_env *env,
			const struct bpf_reg_state *reg, u32 regno)
{
	if (!type_is_arena_ptr(reg->type) && reg->type != SCALAR_VALUE) {
		bpf_log(&env->log, "R%d is not a pointer to arena or scalar.\n",
			regno);
		return -EINVAL;
	}
	return 0;
}

static bool returns_arena_ptr(struct bpf_verifier_env *env, u32 func_id,
			      const struct btf_type *proto)
{
	const struct btf *btf = env->prog->aux->btf;
	const struct btf_type *t;

	if (!env->prog->aux->arena ||
	    !(own_func_arena_args(env, func_id) & BPF_ARENA_RESULT))
		return false;
	/* as for arguments, an fexit program gets this one */
	t = btf_type_skip_modifiers(btf, proto->type, NULL);
	if (!btf_get_prog_ctx_type(&env->log, btf, t, resolve_prog_type(env->prog), 0))
		return true;
	bpf_log(&env->log, "result has invalid combination of tags\n");
	return false;
}

/**
 * bpf_func_result() - what does a function return that is verified by itself?
 * @env: verifier state
 * @subprog: number of the function
 *
 * What 6.1 takes for an error, and does so still in programs with neither an arena
 * nor a may_goto. The program itself is no such function: what replaces another one
 * returns what its type of program has to.
 *
 * Return: BPF_RESULT_ARENA or BPF_RESULT_VOID; BPF_RESULT_SCALAR for all else.
 */
enum bpf_func_result bpf_func_result(struct bpf_verifier_env *env, int subprog)
{
	const struct bpf_prog_aux *aux = env->prog->aux;
	const struct btf_type *proto;
	u32 func_id;

	if (!subprog || !aux->func_info || !(aux->arena || env->loops.used) ||
	    aux->func_info_aux[subprog].linkage != BTF_FUNC_GLOBAL)
		return BPF_RESULT_SCALAR;
	func_id = aux->func_info[subprog].type_id;
	proto = func_proto(aux->btf, func_id);
	if (btf_type_is_void(btf_type_skip_modifiers(aux->btf, proto->type, NULL)))
		return BPF_RESULT_VOID;
	return returns_arena_ptr(env, func_id, proto) ? BPF_RESULT_ARENA : BPF_RESULT_SCALAR;
}

/**
 * bpf_func_set_result() - a global function has been called
 * @env: verifier state
 * @subprog: number of the function
 * @r0: R0 of the caller, an unknown scalar
 */
void bpf_func_set_result(struct bpf_verifier_env *env, int subprog,
			 struct bpf_reg_state *r0)
{
	switch (bpf_func_result(env, subprog)) {
	case BPF_RESULT_ARENA:
		r0->type = PTR_TO_ARENA_UADDR;
		break;
	case BPF_RESULT_VOID:
		r0->type = NOT_INIT;
		break;
	case BPF_RESULT_SCALAR:
		break;
	}
}

/**
 * bpf_func_nr_args() - how many arguments does a function take?
 * @env: verifier state
 * @subprog: number of the function, which has BTF
 */
int bpf_func_nr_args(const struct bpf_verifier_env *env, int subprog)
{
	const struct bpf_prog_aux *aux = env->prog->aux;

	return btf_type_vlen(func_proto(aux->btf, aux->func_info[subprog].type_id));
}
