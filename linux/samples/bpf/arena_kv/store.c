// SPDX-License-Identifier: GPL-2.0
/*
 * What clients can do to the store. All checks and no concurrency: the order in
 * which readers see a change is the affair of table.c, and of slab.c.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "slab.h"
#include "store.h"
#include "table.h"

#define RELATIVE_MAX	(30 * 24 * 60 * 60)	/* s */
#define NUMBER_MAX	20			/* digits of 2^64 - 1 */

int store_init(struct kv_root *root, size_t size, __u32 item_max, bool evict,
	       __u32 nr_readers)
{
	char *start = (char *)root;
	char *end = start + size;
	char *at;

	if (size < sizeof(*root) + 2 * item_max)
		return -1;
	root->item_max = item_max;
	root->evict = evict;
	root->nr_readers = nr_readers;
	if (getrandom(&root->seed, sizeof(root->seed), 0) < 0)
		root->seed = clock_ns();

	at = start + (sizeof(*root) + 63) / 64 * 64;
	root->reader = (struct kv_reader *)at;
	/* XDP's stores to pages that nobody has touched are lost, busy too. */
	memset(root->reader, 0, nr_readers * sizeof(*root->reader));
	at = table_init(root, (char *)(root->reader + nr_readers), size);
	return at < end ? slab_init(root, at, end) : -1;
}

__u64 store_expiry(__s64 exptime)
{
	if (exptime == 0)
		return 0;
	if (exptime > RELATIVE_MAX)
		exptime -= time(NULL);
	if (exptime <= 0)
		return 1;
	if (exptime > INT_MAX)
		return 0;	/* 68 years on is never */
	return clock_ns() + exptime * NSEC_PER_SEC;
}

static struct table_key hash(struct kv_root *root, struct store_key key)
{
	return table_key(root, key.text, key.len);
}

/* Finds an item that clients may see, and removes one that they may not. */
static struct kv_item *find(struct kv_root *root, const struct table_key *key)
{
	struct kv_item *item = table_find(root, key);

	if (!item || !table_item_dead(root, item))
		return item;
	if (item->cas <= root->flush_cas)
		root->stats.get_flushed++;
	else
		root->stats.get_expired++;
	table_unlink(root, item);
	return NULL;
}

struct kv_item *store_get(struct kv_root *root, struct store_key key)
{
	struct table_key hashed = hash(root, key);
	struct kv_item *item = find(root, &hashed);

	root->stats.cmd_get++;
	if (!item) {
		root->stats.get_misses++;
		return NULL;
	}
	root->stats.get_hits++;
	item->used = 1;
	return item;
}

/*
 * Allocates an item and writes all of its text but the value. May evict what
 * was found before.
 */
static struct kv_item *new_item(struct kv_root *root,
				const struct table_key *key,
				const struct store_value *value, size_t len)
{
	char rest[KV_LINE_MAX];
	int rest_len = snprintf(rest, sizeof(rest), " %u %zu\r\n", value->flags,
				len);
	size_t line_len = KV_VERB_LEN + key->len + rest_len - 2;
	size_t text_len = line_len + 2 + len + KV_TAIL_LEN;
	struct kv_item *item;

	item = slab_alloc(root, sizeof(*item) + text_len);
	if (!item)
		return NULL;
	item->hash = key->hash;
	item->expires = value->expires;
	item->flags = value->flags;
	item->key_len = key->len;
	item->line_len = line_len;
	item->text_len = text_len;
	memcpy(item->text, "VALUE ", KV_VERB_LEN);
	memcpy(item->text + KV_VERB_LEN, key->text, key->len);
	memcpy(item->text + KV_VERB_LEN + key->len, rest, rest_len);
	memcpy(item_value(item) + len, KV_TAIL, KV_TAIL_LEN);
	return item;
}

static bool too_large(const struct kv_root *root, const struct table_key *key,
		      size_t len)
{
	return sizeof(struct kv_item) + KV_LINE_MAX - KV_KEY_MAX + key->len +
	       len + KV_TAIL_LEN > root->item_max;
}

static enum store_result put_new(struct kv_root *root,
				 const struct table_key *key,
				 const struct store_value *value)
{
	struct kv_item *item;

	if (too_large(root, key, value->len))
		return STORE_TOO_LARGE;
	item = new_item(root, key, value, value->len);
	if (!item)
		return STORE_NO_MEMORY;
	memcpy(item_value(item), value->data, value->len);
	table_link(root, item);
	return STORE_OK;
}

/* A client that could not set a new value must not go on to read the old one. */
static enum store_result put_set(struct kv_root *root,
				 const struct table_key *key,
				 const struct store_value *value)
{
	enum store_result result = put_new(root, key, value);
	struct kv_item *old;

	if (result) {
		old = table_find(root, key);
		if (old)
			table_unlink(root, old);
	}
	return result;
}

/* append and prepend: flags and expiry stay as they were. */
static enum store_result put_joined(struct kv_root *root, enum store_op op,
				    const struct table_key *key,
				    struct kv_item *old,
				    const struct store_value *value)
{
	struct store_value meta = { .flags = old->flags,
				    .expires = old->expires };
	size_t old_len = item_value_len(old);
	size_t len = old_len + value->len;
	struct kv_item *item;
	char *to;

	if (too_large(root, key, len))
		return STORE_TOO_LARGE;
	item = new_item(root, key, &meta, len);
	if (!item)
		return STORE_NO_MEMORY;
	if (table_find(root, key) != old) {	/* evicted for the new one */
		slab_free(root, item);
		return STORE_NOT_STORED;
	}
	to = item_value(item);
	memcpy(to + (op == STORE_PREPEND ? value->len : 0), item_value(old),
	       old_len);
	memcpy(to + (op == STORE_APPEND ? old_len : 0), value->data, value->len);
	table_link(root, item);
	return STORE_OK;
}

static enum store_result check_cas(struct kv_root *root,
				   const struct kv_item *old, __u64 cas)
{
	if (!old) {
		root->stats.cas_misses++;
		return STORE_NOT_FOUND;
	}
	if (old->cas != cas) {
		root->stats.cas_badval++;
		return STORE_EXISTS;
	}
	root->stats.cas_hits++;
	return STORE_OK;
}

enum store_result store_put(struct kv_root *root, enum store_op op,
			    struct store_key key,
			    const struct store_value *value)
{
	struct table_key hashed = hash(root, key);
	struct kv_item *old = find(root, &hashed);
	enum store_result result;

	root->stats.cmd_set++;
	switch (op) {
	case STORE_SET:
		return put_set(root, &hashed, value);
	case STORE_ADD:
		return old ? STORE_NOT_STORED : put_new(root, &hashed, value);
	case STORE_REPLACE:
		return old ? put_new(root, &hashed, value) : STORE_NOT_STORED;
	case STORE_CAS:
		result = check_cas(root, old, value->cas);
		return result ? result : put_new(root, &hashed, value);
	case STORE_APPEND:
	case STORE_PREPEND:
		return old ? put_joined(root, op, &hashed, old, value) :
			     STORE_NOT_STORED;
	}
	return STORE_NOT_STORED;
}

static bool parse_number(const struct kv_item *item, __u64 *number)
{
	const char *digits = item->text + item->line_len + 2;
	__u32 i, len = item_value_len(item);

	if (!len || len > NUMBER_MAX)
		return false;
	for (*number = 0, i = 0; i < len; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, digits[i] - '0', number))
			return false;
	}
	return true;
}

static __u64 *add_counter(struct kv_stats *stats, bool subtract, bool hit)
{
	if (subtract)
		return hit ? &stats->decr_hits : &stats->decr_misses;
	return hit ? &stats->incr_hits : &stats->incr_misses;
}

enum store_result store_add(struct kv_root *root, struct store_key key,
			    __u64 delta, bool subtract, __u64 *number)
{
	struct table_key hashed = hash(root, key);
	struct kv_item *old = find(root, &hashed);
	struct store_value value = { 0 };
	char digits[NUMBER_MAX + 1];

	if (!old) {
		++*add_counter(&root->stats, subtract, false);
		return STORE_NOT_FOUND;
	}
	if (!parse_number(old, number))
		return STORE_NOT_A_NUMBER;
	++*add_counter(&root->stats, subtract, true);

	if (!subtract)
		*number += delta;
	else
		*number = *number > delta ? *number - delta : 0;
	value.data = digits;
	value.len = snprintf(digits, sizeof(digits), "%llu",
			     (unsigned long long)*number);
	value.flags = old->flags;
	value.expires = old->expires;
	return put_new(root, &hashed, &value);
}

bool store_delete(struct kv_root *root, struct store_key key)
{
	struct table_key hashed = hash(root, key);
	struct kv_item *item = find(root, &hashed);

	if (!item) {
		root->stats.delete_misses++;
		return false;
	}
	root->stats.delete_hits++;
	table_unlink(root, item);
	return true;
}

struct kv_item *store_touch(struct kv_root *root, struct store_key key,
			    __u64 expires)
{
	struct table_key hashed = hash(root, key);
	struct kv_item *item = find(root, &hashed);

	root->stats.cmd_touch++;
	if (!item) {
		root->stats.touch_misses++;
		return NULL;
	}
	root->stats.touch_hits++;
	__atomic_store_n(&item->expires, expires, __ATOMIC_RELEASE);
	return item;
}

void store_flush(struct kv_root *root)
{
	root->stats.cmd_flush++;
	__atomic_store_n(&root->flush_cas, root->last_cas, __ATOMIC_RELEASE);
}
