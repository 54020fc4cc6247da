// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * The library that arena-heap preloads: it gives the arena to mimalloc
 *
 * Problem. malloc() is mimalloc's from the first call on, which the dynamic linker may
 * make before any constructor runs; and mimalloc keeps a thread on the memory that it
 * had first. So the arena has to be mimalloc's before that call.
 *
 *	LD_PRELOAD = this library (-z initfirst), libmimalloc.so.2 (malloc and free)
 *
 * glibc runs the constructor of one object that is marked "initfirst" before all
 * others, when everything is relocated. It needs no wrapper around malloc(), so that an
 * allocation costs what it costs with mimalloc alone. Another object with that mark,
 * loaded later, would take our place; what was allocated before is then outside, and
 * the library says so.
 *
 * Invariants.
 *  - The arena's memory is pinned ("is_large") for mimalloc: it never calls madvise()
 *    or mprotect() on it, which on a part of an arena fail.
 *  - Whatever is not there yet, and what is wiped here, reads as zeroes, as mimalloc is
 *    told.
 *  - The arena's file descriptor is not the program's: closing it fails with EBADF as if
 *    it were not open. It is closed on exec(), except by the process whose heap it is,
 *    for the program that it becomes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <mimalloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "preload.h"

struct heap heap = { .fd = -1 };

static const char *program = "";

/* Where mimalloc's code is */
static uintptr_t mimalloc_start, mimalloc_end;

struct arena_heap_header *heap_header(void)
{
	return (struct arena_heap_header *)heap.start;
}

/* Not so in what vfork() and clone() have started with the same memory */
bool heap_is_mine(void)
{
	return heap.fd >= 0 && getpid() == heap.pid;
}

bool heap_contains(const void *ptr)
{
	return (unsigned long)ptr - heap.start < heap.size;
}

/* One line on stderr, without malloc() or a lock. */
void complain(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int len;

	len = snprintf(line, sizeof(line), "arena-heap: %s[%d]: ", program, getpid());
	va_start(ap, fmt);
	len += vsnprintf(line + len, sizeof(line) - 1 - len, fmt, ap);
	va_end(ap);
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	if (write(2, line, len) < 0)
		return;
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	complain("%s", text);
	_exit(ARENA_HEAP_EXIT);
}

/* A number that a program has closed, or another that it has opened, is no arena. */
bool heap_fd_is_arena(void)
{
	struct arena_heap_header header;

	return arena_heap_read_header(heap.fd, &header) && header.cookie == heap.cookie &&
	       header.start == heap.start && header.blocks == heap.blocks;
}

/*
 * The next pages from *pos on that are there, up to *end. They are not counted by
 * touching them, which would make them.
 */
bool next_data(off_t *pos, off_t *end)
{
	*pos = lseek(heap.fd, *pos, SEEK_DATA);
	if (*pos < 0)
		return false;
	*end = lseek(heap.fd, *pos, SEEK_HOLE);
	return *end > *pos;
}

/* What the program before exec() had. The header's numbers go on. */
static void wipe(void)
{
	off_t pos, end;

	memset(heap_header()->root, 0, sizeof(heap_header()->root));
	for (pos = ARENA_HEAP_HEADER; next_data(&pos, &end); pos = end)
		memset((void *)(heap.start + pos), 0, end - pos);
}

/* make_way() may have moved it before exec(). */
static void find_arena(void)
{
	int fd, max = sysconf(_SC_OPEN_MAX), given = heap.fd;

	if (max < 0 || max > 65536)
		max = 65536;
	for (fd = 0; !heap_fd_is_arena() && fd < max; fd++)
		heap.fd = fd;
	if (!heap_fd_is_arena())
		die("file descriptor %d is not the arena: was it closed before exec()?", given);
}

static void map_arena(void)
{
	void *addr;

	find_arena();
	addr = mmap((void *)heap.start, heap.size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED_NOREPLACE, heap.fd, 0);
	if (addr == MAP_FAILED)
		die("cannot map the arena at 0x%lx: %s", heap.start, strerror(errno));
	if (heap_header()->programs++)
		wipe();
	heap_header()->outside = 0;
	if (fcntl(heap.fd, F_SETFD, FD_CLOEXEC))
		die("file descriptor %d: %s", heap.fd, strerror(errno));
}

static int find_mimalloc(struct dl_phdr_info *info, size_t size, void *addr)
{
	uintptr_t start, end;
	int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		end = start + info->dlpi_phdr[i].p_memsz;
		if (info->dlpi_phdr[i].p_type == PT_LOAD && start <= (uintptr_t)addr &&
		    (uintptr_t)addr < end) {
			mimalloc_start = start;
			mimalloc_end = end;
			return 1;
		}
	}
	return 0;
}

static void give_to_mimalloc(void)
{
	void *first;

	if (!dl_iterate_phdr(find_mimalloc, mi_version))
		die("mimalloc is not there");
	/* else a new thread's first segment is one that can be decommitted: not ours */
	mi_option_set(mi_option_eager_commit_delay, 0);
	mi_option_set(mi_option_limit_os_alloc, !!(heap.flags & ARENA_HEAP_LIMIT));
	if (!mi_manage_os_memory((char *)heap.start + ARENA_HEAP_HEADER,
				 heap.blocks * ARENA_HEAP_BLOCK, true, true, true, -1))
		die("mimalloc does not take the arena");
	first = malloc(1);
	/* not by malloc's address: in a program of fixed address it is in its own PLT */
	if (!heap_contains(first) && !mi_is_in_heap_region(first))
		die("malloc() is not mimalloc's, but the program's own or another library's");
	if (!heap_contains(first))
		complain("memory was allocated before there was an arena: it lies outside");
	free(first);
}

/*
 * Runs before the C library's own constructor, which sets environ: mimalloc looks at it,
 * too. A setuid program never gets here: the dynamic linker ignores LD_PRELOAD for it,
 * but for what is in a system directory and setuid itself.
 */
static void __attribute__((constructor)) init(int argc, char **argv, char **envp)
{
	unsigned int pid, fd, blocks, flags;
	unsigned long long cookie, start;
	const char *env;
	int err;

	environ = envp;
	if (argc > 0)
		program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	env = getenv(ARENA_HEAP_ENV);
	if (!env)
		return;
	if (sscanf(env, ARENA_HEAP_FMT, &pid, &fd, &cookie, &start, &blocks, &flags) != 6)
		die("%s=%s: not what arena-heap sets", ARENA_HEAP_ENV, env);
	if ((pid_t)pid != getpid())
		return;
	heap = (struct heap){
		.fd = fd, .pid = pid, .cookie = cookie, .start = start, .blocks = blocks,
		.flags = flags, .size = ARENA_HEAP_HEADER + blocks * ARENA_HEAP_BLOCK,
	};
	map_arena();
	give_to_mimalloc();
	err = fork_init();
	if (err)
		die("fork() would not work: %s", strerror(err));
}

/* What mimalloc has from elsewhere */

static bool is_mimalloc(const void *caller)
{
	return (uintptr_t)caller - mimalloc_start < mimalloc_end - mimalloc_start;
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	void *mem = (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);

	if (mem != MAP_FAILED && heap.fd >= 0 && is_mimalloc(__builtin_return_address(0))) {
		__atomic_add_fetch(&heap_header()->outside, len, __ATOMIC_RELAXED);
		if (len >= ARENA_HEAP_BLOCK)
			__atomic_add_fetch(&heap_header()->did_not_fit, 1, __ATOMIC_RELAXED);
	}
	return mem;
}

EXPORT int munmap(void *addr, size_t len)
{
	int err = syscall(SYS_munmap, addr, len);

	if (!err && heap.fd >= 0 && is_mimalloc(__builtin_return_address(0)))
		__atomic_sub_fetch(&heap_header()->outside, len, __ATOMIC_RELAXED);
	return err;
}

/* The arena's file descriptor */

extern int __close(int fd);
extern int __dup2(int oldfd, int newfd);

EXPORT int close(int fd)
{
	if (fd >= 0 && fd == heap.fd) {
		errno = EBADF;
		return -1;
	}
	return __close(fd);
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	unsigned int fd = heap.fd;

	/* that it is closed on exec() anyway is all that CLOSE_RANGE_CLOEXEC would do */
	if (heap.fd < 0 || fd < first || fd > last || flags)
		return syscall(SYS_close_range, first, last, flags);
	if (first < fd && syscall(SYS_close_range, first, fd - 1, 0))
		return -1;
	return fd < last ? syscall(SYS_close_range, fd + 1, last, 0) : 0;
}

EXPORT void closefrom(int first)
{
	close_range(first < 0 ? 0 : first, UINT_MAX, 0);
}

/*
 * A program that wants our number gets it. A child that only shares our memory has a
 * table of files of its own, in which this is no concern of ours.
 */
static int make_way(int newfd)
{
	int fd;

	if (newfd < 0 || newfd != heap.fd || !heap_is_mine())
		return 0;
	fd = fcntl(heap.fd, F_DUPFD_CLOEXEC, heap.fd + 1);
	if (fd < 0)
		return -1;
	heap.fd = fd;
	return 0;
}

EXPORT int dup2(int oldfd, int newfd)
{
	if (oldfd != newfd && make_way(newfd))
		return -1;
	return __dup2(oldfd, newfd);
}

EXPORT int dup3(int oldfd, int newfd, int flags)
{
	if (oldfd != newfd && make_way(newfd))
		return -1;
	return syscall(SYS_dup3, oldfd, newfd, flags);
}
