// SPDX-License-Identifier: GPL-2.0
/*
 * Loops that may_goto seems to bound, put together to get past the verifier; and
 * loops in C, all of which it has to let through.
 *
 * Each program stands for a condition in kernel/bpf/loops.c or links.c, or for a
 * part of one in verifier.c, and is accepted if that is left out. Those are not run: some
 * would keep a CPU for ever, the others read what is not theirs.
 */
#include "arena_insn.h"
#include "cap_helpers.h"
#include "arena_loops.h"
#include "arena_loops.skel.h"

#define R(n) BPF_REG_##n
#define RAND BPF_EMIT_CALL(BPF_FUNC_get_prandom_u32)
#define SET(n, val) BPF_MOV64_IMM(R(n), val)
#define COPY(n, from) BPF_MOV64_REG(R(n), R(from))
#define IF_EQ(n, val, off) BPF_JMP_IMM(BPF_JEQ, R(n), val, off)
#define IF_NE(n, val, off) BPF_JMP_IMM(BPF_JNE, R(n), val, off)
#define GOTO(off) BPF_JMP_A(off)
#define LOAD64(n, ptr, off) BPF_LDX_MEM(BPF_DW, R(n), R(ptr), off)
#define STORE64(ptr, off, n) BPF_STX_MEM(BPF_DW, R(ptr), R(n), off)
#define RETURN(val) SET(0, val), BPF_EXIT_INSN()

/* r9 = a map value of VALUE_SIZE bytes, or return; 9 instructions */
#define MAP 0x7fffff
#define VALUE_SIZE 64
/* an arena, in place of its file descriptor */
#define ARENA 0x7ffffe
#define LOOKUP								\
	BPF_ST_MEM(BPF_W, R(10), -4, 0), COPY(2, 10),			\
	BPF_ALU64_IMM(BPF_ADD, R(2), -4), BPF_LD_MAP_FD(R(1), MAP),	\
	BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),			\
	IF_NE(0, 0, 1), BPF_EXIT_INSN(), COPY(9, 0)

/* r0 = *(u8 *)(r9 + rn + off); 3 instructions */
#define INDEX_AT(n, off) \
	COPY(1, 9), BPF_ALU64_REG(BPF_ADD, R(1), R(n)), BPF_LDX_MEM(BPF_B, R(0), R(1), off)
#define INDEX(n) INDEX_AT(n, 0)
#define ADD(n, val) BPF_ALU64_IMM(BPF_ADD, R(n), val)
/* r8 = r9 + (r6 << shift), where r6 is up to max; 6 instructions, skips out from the second */
#define POINTER(max, shift, out)					\
	LOAD64(6, 9, 0), BPF_JMP_IMM(BPF_JGT, R(6), max, out), COPY(7, 6), \
	BPF_ALU64_IMM(BPF_LSH, R(7), shift), COPY(8, 9), BPF_ALU64_REG(BPF_ADD, R(8), R(7))

#define ENDLESS "infinite loop detected"
#define TOO_LONG "BPF program is too large"
#define OUTSIDE "invalid access to map value, value_size=64 off=1000 size=1"
#define UNBOUNDED "register with unbounded min value"

static int arena_fd;

struct loop {
	const char *name;
	struct bpf_insn insns[100];
	const char *msg;	/* NULL: is accepted */
	enum bpf_prog_type type;	/* 0: raw tracepoint */
	int max_insns;	/* that the verifier may follow, or 0 */
};

/* What must not be taken for a loop that ends */
static const struct loop endless[] = {
	/* The first round falls through the may_goto, the second one goes around it
	 * and meets what the first one left behind
	 */
	{ "around_the_may_goto", {
	/* 0 */	RAND,
	/* 1 */	IF_EQ(0, 0, 1),		/* A */
	/* 2 */	MAY_GOTO(2),
	/* 3 */	SET(1, 0),		/* X */
	/* 4 */	GOTO(-4),
	/* 5 */	RETURN(0),
	}, ENDLESS },
	{ "around_the_may_goto_by_jump", {
	/* 0 */	RAND,
	/* 1 */	IF_NE(0, 0, 2),		/* A */
	/* 2 */	SET(1, 0),		/* X */
	/* 3 */	GOTO(-3),
	/* 4 */	MAY_GOTO(1),
	/* 5 */	GOTO(-4),
	/* 6 */	RETURN(0),
	}, ENDLESS },
	/* When the counter is used up, which the first loop sees to, a may_goto at
	 * 4 leads to 7, around the one at 9, and back
	 */
	{ "by_the_exit", {
	/* 0 */	RAND,
	/* 1 */	SET(0, 0),
	/* 2 */	MAY_GOTO(1),
	/* 3 */	GOTO(-2),
	/* 4 */	MAY_GOTO(2),		/* A */
	/* 5 */	RETURN(0),
	/* 7 */	RAND,
	/* 8 */	IF_EQ(0, 0, 1),
	/* 9 */	MAY_GOTO(2),
	/* 10 */ SET(0, 0),
	/* 11 */ GOTO(-8),
	/* 12 */ RETURN(0),
	}, ENDLESS },
	/* may_goto in a callee: each call has a counter of its own */
	{ "counter_of_callee", {
	/* 0 */	SET(6, 0),
	/* 1 */	BPF_CALL_REL(5),	/* L */
	/* 2 */	IF_EQ(0, 0, 2),
	/* 3 */	BPF_ALU64_IMM(BPF_ADD, R(6), 1),
	/* 4 */	GOTO(-4),
	/* 5 */	RETURN(0),
	/* 7 */	MAY_GOTO(3),
	/* 8 */	MAY_GOTO(2),
	/* 9 */	RETURN(1),
	/* 11 */ RETURN(0),
	}, TOO_LONG },
	/* The second call gets to a state of the first one, which leads to the first
	 * one's may_goto
	 */
	{ "state_of_another_call", {
	/* 0 */	SET(1, 0),
	/* 1 */	BPF_CALL_REL(5),	/* L */
	/* 2 */	IF_EQ(0, 0, 2),
	/* 3 */	SET(1, 1),
	/* 4 */	GOTO(-4),
	/* 5 */	RETURN(0),
	/* 7 */	IF_NE(1, 0, 3),
	/* 8 */	MAY_GOTO(7),		/* A */
	/* 9 */	RAND,
	/* 10 */ IF_EQ(0, 0, 7),
	/* 11 */ SET(0, 0),		/* W */
	/* 12 */ SET(1, 0),
	/* 13 */ GOTO(0),
	/* 14 */ SET(0, 0),		/* V */
	/* 15 */ GOTO(-8),
	/* 16 */ RETURN(0),
	/* 18 */ RETURN(1),
	}, ENDLESS },
	{ "to_itself", { MAY_GOTO(-1), RETURN(0) }, ENDLESS },
};

/* What must not be taken for covered */
static const struct loop covered[] = {
	/* r7 is not known to matter at J before the loop is closed */
	{ "liveness_in_an_open_loop", {
	/* 0 */	LOOKUP,
	/* 9 */	SET(0, 0), SET(7, 0),
	/* 11 */ MAY_GOTO(10),
	/* 12 */ INDEX(7),
	/* 15 */ RAND,
	/* 16 */ IF_EQ(0, 0, 3),
	/* 17 */ SET(7, 0),
	/* 18 */ SET(0, 0),		/* J */
	/* 19 */ GOTO(-9),
	/* 20 */ SET(7, 1000),
	/* 21 */ GOTO(-4),
	/* 22 */ RETURN(0),
	}, OUTSIDE },
	/* An inner loop is through before it is known that r7 matters in the outer one */
	{ "inner_loop_is_not_closed", {
	/* 0 */	LOOKUP,
	/* 9 */	SET(0, 0), SET(7, 0),
	/* 11 */ MAY_GOTO(14),		/* O */
	/* 12 */ RAND,
	/* 13 */ IF_EQ(0, 0, 7),
	/* 14 */ SET(7, 0),
	/* 15 */ MAY_GOTO(10),		/* I */
	/* 16 */ RAND,
	/* 17 */ IF_EQ(0, 0, 1),
	/* 18 */ GOTO(-4),
	/* 19 */ SET(0, 0),
	/* 20 */ GOTO(-10),
	/* 21 */ INDEX(7),
	/* 24 */ SET(7, 1000),
	/* 25 */ GOTO(-11),
	/* 26 */ RETURN(0),
	}, UNBOUNDED },
	/* r7 is read in the next round only, and J entered from elsewhere */
	{ "liveness_in_a_closed_loop", {
	/* 0 */	LOOKUP,
	/* 9 */	RAND,
	/* 10 */ SET(7, 0),
	/* 11 */ IF_EQ(0, 0, 7),
	/* 12 */ SET(0, 0),
	/* 13 */ MAY_GOTO(7),
	/* 14 */ INDEX(7),
	/* 17 */ SET(0, 0),		/* J */
	/* 18 */ GOTO(-6),
	/* 19 */ SET(7, 1000),
	/* 20 */ GOTO(-4),
	/* 21 */ RETURN(0),
	}, OUTSIDE },
	/* What r6 is, matters three rounds later */
	{ "marks_go_round_and_round", {
	/* 0 */	LOOKUP,
	/* 9 */	RAND,
	/* 10 */ SET(8, 0), SET(7, 0), SET(6, 1000),
	/* 13 */ IF_NE(0, 0, 1),
	/* 14 */ SET(6, 0),
	/* 15 */ SET(0, 0),
	/* 16 */ MAY_GOTO(7),
	/* 17 */ INDEX(8),
	/* 20 */ COPY(8, 7), COPY(7, 6),
	/* 22 */ SET(0, 0),
	/* 23 */ GOTO(-8),
	/* 24 */ RETURN(0),
	}, UNBOUNDED },
	/* r6 and r7 are the same in the first round only */
	{ "no_longer_linked", {
	/* 0 */	LOOKUP,
	/* 9 */	LOAD64(6, 9, 0), COPY(7, 6),
	/* 11 */ SET(0, 0),
	/* 12 */ MAY_GOTO(8),
	/* 13 */ BPF_JMP_IMM(BPF_JGT, R(6), 63, 7),
	/* 14 */ INDEX(7),
	/* 17 */ LOAD64(6, 9, 0), LOAD64(7, 9, 8),
	/* 19 */ SET(0, 0),
	/* 20 */ GOTO(-9),
	/* 21 */ RETURN(0),
	}, UNBOUNDED },
	{ "linked_with_another", {
	/* 0 */	LOOKUP,
	/* 9 */	LOAD64(6, 9, 0), COPY(7, 6), COPY(8, 6),
	/* 12 */ SET(0, 0),
	/* 13 */ MAY_GOTO(8),
	/* 14 */ BPF_JMP_IMM(BPF_JGT, R(6), 63, 7),
	/* 15 */ INDEX(7),
	/* 18 */ LOAD64(7, 9, 8), COPY(8, 7),
	/* 20 */ SET(0, 0),
	/* 21 */ GOTO(-9),
	/* 22 */ RETURN(0),
	}, UNBOUNDED },
	/* The loop is closed when the second path gets to J */
	{ "not_linked_on_the_second_path", {
	/* 0 */	LOOKUP,
	/* 9 */	LOAD64(6, 9, 0), COPY(7, 6),
	/* 11 */ RAND,
	/* 12 */ IF_EQ(0, 0, 10),
	/* 13 */ SET(0, 0),		/* J */
	/* 14 */ MAY_GOTO(6),
	/* 15 */ BPF_JMP_IMM(BPF_JGT, R(6), 63, 5),
	/* 16 */ INDEX(7),
	/* 19 */ SET(0, 0),
	/* 20 */ GOTO(-7),
	/* 21 */ RETURN(0),
	/* 23 */ LOAD64(7, 9, 8),
	/* 24 */ GOTO(-12),
	}, UNBOUNDED },
	/* r7 is within r8 since r6 is, which is the same */
	{ "bound_of_a_linked_scalar", {
	/* 0 */	LOOKUP,
	/* 9 */	LOAD64(6, 9, 0), COPY(7, 6),
	/* 11 */ RAND,
	/* 12 */ SET(8, 64),
	/* 13 */ IF_EQ(0, 0, 9),
	/* 14 */ SET(0, 0),		/* J */
	/* 15 */ MAY_GOTO(5),
	/* 16 */ BPF_JMP_REG(BPF_JGE, R(6), R(8), 4),
	/* 17 */ INDEX(7),
	/* 20 */ GOTO(0),
	/* 21 */ SET(0, 0), BPF_EXIT_INSN(),
	/* 23 */ SET(8, 1000),
	/* 24 */ GOTO(-11),
	}, "invalid access to map value" },
	/* r6 of the caller is linked with r1 of the callee, in the first round */
	{ "not_linked_with_the_caller", {
	/* 0 */	LOOKUP,
	/* 9 */	LOAD64(6, 9, 0), COPY(1, 6),
	/* 11 */ RAND,
	/* 12 */ IF_EQ(0, 0, 9),
	/* 13 */ COPY(1, 6),
	/* 14 */ BPF_CALL_REL(10),	/* J */
	/* 15 */ IF_EQ(0, 0, 4),
	/* 16 */ COPY(7, 6),
	/* 17 */ INDEX(7),
	/* 20 */ RETURN(0),
	/* 22 */ LOAD64(1, 9, 8),
	/* 23 */ SET(0, 0),
	/* 24 */ GOTO(-11),
	/* 25 */ MAY_GOTO(3),		/* callee */
	/* 26 */ BPF_JMP_IMM(BPF_JGT, R(1), 63, 2),
	/* 27 */ RETURN(1),
	/* 29 */ RETURN(0),
	}, UNBOUNDED },
	/* r6 and r7 are linked on one path, which bounds r7. There is no may_goto. */
	{ "linked_in_a_program_with_an_arena", {
	/* 0 */	BPF_LD_MAP_FD(R(1), ARENA),
	/* 2 */	LOOKUP,
	/* 11 */ RAND, COPY(8, 0),
	/* 13 */ IF_EQ(8, 0, 4),
	/* 14 */ RAND, COPY(6, 0), COPY(7, 6), GOTO(4),
	/* 18 */ RAND, COPY(6, 0),
	/* 20 */ RAND, COPY(7, 0),
	/* 22 */ BPF_JMP_IMM(BPF_JGT, R(6), 63, 3),	/* J */
	/* 23 */ INDEX(7),
	/* 26 */ RETURN(0),
	}, UNBOUNDED },
	/* The caller's r8 matters after the call, and the callee has one of its own */
	{ "register_of_the_caller", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ SET(8, 0), RAND,
	/* 13 */ IF_EQ(0, 0, 8),
	/* 14 */ RAND, COPY(1, 0),
	/* 16 */ BPF_CALL_REL(8),
	/* 17 */ INDEX(8),
	/* 20 */ RETURN(0),
	/* 22 */ SET(8, 1000), SET(1, 1),
	/* 24 */ GOTO(-9),
	/* 25 */ IF_NE(1, 0, 3),		/* callee */
	/* 26 */ SET(0, 0),
	/* 27 */ RETURN(0),		/* J */
	/* 29 */ SET(1, 0), SET(8, 5),
	/* 31 */ GOTO(-5),
	}, OUTSIDE },
	{ "slot_of_the_caller", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ SET(8, 1), STORE64(10, -16, 8),
	/* 13 */ RAND, IF_EQ(0, 0, 9),
	/* 15 */ RAND, COPY(1, 0),
	/* 17 */ BPF_CALL_REL(10),
	/* 18 */ LOAD64(8, 10, -16),
	/* 19 */ INDEX(8),
	/* 22 */ RETURN(0),
	/* 24 */ SET(8, 1000), STORE64(10, -16, 8), SET(1, 1),
	/* 27 */ GOTO(-11),
	/* 28 */ IF_NE(1, 0, 3),		/* callee */
	/* 29 */ SET(0, 0),
	/* 30 */ RETURN(0),		/* J */
	/* 32 */ SET(1, 0), STORE64(10, -16, 1),
	/* 34 */ GOTO(-5),
	}, OUTSIDE },
	/* r7 is what r10 has stored, and r6 loads it */
	{ "slot_by_another_register", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ SET(8, 1), RAND,
	/* 13 */ IF_EQ(0, 0, 11),
	/* 14 */ STORE64(10, -16, 8),
	/* 15 */ COPY(6, 10), BPF_ALU64_IMM(BPF_ADD, R(6), -16),
	/* 17 */ RAND, IF_NE(0, 0, 0),
	/* 19 */ LOAD64(7, 6, 0),	/* J */
	/* 20 */ INDEX(7),
	/* 23 */ RETURN(0),
	/* 25 */ SET(8, 1000), GOTO(-13),
	}, OUTSIDE },
	/* r6 has stored what r10 loads */
	{ "spilled_by_another_register", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ SET(8, 1), COPY(6, 10), BPF_ALU64_IMM(BPF_ADD, R(6), -16),
	/* 14 */ RAND, IF_EQ(0, 0, 9),
	/* 16 */ STORE64(6, 0, 8),	/* J */
	/* 17 */ RAND, IF_NE(0, 0, 0),
	/* 19 */ LOAD64(7, 10, -16),
	/* 20 */ INDEX(7),
	/* 23 */ RETURN(0),
	/* 25 */ SET(8, 1000), GOTO(-11),
	}, OUTSIDE },
	/* a slot of the caller that the callee loads */
	{ "slot_of_the_caller_by_pointer", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ SET(8, 1), RAND,
	/* 13 */ IF_EQ(0, 0, 7),
	/* 14 */ STORE64(10, -16, 8),
	/* 15 */ COPY(1, 10), BPF_ALU64_IMM(BPF_ADD, R(1), -16), COPY(2, 9),
	/* 18 */ BPF_CALL_REL(4),
	/* 19 */ RETURN(0),
	/* 21 */ SET(8, 1000), GOTO(-9),
	/* 23 */ COPY(6, 1), COPY(9, 2),	/* callee */
	/* 25 */ RAND, IF_NE(0, 0, 0),
	/* 27 */ LOAD64(7, 6, 0),	/* J */
	/* 28 */ INDEX(7),
	/* 31 */ RETURN(0),
	}, OUTSIDE },
	/* r7 is r6 + 1 on one path, and r6 + 1000 on the other */
	{ "linked_by_another_difference", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6),
	/* 13 */ RAND,
	/* 14 */ IF_EQ(0, 0, 7),
	/* 15 */ ADD(7, 1),
	/* 16 */ BPF_JMP_IMM(BPF_JGT, R(6), 62, 3),	/* J */
	/* 17 */ INDEX(7),
	/* 20 */ RETURN(0),
	/* 22 */ ADD(7, 1000),
	/* 23 */ GOTO(-8),
	}, "invalid access to map value, value_size=64 off=1000 size=1" },
	/* r7 is bounded from below since r6 is; of r7 alone this is not known */
	{ "bounded_by_the_difference", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6), ADD(7, 100),
	/* 14 */ RAND,
	/* 15 */ IF_EQ(0, 0, 1),
	/* 16 */ BPF_JMP_IMM(BPF_JLT, R(6), 100, 4),
	/* 17 */ BPF_JMP_IMM(BPF_JGT, R(6), 163, 3),	/* J */
	/* 18 */ INDEX_AT(7, -200),
	/* 21 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=-100 size=1" },
	/* the same, and r7 has been spilled meanwhile */
	{ "spilled_and_bounded_by_the_difference", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0),
	/* 12 */ BPF_JMP_IMM(BPF_JSGT, R(6), 1 << 30, 12),
	/* 13 */ BPF_JMP_IMM(BPF_JSLT, R(6), -(1 << 30), 11),
	/* 14 */ COPY(7, 6), ADD(7, 100), STORE64(10, -16, 7),
	/* 17 */ RAND,
	/* 18 */ IF_EQ(0, 0, 1),
	/* 19 */ BPF_JMP_IMM(BPF_JLT, R(6), 100, 5),
	/* 20 */ BPF_JMP_IMM(BPF_JGT, R(6), 163, 4),	/* J */
	/* 21 */ LOAD64(7, 10, -16),
	/* 22 */ INDEX_AT(7, -200),
	/* 25 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=-100 size=1" },
	/* and r6 is compared with a register */
	{ "bounded_by_a_register", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6), ADD(7, 100), SET(8, 163),
	/* 15 */ RAND,
	/* 16 */ IF_EQ(0, 0, 1),
	/* 17 */ BPF_JMP_IMM(BPF_JLT, R(6), 100, 4),
	/* 18 */ BPF_JMP_REG(BPF_JGT, R(6), R(8), 3),	/* J */
	/* 19 */ INDEX_AT(7, -200),
	/* 22 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=-100 size=1" },
	/* r6 of the caller is bounded by r7 of the callee. The first path shows that O is
	 * safe, the second one gets there, and the third one meets the second one at P.
	 */
	{ "bounds_the_caller", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(1, 6), ADD(6, 100),
	/* 14 */ BPF_CALL_REL(6),
	/* 15 */ IF_EQ(0, 0, 3),
	/* 16 */ INDEX_AT(6, -200),
	/* 19 */ RETURN(0),
	/* 21 */ COPY(7, 1), RAND,				/* callee */
	/* 23 */ IF_EQ(0, 0, 5),
	/* 24 */ BPF_JMP_IMM(BPF_JLT, R(7), 100, 9),
	/* 25 */ BPF_JMP_IMM(BPF_JGT, R(7), 163, 8),
	/* 26 */ SET(7, 0),					/* O */
	/* 27 */ RETURN(1),
	/* 29 */ RAND, IF_EQ(0, 0, 1),
	/* 31 */ BPF_JMP_IMM(BPF_JLT, R(7), 100, 2),
	/* 32 */ BPF_JMP_IMM(BPF_JGT, R(7), 163, 1),		/* P */
	/* 33 */ GOTO(-8),
	/* 34 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=-100 size=1" },
	/* What follows narrows r7, which tells nothing of r6. */
	{ "wraps_in_32_bits", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ BPF_LDX_MEM(BPF_W, R(6), R(9), 0), BPF_MOV32_REG(R(7), R(6)),
	/* 13 */ BPF_ALU32_IMM(BPF_ADD, R(7), 1),
	/* 14 */ BPF_JMP_IMM(BPF_JGT, R(7), 10, 3),
	/* 15 */ INDEX(6),
	/* 18 */ RETURN(0),
	}, "unbounded memory access" },
	{ "wraps_below_0_in_32_bits", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ BPF_LDX_MEM(BPF_W, R(6), R(9), 0), BPF_MOV32_REG(R(7), R(6)),
	/* 13 */ BPF_ALU32_IMM(BPF_SUB, R(7), 1),
	/* 14 */ BPF_JMP_IMM(BPF_JLT, R(7), 63, 1),
	/* 15 */ BPF_JMP_IMM(BPF_JNE, R(7), -1, 3),
	/* 16 */ INDEX_AT(6, -1),
	/* 19 */ RETURN(0),
	}, "invalid access to map value" },
	{ "copies_the_lower_half", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), BPF_MOV32_REG(R(7), R(6)),
	/* 13 */ BPF_JMP_IMM(BPF_JGT, R(7), 10, 3),
	/* 14 */ INDEX(6),
	/* 17 */ RETURN(0),
	}, UNBOUNDED },
	{ "drops_the_upper_half", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6),
	/* 13 */ BPF_ALU32_IMM(BPF_ADD, R(7), 1),
	/* 14 */ BPF_JMP_IMM(BPF_JGT, R(7), 10, 3),
	/* 15 */ INDEX(6),
	/* 18 */ RETURN(0),
	}, UNBOUNDED },
	{ "multiplied", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6),
	/* 13 */ BPF_ALU64_IMM(BPF_MUL, R(7), 2),
	/* 14 */ BPF_JMP_IMM(BPF_JGT, R(7), 10, 3),
	/* 15 */ INDEX(6),
	/* 18 */ RETURN(0),
	}, UNBOUNDED },
	{ "a_register_is_added", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6), LOAD64(8, 9, 8),
	/* 14 */ BPF_ALU64_REG(BPF_ADD, R(7), R(8)),
	/* 15 */ BPF_JMP_IMM(BPF_JGT, R(7), 10, 3),
	/* 16 */ INDEX(6),
	/* 19 */ RETURN(0),
	}, UNBOUNDED },
	/* r8 is bounded since r6 is, but less than it has to be */
	{ "pointer_behind_the_end", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ POINTER(15, 2, 10),
	/* 17 */ BPF_ALU64_IMM(BPF_ADD, R(8), 4), ADD(6, 1),
	/* 19 */ BPF_JMP_IMM(BPF_JGT, R(6), 16, 3),
	/* 20 */ BPF_ST_MEM(BPF_W, R(8), 0, 0),
	/* 21 */ GOTO(0), SET(0, 0),
	/* 23 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=64 size=4" },
	/* On the second path r6 is another number than the one in r8. */
	{ "pointer_without_link", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ POINTER(15, 2, 10),
	/* 17 */ ADD(8, 4), ADD(6, 1),
	/* 19 */ RAND, IF_EQ(0, 0, 4),
	/* 21 */ BPF_JMP_IMM(BPF_JGT, R(6), 15, 1),	/* J */
	/* 22 */ BPF_ST_MEM(BPF_W, R(8), 0, 0),
	/* 23 */ RETURN(0),
	/* 25 */ LOAD64(6, 9, 8), BPF_ALU64_IMM(BPF_AND, R(6), 15), ADD(6, 1),
	/* 28 */ GOTO(-8),
	}, "invalid access to map value, value_size=64 off=64 size=4" },
	/* r8 has r6 times 4, or times 8 */
	{ "pointer_by_another_scale", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), BPF_JMP_IMM(BPF_JGT, R(6), 14, 9),
	/* 13 */ COPY(7, 6), COPY(8, 9),
	/* 15 */ RAND, IF_EQ(0, 0, 7),
	/* 17 */ BPF_ALU64_IMM(BPF_LSH, R(7), 2),
	/* 18 */ BPF_ALU64_REG(BPF_ADD, R(8), R(7)), SET(7, 0),
	/* 20 */ BPF_JMP_IMM(BPF_JGT, R(6), 3, 1),	/* J */
	/* 21 */ BPF_ST_MEM(BPF_W, R(8), 48, 0),
	/* 22 */ RETURN(0),
	/* 24 */ BPF_JMP_IMM(BPF_JGT, R(6), 7, -3),
	/* 25 */ BPF_ALU64_IMM(BPF_LSH, R(7), 3),
	/* 26 */ BPF_ALU64_REG(BPF_ADD, R(8), R(7)), SET(7, 0),
	/* 28 */ GOTO(-9),
	}, "invalid access to map value, value_size=64 off=72 size=4" },
	/* r8 is bounded from below since r6 is; of r8 alone this is not known */
	{ "pointer_bounded_by_a_scalar", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6), BPF_ALU64_IMM(BPF_LSH, R(7), 2),
	/* 14 */ BPF_JMP_IMM(BPF_JGT, R(7), 60, 7),
	/* 15 */ COPY(8, 9), BPF_ALU64_REG(BPF_ADD, R(8), R(7)),
	/* 17 */ RAND, IF_EQ(0, 0, 1),
	/* 19 */ BPF_JMP_IMM(BPF_JLT, R(6), 8, 2),
	/* 20 */ BPF_JMP_IMM(BPF_JGT, R(6), 15, 1),	/* J */
	/* 21 */ BPF_ST_MEM(BPF_W, R(8), -32, 0),
	/* 22 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=-32 size=4" },
	/* r7 is 4 times r6, and so 0 if r6 is 2^62 */
	{ "not_divided", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6), BPF_ALU64_IMM(BPF_LSH, R(7), 2),
	/* 14 */ BPF_JMP_IMM(BPF_JGT, R(7), 60, 3),
	/* 15 */ INDEX(6),
	/* 18 */ RETURN(0),
	}, UNBOUNDED },
	/* In a matrix of 4 rows with 16 bytes each, the second index is up to 4. */
	{ "behind_the_last_row", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ POINTER(3, 4, 12),
	/* 17 */ LOAD64(6, 9, 8), BPF_JMP_IMM(BPF_JGT, R(6), 3, 6),
	/* 19 */ COPY(7, 6), BPF_ALU64_IMM(BPF_LSH, R(7), 2),
	/* 21 */ BPF_ALU64_REG(BPF_ADD, R(8), R(7)), ADD(8, 4),
	/* 23 */ BPF_JMP_IMM(BPF_JGT, R(6), 3, 1),
	/* 24 */ BPF_ST_MEM(BPF_W, R(8), 0, 0),
	/* 25 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=64 size=4" },
	/* r7 is 4 * (r6 + 1) */
	{ "multiplied_behind_the_end", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6), ADD(7, 1), BPF_ALU64_IMM(BPF_MUL, R(7), 4),
	/* 15 */ BPF_JMP_IMM(BPF_JGT, R(6), 15, 3),
	/* 16 */ INDEX(7),
	/* 19 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=64 size=1" },
	/* r8 has 16 or 48 before r6 is added. */
	{ "rest_of_a_pointer", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(7, 9, 8), BPF_ALU64_IMM(BPF_AND, R(7), 32), ADD(7, 16),
	/* 14 */ COPY(8, 9), BPF_ALU64_REG(BPF_ADD, R(8), R(7)),
	/* 16 */ LOAD64(6, 9, 0), BPF_JMP_IMM(BPF_JGT, R(6), 100, 4),
	/* 18 */ COPY(7, 6), BPF_ALU64_REG(BPF_ADD, R(8), R(7)),
	/* 20 */ BPF_JMP_IMM(BPF_JGT, R(6), 16, 1),
	/* 21 */ BPF_ST_MEM(BPF_B, R(8), 0, 0),
	/* 22 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=64 size=1" },
	/* On the second path r8 has the same range, more of r7 and less of r6. */
	{ "another_rest", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), BPF_JMP_IMM(BPF_JGT, R(6), 120, 15),
	/* 13 */ LOAD64(7, 9, 8), BPF_ALU64_IMM(BPF_AND, R(7), 127),
	/* 15 */ RAND, IF_EQ(0, 0, 9),
	/* 17 */ BPF_JMP_IMM(BPF_JGT, R(7), 40, 10),
	/* 18 */ COPY(8, 9), BPF_ALU64_REG(BPF_ADD, R(8), R(7)),
	/* 20 */ COPY(7, 6), BPF_ALU64_REG(BPF_ADD, R(8), R(7)), SET(7, 0),
	/* 23 */ BPF_JMP_IMM(BPF_JGT, R(6), 23, 4),	/* J */
	/* 24 */ BPF_ST_MEM(BPF_B, R(8), 0, 0), GOTO(2),
	/* 26 */ BPF_JMP_IMM(BPF_JGT, R(6), 60, 1),
	/* 27 */ BPF_JMP_IMM(BPF_JLE, R(7), 90, -10),
	/* 28 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=113 size=1" },
	/* ... it has nothing to do with r6. */
	{ "pointer_no_longer_linked", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ POINTER(15, 2, 9),
	/* 17 */ RAND, IF_EQ(0, 0, 5),
	/* 19 */ SET(7, 0),
	/* 20 */ BPF_JMP_IMM(BPF_JGT, R(6), 3, 1),	/* J */
	/* 21 */ BPF_ST_MEM(BPF_W, R(8), 48, 0),
	/* 22 */ RETURN(0),
	/* 24 */ LOAD64(7, 9, 8), BPF_ALU64_IMM(BPF_AND, R(7), 60),
	/* 26 */ COPY(8, 9), BPF_ALU64_REG(BPF_ADD, R(8), R(7)), GOTO(-10),
	}, "invalid access to map value, value_size=64 off=108 size=4" },
	{ "pointer_minus_a_number", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ POINTER(60, 0, 10),
	/* 17 */ LOAD64(7, 9, 8), BPF_JMP_IMM(BPF_JGT, R(7), 60, 4),
	/* 19 */ BPF_ALU64_REG(BPF_SUB, R(8), R(7)),
	/* 20 */ BPF_JMP_IMM(BPF_JGT, R(6), 10, 2),
	/* 21 */ BPF_JMP_IMM(BPF_JLT, R(6), 10, 1),
	/* 22 */ BPF_ST_MEM(BPF_W, R(8), 0, 0),
	/* 23 */ RETURN(0),
	}, "R8 min value is negative" },
	{ "pointer_loops_too_far", {
	/* 0 */	LOOKUP,
	/* 9 */	SET(0, 0),
	/* 10 */ POINTER(15, 2, 9),
	/* 16 */ MAY_GOTO(4),
	/* 17 */ BPF_ST_MEM(BPF_W, R(8), 0, 0),
	/* 18 */ ADD(8, 4), ADD(6, 1),
	/* 20 */ BPF_JMP_IMM(BPF_JLT, R(6), 17, -5),
	/* 21 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=64 size=4" },
	/* r6 = (s8)r7, times 8 */
	{ "sign_extended_and_shifted", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(7, 9, 0), BPF_ALU64_IMM(BPF_AND, R(7), 63),
	/* 13 */ BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_7, 8, 0),
	/* 14 */ BPF_ALU64_IMM(BPF_LSH, R(6), 3),
	/* 15 */ BPF_JMP_IMM(BPF_JGT, R(7), 15, 3),
	/* 16 */ INDEX(6),
	/* 19 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=120 size=1" },
	/* r6 and r7 are equal. Of r7 less is known, on the second path than on the first. */
	{ "equal_and_known_less", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ RAND, LOAD64(7, 9, 0), IF_EQ(0, 0, 5),
	/* 14 */ BPF_ALU64_IMM(BPF_AND, R(7), 0x110), COPY(6, 7), ADD(6, 0x10), ADD(6, -0x10),
	/* 18 */ GOTO(3),
	/* 19 */ BPF_ALU64_IMM(BPF_AND, R(7), 0x1f0), BPF_JMP_IMM(BPF_JGT, R(7), 0x110, 8),
	/* 21 */ COPY(6, 7),
	/* 22 */ BPF_JMP_IMM(BPF_JGT, R(7), 0x10f, 6),	/* J */
	/* 23 */ BPF_ALU64_IMM(BPF_AND, R(6), 0x20), BPF_ALU64_IMM(BPF_LSH, R(6), 2),
	/* 25 */ INDEX(6),
	/* 28 */ GOTO(0),
	/* 29 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=128 size=1" },
	/* The other one has been spilled with 32 bits. */
	{ "equal_and_spilled", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ RAND, COPY(8, 0), LOAD64(7, 9, 0), BPF_ALU64_IMM(BPF_AND, R(7), 63), COPY(6, 7),
	/* 16 */ BPF_STX_MEM(BPF_W, R(10), R(7), -16),
	/* 17 */ IF_EQ(8, 0, 2),
	/* 18 */ BPF_JMP_IMM(BPF_JLT, R(7), 32, 7), GOTO(0),
	/* 20 */ BPF_LDX_MEM(BPF_W, R(6), R(10), -16),
	/* 21 */ BPF_JMP_IMM(BPF_JGT, R(7), 62, 4),	/* J */
	/* 22 */ INDEX_AT(6, -32),
	/* 25 */ GOTO(0),
	/* 26 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=-32 size=1" },
	/* What is compared with the packet's end is not what r4 is. */
	{ "packet_of_another_id", {
	/* 0 */	MAY_GOTO(1), SET(0, 0), COPY(9, 1),
	/* 3 */	RAND, COPY(6, 0), BPF_ALU64_IMM(BPF_AND, R(6), 255),
	/* 6 */	RAND, COPY(7, 0), BPF_ALU64_IMM(BPF_AND, R(7), 255),
	/* 9 */	RAND, COPY(8, 0), BPF_ALU64_IMM(BPF_AND, R(8), 255),
	/* 12 */ RAND, BPF_LDX_MEM(BPF_W, R(2), R(9), 0), BPF_LDX_MEM(BPF_W, R(3), R(9), 4),
	/* 15 */ COPY(1, 6), COPY(4, 2),
	/* 17 */ BPF_ALU64_REG(BPF_ADD, R(4), R(7)), BPF_ALU64_REG(BPF_ADD, R(4), R(6)),
	/* 19 */ IF_EQ(0, 0, 2),
	/* 20 */ COPY(5, 4), GOTO(3),
	/* 22 */ COPY(5, 2), BPF_ALU64_REG(BPF_ADD, R(5), R(8)), BPF_ALU64_REG(BPF_ADD, R(5), R(6)),
	/* 25 */ COPY(1, 5), ADD(1, 8),			/* J */
	/* 27 */ BPF_JMP_REG(BPF_JGT, R(1), R(3), 1),
	/* 28 */ BPF_LDX_MEM(BPF_B, R(0), R(4), 0),
	/* 29 */ RETURN(0),
	}, "R4 offset is outside of the packet", BPF_PROG_TYPE_XDP },
	/* The sum may wrap: r7 is small, or close to the end. */
	{ "wraps_in_64_bits", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6),
	/* 13 */ BPF_ALU64_IMM(BPF_SUB, R(7), 10),
	/* 14 */ BPF_JMP_IMM(BPF_JGT, R(6), 73, 3),
	/* 15 */ INDEX(7),
	/* 18 */ RETURN(0),
	}, "R1 min value is negative" },
};

/* What has to be accepted */
/* r6 says what r7 points to, and what is known of r6 alone tells the two apart. */
#define MACHINE(rounds)							\
	/*  0 */	LOOKUP,						\
	/*  9 */	SET(6, 0), COPY(7, 10), SET(8, 0),		\
	/* 12 */	MAY_GOTO(14),					\
	/* 13 */	IF_NE(6, 0, 2),					\
	/* 14 */	BPF_ST_MEM(BPF_DW, R(7), -8, 0), GOTO(1),	\
	/* 16 */	BPF_ST_MEM(BPF_DW, R(7), 8, 0),			\
	/* 17 */	RAND, IF_EQ(0, 0, 6), IF_NE(6, 0, 3),		\
	/* 20 */	SET(6, 1), COPY(7, 9), GOTO(2),			\
	/* 23 */	SET(6, 0), COPY(7, 10),				\
	/* 25 */	BPF_ALU64_IMM(BPF_ADD, R(8), 1),		\
	/* 26 */	BPF_JMP_IMM(BPF_JLT, R(8), rounds, -15),	\
	/* 27 */	RETURN(0)

#define GROW								\
	RAND, IF_EQ(0, 0, 1), ADD(7, 1), RAND, IF_EQ(0, 0, 1), ADD(8, 1)
#define POINT(slot)							\
	COPY(8, 9), RAND, LOAD64(6, 9, 0), BPF_ALU64_IMM(BPF_AND, R(6), 7), COPY(7, 6),	\
	IF_EQ(0, 0, 1), BPF_ALU64_REG(BPF_ADD, R(8), R(6)), STORE64(10, slot, 8)
#define USE(slot)							\
	LOAD64(8, 10, slot), BPF_ST_MEM(BPF_B, R(8), 0, 0)

/* What has to be accepted */
static const struct loop accepted[] = {
	/* each value comes again soon, and all of them only after 35 rounds */
	{ "counters_out_of_step", {
	/* 0 */	SET(6, 0),
	/* 1 */	SET(7, 0),
	/* 2 */	MAY_GOTO(7),
	/* 3 */	BPF_ALU64_IMM(BPF_ADD, R(6), 1),
	/* 4 */	IF_NE(6, 5, 1),
	/* 5 */	SET(6, 0),
	/* 6 */	BPF_ALU64_IMM(BPF_ADD, R(7), 1),
	/* 7 */	IF_NE(7, 7, -6),
	/* 8 */	SET(7, 0),
	/* 9 */	GOTO(-8),
	/* 10 */	RETURN(0),
	} },
	/* r7 is narrowed by what is known of r6, and the other way round */
	{ "added", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6), ADD(7, 10),
	/* 14 */ BPF_JMP_IMM(BPF_JGT, R(6), 53, 3),
	/* 15 */ INDEX(7),
	/* 18 */ RETURN(0),
	} },
	{ "subtracted", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6),
	/* 13 */ BPF_ALU64_IMM(BPF_SUB, R(7), 10), ADD(6, -10),
	/* 15 */ BPF_JMP_IMM(BPF_JGT, R(7), 63, 3),
	/* 16 */ INDEX(6),
	/* 19 */ RETURN(0),
	} },
	{ "added_in_32_bits", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ BPF_LDX_MEM(BPF_W, R(6), R(9), 0),
	/* 12 */ BPF_JMP_IMM(BPF_JGT, R(6), 1000, 6),
	/* 13 */ BPF_MOV32_REG(R(7), R(6)), BPF_ALU32_IMM(BPF_ADD, R(7), 1),
	/* 15 */ BPF_JMP32_IMM(BPF_JSGT, R(6), 62, 3),
	/* 16 */ INDEX(7),
	/* 19 */ RETURN(0),
	} },
	/* on three registers and a slot, of which each is compared with another constant */
	{ "added_in_turn", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), BPF_JMP_IMM(BPF_JGT, R(6), 1000, 12),
	/* 13 */ COPY(7, 6), ADD(7, 10), STORE64(10, -16, 7),
	/* 16 */ ADD(7, 10), COPY(8, 7), ADD(8, 10),
	/* 19 */ BPF_JMP_IMM(BPF_JLT, R(8), 30, 5),
	/* 20 */ BPF_JMP_IMM(BPF_JGT, R(7), 73, 4),
	/* 21 */ LOAD64(7, 10, -16),
	/* 22 */ INDEX(7),
	/* 25 */ RETURN(0),
	} },
	{ "pointer_follows", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ POINTER(15, 2, 9),
	/* 17 */ ADD(8, 4), ADD(6, 1),
	/* 19 */ BPF_JMP_IMM(BPF_JGT, R(6), 15, 2),
	/* 20 */ BPF_ST_MEM(BPF_W, R(8), 0, 0),
	/* 21 */ GOTO(0),
	/* 22 */ RETURN(0),
	} },
	{ "pointer_loops", {
	/* 0 */	LOOKUP,
	/* 9 */	SET(0, 0),
	/* 10 */ POINTER(15, 2, 9),
	/* 16 */ MAY_GOTO(4),
	/* 17 */ BPF_ST_MEM(BPF_W, R(8), 0, 0),
	/* 18 */ ADD(8, 4), ADD(6, 1),
	/* 20 */ BPF_JMP_IMM(BPF_JLT, R(6), 16, -5),
	/* 21 */ RETURN(0),
	} },
	/* r7 differs from r6 by another number in each round */
	{ "difference_changes", {
	/* 0 */	LOOKUP,
	/* 9 */	LOAD64(6, 9, 0), COPY(7, 6),
	/* 11 */ MAY_GOTO(2),
	/* 12 */ ADD(7, -1),
	/* 13 */ GOTO(-3),
	/* 14 */ RETURN(0),
	}, .max_insns = 1000 },
	/* r7 = (s16)r6, where r6 is a byte: the same, and linked */
	{ "sign_extended", {
	/* 0 */	LOOKUP,
	/* 9 */	BPF_LDX_MEM(BPF_B, R(6), R(9), 0),
	/* 10 */ BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_7, BPF_REG_6, 16, 0),
	/* 11 */ MAY_GOTO(1),
	/* 12 */ GOTO(-2),
	/* 13 */ RETURN(0),
	} },
	/* r7 and r8 are r6, and may have grown */
	{ "conditional_increments", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ LOAD64(6, 9, 0), COPY(7, 6), COPY(8, 6),
	/* 14 */ GROW, GROW, GROW, GROW, GROW, GROW, GROW, GROW, GROW, GROW,
	/* 74 */ BPF_ALU64_REG(BPF_SUB, R(7), R(6)), BPF_ALU64_REG(BPF_SUB, R(8), R(6)),
	/* 76 */ STORE64(9, 0, 7), STORE64(9, 8, 8),
	/* 78 */ RETURN(0),
	}, .max_insns = 1000 },
	/* The same in a loop, where more has to be compared: links are given up. */
	{ "links_given_up", {
	/* 0 */	LOOKUP,
	/* 9 */	LOAD64(6, 9, 0), COPY(7, 6), COPY(8, 6),
	/* 12 */ MAY_GOTO(61),
	/* 13 */ GROW, GROW, GROW, GROW, GROW, GROW, GROW, GROW, GROW, GROW,
	/* 73 */ GOTO(-62),
	/* 74 */ BPF_ALU64_REG(BPF_SUB, R(7), R(6)), BPF_ALU64_REG(BPF_SUB, R(8), R(6)),
	/* 76 */ STORE64(9, 0, 7), STORE64(9, 8, 8),
	/* 78 */ RETURN(0),
	}, .max_insns = 100000 },
	/* pointers to which a number may have been added */
	{ "conditional_pointers", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ POINT(-16), POINT(-24), POINT(-32), POINT(-40), POINT(-48), POINT(-56), POINT(-64),
	/* 67 */ SET(6, 0), SET(7, 0),
	/* 69 */ USE(-16), USE(-24), USE(-32), USE(-40), USE(-48), USE(-56), USE(-64),
	/* 83 */ RETURN(0),
	}, .max_insns = 1000 },
	/* The first index is in r8 as well. */
	{ "within_the_last_row", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ POINTER(3, 4, 13),
	/* 17 */ LOAD64(6, 9, 8), BPF_JMP_IMM(BPF_JGT, R(6), 3, 7),
	/* 19 */ COPY(7, 6), BPF_ALU64_IMM(BPF_MUL, R(7), 4),
	/* 21 */ BPF_ALU64_REG(BPF_ADD, R(8), R(7)), ADD(8, 4), ADD(6, 1),
	/* 24 */ BPF_JMP_IMM(BPF_JGT, R(6), 3, 1),
	/* 25 */ BPF_ST_MEM(BPF_W, R(8), 0, 0),
	/* 26 */ RETURN(0),
	} },
	{ "machine_few_rounds", { MACHINE(8) } },
	{ "machine_many_rounds", { MACHINE(64) } },
	/* 3 is the head of the loop, and the way back to it a fall-through */
	{ "falls_through_to_the_head", {
	/* 0 */	RAND,
	/* 1 */	GOTO(2),
	/* 2 */	SET(1, 0),
	/* 3 */	SET(0, 0),
	/* 4 */	MAY_GOTO(1),
	/* 5 */	GOTO(-4),
	/* 6 */	RETURN(0),
	} },
	{ "call_falls_through_to_the_head", {
	/* 0 */	SET(6, 0),
	/* 1 */	GOTO(1),
	/* 2 */	RAND,
	/* 3 */	SET(0, 0),
	/* 4 */	MAY_GOTO(1),
	/* 5 */	GOTO(-4),
	/* 6 */	RETURN(0),
	} },
};

static __s32 fd_of(__s32 map, int map_fd)
{
	return map == MAP ? map_fd : arena_fd;
}

static int insn_cnt(const struct bpf_insn *insns)
{
	int cnt = ARRAY_SIZE(((struct loop *)0)->insns);

	while (cnt && !insns[cnt - 1].code)
		cnt--;
	return cnt;
}

static void check_loop(const struct loop *c, int map_fd)
{
	struct bpf_insn insns[ARRAY_SIZE(c->insns)];
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		.prog_flags = BPF_F_TEST_STATE_FREQ,
		.log_size = ARENA_LOG_SIZE,
		.log_level = 4,	/* the message alone */
	);
	char log[ARENA_LOG_SIZE] = "";
	int fd, i;

	memcpy(insns, c->insns, sizeof(insns));
	for (i = 0; i < ARRAY_SIZE(insns); i++)
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			insns[i].imm = fd_of(insns[i].imm, map_fd);
	opts.log_buf = log;
	fd = bpf_prog_load(c->type ?: BPF_PROG_TYPE_RAW_TRACEPOINT, "arena_loops", "GPL", insns,
			   insn_cnt(insns), &opts);
	if (c->msg) {
		ASSERT_LT(fd, 0, "refused");
		ASSERT_HAS_SUBSTR(log, c->msg, "message");
	} else if (!ASSERT_GE(fd, 0, "accepted")) {
		printf("%s\n", log);
	} else if (c->max_insns) {
		const char *processed = strstr(log, "processed ");

		if (ASSERT_OK_PTR(processed, "statistics"))
			ASSERT_LE(atoi(processed + strlen("processed ")), c->max_insns, "processed");
	}
	if (fd >= 0)
		close(fd);
}

static void check_loops(const struct loop *cases, int cnt, int map_fd)
{
	int i;

	for (i = 0; i < cnt; i++)
		if (test__start_subtest(cases[i].name))
			check_loop(&cases[i], map_fd);
}

/* What holds behind a jump does not yet hold when a CPU runs ahead of it. Whoever has
 * CAP_PERFMON may see what that shows.
 */
static void pointer_and_speculation(int map_fd)
{
	const __u64 caps = 1ULL << CAP_PERFMON | 1ULL << CAP_SYS_ADMIN;
	static const struct loop follows = { "", {
	/* 0 */	LOOKUP,
	/* 9 */	MAY_GOTO(1), SET(0, 0),
	/* 11 */ POINTER(15, 2, 9),
	/* 17 */ ADD(8, 3), ADD(6, 1),
	/* 19 */ BPF_JMP_IMM(BPF_JGT, R(6), 15, 2),
	/* 20 */ BPF_ST_MEM(BPF_W, R(8), 0, 0),
	/* 21 */ GOTO(0),
	/* 22 */ RETURN(0),
	}, "invalid access to map value, value_size=64 off=63 size=4", BPF_PROG_TYPE_SOCKET_FILTER };
	__u64 old;

	if (!test__start_subtest("pointer_and_speculation") ||
	    !ASSERT_OK(cap_disable_effective(caps, &old), "drop capabilities"))
		return;
	check_loop(&follows, map_fd);
	cap_enable_effective(old, NULL);
}

static void run_program(const char *name)
{
	struct arena_loops *skel = arena_loops__open();
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	if (ASSERT_OK(arena_loops__load(skel), name)) {
		prog = bpf_object__find_program_by_name(skel->obj, name);
		ASSERT_EQ(arena_run(prog), 0, name);
	}
	arena_loops__destroy(skel);
}

static void check_programs(void)
{
	static const char *const names[] = {
		"fall_through", "do_while", "several_exits", "state_machine",
		"nested_with_calls", "calls_a_loop", "sets_timers", "two_arrays",
		"tree_walk", "quicksort", "limit_of_the_caller",
		"sum_of_the_caller", "index_u32", "index_u64",
		"index_two_arrays", "index_nested", "index_with_calls", "index_stack",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (test__start_subtest(names[i]))
			run_program(names[i]);
}

/* Callbacks come last. What is wrong with one is said all the same. */
static void refused_callback(void)
{
	struct arena_loops *skel = arena_loops__open();
	static char log[64 * 1024];
	struct bpf_program *prog;

	if (!test__start_subtest("refused_callback") || !ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == skel->progs.sets_bad_timer);
	bpf_program__set_log_level(skel->progs.sets_bad_timer, 1);
	bpf_program__set_log_buf(skel->progs.sets_bad_timer, log, sizeof(log));
	ASSERT_ERR(arena_loops__load(skel), "load");
	ASSERT_HAS_SUBSTR(log, "invalid access to map value, value_size=16 off=100", "log");
	arena_loops__destroy(skel);
}

void test_arena_loops(void)
{
	int map_fd;

	map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "values", 4, VALUE_SIZE, 1, NULL);
	arena_fd = arena_create(1, 0, ARENA_BASE + 12 * GiB);
	if (!ASSERT_GE(map_fd, 0, "map") || !ASSERT_GE(arena_fd, 0, "arena"))
		return;
	check_loops(endless, ARRAY_SIZE(endless), map_fd);
	check_loops(covered, ARRAY_SIZE(covered), map_fd);
	check_loops(accepted, ARRAY_SIZE(accepted), map_fd);
	pointer_and_speculation(map_fd);
	close(map_fd);
	close(arena_fd);
	check_programs();
	refused_callback();
}
