// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF streams: text that a program prints, kept with the program
 *
 * bpf_trace_printk() writes into one buffer for all programs of the machine, and
 * whoever reads it takes it away from everybody else. A stream belongs to one
 * program: whoever has the program's file descriptor reads what that program has
 * printed. Every program has stdout, for what it has to say, and stderr, for what
 * went wrong; the kernel reports there as well (stream_report.c).
 *
 *	bpf_stream_vprintk()			BPF_PROG_STREAM_READ_BY_FD
 *	any context, any CPU			process context
 *	  |					  ^
 *	  | per-CPU buffer, whole message	  | any number of bytes
 *	  v					  |
 *	+---+-------------------------+-----------+
 *	|   | xx xxxx xxxxxxx xxxx xx |           |	size: a power of two
 *	+---+-------------------------+-----------+
 *	    ^ tail                    ^ head		both count bytes, for ever
 *
 * A message that does not fit is dropped, all of it, and counted: the first
 * reports are those that explain the others. Therefore:
 *  - Writers never touch what lies between tail and head. Readers copy it without
 *    the writers' lock, and may fault meanwhile.
 *  - head is moved by the writer that holds the lock, when its message is complete;
 *    tail by the reader that holds the mutex, when it has its copy.
 *  - A writer formats its message before it takes the lock. What the lock protects
 *    is a copy of at most 1 KiB.
 *  - Nobody waits for a lock for long. Programs print in NMIs, from tracepoints and
 *    from functions that the holder of a stream's lock, or of any other lock, may
 *    run through. A writer that this CPU runs on top of a writer tries once and
 *    drops its message. Others try for a fraction of a millisecond.
 *
 * Memory comes with the program, is charged to the cgroup of the process that
 * loads it, and goes with the program: two rings of 64 KiB if it prints; one of
 * 4 KiB, for reports, if it has but an arena or a may_goto; none otherwise.
 * Functions of a program have the streams of the program. A program that is
 * tail-called, or that replaces a function, has its own.
 */
#include <linux/bpf.h>
#include <linux/bpf_stream.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/filter.h>
#include <linux/hardirq.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define STREAM_PRINT_BYTES	SZ_64K
#define STREAM_REPORT_BYTES	SZ_4K

/* The longest message, its terminating 0 included; what is longer is cut */
#define STREAM_MESSAGE_BYTES	1024

/*
 * How often a writer tries to take the lock. The holder copies a message, which
 * takes less time than ten tries do: this is for hundreds of CPUs that print.
 * What it does not cover is a virtual CPU that stops while it has the lock.
 */
#define STREAM_LOCK_TRIES	8192

/* A reader is told of reports that were left out only so often, or it would always
 * have something to read.
 */
#define STREAM_TELL_JIFFIES	(HZ / 10)

/* How many writers of this CPU are at a lock. They have interrupts off. */
static DEFINE_PER_CPU(int, stream_writers);

BTF_ID_LIST_SINGLE(stream_vprintk_id, func, bpf_stream_vprintk)

static bool is_vprintk(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->off &&
	       insn->src_reg == BPF_PSEUDO_KFUNC_CALL && insn->imm == stream_vprintk_id[0];
}

static bool prog_prints(const struct bpf_prog *prog)
{
	u32 i;

	for (i = 0; i < prog->len; i++)
		if (is_vprintk(&prog->insnsi[i]))
			return true;
	return false;
}

static int stream_init(struct bpf_stream *s, u32 size)
{
	BUILD_BUG_ON_NOT_POWER_OF_2(STREAM_PRINT_BYTES);
	BUILD_BUG_ON_NOT_POWER_OF_2(STREAM_REPORT_BYTES);

	raw_spin_lock_init(&s->lock);
	mutex_init(&s->readers);
	if (!size)
		return 0;
	s->data = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!s->data)
		return -ENOMEM;
	s->size = size;
	return 0;
}

/**
 * bpf_streams_prepare() - give a program the streams that it may need
 * @env: verifier state of a program that has been accepted; its calls of kfuncs
 *	 still have BTF ids
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM. In both cases, what has been made is freed with the program.
 */
int bpf_streams_prepare(struct bpf_verifier_env *env)
{
	struct bpf_prog_aux *aux = env->prog->aux;
	bool prints = prog_prints(env->prog);
	struct bpf_streams *streams;

	if (!prints && !aux->arena && !env->loops.used)
		return 0;
	streams = kzalloc(sizeof(*streams), GFP_KERNEL_ACCOUNT);
	if (!streams)
		return -ENOMEM;
	aux->streams = streams;
	streams->perfmon = env->allow_ptr_leaks;
	return stream_init(&streams->stream[BPF_STDOUT - 1],
			   prints ? STREAM_PRINT_BYTES : 0) ?:
	       stream_init(&streams->stream[BPF_STDERR - 1],
			   prints ? STREAM_PRINT_BYTES : STREAM_REPORT_BYTES);
}

/**
 * bpf_streams_free() - free a program's streams
 * @streams: those of a program that runs no more and has no file; or NULL
 *
 * Context: Process context; may sleep.
 */
void bpf_streams_free(struct bpf_streams *streams)
{
	u32 i;

	if (!streams)
		return;
	for (i = 0; i < ARRAY_SIZE(streams->stream); i++)
		kvfree(streams->stream[i].data);
	kfree(streams);
}

static bool is_stream_id(u32 stream_id)
{
	return stream_id == BPF_STDOUT || stream_id == BPF_STDERR;
}

/* How many of len bytes lie before the place where the ring begins anew */
static u32 until_wrap(const struct bpf_stream *s, u64 pos, u32 len)
{
	return min_t(u32, len, s->size - (pos & (s->size - 1)));
}

static char *data_at(const struct bpf_stream *s, u64 pos)
{
	return s->data + (pos & (s->size - 1));
}

/* Under the lock */
static int stream_append(struct bpf_stream *s, const char *text, u32 len)
{
	/* pairs with stream_read(): it has its copy of what is overwritten */
	u64 tail = smp_load_acquire(&s->tail), head = s->head;
	u32 first = until_wrap(s, head, len);

	if (len > s->size - (head - tail))
		return -ENOSPC;
	memcpy(data_at(s, head), text, first);
	memcpy(s->data, text + first, len - first);
	/* pairs with stream_read(): the text is there */
	smp_store_release(&s->head, head + len);
	return 0;
}

/* Programs that trace what is done here see that this CPU is a writer. */
static int stream_try_write(struct bpf_stream *s, const char *text, u32 len)
{
	unsigned long flags;
	int err = -EBUSY;

	local_irq_save(flags);
	this_cpu_inc(stream_writers);
	if (raw_spin_trylock(&s->lock)) {
		err = stream_append(s, text, len);
		raw_spin_unlock(&s->lock);
	}
	this_cpu_dec(stream_writers);
	local_irq_restore(flags);
	return err;
}

/**
 * bpf_stream_write() - append a message, or do nothing
 * @s: the stream
 * @text: the message; need not end with 0
 * @len: bytes of it
 *
 * Context: Any, NMI included; with any lock held, that of a stream included.
 * Return: 0; -ENOSPC if the stream is full; -EBUSY if the lock cannot be had: this
 * CPU was writing already, or others do all the time.
 */
int bpf_stream_write(struct bpf_stream *s, const char *text, u32 len)
{
	int tries = in_nmi() || this_cpu_read(stream_writers) ? 1 : STREAM_LOCK_TRIES;
	int err;

	while ((err = stream_try_write(s, text, len)) == -EBUSY && --tries)
		cpu_relax();
	return err;
}

/**
 * bpf_streams_claim_untold() - count reports that were left out since the last time
 * @streams: of a program
 *
 * Context: Any, NMI included.
 * Return: How many the caller has to tell stderr's reader of, which nobody else does.
 */
u64 bpf_streams_claim_untold(struct bpf_streams *streams)
{
	/* told is never ahead of what left_out is seen to be after it */
	s64 told = atomic64_read_acquire(&streams->told);
	s64 all = atomic64_read(&streams->left_out);

	if (all == told || !atomic64_try_cmpxchg(&streams->told, &told, all))
		return 0;
	return all - told;
}

/**
 * bpf_streams_return_untold() - undo bpf_streams_claim_untold()
 * @streams: of a program
 * @untold: what was claimed, but could not be told
 */
void bpf_streams_return_untold(struct bpf_streams *streams, u64 untold)
{
	atomic64_sub(untold, &streams->told);
}

/*
 * Reports that are left out are told of by the next one. If there is none, the
 * reader must learn of them all the same. Under the mutex.
 */
static void tell_left_out(struct bpf_streams *streams)
{
	char line[48];
	u64 untold;
	int len;

	if (time_before(jiffies, streams->tell_due))
		return;
	untold = bpf_streams_claim_untold(streams);
	if (!untold)
		return;
	len = scnprintf(line, sizeof(line), BPF_STREAM_LEFT_OUT, untold);
	if (bpf_stream_write(&streams->stream[BPF_STDERR - 1], line, len))
		bpf_streams_return_untold(streams, untold);
	else
		streams->tell_due = jiffies + STREAM_TELL_JIFFIES;
}

/* Under the mutex */
static int stream_read(struct bpf_stream *s, char __user *buf, u32 len)
{
	/* pairs with stream_append(): what comes before is complete */
	u64 head = smp_load_acquire(&s->head), tail = s->tail;
	u32 first;

	len = min_t(u64, len, head - tail);
	first = until_wrap(s, tail, len);
	if (copy_to_user(buf, data_at(s, tail), first) ||
	    copy_to_user(buf + first, s->data, len - first))
		return -EFAULT;
	/* pairs with stream_append(): nothing is overwritten before it is copied */
	smp_store_release(&s->tail, tail + len);
	return len;
}

/**
 * bpf_streams_read() - take text out of a program's stream
 * @aux: of the program itself, to which the caller has a reference
 * @stream_id: BPF_STDOUT or BPF_STDERR
 * @buf: where the text goes
 * @len: bytes of @buf
 *
 * Context: Process context; may sleep.
 * Return: Bytes copied, 0 if the stream is empty or the program cannot have
 * printed to it; -ENOENT for another @stream_id; -EFAULT, with nothing lost;
 * -EINTR.
 */
int bpf_streams_read(const struct bpf_prog_aux *aux, u32 stream_id,
		     char __user *buf, u32 len)
{
	struct bpf_stream *s;
	int ret;

	if (!is_stream_id(stream_id))
		return -ENOENT;
	if (!aux->streams)
		return 0;
	s = &aux->streams->stream[stream_id - 1];
	if (!s->size)
		return 0;
	/* the other reader may be waiting for its page */
	if (mutex_lock_interruptible(&s->readers))
		return -EINTR;
	if (stream_id == BPF_STDERR)
		tell_left_out(aux->streams);
	ret = stream_read(s, buf, len);
	mutex_unlock(&s->readers);
	return ret;
}

/**
 * bpf_streams_show_fdinfo() - tell how many messages and reports a program has lost
 * @aux: of the program
 * @m: its fdinfo
 */
void bpf_streams_show_fdinfo(const struct bpf_prog_aux *aux, struct seq_file *m)
{
	const struct bpf_streams *streams = aux->streams;

	if (!streams)
		return;
	seq_printf(m, "stdout_dropped:\t%lld\n"
		   "stderr_dropped:\t%lld\n",
		   atomic64_read(&streams->stream[BPF_STDOUT - 1].dropped),
		   atomic64_read(&streams->stream[BPF_STDERR - 1].dropped) +
		   atomic64_read(&streams->left_out));
}

/**
 * bpf_stream_vprintk_aux() - bpf_stream_vprintk() of a certain program
 * @stream_id: BPF_STDOUT or BPF_STDERR
 * @fmt: as for bpf_trace_vprintk(); the verifier has seen that it ends
 * @args: array of u64
 * @len: bytes of @args
 * @aux: of the program; the verifier puts it in
 *
 * Context: Any, NMI included.
 * Return: 0 or what bpf_stream_vprintk() says.
 */
int bpf_stream_vprintk_aux(int stream_id, const char *fmt, const void *args,
			   u32 len, const struct bpf_prog_aux *aux)
{
	struct bpf_bprintf_data data = {
		.get_bin_args	= true,
		.get_buf	= true,
	};
	struct bpf_stream *s;
	int ret;

	if (!is_stream_id(stream_id))
		return -ENOENT;
	if (len % 8 || len > MAX_BPRINTF_VARARGS * 8 || (len && !args))
		return -EINVAL;
	ret = bpf_bprintf_prepare((char *)fmt, UINT_MAX, args, len / 8, &data);
	if (ret < 0)
		return ret;
	ret = bstr_printf(data.buf, STREAM_MESSAGE_BYTES, fmt, data.bin_args);
	s = &aux->streams->stream[stream_id - 1];
	ret = bpf_stream_write(s, data.buf, min(ret, STREAM_MESSAGE_BYTES - 1));
	if (ret)
		atomic64_inc(&s->dropped);
	bpf_bprintf_cleanup(&data);
	return ret;
}

/**
 * bpf_stream_check_call() - may a program call bpf_stream_vprintk()?
 * @env: verifier state
 * @call: call of any kfunc, with its BTF id
 *
 * What %s and others are given is any address of the kernel's memory: whoever prints
 * reads it, as with bpf_snprintf().
 *
 * Return: 0 if it may, or calls another kfunc; -EPERM, with a message in the log.
 */
int bpf_stream_check_call(struct bpf_verifier_env *env, const struct bpf_insn *call)
{
	if (!is_vprintk(call) || env->allow_ptr_leaks)
		return 0;
	bpf_log(&env->log, "CAP_PERFMON is required to call bpf_stream_vprintk\n");
	return -EPERM;
}

/**
 * bpf_stream_rewrite_call() - have a call of bpf_stream_vprintk() say whose it is
 * @env: verifier state of a program that bpf_streams_prepare() has seen
 * @call: call of any kfunc, with its BTF id
 * @buf: where the instructions that replace it go, room for 3
 *
 * A program that passes a fifth argument has it overwritten.
 *
 * Return: number of instructions in @buf, 0 if it calls another kfunc.
 */
int bpf_stream_rewrite_call(const struct bpf_verifier_env *env,
			    const struct bpf_insn *call, struct bpf_insn *buf)
{
	const struct bpf_insn aux[] = {
		BPF_LD_IMM64(BPF_REG_5, (unsigned long)env->prog->aux),
	};

	if (!is_vprintk(call))
		return 0;
	memcpy(buf, aux, sizeof(aux));
	buf[2] = *call;
	buf[2].imm = BPF_CALL_IMM(bpf_stream_vprintk_aux);
	return 3;
}

__diag_push();
__diag_ignore_all("-Wmissing-prototypes",
		  "Global functions as their definitions will be in vmlinux BTF");

/**
 * bpf_stream_vprintk() - print to one of the program's streams
 * @stream_id: BPF_STDOUT or BPF_STDERR
 * @fmt__str: format as for bpf_trace_vprintk(): a constant string, which ends,
 *	      in a map that is read-only for programs and user space
 * @args: array of u64, an element for each conversion; NULL if there is none
 * @len__sz: bytes of @args: a multiple of 8, at most 96
 *
 * A message is printed as a whole or not at all. One of more than 1,023 bytes is
 * cut.
 *
 * Context: Any, NMI included. Programs never get here: the verifier makes their
 * calls those of bpf_stream_vprintk_aux().
 * Return: 0; -ENOENT for another @stream_id; -EINVAL if @fmt__str or @len__sz is
 * not as it should be; -ENOSPC if the stream is full; -EBUSY if the format's
 * buffers or the stream are in use, as may be in NMIs and in programs that trace
 * the kernel. Except for -ENOENT and -EINVAL it is worth a try later.
 */
noinline int bpf_stream_vprintk(int stream_id, const char *fmt__str,
				const void *args, u32 len__sz)
{
	return -EOPNOTSUPP;
}

__diag_pop();

BTF_SET8_START(stream_kfuncs)
BTF_ID_FLAGS(func, bpf_stream_vprintk, KF_ANY_CONTEXT)
BTF_SET8_END(stream_kfuncs)

static const struct btf_kfunc_id_set stream_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &stream_kfuncs,
};

static int __init stream_kfunc_init(void)
{
	/* programs of every type */
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &stream_kfunc_set);
}
late_initcall(stream_kfunc_init);
