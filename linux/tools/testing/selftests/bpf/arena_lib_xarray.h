/* SPDX-License-Identifier: GPL-2.0 */
/* <bpf/arena/xarray.h>: what program and process do with one array */
#ifndef ARENA_LIB_XARRAY_H
#define ARENA_LIB_XARRAY_H
#define ARENA_HEAP_CPUS 2
#define ARENA_LOCK_MS 20 /* a lock that somebody has scribbled over is never free */
#include <bpf/arena/lock.h>
#include <bpf/arena/xarray.h>
#include "arena_lib.h"

#define KEYS 128
#define FIXED 32	/* of them are there all the time, in xa_threads() */

struct xa_test {
	struct arena_xa array;
	struct arena_lock lock;
	struct arena_heap __arena *heap;
	__u64 key[KEYS];	/* indices */
	__u64 index, value;	/* of the last XA_LOAD, XA_FIND and the like */
	__u64 fixed;		/* those that a walk has seen, as bits */
	__u32 found, wrong, again, writes, interrupts, seen;
};

enum {
	XA_STORE, XA_ERASE, XA_SET_MARK, XA_CLEAR_MARK, NR_XA_CHANGES,
	XA_LOAD = NR_XA_CHANGES, XA_FIND, XA_FIND_LAST, XA_AFTER, XA_BEFORE, XA_MARKED,
	XA_MARKED_LAST, XA_GET_MARK, XA_EMPTY, NR_XA_OPS,
	XA_STORE_RANGE, XA_ERASE_RANGE, XA_INIT, XA_DESTROY, XA_WALK, XA_READ, XA_WRITE, XA_INIT_AT,
	XA_STORE_AT,
};

/* The mark is beside the operation. */
#define XA_MARK(op, mark) ((op) | (mark) << 8)

#ifdef __bpf__
struct xa_test __arena_global xa;
#define XA_T (&xa)
#else
static struct xa_test *xa_t;
#define XA_T xa_t
#endif

/* In xa_threads(): what key number i has. Those that are odd have mark 0. */
static inline __u64 xa_value(__u32 i, __u32 odd)
{
	return (i + 1ULL) << 32 | odd;
}

/* The lock is held unless there is an error */
static inline int xa_lock(struct xa_test __arena *t)
{
	int err = arena_lock(&t->lock);

	return err == -EOWNERDEAD ? 0 : err;
}

/* All entries in order, by turns upwards, downwards, and marked ones; an error */
static inline int xa_walk(struct xa_test __arena *t, int how)
{
	struct arena_xa_entry e = { .index = how == 1 ? ~0ULL : 0 };
	__u32 i, k, again = arena_zero();
	__u64 last = e.index;
	int err;

	t->fixed = 0;
	arena_rounds(i, 10000) {
		if (how == 2)
			err = arena_xa_find_marked(&t->array, &e, ~0ULL, 0);
		else if (how == 1)
			err = arena_xa_find_last(&t->array, &e, 0);
		else
			err = arena_xa_find(&t->array, &e, ~0ULL);
		if (err == -EAGAIN && again++ < 100)
			continue;
		if (err)
			return err == -ENOENT ? 0 : err;
		k = (e.value >> 32) - 1;
		if (k >= KEYS || t->key[k % KEYS] != e.index || (how == 2 && !(e.value & 1)) ||
		    (how == 1 ? e.index > last : e.index < last))
			arena_fetch_add(&t->wrong, 1);
		if (k < FIXED)
			t->fixed |= 1ULL << k;
		if (e.index == (how == 1 ? 0 : ~0ULL))
			return 0;
		e.index += how == 1 ? -1ULL : 1;
		last = e.index;
	}
	return -EAGAIN;
}

/* Whatever is there has a value that says what it is */
static inline int xa_read(struct xa_test __arena *t, __u32 n)
{
	struct arena_xa_entry e;
	__u64 value = 0, key;
	__u32 i, k;
	int err;

	arena_rounds(i, n) {
		k = i * 7 % KEYS;
		key = t->key[k];
		err = arena_xa_load(&t->array, key, &value);
		if (err == -EAGAIN)
			arena_fetch_add(&t->again, 1);
		else if (err == -ENOENT)
			arena_fetch_add(&t->wrong, k < FIXED);
		else if (err)
			return err;
		else if (value >> 32 != k + 1)
			arena_fetch_add(&t->wrong, 1);
		arena_fetch_add(&t->found, !err);
		e.index = key;
		err = arena_xa_find_marked(&t->array, &e, ~0ULL, 0);
		if (err == -EAGAIN)
			arena_fetch_add(&t->again, 1);
		else if (err && err != -ENOENT)
			return err;
		k = (e.value >> 32) - 1;
		if (!err && (k >= KEYS || t->key[k % KEYS] != e.index || !(e.value & 1)))
			arena_fetch_add(&t->wrong, 1);
	}
	return 0;
}

/* Keys from FIXED on come and go, some of them with a mark */
static inline int xa_change(struct xa_test __arena *t, __u32 k, __u32 odd)
{
	__u64 value = 0;
	int err;

	err = arena_xa_load(&t->array, t->key[k], &value);
	if (!err)
		return arena_xa_erase(&t->array, t->key[k]);
	if (err != -ENOENT)
		return err;
	err = arena_xa_store(&t->array, t->key[k], xa_value(k, odd));
	return err || !odd ? err : arena_xa_set_mark(&t->array, t->key[k], 0);
}

static inline int xa_write(struct xa_test __arena *t, __u32 n, __u32 from)
{
	__u32 i;
	int err;

	arena_rounds(i, n) {
		err = xa_lock(t);
		if (err == -ETIMEDOUT || err == -EDEADLK)
			continue;
		if (err)
			return err;
		err = xa_change(t, FIXED + (from + i * 7) % (KEYS - FIXED), i >> 2 & 1);
		arena_unlock(&t->lock);
		/* the program's time is over */
		if (err == -EAGAIN || err == -ENOMEM)
			return 0;
		if (err)
			return err;
		arena_fetch_add(&t->writes, 1);
	}
	return 0;
}

static inline int xa_query(struct xa_test __arena *t, struct lib_call *c, __u32 op, __u32 mark)
{
	struct arena_xa_entry e = { .index = c->a };
	int err = -1;

	switch (op) {
	case XA_LOAD:
		err = arena_xa_load(&t->array, c->a, &e.value);
		break;
	case XA_FIND:
		err = arena_xa_find(&t->array, &e, c->b);
		break;
	case XA_FIND_LAST:
		err = arena_xa_find_last(&t->array, &e, c->b);
		break;
	case XA_AFTER:
		err = arena_xa_find_after(&t->array, &e, c->b);
		break;
	case XA_BEFORE:
		err = arena_xa_find_before(&t->array, &e, c->b);
		break;
	case XA_MARKED:
		err = arena_xa_find_marked(&t->array, &e, c->b, mark);
		break;
	case XA_MARKED_LAST:
		err = arena_xa_find_marked_last(&t->array, &e, c->b, mark);
		break;
	case XA_GET_MARK:
		return arena_xa_get_mark(&t->array, c->a, mark);
	case XA_EMPTY:
		return arena_xa_empty(&t->array);
	}
	t->index = e.index;
	t->value = e.value;
	return err;
}

static inline int lib_op(struct lib_call *c)
{
	struct xa_test __arena *t = XA_T;
	__u32 op = c->op & 255, mark = c->op >> 8;

	if (op >= NR_XA_CHANGES && op < NR_XA_OPS)
		return xa_query(t, c, op, mark);
	switch (op) {
	case XA_STORE:
		return arena_xa_store(&t->array, c->a, c->b);
	case XA_ERASE:
		return arena_xa_erase(&t->array, c->a);
	case XA_SET_MARK:
		return arena_xa_set_mark(&t->array, c->a, mark);
	case XA_CLEAR_MARK:
		return arena_xa_clear_mark(&t->array, c->a, mark);
	case XA_STORE_RANGE:
		return arena_xa_store_range(&t->array, c->a, c->b, 7);
	case XA_ERASE_RANGE:
		return arena_xa_erase_range(&t->array, c->a, c->b);
	case XA_INIT:
		return arena_xa_init(&t->array, t->heap);
	case XA_DESTROY:
		return arena_xa_destroy(&t->array);
	case XA_WALK:
		return xa_walk(t, c->a);
	case XA_READ:
		return xa_read(t, c->a);
	case XA_WRITE:
		return xa_write(t, c->a, c->b);
	case XA_INIT_AT:
		return arena_xa_init((struct arena_xa __arena *)arena_at(c->a), t->heap);
	case XA_STORE_AT:
		return arena_xa_store((struct arena_xa __arena *)arena_at(c->a), 1, 1);
	}
	return -1;
}
#endif
