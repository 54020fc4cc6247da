// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks of a BPF arena: what one page table of the kernel window maps
 *
 * Problem. An arena can have a million pages, and most have a few. Whoever may not
 * sleep can build nothing, and must find what is there without a lock.
 *
 * Picture. Window page number 0x12345 of an arena on x86-64:
 *
 *	groups[2] --> chunks[0x11] --> pages[0x145], ptes[0x145], bit 5 of word 5
 *	(0x12345 / 512 / 64)  (/ 512 % 64)  (% 512)
 *
 * Invariants.
 *  - A chunk and its page table come when they are first needed, complete before
 *    they can be found, and stay as long as the arena.
 *  - Memory for a chunk is asked for without a lock, since that may reclaim; it is
 *    put in its place under arena->lock.
 *
 * What is charged. Chunks and their arrays are, to the arena's memory cgroup. Page
 * tables of the kernel are not, here as little as anywhere in vmalloc: one page for
 * each 512 that are.
 */
#include <linux/pagemap.h>
#include <xen/xen.h>
#include <asm/tlbflush.h>
#include "arena.h"

static void arena_chunk_add(struct bpf_arena *arena, struct arena_chunk *chunk,
			    struct arena_group **spare)
{
	u32 nr = chunk->idx / ARENA_GROUP_CHUNKS, bit = chunk->idx % ARENA_GROUP_CHUNKS;
	struct arena_group *group = arena->groups[nr];
	u32 room = chunk_longest(chunk);

	lockdep_assert_held(&arena->lock);
	if (!group) {
		group = *spare;
		*spare = NULL;
		/* pairs with arena_chunk_at() */
		smp_store_release(&arena->groups[nr], group);
	}
	/* pairs with arena_chunk_at() */
	smp_store_release(&group->chunks[bit], chunk);
	WRITE_ONCE(group->made, group->made | BIT(bit));
	/* pairs with those of arena_bit_next(): whoever finds the bit finds the chunk */
	smp_mb();
	if (room)
		arena_index_raise(arena, chunk->idx, room);
}

/* Addresses of the chunk that the arena does not have are taken for ever. */
static void arena_chunk_trim(const struct bpf_arena *arena, struct arena_chunk *chunk)
{
	u32 start = chunk->idx * ARENA_CHUNK_PAGES;
	u32 from = max(start, arena_first(arena)) - start;
	u32 to = min(start + (u32)ARENA_CHUNK_PAGES, arena_end(arena)) - start;
	DECLARE_BITMAP(taken, ARENA_CHUNK_PAGES);
	u32 word;

	bitmap_fill(taken, ARENA_CHUNK_PAGES);
	bitmap_clear(taken, from, to - from);
	for (word = 0; word < ARENA_CHUNK_WORDS; word++)
		atomic_long_set(&chunk->taken[word], taken[word]);
}

static void arena_chunk_delete(struct arena_chunk *chunk)
{
	if (!chunk)
		return;
	free_page((unsigned long)chunk->pages);
	kfree(chunk);
}

/*
 * A page table's worth of pointers is a page. kmalloc() would cut it from a block of
 * several, whose end makes the page allocator give up this CPU's list of free pages,
 * so that every page freed with it costs a third more.
 */
static struct arena_chunk *arena_chunk_new(struct bpf_arena *arena, u32 idx, gfp_t gfp)
{
	struct arena_chunk *chunk;
	struct page *pages;

	BUILD_BUG_ON(ARENA_CHUNK_PAGES * sizeof(*chunk->pages) != PAGE_SIZE);
	chunk = arena_kzalloc(arena, sizeof(*chunk), gfp);
	if (!chunk)
		return NULL;
	pages = arena_page_try_alloc(arena, gfp);
	if (!pages) {
		kfree(chunk);
		return NULL;
	}
	chunk->idx = idx;
	chunk->pages = page_address(pages);
	mutex_init(&chunk->lock);
	arena_chunk_trim(arena, chunk);
	return chunk;
}

static int arena_pte_note(pte_t *pte, unsigned long kaddr, void *data)
{
	*(pte_t **)data = pte;
	return 0;
}

static int arena_chunk_try_make(struct bpf_arena *arena, u32 idx, gfp_t gfp)
{
	unsigned long kaddr = arena_kaddr(arena, idx * ARENA_CHUNK_PAGES);
	struct arena_group *group = NULL;
	struct arena_chunk *chunk;
	int err = -ENOMEM;

	if (arena_chunk_at(arena, idx))
		return 0;
	chunk = arena_chunk_new(arena, idx, gfp);
	if (chunk && !READ_ONCE(arena->groups[idx / ARENA_GROUP_CHUNKS]))
		group = arena_kzalloc(arena, sizeof(*group), gfp);
	mutex_lock(&arena->lock);
	if (arena_chunk_at(arena, idx)) {
		err = 0;
	} else if (chunk && (group || arena->groups[idx / ARENA_GROUP_CHUNKS])) {
		err = apply_to_page_range(&init_mm, kaddr, PAGE_SIZE, arena_pte_note,
					  &chunk->ptes);
		if (!err) {
			arena_chunk_add(arena, chunk, &group);
			chunk = NULL;
		}
	}
	mutex_unlock(&arena->lock);
	kfree(group);
	arena_chunk_delete(chunk);
	return err;
}

/**
 * arena_chunk_make() - have a chunk, and its page table
 * @arena: arena
 * @idx: which
 * @gfp: ARENA_GFP_*
 *
 * Context: may sleep; neither a chunk's lock nor arena->settle is held.
 * Return: 0; -ENOMEM; -EINTR if the task is about to die.
 */
int arena_chunk_make(struct bpf_arena *arena, u32 idx, gfp_t gfp)
{
	int err = arena_chunk_try_make(arena, idx, ARENA_GFP_WORKER);
	u32 step;

	for (step = 0; err == -ENOMEM && gfp != ARENA_GFP_WORKER && step < 2; step++)
		err = arena_relieve(arena, step) ?:
		      arena_chunk_try_make(arena, idx, step ? gfp : ARENA_GFP_WORKER);
	return err;
}

/* The same for all of these addresses */
int arena_chunks_make(struct bpf_arena *arena, u32 wpn, u32 cnt, gfp_t gfp)
{
	u32 idx, last = (wpn + cnt - 1) / ARENA_CHUNK_PAGES;
	int err = 0;

	for (idx = wpn / ARENA_CHUNK_PAGES; !err && idx <= last; idx++)
		err = arena_chunk_make(arena, idx, gfp);
	return err;
}

static bool arena_chunk_has(const struct bpf_arena *arena, u32 idx, u32 cnt)
{
	u32 start = idx * ARENA_CHUNK_PAGES, end = start + ARENA_CHUNK_PAGES;

	start = max(start, arena_first(arena));
	end = min(end, arena_end(arena));
	/* but for the page at NULL, see arena_claim.c */
	return end - start - !start >= cnt;
}

/**
 * arena_chunk_missing() - a chunk that is to be made
 * @arena: arena
 * @cnt: how many addresses it is to have, 1 to ARENA_CHUNK_PAGES
 *
 * Context: any.
 * Return: the first such chunk, ARENA_NOWHERE if there is none.
 */
u32 arena_chunk_missing(const struct bpf_arena *arena, u32 cnt)
{
	u32 idx = arena_first_chunk(arena), last = arena_last_chunk(arena);
	const struct arena_group *group;
	unsigned long missing;

	for (; idx <= last; idx = (idx | (ARENA_GROUP_CHUNKS - 1)) + 1) {
		/* pairs with arena_chunk_add() */
		group = smp_load_acquire(&arena->groups[idx / ARENA_GROUP_CHUNKS]);
		missing = group ? ~READ_ONCE(group->made) : ~0UL;
		missing &= ~0UL << idx % ARENA_GROUP_CHUNKS;
		for (; missing; missing &= missing - 1) {
			u32 i = round_down(idx, ARENA_GROUP_CHUNKS) + __ffs(missing);

			if (i > last)
				return ARENA_NOWHERE;
			if (arena_chunk_has(arena, i, cnt))
				return i;
		}
	}
	return ARENA_NOWHERE;
}

bool arena_span_next(struct bpf_arena *arena, struct arena_span *s)
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

/*
 * Drops the chunk's references to pages of one word. Others may have theirs still,
 * so that no page may be touched once ours is dropped: put_pages_list() would, which
 * is for pages that nobody has seen.
 */
void chunk_put_pages(struct bpf_arena *arena, struct arena_chunk *chunk, u32 word,
		     unsigned long bits)
{
	struct page **pages = &chunk->pages[word * BITS_PER_LONG];
	struct arena_pool *pool = READ_ONCE(arena->pool);
	struct page *batch[BITS_PER_LONG];
	u32 bit, n = 0;

	for_each_set_bit(bit, &bits, BITS_PER_LONG) {
		if (!pages[bit])
			continue;
		if (!pool || !arena_pool_recycle(pool, pages[bit]))
			batch[n++] = pages[bit];
		pages[bit] = NULL;
	}
	if (n)
		release_pages(batch, n);
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
 * Frees the page tables of the window, and the tables of these where it has them for
 * itself. If memory is missing for that, arena_chunk_destroy() frees the first.
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

static void arena_chunk_table_free(struct bpf_arena *arena, struct arena_chunk *chunk)
{
	unsigned long kaddr = arena_kaddr(arena, chunk->idx * ARENA_CHUNK_PAGES);
	pud_t *pud = arena_pud(kaddr);

	if (!pud)
		return;
	mmap_read_lock(&init_mm);
	pmd_free_pte_page(pmd_offset(pud, kaddr), kaddr);
	mmap_read_unlock(&init_mm);
}

/* As vunmap() does: the tables are left to whoever has the addresses next. */
static void arena_chunk_table_clear(struct bpf_arena *arena, struct arena_chunk *chunk)
{
	u32 pos;

	for (pos = 0; pos < ARENA_CHUNK_PAGES; pos++)
		if (chunk->pages[pos])
			pte_clear(&init_mm, arena_kaddr(arena, chunk->idx * ARENA_CHUNK_PAGES + pos),
				  &chunk->ptes[pos]);
}

static void arena_group_destroy(struct bpf_arena *arena, struct arena_group *group)
{
	struct arena_chunk *chunk;
	u32 i, word;

	for (i = 0; group && i < ARENA_GROUP_CHUNKS; i++) {
		chunk = group->chunks[i];
		if (!chunk)
			continue;
		if (xen_pv_domain())
			arena_chunk_table_clear(arena, chunk);
		else
			arena_chunk_table_free(arena, chunk);
		for (word = 0; word < ARENA_CHUNK_WORDS; word++)
			chunk_put_pages(arena, chunk, word, ~0UL);
		arena_chunk_delete(chunk);
		cond_resched();
	}
	kfree(group);
}

/*
 * Every VMA and every program held a reference to the map: nobody looks. The TLB may
 * still have the pages, as it may those of a vfree(): nobody has an address of the
 * window any more, and it is not given to anybody else before vmalloc has flushed it.
 *
 * A table that Xen PV has pinned cannot be freed like a page, which is what the
 * functions for huge vmap mappings do; there are none of these under Xen PV.
 */
void arena_chunks_destroy(struct bpf_arena *arena)
{
	u32 i;

	if (!xen_pv_domain())
		arena_tables_free(arena);
	for (i = 0; i < ARENA_GROUPS; i++)
		arena_group_destroy(arena, arena->groups[i]);
}
