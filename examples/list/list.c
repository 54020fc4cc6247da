// SPDX-License-Identifier: GPL-2.0
/* The process: it walks the program's list by its own pointers, and adds to it */
#include <stdio.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "list.h"
#include "list.skel.h"

static int run(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		return -1;
	return opts.retval;
}

int main(void)
{
	struct list *skel = list__open_and_load(); /* maps the arena, too */
	struct node *mine;

	if (!skel)
		return 1;
	/* a page of its own: touched first, so that the program is given others */
	mine = (void *)skel->arena + 15 * arena_page_size();
	mine->value = 100;

	if (run(skel->progs.push))
		return 1;
	printf("the process sums up %d\n", list_sum(skel->arena->head));

	list_push(&skel->arena->head, mine);
	printf("the program sums up %d\n", run(skel->progs.sum));

	list__destroy(skel);
	return 0;
}
