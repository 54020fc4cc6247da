// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that arenas cost, counted in a VM
 *
 * Problem. In an emulated machine time says nothing, and on a real one it depends on
 * the machine. What does not depend on anything is the number of instructions. Under
 * vm/run --icount the VM has one CPU and its clock, which rdtsc reads, counts them.
 *
 *	     this kernel                           another one
 *	   ours, in out/ARCH/bzImage            Debian's 6.12, in out/peer
 *	          |                                   |
 *	   +------+-----------------------------------+-------+
 *	   | one initramfs, with this program and nothing else |
 *	   +------+-----------------------------------+-------+
 *	          |                                   |
 *	   "NAME value value ..."              "NAME value value ..."
 *	          +------------> bench/report.py <----+
 *	                   table, .csv, .json, comparison
 *
 * Experiments are in the tables of the other files, each with its rows: name, unit,
 * goal, title. scripts/bench builds, boots and prints.
 *
 * What is done so that the same thing always costs the same:
 *  - The program that is measured holds the CPU (SCHED_FIFO). What it leaves to others,
 *    workers, RCU, is counted while it waits as SCHED_IDLE, in a window that has always
 *    the same number of ticks; an empty window is taken off. It never sleeps: the clock
 *    of an idle VM jumps to the next timer.
 *  - Each value is the difference between a run and one of no rounds.
 *  - Each experiment is repeated, and report.py takes the median; a tick in one of the
 *    rounds is gone with that. The VM is booted several times, and the spread is that
 *    between boots.
 */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench.h"

#define MAX_VALUES 64

static const struct experiment *const tables[] = {
	page_experiments, access_experiments, lib_experiments, verify_experiments,
};

static const char *only = "*";
int rounds = 9;
bool quick;

static struct {
	double values[MAX_VALUES];
	int cnt;
} results[MAX_ROWS]; /* of the experiment that runs */

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bench: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* only is a list of patterns with commas between them */
static bool is_wanted(const char *name)
{
	char *list = strdup(only), *rest = list, *pattern;
	bool found = false;

	while ((pattern = strsep(&rest, ",")))
		found |= !fnmatch(pattern, name, 0);
	free(list);
	return found;
}

static void set_scheduler(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, policy, &param))
		die("cannot set the scheduling policy: %m");
}

void hold_cpu(void)
{
	set_scheduler(SCHED_FIFO, 1);
}

#define SPIN 5000	/* rounds of two instructions */

/* Spin n times, and look at the clock each time, or until it is late. */
static __attribute__((noinline)) uint64_t spin(uint64_t n, uint64_t late)
{
	uint64_t i = 0, left;

	do {
		left = SPIN;
		asm volatile("1: dec %0; jnz 1b" : "+r"(left));
		i++;
	} while (now() < late && i < n);
	return i;
}

/* A round of spin() in instructions, from runs that no interrupt hit */
static double spin_cost(void)
{
	uint64_t start, took, best = ~0ULL;
	const int n = 50; /* half of a tick where HZ is 1000 */
	int i;

	for (i = 0; i < 50; i++) {
		start = now();
		spin(n, ~0ULL);
		took = now() - start;
		if (took < best)
			best = took;
	}
	return (double)best / n;
}

static double spin_round;

uint64_t let_others_run(uint64_t start, uint64_t window)
{
	uint64_t n;

	set_scheduler(SCHED_IDLE, 0);
	n = spin(~0ULL, start + window);
	window = now() - start;
	hold_cpu();
	return window - n * spin_round;
}

void settle(void)
{
	let_others_run(now(), 10 * TICK);
}

/* What a kernel does after boot, or leaves to others for long, may take a while. */
void wait_until_quiet(void)
{
	int tries, quiet = 0;

	for (tries = 0; quiet < 3; tries++) {
		if (tries == 1000)
			die("the kernel is never idle");
		quiet = let_others_run(now(), 10 * TICK) < 10 * TICK / 100 ? quiet + 1 : 0;
	}
}

void emit(const struct experiment *e, int nr, double value)
{
	if (results[nr].cnt < MAX_VALUES)
		results[nr].values[results[nr].cnt++] = value;
}

void missing(const struct experiment *e, int nr, const char *fmt, ...)
{
	char why[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	for (; nr < MAX_ROWS && e->rows[nr].name; nr++)
		if (is_wanted(e->rows[nr].name))
			printf("missing\t%s\t%s\n", e->rows[nr].name, why);
}

static void print_results(const struct experiment *e)
{
	int nr, i;

	for (nr = 0; nr < MAX_ROWS && e->rows[nr].name; nr++) {
		if (!results[nr].cnt || !is_wanted(e->rows[nr].name))
			continue;
		printf("row\t%s\t", e->rows[nr].name);
		for (i = 0; i < results[nr].cnt; i++)
			printf("%s%.4f", i ? " " : "", results[nr].values[i]);
		putchar('\n');
	}
	fflush(stdout);
}

static void run_experiment(const struct experiment *e)
{
	bool wanted = false;
	int nr;

	for (nr = 0; nr < MAX_ROWS && e->rows[nr].name; nr++)
		wanted |= is_wanted(e->rows[nr].name);
	if (!wanted)
		return;
	fprintf(stderr, "bench: %s (%.1f G)\n", e->rows[0].name, now() / 1e9);
	memset(results, 0, sizeof(results));
	e->run(e);
	print_results(e);
	wait_until_quiet();
}

static void list(const struct experiment *e)
{
	const struct row *row;

	for (row = e->rows; row < e->rows + MAX_ROWS && row->name; row++)
		if (is_wanted(row->name))
			printf("%s\t%s\t%s\t%s\n", row->name, row->unit, row->goal, row->title);
}

static void for_each_experiment(void (*fn)(const struct experiment *e))
{
	const struct experiment *e;
	unsigned int i;

	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (e = tables[i]; e->run; e++)
			fn(e);
}

/* Before anything is changed of a machine that is not meant */
static void check_clock(void)
{
	spin_round = spin_cost();
	if (spin_round < 2 * SPIN || spin_round > 2 * SPIN + 100)
		die("the clock does not count instructions: it is for vm/run --icount");
}

static void set_up(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	FILE *f;

	check_clock();
	/* A CPU that is taken from SCHED_FIFO for a while would be idle. */
	f = fopen("/proc/sys/kernel/sched_rt_runtime_us", "w");
	if (!f || fputs("-1", f) < 0 || fclose(f))
		die("cannot write sched_rt_runtime_us: %m");
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	libbpf_set_print(NULL);
	mlockall(MCL_CURRENT);
	/* the first one makes libbpf try what the kernel has */
	close(bpf_map_create(BPF_MAP_TYPE_ARRAY, "first", 4, 4, 1, NULL));
	hold_cpu();
	wait_until_quiet();
}

int main(int argc, char **argv)
{
	bool list_only = false;
	int opt;

	while ((opt = getopt(argc, argv, "jlo:q")) != -1) {
		switch (opt) {
		case 'j': print_jited(); return 0;
		case 'l': list_only = true; break;
		case 'o': only = optarg; break;
		case 'q': quick = true; rounds = 5; break;
		default: die("usage: bench [-j] [-l] [-q] [-o PATTERN[,PATTERN...]]");
		}
	}
	if (list_only) {
		for_each_experiment(list);
		return 0;
	}
	set_up();
	for_each_experiment(run_experiment);
	return 0;
}
