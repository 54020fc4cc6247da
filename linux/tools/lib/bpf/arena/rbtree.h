/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_RBTREE_H__
#define __BPF_ARENA_RBTREE_H__

/*
 * A red-black tree, whose readers are on both sides and wait for nobody. The nodes lie in the
 * elements, and are sorted by a number of 64 bits. Elements with equal keys are sorted by
 * their addresses, so no two are equal.
 *
 *	struct flow {
 *		__u64 bytes, packets;
 *		struct arena_rb_node node;
 *	};
 *
 *	f->node.key = f->bytes;				the writer, with its lock
 *	err = arena_rb_insert(&tree, &f->node);
 *
 *	struct arena_rb_cursor c = { .key = from };	any reader
 *	struct flow copy;
 *
 *	while (!(err = arena_rb_next(&tree, &c, &copy, node)) && c.key < to)
 *		...
 *
 * All zeroes is an empty tree. There is one writer at a time: one thread or program, or whoever
 * holds a lock (lock.h). Readers copy, and then look at the tree's sequence counter (seq.h): a
 * copy is an element that was in the tree at one moment, whole. So what readers copy must not
 * change while it is in the tree, but for single words that stand for themselves: take the
 * element out, change it, put it in again. Its memory stays readable (alloc.h), or is
 * given back when no reader can be at it (epoch.h).
 *
 * A walk has no place in the tree that could go away. Its cursor is the key and the address of the
 * last element, and the next one is looked up from the root: whatever others do meanwhile, a walk
 * goes in one direction, and sees each element once that is in the tree all the time. One that is
 * taken out and put in with another key may be seen twice, or not at all.
 *
 * Writers go down from the root once, and repair what they pass, so that nothing has to be done on
 * the way up: no pointer to the parent, no stack. Each step takes one valid tree to another:
 *
 *	insert	splits:	a black node with two red children becomes a red one with two black ones,
 *			so there is room for a red leaf; if its parent is red, a rotation
 *	erase	fills:	the node where it goes down is red or becomes so, by its sibling's colour or
 *			by a rotation, so that the leaf which is taken out is red
 *
 * A writer whose time is over stops between two steps: the tree is valid, and has the elements that
 * it had. One that dies stops within a step. Each word is noted before it is changed (undo), and
 * the next writer finds the counter odd and puts back what has been noted. So -EOWNERDEAD of a
 * lock needs no repair; until there is a next writer, readers get -EAGAIN, and the element that the
 * dead one was putting in may not be reused.
 *
 *	seq odd		note &g->child[0], g->child[0]	change it	... notes = 0	seq even
 *			`------------------- a step -------------------------------'
 *
 * Hostile contents: no tree is deeper than 56, for an arena has no room for more elements, so a
 * descent ends after 64 nodes: -EUCLEAN. So is, in a process, a pointer that is not aligned or
 * leads out of the arena. A process that keeps inserting elements ahead of a walk prolongs it
 * for ever: give each walk a bound.
 */

#include "common.h"
#include "seq.h"

/* 2 * log2(4 GiB / 24 bytes) and some */
#define ARENA_RB_DEPTH 64
/* Words that a step changes: at most 2 rotations of 5, 5 colours and the number of elements */
#define ARENA_RB_UNDO  20

struct arena_rb_node {
	__u64 key;
	__u32 child[2];		/* low halves of addresses: what is before this one, and after it */
	__u32 red;
	__u32 pad;
};

struct arena_rb {
	struct arena_seq seq;
	struct arena_rb_node head;	/* child[1] is the root */
	__u32 count;
	__u32 notes;
	struct {
		__u32 where, was;
	} undo[ARENA_RB_UNDO];
};

/* Where a walk is: before any element with this key if @low is 0, else at that one */
struct arena_rb_cursor {
	__u64 key;
	__u64 low;
};

/* What is at @low, or NULL */
static __always_inline struct arena_rb_node __arena *__arena_rb_at(__u32 low)
{
	struct arena_rb_node __arena *n = (struct arena_rb_node __arena *)arena_at((__u64)low);

	return n && arena_ok(n, sizeof(*n)) ? n : NULL;
}

static __always_inline struct arena_rb_node __arena *
__arena_rb_child(struct arena_rb_node __arena *n, __u32 side)
{
	return __arena_rb_at(arena_read_once(&n->child[side & 1]));
}

static __always_inline int __arena_rb_red(struct arena_rb_node __arena *n)
{
	return n && arena_read_once(&n->red);
}

/* Is @a < @b? 0 or 1, without a branch: to the verifier that would be two ways on. */
static __always_inline __u32 __arena_rb_less(__u64 a, __u64 b)
{
	return ((~a & b) | ((~a | b) & (a - b))) >> 63;
}

/* Is @n before key and address? 0 or 1 */
static __always_inline __u32 __arena_rb_before(struct arena_rb_node __arena *n, __u64 key,
					       __u64 low)
{
	__u64 k = arena_read_once(&n->key);

	return __arena_rb_less(k, key) |
	       (__arena_rb_less(arena_low(n), low) & (__arena_rb_less(key, k) ^ 1));
}

/*
 * The first element after @key and @low, or with @down the last one before: low half of its
 * address, 0, or an error. What it returns is as good as what it has read: arena_seq_valid().
 */
__arena_large __s64 __arena_rb_seek(__arg_arena struct arena_rb __arena *t, __u64 key, __u32 low,
				    __u32 down)
{
	struct arena_rb_node __arena *n;
	__u32 i, at = arena_load_acquire(&t->head.child[1]), found = 0, side;
	__u64 k;

	arena_rounds(i, ARENA_RB_DEPTH) {
		if (!at)
			return found;
		n = (struct arena_rb_node __arena *)arena_at((__u64)at);
		if (!arena_ok(n, sizeof(*n)))
			return -EUCLEAN;
		k = arena_read_once(&n->key);
		/* to the side where what is looked for would be; upwards, it is after @low */
		side = k < key;
		if (k == key)
			side = at < (__u64)low + !down;
		if (side == down)
			found = at;
		at = arena_read_once(&n->child[side]);
	}
	return i < ARENA_RB_DEPTH ? -EAGAIN : -EUCLEAN;
}

/* Elements are copied as words, whatever their members are */
typedef __u64 __attribute__((__may_alias__)) __arena_rb_word;

/* Copies the next element, and moves the cursor there */
static __always_inline int __arena_rb_read(struct arena_rb __arena *t, struct arena_rb_cursor *c,
					   __u32 down, __arena_rb_word *copy, __u32 offset,
					   __u32 size)
{
	struct arena_rb_node __arena *n;
	__arena_rb_word __arena *from;
	__u64 seq, key, last;
	__u32 i, j;
	__s64 low;

	if (!arena_ok(t, sizeof(*t)))
		return -EFAULT;
	arena_seq_read(&t->seq, seq, i) {
		/* one that has interrupted the writer would go down in vain, again and again */
		if (seq & 1)
			continue;
		low = __arena_rb_seek(t, c->key, c->low, down);
		n = (struct arena_rb_node __arena *)arena_at(low < 0 ? 0 : (__u64)low);
		key = 0;
		if (n) {
			from = (__arena_rb_word __arena *)((char __arena *)n - offset);
			if (arena_ok(from, size)) {
				for (j = 0; j < size / 8; j++)
					copy[j] = arena_read_once(&from[j]);
				key = copy[offset / 8];
			} else {
				low = -EUCLEAN;
			}
		}
		if (!arena_seq_valid(&t->seq, seq))
			continue;
		if (low <= 0)
			return low ? low : -ENOENT;
		/* hostile: the key was another one when it was looked for */
		last = c->key;
		if (down ? key > last || (key == last && (__u64)low >= c->low) :
			   key < last || (key == last && (__u64)low <= c->low))
			return -EUCLEAN;
		c->key = key;
		c->low = low;
		return 0;
	}
	return -EAGAIN;
}

/**
 * arena_rb_next() - copy the next element of a walk upwards
 * @t: the tree
 * @c: a struct arena_rb_cursor \*: the walk begins with the first element whose key is at least
 *     @c->key, if @c->low is 0. It is moved if there is no error
 * @copy: gets all of the element, a pointer to its type
 * @node: the struct arena_rb_node in it
 *
 * Context: any, both sides. Never waits.
 * Return: 0; -ENOENT: there is none; -EAGAIN: writers came in between ARENA_SEQ_ROUNDS times, or
 * one died, or the caller has interrupted one, or a program's time is over; -EUCLEAN; -EFAULT,
 * in a process: @t is not in the arena. @copy may be anything on an error.
 */
#define arena_rb_next(t, c, copy, node)					\
	__arena_rb_read(t, c, 0, (__arena_rb_word *)(copy),		\
			__builtin_offsetof(__typeof__(*(copy)), node), sizeof(*(copy)))

/**
 * arena_rb_prev() - copy the next element of a walk downwards
 * @t: the tree
 * @c: the walk begins with the last element whose key is at most @c->key, if @c->low is ~0U
 * @copy: as arena_rb_next()
 * @node: as arena_rb_next()
 *
 * Context: any, both sides. Never waits.
 * Return: as arena_rb_next().
 */
#define arena_rb_prev(t, c, copy, node)					\
	__arena_rb_read(t, c, 1, (__arena_rb_word *)(copy),		\
			__builtin_offsetof(__typeof__(*(copy)), node), sizeof(*(copy)))

/**
 * arena_rb_find() - copy the first element with a key
 * @t: the tree
 * @k: the key
 * @copy: as arena_rb_next()
 * @node: as arena_rb_next()
 *
 * Context: any, both sides. Never waits.
 * Return: as arena_rb_next().
 */
#define arena_rb_find(t, k, copy, node)					\
	({								\
		struct arena_rb_cursor __at = { .key = (k) };		\
		__u64 __key = __at.key;					\
		int __err = arena_rb_next(t, &__at, copy, node);	\
									\
		__err ? __err : __at.key == __key ? 0 : -ENOENT;	\
	})

/**
 * arena_rb_count() - number of elements
 * @t: the tree
 *
 * Context: any, both sides.
 * Return: the number; 0, in a process: @t is not in the arena.
 */
static __always_inline __u32 arena_rb_count(struct arena_rb __arena *t)
{
	return arena_ok(t, sizeof(*t)) ? arena_read_once(&t->count) : 0;
}

/* The compiler's order is enough for what a thread finds that takes over from one that died */
#define __arena_rb_order() __asm__ volatile("" ::: "memory")

/* Changes a word, and notes what it was */
static __always_inline void __arena_rb_set(struct arena_rb __arena *t, __u32 __arena *p, __u32 v)
{
	__u32 n = arena_read_once(&t->notes);

	if (n >= ARENA_RB_UNDO)
		n = ARENA_RB_UNDO - 1;
	arena_write_once(&t->undo[n].where, arena_low(p));
	arena_write_once(&t->undo[n].was, arena_read_once(p));
	__arena_rb_order();
	arena_write_once(&t->notes, n + 1);
	__arena_rb_order();
	arena_write_once(p, v);
}

/* The step is done */
static __always_inline void __arena_rb_commit(struct arena_rb __arena *t)
{
	__arena_rb_order();
	arena_write_once(&t->notes, 0);
	__arena_rb_order();
}

/* The step is not done. No may_goto: a tree is never half of one for want of time. */
__arena_large int __arena_rb_undo(__arg_arena struct arena_rb __arena *t)
{
	__u32 __arena *p;
	__u32 i, n;

	for (i = 0; i < ARENA_RB_UNDO; i++) {
		n = arena_read_once(&t->notes);
		if (!n || n > ARENA_RB_UNDO)
			break;
		p = (__u32 __arena *)arena_at((__u64)arena_read_once(&t->undo[n - 1].where));
		if (p && arena_ok((char __arena *)((__u64)p & ~7ULL), 8) && !((__u64)p & 3))
			arena_write_once(p, arena_read_once(&t->undo[n - 1].was));
		__arena_rb_order();
		arena_write_once(&t->notes, n - 1);
		__arena_rb_order();
	}
	arena_write_once(&t->notes, 0);
	return 0;
}

/* An odd counter is that of a writer that died: the tree is as it was before its last step then */
static __always_inline int __arena_rb_begin(struct arena_rb __arena *t)
{
	arena_seq_write_begin(&t->seq);
	if (arena_read_once(&t->notes))
		__arena_rb_undo(t);
	return arena_read_once(&t->seq.count) & 1 ? 0 : -EFAULT;
}

static __always_inline int __arena_rb_end(struct arena_rb __arena *t, int err)
{
	if (err && arena_read_once(&t->notes))
		__arena_rb_undo(t);
	__arena_rb_commit(t);
	arena_seq_write_end(&t->seq);
	return err;
}

/*
 * @n goes down to @side and becomes red; its child on the other side comes up, to @n's place below
 * @up, and becomes black.
 *
 *	    n			  c
 *	   / \\			 / \\
 *	  c   3		->	1   n		to side 1
 *	 / \\			   / \\
 *	1   2			  2   3
 *
 * Return: low half of what came up; 0: this is no tree.
 */
__arena_large __u32 __arena_rb_rotate(__arg_arena struct arena_rb __arena *t,
				      __arg_arena struct arena_rb_node __arena *up,
				      __arg_arena struct arena_rb_node __arena *n, __u32 side)
{
	struct arena_rb_node __arena *c;
	__u32 which;

	side &= 1;
	if (!arena_ok(up, sizeof(*up)) || !arena_ok(n, sizeof(*n)))
		return 0;
	c = __arena_rb_child(n, !side);
	which = arena_read_once(&up->child[1]) == arena_low(n);
	if (!c || arena_read_once(&up->child[which]) != arena_low(n))
		return 0;
	__arena_rb_set(t, &n->child[!side], arena_read_once(&c->child[side]));
	__arena_rb_set(t, &c->child[side], arena_low(n));
	__arena_rb_set(t, &up->child[which], arena_low(c));
	__arena_rb_set(t, &c->red, 0);
	__arena_rb_set(t, &n->red, 1);
	return arena_low(c);
}

/* A step is done; the root is black. */
__arena_large int __arena_rb_step(__arg_arena struct arena_rb __arena *t)
{
	struct arena_rb_node __arena *root = __arena_rb_child(&t->head, 1);

	if (__arena_rb_red(root))
		__arena_rb_set(t, &root->red, 0);
	__arena_rb_commit(t);
	return 0;
}

/* Why a descent ended after @i rounds: a program's time is over, or this is no tree */
static __always_inline int __arena_rb_ended(__u32 i)
{
	return i < 2 * ARENA_RB_DEPTH ? -EAGAIN : -EUCLEAN;
}

/* Links @n, a red leaf */
__arena_large int __arena_rb_link(__arg_arena struct arena_rb __arena *t,
				  __arg_arena struct arena_rb_node __arena *p, __u32 side,
				  __arg_arena struct arena_rb_node __arena *n)
{
	if (!arena_ok(p, sizeof(*p)))
		return -EUCLEAN;
	arena_write_once(&n->child[0], 0);
	arena_write_once(&n->child[1], 0);
	arena_write_once(&n->red, 1);
	if (arena_read_once(&n->red) != 1)
		return -EFAULT;
	__arena_rb_set(t, &t->count, arena_read_once(&t->count) + 1);
	__arena_rb_set(t, &p->child[side & 1], arena_low(n));
	return 0;
}

/* A black node with two red children becomes a red one with two black ones */
__arena_large int __arena_rb_flip(__arg_arena struct arena_rb __arena *t,
				  __arg_arena struct arena_rb_node __arena *n)
{
	struct arena_rb_node __arena *a, *b;

	if (!arena_ok(n, sizeof(*n)))
		return -EUCLEAN;
	a = __arena_rb_child(n, 0);
	b = __arena_rb_child(n, 1);
	if (!__arena_rb_red(a) || !__arena_rb_red(b))
		return 0;
	__arena_rb_set(t, &a->red, 0);
	__arena_rb_set(t, &b->red, 0);
	__arena_rb_set(t, &n->red, 1);
	return 0;
}

/*
 * A red node below a red one, which is below @g: rotates @g. The lower one is below @p on @side, @p
 * is below @g on @last, both in @sides, and @g is below @top. What has come up, or an error
 */
__arena_large __s64 __arena_rb_fix(__arg_arena struct arena_rb __arena *t,
				   __arg_arena struct arena_rb_node __arena *top,
				   __arg_arena struct arena_rb_node __arena *g,
				   __arg_arena struct arena_rb_node __arena *p, __u32 sides)
{
	__u32 last = sides >> 1, side = sides & 1, up;

	if (last != side && !__arena_rb_rotate(t, g, p, last))
		return -EUCLEAN;
	up = __arena_rb_rotate(t, top, g, !last);
	return up ? (__s64)up : -EUCLEAN;
}

/**
 * arena_rb_insert() - put an element into the tree
 * @t: the tree
 * @n: the node in it, whose key is set; in no tree
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -EEXIST: it is in the tree; -EAGAIN: a program's time is over; -EUCLEAN: this is no
 * tree; -EINVAL: the lower half of @n is 0, or no multiple of 8; -EFAULT: a page is not there,
 * or in a process: not in the arena. On an error the tree has the elements that it had.
 */
__arena_large int arena_rb_insert(__arg_arena struct arena_rb __arena *t,
				  __arg_arena struct arena_rb_node __arena *n)
{
	/* from the root down; q is below p, on side, p is below g, on last */
	struct arena_rb_node __arena *top, *g, *p, *q;
	__u32 i, side, last, low = arena_low(n);
	__s64 up;
	__u64 key;
	int err;

	if (!low || low & 7)
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)) || !arena_ok(n, sizeof(*n)))
		return -EFAULT;
	err = __arena_rb_begin(t);
	if (err)
		return err;
	key = arena_read_once(&n->key);
	top = &t->head;
	g = top;
	p = top;
	side = 1 + arena_zero();
	last = side;
	arena_rounds(i, 2 * ARENA_RB_DEPTH) {
		q = __arena_rb_child(p, side);
		if (arena_low(q) == low)
			return __arena_rb_end(t, -EEXIST);
		if (!q && arena_read_once(&p->child[side & 1]))
			err = -EUCLEAN;
		else if (!q)
			err = __arena_rb_link(t, p, side, q = n);
		else if (__arena_rb_red(__arena_rb_child(q, 0)))
			__arena_rb_flip(t, q);
		if (err)
			return __arena_rb_end(t, err);
		up = 0;
		if (__arena_rb_red(q) && __arena_rb_red(p))
			up = __arena_rb_fix(t, top, g, p, last << 1 | side);
		if (up < 0)
			return __arena_rb_end(t, up);
		if (arena_read_once(&t->notes))
			__arena_rb_step(t);
		if (arena_low(q) == low)
			return __arena_rb_end(t, 0);
		/* after a rotation, on from what has come up, which is black */
		if (up) {
			g = top;
			p = __arena_rb_at(up);
		} else {
			top = g;
			g = p;
			p = q;
		}
		last = side;
		side = __arena_rb_before(p, key, low);
	}
	return __arena_rb_end(t, __arena_rb_ended(i));
}

/*
 * Neither @q, nor a child of it, is red: makes @q red. It is below @p, on side @last, and @p is
 * below @g. 0, or an error.
 */
__arena_large int __arena_rb_fill(__arg_arena struct arena_rb __arena *t,
				  __arg_arena struct arena_rb_node __arena *g,
				  __arg_arena struct arena_rb_node __arena *p,
				  __arg_arena struct arena_rb_node __arena *q, __u32 last)
{
	struct arena_rb_node __arena *s, *top, *a, *b;

	if (!arena_ok(p, sizeof(*p)) || !arena_ok(q, sizeof(*q)))
		return -EUCLEAN;
	s = __arena_rb_child(p, !last);
	if (!s)
		return 0;
	a = __arena_rb_child(s, last);
	b = __arena_rb_child(s, !last);
	if (!__arena_rb_red(a) && !__arena_rb_red(b)) {
		__arena_rb_set(t, &p->red, 0);
		__arena_rb_set(t, &s->red, 1);
		__arena_rb_set(t, &q->red, 1);
		return 0;
	}
	if (__arena_rb_red(a) && !__arena_rb_rotate(t, p, s, !last))
		return -EUCLEAN;
	top = __arena_rb_at(__arena_rb_rotate(t, g, p, last));
	if (!top)
		return -EUCLEAN;
	a = __arena_rb_child(top, 0);
	b = __arena_rb_child(top, 1);
	if (!a || !b)
		return -EUCLEAN;
	__arena_rb_set(t, &q->red, 1);
	__arena_rb_set(t, &top->red, 1);
	__arena_rb_set(t, &a->red, 0);
	__arena_rb_set(t, &b->red, 0);
	return 0;
}

/* The node whose child @n is, looked for from the root down: its low half, or an error */
__arena_large __s64 __arena_rb_parent(__arg_arena struct arena_rb __arena *t,
				      __arg_arena struct arena_rb_node __arena *n)
{
	struct arena_rb_node __arena *p = &t->head;
	__u32 i, low = arena_low(n), child, side = 1;
	__u64 key;

	if (!arena_ok(n, sizeof(*n)))
		return -EFAULT;
	key = arena_read_once(&n->key);
	arena_rounds(i, 2 * ARENA_RB_DEPTH) {
		child = arena_read_once(&p->child[side & 1]);
		if (child == low)
			return arena_low(p);
		p = __arena_rb_at(child);
		if (!p)
			return -ENOENT;
		side = __arena_rb_before(p, key, low);
	}
	return __arena_rb_ended(i);
}

/* Takes out @q, a leaf below @p, and puts it in the place of @n, which is below @up */
static __always_inline void __arena_rb_replace(struct arena_rb __arena *t,
					       struct arena_rb_node __arena *up,
					       struct arena_rb_node __arena *n,
					       struct arena_rb_node __arena *p,
					       struct arena_rb_node __arena *q)
{
	__u32 side = arena_read_once(&p->child[1]) == arena_low(q);

	__arena_rb_set(t, &p->child[side], 0);
	if (q != n) {
		side = arena_read_once(&up->child[1]) == arena_low(n);
		__arena_rb_set(t, &q->child[0], arena_read_once(&n->child[0]));
		__arena_rb_set(t, &q->child[1], arena_read_once(&n->child[1]));
		__arena_rb_set(t, &q->red, arena_read_once(&n->red));
		__arena_rb_set(t, &up->child[side], arena_low(q));
	}
	__arena_rb_set(t, &t->count, arena_read_once(&t->count) - 1);
}

/**
 * arena_rb_erase() - take an element out of the tree
 * @t: the tree
 * @n: the node in it
 *
 * Readers may be at the element's memory still.
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -ENOENT: it is not in the tree; -EAGAIN: a program's time is over; -EUCLEAN: this is
 * no tree; -EINVAL: the lower half of @n is 0; -EFAULT: a page is not there, or in a process: not
 * in the arena. On an error the tree has the elements that it had.
 */
__arena_large int arena_rb_erase(__arg_arena struct arena_rb __arena *t,
				 __arg_arena struct arena_rb_node __arena *n)
{
	struct arena_rb_node __arena *g, *p, *q, *next;
	__u32 i, side = 1, last, up;
	__u64 key;
	__s64 low;
	int err;

	/* the link of a leaf is 0, too */
	if (!arena_low(n))
		return -EINVAL;
	if (!arena_ok(t, sizeof(*t)) || !arena_ok(n, sizeof(*n)))
		return -EFAULT;
	err = __arena_rb_begin(t);
	if (err)
		return err;
	key = arena_read_once(&n->key);
	q = &t->head;
	p = q;
	arena_rounds(i, 2 * ARENA_RB_DEPTH) {
		next = __arena_rb_child(q, side);
		if (!next && arena_read_once(&q->child[side & 1]))
			return __arena_rb_end(t, -EUCLEAN);
		if (!next)
			goto leaf;
		last = side;
		g = p;
		p = q;
		q = next;
		side = __arena_rb_before(q, key, arena_low(n));
		if (__arena_rb_red(q) || __arena_rb_red(__arena_rb_child(q, side)))
			continue;
		if (__arena_rb_red(__arena_rb_child(q, !side))) {
			up = __arena_rb_rotate(t, p, q, side);
			err = up ? 0 : -EUCLEAN;
			p = __arena_rb_at(up);
		} else if (p != &t->head) {
			err = __arena_rb_fill(t, g, p, q, last);
		}
		if (err || !p)
			return __arena_rb_end(t, -EUCLEAN);
		if (arena_read_once(&t->notes))
			__arena_rb_step(t);
	}
	return __arena_rb_end(t, __arena_rb_ended(i));
leaf:
	/* rotations may have moved it; if it is in the tree at all */
	low = __arena_rb_parent(t, n);
	if (low < 0)
		return __arena_rb_end(t, low);
	next = __arena_rb_at(low);
	if (!next || q == &t->head)
		return __arena_rb_end(t, -EUCLEAN);
	__arena_rb_replace(t, next, n, p, q);
	__arena_rb_step(t);
	return __arena_rb_end(t, 0);
}

#endif /* __BPF_ARENA_RBTREE_H__ */
