// SPDX-License-Identifier: GPL-2.0
/*
 * Runs bundles until the time is over or one differs; progs.h has the whole picture
 *
 * The seed is in the first line. After a difference there is the bundle, shortened,
 * with its input and what differed, and the command that repeats it. What the
 * verifier refuses is counted by its reason: a generator that gets worse would
 * otherwise test less and less.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "progs.h"

#define PROGRESS	10		/* seconds */
#define REASONS		32
#define REASON_LEN	100

struct options {
	u64 seed, number;
	u32 seconds;
	bool one, broken, print;
};

static struct {
	char text[REASON_LEN];
	u64 first, count;
} reasons[REASONS];

static u64 tried[OUTCOMES], by_mode[MODES], insns;
static int load_error;			/* of the last bundle_try() */
static char verifier_log[16 << 20];

void die(const char *format, ...)
{
	va_list args;

	harden_restore();
	va_start(args, format);
	fflush(stdout);
	fprintf(stderr, "progs: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(2);
}

static enum outcome try_run(const struct bundle *bundle, const struct env *env, u64 seed, u32 run,
			    bool print)
{
	struct state want, got;
	enum outcome outcome;

	state_alloc(&want, env);
	state_alloc(&got, env);
	state_fill(&got, env, seed, bundle->number, run);
	state_copy(&want, &got, env);
	outcome = interp_run(bundle, env, &want);
	if (outcome == SAME) {
		if (!kernel_run(env, &got))
			outcome = TOO_LONG;
		else if (!state_same(&want, &got, env))
			outcome = DIFFERS;
	}
	if (print)
		state_print_diff(&want, &got, env);
	state_free(&want);
	state_free(&got);
	return outcome;
}

/*
 * Loads and runs a bundle. What differs is worth most, then what could be compared at
 * least once. @run gets the number of the run that differs, and with @print its
 * differences are printed.
 */
enum outcome bundle_try(const struct bundle *bundle, const struct env *env, u64 seed, u32 *run,
			bool print)
{
	enum outcome outcome = OUTCOMES, this;
	u32 i;

	load_error = kernel_load(bundle, env, NULL, 0);
	if (load_error)
		return REFUSED;
	for (i = 0; i < RUNS && outcome != DIFFERS; i++) {
		this = try_run(bundle, env, seed, i, false);
		if (this == DIFFERS || outcome != SAME)
			outcome = this;
		*run = i;
	}
	if (print && outcome == DIFFERS)
		try_run(bundle, env, seed, *run, true);
	kernel_unload(env);
	return outcome;
}

/* ---- reports ---- */

/* The last line of the log in front of the verifier's statistics; where it is differs. */
static void find_reason(char *reason)
{
	char *stats = strstr(verifier_log, "\nprocessed "), *line;

	if (stats)
		*stats = 0;
	line = strrchr(verifier_log, '\n');
	snprintf(reason, REASON_LEN, "%s", line ? line + 1 : verifier_log);
}

static void count_refusal(const struct bundle *bundle, const struct env *env)
{
	char reason[REASON_LEN];
	u32 i;

	verifier_log[0] = 0;
	if (load_error != -EAGAIN)
		load_error = kernel_load(bundle, env, verifier_log, sizeof(verifier_log));
	if (load_error == -EAGAIN)
		snprintf(reason, sizeof(reason), "the verifier takes too long");
	else if (!load_error)
		die("bundle %" PRIu64 " was refused, and then it was not", bundle->number);
	else
		find_reason(reason);
	for (i = 0; i < REASONS - 1 && reasons[i].count; i++)
		if (!strcmp(reasons[i].text, reason))
			break;
	if (!reasons[i].count++) {
		strcpy(reasons[i].text, reason);
		reasons[i].first = bundle->number;
	}
}

static void print_inputs(const struct env *env, u64 seed, u64 number, u32 run)
{
	struct state state;
	u32 i;

	state_alloc(&state, env);
	state_fill(&state, env, seed, number, run);
	printf("input of run %u:\n", run);
	for (i = 0; i < INPUTS; i++)
		printf("  value + %u: %#" PRIx64 "\n", i * 8, state.value.in[i]);
	state_free(&state);
}

static void print_env(const struct env *env)
{
	u32 arena, page;

	for (arena = 0; arena < ARENAS; arena++) {
		printf("arena %u: %#" PRIx64 "%s, pages (x is there): ", arena, env->base[arena],
		       env->no_user_conv[arena] ? ", BPF_F_NO_USER_CONV" : "");
		for (page = 0; page < env->pages; page++)
			putchar(env->present[arena][page] ? 'x' : '-');
		putchar('\n');
	}
}

static void print_bundle(const struct bundle *bundle)
{
	u32 i;

	printf("loaded with %s%s%s\n", bundle->mode ? "" : "no option",
	       bundle->mode & MODE_BLIND ? "bpf_jit_harden=2 " : "",
	       bundle->mode & MODE_RND_HI32 ? "BPF_F_TEST_RND_HI32" : "");
	for (i = 0; i < bundle->progs; i++) {
		printf("program %u, arena %u:\n", i, bundle->prog[i].arena);
		program_print(&bundle->prog[i]);
	}
}

static void report(struct bundle *bundle, const struct env *env, const struct options *opts)
{
	u32 run = 0;

	printf("progs: finding: bundle %" PRIu64 " differs, making it shorter\n", bundle->number);
	fflush(stdout);
	shrink(bundle, env, opts->seed);
	print_bundle(bundle);
	print_env(env);
	printf("what differs:\n");
	if (bundle_try(bundle, env, opts->seed, &run, true) != DIFFERS)
		printf("  nothing any more: it does not differ each time\n");
	print_inputs(env, opts->seed, bundle->number, run);
	printf("progs: seed %" PRIu64 ", round %" PRIu64 "; to repeat it: make fuzz ONLY=progs SEED=%"
	       PRIu64 " ROUND=%" PRIu64 "\n", opts->seed, bundle->number, opts->seed, bundle->number);
}

static u64 sum(const u64 *counts, u32 n)
{
	u64 total = 0;

	while (n--)
		total += counts[n];
	return total;
}

static void print_refusals(void)
{
	u32 i;

	for (i = 0; i < REASONS && reasons[i].count; i++)
		printf("refused: %" PRIu64 " (first bundle %" PRIu64 "): %s\n", reasons[i].count,
		       reasons[i].first, reasons[i].text);
}

static void print_total(void)
{
	u64 all = sum(tried, OUTCOMES), taken = all - tried[REFUSED];

	printf("progs: %" PRIu64 " things tried, %" PRIu64 ".%02" PRIu64 " %% accepted, %" PRIu64
	       " instructions, %" PRIu64 " not compared (undefined), %" PRIu64
	       " (too long); modes none %" PRIu64 ", blind %" PRIu64 ", rnd_hi32 %" PRIu64
	       ", both %" PRIu64 "; %" PRIu64 " differ\n", all, all ? taken * 100 / all : 0,
	       all ? taken * 10000 / all % 100 : 0, insns, tried[UNDEFINED], tried[TOO_LONG],
	       by_mode[0], by_mode[1], by_mode[2], by_mode[3], tried[DIFFERS]);
	fflush(stdout);
}

/* ---- the loop ---- */

static void count(const struct bundle *bundle, enum outcome outcome)
{
	u32 i;

	tried[outcome]++;
	by_mode[bundle->mode]++;
	for (i = 0; i < bundle->progs; i++)
		insns += bundle->prog[i].len;
}

static enum outcome one_bundle(const struct env *env, const struct options *opts, u64 number)
{
	static struct bundle bundle;
	enum outcome outcome;
	u32 run;

	bundle_generate(&bundle, env, opts->seed, number);
	if (opts->print)
		print_bundle(&bundle);
	outcome = bundle_try(&bundle, env, opts->seed, &run, false);
	count(&bundle, outcome);
	if (outcome == REFUSED)
		count_refusal(&bundle, env);
	if (opts->print && outcome == REFUSED)
		printf("%s\n", verifier_log);
	if (outcome == DIFFERS)
		report(&bundle, env, opts);
	return outcome;
}

static void show_progress(const struct options *opts, time_t start, time_t *shown)
{
	time_t now = time(NULL);

	if (now - *shown < PROGRESS)
		return;
	*shown = now;
	printf("%" PRIu64 " of %u s: %" PRIu64 " tried, %" PRIu64 " refused\n",
	       (u64)(now - start), opts->seconds, sum(tried, OUTCOMES), tried[REFUSED]);
	fflush(stdout);
}

static bool all_same(const struct options *opts)
{
	time_t start = time(NULL), shown = start;
	u64 number = opts->number;
	enum outcome outcome;
	struct env env;

	env_open(&env, opts->seed, number / BUNDLES_AN_ENV);
	do {
		outcome = one_bundle(&env, opts, number++);
		show_progress(opts, start, &shown);
		if (number % BUNDLES_AN_ENV == 0) {
			env_close(&env);
			env_open(&env, opts->seed, number / BUNDLES_AN_ENV);
		}
	} while (outcome != DIFFERS && !opts->one && time(NULL) - start < opts->seconds);
	env_close(&env);
	return outcome != DIFFERS;
}

/* An instruction of the first bundle, so that it is one of those that come often. */
static void break_interpreter(u64 seed)
{
	static struct bundle bundle;
	const struct bpf_insn *insn;
	struct env env;
	struct rng rng;
	u32 at;

	env_open(&env, seed, 0);
	bundle_generate(&bundle, &env, seed, 0);
	rng_seed(&rng, seed + 3, 0);
	do {
		at = rng_below(&rng, bundle.prog[0].len);
		insn = &bundle.prog[0].insn[at];
	} while (!insn->code || BPF_CLASS(insn->code) == BPF_LD ||
		 (BPF_CLASS(insn->code) == BPF_JMP && !insn_is_conditional(insn)));
	printf("progs: the interpreter is wrong in instructions like this one: ");
	insn_print(insn, at);
	interp_break(insn);
	env_close(&env);
}

static void usage(FILE *to)
{
	fputs("usage: progs [-t SECONDS] [-s SEED] [-r NUMBER] [-x] [-p]\n\n"
	      "Runs random arena programs in the kernel and in an interpreter of its own, and\n"
	      "compares what they leave.\n\n"
	      "  -t  how long (10)\n"
	      "  -s  seed (of the clock)\n"
	      "  -r  this bundle alone\n"
	      "  -x  the interpreter is wrong in one kind of instruction: this must be found\n"
	      "  -p  print each bundle, and the verifier's log if it is refused\n\n"
	      "exit status: 0 all agree, 1 something differs, 2 it could not be tried\n", to);
}

static u64 number_arg(const char *text, char option)
{
	char *end;
	u64 v = strtoull(text, &end, 0);

	if (!*text || *end)
		die("-%c %s is not a number", option, text);
	return v;
}

static void parse(int argc, char **argv, struct options *opts)
{
	int c;

	while ((c = getopt(argc, argv, "t:s:r:xph")) != -1) {
		switch (c) {
		case 't': opts->seconds = number_arg(optarg, c); break;
		case 's': opts->seed = number_arg(optarg, c); break;
		case 'r': opts->number = number_arg(optarg, c); opts->one = true; break;
		case 'x': opts->broken = true; break;
		case 'p': opts->print = true; break;
		case 'h': usage(stdout); exit(0);
		default: usage(stderr); exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct options opts = { .seconds = 10 };
	struct timespec now;
	bool same;

	clock_gettime(CLOCK_REALTIME, &now);
	opts.seed = now.tv_sec ^ now.tv_nsec;
	parse(argc, argv, &opts);
	printf("progs: seed %" PRIu64 ", %u s\n", opts.seed, (u32)opts.seconds);
	fflush(stdout);
	page_size = getpagesize();
	if (opts.broken)
		break_interpreter(opts.seed);
	same = all_same(&opts);
	print_refusals();
	print_total();
	harden_restore();
	return !same;
}
