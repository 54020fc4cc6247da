// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/lock.h>: one holder at a time, dead owners, and deadlocks that end in an error */
#define _GNU_SOURCE
#include <sched.h>
#include <test_progs.h>
#include <sys/wait.h>
#include <signal.h>
#include "arena_lib_lock.h"
#include "arena_lib_lock.skel.h"

#define THREADS 4
/* Additions of each thread */
#ifdef ARENA_LIB_NATIVE
#define COUNTS 20000
#else
#define COUNTS 800
#endif

static struct arena_lib_lock *lock_skel;

static int lock_run(int side, int op)
{
	struct lib_call c = { op, 40 };

	return LIB_CALL(lock_skel, side, &c);
}

static void lock_reset(void)
{
	memset(lock_t, 0, sizeof(*lock_t));
	arena_lock_init(&lock_t->lock, lock_t->nodes);
}

static void lock_basics(void)
{
	int side;

	for (side = 0; side < 2; side++) {
		lock_reset();
		ASSERT_OK(lock_run(side, LOCK_TRY), "try");
		ASSERT_NEQ(lock_t->lock.word, 0, "taken");
		ASSERT_OK(lock_run(side, LOCK_UNLOCK), "unlock");
		ASSERT_EQ(lock_t->lock.word, 0, "free");
		ASSERT_OK(lock_run(side, LOCK_LOCK), "lock");
		ASSERT_EQ(lock_run(side, LOCK_TRY), -EDEADLK, "try again");
		ASSERT_EQ(lock_run(side, LOCK_LOCK), -EDEADLK, "lock again");
		ASSERT_OK(lock_run(side, LOCK_UNLOCK), "unlock");
		ASSERT_EQ(lock_run(side, LOCK_UNLOCK), -EPERM, "unlock again");
		ASSERT_EQ(lock_run(side, LOCK_TWICE), -EDEADLK, "twice");
		ASSERT_EQ(lock_t->lock.word, 0, "free after twice");
	}
	/* the thread cannot go on before the program that it has started */
	lock_reset();
	ASSERT_OK(lock_run(0, LOCK_LOCK), "process");
	ASSERT_EQ(lock_run(1, LOCK_TRY), -EDEADLK, "program of this thread");
	ASSERT_EQ(lock_run(1, LOCK_LOCK), -EDEADLK, "program of this thread");
	ASSERT_OK(lock_run(0, LOCK_UNLOCK), "process");
	/* somebody has written over the word: the thread has no lock then, and may take others */
	ASSERT_OK(lock_run(0, LOCK_LOCK), "process");
	lock_t->lock.word = 0;
	ASSERT_EQ(lock_run(0, LOCK_UNLOCK), -EPERM, "scribbled over");
	ASSERT_OK(lock_run(0, LOCK_LOCK), "process, again");
	ASSERT_OK(lock_run(0, LOCK_UNLOCK), "process, again");
	/* a thread has one robust futex that is in no list */
	ASSERT_EQ(lock_run(0, LOCK_TWO), -EDEADLK, "a second lock, process");
	ASSERT_EQ(lock_t->other.word, 0, "not taken");
}

/* The owner is somebody else, who never comes back */
static void lock_taken(void)
{
	int side;

	for (side = 0; side < 2; side++) {
		lock_reset();
		lock_t->lock.word = 0x12345;
		ASSERT_EQ(lock_run(side, LOCK_TRY), -EBUSY, "try");
		ASSERT_EQ(lock_run(side, LOCK_LOCK), -ETIMEDOUT, "lock");
		ASSERT_EQ(lock_run(side, LOCK_UNLOCK), -EPERM, "unlock");
		ASSERT_EQ(lock_t->lock.word & ARENA_LOCK_OWNER, 0x12345, "left alone");
		lock_t->lock.word &= ARENA_LOCK_WAITERS;
		ASSERT_OK(lock_run(side, LOCK_LOCK), "free again");
		ASSERT_OK(lock_run(side, LOCK_UNLOCK), "unlock");
		ASSERT_OK(lock_t->lock.tail, "queue");
	}
}

static void *take_and_die(void *arg)
{
	return (void *)(long)arena_lock(&lock_t->lock);
}

/* A thread ends that holds the lock: who comes next is told, until somebody has repaired */
static void lock_dead_thread(void)
{
	pthread_t thread;
	void *err;
	int side;

	for (side = 0; side < 2; side++) {
		lock_reset();
		if (!ASSERT_OK(pthread_create(&thread, NULL, take_and_die, NULL), "thread"))
			return;
		pthread_join(thread, &err);
		ASSERT_NULL(err, "taken");
		ASSERT_EQ(lock_t->lock.word, ARENA_LOCK_DIED, "died");
		ASSERT_EQ(lock_run(side, LOCK_LOCK), -EOWNERDEAD, "lock");
		ASSERT_OK(lock_run(side, LOCK_DEAD), "pass it on");
		ASSERT_EQ(lock_run(!side, LOCK_TRY), -EOWNERDEAD, "the next one");
		ASSERT_OK(lock_run(!side, LOCK_UNLOCK), "repaired");
		ASSERT_OK(lock_run(side, LOCK_LOCK), "lock");
		ASSERT_OK(lock_run(side, LOCK_UNLOCK), "unlock");
	}
}

static void lock_killed_process(void)
{
	void *start = (void *)__arena_range.start;
	size_t size = __arena_range.size;
	int status, i;
	pid_t child;

	lock_reset();
	child = fork();
	if (!child) {
#ifndef ARENA_LIB_NATIVE
		if (mmap(start, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 bpf_map__fd(lock_skel->maps.arena), 0) != start)
			_exit(1);
#endif
		if (arena_lock(&lock_t->lock))
			_exit(2);
		__atomic_store_n(&lock_t->stop, 1, __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
	if (!ASSERT_GT(child, 0, "fork"))
		return;
	for (i = 0; i < 5000 && !__atomic_load_n(&lock_t->stop, __ATOMIC_ACQUIRE); i++)
		usleep(1000);
	ASSERT_EQ(lock_t->lock.word, child, "the child has it");
	ASSERT_EQ(lock_run(1, LOCK_TRY), -EBUSY, "program");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	ASSERT_TRUE(WIFSIGNALED(status), "killed");
	ASSERT_EQ(lock_run(1, LOCK_LOCK), -EOWNERDEAD, "program");
	ASSERT_OK(lock_run(1, LOCK_UNLOCK), "program");
	(void)start;
	(void)size;
}

/* So many additions, however long they take; less only of one that does not get anywhere */
static void *lock_worker(void *arg)
{
	int i, n, added = 0;

	for (i = 0; i < 1000 && added < COUNTS; i++) {
		n = lock_run((long)arg & 1, LOCK_COUNT);
		if (n < 0)
			return arg + 1;
		added += n;
	}
	return added < COUNTS ? arg + 1 : NULL;
}

static void *lock_scribbler(void *arg)
{
	while (!__atomic_load_n(&lock_t->stop, __ATOMIC_RELAXED)) {
		struct arena_lock_node *node = &lock_t->nodes[lib_random(4)];

		arena_write_once(lib_random(2) ? &node->state : &node->next, lib_random(6));
		if (!lib_random(4))
			arena_write_once(&lock_t->lock.tail, lib_random(100));
	}
	return NULL;
}

/* Programs and threads at once; with @damage somebody scribbles over the queue */
static void lock_threads(int damage)
{
	pthread_t threads[THREADS], scribbler;
	void *failed;
	int i, n;

	lock_reset();
	if (damage && !ASSERT_OK(pthread_create(&scribbler, NULL, lock_scribbler, NULL), "thread"))
		return;
	for (n = 0; n < THREADS; n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, lock_worker, (void *)(long)n),
			       "thread"))
			break;
	for (i = 0; i < n; i++)
		if (!pthread_join(threads[i], &failed))
			ASSERT_NULL(failed, "counted");
	__atomic_store_n(&lock_t->stop, 1, __ATOMIC_RELAXED);
	if (damage)
		pthread_join(scribbler, NULL);
	ASSERT_EQ(lock_t->wrong, 0, "one at a time");
	ASSERT_EQ(lock_t->count[0], lock_t->done, "each counts");
	ASSERT_EQ(lock_t->lock.word & ~ARENA_LOCK_WAITERS, 0, "free");
	/* a waiter that has given up leaves its node in the queue */
	if (!damage && !lock_t->busy)
		ASSERT_EQ(lock_t->lock.tail, 0, "queue");
	printf("done %u busy %u\n", lock_t->done, lock_t->busy);
}

#ifndef ARENA_LIB_NATIVE
/* The last one in the queue has given up: who comes from its CPU begins a new queue */
static void lock_gave_up(void)
{
	cpu_set_t old, one;

	if (!ASSERT_OK(sched_getaffinity(0, sizeof(old), &old), "affinity"))
		return;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (!ASSERT_OK(sched_setaffinity(0, sizeof(one), &one), "CPU 0"))
		return;
	lock_reset();
	lock_t->lock.word = 0x12345;
	lock_t->lock.tail = 6;
	ASSERT_EQ(lock_run(1, LOCK_LOCK), -ETIMEDOUT, "behind somebody who is not there");
	ASSERT_EQ(lock_t->lock.tail, 1, "the node stays");
	ASSERT_EQ(lock_t->nodes[5].next, 1, "linked");
	ASSERT_EQ(lock_run(1, LOCK_LOCK), -ETIMEDOUT, "behind itself");
	ASSERT_EQ(lock_t->lock.tail, 0, "no queue");
	ASSERT_EQ(lock_t->nodes[0].state, 0, "the node is free");
	sched_setaffinity(0, sizeof(old), &old);
}

/* A program interrupts the one that holds the lock, on the same CPU */
static void lock_nested(void)
{
	struct bpf_link *link = bpf_program__attach(lock_skel->progs.nested);

	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	lock_reset();
	ASSERT_OK(lock_run(1, LOCK_NESTED), "the outer one");
	ASSERT_EQ(lock_t->nested, 1, "nested");
	ASSERT_EQ(lock_t->nested_err, -EDEADLK, "told apart");
	bpf_link__destroy(link);
}

/* Its loops have no round any more, but the lock is not kept */
static void lock_late(void)
{
	lock_reset();
	ASSERT_OK(lock_run(1, LOCK_LATE), "unlock");
	ASSERT_EQ(lock_t->done, 0, "the time is over");
	ASSERT_EQ(lock_t->lock.word, 0, "free");
}

static void lock_xdp(void)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = packet,
		.data_size_in = sizeof(packet),
		.repeat = 100,
	);

	lock_reset();
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(lock_skel->progs.packet), &opts), "run");
	ASSERT_EQ(opts.retval, 2 /* XDP_PASS */, "verdict");
	ASSERT_EQ(lock_run(1, LOCK_NOWHERE), -EFAULT, "no page");
}
#endif

void test_arena_lib_lock(void)
{
	struct arena_lib_lock *skel;

	LIB_OPEN(arena_lib_lock, skel);
	lock_skel = skel;
	lock_t = &skel->arena->lock;
	if (test__start_subtest("basics"))
		lock_basics();
	if (test__start_subtest("taken"))
		lock_taken();
	if (test__start_subtest("dead_thread"))
		lock_dead_thread();
	if (test__start_subtest("killed_process"))
		lock_killed_process();
	if (test__start_subtest("threads"))
		lock_threads(0);
	if (test__start_subtest("damage"))
		lock_threads(1);
#ifndef ARENA_LIB_NATIVE
	if (test__start_subtest("gave_up"))
		lock_gave_up();
	if (test__start_subtest("nested"))
		lock_nested();
	if (test__start_subtest("late"))
		lock_late();
	if (test__start_subtest("xdp"))
		lock_xdp();
#endif
out:
	LIB_CLOSE(arena_lib_lock, skel);
}
