/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARENA_KV_STORE_H
#define ARENA_KV_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "layout.h"

enum store_op {
	STORE_SET, STORE_ADD, STORE_REPLACE, STORE_APPEND, STORE_PREPEND,
	STORE_CAS,
};

enum store_result {
	STORE_OK,
	STORE_NOT_STORED,
	STORE_EXISTS,
	STORE_NOT_FOUND,
	STORE_TOO_LARGE,
	STORE_NO_MEMORY,
	STORE_NOT_A_NUMBER,
};

struct store_key {
	const char *text;
	size_t len;		/* 1 to KV_KEY_MAX */
};

struct store_value {
	const char *data;
	size_t len;
	__u32 flags;
	__u64 expires;		/* from store_expiry() */
	__u64 cas;		/* for STORE_CAS: the one to match */
};

/**
 * store_init() - build an empty store in an arena
 * @root: the root, at the very beginning of the arena
 * @size: the arena's length in bytes
 * @item_max: the longest item, in bytes with its header
 * @evict: whether a full store gives up its oldest items
 * @nr_readers: how many CPUs may run XDP
 *
 * Return: 0, or -1 when @size is too small for two items of @item_max.
 */
int store_init(struct kv_root *root, size_t size, __u32 item_max, bool evict,
	       __u32 nr_readers);

/**
 * store_expiry() - a point in time as clients give it
 * @exptime: seconds from now if not over 30 days, else the time of day in
 *           seconds since 1970; 0 for never, and negative for the past
 *
 * Return: the time of expiry as items keep it.
 */
__u64 store_expiry(__s64 exptime);

/**
 * store_get() - look a key up, and count the hit or miss
 * @root: the store
 * @key: the key
 *
 * Return: its item, valid until the store is called again, or NULL.
 */
struct kv_item *store_get(struct kv_root *root, struct store_key key);

/**
 * store_put() - set, add, replace, append, prepend, cas
 * @root: the store
 * @op: which of them
 * @key: the key
 * @value: what to store; it is copied
 *
 * Once this returned, every reader sees the new value. A set that fails for
 * want of memory or for size removes the old value, which is stale by then.
 *
 * Return: STORE_OK or the reason why nothing was stored.
 */
enum store_result store_put(struct kv_root *root, enum store_op op,
			    struct store_key key,
			    const struct store_value *value);

/**
 * store_add() - incr and decr
 * @root: the store
 * @key: the key of a decimal number
 * @delta: what to add, modulo 2^64, or to subtract, down to 0
 * @subtract: which of the two
 * @number: the new value; set if STORE_OK is returned
 *
 * Return: STORE_OK, or STORE_NOT_FOUND, STORE_NOT_A_NUMBER, STORE_NO_MEMORY.
 */
enum store_result store_add(struct kv_root *root, struct store_key key,
			    __u64 delta, bool subtract, __u64 *number);

/**
 * store_delete() - remove a key
 * @root: the store
 * @key: the key
 *
 * Return: whether it was there.
 */
bool store_delete(struct kv_root *root, struct store_key key);

/**
 * store_touch() - give a key a new time of expiry
 * @root: the store
 * @key: the key
 * @expires: from store_expiry()
 *
 * Return: its item, as store_get() does.
 */
struct kv_item *store_touch(struct kv_root *root, struct store_key key,
			    __u64 expires);

/**
 * store_flush() - remove everything that is stored now, in constant time
 * @root: the store
 */
void store_flush(struct kv_root *root);

#endif
