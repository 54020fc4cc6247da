// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations on arenas, against a model that knows what every page must hold
 *
 * Problem. Pages of an arena come and go by programs that may sleep, by programs that may
 * not, and by touches of processes; processes map, unmap, fork and die meanwhile. What
 * goes wrong there shows as a page that has another owner's data, that is missing, or
 * that is still there, for one of those who look.
 *
 * Picture. A round is a process of its own, in a cgroup of its own:
 *
 *	round N, from seed and N        ops.c
 *	   |-- single.c   one actor, the model tells every result
 *	   `-- crowd.c    processes and threads, each with a range it owns
 *	         |
 *	       model.c    state and tag of every page, and operations checked against it
 *	       mm.c       calls on the mapping, and how they must fail
 *	       arena.c    ops.bpf.c's programs, by syscall, tc and xdp
 *	         |
 *	   ends -> no kernel window is left, the cgroup is charged for nothing
 *
 * Invariants, checked after each step that could break them.
 *  - A page has a tag of 32 bits from which all its words follow, known to the model
 *    alone. A process and a program read the same of it.
 *  - A page that was just allocated is zero. One that was freed is gone for a process
 *    (SIGSEGV, or a new page of zeroes) and for a program (0).
 *  - Errors are those of the contract, and what was refused changes nothing: there is one
 *    VMA, from the first address to the last.
 *  - fdinfo's pages and memlock are the model's when nobody is at work.
 *
 * Not repeatable by the seed: who of a crowd comes first, whether the pool has a page for
 * a program that may not sleep, and so what of it succeeds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <bpf/libbpf.h>
#include "ops.h"

#define CGROUP "/sys/fs/cgroup/fuzz"

/* What may stay charged when a cgroup's processes are gone: caches of each CPU */
#define CHARGE_LEFT (1 << 20)

/* What the whole run may cost in pages: caches of files, tables */
#define PAGES_LEFT (32 << 10)	/* KiB */

/* and in slabs, without what KASAN keeps back of them, a 32nd of the memory */
#define SLABS_LEFT (32 << 10)

struct fuzz fuzz;
struct counts *counts;
uint32_t page_size;

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fuzz_die("cannot write %s to %s: %m", text, path);
	close(fd);
}

/* The number behind a name in a file of such lines */
static int64_t number_in(const char *path, const char *name)
{
	FILE *f = fopen(path, "r");
	long long value = -1;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			value = strtoll(line + strlen(name), NULL, 0);
	if (f)
		fclose(f);
	return value;
}

/* Pages that the kernel has for the cgroup, without slabs, which may be kept for others */
static int64_t charge(void)
{
	return number_in(CGROUP "/memory.stat", "kernel ") -
	       number_in(CGROUP "/memory.stat", "slab ");
}

/* Free pages that a CPU has for itself: tens of MiB, which MemFree does not have */
static int64_t free_of_cpus(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	int64_t sum = 0, cnt;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %" SCNd64, &cnt) == 1)
			sum += cnt;
	if (f)
		fclose(f);
	return sum * page_size >> 10;
}

/* In KiB */
struct memory {
	int64_t free, slabs;
};

static struct memory memory_now(void)
{
	struct memory m;

	write_file("/proc/sys/vm/drop_caches", "3\n");
	m.slabs = number_in("/proc/meminfo", "Slab:");
	m.free = number_in("/proc/meminfo", "MemFree:") + free_of_cpus();
	return m;
}

static void check_memory(const struct memory *before)
{
	int64_t slabs_left = SLABS_LEFT + number_in("/proc/meminfo", "MemTotal:") / 32;
	struct memory now = memory_now();
	int64_t slabs = now.slabs - before->slabs, pages = before->free - now.free - slabs;

	if (pages > PAGES_LEFT || slabs > slabs_left)
		finding("%" PRId64 " KiB of pages and %" PRId64 " KiB of slabs are gone", pages, slabs);
}

/* Frees come from workers and RCU, so give them some seconds. */
static bool becomes(int64_t (*what)(void), int64_t most)
{
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		if (what() <= most)
			return true;
		usleep(20000);
	}
	return false;
}

static int64_t windows(void)
{
	return windows_left();
}

static void check_all_gone(void)
{
	if (!becomes(windows, 0))
		finding("%ld kernel windows of arenas are left", windows_left());
	if (!becomes(charge, CHARGE_LEFT))
		finding("the cgroup is charged for %" PRId64 " bytes by the kernel for nobody",
			charge());
}

static void __attribute__((noreturn)) round_process(void)
{
	write_file(CGROUP "/cgroup.procs", "0");
	touch_init();
	if (fuzz.round % 4 == 3)
		crowd_round();
	else
		single_round();
	exit(0);
}

static void run_round(void)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		round_process();
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fuzz_die("cannot fork: %m");
	if (WIFSIGNALED(status))
		finding("the round was killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status))
		exit(WEXITSTATUS(status));
	check_all_gone();
}

static void say_counts(void)
{
	fuzz_say("%llu rounds: %" PRIu64 " runs of programs, %" PRIu64 " touches, %" PRIu64
		 " of them faults, %" PRIu64 " calls on mappings",
		 (unsigned long long)fuzz.round + 1, counts->ops, counts->touches, counts->faults,
		 counts->mm_calls);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

static void set_up(void)
{
	page_size = getpagesize();
	counts = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	libbpf_set_print(quiet);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		fuzz_die("no cgroup: %m");
}

int main(int argc, char **argv)
{
	struct memory before;

	fuzz_start("ops", argc, argv);
	set_up();
	before = memory_now();
	while (fuzz_next_round()) {
		run_round();
		if (fuzz_may_say())
			say_counts();
	}
	check_memory(&before);
	fuzz_say("%" PRIu64 " things tried, in %llu rounds with %" PRIu64 " arenas: %" PRIu64
		 " runs of programs, among them %" PRIu64 " allocations, %" PRIu64
		 " that failed, %" PRIu64 " frees, %" PRIu64 " reservations; %" PRIu64
		 " touches, %" PRIu64 " of them faults; %" PRIu64 " checks of a page; %" PRIu64
		 " calls on mappings, %" PRIu64 " forks",
		 counts->ops + counts->touches + counts->mm_calls + counts->forks,
		 (unsigned long long)fuzz.round + 1, counts->arenas, counts->ops, counts->allocs,
		 counts->failed_allocs, counts->frees, counts->reserves, counts->touches,
		 counts->faults, counts->checks, counts->mm_calls, counts->forks);
	return 0;
}
