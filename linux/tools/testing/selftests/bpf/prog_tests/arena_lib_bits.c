// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/bitmap.h> against a model, and by many at once */
#include <test_progs.h>
#include "arena_lib_bits.h"
#include "arena_lib_bits.skel.h"

#define ROUNDS 4000
#define THREADS 4

static char model[BITS];

static int model_find(int from, int value)
{
	while (from < BITS && model[from] != value)
		from++;
	return from < BITS ? from : BITS;
}

static int model_run(int bit, int n, int value)
{
	int i;

	for (i = 0; i < n; i++)
		if (bit + i >= BITS || model[bit + i] != value)
			return 0;
	return 1;
}

static int model_claim(int n, int align, int from)
{
	int bit;

	if (!n || n > BITS)
		return BITS;
	for (bit = (from + align - 1) / align * align; bit <= BITS - n; bit += align)
		if (model_run(bit, n, 1)) {
			memset(model + bit, 0, n);
			return bit;
		}
	return BITS;
}

static int model_op(const struct lib_call *c)
{
	int i, sum = 0, a = c->a;

	switch (c->op) {
	case BITS_TEST:
		return model[a];
	case BITS_SET:
	case BITS_CLEAR:
		sum = c->op == BITS_SET;
		if (model[a] == sum)
			return -EBUSY;
		model[a] = sum;
		return 0;
	case BITS_FIND:
	case BITS_FIND_ZERO:
		return model_find(a, c->op == BITS_FIND);
	case BITS_COUNT:
		for (i = 0; i < a; i++)
			sum += model[i];
		return sum;
	case BITS_CLAIM:
		return model_claim(c->a, c->b, c->c);
	case BITS_RELEASE:
		memset(model + a, 1, c->b);
		return 0;
	}
	return -1;
}

static void bits_random(struct arena_lib_bits *skel)
{
	int i, got, want, nr[2] = {};
	struct lib_call c;

	memset(bits_t->map, 0, sizeof(bits_t->map));
	memset(model, 0, sizeof(model));
	for (i = 0; i < ROUNDS; i++) {
		int side = lib_random(2);

		c.op = lib_random(BITS_STRESS);
		c.a = lib_random(BITS + (c.op == BITS_COUNT));
		c.b = 0;
		c.c = 0;
		if (c.op == BITS_CLAIM) {
			c.a = lib_random(4) ? lib_random(8) : lib_random(BITS + 10);
			c.b = 1 << lib_random(5);
			c.c = lib_random(BITS);
		} else if (c.op == BITS_RELEASE) {
			c.b = lib_random(140);
			if (!model_run(c.a, c.b, 0))
				continue;
		}
		got = LIB_CALL(skel, side, &c);
		want = model_op(&c);
		nr[side]++;
		if (!ASSERT_EQ(got, want, "result")) {
			printf("round %d side %d: op %llu (%llu, %llu, %llu)\n", i, side, c.op,
			       c.a, c.b, c.c);
			return;
		}
	}
	ASSERT_EQ(bits_t->map[ARENA_BITMAP_WORDS(BITS)], 0, "past the end");
	ASSERT_GT(nr[0], ROUNDS / 4, "by the process");
	ASSERT_GT(nr[1], ROUNDS / 4, "by the program");
}

/* A bit that somebody else owns is not released; none of the later ones is touched */
static void bits_errors(struct arena_lib_bits *skel)
{
	struct lib_call release = { BITS_RELEASE, 60, 100 }, claim = { BITS_CLAIM, 3, 3 };
	int side;

	for (side = 0; side < 2; side++) {
		memset(bits_t->map, 0, sizeof(bits_t->map));
		bits_t->map[1] = 1;
		ASSERT_EQ(LIB_CALL(skel, side, &release), -EBUSY, "release a set bit");
		ASSERT_EQ(bits_t->map[1], 1, "nothing after it");
		bits_t->map[0] = ~0ULL;
		ASSERT_EQ(LIB_CALL(skel, side, &claim), BITS, "no power of two");
	}
}

static void *bits_worker(void *arg)
{
	struct arena_lib_bits *skel = arg;
	struct lib_call c = { BITS_STRESS, 15, 0 };
	static int next;
	int i, me = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);

	for (i = 0; i < 100; i++) {
		c.b = 1 + (me * 31 + i * 17) % 130;
		if (LIB_CALL(skel, me & 1, &c))
			return skel;
	}
	return NULL;
}

static void bits_threads(struct arena_lib_bits *skel)
{
	pthread_t threads[THREADS];
	void *result;
	int i;

	memset(bits_t, 0, sizeof(*bits_t));
	ASSERT_OK(arena_bitmap_release(bits_t->map, 0, BITS), "all are free");
	for (i = 0; i < THREADS; i++)
		if (!ASSERT_OK(pthread_create(&threads[i], NULL, bits_worker, skel), "thread"))
			break;
	while (i--) {
		pthread_join(threads[i], &result);
		ASSERT_NULL(result, "run");
	}
	if (bits_t->late) {
		fprintf(stdout, "%s:SKIP:too slow, %u programs ended early\n", __func__,
			bits_t->late);
		test__skip();
		return;
	}
	ASSERT_EQ(bits_t->clashes, 0, "nobody has another's bits");
	ASSERT_GT(bits_t->claimed, 100, "claimed");
	ASSERT_EQ(arena_bitmap_count(bits_t->map, BITS), BITS, "all are back");
	ASSERT_EQ(bits_t->map[BITS / 64] >> (BITS % 64), 0, "past the end");
}

void test_arena_lib_bits(void)
{
	struct arena_lib_bits *skel;

	LIB_OPEN(arena_lib_bits, skel);
	bits_t = &skel->arena->bits;
	if (test__start_subtest("random"))
		bits_random(skel);
	if (test__start_subtest("errors"))
		bits_errors(skel);
	if (test__start_subtest("threads"))
		bits_threads(skel);
out:
	LIB_CLOSE(arena_lib_bits, skel);
}
