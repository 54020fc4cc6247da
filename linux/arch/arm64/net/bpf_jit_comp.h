/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the JIT for arm64 share:
 *
 *	bpf_jit_comp.c	passes, prologue, epilogue, trampolines, BPF that 6.1 has
 *	bpf_jit_arena.c	accesses to an arena, and casts
 *	bpf_may_goto.c	may_goto
 *	bpf_jit_v4.c	instructions of -mcpu=v4, load-acquire, store-release
 */
#ifndef _ARM64_NET_BPF_JIT_COMP_H
#define _ARM64_NET_BPF_JIT_COMP_H

#include <linux/bitops.h>
#include <linux/bpf.h>
#include <linux/bpf_may_goto.h>
#include <linux/filter.h>
#include <linux/printk.h>

#include "bpf_jit.h"

struct pt_regs;

/* As in bpf_jit_comp.c, or the compiler complains */
#define TMP_REG_1 (MAX_BPF_JIT_REG + 0)
#define TMP_REG_2 (MAX_BPF_JIT_REG + 1)

/* Where a function has what may_goto needs; offsets are from SP */
struct a64_may_goto {
	enum bpf_may_goto_kind kind;
	u32 cost;
	bool starts;
	bool thunk;
	bool far;	/* the sites may be out of a conditional branch's range */
	int x23_off;	/* the caller's x23, if there is a may_goto */
	int x24_off;	/* the caller's x24, if the function starts */
	int size;	/* a multiple of 16 */
	int sites;	/* index in the image, known after the first pass */
	int count;	/* may_gotos that this pass has met */
};

struct jit_ctx {
	const struct bpf_prog *prog;
	int idx;
	int epilogue_offset;
	int *offset;
	int exentry_idx;
	__le32 *image;
	u32 stack_size;
	int fpb_offset;

	/* See bpf_may_goto.c */
	struct a64_may_goto may_goto;

	/* See bpf_jit_arena.c: whether there is an access, constants behind the code */
	bool uses_arena;
	int literal_idx;
	int literal_offset;
};

static inline void emit(const u32 insn, struct jit_ctx *ctx)
{
	if (ctx->image)
		ctx->image[ctx->idx] = cpu_to_le32(insn);

	ctx->idx++;
}

/* Return 0 if the offset of a branch of BPF insn i, in insns, has so many bits */
static inline int check_branch(int i, s32 offset, int bits)
{
	if (offset == sign_extend32(offset, bits - 1))
		return 0;
	pr_info("[%2d] imm=%d(0x%x) out of range\n", i, offset, offset);
	return -EINVAL;
}

/* In bpf_jit_comp.c */
extern const int bpf2a64[];
void emit_a64_mov_i(const int is64, const int reg, const s32 val, struct jit_ctx *ctx);
void emit_a64_mov_i64(const int reg, const u64 val, struct jit_ctx *ctx);
int bpf2a64_offset(int bpf_insn, int off, const struct jit_ctx *ctx);
bool is_addsub_imm(u32 imm);

/* In place of a register that a fault clears: there is none */
#define EX_CLEAR_NONE	A64_ZR

/**
 * a64_add_exception_entry() - say what a fault of an insn does
 * @ctx: the function; the first pass counts the entries
 * @from: index of the insn in the image
 * @to: index of the insn with which the function goes on
 * @dst_reg: the register that is cleared, or EX_CLEAR_NONE
 *
 * Return: 0; -EINVAL if there are more entries than the first pass has counted;
 *         -ERANGE if an offset is out of an entry's range.
 */
int a64_add_exception_entry(struct jit_ctx *ctx, int from, int to, int dst_reg);

/* In bpf_jit_arena.c */
void a64_arena_init(struct jit_ctx *ctx);
void a64_arena_enter(struct jit_ctx *ctx);
bool a64_emit_arena_insn(const struct bpf_insn *insn, struct jit_ctx *ctx, int *ret);
int a64_emit_arena_access(const struct bpf_insn *insn, struct jit_ctx *ctx);
u8 a64_emit_atomic_addr(const struct bpf_insn *insn, u8 ptr, struct jit_ctx *ctx);
int a64_add_atomic_entries(const struct bpf_insn *insn, struct jit_ctx *ctx);
int a64_place_literals(struct jit_ctx *ctx, int offset);
void a64_note_arena_fault(const struct pt_regs *regs);

/* In bpf_may_goto.c */
void a64_may_goto_init(struct jit_ctx *ctx);
void a64_may_goto_enter(struct jit_ctx *ctx);
void a64_may_goto_leave(struct jit_ctx *ctx);
int a64_may_goto_leave_len(const struct jit_ctx *ctx);
int a64_emit_may_goto(const struct bpf_insn *insn, struct jit_ctx *ctx);
void a64_build_may_goto_sites(struct jit_ctx *ctx);

/* In bpf_jit_v4.c */
bool a64_emit_v4_insn(const struct bpf_insn *insn, struct jit_ctx *ctx, int *ret);
void a64_sign_extend_load(const struct bpf_insn *insn, struct jit_ctx *ctx);

#endif /* _ARM64_NET_BPF_JIT_COMP_H */
