// SPDX-License-Identifier: GPL-2.0
/*
 * The hazards of allocation once more where nothing may sleep, which is other
 * code: bad arguments, double frees, use after free, and an end that finds the
 * work of frees still to be done.
 */
#define _GNU_SOURCE
#include <limits.h>
#include "arena_helpers.h"
#include "arena_hazard.skel.h"

#define NPAGES 16

static struct arena_hazard *skel;
static char *area;
static long page_size;

static bool setup(__u64 base)
{
	size_t size;

	page_size = getpagesize();
	skel = arena_hazard__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return false;
	bpf_map__set_map_extra(skel->maps.arena, base);
	bpf_map__set_map_flags(skel->maps.arena, BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT);
	if (!ASSERT_OK(arena_hazard__load(skel), "load")) {
		arena_hazard__destroy(skel);
		return false;
	}
	area = (char *)bpf_map__initial_value(skel->maps.arena, &size);
	return true;
}

static __u64 page_addr(__s64 page)
{
	return (__u64)area + page * page_size;
}

static __u64 run(const struct bpf_program *prog, __u64 addr, __u64 cnt, __s64 val)
{
	__u64 ctx[3] = { addr, cnt, val };
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.ctx_in = ctx,
		.ctx_size_in = sizeof(ctx),
	);

	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), bpf_program__name(prog));
	return skel->bss->result;
}

static __u64 alloc(__u64 addr, __u64 cnt)
{
	return run(skel->progs.fast_alloc, addr, cnt, -1);
}

static void free_pages(__u64 addr, __u64 cnt)
{
	run(skel->progs.fast_free, addr, cnt, 0);
}

/* Addresses are free, and parts of the arena usable, when the worker has run. */
static __u64 alloc_soon(__u64 addr, __u64 cnt)
{
	__u64 p = alloc(addr, cnt);
	int tries;

	for (tries = 0; !p && tries < ARENA_TRIES; tries++) {
		usleep(10000);
		p = alloc(addr, cnt);
	}
	return p;
}

static void check_there(const char *map, const char *when)
{
	char now[NPAGES + 1] = {};
	int i, tries = 0;

	/* a process sees its page until the worker has run */
	do {
		for (i = 0; i < NPAGES; i++)
			now[i] = arena_read((void *)page_addr(i)) ? '.' : 'x';
		if (strcmp(now, map))
			usleep(10000);
	} while (strcmp(now, map) && tries++ < ARENA_TRIES);
	ASSERT_STREQ(now, map, when);
}

static void check_empty(const char *when)
{
	ASSERT_EQ(alloc_soon(page_addr(0), NPAGES), page_addr(0), when);
	free_pages(page_addr(0), NPAGES);
}

static void extremes(void)
{
	check_empty("to begin with");
	check_there("................", "to begin with");
	ASSERT_EQ(alloc(0, 0), 0, "page_cnt 0");
	ASSERT_EQ(alloc(page_addr(1), 0), 0, "page_cnt 0 at address");
	ASSERT_EQ(alloc(0, NPAGES + 1), 0, "larger than the arena");
	ASSERT_EQ(alloc(0, ~0U), 0, "page_cnt 2^32 - 1");
	ASSERT_EQ(alloc(page_addr(1), ~0U), 0, "page_cnt 2^32 - 1 at address");
	ASSERT_EQ(alloc(page_addr(1), NPAGES), 0, "a page over the end");
	ASSERT_EQ(alloc(page_addr(NPAGES - 1), 2), 0, "last page and the next");
	ASSERT_EQ(alloc(page_addr(NPAGES), 1), 0, "first page after the end");
	ASSERT_EQ(alloc(page_addr(-1), 1), 0, "last page before the start");
	ASSERT_EQ(alloc(page_addr(-1), 2), 0, "across the start");
	ASSERT_EQ(alloc(page_addr(0) + 1, 1), 0, "unaligned");
	ASSERT_EQ(alloc(page_addr(0) + 4 * GiB, 1), 0, "4 GiB off");
	ASSERT_EQ(alloc(-page_size, 2), 0, "across 2^64");
	free_pages(page_addr(NPAGES), 100);
	free_pages(page_addr(-5), 5);
	free_pages(0, 1);
	check_there("................", "after refusals");
	ASSERT_EQ(alloc_soon(page_addr(0), NPAGES), page_addr(0), "all");
	free_pages(page_addr(-1), 2);
	check_there(".xxxxxxxxxxxxxxx", "across the start");
	free_pages(page_addr(NPAGES - 2), ~0U);
	check_there(".xxxxxxxxxxxxx..", "over the end");
	free_pages(page_addr(0), NPAGES);
	check_empty("at last");
}

static void node_id(void)
{
	static const int bad[] = { -2, 4096, INT_MIN, INT_MAX, 63, 64, 1023, 1024 };
	char name[32];
	int i;

	check_empty("to begin with");
	ASSERT_NEQ(alloc_soon(0, 1), 0, "node -1");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(name, sizeof(name), "node %d", bad[i]);
		ASSERT_EQ(run(skel->progs.fast_alloc, 0, 1, bad[i]), 0, name);
	}
}

static void double_free(void)
{
	int i;

	for (i = 0; i < 50; i++) {
		if (!ASSERT_EQ(alloc_soon(page_addr(3), 2), page_addr(3), "alloc"))
			return;
		free_pages(page_addr(3), 1);
		free_pages(page_addr(3), 1);
		free_pages(page_addr(3), 2);
		free_pages(page_addr(0), NPAGES);
	}
	check_empty("at last");
}

static void use_after_free(void)
{
	int i;

	for (i = 0; i < 200; i++) {
		if (!ASSERT_EQ(alloc_soon(page_addr(i % NPAGES), 1), page_addr(i % NPAGES),
			       "alloc") ||
		    !ASSERT_EQ(run(skel->progs.fast_use_after_free, page_addr(i % NPAGES), 0, 0),
			       0, "what is seen after free"))
			return;
	}
}

static void with_arena(const char *name, void (*test)(void))
{
	if (!test__start_subtest(name) || !setup(ARENA_BASE + GiB))
		return;
	test();
	arena_hazard__destroy(skel);
}

/* The last reference goes while the worker is on its way to what was freed. */
static void hazard_06_pending(void)
{
	int i;

	for (i = 0; i < 30; i++) {
		if (!setup(0))
			return;
		alloc_soon(page_addr(0), NPAGES);
		free_pages(page_addr(0), NPAGES);
		alloc(page_addr(0), NPAGES); /* in vain: asks the worker for more */
		arena_hazard__destroy(skel);
	}
}

void serial_test_arena_fast(void)
{
	if (test__start_subtest("hazard_06_pending"))
		hazard_06_pending();
	with_arena("hazard_10_fast_extremes", extremes);
	with_arena("hazard_11_fast_node_id", node_id);
	with_arena("hazard_13_fast_double_free", double_free);
	with_arena("hazard_15_fast_use_after_free", use_after_free);
}
