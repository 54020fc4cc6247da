/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VERIFIER_H
#define VERIFIER_H

#include <linux/bpf.h>
#include "fuzz.h"

#define MAX_INSNS 512
#define ARENA_PAGES_MAX 12
#define VALUE_SIZE 64		/* of the map that a program is given */
#define PACKET 64

#define BPF_CAST 1		/* off of a mov that is a cast */
#define TO_KERN 1
#define TO_USER 0x10000
#define MAY_GOTO (BPF_JMP | 0xe0)

/* What an instruction is to those who mutate: may it be changed? */
enum keep { FREE, KEEP };

/* What a load of 64 bits gives a program, to be filled in for each environment */
enum fixup { NONE, ARENA_MAP, ARENA_VALUE, MAP_VALUE };

struct code {
	struct bpf_insn insns[MAX_INSNS];
	uint8_t keep[MAX_INSNS];
	uint8_t fixup[MAX_INSNS];
	uint32_t cnt;
	bool loops;
	/*
	 * strict: nothing of the kernel's is given to the program, neither addresses nor
	 * what differs from run to run. plain: nor can it make numbers that look like
	 * addresses.
	 */
	bool strict, plain, sleepable;
	uint32_t type, flags;
};

/* gen.c */
void gen_program(struct code *c, struct rng *rng, uint32_t arena_pages);

/* mutate.c */
void mutate(struct code *c, struct rng *rng);

enum verdict { REFUSED, ACCEPTED, TOO_LONG };

/* env.c: arenas and maps, of which one of each is given to programs */
struct pair;		/* two environments that are the same to a program */
struct pair *pair_open(struct rng *rng, bool plain);
void pair_close(struct pair *p);
uint32_t pair_pages(const struct pair *p);
enum verdict pair_try(struct pair *p, const struct code *c);
void pair_check_guards(const struct pair *p);
int64_t env_faults(const struct pair *p);

/* verifier.c */
int kfunc_id(uint32_t i);	/* 0 alloc, 1 free, 2 reserve */
void print_code(const struct code *c);

#endif
