// SPDX-License-Identifier: GPL-2.0
/*
 * What a run begins with and what it leaves
 *
 * The same seed, bundle and run give the same memory and input. Memory is a mixture:
 * addresses for programs that follow them, zeroes for cmpxchg, numbers.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "progs.h"

#define MAX_LINES	20

static size_t mem_size(const struct env *env)
{
	return (size_t)env->pages * page_size;
}

void state_alloc(struct state *state, const struct env *env)
{
	u32 arena;

	memset(state, 0, sizeof(*state));
	for (arena = 0; arena < ARENAS; arena++) {
		state->mem[arena] = calloc(1, mem_size(env));
		if (!state->mem[arena])
			die("no memory");
	}
}

void state_free(struct state *state)
{
	u32 arena;

	for (arena = 0; arena < ARENAS; arena++)
		free(state->mem[arena]);
}

void state_copy(struct state *to, const struct state *from, const struct env *env)
{
	u32 arena;

	to->value = from->value;
	to->ret = from->ret;
	for (arena = 0; arena < ARENAS; arena++)
		memcpy(to->mem[arena], from->mem[arena], mem_size(env));
}

static u64 random_word(struct rng *rng, const struct env *env, u32 arena)
{
	switch (rng_below(rng, 4)) {
	case 0: return rng_number(rng);
	case 1: return rng_uaddr(rng, env, arena);
	case 2: return 0;
	default: return rng_next(rng);
	}
}

static void fill_page(struct rng *rng, const struct env *env, u32 arena, u8 *page)
{
	u64 word;
	u32 at;

	for (at = 0; at < page_size; at += sizeof(word)) {
		word = random_word(rng, env, arena);
		memcpy(page + at, &word, sizeof(word));
	}
}

void state_fill(struct state *state, const struct env *env, u64 seed, u64 number, u32 run)
{
	u32 arena, page, i;
	struct rng rng;

	rng_seed(&rng, seed + 1, number * RUNS + run);
	memset(&state->value, 0, sizeof(state->value));
	state->ret = 0;
	for (i = 0; i < INPUTS; i++)
		state->value.in[i] = i % 2 ? rng_number(&rng) :
			rng_uaddr(&rng, env, rng_below(&rng, ARENAS));
	for (arena = 0; arena < ARENAS; arena++)
		for (page = 0; page < env->pages; page++)
			if (env->present[arena][page])
				fill_page(&rng, env, arena, state->mem[arena] + page * page_size);
}

bool state_same(const struct state *a, const struct state *b, const struct env *env)
{
	u32 arena;

	if (a->ret != b->ret || memcmp(&a->value, &b->value, sizeof(a->value)))
		return false;
	for (arena = 0; arena < ARENAS; arena++)
		if (memcmp(a->mem[arena], b->mem[arena], mem_size(env)))
			return false;
	return true;
}

static void print_word(const char *name, u64 where, u64 want, u64 got, u32 *lines)
{
	if (want == got)
		return;
	if (++*lines == MAX_LINES)
		printf("  ... more\n");
	if (*lines >= MAX_LINES)
		return;
	printf("  %s %#" PRIx64 ": %#" PRIx64 ", should be %#" PRIx64 "\n", name, where, got, want);
}

static void print_dump_word(u32 dump, u32 word, u64 want, u64 got, u32 *lines)
{
	char name[40];

	if (word <= 10)
		snprintf(name, sizeof(name), "out[%u], r%u,", dump, word);
	else
		snprintf(name, sizeof(name), "out[%u], fp-%u,", dump, (word - 10) * 8);
	print_word(name, offsetof(struct value, out) + (dump * DUMP_WORDS + word) * 8, want, got,
		   lines);
}

static void print_arena_diff(u32 arena, const u64 *want, const u64 *got, const struct env *env,
			     u32 *lines)
{
	char name[40];
	size_t i;

	snprintf(name, sizeof(name), "arena %u, address", arena);
	for (i = 0; i < mem_size(env) / 8; i++)
		print_word(name, env->base[arena] + i * 8, want[i], got[i], lines);
}

/* @want is the interpreter's. */
void state_print_diff(const struct state *want, const struct state *got, const struct env *env)
{
	u32 lines = 0, dump, word, arena;

	print_word("return value of program", 0, want->ret, got->ret, &lines);
	for (dump = 0; dump < MAX_DUMPS; dump++)
		for (word = 0; word < DUMP_WORDS; word++)
			print_dump_word(dump, word, want->value.out[dump][word],
					got->value.out[dump][word], &lines);
	for (arena = 0; arena < ARENAS; arena++)
		print_arena_diff(arena, (const u64 *)want->mem[arena],
				 (const u64 *)got->mem[arena], env, &lines);
}
