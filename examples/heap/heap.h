/* SPDX-License-Identifier: GPL-2.0 */
/* A heap in an arena, of objects of one size: what program and process share */
#include <bpf/bpf_arena.h>

struct object {
	struct object __arena *next; /* in the list of the free ones, or of those in use */
	__u64 number;
	char payload[48];
};

struct state {
	struct object __arena *free;
	struct object __arena *used;
	__u64 nr_used;
	__u64 nr_pages;
};
