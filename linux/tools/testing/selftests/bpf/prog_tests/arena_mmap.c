// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings of an arena: where they may be, what may not be done to them, and
 * what user space finds in them.
 *
 * Whatever is refused must leave the mapping as it was, and every other
 * mapping of the process too. check_alive() and struct marker look after that.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "arena_helpers.h"
#include "arena_ops.skel.h"

#define NPAGES 4

/* newer than some libc headers */
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static long page_size;

static int do_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p;

	p = mmap(addr, len, prot, flags, fd, off);
	if (p == MAP_FAILED)
		return -errno;
	munmap(p, len);
	return 0;
}

static int do_mremap(void *old, size_t old_len, size_t new_len, int flags, void *new)
{
	return mremap(old, old_len, new_len, flags, new) == MAP_FAILED ? -errno : 0;
}

static int err_of(int ret)
{
	return ret < 0 ? -errno : ret;
}

/* The mapping is whole, and writable on every page */
static bool check_alive(char *area, const char *when)
{
	char name[64];
	int i;

	for (i = 0; i < NPAGES; i++) {
		snprintf(name, sizeof(name), "page %d alive after %s", i, when);
		if (!ASSERT_OK(arena_write(area + i * page_size), name))
			return false;
	}
	return true;
}

/* Memory of somebody else, which no request for an arena may touch */
struct marker {
	char *p;
	size_t len;
};

static bool marker_init(struct marker *m, void *addr, size_t len)
{
	m->len = len;
	m->p = mmap(addr, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | (addr ? MAP_FIXED_NOREPLACE : 0), -1, 0);
	if (!ASSERT_NEQ(m->p, MAP_FAILED, "marker"))
		return false;
	memset(m->p, 'm', len);
	return true;
}

static void marker_check(struct marker *m, const char *when)
{
	size_t i;

	for (i = 0; i < m->len; i += page_size) {
		if (!ASSERT_OK(arena_read(m->p + i), when))
			return;
		if (!ASSERT_EQ(m->p[i], 'm', when))
			return;
	}
}

static void marker_free(struct marker *m)
{
	munmap(m->p, m->len);
}

/* a fresh arena and its mapping, or NULL */
static char *setup(int *fd, __u32 flags, __u64 base)
{
	char *area;

	*fd = arena_create(NPAGES, flags, base);
	if (!ASSERT_GE(*fd, 0, "create"))
		return NULL;
	area = base ? arena_mmap_at(*fd, NPAGES, base) : arena_mmap(*fd, NPAGES);
	if (!ASSERT_NEQ(area, MAP_FAILED, "mmap")) {
		close(*fd);
		return NULL;
	}
	return area;
}

static void teardown(int fd, char *area)
{
	ASSERT_OK(munmap(area, arena_bytes(NPAGES)), "munmap");
	close(fd);
}

static void errors(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	const size_t len = arena_bytes(NPAGES);
	char *area;
	int fd;

	fd = arena_create(NPAGES, 0, 0);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	ASSERT_EQ(do_mmap(NULL, len, rw, MAP_SHARED, fd, page_size), -EINVAL, "offset");
	ASSERT_EQ(do_mmap(NULL, len, rw, MAP_SHARED, fd, 4 * GiB), -EINVAL, "offset of 4 GiB");
	ASSERT_EQ(do_mmap(NULL, len, rw, MAP_PRIVATE, fd, 0), -EINVAL, "MAP_PRIVATE");
	ASSERT_EQ(do_mmap(NULL, 4 * GiB + page_size, rw, MAP_SHARED, fd, 0), -E2BIG,
		  "over 4 GiB");
	ASSERT_EQ(do_mmap(NULL, len + page_size, rw, MAP_SHARED, fd, 0), -E2BIG, "too long");
	ASSERT_EQ(do_mmap(NULL, len - page_size, rw, MAP_SHARED, fd, 0), -EINVAL, "too short");
	ASSERT_LT(do_mmap(NULL, len, rw | PROT_EXEC, MAP_SHARED, fd, 0), 0, "PROT_EXEC");

	/* none of these may have settled the address, or the size */
	area = arena_mmap(fd, NPAGES);
	if (ASSERT_NEQ(area, MAP_FAILED, "right mmap")) {
		check_alive(area, "errors");
		munmap(area, len);
	}
	close(fd);
}

static void errors_map_extra(void)
{
	const size_t len = arena_bytes(NPAGES);
	const int rw = PROT_READ | PROT_WRITE;
	void *base = (void *)ARENA_BASE;
	char *area;
	int fd;

	fd = arena_create(NPAGES, 0, ARENA_BASE);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	ASSERT_EQ(do_mmap(base + page_size, len, rw, MAP_SHARED, fd, 0), -EINVAL, "hint");
	ASSERT_EQ(do_mmap(base + page_size, len, rw, MAP_SHARED | MAP_FIXED, fd, 0), -EINVAL,
		  "MAP_FIXED");
	ASSERT_EQ(do_mmap(base + 4 * GiB, len, rw, MAP_SHARED | MAP_FIXED, fd, 0), -EINVAL,
		  "same lower half");

	area = mmap(base, len, rw, MAP_SHARED, fd, 0);
	if (ASSERT_EQ((__u64)area, ARENA_BASE, "hint at map_extra"))
		munmap(area, len);
	area = mmap(base, len, rw, MAP_SHARED | MAP_FIXED, fd, 0);
	if (ASSERT_EQ((__u64)area, ARENA_BASE, "MAP_FIXED at map_extra")) {
		check_alive(area, "MAP_FIXED");
		munmap(area, len);
	}
	close(fd);
}

/* -EINVAL and -E2BIG where the address hint already tells */
static bool is_busy(int err)
{
	return err == -EBUSY || err == -EINVAL || err == -E2BIG;
}

static void second_mmap(void)
{
	const size_t len = arena_bytes(NPAGES);
	const int rw = PROT_READ | PROT_WRITE;
	struct marker m;
	char *area, *again;
	int fd;

	area = setup(&fd, 0, 0);
	if (!area)
		return;
	if (marker_init(&m, NULL, len)) {
		ASSERT_TRUE(is_busy(do_mmap(m.p, len, rw, MAP_SHARED | MAP_FIXED, fd, 0)),
			    "MAP_FIXED elsewhere");
		marker_check(&m, "MAP_FIXED elsewhere");
		ASSERT_TRUE(is_busy(do_mmap(area, len + page_size, rw, MAP_SHARED, fd, 0)),
			    "longer");
		ASSERT_TRUE(is_busy(do_mmap(area, len - page_size, rw, MAP_SHARED, fd, 0)),
			    "shorter");
		marker_free(&m);
	}
	check_alive(area, "second mmap");

	area[0] = 'a';
	munmap(area, len);
	again = arena_mmap(fd, NPAGES);
	if (ASSERT_EQ(again, area, "same address again")) {
		ASSERT_EQ(again[0], 'a', "same page again");
		munmap(again, len);
	}
	close(fd);
}

/* Somebody else has the address where the arena is mapped elsewhere */
static void address_taken(void)
{
	const size_t len = arena_bytes(NPAGES);
	const int rw = PROT_READ | PROT_WRITE;
	struct marker m;
	char *area, *p;
	int fd;

	area = setup(&fd, 0, 0);
	if (!area)
		return;
	munmap(area, len);
	if (!marker_init(&m, area + page_size, page_size))
		goto out;

	p = mmap(NULL, len, rw, MAP_SHARED, fd, 0);
	ASSERT_EQ(p, MAP_FAILED, "mmap anywhere");
	marker_check(&m, "mmap anywhere");
	p = mmap(area, len, rw, MAP_SHARED, fd, 0);
	ASSERT_EQ(p, MAP_FAILED, "mmap with hint");
	marker_check(&m, "mmap with hint");
	p = mmap(area, len, rw, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	ASSERT_EQ(p, MAP_FAILED, "MAP_FIXED_NOREPLACE");
	marker_check(&m, "MAP_FIXED_NOREPLACE");
	marker_free(&m);
out:
	close(fd);
}

/* MAP_FIXED across a 4 GiB line fails before it replaces anything */
static void fixed_across_line(void)
{
	const size_t len = arena_bytes(NPAGES);
	void *addr = (void *)ARENA_BASE - 2 * page_size;
	struct marker m;
	int fd;

	fd = arena_create(NPAGES, 0, 0);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	if (marker_init(&m, addr, len)) {
		ASSERT_LT(do_mmap(addr, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				  fd, 0), 0, "MAP_FIXED across the line");
		marker_check(&m, "MAP_FIXED across the line");
		marker_free(&m);
	}
	close(fd);
}

static void hazard_01_mremap(void)
{
	const size_t len = arena_bytes(NPAGES);
	struct marker m;
	char *area;
	int fd;

	area = setup(&fd, 0, 0);
	if (!area)
		return;
	if (!marker_init(&m, NULL, 2 * len))
		goto out;
	ASSERT_EQ(do_mremap(area, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, m.p), -EINVAL,
		  "MREMAP_FIXED");
	marker_check(&m, "MREMAP_FIXED");
	ASSERT_EQ(do_mremap(area, len, 2 * len, MREMAP_MAYMOVE | MREMAP_FIXED, m.p), -EINVAL,
		  "MREMAP_FIXED, larger");
	ASSERT_EQ(do_mremap(area, len, page_size, MREMAP_MAYMOVE | MREMAP_FIXED, m.p), -EINVAL,
		  "MREMAP_FIXED, smaller");
	ASSERT_EQ(do_mremap(area, len, len, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
			    m.p), -EINVAL, "MREMAP_FIXED, MREMAP_DONTUNMAP");
	/* VM_DONTEXPAND may answer first, with -EFAULT */
	ASSERT_LT(do_mremap(area, len, 2 * len, MREMAP_MAYMOVE, NULL), 0, "larger");
	ASSERT_LT(do_mremap(area, len, 2 * len, 0, NULL), 0, "larger in place");
	ASSERT_EQ(do_mremap(area, len, len - page_size, 0, NULL), -EINVAL, "smaller");
	ASSERT_LT(do_mremap(area, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), 0,
		  "MREMAP_DONTUNMAP");
	ASSERT_LT(do_mremap(area, 0, len, MREMAP_MAYMOVE, NULL), 0, "old_len of 0");
	ASSERT_LT(do_mremap(area + page_size, page_size, page_size,
			    MREMAP_MAYMOVE | MREMAP_FIXED, m.p), 0, "one page");
	check_alive(area, "mremap");
	marker_check(&m, "mremap");
	marker_free(&m);
out:
	teardown(fd, area);
}

static void check_partial(char *area, char *part, size_t len, const char *name)
{
	const int rw = PROT_READ | PROT_WRITE;

	ASSERT_EQ(err_of(munmap(part, len)), -EINVAL, name);
	check_alive(area, "partial munmap");
	ASSERT_EQ(err_of(mprotect(part, len, PROT_READ)), -EINVAL, name);
	check_alive(area, "partial mprotect");
	ASSERT_LT(do_mmap(part, len, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), 0, name);
	check_alive(area, "partial MAP_FIXED");

	ASSERT_LT(syscall(SYS_remap_file_pages, part, len, 0, 1, 0), 0, name);
	check_alive(area, "remap_file_pages");

	/* these may be refused or not, but must not split the mapping */
	mlock(part, len);
	check_alive(area, "partial mlock");
	madvise(part, len, MADV_DONTDUMP);
	check_alive(area, "partial madvise");
	syscall(SYS_mbind, part, len, 0 /* MPOL_DEFAULT */, NULL, 0, 0);
	check_alive(area, "partial mbind");
	syscall(SYS_pkey_mprotect, part, len, rw, -1);
	check_alive(area, "partial pkey_mprotect");
	ASSERT_EQ(err_of(munmap(part, len)), -EINVAL, name);
}

static void hazard_02_partial(void)
{
	const size_t len = arena_bytes(NPAGES);
	char name[64];
	char *area;
	int fd, i;

	area = setup(&fd, 0, 0);
	if (!area)
		return;
	for (i = 0; i < NPAGES; i++) {
		snprintf(name, sizeof(name), "page %d", i);
		check_partial(area, area + i * page_size,
			      i ? len - i * page_size : page_size, name);
	}
	check_partial(area, area + page_size, 2 * page_size, "pages 1, 2");
	ASSERT_LT(mprotect(area, len, PROT_READ | PROT_WRITE | PROT_EXEC), 0, "PROT_EXEC");
	check_alive(area, "PROT_EXEC");
	teardown(fd, area);
}

/* What is refused for the arena's part of a range is not done to the rest */
static void hazard_02_neighbours(void)
{
	const size_t len = arena_bytes(NPAGES), two = 2 * page_size;
	const int rw = PROT_READ | PROT_WRITE;
	struct marker before, behind;
	char *area;
	int fd;

	area = setup(&fd, 0, ARENA_BASE);
	if (!area)
		return;
	if (marker_init(&before, area - two, two) && marker_init(&behind, area + len, two)) {
		ASSERT_EQ(err_of(munmap(area - two, two + page_size)), -EINVAL, "munmap, start");
		ASSERT_EQ(err_of(munmap(area + len - page_size, two)), -EINVAL, "munmap, end");
		ASSERT_LT(do_mmap(area - two, 2 * two, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
				  -1, 0), 0, "MAP_FIXED, start");
		ASSERT_LT(do_mmap(area + len - two, 2 * two, rw,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), 0,
			  "MAP_FIXED, end");
		/* what comes before the arena may have been done already */
		ASSERT_EQ(err_of(mprotect(area - two, two + page_size, PROT_READ)), -EINVAL,
			  "mprotect, start");
		ASSERT_LT(do_mremap(behind.p, two, two, MREMAP_MAYMOVE | MREMAP_FIXED,
				    area + page_size), 0, "mremap onto it");
		check_alive(area, "work on neighbours");
		marker_check(&before, "before the arena");
		marker_check(&behind, "behind the arena");
		marker_free(&before);
		marker_free(&behind);
	}
	teardown(fd, area);
}

/* No permissions, and all of them again: of the whole mapping that is fine */
static void hazard_02_whole(void)
{
	const size_t len = arena_bytes(NPAGES);
	char *area;
	int fd;

	area = setup(&fd, 0, 0);
	if (!area)
		return;
	strcpy(area + page_size, "keep");
	ASSERT_OK(mprotect(area, len, PROT_NONE), "PROT_NONE");
	ASSERT_EQ(arena_read(area + page_size), SIGSEGV, "read");
	ASSERT_OK(mprotect(area, len, PROT_READ), "PROT_READ");
	ASSERT_EQ(arena_write(area + page_size), SIGSEGV, "write");
	ASSERT_OK(mprotect(area, len, PROT_READ | PROT_WRITE), "PROT_READ | PROT_WRITE");
	ASSERT_STREQ(area + page_size, "keep", "contents");
	check_alive(area, "mprotect of all");
	syscall(SYS_remap_file_pages, area, len, 0, 0, 0);
	ASSERT_EQ(area[page_size + 1], 'e', "contents");
	check_alive(area, "remap_file_pages of all");
	teardown(fd, area);
}

/* run fn in a child; its assertions do not count, so it returns a number */
static int in_child(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(fn(arg));
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int child_has_mapping(void *area)
{
	unsigned char vec[NPAGES];
	int i;

	for (i = 0; i < NPAGES; i++)
		if (!arena_read(area + i * page_size) ||
		    !mincore(area + i * page_size, page_size, vec))
			return 1;
	return 0;
}

static const struct {
	const char *name;
	int advice;
} advices[] = {
	{ "MADV_NORMAL", MADV_NORMAL },
	{ "MADV_RANDOM", MADV_RANDOM },
	{ "MADV_SEQUENTIAL", MADV_SEQUENTIAL },
	{ "MADV_WILLNEED", MADV_WILLNEED },
	{ "MADV_DONTNEED", MADV_DONTNEED },
	{ "MADV_FREE", MADV_FREE },
	{ "MADV_REMOVE", MADV_REMOVE },
	{ "MADV_DONTFORK", MADV_DONTFORK },
	{ "MADV_DOFORK", MADV_DOFORK },
	{ "MADV_MERGEABLE", MADV_MERGEABLE },
	{ "MADV_UNMERGEABLE", MADV_UNMERGEABLE },
	{ "MADV_HUGEPAGE", MADV_HUGEPAGE },
	{ "MADV_NOHUGEPAGE", MADV_NOHUGEPAGE },
	{ "MADV_DONTDUMP", MADV_DONTDUMP },
	{ "MADV_DODUMP", MADV_DODUMP },
	{ "MADV_WIPEONFORK", MADV_WIPEONFORK },
	{ "MADV_KEEPONFORK", MADV_KEEPONFORK },
	{ "MADV_COLD", 20 },
	{ "MADV_PAGEOUT", 21 },
	{ "MADV_POPULATE_READ", 22 },
	{ "MADV_POPULATE_WRITE", 23 },
	{ "MADV_DONTNEED_LOCKED", 24 },
	{ "MADV_COLLAPSE", 25 },
};

/* Advice may be refused. What counts is that it neither harms the contents,
 * nor makes a child inherit the mapping.
 */
static void hazard_03_fork_after_madvise(void)
{
	char *area;
	int i, fd;

	area = setup(&fd, 0, 0);
	if (!area)
		return;
	check_alive(area, "mmap");
	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		strcpy(area + page_size + 8, advices[i].name);
		madvise(area, arena_bytes(NPAGES), advices[i].advice);
		ASSERT_STREQ(area + page_size + 8, advices[i].name, advices[i].name);
		ASSERT_EQ(in_child(child_has_mapping, area), 0, advices[i].name);
	}
	check_alive(area, "madvise");
	teardown(fd, area);
}

struct peek_args {
	pid_t pid;
	char *area;
};

/* 0: refused, 1: the right bytes, 2: anything else */
static int peek_vm(void *arg)
{
	struct peek_args *a = arg;
	struct iovec local, remote;
	char buf[8] = {};
	ssize_t n;

	local = (struct iovec){ buf, sizeof(buf) };
	remote = (struct iovec){ a->area + page_size, sizeof(buf) };
	n = process_vm_readv(a->pid, &local, 1, &remote, 1, 0);
	if (n < 0)
		return 0;
	return n == sizeof(buf) && !strcmp(buf, "peekme!") ? 1 : 2;
}

static int peek_proc_mem(void *arg)
{
	struct peek_args *a = arg;
	char path[32], buf[8] = {};
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", a->pid);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return 3;
	n = pread(fd, buf, sizeof(buf), (off_t)a->area + page_size);
	if (n < 0)
		return 0;
	if (n != sizeof(buf) || strcmp(buf, "peekme!"))
		return 2;
	/* over the edge of what is there, and back in again */
	n = pwrite(fd, buf, sizeof(buf), (off_t)a->area + 2 * page_size - 4);
	return n == 0 ? 2 : 1;
}

static void hazard_08_foreign_access(void)
{
	struct peek_args args = { .pid = getpid() };
	char *area;
	int fd, ret;

	area = setup(&fd, 0, 0);
	if (!area)
		return;
	args.area = area;
	strcpy(area + page_size, "peekme!");
	ret = in_child(peek_vm, &args);
	ASSERT_TRUE(ret == 0 || ret == 1, "process_vm_readv");
	ret = in_child(peek_proc_mem, &args);
	ASSERT_TRUE(ret == 0 || ret == 1, "/proc/PID/mem");
	check_alive(area, "foreign access");
	teardown(fd, area);
}

static void hazard_08_userfaultfd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *area;
	int fd, uffd;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api)) {
		test__skip(); /* CONFIG_USERFAULTFD is off */
		return;
	}
	area = setup(&fd, 0, 0);
	if (area) {
		reg.range.start = (__u64)area;
		reg.range.len = arena_bytes(NPAGES);
		ASSERT_LT(ioctl(uffd, UFFDIO_REGISTER, &reg), 0, "whole arena");
		reg.range.len = page_size;
		ASSERT_LT(ioctl(uffd, UFFDIO_REGISTER, &reg), 0, "one page");
		check_alive(area, "userfaultfd");
		teardown(fd, area);
	}
	close(uffd);
}

static int child_mlockall(void *unused)
{
	char *area;
	int fd, i;

	fd = arena_create(NPAGES, 0, 0);
	if (fd < 0 || mlockall(MCL_CURRENT | MCL_FUTURE))
		return 1;
	area = arena_mmap(fd, NPAGES);
	if (area == MAP_FAILED)
		return 2;
	if (mlockall(MCL_CURRENT) || munlockall() || mlockall(MCL_CURRENT))
		return 3;
	for (i = 0; i < NPAGES; i++)
		if (arena_write(area + i * page_size))
			return 4;
	return munmap(area, arena_bytes(NPAGES)) ? 5 : 0;
}

static void hazard_08_mlockall(void)
{
	ASSERT_EQ(in_child(child_mlockall, NULL), 0, "mlockall");
}

#define CORE "/tmp/arena_core"
#define DUMP_BYTES (256UL << 20)	/* the rest of the process is far less */

static int dump_fd;

/* Of a large arena one page is there, and is dumped; none comes for the dump. */
static int child_dump_core(void *area)
{
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };
	FILE *f;

	setrlimit(RLIMIT_CORE, &lim);
	f = fopen("/proc/self/coredump_filter", "w");
	if (!f || fputs("0x7f", f) < 0 || fclose(f))
		return 1; /* shared mappings, too */
	if (mmap(area, DUMP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, dump_fd, 0) != area)
		return 2;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static bool file_contains(const char *path, const char *text)
{
	static char buf[1 << 20];
	const size_t len = strlen(text);
	bool found = false;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY);
	/* the text is at the start of a page */
	while (!found && (n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i + (ssize_t)len <= n && !found; i += 16)
			found = !memcmp(buf + i, text, len);
	close(fd);
	return found;
}

static long blocks_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_blocks;
}

static void dump_core(void)
{
	const __u32 pages = DUMP_BYTES / page_size;
	char *area;

	dump_fd = arena_create(pages, 0, ARENA_BASE);
	if (!ASSERT_GE(dump_fd, 0, "create"))
		return;
	area = arena_mmap_at(dump_fd, pages, ARENA_BASE);
	if (ASSERT_EQ((__u64)area, ARENA_BASE, "mmap")) {
		strcpy(area + page_size, "arena in core");
		ASSERT_EQ(in_child(child_dump_core, area), -SIGABRT, "abort");
		ASSERT_TRUE(file_contains(CORE, "arena in core"), "what was there is dumped");
		/* in units of 512 bytes */
		ASSERT_LT(blocks_of(CORE), DUMP_BYTES / 4 / 512, "and what was not is not");
		munmap(area, DUMP_BYTES);
	}
	close(dump_fd);
}

static void hazard_08_core_dump(void)
{
	const char *pattern = "/proc/sys/kernel/core_pattern";
	char old[128] = {};
	int fd;

	fd = open(pattern, O_RDWR);
	if (fd < 0 || read(fd, old, sizeof(old) - 1) < 0) {
		test__skip(); /* CONFIG_COREDUMP is off */
		return;
	}
	pwrite(fd, CORE, strlen(CORE), 0);
	dump_core();
	pwrite(fd, old, strlen(old), 0);
	close(fd);
	unlink(CORE);
}

/* What the program and user space see of each other, with the arena at base */
static void check_shared(struct arena_ops *skel, char *area, const char *when)
{
	struct arena_op op = { .cnt = 1 };
	int i;

	for (i = 0; i < NPAGES; i++) {
		op.addr = (__u64)area + i * page_size;
		*(__u64 *)op.addr = i + 1;
		ASSERT_EQ(arena_run_op(skel->progs.op_read, op), i + 1, when);
		op.addr += page_size - 8;
		op.ret = i + 100;
		arena_run_op(skel->progs.op_write, op);
		ASSERT_EQ(*(__u64 *)op.addr, i + 100, when);
	}
}

static struct arena_ops *open_ops(__u32 flags, __u64 base)
{
	struct arena_ops *skel;

	skel = arena_ops__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	bpf_map__set_max_entries(skel->maps.arena, NPAGES);
	bpf_map__set_map_flags(skel->maps.arena, BPF_F_MMAPABLE | flags);
	bpf_map__set_map_extra(skel->maps.arena, base);
	if (!ASSERT_OK(arena_ops__load(skel), "load")) {
		arena_ops__destroy(skel);
		return NULL;
	}
	return skel;
}

static char *ops_area(struct arena_ops *skel)
{
	size_t size;

	return (char *)bpf_map__initial_value(skel->maps.arena, &size);
}

static void hazard_07_lines(void)
{
	const struct {
		const char *name;
		__u64 base;
	} cases[] = {
		{ "ends on the line", ARENA_BASE - arena_bytes(NPAGES) },
		{ "starts on the line", ARENA_BASE },
		{ "a page below the line", ARENA_BASE - arena_bytes(NPAGES + 1) },
		{ "in the middle", ARENA_BASE + 2 * GiB - arena_bytes(NPAGES / 2) },
	};
	struct arena_ops *skel;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		skel = open_ops(0, cases[i].base);
		if (!skel)
			return;
		ASSERT_EQ((__u64)ops_area(skel), cases[i].base, cases[i].name);
		check_shared(skel, ops_area(skel), cases[i].name);
		arena_ops__destroy(skel);
	}
}

/* Where the kernel chooses it does not choose a line in the midst of it. */
static void check_pick(__u64 pages, char *hint)
{
	const size_t len = pages * page_size;
	char *area, name[64];
	int fd;

	snprintf(name, sizeof(name), "%llu pages, hint %p", pages, hint);
	fd = arena_create(pages, 0, 0);
	if (!ASSERT_GE(fd, 0, name))
		return;
	area = mmap(hint, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ASSERT_NEQ(area, MAP_FAILED, name)) {
		ASSERT_EQ((__u64)area >> 32, (__u64)(area + len - 1) >> 32, name);
		ASSERT_OK(arena_write(area), name);
		ASSERT_OK(arena_write(area + len - 1), name);
		munmap(area, len);
	}
	close(fd);
}

static void hazard_07_picked(void)
{
	const __u64 all = 4 * GiB / page_size;
	const __u64 sizes[] = { 1, 2, 3, all / 4, all / 2, all - 1, all };
	char * const hints[] = { NULL, (char *)ARENA_BASE, (char *)ARENA_BASE - page_size,
				 (char *)ARENA_BASE + 3 * GiB };
	struct marker m;
	int i, h;

	for (h = 0; h < ARRAY_SIZE(hints); h++)
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			check_pick(sizes[i], hints[h]);
	/* again where the line is all that there is room for */
	if (!marker_init(&m, (char *)ARENA_BASE + page_size, page_size))
		return;
	check_pick(2, (char *)ARENA_BASE - page_size);
	marker_check(&m, "next to the line");
	marker_free(&m);
}

/* Of arenas side by side some would begin on a line, where NULL is an address. */
static void hazard_07_not_at_null(void)
{
	const size_t sizes[] = { GiB / 2, GiB, 2 * GiB, 3 * GiB };
	char *areas[8];
	int i, n, fd;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (n = 0; n < ARRAY_SIZE(areas); n++) {
			fd = arena_create(sizes[i] / page_size, 0, 0);
			areas[n] = mmap(NULL, sizes[i], PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			close(fd);
			if (!ASSERT_NEQ(areas[n], MAP_FAILED, "mmap"))
				break;
			ASSERT_NEQ((__u32)(__u64)areas[n], 0, "low half");
			ASSERT_EQ((__u64)areas[n] >> 32, (__u64)(areas[n] + sizes[i] - 1) >> 32,
				  "upper half");
		}
		while (n--)
			munmap(areas[n], sizes[i]);
	}
}

/* A page table's worth of pages, or all that there are, lies in one page table. */
static void begins_with_a_chunk(void)
{
	const __u64 chunk = page_size / 8, sizes[] = { 1, 3, 64, chunk - 1, chunk, 5 * chunk };
	char *area, name[32];
	__u64 align;
	int i, fd;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(name, sizeof(name), "%llu pages", sizes[i]);
		for (align = 1; align < sizes[i] && align < chunk; align *= 2)
			;
		fd = arena_create(sizes[i], 0, 0);
		if (!ASSERT_GE(fd, 0, name))
			return;
		area = mmap(NULL, sizes[i] * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (ASSERT_NEQ(area, MAP_FAILED, name)) {
			ASSERT_EQ((__u64)area % (align * page_size), 0, name);
			munmap(area, sizes[i] * page_size);
		}
		close(fd);
	}
}

static void fault_in(void)
{
	struct arena_op op = { .cnt = 1 };
	struct arena_ops *skel;
	char *area;
	int i;

	skel = open_ops(0, 0);
	if (!skel)
		return;
	area = ops_area(skel);
	for (i = 0; i < page_size && !area[i];)
		i++;
	ASSERT_EQ(i, page_size, "zeroes in a fresh page");
	check_shared(skel, area, "faulted in");

	op.addr = (__u64)area;
	arena_run_op(skel->progs.op_free, op);
	ASSERT_EQ(arena_run_op(skel->progs.op_read, op), 0, "program, after free");
	ASSERT_EQ(*(__u64 *)area, 0, "user space, after free");
	arena_ops__destroy(skel);
}

static void segv_on_fault(void)
{
	struct arena_op op = { .cnt = 1, .node = -1 };
	struct arena_ops *skel;
	char *area;

	skel = open_ops(BPF_F_SEGV_ON_FAULT, 0);
	if (!skel)
		return;
	area = ops_area(skel);
	ASSERT_EQ(arena_read(area), SIGSEGV, "read before alloc");
	ASSERT_EQ(arena_write(area + 5), SIGSEGV, "write before alloc");
	ASSERT_EQ(arena_touch_info.si_code, SEGV_MAPERR, "si_code");
	ASSERT_EQ(arena_touch_info.si_addr, area + 5, "si_addr");

	op.addr = (__u64)area;
	ASSERT_EQ(arena_run_op(skel->progs.op_alloc, op), op.addr, "alloc");
	ASSERT_EQ(arena_write(area), 0, "write");
	ASSERT_EQ(area[0], 1, "what was written");
	ASSERT_EQ(arena_read(area + page_size), SIGSEGV, "read of the next page");

	arena_run_op(skel->progs.op_free, op);
	ASSERT_EQ(arena_read(area), SIGSEGV, "read after free");
	arena_ops__destroy(skel);
}

static void read_only(void)
{
	char *area;
	int fd;

	fd = arena_create(NPAGES, 0, 0);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	area = mmap(NULL, arena_bytes(NPAGES), PROT_READ, MAP_SHARED, fd, 0);
	if (ASSERT_NEQ(area, MAP_FAILED, "mmap")) {
		ASSERT_EQ(arena_read(area), 0, "read");
		ASSERT_EQ(arena_write(area), SIGSEGV, "write");
		munmap(area, arena_bytes(NPAGES));
	}
	close(fd);
}

/*
 * A process that may only read the pin cannot write to the arena, and so cannot
 * map it: mm/mmap.c takes VM_SHARED from what cannot be written to, and a map is
 * never mapped as private. It can read() it.
 */
static void read_only_fd(void)
{
	const char *path = "/sys/fs/bpf/arena_mmap";
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
	int fd, ro;
	char c;

	fd = arena_create(NPAGES, 0, ARENA_BASE);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	ASSERT_OK(bpf_obj_pin(fd, path), "pin");
	ro = bpf_obj_get_opts(path, &opts);
	unlink(path);
	if (ASSERT_GE(ro, 0, "get")) {
		ASSERT_EQ(arena_mmap(ro, NPAGES), MAP_FAILED, "mmap to write");
		ASSERT_EQ(errno, EACCES, "mmap to write");
		ASSERT_EQ(mmap(NULL, arena_bytes(NPAGES), PROT_READ, MAP_SHARED, ro, 0),
			  MAP_FAILED, "mmap to read");
		ASSERT_EQ(errno, EINVAL, "mmap to read");
		ASSERT_EQ(read(ro, &c, 1), 1, "read");
		close(ro);
	}
	close(fd);
}

/* Takes all of this process's addresses but for holes that are smaller than an arena. */
static char *take_all_addresses(void)
{
	char *p, *some = NULL;
	size_t size;

	for (size = 1UL << 47; size >= arena_bytes(NPAGES); size /= 2) {
		do {
			p = mmap(NULL, size, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
			if (!some && p != MAP_FAILED)
				some = p;
		} while (p != MAP_FAILED);
	}
	return some;
}

/* What is left is a hole of an arena's size, and a 4 GiB line goes through it. */
static void leave_bad_hole(char *taken)
{
	char *line = (char *)(((__u64)taken + 4 * GiB) & -(4 * GiB));

	munmap(line - arena_bytes(NPAGES / 2), arena_bytes(NPAGES));
}

static bool is_no_room(int fd)
{
	return do_mmap(NULL, arena_bytes(NPAGES), PROT_READ, MAP_SHARED, fd, 0) == -ENOMEM;
}

/* What did not fail with ENOMEM, as bits */
static int no_room(int fd, int placed)
{
	char *taken = take_all_addresses();
	int err;

	err = !is_no_room(fd);
	err |= 2 * !is_no_room(placed);
	leave_bad_hole(taken);
	err |= 4 * !is_no_room(fd);
	return err;
}

static int no_room_in_child(void *fds)
{
	return no_room(((int *)fds)[0], ((int *)fds)[1]);
}

/* Neither of these takes an address for the arena. */
static void hazard_07_no_room(void)
{
	int fds[] = { arena_create(NPAGES, 0, 0), arena_create(NPAGES, 0, ARENA_BASE) };
	char *area;

	if (ASSERT_GE(fds[0], 0, "create") && ASSERT_GE(fds[1], 0, "create with an address")) {
		/* 1: anywhere; 2: where map_extra says; 4: in a hole across a line */
		ASSERT_EQ(in_child(no_room_in_child, fds), 0, "no room");
		area = arena_mmap(fds[0], NPAGES);
		if (ASSERT_NEQ(area, MAP_FAILED, "room"))
			munmap(area, arena_bytes(NPAGES));
	}
	close(fds[0]);
	close(fds[1]);
}

/*
 * Two processes map arenas that nobody has mapped before, at the same time and at
 * different addresses: one of them has it.
 */
#define RACES 300

struct races {
	int fds[RACES];
	int at[2];	/* where each of the two is */
	int err[2][RACES];
};

static void race(struct races *r, int me)
{
	void *addr = (void *)(ARENA_BASE + me * 4 * GiB);
	int i;

	for (i = 0; i < RACES; i++) {
		__atomic_store_n(&r->at[me], i + 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&r->at[!me], __ATOMIC_SEQ_CST) <= i)
			;
		r->err[me][i] = do_mmap(addr, arena_bytes(NPAGES), PROT_READ,
					MAP_SHARED | MAP_FIXED_NOREPLACE, r->fds[i], 0);
	}
}

static void races_check(const struct races *r)
{
	int i, me, won;

	for (i = 0; i < RACES; i++) {
		for (me = won = 0; me < 2; me++) {
			won += !r->err[me][i];
			if (r->err[me][i] && r->err[me][i] != -EBUSY)
				ASSERT_EQ(r->err[me][i], -EINVAL, "who is late");
		}
		if (!ASSERT_EQ(won, 1, "one of the two"))
			return;
	}
}

static void hazard_04_first_mmap(void)
{
	struct races *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i, pid;

	for (i = 0; i < RACES; i++)
		r->fds[i] = arena_create(NPAGES, 0, 0);
	pid = fork();
	if (!pid) {
		race(r, 1);
		_exit(0);
	}
	if (ASSERT_GT(pid, 0, "fork")) {
		race(r, 0);
		waitpid(pid, NULL, 0);
		races_check(r);
	}
	for (i = 0; i < RACES; i++)
		close(r->fds[i]);
	munmap(r, sizeof(*r));
}

#define MMAP_MIN_ADDR "/proc/sys/vm/mmap_min_addr"

/*
 * Where no arena can be, since 0 means that nobody has mapped it yet. What is there is
 * not replaced, and the arena can still be mapped elsewhere.
 */
static void hazard_35_address_0(void)
{
	const size_t len = arena_bytes(NPAGES);
	int fd, old = arena_sysctl(MMAP_MIN_ADDR, 0);
	char *there, *area;

	if (!ASSERT_GE(old, 0, "mmap_min_addr"))
		return;
	fd = arena_create(NPAGES, 0, 0);
	there = mmap(NULL, len, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (!ASSERT_OK_PTR(there + 1, "memory at 0") || !ASSERT_GE(fd, 0, "create"))
		goto out;
	area = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	ASSERT_EQ(area, MAP_FAILED, "mmap at 0");
	ASSERT_EQ(errno, EINVAL, "mmap at 0");
	ASSERT_OK(arena_write(there), "what was there");
	munmap(there, len);
	area = arena_mmap(fd, NPAGES);
	if (ASSERT_NEQ(area, MAP_FAILED, "mmap elsewhere")) {
		check_alive(area, "mmap at 0");
		munmap(area, len);
	}
out:
	close(fd);
	arena_sysctl(MMAP_MIN_ADDR, old);
}

void test_arena_mmap(void)
{
	page_size = getpagesize();

	if (test__start_subtest("errors"))
		errors();
	if (test__start_subtest("errors_map_extra"))
		errors_map_extra();
	if (test__start_subtest("second_mmap"))
		second_mmap();
	if (test__start_subtest("address_taken"))
		address_taken();
	if (test__start_subtest("hazard_04_first_mmap"))
		hazard_04_first_mmap();
	if (test__start_subtest("hazard_07_no_room"))
		hazard_07_no_room();
	if (test__start_subtest("hazard_07_fixed_across_line"))
		fixed_across_line();
	if (test__start_subtest("fault_in"))
		fault_in();
	if (test__start_subtest("segv_on_fault"))
		segv_on_fault();
	if (test__start_subtest("read_only"))
		read_only();
	if (test__start_subtest("read_only_fd"))
		read_only_fd();
	if (test__start_subtest("hazard_01_mremap"))
		hazard_01_mremap();
	if (test__start_subtest("hazard_02_partial"))
		hazard_02_partial();
	if (test__start_subtest("hazard_02_neighbours"))
		hazard_02_neighbours();
	if (test__start_subtest("hazard_02_whole"))
		hazard_02_whole();
	if (test__start_subtest("hazard_03_fork_after_madvise"))
		hazard_03_fork_after_madvise();
	if (test__start_subtest("hazard_07_lines"))
		hazard_07_lines();
	if (test__start_subtest("begins_with_a_chunk"))
		begins_with_a_chunk();
	if (test__start_subtest("hazard_07_picked"))
		hazard_07_picked();
	if (test__start_subtest("hazard_07_not_at_null"))
		hazard_07_not_at_null();
	if (test__start_subtest("hazard_35_address_0"))
		hazard_35_address_0();
	if (test__start_subtest("hazard_08_foreign_access"))
		hazard_08_foreign_access();
	if (test__start_subtest("hazard_08_userfaultfd"))
		hazard_08_userfaultfd();
	if (test__start_subtest("hazard_08_mlockall"))
		hazard_08_mlockall();
	if (test__start_subtest("hazard_08_core_dump"))
		hazard_08_core_dump();
}
