// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_spin_lock: in programs with an arena that may sleep, and by an address that is
 * loaded anew for each call.
 */
#include <pthread.h>
#include "arena_insn.h"
#include "arena_lock.skel.h"

#define R(n) BPF_REG_##n
#define THREADS 4

static void *run(void *prog)
{
	return (void *)(long)arena_run(prog);
}

static void sleepable(struct arena_lock *skel)
{
	pthread_t threads[THREADS];
	void *result;
	int i;

	for (i = 0; i < THREADS; i++)
		if (!ASSERT_OK(pthread_create(&threads[i], NULL, run, skel->progs.counts), "thread"))
			break;
	while (i--) {
		pthread_join(threads[i], &result);
		ASSERT_NULL(result, "run");
	}
	ASSERT_EQ(skel->data->tries, 100, "held by one at a time");
	ASSERT_EQ(skel->arena->count, THREADS * 100, "count");
}

/* arena: of a program that has none, 0 */
static int load(enum bpf_prog_type type, __u32 flags, int arena, int locks, char *log)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		.prog_flags = flags,
		.log_buf = log,
		.log_size = ARENA_LOG_SIZE,
		.log_level = 4,
	);
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(R(1), 0),
		BPF_MOV64_IMM(R(1), 0),
		BPF_LD_MAP_VALUE(R(1), locks, 0),
		BPF_EMIT_CALL(BPF_FUNC_spin_lock),
		BPF_LD_MAP_VALUE(R(1), locks, 0),
		BPF_EMIT_CALL(BPF_FUNC_spin_unlock),
		BPF_MOV64_IMM(R(0), 0),
		BPF_EXIT_INSN(),
	}, with_arena[] = { BPF_LD_MAP_FD(R(1), arena) };
	struct bpf_insn prog[ARRAY_SIZE(insns)];

	memcpy(prog, insns, sizeof(insns));
	if (arena)
		memcpy(prog, with_arena, sizeof(with_arena));
	log[0] = '\0';
	return bpf_prog_load(type, "arena_lock", "GPL", prog, ARRAY_SIZE(insns), &opts);
}

static void check(enum bpf_prog_type type, __u32 flags, int arena, int locks, const char *msg,
		  const char *name)
{
	char log[ARENA_LOG_SIZE];
	int fd = load(type, flags, arena, locks, log);

	if (!msg) {
		if (!ASSERT_GE(fd, 0, name))
			printf("%s\n", log);
	} else if (!ASSERT_LT(fd, 0, name) || !ASSERT_HAS_SUBSTR(log, msg, name)) {
		printf("%s\n", log);
	}
	if (fd >= 0)
		close(fd);
}

static void loads(struct arena_lock *skel)
{
	const char *other = "bpf_spin_unlock of different lock";
	const char *sleeps = "sleepable progs cannot use bpf_spin_lock yet";
	const char *traces = "tracing progs cannot use bpf_spin_lock yet";
	int arena = bpf_map__fd(skel->maps.arena), locks = bpf_map__fd(skel->maps.locks);

	check(BPF_PROG_TYPE_XDP, 0, arena, locks, NULL, "two addresses");
	check(BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE, arena, locks, NULL, "sleeps");
	check(BPF_PROG_TYPE_XDP, 0, 0, locks, other, "two addresses, no arena");
	check(BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE, 0, locks, sleeps, "sleeps, no arena");
	check(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, arena, locks, traces, "traces");
}

void test_arena_lock(void)
{
	struct arena_lock *skel = arena_lock__open_and_load();

	if (!ASSERT_OK_PTR(skel, "load"))
		return;
	if (test__start_subtest("sleepable"))
		sleepable(skel);
	if (test__start_subtest("loads"))
		loads(skel);
	arena_lock__destroy(skel);
	RUN_TESTS(arena_lock);
}
