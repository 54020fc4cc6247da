// SPDX-License-Identifier: GPL-2.0
/*
 * A round of one actor: it alone works on a few arenas, of which the model tells
 * everything, addresses that the kernel chooses included.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "ops.h"
#include <bpf/bpf_arena.h>

#define ARENAS 3
#define STEPS 400

/* Pages that an arena may have, and that one operation may be about */
#define MAX_PAGES 6000
#define MAX_CNT 1200

static struct arena arenas[ARENAS];

static uint32_t max_pages(void)
{
	return (1ULL << 32) / page_size;
}

/* Most are small, so that they get full; around the size of a page table as well */
static uint32_t pick_size(struct rng *rng)
{
	switch (rng_below(rng, 8)) {
	case 0: return 1;
	case 1: return max_pages();
	case 2: return max_pages() - rng_below(rng, 3);
	case 3: return rng_between(rng, 500, 1600);
	case 4: return rng_between(rng, 2, 4);
	case 5: return 1 << rng_below(rng, 12);
	default: return rng_between(rng, 2, 300);
	}
}

/* 0, or an address near a 4 GiB line, or any */
static uint64_t pick_base(struct rng *rng, uint32_t pages)
{
	uint64_t size = (uint64_t)pages * page_size, line = rng_between(rng, 0x100, 0x3fff) << 32;
	uint64_t room = ((1ULL << 32) - size) / page_size;

	switch (rng_below(rng, 4)) {
	case 0: return line;
	case 1: return line + room * page_size;
	case 2: return line + rng_below(rng, room + 1) * page_size;
	default: return 0;
	}
}

static uint32_t pick_flags(struct rng *rng)
{
	return (one_in(rng, 2) ? BPF_F_SEGV_ON_FAULT : 0) | (one_in(rng, 4) ? BPF_F_NO_USER_CONV : 0);
}

static struct range all_of(struct arena *a)
{
	return (struct range){ .arena = a, .cnt = a->pages };
}

static void open_one(struct arena *a, struct rng *rng)
{
	uint32_t pages = pick_size(rng), flags = pick_flags(rng);
	uint64_t base = pick_base(rng, pages);

	if (!arena_open(a, pages, flags, base) && !arena_open(a, pages, flags, 0))
		fuzz_die("no arena of %u pages", pages);
	mm_check_vma(a, "creation");
}

static uint32_t pages_there(const struct arena *a)
{
	struct range r = { .arena = (struct arena *)a, .cnt = a->pages };

	return range_count(&r, PAGE);
}

/* What the kernel counts, once the worker has ended what was freed */
static void check_info(const struct arena *a)
{
	uint32_t there = pages_there(a);
	int64_t pages, memlock;
	int tries;

	for (tries = 0; tries < 500; tries++) {
		pages = arena_info(a, "pages");
		memlock = arena_info(a, "memlock");
		if (pages == there && memlock == pages * page_size)
			return;
		usleep(10000);
	}
	finding("an arena of %u pages has %u: fdinfo says pages %" PRId64 ", memlock %" PRId64,
		a->pages, there, pages, memlock);
}

/* Where something is, more often than where nothing is */
static uint32_t pick_page(const struct arena *a, struct rng *rng)
{
	uint32_t at, i;

	if (one_in(rng, 3))
		return rng_below(rng, a->pages);
	at = rng_below(rng, a->pages < 700 ? a->pages : 700);
	if (one_in(rng, 4))
		at = a->pages - 1 - at;
	for (i = at; i < at + 64 && i < a->pages; i++)
		if (a->model[i].state != ABSENT)
			return i;
	return at;
}

static uint32_t pick_cnt(struct rng *rng, uint32_t most)
{
	uint32_t cnt;

	switch (rng_below(rng, 6)) {
	case 0: cnt = rng_between(rng, 1, MAX_CNT); break;
	case 1: cnt = rng_between(rng, 30, 70); break;
	default: cnt = rng_between(rng, 1, 8);
	}
	return cnt < most ? cnt : most;
}

/* Each kind of program that may not sleep is as often as the one that may. */
static enum how pick_how(struct rng *rng)
{
	return rng_below(rng, HOWS);
}

static bool is_full(const struct arena *a)
{
	return pages_there(a) > MAX_PAGES;
}

static void do_alloc_at(struct arena *a, struct rng *rng)
{
	struct range all = all_of(a);
	uint32_t at = pick_page(a, rng);

	if (!is_full(a))
		range_alloc_at(&all, rng, pick_how(rng), at, pick_cnt(rng, a->pages - at));
}

static bool has_room(const struct arena *a, uint32_t cnt)
{
	uint32_t i, run = 0;

	for (i = 0; i < a->pages && run < cnt; i++)
		run = a->model[i].state == ABSENT ? run + 1 : 0;
	return run == cnt;
}

static void do_alloc(struct arena *a, struct rng *rng)
{
	uint32_t cnt = pick_cnt(rng, a->pages), pgoff, i;
	struct op op = { .kind = OP_ALLOC, .cnt = cnt, .node = one_in(rng, 4) ? 0 : -1 };
	enum how how = pick_how(rng);
	struct range r = all_of(a);

	if (is_full(a))
		return;
	run_op(a, how, &op);
	if (!op.ret) {
		count(failed_allocs);
		if (how == SYSCALL && has_room(a, cnt))
			finding("no %u pages in an arena of %u that has them", cnt, a->pages);
		return;
	}
	count(allocs);
	pgoff = (op.ret - a->base) / page_size;
	if (op.ret < a->base || op.ret % page_size || pgoff + (uint64_t)cnt > a->pages)
		finding("allocation of %u pages in an arena of %u at %#" PRIx64 " gives %#" PRIx64,
			cnt, a->pages, a->base, (uint64_t)op.ret);
	if (!range_is(&r, pgoff, cnt, ABSENT))
		finding("allocation gives pages %u to %u, and not all were free", pgoff,
			pgoff + cnt - 1);
	for (i = pgoff; i < pgoff + cnt; i++)
		page_now(a, i);
	expect_fresh(a, rng, pgoff, cnt, "allocation anywhere");
}

static void do_free(struct arena *a, struct rng *rng)
{
	uint32_t at = pick_page(a, rng);
	struct range all = all_of(a);

	range_free(&all, rng, pick_how(rng), at, pick_cnt(rng, a->pages - at));
}

/* From below the arena to behind it */
static void do_free_far(struct arena *a, struct rng *rng)
{
	uint32_t keep = rng_below(rng, a->pages + 1), i;
	struct op op = { .kind = OP_FREE, .cnt = UINT_MAX };

	if (!one_in(rng, 8))
		return;
	op.addr = arena_at(a, keep) + rng_below(rng, page_size);
	/* the low half alone counts: past the last page it may be below the first */
	if (keep == a->pages)
		return;
	count(frees);
	run_op(a, SYSCALL, &op);
	for (i = keep; i < a->pages; i++)
		if (a->model[i].state != ABSENT)
			a->model[i] = (struct page){};
}

static void do_reserve(struct arena *a, struct rng *rng)
{
	uint32_t at = pick_page(a, rng);
	struct range all = all_of(a);

	if (one_in(rng, 2))
		range_reserve(&all, rng, pick_how(rng), at, pick_cnt(rng, a->pages - at));
}

static void do_check(struct arena *a, struct rng *rng)
{
	struct range all = all_of(a);
	int i;

	for (i = 0; i < 4; i++)
		range_check_page(&all, rng, pick_page(a, rng));
}

static void do_write(struct arena *a, struct rng *rng)
{
	struct range all = all_of(a);
	int i;

	for (i = 0; i < 4; i++)
		range_write_page(&all, rng, pick_page(a, rng));
}

/* Arguments of which at least one is wrong */
static void do_wrong(struct arena *a, struct rng *rng)
{
	static const int nodes[] = { -2, 4096, INT_MAX, INT_MIN, 63, 1 << 20 };
	struct op op = { .kind = OP_ALLOC, .cnt = 1, .node = -1, .addr = arena_at(a, 0) };
	int64_t want = 0;

	switch (rng_below(rng, 8)) {
	case 0: op.cnt = 0; break;
	case 1: op.cnt = a->pages + 1; break;
	case 2: op.cnt = UINT_MAX - rng_below(rng, 3); break;
	case 3: op.addr += rng_between(rng, 1, page_size - 1); break;
	case 4: op.addr += 1ULL << 32; break;
	case 5: op.node = rng_pick(rng, nodes); break;
	case 6: op.flags = rng_next(rng) | 1; break;
	case 7:
		op.kind = OP_RESERVE, op.addr += rng_below(rng, 2) ? 1 : 1ULL << 33, want = -EINVAL;
		break;
	}
	run_op(a, pick_how(rng), &op);
	if ((int64_t)op.ret != want)
		finding("kind %u with addr %#llx, cnt %u, node %d, flags %#llx in an arena of %u pages at %#"
			PRIx64 " gives %#llx and not %" PRId64, op.kind, op.addr, op.cnt, op.node,
			op.flags, a->pages, a->base, op.ret, want);
}

static void do_mm(struct arena *a, struct rng *rng)
{
	mm_op(a, rng);
}

/* Elements, which an arena has none of */
static void do_elements(struct arena *a, struct rng *rng)
{
	char key[8] = {}, val[8] = {};
	int err, want = -EOPNOTSUPP;

	switch (rng_below(rng, 5)) {
	case 0: err = bpf_map_lookup_elem(a->fd, key, val), want = -EINVAL; break;
	case 1: err = bpf_map_update_elem(a->fd, NULL, val, 0); break;
	case 2: err = bpf_map_delete_elem(a->fd, key); break;
	case 3: err = bpf_map_get_next_key(a->fd, NULL, key); break;
	default: err = bpf_map_lookup_and_delete_elem(a->fd, NULL, val); break;
	}
	if (!err)
		finding("an element of an arena: a command on it succeeds instead of %d", want);
}

/* Creation with one thing wrong */
static void do_create_wrong(struct arena *a, struct rng *rng)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	uint32_t key = 0, value = 0, pages = 1;
	int fd, want = -EINVAL;

	switch (rng_below(rng, 8)) {
	case 0: key = rng_between(rng, 1, 64); break;
	case 1: value = rng_between(rng, 1, 64); break;
	case 2: pages = 0; break;
	case 3: opts.map_flags = rng_next(rng) & ~BPF_F_MMAPABLE; break;
	case 4: opts.map_flags |= 1 << 25; break;
	case 5: opts.map_extra = rng_between(rng, 1, page_size - 1); break;
	case 6: pages = max_pages() + rng_between(rng, 1, 1000), want = -E2BIG; break;
	case 7: opts.map_extra = (5ULL << 32) - page_size, pages = 2, want = -ERANGE; break;
	}
	/* flags that say who may use the map and on which node it lies are not ours */
	fd = bpf_map_create(BPF_MAP_TYPE_ARENA, "wrong", key, value, pages, &opts);
	if (fd != want && !(opts.map_flags != BPF_F_MMAPABLE && fd < 0))
		finding("creation with sizes %u, %u, %u pages, flags %#x, map_extra %#llx gives %d and not %d",
			key, value, pages, opts.map_flags, opts.map_extra, fd, want);
	(void)a;
}

/* A child: no mapping, then one of its own, and an end of several kinds */
static void __attribute__((noreturn)) child(struct arena *a, struct rng *rng)
{
	struct range all = all_of(a);
	uint64_t val;
	int i;

	if (a->mapped && !touch_read(a->base, &val))
		finding("a child of fork() has the mapping");
	arena_map(a, PROT_READ | PROT_WRITE);
	/* without the flag a touch brings pages, of which the parent would not know */
	for (i = 0; a->flags & BPF_F_SEGV_ON_FAULT && i < 20; i++)
		range_check_page(&all, rng, pick_page(a, rng));
	switch (rng_below(rng, 3)) {
	case 0: kill(getpid(), SIGKILL); break;
	case 1: execl("/bin/true", "true", NULL); break;
	}
	_exit(0);
}

static void do_fork(struct arena *a, struct rng *rng)
{
	struct rng of_child = { rng_next(rng) };
	int status;
	pid_t pid;

	if (!one_in(rng, 4))
		return;
	count(forks);
	pid = fork();
	if (!pid)
		child(a, &of_child);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fuzz_die("cannot fork: %m");
	if (WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) != SIGKILL)
		_exit(1);	/* it has said why */
	mm_check_vma(a, "fork");
}

static void do_open(struct arena *a, struct rng *rng)
{
	if (!one_in(rng, 8))
		return;
	arena_close(a);
	open_one(a, rng);
}

static const struct {
	uint32_t weight;
	void (*run)(struct arena *a, struct rng *rng);
} steps[] = {
	{ 4, do_alloc_at }, { 8, do_alloc }, { 6, do_free }, { 1, do_free_far }, { 2, do_reserve },
	{ 8, do_check }, { 8, do_write }, { 3, do_wrong }, { 8, do_mm }, { 1, do_elements },
	{ 1, do_create_wrong }, { 1, do_fork }, { 1, do_open },
};

static void step(struct arena *a, struct rng *rng)
{
	uint32_t i, all = 0, at;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		all += steps[i].weight;
	at = rng_below(rng, all);
	for (i = 0; at >= steps[i].weight; i++)
		at -= steps[i].weight;
	steps[i].run(a, rng);
}

static void check_everything(struct arena *a, struct rng *rng)
{
	struct range all = all_of(a);

	check_info(a);
	range_check_all(&all, rng);
	check_info(a);
}

void single_round(void)
{
	struct rng rng = fuzz_rng(0);
	int i;

	for (i = 0; i < ARENAS; i++)
		open_one(&arenas[i], &rng);
	for (i = 0; i < STEPS; i++) {
		step(&arenas[rng_below(&rng, ARENAS)], &rng);
		if (one_in(&rng, 40))
			check_info(&arenas[rng_below(&rng, ARENAS)]);
	}
	for (i = 0; i < ARENAS; i++) {
		check_everything(&arenas[i], &rng);
		/* every other round leaves it to the end of the process */
		if (one_in(&rng, 2))
			arena_close(&arenas[i]);
	}
}
