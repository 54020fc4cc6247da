// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has which address of a BPF arena
 *
 * Problem. Programs allocate and free pages wherever they run: in an interrupt, in an
 * NMI that hit this very code. There, no lock can be taken, no memory allocated, no
 * page table built and no other CPU asked to flush its TLB.
 *
 * Picture. A chunk has bitmaps with one bit a page, so that a word of them is changed
 * in one instruction:
 *
 *              taken  there  reserved  dying  doomed
 *   free         0      0       0        0      0
 *   claimed      1      0       0        0      0    somebody is about to decide
 *   page         1      1       0        0      0    pages[] and the page table have it
 *   reserved     1      0       1        0      0    no page
 *   dying        1      0       0        1      0    freed, translations may be left
 *   doomed       1      0       0        0      1    dying, and not ours alone
 *
 *   free -----> claimed -----> page -----> dying -----> (claimed) -----> free
 *                  |             ^           |    reap
 *                  +-> reserved  +-----------+
 *                                  comes back to life
 *
 * Invariants.
 *  - Whoever changes 0 to 1 in taken, or 1 to 0 in any other map, owns the address
 *    until it has set a bit of those, or cleared taken. That happens in any context,
 *    and waits for nobody.
 *  - An address is free again when no translation of its page is left: arena_reap.c.
 *    Before, only the same page can be had at the same address: whatever old
 *    translations there are, of programs and of processes, are right then. Whoever
 *    takes it clears it. A page that somebody else refers to, through a pipe or
 *    get_user_pages(), is not cleared under their eyes: it is doomed.
 *  - Whoever owns addresses and may be preempted holds arena->settle for read; others
 *    have preemption off. So a caller that finds an address owned can wait.
 *
 * The page at NULL is the last to be given to a caller that does not ask for it: as
 * long as it is not there, a NULL pointer faults.
 */
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include "arena.h"

/* Chunks without room for a run that are looked at by a caller with preemption off: of
 * those that may have none, and of those that had it when the index was written
 */
#define ARENA_CLAIM_TRIES	16
#define ARENA_SURE_TRIES	64

/* Chunks with dying pages that such a caller looks at first */
#define ARENA_DYING_TRIES	2

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

/*
 * Does nobody but the arena and its user mappings refer to the page? Whoever unmaps it
 * meanwhile gives up the mapping first, and its reference after its flush, so that this
 * errs on the safe side.
 */
static bool page_is_ours(struct page *page)
{
	int count = page_count(page);

	/* in this order, see above; a fault on its way may come between the two */
	smp_rmb();
	if (count != 1 + page_mapcount(page))
		return false;
	/* and once more in the other order */
	smp_rmb();
	return count == page_count(page) && !PageHWPoison(page);
}

/* Addresses that the caller owns: their pages go, or come back. Any context. */
void chunk_bury(struct bpf_arena *arena, struct arena_chunk *chunk, u32 word,
		unsigned long dying, unsigned long doomed)
{
	/* what was done to the page before the bit; pairs with word_take() */
	smp_mb__before_atomic();
	if (dying)
		atomic_long_or(dying, &chunk->dying[word]);
	if (doomed)
		atomic_long_or(doomed, &chunk->doomed[word]);
	/* either, then dirty: reap_add() reads them the other way */
	smp_mb__after_atomic();
	arena_dirty_set(arena, chunk->idx);
	/* dirty, then kicked: the worker reads them the other way */
	smp_mb();
	arena_kick(arena);
}

/* Addresses have become free, or dying. Any context. */
void chunk_raise(struct bpf_arena *arena, struct arena_chunk *chunk, u32 word,
		 unsigned long bits)
{
	u32 pos;

	/* the bits before the look, and that before the index */
	smp_mb();
	/* a run at a time */
	for (; bits; bits &= bits + (bits & -bits)) {
		pos = word * BITS_PER_LONG + __ffs(bits);
		arena_index_raise(arena, chunk->idx, chunk_run_at(chunk, pos, 1));
	}
}

/* Takes dying pages back, or none of them. */
static bool chunk_revive(struct bpf_arena *arena, struct arena_chunk *chunk, u32 word,
			 unsigned long bits)
{
	unsigned long left = bits, doomed = 0;

	for (; left; left &= left - 1)
		if (!page_is_ours(chunk->pages[word * BITS_PER_LONG + __ffs(left)]))
			doomed |= left & -left;
	if (!doomed)
		return true;
	chunk_bury(arena, chunk, word, bits & ~doomed, doomed);
	return false;
}

/* All of the mask, or nothing */
static bool word_claim_kind(struct bpf_arena *arena, struct arena_chunk *chunk, u32 word,
			    unsigned long mask, enum arena_kind kind)
{
	unsigned long old = 0;

	if (kind != ARENA_FREE)
		old = word_take(&chunk->dying[word], mask);
	if (old != mask && (kind == ARENA_DYING ||
			    !word_claim(&chunk->taken[word], mask & ~old))) {
		if (old) {
			chunk_bury(arena, chunk, word, old, 0);
			chunk_raise(arena, chunk, word, old);
		}
		return false;
	}
	if (!old || chunk_revive(arena, chunk, word, old))
		return true;
	if (mask & ~old)
		atomic_long_andnot(mask & ~old, &chunk->taken[word]);
	chunk_raise(arena, chunk, word, mask);
	return false;
}

/* Gives a claim up: pages that were dying are again. */
void arena_unclaim(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_span s = arena_span(wpn, cnt);
	unsigned long dying, left;

	while (arena_span_next(arena, &s)) {
		dying = 0;
		for (left = s.mask; left; left &= left - 1)
			if (s.chunk->pages[s.word * BITS_PER_LONG + __ffs(left)])
				dying |= left & -left;
		if (dying)
			chunk_bury(arena, s.chunk, s.word, dying, 0);
		atomic_long_andnot(s.mask & ~dying, &s.chunk->taken[s.word]);
		chunk_raise(arena, s.chunk, s.word, s.mask);
	}
}

/* Claimed addresses that have no page of their own, which would come back to life */
u32 arena_claim_missing(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_chunk *chunk = arena_chunk(arena, wpn);
	u32 missing = 0;

	for (; cnt; cnt--, wpn++) {
		if (!(wpn % ARENA_CHUNK_PAGES))
			chunk = arena_chunk(arena, wpn);
		missing += !chunk->pages[wpn % ARENA_CHUNK_PAGES];
	}
	return missing;
}

static int claim_at(struct bpf_arena *arena, u32 wpn, u32 cnt, enum arena_kind kind)
{
	struct arena_span s = arena_span(wpn, cnt);

	while (arena_span_next(arena, &s)) {
		if (s.chunk && word_claim_kind(arena, s.chunk, s.word, s.mask, kind))
			continue;
		arena_unclaim(arena, wpn, s.wpn - wpn);
		return s.chunk ? -EBUSY : -ENOENT;
	}
	return 0;
}

/**
 * arena_claim_at() - claim just these addresses
 * @arena: arena
 * @wpn: the first
 * @cnt: how many
 * @kind: what they may be
 *
 * Context: any, with arena->settle for read or preemption off.
 * Return: 0; -EBUSY if one of them is something else; -ENOENT if there is no chunk
 * for one.
 */
int arena_claim_at(struct bpf_arena *arena, u32 wpn, u32 cnt, enum arena_kind kind)
{
	return arena_should_fail(ARENA_FAIL_CLAIM) ? -EBUSY :
	       claim_at(arena, wpn, cnt, kind);
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

/* Where cnt addresses in a row begin in a chunk, in words from the given one on */
static u32 chunk_find(const struct arena_chunk *chunk, u32 cnt, enum arena_kind kind,
		      u32 word)
{
	unsigned long bits, starts;
	u32 run = 0, head;

	for (; word < ARENA_CHUNK_WORDS; word++) {
		bits = chunk_word(chunk, word, kind);
		head = ~bits ? __ffs(~bits) : BITS_PER_LONG;
		if (run + head >= cnt)
			return word * BITS_PER_LONG - run;
		if (head == BITS_PER_LONG) {
			run += BITS_PER_LONG;
			continue;
		}
		starts = cnt <= BITS_PER_LONG ? run_starts(bits, cnt) : 0;
		if (starts)
			return word * BITS_PER_LONG + __ffs(starts);
		run = BITS_PER_LONG - 1 - __fls(~bits);
	}
	return ARENA_NOWHERE;
}

/* Claims cnt addresses of a chunk, and says which. CPUs begin at different words. */
static u32 chunk_claim(struct bpf_arena *arena, struct arena_chunk *chunk, u32 cnt,
		       enum arena_kind kind)
{
	u32 word = cnt == 1 ? raw_smp_processor_id() % ARENA_CHUNK_WORDS : 0;
	u32 wpn = chunk->idx * ARENA_CHUNK_PAGES, pos;

	for (;;) {
		pos = chunk_find(chunk, cnt, kind, word);
		if (pos == ARENA_NOWHERE) {
			if (!word)
				return pos;
			word = 0;
		} else if (!claim_at(arena, wpn + pos, cnt, kind)) {
			return wpn + pos;
		}
	}
}

/* A caller that may sleep has pages of its own, and leaves dying ones to others. */
static u32 chunk_claim_kinds(struct bpf_arena *arena, struct arena_chunk *chunk, u32 cnt,
			     enum arena_kind kind, enum arena_look how)
{
	u32 wpn = ARENA_NOWHERE;

	if (how != ARENA_LOOK_NOSLEEP || kind == ARENA_FREE)
		wpn = chunk_claim(arena, chunk, cnt, ARENA_FREE);
	if (wpn == ARENA_NOWHERE && kind != ARENA_FREE)
		wpn = chunk_claim(arena, chunk, cnt, kind);
	return wpn;
}

/* Where a CPU begins to look */
static u32 arena_claim_start(const struct bpf_arena *arena)
{
	u32 first = arena_first_chunk(arena);
	u32 cnt = arena_last_chunk(arena) + 1 - first;

	return first + (u64)cnt * raw_smp_processor_id() / nr_cpu_ids;
}

/* A claim in the chunks that the index has for a class, each of them at most once */
static u32 arena_claim_class(struct bpf_arena *arena, u32 cnt, u32 class,
			     enum arena_kind kind, enum arena_look how)
{
	bool sure = 1U << class >= cnt;
	u32 limit = sure ? ARENA_SURE_TRIES : ARENA_CLAIM_TRIES;
	u32 start = sure ? arena_claim_start(arena) : READ_ONCE(arena->resume);
	u32 idx = arena_index_next(arena, class, start), wpn, tries = 0;
	bool wrapped = false;
	struct arena_chunk *chunk;

	for (;; idx = arena_index_next(arena, class, idx + 1)) {
		if (idx == ARENA_NOWHERE && !wrapped && start) {
			wrapped = true;
			idx = arena_index_next(arena, class, 0);
		}
		if (idx == ARENA_NOWHERE || (wrapped && idx >= start))
			return ARENA_NOWHERE;
		chunk = arena_chunk_at(arena, idx);
		wpn = chunk_claim_kinds(arena, chunk, cnt, kind, how);
		if (wpn != ARENA_NOWHERE)
			return wpn;
		arena_index_lower(arena, chunk);
		if (how != ARENA_LOOK_ALL && ++tries == limit) {
			/* of those that are sure, this CPU begins with its own */
			if (!sure)
				WRITE_ONCE(arena->resume, idx + 1);
			return ARENA_NOWHERE;
		}
	}
}

/* Dying pages, which need no memory: in chunks where some are likely */
static u32 arena_claim_dying(struct bpf_arena *arena, u32 cnt)
{
	u32 start = arena_claim_start(arena), tries = 0, wpn;
	u32 idx = arena_dirty_next(arena, start);

	for (; tries < ARENA_DYING_TRIES; tries++) {
		if (idx == ARENA_NOWHERE)
			idx = arena_dirty_next(arena, 0);
		if (idx == ARENA_NOWHERE)
			return idx;
		wpn = chunk_claim(arena, arena_chunk_at(arena, idx), cnt, ARENA_DYING);
		if (wpn != ARENA_NOWHERE)
			return wpn;
		idx = arena_dirty_next(arena, idx + 1);
	}
	return ARENA_NOWHERE;
}

/**
 * arena_claim_any() - claim addresses in one chunk, wherever that is
 * @arena: arena
 * @cnt: how many, 1 to ARENA_CHUNK_PAGES
 * @kind: what they may be, ARENA_FREE or ARENA_EITHER
 * @how: how long it may take
 *
 * Nothing is built for it.
 *
 * Context: any, with arena->settle for read or preemption off.
 * Return: the first address, or ARENA_NOWHERE.
 */
u32 arena_claim_any(struct bpf_arena *arena, u32 cnt, enum arena_kind kind,
		    enum arena_look how)
{
	u32 class = order_base_2(cnt), wpn = ARENA_NOWHERE;

	if (how == ARENA_LOOK_NOSLEEP)
		wpn = arena_claim_dying(arena, cnt);
	if (wpn == ARENA_NOWHERE && class < ARENA_CLASSES)
		wpn = arena_claim_class(arena, cnt, class, kind, how);
	if (wpn == ARENA_NOWHERE && 1U << class != cnt)
		wpn = arena_claim_class(arena, cnt, class - 1, kind, how);
	return wpn;
}

/* Free addresses at the beginning of a chunk */
static u32 chunk_head(const struct arena_chunk *chunk, enum arena_kind kind)
{
	unsigned long bits;
	u32 word;

	for (word = 0; word < ARENA_CHUNK_WORDS; word++) {
		bits = ~chunk_word(chunk, word, kind);
		if (bits)
			return word * BITS_PER_LONG + __ffs(bits);
	}
	return ARENA_CHUNK_PAGES;
}

/* The same, at its end */
static u32 chunk_tail(const struct arena_chunk *chunk, enum arena_kind kind)
{
	unsigned long bits;
	u32 word;

	for (word = ARENA_CHUNK_WORDS; word; word--) {
		bits = ~chunk_word(chunk, word - 1, kind);
		if (bits)
			return (ARENA_CHUNK_WORDS - word + 1) * BITS_PER_LONG -
			       1 - __fls(bits);
	}
	return ARENA_CHUNK_PAGES;
}

/**
 * arena_search() - find addresses in a row across chunks, those to be made included
 * @arena: arena
 * @cnt: how many
 * @kind: what they may be
 *
 * What is inside of one chunk is not found: arena_claim_any() has looked there. So only
 * the ends of chunks are looked at.
 *
 * Context: may sleep.
 * Return: the first address, or ARENA_NOWHERE. Others may claim them meanwhile.
 */
u32 arena_search(struct bpf_arena *arena, u32 cnt, enum arena_kind kind)
{
	u32 idx = arena_first_chunk(arena), last = arena_last_chunk(arena);
	u32 begin = max(arena_first(arena), 1U), start, end, head;
	const struct arena_chunk *chunk;

	/* all from begin on is free, up to the chunk at hand */
	for (; idx <= last; idx++, cond_resched()) {
		start = idx * ARENA_CHUNK_PAGES;
		end = min_t(u32, start + ARENA_CHUNK_PAGES, arena_end(arena));
		chunk = arena_chunk_at(arena, idx);
		head = chunk ? chunk_head(chunk, kind) : end - start;
		if (!chunk || head == ARENA_CHUNK_PAGES) {
			if (end - begin >= cnt)
				return begin;
			continue;
		}
		/* what the arena lacks of its first chunk is taken: head is 0 there */
		if (head && start + head - begin >= cnt)
			return begin;
		begin = start + ARENA_CHUNK_PAGES - chunk_tail(chunk, kind);
	}
	return ARENA_NOWHERE;
}

/* Puts pages to addresses that the caller has claimed, where none comes back to life. */
void arena_publish(struct bpf_arena *arena, u32 wpn, u32 cnt, struct list_head *pages)
{
	struct arena_span s = arena_span(wpn, cnt);
	u32 i, pos, revived;
	struct page *page;

	while (arena_span_next(arena, &s)) {
		revived = 0;
		pos = s.wpn % ARENA_CHUNK_PAGES;
		for (i = 0; i < s.cnt; i++, pos++) {
			page = s.chunk->pages[pos];
			if (page) {
				clear_highpage(page);
				revived++;
			} else {
				page = list_first_entry(pages, struct page, lru);
				list_del(&page->lru);
				s.chunk->pages[pos] = page;
			}
			set_pte_at(&init_mm, arena_kaddr(arena, s.wpn + i),
				   &s.chunk->ptes[pos], mk_pte(page, PAGE_KERNEL));
		}
		/* pairs with the acquire in chunk_page() */
		smp_mb__before_atomic();
		atomic_long_or(s.mask, &s.chunk->there[s.word]);
		if (revived)
			atomic_add(revived, &s.chunk->revived);
	}
}

void arena_reserve(struct bpf_arena *arena, u32 wpn, u32 cnt)
{
	struct arena_span s = arena_span(wpn, cnt);

	while (arena_span_next(arena, &s))
		atomic_long_or(s.mask, &s.chunk->reserved[s.word]);
}
