// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF streams: reports of what goes wrong in a program, on its stderr
 *
 *	ERROR: Arena READ access at unmapped address 0x7f8a00007000
 *	CPU: 1 UID: 0 PID: 321 Comm: server
 *	Call trace:
 *	bpf_prog_1f0a3a1de3b5ce1f_find+0x4f/0x80
 *	  if (n->key == key) @ server.bpf.c:57
 *	bpf_prog_6deef7357e7b4530_handle+0x33/0x60
 *	  return find(key) ? XDP_TX : XDP_PASS; @ server.bpf.c:71
 *	bpf_test_run+0x188/0x370
 *
 * An access that faults costs hundreds of instructions, a report tens of
 * thousands, and a program may fault a million times, with somebody who reads all
 * the time. So a program gets four reports of a kind, then one in 10 ms, and only
 * if stderr has room for a report of any length. Otherwise faults cost what they
 * cost without reports. The next report or the next read tells how many were left
 * out. Faults leave room for one report of a timeout: a loop that faults until its
 * time is over has both reported.
 *
 * A report has no addresses of the kernel, which the program's owner may not know.
 * One who may not trace the kernel, either, gets no names of kernel functions and
 * no source of others' programs. The programs on the stack may be freed meanwhile.
 * What a report looks up of them under RCU is there for a grace period after they
 * are found no more, see __bpf_prog_put_rcu(). Those with streams are found as long
 * as somebody runs them.
 *
 * Programs that trace what a report consists of may fault in turn: in each context
 * of a CPU (task, softirq, hardirq, NMI) one report is made at a time.
 */
#include <linux/bpf.h>
#include <linux/bpf_stream.h>
#include <linux/btf.h>
#include <linux/cred.h>
#include <linux/filter.h>
#include <linux/jiffies.h>
#include <linux/kallsyms.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/uidgid.h>

/* The exception handler's frames are a dozen. What comes last is of least interest. */
#define REPORT_FRAMES	48
#define REPORT_CONTEXTS	4

#define REPORT_JIFFIES	DIV_ROUND_UP(HZ, 100)
#define REPORT_BURST	4

/* One that is being made */
struct report {
	bool busy;
	u32 len;
	u64 untold;	/* reports left out, which this one tells of */
	struct bpf_streams *streams;
	unsigned long trace[REPORT_FRAMES];
	char text[BPF_STREAM_REPORT_MAX];
};

static DEFINE_PER_CPU(struct report [REPORT_CONTEXTS], reports);

/* Append a line if all of it fits. Preemption is off. */
static __printf(2, 3) bool report_add(struct report *r, const char *fmt, ...)
{
	size_t room = sizeof(r->text) - r->len;
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = vsnprintf(r->text + r->len, room, fmt, args);
	va_end(args);
	if (len >= room)
		return false;
	r->len += len;
	return true;
}

/* The last line of source that begins at or before ip, in ip's function. Under RCU. */
static const struct bpf_line_info *find_line(const struct bpf_prog *prog, unsigned long ip)
{
	const struct bpf_prog_aux *aux = prog->aux;
	const struct bpf_line_info *found = NULL;
	u32 i;

	if (!aux->btf || !aux->jited_linfo)
		return NULL;
	for (i = aux->linfo_idx; i < aux->nr_linfo; i++) {
		unsigned long start = (unsigned long)aux->jited_linfo[i];

		if (start < (unsigned long)prog->bpf_func || start > ip)
			break;
		found = &aux->linfo[i];
	}
	return found;
}

static bool report_source(struct report *r, const struct bpf_prog *prog, unsigned long ip)
{
	const struct bpf_line_info *line = find_line(prog, ip);
	const struct btf *btf = prog->aux->btf;

	if (!line || (!r->streams->perfmon && prog->aux->streams != r->streams))
		return true;
	return report_add(r, "  %.100s @ %.60s:%u\n",
			  skip_spaces(btf_name_by_offset(btf, line->line_off)),
			  kbasename(btf_name_by_offset(btf, line->file_name_off)),
			  BPF_LINE_INFO_LINE_NUM(line->line_col));
}

/* What has no name is left out: neither %pB nor anybody else prints its address. */
static noinline bool report_kernel_frame(struct report *r, unsigned long ip)
{
	unsigned long size, offset;
	char buf[KSYM_NAME_LEN];
	const char *name;
	char *module;

	if (!r->streams->perfmon)
		return true;
	name = kallsyms_lookup(ip - 1, &size, &offset, &module, buf);
	if (!name)
		return true;
	if (module)
		return report_add(r, "%s+%#lx/%#lx [%s]\n", name, offset + 1, size, module);
	return report_add(r, "%s+%#lx/%#lx\n", name, offset + 1, size);
}

/* A call ends before the address where it returns to. That may be another line's. */
static bool report_frame(struct report *r, unsigned long ip, bool is_call)
{
	const struct bpf_prog *prog = bpf_prog_ksym_find(ip - is_call);
	const struct bpf_ksym *ksym;

	if (!prog)
		return report_kernel_frame(r, ip);
	ksym = &prog->aux->ksym;
	return report_add(r, "%s+%#lx/%#lx\n", ksym->name, ip - ksym->start,
			  ksym->end - ksym->start) &&
	       report_source(r, prog, ip - is_call);
}

/* Where the trace, which begins with this function, gets to ip; -1 if it does not */
static int find_frame(const struct report *r, u32 cnt, unsigned long ip)
{
	u32 i;

	for (i = 0; i < cnt; i++)
		if (r->trace[i] == ip)
			return i;
	return -1;
}

/*
 * insn: what the report is about, which it has even if the stack cannot be walked;
 * ip: what the stack has for it
 */
static void report_trace(struct report *r, unsigned long ip, unsigned long insn, bool is_call)
{
	u32 cnt = stack_trace_save(r->trace, ARRAY_SIZE(r->trace), 0);
	int i = find_frame(r, cnt, ip);

	if (!report_add(r, "Call trace:\n") || !report_frame(r, insn, is_call) || i < 0)
		return;
	while (++i < cnt && report_frame(r, r->trace[i], true))
		;
}

static void report_where(struct report *r, unsigned long ip, unsigned long insn, bool is_call)
{
	report_add(r, "CPU: %d UID: %u PID: %d Comm: %s\n", raw_smp_processor_id(),
		   from_kuid_munged(&init_user_ns, current_uid()),
		   current->pid, current->comm);
	report_trace(r, ip, insn, is_call);
}

/*
 * A report makes the next one due later. Of those that could have been made and were
 * not, REPORT_BURST - 1 count. Of all CPUs where a report is due one gets it.
 */
static bool claim_due(struct bpf_streams *streams, enum bpf_report kind)
{
	unsigned long oldest = jiffies - (REPORT_BURST - 1) * REPORT_JIFFIES;
	unsigned long due = READ_ONCE(streams->due[kind]);
	unsigned long from = time_after(due, oldest) ? due : oldest;

	return bpf_stream_takes_report(streams, kind) &&
	       try_cmpxchg(&streams->due[kind], &due, from + REPORT_JIFFIES);
}

static void report_untold(struct report *r)
{
	r->untold = bpf_streams_claim_untold(r->streams);
	if (r->untold)
		report_add(r, BPF_STREAM_LEFT_OUT, r->untold);
}

/* Preemption is off until report_end() if it returns a report. */
static struct report *report_begin(struct bpf_streams *streams, enum bpf_report kind)
{
	struct report *r;

	preempt_disable_notrace();
	r = &(*this_cpu_ptr(&reports))[interrupt_context_level()];
	if (!r->busy && claim_due(streams, kind)) {
		r->busy = true;
		barrier(); /* before a tracing program may see the report half done */
		r->len = 0;
		r->streams = streams;
		report_untold(r);
		return r;
	}
	preempt_enable_notrace();
	bpf_stream_leave_out(streams);
	return NULL;
}

static void report_end(struct report *r)
{
	if (bpf_stream_write(&r->streams->stream[BPF_STDERR - 1], r->text, r->len)) {
		bpf_streams_return_untold(r->streams, r->untold);
		bpf_stream_leave_out(r->streams);
	}
	barrier(); /* the next report in this context may overwrite it */
	r->busy = false;
	preempt_enable_notrace();
}

/**
 * bpf_stream_report_fault() - report a program's access to an absent page
 * @aux: of the function that has faulted, which has streams, with room
 * @ip: its instruction
 * @uaddr: the address that it accesses, as user space has it
 * @access: what it does there; atomics write
 * @is_call: a helper has faulted, and @ip is where it returns to
 *
 * Context: any that programs run in.
 */
void bpf_stream_report_fault(const struct bpf_prog_aux *aux, unsigned long ip,
			     u64 uaddr, enum bpf_arena_access access, bool is_call)
{
	struct report *r = report_begin(aux->streams, BPF_REPORT_FAULT);

	if (!r)
		return;
	report_add(r, "ERROR: Arena %s access at unmapped address 0x%llx\n",
		   access == BPF_ARENA_READ ? "READ" : "WRITE", uaddr);
	report_where(r, ip, ip, is_call);
	report_end(r);
}

/* Architectures without may_goto get here never. */
unsigned long __weak bpf_may_goto_resume(unsigned long ip)
{
	return ip;
}

/**
 * bpf_stream_report_timeout() - report that may_goto loops ran out of time
 * @ip: where the call of bpf_may_goto_stub() returns to, in a program
 *
 * Context: Any, NMI included.
 */
void bpf_stream_report_timeout(unsigned long ip)
{
	const struct bpf_prog *prog;
	struct report *r = NULL;

	rcu_read_lock();
	prog = bpf_prog_ksym_find(ip - 1);
	if (prog && prog->aux->streams)
		r = report_begin(prog->aux->streams, BPF_REPORT_TIMEOUT);
	if (r) {
		report_add(r, "ERROR: Timeout detected for may_goto instruction\n");
		report_where(r, ip, bpf_may_goto_resume(ip), true);
		report_end(r);
	}
	rcu_read_unlock();
}
