/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_BPF_ARENA_H
#define _LINUX_BPF_ARENA_H

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/types.h>

struct bpf_arena;
struct bpf_func_proto;
struct bpf_insn;
struct bpf_insn_aux_data;
struct bpf_map;
struct bpf_reg_state;
struct bpf_verifier_env;
struct btf;
struct btf_type;
struct vm_area_struct;

/* What an instruction becomes, for all paths that lead to it */
enum bpf_arena_use {
	ARENA_USE_UNSEEN,
	ARENA_USE_NO,
	ARENA_USE_YES,
};

/* What a global function returns: see kernel/bpf/arena_func.c */
enum bpf_func_result {
	BPF_RESULT_SCALAR,	/* as in 6.1 */
	BPF_RESULT_ARENA,	/* an arena pointer */
	BPF_RESULT_VOID,	/* nothing */
};

/* btf_func_arena_args(): the function returns an arena pointer */
#define BPF_ARENA_RESULT	BIT(7)

/* What an access to an arena that faults was to do */
enum bpf_arena_access {
	BPF_ARENA_READ = 1,
	BPF_ARENA_WRITE,
	BPF_ARENA_ATOMIC,
};

#ifdef CONFIG_BPF_ARENA
u64 bpf_arena_kern_vm_start(const struct bpf_arena *arena);
u64 bpf_arena_user_vm_start(const struct bpf_arena *arena);
bool vma_is_bpf_arena(const struct vm_area_struct *vma);
void bpf_arena_fault(unsigned long ip, unsigned long kaddr,
		     enum bpf_arena_access access);
void bpf_arena_fault_in_call(unsigned long ip, unsigned long kaddr,
			     enum bpf_arena_access access);

/* kfuncs: called by BPF programs, through BTF */
void *bpf_arena_alloc_pages(void *p__map, void *addr__ign, u32 page_cnt,
			    int node_id, u64 flags);
void bpf_arena_free_pages(void *p__map, void *ptr__ign, u32 page_cnt);
int bpf_arena_reserve_pages(void *p__map, void *ptr__ign, u32 page_cnt);

/* what the verifier puts in their place where the program may sleep */
void *bpf_arena_alloc_pages_sleepable(void *p__map, void *addr__ign, u32 page_cnt,
				      int node_id, u64 flags);
void bpf_arena_free_pages_sleepable(void *p__map, void *ptr__ign, u32 page_cnt);
int bpf_arena_reserve_pages_sleepable(void *p__map, void *ptr__ign, u32 page_cnt);
int bpf_arena_pool_enable(struct bpf_arena *arena);

int bpf_arena_attach(struct bpf_verifier_env *env, struct bpf_map *map);
int bpf_arena_insn_use(struct bpf_verifier_env *env, u32 insn_idx,
		       enum bpf_arena_use use);
int bpf_arena_alu_use(struct bpf_verifier_env *env, const struct bpf_insn *insn,
		      bool yields_ptr);
void bpf_arena_cut(struct bpf_verifier_env *env, u32 insn_idx,
		   const struct bpf_reg_state *reg);
int bpf_arena_check_cast(struct bpf_verifier_env *env,
			 const struct bpf_insn *insn);
int bpf_arena_rewrite(struct bpf_verifier_env *env);
void bpf_arena_note_callback(struct bpf_verifier_env *env, u32 insn_idx, int subprog);
void bpf_arena_find_sleepable(struct bpf_verifier_env *env);
s32 bpf_arena_kfunc_imm(const struct bpf_insn_aux_data *aux, u32 func_id);
bool bpf_arena_show_cast(struct bpf_insn *insn);

u32 bpf_arena_copy(void *dst, const void *src, u32 len);
int bpf_arena_helper_arg(struct bpf_verifier_env *env, const struct bpf_func_proto *fn,
			 u32 argno, u32 type, bool *is_arena);
int bpf_arena_check_mem(struct bpf_verifier_env *env, u32 regno, u32 size,
			bool zero_allowed);
int bpf_arena_rewrite_call(struct bpf_verifier_env *env, u32 at);
int bpf_arena_patch(struct bpf_verifier_env *env, u32 at, const struct bpf_insn *insns, u32 cnt);

u8 btf_func_arena_args(const struct btf *btf, u32 func_id);
int bpf_arena_func_arg(struct bpf_verifier_env *env, const struct btf *btf,
		       const struct btf_type *t, u32 func_id, int argno);
int bpf_arena_check_arg(struct bpf_verifier_env *env,
			const struct bpf_reg_state *reg, u32 regno);
enum bpf_func_result bpf_func_result(struct bpf_verifier_env *env, int subprog);
void bpf_func_set_result(struct bpf_verifier_env *env, int subprog,
			 struct bpf_reg_state *r0);
int bpf_func_nr_args(const struct bpf_verifier_env *env, int subprog);
#else
static inline u64 bpf_arena_kern_vm_start(const struct bpf_arena *arena)
{
	return 0;
}

static inline u64 bpf_arena_user_vm_start(const struct bpf_arena *arena)
{
	return 0;
}

static inline bool vma_is_bpf_arena(const struct vm_area_struct *vma)
{
	return false;
}

static inline void bpf_arena_fault(unsigned long ip, unsigned long kaddr,
				   enum bpf_arena_access access)
{
}

static inline int bpf_arena_attach(struct bpf_verifier_env *env,
				   struct bpf_map *map)
{
	return -EOPNOTSUPP;
}

static inline int bpf_arena_insn_use(struct bpf_verifier_env *env, u32 insn_idx,
				     enum bpf_arena_use use)
{
	return 0;
}

static inline int bpf_arena_alu_use(struct bpf_verifier_env *env,
				    const struct bpf_insn *insn, bool yields_ptr)
{
	return 0;
}

static inline void bpf_arena_cut(struct bpf_verifier_env *env, u32 insn_idx,
				 const struct bpf_reg_state *reg)
{
}

static inline int bpf_arena_check_cast(struct bpf_verifier_env *env,
				       const struct bpf_insn *insn)
{
	return -EINVAL;
}

static inline int bpf_arena_rewrite(struct bpf_verifier_env *env)
{
	return 0;
}

static inline void bpf_arena_note_callback(struct bpf_verifier_env *env,
					   u32 insn_idx, int subprog)
{
}

static inline void bpf_arena_find_sleepable(struct bpf_verifier_env *env)
{
}

static inline s32 bpf_arena_kfunc_imm(const struct bpf_insn_aux_data *aux,
				      u32 func_id)
{
	return 0;
}

static inline bool bpf_arena_show_cast(struct bpf_insn *insn)
{
	return false;
}

static inline int bpf_arena_helper_arg(struct bpf_verifier_env *env,
				       const struct bpf_func_proto *fn, u32 argno,
				       u32 type, bool *is_arena)
{
	*is_arena = false;
	return 0;
}

static inline int bpf_arena_check_mem(struct bpf_verifier_env *env, u32 regno, u32 size,
				      bool zero_allowed)
{
	return -EACCES;
}

static inline u8 btf_func_arena_args(const struct btf *btf, u32 func_id)
{
	return 0;
}

static inline int bpf_arena_func_arg(struct bpf_verifier_env *env,
				     const struct btf *btf,
				     const struct btf_type *t, u32 func_id,
				     int argno)
{
	return 0;
}

static inline int bpf_arena_check_arg(struct bpf_verifier_env *env,
				      const struct bpf_reg_state *reg, u32 regno)
{
	return -EINVAL;
}

static inline enum bpf_func_result
bpf_func_result(struct bpf_verifier_env *env, int subprog)
{
	return BPF_RESULT_SCALAR;
}

static inline void bpf_func_set_result(struct bpf_verifier_env *env, int subprog,
				       struct bpf_reg_state *r0)
{
}

static inline int bpf_func_nr_args(const struct bpf_verifier_env *env, int subprog)
{
	return 0;
}
#endif

#endif /* _LINUX_BPF_ARENA_H */
