// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: what programs print and the kernel reports, whole and in order, is what
 * is read; what does not fit is dropped and counted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include "arena_helpers.h"
#include "arena_stream.h"
#include "cap_helpers.h"
#include "cgroup_helpers.h"
#include "arena_stream.skel.h"

/* the rings of kernel/bpf/stream.c */
#define PRINT_BYTES	65536
#define REPORT_BYTES	4096

/* the kernel's ENOTSUPP: what 6.1 says where it has no trampolines */
#define NO_TRAMPOLINES	524

/* kernel/bpf/stream_report.c: so many reports, then one in so many ms */
#define REPORT_BURST	4
#define REPORT_MS	10

static struct arena_stream *skel;
static char text[PRINT_BYTES + 1];

static int read_some(const struct bpf_program *prog, __u32 id, void *buf, __u32 len)
{
	return bpf_prog_stream_read(bpf_program__fd(prog), id, buf, len, NULL);
}

/* All that there is, as a string, in text */
static int read_all(const struct bpf_program *prog, __u32 id)
{
	int len = read_some(prog, id, text, PRINT_BYTES);

	text[len > 0 ? len : 0] = '\0';
	return len;
}

static __u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static bool load(void)
{
	skel = arena_stream__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return false;
	memset(skel->bss->filler, 'f', MESSAGE - 1);
	return true;
}

static __u64 map_arena(void)
{
	size_t len;
	const void *at = bpf_map__initial_value(skel->maps.arena, &len);

	skel->bss->absent = (__u64)at + 2 * getpagesize() + 8;
	return skel->bss->absent;
}

static long long dropped(const struct bpf_program *prog, const char *key)
{
	return arena_fdinfo(bpf_program__fd(prog), key);
}

static void formats(void)
{
	int i;

	arena_run(skel->progs.formats);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(skel->bss->results[i], 0, "result");
	read_all(skel->progs.formats, BPF_STDOUT);
	ASSERT_STREQ(text, "no argument, 100 %\n"
		     "-1 -2 3 ab AB c\n"
		     "-1 1099511627776 -1099511627776 1000000000000000 0000001f|   42|42   |\n"
		     "<text> text\n"
		     "123456789123\n"
		     "raw 17\n"
		     "none\n", "stdout");
	read_all(skel->progs.formats, BPF_STDERR);
	ASSERT_STREQ(text, "to the other one\n", "stderr");
	ASSERT_EQ(read_all(skel->progs.formats, BPF_STDOUT), 0, "stdout is empty");
	ASSERT_EQ(read_all(skel->progs.formats, BPF_STDERR), 0, "stderr is empty");
	ASSERT_EQ(read_all(skel->progs.misuse, BPF_STDOUT), 0, "that of another program");
}

static void misuse(void)
{
	static const int expected[] = {
		-ENOENT, -ENOENT, -ENOENT, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EINVAL,
	};
	size_t i;

	arena_run(skel->progs.misuse);
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		ASSERT_EQ(skel->bss->results[i], expected[i], "result");
	ASSERT_EQ(read_all(skel->progs.misuse, BPF_STDOUT), 0, "stdout");
	ASSERT_EQ(read_all(skel->progs.misuse, BPF_STDERR), 0, "stderr");
}

static void too_long(void)
{
	ASSERT_EQ(arena_run(skel->progs.too_long), 0, "result");
	ASSERT_EQ(read_all(skel->progs.too_long, BPF_STDOUT), 1023, "length");
	ASSERT_EQ(text[499], '1', "first");
	ASSERT_EQ(text[999], '2', "second");
	ASSERT_EQ(text[1022], ' ', "what is left of the third");
}

static void read_errors(void)
{
	const struct bpf_program *prog = skel->progs.formats;
	union bpf_attr attr = {};
	int fd;

	arena_run(prog);
	ASSERT_EQ(read_some(prog, 0, text, 10), -ENOENT, "stream 0");
	ASSERT_EQ(read_some(prog, 3, text, 10), -ENOENT, "stream 3");
	ASSERT_EQ(read_some(prog, BPF_STDERR, (void *)8, 10), -EFAULT, "buffer");
	ASSERT_EQ(read_some(prog, BPF_STDERR, NULL, 0), 0, "no buffer");
	ASSERT_EQ(bpf_prog_stream_read(bpf_map__fd(skel->maps.arena), BPF_STDOUT, text, 10, NULL),
		  -EINVAL, "fd of a map");
	ASSERT_EQ(bpf_prog_stream_read(-1, BPF_STDOUT, text, 10, NULL), -EBADF, "fd");
	attr.prog_stream_read.prog_fd = bpf_program__fd(prog);
	attr.prog_stream_read.stream_id = BPF_STDERR;
	((char *)&attr)[offsetofend(union bpf_attr, prog_stream_read.prog_fd)] = 1;
	ASSERT_EQ(syscall(__NR_bpf, BPF_PROG_STREAM_READ_BY_FD, &attr, sizeof(attr)), -1, "rest");
	ASSERT_EQ(errno, EINVAL, "rest");
	ASSERT_EQ(read_all(prog, BPF_STDERR), 17, "nothing is lost");

	ASSERT_EQ(read_all(skel->progs.silent, BPF_STDOUT), 0, "program without streams");
	ASSERT_EQ(read_some(skel->progs.silent, 3, text, 10), -ENOENT, "its stream 3");
	ASSERT_EQ(read_all(skel->progs.endless, BPF_STDOUT), 0, "program that does not print");

	fd = dup(bpf_program__fd(prog));
	arena_stream__destroy(skel);
	skel = NULL;
	ASSERT_EQ(bpf_prog_stream_read(fd, BPF_STDOUT, text, 10, NULL), 10, "skeleton is gone");
	close(fd);
	ASSERT_EQ(bpf_prog_stream_read(fd, BPF_STDOUT, text, 10, NULL), -EBADF, "program is gone");
}

static void pieces(void)
{
	char all[400];
	int len, got = 0;

	arena_run(skel->progs.formats);
	read_all(skel->progs.formats, BPF_STDOUT);
	arena_run(skel->progs.formats);
	while ((len = read_some(skel->progs.formats, BPF_STDOUT, all + got, 7)) > 0) {
		ASSERT_LE(len, 7, "piece");
		got += len;
	}
	ASSERT_EQ(len, 0, "end");
	all[got] = '\0';
	ASSERT_STREQ(all, text, "in pieces");
}

/* Until something is refused; the number of messages of MESSAGE bytes */
static int fill(void)
{
	skel->bss->printed = 0;
	do
		arena_run(skel->progs.fill);
	while (!skel->bss->results[0]);
	ASSERT_EQ(skel->bss->results[0], -ENOSPC, "full");
	return skel->bss->printed;
}

/* n messages, each of them whole, are in text */
static bool whole(int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (strncmp(text + i * MESSAGE, skel->bss->filler, MESSAGE - 1) ||
		    text[(i + 1) * MESSAGE - 1] != '\n')
			return false;
	return strlen(text) == n * MESSAGE;
}

static void full(void)
{
	const struct bpf_program *prog = skel->progs.fill;
	int most = PRINT_BYTES / MESSAGE;

	ASSERT_EQ(dropped(prog, "stdout_dropped"), 0, "none dropped");
	ASSERT_EQ(fill(), most, "messages");
	ASSERT_EQ(dropped(prog, "stdout_dropped"), 1, "dropped");
	arena_run(prog);
	ASSERT_EQ(dropped(prog, "stdout_dropped"), 2, "another one");
	ASSERT_EQ(dropped(prog, "stderr_dropped"), 0, "of stderr");
	/* room for all but one byte of a message, and then for all */
	read_some(prog, BPF_STDOUT, text, MESSAGE - PRINT_BYTES % MESSAGE - 1);
	ASSERT_EQ(fill(), 0, "no room");
	read_some(prog, BPF_STDOUT, text, 1);
	ASSERT_EQ(fill(), 1, "room");
	/* the one that was begun, the rest, the new one */
	read_some(prog, BPF_STDOUT, text, PRINT_BYTES % MESSAGE);
	ASSERT_EQ(read_all(prog, BPF_STDOUT), most * MESSAGE, "bytes");
	ASSERT_TRUE(whole(most), "messages are whole");
	/* several times round */
	ASSERT_EQ(fill(), most, "once more");
	ASSERT_EQ(read_all(prog, BPF_STDOUT), most * MESSAGE, "bytes");
	ASSERT_TRUE(whole(most), "messages are whole");
}

static void *write_lines(void *cpu)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 20000);
	char pkt[64] = {};
	cpu_set_t set;

	opts.data_in = pkt;
	opts.data_size_in = sizeof(pkt);
	CPU_ZERO(&set);
	CPU_SET((long)cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	bpf_prog_test_run_opts(bpf_program__fd(skel->progs.write_lines), &opts);
	return NULL;
}

/* Check the lines in text, and if last is given that each CPU's are in order; how many */
static int check_lines(__u64 *last, int *bad)
{
	char want[LINE_BYTES + 1], *at;
	unsigned long long number;
	unsigned int cpu;
	int n = 0;

	for (at = text; *at; at += LINE_BYTES, n++) {
		if (sscanf(at, "cpu %u line %llu ", &cpu, &number) != 2 || cpu >= MAX_CPUS ||
		    (last && number < last[cpu]))
			break;
		snprintf(want, sizeof(want), LINE_FORMAT, cpu, number);
		if (strncmp(at, want, LINE_BYTES))
			break;
		if (last)
			last[cpu] = number + 1;
	}
	*bad += !!*at;
	return n;
}

static struct bpf_link *attach_clock(const struct bpf_program *prog, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = 500,
	};
	int fd = syscall(__NR_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link;

	if (!ASSERT_GE(fd, 0, "perf_event_open"))
		return NULL;
	link = bpf_program__attach_perf_event(prog, fd);
	if (ASSERT_OK_PTR(link, "attach"))
		return link;
	close(fd);
	return NULL;
}

/* Two CPUs write, and a third party reads, at once: no line is torn, none is lost */
static void two_cpus(void)
{
	long n, lines = 0, written = 0, lost = 0, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const struct bpf_program *prog = skel->progs.write_lines;
	__u64 last[MAX_CPUS] = {};
	pthread_t threads[2];
	int i, bad = 0;

	if (cpus < 2) {
		fprintf(stdout, "%s:SKIP:one CPU\n", __func__);
		test__skip();
		return;
	}
	for (n = 0; n < 2; n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, write_lines, (void *)n), "thread"))
			return;
	for (i = 0; i < 2; i++)
		while (pthread_tryjoin_np(threads[i], NULL) == EBUSY)
			if (read_all(prog, BPF_STDOUT) > 0)
				lines += check_lines(last, &bad);
	read_all(prog, BPF_STDOUT);
	lines += check_lines(last, &bad);
	for (i = 0; i < MAX_CPUS; i++) {
		written += skel->bss->numbers[i];
		lost += skel->bss->errors[i];
	}
	ASSERT_EQ(bad, 0, "torn lines");
	ASSERT_EQ(written, 40000, "attempts");
	ASSERT_GT(lines, 100, "lines");
	ASSERT_EQ(lines, written - lost, "lines");
	ASSERT_EQ(dropped(prog, "stdout_dropped"), lost, "dropped");
}

/* A line of a report: the function's name, and the source under it */
static bool has_frame(const char *report, const char *func, __u64 line)
{
	char name[64], source[64];
	const char *frame, *end;

	snprintf(name, sizeof(name), "_%s+0x", func);
	snprintf(source, sizeof(source), " @ arena_stream.c:%llu\n", line);
	frame = strstr(report, name);
	end = frame ? strchr(frame, '\n') : NULL;
	return end && !strncmp(end, "\n  ", 3) && strstr(end + 1, source) &&
	       strstr(end + 1, source) < strchr(end + 1, '\n');
}

/* Reports have no addresses of the kernel; below "Call trace:" a line is a frame. */
static void check_no_address(void)
{
	ASSERT_NULL(strstr(text, "\n0x"), "no address");
}

static void check_where(void)
{
	char where[128], *at;

	snprintf(where, sizeof(where), " UID: %d PID: %d Comm: test_progs\nCall trace:\nbpf_prog_",
		 getuid(), (int)syscall(__NR_gettid));
	at = strstr(text, "\nCPU: ");
	if (!ASSERT_OK_PTR(at, "CPU"))
		return;
	at += strcspn(at + 1, " ") + 2;
	at += strspn(at, "0123456789");
	ASSERT_STRNEQ(at, where, strlen(where), "where");
}

static void check_fault(const struct bpf_program *prog, const char *kind, const char *func)
{
	__u64 absent = map_arena();
	char title[128];

	arena_run(prog);
	ASSERT_EQ(read_all(prog, BPF_STDOUT), 0, "stdout");
	ASSERT_GT(read_all(prog, BPF_STDERR), 0, "stderr");
	check_no_address();
	snprintf(title, sizeof(title), "ERROR: Arena %s access at unmapped address 0x%llx\nCPU: ",
		 kind, absent);
	ASSERT_STRNEQ(text, title, strlen(title), "title");
	check_where();
	if (!ASSERT_TRUE(has_frame(text, func, skel->bss->line), func))
		fprintf(stdout, "%s", text);
}

static void fault_read(void)
{
	check_fault(skel->progs.fault_read, "READ", "load");
	ASSERT_TRUE(has_frame(text, "fault_read", skel->bss->line_of_caller), "caller");
	ASSERT_OK_PTR(strstr(text, "return *(volatile __u64 __arena *)addr; @ "), "source");
	/* whoever has called the program is there, too */
	ASSERT_OK_PTR(strstr(text, "\nbpf_prog_test_run_syscall+0x"), "kernel");
}

/* How often text has this */
static int count(const char *what)
{
	const char *at;
	int n = 0;

	for (at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* The sum of all lines that tell of reports that were left out */
static long count_left_out(void)
{
	const char *line = text, *next;
	long sum = 0;

	for (; line; line = next ? next + 1 : NULL) {
		next = strchr(line, '\n');
		if (next && next - line > 17 && !strncmp(next - 17, " reports left out", 17))
			sum += atol(line);
	}
	return sum;
}

/* Reports are made while there is room, and time; all faults are counted */
static void fault_often(void)
{
	static const char title[] = "ERROR: Arena READ access";
	const struct bpf_program *prog = skel->progs.fault_often;
	int len, reports;

	map_arena();
	skel->bss->times = 3000;
	arena_run(prog);
	len = read_all(prog, BPF_STDERR);
	ASSERT_LE(len, REPORT_BYTES, "bytes");
	reports = count(title);
	ASSERT_GE(reports, 2, "reports");
	ASSERT_EQ(count_left_out(), 3000 - reports, "reports left out");
	ASSERT_EQ(dropped(prog, "stderr_dropped"), 3000 - reports, "dropped");
	ASSERT_EQ(arena_fdinfo(bpf_map__fd(skel->maps.arena), "faults"), 3000, "faults");
	ASSERT_EQ(text[len - 1], '\n', "the last line's end");
	ASSERT_EQ(read_all(prog, BPF_STDERR), 0, "that is all");
	/* there is room and time again */
	usleep(100000);
	skel->bss->times = 1;
	arena_run(prog);
	ASSERT_GT(read_all(prog, BPF_STDERR), 0, "one more");
	ASSERT_STRNEQ(text, title, strlen(title), "nothing left out since");
	ASSERT_EQ(count(title), 1, "one more");
}

/* Nobody reads: a loop that faults until its time is over has that reported, too */
static void fault_timeout(void)
{
	const struct bpf_program *prog = skel->progs.fault_often;

	map_arena();
	skel->bss->times = 1 << 23;
	arena_run(prog);
	read_all(prog, BPF_STDERR);
	ASSERT_GE(count("ERROR: Arena READ access"), 2, "faults");
	ASSERT_EQ(count("ERROR: Timeout"), 1, "timeout");
}

static void *run_fault_often(void *unused)
{
	arena_run(skel->progs.fault_often);
	return NULL;
}

/*
 * A reader makes room all the time: what a loop that faults does is limited by time.
 * Whatever there is no report of is counted, and the reader comes to an end.
 */
static void fault_reader(void)
{
	static const char title[] = "ERROR: Arena READ access";
	const struct bpf_program *prog = skel->progs.fault_often;
	long reports = 0, left_out = 0, timeouts = 0;
	pthread_t thread;
	__u64 start, ms;

	map_arena();
	/* time is over after 250 ms at the latest */
	skel->bss->times = 1 << 23;
	start = now_ms();
	if (!ASSERT_OK(pthread_create(&thread, NULL, run_fault_often, NULL), "thread"))
		return;
	while (pthread_tryjoin_np(thread, NULL) == EBUSY) {
		if (read_all(prog, BPF_STDERR) <= 0)
			continue;
		reports += count(title);
		timeouts += count("ERROR: Timeout");
		left_out += count_left_out();
	}
	ms = now_ms() - start;
	usleep(200000);
	read_all(prog, BPF_STDERR);
	reports += count(title);
	timeouts += count("ERROR: Timeout");
	left_out += count_left_out();
	ASSERT_EQ(read_all(prog, BPF_STDERR), 0, "an end");
	fprintf(stdout, "%ld reports and %ld left out in %llu ms\n", reports, left_out, ms);
	ASSERT_GT(reports, REPORT_BURST, "reports");
	ASSERT_LE(reports, REPORT_BURST + ms / REPORT_MS + 1, "reports");
	ASSERT_EQ(timeouts, 1, "the end of time");
	ASSERT_EQ(reports + left_out, arena_fdinfo(bpf_map__fd(skel->maps.arena), "faults"),
		  "all faults are accounted for");
}

static void fault_and_print(void)
{
	char line[64];

	snprintf(line, sizeof(line), "\nthat was address %llx\n", map_arena());
	arena_run(skel->progs.fault_and_print);
	read_all(skel->progs.fault_and_print, BPF_STDERR);
	ASSERT_STRNEQ(text, "ERROR: ", 7, "report");
	ASSERT_OK_PTR(strstr(text, line), "message");
}

/* A program that is tail-called has a stream of its own */
static void fault_tail(void)
{
	int fd = bpf_program__fd(skel->progs.fault_tail), key = 0;

	map_arena();
	ASSERT_OK(bpf_map_update_elem(bpf_map__fd(skel->maps.progs), &key, &fd, 0), "progs");
	arena_run(skel->progs.calls_tail);
	ASSERT_EQ(read_all(skel->progs.calls_tail, BPF_STDERR), 0, "the caller's");
	ASSERT_GT(read_all(skel->progs.fault_tail, BPF_STDERR), 0, "its own");
	ASSERT_TRUE(has_frame(text, "load", skel->bss->line), "line");
}

static void check_interrupt(const struct bpf_program *prog)
{
	ASSERT_GT(read_all(prog, BPF_STDERR), 0, "stderr");
	ASSERT_STRNEQ(text, "ERROR: Arena READ access", 24, "report");
	ASSERT_TRUE(has_frame(text, "load", skel->bss->line), "line");
	ASSERT_GT(read_all(prog, BPF_STDOUT), 0, "stdout");
	ASSERT_STRNEQ(text, "in an interrupt\n", 16, "message");
}

static void in_nmi(void)
{
	struct bpf_link *link;
	int fd;

	if (access("/sys/kernel/tracing/events/nmi/nmi_handler", F_OK)) {
		fprintf(stdout, "%s:SKIP:no tracepoint in an NMI here\n", __func__);
		test__skip();
		return;
	}
	map_arena();
	link = bpf_program__attach(skel->progs.on_nmi);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	fd = open("/proc/sysrq-trigger", O_WRONLY);
	ASSERT_EQ(write(fd, "l", 1), 1, "sysrq l");
	close(fd);
	usleep(100000);
	bpf_link__destroy(link);
	check_interrupt(skel->progs.on_nmi);
}

static void *run_until_stopped(void *stop)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	while (!*(volatile bool *)stop)
		bpf_prog_test_run_opts(bpf_program__fd(skel->progs.writes_in_nmi), &opts);
	return NULL;
}

/* NMIs interrupt the program while it holds the lock that it wants there */
static void nmi_between(void)
{
	const struct bpf_program *prog = skel->progs.writes_in_nmi;
	struct bpf_link *link;
	pthread_t threads[2];
	bool stop = false;
	int i, fd, bad = 0;

	if (access("/sys/kernel/tracing/events/nmi/nmi_handler", F_OK)) {
		fprintf(stdout, "%s:SKIP:no tracepoint in an NMI here\n", __func__);
		test__skip();
		return;
	}
	link = bpf_program__attach(prog);
	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	for (i = 0; i < 2; i++)
		ASSERT_OK(pthread_create(&threads[i], NULL, run_until_stopped, &stop), "thread");
	fd = open("/proc/sysrq-trigger", O_WRONLY);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(write(fd, "l", 1), 1, "sysrq l");
		if (read_all(prog, BPF_STDOUT) > 0)
			check_lines(NULL, &bad);
		usleep(10000);
	}
	close(fd);
	stop = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	bpf_link__destroy(link);
	ASSERT_EQ(bad, 0, "torn lines");
	ASSERT_GT(skel->bss->nmis, 0, "runs in an NMI");
}

/* An object of which one program will be loaded */
static struct arena_stream *open_one(const char *name)
{
	struct arena_stream *one = arena_stream__open();
	struct bpf_program *prog;

	if (!ASSERT_OK_PTR(one, "open"))
		return NULL;
	bpf_object__for_each_program(prog, one->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	return one;
}

static struct arena_stream *load_one(const char *name)
{
	struct arena_stream *one = open_one(name);

	if (!one || ASSERT_OK(arena_stream__load(one), "load"))
		return one;
	arena_stream__destroy(one);
	return NULL;
}

struct runs {
	const struct bpf_program *progs[2];
	bool *stop;
};

static void *run_both(void *arg)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct runs *runs = arg;
	int i;

	for (i = 0; !__atomic_load_n(runs->stop, __ATOMIC_RELAXED); i ^= 1)
		bpf_prog_test_run_opts(bpf_program__fd(runs->progs[i]), &opts);
	return NULL;
}

/*
 * Programs that run when a lock has been waited for print to the streams that the
 * lock belongs to, or another CPU has locked. When CPUs waited for the locks of
 * streams, this one locked up.
 */
static void in_lock(void)
{
	bool stop = false;
	struct runs runs[4] = {
		{ { skel->progs.in_lock, skel->progs.in_lock_too }, &stop },
		{ { skel->progs.in_lock_too, skel->progs.in_lock }, &stop },
		{ { skel->progs.in_lock, skel->progs.in_lock_too }, &stop },
		{ { skel->progs.in_lock_too, skel->progs.in_lock }, &stop },
	};
	struct bpf_link *links[2];
	pthread_t threads[4];
	__u64 end;
	int i, bad = 0;

	for (i = 0; i < 2; i++)
		links[i] = bpf_program__attach(runs[0].progs[i]);
	if (!ASSERT_OK_PTR(links[0], "attach") || !ASSERT_OK_PTR(links[1], "attach"))
		goto out;
	for (i = 0; i < 4; i++)
		if (!ASSERT_OK(pthread_create(&threads[i], NULL, run_both, &runs[i]), "thread"))
			goto out;
	for (end = now_ms() + 2000; now_ms() < end; )
		for (i = 0; i < 2; i++)
			if (read_all(runs[0].progs[i], BPF_STDOUT) > 0)
				check_lines(NULL, &bad);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ASSERT_EQ(bad, 0, "torn lines");
out:
	for (i = 0; i < 2; i++)
		bpf_link__destroy(links[i]);
}

/*
 * Two programs that run whenever a lock is given up print, one of them on top of the
 * other, each to its own stream. On two CPUs that waited, each had the other's.
 */
static void in_unlock(void)
{
	struct bpf_link *links[2] = {};
	struct arena_stream *one;
	pthread_t threads[2];
	int bad = 0;
	long i;

	one = open_one("in_unlock");
	if (!one)
		return;
	bpf_program__set_autoload(one->progs.in_unlock_too, true);
	if (!ASSERT_OK(arena_stream__load(one), "load"))
		goto out;
	links[0] = bpf_program__attach(one->progs.in_unlock);
	if (!links[0] && errno == NO_TRAMPOLINES) {
		fprintf(stdout, "%s:SKIP:6.1 cannot attach to the kernel's functions here\n",
			__func__);
		test__skip();
		goto out;
	}
	links[1] = bpf_program__attach(one->progs.in_unlock_too);
	if (!ASSERT_OK_PTR(links[0], "attach") || !ASSERT_OK_PTR(links[1], "attach too"))
		goto out;
	for (i = 0; i < 2; i++)
		if (!ASSERT_OK(pthread_create(&threads[i], NULL, write_lines, (void *)i), "thread"))
			goto out;
	for (i = 0; i < 2; i++)
		while (pthread_tryjoin_np(threads[i], NULL) == EBUSY) {
			if (read_all(one->progs.in_unlock, BPF_STDOUT) > 0)
				check_lines(NULL, &bad);
			read_all(one->progs.in_unlock_too, BPF_STDOUT);
		}
	ASSERT_EQ(bad, 0, "torn lines");
out:
	for (i = 0; i < 2; i++)
		bpf_link__destroy(links[i]);
	arena_stream__destroy(one);
}

static void in_timer(void)
{
	struct bpf_link *link;

	map_arena();
	link = attach_clock(skel->progs.on_perf, 0);
	usleep(300000);
	bpf_link__destroy(link);
	check_interrupt(skel->progs.on_perf);
}

static void check_timeout(const struct bpf_program *prog, const char *func)
{
	static const char title[] = "ERROR: Timeout detected for may_goto instruction\nCPU: ";

	map_arena();
	arena_run(prog);
	ASSERT_EQ(read_all(prog, BPF_STDOUT), 0, "stdout");
	ASSERT_GT(read_all(prog, BPF_STDERR), 0, "stderr");
	ASSERT_STRNEQ(text, title, strlen(title), "title");
	ASSERT_NULL(strstr(text + 1, "ERROR"), "one report");
	check_where();
	if (!ASSERT_TRUE(has_frame(text, func, skel->bss->line), func))
		fprintf(stdout, "%s", text);
}

/* Without CAP_PERFMON */
static int load_less_trusted(struct arena_stream *one)
{
	const __u64 caps = 1ULL << CAP_PERFMON | 1ULL << CAP_SYS_ADMIN;
	__u64 old;
	int err;

	if (!ASSERT_OK(cap_disable_effective(caps, &old), "drop capabilities"))
		return -1;
	err = arena_stream__load(one);
	ASSERT_OK(cap_enable_effective(caps, NULL), "capabilities back");
	return err;
}

/* The kernel's functions are not for those who may not trace it */
static void less_trusted(void)
{
	struct arena_stream *one = open_one("endless");
	char *at;

	if (!one)
		return;
	if (!ASSERT_OK(load_less_trusted(one), "load"))
		goto out;
	arena_run(one->progs.endless);
	ASSERT_GT(read_all(one->progs.endless, BPF_STDERR), 0, "stderr");
	check_no_address();
	ASSERT_TRUE(has_frame(text, "endless", one->bss->line), "its own frame");
	at = strstr(text, "Call trace:\n");
	if (!ASSERT_OK_PTR(at, "trace"))
		goto out;
	for (at = strchr(at, '\n') + 1; *at; at = strchr(at, '\n') + 1)
		ASSERT_TRUE(!strncmp(at, "bpf_prog_", 9) || !strncmp(at, "  ", 2), at);
out:
	arena_stream__destroy(one);
}

/* Formats read any address: printing takes CAP_PERFMON, as bpf_snprintf() does */
static void print_less_trusted(void)
{
	static char log[1 << 16];
	struct arena_stream *one = open_one("one_more");

	if (!one)
		return;
	bpf_program__set_log_buf(one->progs.one_more, log, sizeof(log));
	ASSERT_EQ(load_less_trusted(one), -EPERM, "load");
	ASSERT_OK_PTR(strstr(log, "CAP_PERFMON is required to call bpf_stream_vprintk"), log);
	arena_stream__destroy(one);
	/* nothing but the capability is in the way */
	one = load_one("one_more");
	arena_stream__destroy(one);
}

#define CGROUP "/arena_stream"
#define LOADS 40

/* What the cgroup has of the kernel's memory, whole slabs included; or -1 */
static long cgroup_kernel_bytes(void)
{
	char line[128], path[128];
	long bytes = -1;
	FILE *f;

	/* see format_cgroup_path() in cgroup_helpers.c */
	snprintf(path, sizeof(path), "/mnt/cgroup-test-work-dir%d" CGROUP "/memory.stat",
		 getpid());
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "kernel %ld", &bytes);
	if (f)
		fclose(f);
	return bytes;
}

/* What the cgroup is charged for a program, and all that comes with it */
static long charge_for(const char *name)
{
	struct arena_stream *loaded[LOADS] = {};
	long charge;
	int i;

	/* of what was before, not all may be gone */
	usleep(500000);
	charge = -cgroup_kernel_bytes();
	for (i = 0; i < LOADS; i++) {
		loaded[i] = load_one(name);
		if (!loaded[i])
			break;
	}
	charge += cgroup_kernel_bytes();
	while (i--)
		arena_stream__destroy(loaded[i]);
	return charge / LOADS;
}

/*
 * What is printed takes the memory that was charged when the program was loaded, and
 * no more.
 */
static void charged(void)
{
	long silent, prints, reports, slack;
	int cg;

	cg = test__join_cgroup(CGROUP);
	if (!ASSERT_GE(cg, 0, "join cgroup"))
		return;
	if (cgroup_kernel_bytes() < 0) {
		fprintf(stdout, "%s:SKIP:no memory controller\n", __func__);
		test__skip();
		goto out;
	}
	/* once for what is charged once */
	charge_for("silent");
	silent = charge_for("silent");
	reports = charge_for("endless");
	prints = charge_for("one_more");
	fprintf(stdout, "silent %ld, reports %ld, prints %ld bytes\n", silent, reports, prints);
	slack = 2 * getpagesize();
	ASSERT_LE(reports, silent + REPORT_BYTES + 1024 + slack, "reports only, at most");
	ASSERT_GE(prints, silent + 2 * PRINT_BYTES - slack, "two streams");
	ASSERT_LE(prints, silent + 2 * PRINT_BYTES + 1024 + slack, "two streams, at most");
out:
	close(cg);
}

static void *run_goes_away(void *one)
{
	struct arena_stream *skel = one;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	skel->bss->task = syscall(__NR_gettid);
	syscall(__NR_getppid);
	return NULL;
}

/*
 * The last reference to a program goes while it runs. What it calls is traced by a
 * program that faults then: the report knows who has called, with the line.
 */
static void goes_away(void)
{
	struct arena_stream *tracer = NULL, *one = NULL;
	struct bpf_link *link = NULL;
	pthread_t thread;
	size_t len;
	__u64 end;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		fprintf(stdout, "%s:SKIP:one CPU\n", __func__);
		test__skip();
		return;
	}
	tracer = load_one("sees_printk");
	one = load_one("goes_away");
	if (!tracer || !one)
		goto out;
	tracer->links.sees_printk = bpf_program__attach(tracer->progs.sees_printk);
	link = bpf_program__attach(one->progs.goes_away);
	if (!ASSERT_OK_PTR(tracer->links.sees_printk, "attach") || !ASSERT_OK_PTR(link, "attach"))
		goto out;
	if (!ASSERT_OK(pthread_create(&thread, NULL, run_goes_away, one), "thread"))
		goto out;
	end = now_ms() + 5000;
	while (!__atomic_load_n(&one->bss->running, __ATOMIC_RELAXED) && now_ms() < end)
		;
	bpf_link__destroy(link);
	link = NULL;
	bpf_program__unload(one->progs.goes_away);
	tracer->bss->absent = (__u64)bpf_map__initial_value(tracer->maps.arena, &len) +
			      2 * getpagesize();
	pthread_join(thread, NULL);
	ASSERT_EQ(tracer->bss->absent, 0, "it still ran");
	ASSERT_GT(read_all(tracer->progs.sees_printk, BPF_STDERR), 0, "stderr");
	check_no_address();
	if (!ASSERT_TRUE(has_frame(text, "goes_away", one->bss->line), "who has called"))
		fprintf(stdout, "%s", text);
out:
	bpf_link__destroy(link);
	arena_stream__destroy(one);
	arena_stream__destroy(tracer);
}

static void refused(const char *name, const char *message)
{
	static char log[1 << 16];
	struct arena_stream *bad = open_one(name);
	struct bpf_program *prog;

	if (!bad)
		return;
	prog = bpf_object__find_program_by_name(bad->obj, name);
	log[0] = '\0';
	bpf_program__set_log_buf(prog, log, sizeof(log));
	ASSERT_LT(arena_stream__load(bad), 0, name);
	if (!ASSERT_OK_PTR(strstr(log, message), message))
		fprintf(stdout, "%s", log);
	arena_stream__destroy(bad);
}

static void bad_formats(void)
{
	static const char no_string[] =
		"arg#1 expected pointer to a constant string in a read-only map";

	refused("bad_stack", no_string);
	refused("bad_null", no_string);
	refused("bad_writable", "R2 does not point to a readonly map");
	refused("bad_end", "string is not zero-terminated");
	refused("bad_variable", "R2 is not a constant address");
	refused("bad_args", "arg#2 arg#3 memory, len pair leads to invalid memory access");
}

static void with_skel(const char *name, void (*test)(void))
{
	if (!test__start_subtest(name))
		return;
	if (load())
		test();
	arena_stream__destroy(skel);
}

static void fault_write(void)
{
	check_fault(skel->progs.fault_write, "WRITE", "fault_write");
}

static void fault_atomic(void)
{
	check_fault(skel->progs.fault_atomic, "WRITE", "fault_atomic");
}

static void timeout(void)
{
	check_timeout(skel->progs.endless, "endless");
}

static void timeout_called(void)
{
	check_timeout(skel->progs.endless_call, "burn");
	ASSERT_TRUE(has_frame(text, "endless_call", skel->bss->line_of_caller), "caller");
}

void test_arena_stream(void)
{
	with_skel("formats", formats);
	with_skel("misuse", misuse);
	with_skel("too_long", too_long);
	with_skel("read_errors", read_errors);
	with_skel("pieces", pieces);
	with_skel("full", full);
	with_skel("two_cpus", two_cpus);
	with_skel("fault_read", fault_read);
	with_skel("fault_write", fault_write);
	with_skel("fault_atomic", fault_atomic);
	with_skel("fault_often", fault_often);
	with_skel("fault_timeout", fault_timeout);
	with_skel("fault_reader", fault_reader);
	with_skel("fault_and_print", fault_and_print);
	with_skel("fault_tail", fault_tail);
	with_skel("in_nmi", in_nmi);
	with_skel("nmi_between", nmi_between);
	with_skel("in_lock", in_lock);
	with_skel("in_unlock", in_unlock);
	with_skel("in_timer", in_timer);
	with_skel("timeout", timeout);
	with_skel("timeout_called", timeout_called);
	if (test__start_subtest("less_trusted"))
		less_trusted();
	if (test__start_subtest("print_less_trusted"))
		print_less_trusted();
	if (test__start_subtest("charged"))
		charged();
	if (test__start_subtest("goes_away"))
		goes_away();
	if (test__start_subtest("bad_formats"))
		bad_formats();
}
