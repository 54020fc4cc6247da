/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of the arena; arena.c has the picture. */
#ifndef _KERNEL_BPF_ARENA_H
#define _KERNEL_BPF_ARENA_H

#include <linux/bitmap.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
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

#define ARENA_CHUNK_WORDS	(ARENA_CHUNK_PAGES / BITS_PER_LONG)

/* Chunks are found through groups, so that few of them need little memory */
#define ARENA_GROUP_CHUNKS	BITS_PER_LONG
#define ARENA_GROUPS		DIV_ROUND_UP(ARENA_CHUNKS, ARENA_GROUP_CHUNKS)

/* Runs of free addresses are known by their power of two: 1, 2, 4, ..., a chunk */
#define ARENA_CLASSES		(const_ilog2(ARENA_CHUNK_PAGES) + 1)

/* No window page number; also: any address will do */
#define ARENA_NOWHERE		U32_MAX

/* The OOM killer would hit whoever runs the program; fail instead. */
#define ARENA_GFP		(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

/* A process that touches a page is treated as one that touches its own memory. */
#define ARENA_GFP_TOUCH		GFP_KERNEL

/* For the worker, which runs for nobody: what is not there at once is not had. */
#define ARENA_GFP_WORKER	(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY)

/* What a caller that may not sleep can allocate at once */
#define ARENA_NOSLEEP_PAGES	32

/*
 * What the pool holds for such callers: at least, so that four of them can begin at
 * once, and at most. With all its slots it fits into a page.
 */
#define ARENA_POOL_MIN		(PAGE_SIZE > SZ_4K ? ARENA_NOSLEEP_PAGES : \
				 4 * ARENA_NOSLEEP_PAGES)
#define ARENA_POOL_MAX		416
#define ARENA_POOL_SLOTS	448

/* The worker is on its way; at once */
#define ARENA_KICKED		0
#define ARENA_URGENT		1

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
 * @retry_at: jiffies before which the worker does not ask for memory again
 * @pause: how long it did not, when it last had to
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
	unsigned long retry_at;
	unsigned long pause;
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
 * struct arena_chunk - what one page table of the window maps; see arena_chunk.c
 * @idx: window page number of its first page / ARENA_CHUNK_PAGES
 * @ptes: the page table
 * @pages: a pointer for each of its pages, NULL where none is
 * @lock: user PTEs appear under it
 * @taken: addresses that are not free
 * @there: those with a page for everybody to use
 * @reserved: those that nobody gets
 * @dying: those whose page was freed, and has translations left
 * @doomed: the same, but somebody else refers to the page: it cannot be used again
 * @revived: dying pages that came back to life
 */
struct arena_chunk {
	u32 idx;
	pte_t *ptes;
	struct page **pages;
	struct mutex lock;	/* user PTEs that appear */
	atomic_t revived;
	atomic_long_t taken[ARENA_CHUNK_WORDS];
	atomic_long_t there[ARENA_CHUNK_WORDS];
	atomic_long_t reserved[ARENA_CHUNK_WORDS];
	atomic_long_t dying[ARENA_CHUNK_WORDS];
	atomic_long_t doomed[ARENA_CHUNK_WORDS];
};

/**
 * struct arena_group - chunks, and what is known of them without a look at them
 * @chunks: the chunks, NULL where none is
 * @made: a bit for each that is not NULL
 * @dirty: a bit for each in which something may be dying or doomed
 * @runs: [k] has a bit for each that may have 2^k addresses in a row; see
 *	arena_index.c
 */
struct arena_group {
	struct arena_chunk *chunks[ARENA_GROUP_CHUNKS];
	unsigned long made;
	unsigned long dirty;
	unsigned long runs[ARENA_CLASSES];
};

/* Which addresses a caller can make use of */
enum arena_kind {
	ARENA_FREE,	/* free ones */
	ARENA_DYING,	/* those with a page that can come back to life */
	ARENA_EITHER,
};

/* How long a caller may search, and what for */
enum arena_look {
	ARENA_LOOK_NOSLEEP,	/* a few chunks; dying pages first, to need none */
	ARENA_LOOK_QUICK,	/* a few chunks: preemption is off */
	ARENA_LOOK_ALL,
};

/**
 * struct bpf_arena - an arena
 * @map: the map, first member
 * @user_vm_start: where every process maps the arena; 0 before that is known.
 *	Programs read it through CO-RE, its name is part of the interface
 * @user_vm_end: first address behind the user mapping; for programs as well
 * @kern_vm: the reserved kernel window with its guards
 * @kern_vm_start: kernel address of the low 32 bits 0, aligned to ARENA_ALIGN
 * @lock: new chunks, the pool's creation; page tables are allocated under it, so
 *	nobody with an mmap_lock for write takes it
 * @settle: held for read by whoever has claimed addresses, or takes pages away, and
 *	may be preempted meanwhile; for write by whoever waits for these
 * @mapping: holds the VMAs of all processes
 * @objcg: the memory cgroup of whoever created the arena, which is charged
 * @groups: chunks, by window page number; none ever goes away
 * @dirty: groups with a bit in their @dirty
 * @runs: [k] has a bit for each group with a bit in its own [k]
 * @wanted: chunks that a caller which may not sleep has missed
 * @resume: chunk where the next look at chunks begins that may have no room
 * @pool: pages to come, and pages that were; NULL before there may be any
 * @work: reaps, fills @pool, makes chunks that are @wanted
 * @kick: starts @work from any context
 * @flags: ARENA_KICKED, ARENA_URGENT
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
	struct mutex lock;	/* chunks that come */
	struct rw_semaphore settle;
	struct address_space mapping;
#ifdef CONFIG_MEMCG_KMEM
	struct obj_cgroup *objcg;
#endif

	struct arena_group *groups[ARENA_GROUPS];
	unsigned long dirty;
	unsigned long runs[ARENA_CLASSES];
	DECLARE_BITMAP(wanted, ARENA_CHUNKS);
	u32 resume;

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

/* May the worker ask for memory again? */
static inline bool arena_pool_may_grow(const struct arena_pool *pool)
{
	return !time_before(jiffies, READ_ONCE(pool->retry_at));
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

/* Chunks: arena_chunk.c */

/* A chunk is complete before it can be found. */
static inline struct arena_chunk *arena_chunk_at(const struct bpf_arena *arena, u32 idx)
{
	struct arena_group *group;

	/* pairs with arena_chunk_add() */
	group = smp_load_acquire(&arena->groups[idx / ARENA_GROUP_CHUNKS]);
	/* pairs with arena_chunk_add() */
	return group ? smp_load_acquire(&group->chunks[idx % ARENA_GROUP_CHUNKS]) : NULL;
}

static inline struct arena_chunk *arena_chunk(const struct bpf_arena *arena, u32 wpn)
{
	return arena_chunk_at(arena, wpn / ARENA_CHUNK_PAGES);
}

static inline u32 arena_first_chunk(const struct bpf_arena *arena)
{
	return arena_first(arena) / ARENA_CHUNK_PAGES;
}

static inline u32 arena_last_chunk(const struct bpf_arena *arena)
{
	return (arena_end(arena) - 1) / ARENA_CHUNK_PAGES;
}

/* The page, or NULL; it stays while the caller has chunk->lock */
static inline struct page *chunk_page(const struct arena_chunk *chunk, u32 pos)
{
	/* pairs with arena_publish() */
	if (!(atomic_long_read_acquire(&chunk->there[BIT_WORD(pos)]) & BIT_MASK(pos)))
		return NULL;
	return chunk->pages[pos];
}

static inline bool chunk_is_reserved(const struct arena_chunk *chunk, u32 pos)
{
	return atomic_long_read(&chunk->reserved[BIT_WORD(pos)]) & BIT_MASK(pos);
}

/* Clears bits; no two callers get the same one. */
static inline unsigned long word_take(atomic_long_t *word, unsigned long mask)
{
	if (!(atomic_long_read(word) & mask))
		return 0;
	return atomic_long_fetch_andnot(mask, word) & mask;
}

/* The part of a range of addresses that is in one word of one chunk */
struct arena_span {
	struct arena_chunk *chunk;	/* may be NULL, the span is all of it then */
	u32 wpn, cnt;
	u32 end;			/* of the range */
	u32 word;
	unsigned long mask;
};

static inline struct arena_span arena_span(u32 wpn, u32 cnt)
{
	return (struct arena_span){ .wpn = wpn, .end = wpn + cnt };
}

bool arena_span_next(struct bpf_arena *arena, struct arena_span *s);
int arena_chunk_make(struct bpf_arena *arena, u32 idx, gfp_t gfp);
int arena_chunks_make(struct bpf_arena *arena, u32 wpn, u32 cnt, gfp_t gfp);
u32 arena_chunk_missing(const struct bpf_arena *arena, u32 cnt);
void arena_chunks_destroy(struct bpf_arena *arena);
void chunk_put_pages(struct bpf_arena *arena, struct arena_chunk *chunk, u32 word,
		     unsigned long bits);

/* What chunks have: arena_index.c */
unsigned long chunk_word(const struct arena_chunk *chunk, u32 word, enum arena_kind kind);
u32 chunk_run_at(const struct arena_chunk *chunk, u32 pos, u32 cnt);
u32 chunk_longest(const struct arena_chunk *chunk);
void arena_index_raise(struct bpf_arena *arena, u32 idx, u32 run);
void arena_index_lower(struct bpf_arena *arena, const struct arena_chunk *chunk);
u32 arena_index_next(struct bpf_arena *arena, u32 class, u32 idx);
void arena_dirty_set(struct bpf_arena *arena, u32 idx);
void arena_dirty_clear(struct bpf_arena *arena, u32 idx);
u32 arena_dirty_scan(const struct bpf_arena *arena, u32 idx);
u32 arena_dirty_next(struct bpf_arena *arena, u32 idx);

/* Addresses and their owners: arena_claim.c */
void chunk_bury(struct bpf_arena *arena, struct arena_chunk *chunk, u32 word,
		unsigned long dying, unsigned long doomed);
void chunk_raise(struct bpf_arena *arena, struct arena_chunk *chunk, u32 word,
		 unsigned long bits);
int arena_claim_at(struct bpf_arena *arena, u32 wpn, u32 cnt, enum arena_kind kind);
u32 arena_claim_any(struct bpf_arena *arena, u32 cnt, enum arena_kind kind,
		    enum arena_look how);
u32 arena_search(struct bpf_arena *arena, u32 cnt, enum arena_kind kind);
void arena_unclaim(struct bpf_arena *arena, u32 wpn, u32 cnt);
u32 arena_claim_missing(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_publish(struct bpf_arena *arena, u32 wpn, u32 cnt, struct list_head *pages);
void arena_reserve(struct bpf_arena *arena, u32 wpn, u32 cnt);

/* The end of pages: arena_reap.c */
void arena_free_now(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_free_later(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_unreserve(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_reap(struct bpf_arena *arena);
void arena_reap_range(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_reap_page(struct bpf_arena *arena, u32 wpn);
void arena_settle(struct bpf_arena *arena);

/* The calls: arena_pages.c */
void arena_pages_init(struct bpf_arena *arena);
void arena_pages_exit(struct bpf_arena *arena);
void arena_kick(struct bpf_arena *arena);
void arena_work_later(struct bpf_arena *arena);

int arena_pages_alloc(struct bpf_arena *arena, u32 wpn, u32 cnt, int nid);
int arena_pages_alloc_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_pages_free(struct bpf_arena *arena, u32 wpn, u32 cnt);
void arena_pages_free_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt);
int arena_pages_reserve(struct bpf_arena *arena, u32 wpn, u32 cnt);
int arena_pages_reserve_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt);

u32 arena_pages_count(const struct bpf_arena *arena, u64 *revived);
bool arena_page_revive(struct bpf_arena *arena, u32 wpn);
int arena_page_insert(struct bpf_arena *arena, u32 wpn, struct page **spare);
u32 arena_page_seek(struct bpf_arena *arena, u32 wpn, bool there);

/* Where pages come from: arena_pool.c */
void arena_memcg_get(struct bpf_arena *arena);
void arena_memcg_put(struct bpf_arena *arena);
void *arena_kzalloc(struct bpf_arena *arena, size_t size, gfp_t gfp);
struct page *arena_page_alloc(struct bpf_arena *arena, gfp_t gfp);
int arena_relieve(struct bpf_arena *arena, u32 step);
struct page *arena_page_try_alloc(struct bpf_arena *arena, gfp_t gfp);
int arena_list_alloc(struct bpf_arena *arena, u32 cnt, int nid, gfp_t gfp,
		     struct list_head *pages);

int arena_pool_create(struct bpf_arena *arena, u32 min);
void arena_pool_destroy(struct bpf_arena *arena);
void arena_pool_fill(struct bpf_arena *arena);
void arena_pool_back_off(struct arena_pool *pool);
unsigned long arena_pool_delay(const struct arena_pool *pool);
bool arena_pool_reserve(struct arena_pool *pool, u32 cnt);
void arena_pool_take(struct arena_pool *pool, u32 cnt, struct list_head *pages);
bool arena_pool_recycle(struct arena_pool *pool, struct page *page);

void arena_note_failure(struct bpf_arena *arena, int err);
u64 arena_map_mem_usage(const struct bpf_map *map);
void arena_map_show_fdinfo(const struct bpf_map *map, struct seq_file *m);

#endif
