// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation, reservation and free of the pages of a BPF arena
 *
 * Problem. The same three calls come from programs that may sleep and from programs
 * that may not, in any context.
 *
 * Picture.
 *	                 may sleep                        may not
 *	pages            page allocator, which reclaims   dying ones, or arena->pool
 *	addresses        of chunks made for it            of chunks that are there
 *	free             ends them                        lets them die
 *	what is missing  is made                          is made by the worker
 *
 * The worker fills the pool, ends what is dying and makes chunks. It is started by an
 * irq_work, which can be queued in any context: a tick later, so that one run serves
 * many calls, or at once if the pool is nearly empty. One run does so much and no more:
 * callers may be as fast as the worker is.
 *
 * arena_claim.c says what each may do to an address, arena_reap.c how a page ends,
 * arena_pool.c where pages come from.
 */
#include <linux/bpf_arena.h>
#include <linux/filter.h>
#include <linux/sched/signal.h>
#include "arena.h"

/* Calls that may not sleep, and the worker */

/* Starts the worker. Any context: an irq_work may be queued everywhere. */
void arena_kick(struct bpf_arena *arena)
{
	struct arena_pool *pool = READ_ONCE(arena->pool);
	u32 flag = pool && arena_pool_is_urgent(pool) ? ARENA_URGENT : ARENA_KICKED;

	if (!test_bit(flag, &arena->flags) &&
	    !test_and_set_bit(flag, &arena->flags))
		irq_work_queue(&arena->kick);
}

static void arena_kick_work(struct irq_work *kick)
{
	struct bpf_arena *arena = container_of(kick, struct bpf_arena, kick);

	mod_delayed_work(system_unbound_wq, &arena->work,
			 test_bit(ARENA_URGENT, &arena->flags) &&
			 arena_pool_may_grow(READ_ONCE(arena->pool)) ? 0 : 1);
}

/* Asks the worker for chunks for these addresses. */
static void arena_want(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	u32 idx, last = (wpn + cnt - 1) / ARENA_CHUNK_PAGES;

	for (idx = wpn / ARENA_CHUNK_PAGES; idx <= last; idx++)
		if (!arena_chunk_at(arena, idx))
			set_bit(idx, arena->wanted);
	/* wanted, then kicked: the worker reads them the other way */
	smp_mb();
	arena_kick(arena);
}

/* Claims for a caller that may not sleep. On failure the worker may help. */
static int arena_claim_nosleep(struct bpf_arena *arena, u32 *wpn, u32 cnt)
{
	int err;

	if (*wpn != ARENA_NOWHERE) {
		err = arena_claim_at(arena, *wpn, cnt, ARENA_EITHER);
		if (err == -ENOENT)
			arena_want(arena, *wpn, cnt);
		return err;
	}
	*wpn = arena_claim_any(arena, cnt, ARENA_EITHER, ARENA_LOOK_NOSLEEP);
	if (*wpn != ARENA_NOWHERE)
		return 0;
	if (arena_chunk_missing(arena, cnt) != ARENA_NOWHERE)
		return -ENOENT;
	if (arena_first(arena))
		return -EBUSY;
	*wpn = 0;
	err = arena_claim_at(arena, 0, cnt, ARENA_EITHER);
	if (err == -ENOENT)
		arena_want(arena, 0, cnt);
	return err;
}

/* Claimed addresses get their pages, of which the pool has to have enough. */
static int arena_fill_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_pool *pool = READ_ONCE(arena->pool);
	u32 missing = arena_claim_missing(arena, wpn, cnt);
	LIST_HEAD(pages);

	if (missing) {
		if (!arena_pool_reserve(pool, missing)) {
			arena_unclaim(arena, wpn, cnt);
			return -ENOBUFS;
		}
		arena_pool_take(pool, missing, &pages);
	}
	arena_publish(arena, wpn, cnt, &pages);
	return 0;
}

/**
 * arena_pages_alloc_nosleep() - allocate pages at once
 * @arena: arena
 * @wpn: the first, inside the arena, or ARENA_NOWHERE
 * @cnt: how many, not 0
 *
 * Context: any, NMI included.
 * Return: the first; -E2BIG if @cnt is more than ARENA_NOSLEEP_PAGES; -ENOBUFS
 * if the pool has less; -EBUSY if the addresses are not free; -ENOENT if no page
 * table is there for them. The worker then makes what is missing.
 */
int arena_pages_alloc_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_pool *pool = READ_ONCE(arena->pool);
	int err;

	if (cnt > ARENA_NOSLEEP_PAGES)
		return -E2BIG;
	if (!pool)
		return -ENOBUFS;

	preempt_disable();
	err = arena_claim_nosleep(arena, &wpn, cnt);
	err = err ?: arena_fill_nosleep(arena, wpn, cnt);
	if (err || arena_pool_is_low(pool))
		arena_kick(arena);
	preempt_enable();
	return err ?: wpn;
}

/* Whether it went well; not so soon again if there was no memory */
static bool arena_chunk_grow(struct bpf_arena *arena, u32 idx)
{
	struct arena_pool *pool = READ_ONCE(arena->pool);

	if (pool && !arena_pool_may_grow(pool))
		return false;
	if (!arena_chunk_make(arena, idx, ARENA_GFP_WORKER))
		return true;
	if (pool)
		arena_pool_back_off(pool);
	return false;
}

/* Chunks for callers that may not sleep: those they asked for */
static void arena_chunks_wanted(struct bpf_arena *arena)
{
	u32 idx;

	for_each_set_bit(idx, arena->wanted, ARENA_CHUNKS) {
		if (!arena_chunk_grow(arena, idx))
			return;
		clear_bit(idx, arena->wanted);
		cond_resched();
		/* whoever left it has started the worker again */
		if (arena_dirty_scan(arena, 0) != ARENA_NOWHERE)
			return;
	}
}

/* ... and one that has room for all that they can ask for, if none may have */
static void arena_chunks_spare(struct bpf_arena *arena)
{
	struct arena_pool *pool = READ_ONCE(arena->pool);
	u32 idx, cnt = ARENA_NOSLEEP_PAGES;

	if (!pool || !READ_ONCE(pool->min) ||
	    arena_index_next(arena, order_base_2(cnt), 0) != ARENA_NOWHERE)
		return;
	for (; cnt; cnt /= 2) {
		idx = arena_chunk_missing(arena, cnt);
		if (idx == ARENA_NOWHERE)
			continue;
		arena_chunk_grow(arena, idx);
		return;
	}
}

/* The pool has more, or wants more, than it is to have when nobody asks. May sleep. */
void arena_work_later(struct bpf_arena *arena)
{
	struct arena_pool *pool = READ_ONCE(arena->pool);
	unsigned long delay = pool ? arena_pool_delay(pool) : 0;

	if (!delay)
		return;
	/* what is in the pool, then pending; pairs with set_work_pool_and_clear_pending() */
	smp_mb();
	/* unlike mod_delayed_work(), not later than kicked for */
	if (!delayed_work_pending(&arena->work))
		queue_delayed_work(system_unbound_wq, &arena->work, delay);
}

/*
 * What is dying comes first. It fills the pool, too, and to get more pages may take time:
 * a cgroup above its memory.high makes its allocations wait, and what is dying is charged.
 */
static void arena_work(struct work_struct *work)
{
	struct bpf_arena *arena = container_of(to_delayed_work(work),
					       struct bpf_arena, work);

	clear_bit(ARENA_KICKED, &arena->flags);
	clear_bit(ARENA_URGENT, &arena->flags);
	/* whoever finds them set has left us its work before that */
	smp_mb__after_atomic();
	arena_reap(arena);
	if (READ_ONCE(arena->pool))
		arena_pool_fill(arena);
	arena_chunks_wanted(arena);
	arena_chunks_spare(arena);
	arena_work_later(arena);
}

/**
 * bpf_arena_pool_enable() - have pages ready for callers that may not sleep
 * @arena: arena whose user_vm_start is known
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM. That the pool could not be filled is no error.
 */
int bpf_arena_pool_enable(struct bpf_arena *arena)
{
	int err;

	err = arena_pool_create(arena, ARENA_POOL_MIN);
	if (err)
		return err;
	mod_delayed_work(system_unbound_wq, &arena->work, 0);
	flush_delayed_work(&arena->work);
	return 0;
}

/* Calls that may sleep */

/* The quick way for a few pages anywhere */
static u32 arena_insert_few(struct bpf_arena *arena, u32 cnt, enum arena_kind kind,
			    struct list_head *pages)
{
	u32 wpn;

	preempt_disable();
	wpn = arena_claim_any(arena, cnt, kind, ARENA_LOOK_QUICK);
	if (wpn != ARENA_NOWHERE)
		arena_publish(arena, wpn, cnt, pages);
	preempt_enable();
	return wpn;
}

/* These addresses, or, at ARENA_NOWHERE, any in one chunk; 0 or an error */
static int arena_insert(struct bpf_arena *arena, u32 *wpn, u32 cnt, enum arena_kind kind,
			struct list_head *pages)
{
	u32 done, n;
	int err = 0;

	guard(rwsem_read)(&arena->settle);
	if (*wpn != ARENA_NOWHERE)
		err = arena_claim_at(arena, *wpn, cnt, kind);
	else if (cnt <= ARENA_CHUNK_PAGES)
		*wpn = arena_claim_any(arena, cnt, kind, ARENA_LOOK_ALL);
	if (*wpn == ARENA_NOWHERE)
		return -EBUSY;
	for (done = 0; !err && done < cnt; done += n) {
		n = min_t(u32, cnt - done, ARENA_CHUNK_PAGES);
		arena_publish(arena, *wpn + done, n, pages);
		cond_resched();
	}
	return err;
}

static int arena_insert_at(struct bpf_arena *arena, u32 wpn, u32 cnt, enum arena_kind kind,
			   struct list_head *pages)
{
	int err = arena_chunks_make(arena, wpn, cnt, ARENA_GFP);

	err = err ?: arena_insert(arena, &wpn, cnt, kind, pages);
	if (err != -EBUSY)
		return err;
	/* they may have been freed already */
	arena_reap_range(arena, wpn, cnt);
	return arena_insert(arena, &wpn, cnt, kind, pages);
}

/* What has been tried to find addresses */
enum arena_tried { ARENA_TRIED_NOTHING, ARENA_TRIED_REAP, ARENA_TRIED_NULL };

/*
 * Makes what the next attempt needs, at *wpn or anywhere: a chunk; chunks in a row; free
 * addresses out of dying ones; at last the page at NULL. -EBUSY: nothing is left to try.
 */
static int arena_make_room(struct bpf_arena *arena, u32 *wpn, u32 cnt,
			   enum arena_kind kind, enum arena_tried *tried)
{
	u32 idx = cnt > ARENA_CHUNK_PAGES ? ARENA_NOWHERE : arena_chunk_missing(arena, cnt);

	*wpn = ARENA_NOWHERE;
	if (idx != ARENA_NOWHERE)
		return arena_chunk_make(arena, idx, ARENA_GFP);
	if (*tried == ARENA_TRIED_NULL)
		return -EBUSY;
	*wpn = arena_search(arena, cnt, kind);
	if (*wpn == ARENA_NOWHERE && *tried == ARENA_TRIED_NOTHING) {
		*tried = ARENA_TRIED_REAP;
		arena_reap(arena);
		arena_settle(arena);
		return 0;
	}
	if (*wpn == ARENA_NOWHERE) {
		*tried = ARENA_TRIED_NULL;
		if (arena_first(arena))
			return -EBUSY;
		*wpn = 0;
	}
	return arena_chunks_make(arena, *wpn, cnt, ARENA_GFP);
}

static int arena_insert_far(struct bpf_arena *arena, u32 *wpn, u32 cnt,
			    enum arena_kind kind, struct list_head *pages)
{
	enum arena_tried tried = ARENA_TRIED_NOTHING;
	int err;

	for (*wpn = ARENA_NOWHERE;; cond_resched()) {
		err = arena_insert(arena, wpn, cnt, kind, pages);
		/* others claim as well: search again then */
		if (err != -EBUSY)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		err = arena_make_room(arena, wpn, cnt, kind, &tried);
		if (err)
			return err;
	}
}

/**
 * arena_pages_alloc() - allocate pages
 * @arena: arena
 * @wpn: the first, inside the arena, or ARENA_NOWHERE
 * @cnt: how many, not 0, not more than the arena has
 * @nid: NUMA node, or NUMA_NO_NODE
 *
 * Context: may sleep; reclaims memory.
 * Return: the first; -ENOMEM; -EBUSY if the addresses are not free; -EINTR if
 * the task is about to die.
 */
int arena_pages_alloc(struct bpf_arena *arena, u32 wpn, u32 cnt, int nid)
{
	/* a page that comes back to life is on whatever node it is */
	enum arena_kind kind = nid == NUMA_NO_NODE ? ARENA_EITHER : ARENA_FREE;
	LIST_HEAD(pages);
	u32 got;
	int err;

	err = arena_list_alloc(arena, cnt, nid, ARENA_GFP, &pages);
	if (err)
		return err;
	if (wpn != ARENA_NOWHERE) {
		err = arena_insert_at(arena, wpn, cnt, kind, &pages);
	} else {
		got = cnt > BITS_PER_LONG ? ARENA_NOWHERE :
		      arena_insert_few(arena, cnt, kind, &pages);
		if (got != ARENA_NOWHERE)
			wpn = got;
		else
			err = arena_insert_far(arena, &wpn, cnt, kind, &pages);
	}
	/* nobody has seen these; dying pages may have come in their place */
	if (!list_empty(&pages))
		put_pages_list(&pages);
	return err ?: wpn;
}

/**
 * arena_pages_free() - free pages, and end reservations
 * @arena: arena
 * @wpn: first address, inside the arena
 * @cnt: how many
 *
 * On return no translation of the pages is left, as arena_free_now() has it.
 *
 * Context: may sleep.
 */
void arena_pages_free(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	/* where freed pages go, if there is memory for it */
	if (!READ_ONCE(arena->pool))
		arena_pool_create(arena, 0);
	arena_free_now(arena, wpn, cnt);
}

/* The same in any context: the pages go when the worker runs; see arena_free_later(). */
void arena_pages_free_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	arena_free_later(arena, wpn, cnt);
}

/**
 * arena_pages_reserve() - keep addresses from being allocated
 * @arena: arena
 * @wpn: first address
 * @cnt: how many, all inside the arena
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if any is taken; -ENOMEM; -EINTR if the task is about to die.
 */
int arena_pages_reserve(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	bool reaped = false;
	int err;

	err = arena_chunks_make(arena, wpn, cnt, ARENA_GFP);
	while (!err) {
		down_read(&arena->settle);
		err = arena_claim_at(arena, wpn, cnt, ARENA_FREE);
		if (!err)
			arena_reserve(arena, wpn, cnt);
		up_read(&arena->settle);
		if (err != -EBUSY || reaped)
			return err;
		/* they may have been freed already */
		arena_reap_range(arena, wpn, cnt);
		reaped = true;
		err = 0;
	}
	return err;
}

/*
 * As above, in any context; -ENOMEM: there is no page table yet, try again. A chunk at a
 * time, so that preemption is not off for longer: on failure the first are given back,
 * and a caller that wants them meanwhile finds them in use.
 */
int arena_pages_reserve_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	u32 done = 0, n;
	int err = 0;

	for (; !err && done < cnt; done += n) {
		n = min_t(u32, cnt - done,
			  ARENA_CHUNK_PAGES - (wpn + done) % ARENA_CHUNK_PAGES);
		preempt_disable();
		err = arena_claim_at(arena, wpn + done, n, ARENA_FREE);
		if (!err)
			arena_reserve(arena, wpn + done, n);
		preempt_enable();
		if (err)
			break;
	}
	if (!err)
		return 0;
	arena_unreserve(arena, wpn, done);
	if (err != -ENOENT)
		return err;
	arena_want(arena, wpn, cnt);
	return -ENOMEM;
}

/* What arena.c needs to look at pages, and for user faults */

/**
 * arena_page_revive() - have a dying page back where a process touches it
 * @arena: arena
 * @wpn: address in a chunk that is there
 *
 * Context: may sleep.
 * Return: whether there was one. It needs no memory.
 */
bool arena_page_revive(struct bpf_arena *arena, u32 wpn)
{
	int err;

	preempt_disable();
	err = arena_claim_at(arena, wpn, 1, ARENA_DYING);
	if (!err)
		arena_publish(arena, wpn, 1, NULL);
	preempt_enable();
	return !err;
}

/**
 * arena_page_insert() - put a page where a process touches the arena
 * @arena: arena
 * @wpn: address in a chunk that is there, and whose lock is held
 * @spare: zeroed page, becomes NULL if it is used
 *
 * Context: may sleep.
 * Return: 0: there is a page now; -EBUSY: the address is reserved; -EAGAIN: somebody
 * owns it, or a page that is dying is there.
 */
int arena_page_insert(struct bpf_arena *arena, u32 wpn, struct page **spare)
{
	struct arena_chunk *chunk = arena_chunk(arena, wpn);
	u32 pos = wpn % ARENA_CHUNK_PAGES;
	LIST_HEAD(pages);
	int err;

	lockdep_assert_held(&chunk->lock);
	list_add(&(*spare)->lru, &pages);
	preempt_disable();
	err = arena_claim_at(arena, wpn, 1, ARENA_EITHER);
	if (!err)
		arena_publish(arena, wpn, 1, &pages);
	preempt_enable();
	if (list_empty(&pages))
		*spare = NULL;
	if (!err)
		return 0;
	return chunk_is_reserved(chunk, pos) ? -EBUSY : -EAGAIN;
}

/* The first address from wpn on with, or without, a page; or arena_end() */
u32 arena_page_seek(struct bpf_arena *arena, u32 wpn, bool there)
{
	struct arena_span s = arena_span(wpn, arena_end(arena) - wpn);
	unsigned long bits;

	while (arena_span_next(arena, &s)) {
		if (!s.chunk) {
			if (!there)
				return s.wpn;
			continue;
		}
		bits = atomic_long_read(&s.chunk->there[s.word]);
		bits = (there ? bits : ~bits) & s.mask;
		if (bits)
			return round_down(s.wpn, BITS_PER_LONG) + __ffs(bits);
	}
	return s.end;
}

/**
 * arena_pages_count() - how many pages programs and processes have
 * @arena: arena
 * @revived: how many have come back to life so far, may be NULL
 *
 * Counted when somebody asks: a counter would be a line that all CPUs write to.
 *
 * Context: may sleep.
 * Return: pages.
 */
u32 arena_pages_count(const struct bpf_arena *arena, u64 *revived)
{
	u32 idx, word, cnt = 0;
	u64 back = 0;

	for (idx = 0; idx < ARENA_CHUNKS; idx++) {
		struct arena_chunk *chunk = arena_chunk_at(arena, idx);

		for (word = 0; chunk && word < ARENA_CHUNK_WORDS; word++)
			cnt += hweight_long(atomic_long_read(&chunk->there[word]));
		if (chunk)
			back += (u32)atomic_read(&chunk->revived);
	}
	if (revived)
		*revived = back;
	return cnt;
}

void arena_pages_init(struct bpf_arena *arena)
{
	mutex_init(&arena->lock);
	init_rwsem(&arena->settle);
	INIT_DELAYED_WORK(&arena->work, arena_work);
	init_irq_work(&arena->kick, arena_kick_work);
}

/* Every VMA and every program held a reference to the map: nobody looks. */
void arena_pages_exit(struct bpf_arena *arena)
{
	irq_work_sync(&arena->kick);
	cancel_delayed_work_sync(&arena->work);
	arena_pool_destroy(arena);
	arena_chunks_destroy(arena);
	mutex_destroy(&arena->lock);
}
