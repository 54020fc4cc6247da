/* SPDX-License-Identifier: GPL-2.0 */
/* <bpf/arena/rbtree.h>: what program and process do with one tree */
#ifndef ARENA_LIB_RBTREE_H
#define ARENA_LIB_RBTREE_H
#define ARENA_LOCK_MS 20 /* a lock that somebody has scribbled over is never free */
#include <bpf/arena/lock.h>
#include <bpf/arena/rbtree.h>
#include "arena_lib.h"

#define ITEMS 256
#define FIXED 64	/* of them are in the tree all the time, in rb_threads() */

struct rb_item {
	__u64 number;		/* the key's, too */
	struct arena_rb_node node;
	__u64 more[3];		/* equal to number */
};

struct rb_test {
	struct arena_rb tree;
	struct arena_lock lock;
	struct rb_item item[ITEMS];
	__u32 number;		/* of the last RB_FIND, RB_NEXT, RB_PREV */
	__u64 fixed;		/* those that a walk has seen, as bits */
	__u32 in[ITEMS];	/* what rb_write() has put in */
	__u32 found, torn, wrong, again, writes, interrupts, seen;
};

enum {
	RB_INSERT, RB_ERASE, RB_FIND, RB_NEXT, RB_PREV, RB_COUNT, NR_RB_OPS,
	RB_WALK, RB_WALK_BACK, RB_READ, RB_WRITE, RB_INSERT_AT, RB_ERASE_AT,
};

#ifdef __bpf__
struct rb_test __arena_global rb;
#define RB_T (&rb)
#else
static struct rb_test *rb_t;
#define RB_T rb_t
#endif

static inline int rb_torn(const struct rb_item *i)
{
	return i->node.key != i->number || i->more[0] != i->number || i->more[1] != i->number ||
	       i->more[2] != i->number;
}

static inline void rb_fill(struct rb_item __arena *i, __u64 n)
{
	arena_write_once(&i->number, n);
	arena_write_once(&i->more[0], n);
	arena_write_once(&i->more[1], n);
	arena_write_once(&i->more[2], n);
	arena_write_once(&i->node.key, n);
}

/* The lock is held unless there is an error */
static inline int rb_lock(struct rb_test __arena *t)
{
	int err = arena_lock(&t->lock);

	return err == -EOWNERDEAD ? 0 : err;
}

static inline int rb_insert(struct rb_test __arena *t, __u32 i, __u64 key, int fill)
{
	struct rb_item __arena *item = &t->item[i % ITEMS];
	int err = rb_lock(t);

	if (err)
		return err;
	if (fill)
		rb_fill(item, key);
	err = arena_rb_insert(&t->tree, &item->node);
	arena_unlock(&t->lock);
	return err;
}

static inline int rb_erase(struct rb_test __arena *t, __u32 i)
{
	int err = rb_lock(t);

	if (err)
		return err;
	err = arena_rb_erase(&t->tree, &t->item[i % ITEMS].node);
	arena_unlock(&t->lock);
	return err;
}

/* All elements in order; their number, or an error */
static inline int rb_walk(struct rb_test __arena *t, int back)
{
	struct arena_rb_cursor c = { back ? ~0ULL : 0, back ? ~0U : 0 };
	struct rb_item item = {};
	__u64 last = c.key;
	__u32 i, again = arena_zero();
	int err;

	t->fixed = 0;
	arena_rounds(i, 10000) {
		if (back)
			err = arena_rb_prev(&t->tree, &c, &item, node);
		else
			err = arena_rb_next(&t->tree, &c, &item, node);
		if (err == -EAGAIN && again++ < 100)
			continue;
		if (err == -ENOENT)
			return i - again;
		if (err)
			return err;
		if (rb_torn(&item) || (back ? item.number > last : item.number < last))
			arena_fetch_add(&t->torn, 1);
		last = item.number;
		if (last < FIXED)
			t->fixed |= 1ULL << last;
	}
	return -EAGAIN;
}

/* Keys up to FIXED are there all the time; whatever is there has a key that says what it is */
static inline int rb_read(struct rb_test __arena *t, __u32 n)
{
	struct rb_item item = {};
	__u32 i;
	int err;

	arena_rounds(i, n) {
		err = arena_rb_find(&t->tree, i % 128, &item, node);
		if (err == -EAGAIN)
			arena_fetch_add(&t->again, 1);
		else if (err == -ENOENT)
			arena_fetch_add(&t->wrong, i % 128 < FIXED);
		else if (err)
			return err;
		arena_fetch_add(&t->found, !err);
		if (!err && (rb_torn(&item) || item.number != i % 128))
			arena_fetch_add(&t->torn, 1);
	}
	return 0;
}

/* Items from FIXED on come, go, and change their keys */
static inline int rb_write(struct rb_test __arena *t, __u32 n, __u32 from)
{
	__u32 i, item;
	int err;

	arena_rounds(i, n) {
		item = FIXED + (from + i * 7) % (ITEMS - FIXED);
		err = rb_lock(t);
		if (err == -ETIMEDOUT || err == -EDEADLK)
			continue;
		if (err)
			return err;
		if (t->in[item]) {
			err = arena_rb_erase(&t->tree, &t->item[item].node);
			if (!err)
				t->in[item] = 0;
		} else {
			rb_fill(&t->item[item], FIXED + (from + i * 13) % 4096);
			err = arena_rb_insert(&t->tree, &t->item[item].node);
			if (!err)
				t->in[item] = 1;
		}
		arena_unlock(&t->lock);
		if (err == -EAGAIN) /* the program's time is over */
			return 0;
		if (err)
			return err;
		arena_fetch_add(&t->writes, 1);
	}
	return 0;
}

static inline int lib_op(struct lib_call *c)
{
	struct arena_rb_cursor at = { c->a, c->b };
	struct rb_test __arena *t = RB_T;
	struct rb_item item = {};
	int err;

	switch (c->op) {
	case RB_INSERT:
		return rb_insert(t, c->a, c->b, 1);
	case RB_ERASE:
		return rb_erase(t, c->a);
	case RB_COUNT:
		return arena_rb_count(&t->tree);
	case RB_FIND:
		err = arena_rb_find(&t->tree, c->a, &item, node);
		break;
	case RB_NEXT:
		err = arena_rb_next(&t->tree, &at, &item, node);
		break;
	case RB_PREV:
		err = arena_rb_prev(&t->tree, &at, &item, node);
		break;
	case RB_WALK:
		return rb_walk(t, 0);
	case RB_WALK_BACK:
		return rb_walk(t, 1);
	case RB_READ:
		return rb_read(t, c->a);
	case RB_WRITE:
		return rb_write(t, c->a, c->b);
	case RB_INSERT_AT:
		return arena_rb_insert((struct arena_rb __arena *)arena_at(c->a),
				       (struct arena_rb_node __arena *)arena_at(c->b));
	case RB_ERASE_AT:
		return arena_rb_erase((struct arena_rb __arena *)arena_at(c->a),
				      (struct arena_rb_node __arena *)arena_at(c->b));
	default:
		return -1;
	}
	t->number = item.number;
	if (!err && rb_torn(&item))
		arena_fetch_add(&t->torn, 1);
	return err;
}
#endif
