// SPDX-License-Identifier: GPL-2.0
/*
 * The time that code from a kernel's JIT takes on the real CPU, beside the same C
 *
 * Problem. The VM is emulated: its clock counts instructions, and knows nothing of
 * caches, of branches that are predicted, and of what is done at the same time. The real
 * CPU does, but its kernel has no arena. So the JIT's code is taken out of the VM and
 * called here, on memory laid out as the kernel has it:
 *
 *	        user mapping                        kernel's window, 4 GiB
 *	NATIVE_USER_START                       base (r12), any address
 *	|      +--------------+                 |      +--------------+
 *	| 0    | list, table  |                 | 0    | list, table  |
 *	|      +--------------+                 |      +--------------+
 *	        C follows the                    JIT: base + lower half of
 *	        pointers                         the pointers
 *	               \______ the same pages ______/
 *
 * Both are compiled from native.h, by the same compiler; C with -O2. What is left of the
 * difference is what the JIT makes of it: clearing the upper half of pointers, a counter
 * for may_goto in each round of a loop, and an instruction set that has fewer operands.
 * How much of it is the counter, C with one shows, and how much the mere number of
 * instructions, C that has others instead.
 *
 * Measured: a run is a millisecond or so of one function, right after one that warms up.
 * The sides take turns, each time another one first, so that whatever slows the machine
 * down hits all. The process stays on one CPU; it holds it during a turn if it may
 * (SCHED_FIFO), and a run in which it was taken away does not count. In a turn each side
 * has to come to the same result.
 *
 * Lines of output: row <tab> NAME <tab> SIDE <tab> nanoseconds for one thing, of each run
 */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "../native.h"
#include "run.h"

#define PAGE 4096UL
#define WINDOW (4UL << 30)
#define MEMORY (1UL << 29)	/* for the largest table, 4 Mi elements of 80 bytes, and chains */
#define MAX_SIDES 5
#define MAX_RUNS 41
#define TRIES 20		/* for a run in which the CPU is not taken away */

/* What is at the start of memory, and how a run goes over it */
struct row {
	const char *name;
	const char *goal;
	const char *title;
	const char *prog;
	void (*set_up)(const struct row *row, struct native_args *args);
	unsigned long size;
	unsigned long load;	/* entries to a chain; of an array: is it sparse? */
	unsigned long total;	/* things that a run does; what the time is divided by */
};

static struct side sides[MAX_SIDES];
static int nr_sides;
static int runs = MAX_RUNS;
static const char *only = "*";
static const char *running = "nothing";

static char *user = (char *)NATIVE_USER_START, *window;

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("native: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static bool map_at(int fd, char *where, int flags)
{
	return mmap(where, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE | flags,
		    fd, 0) == where;
}

/* The same memory in both places; page 0 stays as it is */
static void map_memory(void)
{
	int fd = memfd_create("arena", 0);

	window = mmap(NULL, WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (fd < 0 || ftruncate(fd, MEMORY) || window == MAP_FAILED ||
	    !map_at(fd, user, MAP_FIXED_NOREPLACE) || !map_at(fd, window, MAP_FIXED))
		die("cannot map %lu MiB twice: %m", MEMORY >> 20);
	close(fd);
}

/* Sequence of 0 to n - 1, in an order that no CPU predicts */
static uint32_t *shuffled(unsigned long n)
{
	uint32_t *order = calloc(n, sizeof(*order)), swap;
	uint64_t random = 1;
	unsigned long i, j;

	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n - 1; i; i--) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		j = (random >> 33) % (i + 1);
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	return order;
}

/* A list through all nodes, from the first on, in the order of memory or in any */
static void link_nodes(const struct row *row, struct native_args *args, const uint32_t *order)
{
	struct node *nodes = (struct node *)args->where, *n = nodes;
	unsigned long i;

	for (i = 0; i < row->size; i++) {
		n->value = 1;
		n->next = i + 1 < row->size ? &nodes[order ? order[i + 1] : i + 1] : NULL;
		n = n->next;
	}
	args->ops = row->total / row->size;
	forget();
}

static void set_up_list(const struct row *row, struct native_args *args)
{
	link_nodes(row, args, NULL);
}

static void set_up_random_list(const struct row *row, struct native_args *args)
{
	uint32_t *order = shuffled(row->size);

	args->where += order[0] * sizeof(struct node);
	link_nodes(row, args, order);
	free(order);
}

static void set_up_words(const struct row *row, struct native_args *args)
{
	memset((void *)args->where, 0, PAGE);
	args->ops = row->total / row->size;
	forget();
}

#define SET_UP_TABLE(N)								\
static void set_up_table_##N(const struct row *row, struct native_args *args)	\
{										\
	struct table##N *t = (struct table##N *)args->where;			\
	struct key##N key;							\
	uint64_t nr;								\
										\
	if (PAGE + BYTES_OF_TABLE(N, row->size) > MEMORY)			\
		die("%s does not fit", row->name);				\
	set_up_table(N, t, row->size, row->load);				\
	for (nr = 0; nr < row->size; nr++) {					\
		make_key(&key, nr);						\
		table##N##_add(t, &key, nr);					\
	}									\
	args->ops = row->total / ROUND_LOOKUPS;					\
	args->mask = row->size - 1;						\
}

SET_UP_TABLE(16)
SET_UP_TABLE(64)

/* As many entries as the row's size, which is for numbers; those of a sparse one are anywhere */
static void set_up_array(const struct row *row, struct native_args *args)
{
	struct arena_xa *t = (struct arena_xa *)args->where;
	struct arena_heap *heap = (void *)t + PAGE;
	void *memory = (void *)heap + (arena_heap_size(MEMORY) / PAGE + 1) * PAGE;
	uint64_t nr;

	memset(t, 0, memory - (void *)t);
	if (arena_attach(user, MEMORY) || arena_heap_init(heap, user, MEMORY, 1) ||
	    arena_heap_add(heap, memory, user + MEMORY - (char *)memory) || arena_xa_init(t, heap))
		die("cannot make an array");
	args->factor = row->load ? 0x9e3779b97f4a7c15ULL : 1;
	for (nr = 0; nr < row->size; nr++)
		if (arena_xa_store(t, nr * args->factor, 1))
			die("%s does not fit", row->name);
	args->ops = row->total / ROUND_LOOKUPS;
	args->mask = row->size - 1;
}

static long preemptions(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nivcsw;
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void set_scheduler(int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO };

	/* Who is not allowed to has to do with runs that nobody came between. */
	sched_setscheduler(0, policy, &param);
}

/* Nanoseconds of a run. Keys go on where those of the last run have ended. */
static double time_run(native_fn fn, struct native_args *args)
{
	double start, took;
	long before;
	int try;

	for (try = 0; try < TRIES; try++) {
		fn(args);
		before = preemptions();
		start = now_ns();
		fn(args);
		took = now_ns() - start;
		if (preemptions() == before)
			break;
	}
	return took;
}

static native_fn find_compiled(const struct compiled *c, const char *prog)
{
	for (; c->name; c++)
		if (!strcmp(c->name, prog))
			return c->fn;
	die("no C for %s", prog);
}

static native_fn side_fn(const struct side *side, const char *prog)
{
	native_fn fn;

	if (side->compiled)
		return find_compiled(side->compiled, prog);
	fn = make_callable(side->code, prog, (uint64_t)window);
	if (!fn && calls_kernel(side->code, prog))
		fprintf(stderr, "%s: not on %s, where %s calls the kernel\n", running, side->name,
			prog);
	else if (!fn)
		die("%s has no code for %s", side->name, prog);
	return fn;
}

/* The program on one side, what it works with, and the time of its runs */
struct job {
	native_fn fn;
	struct native_args args;
	double took[MAX_RUNS];
};

/* Each has keys of its own, or one would find in the cache what another has looked up. */
static void prepare(const struct row *row, struct job *jobs)
{
	struct native_args args = { .where = (uint64_t)user + PAGE };
	int i;

	running = row->name;
	row->set_up(row, &args);
	for (i = 0; i < nr_sides; i++) {
		jobs[i].fn = side_fn(&sides[i], row->prog);
		jobs[i].args = args;
		jobs[i].args.start = i * row->size / nr_sides;
	}
}

static void take_turn(const struct row *row, struct job *jobs, int turn)
{
	const struct job *first = NULL;
	int i, nr;

	set_scheduler(SCHED_FIFO);
	for (i = 0; i < nr_sides; i++) {
		nr = (turn + i) % nr_sides;
		if (!jobs[nr].fn)
			continue;
		if (row->set_up == set_up_words)
			row->set_up(row, &jobs[nr].args);
		jobs[nr].took[turn] = time_run(jobs[nr].fn, &jobs[nr].args) / row->total;
		if (first && jobs[nr].args.result != first->args.result)
			die("%s: %s comes to %llu, another one to %llu", row->name, sides[nr].name,
			    jobs[nr].args.result, first->args.result);
		first = &jobs[nr];
	}
	set_scheduler(SCHED_OTHER);
}

static void measure(const struct row *row)
{
	struct job jobs[MAX_SIDES] = {};
	int turn, i;

	prepare(row, jobs);
	for (turn = 0; turn < runs; turn++)
		take_turn(row, jobs, turn);
	for (i = 0; i < nr_sides; i++) {
		if (!jobs[i].fn)
			continue;
		printf("row\t%s\t%s\t", row->name, sides[i].name);
		for (turn = 0; turn < runs; turn++)
			printf("%s%.4f", turn ? " " : "", jobs[i].took[turn]);
		putchar('\n');
	}
	fflush(stdout);
}

/* So many that a run is long beside the clock, and short beside a slice of the CPU's time */
#define LOOKUPS(size) ((size) > 65536 ? 20000 : 100000)
#define STEPS (1 << 18)

#define LOOKUP(N, name, size, load, what)						\
	{ "native/find-" name, "1.15 C", "hash table: find one of " what, "find_" #N,	\
	  set_up_table_##N, size, load, LOOKUPS(size) }

#define ARRAY(what, name, size, sparse, title)					\
	{ "native/xa-" #what "-" name, "1.15 C", "xarray.h: " title, "xa_" #what,	\
	  set_up_array, size, sparse, LOOKUPS(size) }

static const struct row rows[] = {
	{ "native/list-64", "1.15 C", "walk of a list, a node: of 64", "walk", set_up_list, 64, 0, STEPS },
	{ "native/list-4k", "1.15 C", "of 4 Ki", "walk", set_up_list, 4096, 0, STEPS },
	{ "native/list-1m", "1.15 C", "of 1 Mi", "walk", set_up_list, 1 << 20, 0, 1 << 20 },
	{ "native/list-random-4k", "1.15 C", "of 4 Ki, in random order", "walk",
	  set_up_random_list, 4096, 0, STEPS },
	{ "native/list-random-64k", "1.15 C", "of 64 Ki, in random order", "walk",
	  set_up_random_list, 65536, 0, STEPS },
	{ "native/list-random-256k", "1.15 C", "of 256 Ki, in random order", "walk",
	  set_up_random_list, 1 << 18, 0, STEPS },
	LOOKUP(16, "64", 64, 1, "64, keys of 16 bytes"),
	LOOKUP(16, "4k", 4096, 1, "4 Ki"),
	LOOKUP(16, "64k", 65536, 1, "64 Ki"),
	LOOKUP(16, "1m", 1 << 20, 1, "1 Mi"),
	LOOKUP(16, "4m", 1 << 22, 1, "4 Mi"),
	LOOKUP(16, "64-load-4", 64, 4, "64, 4 to a chain"),
	LOOKUP(16, "4k-load-4", 4096, 4, "4 Ki, 4 to a chain"),
	LOOKUP(16, "64k-load-4", 65536, 4, "64 Ki, 4 to a chain"),
	LOOKUP(16, "1m-load-4", 1 << 20, 4, "1 Mi, 4 to a chain"),
	LOOKUP(16, "4m-load-4", 1 << 22, 4, "4 Mi, 4 to a chain"),
	LOOKUP(64, "k64-64", 64, 1, "64, keys of 64 bytes"),
	LOOKUP(64, "k64-4k", 4096, 1, "4 Ki"),
	LOOKUP(64, "k64-64k", 65536, 1, "64 Ki"),
	LOOKUP(64, "k64-1m", 1 << 20, 1, "1 Mi"),
	LOOKUP(64, "k64-4m", 1 << 22, 1, "4 Mi"),
	ARRAY(load, "4k", 4096, 0, "load an entry, indices up to 4 Ki"),
	ARRAY(load, "1m", 1 << 20, 0, "up to 1 Mi"),
	ARRAY(load, "sparse-4k", 4096, 1, "one of 4 Ki, any of 64 bits"),
	ARRAY(store, "4k", 4096, 0, "store to an entry that is there, indices up to 4 Ki"),
	ARRAY(store, "1m", 1 << 20, 0, "up to 1 Mi"),
	ARRAY(store, "sparse-4k", 4096, 1, "one of 4 Ki, any of 64 bits"),
	{ "native/load", "-", "load, 16 in a round", "load", set_up_words, ROUND_WORDS, 0, STEPS },
	{ "native/store", "-", "store", "store", set_up_words, ROUND_WORDS, 0, STEPS },
	{ "native/atomic", "-", "atomic add", "atomic", set_up_words, ROUND_WORDS, 0, STEPS },
	{ "native/fetch", "-", "atomic add that fetches", "fetch", set_up_words, ROUND_WORDS, 0, STEPS },
	{ "native/call", "-", "call of a function that loads", "call", set_up_words, 1, 0, STEPS },
};

static bool is_wanted(const struct row *row)
{
	char *list = strdup(only), *rest = list, *pattern;
	bool found = false;

	while ((pattern = strsep(&rest, ",")))
		found |= !fnmatch(pattern, row->name, 0);
	free(list);
	return found;
}

static void list_rows(void)
{
	const struct row *row;

	for (row = rows; row < rows + sizeof(rows) / sizeof(*rows); row++)
		if (is_wanted(row))
			printf("%s\tns\t%s\t%s\n", row->name, row->goal, row->title);
}

/* No other memory than what is mapped here is meant. */
static void crashed(int sig, siginfo_t *info, void *context)
{
	char text[160];
	int len = snprintf(text, sizeof(text), "native: %s: the code touches %p, with signal %d\n",
			   running, info->si_addr, sig);

	if (write(STDERR_FILENO, text, len) != len)
		_exit(2);
	_exit(1);
}

static void catch_crashes(void)
{
	struct sigaction action = { .sa_sigaction = crashed, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
}

/* The last one that there is: interrupts often go to the first */
static void pin(void)
{
	cpu_set_t set;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("cannot see which CPUs there are: %m");
	for (cpu = CPU_SETSIZE - 1; !CPU_ISSET(cpu, &set); cpu--)
		;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot stay on CPU %d: %m", cpu);
}

/* NAME=FILE: what bench -j printed on a kernel */
static void add_side(char *arg)
{
	char *path = strchr(arg, '=');

	if (!path || nr_sides == MAX_SIDES)
		die("usage: native [-l] [-q] [-o PATTERN[,PATTERN...]] [KERNEL=FILE...], two at most");
	*path++ = 0;
	sides[nr_sides++] = (struct side){ arg, NULL, read_code(path) };
}

int main(int argc, char **argv)
{
	const struct row *row;
	bool list = false;
	int opt;

	while ((opt = getopt(argc, argv, "lo:q")) != -1) {
		switch (opt) {
		case 'l': list = true; break;
		case 'o': only = optarg; break;
		case 'q': runs = 15; break;
		default: return 2;
		}
	}
	if (list) {
		list_rows();
		return 0;
	}
	sides[nr_sides++] = (struct side){ "C", compiled };
	sides[nr_sides++] = (struct side){ "C+count", counted };
	sides[nr_sides++] = (struct side){ "C+insns", padded };
	for (; optind < argc; optind++)
		add_side(argv[optind]);
	catch_crashes();
	pin();
	map_memory();
	for (row = rows; row < rows + sizeof(rows) / sizeof(*rows); row++)
		if (is_wanted(row))
			measure(row);
	return 0;
}
