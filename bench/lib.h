/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __BENCH_LIB_H
#define __BENCH_LIB_H
#include <bpf/arena/queue.h>
#include <bpf/arena/rbtree.h>
#include <bpf/arena/xarray.h>

#define LIB_UNROLLED 16		/* operations of a run */
#define LIB_ITEMS 1024
#define LIB_SPARSE 256
#define LIB_PAGES 2048		/* of the arena */

struct lib_item {
	struct arena_rb_node node;
	__u64 value[2];
};

struct lib_data {
	struct arena_ring ring;
	__u64 slots[16];
	struct arena_stack stack;
	struct arena_stack_link link;
	__u64 touched;
	struct arena_rb tree;
	struct arena_rb_cursor cursor;
	struct arena_xa dense, sparse;
	__u32 at;			/* the item whose turn it is */
	struct lib_item item[LIB_ITEMS];
};

#endif
