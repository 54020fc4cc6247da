// SPDX-License-Identifier: GPL-2.0
/* Hash tables without chains: linear probing, Robin Hood, cuckoo */
#include "corpus.h"

#define SIZE 1024

struct slot {
	u64 key; /* 0: none */
	u64 value;
	u8 distance;
};

struct slot __arena_global probing[SIZE], robin[SIZE], cuckoo[2][SIZE];
u64 key, value;

static u32 hash_of(u64 k)
{
	return (k * 0x9e3779b97f4a7c15ULL) >> 54;
}

SEC("tc")
int probe_put(void *ctx)
{
	u32 i = hash_of(key), n;

	for (n = 0; n < SIZE && can_loop; n++) {
		struct slot __arena *s = &probing[(i + n) % SIZE];

		if (s->key && s->key != key)
			continue;
		s->key = key;
		s->value = value;
		return 0;
	}
	return 1;
}

SEC("xdp")
int probe_get(struct xdp_md *ctx)
{
	u32 i = hash_of(key);

	while (probing[i].key && can_loop) {
		if (probing[i].key == key) {
			value = probing[i].value;
			return XDP_TX;
		}
		i = (i + 1) & (SIZE - 1);
	}
	return XDP_PASS;
}

/* What follows moves up, unless it would be in front of where it belongs */
SEC("tc")
int probe_del(void *ctx)
{
	u32 i = hash_of(key), j, home;

	while (probing[i].key != key) {
		if (!probing[i].key || !can_loop)
			return 0;
		i = (i + 1) % SIZE;
	}
	for (j = (i + 1) % SIZE; probing[j].key && can_loop; j = (j + 1) % SIZE) {
		home = hash_of(probing[j].key);
		if (i <= j ? (i < home && home <= j) : (i < home || home <= j))
			continue;
		probing[i].key = probing[j].key;
		probing[i].value = probing[j].value;
		i = j;
	}
	probing[i].key = 0;
	return 1;
}

SEC("tc")
int robin_put(void *ctx)
{
	struct slot n = { .key = key, .value = value }, old;
	u32 i = hash_of(key);

	while (can_loop) {
		struct slot __arena *s = &robin[i];

		if (!s->key || s->key == n.key) {
			s->key = n.key;
			s->value = n.value;
			s->distance = n.distance;
			return 0;
		}
		if (s->distance < n.distance) {
			old.key = s->key;
			old.value = s->value;
			old.distance = s->distance;
			s->key = n.key;
			s->value = n.value;
			s->distance = n.distance;
			n = old;
		}
		i = (i + 1) % SIZE;
		if (++n.distance == 255)
			break;
	}
	return 1;
}

SEC("xdp")
int robin_get(struct xdp_md *ctx)
{
	u32 i = hash_of(key), distance = 0;

	for (; robin[i].key && distance <= robin[i].distance && can_loop; distance++) {
		if (robin[i].key == key) {
			value = robin[i].value;
			return XDP_TX;
		}
		i = (i + 1) % SIZE;
	}
	return XDP_PASS;
}

static u32 hash2_of(u64 k)
{
	return (k * 0xc2b2ae3d27d4eb4fULL) >> 54;
}

SEC("tc")
int cuckoo_put(void *ctx)
{
	u64 k = key, v = value, t;
	int kicks, table = 0;

	for (kicks = 0; kicks < 64; kicks++) {
		struct slot __arena *s = &cuckoo[table][table ? hash2_of(k) : hash_of(k)];

		if (!s->key || s->key == k) {
			s->key = k;
			s->value = v;
			return 0;
		}
		t = s->key; s->key = k; k = t;
		t = s->value; s->value = v; v = t;
		table = !table;
	}
	return 1;
}

SEC("xdp")
int cuckoo_get(struct xdp_md *ctx)
{
	struct slot __arena *s = &cuckoo[0][hash_of(key)];

	if (s->key != key)
		s = &cuckoo[1][hash2_of(key)];
	if (s->key != key)
		return XDP_PASS;
	value = s->value;
	return XDP_TX;
}
