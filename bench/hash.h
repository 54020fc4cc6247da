/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hash table in an arena, for process and program: an array of chains, and a stack
 * of unused elements. Keys are made of a number, so that none has to be read.
 */
#ifndef __HASH_H
#define __HASH_H

#include <bpf/bpf_arena.h>

struct key16 {
	__u64 words[2];
};

struct key64 {
	__u64 words[8];
};

struct elem16 {
	struct elem16 __arena *next;
	struct key16 key;
	__u64 value;
};

struct elem64 {
	struct elem64 __arena *next;
	struct key64 key;
	__u64 value;
};

#define KEY_WORDS(k) (sizeof((k)->words) / 8)

/* Loops over words have none left in programs: their number is a constant. */
#ifdef __clang__
#define UNROLL_WORDS _Pragma("clang loop unroll(full)")
#else
#define UNROLL_WORDS
#endif

#define make_key(k, nr)								\
	do {									\
		UNROLL_WORDS				\
		for (unsigned int w_ = 0; w_ < KEY_WORDS(k); w_++)		\
			(k)->words[w_] = (nr) + w_;				\
	} while (0)

#define hash_key(k)								\
	({									\
		__u64 h_ = 0;							\
		UNROLL_WORDS				\
		for (unsigned int w_ = 0; w_ < KEY_WORDS(k); w_++)		\
			h_ = (h_ ^ (k)->words[w_]) * 0x9E3779B97F4A7C15ULL;	\
		h_ >> 32;							\
	})

#define is_key(e, k)								\
	({									\
		__u64 differ_ = 0;						\
		UNROLL_WORDS				\
		for (unsigned int w_ = 0; w_ < KEY_WORDS(k); w_++)		\
			differ_ |= (e)->key.words[w_] ^ (k)->words[w_];		\
		!differ_;							\
	})

/* All numbers up to mask, a power of two less one, in an order that looks random */
#define next_nr(nr, mask) (((nr) * 1664525 + 1013904223) & (mask))

/* struct tableN, and what one does with it, for keys of N bytes */
#define TABLE(N)								\
struct table##N {								\
	struct elem##N __arena * __arena *chains;				\
	struct elem##N __arena *unused;						\
	__u64 mask;								\
};										\
										\
static inline struct elem##N __arena *						\
table##N##_find(struct table##N __arena *t, struct key##N *key)			\
{										\
	struct elem##N __arena *e = t->chains[hash_key(key) & t->mask];		\
										\
	for (; e && can_loop; e = e->next)					\
		if (is_key(e, key))						\
			return e;						\
	return NULL;								\
}										\
										\
/* The caller knows that the key is not there. */				\
static inline int table##N##_add(struct table##N __arena *t, struct key##N *key, __u64 value) \
{										\
	struct elem##N __arena * __arena *chain = &t->chains[hash_key(key) & t->mask]; \
	struct elem##N __arena *e = t->unused;					\
										\
	if (!e)									\
		return -1;							\
	t->unused = e->next;							\
	UNROLL_WORDS					\
	for (unsigned int w_ = 0; w_ < KEY_WORDS(key); w_++)			\
		e->key.words[w_] = key->words[w_];				\
	e->value = value;							\
	e->next = *chain;							\
	*chain = e;								\
	return 0;								\
}										\
										\
static inline int table##N##_remove(struct table##N __arena *t, struct key##N *key) \
{										\
	struct elem##N __arena * __arena *at = &t->chains[hash_key(key) & t->mask]; \
	struct elem##N __arena *e;						\
										\
	for (e = *at; e && can_loop; at = &e->next, e = *at) {			\
		if (!is_key(e, key))						\
			continue;						\
		*at = e->next;							\
		e->next = t->unused;						\
		t->unused = e;							\
		return 0;							\
	}									\
	return -1;								\
}

TABLE(16)
TABLE(64)

/* An empty one at "where", of a process: header, elements, chains */
#define set_up_table(N, where, entries, load)					\
	do {									\
		struct table##N *t_ = (void *)(where);				\
		struct elem##N *e_ = (void *)(t_ + 1);				\
										\
		t_->mask = (entries) / (load) - 1;				\
		t_->unused = e_;						\
		for (unsigned long i_ = 0; i_ + 1 < (entries); i_++)		\
			e_[i_].next = &e_[i_ + 1];				\
		t_->chains = (void *)(e_ + (entries));				\
		memset(t_->chains, 0, (entries) / (load) * sizeof(*t_->chains));\
	} while (0)

#define BYTES_OF_TABLE(N, entries) (sizeof(struct table##N) + (entries) * (sizeof(struct elem##N) + 8))

#endif
