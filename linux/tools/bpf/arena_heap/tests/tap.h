/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
/* What the test programs report, in TAP, and where the heap of this process is */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include "../arena_heap.h"

static unsigned long heap_start, heap_size;
static int failed;

#define check(cond, ...)						\
	do {								\
		bool __good = cond;					\
									\
		failed |= !__good;					\
		printf("%sok - ", __good ? "" : "not ");		\
		printf(__VA_ARGS__);					\
		if (!__good)						\
			printf(" - %s:%d: %s", __FILE__, __LINE__, #cond); \
		putchar('\n');						\
		fflush(stdout);						\
	} while (0)

/* From the environment: nothing else is told to a program. */
static void find_heap(void)
{
	unsigned int pid, fd, blocks, flags;
	unsigned long long cookie, start;

	if (sscanf(getenv(ARENA_HEAP_ENV) ?: "", ARENA_HEAP_FMT, &pid, &fd, &cookie, &start,
		   &blocks, &flags) != 6) {
		printf("Bail out! not under arena-heap\n");
		exit(1);
	}
	heap_start = start;
	heap_size = ARENA_HEAP_HEADER + blocks * ARENA_HEAP_BLOCK;
}

static bool inside(const void *ptr)
{
	return (unsigned long)ptr - heap_start < heap_size;
}

static inline struct arena_heap_header *header(void)
{
	return (struct arena_heap_header *)heap_start;
}
