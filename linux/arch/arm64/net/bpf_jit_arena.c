// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arenas in arm64 code: accesses through arena pointers, and casts
 *
 * x28 is the base of the arena's kernel window from the end of the prologue to the
 * epilogue, in a function that accesses an arena. The prologue of every function
 * saves it. A load through the pointer in x0 is
 *
 *		ldr	x7, [x28, w0, uxtw]	without an offset
 *
 *		add	x10, x28, #off		with one; or sub, or ldr x10, literal
 *		ldr	x7, [x10, w0, uxtw]
 *
 * The pointer comes last, as index of the access: whatever it is, also under
 * speculation, it selects an address in the window or its guards. Atomics take
 * an address in one register:
 *
 *		add	x10, x28, w0, uxtw	x10 in place of x28 with an offset
 *		ldaddal	x1, x1, [x10]
 *
 * Behind the code are the constants of this function, then the exception table:
 *
 *	code | plt target | literals: base + off, 8 bytes each | extable
 *
 * A page that is absent: the access has an entry in the exception table. The fault
 * clears what the access would have loaded, is reported to bpf_arena_fault(), and
 * the program goes on behind the access.
 */
#include <linux/bpf_arena.h>
#include <linux/cpufeature.h>
#include <linux/sizes.h>
#include <asm/insn.h>
#include <asm/ptrace.h>
#include <asm/tlbflush.h>

#include "bpf_jit_comp.h"

#define ARENA_BASE	A64_R(28)

/*
 * Load/store register (register offset), of which only the lower half counts:
 * option, bits 15 to 13, is UXTW (2) instead of LSL (3)
 */
#define A64_UXTW_OFFSET(insn) ((insn) & ~BIT(13))
#define A64_STRB_UXTW(rt, rn, rm)  A64_UXTW_OFFSET(A64_STRB(rt, rn, rm))
#define A64_LDRB_UXTW(rt, rn, rm)  A64_UXTW_OFFSET(A64_LDRB(rt, rn, rm))
#define A64_STRH_UXTW(rt, rn, rm)  A64_UXTW_OFFSET(A64_STRH(rt, rn, rm))
#define A64_LDRH_UXTW(rt, rn, rm)  A64_UXTW_OFFSET(A64_LDRH(rt, rn, rm))
#define A64_STR32_UXTW(rt, rn, rm) A64_UXTW_OFFSET(A64_STR32(rt, rn, rm))
#define A64_LDR32_UXTW(rt, rn, rm) A64_UXTW_OFFSET(A64_LDR32(rt, rn, rm))
#define A64_STR64_UXTW(rt, rn, rm) A64_UXTW_OFFSET(A64_STR64(rt, rn, rm))
#define A64_LDR64_UXTW(rt, rn, rm) A64_UXTW_OFFSET(A64_LDR64(rt, rn, rm))

/* rd = rn + lower half of rm; add (extended register), UXTW */
#define A64_ADD_UXTW(rd, rn, rm) \
	(0x8b204000 | (rm) << 16 | (rn) << 5 | (rd))

/* The last literal is less than 1 MiB, the range of LDR (literal), away from
 * the first instruction if the function is not longer than this: no BPF insn
 * becomes more than 32 A64 insns, the site of a may_goto included, and one literal.
 */
#define MAX_INSNS_FOR_LITERALS (SZ_1M / AARCH64_INSN_SIZE / 64)

bool bpf_jit_supports_arena(void)
{
	return true;
}

void bpf_jit_arena_flush(unsigned long kaddr)
{
	flush_tlb_kernel_range(kaddr, kaddr + PAGE_SIZE);
}

/* Before the first pass */
void a64_arena_init(struct jit_ctx *ctx)
{
	const struct bpf_insn *insn = ctx->prog->insnsi;
	int i;

	for (i = 0; i < ctx->prog->len; i++, insn++) {
		if (insn_is_arena_access(insn) || insn_is_cast_to_kaddr(insn))
			ctx->uses_arena = true;
	}
}

/* The end of the prologue, in each pass */
void a64_arena_enter(struct jit_ctx *ctx)
{
	ctx->literal_idx = 0;
	if (ctx->uses_arena)
		emit_a64_mov_i64(ARENA_BASE,
				 bpf_arena_kern_vm_start(ctx->prog->aux->arena), ctx);
}

/**
 * a64_place_literals() - give literals their place in the image
 * @ctx: the function, after its first pass
 * @offset: bytes from the start of the image to the first literal
 *
 * No insn is looked for there: the code ends before the plt target.
 *
 * Return: how many bytes they take.
 */
int a64_place_literals(struct jit_ctx *ctx, int offset)
{
	ctx->literal_offset = offset / AARCH64_INSN_SIZE;
	return ctx->literal_idx * sizeof(u64);
}

/*
 * Give the register that holds ARENA_BASE + off, in one insn at most, or two in
 * a function that is too long for literals. These are offsets that are no
 * immediate of ADD or SUB, with the base added.
 */
static u8 emit_arena_base(s16 off, struct jit_ctx *ctx)
{
	const u8 tmp = bpf2a64[TMP_REG_1];

	if (!off)
		return ARENA_BASE;
	if (is_addsub_imm(off)) {
		emit(A64_ADD_I(1, tmp, ARENA_BASE, off), ctx);
	} else if (is_addsub_imm(-off)) {
		emit(A64_SUB_I(1, tmp, ARENA_BASE, -off), ctx);
	} else if (ctx->prog->len <= MAX_INSNS_FOR_LITERALS) {
		int at = ctx->literal_offset + 2 * ctx->literal_idx++;

		if (ctx->image)
			*(u64 *)&ctx->image[at] = off +
				bpf_arena_kern_vm_start(ctx->prog->aux->arena);
		emit(A64_LDR64LIT(tmp, (at - ctx->idx) * AARCH64_INSN_SIZE), ctx);
	} else {
		emit_a64_mov_i(1, tmp, off, ctx);
		emit(A64_ADD(1, tmp, tmp, ARENA_BASE), ctx);
	}
	return tmp;
}

/* Load or store of rt at base plus the lower half of index; a load zero-extends */
static u32 arena_load_store(const struct bpf_insn *insn, u8 rt, u8 base, u8 index)
{
	const bool load = BPF_CLASS(insn->code) == BPF_LDX;

	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return load ? A64_LDRB_UXTW(rt, base, index) :
			      A64_STRB_UXTW(rt, base, index);
	case BPF_H:
		return load ? A64_LDRH_UXTW(rt, base, index) :
			      A64_STRH_UXTW(rt, base, index);
	case BPF_W:
		return load ? A64_LDR32_UXTW(rt, base, index) :
			      A64_STR32_UXTW(rt, base, index);
	default:
		return load ? A64_LDR64_UXTW(rt, base, index) :
			      A64_STR64_UXTW(rt, base, index);
	}
}

/* Give the register that holds the value that a ST or STX stores */
static u8 emit_stored_value(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	if (BPF_CLASS(insn->code) == BPF_STX)
		return bpf2a64[insn->src_reg];
	if (!insn->imm)
		return A64_ZR;
	emit_a64_mov_i(1, bpf2a64[TMP_REG_2], insn->imm, ctx);
	return bpf2a64[TMP_REG_2];
}

/**
 * a64_emit_arena_access() - LDX, ST or STX through an arena pointer
 * @insn: of any size; what is loaded is zero-extended
 * @ctx: the function
 *
 * The access is the last insn that is emitted.
 *
 * Return: 0 or what a64_add_exception_entry() returns.
 */
int a64_emit_arena_access(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	const bool load = BPF_CLASS(insn->code) == BPF_LDX;
	const u8 index = bpf2a64[load ? insn->src_reg : insn->dst_reg];
	const u8 base = emit_arena_base(insn->off, ctx);
	const u8 rt = load ? bpf2a64[insn->dst_reg] : emit_stored_value(insn, ctx);

	emit(arena_load_store(insn, rt, base, index), ctx);
	return a64_add_exception_entry(ctx, ctx->idx - 1, ctx->idx,
				       load ? rt : EX_CLEAR_NONE);
}

/*
 * dst = (u32)src; if (dst) dst |= upper half of user_vm_start
 *
 * The upper half is not 0, or the verifier would have made it a move.
 */
static void emit_cast_to_user(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	const u64 start = bpf_arena_user_vm_start(ctx->prog->aux->arena);
	const u16 bits32 = start >> 32, bits48 = start >> 48;
	const u8 dst = bpf2a64[insn->dst_reg];
	const u8 src = bpf2a64[insn->src_reg];

	emit(A64_MOV(0, dst, src), ctx);
	emit(A64_CBZ(0, dst, 1 + !!bits32 + !!bits48), ctx);
	if (bits32)
		emit(A64_MOVK(1, dst, bits32, 32), ctx);
	if (bits48)
		emit(A64_MOVK(1, dst, bits48, 48), ctx);
}

/**
 * a64_emit_arena_insn() - emit an insn that only programs with an arena have
 * @insn: any insn
 * @ctx: the function
 * @ret: 0 or an error, if the insn is one of them
 *
 * Atomics are left to bpf_jit_comp.c, which gets their address here.
 *
 * Return: whether it is one of them.
 */
bool a64_emit_arena_insn(const struct bpf_insn *insn, struct jit_ctx *ctx, int *ret)
{
	*ret = 0;
	if (insn_is_cast_to_kaddr(insn))
		emit(A64_ADD_UXTW(bpf2a64[insn->dst_reg], ARENA_BASE, bpf2a64[insn->src_reg]),
		     ctx);
	else if (insn_is_addr_space_cast(insn))
		emit_cast_to_user(insn, ctx);
	else if (insn_is_arena_access(insn) && BPF_MODE(insn->code) == BPF_PROBE_MEM32)
		*ret = a64_emit_arena_access(insn, ctx);
	else
		return false;
	return true;
}

/**
 * a64_emit_atomic_addr() - compute the address of an atomic
 * @insn: the atomic, on an arena or on other memory
 * @ptr: the register that holds the pointer
 * @ctx: the function
 *
 * Return: the register that holds the address.
 */
u8 a64_emit_atomic_addr(const struct bpf_insn *insn, u8 ptr, struct jit_ctx *ctx)
{
	const u8 tmp = bpf2a64[TMP_REG_1];
	u8 base;

	if (BPF_MODE(insn->code) == BPF_PROBE_ATOMIC) {
		base = emit_arena_base(insn->off, ctx);
		emit(A64_ADD_UXTW(tmp, base, ptr), ctx);
		return tmp;
	}
	if (!insn->off)
		return ptr;
	if (is_addsub_imm(insn->off)) {
		emit(A64_ADD_I(1, tmp, ptr, insn->off), ctx);
	} else if (is_addsub_imm(-insn->off)) {
		emit(A64_SUB_I(1, tmp, ptr, -insn->off), ctx);
	} else {
		emit_a64_mov_i(1, tmp, insn->off, ctx);
		emit(A64_ADD(1, tmp, tmp, ptr), ctx);
	}
	return tmp;
}

/* What a fault in an atomic through an arena pointer clears: its result */
static u8 arena_atomic_result(const struct bpf_insn *insn)
{
	if (insn->imm == BPF_CMPXCHG)
		return bpf2a64[BPF_REG_0];
	return insn->imm & BPF_FETCH ? bpf2a64[insn->src_reg] : EX_CLEAR_NONE;
}

/**
 * a64_add_atomic_entries() - exception table entries for an atomic
 * @insn: the atomic that was just emitted; none are needed if it is on other memory
 * @ctx: the function
 *
 * With LSE the last insn is the access. In an exclusive loop there are two: the page
 * may go away between them. Both lead to the end, nothing stored.
 *
 * Return: 0 or what a64_add_exception_entry() returns.
 */
int a64_add_atomic_entries(const struct bpf_insn *insn, struct jit_ctx *ctx)
{
	const u8 clear = arena_atomic_result(insn);
	int at, err;

	if (BPF_MODE(insn->code) != BPF_PROBE_ATOMIC)
		return 0;
	if (cpus_have_cap(ARM64_HAS_LSE_ATOMICS))
		return a64_add_exception_entry(ctx, ctx->idx - 1, ctx->idx, clear);
	if (!ctx->image) {
		ctx->exentry_idx += 2;
		return 0;
	}
	for (at = ctx->offset[insn - ctx->prog->insnsi]; at < ctx->idx; at++) {
		if (!aarch64_insn_is_exclusive(le32_to_cpu(ctx->image[at])))
			continue;
		err = a64_add_exception_entry(ctx, at, ctx->idx, clear);
		if (err)
			return err;
	}
	return 0;
}

/* LDR, LDRS, STR (register), with an index that is UXTW, not shifted */
static bool has_index(u32 insn)
{
	return (insn & 0x3b20fc00) == 0x38204800;
}

/*
 * What an access to an arena does, as it was emitted here, by emit_lse_atomic() and
 * so on, or in bpf_jit_v4.c; 0: it is one to a BTF pointer.
 */
static enum bpf_arena_access arena_access_kind(u32 insn)
{
	if (has_index(insn))
		return insn & GENMASK(23, 22) ? BPF_ARENA_READ : BPF_ARENA_WRITE;
	/* LDAR, STLR */
	if ((insn & 0x3fbffc00) == 0x089ffc00)
		return insn & BIT(22) ? BPF_ARENA_READ : BPF_ARENA_WRITE;
	/* LDADD and so on, SWP */
	if ((insn & 0x3b200c00) == 0x38200000 ||
	    aarch64_insn_is_cas(insn) || aarch64_insn_is_exclusive(insn))
		return BPF_ARENA_ATOMIC;
	return 0;
}

/**
 * a64_note_arena_fault() - report a fault of a BPF program, if it was in an arena
 * @regs: as they were at the fault, at an insn with an exception table entry
 *
 * What was accessed, and how, is decoded from the insn: an entry has no room for it.
 *
 * Context: Any, NMI included.
 */
void a64_note_arena_fault(const struct pt_regs *regs)
{
	u32 insn = le32_to_cpup((__le32 *)regs->pc);
	enum bpf_arena_access kind = arena_access_kind(insn);
	u64 addr;

	if (!kind)
		return;
	addr = pt_regs_read_reg(regs, aarch64_insn_decode_register(AARCH64_INSN_REGTYPE_RN, insn));
	if (has_index(insn))
		addr += (u32)pt_regs_read_reg(regs,
			aarch64_insn_decode_register(AARCH64_INSN_REGTYPE_RM, insn));
	bpf_arena_fault(regs->pc, addr, kind);
}
