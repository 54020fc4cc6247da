/* SPDX-License-Identifier: GPL-2.0 */
/*
 * <bpf/arena/epoch.h>: a row of pointers to elements of equal numbers. Writers replace
 * elements; what comes out of limbo is filled with garbage before it is used again.
 */
#ifndef ARENA_LIB_EPOCH_H
#define ARENA_LIB_EPOCH_H
#ifdef ARENA_LIB_NATIVE
#define ARENA_EPOCH_PROCESS
#endif
#include <bpf/arena/epoch.h>
#include <bpf/arena/lock.h>
#include <bpf/arena/seq.h>
#include "arena_lib.h"

#define SLOTS 4
#define ITEMS 64
#define WORDS 6

struct epoch_item {
	struct arena_seq seq;
	struct arena_limbo_link limbo; /* or in the list of free ones */
	__u64 word[WORDS];
};

struct epoch_test {
	struct arena_epoch epoch;
	struct arena_limbo limbo;
	struct arena_lock lock;
	struct epoch_item __arena *slot[SLOTS];
	struct arena_limbo_link __arena *free;
	struct epoch_item item[ITEMS];
	__u64 next;
	__u32 replaced, full, read, validated, retried, torn, lost, taken;
};

enum {
	EPOCH_REPLACE, EPOCH_READ, EPOCH_VALIDATE, EPOCH_ADVANCE, EPOCH_ENTER, EPOCH_EXIT,
	EPOCH_TAKE,
};

#ifdef __bpf__
struct epoch_test __arena_global epoch __attribute__((aligned(64)));
#define EPOCH_T (&epoch)
#else
static struct epoch_test *epoch_t;
#define EPOCH_T epoch_t
#endif

/* Elements from limbo are free, full of garbage. The caller holds the lock. */
static inline int epoch_reclaim(struct epoch_test __arena *t)
{
	struct arena_limbo_link __arena *n = arena_limbo_take(&t->epoch, &t->limbo);
	struct arena_limbo_link __arena *next;
	struct epoch_item __arena *item;
	__u32 i, j, nr = arena_zero();

	arena_rounds(i, ITEMS) {
		if (!n || !arena_ok(n, sizeof(*n)))
			break;
		next = n->next;
		item = arena_container_of(n, struct epoch_item, limbo);
		arena_seq_write_begin(&item->seq);
		for (j = 0; j < WORDS; j++)
			arena_write_once(&item->word[j], ~0ULL - j);
		arena_seq_write_end(&item->seq);
		n->next = t->free;
		t->free = n;
		n = next;
		nr++;
	}
	t->taken += nr;
	return nr;
}

static inline int epoch_replace(struct epoch_test __arena *t, __u32 slot)
{
	struct epoch_item __arena *item, *old;
	struct arena_limbo_link __arena *n;
	__u32 i;
	int err;

	err = arena_lock(&t->lock);
	if (err)
		return 0;
	epoch_reclaim(t);
	n = t->free;
	if (!n) {
		arena_fetch_add(&t->full, 1);
		goto out;
	}
	t->free = n->next;
	item = arena_container_of(n, struct epoch_item, limbo);
	arena_seq_write_begin(&item->seq);
	t->next++;
	for (i = 0; i < WORDS; i++)
		arena_write_once(&item->word[i], t->next);
	arena_seq_write_end(&item->seq);
	old = t->slot[slot];
	arena_store_release(&t->slot[slot], item);
	arena_fetch_add(&t->replaced, 1);
	if (old && arena_retire(&t->epoch, &t->limbo, &old->limbo))
		t->lost++;
out:
	return arena_unlock(&t->lock);
}

/* A process: nothing that it has copied counts unless it is valid */
static inline int epoch_validate(struct epoch_test __arena *t, __u32 slot)
{
	struct epoch_item __arena *item;
	__u64 first, seq;
	__u32 i, j, differ;

	arena_rounds(i, 100) {
		item = arena_load_acquire(&t->slot[slot]);
		if (!item)
			return 0;
		if (!arena_ok(item, sizeof(*item)))
			return -EFAULT;
		seq = arena_seq_begin(&item->seq);
		first = arena_read_once(&item->word[0]);
		differ = 0;
		for (j = 1; j < WORDS; j++)
			differ |= arena_read_once(&item->word[j]) != first;
		arena_rmb();
		if (arena_read_once(&t->slot[slot]) == item && arena_seq_valid(&item->seq, seq)) {
			arena_fetch_add(&t->validated, 1);
			if (differ || first > ~0ULL - WORDS)
				arena_fetch_add(&t->torn, 1);
			return 0;
		}
	}
	arena_fetch_add(&t->retried, 1);
	return 0;
}

#ifdef ARENA_EPOCH_PROCESS
#define EPOCH_READERS
#elif defined(__bpf__)
#define EPOCH_READERS
#endif

static inline int lib_op(struct lib_call *c)
{
	struct epoch_test __arena *t = EPOCH_T;
#ifdef EPOCH_READERS
	struct epoch_item __arena *item;
	__u64 first, differ;
	__u32 j, k, entered;
#endif
	__u32 i;

	switch (c->op) {
	case EPOCH_REPLACE:
		arena_rounds(i, c->a)
			epoch_replace(t, i % SLOTS);
		return 0;
	case EPOCH_VALIDATE:
		arena_rounds(i, c->a)
			epoch_validate(t, i % SLOTS);
		return 0;
	case EPOCH_ADVANCE:
		return arena_epoch_advance(&t->epoch);
	case EPOCH_TAKE:
		return epoch_reclaim(t);
#ifdef EPOCH_READERS
	case EPOCH_ENTER:
		return arena_epoch_enter(&t->epoch);
	case EPOCH_EXIT:
		arena_epoch_exit(&t->epoch, c->a);
		return 0;
	case EPOCH_READ:
		arena_rounds(i, c->a) {
			entered = arena_epoch_enter(&t->epoch);
			item = arena_load_acquire(&t->slot[i % SLOTS]);
			if (item) {
				first = arena_read_once(&item->word[0]);
				differ = 0;
				arena_rounds(k, 20)
					for (j = 0; j < WORDS; j++)
						differ |= arena_read_once(&item->word[j]) ^ first;
				if (differ || first > ~0ULL - WORDS)
					arena_fetch_add(&t->torn, 1);
				arena_fetch_add(&t->read, 1);
			}
			arena_epoch_exit(&t->epoch, entered);
		}
		return 0;
#endif
	}
	return -1;
}
#endif
