// SPDX-License-Identifier: GPL-2.0
/*
 * The hash table: every store by which a reader's view changes is made here.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "slab.h"
#include "table.h"

#define BYTES_PER_BUCKET 256

/* For pointers and words that readers look at while they are written. */
#define publish(ptr, value) __atomic_store_n(ptr, value, __ATOMIC_RELEASE)

char *table_init(struct kv_root *root, char *start, size_t size)
{
	size_t buckets = 1;

	while (buckets * BYTES_PER_BUCKET < size)
		buckets *= 2;
	root->table = (struct kv_item **)start;
	root->mask = buckets - 1;
	return (char *)(root->table + buckets);
}

static __u64 hash_key(__u64 seed, const char *text, __u8 len)
{
	__u64 hash = kv_hash_start(seed, len);
	__u64 word;
	int off;

	for (off = 0; off + 8 <= len; off += 8) {
		memcpy(&word, text + off, 8);
		hash = kv_hash_add(hash, word);
	}
	if (off < len) {
		word = 0;
		memcpy(&word, text + off, len - off);
		hash = kv_hash_add(hash, word);
	}
	return hash;
}

struct table_key table_key(const struct kv_root *root, const char *text, __u8 len)
{
	return (struct table_key){ text, len, hash_key(root->seed, text, len) };
}

static struct kv_item **bucket(struct kv_root *root, __u64 hash)
{
	return &root->table[hash & root->mask];
}

static bool item_has_key(const struct kv_item *item, const struct table_key *key)
{
	return item->hash == key->hash && item->key_len == key->len &&
	       !memcmp(item_key(item), key->text, key->len);
}

/* The pointer that leads to the key's item; it holds NULL if there is none. */
static struct kv_item **find_link(struct kv_root *root, const struct table_key *key)
{
	struct kv_item **link = bucket(root, key->hash);

	while (*link && !item_has_key(*link, key))
		link = &(*link)->next;
	return link;
}

struct kv_item *table_find(struct kv_root *root, const struct table_key *key)
{
	return *find_link(root, key);
}

static __u16 sum_of(const char *text, size_t len)
{
	__u64 sum = 0;
	__u32 word;

	for (; len >= 4; text += 4, len -= 4) {
		memcpy(&word, text, 4);
		sum += word;
	}
	word = 0;
	memcpy(&word, text, len);
	return kv_fold(sum + word);
}

/* Bytes at an odd offset are the other halves of their words: RFC 1071. */
static __u16 sum_at(__u16 sum, size_t off)
{
	return off % 2 ? __builtin_bswap16(sum) : sum;
}

static void set_sums(struct kv_item *item)
{
	size_t line_len = item->line_len;
	size_t cas_end = line_len + item->cas_len;
	__u16 line, cas, rest;

	if (item->text_len > KV_UDP_TEXT_MAX)
		return;		/* XDP does not answer it */
	line = sum_of(item->text, line_len);
	cas = sum_of(item->cas_text, item->cas_len);
	rest = sum_of(item->text + line_len, item->text_len - line_len);

	item->sum[0] = kv_fold(line + sum_at(rest, line_len));
	item->sum[1] = kv_fold(line + sum_at(cas, line_len) +
			       sum_at(rest, cas_end));
}

static void set_cas(struct kv_root *root, struct kv_item *item)
{
	item->cas = ++root->last_cas;
	item->cas_len = snprintf(item->cas_text, sizeof(item->cas_text), " %llu",
				 (unsigned long long)item->cas);
	set_sums(item);
}

static void count_items(struct kv_root *root, const struct kv_item *item, int nr)
{
	root->stats.curr_items += nr;
	root->stats.bytes += nr * (__s64)(sizeof(*item) + item->text_len);
}

void table_link(struct kv_root *root, struct kv_item *item)
{
	struct table_key key = { item_key(item), item->key_len, item->hash };
	struct kv_item **link = find_link(root, &key);
	struct kv_item *old = *link;

	set_cas(root, item);
	item->used = 0;
	item->next = old ? old->next : NULL;
	publish(link, item);

	slab_lru_add(root, item);
	root->stats.total_items++;
	count_items(root, item, 1);
	if (old) {
		count_items(root, old, -1);
		slab_retire(root, old);
	}
}

void table_unlink(struct kv_root *root, struct kv_item *item)
{
	struct kv_item **link = bucket(root, item->hash);

	while (*link != item)
		link = &(*link)->next;
	publish(link, item->next);
	count_items(root, item, -1);
	slab_retire(root, item);
}

bool table_item_dead(const struct kv_root *root, const struct kv_item *item)
{
	return item->cas <= root->flush_cas ||
	       (item->expires && item->expires <= clock_ns());
}
