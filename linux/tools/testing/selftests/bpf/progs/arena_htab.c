// SPDX-License-Identifier: GPL-2.0
/* The program's side of a hash table that the process works on as well */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "../arena_htab.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

struct htab __arena_global htab;
__u32 first, last, missing, wrong;

/* keys first to last are in the table, with value = key * 3 */
SEC("tc")
int htab_check(struct __sk_buff *skb)
{
	struct htab_elem __arena *e;
	__u32 key;

	missing = 0;
	wrong = 0;
	for (key = first; key <= last && can_loop; key++) {
		e = htab_lookup_key(&htab, key);
		if (!e)
			missing++;
		else if (e->value != key * 3)
			wrong++;
	}
	return 0;
}

SEC("tc")
int htab_insert(struct __sk_buff *skb)
{
	__u32 key;

	for (key = first; key <= last && can_loop; key++)
		if (htab_insert_key(&htab, key, key * 3))
			return 1;
	return 0;
}

SEC("tc")
int htab_delete(struct __sk_buff *skb)
{
	__u32 key;

	for (key = first; key <= last && can_loop; key++)
		if (htab_delete_key(&htab, key))
			return 1;
	return 0;
}

char _license[] SEC("license") = "GPL";
