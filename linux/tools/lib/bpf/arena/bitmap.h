/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_BITMAP_H__
#define __BPF_ARENA_BITMAP_H__

/*
 * Bitmaps that both sides change at once, without a lock.
 *
 * A bitmap is an array of 64-bit words; bit n is bit n % 64 of word n / 64. All zeroes
 * is an empty bitmap, and so is memory that is not there.
 *
 *	word      0                1                2
 *	bits      63 ........ 0    127 ...... 64    191 ...... 128
 *
 * Bits are changed by cmpxchg of a word, so two callers never both change a bit, and
 * whoever is told that a bit was 0 and is 1 now owns what the bit stands for. A program
 * that interrupts another on the same CPU cannot block: it makes the other's cmpxchg fail
 * once. After ARENA_TRIES of these the result is -EAGAIN; only somebody who writes to the
 * word without end does that.
 *
 * arena_bitmap_claim() takes n set bits in a row at once: that is how pages are allocated,
 * with a set bit for a free page. A run that spans words is taken word by word, and given
 * back when a word turns out to be taken.
 *
 * Searches look at one word a round: 4 Mi bits take 64 Ki rounds.
 */

#include "common.h"

#define ARENA_BITMAP_WORDS(bits) (((bits) + 63ULL) / 64)

/* Bits of a word: @n of them (1 to 64), from bit @from (0 to 63) */
static __always_inline __u64 __arena_mask(__u32 from, __u32 n)
{
	return (~0ULL >> (64 - n)) << from;
}

/* Number of the lowest set bit; @word is not 0 */
static __always_inline __u32 __arena_ctz(__u64 word)
{
	return __builtin_ctzll(word);
}

/*
 * Changes the bits of @mask, all at once, if all of them are @from (all ones, or 0), to the
 * opposite.
 */
static __always_inline int __arena_bits_flip(__u64 __arena *word, __u64 mask, __u64 from)
{
	__u64 old = arena_read_once(word), seen;
	__u32 i;

	if ((old ^ from) & mask)
		return -EBUSY;
	seen = arena_cmpxchg(word, old, old ^ mask);
	if (seen == old)
		return 0;
	arena_rounds(i, ARENA_TRIES) {
		old = seen;
		if ((old ^ from) & mask)
			return -EBUSY;
		seen = arena_cmpxchg(word, old, old ^ mask);
		if (seen == old)
			return 0;
	}
	return -EAGAIN;
}

/**
 * arena_bitmap_test() - is a bit set?
 * @map: the bitmap
 * @bit: number of the bit
 *
 * Context: any, both sides.
 * Return: 1 or 0.
 */
static __always_inline int arena_bitmap_test(const __u64 __arena *map, __u32 bit)
{
	return arena_read_once(&map[bit / 64]) >> (bit % 64) & 1;
}

/**
 * arena_bitmap_set() - set a bit that is 0
 * @map: the bitmap
 * @bit: number of the bit
 *
 * Of several callers one gets 0. It orders all accesses before and after it, if so.
 *
 * Context: any, both sides.
 * Return: 0; -EBUSY if the bit is 1 already; -EAGAIN.
 */
static __always_inline int arena_bitmap_set(__u64 __arena *map, __u32 bit)
{
	return __arena_bits_flip(&map[bit / 64], 1ULL << (bit % 64), 0);
}

/**
 * arena_bitmap_clear() - clear a bit that is 1
 * @map: the bitmap
 * @bit: number of the bit
 *
 * Context: any, both sides.
 * Return: 0; -EBUSY if the bit is 0 already; -EAGAIN.
 */
static __always_inline int arena_bitmap_clear(__u64 __arena *map, __u32 bit)
{
	return __arena_bits_flip(&map[bit / 64], 1ULL << (bit % 64), ~0ULL);
}

/**
 * arena_bitmap_find() - number of the next bit that is set
 * @map: the bitmap
 * @bits: its size in bits, up to 2^31
 * @from: where the search begins
 *
 * Context: any, both sides; a round for each 64 bits.
 * Return: the number of the bit; @bits if there is none, or no more time.
 */
static inline __u32 arena_bitmap_find(const __u64 __arena *map, __u32 bits, __u32 from)
{
	__u32 i, w = from / 64, words = ARENA_BITMAP_WORDS(bits), n;
	__u64 word;

	if (from >= bits)
		return bits;
	word = arena_read_once(&map[w]) & ~0ULL << (from % 64);
	arena_rounds(i, words + 1) {
		if (word) {
			n = w * 64 + __arena_ctz(word);
			return n < bits ? n : bits;
		}
		if (++w >= words)
			return bits;
		word = arena_read_once(&map[w]);
	}
	return bits;
}

/**
 * arena_bitmap_find_zero() - number of the next bit that is 0
 * @map: the bitmap
 * @bits: its size in bits, up to 2^31
 * @from: where the search begins
 *
 * Context: any, both sides; a round for each 64 bits.
 * Return: the number of the bit; @bits if there is none, or no more time.
 */
static inline __u32 arena_bitmap_find_zero(const __u64 __arena *map, __u32 bits,
					   __u32 from)
{
	__u32 i, w = from / 64, words = ARENA_BITMAP_WORDS(bits), n;
	__u64 word;

	if (from >= bits)
		return bits;
	word = ~arena_read_once(&map[w]) & ~0ULL << (from % 64);
	arena_rounds(i, words + 1) {
		if (word) {
			n = w * 64 + __arena_ctz(word);
			return n < bits ? n : bits;
		}
		if (++w >= words)
			return bits;
		word = ~arena_read_once(&map[w]);
	}
	return bits;
}

/**
 * arena_bitmap_count() - how many bits are set
 * @map: the bitmap
 * @bits: its size in bits, up to 2^31
 *
 * Others may change the bitmap meanwhile: then no moment need have had that many.
 *
 * Context: any, both sides; a round for each 64 bits.
 * Return: the number; that of a part of the bitmap if the program's time is over.
 */
static inline __u32 arena_bitmap_count(const __u64 __arena *map, __u32 bits)
{
	__u32 i, words = ARENA_BITMAP_WORDS(bits), sum = 0;
	__u64 word;

	arena_rounds(i, words) {
		word = arena_read_once(&map[i]);
		if (i == words - 1 && bits % 64)
			word &= __arena_mask(0, bits % 64);
		sum += __builtin_popcountll(word);
	}
	return sum;
}

/*
 * Flips @n bits from @bit on, word by word, from all ones or 0 as @from says. Returns how many
 * it has flipped: fewer if one is not as @from says, or the time is over. Those of the first word
 * are flipped in any case.
 */
__arena_large __u32 __arena_bits_flip_run(__arg_arena __u64 __arena *map, __u32 bit, __u32 n,
					  __u64 from)
{
	__u32 i, part = 64 - bit % 64, done = 0;

	if (part > n)
		part = n;
	if (!n || __arena_bits_flip(&map[bit / 64], __arena_mask(bit % 64, part), from))
		return 0;
	done = part;
	bit += part;
	arena_rounds(i, n / 64 + 2) {
		if (done >= n)
			break;
		part = n - done > 64 ? 64 : n - done;
		if (__arena_bits_flip(&map[bit / 64], __arena_mask(bit % 64, part), from))
			break;
		done += part;
		bit += part;
	}
	return done;
}

/**
 * arena_bitmap_release() - set @n bits from @bit on, all of which are 0
 * @map: the bitmap
 * @bit: the first one
 * @n: how many
 *
 * Context: any, both sides; a round for each 64 bits.
 * Return: 0; -EBUSY if a bit is 1 already: the caller did not own it, and bits before it
 * may be set. So it is if others write to a word without end, or if a program's time is over and
 * the run goes beyond one word.
 */
static inline int arena_bitmap_release(__u64 __arena *map, __u32 bit, __u32 n)
{
	return __arena_bits_flip_run(map, bit, n, 0) < n ? -EBUSY : 0;
}

/*
 * Is the run of @n bits from @bit on all ones? 0 if so, else the first bit after the last
 * zero of the run's first word that has one: no run can begin before.
 */
static inline __u32 __arena_run_blocked(const __u64 __arena *map, __u32 bit, __u32 n)
{
	__u32 i, part, left = n;
	__u64 zeros;

	arena_rounds(i, n / 64 + 3) {
		if (!left)
			return 0;
		part = 64 - bit % 64;
		if (part > left)
			part = left;
		zeros = ~arena_read_once(&map[bit / 64]) & __arena_mask(bit % 64, part);
		if (zeros)
			return bit / 64 * 64 + 64 - __builtin_clzll(zeros);
		left -= part;
		bit += part;
	}
	return left ? bit + 1 : 0;
}

/**
 * arena_bitmap_claim() - clear a run of @n bits, all of which are 1
 * @map: the bitmap
 * @bits: its size in bits, up to 2^31
 * @n: length of the run, 1 or more
 * @align: the run begins at a multiple of this, a power of two
 * @from: where the search begins; it ends at the end of the bitmap
 *
 * Of several callers each gets bits of its own. A search that ends while somebody else gives
 * bits back need not see them. If a program's time is over while it gives back a run that
 * spans words and turned out to be taken, the bits beyond the run's first word stay 0.
 *
 * Context: any, both sides; a round for each 64 bits, and for each run that is too short or
 * is taken meanwhile, up to @bits of them.
 * Return: the first bit of the run; @bits if there is none, or no more time, or others took runs
 * that had been found ARENA_TRIES times.
 */
__arena_large __u32 arena_bitmap_claim(__arg_arena __u64 __arena *map, __u32 bits, __u32 n,
				       __u32 align, __u32 from)
{
	__u32 i, bit = from, next, done, lost = arena_zero();

	if (!n || n > bits || !align || align & (align - 1))
		return bits;
	arena_rounds(i, bits) {
		bit = arena_bitmap_find(map, bits, bit);
		bit = (bit + align - 1) & ~(align - 1);
		if (bit > bits - n)
			return bits;
		next = __arena_run_blocked(map, bit, n);
		if (!next) {
			done = __arena_bits_flip_run(map, bit, n, ~0ULL);
			if (done >= n)
				return bit;
			__arena_bits_flip_run(map, bit, done, 0);
			if (++lost >= ARENA_TRIES)
				return bits;
			next = bit + 1;
		}
		bit = next;
	}
	return bits;
}

#endif /* __BPF_ARENA_BITMAP_H__ */
