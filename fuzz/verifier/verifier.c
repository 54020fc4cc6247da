// SPDX-License-Identifier: GPL-2.0
/*
 * Random instructions for the verifier: what it accepts must do no harm
 *
 * Problem. The verifier lets an arena pointer be anything, and rewrites what it is used
 * by. It stops following loops that may_goto bounds, decides which calls may sleep, and
 * what is a map. If it takes one thing for another, a program reads or writes where it
 * must not, hangs a CPU, or user space gets an address of the kernel.
 *
 * Picture.
 *
 *	gen.c			loop.c		call.c, kfunc.c		trace.c
 *	arena pointers		loops		functions, callbacks,	iterators, fentry
 *	   |			   |		timers, tail calls	and fexit
 *	mutate.c		   |			|		   |
 *	mostly with one to six instructions wrong	|		   |
 *	   +-----------------------+----------+---------+------------------+
 *				load.c: BPF_PROG_LOAD
 *	refused -> the next one		    |
 *				  env.c: accepted, run
 *
 * What is wrong:
 *  - the verifier: -EFAULT, BUG in its log, more than a minute, an argument accepted that
 *    never is one (load.c, kfunc.c);
 *  - memory: what is beside arena and map has changed, the last fault was outside of the
 *    window, two runs in environments that differ in the kernel's addresses left
 *    something else, something looks like an address (env.c);
 *  - time: an accepted program does not end (watch.c);
 *  - loops: an input exists that makes an accepted program do either (sim.c);
 *  - the kernel complains: WARNING, Oops, lockups; KASAN, lockdep, sleeping where that
 *    is not allowed, with DEBUG=1 (watch.c).
 *
 * A round is a pair of environments, and programs of one sort. Those of gen.c are of one
 * of these kinds:
 *	any	the context, random numbers, kfuncs that may not sleep, helpers that
 *		take memory; memory beside is checked
 *	strict	nothing whose value differs from run to run: the two are compared as well
 *	plain	strict, and no arithmetic whose result could look like an address
 *
 * The same seed gives the same programs, whatever became of those before. What may
 * differ is when pages for programs that may not sleep come and go, and when timers run.
 * FUZZ_LOG=1 prints why programs are refused, FUZZ_SORT=N leaves one sort of four.
 */
#include <inttypes.h>
#include <string.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "verifier.h"

struct fuzz fuzz;
uint32_t runqueues_btf_id, iter_map_btf_id;

static int kfunc_ids[NR_KFUNCS];
static struct {
	uint64_t tried, accepted, insns, faults, strict, too_long, by_type[5];
} total;

enum sort { POINTERS, LOOPS, CALLS, TRACING, NR_SORTS };

static struct {
	const char *name;
	uint32_t programs;	/* in a round */
	uint64_t tried, accepted;
} sorts[NR_SORTS] = {
	[POINTERS] = { "pointers", 50 }, [LOOPS] = { "loops", 400 }, [CALLS] = { "calls", 50 },
	[TRACING] = { "tracing", 30 },
};

static const struct {
	uint32_t type, flags;
	const char *name;
} types[] = {
	{ BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE, "syscall" },
	{ BPF_PROG_TYPE_RAW_TRACEPOINT, 0, "raw_tp" },
	{ BPF_PROG_TYPE_SCHED_CLS, 0, "tc" },
	{ BPF_PROG_TYPE_XDP, 0, "xdp" },
	{ BPF_PROG_TYPE_SOCKET_FILTER, 0, "socket" },
};

int kfunc_id(uint32_t i)
{
	return kfunc_ids[i];
}

static int kernel_id(struct btf *btf, const char *name, uint32_t kind)
{
	int id = btf ? btf__find_by_name_kind(btf, name, kind) : -1;

	if (id < 0)
		fuzz_die("the kernel has no %s", name);
	return id;
}

static void find_kernel_ids(void)
{
	static const char *const names[] = { "bpf_arena_alloc_pages", "bpf_arena_free_pages",
					     "bpf_arena_reserve_pages", "bpf_stream_vprintk",
					     "bpf_iter_num_new", "bpf_iter_num_next",
					     "bpf_iter_num_destroy",
					     "bpf_rcu_read_lock", "bpf_rcu_read_unlock",
					     "bpf_preempt_disable", "bpf_preempt_enable",
					     "bpf_local_irq_save", "bpf_local_irq_restore" };
	struct btf *btf = btf__load_vmlinux_btf();
	int i;

	for (i = 0; i < NR_KFUNCS; i++)
		kfunc_ids[i] = kernel_id(btf, names[i], BTF_KIND_FUNC);
	iter_map_btf_id = kernel_id(btf, "bpf_iter_bpf_map", BTF_KIND_FUNC);
	runqueues_btf_id = kernel_id(btf, "runqueues", BTF_KIND_VAR);
	btf__free(btf);
}

static uint32_t pick_type(struct code *c, struct rng *rng)
{
	static const uint32_t more_flags[] = { 0, 0, 0, BPF_F_TEST_RND_HI32, BPF_F_ANY_ALIGNMENT,
					       BPF_F_TEST_STATE_FREQ };
	uint32_t i = one_in(rng, 3) ? 0 : rng_below(rng, ARRAY_SIZE(types));

	c->type = types[i].type;
	c->flags = types[i].flags | rng_pick(rng, more_flags);
	c->sleepable = types[i].flags & BPF_F_SLEEPABLE;
	return i;
}

static void count(enum sort sort, const struct code *c, enum verdict verdict)
{
	total.tried++;
	total.insns += c->cnt;
	total.too_long += verdict == TOO_LONG;
	total.accepted += verdict == ACCEPTED;
	sorts[sort].tried++;
	sorts[sort].accepted += verdict == ACCEPTED;
}

static void try_pointers(struct pair *p, struct code *c, struct rng *rng)
{
	uint32_t type = pick_type(c, rng);
	enum verdict verdict;

	gen_program(c, rng, pair_pages(p));
	if (rng_below(rng, 4))
		mutate(c, rng);
	verdict = pair_try(p, c);
	count(POINTERS, c, verdict);
	total.strict += verdict == ACCEPTED && c->strict;
	total.by_type[type] += verdict == ACCEPTED;
}

static void try_loops(struct pair *p, struct code *c, struct rng *rng)
{
	/* What is drawn after the verdict is not for the next program. */
	struct rng inputs = { rng_next(rng) };

	pick_type(c, rng);
	/* Paths are cut where there are states: at every jump, or at some. */
	if (rng_below(rng, 2))
		c->flags |= BPF_F_TEST_STATE_FREQ;
	gen_loops(c, rng);
	count(LOOPS, c, pair_try_loops(p, c, &inputs));
}

static void try_calls(struct pair *p, struct code *c, struct rng *rng)
{
	pick_type(c, rng);
	gen_calls(c, rng);
	if (one_in(rng, 4))
		mutate(c, rng);
	count(CALLS, c, pair_try(p, c));
}

static void try_tracers(struct pair *p, struct code *c, struct rng *rng)
{
	struct code *target = calloc(1, sizeof(*target));
	uint32_t i;
	int fd;

	pick_type(target, rng);
	/* whose context tracing programs have a helper for */
	if (rng_below(rng, 2)) {
		target->type = BPF_PROG_TYPE_XDP;
		target->flags &= ~BPF_F_SLEEPABLE;
		target->sleepable = false;
	}
	gen_calls(target, rng);
	fd = pair_load(p, target);
	for (i = 0; i < 3; i++) {
		gen_tracer(c, rng, target);
		c->attach_prog = fd;
		if (fd >= 0)
			count(TRACING, c, pair_try_tracer(p, c, target, fd));
	}
	if (fd >= 0)
		close(fd);
	free(target);
}

static void try_tracing(struct pair *p, struct code *c, struct rng *rng)
{
	if (rng_below(rng, 3)) {
		try_tracers(p, c, rng);
		return;
	}
	gen_iter(c, rng);
	count(TRACING, c, pair_try_iter(p, c));
}

/* An iterator's program is given the arenas beside as well, and may free their pages. */
static bool has_guards(enum sort sort)
{
	return sort == POINTERS || sort == CALLS;
}

static void run_programs(struct pair *p, struct code *c, struct rng *rng, enum sort sort)
{
	static void (*const try_one[])(struct pair *p, struct code *c, struct rng *rng) = {
		try_pointers, try_loops, try_calls, try_tracing,
	};
	uint32_t i;

	for (i = 0; i < sorts[sort].programs; i++) {
		try_one[sort](p, c, rng);
		/* Guards are some hundred pages. */
		if (i % 10 == 9 && has_guards(sort))
			pair_check_guards(p);
		/* A round of programs that only time ends is long. */
		if (fuzz.only_round < 0 && fuzz_now() >= fuzz.end)
			return;
	}
}

static void run_round(void)
{
	struct rng rng = fuzz_rng(0);
	struct code *c = calloc(1, sizeof(*c));
	enum sort sort = rng_below(&rng, NR_SORTS);
	struct pair *p;

	if (getenv("FUZZ_SORT"))
		sort = atoi(getenv("FUZZ_SORT")) % NR_SORTS;
	c->strict = sort == POINTERS && rng_below(&rng, 3);
	c->plain = c->strict && rng_below(&rng, 2);
	watch_round();
	p = pair_open(&rng, c->plain);
	run_programs(p, c, &rng, sort);
	total.faults += env_faults(p);
	others_forget();
	pair_close(p);
	free(c);
}

static double share(void)
{
	return total.tried ? 100.0 * total.accepted / total.tried : 0;
}

static void say_totals(void)
{
	fuzz_say("%" PRIu64 " programs, %" PRIu64 " accepted and run (%.0f %%)", total.tried,
		 total.accepted, share());
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

static void say_all(void)
{
	uint32_t i;

	printf("arena pointers, accepted by type:");
	for (i = 0; i < ARRAY_SIZE(types); i++)
		printf(" %s %" PRIu64, types[i].name, total.by_type[i]);
	printf("\naccepted by sort:");
	for (i = 0; i < NR_SORTS; i++)
		printf(" %s %" PRIu64 " of %" PRIu64, sorts[i].name, sorts[i].accepted,
		       sorts[i].tried);
	putchar('\n');
	fuzz_say("%" PRIu64 " things tried, programs of %" PRIu64 " instructions: %" PRIu64
		 " accepted (%.0f %%) and run, %" PRIu64 " of them twice; %" PRIu64
		 " accesses that faulted; %" PRIu64 " took too long to verify", total.tried,
		 total.insns / (total.tried ?: 1), total.accepted, share(), total.strict,
		 total.faults, total.too_long);
}

static void work(void)
{
	others_open();
	while (fuzz_next_round()) {
		run_round();
		if (fuzz_may_say())
			say_totals();
	}
	say_all();
}

int main(int argc, char **argv)
{
	fuzz_start("verifier", argc, argv);
	libbpf_set_print(quiet);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	find_kernel_ids();
	watch(work);
}
