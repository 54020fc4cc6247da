// SPDX-License-Identifier: GPL-2.0
/*
 * arena-memcached: runs memcached in an arena, and XDP beside it
 *
 *	arena-memcached OPTIONS
 *	  | exec                         checks options, version, kernel
 *	arena-heap -- arena-memcached --inside 1.6.18 OPTIONS
 *	  | exec                         makes the arena
 *	arena-memcached --inside ...     attaches XDP; starts the probe, nobody's child
 *	  | exec                         with LD_PRELOAD, and the link of XDP open
 *	memcached OPTIONS
 *
 * All one process, so that whoever started it has memcached's process ID, signals and
 * exit status. exec() keeps the arena for the program that the process becomes.
 *
 * Where something rules acceleration out, memcached runs without, or with --require not
 * at all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"

#define PRELOAD "arena_memcached_preload.so"

static char self[PATH_MAX];

static void say(const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	fprintf(stderr, "arena-memcached: %s\n", text);
}

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	exit(EXIT_FAILED);
}

/* A file that lies beside this program */
static char *beside(const char *name)
{
	char dir[PATH_MAX], *path;

	strcpy(dir, self);
	if (asprintf(&path, "%s/%s", dirname(dir), name) < 0)
		die("no memory");
	return path;
}

static char *find_heap(void)
{
	char *path = beside("arena-heap");

	return access(path, X_OK) ? strdup("arena-heap") : path;
}

static void __attribute__((noreturn)) run_memcached(const struct options *o)
{
	execvp(o->program, o->argv);
	die("%s: %s", o->program, strerror(errno));
}

/* No acceleration: @why is an option or what else rules it out. */
static void __attribute__((noreturn)) run_without(const struct options *o, const char *why)
{
	if (o->require)
		die("XDP cannot answer for this memcached: %s", why);
	complain("memcached runs without XDP: %s", why);
	run_memcached(o);
}

/* What can be known beforehand */

/* "memcached 1.6.18", said by itself; NULL if it says nothing */
static char *version_of(const char *program)
{
	static char line[64];
	int ends[2], status;
	ssize_t len;
	pid_t pid;

	if (pipe(ends))
		die("pipe: %s", strerror(errno));
	pid = vfork();
	if (!pid) {
		dup2(ends[1], 1);
		execlp(program, program, "-V", NULL);
		_exit(127);
	}
	close(ends[1]);
	len = pid < 0 ? -1 : read(ends[0], line, sizeof(line) - 1);
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	line[len > 0 ? len : 0] = 0;
	line[strcspn(line, "\n")] = 0;
	return strncmp(line, "memcached ", 10) ? NULL : line + 10;
}

static bool can_make_arena(const char *heap)
{
	int status;
	pid_t pid;

	pid = vfork();
	if (!pid) {
		execlp(heap, heap, "-m", "32", "--", "true", NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* bpf_ktime_get_ns() knows no time namespaces. */
static bool clock_is_shifted(void)
{
	FILE *file = fopen("/proc/self/timens_offsets", "re");
	long long seconds = 0;

	if (!file)
		return false;
	if (fscanf(file, "monotonic %lld", &seconds) != 1)
		seconds = 0;
	fclose(file);
	return seconds;
}

static char *check(const struct options *o, const char *heap)
{
	static char why[128];
	char *version;

	if (o->why_not)
		run_without(o, o->why_not);
	version = version_of(o->program);
	if (!version)
		die("%s: does not run, or is not memcached", o->program);
	if (!find_layout(version)) {
		snprintf(why, sizeof(why), "memcached %s is not known, 1.6.18 is", version);
		run_without(o, why);
	}
	if (clock_is_shifted())
		run_without(o, "the clock of a time namespace");
	if (!can_make_arena(heap))
		run_without(o, "no arena can be made: see above");
	return version;
}

/* argv with some in front */
static void __attribute__((noreturn)) run_inside(const struct options *o, int argc, char **argv)
{
	char *heap = find_heap();
	char *version = check(o, heap), **args = calloc(argc + 10, sizeof(*args));
	int n = 0;

	if (!args)
		die("no memory");
	args[n++] = heap;
	if (o->mib) {
		args[n++] = "-m";
		args[n++] = (char *)o->mib;
	}
	if (o->pin) {
		args[n++] = "-p";
		args[n++] = (char *)o->pin;
	}
	args[n++] = "--";
	args[n++] = self;
	args[n++] = "--inside";
	args[n++] = version;
	memcpy(args + n, argv + 1, argc * sizeof(*args));
	execvp(heap, args);
	die("%s: %s", heap, strerror(errno));
}

/* Inside */

static int arena_fd(void)
{
	const char *env = getenv(ARENA_HEAP_ENV);
	unsigned int pid, fd, blocks, flags;
	unsigned long long cookie, start;

	if (!env || sscanf(env, ARENA_HEAP_FMT, &pid, &fd, &cookie, &start, &blocks, &flags) != 6)
		die("--inside: not under arena-heap");
	return fd;
}

/* The probe is an ordinary process: neither library is for it. */
static char **plain_environment(void)
{
	char **env, **from, **to;
	int n = 0;

	while (environ[n])
		n++;
	env = calloc(n + 1, sizeof(*env));
	if (!env)
		die("no memory");
	to = env;
	for (from = environ; *from; from++)
		if (strncmp(*from, "LD_PRELOAD=", 11) &&
		    strncmp(*from, ARENA_HEAP_ENV "=", sizeof(ARENA_HEAP_ENV)))
			*to++ = *from;
	return env;
}

/* Both where neither of the two places is that they are to have */
static void pass_files(posix_spawn_file_actions_t *actions, int fd, int link)
{
	fd = fcntl(fd, F_DUPFD_CLOEXEC, LINK_FD + 1);
	link = fcntl(link, F_DUPFD_CLOEXEC, LINK_FD + 1);
	if (fd < 0 || link < 0)
		die("the probe: %s", strerror(errno));
	if (posix_spawn_file_actions_init(actions) ||
	    posix_spawn_file_actions_adddup2(actions, fd, ARENA_FD) ||
	    posix_spawn_file_actions_adddup2(actions, link, LINK_FD))
		die("no memory");
}

static void start_probe(const struct options *o, const char *version, int fd, int link)
{
	const char *host = o->listen ? o->listen[0] : "127.0.0.1";
	char *args[9] = { self, "--probe", (char *)version, NULL, (char *)host,
			  (char *)o->port, o->require ? "require" : "try", (char *)o->iface };
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	if (asprintf(&args[3], "%d", getpid()) < 0)
		die("no memory");
	pass_files(&actions, fd, link);
	errno = posix_spawn(&pid, self, &actions, NULL, args, plain_environment());
	if (errno)
		die("the probe: %s", strerror(errno));
	waitpid(pid, &status, 0);
}

/* In front of mimalloc, whose calloc() and free() it has to come before */
static void set_preload(void)
{
	const char *old = getenv("LD_PRELOAD");
	char *path = beside(PRELOAD), *list;

	if (strpbrk(path, ": "))
		die("%s: LD_PRELOAD can hold no path with a blank or a colon", path);
	if (access(path, R_OK))
		die("%s: %s", path, strerror(errno));
	if (asprintf(&list, "%s:%s", path, old ?: "") < 0 || setenv("LD_PRELOAD", list, 1))
		die("no memory");
}

static void __attribute__((noreturn)) inside(const struct options *o, const char *version)
{
	int fd = arena_fd(), link;

	link = xdp_attach(o, find_layout(version), fd);
	if (link < 0)
		run_without(o, "see above");
	start_probe(o, version, fd, link);
	set_preload();
	fcntl(link, F_SETFD, 0);
	run_memcached(o);
}

int main(int argc, char **argv)
{
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *version = NULL;
	struct options o;

	if (len < 0)
		die("/proc/self/exe: %s", strerror(errno));
	if (argc == 8 && !strcmp(argv[1], "--probe"))
		return probe_main(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "--inside")) {
		version = argv[2];
		argv += 2;
		argc -= 2;
	}
	parse_options(argc, argv, &o);
	if (o.stats)
		return show_stats(o.stats);
	if (o.only_says)
		run_memcached(&o);
	if (version)
		inside(&o, version);
	run_inside(&o, argc, argv);
}
