// SPDX-License-Identifier: GPL-2.0
/*
 * The last reference to a program goes while it runs
 *
 * A program is in use after that, by whoever has begun to run it, and its accesses
 * to absent pages fault. The kernel has to find it for its exception table.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>
#include "arena_helpers.h"
#include "arena_ends.skel.h"

#define TRIES 20

static struct arena_ends *skel;
static bool stop;

static void *call(void *arg)
{
	skel->bss->tid = syscall(SYS_gettid);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		syscall(SYS_getppid);
	return NULL;
}

static bool wait_for(const volatile bool *what)
{
	int i;

	for (i = 0; i < 30000 && !*what; i++)
		usleep(1000);
	return *what;
}

/* Whether the program has gone on without a reference. */
static bool ends_while_it_runs(void)
{
	bool went_on = false;
	pthread_t thread;
	__u64 rounds;
	size_t size;

	skel = arena_ends__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return true;
	skel->bss->absent = (__u64)bpf_map__initial_value(skel->maps.arena, &size) + getpagesize();
	if (!ASSERT_OK(arena_ends__attach(skel), "attach"))
		goto out;
	stop = false;
	if (!ASSERT_OK(pthread_create(&thread, NULL, call, NULL), "thread"))
		goto out;
	if (ASSERT_TRUE(wait_for(&skel->bss->entered), "entered")) {
		arena_ends__detach(skel);
		bpf_program__unload(skel->progs.faults);
		rounds = skel->bss->rounds;
		ASSERT_TRUE(wait_for(&skel->bss->left), "left");
		went_on = skel->bss->rounds > rounds;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ASSERT_EQ(skel->bss->sum, 0, "what is read");
out:
	arena_ends__destroy(skel);
	return went_on;
}

void serial_test_arena_ends(void)
{
	int i;

	if (!test__start_subtest("hazard_06_last_reference"))
		return;
	for (i = 0; i < TRIES && !ends_while_it_runs(); i++)
		;
	if (i == TRIES) {
		printf("%s:SKIP:the program is over before its last reference goes\n", __func__);
		test__skip();
	}
}
