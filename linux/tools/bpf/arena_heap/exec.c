// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * The process whose heap it is executes another program, as shell scripts, env(1) and
 * setpriv(1) do at their end: that program is to have the arena. What the process starts
 * as another process is not: there the arena's file descriptor is closed on exec().
 *
 * The functions that end in l take their arguments as the C library's do: up to a NULL.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "preload.h"

/* keep() before, lose() if exec() has come back */
static void keep(void)
{
	if (heap_is_mine())
		fcntl(heap.fd, F_SETFD, 0);
}

static int lose(int err)
{
	int saved = errno;

	if (heap_is_mine())
		fcntl(heap.fd, F_SETFD, FD_CLOEXEC);
	errno = saved;
	return err;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	keep();
	return lose(syscall(SYS_execve, path, argv, envp));
}

EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[],
		    int flags)
{
	keep();
	return lose(syscall(SYS_execveat, dir, path, argv, envp, flags));
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	return execveat(fd, "", argv, envp, AT_EMPTY_PATH);
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

/* They search $PATH, and run what is no program by the shell. */
EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	__typeof__(execvpe) *next = dlsym(RTLD_NEXT, "execvpe");

	keep();
	return lose(next(file, argv, envp));
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

static int count(va_list ap)
{
	int n = 0;

	while (va_arg(ap, char *))
		n++;
	return n;
}

/* argv[] of a function's last named argument and those after it */
#define COLLECT(arg)							\
	va_list ap;							\
	char **argv;							\
	int i, n;							\
									\
	va_start(ap, arg);						\
	n = count(ap);							\
	va_end(ap);							\
	argv = alloca((n + 2) * sizeof(*argv));				\
	argv[0] = (char *)arg;						\
	va_start(ap, arg);						\
	for (i = 1; i <= n + 1; i++)					\
		argv[i] = va_arg(ap, char *)

EXPORT int execl(const char *path, const char *arg, ...)
{
	COLLECT(arg);
	va_end(ap);
	return execv(path, argv);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	COLLECT(arg);
	va_end(ap);
	return execvp(file, argv);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;

	COLLECT(arg);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, argv, envp);
}
