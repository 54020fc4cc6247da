// SPDX-License-Identifier: GPL-2.0
/*
 * Where programs run, and what must not change there
 *
 * Kernel windows are handed out one after the other, so that the arenas of a program lie
 * between others that it is not given:
 *
 *	window   guard 0 | arena 0 | guard 1 | arena 1 | guard 2
 *	                      |                   |
 *	               environment 0       environment 1
 *
 * Guards have pages at both ends of their window and where the arenas have theirs. The
 * array whose value a program gets has a pattern from the end of the value to that of
 * the page, the arrays before and behind it are all pattern. So are the pages of the
 * process on either side of the user mapping of arena 0.
 *
 * Both environments are the same to a program: size and user address of the arena, what
 * is in it, the map's value. Where the kernel has all this differs, and so does the stack
 * that programs run on: the second one runs in a thread. A strict program that is run in
 * both must leave and return the same, or it has got hold of one of these addresses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "verifier.h"
#include "loop.h"
#include <bpf/bpf_arena.h>

#define GUARDS 3
#define GUARD_PAGES 10		/* at each end of a window, and around the arena's place */
#define GUARD_WORD 0x0054524155470000ULL

/* Addresses of the kernel, and more */
#ifdef __x86_64__
#define KERNEL_START 0xffff800000000000ULL
#else
#define KERNEL_START 0xffff000000000000ULL
#endif

struct env {
	struct fds fds;
	uint8_t *value;		/* of array, and the rest of its page */
	int before, behind;
	uint8_t *guards[2];
};

struct pair {
	struct env envs[2];
	int guards[GUARDS];
	uint64_t base;
	uint32_t pages, flags;
	bool plain;
	uint8_t *dumps[2];
	uint8_t *user[2];	/* before and behind the user mapping */
};

static long page;

static uint64_t guard_word(uint32_t nr, uint64_t at)
{
	return GUARD_WORD ^ (uint64_t)nr << 12 ^ (at & 0xfff);
}

static void fill(void *mem, size_t size, uint32_t nr)
{
	uint64_t *words = mem;
	size_t i;

	for (i = 0; i < size / 8; i++)
		words[i] = guard_word(nr, i);
}

/* Index of the first byte that is another one, or size */
static size_t first_change(const void *mem, size_t size, uint32_t nr)
{
	const uint64_t *words = mem;
	size_t i;

	for (i = 0; i < size / 8; i++)
		if (words[i] != guard_word(nr, i))
			return i * 8;
	return size;
}

static int create_arena(uint32_t pages, uint32_t flags, uint64_t base)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE | flags,
		    .map_extra = base);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARENA, "fuzz", 0, 0, pages, &opts);

	if (fd < 0)
		fuzz_die("cannot create an arena of %u pages at %#" PRIx64 ": %s", pages, base,
			 strerror(-fd));
	return fd;
}

static void *map_arena(int fd, uint64_t base, uint64_t size)
{
	void *mem = mmap((void *)base, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);

	if (mem != (void *)base)
		fuzz_die("cannot map an arena at %#" PRIx64 ": %m", base);
	return mem;
}

/* Pages of a guard: the first and the last, and those beside the arena's */
static bool is_guard_page(const struct pair *p, uint64_t pgoff)
{
	uint64_t all = (1ULL << 32) / page, from = (uint32_t)p->base / page;

	return pgoff < GUARD_PAGES || pgoff >= all - GUARD_PAGES ||
	       (pgoff + GUARD_PAGES >= from && pgoff < from + p->pages + GUARD_PAGES);
}

/* for each guard page of a window, from pgoff on */
static uint64_t next_guard_page(const struct pair *p, uint64_t pgoff)
{
	uint64_t all = (1ULL << 32) / page, from = (uint32_t)p->base / page;

	if (is_guard_page(p, pgoff) || pgoff >= all)
		return pgoff;
	if (pgoff + GUARD_PAGES < from)
		return from - GUARD_PAGES;
	return all - GUARD_PAGES;
}

#define for_each_guard_page(pgoff, p)						\
	for (pgoff = next_guard_page(p, 0); pgoff < (1ULL << 32) / page;	\
	     pgoff = next_guard_page(p, pgoff + 1))

static void guard_open(struct pair *p, uint32_t nr)
{
	uint64_t base = (0x2000ULL + nr) << 32, size = 1ULL << 32, pgoff;
	uint8_t *mem;

	p->guards[nr] = create_arena(size / page, 0, base);
	mem = map_arena(p->guards[nr], base, size);
	for_each_guard_page(pgoff, p)
		fill(mem + pgoff * page, page, nr);
	munmap(mem, size);
}

static void check_guard(const struct pair *p, uint32_t nr)
{
	uint64_t buf[8192], pgoff;
	size_t at;

	for_each_guard_page(pgoff, p) {
		lseek(p->guards[nr], pgoff * page, SEEK_SET);
		if (read(p->guards[nr], buf, page) != page)
			finding("page %" PRIu64 " of arena %u beside it cannot be read", pgoff, nr);
		at = first_change(buf, page, nr);
		if (at < (size_t)page)
			finding("page %" PRIu64 " of arena %u beside it has changed at %zu, to %#" PRIx64,
				pgoff, nr, at, buf[at / 8]);
	}
}

static int create_array(uint32_t value_size, uint8_t **mem)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fuzz", 4, value_size, 1, &opts);

	*mem = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || *mem == MAP_FAILED)
		fuzz_die("cannot create an array: %m");
	return fd;
}

/* What programs begin with: small numbers, no addresses */
static void fill_arena(const struct pair *p, int fd)
{
	uint64_t size = p->pages * (uint64_t)page, i, *mem = map_arena(fd, p->base, size);

	for (i = 0; i < size / 8; i++)
		/* every third page is not there */
		if (i * 8 / page % 3 != 2)
			mem[i] = i % 5 ? i : p->base + (i * 64) % size;
	munmap(mem, size);
}

static void env_open(struct pair *p, struct env *e)
{
	e->fds.arena = create_arena(p->pages, p->flags, p->base);
	fill_arena(p, e->fds.arena);
	e->before = create_array(page, &e->guards[0]);
	e->fds.array = create_array(VALUE_SIZE, &e->value);
	e->behind = create_array(page, &e->guards[1]);
	fill(e->guards[0], page, 100);
	fill(e->guards[1], page, 101);
	fill(e->value + VALUE_SIZE, page - VALUE_SIZE, 102);
}

static void env_close(struct env *e)
{
	munmap(e->value, page);
	munmap(e->guards[0], page);
	munmap(e->guards[1], page);
	close(e->fds.arena);
	close(e->fds.array);
	close(e->before);
	close(e->behind);
}

/* At either end of the window, or anywhere; not near its end if numbers stay small */
static uint64_t pick_base(struct rng *rng, uint32_t pages, bool plain)
{
	uint64_t upper = rng_between(rng, 0x100, 0x1fff) << 32, last = (1ULL << 32) / page - pages;

	switch (rng_below(rng, 3)) {
	case 0: return upper;
	case 1: return upper + (plain ? 0x10000000 : last * page);
	default: return upper + rng_below(rng, last / (plain ? 4 : 1)) * page;
	}
}

/* One arena of the two: they have the same address. */
static void map_for_user(struct pair *p)
{
	uint64_t size = p->pages * (uint64_t)page, at[2] = { p->base - page, p->base + size };
	uint32_t i;

	map_arena(p->envs[0].fds.arena, p->base, size);
	for (i = 0; i < 2; i++) {
		p->user[i] = mmap((void *)at[i], page, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (p->user[i] != (void *)at[i])
			fuzz_die("cannot map a page beside the arena: %m");
		fill(p->user[i], page, 103 + i);
	}
}

static void unmap_for_user(struct pair *p)
{
	munmap(p->user[0], (p->pages + 2) * (uint64_t)page);
}

struct pair *pair_open(struct rng *rng, bool plain)
{
	struct pair *p = calloc(1, sizeof(*p));
	uint32_t i;

	page = getpagesize();
	p->plain = plain;
	p->pages = rng_between(rng, 1, ARENA_PAGES_MAX);
	p->flags = one_in(rng, 4) ? BPF_F_NO_USER_CONV : 0;
	p->base = pick_base(rng, p->pages, plain);
	for (i = 0; i < GUARDS; i++) {
		guard_open(p, i);
		if (i < 2)
			env_open(p, &p->envs[i]);
	}
	for (i = 0; i < 2; i++)
		p->dumps[i] = malloc(p->pages * page);
	map_for_user(p);
	return p;
}

void pair_close(struct pair *p)
{
	uint32_t i;

	unmap_for_user(p);
	for (i = 0; i < 2; i++) {
		env_close(&p->envs[i]);
		free(p->dumps[i]);
	}
	for (i = 0; i < GUARDS; i++)
		close(p->guards[i]);
	free(p);
}

uint32_t pair_pages(const struct pair *p)
{
	return p->pages;
}

/* What an accepted program must not have done */

static void dump(const struct pair *p, uint32_t nr)
{
	ssize_t size = p->pages * page;

	lseek(p->envs[nr].fds.arena, 0, SEEK_SET);
	if (read(p->envs[nr].fds.arena, p->dumps[nr], size) != size)
		finding("the arena cannot be read: %m");
}

static void compare(struct pair *p, const struct code *c, const struct run *a, const struct run *b)
{
	const uint64_t *x = (uint64_t *)p->dumps[0], *y = (uint64_t *)p->dumps[1];
	uint64_t i;

	dump(p, 0);
	dump(p, 1);
	for (i = 0; i < p->pages * (uint64_t)page / 8; i++)
		if (x[i] != y[i])
			found(c, "a program leaves %#" PRIx64 " or %#" PRIx64 " at %#" PRIx64
			      " of the arena", x[i], y[i], i * 8);
	if (memcmp(p->envs[0].value, p->envs[1].value, VALUE_SIZE))
		found(c, "what a program leaves in the map differs from run to run");
	if (a->ret != b->ret || a->err != b->err)
		found(c, "a program returns %#x (%d) or %#x (%d)", a->ret, a->err, b->ret, b->err);
}

/* Of a program that cannot make such numbers */
static void scan(const struct pair *p, const struct code *c)
{
	const uint64_t *words = (uint64_t *)p->dumps[0];
	uint64_t i;

	for (i = 0; i < p->pages * (uint64_t)page / 8; i++)
		if (words[i] >= KERNEL_START)
			found(c, "%#" PRIx64 " at %#" PRIx64 " of the arena looks like an address of the kernel",
			      words[i], i * 8);
	words = (uint64_t *)p->envs[0].value;
	for (i = 0; i < VALUE_SIZE / 8; i++)
		if (words[i] >= KERNEL_START)
			found(c, "%#" PRIx64 " at %#" PRIx64 " of the map looks like an address of the kernel",
			      words[i], i * 8);
}

/* A number of an arena's fdinfo */
static uint64_t arena_info(const struct env *e, const char *name)
{
	unsigned long long value = 0;
	char line[128], found[64];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", e->fds.arena);
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63[^:]: %lli", found, (long long *)&value) == 2 &&
		    !strcmp(found, name))
			break;
	if (f)
		fclose(f);
	return value;
}

/* How far an instruction reaches */
#define REACH 32768

/*
 * What faulted last lay inside of window and guards: the kernel says where, in user
 * addresses, without making them fit.
 */
static void check_last_fault(const struct pair *p, const struct env *e, const struct code *c)
{
	uint64_t at = arena_info(e, "last_fault"), line = p->base & ~0xffffffffULL;

	if (at && at - (line - REACH) >= (1ULL << 32) + 2 * REACH)
		found(c, "a program has accessed %#" PRIx64 ", outside of the window from %#" PRIx64,
		      at, line);
}

static void check_env(const struct pair *p, const struct env *e, const struct code *c)
{
	const char *complaint = watch_complaint();

	if (complaint)
		found(c, "the kernel complains of a program that has run: %s", complaint);
	if (first_change(e->value + VALUE_SIZE, page - VALUE_SIZE, 102) < page - VALUE_SIZE)
		found(c, "a program has written behind the map's value");
	if (first_change(e->guards[0], page, 100) < (size_t)page ||
	    first_change(e->guards[1], page, 101) < (size_t)page)
		found(c, "a program has written to a map that it was not given");
	if (first_change(p->user[0], page, 103) < (size_t)page ||
	    first_change(p->user[1], page, 104) < (size_t)page)
		found(c, "a program has written beside the user mapping");
	check_last_fault(p, e, c);
}

/* -x: a word of the arena must not change, either */
static void check_wrong(struct pair *p, const struct code *c)
{
	dump(p, 0);
	if (*(uint64_t *)p->dumps[0] != p->base)
		found(c, "the first word of the arena has changed, to %#" PRIx64,
		      *(uint64_t *)p->dumps[0]);
}

void pair_check_guards(const struct pair *p)
{
	uint32_t i;

	for (i = 0; i < GUARDS; i++)
		check_guard(p, i);
}

static void run_both(struct pair *p, const struct code *c, const int *fds)
{
	struct run a, b;

	a = run_here(fds[0], c);
	if (c->timers)
		usleep(2000);
	check_env(p, &p->envs[0], c);
	if (!c->strict)
		return;
	b = run_in_thread(fds[1], c);
	check_env(p, &p->envs[1], c);
	compare(p, c, &a, &b);
}

/* A program that is not strict is run once. */
enum verdict pair_try(struct pair *p, const struct code *c)
{
	int fds[2] = { load(&p->envs[0].fds, c), -1 };

	if (fds[0] < 0)
		return errno == EAGAIN ? TOO_LONG : REFUSED;
	if (c->strict)
		fds[1] = load(&p->envs[1].fds, c);
	if (c->strict && fds[1] < 0) {
		if (errno != EAGAIN)
			found(c, "a program is accepted once, and refused the second time");
		close(fds[0]);
		return TOO_LONG;
	}
	others_keep(c, fds[0]);
	run_both(p, c, fds);
	if (c->strict)
		close(fds[1]);
	if (c->plain)
		scan(p, c);
	if (fuzz.wrong)
		check_wrong(p, c);
	close(fds[0]);
	return ACCEPTED;
}

int pair_load(const struct pair *p, const struct code *c)
{
	return load(&p->envs[0].fds, c);
}

/* Programs with loops: inputs that sim.c tries, and that run in the kernel */
#define INPUTS 24
#define LONG_RUNS 20		/* of so many programs that only time ends, one is run */

static void run_with(struct pair *p, struct code *c, int fd, const uint64_t *input)
{
	memcpy(c->input, input, sizeof(c->input));
	memcpy(p->envs[0].value, input, VALUE_SIZE);
	watch_note(c, "run");
	run_here(fd, c);
	check_env(p, &p->envs[0], c);
}

static void try_inputs(struct pair *p, struct code *c, struct rng *rng, int fd)
{
	static const uint32_t rounds[] = { 0, 1, 2, 3, 8, 40, 40, 40 };
	bool ran = false, ran_long = !one_in(rng, LONG_RUNS);
	uint64_t input[VALUE_WORDS];
	uint32_t i, left;
	enum sim sim;
	char what[128];

	for (i = 0; i < INPUTS; i++) {
		draw_loop_input(input, rng);
		left = rng_pick(rng, rounds);
		sim = simulate(c, input, left, what, sizeof(what));
		if (sim == SIM_WRONG || (sim == SIM_ENDS && !ran) ||
		    (sim == SIM_ENDS_BY_MAY_GOTO && !ran_long))
			run_with(p, c, fd, input);
		ran |= sim == SIM_ENDS;
		ran_long |= sim == SIM_ENDS_BY_MAY_GOTO;
		if (sim == SIM_WRONG)
			found(c, "an accepted program is wrong with this input: %s", what);
	}
}

enum verdict pair_try_loops(struct pair *p, struct code *c, struct rng *rng)
{
	int fd = load(&p->envs[0].fds, c);

	if (fd < 0)
		return errno == EAGAIN ? TOO_LONG : REFUSED;
	try_inputs(p, c, rng, fd);
	close(fd);
	return ACCEPTED;
}

/* A program for each map that there is */
enum verdict pair_try_iter(struct pair *p, const struct code *c)
{
	int fd = load(&p->envs[0].fds, c), link, iter;
	char buf[64];

	if (fd < 0)
		return errno == EAGAIN ? TOO_LONG : REFUSED;
	link = bpf_link_create(fd, 0, BPF_TRACE_ITER, NULL);
	iter = bpf_iter_create(link);
	if (iter < 0)
		fuzz_die("no iterator: %m");
	watch_note(c, "run");
	while (read(iter, buf, sizeof(buf)) > 0)
		;
	watch_idle();
	check_env(p, &p->envs[0], c);
	close(iter);
	close(link);
	close(fd);
	return ACCEPTED;
}

/* A program attached to a function of another one, which is then run */
enum verdict pair_try_tracer(struct pair *p, const struct code *tracer, const struct code *target,
			     int target_fd)
{
	int fd = load(&p->envs[0].fds, tracer), link;

	if (fd < 0)
		return errno == EAGAIN ? TOO_LONG : REFUSED;
	link = bpf_raw_tracepoint_open(NULL, fd);
	if (link >= 0) {
		watch_note(tracer, "run");
		run_here(target_fd, target);
		check_env(p, &p->envs[0], tracer);
		close(link);
	}
	close(fd);
	return ACCEPTED;
}

/* Accesses that faulted in the first environment */
int64_t env_faults(const struct pair *p)
{
	return arena_info(&p->envs[0], "faults");
}
