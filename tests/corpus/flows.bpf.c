// SPDX-License-Identifier: GPL-2.0
/* A firewall and its tables: packets on one side, the arena on the other */
#include "corpus.h"
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/in.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

struct tuple {
	u32 source, dest;
	u16 sport, dport;
	u8 protocol;
};

struct flow {
	struct flow __arena *next;
	u32 source, dest;
	u16 sport, dport;
	u8 protocol, verdict;
	u64 packets, last, bytes;
};

struct rule {
	u32 source, source_mask, dest, dest_mask;
	u16 port_low, port_high;
	u8 protocol, action;
};

struct flow __arena * __arena_global flows[4096];
struct flow __arena * __arena_global unused;
struct rule __arena_global rules[256];
u32 nr_rules;
u64 timeout;

static int parse(struct xdp_md *ctx, struct tuple *t)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return -1;
	udp = (void *)ip + ip->ihl * 4;
	if ((void *)(udp + 1) > end)
		return -1;
	if (ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP)
		return -1;
	t->source = ip->saddr;
	t->dest = ip->daddr;
	t->sport = udp->source;
	t->dport = udp->dest;
	t->protocol = ip->protocol;
	return 0;
}

static u32 hash_of(struct tuple *t)
{
	u32 h = t->source * 0x9e3779b1 ^ t->dest * 0x85ebca6b;

	h ^= (t->sport << 16 | t->dport) * 0xc2b2ae35;
	return (h ^ h >> 15) + t->protocol;
}

static __noinline u8 classify(u32 source, u32 dest, u16 port, u8 protocol)
{
	u32 i;

	for (i = 0; i < nr_rules && i < 256 && can_loop; i++) {
		struct rule __arena *r = &rules[i];

		if ((source & r->source_mask) != r->source)
			continue;
		if ((dest & r->dest_mask) != r->dest)
			continue;
		if (r->protocol && r->protocol != protocol)
			continue;
		if (port >= r->port_low && port <= r->port_high)
			return r->action;
	}
	return XDP_PASS;
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	struct flow __arena *f;
	struct tuple t;
	u32 hash;

	if (parse(ctx, &t))
		return XDP_PASS;
	hash = hash_of(&t);
	for (f = flows[hash % 4096]; f && can_loop; f = f->next)
		if (f->source == t.source && f->dest == t.dest && f->sport == t.sport &&
		    f->dport == t.dport && f->protocol == t.protocol)
			goto found;
	f = unused;
	if (!f)
		return classify(t.source, t.dest, bpf_ntohs(t.dport), t.protocol);
	unused = f->next;
	f->source = t.source;
	f->dest = t.dest;
	f->sport = t.sport;
	f->dport = t.dport;
	f->protocol = t.protocol;
	f->packets = 0;
	f->bytes = 0;
	f->verdict = classify(t.source, t.dest, bpf_ntohs(t.dport), t.protocol);
	f->next = flows[hash % 4096];
	flows[hash % 4096] = f;
found:
	f->packets++;
	f->bytes += ctx->data_end - ctx->data;
	f->last = bpf_ktime_get_ns();
	return f->verdict;
}

SEC("tc")
int flows_expire(void *ctx)
{
	struct flow __arena * __arena *pos, *f;
	u64 now = bpf_ktime_get_ns();
	u32 i, expired = 0;

	for (i = 0; i < 4096 && can_loop; i++) {
		pos = &flows[i];
		while ((f = *pos) && can_loop) {
			if (now - f->last < timeout) {
				pos = &f->next;
				continue;
			}
			*pos = f->next;
			f->next = unused;
			unused = f;
			expired++;
		}
	}
	return expired;
}

/* The ten with the most bytes */
struct flow __arena * __arena_global top[10];

SEC("tc")
int flows_top(void *ctx)
{
	struct flow __arena *f;
	u32 i, k, n = 0;

	for (i = 0; i < 4096 && can_loop; i++) {
		for (f = flows[i]; f && can_loop; f = f->next) {
			if (n == 10 && top[9]->bytes >= f->bytes)
				continue;
			k = n < 10 ? n++ : 9;
			while (k > 0 && top[k - 1]->bytes < f->bytes && can_loop) {
				top[k] = top[k - 1];
				k--;
			}
			top[k] = f;
		}
	}
	return n;
}

/* Global functions, with an arena pointer and without */
__noinline u64 flow_score(struct flow __arena *f __arg_arena, u32 weight)
{
	struct flow __arena *at = f;
	u64 score = 0;

	for (; at && can_loop; at = at->next)
		score += at->packets * weight;
	return score;
}

SEC("tc")
int flows_score(void *ctx)
{
	u64 most = 0, score;
	u32 i, which = 0;

	for (i = 0; i < 4096 && can_loop; i++) {
		score = flow_score(flows[i], nr_rules);
		if (score > most) {
			most = score;
			which = i;
		}
	}
	return which;
}

static long count_one(u32 i, u32 *sum)
{
	struct flow __arena *f;

	for (f = flows[i % 4096]; f && can_loop; f = f->next)
		++*sum;
	return 0;
}

SEC("tc")
int flows_count_by_callback(void *ctx)
{
	u32 sum = 0;

	bpf_loop(4096, count_one, &sum, 0);
	return sum;
}
