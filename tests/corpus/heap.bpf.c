// SPDX-License-Identifier: GPL-2.0
/* A binary heap in an array: a queue of events by time */
#include "corpus.h"

struct event {
	u64 time;
	u32 id;
	u32 period;
};

#define MAX 4096

struct event __arena_global heap[MAX];
u32 used;
u64 now, time;
u32 id, period;

static void copy(struct event __arena *to, struct event __arena *from)
{
	to->time = from->time;
	to->id = from->id;
	to->period = from->period;
}

static void put(u32 i, struct event *e)
{
	heap[i].time = e->time;
	heap[i].id = e->id;
	heap[i].period = e->period;
}

static void take(u32 i, struct event *e)
{
	e->time = heap[i].time;
	e->id = heap[i].id;
	e->period = heap[i].period;
}

static void sift_up(u32 i)
{
	struct event e;

	take(i, &e);
	while (i > 0 && can_loop) {
		u32 parent = (i - 1) / 2;

		if (heap[parent].time <= e.time)
			break;
		copy(&heap[i], &heap[parent]);
		i = parent;
	}
	put(i, &e);
}

static void sift_down(u32 i)
{
	struct event e;
	u32 child;

	take(i, &e);
	while ((child = 2 * i + 1) < used && can_loop) {
		if (child + 1 < used && heap[child + 1].time < heap[child].time)
			child++;
		if (e.time <= heap[child].time)
			break;
		copy(&heap[i], &heap[child]);
		i = child;
	}
	put(i, &e);
}

SEC("tc")
int heap_push(void *ctx)
{
	if (used == MAX)
		return 1;
	heap[used].time = time;
	heap[used].id = id;
	heap[used].period = period;
	sift_up(used++);
	return 0;
}

SEC("tc")
int heap_pop(void *ctx)
{
	u32 first;

	if (!used)
		return 0;
	first = heap[0].id;
	used--;
	copy(&heap[0], &heap[used]);
	sift_down(0);
	return first;
}

/* What is due runs; what has a period comes again */
SEC("tc")
int heap_run_due(void *ctx)
{
	u32 ran = 0;

	while (used && heap[0].time <= now && can_loop) {
		ran++;
		if (heap[0].period) {
			heap[0].time += heap[0].period;
		} else {
			used--;
			copy(&heap[0], &heap[used]);
		}
		sift_down(0);
	}
	return ran;
}

SEC("tc")
int heap_cancel(void *ctx)
{
	u32 i;

	for (i = 0; i < used && can_loop; i++) {
		if (heap[i].id != id)
			continue;
		used--;
		if (i == used)
			return 1;
		copy(&heap[i], &heap[used]);
		if (i && heap[i].time < heap[(i - 1) / 2].time)
			sift_up(i);
		else
			sift_down(i);
		return 1;
	}
	return 0;
}

SEC("tc")
int heap_build(void *ctx)
{
	u32 i;

	for (i = used / 2; i-- > 0 && can_loop;)
		sift_down(i);
	return 0;
}
