// SPDX-License-Identifier: GPL-2.0
/* Code under rcu_read_lock(), with preemption and with interrupts off */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "bpf_misc.h"

#define CLOCK_MONOTONIC 1

void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;
void bpf_preempt_disable(void) __ksym;
void bpf_preempt_enable(void) __ksym;
void bpf_local_irq_save(unsigned long *flags) __ksym;
void bpf_local_irq_restore(unsigned long *flags) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timer);
} timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} progs SEC(".maps");

/* A lock of the arena's own, and what it protects */
int __arena_global lock;
__u64 __arena_global count;
__u64 __arena_global ticks;
int stop;
int rounds = 200;

static __noinline void __arena *page(void)
{
	return bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
}

/* Reached with and without: the call may not sleep */
__weak int stores(int val)
{
	int __arena *p = page();

	if (!p)
		return -1;
	*p = val;
	val = *p;
	bpf_arena_free_pages(&arena, p, 1);
	return val;
}

static __noinline void begin(unsigned long *flags)
{
	bpf_preempt_disable();
	bpf_local_irq_save(flags);
}

static __noinline void end(unsigned long *flags)
{
	bpf_local_irq_restore(flags);
	bpf_preempt_enable();
}

SEC("syscall")
int nested(void *ctx)
{
	unsigned long flags, inner;
	int wrong = stores(1) != 1;

	bpf_rcu_read_lock();
	bpf_rcu_read_lock();
	wrong |= (stores(2) != 2) << 1;
	begin(&flags);
	begin(&inner);
	wrong |= (stores(3) != 3) << 2;
	end(&inner);
	wrong |= (stores(4) != 4) << 3;
	end(&flags);
	bpf_rcu_read_unlock();
	bpf_rcu_read_unlock();
	return wrong | (stores(5) != 5) << 4;
}

/* The timer comes to the CPU that holds the lock, unless interrupts are off. */
static __always_inline void locked_add(int n)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	while (__sync_val_compare_and_swap(&lock, 0, 1) && can_loop)
		;
	count += n;
	__sync_lock_test_and_set(&lock, 0);
	bpf_local_irq_restore(&flags);
}

static int tick(void *map, __u32 *key, struct timer *t)
{
	locked_add(1);
	__sync_fetch_and_add(&ticks, 1);
	if (!stop)
		bpf_timer_start(&t->timer, 50000, 0);
	return 0;
}

SEC("syscall")
int starts_timer(void *ctx)
{
	__u32 key = 0;
	struct timer *t = bpf_map_lookup_elem(&timers, &key);

	if (!t || bpf_timer_init(&t->timer, &timers, CLOCK_MONOTONIC) ||
	    bpf_timer_set_callback(&t->timer, tick))
		return 1;
	return bpf_timer_start(&t->timer, 0, 0) ? 2 : 0;
}

SEC("syscall")
int adds(void *ctx)
{
	int i;

	for (i = 0; i < rounds && can_loop; i++)
		locked_add(1);
	return i == rounds ? 0 : 1;
}

/* What is refused */

SEC("syscall")
__failure __msg("bpf_rcu_read_unlock() is missing")
int never_unlocks(void *ctx)
{
	bpf_rcu_read_lock();
	return 0;
}

SEC("syscall")
__failure __msg("bpf_preempt_enable() is missing")
int ends_on_one_path(void *ctx)
{
	bpf_preempt_disable();
	if (!stop)
		bpf_preempt_enable();
	return 0;
}

SEC("syscall")
__failure __msg("bpf_local_irq_restore() without bpf_local_irq_save()")
int never_saved(void *ctx)
{
	unsigned long flags = 0;

	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall")
__failure __msg("bpf_preempt_enable() without bpf_preempt_disable()")
int ends_twice(void *ctx)
{
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_preempt_enable();
	return 0;
}

SEC("syscall")
__failure __msg("copy_from_user#148 may not be called after bpf_rcu_read_lock()")
int sleeps(void *ctx)
{
	int val;

	bpf_rcu_read_lock();
	bpf_copy_from_user(&val, sizeof(val), ctx);
	bpf_rcu_read_unlock();
	return 0;
}

__weak int global_sleeps(void)
{
	long val = 0;

	bpf_copy_from_user(&val, sizeof(val), (void *)(long)rounds);
	return val;
}

static __noinline int static_sleeps(void)
{
	return global_sleeps() + 1;
}

/* by way of a global function that is fine by itself */
__weak int calls_sleeper(void)
{
	return static_sleeps() + 2;
}

SEC("syscall")
__failure __msg("is called after bpf_preempt_disable(), and calls what may not be")
int hazard_21_sleeps_below(void *ctx)
{
	int ret;

	bpf_preempt_disable();
	ret = calls_sleeper();
	bpf_preempt_enable();
	return ret;
}

SEC("syscall")
__success
int sleeps_outside(void *ctx)
{
	bpf_preempt_disable();
	bpf_preempt_enable();
	return calls_sleeper();
}

SEC("xdp")
__failure __msg("tail_call#12 may not be called after bpf_preempt_disable()")
int tail_calls(struct xdp_md *ctx)
{
	bpf_preempt_disable();
	bpf_tail_call(ctx, &progs, 0);
	bpf_preempt_enable();
	return 0;
}

static int callback(__u32 i, void *ctx)
{
	return 0;
}

SEC("xdp")
__failure __msg("loop#181 may not be called after bpf_rcu_read_lock()")
int calls_back(struct xdp_md *ctx)
{
	bpf_rcu_read_lock();
	bpf_loop(2, callback, NULL, 0);
	bpf_rcu_read_unlock();
	return 0;
}

static int locks(__u32 i, void *ctx)
{
	bpf_rcu_read_lock();
	return 0;
}

SEC("xdp")
__failure __msg("bpf_rcu_read_unlock() is missing")
int callback_locks(struct xdp_md *ctx)
{
	bpf_loop(2, locks, NULL, 0);
	return 0;
}

__weak int global_locks(void)
{
	bpf_preempt_disable();
	return 0;
}

SEC("xdp")
__failure __msg("bpf_preempt_enable() is missing")
int global_func_locks(struct xdp_md *ctx)
{
	return global_locks();
}

SEC("xdp")
__failure __msg("fib_lookup#69 may not be called after bpf_local_irq_save()")
int looks_up_route(struct xdp_md *ctx)
{
	struct bpf_fib_lookup params = {};
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_fib_lookup(ctx, &params, sizeof(params), 0);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("tc")
__failure __msg("BPF_LD_[ABS|IND] may not be used after bpf_preempt_disable()")
int loads_from_packet(struct __sk_buff *skb)
{
	int val;

	bpf_preempt_disable();
	asm volatile("r6 = %[skb];"
		     "r0 = *(u8 *)skb[0];"
		     "%[val] = r0;"
		     : [val]"=r"(val) : [skb]"r"(skb)
		     : "r0", "r1", "r2", "r3", "r4", "r5", "r6");
	bpf_preempt_enable();
	return val;
}

/* A path with one more is another path. */
SEC("xdp")
__failure __msg("bpf_preempt_enable() is missing")
int hazard_21_joins(struct xdp_md *ctx)
{
	bpf_preempt_disable();
	if (bpf_get_prandom_u32() & 1)
		bpf_preempt_disable();
	barrier();
	bpf_preempt_enable();
	return 0;
}

char _license[] SEC("license") = "GPL";
