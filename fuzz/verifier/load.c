// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and running a program, whatever it is
 *
 * The verifier says no to most programs. What it must not say, to any program, is that
 * it is lost itself: -EFAULT, or BUG in its log.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "verifier.h"

/* What a program may take to be verified. Loops that are followed to the last take long, and
 * tell little: there is time for many others.
 */
#define LOAD_MS 10000
#define LOAD_LOOPS_MS 100
#define LOG_STATS 4		/* errors, and no instruction */

static char log_text[1 << 16];

/*
 * The verifier may take very long, and stops when there is a signal. libbpf tries again
 * then, some times.
 */
static void stop_after(long ms)
{
	struct itimerval timer = {
		.it_value = { ms / 1000, ms % 1000 * 1000 },
		.it_interval.tv_usec = ms ? 50000 : 0,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void on_alarm(int sig)
{
}

static int32_t fixup_imm(const struct fds *fds, const struct code *c, uint32_t i)
{
	switch (c->fixup[i]) {
	case ARENA_MAP: case ARENA_VALUE: return fds->arena;
	case ARRAY_MAP: case MAP_VALUE: return fds->array;
	case FUNCTION: return c->insns[i].imm;
	case KERNEL_VAR: return runqueues_btf_id;
	default: return others_fd(c, c->fixup[i]);
	}
}

static int load_insns(const struct code *c, const struct bpf_insn *insns)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = c->flags, .attempts = 1,
		    .log_level = LOG_STATS, .log_buf = log_text, .log_size = sizeof(log_text));
	struct bpf_func_info info[MAX_FUNCS];
	int fd, err, btf = -1;
	uint32_t i;

	opts.expected_attach_type = c->attach_type;
	opts.attach_btf_id = c->attach_btf_id;
	opts.attach_prog_fd = c->attach_prog;
	if (c->nr_funcs) {
		for (i = 0; i < c->nr_funcs; i++)
			info[i] = (struct bpf_func_info){ c->funcs[i].start, btf_func_id(i) };
		opts.prog_btf_fd = btf = btf_load(c);
		opts.func_info = info;
		opts.func_info_cnt = c->nr_funcs;
		opts.func_info_rec_size = sizeof(info[0]);
	}
	signal(SIGALRM, on_alarm);
	stop_after(c->many ? LOAD_LOOPS_MS : LOAD_MS);
	fd = bpf_prog_load(c->type, "fuzz", "GPL", insns, c->cnt, &opts);
	err = errno;
	stop_after(0);
	if (btf >= 0)
		close(btf);
	errno = err;
	return fd < 0 ? -1 : fd;
}

static void check_log(const struct code *c, int fd, int err)
{
	const char *complaint = watch_complaint();

	if (complaint)
		found(c, "the kernel complains of the verifier: %s", complaint);
	/* 6.1 has this error for too many jumps as well */
	if (fd < 0 && err == EFAULT && !strstr(log_text, "is too complex"))
		found(c, "the verifier returns -EFAULT: %s", log_text);
	if (strstr(log_text, "BUG") || strcasestr(log_text, "verifier bug"))
		found(c, "the verifier's log: %s", log_text);
	if (fd >= 0 && c->never[0])
		found(c, "the verifier accepts %s", c->never);
}

/* The program, or -1 with errno, which is EAGAIN if it took too long */
int load(const struct fds *fds, const struct code *c)
{
	struct bpf_insn insns[MAX_INSNS];
	uint32_t i;
	int fd, err;

	memcpy(insns, c->insns, c->cnt * sizeof(insns[0]));
	for (i = 0; i < c->cnt; i++)
		if (c->fixup[i])
			insns[i].imm = fixup_imm(fds, c, i);
	log_text[0] = 0;
	watch_note(c, "load");
	fd = load_insns(c, insns);
	err = errno;
	watch_idle();
	check_log(c, fd, err);
	if (getenv("FUZZ_LOG") && fd < 0)
		printf("refused (%d): %s\n", err, log_text);
	errno = err;
	return fd;
}

static void *run(void *arg)
{
	uint8_t packet[PACKET] = {}, out[PACKET * 2];
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct run *r = arg;

	if (r->type == BPF_PROG_TYPE_SYSCALL) {
		opts.ctx_in = packet;
		opts.ctx_size_in = sizeof(packet);
	} else if (r->type != BPF_PROG_TYPE_RAW_TRACEPOINT) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
		opts.data_out = out;
		opts.data_size_out = sizeof(out);
	}
	watch_note(NULL, "run");
	r->err = bpf_prog_test_run_opts(r->fd, &opts);
	watch_idle();
	r->ret = opts.retval;
	return NULL;
}

struct run run_here(int fd, const struct code *c)
{
	struct run r = { .fd = fd, .type = c->type };

	run(&r);
	return r;
}

struct run run_in_thread(int fd, const struct code *c)
{
	struct run r = { .fd = fd, .type = c->type };
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, &r) || pthread_join(thread, NULL))
		fuzz_die("no thread");
	return r;
}
