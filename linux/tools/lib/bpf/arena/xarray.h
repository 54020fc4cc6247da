/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_XARRAY_H__
#define __BPF_ARENA_XARRAY_H__

/*
 * A sparse array: an entry of 64 bits for each index of 64 bits. An entry that is 0 is none. Each
 * entry may have up to three marks. Readers are on both sides and wait for nobody.
 *
 *	err = arena_xa_store(&array, index, value);	the writer, with its lock
 *
 *	err = arena_xa_load(&array, index, &value);	any reader
 *
 *	struct arena_xa_entry e = { .index = from };
 *
 *	for (err = arena_xa_find(&array, &e, to); !err; err = arena_xa_find_after(&array, &e, to))
 *		...
 *
 * It is a radix tree with 64 slots a node, as high as the largest index needs. There is one writer
 * at a time: one thread or program, or whoever holds a lock (lock.h).
 *
 *	root: level 1, node		level n: 6 bits of the index, from bit 6 * n on
 *	       |
 *	       v	slot 0   1   2  ...  63
 *	      node	     |   0   |       0	bits[0]: 0...0101, slots that may be in use
 *			   leaf	    leaf	bits[n]: those that may have mark n - 1
 *			 (level 0)
 *
 * No reader sees half of a change, since each change is one store to one word: of the slot in a
 * leaf, which is the entry; of the slot that links a node, which is complete; of the root, which
 * has node and level in one word; of the leaf's bits, for a mark. Bits above a leaf only say
 * where it is worth looking: they are set before what they stand for, and cleared after it. So
 * whenever the writer stops, the array is valid, and readers go on. What may be left is an empty
 * node, or a bit too many: the next writer finds the note of the index, and tidies up there.
 *
 * What readers have to look out for is memory that has been used again. A node that became empty
 * serves the same array later, elsewhere: it never goes back to the heap (alloc.h) before
 * arena_xa_destroy(). A reader that was led astray reads a slot of some node of this array. It
 * finds out by a counter, before it goes on from there: "reused" goes up between the unlinking of
 * a node and its next use.
 *
 *	writer	unlinks a node	reused 7 -> 8	links it elsewhere
 *	reader	7, got there before		reads a slot		8: try again
 *
 * A reader that meets an entry of 0 in a node that has just been unlinked is right: there was
 * nothing when it was unlinked, and the reader had begun by then. The counter is not that of seq.h:
 * it is never odd, so a writer that died, or that the reader has interrupted, holds up no reader;
 * and a store to an entry that is there, or erasing one of several in a leaf, makes no reader
 * begin again. "unmarked" does the same for marks: it goes up between the loss of a mark and the
 * next store to that entry, so an entry that was found by its mark had it.
 *
 * Functions that change one index, and their loops, end by themselves, after 11 levels: a
 * program whose time is over completes them, or gets -ENOMEM from the heap and has changed nothing.
 * A process that dies may lose a node; arena_xa_destroy() gives that back as well, unless it
 * died within the heap, or right after it.
 *
 * Hostile contents: no more than 11 levels down, links that are checked in a process: -EUCLEAN,
 * wrong values, or -EAGAIN from readers, after a bounded number of rounds.
 */

#include "common.h"
#include "alloc.h"

#define ARENA_XA_LEVELS 11	/* 64 bits, 6 for each level */
#define ARENA_XA_TOP	60	/* the bit from which on the highest level has them */
#define ARENA_XA_MARKS	3
/*
 * Rounds of a reader: each goes down once. A load needs one; a search one more for each level that it
 * has to go up.
 */
#define ARENA_XA_ROUNDS 1024
/* Entries that a call changes at most */
#define ARENA_XA_RANGE	65536

/* Slots begin a cache line, in a heap's class of 640 bytes */
struct arena_xa_node {
	__u64 bits[1 + ARENA_XA_MARKS];
	__u32 parent;		/* low half of an address, as all links here; for the writer */
	__u32 next_free;
	__u32 next_made;
	__u32 pad[5];
	__u64 slot[64];		/* entries in a leaf, else links */
};

struct arena_xa {
	__u64 root;		/* 6 * level << 32 | link */
	__u64 reused;
	__u64 unmarked;		/* odd: a mark is being lost */
	struct arena_heap __arena *heap;
	__u64 index;		/* what is being changed, if busy */
	__u32 busy;
	__u32 free;
	__u32 made;		/* all nodes, in the array or free */
	__u32 pad;
};

/* Where a search is, and what it has found */
struct arena_xa_entry {
	__u64 index;
	__u64 value;
};

/*
 * The node at @low. In a program any is fine, and the upper half of its address is not needed to
 * follow it.
 */
static __always_inline struct arena_xa_node __arena *__arena_xa_at(__u64 low)
{
#ifdef __ARENA_BPF__
	return (struct arena_xa_node __arena *)low;
#else
	struct arena_xa_node *n = (struct arena_xa_node *)arena_at(low);

	return n && arena_ok(n, sizeof(*n)) ? n : NULL;
#endif
}

/*
 * Loads a link, before what it leads to. No CPU that BPF runs on loads what is at an address before
 * the address; C has to be told.
 */
#ifdef __ARENA_BPF__
#define __arena_xa_follow(p) arena_read_once(p)
#else
#define __arena_xa_follow(p) arena_load_acquire(p)
#endif

/*
 * What a link leads to is a node, unless the reader was led astray: a leaf that was another node
 * has entries where that had links. In a process an entry must not be followed. It was stored
 * after "reused" went up, so whoever has loaded it sees that.
 */
#ifdef __ARENA_BPF__
#define __arena_xa_astray(t, before) 0
#else
#define __arena_xa_astray(t, before) (arena_read_once(&(t)->reused) != (before))
#endif

/* Indices that a node serves, less one; all of them if there are 64 bits */
static __always_inline __u64 __arena_xa_span(__u32 shift)
{
	return (64ULL << shift) - 1;
}

/* No link, since it is no multiple of 8 */
#define __ARENA_XA_DAMAGED 1

/*
 * The leaf for @index: low half of its address, 0 if there is none, or __ARENA_XA_DAMAGED. What it
 * returns is as good as what it has read. @reused was read before.
 */
static __always_inline __u64 __arena_xa_walk(struct arena_xa __arena *t, __u64 index, __u64 reused)
{
	__u64 root = __arena_xa_follow(&t->root), low = arena_low(root), off, rest;
	struct arena_xa_node __arena *n;
	__s32 shift = root >> 32;

	if (!low)
		return 0;
	if ((__u32)shift > ARENA_XA_TOP)
		return __ARENA_XA_DAMAGED;
	off = index >> shift;
	if (off > 63)
		return 0;
	if (!shift)
		return low;
	/* what is below comes down from the top: BPF's shifts by constants are cheaper */
	rest = index << (64 - shift);
	/* no may_goto: a change is never half done for want of time */
	do {
		n = __arena_xa_at(low);
		if (!n)
			return __ARENA_XA_DAMAGED;
		low = __arena_xa_follow(&n->slot[off]);
		if (!low)
			return 0;
		if (__arena_xa_astray(t, reused))
			return __ARENA_XA_DAMAGED;
		off = rest >> 58;
		/* asm: else clang keeps two of them */
		__asm__ volatile("" : "+r"(off));
		rest <<= 6;
		shift -= 6;
	} while (shift > 0);
	return low;
}

/* One try: 0, -ENOENT, -EUCLEAN, or -EAGAIN: what was read has been used again */
static __always_inline int __arena_xa_get(struct arena_xa __arena *t, __u64 index, __u64 *value)
{
	__u64 reused = arena_load_acquire(&t->reused), found = 0, low;
	struct arena_xa_node __arena *n;

	low = __arena_xa_walk(t, index, reused);
	if (low > __ARENA_XA_DAMAGED) {
		n = __arena_xa_at(low);
		if (n)
			found = arena_read_once(&n->slot[index & 63]);
		else
			low = __ARENA_XA_DAMAGED;
	}
	arena_rmb();
	if (arena_read_once(&t->reused) != reused)
		return -EAGAIN;
	*value = found;
	if (found)
		return 0;
	return low == __ARENA_XA_DAMAGED ? -EUCLEAN : -ENOENT;
}

/* For the writer: the slot of an entry that is there, or NULL and *@err */
static __always_inline __u64 __arena *__arena_xa_slot(struct arena_xa __arena *t, __u64 index,
						      int *err)
{
	__u64 low = __arena_xa_walk(t, index, arena_read_once(&t->reused));
	struct arena_xa_node __arena *n;

	*err = -ENOENT;
	if (!low)
		return NULL;
	n = __arena_xa_at(low);
	if (!n || low == __ARENA_XA_DAMAGED) {
		*err = -EUCLEAN;
		return NULL;
	}
	return arena_read_once(&n->slot[index & 63]) ? &n->slot[index & 63] : NULL;
}

/* One more; a function, so that the verifier does not look at it in a loop */
__arena_large int __arena_xa_get_once(__arg_arena struct arena_xa __arena *t, __u64 index,
				      __u64 *value)
{
	return value ? __arena_xa_get(t, index, value) : -EINVAL;
}

__arena_large int __arena_xa_get_again(__arg_arena struct arena_xa __arena *t, __u64 index,
				       __u64 *value)
{
	int err = -EAGAIN;
	__u32 i;

	if (!value)
		return -EINVAL;
	arena_rounds(i, ARENA_XA_ROUNDS) {
		err = __arena_xa_get_once(t, index, value);
		if (err != -EAGAIN)
			break;
		arena_relax();
	}
	return err;
}

/**
 * arena_xa_load() - the entry at an index
 * @t: the array
 * @index: the index
 * @value: gets the entry, or 0; unchanged on an error other than -ENOENT
 *
 * Whatever was written before the entry was stored is visible to a reader that has it.
 *
 * Context: any, both sides. Never waits.
 * Return: 0; -ENOENT: there is none; -EAGAIN: nodes were used again ARENA_XA_ROUNDS times, or that
 * once and a program's time is over; -EUCLEAN; -EINVAL: @value is NULL; -EFAULT, in a process: @t
 * is not in the arena.
 */
__arena_large int arena_xa_load(__arg_arena struct arena_xa __arena *t, __u64 index, __u64 *value)
{
	int err;

	if (!value)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	err = __arena_xa_get(t, index, value);
	return err == -EAGAIN ? __arena_xa_get_again(t, index, value) : err;
}

/**
 * arena_xa_empty() - is there no entry?
 * @t: the array
 *
 * Context: any, both sides.
 * Return: 1; 0: there is one, or a writer is at work, or died there; 1, in a process: @t is not in the arena.
 */
static __always_inline int arena_xa_empty(struct arena_xa __arena *t)
{
	return !arena_ok(t, sizeof(*t)) || !(__u32)arena_read_once(&t->root);
}

/* Bits of a word from @off on, upwards or downwards */
static __always_inline __u64 __arena_xa_side(__u64 word, __u32 off, __u32 down)
{
	return down ? word & ~0ULL >> (63 - off) : word & ~0ULL << off;
}

/* The index before the @span + 1 that @index is in, or the one after them; *@end: there is none */
static __always_inline __u64 __arena_xa_beyond(__u64 index, __u64 span, __u32 down, int *end)
{
	__u64 first = index & ~span, last = index | span;

	*end = down ? !first : !(last + 1);
	return down ? first - 1 : last + 1;
}

/* The index as it is in slot @to, if it was in another one */
static __always_inline __u64 __arena_xa_slide(__u64 index, __u32 shift, __u32 to, __u32 down)
{
	__u64 rest = (1ULL << shift) - 1;

	if ((index >> shift & 63) == to)
		return index;
	return (index & ~__arena_xa_span(shift)) | (__u64)to << shift | (down ? rest : 0);
}

#define __ARENA_XA_DOWN 4	/* what: the bits to look at, and this */
#define __ARENA_XA_MORE 1

/*
 * Goes down once, to what is found first from @e on. 0: that is it. __ARENA_XA_MORE: there is
 * nothing up to @e, which has moved. -ENOENT, -EUCLEAN. -EAGAIN: memory has been used again.
 */
__arena_large int __arena_xa_step(__arg_arena struct arena_xa __arena *t, struct arena_xa_entry *e,
				  __u32 what)
{
	__u32 i, to, shift, down = what & __ARENA_XA_DOWN;
	__u64 reused, unmarked, root, low, index, word, found = 0;
	struct arena_xa_node __arena *n;
	int ret = -EUCLEAN, end = 0;

	if (!e)
		return -EINVAL;
	reused = arena_read_once(&t->reused);
	unmarked = arena_read_once(&t->unmarked);
	arena_rmb();
	root = __arena_xa_follow(&t->root);
	index = e->index;
	low = (__u32)root;
	shift = root >> 32;
	if (!low)
		return -ENOENT;
	if (shift > ARENA_XA_TOP)
		return -EUCLEAN;
	if (index > __arena_xa_span(shift)) {
		if (!down)
			return -ENOENT;
		index = __arena_xa_span(shift);
	}
	for (i = 0; i < ARENA_XA_LEVELS; i++) {
		n = __arena_xa_at(low);
		if (!n)
			break;
		word = __arena_xa_side(arena_read_once(&n->bits[what & 3]), index >> shift & 63,
				       down);
		if (!word) {
			index = __arena_xa_beyond(index, __arena_xa_span(shift), down, &end);
			ret = __ARENA_XA_MORE;
			break;
		}
		to = down ? 63 - __builtin_clzll(word) : __builtin_ctzll(word);
		index = __arena_xa_slide(index, shift, to, down);
		/* the entry's mark first, see above */
		if (what & 3 && !shift)
			arena_rmb();
		found = __arena_xa_follow(&n->slot[to]);
		low = (__u32)found;
		if (!shift || !low) {
			ret = !shift && found ? 0 : __ARENA_XA_MORE;
			if (ret)
				index = __arena_xa_beyond(index, (1ULL << shift) - 1, down, &end);
			break;
		}
		if (__arena_xa_astray(t, reused))
			return -EAGAIN;
		shift = (shift - 6) & 63;
	}
	arena_rmb();
	if (arena_read_once(&t->reused) != reused ||
	    (!ret && what & 3 && arena_read_once(&t->unmarked) != unmarked))
		return -EAGAIN;
	if (end)
		return -ENOENT;
	e->index = index;
	e->value = found;
	return ret;
}

/* The first entry with a bit, from e->index up to @limit, or down to it */
__arena_large int __arena_xa_seek(__arg_arena struct arena_xa __arena *t, struct arena_xa_entry *e,
				  __u64 limit, __u32 what)
{
	struct arena_xa_entry at;
	__u32 i;
	int err;

	if (!e)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	at.index = e->index;
	at.value = 0;
	arena_rounds(i, ARENA_XA_ROUNDS) {
		if (what & __ARENA_XA_DOWN ? at.index < limit : at.index > limit)
			return -ENOENT;
		err = __arena_xa_step(t, &at, what);
		if (err == -EAGAIN) {
			arena_relax();
			continue;
		}
		if (err < 0)
			return err;
		if (err == __ARENA_XA_MORE)
			continue;
		if (what & __ARENA_XA_DOWN ? at.index < limit : at.index > limit)
			return -ENOENT;
		e->index = at.index;
		e->value = at.value;
		return 0;
	}
	return -EAGAIN;
}

/**
 * arena_xa_find() - the first entry from an index on
 * @t: the array
 * @e: the search begins at @e->index; gets index and value of the entry, and is unchanged on an
 *     error
 * @max: the last index that is looked at
 *
 * An entry that is there all the time is not missed. Each one that is found was there at one moment
 * since the call.
 *
 * Context: any, both sides. Never waits.
 * Return: 0; -ENOENT: there is none; -EAGAIN: it took ARENA_XA_ROUNDS, since nodes were used again
 * each time or the array is damaged, or a program's time is over; -EUCLEAN; -EINVAL: @e is NULL;
 * -EFAULT, in a process: @t is not in the arena.
 */
static __always_inline int arena_xa_find(struct arena_xa __arena *t, struct arena_xa_entry *e,
					 __u64 max)
{
	return __arena_xa_seek(t, e, max, 0);
}

/**
 * arena_xa_find_last() - the last entry up to an index
 * @t: the array
 * @e: as arena_xa_find(); the search goes downwards
 * @min: the last index that is looked at
 *
 * Context: any, both sides. Never waits.
 * Return: as arena_xa_find().
 */
static __always_inline int arena_xa_find_last(struct arena_xa __arena *t, struct arena_xa_entry *e,
					      __u64 min)
{
	return __arena_xa_seek(t, e, min, __ARENA_XA_DOWN);
}

/* From the index after @e's on, or before it */
static __always_inline int __arena_xa_seek_on(struct arena_xa __arena *t, struct arena_xa_entry *e,
					      __u64 limit, __u32 what)
{
	struct arena_xa_entry at = {};
	int err;

	if (!e)
		return -EINVAL;
	at.index = e->index + (what & __ARENA_XA_DOWN ? -1ULL : 1);
	if (e->index == (what & __ARENA_XA_DOWN ? 0 : ~0ULL))
		return -ENOENT;
	err = __arena_xa_seek(t, &at, limit, what);
	if (!err) {
		e->index = at.index;
		e->value = at.value;
	}
	return err;
}

/**
 * arena_xa_find_after() - the first entry after an index
 * @t: the array
 * @e: as arena_xa_find(); the search begins at @e->index + 1
 * @max: the last index that is looked at
 *
 * Context: any, both sides. Never waits.
 * Return: as arena_xa_find().
 */
static __always_inline int arena_xa_find_after(struct arena_xa __arena *t,
					       struct arena_xa_entry *e, __u64 max)
{
	return __arena_xa_seek_on(t, e, max, 0);
}

/**
 * arena_xa_find_before() - the last entry before an index
 * @t: the array
 * @e: as arena_xa_find(); the search begins at @e->index - 1, downwards
 * @min: the last index that is looked at
 *
 * Context: any, both sides. Never waits.
 * Return: as arena_xa_find().
 */
static __always_inline int arena_xa_find_before(struct arena_xa __arena *t,
						struct arena_xa_entry *e, __u64 min)
{
	return __arena_xa_seek_on(t, e, min, __ARENA_XA_DOWN);
}

/**
 * arena_xa_find_marked() - the first entry with a mark, from an index on
 * @t: the array
 * @e: as arena_xa_find()
 * @max: the last index that is looked at
 * @mark: 0 to ARENA_XA_MARKS - 1
 *
 * An entry that is there and has the mark all the time is not missed. Each one that is found was
 * there and had the mark, at one moment since the call.
 *
 * Context: any, both sides. Never waits.
 * Return: as arena_xa_find(); -EINVAL also: there is no such mark. -EAGAIN also: marks were lost
 * each time.
 */
static __always_inline int arena_xa_find_marked(struct arena_xa __arena *t,
						struct arena_xa_entry *e, __u64 max, __u32 mark)
{
	return mark < ARENA_XA_MARKS ? __arena_xa_seek(t, e, max, mark + 1) : -EINVAL;
}

/**
 * arena_xa_find_marked_last() - the last entry with a mark, up to an index
 * @t: the array
 * @e: as arena_xa_find(); the search goes downwards
 * @min: the last index that is looked at
 * @mark: 0 to ARENA_XA_MARKS - 1
 *
 * Context: any, both sides. Never waits.
 * Return: as arena_xa_find_marked().
 */
static __always_inline int arena_xa_find_marked_last(struct arena_xa __arena *t,
						     struct arena_xa_entry *e, __u64 min,
						     __u32 mark)
{
	return mark < ARENA_XA_MARKS ? __arena_xa_seek(t, e, min, (mark + 1) | __ARENA_XA_DOWN) :
				       -EINVAL;
}

/* Writers */

/* The heap, or NULL */
static __always_inline struct arena_heap __arena *__arena_xa_heap(struct arena_xa __arena *t)
{
	struct arena_heap __arena *heap = arena_read_once(&t->heap);

	return !heap || (__u64)heap % 64 || !arena_ok(heap, sizeof(*heap)) ? NULL : heap;
}

/**
 * arena_xa_init() - make an empty array
 * @t: the array
 * @heap: where nodes come from, 640 bytes each; none goes back before arena_xa_destroy()
 *
 * Context: any, both sides; nobody else uses it yet.
 * Return: 0; -EINVAL: @heap is none; -EFAULT: a page is not there, or in a process: not in the
 * arena.
 */
static inline int arena_xa_init(struct arena_xa __arena *t, struct arena_heap __arena *heap)
{
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	arena_write_once(&t->root, 0);
	arena_write_once(&t->reused, 0);
	arena_write_once(&t->unmarked, 0);
	arena_write_once(&t->busy, 0);
	arena_write_once(&t->free, 0);
	arena_write_once(&t->made, 0);
	arena_write_once(&t->heap, heap);
	if (heap && !arena_read_once(&t->heap))
		return -EFAULT;
	return __arena_xa_heap(t) ? 0 : -EINVAL;
}

/* Clears a bit, if it is set */
static __always_inline void __arena_xa_clear(struct arena_xa_node __arena *n, __u32 which,
					     __u64 bit)
{
	__u64 word = arena_read_once(&n->bits[which]);

	if (word & bit)
		arena_write_once(&n->bits[which], word & ~bit);
}

static __always_inline void __arena_xa_set(struct arena_xa_node __arena *n, __u32 which, __u64 bit)
{
	__u64 word = arena_read_once(&n->bits[which]);

	if (!(word & bit))
		arena_write_once(&n->bits[which], word | bit);
}

/* The entry in a leaf loses mark @which - 1, if it has it. Then "unmarked" says so. */
static __always_inline void __arena_xa_unmark(struct arena_xa __arena *t,
					      struct arena_xa_node __arena *n, __u32 which,
					      __u64 bit)
{
	__u64 word = arena_read_once(&n->bits[which]), unmarked = arena_read_once(&t->unmarked);

	if (!(word & bit))
		return;
	/* odd, so that whoever comes after one that died here makes it even */
	arena_write_once(&t->unmarked, unmarked | 1);
	arena_store_release(&n->bits[which], word & ~bit);
	arena_store_release(&t->unmarked, (unmarked | 1) + 1);
	arena_wmb();
}

/* @n is unlinked, and has nothing but, in slot 0, what is above the next root. */
static __always_inline void __arena_xa_retire(struct arena_xa __arena *t,
					      struct arena_xa_node __arena *n)
{
	__u32 i;

	arena_store_release(&t->reused, arena_read_once(&t->reused) + 1);
	arena_wmb();
	for (i = 0; i <= ARENA_XA_MARKS; i++)
		arena_write_once(&n->bits[i], 0);
	arena_write_once(&n->slot[0], 0);
	arena_write_once(&n->next_free, arena_read_once(&t->free));
	arena_store_release(&t->free, arena_low(n));
}

/* An empty node below @parent: low half of its address, or 0 */
__arena_large __u32 __arena_xa_make(__arg_arena struct arena_xa __arena *t, __u32 parent)
{
	struct arena_heap __arena *heap;
	struct arena_xa_node __arena *n;
	__u32 low = arena_read_once(&t->free);

	n = __arena_xa_at(low);
	if (low && n) {
		arena_write_once(&t->free, arena_read_once(&n->next_free));
	} else {
		heap = __arena_xa_heap(t);
		if (!heap)
			return 0;
		n = (struct arena_xa_node __arena *)arena_calloc(heap, 1, sizeof(*n));
		if (!n)
			return 0;
		low = arena_low(n);
		arena_write_once(&n->next_made, arena_read_once(&t->made));
		arena_store_release(&t->made, low);
	}
	arena_write_once(&n->parent, parent);
	return low;
}

/* The root has one child, in slot 0: that becomes the root. */
static __always_inline void __arena_xa_shrink(struct arena_xa __arena *t)
{
	struct arena_xa_node __arena *n;
	__u32 i, low, shift;
	__u64 root;

	for (i = 0; i < ARENA_XA_LEVELS; i++) {
		root = arena_read_once(&t->root);
		shift = root >> 32;
		n = __arena_xa_at((__u32)root);
		if (!(__u32)root || !n || !shift || arena_read_once(&n->bits[0]) != 1)
			return;
		low = arena_read_once(&n->slot[0]);
		if (!low)
			return;
		arena_store_release(&t->root, (__u64)(shift - 6) << 32 | low);
		__arena_xa_retire(t, n);
	}
}

/* The bits for @n in @p, at @off, say what @n has. Unlinks and retires @n if it is empty. */
static __always_inline void __arena_xa_sum_up(struct arena_xa __arena *t,
					      struct arena_xa_node __arena *p,
					      struct arena_xa_node __arena *n, __u32 off)
{
	__u64 bit = 1ULL << off;
	__u32 which;

	for (which = 1; which <= ARENA_XA_MARKS; which++)
		if (!arena_read_once(&n->bits[which]))
			__arena_xa_clear(p, which, bit);
	if (arena_read_once(&n->bits[0]))
		return;
	arena_write_once(&p->slot[off], 0);
	arena_wmb();
	__arena_xa_clear(p, 0, bit);
	__arena_xa_retire(t, n);
}

/* Nothing is at @off of @n */
static __always_inline void __arena_xa_sweep(struct arena_xa __arena *t,
					     struct arena_xa_node __arena *n, __u32 shift,
					     __u32 off)
{
	__u64 bit = 1ULL << off;
	__u32 which;

	if (arena_read_once(&n->slot[off]))
		return;
	for (which = 1; which <= ARENA_XA_MARKS; which++) {
		if (shift)
			__arena_xa_clear(n, which, bit);
		else
			__arena_xa_unmark(t, n, which, bit);
	}
	__arena_xa_clear(n, 0, bit);
}

/* The lowest node for @index: 6 * level << 32 | link, or 0 */
__arena_large __u64 __arena_xa_lowest(__arg_arena struct arena_xa __arena *t, __u64 index)
{
	__u64 root = arena_read_once(&t->root), low = (__u32)root, next;
	__u32 i, shift = root >> 32;
	struct arena_xa_node __arena *n;

	if (!low || shift > ARENA_XA_TOP || index > __arena_xa_span(shift))
		return 0;
	for (i = 0; i < ARENA_XA_LEVELS; i++) {
		n = __arena_xa_at(low);
		if (!n)
			return 0;
		if (!shift)
			break;
		next = (__u32)arena_read_once(&n->slot[index >> shift & 63]);
		if (!next)
			break;
		low = next;
		shift = (shift - 6) & 63;
	}
	return (__u64)shift << 32 | low;
}

/* Makes all that is above @index fit to what is there. 0; -EUCLEAN: this is no tree */
__arena_large int __arena_xa_tidy(__arg_arena struct arena_xa __arena *t, __u64 index)
{
	__u64 lowest = __arena_xa_lowest(t, index);
	struct arena_xa_node __arena *n, *p;
	__u32 i, off, shift = lowest >> 32, low = lowest;

	n = __arena_xa_at(low);
	if (!low || !n)
		goto shrink;
	__arena_xa_sweep(t, n, shift, index >> (shift & 63) & 63);
	for (i = 0; i < ARENA_XA_LEVELS; i++) {
		if (low == (__u32)arena_read_once(&t->root)) {
			if (!arena_read_once(&n->bits[0])) {
				arena_store_release(&t->root, 0);
				__arena_xa_retire(t, n);
			}
			goto shrink;
		}
		shift = (shift + 6) & 63;
		off = index >> shift & 63;
		low = arena_read_once(&n->parent);
		p = __arena_xa_at(low);
		if (!low || !p || (__u32)arena_read_once(&p->slot[off]) != arena_low(n))
			return -EUCLEAN;
		__arena_xa_sum_up(t, p, n, off);
		n = p;
	}
	return -EUCLEAN;
shrink:
	__arena_xa_shrink(t);
	return 0;
}

/*
 * The last writer died as an entry lost a mark: whoever has seen the mark must not take what is
 * stored now for that entry.
 */
static __always_inline void __arena_xa_unmarked(struct arena_xa __arena *t)
{
	__u64 unmarked = arena_read_once(&t->unmarked);

	if (unmarked & 1)
		arena_store_release(&t->unmarked, unmarked + 1);
}

/* Completes what the last writer, who died, was at, and notes what this one is at */
static __always_inline void __arena_xa_begin(struct arena_xa __arena *t, __u64 index)
{
	__arena_xa_unmarked(t);
	if (arena_read_once(&t->busy))
		__arena_xa_tidy(t, arena_read_once(&t->index));
	arena_write_once(&t->index, index);
	arena_store_release(&t->busy, 1);
	arena_wmb();
}

static __always_inline int __arena_xa_end(struct arena_xa __arena *t, int err)
{
	arena_store_release(&t->busy, 0);
	return err;
}

/* A root above the one that there is, or the first one, at once as high as it needs to be */
static __always_inline int __arena_xa_grow(struct arena_xa __arena *t, __u64 root, __u64 index)
{
	struct arena_xa_node __arena *n, *old = __arena_xa_at((__u32)root);
	__u32 i, low, shift = (63 - __builtin_clzll(index | 1)) / 6 * 6;
	__u64 word;

	if ((__u32)root && !old)
		return -EUCLEAN;
	low = __arena_xa_make(t, 0);
	n = __arena_xa_at(low);
	if (!low || !n)
		return -ENOMEM;
	if ((__u32)root) {
		for (i = 0; i <= ARENA_XA_MARKS; i++) {
			word = arena_read_once(&old->bits[i]);
			/* 1 if there is any, without a branch */
			arena_write_once(&n->bits[i], (word | -word) >> 63);
		}
		arena_write_once(&n->slot[0], (__u32)root);
		arena_write_once(&old->parent, low);
		shift = (root >> 32) + 6;
	}
	arena_store_release(&t->root, (__u64)shift << 32 | low);
	return 0;
}

/* The leaf for @index, made if need be: low half of its address, or an error */
static __always_inline __s64 __arena_xa_reach(struct arena_xa __arena *t, __u64 index)
{
	struct arena_xa_node __arena *n;
	__u32 i, off, low, next, shift;
	__u64 root;
	int err;

	for (i = 0; i <= ARENA_XA_LEVELS; i++) {
		root = arena_read_once(&t->root);
		shift = root >> 32;
		if (shift > ARENA_XA_TOP)
			return -EUCLEAN;
		if ((__u32)root && index <= __arena_xa_span(shift))
			break;
		err = __arena_xa_grow(t, root, index);
		if (err)
			return err;
	}
	low = root;
	for (i = 0; i < ARENA_XA_LEVELS; i++) {
		n = __arena_xa_at(low);
		if (!low || !n)
			return -EUCLEAN;
		if (!shift)
			return low;
		off = index >> shift & 63;
		next = arena_read_once(&n->slot[off]);
		if (!next) {
			next = __arena_xa_make(t, low);
			if (!next)
				return -ENOMEM;
			__arena_xa_set(n, 0, 1ULL << off);
			arena_store_release(&n->slot[off], next);
		}
		low = next;
		shift = (shift - 6) & 63;
	}
	return -EUCLEAN;
}

/* An entry where there is none */
__arena_large int __arena_xa_insert(__arg_arena struct arena_xa __arena *t, __u64 index,
				    __u64 value)
{
	struct arena_xa_node __arena *n;
	__u64 bit = 1ULL << (index & 63);
	__u32 which;
	__s64 low;

	if (!__arena_xa_heap(t))
		return -EUCLEAN;
	__arena_xa_begin(t, index);
	low = __arena_xa_reach(t, index);
	if (low < 0) {
		__arena_xa_tidy(t, index);
		return __arena_xa_end(t, low);
	}
	n = __arena_xa_at(low);
	if (!n)
		return __arena_xa_end(t, -EUCLEAN);
	/* of an entry that somebody has scribbled over */
	for (which = 1; which <= ARENA_XA_MARKS; which++)
		__arena_xa_unmark(t, n, which, bit);
	__arena_xa_set(n, 0, bit);
	arena_store_release(&n->slot[index & 63], value);
	return __arena_xa_end(t, arena_read_once(&n->slot[index & 63]) == value ? 0 : -EFAULT);
}

/**
 * arena_xa_erase() - take an entry out
 * @t: the array
 * @index: its index
 *
 * It loses its marks. Nodes that become empty are kept for this array.
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -ENOENT: there is none; -EUCLEAN: the array is damaged, the entry may be gone; -EFAULT, in a process: @t is
 * not in the arena.
 */
__arena_large int arena_xa_erase(__arg_arena struct arena_xa __arena *t, __u64 index)
{
	__u64 __arena *slot;
	int err;

	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	slot = __arena_xa_slot(t, index, &err);
	if (!slot)
		return err;
	__arena_xa_begin(t, index);
	arena_write_once(slot, 0);
	arena_wmb();
	return __arena_xa_end(t, __arena_xa_tidy(t, index));
}

/**
 * arena_xa_store() - set the entry at an index
 * @t: the array
 * @index: the index
 * @value: the entry; 0: as arena_xa_erase(), and it is no error if there is none
 *
 * An entry that replaces another one has that one's marks. Else it has none.
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -ENOMEM: the heap is empty, or a program's time ended in it; -EUCLEAN: the array is
 * damaged, or none; -EFAULT: a page is not there, or in a process: @t is not in the arena. On an
 * error the entry is as it was, but for 0 and -EUCLEAN: it may be gone.
 */
__arena_large int arena_xa_store(__arg_arena struct arena_xa __arena *t, __u64 index, __u64 value)
{
	__u64 __arena *slot;
	int err;

	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	if (!value) {
		err = arena_xa_erase(t, index);
		return err == -ENOENT ? 0 : err;
	}
	slot = __arena_xa_slot(t, index, &err);
	if (!slot)
		return err == -ENOENT ? __arena_xa_insert(t, index, value) : err;
	__arena_xa_unmarked(t);
	arena_store_release(slot, value);
	return 0;
}

/* The leaf of an entry that is there: low half of its address, or an error */
__arena_large __s64 __arena_xa_leaf(__arg_arena struct arena_xa __arena *t, __u64 index, __u32 mark)
{
	__u64 __arena *slot;
	int err;

	if (mark >= ARENA_XA_MARKS)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	slot = __arena_xa_slot(t, index, &err);
	if (!slot)
		return err;
	return (__u32)(arena_low(slot) - __builtin_offsetof(struct arena_xa_node, slot) -
		       (index & 63) * 8);
}

/**
 * arena_xa_set_mark() - mark an entry
 * @t: the array
 * @index: its index
 * @mark: 0 to ARENA_XA_MARKS - 1
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0, also if it had the mark; -ENOENT: there is no entry; -EINVAL: there is no such mark;
 * -EUCLEAN: the array is damaged; -EFAULT, in a process: @t is not in the arena.
 */
__arena_large int arena_xa_set_mark(__arg_arena struct arena_xa __arena *t, __u64 index, __u32 mark)
{
	__s64 leaf = __arena_xa_leaf(t, index, mark);
	struct arena_xa_node __arena *n;
	__u32 i, off, shift, low;
	__u64 root;

	if (leaf < 0)
		return leaf;
	__arena_xa_begin(t, index);
	root = arena_read_once(&t->root);
	shift = root >> 32 & 63;
	low = root;
	/* from the root down: a bit in the leaf has all those above it */
	for (i = 0; i < ARENA_XA_LEVELS; i++) {
		n = __arena_xa_at(low);
		if (!low || !n)
			break;
		off = index >> shift & 63;
		__arena_xa_set(n, (mark + 1) & 3, 1ULL << off);
		arena_wmb();
		if (!shift)
			return __arena_xa_end(t, 0);
		low = arena_read_once(&n->slot[off]);
		shift = (shift - 6) & 63;
	}
	return __arena_xa_end(t, -EUCLEAN);
}

/**
 * arena_xa_clear_mark() - take a mark off an entry
 * @t: the array
 * @index: its index
 * @mark: 0 to ARENA_XA_MARKS - 1
 *
 * Context: any, both sides; one writer at a time.
 * Return: as arena_xa_set_mark(); 0, also if it did not have the mark.
 */
__arena_large int arena_xa_clear_mark(__arg_arena struct arena_xa __arena *t, __u64 index,
				      __u32 mark)
{
	__s64 leaf = __arena_xa_leaf(t, index, mark);
	struct arena_xa_node __arena *n;

	if (leaf < 0)
		return leaf;
	n = __arena_xa_at(leaf);
	if (!n)
		return -EUCLEAN;
	__arena_xa_begin(t, index);
	__arena_xa_unmark(t, n, (mark + 1) & 3, 1ULL << (index & 63));
	return __arena_xa_end(t, __arena_xa_tidy(t, index));
}

/**
 * arena_xa_get_mark() - has an entry a mark?
 * @t: the array
 * @index: its index
 * @mark: 0 to ARENA_XA_MARKS - 1
 *
 * Context: any, both sides. Never waits.
 * Return: 1 or 0; an error of arena_xa_find_marked(), but for -ENOENT.
 */
static __always_inline int arena_xa_get_mark(struct arena_xa __arena *t, __u64 index, __u32 mark)
{
	struct arena_xa_entry e = { .index = index };
	int err;

	if (mark >= ARENA_XA_MARKS)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	err = __arena_xa_step(t, &e, mark + 1);
	if (err == -EAGAIN)
		err = arena_xa_find_marked(t, &e, index, mark);
	if (!err)
		return e.index == index;
	return err == -ENOENT || err == __ARENA_XA_MORE ? 0 : err;
}

/**
 * arena_xa_store_range() - set all entries of a range
 * @t: the array
 * @first: the first index
 * @last: the last one, at most ARENA_XA_RANGE - 1 more
 * @value: the entry, for each
 *
 * One after the other, upwards: readers see some of them changed and others not yet.
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -EINVAL: @last is before @first, or too far; -EAGAIN: a program's time is over; an
 * error of arena_xa_store(). Entries up to some index have changed then.
 */
__arena_large int arena_xa_store_range(__arg_arena struct arena_xa __arena *t, __u64 first,
				       __u64 last, __u64 value)
{
	__u32 i;
	int err;

	if (last < first || last - first >= ARENA_XA_RANGE)
		return -EINVAL;
	arena_rounds(i, ARENA_XA_RANGE) {
		err = arena_xa_store(t, first + i, value);
		if (err)
			return err;
		if (first + i == last)
			return 0;
	}
	return -EAGAIN;
}

/**
 * arena_xa_erase_range() - take all entries of a range out
 * @t: the array
 * @first: the first index
 * @last: the last one
 *
 * One after the other, upwards, at most ARENA_XA_RANGE of them.
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -EAGAIN: there may be more, call it again; an error of arena_xa_find(), but for
 * -ENOENT, or of arena_xa_erase().
 */
__arena_large int arena_xa_erase_range(__arg_arena struct arena_xa __arena *t, __u64 first,
				       __u64 last)
{
	struct arena_xa_entry e = { .index = first };
	__u32 i;
	int err;

	arena_rounds(i, ARENA_XA_RANGE) {
		err = arena_xa_find(t, &e, last);
		if (err)
			return err == -ENOENT ? 0 : err;
		err = arena_xa_erase(t, e.index);
		if (err)
			return err;
	}
	return -EAGAIN;
}

/**
 * arena_xa_destroy() - give back all memory of an array
 * @t: the array, which nobody uses any more; it is empty, and can be used again, afterwards
 *
 * Context: any, both sides; a round for each node. A program whose time is over calls it again.
 * Return: 0; -EAGAIN; -EUCLEAN: a part of the memory is lost; -EFAULT, in a process: @t is not in
 * the arena.
 */
__arena_large int arena_xa_destroy(__arg_arena struct arena_xa __arena *t)
{
	struct arena_heap __arena *heap;
	struct arena_xa_node __arena *n;
	__u32 i, low;

	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	heap = __arena_xa_heap(t);
	if (!heap)
		return -EUCLEAN;
	arena_write_once(&t->root, 0);
	arena_write_once(&t->free, 0);
	arena_write_once(&t->busy, 0);
	/* an arena has no room for more nodes */
	arena_rounds(i, 1 << 23) {
		low = arena_read_once(&t->made);
		if (!low)
			return 0;
		n = __arena_xa_at(low);
		if (!n)
			return -EUCLEAN;
		arena_write_once(&t->made, arena_read_once(&n->next_made));
		if (arena_free(heap, (struct arena_xa_node __arena *)arena_at((__u64)low)))
			return -EUCLEAN;
	}
	return -EAGAIN;
}

#endif /* __BPF_ARENA_XARRAY_H__ */
