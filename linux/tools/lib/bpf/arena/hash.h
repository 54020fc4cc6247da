/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
/*
 * A hash table of a given type, whose readers are on both sides and wait for nobody.
 *
 * The file is a template. Each inclusion makes functions for one type of table:
 *
 *	#define ARENA_HASH_NAME  flows
 *	#define ARENA_HASH_KEY   struct flow_key
 *	#define ARENA_HASH_VALUE struct flow
 *	#include <bpf/arena/hash.h>
 *
 *	flows_find(table, &key, &value)		copies the value
 *	flows_set(table, &key, &value, ARENA_HASH_ANY)
 *	flows_delete(table, &key)
 *	flows_next(table, &cursor, &key, &value)
 *
 * Keys are equal if all of their bytes are, those between members as well: clear them.
 *
 * Readers copy, and then look at the sequence counter of the bucket (seq.h): what they return was
 * the key's value at one moment since they began. Elements are allocated from a heap
 * (alloc.h) and stay elements of this table until arena_hash_destroy(), so a reader that was
 * led astray reads some element, and finds out. There is one writer at a time, with the table's
 * lock (lock.h): program or process.
 *
 *	state: n buckets                 dir[]: 256 buckets each
 *	bucket = hash % 2^k, or           |
 *	hash % 2^(k-1) if that is >= n    v
 *	                                 bucket: seq, head -> element -> element
 *
 * The table grows by one bucket with every element beyond one for each bucket: the new bucket
 * n takes its elements from bucket n % 2^(k-1), and nothing else moves. Such a split may be cut
 * short, when the writer dies or a program's time is over. Until some writer has completed it,
 * readers who find nothing in the new bucket look into the old one (parent) as well.
 *
 * A process that dies in the middle leaves the lock with its owner dead: the next writer
 * repairs before it writes. The table notes what is under way: an element whose value was being
 * overwritten is dropped, one that was being moved is put back. An element that was being
 * inserted or deleted is in the table or not; its memory may be lost, and the table may
 * count one element too many from then on.
 *
 * Hostile contents lead to -EUCLEAN, to wrong values, or to -EAGAIN from readers, after a
 * bounded number of rounds.
 */
#ifndef __BPF_ARENA_HASH_H__
#define __BPF_ARENA_HASH_H__

#include "common.h"
#include "seq.h"
#include "lock.h"
#include "alloc.h"

enum {
	ARENA_HASH_ANY,		/* insert or overwrite */
	ARENA_HASH_NEW,		/* -EEXIST if the key is there */
	ARENA_HASH_OLD,		/* -ENOENT if it is not */
};

/* Elements in a bucket, and one more: with a secret seed no bucket gets near it */
#define ARENA_HASH_CHAIN 128
/* Buckets of a part of the table */
#define ARENA_HASH_PART	 256

struct arena_hash_bucket {
	struct arena_seq seq;
	__u32 head;		/* low half of the first element's address */
	__u32 parent;		/* bucket + 1 that the split has not emptied yet, or 0 */
};

/* First members of all elements */
struct arena_hash_node {
	__u32 next;
	__u32 hash;
};

struct arena_hash {
	struct arena_lock lock;
	struct arena_heap __arena *heap;
	__u32 __arena *dir;	/* low halves of the addresses of the parts */
	__u64 state;		/* mask << 32 | number of buckets */
	__u64 count;
	__u64 seed;
	__u32 max;		/* buckets, and elements */
	__u32 free;		/* low half of the first free element's address */
	/* the writer's notes, for whoever repairs */
	__u32 split;		/* bucket + 1 that a split is filling */
	__u32 bucket;		/* bucket + 1 whose counter may be odd */
	__u32 overwritten;	/* elements, low halves */
	__u32 moved;
};

/* Where a walk is; all zeroes at the beginning */
struct arena_hash_cursor {
	__u32 bucket;
	__u32 last;		/* low half of the element of this bucket that was seen last, or 0 */
	__u32 again;		/* how often the bucket was begun again, since that one was gone */
	__u32 seen;		/* elements of this bucket */
};

/* So often a walk begins a bucket again */
#define ARENA_HASH_AGAIN 16

static __always_inline __u32 __arena_hash_index(__u32 hash, __u64 state)
{
	__u32 mask = state >> 32, bucket = hash & mask;

	return bucket < (__u32)state ? bucket : bucket & (mask >> 1);
}

/* The word that says where the part of @bucket is, or NULL */
static __always_inline __u32 __arena *__arena_hash_dir(struct arena_hash __arena *t, __u32 bucket)
{
	__u32 __arena *dir = arena_read_once(&t->dir);

	if (bucket >= arena_read_once(&t->max) ||
	    !arena_ok(dir, (bucket / ARENA_HASH_PART + 1) * sizeof(*dir)))
		return NULL;
	return dir + bucket / ARENA_HASH_PART;
}

/* The heap, or NULL */
static __always_inline struct arena_heap __arena *__arena_hash_heap(struct arena_hash __arena *t)
{
	struct arena_heap __arena *heap = arena_read_once(&t->heap);

	return (__u64)heap % 64 || !arena_ok(heap, sizeof(*heap)) ? NULL : heap;
}

static __always_inline struct arena_hash_bucket __arena *
__arena_hash_bucket(struct arena_hash __arena *t, __u32 bucket)
{
	__u32 __arena *dir = __arena_hash_dir(t, bucket);
	struct arena_hash_bucket __arena *part;

	if (!dir)
		return NULL;
	part = (struct arena_hash_bucket __arena *)arena_at((__u64)arena_read_once(dir));
	if (!part || !arena_ok(part, ARENA_HASH_PART * sizeof(*part)))
		return NULL;
	return part + bucket % ARENA_HASH_PART;
}

/* Multiplication carries upwards only, hence the shift, which brings the upper half down */
static __always_inline __u64 __arena_hash_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/* Makes bucket @n exist */
static inline int __arena_hash_part(struct arena_hash __arena *t, __u32 n)
{
	struct arena_heap __arena *heap = __arena_hash_heap(t);
	__u32 __arena *dir = __arena_hash_dir(t, n);
	void __arena *part;

	if (!heap || !dir)
		return -EUCLEAN;
	if (arena_read_once(dir))
		return 0;
	part = arena_calloc(heap, ARENA_HASH_PART, sizeof(struct arena_hash_bucket));
	if (!part)
		return -ENOMEM;
	arena_store_release(dir, arena_low(part));
	return 0;
}

/**
 * arena_hash_init() - make an empty table
 * @t: the table: zeroes
 * @heap: where elements and buckets come from; nothing is given back before
 *     arena_hash_destroy()
 * @max: elements that it may have, up to 2^24, rounded up to a multiple of 256; 4 bytes are
 *     allocated for each 256 of them
 * @seed: a random number, so that keys which somebody chooses do not meet in one bucket
 *
 * Context: any, both sides; nobody else uses it yet.
 * Return: 0; -EINVAL; -ENOMEM; -EFAULT.
 */
static inline int arena_hash_init(struct arena_hash __arena *t, struct arena_heap __arena *heap,
				  __u32 max, __u64 seed)
{
	int err;

	if (!max || max > 1 << 24)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	max = (max + ARENA_HASH_PART - 1) / ARENA_HASH_PART * ARENA_HASH_PART;
	t->heap = heap;
	t->max = max;
	t->seed = seed;
	t->dir = (__u32 __arena *)arena_calloc(heap, max / ARENA_HASH_PART + 1, sizeof(__u32));
	if (!t->dir)
		return -ENOMEM;
	err = __arena_hash_part(t, 0);
	if (err) {
		arena_free(heap, t->dir);
		t->dir = NULL;
		return err;
	}
	arena_store_release(&t->state, 15ULL << 32 | 16);
	return 0;
}

/**
 * arena_hash_count() - number of elements
 * @t: the table
 *
 * Context: any, both sides.
 */
static __always_inline __u64 arena_hash_count(struct arena_hash __arena *t)
{
	return arena_read_once(&t->count);
}

static __always_inline struct arena_hash_node __arena *__arena_hash_node(__u64 low)
{
	return (struct arena_hash_node __arena *)arena_at(low);
}

static __always_inline void __arena_hash_begin(struct arena_hash __arena *t,
					       struct arena_hash_bucket __arena *b, __u32 bucket)
{
	arena_write_once(&t->bucket, bucket + 1);
	arena_wmb();
	arena_seq_write_begin(&b->seq);
}

static __always_inline void __arena_hash_end(struct arena_hash __arena *t,
					     struct arena_hash_bucket __arena *b)
{
	arena_seq_write_end(&b->seq);
	arena_store_release(&t->bucket, 0);
}

/* Why a walk ended after @i rounds: a program's time is over, or the chain is damaged */
static __always_inline int __arena_hash_ended(__u32 i)
{
	return i < ARENA_HASH_CHAIN ? -EAGAIN : -EUCLEAN;
}

/* Is element @node in the chain of @b? 1, 0, or an error */
__arena_large int __arena_hash_linked(__arg_arena struct arena_hash_bucket __arena *b, __u32 low)
{
	struct arena_hash_node __arena *node = __arena_hash_node(arena_read_once(&b->head));
	__u32 i;

	arena_rounds(i, ARENA_HASH_CHAIN) {
		if (!node)
			return 0;
		if (!arena_ok(node, sizeof(*node)))
			return -EFAULT;
		if (arena_low(node) == low)
			return 1;
		node = __arena_hash_node(arena_read_once(&node->next));
	}
	return __arena_hash_ended(i);
}

/* The element after @last in the chain of @b, the first one if that is 0: low half, 0, or an error */
__arena_large __s64 __arena_hash_after(__arg_arena struct arena_hash_bucket __arena *b, __u32 last)
{
	struct arena_hash_node __arena *node;
	__u32 low = arena_load_acquire(&b->head), i;

	if (!last)
		return low;
	arena_rounds(i, ARENA_HASH_CHAIN) {
		node = __arena_hash_node(low);
		if (!node)
			return -ENOENT;
		if (!arena_ok(node, sizeof(*node)))
			return -EUCLEAN;
		low = arena_read_once(&node->next);
		if (arena_low(node) == last)
			return low;
	}
	return __arena_hash_ended(i);
}

/* Takes element @low out of the chain of @b, whose counter is odd */
__arena_large int __arena_hash_unlink(__arg_arena struct arena_hash_bucket __arena *b, __u32 low)
{
	__u32 __arena *from = &b->head;
	struct arena_hash_node __arena *node;
	__u32 i;

	arena_rounds(i, ARENA_HASH_CHAIN) {
		node = __arena_hash_node(arena_read_once(from));
		if (!node)
			return -ENOENT;
		if (!arena_ok(node, sizeof(*node)))
			return -EFAULT;
		if (arena_low(node) == low) {
			arena_write_once(from, arena_read_once(&node->next));
			return 0;
		}
		from = &node->next;
	}
	return __arena_hash_ended(i);
}

static __always_inline void __arena_hash_link(struct arena_hash_bucket __arena *b,
					      struct arena_hash_node __arena *node)
{
	arena_write_once(&node->next, arena_read_once(&b->head));
	arena_store_release(&b->head, arena_low(node));
}

/* The first element in the chain of @from that belongs into bucket @n: its address; 0; an error */
static inline __s64 __arena_hash_stray(struct arena_hash __arena *t,
				       struct arena_hash_bucket __arena *from, __u32 n)
{
	struct arena_hash_node __arena *node = __arena_hash_node(arena_read_once(&from->head));
	__u64 state = arena_read_once(&t->state);
	__u32 i;

	arena_rounds(i, ARENA_HASH_CHAIN) {
		if (!node)
			return 0;
		if (!arena_ok(node, sizeof(*node)))
			return -EFAULT;
		if (__arena_hash_index(arena_read_once(&node->hash), state) == n)
			return arena_low(node);
		node = __arena_hash_node(arena_read_once(&node->next));
	}
	return __arena_hash_ended(i);
}

/* Moves what belongs into the bucket that is being filled; what is left is left to the next one */
__arena_large int __arena_hash_split(__arg_arena struct arena_hash __arena *t)
{
	__u32 n = arena_read_once(&t->split) - 1, i, parent;
	struct arena_hash_bucket __arena *to, *from;
	__s64 low;

	if (!(n + 1))
		return 0;
	to = __arena_hash_bucket(t, n);
	if (!to)
		return -EUCLEAN;
	parent = arena_read_once(&to->parent);
	from = parent ? __arena_hash_bucket(t, parent - 1) : NULL;
	if (!from || from == to)
		return -EUCLEAN;
	arena_rounds(i, ARENA_HASH_CHAIN + 1) {
		low = __arena_hash_stray(t, from, n);
		if (low < 0)
			return low;
		if (!low) {
			arena_store_release(&to->parent, 0);
			arena_store_release(&t->split, 0);
			return 0;
		}
		__arena_hash_begin(t, from, parent - 1);
		arena_write_once(&t->moved, low);
		if (!__arena_hash_unlink(from, low))
			__arena_hash_link(to, __arena_hash_node(low));
		arena_store_release(&t->moved, 0);
		__arena_hash_end(t, from);
	}
	return -EAGAIN;
}

/* One more bucket, if there are more elements than buckets */
__arena_large int __arena_hash_grow(__arg_arena struct arena_hash __arena *t)
{
	__u64 state = arena_read_once(&t->state);
	__u32 n = state, mask = state >> 32;
	struct arena_hash_bucket __arena *to;

	/* a split that was cut short goes first, see __arena_hash_lock() */
	if (arena_read_once(&t->split) || arena_read_once(&t->count) <= n || n >= t->max ||
	    __arena_hash_part(t, n))
		return 0;
	to = __arena_hash_bucket(t, n);
	if (!to)
		return -EUCLEAN;
	if (n > mask)
		mask = mask << 1 | 1;
	arena_write_once(&to->head, 0);
	arena_write_once(&to->parent, (n & (mask >> 1)) + 1);
	arena_write_once(&t->split, n + 1);
	arena_store_release(&t->state, (__u64)mask << 32 | (n + 1));
	return __arena_hash_split(t);
}

/* Puts element @low back, which was being moved from @from to @to, if it is in neither */
static __always_inline int __arena_hash_restore(struct arena_hash_bucket __arena *from,
						struct arena_hash_bucket __arena *to, __u32 low)
{
	struct arena_hash_node __arena *node = __arena_hash_node(low);
	int old, new;

	if (!node || !to || !arena_ok(node, sizeof(*node)))
		return 0;
	old = __arena_hash_linked(from, low);
	new = __arena_hash_linked(to, low);
	if (old == -EAGAIN || new == -EAGAIN)
		return -EAGAIN;
	if (!old && !new)
		__arena_hash_link(to, node);
	return 0;
}

/* Somebody died who held the lock. -EAGAIN: no more time, all notes are left to the next one */
__arena_large int __arena_hash_repair(__arg_arena struct arena_hash __arena *t)
{
	__u32 bucket = arena_read_once(&t->bucket), over = arena_read_once(&t->overwritten);
	__u32 n = arena_read_once(&t->split);
	struct arena_hash_bucket __arena *b, *to;
	int err = 0;

	b = bucket ? __arena_hash_bucket(t, bucket - 1) : NULL;
	if (b) {
		arena_seq_write_begin(&b->seq);
		if (over)
			err = __arena_hash_unlink(b, over);
		if (err == -EAGAIN)
			return err;
		if (over && !err)
			arena_fetch_add(&t->count, -1ULL);
		to = n ? __arena_hash_bucket(t, n - 1) : NULL;
		arena_write_once(&t->overwritten, 0);
		if (__arena_hash_restore(b, to, arena_read_once(&t->moved)))
			return -EAGAIN;
		arena_write_once(&t->moved, 0);
		__arena_hash_end(t, b);
	}
	arena_write_once(&t->overwritten, 0);
	arena_write_once(&t->moved, 0);
	return 0;
}

/* Begins to write: locks, repairs, and completes a split */
static inline int __arena_hash_lock(struct arena_hash __arena *t)
{
	int err = arena_lock(&t->lock);

	if (err == -EOWNERDEAD) {
		err = __arena_hash_repair(t);
		if (err)
			arena_unlock_dead(&t->lock);
	}
	if (err)
		return err;
	err = __arena_hash_split(t);
	if (err)
		arena_unlock(&t->lock);
	return err;
}

/**
 * arena_hash_destroy() - give back all memory of a table
 * @t: the table, which nobody uses any more and nobody will
 *
 * Context: any, both sides; a round for each bucket and element. A program whose time is over
 * calls it again.
 * Return: 0; -EAGAIN; -EUCLEAN: a part of the memory is lost.
 */
__arena_large int arena_hash_destroy(__arg_arena struct arena_hash __arena *t)
{
	struct arena_heap __arena *heap = __arena_hash_heap(t);
	struct arena_hash_bucket __arena *b;
	struct arena_hash_node __arena *node;
	__u32 i, n = t->state, next = 0;
	__u32 __arena *dir;
	int err = -EAGAIN;

	if (!heap)
		return -EUCLEAN;

	arena_rounds(i, 3U << 24) {
		/* the elements of the last bucket, or free ones */
		b = n ? __arena_hash_bucket(t, n - 1) : NULL;
		next = n ? (b ? arena_read_once(&b->head) : 0) : t->free;
		if (next) {
			node = __arena_hash_node(next);
			if (!arena_ok(node, sizeof(*node)))
				return -EUCLEAN;
			next = arena_read_once(&node->next);
			if (n)
				arena_write_once(&b->head, next);
			else
				t->free = next;
			if (arena_free(heap, node))
				return -EUCLEAN;
			continue;
		}
		if (!n) {
			err = 0;
			break;
		}
		n--;
		dir = __arena_hash_dir(t, n);
		if (n % ARENA_HASH_PART == 0 && b && dir) {
			arena_write_once(dir, 0);
			arena_free(heap, b);
		}
		t->state = n;
	}
	if (!err) {
		arena_free(heap, t->dir);
		t->dir = NULL;
		t->count = 0;
	}
	return err;
}

#define __ARENA_PASTE(a, b) a##_##b
#define __ARENA_NAME(a, b) __ARENA_PASTE(a, b)
#define __ARENA_WORDS(type) ((sizeof(type) + 7) / 8)

#endif /* __BPF_ARENA_HASH_H__ */

#ifdef ARENA_HASH_NAME

#define __H(suffix) __ARENA_NAME(ARENA_HASH_NAME, suffix)
#define __KEY_WORDS __ARENA_WORDS(ARENA_HASH_KEY)
#define __VALUE_WORDS __ARENA_WORDS(ARENA_HASH_VALUE)

struct __H(node) {
	struct arena_hash_node node;
	__u64 key[__KEY_WORDS];
	__u64 value[__VALUE_WORDS];
};

/* A key, and the same as words */
struct __H(key_words) {
	union {
		ARENA_HASH_KEY key;
		__u64 word[__KEY_WORDS];
	};
};

/*
 * Copies a value to or from an element, word by word: clang 19 forgets to cast the address when
 * it copies a whole structure from or to the arena.
 */
static __always_inline void __H(put)(struct __H(node) __arena *node, const ARENA_HASH_VALUE *value)
{
	__u32 i, left = sizeof(*value);

#pragma GCC unroll 64
	for (i = 0; i < __VALUE_WORDS; i++, left -= 8) {
		__u64 word = 0;

		__builtin_memcpy(&word, (const char *)value + i * 8, left < 8 ? left : 8);
		arena_write_once(&node->value[i], word);
	}
}

static __always_inline void __H(get)(ARENA_HASH_VALUE *value, struct __H(node) __arena *node)
{
	__u32 i, left = sizeof(*value);

#pragma GCC unroll 64
	for (i = 0; i < __VALUE_WORDS; i++, left -= 8) {
		__u64 word = arena_read_once(&node->value[i]);

		__builtin_memcpy((char *)value + i * 8, &word, left < 8 ? left : 8);
	}
}

/*
 * The key's words, the rest of the last one cleared, and their hash. Once more at the end: what
 * differs in the last word's upper bits alone has got to the upper bits of its lower half.
 */
static __always_inline __u32 __H(prepare)(struct arena_hash __arena *t, const ARENA_HASH_KEY *key,
					  struct __H(key_words) *k)
{
	__u64 hash = t->seed;
	__u32 i;

	k->word[__KEY_WORDS - 1] = 0;
	k->key = *key;
	for (i = 0; i < __KEY_WORDS; i++)
		hash = __arena_hash_mix(hash, k->word[i]);
	return __arena_hash_mix(hash, 0xff51afd7ed558ccdULL);
}

/*
 * The element in the chain that begins with @low, or NULL. *@err: 0; -ENOSPC: not there, and
 * the chain has no room for another one; or why it was not walked
 */
static __always_inline struct __H(node) __arena *
__H(walk)(__u32 low, __u32 hash, const struct __H(key_words) *k, int *err)
{
	struct __H(node) __arena *node;
	__u64 differ;
	__u32 i, j;

	*err = 0;
	arena_rounds(i, ARENA_HASH_CHAIN) {
		node = (struct __H(node) __arena *)arena_at((__u64)low);
		if (!node) {
			if (i == ARENA_HASH_CHAIN - 1)
				*err = -ENOSPC;
			return NULL;
		}
		if (!arena_ok(node, sizeof(*node))) {
			*err = -EUCLEAN;
			return NULL;
		}
		if (arena_read_once(&node->node.hash) == hash) {
			differ = 0;
			for (j = 0; j < __KEY_WORDS; j++)
				differ |= arena_read_once(&node->key[j]) ^ k->word[j];
			if (!differ)
				return node;
		}
		low = arena_read_once(&node->node.next);
	}
	*err = __arena_hash_ended(i);
	return NULL;
}

/*
 * NAME_find() - look a key up
 * @t: the table
 * @key: the key
 * @value: gets a copy of the value, or anything if there is an error
 *
 * Context: any, both sides. Never waits.
 * Return: 0; -ENOENT; -EAGAIN: the bucket changed each time, or its writer died or is one that the
 * caller has interrupted, or a program's time is over; -EUCLEAN; -EFAULT, in a process: @t is not
 * in the arena.
 */
__arena_large int __H(find)(__arg_arena struct arena_hash __arena *t, const ARENA_HASH_KEY *key,
			    ARENA_HASH_VALUE *value)
{
	struct arena_hash_bucket __arena *b, *old;
	struct __H(node) __arena *node;
	__u32 hash, i, index, parent;
	struct __H(key_words) k;
	__u64 seq, old_seq;
	int err, old_err;

	if (!key || !value)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	hash = __H(prepare)(t, key, &k);
	arena_rounds(i, ARENA_SEQ_ROUNDS) {
		index = __arena_hash_index(hash, arena_load_acquire(&t->state));
		b = __arena_hash_bucket(t, index);
		if (!b)
			return -EUCLEAN;
		parent = arena_load_acquire(&b->parent);
		old = parent ? __arena_hash_bucket(t, parent - 1) : b;
		if (!old)
			return -EUCLEAN;
		old_seq = arena_seq_begin(&old->seq);
		seq = arena_seq_begin(&b->seq);
		node = __H(walk)(arena_load_acquire(&b->head), hash, &k, &err);
		if (!node && parent) {
			node = __H(walk)(arena_load_acquire(&old->head), hash, &k, &old_err);
			if (!err || err == -ENOSPC)
				err = old_err;
		}
		if (node)
			__H(get)(value, node);
		if (!arena_seq_valid(&b->seq, seq) || !arena_seq_valid(&old->seq, old_seq) ||
		    __arena_hash_index(hash, arena_read_once(&t->state)) != index) {
			arena_relax();
			continue;
		}
		if (!node)
			return err && err != -ENOSPC ? err : -ENOENT;
		return 0;
	}
	return -EAGAIN;
}

/* A free element, or a new one */
static __always_inline struct __H(node) __arena *__H(node_get)(struct arena_hash __arena *t)
{
	struct __H(node) __arena *node =
		(struct __H(node) __arena *)arena_at((__u64)arena_read_once(&t->free));

	struct arena_heap __arena *heap = __arena_hash_heap(t);

	if (!heap)
		return NULL;
	if (!node || !arena_ok(node, sizeof(*node)))
		return (struct __H(node) __arena *)arena_malloc(heap, sizeof(*node));
	arena_write_once(&t->free, arena_read_once(&node->node.next));
	return node;
}

/* The bucket and the element of a key, for a writer, who has completed all splits */
static __always_inline struct __H(node) __arena *
__H(lookup)(struct arena_hash __arena *t, __u32 hash, const struct __H(key_words) *k,
	    __u32 *index, int *err)
{
	struct arena_hash_bucket __arena *b;

	*index = __arena_hash_index(hash, arena_read_once(&t->state));
	b = __arena_hash_bucket(t, *index);
	if (!b) {
		*err = -EUCLEAN;
		return NULL;
	}
	return __H(walk)(arena_read_once(&b->head), hash, k, err);
}

static __always_inline int __H(insert)(struct arena_hash __arena *t, __u32 index, __u32 hash,
				       const struct __H(key_words) *k,
				       const ARENA_HASH_VALUE *value)
{
	struct arena_hash_bucket __arena *b = __arena_hash_bucket(t, index);
	struct __H(node) __arena *node;
	__u32 j;

	if (!b)
		return -EUCLEAN;
	if (arena_read_once(&t->count) >= t->max)
		return -ENOSPC;
	node = __H(node_get)(t);
	if (!node)
		return -ENOMEM;
	if (!arena_ok(node, sizeof(*node)))
		return -EFAULT;
	arena_write_once(&node->node.hash, hash);
	for (j = 0; j < __KEY_WORDS; j++)
		arena_write_once(&node->key[j], k->word[j]);
	__H(put)(node, value);
	/* first the count: of one that dies in between it has one too many, never one too few */
	arena_write_once(&t->count, arena_read_once(&t->count) + 1);
	__arena_hash_link(b, &node->node);
	/* twice: there may have been no memory for buckets for a while */
	__arena_hash_grow(t);
	__arena_hash_grow(t);
	return 0;
}

/*
 * NAME_set() - insert a key, or give it another value
 * @t: the table
 * @key: the key
 * @value: its value
 * @flag: ARENA_HASH_ANY, ARENA_HASH_NEW or ARENA_HASH_OLD
 *
 * Context: any, both sides; takes the table's lock.
 * Return: 0; -EEXIST, -ENOENT: see @flag; -ENOMEM: the heap is empty, or a program's
 * time ended in it; -ENOSPC: as many elements as the table may have, or as many as a bucket may, as
 * the heap had no memory for more buckets; -EAGAIN: a program's time is over; -EINVAL: @key or
 * @value is NULL; -EUCLEAN; -EFAULT, in a process: @t is not in the arena; an error of arena_lock()
 * other than -EOWNERDEAD. The key is as it was then.
 */
__arena_large int __H(set)(__arg_arena struct arena_hash __arena *t, const ARENA_HASH_KEY *key,
			   const ARENA_HASH_VALUE *value, int flag)
{
	struct arena_hash_bucket __arena *b;
	struct __H(node) __arena *node;
	struct __H(key_words) k;
	__u32 hash, index;
	int err;

	if (!key || !value)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	hash = __H(prepare)(t, key, &k);
	err = __arena_hash_lock(t);
	if (err)
		return err;
	node = __H(lookup)(t, hash, &k, &index, &err);
	if (err && err != -ENOSPC)
		goto out;
	err = flag == ARENA_HASH_NEW && node ? -EEXIST :
	      flag == ARENA_HASH_OLD && !node ? -ENOENT : err;
	if (err)
		goto out;
	if (!node) {
		err = __H(insert)(t, index, hash, &k, value);
		goto out;
	}
	b = __arena_hash_bucket(t, index);
	err = -EUCLEAN;
	if (!b)
		goto out;
	arena_write_once(&t->overwritten, arena_low(node));
	__arena_hash_begin(t, b, index);
	__H(put)(node, value);
	arena_store_release(&t->overwritten, 0);
	__arena_hash_end(t, b);
	err = 0;
out:
	arena_unlock(&t->lock);
	return err;
}

/*
 * NAME_delete() - take a key out
 * @t: the table
 * @key: the key
 *
 * Context: any, both sides; takes the table's lock.
 * Return: 0; -ENOENT; -EAGAIN: a program's time is over; -EINVAL: @key is NULL; -EUCLEAN; -EFAULT,
 * in a process: @t is not in the arena; an error of arena_lock() other than -EOWNERDEAD. The key is
 * as it was then.
 */
__arena_large int __H(delete)(__arg_arena struct arena_hash __arena *t, const ARENA_HASH_KEY *key)
{
	struct arena_hash_bucket __arena *b;
	struct __H(node) __arena *node;
	struct __H(key_words) k;
	__u32 hash, index;
	int err;

	if (!key)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	hash = __H(prepare)(t, key, &k);
	err = __arena_hash_lock(t);
	if (err)
		return err;
	node = __H(lookup)(t, hash, &k, &index, &err);
	if (!node) {
		err = err && err != -ENOSPC ? err : -ENOENT;
		goto out;
	}
	b = __arena_hash_bucket(t, index);
	err = -EUCLEAN;
	if (!b)
		goto out;
	__arena_hash_begin(t, b, index);
	err = __arena_hash_unlink(b, arena_low(node));
	__arena_hash_end(t, b);
	if (err)
		goto out;
	arena_write_once(&node->node.next, arena_read_once(&t->free));
	arena_write_once(&t->free, arena_low(node));
	arena_write_once(&t->count, arena_read_once(&t->count) - 1);
out:
	arena_unlock(&t->lock);
	return err;
}

/*
 * NAME_next() - walk over all elements
 * @t: the table
 * @c: the cursor; zeroes at the beginning
 * @key: gets a copy of the key
 * @value: gets a copy of the value
 *
 * An element that is in the table during all of the walk is seen. It may be seen twice, if the
 * table grows, or if others in its bucket are deleted; and if that happens between 16 calls in
 * one bucket, others of the bucket may not be seen. Values may be overwritten as often as one
 * likes. A walk ends: it returns at most 256 elements of a bucket.
 *
 * Context: any, both sides. Never waits.
 * Return: 0; -ENOENT: that was all; -EAGAIN: many buckets were empty, or a program's time is over:
 * call it again; -EBUSY: the bucket is being written, by a writer that died, or one that the caller
 * has interrupted, or by one after the other: it may be so again; -EINVAL: NULL; -EUCLEAN; -EFAULT,
 * in a process: @t is not in the arena.
 */
__arena_large int __H(next)(__arg_arena struct arena_hash __arena *t,
			    struct arena_hash_cursor *c, ARENA_HASH_KEY *key,
			    ARENA_HASH_VALUE *value)
{
	struct __H(node) __arena *node, *ok;
	struct arena_hash_bucket __arena *b;
	struct __H(key_words) k = {};
	__u32 i, j, tries = arena_zero();
	__s64 low;
	__u64 seq;

	if (!c || !key || !value)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	arena_rounds(i, 65536) {
		if (c->bucket >= (__u32)arena_load_acquire(&t->state))
			return -ENOENT;
		b = __arena_hash_bucket(t, c->bucket);
		if (!b)
			return -EUCLEAN;
		seq = arena_seq_begin(&b->seq);
		low = __arena_hash_after(b, c->last);
		node = (struct __H(node) __arena *)arena_at(low < 0 ? 0 : (__u64)low);
		ok = node && arena_ok(node, sizeof(*node)) ? node : NULL;
		if (ok) {
			for (j = 0; j < __KEY_WORDS; j++)
				k.word[j] = arena_read_once(&ok->key[j]);
			__H(get)(value, ok);
		}
		if (!arena_seq_valid(&b->seq, seq)) {
			if (++tries >= ARENA_SEQ_ROUNDS)
				return -EBUSY;
			arena_relax();
			continue;
		}
		if (low < 0 && low != -ENOENT)
			return low;
		if (node && !ok)
			return -EUCLEAN;
		/* what comes and goes all the time is not followed for ever */
		if (ok && c->seen < 2 * ARENA_HASH_CHAIN) {
			c->seen++;
			c->last = low;
			*key = k.key;
			return 0;
		}
		c->last = 0;
		if (low < 0 && ++c->again <= ARENA_HASH_AGAIN)
			continue;
		c->again = 0;
		c->seen = 0;
		c->bucket++;
	}
	return -EAGAIN;
}

#undef __H
#undef __KEY_WORDS
#undef __VALUE_WORDS
#undef ARENA_HASH_NAME
#undef ARENA_HASH_KEY
#undef ARENA_HASH_VALUE

#endif /* ARENA_HASH_NAME */
