/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What gen.c (programs and functions) and stmt.c (statements) share
 *
 * The stack of each function:
 *
 *   fp - 8              the context, if the function has it
 *   fp - 16 ... fp - 56 SLOTS slots
 *   fp - 64             scratch of the dump
 */
#ifndef FUZZ_GEN_H
#define FUZZ_GEN_H

#include "progs.h"

#define SLOTS		6
#define MAX_REFS	200
#define MAX_CALL_DEPTH	3		/* 4 frames of 96 bytes are below 512 */
#define CONTEXT_OFF	-8
#define SCRATCH_OFF	-64
#define ROOM		400		/* instructions that a function's end and a statement take */

struct func {
	u32 args;
	enum kind arg[6];		/* by register; r1 is the context if has_context */
	enum kind ret;
	bool has_context, callback;
	u32 depth;
	u32 start;
};

/* An instruction that has the address of a function, which is known in the end. */
struct ref { u32 at, func; };

/* What the verifier knows at a place. */
struct types {
	enum kind reg[10];
	enum kind slot[SLOTS];
};

struct gen {
	struct rng rng;
	const struct env *env;
	struct bundle *bundle;
	struct program *prog;
	u32 index;			/* of the program in its bundle */
	struct func func[MAX_FUNCS];
	u32 funcs, current;
	struct ref ref[MAX_REFS];
	u32 refs;
	struct types now;
	bool locked[10];		/* counters of loops: read only */
	u32 nest, loops;
	bool may_loop;			/* loops are slow to verify: not in every bundle */
};

/* gen.c */
struct bpf_insn *emit(struct gen *g, u8 code, u32 dst, u32 src, s16 off, s32 imm);
void emit_wide(struct gen *g, u32 dst, u32 pseudo, u64 imm);
void emit_map_value(struct gen *g, u32 dst, u32 off);
void emit_input(struct gen *g, u32 dst);
s16 slot_off(u32 slot);
u32 pick_dst(struct gen *g);
u32 pick_src(struct gen *g, enum kind kind);
u32 pick_any(struct gen *g);
void create(struct gen *g, u32 dst, enum kind kind);
s32 find_func(struct gen *g, bool callback);
void emit_func_ref(struct gen *g, u32 func, bool call);

/* stmt.c */
void emit_block(struct gen *g, u32 statements);
void emit_exhausted(struct gen *g);

#endif
