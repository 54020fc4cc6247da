// SPDX-License-Identifier: GPL-2.0
/*
 * Arenas under several processes and threads, and their end.
 *
 * Assertions belong to the main thread of the test's process. Children and
 * other threads report by exit status and by what they leave in struct race.
 * All loops are bounded: a test that finds nothing ends soon.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include "arena_insn.h"
#include "arena_ops.skel.h"

#define NPAGES 16
#define ROUNDS 200

static long page_size;

struct fixture {
	struct arena_ops *skel;
	char *area;
	int fd;
};

/* Not every kernel with arenas takes every atomic on them */
static bool setup_atomics(struct fixture *f, __u64 base, bool atomics)
{
	size_t size;

	f->skel = arena_ops__open();
	if (!ASSERT_OK_PTR(f->skel, "open"))
		return false;
	bpf_program__set_autoload(f->skel->progs.op_atomics, atomics);
	bpf_map__set_max_entries(f->skel->maps.arena, NPAGES);
	bpf_map__set_map_extra(f->skel->maps.arena, base);
	if (!ASSERT_OK(arena_ops__load(f->skel), "load")) {
		arena_ops__destroy(f->skel);
		return false;
	}
	f->area = (char *)bpf_map__initial_value(f->skel->maps.arena, &size);
	f->fd = bpf_map__fd(f->skel->maps.arena);
	return true;
}

static bool setup(struct fixture *f, __u64 base)
{
	return setup_atomics(f, base, false);
}

static void teardown(struct fixture *f)
{
	arena_ops__destroy(f->skel);
}

static void touch_all(char *area)
{
	int i;

	for (i = 0; i < NPAGES; i++)
		(*(volatile char *)(area + i * page_size))++;
}

/* Without assertions, for threads and children */
static __u64 quiet_op(const struct bpf_program *prog, struct arena_op op)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.ctx_in = &op,
		.ctx_size_in = sizeof(op),
	);

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) ? -1ULL : op.ret;
}

static struct arena_op all_pages(const struct fixture *f)
{
	return (struct arena_op){ .addr = (__u64)f->area, .cnt = NPAGES, .node = -1 };
}

static void free_and_alloc(const struct fixture *f)
{
	quiet_op(f->skel->progs.op_free, all_pages(f));
	quiet_op(f->skel->progs.op_alloc, all_pages(f));
}

/* Process and program still share their pages, however these came about */
static void check_shared(const struct fixture *f, const char *when)
{
	struct arena_op op;
	int i;

	for (i = 0; i < NPAGES; i++) {
		op = (struct arena_op){ .addr = (__u64)f->area + i * page_size };
		*(volatile __u64 *)op.addr = 1000 + i;
		ASSERT_EQ(quiet_op(f->skel->progs.op_read, op), 1000 + i, when);
		op.ret = 2000 + i;
		quiet_op(f->skel->progs.op_write, op);
		ASSERT_EQ(*(volatile __u64 *)op.addr, 2000 + i, when);
	}
}

/* What the kernel counts, or -1 where it does not say */
static long fdinfo_pages(int fd)
{
	char line[128], path[64];
	long pages = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "pages: %ld", &pages);
	if (f)
		fclose(f);
	return pages;
}

static char *map_again(const struct fixture *f)
{
	return mmap(f->area, arena_bytes(NPAGES), PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
}

static int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The child frees pages of which its parent had translations when it forked */
static void hazard_03_fork(void)
{
	struct fixture f;
	int sync[2];
	char c = 0;
	pid_t pid;

	if (!setup(&f, 0))
		return;
	touch_all(f.area);
	if (!ASSERT_OK(pipe(sync), "pipe"))
		goto out;
	pid = fork();
	if (!pid) {
		if (read(sync[0], &c, 1) != 1)
			_exit(1);
		free_and_alloc(&f);
		_exit(quiet_op(f.skel->progs.op_read, all_pages(&f)) ? 2 : 0);
	}
	ASSERT_GT(pid, 0, "fork");
	ASSERT_OK(munmap(f.area, arena_bytes(NPAGES)), "parent unmaps");
	ASSERT_EQ(write(sync[1], &c, 1), 1, "go");
	ASSERT_EQ(wait_for(pid), 0, "child");
	if (ASSERT_EQ(map_again(&f), f.area, "parent maps again")) {
		ASSERT_EQ(f.area[0], 0, "fresh page");
		check_shared(&f, "after fork");
	}
	close(sync[0]);
	close(sync[1]);
out:
	teardown(&f);
}

#define CHILD_STACK (64 << 10)

static int unmap_and_map(void *arg)
{
	const struct fixture *f = arg;

	free_and_alloc(f);
	munmap(f->area, arena_bytes(NPAGES));
	return map_again(f) == f->area ? 0 : 1;
}

/* A child that has the parent's memory, and so its mapping; and one of vfork() */
static void hazard_03_shared_memory(void)
{
	static char stack[CHILD_STACK] __attribute__((aligned(16)));
	struct fixture f;
	int i;

	if (!setup(&f, 0))
		return;
	for (i = 0; i < 10; i++) {
		touch_all(f.area);
		if (!ASSERT_EQ(wait_for(clone(unmap_and_map, stack + CHILD_STACK,
					      CLONE_VM | (i & 1 ? CLONE_VFORK : 0) | SIGCHLD, &f)),
			       0, "child"))
			break;
		ASSERT_EQ(f.area[0], 0, "fresh page");
		check_shared(&f, "after the child");
	}
	teardown(&f);
}

/* the child inherits no mapping, so makes its own, and faults pages in */
static void child_touches(const struct fixture *f, bool exec)
{
	int i;

	if (map_again(f) != f->area)
		_exit(1);
	for (i = 0; i < ROUNDS; i++)
		touch_all(f->area);
	if (exec)
		execl("/bin/true", "true", NULL);
	_exit(exec ? 2 : 0);
}

static void child_touches_forever(const struct fixture *f)
{
	if (map_again(f) != f->area)
		_exit(1);
	for (;;)
		touch_all(f->area);
}

/* The child ends by itself, by another program, or in the midst of it all */
static bool end_child(struct fixture *f, const char *how)
{
	const bool killed = !strcmp(how, "kill");
	pid_t pid;
	int n;

	pid = fork();
	if (!pid) {
		if (killed)
			child_touches_forever(f);
		child_touches(f, !strcmp(how, "exec"));
	}
	if (!ASSERT_GT(pid, 0, "fork"))
		return false;
	for (n = 0; n < ROUNDS / 4; n++)
		free_and_alloc(f);
	if (killed)
		kill(pid, SIGKILL);
	return ASSERT_EQ(wait_for(pid), killed ? -SIGKILL : 0, how);
}

static void hazard_04_processes(void)
{
	static const char * const ends[] = { "exit", "exec", "kill" };
	struct fixture f;
	int i;

	if (!setup(&f, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		if (!end_child(&f, ends[i]))
			break;
		check_shared(&f, ends[i]);
		quiet_op(f.skel->progs.op_free, all_pages(&f));
		ASSERT_EQ(f.area[0], 0, ends[i]);
	}
	teardown(&f);
}

/* Some at a time, of which one after the other is killed */
static void hazard_04_many(void)
{
	struct fixture f;
	pid_t pids[4];
	int i, n;

	if (!setup(&f, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i])
			child_touches_forever(&f);
		ASSERT_GT(pids[i], 0, "fork");
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		for (n = 0; n < ROUNDS / 20; n++)
			free_and_alloc(&f);
		kill(pids[i], SIGKILL);
		ASSERT_EQ(wait_for(pids[i]), -SIGKILL, "child");
		/* while the others go on */
		touch_all(f.area);
	}
	check_shared(&f, "after all children");
	quiet_op(f.skel->progs.op_free, all_pages(&f));
	ASSERT_EQ(f.area[0], 0, "freed");
	teardown(&f);
}

#define MAPPERS 4

/* Each child maps at another address; those that succeed are at the first one's. */
static void child_maps_first(int fd, int i, int go, int report)
{
	void *hint = (void *)(ARENA_BASE + i * GiB), *area;
	char c;

	read(go, &c, 1);
	area = mmap(hint, arena_bytes(NPAGES), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area != MAP_FAILED)
		write(report, &area, sizeof(area));
	_exit(0);
}

static void race_to_map(int fd)
{
	void *area, *first = NULL;
	int go[2], report[2], i;
	pid_t pids[MAPPERS];

	if (!ASSERT_OK(pipe(go), "pipe") || !ASSERT_OK(pipe(report), "pipe"))
		return;
	for (i = 0; i < MAPPERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			child_maps_first(fd, i, go[0], report[1]);
	}
	ASSERT_EQ(write(go[1], "go!!", MAPPERS), MAPPERS, "go");
	for (i = 0; i < MAPPERS; i++)
		ASSERT_EQ(wait_for(pids[i]), 0, "child");
	close(report[1]);
	while (read(report[0], &area, sizeof(area)) == sizeof(area)) {
		first = first ?: area;
		ASSERT_EQ(area, first, "where it is mapped");
	}
	ASSERT_OK_PTR(first, "one has mapped it");
	close(report[0]);
	close(go[0]);
	close(go[1]);
}

/* The first mapping, of which there is one, decides where all are. */
static void hazard_04_first_mmap(void)
{
	int i, fd;

	for (i = 0; i < 30; i++) {
		fd = arena_create(NPAGES, 0, 0);
		if (!ASSERT_GE(fd, 0, "create"))
			return;
		race_to_map(fd);
		close(fd);
	}
}

struct race {
	const struct fixture *f, *other;
	volatile bool stop;
	__u64 found; /* what must not be seen */
	__u64 rounds;
	int failed;
};

static void *thread_alloc(void *arg)
{
	struct race *r = arg;

	while (!r->stop)
		free_and_alloc(r->f);
	return NULL;
}

static void *thread_touch(void *arg)
{
	struct race *r = arg;

	while (!r->stop)
		touch_all(r->f->area);
	return NULL;
}

/* Marks its own page all the time: old translations would mark other pages */
static void *thread_mark(void *arg)
{
	struct race *r = arg;

	while (!r->stop)
		*(volatile __u64 *)r->f->area = 0xbad;
	return NULL;
}

/* Watches its own page all the time: old translations would show other pages */
static void *thread_watch(void *arg)
{
	struct arena_op op = { .cnt = 100000, .flags = 1 };
	struct race *r = arg;

	op.addr = (__u64)r->f->area;
	while (!r->stop && !r->found)
		r->found = quiet_op(r->f->skel->progs.op_watch, op);
	return NULL;
}

/* The page may go away between the load and the store of an atomic */
static void *thread_atomics(void *arg)
{
	struct arena_op op = { .cnt = 10000 };
	struct race *r = arg;

	op.addr = (__u64)r->f->area;
	while (!r->stop && !r->found)
		r->found = quiet_op(r->f->skel->progs.op_atomics, op);
	return NULL;
}

static bool race_start(struct race *r, pthread_t *thread, void *(*fn)(void *arg))
{
	return ASSERT_OK(pthread_create(thread, NULL, fn, r), "thread");
}

static void race_end(struct race *r, pthread_t thread)
{
	r->stop = true;
	pthread_join(thread, NULL);
}

/* lock order: mmap_lock is held by faults and by munmap() */
static void hazard_05_mmap(void)
{
	pthread_t thread;
	struct fixture f;
	struct race r = { .f = &f };
	int i;

	if (!setup(&f, ARENA_BASE))
		return;
	munmap(f.area, arena_bytes(NPAGES));
	if (race_start(&r, &thread, thread_alloc)) {
		for (i = 0; i < ROUNDS; i++) {
			if (!ASSERT_EQ(map_again(&f), f.area, "mmap"))
				break;
			touch_all(f.area);
			munmap(f.area, arena_bytes(NPAGES));
		}
		race_end(&r, thread);
	}
	if (ASSERT_EQ(map_again(&f), f.area, "mmap at last"))
		check_shared(&f, "after the race");
	teardown(&f);
}

/* Reads the arena into itself: a fault in the midst of what takes arena->lock */
static void *thread_read(void *arg)
{
	struct race *r = arg;

	/* not every kernel with arenas lets them be read */
	while (!r->stop)
		if (lseek(r->f->fd, 0, SEEK_SET) ||
		    read(r->f->fd, r->f->area + 3 * page_size, 2 * page_size) < 0)
			sched_yield();
	return NULL;
}

static void *thread_fork(void *arg)
{
	struct race *r = arg;
	unsigned char vec[1];
	pid_t pid;

	while (!r->stop) {
		pid = fork();
		if (!pid)
			_exit(mincore(r->f->area, page_size, vec) ? 0 : 1);
		if (wait_for(pid))
			r->failed++;
	}
	return NULL;
}

/* lock order again: faults, forks, reads and munmap() in one process at a time */
static void hazard_05_threads(void)
{
	void *(*const fns[])(void *arg) = { thread_alloc, thread_read, thread_fork };
	pthread_t threads[ARRAY_SIZE(fns)];
	struct fixture f;
	struct race r = { .f = &f };
	int i, n;

	if (!setup(&f, ARENA_BASE))
		return;
	for (n = 0; n < ARRAY_SIZE(fns); n++)
		if (!race_start(&r, &threads[n], fns[n]))
			break;
	for (i = 0; i < ROUNDS / 4; i++) {
		munmap(f.area, arena_bytes(NPAGES));
		if (!ASSERT_EQ(map_again(&f), f.area, "mmap"))
			break;
		touch_all(f.area);
	}
	r.stop = true;
	while (n--)
		pthread_join(threads[n], NULL);
	ASSERT_EQ(r.failed, 0, "children that have inherited the mapping");
	check_shared(&f, "after the race");
	teardown(&f);
}

static void hazard_13_free_during_fault(void)
{
	pthread_t thread;
	struct fixture f;
	struct race r = { .f = &f };
	int i;

	if (!setup(&f, 0))
		return;
	if (race_start(&r, &thread, thread_touch)) {
		for (i = 0; i < ROUNDS; i++) {
			free_and_alloc(&f);
			/* two threads, one page, none of which may see a SIGBUS */
			touch_all(f.area);
		}
		race_end(&r, thread);
	}
	check_shared(&f, "after the race");
	teardown(&f);
}

/* Pages that one arena gives up go to another at once */
static void hand_over(struct race *r, __u64 fill)
{
	struct arena_op op, own = { .addr = (__u64)r->f->area, .cnt = 1, .node = -1 };
	int i;

	quiet_op(r->f->skel->progs.op_free, own);
	quiet_op(r->other->skel->progs.op_alloc, all_pages(r->other));
	for (i = 0; i < NPAGES; i++) {
		op = (struct arena_op){ .addr = (__u64)r->other->area + i * page_size };
		if (quiet_op(r->other->skel->progs.op_read, op))
			r->failed++;
		op.ret = fill;
		quiet_op(r->other->skel->progs.op_write, op);
	}
	quiet_op(r->other->skel->progs.op_free, all_pages(r->other));
	quiet_op(r->f->skel->progs.op_alloc, own);
	own.ret = 1;
	quiet_op(r->f->skel->progs.op_write, own);

	/* this process has not stayed with the page before */
	own.addr += 8;
	own.ret = ++r->rounds;
	quiet_op(r->f->skel->progs.op_write, own);
	if (*(volatile __u64 *)own.addr != r->rounds)
		r->failed++;
}

static void hand_over_race(void *(*fn)(void *arg), const char *name)
{
	struct fixture f, other;
	struct race r = { .f = &f, .other = &other };
	pthread_t thread;
	int i;

	if (!setup_atomics(&f, 0, fn == thread_atomics))
		return;
	if (!setup(&other, ARENA_BASE))
		goto out;
	if (race_start(&r, &thread, fn)) {
		for (i = 0; i < ROUNDS / 4; i++)
			hand_over(&r, 0x5ec4e7);
		race_end(&r, thread);
	}
	ASSERT_EQ(r.failed, 0, name);
	ASSERT_EQ(r.found, 0, name);
	teardown(&other);
out:
	teardown(&f);
}

static void hazard_14_user_translation(void)
{
	hand_over_race(thread_mark, "marks on somebody else's pages");
}

static void hazard_15_kernel_translation(void)
{
	hand_over_race(thread_watch, "sight of somebody else's pages");
}

static void hazard_15_atomics(void)
{
	hand_over_race(thread_atomics, "atomics on somebody else's pages");
}

/* The same from another process: its translations have to go, too */
static void hazard_14_other_process(void)
{
	struct fixture f, other;
	struct race r = { .f = &f, .other = &other };
	pid_t pid;
	int i;

	if (!setup(&f, 0))
		return;
	if (!setup(&other, ARENA_BASE))
		goto out;
	pid = fork();
	if (!pid) {
		if (map_again(&f) != f.area)
			_exit(1);
		thread_mark(&r);
	}
	ASSERT_GT(pid, 0, "fork");
	for (i = 0; i < ROUNDS / 4; i++)
		hand_over(&r, 0x5ec4e7);
	kill(pid, SIGKILL);
	ASSERT_EQ(wait_for(pid), -SIGKILL, "child");
	ASSERT_EQ(r.failed, 0, "marks on somebody else's pages");
	teardown(&other);
out:
	teardown(&f);
}

static void *thread_free(void *arg)
{
	struct race *r = arg;

	while (!r->stop)
		quiet_op(r->f->skel->progs.op_free, all_pages(r->f));
	return NULL;
}

/*
 * Two free the same pages while a third allocates single ones: each page is
 * freed once, and whoever gets one finds it zeroed.
 */
static void hazard_13_racing_frees(void)
{
	pthread_t threads[2];
	struct fixture f;
	struct race r = { .f = &f };
	struct arena_op op;
	int i, n;

	if (!setup(&f, 0))
		return;
	for (n = 0; n < ARRAY_SIZE(threads); n++)
		if (!race_start(&r, &threads[n], thread_free))
			break;
	for (i = 0; i < 2 * ROUNDS; i++) {
		/* some at an address, and many: that takes longer */
		op = i % 4 ? (struct arena_op){ .cnt = i % 4, .node = -1 } : all_pages(&f);
		op.addr = quiet_op(f.skel->progs.op_alloc, op);
		if (op.addr && quiet_op(f.skel->progs.op_read, op))
			r.failed++;
		op.ret = 0x5ec4e7;
		if (op.addr)
			quiet_op(f.skel->progs.op_write, op);
	}
	r.stop = true;
	while (n--)
		pthread_join(threads[n], NULL);
	ASSERT_EQ(r.failed, 0, "pages that were not zeroed");

	quiet_op(f.skel->progs.op_free, all_pages(&f));
	ASSERT_EQ(quiet_op(f.skel->progs.op_alloc, all_pages(&f)), (__u64)f.area, "all at last");
	ASSERT_EQ(quiet_op(f.skel->progs.op_alloc, (struct arena_op){ .cnt = 1, .node = -1 }), 0,
		  "and no more than all");
	quiet_op(f.skel->progs.op_free, all_pages(&f));
	/* a page that somebody else's took the place of would still be counted */
	ASSERT_LE(fdinfo_pages(f.fd), 0, "pages that are left");
	teardown(&f);
}

/* returns what is at offset 0, and leaves 1 more there */
static int load_counter(int fd)
{
	struct arena_prog p = {};

	emit_map_value(&p, BPF_REG_1, fd, 0);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	emit(&p, BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_1, 0));
	emit(&p, BPF_MOV64_REG(BPF_REG_2, BPF_REG_0));
	emit(&p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, 1));
	emit(&p, BPF_STX_MEM(BPF_W, BPF_REG_1, BPF_REG_2, 0));
	emit(&p, BPF_EXIT_INSN());
	return arena_load_insns(p.insns, p.cnt, 0, NULL);
}

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

static bool map_gone(__u32 id)
{
	int i, fd;

	for (i = 0; i < 50; i++) {
		fd = bpf_map_get_fd_by_id(id);
		if (fd < 0)
			return true;
		close(fd);
		usleep(100 * 1000);
	}
	return false;
}

struct parts {
	int map, prog;
	volatile int *area;
	int count; /* what program and process have counted to */
};

static void check_parts(struct parts *p, const char *order)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (p->prog >= 0) {
		ASSERT_OK(bpf_prog_test_run_opts(p->prog, &opts), order);
		ASSERT_EQ(opts.retval, p->count++, order);
	}
	if (p->area) {
		ASSERT_EQ(*p->area, p->count, order);
		*p->area = ++p->count;
	}
}

static void drop_part(struct parts *p, char which)
{
	if (which == 'm') {
		close(p->map);
	} else if (which == 'p') {
		close(p->prog);
		p->prog = -1;
	} else {
		munmap((void *)p->area, arena_bytes(NPAGES));
		p->area = NULL;
	}
}

/* m: file descriptor of the map, p: program, a: mapping */
static void close_in_order(const char *order)
{
	struct parts p = {};
	__u32 id;
	int i;

	p.map = arena_create(NPAGES, 0, 0);
	if (!ASSERT_GE(p.map, 0, "create"))
		return;
	id = map_id(p.map);
	p.area = arena_mmap(p.map, NPAGES);
	*p.area = 0;
	p.prog = load_counter(p.map);
	if (!ASSERT_GE(p.prog, 0, "load"))
		return;
	for (i = 0; i < 3; i++) {
		check_parts(&p, order);
		drop_part(&p, order[i]);
	}
	ASSERT_TRUE(map_gone(id), order);
}

static void hazard_06_close(void)
{
	static const char * const orders[] = { "mpa", "map", "pma", "pam", "amp", "apm" };
	int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++)
		close_in_order(orders[i]);
}

/* 4 GiB, a page in each 16 MiB of it and the first 64 MiB full */
static void hazard_06_large(void)
{
	const size_t size = 4 * GiB;
	char *area;
	size_t i;
	__u32 id;
	int fd;

	fd = arena_create(size / page_size, 0, ARENA_BASE);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	id = map_id(fd);
	area = arena_mmap_at(fd, size / page_size, ARENA_BASE);
	if (ASSERT_EQ((__u64)area, ARENA_BASE, "mmap")) {
		for (i = 0; i < size; i += i < 64 << 20 ? page_size : 16 << 20)
			area[i] = 1;
		area[size - 1] = 1;
		ASSERT_OK(munmap(area, size), "munmap");
	}
	close(fd);
	ASSERT_TRUE(map_gone(id), "gone");
}

/*
 * A page goes while another thread is between the end of its PTE and the flush of the
 * TLB: in MADV_DONTNEED of many pages that have only been read, the first of which is
 * the one. The reader, on another CPU, must not find what was there once the free
 * has returned.
 */
#define MANY 8192

static struct unmapping {
	struct fixture f;
	volatile int stop, freed, stale, ready;
} un;

static void on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *read_first(void *unused)
{
	volatile __u64 *p = (__u64 *)un.f.area;
	int freed;

	on_cpu(1);
	while (!un.stop) {
		freed = un.freed;
		if (*p == 0x01d && freed)
			un.stale++;
		un.ready = 1;
	}
	return NULL;
}

static void *drop_all(void *unused)
{
	on_cpu(0);
	while (!un.stop)
		madvise(un.f.area, arena_bytes(MANY), MADV_DONTNEED);
	return NULL;
}

static void free_first(int i)
{
	struct arena_op op = { .addr = (__u64)un.f.area, .cnt = MANY, .node = -1 };
	pthread_t reader, dropper;
	int page;

	un.stop = un.freed = un.ready = 0;
	quiet_op(un.f.skel->progs.op_alloc, op);
	op.ret = 0x01d;
	quiet_op(un.f.skel->progs.op_write, op);
	for (page = 0; page < MANY; page++)
		(void)*(volatile char *)(un.f.area + page * page_size);
	pthread_create(&reader, NULL, read_first, NULL);
	while (!un.ready)
		usleep(100);
	pthread_create(&dropper, NULL, drop_all, NULL);
	usleep(100 + i * 97 % 5000);
	op.cnt = 1;
	quiet_op(un.f.skel->progs.op_free, op);
	un.freed = 1;
	usleep(5000);
	un.stop = 1;
	pthread_join(reader, NULL);
	pthread_join(dropper, NULL);
	op.cnt = MANY;
	quiet_op(un.f.skel->progs.op_free, op);
}

static void hazard_36_unmapping(void)
{
	size_t size;
	int i;

	memset(&un, 0, sizeof(un));
	un.f.skel = arena_ops__open();
	if (!ASSERT_OK_PTR(un.f.skel, "open"))
		return;
	bpf_map__set_max_entries(un.f.skel->maps.arena, MANY);
	if (ASSERT_OK(arena_ops__load(un.f.skel), "load")) {
		un.f.area = (char *)bpf_map__initial_value(un.f.skel->maps.arena, &size);
		for (i = 0; i < 60; i++)
			free_first(i);
		ASSERT_EQ(un.stale, 0, "what was freed, read after it");
	}
	teardown(&un.f);
}

void test_arena_life(void)
{
	page_size = getpagesize();

	if (test__start_subtest("hazard_03_fork"))
		hazard_03_fork();
	if (test__start_subtest("hazard_03_shared_memory"))
		hazard_03_shared_memory();
	if (test__start_subtest("hazard_04_processes"))
		hazard_04_processes();
	if (test__start_subtest("hazard_04_many"))
		hazard_04_many();
	if (test__start_subtest("hazard_04_first_mmap"))
		hazard_04_first_mmap();
	if (test__start_subtest("hazard_05_mmap"))
		hazard_05_mmap();
	if (test__start_subtest("hazard_05_threads"))
		hazard_05_threads();
	if (test__start_subtest("hazard_06_close"))
		hazard_06_close();
	if (test__start_subtest("hazard_06_large"))
		hazard_06_large();
	if (test__start_subtest("hazard_13_free_during_fault"))
		hazard_13_free_during_fault();
	if (test__start_subtest("hazard_13_racing_frees"))
		hazard_13_racing_frees();
	if (test__start_subtest("hazard_14_user_translation"))
		hazard_14_user_translation();
	if (test__start_subtest("hazard_14_other_process"))
		hazard_14_other_process();
	if (test__start_subtest("hazard_36_unmapping"))
		hazard_36_unmapping();
	if (test__start_subtest("hazard_15_atomics"))
		hazard_15_atomics();
	if (test__start_subtest("hazard_15_kernel_translation"))
		hazard_15_kernel_translation();
}
