// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/* Preloaded into arena-heap: bpf(2) fails with the error number $NOBPF. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

long syscall(long number, ...)
{
	__typeof__(syscall) *next = dlsym(RTLD_NEXT, "syscall");
	long arg[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_bpf && getenv("NOBPF")) {
		errno = atoi(getenv("NOBPF"));
		return -1;
	}
	return next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
