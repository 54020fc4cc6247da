// SPDX-License-Identifier: GPL-2.0
/*
 * may_goto loops of a program run for 250 ms in all. How many rounds that are
 * differs between machines, and how late a program is that a busy emulator runs;
 * so programs have to end within a time that is generous, and would take years.
 */
#include <time.h>
#include "arena_helpers.h"
#include "arena_insn.h"
#include "arena_deadline.skel.h"

/* No earlier, and by far no later. The first look is when time begins to count. */
#define AT_LEAST_MS	240
#define AT_MOST_MS	30000

static struct arena_deadline *load(const char *name)
{
	struct arena_deadline *skel = arena_deadline__open();
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_autoload(prog, true);
	if (ASSERT_OK(arena_deadline__load(skel), name))
		return skel;
	arena_deadline__destroy(skel);
	return NULL;
}

/* returns how many milliseconds it took */
static long run(struct arena_deadline *skel, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(skel->obj, name);
	struct timespec from, to;
	char pkt[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = pkt,
		.data_size_in = sizeof(pkt),
	);

	clock_gettime(CLOCK_MONOTONIC, &from);
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), name);
	clock_gettime(CLOCK_MONOTONIC, &to);
	ASSERT_EQ(opts.retval, 0, name);
	return (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
}

static void check_over(long ms, const char *name)
{
	ASSERT_GE(ms, AT_LEAST_MS, name);
	ASSERT_LE(ms, AT_MOST_MS, name);
}

static struct arena_deadline *load_and_burn(const char *name)
{
	struct arena_deadline *skel = load(name);

	if (skel)
		check_over(run(skel, name), name);
	return skel;
}

/* Each would take longer than the universe has been there */
static void endless(const char *name)
{
	arena_deadline__destroy(load_and_burn(name));
}

/* 200 calls, each with 8 million rounds: the last one has none */
static void bounded(void)
{
	struct arena_deadline *skel = load_and_burn("bounded");

	if (!skel)
		return;
	ASSERT_EQ(skel->bss->called, 0, "rounds of the last call");
	arena_deadline__destroy(skel);
}

static void shared(const char *name)
{
	struct arena_deadline *skel = load_and_burn(name);

	if (!skel)
		return;
	ASSERT_NEQ(skel->bss->sum, 0, "rounds of the callees");
	ASSERT_EQ(skel->bss->own, 0, "the caller's rounds");
	ASSERT_EQ(skel->bss->called, 0, "rounds of another callee");
	ASSERT_EQ(skel->bss->global, 0, "rounds of a global function");
	arena_deadline__destroy(skel);
}

static void not_over(void)
{
	struct arena_deadline *skel = load("not_over");

	if (!skel)
		return;
	run(skel, "not_over");
	ASSERT_EQ(skel->bss->own, 1000, "the caller's rounds");
	ASSERT_EQ(skel->bss->called, 2000, "rounds of callees");
	ASSERT_EQ(skel->bss->global, 1000, "rounds of a global function");
	/* the next invocation has 250 ms again */
	run(skel, "not_over");
	ASSERT_EQ(skel->bss->called, 2000, "once more");
	arena_deadline__destroy(skel);
}

static void check_callbacks(void)
{
	struct arena_deadline *skel = load_and_burn("callbacks");

	if (!skel)
		return;
	ASSERT_EQ(skel->bss->called_back, 3000, "rounds of callbacks");
	ASSERT_EQ(skel->bss->called, 0, "rounds of a callback that is called by name");
	ASSERT_EQ(skel->bss->own, 0, "rounds of a callee");
	arena_deadline__destroy(skel);
}

static void callback_burns(void)
{
	struct arena_deadline *skel = load_and_burn("callback_burns");

	if (!skel)
		return;
	ASSERT_EQ(skel->bss->called, 1000, "rounds of a callee");
	ASSERT_EQ(skel->bss->own, 1000, "rounds of the caller");
	ASSERT_EQ(skel->bss->called_back, 1000, "rounds of another callback");
	arena_deadline__destroy(skel);
}

static void tail_call(void)
{
	struct arena_deadline *skel = arena_deadline__open();
	int fd, key = 0;

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_program__set_autoload(skel->progs.tail_call, true);
	bpf_program__set_autoload(skel->progs.tail_target, true);
	if (!ASSERT_OK(arena_deadline__load(skel), "load"))
		goto out;
	fd = bpf_program__fd(skel->progs.tail_target);
	ASSERT_OK(bpf_map_update_elem(bpf_map__fd(skel->maps.progs), &key, &fd, 0), "progs");
	check_over(run(skel, "tail_call"), "tail_call");
	ASSERT_EQ(skel->bss->tailed, 1000, "rounds of the program that is jumped to");
out:
	arena_deadline__destroy(skel);
}

/* name is attached to glob() of a program that burns before it calls it */
static void check_attached(const char *name, __u64 global, __u64 traced)
{
	struct arena_deadline *skel = load("shared_arena"), *other = arena_deadline__open();
	struct bpf_program *prog;
	struct bpf_link *link = NULL;
	int target;

	if (!ASSERT_OK_PTR(skel, "target") || !ASSERT_OK_PTR(other, "open"))
		goto out;
	prog = bpf_object__find_program_by_name(other->obj, name);
	bpf_program__set_autoload(prog, true);
	target = bpf_program__fd(skel->progs.shared_arena);
	ASSERT_OK(bpf_program__set_attach_target(prog, target, "glob"), "attach target");
	if (!ASSERT_OK(arena_deadline__load(other), name))
		goto out;
	link = bpf_program__attach(prog);
	if (!ASSERT_OK_PTR(link, "attach"))
		goto out;
	check_over(run(skel, "shared_arena"), name);
	ASSERT_EQ(skel->bss->own, 0, "the caller's rounds");
	ASSERT_EQ(skel->bss->called, 0, "rounds of a callee");
	ASSERT_EQ(skel->bss->global, global, "rounds of a global function");
	ASSERT_EQ(other->bss->traced, traced, "rounds of the program that is attached");
out:
	bpf_link__destroy(link);
	arena_deadline__destroy(other);
	arena_deadline__destroy(skel);
}

/*
 * More rounds than there are between two looks at the clock, so that the stub
 * runs: registers and stack are kept. kind: the code differs
 */
enum { ALONE, LEAF, INNER, KINDS };

#define LOOK_ROUNDS 40000

static void emit_body(struct arena_prog *p, int fd, int kind)
{
	const int to = 108 + LOOK_ROUNDS;
	int r;

	emit_map_value(p, BPF_REG_9, fd, 0);
	emit(p, ARENA_TO_KERN(BPF_REG_9, BPF_REG_9));
	for (r = BPF_REG_0; r < BPF_REG_10; r++)
		emit(p, BPF_LDX_MEM(BPF_DW, r, BPF_REG_9, r * 8));
	emit(p, BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_3, -8));
	emit(p, BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_4, -64));
	emit(p, MAY_GOTO(2));
	emit(p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_8, 1));
	emit(p, BPF_JMP_IMM(BPF_JNE, BPF_REG_8, to, -3));
	for (r = BPF_REG_0; r < BPF_REG_10; r++)
		emit_expect(p, r, r == BPF_REG_8 ? to : 100 + r, 1000 + r);
	emit(p, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8));
	emit_expect(p, BPF_REG_1, 103, 1);
	emit(p, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -64));
	emit_expect(p, BPF_REG_1, 104, 2);
	/* the arena is still where it was: 9 is in r9 */
	emit_map_value(p, BPF_REG_9, fd, 0);
	emit(p, ARENA_TO_KERN(BPF_REG_9, BPF_REG_9));
	emit(p, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_9, 5 * 8));
	emit_expect(p, BPF_REG_1, 105, 3);
	if (kind == INNER)
		emit(p, BPF_CALL_REL(2));
	emit_return(p, 0);
	if (kind != INNER)
		return;
	emit(p, BPF_MOV64_IMM(BPF_REG_0, 0));
	emit(p, MAY_GOTO(1));
	emit(p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 1));
	emit(p, BPF_EXIT_INSN());
}

static void registers(void)
{
	static const char * const names[] = { "alone", "leaf", "inner" };
	const __u64 base = 0x100000000000;
	__u64 *area;
	int fd, r, kind;

	fd = arena_create(1, 0, base);
	if (!ASSERT_GE(fd, 0, "arena"))
		return;
	area = arena_mmap_at(fd, 1, base);
	if (!ASSERT_EQ((__u64)area, base, "mmap"))
		goto out;
	for (r = 0; r < 10; r++)
		area[r] = 100 + r;
	for (kind = 0; kind < KINDS; kind++) {
		struct arena_prog p = {};

		if (kind == LEAF) {
			emit(&p, BPF_CALL_REL(1));
			emit(&p, BPF_EXIT_INSN());
		}
		emit_body(&p, fd, kind);
		ASSERT_EQ(arena_run_prog(&p, 0), 0, names[kind]);
		ASSERT_EQ(arena_run_prog(&p, BPF_F_TEST_RND_HI32), 0, names[kind]);
	}
	munmap(area, arena_bytes(1));
out:
	close(fd);
}

void test_arena_deadline(void)
{
	if (test__start_subtest("hazard_27_endless"))
		endless("endless");
	if (test__start_subtest("hazard_27_endless_arena"))
		endless("endless_arena");
	if (test__start_subtest("hazard_27_endless_slow"))
		endless("endless_slow");
	if (test__start_subtest("hazard_27_endless_short"))
		endless("endless_short");
	if (test__start_subtest("hazard_27_bounded"))
		bounded();
	if (test__start_subtest("shared"))
		shared("shared");
	if (test__start_subtest("shared_arena"))
		shared("shared_arena");
	if (test__start_subtest("not_over"))
		not_over();
	if (test__start_subtest("callbacks"))
		check_callbacks();
	if (test__start_subtest("callback_burns"))
		callback_burns();
	if (test__start_subtest("tail_call"))
		tail_call();
	if (test__start_subtest("fentry"))
		check_attached("trace_entry", 0, 1000);
	if (test__start_subtest("fexit"))
		check_attached("trace_exit", 0, 1000);
	if (test__start_subtest("freplace"))
		check_attached("replaces", 2000, 0);
	if (test__start_subtest("registers"))
		registers();
}
