/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __ARENA_HEAP_PRELOAD_H
#define __ARENA_HEAP_PRELOAD_H

/* What the files of the preloaded library share. Each says what it is for. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "arena_heap.h"

/* The library's symbols are the program's: all but those meant to be are hidden. */
#define EXPORT __attribute__((visibility("default")))

struct heap {
	int fd;		/* of the arena; -1 in a process that has none */
	pid_t pid;	/* whose heap it is */
	unsigned long start;
	size_t size;	/* of the arena, with the header */
	unsigned long long cookie;
	unsigned int blocks;
	unsigned int flags;
};

extern struct heap heap;

/* arena_heap_preload.c */
struct arena_heap_header *heap_header(void);
bool heap_is_mine(void);
bool heap_fd_is_arena(void);
bool heap_contains(const void *ptr);
bool next_data(off_t *pos, off_t *end);
void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...);

/* fork.c */
int fork_init(void);

/* stop.c */
const char *stop_threads(void);
bool stop_commit(void);
void start_threads(void);
void stop_forget(void);
int stop_init(void);

#endif
