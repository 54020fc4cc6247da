// SPDX-License-Identifier: GPL-2.0
/* Loops that programs have, in C. Each runs over data that it makes itself, and
 * returns 0, or a number that says what went wrong.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "arena_loops.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
} arena SEC(".maps");

#define N 200
#define DEPTH 32

struct slot __arena_global slots[N];
int __arena_global values[N];
int __arena_global others[N];
struct node __arena_global nodes[N];
int __arena_global rounds;
int zero;

static void fill(int __arena *v)
{
	__u32 i, x = 12345;

	for (i = zero; i < N && can_loop; i++) {
		x = x * 1103515245 + 12345;
		v[i] = x >> 16 & 1023;
	}
}

/* clang makes a fall-through lead back to the head */
SEC("syscall")
int fall_through(void *ctx)
{
	struct slot __arena *p = &slots[0];

	/* In the arena: the verifier unrolls a loop that compares what it knows. */
	rounds = 0;
	p->flag = 3;
	p->busy = 0;
	p->val = 0;
	while (can_loop) {
		if (p->busy == 9)
			break;
		if (p->flag == 3)
			p->val++;
		else if (p->flag == 4)
			p->val += 7;
		if (++rounds == 10)
			p->flag = 4;
		if (rounds == 20)
			p->busy = 9;
	}
	return p->val == 10 + 70 ? 0 : 1;
}

SEC("syscall")
int do_while(void *ctx)
{
	int i = 0, sum = 0;

	fill(values);
	do {
		sum += values[i];
		others[i] = sum;
	} while (++i < N && can_loop);
	return i == N && others[N - 1] == sum ? 0 : 1;
}

SEC("syscall")
int several_exits(void *ctx)
{
	int i, found = -1;

	fill(values);
	for (i = zero; i < N && can_loop; i++) {
		if (values[i] == 5000)
			return 1;
		if (values[i] == -1)
			goto out;
		if (i == 150) {
			found = i;
			break;
		}
		if (values[i] & 1)
			continue;
		others[i] = i;
	}
out:
	return found == 150 ? 0 : 2;
}

/* A machine whose states are the cases */
SEC("syscall")
int state_machine(void *ctx)
{
	int state = 0, words = 0, i;

	for (i = zero; i < N && can_loop; i++)
		values[i] = (__u32)i % 5 ? 'a' : ' ';
	for (i = zero; i < N && can_loop; i++) {
		int c = values[i];

		switch (state) {
		case 0:
			if (c != ' ') {
				words++;
				state = 1;
			}
			break;
		case 1:
			if (c == ' ')
				state = 0;
			else if (c == '"')
				state = 2;
			break;
		case 2:
			if (c == '"')
				state = 1;
			else if (c == '\\')
				state = 3;
			break;
		case 3:
			state = 2;
			break;
		}
	}
	return words == N / 5 ? 0 : 1;
}

static __noinline int twice(int x)
{
	int i, sum = 0;

	for (i = 0; i < 2 && can_loop; i++)
		sum += x;
	return sum;
}

SEC("syscall")
int nested_with_calls(void *ctx)
{
	int i, j, sum = 0;

	for (i = zero; i < 10 && can_loop; i++)
		for (j = zero; j < 10 && can_loop; j++)
			sum += twice(j) - twice(i) + 1;
	return sum == 100 ? 0 : 1;
}

static __noinline int find(struct node __arena *n, int val)
{
	while (n && can_loop) {
		if (n->val == val)
			return val;
		n = n->left;
	}
	return 0;
}

/* Each call of find() has a counter of its own; the one that bounds this loop is here. */
SEC("syscall")
int calls_a_loop(void *ctx)
{
	int sum = 0;

	rounds = 0;
	nodes[0].val = 1;
	nodes[0].left = &nodes[1];
	nodes[1].val = 7;
	nodes[1].left = NULL;
	while (can_loop) {
		sum += find(nodes, 7);
		if (++rounds == 3)
			break;
	}
	return sum == 21 ? 0 : 1;
}

struct alarm {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct alarm);
} alarms SEC(".maps");

static int again(void *map, int *key, struct alarm *alarm)
{
	int __arena *v = values;

	bpf_timer_set_callback(&alarm->timer, again);
	while (*v && can_loop)
		v++;
	return 0;
}

/* What a timer runs is followed after the loop, and not inside of it. */
SEC("syscall")
int sets_timers(void *ctx)
{
	struct alarm *alarm;
	int key;

	rounds = 0;
	while (can_loop) {
		if (++rounds == 3)
			break;
		key = values[0] & 1;
		alarm = bpf_map_lookup_elem(&alarms, &key);
		if (!alarm)
			continue;
		bpf_timer_init(&alarm->timer, &alarms, 1 /* CLOCK_MONOTONIC */);
		bpf_timer_set_callback(&alarm->timer, again);
	}
	return 0;
}

static int reads_too_far(void *map, int *key, struct alarm *alarm)
{
	return ((char *)alarm)[100];
}

SEC("?syscall")
int sets_bad_timer(void *ctx)
{
	struct alarm *alarm;
	int key = 0;

	while (*values && can_loop)
		rounds++;
	alarm = bpf_map_lookup_elem(&alarms, &key);
	if (alarm) {
		bpf_timer_init(&alarm->timer, &alarms, 1 /* CLOCK_MONOTONIC */);
		bpf_timer_set_callback(&alarm->timer, reads_too_far);
	}
	return 0;
}

SEC("syscall")
int two_arrays(void *ctx)
{
	__u64 i;

	fill(values);
	for (i = zero; i < N && can_loop; i++)
		others[i] = values[N - 1 - i];
	for (i = zero; i < N && can_loop; i++)
		if (others[i] != values[N - 1 - i])
			return 1;
	return 0;
}

/* A tree that is walked with a stack in the arena */
struct node __arena *__arena_global path[DEPTH];

SEC("syscall")
int tree_walk(void *ctx)
{
	struct node __arena *n;
	int i, sum = 0;
	__u32 sp = 0;

	for (i = zero; i < N && can_loop; i++) {
		nodes[i].val = i;
		nodes[i].left = 2 * i + 1 < N ? &nodes[2 * i + 1] : NULL;
		nodes[i].right = 2 * i + 2 < N ? &nodes[2 * i + 2] : NULL;
	}
	path[sp++] = &nodes[0];
	while (sp && can_loop) {
		n = path[--sp & (DEPTH - 1)];
		sum += n->val;
		if (n->left)
			path[sp++ & (DEPTH - 1)] = n->left;
		if (n->right)
			path[sp++ & (DEPTH - 1)] = n->right;
	}
	return sum == N * (N - 1) / 2 ? 0 : 1;
}

struct counter {
	__u64 n, sum;
};

static __noinline void add_up(struct counter *c)
{
	__u64 i;

	for (i = zero; i < c->n && can_loop; i++)
		c->sum += i;
}

/* and the sum is there as well, written by the callee's pointer */
SEC("syscall")
int sum_of_the_caller(void *ctx)
{
	struct counter c = { .n = 100000 };

	add_up(&c);
	return c.sum == 100000ULL * 99999 / 2 ? 0 : 1;
}

static __noinline __u64 sum_to(const struct counter *c)
{
	__u64 i, sum = 0;

	for (i = zero; i < c->n && can_loop; i++)
		sum += i;
	return sum;
}

/* The limit is a constant that the caller has spilled. */
SEC("syscall")
int limit_of_the_caller(void *ctx)
{
	struct counter c = { .n = 100000 };

	return sum_to(&c) == 100000ULL * 99999 / 2 ? 0 : 1;
}

/* Maps of their own, so that nothing lies behind the end */
#define M 1000
__u32 narrow[M] SEC(".data.narrow");
__u64 wide[M] SEC(".data.wide");
__u32 matrix[32][32] SEC(".data.matrix");

SEC("syscall")
int index_u32(void *ctx)
{
	__u32 i, sum = 0;

	for (i = zero; i < M && can_loop; i++)
		narrow[i] = i;
	for (i = zero; i < M && can_loop; i++)
		sum += narrow[i];
	return sum == M * (M - 1) / 2 ? 0 : 1;
}

SEC("syscall")
int index_u64(void *ctx)
{
	__u64 i, sum = 0;

	for (i = zero; i < M && can_loop; i++)
		wide[i] = i;
	for (i = zero; i < M && can_loop; i++)
		sum += wide[i];
	return sum == M * (M - 1) / 2 ? 0 : 1;
}

SEC("syscall")
int index_two_arrays(void *ctx)
{
	__u64 sum = 0;
	__u32 i;

	for (i = zero; i < M && can_loop; i++) {
		wide[i] = 2 * i;
		narrow[i] = wide[i] + 1;
	}
	for (i = zero; i < M && can_loop; i++)
		sum += narrow[i] - wide[i];
	return sum == M ? 0 : 1;
}

SEC("syscall")
int index_nested(void *ctx)
{
	__u32 i, j, sum = 0;

	for (i = zero; i < 32 && can_loop; i++)
		for (j = zero; j < 32 && can_loop; j++)
			matrix[i][j] = i * j;
	for (i = zero; i < 32 && can_loop; i++)
		for (j = zero; j < 32 && can_loop; j++)
			sum += matrix[j][i];
	return sum == (31 * 32 / 2) * (31 * 32 / 2) ? 0 : 1;
}

static __noinline __u32 weigh(__u32 x)
{
	return 3 * x + 1;
}

SEC("syscall")
int index_with_calls(void *ctx)
{
	__u32 i, sum = 0;

	for (i = zero; i < M && can_loop; i++)
		narrow[i] = weigh(i);
	for (i = zero; i < M && can_loop; i++)
		sum += narrow[i];
	return sum == 3 * (M * (M - 1) / 2) + M ? 0 : 1;
}

SEC("syscall")
int index_stack(void *ctx)
{
	__u64 sum = 0, ones[32];
	__u32 i;

	for (i = zero; i < 32 && can_loop; i++)
		ones[i] = 1;
	for (i = zero; i < 32 && can_loop; i++)
		sum += ones[i];
	return sum == 32 ? 0 : 1;
}

int __arena_global ranges[2 * DEPTH];

SEC("syscall")
int quicksort(void *ctx)
{
	int lo, hi, i, j, pivot, tmp;
	__u32 sp = 0;

	fill(values);
	ranges[sp++] = 0;
	ranges[sp++] = N - 1;
	while (sp >= 2 && can_loop) {
		hi = ranges[--sp & (2 * DEPTH - 1)];
		lo = ranges[--sp & (2 * DEPTH - 1)];
		if (lo >= hi)
			continue;
		pivot = values[hi];
		for (i = lo, j = lo; j < hi && can_loop; j++) {
			if (values[j] >= pivot)
				continue;
			tmp = values[i];
			values[i++] = values[j];
			values[j] = tmp;
		}
		tmp = values[i];
		values[i] = values[hi];
		values[hi] = tmp;
		if (sp > 2 * DEPTH - 4)
			return 2;
		ranges[sp++ & (2 * DEPTH - 1)] = lo;
		ranges[sp++ & (2 * DEPTH - 1)] = i - 1;
		ranges[sp++ & (2 * DEPTH - 1)] = i + 1;
		ranges[sp++ & (2 * DEPTH - 1)] = hi;
	}
	for (i = zero; i + 1 < N && can_loop; i++)
		if (values[i] > values[i + 1])
			return 1;
	return 0;
}

char _license[] SEC("license") = "GPL";
