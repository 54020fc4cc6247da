// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/list.h> against a model, <bpf/arena/seq.h> under writers, and damaged contents */
#include <test_progs.h>
#include "arena_lib_list.h"
#include "arena_lib_list.skel.h"

#define ROUNDS 4000
#define THREADS 4

static int order[LISTS][NODES], len[LISTS];

static void list_reset(void)
{
	int i;

	memset(list_t, 0, sizeof(*list_t));
	for (i = 0; i < LISTS; i++)
		arena_list_init(&list_t->head[i]);
	for (i = 0; i < NODES; i++)
		list_t->node[i].number = 1000 + i;
	memset(len, 0, sizeof(len));
}

static void model_insert(int list, int at, int n)
{
	memmove(&order[list][at + 1], &order[list][at], (len[list] - at) * sizeof(int));
	order[list][at] = n;
	len[list]++;
}

/* Takes element @n out of whatever list it is in */
static int model_remove(int n)
{
	int list, i;

	for (list = 0; list < LISTS; list++)
		for (i = 0; i < len[list]; i++)
			if (order[list][i] == n) {
				len[list]--;
				memmove(&order[list][i], &order[list][i + 1],
					(len[list] - i) * sizeof(int));
				return 0;
			}
	return -EUCLEAN;
}

static int model_hash(int list)
{
	unsigned int sum = 1;
	int i;

	for (i = 0; i < len[list]; i++)
		sum = (sum * 31 + 1000 + order[list][i]) & 0xfffffff;
	return sum;
}

static int model_zap(int list)
{
	int i, n = 0;

	for (i = 0; i < len[list]; i++)
		if (order[list][i] & 1)
			n++;
		else
			order[list][i - n] = order[list][i];
	len[list] -= n;
	return n;
}

static int model_in_list(int n)
{
	int list, i;

	for (list = 0; list < LISTS; list++)
		for (i = 0; i < len[list]; i++)
			if (order[list][i] == n)
				return 1;
	return 0;
}

static int model_op(const struct lib_call *c)
{
	int n = c->a % NODES, list = c->b % LISTS;

	switch (c->op) {
	case LIST_ADD:
		model_insert(list, 0, n);
		return 0;
	case LIST_ADD_TAIL:
		model_insert(list, len[list], n);
		return 0;
	case LIST_DEL:
		return model_remove(n);
	case LIST_MOVE:
		if (model_remove(n))
			return -EUCLEAN;
		model_insert(list, 0, n);
		return 0;
	case LIST_HASH:
		return model_hash(list);
	case LIST_CHECK:
		return len[list];
	case LIST_EMPTY:
		return !len[list];
	case LIST_ZAP:
		return model_zap(list);
	}
	return -1;
}

static void list_random(struct arena_lib_list *skel)
{
	struct lib_call c = {};
	int i, got, want, side;

	list_reset();
	for (i = 0; i < ROUNDS; i++) {
		side = lib_random(2);
		c.op = lib_random(NR_LIST_OPS);
		c.a = lib_random(NODES);
		c.b = lib_random(LISTS);
		if (c.op <= LIST_ADD_TAIL && model_in_list(c.a))
			c.op = LIST_MOVE;
		if (c.op == LIST_ZAP && lib_random(10))
			c.op = LIST_HASH;
		got = LIB_CALL(skel, side, &c);
		want = model_op(&c);
		if (!ASSERT_EQ(got, want, "result")) {
			printf("round %d side %d: op %llu (%llu, %llu)\n", i, side, c.op, c.a, c.b);
			return;
		}
	}
}

/* Each word of a list of three in turn becomes each of these; nothing else may change */
/* Not in the arena: a process does not follow it */
static void list_elsewhere(struct arena_lib_list *skel)
{
	struct arena_list *n = (void *)skel->arena;

	ASSERT_EQ(arena_list_add(n, (void *)0x1000), -EFAULT, "add");
	ASSERT_EQ(arena_list_add_tail(n, (void *)0x1000), -EFAULT, "add_tail");
}

static void list_damage(struct arena_lib_list *skel)
{
	void *bad[] = { NULL, (void *)8, &list_t->node[2].link, &list_t->node[9].link,
			&list_t->head[0], &len, (char *)list_t + (1UL << 31), (char *)list_t + 1 };
	struct lib_call c = {};
	unsigned int side, word, b, op, n, i;
	int err;

	for (n = 0; n < 2 * 8 * ARRAY_SIZE(bad) * (LIST_ZAP - LIST_ADD + 1); n++) {
		struct list_test before;
		int differ = 0;
		void **p;

		side = n % 2;
		word = n / 2 % 8;
		b = n / 16 % ARRAY_SIZE(bad);
		op = LIST_ADD + n / 16 / ARRAY_SIZE(bad);

		list_reset();
		c.b = 0;
		for (c.a = 0, c.op = LIST_ADD_TAIL; c.a < 3; c.a++)
			LIB_CALL(skel, 0, &c);
		p = word < 2 ? (void **)&list_t->head[0] + word :
			       (void **)&list_t->node[word / 2 - 1].link + word % 2;
		if (*p == bad[b])
			continue;
		*p = bad[b];
		before = *list_t;
		c.op = op;
		c.a = op <= LIST_ADD_TAIL ? 5 : 1;
		err = LIB_CALL(skel, side, &c);
		if (err >= 0)
			continue; /* it did not come by */
		ASSERT_TRUE(err == -EUCLEAN || err == -EFAULT, "error");
		if (op == LIST_ZAP || op == LIST_MOVE)
			continue; /* more than one step */
		for (i = 0; i < sizeof(before) / 8; i++)
			differ += ((__u64 *)&before)[i] != ((__u64 *)list_t)[i];
		if (!ASSERT_EQ(differ, 0, "unchanged after an error"))
			printf("side %u word %u bad %u op %u: %d\n", side, word, b, op, err);
	}

	ASSERT_EQ(arena_list_del((void *)order), -EFAULT, "not in the arena");

	/* a circle without the head: walks end */
	for (side = 0; side < 2; side++) {
		list_reset();
		for (c.a = 0, c.op = LIST_ADD_TAIL; c.a < 3; c.a++)
			LIB_CALL(skel, 0, &c);
		list_t->node[2].link.next = &list_t->node[0].link;
		c.op = LIST_HASH;
		ASSERT_EQ(LIB_CALL(skel, side, &c), -EUCLEAN, "circle");
		c.op = LIST_CHECK;
		ASSERT_EQ(LIB_CALL(skel, side, &c), -EUCLEAN, "circle");
	}
}

/* A writer died or was interrupted: readers say so, and somebody repairs */
static void seq_odd(struct arena_lib_list *skel)
{
	struct lib_call hang = { SEQ_HANG }, try = { SEQ_TRY, 1 }, write = { SEQ_WRITE };
	struct lib_call repair = { SEQ_REPAIR };
	int side;

	for (side = 0; side < 2; side++) {
		list_reset();
		list_t->seq.count = 7;
		ASSERT_EQ(LIB_CALL(skel, side, &hang), -EAGAIN, "odd");
		ASSERT_OK(LIB_CALL(skel, side, &try), "try");
		ASSERT_EQ(list_t->tried, 0, "somebody else writes");
		repair.a = 5;
		ASSERT_EQ(LIB_CALL(skel, side, &repair), -EAGAIN, "another's turn");
		repair.a = 8;
		ASSERT_EQ(LIB_CALL(skel, side, &repair), -EINVAL, "even");
		repair.a = 7;
		ASSERT_OK(LIB_CALL(skel, side, &repair), "repair");
		ASSERT_EQ(list_t->seq.count, 9, "still odd");
		ASSERT_EQ(LIB_CALL(skel, side, &repair), -EAGAIN, "only one repairs");
		ASSERT_EQ(LIB_CALL(skel, side, &write), -EOWNERDEAD, "write");
		ASSERT_EQ(list_t->seq.count, 10, "even");
		ASSERT_OK(LIB_CALL(skel, side, &hang), "read");
		ASSERT_OK(LIB_CALL(skel, side, &write), "write");
	}
}

static void *seq_worker(void *arg)
{
	static int next;
	int me = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
	struct lib_call c = { me & 2 ? SEQ_TRY : SEQ_READ, 500 };
	int i;

	for (i = 0; i < 20; i++)
		if (LIB_CALL((struct arena_lib_list *)arg, me & 1, &c))
			return arg;
	return NULL;
}

static void seq_threads(struct arena_lib_list *skel)
{
	pthread_t threads[THREADS];
	void *result;
	int i;

	list_reset();
	for (i = 0; i < THREADS; i++)
		if (!ASSERT_OK(pthread_create(&threads[i], NULL, seq_worker, skel), "thread"))
			break;
	while (i--) {
		pthread_join(threads[i], &result);
		ASSERT_NULL(result, "not torn");
	}
	ASSERT_GT(list_t->valid, 1000, "read");
	ASSERT_GT(list_t->tried, 1000, "written");
	ASSERT_EQ(list_t->pair[0], list_t->tried, "each write counts");
	ASSERT_EQ(list_t->seq.count, 2 * list_t->tried, "two steps a write");
}

void test_arena_lib_list(void)
{
	struct arena_lib_list *skel;

	LIB_OPEN(arena_lib_list, skel);
	list_t = &skel->arena->list;
	if (test__start_subtest("random"))
		list_random(skel);
	if (test__start_subtest("elsewhere"))
		list_elsewhere(skel);
	if (test__start_subtest("damage"))
		list_damage(skel);
	if (test__start_subtest("seq_odd"))
		seq_odd(skel);
	if (test__start_subtest("seq_threads"))
		seq_threads(skel);
out:
	LIB_CLOSE(arena_lib_list, skel);
}
