// SPDX-License-Identifier: GPL-2.0
/*
 * What may be passed to the kfuncs, and to global functions that take arena
 * pointers. The loader of test_progs loads each of these by itself.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "bpf_misc.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

/* the parts of the kernel's types that matter here */
struct bpf_map {
	struct bpf_map *inner_map_meta;
} __attribute__((preserve_access_index));

struct bpf_iter_meta {
	__u64 session_id;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
} __attribute__((preserve_access_index));

struct shared_node {
	struct shared_node __arena *next;
	int value;
};

int __arena_global in_arena = 3;

__weak int sum_nodes(struct shared_node __arena *n __arg_arena)
{
	int sum = 0;

	for (; n && can_loop; n = n->next)
		sum += n->value;
	return sum;
}

__weak int two_args(int factor, struct shared_node __arena *n __arg_arena)
{
	return n ? factor * n->value : factor;
}

SEC("syscall")
__success
int hazard_21_arg_arena_pointer(void *ctx)
{
	struct shared_node __arena *n = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	if (!n)
		return 1;
	n->value = 5;
	n->next = NULL;
	return sum_nodes(n) + two_args(2, n);
}

SEC("syscall")
__success
int hazard_21_arg_arena_scalar(void *ctx)
{
	in_arena = 1;
	return sum_nodes((struct shared_node __arena *)*(long *)ctx) + two_args(2, NULL);
}

/* no arena: a load from memory of the kernel that may fault, which shares its entry */
SEC("iter/bpf_map")
__success
int load_of_kernel(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	return map && map->inner_map_meta && map->inner_map_meta->inner_map_meta;
}

/* comes behind what it calls, with a scalar that the kernel has to cut first */
__weak int calls_back(__u64 addr)
{
	return two_args(2, (struct shared_node __arena *)addr);
}

SEC("syscall")
__success
int hazard_21_call_back(void *ctx)
{
	in_arena = 1;
	return two_args(1, NULL) + calls_back(in_arena);
}

/* a plain pointer as it is: the compiler would cast it, and make it a scalar */
static __always_inline struct shared_node __arena *launder(void *ptr)
{
	struct shared_node __arena *p;

	asm volatile("%[p] = %[ptr]" : [p]"=r"(p) : [ptr]"r"(ptr));
	return p;
}

SEC("syscall")
__failure __msg("is not a pointer to arena or scalar")
int hazard_21_arg_arena_stack(void *ctx)
{
	__u64 on_stack = 1;

	in_arena = 1;
	return two_args(1, launder(&on_stack));
}

SEC("syscall")
__failure __msg("is not a pointer to arena or scalar")
int hazard_21_arg_arena_ctx(void *ctx)
{
	in_arena = 1;
	return two_args(1, launder(ctx));
}

/* an address may be anything, and its high bits and type do not matter */
SEC("syscall")
__success
int addr_of_stack(void *ctx)
{
	__u64 on_stack = 1;

	bpf_arena_free_pages(&arena, launder(&on_stack), 1);
	return !bpf_arena_alloc_pages(&arena, launder(&on_stack), 1, -1, 0);
}

SEC("syscall")
__success
int addr_of_ctx(void *ctx)
{
	bpf_arena_free_pages(&arena, launder(ctx), 1);
	return 0;
}

SEC("syscall")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_21_map_is_scalar(void *ctx)
{
	bpf_arena_free_pages((void *)*(long *)ctx, NULL, 1);
	return 0;
}

SEC("syscall")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_21_map_is_null(void *ctx)
{
	bpf_arena_free_pages(NULL, NULL, 1);
	return 0;
}

SEC("syscall")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_21_map_is_stack(void *ctx)
{
	__u64 on_stack = 1;

	bpf_arena_free_pages(&on_stack, NULL, 1);
	return 0;
}

SEC("syscall")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_21_map_is_arena_memory(void *ctx)
{
	bpf_arena_free_pages((void *)&in_arena, NULL, 1);
	return 0;
}

SEC("syscall")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_21_map_is_value(void *ctx)
{
	__u32 key = 0;
	void *val = bpf_map_lookup_elem(&hash, &key);

	if (val)
		bpf_arena_free_pages(val, NULL, 1);
	return 0;
}

/* other types of programs that may sleep; progs/arena_nosleep.c has the rest */
SEC("fentry.s/" SYS_PREFIX "sys_getpgid")
__success
int in_fentry(void *ctx)
{
	void __arena *p = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	bpf_arena_free_pages(&arena, p, 1);
	return 0;
}

SEC("lsm.s/bpf")
__success
int in_lsm(void *ctx)
{
	void __arena *p = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	bpf_arena_free_pages(&arena, p, 1);
	return 0;
}

/* a map of an iterator is a map, and it may be of any type */
SEC("iter.s/bpf_map")
__success
int map_of_iter(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	if (map)
		bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

SEC("iter.s/bpf_map")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_22_map_of_iter_unchecked(struct bpf_iter__bpf_map *ctx)
{
	bpf_arena_free_pages(ctx->map, NULL, 1);
	return 0;
}

/* what other structures point to may be gone, or be a mere template */
SEC("iter.s/bpf_map")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_22_inner_map_meta(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map, *inner;

	if (!map)
		return 0;
	inner = map->inner_map_meta;
	if (inner)
		bpf_arena_free_pages(inner, NULL, 1);
	return 0;
}

SEC("iter.s/bpf_map")
__failure __msg("expected pointer to STRUCT bpf_map")
int no_map_at_all(struct bpf_iter__bpf_map *ctx)
{
	bpf_arena_free_pages(ctx->meta, NULL, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
