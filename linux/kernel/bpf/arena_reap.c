// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of the pages of a BPF arena
 *
 * Problem. A page that a program frees may be in the TLB of every CPU, and in the page
 * tables and the TLB of every process that maps the arena. It is nobody's before all of
 * that is gone, which takes sleep and time; and others fault and allocate meanwhile.
 *
 * Picture. A few chunks at a time:
 *
 *	own      take there, dying, doomed: the addresses are ours, claimed
 *	wait     lock and unlock each chunk: faults that saw the pages there are over
 *	unmap    PTEs of the window; of processes, in as few ranges as can be
 *	flush    the TLB of all CPUs, once
 *	give     the pages back, then the addresses
 *
 * Invariants.
 *  - A user PTE comes under chunk->lock for a page that is there; so none comes after
 *    the second step. No lock is held for the others: a fault in a chunk waits for none
 *    of it, unless it wants just these addresses.
 *  - Whoever takes a user PTE away, by munmap(), MADV_DONTNEED or exit, keeps its
 *    reference to the page until the TLB is flushed. So a page that only we refer to
 *    has no user translation, whatever page_mapped() says of it.
 *  - A caller that may sleep ends all of its range before it returns, and waits for
 *    others that do so with a part of it. Any other only marks pages as dying, for the
 *    worker; if these are few it clears their PTEs, so that this CPU sees them go.
 *    Nothing has to be allocated to free.
 */
#include <linux/filter.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <asm/tlbflush.h>
#include "arena.h"

/* Chunks that end together: what their bitmaps take on the stack is 1 KB or less */
#define ARENA_REAP_CHUNKS	(ARENA_CHUNK_PAGES < 4096 ? 4096 / ARENA_CHUNK_PAGES : 1)

/* What ends together */
struct arena_reap {
	struct bpf_arena *arena;
	u32 nr;
	struct arena_chunk *chunks[ARENA_REAP_CHUNKS];
	unsigned long bits[ARENA_REAP_CHUNKS][ARENA_CHUNK_WORDS];
	u32 next;			/* behind the last page */
	u32 zap, zap_end;		/* user PTEs to be zapped */
	bool shared;			/* somebody else referred to a page */
	u32 owned, owned_end;		/* where somebody else is about to end one, or make one */
	unsigned long start, end;	/* kernel TLB */
};

static void chunk_pte_clear(struct bpf_arena *arena, struct arena_chunk *chunk, u32 pos)
{
	pte_clear(&init_mm, arena_kaddr(arena, chunk->idx * ARENA_CHUNK_PAGES + pos),
		  &chunk->ptes[pos]);
}

static void reap_zap(struct arena_reap *r)
{
	u32 pgoff = r->zap - arena_first(r->arena);

	if (r->zap_end != r->zap)
		unmap_mapping_range(&r->arena->mapping, (loff_t)pgoff << PAGE_SHIFT,
				    (loff_t)(r->zap_end - r->zap) << PAGE_SHIFT, 1);
	r->zap_end = r->zap;
}

/* Pages that nobody has mapped are zapped along with their neighbours. */
static void reap_page(struct arena_reap *r, struct arena_chunk *chunk, u32 pos)
{
	u32 wpn = chunk->idx * ARENA_CHUNK_PAGES + pos;
	unsigned long kaddr = arena_kaddr(r->arena, wpn);

	chunk_pte_clear(r->arena, chunk, pos);
	r->start = min(r->start, kaddr);
	r->end = max(r->end, kaddr + PAGE_SIZE);
	if (wpn != r->next)
		reap_zap(r);
	r->next = wpn + 1;
	if (page_count(chunk->pages[pos]) == 1)
		return;
	r->shared = true;
	if (r->zap_end == r->zap)
		r->zap = wpn;
	r->zap_end = wpn + 1;
}

static void reap_unmap(struct arena_reap *r)
{
	unsigned long bits;
	u32 i, word;

	for (i = 0; i < r->nr; i++) {
		/* faults that saw a page there have inserted it */
		mutex_lock(&r->chunks[i]->lock);
		mutex_unlock(&r->chunks[i]->lock);
		for (word = 0; word < ARENA_CHUNK_WORDS; word++)
			for (bits = r->bits[i][word]; bits; bits &= bits - 1)
				reap_page(r, r->chunks[i],
					  word * BITS_PER_LONG + __ffs(bits));
	}
	reap_zap(r);
}

static bool chunk_is_shared(const struct arena_chunk *chunk, const unsigned long *bits)
{
	unsigned long left;
	u32 word;

	for (word = 0; word < ARENA_CHUNK_WORDS; word++)
		for (left = bits[word]; left; left &= left - 1)
			if (page_count(chunk->pages[word * BITS_PER_LONG + __ffs(left)]) != 1)
				return true;
	return false;
}

/*
 * Whoever still refers to a page may be a CPU between the end of a PTE and its flush,
 * or may do so for good: nothing tells which, so all translations of all CPUs go.
 */
static void reap_flush(const struct arena_reap *r)
{
	bool shared = false;
	u32 i;

	for (i = 0; r->shared && !shared && i < r->nr; i++)
		shared = chunk_is_shared(r->chunks[i], r->bits[i]);
	if (shared)
		flush_tlb_all();
	else
		flush_tlb_kernel_range(r->start, r->end);
}

static void reap_give(struct bpf_arena *arena, struct arena_chunk *chunk,
		      const unsigned long *bits)
{
	u32 word, run = 0, words = 0;

	for (word = 0; word < ARENA_CHUNK_WORDS; word++) {
		if (!bits[word])
			continue;
		chunk_put_pages(arena, chunk, word, bits[word]);
		/* no page there before anyone can claim the addresses */
		smp_mb__before_atomic();
		atomic_long_andnot(bits[word], &chunk->taken[word]);
		words++;
		run = word * BITS_PER_LONG + __ffs(bits[word]);
	}
	/* the addresses before the index */
	smp_mb();
	run = words == 1 && hweight_long(bits[run / BITS_PER_LONG]) == 1 ?
	      chunk_run_at(chunk, run, 1) : chunk_longest(chunk);
	if (run)
		arena_index_raise(arena, chunk->idx, run);
}

static void reap_finish(struct arena_reap *r)
{
	u32 i;

	if (!r->nr)
		return;
	reap_unmap(r);
	reap_flush(r);
	for (i = 0; i < r->nr; i++)
		reap_give(r->arena, r->chunks[i], r->bits[i]);
	/* the pool may have got more of them than it keeps */
	arena_work_later(r->arena);
	r->nr = 0;
	r->start = ULONG_MAX;
	r->end = 0;
	r->shared = false;
}

/* Owns the pages of a word: those that are dying, and, if all, those there */
static unsigned long reap_own(struct arena_reap *r, struct arena_chunk *chunk, u32 word,
			      unsigned long mask, bool all)
{
	u32 base = chunk->idx * ARENA_CHUNK_PAGES + word * BITS_PER_LONG;
	unsigned long others, bits = word_take(&chunk->dying[word], mask) |
				     word_take(&chunk->doomed[word], mask);

	if (all)
		bits |= word_take(&chunk->there[word], mask);
	/* what is dying now was somebody's when we looked */
	others = mask & ~bits & atomic_long_read(&chunk->taken[word]) &
		 ~(atomic_long_read(&chunk->reserved[word]) |
		   atomic_long_read(&chunk->there[word]));
	if (others) {
		r->owned = min_t(u32, r->owned, base + __ffs(others));
		r->owned_end = max_t(u32, r->owned_end, base + __fls(others) + 1);
	}
	return bits;
}

/* The same for some addresses of a chunk */
static void reap_add(struct arena_reap *r, struct arena_chunk *chunk, u32 pos, u32 cnt,
		     bool all)
{
	u32 first = pos / BITS_PER_LONG, last = (pos + cnt - 1) / BITS_PER_LONG, word;
	unsigned long *bits = r->bits[r->nr], mask, any = 0;

	memset(bits, 0, sizeof(r->bits[0]));
	for (word = first; word <= last; word++) {
		mask = ~0UL;
		if (word == first)
			mask &= BITMAP_FIRST_WORD_MASK(pos);
		if (word == last)
			mask &= BITMAP_LAST_WORD_MASK(pos + cnt);
		bits[word] = reap_own(r, chunk, word, mask, all);
		any |= bits[word];
	}
	if (any)
		r->chunks[r->nr++] = chunk;
}

/**
 * arena_reap() - end all that is dying when this is called
 * @arena: arena
 *
 * Context: may sleep; neither a chunk's lock nor arena->settle is held.
 */
void arena_reap(struct bpf_arena *arena)
{
	struct arena_reap r = { .arena = arena, .start = ULONG_MAX };
	u32 idx = arena_dirty_scan(arena, 0);

	while (idx != ARENA_NOWHERE) {
		down_read(&arena->settle);
		for (; idx != ARENA_NOWHERE && r.nr < ARENA_REAP_CHUNKS;
		     idx = arena_dirty_scan(arena, idx + 1)) {
			arena_dirty_clear(arena, idx);
			reap_add(&r, arena_chunk_at(arena, idx), 0, ARENA_CHUNK_PAGES, false);
		}
		reap_finish(&r);
		up_read(&arena->settle);
		cond_resched();
	}
}

/* Waits for whoever owned addresses when this is called. May sleep, as above. */
void arena_settle(struct bpf_arena *arena)
{
	down_write(&arena->settle);
	up_write(&arena->settle);
}

/* Reservations have no page, and nothing that would have to be flushed. */
static void span_unreserve(struct bpf_arena *arena, const struct arena_span *s)
{
	unsigned long bits;

	preempt_disable();
	bits = word_take(&s->chunk->reserved[s->word], s->mask);
	if (bits) {
		atomic_long_andnot(bits, &s->chunk->taken[s->word]);
		chunk_raise(arena, s->chunk, s->word, bits);
	}
	preempt_enable();
}

/* Ends reservations. Any context. Nobody is left with an address half way, see settle. */
void arena_unreserve(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_span s = arena_span(wpn, cnt);

	while (arena_span_next(arena, &s))
		if (s.chunk)
			span_unreserve(arena, &s);
}

/* Becomes the part of the range in which somebody else owned addresses: true if any. */
static bool reap_range_once(struct bpf_arena *arena, u32 *first, u32 *end, bool all)
{
	struct arena_reap r = { .arena = arena, .start = ULONG_MAX, .owned = ARENA_NOWHERE };
	struct arena_chunk *chunk;
	u32 wpn = *first, pos, n;

	down_read(&arena->settle);
	for (; wpn < *end; wpn += n) {
		pos = wpn % ARENA_CHUNK_PAGES;
		n = min_t(u32, *end - wpn, ARENA_CHUNK_PAGES - pos);
		chunk = arena_chunk(arena, wpn);
		if (!chunk)
			continue;
		reap_add(&r, chunk, pos, n, all);
		if (r.nr < ARENA_REAP_CHUNKS)
			continue;
		reap_finish(&r);
		up_read(&arena->settle);
		cond_resched();
		down_read(&arena->settle);
	}
	reap_finish(&r);
	up_read(&arena->settle);
	*first = r.owned;
	*end = r.owned_end;
	return r.owned != ARENA_NOWHERE;
}

/*
 * Ends what is dying, and, if all, what is there. Others may own a page: they end it, or
 * make it come back to life, or let it die again. So this looks until nobody does, or
 * until the task is about to die. A page that came there after the first look is of a
 * later allocation.
 */
static void reap_range(struct bpf_arena *arena, u32 wpn, u32 cnt, bool all)
{
	u32 end = wpn + cnt, looks;

	for (looks = 0; reap_range_once(arena, &wpn, &end, all && !looks); looks++) {
		/* those with preemption off are not waited for, and do not take long */
		if (looks) {
			if (fatal_signal_pending(current))
				return;
			arena_settle(arena);
		}
		cond_resched();
	}
}

/**
 * arena_free_now() - free pages, and end reservations
 * @arena: arena
 * @wpn: first address, inside the arena
 * @cnt: how many
 *
 * On return no translation of the pages is left, whoever freed them. A task that is about
 * to die does not wait for those that others are ending.
 *
 * Context: may sleep.
 */
void arena_free_now(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	arena_unreserve(arena, wpn, cnt);
	reap_range(arena, wpn, cnt, true);
}

/* The same for what has been freed already */
void arena_reap_range(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	reap_range(arena, wpn, cnt, false);
}

/* The same for one address, and once: whoever finds it owned again faults again */
void arena_reap_page(struct bpf_arena *arena, u32 wpn)
{
	u32 end = wpn + 1;

	/* the owner may need this CPU to go on */
	if (reap_range_once(arena, &wpn, &end, false))
		arena_settle(arena);
}

/* For this CPU the pages are gone. */
static void span_unmap(struct bpf_arena *arena, const struct arena_span *s,
		       unsigned long gone)
{
	u32 base = round_down(s->wpn, BITS_PER_LONG), bit;

	for_each_set_bit(bit, &gone, BITS_PER_LONG) {
		chunk_pte_clear(arena, s->chunk, (base + bit) % ARENA_CHUNK_PAGES);
		bpf_jit_arena_flush(arena_kaddr(arena, base + bit));
	}
}

/**
 * arena_free_later() - let pages die, and end reservations
 * @arena: arena
 * @wpn: first address, inside the arena
 * @cnt: how many
 *
 * This CPU sees the pages gone on return if @cnt is ARENA_NOSLEEP_PAGES or less;
 * otherwise, and for other CPUs and processes, they go when the worker runs.
 *
 * Context: any, NMI included.
 */
void arena_free_later(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_span s = arena_span(wpn, cnt);
	unsigned long gone;

	while (arena_span_next(arena, &s)) {
		if (!s.chunk)
			continue;
		preempt_disable();
		gone = word_take(&s.chunk->there[s.word], s.mask);
		if (gone) {
			if (cnt <= ARENA_NOSLEEP_PAGES)
				span_unmap(arena, &s, gone);
			chunk_bury(arena, s.chunk, s.word, gone, 0);
			chunk_raise(arena, s.chunk, s.word, gone);
		}
		preempt_enable();
		span_unreserve(arena, &s);
	}
}
