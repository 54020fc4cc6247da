/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs of the corpus have in common: an arena, memory out of it, and
 * short names of types.
 *
 * The programs are what users write: nothing in them is shaped for a verifier, but for
 * can_loop and cond_break in loops over data. They are verified, and not run.
 */
#ifndef __CORPUS_H
#define __CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1000); /* pages */
} arena SEC(".maps");

#define CHUNK_PAGES 4

static char __arena *chunk;
static u32 chunk_left;

/* Memory that is never given back, of up to CHUNK_PAGES pages. NULL if there is none. */
static __always_inline void __arena *alloc(u32 size)
{
	char __arena *p;

	size = (size + 7) & ~7U;
	if (size > chunk_left) {
		chunk = bpf_arena_alloc_pages(&arena, NULL, CHUNK_PAGES, -1, 0);
		if (!chunk)
			return NULL;
		chunk_left = CHUNK_PAGES * 4096;
	}
	p = chunk;
	chunk += size;
	chunk_left -= size;
	return p;
}

#define new(type) ((type __arena *)alloc(sizeof(type)))
#define new_array(type, n) ((type __arena *)alloc(sizeof(type) * (n)))

char _license[] SEC("license") = "GPL";

#endif
