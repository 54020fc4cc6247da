/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VERIFIER_H
#define VERIFIER_H

#include <linux/bpf.h>
#include "fuzz.h"

#define MAX_INSNS 512
#define MAX_FUNCS 6
#define ARENA_PAGES_MAX 12
#define VALUE_SIZE 64		/* of the map that a program is given */
#define VALUE_WORDS (VALUE_SIZE / 8)
#define PACKET 64
/* kfunc_id(): of arenas alloc, free, reserve; print; iterator new, next, destroy; begin and
 * end of three kinds of sections
 */
#define ARENA_KFUNCS 3
#define PRINT_KFUNC ARENA_KFUNCS
#define ITER_KFUNCS (PRINT_KFUNC + 1)
#define SECTION_KFUNCS (ITER_KFUNCS + 3)
#define SECTIONS 3
#define NR_KFUNCS (SECTION_KFUNCS + 2 * SECTIONS)
/* What programs print with: number i begins at i * FORMAT_SIZE of the map */
#define FORMAT_CNT 4
#define FORMAT_SIZE 8

#define BPF_CAST 1		/* off of a mov that is a cast */
#define TO_KERN 1
#define TO_USER 0x10000
#define MAY_GOTO (BPF_JMP | 0xe0)
#define GOTOL (BPF_JMP32 | BPF_JA)
#define SIGNED 1		/* off of a signed division or modulo */

/* What an instruction is to those who mutate: may it be changed? KEEP: seldom */
enum keep { FREE, KEEP, FIXED };

/* What a load of 64 bits gives a program, to be filled in for each environment */
enum fixup {
	NONE,
	ARENA_MAP, ARENA_VALUE,		/* of the environment */
	ARRAY_MAP, MAP_VALUE,
	HASH_MAP, OUTER_MAP, PROG_MAP,	/* others.c: any program's */
	TIMER_VALUE, TIMER_MAP,
	FUNCTION,			/* filled in by the generator */
	KERNEL_VAR,
	FORMATS,			/* others.c: read-only and frozen */
};

/* A function's argument, as BTF tells it */
enum arg {
	ARG_INT, ARG_LONG,
	ARG_ARENA,			/* tagged */
	ARG_MEM,			/* long *, may be NULL */
	ARG_CTX,
	ARG_CTX_ARENA,			/* both, which the verifier has to refuse */
	NR_ARGS
};

struct func {
	uint32_t start;			/* its first instruction */
	bool global;
	uint8_t nr_args;
	enum arg args[3];
};

struct code {
	struct bpf_insn insns[MAX_INSNS];
	uint8_t keep[MAX_INSNS];
	uint8_t fixup[MAX_INSNS];
	uint32_t cnt;
	/*
	 * strict: nothing of the kernel's is given to the program, neither addresses nor
	 * what differs from run to run. plain: nor can it make numbers that look like
	 * addresses.
	 */
	bool strict, plain, sleepable;
	uint32_t type, flags;
	/* Programs with BTF: functions in the order of their code, the program itself first */
	struct func funcs[MAX_FUNCS];
	uint32_t nr_funcs;
	/* Tracing programs */
	uint32_t attach_type, attach_btf_id;
	int attach_prog;
	/* What the program begins with in the map's value */
	uint64_t input[VALUE_WORDS];
	bool timers, tail_calls;
	bool many;	/* there are many like it: not worth much time */
	/* What no program may do and this one does on every path, or NULL */
	char never[96];
};

/* code.c */
void code_clear(struct code *c);
uint32_t emit(struct code *c, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm);
uint32_t emit_fixup(struct code *c, uint8_t dst, enum fixup what, int32_t off);
void emit_kfunc(struct code *c, uint32_t which);
void keep_from(struct code *c, uint32_t from, enum keep keep);
void print_code(const struct code *c);

#define emit_mov(c, dst, src) emit(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define emit_set(c, dst, imm) emit(c, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define emit_helper(c, id) emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define emit_exit(c) emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* gen.c, loop.c, call.c, trace.c: what programs are made of */
void gen_program(struct code *c, struct rng *rng, uint32_t arena_pages);
void gen_loops(struct code *c, struct rng *rng);
void gen_calls(struct code *c, struct rng *rng);
void gen_iter(struct code *c, struct rng *rng);
void gen_tracer(struct code *c, struct rng *rng, const struct code *target);

/* kfunc.c */
struct kfunc_regs {
	int scalar;	/* a register with any number, callee-saved */
	int user;	/* with an address in the arena, or -1 */
	int ctx;	/* with the program's context, or -1 */
	bool iter;	/* which is a map iterator's */
};

void gen_kfunc_call(struct code *c, struct rng *rng, const struct kfunc_regs *regs);

/* mutate.c */
void mutate(struct code *c, struct rng *rng);

/* sim.c */
enum sim { SIM_ENDS, SIM_ENDS_BY_MAY_GOTO, SIM_WRONG };
enum sim simulate(const struct code *c, const uint64_t *input, uint32_t rounds, char *what,
		  size_t size);

/* btf.c */
int btf_load(const struct code *c);
uint32_t btf_func_id(uint32_t i);

/* others.c */
void others_open(void);
int others_fd(const struct code *c, enum fixup what);
void others_keep(const struct code *c, int fd);
void others_forget(void);

/* env.c: arenas and maps, of which one of each is given to programs */
enum verdict { REFUSED, ACCEPTED, TOO_LONG };

struct pair;		/* two environments that are the same to a program */
struct pair *pair_open(struct rng *rng, bool plain);
void pair_close(struct pair *p);
uint32_t pair_pages(const struct pair *p);
int pair_load(const struct pair *p, const struct code *c);
enum verdict pair_try(struct pair *p, const struct code *c);
enum verdict pair_try_loops(struct pair *p, struct code *c, struct rng *rng);
enum verdict pair_try_iter(struct pair *p, const struct code *c);
enum verdict pair_try_tracer(struct pair *p, const struct code *tracer, const struct code *target,
			     int target_fd);
void pair_check_guards(const struct pair *p);
int64_t env_faults(const struct pair *p);

/* load.c */
struct fds {
	int arena, array;
};

struct run {
	int fd, err;
	uint32_t type, ret;
};

int load(const struct fds *fds, const struct code *c);
struct run run_here(int fd, const struct code *c);
struct run run_in_thread(int fd, const struct code *c);

/* watch.c */
void __attribute__((noreturn)) watch(void (*work)(void));
void watch_round(void);
void watch_note(const struct code *c, const char *doing);
void watch_idle(void);
const char *watch_complaint(void);

/* What was found, with the program that did it */
#define found(c, fmt, args...) do { watch_idle(); print_code(c); finding(fmt, ##args); } while (0)

/* verifier.c */
int kfunc_id(uint32_t i);
extern uint32_t runqueues_btf_id, iter_map_btf_id;

#endif
