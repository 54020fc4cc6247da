// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/hash.h> against a model, under writers, and after one that died */
#include <test_progs.h>
#include "arena_lib_hash.h"
#include "arena_lib_hash.skel.h"

#define ARENA_HASH_NAME words
#define ARENA_HASH_KEY __u64
#define ARENA_HASH_VALUE __u64
#include <bpf/arena/hash.h>

#define ROUNDS 6000
#define KEYS 256
#define HEAP_AT (4UL << 20)
#define HEAP_BYTES (8UL << 20)

static struct arena_lib_hash *hash_skel;
static long long model[KEYS]; /* value, or -1 */

static int hash_run(int side, int op, unsigned long long a, unsigned long long b)
{
	struct lib_call c = { op, a, b };

	return LIB_CALL(hash_skel, side, &c);
}

static int hash_reset(int side, unsigned int max, unsigned long bytes)
{
	char *start = (char *)__arena_range.start, *first;
	unsigned long own = arena_heap_size(__arena_range.size);

	memset(model, -1, sizeof(model));
	memset(hash_t, 0, sizeof(*hash_t));
	hash_heap = (void *)(start + HEAP_AT);
	hash_t->heap = hash_heap;
	memset(hash_heap, 0, own);
	first = start + HEAP_AT + (own + 4095) / 4096 * 4096;
	memset(first, 0xa5, bytes);
	if (!ASSERT_OK(arena_heap_init(hash_heap, start, __arena_range.size, 99), "heap") ||
	    !ASSERT_OK(arena_heap_add(hash_heap, first, bytes), "add"))
		return -1;
	return ASSERT_OK(hash_run(side, HASH_INIT, max, 0), "init") ? 0 : -1;
}

static int model_count(void)
{
	int i, n = 0;

	for (i = 0; i < KEYS; i++)
		n += model[i] >= 0;
	return n;
}

static int model_op(int op, int key, int value)
{
	int old = model[key] >= 0;

	switch (op) {
	case HASH_FIND:
		return old ? 0 : -ENOENT;
	case HASH_NEW:
		if (old)
			return -EEXIST;
		break;
	case HASH_OLD:
		if (!old)
			return -ENOENT;
		break;
	case HASH_DELETE:
		model[key] = -1;
		return old ? 0 : -ENOENT;
	case HASH_COUNT:
		return model_count();
	}
	model[key] = value;
	return 0;
}

static int hash_walk_check(int side)
{
	int i, differ = 0;

	memset(hash_t->seen, 0, sizeof(hash_t->seen));
	if (!ASSERT_OK(hash_run(side, HASH_WALK, 0, 0), "walk"))
		return -1;
	for (i = 0; i < KEYS; i++)
		differ += (hash_t->seen[i / 64] >> i % 64 & 1) != (model[i] >= 0);
	return ASSERT_EQ(differ, 0, "walk") && ASSERT_EQ(hash_t->torn, 0, "torn") ? 0 : -1;
}

static void hash_random(void)
{
	struct arena_heap_stats s;
	int i, op, key, side, err;

	if (hash_reset(1, 1000, HEAP_BYTES))
		return;
	for (i = 0; i < ROUNDS; i++) {
		side = lib_random(2);
		op = lib_random(NR_HASH_OPS);
		key = lib_random(i < ROUNDS / 2 ? 40 : KEYS);
		err = hash_run(side, op, key, i);
		if (!ASSERT_EQ(err, model_op(op, key, i), "result") ||
		    (op == HASH_FIND && !err && !ASSERT_EQ(hash_t->value, model[key], "value")) ||
		    (i % 500 == 0 && hash_walk_check(side))) {
			printf("round %d side %d: op %d key %d\n", i, side, op, key);
			return;
		}
	}
	ASSERT_GT((__u32)hash_t->table.state, 100, "it has grown");
	ASSERT_OK(hash_run(1, HASH_DESTROY, 0, 0), "destroy");
	arena_heap_count(hash_heap, &s);
	ASSERT_EQ(s.objects, 0, "all memory is back");
}

static void hash_full(void)
{
	int side, i, err;

	for (side = 0; side < 2; side++) {
		if (hash_reset(side, 256, HEAP_BYTES))
			return;
		for (i = 0; i < 256; i++)
			if (!ASSERT_OK(hash_run(side, HASH_NEW, i, i), "insert"))
				return;
		ASSERT_EQ(hash_run(side, HASH_NEW, 256, 0), -ENOSPC, "as many as it may have");
		ASSERT_OK(hash_run(side, HASH_OLD, 255, 7), "overwrite");
		ASSERT_OK(hash_run(side, HASH_DELETE, 1, 0), "delete");
		ASSERT_OK(hash_run(side, HASH_NEW, 256, 0), "again");

		if (hash_reset(side, 100000, 64 << 10))
			return;
		for (i = 0, err = 0; i < 2000 && !err; i++)
			err = hash_run(side, HASH_NEW, i, i);
		ASSERT_EQ(err, -ENOMEM, "no memory");
		ASSERT_GT(i, 400, "most of the memory is used");
		while (--i > 0)
			if (!ASSERT_OK(hash_run(side, HASH_FIND, i - 1, 0), "find"))
				return;
	}
}

struct hash_job {
	int side, op, times, a, b, writes;
};

/* So many writes, however often a program's time is over before */
static int hash_behind(struct hash_job *job)
{
	return job->op == HASH_WRITE &&
	       __atomic_load_n(&hash_t->writes, __ATOMIC_RELAXED) < job->writes;
}

static void *hash_worker(void *arg)
{
	struct hash_job *job = arg;
	long err;
	int i;

	for (i = 0; i < job->times || (i < 20 * job->times && hash_behind(job)); i++) {
		err = hash_run(job->side, job->op, job->a, job->b * 1000000 + i * job->a);
		if (err)
			return (void *)err;
	}
	return NULL;
}

/* Readers of both sides, as writers of both sides overwrite, insert, delete, and grow the table */
static void hash_threads(void)
{
	struct hash_job jobs[] = {
		{ 1, HASH_READ, 40, 256 }, { 0, HASH_READ, 40, 256 },
		{ 1, HASH_WRITE, 20, 256, 1, 4000 }, { 0, HASH_WRITE, 20, 256, 2, 4000 },
	};
	pthread_t threads[ARRAY_SIZE(jobs)];
	struct lib_interrupts on = {};
	void *result;
	int i, n = 0;

	if (hash_reset(0, 1 << 20, HEAP_BYTES))
		return;
	for (i = 0; i < 64; i++)
		hash_run(0, HASH_SET, i, i);
	if (lib_interrupt(&on, hash_skel->progs.on_clock, hash_skel->progs.on_nmi))
		goto out;
	for (n = 0; n < ARRAY_SIZE(jobs); n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, hash_worker, &jobs[n]), "thread"))
			break;
	for (i = 0; i < 5; i++) {
		lib_nmi();
		usleep(20000);
	}
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], &result);
		ASSERT_EQ((long)result, 0, "run");
	}
out:
	lib_no_interrupts(&on);
#ifndef ARENA_LIB_NATIVE
	ASSERT_GT(hash_t->interrupts, 10, "interrupted");
#endif
	printf("found %u again %u writes %u count %llu buckets %u\n", hash_t->found, hash_t->again,
	       hash_t->writes, arena_hash_count(&hash_t->table), (__u32)hash_t->table.state);
	ASSERT_EQ(hash_t->torn, 0, "half of a value");
	ASSERT_EQ(hash_t->wrong, 0, "a key that was there was not found");
	ASSERT_GT(hash_t->found, 5000, "found");
	ASSERT_GE(arena_hash_count(&hash_t->table), 64, "count");
	ASSERT_GT((__u32)hash_t->table.state, 1000, "it has grown");
}

/* Keys that differ in one byte alone, wherever that is: addresses of a network, small doubles */
static void hash_alike(void)
{
	struct arena_hash *table = &hash_t->table;
	__u64 key, value, i;
	int byte;

	for (byte = 0; byte < 8; byte++) {
		if (hash_reset(0, 1000, HEAP_BYTES))
			return;
		for (i = 1; i < 255; i++) {
			key = i << 8 * byte ^ 0x0a01;
			if (!ASSERT_OK(words_set(table, &key, &i, ARENA_HASH_NEW), "insert"))
				return;
		}
		for (i = 1; i < 255; i++) {
			key = i << 8 * byte ^ 0x0a01;
			if (!ASSERT_OK(words_find(table, &key, &value), "find") ||
			    !ASSERT_EQ(value, i, "value") ||
			    !ASSERT_OK(words_delete(table, &key), "delete"))
				return;
		}
	}
}

/* A bucket that has as many elements as it may have takes no more, and is not damaged */
static void hash_long_chain(void)
{
	struct arena_hash *table = &hash_t->table;
	struct arena_hash_cursor c = {};
	__u64 key, value, seen = 0;
	__u32 i;
	int err;

	if (hash_reset(0, 100000, HEAP_BYTES))
		return;
	table->max = 16; /* no more buckets */
	table->seed = 5;
	for (key = 0, i = 0; key < 1 << 20 && i < 200; key++) {
		struct words_key_words k;

		if (words_prepare(table, &key, &k) & 15)
			continue;
		table->count = 0; /* more elements than buckets */
		err = words_set(table, &key, &key, ARENA_HASH_NEW);
		i++;
		if (!ASSERT_EQ(err, i < ARENA_HASH_CHAIN ? 0 : -ENOSPC, "insert"))
			return;
		err = words_find(table, &key, &value);
		if (!ASSERT_EQ(err, i < ARENA_HASH_CHAIN ? 0 : -ENOENT, "find"))
			return;
	}
	for (i = 0; i < 1000; i++) {
		err = words_next(table, &c, &key, &value);
		if (err)
			break;
		seen++;
	}
	ASSERT_EQ(err, -ENOENT, "a walk comes to its end");
	ASSERT_EQ(seen, ARENA_HASH_CHAIN - 1, "and has seen all");
}

/* No other bucket is split before one that a split is still filling */
static void hash_one_split(void)
{
	struct arena_hash *table = &hash_t->table;
	struct arena_hash_bucket *to;

	if (hash_reset(0, 1000, HEAP_BYTES))
		return;
	to = __arena_hash_bucket(table, 16);
	if (!ASSERT_OK_PTR(to, "part"))
		return;
	table->count = 100;
	table->state = 31ULL << 32 | 17;
	table->split = 17;
	to->parent = 1;
	__arena_hash_grow(table);
	ASSERT_EQ(table->split, 17, "the same split");
	ASSERT_EQ((__u32)table->state, 17, "no other bucket");
}

/* A walk comes to its end, and sees all, whatever is overwritten or deleted meanwhile */
static void hash_walk_busy(void)
{
	struct arena_hash *table = &hash_t->table;
	struct arena_hash_cursor c = {};
	__u64 key, value, hot = 7, seen = 0;
	int i, err = 0;

	if (hash_reset(0, 1000, HEAP_BYTES))
		return;
	for (key = 0; key < 48; key++)
		words_set(table, &key, &key, ARENA_HASH_NEW);
	for (i = 0; i < 1000; i++) {
		for (hot = 0; hot < 48; hot++)
			words_set(table, &hot, &hot, ARENA_HASH_OLD);
		err = words_next(table, &c, &key, &value);
		if (err)
			break;
		seen |= 1ULL << key;
	}
	ASSERT_EQ(err, -ENOENT, "overwritten: the end");
	ASSERT_EQ(i, 48, "overwritten: nothing twice");
	ASSERT_EQ(seen, (1ULL << 48) - 1, "overwritten: all");

	memset(&c, 0, sizeof(c));
	for (i = 0; i < 10000; i++) {
		err = words_next(table, &c, &key, &value);
		if (err)
			break;
		/* what was just seen goes and comes back */
		words_delete(table, &key);
		words_set(table, &key, &key, ARENA_HASH_NEW);
	}
	ASSERT_EQ(err, -ENOENT, "deleted: the end");

	memset(&c, 0, sizeof(c));
	for (i = 0; i < 1000; i++) {
		err = words_next(table, &c, &key, &value);
		if (err)
			break;
		words_delete(table, &key);
	}
	ASSERT_EQ(err, -ENOENT, "emptied: the end");
	ASSERT_EQ(i, 48, "emptied: each once");
	ASSERT_EQ(arena_hash_count(table), 0, "emptied");
}

/* The owner of the lock died: as it overwrote a value, moved an element, or split */
static void hash_dead(void)
{
	struct arena_hash *table = &hash_t->table;
	struct arena_hash_bucket *from, *to;
	__u32 low, index, n, i;
	struct pair_key key;
	struct pairs_key_words k;
	int side;

	for (side = 0; side < 2; side++) {
		if (hash_reset(side, 1000, HEAP_BYTES))
			return;
		for (i = 0; i < 16; i++)
			hash_run(side, HASH_SET, i, i);
		key = hash_key(3);
		index = __arena_hash_index(pairs_prepare(table, &key, &k), table->state);
		from = __arena_hash_bucket(table, index);
		low = from->head;
		/* half of a value */
		table->overwritten = low;
		table->bucket = index + 1;
		from->seq.count |= 1;
		table->lock.word = ARENA_LOCK_DIED;
		ASSERT_EQ(hash_run(side, HASH_FIND, 3, 0), -EAGAIN, "odd");
		ASSERT_OK(hash_run(side, HASH_SET, 100, 100), "the next writer repairs");
		ASSERT_EQ(from->seq.count & 1, 0, "even");
		ASSERT_EQ(hash_run(side, HASH_COUNT, 0, 0), 16, "one was dropped");
		for (i = 0, n = 0; i < 16; i++)
			n += !hash_run(side, HASH_FIND, i, 0);
		ASSERT_EQ(n, 15, "the others are there");

		/* an element was out of the old chain and not in the new one */
		n = table->state;
		to = __arena_hash_bucket(table, n);
		if (!ASSERT_EQ(n, 16, "buckets") || !ASSERT_OK_PTR(to, "part"))
			return;
		table->state = 31ULL << 32 | 17;
		table->split = 17;
		to->parent = 1;
		from = __arena_hash_bucket(table, 0);
		low = from->head;
		if (!low)
			continue;
		from->head = __arena_hash_node(low)->next;
		table->moved = low;
		table->bucket = 1;
		from->seq.count |= 1;
		/* it belongs to bucket 16 then */
		__arena_hash_node(low)->hash |= 16;
		table->lock.word = ARENA_LOCK_DIED;
		ASSERT_EQ(hash_run(side, HASH_DELETE, 200, 0), -ENOENT, "repairs");
		ASSERT_EQ(to->head, low, "put back");
		ASSERT_EQ(to->parent, 0, "the split is complete");
		ASSERT_EQ(table->split, 0, "the split is complete");
		ASSERT_EQ(from->seq.count & 1, 0, "even");
		ASSERT_EQ(table->lock.word, 0, "unlocked");
	}
}

#ifndef ARENA_LIB_NATIVE
/* A program that interrupts a writer reads, and is told that it cannot write */
static void hash_nested(void)
{
	struct bpf_link *link;

	if (hash_reset(1, 1000, HEAP_BYTES))
		return;
	hash_run(1, HASH_SET, 3, 333);
	link = bpf_program__attach(hash_skel->progs.nested);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	ASSERT_OK(hash_run(1, HASH_NESTED, 0, 0), "the outer one");
	bpf_link__destroy(link);
	ASSERT_EQ(hash_t->found, 1, "found");
	ASSERT_EQ(hash_t->value, 333, "its value");
	ASSERT_EQ(hash_t->nested_err, -EDEADLK, "told apart");
	ASSERT_OK(hash_run(1, HASH_SET, 3, 4), "unlocked");
}

static int hash_run_late(int op, int key)
{
	struct lib_call c = { op, key, key, 1 };

	return lib_program(hash_skel->progs.op, &c);
}

/* A program whose time is over changes nothing, and leaves a repair to the next one */
static void hash_late(void)
{
	struct arena_hash *table = &hash_t->table;
	struct arena_hash_bucket *b;
	struct pairs_key_words k;
	struct pair_key key;
	__u32 index, i;
	int err;

	if (hash_reset(1, 1000, HEAP_BYTES))
		return;
	for (i = 0; i < 16; i++)
		hash_run(1, HASH_SET, i, i);
	err = hash_run_late(HASH_FIND, 3);
	if (err == LIB_NOT_LATE) {
		fprintf(stdout, "%s:SKIP:no program's time is over here\n", __func__);
		test__skip();
		return;
	}
	ASSERT_EQ(err, -EAGAIN, "find");
	ASSERT_EQ(hash_run_late(HASH_DELETE, 3), -EAGAIN, "delete");
	ASSERT_EQ(hash_run_late(HASH_SET, 100), -EAGAIN, "insert");
	ASSERT_EQ(table->lock.word, 0, "unlocked");
	ASSERT_OK(hash_run(1, HASH_FIND, 3, 0), "it is there");
	ASSERT_EQ(hash_run(1, HASH_COUNT, 0, 0), 16, "none more");

	key = hash_key(3);
	index = __arena_hash_index(pairs_prepare(table, &key, &k), table->state);
	b = __arena_hash_bucket(table, index);
	table->overwritten = b->head;
	table->bucket = index + 1;
	b->seq.count |= 1;
	table->lock.word = ARENA_LOCK_DIED;
	ASSERT_EQ(hash_run_late(HASH_SET, 100), -EAGAIN, "repair");
	ASSERT_EQ(table->lock.word, ARENA_LOCK_DIED, "left to the next one");
	ASSERT_EQ(table->overwritten, b->head, "the note");
	ASSERT_EQ(b->seq.count & 1, 1, "no reader takes it for valid");
	ASSERT_OK(hash_run(1, HASH_SET, 100, 100), "the next one");
	ASSERT_EQ(b->seq.count & 1, 0, "even");
	ASSERT_EQ(hash_run(1, HASH_COUNT, 0, 0), 16, "one was dropped");
}
#endif

static int hash_stop;

static void *hash_scribbler(void *arg)
{
	__u64 *words = (void *)&hash_t->table, *heap = (void *)((char *)hash_heap + (200 << 10));
	struct arena_hash whole = hash_t->table;
	unsigned int i = 0;

	while (!__atomic_load_n(&hash_stop, __ATOMIC_RELAXED)) {
		__u64 v = lib_random(2) ? lib_random(~0U) :
			  __arena_range.start + lib_random(__arena_range.size);

		if (i++ % 64 == 0)
			memcpy((char *)words + 16, (char *)&whole + 16, sizeof(whole) - 16);
		if (i % 8)
			arena_write_once(&heap[lib_random(20000)], v);
		else
			arena_write_once(&words[2 + lib_random(sizeof(whole) / 8 - 2)], v);
	}
	return NULL;
}

static void hash_damage(void)
{
	struct hash_job jobs[] = {
		{ 1, HASH_READ, 20, 256 }, { 0, HASH_READ, 20, 256 }, { 1, HASH_WRITE, 10, 100, 1 },
		{ 0, HASH_WRITE, 10, 100, 2 }, { 0, HASH_WALK, 5 }, { 1, HASH_WALK, 5 },
	};
	pthread_t threads[ARRAY_SIZE(jobs)], scribbler;
	int i, n;

	if (hash_reset(0, 1 << 20, HEAP_BYTES))
		return;
	for (i = 0; i < 300; i++)
		hash_run(0, HASH_SET, i, i);
	hash_stop = 0;
	if (!ASSERT_OK(pthread_create(&scribbler, NULL, hash_scribbler, NULL), "thread"))
		return;
	for (n = 0; n < ARRAY_SIZE(jobs); n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, hash_worker, &jobs[n]), "thread"))
			break;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&hash_stop, 1, __ATOMIC_RELAXED);
	pthread_join(scribbler, NULL);
	printf("found %u again %u torn %u\n", hash_t->found, hash_t->again, hash_t->torn);
	ASSERT_EQ(n, ARRAY_SIZE(jobs), "all came to an end");
}

void test_arena_lib_hash(void)
{
	struct arena_lib_hash *skel;

	LIB_OPEN(arena_lib_hash, skel);
	hash_skel = skel;
	hash_t = &skel->arena->hash;
	if (test__start_subtest("random"))
		hash_random();
	if (test__start_subtest("alike"))
		hash_alike();
	if (test__start_subtest("long_chain"))
		hash_long_chain();
	if (test__start_subtest("one_split"))
		hash_one_split();
	if (test__start_subtest("walk_busy"))
		hash_walk_busy();
	if (test__start_subtest("full"))
		hash_full();
	if (test__start_subtest("threads"))
		hash_threads();
	if (test__start_subtest("dead"))
		hash_dead();
#ifndef ARENA_LIB_NATIVE
	if (test__start_subtest("nested"))
		hash_nested();
	if (test__start_subtest("late"))
		hash_late();
#endif
	if (LIB_DAMAGE && test__start_subtest("damage"))
		hash_damage();
out:
	LIB_CLOSE(arena_lib_hash, skel);
}
