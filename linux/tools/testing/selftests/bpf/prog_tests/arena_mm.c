// SPDX-License-Identifier: GPL-2.0
/*
 * What else mm/ can be asked to do to the mapping of an arena, and to its pages:
 * to move them, to merge them, to look at them, to hold on to them. Each may be
 * refused. What counts is that program and process go on sharing each page, and
 * that no page is lost.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "arena_helpers.h"
#include "arena_ops.skel.h"

#define NPAGES 8

static struct arena_ops *skel;
static char *area;
static long page_size;

static bool setup(void)
{
	size_t size;

	page_size = getpagesize();
	skel = arena_ops__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return false;
	bpf_map__set_max_entries(skel->maps.arena, NPAGES);
	if (!ASSERT_OK(arena_ops__load(skel), "load")) {
		arena_ops__destroy(skel);
		return false;
	}
	area = (char *)bpf_map__initial_value(skel->maps.arena, &size);
	return true;
}

static __u64 op(const struct bpf_program *prog, int page, __u32 cnt, __u64 val)
{
	struct arena_op op = { .cnt = cnt, .node = -1, .ret = val };

	op.addr = (__u64)area + page * page_size;
	return arena_run_op(prog, op);
}

static void fill(void)
{
	int i;

	for (i = 0; i < NPAGES; i++)
		*(__u64 *)(area + i * page_size) = 1000 + i;
}

/* Contents are as fill() left them, to both; both see what the other writes. */
static void check_shared(const char *when)
{
	volatile __u64 *p;
	int i;

	for (i = 0; i < NPAGES; i++) {
		p = (__u64 *)(area + i * page_size);
		ASSERT_EQ(*p, 1000 + i, when);
		ASSERT_EQ(op(skel->progs.op_read, i, 1, 0), 1000 + i, when);
		*p = 2000 + i;
		ASSERT_EQ(op(skel->progs.op_read, i, 1, 0), 2000 + i, when);
		op(skel->progs.op_write, i, 1, 1000 + i);
		ASSERT_EQ(*p, 1000 + i, when);
	}
}

/* After all of that the pages are free, and can be had again, zeroed */
static void check_end(const char *when)
{
	int i;

	op(skel->progs.op_free, 0, NPAGES, 0);
	ASSERT_EQ(op(skel->progs.op_read, 1, 1, 0), 0, when);
	ASSERT_EQ(op(skel->progs.op_alloc, 0, NPAGES, 0), (__u64)area, when);
	for (i = 0; i < NPAGES; i++)
		ASSERT_EQ(*(__u64 *)(area + i * page_size), 0, when);
}

static void move_pages_of(int flags)
{
	int i, nodes[NPAGES] = {}, status[NPAGES];
	unsigned long mask = 1;
	void *pages[NPAGES];

	for (i = 0; i < NPAGES; i++)
		pages[i] = area + i * page_size;
	syscall(SYS_move_pages, 0, NPAGES, pages, nodes, status, flags);
	syscall(SYS_mbind, area, arena_bytes(NPAGES), 2 /* MPOL_BIND */, &mask, 8, flags);
	syscall(SYS_migrate_pages, 0, 8, &mask, &mask);
}

static void migration(void)
{
	int fd;

	fill();
	move_pages_of(1 << 1 /* MPOL_MF_MOVE */);
	move_pages_of(1 << 2 /* MPOL_MF_MOVE_ALL */);
	fd = open("/proc/sys/vm/compact_memory", O_WRONLY);
	if (fd >= 0 && write(fd, "1", 1) == 1)
		check_shared("compaction");
	close(fd);
	check_shared("migration");
}

/* Pages with the same contents must not become one page */
static void merging(void)
{
	const char *run = "/sys/kernel/mm/ksm/run";
	int i, old;

	for (i = 0; i < NPAGES; i++)
		memset(area + i * page_size, 'k', page_size);
	old = arena_sysctl(run, 1);
	madvise(area, arena_bytes(NPAGES), MADV_MERGEABLE);
	usleep(100 * 1000);
	fill();
	check_shared("merging");
	madvise(area, arena_bytes(NPAGES), MADV_UNMERGEABLE);
	if (old >= 0)
		arena_sysctl(run, 2);
	check_shared("unmerging");
}

static void read_all(const char *path, off_t from, size_t len)
{
	static char buf[1 << 14];
	int fd = open(path, O_RDONLY);

	if (len)
		pread(fd, buf, len, from);
	else
		while (read(fd, buf, sizeof(buf)) > 0)
			;
	close(fd);
}

/* smaps walks page tables, clear_refs changes them */
static void proc_files(void)
{
	static const char * const refs[] = { "1", "2", "3", "4", "5" };
	int i, fd;

	fill();
	read_all("/proc/self/smaps", 0, 0);
	read_all("/proc/self/numa_maps", 0, 0);
	read_all("/proc/self/pagemap", (off_t)area / page_size * 8, NPAGES * 8);
	for (i = 0; i < ARRAY_SIZE(refs); i++) {
		fd = open("/proc/self/clear_refs", O_WRONLY);
		if (fd < 0)
			break;
		write(fd, refs[i], 1);
		close(fd);
		check_shared("clear_refs");
	}
	check_shared("files in /proc");
}

/* A shared futex is known by its page's place in a file, and here is none */
static void futexes(void)
{
	const struct timespec soon = { .tv_nsec = 1000 * 1000 };
	__u32 *word = (__u32 *)area;

	fill();
	ASSERT_EQ(syscall(SYS_futex, word, FUTEX_WAIT, 1000, &soon, NULL, 0), -1, "wait");
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
	ASSERT_EQ(syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 1000, &soon, NULL, 0), -1,
		  "private wait");
	ASSERT_EQ(errno, ETIMEDOUT, "private wait");
	check_shared("futexes");
}

/* Into the arena, and out of it, by I/O that holds pages */
static void pinned_io(void)
{
	struct iovec vec = { .iov_base = area + page_size, .iov_len = 2 * page_size };
	int pipes[2], fd;

	fill();
	if (!ASSERT_OK(pipe(pipes), "pipe"))
		return;
	ASSERT_EQ(vmsplice(pipes[1], &vec, 1, SPLICE_F_NONBLOCK), 2 * page_size, "vmsplice");
	/* gifts are not taken: the pages stay the arena's */
	vmsplice(pipes[1], &vec, 1, SPLICE_F_NONBLOCK | SPLICE_F_GIFT);
	close(pipes[0]);
	close(pipes[1]);
	fd = open("/proc/self/exe", O_RDONLY | O_DIRECT);
	if (fd < 0)
		fd = open("/proc/self/exe", O_RDONLY);
	ASSERT_GT(pread(fd, area, page_size, 0), 0, "read into the arena");
	ASSERT_EQ(memcmp(area, "\177ELF", 4), 0, "what was read");
	close(fd);
	fill();
	check_shared("pinned I/O");
}

/* All pages come at once, and are the ones that the program sees */
static void populate(void)
{
	const size_t len = arena_bytes(NPAGES);
	int fd = bpf_map__fd(skel->maps.arena);
	char *p;

	ASSERT_OK(munmap(area, len), "munmap");
	p = mmap(area, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (!ASSERT_EQ(p, area, "mmap"))
		return;
	fill();
	check_shared("MAP_POPULATE");
	op(skel->progs.op_free, 0, NPAGES, 0);
	ASSERT_OK(madvise(area, len, 23 /* MADV_POPULATE_WRITE */), "pages come again");
	fill();
	check_shared("MADV_POPULATE_WRITE");
}

static void with_arena(const char *name, void (*test)(void))
{
	if (!test__start_subtest(name) || !setup())
		return;
	test();
	check_end(name);
	arena_ops__destroy(skel);
}

void serial_test_arena_mm(void)
{
	with_arena("hazard_08_migration", migration);
	with_arena("hazard_08_merging", merging);
	with_arena("hazard_08_proc_files", proc_files);
	with_arena("hazard_08_futexes", futexes);
	with_arena("hazard_08_pinned_io", pinned_io);
	with_arena("hazard_08_populate", populate);
}
