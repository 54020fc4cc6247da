/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARENA_LIB_H
#define ARENA_LIB_H

/*
 * Tests of <bpf/arena/NAME.h>. What a test does to a data structure is a function of shared code,
 *
 *	static int lib_op(struct lib_call *call)
 *
 * in arena_lib_NAME.h. The program has it as "op"; the process calls it, or the program, at
 * random, and compares the results with those of a model.
 *
 * With ARENA_LIB_NATIVE there is no program, and no kernel with arenas: the process
 * plays both, so that sanitizers can look at it.
 */
struct lib_call {
	unsigned long long op, a, b, c;
};

/* What a program returns that was to run when its time is over, if it never is */
#define LIB_NOT_LATE 4711

#ifdef __bpf__

#include <bpf/arena/common.h>

static volatile __u64 lib_sum;

static __noinline int lib_burn(void)
{
	while (can_loop)
		lib_sum++;
	return lib_sum;
}

/*
 * Loops until the program's time is over: 250 ms, in all of its functions. Returns false on a
 * kernel where each function has its rounds, and no time is over. 200 million rounds take longer
 * than that on any CPU that is emulated.
 */
static __noinline int lib_late(void)
{
	__u32 i;

	arena_rounds(i, 24)
		lib_burn();
	return !can_loop;
}

#else

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

/* xorshift64*: the same on every machine */
static __thread unsigned long long lib_seed = 88172645463325252ULL;

static inline unsigned int lib_random(unsigned int n)
{
	lib_seed ^= lib_seed >> 12;
	lib_seed ^= lib_seed << 25;
	lib_seed ^= lib_seed >> 27;
	return (lib_seed * 2685821657736338717ULL >> 32) % n;
}

/* ThreadSanitizer sees races in objects that overlap, as they may once somebody has scribbled */
#ifdef __SANITIZE_THREAD__
#define LIB_DAMAGE 0
#else
#define LIB_DAMAGE 1
#endif

#ifndef ARENA_LIB_NATIVE
static inline int lib_program(struct bpf_program *prog, struct lib_call *call)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.ctx_in = call,
		.ctx_size_in = sizeof(*call),
	);

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		return -1000 - errno;
	return opts.retval;
}
#endif

#ifndef ARENA_LIB_NATIVE
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Programs that run 1,000 times a second on each of two CPUs, and in NMIs where there are some */
struct lib_interrupts {
	struct bpf_link *link[3];
};

static inline int lib_has_nmi(void)
{
	return !access("/sys/kernel/tracing/events/nmi/nmi_handler", F_OK);
}

/* Asks the other CPUs for a backtrace, by an NMI */
static inline void lib_nmi(void)
{
	int fd = lib_has_nmi() ? open("/proc/sysrq-trigger", O_WRONLY) : -1;

	if (fd < 0)
		return;
	ASSERT_EQ(write(fd, "l", 1), 1, "sysrq l");
	close(fd);
}

static inline int lib_interrupt(struct lib_interrupts *on, struct bpf_program *clock,
				struct bpf_program *nmi)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = 1000,
	};
	int fd, cpu;

	for (cpu = 0; cpu < 2; cpu++) {
		fd = syscall(__NR_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		if (!ASSERT_GE(fd, 0, "perf_event_open"))
			return -1;
		on->link[cpu] = bpf_program__attach_perf_event(clock, fd);
		if (!ASSERT_OK_PTR(on->link[cpu], "attach")) {
			close(fd);
			return -1;
		}
	}
	if (!lib_has_nmi())
		return 0;
	on->link[2] = bpf_program__attach(nmi);
	return ASSERT_OK_PTR(on->link[2], "attach") ? 0 : -1;
}

static inline void lib_no_interrupts(struct lib_interrupts *on)
{
	int i;

	for (i = 0; i < 3; i++)
		bpf_link__destroy(on->link[i]);
}
#else
struct lib_interrupts {
	int none;
};

#define lib_nmi() do { } while (0)
#define lib_interrupt(on, clock, nmi) ((void)(on), 0)
#define lib_no_interrupts(on) do { } while (0)
#endif

/* Opens and loads NAME, attaches to its arena; jumps to label "out" */
#define LIB_OPEN(name, skel)						\
	do {								\
		size_t __size;						\
		void *__start;						\
									\
		skel = name##__open_and_load();				\
		if (!ASSERT_OK_PTR(skel, "load"))			\
			return;						\
		__start = (void *)bpf_map__initial_value(skel->maps.arena, &__size); \
		if (!ASSERT_OK(arena_attach(__start, __size), "attach")) \
			goto out;					\
	} while (0)

#define LIB_CLOSE(name, skel)						\
	do {								\
		arena_detach();						\
		name##__destroy(skel);					\
	} while (0)

/* Runs an operation in the program (side 1) or here (side 0) */
#define LIB_CALL(skel, side, call)					\
	((side) ? lib_program((skel)->progs.op, call) : lib_op(call))

#endif /* a process */
#endif
