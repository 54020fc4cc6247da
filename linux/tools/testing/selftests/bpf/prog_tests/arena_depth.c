// SPDX-License-Identifier: GPL-2.0
/*
 * How deep functions may call each other, and how many states may wait to be
 * explored: more in programs with an arena, or in the second case a may_goto, than
 * in others, which have 6.1's limits.
 */
#include "arena_insn.h"

#define R(n) BPF_REG_##n
#define NPAGES 2
#define BASE (ARENA_BASE + 8 * GiB)

enum has { HAS_NOTHING, HAS_MAY_GOTO, HAS_ARENA };

struct long_prog {
	struct bpf_insn *insns;
	int cnt, max;
};

static void add(struct long_prog *p, struct bpf_insn insn)
{
	if (ASSERT_LT(p->cnt, p->max, "room"))
		p->insns[p->cnt++] = insn;
}

static bool setup(struct long_prog *p, int max)
{
	p->cnt = 0;
	p->max = max;
	p->insns = calloc(max, sizeof(*p->insns));
	return ASSERT_OK_PTR(p->insns, "memory");
}

/* r6 = arena pointer to the second page */
static void begin(struct long_prog *p, enum has has, int fd)
{
	const struct bpf_insn pair[] = { BPF_LD_MAP_VALUE(R(6), fd, getpagesize()) };

	add(p, BPF_MOV64_IMM(R(6), 0));
	if (has == HAS_ARENA) {
		add(p, pair[0]);
		add(p, pair[1]);
		add(p, ARENA_TO_KERN(R(6), R(6)));
	} else if (has == HAS_MAY_GOTO) {
		add(p, MAY_GOTO(1));
		add(p, BPF_MOV64_IMM(R(6), 1));
	}
}

static int load(const struct long_prog *p, char *log)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		.log_buf = log,
		.log_size = ARENA_LOG_SIZE,
		.log_level = 4,	/* errors and numbers */
	);

	log[0] = '\0';
	return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "depth", "GPL", p->insns, p->cnt, &opts);
}

static int arena_fd(void)
{
	int fd = arena_create(NPAGES, 0, BASE);

	ASSERT_GE(fd, 0, "create");
	return fd;
}

/*
 * Functions in a row, each of which calls the next one with an arena pointer, and has
 * so much of the stack in use. The last one stores and loads, on a page that is there or
 * is not, and returns an arena pointer, which all others return as well.
 */
static void emit_chain(struct long_prog *p, enum has has, int fd, int frames, int stack)
{
	int i;

	begin(p, has, fd);
	add(p, BPF_MOV64_REG(R(1), R(6)));
	add(p, BPF_CALL_REL(2));
	if (has == HAS_ARENA)
		add(p, BPF_LDX_MEM(BPF_W, R(0), R(0), 0));
	else
		add(p, BPF_MOV64_IMM(R(0), 0));
	add(p, BPF_EXIT_INSN());
	for (i = 1; i < frames - 1; i++) {
		add(p, BPF_STX_MEM(BPF_DW, R(10), R(1), -stack));
		add(p, BPF_CALL_REL(1));
		add(p, BPF_EXIT_INSN());
	}
	add(p, BPF_STX_MEM(BPF_DW, R(10), R(1), -8));
	add(p, BPF_LDX_MEM(BPF_DW, R(0), R(10), -8));
	if (has == HAS_ARENA) {
		add(p, BPF_LDX_MEM(BPF_W, R(2), R(0), 0));
		add(p, BPF_ALU64_IMM(BPF_ADD, R(2), 1));
		add(p, BPF_STX_MEM(BPF_W, R(0), R(2), 0));
	}
	add(p, BPF_EXIT_INSN());
}

/* msg: NULL if it loads */
static void check_chain(enum has has, int frames, int stack, const char *msg, const char *name)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char *log = malloc(ARENA_LOG_SIZE);
	int fd = arena_fd(), prog;
	struct long_prog p;
	int *page;

	if (!ASSERT_OK_PTR(log, "log") || !setup(&p, 256))
		return;
	page = arena_mmap_at(fd, NPAGES, BASE);
	emit_chain(&p, has, fd, frames, stack);
	prog = load(&p, log);
	if (msg) {
		if (!ASSERT_LT(prog, 0, name) || !ASSERT_HAS_SUBSTR(log, msg, name))
			fprintf(stderr, "%s", log);
	} else if (ASSERT_GE(prog, 0, name)) {
		/* nothing there, a page, the same */
		ASSERT_OK(bpf_prog_test_run_opts(prog, &opts), "run");
		ASSERT_EQ(opts.retval, 0, "without page");
		page[getpagesize() / 4] = 41;
		ASSERT_OK(bpf_prog_test_run_opts(prog, &opts), "run");
		ASSERT_EQ(opts.retval, has == HAS_ARENA ? 42 : 0, "with a page");
	} else {
		fprintf(stderr, "%s", log);
	}
	if (prog >= 0)
		close(prog);
	munmap(page, arena_bytes(NPAGES));
	close(fd);
	free(p.insns);
	free(log);
}

static void frames(void)
{
	check_chain(HAS_NOTHING, 8, 8, NULL, "8");
	check_chain(HAS_NOTHING, 9, 8, "the call stack of 9 frames is too deep", "9");
	check_chain(HAS_MAY_GOTO, 8, 8, NULL, "8, may_goto");
	check_chain(HAS_MAY_GOTO, 9, 8, "the call stack of 9 frames is too deep", "9, may_goto");
	check_chain(HAS_ARENA, 8, 8, NULL, "8, arena");
	check_chain(HAS_ARENA, 9, 8, NULL, "9, arena");
	check_chain(HAS_ARENA, 16, 32, NULL, "16, arena");
	check_chain(HAS_ARENA, 17, 8, "the call stack of 17 frames is too deep", "17, arena");
	/* the stack's limit is one for all */
	check_chain(HAS_ARENA, 16, 40, "combined stack size of", "16, stack");
}

/* 17 functions, by a call that is never made: what is counted at the end */
static void frames_found_later(void)
{
	char *log = malloc(ARENA_LOG_SIZE);
	int i, fd = arena_fd(), prog;
	struct long_prog p;

	if (!ASSERT_OK_PTR(log, "log") || !setup(&p, 256))
		return;
	begin(&p, HAS_ARENA, fd);
	add(&p, BPF_MOV64_IMM(R(7), 0));
	add(&p, BPF_JMP_IMM(BPF_JEQ, R(7), 0, 1));
	add(&p, BPF_CALL_REL(2));
	add(&p, BPF_MOV64_IMM(R(0), 0));
	add(&p, BPF_EXIT_INSN());
	for (i = 0; i < 15; i++) {
		add(&p, BPF_CALL_REL(1));
		add(&p, BPF_EXIT_INSN());
	}
	add(&p, BPF_MOV64_IMM(R(0), 0));
	add(&p, BPF_EXIT_INSN());
	prog = load(&p, log);
	if (!ASSERT_LT(prog, 0, "load"))
		close(prog);
	if (!ASSERT_HAS_SUBSTR(log, "the call stack of 16 frames is too deep !", "log"))
		fprintf(stderr, "%s", log);
	close(fd);
	free(p.insns);
	free(log);
}

/* 16 functions, each of which calls the next one at 16 places, by a call that is never
 * made: as many ways through them as nobody can walk
 */
static void ways_to_call(void)
{
	char *log = malloc(ARENA_LOG_SIZE);
	int i, j, fd = arena_fd(), prog;
	struct long_prog p;

	if (!ASSERT_OK_PTR(log, "log") || !setup(&p, 512))
		return;
	begin(&p, HAS_ARENA, fd);
	add(&p, BPF_MOV64_IMM(R(7), 0));
	add(&p, BPF_JMP_IMM(BPF_JEQ, R(7), 0, 1));
	add(&p, BPF_CALL_REL(2));
	add(&p, BPF_MOV64_IMM(R(0), 0));
	add(&p, BPF_EXIT_INSN());
	for (i = 0; i < 14; i++) {
		for (j = 0; j < 16; j++)
			add(&p, BPF_CALL_REL(16 - j));
		add(&p, BPF_EXIT_INSN());
	}
	add(&p, BPF_MOV64_IMM(R(0), 0));
	add(&p, BPF_EXIT_INSN());
	prog = load(&p, log);
	if (ASSERT_GE(prog, 0, "load"))
		close(prog);
	else
		fprintf(stderr, "%s", log);
	close(fd);
	free(p.insns);
	free(log);
}

/* so many jumps in a row of which the verifier follows one way, and sets the other aside */
static void emit_jumps(struct long_prog *p, enum has has, int fd, int jumps)
{
	int i;

	begin(p, has, fd);
	add(p, BPF_EMIT_CALL(BPF_FUNC_get_prandom_u32));
	for (i = 0; i < jumps; i++)
		add(p, BPF_JMP_IMM(BPF_JEQ, R(0), 2 * i + 1, 0));
	add(p, BPF_MOV64_IMM(R(0), 0));
	add(p, BPF_EXIT_INSN());
}

static void check_jumps(enum has has, int jumps, const char *msg, const char *name)
{
	char *log = malloc(ARENA_LOG_SIZE);
	int fd = arena_fd(), prog;
	struct long_prog p;

	if (!ASSERT_OK_PTR(log, "log") || !setup(&p, jumps + 16))
		return;
	emit_jumps(&p, has, fd, jumps);
	prog = load(&p, log);
	if (msg ? !ASSERT_LT(prog, 0, name) : !ASSERT_GE(prog, 0, name))
		fprintf(stderr, "%s", log);
	if (msg && !ASSERT_HAS_SUBSTR(log, msg, name))
		fprintf(stderr, "%s", log);
	if (prog >= 0)
		close(prog);
	close(fd);
	free(p.insns);
	free(log);
}

static void queue(void)
{
	const char *too_many = "The sequence of 8193 jumps is too complex";

	check_jumps(HAS_NOTHING, 8192, NULL, "8192");
	check_jumps(HAS_NOTHING, 8200, too_many, "8200");
	check_jumps(HAS_MAY_GOTO, 20000, NULL, "may_goto");
	check_jumps(HAS_ARENA, 20000, NULL, "arena");
	check_jumps(HAS_ARENA, 70000, "The sequence of 65537 jumps is too complex", "limit");
}

void test_arena_depth(void)
{
	if (test__start_subtest("frames"))
		frames();
	if (test__start_subtest("frames_found_later"))
		frames_found_later();
	if (test__start_subtest("ways_to_call"))
		ways_to_call();
	if (test__start_subtest("queue"))
		queue();
}
