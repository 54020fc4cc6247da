// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages and addresses of a BPF arena
 *
 * Problem. Programs allocate and free pages wherever they run: in an interrupt,
 * in an NMI that hit this very code. There, no lock can be taken, no memory
 * allocated, no page table built and no other CPU asked to flush its TLB.
 *
 * Picture. What one page table of the window maps is a chunk. It has bitmaps
 * with one bit a page, so that a word of them is changed in one instruction:
 *
 *            taken  there  held  dying
 *   free       0      0     0     0
 *   claimed    1      0     0     0    somebody is about to put a page here
 *   page       1      1     0     0    pages[] and the page table have it
 *   held       1      0     1     0    reserved, no page
 *   dying      1      0     0     1    freed, translations may be left
 *
 *                                  +--> page --+
 *   free --- claim ---> claimed ---+           +-- free ---> dying --- reap ---> free
 *                                  +--> held --+
 *
 * Invariants.
 *  - Whoever changes 0 to 1 in taken owns the address until it has published a
 *    page or a reservation there; whoever changes 1 to 0 in there or held owns
 *    it until it has set dying. Both happen in any context and wait for nobody.
 *  - Only arena_reap() takes bits out of dying and out of taken (but for a claim
 *    that is given up). It may sleep: it zaps the user PTEs, clears the
 *    kernel's, flushes the TLB of all CPUs, releases the pages, and only then
 *    are the addresses free. One flush ends up to ARENA_REAP_CHUNKS chunks.
 *  - A caller that may sleep reaps what it freed before it returns. Any other
 *    leaves that to the worker; if it frees a few pages it clears their PTEs, so
 *    that this CPU sees them go. Nothing has to be allocated to free.
 *  - A chunk and its page table come when they are first needed, and stay.
 *  - Preemption is off from a claim without arena->lock to its end. Who finds an
 *    address claimed has but to try again.
 *
 * A caller that may not sleep takes zeroed pages from arena->pool, see
 * arena_pool.c, and writes them into page tables that are there. What it misses
 * is made by the worker.
 */
#include <linux/bpf_arena.h>
#include <linux/filter.h>
#include <linux/pagemap.h>
#include <asm/tlbflush.h>
#include "arena.h"

#define ARENA_CHUNK_WORDS	(ARENA_CHUNK_PAGES / BITS_PER_LONG)

/* Chunks reaped in one go, which bounds the time that the lock is held */
#define ARENA_REAP_CHUNKS	8

/* Chunks that are searched for a run of pages without the lock */
#define ARENA_SCAN_CHUNKS	4

struct arena_chunk {
	u32 idx;
	atomic_long_t dirty_words;	/* bit: word % BITS_PER_LONG */
	pte_t *ptes;
	struct page **pages;
	atomic_long_t taken[ARENA_CHUNK_WORDS];
	atomic_long_t there[ARENA_CHUNK_WORDS];
	atomic_long_t held[ARENA_CHUNK_WORDS];
	atomic_long_t dying[ARENA_CHUNK_WORDS];
	/* arena->lock */
	unsigned long reaping_words;	/* what dirty_words was */
	unsigned long reaping[ARENA_CHUNK_WORDS];
};

/* Words whose bit in dirty_words, or a copy of it, is set */
#define for_each_dirty_word(first, word, dirty)				\
	for_each_set_bit(first, dirty, BITS_PER_LONG)			\
		for (word = first; word < ARENA_CHUNK_WORDS; word += BITS_PER_LONG)

/* Words of a bitmap. Any context. */

/* Sets all bits of the mask, or none if one of them is set already. */
static bool word_claim(atomic_long_t *word, unsigned long mask)
{
	long old = atomic_long_read(word);

	do {
		if (old & mask)
			return false;
	} while (!atomic_long_try_cmpxchg(word, &old, old | mask));
	return true;
}

/* Clears bits; no two callers get the same one. */
static unsigned long word_take(atomic_long_t *word, unsigned long mask)
{
	if (!(atomic_long_read(word) & mask))
		return 0;
	return atomic_long_fetch_andnot(mask, word) & mask;
}

/* Chunks */

/* A chunk is complete before it can be found. */
static struct arena_chunk *arena_chunk_at(const struct bpf_arena *arena, u32 idx)
{
	struct arena_chunk **group;

	/* pairs with arena_chunk_add() */
	group = smp_load_acquire(&arena->groups[idx / ARENA_GROUP_CHUNKS]);
	/* pairs with arena_chunk_add() */
	return group ? smp_load_acquire(&group[idx % ARENA_GROUP_CHUNKS]) : NULL;
}

static u32 arena_first_chunk(const struct bpf_arena *arena)
{
	return arena_first(arena) / ARENA_CHUNK_PAGES;
}

static u32 arena_last_chunk(const struct bpf_arena *arena)
{
	return (arena_end(arena) - 1) / ARENA_CHUNK_PAGES;
}

static struct arena_chunk *arena_chunk(const struct bpf_arena *arena, u32 wpn)
{
	return arena_chunk_at(arena, wpn / ARENA_CHUNK_PAGES);
}

static int arena_chunk_add(struct bpf_arena *arena, struct arena_chunk *chunk)
{
	struct arena_chunk ***group = &arena->groups[chunk->idx / ARENA_GROUP_CHUNKS];
	struct arena_chunk **new;

	if (!*group) {
		new = bpf_map_kvcalloc(&arena->map, ARENA_GROUP_CHUNKS, sizeof(*new),
				       ARENA_GFP);
		if (!new)
			return -ENOMEM;
		/* pairs with arena_chunk_at() */
		smp_store_release(group, new);
	}
	/* pairs with arena_chunk_at() */
	smp_store_release(&(*group)[chunk->idx % ARENA_GROUP_CHUNKS], chunk);
	WRITE_ONCE(arena->nr_chunks, arena->nr_chunks + 1);
	set_bit(chunk->idx, arena->avail);
	return 0;
}

static int arena_pte_note(pte_t *pte, unsigned long kaddr, void *data)
{
	*(pte_t **)data = pte;
	return 0;
}

/* Addresses of the chunk that the arena does not have are taken for ever. */
static void arena_chunk_trim(const struct bpf_arena *arena, struct arena_chunk *chunk)
{
	u32 start = chunk->idx * ARENA_CHUNK_PAGES;
	u32 from = max(start, arena_first(arena)) - start;
	u32 to = min(start + (u32)ARENA_CHUNK_PAGES, arena_end(arena)) - start;
	unsigned long *taken = chunk->reaping; /* nobody reaps it yet */
	u32 word;

	bitmap_fill(taken, ARENA_CHUNK_PAGES);
	bitmap_clear(taken, from, to - from);
	for (word = 0; word < ARENA_CHUNK_WORDS; word++)
		atomic_long_set(&chunk->taken[word], taken[word]);
}

/*
 * Drops the chunk's references to pages of one word, and says how many. Others
 * may have theirs still, so that no page may be touched once ours is dropped:
 * put_pages_list() would.
 */
static u32 chunk_put_pages(struct bpf_arena *arena, struct arena_chunk *chunk,
			   u32 word, unsigned long bits)
{
	struct page **pages = &chunk->pages[word * BITS_PER_LONG];
	struct page *batch[BITS_PER_LONG];
	u32 bit, n = 0, cnt = 0;

	for_each_set_bit(bit, &bits, BITS_PER_LONG) {
		if (!pages[bit])
			continue;
		cnt++;
		if (!arena->pool || !arena_pool_recycle(arena->pool, pages[bit]))
			batch[n++] = pages[bit];
		pages[bit] = NULL;
	}
	if (n)
		release_pages(batch, n);
	return cnt;
}

/* NULL if there are no tables for the address */
static pud_t *arena_pud(unsigned long kaddr)
{
	pgd_t *pgd = pgd_offset_k(kaddr);
	p4d_t *p4d = pgd_none(*pgd) ? NULL : p4d_offset(pgd, kaddr);
	pud_t *pud = !p4d || p4d_none(*p4d) ? NULL : pud_offset(p4d, kaddr);

	return !pud || pud_none(*pud) ? NULL : pud;
}

/*
 * Frees the page tables of the window, and the tables of these where it has them
 * for itself. What is left, since there is no memory to do it with, is left for
 * arena_chunk_destroy().
 */
static void arena_tables_free(struct bpf_arena *arena)
{
	unsigned long kaddr = arena->kern_vm_start;
	unsigned long end = kaddr + ARENA_WINDOW_SIZE;
	pud_t *pud;

	if (ARENA_ALIGN != PUD_SIZE)
		return;
	/* as for huge vmap mappings: not while someone dumps tables */
	mmap_read_lock(&init_mm);
	for (; kaddr < end; kaddr += PUD_SIZE) {
		pud = arena_pud(kaddr);
		if (pud)
			pud_free_pmd_page(pud, kaddr);
	}
	mmap_read_unlock(&init_mm);
}

static void arena_chunk_destroy(struct bpf_arena *arena,
				struct arena_chunk *chunk)
{
	unsigned long kaddr = arena_kaddr(arena, chunk->idx * ARENA_CHUNK_PAGES);
	pud_t *pud = chunk->ptes ? arena_pud(kaddr) : NULL;
	u32 word;

	if (pud) {
		mmap_read_lock(&init_mm);
		pmd_free_pte_page(pmd_offset(pud, kaddr), kaddr);
		mmap_read_unlock(&init_mm);
	}
	for (word = 0; chunk->pages && word < ARENA_CHUNK_WORDS; word++)
		chunk_put_pages(arena, chunk, word, ~0UL);
	free_page((unsigned long)chunk->pages);
	kfree(chunk);
}

static int arena_chunk_create(struct bpf_arena *arena, u32 idx)
{
	unsigned long kaddr = arena_kaddr(arena, idx * ARENA_CHUNK_PAGES);
	struct arena_chunk *chunk;
	struct page *pages;
	int err = -ENOMEM;

	/*
	 * A page table's worth of pointers is a page. kmalloc() would cut it from a
	 * block of several, whose end makes the page allocator give up this CPU's
	 * list of free pages, so that every page freed with it costs a third more.
	 */
	BUILD_BUG_ON(ARENA_CHUNK_PAGES * sizeof(*chunk->pages) != PAGE_SIZE);

	lockdep_assert_held(&arena->lock);
	chunk = bpf_map_kzalloc(&arena->map, sizeof(*chunk), ARENA_GFP);
	if (!chunk)
		return -ENOMEM;
	chunk->idx = idx;
	pages = arena_page_alloc(arena);
	if (pages) {
		chunk->pages = page_address(pages);
		err = apply_to_page_range(&init_mm, kaddr, PAGE_SIZE,
					  arena_pte_note, &chunk->ptes);
	}
	if (!err) {
		arena_chunk_trim(arena, chunk);
		err = arena_chunk_add(arena, chunk);
	}
	if (err)
		arena_chunk_destroy(arena, chunk);
	return err;
}

/* Has chunks for the addresses; may sleep. */
static int arena_chunks_make(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	u32 idx, last = (wpn + cnt - 1) / ARENA_CHUNK_PAGES;
	int err;

	for (idx = wpn / ARENA_CHUNK_PAGES; idx <= last; idx++) {
		if (arena_chunk_at(arena, idx))
			continue;
		err = arena_chunk_create(arena, idx);
		if (err)
			return err;
	}
	return 0;
}

/* The part of a range of addresses that is in one word of one chunk */
struct arena_span {
	struct arena_chunk *chunk;	/* may be NULL, the span is all of it then */
	u32 wpn, cnt;
	u32 end;			/* of the range */
	u32 word;
	unsigned long mask;
};

static struct arena_span arena_span(u32 wpn, u32 cnt)
{
	return (struct arena_span){ .wpn = wpn, .end = wpn + cnt };
}

static bool arena_span_next(struct bpf_arena *arena, struct arena_span *s)
{
	u32 pos, bit;

	s->wpn += s->cnt;
	if (s->wpn >= s->end)
		return false;
	pos = s->wpn % ARENA_CHUNK_PAGES;
	bit = pos % BITS_PER_LONG;
	s->chunk = arena_chunk(arena, s->wpn);
	s->word = pos / BITS_PER_LONG;
	if (s->chunk) {
		s->cnt = min_t(u32, s->end - s->wpn, BITS_PER_LONG - bit);
		s->mask = GENMASK(bit + s->cnt - 1, bit);
	} else {
		s->cnt = min_t(u32, s->end - s->wpn, ARENA_CHUNK_PAGES - pos);
		s->mask = 0;
	}
	return true;
}

/* Claims */

static void arena_unclaim(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_span s = arena_span(wpn, cnt);

	while (arena_span_next(arena, &s)) {
		atomic_long_andnot(s.mask, &s.chunk->taken[s.word]);
		set_bit(s.wpn / ARENA_CHUNK_PAGES, arena->avail);
	}
}

/*
 * Claims just these addresses: 0; -EBUSY if one of them is taken; -ENOENT if
 * there is no chunk for one.
 */
static int arena_claim_at(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_span s = arena_span(wpn, cnt);

	if (arena_should_fail(ARENA_FAIL_CLAIM))
		return -EBUSY;
	while (arena_span_next(arena, &s)) {
		if (s.chunk && word_claim(&s.chunk->taken[s.word], s.mask))
			continue;
		arena_unclaim(arena, wpn, s.wpn - wpn);
		return s.chunk ? -EBUSY : -ENOENT;
	}
	return 0;
}

/* Bits of a word at which cnt ones begin, 1 <= cnt <= BITS_PER_LONG */
static unsigned long run_starts(unsigned long word, u32 cnt)
{
	u32 have = 1, step;

	for (; have < cnt && word; have += step) {
		step = min(have, cnt - have);
		word &= word >> step;
	}
	return word;
}

/*
 * What of a word may be handed out to who does not ask for an address. The page
 * at NULL comes last: as long as it is not there, a NULL pointer faults.
 */
static unsigned long chunk_free_word(const struct arena_chunk *chunk, u32 word)
{
	unsigned long free = ~atomic_long_read(&chunk->taken[word]);

	return chunk->idx || word ? free : free & ~1UL;
}

/* Claims cnt addresses in one word of a chunk, and says which */
static u32 arena_claim_in(struct arena_chunk *chunk, u32 cnt)
{
	unsigned long starts, mask;
	u32 word, bit;

	for (word = 0; word < ARENA_CHUNK_WORDS; word++) {
		while ((starts = run_starts(chunk_free_word(chunk, word), cnt))) {
			bit = __ffs(starts);
			mask = GENMASK(bit + cnt - 1, bit);
			if (word_claim(&chunk->taken[word], mask))
				return chunk->idx * ARENA_CHUNK_PAGES +
				       word * BITS_PER_LONG + bit;
		}
	}
	return ARENA_NOWHERE;
}

/* An address may come free while the bit is cleared: look once more after. */
static void arena_chunk_full(struct bpf_arena *arena, struct arena_chunk *chunk)
{
	u32 word;

	clear_bit(chunk->idx, arena->avail);
	/* or else reap_end() frees an address, and its bit is lost to us */
	smp_mb__after_atomic();
	for (word = 0; word < ARENA_CHUNK_WORDS; word++)
		if (chunk_free_word(chunk, word))
			set_bit(chunk->idx, arena->avail);
}

static u32 arena_avail_next(const struct bpf_arena *arena, u32 idx)
{
	u32 next = find_next_bit(arena->avail, ARENA_CHUNKS, idx);

	return next < ARENA_CHUNKS ? next : find_first_bit(arena->avail, ARENA_CHUNKS);
}

/*
 * Claims up to BITS_PER_LONG addresses wherever they are to be had without
 * building anything. Any context.
 */
static u32 arena_claim_any(struct bpf_arena *arena, u32 cnt)
{
	struct arena_chunk *chunk;
	u32 idx, wpn, tries = 0;

	idx = arena_avail_next(arena, READ_ONCE(arena->hint));
	while (idx < ARENA_CHUNKS && (cnt == 1 || tries++ < ARENA_SCAN_CHUNKS)) {
		chunk = arena_chunk_at(arena, idx);
		wpn = arena_claim_in(chunk, cnt);
		if (wpn != ARENA_NOWHERE) {
			WRITE_ONCE(arena->hint, idx);
			return wpn;
		}
		if (cnt == 1)
			arena_chunk_full(arena, chunk);
		idx = arena_avail_next(arena, idx + 1);
	}
	return ARENA_NOWHERE;
}

/* Steps over one stretch of free or of taken addresses in a word, or a chunk. */
static u32 arena_stretch(struct bpf_arena *arena, u32 wpn, bool *free)
{
	struct arena_chunk *chunk = arena_chunk(arena, wpn);
	u32 pos = wpn % ARENA_CHUNK_PAGES, bit = pos % BITS_PER_LONG;
	unsigned long taken;

	*free = !chunk;
	if (!chunk)
		return ARENA_CHUNK_PAGES - pos;
	/* avail of the first chunk says nothing of the page at NULL */
	if (wpn >= ARENA_CHUNK_PAGES && !test_bit(wpn / ARENA_CHUNK_PAGES, arena->avail))
		return ARENA_CHUNK_PAGES - pos;
	taken = atomic_long_read(&chunk->taken[pos / BITS_PER_LONG]) >> bit;
	*free = !(taken & 1);
	if (!*free)
		taken = ~taken;
	return taken ? min_t(u32, __ffs(taken), BITS_PER_LONG - bit) : BITS_PER_LONG - bit;
}

/* The first cnt free addresses in a row, chunks that are to be made included */
static u32 arena_search(struct bpf_arena *arena, u32 cnt, bool null_too)
{
	u32 wpn = arena_first(arena), end = arena_end(arena);
	u32 run = 0, len;
	bool free;

	if (!wpn && !null_too)
		wpn++;
	while (wpn < end && run < cnt) {
		len = min(arena_stretch(arena, wpn, &free), end - wpn);
		run = free ? run + len : 0;
		wpn += len;
	}
	return run >= cnt ? wpn - run : ARENA_NOWHERE;
}

/* Pages that come */

/* Puts pages to addresses that the caller has claimed. Any context. */
static void arena_publish(struct bpf_arena *arena, u32 wpn, u32 cnt,
			  struct list_head *pages)
{
	struct arena_span s = arena_span(wpn, cnt);
	struct page *page;
	u32 i, pos;

	while (arena_span_next(arena, &s)) {
		pos = s.wpn % ARENA_CHUNK_PAGES;
		for (i = 0; i < s.cnt; i++, pos++) {
			page = list_first_entry(pages, struct page, lru);
			list_del(&page->lru);
			s.chunk->pages[pos] = page;
			set_pte_at(&init_mm, arena_kaddr(arena, s.wpn + i),
				   &s.chunk->ptes[pos], mk_pte(page, PAGE_KERNEL));
		}
		/* pairs with the acquire in arena_page_find() */
		smp_mb__before_atomic();
		atomic_long_or(s.mask, &s.chunk->there[s.word]);
	}
	atomic_add(cnt, &arena->nr_pages);
}

static void arena_hold(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_span s = arena_span(wpn, cnt);

	while (arena_span_next(arena, &s))
		atomic_long_or(s.mask, &s.chunk->held[s.word]);
}

/* Pages that go */

static void chunk_pte_clear(struct bpf_arena *arena, struct arena_chunk *chunk,
			    u32 pos)
{
	pte_clear(&init_mm, arena_kaddr(arena, chunk->idx * ARENA_CHUNK_PAGES + pos),
		  &chunk->ptes[pos]);
}

/* For this CPU the pages are gone. */
static void arena_span_unmap(struct bpf_arena *arena, const struct arena_span *s,
			     unsigned long gone)
{
	u32 base = round_down(s->wpn, BITS_PER_LONG), bit;

	for_each_set_bit(bit, &gone, BITS_PER_LONG) {
		chunk_pte_clear(arena, s->chunk, (base + bit) % ARENA_CHUNK_PAGES);
		bpf_jit_arena_flush(arena_kaddr(arena, base + bit));
	}
}

/*
 * Frees what there is of a span. What is done about the PTEs here comes before
 * dying is set: after that the address may have a new owner at any time.
 */
static void arena_span_free(struct bpf_arena *arena, const struct arena_span *s,
			    bool unmap)
{
	unsigned long gone, held;

	gone = word_take(&s->chunk->there[s->word], s->mask);
	held = word_take(&s->chunk->held[s->word], s->mask & ~gone);
	if (!(gone | held))
		return;
	if (unmap)
		arena_span_unmap(arena, s, gone);
	/* the PTEs before the bit; pairs with word_take() in reap_begin() */
	smp_mb__before_atomic();
	atomic_long_or(gone | held, &s->chunk->dying[s->word]);
	/* dying, then dirty_words, then dirty: reap_begin() reads them the other way */
	smp_mb__after_atomic();
	atomic_long_or(BIT_MASK(s->word), &s->chunk->dirty_words);
	/* as above */
	smp_mb__after_atomic();
	set_bit(s->chunk->idx, arena->dirty);
}

/* One round of arena_reap(): what is still to be done to the translations */
struct arena_reap {
	struct bpf_arena *arena;
	u32 zap, zap_cnt;		/* user PTEs */
	unsigned long start, end;	/* kernel TLB */
};

static void reap_zap(struct arena_reap *r)
{
	u32 pgoff = r->zap - arena_first(r->arena);

	if (r->zap_cnt)
		unmap_mapping_range(&r->arena->mapping,
				    (loff_t)pgoff << PAGE_SHIFT,
				    (loff_t)r->zap_cnt << PAGE_SHIFT, 1);
	r->zap_cnt = 0;
}

/* No new user PTE appears: that takes arena->lock. */
static void reap_page(struct arena_reap *r, struct arena_chunk *chunk, u32 pos)
{
	u32 wpn = chunk->idx * ARENA_CHUNK_PAGES + pos;
	unsigned long kaddr = arena_kaddr(r->arena, wpn);

	chunk_pte_clear(r->arena, chunk, pos);
	r->start = min(r->start, kaddr);
	r->end = max(r->end, kaddr + PAGE_SIZE);
	if (!page_mapped(chunk->pages[pos]))
		return;
	if (wpn != r->zap + r->zap_cnt)
		reap_zap(r);
	if (!r->zap_cnt)
		r->zap = wpn;
	r->zap_cnt++;
}

/* Takes what is dying in a chunk, and ends its translations but for the TLB */
static void reap_begin(struct arena_reap *r, struct arena_chunk *chunk)
{
	unsigned long bits;
	u32 first, word, bit, pos;

	/* a bit of dying that is missed from now on makes the chunk dirty again */
	clear_bit(chunk->idx, r->arena->dirty);
	chunk->reaping_words = atomic_long_xchg(&chunk->dirty_words, 0);

	for_each_dirty_word(first, word, &chunk->reaping_words) {
		bits = word_take(&chunk->dying[word], ~0UL);
		chunk->reaping[word] = bits;
		for_each_set_bit(bit, &bits, BITS_PER_LONG) {
			pos = word * BITS_PER_LONG + bit;
			if (chunk->pages[pos])
				reap_page(r, chunk, pos);
		}
	}
}

/* Gives pages and addresses back */
static void reap_end(struct bpf_arena *arena, struct arena_chunk *chunk)
{
	u32 first, word, cnt = 0;

	for_each_dirty_word(first, word, &chunk->reaping_words) {
		if (!chunk->reaping[word])
			continue;
		cnt += chunk_put_pages(arena, chunk, word,
				       chunk->reaping[word]);
		/* no page there before anyone can claim the addresses */
		smp_mb__before_atomic();
		atomic_long_andnot(chunk->reaping[word], &chunk->taken[word]);
	}
	atomic_sub(cnt, &arena->nr_pages);
	set_bit(chunk->idx, arena->avail);
}

/* Reaps the first dirty chunks from idx on, and says where the next may be. */
static u32 arena_reap_round(struct bpf_arena *arena, u32 idx)
{
	struct arena_reap r = { .arena = arena, .start = ULONG_MAX };
	struct arena_chunk *chunks[ARENA_REAP_CHUNKS];
	u32 n = 0, i, end = arena_last_chunk(arena) + 1;

	for_each_set_bit_from(idx, arena->dirty, end) {
		chunks[n] = arena_chunk_at(arena, idx);
		reap_begin(&r, chunks[n]);
		if (++n == ARENA_REAP_CHUNKS)
			break;
	}
	reap_zap(&r);
	if (r.start < r.end)
		flush_tlb_kernel_range(r.start, r.end);
	for (i = 0; i < n; i++)
		reap_end(arena, chunks[i]);
	return idx < end ? idx + 1 : end;
}

/*
 * Ends the life of all that has been freed when this is called. Who frees must
 * not depend on another's progress: that one may have been interrupted.
 */
static void arena_reap(struct bpf_arena *arena)
{
	u32 idx = arena_first_chunk(arena);

	lockdep_assert_held(&arena->lock);
	while (idx <= arena_last_chunk(arena)) {
		idx = arena_reap_round(arena, idx);
		cond_resched();
	}
}

/* Calls that may not sleep, and the worker */

static bool arena_is_full(const struct bpf_arena *arena)
{
	u32 have = arena_last_chunk(arena) - arena_first_chunk(arena) + 1;

	return READ_ONCE(arena->nr_chunks) == have &&
	       bitmap_empty(arena->avail, ARENA_CHUNKS);
}

/* Starts the worker. Any context: an irq_work may be queued everywhere. */
static void arena_kick(struct bpf_arena *arena)
{
	if (!test_bit(ARENA_KICKED, &arena->flags) &&
	    !test_and_set_bit(ARENA_KICKED, &arena->flags))
		irq_work_queue(&arena->kick);
}

/* A tick later, so that one run serves many calls; at once when it is urgent */
static void arena_kick_work(struct irq_work *kick)
{
	struct bpf_arena *arena = container_of(kick, struct bpf_arena, kick);
	struct arena_pool *pool = READ_ONCE(arena->pool);

	mod_delayed_work(system_unbound_wq, &arena->work,
			 pool && arena_pool_is_urgent(pool) ? 0 : 1);
}

/* Asks the worker for chunks for these addresses. */
static void arena_want(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	u32 idx, last = (wpn + cnt - 1) / ARENA_CHUNK_PAGES;

	for (idx = wpn / ARENA_CHUNK_PAGES; idx <= last; idx++)
		if (!arena_chunk_at(arena, idx))
			set_bit(idx, arena->wanted);
	arena_kick(arena);
}

/* Claims for a caller that may not sleep. On failure the worker may help. */
static int arena_claim_nosleep(struct bpf_arena *arena, u32 *wpn, u32 cnt)
{
	int err;

	if (*wpn != ARENA_NOWHERE) {
		err = arena_claim_at(arena, *wpn, cnt);
		if (err == -ENOENT)
			arena_want(arena, *wpn, cnt);
		return err;
	}

	*wpn = arena_claim_any(arena, cnt);
	if (*wpn != ARENA_NOWHERE)
		return 0;
	if (arena_is_full(arena)) {
		*wpn = 0;
		return cnt > 1 || arena_first(arena) ? -EBUSY : arena_claim_at(arena, 0, 1);
	}
	set_bit(ARENA_STARVED, &arena->flags);
	return -ENOENT;
}

/**
 * arena_pages_alloc_nosleep() - allocate pages in constant time
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
	LIST_HEAD(pages);
	int err;

	if (cnt > ARENA_NOSLEEP_PAGES)
		return -E2BIG;
	if (!pool)
		return -ENOBUFS;

	preempt_disable();
	if (arena_pool_reserve(pool, cnt)) {
		err = arena_claim_nosleep(arena, &wpn, cnt);
		if (!err) {
			arena_pool_take(pool, cnt, &pages);
			arena_publish(arena, wpn, cnt, &pages);
		} else {
			arena_pool_unreserve(pool, cnt);
		}
	} else {
		err = -ENOBUFS;
	}
	if (err || arena_pool_is_low(pool))
		arena_kick(arena);
	preempt_enable();
	return err ?: wpn;
}

/* Chunks for callers that may not sleep: those they asked for */
static void arena_chunks_wanted(struct bpf_arena *arena)
{
	u32 idx;

	for_each_set_bit(idx, arena->wanted, ARENA_CHUNKS) {
		clear_bit(idx, arena->wanted);
		if (!arena_chunk_at(arena, idx))
			arena_chunk_create(arena, idx);
	}
}

/* ... and a spare one, if they may ask for pages anywhere */
static void arena_chunks_spare(struct bpf_arena *arena)
{
	u32 idx;

	if (!arena->pool || !arena->pool->min)
		return;
	if (!test_and_clear_bit(ARENA_STARVED, &arena->flags) &&
	    bitmap_weight(arena->avail, ARENA_CHUNKS) >= 2)
		return;
	for (idx = arena_first_chunk(arena); idx <= arena_last_chunk(arena); idx++) {
		if (arena_chunk_at(arena, idx))
			continue;
		arena_chunk_create(arena, idx);
		return;
	}
}

static void arena_work_later(struct bpf_arena *arena)
{
	struct arena_pool *pool = READ_ONCE(arena->pool);
	unsigned long delay = pool ? arena_pool_delay(pool) : 0;

	/* unlike mod_delayed_work(), not later than kicked for */
	if (delay && !delayed_work_pending(&arena->work))
		queue_delayed_work(system_unbound_wq, &arena->work, delay);
}

static void arena_work(struct work_struct *work)
{
	struct bpf_arena *arena = container_of(to_delayed_work(work),
					       struct bpf_arena, work);

	clear_bit(ARENA_KICKED, &arena->flags);
	/* who finds it set has left us its work before that */
	smp_mb__after_atomic();
	mutex_lock(&arena->lock);
	arena_reap(arena);
	arena_chunks_wanted(arena);
	arena_chunks_spare(arena);
	mutex_unlock(&arena->lock);
	if (arena->pool)
		arena_pool_fill(arena);
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

	mutex_lock(&arena->lock);
	err = arena_pool_create(arena, ARENA_POOL_MIN);
	mutex_unlock(&arena->lock);
	if (err)
		return err;
	mod_delayed_work(system_unbound_wq, &arena->work, 0);
	flush_delayed_work(&arena->work);
	return 0;
}

/* Calls that may sleep */

/* These addresses, or an error; under arena->lock. */
static int arena_claim_here(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	int err;

	err = arena_chunks_make(arena, wpn, cnt);
	if (err)
		return err;
	err = arena_claim_at(arena, wpn, cnt);
	if (err != -EBUSY)
		return err;
	arena_reap(arena); /* they may have been freed already */
	return arena_claim_at(arena, wpn, cnt);
}

/* Any addresses: at first without those that have just been freed, nor NULL's */
static int arena_claim_far(struct bpf_arena *arena, u32 *wpn, u32 cnt)
{
	bool reaped = false, null_too = false;
	int err;

	for (;; cond_resched()) {
		*wpn = arena_search(arena, cnt, null_too);
		if (*wpn != ARENA_NOWHERE) {
			err = arena_chunks_make(arena, *wpn, cnt);
			err = err ?: arena_claim_at(arena, *wpn, cnt);
			/* others claim without the lock: search again then */
			if (err != -EBUSY)
				return err;
		} else if (!reaped) {
			arena_reap(arena);
			reaped = true;
		} else if (!null_too) {
			null_too = true;
		} else {
			return -EBUSY;
		}
	}
}

/* The quick way for a few pages: no lock */
static u32 arena_insert_any(struct bpf_arena *arena, u32 cnt, struct list_head *pages)
{
	u32 wpn;

	preempt_disable();
	wpn = arena_claim_any(arena, cnt);
	if (wpn != ARENA_NOWHERE)
		arena_publish(arena, wpn, cnt, pages);
	preempt_enable();
	return wpn;
}

static int arena_insert_slow(struct bpf_arena *arena, u32 *wpn, u32 cnt,
			     struct list_head *pages)
{
	u32 done, n;
	int err;

	guard(mutex)(&arena->lock);
	if (*wpn == ARENA_NOWHERE)
		err = arena_claim_far(arena, wpn, cnt);
	else
		err = arena_claim_here(arena, *wpn, cnt);
	for (done = 0; !err && done < cnt; done += n) {
		n = min_t(u32, cnt - done, ARENA_CHUNK_PAGES);
		arena_publish(arena, *wpn + done, n, pages);
		cond_resched();
	}
	return err;
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
	LIST_HEAD(pages);
	u32 got;
	int err;

	err = arena_list_alloc(arena, cnt, nid, &pages);
	if (err)
		return err;
	if (wpn == ARENA_NOWHERE && cnt <= BITS_PER_LONG) {
		got = arena_insert_any(arena, cnt, &pages);
		if (got != ARENA_NOWHERE)
			return got;
	}
	err = arena_insert_slow(arena, &wpn, cnt, &pages);
	if (err)
		put_pages_list(&pages);
	return err ?: wpn;
}

/**
 * arena_pages_free() - free pages, and end reservations
 * @arena: arena
 * @wpn: first address, inside the arena
 * @cnt: how many
 *
 * On return no translation of the pages is left.
 *
 * Context: may sleep.
 */
void arena_pages_free(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_span s = arena_span(wpn, cnt);

	while (arena_span_next(arena, &s)) {
		if (s.chunk)
			arena_span_free(arena, &s, false);
		cond_resched();
	}
	mutex_lock(&arena->lock);
	/* where freed pages go, if there is memory for it */
	if (!arena->pool)
		arena_pool_create(arena, 0);
	/* even if nothing was freed now: somebody may just have done it */
	arena_reap(arena);
	mutex_unlock(&arena->lock);
	arena_work_later(arena);
}

/**
 * arena_pages_free_nosleep() - free pages, and end reservations
 * @arena: arena
 * @wpn: first address, inside the arena
 * @cnt: how many
 *
 * This CPU sees the pages gone on return if @cnt is ARENA_NOSLEEP_PAGES or less;
 * otherwise, and for other CPUs and processes, they go when the worker runs. The
 * addresses are not free before.
 *
 * Context: any, NMI included.
 */
void arena_pages_free_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_span s = arena_span(wpn, cnt);

	while (arena_span_next(arena, &s)) {
		if (!s.chunk)
			continue;
		preempt_disable();
		arena_span_free(arena, &s, cnt <= ARENA_NOSLEEP_PAGES);
		preempt_enable();
	}
	arena_kick(arena);
}

/**
 * arena_pages_hold() - keep addresses from being allocated
 * @arena: arena
 * @wpn: first address
 * @cnt: how many, all inside the arena
 *
 * Context: may sleep.
 * Return: 0; -EBUSY if any is taken; -ENOMEM.
 */
int arena_pages_hold(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	int err;

	guard(mutex)(&arena->lock);
	err = arena_claim_here(arena, wpn, cnt);
	if (!err)
		arena_hold(arena, wpn, cnt);
	return err;
}

/* As above, in any context; -ENOMEM: there is no page table yet, try again. */
int arena_pages_hold_nosleep(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	int err;

	preempt_disable();
	err = arena_claim_at(arena, wpn, cnt);
	if (!err)
		arena_hold(arena, wpn, cnt);
	preempt_enable();
	if (err != -ENOENT)
		return err;
	arena_want(arena, wpn, cnt);
	return -ENOMEM;
}

/* What arena.c needs to look at pages, and for user faults */

/* The page, which stays while the caller has arena->lock, or NULL */
struct page *arena_page_find(struct bpf_arena *arena, u32 wpn)
{
	struct arena_chunk *chunk = arena_chunk(arena, wpn);
	u32 pos = wpn % ARENA_CHUNK_PAGES;

	lockdep_assert_held(&arena->lock);
	if (!chunk ||
	    !(atomic_long_read_acquire(&chunk->there[BIT_WORD(pos)]) & BIT_MASK(pos)))
		return NULL;
	return chunk->pages[pos];
}

/*
 * Puts a page where none is. -EAGAIN: a page has just come, or is about to;
 * -EBUSY: the address is reserved; -ENOMEM.
 */
int arena_page_insert(struct bpf_arena *arena, u32 wpn, struct page *page)
{
	u32 pos = wpn % ARENA_CHUNK_PAGES;
	struct arena_chunk *chunk;
	LIST_HEAD(pages);
	int err;

	lockdep_assert_held(&arena->lock);
	err = arena_claim_here(arena, wpn, 1);
	if (!err) {
		list_add(&page->lru, &pages);
		arena_publish(arena, wpn, 1, &pages);
	}
	if (err != -EBUSY)
		return err;
	chunk = arena_chunk(arena, wpn);
	return atomic_long_read(&chunk->held[BIT_WORD(pos)]) & BIT_MASK(pos) ?
	       -EBUSY : -EAGAIN;
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

void arena_pages_init(struct bpf_arena *arena)
{
	mutex_init(&arena->lock);
	INIT_DELAYED_WORK(&arena->work, arena_work);
	init_irq_work(&arena->kick, arena_kick_work);
}

static void arena_group_destroy(struct bpf_arena *arena, struct arena_chunk **group)
{
	u32 i;

	for (i = 0; group && i < ARENA_GROUP_CHUNKS; i++) {
		if (!group[i])
			continue;
		arena_chunk_destroy(arena, group[i]);
		cond_resched();
	}
	kvfree(group);
}

/* Every VMA and every program held a reference to the map: nobody looks. */
void arena_pages_exit(struct bpf_arena *arena)
{
	u32 idx;

	irq_work_sync(&arena->kick);
	cancel_delayed_work_sync(&arena->work);
	arena_pool_destroy(arena);
	arena_tables_free(arena);
	for (idx = 0; idx < ARENA_GROUPS; idx++)
		arena_group_destroy(arena, arena->groups[idx]);
	mutex_destroy(&arena->lock);
}
