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

/* no cast by the compiler: the argument is an arena pointer as it comes */
__weak int used_as_it_is(struct shared_node __arena *n __arg_arena)
{
	int value;

	asm volatile("%[value] = *(u32 *)(%[n] + 8)" : [value]"=r"(value) : [n]"r"(n));
	return value;
}

SEC("syscall")
__success
int hazard_21_arg_arena_used(void *ctx)
{
	in_arena = 1;
	return used_as_it_is(NULL);
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
__failure __msg("but R1 is untrusted_ptr_bpf_map")
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

/* the pointer as it is, and nothing but that */
SEC("iter.s/bpf_map")
__failure __msg("dereference of modified ptr_ ptr R1 off=8 disallowed")
int hazard_28_iter_plus_8(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	if (map)
		bpf_arena_free_pages((void *)map + 8, NULL, 1);
	return 0;
}

SEC("iter.s/bpf_map")
__failure __msg("negative offset ptr_ ptr R1 off=-8 disallowed")
int hazard_28_iter_minus_8(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	if (map)
		bpf_arena_free_pages((void *)map - 8, NULL, 1);
	return 0;
}

SEC("iter.s/bpf_map")
__success
int hazard_28_iter_there_and_back(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	if (!map)
		return 0;
	asm volatile("%[map] += 8; %[map] += -8" : [map]"+r"(map));
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

/* so far that a constant does not fit into the register's offset any more */
SEC("iter.s/bpf_map")
__failure __msg("is not allowed")
int hazard_28_iter_plus_many(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	if (!map)
		return 0;
	asm volatile("%[map] += 0x1fffffff; %[map] += 0x1fffffff" : [map]"+r"(map));
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

/* into the value of an array of one's own, for example */
SEC("iter.s/bpf_map")
__failure __msg("variable ptr_ access var_off=")
int hazard_28_iter_plus_unknown(struct bpf_iter__bpf_map *ctx)
{
	__u64 off = bpf_get_prandom_u32();
	struct bpf_map *map = ctx->map;

	if (!map)
		return 0;
	asm volatile("%[map] += %[off]" : [map]"+r"(map) : [off]"r"(off));
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

SEC("iter.s/bpf_map")
__failure __msg("variable ptr_ access var_off=")
int hazard_28_iter_plus_little(struct bpf_iter__bpf_map *ctx)
{
	__u64 off = bpf_get_prandom_u32() & 8;
	struct bpf_map *map = ctx->map;

	if (!map)
		return 0;
	asm volatile("%[map] += %[off]" : [map]"+r"(map) : [off]"r"(off));
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

SEC("iter.s/bpf_map")
__failure __msg("disallowed")
int hazard_28_iter_minus_unknown(struct bpf_iter__bpf_map *ctx)
{
	__u64 off = bpf_get_prandom_u32() & 8;
	struct bpf_map *map = ctx->map;

	if (!map)
		return 0;
	asm volatile("%[map] -= %[off]" : [map]"+r"(map) : [off]"r"(off));
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

SEC("iter.s/bpf_map")
__failure __msg("pointer arithmetic on ptr_or_null_ prohibited")
int hazard_28_iter_unchecked_plus_8(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	asm volatile("%[map] += 8" : [map]"+r"(map));
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

/* the other kfuncs have the same argument */
SEC("iter.s/bpf_map")
__failure __msg("variable ptr_ access var_off=")
int hazard_28_alloc_of_iter(struct bpf_iter__bpf_map *ctx)
{
	__u64 off = bpf_get_prandom_u32();
	struct bpf_map *map = ctx->map;

	if (!map)
		return 0;
	asm volatile("%[map] += %[off]" : [map]"+r"(map) : [off]"r"(off));
	return !bpf_arena_alloc_pages(map, NULL, 1, -1, 0);
}

SEC("iter.s/bpf_map")
__failure __msg("variable ptr_ access var_off=")
int hazard_28_reserve_of_iter(struct bpf_iter__bpf_map *ctx)
{
	__u64 off = bpf_get_prandom_u32();
	struct bpf_map *map = ctx->map;

	if (!map)
		return 0;
	asm volatile("%[map] += %[off]" : [map]"+r"(map) : [off]"r"(off));
	return !bpf_arena_reserve_pages(map, NULL, 1);
}

/* a map in the stack is still one */
SEC("iter.s/bpf_map")
__success
int map_of_iter_spilled(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *volatile map = ctx->map;
	struct bpf_map *again = map;

	if (again)
		bpf_arena_free_pages(again, NULL, 1);
	return 0;
}

SEC("syscall")
__failure __msg("R1 pointer arithmetic on map_ptr prohibited")
int hazard_28_map_plus_8(void *ctx)
{
	void *map = &arena;

	asm volatile("%[map] += 8" : [map]"+r"(map));
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

SEC("syscall")
__failure __msg("pointer arithmetic on map_ptr prohibited")
int hazard_28_map_plus_unknown(void *ctx)
{
	__u64 off = bpf_get_prandom_u32();
	void *map = &arena;

	asm volatile("%[map] += %[off]" : [map]"+r"(map) : [off]"r"(off));
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

/* a map of another type is one in which there is nothing to allocate */
SEC("syscall")
__success
int hazard_28_map_is_hash(void *ctx)
{
	void __arena *p = bpf_arena_alloc_pages(&hash, NULL, 1, -1, 0);

	bpf_arena_free_pages(&hash, NULL, 1);
	return !p && bpf_arena_reserve_pages(&hash, NULL, 1) < 0;
}

static long with_map(struct bpf_map *map, __u32 *key, __u64 *val, void *ctx)
{
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

SEC("syscall")
__success
int hazard_28_map_of_callback(void *ctx)
{
	return bpf_for_each_map_elem(&hash, with_map, NULL, 0);
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__type(key, __u32);
		__type(value, __u64);
	});
} outer SEC(".maps");

/* it may be replaced, and freed, as soon as it has been found */
SEC("tc")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_28_inner_map(void *ctx)
{
	__u32 key = 0;
	void *map = bpf_map_lookup_elem(&outer, &key);

	if (map)
		bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

SEC("tc")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_28_inner_map_unchecked(void *ctx)
{
	__u32 key = 0;

	bpf_arena_free_pages(bpf_map_lookup_elem(&outer, &key), NULL, 1);
	return 0;
}

static long with_inner_map(struct bpf_map *map, __u32 *key, __u64 *val, void *ctx)
{
	bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

SEC("tc")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_28_inner_map_of_callback(void *ctx)
{
	__u32 key = 0;
	void *map = bpf_map_lookup_elem(&outer, &key);

	return map && bpf_for_each_map_elem(map, with_inner_map, NULL, 0);
}

/* a map that is on its way out, perhaps */
SEC("fentry/bpf_map_put")
__failure __msg("but R1 is untrusted_ptr_bpf_map")
int hazard_28_freed_map(__u64 *ctx)
{
	bpf_arena_free_pages((void *)ctx[0], NULL, 1);
	return 0;
}

struct with_kptr {
	struct bpf_map __attribute__((btf_type_tag("kptr"))) *map;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct with_kptr);
} kptrs SEC(".maps");

SEC("tc")
__failure __msg("but R1 is untrusted_ptr_bpf_map")
int hazard_28_untrusted_map(void *ctx)
{
	struct with_kptr *val;
	struct bpf_map *map;
	__u32 key = 0;

	val = bpf_map_lookup_elem(&kptrs, &key);
	if (!val)
		return 0;
	map = val->map;
	if (map)
		bpf_arena_free_pages(map, NULL, 1);
	return 0;
}

extern const int bpf_prog_active __ksym;

SEC("syscall")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_28_percpu(void *ctx)
{
	bpf_arena_free_pages((void *)&bpf_prog_active, NULL, 1);
	return 0;
}

SEC("syscall")
__failure __msg("expected pointer to STRUCT bpf_map")
int hazard_28_map_is_ctx(void *ctx)
{
	bpf_arena_free_pages(ctx, NULL, 1);
	return 0;
}

/* under a lock nothing is called, and nothing sleeps */
struct locked {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} locks SEC(".maps");

SEC("tc")
__failure __msg("function calls are not allowed while holding a lock")
int hazard_29_under_lock(void *ctx)
{
	struct locked *val;
	__u32 key = 0;

	val = bpf_map_lookup_elem(&locks, &key);
	if (!val)
		return 0;
	bpf_spin_lock(&val->lock);
	bpf_arena_free_pages(&arena, NULL, 1);
	bpf_spin_unlock(&val->lock);
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
