/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_BPF_STREAM_H
#define _LINUX_BPF_STREAM_H

#include <linux/atomic.h>
#include <linux/bpf_arena.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <uapi/linux/bpf.h>

struct bpf_insn;
struct bpf_prog_aux;
struct bpf_verifier_env;
struct seq_file;

/* A report is longer than this under no circumstances. */
#define BPF_STREAM_REPORT_MAX	1024

/* format of a line among reports; of a u64 */
#define BPF_STREAM_LEFT_OUT	"%llu reports left out\n"

/* See kernel/bpf/stream.c */
struct bpf_stream {
	raw_spinlock_t lock;	/* among writers */
	u32 size;		/* bytes in data, a power of two; 0: nothing is kept */
	u64 head;		/* bytes ever written */
	u64 tail;		/* bytes ever read */
	atomic64_t dropped;	/* messages */
	struct mutex readers;
	char *data;
};

enum bpf_report {
	BPF_REPORT_FAULT,
	BPF_REPORT_TIMEOUT,
	BPF_REPORTS
};

/* Of a program: stdout and stderr, and what reports need besides */
struct bpf_streams {
	struct bpf_stream stream[BPF_STDERR];
	bool perfmon;			/* the loader had CAP_PERFMON */
	unsigned long due[BPF_REPORTS];	/* jiffies: no report before; 0: long ago */
	unsigned long tell_due;		/* likewise; under stderr's readers */
	atomic64_t left_out;		/* reports, ever */
	atomic64_t told;		/* how many of them stderr tells of */
};

#ifdef CONFIG_BPF_ARENA
int bpf_streams_prepare(struct bpf_verifier_env *env);
void bpf_streams_free(struct bpf_streams *streams);
int bpf_streams_read(const struct bpf_prog_aux *aux, u32 stream_id,
		     char __user *buf, u32 len);
void bpf_streams_show_fdinfo(const struct bpf_prog_aux *aux, struct seq_file *m);
int bpf_stream_write(struct bpf_stream *s, const char *text, u32 len);
int bpf_stream_check_call(struct bpf_verifier_env *env, const struct bpf_insn *call);
int bpf_stream_rewrite_call(const struct bpf_verifier_env *env,
			    const struct bpf_insn *call, struct bpf_insn *buf);

void bpf_stream_report_fault(const struct bpf_prog_aux *aux, unsigned long ip,
			     u64 uaddr, enum bpf_arena_access access, bool is_call);
void bpf_stream_report_timeout(unsigned long ip);

/* Is it time for a report, and is there room? Others may be faster. Faults leave room
 * for a timeout's.
 */
static inline bool bpf_stream_takes_report(const struct bpf_streams *streams,
					   enum bpf_report kind)
{
	const struct bpf_stream *s = &streams->stream[BPF_STDERR - 1];
	u32 reports = kind == BPF_REPORT_FAULT ? 2 : 1;

	return time_after_eq(jiffies, READ_ONCE(streams->due[kind])) &&
	       s->size - (READ_ONCE(s->head) - READ_ONCE(s->tail)) >=
	       reports * BPF_STREAM_REPORT_MAX;
}

static inline void bpf_stream_leave_out(struct bpf_streams *streams)
{
	atomic64_inc(&streams->left_out);
}

/* A stream's part of a report or a read: reports that nobody was told of yet */
u64 bpf_streams_claim_untold(struct bpf_streams *streams);
void bpf_streams_return_untold(struct bpf_streams *streams, u64 untold);

/* kfunc, and what the verifier puts in its place */
int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args,
		       u32 len__sz);
int bpf_stream_vprintk_aux(int stream_id, const char *fmt, const void *args,
			   u32 len, const struct bpf_prog_aux *aux);
#else
static inline int bpf_streams_prepare(struct bpf_verifier_env *env)
{
	return 0;
}

static inline void bpf_streams_free(struct bpf_streams *streams)
{
}

static inline int bpf_streams_read(const struct bpf_prog_aux *aux, u32 stream_id,
				   char __user *buf, u32 len)
{
	return -EOPNOTSUPP;
}

static inline void bpf_streams_show_fdinfo(const struct bpf_prog_aux *aux,
					   struct seq_file *m)
{
}

static inline int bpf_stream_check_call(struct bpf_verifier_env *env,
					const struct bpf_insn *call)
{
	return 0;
}

static inline int bpf_stream_rewrite_call(const struct bpf_verifier_env *env,
					  const struct bpf_insn *call,
					  struct bpf_insn *buf)
{
	return 0;
}

static inline void bpf_stream_report_timeout(unsigned long ip)
{
}
#endif

#endif /* _LINUX_BPF_STREAM_H */
