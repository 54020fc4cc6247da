/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_LOCK_H__
#define __BPF_ARENA_LOCK_H__

/*
 * A spin lock for programs, which a process may hold as well.
 *
 * Nobody waits without end: a program that spins may have stopped the lock's owner, and a
 * process that owns it may be dead or have gone to sleep. So to take the lock may fail, and
 * the caller goes without what the lock protects.
 *
 *	err = arena_lock(&l);
 *	if (err == -EOWNERDEAD)
 *		repair();		the lock is held
 *	else if (err)
 *		return err;		it is not
 *	...
 *	arena_unlock(&l);
 *
 * The lock is one word, the kernel's robust futex:
 *
 *	31       30          29       28                                     0
 *	waiters  owner died  program  owner: the thread's id, 0 if it is free
 *
 * A program's owner is the task that it runs in. A program that interrupts another, in an
 * interrupt or NMI, runs in the same task: if it finds its own task as owner, whoever holds
 * the lock cannot go on before it does, and it gets -EDEADLK at once. On a CPU that
 * idles there is no task; then bit 28 is set and the owner is the CPU. A program that finds
 * its task's thread as owner gets -EDEADLK, too: the thread waits for the program to return.
 *
 * When a thread dies that holds the lock, the kernel sets "owner died" and clears the owner.
 * It finds the lock since the thread states it as list_op_pending of its list of robust
 * futexes. That takes no memory in the arena, which somebody might scribble over, but there is
 * one such word a thread: a thread holds one of these locks at a time, and takes no robust
 * mutex of pthreads while it does. A program cannot die.
 *
 * The queue. Many CPUs that spin on one word slow down whoever wants to give it up. So
 * a program that finds the lock taken queues up, and spins on a node of its CPU; only the
 * first of the queue spins on the word:
 *
 *	lock->tail -----------------------------+
 *	                                        v
 *	node[2] GO --next--> node[0] WAIT --> node[5] WAIT
 *	spins on the word    spins on its node
 *
 * The queue is advice. Who holds the lock is a matter of the word alone, so whatever happens
 * to the queue makes the lock slower or less fair, not wrong: a waiter that is
 * interrupted before it has linked itself, one that gives up and leaves its node behind (GONE),
 * a process that scribbles over the nodes. A waiter that sees a free lock for which nobody
 * has called it takes its turn, so a queue that was damaged works again after its last
 * waiter. A program whose CPU's node is in use, since it
 * interrupted a waiter, spins without. A process does not queue up: it waits in
 * FUTEX_WAIT, for a millisecond at a time, since a program cannot wake it.
 *
 * All zeroes is a lock that is free, and has no queue.
 *
 * Programs have the ids of the initial PID namespace. Processes in another one must not share a
 * lock with them, nor with processes elsewhere: different threads may have equal ids. A program
 * that returns without giving the lock up keeps it for good: nobody finds out that its task is gone.
 * Futexes of different processes do not meet on an arena's pages, so only threads of one
 * process wake each other; others see that the lock is free when their millisecond is over.
 */

#include "common.h"

/* A queue's node: a cache line for each CPU, for any number of locks */
struct arena_lock_node {
	__u32 state;
	__u32 next;		/* CPU + 1, or 0 */
	__u64 pad[7];
};

struct arena_lock {
	__u32 word;
	__u32 tail;		/* CPU + 1 of the last one in the queue, or 0 */
	struct arena_lock_node __arena *nodes;
};

#define ARENA_LOCK_WAITERS	0x80000000U	/* FUTEX_WAITERS */
#define ARENA_LOCK_DIED		0x40000000U	/* FUTEX_OWNER_DIED */
#define ARENA_LOCK_OWNER	0x3fffffffU	/* FUTEX_TID_MASK */
#define ARENA_LOCK_PROGRAM	0x20000000U
#define ARENA_LOCK_IDLE		0x10000000U

/* How many nodes there are; CPUs from here on do not queue up. All users must agree. */
#ifndef ARENA_LOCK_CPUS
#define ARENA_LOCK_CPUS 64
#endif

/*
 * Rounds of a program that spins, in the queue and then as its first: some 10 ns each if the
 * line does not move
 */
#ifndef ARENA_LOCK_ROUNDS
#define ARENA_LOCK_ROUNDS (1 << 17)
#endif

/* How long a process waits, in ms */
#ifndef ARENA_LOCK_MS
#define ARENA_LOCK_MS 1000
#endif

/**
 * arena_lock_init() - make a lock that is free
 * @lock: the lock
 * @nodes: ARENA_LOCK_CPUS zeroed nodes, aligned to a cache line, which any number of locks
 *     may have in common; or NULL: no queue
 *
 * Context: any, both sides; nobody else uses it.
 */
static __always_inline void arena_lock_init(struct arena_lock __arena *lock,
					    struct arena_lock_node __arena *nodes)
{
	lock->tail = 0;
	lock->nodes = nodes;
	arena_store_release(&lock->word, 0);
}

/* Does the thread own the lock in which program @me runs? */
static __always_inline int __arena_lock_below(__u32 word, __u32 me)
{
	return me & ARENA_LOCK_PROGRAM && (word & ARENA_LOCK_OWNER) == (me & ~ARENA_LOCK_PROGRAM);
}

/*
 * Takes the lock for @me, if it is free. @flag: ARENA_LOCK_WAITERS of a caller that has waited,
 * for others may wait as well.
 */
static __always_inline int __arena_lock_take(struct arena_lock __arena *lock, __u32 me,
					     __u32 flag)
{
	__u32 word = arena_read_once(&lock->word);

	if ((word & ARENA_LOCK_OWNER) == me || __arena_lock_below(word, me))
		return -EDEADLK;
	if (word & ARENA_LOCK_OWNER)
		return -EBUSY;
	if (arena_cmpxchg(&lock->word, word, me | (word & ARENA_LOCK_WAITERS) | flag) != word)
		return -EBUSY;
	return word & ARENA_LOCK_DIED ? -EOWNERDEAD : 0;
}

/* Gives it up, with @flag (ARENA_LOCK_DIED or 0) in the word. @seen: the word before. */
static __always_inline int __arena_lock_drop(struct arena_lock __arena *lock, __u32 me,
					     __u32 flag, __u32 *seen)
{
	__u32 word = arena_read_once(&lock->word), now, i;

	/* one that waits sets its flag once; no may_goto: a lock is never kept for want of time */
	for (i = 0; i < 4; i++) {
		if ((word & ARENA_LOCK_OWNER) != me)
			return -EPERM;
		now = arena_cmpxchg(&lock->word, word, flag);
		if (now == word) {
			*seen = word;
			return 0;
		}
		word = now;
	}
	/* somebody writes to the word without end: it is not kept for that */
	*seen = arena_xchg(&lock->word, flag);
	return 0;
}

#ifdef __ARENA_BPF__

/* A node's states */
#define __ARENA_NODE_FREE 0
#define __ARENA_NODE_WAIT 1
#define __ARENA_NODE_GO	  2
#define __ARENA_NODE_GONE 3

struct task_struct___arena {
	int pid;
} __attribute__((preserve_access_index));

static __always_inline __u32 __arena_lock_me(void)
{
	struct task_struct___arena *task = (void *)bpf_get_current_task_btf();
	__u32 pid = task->pid;

	if (pid)
		return ARENA_LOCK_PROGRAM | pid;
	return ARENA_LOCK_PROGRAM | ARENA_LOCK_IDLE | bpf_get_smp_processor_id();
}

/* The lock is ours, says the cmpxchg: it says so on a page that is not there, too. */
static __always_inline int __arena_lock_there(struct arena_lock __arena *lock, __u32 me,
					      int err)
{
	if (err && err != -EOWNERDEAD)
		return err;
	return (arena_read_once(&lock->word) & ARENA_LOCK_OWNER) == me ? err : -EFAULT;
}

/*
 * Waits in the queue. 0: it is our turn, or the queue has forgotten us, for the lock is free;
 * -ETIMEDOUT: the node stays behind, and whoever comes to it takes it out.
 */
static __always_inline int __arena_queue_wait(struct arena_lock __arena *lock,
					      struct arena_lock_node __arena *nodes, __u32 cpu)
{
	struct arena_lock_node __arena *node = &nodes[cpu];
	__u32 prev, i;

	arena_write_once(&node->next, 0);
	prev = arena_xchg(&lock->tail, cpu + 1);
	/* our own: the last one was our CPU's, which gave up */
	if (!prev || prev > ARENA_LOCK_CPUS || prev == cpu + 1)
		return 0;
	arena_store_release(&nodes[prev - 1].next, cpu + 1);
	arena_rounds(i, ARENA_LOCK_ROUNDS) {
		if (arena_read_once(&node->state) != __ARENA_NODE_WAIT)
			return 0;
		if (i % 1024 == 1023 && !(arena_read_once(&lock->word) & ARENA_LOCK_OWNER)) {
			arena_cmpxchg(&node->state, __ARENA_NODE_WAIT, __ARENA_NODE_GO);
			return 0;
		}
	}
	if (arena_cmpxchg(&node->state, __ARENA_NODE_WAIT, __ARENA_NODE_GONE) !=
	    __ARENA_NODE_WAIT)
		return 0;
	return -ETIMEDOUT;
}

/*
 * The first one leaves the queue, and tells the next one that waits; nodes of those that gave
 * up are taken out, three at most. If the next one has not linked itself soon, it was
 * interrupted: it helps itself, as one does that is behind too many of those, see
 * __arena_queue_wait().
 */
__arena_large int __arena_queue_leave(__arg_arena struct arena_lock __arena *lock, __u32 cpu)
{
	struct arena_lock_node __arena *nodes = lock->nodes, *node;
	__u32 i, j, next, state;

	/* no may_goto: our node must be free in any case */
	for (i = 0; i < 4; i++) {
		node = &nodes[cpu];
		next = arena_load_acquire(&node->next);
		if (!next && arena_cmpxchg(&lock->tail, cpu + 1, 0) != cpu + 1)
			arena_rounds(j, 256) {
				next = arena_load_acquire(&node->next);
				if (next)
					break;
			}
		arena_store_release(&node->state, __ARENA_NODE_FREE);
		if (!next || next > ARENA_LOCK_CPUS)
			return 0;
		cpu = next - 1;
		state = arena_cmpxchg(&nodes[cpu].state, __ARENA_NODE_WAIT, __ARENA_NODE_GO);
		if (state != __ARENA_NODE_GONE)
			return 0;
	}
	return 0;
}

/* Spins on the word */
static __always_inline int __arena_lock_spin(struct arena_lock __arena *lock, __u32 me)
{
	int err;
	__u32 i;

	arena_rounds(i, ARENA_LOCK_ROUNDS) {
		err = __arena_lock_take(lock, me, 0);
		if (err != -EBUSY)
			return err;
	}
	return -ETIMEDOUT;
}

__arena_large int __arena_lock_wait(__arg_arena struct arena_lock __arena *lock, __u32 me)
{
	struct arena_lock_node __arena *nodes = lock->nodes;
	__u32 cpu = bpf_get_smp_processor_id(), state;
	int err;

	if (!nodes || cpu >= ARENA_LOCK_CPUS)
		return __arena_lock_spin(lock, me);
	state = arena_read_once(&nodes[cpu].state);
	if ((state != __ARENA_NODE_FREE && state != __ARENA_NODE_GONE) ||
	    arena_cmpxchg(&nodes[cpu].state, state, __ARENA_NODE_WAIT) != state)
		return __arena_lock_spin(lock, me);
	err = __arena_queue_wait(lock, nodes, cpu);
	if (err)
		return err;
	err = __arena_lock_spin(lock, me);
	__arena_queue_leave(lock, cpu);
	return err;
}

static __always_inline int __arena_lock(struct arena_lock __arena *lock, int wait)
{
	__u32 me = __arena_lock_me();
	int err = __arena_lock_take(lock, me, 0);

	if (wait && err == -EBUSY)
		err = __arena_lock_wait(lock, me);
	return __arena_lock_there(lock, me, err);
}

static __always_inline int __arena_unlock(struct arena_lock __arena *lock, __u32 flag)
{
	__u32 seen;

	return __arena_lock_drop(lock, __arena_lock_me(), flag, &seen);
}

#else /* a process */

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

/* C11 alone, without _GNU_SOURCE, has neither this nor CLOCK_MONOTONIC (1). */
extern long syscall(long number, ...);

/* glibc's list of this thread's robust futexes; if there is none, one of ours */
static inline struct robust_list_head *__arena_robust_list(__u32 me)
{
	static __thread struct robust_list_head *list, ours;
	static __thread __u32 of;
	int child = of && of != me;
	size_t size;

	/* a child of fork() has what its parent knew */
	if (list && of == me)
		return list;
	list = NULL;
	of = me;
	if (!syscall(SYS_get_robust_list, 0, &list, &size) && list) {
		/* what the parent holds, its child does not */
		if (child)
			list->list_op_pending = NULL;
		return list;
	}
	ours.list.next = &ours.list;
	ours.list_op_pending = NULL;
	if (!syscall(SYS_set_robust_list, &ours, sizeof(ours)))
		list = &ours;
	return list;
}

/* The kernel adds futex_offset to find the word. */
static inline void __arena_robust_set(struct robust_list_head *list, struct arena_lock *lock)
{
	uintptr_t entry = lock ? (uintptr_t)&lock->word - list->futex_offset : 0;

	*(struct robust_list *volatile *)&list->list_op_pending = (struct robust_list *)entry;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline long __arena_futex(__u32 *word, int op, __u32 val, const struct timespec *time)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, time, NULL, 0);
}

static inline __u64 __arena_now_ms(void)
{
	struct timespec now;

	syscall(SYS_clock_gettime, 1, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* Waits for a millisecond, or until another thread gives the lock up */
static inline void __arena_lock_sleep(struct arena_lock *lock)
{
	const struct timespec slice = { .tv_nsec = 1000000 };
	__u32 word = arena_read_once(&lock->word);

	if (!(word & ARENA_LOCK_OWNER))
		return;
	if (!(word & ARENA_LOCK_WAITERS) &&
	    arena_cmpxchg(&lock->word, word, word | ARENA_LOCK_WAITERS) != word)
		return;
	__arena_futex(&lock->word, FUTEX_WAIT, word | ARENA_LOCK_WAITERS, &slice);
}

static inline int __arena_lock(struct arena_lock *lock, int wait)
{
	struct robust_list_head *list;
	__u64 end = 0;
	__u32 i, flag = 0, me = syscall(SYS_gettid);
	int err;

	if (!arena_ok(lock, sizeof(*lock)))
		return -EFAULT;
	list = __arena_robust_list(me);
	if (!list)
		return -EOPNOTSUPP;
	if (list->list_op_pending)
		return -EDEADLK;
	__arena_robust_set(list, lock);
	for (i = 0;; i++) {
		err = __arena_lock_take(lock, me, flag);
		if (!err || err == -EOWNERDEAD)
			return err;
		if (err != -EBUSY || !wait)
			break;
		if (i < 100) {
			arena_relax();
			continue;
		}
		if (!end) {
			end = __arena_now_ms() + ARENA_LOCK_MS;
		} else if (__arena_now_ms() > end) {
			err = -ETIMEDOUT;
			break;
		}
		__arena_lock_sleep(lock);
		flag = ARENA_LOCK_WAITERS;
	}
	__arena_robust_set(list, NULL);
	return err;
}

static inline int __arena_unlock(struct arena_lock *lock, __u32 flag)
{
	__u32 seen, me = syscall(SYS_gettid);
	int err = __arena_lock_drop(lock, me, flag, &seen);
	struct robust_list_head *list = __arena_robust_list(me);

	if (!err && seen & ARENA_LOCK_WAITERS)
		__arena_futex(&lock->word, FUTEX_WAKE, 1, NULL);
	/* also if somebody has scribbled over the word: this thread has the lock no more */
	if (list && (uintptr_t)list->list_op_pending == (uintptr_t)&lock->word - list->futex_offset)
		__arena_robust_set(list, NULL);
	return err;
}

#endif /* a process */

/**
 * arena_trylock() - take the lock if it is free
 * @lock: the lock, aligned to 8 bytes
 *
 * Context: any, both sides. A program's licence has to be compatible with the GPL.
 * Return: 0: the caller holds the lock, and accesses are ordered after that; -EOWNERDEAD: so
 * it does, but a process died that held it; -EBUSY: somebody else holds it; -EDEADLK: this
 * thread or the program that this one has interrupted holds it, or in a process the thread
 * holds another; -EFAULT: no page is there, or a process's @lock is not in the arena;
 * -EOPNOTSUPP: the kernel has no robust futexes (processes only).
 */
static __always_inline int arena_trylock(struct arena_lock __arena *lock)
{
	return __arena_lock(lock, 0);
}

/**
 * arena_lock() - take the lock, and wait for it
 * @lock: the lock, aligned to 8 bytes
 *
 * A program spins for at most ARENA_LOCK_ROUNDS in the queue, and as many as its first one.
 * A process waits for ARENA_LOCK_MS.
 *
 * Context: any, both sides. A program's licence has to be compatible with the GPL.
 * Return: as arena_trylock(), but -ETIMEDOUT in place of -EBUSY.
 */
static __always_inline int arena_lock(struct arena_lock __arena *lock)
{
	return __arena_lock(lock, 1);
}

/**
 * arena_unlock() - give the lock up
 * @lock: the lock
 *
 * Context: any, both sides; the same thread or program that took it.
 * Return: 0; -EPERM: the caller does not hold it, and it is left alone.
 */
static __always_inline int arena_unlock(struct arena_lock __arena *lock)
{
	return __arena_unlock(lock, 0);
}

/**
 * arena_unlock_dead() - give the lock up, and leave the repair to the next one
 * @lock: the lock
 *
 * For whoever got -EOWNERDEAD and could not make the data consistent, or found that they
 * are not: the next one that takes the lock gets -EOWNERDEAD.
 *
 * Context: any, both sides; the same thread or program that took it.
 * Return: as arena_unlock().
 */
static __always_inline int arena_unlock_dead(struct arena_lock __arena *lock)
{
	return __arena_unlock(lock, ARENA_LOCK_DIED);
}

#endif /* __BPF_ARENA_LOCK_H__ */
