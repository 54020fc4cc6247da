// SPDX-License-Identifier: GPL-2.0
/*
 * What an arena's pages cost, and the arena itself
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <bpf/bpf_arena.h>
#include "bench.h"
#include "pages.h"
#include "pages.skel.h"

#define PAGE 4096UL
#define GiB (1UL << 30)

/* Instructions in which RCU and workers finish whatever was left to them */
#define LONG_WINDOW (50 * TICK)

/* Programs */

static struct pages_bpf *open_pages(unsigned long pages)
{
	struct pages_bpf *skel = pages_bpf__open();

	if (!skel || bpf_map__set_max_entries(skel->maps.arena, pages))
		die("cannot open the programs");
	return skel;
}

static void load_pages(struct pages_bpf *skel)
{
	if (pages_bpf__load(skel))
		die("cannot load the programs: %m");
}

static void close_pages(struct pages_bpf *skel)
{
	pages_bpf__destroy(skel);
	settle();
}

/* Those that may sleep, or those that may not, which this kernel may refuse */
static struct pages_bpf *load_kind(unsigned long pages, bool sleepable)
{
	struct pages_bpf *skel = open_pages(pages);

	bpf_program__set_autoload(skel->progs.syscall_alloc, sleepable);
	bpf_program__set_autoload(skel->progs.syscall_free, sleepable);
	bpf_program__set_autoload(skel->progs.syscall_pair, sleepable);
	bpf_program__set_autoload(skel->progs.xdp_alloc, !sleepable);
	bpf_program__set_autoload(skel->progs.xdp_free, !sleepable);
	bpf_program__set_autoload(skel->progs.xdp_pair, !sleepable);
	if (!pages_bpf__load(skel))
		return skel;
	if (sleepable)
		die("cannot load the programs: %m");
	pages_bpf__destroy(skel);
	return NULL;
}

/* Instructions of one run with that many rounds, and of the system call */
static uint64_t run_cost(struct pages_bpf *skel, const struct bpf_program *prog, uint32_t ops)
{
	char pkt[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int fd = bpf_program__fd(prog);
	uint64_t start, end;

	if (bpf_program__type(prog) == BPF_PROG_TYPE_XDP) {
		opts.data_in = pkt;
		opts.data_size_in = sizeof(pkt);
	}
	skel->bss->ops = ops;
	start = now();
	if (bpf_prog_test_run_opts(fd, &opts))
		die("cannot run %s: %m", bpf_program__name(prog));
	end = now();
	return end - start;
}

/* Instructions of ops rounds, alone */
static double ops_cost(struct pages_bpf *skel, const struct bpf_program *prog, uint32_t ops)
{
	uint64_t all = run_cost(skel, prog, ops), none = run_cost(skel, prog, 0);

	/* an interrupt may have hit the empty run */
	if (run_cost(skel, prog, 0) < none)
		none = run_cost(skel, prog, 0);
	return (double)all - none;
}

/* What others do for it afterwards counts as well; an empty run's is the noise. */
static double total_cost(struct pages_bpf *skel, const struct bpf_program *prog, uint32_t ops)
{
	uint64_t start = now();

	run_cost(skel, prog, ops);
	return let_others_run(start, 10 * TICK);
}

/* Allocation and free by one kind of program */

enum { PAIR, PAIR_LATER, ALLOC_1, FREE_1, ALLOC_16, FREE_16, ALLOC_1024, FREE_1024 };

struct kind {
	struct pages_bpf *skel;
	const struct bpf_program *alloc, *free, *pair;
};

static void measure_pair(const struct experiment *e, const struct kind *k, uint32_t ops)
{
	double program, all;

	k->skel->bss->cnt = 1;
	program = ops_cost(k->skel, k->pair, ops);
	settle();
	all = total_cost(k->skel, k->pair, ops) - total_cost(k->skel, k->pair, 0);
	emit(e, PAIR, program / ops);
	emit(e, PAIR_LATER, (all - program) / ops);
}

/* ops allocations of cnt pages each, and then the frees of them; per page */
static void measure_bulk(const struct experiment *e, const struct kind *k, int nr,
			 uint32_t ops, uint32_t cnt)
{
	k->skel->bss->cnt = cnt;
	emit(e, nr, ops_cost(k->skel, k->alloc, ops) / ops / cnt);
	emit(e, nr + 1, ops_cost(k->skel, k->free, ops) / ops / cnt);
	settle();
}

static void measure_sleepable(const struct experiment *e)
{
	struct pages_bpf *skel = load_kind(e->size, true);
	struct kind k = {
		skel, skel->progs.syscall_alloc, skel->progs.syscall_free, skel->progs.syscall_pair,
	};
	int i;

	for (i = 0; i < rounds; i++) {
		measure_pair(e, &k, 200);
		measure_bulk(e, &k, ALLOC_1, 200, 1);
		measure_bulk(e, &k, ALLOC_16, 20, 16);
		measure_bulk(e, &k, ALLOC_1024, 1, 1024);
	}
	if (skel->bss->failed)
		die("%u allocations failed", skel->bss->failed);
	close_pages(skel);
}

/* What lies between, for plots */
static void measure_counts(const struct experiment *e)
{
	static const uint32_t counts[] = { 4, 64, 256 };
	struct pages_bpf *skel = load_kind(e->size, true);
	struct kind k = { skel, skel->progs.syscall_alloc, skel->progs.syscall_free };
	int i, nr;

	for (i = 0; i < rounds; i++)
		for (nr = 0; nr < 3; nr++)
			measure_bulk(e, &k, 2 * nr, 256 / counts[nr], counts[nr]);
	if (skel->bss->failed)
		die("%u allocations failed", skel->bss->failed);
	close_pages(skel);
}

/* Demand has to show before there are as many pages as are measured. */
static void warm_up(const struct kind *k)
{
	int i;

	k->skel->bss->cnt = 1;
	for (i = 0; i < 10; i++) {
		run_cost(k->skel, k->pair, 200);
		settle();
	}
	k->skel->bss->failed = 0;
}

static void measure_xdp(const struct experiment *e)
{
	struct pages_bpf *skel = load_kind(e->size, false);
	struct kind k;
	int i;

	if (!skel) {
		missing(e, 0, "may be called by programs that may sleep only");
		return;
	}
	k = (struct kind){ skel, skel->progs.xdp_alloc, skel->progs.xdp_free, skel->progs.xdp_pair };
	warm_up(&k);
	for (i = 0; i < rounds; i++) {
		measure_pair(e, &k, 200);
		measure_bulk(e, &k, ALLOC_1, 100, 1);
		measure_bulk(e, &k, ALLOC_16, 6, 16);
	}
	if (skel->bss->failed)
		die("%u allocations failed: the pool is empty", skel->bss->failed);
	close_pages(skel);
}

/* Many pages, in random order */

#define SAMPLE 10000

static double run_list(struct pages_bpf *skel, const struct bpf_program *prog, uint64_t *addrs)
{
	double sum = 0;
	int i;

	for (i = 0; i < SAMPLE; i += PAGES_MAX_OPS) {
		memcpy(skel->bss->addrs, addrs + i, sizeof(skel->bss->addrs));
		sum += ops_cost(skel, prog, PAGES_MAX_OPS);
		memcpy(addrs + i, skel->bss->addrs, sizeof(skel->bss->addrs));
	}
	return sum / SAMPLE;
}

static void shuffle(uint64_t *addrs, unsigned long cnt)
{
	uint64_t swap, random = 1;
	unsigned long i, j;

	for (i = cnt - 1; i; i--) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		j = (random >> 33) % (i + 1);
		swap = addrs[i];
		addrs[i] = addrs[j];
		addrs[j] = swap;
	}
}

static void measure_random(const struct experiment *e)
{
	unsigned long pages = quick ? 100000 : e->size, i;
	struct pages_bpf *skel = load_kind(1 << 20, true);
	uint64_t *addrs = calloc(pages, sizeof(*addrs));
	double cost = 0;

	skel->bss->cnt = 1;
	for (i = 0; i < pages; i += SAMPLE) {
		if (i % (10 * SAMPLE) == 0)
			settle();
		cost = run_list(skel, skel->progs.syscall_alloc, addrs + i);
		if (!i)
			emit(e, 0, cost);
	}
	emit(e, 1, cost);
	if (skel->bss->failed)
		die("%u of %lu allocations failed", skel->bss->failed, pages);
	shuffle(addrs, pages);
	for (i = 0; i < pages; i += SAMPLE) {
		if (i % (10 * SAMPLE) == 0)
			settle();
		cost = run_list(skel, skel->progs.syscall_free, addrs + i);
		if (!i)
			emit(e, 2, cost);
	}
	emit(e, 3, cost);
	free(addrs);
	close_pages(skel);
}

/* Holes: every second page of the first ones is free, and too small for 16 */

static void measure_holes(const struct experiment *e)
{
	struct pages_bpf *skel = load_kind(1 << 20, true);
	unsigned long holes = quick && e->size > 30000 ? 30000 : e->size, i;
	uint64_t *addrs = calloc(2 * holes, sizeof(*addrs));
	int round;

	skel->bss->cnt = 1;
	for (i = 0; i < 2 * holes; i += PAGES_MAX_OPS) {
		run_cost(skel, skel->progs.syscall_alloc, PAGES_MAX_OPS);
		memcpy(addrs + i, skel->bss->addrs, sizeof(skel->bss->addrs));
	}
	for (i = 0; i < 2 * holes; i += 2)
		addrs[i / 2] = addrs[i];
	for (i = 0; i < holes; i += PAGES_MAX_OPS) {
		memcpy(skel->bss->addrs, addrs + i, sizeof(skel->bss->addrs));
		run_cost(skel, skel->progs.syscall_free, PAGES_MAX_OPS);
	}
	settle();
	for (round = 0; round < rounds; round++) {
		skel->bss->cnt = 16;
		emit(e, 0, ops_cost(skel, skel->progs.syscall_alloc, 20) / 20 / 16);
		run_cost(skel, skel->progs.syscall_free, 20);
		skel->bss->cnt = 1024;
		emit(e, 1, ops_cost(skel, skel->progs.syscall_alloc, 1) / 1024);
		run_cost(skel, skel->progs.syscall_free, 1);
		settle();
	}
	if (skel->bss->failed)
		die("%u allocations failed", skel->bss->failed);
	free(addrs);
	close_pages(skel);
}

/* A free of many pages at once, all of which a process has touched, or every second */
static double free_touched(unsigned long pages, unsigned long step)
{
	struct pages_bpf *skel = load_kind(pages, true);
	unsigned long i;
	double cost;
	size_t len;
	char *mem;

	mem = (char *)bpf_map__initial_value(skel->maps.arena, &len);
	skel->bss->cnt = 128;
	for (i = 0; i + 512 <= pages; i += 512)
		run_cost(skel, skel->progs.syscall_alloc, 4);
	for (i = 0; i < pages; i += step)
		*(volatile char *)(mem + i * PAGE) = 1;
	skel->bss->addrs[0] = (uint64_t)mem;
	skel->bss->cnt = pages;
	cost = ops_cost(skel, skel->progs.syscall_free, 1) / pages;
	close_pages(skel);
	return cost;
}

static void measure_free_touched(const struct experiment *e)
{
	emit(e, 0, free_touched(e->size, 1));
	emit(e, 1, free_touched(e->size, 2));
}

static void measure_free_1024(const struct experiment *e)
{
	int i;

	for (i = 0; i < rounds; i++)
		emit(e, 0, free_touched(e->size, 1));
}

/* Arenas without programs */

static int create_arena(unsigned long pages)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	return bpf_map_create(BPF_MAP_TYPE_ARENA, "arena", 0, 0, pages, &opts);
}

static char *map_arena(int fd, unsigned long pages)
{
	return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static char *make_arena(unsigned long pages, int *fd)
{
	char *mem;

	*fd = create_arena(pages);
	if (*fd < 0)
		die("cannot create an arena: %m");
	mem = map_arena(*fd, pages);
	if (mem == MAP_FAILED)
		die("cannot map an arena: %m");
	return mem;
}

/* User touches. The first page of a region brings page tables, and does not count. */
static double touch_cost(volatile char *mem, unsigned long pages)
{
	uint64_t start;
	unsigned long i;

	mem[0] = 1;
	start = now();
	for (i = 1; i < pages; i++)
		mem[i * PAGE] = 1;
	return (double)(now() - start) / (pages - 1);
}

static char *aligned(char *mem)
{
	return (char *)(((unsigned long)mem + (2UL << 20) - 1) & ~((2UL << 20) - 1));
}

static void measure_touch(const struct experiment *e)
{
	unsigned long len = 4UL << 20;
	char *mem;
	int i, fd;

	for (i = 0; i < rounds; i++) {
		mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mem == MAP_FAILED || madvise(mem, len, MADV_NOHUGEPAGE))
			die("cannot map memory: %m");
		emit(e, 0, touch_cost(aligned(mem), e->size));
		munmap(mem, len);
		mem = make_arena(len / PAGE, &fd);
		emit(e, 1, touch_cost(aligned(mem), e->size));
		munmap(mem, len);
		close(fd);
		settle();
	}
}

static void measure_fault(const struct experiment *e)
{
	struct pages_bpf *skel = open_pages(512);
	size_t len;
	char *mem;
	int i;

	bpf_program__set_autoload(skel->progs.syscall_load, true);
	load_pages(skel);
	mem = (char *)bpf_map__initial_value(skel->maps.arena, &len);
	*(volatile char *)mem = 1; /* so that there are page tables */
	skel->bss->where = (uint64_t)mem + PAGE;
	for (i = 0; i < rounds; i++)
		emit(e, 0, ops_cost(skel, skel->progs.syscall_load, e->size) / e->size);
	close_pages(skel);
}

/* Life of an arena */

#define BATCH 64

enum { CREATE, MAP, DESTROY };

/* Those of a batch are alive together; what their ends leave to workers counts. */
static void measure_lives(const struct experiment *e, int nr, unsigned long pages)
{
	uint64_t start, none;
	char *mem[BATCH];
	int fd[BATCH], i;

	start = now();
	for (i = 0; i < BATCH; i++)
		fd[i] = create_arena(pages);
	emit(e, nr + CREATE, (double)(now() - start) / BATCH);
	start = now();
	for (i = 0; i < BATCH; i++)
		mem[i] = map_arena(fd[i], pages);
	emit(e, nr + MAP, (double)(now() - start) / BATCH);
	wait_until_quiet();
	none = let_others_run(now(), LONG_WINDOW);
	start = now();
	for (i = 0; i < BATCH; i++) {
		if (fd[i] < 0 || mem[i] == MAP_FAILED)
			die("cannot make arena %d of %lu pages: %m", i, pages);
		munmap(mem[i], pages * PAGE);
		close(fd[i]);
	}
	emit(e, nr + DESTROY, ((double)let_others_run(start, LONG_WINDOW) - none) / BATCH);
}

/* Arenas of 4 GiB that have a page, and their ends, ten at a time */
static void come_and_go(int cnt)
{
	char *mem[10];
	int fd[10], i;

	for (; cnt > 0; cnt -= 10) {
		for (i = 0; i < 10; i++) {
			mem[i] = make_arena(4 * GiB / PAGE, &fd[i]);
			mem[i][((cnt + i) % 64) * (64UL << 20)] = 1;
		}
		for (i = 0; i < 10; i++) {
			munmap(mem[i], 4 * GiB);
			close(fd[i]);
		}
		settle();
	}
}

/* Ticks, and what the kernel does once a second, are in some windows and not in others. */
static void measure_batches(const struct experiment *e)
{
	int i;

	for (i = 0; i < (quick ? 1 : 3); i++)
		measure_lives(e, 0, e->size);
}

static void measure_first(const struct experiment *e)
{
	measure_batches(e);
}

static void measure_aged(const struct experiment *e)
{
	static bool aged;

	if (!aged)
		come_and_go(100);
	aged = true;
	measure_batches(e);
}

/* What closing the last file descriptor of an arena leads to, per page */
static double end_cost(int fd, char *mem, unsigned long pages)
{
	uint64_t start, none;

	wait_until_quiet();
	none = let_others_run(now(), LONG_WINDOW);
	start = now();
	if (mem)
		munmap(mem, pages * PAGE);
	close(fd);
	return ((double)let_others_run(start, LONG_WINDOW) - none) / pages;
}

/* Filled by a program, which is gone, as is the mapping */
static double end_of_filled(unsigned long pages)
{
	struct pages_bpf *skel = load_kind(pages, true);
	unsigned long i;
	int fd;

	skel->bss->cnt = 128;
	for (i = 0; i < pages; i += 512)
		run_cost(skel, skel->progs.syscall_alloc, 4);
	if (skel->bss->failed)
		die("%u allocations failed", skel->bss->failed);
	fd = dup(bpf_map__fd(skel->maps.arena));
	close_pages(skel);
	return end_cost(fd, NULL, pages);
}

static double end_of_touched(unsigned long pages)
{
	char *mem;
	int fd;

	mem = make_arena(pages, &fd);
	touch_cost(mem, pages);
	return end_cost(fd, mem, pages);
}

/* What the same takes without an arena, which the page allocator's part is most of */
static double end_of_anonymous(unsigned long pages)
{
	uint64_t start;
	char *mem;

	mem = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED || madvise(mem, pages * PAGE, MADV_NOHUGEPAGE))
		die("cannot map memory: %m");
	touch_cost(mem, pages);
	settle();
	start = now();
	munmap(mem, pages * PAGE);
	return (double)(now() - start) / pages;
}

static void measure_full(const struct experiment *e)
{
	unsigned long pages = quick ? 16384 : e->size;
	int i;

	for (i = 0; i < 3; i++) {
		emit(e, 0, end_of_filled(pages));
		emit(e, 1, end_of_touched(pages));
		emit(e, 2, end_of_anonymous(pages));
	}
}

/* Memory */

/* Pages that are free, those in lists of CPUs included */
static long free_pages(void)
{
	FILE *f = fopen("/proc/sys/vm/stat_refresh", "w");
	long sum = 0, n;
	char line[256];

	if (f) {
		fputs("1", f);
		fclose(f);
	}
	f = fopen("/proc/zoneinfo", "r");
	if (!f)
		die("cannot read /proc/zoneinfo: %m");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " nr_free_pages %ld", &n) == 1 ||
		    sscanf(line, " count: %ld", &n) == 1)
			sum += n;
	fclose(f);
	return sum;
}

#define IDLE 100

/* Arenas at addresses of the kernel's that earlier ones have had */
static int *take_used_addresses(int cnt)
{
	int *fds = calloc(cnt + 1, sizeof(*fds)), i;

	for (i = 0; i < cnt; i++)
		fds[i] = create_arena(1);
	return fds;
}

/* That of IDLE arenas, where in the kernel's window there have been none before */
static void measure_memory(const struct experiment *e)
{
	static int used = BATCH;
	int fd[IDLE], *others, i;
	char *mem[IDLE];
	long before;

	come_and_go(10);
	others = take_used_addresses(used);
	before = free_pages();
	for (i = 0; i < IDLE; i++)
		mem[i] = make_arena(e->size, &fd[i]);
	settle();
	emit(e, 0, (double)(before - free_pages()) * PAGE / IDLE);
	for (i = 0; i < IDLE; i++)
		mem[i][0] = 1;
	settle();
	emit(e, 1, (double)(before - free_pages()) * PAGE / IDLE);
	for (i = 0; i < IDLE; i++) {
		munmap(mem[i], e->size * PAGE);
		close(fd[i]);
	}
	let_others_run(now(), LONG_WINDOW);
	emit(e, 2, (double)(before - free_pages()) * PAGE / IDLE);
	for (i = 0; i < used; i++)
		close(others[i]);
	free(others);
	used += IDLE;
}

/* How two kernels differ whatever they are told to do */
static void measure_control(const struct experiment *e)
{
	struct pages_bpf *skel = load_kind(1, true);
	uint64_t start;
	int i, n;

	for (i = 0; i < rounds; i++) {
		start = now();
		for (n = 0; n < 100; n++)
			getppid();
		emit(e, 0, (double)(now() - start) / n);
		emit(e, 1, run_cost(skel, skel->progs.syscall_pair, 0));
	}
	close_pages(skel);
}

#define LIFE(fn, pages, name, title, create, mmap, destroy)			\
	{ fn, pages, {								\
		{ "pages/create-" name, "instr", create, "create an empty arena of " title }, \
		{ "pages/mmap-" name, "instr", mmap, "mmap() of it" },	\
		{ "pages/destroy-" name, "instr", destroy, "its end, workers' part included" }, \
	} }

/* At most what stock takes, and after a hundred arenas no more than before */
#define FIRST(pages, name, title)						\
	LIFE(measure_first, pages, name, title, "1 stock", "1 stock", "1 stock")
#define AGED(pages, name, title)						\
	LIFE(measure_aged, pages, name "-aged", title ", after 100 arenas",	\
	     "1 ours pages/create-" name, "1 ours pages/mmap-" name, "1 ours pages/destroy-" name)

/* Those of a fresh kernel come first. */
const struct experiment page_experiments[] = {
	FIRST(1, "1p", "1 page"),
	FIRST(1024, "4m", "4 MiB"),
	FIRST(1 << 20, "4g", "4 GiB"),
	{ measure_control, 0, {
		{ "control/getppid", "instr", "-", "getppid()" },
		{ "control/test-run", "instr", "-", "bpf(BPF_PROG_TEST_RUN) of an empty loop" },
	} },
	{ measure_sleepable, 1 << 18, {
		{ "pages/pair", "instr", "0.6 stock", "sleepable program: allocate and free 1 page" },
		{ "pages/pair-later", "instr", "-", "what workers do for that" },
		{ "pages/alloc-1", "instr", "1 stock", "allocate 1 page, 200 times" },
		{ "pages/free-1", "instr", "1 stock", "free them one by one" },
		{ "pages/alloc-16", "instr/page", "1 stock", "allocate 16 at once" },
		{ "pages/free-16", "instr/page", "1 stock", "free 16 at once" },
		{ "pages/alloc-1024", "instr/page", "1 stock", "allocate 1,024 at once" },
		{ "pages/free-1024", "instr/page", "0.5 stock", "free 1,024 at once" },
	} },
	{ measure_xdp, 1 << 18, {
		{ "pages/xdp-pair", "instr", "0.25 stock pages/pair", "XDP: allocate and free 1 page" },
		{ "pages/xdp-pair-later", "instr", "-", "what the worker does for that" },
		{ "pages/xdp-alloc-1", "instr", "1 stock pages/alloc-1", "allocate 1 page, 100 times" },
		{ "pages/xdp-free-1", "instr", "1 stock pages/free-1", "free them one by one" },
		{ "pages/xdp-alloc-16", "instr/page", "1 stock pages/alloc-16", "allocate 16 at once" },
		{ "pages/xdp-free-16", "instr/page", "1 stock pages/free-16", "free 16 at once" },
	} },
	{ measure_touch, 500, {
		{ "pages/touch-anon", "instr/page", "-", "first user touch, private anonymous memory" },
		{ "pages/touch", "instr/page", "1.25 ours pages/touch-anon", "first user touch, arena" },
	} },
	{ measure_fault, 500, {
		{ "pages/fault", "instr", "1 stock", "a load from a page that is not there" },
	} },
	{ measure_full, 65536, {
		{ "pages/destroy-full", "instr/page", "0.5 stock", "end of an arena of 64 Ki pages, filled by a program" },
		{ "pages/destroy-touched", "instr/page", "0.5 stock", "the same, filled and mapped by a process" },
		{ "control/munmap-anon", "instr/page", "-", "munmap() of 64 Ki pages of private anonymous memory" },
	} },
	AGED(1, "1p", "1 page"),
	AGED(1024, "4m", "4 MiB"),
	AGED(1 << 20, "4g", "4 GiB"),
	{ measure_memory, 1, {
		{ "pages/memory-1p", "bytes", "1 stock", "memory of an empty arena of 1 page" },
		{ "pages/memory-1p-used", "bytes", "1 stock", "the same, with its page" },
		{ "pages/memory-1p-left", "bytes", "0 -", "left when it is gone" },
	} },
	{ measure_memory, 1 << 20, {
		{ "pages/memory-4g", "bytes", "1 stock", "memory of an empty arena of 4 GiB" },
		{ "pages/memory-4g-used", "bytes", "1 stock", "the same, with a page" },
		{ "pages/memory-4g-left", "bytes", "0 -", "left when it is gone" },
	} },
	{ measure_counts, 1 << 18, {
		{ "pages/alloc-4", "instr/page", "1 stock", "allocate 4 at once" },
		{ "pages/free-4", "instr/page", "1 stock", "free 4 at once" },
		{ "pages/alloc-64", "instr/page", "1 stock", "allocate 64 at once" },
		{ "pages/free-64", "instr/page", "1 stock", "free 64 at once" },
		{ "pages/alloc-256", "instr/page", "1 stock", "allocate 256 at once" },
		{ "pages/free-256", "instr/page", "1 stock", "free 256 at once" },
	} },
	{ measure_holes, 3000, {
		{ "pages/holes-alloc-16", "instr/page", "0.97 stock", "allocate 16 at once behind 3,000 holes" },
		{ "pages/holes-alloc-1024", "instr/page", "1 stock", "allocate 1,024 at once there" },
	} },
	{ measure_holes, 200000, {
		{ "pages/holes-alloc-16-many", "instr/page", "1.2 ours pages/holes-alloc-16", "16 at once behind 200,000 holes" },
		{ "pages/holes-alloc-1024-many", "instr/page", "1.2 ours pages/holes-alloc-1024", "1,024 at once there" },
	} },
	{ measure_free_1024, 1024, {
		{ "pages/free-touched", "instr/page", "1 stock", "free 1,024 at once that a process has touched" },
	} },
	{ measure_free_touched, 65536, {
		{ "pages/free-64k", "instr/page", "1 stock", "free 64 Ki at once that a process has touched" },
		{ "pages/free-64k-half", "instr/page", "1 ours pages/free-64k", "the same, every second one touched" },
	} },
	/* last: it leaves the page allocator's lists in random order */
	{ measure_random, 1000000, {
		{ "pages/random-alloc-first", "instr", "1 stock", "of a million pages, the first 10,000 allocations" },
		{ "pages/random-alloc-last", "instr", "1.2 ours pages/random-alloc-first", "the last 10,000" },
		{ "pages/random-free-first", "instr", "1 stock", "the first 10,000 frees, in random order" },
		{ "pages/random-free-last", "instr", "1.2 ours pages/random-free-first", "the last 10,000" },
	} },
	{}
};
