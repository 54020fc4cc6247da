/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARENA_KV_SLAB_H
#define ARENA_KV_SLAB_H

#include <stdbool.h>
#include <stddef.h>

#include "layout.h"

/**
 * slab_init() - make a heap out of a range of the arena
 * @root: the store; item_max is set and says how long an item may be
 * @start: first byte of the range
 * @end: first byte after it
 *
 * Return: 0, or -1 when the range does not hold two items of item_max bytes.
 */
int slab_init(struct kv_root *root, char *start, char *end);

/**
 * slab_alloc() - memory for one item
 * @root: the store
 * @size: bytes, header included
 *
 * May evict any linked item: pointers to items that were found before the call
 * are not valid after it.
 *
 * Return: an item in state KV_OWNED, or NULL when it is longer than item_max,
 * or when the store is full and does not evict.
 */
struct kv_item *slab_alloc(struct kv_root *root, size_t size);

/**
 * slab_retire() - give back an item that readers may still be at
 * @root: the store
 * @item: just unlinked from its hash chain
 */
void slab_retire(struct kv_root *root, struct kv_item *item);

/**
 * slab_free() - give back an item that was never linked
 * @root: the store
 * @item: from slab_alloc()
 */
void slab_free(struct kv_root *root, struct kv_item *item);

/**
 * slab_lru_add() - enter an item that was just linked
 * @root: the store
 * @item: from slab_alloc()
 */
void slab_lru_add(struct kv_root *root, struct kv_item *item);

#endif
