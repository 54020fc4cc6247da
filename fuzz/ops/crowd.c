// SPDX-License-Identifier: GPL-2.0
/*
 * A round of many actors: processes and threads that work on the same two arenas
 *
 *	       process 0            process 1                 a process that comes and goes
 *	   thread 0  thread 1   thread 0  thread 1            maps, touches, is killed
 *	      |         |          |         |                         |
 *	 [ range 0 | range 1  | range 2 | range 3  ]  owned     (reads nothing that is
 *	 [ ... whatever the kernel gives to whom ...]  anywhere   not a page already)
 *
 * In one arena each actor has a range for itself, in which the model tells everything
 * although the words of bitmaps, the page tables, the lock, the pool and the TLBs are
 * shared. In the other one the kernel chooses the address: what an actor was given it
 * tags, and nobody else may change it until it is freed.
 *
 * What is random follows from the seed for each actor; who comes first does not.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "ops.h"
#include <bpf/bpf_arena.h>

#define PROCS 3
#define THREADS 2
#define ACTORS (PROCS * THREADS)
#define STEPS 150
#define HAVE 24		/* allocations that an actor has at a time */

struct actor {
	pthread_t thread;
	struct rng rng;
	struct range owned;
	struct arena *anywhere;
	struct { uint32_t pgoff, cnt, tag; } have[HAVE];
};

static struct arena owned, anywhere;
static uint32_t *kept;		/* pages of anywhere that each actor still has */

static enum how pick_how(struct rng *rng)
{
	return rng_below(rng, HOWS);
}

static void tag_all(struct actor *a, uint32_t i, bool check)
{
	uint32_t pgoff = a->have[i].pgoff, cnt = a->have[i].cnt, n, word;
	uint64_t val;

	for (n = 0; n < cnt; n++) {
		word = rng_below(&a->rng, page_size / 8);
		if (check && touch_read(arena_at(a->anywhere, pgoff + n), &val))
			finding("page %u, which an actor has, cannot be read", pgoff + n);
		if (check && val != tag_word(a->have[i].tag, n))
			finding("page %u, which an actor has, holds %#" PRIx64 " and not %#" PRIx64,
				pgoff + n, val, tag_word(a->have[i].tag, n));
		if (!check && (touch_read(arena_at(a->anywhere, pgoff + n) + word * 8, &val) || val))
			finding("page %u, just allocated, has %#" PRIx64, pgoff + n, val);
		if (!check && touch_write(arena_at(a->anywhere, pgoff + n),
					  tag_word(a->have[i].tag, n)))
			finding("page %u, just allocated, cannot be written", pgoff + n);
	}
}

static void take(struct actor *a, uint32_t i)
{
	struct op op = { .kind = OP_ALLOC, .cnt = rng_between(&a->rng, 1, 5), .node = -1 };
	enum how how = pick_how(&a->rng);

	if (one_in(&a->rng, 16))
		op.cnt = rng_between(&a->rng, 30, 100);
	run_op(a->anywhere, how, &op);
	count(allocs);
	if (!op.ret) {
		count(failed_allocs);
		if (how == SYSCALL)
			finding("no %u pages in an arena that has them", op.cnt);
		return;
	}
	a->have[i].pgoff = (op.ret - a->anywhere->base) / page_size;
	a->have[i].cnt = op.cnt;
	a->have[i].tag = rng_next(&a->rng) | 1;
	expect_fresh(a->anywhere, &a->rng, a->have[i].pgoff, op.cnt, "allocation among others");
	tag_all(a, i, false);
}

static void give(struct actor *a, uint32_t i)
{
	struct op op = { .kind = OP_FREE, .cnt = a->have[i].cnt };

	tag_all(a, i, true);
	op.addr = arena_at(a->anywhere, a->have[i].pgoff);
	count(frees);
	run_op(a->anywhere, pick_how(&a->rng), &op);
	a->have[i].cnt = 0;
}

static void step_anywhere(struct actor *a)
{
	uint32_t i = rng_below(&a->rng, HAVE);

	if (!a->have[i].cnt)
		take(a, i);
	else if (one_in(&a->rng, 2))
		give(a, i);
	else
		tag_all(a, i, true);
}

static void step_owned(struct actor *a)
{
	uint32_t at = rng_below(&a->rng, a->owned.cnt), cnt;
	enum how how = pick_how(&a->rng);
	struct arena *arena = a->owned.arena;

	cnt = rng_between(&a->rng, 1, one_in(&a->rng, 6) ? a->owned.cnt : 6);
	cnt = cnt < a->owned.cnt - at ? cnt : a->owned.cnt - at;
	switch (rng_below(&a->rng, 12)) {
	case 0 ... 2: range_alloc_at(&a->owned, &a->rng, how, at, cnt); break;
	case 3 ... 4: range_free(&a->owned, &a->rng, how, at, cnt); break;
	case 5: range_reserve(&a->owned, &a->rng, how, at, cnt); break;
	case 6 ... 8: range_check_page(&a->owned, &a->rng, at); break;
	case 9 ... 10: range_write_page(&a->owned, &a->rng, at); break;
	case 11:
		count(mm_calls);
		madvise((void *)arena_at(arena, a->owned.first + at), (uint64_t)cnt * page_size,
			MADV_DONTNEED);
		break;
	}
}

/* fork() beside a thread that works; the child may do little but end. */
static void step_fork(struct actor *a)
{
	bool killed = one_in(&a->rng, 2);
	uint64_t val;
	pid_t pid;

	count(forks);
	pid = fork();
	if (!pid) {
		if (!touch_read(a->owned.arena->base, &val))
			_exit(1);
		if (killed)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fuzz_die("cannot fork: %m");
	if (WIFEXITED(status) && WEXITSTATUS(status))
		finding("a child of fork() has the mapping");
}

static void *act(void *arg)
{
	struct actor *a = arg;
	int i;

	for (i = 0; i < STEPS; i++) {
		step_owned(a);
		step_anywhere(a);
		if (one_in(&a->rng, 64))
			step_fork(a);
	}
	return NULL;
}

static void start_actor(struct actor *a, uint32_t nr)
{
	a->rng = fuzz_rng(1 + nr);
	a->owned = (struct range){ .arena = &owned, .cnt = owned.pages / ACTORS };
	a->owned.first = nr * a->owned.cnt;
	a->anywhere = &anywhere;
	if (pthread_create(&a->thread, NULL, act, a))
		fuzz_die("cannot start a thread");
}

static void __attribute__((noreturn)) process(uint32_t nr)
{
	struct actor actors[THREADS] = {};
	uint32_t t, i;

	arena_map(&owned, PROT_READ | PROT_WRITE);
	arena_map(&anywhere, PROT_READ | PROT_WRITE);
	for (t = 0; t < THREADS; t++)
		start_actor(&actors[t], nr * THREADS + t);
	for (t = 0; t < THREADS; t++) {
		pthread_join(actors[t].thread, NULL);
		for (i = 0; i < HAVE; i++) {
			tag_all(&actors[t], i, true);
			kept[nr * THREADS + t] += actors[t].have[i].cnt;
		}
	}
	_exit(0);
}

/* Maps and unmaps, in the midst of it all, until it is killed */
static void __attribute__((noreturn)) visitor(void)
{
	struct rng rng = fuzz_rng(1000);
	uint64_t val;
	int i;

	for (;;) {
		arena_map(&owned, PROT_READ | PROT_WRITE);
		/* without the flag a touch would bring a page into another's range */
		for (i = 0; owned.flags & BPF_F_SEGV_ON_FAULT && i < 50; i++)
			touch_read(arena_at(&owned, rng_below(&rng, owned.pages)), &val);
		arena_unmap(&owned, one_in(&rng, 2));
	}
}

static pid_t start_process(uint32_t nr)
{
	pid_t pid = fork();

	if (!pid && nr < PROCS)
		process(nr);
	if (!pid)
		visitor();
	if (pid < 0)
		fuzz_die("cannot fork: %m");
	return pid;
}

/* The visitor is killed now and then, and another one comes. */
static void run_processes(struct rng *rng)
{
	pid_t pids[PROCS], come = start_process(PROCS);
	uint32_t running = PROCS, i;
	int status;

	for (i = 0; i < PROCS; i++)
		pids[i] = start_process(i);
	while (running) {
		usleep(rng_between(rng, 1000, 50000));
		for (i = 0; i < PROCS; i++) {
			if (!pids[i] || !waitpid(pids[i], &status, WNOHANG))
				continue;
			pids[i] = 0;
			running--;
			if (status)
				_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
		}
		kill(come, SIGKILL);
		waitpid(come, NULL, 0);
		if (running)
			come = start_process(PROCS);
	}
}

/* When all have ended: what they left is what the kernel counts, and there. */
static void expect_pages(const struct arena *a, int64_t want, const char *which)
{
	int64_t pages = 0;
	int tries;

	for (tries = 0; tries < 500; tries++) {
		pages = arena_info(a, "pages");
		if (pages == want)
			return;
		usleep(10000);
	}
	finding("the arena of %s should have %" PRId64 " pages and has %" PRId64, which, want, pages);
}

static void check_end(struct rng *rng)
{
	struct range all = { .arena = &owned, .cnt = owned.pages };
	int64_t sum = 0;
	uint32_t i;

	for (i = 0; i < ACTORS; i++)
		sum += kept[i];
	expect_pages(&owned, range_count(&all, PAGE), "owned ranges");
	expect_pages(&anywhere, sum, "any addresses");
	range_check_all(&all, rng);
}

void crowd_round(void)
{
	struct rng rng = fuzz_rng(0);
	uint32_t span = one_in(&rng, 2) ? rng_between(&rng, 5, 40) : rng_between(&rng, 100, 700);
	uint32_t flags = one_in(&rng, 3) ? 0 : BPF_F_SEGV_ON_FAULT;

	kept = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!arena_open(&owned, span * ACTORS, flags, 0) ||
	    !arena_open(&anywhere, ACTORS * HAVE * 110, flags, 0))
		fuzz_die("no arenas");
	run_processes(&rng);
	check_end(&rng);
	arena_close(&owned);
	arena_close(&anywhere);
}
