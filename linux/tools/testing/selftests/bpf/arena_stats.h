/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __ARENA_STATS_H
#define __ARENA_STATS_H

/* What bpf_arena_fault says; see enum bpf_arena_access */
struct arena_seen {
	__u32 prog_id;
	__u32 access;
	__u64 uaddr;
	__u64 ip;
};

#define SEEN_READ 1
#define SEEN_WRITE 2
#define SEEN_ATOMIC 3

#endif
