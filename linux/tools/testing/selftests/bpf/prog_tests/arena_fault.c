// SPDX-License-Identifier: GPL-2.0
/*
 * Programs touch pages that are not there in subprograms, in callbacks, after
 * tail calls, next to programs with other arenas, in all types of program.
 */
#include "arena_helpers.h"
#include "arena_fault.h"
#include "arena_fault.skel.h"
#include "arena_other.skel.h"

static int run(const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char pkt[64] = {};

	if (bpf_program__type(prog) != BPF_PROG_TYPE_RAW_TRACEPOINT &&
	    bpf_program__type(prog) != BPF_PROG_TYPE_SYSCALL) {
		opts.data_in = pkt;
		opts.data_size_in = sizeof(pkt);
	}
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), bpf_program__name(prog));
	return opts.retval;
}

static bool load(struct arena_fault *skel)
{
	if (!ASSERT_OK(arena_fault__load(skel), "load"))
		return false;
	skel->bss->absent = (__u64)skel->arena + 7 * getpagesize();
	return true;
}

static void check(struct arena_fault *skel, struct bpf_program *prog, int place)
{
	run(prog);
	ASSERT_EQ(skel->bss->results[place], 1, bpf_program__name(prog));
}

static void places(struct arena_fault *skel)
{
	int i;

	check(skel, skel->progs.in_subprog, FAULT_SUBPROG);
	check(skel, skel->progs.in_loop, FAULT_LOOP);
	check(skel, skel->progs.in_for_each, FAULT_FOR_EACH);

	ASSERT_EQ(run(skel->progs.in_timer), 0, "start timer");
	for (i = 0; i < ARENA_TRIES && !skel->bss->results[FAULT_TIMER]; i++)
		usleep(10 * 1000);
	ASSERT_EQ(skel->bss->results[FAULT_TIMER], 1, "timer");
}

static bool set_tail_call(struct arena_fault *skel, __u32 slot, const struct bpf_program *prog)
{
	int fd = bpf_program__fd(prog);

	return ASSERT_OK(bpf_map_update_elem(bpf_map__fd(skel->maps.progs), &slot, &fd, BPF_ANY),
			 "set tail call");
}

static void tail_call(struct arena_fault *skel)
{
	if (!set_tail_call(skel, 0, skel->progs.tail_callee))
		return;
	ASSERT_EQ(run(skel->progs.in_tail_call), 0, "tail call");
	ASSERT_EQ(skel->bss->results[FAULT_TAIL], 1, "result");
}

/* Each program finds its own arena, before and after the other has run */
static void other_arena(struct arena_fault *skel)
{
	struct arena_other *other;

	other = arena_other__open_and_load();
	if (!ASSERT_OK_PTR(other, "open and load"))
		return;
	if (set_tail_call(skel, 1, other->progs.other)) {
		ASSERT_EQ(run(skel->progs.to_other_arena), 101, "what the other returns");
		ASSERT_EQ(other->arena->other_mark, 101, "the other's arena");
		ASSERT_EQ(skel->arena->mark, 1, "own arena");
		ASSERT_EQ(skel->bss->results[FAULT_OTHER], 1, "own absent page");
	}
	arena_other__destroy(other);
}

/* have a program, which is not loaded yet, trace a function of another one */
static bool set_target(struct bpf_program *prog, const struct bpf_program *target,
		       const char *func)
{
	bpf_program__set_autoload(prog, true);
	return ASSERT_OK(bpf_program__set_attach_target(prog, bpf_program__fd(target), func),
			 bpf_program__name(prog));
}

static struct bpf_link *attach_to_traced(struct bpf_program *prog)
{
	struct bpf_link *link;

	link = bpf_program__attach_trace(prog);
	ASSERT_OK_PTR(link, bpf_program__name(prog));
	return libbpf_get_error(link) ? NULL : link;
}

static void other_arena_traces(struct arena_fault *skel)
{
	const struct bpf_program *target = skel->progs.is_traced;
	struct bpf_link *entry, *exit;
	struct arena_other *other;

	other = arena_other__open();
	if (!ASSERT_OK_PTR(other, "open"))
		return;
	if (!set_target(other->progs.other_fentry, target, "traced") ||
	    !set_target(other->progs.other_fexit, target, "traced") ||
	    !ASSERT_OK(arena_other__load(other), "load"))
		goto out;

	entry = attach_to_traced(other->progs.other_fentry);
	exit = attach_to_traced(other->progs.other_fexit);
	ASSERT_EQ(run(skel->progs.is_traced), 0, "traced program");
	ASSERT_EQ(other->arena->other_mark, 210, "fentry and fexit");
	bpf_link__destroy(exit);
	bpf_link__destroy(entry);
out:
	arena_other__destroy(other);
}

/* attach, have it triggered by run() of another, or by a system call */
static void check_attached(struct arena_fault *skel, struct bpf_program *prog, int place,
			   const struct bpf_program *trigger)
{
	struct bpf_link *link;

	link = bpf_program__attach(prog);
	if (!ASSERT_OK_PTR(link, bpf_program__name(prog)))
		return;
	if (trigger)
		run(trigger);
	else
		getpgid(0);
	ASSERT_EQ(skel->bss->results[place], 1, bpf_program__name(prog));
	bpf_link__destroy(link);
}

static void prog_types(struct arena_fault *skel, const struct bpf_program *traced)
{
	check(skel, skel->progs.in_tc, FAULT_TC);
	check(skel, skel->progs.in_socket, FAULT_SOCKET);
	check(skel, skel->progs.in_syscall, FAULT_SYSCALL);
	check(skel, skel->progs.in_raw_tp, FAULT_RAW_TP);
	check(skel, skel->progs.in_xdp, FAULT_XDP);
	check(skel, skel->progs.in_cgroup, FAULT_CGROUP);
	check_attached(skel, skel->progs.in_fentry, FAULT_FENTRY, traced);
	check_attached(skel, skel->progs.in_fexit, FAULT_FEXIT, traced);
	/* a test run of an fentry program calls bpf_fentry_test1() */
	check_attached(skel, skel->progs.in_kprobe, FAULT_KPROBE, skel->progs.in_fentry);
	check_attached(skel, skel->progs.in_tp, FAULT_TP, NULL);
}

static void hazard_17_prog_types(void)
{
	struct arena_other *other = arena_other__open_and_load();
	struct arena_fault *skel = arena_fault__open();

	if (ASSERT_OK_PTR(other, "open and load") && ASSERT_OK_PTR(skel, "open") &&
	    set_target(skel->progs.in_fentry, other->progs.other, "other") &&
	    set_target(skel->progs.in_fexit, other->progs.other, "other") && load(skel))
		prog_types(skel, other->progs.other);
	arena_fault__destroy(skel);
	arena_other__destroy(other);
}

static void with_skel(void (*test)(struct arena_fault *skel))
{
	struct arena_fault *skel;

	skel = arena_fault__open();
	if (ASSERT_OK_PTR(skel, "open") && load(skel))
		test(skel);
	arena_fault__destroy(skel);
}

static void blinded(struct arena_fault *skel)
{
	places(skel);
	tail_call(skel);
	other_arena(skel);
}

static void hazard_20_blinded(void)
{
	int old;

	old = arena_sysctl(JIT_HARDEN, 2);
	if (!ASSERT_GE(old, 0, "bpf_jit_harden"))
		return;
	with_skel(blinded);
	arena_sysctl(JIT_HARDEN, old);
}

void serial_test_arena_fault(void)
{
	if (test__start_subtest("hazard_17_prog_types"))
		hazard_17_prog_types();
	if (test__start_subtest("hazard_18_places"))
		with_skel(places);
	if (test__start_subtest("hazard_18_tail_call"))
		with_skel(tail_call);
	if (test__start_subtest("hazard_18_other_arena"))
		with_skel(other_arena);
	if (test__start_subtest("hazard_18_other_arena_traces"))
		with_skel(other_arena_traces);
	if (test__start_subtest("hazard_20_blinded"))
		hazard_20_blinded();
}
