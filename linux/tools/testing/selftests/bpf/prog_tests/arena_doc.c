// SPDX-License-Identifier: GPL-2.0
/*
 * The example in Documentation/bpf/arena.rst, which quotes the process's side
 * from here: it is a program of its own there, and does and prints what the
 * page says.
 */
#include <test_progs.h>

static char output[256];

#define printf(...) \
	snprintf(output + strlen(output), sizeof(output) - strlen(output), __VA_ARGS__)
#define main arena_doc_main

/* [process] */
#include <stdio.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "arena_doc.h"
#include "arena_doc.skel.h"

static int run(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		return -1;
	return opts.retval;
}

int main(void)
{
	struct arena_doc *skel;
	struct visit *v;

	skel = arena_doc__open_and_load(); /* maps the arena, too */
	if (!skel)
		return 1;
	/* ours is on the last page, before the program is given that one */
	v = (void *)skel->arena + 15 * getpagesize();
	v->value = 100;

	if (run(skel->progs.add_visits))
		return 1;
	printf("the program's: %llu\n", sum_of(skel->arena->head));

	v->next = skel->arena->head;
	skel->arena->head = v;
	printf("the program sees: %d\n", run(skel->progs.sum_visits));

	arena_doc__destroy(skel);
	return 0;
}
/* [process end] */

#undef main
#undef printf

void test_arena_doc(void)
{
	output[0] = '\0';
	ASSERT_OK(arena_doc_main(), "exit status");
	ASSERT_STREQ(output, "the program's: 55\nthe program sees: 155\n", "output");
}
