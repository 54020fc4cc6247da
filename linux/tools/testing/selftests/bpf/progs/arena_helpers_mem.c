// SPDX-License-Identifier: GPL-2.0
/*
 * Each program calls one helper, with memory that begins at addr in the arena.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_arena.h>
#include "../arena_helpers_mem.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 32);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 128 * 1024);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(key_size, KEY_SIZE);
	__uint(value_size, VALUE_SIZE);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(key_size, KEY_SIZE);
	__uint(value_size, BIG_SIZE);
} big SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(key_size, ODD_KEY_SIZE);
	__uint(value_size, ODD_VALUE_SIZE);
} odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 8);
} socks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__uint(key_size, 0);
	__uint(value_size, VALUE_SIZE);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8);
	__uint(key_size, KEY_SIZE);
	__uint(value_size, 8);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct path {
	void *mnt;
} __attribute__((preserve_access_index));

struct file {
	struct path f_path;
} __attribute__((preserve_access_index));

/* the arguments, and what the helper returned */
__u64 addr, addr2, src;
__u32 size, offset;
__u32 pid;
__s64 ret, ret2;

char data[MEM_MAX + 8];

/* longer than what is looked at in one go */
#define DIGITS "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
const char string[512] = DIGITS DIGITS DIGITS DIGITS "END";

/* The call says whose arena it is. */
static __always_inline void *mem(__u64 at)
{
	bpf_arena_free_pages(&arena, NULL, 0);
	return (void *)(void __arena *)at;
}

static __always_inline const void *from(void)
{
	return src ? (const void *)src : data;
}

#define RUN(max, call)			\
({					\
	__u32 len = size;		\
					\
	if (len > (max))		\
		return 1;		\
	ret = (call);			\
	0;				\
})

/* The same where 0 is not allowed. The verifier of 6.1 does not learn from "!= 0". */
#define RUN_NOT_0(call)			\
({					\
	__u32 len = (size - 1) & (MEM_MAX - 1);	\
					\
	asm volatile("" : "+r"(len));	\
	len++;				\
	ret = (call);			\
	0;				\
})

SEC("syscall")
int probe_read_kernel(void *ctx)
{
	return RUN(MEM_MAX, bpf_probe_read_kernel(mem(addr), len, from()));
}

SEC("syscall")
int probe_read_kernel_str(void *ctx)
{
	return RUN(MEM_MAX, bpf_probe_read_kernel_str(mem(addr), len, from()));
}

SEC("syscall")
int probe_read_user(void *ctx)
{
	return RUN(MEM_MAX, bpf_probe_read_user(mem(addr), len, (void *)src));
}

SEC("syscall")
int probe_read_user_str(void *ctx)
{
	return RUN(MEM_MAX, bpf_probe_read_user_str(mem(addr), len, (void *)src));
}

SEC("syscall")
int copy_from_user(void *ctx)
{
	return RUN(MEM_MAX, bpf_copy_from_user(mem(addr), len, (void *)src));
}

SEC("syscall")
int get_current_comm(void *ctx)
{
	return RUN_NOT_0(bpf_get_current_comm(mem(addr), len));
}

SEC("syscall")
int strncmp_arena(void *ctx)
{
	return RUN_NOT_0(bpf_strncmp(mem(addr), len, string));
}

SEC("syscall")
int ringbuf_output(void *ctx)
{
	return RUN(MEM_MAX, bpf_ringbuf_output(&ring, mem(addr), len, 0));
}

SEC("syscall")
int map_update(void *ctx)
{
	ret = bpf_map_update_elem(&hash, mem(addr), mem(addr2), BPF_ANY);
	return 0;
}

SEC("syscall")
int map_update_own_value(void *ctx)
{
	char value[VALUE_SIZE] = "on the stack";

	ret = bpf_map_update_elem(&hash, mem(addr), value, BPF_ANY);
	return 0;
}

SEC("syscall")
int map_update_own_key(void *ctx)
{
	char key[KEY_SIZE] = "on the stack";

	ret = bpf_map_update_elem(&hash, key, mem(addr), BPF_ANY);
	return 0;
}

/* What is no arena memory may be longer. */
SEC("syscall")
int map_update_big(void *ctx)
{
	ret = bpf_map_update_elem(&big, mem(addr), data, BPF_ANY);
	return 0;
}

SEC("syscall")
int map_update_odd(void *ctx)
{
	ret = bpf_map_update_elem(&odd, mem(addr), mem(addr2), BPF_ANY);
	return 0;
}

/* Refused: together longer than what is copied */
SEC("?syscall")
int map_update_too_long(void *ctx)
{
	ret = bpf_map_update_elem(&big, mem(addr), mem(addr2), BPF_ANY);
	return 0;
}

/* Refused: a socket is no memory */
SEC("?tc")
int sock_update(struct __sk_buff *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (sk)
		ret = bpf_map_update_elem(&socks, mem(addr), sk, BPF_ANY);
	return 0;
}

SEC("?tc")
int sock_delete(struct __sk_buff *ctx)
{
	ret = bpf_map_delete_elem(&socks, mem(addr));
	return 0;
}

SEC("syscall")
int map_lookup(void *ctx)
{
	char *value = bpf_map_lookup_elem(&hash, mem(addr));

	ret = value ? *value : -1;
	return 0;
}

SEC("syscall")
int map_delete(void *ctx)
{
	ret = bpf_map_delete_elem(&hash, mem(addr));
	return 0;
}

SEC("raw_tp")
int map_push(void *ctx)
{
	ret = bpf_map_push_elem(&queue, mem(addr), 0);
	return 0;
}

SEC("syscall")
int map_lookup_percpu(void *ctx)
{
	__u64 *value = bpf_map_lookup_percpu_elem(&percpu, mem(addr), 0);

	ret = value ? *value : -1;
	return 0;
}

/* Refused: a process could have %s read any address */
SEC("?syscall")
int snprintf_args(void *ctx)
{
	char str[16];

	ret = bpf_snprintf(str, sizeof(str), "%llu and %s", mem(addr), 16);
	return 0;
}

SEC("syscall")
int snprintf_arena(void *ctx)
{
	const char *s = string;
	__u64 args[2] = { 1 };

	/* or clang has an address in its read-only data */
	asm volatile("" : "+r"(s));
	args[1] = (__u64)s;
	return RUN(SNAPSHOT_MAX, bpf_snprintf(mem(addr), len, "%llu and %s", args,
					      sizeof(args)));
}

SEC("raw_tp")
int get_stack(void *ctx)
{
	return RUN(SNAPSHOT_MAX, bpf_get_stack(ctx, mem(addr), len, 0));
}

/* The same to other memory, which must have the same frames */
__u64 own_trace[TRACE_LEN];
__s64 own_ret;

SEC("raw_tp")
int get_two_stacks(void *ctx)
{
	own_ret = bpf_get_stack(ctx, own_trace, sizeof(own_trace), 0);
	ret = bpf_get_stack(ctx, mem(addr), sizeof(own_trace), 0);
	return 0;
}

/* Refused: it would begin with frames of its own */
SEC("?kprobe/filp_close")
int get_task_stack(void *ctx)
{
	ret = bpf_get_task_stack((void *)bpf_get_current_task_btf(), mem(addr), 8, 0);
	return 0;
}

SEC("?fentry/filp_close")
int BPF_PROG(d_path, struct file *file, void *id)
{
	if (bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	return RUN(SNAPSHOT_MAX, bpf_d_path(&file->f_path, mem(addr), len));
}

SEC("tc")
int skb_store_bytes(struct __sk_buff *ctx)
{
	__u32 len = (size - 1) & (SNAPSHOT_MAX - 1);

	asm volatile("" : "+r"(len));
	ret = bpf_skb_store_bytes(ctx, offset, mem(addr), len + 1, 0);
	return 0;
}

SEC("raw_tp")
int perf_event_output(void *ctx)
{
	return RUN(SNAPSHOT_MAX, bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU,
						       mem(addr), len));
}

SEC("raw_tp")
int two_perf_events(void *ctx)
{
	own_ret = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, data, 8);
	ret = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, mem(addr), 8);
	return 0;
}

#define EVENT(ctx)								\
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, mem(addr),	\
			      size & (SNAPSHOT_MAX - 1))

/* A sample from addr, a trace to addr2: types of programs have helpers of their own */
#define BOTH(ctx)								\
({										\
	if (bpf_get_current_pid_tgid() >> 32 == pid) {				\
		ret = EVENT(ctx);						\
		ret2 = bpf_get_stack(ctx, mem(addr2), 400, 0);			\
	}									\
	0;									\
})

SEC("kprobe/filp_close")
int kprobe_both(void *ctx)
{
	return BOTH(ctx);
}

SEC("tp/sched/sched_process_fork")
int tp_both(void *ctx)
{
	return BOTH(ctx);
}

/* Once, where the clock has interrupted the kernel: elsewhere there is no trace of it. */
SEC("perf_event")
int clock_both(struct bpf_perf_event_data *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	ret2 = bpf_get_stack(ctx, mem(addr2), 400, 0);
	if (ret2 <= 0)
		return 0;
	ret = EVENT(ctx);
	pid = 0;
	return 0;
}

SEC("cgroup/sock_create")
int sock_event(struct bpf_sock *ctx)
{
	ret = EVENT(ctx);
	return 1;
}

SEC("tc")
int skb_event(struct __sk_buff *ctx)
{
	ret = EVENT(ctx);
	return 0;
}

SEC("xdp")
int xdp_event(struct xdp_md *ctx)
{
	ret = EVENT(ctx);
	return 0;
}

/* Refused: one call that is given arena memory on one path, and other memory on another */
#define TWO_WAYS(name, cond, call)						\
SEC("?syscall")									\
int name(void *ctx)								\
{										\
	char key[KEY_SIZE] = {}, value[VALUE_SIZE] = {};			\
	void *p = (void *)value;						\
										\
	if (cond)								\
		p = mem(addr);							\
	asm volatile("" : "+r"(p));						\
	ret = (call);								\
	return 0;								\
}

TWO_WAYS(key_first, pid, bpf_map_update_elem(&hash, p, value, 0))
TWO_WAYS(key_last, !pid, bpf_map_update_elem(&hash, p, value, 0))
TWO_WAYS(value_first, pid, bpf_map_update_elem(&hash, key, p, 0))
TWO_WAYS(value_last, !pid, bpf_map_update_elem(&hash, key, p, 0))
TWO_WAYS(both_first, pid, bpf_map_update_elem(&hash, mem(addr2), p, 0))
TWO_WAYS(both_last, !pid, bpf_map_update_elem(&hash, mem(addr2), p, 0))

/* Refused: the map may be one of sockets */
SEC("?tc")
int hash_or_socks(struct __sk_buff *ctx)
{
	void *map = &hash;

	if (pid)
		map = &socks;
	asm volatile("" : "+r"(map));
	ret = bpf_map_delete_elem(map, mem(addr));
	return 0;
}

SEC("xdp.frags")
int xdp_load_bytes(struct xdp_md *ctx)
{
	return RUN_NOT_0(bpf_xdp_load_bytes(ctx, offset, mem(addr), len));
}

SEC("xdp.frags")
int xdp_store_bytes(struct xdp_md *ctx)
{
	return RUN_NOT_0(bpf_xdp_store_bytes(ctx, offset, mem(addr), len));
}

SEC("tc")
int skb_load_bytes(struct __sk_buff *ctx)
{
	return RUN_NOT_0(bpf_skb_load_bytes(ctx, offset, mem(addr), len));
}

/* Drops the packet, one that may be in pieces. */
SEC("socket")
int skb_frags_load_bytes(struct __sk_buff *ctx)
{
	return RUN_NOT_0(bpf_skb_load_bytes(ctx, offset, mem(addr), len));
}

/* In a subprogram, and in a callback; both with may_goto around */
static __noinline int read_one(__u32 i, void *ctx)
{
	ret += bpf_probe_read_kernel(mem(addr + 8 * i), 8, &data[8 * (i & 1023)]);
	return 0;
}

SEC("syscall")
int in_functions(void *ctx)
{
	__u32 i = 0;

	ret = 0;
	while (i < 10 && can_loop)
		read_one(i++, NULL);
	bpf_loop(size & 1023, read_one, NULL, 0);
	return 0;
}

SEC("syscall")
int free_page(void *ctx)
{
	bpf_arena_free_pages(&arena, (void __arena *)addr, 1);
	return 0;
}

SEC("syscall")
int alloc_page(void *ctx)
{
	ret = (__s64)bpf_arena_alloc_pages(&arena, (void __arena *)addr, 1, -1, 0);
	return 0;
}

/* for a thread that frees and allocates while others use the variables above */
__u64 churned;

SEC("syscall")
int churn(void *ctx)
{
	void __arena *p = (void __arena *)churned;

	bpf_arena_free_pages(&arena, p, 1);
	bpf_arena_alloc_pages(&arena, p, 1, -1, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
