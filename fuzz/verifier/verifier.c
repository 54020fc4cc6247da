// SPDX-License-Identifier: GPL-2.0
/*
 * Random instructions for the verifier: what it accepts must do no harm
 *
 * Problem. The verifier lets an arena pointer be anything, and rewrites what it is used
 * by. If it takes something else for an arena pointer, or an arena pointer for something
 * else, a program reads or writes where it must not, or user space gets an address of the
 * kernel.
 *
 * Picture.
 *
 *	gen.c     a program that is nearly valid
 *	   |
 *	mutate.c  mostly with one to six instructions wrong
 *	   |
 *	BPF_PROG_LOAD: refused -> the next one
 *	   |
 *	env.c     run, once or in two environments that differ in the kernel's addresses
 *	   |
 *	what is beside arena and map has not changed, the last fault was inside of the
 *	window, the two runs left the same, nothing looks like an address, the kernel
 *	complains of nothing (vm/run; KASAN with DEBUG=1)
 *
 * A round is a pair of environments and PROGRAMS programs, of one of these kinds:
 *	any	the context, random numbers, kfuncs that may not sleep, helpers that
 *		take memory; memory beside is checked
 *	strict	nothing whose value differs from run to run: the two are compared as well
 *	plain	strict, and no arithmetic whose result could look like an address
 *
 * The same seed gives the same programs. All that may differ is when pages for programs
 * that may not sleep come and go, in rounds of kind any.
 *
 * A program that loops until may_goto ends it may take minutes where every access
 * faults. Generated loops count to 40; one that a mutation makes is not repaired, and the
 * kernel's watchdogs are off for it. A program that takes more than ten seconds to verify
 * is given up and counted.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "verifier.h"

#define PROGRAMS 50

struct fuzz fuzz;

static int kfunc_ids[3];
static struct {
	uint64_t tried, accepted, insns, faults, strict, too_long, by_type[5];
} total;

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

static void find_kfuncs(void)
{
	static const char *const names[] = { "bpf_arena_alloc_pages", "bpf_arena_free_pages",
					     "bpf_arena_reserve_pages" };
	struct btf *btf = btf__load_vmlinux_btf();
	int i;

	for (i = 0; i < 3; i++) {
		kfunc_ids[i] = btf ? btf__find_by_name_kind(btf, names[i], BTF_KIND_FUNC) : -1;
		if (kfunc_ids[i] < 0)
			fuzz_die("the kernel has no %s", names[i]);
	}
	btf__free(btf);
}

/* As test_verifier and bpftool -j have them */
void print_code(const struct code *c)
{
	const struct bpf_insn *i;

	printf("program of type %u, flags %#x, %s%s:\n", c->type, c->flags,
	       c->strict ? "strict" : "any", c->plain ? ", plain" : "");
	for (i = c->insns; i < c->insns + c->cnt; i++)
		printf("  { %#04x, %2u, %2u, %6d, %d }\n", i->code, i->dst_reg, i->src_reg, i->off,
		       i->imm);
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

static void try_one(struct pair *p, struct code *c, struct rng *rng)
{
	uint32_t type = pick_type(c, rng);
	enum verdict verdict;

	gen_program(c, rng, pair_pages(p));
	if (rng_below(rng, 4))
		mutate(c, rng);
	total.tried++;
	total.insns += c->cnt;
	verdict = pair_try(p, c);
	total.too_long += verdict == TOO_LONG;
	if (verdict != ACCEPTED)
		return;
	total.accepted++;
	total.strict += c->strict;
	total.by_type[type]++;
}

/* What is beside the arena is some hundred pages: looked at after ten programs */
static void run_round(void)
{
	struct rng rng = fuzz_rng(0);
	struct code *c = calloc(1, sizeof(*c));
	struct pair *p;
	uint32_t i;

	c->strict = rng_below(&rng, 3);
	c->plain = c->strict && rng_below(&rng, 2);
	p = pair_open(&rng, c->plain);
	for (i = 0; i < PROGRAMS; i++) {
		try_one(p, c, &rng);
		if (i % 10 == 9)
			pair_check_guards(p);
	}
	total.faults += env_faults(p);
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

static void write_if_there(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		fuzz_die("cannot write %s: %m", path);
	close(fd);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

static void set_up(void)
{
	libbpf_set_print(quiet);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	find_kfuncs();
	write_if_there("/proc/sys/kernel/watchdog", "0");
	write_if_there("/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress", "1");
}

int main(int argc, char **argv)
{
	uint32_t i;

	fuzz_start("verifier", argc, argv);
	set_up();
	while (fuzz_next_round()) {
		run_round();
		if (fuzz_may_say())
			say_totals();
	}
	printf("accepted by type:");
	for (i = 0; i < ARRAY_SIZE(types); i++)
		printf(" %s %" PRIu64, types[i].name, total.by_type[i]);
	putchar('\n');
	fuzz_say("%" PRIu64 " things tried, programs of %" PRIu64 " instructions: %" PRIu64
		 " accepted (%.0f %%) and run, %" PRIu64 " of them twice; %" PRIu64
		 " accesses that faulted; %" PRIu64 " took too long to verify", total.tried,
		 total.insns / (total.tried ?: 1), total.accepted, share(), total.strict,
		 total.faults, total.too_long);
	return 0;
}
