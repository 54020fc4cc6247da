/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fuzzing what the JIT compilers make of arena programs
 *
 * Problem: a JIT compiler that is wrong in one instruction of one form, or only
 * beside another one, is found by no test that somebody thought of. So programs
 * are made up at random, run by the kernel and by an interpreter that knows
 * nothing of the kernel, and everything that both leave behind must agree.
 *
 *   gen.c, stmt.c         a bundle: up to MAX_PROGS programs that tail-call each
 *        |                other, each with functions and callbacks
 *        v
 *   kernel.c   interp.c   each runs it on the same memory and input
 *        |        |
 *        v        v
 *   main.c                compares the two struct state
 *        |
 *        v
 *   shrink.c, disasm.c    what differs becomes short, and is printed
 *
 * What can be seen of a run is its state: the pages of two arenas, the value of a
 * map, and what the program returned. Programs put their registers and stack slots
 * into the map's value when a function ends.
 *
 *   map value   in[16]               what the run gives to the programs
 *               out[MAX_DUMPS][24]   registers and slots of function N's last end
 *
 * Both arenas have the same number of pages, of which some are there. Programs
 * bring no page, so which are there stays as it is while an environment lives. The packet,
 * which helpers copy from and to, is seen by what is copied from it.
 *
 * Invariants
 *  - Everything is drawn from the seed and the number of the bundle. No bundle
 *    depends on how an earlier one went, so that one of them can be run alone.
 *  - The interpreter takes the same instructions as the kernel. It is not told
 *    which register holds an arena pointer, but follows the casts.
 *  - What arena.rst leaves open (unaligned atomics, stores across the edge of an
 *    absent page on arm64) ends the interpreter with UNDEFINED, and that run is not
 *    compared.
 *  - Maps are named by enum map_name in instructions, and get their file descriptors
 *    in the copy that is loaded.
 */
#ifndef FUZZ_PROGS_H
#define FUZZ_PROGS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
typedef int64_t s64;
typedef int32_t s32;
typedef int16_t s16;

#define OFF_CAST	1
#define CAST_TO_KERN	1
#define CAST_TO_USER	0x10000
#define OP_MAY_GOTO	(BPF_JMP | 0xe0)
#define OP_GOTOL	(BPF_JMP32 | BPF_JA)
#define OP_BSWAP	(BPF_ALU64 | BPF_END)
#define OFF_SIGNED	1		/* of a division or modulo */
#define MAY_GOTO_ROUNDS	8388608
#define MAY_GOTO_NS	250000000

#define ARENAS		2
#define MAX_PAGES	32
#define MAX_PROGS	3
#define MAX_INSNS	4000
#define MAX_FUNCS	6
#define MAX_DUMPS	(MAX_PROGS * MAX_FUNCS)
#define DUMP_WORDS	24
#define INPUTS		16
#define PROG_SLOTS	4
#define BUNDLES_AN_ENV	64
#define RUNS		3
#define PACKET		64		/* bytes of the packet that a run begins with */
#define MAX_COPY	512		/* bytes that a helper is asked to copy */

enum map_name { MAP_NONE, MAP_ARENA, MAP_VALUE, MAP_PROGS };

/* What a register or a stack slot holds; see interp.c */
enum kind { NUMBER, ARENA, OTHER, UNSET };

struct rng { u64 state; };

struct value {
	u64 in[INPUTS];
	u64 out[MAX_DUMPS][DUMP_WORDS];
};

/* Everything that a run changes. */
struct state {
	struct value value;
	u32 ret;
	u8 *mem[ARENAS];		/* pages * page_size; absent pages are zero */
};

/* What bundles run in; there is one at a time. */
struct env {
	u64 base[ARENAS];		/* user_vm_start */
	bool no_user_conv[ARENAS];
	u32 pages;
	bool present[ARENAS][MAX_PAGES];
	int arena_fd[ARENAS];
	u8 *user[ARENAS];		/* the mappings, at base */
	int value_fd;
	struct value *value;		/* its mapping */
	int progs_fd;
};

struct program {
	struct bpf_insn insn[MAX_INSNS];
	u32 len;
	u32 arena;			/* which one it uses */
};

/* Ways in which the kernel loads a program */
#define MODE_BLIND	1		/* net.core.bpf_jit_harden = 2 */
#define MODE_RND_HI32	2		/* BPF_F_TEST_RND_HI32 */
#define MODES		4

struct bundle {
	u64 number;
	u32 mode;
	u32 progs;
	u32 max_steps;			/* of the interpreter, then it is TOO_LONG */
	struct program prog[MAX_PROGS];
};

enum outcome {
	SAME,
	DIFFERS,
	REFUSED,			/* by the verifier */
	UNDEFINED,
	TOO_LONG,			/* for the interpreter */
	OUTCOMES
};

/* rng.c */
void rng_seed(struct rng *rng, u64 seed, u64 stream);
u64 rng_next(struct rng *rng);
u32 rng_below(struct rng *rng, u32 n);
bool rng_chance(struct rng *rng, u32 percent);
u64 rng_number(struct rng *rng);
u64 rng_uaddr(struct rng *rng, const struct env *env, u32 arena);
s16 rng_offset(struct rng *rng);

/* gen.c */
void bundle_generate(struct bundle *bundle, const struct env *env, u64 seed, u64 number);

/* interp.c */
enum outcome interp_run(const struct bundle *bundle, const struct env *env, struct state *state);
void interp_break(const struct bpf_insn *kind);
enum kind kind_of_result(const struct bpf_insn *insn, enum kind dst, enum kind src);

/* kernel.c */
extern u32 page_size;
void env_open(struct env *env, u64 seed, u64 number);
void env_close(struct env *env);
int kernel_load(const struct bundle *bundle, const struct env *env, char *log, size_t log_size);
void kernel_unload(const struct env *env);
bool kernel_run(const struct env *env, struct state *state);
void harden_restore(void);

/* Byte @i of the packet */
static inline u8 packet_byte(u32 i)
{
	return 7 * i + 3;
}

/* state.c */
void state_alloc(struct state *state, const struct env *env);
void state_free(struct state *state);
void state_copy(struct state *to, const struct state *from, const struct env *env);
void state_fill(struct state *state, const struct env *env, u64 seed, u64 number, u32 run);
bool state_same(const struct state *a, const struct state *b, const struct env *env);
void state_print_diff(const struct state *want, const struct state *got, const struct env *env);

/* main.c */
enum outcome bundle_try(const struct bundle *bundle, const struct env *env, u64 seed, u32 *run,
			bool print);

/* shrink.c */
void shrink(struct bundle *bundle, const struct env *env, u64 seed);

/* disasm.c */
bool insn_is_wide(const struct bpf_insn *insn);
bool insn_is_jump(const struct bpf_insn *insn);
s32 jump_distance(const struct bpf_insn *insn);
void set_jump_distance(struct bpf_insn *insn, s32 distance);
bool insn_is_movsx(const struct bpf_insn *insn);
bool insn_is_signed_div(const struct bpf_insn *insn);
bool insn_is_ordered(const struct bpf_insn *insn);
bool insn_is_conditional(const struct bpf_insn *insn);
bool insn_is_func_ref(const struct bpf_insn *insn);
void insn_print(const struct bpf_insn *insn, u32 at);
void program_print(const struct program *prog);

void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
