// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_arena_alloc_pages(), bpf_arena_free_pages(), bpf_arena_reserve_pages():
 * where pages come from, what is refused, what is left behind.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/uio.h>
#include "cgroup_helpers.h"
#include "arena_helpers.h"
#include "arena_hazard.skel.h"
#include "arena_ops.skel.h"
#include "arena_reserve.skel.h"

#define NPAGES 16

struct fixture {
	struct arena_ops *skel;
	char *area;
	__u32 pages;
};

static long page_size;

static bool setup(struct fixture *f, __u32 pages, __u32 flags, __u64 base)
{
	size_t size;

	f->pages = pages;
	f->skel = arena_ops__open();
	if (!ASSERT_OK_PTR(f->skel, "open"))
		return false;
	bpf_map__set_max_entries(f->skel->maps.arena, pages);
	bpf_map__set_map_flags(f->skel->maps.arena, BPF_F_MMAPABLE | flags);
	bpf_map__set_map_extra(f->skel->maps.arena, base);
	if (!ASSERT_OK(arena_ops__load(f->skel), "load")) {
		arena_ops__destroy(f->skel);
		return false;
	}
	f->area = (char *)bpf_map__initial_value(f->skel->maps.arena, &size);
	return true;
}

static void teardown(struct fixture *f)
{
	arena_ops__destroy(f->skel);
}

/* user address of a page of the arena, or of one that is none */
static __u64 page_addr(const struct fixture *f, __s64 page)
{
	return (__u64)f->area + page * page_size;
}

static __u64 alloc_op(const struct fixture *f, __u64 addr, __u32 cnt, __s32 node, __u64 flags)
{
	struct arena_op op = { .addr = addr, .cnt = cnt, .node = node, .flags = flags };

	return arena_run_op(f->skel->progs.op_alloc, op);
}

static __u64 alloc(const struct fixture *f, __u64 addr, __u32 cnt)
{
	return alloc_op(f, addr, cnt, -1, 0);
}

static void free_pages(const struct fixture *f, __u64 addr, __u32 cnt)
{
	struct arena_op op = { .addr = addr, .cnt = cnt };

	arena_run_op(f->skel->progs.op_free, op);
}

static __u64 peek(const struct fixture *f, __u64 addr)
{
	struct arena_op op = { .addr = addr };

	return arena_run_op(f->skel->progs.op_read, op);
}

static void poke(const struct fixture *f, __u64 addr, __u64 val)
{
	struct arena_op op = { .addr = addr, .ret = val };

	arena_run_op(f->skel->progs.op_write, op);
}

/* Program and user space see the same page */
static void check_shared(const struct fixture *f, __s64 page)
{
	volatile __u64 *p = (__u64 *)page_addr(f, page);

	*p = 42;
	ASSERT_EQ(peek(f, (__u64)p), 42, "user space wrote, program reads");
	poke(f, (__u64)p, 43);
	ASSERT_EQ(*p, 43, "program wrote, user space reads");
}

/* With BPF_F_SEGV_ON_FAULT user space can tell which pages are there */
static bool is_there(const struct fixture *f, __s64 page)
{
	return !arena_read((void *)page_addr(f, page));
}

static void check_there(const struct fixture *f, const char *map, const char *when)
{
	char now[NPAGES + 1] = {};
	int i;

	for (i = 0; i < f->pages; i++)
		now[i] = is_there(f, i) ? 'x' : '.';
	ASSERT_STREQ(now, map, when);
}

/* Nothing is left behind: all of the arena can be had */
static void check_empty(const struct fixture *f, const char *when)
{
	ASSERT_EQ(alloc(f, page_addr(f, 0), f->pages), page_addr(f, 0), when);
	free_pages(f, page_addr(f, 0), f->pages);
}

static void anywhere(void)
{
	struct fixture f;
	__u64 p, q;

	if (!setup(&f, NPAGES, BPF_F_SEGV_ON_FAULT, 0))
		return;
	p = alloc(&f, 0, 1);
	if (ASSERT_GE(p, page_addr(&f, 0), "start") &&
	    ASSERT_LT(p, page_addr(&f, NPAGES), "end")) {
		ASSERT_EQ(p % page_size, 0, "page aligned");
		ASSERT_EQ(peek(&f, p), 0, "zeroed");
		*(__u64 *)p = 42;
		ASSERT_EQ(peek(&f, p), 42, "user space wrote, program reads");
		poke(&f, p + page_size - 8, 43);
		ASSERT_EQ(*(__u64 *)(p + page_size - 8), 43, "program wrote, user space reads");
	}
	q = alloc(&f, 0, NPAGES - 1);
	ASSERT_NEQ(q, 0, "the rest");
	ASSERT_EQ(alloc(&f, 0, 1), 0, "full");
	check_there(&f, "xxxxxxxxxxxxxxxx", "full");
	free_pages(&f, p, 1);
	ASSERT_EQ(alloc(&f, 0, 1), p, "the only free page");
	ASSERT_EQ(peek(&f, p), 0, "zeroed again");
	teardown(&f);
}

/*
 * What a process has touched, no program is given: at an address where the last page
 * is in a word of its own, from which another CPU begins to look.
 */
static void touched_is_taken(void)
{
	const int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t all, one;
	struct fixture f;
	int cpu, i;

	sched_getaffinity(0, sizeof(all), &all);
	for (cpu = 0; cpu < cpus; cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		if (!setup(&f, NPAGES, 0, ARENA_BASE + (65 - NPAGES) * page_size))
			break;
		*(__u64 *)page_addr(&f, NPAGES - 1) = 42;
		for (i = 1; i < NPAGES; i++)
			ASSERT_NEQ(alloc(&f, 0, 1), 0, "others");
		ASSERT_EQ(*(__u64 *)page_addr(&f, NPAGES - 1), 42, "the process's");
		ASSERT_EQ(alloc(&f, 0, 1), 0, "full");
		teardown(&f);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/* No piece is lost where a chunk ends, where the kernel picks the address. */
static void pieces_fill_it(void)
{
	enum { PAGES = 2048, PIECE = 128 };
	struct fixture f;
	int i;

	if (!setup(&f, PAGES, BPF_F_SEGV_ON_FAULT, 0))
		return;
	for (i = 0; i < PAGES / PIECE; i++)
		ASSERT_NEQ(alloc(&f, 0, PIECE), 0, "piece");
	ASSERT_EQ(alloc(&f, 0, 1), 0, "full");
	teardown(&f);
}

static void at_address(void)
{
	struct fixture f;

	if (!setup(&f, NPAGES, BPF_F_SEGV_ON_FAULT, 0))
		return;
	ASSERT_EQ(alloc(&f, page_addr(&f, 3), 2), page_addr(&f, 3), "pages 3, 4");
	check_there(&f, "...xx...........", "pages 3, 4");
	ASSERT_EQ(alloc(&f, page_addr(&f, 3), 1), 0, "page 3 again");
	ASSERT_EQ(alloc(&f, page_addr(&f, 4), 2), 0, "half taken");
	ASSERT_EQ(alloc(&f, page_addr(&f, 2), 2), 0, "other half taken");
	ASSERT_EQ(alloc(&f, page_addr(&f, 0), NPAGES), 0, "hole taken");
	check_there(&f, "...xx...........", "after refusals");
	ASSERT_EQ(alloc(&f, page_addr(&f, NPAGES - 1), 1), page_addr(&f, NPAGES - 1), "last");
	ASSERT_EQ(alloc(&f, page_addr(&f, 0), 1), page_addr(&f, 0), "first");
	check_there(&f, "x..xx..........x", "first and last");
	teardown(&f);
}

static void hazard_10_extremes(void)
{
	struct fixture f;

	if (!setup(&f, NPAGES, BPF_F_SEGV_ON_FAULT, ARENA_BASE + GiB))
		return;
	ASSERT_EQ(alloc(&f, 0, 0), 0, "page_cnt 0");
	ASSERT_EQ(alloc(&f, page_addr(&f, 1), 0), 0, "page_cnt 0 at address");
	ASSERT_EQ(alloc(&f, 0, NPAGES + 1), 0, "larger than the arena");
	ASSERT_EQ(alloc(&f, 0, ~0U), 0, "page_cnt 2^32 - 1");
	ASSERT_EQ(alloc(&f, page_addr(&f, 1), ~0U), 0, "page_cnt 2^32 - 1 at address");
	ASSERT_EQ(alloc(&f, page_addr(&f, 0), 4 * GiB / page_size), 0, "4 GiB");
	ASSERT_EQ(alloc(&f, page_addr(&f, 1), NPAGES), 0, "a page over the end");
	ASSERT_EQ(alloc(&f, page_addr(&f, NPAGES - 1), 2), 0, "last page and the next");
	ASSERT_EQ(alloc(&f, page_addr(&f, NPAGES), 1), 0, "first page after the end");
	ASSERT_EQ(alloc(&f, page_addr(&f, -1), 1), 0, "last page before the start");
	ASSERT_EQ(alloc(&f, page_addr(&f, -1), 2), 0, "across the start");
	ASSERT_EQ(alloc(&f, page_addr(&f, 0) + 1, 1), 0, "unaligned by 1");
	ASSERT_EQ(alloc(&f, page_addr(&f, 0) + 2048, 1), 0, "unaligned by 2048");
	ASSERT_EQ(alloc(&f, page_addr(&f, 0) + 4 * GiB, 1), 0, "4 GiB off");
	ASSERT_EQ(alloc(&f, -page_size, 2), 0, "across 2^64");
	ASSERT_EQ(alloc(&f, page_size, 1), 0, "page 1 of the address space");
	ASSERT_EQ(alloc_op(&f, 0, 1, -1, 1), 0, "flags 1");
	ASSERT_EQ(alloc_op(&f, 0, 1, -1, 1ULL << 63), 0, "flags 2^63");
	check_there(&f, "................", "after refusals");
	check_empty(&f, "after refusals");
	teardown(&f);
}

static void hazard_11_node_id(void)
{
	static const int bad[] = { -2, 4096, INT_MIN, INT_MAX, 63, 64, 1023, 1024 };
	struct fixture f;
	char name[32];
	int i;

	if (!setup(&f, NPAGES, BPF_F_SEGV_ON_FAULT, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(name, sizeof(name), "node %d", bad[i]);
		ASSERT_EQ(alloc_op(&f, 0, 1, bad[i], 0), 0, name);
	}
	check_empty(&f, "after bad nodes");
	ASSERT_NEQ(alloc_op(&f, 0, 1, -1, 0), 0, "node -1");
	ASSERT_NEQ(alloc_op(&f, 0, 1, 0, 0), 0, "node 0");
	teardown(&f);
}

/* Only the lower half of the address counts, and only what lies in the arena */
static void free_ranges(void)
{
	struct fixture f;

	if (!setup(&f, NPAGES, BPF_F_SEGV_ON_FAULT, ARENA_BASE + GiB))
		return;
	ASSERT_EQ(alloc(&f, page_addr(&f, 0), NPAGES), page_addr(&f, 0), "fill");
	free_pages(&f, page_addr(&f, 1), 0);
	check_there(&f, "xxxxxxxxxxxxxxxx", "page_cnt 0");
	free_pages(&f, page_addr(&f, NPAGES), 100);
	check_there(&f, "xxxxxxxxxxxxxxxx", "after the end");
	free_pages(&f, 0, 1);
	check_there(&f, "xxxxxxxxxxxxxxxx", "NULL");
	free_pages(&f, page_addr(&f, 5) + page_size - 1, 1);
	check_there(&f, "xxxxx.xxxxxxxxxx", "rounded down");
	free_pages(&f, page_addr(&f, 6) + 12 * GiB, 1);
	check_there(&f, "xxxxx..xxxxxxxxx", "upper half ignored");
	free_pages(&f, (__u32)page_addr(&f, 7), 1);
	check_there(&f, "xxxxx...xxxxxxxx", "upper half zero");
	free_pages(&f, page_addr(&f, NPAGES - 2), 100);
	check_there(&f, "xxxxx...xxxxxx..", "over the end");
	free_pages(&f, page_addr(&f, -1), 2);
	check_there(&f, ".xxxx...xxxxxx..", "across the start");
	free_pages(&f, page_addr(&f, 3), ~0U);
	check_there(&f, ".xx.............", "2^32 - 1 pages");
	free_pages(&f, page_addr(&f, 0), NPAGES);
	check_empty(&f, "at last");
	teardown(&f);
}

static void hazard_13_user_page(void)
{
	struct fixture f;

	if (!setup(&f, NPAGES, 0, 0))
		return;
	poke(&f, page_addr(&f, 2), 1); /* to nowhere */
	ASSERT_EQ(peek(&f, page_addr(&f, 2)), 0, "store to absent page");
	*(__u64 *)page_addr(&f, 2) = 7;
	ASSERT_EQ(peek(&f, page_addr(&f, 2)), 7, "faulted in");
	ASSERT_EQ(alloc(&f, page_addr(&f, 2), 1), 0, "taken by the fault");
	free_pages(&f, page_addr(&f, 2), 1);
	ASSERT_EQ(peek(&f, page_addr(&f, 2)), 0, "freed, program");
	ASSERT_EQ(alloc(&f, page_addr(&f, 2), 1), page_addr(&f, 2), "the address is free");
	ASSERT_EQ(*(__u64 *)page_addr(&f, 2), 0, "freed, user space");
	check_shared(&f, 2);
	teardown(&f);
}

static void hazard_13_double_free(void)
{
	struct fixture f;

	if (!setup(&f, NPAGES, BPF_F_SEGV_ON_FAULT, 0))
		return;
	ASSERT_EQ(alloc(&f, page_addr(&f, 2), 2), page_addr(&f, 2), "alloc");
	free_pages(&f, page_addr(&f, 2), 1);
	free_pages(&f, page_addr(&f, 2), 1);
	check_there(&f, "...x............", "double free");
	ASSERT_EQ(alloc(&f, page_addr(&f, 2), 1), page_addr(&f, 2), "after double free");
	/* each of these is free once, and no more than once */
	ASSERT_EQ(alloc(&f, page_addr(&f, 2), 1), 0, "again");
	ASSERT_EQ(alloc(&f, 0, NPAGES - 2), 0, "no run is left for so many");
	free_pages(&f, page_addr(&f, 0), NPAGES);
	free_pages(&f, page_addr(&f, 0), NPAGES);
	check_empty(&f, "at last");
	teardown(&f);
}

static void hazard_13_holes(void)
{
	struct fixture f;

	if (!setup(&f, NPAGES, 0, 0))
		return;
	*(__u64 *)page_addr(&f, 4) = 9;
	*(__u64 *)page_addr(&f, 8) = 9;
	free_pages(&f, page_addr(&f, 0), NPAGES);
	ASSERT_EQ(*(__u64 *)page_addr(&f, 8), 0, "freed with holes");
	free_pages(&f, page_addr(&f, 0), NPAGES);
	check_empty(&f, "at last");
	teardown(&f);
}

/*
 * A pipe holds a page of the arena: it may go on to read it when the arena has
 * freed it, and sees nothing of what comes to the same address after that.
 */
static void hazard_13_pinned(void)
{
	struct iovec vec = { .iov_len = 8 };
	struct fixture f;
	char buf[8] = {};
	int pipes[2], i;

	if (!setup(&f, NPAGES, 0, 0) || !ASSERT_OK(pipe(pipes), "pipe"))
		return;
	vec.iov_base = (void *)page_addr(&f, 3);
	strcpy(vec.iov_base, "pinned!");
	ASSERT_EQ(vmsplice(pipes[1], &vec, 1, 0), 8, "vmsplice");
	free_pages(&f, page_addr(&f, 3), 1);
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(alloc(&f, page_addr(&f, 0), NPAGES), page_addr(&f, 0), "alloc");
		strcpy((char *)page_addr(&f, 3), "another");
		free_pages(&f, page_addr(&f, 0), NPAGES);
	}
	ASSERT_EQ(read(pipes[0], buf, 8), 8, "read");
	ASSERT_STREQ(buf, "pinned!", "what was pinned");
	close(pipes[0]);
	close(pipes[1]);
	check_empty(&f, "at last");
	teardown(&f);
}

static void hazard_15_use_after_free(void)
{
	struct fixture f;
	int i;

	if (!setup(&f, NPAGES, 0, 0))
		return;
	for (i = 0; i < 100; i++) {
		__u64 p = page_addr(&f, i % NPAGES);

		if (!ASSERT_EQ(alloc(&f, p, 1), p, "alloc"))
			break;
		*(__u64 *)p = 0x5ec4e7;
		poke(&f, p + 8, 0x5ec4e7);
		free_pages(&f, p, 1);
		if (!ASSERT_EQ(peek(&f, p), 0, "first word") ||
		    !ASSERT_EQ(peek(&f, p + 8), 0, "second word"))
			break;
	}
	teardown(&f);
}

static __u64 reserve(const struct arena_reserve *res, __u64 addr, __u32 cnt)
{
	struct arena_op op = { .addr = addr, .cnt = cnt };

	return arena_run_op(res->progs.op_reserve, op);
}

static void check_reserve(struct fixture *f, struct arena_reserve *res)
{
	ASSERT_EQ(reserve(res, page_addr(f, 2), 2), 0, "reserve 2, 3");
	ASSERT_EQ(alloc(f, page_addr(f, 2), 1), 0, "alloc 2");
	ASSERT_EQ(alloc(f, page_addr(f, 1), 2), 0, "alloc 1, 2");
	ASSERT_EQ(alloc(f, 0, NPAGES - 1), 0, "alloc too many");
	ASSERT_EQ((int)reserve(res, page_addr(f, 2), 1), -EBUSY, "reserved already");
	ASSERT_EQ((int)reserve(res, page_addr(f, 1), 2), -EBUSY, "half reserved already");
	ASSERT_EQ(alloc(f, page_addr(f, 5), 1), page_addr(f, 5), "alloc 5");
	ASSERT_EQ((int)reserve(res, page_addr(f, 5), 1), -EBUSY, "allocated already");
	ASSERT_EQ((int)reserve(res, page_addr(f, 4), 3), -EBUSY, "allocated in the middle");
	ASSERT_EQ(alloc(f, page_addr(f, 4), 1), page_addr(f, 4), "4 still free");
	ASSERT_EQ((int)reserve(res, page_addr(f, 0) + 1, 1), -EINVAL, "unaligned");
	ASSERT_EQ((int)reserve(res, page_addr(f, NPAGES), 1), -EINVAL, "after the end");
	ASSERT_EQ((int)reserve(res, page_addr(f, -1), 1), -EINVAL, "before the start");
	ASSERT_EQ((int)reserve(res, page_addr(f, NPAGES - 1), 2), -EINVAL, "over the end");
	ASSERT_EQ((int)reserve(res, page_addr(f, 8), ~0U), -EINVAL, "2^32 - 1 pages");
	ASSERT_EQ(reserve(res, page_addr(f, NPAGES - 1), 1), 0, "last page");
	check_there(f, "....xx..........", "reserved is not there");
	free_pages(f, page_addr(f, 0), NPAGES);
	check_empty(f, "at last");
}

static void with_reserve(__u32 pages, __u32 flags, __u64 base,
			 void (*check)(struct fixture *f, struct arena_reserve *res))
{
	struct arena_reserve *res;
	struct fixture f;

	if (!setup(&f, pages, flags, base))
		return;
	res = arena_reserve__open();
	if (!ASSERT_OK_PTR(res, "open"))
		goto out;
	if (ASSERT_OK(bpf_map__reuse_fd(res->maps.arena, bpf_map__fd(f.skel->maps.arena)),
		      "reuse") &&
	    ASSERT_OK(arena_reserve__load(res), "load"))
		check(&f, res);
	arena_reserve__destroy(res);
out:
	teardown(&f);
}

static void reserved(void)
{
	with_reserve(NPAGES, BPF_F_SEGV_ON_FAULT, 0, check_reserve);
}

/* Single pages, freed in another order: none is lost, none handed out twice */
static void hazard_16_many(void)
{
	/* a million where a page is 4 KiB */
	const __u32 cnt = getenv("ARENA_MILLION") ? 4 * GiB / page_size : 1 << 13;
	struct arena_op op = { .cnt = cnt, .flags = page_size };
	struct fixture f;
	__u32 i, bad = 0;
	bool *seen;

	seen = calloc(cnt, 1);
	if (!ASSERT_OK_PTR(seen, "calloc") || !setup(&f, cnt, 0, 0))
		goto out;
	op.addr = page_addr(&f, 0);
	ASSERT_EQ(arena_run_op_all(f.skel->progs.op_alloc_many, op), cnt, "alloc");
	ASSERT_EQ(alloc(&f, 0, 1), 0, "full");
	for (i = 0; i < cnt; i++) {
		__u64 n = *(__u64 *)page_addr(&f, i);

		if (n >= cnt || seen[n])
			bad++;
		else
			seen[n] = true;
	}
	ASSERT_EQ(bad, 0, "pages handed out twice");
	ASSERT_EQ(arena_run_op_all(f.skel->progs.op_free_many, op), cnt, "free");
	ASSERT_EQ(alloc(&f, page_addr(&f, 0), 1), page_addr(&f, 0), "page 0 is free");
	free_pages(&f, page_addr(&f, 0), 1);
	check_empty(&f, "at last");
	teardown(&f);
out:
	free(seen);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * Time for cnt single pages, and for freeing them in another order. The best of
 * some rounds: what else the machine does only ever adds to it.
 */
static double time_of(const struct fixture *f, __u32 first, __u32 cnt)
{
	struct arena_op op = { .addr = page_addr(f, first), .cnt = cnt, .flags = page_size };
	double best = 0, start, took;
	int i;

	for (i = 0; i < 5; i++) {
		start = seconds();
		ASSERT_EQ(arena_run_op_all(f->skel->progs.op_alloc_many, op), cnt, "alloc");
		arena_run_op_all(f->skel->progs.op_free_many, op);
		took = seconds() - start;
		if (!i || took < best)
			best = took;
	}
	return best;
}

/*
 * The same work at the end of a 3 GiB arena that is full but for this takes no
 * more time than in an empty one. Reserved addresses are as taken as those with
 * pages, and need no memory, of which the VM has too little for a million pages.
 */
static void check_flat(struct fixture *f, struct arena_reserve *res)
{
	const __u32 cnt = 1 << 11;
	double empty, full;

	empty = time_of(f, 0, cnt);
	ASSERT_EQ(reserve(res, page_addr(f, 0), f->pages - cnt), 0, "fill");
	full = time_of(f, f->pages - cnt, cnt);
	printf("%u pages alone in %.0f ms, behind %u others in %.0f ms\n", cnt, empty * 1e3,
	       f->pages - cnt, full * 1e3);
	ASSERT_LT(full, 4 * empty, "seconds with a full arena");
}

static void hazard_16_flat(void)
{
	with_reserve(3 * GiB / page_size, 0, ARENA_BASE + GiB, check_flat);
}

/* Free memory in KiB. MemFree leaves out pages that CPUs keep in stock, which
 * may be more than what these tests allocate.
 */
static long mem_free(void)
{
	long pages, sum = 0;
	char line[128];
	FILE *f;

	f = fopen("/proc/zoneinfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " nr_free_pages %ld", &pages) == 1 ||
		    sscanf(line, " count: %ld", &pages) == 1)
			sum += pages;
	if (f)
		fclose(f);
	return sum * (page_size / 1024);
}

#define MEM_KB (64 * 1024L)

static bool alloc_all(struct fixture *f, __u32 pages)
{
	if (!setup(f, pages, 0, 0))
		return false;
	ASSERT_EQ(alloc(f, 0, pages), page_addr(f, 0), "alloc");
	return true;
}

/* What other tests have left may still be on its way: wait until nothing comes */
static long mem_settled(void)
{
	long now = mem_free(), before;
	int i = 0;

	do {
		before = now;
		usleep(200 * 1000);
		now = mem_free();
	} while (now > before + MEM_KB / 32 && i++ < 50);
	return now;
}

/* Destruction is asynchronous: give it half a minute, on a machine that is busy.
 * What was measured last
 */
static long comes_back(long (*measure)(void), long at_least)
{
	long now = measure();
	int i;

	for (i = 0; i < 300 && now < at_least; i++) {
		usleep(100 * 1000);
		now = measure();
	}
	return now;
}

static void check_back(long (*measure)(void), long at_least, const char *what)
{
	ASSERT_GE(comes_back(measure, at_least), at_least, what);
}

/* All of the arena, through its file */
static void read_all(const struct fixture *f)
{
	static char buf[1 << 16];
	int fd = bpf_map__fd(f->skel->maps.arena);
	size_t sum = 0;
	ssize_t got;

	lseek(fd, 0, SEEK_SET);
	while ((got = read(fd, buf, sizeof(buf))) > 0)
		sum += got;
	ASSERT_EQ(sum, f->pages * page_size, "read");
}

static void hazard_26_memory(void)
{
	const __u32 pages = MEM_KB * 1024 / page_size;
	struct fixture f;
	long before;

	/* the first time, other things get allocated that stay */
	before = mem_settled();
	if (!alloc_all(&f, pages))
		return;
	teardown(&f);
	comes_back(mem_free, before - MEM_KB / 8);

	before = mem_settled();
	if (!alloc_all(&f, pages))
		return;
	ASSERT_LT(mem_free(), before - MEM_KB * 3 / 4, "free memory with arena");
	read_all(&f);
	free_pages(&f, page_addr(&f, 0), pages);
	check_back(mem_free, before - MEM_KB / 8, "free memory after free");
	ASSERT_EQ(alloc(&f, 0, pages), page_addr(&f, 0), "alloc again");
	teardown(&f);
	check_back(mem_free, before - MEM_KB / 8, "free memory without arena");
}

/* A page here and there: what the kernel needs for each part of an arena is back, too.
 * Page tables of the kernel's own addresses stay, on 6.12, once there are some: whenever
 * an arena comes before the last one has gone, those of one more arena.
 */
static void hazard_26_chunks(void)
{
	const __u32 pages = 4 * GiB / page_size;
	const int rounds = 20, tables_at_most = 8;
	const long arena_kb = pages / 512 * (page_size / 1024);
	struct fixture f;
	long before = 0;
	__u32 i;
	int n;

	for (n = 0; n <= rounds; n++) {
		/* the first time, other things get allocated that stay */
		if (n == 1)
			before = mem_settled();
		if (!setup(&f, pages, 0, ARENA_BASE))
			return;
		for (i = 0; i < pages; i += 512)
			f.area[i * page_size] = 1;
		teardown(&f);
	}
	check_back(mem_free, before - tables_at_most * arena_kb, "free memory");
}

/* What a thread has in slabs: task_struct, signals, credentials, rounded up to what is left
 * over in slabs that few threads share
 */
#define THREAD_KB 12

/* What the kernel has in slabs and does not give up when it is asked to, in KiB, without
 * threads: where arenas go faster than a busy machine can follow, there are more workers,
 * which stay for minutes
 */
static long slab(void)
{
	char line[128];
	long kb = 0, threads = 0;
	FILE *f;

	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "SUnreclaim: %ld", &kb);
	if (f)
		fclose(f);
	f = fopen("/proc/loadavg", "r");
	if (!f || fscanf(f, "%*s %*s %*s %*d/%ld", &threads) != 1)
		threads = 0;
	if (f)
		fclose(f);
	return kb - THREAD_KB * threads;
}

static long slab_room(void)
{
	return -slab();
}

/* An arena with a page that a process has touched */
static bool come_and_go(void)
{
	int fd = arena_create(NPAGES, 0, 0);
	char *p;

	if (!ASSERT_GE(fd, 0, "create"))
		return false;
	p = arena_mmap(fd, NPAGES);
	if (ASSERT_NEQ(p, MAP_FAILED, "mmap")) {
		*p = 1;
		munmap(p, arena_bytes(NPAGES));
	}
	close(fd);
	return true;
}

/* One from which a program has freed a page, so that it has a pool */
static bool free_and_go(void)
{
	struct fixture f;

	if (!setup(&f, NPAGES, 0, 0))
		return false;
	f.area[0] = 1;
	free_pages(&f, page_addr(&f, 0), 1);
	teardown(&f);
	return true;
}

/* Half a KiB that each of so many leaves in slabs is noticed. */
static void check_slab(bool (*round)(void), int cnt)
{
	long before = 0;
	int i;

	/* the first ones leave something in caches */
	for (i = -cnt / 10; i < cnt; i++) {
		if (!i) {
			usleep(500 * 1000);
			before = slab();
		}
		if (!round())
			return;
	}
	check_back(slab_room, -before - cnt / 2, "slabs");
}

static void hazard_26_slab(void)
{
	check_slab(come_and_go, 500);
	check_slab(free_and_go, 100);
}

/* Programs that may not sleep have pages in a pool, which go with their arena. */
static void hazard_26_pools(void)
{
	struct arena_hazard *skel;
	long before = 0;
	int i;

	for (i = -5; i < 60; i++) {
		if (!i)
			before = mem_settled();
		skel = arena_hazard__open_and_load();
		if (!ASSERT_OK_PTR(skel, "open and load"))
			return;
		arena_hazard__destroy(skel);
	}
	/* what the pools had was 30 MiB or more */
	check_back(mem_free, before - MEM_KB / 8, "free memory");
}

/* Kernel address space that arenas have, in KiB: /proc/vmallocinfo calls it sparse */
static long vmalloc_sum(void)
{
	unsigned long size, sum = 0;
	char line[512];
	FILE *f;

	f = fopen("/proc/vmallocinfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " sparse") && sscanf(line, "%*s %lu", &size) == 1)
			sum += size / 1024;
	if (f)
		fclose(f);
	return sum;
}

/* What is freed while the file is read may make it leave out others. */
static long vmalloc_sparse(void)
{
	long sum, most = 0;
	int i;

	for (i = 0; i < 3; i++) {
		sum = vmalloc_sum();
		most = sum > most ? sum : most;
	}
	return most;
}

static long vmalloc_room(void)
{
	return -vmalloc_sparse();
}

static void hazard_26_vmalloc(void)
{
	const long window = 4 * GiB / 1024;
	long before, with;
	struct fixture f;
	int i;

	/* those of other tests may still be on their way out */
	comes_back(vmalloc_room, 0);
	before = vmalloc_sparse();
	for (i = 0; i < 50; i++) {
		if (!setup(&f, NPAGES, 0, 0))
			return;
		alloc(&f, 0, NPAGES);
		with = vmalloc_sparse();
		if (i == 0)
			ASSERT_GE(with, before + window, "kernel address space with arena");
		teardown(&f);
	}
	check_back(vmalloc_room, -before, "kernel address space without arenas");
}

/*
 * Times that CPUs had to run a function for others, a flush of their TLB included.
 * Arm's TLB instructions reach all CPUs by themselves.
 */
static long cross_calls(void)
{
	char line[1024], *end, *pos;
	long calls = 0, n;
	FILE *f;

	f = fopen("/proc/interrupts", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "Function call interrupts") && !strstr(line, "TLB shootdowns"))
			continue;
		for (pos = strchr(line, ':') + 1; ; pos = end, calls += n) {
			n = strtol(pos, &end, 10);
			if (end == pos)
				break;
		}
	}
	if (f)
		fclose(f);
	return calls;
}

#define FREES 20

static long calls_in_frees(struct fixture *f)
{
	long before = cross_calls();
	int i;

	for (i = 0; i < FREES; i++) {
		ASSERT_NEQ(alloc(f, 0, 1024), 0, "alloc");
		free_pages(f, page_addr(f, 0), 1024);
	}
	return cross_calls() - before;
}

/* One for each call of bpf_arena_free_pages(), however many pages it frees */
static void free_calls_once(void)
{
	long calls = LONG_MAX;
	struct fixture f;
	int i;

	if (!setup(&f, 1024, 0, 0))
		return;
	/* others call as well, now and then, but not ten times as often */
	for (i = 0; i < 10 && calls >= 10 * FREES; i++)
		calls = calls_in_frees(&f);
	if (env.verbosity > VERBOSE_NONE)
		printf("%ld calls of other CPUs in %d frees\n", calls, FREES);
	ASSERT_LT(calls, 10 * FREES, "calls of other CPUs");
	teardown(&f);
}

#define CGROUP "/arena_alloc"

/* The kernel charges up to 64 pages a CPU ahead, whatever their size: this is
 * enough of them for that not to matter.
 */
#define CGROUP_PAGES 4096

static long cgroup_bytes(void)
{
	return CGROUP_PAGES * page_size;
}

static long cgroup_charge(void)
{
	long bytes = -1;
	char path[128];
	FILE *f;

	/* see format_cgroup_path() in cgroup_helpers.c */
	snprintf(path, sizeof(path), "/mnt/cgroup-test-work-dir%d" CGROUP "/memory.current",
		 getpid());
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (fscanf(f, "%ld", &bytes) != 1)
		bytes = -1;
	fclose(f);
	return bytes;
}

/* room below a charge that cannot be seen from here, for comes_back() */
static long cgroup_room(void)
{
	return -cgroup_charge();
}

static void hazard_26_cgroup(void)
{
	struct fixture f;
	long before;
	int cg;

	cg = test__join_cgroup(CGROUP);
	if (!ASSERT_GE(cg, 0, "join cgroup"))
		return;
	before = cgroup_charge();
	if (before < 0) {
		test__skip(); /* no memory controller */
		goto out;
	}
	if (!alloc_all(&f, CGROUP_PAGES))
		goto out;
	ASSERT_GT(cgroup_charge(), before + cgroup_bytes() * 3 / 4, "charged");
	teardown(&f);
	check_back(cgroup_room, -before - cgroup_bytes() / 8, "uncharged");
out:
	close(cg);
}

#define SHORT_LIVED "/arena_short_lived"

/* In a cgroup of its own: an arena with some pages, from first to last */
static int use_in_cgroup(void)
{
	__u32 i;
	char *p;
	int fd;

	if (join_parent_cgroup(SHORT_LIVED))
		return 1;
	fd = arena_create(NPAGES, 0, 0);
	if (fd < 0)
		return 2;
	p = arena_mmap(fd, NPAGES);
	if (p == MAP_FAILED)
		return 3;
	for (i = 0; i < NPAGES; i++)
		p[i * page_size] = 1;
	return 0;
}

/* cgroups that were removed and have something left; negative, for comes_back() */
static long cgroups_gone(void)
{
	long dying = -1;
	char line[64];
	FILE *f;

	f = fopen("/mnt/cgroup.stat", "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "nr_dying_descendants %ld", &dying);
	if (f)
		fclose(f);
	return -dying;
}

/* A cgroup goes when the arenas that were charged to it are gone. */
static void hazard_26_cgroup_goes(void)
{
	int cg, i, status = -1;
	char path[128];
	long before;
	pid_t pid;

	cg = test__join_cgroup(CGROUP);
	if (!ASSERT_GE(cg, 0, "join cgroup"))
		return;
	snprintf(path, sizeof(path), "/mnt/cgroup-test-work-dir%d" SHORT_LIVED, getpid());
	before = cgroups_gone();
	for (i = 0; i < 20; i++) {
		close(create_and_get_cgroup(SHORT_LIVED));
		pid = fork();
		if (!pid)
			_exit(use_in_cgroup());
		waitpid(pid, &status, 0);
		if (!ASSERT_EQ(status, 0, "arena in a cgroup") ||
		    !ASSERT_OK(rmdir(path), "remove cgroup"))
			break;
	}
	/* the last ones may be on their way */
	check_back(cgroups_gone, before - 10, "cgroups that are left");
	close(cg);
}

static bool leave_cgroup(void)
{
	int root = get_root_cgroup(), procs = -1;
	bool ok;

	if (root >= 0)
		procs = openat(root, "cgroup.procs", O_WRONLY);
	ok = procs >= 0 && write(procs, "0", 1) == 1;
	close(procs);
	close(root);
	return ASSERT_TRUE(ok, "leave cgroup");
}

/* The arena's cgroup has room for a part of the pages only. Nobody is left in
 * it whom the kernel could kill for that.
 */
static void check_half_way(struct fixture *f)
{
	const long before = cgroup_charge();
	char limit[32];

	snprintf(limit, sizeof(limit), "%ld", before + cgroup_bytes() / 4);
	if (!ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", limit), "limit"))
		return;
	ASSERT_EQ(alloc(f, 0, f->pages), 0, "alloc beyond the limit");
	ASSERT_EQ(alloc(f, page_addr(f, 0), f->pages), 0, "alloc beyond the limit, at address");
	check_back(cgroup_room, -before - cgroup_bytes() / 8, "uncharged");
	ASSERT_FALSE(is_there(f, 0), "first page");
	ASSERT_FALSE(is_there(f, 7), "page 7");
	ASSERT_FALSE(is_there(f, f->pages - 1), "last page");

	ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", "max"), "no limit");
	check_empty(f, "without limit");
}

/* An arena whose owner's cgroup nobody is in any more */
static void with_cgroup(__u32 flags, void (*check)(struct fixture *f))
{
	struct fixture f;
	int cg;

	cg = test__join_cgroup(CGROUP);
	if (!ASSERT_GE(cg, 0, "join cgroup"))
		return;
	if (cgroup_charge() < 0) {
		test__skip(); /* no memory controller */
	} else if (setup(&f, CGROUP_PAGES, flags, 0)) {
		if (leave_cgroup())
			check(&f);
		teardown(&f);
	}
	close(cg);
}

static void hazard_12_half_way(void)
{
	with_cgroup(BPF_F_SEGV_ON_FAULT, check_half_way);
}

/*
 * The range is taken in its last third only: what was claimed before is free
 * again, in the middle of words and over several chunks.
 */
static void hazard_12_half_taken(void)
{
	const __u32 pages = 5000, taken = 4001;
	struct fixture f;
	__u32 i;

	if (!setup(&f, pages, BPF_F_SEGV_ON_FAULT, 0))
		return;
	ASSERT_EQ(alloc(&f, page_addr(&f, taken), 1), page_addr(&f, taken), "in the middle");
	ASSERT_EQ(alloc(&f, page_addr(&f, 7), pages - 7), 0, "half taken");
	ASSERT_EQ(alloc(&f, page_addr(&f, taken - 1), 3), 0, "half taken, three pages");
	for (i = 0; i < pages; i++)
		if (!ASSERT_EQ(is_there(&f, i), i == taken, "page"))
			break;
	ASSERT_EQ(alloc(&f, page_addr(&f, 0), taken), page_addr(&f, 0), "all before it");
	ASSERT_EQ(alloc(&f, page_addr(&f, taken + 1), pages - taken - 1),
		  page_addr(&f, taken + 1), "all behind it");
	free_pages(&f, page_addr(&f, 0), pages);
	check_empty(&f, "at last");
	teardown(&f);
}

static sigjmp_buf no_memory;

static void on_no_memory(int sig)
{
	siglongjmp(no_memory, sig);
}

/* how many pages can be touched, from the first on, before there is a SIGBUS */
static __u32 touch(const struct fixture *f)
{
	struct sigaction act = { .sa_handler = on_no_memory }, bus, segv;
	volatile __u32 i = 0;
	int sig;

	if (!ASSERT_OK(sigaction(SIGBUS, &act, &bus), "sigaction") ||
	    !ASSERT_OK(sigaction(SIGSEGV, &act, &segv), "sigaction"))
		return 0;
	sig = sigsetjmp(no_memory, 1);
	if (!sig)
		for (; i < f->pages; i++)
			f->area[i * page_size] = 1;
	else
		ASSERT_EQ(sig, SIGBUS, "signal");
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return i;
}

/* The owner's cgroup is full: a touch is charged there, whoever it is by */
static void check_touch_limit(struct fixture *f)
{
	const long limit = cgroup_charge() + cgroup_bytes() / 4;
	char text[32];
	__u32 some;

	snprintf(text, sizeof(text), "%ld", limit);
	if (!ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", text), "limit"))
		return;
	some = touch(f);
	ASSERT_GT(some, f->pages / 8, "pages within the limit");
	ASSERT_LT(some, f->pages / 2, "pages beyond the limit");
	/* a little more if something else was freed meanwhile */
	ASSERT_LT(touch(f), f->pages / 2, "pages beyond the limit, again");

	free_pages(f, page_addr(f, 0), some);
	ASSERT_GT(touch(f), some * 3 / 4, "freed pages can be had again");

	ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", "max"), "no limit");
	ASSERT_EQ(touch(f), f->pages, "pages without limit");
}

static void hazard_09_limit(void)
{
	with_cgroup(0, check_touch_limit);
}

#define ZRAM "/sys/block/zram0/"

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == strlen(text);

	close(fd);
	return ok;
}

/*
 * Fills the page cache, charged to the caller's cgroup, with clean pages: those
 * of a block device in memory, as long as it is open.
 */
static int fill_page_cache(void)
{
	static char buf[1 << 16];
	int fd;

	if (!write_text(ZRAM "disksize", "32M"))
		return -1;
	fd = open("/dev/zram0", O_RDONLY);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	return fd;
}

static long page_cache;

/* There is no room but for what the page cache has: it is given up. */
static void check_reclaim(struct fixture *f)
{
	const __u32 want = page_cache / page_size / 4 * 3;
	char text[32];
	__u64 p;

	snprintf(text, sizeof(text), "%ld", cgroup_charge() + 64 * page_size);
	if (!ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", text), "limit"))
		return;
	f->pages = want / 2;
	ASSERT_EQ(touch(f), want / 2, "user space touches");
	p = alloc(f, page_addr(f, want / 2), want / 2);
	ASSERT_EQ(p, page_addr(f, want / 2), "a program allocates");
	ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", "max"), "no limit");
}

static void hazard_09_reclaim(void)
{
	struct fixture f;
	long before;
	int cg, dev;

	cg = test__join_cgroup(CGROUP);
	if (!ASSERT_GE(cg, 0, "join cgroup"))
		return;
	before = cgroup_charge();
	dev = fill_page_cache();
	page_cache = cgroup_charge() - before;
	if (page_cache < 512 * page_size) {
		printf("%s:SKIP:no page cache that could be reclaimed here\n", __func__);
		test__skip();
	} else if (setup(&f, page_cache / page_size, 0, 0)) {
		if (leave_cgroup())
			check_reclaim(&f);
		teardown(&f);
	}
	close(dev);
	write_text(ZRAM "reset", "1");
	close(cg);
}

/*
 * Fills a cgroup with names that are not there: what the kernel remembers of these
 * can be given up, but is back after an RCU grace period only.
 */
static void fill_dentries(long bytes, int round)
{
	const long before = cgroup_charge();
	struct stat st;
	char name[200];
	int i;

	for (i = 0; i < 40000; i++) {
		snprintf(name, sizeof(name), "/sys/none-%d-%0150d", round, i);
		stat(name, &st);
		if (i % 512 == 0 && cgroup_charge() >= before + bytes)
			return;
	}
}

#define DENTRY_BYTES (8L << 20)

/* What earlier tests have left there would make room later. It is less than asked for. */
static void reclaim_cgroup(void)
{
	write_cgroup_file(CGROUP, "memory.reclaim", "1G");
}

/* There is no room but for what dentries have: touches and a program get it. */
static void check_dentries(struct fixture *f)
{
	const __u32 want = DENTRY_BYTES / page_size / 4;
	char text[32];

	snprintf(text, sizeof(text), "%ld", cgroup_charge() + 16 * page_size);
	if (!ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", text), "limit"))
		return;
	f->pages = want;
	ASSERT_EQ(touch(f), want, "user space touches");
	ASSERT_EQ(alloc(f, page_addr(f, want), want), page_addr(f, want), "a program allocates");
	ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", "max"), "no limit");
}

static void hazard_34_dentries(void)
{
	struct fixture f;
	long before;
	int cg, i;

	for (i = 0; i < 4; i++) {
		cg = test__join_cgroup(CGROUP);
		if (!ASSERT_GE(cg, 0, "join cgroup"))
			return;
		reclaim_cgroup();
		before = cgroup_charge();
		fill_dentries(DENTRY_BYTES, i);
		if (cgroup_charge() < before + DENTRY_BYTES / 2) {
			printf("%s:SKIP:no dentries that are charged here\n", __func__);
			test__skip();
			i = 4;
		} else if (setup(&f, CGROUP_PAGES, 0, 0)) {
			if (leave_cgroup())
				check_dentries(&f);
			teardown(&f);
		}
		close(cg);
	}
}

/* A process that fills its own cgroup is killed for it, as for private memory */
static void check_own_cgroup(struct fixture *f)
{
	char text[32];
	int status;
	pid_t pid;

	/* no more than that, whatever the charge is now: some of it can be reclaimed */
	snprintf(text, sizeof(text), "%ld", cgroup_bytes() / 4);
	if (!ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", text), "limit"))
		return;
	pid = fork();
	if (!pid) {
		char *area;
		__u32 i;

		if (join_parent_cgroup(CGROUP))
			_exit(1);
		area = mmap(f->area, f->pages * page_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED_NOREPLACE, bpf_map__fd(f->skel->maps.arena), 0);
		if (area != f->area)
			_exit(2);
		for (i = 0; i < f->pages; i++)
			area[i * page_size] = 1;
		_exit(3);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid, "wait");
	ASSERT_EQ(status, SIGKILL, "killed");
	/* and nobody for what a program wants */
	ASSERT_EQ(alloc(f, 0, f->pages), 0, "a program allocates");
	ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", "max"), "no limit");
}

static void hazard_34_own_cgroup(void)
{
	with_cgroup(0, check_own_cgroup);
}

void serial_test_arena_alloc(void)
{
	page_size = getpagesize();

	if (test__start_subtest("anywhere"))
		anywhere();
	if (test__start_subtest("at_address"))
		at_address();
	if (test__start_subtest("hazard_10_free_ranges"))
		free_ranges();
	if (test__start_subtest("hazard_10_reserve"))
		reserved();
	if (test__start_subtest("hazard_09_limit"))
		hazard_09_limit();
	if (test__start_subtest("hazard_09_reclaim"))
		hazard_09_reclaim();
	if (test__start_subtest("hazard_34_dentries"))
		hazard_34_dentries();
	if (test__start_subtest("hazard_34_own_cgroup"))
		hazard_34_own_cgroup();
	if (test__start_subtest("touched_is_taken"))
		touched_is_taken();
	if (test__start_subtest("pieces_fill_it"))
		pieces_fill_it();
	if (test__start_subtest("hazard_10_extremes"))
		hazard_10_extremes();
	if (test__start_subtest("hazard_11_node_id"))
		hazard_11_node_id();
	if (test__start_subtest("hazard_12_half_way"))
		hazard_12_half_way();
	if (test__start_subtest("hazard_12_half_taken"))
		hazard_12_half_taken();
	if (test__start_subtest("hazard_13_user_page"))
		hazard_13_user_page();
	if (test__start_subtest("hazard_13_double_free"))
		hazard_13_double_free();
	if (test__start_subtest("hazard_13_holes"))
		hazard_13_holes();
	if (test__start_subtest("hazard_13_pinned"))
		hazard_13_pinned();
	if (test__start_subtest("hazard_15_use_after_free"))
		hazard_15_use_after_free();
	if (test__start_subtest("hazard_16_many"))
		hazard_16_many();
	if (test__start_subtest("hazard_16_flat"))
		hazard_16_flat();
	if (test__start_subtest("free_calls_once"))
		free_calls_once();
	if (test__start_subtest("hazard_26_memory"))
		hazard_26_memory();
	if (test__start_subtest("hazard_26_chunks"))
		hazard_26_chunks();
	if (test__start_subtest("hazard_26_slab"))
		hazard_26_slab();
	if (test__start_subtest("hazard_26_pools"))
		hazard_26_pools();
	if (test__start_subtest("hazard_26_vmalloc"))
		hazard_26_vmalloc();
	if (test__start_subtest("hazard_26_cgroup"))
		hazard_26_cgroup();
	if (test__start_subtest("hazard_26_cgroup_goes"))
		hazard_26_cgroup_goes();
}
