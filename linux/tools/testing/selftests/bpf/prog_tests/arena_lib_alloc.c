// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/alloc.h> against a model, by many at once, and with a heap that is damaged */
#include <test_progs.h>
#include "arena_lib_alloc.h"
#include "arena_lib_alloc.skel.h"

#define ROUNDS 6000
#define LIVE 300
#define THREADS 4
#define HEAP_AT (4UL << 20)	/* in the arena; programs' own pages come before */
#define HEAP_BYTES (8UL << 20)

static struct arena_lib_alloc *alloc_skel;

static struct object {
	unsigned char *p;
	unsigned long size;
	unsigned char fill;
} live[LIVE];

static int alloc_run(int side, int op, unsigned long long a, unsigned long long b)
{
	struct lib_call c = { op, a, b };

	return LIB_CALL(alloc_skel, side, &c);
}

static void *alloc_result(int side, int op, unsigned long long a, unsigned long long b)
{
	alloc_t->result = (void *)1;
	if (!ASSERT_OK(alloc_run(side, op, a, b), "op"))
		return NULL;
	return alloc_t->result;
}

/* The process makes a heap of @bytes in the middle of the arena */
static int alloc_reset(int side, unsigned long bytes)
{
	char *start = (char *)__arena_range.start, *first;
	unsigned long own = arena_heap_size(__arena_range.size);

	memset(alloc_t, 0, sizeof(*alloc_t));
	memset(live, 0, sizeof(live));
	alloc_heap = (void *)(start + HEAP_AT);
	alloc_t->heap = alloc_heap;
	memset(alloc_heap, 0, own);
	if (!ASSERT_OK(alloc_run(side, ALLOC_INIT, __arena_range.size, (unsigned long)start),
		       "init"))
		return -1;
	first = start + HEAP_AT + (own + 4095) / 4096 * 4096;
	memset(first, 0x5a, bytes);
	return ASSERT_OK(alloc_run(side, ALLOC_ADD, bytes, (unsigned long)first), "add") ? 0 : -1;
}

static struct arena_heap_stats alloc_stats(void)
{
	struct arena_heap_stats s;

	arena_heap_count(alloc_heap, &s);
	return s;
}

/* What overlaps another object, or was written to by the heap, has another byte in it */
static int object_check(struct object *o, unsigned long n)
{
	unsigned long i;

	for (i = 0; i < n; i++)
		if (o->p[i] != o->fill)
			return 0;
	return 1;
}

static void object_set(struct object *o, unsigned char *p, unsigned long size)
{
	static unsigned char fill;

	o->p = p;
	o->size = size;
	o->fill = ++fill;
	if (p)
		memset(p, o->fill, size);
}

static unsigned long random_size(void)
{
	switch (lib_random(8)) {
	case 0:
		return lib_random(64 << 10);
	case 1:
		return lib_random(9000);
	}
	return lib_random(600);
}

static int step_new(int side, struct object *o)
{
	unsigned long size = random_size(), align = 16, i;
	unsigned char *p;

	switch (lib_random(3)) {
	case 0:
		p = alloc_result(side, ALLOC_MALLOC, size, 0);
		break;
	case 1:
		p = alloc_result(side, ALLOC_CALLOC, size, 1 + lib_random(3));
		for (i = 0; p && i < size && !p[i]; i++)
			;
		if (p && !ASSERT_EQ(i, size, "calloc"))
			return -1;
		break;
	default:
		align = 1UL << lib_random(16);
		p = alloc_result(side, ALLOC_ALIGNED, size, align);
		break;
	}
	if (p && (!ASSERT_EQ((unsigned long)p % align, 0, "aligned") ||
		  !ASSERT_TRUE(arena_ok(p, size), "in the arena")))
		return -1;
	object_set(o, p, size);
	return 0;
}

static int step_realloc(int side, struct object *o)
{
	unsigned long size = random_size();
	unsigned char *p = alloc_result(side, ALLOC_REALLOC, size, (unsigned long)o->p);

	if (!p)
		return 0;
	o->p = p;
	if (!ASSERT_TRUE(object_check(o, size < o->size ? size : o->size), "moved"))
		return -1;
	object_set(o, p, size);
	return 0;
}

static int step_free(int side, struct object *o)
{
	unsigned long at = (unsigned long)o->p;

	if (!ASSERT_TRUE(object_check(o, o->size), "its own"))
		return -1;
	alloc_run(side, ALLOC_USABLE, 0, at);
	if (!ASSERT_GE(alloc_t->n, o->size, "usable") ||
	    (o->size > 20 && !ASSERT_EQ(alloc_run(side, ALLOC_FREE, 0, at + 8), -EINVAL,
					"inside")) ||
	    !ASSERT_OK(alloc_run(side, ALLOC_FREE, 0, at), "free") ||
	    !ASSERT_EQ(alloc_run(!side, ALLOC_FREE, 0, at), -EINVAL, "twice"))
		return -1;
	o->p = NULL;
	return 0;
}

static void alloc_random(void)
{
	struct arena_heap_stats s;
	int i, n = 0, err = 0;

	if (alloc_reset(1, HEAP_BYTES / 4))
		return;
	for (i = 0; i < ROUNDS && !err; i++) {
		struct object *o = &live[lib_random(LIVE)];
		int side = lib_random(2);

		if (!o->p)
			err = step_new(side, o);
		else if (!lib_random(3))
			err = step_realloc(side, o);
		else
			err = step_free(side, o);
		if (err)
			printf("round %d side %d size %lu\n", i, side, o->size);
	}
	s = alloc_stats();
	printf("%llu failed, %llu objects of %llu bytes, cached %llu large %llu free %llu/%llu\n",
	       s.failed, s.objects, s.bytes, s.bytes_cached, s.pages_large, s.pages_free, s.pages);
	for (i = 0; i < LIVE && !err; i++)
		if (live[i].p) {
			n += live[i].size <= ARENA_HEAP_MAX;
			err = step_free(i & 1, &live[i]);
		}
	s = alloc_stats();
	ASSERT_GT(n, 50, "there were some");
	ASSERT_EQ(s.objects, 0, "all are free");
	ASSERT_EQ(s.bytes, 0, "all are free");
	ASSERT_EQ(s.pages_large, 0, "large ones as well");
	ASSERT_GT(s.freed_twice, 100, "counted");
	ASSERT_GT(s.freed_foreign, 100, "counted");
	ASSERT_EQ(s.lost, 0, "none lost");
}

static void alloc_errors(void)
{
	unsigned long start = __arena_range.start, size = __arena_range.size, tail;
	int side, i;
	void *p;

	for (side = 0; side < 2; side++) {
		if (alloc_reset(side, 256 << 10))
			return;
		ASSERT_EQ(alloc_run(side, ALLOC_ADD, 4096, start + HEAP_AT), -EINVAL, "itself");
		ASSERT_EQ(alloc_run(side, ALLOC_ADD, 8192, start + HEAP_AT - 4096), -EINVAL,
			  "itself");
		ASSERT_EQ(alloc_run(side, ALLOC_ADD, 4096, start + HEAP_AT + 16384), -EINVAL,
			  "itself");
		ASSERT_EQ(alloc_run(side, ALLOC_ADD, 4096, start + HEAP_AT + (200 << 10)), -EBUSY,
			  "added before");
		ASSERT_EQ(alloc_run(side, ALLOC_ADD, 100, start + HEAP_AT - 4096), 0,
			  "no whole page");
		ASSERT_EQ(alloc_run(side, ALLOC_ADD, 1ULL << 33, start), -EINVAL, "4 GiB");
		ASSERT_EQ(alloc_run(side, ALLOC_ADD, 8192, start + size - 4096), -EINVAL,
			  "past the end");
		ASSERT_EQ(alloc_run(side, ALLOC_INIT, 4096, start + 1), -EINVAL, "unaligned");
		ASSERT_EQ(alloc_run(side, ALLOC_INIT, 0, start), -EINVAL, "empty");
		ASSERT_EQ(alloc_run(side, ALLOC_INIT, (1ULL << 32) + 4096, start), -EINVAL, "more");
		ASSERT_NULL(alloc_result(side, ALLOC_MALLOC, ~0ULL, 0), "too large");
		ASSERT_NULL(alloc_result(side, ALLOC_MALLOC, 1ULL << 32, 0), "too large");
		ASSERT_NULL(alloc_result(side, ALLOC_MALLOC, 300 << 10, 0), "more than there is");
		ASSERT_NULL(alloc_result(side, ALLOC_CALLOC, 1ULL << 31, 1ULL << 31), "overflow");
		ASSERT_NULL(alloc_result(side, ALLOC_CALLOC, 1ULL << 20, 1ULL << 13), "overflow");
		ASSERT_NULL(alloc_result(side, ALLOC_ALIGNED, 10, 48), "no power of two");
		ASSERT_NULL(alloc_result(side, ALLOC_ALIGNED, 10, 1ULL << 40), "alignment");
		ASSERT_NULL(alloc_result(side, ALLOC_REALLOC, 10, start + 77), "foreign");
		ASSERT_OK(alloc_run(side, ALLOC_FREE, 0, 0), "NULL");
		ASSERT_EQ(alloc_run(side, ALLOC_FREE, 0, start), -EINVAL, "not in the heap");
		ASSERT_EQ(alloc_run(side, ALLOC_FREE, 0, start + size + 64), -EINVAL,
			  "not in the arena");
		ASSERT_EQ(alloc_stats().freed_foreign, 2, "counted");
		p = alloc_result(side, ALLOC_MALLOC, 0, 0);
		ASSERT_OK_PTR(p, "0 bytes");
		ASSERT_OK(alloc_run(side, ALLOC_FREE, 0, (unsigned long)p), "free");
		/* what is left over at the end of a page */
		for (i = 16; i <= 512; i += 16) { /* spans of one page */
			p = alloc_result(side, ALLOC_MALLOC, i, 0);
			if (!ASSERT_OK_PTR(p, "malloc"))
				break;
			ASSERT_OK(alloc_run(side, ALLOC_USABLE, 0, (unsigned long)p), "usable");
			tail = ((unsigned long)p & ~4095UL) + 4096 / alloc_t->n * alloc_t->n;
			if (tail % 4096)
				ASSERT_EQ(alloc_run(side, ALLOC_FREE, 0, tail), -EINVAL, "tail");
		}
		/* the largest arena: its tables may be here or not */
		ASSERT_NEQ(alloc_run(side, ALLOC_INIT, 1ULL << 32, start), -EINVAL, "4 GiB");
	}
}

/* A heap that is full says so, and works on */
static void alloc_full(void)
{
	void *p[200];
	int side, n;

	for (side = 0; side < 2; side++) {
		if (alloc_reset(side, 128 << 10))
			return;
		for (n = 0; n < ARRAY_SIZE(p); n++) {
			p[n] = alloc_result(side, ALLOC_MALLOC, 1024, 0);
			if (!p[n])
				break;
		}
		ASSERT_EQ(n, 128, "all of it, on whichever CPU's stack");
		ASSERT_EQ(alloc_stats().pages_free, 0, "no page left");
		ASSERT_EQ(alloc_stats().failed, 1, "counted");
		while (n--)
			ASSERT_OK(alloc_run(!side, ALLOC_FREE, 0, (unsigned long)p[n]), "free");
		ASSERT_EQ(alloc_stats().objects, 0, "all are free");
		ASSERT_OK_PTR(alloc_result(side, ALLOC_MALLOC, 1024, 0), "again");
	}
}

static void *alloc_worker(void *arg)
{
	unsigned long i, n = (unsigned long)arg;

	for (i = 0; i < 80; i++)
		if (alloc_run(n & 1, ALLOC_STRESS, 100, 88172645463325252ULL * (n * 80 + i + 1)))
			return arg;
	return NULL;
}

static void alloc_drain(void)
{
	int i;

	for (i = 0; i < ALLOC_SLOTS; i++)
		if (alloc_t->slot[i])
			ASSERT_OK(alloc_run(i & 1, ALLOC_FREE, 0, (unsigned long)alloc_t->slot[i]),
				  "free");
}

/* @interrupts: of programs that do the same as those that they interrupt */
static void alloc_threads(int interrupts)
{
	struct lib_interrupts on = {};
	pthread_t threads[THREADS];
	struct arena_heap_stats s;
	void *result;
	long i, n;

	if (alloc_reset(0, HEAP_BYTES))
		return;
	if (interrupts && lib_interrupt(&on, alloc_skel->progs.on_clock, alloc_skel->progs.on_nmi))
		goto out;
	for (n = 0; n < THREADS; n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, alloc_worker, (void *)n),
			       "thread"))
			break;
	for (i = 0; interrupts && i < 5; i++) {
		lib_nmi();
		usleep(20000);
	}
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], &result);
		ASSERT_NULL(result, "run");
	}
out:
	lib_no_interrupts(&on);
	if (interrupts)
		ASSERT_GT(alloc_t->interrupts, 10, "interrupted");
	ASSERT_EQ(alloc_t->overlap, 0, "nobody has another's object");
	ASSERT_EQ(alloc_t->refused, 0, "all frees are good");
	ASSERT_GT(alloc_t->done, 20000, "done");
	alloc_drain();
	s = alloc_stats();
	printf("done %u interrupts %u none %u cached %llu free %llu of %llu lost %llu\n",
	       alloc_t->done, alloc_t->interrupts, alloc_t->none, s.bytes_cached, s.pages_free,
	       s.pages, s.lost);
	ASSERT_EQ(s.objects, 0, "all are free");
	ASSERT_EQ(s.pages_large, 0, "all are free");
	ASSERT_EQ(s.freed_twice + s.freed_foreign, 0, "no errors");
	if (!alloc_t->late)
		ASSERT_EQ(s.lost, 0, "none lost");
}

static int alloc_stop;

static void *alloc_scribbler(void *arg)
{
	unsigned int words = arena_heap_size(__arena_range.size) / 8;
	unsigned long long *heap = (void *)alloc_heap, v;
	unsigned long long secret = heap[0], range = heap[1];
	int i = 0;

	while (!__atomic_load_n(&alloc_stop, __ATOMIC_RELAXED)) {
		switch (lib_random(4)) {
		case 0:
			v = 0;
			break;
		case 1:
			v = lib_random(~0U);
			break;
		case 2:
			v = __arena_range.start + lib_random(__arena_range.size);
			break;
		default:
			v = (unsigned long long)lib_random(~0U) << 32 | lib_random(~0U);
			break;
		}
		if (i++ % 64 == 0) { /* nothing works for long without these */
			arena_write_once(&heap[0], secret);
			arena_write_once(&heap[1], range);
		}
		arena_write_once(&heap[lib_random(2) ? lib_random(words) : 2 + lib_random(600)], v);
	}
	return NULL;
}

/* Objects may overlap or vanish then; nothing else happens, and all comes to an end */
static void alloc_damage(void)
{
	pthread_t threads[THREADS], scribbler;
	long i, n;

	if (alloc_reset(0, HEAP_BYTES))
		return;
	alloc_stop = 0;
	if (!ASSERT_OK(pthread_create(&scribbler, NULL, alloc_scribbler, NULL), "thread"))
		return;
	for (n = 0; n < THREADS; n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, alloc_worker, (void *)n),
			       "thread"))
			break;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&alloc_stop, 1, __ATOMIC_RELAXED);
	pthread_join(scribbler, NULL);
	printf("done %u none %u overlap %u refused %u\n", alloc_t->done, alloc_t->none,
	       alloc_t->overlap, alloc_t->refused);
	ASSERT_GT(alloc_t->none + alloc_t->done + alloc_t->refused, 0, "came to an end");
}

#ifndef ARENA_LIB_NATIVE
static int alloc_run_late(int op, unsigned long long a, void *p)
{
	struct lib_call c = { op, a, (unsigned long)p, 1 };

	alloc_t->result = NULL;
	return lib_program(alloc_skel->progs.op, &c);
}

/* A program whose time is over: no span, no search; what it frees is free but for large objects */
static void alloc_late(void)
{
	struct arena_heap_stats s;
	void *small, *large;
	int err;

	if (alloc_reset(1, HEAP_BYTES / 4))
		return;
	small = alloc_result(1, ALLOC_MALLOC, 64, 0);
	large = alloc_result(1, ALLOC_MALLOC, 150 << 12, 0);
	if (!ASSERT_OK_PTR(small, "small") || !ASSERT_OK_PTR(large, "large"))
		return;
	err = alloc_run_late(ALLOC_FREE, 0, small);
	if (err == LIB_NOT_LATE) {
		fprintf(stdout, "%s:SKIP:no program's time is over here\n", __func__);
		test__skip();
		return;
	}
	ASSERT_OK(err, "free a small object");
	ASSERT_OK(alloc_run_late(ALLOC_MALLOC, 64, NULL), "op");
	ASSERT_EQ((long)alloc_t->result, (long)small, "allocate it again");
	ASSERT_OK(alloc_run_late(ALLOC_MALLOC, 1024, NULL), "op");
	ASSERT_NULL(alloc_t->result, "a new span");
	ASSERT_OK(alloc_run_late(ALLOC_MALLOC, 9000, NULL), "op");
	ASSERT_NULL(alloc_t->result, "pages");
	ASSERT_OK(alloc_run_late(ALLOC_FREE, 0, large), "free a large object");
	ASSERT_OK(alloc_run(1, ALLOC_FREE, 0, (unsigned long)small), "free");
	s = alloc_stats();
	ASSERT_EQ(s.objects, 0, "all are free");
	ASSERT_EQ(s.failed, 2, "counted");
	ASSERT_GE(s.lost, 86 << 12, "all beyond a word");
	ASSERT_EQ((s.pages_free << 12) + s.lost + 4096, s.pages << 12, "counted");
}

/* A heap that a program fills with pages of the arena; XDP takes from it */
static void alloc_program(void)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = packet,
		.data_size_in = sizeof(packet),
		.repeat = 1000,
	);
	struct arena_heap_stats s;

	if (alloc_reset(1, 4096))
		return;
	ASSERT_OK(alloc_run(1, ALLOC_GROW, 50, 0), "grow");
	ASSERT_EQ(alloc_stats().pages, 51, "pages");
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(alloc_skel->progs.packet), &opts), "run");
	ASSERT_EQ(opts.retval, 2 /* XDP_PASS */, "verdict");
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(alloc_skel->progs.packet_sized), &opts),
		  "run");
	ASSERT_EQ(opts.retval, 2 /* XDP_PASS */, "verdict, sized");
	s = alloc_stats();
	ASSERT_EQ(s.objects, 0, "all are free");
	ASSERT_EQ(s.pages_free, 50, "one span");
	ASSERT_EQ(alloc_run(1, ALLOC_ADD, 4096, __arena_range.start + __arena_range.size - 4096),
		  -EFAULT, "no such page");
	alloc_t->heap = (void *)(__arena_range.start + __arena_range.size - (1 << 20));
	ASSERT_EQ(alloc_run(1, ALLOC_INIT, __arena_range.size, __arena_range.start), -EFAULT,
		  "no page for the heap itself");
	alloc_t->heap = alloc_heap;
}
#endif

void test_arena_lib_alloc(void)
{
	struct arena_lib_alloc *skel;

	LIB_OPEN(arena_lib_alloc, skel);
	alloc_skel = skel;
	alloc_t = &skel->arena->alloc;
	if (test__start_subtest("random"))
		alloc_random();
	if (test__start_subtest("errors"))
		alloc_errors();
	if (test__start_subtest("full"))
		alloc_full();
	if (test__start_subtest("threads"))
		alloc_threads(0);
#ifndef ARENA_LIB_NATIVE
	if (test__start_subtest("interrupted"))
		alloc_threads(1);
	if (test__start_subtest("program"))
		alloc_program();
	if (test__start_subtest("late"))
		alloc_late();
#endif
	if (LIB_DAMAGE && test__start_subtest("damage"))
		alloc_damage();
out:
	LIB_CLOSE(arena_lib_alloc, skel);
}
