// SPDX-License-Identifier: GPL-2.0
/*
 * Both sides of a call have to agree what is an arena pointer: one that took it
 * for other memory would let a program choose a kernel address.
 */
#include "arena_helpers.h"
#include "arena_ext.skel.h"

static struct arena_ext *load(const char *name)
{
	struct arena_ext *skel = arena_ext__open();
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_autoload(prog, true);
	if (ASSERT_OK(arena_ext__load(skel), name))
		return skel;
	arena_ext__destroy(skel);
	return NULL;
}

static int run(const struct bpf_program *prog)
{
	char pkt[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = pkt,
		.data_size_in = sizeof(pkt),
	);

	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), bpf_program__name(prog));
	return opts.retval;
}

/* A number is an address in the arena, and a kernel address no more than that */
static void tagged_ctx(void)
{
	struct arena_ext *skel = load("calls_tagged_ctx");

	if (!skel)
		return;
	skel->bss->addr = (__u64)&skel->arena->like_ctx;
	ASSERT_EQ(run(skel->progs.calls_tagged_ctx), 7, "in the arena");
	skel->bss->addr = 0x41414141;
	ASSERT_EQ(run(skel->progs.calls_tagged_ctx), 0, "outside");
	skel->bss->addr = ~0ULL;
	ASSERT_EQ(run(skel->progs.calls_tagged_ctx), 0, "far outside");
	arena_ext__destroy(skel);
}

static void refuse_ext(const struct bpf_program *target, const char *name, const char *func)
{
	struct arena_ext *skel = arena_ext__open();
	struct bpf_program *prog;
	char log[4096] = {};

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_autoload(prog, true);
	bpf_program__set_log_buf(prog, log, sizeof(log));
	ASSERT_OK(bpf_program__set_attach_target(prog, bpf_program__fd(target), func), name);
	ASSERT_EQ(arena_ext__load(skel), -EINVAL, name);
	ASSERT_HAS_SUBSTR(log, "Cannot replace functions with arena arguments", name);
	arena_ext__destroy(skel);
}

static void replace(void)
{
	struct arena_ext *skel = load("target");

	if (!skel)
		return;
	ASSERT_EQ(run(skel->progs.target), 6, "target");
	refuse_ext(skel->progs.target, "takes_memory_instead", "takes_arena");
	refuse_ext(skel->progs.target, "takes_arena_instead", "takes_memory");
	refuse_ext(skel->progs.target, "takes_arena_too", "takes_arena");
	arena_ext__destroy(skel);
}

void test_arena_ext(void)
{
	if (test__start_subtest("hazard_21_tagged_ctx"))
		tagged_ctx();
	if (test__start_subtest("hazard_21_replace"))
		replace();
}
