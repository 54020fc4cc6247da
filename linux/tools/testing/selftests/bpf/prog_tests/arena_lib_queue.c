// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/queue.h> against a model, with participants that died, at once, and damaged */
#include <test_progs.h>
#include "arena_lib_queue.h"
#include "arena_lib_queue.skel.h"

#define ROUNDS 1500

static struct arena_lib_queue *queue_skel;
static unsigned int fifo[SLOTS], fifo_len, lifo[NODES], lifo_len;

static int queue_run(int side, int op, unsigned long long a, unsigned long long b)
{
	struct lib_call c = { op, a, b };

	return LIB_CALL(queue_skel, side, &c);
}

static int queue_reset(int side, int order)
{
	memset(queue_t, 0, sizeof(*queue_t));
	fifo_len = 0;
	lifo_len = 0;
	return ASSERT_OK(queue_run(side, RING_INIT, order, 0), "init") ? 0 : -1;
}

static int model_op(int op, unsigned int a, unsigned int slots)
{
	switch (op) {
	case RING_PUT:
		if (fifo_len == slots)
			return -ENOSPC;
		fifo[fifo_len++] = a;
		return 0;
	case RING_GET:
		if (!fifo_len)
			return -ENOENT;
		memmove(fifo, fifo + 1, --fifo_len * sizeof(*fifo));
		return 0;
	case STACK_PUSH:
		lifo[lifo_len++] = a;
		return 0;
	case STACK_POP:
		return lifo_len ? lifo[--lifo_len] : -ENOENT;
	}
	return -1;
}

static int model_pushed(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < lifo_len; i++)
		if (lifo[i] == n)
			return 1;
	return 0;
}

/*
 * Either side, at random. @dead: now and then a participant dies between its slot and the index:
 * the index lags, and whoever comes next does not notice.
 */
static void queue_random(int order, int dead)
{
	unsigned int a, want, first;
	int i, op, side, err;

	if (queue_reset(order & 1, order))
		return;
	for (i = 0; i < ROUNDS; i++) {
		side = lib_random(2);
		op = lib_random(NR_QUEUE_OPS);
		a = lib_random(NODES);
		if (op == STACK_PUSH && model_pushed(a))
			op = STACK_POP;
		if (op == RING_PUT)
			a = lib_random(~0U);
		first = fifo[0];
		want = model_op(op, a, 1U << order);
		err = queue_run(side, op, a, 0);
		if (!ASSERT_EQ(err, (int)want, "result") ||
		    (op == RING_GET && !err && !ASSERT_EQ(queue_t->value, first, "value"))) {
			printf("round %d order %d side %d: op %d\n", i, order, side, op);
			return;
		}
		if (!dead) {
			if (!ASSERT_EQ(queue_run(side, RING_COUNT, 0, 0), fifo_len, "count"))
				return;
		} else if (!err && !lib_random(3)) {
			queue_t->ring.tail -= op == RING_PUT;
			queue_t->ring.head -= op == RING_GET;
		}
	}
}

static void queue_stack_all(void)
{
	int side, i;

	for (side = 0; side < 2; side++) {
		if (queue_reset(side, ORDER))
			return;
		ASSERT_EQ(queue_run(side, STACK_POP_ALL, 0, 0), 0, "none");
		for (i = 0; i < 3; i++)
			queue_run(!side, STACK_PUSH, i, 0);
		ASSERT_OK(queue_run(side, STACK_PUSH_ALL, 8, 0), "two at once");
		ASSERT_EQ(queue_run(!side, STACK_POP, 0, 0), 8, "the first of them");
		ASSERT_EQ(queue_run(side, STACK_POP_ALL, 0, 0), 4, "all");
		ASSERT_EQ(queue_run(side, STACK_POP, 0, 0), -ENOENT, "none is left");
	}
}

struct queue_job {
	int side, op, me;
};

static void *queue_worker(void *arg)
{
	struct queue_job *job = arg;
	long err;
	int i;

	for (i = 0; i < 1000000; i++) {
		sched_yield();
		err = queue_run(job->side, job->op, job->me, 256);
		if (err)
			return (void *)err;
		if (job->op == RING_PRODUCE ? queue_t->next[job->me] == PUTS :
		    __atomic_load_n(&queue_t->stop, __ATOMIC_RELAXED))
			return NULL;
	}
	return (void *)-1L;
}

/* Producers and consumers of both sides, and programs that interrupt them */
static void queue_threads(void)
{
	struct queue_job jobs[] = {
		{ 1, RING_PRODUCE, 0 }, { 0, RING_PRODUCE, 1 }, { 1, RING_CONSUME, 0 },
		{ 0, RING_CONSUME, 1 }, { 1, STACK_TURN, 0 }, { 0, STACK_TURN, 1 },
	};
	unsigned long long want = PUTS * (PUTS + 1ULL) / 2;
	pthread_t threads[ARRAY_SIZE(jobs)];
	struct lib_interrupts on = {};
	int i, n, ready;
	void *result;

	if (queue_reset(0, ORDER))
		return;
	for (i = 0; i < NODES / 2; i++)
		queue_run(0, STACK_PUSH, i, 0);
	ready = !lib_interrupt(&on, queue_skel->progs.on_clock, queue_skel->progs.on_nmi);
	for (n = 0; ready && n < ARRAY_SIZE(jobs); n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, queue_worker, &jobs[n]), "thread"))
			break;
	lib_nmi();
	for (i = 0; i < n; i++) {
		if (i == 2)
			__atomic_store_n(&queue_t->stop, 1, __ATOMIC_RELAXED);
		pthread_join(threads[i], &result);
		ASSERT_EQ((long)result, 0, "run");
	}
	lib_no_interrupts(&on);
	queue_t->stop = 1;
	ASSERT_OK(queue_run(0, RING_CONSUME, 2, 100), "the rest");
	ASSERT_EQ(queue_run(1, RING_GET, 0, 0), -ENOENT, "empty");
#ifndef ARENA_LIB_NATIVE
	ASSERT_GT(queue_t->interrupts, 10, "interrupted");
#endif
	printf("popped %u again %u lost %u interrupts %u\n", queue_t->popped, queue_t->again,
	       queue_t->lost, queue_t->interrupts);
	ASSERT_EQ(queue_t->sum[0], want, "what the program put, once each");
	ASSERT_EQ(queue_t->sum[1], want, "what the process put, once each");
	want = queue_t->next[3] * (queue_t->next[3] + 1ULL) / 2;
	ASSERT_EQ(queue_t->sum[3], want, "what interrupts put, once each");
	ASSERT_EQ(queue_t->wrong, 0, "out of order, or owned by two");
	ASSERT_GT(queue_t->popped, 1000, "popped");
	ASSERT_EQ(queue_run(1, STACK_POP_ALL, 0, 0), NODES / 2 - queue_t->lost, "elements");
}

/* Each word in turn becomes each of these: an error or a wrong value, no loop, no other memory */
static void queue_damage(void)
{
	__u64 base = (unsigned long)queue_t;
	__u64 bad[] = { 0, 1, 2, 8, 63, 1ULL << 32, 5ULL << 32, ~0ULL, base + (1UL << 31), base + 1,
			(unsigned long)&fifo, (unsigned long)&queue_t->node[2].link,
			7ULL << 32 | (__u32)(unsigned long)&queue_t->node[2].link };
	__u64 *words[] = { &queue_t->ring.tail, &queue_t->ring.head, &queue_t->ring.order,
			   (__u64 *)&queue_t->ring.slots, &queue_t->slots[2], &queue_t->slots[3],
			   &queue_t->stack.head, (__u64 *)&queue_t->node[1].link.next };
	unsigned int side, w, b, op, i, errors = 0;
	int err;

	for (i = 0; i < 2 * ARRAY_SIZE(words) * ARRAY_SIZE(bad); i++) {
		side = i % 2;
		w = i / 2 % ARRAY_SIZE(words);
		b = i / 2 / ARRAY_SIZE(words);
		if (queue_reset(side, ORDER))
			return;
		for (op = 0; op < 3; op++) {
			queue_run(0, RING_PUT, op, 0);
			queue_run(0, STACK_PUSH, op, 0);
			if (op != 2)
				queue_run(0, RING_GET, op, 0);
		}
		*words[w] = bad[b];
		for (op = 0; op < 4 * NR_QUEUE_OPS; op++) {
			err = queue_run(side, op % NR_QUEUE_OPS, 5, 0);
			errors += err < 0;
			if (err < 0 && err != -ENOSPC && err != -ENOENT && err != -EAGAIN &&
			    err != -EUCLEAN && err != -EFAULT && op % NR_QUEUE_OPS != STACK_POP) {
				ASSERT_EQ(err, 0, "error");
				printf("side %u word %u bad %u op %u\n", side, w, b, op);
			}
		}
	}
	ASSERT_GT(errors, 100, "found");

	for (side = 0; side < 2; side++) {
		memset(queue_t, 0, sizeof(*queue_t));
		ASSERT_EQ(queue_run(side, RING_PUT, 0, 0), -EUCLEAN, "zeroes are no ring");
		ASSERT_EQ(queue_run(side, RING_GET, 0, 0), -EUCLEAN, "zeroes are no ring");
		ASSERT_EQ(queue_run(side, STACK_PUSH, 0, 0), -EUCLEAN, "zeroes are no stack");
		ASSERT_EQ(queue_run(side, STACK_POP, 0, 0), -EUCLEAN, "zeroes are no stack");
		ASSERT_EQ(queue_run(side, RING_INIT, 25, 0), -EINVAL, "too large");
		/* a slot that was filled twice: others have not come in between, it is damaged */
		queue_reset(side, ORDER);
		queue_t->slots[0] = 9ULL << 32;
		ASSERT_EQ(queue_run(side, RING_PUT, 0, 0), -EUCLEAN, "turn");
		ASSERT_EQ(queue_run(side, RING_GET, 0, 0), -EUCLEAN, "turn");
	}
	ASSERT_EQ(arena_ring_put((void *)&fifo, 1), -EFAULT, "not in the arena");
	ASSERT_EQ(arena_stack_push(&queue_t->stack, (void *)&fifo), -EFAULT, "not in the arena");
}

#ifndef ARENA_LIB_NATIVE
/* A program whose time is over: the first try is in no loop */
static void queue_late(void)
{
	struct lib_call c = { RING_PUT, 7, 0, 1 };
	int err;

	if (queue_reset(1, ORDER))
		return;
	err = lib_program(queue_skel->progs.op, &c);
	if (err == LIB_NOT_LATE) {
		fprintf(stdout, "%s:SKIP:no program's time is over here\n", __func__);
		test__skip();
		return;
	}
	ASSERT_OK(err, "put");
	c.op = RING_GET;
	ASSERT_OK(lib_program(queue_skel->progs.op, &c), "get");
	ASSERT_EQ(queue_t->value, 7, "value");
	c.op = STACK_PUSH;
	ASSERT_OK(lib_program(queue_skel->progs.op, &c), "push");
	c.op = STACK_POP;
	ASSERT_EQ(lib_program(queue_skel->progs.op, &c), 7, "pop");
}
#endif

void test_arena_lib_queue(void)
{
	struct arena_lib_queue *skel;
	int order;

	LIB_OPEN(arena_lib_queue, skel);
	queue_skel = skel;
	queue_t = &skel->arena->queue;
	if (test__start_subtest("random"))
		for (order = 0; order <= ORDER; order += 3)
			queue_random(order, 0);
	if (test__start_subtest("dead"))
		for (order = 0; order <= ORDER; order++)
			queue_random(order, 1);
	if (test__start_subtest("stack_all"))
		queue_stack_all();
	if (test__start_subtest("threads"))
		queue_threads();
	if (LIB_DAMAGE && test__start_subtest("damage"))
		queue_damage();
#ifndef ARENA_LIB_NATIVE
	if (test__start_subtest("late"))
		queue_late();
#endif
out:
	LIB_CLOSE(arena_lib_queue, skel);
}
