/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_QUEUE_H__
#define __BPF_ARENA_QUEUE_H__

/*
 * A ring (first in, first out, bounded) and a stack (last in, first out). Any number of
 * programs and processes put and get at once, in any context. Nobody locks.
 *
 * The usual ring of this kind claims a slot first and fills it afterwards: if a process dies in
 * between, everybody behind that slot waits for ever. Here one cmpxchg claims the slot and fills
 * it, so there is no such middle. That is why an element is 32 bits: a number, or the low half of
 * an address (arena_low(), arena_at()).
 *
 * The ring. Positions count up, and position p is slot p % 2^order in lap p / 2^order. A slot's
 * upper half, its turn, says what happens next to it, its lower half is the value:
 *
 *	turn 2 * lap		empty: a put of this lap fills it
 *	turn 2 * lap + 1	full: a get of this lap empties it
 *	turn 2 * lap + 2	empty again: that is turn 2 * (lap + 1)
 *
 *	            head                tail
 *	             v                   v
 *	[ 8 | - ] [ 7 | a ] [ 7 | b ] [ 6 | - ]	lap 3, order 2
 *
 * The slots are the truth. head and tail say where to look first: after its cmpxchg of the slot a
 * caller moves the index on, and whoever finds an index that lags moves it on as well. So of a
 * participant that dies or is interrupted
 *
 *	before the cmpxchg of the slot	nobody notices anything;
 *	after it			the next caller of any side moves the index;
 *	after arena_ring_get()		the value that it got is lost.
 *
 * The stack is the usual one: a word holds the first element's address, and a tag that each change
 * counts up, so that a cmpxchg fails if the same element has gone and come back. A pop reads
 * the link of an element that somebody else may have popped: the memory of elements stays
 * readable, and the cmpxchg throws away what was read.
 *
 * Invariants: the turn of a slot only grows; tail passes a position only after it was filled, head
 * only after it was emptied; head is at most one ahead of tail. Turns and tags have 32 and
 * 31 bits, and come round: a thread would have to sleep within a call for exactly a multiple of
 * 2^31 laps or changes to take an old word for the present one.
 *
 * Laps begin with 1 and tags are odd: a page that is absent, and memory that is all zeroes, is
 * neither a ring nor a stack. Pages must not go away under a ring: in the one lap in 2^31 whose
 * turn is 0, an absent page looks like empty slots, and takes values.
 */

#include "common.h"

/* Slots of a ring: up to 2^ARENA_RING_ORDER */
#define ARENA_RING_ORDER 24

/* Aligned to a cache line, best */
struct arena_ring {
	__u64 tail;		/* position of the next put */
	__u64 pad[7];		/* who puts does not slow down who gets */
	__u64 head;		/* position of the next get */
	__u64 pad2[7];
	__u64 __arena *slots;
	__u64 order;
};

/* In the element */
struct arena_stack_link {
	struct arena_stack_link __arena *next;
};

struct arena_stack {
	__u64 head;		/* tag << 32 | low half of the first element's address */
};

/**
 * arena_ring_init() - make an empty ring
 * @ring: the ring, aligned to 8 bytes
 * @slots: 2^@order words, aligned to 8 bytes
 * @order: up to ARENA_RING_ORDER
 *
 * Context: any, both sides; nobody else uses it. A round for each slot.
 * Return: 0; -EINVAL; -EFAULT: a page does not exist, or in a process: not in the arena;
 * -EAGAIN: a program's time is over, and this is not a ring.
 */
static inline int arena_ring_init(struct arena_ring __arena *ring, __u64 __arena *slots,
				  __u32 order)
{
	__u64 size = 1ULL << (order & 31);
	__u32 i;

	if (order > ARENA_RING_ORDER || !slots || (__u64)slots & 7)
		return -EINVAL;
	if (!arena_ok(ring, sizeof(*ring)) || !arena_ok(slots, size * sizeof(*slots)))
		return -EFAULT;
	arena_write_once(&ring->slots, (__u64 __arena *)NULL);
	arena_rounds(i, size) {
		arena_write_once(&slots[i], 2ULL << 32);
		if (arena_read_once(&slots[i]) != 2ULL << 32)
			return -EFAULT;
	}
	if (i < size)
		return -EAGAIN;
	arena_write_once(&ring->order, order);
	arena_write_once(&ring->head, size);
	arena_write_once(&ring->tail, size);
	arena_store_release(&ring->slots, slots);
	/* a page of it may be there, and the other one not */
	return arena_read_once(&ring->tail) == size && arena_read_once(&ring->slots) == slots ?
	       0 : -EFAULT;
}

/*
 * The slot of position @pos and its lap, or NULL. Whatever the ring says, a program's atomics are
 * aligned: the CPU, or the kernel, may do others by halves or not at all.
 */
static __always_inline __u64 __arena *__arena_ring_slot(struct arena_ring __arena *ring,
							__u64 pos, __u32 *lap)
{
	__u64 __arena *slots = arena_read_once(&ring->slots);
	__u64 order = arena_read_once(&ring->order);

	if (!slots || (__u64)slots & 7 || order > ARENA_RING_ORDER || !(pos >> order) ||
	    !arena_ok(slots, sizeof(*slots) << order))
		return NULL;
	*lap = pos >> order;
	return slots + (pos & ((1ULL << order) - 1));
}

/* Nothing is as it has to be at @pos: somebody has moved on meanwhile, or it is damaged */
static __always_inline int __arena_ring_odd(__u64 __arena *index, __u64 pos)
{
	return arena_load_acquire(index) == pos ? -EUCLEAN : -EAGAIN;
}

/* One try */
static __always_inline int __arena_ring_put(struct arena_ring __arena *ring, __u32 value)
{
	__u64 pos = arena_load_acquire(&ring->tail), seen;
	__u64 __arena *slot;
	__u32 lap;
	__s32 ahead;

	slot = __arena_ring_slot(ring, pos, &lap);
	if (!slot)
		return -EUCLEAN;
	seen = arena_load_acquire(slot);
	ahead = (__u32)(seen >> 32) - 2 * lap;
	if (!ahead) {
		if (arena_cmpxchg(slot, seen, (seen >> 32 | 1) << 32 | value) != seen)
			return -EAGAIN;
		arena_cmpxchg(&ring->tail, pos, pos + 1);
		return 0;
	}
	/* filled, and maybe emptied again: who gets does not look at tail */
	if (ahead == 1 || ahead == 2) {
		arena_cmpxchg(&ring->tail, pos, pos + 1);
		return -EAGAIN;
	}
	if (ahead == -1)
		return arena_load_acquire(&ring->tail) == pos ? -ENOSPC : -EAGAIN;
	return __arena_ring_odd(&ring->tail, pos);
}

static __always_inline int __arena_ring_get(struct arena_ring __arena *ring, __u32 *value)
{
	__u64 pos = arena_load_acquire(&ring->head), seen;
	__u64 __arena *slot;
	__u32 lap;
	__s32 ahead;

	slot = __arena_ring_slot(ring, pos, &lap);
	if (!slot)
		return -EUCLEAN;
	seen = arena_load_acquire(slot);
	ahead = (__u32)(seen >> 32) - 2 * lap;
	if (ahead == 1) {
		if (arena_cmpxchg(slot, seen, ((seen >> 32) + 1) << 32) != seen)
			return -EAGAIN;
		arena_cmpxchg(&ring->head, pos, pos + 1);
		*value = seen;
		return 0;
	}
	/* emptied, and maybe filled again: who puts does not look at head */
	if (ahead == 2 || ahead == 3) {
		arena_cmpxchg(&ring->head, pos, pos + 1);
		return -EAGAIN;
	}
	if (!ahead)
		return arena_load_acquire(&ring->head) == pos ? -ENOENT : -EAGAIN;
	return __arena_ring_odd(&ring->head, pos);
}

/**
 * arena_ring_put() - put a value at the end
 * @ring: the ring
 * @value: the value, or arena_low() of an element
 *
 * What the caller wrote before, whoever gets the value sees.
 *
 * Context: any, both sides. Never waits.
 * Return: 0; -ENOSPC: it was full; -EAGAIN: others came in between ARENA_TRIES times, or a
 * program's time is over; -EUCLEAN: not a ring; -EFAULT, in a process: not in the arena.
 */
static inline int arena_ring_put(struct arena_ring __arena *ring, __u32 value)
{
	int err;
	__u32 i;

	if (!arena_ok(ring, sizeof(*ring)))
		return -EFAULT;
	err = __arena_ring_put(ring, value);
	if (err != -EAGAIN)
		return err;
	arena_rounds(i, ARENA_TRIES) {
		err = __arena_ring_put(ring, value);
		if (err != -EAGAIN)
			return err;
	}
	return -EAGAIN;
}

/**
 * arena_ring_get() - get the value at the beginning
 * @ring: the ring
 * @value: gets it; unchanged if there is an error
 *
 * Of several callers each gets values of its own. A process that does not trust the other side
 * checks what arena_at() makes of it: arena_ok().
 *
 * Context: any, both sides. Never waits.
 * Return: 0; -ENOENT: it was empty; else as arena_ring_put().
 */
static inline int arena_ring_get(struct arena_ring __arena *ring, __u32 *value)
{
	int err;
	__u32 i;

	if (!arena_ok(ring, sizeof(*ring)))
		return -EFAULT;
	err = __arena_ring_get(ring, value);
	if (err != -EAGAIN)
		return err;
	arena_rounds(i, ARENA_TRIES) {
		err = __arena_ring_get(ring, value);
		if (err != -EAGAIN)
			return err;
	}
	return -EAGAIN;
}

/**
 * arena_ring_count() - about how many values there are
 * @ring: the ring
 *
 * Exact if nobody else is at it, and nobody died at it since the last put and get.
 *
 * Context: any, both sides.
 * Return: at most the number of slots, whatever others do; 0 if it is not a ring, or in a process
 * not in the arena.
 */
static __always_inline __u64 arena_ring_count(struct arena_ring __arena *ring)
{
	__u64 head, tail, order, count;

	if (!arena_ok(ring, sizeof(*ring)))
		return 0;
	head = arena_load_acquire(&ring->head);
	tail = arena_read_once(&ring->tail);
	order = arena_read_once(&ring->order);
	if (tail <= head || order > ARENA_RING_ORDER)
		return 0;
	count = tail - head;
	return count < 1ULL << order ? count : 1ULL << order;
}

/**
 * arena_stack_init() - make an empty stack
 * @stack: the stack, aligned to 8 bytes
 *
 * Context: any, both sides; nobody else uses it.
 */
static __always_inline void arena_stack_init(struct arena_stack __arena *stack)
{
	arena_store_release(&stack->head, 1ULL << 32);
}

/* The word after @old, with element @low first */
static __always_inline __u64 __arena_stack_word(__u64 old, __u32 low)
{
	return ((old >> 32) + 2) << 32 | low;
}

/* One try */
static __always_inline int __arena_stack_push(struct arena_stack __arena *stack,
					      struct arena_stack_link __arena *first,
					      struct arena_stack_link __arena *last)
{
	__u64 old = arena_read_once(&stack->head);

	if (!(old >> 32 & 1))
		return -EUCLEAN;
	arena_write_once(&last->next, (struct arena_stack_link __arena *)arena_at(old));
	if (arena_cmpxchg(&stack->head, old, __arena_stack_word(old, arena_low(first))) != old)
		return -EAGAIN;
	return 0;
}

/**
 * arena_stack_push_all() - put a chain of elements on top
 * @stack: the stack
 * @first: the one that is on top afterwards
 * @last: the last one that its next pointers lead to; may be @first
 *
 * Context: any, both sides. Never waits.
 * Return: 0; -EAGAIN: others came in between ARENA_TRIES times, or a program's time is over;
 * -EUCLEAN: not a stack; -EINVAL: the lower half of @first's or @last's address is 0, which is
 * NULL in a stack; -EFAULT, in a process: not in the arena. On an error only the next
 * pointer of @last may have changed.
 */
static inline int arena_stack_push_all(struct arena_stack __arena *stack,
				       struct arena_stack_link __arena *first,
				       struct arena_stack_link __arena *last)
{
	int err;
	__u32 i;

	if (!arena_low(first) || !arena_low(last))
		return -EINVAL;
	if (!arena_ok(stack, sizeof(*stack)) || !arena_ok(first, sizeof(*first)) ||
	    !arena_ok(last, sizeof(*last)))
		return -EFAULT;
	err = __arena_stack_push(stack, first, last);
	if (err != -EAGAIN)
		return err;
	arena_rounds(i, ARENA_TRIES) {
		err = __arena_stack_push(stack, first, last);
		if (err != -EAGAIN)
			return err;
	}
	return -EAGAIN;
}

/**
 * arena_stack_push() - put an element on top
 * @stack: the stack
 * @n: the element's link, in no stack
 *
 * Context: any, both sides. Never waits.
 * Return: as arena_stack_push_all().
 */
static inline int arena_stack_push(struct arena_stack __arena *stack,
				   struct arena_stack_link __arena *n)
{
	return arena_stack_push_all(stack, n, n);
}

/* One try. *@n: the element, if the result is 0 */
static __always_inline int __arena_stack_pop(struct arena_stack __arena *stack,
					     struct arena_stack_link __arena **n)
{
	__u64 old = arena_load_acquire(&stack->head);
	struct arena_stack_link __arena *first = (struct arena_stack_link __arena *)arena_at(old);
	__u32 next;

	if (!(old >> 32 & 1))
		return -EUCLEAN;
	if (!first)
		return -ENOENT;
	if (!arena_ok(first, sizeof(*first)))
		return -EUCLEAN;
	next = arena_low(arena_read_once(&first->next));
	if (arena_cmpxchg(&stack->head, old, __arena_stack_word(old, next)) != old)
		return -EAGAIN;
	*n = first;
	return 0;
}

/**
 * arena_stack_pop() - take the element on top
 * @stack: the stack
 * @err: 0; -ENOENT: it was empty; else as arena_stack_push_all()
 *
 * With BPF_F_SEGV_ON_FAULT, nobody may free the pages of elements while processes pop: a pop reads
 * an element that another one may have taken.
 *
 * In a process the link is in the arena. The element around it may not be: arena_ok().
 *
 * Context: any, both sides. Never waits.
 * Return: the element's link, or NULL.
 */
static inline struct arena_stack_link __arena *arena_stack_pop(struct arena_stack __arena *stack,
							       int *err)
{
	struct arena_stack_link __arena *n = NULL;
	__u32 i;

	*err = -EFAULT;
	if (!arena_ok(stack, sizeof(*stack)))
		return NULL;
	*err = __arena_stack_pop(stack, &n);
	if (*err != -EAGAIN)
		return n;
	arena_rounds(i, ARENA_TRIES) {
		*err = __arena_stack_pop(stack, &n);
		if (*err != -EAGAIN)
			break;
	}
	return n;
}

/* One try. *@first: what was on top, if the result is 0 */
static __always_inline int __arena_stack_take(struct arena_stack __arena *stack,
					      struct arena_stack_link __arena **first)
{
	__u64 old = arena_load_acquire(&stack->head);
	struct arena_stack_link __arena *n = (struct arena_stack_link __arena *)arena_at(old);

	if (!(old >> 32 & 1))
		return -EUCLEAN;
	if (!n)
		return -ENOENT;
	if (!arena_ok(n, sizeof(*n)))
		return -EUCLEAN;
	if (arena_cmpxchg(&stack->head, old, __arena_stack_word(old, 0)) != old)
		return -EAGAIN;
	*first = n;
	return 0;
}

/**
 * arena_stack_pop_all() - take all elements
 * @stack: the stack
 * @err: as arena_stack_pop()
 *
 * They are linked by their next pointers: a walk needs a bound of its own, and in a process
 * arena_ok() before each step.
 *
 * Context: any, both sides. Never waits.
 * Return: the link of the element that was on top, or NULL.
 */
static inline struct arena_stack_link __arena *
arena_stack_pop_all(struct arena_stack __arena *stack, int *err)
{
	struct arena_stack_link __arena *first = NULL;
	__u32 i;

	*err = -EFAULT;
	if (!arena_ok(stack, sizeof(*stack)))
		return NULL;
	*err = __arena_stack_take(stack, &first);
	if (*err != -EAGAIN)
		return first;
	arena_rounds(i, ARENA_TRIES) {
		*err = __arena_stack_take(stack, &first);
		if (*err != -EAGAIN)
			break;
	}
	return first;
}

#endif /* __BPF_ARENA_QUEUE_H__ */
