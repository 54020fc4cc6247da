// SPDX-License-Identifier: GPL-2.0
/* Caches: least recently used, clock, least frequently used */
#include "corpus.h"

#define SIZE 512
#define BUCKETS 256

struct entry {
	struct entry __arena *newer, *older, *chain;
	u64 key, value;
};

struct entry __arena_global entries[SIZE], lru;
struct entry __arena * __arena_global buckets[BUCKETS];
u32 used;
u64 key, value;

static u32 bucket_of(u64 k)
{
	return (u32)(k * 0x9e3779b1) >> 24;
}

static struct entry __arena *lookup(u64 k)
{
	struct entry __arena *e = buckets[bucket_of(k)];

	while (e && e->key != k && can_loop)
		e = e->chain;
	return e;
}

static void unlink(struct entry __arena *e)
{
	e->newer->older = e->older;
	e->older->newer = e->newer;
}

static void to_front(struct entry __arena *e)
{
	e->older = lru.older;
	e->newer = &lru;
	lru.older->newer = e;
	lru.older = e;
}

static void unhash(struct entry __arena *e)
{
	struct entry __arena * __arena *pos = &buckets[bucket_of(e->key)];

	while (*pos && can_loop) {
		if (*pos == e) {
			*pos = e->chain;
			return;
		}
		pos = &(*pos)->chain;
	}
}

SEC("xdp")
int lru_get(struct xdp_md *ctx)
{
	struct entry __arena *e = lookup(key);

	if (!e)
		return XDP_PASS;
	value = e->value;
	unlink(e);
	to_front(e);
	return XDP_TX;
}

SEC("tc")
int lru_put(void *ctx)
{
	struct entry __arena *e;

	if (!lru.newer) {
		lru.newer = &lru;
		lru.older = &lru;
	}
	e = lookup(key);
	if (e) {
		unlink(e);
	} else {
		if (used < SIZE) {
			e = &entries[used++];
		} else {
			e = lru.newer;
			unlink(e);
			unhash(e);
		}
		e->key = key;
		e->chain = buckets[bucket_of(key)];
		buckets[bucket_of(key)] = e;
	}
	e->value = value;
	to_front(e);
	return 0;
}

SEC("tc")
int lru_drop_old(void *ctx)
{
	struct entry __arena *e = lru.newer;
	u32 dropped = 0;

	while (e && e != &lru && dropped < value && can_loop) {
		struct entry __arena *newer = e->newer;

		unlink(e);
		unhash(e);
		e->key = 0;
		dropped++;
		e = newer;
	}
	return dropped;
}

struct page {
	u64 key;
	bool referenced, dirty;
};

struct page __arena_global pages[SIZE];
u32 hand;

/* Second chance: who was used since the hand came by stays */
SEC("tc")
int clock_evict(void *ctx)
{
	u32 writes = 0, tries;

	for (tries = 0; tries < 3 * SIZE && can_loop; tries++) {
		struct page __arena *p = &pages[hand];

		hand = (hand + 1) % SIZE;
		if (!p->key)
			return writes;
		if (p->referenced) {
			p->referenced = false;
			continue;
		}
		if (p->dirty) {
			p->dirty = false;
			writes++;
			continue;
		}
		p->key = 0;
		return writes;
	}
	return -1;
}

struct counted {
	u64 key;
	u32 uses;
};

struct counted __arena_global counted[64];

SEC("tc")
int lfu_touch(void *ctx)
{
	u32 i, least = 0;

	for (i = 0; i < 64; i++) {
		if (counted[i].key == key) {
			counted[i].uses++;
			return 1;
		}
		if (counted[i].uses < counted[least].uses)
			least = i;
	}
	counted[least].key = key;
	counted[least].uses = 1;
	return 0;
}
