// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * Stop the process's other threads while its heap is copied
 *
 * Problem. A fork() takes a picture of memory at one moment. Our copy takes longer, and
 * what other threads do meanwhile would be half in it: mimalloc's lists that several
 * threads change without locks, and the program's own.
 *
 * Each thread gets a signal, and waits in its handler until all is over:
 *
 *	forking thread                      another thread
 *	GATHER, signal to all    ------->   handler: its slot is marked
 *	all are marked, none is new
 *	STOPPED                             waits
 *	fork()
 *	COMMITTED                           waits on
 *	  ... the child copies ...
 *	RUN, the next generation -------->  goes on
 *
 * The signal is the one that glibc has for setuid(), which has to reach all threads as
 * well: pthread_sigmask() never blocks it. What is not ours goes to glibc's handler. As
 * with setuid(), a system call that is never restarted (poll(), epoll_wait(), sleep())
 * returns early, with EINTR.
 *
 * A thread may have been stopped where it holds a lock that fork() takes inside the C
 * library: stdio's list of files, which is taken here before, and one of the name service
 * switch, which cannot be. Then fork() would wait for the thread and the thread for
 * fork(). So a thread that waits for a second in STOPPED makes it BROKEN: all go on,
 * fork() with them, and it has to be tried again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "preload.h"

/* SIGSETXID of glibc, whose SIGRTMIN is above it */
#define STOP_SIGNAL	33
/* Negative codes are for processes to choose. */
#define STOP_CODE	(-0x6148)
#define MAX_THREADS	32768
#define GIVE_UP_NS	(10 * 1000000000LL)
#define BREAK_NS	999999999L
#define LOOK_NS		(20 * 1000000L)
#define PF_IO_WORKER	0x10	/* a thread of the kernel's, for io_uring */

enum { RUN, GATHER, STOPPED, COMMITTED, BROKEN, STATES };

struct slot {
	int tid;
	atomic_uint stopped;	/* the last generation that has stopped it */
};

/* Generation and state: generation * STATES + state */
static atomic_uint word;
static atomic_uint acks;	/* a futex: changes with each thread that stops */
static struct slot *slots;
static unsigned int nr_slots;
static struct sigaction chained;

extern void _IO_list_lock(void);
extern void _IO_list_unlock(void);
extern void _IO_list_resetlock(void);

static unsigned int generation(unsigned int w)
{
	return w / STATES;
}

static void set_state(unsigned int state)
{
	atomic_store(&word, generation(atomic_load(&word)) * STATES + state);
}

static void wait_for(atomic_uint *futex, unsigned int value, long ns)
{
	struct timespec timeout = { .tv_nsec = ns };

	syscall(SYS_futex, futex, FUTEX_WAIT_PRIVATE, value, ns ? &timeout : NULL, NULL, 0);
}

static void wake(atomic_uint *futex)
{
	syscall(SYS_futex, futex, FUTEX_WAKE_PRIVATE, MAX_THREADS, NULL, NULL, 0);
}

static void wait_to_run(unsigned int gen)
{
	unsigned int w, state, broken = gen * STATES + BROKEN;

	for (;;) {
		w = atomic_load(&word);
		state = w % STATES;
		if (generation(w) != gen || state == RUN || state == BROKEN)
			return;
		/* nobody wakes us for STOPPED */
		wait_for(&word, w, state == COMMITTED ? 0 : BREAK_NS);
		if (state == STOPPED && atomic_compare_exchange_strong(&word, &w, broken))
			wake(&word);
	}
}

static void stopped(int sig, siginfo_t *info, void *context)
{
	uintptr_t value = (uintptr_t)info->si_ptr;
	unsigned int gen = value >> 16;
	int saved = errno;

	if (info->si_code != STOP_CODE) {
		if (chained.sa_flags & SA_SIGINFO)
			chained.sa_sigaction(sig, info, context);
		return;
	}
	if (generation(atomic_load(&word)) == gen) {
		atomic_store(&slots[value & 0xffff].stopped, gen);
		atomic_fetch_add(&acks, 1);
		wake(&acks);
		wait_to_run(gen);
	}
	errno = saved;
}

/*
 * Whenever it is needed: glibc installs its own with the first thread. What the C library
 * does not let a program do with this signal is for the kernel to do.
 */
static void install_handler(void)
{
	struct {
		void (*handler)(int sig, siginfo_t *info, void *context);
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} old = {}, new = {};

	syscall(SYS_rt_sigaction, SIGSEGV, NULL, &new, sizeof(new.mask));
	syscall(SYS_rt_sigaction, STOP_SIGNAL, NULL, &old, sizeof(old.mask));
	if (old.handler == stopped)
		return;
	chained.sa_sigaction = old.handler;
	chained.sa_flags = (uintptr_t)old.handler > 1 ? old.flags : 0;
	/* fork.c has a handler of SIGSEGV now: where that returns to, this one does */
	new.handler = stopped;
	new.flags = (new.flags & ~SA_NODEFER) | SA_SIGINFO | SA_RESTART | SA_ONSTACK;
	new.mask = 0;
	syscall(SYS_rt_sigaction, STOP_SIGNAL, &new, NULL, sizeof(new.mask));
}

/* /proc/self/task/TID/NAME, in text; empty if the thread has gone */
static void read_task(int tid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? 0 : read(fd, text, size - 1);
	text[len > 0 ? len : 0] = 0;
	if (fd >= 0)
		syscall(SYS_close, fd);
}

/* It has ended, or it is none that runs the program. */
static bool is_none_of_ours(int tid)
{
	unsigned int flags = 0;
	char stat[512], *end, state = 'X';

	read_task(tid, "stat", stat, sizeof(stat));
	end = strrchr(stat, ')');
	if (end)
		sscanf(end, ") %c %*d %*d %*d %*d %*d %u", &state, &flags);
	return state == 'X' || state == 'Z' || flags & PF_IO_WORKER;
}

static bool is_known(int tid)
{
	unsigned int i;

	for (i = 0; i < nr_slots; i++)
		if (slots[i].tid == tid)
			return true;
	return false;
}

static const char *stop_one(int tid)
{
	unsigned int gen = generation(atomic_load(&word));
	siginfo_t info = { .si_signo = STOP_SIGNAL, .si_code = STOP_CODE };

	if (nr_slots == MAX_THREADS)
		return "too many threads to stop";
	slots[nr_slots].tid = tid;
	info.si_pid = heap.pid;
	info.si_ptr = (void *)((uintptr_t)gen << 16 | nr_slots);
	nr_slots++;
	if (!syscall(SYS_rt_tgsigqueueinfo, heap.pid, tid, STOP_SIGNAL, &info) || errno == ESRCH)
		return NULL;
	return strerror(errno);
}

struct dirent64 {
	__u64 ino;
	__s64 off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/* All that there are and have no signal yet. opendir() would call malloc(). */
static const char *stop_new(int dir, int self, bool *found)
{
	char buf[4096] __attribute__((aligned(8)));
	const char *why = NULL;
	struct dirent64 *entry;
	long len, pos;
	int tid;

	lseek(dir, 0, SEEK_SET);
	while (!why && (len = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (pos = 0; !why && pos < len; pos += entry->reclen) {
			entry = (struct dirent64 *)(buf + pos);
			tid = atoi(entry->name);
			if (!tid || tid == self || is_known(tid))
				continue;
			*found = true;
			why = stop_one(tid);
		}
	}
	return why;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static const char *wait_until_stopped(struct slot *slot, long long deadline)
{
	unsigned int gen = generation(atomic_load(&word)), seen;
	static char why[80];
	char comm[17];

	for (;;) {
		seen = atomic_load(&acks);
		if (atomic_load(&slot->stopped) == gen)
			return NULL;
		wait_for(&acks, seen, LOOK_NS);
		if (atomic_load(&acks) != seen)
			continue;
		if (is_none_of_ours(slot->tid))
			return NULL;
		if (now_ns() < deadline)
			continue;
		read_task(slot->tid, "comm", comm, sizeof(comm));
		comm[strcspn(comm, "\n")] = 0;
		snprintf(why, sizeof(why), "thread %d (%s) did not stop in 10 seconds",
			 slot->tid, comm);
		return why;
	}
}

static const char *stop_all(int dir)
{
	long long deadline = now_ns() + GIVE_UP_NS;
	int self = syscall(SYS_gettid);
	const char *why;
	unsigned int i;
	bool found;

	/* New threads come from threads, so that in the end there are no new ones. */
	do {
		found = false;
		why = stop_new(dir, self, &found);
		for (i = 0; !why && i < nr_slots; i++)
			why = wait_until_stopped(&slots[i], deadline);
	} while (!why && found);
	return why;
}

/**
 * stop_threads() - stop all threads of the process but the calling one
 *
 * Context: all signals but SIGSEGV are blocked, and that has a handler. One caller at a time. After
 * it, and if it fails, too, start_threads() is to be called.
 * Return: NULL, or in words why it is not possible.
 */
const char *stop_threads(void)
{
	const char *why;
	int dir;

	_IO_list_lock();
	install_handler();
	nr_slots = 0;
	atomic_store(&word, (generation(atomic_load(&word)) + 1) * STATES + GATHER);
	dir = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return "/proc/self/task cannot be read, by which the other threads are found";
	why = stop_all(dir);
	syscall(SYS_close, dir);
	if (!why)
		set_state(STOPPED);
	return why;
}

/**
 * stop_commit() - keep the threads stopped for as long as it takes
 *
 * Return: false if they are not: see BROKEN.
 */
bool stop_commit(void)
{
	unsigned int w = generation(atomic_load(&word)) * STATES + STOPPED;

	return atomic_compare_exchange_strong(&word, &w, w - STOPPED + COMMITTED);
}

/** start_threads() - let them go on */
void start_threads(void)
{
	set_state(RUN);
	wake(&word);
	_IO_list_unlock();
}

/** stop_forget() - in the child, where there are no others */
void stop_forget(void)
{
	set_state(RUN);
	_IO_list_resetlock();
}

/** stop_init() - Return: 0 or -1 and errno */
int stop_init(void)
{
	void *mem = mmap(NULL, MAX_THREADS * sizeof(*slots), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return -1;
	slots = mem;
	return 0;
}
