// SPDX-License-Identifier: GPL-2.0
/* What bench arena-* runs: each program does many rounds, and counts those that went well */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "../arena_htab.h"
#include "../arena_list.h"

#define ELEMS 1024
#define LOOKUPS 1000
#define PAIRS 100

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
} arena SEC(".maps");

struct shared_list __arena_global list;
struct list_elem __arena_global list_elems[ELEMS];
struct htab __arena_global htab;
struct htab_elem __arena_global htab_elems[HTAB_BUCKETS];

long hits;
long drops;

static void count(long good, long bad)
{
	__sync_fetch_and_add(&hits, good);
	__sync_fetch_and_add(&drops, bad);
}

/* a list of ones, and a table with an element for each bucket */
SEC("syscall")
int set_up(void *ctx)
{
	__u32 i;

	for (i = 0; i < ELEMS && can_loop; i++) {
		list_elems[i].value = 1;
		list_add_node(&list_elems[i].node, &list);
	}
	htab_feed(&htab, htab_elems, HTAB_BUCKETS);
	for (i = 0; i < HTAB_BUCKETS && can_loop; i++)
		if (htab_insert_key(&htab, i, i))
			return 1;
	return 0;
}

SEC("syscall")
int bench_list(void *ctx)
{
	__u64 sum = list_sum_of(&list);

	count(sum, ELEMS - sum);
	return 0;
}

SEC("syscall")
int bench_hash(void *ctx)
{
	__u32 i, found = 0;

	for (i = 0; i < LOOKUPS && can_loop; i++)
		found += !!htab_lookup_key(&htab, i % HTAB_BUCKETS);
	count(found, LOOKUPS - found);
	return 0;
}

SEC("syscall")
int bench_alloc(void *ctx)
{
	__u32 i, good = 0;
	void __arena *page;

	for (i = 0; i < PAIRS && can_loop; i++) {
		page = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
		if (!page)
			continue;
		bpf_arena_free_pages(&arena, page, 1);
		good++;
	}
	count(good, PAIRS - good);
	return 0;
}

char _license[] SEC("license") = "GPL";
