// SPDX-License-Identifier: GPL-2.0
/*
 * Random numbers, of the kinds that find bugs
 *
 * A uniform 64-bit number is nearly never zero, sign bit alone, next to a power of
 * two, or an address. rng_number(), rng_uaddr() and rng_offset() are such numbers
 * more often than not.
 *
 * A stream is a seed and a number: the sequence of one stream does not depend on how
 * much another one was used.
 */
#include "progs.h"

static u64 mix(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

void rng_seed(struct rng *rng, u64 seed, u64 stream)
{
	rng->state = mix(mix(seed) + stream * 0x9e3779b97f4a7c15);
}

u64 rng_next(struct rng *rng)
{
	rng->state += 0x9e3779b97f4a7c15;
	return mix(rng->state);
}

u32 rng_below(struct rng *rng, u32 n)
{
	return (rng_next(rng) >> 32) * n >> 32;
}

bool rng_chance(struct rng *rng, u32 percent)
{
	return rng_below(rng, 100) < percent;
}

u64 rng_number(struct rng *rng)
{
	u64 bit = 1ull << rng_below(rng, 64);

	switch (rng_below(rng, 8)) {
	case 0: return 0;
	case 1: return rng_below(rng, 64);
	case 2: return -(u64)rng_below(rng, 64);
	case 3: return bit;
	case 4: return bit - 1;
	case 5: return -bit;
	case 6: return (u32)rng_next(rng);
	default: return rng_next(rng);
	}
}

/* Distance from a page's start: its edges, mostly aligned places, or any. */
static u32 in_page(struct rng *rng)
{
	switch (rng_below(rng, 8)) {
	case 0: return 0;
	case 1: return page_size - (1 << rng_below(rng, 4));
	case 2: return rng_below(rng, page_size);
	default: return rng_below(rng, page_size / 8) * 8;
	}
}

/*
 * An address as programs find it: in the arena, a little outside of it, at the ends
 * of the window, or with an upper half that is not the arena's.
 */
u64 rng_uaddr(struct rng *rng, const struct env *env, u32 arena)
{
	u64 uaddr = env->base[arena] + in_page(rng);

	switch (rng_below(rng, 16)) {
	case 0: return uaddr + (s64)page_size * ((s32)rng_below(rng, 20) - 10);
	case 1: return uaddr + (u64)page_size * env->pages;
	case 2: return (u64)(u32)rng_next(rng) << 32 | (u32)(uaddr + page_size);
	case 3: return (s64)(s32)(rng_below(rng, 64) - 32);
	case 4: return rng_next(rng);
	default: return uaddr + (u64)page_size * rng_below(rng, env->pages);
	}
}

s16 rng_offset(struct rng *rng)
{
	s32 page = (s32)rng_below(rng, 8) - 4;

	switch (rng_below(rng, 10)) {
	case 0: return 32767 - rng_below(rng, 2);
	case 1: return -32768 + rng_below(rng, 2);
	case 2: return rng_next(rng);
	case 3: return page * 4096 - (1 << rng_below(rng, 4));
	case 4: return page * 4096 + 8 * rng_below(rng, 8);
	case 5: return (s16)rng_next(rng) & ~7;
	case 6: return 8 * (s32)(rng_below(rng, 64) - 32);
	case 7: return rng_below(rng, 128);
	default: return 0;
	}
}
