// SPDX-License-Identifier: GPL-2.0
/*
 * The library that is preloaded into memcached, in front of mimalloc
 *
 * It keeps struct mc_dir: see layout.h for what readers do with it. It changes nothing
 * that memcached does but in sendmsg(): each function does what the one of the same name
 * does, and tells.
 *
 *	calloc(2^n, 8)                      the hash table, before the locks
 *	calloc(2^n, sizeof(mutex))          the item locks; 2^10 to 2^15, once
 *	calloc(2^(n+1), 8) on mc-assocmaint the hash table, grown
 *	free(old table)                     it has grown
 *
 * from memcached's own code, told by the return address. If the guess is wrong, the probe
 * finds no item by it, and XDP answers nothing. A table that goes without having been
 * replaced leaves none.
 *
 * calloc() and free() are mimalloc's by name: the dynamic linker may call them before
 * dlsym() works. The mutexes are whatever comes next.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <mimalloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "arena_heap.h"
#include "layout.h"

#define EXPORT __attribute__((visibility("default")))
#define LOCKS_MIN (1UL << 10)
#define LOCKS_MAX (1UL << 15)
#define CLOCK_START 62	/* of memcached's clock: see realtime(), clock_handler() */

/* NULL in a process without an arena */
static struct mc_dir *dir;

static uintptr_t text_start, text_end;

/* The item locks: none as long as @locks_size is 0 */
static char *locks;
static size_t locks_size;
static _Atomic __u64 *seqs;

typedef int mutex_fn(pthread_mutex_t *);
static mutex_fn *next_lock, *next_trylock, *next_unlock;
static ssize_t (*next_sendmsg)(int, const struct msghdr *, int);

/* Locks */

static void find_next(void)
{
	next_lock = (mutex_fn *)dlsym(RTLD_NEXT, "pthread_mutex_lock");
	next_trylock = (mutex_fn *)dlsym(RTLD_NEXT, "pthread_mutex_trylock");
	next_unlock = (mutex_fn *)dlsym(RTLD_NEXT, "pthread_mutex_unlock");
	next_sendmsg = (ssize_t (*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
}

static inline _Atomic __u64 *seq_of(pthread_mutex_t *mutex)
{
	size_t off = (char *)mutex - locks;

	return off < locks_size ? &seqs[off / sizeof(*mutex)] : NULL;
}

/*
 * The odd value is there before what the section stores. The next odd and the next even
 * one, whatever was there: an unlock without its lock makes nothing wrong for good.
 */
static inline void enter(_Atomic __u64 *seq)
{
	__u64 now = atomic_load_explicit(seq, memory_order_relaxed);

	atomic_store_explicit(seq, (now + 1) | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

/* What the section has stored is there before the even value. */
static inline void leave(_Atomic __u64 *seq)
{
	__u64 now = atomic_load_explicit(seq, memory_order_relaxed);

	atomic_store_explicit(seq, (now + 1) & ~1ULL, memory_order_release);
}

EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	_Atomic __u64 *seq = seq_of(mutex);
	int err;

	if (__builtin_expect(!next_lock, 0))
		find_next();
	err = next_lock(mutex);
	if (seq && !err)
		enter(seq);
	return err;
}

EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	_Atomic __u64 *seq = seq_of(mutex);
	int err;

	if (__builtin_expect(!next_trylock, 0))
		find_next();
	err = next_trylock(mutex);
	if (seq && !err)
		enter(seq);
	return err;
}

EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	_Atomic __u64 *seq = seq_of(mutex);

	if (__builtin_expect(!next_unlock, 0))
		find_next();
	if (seq)
		leave(seq);
	return next_unlock(mutex);
}

/* Tables */

/*
 * Readers that come meanwhile pass up, those that came before find another generation.
 * One thread at a time is here: at start there is one, later only mc-assocmaint is.
 */
static void publish(__u64 table, __u64 mask, __u64 old, __u64 old_mask)
{
	__u64 generation = dir->generation;

	__atomic_store_n(&dir->generation, generation + 1, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_seq_cst);
	__atomic_store_n(&dir->table, table, __ATOMIC_RELAXED);
	__atomic_store_n(&dir->mask, mask, __ATOMIC_RELAXED);
	__atomic_store_n(&dir->old, old, __ATOMIC_RELAXED);
	__atomic_store_n(&dir->old_mask, old_mask, __ATOMIC_RELAXED);
	__atomic_store_n(&dir->generation, generation + 2, __ATOMIC_RELEASE);
	atomic_thread_fence(memory_order_seq_cst);
}

static bool is_maintenance(void)
{
	char name[16] = "";

	return !prctl(PR_GET_NAME, name) && !strcmp(name, "mc-assocmaint");
}

/* Counters first: a lock that is known is counted. */
static void found_locks(void *mem, size_t n)
{
	seqs = mi_zalloc_aligned(n * sizeof(*seqs), 64);
	if (!seqs)
		return;
	memset((void *)seqs, 0, n * sizeof(*seqs));
	dir->seqs = (uintptr_t)seqs;
	dir->lock_mask = n - 1;
	locks = mem;
	locks_size = n * sizeof(pthread_mutex_t);
}

static void found_array(void *mem, size_t n)
{
	__u64 table = (uintptr_t)mem;

	if (!locks_size) {
		publish(table, n - 1, 0, 0);
	} else if (dir->table && !dir->old && n == 2 * (dir->mask + 1) && is_maintenance()) {
		publish(table, n - 1, dir->table, dir->mask);
		dir->grown++;
	}
}

static bool is_memcached(uintptr_t caller)
{
	return caller - text_start < text_end - text_start;
}

EXPORT void *calloc(size_t n, size_t size)
{
	void *mem = mi_calloc(n, size);

	if (n < LOCKS_MIN || n & (n - 1) || !mem || !dir ||
	    !is_memcached((uintptr_t)__builtin_return_address(0)))
		return mem;
	if (size == sizeof(pthread_mutex_t) && n <= LOCKS_MAX && !locks_size)
		found_locks(mem, n);
	else if (size == sizeof(void *))
		found_array(mem, n);
	return mem;
}

EXPORT void free(void *mem)
{
	__u64 addr = (uintptr_t)mem;

	if (dir && mem) {
		if (addr == dir->old)
			publish(dir->table, dir->mask, 0, 0);
		else if (addr == dir->table)
			publish(0, 0, 0, 0);
	}
	mi_free(mem);
}

/* Answers that cannot be sent */

/*
 * memcached keeps an answer that sendmsg() did not take in front of its queue, for a
 * client to come that takes it. A sender on port 0, or one that no route leads to, never
 * does: then this thread's share of the UDP socket answers nobody any more. UDP may lose
 * an answer: this one counts as sent. Only datagrams have a name here.
 */
EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t len;
	size_t i;

	if (__builtin_expect(!next_sendmsg, 0))
		find_next();
	len = next_sendmsg(fd, msg, flags);
	if (len >= 0 || !msg->msg_name || errno == EAGAIN || errno == EWOULDBLOCK)
		return len;
	for (len = 0, i = 0; i < msg->msg_iovlen; i++)
		len += msg->msg_iov[i].iov_len;
	return len;
}

/* Start */

/* The program itself comes first. */
static int find_text(struct dl_phdr_info *info, size_t size, void *arg)
{
	int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X))
			continue;
		text_start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		text_end = text_start + info->dlpi_phdr[i].p_memsz;
	}
	return 1;
}

/* The arena and its size, if this process has one. arena-heap's library has mapped it. */
static struct arena_heap_header *find_arena(size_t *arena_size)
{
	const char *env = getenv(ARENA_HEAP_ENV);
	unsigned int pid, fd, blocks, flags;
	unsigned long long cookie, start;

	if (!env || sscanf(env, ARENA_HEAP_FMT, &pid, &fd, &cookie, &start, &blocks, &flags) != 6 ||
	    (pid_t)pid != getpid())
		return NULL;
	*arena_size = ARENA_HEAP_HEADER + blocks * ARENA_HEAP_BLOCK;
	return (struct arena_heap_header *)(uintptr_t)start;
}

/* What mimalloc has from elsewhere, since the arena is full, no program finds. */
static bool lies_within(const struct arena_heap_header *arena, size_t arena_size, __u64 mem,
			size_t size)
{
	__u64 off = mem - (uintptr_t)arena;

	return off < arena_size && size <= arena_size - off;
}

/* Pages that are there, so that the program's stores are not dropped */
static void *zeroes(size_t size)
{
	void *mem = mi_zalloc_aligned(size, 64);

	return mem ? memset(mem, 0, size) : NULL;
}

static void __attribute__((constructor)) init(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	size_t size, readers_size = cpus * sizeof(struct mc_reader);
	struct arena_heap_header *arena = find_arena(&size);
	struct timespec now;
	struct mc_dir *d;

	find_next();
	if (!arena || cpus < 1)
		return;
	d = zeroes(sizeof(*d));
	if (!lies_within(arena, size, (uintptr_t)d, sizeof(*d)))
		return;
	d->readers = (uintptr_t)zeroes(readers_size);
	if (!lies_within(arena, size, d->readers, readers_size))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	d->nr_readers = cpus;
	d->epoch = now.tv_sec - CLOCK_START;
	d->version = MC_DIR_VERSION;
	d->magic = MC_MAGIC;
	dl_iterate_phdr(find_text, NULL);
	dir = d;
	__atomic_store_n(&arena->root[MC_ROOT], (uintptr_t)d, __ATOMIC_RELEASE);
}
