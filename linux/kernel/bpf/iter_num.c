// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF iterator of numbers, for bpf_for() and bpf_repeat()
 *
 *	struct bpf_iter_num it;
 *	int *i;
 *
 *	bpf_iter_num_new(&it, 0, n);
 *	while ((i = bpf_iter_num_next(&it)))
 *		...
 *	bpf_iter_num_destroy(&it);
 *
 * To the verifier the iterator is eight bytes of the program's stack like any others,
 * which the program may write, copy and forget. No number in them does harm: next
 * returns the address of the first four bytes. They are in the frame of a program,
 * so a pointer that outlives the function reads what others have left on the kernel's
 * stack. Therefore this takes CAP_PERFMON.
 *
 * So nothing in them bounds a loop either. What does is a may_goto, put in before the
 * program is verified:
 *
 *	call bpf_iter_num_next			may_goto +2
 *						call bpf_iter_num_next
 *						goto +1
 *						r0 = 0
 *
 * A loop that has run for too long ends as if there were no more numbers, and loops.c
 * follows it as any loop with a may_goto.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/filter.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "loops.h"

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/* What a struct bpf_iter_num holds: next returns the address of cur. */
struct numbers {
	int cur;	/* before the first one */
	int end;
};

__diag_push();
__diag_ignore_all("-Wmissing-prototypes", "kfuncs, which programs call by their BTF");

/**
 * bpf_iter_num_new() - begin to count
 * @it: the iterator, on the program's stack
 * @start: first number
 * @end: the number after the last one
 *
 * Context: Any.
 * Return: 0; -EINVAL if @end is less than @start; -E2BIG for more than BPF_MAX_LOOPS
 * numbers, as many as bpf_loop() takes. @it has no numbers then.
 */
int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end)
{
	struct numbers *n = (void *)it;
	s64 cnt = (s64)end - start;

	BUILD_BUG_ON(sizeof(*n) != sizeof(*it));
	n->cur = n->end = 0;
	if (cnt < 0)
		return -EINVAL;
	if (cnt > BPF_MAX_LOOPS)
		return -E2BIG;
	/* INT_MIN - 1 wraps, and so does adding 1 to it */
	n->cur = (int)((u32)start - 1);
	n->end = end;
	return 0;
}

/**
 * bpf_iter_num_next() - the next number
 * @it: the iterator, on the program's stack
 *
 * Context: Any.
 * Return: where the number is, until the next call; or NULL.
 */
int *bpf_iter_num_next(struct bpf_iter_num *it)
{
	struct numbers *n = (void *)it;
	int next = (int)((u32)n->cur + 1);

	/* whatever the program has put there */
	if (next >= n->end) {
		n->cur = n->end = 0;
		return NULL;
	}
	n->cur = next;
	return &n->cur;
}

/**
 * bpf_iter_num_destroy() - be done with an iterator
 * @it: the iterator, on the program's stack
 *
 * There is nothing to free. Context: Any.
 */
void bpf_iter_num_destroy(struct bpf_iter_num *it)
{
	struct numbers *n = (void *)it;

	n->cur = n->end = 0;
}

__diag_pop();

BTF_ID_LIST(iter_num_ids)
BTF_ID(func, bpf_iter_num_new)
BTF_ID(func, bpf_iter_num_next)
BTF_ID(func, bpf_iter_num_destroy)

#define NEXT_ID iter_num_ids[1]

/* In the kernel's own BTF: off is 0 */
static bool is_next(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->off &&
	       insn->src_reg == BPF_PSEUDO_KFUNC_CALL && NEXT_ID && insn->imm == NEXT_ID;
}

static int bound(struct bpf_verifier_env *env, u32 at)
{
	const struct bpf_insn bounded[] = {
		BPF_RAW_INSN(BPF_JMP | BPF_JCOND, 0, 0, 2, 0),
		env->prog->insnsi[at],
		BPF_JMP_A(1),
		BPF_MOV64_IMM(BPF_REG_0, 0),
	};
	struct bpf_prog *prog = bpf_patch_insn_data(env, at, bounded, ARRAY_SIZE(bounded));

	if (!prog)
		return -ENOMEM;
	env->prog = prog;
	env->loops.used = true;
	return ARRAY_SIZE(bounded) - 1;
}

/**
 * bpf_iter_num_prepare() - bound the loops of a program that counts
 * @env: verifier state, before anything of the program has been looked at but its maps
 *
 * Return: 0; -EPERM, with a message in the log; -ENOMEM.
 */
int bpf_iter_num_prepare(struct bpf_verifier_env *env)
{
	u32 i, len = env->prog->len;
	int ret;

	for (i = 0; i < env->prog->len; i++) {
		if (!is_next(&env->prog->insnsi[i]))
			continue;
		if (!env->allow_ptr_leaks) {
			verbose(env, "CAP_PERFMON is required to use bpf_iter_num_next()\n");
			return -EPERM;
		}
		ret = bound(env, i);
		if (ret < 0)
			return ret;
		i += ret;
	}
	if (env->prog->len == len)
		return 0;
	/* nothing is in it yet, and its size is that of the program */
	kvfree(env->explored_states);
	env->explored_states = kvcalloc(env->prog->len, sizeof(*env->explored_states),
					GFP_USER);
	return env->explored_states ? 0 : -ENOMEM;
}

/**
 * bpf_iter_num_check() - the rules for calls of the kfuncs above, beside those for all
 * @env: verifier state, at the call
 * @insn: the call
 * @meta: says what is known of the result
 *
 * Return: 0; -EINVAL, with a message in the log.
 */
int bpf_iter_num_check(struct bpf_verifier_env *env, const struct bpf_insn *insn,
		       struct bpf_kfunc_arg_meta *meta)
{
	const struct bpf_func_state *frame = env->cur_state->frame[env->cur_state->curframe];
	int i;

	for (i = 0; i < 3 && insn->imm != iter_num_ids[i]; i++)
		;
	if (i == 3 || insn->off || !insn->imm)
		return 0;
	if (frame->regs[BPF_REG_1].type != PTR_TO_STACK) {
		verbose(env, "arg#0 expected pointer to a bpf_iter_num on the stack\n");
		return -EINVAL;
	}
	if (is_next(insn)) {
		meta->r0_size = sizeof(int);
		meta->r0_rdonly = true;
	}
	return 0;
}

BTF_SET8_START(iter_num_kfuncs)
BTF_ID_FLAGS(func, bpf_iter_num_new, KF_ANY_CONTEXT)
BTF_ID_FLAGS(func, bpf_iter_num_next, KF_RET_NULL | KF_ANY_CONTEXT)
BTF_ID_FLAGS(func, bpf_iter_num_destroy, KF_ANY_CONTEXT)
BTF_SET8_END(iter_num_kfuncs)

static const struct btf_kfunc_id_set iter_num_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &iter_num_kfuncs,
};

static int __init iter_num_init(void)
{
	/* programs of every type */
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &iter_num_kfunc_set);
}
late_initcall(iter_num_init);
