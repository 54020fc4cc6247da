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

static struct lib_bpf *lib_open(void)
{
	struct lib_bpf *skel = lib_bpf__open_and_load();
	void *start;
	size_t size;

	if (!skel)
		die("cannot load the programs: %m");
	start = (void *)bpf_map__initial_value(skel->maps.arena, &size);
	if (arena_attach(start, size))
		die("cannot attach to the arena");
	return skel;
}

static void lib_close(const struct experiment *e, struct lib_bpf *skel)
{
	if (skel->bss->wrong)
		die("%s: %llu runs failed", e->rows[0].name, skel->bss->wrong);
	arena_detach();
	lib_bpf__destroy(skel);
	settle();
}

static void measure_queue(const struct experiment *e)
{
	struct lib_bpf *skel = lib_open();
	struct lib_data *lib = &skel->arena->lib;
	double call;
	int i;

	arena_stack_init(&lib->stack);
	if (arena_ring_init(&lib->ring, lib->slots, 4) ||
	    arena_stack_push(&lib->stack, &lib->link))
		die("cannot make a ring and a stack");
	for (i = 0; i < rounds; i++) {
		call = lib_cost(skel, skel->progs.lib_call);
		emit(e, 0, lib_cost(skel, skel->progs.lib_ring) - call);
		emit(e, 1, lib_cost(skel, skel->progs.lib_stack) - call);
	}
	lib_close(e, skel);
}

/* Each round is about the next items: keys are all over the tree */
static void measure_tree(const struct experiment *e)
{
	struct lib_bpf *skel = lib_open();
	struct lib_data *lib = &skel->arena->lib;
	double none;
	int i;

	for (i = 0; i < LIB_ITEMS; i++) {
		lib->item[i].node.key = i * 0x9e3779b97f4a7c15ULL;
		if (arena_rb_insert(&lib->tree, &lib->item[i].node))
			die("cannot fill the tree");
	}
	for (i = 0; i < rounds; i++) {
		none = lib_cost(skel, skel->progs.lib_rb_none);
		emit(e, 0, lib_cost(skel, skel->progs.lib_rb_find) - none);
		emit(e, 1, lib_cost(skel, skel->progs.lib_rb_next) - none);
		emit(e, 2, lib_cost(skel, skel->progs.lib_rb_pair) - none);
	}
	lib_close(e, skel);
}

static void fill_arrays(struct lib_bpf *skel)
{
	struct lib_data *lib = &skel->arena->lib;
	char *start, *memory;
	struct arena_heap *heap;
	size_t size;
	int i;

	start = (char *)bpf_map__initial_value(skel->maps.arena, &size);
	heap = (void *)start + 32 * 4096;
	memory = (char *)heap + (arena_heap_size(size) / 4096 + 1) * 4096;
	if ((void *)(lib + 1) > (void *)heap || arena_heap_init(heap, start, size, 1) ||
	    arena_heap_add(heap, memory, start + size - memory) ||
	    arena_xa_init(&lib->dense, heap) || arena_xa_init(&lib->sparse, heap))
		die("cannot make arrays");
	for (i = 0; i < LIB_ITEMS; i++)
		if (arena_xa_store(&lib->dense, i, 1))
			die("cannot fill the array");
	for (i = 0; i < LIB_SPARSE; i++)
		if (arena_xa_store(&lib->sparse, i * 0x9e3779b97f4a7c15ULL, 1))
			die("cannot fill the sparse array");
}

static void measure_dense(const struct experiment *e)
{
	struct lib_bpf *skel = lib_open();
	double none;
	int i;

	fill_arrays(skel);
	for (i = 0; i < rounds; i++) {
		none = lib_cost(skel, skel->progs.lib_xa_none);
		emit(e, 0, lib_cost(skel, skel->progs.lib_xa_load) - none);
		emit(e, 1, lib_cost(skel, skel->progs.lib_xa_store) - none);
		emit(e, 2, lib_cost(skel, skel->progs.lib_xa_find) - none);
		emit(e, 3, lib_cost(skel, skel->progs.lib_xa_pair) - none);
		emit(e, 4, lib_cost(skel, skel->progs.lib_xa_mark) - none);
	}
	lib_close(e, skel);
}

static void measure_sparse(const struct experiment *e)
{
	struct lib_bpf *skel = lib_open();
	double none;
	int i;

	fill_arrays(skel);
	for (i = 0; i < rounds; i++) {
		none = lib_cost(skel, skel->progs.lib_xa_sparse_none);
		emit(e, 0, lib_cost(skel, skel->progs.lib_xa_sparse_load) - none);
		emit(e, 1, lib_cost(skel, skel->progs.lib_xa_sparse_store) - none);
		emit(e, 2, lib_cost(skel, skel->progs.lib_xa_sparse_find) - none);
		emit(e, 3, lib_cost(skel, skel->progs.lib_xa_sparse_pair) - none);
	}
	lib_close(e, skel);
}

const struct experiment lib_experiments[] = {
	{ measure_queue, 0, {
		{ "lib/ring", "instr", "-", "queue.h: put into a ring, and get" },
		{ "lib/stack", "instr", "-", "queue.h: pop from a stack, and push" },
	} },
	{ measure_tree, 0, {
		{ "lib/rb-find", "instr", "-", "rbtree.h: find one of 1,024, and copy 40 bytes" },
		{ "lib/rb-next", "instr", "-", "rbtree.h: the next one of a walk" },
		{ "lib/rb-pair", "instr", "-", "rbtree.h: erase one of 1,024, and insert it" },
	} },
	{ measure_dense, 0, {
		{ "lib/xa-load", "instr", "-", "xarray.h: load one of entries 0 to 1,023" },
		{ "lib/xa-store", "instr", "-", "xarray.h: store to one that is there" },
		{ "lib/xa-find", "instr", "-", "xarray.h: find the first one from an index on" },
		{ "lib/xa-pair", "instr", "-", "xarray.h: erase one, and store it again" },
		{ "lib/xa-mark", "instr", "-", "xarray.h: set a mark, and clear it" },
	} },
	{ measure_sparse, 0, {
		{ "lib/xa-sparse-load", "instr", "-", "xarray.h: load one of 256, any of 64 bits" },
		{ "lib/xa-sparse-store", "instr", "-", "xarray.h: store to one that is there" },
		{ "lib/xa-sparse-find", "instr", "-", "xarray.h: find the first one from an index on" },
		{ "lib/xa-sparse-pair", "instr", "-", "xarray.h: erase one, and store it again" },
	} },
	{}
};
