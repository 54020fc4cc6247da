// SPDX-License-Identifier: GPL-2.0
/* bpf_spin_lock in programs that may sleep */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "bpf_misc.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct locked {
	struct bpf_spin_lock lock;
	__u32 holders;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} locks SEC(".maps");

__u64 __arena_global count;
int tries = 100;

/* Neither the arena's counter nor the map's is added to in one step. */
SEC("syscall")
int counts(void *ctx)
{
	struct locked *l;
	__u32 key = 0;
	int i;

	l = bpf_map_lookup_elem(&locks, &key);
	if (!l)
		return 1;
	for (i = 0; i < tries && can_loop; i++) {
		__u64 seen;
		int wait;

		bpf_spin_lock(&l->lock);
		seen = count;
		if (l->holders++)
			tries = 0;
		for (wait = 0; wait < 20; wait++)
			barrier();
		l->holders--;
		count = seen + 1;
		bpf_spin_unlock(&l->lock);
	}
	return 0;
}

static long locks_value(void *map, __u32 *key, struct locked *l, void *ctx)
{
	bpf_spin_lock(&l->lock);
	return 0;
}

/* It would hold the lock for ever, and the verifier would not know. */
SEC("?syscall")
__failure __msg("bpf_spin_lock of a callback's map value is not supported")
int hazard_21_callback(void *ctx)
{
	count++;
	bpf_for_each_map_elem(&locks, locks_value, NULL, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
