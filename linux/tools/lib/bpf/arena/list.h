/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_LIST_H__
#define __BPF_ARENA_LIST_H__

/*
 * Doubly linked lists. The links lie in the elements, as in the kernel's <linux/list.h>:
 *
 *	struct job {
 *		struct arena_list link;
 *		int number;
 *	};
 *
 *	head <-> job.link <-> job.link <-> head
 *
 * One writer at a time: lock.h. Readers may walk forward while somebody writes: an element
 * is complete before it is linked, and next pointers of one that was unlinked stay. Then
 * a reader that met one which is reused meanwhile may leave the list; seq.h tells it, and
 * epoch.h prevents it.
 *
 * The contents may be anything. A function that changes a list looks at the neighbours
 * first, and stores nothing unless they point back: -EUCLEAN. A walk ends after the number of
 * rounds that the caller states, wherever it is; arena_list_done() tells an end from a
 * break:
 *
 *	struct arena_list __arena *pos;
 *	__u32 i;
 *
 *	arena_list_for_each(pos, head, i, MAX_JOBS)
 *		sum += arena_container_of(pos, struct job, link)->number;
 *	if (!arena_list_done(pos, head))
 *		return -EUCLEAN;
 *
 * In a process pos is in the arena in the body of a walk, with all of struct arena_list. If
 * the element around it reaches further, and the other side is not trusted, the body
 * asks arena_ok(element, sizeof(*element)).
 */

#include "common.h"

struct arena_list {
	struct arena_list __arena *next;
	struct arena_list __arena *prev;
};

/**
 * arena_list_init() - make an empty list, or an element that is in none
 * @head: the list
 *
 * Memory that is all zeroes is no list yet: arena_list_add() says -EUCLEAN.
 *
 * Context: any, both sides; nobody else uses it.
 */
static __always_inline void arena_list_init(struct arena_list __arena *head)
{
	arena_write_once(&head->prev, head);
	arena_write_once(&head->next, head);
}

/**
 * arena_list_empty() - has the list no element?
 * @head: the list
 *
 * Context: any, both sides.
 * Return: true or false.
 */
static __always_inline int arena_list_empty(const struct arena_list __arena *head)
{
	return arena_read_once(&head->next) == head;
}

static __always_inline int __arena_list_insert(struct arena_list __arena *n,
					       struct arena_list __arena *prev,
					       struct arena_list __arena *next)
{
	if (!arena_ok(n, sizeof(*n)) || !arena_ok(prev, sizeof(*n)) ||
	    !arena_ok(next, sizeof(*n)))
		return -EFAULT;
	if (arena_read_once(&prev->next) != next || arena_read_once(&next->prev) != prev)
		return -EUCLEAN;
	arena_write_once(&n->next, next);
	arena_write_once(&n->prev, prev);
	arena_store_release(&prev->next, n);
	arena_write_once(&next->prev, n);
	return 0;
}

/**
 * arena_list_add() - put an element at the beginning
 * @n: the element, in no list
 * @head: the list, or the element after which it goes
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -EUCLEAN; -EFAULT.
 */
static __always_inline int arena_list_add(struct arena_list __arena *n,
					  struct arena_list __arena *head)
{
	if (!arena_ok(head, sizeof(*head)))
		return -EFAULT;
	return __arena_list_insert(n, head, arena_read_once(&head->next));
}

/**
 * arena_list_add_tail() - put an element at the end
 * @n: the element, in no list
 * @head: the list, or the element before which it goes
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -EUCLEAN; -EFAULT.
 */
static __always_inline int arena_list_add_tail(struct arena_list __arena *n,
					       struct arena_list __arena *head)
{
	if (!arena_ok(head, sizeof(*head)))
		return -EFAULT;
	return __arena_list_insert(n, arena_read_once(&head->prev), head);
}

/**
 * arena_list_del() - take an element out of its list
 * @n: the element
 *
 * Its next pointer stays, for readers that are at it; its prev pointer is NULL, so that a
 * second arena_list_del() fails.
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -EUCLEAN if @n is not in a list, or if its neighbours do not know it; -EFAULT.
 */
static __always_inline int arena_list_del(struct arena_list __arena *n)
{
	struct arena_list __arena *next, *prev;

	if (!arena_ok(n, sizeof(*n)))
		return -EFAULT;
	next = arena_read_once(&n->next);
	prev = arena_read_once(&n->prev);
	if (!prev)
		return -EUCLEAN;
	if (!arena_ok(next, sizeof(*n)) || !arena_ok(prev, sizeof(*n)))
		return -EFAULT;
	if (arena_read_once(&next->prev) != n || arena_read_once(&prev->next) != n)
		return -EUCLEAN;
	arena_store_release(&prev->next, next);
	arena_write_once(&next->prev, prev);
	arena_write_once(&n->prev, (struct arena_list __arena *)NULL);
	return 0;
}

/**
 * arena_list_move() - take an element out, and put it at the beginning of a list
 * @n: the element
 * @head: the list, which may be the one it is in
 *
 * If @head turns out to be damaged after @n was taken out, @n is in no list.
 *
 * Context: any, both sides; one writer at a time.
 * Return: 0; -EUCLEAN; -EFAULT.
 */
static __always_inline int arena_list_move(struct arena_list __arena *n,
					   struct arena_list __arena *head)
{
	int err = arena_list_del(n);

	return err ? err : arena_list_add(n, head);
}

/* pos is neither the end nor anything that cannot be followed */
#define __arena_list_at(pos, head)					\
	((pos) != (head) && (pos) && arena_ok(pos, sizeof(*(head))))

/**
 * arena_list_for_each() - head of a loop over a list
 * @pos: a struct arena_list __arena \*, the element's link
 * @head: the list
 * @i: a __u32, counts the rounds
 * @max: number of rounds, more than the list has elements
 *
 * The body must not take @pos out: arena_list_for_each_safe().
 */
#define arena_list_for_each(pos, head, i, max)				\
	for ((i) = arena_zero(), (pos) = arena_load_acquire(&(head)->next); \
	     __arena_list_at(pos, head) && (i) < (max) && can_loop;	\
	     (i)++, (pos) = arena_load_acquire(&(pos)->next))

/**
 * arena_list_for_each_safe() - as arena_list_for_each(); the body may take @pos out
 * @pos: a struct arena_list __arena \*, the element's link
 * @after: another one, the next element's
 * @head: the list
 * @i: a __u32, counts the rounds
 * @max: number of rounds, more than the list has elements
 */
#define arena_list_for_each_safe(pos, after, head, i, max)		\
	for ((i) = arena_zero(), (pos) = arena_load_acquire(&(head)->next); \
	     __arena_list_at(pos, head) && (i) < (max) && can_loop &&	\
	     ((after) = arena_load_acquire(&(pos)->next), 1);		\
	     (i)++, (pos) = (after))

/**
 * arena_list_done() - has a walk seen all of the list?
 * @pos: where it has ended
 * @head: the list
 */
#define arena_list_done(pos, head) ((pos) == (head))

/**
 * arena_list_check() - does the list hang together?
 * @head: the list
 * @max: more than it has elements
 *
 * Context: any, both sides; no writer.
 * Return: the number of elements; -EUCLEAN: a pointer leads elsewhere, a neighbour does not
 * point back, there are @max elements or more, or the program's time was over.
 */
static inline int arena_list_check(struct arena_list __arena *head, __u32 max)
{
	struct arena_list __arena *pos, *before = head;
	__u32 i;

	arena_list_for_each(pos, head, i, max) {
		if (arena_read_once(&pos->prev) != before)
			return -EUCLEAN;
		before = pos;
	}
	if (!arena_list_done(pos, head) || arena_read_once(&head->prev) != before)
		return -EUCLEAN;
	return i;
}

#endif /* __BPF_ARENA_LIST_H__ */
