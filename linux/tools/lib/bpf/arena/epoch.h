/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_EPOCH_H__
#define __BPF_ARENA_EPOCH_H__

/*
 * When may memory be used again that readers may still be at?
 *
 * A reader that takes no lock follows a pointer to an element. Meanwhile a writer unlinks it,
 * and would like to use its memory for something else. There are two kinds of readers:
 *
 * Programs state that they read, by arena_epoch_enter() and arena_epoch_exit(). What was
 * unlinked is put in limbo by arena_retire(), and comes out of it by arena_limbo_take(),
 * when no program is left that may have seen it.
 *
 * Processes state nothing: one that died as it read would keep all memory from being used
 * for ever, as would one that sleeps. A process validates instead. The memory keeps its type:
 * once an element, always an element of that kind, with a sequence counter that every new use
 * of the memory changes, see seq.h. The reader
 *
 *	1. loads the pointer, and checks that it is in the arena;
 *	2. copies the element, in a round of arena_seq_read();
 *	3. loads the pointer again: it is the same, and arena_seq_valid().
 *
 * Then the copy is of an element that the pointer led to while it was copied. In between it
 * may have read another element in that memory, but nothing was followed or returned.
 *
 *	   epoch e           e+1             e+2             e+3
 *	   unlink, retire                                    use again
 *	---|-----------------|---------------|---------------|------
 *	       reader ........
 *	               (late) reader .........
 *
 * The epoch goes on by one when all programs have left that entered in the previous one. These
 * count themselves, in a pair of counters (in, out) for each CPU, of the epoch's parity:
 * sums count, so a program may leave on another CPU, be interrupted by another reader, or be
 * preempted. A program that has read the epoch, and counts itself only after the epoch has
 * gone on, counts with the wrong parity: so both parities have to be seen empty, each by a scan
 * that began after the unlinking. The scan of the step from e to e+1 may have begun before,
 * those of the next two steps did not.
 *
 * Limbo is four stacks, one for each epoch modulo 4. A stack's head holds the epoch of the
 * last push beside the pointer, so whoever takes the stack knows how old the youngest is. To
 * push is a cmpxchg, to take is one: no lock, in any context, from both sides.
 *
 * A process that dies between arena_limbo_take() and the use of what it took leaks that; one
 * that dies between unlinking and arena_retire(), one element. Whoever scribbles over
 * the counters stops the epoch, and memory runs out, or has it go on too soon, and readers see
 * wrong contents.
 */

#include "common.h"

/* Slots for CPUs, a power of two. CPU n counts in slot n % ARENA_EPOCH_CPUS. */
#ifndef ARENA_EPOCH_CPUS
#define ARENA_EPOCH_CPUS 64
#endif

struct arena_epoch_cpu {
	__u64 in[2];
	__u64 out[2];
	__u64 pad[4];
};

/* All zeroes is the beginning. The pages have to be there before a program enters. */
struct arena_epoch {
	__u64 epoch;
	__u64 pad[7];
	struct arena_epoch_cpu cpu[ARENA_EPOCH_CPUS];
};

/* In the element; not used before it is retired, so it may lie over other members. */
struct arena_limbo_link {
	struct arena_limbo_link __arena *next;
};

/* Low half: the first element's address; high half: the epoch of the last push */
struct arena_limbo {
	__u64 head[4];
};

#if defined(__ARENA_BPF__) || defined(ARENA_EPOCH_PROCESS)
/**
 * arena_epoch_enter() - begin to read
 * @e: the epoch
 *
 * What the program meets by following pointers until arena_epoch_exit() is not used again
 * before. Sections nest. Every path leaves what it has entered: the verifier does not check
 * that.
 *
 * Programs only. A process can have it, with ARENA_EPOCH_PROCESS, if it must not die.
 *
 * Context: any.
 * Return: what arena_epoch_exit() takes.
 */
static __always_inline __u32 arena_epoch_enter(struct arena_epoch __arena *e)
{
	__u32 cpu = arena_cpu() % ARENA_EPOCH_CPUS;
	__u32 side = arena_read_once(&e->epoch) & 1;

	/* full barrier: nothing is read before the writer can see this */
	arena_fetch_add(&e->cpu[cpu].in[side], 1);
	return cpu * 2 + side;
}

/**
 * arena_epoch_exit() - the program keeps no pointer that it has read
 * @e: the epoch
 * @entered: what arena_epoch_enter() returned
 *
 * Context: any.
 */
static __always_inline void arena_epoch_exit(struct arena_epoch __arena *e, __u32 entered)
{
	arena_fetch_add(&e->cpu[entered / 2 % ARENA_EPOCH_CPUS].out[entered & 1], 1);
}
#endif

/**
 * arena_epoch_advance() - go on to the next epoch, if no program holds it up
 * @e: the epoch
 *
 * Context: any, both sides; 2 * ARENA_EPOCH_CPUS rounds. Callers may race.
 * Return: 0; -EAGAIN if programs are left that entered in the previous epoch, or if somebody
 * else was faster.
 */
__arena_large int arena_epoch_advance(__arg_arena struct arena_epoch __arena *e)
{
	__u64 now = arena_load_acquire(&e->epoch), in = 0, out = 0;
	__u32 side = (now + 1) & 1, i;

	arena_mb();
	/* out before in: whoever is seen to leave is seen to have entered */
	arena_rounds(i, ARENA_EPOCH_CPUS)
		out += arena_read_once(&e->cpu[i].out[side]);
	if (i < ARENA_EPOCH_CPUS)
		return -EAGAIN;
	arena_mb();
	arena_rounds(i, ARENA_EPOCH_CPUS)
		in += arena_read_once(&e->cpu[i].in[side]);
	if (in != out || i < ARENA_EPOCH_CPUS)
		return -EAGAIN;
	return arena_cmpxchg(&e->epoch, now, now + 1) == now ? 0 : -EAGAIN;
}

/* One try; the head as it was found, which is @old if the try succeeded */
static __always_inline __u64 __arena_limbo_push(__u64 __arena *head, __u64 old, __u32 now,
						struct arena_limbo_link __arena *n)
{
	__u32 epoch = old >> 32;

	if (!(__u32)old || (__s32)(now - epoch) > 0)
		epoch = now;
	arena_write_once(&n->next, (struct arena_limbo_link __arena *)arena_at(old));
	return arena_cmpxchg(head, old, (__u64)epoch << 32 | arena_low(n));
}

/**
 * arena_retire() - put an element in limbo
 * @e: the epoch
 * @limbo: where it goes
 * @n: the element's link; the element is unlinked, so that no reader can find it any more
 *
 * Context: any, both sides; several callers at once, after each of them alone has unlinked its
 * element.
 * Return: 0; -EAGAIN: others have come in between ARENA_TRIES times, and @n is not in limbo.
 */
static inline int arena_retire(struct arena_epoch __arena *e, struct arena_limbo __arena *limbo,
			       struct arena_limbo_link __arena *n)
{
	__u64 __arena *head;
	__u64 old, seen;
	__u32 now, i;

	arena_mb();
	now = arena_read_once(&e->epoch);
	head = &limbo->head[now & 3];
	old = arena_read_once(head);
	seen = __arena_limbo_push(head, old, now, n);
	if (seen == old)
		return 0;
	arena_rounds(i, ARENA_TRIES) {
		old = seen;
		seen = __arena_limbo_push(head, old, now, n);
		if (seen == old)
			return 0;
	}
	return -EAGAIN;
}

/**
 * arena_limbo_take() - take elements that no reader is at
 * @e: the epoch; goes on, if it can
 * @limbo: where they are
 *
 * To take all that there are, call it until it returns NULL. Of several callers each gets
 * elements of its own. They are linked by their next pointers: a walk needs a bound of its
 * own, and in a process arena_ok() before each step.
 *
 * Context: any, both sides.
 * Return: the first one, or NULL.
 */
static inline struct arena_limbo_link __arena *arena_limbo_take(struct arena_epoch __arena *e,
								struct arena_limbo __arena *limbo)
{
	struct arena_limbo_link __arena *first;
	__u32 i, now;
	__u64 head;

	arena_epoch_advance(e);
	now = arena_load_acquire(&e->epoch);
	arena_rounds(i, 4) {
		head = arena_read_once(&limbo->head[i]);
		if (!(__u32)head || (__s32)(now - (__u32)(head >> 32)) < 3)
			continue;
		if (arena_cmpxchg(&limbo->head[i], head, 0) != head)
			continue;
		first = (struct arena_limbo_link __arena *)arena_at(head);
		return arena_ok(first, sizeof(*first)) ? first : NULL;
	}
	return NULL;
}

#endif /* __BPF_ARENA_EPOCH_H__ */
