// SPDX-License-Identifier: GPL-2.0
/*
 * Arena pointers that global functions take and return, functions that return
 * nothing, and what is refused of these. The functions are in progs/arena_func.c.
 */
#include "arena_helpers.h"

/* as in the programs */
struct node {
	struct node *next;
	int value;
};

#include "arena_func.skel.h"
#include "arena_func_ext.skel.h"

static struct arena_func *load(const char *name, __u32 flags)
{
	struct arena_func *skel = arena_func__open();
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_flags(prog, flags);
	if (ASSERT_OK(arena_func__load(skel), name))
		return skel;
	arena_func__destroy(skel);
	return NULL;
}

static int run(struct arena_func *skel, const char *name)
{
	return arena_run(bpf_object__find_program_by_name(skel->obj, name));
}

static void check(const char *name, __u32 flags)
{
	struct arena_func *skel = load(name, flags);

	if (!skel)
		return;
	ASSERT_EQ(run(skel, name), 0, name);
	arena_func__destroy(skel);
}

static void check_both(const char *name)
{
	check(name, 0);
	check(name, BPF_F_TEST_RND_HI32 | BPF_F_TEST_STATE_FREQ);
}

/* What the program has stored is an address here. */
static void user_sees(void)
{
	struct arena_func *skel = load("run_args", 0);

	if (!skel)
		return;
	ASSERT_EQ(run(skel, "run_args"), 0, "run");
	ASSERT_EQ((__u64)skel->arena->head, (__u64)&skel->arena->nodes[1], "head");
	if (skel->arena->head == &skel->arena->nodes[1])
		ASSERT_EQ(skel->arena->head->value, 2, "its value");
	arena_func__destroy(skel);
}

/* An upper half that is none of the arena's does not matter to an access, and is kept. */
static void forged(__u32 flags)
{
	static const __u32 uppers[] = { 0, 1, 1 << 4, 0x7fffffff, 0xffff8880, 0xffffffff };
	struct arena_func *skel = load("run_forged", flags);
	int i;

	if (!skel)
		return;
	for (i = 0; i < ARRAY_SIZE(uppers); i++) {
		skel->bss->forged = (__u32)(__u64)&skel->arena->nodes[0] |
				    (__u64)uppers[i] << 32;
		ASSERT_EQ(run(skel, "run_forged"), 0, "access");
		ASSERT_EQ(skel->bss->upper, uppers[i], "upper half");
	}
	arena_func__destroy(skel);
}

/* where states are compared at each jump, and a path could end at one */
static void refuse_later(const char *name, const char *msg)
{
	struct arena_func *skel = arena_func__open();
	static char log[1 << 16];
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_flags(prog, BPF_F_TEST_STATE_FREQ);
	log[0] = '\0';
	bpf_program__set_log_buf(prog, log, sizeof(log));
	ASSERT_LT(arena_func__load(skel), 0, name);
	ASSERT_HAS_SUBSTR(log, msg, name);
	arena_func__destroy(skel);
}

static void refuse_ext(const struct bpf_program *target, const char *name, const char *func,
		       const char *msg)
{
	struct arena_func_ext *skel = arena_func_ext__open();
	static char log[1 << 16];
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	prog = bpf_object__find_program_by_name(skel->obj, name);
	log[0] = '\0';
	bpf_program__set_log_buf(prog, log, sizeof(log));
	ASSERT_OK(bpf_program__set_attach_target(prog, bpf_program__fd(target), func), name);
	if (!ASSERT_LT(arena_func_ext__load(skel), 0, name) ||
	    !ASSERT_HAS_SUBSTR(log, msg, name))
		fprintf(stderr, "%s", log);
	arena_func_ext__destroy(skel);
}

static void replace(void)
{
	const char *no_arena = "Cannot replace functions with arena arguments";
	struct arena_func *skel = load("ext_target", 0);

	if (!skel)
		return;
	ASSERT_EQ(run(skel, "ext_target"), 0, "target");
	refuse_ext(skel->progs.ext_target, "replaces_tagged", "address_of", no_arena);
	refuse_ext(skel->progs.ext_target, "replaces_result", "no_node", no_arena);
	refuse_ext(skel->progs.ext_target, "replaces_number", "number_of", no_arena);
	refuse_ext(skel->progs.ext_target, "replaces_void", "returns_nothing",
		   "doesn't return scalar");
	refuse_ext(skel->progs.ext_target, "replaces_void_by_int", "returns_nothing",
		   "doesn't match type");
	refuse_ext(skel->progs.ext_target, "traces_result", "no_node",
		   "invalid bpf_context access");
	refuse_ext(skel->progs.ext_target, "traces_void", "returns_nothing",
		   "doesn't have 2-th argument");
	arena_func__destroy(skel);
}

void test_arena_func(void)
{
	if (test__start_subtest("args"))
		check_both("run_args");
	if (test__start_subtest("results"))
		check_both("run_results");
	if (test__start_subtest("numbers"))
		check_both("run_numbers");
	if (test__start_subtest("void"))
		check_both("run_void");
	if (test__start_subtest("void_loop"))
		check_both("run_void_loop");
	if (test__start_subtest("either"))
		check_both("run_either");
	if (test__start_subtest("user_sees"))
		user_sees();
	if (test__start_subtest("hazard_21_forged")) {
		forged(0);
		forged(BPF_F_TEST_RND_HI32 | BPF_F_TEST_STATE_FREQ);
	}
	if (test__start_subtest("hazard_21_later")) {
		refuse_later("passes_ctx_later", "R1 is not a pointer to arena or scalar");
		refuse_later("gets_map_later", "not a scalar value (map_ptr)");
	}
	if (test__start_subtest("hazard_30_replace"))
		replace();
	RUN_TESTS(arena_func);
}
