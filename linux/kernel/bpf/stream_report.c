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
 * thousands, and a program may fault a million times. So the first thing is
 * whether stderr has room for a report of any length; when it is full, faults cost
 * what they cost without it until somebody reads.
 *
 * Programs that trace what a report consists of may fault in turn: in each context
 * of a CPU (task, softirq, hardirq, NMI) one report is made at a time.
 */
#include <linux/bpf.h>
#include <linux/bpf_stream.h>
#include <linux/btf.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/filter.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/uidgid.h>

/* The exception handler's frames are a dozen. What comes last is of least interest. */
#define REPORT_FRAMES	48
#define REPORT_CONTEXTS	4

/* One that is being made */
struct report {
	bool busy;
	u32 len;
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

/* The last line of source that begins at or before ip, in ip's function */
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

static bool report_source(struct report *r, unsigned long ip)
{
	const struct bpf_prog *prog = bpf_prog_ksym_find(ip);
	const struct bpf_line_info *line = prog ? find_line(prog, ip) : NULL;
	const struct btf *btf;

	if (!line)
		return true;
	btf = prog->aux->btf;
	return report_add(r, "  %.100s @ %.60s:%u\n",
			  skip_spaces(btf_name_by_offset(btf, line->line_off)),
			  kbasename(btf_name_by_offset(btf, line->file_name_off)),
			  BPF_LINE_INFO_LINE_NUM(line->line_col));
}

/* A call ends before the address where it returns to. That may be another line's. */
static bool report_frame(struct report *r, unsigned long ip, bool is_call)
{
	return report_add(r, is_call ? "%pB\n" : "%pS\n", (void *)ip) &&
	       report_source(r, ip - is_call);
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

/* Preemption is off until report_end() if it returns a report. */
static struct report *report_begin(struct bpf_streams *streams)
{
	struct report *r;

	preempt_disable_notrace();
	r = &(*this_cpu_ptr(&reports))[interrupt_context_level()];
	if (!r->busy) {
		r->busy = true;
		barrier(); /* before a tracing program may see the report half done */
		r->len = 0;
		return r;
	}
	preempt_enable_notrace();
	atomic64_inc(&streams->stream[BPF_STDERR - 1].dropped);
	return NULL;
}

static void report_end(struct report *r, struct bpf_streams *streams)
{
	bpf_stream_write(&streams->stream[BPF_STDERR - 1], r->text, r->len);
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
 *
 * Context: exception handler, in whatever context the program runs.
 */
void bpf_stream_report_fault(const struct bpf_prog_aux *aux, unsigned long ip,
			     u64 uaddr, enum bpf_arena_access access)
{
	struct report *r = report_begin(aux->streams);

	if (!r)
		return;
	report_add(r, "ERROR: Arena %s access at unmapped address 0x%llx\n",
		   access == BPF_ARENA_READ ? "READ" : "WRITE", uaddr);
	report_where(r, ip, ip, false);
	report_end(r, aux->streams);
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
	struct bpf_streams *streams;
	const struct bpf_prog *prog;
	struct report *r;

	rcu_read_lock();
	prog = bpf_prog_ksym_find(ip - 1);
	streams = prog ? prog->aux->streams : NULL;
	if (!streams)
		goto out;
	if (!bpf_stream_takes_report(streams)) {
		atomic64_inc(&streams->stream[BPF_STDERR - 1].dropped);
		goto out;
	}
	r = report_begin(streams);
	if (!r)
		goto out;
	report_add(r, "ERROR: Timeout detected for may_goto instruction\n");
	report_where(r, ip, bpf_may_goto_resume(ip), true);
	report_end(r, streams);
out:
	rcu_read_unlock();
}
