// SPDX-License-Identifier: GPL-2.0
/*
 * What the data structures of <bpf/arena/NAME.h> cost a program, if nobody else is at them
 */
#include <stdio.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench.h"
#include "lib.h"
#include "lib.skel.h"

static double lib_run(struct lib_bpf *skel, const struct bpf_program *prog, uint32_t ops)
{
	char pkt[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = pkt,
		.data_size_in = sizeof(pkt),
	);
	uint64_t begin;

	skel->bss->ops = ops;
	begin = now();
	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		die("cannot run %s: %m", bpf_program__name(prog));
	return now() - begin;
}

static double lib_cost(struct lib_bpf *skel, const struct bpf_program *prog)
{
	double all = lib_run(skel, prog, 1);

	return (all - lib_run(skel, prog, 0)) / LIB_UNROLLED;
}

static void measure_queue(const struct experiment *e)
{
	struct lib_bpf *skel = lib_bpf__open_and_load();
	struct lib_data *lib;
	void *start;
	size_t size;
	double call;
	int i;

	if (!skel)
		die("cannot load the programs: %m");
	lib = &skel->arena->lib;
	start = (void *)bpf_map__initial_value(skel->maps.arena, &size);
	if (arena_attach(start, size))
		die("cannot attach to the arena");
	arena_stack_init(&lib->stack);
	if (arena_ring_init(&lib->ring, lib->slots, 4) ||
	    arena_stack_push(&lib->stack, &lib->link))
		die("cannot make a ring and a stack");
	for (i = 0; i < rounds; i++) {
		call = lib_cost(skel, skel->progs.lib_call);
		emit(e, 0, lib_cost(skel, skel->progs.lib_ring) - call);
		emit(e, 1, lib_cost(skel, skel->progs.lib_stack) - call);
	}
	if (skel->bss->wrong)
		die("%s: %llu runs failed", e->rows[0].name, skel->bss->wrong);
	arena_detach();
	lib_bpf__destroy(skel);
	settle();
}

const struct experiment lib_experiments[] = {
	{ measure_queue, 0, {
		{ "lib/ring", "instr", "-", "queue.h: put into a ring, and get" },
		{ "lib/stack", "instr", "-", "queue.h: pop from a stack, and push" },
	} },
	{}
};
