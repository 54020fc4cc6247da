/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARENA_KV_TABLE_H
#define ARENA_KV_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "layout.h"

struct table_key {
	const char *text;
	__u8 len;
	__u64 hash;
};

/**
 * table_init() - put the hash table at the beginning of a range of the arena
 * @root: the store
 * @start: first byte of the range
 * @size: its length in bytes; one bucket is made for each 256 of them, and none
 *        is ever added, since the memory to fill them does not grow either
 *
 * Return: first byte after the table.
 */
char *table_init(struct kv_root *root, char *start, size_t size);

/**
 * table_key() - hash a key
 * @root: the store
 * @text: the key; has to outlive what is returned
 * @len: its length, 1 to KV_KEY_MAX
 *
 * Return: the key, as the other functions take it.
 */
struct table_key table_key(const struct kv_root *root, const char *text, __u8 len);

/**
 * table_find() - look a key up
 * @root: the store
 * @key: from table_key()
 *
 * Return: its item, be it dead or not, or NULL.
 */
struct kv_item *table_find(struct kv_root *root, const struct table_key *key);

/**
 * table_link() - publish an item, in place of the one that has its key, if any
 * @root: the store
 * @item: complete but for its cas, which is assigned here
 */
void table_link(struct kv_root *root, struct kv_item *item);

/**
 * table_unlink() - take an item out of the table, and retire it
 * @root: the store
 * @item: linked
 */
void table_unlink(struct kv_root *root, struct kv_item *item);

/**
 * table_item_dead() - whether an item has expired or was flushed
 * @root: the store
 * @item: linked
 *
 * Return: true when no client may see it any more.
 */
bool table_item_dead(const struct kv_root *root, const struct kv_item *item);

static inline const char *item_key(const struct kv_item *item)
{
	return item->text + KV_VERB_LEN;
}

static inline char *item_value(struct kv_item *item)
{
	return item->text + item->line_len + 2;
}

static inline __u32 item_value_len(const struct kv_item *item)
{
	return item->text_len - item->line_len - 2 - KV_TAIL_LEN;
}

#endif
