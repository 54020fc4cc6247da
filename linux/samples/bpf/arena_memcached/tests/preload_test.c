// SPDX-License-Identifier: GPL-2.0
/*
 * preload.c without memcached, kernel or mimalloc: it is linked into this program, whose
 * callocs are those of memcached, as far as it can tell. The arena is ordinary memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>

#include "arena_heap.h"
#include "layout.h"

#define START	0x4000000000UL
#define SIZE	(ARENA_HEAP_HEADER + ARENA_HEAP_BLOCK)
#define OUTSIDE	"PRELOAD_TEST_OUTSIDE"

static bool failed;
static struct mc_dir *dir;
static struct { void *mem; __u64 generation, table, old; } freed;

static void check(const char *name, bool good)
{
	printf("%sok - %s\n", good ? "" : "not ", name);
	failed |= !good;
}

/* mimalloc: nothing is used twice. It is called before any constructor. */

static void *take(size_t size)
{
	static char *next;
	char *mem;

	if (!next) {
		mem = mmap((void *)START, 2 * SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (mem != (char *)START)
			_exit(2);
		next = mem + (getenv(OUTSIDE) ? SIZE : ARENA_HEAP_HEADER);
	}
	mem = next;
	next += (size + 63) & ~63UL;
	return next <= (char *)START + 2 * SIZE ? mem : NULL;
}

void *mi_calloc(size_t n, size_t size)
{
	return take(n * size);
}

void *mi_zalloc_aligned(size_t size, size_t align)
{
	return take(size);
}

void mi_free(void *mem)
{
	freed.mem = mem;
	if (!dir)
		return;
	freed.generation = dir->generation;
	freed.table = dir->table;
	freed.old = dir->old;
}

/* Tests */

static bool tables(void *table, __u64 mask, void *old, __u64 old_mask, __u64 generation)
{
	return dir->table == (uintptr_t)table && dir->mask == mask &&
	       dir->old == (uintptr_t)old && dir->old_mask == old_mask &&
	       dir->generation == generation;
}

static void test_locks(pthread_mutex_t *locks)
{
	__u64 *seqs = (__u64 *)(uintptr_t)dir->seqs;
	pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;

	check("counters begin even", !seqs[0] && !seqs[5] && !seqs[1023]);
	pthread_mutex_lock(&locks[5]);
	check("locked: odd", seqs[5] == 1 && !seqs[4] && !seqs[6]);
	check("trylock of a held lock fails", pthread_mutex_trylock(&locks[5]) == EBUSY);
	check("... and counts nothing", seqs[5] == 1);
	pthread_mutex_unlock(&locks[5]);
	check("unlocked: even, another", seqs[5] == 2);
	check("trylock of a free lock", !pthread_mutex_trylock(&locks[5]) && seqs[5] == 3);
	pthread_mutex_unlock(&locks[5]);
	check("... and unlocked", seqs[5] == 4);
	pthread_mutex_lock(&locks[1023]);
	check("the last lock", seqs[1023] == 1);
	pthread_mutex_unlock(&locks[1023]);
	pthread_mutex_lock(&other);
	pthread_mutex_unlock(&other);
	check("no item lock: nothing is counted", seqs[5] == 4 && seqs[1023] == 2);
	seqs[7] = 9;
	pthread_mutex_lock(&locks[7]);
	check("a counter that was odd: odd, another", seqs[7] == 11);
	pthread_mutex_unlock(&locks[7]);
	check("... and even after it", seqs[7] == 12);
	seqs[7] = 14;
	pthread_mutex_lock(&locks[7]);
	seqs[7] = 14; /* as an unlock without its lock would leave it */
	pthread_mutex_unlock(&locks[7]);
	check("a counter that was even at unlock stays so", seqs[7] == 14);
}

static void test_tables(void)
{
	void *table, *other, *grown;
	pthread_mutex_t *locks;

	check("no table at first", tables(0, 0, 0, 0, 0));
	check("other sizes are no table", calloc(8192, 16) && calloc(5000, 8) && calloc(512, 8) &&
	      tables(0, 0, 0, 0, 0));
	table = calloc(8192, sizeof(void *));
	check("the table", tables(table, 8191, 0, 0, 2));
	locks = calloc(1024, sizeof(*locks));
	check("the locks", dir->lock_mask == 1023 && dir->seqs);
	other = calloc(2048, sizeof(*locks));
	check("only once", other && dir->lock_mask == 1023);
	test_locks(locks);
	other = calloc(16384, sizeof(void *));
	check("of another thread: not the table's", tables(table, 8191, 0, 0, 2));
	prctl(PR_SET_NAME, "mc-assocmaint");
	grown = calloc(32768, sizeof(void *));
	check("grown by another size: not the table's", tables(table, 8191, 0, 0, 2));
	grown = calloc(16384, sizeof(void *));
	check("it grows", tables(grown, 16383, table, 8191, 4) && dir->grown == 1);
	other = calloc(32768, sizeof(void *));
	check("but one at a time", other && tables(grown, 16383, table, 8191, 4));
	free(other);
	free(NULL);
	check("other memory may go", tables(grown, 16383, table, 8191, 4));
	free(table);
	check("the old table goes", tables(grown, 16383, 0, 0, 6));
	check("... known before its memory is free", freed.mem == table &&
	      freed.generation == 6 && !freed.old && freed.table == (uintptr_t)grown);
	free(grown);
	check("the table goes", tables(0, 0, 0, 0, 8) && freed.generation == 8 && !freed.table);
}

static ssize_t send_to(int fd, void *name, socklen_t len)
{
	struct iovec parts[2] = { { "abc", 3 }, { "de", 2 } };
	struct msghdr msg = {
		.msg_name = name, .msg_namelen = len, .msg_iov = parts, .msg_iovlen = 2,
	};

	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void test_sendmsg(void)
{
	struct sockaddr_in port_0 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(name.sun_family) + 20;
	int udp = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM, 0);
	int to = socket(AF_UNIX, SOCK_DGRAM, 0);
	ssize_t sent = 5;
	long i;

	check("what cannot be sent counts as sent", send_to(udp, &port_0, sizeof(port_0)) == 5);
	check("without a name it does not", send_to(udp, NULL, 0) == -1);
	snprintf(name.sun_path + 1, 19, "preload_test.%d", getpid());
	check("a socket", !bind(to, (struct sockaddr *)&name, len));
	for (i = 0; i < 1000000 && sent == 5; i++)
		sent = send_to(from, &name, len);
	check("what can be sent later does not", i > 1 && sent == -1 && errno == EAGAIN);
}

static int test(void)
{
	struct arena_heap_header *arena = (void *)START;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (getenv(OUTSIDE)) {
		check("a directory outside of the arena is not told", !arena->root[MC_ROOT]);
		return failed;
	}
	dir = (struct mc_dir *)(uintptr_t)arena->root[MC_ROOT];
	check("the directory", dir && dir->magic == MC_MAGIC && dir->version == MC_DIR_VERSION &&
	      dir->readers && dir->nr_readers && !dir->ready);
	if (!dir)
		return 1;
	test_tables();
	test_sendmsg();
	return failed;
}

/* The library looks for the arena before main(). */
static int run(char **argv)
{
	char env[128];
	int status;
	pid_t pid = fork();

	if (pid) {
		waitpid(pid, &status, 0);
		return status;
	}
	snprintf(env, sizeof(env), ARENA_HEAP_FMT, getpid(), 0, 1ULL, (unsigned long long)START,
		 1, 0);
	setenv(ARENA_HEAP_ENV, env, 1);
	execv("/proc/self/exe", argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	if (getenv(ARENA_HEAP_ENV))
		return test();
	failed = run(argv);
	setenv(OUTSIDE, "y", 1);
	return failed | !!run(argv);
}
