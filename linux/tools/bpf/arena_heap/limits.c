// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * What programs do with memory from malloc(), and an arena does not take
 *
 *  - mlockall(MCL_CURRENT) touches all pages of all mappings, those of an arena, too,
 *    which is sparse and would be full. Its pages are never swapped out: they need no
 *    lock. So all mappings but the arena are locked, one by one.
 *  - A thread's end wakes those that wait for it by a futex that other processes could
 *    have, in what the C library keeps on its stack. An arena's pages have none such. So
 *    a thread that is to have its stack in the heap gets one of that size elsewhere.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include "preload.h"

/* What cannot be locked (vsyscall, say) the kernel skips as well; but not a limit. */
static int lock_others(int flags)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	int err = 0, c;

	if (!maps)
		return -1;
	while (!err && fscanf(maps, "%lx-%lx", &start, &end) == 2) {
		while ((c = getc(maps)) != '\n' && c != EOF)
			;
		if (!heap_contains((void *)start) &&
		    mlock2((void *)start, end - start, flags & MCL_ONFAULT ? MLOCK_ONFAULT : 0) &&
		    (errno == EPERM || errno == EAGAIN))
			err = -1;
	}
	fclose(maps);
	return err;
}

EXPORT int mlockall(int flags)
{
	__typeof__(mlockall) *next = dlsym(RTLD_NEXT, "mlockall");

	if (!(flags & MCL_CURRENT) || heap.fd < 0)
		return next(flags);
	if (lock_others(flags))
		return -1;
	return flags & MCL_FUTURE ? next(flags & ~MCL_CURRENT) : 0;
}

EXPORT int pthread_attr_setstack(pthread_attr_t *attr, void *stack, size_t size)
{
	__typeof__(pthread_attr_setstack) *next = dlsym(RTLD_NEXT, "pthread_attr_setstack");

	return heap.fd >= 0 && heap_contains(stack) ? pthread_attr_setstacksize(attr, size) :
	       next(attr, stack, size);
}
