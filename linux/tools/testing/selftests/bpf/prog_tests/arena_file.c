// SPDX-License-Identifier: GPL-2.0
/*
 * An arena's file descriptor: what fdinfo tells, and read() and lseek(), which
 * show what is there and leave it as it is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include "arena_helpers.h"
#include "arena_ops.skel.h"
#include "arena_reserve.skel.h"

#define PAGES 16

/* what fill() leaves */
#define THERE "..xx......xxx..x"

static struct arena_ops *skel;
static char *area;
static long page_size;
static int fd;

static __u64 run(struct bpf_program *prog, __u32 page, __u32 cnt)
{
	struct arena_op op = {
		.addr = (__u64)area + page * page_size, .cnt = cnt, .node = -1,
	};

	return arena_run_op(prog, op);
}

static void alloc(__u32 page, __u32 cnt)
{
	ASSERT_NEQ(run(skel->progs.op_alloc, page, cnt), 0, "alloc");
}

static bool setup(void)
{
	size_t size;

	page_size = getpagesize();
	skel = arena_ops__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return false;
	bpf_map__set_max_entries(skel->maps.arena, PAGES);
	if (!ASSERT_OK(arena_ops__load(skel), "load")) {
		arena_ops__destroy(skel);
		return false;
	}
	area = (char *)bpf_map__initial_value(skel->maps.arena, &size);
	fd = bpf_map__fd(skel->maps.arena);
	return true;
}

static void fill(void)
{
	alloc(2, 2);
	alloc(10, 1);
	alloc(11, 2);
	area[15 * page_size] = 'u'; /* there because user space touched it */
	area[2 * page_size] = 'a';
	area[3 * page_size - 1] = 'b';
	area[3 * page_size] = 'c';
}

/* Freed pages may stay in the pool, but not for long. */
static void check_in_use(__u32 pages, const char *when)
{
	ASSERT_EQ(arena_fdinfo(fd, "pages"), pages, when);
	ASSERT_EQ(arena_fdinfo(fd, "memlock"), pages * page_size, when);
}

static void test_fdinfo(void)
{
	check_in_use(0, "new");
	ASSERT_EQ(arena_fdinfo(fd, "user_vm_start"), (long long)area, "address");
	fill();
	check_in_use(6, "filled");
	ASSERT_EQ(run(skel->progs.op_alloc, 1, 2), 0, "alloc where something is");
	check_in_use(6, "failed alloc");
	run(skel->progs.op_free, 3, 8);
	check_in_use(4, "freed 3 to 10");
	run(skel->progs.op_free, 0, PAGES);
	check_in_use(0, "freed");
}

/* before the first mmap() there is no address */
static void test_fdinfo_unmapped(void)
{
	int fd = arena_create(1, 0, 0);

	if (!ASSERT_GE(fd, 0, "create"))
		return;
	ASSERT_EQ(arena_fdinfo(fd, "user_vm_start"), 0, "address");
	ASSERT_EQ(arena_fdinfo(fd, "pages"), 0, "pages");
	close(fd);
}

/* where lseek() finds pages */
static void check_there(const char *map, const char *when)
{
	char now[PAGES + 1] = {};
	off_t data, hole = 0;

	memset(now, '.', PAGES);
	while (hole < PAGES * page_size) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0) {
			ASSERT_EQ(errno, ENXIO, "no more data");
			break;
		}
		hole = lseek(fd, data, SEEK_HOLE);
		if (!ASSERT_GT(hole, data, "hole behind data"))
			break;
		memset(now + data / page_size, 'x', (hole - data) / page_size);
	}
	ASSERT_STREQ(now, map, when);
}

static void test_seek(void)
{
	check_there("................", "empty");
	ASSERT_EQ(lseek(fd, 5, SEEK_HOLE), 5, "in a hole, the first of all");
	fill();
	check_there(THERE, "filled");
	check_in_use(6, "looked at");

	ASSERT_EQ(lseek(fd, 2 * page_size + 5, SEEK_DATA), 2 * page_size + 5, "in a page");
	ASSERT_EQ(lseek(fd, 5, SEEK_HOLE), 5, "in a hole");
	ASSERT_EQ(lseek(fd, 15 * page_size, SEEK_HOLE), 16 * page_size, "hole behind the end");
	ASSERT_EQ(lseek(fd, 0, SEEK_END), 16 * page_size, "end");
	ASSERT_EQ(lseek(fd, -page_size, SEEK_END), 15 * page_size, "last page");

	alloc(0, 2);
	alloc(4, 6);
	alloc(13, 2);
	check_there("xxxxxxxxxxxxxxxx", "full");
	run(skel->progs.op_free, 0, PAGES);
	check_there("................", "freed");
}

/* A reserved address has no page, between others as well as alone. */
static void test_seek_reserved(void)
{
	struct arena_reserve *res = arena_reserve__open();

	if (!ASSERT_OK_PTR(res, "open"))
		return;
	if (!ASSERT_OK(bpf_map__reuse_fd(res->maps.arena, fd), "reuse") ||
	    !ASSERT_OK(arena_reserve__load(res), "load"))
		goto out;
	ASSERT_EQ(run(res->progs.op_reserve, 1, 2), 0, "reserve 1, 2");
	ASSERT_EQ(run(res->progs.op_reserve, 9, 1), 0, "reserve 9");
	check_there("................", "reserved");
	alloc(3, 1);
	alloc(8, 1);
	alloc(10, 1);
	check_there("...x....x.x.....", "pages beside them");
	check_in_use(3, "pages beside them");
out:
	arena_reserve__destroy(res);
}

static void check_seek_fails(off_t off, int whence, int err, const char *what)
{
	errno = 0;
	ASSERT_EQ(lseek(fd, off, whence), -1, what);
	ASSERT_EQ(errno, err, what);
}

static void test_seek_bad(void)
{
	check_seek_fails(-1, SEEK_DATA, ENXIO, "data before the arena");
	check_seek_fails(-1, SEEK_HOLE, ENXIO, "hole before the arena");
	check_seek_fails(16 * page_size, SEEK_DATA, ENXIO, "data behind the arena");
	check_seek_fails(16 * page_size, SEEK_HOLE, ENXIO, "hole behind the arena");
	check_seek_fails(1LL << 62, SEEK_HOLE, ENXIO, "hole far away");
	check_seek_fails(16 * page_size + 1, SEEK_SET, EINVAL, "behind the end");
	check_seek_fails(-1, SEEK_SET, EINVAL, "before the start");
	check_seek_fails(0, 77, EINVAL, "unknown whence");
}

static void check_read(off_t off, size_t len, ssize_t want, const char *what)
{
	char *buf = malloc(len + 1), *expect = calloc(1, len + 1);

	if (!ASSERT_OK_PTR(buf, "malloc") || !ASSERT_OK_PTR(expect, "malloc"))
		goto out;
	memset(buf, '?', len + 1);
	memset(expect + want, '?', len + 1 - want);
	/* what fill() wrote */
	if (off <= 2 * page_size && off + want > 3 * page_size) {
		expect[2 * page_size - off] = 'a';
		expect[3 * page_size - 1 - off] = 'b';
		expect[3 * page_size - off] = 'c';
	}
	if (off <= 15 * page_size && off + want > 15 * page_size)
		expect[15 * page_size - off] = 'u';

	ASSERT_EQ(lseek(fd, off, SEEK_SET), off, what);
	ASSERT_EQ(read(fd, buf, len), want, what);
	ASSERT_OK(memcmp(buf, expect, len + 1), what);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), off + want, what);
out:
	free(expect);
	free(buf);
}

static void test_read(void)
{
	fill();
	check_read(0, 16 * page_size, 16 * page_size, "all");
	check_read(2 * page_size - 3, 2 * page_size, 2 * page_size, "across edges");
	check_read(page_size, 7, 7, "a hole");
	check_read(15 * page_size - 1, 3 * page_size, page_size + 1, "up to the end");
	check_read(16 * page_size, 9, 0, "at the end");
	check_in_use(6, "nothing was faulted in");
	check_there(THERE, "nothing was faulted in");
}

/* The end of what was copied is told, and an error only if that is nothing. */
static void test_read_bad_buffer(void)
{
	char *buf;

	fill();
	buf = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!ASSERT_NEQ(buf, MAP_FAILED, "mmap"))
		return;
	ASSERT_OK(munmap(buf + page_size, page_size), "munmap");

	ASSERT_EQ(lseek(fd, 2 * page_size, SEEK_SET), 2 * page_size, "seek");
	ASSERT_EQ(read(fd, buf, 2 * page_size), page_size, "half of it");
	ASSERT_EQ(buf[0], 'a', "first byte");
	ASSERT_EQ(read(fd, buf + page_size, 1), -1, "page, no buffer");
	ASSERT_EQ(errno, EFAULT, "page, no buffer");
	ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0, "seek");
	ASSERT_EQ(read(fd, buf + page_size, 1), -1, "hole, no buffer");
	ASSERT_EQ(errno, EFAULT, "hole, no buffer");
	munmap(buf, page_size);
}

/* The buffer may be the arena itself, at a page that the read brings about. */
static void test_read_into_arena(void)
{
	fill();
	ASSERT_EQ(lseek(fd, 2 * page_size, SEEK_SET), 2 * page_size, "seek");
	ASSERT_EQ(read(fd, area + 5 * page_size, page_size), page_size, "read");
	ASSERT_EQ(area[5 * page_size], 'a', "first byte");
	ASSERT_EQ(area[6 * page_size - 1], 'b', "last byte");
	check_in_use(7, "one more page");
}

/* Reading takes a file that is open for it. */
static void test_read_wronly(void)
{
	const char *path = "/sys/fs/bpf/arena_file";
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_WRONLY);
	char c;
	int wo;

	if (!ASSERT_OK(bpf_obj_pin(fd, path), "pin"))
		return;
	wo = bpf_obj_get_opts(path, &opts);
	unlink(path);
	if (!ASSERT_GE(wo, 0, "get"))
		return;
	ASSERT_EQ(read(wo, &c, 1), -1, "read");
	ASSERT_EQ(errno, EBADF, "read");
	close(wo);
}

/* Maps of other types have no contents as a file, as ever. */
static void test_other_map(void)
{
	int array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "array", 4, 4, 1, NULL);
	char c;

	if (!ASSERT_GE(array, 0, "create"))
		return;
	ASSERT_EQ(lseek(array, 0, SEEK_DATA), -1, "lseek");
	ASSERT_EQ(errno, ESPIPE, "lseek");
	ASSERT_EQ(read(array, &c, 1), -1, "read");
	ASSERT_EQ(errno, EINVAL, "read");
	ASSERT_EQ(arena_fdinfo(array, "pages"), -1, "fdinfo");
	close(array);
}

static void with_arena(const char *name, void (*test)(void))
{
	if (!test__start_subtest(name) || !setup())
		return;
	test();
	arena_ops__destroy(skel);
}

void test_arena_file(void)
{
	with_arena("fdinfo", test_fdinfo);
	with_arena("seek", test_seek);
	with_arena("seek_reserved", test_seek_reserved);
	with_arena("seek_bad", test_seek_bad);
	with_arena("read", test_read);
	with_arena("read_bad_buffer", test_read_bad_buffer);
	with_arena("read_into_arena", test_read_into_arena);
	with_arena("read_wronly", test_read_wronly);
	if (test__start_subtest("fdinfo_unmapped"))
		test_fdinfo_unmapped();
	if (test__start_subtest("other_map"))
		test_other_map();
}
