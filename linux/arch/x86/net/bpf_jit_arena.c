// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arenas in x86-64 code
 *
 * An arena pointer is 32 bits wide, and the kernel has the arena at a base of its
 * own. An access is one insn that adds the two:
 *
 *	r12 + reg + off		r12 is the base in functions that access an arena
 *
 *	r1 = *(u32 *)(r2 + 8)	mov edi, [r12 + rsi + 8]
 *	lock *(u64 *)(r2) += r1	lock add [r12 + rsi], rdi
 *	r1 = (user) r1		or edi, edi; je +7; or rdi, [rip + upper half]
 *	r1 = (kaddr) r1		mov edi, edi; lea rdi, [r12 + rdi]
 *
 * No BPF register is r12. A function that uses it saves the caller's on its stack, next
 * to what may_goto has there: bpf_may_goto.c draws it.
 *
 * A page of the arena may be absent. Each access has an entry in the exception table,
 * which skips it, counts the fault, and clears what a load or a fetching atomic would
 * have written. Stores leave all registers alone.
 *
 *	ex->fixup	bits 0-7	bytes to skip from the insn on
 *			8-15		register to clear, as offset in struct pt_regs
 *			16-23		register with the index, likewise
 *			24-31		enum bpf_arena_access, 0: not to an arena
 *	ex->data	EX_TYPE_BPF, and the insn's displacement in the upper half
 *
 * Those of loads of kernel memory have no more than the lower 16 bits of fixup.
 *
 * Invariants:
 *   - The upper half of the index register is 0, also under speculation: see
 *     find_zext().
 *   - Where r12 is the caller's again, nothing of the program follows, not even under
 *     speculation: see x86_arena_stop().
 */
#include <linux/bpf.h>
#include <linux/bpf_arena.h>
#include <linux/filter.h>
#include <asm/extable.h>
#include <asm/tlbflush.h>

#include "bpf_jit_comp.h"

/* In place of the offset of a register in struct pt_regs: there is none */
#define EX_CLEAR_NONE	1

/* What is to be known about an access that faults, see above */
struct ex_bpf {
	u8 clear;
	u8 index;
	u8 access;
	s16 off;
};

/**
 * x86_arena_fixup() - go on after a fault in an access to an arena
 * @x: the access' entry in a program's exception table
 * @regs: of the fault
 *
 * Context: any that programs run in.
 * Return: false if it was none to an arena, and nothing was done
 */
bool x86_arena_fixup(const struct exception_table_entry *x, struct pt_regs *regs)
{
	u32 clear = (x->fixup >> 8) & 0xff, index = (x->fixup >> 16) & 0xff;
	u8 access = x->fixup >> 24;

	if (!access)
		return false;
	index = *(unsigned long *)((void *)regs + index);
	bpf_arena_fault(regs->ip, regs->r12 + index + (x->data >> 16), access);
	if (clear != EX_CLEAR_NONE)
		*(unsigned long *)((void *)regs + clear) = 0;
	regs->ip += x->fixup & 0xff;
	return true;
}

/*
 * Add an exception table entry for the x86 insn at insn. It makes
 * x86_arena_fixup() skip len bytes, mostly just the insn, and do what is said in
 * what. While no table is there yet, there is nothing to do.
 */
static int emit_extable_entry(struct bpf_prog *bpf_prog, u8 *image, u8 *rw_image,
			      u8 *insn, u32 len, struct ex_bpf what, int *excnt)
{
	struct exception_table_entry *ex;
	s64 delta;

	if (!bpf_prog->aux->extable)
		return 0;

	if (*excnt >= bpf_prog->aux->num_exentries) {
		pr_err("ex gen bug\n");
		return -EFAULT;
	}
	ex = &bpf_prog->aux->extable[(*excnt)++];

	delta = insn - (u8 *)&ex->insn;
	if (delta != (s32)delta) {
		pr_err("extable->insn doesn't fit into 32-bit\n");
		return -EFAULT;
	}
	/* switch ex to rw buffer for writes */
	ex = (void *)rw_image + ((void *)ex - (void *)image);

	ex->insn = delta;
	ex->data = EX_TYPE_BPF | EX_DATA_IMM(what.off);
	ex->fixup = len | (what.clear << 8) | (what.index << 16) | (what.access << 24);
	return 0;
}

/* movabs r12, kern_vm_start */
static void emit_load_arena_base(u8 **pprog, const struct bpf_arena *arena)
{
	u64 base = bpf_arena_kern_vm_start(arena);

	*pprog = put(put_bytes(*pprog, 0x49, 0xBC), base, 8);
}

/* The BPF register that an access through an arena pointer adds to r12 */
static u8 arena_index(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX ? insn->src_reg : insn->dst_reg;
}

/* REX prefix of an access to [r12 + idx_reg + off] with val_reg as operand */
static u8 arena_rex(u32 idx_reg, u32 val_reg, bool is64)
{
	return 0x41 | (is64 ? 8 : 0) | (is_ereg(val_reg) ? 4 : 0) |
	       (is_ereg(idx_reg) ? 2 : 0);
}

/* ModR/M, SIB and displacement of an access to [r12 + idx_reg + off]; reg is
 * the register field of ModR/M.
 */
static void emit_arena_suffix(u8 **pprog, u32 idx_reg, u8 reg, int off)
{
	u8 sib = (reg2hex[idx_reg] << 3) | 4 /* r12 */;
	u8 modrm = (reg << 3) | 4 /* SIB follows */;
	u8 *prog = *pprog;

	if (!off)
		prog = put_bytes(prog, modrm, sib);
	else if (off == (s8)off)
		prog = put_bytes(prog, 0x40 | modrm, sib, off);
	else
		prog = put(put_bytes(prog, 0x80 | modrm, sib), off, 4);
	*pprog = prog;
}

/*
 * On x86 every load is an acquire and every store a release: what the JIT makes of
 * such an insn, or of any other.
 */
static struct bpf_insn plain_access(struct bpf_insn insn)
{
	u8 mode = BPF_MODE(insn.code) == BPF_PROBE_ATOMIC ? BPF_PROBE_MEM32 : BPF_MEM;

	if (insn_is_load_acquire(&insn))
		insn.code = BPF_LDX | mode | BPF_SIZE(insn.code);
	else if (insn_is_store_release(&insn))
		insn.code = BPF_STX | mode | BPF_SIZE(insn.code);
	return insn;
}

/* LDX: dst_reg = *(size *)(r12 + src_reg + off) */
static void emit_arena_ldx(u8 **pprog, const struct bpf_insn *insn)
{
	u32 size = BPF_SIZE(insn->code);
	bool sx = insn_is_ldsx(insn);
	u8 *prog = *pprog;

	prog = put_bytes(prog, arena_rex(insn->src_reg, insn->dst_reg, size == BPF_DW || sx));
	if (size == BPF_B)
		prog = put_bytes(prog, 0x0F, sx ? 0xBE : 0xB6);	/* movsx, movzx, byte */
	else if (size == BPF_H)
		prog = put_bytes(prog, 0x0F, sx ? 0xBF : 0xB7);	/* movsx, movzx, word */
	else
		prog = put_bytes(prog, sx ? 0x63 : 0x8B);	/* movsxd, mov */
	emit_arena_suffix(&prog, insn->src_reg, reg2hex[insn->dst_reg], insn->off);
	*pprog = prog;
}

/* STX: *(size *)(r12 + dst_reg + off) = src_reg */
static void emit_arena_stx(u8 **pprog, const struct bpf_insn *insn)
{
	u32 size = BPF_SIZE(insn->code);
	u8 *prog = *pprog;

	if (size == BPF_H)
		prog = put_bytes(prog, 0x66);
	prog = put_bytes(prog, arena_rex(insn->dst_reg, insn->src_reg, size == BPF_DW),
			 size == BPF_B ? 0x88 : 0x89);
	emit_arena_suffix(&prog, insn->dst_reg, reg2hex[insn->src_reg], insn->off);
	*pprog = prog;
}

/* ST: *(size *)(r12 + dst_reg + off) = imm */
static void emit_arena_st(u8 **pprog, const struct bpf_insn *insn)
{
	u32 size = BPF_SIZE(insn->code);
	u8 *prog = *pprog;

	if (size == BPF_H)
		prog = put_bytes(prog, 0x66);
	prog = put_bytes(prog, arena_rex(insn->dst_reg, BPF_REG_0, size == BPF_DW),
			 size == BPF_B ? 0xC6 : 0xC7);
	emit_arena_suffix(&prog, insn->dst_reg, 0, insn->off);
	prog = put(prog, insn->imm, min(bpf_size_to_bytes(size), 4));
	*pprog = prog;
}

static int emit_arena_atomic(u8 **pprog, const struct bpf_insn *insn)
{
	bool is64 = BPF_SIZE(insn->code) == BPF_DW;
	u8 *prog = *pprog;

	prog = put_bytes(prog, 0xF0 /* lock */, arena_rex(insn->dst_reg, insn->src_reg, is64));
	switch (insn->imm) {
	case BPF_ADD:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
		prog = put_bytes(prog, simple_alu_opcodes[insn->imm]);
		break;
	case BPF_ADD | BPF_FETCH:
		prog = put_bytes(prog, 0x0F, 0xC1);	/* xadd */
		break;
	case BPF_XCHG:
		prog = put_bytes(prog, 0x87);		/* xchg */
		break;
	case BPF_CMPXCHG:
		prog = put_bytes(prog, 0x0F, 0xB1);	/* cmpxchg */
		break;
	default:
		pr_err("bpf_jit: unknown arena atomic opcode %02x\n", insn->imm);
		return -EFAULT;
	}
	emit_arena_suffix(&prog, insn->dst_reg, reg2hex[insn->src_reg], insn->off);
	*pprog = prog;
	return 0;
}

/* One x86 insn for one access through an arena pointer */
static int emit_arena_access(u8 **pprog, const struct bpf_insn *insn)
{
	if (BPF_MODE(insn->code) == BPF_PROBE_ATOMIC)
		return emit_arena_atomic(pprog, insn);
	if (BPF_CLASS(insn->code) == BPF_LDX)
		emit_arena_ldx(pprog, insn);
	else if (BPF_CLASS(insn->code) == BPF_ST)
		emit_arena_st(pprog, insn);
	else
		emit_arena_stx(pprog, insn);
	return 0;
}

static bool is_fetch_loop(const struct bpf_insn *insn)
{
	return BPF_MODE(insn->code) == BPF_PROBE_ATOMIC &&
	       (insn->imm == (BPF_AND | BPF_FETCH) ||
		insn->imm == (BPF_OR | BPF_FETCH) ||
		insn->imm == (BPF_XOR | BPF_FETCH));
}

/*
 * src_reg = atomic_fetch_<op>(r12 + dst_reg + off, src_reg), a loop around
 * cmpxchg. Each of the two accesses may fault, the second one also if the page
 * goes away after the first. A fault sets rax, the result, to 0 and leaves the
 * loop.
 */
static int emit_arena_fetch_loop(u8 **pprog, const struct bpf_insn *insn,
				 struct bpf_prog *bpf_prog, u8 *image, u8 *rw_image,
				 int proglen, int *excnt)
{
	const u32 src = insn->src_reg == BPF_REG_0 ? BPF_REG_AX : insn->src_reg;
	const u32 dst = insn->dst_reg == BPF_REG_0 ? BPF_REG_AX : insn->dst_reg;
	const bool is64 = BPF_SIZE(insn->code) == BPF_DW;
	struct bpf_insn load = BPF_RAW_INSN(BPF_LDX | BPF_PROBE_MEM32 | BPF_SIZE(insn->code),
					    BPF_REG_0, dst, insn->off, 0);
	struct bpf_insn swap = BPF_RAW_INSN(insn->code, dst, AUX_REG, insn->off,
					    BPF_CMPXCHG);
	const struct ex_bpf what = {
		.clear = reg2pt_regs[BPF_REG_0], .index = reg2pt_regs[dst],
		.access = BPF_ARENA_ATOMIC, .off = insn->off,
	};
	u8 *prog = *pprog, *start = *pprog, *loop, *access, *end;
	int err;

	/* rax is cmpxchg's operand, save R0 */
	emit_mov_reg(&prog, true, BPF_REG_AX, BPF_REG_0);
	loop = prog;
	emit_arena_ldx(&prog, &load);
	emit_mov_reg(&prog, is64, AUX_REG, BPF_REG_0);
	maybe_emit_mod(&prog, AUX_REG, src, is64);
	prog = put_bytes(prog, simple_alu_opcodes[BPF_OP(insn->imm)], modrm_regs(AUX_REG, src));
	access = prog;
	emit_arena_atomic(&prog, &swap);
	prog = put_bytes(prog, 0x75 /* jne */, -(prog - loop) - 2);
	end = prog;
	emit_mov_reg(&prog, is64, src, BPF_REG_0);
	emit_mov_reg(&prog, true, BPF_REG_0, BPF_REG_AX);
	*pprog = prog;

	err = emit_extable_entry(bpf_prog, image, rw_image, image + proglen + (loop - start),
				 end - loop, what, excnt);
	return err ?: emit_extable_entry(bpf_prog, image, rw_image,
					 image + proglen + (access - start),
					 end - access, what, excnt);
}

/* What a fault in an access that is one x86 insn means */
static struct ex_bpf arena_ex(const struct bpf_insn *insn)
{
	struct ex_bpf what = {
		.clear = EX_CLEAR_NONE, .index = reg2pt_regs[arena_index(insn)],
		.access = BPF_ARENA_WRITE, .off = insn->off,
	};

	if (BPF_CLASS(insn->code) == BPF_LDX) {
		what.clear = reg2pt_regs[insn->dst_reg];
		what.access = BPF_ARENA_READ;
	} else if (BPF_MODE(insn->code) == BPF_PROBE_ATOMIC) {
		what.access = BPF_ARENA_ATOMIC;
		if (insn->imm == BPF_CMPXCHG)
			what.clear = reg2pt_regs[BPF_REG_0];
		else if (insn->imm & BPF_FETCH)
			what.clear = reg2pt_regs[insn->src_reg];
	}
	return what;
}

/* The code for an access through an arena pointer, which begins at pos in image */
static int emit_arena_insn(u8 **pprog, const struct bpf_insn *insn,
			   struct bpf_prog *bpf_prog, u8 *image, u8 *rw_image,
			   int pos, int *excnt)
{
	u8 *start = *pprog;
	int err;

	if (is_fetch_loop(insn))
		return emit_arena_fetch_loop(pprog, insn, bpf_prog, image, rw_image,
					     pos, excnt);
	err = emit_arena_access(pprog, insn);
	return err ?: emit_extable_entry(bpf_prog, image, rw_image, image + pos,
					 *pprog - start, arena_ex(insn), excnt);
}

/*
 * Accesses under speculation
 *
 * [r12 + index + off] has all 64 bits of the index register in it. On the
 * program's own paths the upper half is 0: the cast, and all arithmetic on arena
 * pointers, is done by 32-bit insns. A mispredicted branch makes other paths:
 *
 *	if (c)			c is 0
 *		r1 = cast(x);	not done, r1 is any number, out of the arena, say
 *	...
 *	if (c)			predicted to be true
 *		r0 = *r1;	reads any address of the kernel
 *
 * Whoever writes to an arena could look for this in programs of others, and see
 * in the cache what was read.
 *
 * A mispredicted jump is taken, or not, when it should not be. It goes nowhere
 * else, and so takes a path of the control flow graph, if one whose conditions
 * exclude each other. Returns may be predicted to go behind any call.
 *
 * Invariant: on all paths of the graph to an access, whether they are possible or
 * not, the last insn that wrote the index register was one that clears the
 * upper half, with no call after it. Where this is not so, find_zext() sees
 * it and there is a "mov index32, index32" right before the access, which changes
 * nothing on the program's own paths.
 */

/* Passes over the program after which jumps back are taken to bring nothing */
#define ZEXT_PASSES 16

static bool insn_is_jump(const struct bpf_insn *insn)
{
	u8 op = BPF_OP(insn->code);

	return (BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32) &&
	       op != BPF_CALL && op != BPF_TAIL_CALL && op != BPF_EXIT;
}

/* Registers that the x86 code for insn may write, with all 64 bits */
static u16 regs_written(const struct bpf_insn *insn)
{
	u8 op = BPF_OP(insn->code);

	switch (BPF_CLASS(insn->code)) {
	case BPF_JMP:
	case BPF_JMP32:
		return op == BPF_CALL || op == BPF_TAIL_CALL ? U16_MAX : 0;
	case BPF_ST:
		return 0;
	case BPF_STX:
		if (BPF_MODE(insn->code) == BPF_MEM || BPF_MODE(insn->code) == BPF_PROBE_MEM32 ||
		    !(insn->imm & BPF_FETCH))
			return 0;
		/* the result; loops around cmpxchg move R0 to AX and back */
		return BIT(insn->src_reg) | BIT(BPF_REG_0) | BIT(BPF_REG_AX);
	case BPF_ALU:
	case BPF_ALU64:
		/* rax and rdx, or rcx, are saved on the stack meanwhile */
		if (op == BPF_DIV || op == BPF_MOD)
			return BIT(insn->dst_reg) | BIT(BPF_REG_0) | BIT(BPF_REG_3);
		if ((op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH) &&
		    BPF_SRC(insn->code) == BPF_X)
			return BIT(insn->dst_reg) | BIT(BPF_REG_4);
		fallthrough;
	default:
		return BIT(insn->dst_reg);
	}
}

/* Is the upper half of dst_reg 0 after insn? zext: registers that are like this */
static bool dst_is_zext(const struct bpf_insn *insn, u16 zext)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
		return BPF_OP(insn->code) != BPF_END;	/* which may be of 64 bits */
	case BPF_ALU64:
		/* neither a cast nor sign-extending */
		return insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !insn->off &&
		       zext & BIT(insn->src_reg);
	case BPF_LDX:
		return BPF_SIZE(insn->code) != BPF_DW && !insn_is_ldsx(insn);
	default:
		return false;
	}
}

static u16 zext_after(const struct bpf_insn *insn, u16 zext)
{
	u16 dst;

	if (insn_is_arena_access(insn))
		zext |= BIT(arena_index(insn));
	dst = dst_is_zext(insn, zext) ? BIT(insn->dst_reg) : 0;
	return (zext & ~regs_written(insn)) | dst;
}

/*
 * Carry what is known before each insn to those that may follow it, and have it
 * hold for all ways to them. Returns whether a jump back has changed anything.
 *
 * Some CPUs go on behind an unconditional jump for a while, so it has two ways,
 * and so have all exits but the first: they jump there. Behind that one r12 is the
 * caller's again, and x86_arena_stop() ends the way.
 */
static bool zext_pass(const struct bpf_prog *prog, u16 *zext, bool last)
{
	const struct bpf_insn *insn = prog->insnsi;
	bool changed = false, seen_exit = false;
	struct bpf_insn plain;
	u16 after, old;
	int i, target;

	for (i = 0; i < prog->len; i++, insn++) {
		if (insn->code == (BPF_JMP | BPF_EXIT) && !seen_exit) {
			seen_exit = true;
			continue;
		}
		plain = plain_access(*insn);
		after = zext_after(&plain, zext[i]);
		zext[i + 1] &= after;
		if (!insn_is_jump(insn))
			continue;
		target = i + 1 + insn_jump_off(insn);
		old = zext[target];
		zext[target] &= last && target <= i ? 0 : after;
		changed |= target <= i && zext[target] != old;
	}
	return changed;
}

/*
 * Find the registers whose upper half is known to be 0 before each insn, as bits
 * in arena->zext. To begin with all are, but for the function's start.
 */
static int find_zext(const struct bpf_prog *prog, struct x86_arena *arena)
{
	int pass = 0;

	arena->zext = kvmalloc_array(prog->len + 1, sizeof(*arena->zext), GFP_KERNEL);
	if (!arena->zext)
		return -ENOMEM;
	memset(arena->zext, 0xff, (prog->len + 1) * sizeof(*arena->zext));
	arena->zext[0] = 0;
	while (zext_pass(prog, arena->zext, pass >= ZEXT_PASSES)) {
		pass++;
		cond_resched();
	}
	return 0;
}

/* Clear the upper half of the index register where it may be something else */
static void emit_arena_zext(u8 **pprog, const struct bpf_insn *insn, u16 zext)
{
	if (!(zext & BIT(arena_index(insn))))
		emit_mov_reg(pprog, false, arena_index(insn), arena_index(insn));
}

/*
 * dst_reg = (u32)src_reg; if (dst_reg) dst_reg |= upper half of user_vm_start
 *
 * The upper half is a constant behind the function's code, at upper_off; pos is
 * where the code emitted here begins. Both count from the start of the image.
 */
static void emit_cast_to_user(u8 **pprog, u32 dst_reg, u32 src_reg, int pos,
			      int upper_off)
{
	u8 *prog = *pprog, *start = *pprog;

	if (dst_reg == src_reg) {
		/* or dst32, dst32 */
		maybe_emit_mod(&prog, dst_reg, dst_reg, false);
		prog = put_bytes(prog, 0x09, modrm_regs(dst_reg, dst_reg));
	} else {
		emit_mov_reg(&prog, false, dst_reg, src_reg);
		/* test dst32, dst32 */
		maybe_emit_mod(&prog, dst_reg, dst_reg, false);
		prog = put_bytes(prog, 0x85, modrm_regs(dst_reg, dst_reg));
	}
	prog = put_bytes(prog, 0x74 /* je */, 7);
	/* or dst64, qword ptr [rip + offset], 7 bytes */
	prog = put_bytes(prog, is_ereg(dst_reg) ? 0x4C : 0x48, 0x0B, (reg2hex[dst_reg] << 3) | 5);
	prog = put(prog, upper_off - (pos + (int)(prog - start) + 4), 4);
	*pprog = prog;
}

/* dst_reg = r12 + (u32)src_reg, for helpers that take arena memory */
static void emit_cast_to_kaddr(u8 **pprog, u32 dst_reg, u32 src_reg)
{
	emit_mov_reg(pprog, false, dst_reg, src_reg);
	*pprog = put_bytes(*pprog, arena_rex(dst_reg, dst_reg, true), 0x8D /* lea */);
	emit_arena_suffix(pprog, dst_reg, reg2hex[dst_reg], 0);
}

/* The constant for emit_cast_to_user(). Nothing jumps here; int3 in case. */
static void emit_user_upper(u8 **pprog, const struct bpf_arena *arena)
{
	u64 upper = bpf_arena_user_vm_start(arena) & ~(u64)U32_MAX;

	*pprog = put(put_bytes(*pprog, 0xCC), upper, 8);
}

/* How many entries of the exception table the x86 code for insn has */
static int extable_entries(const struct bpf_insn *insn)
{
	if (insn_is_arena_access(insn))
		return is_fetch_loop(insn) ? 2 : 1;
	return is_probe_ldx(insn);
}

static void detect_features(struct bpf_prog *bpf_prog, struct x86_arena *arena)
{
	const struct bpf_insn *insn = bpf_prog->insnsi;
	int i, entries = 0;

	for (i = 0; i < bpf_prog->len; i++, insn++) {
		if (insn_is_arena_access(insn) || insn_is_cast_to_kaddr(insn))
			arena->uses_arena = true;
		else if (insn_is_addr_space_cast(insn))
			arena->casts_to_user = true;
		entries += extable_entries(insn);
	}
	bpf_prog->aux->num_exentries = entries;
}

/**
 * x86_arena_prepare() - look through a function before the first pass over it
 * @bpf_prog: the function, with blinded constants
 * @arena: all 0; @arena->zext is for the caller to free
 *
 * It also counts the entries of the exception table: the verifier's count is of loads
 * of kernel memory only.
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM
 */
int x86_arena_prepare(struct bpf_prog *bpf_prog, struct x86_arena *arena)
{
	detect_features(bpf_prog, arena);
	return bpf_prog->aux->arena ? find_zext(bpf_prog, arena) : 0;
}

/**
 * x86_arena_enter() - emit what saves r12 and makes room for may_goto
 * @pprog: where to, moved on: behind what the prologue has below rbp
 * @bpf_prog: the function
 * @arena: what is known about it
 * @tail_call_reachable: whether the prologue pushes the counter of tail calls
 */
void x86_arena_enter(u8 **pprog, const struct bpf_prog *bpf_prog, struct x86_arena *arena,
		     bool tail_call_reachable)
{
	x86_may_goto_init(&arena->may_goto, bpf_prog, arena->uses_arena, tail_call_reachable);
	*pprog = x86_may_goto_enter(*pprog, &arena->may_goto);
}

/**
 * x86_arena_load_base() - emit what makes r12 the arena's base, if the function needs it
 * @pprog: where to, moved on
 * @bpf_prog: the function
 * @arena: what is known about it
 */
void x86_arena_load_base(u8 **pprog, const struct bpf_prog *bpf_prog,
			 const struct x86_arena *arena)
{
	if (arena->uses_arena)
		emit_load_arena_base(pprog, bpf_prog->aux->arena);
}

/**
 * x86_arena_leave() - undo what x86_arena_enter() emitted
 * @pprog: where to, moved on
 * @arena: what is known about the function
 */
void x86_arena_leave(u8 **pprog, const struct x86_arena *arena)
{
	*pprog = x86_may_goto_leave(*pprog, &arena->may_goto);
}

/**
 * x86_arena_stop() - emit what ends speculation behind a jump out of the function
 * @pprog: where to, moved on; by one byte if the function accesses an arena
 * @arena: what is known about the function
 *
 * Some CPUs go on there for a while. r12 is the caller's by then, and the code behind
 * the jump, which the program chose, would read [r12 + index].
 */
void x86_arena_stop(u8 **pprog, const struct x86_arena *arena)
{
	if (arena->uses_arena)
		*pprog = put_bytes(*pprog, 0xCC);	/* int3 */
}

/**
 * x86_arena_insn() - emit an insn that has to do with arenas or may_goto
 * @pprog: where to, moved on
 * @bpf_prog: the function
 * @nr: of the insn in the function
 * @arena: what is known about the function
 * @image: where the code will run; NULL in the passes before it is known
 * @rw_image: where it is written meanwhile
 * @pos: of the insn's code in the image
 * @excnt: number of entries in the exception table
 *
 * Return: 1 if that was all of the insn; 0 if the rest is for bpf_jit_comp.c: of calls
 * and of a may_goto with a second condition, or all of any other insn; or -EFAULT
 */
int x86_arena_insn(u8 **pprog, struct bpf_prog *bpf_prog, int nr, struct x86_arena *arena,
		   u8 *image, u8 *rw_image, int pos, int *excnt)
{
	const struct bpf_insn *insn = &bpf_prog->insnsi[nr];
	struct x86_may_goto *mg = &arena->may_goto;
	u8 *start = *pprog;

	if (insn_is_arena_access(insn)) {
		struct bpf_insn plain = plain_access(*insn);

		emit_arena_zext(pprog, &plain, arena->zext[nr]);
		return emit_arena_insn(pprog, &plain, bpf_prog, image, rw_image,
				       pos + (*pprog - start), excnt) ?: 1;
	} else if (insn_is_cast_to_kaddr(insn)) {
		emit_cast_to_kaddr(pprog, insn->dst_reg, insn->src_reg);
		return 1;
	} else if (insn_is_addr_space_cast(insn)) {
		emit_cast_to_user(pprog, insn->dst_reg, insn->src_reg, pos,
				  arena->user_upper_off);
		return 1;
	} else if (insn->code == (BPF_JMP | BPF_JCOND)) {
		if (mg->kind == MAY_GOTO_NONE)
			return -EFAULT;
		*pprog = x86_may_goto_round(*pprog, mg, pos);
		return mg->kind != MAY_GOTO_INNER;
	} else if (insn->code == (BPF_JMP | BPF_CALL) && x86_may_goto_swaps_r12(mg, insn)) {
		*pprog = x86_may_goto_before_call(*pprog, mg);
	}
	return 0;
}

/**
 * x86_arena_after_call() - emit what makes r12 the base again, if it was not for a call
 * @pprog: where to, moved on
 * @bpf_prog: the function
 * @call: the insn, of which x86_arena_insn() has emitted the beginning
 * @arena: what is known about the function
 */
void x86_arena_after_call(u8 **pprog, const struct bpf_prog *bpf_prog,
			  const struct bpf_insn *call, const struct x86_arena *arena)
{
	if (x86_may_goto_swaps_r12(&arena->may_goto, call))
		emit_load_arena_base(pprog, bpf_prog->aux->arena);
}

/**
 * x86_arena_end() - emit what lies behind the function's code
 * @bpf_prog: the function
 * @arena: what is known about it; what the next pass needs is noted in it
 * @addrs: position of the end of each insn's code, as do_jit() has it
 * @image: where the code will run; NULL in the passes before it is known
 * @rw_image: where it is written to, or NULL
 * @proglen: position in the image
 *
 * Return: the position behind it, -EINVAL if a call gets too far
 */
int x86_arena_end(struct bpf_prog *bpf_prog, struct x86_arena *arena, const int *addrs,
		  u8 *image, u8 *rw_image, int proglen)
{
	u8 temp[16], *prog = temp;

	proglen = x86_may_goto_end(bpf_prog, &arena->may_goto, addrs, image, rw_image, proglen);
	if (proglen < 0 || !arena->casts_to_user)
		return proglen;
	emit_user_upper(&prog, bpf_prog->aux->arena);
	proglen = put_image(rw_image, proglen, temp, prog);
	arena->user_upper_off = proglen - sizeof(u64);
	return proglen;
}

bool bpf_jit_supports_arena(void)
{
	return true;
}

void bpf_jit_arena_flush(unsigned long kaddr)
{
	flush_tlb_one_kernel(kaddr);
}
