// SPDX-License-Identifier: GPL-2.0
/*
 * Both sides of a call have to agree what is an arena pointer: one that took it
 * for other memory would let a program choose a kernel address.
 */
#include <bpf/btf.h>
#include "arena_insn.h"
#include "arena_ext.skel.h"
#include "arena_nosleep.skel.h"

/* the kernel's ENOTSUPP, which errno.h lacks */
#define NOT_SUPPORTED 524

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

static int run_marked(const struct bpf_program *prog, __u32 mark)
{
	struct __sk_buff skb = { .mark = mark };
	char pkt[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = pkt,
		.data_size_in = sizeof(pkt),
		.ctx_in = &skb,
		.ctx_size_in = sizeof(skb),
	);

	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), bpf_program__name(prog));
	return opts.retval;
}

static int run(const struct bpf_program *prog)
{
	return run_marked(prog, 0);
}

/* The callee gets all of the number, on either path. */
static void forged_argument(void)
{
	struct arena_ext *skel = arena_ext__open();

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_program__set_autoload(skel->progs.passes_forged, true);
	bpf_program__set_flags(skel->progs.passes_forged, BPF_F_TEST_STATE_FREQ);
	if (ASSERT_OK(arena_ext__load(skel), "load")) {
		skel->bss->forged = (__u32)(unsigned long)&skel->arena->in_arena | 1ULL << 36;
		ASSERT_EQ(run_marked(skel->progs.passes_forged, 0), 0, "of an arena pointer");
		ASSERT_EQ(run_marked(skel->progs.passes_forged, 7), 1 << 4, "of a forged one");
	}
	arena_ext__destroy(skel);
}

/* What the kernel says of a program that does not load; it is put into target's func */
static void refuse(const struct bpf_program *target, const char *name, const char *func,
		   int err, const char *msg)
{
	struct arena_ext *skel = arena_ext__open();
	struct bpf_program *prog;
	char log[8192] = {};

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	prog = bpf_object__find_program_by_name(skel->obj, name);
	bpf_program__set_autoload(prog, true);
	bpf_program__set_log_buf(prog, log, sizeof(log));
	if (target)
		ASSERT_OK(bpf_program__set_attach_target(prog, bpf_program__fd(target), func),
			  name);
	ASSERT_EQ(arena_ext__load(skel), err, name);
	ASSERT_HAS_SUBSTR(log, msg, name);
	arena_ext__destroy(skel);
}

static void refuse_ext(const struct bpf_program *target, const char *name, const char *func)
{
	refuse(target, name, func, -EINVAL, "Cannot replace functions with arena arguments");
}

/*
 * A tracing program would follow the number as a pointer. A global function cannot have
 * such an argument; of a static one's arguments nothing is believed.
 */
static void tagged_ctx(void)
{
	struct arena_ext *skel;

	refuse(NULL, "calls_tagged_ctx", NULL, -EINVAL,
	       "has invalid combination of tags");
	skel = load("calls_tagged_static");
	if (!skel)
		return;
	ASSERT_EQ(run(skel->progs.calls_tagged_static), 7, "static");
	refuse(skel->progs.calls_tagged_static, "follows_ctx", "takes_tagged_ctx_static",
	       -EACCES, "invalid mem access 'scalar'");
	refuse(skel->progs.calls_tagged_static, "follows_ctx_later", "takes_tagged_ctx_static",
	       -EACCES, "invalid mem access 'scalar'");
	refuse(skel->progs.calls_tagged_static, "replaces_static", "takes_tagged_ctx_static",
	       -EINVAL, "Cannot replace static functions");
	arena_ext__destroy(skel);
}

static void traced_arena(void)
{
	struct arena_ext *skel = load("target");

	if (!skel)
		return;
	refuse(skel->progs.target, "follows_arena", "takes_arena", -EACCES,
	       "invalid bpf_context access");
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

/* Loads a program for a function of the kernel: its fd or an error */
static int load_fentry(int btf_id, const struct arena_prog *p, __u32 flags)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		.expected_attach_type = BPF_TRACE_FENTRY,
		.attach_btf_id = btf_id,
		.prog_flags = flags,
	);

	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "own", "GPL", p->insns, p->cnt, &opts);
}

static bool is_own(const char *name)
{
	return !strncmp(name, "arena_", 6) || !strncmp(name, "bpf_arena_", 10) ||
	       !strncmp(name, "pool_", 5);
}

/* How often test succeeds, of all functions that are arenas' own */
static int each_own(const struct btf *btf, bool (*test)(int btf_id, const char *name))
{
	int id, cnt = btf__type_cnt(btf), good = 0;

	for (id = 1; id < cnt; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, t->name_off);

		if (btf_is_func(t) && is_own(name))
			good += test(id, name);
	}
	return good;
}

static bool refuse_sleepable(int btf_id, const char *name)
{
	struct arena_prog p = {};
	int fd, sleepable;

	emit_return(&p, 0);
	fd = load_fentry(btf_id, &p, 0);
	close(fd);
	sleepable = load_fentry(btf_id, &p, BPF_F_SLEEPABLE);
	if (!ASSERT_LT(sleepable, 0, name))
		close(sleepable);
	return fd >= 0;
}

/*
 * They run under locks, with preemption off, in an NMI: nothing that sleeps may be put
 * into one of them.
 */
static void own_functions(void)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!ASSERT_OK_PTR(btf, "vmlinux BTF"))
		return;
	ASSERT_GT(each_own(btf, refuse_sleepable), 10, "functions that can be traced at all");
	btf__free(btf);
}

static struct arena_nosleep *inside;
static int alloc_id, free_id, inside_err;

/* A program that uses the kfuncs is in this function while they, and all else, run. */
static bool use_inside(int btf_id, const char *name)
{
	struct arena_prog p = {};
	int fd, link, i, arena = bpf_map__fd(inside->maps.arena);
	char *page;
	size_t size;

	emit_map(&p, BPF_REG_1, arena);
	emit(&p, BPF_MOV64_IMM(BPF_REG_2, 0));
	emit(&p, BPF_MOV64_IMM(BPF_REG_3, 1));
	emit(&p, BPF_MOV64_IMM(BPF_REG_4, -1));
	emit(&p, BPF_MOV64_IMM(BPF_REG_5, 0));
	emit(&p, BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, alloc_id));
	emit_map(&p, BPF_REG_1, arena);
	emit(&p, BPF_MOV64_REG(BPF_REG_2, BPF_REG_0));
	emit(&p, BPF_MOV64_IMM(BPF_REG_3, 1));
	emit(&p, BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, free_id));
	emit_return(&p, 0);
	fd = load_fentry(btf_id, &p, 0);
	link = fd < 0 ? -1 : bpf_raw_tracepoint_open(NULL, fd);
	if (link < 0) {
		inside_err = errno;
		close(fd);
		return false;
	}
	page = (char *)bpf_map__initial_value(inside->maps.arena, &size);
	/* a touch where the program does not allocate, or it would take the address */
	page += arena_bytes(1500);
	for (i = 0; i < 3; i++) {
		arena_run(inside->progs.run_tc);
		arena_run(inside->progs.run_syscall);
		*page = 'x';
		inside->bss->addr = (__u64)page;
		arena_run(inside->progs.run_free_at_s);
	}
	ASSERT_EQ(inside->bss->bad, 0, name);
	close(link);
	close(fd);
	return true;
}

static void inside_own_functions(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int entered = 0;

	if (!ASSERT_OK_PTR(btf, "vmlinux BTF"))
		return;
	alloc_id = btf__find_by_name_kind(btf, "bpf_arena_alloc_pages", BTF_KIND_FUNC);
	free_id = btf__find_by_name_kind(btf, "bpf_arena_free_pages", BTF_KIND_FUNC);
	inside = arena_nosleep__open_and_load();
	if (ASSERT_OK_PTR(inside, "open and load"))
		entered = each_own(btf, use_inside);
	if (!entered && inside_err == NOT_SUPPORTED) {
		fprintf(stdout, "%s:SKIP:6.1 cannot attach to the kernel's functions here\n",
			__func__);
		test__skip();
	} else {
		ASSERT_GT(entered, 10, "functions with a program inside");
	}
	arena_nosleep__destroy(inside);
	btf__free(btf);
}

void test_arena_ext(void)
{
	if (test__start_subtest("hazard_30_tagged_ctx"))
		tagged_ctx();
	if (test__start_subtest("hazard_30_traced_arena"))
		traced_arena();
	if (test__start_subtest("hazard_30_own_functions"))
		own_functions();
	if (test__start_subtest("hazard_30_inside"))
		inside_own_functions();
	if (test__start_subtest("hazard_21_forged_argument"))
		forged_argument();
	if (test__start_subtest("hazard_21_replace"))
		replace();
}
