// SPDX-License-Identifier: GPL-2.0
/* Graphs: adjacency lists in the arena */
#include "corpus.h"

#define MAX 1024
#define FAR (~0U)

struct edge {
	struct edge __arena *next;
	u32 to;
	u32 weight;
};

struct vertex {
	struct edge __arena *edges;
	u32 distance;
	u32 degree;
	int color;
	int parent;
};

struct vertex __arena_global vertices[MAX];
u32 __arena_global queue[MAX], heap[MAX], place[MAX];
u32 n, from, to, weight;

SEC("syscall")
int graph_add_edge(void *ctx)
{
	struct edge __arena *e;

	if (from >= MAX || to >= MAX)
		return 1;
	e = new(struct edge);
	if (!e)
		return 1;
	e->to = to;
	e->weight = weight;
	e->next = vertices[from].edges;
	vertices[from].edges = e;
	vertices[to].degree++;
	return 0;
}

SEC("tc")
int graph_bfs(void *ctx)
{
	u32 head = 0, tail = 0, i, at;
	struct edge __arena *e;

	for (i = 0; i < n && can_loop; i++)
		vertices[i].distance = FAR;
	vertices[from].distance = 0;
	queue[tail++] = from;
	while (head < tail && can_loop) {
		at = queue[head++];
		if (at == to)
			return vertices[at].distance;
		for (e = vertices[at].edges; e && can_loop; e = e->next) {
			if (vertices[e->to].distance != FAR)
				continue;
			vertices[e->to].distance = vertices[at].distance + 1;
			vertices[e->to].parent = at;
			queue[tail++] = e->to;
		}
	}
	return -1;
}

struct frame {
	u32 vertex;
	struct edge __arena *next;
};

struct frame __arena_global frames[MAX];

/* Depth first: is there a circle? */
SEC("tc")
int graph_has_cycle(void *ctx)
{
	struct edge __arena *e;
	u32 i, top;

	for (i = 0; i < n && can_loop; i++)
		vertices[i].color = 0;
	for (i = 0; i < n && can_loop; i++) {
		if (vertices[i].color)
			continue;
		top = 0;
		frames[0].vertex = i;
		frames[0].next = vertices[i].edges;
		vertices[i].color = 1;
		while (can_loop) {
			e = frames[top].next;
			if (!e) {
				vertices[frames[top].vertex].color = 2;
				if (!top)
					break;
				top--;
				continue;
			}
			frames[top].next = e->next;
			if (vertices[e->to].color == 1)
				return 1;
			if (vertices[e->to].color == 2)
				continue;
			if (++top == MAX)
				return -1;
			vertices[e->to].color = 1;
			frames[top].vertex = e->to;
			frames[top].next = vertices[e->to].edges;
		}
	}
	return 0;
}

SEC("tc")
int graph_topological(void *ctx)
{
	u32 head = 0, tail = 0, i, at;
	struct edge __arena *e;

	for (i = 0; i < n && can_loop; i++)
		if (!vertices[i].degree)
			queue[tail++] = i;
	while (head != tail && can_loop) {
		at = queue[head++];
		for (e = vertices[at].edges; e && can_loop; e = e->next)
			if (!--vertices[e->to].degree)
				queue[tail++] = e->to;
	}
	return tail == n;
}

static bool nearer(u32 a, u32 b)
{
	return vertices[a].distance < vertices[b].distance;
}

static void put(u32 i, u32 vertex)
{
	heap[i] = vertex;
	place[vertex] = i;
}

static void up(u32 i)
{
	u32 v = heap[i];

	while (i && nearer(v, heap[(i - 1) / 2]) && can_loop) {
		put(i, heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(i, v);
}

static void down(u32 i, u32 used)
{
	u32 v = heap[i], child;

	while ((child = 2 * i + 1) < used && can_loop) {
		if (child + 1 < used && nearer(heap[child + 1], heap[child]))
			child++;
		if (!nearer(heap[child], v))
			break;
		put(i, heap[child]);
		i = child;
	}
	put(i, v);
}

SEC("tc")
int graph_dijkstra(void *ctx)
{
	struct edge __arena *e;
	u32 i, used, at, d;

	for (i = 0; i < n && can_loop; i++) {
		vertices[i].distance = FAR;
		put(i, i);
	}
	used = n;
	vertices[from].distance = 0;
	up(place[from]);
	while (used && can_loop) {
		at = heap[0];
		if (at == to || vertices[at].distance == FAR)
			break;
		used--;
		put(0, heap[used]);
		down(0, used);
		for (e = vertices[at].edges; e && can_loop; e = e->next) {
			d = vertices[at].distance + e->weight;
			if (d >= vertices[e->to].distance)
				continue;
			vertices[e->to].distance = d;
			vertices[e->to].parent = at;
			up(place[e->to]);
		}
	}
	return vertices[to].distance;
}

SEC("tc")
int graph_bellman_ford(void *ctx)
{
	struct edge __arena *e;
	bool changed = true;
	u32 round, i, d;

	for (i = 0; i < n && can_loop; i++)
		vertices[i].distance = i == from ? 0 : FAR;
	for (round = 0; round < n && changed && can_loop; round++) {
		changed = false;
		for (i = 0; i < n && can_loop; i++) {
			if (vertices[i].distance == FAR)
				continue;
			for (e = vertices[i].edges; e && can_loop; e = e->next) {
				d = vertices[i].distance + e->weight;
				if (d < vertices[e->to].distance) {
					vertices[e->to].distance = d;
					changed = true;
				}
			}
		}
	}
	return round;
}

static u32 find(u32 v)
{
	while (vertices[v].parent != v && can_loop) {
		vertices[v].parent = vertices[vertices[v].parent].parent;
		v = vertices[v].parent;
	}
	return v;
}

/* Union and find: in how many pieces is it? */
SEC("tc")
int graph_components(void *ctx)
{
	struct edge __arena *e;
	u32 i, a, b, pieces = n;

	for (i = 0; i < n && can_loop; i++)
		vertices[i].parent = i;
	for (i = 0; i < n && can_loop; i++) {
		for (e = vertices[i].edges; e && can_loop; e = e->next) {
			a = find(i);
			b = find(e->to);
			if (a == b)
				continue;
			vertices[a].parent = b;
			pieces--;
		}
	}
	return pieces;
}

#define DENSE 64

u32 __arena_global dense[DENSE][DENSE];

SEC("tc")
int graph_floyd_warshall(void *ctx)
{
	u32 i, j, k;

	for (k = 0; k < DENSE && can_loop; k++)
		for (i = 0; i < DENSE && can_loop; i++)
			for (j = 0; j < DENSE && can_loop; j++)
				if (dense[i][k] + dense[k][j] < dense[i][j])
					dense[i][j] = dense[i][k] + dense[k][j];
	return 0;
}
