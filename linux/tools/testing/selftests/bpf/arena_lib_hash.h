/* SPDX-License-Identifier: GPL-2.0 */
/* <bpf/arena/hash.h>: what program and process do with one table */
#ifndef ARENA_LIB_HASH_H
#define ARENA_LIB_HASH_H
#define ARENA_HEAP_CPUS 2
#define ARENA_LOCK_MS 20 /* a lock that somebody has scribbled over is never free */
#include "arena_lib.h"
#include <linux/types.h>

/* 12 bytes: not a multiple of 8 */
struct pair_key {
	__u32 number, square, zero;
};

struct pair_value {
	__u64 word[5];	/* equal numbers */
};

#define ARENA_HASH_NAME pairs
#define ARENA_HASH_KEY struct pair_key
#define ARENA_HASH_VALUE struct pair_value
#include <bpf/arena/hash.h>

struct hash_test {
	struct arena_heap __arena *heap;
	struct arena_hash table;
	__u64 value;		/* of the last HASH_FIND */
	__u64 seen[4];		/* by HASH_WALK: numbers, as bits */
	__u32 found, torn, wrong, again, writes, nested, interrupts;
	int nested_err;
};

enum {
	HASH_FIND, HASH_SET, HASH_NEW, HASH_OLD, HASH_DELETE, HASH_COUNT, NR_HASH_OPS,
	HASH_WALK, HASH_INIT, HASH_READ, HASH_WRITE, HASH_DESTROY, HASH_NESTED,
};

#ifdef __bpf__
struct hash_test __arena_global hash;
#define HASH_T (&hash)
#define HASH_HEAP hash.heap
#else
static struct hash_test *hash_t;
static struct arena_heap *hash_heap;
#define HASH_T hash_t
#define HASH_HEAP hash_heap
#endif

static inline struct pair_key hash_key(__u32 n)
{
	struct pair_key key = { n, n * n, 0 };

	return key;
}

static inline struct pair_value hash_value(__u64 n)
{
	struct pair_value value = { { n, n, n, n, n } };

	return value;
}

static inline int hash_torn(const struct pair_value *v)
{
	return v->word[0] != v->word[1] || v->word[0] != v->word[2] || v->word[0] != v->word[3] ||
	       v->word[0] != v->word[4];
}

static inline int hash_walk(struct hash_test __arena *t)
{
	struct arena_hash_cursor c = {};
	struct pair_value value = {};
	struct pair_key key = {};
	__u32 i, again = arena_zero();
	int err;

	arena_rounds(i, 100000) {
		err = pairs_next(&t->table, &c, &key, &value);
		if ((err == -EAGAIN || err == -EBUSY) && again++ < 100)
			continue;
		if (err)
			return err == -ENOENT ? 0 : err;
		if (key.square != key.number * key.number || hash_torn(&value))
			t->torn++;
		t->seen[key.number / 64 % 4] |= 1ULL << key.number % 64;
	}
	return -EAGAIN;
}

/* Readers know which keys are there all the time: 0 to 63 */
static inline int hash_read(struct hash_test __arena *t, __u32 n)
{
	struct pair_value value = {};
	struct pair_key key;
	__u32 i;
	int err;

	arena_rounds(i, n) {
		key = hash_key(i % 128);
		err = pairs_find(&t->table, &key, &value);
		if (err == -EAGAIN)
			arena_fetch_add(&t->again, 1);
		else if (err == -ENOENT)
			arena_fetch_add(&t->wrong, i % 128 < 64);
		else if (err)
			return err;
		arena_fetch_add(&t->found, !err);
		if (!err && (hash_torn(&value) || value.word[0] % 128 != i % 128))
			arena_fetch_add(&t->torn, 1);
	}
	return 0;
}

/* Overwrites keys up to 63; inserts and deletes others, and ever more of them */
static inline int hash_write(struct hash_test __arena *t, __u32 n, __u32 from)
{
	struct pair_value value;
	struct pair_key key;
	__u32 i;
	int err;

	arena_rounds(i, n) {
		key = hash_key(i % 128);
		value = hash_value(i % 128 + 128 * i);
		if (i % 128 >= 64 && i / 128 % 2)
			err = pairs_delete(&t->table, &key);
		else
			err = pairs_set(&t->table, &key, &value, ARENA_HASH_ANY);
		if (err == -EAGAIN || err == -ENOMEM) /* the program's time is over */
			return 0;
		if (err && err != -ENOENT && err != -ETIMEDOUT)
			return err;
		key = hash_key(1000 + from + i);
		err = pairs_set(&t->table, &key, &value, ARENA_HASH_ANY);
		if (err == -EAGAIN || err == -ENOMEM)
			return 0;
		if (err && err != -ETIMEDOUT)
			return err;
		arena_fetch_add(&t->writes, 1);
	}
	return 0;
}

static inline int lib_op(struct lib_call *c)
{
	struct hash_test __arena *t = HASH_T;
	struct pair_value value = hash_value(c->b);
	struct pair_key key = hash_key(c->a);
	int err;

	switch (c->op) {
	case HASH_FIND:
		err = pairs_find(&t->table, &key, &value);
		if (!err)
			t->value = hash_torn(&value) ? ~0ULL : value.word[0];
		return err;
	case HASH_SET:
		return pairs_set(&t->table, &key, &value, ARENA_HASH_ANY);
	case HASH_NEW:
		return pairs_set(&t->table, &key, &value, ARENA_HASH_NEW);
	case HASH_OLD:
		return pairs_set(&t->table, &key, &value, ARENA_HASH_OLD);
	case HASH_DELETE:
		return pairs_delete(&t->table, &key);
	case HASH_COUNT:
		return arena_hash_count(&t->table);
	case HASH_WALK:
		return hash_walk(t);
	case HASH_INIT:
		return arena_hash_init(&t->table, HASH_HEAP, c->a, 4711);
	case HASH_READ:
		return hash_read(t, c->a);
	case HASH_WRITE:
		return hash_write(t, c->a, c->b);
	case HASH_DESTROY:
		return arena_hash_destroy(&t->table);
	}
	return -1;
}
#endif
