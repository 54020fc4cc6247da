// SPDX-License-Identifier: GPL-2.0
/* An arena that is pinned by its name, for all who load this file to share */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__ulong(map_extra, 0x1200000000);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} arena_shared SEC(".maps");

__u64 __arena_global loads = 1000;
__u64 __arena * __arena_global loads_ptr = &loads;

SEC("syscall")
int add_one(void *ctx)
{
	__sync_fetch_and_add(loads_ptr, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
