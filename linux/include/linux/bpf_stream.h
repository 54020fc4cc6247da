/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_BPF_STREAM_H
#define _LINUX_BPF_STREAM_H

#include <linux/atomic.h>
#include <linux/bpf_arena.h>
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

/* Those of a program: stdout, stderr */
struct bpf_streams {
	struct bpf_stream stream[BPF_STDERR];
};

#ifdef CONFIG_BPF_ARENA
int bpf_streams_prepare(struct bpf_verifier_env *env);
void bpf_streams_free(struct bpf_streams *streams);
int bpf_streams_read(const struct bpf_prog_aux *aux, u32 stream_id,
		     char __user *buf, u32 len);
void bpf_streams_show_fdinfo(const struct bpf_prog_aux *aux, struct seq_file *m);
int bpf_stream_write(struct bpf_stream *s, const char *text, u32 len);
int bpf_stream_rewrite_call(const struct bpf_verifier_env *env,
			    const struct bpf_insn *call, struct bpf_insn *buf);

void bpf_stream_report_fault(const struct bpf_prog_aux *aux, unsigned long ip,
			     u64 uaddr, enum bpf_arena_access access);
void bpf_stream_report_timeout(unsigned long ip);

/* Is there room for a report? Writers that are faster make it -ENOSPC. */
static inline bool bpf_stream_takes_report(struct bpf_streams *streams)
{
	const struct bpf_stream *s = &streams->stream[BPF_STDERR - 1];

	return s->size - (READ_ONCE(s->head) - READ_ONCE(s->tail)) >= BPF_STREAM_REPORT_MAX;
}

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
