// SPDX-License-Identifier: GPL-2.0
/*
 * Arenas: nodes of a list that a program walks, look-ups in a hash table, and pages
 * that it allocates and frees, a second
 */
#include "bench.h"
#include "arena_htab.h"
#include "arena_list.h"
#include "arena_bench.skel.h"

static struct ctx {
	struct arena_bench *skel;
	int prog_fd;
} ctx;

static void validate(void)
{
	if (env.consumer_cnt != 1) {
		fprintf(stderr, "benchmark doesn't support multi-consumer!\n");
		exit(1);
	}
}

static void run_prog(int fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(fd, &opts) || opts.retval) {
		fprintf(stderr, "failed to run program: %d, %u\n", -errno, opts.retval);
		exit(1);
	}
}

static void *producer(void *input)
{
	while (true)
		run_prog(ctx.prog_fd);

	return NULL;
}

static void *consumer(void *input)
{
	return NULL;
}

static void measure(struct bench_res *res)
{
	res->hits = atomic_swap(&ctx.skel->bss->hits, 0);
	res->drops = atomic_swap(&ctx.skel->bss->drops, 0);
}

static void load(void)
{
	setup_libbpf();

	ctx.skel = arena_bench__open_and_load();
	if (!ctx.skel) {
		fprintf(stderr, "failed to open skeleton\n");
		exit(1);
	}
	run_prog(bpf_program__fd(ctx.skel->progs.set_up));
}

static void list_setup(void)
{
	load();
	ctx.prog_fd = bpf_program__fd(ctx.skel->progs.bench_list);
}

static void hash_setup(void)
{
	load();
	ctx.prog_fd = bpf_program__fd(ctx.skel->progs.bench_hash);
}

static void alloc_setup(void)
{
	load();
	ctx.prog_fd = bpf_program__fd(ctx.skel->progs.bench_alloc);
}

const struct bench bench_arena_list = {
	.name = "arena-list",
	.validate = validate,
	.setup = list_setup,
	.producer_thread = producer,
	.consumer_thread = consumer,
	.measure = measure,
	.report_progress = hits_drops_report_progress,
	.report_final = hits_drops_report_final,
};

const struct bench bench_arena_hash = {
	.name = "arena-hash",
	.validate = validate,
	.setup = hash_setup,
	.producer_thread = producer,
	.consumer_thread = consumer,
	.measure = measure,
	.report_progress = hits_drops_report_progress,
	.report_final = hits_drops_report_final,
};

const struct bench bench_arena_alloc = {
	.name = "arena-alloc",
	.validate = validate,
	.setup = alloc_setup,
	.producer_thread = producer,
	.consumer_thread = consumer,
	.measure = measure,
	.report_progress = hits_drops_report_progress,
	.report_final = hits_drops_report_final,
};
