// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which chunks of a BPF arena have room, and which have something to reap
 *
 * Problem. Whoever may not sleep must find a run of addresses among 2,048 chunks,
 * any of which may be full of holes, in a time that depends on nothing, and without
 * writing to a line that other CPUs write to.
 *
 * Picture. For each power of two there is a bit a chunk, in its group, and a bit a
 * group, in the arena: may there be so many addresses in a row?
 *
 *	arena->runs[4]    . 1 . 1        16 in a row are perhaps in groups 1 and 3,
 *	groups[1]->runs[4]  . . 1 .      there in chunk 2 of 64: two words read
 *
 * A run of 5 is looked for at 8 first, where it is for sure, and then at 4, where it
 * may be.
 *
 * Invariants.
 *  - The index may overstate. A bit is set by whoever makes a run longer, after that
 *    can be seen; if another does so at the same time, at least one of them sees all
 *    of the run. It is cleared by whoever has looked there in vain, and then looks
 *    once more. So it never understates once nothing moves.
 *  - If the bit of 2^k is set, that of 2^(k-1) is, or is being set. Hence a chunk
 *    that has the bit already costs whoever frees a read.
 *
 * The page at NULL counts as taken: it is given away last, by other means.
 */
#include "arena.h"

/**
 * chunk_word() - addresses of a word that a caller can make use of
 * @chunk: chunk
 * @word: which
 * @kind: in what way
 *
 * Context: any.
 * Return: a bit for each.
 */
unsigned long chunk_word(const struct arena_chunk *chunk, u32 word, enum arena_kind kind)
{
	unsigned long bits = 0;

	if (kind != ARENA_DYING)
		bits = ~atomic_long_read(&chunk->taken[word]);
	if (kind != ARENA_FREE)
		bits |= atomic_long_read(&chunk->dying[word]);
	return chunk->idx || word ? bits : bits & ~1UL;
}

/* The largest power of two that has so many ones in a row in a word; not all ones */
static u32 word_longest(unsigned long bits)
{
	u32 len = 0, n;

	for (n = 1; bits; n *= 2) {
		len = n;
		bits &= bits >> n;
	}
	return len;
}

/* Longest run of a chunk, or less, but of the same class; 0 if there is none */
u32 chunk_longest(const struct arena_chunk *chunk)
{
	u32 word, run = 0, best = 0;
	unsigned long bits;

	for (word = 0; word < ARENA_CHUNK_WORDS; word++) {
		bits = chunk_word(chunk, word, ARENA_EITHER);
		if (!~bits) {
			run += BITS_PER_LONG;
			continue;
		}
		run += __ffs(~bits);
		best = max3(best, run, word_longest(bits));
		run = BITS_PER_LONG - 1 - __fls(~bits);
	}
	return max(best, run);
}

/**
 * chunk_run_at() - the run that a range of addresses is part of
 * @chunk: chunk
 * @pos: first address in the chunk
 * @cnt: how many, that are free or dying
 *
 * Context: any.
 * Return: its length.
 */
u32 chunk_run_at(const struct arena_chunk *chunk, u32 pos, u32 cnt)
{
	u32 from = pos, to = pos + cnt;
	unsigned long bits;

	while (from) {
		u32 n = (from - 1) % BITS_PER_LONG + 1, ones;

		bits = ~chunk_word(chunk, (from - 1) / BITS_PER_LONG, ARENA_EITHER);
		bits <<= BITS_PER_LONG - n;
		ones = bits ? BITS_PER_LONG - 1 - __fls(bits) : n;
		from -= min(ones, n);
		if (ones < n)
			break;
	}
	while (to < ARENA_CHUNK_PAGES) {
		u32 n = BITS_PER_LONG - to % BITS_PER_LONG, ones;

		bits = ~chunk_word(chunk, to / BITS_PER_LONG, ARENA_EITHER);
		bits >>= to % BITS_PER_LONG;
		ones = bits ? __ffs(bits) : n;
		to += min(ones, n);
		if (ones < n)
			break;
	}
	return to - from;
}

static void index_set(struct bpf_arena *arena, u32 idx, int class)
{
	u32 nr = idx / ARENA_GROUP_CHUNKS;

	set_bit(idx % ARENA_GROUP_CHUNKS, &arena->groups[nr]->runs[class]);
	/* pairs with that of arena_group_next() */
	smp_mb__after_atomic();
	if (!test_bit(nr, &arena->runs[class]))
		set_bit(nr, &arena->runs[class]);
}

/**
 * arena_index_raise() - a chunk has a run of addresses
 * @arena: arena
 * @idx: chunk
 * @run: how many, not 0
 *
 * Context: any, after a full barrier after the run came into being.
 */
void arena_index_raise(struct bpf_arena *arena, u32 idx, u32 run)
{
	struct arena_group *group = arena->groups[idx / ARENA_GROUP_CHUNKS];
	int class;

	for (class = ilog2(run); class >= 0; class--) {
		if (test_bit(idx % ARENA_GROUP_CHUNKS, &group->runs[class]))
			return;
		index_set(arena, idx, class);
	}
}

/**
 * arena_index_lower() - forget about runs that a chunk does not have
 * @arena: arena
 * @chunk: chunk in which something was looked for in vain
 *
 * Context: any.
 */
void arena_index_lower(struct bpf_arena *arena, const struct arena_chunk *chunk)
{
	struct arena_group *group = arena->groups[chunk->idx / ARENA_GROUP_CHUNKS];
	u32 bit = chunk->idx % ARENA_GROUP_CHUNKS, run = chunk_longest(chunk);
	bool lowered = false;
	int class;

	for (class = ARENA_CLASSES - 1; class >= (run ? ilog2(run) + 1 : 0); class--) {
		if (!test_bit(bit, &group->runs[class]))
			continue;
		clear_bit(bit, &group->runs[class]);
		lowered = true;
	}
	if (!lowered)
		return;
	/* whoever made a longer run sees the bit gone, or we see the run */
	smp_mb__after_atomic();
	run = chunk_longest(chunk);
	/* each of them: others raise down to a bit that we had not cleared yet */
	for (class = run ? ilog2(run) : -1; class >= 0; class--)
		index_set(arena, chunk->idx, class);
}

/*
 * The first group from nr on with a bit in a word of its own, of which tops has a bit
 * a group. A bit of tops without any is cleared: it comes back if one comes.
 */
static u32 arena_group_next(struct bpf_arena *arena, unsigned long *tops, u32 nr,
			    u32 word_off, unsigned long *bits)
{
	unsigned long top = nr < ARENA_GROUPS ? READ_ONCE(*tops) & (~0UL << nr) : 0;
	unsigned long *word;

	/* a group's bit before the group; pairs with arena_chunk_add() */
	smp_rmb();
	for (; top; top &= top - 1) {
		nr = __ffs(top);
		word = (void *)arena->groups[nr] + word_off;
		*bits = READ_ONCE(*word);
		if (*bits)
			return nr;
		clear_bit(nr, tops);
		/* pairs with those of arena_index_raise() and arena_dirty_set() */
		smp_mb__after_atomic();
		if (READ_ONCE(*word))
			set_bit(nr, tops);
	}
	return ARENA_NOWHERE;
}

static u32 arena_bit_next(struct bpf_arena *arena, unsigned long *tops, u32 idx,
			  u32 word_off)
{
	u32 nr = idx / ARENA_GROUP_CHUNKS;
	unsigned long bits = 0;

	BUILD_BUG_ON(ARENA_GROUPS > BITS_PER_LONG);
	if (nr >= ARENA_GROUPS)
		return ARENA_NOWHERE;
	if (READ_ONCE(*tops) & BIT(nr)) {
		/* as in arena_group_next() */
		smp_rmb();
		bits = READ_ONCE(*(unsigned long *)((void *)arena->groups[nr] + word_off));
		bits &= ~0UL << idx % ARENA_GROUP_CHUNKS;
	}
	if (!bits)
		nr = arena_group_next(arena, tops, nr + 1, word_off, &bits);
	/* a chunk's bit before the chunk; pairs with arena_chunk_add() */
	smp_rmb();
	return nr == ARENA_NOWHERE ? nr : nr * ARENA_GROUP_CHUNKS + __ffs(bits);
}

/**
 * arena_index_next() - a chunk that may have a run of addresses
 * @arena: arena
 * @class: of 2^@class addresses
 * @idx: where to begin
 *
 * Context: any.
 * Return: the first such chunk from @idx on, or ARENA_NOWHERE.
 */
u32 arena_index_next(struct bpf_arena *arena, u32 class, u32 idx)
{
	return arena_bit_next(arena, &arena->runs[class], idx,
			      offsetof(struct arena_group, runs) +
			      class * sizeof(unsigned long));
}

/* Something in a chunk is dying, or doomed. Any context, after a full barrier. */
void arena_dirty_set(struct bpf_arena *arena, u32 idx)
{
	u32 nr = idx / ARENA_GROUP_CHUNKS, bit = idx % ARENA_GROUP_CHUNKS;
	struct arena_group *group = arena->groups[nr];

	if (test_bit(bit, &group->dirty))
		return;
	set_bit(bit, &group->dirty);
	/* pairs with that of arena_group_next() */
	smp_mb__after_atomic();
	if (!test_bit(nr, &arena->dirty))
		set_bit(nr, &arena->dirty);
}

/* Whoever is to reap a chunk calls this first: what is missed makes it dirty again. */
void arena_dirty_clear(struct bpf_arena *arena, u32 idx)
{
	clear_bit(idx % ARENA_GROUP_CHUNKS,
		  &arena->groups[idx / ARENA_GROUP_CHUNKS]->dirty);
	/* the bit before the look */
	smp_mb__after_atomic();
}

/**
 * arena_dirty_scan() - a chunk in which something may be dying or doomed
 * @arena: arena
 * @idx: where to begin
 *
 * Misses none that was dirty before, as arena_dirty_next() may while somebody else looks.
 *
 * Context: any.
 * Return: the first such chunk from @idx on, or ARENA_NOWHERE.
 */
u32 arena_dirty_scan(const struct bpf_arena *arena, u32 idx)
{
	u32 nr = idx / ARENA_GROUP_CHUNKS;
	const struct arena_group *group;
	unsigned long bits;

	for (; nr < ARENA_GROUPS; nr++, idx = nr * ARENA_GROUP_CHUNKS) {
		/* pairs with arena_chunk_add() */
		group = smp_load_acquire(&arena->groups[nr]);
		bits = group ? READ_ONCE(group->dirty) : 0;
		bits &= ~0UL << idx % ARENA_GROUP_CHUNKS;
		if (!bits)
			continue;
		/* a chunk's bit before the chunk */
		smp_rmb();
		return nr * ARENA_GROUP_CHUNKS + __ffs(bits);
	}
	return ARENA_NOWHERE;
}

/* One for a caller that is content with any, and has little time */
u32 arena_dirty_next(struct bpf_arena *arena, u32 idx)
{
	return arena_bit_next(arena, &arena->dirty, idx,
			      offsetof(struct arena_group, dirty));
}
