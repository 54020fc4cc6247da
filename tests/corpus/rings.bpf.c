// SPDX-License-Identifier: GPL-2.0
/* Rings, queues, and records that packets leave in them */
#include "corpus.h"
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>

#define SLOTS 256

struct record {
	u64 time;
	u32 source, dest;
	u16 length;
	u8 protocol;
	u8 bytes[64];
};

struct ring {
	u32 head, tail, dropped;
	struct record slots[SLOTS];
};

struct ring __arena_global ring;
u64 total;

SEC("tc")
int ring_produce(struct __sk_buff *skb)
{
	struct record __arena *r;
	u8 bytes[64];
	u32 i;

	if (ring.head - ring.tail == SLOTS) {
		ring.dropped++;
		return 0;
	}
	if (bpf_skb_load_bytes(skb, 0, bytes, sizeof(bytes)))
		return 0;
	r = &ring.slots[ring.head % SLOTS];
	r->time = bpf_ktime_get_ns();
	r->length = skb->len;
	for (i = 0; i < sizeof(bytes) && can_loop; i++)
		r->bytes[i] = bytes[i];
	__sync_fetch_and_add(&ring.head, 1);
	return 0;
}

/* Straight from the packet, byte by byte as far as it goes */
SEC("xdp")
int ring_produce_xdp(struct xdp_md *ctx)
{
	u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)data;
	struct iphdr *ip = (void *)(eth + 1);
	struct record __arena *r;
	u32 i;

	if ((void *)(ip + 1) > (void *)end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ring.head - ring.tail >= SLOTS)
		return XDP_PASS;
	r = &ring.slots[ring.head & (SLOTS - 1)];
	r->source = ip->saddr;
	r->dest = ip->daddr;
	r->protocol = ip->protocol;
	for (i = 0; i < 64 && can_loop; i++) {
		if (data + i + 1 > end)
			break;
		r->bytes[i] = data[i];
	}
	r->length = i;
	ring.head++;
	return XDP_PASS;
}

SEC("tc")
int ring_consume(void *ctx)
{
	struct record __arena *r;
	u32 n = 0;

	while (ring.tail != ring.head && can_loop) {
		r = &ring.slots[ring.tail % SLOTS];
		total += r->length;
		ring.tail++;
		if (++n == 32)
			break;
	}
	return n;
}

#define BYTES 65536

u8 __arena_global log_bytes[BYTES];
u32 log_head, log_tail;
char message[128];

/* Records of any length; the oldest give way */
SEC("tc")
int log_append(void *ctx)
{
	u32 length, i;

	for (length = 0; length < sizeof(message) && message[length] && can_loop; length++)
		;
	while (log_head - log_tail + length + 1 > BYTES && can_loop)
		log_tail += log_bytes[log_tail % BYTES] + 1;
	log_bytes[log_head++ % BYTES] = length;
	for (i = 0; i < length && i < sizeof(message) && can_loop; i++)
		log_bytes[log_head++ % BYTES] = message[i];
	return length;
}

struct item {
	struct item __arena *next;
	u64 value;
};

struct item __arena * __arena_global queue_head;
struct item __arena * __arena_global queue_tail;
struct item __arena * __arena_global stack_top;
u64 value;

SEC("syscall")
int queue_push(void *ctx)
{
	struct item __arena *i = new(struct item);

	if (!i)
		return 1;
	i->value = value;
	i->next = NULL;
	if (queue_tail)
		queue_tail->next = i;
	else
		queue_head = i;
	queue_tail = i;
	return 0;
}

SEC("tc")
int queue_pop(void *ctx)
{
	struct item __arena *i = queue_head;

	if (!i)
		return 0;
	queue_head = i->next;
	if (!queue_head)
		queue_tail = NULL;
	value = i->value;
	return 1;
}

/* Treiber's stack: compare and swap until nobody was faster */
SEC("syscall")
int stack_push(void *ctx)
{
	struct item __arena *i = new(struct item), *old;

	if (!i)
		return 1;
	i->value = value;
	do {
		old = stack_top;
		i->next = old;
	} while (__sync_val_compare_and_swap((u64 __arena *)&stack_top, (u64)old, (u64)i) != (u64)old &&
		 can_loop);
	return 0;
}

u32 __arena_global lock;

SEC("tc")
int spin_and_count(void *ctx)
{
	u32 spins = 0;

	while (__sync_lock_test_and_set(&lock, 1)) {
		cond_break;
		spins++;
	}
	total++;
	__sync_lock_test_and_set(&lock, 0);
	return spins;
}
