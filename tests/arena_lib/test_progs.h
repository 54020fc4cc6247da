/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What prog_tests/arena_lib_*.c take from test_progs, for a process that plays the program, too:
 * then sanitizers can look at it.
 */
#ifndef TEST_PROGS_H
#define TEST_PROGS_H

#define ARENA_LIB_NATIVE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NATIVE_SIZE (64UL << 20)

struct bpf_program;

static int native_failures;
static void *native_start;

static inline bool test__start_subtest(const char *name)
{
	printf("subtest %s\n", name);
	return true;
}

#define NATIVE_CHECK(holds, format, ...)					\
	({									\
		bool __holds = (holds);						\
										\
		if (!__holds) {							\
			native_failures++;					\
			printf("line %d: " format "\n", __LINE__, ##__VA_ARGS__); \
		}								\
		__holds;							\
	})
#define NATIVE_COMPARE(a, b, op, name)						\
	({									\
		long long __a = (long long)(a), __b = (long long)(b);		\
										\
		NATIVE_CHECK(__a op __b, "%s: not %lld %s %lld", name, __a, #op, __b); \
	})
#define ASSERT_EQ(a, b, name) NATIVE_COMPARE(a, b, ==, name)
#define ASSERT_NEQ(a, b, name) NATIVE_COMPARE(a, b, !=, name)
#define ASSERT_GT(a, b, name) NATIVE_COMPARE(a, b, >, name)
#define ASSERT_GE(a, b, name) NATIVE_COMPARE(a, b, >=, name)
#define ASSERT_LE(a, b, name) NATIVE_COMPARE(a, b, <=, name)
#define ASSERT_OK(a, name) ASSERT_EQ(a, 0, name)
#define ASSERT_NULL(p, name) NATIVE_CHECK(!(p), "%s: not NULL", name)
#define ASSERT_OK_PTR(p, name) NATIVE_CHECK(p, "%s: NULL", name)
#define ASSERT_TRUE(a, name) NATIVE_CHECK(a, "%s: false", name)

static inline void test__skip(void)
{
	printf("skipped\n");
}

/*
 * As an arena: shared, within 4 GiB that begin at a multiple of that, and not at its first byte. The
 * address is one of the kernel's choice, since ThreadSanitizer allows few. What is beside it may
 * not be touched.
 */
static inline void *native_map(void)
{
	char *all = mmap(NULL, 3 * NATIVE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long start = ((unsigned long)all + NATIVE_SIZE - 1) & -NATIVE_SIZE;

	if (all == MAP_FAILED)
		return NULL;
	if (!(unsigned int)start)
		start += NATIVE_SIZE;
	native_start = mmap((void *)start, NATIVE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (native_start == MAP_FAILED)
		native_start = NULL;
	return native_start;
}

#define bpf_map__initial_value(map, size) (*(size) = NATIVE_SIZE, native_start)
#define lib_program(prog, call) lib_op(call)

#endif
