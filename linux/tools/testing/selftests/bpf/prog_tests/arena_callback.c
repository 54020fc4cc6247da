// SPDX-License-Identifier: GPL-2.0
/*
 * Callbacks are followed until nothing new comes: see progs/arena_callback.c
 *
 * What is refused here was accepted when callbacks were followed once. None of it is run: it
 * leaves a map value or the stack in a later round.
 */
#include "arena_helpers.h"
#include "arena_callback.skel.h"

#define MANY 2000	/* instructions, where no round has to be followed by itself */

static const struct {
	const char *name, *msg;
} refused[] = {
	{ "counter", "invalid access to map value, value_size=64 off=64 size=1" },
	{ "counter_with_may_goto", "invalid access to map value, value_size=64 off=64 size=1" },
	{ "counts_down", "map value" },
	{ "stack", "invalid write to stack" },
	{ "behind_the_second_round", "invalid access to map value, value_size=64 off=1000" },
	{ "no_round", "invalid access to map value, value_size=64 off=1000" },
	{ "nested_no_round", "invalid access to map value, value_size=64 off=1000" },
	{ "nested_counter", "map value" },
	{ "stops_in_the_second_round", "invalid access to map value, value_size=64 off=1000" },
	{ "for_each", "invalid access to map value, value_size=64 off=64 size=1" },
	{ "drain", "invalid access to map value, value_size=64 off=64 size=1" },
	{ "forges_a_pointer", "invalid mem access 'scalar'" },
	{ "forges_a_map", "type=scalar expected=map_ptr" },
	{ "may_be_null_in_the_second_round", "invalid mem access 'map_value_or_null'" },
	{ "callee_of_the_callback", "invalid access to map value, value_size=64 off=64 size=1" },
	{ "reference_in_the_second_round", "Unreleased reference" },
	{ "lock_in_the_second_round", "bpf_spin_unlock is missing" },
	{ "never_ends", "infinite loop detected" },
	{ "calls_for_ever", "infinite loop detected" },
	{ "argument_of_the_next_round", "invalid access to map value, value_size=64 off=1000" },
	{ "index_of_the_caller", "invalid access to map value, value_size=64 off=1000" },
	{ "slot_of_the_caller", "map value" },
	{ "result_is_any_number", "unbounded" },
	{ "null_is_an_offset", "R3 type=scalar expected=fp" },
	{ "null_decides", "R3 type=scalar expected=fp" },
	{ "null_is_a_kptr", "invalid kptr access, R3 type=scalar" },
	{ "reference_of_a_callee", "Unreleased reference" },
	{ "no_vma", "invalid access to map value, value_size=64 off=1000" },
	{ "two_frames_up", "invalid access to map value, value_size=64 off=64 size=1" },
	{ "global_function", "invalid access to map value, value_size=64 off=64 size=1" },
	{ "timer", "invalid access to map value, value_size=64 off=64 size=1" },
	{ "for_each_inner", "invalid access to map value, value_size=64 off=64 size=1" },
};

static const struct {
	const char *name;
	__u32 limit;
} accepted[] = {
	{ "result", MANY },
	{ "calls_once", MANY },
	{ "sum_10", MANY },
	{ "sum_60", MANY },
	{ "search", MANY },
	{ "nested", MANY },
	{ "nested_three_deep", MANY },
	{ "nested_six_deep", 50 * MANY },
	{ "stops_in_time", 2 * MANY },
	{ "fits", 2 * MANY },
	{ "ring", 10 * MANY },
	{ "many_counters", 4 * MANY },
	{ "state_machine", MANY },
	{ "one_after_the_other", 2 * MANY },
	{ "may_goto_inside", MANY },
	{ "sum_of_elements", MANY },
	{ "one_of_two", MANY },
	{ "references_and_locks", MANY },
	{ "index_by_round", MANY },
	{ "index_behind", MANY },
	{ "sum_of_inner", MANY },
	{ "count_two_frames_up", MANY },
	{ "in_global_function", MANY },
};

static struct arena_callback *open_one(const char *name, __u32 flags)
{
	struct arena_callback *skel = arena_callback__open();
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_flags(prog, bpf_program__flags(prog) | flags);
	return skel;
}

static void refuse(const char *name, const char *msg, __u32 flags)
{
	struct arena_callback *skel = open_one(name, flags);
	struct bpf_program *prog;
	static char log[1 << 16];

	if (!skel)
		return;
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_log_level(prog, 4);	/* the message alone */
	log[0] = 0;
	bpf_program__set_log_buf(prog, log, sizeof(log));
	ASSERT_ERR(arena_callback__load(skel), "refused");
	ASSERT_HAS_SUBSTR(log, msg, "message");
	arena_callback__destroy(skel);
}

static __u32 verified_insns(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (!ASSERT_OK(bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len), "info"))
		return 0;
	return info.verified_insns;
}

/* Returns how many instructions the verifier has followed */
static __u32 run(const char *name, __u32 flags)
{
	struct arena_callback *skel = open_one(name, flags);
	struct bpf_program *prog;
	__u32 insns = 0;

	if (!skel)
		return 0;
	if (ASSERT_OK(arena_callback__load(skel), name)) {
		prog = bpf_object__find_program_by_name(skel->obj, name);
		ASSERT_EQ(arena_run(prog), 0, name);
		insns = verified_insns(prog);
	}
	arena_callback__destroy(skel);
	return insns;
}

void test_arena_callback(void)
{
	__u32 insns;
	int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		if (!test__start_subtest(refused[i].name))
			continue;
		refuse(refused[i].name, refused[i].msg, 0);
		refuse(refused[i].name, refused[i].msg, BPF_F_TEST_STATE_FREQ);
	}
	for (i = 0; i < ARRAY_SIZE(accepted); i++) {
		if (!test__start_subtest(accepted[i].name))
			continue;
		insns = run(accepted[i].name, 0);
		ASSERT_LE(insns, accepted[i].limit, "instructions processed");
		run(accepted[i].name, BPF_F_TEST_STATE_FREQ);
	}
	if (test__start_subtest("rounds_do_not_matter"))
		ASSERT_EQ(run("sum_10", 0), run("sum_60", 0), "instructions processed");
}
