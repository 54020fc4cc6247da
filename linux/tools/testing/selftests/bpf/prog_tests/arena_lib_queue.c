// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/queue.h> against a model, with participants that died, at once, and damaged */
#include <setjmp.h>
#include <test_progs.h>
#include <bpf/arena/common.h>

/*
 * Before each access of queue.h to what others change comes a step, at which a test may have
 * somebody else come in between, or this one die.
 */
static int queue_left = -1;
static void queue_at_step(void);

static inline void queue_step(void)
{
	if (queue_left >= 0 && !queue_left--)
		queue_at_step();
}

#undef arena_read_once
#define arena_read_once(p) (queue_step(), __atomic_load_n(p, __ATOMIC_RELAXED))
#undef arena_load_acquire
#define arena_load_acquire(p) (queue_step(), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#undef arena_cmpxchg
#define arena_cmpxchg(p, old, new)					\
	({								\
		__typeof__(*(p)) __old = (old);				\
									\
		queue_step();						\
		__atomic_compare_exchange_n(p, &__old, new, 0,		\
					    __ATOMIC_SEQ_CST,		\
					    __ATOMIC_SEQ_CST);		\
		__arena_after_atomic();					\
		__old;							\
	})

#include "arena_lib_queue.h"
#include "arena_lib_queue.skel.h"

#define ROUNDS 1500
#define POPS 1000

/* What is in the ring and in the stack */
struct queue_model {
	unsigned int fifo[SLOTS], fifo_len, lifo[NODES], lifo_len, slots;
};

struct queue_result {
	int err;
	unsigned int value;	/* of RING_GET */
};

static struct arena_lib_queue *queue_skel;
static struct queue_model model;

static int queue_run(int side, int op, unsigned long long a, unsigned long long b)
{
	struct lib_call c = { op, a, b };

	return LIB_CALL(queue_skel, side, &c);
}

static struct queue_result queue_op(int side, int op, unsigned int a)
{
	struct queue_result r = { queue_run(side, op, a, 0) };

	if (op == RING_GET && !r.err)
		r.value = queue_t->value;
	return r;
}

static int queue_reset(int side, int order)
{
	memset(queue_t, 0, sizeof(*queue_t));
	memset(&model, 0, sizeof(model));
	model.slots = 1U << order;
	return ASSERT_OK(queue_run(side, RING_INIT, order, 0), "init") ? 0 : -1;
}

static struct queue_result model_op(struct queue_model *m, int op, unsigned int a)
{
	struct queue_result r = {};

	switch (op) {
	case RING_PUT:
		if (m->fifo_len == m->slots)
			r.err = -ENOSPC;
		else
			m->fifo[m->fifo_len++] = a;
		break;
	case RING_GET:
		if (!m->fifo_len) {
			r.err = -ENOENT;
			break;
		}
		r.value = m->fifo[0];
		memmove(m->fifo, m->fifo + 1, --m->fifo_len * sizeof(*m->fifo));
		break;
	case STACK_PUSH:
		m->lifo[m->lifo_len++] = a;
		break;
	case STACK_POP:
		r.err = m->lifo_len ? (int)m->lifo[--m->lifo_len] : -ENOENT;
		break;
	}
	return r;
}

static int model_pushed(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < model.lifo_len; i++)
		if (model.lifo[i] == n)
			return 1;
	return 0;
}

/* As if the ring and the stack had been in use for long */
static void queue_age(int order, __u64 lap)
{
	int i;

	for (i = 0; i < 1 << order; i++)
		queue_t->slots[i] = 2 * lap << 32;
	queue_t->ring.tail = lap << order;
	queue_t->ring.head = lap << order;
	queue_t->stack.head = (2 * lap + 1) << 32;
}

/*
 * Either side, at random. @dead: now and then a participant dies between its slot and the index:
 * the index lags, and whoever comes next does not notice.
 */
static void queue_random(int order, int dead, __u64 lap)
{
	struct queue_result r, want;
	unsigned int a;
	int i, op, side;

	if (queue_reset(order & 1, order))
		return;
	if (lap)
		queue_age(order, lap);
	for (i = 0; i < ROUNDS; i++) {
		side = lib_random(2);
		op = lib_random(NR_QUEUE_OPS);
		a = lib_random(NODES);
		if (op == STACK_PUSH && model_pushed(a))
			op = STACK_POP;
		if (op == RING_PUT)
			a = lib_random(~0U);
		want = model_op(&model, op, a);
		r = queue_op(side, op, a);
		if (!ASSERT_EQ(r.err, want.err, "result") ||
		    !ASSERT_EQ(r.value, want.value, "value")) {
			printf("round %d order %d side %d: op %d\n", i, order, side, op);
			return;
		}
		if (!dead) {
			if (!ASSERT_EQ(queue_run(side, RING_COUNT, 0, 0), model.fifo_len, "count"))
				return;
		} else if (!r.err && !lib_random(3)) {
			queue_t->ring.tail -= op == RING_PUT;
			queue_t->ring.head -= op == RING_GET;
		}
	}
	if (lap) /* 31 bits of laps, and 31 bits of changes */
		ASSERT_GT(queue_t->ring.tail >> order, lap + 4, "laps");
}

/* What comes in between, in one go */
static const struct queue_ops {
	int n, op[4];
} queue_between[] = {
	{ 1, { RING_PUT } },
	{ 1, { RING_GET } },
	{ 2, { RING_PUT, RING_GET } },
	{ 2, { RING_GET, RING_PUT } },
	{ 4, { RING_GET, RING_PUT, RING_GET, RING_PUT } },
	{ 4, { RING_PUT, RING_PUT, RING_GET, RING_GET } },
	{ 1, { STACK_PUSH } },
	{ 1, { STACK_POP } },
	{ 2, { STACK_PUSH, STACK_POP } },
	/* the same element is on top, and another one below it */
	{ 3, { STACK_POP, STACK_POP, STACK_PUSH } },
};

static struct queue_case {
	const struct queue_ops *between;
	int side, dies, top;
	struct queue_result result[4];
	jmp_buf dead;
} queue_case;

/* What is put and pushed: after two pops what was on top before */
static unsigned int queue_arg(int op, int i)
{
	if (op != STACK_PUSH)
		return 100 + i;
	return i == 2 && queue_case.top >= 0 ? queue_case.top : NODES - 1;
}

static void queue_come_between(void)
{
	const struct queue_ops *ops = queue_case.between;
	int i;

	if (queue_case.side == 2)
		queue_t->stack.head = 0;
	for (i = 0; i < ops->n && queue_case.side < 2; i++)
		queue_case.result[i] = queue_op(queue_case.side, ops->op[i],
						queue_arg(ops->op[i], i));
}

static void queue_at_step(void)
{
	if (queue_case.dies)
		longjmp(queue_case.dead, 1);
	queue_come_between();
}

static int queue_same(struct queue_result a, struct queue_result b)
{
	return a.err == b.err && a.value == b.value;
}

/* Would this be so if @outer came first (@when 0), last (1), or not at all (2)? */
static int queue_explains(int when, int outer, struct queue_result r, const struct queue_model *is)
{
	const struct queue_ops *ops = queue_case.between;
	struct queue_model m = model;
	int i, same = 1;

	if (!when)
		same &= queue_same(model_op(&m, outer, NODES - 2), r) || queue_case.dies;
	for (i = 0; i < ops->n; i++)
		same &= queue_same(model_op(&m, ops->op[i], queue_arg(ops->op[i], i)),
				   queue_case.result[i]);
	if (when == 1)
		same &= queue_same(model_op(&m, outer, NODES - 2), r);
	return same && m.fifo_len == is->fifo_len && m.lifo_len == is->lifo_len &&
	       !memcmp(m.fifo, is->fifo, m.fifo_len * sizeof(*m.fifo)) &&
	       !memcmp(m.lifo, is->lifo, m.lifo_len * sizeof(*m.lifo));
}

/* All that there is, taken out by the process */
static void queue_drain(struct queue_model *is)
{
	struct queue_result r;
	int i, node[NODES];

	memset(is, 0, sizeof(*is));
	while (is->fifo_len < SLOTS) {
		r = queue_op(0, RING_GET, 0);
		if (r.err)
			break;
		is->fifo[is->fifo_len++] = r.value;
	}
	while (is->lifo_len < NODES) {
		node[is->lifo_len] = queue_run(0, STACK_POP, 0, 0);
		if (node[is->lifo_len] < 0)
			break;
		is->lifo_len++;
	}
	for (i = 0; i < is->lifo_len; i++)
		is->lifo[i] = node[is->lifo_len - 1 - i];
}

/* Returns true if the operation has no such step, or after a failure */
static int queue_one_step(int order, int fill, int outer, int step)
{
	struct queue_result r = {};
	struct queue_model is;
	int i;

	if (queue_reset(0, order))
		return 1;
	for (i = 0; i < 3; i++) {
		queue_op(0, RING_PUT, 1);
		queue_op(0, RING_GET, 0);
	}
	for (i = 0; i < fill; i++) {
		queue_op(0, RING_PUT, model_op(&model, RING_PUT, i).err ? 0 : i);
		queue_op(0, STACK_PUSH, i);
		model_op(&model, STACK_PUSH, i);
	}
	queue_case.top = fill - 1;
	queue_left = step;
	if (!setjmp(queue_case.dead)) {
		r = queue_op(0, outer, NODES - 2);
		if (queue_left >= 0) {
			queue_left = -1;
			return 1;
		}
	} else {
		queue_come_between();
	}
	queue_drain(&is);
	if (queue_explains(0, outer, r, &is) ||
	    queue_explains(queue_case.dies ? 2 : 1, outer, r, &is))
		return 0;
	ASSERT_TRUE(0, "one before the other");
	printf("order %d fill %d op %d step %d between %d side %d dies %d: %d %u\n", order, fill,
	       outer, step, (int)(queue_case.between - queue_between), queue_case.side,
	       queue_case.dies, r.err, r.value);
	return 1;
}

/*
 * At each step of each operation of a process somebody else comes in between, as an interrupt
 * does, or this one dies: one of them was first, and the operation is there as a whole or not
 * at all.
 */
static void queue_steps(void)
{
	static const int orders[] = { 0, 1, ORDER };
	int o, fill, outer, i, n, step, cases = 0;

	for (n = 0; n < 4 * ARRAY_SIZE(queue_between); n++) {
		queue_case.between = &queue_between[n / 4];
		queue_case.side = n & 1;
		queue_case.dies = n & 2;
		for (i = 0; i < ARRAY_SIZE(orders) * NR_QUEUE_OPS * 4; i++) {
			o = orders[i / 4 / NR_QUEUE_OPS];
			outer = i / 4 % NR_QUEUE_OPS;
			fill = i % 4;
			if (fill == 3)
				fill = 1 << o;
			for (step = 0; !queue_one_step(o, fill, outer, step); step++)
				cases++;
		}
	}
	ASSERT_GT(cases, 3000, "cases");
}

static void queue_stack_all(void)
{
	int side, i;

	for (side = 0; side < 2; side++) {
		if (queue_reset(side, ORDER))
			return;
		ASSERT_EQ(queue_run(side, STACK_POP_ALL, 0, 0), -ENOENT, "none");
		for (i = 0; i < 3; i++)
			queue_run(!side, STACK_PUSH, i, 0);
		ASSERT_OK(queue_run(side, STACK_PUSH_ALL, 8, 0), "two at once");
		ASSERT_EQ(queue_run(!side, STACK_POP, 0, 0), 8, "the first of them");
		ASSERT_EQ(queue_run(side, STACK_POP_ALL, 0, 0), 4, "all");
		ASSERT_EQ(queue_run(side, STACK_POP, 0, 0), -ENOENT, "none is left");
		queue_run(side, STACK_PUSH, 1, 0);
		ASSERT_EQ(queue_run(side, STACK_PUSH_NULL, 0, 0), -EINVAL, "what would be NULL");
		ASSERT_EQ(queue_run(side, STACK_POP, 0, 0), 1, "it has changed nothing");
	}
}

struct queue_job {
	int side, op, me;
};

/* Whoever comes late pops nevertheless */
static int queue_done(const struct queue_job *job)
{
	if (job->op == RING_PRODUCE)
		return queue_t->next[job->me] == PUTS;
	return __atomic_load_n(&queue_t->stop, __ATOMIC_RELAXED) &&
	       (job->op != STACK_TURN ||
		__atomic_load_n(&queue_t->popped, __ATOMIC_RELAXED) > POPS);
}

static void *queue_worker(void *arg)
{
	struct queue_job *job = arg;
	long err;
	int i;

	for (i = 0; i < 100000000; i++) {
		sched_yield();
		err = queue_run(job->side, job->op, job->me, 256);
		if (err)
			return (void *)err;
		if (queue_done(job))
			return NULL;
	}
	return (void *)-1L;
}

/* The stack's users go on until there have been interrupts, however fast this machine is */
static void queue_stop(void)
{
#ifndef ARENA_LIB_NATIVE
	int i;

	for (i = 0; i < 5000; i++) {
		if (__atomic_load_n(&queue_t->interrupts, __ATOMIC_RELAXED) > 10)
			break;
		usleep(1000);
	}
#endif
	__atomic_store_n(&queue_t->stop, 1, __ATOMIC_RELAXED);
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
			queue_stop();
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
	ASSERT_GT(queue_t->popped, POPS, "popped");
	ASSERT_EQ(queue_run(1, STACK_POP_ALL, 0, 0), NODES / 2 - queue_t->lost, "elements");
}

/* Each word in turn becomes each of these: an error or a wrong value, no loop, no other memory */
static void queue_damage(void)
{
	__u64 base = __arena_range.start;
	__u64 bad[] = { 0, 1, 2, 8, 63, 1ULL << 32, 5ULL << 32, ~0ULL, base + (1UL << 31), base + 1,
			(unsigned long)&model, (unsigned long)&queue_t->node[2].link,
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
	ASSERT_EQ(arena_ring_put((void *)&model, 1), -EFAULT, "not in the arena");
	ASSERT_EQ(arena_ring_count((void *)(base - 4096)), 0, "not in the arena");
	ASSERT_EQ(arena_stack_push(&queue_t->stack, (void *)&model), -EFAULT, "not in the arena");
}

/* What ring and stack say of themselves is one thing, what is done another */
static void queue_lies(void)
{
	char *odd = (char *)queue_t->slots + 4;
	__u64 word;
	int side;

	for (side = 0; side < 2; side++) {
		if (queue_reset(side, 0))
			return;
		/* an atomic that is not aligned is none, on some CPUs */
		queue_t->ring.slots = (void *)odd;
		word = 2ULL << 32;
		memcpy(odd, &word, sizeof(word));
		ASSERT_EQ(queue_run(side, RING_PUT, 1, 0), -EUCLEAN, "put, not aligned");
		word = 3ULL << 32;
		memcpy(odd, &word, sizeof(word));
		ASSERT_EQ(queue_run(side, RING_GET, 0, 0), -EUCLEAN, "get, not aligned");
		ASSERT_EQ(queue_run(side, INIT_AT, (__u32)(long)&queue_t->ring,
				    (__u32)(long)odd), -EINVAL, "init, not aligned");

		queue_reset(side, ORDER);
		queue_t->ring.tail = 1ULL << 40;
		ASSERT_EQ(queue_run(side, RING_COUNT, 0, 0), SLOTS, "no more than its slots");
		queue_t->ring.order = 25;
		ASSERT_EQ(queue_run(side, RING_COUNT, 0, 0), 0, "not a ring");
	}
}

/* A stack that turns into none between two tries takes nothing */
static void queue_gone(void)
{
	static const struct queue_ops push = { 1, { STACK_PUSH } };

	queue_reset(0, ORDER);
	queue_case.between = &push;
	queue_case.side = 2; /* scribbles */
	queue_case.dies = 0;
	queue_left = 1;
	ASSERT_EQ(queue_run(0, STACK_PUSH, 3, 0), -EUCLEAN, "push");
	ASSERT_EQ(queue_t->stack.head, 0, "as it was");
}

#ifndef ARENA_LIB_NATIVE
/* A page that is not there is an error, and takes nothing */
static void queue_absent(void)
{
	char *page = (char *)__arena_range.start + 8 * getpagesize();
	__u32 there = (__u32)(long)&queue_t->ring, absent = (__u32)(long)page;
	int op;

	if (queue_reset(1, ORDER))
		return;
	ASSERT_EQ(queue_run(1, INIT_AT, absent, (__u32)(long)queue_t->slots), -EFAULT, "ring");
	for (op = PUT_AT; op <= POP_AT; op++)
		ASSERT_EQ(queue_run(1, op, absent, 0), -EUCLEAN, "ring and stack");
	ASSERT_EQ(queue_run(1, INIT_AT, there, absent), -EFAULT, "slots");
	ASSERT_EQ(queue_run(1, RING_PUT, 1, 0), -EUCLEAN, "it is no ring then");
	/* slots that have gone */
	queue_reset(1, ORDER);
	queue_t->ring.slots = (void *)page;
	ASSERT_EQ(queue_run(1, RING_PUT, 1, 0), -EUCLEAN, "put");
	ASSERT_EQ(queue_run(1, RING_GET, 1, 0), -EUCLEAN, "get");
}

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
			queue_random(order, 0, 0);
	if (test__start_subtest("dead"))
		for (order = 0; order <= ORDER; order++)
			queue_random(order, 1, 0);
	if (test__start_subtest("wrap"))
		for (order = 0; order <= ORDER; order++) {
			queue_random(order, order & 1, 0x7ffffffeULL);
			queue_random(order, order & 1, 0xfffffffeULL);
		}
	if (test__start_subtest("steps"))
		queue_steps();
	if (test__start_subtest("gone"))
		queue_gone();
	if (test__start_subtest("stack_all"))
		queue_stack_all();
	if (test__start_subtest("threads"))
		queue_threads();
	if (LIB_DAMAGE && test__start_subtest("damage"))
		queue_damage();
	if (test__start_subtest("lies"))
		queue_lies();
#ifndef ARENA_LIB_NATIVE
	if (test__start_subtest("absent"))
		queue_absent();
	if (test__start_subtest("late"))
		queue_late();
#endif
out:
	LIB_CLOSE(arena_lib_queue, skel);
}
