/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Headers of a datagram: which ones are answered, and what an answer's are.
 *
 *	eth | ip | udp | frame | text
 *
 * Answered: to one of the server's addresses and its port, IPv4 without options or IPv6
 * without extension headers, whole, without a VLAN tag, from one station whose address
 * the kernel need not judge, lengths that agree with each other and with the packet, a
 * good checksum of the IPv4 header. The rest is the network stack's affair. Nothing here
 * changes a packet before reply_headers().
 *
 * The UDP checksum of a request is not verified: XDP cannot know if the hardware has done
 * so, and on a veth it is not even complete. That it is there, as IPv6 asks, is looked at.
 */
#ifndef ARENA_MEMCACHED_PACKET_H
#define ARENA_MEMCACHED_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "layout.h"

#define IP_FRAGMENT	0x3fff	/* more fragments, or an offset */
#define IP_DF		0x4000
#define TTL		64

#define REST_LEN	(sizeof(struct udphdr) + sizeof(struct mc_frame))
#define TEXT_V4		(ETH_HLEN + sizeof(struct iphdr) + REST_LEN)
#define TEXT_V6		(ETH_HLEN + sizeof(struct ipv6hdr) + REST_LEN)

extern const volatile struct mc_config config;

struct packet {
	struct xdp_md *ctx;
	void *data;
	void *end;
	__u32 text;	/* offset of the datagram's text */
	__u32 len;	/* of the text */
	__u32 size;	/* of the frame */
	bool from_0;	/* source port 0: nobody waits for an answer, or can be sent one */
};

/* Folds a sum of 16 or 32-bit words into the Internet's one's complement sum. */
static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static __always_inline bool has_v4(const volatile __u32 *list, __u32 nr, __be32 addr)
{
	__u32 i;

	for (i = 0; i < MC_OWN_MAX && i < nr; i++)
		if (list[i] == addr)
			return true;
	return false;
}

static __always_inline bool has_v6(const volatile __u32 (*list)[4], __u32 nr,
				   const struct in6_addr *addr)
{
	__u32 i;

	for (i = 0; i < MC_OWN_MAX && i < nr; i++)
		if (list[i][3] == addr->s6_addr32[3] && list[i][2] == addr->s6_addr32[2] &&
		    list[i][1] == addr->s6_addr32[1] && list[i][0] == addr->s6_addr32[0])
			return true;
	return false;
}

/* To us, from one station */
static __always_inline bool check_eth(const struct ethhdr *eth)
{
	const volatile __u16 *mac = (const volatile __u16 *)config.mac;
	const __u16 *to = (const __u16 *)eth->h_dest;

	return to[0] == mac[0] && to[1] == mac[1] && to[2] == mac[2] &&
	       !(eth->h_source[0] & 1);
}

/* What the stack drops, or would answer to another than the sender */
static __always_inline bool odd_source_v4(__be32 addr)
{
	__u32 net = bpf_ntohl(addr) >> 24;

	return net == 0 || net == 127 || net >= 224 ||
	       has_v4(config.own_v4, config.nr_own_v4, addr);
}

static __always_inline bool odd_source_v6(const struct in6_addr *addr)
{
	/* ::/64 has the unspecified and the loopback address; ff00::/8. */
	return (!addr->s6_addr32[0] && !addr->s6_addr32[1]) ||
	       addr->s6_addr[0] == 0xff || has_v6(config.own_v6, config.nr_own_v6, addr);
}

static __always_inline bool good_sum(const struct iphdr *ip)
{
	const __u32 *words = (const __u32 *)ip;

	return fold((__u64)words[0] + words[1] + words[2] + words[3] + words[4]) == 0xffff;
}

/* The port is compared first of all: most packets of strangers are for another one. */
static __always_inline bool parse_udp(struct packet *pkt, const struct udphdr *udp)
{
	pkt->len = bpf_ntohs(udp->len) - REST_LEN;
	pkt->from_0 = !udp->source;
	return udp->dest == config.port;
}

static __always_inline bool parse_v4(struct packet *pkt)
{
	struct iphdr *ip = pkt->data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);

	if (pkt->data + TEXT_V4 > pkt->end)
		return false;
	if (*(__u8 *)ip != 0x45 || ip->protocol != IPPROTO_UDP ||
	    ip->frag_off & bpf_htons(IP_FRAGMENT) || !parse_udp(pkt, udp) ||
	    bpf_ntohs(ip->tot_len) != sizeof(*ip) + bpf_ntohs(udp->len))
		return false;
	pkt->text = TEXT_V4;
	return check_eth(pkt->data) && has_v4(config.v4, config.nr_v4, ip->daddr) &&
	       good_sum(ip) && !odd_source_v4(ip->saddr);
}

static __always_inline bool parse_v6(struct packet *pkt)
{
	struct ipv6hdr *ip = pkt->data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);

	if (pkt->data + TEXT_V6 > pkt->end)
		return false;
	if (ip->version != 6 || ip->nexthdr != IPPROTO_UDP || !parse_udp(pkt, udp) ||
	    ip->payload_len != udp->len || !udp->check)
		return false;
	pkt->text = TEXT_V6;
	return check_eth(pkt->data) && has_v6(config.v6, config.nr_v6, &ip->daddr) &&
	       !odd_source_v6(&ip->saddr);
}

/* Whether the packet is a memcached datagram to the server. @pkt->len is not checked. */
static __always_inline bool parse_headers(struct packet *pkt)
{
	struct ethhdr *eth = pkt->data;

	if ((void *)(eth + 1) > pkt->end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return parse_v4(pkt);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return parse_v6(pkt);
	return false;
}

/* Where it lies, after it may have been moved */
static __always_inline void look_anew(struct packet *pkt)
{
	const volatile struct xdp_md *ctx = pkt->ctx;

	pkt->data = (void *)(long)ctx->data;
	pkt->end = (void *)(long)ctx->data_end;
}

/* Makes the frame that long; nothing changes if that cannot be. */
static __always_inline bool resize(struct packet *pkt, __u32 size)
{
	if (bpf_xdp_adjust_tail(pkt->ctx, (int)size - (int)pkt->size))
		return false;
	pkt->size = size;
	look_anew(pkt);
	return true;
}

static __always_inline bool within_mtu(const struct packet *pkt, __u32 size)
{
	__u32 mtu = 0;

	if (config.mtu && size > ETH_HLEN + config.mtu)
		return false;
	return !bpf_check_mtu(pkt->ctx, 0, &mtu, (int)size - (int)pkt->size, 0);
}

static __always_inline void swap_eth(struct ethhdr *eth)
{
	__u16 *to = (__u16 *)eth->h_dest, *from = (__u16 *)eth->h_source;
	__u16 mac[3] = { to[0], to[1], to[2] };
	int i;

	for (i = 0; i < 3; i++) {
		to[i] = from[i];
		from[i] = mac[i];
	}
}

/*
 * @sum is of the text and of both addresses. Protocol and length are in the sum of the
 * pseudo header, the length in that of the UDP header again.
 */
static __always_inline void write_udp(struct udphdr *udp, __u16 len, __u64 sum)
{
	struct mc_frame *frame = (void *)(udp + 1);
	__be16 port = udp->source;

	frame->seq = 0;
	frame->total = bpf_htons(1);
	frame->reserved = 0;
	udp->source = udp->dest;
	udp->dest = port;
	udp->len = bpf_htons(len);

	sum += udp->source + udp->dest + 2 * udp->len + bpf_htons(IPPROTO_UDP) +
	       frame->id + frame->total;
	udp->check = ~fold(sum);
	if (!udp->check)
		udp->check = 0xffff;	/* 0 would mean: none */
}

static __always_inline void write_v4(struct iphdr *ip, __u16 len, __u64 sum)
{
	__be32 from = ip->saddr, to = ip->daddr;

	ip->saddr = to;
	ip->daddr = from;
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + len);
	ip->id = 0;
	ip->frag_off = bpf_htons(IP_DF);
	ip->ttl = TTL;
	ip->check = ~fold((__u64)from + to + bpf_htons(0x4500) + ip->tot_len +
			  bpf_htons(IP_DF) + bpf_htons(TTL << 8 | IPPROTO_UDP));
	write_udp((void *)(ip + 1), len, sum + from + to);
}

static __always_inline void write_v6(struct ipv6hdr *ip, __u16 len, __u64 sum)
{
	struct in6_addr from = ip->saddr, to = ip->daddr;
	int i;

	for (i = 0; i < 4; i++) {
		sum += from.s6_addr32[i];
		sum += to.s6_addr32[i];
	}
	ip->saddr = to;
	ip->daddr = from;
	*(__be32 *)ip = bpf_htonl(0x60000000);
	ip->payload_len = bpf_htons(len);
	ip->hop_limit = TTL;
	write_udp((void *)(ip + 1), len, sum);
}

/* The headers of an answer whose text has length @text_len and sum @sum. */
static __always_inline bool reply_headers(struct packet *pkt, __u32 text_len, __u64 sum)
{
	void *ip = pkt->data + ETH_HLEN;
	__u16 len = REST_LEN + text_len;

	if (pkt->data + TEXT_V4 > pkt->end)
		return false;
	swap_eth(pkt->data);
	if (pkt->text == TEXT_V4)
		write_v4(ip, len, sum);
	else if (pkt->data + TEXT_V6 <= pkt->end)
		write_v6(ip, len, sum);
	else
		return false;
	return true;
}

#endif
