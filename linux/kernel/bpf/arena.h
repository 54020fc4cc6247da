/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by arena.c and arena_pages.c; see the heads of both. */
#ifndef _KERNEL_BPF_ARENA_H
#define _KERNEL_BPF_ARENA_H

#include <linux/bitmap.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

/* Bytes that can be addressed by the low half of a pointer */
#define ARENA_WINDOW_SIZE	SZ_4G

/*
 * Where the window begins, so that its page tables, and the tables of these if
 * they fit, have nothing else in them and can go with the arena.
 */
#define ARENA_ALIGN		(PUD_SIZE <= ARENA_WINDOW_SIZE ? PUD_SIZE : PMD_SIZE)

/* A chunk is what one page table of the window maps */
#define ARENA_CHUNK_PAGES	PTRS_PER_PTE
#define ARENA_CHUNKS		(ARENA_WINDOW_SIZE / PMD_SIZE)

/* Chunks are found through groups, so that few of them need little memory */
#define ARENA_GROUP_CHUNKS	min_t(u32, 64, ARENA_CHUNKS)
#define ARENA_GROUPS		DIV_ROUND_UP(ARENA_CHUNKS, 64)

/* No window page number; also: any address will do */
#define ARENA_NOWHERE		U32_MAX

/* The OOM killer would hit whoever runs the program; fail instead. */
#define ARENA_GFP		(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

/* What a caller that may not sleep can allocate at once */
#define ARENA_NOSLEEP_PAGES	32

/*
 * What the pool holds for such callers: at least, and at most. With all its
 * slots it fits into a page.
 */
#define ARENA_POOL_MIN		ARENA_NOSLEEP_PAGES
#define ARENA_POOL_MAX		416
#define ARENA_POOL_SLOTS	448

/* The worker is on its way; a caller found no address in any chunk */
#define ARENA_KICKED		0
#define ARENA_STARVED		1

/**
 * struct arena_pool - zeroed pages; see arena_pool.c
 * @ready: pages that nobody has a claim to yet
 * @filled: slots with a page in them
 * @slots: the pages
 * @min: least value of @target, 0 before a program is loaded that may not sleep
 * @target: what the worker fills up to
 * @hits: pages given to callers that may not sleep
 * @misses: pages that such callers asked for and that were not ready
 * @asked: @hits + @misses when the worker ran last
 * @used_at: jiffies when a page was wanted last, as far as the worker knows
 */
struct arena_pool {
	atomic_t ready;
	atomic_long_t filled[ARENA_POOL_SLOTS / BITS_PER_LONG];
	struct page *slots[ARENA_POOL_SLOTS];
	u32 min;
	u32 target;
	atomic64_t hits;
	atomic64_t misses;
	u64 asked;
	unsigned long used_at;
};

/* Steps that arena_fail.c may make fail, as bits of debugfs' fail_bpf_arena/points */
enum arena_fail_point {
	ARENA_FAIL_RANGE,	/* -EBUSY: mapped elsewhere by then */
	ARENA_FAIL_CLAIM,	/* -EBUSY: the address is taken by then */
	ARENA_FAIL_LIST,	/* -EINTR: the task is about to die */
};

#ifdef CONFIG_BPF_ARENA_FAIL
bool arena_should_fail(enum arena_fail_point point);
#else
static inline bool arena_should_fail(enum arena_fail_point point)
{
	return false;
}
#endif

/* Why allocations fail */
enum arena_failure {
	ARENA_FAILED_ARGS,	/* no such address, node, flag; no page asked for */
	ARENA_FAILED_ADDR,	/* the address, or every one, is taken */
	ARENA_FAILED_MEM,	/* no memory, or the cgroup's limit */
	ARENA_FAILED_COUNT,	/* more than ARENA_NOSLEEP_PAGES */
	ARENA_FAILED_POOL,	/* the pool had less */
	ARENA_FAILED_TABLE,	/* no page table there yet */
	ARENA_FAILED_KILLED,	/* the task is about to die */
	ARENA_FAILURES
};

/**
 * struct bpf_arena - an arena
 * @map: the map, first member
 * @user_vm_start: where every process maps the arena; 0 before that is known.
 *	Programs read it through CO-RE, its name is part of the interface
 * @user_vm_end: first address behind the user mapping
 * @kern_vm: the reserved kernel window with its guards
 * @kern_vm_start: kernel address of the low 32 bits 0, aligned to ARENA_ALIGN
 * @lock: serializes what may sleep: user PTEs, new chunks, the end of pages
 * @mapping: holds the VMAs of all processes
 * @groups: pointers to chunks, by wpn / ARENA_CHUNK_PAGES; none ever goes away
 * @avail: chunks that may have a free address
 * @dirty: chunks in which something was freed and is not reaped
 * @wanted: chunks that a caller which may not sleep has missed
 * @hint: chunk that had a free address last
 * @nr_chunks: chunks that there are
 * @nr_pages: pages in the chunks, freed ones too before they are reaped
 * @pool: pages to come, and pages that were; NULL before there may be any
 * @work: reaps, fills @pool, makes chunks that are @wanted
 * @kick: starts @work from any context
 * @flags: ARENA_KICKED, ARENA_STARVED
 * @failed: allocations that failed, by cause
 * @faults: accesses of programs to pages that are not there
 * @last_fault: user address of the last one
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
	DECLARE_BITMAP(dirty, ARENA_CHUNKS);
	DECLARE_BITMAP(wanted, ARENA_CHUNKS);
	u32 hint;
	u32 nr_chunks;
	atomic_t nr_pages;

	struct arena_pool *pool;
	struct delayed_work work;
	struct irq_work kick;
	unsigned long flags;

	atomic64_t failed[ARENA_FAILURES];
	atomic64_t faults;
	u64 last_fault;
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

/* Is it time for the worker? */
static inline bool arena_pool_is_low(const struct arena_pool *pool)
{
	return atomic_read(&pool->ready) < READ_ONCE(pool->target) / 2;
}

/* Time for it now? */
static inline bool arena_pool_is_urgent(const struct arena_pool *pool)
{
	return atomic_read(&pool->ready) < READ_ONCE(pool->target) / 4;
}

void arena_pages_init(struct bpf_arena *arena);
void arena_pages_exit(struct bpf_arena *arena);

int arena_pages_alloc(struct bpf_arena *arena, u32 wpn, u32 cnt, int nid);
int arena_pages_alloc_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_pages_free(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_pages_free_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt);
int arena_pages_hold(struct bpf_arena *arena, u32 wpn, u32 cnt);
int arena_pages_hold_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt);

struct page *arena_page_find(struct bpf_arena *arena, u32 wpn);
int arena_page_insert(struct bpf_arena *arena, u32 wpn, struct page *page);
u32 arena_page_seek(struct bpf_arena *arena, u32 wpn, bool there);

struct page *arena_page_alloc(struct bpf_arena *arena);
int arena_list_alloc(struct bpf_arena *arena, u32 cnt, int nid,
		     struct list_head *pages);

int arena_pool_create(struct bpf_arena *arena, u32 min);
void arena_pool_destroy(struct bpf_arena *arena);
void arena_pool_fill(struct bpf_arena *arena);
unsigned long arena_pool_delay(const struct arena_pool *pool);
bool arena_pool_reserve(struct arena_pool *pool, u32 cnt);
void arena_pool_unreserve(struct arena_pool *pool, u32 cnt);
void arena_pool_take(struct arena_pool *pool, u32 cnt, struct list_head *pages);
bool arena_pool_recycle(struct arena_pool *pool, struct page *page);

void arena_note_failure(struct bpf_arena *arena, int err);
u64 arena_map_mem_usage(const struct bpf_map *map);
void arena_map_show_fdinfo(const struct bpf_map *map, struct seq_file *m);

#endif
