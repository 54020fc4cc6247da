// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation where nothing may sleep: in interrupts and NMIs, the pool that serves
 * it, what becomes of pages that are freed, and all of it at once.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include "arena_helpers.h"
#include "arena_nosleep.skel.h"

/* what a caller that may not sleep can have at once, arena.rst says */
#define NOSLEEP_PAGES 32

static struct arena_nosleep *skel;
static volatile int stop;
static char *area;
static long page_size;

static bool setup(void)
{
	size_t size;

	page_size = getpagesize();
	skel = arena_nosleep__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return false;
	if (!ASSERT_OK(arena_nosleep__load(skel), "load")) {
		arena_nosleep__destroy(skel);
		return false;
	}
	area = (char *)bpf_map__initial_value(skel->maps.arena, &size);
	return true;
}

/* What was freed without sleeping is back when the worker has run. */
static void check_all_back(void)
{
	arena_fdinfo_becomes(bpf_map__fd(skel->maps.arena), "pages", 0, "pages that are left");
}

/* How many of the programs' runs since the last call went well */
static __u64 went_well(const char *what)
{
	__u64 good = __atomic_exchange_n(&skel->bss->good, 0, __ATOMIC_SEQ_CST);

	ASSERT_EQ(__atomic_exchange_n(&skel->bss->bad, 0, __ATOMIC_SEQ_CST), 0, what);
	return good;
}

/* asks the other CPUs for a backtrace, by an NMI */
static void nmi(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);

	ASSERT_GE(fd, 0, "sysrq-trigger");
	ASSERT_EQ(write(fd, "l", 1), 1, "sysrq l");
	close(fd);
	usleep(100000);
}

static bool has_nmi(void)
{
	return !access("/sys/kernel/tracing/events/nmi/nmi_handler", F_OK);
}

static void test_nmi(void)
{
	struct bpf_link *link;

	if (!has_nmi()) {
		fprintf(stdout, "%s:SKIP:no tracepoint in an NMI here\n", __func__);
		test__skip();
		return;
	}
	link = bpf_program__attach(skel->progs.on_nmi);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	nmi();
	bpf_link__destroy(link);
	ASSERT_GE(went_well("nmi"), 1, "nmi");
	check_all_back();
}

/* a timer interrupt in the midst of programs that do the same */
static void test_perf_event(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = 2000,
	};
	struct bpf_link *link;
	int fd, i;

	fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (!ASSERT_GE(fd, 0, "perf_event_open"))
		return;
	link = bpf_program__attach_perf_event(skel->progs.on_perf, fd);
	if (!ASSERT_OK_PTR(link, "attach"))
		goto out;
	for (i = 0; i < 2000; i++)
		arena_run(i % 2 ? skel->progs.run_xdp : skel->progs.run_syscall);
	bpf_link__destroy(link);
	link = NULL;
	ASSERT_GT(went_well("under a timer"), 1000, "under a timer");
	check_all_back();
out:
	if (!link)
		close(fd);
}

static long at(struct bpf_program *prog, long page, __u32 cnt)
{
	skel->bss->addr = (__u64)area + page * page_size;
	skel->data->cnt = cnt;
	skel->bss->result = -1;
	arena_run(prog);
	skel->data->cnt = 1;
	return skel->bss->result;
}

/* what the worker may have to do first */
static long at_soon(struct bpf_program *prog, long page, __u32 cnt, long not)
{
	long result = not;
	int tries;

	for (tries = 0; result == not && tries < ARENA_TRIES; tries++) {
		if (tries)
			usleep(10000);
		result = at(prog, page, cnt);
	}
	return result;
}

/* An address of one's own: once there is a page table for it */
static void test_fixed(void)
{
	const long far = 1500;

	ASSERT_EQ(at_soon(skel->progs.run_alloc_at, far, 2, 0), (long)area + far * page_size,
		  "far");
	ASSERT_EQ(at(skel->progs.run_alloc_at, far + 1, 1), 0, "taken");
	area[far * page_size] = 'x';
	ASSERT_EQ(at(skel->progs.run_alloc_at, 7, 1), (long)area + 7 * page_size, "near");
	at(skel->progs.run_free_at, 0, 2000);
	ASSERT_EQ(at_soon(skel->progs.run_alloc_at, far, 1, 0), (long)area + far * page_size,
		  "again");
	ASSERT_EQ(area[far * page_size], 0, "another page");
	at(skel->progs.run_free_at, far, 1);
	check_all_back();
}

static void test_reserve(void)
{
	ASSERT_EQ(at(skel->progs.run_reserve_at, 3, 2), 0, "reserve");
	ASSERT_EQ(at(skel->progs.run_reserve_at, 4, 1), -EBUSY, "taken");
	ASSERT_EQ(at(skel->progs.run_alloc_at, 3, 1), 0, "alloc");
	ASSERT_EQ(arena_read(area + 3 * page_size), SIGSEGV, "touch");
	ASSERT_EQ(at_soon(skel->progs.run_reserve_at, 1501, 1, -ENOMEM), 0, "far");
	at(skel->progs.run_free_at, 3, 2);
	ASSERT_EQ(at_soon(skel->progs.run_reserve_at, 3, 2, -EBUSY), 0, "again");
	ASSERT_EQ(arena_fdinfo(bpf_map__fd(skel->maps.arena), "pages"), 0, "no page");
}

/* A program that may not sleep, and does nothing but reserve, can do so at once. */
static void reserve_alone(void)
{
	struct bpf_program *prog;

	if (!test__start_subtest("reserve_alone"))
		return;
	page_size = getpagesize();
	skel = arena_nosleep__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == skel->progs.run_reserve_at);
	if (ASSERT_OK(arena_nosleep__load(skel), "load")) {
		size_t size;

		area = (char *)bpf_map__initial_value(skel->maps.arena, &size);
		ASSERT_EQ(at(skel->progs.run_reserve_at, 3, 2), 0, "reserve");
		ASSERT_EQ(at(skel->progs.run_reserve_at, 4, 1), -EBUSY, "taken");
	}
	arena_nosleep__destroy(skel);
}

/* From none to all that there is to have at once, and one more */
static void test_many(void)
{
	__u32 cnt;

	for (cnt = 1; cnt <= NOSLEEP_PAGES + 1; cnt++) {
		int tries;

		skel->data->cnt = cnt;
		for (tries = 0; tries < ARENA_TRIES && !skel->bss->good; tries++) {
			if (tries)
				usleep(10000);
			arena_run(skel->progs.run_tc);
			if (cnt > NOSLEEP_PAGES)
				break;
		}
		ASSERT_EQ(went_well("many"), cnt <= NOSLEEP_PAGES, "pages at once");
	}
	skel->data->cnt = 1;
	check_all_back();
}

/* More and more is asked for: the pool follows, the arena is used to its end */
static void test_all_of_it(void)
{
	__u64 got = 0;
	int tries;

	skel->bss->keep = 1;
	for (tries = 0; got < 2000 && tries < 20000; tries++) {
		arena_run(skel->progs.run_tc);
		got += went_well("keep");
		if (skel->bss->failed) {
			skel->bss->failed = 0;
			usleep(1000);
		}
	}
	ASSERT_EQ(got, 2000, "pages");
	arena_run(skel->progs.run_tc);
	ASSERT_EQ(skel->bss->failed, 1, "no more");
	at(skel->progs.run_free_at, 0, 2000);
	check_all_back();
}

/* Freed under the eyes of a process: gone from it too, when the worker has run */
static void test_user_sees_free(void)
{
	int tries;

	ASSERT_EQ(at(skel->progs.run_alloc_at, 5, 1), (long)area + 5 * page_size, "alloc");
	area[5 * page_size] = 'x';
	at(skel->progs.run_free_at, 5, 1);
	for (tries = 0; area[5 * page_size] && tries < ARENA_TRIES; tries++)
		usleep(10000);
	ASSERT_EQ(area[5 * page_size], 0, "a new page");
	at(skel->progs.run_free_at, 5, 1);
	check_all_back();
}

/* Fills all pages that there can be in the pool, too, and frees them again */
static void overwrite(void)
{
	long page;

	for (page = 100; page < 200; page++)
		memset(area + page * page_size, 'n', page_size);
	at(skel->progs.run_free_at_s, 100, 100);
}

/*
 * A page that somebody else has a reference to is nobody's to use again: what is
 * in a pipe stays there, whatever the arena does.
 */
static void check_pinned(struct bpf_program *free_at)
{
	char *page = area + 5 * page_size, got[2] = {};
	struct iovec iov = { .iov_base = page, .iov_len = page_size };
	int pipes[2];

	if (!ASSERT_OK(pipe(pipes), "pipe"))
		return;
	ASSERT_EQ(at_soon(skel->progs.run_alloc_at, 5, 1, 0), (long)page, "alloc");
	memset(page, 'o', page_size);
	ASSERT_EQ(vmsplice(pipes[1], &iov, 1, 0), page_size, "vmsplice");
	at(free_at, 5, 1);
	ASSERT_EQ(at_soon(skel->progs.run_alloc_at, 5, 1, 0), (long)page, "alloc again");
	ASSERT_EQ(page[0], 0, "another page");
	memset(page, 'n', page_size);
	overwrite();
	ASSERT_EQ(read(pipes[0], &got[0], 1), 1, "read");
	ASSERT_EQ(got[0], 'o', "what was there");
	ASSERT_EQ(page[1], 'n', "not what is there now");
	at(skel->progs.run_free_at_s, 5, 1);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_pinned(void)
{
	check_pinned(skel->progs.run_free_at);
	check_pinned(skel->progs.run_free_at_s);
	check_all_back();
}

/*
 * The page at NULL comes last, so that a NULL pointer faults until then. Four
 * pages, the first of them at low 32 bits 0, for callers of both kinds.
 */
static void test_null_last(void)
{
	int fd = bpf_map__fd(skel->maps.arena), i;

	skel->bss->keep = 1;
	for (i = 1; i <= 4; i++) {
		arena_run(i % 2 ? skel->progs.run_tc : skel->progs.run_syscall);
		ASSERT_EQ(went_well("alloc"), 1, "alloc");
		ASSERT_EQ(lseek(fd, 0, SEEK_DATA), i < 4 ? page_size : 0, "first page there");
	}
	at(skel->progs.run_free_at, 0, 4);
	check_all_back();
	skel->data->cnt = 4;
	arena_run(skel->progs.run_syscall);
	ASSERT_EQ(went_well("four"), 1, "four in a row");
}

static void null_last(void)
{
	if (!test__start_subtest("null_last"))
		return;
	skel = arena_nosleep__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	page_size = getpagesize();
	bpf_map__set_max_entries(skel->maps.arena, 4);
	bpf_map__set_map_extra(skel->maps.arena, ARENA_BASE);
	if (ASSERT_OK(arena_nosleep__load(skel), "load")) {
		area = (char *)ARENA_BASE;
		test_null_last();
	}
	arena_nosleep__destroy(skel);
}

/* An arena of 4 GiB of which there is little, and what there is is full of holes */
static void with_large_arena(const char *name, void (*test)(void))
{
	size_t size;

	if (!test__start_subtest(name))
		return;
	page_size = getpagesize();
	skel = arena_nosleep__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_map__set_max_entries(skel->maps.arena, 4 * GiB / page_size);
	if (ASSERT_OK(arena_nosleep__load(skel), "load")) {
		area = (char *)bpf_map__initial_value(skel->maps.arena, &size);
		test();
	}
	arena_nosleep__destroy(skel);
}

#define FRAGMENTS 6144

/* Every second page is taken. All that can be had at once can be had, and stays so. */
static void test_fragmented(void)
{
	long first = at(skel->progs.run_alloc_at_s, -((long)area / page_size), FRAGMENTS), page;
	int fd = bpf_map__fd(skel->maps.arena), i, got = 0;

	if (!ASSERT_NEQ(first, 0, "fill"))
		return;
	first = (first - (long)area) / page_size;
	for (page = 0; page < FRAGMENTS; page += 2)
		at(skel->progs.run_free_at_s, first + page, 1);
	for (i = 0; i < 300; i++) {
		got += !!at_soon(skel->progs.run_alloc_at, -((long)area / page_size),
				 1 + i % NOSLEEP_PAGES, 0);
	}
	ASSERT_EQ(got, 300, "allocations");
	/* the first of a new part of the arena may be too early, and the pool too small */
	ASSERT_LE(arena_fdinfo(fd, "failed_table"), 60, "no page table");
	/* where it may sleep, as many at once as nothing has but what is not used so far */
	ASSERT_NEQ(at(skel->progs.run_alloc_at_s, -((long)area / page_size), 16), 0, "16");
	ASSERT_NEQ(at(skel->progs.run_alloc_at_s, -((long)area / page_size), 3000), 0, "3000");
	at(skel->progs.run_free_at_s, 0, 4 * GiB / page_size - 1);
	check_all_back();
}

/* A run of three has its place between runs of two, however many there are */
static void test_runs_of_three(void)
{
	const long anywhere = -((long)area / page_size);
	long page;
	int i;

	ASSERT_EQ(at(skel->progs.run_alloc_at_s, 0, 2000), (long)area, "all of it");
	for (page = 0; page + 2 < 1900; page += 4)
		at(skel->progs.run_free_at_s, page, 2);
	at(skel->progs.run_free_at_s, 1901, 3);
	ASSERT_EQ(at_soon(skel->progs.run_alloc_at, anywhere, 3, 0),
		  (long)area + 1901 * page_size, "three");
	ASSERT_EQ(at(skel->progs.run_alloc_at, anywhere, 3), 0, "three more");
	for (i = 0; i < 20; i++)
		ASSERT_NEQ(at_soon(skel->progs.run_alloc_at, anywhere, 2, 0), 0, "two");
	at(skel->progs.run_free_at_s, 0, 2000);
	check_all_back();
}

/* What was just freed is had again at once, cleared, by the one who asks for it there */
static void test_revived(void)
{
	char *page = area + 5 * page_size;
	int fd = bpf_map__fd(skel->maps.arena), i;
	long long hits;

	ASSERT_EQ(at_soon(skel->progs.run_alloc_at, 5, 1, 0), (long)page, "alloc");
	memset(page, 'x', page_size);
	hits = arena_fdinfo(fd, "pool_hits");
	for (i = 0; i < 20; i++) {
		at(skel->progs.run_free_at, 5, 1);
		/* or the worker has been there, and is done soon */
		ASSERT_EQ(at_soon(skel->progs.run_alloc_at, 5, 1, 0), (long)page, "again");
		ASSERT_EQ(strnlen(page, page_size), 0, "cleared");
		ASSERT_EQ(page[page_size - 1], 0, "cleared to the end");
		memset(page, 'x', page_size);
	}
	ASSERT_GT(arena_fdinfo(fd, "revived"), 0, "the same page");
	ASSERT_LT(arena_fdinfo(fd, "pool_hits"), hits + 20, "no other one");
	at(skel->progs.run_free_at, 5, 1);
	check_all_back();
}

/* What was freed where nothing may sleep is free at once for a program that may. */
static void test_reaped_at_once(void)
{
	const long anywhere = -((long)area / page_size), page = (long)area + 5 * page_size;
	int i;

	ASSERT_EQ(at(skel->progs.run_alloc_at_s, 0, 2000), (long)area, "all of it");
	for (i = 0; i < 20; i++) {
		at(skel->progs.run_free_at, 5, 1);
		ASSERT_EQ(at(skel->progs.run_alloc_node_s, 5, 1), page, "at its address");
		at(skel->progs.run_free_at, 5, 1);
		ASSERT_EQ(at(skel->progs.run_alloc_node_s, anywhere, 1), page, "anywhere");
		at(skel->progs.run_free_at, 5, 1);
		ASSERT_EQ(at(skel->progs.run_reserve_at_s, 5, 1), 0, "reserve");
		at(skel->progs.run_free_at, 5, 1);
		ASSERT_EQ(at(skel->progs.run_alloc_at_s, 5, 1), page, "no longer reserved");
	}
	at(skel->progs.run_free_at_s, 0, 2000);
	check_all_back();
}

static void *hold_forever(void *unused)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = packet,
		.data_size_in = sizeof(packet),
		.repeat = 100,
	);

	while (!stop)
		bpf_prog_test_run_opts(bpf_program__fd(skel->progs.run_hold), &opts);
	return NULL;
}

/*
 * Four programs that allocate and free as fast as they can, and a process: they get what
 * they ask for, the process soon, and nobody is charged for more than a few times what
 * they hold.
 */
static void test_loops(void)
{
	int fd = bpf_map__fd(skel->maps.arena), i;
	pthread_t threads[4];
	long long most = 0;

	arena_fdinfo_becomes(fd, "pool_pages", arena_fdinfo(fd, "pool_target"), "filled");
	stop = 0;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, hold_forever, NULL);
	for (i = 0; i < 200; i++) {
		volatile char *p = area + (1500 + i) * page_size;
		long long now;

		*p = 1;
		now = arena_fdinfo(fd, "pages") + arena_fdinfo(fd, "pool_pages");
		most = now > most ? now : most;
		usleep(10000);
	}
	stop = 1;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	ASSERT_GT(skel->bss->good, 10000, "allocations");
	/* The worker that fills the pool may have to wait for a CPU where a VM's are held up. */
	ASSERT_LE(skel->bss->failed, skel->bss->good / 50, "failures");
	ASSERT_LE(most, 1024 + 200, "pages of the arena");
	skel->bss->good = skel->bss->failed = 0;
	at(skel->progs.run_free_at_s, 0, 2000);
	check_all_back();
}

/* Everybody at once, in one arena, for ARENA_STRESS seconds */

static void *run_forever(void *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char packet[64] = {};

	if (bpf_program__type(prog) != BPF_PROG_TYPE_SYSCALL) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
	}
	while (!stop)
		bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	return NULL;
}

/*
 * A process writes where programs look whether a page is new, and finds what it
 * wrote, or nothing if a program has freed the page since.
 */
static void *touch_forever(void *seed)
{
	unsigned int s = (long)seed;
	long alien = 0;

	while (!stop) {
		volatile __u64 *p = (__u64 *)(area + (1000 + rand_r(&s) % 1000) * page_size);
		__u64 now;

		*p = (__u64)p;
		now = *p;
		alien += now && now != (__u64)p;
		if (!(rand_r(&s) % 64))
			madvise((void *)p, page_size, MADV_DONTNEED);
	}
	return (void *)alien;
}

static struct bpf_link *on_clock(struct bpf_program *prog, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = 1000,
	};
	int fd = syscall(__NR_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? NULL : bpf_program__attach_perf_event(prog, fd);
}

static void *run_on_cpu_0(void *prog)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	return run_forever(prog);
}

/*
 * A program that may sleep has its pages gone when it has freed them, even while
 * another one is held up at any place of its free.
 */
static void test_held_up(void)
{
	pthread_t threads[2];
	struct bpf_link *link;
	int i;

	link = on_clock(skel->progs.hold_up, 0);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	stop = 0;
	pthread_create(&threads[0], NULL, run_on_cpu_0, skel->progs.run_xdp);
	pthread_create(&threads[1], NULL, run_forever, skel->progs.run_syscall);
	sleep(2);
	stop = 1;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	bpf_link__destroy(link);
	ASSERT_GT(went_well("held up"), 100, "went well");
}

static void stop_now(int sig)
{
	stop = 1;
}

static pid_t toucher(void)
{
	int fd = bpf_map__fd(skel->maps.arena);
	pid_t pid = fork();

	if (pid)
		return pid;
	if (mmap(area, 2000 * page_size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != area)
		_exit(1);
	signal(SIGALRM, stop_now);
	alarm(atoi(getenv("ARENA_STRESS") ?: "2"));
	_exit(touch_forever((void *)2L) ? 2 : 0);
}

/* Each failure has a reason that is to be expected, and is counted once. */
static void check_failures(__u64 failed)
{
	int fd = bpf_map__fd(skel->maps.arena);

	ASSERT_EQ(arena_fdinfo(fd, "failed_pool") + arena_fdinfo(fd, "failed_addr") +
		  arena_fdinfo(fd, "failed_table"), failed, "failures with a reason");
	ASSERT_EQ(arena_fdinfo(fd, "failed_mem"), 0, "memory");
	ASSERT_EQ(arena_fdinfo(fd, "failed_args"), 0, "arguments");
	ASSERT_EQ(arena_fdinfo(fd, "failed_count"), 0, "count");
	ASSERT_EQ(arena_fdinfo(fd, "failed_killed"), 0, "killed");
}

/* Nothing is left, and what is ready is what the pool has at least. */
static void check_calm(void)
{
	int fd = bpf_map__fd(skel->maps.arena), seconds;

	check_all_back();
	/* it halves each second, after five without a call */
	for (seconds = 0; arena_fdinfo(fd, "pool_target") > arena_pool_min() && seconds < 40; seconds++)
		sleep(1);
	ASSERT_EQ(arena_fdinfo(fd, "pool_target"), arena_pool_min(), "target");
	arena_fdinfo_becomes(fd, "pool_pages", arena_pool_min(), "pool");
	ASSERT_EQ(arena_fdinfo(fd, "memlock"), 0, "memlock");
}

static void stress(int seconds)
{
	pthread_t threads[5];
	int i, status = -1;
	void *alien = NULL;
	pid_t child;

	child = toucher();
	pthread_create(&threads[0], NULL, run_forever, skel->progs.run_xdp);
	pthread_create(&threads[1], NULL, run_forever, skel->progs.run_syscall);
	pthread_create(&threads[2], NULL, run_forever, skel->progs.run_timer);
	pthread_create(&threads[3], NULL, run_forever, skel->progs.free_top);
	pthread_create(&threads[4], NULL, touch_forever, (void *)1L);
	for (i = 0; i < 5 * seconds; i++) {
		if (has_nmi())
			nmi();
		usleep(100000);
	}
	stop = 1;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], &alien);
	ASSERT_EQ((long)alien, 0, "what others wrote");
	ASSERT_EQ(waitpid(child, &status, 0), child, "wait");
	ASSERT_EQ(status, 0, "the other process");
}

static void test_stress(void)
{
	struct bpf_link *links[3] = {};
	int i;

	skel->data->cnt = 3;
	skel->bss->top = (__u64)area + 1000 * page_size;
	links[0] = on_clock(skel->progs.on_perf, 0);
	links[1] = on_clock(skel->progs.on_perf, 1);
	if (has_nmi())
		links[2] = bpf_program__attach(skel->progs.on_nmi);
	for (i = 0; i < 2 + has_nmi(); i++)
		if (!ASSERT_OK_PTR(links[i], "attach"))
			links[i] = NULL;
	stop = 0;
	stress(atoi(getenv("ARENA_STRESS") ?: "2"));
	for (i = 0; i < ARRAY_SIZE(links); i++)
		bpf_link__destroy(links[i]);
	ASSERT_GT(went_well("stress"), 100, "went well");
	check_failures(skel->bss->failed);
	skel->data->cnt = 1;
	at(skel->progs.run_free_at, 0, 2000);
	check_calm();
}

static void with_arena(const char *name, void (*test)(void))
{
	if (!test__start_subtest(name) || !setup())
		return;
	test();
	arena_nosleep__destroy(skel);
}

void test_arena_nosleep(void)
{
	with_arena("nmi", test_nmi);
	with_arena("perf_event", test_perf_event);
	with_arena("fixed", test_fixed);
	with_arena("reserve", test_reserve);
	reserve_alone();
	with_arena("many", test_many);
	with_arena("all_of_it", test_all_of_it);
	with_arena("user_sees_free", test_user_sees_free);
	with_arena("pinned", test_pinned);
	with_arena("hazard_14_revived", test_revived);
	with_arena("reaped_at_once", test_reaped_at_once);
	with_large_arena("hazard_32_fragmented", test_fragmented);
	with_arena("hazard_32_runs_of_three", test_runs_of_three);
	with_arena("hazard_33_loops", test_loops);
	null_last();
	with_arena("held_up", test_held_up);
	with_arena("stress", test_stress);
}
