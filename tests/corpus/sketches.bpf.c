// SPDX-License-Identifier: GPL-2.0
/* Counting without keeping: Bloom filters, count-min, HyperLogLog, histograms */
#include "corpus.h"

#define BITS (1 << 16)
#define ROWS 4
#define COLUMNS 1024

u64 __arena_global bloom[BITS / 64];
u8 __arena_global counting[BITS];
u32 __arena_global sketch[ROWS][COLUMNS];
u8 __arena_global registers[1024];
u64 __arena_global histogram[64];
u64 key, value, result;

static u64 mix(u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

SEC("xdp")
int bloom_add(struct xdp_md *ctx)
{
	u64 h = mix(key);
	u32 a = h, b = h >> 32, i;

	for (i = 0; i < 7; i++) {
		bloom[a % BITS / 64] |= 1ULL << a % 64;
		a += b;
	}
	return XDP_PASS;
}

SEC("xdp")
int bloom_test(struct xdp_md *ctx)
{
	u64 h = mix(key);
	u32 a = h, b = h >> 32, i;

	for (i = 0; i < 7 && can_loop; i++, a += b)
		if (!(bloom[a % BITS / 64] & 1ULL << a % 64))
			return XDP_DROP;
	return XDP_PASS;
}

SEC("tc")
int bloom_remove(void *ctx)
{
	u64 h = mix(key);
	u32 a = h, b = h >> 32, i;

	for (i = 0; i < 4; i++) {
		u8 __arena *c = &counting[a % BITS];

		if (*c && *c != 255)
			--*c;
		a += b;
	}
	return 0;
}

SEC("tc")
int bloom_count(void *ctx)
{
	u32 i, set = 0;
	u64 w;

	for (i = 0; i < BITS / 64 && can_loop; i++)
		for (w = bloom[i]; w && can_loop; w &= w - 1)
			set++;
	return set;
}

SEC("tc")
int countmin_add(void *ctx)
{
	u32 row, least = ~0U, c;

	for (row = 0; row < ROWS; row++) {
		u32 __arena *cell = &sketch[row][mix(key + row) % COLUMNS];

		c = __sync_fetch_and_add(cell, 1) + 1;
		if (c < least)
			least = c;
	}
	return least;
}

SEC("tc")
int countmin_decay(void *ctx)
{
	u32 row, col;

	for (row = 0; row < ROWS && can_loop; row++)
		for (col = 0; col < COLUMNS && can_loop; col++)
			sketch[row][col] >>= 1;
	return 0;
}

SEC("tc")
int hyperloglog_add(void *ctx)
{
	u64 h = mix(key);
	u32 i = h & 1023;
	u8 zeros = 1;

	h >>= 10;
	while (!(h & 1) && zeros < 54 && can_loop) {
		h >>= 1;
		zeros++;
	}
	if (registers[i] < zeros)
		registers[i] = zeros;
	return 0;
}

SEC("tc")
int hyperloglog_estimate(void *ctx)
{
	u32 i, empty = 0;
	u64 sum = 0;

	for (i = 0; i < 1024 && can_loop; i++) {
		sum += 1ULL << (54 - registers[i] % 54);
		empty += !registers[i];
	}
	if (!sum)
		return -1;
	result = (1ULL << 63) / sum;
	return empty;
}

static u32 log2_of(u64 v)
{
	u32 r = 0;

	if (v >> 32) { v >>= 32; r += 32; }
	if (v >> 16) { v >>= 16; r += 16; }
	if (v >> 8) { v >>= 8; r += 8; }
	if (v >> 4) { v >>= 4; r += 4; }
	if (v >> 2) { v >>= 2; r += 2; }
	return r + (v >> 1);
}

SEC("tc")
int histogram_add(void *ctx)
{
	__sync_fetch_and_add(&histogram[log2_of(value)], 1);
	return 0;
}

SEC("tc")
int histogram_percentile(void *ctx)
{
	u64 total = 0, seen = 0;
	u32 i;

	for (i = 0; i < 64; i++)
		total += histogram[i];
	for (i = 0; i < 64; i++) {
		seen += histogram[i];
		if (seen * 100 >= total * value)
			break;
	}
	return i;
}
