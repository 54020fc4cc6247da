// SPDX-License-Identifier: GPL-2.0
/* bpf_for() and bpf_repeat(): see progs/arena_iter.c */
#include <linux/capability.h>
#include "arena_helpers.h"
#include "cap_helpers.h"
#include "arena_iter.skel.h"

static struct arena_iter *load(const char *name, __u32 flags)
{
	struct arena_iter *skel = arena_iter__open();
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_flags(prog, bpf_program__flags(prog) | flags);
	if (ASSERT_OK(arena_iter__load(skel), name))
		return skel;
	arena_iter__destroy(skel);
	return NULL;
}

static void check(const char *name)
{
	static const __u32 flags[] = { 0, BPF_F_TEST_RND_HI32 | BPF_F_TEST_STATE_FREQ };
	struct arena_iter *skel;
	int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		skel = load(name, flags[i]);
		if (!skel)
			return;
		/* the programs that do not sleep return XDP_ABORTED, which is 0, if all is well */
		ASSERT_EQ(arena_run(bpf_object__find_program_by_name(skel->obj, name)), 0, name);
		arena_iter__destroy(skel);
	}
}

static void process_sees(void)
{
	struct arena_iter *skel = load("arrays", 0);
	int i;

	if (!skel)
		return;
	ASSERT_EQ(arena_run(skel->progs.arrays), 0, "run");
	for (i = 0; i < ARRAY_SIZE(skel->bss->array); i++)
		if (!ASSERT_EQ(skel->arena->shared[i], i + 1, "shared") ||
		    !ASSERT_EQ(skel->bss->array[i], 2 * i, "array"))
			break;
	arena_iter__destroy(skel);
}

/* Pointers into frames that are gone show what lies on the kernel's stack. */
static void hazard_21_no_perfmon(void)
{
	struct arena_iter *skel = arena_iter__open();
	const __u64 caps = 1ULL << CAP_PERFMON | 1ULL << CAP_SYS_ADMIN;
	struct bpf_program *prog;
	static char log[1 << 16];
	__u64 old;

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == skel->progs.sums);
	bpf_program__set_log_buf(skel->progs.sums, log, sizeof(log));
	if (ASSERT_OK(cap_disable_effective(caps, &old), "drop capabilities")) {
		ASSERT_ERR(arena_iter__load(skel), "load");
		ASSERT_HAS_SUBSTR(log, "CAP_PERFMON is required to use bpf_iter_num_next()", "log");
		cap_enable_effective(old, NULL);
	}
	arena_iter__destroy(skel);
}

void test_arena_iter(void)
{
	if (test__start_subtest("run_sums"))
		check("sums");
	if (test__start_subtest("run_arrays"))
		check("arrays");
	if (test__start_subtest("run_ranges"))
		check("ranges");
	if (test__start_subtest("hazard_20_run_endless"))
		check("hazard_20_endless");
	if (test__start_subtest("hazard_21_run_forged"))
		check("hazard_21_forged");
	if (test__start_subtest("process_sees"))
		process_sees();
	if (test__start_subtest("hazard_21_no_perfmon"))
		hazard_21_no_perfmon();
	RUN_TESTS(arena_iter);
}
