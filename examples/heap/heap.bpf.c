// SPDX-License-Identifier: GPL-2.0
/* The program: it gets pages from the arena and makes objects out of them */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "heap.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1000); /* pages */
} arena SEC(".maps");

struct state __arena_global heap;
__u64 wanted; /* how many objects fill() takes */

static void object_free(struct object __arena *o)
{
	o->next = heap.free;
	heap.free = o;
}

/* A new page becomes free objects */
static void grow(void)
{
	struct object __arena *o = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	__u64 i;

	if (!o)
		return;
	heap.nr_pages++;
	for (i = 0; i < arena_page_size() / sizeof(*o) && can_loop; i++)
		object_free(o++);
}

static struct object __arena *object_alloc(void)
{
	struct object __arena *o;

	if (!heap.free)
		grow();
	o = heap.free;
	if (o)
		heap.free = o->next;
	return o;
}

SEC("syscall")
int fill(void *ctx)
{
	struct object __arena *o;

	while (heap.nr_used < wanted && can_loop) {
		o = object_alloc();
		if (!o)
			return 1;
		o->number = ++heap.nr_used;
		o->next = heap.used;
		heap.used = o;
	}
	return 0;
}

SEC("syscall")
int empty(void *ctx)
{
	struct object __arena *o;

	while (heap.used && can_loop) {
		o = heap.used;
		heap.used = o->next;
		object_free(o);
		heap.nr_used--;
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
