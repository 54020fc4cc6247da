// SPDX-License-Identifier: GPL-2.0
/* Sections with interrupts off and the like: see progs/arena_section.c */
#include <pthread.h>
#include "arena_helpers.h"
#include "arena_section.skel.h"

#define THREADS 3

static struct arena_section *load(const char *const names[], int cnt)
{
	struct arena_section *skel = arena_section__open();
	struct bpf_program *prog;
	bool wanted;
	int i;

	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	bpf_object__for_each_program(prog, skel->obj) {
		wanted = false;
		for (i = 0; i < cnt; i++)
			wanted |= !strcmp(bpf_program__name(prog), names[i]);
		bpf_program__set_autoload(prog, wanted);
	}
	if (ASSERT_OK(arena_section__load(skel), "load"))
		return skel;
	arena_section__destroy(skel);
	return NULL;
}

static void run_nested(void)
{
	static const char *const names[] = { "nested" };
	struct arena_section *skel = load(names, 1);

	if (!skel)
		return;
	ASSERT_EQ(arena_run(skel->progs.nested), 0, "run");
	/* once more: nothing is left behind */
	ASSERT_EQ(arena_run(skel->progs.nested), 0, "run again");
	arena_section__destroy(skel);
}

static void *run(void *prog)
{
	return (void *)(long)arena_run(prog);
}

static void contention(void)
{
	static const char *const names[] = { "starts_timer", "adds" };
	struct arena_section *skel = load(names, 2);
	pthread_t threads[THREADS];
	void *result;
	int i;

	if (!skel)
		return;
	ASSERT_EQ(arena_run(skel->progs.starts_timer), 0, "timer");
	for (i = 0; i < THREADS; i++)
		if (!ASSERT_OK(pthread_create(&threads[i], NULL, run, skel->progs.adds), "thread"))
			break;
	while (i--) {
		pthread_join(threads[i], &result);
		ASSERT_NULL(result, "run");
	}
	/* it has been there once at least, and comes no more */
	while (!*(volatile __u64 *)&skel->arena->ticks)
		usleep(1000);
	skel->bss->stop = true;
	usleep(100000);
	ASSERT_EQ(skel->arena->count, THREADS * skel->data->rounds + skel->arena->ticks, "count");
	arena_section__destroy(skel);
}

void test_arena_section(void)
{
	if (test__start_subtest("run_nested"))
		run_nested();
	if (test__start_subtest("contention"))
		contention();
	RUN_TESTS(arena_section);
}
