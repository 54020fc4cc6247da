// SPDX-License-Identifier: GPL-2.0
/* Bitmaps and allocators */
#include "corpus.h"

#define BITS 8192

u64 __arena_global map[BITS / 64];
u32 start, length;

static bool test(u32 i)
{
	return map[i / 64] >> i % 64 & 1;
}

SEC("tc")
int bitmap_set_range(void *ctx)
{
	u32 i, end = start + length;

	if (end > BITS || end < start)
		return 1;
	for (i = start; i < end && can_loop;) {
		if (i % 64 == 0 && end - i >= 64) {
			map[i / 64] = ~0ULL;
			i += 64;
		} else {
			map[i / 64] |= 1ULL << i % 64;
			i++;
		}
	}
	return 0;
}

SEC("tc")
int bitmap_find_zero(void *ctx)
{
	u32 i, bit;
	u64 w;

	for (i = 0; i < BITS / 64 && can_loop; i++) {
		if (map[i] == ~0ULL)
			continue;
		w = ~map[i];
		bit = 0;
		while (!(w & 1) && can_loop) {
			w >>= 1;
			bit++;
		}
		return i * 64 + bit;
	}
	return -1;
}

/* The first run of length zeroes */
SEC("tc")
int bitmap_find_run(void *ctx)
{
	u32 i, run = 0;

	for (i = 0; i < BITS && can_loop; i++) {
		if (test(i)) {
			run = 0;
			continue;
		}
		if (++run == length) {
			start = i + 1 - run;
			return 1;
		}
	}
	return 0;
}

SEC("tc")
int bitmap_weight(void *ctx)
{
	u32 i, n = 0;
	u64 w;

	for (i = 0; i < BITS / 64 && can_loop; i++) {
		w = map[i];
		w -= w >> 1 & 0x5555555555555555ULL;
		w = (w & 0x3333333333333333ULL) + (w >> 2 & 0x3333333333333333ULL);
		w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
		n += w * 0x0101010101010101ULL >> 56;
	}
	return n;
}

/* Blocks of 2^k units; a list of free ones for each k */
#define ORDERS 11

struct block {
	struct block __arena *next;
	u32 order;
	bool free;
};

struct block __arena_global units[1 << (ORDERS - 1)];
struct block __arena * __arena_global free_lists[ORDERS];
u32 order;

SEC("tc")
int buddy_alloc(void *ctx)
{
	struct block __arena *b, *half;
	u32 k;

	for (k = order; k < ORDERS && !free_lists[k] && can_loop; k++)
		;
	if (k >= ORDERS)
		return -1;
	b = free_lists[k];
	free_lists[k] = b->next;
	while (k > order && can_loop) {
		k--;
		half = b + (1 << k);
		half->order = k;
		half->free = true;
		half->next = free_lists[k];
		free_lists[k] = half;
	}
	b->free = false;
	b->order = order;
	return b - units;
}

SEC("tc")
int buddy_free(void *ctx)
{
	struct block __arena * __arena *pos, *b, *other;
	u32 i = start % (1 << (ORDERS - 1)), k;

	b = &units[i];
	for (k = b->order; k < ORDERS - 1 && can_loop; k++) {
		other = &units[i ^ 1 << k];
		if (!other->free || other->order != k)
			break;
		for (pos = &free_lists[k]; *pos && *pos != other && can_loop; pos = &(*pos)->next)
			;
		if (*pos)
			*pos = other->next;
		other->free = false;
		i &= ~(1 << k);
	}
	b = &units[i];
	b->order = k;
	b->free = true;
	b->next = free_lists[k];
	free_lists[k] = b;
	return k;
}

struct object {
	struct object __arena *next;
	u64 data[7];
};

struct object __arena * __arena_global free_objects;
u32 objects;

SEC("syscall")
int slab_alloc(void *ctx)
{
	struct object __arena *o = free_objects, *page;
	u32 i;

	if (!o) {
		page = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
		if (!page)
			return 1;
		for (i = 0; i < 4096 / sizeof(*o) && can_loop; i++) {
			page[i].next = free_objects;
			free_objects = &page[i];
		}
		o = free_objects;
	}
	free_objects = o->next;
	for (i = 0; i < 7 && can_loop; i++)
		o->data[i] = 0;
	objects++;
	return 0;
}

/* First fit: a list of holes in the order of their addresses */
struct hole {
	struct hole __arena *next;
	u32 size;
};

struct hole __arena * __arena_global holes;
u32 size;
u64 address;

SEC("tc")
int first_fit_alloc(void *ctx)
{
	struct hole __arena *h, *rest, *before = NULL;

	for (h = holes; h && h->size < size && can_loop; h = h->next)
		before = h;
	if (!h)
		return 1;
	rest = h->next;
	if (h->size >= size + sizeof(*h)) {
		rest = (struct hole __arena *)((char __arena *)h + size);
		rest->size = h->size - size;
		rest->next = h->next;
	}
	if (before)
		before->next = rest;
	else
		holes = rest;
	address = (u64)h;
	return 0;
}

SEC("tc")
int first_fit_free(void *ctx)
{
	struct hole __arena *n = (struct hole __arena *)address, *h, *before = NULL;

	for (h = holes; h && h < n && can_loop; h = h->next)
		before = h;
	n->size = size;
	n->next = h;
	if (h && (char __arena *)n + size == (char __arena *)h) {
		n->size += h->size;
		n->next = h->next;
	}
	if (!before) {
		holes = n;
	} else if ((char __arena *)before + before->size == (char __arena *)n) {
		before->size += n->size;
		before->next = n->next;
	} else {
		before->next = n;
	}
	return 0;
}
