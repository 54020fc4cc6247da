// SPDX-License-Identifier: GPL-2.0
/*
 * The kfuncs in programs of every type. Each program allocates a page, uses
 * it, and frees it; the names say how prog_tests/arena_nosleep.c runs them.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "bpf_misc.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2000);
} arena SEC(".maps");

struct elem {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct elem);
} timers SEC(".maps");

/* pages at once, and what came of it */
__u32 cnt = 1;
__u64 good, failed, bad;
__u64 tag;
int keep;

/* low half of the address from which on free_top() frees, 0 for none */
__u32 top;
#define TOP_PAGES 1000

static void use_pages(void)
{
	__u64 __arena *p = bpf_arena_alloc_pages(&arena, NULL, cnt, -1, 0);
	__u64 __arena *last;
	__u64 mine;
	int i;

	if (!p) {
		__sync_fetch_and_add(&failed, 1);
		return;
	}
	last = p + (cnt * PAGE_SIZE) / 8 - 1;
	if (top && (__u32)(__u64)last >= top) {
		bpf_arena_free_pages(&arena, p, cnt);
		return;
	}
	if (*p || *last)
		__sync_fetch_and_add(&bad, 1);
	/* nobody else has these pages */
	mine = __sync_fetch_and_add(&tag, 1) + 1;
	*p = mine;
	*last = mine;
	for (i = 0; i < 20; i++)
		if (*(volatile __u64 __arena *)p != mine ||
		    *(volatile __u64 __arena *)last != mine)
			__sync_fetch_and_add(&bad, 1);
	if (keep) {
		*p = *last = 0;
		__sync_fetch_and_add(&good, 1);
		return;
	}
	bpf_arena_free_pages(&arena, p, cnt);
	/* gone, as far as this program can see, if nobody else gets them at once */
	if (!top && (*p || *last))
		__sync_fetch_and_add(&bad, 1);
	__sync_fetch_and_add(&good, 1);
}

#define PROG(name, sec, ret) SEC(sec) int name(void *ctx) { use_pages(); return ret; }

/* run with bpf_prog_test_run() */
PROG(run_xdp, "xdp", XDP_PASS)
PROG(run_tc, "tc", 0)
PROG(run_socket, "socket", 0)
PROG(run_cgroup_skb, "cgroup_skb/egress", 1)
PROG(run_lwt_in, "lwt_in", 0)
PROG(run_lwt_xmit, "lwt_xmit", 0)
PROG(run_syscall, "syscall", 0)

/* attached, and brought about */
PROG(on_kprobe, "kprobe/do_nanosleep", 0)
PROG(on_kretprobe, "kretprobe/do_nanosleep", 0)
PROG(on_raw_tp, "raw_tp/sched_switch", 0)
PROG(on_nmi, "raw_tp/nmi_handler", 0)
PROG(on_perf, "perf_event", 0)

/* loaded only: what they hang on is not at hand, or needs much to get there */
PROG(load_sk_skb, "sk_skb/stream_verdict", SK_PASS)
PROG(load_sk_msg, "sk_msg", SK_PASS)
PROG(load_sockops, "sockops", 1)
PROG(load_sk_lookup, "sk_lookup", SK_PASS)
PROG(load_sk_reuseport, "sk_reuseport", SK_PASS)
PROG(load_flow, "flow_dissector", 0)
PROG(load_lwt_out, "lwt_out", 0)
PROG(load_connect, "cgroup/connect4", 1)
PROG(load_sock, "cgroup/sock", 1)
PROG(load_dev, "cgroup/dev", 1)
PROG(load_sysctl, "cgroup/sysctl", 1)
PROG(load_getsockopt, "cgroup/getsockopt", 1)
PROG(load_tp, "tp/sched/sched_switch", 0)
PROG(load_raw_tp_w, "raw_tp.w/bpf_test_finish", 0)

static int timer_cb(void *map, int *key, struct elem *val)
{
	use_pages();
	return 0;
}

SEC("syscall")
int run_timer(void *ctx)
{
	struct elem *val;
	__u32 key = 0;

	val = bpf_map_lookup_elem(&timers, &key);
	if (!val)
		return 1;
	bpf_timer_init(&val->timer, &timers, 1 /* CLOCK_MONOTONIC */); /* the first time */
	bpf_timer_set_callback(&val->timer, timer_cb);
	return bpf_timer_start(&val->timer, 0, 0) ? 2 : 0;
}

static long each_cb(void *map, __u32 *key, void *val, void *ctx)
{
	use_pages();
	return 0;
}

/* its callback runs under rcu_read_lock(), though the program may sleep */
SEC("syscall")
int run_for_each(void *ctx)
{
	return bpf_for_each_map_elem(&timers, each_cb, NULL, 0) != 1;
}

static long loop_cb(__u32 i, void *ctx)
{
	use_pages();
	return 0;
}

SEC("syscall")
int run_loop(void *ctx)
{
	return bpf_loop(1, loop_cb, NULL, 0) != 1;
}

/* a few pages, whoever has them */
SEC("tc")
int free_top(void *ctx)
{
	__u64 page = top / PAGE_SIZE + bpf_get_prandom_u32() % TOP_PAGES;

	bpf_arena_free_pages(&arena, (void __arena *)(page * PAGE_SIZE),
			     1 + bpf_get_prandom_u32() % 40);
	return 0;
}

/* one address, asked for by number */
__u64 addr;
long result;

SEC("tc")
int run_alloc_at(void *ctx)
{
	result = (long)bpf_arena_alloc_pages(&arena, (void __arena *)addr, cnt, -1, 0);
	return 0;
}

SEC("tc")
int run_free_at(void *ctx)
{
	bpf_arena_free_pages(&arena, (void __arena *)addr, cnt);
	return 0;
}

SEC("tc")
int run_reserve_at(void *ctx)
{
	result = bpf_arena_reserve_pages(&arena, (void __arena *)addr, cnt);
	return 0;
}

char _license[] SEC("license") = "GPL";
