// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF sections: code of a program under rcu_read_lock(), with preemption or with
 * interrupts off
 *
 *	begin					end
 *	bpf_rcu_read_lock()			bpf_rcu_read_unlock()
 *	bpf_preempt_disable()			bpf_preempt_enable()
 *	bpf_local_irq_save(&flags)		bpf_local_irq_restore(&flags)
 *
 * Each kind nests, and with the others in any order. The verifier counts on each path
 * how many have begun: state->sections. A section may begin in one static function and
 * end in another, since these are followed with their callers. It ends before the
 * program does, and before a global function or a callback that it began in.
 *
 * In a section a program
 *  - calls nothing that may sleep. The kfuncs of arenas become those that do not.
 *  - calls neither bpf_tail_call() nor a helper with a callback, and has no
 *    BPF_LD_ABS, which may end the program.
 *  - may call global functions. They are verified by themselves, and so are marked
 *    with the sections that they are called in; when all paths are known, whatever
 *    they call is looked at, and whatever that calls (bpf_sections_check()).
 *
 * 6.1 does not say of each helper whether it may sleep, nor whether it may be called
 * with interrupts off. So a program that may sleep calls the helpers listed below, in
 * any section; and so does every program with interrupts off. In the others, a program
 * that may not sleep calls what it calls elsewhere.
 *
 * Interrupts stay off for as long as the program takes, 250 ms for a may_goto loop.
 *
 * The flags that interrupts had are no business of the program: it could forge them,
 * and leave interrupts off. They are kept for each CPU, from the first
 * bpf_local_irq_save() on. An NMI that comes in between has its own, balanced pairs:
 *
 *	save:	off; depth++; if (depth == 1) flags = old;
 *	restore: old = flags; if (!--depth) on(old);
 *
 * So it finds depth at 0 only while flags do not matter.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/filter.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "disasm.h"
#include "loops.h"

#define verbose(env, fmt, args...) bpf_verifier_log_write(env, fmt, ##args)

/* More than anybody has a use for */
#define MAX_NESTED 64

enum { SECTION_RCU, SECTION_PREEMPT, SECTION_IRQ };

static DEFINE_PER_CPU(int, irq_depth);
static DEFINE_PER_CPU(unsigned long, irq_flags);

__diag_push();
__diag_ignore_all("-Wmissing-prototypes", "kfuncs, which programs call by their BTF");

/**
 * bpf_rcu_read_lock() - begin a section in which RCU frees nothing
 *
 * Context: Any.
 */
notrace void bpf_rcu_read_lock(void)
{
	rcu_read_lock();
}

/**
 * bpf_rcu_read_unlock() - end the section
 */
notrace void bpf_rcu_read_unlock(void)
{
	rcu_read_unlock();
}

/**
 * bpf_preempt_disable() - begin a section in which no other task runs on this CPU
 *
 * Context: Any.
 */
notrace void bpf_preempt_disable(void)
{
	preempt_disable();
}

/**
 * bpf_preempt_enable() - end the section
 */
notrace void bpf_preempt_enable(void)
{
	preempt_enable();
}

/**
 * bpf_local_irq_save() - begin a section in which no interrupt comes to this CPU
 * @flags__irq_flag: on the program's stack; set to 0, and of no further use
 *
 * Context: Any.
 */
notrace void bpf_local_irq_save(unsigned long *flags__irq_flag)
{
	unsigned long flags;

	local_irq_save(flags);
	if (__this_cpu_inc_return(irq_depth) == 1)
		__this_cpu_write(irq_flags, flags);
	*flags__irq_flag = 0;
}

/**
 * bpf_local_irq_restore() - end the section
 * @flags__irq_flag: as for bpf_local_irq_save()
 */
notrace void bpf_local_irq_restore(unsigned long *flags__irq_flag)
{
	unsigned long flags = __this_cpu_read(irq_flags);

	if (!__this_cpu_dec_return(irq_depth))
		local_irq_restore(flags);
}

__diag_pop();

/* begin, end of each */
BTF_ID_LIST(section_ids)
BTF_ID(func, bpf_rcu_read_lock)
BTF_ID(func, bpf_rcu_read_unlock)
BTF_ID(func, bpf_preempt_disable)
BTF_ID(func, bpf_preempt_enable)
BTF_ID(func, bpf_local_irq_save)
BTF_ID(func, bpf_local_irq_restore)

static const char *const section_kfuncs[2 * BPF_SECTIONS] = {
	"bpf_rcu_read_lock", "bpf_rcu_read_unlock",
	"bpf_preempt_disable", "bpf_preempt_enable",
	"bpf_local_irq_save", "bpf_local_irq_restore",
};

/* Helpers that neither sleep nor depend on interrupts, whatever the program's type */
static bool is_safe_helper(u32 func_id)
{
	switch (func_id) {
	case BPF_FUNC_map_lookup_elem:
	case BPF_FUNC_map_lookup_percpu_elem:
	case BPF_FUNC_per_cpu_ptr:
	case BPF_FUNC_this_cpu_ptr:
	case BPF_FUNC_kptr_xchg:
	case BPF_FUNC_spin_lock:
	case BPF_FUNC_spin_unlock:
	case BPF_FUNC_probe_read:
	case BPF_FUNC_probe_read_str:
	case BPF_FUNC_probe_read_kernel:
	case BPF_FUNC_probe_read_kernel_str:
	case BPF_FUNC_probe_read_user:
	case BPF_FUNC_probe_read_user_str:
	case BPF_FUNC_ktime_get_ns:
	case BPF_FUNC_ktime_get_boot_ns:
	case BPF_FUNC_ktime_get_coarse_ns:
	case BPF_FUNC_ktime_get_tai_ns:
	case BPF_FUNC_jiffies64:
	case BPF_FUNC_get_prandom_u32:
	case BPF_FUNC_get_smp_processor_id:
	case BPF_FUNC_get_numa_node_id:
	case BPF_FUNC_get_current_pid_tgid:
	case BPF_FUNC_get_current_uid_gid:
	case BPF_FUNC_get_current_comm:
	case BPF_FUNC_get_current_task:
	case BPF_FUNC_get_current_task_btf:
	case BPF_FUNC_get_current_cgroup_id:
	case BPF_FUNC_ringbuf_output:
	case BPF_FUNC_ringbuf_reserve:
	case BPF_FUNC_ringbuf_submit:
	case BPF_FUNC_ringbuf_discard:
	case BPF_FUNC_ringbuf_query:
	case BPF_FUNC_trace_printk:
	case BPF_FUNC_trace_vprintk:
	case BPF_FUNC_snprintf:
	case BPF_FUNC_strncmp:
	case BPF_FUNC_strtol:
	case BPF_FUNC_strtoul:
		return true;
	default:
		return false;
	}
}

/* They take locks with bottom halves off for some types of map. */
static bool is_update(u32 func_id)
{
	return func_id == BPF_FUNC_map_update_elem || func_id == BPF_FUNC_map_delete_elem ||
	       func_id == BPF_FUNC_map_push_elem || func_id == BPF_FUNC_map_pop_elem ||
	       func_id == BPF_FUNC_map_peek_elem;
}

static bool has_callback(u32 func_id)
{
	return func_id == BPF_FUNC_for_each_map_elem || func_id == BPF_FUNC_loop ||
	       func_id == BPF_FUNC_timer_set_callback || func_id == BPF_FUNC_find_vma ||
	       func_id == BPF_FUNC_user_ringbuf_drain;
}

/* sections: bits of those that the helper is called in */
static bool helper_allowed(const struct bpf_verifier_env *env, u32 func_id, u8 sections)
{
	if (func_id == BPF_FUNC_tail_call || has_callback(func_id))
		return false;
	if (!env->prog->aux->sleepable && !(sections & BIT(SECTION_IRQ)))
		return true;
	if (is_update(func_id))
		return !(sections & BIT(SECTION_IRQ));
	return is_safe_helper(func_id);
}

static bool kfunc_allowed(const struct bpf_verifier_env *env, u32 flags, u8 sections)
{
	if (flags & KF_ANY_CONTEXT)
		return true;
	return !env->prog->aux->sleepable && !(sections & BIT(SECTION_IRQ)) &&
	       !(flags & KF_SLEEPABLE);
}

static u8 active(const struct bpf_verifier_state *st)
{
	u8 i, sections = 0;

	for (i = 0; i < BPF_SECTIONS; i++)
		if (st->sections[i])
			sections |= BIT(i);
	return sections;
}

/* What began the section that messages name */
static const char *begun_by(u8 sections)
{
	return section_kfuncs[2 * (fls(sections) - 1)];
}

static int section_kfunc(const struct bpf_insn *insn)
{
	int i;

	if (insn->off)
		return -1;
	for (i = 0; i < ARRAY_SIZE(section_kfuncs); i++)
		if (section_ids[i] && insn->imm == section_ids[i])
			return i;
	return -1;
}

static int begin_or_end(struct bpf_verifier_env *env, int kfunc)
{
	u8 *nested = &env->cur_state->sections[kfunc / 2];

	if (kfunc % 2 && !*nested) {
		verbose(env, "%s() without %s()\n", section_kfuncs[kfunc],
			section_kfuncs[kfunc - 1]);
		return -EINVAL;
	}
	if (!(kfunc % 2) && *nested == MAX_NESTED) {
		verbose(env, "%s() is nested more than %d deep\n", section_kfuncs[kfunc],
			MAX_NESTED);
		return -EINVAL;
	}
	*nested += kfunc % 2 ? -1 : 1;
	return 0;
}

/**
 * bpf_section_kfunc() - a kfunc is called
 * @env: verifier state, at the call
 * @insn: the call
 * @flags: KF_* of the kfunc
 *
 * Return: 0; -EINVAL, with a message in the log.
 */
int bpf_section_kfunc(struct bpf_verifier_env *env, const struct bpf_insn *insn, u32 flags)
{
	u8 sections = active(env->cur_state);
	int kfunc = section_kfunc(insn);

	if (kfunc >= 0)
		return begin_or_end(env, kfunc);
	if (!sections)
		return 0;
	env->insn_aux_data[env->insn_idx].in_section = true;
	if (kfunc_allowed(env, flags, sections))
		return 0;
	verbose(env, "this kernel function may not be called after %s()\n", begun_by(sections));
	return -EINVAL;
}

/**
 * bpf_section_helper() - a helper is called
 * @env: verifier state, at the call
 * @func_id: the helper
 *
 * Return: 0; -EINVAL, with a message in the log.
 */
int bpf_section_helper(struct bpf_verifier_env *env, u32 func_id)
{
	u8 sections = active(env->cur_state);

	if (!sections || helper_allowed(env, func_id, sections))
		return 0;
	verbose(env, "%s#%d may not be called after %s()\n", func_id_name(func_id), func_id,
		begun_by(sections));
	return -EINVAL;
}

/**
 * bpf_section_global_func() - a global function is called
 * @env: verifier state, at the call
 * @subprog: the function
 */
void bpf_section_global_func(struct bpf_verifier_env *env, int subprog)
{
	u8 sections = active(env->cur_state);

	if (!sections)
		return;
	env->subprog_info[subprog].sections |= sections;
	env->subprog_info[subprog].arena_nosleep = true;
}

/**
 * bpf_section_exit() - a program or a function ends
 * @env: verifier state, at the exit or at what may end the program
 *
 * Return: 0; -EINVAL, with a message in the log.
 */
int bpf_section_exit(struct bpf_verifier_env *env)
{
	const struct bpf_verifier_state *st = env->cur_state;
	u8 sections = active(st);

	if (!sections || (st->curframe && !st->frame[st->curframe]->in_callback_fn))
		return 0;
	verbose(env, "%s() is missing\n", section_kfuncs[2 * (fls(sections) - 1) + 1]);
	return -EINVAL;
}

/**
 * bpf_section_ld_abs() - BPF_LD_ABS or BPF_LD_IND, which may end the program
 * @env: verifier state, at the instruction
 *
 * Return: 0; -EINVAL, with a message in the log.
 */
int bpf_section_ld_abs(struct bpf_verifier_env *env)
{
	u8 sections = active(env->cur_state);

	if (!sections)
		return 0;
	verbose(env, "BPF_LD_[ABS|IND] may not be used after %s()\n", begun_by(sections));
	return -EINVAL;
}

/* The function that an instruction calls, or -1 */
static int insn_callee(const struct bpf_verifier_env *env, u32 i)
{
	const struct bpf_insn *insn = &env->prog->insnsi[i];
	u32 s;

	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg != BPF_PSEUDO_CALL)
		return -1;
	for (s = 0; s < env->subprog_cnt; s++)
		if (env->subprog_info[s].start == i + insn->imm + 1)
			return s;
	return -1;
}

/* Functions that a function calls are called in its sections. Was that news? */
static bool spread(struct bpf_verifier_env *env, u32 subprog)
{
	struct bpf_subprog_info *info = &env->subprog_info[subprog];
	bool news = false;
	int callee;
	u32 i;

	for (i = info[0].start; i < info[1].start; i++) {
		callee = insn_callee(env, i);
		if (callee < 0 || !(info->sections & ~env->subprog_info[callee].sections))
			continue;
		env->subprog_info[callee].sections |= info->sections;
		news = true;
	}
	cond_resched();
	return news;
}

static bool call_allowed(struct bpf_verifier_env *env, const struct bpf_insn *insn, u8 sections)
{
	const u32 *flags;

	if (insn->src_reg == BPF_PSEUDO_CALL)
		return true;
	if (insn->src_reg != BPF_PSEUDO_KFUNC_CALL)
		return helper_allowed(env, insn->imm, sections);
	if (section_kfunc(insn) >= 0)
		return true;
	flags = insn->off ? NULL :
		btf_kfunc_id_set_contains(bpf_get_btf_vmlinux(), resolve_prog_type(env->prog),
					  insn->imm);
	return flags && kfunc_allowed(env, *flags, sections);
}

static int check_calls(struct bpf_verifier_env *env, u32 subprog)
{
	const struct bpf_subprog_info *info = &env->subprog_info[subprog];
	const struct bpf_insn *insn;
	u32 i;

	for (i = info[0].start; i < info[1].start; i++) {
		insn = &env->prog->insnsi[i];
		if (insn->code != (BPF_JMP | BPF_CALL) || !env->insn_aux_data[i].seen ||
		    call_allowed(env, insn, info->sections))
			continue;
		verbose(env, "func#%u is called after %s(), and calls what may not be at insn %u\n",
			subprog, begun_by(info->sections), i);
		return -EINVAL;
	}
	return 0;
}

/**
 * bpf_sections_check() - look at the global functions that are called in sections
 * @env: verifier state; all paths have been verified, nothing is rewritten yet
 *
 * Return: 0; -EINVAL, with a message in the log.
 */
int bpf_sections_check(struct bpf_verifier_env *env)
{
	bool news = true;
	u32 s;
	int err;

	while (news) {
		news = false;
		for (s = 0; s < env->subprog_cnt; s++)
			if (env->subprog_info[s].sections)
				news |= spread(env, s);
	}
	for (s = 0; s < env->subprog_cnt; s++) {
		if (!env->subprog_info[s].sections)
			continue;
		err = check_calls(env, s);
		if (err)
			return err;
		/* an freplace program would be verified without the sections */
		if (env->prog->aux->func_info_aux)
			env->prog->aux->func_info_aux[s].unreliable = true;
	}
	return 0;
}

BTF_SET8_START(section_kfunc_ids)
BTF_ID_FLAGS(func, bpf_rcu_read_lock, KF_ANY_CONTEXT)
BTF_ID_FLAGS(func, bpf_rcu_read_unlock, KF_ANY_CONTEXT)
BTF_ID_FLAGS(func, bpf_preempt_disable, KF_ANY_CONTEXT)
BTF_ID_FLAGS(func, bpf_preempt_enable, KF_ANY_CONTEXT)
BTF_ID_FLAGS(func, bpf_local_irq_save, KF_ANY_CONTEXT)
BTF_ID_FLAGS(func, bpf_local_irq_restore, KF_ANY_CONTEXT)
BTF_SET8_END(section_kfunc_ids)

static const struct btf_kfunc_id_set section_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &section_kfunc_ids,
};

static int __init sections_init(void)
{
	/* programs of every type */
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &section_kfunc_set);
}
late_initcall(sections_init);
