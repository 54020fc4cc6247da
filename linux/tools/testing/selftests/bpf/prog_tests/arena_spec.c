// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses through an arena pointer on paths that only a mispredicted branch
 * leads to. There a cast may not have been done, and the register that should
 * hold an arena pointer is any 64-bit number:
 *
 *	if (c) r2 = cast(r3);  ...  if (c) r0 = *r2;
 *
 * arm64 has the cut to 32 bits in the access. On x86-64 the JIT puts one in front
 * of it, "mov esi, esi", unless one way or the other all paths to the access have
 * cut the register, those included that no condition allows. This looks at the
 * code, as the kernel gives it out, and at what faults do with such a pair.
 */
#define _GNU_SOURCE
#include <string.h>
#include "arena_insn.h"

#define NPAGES 64
#define BASE (ARENA_BASE + GiB)
#define ABSENT (BASE + 0x30000)

#define R(n) BPF_REG_##n
#define GOTOL(IMM) BPF_RAW_INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, IMM)
#define RETURN_0 BPF_MOV64_IMM(R(0), 0), BPF_EXIT_INSN()

/* In place of file descriptors */
#define ARENA 0x7fffff
#define PROGS 0x7ffffe

/* r8 = context, r9 = arena pointer to offset 0, r7 = c, r3 = a user address */
#define SETUP \
	BPF_MOV64_REG(R(8), R(1)), BPF_LD_MAP_VALUE(R(9), ARENA, 0), ARENA_TO_KERN(R(9), R(9)), \
	BPF_LDX_MEM(BPF_DW, R(7), R(9), 0), BPF_LDX_MEM(BPF_DW, R(3), R(9), 8)
/* what a register holds is not known to be cut behind this */
#define SPILL(REG) \
	BPF_STX_MEM(BPF_DW, R(10), REG, -8), BPF_LDX_MEM(BPF_DW, REG, R(10), -8)
#define LOAD(PTR, OFF) BPF_LDX_MEM(BPF_DW, R(0), PTR, OFF)

/* mov esi, edx; mov esi, esi; mov rax, [r12 + rsi]; the same + 8; [r12 + rcx] */
#define X_CAST "\x89\xd6"
#define X_CUT "\x89\xf6"
#define X_LOAD "\x49\x8b\x04\x34"
#define X_LOAD8 "\x49\x8b\x44\x34\x08"
#define X_LOAD_CX "\x49\x8b\x04\x0c"

/* None of these strings has a 0. */
struct spec {
	const char *name;
	const char *has;	/* in a row in the code on x86-64 */
	const char *lacks;
	struct bpf_insn insns[40];
};

static const struct spec cut_before[] = {
	{ "cast right before", X_CAST X_LOAD X_LOAD8, X_CUT X_LOAD,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), LOAD(R(2), 0), LOAD(R(2), 8), RETURN_0 } },
	{ "32-bit arithmetic", X_LOAD "\x83\xc6\x08" X_LOAD, X_CUT X_LOAD,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), LOAD(R(2), 0), BPF_ALU64_IMM(BPF_ADD, R(2), 8),
	    LOAD(R(2), 0), RETURN_0 } },
	{ "copy", "\x89\xd1\x48\x89\xce" X_LOAD, X_CUT X_LOAD,
	  { SETUP, ARENA_TO_KERN(R(4), R(3)), BPF_MOV64_REG(R(2), R(4)), LOAD(R(2), 0),
	    RETURN_0 } },
	{ "behind a conditional jump", X_LOAD, X_CUT X_LOAD,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), BPF_JMP_IMM(BPF_JEQ, R(7), 0, 1),
	    LOAD(R(2), 0), RETURN_0 } },
	{ "before a branch", X_LOAD, X_CUT X_LOAD,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), BPF_JMP_IMM(BPF_JEQ, R(7), 0, 1),
	    BPF_MOV64_IMM(R(5), 1), LOAD(R(2), 0), RETURN_0 } },
	{ "in both branches", X_LOAD X_LOAD8, X_CUT X_LOAD,
	  { SETUP, BPF_JMP_IMM(BPF_JEQ, R(7), 0, 2), ARENA_TO_KERN(R(2), R(3)),
	    BPF_JMP_A(1), ARENA_TO_KERN(R(2), R(7)), LOAD(R(2), 0), LOAD(R(2), 8), RETURN_0 } },
	{ "before a loop", X_LOAD X_LOAD8, X_CUT X_LOAD,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), BPF_MOV64_IMM(R(8), 10), LOAD(R(2), 0),
	    LOAD(R(2), 8), BPF_ALU64_IMM(BPF_ADD, R(2), 16), BPF_ALU64_IMM(BPF_SUB, R(8), 1),
	    BPF_JMP_IMM(BPF_JNE, R(8), 0, -5), RETURN_0 } },
	{ "before a loop with may_goto", X_LOAD, X_CUT X_LOAD,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), MAY_GOTO(2), LOAD(R(2), 0), BPF_JMP_A(-3),
	    RETURN_0 } },
	{ "behind the return", X_LOAD, X_CUT X_LOAD,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), BPF_JMP_A(4), SPILL(R(2)), RETURN_0, LOAD(R(2), 0),
	    BPF_JMP_IMM(BPF_JEQ, R(7), 0, -6), BPF_JMP_A(-5) } },
	{ "fetch_or", X_CAST "\x49\x89\xc2" X_LOAD, X_CUT "\x49\x89\xc2",
	  { SETUP, BPF_MOV64_IMM(R(0), 0), ARENA_TO_KERN(R(2), R(3)),
	    BPF_ATOMIC_OP(BPF_DW, BPF_OR | BPF_FETCH, R(2), R(7), 0), RETURN_0 } },
};

/* Paths without a cast: the first is that of the head of this file. */
static const struct spec paths[] = {
	{ "the cast is jumped over", X_CUT X_LOAD X_LOAD8, X_CUT X_LOAD8,
	  { SETUP, BPF_MOV64_REG(R(2), R(7)), BPF_JMP_IMM(BPF_JEQ, R(7), 0, 1),
	    ARENA_TO_KERN(R(2), R(3)), BPF_JMP_IMM(BPF_JEQ, R(7), 0, 2), LOAD(R(2), 0),
	    LOAD(R(2), 8), RETURN_0 } },
	{ "by jmp32", X_CUT X_LOAD, NULL,
	  { SETUP, BPF_MOV64_REG(R(2), R(7)), BPF_JMP32_IMM(BPF_JEQ, R(7), 0, 1),
	    ARENA_TO_KERN(R(2), R(3)), BPF_JMP32_IMM(BPF_JEQ, R(7), 0, 1), LOAD(R(2), 0),
	    RETURN_0 } },
	{ "by gotol", X_CUT X_LOAD, NULL,
	  { SETUP, BPF_MOV64_REG(R(2), R(7)), BPF_JMP_IMM(BPF_JEQ, R(7), 0, 1),
	    BPF_JMP_A(1), GOTOL(1), ARENA_TO_KERN(R(2), R(3)), BPF_JMP_IMM(BPF_JEQ, R(7), 0, 1), LOAD(R(2), 0),
	    RETURN_0 } },
	{ "by may_goto", X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)), MAY_GOTO(1),
	    ARENA_TO_KERN(R(2), R(3)), LOAD(R(2), 0), RETURN_0 } },
	{ "round a loop", X_CUT X_LOAD X_LOAD8, X_CUT X_LOAD8,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), BPF_MOV64_IMM(R(8), 10), LOAD(R(2), 0),
	    LOAD(R(2), 8), SPILL(R(2)), BPF_ALU64_IMM(BPF_SUB, R(8), 1),
	    BPF_JMP_IMM(BPF_JNE, R(8), 0, -6), RETURN_0 } },
	{ "round a loop in a loop", X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), BPF_MOV64_IMM(R(8), 3), BPF_MOV64_IMM(R(5), 3),
	    LOAD(R(2), 0), BPF_ALU64_IMM(BPF_SUB, R(5), 1), BPF_JMP_IMM(BPF_JNE, R(5), 0, -3),
	    SPILL(R(2)), BPF_ALU64_IMM(BPF_SUB, R(8), 1), BPF_JMP_IMM(BPF_JNE, R(8), 0, -8),
	    RETURN_0 } },
	{ "copy of what is not known", "\x48\x89\xce" X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(4), R(3)), SPILL(R(4)), BPF_MOV64_REG(R(2), R(4)),
	    LOAD(R(2), 0), RETURN_0 } },
	/* there is no other way than straight on, past a jump that is always taken */
	{ "behind a jump", X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), BPF_JMP_IMM(BPF_JEQ, R(7), 0, 3), SPILL(R(2)),
	    BPF_JMP_A(1), LOAD(R(2), 0), RETURN_0 } },
	{ "behind a jump to the return", X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), BPF_JMP_IMM(BPF_JEQ, R(7), 0, 2), RETURN_0,
	    BPF_JMP_IMM(BPF_JEQ, R(3), 0, 4), SPILL(R(2)), RETURN_0, LOAD(R(2), 0), RETURN_0 } },
	{ "helper", "\x89\xdb\x49\x8b\x04\x1c", NULL,
	  { SETUP, ARENA_TO_KERN(R(6), R(3)), BPF_EMIT_CALL(BPF_FUNC_ktime_get_ns),
	    LOAD(R(6), 0), RETURN_0 } },
	{ "behind a subprogram", "\x89\xdb\x49\x8b\x04\x1c", NULL,
	  { SETUP, ARENA_TO_KERN(R(6), R(3)), BPF_CALL_REL(3), LOAD(R(6), 0), RETURN_0,
	    RETURN_0 } },
	{ "a subprogram's argument", "\x89\xff\x49\x8b\x04\x3c", NULL,
	  { SETUP, ARENA_TO_KERN(R(1), R(3)), BPF_CALL_REL(1), BPF_EXIT_INSN(), LOAD(R(1), 0),
	    BPF_EXIT_INSN() } },
	{ "tail call", "\x89\xdb\x49\x8b\x04\x1c", NULL,
	  { SETUP, ARENA_TO_KERN(R(6), R(3)), BPF_MOV64_REG(R(1), R(8)),
	    BPF_LD_MAP_FD(R(2), PROGS), BPF_MOV64_IMM(R(3), 0),
	    BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call), LOAD(R(6), 0),
	    RETURN_0 } },
};

#define BACK BPF_JMP_A(-2)
#define BACK5 BACK, BACK, BACK, BACK, BACK

/*
 * Jump after jump back, from behind a cast of r4 and a spill of r2. Each pass of
 * the JIT sees one of them more. It gives up after 16: then r4 is not known either.
 */
static const struct spec chains[] = {
	{ "r4 behind 6 jumps", X_LOAD_CX X_CUT X_LOAD, "\x89\xc9" X_LOAD_CX,
	  { SETUP, ARENA_TO_KERN(R(4), R(3)), ARENA_TO_KERN(R(2), R(3)), BPF_JMP_A(10),
	    LOAD(R(4), 0), LOAD(R(2), 0), RETURN_0, BPF_JMP_A(-5), BACK5, SPILL(R(2)),
	    BPF_JMP_A(-4) } },
	{ "r4 behind 21 jumps", "\x89\xc9" X_LOAD_CX X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(4), R(3)), ARENA_TO_KERN(R(2), R(3)), BPF_JMP_A(25),
	    LOAD(R(4), 0), LOAD(R(2), 0), RETURN_0, BPF_JMP_A(-5), BACK5, BACK5, BACK5, BACK5,
	    SPILL(R(2)), BPF_JMP_A(-4) } },
};

/* A cast and an access if c. The other path has neither, and comes by the access. */
#define IF_CAST(REG) \
	BPF_JMP_IMM(BPF_JEQ, R(7), 0, 1), ARENA_TO_KERN(REG, R(3)), \
	BPF_JMP_IMM(BPF_JEQ, R(7), 0, 1), LOAD(REG, 0)
#define SIGN_EXTENDED(DST, SRC) \
	BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, DST, SRC, 32, 0), IF_CAST(DST)

/* The register is written with 64 bits, some of which come from the stack. */
static const struct spec writes[] = {
	{ "spilled", X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)), LOAD(R(2), 0), RETURN_0 } },
	{ "sign-extending move of what is cut", X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(4), R(3)), SIGN_EXTENDED(R(2), R(4)), RETURN_0 } },
	{ "sign-extending load", X_CUT X_LOAD, NULL,
	  { SETUP, BPF_RAW_INSN(BPF_LDX | BPF_MEMSX | BPF_W, R(4), R(9), 0, 0),
	    BPF_MOV64_REG(R(2), R(4)), IF_CAST(R(2)), RETURN_0 } },
	{ "load_acquire over what is cut", X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), LOAD(R(2), 0),
	    BPF_ATOMIC_OP(BPF_DW, BPF_LOAD_ACQ, R(2), R(9), 0), IF_CAST(R(2)), RETURN_0 } },
	{ "division saves rdx", "\x89\xd2\x49\x8b\x04\x14", NULL,
	  { SETUP, ARENA_TO_KERN(R(3), R(3)), BPF_ALU32_IMM(BPF_DIV, R(7), 3), LOAD(R(3), 0),
	    RETURN_0 } },
	{ "shift saves rcx", "\x89\xc9\x49\x8b\x04\x0c", NULL,
	  { SETUP, ARENA_TO_KERN(R(4), R(3)), BPF_ALU64_REG(BPF_LSH, R(3), R(7)), LOAD(R(4), 0),
	    RETURN_0 } },
	{ "fetch_or saves rax", "\x89\xc0\x49\x8b\x34\x04", NULL,
	  { SETUP, ARENA_TO_KERN(R(0), R(3)),
	    BPF_ATOMIC_OP(BPF_DW, BPF_OR | BPF_FETCH, R(9), R(7), 0),
	    BPF_LDX_MEM(BPF_DW, R(2), R(0), 0), RETURN_0 } },
};

/* What comes behind the cut */
static const struct spec accesses[] = {
	{ "u8 load", X_CUT "\x41\x0f\xb6\x04\x34", NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)), BPF_LDX_MEM(BPF_B, R(0), R(2), 0),
	    RETURN_0 } },
	{ "immediate store", X_CUT "\x49\xc7\x04\x34\x07", NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)), BPF_ST_MEM(BPF_DW, R(2), 0, 7),
	    RETURN_0 } },
	{ "s8 load", X_CUT "\x49\x0f\xbe\x04\x34", NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)),
	    BPF_RAW_INSN(BPF_LDX | BPF_MEMSX | BPF_B, R(0), R(2), 0, 0), RETURN_0 } },
	{ "load_acquire", X_CUT X_LOAD, NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)),
	    BPF_ATOMIC_OP(BPF_DW, BPF_LOAD_ACQ, R(0), R(2), 0), RETURN_0 } },
	{ "store_release", X_CUT "\x4d\x89\x2c\x34", NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)),
	    BPF_ATOMIC_OP(BPF_DW, BPF_STORE_REL, R(2), R(7), 0), RETURN_0 } },
	{ "store", X_CUT "\x4d\x89\x2c\x34", NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)), BPF_STX_MEM(BPF_DW, R(2), R(7), 0),
	    RETURN_0 } },
	{ "atomic", X_CUT "\xf0\x4d\x01\x2c\x34", NULL,
	  { SETUP, ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)),
	    BPF_ATOMIC_OP(BPF_DW, BPF_ADD, R(2), R(7), 0), RETURN_0 } },
	{ "fetch_or", X_CUT "\x49\x89\xc2" X_LOAD, NULL,
	  { SETUP, BPF_MOV64_IMM(R(0), 0), ARENA_TO_KERN(R(2), R(3)), SPILL(R(2)),
	    BPF_ATOMIC_OP(BPF_DW, BPF_OR | BPF_FETCH, R(2), R(7), 0), RETURN_0 } },
	{ "fetch_or by r0", "\x89\xc0\x49\x89\xc2\x4b\x8b\x04\x14", NULL,
	  { SETUP, ARENA_TO_KERN(R(0), R(3)), SPILL(R(0)),
	    BPF_ATOMIC_OP(BPF_DW, BPF_OR | BPF_FETCH, R(0), R(7), 0), RETURN_0 } },
};

struct fixture {
	int arena;
	int progs;
	__u64 *area;
};

static bool setup(struct fixture *f)
{
	f->arena = arena_create(NPAGES, 0, BASE);
	if (!ASSERT_GE(f->arena, 0, "create"))
		return false;
	f->progs = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "progs", 4, 4, 1, NULL);
	f->area = arena_mmap_at(f->arena, NPAGES, BASE);
	if (ASSERT_EQ((__u64)f->area, BASE, "mmap") && ASSERT_GE(f->progs, 0, "prog array"))
		return true;
	close(f->progs);
	close(f->arena);
	return false;
}

static void teardown(struct fixture *f)
{
	munmap(f->area, arena_bytes(NPAGES));
	close(f->progs);
	close(f->arena);
}

static int load(const struct fixture *f, const struct bpf_insn *from, int max, __u32 flags)
{
	struct bpf_insn insns[40];
	int i, n = 0;

	memcpy(insns, from, max * sizeof(*insns));
	for (i = 0; i < max; i++) {
		if (insns[i].code)
			n = i + 1;
		if (insns[i].code != (BPF_LD | BPF_DW | BPF_IMM))
			continue;
		if (insns[i].imm == ARENA)
			insns[i].imm = f->arena;
		else if (insns[i].imm == PROGS)
			insns[i].imm = f->progs;
	}
	return arena_load_insns(insns, n, flags, NULL);
}

#if defined(__x86_64__)

static bool has(const struct arena_code *code, const char *bytes)
{
	return memmem(code->bytes, code->len, bytes, strlen(bytes));
}

static void check_code(const struct arena_code *code, const struct spec *s)
{
	ASSERT_TRUE(has(code, s->has), s->name);
	if (s->lacks)
		ASSERT_FALSE(has(code, s->lacks), s->name);
}

#elif defined(__aarch64__)

/*
 * Load or store with a register as offset, or ADD of a register that is extended:
 * the lower half of it, UXTW
 */
static bool is_uxtw(__u32 insn)
{
	return (insn & 0x3b20ec00) == 0x38204800 || (insn & 0xffe0e000) == 0x8b204000;
}

static void check_code(const struct arena_code *code, const struct spec *s)
{
	int i, want = 0, uxtw = 0;
	__u32 insn;

	for (i = 0; i + 4 <= code->len; i += 4) {
		memcpy(&insn, code->bytes + i, sizeof(insn));
		uxtw += is_uxtw(insn);
	}
	for (i = 0; i < ARRAY_SIZE(s->insns); i++) {
		const struct bpf_insn *b = &s->insns[i];

		if (BPF_CLASS(b->code) == BPF_LDX)
			want += b->src_reg != R(10);
		else if (BPF_CLASS(b->code) == BPF_ST || BPF_CLASS(b->code) == BPF_STX)
			want += b->dst_reg != R(10);
	}
	ASSERT_EQ(uxtw, want, s->name);
}

#endif

static void check_specs(const struct spec *specs, int n, __u32 flags)
{
	struct arena_code code;
	struct fixture f;
	int i, fd;

	if (!setup(&f))
		return;
	for (i = 0; i < n; i++) {
		fd = load(&f, specs[i].insns, ARRAY_SIZE(specs[i].insns), flags);
		if (!ASSERT_GE(fd, 0, specs[i].name))
			continue;
		if (arena_get_code(fd, &code))
			check_code(&code, &specs[i]);
		close(fd);
	}
	teardown(&f);
}

#define CHECK_SPECS(SPECS, FLAGS) check_specs(SPECS, ARRAY_SIZE(SPECS), FLAGS)

/* Settings that make the kernel put instructions between ours */
static void check_settings(void)
{
	int old;

	CHECK_SPECS(cut_before, BPF_F_TEST_RND_HI32);
	CHECK_SPECS(paths, BPF_F_TEST_RND_HI32);
	CHECK_SPECS(writes, BPF_F_TEST_RND_HI32);
	old = arena_sysctl(JIT_HARDEN, 2);
	if (!ASSERT_GE(old, 0, "bpf_jit_harden"))
		return;
	CHECK_SPECS(paths, 0);
	CHECK_SPECS(writes, 0);
	arena_sysctl(JIT_HARDEN, old);
}

/* Of an access behind a cut, the access is what faults and what is skipped. */
struct fault {
	const char *name;
	struct bpf_insn insn;	/* offset 16 */
	int ptr;
	__u64 r0, r4;	/* 77 and 5 before, r0 the pointer if that is ptr */
};

#define ATOMIC(SIZE, OP, PTR) BPF_ATOMIC_OP(SIZE, OP, PTR, R(4), 16)

static const struct fault faults[] = {
	{ "load", BPF_LDX_MEM(BPF_DW, R(0), R(2), 16), R(2), 0, 5 },
	{ "load into the pointer", BPF_LDX_MEM(BPF_DW, R(0), R(0), 16), R(0), 0, 5 },
	{ "load by r6", BPF_LDX_MEM(BPF_B, R(4), R(6), 16), R(6), 77, 0 },
	{ "store", BPF_STX_MEM(BPF_W, R(2), R(4), 16), R(2), 77, 5 },
	{ "immediate store", BPF_ST_MEM(BPF_H, R(2), 16, 7), R(2), 77, 5 },
	{ "add", ATOMIC(BPF_DW, BPF_ADD, R(2)), R(2), 77, 5 },
	{ "fetch_add", ATOMIC(BPF_W, BPF_ADD | BPF_FETCH, R(2)), R(2), 77, 0 },
	{ "xchg", ATOMIC(BPF_DW, BPF_XCHG, R(8)), R(8), 77, 0 },
	{ "cmpxchg", ATOMIC(BPF_DW, BPF_CMPXCHG, R(2)), R(2), 0, 5 },
	{ "fetch_or", ATOMIC(BPF_DW, BPF_OR | BPF_FETCH, R(2)), R(2), 77, 0 },
	{ "fetch_xor u32", ATOMIC(BPF_W, BPF_XOR | BPF_FETCH, R(6)), R(6), 77, 0 },
	{ "fetch_and by r0", ATOMIC(BPF_DW, BPF_AND | BPF_FETCH, R(0)), R(0), (__u32)ABSENT, 0 },
};

static void check_fault(const struct fixture *f, const struct fault *c)
{
	const struct bpf_insn insns[] = {
		SETUP, BPF_MOV64_IMM(R(0), 77), BPF_MOV64_IMM(R(4), 5), ARENA_TO_KERN(c->ptr, R(3)),
		SPILL(c->ptr), c->insn, BPF_STX_MEM(BPF_DW, R(9), R(0), 16),
		BPF_STX_MEM(BPF_DW, R(9), R(4), 24), BPF_MOV64_IMM(R(0), 42), BPF_EXIT_INSN(),
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	long long before = arena_fdinfo(f->arena, "faults");
	int fd = load(f, insns, ARRAY_SIZE(insns), 0);

	if (!ASSERT_GE(fd, 0, c->name))
		return;
	f->area[1] = ABSENT;
	f->area[2] = -1;
	f->area[3] = -1;
	ASSERT_OK(bpf_prog_test_run_opts(fd, &opts), c->name);
	close(fd);
	ASSERT_EQ(opts.retval, 42, c->name);
	ASSERT_EQ(f->area[2], c->r0, c->name);
	ASSERT_EQ(f->area[3], c->r4, c->name);
	ASSERT_EQ(arena_fdinfo(f->arena, "faults"), before + 1, c->name);
	ASSERT_EQ(arena_fdinfo(f->arena, "last_fault"), ABSENT + 16, c->name);
}

static void check_faults(void)
{
	struct fixture f;
	int i;

	if (!setup(&f))
		return;
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		check_fault(&f, &faults[i]);
	teardown(&f);
}

void serial_test_arena_spec(void)
{
	if (test__start_subtest("hazard_23_cut_before"))
		CHECK_SPECS(cut_before, 0);
	if (test__start_subtest("hazard_23_paths"))
		CHECK_SPECS(paths, 0);
	if (test__start_subtest("hazard_23_chains"))
		CHECK_SPECS(chains, 0);
	if (test__start_subtest("hazard_23_writes"))
		CHECK_SPECS(writes, 0);
	if (test__start_subtest("hazard_23_accesses"))
		CHECK_SPECS(accesses, 0);
	if (test__start_subtest("hazard_23_settings"))
		check_settings();
	if (test__start_subtest("hazard_23_faults"))
		check_faults();
}
