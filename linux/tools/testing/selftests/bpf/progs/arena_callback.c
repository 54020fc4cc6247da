// SPDX-License-Identifier: GPL-2.0
/* Callbacks that change what their next round finds in the caller's stack. Those that are
 * accepted run, and return 0 or a number that says what went wrong.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "bpf_misc.h"

#define SIZE 64
#define NULL ((void *)0)

struct bpf_map;
struct vm_area_struct;

struct value {
	struct bpf_spin_lock lock;
	__u32 cnt;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, char[SIZE]);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} locked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} user_ringbuf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ringbuf SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { &inner },
};

struct timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timer);
} timers SEC(".maps");

struct task_struct {
	int dummy;
};

struct task {
	struct task_struct __kptr *task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct task);
} tasks SEC(".maps");

int __arena_global array[SIZE];
int __arena_global matrix[8][8];
int zero, rounds = SIZE;

struct index {
	char *value;
	__u64 i, next;
};

/* The arena is what makes the verifier follow callbacks again. */
static __always_inline char *get_value(__u32 key)
{
	array[0] = 0;
	return bpf_map_lookup_elem(&values, &key);
}

/* What is refused */

static int step(__u32 n, struct index *c)
{
	c->value[c->i++] = 1;
	return 0;
}

SEC("syscall")
int counter(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (c.value)
		bpf_loop(SIZE + 1, step, &c, 0);
	return 0;
}

/* No arena here */
SEC("syscall")
int counter_with_may_goto(void *ctx)
{
	struct index c = {};
	__u32 key = 0;

	c.value = bpf_map_lookup_elem(&values, &key);
	if (c.value && can_loop)
		bpf_loop(SIZE + 1, step, &c, 0);
	return 0;
}

static int step_down(__u32 n, struct index *c)
{
	char x = c->value[c->i--];

	return x == 77;
}

SEC("syscall")
int counts_down(void *ctx)
{
	struct index c = { .value = get_value(0), .i = SIZE - 1 };

	if (c.value)
		bpf_loop(SIZE + 1, step_down, &c, 0);
	return 0;
}

struct slots {
	__u64 i, slot[4];
};

static int step_slots(__u32 n, struct slots *c)
{
	c->slot[c->i++] = 0;
	return 0;
}

SEC("syscall")
int stack(void *ctx)
{
	struct slots c = {};

	array[0] = 0;
	bpf_loop(rounds, step_slots, &c, 0);
	return c.slot[0];
}

static int move_on(__u32 n, struct index *c)
{
	c->i = c->next;
	c->next = 1000;
	return 0;
}

SEC("syscall")
int behind_the_second_round(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (!c.value)
		return 1;
	bpf_loop(rounds, move_on, &c, 0);
	return c.value[c.i];
}

static int set_to_0(__u32 n, struct index *c)
{
	c->i = 0;
	return 0;
}

SEC("syscall")
int no_round(void *ctx)
{
	struct index c = { .value = get_value(0), .i = 1000 };

	if (!c.value)
		return 1;
	bpf_loop(rounds, set_to_0, &c, 0);
	return c.value[c.i];
}

static int outer_step(__u32 n, struct index *c)
{
	bpf_loop(2, set_to_0, c, 0);
	c->value[c->i] = 1;
	c->i = 1000;
	return 0;
}

/* In the second round of the outer one, the inner one may have none */
SEC("syscall")
int nested_no_round(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (c.value)
		bpf_loop(rounds, outer_step, &c, 0);
	return 0;
}

static int count(__u32 n, struct index *c)
{
	c->i++;
	return 0;
}

static int outer_count(__u32 n, struct index *c)
{
	c->value[c->i] = 1;
	bpf_loop(16, count, c, 0);
	return 0;
}

SEC("syscall")
int nested_counter(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (c.value)
		bpf_loop(rounds, outer_count, &c, 0);
	return 0;
}

static int stop_later(__u32 n, struct index *c)
{
	if (c->i == 1) {
		c->i = 1000;
		return 1;
	}
	c->i++;
	return 0;
}

SEC("syscall")
int stops_in_the_second_round(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (!c.value)
		return 1;
	bpf_loop(rounds, stop_later, &c, 0);
	return c.value[c.i];
}

static long step_elem(struct bpf_map *map, __u32 *key, __u32 *val, struct index *c)
{
	return step(0, c);
}

SEC("syscall")
int for_each(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (c.value)
		bpf_for_each_map_elem(&hash, step_elem, &c, 0);
	return 0;
}

static long step_sample(struct bpf_dynptr *dynptr, struct index *c)
{
	return step(0, c);
}

SEC("syscall")
int drain(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (c.value)
		bpf_user_ringbuf_drain(&user_ringbuf, step_sample, &c, 0);
	return 0;
}

static int forge(__u32 n, struct index *c)
{
	*c->value = 1;
	c->value = (char *)c->next;
	return 0;
}

SEC("syscall")
int forges_a_pointer(void *ctx)
{
	struct index c = { .value = get_value(0), .next = 0x12345678 };

	if (c.value)
		bpf_loop(rounds, forge, &c, 0);
	return 0;
}

struct maps {
	void *map;
	__u64 found;
};

static int forge_map(__u32 n, struct maps *c)
{
	__u32 key = 0;

	c->found += !!bpf_map_lookup_elem(c->map, &key);
	c->map = (void *)0x12345678;
	return 0;
}

SEC("syscall")
int forges_a_map(void *ctx)
{
	void *map = &values;
	struct maps c = {};

	array[0] = 0;
	barrier_var(map);
	c.map = map;
	bpf_loop(rounds, forge_map, &c, 0);
	return c.found;
}

static int forge_null(__u32 n, struct index *c)
{
	__u32 key = 5;

	*c->value = 1;
	c->value = bpf_map_lookup_elem(&values, &key);
	return 0;
}

SEC("syscall")
int may_be_null_in_the_second_round(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (c.value)
		bpf_loop(rounds, forge_null, &c, 0);
	return 0;
}

static __noinline void advance(struct index *c)
{
	c->i++;
}

static int step_in_callee(__u32 n, struct index *c)
{
	c->value[c->i] = 1;
	advance(c);
	return 0;
}

SEC("syscall")
int callee_of_the_callback(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (c.value)
		bpf_loop(rounds, step_in_callee, &c, 0);
	return 0;
}

static int leave_reference(__u32 n, struct index *c)
{
	if (c->i++ == 1)
		c->value = bpf_ringbuf_reserve(&ringbuf, 8, 0);
	return 0;
}

SEC("syscall")
int reference_in_the_second_round(void *ctx)
{
	struct index c = {};

	array[0] = 0;
	bpf_loop(rounds, leave_reference, &c, 0);
	return 0;
}

static int leave_lock(__u32 n, struct index *c)
{
	struct value *v;
	__u32 key = 0;

	if (c->i++ != 1)
		return 0;
	v = bpf_map_lookup_elem(&locked, &key);
	if (v)
		bpf_spin_lock(&v->lock);
	return 0;
}

SEC("syscall")
int lock_in_the_second_round(void *ctx)
{
	struct index c = {};

	array[0] = 0;
	bpf_loop(rounds, leave_lock, &c, 0);
	return 0;
}

/* The loop leads back to the first instruction, where rounds begin. */
static int spin(__u32 n, struct index *c)
{
	while (((volatile struct index *)c)->i)
		;
	return 0;
}

SEC("syscall")
int never_ends(void *ctx)
{
	struct index c = { .i = bpf_get_prandom_u32() };

	array[0] = 0;
	bpf_loop(rounds, spin, &c, 0);
	return 0;
}

static int nothing(__u32 n, void *c)
{
	return 0;
}

SEC("syscall")
int calls_for_ever(void *ctx)
{
	array[0] = 0;
	while (*(volatile int *)&rounds)
		bpf_loop(rounds, nothing, NULL, 0);
	return 0;
}

/* Where both paths meet, nothing but the helper knows which struct comes in the next round. */
struct shared {
	__u64 second;
};

struct two {
	char *value;
	struct shared *shared;
	__u64 i;
};

static int use_in_the_second_round(__u32 n, struct two *c)
{
	struct shared *s = c->shared;

	if (s->second)
		c->value[c->i] = 1;
	s->second = 1;
	asm volatile("r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0; goto +0;"
		     "r0 = 0; r6 = 0; r7 = 0; r8 = 0; goto +0;"
		     ::: "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8");
	return 0;
}

SEC("syscall")
int argument_of_the_next_round(void *ctx)
{
	struct shared s = {};
	struct two a = { .value = get_value(0), .shared = &s };
	struct two b = { .value = a.value, .shared = &s, .i = 1000 }, *c = &b;

	if (!a.value)
		return 1;
	if (bpf_get_prandom_u32())
		c = &a;
	bpf_loop(rounds, use_in_the_second_round, c, 0);
	return 0;
}

/* A caller's r6 to r9 matter behind the helper */
static int two_ways(__u32 n, struct index *c)
{
	if (bpf_get_prandom_u32() & 1)
		c->next = 1;
	asm volatile("r6 = 0; r7 = 0; r8 = 0; r9 = 0;" ::: "r6", "r7", "r8", "r9");
	return 0;
}

SEC("syscall")
int index_of_the_caller(void *ctx)
{
	struct index c = { .value = get_value(0) };
	char *v = c.value;
	__u64 i = 1000;

	if (!v)
		return 1;
	/* the way with 0 goes first, and both meet again */
	if (bpf_get_prandom_u32() & 1) {
		i = 0;
		barrier_var(i);
	}
	bpf_loop(rounds, two_ways, &c, 0);
	return v[i];
}

/* The first round may leave 0 in the slot, and the second one has to see what else. */
static int slot_of_the_caller_cb(__u32 n, __u64 *i)
{
	if (*i == 2)
		*i = 1000;
	else if (*i < 2)
		++*i;
	return 0;
}

SEC("syscall")
int slot_of_the_caller(void *ctx)
{
	char *v = get_value(0);
	__u64 i = 0;

	if (!v)
		return 1;
	bpf_loop(rounds, slot_of_the_caller_cb, &i, 0);
	return v[i];
}

SEC("syscall")
int result_is_any_number(void *ctx)
{
	char *v = get_value(0);

	if (!v)
		return 1;
	return v[bpf_loop(rounds, nothing, NULL, 0)];
}

/* A NULL argument is a number that the callback gets as it is: the path with the other number
 * must not end in the state of the one with NULL.
 */
static int uses_null(__u32 n, __u64 arg)
{
	char *v = get_value(0);

	if (!v)
		return 1;
	asm volatile("%[v] += %[arg]" : [v]"+r"(v) : [arg]"r"(arg));
	*v = 77;
	return 0;
}

static int decides_by_null(__u32 n, __u64 arg)
{
	char *v = get_value(0);

	if (v && arg)
		v[100000] = 1;
	return 0;
}

#define LOOP_WITH_NULL_OR_NUMBER(cb)						\
	asm volatile("r3 = 100000; if %[random] & 1 goto 1f; r3 = 0;"		\
		     "1: r1 = r3; goto +0; r4 = 0; goto +0; r5 = 0; goto +0;"	\
		     "r1 = 1; goto +0; r2 = %[fn] ll; r4 = 0; call %[loop];"	\
		     :: [random]"r"((__u64)bpf_get_prandom_u32()), [fn]"i"(cb),	\
			[loop]"i"(BPF_FUNC_loop)				\
		     : "r0", "r1", "r2", "r3", "r4", "r5")

SEC("syscall")
int null_is_an_offset(void *ctx)
{
	array[0] = 0;
	LOOP_WITH_NULL_OR_NUMBER(uses_null);
	return 0;
}

SEC("syscall")
int null_decides(void *ctx)
{
	array[0] = 0;
	LOOP_WITH_NULL_OR_NUMBER(decides_by_null);
	return 0;
}

/* The same where a NULL is stored as a kernel pointer */
SEC("syscall")
int null_is_a_kptr(void *ctx)
{
	struct task *t;
	__u32 key = 0;

	array[0] = 0;
	t = bpf_map_lookup_elem(&tasks, &key);
	if (!t)
		return 1;
	asm volatile("r3 = 100000; if %[random] & 1 goto 1f; r3 = 0;"
		     "1: r1 = r3; goto +0; r1 = 0; goto +0; *(u64 *)(%[t] + 0) = r3;"
		     :: [random]"r"((__u64)bpf_get_prandom_u32()), [t]"r"(t) : "r1", "r3");
	return 0;
}

static __noinline void *acquire(void)
{
	return bpf_ringbuf_reserve(&ringbuf, 8, 0);
}

static int leave_reference_of_callee(__u32 n, void *c)
{
	void *p = acquire();

	return !p && 0;
}

SEC("syscall")
int reference_of_a_callee(void *ctx)
{
	array[0] = 0;
	bpf_loop(rounds, leave_reference_of_callee, NULL, 0);
	return 0;
}

/* bpf_find_vma() may find nothing, and calls nothing then */
static long set_to_0_of_vma(struct task_struct *task, struct vm_area_struct *vma, struct index *c)
{
	c->i = 0;
	return 0;
}

SEC("syscall")
int no_vma(void *ctx)
{
	struct index c = { .value = get_value(0), .i = 1000 };

	if (!c.value)
		return 1;
	bpf_find_vma(bpf_get_current_task_btf(), (__u64)zero, set_to_0_of_vma, &c, 0);
	return c.value[c.i];
}

static __noinline int loop_for_caller(struct index *c)
{
	bpf_loop(rounds, step, c, 0);
	return 0;
}

SEC("syscall")
int two_frames_up(void *ctx)
{
	struct index c = { .value = get_value(0) };

	return c.value ? loop_for_caller(&c) : 1;
}

/* Verified by itself */
__weak __noinline int counter_of_its_own(int n)
{
	struct index c = { .value = get_value(0) };

	if (c.value)
		bpf_loop(n, step, &c, 0);
	return 0;
}

SEC("syscall")
int global_function(void *ctx)
{
	return counter_of_its_own(rounds);
}

static int timer_cb(void *map, __u32 *key, struct timer *t)
{
	struct index c = { .value = get_value(0) };

	if (c.value)
		bpf_loop(rounds, step, &c, 0);
	return 0;
}

SEC("syscall")
int timer(void *ctx)
{
	struct timer *t;
	__u32 key = 0;

	array[0] = 0;
	t = bpf_map_lookup_elem(&timers, &key);
	if (!t)
		return 1;
	bpf_timer_init(&t->timer, &timers, 1 /* CLOCK_MONOTONIC */);
	return bpf_timer_set_callback(&t->timer, timer_cb);
}

SEC("syscall")
int for_each_inner(void *ctx)
{
	struct index c = { .value = get_value(0) };
	__u32 key = 0;
	void *map = bpf_map_lookup_elem(&outer, &key);

	if (c.value && map)
		bpf_for_each_map_elem(map, step_elem, &c, 0);
	return 0;
}

/* What is accepted */

SEC("syscall")
int result(void *ctx)
{
	char *v = get_value(0);
	__u64 n;

	if (!v)
		return 1;
	n = bpf_loop(10, nothing, NULL, 0);
	if (n >= SIZE)
		return 2;
	v[n] = 1;
	return n == 10 ? 0 : 3;
}

static long use_once(struct task_struct *task, struct vm_area_struct *vma, struct index *c)
{
	c->value[c->i] = 1;
	c->i = 1000;
	return 0;
}

/* bpf_find_vma() has one round at most */
SEC("syscall")
int calls_once(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (!c.value)
		return 1;
	bpf_find_vma(bpf_get_current_task_btf(), (__u64)zero, use_once, &c, 0);
	return 0;
}

struct sum {
	int sum, cnt;
	__u64 total;
};

static int add(__u32 i, struct sum *c)
{
	if (i >= SIZE)
		return 1;
	c->sum += array[i];
	c->total += i;
	c->cnt++;
	return 0;
}

static __always_inline int sum_up(int n)
{
	struct sum c = {};
	int i;

	for (i = zero; i < SIZE && can_loop; i++)
		array[i] = i;
	bpf_loop(n, add, &c, 0);
	return c.sum == (n - 1) * n / 2 && c.cnt == n && c.total == c.sum ? 0 : 1;
}

SEC("syscall")
int sum_10(void *ctx)
{
	return sum_up(10);
}

SEC("syscall")
int sum_60(void *ctx)
{
	return sum_up(60);
}

struct search {
	int what, found;
};

static int look(__u32 i, struct search *c)
{
	if (i >= SIZE)
		return 1;
	if (array[i] != c->what)
		return 0;
	c->found = i;
	return 1;
}

SEC("syscall")
int search(void *ctx)
{
	char *v = get_value(0);
	struct search c = { .what = 42, .found = -1 };
	int i;

	for (i = zero; i < SIZE && can_loop; i++)
		array[i] = i;
	bpf_loop(rounds, look, &c, 0);
	if (!v || c.found < 0 || c.found >= SIZE)
		return 1;
	v[c.found] = 1;
	return c.found == 42 ? 0 : 2;
}

struct cell {
	__u32 row;
	int sum;
};

static int add_cell(__u32 column, struct cell *c)
{
	if (column < 8 && c->row < 8)
		c->sum += matrix[c->row][column];
	return 0;
}

static int add_row(__u32 row, struct cell *c)
{
	c->row = row;
	bpf_loop(8, add_cell, c, 0);
	return 0;
}

SEC("syscall")
int nested(void *ctx)
{
	struct cell c = {};
	__u32 i;

	for (i = zero; i < 64 && can_loop; i++)
		matrix[i / 8][i % 8] = i;
	bpf_loop(8, add_row, &c, 0);
	return c.sum == 63 * 64 / 2 ? 0 : 1;
}

static int count_3(__u32 i, struct sum *c)
{
	c->cnt++;
	return 0;
}

static int count_2(__u32 i, struct sum *c)
{
	bpf_loop(3, count_3, c, 0);
	c->sum++;
	return 0;
}

static int count_1(__u32 i, struct sum *c)
{
	bpf_loop(3, count_2, c, 0);
	c->total++;
	return 0;
}

SEC("syscall")
int nested_three_deep(void *ctx)
{
	struct sum c = {};

	array[0] = 0;
	bpf_loop(3, count_1, &c, 0);
	return c.total == 3 && c.sum == 9 && c.cnt == 27 ? 0 : 1;
}

struct six {
	int cnt[6];
};

static int six_6(__u32 i, struct six *c)
{
	c->cnt[5]++;
	return 0;
}

#define SIX(k, next)					\
static int six_##k(__u32 i, struct six *c)		\
{							\
	bpf_loop(2, next, c, 0);			\
	c->cnt[k - 1]++;				\
	return 0;					\
}
SIX(5, six_6)
SIX(4, six_5)
SIX(3, six_4)
SIX(2, six_3)
SIX(1, six_2)

SEC("syscall")
int nested_six_deep(void *ctx)
{
	struct six c = {};

	array[0] = 0;
	bpf_loop(2, six_1, &c, 0);
	return c.cnt[0] == 2 && c.cnt[5] == 64 ? 0 : 1;
}

/* What must be precise is followed round for round */
static int fill(__u32 n, struct index *c)
{
	c->value[c->i++] = 1;
	return c->i == SIZE;
}

SEC("syscall")
int stops_in_time(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (!c.value)
		return 1;
	bpf_loop(1000, fill, &c, 0);
	return c.i == SIZE ? 0 : 2;
}

static int fill_if_it_fits(__u32 n, struct index *c)
{
	if (c->i >= SIZE)
		return 1;
	c->value[c->i++] = 1;
	return 0;
}

SEC("syscall")
int fits(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (!c.value)
		return 1;
	bpf_loop(1000, fill_if_it_fits, &c, 0);
	return c.i == SIZE ? 0 : 2;
}

/* Nothing ends this but the number of rounds */
static int fill_ring(__u32 n, struct index *c)
{
	c->value[c->i++ & (SIZE - 1)] = n;
	return 0;
}

SEC("syscall")
int ring(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (!c.value)
		return 1;
	bpf_loop(1000, fill_ring, &c, 0);
	return c.i == 1000 && c.value[0] == (char)960 ? 0 : 2;
}

struct counters {
	__u64 cnt[10];
};

static int count_kinds(__u32 n, struct counters *c)
{
	switch (array[n & (SIZE - 1)]) {
	case 0:
		c->cnt[0]++;
		break;
	case 1:
		c->cnt[1]++;
		break;
	case 2:
		c->cnt[2]++;
		break;
	case 3:
		c->cnt[3]++;
		break;
	case 4:
		c->cnt[4]++;
		break;
	case 5:
		c->cnt[5]++;
		break;
	case 6:
		c->cnt[6]++;
		break;
	case 7:
		c->cnt[7]++;
		break;
	case 8:
		c->cnt[8]++;
		break;
	default:
		c->cnt[9]++;
		break;
	}
	return 0;
}

SEC("syscall")
int many_counters(void *ctx)
{
	struct counters c = {};
	__u32 i;

	for (i = zero; i < SIZE && can_loop; i++)
		array[i] = i % 10;
	bpf_loop(SIZE, count_kinds, &c, 0);
	return c.cnt[0] == 7 && c.cnt[3] == 7 && c.cnt[9] == 6 ? 0 : 1;
}

struct words {
	int state, words;
};

static int machine(__u32 n, struct words *c)
{
	int x = array[n & (SIZE - 1)];

	switch (c->state) {
	case 0:
		if (x) {
			c->state = 1;
			c->words++;
		}
		break;
	case 1:
		if (!x)
			c->state = 0;
		else if (x == 100)
			c->state = 2;
		break;
	case 2:
		if (x == 100)
			c->state = 1;
		break;
	}
	return 0;
}

SEC("syscall")
int state_machine(void *ctx)
{
	struct words c = {};
	__u32 i;

	for (i = zero; i < SIZE && can_loop; i++)
		array[i] = i % 4;
	bpf_loop(SIZE, machine, &c, 0);
	return c.words == SIZE / 4 ? 0 : 1;
}

SEC("syscall")
int one_after_the_other(void *ctx)
{
	struct sum c = {};
	int i;

	for (i = zero; i < SIZE && can_loop; i++)
		array[i] = 1;
	bpf_loop(10, add, &c, 0);
	bpf_loop(10, count_3, &c, 0);
	bpf_loop(10, add, &c, 0);
	bpf_loop(10, count_3, &c, 0);
	bpf_loop(10, add, &c, 0);
	bpf_loop(10, count_3, &c, 0);
	bpf_loop(10, add, &c, 0);
	bpf_loop(10, count_3, &c, 0);
	return c.sum == 40 && c.cnt == 80 ? 0 : 1;
}

static int may_goto_cb(__u32 n, struct sum *c)
{
	int i;

	for (i = zero; i < 10 && can_loop; i++)
		c->cnt++;
	return 0;
}

SEC("syscall")
int may_goto_inside(void *ctx)
{
	struct sum c = {};
	int i;

	array[0] = 0;
	for (i = zero; i < 10 && can_loop; i++)
		bpf_loop(10, may_goto_cb, &c, 0);
	return c.cnt == 1000 ? 0 : 1;
}

static long add_elem(struct bpf_map *map, __u32 *key, __u32 *val, struct sum *c)
{
	c->sum += *val;
	c->cnt++;
	return 0;
}

SEC("syscall")
int sum_of_elements(void *ctx)
{
	struct sum c = {};
	__u32 i;

	array[0] = 0;
	for (i = zero; i < 16 && can_loop; i++)
		bpf_map_update_elem(&hash, &i, &i, 0);
	bpf_for_each_map_elem(&hash, add_elem, &c, 0);
	return c.sum == 120 && c.cnt == 16 ? 0 : 1;
}

SEC("syscall")
int sum_of_inner(void *ctx)
{
	__u32 i, key = 0;
	struct sum c = {};
	void *map;

	array[0] = 0;
	map = bpf_map_lookup_elem(&outer, &key);
	if (!map)
		return 1;
	for (i = zero; i < 4 && can_loop; i++)
		bpf_map_update_elem(map, &i, &i, 0);
	bpf_for_each_map_elem(map, add_elem, &c, 0);
	return c.sum == 6 && c.cnt == 4 ? 0 : 2;
}

static __noinline int count_for_caller(struct sum *c)
{
	bpf_loop(10, count_3, c, 0);
	return 0;
}

SEC("syscall")
int count_two_frames_up(void *ctx)
{
	struct sum c = {};

	array[0] = 0;
	count_for_caller(&c);
	count_for_caller(&c);
	return c.cnt == 20 ? 0 : 1;
}

__weak __noinline int count_by_itself(int n)
{
	struct sum c = {};

	bpf_loop(n, count_3, &c, 0);
	return c.cnt;
}

SEC("syscall")
int in_global_function(void *ctx)
{
	array[0] = 0;
	return count_by_itself(10) + count_by_itself(rounds) == 10 + SIZE ? 0 : 1;
}

/* A flag that a round sets: what is behind the helper may depend on it */
static int note(__u32 n, struct index *c)
{
	if (array[n & (SIZE - 1)] == 42)
		c->i = 5;
	return 0;
}

SEC("syscall")
int one_of_two(void *ctx)
{
	struct index c = { .value = get_value(0), .i = 3 };

	if (!c.value)
		return 1;
	array[7] = 42;
	bpf_loop(rounds, note, &c, 0);
	c.value[c.i] = 1;
	return c.i == 5 ? 0 : 2;
}

static int reserve_and_lock(__u32 n, struct sum *c)
{
	struct value *v;
	__u32 key = 0;
	int *r;

	r = bpf_ringbuf_reserve(&ringbuf, 8, 0);
	if (r) {
		*r = n;
		bpf_ringbuf_discard(r, 0);
		c->cnt++;
	}
	v = bpf_map_lookup_elem(&locked, &key);
	if (!v)
		return 1;
	bpf_spin_lock(&v->lock);
	v->cnt++;
	c->sum = v->cnt;
	bpf_spin_unlock(&v->lock);
	return 0;
}

SEC("syscall")
int references_and_locks(void *ctx)
{
	struct sum c = {};

	array[0] = 0;
	bpf_loop(10, reserve_and_lock, &c, 0);
	return c.cnt == 10 && c.sum >= 10 ? 0 : 1;
}

/* The number of the round matters, and comes from nowhere */
static int write_at(__u32 n, struct index *c)
{
	__u32 random = bpf_get_prandom_u32();

	if (n < SIZE)
		c->value[n] = random;
	return 0;
}

SEC("syscall")
int index_by_round(void *ctx)
{
	struct index c = { .value = get_value(0) };

	if (!c.value)
		return 1;
	bpf_loop(rounds, write_at, &c, 0);
	return 0;
}

/* What is precise behind the helper is so before it, and nothing else */
SEC("syscall")
int index_behind(void *ctx)
{
	struct sum c = {};
	char *v = get_value(0);
	__u64 i = 3;

	if (!v)
		return 1;
	barrier_var(i);
	bpf_loop(10, count_3, &c, 0);
	v[i] = 1;
	bpf_loop(10, count_3, &c, 0);
	v[i + 1] = 1;
	return c.cnt == 20 ? 0 : 1;
}

char _license[] SEC("license") = "GPL";
