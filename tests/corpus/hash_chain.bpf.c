// SPDX-License-Identifier: GPL-2.0
/* A hash table with chains that grows */
#include "corpus.h"

struct entry {
	struct entry __arena *next;
	u32 hash;
	u32 length;
	char key[32];
	u64 value;
};

struct entry __arena * __arena * __arena_global buckets;
u32 mask, used;
char wanted[32];
u64 value;

static u32 hash_of(const char *s, u32 *length)
{
	u32 h = 2166136261U, i;

	for (i = 0; i < 32; i++) {
		if (!s[i])
			break;
		h = (h ^ (u8)s[i]) * 16777619;
	}
	*length = i;
	return h;
}

static bool same(struct entry __arena *e, const char *key, u32 length)
{
	u32 i;

	if (e->length != length)
		return false;
	for (i = 0; i < 32 && i < length; i++)
		if (e->key[i] != key[i])
			return false;
	return true;
}

SEC("tc")
int chain_find(void *ctx)
{
	struct entry __arena *e;
	u32 length, hash = hash_of(wanted, &length);

	if (!buckets)
		return 0;
	for (e = buckets[hash & mask]; e && can_loop; e = e->next) {
		if (e->hash == hash && same(e, wanted, length)) {
			value = e->value;
			return 1;
		}
	}
	return 0;
}

static int grow(void)
{
	u32 size = buckets ? (mask + 1) * 2 : 16, i;
	struct entry __arena * __arena *bigger, *e, *next;

	bigger = bpf_arena_alloc_pages(&arena, NULL, (size * 8 + 4095) / 4096, -1, 0);
	if (!bigger)
		return 1;
	for (i = 0; buckets && i <= mask && can_loop; i++) {
		for (e = buckets[i]; e && can_loop; e = next) {
			next = e->next;
			e->next = bigger[e->hash & (size - 1)];
			bigger[e->hash & (size - 1)] = e;
		}
	}
	if (buckets)
		bpf_arena_free_pages(&arena, buckets, ((mask + 1) * 8 + 4095) / 4096);
	buckets = bigger;
	mask = size - 1;
	return 0;
}

SEC("syscall")
int chain_insert(void *ctx)
{
	u32 length, hash = hash_of(wanted, &length), i;
	struct entry __arena *e;

	if ((!buckets || used > mask) && grow())
		return 1;
	for (e = buckets[hash & mask]; e && can_loop; e = e->next)
		if (e->hash == hash && same(e, wanted, length))
			goto set;
	e = new(struct entry);
	if (!e)
		return 1;
	e->hash = hash;
	e->length = length;
	for (i = 0; i < 32; i++)
		e->key[i] = wanted[i];
	e->next = buckets[hash & mask];
	buckets[hash & mask] = e;
	used++;
set:
	e->value = value;
	return 0;
}

SEC("tc")
int chain_delete(void *ctx)
{
	u32 length, hash = hash_of(wanted, &length);
	struct entry __arena * __arena *pos, *e;

	if (!buckets)
		return 0;
	for (pos = &buckets[hash & mask]; (e = *pos); pos = &e->next) {
		cond_break;
		if (e->hash != hash || !same(e, wanted, length))
			continue;
		*pos = e->next;
		used--;
		return 1;
	}
	return 0;
}

SEC("tc")
int chain_longest(void *ctx)
{
	u32 i, length, longest = 0;
	struct entry __arena *e;

	for (i = 0; buckets && i <= mask && can_loop; i++) {
		length = 0;
		for (e = buckets[i]; e && can_loop; e = e->next)
			length++;
		if (length > longest)
			longest = length;
	}
	return longest;
}
