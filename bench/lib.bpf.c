// SPDX-License-Identifier: GPL-2.0
/* What is measured of <bpf/arena/NAME.h>. With ops = 0 each program does nothing. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "lib.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 32);
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

LIB_PROG(lib_call, err |= call();)
LIB_PROG(lib_rb_none, err |= rb_none();)
LIB_PROG(lib_rb_find, err |= rb_find();)
LIB_PROG(lib_rb_next, err |= rb_next();)
LIB_PROG(lib_rb_pair, err |= rb_pair();)
LIB_PROG(lib_ring, err |= ring_pair();)
LIB_PROG(lib_stack, err |= stack_pair();)

char _license[] SEC("license") = "GPL";
