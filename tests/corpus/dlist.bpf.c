// SPDX-License-Identifier: GPL-2.0
/* A circular list with a head, as the kernel has it */
#include "corpus.h"

struct link {
	struct link __arena *next, *prev;
};

struct task {
	u32 id;
	u32 priority;
	struct link link;
	u64 runtime;
};

struct link __arena_global ready, waiting;
u32 id, limit;
u64 total;

static void insert(struct link __arena *n, struct link __arena *prev, struct link __arena *next)
{
	next->prev = n;
	n->next = next;
	n->prev = prev;
	prev->next = n;
}

static void add_tail(struct link __arena *n, struct link __arena *list)
{
	insert(n, list->prev, list);
}

static void del(struct link __arena *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	n->next = NULL;
}

#define task_of(l) arena_container_of(l, struct task, link)

SEC("syscall")
int dlist_add(void *ctx)
{
	struct task __arena *t = new(struct task);

	if (!t)
		return 1;
	if (!ready.next) {
		ready.next = &ready;
		ready.prev = &ready;
	}
	t->id = id;
	t->runtime = bpf_ktime_get_ns();
	add_tail(&t->link, &ready);
	return 0;
}

/* A task goes where its priority belongs */
SEC("tc")
int dlist_requeue(void *ctx)
{
	struct link __arena *l, *pos;
	struct task __arena *t;

	for (l = ready.next; l != &ready && can_loop; l = l->next) {
		t = task_of(l);
		if (t->id == id)
			goto found;
	}
	return 1;
found:
	del(&t->link);
	for (pos = ready.next; pos != &ready && can_loop; pos = pos->next)
		if (task_of(pos)->priority < t->priority)
			break;
	insert(&t->link, pos->prev, pos);
	return 0;
}

/* Tasks that ran too long wait; the rest age */
SEC("tc")
int dlist_expire(void *ctx)
{
	struct link __arena *l, *next;
	struct task __arena *t;
	u32 moved = 0;

	for (l = ready.next; l != &ready && can_loop; l = next) {
		next = l->next;
		t = task_of(l);
		if (t->runtime > limit) {
			del(l);
			add_tail(l, &waiting);
			moved++;
		} else if (t->priority > 3) {
			t->priority -= 3;
		} else if (t->priority) {
			t->priority--;
		}
	}
	return moved;
}

SEC("tc")
int dlist_splice(void *ctx)
{
	struct link __arena *first = waiting.next, *last = waiting.prev;

	if (first == &waiting || !first)
		return 0;
	ready.prev->next = first;
	first->prev = ready.prev;
	last->next = &ready;
	ready.prev = last;
	waiting.next = &waiting;
	waiting.prev = &waiting;
	return 1;
}

SEC("tc")
int dlist_longest(void *ctx)
{
	struct link __arena *l;
	u64 longest = 0;
	u32 which = 0;

	total = 0;
	for (l = ready.prev; l != &ready; l = l->prev) {
		struct task __arena *t = task_of(l);

		cond_break;
		total += t->runtime;
		if (t->runtime <= longest)
			continue;
		longest = t->runtime;
		which = t->id;
	}
	return which;
}
