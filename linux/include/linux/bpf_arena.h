/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_BPF_ARENA_H
#define _LINUX_BPF_ARENA_H

#include <linux/errno.h>
#include <linux/types.h>

struct bpf_arena;
struct bpf_insn;
struct bpf_insn_aux_data;
struct bpf_map;
struct bpf_verifier_env;
struct btf;
struct vm_area_struct;

/* What an instruction becomes, for all paths that lead to it */
enum bpf_arena_use {
	ARENA_USE_UNSEEN,
	ARENA_USE_NO,
	ARENA_USE_YES,
};

/* What an access to an arena that faults was to do */
enum bpf_arena_access {
	BPF_ARENA_READ = 1,
	BPF_ARENA_WRITE,
	BPF_ARENA_ATOMIC,
};

u8 btf_func_arena_args(const struct btf *btf, u32 func_id);

#ifdef CONFIG_BPF_ARENA
u64 bpf_arena_kern_vm_start(const struct bpf_arena *arena);
u64 bpf_arena_user_vm_start(const struct bpf_arena *arena);
bool vma_is_bpf_arena(const struct vm_area_struct *vma);
void bpf_arena_fault(unsigned long ip, unsigned long kaddr,
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
int bpf_arena_check_cast(struct bpf_verifier_env *env,
			 const struct bpf_insn *insn);
int bpf_arena_rewrite(struct bpf_verifier_env *env);
void bpf_arena_note_callback(struct bpf_verifier_env *env, u32 insn_idx, int subprog);
void bpf_arena_find_sleepable(struct bpf_verifier_env *env);
s32 bpf_arena_kfunc_imm(const struct bpf_insn_aux_data *aux, u32 func_id);
bool bpf_arena_show_cast(struct bpf_insn *insn);
int bpf_arena_rewrite_call(const struct bpf_insn_aux_data *aux,
			   const struct bpf_insn *call, struct bpf_insn *buf);
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

static inline int bpf_arena_rewrite_call(const struct bpf_insn_aux_data *aux,
					 const struct bpf_insn *call,
					 struct bpf_insn *buf)
{
	return 0;
}
#endif

#endif /* _LINUX_BPF_ARENA_H */
