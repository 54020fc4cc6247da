/* SPDX-License-Identifier: GPL-2.0 */
/* <bpf/arena/queue.h>: what program and process do with one ring and one stack */
#ifndef ARENA_LIB_QUEUE_H
#define ARENA_LIB_QUEUE_H
#include <bpf/arena/queue.h>
#include "arena_lib.h"

#define ORDER 3
#define SLOTS (1 << ORDER)
#define NODES 16
#define THREADS 4
#define PUTS 1000	/* of each thread */

struct queue_node {
	__u64 owned;
	struct arena_stack_link link;
};

struct queue_test {
	struct arena_ring ring;
	__u64 slots[SLOTS];
	struct arena_stack stack;
	struct queue_node node[NODES];
	__u32 value;			/* of the last RING_GET */
	__u32 next[THREADS];		/* how many each thread has put */
	__u32 last[THREADS][THREADS];	/* what a thread got last, by who put it */
	__u64 sum[THREADS];		/* of what was got, by who put it */
	__u32 wrong, again, lost, interrupts, popped, stop;
};

enum {
	RING_PUT, RING_GET, STACK_PUSH, STACK_POP, NR_QUEUE_OPS,
	RING_COUNT, RING_INIT, RING_PRODUCE, RING_CONSUME, STACK_TURN, STACK_POP_ALL,
	STACK_PUSH_ALL, STACK_PUSH_NULL, INIT_AT, PUT_AT, GET_AT, PUSH_AT, POP_AT,
};

#ifdef __bpf__
struct queue_test __arena_global queue;
#define QUEUE_T (&queue)
#else
static struct queue_test *queue_t;
#define QUEUE_T queue_t
#endif

/* Puts until PUTS are put, at most @n times */
static inline int ring_produce(struct queue_test __arena *t, __u32 me, __u32 n)
{
	__u32 i, next;
	int err;

	arena_rounds(i, n) {
		next = t->next[me % THREADS];
		if (next == PUTS)
			return 0;
		err = arena_ring_put(&t->ring, me << 24 | (next + 1));
		if (err == -EAGAIN)
			arena_fetch_add(&t->again, 1);
		else if (err && err != -ENOSPC)
			return err;
		if (!err)
			t->next[me % THREADS] = next + 1;
	}
	return 0;
}

/* Gets at most @n values: those that one thread put, in order */
static inline int ring_consume(struct queue_test __arena *t, __u32 me, __u32 n)
{
	__u32 i, value = 0, from, number;
	int err;

	arena_rounds(i, n) {
		err = arena_ring_get(&t->ring, &value);
		if (err == -EAGAIN)
			arena_fetch_add(&t->again, 1);
		else if (err && err != -ENOENT)
			return err;
		if (err)
			continue;
		from = value >> 24 & (THREADS - 1);
		number = value & 0xffffff;
		arena_fetch_add(&t->sum[from], number);
		if (number <= t->last[me % THREADS][from])
			arena_fetch_add(&t->wrong, 1);
		t->last[me % THREADS][from] = number;
	}
	return 0;
}

/* Takes an element, finds that nobody else has it, and puts it back */
static inline int stack_turn(struct queue_test __arena *t, __u32 n)
{
	struct arena_stack_link __arena *link;
	struct queue_node __arena *node;
	__u32 i;
	int err;

	arena_rounds(i, n) {
		link = arena_stack_pop(&t->stack, &err);
		if (err == -ENOENT || err == -EAGAIN)
			continue;
		if (err)
			return err;
		node = arena_container_of(link, struct queue_node, link);
		if (!arena_ok(node, sizeof(*node)))
			return -EFAULT;
		if (arena_xchg(&node->owned, 1))
			arena_fetch_add(&t->wrong, 1);
		arena_fetch_add(&t->popped, 1);
		if (!arena_xchg(&node->owned, 0))
			arena_fetch_add(&t->wrong, 1);
		err = arena_stack_push(&t->stack, link);
		if (err == -EAGAIN)
			arena_fetch_add(&t->lost, 1);
		else if (err)
			return err;
	}
	return 0;
}

/* Takes all; their number, or an error */
static inline int stack_pop_all(struct queue_test __arena *t)
{
	struct arena_stack_link __arena *pos;
	__u32 i;
	int err;

	pos = arena_stack_pop_all(&t->stack, &err);
	if (err)
		return err;
	arena_rounds(i, NODES + 1) {
		if (!pos)
			return i;
		if (!arena_ok(pos, sizeof(*pos)))
			return -EFAULT;
		pos = arena_read_once(&pos->next);
	}
	return -EUCLEAN;
}

static inline int stack_pop(struct queue_test __arena *t)
{
	struct arena_stack_link __arena *link;
	int err;

	link = arena_stack_pop(&t->stack, &err);
	if (err)
		return err;
	return (arena_low(link) - arena_low(&t->node[0].link)) / sizeof(struct queue_node);
}

/* A ring and a stack elsewhere: lower half @a of an address, and @b of the ring's slots' */
static inline int lib_op_at(struct lib_call *c)
{
	struct arena_ring __arena *ring = (struct arena_ring __arena *)arena_at(c->a);
	struct arena_stack __arena *stack = (struct arena_stack __arena *)arena_at(c->a);
	struct queue_test __arena *t = QUEUE_T;
	__u32 value = 0;
	int err;

	switch (c->op) {
	case INIT_AT:
		return arena_ring_init(ring, (__u64 __arena *)arena_at(c->b), 0);
	case PUT_AT:
		return arena_ring_put(ring, 1);
	case GET_AT:
		return arena_ring_get(ring, &value);
	case PUSH_AT:
		return arena_stack_push(stack, &t->node[0].link);
	case POP_AT:
		arena_stack_pop(stack, &err);
		return err;
	}
	return -1;
}

static inline int lib_op(struct lib_call *c)
{
	struct queue_test __arena *t = QUEUE_T;
	struct queue_node __arena *node = &t->node[c->a % NODES];
	__u32 value = 0;
	int err;

	switch (c->op) {
	case RING_PUT:
		return arena_ring_put(&t->ring, c->a);
	case RING_GET:
		err = arena_ring_get(&t->ring, &value);
		t->value = value;
		return err;
	case STACK_PUSH:
		return arena_stack_push(&t->stack, &node->link);
	case STACK_POP:
		return stack_pop(t);
	case RING_COUNT:
		return arena_ring_count(&t->ring);
	case RING_INIT:
		arena_stack_init(&t->stack);
		return arena_ring_init(&t->ring, t->slots, c->a);
	case RING_PRODUCE:
		return ring_produce(t, c->a, c->b);
	case RING_CONSUME:
		return ring_consume(t, c->a, c->b);
	case STACK_TURN:
		return stack_turn(t, c->b);
	case STACK_POP_ALL:
		return stack_pop_all(t);
	case STACK_PUSH_ALL:
		node[0].link.next = &node[1].link;
		return arena_stack_push_all(&t->stack, &node[0].link, &node[1].link);
	case STACK_PUSH_NULL:
		return arena_stack_push(&t->stack, NULL);
	}
	return lib_op_at(c);
}
#endif
