/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_SEQ_H__
#define __BPF_ARENA_SEQ_H__

/*
 * Sequence counter: readers see all of a change or nothing of it.
 *
 * Readers write nothing and wait for nobody, so there may be any number of them,
 * on either side and in any context. A reader copies what it wants between two
 * looks at the counter, and throws the copy away if the counter was odd or has
 * changed:
 *
 *	writer	seq 4 -> 5	changes the data	seq 5 -> 6
 *	reader	     4	  copies			     6: try again
 *	reader						     6	copies	6: valid
 *
 *	struct point __arena *p;
 *	struct point copy;
 *	__u64 seq, i;
 *
 *	arena_seq_read(&p->seq, seq, i) {
 *		copy.x = arena_read_once(&p->x);
 *		copy.y = arena_read_once(&p->y);
 *		if (arena_seq_valid(&p->seq, seq))
 *			return 0;
 *	}
 *	return -EAGAIN;
 *
 * There is one writer at a time: a lock sees to that, or arena_seq_try_write(), with which
 * the counter is the lock.
 *
 * A writer that is interrupted by a reader, on the same CPU, leaves the counter odd for as
 * long as the reader runs. One that was killed leaves it odd until somebody repairs the
 * data and calls arena_seq_repair(). In both cases the reader's rounds end, and it gets
 * -EAGAIN. What a reader has copied may be anything until arena_seq_valid() has said that
 * it is valid: it must not be followed or used as an index before.
 */

#include "common.h"

/* 64 bits do not come round while a reader sleeps. */
struct arena_seq {
	__u64 count;
};

/* Rounds of a reader: a writer's section takes a microsecond, a round some 10 ns */
#ifndef ARENA_SEQ_ROUNDS
#define ARENA_SEQ_ROUNDS 1024
#endif

/**
 * arena_seq_begin() - begin to read
 * @seq: the counter, aligned to 8 bytes
 *
 * Context: any, both sides.
 * Return: the counter, for arena_seq_valid(). If it is odd, a writer is at work.
 */
static __always_inline __u64 arena_seq_begin(const struct arena_seq __arena *seq)
{
	return arena_load_acquire(&seq->count);
}

/**
 * arena_seq_valid() - is what has been read since arena_seq_begin() consistent?
 * @seq: the counter
 * @begin: what arena_seq_begin() returned
 *
 * Context: any, both sides.
 * Return: true or false.
 */
static __always_inline int arena_seq_valid(const struct arena_seq __arena *seq,
					   __u64 begin)
{
	arena_rmb();
	return !(begin & 1) && arena_read_once(&seq->count) == begin;
}

/* A reader that finds a writer at work copies in vain, a little later */
static __always_inline __u64 __arena_seq_round(const struct arena_seq __arena *seq)
{
	__u64 begin = arena_seq_begin(seq);

	if (begin & 1)
		arena_relax();
	return begin;
}

/**
 * arena_seq_read() - head of a loop of a reader
 * @seq: the counter
 * @begin: a __u64, which arena_seq_valid() takes
 * @i: a __u32, counts the rounds
 *
 * The body copies, and leaves the loop if arena_seq_valid(). After ARENA_SEQ_ROUNDS, or
 * in a program when its time is over, the loop ends: then the reader has nothing, and
 * returns -EAGAIN.
 */
#define arena_seq_read(seq, begin, i)					\
	for ((i) = arena_zero(); (i) < ARENA_SEQ_ROUNDS && can_loop &&	\
	     ((begin) = __arena_seq_round(seq), 1); (i)++)

/**
 * arena_seq_write_begin() - begin to change the data
 * @seq: the counter
 *
 * The caller holds a lock that all writers take. If the counter is odd already, the last
 * writer did not come to its end, and the data may be half of a change. The counter
 * stays odd then: no reader takes the data for valid.
 *
 * Context: any, both sides. Nothing that stops the caller may come before
 * arena_seq_write_end(): readers fail meanwhile.
 * Return: 0; -EOWNERDEAD: the section has begun, and the caller repairs the data.
 */
static __always_inline int arena_seq_write_begin(struct arena_seq __arena *seq)
{
	__u64 count = arena_read_once(&seq->count);

	if (count & 1)
		return -EOWNERDEAD;
	arena_write_once(&seq->count, count + 1);
	arena_wmb();
	return 0;
}

/**
 * arena_seq_write_end() - the data are consistent again
 * @seq: the counter
 *
 * Context: any, both sides.
 */
static __always_inline void arena_seq_write_end(struct arena_seq __arena *seq)
{
	arena_store_release(&seq->count, (arena_read_once(&seq->count) | 1) + 1);
}

/**
 * arena_seq_try_write() - begin to change the data, if nobody else does
 * @seq: the counter
 *
 * The counter is the lock: ends with arena_seq_write_end(). Nobody waits, so a program
 * may interrupt the writer on the same CPU and try.
 *
 * Context: any, both sides.
 * Return: 0; -EBUSY if there is a writer, or was one that did not come to its end, see
 * arena_seq_repair().
 */
static __always_inline int arena_seq_try_write(struct arena_seq __arena *seq)
{
	__u64 count = arena_read_once(&seq->count);

	if (count & 1 || arena_cmpxchg(&seq->count, count, count + 1) != count)
		return -EBUSY;
	return 0;
}

/**
 * arena_seq_repair() - take over from a writer that is dead
 * @seq: the counter
 * @seen: its value, odd, when the caller found the writer dead
 *
 * How the caller knows that is its own affair: the counter has not moved for a second, say.
 * The caller is the writer then: it makes the data consistent and calls
 * arena_seq_write_end(). A writer that was not dead after all has its change mixed with
 * the caller's.
 *
 * Context: any, both sides.
 * Return: 0; -EAGAIN if the counter is not @seen any more; -EINVAL if @seen is even.
 */
static __always_inline int arena_seq_repair(struct arena_seq __arena *seq, __u64 seen)
{
	if (!(seen & 1))
		return -EINVAL;
	/* two who repair at once: the second one finds another number */
	if (arena_cmpxchg(&seq->count, seen, seen + 2) != seen)
		return -EAGAIN;
	return 0;
}

#endif /* __BPF_ARENA_SEQ_H__ */
