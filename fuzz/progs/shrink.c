// SPDX-License-Identifier: GPL-2.0
/*
 * Making a bundle that differs short
 *
 * Instructions are taken out, first many at a time, then fewer, as long as the rest
 * still differs; what the verifier refuses does not. Then the same for ways to load
 * it. Jumps keep their targets; one that went into what is gone goes behind it.
 *
 * The address of a function goes with the call that it is for: 6.1 removes a function
 * that nothing reaches, and then warns that its address is still loaded.
 *
 * It ends after SECONDS at the latest, with what it has by then.
 */
#include <string.h>
#include <time.h>
#include "progs.h"

#define SECONDS		90

struct shrinker {
	struct bundle *bundle;
	const struct env *env;
	u64 seed;
	time_t end;
};

/* As stmt.c has it: address, r3, r4, call. */
static bool address_is_used(const struct program *prog, u32 at)
{
	return at + 4 < prog->len && prog->insn[at + 4].code == (BPF_JMP | BPF_CALL) &&
	       prog->insn[at + 4].imm == BPF_FUNC_loop;
}

static bool all_addresses_used(const struct program *prog)
{
	u32 at;

	for (at = 0; at < prog->len; at++) {
		if (!insn_is_wide(&prog->insn[at]))
			continue;
		if (insn_is_func_ref(&prog->insn[at]) && !address_is_used(prog, at))
			return false;
		at++;
	}
	return true;
}

static bool still_differs(const struct shrinker *s)
{
	u32 run;

	return time(NULL) < s->end &&
	       bundle_try(s->bundle, s->env, s->seed, &run, false) == DIFFERS;
}

static u32 moved(u32 at, u32 from, u32 n)
{
	if (at < from)
		return at;
	return at < from + n ? from : at - n;
}

/* New distance of @at to what it refers to. */
static s32 redirect(u32 at, s32 distance, u32 from, u32 n)
{
	return (s32)moved(at + 1 + distance, from, n) - (s32)moved(at, from, n) - 1;
}

static void remove_insns(struct program *prog, u32 from, u32 n)
{
	u32 i;

	for (i = 0; i < prog->len; i++) {
		struct bpf_insn *insn = &prog->insn[i];

		if (insn_is_jump(insn))
			set_jump_distance(insn, redirect(i, jump_distance(insn), from, n));
		else if (insn_is_func_ref(insn))
			insn->imm = redirect(i, insn->imm, from, n);
		i += insn_is_wide(insn);
	}
	memmove(&prog->insn[from], &prog->insn[from + n],
		(prog->len - from - n) * sizeof(prog->insn[0]));
	prog->len -= n;
}

/* Length of what starts at @from and has at least @n instructions, none of them cut. */
static u32 whole_insns(const struct program *prog, u32 from, u32 n)
{
	u32 i = from;

	while (i < from + n && i < prog->len)
		i += 1 + insn_is_wide(&prog->insn[i]);
	return i - from;
}

static bool shrink_pass(const struct shrinker *s, struct program *prog, u32 chunk)
{
	static struct program before;
	bool shorter = false;
	u32 at = 0, n;

	while (at < prog->len) {
		n = whole_insns(prog, at, chunk);
		before = *prog;
		remove_insns(prog, at, n);
		if (prog->len && all_addresses_used(prog) && still_differs(s)) {
			shorter = true;
			continue;
		}
		*prog = before;
		at += whole_insns(prog, at, 1);
	}
	return shorter;
}

static bool shrink_program(const struct shrinker *s, struct program *prog)
{
	bool shorter = false;
	u32 chunk;

	for (chunk = prog->len / 2 + 1; chunk; chunk /= 2)
		shorter |= shrink_pass(s, prog, chunk);
	return shorter;
}

static bool shrink_progs(const struct shrinker *s)
{
	bool shorter = false;
	u32 i;

	while (s->bundle->progs > 1) {
		s->bundle->progs--;
		if (!still_differs(s)) {
			s->bundle->progs++;
			break;
		}
		shorter = true;
	}
	for (i = 0; i < s->bundle->progs; i++)
		shorter |= shrink_program(s, &s->bundle->prog[i]);
	return shorter;
}

static void shrink_mode(const struct shrinker *s)
{
	u32 bit;

	for (bit = 1; bit < MODES; bit <<= 1) {
		if (!(s->bundle->mode & bit))
			continue;
		s->bundle->mode &= ~bit;
		if (!still_differs(s))
			s->bundle->mode |= bit;
	}
}

void shrink(struct bundle *bundle, const struct env *env, u64 seed)
{
	struct shrinker s = {
		.bundle = bundle, .env = env, .seed = seed, .end = time(NULL) + SECONDS,
	};

	shrink_mode(&s);
	while (shrink_progs(&s))
		;
}
