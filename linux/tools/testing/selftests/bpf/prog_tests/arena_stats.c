// SPDX-License-Identifier: GPL-2.0
/*
 * What can be seen of an arena from outside: faults of programs, in fdinfo and
 * through the tracepoint; allocations that failed, and why; the pool.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/wait.h>
#include "arena_helpers.h"
#include "arena_stats.h"
#include "cgroup_helpers.h"
#include "arena_stats.skel.h"

#define PAGES 2000
#define TRACING "/sys/kernel/tracing/"

static struct arena_stats *skel;
static long page_size;
static int fd;

static bool setup_at(__u64 base, bool nosleep)
{
	page_size = getpagesize();
	skel = arena_stats__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return false;
	bpf_map__set_map_extra(skel->maps.arena, base);
	bpf_program__set_autoload(skel->progs.alloc_tc, nosleep);
	if (!ASSERT_OK(arena_stats__load(skel), "load")) {
		arena_stats__destroy(skel);
		return false;
	}
	fd = bpf_map__fd(skel->maps.arena);
	return true;
}

static bool setup(bool nosleep)
{
	return setup_at(ARENA_BASE, nosleep);
}

/* Faults */

struct fault {
	struct bpf_program *prog;
	__u64 addr;	/* what the program is given */
	long long uaddr;	/* what it accesses */
	__u32 access;
};

/* Is the address in one of the program's functions, and the program called id? */
static bool is_in(const struct bpf_program *prog, __u64 ip, __u32 id)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info), lens[4], i;
	__u64 funcs[4];

	info.nr_jited_ksyms = ARRAY_SIZE(funcs);
	info.jited_ksyms = (__u64)funcs;
	info.nr_jited_func_lens = ARRAY_SIZE(lens);
	info.jited_func_lens = (__u64)lens;
	if (!ASSERT_OK(bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len), "info"))
		return false;
	ASSERT_EQ(id, info.id, bpf_program__name(prog));
	for (i = 0; i < info.nr_jited_ksyms; i++)
		if (ip >= funcs[i] && ip < funcs[i] + lens[i])
			return true;
	return false;
}

static void check_fault(const struct fault *f)
{
	const char *name = bpf_program__name(f->prog);
	long long faults = arena_fdinfo(fd, "faults");

	skel->bss->addr = f->addr;
	skel->bss->seen_cnt = 0;
	arena_run(f->prog);
	ASSERT_EQ(arena_fdinfo(fd, "faults"), faults + 1, name);
	ASSERT_EQ(arena_fdinfo(fd, "last_fault"), f->uaddr, name);
	ASSERT_EQ(skel->bss->seen_cnt, 1, name);
	ASSERT_EQ(skel->bss->seen.uaddr, f->uaddr, name);
	ASSERT_EQ(skel->bss->seen.access, f->access, name);
	ASSERT_TRUE(is_in(f->prog, skel->bss->seen.ip, skel->bss->seen.prog_id), name);
}

static bool attach(struct bpf_program *prog, struct bpf_link **link)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (!ASSERT_OK(bpf_obj_get_info_by_fd(fd, &info, &len), "info"))
		return false;
	skel->bss->map_id = info.id;
	*link = bpf_program__attach(prog);
	return ASSERT_OK_PTR(*link, "attach");
}

static void test_faults(void)
{
	const __u64 absent = ARENA_BASE + 7 * page_size;
	struct fault faults[] = {
		{ skel->progs.fault_read, absent, absent, SEEN_READ },
		{ skel->progs.fault_write, absent + 8, absent + 8, SEEN_WRITE },
		{ skel->progs.fault_write_imm16, absent, absent + 6, SEEN_WRITE },
		{ skel->progs.fault_atomic, absent, absent + 8000, SEEN_ATOMIC },
		{ skel->progs.fault_fetch_xor, absent, absent, SEEN_ATOMIC },
		{ skel->progs.fault_before, absent, absent - 16, SEEN_READ },
		{ skel->progs.fault_subprog, absent, absent, SEEN_READ },
		{ skel->progs.fault_xdp, absent, absent, SEEN_READ },
		/* only the lower half counts */
		{ skel->progs.fault_read, 0x777700000000 + page_size, ARENA_BASE + page_size,
		  SEEN_READ },
		/* behind the arena; NULL, and a member of what is at NULL; both guards */
		{ skel->progs.fault_read, ARENA_BASE + 3 * GiB, ARENA_BASE + 3 * GiB, SEEN_READ },
		{ skel->progs.fault_write, 0, ARENA_BASE, SEEN_WRITE },
		{ skel->progs.fault_write, 24, ARENA_BASE + 24, SEEN_WRITE },
		{ skel->progs.fault_before, 8, ARENA_BASE - 8, SEEN_READ },
		{ skel->progs.fault_atomic, 0xfffffff8, ARENA_BASE + 0xfffffff8 + 8000,
		  SEEN_ATOMIC },
	};
	struct bpf_link *link;
	int i;

	ASSERT_EQ(arena_fdinfo(fd, "faults"), 0, "none yet");
	if (!attach(skel->progs.on_fault, &link))
		return;
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		check_fault(&faults[i]);

	/* what is there does not fault */
	skel->bss->addr = absent;
	skel->bss->seen_cnt = 0;
	*(char *)absent = 1;
	arena_run(skel->progs.fault_read);
	ASSERT_EQ(skel->bss->seen_cnt, 0, "page is there");
	ASSERT_EQ(arena_fdinfo(fd, "faults"), ARRAY_SIZE(faults), "all of them");
	bpf_link__destroy(link);
}

/* The same where the arena does not begin with a 4 GiB line */
static void faults_elsewhere(void)
{
	const __u64 absent = ARENA_BASE + GiB + 7 * getpagesize();
	struct bpf_link *link;

	if (!test__start_subtest("faults_elsewhere") || !setup_at(ARENA_BASE + GiB, false))
		return;
	if (attach(skel->progs.on_fault, &link)) {
		check_fault(&(struct fault){ skel->progs.fault_write, absent, absent, SEEN_WRITE });
		check_fault(&(struct fault){ skel->progs.fault_atomic, absent, absent + 8000,
					     SEEN_ATOMIC });
		/* behind the arena, and before it */
		check_fault(&(struct fault){ skel->progs.fault_read, absent + GiB, absent + GiB,
					     SEEN_READ });
		check_fault(&(struct fault){ skel->progs.fault_read, ARENA_BASE + 8,
					     ARENA_BASE + 8, SEEN_READ });
		bpf_link__destroy(link);
	}
	arena_stats__destroy(skel);
}

/* Programs at the tracepoint that fault there do not bring themselves about */
static void test_nested(void)
{
	struct bpf_link *links[2];
	int i;

	skel->bss->addr = ARENA_BASE + page_size;
	if (!attach(skel->progs.on_fault_read, &links[0]))
		return;
	if (attach(skel->progs.on_fault_write, &links[1])) {
		for (i = 0; i < 100; i++)
			arena_run(skel->progs.fault_read);
		bpf_link__destroy(links[1]);
	}
	bpf_link__destroy(links[0]);
	ASSERT_EQ(skel->bss->nested_cnt, 200, "each once a fault");
	ASSERT_EQ(arena_fdinfo(fd, "faults"), 300, "theirs are counted");
}

static bool write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	bool ok;

	if (!f)
		return false;
	ok = fputs(text, f) >= 0;
	return !fclose(f) && ok;
}

/* The first line of the trace that has the word, or "" */
static void trace_line(const char *word, char *line, size_t size)
{
	FILE *f = fopen(TRACING "trace", "r");

	if (ASSERT_OK_PTR(f, "trace")) {
		while (fgets(line, size, f))
			if (strstr(line, word)) {
				fclose(f);
				return;
			}
		fclose(f);
	}
	*line = '\0';
}

/* As someone sees it who has nothing but tracefs */
static void test_tracefs(void)
{
	char line[512], want[128];

	if (!ASSERT_TRUE(write_file(TRACING "trace", ""), "clear") ||
	    !ASSERT_TRUE(write_file(TRACING "events/bpf_arena/bpf_arena_fault/enable", "1"),
			 "enable"))
		return;
	skel->bss->addr = ARENA_BASE + 5 * page_size;
	arena_run(skel->progs.fault_atomic);
	ASSERT_TRUE(write_file(TRACING "events/bpf_arena/bpf_arena_fault/enable", "0"), "off");
	trace_line("bpf_arena_fault:", line, sizeof(line));
	snprintf(want, sizeof(want), " uaddr=0x%llx access=atomic ip=bpf_prog_",
		 ARENA_BASE + 5 * page_size + 8000);
	ASSERT_HAS_SUBSTR(line, want, "line");
	ASSERT_HAS_SUBSTR(line, "_fault_atomic+0x", "symbol");
}

/* Allocations that fail */

static __u64 try_alloc(struct bpf_program *prog, __u64 addr, __u32 cnt)
{
	skel->bss->addr = addr;
	skel->bss->cnt = cnt;
	arena_run(prog);
	return skel->bss->result;
}

/* It fails for this reason, and for no other. */
static void fails(struct bpf_program *prog, __u64 addr, __u32 cnt, const char *key)
{
	static const char * const keys[] = {
		"failed_args", "failed_addr", "failed_mem", "failed_count", "failed_pool",
		"failed_table", "failed_killed",
	};
	long long before[ARRAY_SIZE(keys)];
	int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		before[i] = arena_fdinfo(fd, keys[i]);
	ASSERT_EQ(try_alloc(prog, addr, cnt), 0, key);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		ASSERT_EQ(arena_fdinfo(fd, keys[i]) - before[i], !strcmp(keys[i], key), keys[i]);
}

static void test_failures(void)
{
	struct bpf_program *prog = skel->progs.alloc;

	skel->bss->node = -1;
	fails(prog, 0, 0, "failed_args");
	fails(prog, 0, PAGES + 1, "failed_args");
	fails(prog, ARENA_BASE + PAGES * page_size, 1, "failed_args");
	fails(prog, ARENA_BASE + 1, 1, "failed_args");
	skel->bss->flags = 1;
	fails(prog, 0, 1, "failed_args");
	skel->bss->flags = 0;
	skel->bss->node = 1000;
	fails(prog, 0, 1, "failed_args");
	skel->bss->node = -1;

	ASSERT_NEQ(try_alloc(prog, ARENA_BASE + 2 * page_size, 1), 0, "one page");
	fails(prog, ARENA_BASE + 2 * page_size, 1, "failed_addr");
	fails(prog, 0, PAGES - 1, "failed_addr");
	ASSERT_NEQ(try_alloc(prog, 0, PAGES - 3), 0, "all others in a row");
	ASSERT_NEQ(try_alloc(prog, 0, 1), 0, "one left");
	ASSERT_NEQ(try_alloc(prog, 0, 1), 0, "the last one");
	fails(prog, 0, 1, "failed_addr");
}

static void test_failures_nosleep(void)
{
	struct bpf_program *prog = skel->progs.alloc_tc;
	long long hits;

	fails(prog, 0, 33, "failed_count");
	fails(prog, ARENA_BASE + (PAGES - 1) * page_size, 1, "failed_table");
	arena_fdinfo_becomes(fd, "pool_pages", arena_fdinfo(fd, "pool_target"), "filled");
	hits = arena_fdinfo(fd, "pool_hits");
	ASSERT_NEQ(try_alloc(prog, 0, 7), 0, "some");
	ASSERT_EQ(arena_fdinfo(fd, "pool_hits"), hits + 7, "hits");
	ASSERT_EQ(arena_fdinfo(fd, "pool_misses"), 0, "misses");
}

/* Whoever is killed while it allocates gets no more pages. */
static void test_killed(void)
{
	int status;
	pid_t pid;

	skel->bss->cnt = PAGES / 2;
	skel->bss->loops = 1000000;
	pid = fork();
	if (!pid) {
		LIBBPF_OPTS(bpf_test_run_opts, opts);

		/* each time for as long as a loop may run */
		for (;;)
			bpf_prog_test_run_opts(bpf_program__fd(skel->progs.alloc_free_many), &opts);
	}
	if (!ASSERT_GT(pid, 0, "fork"))
		return;
	usleep(100000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	ASSERT_TRUE(WIFSIGNALED(status), "killed");
	ASSERT_GT(arena_fdinfo(fd, "failed_killed"), 0, "allocations that it was not given");
	ASSERT_EQ(arena_fdinfo(fd, "pages"), 0, "left behind");
}

/* Is there such a page when the worker has run? */
static bool alloc_soon(struct bpf_program *prog)
{
	int tries;

	for (tries = 0; tries < ARENA_TRIES; tries++) {
		if (try_alloc(prog, 0, 1))
			return true;
		usleep(10000);
	}
	return false;
}

/* Which CPU frees a page, and so on which NUMA node, does not matter. */
static void free_and_alloc_tc(int cpu, __u64 addr)
{
	cpu_set_t all, one;

	if (!ASSERT_OK(sched_getaffinity(0, sizeof(all), &all), "CPUs"))
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ASSERT_OK(sched_setaffinity(0, sizeof(one), &one), "CPU");
	skel->bss->cnt = 1;
	skel->bss->addr = addr;
	arena_run(skel->progs.release);
	ASSERT_OK(sched_setaffinity(0, sizeof(all), &all), "all CPUs");
	ASSERT_TRUE(alloc_soon(skel->progs.alloc_tc), "a freed page");
}

/* The owner's cgroup is full, and nobody in it whom the kernel could kill. */
static void check_limit(void)
{
	const int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	__u64 addr[128] = {};
	__u32 i;
	int cpu;

	/* a CPU may be some pages ahead with what it has charged */
	for (i = 0; i < PAGES / 2 && try_alloc(skel->progs.alloc, 0, 1); i++)
		;
	fails(skel->progs.alloc, 0, 1, "failed_mem");
	ASSERT_EQ(arena_write((void *)ARENA_BASE + (PAGES - 1) * page_size), SIGBUS, "touch");
	ASSERT_EQ(arena_fdinfo(fd, "failed_mem"), 3, "the touch, too");
	/* no memory is wanted for what nobody gets */
	ASSERT_EQ(arena_write((void *)ARENA_BASE + (PAGES - 2) * page_size), SIGSEGV, "reserved");
	ASSERT_EQ(arena_fdinfo(fd, "failed_mem"), 3, "not of that one");

	ASSERT_EQ(arena_fdinfo(fd, "pool_pages"), arena_pool_min(), "pages in the pool");
	for (i = 0; i < arena_pool_min(); i++) {
		addr[i] = try_alloc(skel->progs.alloc_tc, 0, 1);
		ASSERT_NEQ(addr[i], 0, "from the pool");
	}
	fails(skel->progs.alloc_tc, 0, 1, "failed_pool");
	usleep(50000);
	fails(skel->progs.alloc_tc, 0, 7, "failed_pool");
	ASSERT_EQ(arena_fdinfo(fd, "pool_misses"), 8, "misses");
	/* what is freed is there for them */
	for (cpu = 0; cpu < cpus && cpu < arena_pool_min(); cpu++)
		free_and_alloc_tc(cpu, addr[cpu]);
}

#define CGROUP "/arena_stats"

static void test_limit(void)
{
	int cg, root, procs;

	cg = test__join_cgroup(CGROUP);
	if (!ASSERT_GE(cg, 0, "join cgroup") || !setup(true))
		return;
	skel->bss->node = -1;
	root = get_root_cgroup();
	ASSERT_EQ(try_alloc(skel->progs.reserve, ARENA_BASE + (PAGES - 2) * page_size, 1), 0,
		  "reserve");
	procs = openat(root, "cgroup.procs", O_WRONLY);
	ASSERT_EQ(write(procs, "0", 1), 1, "leave cgroup");
	if (write_cgroup_file(CGROUP, "memory.max", "0")) {
		test__skip(); /* no memory controller */
	} else {
		check_limit();
		ASSERT_OK(write_cgroup_file(CGROUP, "memory.max", "max"), "no limit");
		ASSERT_TRUE(alloc_soon(skel->progs.alloc_tc), "without limit");
		ASSERT_NEQ(try_alloc(skel->progs.alloc, 0, 1), 0, "without limit");
	}
	close(procs);
	close(root);
	arena_stats__destroy(skel);
	close(cg);
}

/* What is freed is kept for the next who asks, but not for long */
static void test_pool(void)
{
	/* programs that only free need none */
	ASSERT_EQ(arena_fdinfo(fd, "pool_target"), 0, "target");
	skel->bss->node = -1;
	ASSERT_NEQ(try_alloc(skel->progs.alloc, ARENA_BASE, 100), 0, "alloc");
	memset((void *)ARENA_BASE, 'x', 100 * page_size);
	arena_run(skel->progs.release);
	ASSERT_EQ(arena_fdinfo(fd, "pages"), 0, "freed");
	ASSERT_GT(arena_fdinfo(fd, "pool_pages"), 0, "kept");
	ASSERT_LE(arena_fdinfo(fd, "pool_pages"), 32, "kept");
	ASSERT_NEQ(try_alloc(skel->progs.alloc, ARENA_BASE, 100), 0, "again");
	ASSERT_EQ(arena_fdinfo(fd, "pool_pages"), 0, "used first");
	ASSERT_EQ(strnlen((char *)ARENA_BASE, 1), 0, "zeroed");
	ASSERT_EQ(((char *)ARENA_BASE)[31 * page_size - 1], 0, "zeroed to the end");
	arena_run(skel->progs.release);
	arena_fdinfo_becomes(fd, "memlock", 0, "given back");
}

static void with_arena(const char *name, bool nosleep, void (*test)(void))
{
	if (!test__start_subtest(name) || !setup(nosleep))
		return;
	test();
	arena_stats__destroy(skel);
}

/* The trace is everybody's. */
void serial_test_arena_stats(void)
{
	with_arena("faults", false, test_faults);
	faults_elsewhere();
	with_arena("nested", false, test_nested);
	with_arena("tracefs", false, test_tracefs);
	with_arena("failures", false, test_failures);
	with_arena("failures_nosleep", true, test_failures_nosleep);
	with_arena("killed", false, test_killed);
	with_arena("pool", false, test_pool);
	if (test__start_subtest("limit"))
		test_limit();
}
