/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hash table in an arena: buckets and elements are arena memory, and
 * process and program run this very code on them.
 */
#ifndef __ARENA_HTAB_H
#define __ARENA_HTAB_H

#include <bpf/bpf_arena.h>

#define HTAB_BUCKETS 64

struct htab_elem {
	struct htab_elem __arena *next;
	__u32 key;
	__u32 value;
};

struct htab {
	struct htab_elem __arena *buckets[HTAB_BUCKETS];
	struct htab_elem __arena *free; /* a stack of unused elements */
	__u32 count;
};

static inline __u32 htab_hash_of(__u32 key)
{
	return key * 2654435761U >> 26; /* its upper 6 bits */
}

static inline struct htab_elem __arena *
htab_lookup_key(struct htab __arena *htab, __u32 key)
{
	struct htab_elem __arena *e = htab->buckets[htab_hash_of(key)];

	for (; e && can_loop; e = e->next)
		if (e->key == key)
			return e;
	return NULL;
}

static inline int htab_insert_key(struct htab __arena *htab, __u32 key, __u32 value)
{
	struct htab_elem __arena * __arena *bucket;
	struct htab_elem __arena *e;

	e = htab_lookup_key(htab, key);
	if (e) {
		e->value = value;
		return 0;
	}
	e = htab->free;
	if (!e)
		return -1;
	htab->free = e->next;
	bucket = &htab->buckets[htab_hash_of(key)];
	e->key = key;
	e->value = value;
	e->next = *bucket;
	*bucket = e;
	htab->count++;
	return 0;
}

static inline int htab_delete_key(struct htab __arena *htab, __u32 key)
{
	struct htab_elem __arena * __arena *pos = &htab->buckets[htab_hash_of(key)];
	struct htab_elem __arena *e;

	for (e = *pos; e && can_loop; pos = &e->next, e = *pos) {
		if (e->key != key)
			continue;
		*pos = e->next;
		e->next = htab->free;
		htab->free = e;
		htab->count--;
		return 0;
	}
	return -1;
}

/* make elements out of memory, and put them on the stack of unused ones */
static inline void htab_feed(struct htab __arena *htab, void __arena *mem, __u32 n)
{
	struct htab_elem __arena *e = (struct htab_elem __arena *)mem;

	while (n && can_loop) {
		e->next = htab->free;
		htab->free = e;
		e++;
		n--;
	}
}

#endif
