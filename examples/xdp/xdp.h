/* SPDX-License-Identifier: GPL-2.0 */
/* A hash table of IPv4 addresses that the process fills and the program looks into */
#include <bpf/bpf_arena.h>

#define BUCKETS 1024

struct host {
	struct host __arena *next;
	__u32 addr; /* in network byte order */
	__u32 drop;
	__u64 packets;
};

static inline __u32 bucket_of(__u32 addr)
{
	return (addr * 2654435761u) >> 22; /* 10 bits */
}

static inline struct host __arena *host_find(struct host __arena *h, __u32 addr)
{
	while (h && h->addr != addr && can_loop)
		h = h->next;
	return h;
}
