/* SPDX-License-Identifier: GPL-2.0 */
/* <bpf/arena/lock.h>: what program and process do with one lock */
#ifndef ARENA_LIB_LOCK_H
#define ARENA_LIB_LOCK_H
#define ARENA_LOCK_MS 300
#include <bpf/arena/lock.h>
#include "arena_lib.h"

struct lock_test {
	struct arena_lock_node nodes[ARENA_LOCK_CPUS];
	struct arena_lock lock, other;
	__u64 count[2];		/* changed under the lock, not in one step */
	__u32 done, busy, wrong, stop, nested;
	int nested_err;
};

enum {
	LOCK_TRY, LOCK_LOCK, LOCK_UNLOCK, LOCK_DEAD, LOCK_TWICE, LOCK_TWO, LOCK_COUNT,
	LOCK_NESTED, LOCK_NOWHERE, LOCK_LATE,
};

#ifdef __bpf__
struct lock_test __arena_global lock __attribute__((aligned(64)));
#define LOCK_T (&lock)
#else
static struct lock_test *lock_t;
#define LOCK_T lock_t
#endif

/*
 * Adds @n to the counter, one by one; an error of the lock counts as busy. Returns how many were
 * added: fewer if a program's time was over.
 */
static inline int lock_count(struct lock_test __arena *t, __u32 n)
{
	__u32 i, added = arena_zero();
	__u64 seen;
	int err;

	arena_rounds(i, n) {
		err = arena_lock(&t->lock);
		if (err) {
			arena_fetch_add(&t->busy, 1);
			continue;
		}
		seen = t->count[0];
		if (t->count[1] != seen)
			arena_fetch_add(&t->wrong, 1);
		t->count[0] = seen + 1;
		arena_relax();
		t->count[1] = seen + 1;
		if (arena_unlock(&t->lock))
			arena_fetch_add(&t->wrong, 1);
		arena_fetch_add(&t->done, 1);
		added++;
	}
	return added;
}

static inline int lock_op(struct lib_call *c)
{
	struct lock_test __arena *t = LOCK_T;
	int err, second;

	switch (c->op) {
	case LOCK_TRY:
		return arena_trylock(&t->lock);
	case LOCK_LOCK:
		return arena_lock(&t->lock);
	case LOCK_UNLOCK:
		return arena_unlock(&t->lock);
	case LOCK_DEAD:
		return arena_unlock_dead(&t->lock);
	case LOCK_TWICE:
	case LOCK_TWO:
		err = arena_lock(&t->lock);
		if (err)
			return err;
		second = arena_lock(c->op == LOCK_TWO ? &t->other : &t->lock);
		err = arena_unlock(&t->lock);
		return err ? err : second;
	case LOCK_COUNT:
		return lock_count(t, c->a);
	}
	return -1;
}

#ifndef __bpf__
#define lib_op lock_op
#endif
#endif
