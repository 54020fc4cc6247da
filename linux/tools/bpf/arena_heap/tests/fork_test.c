// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * Children that go on after fork(), alone and beside threads
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "tap.h"

#define N 20000

static unsigned long *table[N];

static void fill(void)
{
	int i;

	for (i = 0; i < N; i++) {
		table[i] = malloc(200);
		*table[i] = i * 3;
	}
}

static bool is_filled(unsigned long add)
{
	int i;

	for (i = 0; i < N; i++)
		if (*table[i] != i * 3 + add)
			return false;
	return true;
}

static void change(unsigned long add)
{
	int i;

	for (i = 0; i < N; i++)
		*table[i] += add;
}

/* The exit status of a child that does what @child does; -1 if there is none */
static int status_of(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
	       WEXITSTATUS(status) : -1;
}

static int in_child(int (*child)(void))
{
	pid_t pid = fork();

	if (!pid)
		_exit(child());
	return status_of(pid);
}

static int sees_it(void)
{
	return is_filled(0) ? 0 : 1;
}

static int changes_it(void)
{
	int i;

	change(5);
	for (i = 0; i < N; i++) {
		free(table[i]);
		table[i] = malloc(300);
		if (!inside(table[i]))
			return 2;
	}
	return 0;
}

static int has_a_child(void)
{
	change(7);
	if (in_child(sees_it) != 1)
		return 1;
	return is_filled(7) ? 0 : 2;
}

static int uses_stdio(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[100];
	int n = 0;

	while (fgets(line, sizeof(line), file))
		n++;
	fclose(file);
	fflush(NULL);
	return n > 10 ? 0 : 1;
}

static int has_no_arena(void)
{
	struct arena_heap_header h;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		if (arena_heap_read_header(fd, &h))
			return 1;
	return 0;
}

static void test_alone(void)
{
	unsigned long long forks = header()->forks, bytes = header()->fork_bytes;

	check(in_child(sees_it) == 0, "the child sees the heap");
	check(header()->forks == forks + 1, "it is counted");
	bytes = header()->fork_bytes - bytes;
	check(bytes > N * 200 && bytes < 64 << 20, "%llu bytes were copied: not all of the heap",
	      bytes);
	check(in_child(changes_it) == 0, "the child changes it");
	check(is_filled(0), "the parent sees nothing of that");
	check(in_child(has_a_child) == 0, "the child has a child, by an ordinary fork");
	check(in_child(uses_stdio) == 0, "the child uses stdio");
	check(in_child(has_no_arena) == 0, "the child has no arena");
}

static int parents_changes(void)
{
	usleep(300000);
	return is_filled(0) ? 0 : 1;
}

static void test_snapshot(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(parents_changes());
	change(1);
	check(status_of(pid) == 0, "the child does not see what the parent does later");
	change(-1);
}

/*
 * Two numbers that a thread always changes together, at both ends of a large block, and
 * lists that mimalloc changes without a lock: no child may see one without the other.
 */
static atomic_ulong *left, *right;
static atomic_bool stop;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *counts(void *arg)
{
	while (!stop) {
		atomic_fetch_add(left, 1);
		atomic_fetch_add(right, 1);
	}
	return NULL;
}

static void *allocates(void *arg)
{
	void *ptr[100] = {};
	unsigned int seed = 1, i;

	while (!stop) {
		i = rand_r(&seed) % 100;
		free(ptr[i]);
		ptr[i] = malloc(rand_r(&seed) % 20000);
		if (ptr[i])
			memset(ptr[i], 1, 10);
	}
	return NULL;
}

static void *holds_locks(void *arg)
{
	FILE *file;

	while (!stop) {
		file = fopen("/dev/null", "w");
		fputs("x", file);
		fflush(NULL);
		fclose(file);
		getpwuid(0);
	}
	return NULL;
}

static void *blocks_all(void *arg)
{
	sigset_t set;

	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	while (!stop)
		usleep(1000);
	return NULL;
}

static void *sleeps(void *arg)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *comes_and_goes(void *arg)
{
	pthread_t thread;

	while (!stop) {
		if (!pthread_create(&thread, NULL, sleeps, NULL))
			pthread_join(thread, NULL);
	}
	return NULL;
}

static int together(void)
{
	long diff = *left - *right;
	void *ptr;
	int i;

	if (diff != 0 && diff != 1)
		return 1;
	if (!is_filled(0))
		return 2;
	for (i = 0; i < 1000; i++) {
		ptr = malloc(i * 7);
		if (!ptr)
			return 3;
		memset(ptr, 1, i * 7);
		free(ptr);
	}
	return uses_stdio();
}

static void test_threads(int forks)
{
	static void *(*const functions[])(void *) = {
		counts, allocates, holds_locks, blocks_all, comes_and_goes, sleeps,
	};
	pthread_t threads[6];
	int i, n, bad = 0, first = 0;
	char *block = malloc(8 << 20);

	left = (atomic_ulong *)block;
	right = (atomic_ulong *)(block + (8 << 20) - sizeof(*right));
	*left = 0;
	*right = 0;
	pthread_mutex_lock(&mutex);
	for (i = 0; i < 5; i++)
		pthread_create(&threads[i], NULL, functions[i], NULL);
	pthread_mutex_unlock(&mutex);
	usleep(100000);
	for (i = 0; i < forks; i++) {
		n = in_child(together);
		bad += !!n;
		first = first ?: n;
	}
	check(!bad, "%d forks beside threads: no half of anything (%d bad, %d)", forks, bad, first);
	stop = true;
	for (i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	check(*left == *right && *left > 1000, "the threads went on");
}

/* A system call that is begun anew is not disturbed; poll() returns, as by any signal. */
static int pipes[2];

static void *reads(void *arg)
{
	char c = 0;

	return (void *)(read(pipes[0], &c, 1) == 1 && c == 'y' ? 1L : 0);
}

static void test_blocked(void)
{
	pthread_t thread;
	void *good = NULL;

	if (pipe(pipes))
		exit(1);
	pthread_create(&thread, NULL, reads, NULL);
	usleep(50000);
	check(in_child(sees_it) == 0, "fork beside a thread in read()");
	check(write(pipes[1], "y", 1) == 1 && !pthread_join(thread, &good) && good,
	      "it reads on");
}

static void *sets_uid(void *arg)
{
	while (!stop)
		if (setuid(getuid()))
			return (void *)1;
	return NULL;
}

static void test_setuid(void)
{
	pthread_t thread;
	void *bad;
	int i, wrong = 0;

	stop = false;
	pthread_create(&thread, NULL, sets_uid, NULL);
	for (i = 0; i < 20; i++)
		wrong += in_child(sees_it) != 0;
	stop = true;
	pthread_join(thread, &bad);
	check(!wrong && !bad, "fork beside setuid() in a thread, which has the same signal");
}

/* By _Fork(), which calls no handlers */
static void test_fork_only(void)
{
	pid_t pid = _Fork();

	if (!pid)
		_exit(sees_it());
	check(status_of(pid) == 0, "_Fork");
}

static void test_daemon(void)
{
	int fds[2];
	char c = 'n';
	pid_t pid;

	if (pipe(fds))
		exit(1);
	pid = fork();
	if (!pid) {
		/* this one is ordinary: the process has no arena */
		if (daemon(1, 1))
			_exit(1);
		c = is_filled(0) ? 'y' : 'n';
		_exit(write(fds[1], &c, 1) != 1);
	}
	check(status_of(pid) == 0 && read(fds[0], &c, 1) == 1 && c == 'y', "daemon of a child");
}

static int nothing(void *arg)
{
	return 0;
}

static void test_refused(void)
{
	struct rlimit { unsigned long cur, max; } old, none = { 0, 0 };
	static char stack[65536] __attribute__((aligned(16)));
	unsigned long long failures = header()->fork_failures;
	pid_t pid;
	int fd;

	check(clone(nothing, stack + sizeof(stack), SIGCHLD, NULL) == -1 && errno == EINVAL,
	      "clone without CLONE_VM: EINVAL");
	syscall(SYS_prlimit64, 0, 7, NULL, &old);
	none.max = old.max;
	syscall(SYS_prlimit64, 0, 7, &none, NULL);
	pid = fork();
	if (!pid)
		_exit(0);
	syscall(SYS_prlimit64, 0, 7, &old, NULL);
	check(pid == -1 && errno == EMFILE, "no file descriptors: fork gives EMFILE");
	check(header()->fork_failures == failures + 1, "it is counted");
	check(in_child(sees_it) == 0, "the next fork works");
	/* a raw close() gets past the library */
	for (fd = 3; fd < 1024; fd++) {
		struct arena_heap_header h;

		if (arena_heap_read_header(fd, &h))
			syscall(SYS_close, fd);
	}
	pid = fork();
	if (!pid)
		_exit(0);
	check(pid == -1 && errno == EAGAIN, "arena's file descriptor gone: EAGAIN");
	check(is_filled(0), "the heap is unharmed");
}

static ucontext_t back;
static bool refused;

static void forks_here(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	refused = pid == -1 && errno == EAGAIN;
	swapcontext(&(ucontext_t){}, &back);
}

/* As coroutines do */
static void test_stack(void)
{
	ucontext_t context;

	getcontext(&context);
	context.uc_stack.ss_sp = malloc(1 << 20);
	context.uc_stack.ss_size = 1 << 20;
	makecontext(&context, forks_here, 0);
	swapcontext(&back, &context);
	check(refused, "fork on a stack in the heap: EAGAIN");
}

/* With nolock.so: a thread has a lock that fork() needs, most of the time. */
static void *has_lock(void *arg)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW);
	__typeof__(sync) *lock = dlsym(libc, "_IO_list_lock");
	__typeof__(sync) *unlock = dlsym(libc, "_IO_list_unlock");

	while (!stop) {
		lock();
		usleep(2000);
		unlock();
		usleep(1000);
	}
	return NULL;
}

static void test_broken(void)
{
	pthread_t thread;
	int i, good = 0;

	pthread_create(&thread, NULL, has_lock, NULL);
	for (i = 0; i < 6; i++)
		good += in_child(sees_it) == 0;
	stop = true;
	pthread_join(thread, NULL);
	check(good >= 5, "threads that hold the C library's locks: tried again (%d of 6)", good);
	check(header()->fork_failures > 0, "that was needed");
}

static void *ignores(void *arg)
{
	unsigned long set = ~0UL;

	/* not by the C library, which leaves the signal */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, sizeof(set));
	while (!stop)
		usleep(1000);
	return NULL;
}

static void test_stubborn(void)
{
	pthread_t thread;
	pid_t pid;

	pthread_create(&thread, NULL, ignores, NULL);
	usleep(50000);
	pid = fork();
	if (!pid)
		_exit(0);
	check(pid == -1 && errno == EAGAIN, "a thread that cannot be stopped: EAGAIN");
	stop = true;
	pthread_join(thread, NULL);
	check(in_child(sees_it) == 0, "without it fork works");
}

int main(int argc, char **argv)
{
	find_heap();
	fill();
	if (argc > 1 && !strcmp(argv[1], "broken")) {
		test_broken();
		return failed;
	}
	if (argc > 1 && !strcmp(argv[1], "stubborn")) {
		test_stubborn();
		return failed;
	}
	test_alone();
	test_snapshot();
	test_fork_only();
	test_daemon();
	test_threads(argc > 1 ? atoi(argv[1]) : 30);
	test_blocked();
	test_setuid();
	test_stack();
	test_refused();
	return failed;
}
