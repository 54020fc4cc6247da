// SPDX-License-Identifier: GPL-2.0
/*
 * Answers a UDP datagram over IPv4 by one with as many bytes of text as the
 * reserved field of its frame header says, all zero. The least that a client, a
 * network and an XDP program can cost: see kv_load.c.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "layout.h"

#define PORT	11211
#define TEXT	(ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr) + \
		 sizeof(struct kv_frame))

static __always_inline void swap_addresses(struct ethhdr *eth, struct iphdr *ip,
					   struct udphdr *udp)
{
	unsigned char mac[ETH_ALEN];
	__be32 addr = ip->saddr;
	__be16 port = udp->source;

	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	udp->source = udp->dest;
	udp->dest = port;
}

/* The text is all zeroes and has no part in the sum. */
static __always_inline void set_length(struct iphdr *ip, struct udphdr *udp,
				       __u16 len)
{
	struct kv_frame *frame = (void *)(udp + 1);
	__u16 old = ip->tot_len;
	__u64 sum = ip->saddr;

	udp->len = bpf_htons(len);
	frame->reserved = 0;
	sum += ip->daddr;
	sum += udp->source + udp->dest + 2 * udp->len + bpf_htons(IPPROTO_UDP) +
	       frame->id + frame->seq + frame->total;
	udp->check = ~kv_fold(sum);
	ip->tot_len = bpf_htons(len + sizeof(*ip));
	ip->check = ~kv_fold((__u16)~ip->check + (__u16)~old + ip->tot_len);
}

SEC("xdp")
int xdp_null(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);
	struct kv_frame *frame = (void *)(udp + 1);
	struct ethhdr *eth = data;
	__u32 text_len;

	if (data + TEXT > end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    *(__u8 *)ip != 0x45 || ip->protocol != IPPROTO_UDP ||
	    udp->dest != bpf_htons(PORT))
		return XDP_PASS;
	text_len = bpf_ntohs(frame->reserved);
	swap_addresses(eth, ip, udp);
	set_length(ip, udp, text_len + sizeof(*udp) + sizeof(*frame));
	if (bpf_xdp_adjust_tail(ctx, TEXT - (int)(end - data)) ||
	    bpf_xdp_adjust_tail(ctx, text_len))
		return XDP_ABORTED;
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
