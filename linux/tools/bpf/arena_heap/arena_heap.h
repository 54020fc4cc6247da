/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __ARENA_HEAP_H
#define __ARENA_HEAP_H

/*
 * What the launcher, the preloaded library and others that look at the arena share.
 *
 *	4 GiB line                                                       next line
 *	|            start          start + 64 KiB = 32 MiB * n               |
 *	|<- >= 32 MiB ->| this header |   heap: blocks of 32 MiB   |          |
 *	                                mimalloc's, a segment each
 *
 * mimalloc 2.0.9 takes only memory whose address and size are multiples of 32 MiB;
 * what else it is given it accepts, and crashes later. The header lies in front. The
 * arena never begins on a 4 GiB line, where its first page would be NULL to programs.
 * So the heap has at most 127 blocks. The header is as long as the largest page.
 *
 * The header is the arena's first bytes, so that read() of the map, which needs no
 * mapping, shows what it is. Its numbers are the library's, which writes them without
 * a lock; others only read them, except root[].
 */
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/types.h>

#define ARENA_HEAP_BLOCK	(32UL << 20)
#define ARENA_HEAP_MAX_BLOCKS	127
#define ARENA_HEAP_HEADER	(64UL << 10)

#define ARENA_HEAP_MAGIC	0x70616568616e6572ULL /* "renaheap" */
#define ARENA_HEAP_VERSION	1

/* Flags of the heap */
#define ARENA_HEAP_LIMIT	1 /* nothing outside: what does not fit fails */

struct arena_heap_header {
	__u64 magic;
	__u32 version;
	__u32 pid;		/* of the process whose heap it is, as it sees itself */
	__u64 cookie;		/* random: the library knows its arena by it */
	__u64 start;		/* of the arena, where the header is */
	__u32 blocks;		/* of the heap */
	__u32 flags;
	__u64 programs;		/* that the process has executed with this heap */
	__u64 outside;		/* bytes that mimalloc has from elsewhere now */
	__u64 did_not_fit;	/* how often it asked for a block or more of that */
	__u64 forks;		/* children that got a copy */
	__u64 fork_bytes;	/* copied, in all */
	__u64 fork_ns;		/* that the process stood still for this, in all */
	__u64 fork_failures;
	/* For other libraries that are preloaded: where programs find their data */
	__u64 root[16];
};

/*
 * How the library learns of it: ARENA_HEAP=PID:FD:COOKIE:START:BLOCKS:FLAGS, in hex. Only
 * the process with that PID, before and after it executes another program, has the
 * heap; the programs that it starts as other processes run without.
 */
#define ARENA_HEAP_ENV		"ARENA_HEAP"
#define ARENA_HEAP_FMT		"%x:%x:%llx:%llx:%x:%x"

/*
 * Is this file descriptor an arena of ours? What is none is not read from, nor is its
 * offset moved: maps are anonymous inodes, which have no type, and none of the others is
 * of that size.
 */
static inline bool arena_heap_read_header(int fd, struct arena_heap_header *h)
{
	struct stat st;
	off_t size;

	if (fstat(fd, &st) || st.st_mode & S_IFMT)
		return false;
	size = lseek(fd, 0, SEEK_END);
	if (size < (off_t)(ARENA_HEAP_HEADER + ARENA_HEAP_BLOCK) || lseek(fd, 0, SEEK_SET) ||
	    read(fd, h, sizeof(*h)) != sizeof(*h))
		return false;
	return h->magic == ARENA_HEAP_MAGIC && h->version == ARENA_HEAP_VERSION &&
	       size == (off_t)(ARENA_HEAP_HEADER + h->blocks * ARENA_HEAP_BLOCK);
}

/* Exit status when it is arena-heap that fails, as env(1) and nice(1) have it */
#define ARENA_HEAP_EXIT		125

#endif
