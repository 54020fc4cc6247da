// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses to pages that are not there, in every place of a program and every
 * type of program that can be had: each leaves 1 in results[].
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "../arena_fault.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} progs SEC(".maps");

struct elem {
	struct bpf_timer timer;
	int value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, struct elem);
} elems SEC(".maps");

__u64 absent; /* user address of a page that is not there */
__u64 __arena_global present;
int results[FAULT_PLACES];
int __arena_global mark;

static __always_inline int touch_absent(void)
{
	volatile __u64 __arena *p = (__u64 __arena *)absent;
	__u64 sum = *p;

	*p = 5;
	sum += *p;
	__sync_fetch_and_add(p, 1);
	sum += *(volatile __u8 __arena *)(absent + 1);
	return sum ? -1 : 1;
}

/* and what is there can still be reached */
static __always_inline int touch_both(void)
{
	volatile __u64 __arena *p = &present;
	int ret;

	*p = 17;
	ret = touch_absent();
	return *p == 17 ? ret : -2;
}

static __noinline int subprog(void)
{
	return touch_both();
}

static int loop_cb(__u32 i, int *ret)
{
	*ret = touch_both();
	return 0;
}

static long elem_cb(void *map, __u32 *key, struct elem *val, int *ret)
{
	*ret = touch_both();
	return 0;
}

static int timer_cb(void *map, int *key, struct elem *val)
{
	results[FAULT_TIMER] = touch_both();
	return 0;
}

SEC("tc")
int in_subprog(struct __sk_buff *skb)
{
	int before = touch_both(), in = subprog(), after = touch_both();

	results[FAULT_SUBPROG] = before == 1 && after == 1 ? in : -3;
	return 0;
}

SEC("tc")
int in_loop(struct __sk_buff *skb)
{
	int ret = 0;

	bpf_loop(3, loop_cb, &ret, 0);
	results[FAULT_LOOP] = touch_both() == 1 ? ret : -3;
	return 0;
}

SEC("tc")
int in_for_each(struct __sk_buff *skb)
{
	int ret = 0;

	bpf_for_each_map_elem(&elems, elem_cb, &ret, 0);
	results[FAULT_FOR_EACH] = touch_both() == 1 ? ret : -3;
	return 0;
}

SEC("tc")
int in_timer(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct elem *e = bpf_map_lookup_elem(&elems, &key);

	if (!e)
		return 1;
	bpf_timer_init(&e->timer, &elems, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&e->timer, timer_cb);
	return bpf_timer_start(&e->timer, 0, 0);
}

SEC("tc")
int tail_callee(struct __sk_buff *skb)
{
	results[FAULT_TAIL] = touch_both();
	return 0;
}

SEC("tc")
int in_tail_call(struct __sk_buff *skb)
{
	if (touch_both() != 1)
		return 1;
	bpf_tail_call_static(skb, &progs, 0);
	return 2;
}

/* Calls into a program with another arena (see arena_other.c), and goes on.
 * The compiler must not think that it knows the result.
 */
static __noinline int call_other(struct __sk_buff *skb)
{
	volatile int ret = 2;

	mark = 1;
	bpf_tail_call_static(skb, &progs, 1);
	return ret;
}

SEC("tc")
int to_other_arena(struct __sk_buff *skb)
{
	int ret = call_other(skb);

	results[FAULT_OTHER] = mark == 1 ? touch_both() : -3;
	return ret;
}

__noinline int traced(int i)
{
	volatile int ret = i;

	return ret;
}

SEC("tc")
int is_traced(struct __sk_buff *skb)
{
	mark = 5;
	if (traced(7) != 7 || mark != 5)
		return 1;
	return touch_both() == 1 ? 0 : 2;
}

#define IN_PROG_TYPE(name, sec, place)		\
	SEC(sec) int name(void *ctx)		\
	{					\
		results[place] = touch_both();	\
		return 0;			\
	}

IN_PROG_TYPE(in_tc, "tc", FAULT_TC)
IN_PROG_TYPE(in_socket, "socket", FAULT_SOCKET)
IN_PROG_TYPE(in_syscall, "syscall", FAULT_SYSCALL)
IN_PROG_TYPE(in_raw_tp, "raw_tp/sys_enter", FAULT_RAW_TP)
IN_PROG_TYPE(in_xdp, "xdp", FAULT_XDP)
IN_PROG_TYPE(in_cgroup, "cgroup_skb/egress", FAULT_CGROUP)
/* of a program: not every architecture lets a function of the kernel be traced so */
IN_PROG_TYPE(in_fentry, "?fentry", FAULT_FENTRY)
IN_PROG_TYPE(in_fexit, "?fexit", FAULT_FEXIT)
IN_PROG_TYPE(in_kprobe, "kprobe/bpf_fentry_test1", FAULT_KPROBE)
IN_PROG_TYPE(in_tp, "tp/syscalls/sys_enter_getpgid", FAULT_TP)

char _license[] SEC("license") = "GPL";
