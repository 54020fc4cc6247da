// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the VM that vm/run starts.
 *
 * Problem: a command must run inside the kernel under test as if it ran on the
 * host, its output must not mix with the kernel's, and its exit status must
 * come back through a channel that a kernel which crashes, hangs or is cut off
 * cannot fill by accident.
 *
 *	host                     guest
 *	job file    -- 9p -->    read_job()
 *	stdout      <-- port "out" ----  pump <-- pipe <-- CMD
 *	stderr      <-- port "err" ----  pump <-- pipe <-- CMD
 *	status file <-- port "status" -  "exit NONCE STATUS TAINT", or
 *					 "kernel NONCE BUILD-ID" of a wrong kernel
 *	terminal    <-- hvc0 ----------> CMD (instead of both pipes)
 *
 * The job file holds strings that end in NUL: nonce, build ID (empty = any kernel),
 * time, directory, terminal rows and columns (0 = no terminal), number of shared
 * directories, these, number of arguments, arguments, environment.
 *
 * The kernel mounts the host's files as its root. If they are the host's
 * architecture's and not this kernel's, "guest" is a second 9p share with a root
 * that is; the shared directories are then all that is seen of the host:
 *
 *	CMD's /         guest + tmpfs          (or host + tmpfs)
 *	CMD's /checkout  host + tmpfs           shared directories
 *	CMD's /tmp       host + tmpfs
 *
 * A kernel that cannot do that has all that CMD needs in an initramfs: it is CMD's
 * root as it is, and nothing is seen of the host.
 *
 * Invariants:
 *  - CMD runs on the kernel that the host has the vmlinux of, or not at all.
 *  - The host's files are never written: an overlay on a tmpfs covers them.
 *  - The status line is written once, after waitpid() gave CMD's status and
 *    all that CMD wrote has been handed to the host. No other path writes it:
 *    a failure in here ends the VM without one, and the host says so.
 *  - TAINT is /proc/sys/kernel/tainted, so that a WARN shows even if its text
 *    never reached the log.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* The overlays are put together here; the host's /tmp shows through later. */
#define SCRATCH "/tmp"
#define MAX_ARGS 4096
#define MAX_SHARED 16

struct job {
	char *nonce;
	char *build_id;
	time_t now;
	char *cwd;
	unsigned short rows;
	unsigned short cols;
	char *shared[MAX_SHARED + 1];	/* none: all that the host has */
	char *argv[MAX_ARGS + 1];
	char *envp[MAX_ARGS + 1];
};

/* A stream of CMD: what it writes to @pipe goes to the host through @port. */
struct stream {
	int pipe;
	int port;
};

static void __attribute__((noreturn)) power_off(void)
{
	sync();
	/* QEMU runs with -no-reboot, so this ends it. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *fmt, ...)
{
	FILE *log = fopen("/dev/kmsg", "w");
	int err = errno;
	va_list ap;

	if (log) {
		va_start(ap, fmt);
		fputs("vm-init: ", log);
		vfprintf(log, fmt, ap);
		fprintf(log, ": %s\n", strerror(err));
		va_end(ap);
		fclose(log);
	}
	power_off();
}

static char *slurp(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *buf;

	if (fd < 0 || fstat(fd, &st))
		fail("cannot open %s", path);
	buf = malloc(st.st_size + 1);
	if (!buf || read(fd, buf, st.st_size) != st.st_size)
		fail("cannot read %s", path);
	buf[st.st_size] = 0;
	*len = st.st_size;
	close(fd);
	return buf;
}

static char *next_string(char **pos, char *end)
{
	char *s = *pos;

	if (s >= end)
		fail("job file is cut off");
	*pos += strlen(s) + 1;
	return s;
}

static void next_strings(char **pos, char *end, char **strings, int min, int max)
{
	int i, n = atoi(next_string(pos, end));

	if (n < min || n > max)
		fail("job file with %d strings, not %d to %d", n, min, max);
	for (i = 0; i < n; i++)
		strings[i] = next_string(pos, end);
}

static void read_job(struct job *job, const char *path)
{
	char *pos, *end;
	size_t len;
	int i;

	pos = slurp(path, &len);
	end = pos + len;
	job->nonce = next_string(&pos, end);
	job->build_id = next_string(&pos, end);
	job->now = atoll(next_string(&pos, end));
	job->cwd = next_string(&pos, end);
	job->rows = atoi(next_string(&pos, end));
	job->cols = atoi(next_string(&pos, end));
	next_strings(&pos, end, job->shared, 0, MAX_SHARED);
	next_strings(&pos, end, job->argv, 1, MAX_ARGS);
	for (i = 0; i < MAX_ARGS && pos < end; i++)
		job->envp[i] = next_string(&pos, end);
}

static void mount_at(const char *type, const char *dir, const char *opts)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, opts))
		fail("cannot mount %s on %s", type, dir);
}

/* @lower with scratch space on top, at SCRATCH/@name. */
static void overlay(const char *name, const char *lower)
{
	char upper[64], work[64], root[64], opts[256];

	snprintf(upper, sizeof(upper), SCRATCH "/%s.upper", name);
	snprintf(work, sizeof(work), SCRATCH "/%s.work", name);
	snprintf(root, sizeof(root), SCRATCH "/%s", name);
	snprintf(opts, sizeof(opts), "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work);
	mkdir(upper, 0755);
	mkdir(work, 0755);
	mount_at("overlay", root, opts);
}

/* The host's @dir, at the same path in the guest's root. */
static void share(const char *dir)
{
	char from[PATH_MAX], to[PATH_MAX], *slash;

	snprintf(from, sizeof(from), SCRATCH "/host%s", dir);
	snprintf(to, sizeof(to), SCRATCH "/guest%s", dir);
	for (slash = to + strlen(SCRATCH "/guest/"); (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(to, 0755);
		*slash = '/';
	}
	mkdir(to, 0755);
	if (mount(from, to, NULL, MS_BIND, NULL))
		fail("cannot share %s", dir);
}

static void use_guest_root(char **shared)
{
	mkdir(SCRATCH "/guest.share", 0755);
	if (mount("guest", SCRATCH "/guest.share", "9p", MS_RDONLY,
		  "trans=virtio,version=9p2000.L,msize=512000,cache=loose"))
		fail("cannot mount the guest's root");
	overlay("guest", SCRATCH "/guest.share");
	while (*shared)
		share(*shared++);
}

/*
 * MS_MOVE instead of pivot_root(): the old root is the kernel's own mount and
 * has no parent that pivot_root() could put it under.
 */
static void enter_overlay(char **shared)
{
	mount_at("tmpfs", SCRATCH, "mode=0755,size=75%");
	overlay("host", "/");
	if (*shared)
		use_guest_root(shared);
	if (chdir(*shared ? SCRATCH "/guest" : SCRATCH "/host") ||
	    mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("cannot enter the overlay");
}

static int root_is_initramfs(void)
{
	struct statfs fs;

	if (statfs("/", &fs))
		fail("cannot look at the root");
	return fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC;
}

static void mount_all(void)
{
	DIR *home;

	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("devtmpfs", "/dev", NULL);
	mount_at("devpts", "/dev/pts", "ptmxmode=0666,mode=0620,gid=5");
	mount_at("tmpfs", "/dev/shm", NULL);
	mount_at("tmpfs", "/run", "mode=0755");
	mount_at("bpf", "/sys/fs/bpf", NULL);
	mount_at("debugfs", "/sys/kernel/debug", NULL);
	mount_at("tracefs", "/sys/kernel/tracing", NULL);
	mount_at("cgroup2", "/sys/fs/cgroup", NULL);
	/* A QEMU that does not run as root may not look into the host's /root. */
	home = opendir("/root");
	if (home)
		closedir(home);
	else
		mount_at("tmpfs", "/root", "mode=0700");
	if (symlink("/proc/self/fd", "/dev/fd") && errno != EEXIST)
		fail("cannot create /dev/fd");
}

/* Not every VM has a clock that the kernel knows: it would be 1970 there. */
static void set_clock(time_t now)
{
	struct timespec ts = { .tv_sec = now };

	if (time(NULL) < now && clock_settime(CLOCK_REALTIME, &ts))
		fail("cannot set the clock");
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &ifr))
		fail("cannot bring lo up");
	close(sock);
}

/* BPF maps were charged to RLIMIT_MEMLOCK until 5.11; old libraries still ask. */
static void raise_limits(void)
{
	struct rlimit inf = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &inf);
}

static int port_has_name(const char *port, const char *name)
{
	char path[300], have[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", port);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%31s", have) != 1)
		have[0] = 0;
	fclose(f);
	return !strcmp(have, name);
}

/* There is no udev to make links: the port's name is in sysfs only. */
static int open_port(const char *name)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	struct dirent *ent;
	char path[300];
	int fd = -1;

	while (dir && fd < 0 && (ent = readdir(dir))) {
		if (!port_has_name(ent->d_name, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", ent->d_name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	if (fd < 0)
		fail("cannot open port %s", name);
	closedir(dir);
	return fd;
}

static void write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	for (; len; buf += n, len -= n) {
		n = write(fd, buf, len);
		if (n < 0)
			fail("cannot write to the host");
	}
}

static int open_stream(struct stream *s, const char *name)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		fail("cannot create a pipe");
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	s->pipe = ends[0];
	s->port = open_port(name);
	return ends[1];
}

/*
 * Takes what is in the pipe now and no more: a daemon that never stops writing
 * must not keep the VM from ending.
 */
static void drain(struct stream *s)
{
	char buf[32768];
	int left = 0;
	ssize_t n;

	ioctl(s->pipe, FIONREAD, &left);
	do {
		n = read(s->pipe, buf, sizeof(buf));
		if (n > 0)
			write_all(s->port, buf, n);
		left -= n;
	} while (n > 0 && left > 0);
	if (!n)
		s->pipe = -1;	/* closed by its last writer: poll() skips it */
}

static int open_tty(const struct job *job)
{
	struct winsize size = { .ws_row = job->rows, .ws_col = job->cols };
	int fd = open("/dev/hvc0", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		fail("cannot open the terminal");
	ioctl(fd, TIOCSWINSZ, &size);
	return fd;
}

static void __attribute__((noreturn))
exec_job(struct job *job, int in, int out, int err)
{
	sigset_t none;

	setsid();
	if (job->rows)
		ioctl(in, TIOCSCTTY, 0);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir(job->cwd)) {
		dprintf(2, "vm/run: cannot enter %s: %s\n", job->cwd, strerror(errno));
		_exit(126);
	}
	environ = job->envp;	/* execvp() looks for CMD in our own PATH */
	execvp(job->argv[0], job->argv);
	dprintf(2, "vm/run: cannot run %s: %s\n", job->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static pid_t start_job(struct job *job, int in, int out, int err)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("cannot fork");
	if (!pid)
		exec_job(job, in, out, err);
	return pid;
}

/* Reaps every orphan too. Returns 1 with CMD's status once @pid has ended. */
static int reap(pid_t pid, int *status)
{
	int done = 0, st;
	pid_t p;

	while ((p = waitpid(-1, &st, WNOHANG)) > 0) {
		if (p != pid)
			continue;
		*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
		done = 1;
	}
	return done;
}

static int watch_children(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fail("cannot create a signalfd");
	return fd;
}

/*
 * Ends with CMD, not with the last holder of its pipes: a daemon that CMD left
 * behind must not keep the VM alive.
 */
static int pump(pid_t pid, int chld, struct stream *streams, int n)
{
	struct signalfd_siginfo info;
	struct pollfd fds[3];
	int i, status = 0, done = 0;

	while (!done) {
		fds[0] = (struct pollfd){ .fd = chld, .events = POLLIN };
		for (i = 0; i < n; i++)
			fds[i + 1] = (struct pollfd){ .fd = streams[i].pipe,
						      .events = POLLIN };
		poll(fds, n + 1, -1);
		if (fds[0].revents && read(chld, &info, sizeof(info)) > 0)
			done = reap(pid, &status);
		for (i = 0; i < n; i++)
			if (done || fds[i + 1].revents)
				drain(&streams[i]);
	}
	return status;
}

static int run_in_pipes(struct job *job, int chld)
{
	int in = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stream streams[2];
	int out, err;
	pid_t pid;

	out = open_stream(&streams[0], "out");
	err = open_stream(&streams[1], "err");
	pid = start_job(job, in, out, err);
	close(out);
	close(err);
	return pump(pid, chld, streams, 2);
}

static int run_on_tty(struct job *job, int chld)
{
	int tty = open_tty(job);
	int status;

	status = pump(start_job(job, tty, tty, tty), chld, NULL, 0);
	tcdrain(tty);
	return status;
}

/*
 * What nobody points to any more. An object counts when it is 5 s old and two
 * scans in a row have not found it; the kernel then logs how many there are.
 */
static void scan_for_leaks(void)
{
	int fd = open("/sys/kernel/debug/kmemleak", O_RDWR | O_CLOEXEC);
	int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char line[4096];
	FILE *leaks;
	int i;

	if (fd < 0)
		return;
	sleep(6);
	for (i = 0; i < 2; i++)
		if (write(fd, "scan", 4) != 4)
			fail("cannot scan for leaks");
	leaks = fdopen(fd, "r");
	while (fgets(line, sizeof(line), leaks))
		dprintf(log, "leaks: %s", line);
	fclose(leaks);
	close(log);
}

/* Puts into @hex what the linker has made of all that the running kernel consists of. */
static void read_build_id(char *hex, size_t size)
{
	size_t len, i;
	char *pos = slurp("/sys/kernel/notes", &len), *end = pos + len, *desc;
	Elf64_Nhdr *note;

	for (; pos + sizeof(*note) <= end; pos = desc + ((note->n_descsz + 3) & ~3u)) {
		note = (void *)pos;
		desc = pos + sizeof(*note) + ((note->n_namesz + 3) & ~3u);
		if (note->n_type != NT_GNU_BUILD_ID || strcmp(pos + sizeof(*note), ELF_NOTE_GNU))
			continue;
		for (i = 0; i < note->n_descsz && 2 * i + 2 < size; i++)
			sprintf(hex + 2 * i, "%02x", (unsigned char)desc[i]);
		return;
	}
	fail("the kernel has no build ID");
}

static void check_build_id(const struct job *job)
{
	char line[200], have[129];
	int len;

	if (!*job->build_id)
		return;
	read_build_id(have, sizeof(have));
	if (!strcmp(have, job->build_id))
		return;
	len = snprintf(line, sizeof(line), "kernel %s %s\n", job->nonce, have);
	write_all(open_port("status"), line, len);
	power_off();
}

static void report(const struct job *job, int status)
{
	size_t taint = 0;
	char line[200];
	FILE *f;
	int len;

	f = fopen("/proc/sys/kernel/tainted", "r");
	if (!f || fscanf(f, "%zu", &taint) != 1)
		fail("cannot read the taint flags");
	len = snprintf(line, sizeof(line), "exit %s %d %zu\n", job->nonce, status, taint);
	write_all(open_port("status"), line, len);
}

int main(int argc, char **argv)
{
	static struct job job;
	int chld, status;

	/* The job is the last argument: the kernel hands down what it does not know. */
	if (getpid() != 1 || argc < 2) {
		fputs("This is the VM's PID 1; vm/run starts it.\n", stderr);
		return 1;
	}
	read_job(&job, argv[argc - 1]);
	if (!root_is_initramfs())
		enter_overlay(job.shared);
	mount_all();
	check_build_id(&job);
	set_clock(job.now);
	loopback_up();
	raise_limits();
	chld = watch_children();
	status = job.rows ? run_on_tty(&job, chld) : run_in_pipes(&job, chld);
	scan_for_leaks();
	report(&job, status);
	power_off();
}
