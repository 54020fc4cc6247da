// SPDX-License-Identifier: GPL-2.0
/*
 * Each step of the kernel that may fail does so, in each operation
 *
 * Problem. Memory for an operation may be missing at any of its steps, or somebody
 * else may have been faster, and then it has to undo the others. In a VM that has
 * memory this never happens.
 *
 * Picture. /proc/thread-self/fail-nth makes the nth step from now on fail that this
 * thread does: an allocation, of kmalloc() or of the page allocator, or one of
 * fail_bpf_arena's. So an operation is tried with n = 1, 2, 3, ... until it comes
 * to its end with less than n:
 *
 *	n = 1   2   3   4   5
 *	    X   .   .   .   .       each try is checked for what it left behind, and
 *	        X   .   .   .       is undone if it succeeded all the same, since
 *	            X   .   .       there was another way to get the memory
 *	                X   .
 *	                    (nothing left to fail: has to succeed)
 *
 * Worker threads are made to fail at random instead.
 *
 * What an operation left behind is looked for in fdinfo, and at the end in what
 * the test's memory cgroup is charged, to which KASAN adds nothing by keeping what
 * is freed. kmemleak looks for the rest when the VM ends (make test DEBUG=1).
 */
#include <dirent.h>
#include <bpf/btf.h>
#include "arena_insn.h"
#include "arena_nosleep.skel.h"
#include "arena_ops.skel.h"
#include "arena_reserve.skel.h"

#define DEBUGFS "/sys/kernel/debug/"

/* the kernel's ENOTSUPP, for a program that the JIT had no memory for */
#define NOT_SUPPORTED 524

/* What fails in arenas for other reasons than a lack of memory: bits of points */
enum {
	FAIL_RANGE = 1,	/* -EBUSY: mapped elsewhere by then */
	FAIL_CLAIM = 2,	/* -EBUSY: taken by then */
	FAIL_LIST = 4,	/* -EINTR: the task is about to die */
	FAIL_ALL = FAIL_RANGE | FAIL_CLAIM | FAIL_LIST,
};

/* More than one chunk in every kernel but those of 64 KiB pages */
#define PAGES 600

#define CGROUP "/arena_inject"

/* Pages that the test may have more of, or that a CPU has charged and not used */
#define NOISE 5

static int nth_fd = -1;
static int fail_fd = -1;	/* make-it-fail: opened before everything fails */
static int arena = -1;
static char *base;
static struct arena_ops *ops;
static struct arena_reserve *res;

/* An operation that may fail. Steps fail in try() alone. */
struct op {
	const char *name;
	bool (*prepare)(void);
	int (*try)(void);	/* 0 or a negative error */
	bool (*after)(int err);	/* checks, and undoes what was done */
	int err;		/* an error that there is besides -ENOMEM */
};

static bool put(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, what, strlen(what)) == (ssize_t)strlen(what);

	close(fd);
	return ok;
}

static bool can_inject(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	fail_fd = open("/proc/thread-self/make-it-fail", O_WRONLY);
	return nth_fd >= 0 && fail_fd >= 0 && !access(DEBUGFS "failslab", F_OK) &&
	       !access(DEBUGFS "fail_page_alloc", F_OK) &&
	       !access(DEBUGFS "fail_bpf_arena", F_OK);
}

/* Allocations that may sleep fail as well, and nothing is logged. */
static void fail_everything(void)
{
	ASSERT_TRUE(put(DEBUGFS "failslab/ignore-gfp-wait", "N"), "slab, may sleep");
	ASSERT_TRUE(put(DEBUGFS "failslab/verbose", "0"), "slab, verbose");
	ASSERT_TRUE(put(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N"), "pages, may sleep");
	ASSERT_TRUE(put(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N"), "pages, highmem");
	ASSERT_TRUE(put(DEBUGFS "fail_page_alloc/min-order", "0"), "pages, single ones");
	ASSERT_TRUE(put(DEBUGFS "fail_page_alloc/verbose", "0"), "pages, verbose");
	ASSERT_TRUE(put(DEBUGFS "fail_bpf_arena/verbose", "0"), "arena, verbose");
}

static void fail_ours(int points)
{
	char bits[16];

	snprintf(bits, sizeof(bits), "%d", points);
	ASSERT_TRUE(put(DEBUGFS "fail_bpf_arena/points", bits), "points");
}

static void inject(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	ASSERT_EQ(pwrite(nth_fd, text, len, 0), len, "fail-nth");
}

/* From the nth step on every allocation fails, or none. Nothing is allocated for it. */
static void inject_for_good(bool on)
{
	ASSERT_EQ(pwrite(fail_fd, on ? "1" : "0", 1, 0), 1, "make-it-fail");
}

static const char * const allocators[] = { DEBUGFS "failslab/", DEBUGFS "fail_page_alloc/" };

/* Of the allocations of tasks that are made to fail so many fail. */
static void allocations_fail(const char *percent)
{
	char path[100];
	__u32 i;

	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		snprintf(path, sizeof(path), "%stask-filter", allocators[i]);
		ASSERT_TRUE(put(path, "Y"), path);
		snprintf(path, sizeof(path), "%stimes", allocators[i]);
		ASSERT_TRUE(put(path, "-1"), path);
		snprintf(path, sizeof(path), "%sprobability", allocators[i]);
		ASSERT_TRUE(put(path, percent), path);
	}
}

/* How many steps more it would have taken: 0 if one has failed */
static int injected_left(void)
{
	char text[16] = {};

	ASSERT_GT(pread(nth_fd, text, sizeof(text) - 1, 0), 0, "fail-nth");
	return atoi(text);
}

/* One try; whether there may be another, since a step failed in it */
static bool try(const struct op *op, int nth, bool for_good, bool *seen)
{
	int err, left;
	bool ok;

	if (op->prepare && !op->prepare())
		return false;
	inject(nth);
	inject_for_good(for_good);
	err = op->try();
	inject_for_good(false);
	left = injected_left();
	inject(0);

	*seen |= err && err == op->err;
	ok = !err || err == op->err || ASSERT_EQ(err, -ENOMEM, op->name);
	if (left)
		ok = ASSERT_EQ(err, 0, op->name) && ok;
	return op->after(err) && ok && !left;
}

/* Steps until nothing is left to fail */
static int fail_in_turn(const struct op *op, bool for_good, bool *seen)
{
	int nth;

	if (for_good)
		allocations_fail("100");
	for (nth = 1; nth < 5000 && try(op, nth, for_good, seen); nth++)
		;
	if (for_good)
		allocations_fail("0");
	ASSERT_LT(nth, 5000, op->name);
	/* or else nothing has been tried */
	ASSERT_GT(nth, 1, op->name);
	return nth - 1;
}

/*
 * There is one step more if a slab needs a page, so what is the nth in one try is the
 * one before in the next, and may have been left out.
 */
static void each_fails(const struct op *op)
{
	bool seen = !op->err;
	int round, steps = 0;

	for (round = 0; !round || (!seen && round < 10); round++)
		steps = fail_in_turn(op, false, &seen);
	fail_in_turn(op, true, &seen);
	ASSERT_TRUE(seen, "the other error");
	if (env.verbosity > VERBOSE_NONE)
		printf("%s: %d steps, %d times\n", op->name, steps, round);
}

/* Create and mmap */

static int made = -1;

static int try_create(void)
{
	made = arena_create(PAGES, 0, 0);
	return made < 0 ? -errno : 0;
}

static bool close_made(int err)
{
	if (!err)
		close(made);
	return true;
}

static void *mapped;

static int try_mmap(void)
{
	mapped = arena_mmap(arena, PAGES);
	return mapped == MAP_FAILED ? -errno : 0;
}

static bool unmap(int err)
{
	return err || ASSERT_OK(munmap(mapped, arena_bytes(PAGES)), "munmap");
}

static void test_create(void)
{
	each_fails(&(struct op){ "create", NULL, try_create, close_made });
}

static void test_mmap(void)
{
	arena = arena_create(PAGES, 0, 0);
	if (ASSERT_GE(arena, 0, "create"))
		each_fails(&(struct op){ "mmap", NULL, try_mmap, unmap, -EBUSY });
	close(arena);
	arena = -1;
}

/* A touch, and the kfuncs where they may sleep */

static int run_op(const struct bpf_program *prog, struct arena_op *op)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.ctx_in = op,
		.ctx_size_in = sizeof(*op),
	);

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

/* All of ops' arena, which has chunks then */
static bool free_all(void)
{
	struct arena_op all = { .addr = (__u64)base, .cnt = PAGES };

	return ASSERT_OK(run_op(ops->progs.op_free, &all), "free") &&
	       ASSERT_EQ(arena_fdinfo(arena, "pages"), 0, "pages after free");
}

static bool alloc_all(void)
{
	struct arena_op all = { .addr = (__u64)base, .cnt = PAGES, .node = -1 };

	return ASSERT_OK(run_op(ops->progs.op_alloc, &all), "alloc") &&
	       ASSERT_EQ(arena_fdinfo(arena, "pages"), PAGES, "pages after alloc");
}

static bool nothing_left(int err)
{
	if (err && !ASSERT_EQ(arena_fdinfo(arena, "pages"), 0, "pages after failure"))
		return false;
	return free_all();
}

static void lose_arena(void)
{
	arena_ops__destroy(ops);
	arena_reserve__destroy(res);
	ops = NULL;
	res = NULL;
	arena = -1;
}

/* One without chunks, in which any operation has all of its steps to do */
static bool new_arena(void)
{
	size_t size;

	ops = arena_ops__open();
	if (!ASSERT_OK_PTR(ops, "open"))
		return false;
	bpf_map__set_max_entries(ops->maps.arena, PAGES);
	if (!ASSERT_OK(arena_ops__load(ops), "load")) {
		lose_arena();
		return false;
	}
	arena = bpf_map__fd(ops->maps.arena);
	base = (char *)bpf_map__initial_value(ops->maps.arena, &size);
	return true;
}

static bool new_arena_to_reserve(void)
{
	if (!new_arena())
		return false;
	res = arena_reserve__open();
	if (!ASSERT_OK_PTR(res, "open reserve"))
		return false;
	bpf_map__reuse_fd(res->maps.arena, arena);
	return ASSERT_OK(arena_reserve__load(res), "load reserve");
}

static bool nothing_left_of_new(int err)
{
	bool ok = nothing_left(err);

	lose_arena();
	return ok;
}

static struct arena_op wanted;

static int try_alloc(void)
{
	struct arena_op op = wanted;
	int err = run_op(ops->progs.op_alloc, &op);

	return err ?: op.ret ? 0 : -ENOMEM;
}

static int try_touch(void)
{
	int sig = arena_write(base + arena_bytes(PAGES - 1));

	return sig == SIGBUS ? -ENOMEM : -sig;
}

static int try_reserve(void)
{
	struct arena_op op = { .addr = (__u64)base, .cnt = PAGES };
	int err = run_op(res->progs.op_reserve, &op);

	return err ?: (int)op.ret;
}

static int try_free(void)
{
	struct arena_op all = { .addr = (__u64)base, .cnt = PAGES };

	return run_op(ops->progs.op_free, &all);
}

/* If the program could be run at all, all is free. */
static bool freed(int err)
{
	if (!err && !ASSERT_EQ(arena_fdinfo(arena, "pages"), 0, "pages after free"))
		return false;
	return free_all();
}

static void test_alloc_one(void)
{
	wanted = (struct arena_op){ .cnt = 1, .node = -1 };
	each_fails(&(struct op){ "alloc", new_arena, try_alloc, nothing_left_of_new });
}

/* More than can be claimed without a lock */
static void test_alloc_many(void)
{
	wanted = (struct arena_op){ .cnt = 100, .node = -1 };
	each_fails(&(struct op){ "alloc", new_arena, try_alloc, nothing_left_of_new });
}

/* In more than one chunk */
static void test_alloc_fixed(void)
{
	if (new_arena()) {
		wanted = (struct arena_op){
			.addr = (__u64)base + arena_bytes(PAGES - 200), .cnt = 100, .node = -1,
		};
		each_fails(&(struct op){ "alloc", NULL, try_alloc, nothing_left });
		ASSERT_GE(arena_fdinfo(arena, "failed_killed"), 1, "killed");
	}
	lose_arena();
}

static void test_free(void)
{
	if (new_arena())
		each_fails(&(struct op){ "free", alloc_all, try_free, freed });
	lose_arena();
}

static void test_touch(void)
{
	each_fails(&(struct op){ "touch", new_arena, try_touch, nothing_left_of_new });
}

static void test_reserve(void)
{
	each_fails(&(struct op){
		"reserve", new_arena_to_reserve, try_reserve, nothing_left_of_new
	});
}

/* Nothing but claims fails, and the next two do, of this thread. */
static void next_claims_fail(void)
{
	fail_ours(FAIL_CLAIM);
	ASSERT_TRUE(put(DEBUGFS "fail_bpf_arena/task-filter", "Y"), "task-filter");
	ASSERT_TRUE(put(DEBUGFS "fail_bpf_arena/times", "2"), "times");
	ASSERT_TRUE(put(DEBUGFS "fail_bpf_arena/probability", "100"), "probability");
	ASSERT_TRUE(put("/proc/thread-self/make-it-fail", "1"), "make-it-fail");
}

static void claims_succeed(void)
{
	ASSERT_TRUE(put("/proc/thread-self/make-it-fail", "0"), "make-it-fail");
	ASSERT_TRUE(put(DEBUGFS "fail_bpf_arena/probability", "0"), "probability");
	fail_ours(FAIL_ALL);
}

/* An address is taken, and still when what was freed has been reaped. A fault waits. */
static void test_taken(void)
{
	if (new_arena_to_reserve()) {
		next_claims_fail();
		ASSERT_EQ(try_reserve(), -EBUSY, "reserve");
		claims_succeed();
		ASSERT_OK(try_reserve(), "reserve again");
		free_all();

		next_claims_fail();
		ASSERT_OK(try_touch(), "touch");
		claims_succeed();
		ASSERT_EQ(arena_fdinfo(arena, "pages"), 1, "touched");
	}
	lose_arena();
}

/* Programs: verifier, JIT, the pool */

static struct arena_prog prog;

static int try_load(void)
{
	made = arena_load_insns(prog.insns, prog.cnt, 0, NULL);
	return made < 0 ? -errno : 0;
}

/* One that draws from the pool, which comes with it, and has a may_goto */
static void test_load(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf__find_by_name_kind(btf, "bpf_arena_alloc_pages", BTF_KIND_FUNC);

	btf__free(btf);
	arena = arena_create(PAGES, 0, ARENA_BASE);
	prog.cnt = 0;
	emit_map(&prog, BPF_REG_1, arena);
	emit(&prog, BPF_MOV64_IMM(BPF_REG_2, 0));
	emit(&prog, BPF_MOV64_IMM(BPF_REG_3, 1));
	emit(&prog, BPF_MOV64_IMM(BPF_REG_4, -1));
	emit(&prog, BPF_MOV64_IMM(BPF_REG_5, 0));
	emit(&prog, BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, id));
	emit(&prog, ARENA_TO_KERN(BPF_REG_1, BPF_REG_0));
	emit(&prog, BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_1, 0));
	emit(&prog, MAY_GOTO(1));
	emit(&prog, BPF_MOV64_IMM(BPF_REG_2, 0));
	emit_return(&prog, 0);
	if (ASSERT_GE(arena, 0, "create"))
		each_fails(&(struct op){ "load", NULL, try_load, close_made, -NOT_SUPPORTED });
	close(arena);
	arena = -1;
}

/*
 * One with a function and a loop. Without a JIT there is another error: the
 * interpreter does not do.
 */
static void test_load_loop(void)
{
	arena = arena_create(PAGES, 0, ARENA_BASE);
	prog.cnt = 0;
	emit_map(&prog, BPF_REG_1, arena);
	emit(&prog, BPF_CALL_REL(2));
	emit_return(&prog, 0);
	emit(&prog, ARENA_TO_KERN(BPF_REG_6, BPF_REG_1));
	emit(&prog, BPF_MOV64_IMM(BPF_REG_7, 0));
	emit(&prog, MAY_GOTO(3));
	emit(&prog, BPF_ALU64_IMM(BPF_ADD, BPF_REG_7, 1));
	emit(&prog, BPF_LDX_MEM(BPF_DW, BPF_REG_8, BPF_REG_6, 0));
	emit(&prog, BPF_JMP_A(-4));
	emit_return(&prog, 0);
	if (ASSERT_GE(arena, 0, "create"))
		each_fails(&(struct op){ "load_loop", NULL, try_load, close_made, -EINVAL });
	close(arena);
	arena = -1;
}

/* The worker */

/* Kernel threads that run what arenas and others queue on the unbound workqueue */
static void inject_workers(bool on)
{
	struct dirent *task;
	char path[300], name[32];
	DIR *proc = opendir("/proc");
	FILE *f;

	while ((task = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", task->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/make-it-fail", task->d_name);
		if (fgets(name, sizeof(name), f) && !strncmp(name, "kworker/u", 9))
			ASSERT_TRUE(put(path, on ? "1" : "0"), "make-it-fail");
		fclose(f);
	}
	closedir(proc);
}

/* Of the steps that these do so many fail. */
static void half_fail(const char *percent)
{
	allocations_fail(percent);
	ASSERT_TRUE(put(DEBUGFS "fail_bpf_arena/task-filter", "Y"), "task-filter");
	ASSERT_TRUE(put(DEBUGFS "fail_bpf_arena/times", "-1"), "times");
	ASSERT_TRUE(put(DEBUGFS "fail_bpf_arena/probability", percent), "probability");
}

/* The pool runs dry, chunks do not come; afterwards all is as ever. */
static void test_worker(void)
{
	struct arena_nosleep *skel = arena_nosleep__open_and_load();
	int fd, i;

	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	fd = bpf_map__fd(skel->maps.arena);
	skel->data->cnt = 8;
	half_fail("50");
	for (i = 0; i < 3000; i++) {
		if (!(i % 500))
			inject_workers(true);
		arena_run(skel->progs.run_xdp);
	}
	half_fail("0");
	inject_workers(false);
	ASSERT_EQ(skel->bss->bad, 0, "bad");
	ASSERT_GT(skel->bss->good, 0, "good");

	arena_fdinfo_becomes(fd, "pages", 0, "pages");
	arena_run(skel->progs.run_xdp);
	usleep(100000);
	skel->bss->good = 0;
	arena_run(skel->progs.run_xdp);
	ASSERT_EQ(skel->bss->good, 1, "good again");
	arena_nosleep__destroy(skel);
}

/* Pages that the kernel has for this test, arenas' own included; -1 if nobody counts them */
static long charged(void)
{
	char line[128];
	long bytes = -1;
	FILE *f;

	/* see format_cgroup_path() in cgroup_helpers.c */
	snprintf(line, sizeof(line), "/mnt/cgroup-test-work-dir%d" CGROUP "/memory.stat", getpid());
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f) && sscanf(line, "kernel %ld", &bytes) != 1)
		;
	if (f)
		fclose(f);
	return bytes < 0 ? -1 : bytes / getpagesize();
}

/* What is freed later is, within ten seconds, and what CPUs count is added up. */
static long charged_in_the_end(long wanted)
{
	long now = charged();
	int i;

	for (i = 0; i < 100 && now > wanted; i++) {
		usleep(100000);
		now = charged();
	}
	return now;
}

/*
 * What the first time leaves in caches is none of its business. Later, other things are
 * charged now and then, and what leaks is each time.
 */
static void subtest(const char *name, void (*test)(void))
{
	long before, after;
	int i;

	if (!test__start_subtest(name))
		return;
	test();
	for (i = 0; i < 4; i++) {
		sleep(3);
		before = charged();
		test();
		after = charged_in_the_end(before + NOISE);
		if (env.verbosity > VERBOSE_NONE)
			printf("%s: %ld pages charged, %ld after it\n", name, before, after);
		if (after <= before + NOISE)
			break;
	}
	ASSERT_LE(after, before + NOISE, "pages that are left");
}

void serial_test_arena_inject(void)
{
	int cg = -1;

	if (!can_inject()) {
		printf("%s:SKIP:the kernel cannot make allocations fail (make test DEBUG=1)\n",
		       __func__);
		test__skip();
		goto out;
	}
	cg = test__join_cgroup(CGROUP);
	if (!ASSERT_GE(cg, 0, "join cgroup") || !ASSERT_GE(charged(), 0, "kernel memory"))
		goto out;
	fail_everything();
	fail_ours(FAIL_ALL);
	subtest("create", test_create);
	subtest("mmap", test_mmap);
	subtest("touch", test_touch);
	subtest("alloc_one", test_alloc_one);
	subtest("alloc_many", test_alloc_many);
	subtest("alloc_fixed", test_alloc_fixed);
	subtest("free", test_free);
	subtest("reserve", test_reserve);
	subtest("taken", test_taken);
	subtest("load", test_load);
	subtest("load_loop", test_load_loop);
	subtest("worker", test_worker);
	fail_ours(0);
out:
	close(cg);
	close(fail_fd);
	close(nth_fd);
}
