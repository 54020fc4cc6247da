// SPDX-License-Identifier: GPL-2.0
/* The loader of later.bpf.c; one line "ok" or "not ok" for each thing it looks at. */
#include <stdio.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* of later.bpf.c */
struct element {
	struct element *next;
	__u64 value;
};

#include "later.skel.h"

#define WANTED 100

static struct later *skel;

static void equal(const char *name, __u64 is, __u64 want)
{
	if (is == want)
		printf("ok - later: %s\n", name);
	else
		printf("not ok - later: %s - %llu instead of %llu\n", name, is, want);
}

static int run(const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	return err ?: opts.retval;
}

/* The list as user space sees it, by the pointers that the program left */
static void walk(void)
{
	struct element *e = (struct element *)skel->bss->head;
	__u64 n = 0, sum = 0;

	for (; e && n <= WANTED; e = e->next, n++)
		sum += e->value;
	equal("elements that user space finds", n, WANTED);
	equal("their sum, by user space", sum, 101 * WANTED + WANTED * (WANTED - 1) / 2);
}

/* After 250 ms such a loop ends, however many rounds it has had */
static void run_forever(void)
{
	struct timespec from, to;
	__u64 rounds;

	clock_gettime(CLOCK_MONOTONIC, &from);
	equal("forever", run(skel->progs.forever), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	rounds = skel->bss->rounds;
	if ((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 250)
		equal("rounds of may_goto", rounds, 8388608);
	else
		equal("rounds of may_goto, as far as time allows", rounds > 0 && rounds <= 8388608, 1);
}

static void check(void)
{
	size_t size;

	equal("size of the arena's globals", bpf_map__max_entries(skel->maps.arena), 64);
	equal("a global's initial value", skel->arena->first, 100);
	skel->arena->first = 101;
	skel->bss->wanted = WANTED;
	equal("fill", run(skel->progs.fill), 0);
	equal("user_vm_start", skel->bss->start,
	      (__u64)bpf_map__initial_value(skel->maps.arena, &size));
	walk();
	equal("add_up", run(skel->progs.add_up), 0);
	equal("their sum, by the program", skel->arena->sum,
	      101 * WANTED + WANTED * (WANTED - 1) / 2);
	run_forever();
	equal("give_back", run(skel->progs.give_back), 0);
	equal("a page that was given back", ((struct element *)skel->bss->head)->value, 0);
}

int main(void)
{
	printf("ok - later: libbpf %s, built with %d.%d\n", libbpf_version_string(),
	       LIBBPF_MAJOR_VERSION, LIBBPF_MINOR_VERSION);
	skel = later__open_and_load();
	if (!skel) {
		puts("not ok - later: load - see the log");
		return 1;
	}
	puts("ok - later: load");
	check();
	later__destroy(skel);
	return 0;
}
