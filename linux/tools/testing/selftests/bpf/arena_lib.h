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

#if !defined(__bpf__)

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

#endif /* !__bpf__ */
#endif
