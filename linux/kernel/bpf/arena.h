/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by arena.c and arena_pages.c; see the heads of both. */
#ifndef _KERNEL_BPF_ARENA_H
#define _KERNEL_BPF_ARENA_H

#include <linux/bitmap.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

/* Bytes that can be addressed by the low half of a pointer */
#define ARENA_WINDOW_SIZE	SZ_4G

/* A chunk is what one page table of the window maps */
#define ARENA_CHUNK_PAGES	PTRS_PER_PTE
#define ARENA_CHUNKS		(ARENA_WINDOW_SIZE / PMD_SIZE)

/* Chunks are found through groups, so that few of them need little memory */
#define ARENA_GROUP_CHUNKS	min_t(u32, 64, ARENA_CHUNKS)
#define ARENA_GROUPS		DIV_ROUND_UP(ARENA_CHUNKS, 64)

/* No window page number; also: any address will do */
#define ARENA_NOWHERE		U32_MAX

/* What a caller that may not sleep can allocate at once */
#define ARENA_NOSLEEP_PAGES	32

/* Bounds of the pool for such callers, in pages */
#define ARENA_POOL_MIN	ARENA_NOSLEEP_PAGES
#define ARENA_POOL_MAX		512

/* The pool shrinks when nobody has taken a page from it for so long */
#define ARENA_POOL_IDLE		(5 * HZ)

/* The worker is on its way; a caller found no address in any chunk */
#define ARENA_KICKED		0
#define ARENA_STARVED		1

/**
 * struct arena_pool - zeroed pages for callers that may not sleep
 * @ready: pages that nobody has a claim to yet
 * @filled: slots with a page in them
 * @slots: the pages
 * @target: what the worker fills up to
 * @taken: pages asked for since the worker ran last
 * @idle_at: jiffies after which the pool shrinks
 */
struct arena_pool {
	atomic_t ready;
	atomic_long_t filled[ARENA_POOL_MAX / BITS_PER_LONG];
	struct page *slots[ARENA_POOL_MAX];
	u32 target;
	atomic_t taken;
	unsigned long idle_at;
};

/**
 * struct bpf_arena - an arena
 * @map: the map, first member
 * @user_vm_start: where every process maps the arena; 0 before that is known.
 *	Programs read it through CO-RE, its name is part of the interface
 * @user_vm_end: first address behind the user mapping
 * @kern_vm: the reserved kernel window with its guards
 * @kern_vm_start: kernel address of the low 32 bits 0, aligned to a chunk
 * @lock: serializes what may sleep: user PTEs, new chunks, the end of pages
 * @mapping: holds the VMAs of all processes
 * @groups: pointers to chunks, by wpn / ARENA_CHUNK_PAGES; none ever goes away
 * @avail: chunks that may have a free address
 * @dirty: chunks in which something was freed and is not reaped
 * @wanted: chunks that a caller which may not sleep has missed
 * @hint: chunk that had a free address last
 * @nr_chunks: chunks that there are
 * @nr_pages: pages in the chunks, freed ones too before they are reaped
 * @pool: NULL before a program may need it
 * @work: reaps, fills @pool, makes chunks that are @wanted
 * @kick: starts @work from any context
 * @flags: ARENA_KICKED, ARENA_STARVED
 */
struct bpf_arena {
	struct bpf_map map;
	u64 user_vm_start;
	u64 user_vm_end;
	struct vm_struct *kern_vm;
	unsigned long kern_vm_start;
	struct mutex lock;	/* user PTEs, chunks, the end of pages */
	struct address_space mapping;

	struct arena_chunk **groups[ARENA_GROUPS];
	DECLARE_BITMAP(avail, ARENA_CHUNKS);
	struct llist_head dirty;
	DECLARE_BITMAP(wanted, ARENA_CHUNKS);
	u32 hint;
	u32 nr_chunks;
	atomic_t nr_pages;

	struct arena_pool *pool;
	struct delayed_work work;
	struct irq_work kick;
	unsigned long flags;
};

static inline u64 arena_size(const struct bpf_arena *arena)
{
	return (u64)arena->map.max_entries << PAGE_SHIFT;
}

/*
 * Window page number: the page of the window that an address is in. The arena
 * has those from arena_first() to arena_end() - 1. Unlike pgoff it needs no
 * knowledge of the user mapping, and chunks of it are page tables.
 */
static inline u32 arena_first(const struct bpf_arena *arena)
{
	return (u32)READ_ONCE(arena->user_vm_start) >> PAGE_SHIFT;
}

static inline u32 arena_end(const struct bpf_arena *arena)
{
	return arena_first(arena) + arena->map.max_entries;
}

static inline unsigned long arena_kaddr(const struct bpf_arena *arena, u32 wpn)
{
	return arena->kern_vm_start + ((unsigned long)wpn << PAGE_SHIFT);
}

void arena_pages_init(struct bpf_arena *arena);
void arena_pages_exit(struct bpf_arena *arena);

u32 arena_pages_alloc(struct bpf_arena *arena, u32 wpn, u32 cnt, int nid);
u32 arena_pages_alloc_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_pages_free(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_pages_free_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt);
int arena_pages_hold(struct bpf_arena *arena, u32 wpn, u32 cnt);
int arena_pages_hold_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt);

struct page *arena_page_alloc(const struct bpf_arena *arena, int nid);
struct page *arena_page_find(struct bpf_arena *arena, u32 wpn);
int arena_page_insert(struct bpf_arena *arena, u32 wpn, struct page *page);
u32 arena_page_seek(struct bpf_arena *arena, u32 wpn, bool there);

#endif
