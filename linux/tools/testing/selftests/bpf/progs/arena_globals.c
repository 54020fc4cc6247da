// SPDX-License-Identifier: GPL-2.0
/*
 * Globals in the arena: with and without initial values, used from several
 * programs, static subprograms and a global function.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 32);
} arena SEC(".maps");

/* A map of another type, which nobody uses */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, int);
	__type(value, int);
	__uint(max_entries, 1);
} other SEC(".maps");

struct point {
	int x, y;
};

int __arena_global number = 42;
__u64 __arena_global zeroed;
char __arena_global text[16] = "arena";
struct point __arena_global point = { 3, 4 };
struct point __arena *ptr; /* not in the arena, but into it */
static int __arena_global hidden = 7;

/* more than a page, if it is of 64 KiB */
#define LAST 16383
int __arena_global big[LAST + 1] = { [LAST] = LAST };

/* and one that is not in the arena at all */
int ordinary = 5;
int __arena *number_ptr = &number;

static __noinline int sub_hidden(int add)
{
	hidden += add;
	return hidden;
}

static __noinline int sub_point(void)
{
	return point.x * point.y + sub_hidden(0);
}

__noinline int global_big(int i)
{
	return big[i & LAST];
}

SEC("syscall")
int read_all(void *ctx)
{
	return number + sub_point() + global_big(LAST) + ordinary + text[0];
}

SEC("syscall")
int write_all(void *ctx)
{
	number++;
	zeroed = 0x123456789abcdef0;
	text[1] = 'R';
	point.y = -1;
	ptr = &point;
	sub_hidden(10);
	big[0] = hidden;
	return 0;
}

SEC("tc")
int follow_ptr(struct __sk_buff *skb)
{
	return ptr ? ptr->x + sub_hidden(1) : 0;
}

char _license[] SEC("license") = "GPL";
