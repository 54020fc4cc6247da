/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What programs of progs/arena_types.c and progs/arena_nosleep.c do with an
 * arena: allocate pages, use them, free them, and say how that went.
 */
#ifndef __ARENA_USE_H
#define __ARENA_USE_H

#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2000);
} arena SEC(".maps");

/* pages at once, and what came of it */
__u32 cnt = 1;
__u64 good, failed, bad;
__u64 tag;
int keep;

/* low half of the address from which on programs leave pages alone, 0 for none */
__u32 top;

static __always_inline void expect(bool ok)
{
	if (!ok)
		__sync_fetch_and_add(&bad, 1);
}

static void use_pages(void)
{
	volatile __u64 __arena *p = bpf_arena_alloc_pages(&arena, NULL, cnt, -1, 0);
	volatile __u64 __arena *last;
	__u64 mine;
	int i;

	if (!p) {
		__sync_fetch_and_add(&failed, 1);
		return;
	}
	last = p + (cnt * PAGE_SIZE) / 8 - 1;
	if (top && (__u32)(__u64)last >= top) {
		bpf_arena_free_pages(&arena, (void __arena *)p, cnt);
		return;
	}
	expect(!*p && !*last);
	/* nobody else has these pages */
	mine = __sync_fetch_and_add(&tag, 1) + 1;
	*p = mine;
	*last = mine;
	for (i = 0; i < 20; i++)
		expect(*p == mine && *last == mine);
	if (keep) {
		*p = *last = 0;
		__sync_fetch_and_add(&good, 1);
		return;
	}
	bpf_arena_free_pages(&arena, (void __arena *)p, cnt);
	/* gone, as far as this program can see; somebody else may be there by now */
	expect(*p != mine && *last != mine);
	__sync_fetch_and_add(&good, 1);
}

#define PROG(name, sec, ret) SEC(sec) int name(void *ctx) { use_pages(); return ret; }

struct elem {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct elem);
} timers SEC(".maps");

static int timer_cb(void *map, int *key, struct elem *val)
{
	use_pages();
	return 0;
}

static __always_inline int start_timer(void *cb)
{
	struct elem *val;
	__u32 key = 0;

	val = bpf_map_lookup_elem(&timers, &key);
	if (!val)
		return 1;
	/* fails but for the first time */
	bpf_timer_init(&val->timer, &timers, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&val->timer, cb);
	return bpf_timer_start(&val->timer, 0, 0) ? 2 : 0;
}

SEC("syscall")
int run_timer(void *ctx)
{
	return start_timer(timer_cb);
}

#endif
