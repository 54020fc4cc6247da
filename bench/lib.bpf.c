// SPDX-License-Identifier: GPL-2.0
/* What is measured of <bpf/arena/NAME.h>. With ops = 0 each program does nothing. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "lib.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LIB_PAGES);
} arena SEC(".maps");

__u32 ops;
__u64 wrong;		/* operations that failed */
struct lib_data __arena_global lib;

/* "ops" times 16 would need a loop, whose rounds would be counted: it is once or not at all. */
#define LIB_PROG(name, op)							\
	SEC("xdp") int name(void *ctx)						\
	{									\
		int err = 0;							\
										\
		if (!ops)							\
			return 0;						\
		lib.touched = 1;						\
		op op op op op op op op op op op op op op op op			\
		wrong += !!err;							\
		return 0;							\
	}

/* Global functions, so that the verifier looks at each once, and not once for each call */
__arena_large int ring_pair(void)
{
	__u32 value = 0;
	int err = arena_ring_put(&lib.ring, 1);

	return err | arena_ring_get(&lib.ring, &value);
}

__arena_large int stack_pair(void)
{
	struct arena_stack_link __arena *n;
	int err;

	n = arena_stack_pop(&lib.stack, &err);
	return n ? arena_stack_push(&lib.stack, n) : err;
}

/* The call, which is not theirs */
__arena_large int call(void)
{
	int err = 0;

	asm volatile("" : "+r"(err));
	return err;
}

static __always_inline struct lib_item __arena *turn(void)
{
	return &lib.item[lib.at++ % LIB_ITEMS];
}

/* What is theirs of none of those below: the call, and which item it is about */
__arena_large int rb_none(void)
{
	__u64 key = turn()->node.key;

	asm volatile("" :: "r"(key));
	return 0;
}

__arena_large int rb_find(void)
{
	struct lib_item copy;

	return arena_rb_find(&lib.tree, turn()->node.key, &copy, node);
}

__arena_large int rb_next(void)
{
	struct arena_rb_cursor c;
	struct lib_item copy;
	int err;

	c.key = lib.cursor.key;
	c.low = lib.cursor.low;
	err = arena_rb_next(&lib.tree, &c, &copy, node);
	lib.cursor.key = c.key;
	lib.cursor.low = c.low;
	return err;
}

__arena_large int rb_pair(void)
{
	struct lib_item __arena *item = turn();
	int err = arena_rb_erase(&lib.tree, &item->node);

	return err | arena_rb_insert(&lib.tree, &item->node);
}

/* As rb_none() for an array with items 0 to 1,023, and for one with 256 that are anywhere */
static __always_inline __u64 dense(void)
{
	return lib.at++ % LIB_ITEMS;
}

static __always_inline __u64 sparse(void)
{
	return (lib.at++ % LIB_SPARSE) * 0x9e3779b97f4a7c15ULL;
}

__arena_large int xa_none(void)
{
	__u64 index = dense();

	asm volatile("" :: "r"(index));
	return 0;
}

__arena_large int xa_sparse_none(void)
{
	__u64 index = sparse();

	asm volatile("" :: "r"(index));
	return 0;
}

__arena_large int xa_load(void)
{
	__u64 value;

	return arena_xa_load(&lib.dense, dense(), &value);
}

__arena_large int xa_sparse_load(void)
{
	__u64 value;

	return arena_xa_load(&lib.sparse, sparse(), &value);
}

__arena_large int xa_store(void)
{
	return arena_xa_store(&lib.dense, dense(), 1);
}

__arena_large int xa_sparse_store(void)
{
	return arena_xa_store(&lib.sparse, sparse(), 1);
}

__arena_large int xa_find(void)
{
	struct arena_xa_entry e = { .index = dense() };

	return arena_xa_find(&lib.dense, &e, ~0ULL);
}

__arena_large int xa_sparse_find(void)
{
	struct arena_xa_entry e = { .index = sparse() };

	return arena_xa_find(&lib.sparse, &e, ~0ULL);
}

__arena_large int xa_pair(void)
{
	__u64 index = dense();

	return arena_xa_erase(&lib.dense, index) | arena_xa_store(&lib.dense, index, 1);
}

__arena_large int xa_sparse_pair(void)
{
	__u64 index = sparse();

	return arena_xa_erase(&lib.sparse, index) | arena_xa_store(&lib.sparse, index, 1);
}

__arena_large int xa_mark(void)
{
	__u64 index = dense();

	return arena_xa_set_mark(&lib.dense, index, 0) | arena_xa_clear_mark(&lib.dense, index, 0);
}

LIB_PROG(lib_xa_none, err |= xa_none();)
LIB_PROG(lib_xa_load, err |= xa_load();)
LIB_PROG(lib_xa_store, err |= xa_store();)
LIB_PROG(lib_xa_find, err |= xa_find();)
LIB_PROG(lib_xa_pair, err |= xa_pair();)
LIB_PROG(lib_xa_mark, err |= xa_mark();)
LIB_PROG(lib_xa_sparse_none, err |= xa_sparse_none();)
LIB_PROG(lib_xa_sparse_load, err |= xa_sparse_load();)
LIB_PROG(lib_xa_sparse_store, err |= xa_sparse_store();)
LIB_PROG(lib_xa_sparse_find, err |= xa_sparse_find();)
LIB_PROG(lib_xa_sparse_pair, err |= xa_sparse_pair();)
LIB_PROG(lib_call, err |= call();)
LIB_PROG(lib_rb_none, err |= rb_none();)
LIB_PROG(lib_rb_find, err |= rb_find();)
LIB_PROG(lib_rb_next, err |= rb_next();)
LIB_PROG(lib_rb_pair, err |= rb_pair();)
LIB_PROG(lib_ring, err |= ring_pair();)
LIB_PROG(lib_stack, err |= stack_pair();)

char _license[] SEC("license") = "GPL";
