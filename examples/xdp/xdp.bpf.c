// SPDX-License-Identifier: GPL-2.0
/* The program: it looks up where a packet comes from, and counts or drops it */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1000); /* pages */
} arena SEC(".maps");

struct host __arena * __arena_global buckets[BUCKETS];

SEC("xdp")
int filter(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct host __arena *h;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	h = host_find(buckets[bucket_of(ip->saddr)], ip->saddr);
	if (!h)
		return XDP_PASS;
	__sync_fetch_and_add(&h->packets, 1);
	return h->drop ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
