// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/epoch.h>: nothing is used again under a reader, and all of it is used again */
#include <test_progs.h>
#include "arena_lib_epoch.h"
#include "arena_lib_epoch.skel.h"

static struct arena_lib_epoch *epoch_skel;

static int epoch_run(int side, int op, int a)
{
	struct lib_call c = { op, a };

	return LIB_CALL(epoch_skel, side, &c);
}

static void epoch_reset(void)
{
	int i;

	memset(epoch_t, 0, sizeof(*epoch_t));
	for (i = 0; i < ITEMS; i++) {
		epoch_t->item[i].limbo.next = epoch_t->free;
		epoch_t->free = &epoch_t->item[i].limbo;
	}
}

/* What one reader holds up, and for how long */
static void epoch_steps(void)
{
	int side, first, second, i;

	for (side = 0; side < 2; side++) {
		epoch_reset();
		ASSERT_OK(epoch_run(side, EPOCH_ADVANCE, 0), "nobody reads");
		ASSERT_EQ(epoch_t->epoch.epoch, 1, "on it goes");

		/* entered in 1: 2 may come, 3 may not */
		first = epoch_run(1, EPOCH_ENTER, 0);
		second = epoch_run(1, EPOCH_ENTER, 0);
		ASSERT_OK(epoch_run(side, EPOCH_REPLACE, 1), "no old one");
		ASSERT_OK(epoch_run(side, EPOCH_REPLACE, 1), "the old one in limbo");
		ASSERT_EQ(epoch_t->epoch.epoch, 2, "held up");
		ASSERT_EQ(epoch_run(side, EPOCH_ADVANCE, 0), -EAGAIN, "held up");
		epoch_run(1, EPOCH_EXIT, first);
		ASSERT_EQ(epoch_run(side, EPOCH_ADVANCE, 0), -EAGAIN, "by the second one");
		ASSERT_EQ(epoch_run(side, EPOCH_TAKE, 0), 0, "in limbo");
		epoch_run(1, EPOCH_EXIT, second);
		for (i = 2; i < 4; i++) {
			ASSERT_EQ(epoch_run(side, EPOCH_TAKE, 0), 0, "not yet");
			ASSERT_EQ(epoch_t->epoch.epoch, i + 1, "goes on");
		}
		ASSERT_EQ(epoch_run(side, EPOCH_TAKE, 0), 1, "now");
		ASSERT_EQ(epoch_run(side, EPOCH_TAKE, 0), 0, "once");
	}
}

/* A late reader counts with the parity of an epoch that is over */
static void epoch_late(void)
{
	int side, i;

	for (side = 0; side < 2; side++) {
		epoch_reset();
		epoch_t->epoch.epoch = 10;
		epoch_run(side, EPOCH_REPLACE, 1);
		epoch_run(side, EPOCH_REPLACE, 1);
		epoch_t->epoch.epoch = 11;
		epoch_t->limbo.head[2] = epoch_t->limbo.head[3];
		epoch_t->epoch.cpu[7].in[1]++;
		for (i = 0; i < 10; i++)
			ASSERT_EQ(epoch_run(side, EPOCH_TAKE, 0), 0, "waited for");
		epoch_t->epoch.cpu[9].out[1]++;
		for (i = 0; i < 4 && !epoch_t->taken; i++)
			epoch_run(side, EPOCH_TAKE, 0);
		ASSERT_GT(epoch_t->taken, 0, "it left on another CPU");
	}
}

/* Limbo of somebody who scribbles: an end, and nothing outside of the arena */
static void epoch_damage(void)
{
	int side, i;

	for (side = 0; side < 2; side++)
		for (i = 0; i < 50; i++) {
			epoch_reset();
			epoch_t->limbo.head[i % 4] = i < 25 ? lib_random(~0U) : (__u64)
				lib_random(~0U) << 32 | arena_low(&epoch_t->item[3].limbo);
			epoch_t->item[3].limbo.next = &epoch_t->item[3].limbo;
			epoch_t->epoch.epoch = (unsigned long long)lib_random(~0U) << 20;
			ASSERT_GE(epoch_run(side, EPOCH_TAKE, 0), 0, "comes to an end");
			ASSERT_LE(epoch_t->taken, ITEMS, "bounded");
		}
}

struct epoch_job {
	int side, op, times;
};

static pthread_barrier_t epoch_start;

/* So many replacements, however long readers hold the epoch up */
static int epoch_behind(struct epoch_job *job)
{
	return job->op == EPOCH_REPLACE &&
	       __atomic_load_n(&epoch_t->replaced, __ATOMIC_RELAXED) < 2000;
}

static void *epoch_worker(void *arg)
{
	struct epoch_job *job = arg;
	int i;

	pthread_barrier_wait(&epoch_start);
	for (i = 0; i < job->times || (i < 50 * job->times && epoch_behind(job)); i++)
		if (epoch_run(job->side, job->op, 200))
			return arg;
	return NULL;
}

static void epoch_threads(void)
{
	struct epoch_job jobs[] = {
		{ 1, EPOCH_READ, 40 }, { 1, EPOCH_READ, 40 }, { 0, EPOCH_VALIDATE, 80 },
		{ 0, EPOCH_REPLACE, 20 }, { 1, EPOCH_REPLACE, 20 },
	};
	pthread_t threads[ARRAY_SIZE(jobs)];
	void *result;
	int i, n;

	epoch_reset();
	epoch_run(0, EPOCH_REPLACE, SLOTS);
	pthread_barrier_init(&epoch_start, NULL, ARRAY_SIZE(jobs));
	for (n = 0; n < ARRAY_SIZE(jobs); n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, epoch_worker, &jobs[n]), "thread"))
			return;
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], &result);
		ASSERT_NULL(result, "run");
	}
	printf("replaced %u full %u read %u validated %u retried %u taken %u\n", epoch_t->replaced,
	       epoch_t->full, epoch_t->read, epoch_t->validated, epoch_t->retried, epoch_t->taken);
	ASSERT_EQ(epoch_t->torn, 0, "nothing was used under a reader");
	ASSERT_EQ(epoch_t->lost, 0, "retired");
	ASSERT_GT(epoch_t->read, 5000, "read by programs");
	ASSERT_GT(epoch_t->validated, 5000, "read by processes");
	ASSERT_GT(epoch_t->replaced, 1000, "replaced");
	ASSERT_GT(epoch_t->taken, 500, "used again");
	for (i = 0; i < 8; i++)
		epoch_run(0, EPOCH_TAKE, 0);
	ASSERT_EQ(epoch_t->taken, epoch_t->replaced - SLOTS, "all come back");
}

void test_arena_lib_epoch(void)
{
	struct arena_lib_epoch *skel;

	LIB_OPEN(arena_lib_epoch, skel);
	epoch_skel = skel;
	epoch_t = &skel->arena->epoch;
	if (test__start_subtest("steps"))
		epoch_steps();
	if (test__start_subtest("late"))
		epoch_late();
	if (test__start_subtest("damage"))
		epoch_damage();
	if (test__start_subtest("threads"))
		epoch_threads();
out:
	LIB_CLOSE(arena_lib_epoch, skel);
}
