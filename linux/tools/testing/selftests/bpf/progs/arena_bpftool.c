// SPDX-License-Identifier: GPL-2.0
/*
 * What bpftool has to show: an arena with pages at some places and none at
 * others, and every kind of arena instruction. "bpftool prog run" cannot give
 * an argument to these programs, so they have none.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

/* page 0; the rest is up to the programs */
char __arena_global hello[32] = "hello, arena";
__u64 __arena_global counter;

__u64 __arena *kept;

#define PAGE(n) ((void __arena *)((char __arena *)hello + (n) * PAGE_SIZE))

/* Pages 3, 5 and 6, of which the last stays all zeroes, and the last one */
SEC("syscall")
int fill(void *ctx)
{
	__u64 __arena *p;

	if (!bpf_arena_alloc_pages(&arena, PAGE(3), 1, -1, 0) ||
	    !bpf_arena_alloc_pages(&arena, PAGE(5), 2, -1, 0) ||
	    !bpf_arena_alloc_pages(&arena, PAGE(15), 1, -1, 0))
		return 1;
	p = PAGE(3);
	p[2] = 0x1122334455667788;
	p = PAGE(5);
	*p = 0x7e7e7e7e7e7e7e7e;
	p = PAGE(15);
	p[PAGE_SIZE / sizeof(*p) - 1] = ~0ULL;
	return 0;
}

/* After fill(): two loads of a page that is not there, and an address in use */
SEC("syscall")
int trouble(void *ctx)
{
	volatile __u64 __arena *p = PAGE(7);

	p[1];
	p[2];
	return bpf_arena_alloc_pages(&arena, PAGE(3), 1, -1, 0) ? 1 : 0;
}

/* A call ends the body of the loop, so that its block ends in one, too */
static __noinline void count(__u64 __arena *p)
{
	__sync_fetch_and_add(p, 1);
}

SEC("syscall")
int instructions(void *ctx)
{
	__u64 __arena *p = &counter;
	__u64 __arena *user = kept;
	int i;

	for (i = 0; i < 10 && can_loop; i++)
		count(p);
	bpf_addr_space_cast(user, 1, 0);
	__sync_val_compare_and_swap(p, 10, 11);
	__sync_lock_test_and_set(p, 12);
	*(volatile __u8 __arena *)p = 13;
	kept = user;
	return __sync_fetch_and_or(p, 1);
}

char _license[] SEC("license") = "GPL";
