/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_BPF_MAY_GOTO_H
#define _LINUX_BPF_MAY_GOTO_H

#include <linux/types.h>

struct bpf_verifier_env;

/* What rounds burn between two looks at the clock; one costs 1 or more */
#define BPF_MAY_GOTO_FUEL	8192

/*
 * What the JIT has to know about a function, of its own or of a program with
 * others. Calls are those of BPF functions by name, no callbacks.
 */
struct bpf_may_goto_info {
	u16 cost;	/* of a round, at most BPF_MAY_GOTO_FUEL */
	bool own;	/* has a may_goto */
	bool below;	/* calls a function that has one, or one that calls it ... */
	bool called;	/* is called */
	bool callback;	/* is given to a helper to be called */
};

/* See kernel/bpf/may_goto.c */
enum bpf_may_goto_kind {
	MAY_GOTO_NONE,	/* the function has no may_goto */
	MAY_GOTO_ALONE,	/* nobody to share the fuel with */
	MAY_GOTO_LEAF,	/* takes its caller's fuel and returns it */
	MAY_GOTO_INNER,	/* shares it with its callees */
};

/* The fuel and the deadline that functions share: in the frame of one of them */
struct bpf_may_goto_shared {
	s64 fuel;
	u64 end;	/* ns, monotonic; 0: not known yet, 1: over */
};

/* MAY_GOTO_ALONE: the function's own, in its frame */
struct bpf_may_goto_alone {
	s64 fuel;
	s64 left;	/* rounds of this call */
	u64 end;
};

/* MAY_GOTO_LEAF, likewise */
struct bpf_may_goto_leaf {
	s64 fuel;
	s64 left;
	struct bpf_may_goto_shared *shared;
};

static inline enum bpf_may_goto_kind
bpf_may_goto_kind(const struct bpf_may_goto_info *info)
{
	if (!info->own)
		return MAY_GOTO_NONE;
	if (info->below)
		return MAY_GOTO_INNER;
	return info->called ? MAY_GOTO_LEAF : MAY_GOTO_ALONE;
}

/* Is the function given what it shares by its caller? */
static inline bool bpf_may_goto_inherits(const struct bpf_may_goto_info *info)
{
	return info->called && (info->own || info->below);
}

/* Or does it make what its callees share? */
static inline bool bpf_may_goto_starts(const struct bpf_may_goto_info *info)
{
	return info->below && !info->called;
}

/* Does a callback have to be entered through code that makes it? */
static inline bool bpf_may_goto_has_thunk(const struct bpf_may_goto_info *info)
{
	return info->callback && bpf_may_goto_inherits(info);
}

/* in C for asm: the tag is added to the address of what is looked at */
bool bpf_may_goto_look(unsigned long tagged, u32 cost, unsigned long ip);

/* asm, called by JITed code only; how is the architecture's affair */
void bpf_may_goto_stub(void);

/* where, right behind its first part, the may_goto lies whose call returns to ip */
unsigned long bpf_may_goto_resume(unsigned long ip);

#ifdef CONFIG_BPF_JIT
int bpf_may_goto_prepare(struct bpf_verifier_env *env);
#else
static inline int bpf_may_goto_prepare(struct bpf_verifier_env *env)
{
	return 0;
}
#endif

#endif /* _LINUX_BPF_MAY_GOTO_H */
