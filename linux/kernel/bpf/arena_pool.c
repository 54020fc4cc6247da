// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the pages of a BPF arena come from
 *
 * Problem. A program that may not sleep can neither ask the page allocator,
 * which may have to reclaim, nor spend the time that zeroing takes. One that may
 * sleep pays more for the way into the page allocator and back than for all the
 * rest of an allocation.
 *
 * Picture. Zeroed pages are kept in slots, and a bitmap tells in which.
 *
 *   page allocator --- worker ---+                +--> who may not sleep
 *                                +---> slots -----+
 *   freed pages ----- zeroed ----+                +--> who may sleep, surplus only
 *
 * The worker fills up to target, which follows what is asked for, from min to
 * ARENA_POOL_MAX; min is 0 before a program is loaded that may not sleep. Freed
 * pages are welcome up to ARENA_POOL_SURPLUS above that. The surplus goes back
 * to the system when nobody has wanted a page for ARENA_POOL_LINGER.
 *
 * Invariants.
 *  - A caller first takes cnt from ready, and so has a right to cnt pages: there
 *    are as many in the slots as ready and all such callers together account
 *    for. Then it looks for them; it may have to look again, but not for long.
 *    Any context, no lock.
 *  - A page in a slot is zeroed, charged to the map's memory cgroup, and has no
 *    reference but ours.
 */
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "arena.h"

/* The pool shrinks when nobody has taken a page from it for so long */
#define ARENA_POOL_IDLE		(5 * HZ)

/* What is above target, and how long it stays */
#define ARENA_POOL_SURPLUS	32
#define ARENA_POOL_LINGER	HZ

/* What is dying waits for no more than so many pages that are to come. */
#define ARENA_POOL_AT_ONCE	64

/* How often a caller that may sleep asks for memory, before there is none */
#define ARENA_RECLAIM_TRIES	4

/* All but keep of the pages that are ready may be taken. */
static bool pool_draw(struct arena_pool *pool, u32 cnt, u32 keep)
{
	int ready = atomic_read(&pool->ready);

	do {
		if (ready < (int)(cnt + keep))
			return false;
	} while (!atomic_try_cmpxchg(&pool->ready, &ready, ready - cnt));
	return true;
}

static struct page *pool_take(struct arena_pool *pool)
{
	unsigned long bits;
	u32 i = 0;

	for (;; i = (i + 1) % ARRAY_SIZE(pool->filled)) {
		bits = atomic_long_read(&pool->filled[i]);
		if (!bits)
			continue;
		bits &= -bits;
		if (atomic_long_fetch_andnot(bits, &pool->filled[i]) & bits)
			return xchg(&pool->slots[i * BITS_PER_LONG + __ffs(bits)], NULL);
	}
}

/*
 * Puts a zeroed page into a slot, or says that there is none. A slot whose bit
 * is clear may still be on its way out, or in: NULL tells.
 */
static bool pool_put(struct arena_pool *pool, struct page *page)
{
	unsigned long empty;
	u32 i, slot;

	for (i = 0; i < ARRAY_SIZE(pool->filled); i++) {
		empty = ~atomic_long_read(&pool->filled[i]);
		for (; empty; empty &= empty - 1) {
			slot = i * BITS_PER_LONG + __ffs(empty);
			/* its zeroes before the page; pairs with xchg() */
			if (cmpxchg(&pool->slots[slot], NULL, page))
				continue;
			atomic_long_or(empty & -empty, &pool->filled[i]);
			atomic_inc(&pool->ready);
			return true;
		}
	}
	return false;
}

/**
 * arena_pool_reserve() - get the right to pages of the pool
 * @pool: pool
 * @cnt: number of pages, at most ARENA_NOSLEEP_PAGES
 *
 * Context: any, NMI included.
 * Return: whether there are so many. Then each is to be had from arena_pool_take().
 */
bool arena_pool_reserve(struct arena_pool *pool, u32 cnt)
{
	if (pool_draw(pool, cnt, 0))
		return true;
	atomic64_add(cnt, &pool->misses);
	return false;
}

void arena_pool_take(struct arena_pool *pool, u32 cnt, struct list_head *pages)
{
	atomic64_add(cnt, &pool->hits);
	while (cnt--)
		list_add(&pool_take(pool)->lru, pages);
}

/**
 * arena_pool_recycle() - keep a page that has been freed
 * @pool: pool
 * @page: page without any translation
 *
 * Someone may still have a reference to the page, through get_user_pages() or a
 * TLB flush to come of a process that has just unmapped: then it is not ours. Nor is
 * a page whose memory has failed, which the page allocator puts aside.
 *
 * Context: may sleep.
 * Return: whether the pool has taken it, and the reference to it.
 */
bool arena_pool_recycle(struct arena_pool *pool, struct page *page)
{
	u32 ready = atomic_read(&pool->ready), target = READ_ONCE(pool->target);

	/* above target it is kept to be fast, and so near; below, to have one */
	if (ready >= target + ARENA_POOL_SURPLUS || page_count(page) != 1 ||
	    PageHWPoison(page) || (ready >= target && page_to_nid(page) != numa_mem_id()))
		return false;
	clear_highpage(page);
	return pool_put(pool, page);
}

/* A page that somebody freed, and that nobody who may not sleep will miss */
static struct page *pool_spare(struct bpf_arena *arena)
{
	struct arena_pool *pool = READ_ONCE(arena->pool);
	struct page *page;

	if (!pool || !pool_draw(pool, 1, READ_ONCE(pool->target)))
		return NULL;
	WRITE_ONCE(pool->used_at, jiffies);
	page = pool_take(pool);
	if (page_to_nid(page) == numa_mem_id())
		return page;
	put_page(page);
	return NULL;
}

/*
 * The map's reference to its cgroup goes before its ->map_free() is called, while
 * the worker may still allocate: the arena has one of its own.
 */
void arena_memcg_get(struct bpf_arena *arena)
{
#ifdef CONFIG_MEMCG_KMEM
	arena->objcg = get_obj_cgroup_from_current();
#endif
}

void arena_memcg_put(struct bpf_arena *arena)
{
#ifdef CONFIG_MEMCG_KMEM
	if (arena->objcg)
		obj_cgroup_put(arena->objcg);
#endif
}

/* With a reference */
static struct mem_cgroup *arena_memcg(const struct bpf_arena *arena)
{
#ifdef CONFIG_MEMCG_KMEM
	return arena->objcg ? get_mem_cgroup_from_objcg(arena->objcg) : root_mem_cgroup;
#else
	return NULL;
#endif
}

/**
 * arena_kzalloc() - memory for what the arena knows of itself, charged as pages are
 * @arena: arena
 * @size: bytes
 * @gfp: as for arena_list_alloc()
 *
 * Context: may sleep.
 * Return: zeroed memory for kfree(), or NULL.
 */
void *arena_kzalloc(struct bpf_arena *arena, size_t size, gfp_t gfp)
{
	struct mem_cgroup *memcg = arena_memcg(arena), *old_memcg;
	void *p;

	old_memcg = set_active_memcg(memcg);
	p = kzalloc(size, gfp | __GFP_ACCOUNT);
	set_active_memcg(old_memcg);
	mem_cgroup_put(memcg);
	return p;
}

/*
 * A zeroed page, charged to the active memory cgroup. What reclaim gives up may be
 * back, and uncharged, only after a grace period: dentries and inodes are. A caller
 * that must not have anybody killed for it waits for that before it gives up, a few
 * times, since what is referenced survives a first look.
 */
static struct page *page_new(int nid, gfp_t gfp)
{
	u32 tries = gfp & __GFP_RETRY_MAYFAIL ? ARENA_RECLAIM_TRIES : 1;
	struct page *page;

	for (;;) {
		page = alloc_pages_node(nid, gfp | __GFP_ACCOUNT | __GFP_ZERO, 0);
		if (page || !--tries || fatal_signal_pending(current))
			return page;
		rcu_barrier();
	}
}

/* Adds pages, charged to the active memory cgroup, to a list, until *cnt is 0. */
static int list_add_new(u32 *cnt, int nid, gfp_t gfp, struct list_head *pages)
{
	struct page *page;

	for (; *cnt; --*cnt) {
		if (fatal_signal_pending(current))
			return -EINTR;
		page = page_new(nid, gfp);
		if (!page)
			return -ENOMEM;
		list_add_tail(&page->lru, pages);
		cond_resched();
	}
	return 0;
}

/* Pages of the pool, and then new ones, until *cnt is 0 */
static int list_fill(struct bpf_arena *arena, u32 *cnt, int nid, gfp_t gfp,
		     struct list_head *pages)
{
	struct mem_cgroup *memcg, *old_memcg;
	struct page *page;
	int err;

	for (; *cnt && nid == NUMA_NO_NODE; --*cnt) {
		page = pool_spare(arena);
		if (!page)
			break;
		list_add_tail(&page->lru, pages);
	}
	if (!*cnt)
		return 0;

	memcg = arena_memcg(arena);
	old_memcg = set_active_memcg(memcg);
	err = list_add_new(cnt, nid, gfp, pages);
	set_active_memcg(old_memcg);
	mem_cgroup_put(memcg);
	return err;
}

/**
 * arena_relieve() - give memory back, for an allocation that has failed
 * @arena: arena
 * @step: 0; 1 if that was not enough
 *
 * What is dying is charged, and so is the pool: they go before reclaim does what it can,
 * and before anybody is killed for memory. The worker grows the pool again when it is
 * asked for pages. That others are about to free pages is waited for only then, since
 * they may take their time.
 *
 * Context: may sleep; neither a chunk's lock nor arena->settle is held.
 * Return: 0; -EINTR if the task is about to die.
 */
int arena_relieve(struct bpf_arena *arena, u32 step)
{
	struct arena_pool *pool = READ_ONCE(arena->pool);

	if (fatal_signal_pending(current))
		return -EINTR;
	arena_reap(arena);
	if (step)
		arena_settle(arena);
	if (pool)
		WRITE_ONCE(pool->target, READ_ONCE(pool->min));
	while (pool && pool_draw(pool, 1, READ_ONCE(pool->min)))
		put_page(pool_take(pool));
	return 0;
}

/**
 * arena_list_alloc() - get zeroed pages
 * @arena: arena, whose creator's memory cgroup is charged
 * @cnt: how many
 * @nid: NUMA node, or NUMA_NO_NODE
 * @gfp: ARENA_GFP_*
 * @pages: list to which they are added
 *
 * Context: may sleep; reclaims memory. Neither a chunk's lock nor arena->settle is held.
 * Return: 0; -ENOMEM; -EINTR if the task is about to die. Then @pages is empty.
 */
int arena_list_alloc(struct bpf_arena *arena, u32 cnt, int nid, gfp_t gfp,
		     struct list_head *pages)
{
	u32 step;
	int err;

	if (arena_should_fail(ARENA_FAIL_LIST))
		return -EINTR;
	err = list_fill(arena, &cnt, nid, ARENA_GFP_WORKER, pages);
	for (step = 0; err == -ENOMEM && gfp != ARENA_GFP_WORKER && step < 2; step++)
		err = arena_relieve(arena, step) ?:
		      list_fill(arena, &cnt, nid, step ? gfp : ARENA_GFP_WORKER, pages);
	if (err)
		put_pages_list(pages);
	return err;
}

/* One page, on any node; or NULL. As above. */
struct page *arena_page_alloc(struct bpf_arena *arena, gfp_t gfp)
{
	LIST_HEAD(pages);

	if (arena_list_alloc(arena, 1, NUMA_NO_NODE, gfp, &pages))
		return NULL;
	return list_first_entry(&pages, struct page, lru);
}

/* The same, at once or not at all */
struct page *arena_page_try_alloc(struct bpf_arena *arena, gfp_t gfp)
{
	LIST_HEAD(pages);
	u32 cnt = 1;

	if (list_fill(arena, &cnt, NUMA_NO_NODE, gfp, &pages))
		return NULL;
	return list_first_entry(&pages, struct page, lru);
}

/* Grows with demand, and shrinks when there has been none for a while. */
static void pool_adapt(struct arena_pool *pool)
{
	u64 asked = atomic64_read(&pool->hits) + atomic64_read(&pool->misses);
	u32 min = READ_ONCE(pool->min), target = max(READ_ONCE(pool->target), min);

	if (asked != pool->asked)
		WRITE_ONCE(pool->used_at, jiffies);
	if (asked - pool->asked > target / 2)
		target = min_t(u32, 2 * target, ARENA_POOL_MAX);
	else if (time_after(jiffies, READ_ONCE(pool->used_at) + ARENA_POOL_IDLE))
		target = max(target / 2, min);
	pool->asked = asked;
	WRITE_ONCE(pool->target, target);
}

/**
 * arena_pool_delay() - when the worker has to look after the pool
 * @pool: pool
 *
 * Return: jiffies from now on, 0 if it need not.
 */
unsigned long arena_pool_delay(const struct arena_pool *pool)
{
	u32 target = READ_ONCE(pool->target);

	return atomic_read(&pool->ready) > target || target > READ_ONCE(pool->min) ?
	       ARENA_POOL_LINGER + 1 : 0;
}

/*
 * Reclaim has found nothing. Programs go on to ask, as often as they like, and what
 * the worker does for them is on nobody's account.
 */
void arena_pool_back_off(struct arena_pool *pool)
{
	pool->pause = clamp(2 * pool->pause, 1UL, (unsigned long)HZ / 4);
	WRITE_ONCE(pool->retry_at, jiffies + pool->pause);
}

/**
 * arena_pool_fill() - bring the pool to the size that it should have
 * @arena: arena that has one
 *
 * That there is no memory is noticed by who finds the pool empty, and starts
 * the worker again.
 *
 * Context: the worker.
 */
void arena_pool_fill(struct bpf_arena *arena)
{
	struct arena_pool *pool = arena->pool;
	struct page *page;
	u32 done = 0, limit;

	pool_adapt(pool);
	/* no more than that in one go: callers may be as fast as we are */
	limit = READ_ONCE(pool->target);
	for (; done < limit && atomic_read(&pool->ready) < READ_ONCE(pool->target); done++) {
		if (!arena_pool_may_grow(pool))
			return;
		/* whoever left it has started the worker again */
		if (done && !(done % ARENA_POOL_AT_ONCE) &&
		    arena_dirty_scan(arena, 0) != ARENA_NOWHERE)
			return;
		page = arena_page_alloc(arena, ARENA_GFP_WORKER);
		if (!page) {
			arena_pool_back_off(pool);
			return;
		}
		pool->pause = 0;
		if (!pool_put(pool, page))
			put_page(page);
	}
	if (!time_after(jiffies, READ_ONCE(pool->used_at) + ARENA_POOL_LINGER))
		return;
	while (pool_draw(pool, 1, READ_ONCE(pool->target)))
		put_page(pool_take(pool));
}

/**
 * arena_pool_create() - have a pool
 * @arena: arena
 * @min: what it holds at least, 0 or ARENA_POOL_MIN
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM.
 */
int arena_pool_create(struct bpf_arena *arena, u32 min)
{
	struct arena_pool *pool = NULL;

	BUILD_BUG_ON(sizeof(*pool) > SZ_4K);
	if (!READ_ONCE(arena->pool)) {
		/* without one, what is freed goes back: not worth a reclaim */
		pool = arena_kzalloc(arena, sizeof(*pool), min ? ARENA_GFP : ARENA_GFP_WORKER);
		if (!pool)
			return -ENOMEM;
		pool->used_at = jiffies;
		pool->retry_at = jiffies;
	}
	mutex_lock(&arena->lock);
	if (!arena->pool) {
		/* pairs with the address dependency of READ_ONCE(arena->pool) */
		smp_store_release(&arena->pool, pool);
		pool = NULL;
	}
	if (min > arena->pool->min)
		WRITE_ONCE(arena->pool->min, min);
	mutex_unlock(&arena->lock);
	kfree(pool);
	return 0;
}

/* Nobody looks any more. */
void arena_pool_destroy(struct bpf_arena *arena)
{
	struct arena_pool *pool = arena->pool;

	while (pool && pool_draw(pool, 1, 0))
		put_page(pool_take(pool));
	kfree(pool);
	arena->pool = NULL;
}
