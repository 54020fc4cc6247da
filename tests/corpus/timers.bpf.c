// SPDX-License-Identifier: GPL-2.0
/* Timer wheels, token buckets, windows of time */
#include "corpus.h"

#define SLOTS 64
#define LEVELS 3

struct timer {
	struct timer __arena *next;
	u64 expires;
	u32 id, fired;
};

struct timer __arena * __arena_global wheel[LEVELS][SLOTS];
u64 now, target, expires;
u32 id;

static void place(struct timer __arena *t)
{
	u64 delta = t->expires - now;
	u32 level = 0, slot;

	while (delta >= SLOTS && level < LEVELS - 1 && can_loop) {
		delta /= SLOTS;
		level++;
	}
	slot = t->expires >> 6 * level & (SLOTS - 1);
	t->next = wheel[level][slot];
	wheel[level][slot] = t;
}

SEC("syscall")
int wheel_add(void *ctx)
{
	struct timer __arena *t = new(struct timer);

	if (!t)
		return 1;
	t->expires = expires;
	t->id = id;
	place(t);
	return 0;
}

SEC("tc")
int wheel_advance(void *ctx)
{
	struct timer __arena *t, *next;
	u32 fired = 0, level;

	while (now < target && can_loop) {
		now++;
		for (level = 1; level < LEVELS && can_loop; level++) {
			u32 shift = 6 * level;

			if (now & ((1ULL << shift) - 1))
				break;
			t = wheel[level][now >> shift & (SLOTS - 1)];
			wheel[level][now >> shift & (SLOTS - 1)] = NULL;
			for (; t && can_loop; t = next) {
				next = t->next;
				place(t);
			}
		}
		t = wheel[0][now & (SLOTS - 1)];
		wheel[0][now & (SLOTS - 1)] = NULL;
		for (; t && can_loop; t = next) {
			next = t->next;
			t->fired++;
			fired++;
		}
	}
	return fired;
}

struct bucket {
	u64 last;
	u32 tokens, rate, burst;
};

struct bucket __arena_global buckets[1024];

SEC("tc")
int token_bucket(struct __sk_buff *skb)
{
	struct bucket __arena *b = &buckets[skb->mark % 1024];
	u64 t = bpf_ktime_get_ns(), add;

	add = (t - b->last) / 1000 * b->rate / 1000;
	if (add) {
		b->last = t;
		b->tokens = b->tokens + add > b->burst ? b->burst : b->tokens + add;
	}
	if (b->tokens < skb->len)
		return 2;
	b->tokens -= skb->len;
	return 0;
}

/* A sliding window of a minute, in seconds */
struct second {
	u64 at;
	u32 events;
};

struct second __arena_global window[60];

SEC("tc")
int window_count(void *ctx)
{
	u64 t = bpf_ktime_get_ns() / 1000000000;
	struct second __arena *s = &window[t % 60];
	u32 i, sum = 0;

	if (s->at != t) {
		s->at = t;
		s->events = 0;
	}
	s->events++;
	for (i = 0; i < 60 && can_loop; i++)
		if (t - window[i].at < 60)
			sum += window[i].events;
	return sum;
}

/* Samples: a mean that forgets, the extremes, and which are out of the ordinary */
s64 __arena_global samples[1024];
u32 n;
s64 mean, least, most;

SEC("tc")
int outliers(void *ctx)
{
	s64 sum = 0, spread = 0, d;
	u32 i, out = 0;

	least = samples[0];
	most = samples[0];
	for (i = 0; i < n && can_loop; i++) {
		sum += samples[i];
		if (samples[i] < least)
			least = samples[i];
		if (samples[i] > most)
			most = samples[i];
	}
	if (!n)
		return 0;
	mean = (u64)sum / n;
	for (i = 0; i < n && can_loop; i++) {
		d = samples[i] - mean;
		spread += d < 0 ? -d : d;
	}
	spread = (u64)spread / n;
	for (i = 0; i < n && can_loop; i++) {
		d = samples[i] - mean;
		if (d > 3 * spread || d < -3 * spread)
			out++;
	}
	return out;
}

u64 __arena_global reservoir[100];
u64 seen, value;

SEC("tc")
int reservoir_sample(void *ctx)
{
	u64 k;

	seen++;
	if (seen <= 100) {
		reservoir[seen - 1] = value;
		return 1;
	}
	k = ((u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32()) % seen;
	if (k >= 100)
		return 0;
	reservoir[k] = value;
	return 1;
}
