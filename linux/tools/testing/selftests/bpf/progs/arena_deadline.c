// SPDX-License-Identifier: GPL-2.0
/*
 * How long may_goto loops run, and who shares the time. burn() runs until it is
 * over; what comes behind it tells whose time that was. Functions whose name ends
 * in _arena access one, which is different code.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} progs SEC(".maps");

__u64 __arena_global in_arena;
__u64 own, called, global, called_back, traced, tailed;
__u64 sum;
/* how many rounds: the verifier does not know, and does not follow them all */
__u64 zero, all = ~0ULL, some = 1000, few = 7;

static __noinline __u64 leaf(__u64 most)
{
	__u64 n = zero;

	while (n < most && can_loop)
		n++;
	return n;
}

static __noinline __u64 leaf_arena(__u64 most)
{
	__u64 n = zero;

	while (n < most && can_loop) {
		n++;
		in_arena++;
	}
	return n;
}

static __noinline __u64 burn(void)
{
	__u64 n = 0;

	while (can_loop)
		n += leaf(all);
	return n;
}

static __noinline __u64 burn_arena(void)
{
	__u64 n = 0;

	while (can_loop) {
		n += leaf_arena(all);
		in_arena++;
	}
	return n;
}

__noinline __weak int glob(int most)
{
	return leaf(most);
}

/* Eight frames, each with 8 million rounds */
#define LEVEL(N, CALL)					\
static __noinline __u64 level##N(void)			\
{							\
	__u64 n = 0;					\
							\
	while (can_loop)				\
		n += CALL;				\
	return n;					\
}

LEVEL(7, leaf(all))
LEVEL(6, level7())
LEVEL(5, level6())
LEVEL(4, level5())
LEVEL(3, level4())
LEVEL(2, level3())

SEC("?tc")
int endless(struct __sk_buff *skb)
{
	while (can_loop)
		sum += level2();
	return 0;
}

#define LEVEL_ARENA(N, CALL)				\
static __noinline __u64 level##N##_arena(void)		\
{							\
	__u64 n = 0;					\
							\
	while (can_loop) {				\
		n += CALL;				\
		in_arena++;				\
	}						\
	return n;					\
}

LEVEL_ARENA(7, leaf(all))
LEVEL_ARENA(6, level7_arena())
/* one that has no may_goto, and one that has no access */
static __noinline __u64 level5_arena(void)
{
	in_arena++;
	return level6_arena();
}

LEVEL(4_plain, level5_arena())
LEVEL_ARENA(3, level4_plain())
LEVEL_ARENA(2, level3_arena())

SEC("?tc")
int endless_arena(struct __sk_buff *skb)
{
	while (can_loop)
		sum += level2_arena();
	own = in_arena;
	return 0;
}

/* Each round of the inner loop is one that has no may_goto, and a slow one */
static __noinline __u64 leaf_slow(void)
{
	__u64 n = 0;
	int i;

	while (can_loop)
		for (i = 0; i < 1000; i++)
			n += in_arena + bpf_ktime_get_ns();
	return n;
}

LEVEL(1_slow, leaf_slow())

SEC("?tc")
int endless_slow(struct __sk_buff *skb)
{
	sum = level1_slow();
	return 0;
}

/* No call runs for so long that the clock would be looked at */
static __noinline __u64 many_short(void)
{
	__u64 n = 0;

	while (can_loop)
		n += leaf(few);
	return n;
}

LEVEL(1_short, many_short())

SEC("?tc")
int endless_short(struct __sk_buff *skb)
{
	sum = level1_short();
	return 0;
}

/* A loop that ends without may_goto, around calls that would not */
SEC("?tc")
int bounded(struct __sk_buff *skb)
{
	int i;

	for (i = 0; i < 200; i++)
		called = leaf(all);
	return 0;
}

/* Callers and callees have one deadline, whoever has come to it */
static __always_inline void after_burning(void)
{
	while (own < some && can_loop)
		own++;
	called = leaf(some);
	global = glob(some);
}

SEC("?tc")
int shared(struct __sk_buff *skb)
{
	sum = burn();
	after_burning();
	return 0;
}

SEC("?tc")
int shared_arena(struct __sk_buff *skb)
{
	sum = burn_arena();
	in_arena++;
	after_burning();
	called += leaf_arena(some);
	return 0;
}

/* The same without burning */
SEC("?tc")
int not_over(struct __sk_buff *skb)
{
	after_burning();
	called += leaf_arena(some);
	in_arena++;
	return 0;
}

/* Callbacks have their own: one without callees, one with, one that is a callee */
static __noinline int count(__u32 i, __u64 *n)
{
	while (*n < some && can_loop)
		++*n;
	return 0;
}

static __noinline int count_below(__u32 i, __u64 *n)
{
	*n = leaf(some);
	return 0;
}

static __noinline int count_both(__u32 i, __u64 *n)
{
	*n = leaf_arena(some);
	return 0;
}

static __noinline int burn_back(__u32 i, __u64 *n)
{
	*n = burn_arena();
	return 0;
}

SEC("?tc")
int callbacks(struct __sk_buff *skb)
{
	__u64 n;

	sum = burn();
	n = zero;
	bpf_loop(1, count, &n, 0);
	called_back = n;
	n = zero;
	bpf_loop(1, count_below, &n, 0);
	called_back += n;
	n = zero;
	count_both(0, &n);
	called = n;
	n = zero;
	bpf_loop(1, count_both, &n, 0);
	called_back += n;
	in_arena++;
	own = leaf(some);
	return 0;
}

/* the number of rounds is one that the verifier does not know */
SEC("?tc")
int callback_burns(struct __sk_buff *skb)
{
	__u64 n = zero;

	bpf_loop(skb->len ? 1 : 0, burn_back, &n, 0);
	called = leaf(some);
	while (own < some && can_loop)
		own++;
	bpf_loop(1, count_both, &n, 0);
	called_back = n;
	return 0;
}

/* So have programs that another one jumps to, or that are attached to a function */
SEC("?tc")
int tail_call(struct __sk_buff *skb)
{
	sum = burn();
	bpf_tail_call(skb, &progs, 0);
	return 1;
}

SEC("?tc")
int tail_target(struct __sk_buff *skb)
{
	tailed = leaf(some);
	return 0;
}

SEC("?fentry/glob")
int BPF_PROG(trace_entry)
{
	traced += leaf_arena(some);
	in_arena++;
	return 0;
}

SEC("?fexit/glob")
int BPF_PROG(trace_exit)
{
	traced += leaf_arena(some);
	return 0;
}

SEC("?freplace/glob")
int replaces(int most)
{
	in_arena++;
	return leaf(most) + leaf_arena(most);
}

char _license[] SEC("license") = "GPL";
