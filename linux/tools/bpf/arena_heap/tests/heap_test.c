// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * Where what is allocated lies, and that it behaves
 *
 *	heap_test		with a heap of 1 GiB or more
 *	heap_test full BLOCKS	fill a heap of that many blocks, and what then is
 *	heap_test limit BLOCKS	the same with -l
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

static void *first;

/* Before main(), as libraries do */
static void __attribute__((constructor)) early(void)
{
	first = malloc(100);
}

static void test_sizes(void)
{
	size_t size, bad = 0, n = 0;
	char *ptr;

	for (size = 1; size <= 256UL << 20; size = size * 5 / 4 + 1, n++) {
		ptr = malloc(size);
		bad += !inside(ptr) || !inside(ptr + size - 1) || malloc_usable_size(ptr) < size;
		memset(ptr, 0xaa, size < 65536 ? size : 65536);
		ptr[size - 1] = 1;
		free(ptr);
	}
	check(n > 50 && !bad, "malloc of 1 byte to 256 MiB is inside");
}

static bool all(const char *ptr, size_t size, char value)
{
	while (size--)
		if (*ptr++ != value)
			return false;
	return true;
}

static void test_calloc(void)
{
	size_t size, bad = 0;
	char *ptr;
	int i;

	for (i = 0; i < 3; i++) {
		for (size = 8; size <= 64UL << 20; size *= 8) {
			ptr = calloc(size / 8, 8);
			bad += !inside(ptr) || !all(ptr, size, 0);
			memset(ptr, 0xff, size);
			free(ptr);
		}
	}
	check(!bad, "calloc gives zeroes, of used memory as well");
	check(!calloc(1UL << 40, 1UL << 40), "calloc of too much: NULL");
}

static void test_realloc(void)
{
	size_t size, bad = 0;
	char *ptr = NULL;

	for (size = 16; size <= 32UL << 20; size *= 4) {
		ptr = realloc(ptr, size);
		bad += !inside(ptr) || (size > 16 && !all(ptr, size / 4, 0x5a));
		memset(ptr, 0x5a, size);
	}
	for (; size >= 16; size /= 4) {
		ptr = realloc(ptr, size);
		bad += !inside(ptr) || !all(ptr, size < 8UL << 20 ? size : 8UL << 20, 0x5a);
	}
	check(!bad, "realloc keeps contents, up and down");
	ptr = reallocarray(ptr, 100, 100);
	check(inside(ptr), "reallocarray");
	errno = 0;
	free(ptr);
	check(!reallocarray(NULL, 1UL << 40, 1UL << 40) && errno, "reallocarray of too much fails");
}

static void test_aligned(void)
{
	size_t align, bad = 0;
	void *ptr;

	for (align = 8; align <= 1UL << 20; align *= 2) {
		bad += posix_memalign(&ptr, align, 3 * align) || (unsigned long)ptr % align ||
		       !inside(ptr);
		free(ptr);
		ptr = aligned_alloc(align, align);
		bad += (unsigned long)ptr % align || !inside(ptr);
		free(ptr);
		ptr = memalign(align, 5);
		bad += (unsigned long)ptr % align || !inside(ptr);
		free(ptr);
		bad += posix_memalign(&ptr, align, align) || (unsigned long)ptr % align ||
		       !inside(ptr);
		free(ptr);
	}
	check(!bad, "posix_memalign, aligned_alloc, memalign up to 1 MiB");
	check(posix_memalign(&ptr, 3, 8) == EINVAL, "posix_memalign of a bad alignment: EINVAL");
	ptr = valloc(10);
	check(inside(ptr) && !((unsigned long)ptr % getpagesize()), "valloc");
	free(ptr);
}

/* What others have allocated, by the same malloc() or not, is freed here. */
static void test_foreign(void)
{
	char *line = NULL, *text;
	size_t size = 0;
	FILE *file;

	free(NULL);
	check(true, "free(NULL)");
	text = strdup("text");
	check(inside(text), "strdup of the C library is inside");
	free(text);
	check(asprintf(&text, "%1000d", 1) == 1000 && inside(text), "asprintf is inside");
	free(text);
	file = fopen("/proc/self/maps", "r");
	check(file && inside(file), "fopen");
	check(getline(&line, &size, file) > 0 && inside(line), "getline");
	free(line);
	fclose(file);
	text = realpath("/proc/self/exe", NULL);
	check(text && inside(text), "realpath");
	free(text);
	text = getcwd(NULL, 0);
	check(text && inside(text), "getcwd");
	free(text);
}

struct job {
	void *small, *large;
	size_t bad;
};

static void *allocate(void *arg)
{
	void *ptr[200] = {};
	struct job *job = arg;
	unsigned int i, n, seed = (unsigned long)arg;

	job->small = malloc(8);
	job->large = malloc(300000);
	for (i = 0; i < 20000; i++) {
		n = rand_r(&seed) % 200;
		free(ptr[n]);
		ptr[n] = malloc(rand_r(&seed) % 5000 + 1);
		job->bad += !inside(ptr[n]);
	}
	for (n = 0; n < 200; n++)
		free(ptr[n]);
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[8];
	struct job jobs[8] = {};
	int i, round, outside = 0, bad = 0;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 8; i++)
			pthread_create(&threads[i], NULL, allocate, &jobs[i]);
		for (i = 0; i < 8; i++) {
			pthread_join(threads[i], NULL);
			outside += !inside(jobs[i].small) || !inside(jobs[i].large);
			bad += !!jobs[i].bad;
			free(jobs[i].small); /* of a thread that has ended */
			free(jobs[i].large);
		}
	}
	check(!outside, "what new threads allocate first is inside");
	check(!bad, "and what follows");
}

/* KiB of the arena that are there */
static long resident(void)
{
	char line[200];
	bool here = false;
	long kib = -1;
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long start, end;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx", &start, &end) == 2)
			here = start == heap_start;
		if (here)
			sscanf(line, "Rss: %ld", &kib);
	}
	fclose(file);
	return kib;
}

static void *returns(void *arg)
{
	return arg;
}

/* The C library waits for the thread by what it keeps on the stack. */
static void test_stack(void)
{
	char *stack = aligned_alloc(4096, 1 << 20);
	void *result = NULL;
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	check(!pthread_attr_setstack(&attr, stack, 1 << 20) &&
	      !pthread_create(&thread, &attr, returns, stack) &&
	      !pthread_join(thread, &result) && result == stack, "a thread on a stack of malloc");
	free(stack);
}

static void test_kernel(void)
{
	struct iovec local, remote;
	long before;
	char *buf = malloc(1 << 20), *copy = malloc(1 << 20);
	int fds[2];

	memset(buf, 'x', 1 << 20);
	check(!pipe(fds) && write(fds[1], buf, 5000) == 5000 && read(fds[0], copy, 5000) == 5000 &&
	      all(copy, 5000, 'x'), "read and write");
	local = (struct iovec){ copy, 1 << 20 };
	remote = (struct iovec){ buf, 1 << 20 };
	check(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1 << 20 &&
	      all(copy, 1 << 20, 'x'), "process_vm_readv");
	before = resident();
	check(!mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall");
	check(resident() < before + (64 << 10), "... does not fill the arena");
	munlockall();
	free(buf);
	free(copy);
	close(fds[0]);
	close(fds[1]);
}

static int arena_fd(void)
{
	struct arena_heap_header h;
	int fd;

	for (fd = 3; fd < 1024; fd++)
		if (arena_heap_read_header(fd, &h))
			return fd;
	return -1;
}

/* What programs do that tidy up first */
static void test_fd(void)
{
	int fd = arena_fd(), i;

	check(fd >= 512, "the arena's file descriptor is out of the way");
	check(fcntl(fd, F_GETFD) & FD_CLOEXEC, "... and closed on exec");
	check(close(fd) && errno == EBADF && arena_fd() == fd, "close: EBADF");
	for (i = 3; i < 1024; i++)
		close(i);
	check(arena_fd() == fd, "close of all");
	closefrom(3);
	check(arena_fd() == fd, "closefrom");
	check(!close_range(3, ~0U, 0) && arena_fd() == fd, "close_range");
	check(!close_range(fd, fd, 0) && arena_fd() == fd, "close_range of it alone");
	check(dup2(1, fd) == fd && write(fd, "", 0) == 0 && arena_fd() == fd + 1,
	      "dup2 onto it: the program gets the number");
	check(dup3(1, fd + 1, O_CLOEXEC) == fd + 1 && arena_fd() == fd + 2, "dup3 onto it");
	check(dup2(fd + 2, fd + 2) == fd + 2 && arena_fd() == fd + 2, "dup2 onto itself");
	check(!close(fd) && !close(fd + 1), "what the program has there it closes");
}

/* Children that execute a program have nothing of the arena. */
static void test_spawn(void)
{
	static char *const argv[] = { "sh", "-c", "ls -l /proc/self/fd | grep -q bpf-map", NULL };
	extern char **environ;
	int status = -1;
	pid_t pid;
	FILE *file;
	int n = -1;

	file = popen("ls -l /proc/self/fd | grep -c bpf-map", "r");
	check(file && fscanf(file, "%d", &n) == 1 && n == 0, "popen: no arena in the child");
	pclose(file);
	check(WEXITSTATUS(system("exit 7")) == 7, "system");
	check(!posix_spawnp(&pid, "sh", NULL, NULL, argv, environ) &&
	      waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 1, "posix_spawnp");
	pid = vfork();
	if (!pid) {
		execvp(argv[0], argv);
		_exit(9);
	}
	check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 1, "vfork and exec");
	pid = fork();
	if (!pid) {
		execlp("sh", "sh", "-c", argv[2], NULL);
		_exit(9);
	}
	check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 1, "fork and exec");
}

/* Half a block each, so that two fill one */
static void test_full(int blocks, bool limit)
{
	int i, n = 0, size = 15 << 20;
	bool again = false;
	void *ptr[512] = {}, *more;

	for (i = 0; i < 512 && i < 4 * blocks; i++) {
		ptr[i] = malloc(size);
		if (!ptr[i] || !inside(ptr[i]))
			break;
		memset(ptr[i], i, 4096);
		n++;
	}
	check(n >= blocks - 1 && n <= 2 * blocks, "%d of 15 MiB fit into %d blocks", n, blocks);
	if (limit) {
		check(!ptr[i] && errno == ENOMEM, "full: ENOMEM");
		check(!header()->did_not_fit, "nothing is outside");
	} else {
		check(ptr[i] && !inside(ptr[i]), "full: the next is outside");
		memset(ptr[i], 1, size);
		check(header()->did_not_fit >= 1, "it is counted");
		check(header()->outside >= (unsigned long)size, "%llu bytes outside",
		      (unsigned long long)header()->outside);
	}
	more = malloc(1000);
	check(limit || more, "there is memory for more");
	free(more);
	while (n--)
		free(ptr[n]);
	/* other memory that is free may come first */
	for (i = 0; i < 4 * blocks && !again; i++)
		again = inside(malloc(size));
	check(again, "what was freed inside is used again");
}

int main(int argc, char **argv)
{
	find_heap();
	check(inside(first), "an allocation of a constructor is inside");
	if (argc == 3) {
		test_full(atoi(argv[2]), !strcmp(argv[1], "limit"));
		return failed;
	}
	check(inside(malloc(1)), "malloc(1)");
	test_sizes();
	test_calloc();
	test_realloc();
	test_aligned();
	test_foreign();
	test_threads();
	test_stack();
	test_kernel();
	check(header()->did_not_fit == 0, "nothing had to go outside");
	test_fd();
	test_spawn();
	return failed;
}
