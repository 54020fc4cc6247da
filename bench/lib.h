/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __BENCH_LIB_H
#define __BENCH_LIB_H
#include <bpf/arena/queue.h>

#define LIB_UNROLLED 16		/* operations of a run */

struct lib_data {
	struct arena_ring ring;
	__u64 slots[16];
	struct arena_stack stack;
	struct arena_stack_link link;
	__u64 touched;
};

#endif
