// SPDX-License-Identifier: GPL-2.0
/* Tries: words, addresses, a radix tree of pages */
#include "corpus.h"

struct letter {
	struct letter __arena *next[26];
	u32 count;
};

struct letter __arena_global words;
char __arena_global text[8192];
char word[32];
u32 result;

SEC("syscall")
int trie_add(void *ctx)
{
	struct letter __arena *at = &words, * __arena *next;
	u32 i, c;

	for (i = 0; i < sizeof(word) && word[i] && can_loop; i++) {
		c = (word[i] | 32) - 'a';
		if (c >= 26)
			return 1;
		next = &at->next[c];
		if (!*next) {
			*next = new(struct letter);
			if (!*next)
				return 2;
		}
		at = *next;
	}
	at->count++;
	return 0;
}

SEC("tc")
int trie_count_words(void *ctx)
{
	struct letter __arena *at = &words;
	u32 found = 0, c;
	char __arena *p;

	for (p = text; *p && can_loop; p++) {
		c = (*p | 32) - 'a';
		if (c < 26) {
			if (at)
				at = at->next[c];
		} else {
			if (at && at->count)
				found++;
			at = &words;
		}
	}
	return found;
}

struct frame {
	struct letter __arena *at;
	u32 next;
};

struct frame __arena_global stack[32];

SEC("tc")
int trie_size(void *ctx)
{
	u32 top = 1, nodes = 0, longest = 0;

	stack[0].at = &words;
	stack[0].next = 0;
	while (top && can_loop) {
		struct frame __arena *f = &stack[top - 1];
		struct letter __arena *child;

		if (f->next == 26) {
			top--;
			nodes++;
			continue;
		}
		child = f->at->next[f->next++];
		if (!child)
			continue;
		if (top == 32)
			return -1;
		stack[top].at = child;
		stack[top].next = 0;
		top++;
		if (top > longest)
			longest = top;
	}
	result = longest;
	return nodes;
}

struct route {
	struct route __arena *child[2];
	u32 via;
	bool used;
};

struct route __arena_global routes;
u32 address, prefix_len, via;

SEC("syscall")
int route_add(void *ctx)
{
	struct route __arena *r = &routes;
	u32 i, bit;

	if (prefix_len > 32)
		return 1;
	for (i = 0; i < prefix_len && can_loop; i++) {
		bit = address >> (31 - i) & 1;
		if (!r->child[bit]) {
			r->child[bit] = new(struct route);
			if (!r->child[bit])
				return 2;
		}
		r = r->child[bit];
	}
	r->via = via;
	r->used = true;
	return 0;
}

SEC("xdp")
int route_lookup(struct xdp_md *ctx)
{
	struct route __arena *r = &routes;
	u32 a = address, found = 0;

	while (r && can_loop) {
		if (r->used)
			found = r->via;
		r = r->child[a >> 31];
		a <<= 1;
	}
	via = found;
	return found ? XDP_REDIRECT : XDP_PASS;
}

struct radix {
	void __arena *slots[64];
};

struct radix __arena * __arena_global radix_root;
u32 height;
u64 position;
u64 value;

SEC("syscall")
int radix_store(void *ctx)
{
	struct radix __arena *n;
	u32 shift, slot;

	while (position >> 6 * height && can_loop) {
		n = new(struct radix);
		if (!n)
			return 1;
		n->slots[0] = radix_root;
		radix_root = n;
		height++;
	}
	n = radix_root;
	for (shift = 6 * height; n && shift > 6 && can_loop; shift -= 6) {
		slot = position >> (shift - 6) & 63;
		if (!n->slots[slot]) {
			n->slots[slot] = new(struct radix);
			if (!n->slots[slot])
				return 1;
		}
		n = n->slots[slot];
	}
	if (!n)
		return 1;
	n->slots[position & 63] = (void __arena *)value;
	return 0;
}

SEC("tc")
int radix_load(void *ctx)
{
	struct radix __arena *n = radix_root;
	u32 level = height;

	if (position >> 6 * level)
		return 0;
	while (level > 1 && n && can_loop) {
		level--;
		n = n->slots[position >> 6 * level & 63];
	}
	if (!n)
		return 0;
	value = (u64)n->slots[position & 63];
	return 1;
}
