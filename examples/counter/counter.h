/* SPDX-License-Identifier: GPL-2.0 */
/* Counters by key, in a table that all CPUs and all processes may use at once */
#include <bpf/bpf_arena.h>

#define SLOTS 256 /* a power of two, and more than there are keys */

struct slot {
	__u64 key; /* 0 as long as the slot is free */
	__u64 count;
};

/* The key's slot: the first one from its own place on that it has or can get */
static inline struct slot __arena *slot_find(struct slot __arena *table, __u64 key)
{
	struct slot __arena *s;
	__u64 i, old;

	for (i = key; i < key + SLOTS && can_loop; i++) {
		s = &table[i % SLOTS];
		old = __sync_val_compare_and_swap(&s->key, 0, key);
		if (!old || old == key)
			return s;
	}
	return NULL;
}
