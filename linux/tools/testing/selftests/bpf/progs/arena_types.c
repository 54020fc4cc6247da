// SPDX-License-Identifier: GPL-2.0
/*
 * The kfuncs in programs of every type. Each program allocates a page, uses it,
 * and frees it; prog_tests/arena_types.c has how each is run.
 */
#include <linux/bpf.h>
#include "bpf_tcp_helpers.h"
#include "arena_use.h"

/* bpf_prog_test_run() alone */
PROG(run_socket, "socket", 0)
PROG(run_tc, "tc", 0)
PROG(run_action, "action", 0)
PROG(run_xdp, "xdp", XDP_PASS)
PROG(run_cgroup_skb, "cgroup_skb/egress", 1)
PROG(run_lwt_in, "lwt_in", 0)
PROG(run_lwt_out, "lwt_out", 0)
PROG(run_lwt_xmit, "lwt_xmit", 0)
PROG(run_flow, "flow_dissector", 0)
PROG(run_syscall, "syscall", 0)

/* only loaded */
PROG(load_lwt_seg6, "lwt_seg6local", 0)

/* tracing */
PROG(on_kprobe, "kprobe/do_nanosleep", 0)
PROG(on_kretprobe, "kretprobe/do_nanosleep", 0)
PROG(on_uprobe, "uprobe", 0)
PROG(on_uprobe_s, "uprobe.s", 0)
PROG(on_tp, "tp/sched/sched_switch", 0)
PROG(on_raw_tp, "raw_tp/sched_switch", 0)
PROG(on_raw_tp_w, "raw_tp.w/bpf_test_finish", 0)
PROG(on_tp_btf, "tp_btf/sched_switch", 0)
PROG(on_iter, "iter/task", 0)
PROG(on_iter_s, "iter.s/task", 0)

/* what needs a trampoline into a function of the kernel */
PROG(on_fentry, "fentry/bpf_fentry_test1", 0)
PROG(on_fentry_s, "fentry.s/bpf_fentry_test1", 0)
PROG(on_fexit, "fexit/bpf_fentry_test1", 0)
PROG(on_fmod_ret, "fmod_ret/bpf_modify_return_test", 0)
PROG(on_lsm, "lsm/file_mprotect", 0)
PROG(on_lsm_s, "lsm.s/file_open", 0)
PROG(on_lsm_cgroup, "lsm_cgroup/socket_bind", 1)

/* cgroups */
PROG(cg_sock, "cgroup/sock", 1)
PROG(cg_bind, "cgroup/bind4", 1)
PROG(cg_connect, "cgroup/connect4", 1)
PROG(cg_sendmsg, "cgroup/sendmsg4", 1)
PROG(cg_sockops, "sockops", 1)
PROG(cg_setsockopt, "cgroup/setsockopt", 1)
PROG(cg_getsockopt, "cgroup/getsockopt", 1)
PROG(cg_dev, "cgroup/dev", 1)
PROG(cg_sysctl, "cgroup/sysctl", 1)

/* sockets */
PROG(on_sk_lookup, "sk_lookup", SK_PASS)
PROG(on_sk_reuseport, "sk_reuseport", SK_PASS)
PROG(on_sk_msg, "sk_msg", SK_PASS)
PROG(on_sk_skb, "sk_skb/stream_verdict", SK_PASS)

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

/* a congestion control */

SEC("struct_ops/ca_ssthresh")
__u32 BPF_PROG(ca_ssthresh, struct sock *sk)
{
	return 10;
}

SEC("struct_ops/ca_undo_cwnd")
__u32 BPF_PROG(ca_undo_cwnd, struct sock *sk)
{
	return 10;
}

SEC("struct_ops/ca_cong_avoid")
void BPF_PROG(ca_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	use_pages();
}

SEC(".struct_ops")
struct tcp_congestion_ops ca = {
	.ssthresh = (void *)ca_ssthresh,
	.undo_cwnd = (void *)ca_undo_cwnd,
	.cong_avoid = (void *)ca_cong_avoid,
	.name = "bpf_arena_ca",
};

/* one program that does nothing, and another that is put into it */

__noinline int nothing(struct __sk_buff *skb)
{
	volatile int ret = 0;

	return ret;
}

SEC("tc")
int calls_nothing(struct __sk_buff *skb)
{
	return nothing(skb);
}

SEC("?freplace/nothing")
int something(struct __sk_buff *skb)
{
	use_pages();
	return 0;
}

/* callbacks; run_timer() is in arena_use.h */

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

/*
 * Functions that are global are verified by themselves, and may still be called
 * from where nothing may sleep. Each program has functions of its own kind.
 */
__noinline int global_use(int unused)
{
	use_pages();
	return unused;
}

__noinline int global_chain(int unused)
{
	return global_use(unused);
}

static long global_loop_cb(__u32 i, void *ctx)
{
	global_chain(i);
	return 0;
}

__noinline int global_loop(int unused)
{
	return bpf_loop(1, global_loop_cb, NULL, 0) + unused;
}

SEC("syscall")
int run_global(void *ctx)
{
	return global_chain(0);
}

SEC("syscall")
int run_global_loop(void *ctx)
{
	return global_loop(0) != 1;
}

static int timer_global(void *map, int *key, struct elem *val)
{
	global_chain(0);
	return 0;
}

SEC("syscall")
int run_timer_global(void *ctx)
{
	return start_timer(timer_global);
}

/* bpf_loop() may do what its caller may, and this one may not */
static int timer_loop(void *map, int *key, struct elem *val)
{
	global_loop(0);
	return 0;
}

SEC("syscall")
int run_timer_loop(void *ctx)
{
	return start_timer(timer_loop);
}

/* the same function from both: none of its calls may sleep */
SEC("syscall")
int run_timer_and_main(void *ctx)
{
	return start_timer(timer_global) || global_use(0);
}

/* callbacks of both kinds that are one function */
static long both_cb(void *map, __u32 *key, void *val, void *ctx)
{
	global_use(0);
	return 0;
}

static long plain_cb(__u32 i, void *ctx)
{
	global_use(i);
	return 0;
}

SEC("syscall")
int run_for_each_global(void *ctx)
{
	return bpf_for_each_map_elem(&timers, both_cb, NULL, 0) != 1;
}

/* one call of bpf_loop(), two functions; the other one is not called here */
SEC("syscall")
int run_loop_either(void *ctx)
{
	void *cb = plain_cb;

	if (bad)
		cb = loop_cb;
	return bpf_loop(1, cb, NULL, 0) != 1;
}

struct task_struct;
struct vm_area_struct;

static long vma_cb(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	use_pages();
	return 0;
}

__u64 some_address;

SEC("syscall")
int run_find_vma(void *ctx)
{
	return bpf_find_vma(bpf_get_current_task_btf(), some_address, vma_cb, NULL, 0);
}

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 64 * 1024);
} samples SEC(".maps");

static long sample_cb(struct bpf_dynptr *sample, void *ctx)
{
	use_pages();
	return 0;
}

SEC("syscall")
int run_user_ringbuf(void *ctx)
{
	return bpf_user_ringbuf_drain(&samples, sample_cb, NULL, 0) != 1;
}

char _license[] SEC("license") = "GPL";
