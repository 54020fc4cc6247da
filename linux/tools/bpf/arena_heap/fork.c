// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * A child of fork() gets a private copy of the heap
 *
 * Problem. The mapping of an arena is not copied by fork(), so that a child has no heap.
 * One that executes another program does with little of it; one that goes on, to write a
 * snapshot as redis-server does, needs all. vfork() and posix_spawn() share the parent's
 * memory, and need nothing.
 *
 *	parent                              child
 *	prepare(): stop other threads
 *	fork()  ------------------------->  first touch of the heap: SIGSEGV
 *	parent(): waits                     copy(): memory at the same address, filled
 *	          <----- how it went ------         by read() of the arena
 *	          ------ go ------------->  child(): goes on
 *	other threads go on
 *
 * The C library itself touches the heap in the child before it calls handlers of
 * pthread_atfork(): the files of stdio, other threads' data. So the copy is made by the
 * first fault there, in a handler of SIGSEGV that is installed for as long as this takes.
 *
 * Ours are the first handlers that are registered: prepare() runs last, with the locks
 * taken that others protect their data with, and parent() and child() run first. From
 * fork() until the child is done the parent does nothing, so that the copy is the heap
 * as it was at the fork. Programs and other processes that write to the arena are not
 * stopped, nor is what the kernel does by io_uring and aio.
 *
 * Only pages that are there are copied. The child has no arena from then on: its own
 * children get copies in the ordinary way, and no program sees what it does.
 *
 * If there can be no copy, the child ends before it returns from fork(), and fork()
 * fails in the parent. daemon() and forkpty() call the C library's fork(), which we
 * cannot make fail: the child's end is all that there is to see, and the line on stderr.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "preload.h"

/* What the child says: how it went */
struct report {
	int err;
	__u64 bytes;
};

static struct {
	atomic_uint locked;	/* a futex: one fork() at a time */
	bool active;		/* between prepare() and parent() or child() */
	bool copied;		/* in the child */
	int err;		/* as fork_err, below */
	int ours, its;		/* ends of a socket pair, parent's and child's */
	struct timespec since;
	sigset_t signals;
	struct sigaction segv;
	struct report report;
} f;

/* What fork() is to fail with in this thread: 0, an error number, or one of these */
#define TRY_AGAIN (-1)	/* stop.c: BROKEN */
#define DIED (-2)	/* there is no child, or it did not get far */
#define TRIES 10
static __thread int fork_err __attribute__((tls_model("initial-exec")));

static void fail(int err, const char *why)
{
	if (f.err)
		return;
	f.err = err;
	if (why)
		complain("fork: no copy of the heap for the child: %s", why);
}

static void close_channel(int *end)
{
	if (*end >= 0)
		syscall(SYS_close, *end);
	*end = -1;
}

/* In the child */

static int copy_range(off_t pos, off_t end)
{
	ssize_t len;

	/* pread() is not for maps */
	if (lseek(heap.fd, pos, SEEK_SET) != pos)
		return errno;
	for (; pos < end; pos += len) {
		len = read(heap.fd, (char *)heap.start + pos, end - pos);
		if (len <= 0)
			return len ? errno : EIO;
		f.report.bytes += len;
	}
	return 0;
}

static int copy(void)
{
	off_t pos, end;
	void *mem;
	int err;

	mem = mmap((void *)heap.start, heap.size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (mem == MAP_FAILED)
		return errno;
	for (pos = 0; next_data(&pos, &end); pos = end) {
		err = copy_range(pos, end);
		if (err)
			return err;
	}
	return 0;
}

/* The child ends if the parent does not want it: then nobody has seen it. */
static void copy_and_wait(void)
{
	char go;

	if (f.copied)
		return;
	f.copied = true;
	/* else its own copy of the parent's end would keep it waiting for a parent that has none */
	close_channel(&f.ours);
	if (f.err)
		_exit(ARENA_HEAP_EXIT);
	f.report.err = copy();
	if (write(f.its, &f.report, sizeof(f.report)) != sizeof(f.report) ||
	    f.report.err || read(f.its, &go, 1) != 1)
		_exit(ARENA_HEAP_EXIT);
}

static void chain_segv(int sig, siginfo_t *info, void *context)
{
	if (f.segv.sa_flags & SA_SIGINFO)
		f.segv.sa_sigaction(sig, info, context);
	else if (f.segv.sa_handler == SIG_DFL || f.segv.sa_handler == SIG_IGN)
		sigaction(SIGSEGV, &f.segv, NULL); /* by the next fault, which is at once */
	else
		f.segv.sa_handler(sig);
}

static void on_segv(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	if (heap_is_mine() || f.copied || !heap_contains(info->si_addr))
		chain_segv(sig, info, context);
	else
		copy_and_wait();
	errno = saved;
}

/* In the parent */

static void lock(void)
{
	unsigned int old = 0;

	while (!atomic_compare_exchange_strong(&f.locked, &old, 1)) {
		syscall(SYS_futex, &f.locked, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
		old = 0;
	}
}

static void unlock(void)
{
	atomic_store(&f.locked, 0);
	syscall(SYS_futex, &f.locked, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void block_signals(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, old);
}

static void open_channel(void)
{
	int ends[2];

	f.ours = -1;
	f.its = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		fail(errno, "no socket to the child");
		return;
	}
	f.ours = ends[0];
	f.its = ends[1];
}

/* The child runs on this stack, and with these thread-local variables, before it has a copy. */
static bool runs_in_heap(void)
{
	char here;

	return heap_contains(&here) || heap_contains((void *)pthread_self());
}

static void prepare(void)
{
	struct sigaction action = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO }, old_action;
	const char *why;
	sigset_t old;

	if (!heap_is_mine())
		return;
	block_signals(&old);
	lock();
	f.signals = old;
	f.active = true;
	f.copied = false;
	f.err = 0;
	f.report = (struct report){};
	clock_gettime(CLOCK_MONOTONIC, &f.since);
	if (runs_in_heap())
		fail(EAGAIN, "the thread's stack lies in the heap");
	if (!heap_fd_is_arena())
		fail(EAGAIN, "the program has closed the arena's file descriptor");
	open_channel();
	sigemptyset(&action.sa_mask);
	sigaction(SIGSEGV, &action, &f.segv);
	why = stop_threads();
	if (why)
		fail(EAGAIN, why);
	/* what a thread has installed in the meantime is what it is to be again */
	sigaction(SIGSEGV, &action, &old_action);
	if (old_action.sa_sigaction != on_segv)
		f.segv = old_action;
}

static void wait_for_child(void)
{
	struct report report;
	ssize_t len;

	do
		len = read(f.ours, &report, sizeof(report));
	while (len < 0 && errno == EINTR);
	if (len != sizeof(report))
		fail(DIED, NULL);
	else if (report.err)
		fail(report.err, strerror(report.err));
	else if (write(f.ours, "", 1) != 1)
		fail(DIED, NULL);
	else
		f.report = report;
}

static void count_fork(void)
{
	struct arena_heap_header *header = heap_header();
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	header->fork_ns += (now.tv_sec - f.since.tv_sec) * 1000000000LL +
			   now.tv_nsec - f.since.tv_nsec;
	header->fork_bytes += f.report.bytes;
	if (f.err)
		header->fork_failures++;
	else
		header->forks++;
}

static void finish(void)
{
	sigset_t signals = f.signals;

	f.active = false;
	unlock();
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

static void parent(void)
{
	if (!f.active || !heap_is_mine())
		return;
	close_channel(&f.its);
	if (!f.err && !stop_commit())
		f.err = TRY_AGAIN;
	if (!f.err)
		wait_for_child();
	close_channel(&f.ours);
	sigaction(SIGSEGV, &f.segv, NULL);
	start_threads();
	fork_err = f.err;
	count_fork();
	finish();
}

static void child(void)
{
	if (!f.active || getpid() == heap.pid)
		return;
	copy_and_wait();
	close_channel(&f.its);
	sigaction(SIGSEGV, &f.segv, NULL);
	stop_forget();
	syscall(SYS_close, heap.fd);
	heap.fd = -1;
	finish();
}

/**
 * fork_init() - from now on children get copies
 *
 * Context: before anybody else registers a handler.
 * Return: 0 or an error number.
 */
int fork_init(void)
{
	return stop_init() ? errno : pthread_atfork(prepare, parent, child);
}

/* What the program calls */

/*
 * The child that is not wanted has ended or is about to. It is waited for here: the
 * program never gets to know of it, but perhaps by SIGCHLD.
 */
static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static pid_t try_fork(pid_t (*next)(void), bool call_handlers)
{
	pid_t pid;
	int err;

	fork_err = 0;
	if (call_handlers)
		prepare();
	pid = next();
	err = errno;
	if (call_handlers)
		pid ? parent() : child();
	errno = err;
	return pid;
}

static pid_t fork_by(pid_t (*next)(void), bool call_handlers)
{
	int tries;
	pid_t pid;

	for (tries = 0; tries < TRIES; tries++) {
		pid = try_fork(next, call_handlers);
		if (pid <= 0 || !fork_err)
			return pid;
		reap(pid);
		if (fork_err != TRY_AGAIN)
			break;
	}
	if (fork_err == TRY_AGAIN)
		complain("fork: threads hold locks of the C library, at each of %d tries", TRIES);
	else if (fork_err == DIED)
		complain("fork: the child died while it copied the heap");
	errno = fork_err == TRY_AGAIN ? EAGAIN : fork_err == DIED ? ENOMEM : fork_err;
	return -1;
}

extern pid_t __fork(void);

EXPORT pid_t fork(void)
{
	return fork_by(__fork, false);
}

/* It calls no handlers. */
EXPORT pid_t _Fork(void)
{
	return fork_by((__typeof__(_Fork) *)dlsym(RTLD_NEXT, "_Fork"), true);
}

/* A child with memory of its own would start without a heap, and nothing can help it. */
EXPORT int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	__typeof__(clone) *next = dlsym(RTLD_NEXT, "clone");
	void *ptid, *tls, *ctid;
	va_list ap;

	if (heap_is_mine() && !(flags & CLONE_VM)) {
		complain("no process without CLONE_VM can be made: its heap is in an arena");
		errno = EINVAL;
		return -1;
	}
	va_start(ap, arg);
	ptid = va_arg(ap, void *);
	tls = va_arg(ap, void *);
	ctid = va_arg(ap, void *);
	va_end(ap);
	return next(fn, stack, flags, arg, ptid, tls, ctid);
}
