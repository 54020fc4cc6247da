// SPDX-License-Identifier: GPL-2.0
/*
 * What programs print to their streams, and what the kernel reports there. The
 * lines that reports have to name are noted in variables.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "arena_stream.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} progs SEC(".maps");

/* as programs declare it that do not use the macro */
extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args,
			      __u32 len__sz) __weak __ksym;

int results[12];
__u64 absent, times;	/* set by the test */
__u64 line, line_of_caller;
__u64 sum;
char text[] = "text";

SEC("syscall")
int formats(void *ctx)
{
	static const char raw[] = "raw %d\n", none[] = "none\n";
	__u64 args[] = { 17 };
	int i = 0;

	results[i++] = bpf_stream_printk(BPF_STDOUT, "no argument, 100 %%\n");
	results[i++] = bpf_stream_printk(BPF_STDOUT, "%d %i %u %x %X %c\n",
					 -1, -2, 3, 0xab, 0xab, 'c');
	results[i++] = bpf_stream_printk(BPF_STDOUT, "%ld %lu %lld %llx %08x|%5d|%-5d|\n",
					 -1L, 1L << 40, -(1LL << 40), 1ULL << 60, 0x1f, 42, 42);
	results[i++] = bpf_stream_printk(BPF_STDOUT, "<%s> %pks\n", text, text);
	results[i++] = bpf_stream_printk(BPF_STDOUT, "%d%d%d%d%d%d%d%d%d%d%d%d\n",
					 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3);
	results[i++] = bpf_stream_printk(BPF_STDERR, "to the other one\n");
	results[i++] = bpf_stream_vprintk(BPF_STDOUT, raw, args, sizeof(args));
	results[i++] = bpf_stream_vprintk(BPF_STDOUT, none, NULL, 0);
	return 0;
}

/* Nothing of this is printed. */
SEC("syscall")
int misuse(void *ctx)
{
	static const char few[] = "%d %d\n", unknown[] = "%q\n", fmt[] = "%d\n";
	__u64 args[13] = {};
	int i = 0;

	results[i++] = bpf_stream_printk(0, "stream 0\n");
	results[i++] = bpf_stream_printk(3, "stream 3\n");
	results[i++] = bpf_stream_printk(-1, "stream -1\n");
	results[i++] = bpf_stream_vprintk(BPF_STDOUT, few, args, 8);
	results[i++] = bpf_stream_vprintk(BPF_STDOUT, unknown, args, 8);
	results[i++] = bpf_stream_vprintk(BPF_STDOUT, fmt, args, 7);
	results[i++] = bpf_stream_vprintk(BPF_STDOUT, fmt, args, sizeof(args));
	results[i++] = bpf_stream_vprintk(BPF_STDOUT, fmt, NULL, 0);
	return 0;
}

__u64 printed;
char filler[MESSAGE];	/* set by the test: MESSAGE - 1 letters */

SEC("xdp")
int fill(void *ctx)
{
	int err;

	err = bpf_stream_printk(BPF_STDOUT, "%s\n", filler);
	if (!err)
		printed++;
	results[0] = err;
	return 0;
}

SEC("xdp")
int one_more(void *ctx)
{
	return -bpf_stream_printk(BPF_STDOUT, "x");
}

/* A message of more than 1,023 bytes */
SEC("syscall")
int too_long(void *ctx)
{
	return -bpf_stream_printk(BPF_STDOUT, "%500d%500d%500d", 1, 2, 3);
}

__u64 numbers[MAX_CPUS];
int errors[MAX_CPUS];

static __always_inline void write_line(void)
{
	__u32 cpu = bpf_get_smp_processor_id() % MAX_CPUS;
	__u64 number = __sync_fetch_and_add(&numbers[cpu], 1);

	if (bpf_stream_printk(BPF_STDOUT, LINE_FORMAT, cpu, number))
		__sync_fetch_and_add(&errors[cpu], 1);
}

SEC("xdp")
int write_lines(void *ctx)
{
	write_line();
	return 0;
}

/* A program without it has no arena: it gets its address by number */
#define USE_ARENA() asm volatile("" :: "r"(&arena))

static __noinline __u64 load(__u64 addr)
{
	USE_ARENA();
	line = __LINE__ + 1;
	return *(volatile __u64 __arena *)addr;
}

SEC("syscall")
int fault_read(void *ctx)
{
	line_of_caller = __LINE__ + 1;
	sum += load(absent);
	return 0;
}

SEC("syscall")
int fault_write(void *ctx)
{
	USE_ARENA();
	line = __LINE__ + 1;
	*(volatile __u64 __arena *)absent = 1;
	return 0;
}

SEC("syscall")
int fault_atomic(void *ctx)
{
	USE_ARENA();
	line = __LINE__ + 1;
	__sync_fetch_and_add((__u64 __arena *)absent, 1);
	return 0;
}

SEC("syscall")
int fault_often(void *ctx)
{
	__u64 i;

	for (i = 0; i < times && can_loop; i++)
		sum += load(absent);
	return 0;
}

/* a report and a message of its own */
SEC("syscall")
int fault_and_print(void *ctx)
{
	sum += load(absent);
	bpf_stream_printk(BPF_STDERR, "that was address %llx\n", absent);
	return 0;
}

SEC("xdp")
int fault_tail(void *ctx)
{
	sum += load(absent);
	return 0;
}

SEC("xdp")
int calls_tail(void *ctx)
{
	USE_ARENA();
	/* an arena of its own, so that it may fault */
	if (absent)
		bpf_tail_call(ctx, &progs, 0);
	return *(volatile int __arena *)absent + 1;
}

/* Same work in an NMI, and in the interrupt of a timer */
static __always_inline void in_interrupt(void)
{
	sum += load(absent);
	bpf_stream_printk(BPF_STDOUT, "in an interrupt\n");
}

SEC("raw_tp/nmi_handler")
int on_nmi(void *ctx)
{
	in_interrupt();
	return 0;
}

SEC("perf_event")
int on_perf(void *ctx)
{
	in_interrupt();
	return 0;
}

__u64 nmis;
static volatile __u64 depth[MAX_CPUS];

SEC("raw_tp/nmi_handler")
int writes_in_nmi(void *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id() % MAX_CPUS;
	int i;

	/* begins where this program was already */
	if (depth[cpu]++)
		__sync_fetch_and_add(&nmis, 1);
	for (i = 0; i < 100; i++)
		bpf_stream_printk(BPF_STDOUT, LINE_FORMAT, cpu, 100ULL);
	depth[cpu]--;
	return 0;
}

/* A round that 8 million of take seconds: their number must not end the loop first */
static __always_inline void take_long(void)
{
	int i;

#pragma clang loop unroll(full)
	for (i = 0; i < 32; i++)
		sum += bpf_ktime_get_ns();
}

SEC("xdp")
int endless(void *ctx)
{
	line = __LINE__ + 1;
	while (can_loop)
		take_long();
	return 0;
}

static __noinline int burn(void)
{
	line = __LINE__ + 1;
	while (can_loop)
		take_long();
	return 0;
}

SEC("xdp")
int endless_call(void *ctx)
{
	line_of_caller = __LINE__ + 1;
	sum += burn();
	/* over for the caller too, which is no news */
	while (can_loop)
		sum++;
	return 0;
}

/*
 * Runs at the next system call of the task, for as long as it may, and calls what
 * others trace.
 */
__u32 task;
int running;

SEC("?raw_tp/sys_enter")
int goes_away(void *ctx)
{
	if ((__u32)bpf_get_current_pid_tgid() != task)
		return 0;
	running = 1;
	line = __LINE__ + 2;
	while (can_loop)
		bpf_printk("still here");
	return 0;
}

/* Faults, once, when it has an address. */
SEC("?raw_tp/bpf_trace_printk")
int sees_printk(void *ctx)
{
	__u64 addr = absent;

	if (!addr)
		return 0;
	absent = 0;
	sum += load(addr);
	return 0;
}

/*
 * Whoever waits for a lock behind another one that waits, which takes three CPUs, runs
 * these with the lock held: a stream's, too. The test runs them besides, with nothing
 * held.
 */
static __always_inline void write_some(void)
{
	int i;

	for (i = 0; i < 100; i++)
		write_line();
}

SEC("raw_tp/contention_end")
int in_lock(void *ctx)
{
	write_some();
	return 0;
}

SEC("raw_tp/contention_end")
int in_lock_too(void *ctx)
{
	write_some();
	return 0;
}

/* Likewise where a lock is still held, on every CPU all the time */
SEC("?fentry/_raw_spin_unlock_irqrestore")
int in_unlock(void *ctx)
{
	write_line();
	return 0;
}

SEC("?fentry/_raw_spin_unlock_irqrestore")
int in_unlock_too(void *ctx)
{
	write_line();
	return 0;
}

/* neither arena nor may_goto nor text */
SEC("xdp")
int silent(void *ctx)
{
	return 0;
}

SEC("?xdp")
int bad_stack(void *ctx)
{
	char fmt[] = "on the stack";

	return bpf_stream_vprintk(BPF_STDOUT, fmt, NULL, 0);
}

SEC("?xdp")
int bad_writable(void *ctx)
{
	return bpf_stream_vprintk(BPF_STDOUT, text, NULL, 0);
}

SEC("?xdp")
int bad_null(void *ctx)
{
	return bpf_stream_vprintk(BPF_STDOUT, NULL, NULL, 0);
}

const char endless_string[4] SEC(".rodata.endless") = { 'a', 'b', 'c', 'd' };

SEC("?xdp")
int bad_end(void *ctx)
{
	return bpf_stream_vprintk(BPF_STDOUT, endless_string, NULL, 0);
}

const char strings[2][8] SEC(".rodata.strings") = { "one", "two" };

SEC("?xdp")
int bad_variable(void *ctx)
{
	return bpf_stream_vprintk(BPF_STDOUT, &strings[0][bpf_get_prandom_u32() & 7], NULL, 0);
}

SEC("?xdp")
int bad_args(void *ctx)
{
	static const char fmt[] = "%d";
	__u64 args[1] = {};

	return bpf_stream_vprintk(BPF_STDOUT, fmt, args, 16);
}

char _license[] SEC("license") = "GPL";
