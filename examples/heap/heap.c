// SPDX-License-Identifier: GPL-2.0
/* The process: it has the program allocate and free, and looks at what is there */
#include <stdio.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "heap.h"
#include "heap.skel.h"

static int run(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		return -1;
	return opts.retval;
}

static void show(const char *when, const struct state *heap)
{
	unsigned long long sum = 0;
	struct object *o;

	for (o = heap->used; o; o = o->next)
		sum += o->number;
	printf("%s: %llu objects, sum %llu, in %llu bytes\n", when, heap->nr_used, sum,
	       heap->nr_pages * arena_page_size());
}

int main(void)
{
	struct heap *skel = heap__open_and_load();

	if (!skel)
		return 1;
	skel->bss->wanted = 32 * 1024;
	if (run(skel->progs.fill))
		return 1;
	show("filled", &skel->arena->heap);
	run(skel->progs.empty);
	show("emptied", &skel->arena->heap);
	skel->bss->wanted = 1024;
	run(skel->progs.fill);
	show("filled again", &skel->arena->heap);
	heap__destroy(skel);
	return 0;
}
