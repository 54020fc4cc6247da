// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into bpftool: a kernel that has arenas and tells less about them.
 * Those from 6.9 on have neither the lines in fdinfo nor lseek().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

FILE *fopen(const char *path, const char *mode)
{
	FILE *(*next)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");

	return next(strncmp(path, "/proc/self/fdinfo/", 18) ? path : "/dev/null", mode);
}

off_t lseek(int fd, off_t off, int whence)
{
	errno = ESPIPE;
	return -1;
}
