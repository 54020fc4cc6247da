// SPDX-License-Identifier: GPL-2.0
/*
 * Answers memcached's UDP gets where they arrive, out of the server's memory.
 *
 *	 packet:  eth | ip | udp | frame | "get KEY\r\n"
 *	 arena:   table[hash] -> item -> item: "VALUE KEY 0 5\r\nhello\r\nEND\r\n"
 *	 answer:  eth | ip | udp | frame | "VALUE KEY 0 5\r\nhello\r\nEND\r\n"
 *
 * What is answered: a datagram that is one get or gets of one key, written as
 * clients write it, to the server's port and one of its addresses, over IPv4
 * without options or IPv6 without extension headers, not fragmented, without a
 * VLAN tag, when the answer is one datagram that fits the MTU. All else is
 * passed up untouched, and the server answers it: nothing is written to the
 * packet before it is certain that the answer can be completed.
 *
 * A miss is answered too. By 2. and 3. in layout.h a key that is stored is in
 * the chain at every instant, so that not to find it is no less certain than
 * to find it.
 *
 * XDP comes before the network stack. What is answered here is seen by no
 * firewall, and the MTU of the device is taken for that of the path.
 *
 * The checksum of a request is not verified: XDP cannot know if the hardware
 * has done so, and on a veth it is not even complete. The one of an answer is
 * computed from the sum that the item keeps.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_arena.h>

#include "layout.h"

#define GET		0x20746567	/* "get " */
#define GETS		0x73746567	/* "gets" */
#define CRLF		0x0a0d
#define END_CR		0x0d444e45U	/* "END\r" */

#define IP_FRAGMENT	0x3fff		/* more fragments, or an offset */
#define IP_DF		0x4000
#define TTL		64
#define BLOCK		64		/* bytes copied between two checks */
#define OFF_MASK	2047		/* more than any packet we look at or send */

#define ONES		0x0101010101010101ULL

/* For what the server may be writing at this moment. */
#define LOAD_ONCE(x)	(*(volatile typeof(x) *)&(x))

/* Packet bytes have no alignment, and need none on x86-64 and arm64. */
#define word_at(p)	(*(__u64 *)(p))
#define arena_word(p)	(*(__u64 __arena *)(p))

/* max_entries is set by the server from -m. */
struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

struct kv_root __arena kv;

#define REST_LEN	(sizeof(struct udphdr) + sizeof(struct kv_frame))
#define TEXT_V4		(ETH_HLEN + sizeof(struct iphdr) + REST_LEN)
#define TEXT_V6		(ETH_HLEN + sizeof(struct ipv6hdr) + REST_LEN)

struct request {
	void *data;
	void *end;
	__u32 text;		/* offset of the datagram's text */
	__u32 text_len;
	__u32 key;		/* offset of the key */
	__u32 key_len;
	__u64 hash;
	bool with_cas;
};

/* A limit that the verifier understands, and that clang cannot reason away. */
static __always_inline __u64 limit(__u64 off)
{
	barrier_var(off);
	return off & OFF_MASK;
}

static __always_inline void *packet_at(const struct request *req, __u64 off)
{
	return req->data + limit(off);
}

/*
 * Loops over bytes go from kv.zero, which is 0, but not to the verifier, by way
 * of step(), after which it knows the limit and nothing else. To it all rounds
 * are alike: it checks one, and can_loop is all it wants. Of a loop that counts
 * it would check each round, times all that follows.
 */
static __always_inline __u64 step(__u64 off, __u64 size)
{
	return limit(off + size);
}

#define start() step(kv.zero, 0)

static __always_inline bool local_v4(__be32 addr)
{
	__u32 i;

	for (i = 0; i < KV_LOCAL_MAX && i < kv.local.nr_v4; i++)
		if (kv.local.v4[i] == addr)
			return true;
	return false;
}

static __always_inline bool local_v6(const struct in6_addr *addr)
{
	__u32 i;

	for (i = 0; i < KV_LOCAL_MAX && i < kv.local.nr_v6; i++)
		if (kv.local.v6[i][3] == addr->s6_addr32[3] &&
		    kv.local.v6[i][2] == addr->s6_addr32[2] &&
		    kv.local.v6[i][1] == addr->s6_addr32[1] &&
		    kv.local.v6[i][0] == addr->s6_addr32[0])
			return true;
	return false;
}

/* To us, from one station. */
static __always_inline bool check_eth(const struct ethhdr *eth)
{
	const __u16 *to = (const __u16 *)eth->h_dest;
	const __u16 __arena *mac = (const __u16 __arena *)kv.local.mac;

	return to[0] == mac[0] && to[1] == mac[1] && to[2] == mac[2] &&
	       !(eth->h_source[0] & 1);
}

/* Whether the kernel rather than we should judge a source address. */
static __always_inline bool odd_source_v4(__be32 addr)
{
	__u32 net = bpf_ntohl(addr) >> 24;

	return net == 0 || net == 127 || net >= 224;
}

static __always_inline bool odd_source_v6(const struct in6_addr *addr)
{
	/* ::/64 has the unspecified and the loopback address; ff00::/8. */
	return (!addr->s6_addr32[0] && !addr->s6_addr32[1]) ||
	       addr->s6_addr[0] == 0xff;
}

static __always_inline bool parse_udp(struct request *req,
				      const struct udphdr *udp)
{
	req->text_len = bpf_ntohs(udp->len) - REST_LEN;
	return udp->dest == kv.local.port && udp->source;
}

static __always_inline bool parse_v4(struct request *req)
{
	struct iphdr *ip = req->data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);

	if (req->data + TEXT_V4 > req->end)
		return false;
	if (*(__u8 *)ip != 0x45 || ip->protocol != IPPROTO_UDP ||
	    ip->frag_off & bpf_htons(IP_FRAGMENT) ||
	    bpf_ntohs(ip->tot_len) != sizeof(*ip) + bpf_ntohs(udp->len))
		return false;
	req->text = TEXT_V4;
	return parse_udp(req, udp) && check_eth(req->data) &&
	       local_v4(ip->daddr) && !odd_source_v4(ip->saddr);
}

static __always_inline bool parse_v6(struct request *req)
{
	struct ipv6hdr *ip = req->data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);

	if (req->data + TEXT_V6 > req->end)
		return false;
	if (ip->version != 6 || ip->nexthdr != IPPROTO_UDP ||
	    ip->payload_len != udp->len)
		return false;
	req->text = TEXT_V6;
	return parse_udp(req, udp) && check_eth(req->data) &&
	       local_v6(&ip->daddr) && !odd_source_v6(&ip->saddr);
}

/* Whether the packet is a memcached datagram to the server. */
static __always_inline bool parse_headers(struct request *req)
{
	struct ethhdr *eth = req->data;

	if ((void *)(eth + 1) > req->end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return parse_v4(req);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return parse_v6(req);
	return false;
}

/* "get KEY\r\n" or "gets KEY\r\n", as for the lengths. */
static __always_inline bool parse_command(struct request *req)
{
	char *text = req->data + req->text;
	const struct kv_frame *frame = (void *)text - sizeof(*frame);
	__u32 verb_len, len = req->text_len;
	char *end;

	if ((void *)text + 5 > req->end || frame->total != bpf_htons(1))
		return false;
	req->with_cas = *(__u32 *)text == GETS && text[4] == ' ';
	if (!req->with_cas && *(__u32 *)text != GET)
		return false;
	verb_len = req->with_cas ? 5 : 4;
	if (len < verb_len + 1 + 2 || len > verb_len + KV_KEY_MAX + 2)
		return false;
	req->key = req->text + verb_len;
	req->key_len = len - verb_len - 2;

	end = packet_at(req, req->key + req->key_len);
	return (void *)end + 2 <= req->end && *(__u16 *)end == CRLF;
}

/* The last word of the key, padded; see kv_key_tail(). */
static __always_inline bool load_tail(const struct request *req, __u64 *tail)
{
	void *p = packet_at(req, req->key + req->key_len - 8);

	if (p + 8 > req->end)
		return false;
	*tail = kv_key_tail(word_at(p), req->key_len);
	return true;
}

static __always_inline bool hash_key(struct request *req)
{
	__u64 off, word, len = req->key_len;

	req->hash = kv_hash_start(kv.seed, len);
	for (off = start(); off + 8 <= len && can_loop; off = step(off, 8)) {
		void *p = packet_at(req, req->key + off);

		if (p + 8 > req->end)
			return false;
		req->hash = kv_hash_add(req->hash, word_at(p));
	}
	if (len % 8 == 0)
		return true;
	if (!load_tail(req, &word))
		return false;
	req->hash = kv_hash_add(req->hash, word);
	return true;
}

/* Whether a byte is a space or a newline: all eight of them at a time. */
static __always_inline bool ends_key(__u64 word)
{
	__u64 space = word ^ ONES * ' ', newline = word ^ ONES * '\n';

	return ((space - ONES) & ~space & ONES << 7) ||
	       ((newline - ONES) & ~newline & ONES << 7);
}

/*
 * Whether it is one key that was asked for. If not, the server takes it apart.
 * It never stores a key with such bytes, so only a miss needs to ask.
 */
static __always_inline bool single_key(const struct request *req)
{
	__u64 off, word, len = req->key_len;

	for (off = start(); off + 8 <= len && can_loop; off = step(off, 8)) {
		void *p = packet_at(req, req->key + off);

		if (p + 8 > req->end || ends_key(word_at(p)))
			return false;
	}
	return len % 8 == 0 || (load_tail(req, &word) && !ends_key(word));
}

static __always_inline bool item_has_key(const struct kv_item __arena *item,
					 const struct request *req)
{
	const char __arena *key = item->text + KV_VERB_LEN;
	__u64 off, tail, len = req->key_len;

	if (item->hash != req->hash || item->key_len != len)
		return false;
	for (off = start(); off + 8 <= len && can_loop; off = step(off, 8)) {
		void *p = packet_at(req, req->key + off);

		if (p + 8 > req->end || word_at(p) != arena_word(key + off))
			return false;
	}
	return len % 8 == 0 ||
	       (load_tail(req, &tail) &&
		kv_key_tail(arena_word(key + len - 8), len) == tail);
}

/*
 * Walks the chain that the server walks. True if the result is certain: @found
 * is the item, or NULL if there is none. A chain has no length that could be
 * known beforehand, hence can_loop.
 */
static __always_inline bool find(const struct request *req,
				 struct kv_item __arena **found)
{
	struct kv_item __arena *item;

	item = LOAD_ONCE(kv.table[req->hash & kv.mask]);
	while (item && !item_has_key(item, req)) {
		if (!can_loop)
			return false;
		item = LOAD_ONCE(item->next);
	}
	*found = item;
	return true;
}

static __always_inline bool item_dead(struct kv_item __arena *item)
{
	__u64 expires = LOAD_ONCE(item->expires);

	return item->cas <= LOAD_ONCE(kv.flush_cas) ||
	       (expires && expires <= bpf_ktime_get_coarse_ns());
}

/* Makes the packet as long as its answer; nothing changes if that is not so. */
static __always_inline bool resize(struct xdp_md *ctx, struct request *req,
				   __u32 text_len)
{
	int change = (int)(req->text + text_len) - (int)(req->end - req->data);
	__u32 mtu = 0;

	if (bpf_check_mtu(ctx, 0, &mtu, change, 0) ||
	    bpf_xdp_adjust_tail(ctx, change))
		return false;
	req->data = (void *)(long)ctx->data;
	req->end = (void *)(long)ctx->data_end;
	return true;
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
 * @sum is of the text and of both addresses. Protocol and length are in the sum
 * of the pseudo header, the length in that of the UDP header again.
 */
static __always_inline void write_udp(struct udphdr *udp, __u16 len, __u64 sum)
{
	struct kv_frame *frame = (void *)(udp + 1);
	__be16 port = udp->source;

	frame->seq = 0;
	frame->total = bpf_htons(1);
	frame->reserved = 0;
	udp->source = udp->dest;
	udp->dest = port;
	udp->len = bpf_htons(len);

	sum += udp->source + udp->dest + 2 * udp->len + bpf_htons(IPPROTO_UDP) +
	       frame->id + frame->total;
	udp->check = ~kv_fold(sum);
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
	ip->check = ~kv_fold((__u64)from + to + bpf_htons(0x4500) + ip->tot_len +
			     bpf_htons(IP_DF) +
			     bpf_htons(TTL << 8 | IPPROTO_UDP));
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
static __always_inline bool write_headers(struct request *req, __u32 text_len,
					  __u16 sum)
{
	void *ip = req->data + ETH_HLEN;
	__u16 len = REST_LEN + text_len;

	if (req->data + TEXT_V4 > req->end)
		return false;
	swap_eth(req->data);
	if (req->text == TEXT_V4)
		write_v4(ip, len, sum);
	else if (req->data + TEXT_V6 <= req->end)
		write_v6(ip, len, sum);
	else
		return false;
	return true;
}

/*
 * Copies @len bytes, at least 8 and at most KV_UDP_TEXT_MAX, to offset @to. The
 * last word overlaps the one before it, so that there is no loop over bytes.
 */
static __always_inline bool copy_text(struct request *req, __u32 to,
				      const char __arena *from, __u32 len)
{
	__u64 off;
	void *p;
	int i;

	for (off = start(); off + BLOCK <= len && can_loop; off = step(off, BLOCK)) {
		p = packet_at(req, to + off);
		if (p + BLOCK > req->end)
			return false;
#pragma unroll
		for (i = 0; i < BLOCK; i += 8)
			word_at(p + i) = arena_word(from + off + i);
	}
	for (; off + 8 <= len && can_loop; off = step(off, 8)) {
		p = packet_at(req, to + off);
		if (p + 8 > req->end)
			return false;
		word_at(p) = arena_word(from + off);
	}
	p = packet_at(req, to + len - 8);
	if (p + 8 > req->end)
		return false;
	word_at(p) = arena_word(from + len - 8);
	return true;
}

static __always_inline bool copy_cas(struct request *req, __u32 to,
				     const char __arena *from, __u32 len)
{
	__u64 off;

	for (off = start(); off < len && can_loop; off = step(off, 1)) {
		char *p = packet_at(req, to + off);

		if ((void *)p + 1 > req->end)
			return false;
		*p = from[off];
	}
	return true;
}

/* For gets the text is cut after the line, and the cas put in between. */
static __always_inline bool copy_with_cas(struct request *req,
					  const struct kv_item __arena *item)
{
	__u32 line_len = item->line_len;
	__u32 cas_len = item->cas_len;
	__u32 text_len = item->text_len;

	if (line_len < 8 || line_len > KV_LINE_MAX || cas_len > KV_CAS_TEXT_MAX ||
	    text_len < line_len + 8 || text_len > KV_UDP_TEXT_MAX)
		return false;
	return copy_text(req, req->text, item->text, line_len) &&
	       copy_cas(req, req->text + line_len, item->cas_text, cas_len) &&
	       copy_text(req, req->text + line_len + cas_len,
			 item->text + line_len, text_len - line_len);
}

/* After resize() the bounds hold; the checks of them are for the verifier. */
static __always_inline int answer_hit(struct xdp_md *ctx, struct request *req,
				      struct kv_item __arena *item)
{
	__u32 len = item->text_len;
	bool done;

	if (req->with_cas)
		len += item->cas_len;
	if (len < 8 || len > KV_UDP_TEXT_MAX || !resize(ctx, req, len))
		return XDP_PASS;
	if (!item->used)
		item->used = 1;

	if (!write_headers(req, len, item->sum[req->with_cas]))
		return XDP_ABORTED;
	if (req->with_cas)
		done = copy_with_cas(req, item);
	else
		done = copy_text(req, req->text, item->text, len);
	return done ? XDP_TX : XDP_ABORTED;
}

static __always_inline int answer_miss(struct xdp_md *ctx, struct request *req)
{
	__u16 sum = kv_fold(END_CR + '\n');
	char *text;

	if (!single_key(req) || !resize(ctx, req, KV_END_LEN))
		return XDP_PASS;
	text = req->data + req->text;
	if ((void *)text + KV_END_LEN > req->end ||
	    !write_headers(req, KV_END_LEN, sum))
		return XDP_ABORTED;
	*(__u32 *)text = END_CR;
	text[4] = '\n';
	return XDP_TX;
}

static __always_inline int answer(struct xdp_md *ctx, struct request *req,
				  struct kv_reader __arena *reader)
{
	struct kv_item __arena *item;
	int verdict;

	if (!find(req, &item))
		return XDP_PASS;
	if (item && !item_dead(item)) {
		verdict = answer_hit(ctx, req, item);
		reader->hits += verdict == XDP_TX;
	} else {
		verdict = answer_miss(ctx, req);
		reader->misses += verdict == XDP_TX;
	}
	return verdict;
}

/*
 * From here to reader_leave() no item that we can reach is used for anything
 * else. xchg, because it is a full barrier: nothing that follows is loaded
 * before the server can see us. It gives what was there so that it can be put
 * back: should a program interrupt another on this CPU, only the outer one's
 * leaving makes it idle.
 */
static __always_inline __u64 reader_enter(struct kv_reader __arena *reader)
{
	return __sync_lock_test_and_set(&reader->busy, 1);
}

/* A full barrier again: all that was read was read before. */
static __always_inline void reader_leave(struct kv_reader __arena *reader,
					 __u64 outer)
{
	__sync_lock_test_and_set(&reader->busy, outer);
}

SEC("xdp")
int arena_kv(struct xdp_md *ctx)
{
	struct request req = {
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u32 cpu = bpf_get_smp_processor_id();
	struct kv_reader __arena *reader;
	int verdict = XDP_PASS;
	__u64 outer;

	if (!parse_headers(&req) || cpu >= kv.nr_readers)
		return XDP_PASS;
	reader = kv.reader + cpu;
	if (parse_command(&req) && hash_key(&req)) {
		outer = reader_enter(reader);
		verdict = answer(ctx, &req, reader);
		reader_leave(reader, outer);
	}
	if (verdict == XDP_PASS)
		reader->passed++;
	return verdict;
}

char _license[] SEC("license") = "GPL";
