// SPDX-License-Identifier: GPL-2.0
/* Checksums and hashes */
#include "corpus.h"

u8 __arena_global data[65536];
u32 __arena_global crc_table[256];
u32 len;
u64 result;

SEC("tc")
int crc32_table(void *ctx)
{
	u32 i, k, c;

	for (i = 0; i < 256 && can_loop; i++) {
		c = i;
		for (k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
		crc_table[i] = c;
	}
	return 0;
}

SEC("tc")
int crc32(void *ctx)
{
	u8 __arena *p = data, *end = data + len;
	u32 c = ~0U;

	while (p < end && can_loop)
		c = crc_table[(c ^ *p++) & 255] ^ c >> 8;
	result = ~c;
	return 0;
}

SEC("tc")
int adler32(void *ctx)
{
	u32 a = 1, b = 0, i;

	for (i = 0; i < len && can_loop; i++) {
		a = (a + data[i]) % 65521;
		b = (b + a) % 65521;
	}
	result = b << 16 | a;
	return 0;
}

SEC("tc")
int ip_checksum(void *ctx)
{
	u16 __arena *p = (u16 __arena *)data;
	u32 sum = 0, left = len;

	for (; left > 1 && can_loop; left -= 2)
		sum += *p++;
	if (left)
		sum += *(u8 __arena *)p;
	while (sum >> 16 && can_loop)
		sum = (sum & 0xffff) + (sum >> 16);
	result = (u16)~sum;
	return 0;
}

#define rotl32(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define rotl64(x, n) ((x) << (n) | (x) >> (64 - (n)))
#define rotr32(x, n) ((x) >> (n) | (x) << (32 - (n)))

SEC("tc")
int murmur3(void *ctx)
{
	u32 __arena *p = (u32 __arena *)data;
	u32 h = 42, k, i, blocks = len / 4;

	for (i = 0; i < blocks && can_loop; i++) {
		k = p[i] * 0xcc9e2d51;
		k = rotl32(k, 15) * 0x1b873593;
		h = rotl32(h ^ k, 13) * 5 + 0xe6546b64;
	}
	k = 0;
	switch (len & 3) {
	case 3:
		k ^= data[blocks * 4 + 2] << 16;
		/* fall through */
	case 2:
		k ^= data[blocks * 4 + 1] << 8;
		/* fall through */
	case 1:
		k ^= data[blocks * 4];
		k *= 0xcc9e2d51;
		h ^= rotl32(k, 15) * 0x1b873593;
	}
	h ^= len;
	h = (h ^ h >> 16) * 0x85ebca6b;
	h = (h ^ h >> 13) * 0xc2b2ae35;
	result = h ^ h >> 16;
	return 0;
}

#define SIP_ROUND						\
	do {							\
		v0 += v1; v1 = rotl64(v1, 13); v1 ^= v0; v0 = rotl64(v0, 32); \
		v2 += v3; v3 = rotl64(v3, 16); v3 ^= v2;	\
		v0 += v3; v3 = rotl64(v3, 21); v3 ^= v0;	\
		v2 += v1; v1 = rotl64(v1, 17); v1 ^= v2; v2 = rotl64(v2, 32); \
	} while (0)

u64 k0, k1;

SEC("tc")
int siphash(void *ctx)
{
	u64 v0 = k0 ^ 0x736f6d6570736575ULL, v1 = k1 ^ 0x646f72616e646f6dULL;
	u64 v2 = k0 ^ 0x6c7967656e657261ULL, v3 = k1 ^ 0x7465646279746573ULL, m;
	u64 __arena *p = (u64 __arena *)data;
	u32 i, n = len / 8;

	for (i = 0; i < n && can_loop; i++) {
		m = p[i];
		v3 ^= m;
		SIP_ROUND;
		SIP_ROUND;
		v0 ^= m;
	}
	m = (u64)len << 56;
	for (i = 0; i < (len & 7) && can_loop; i++)
		m |= (u64)data[n * 8 + i] << 8 * i;
	v3 ^= m;
	SIP_ROUND;
	SIP_ROUND;
	v0 ^= m;
	v2 ^= 0xff;
	for (i = 0; i < 4; i++)
		SIP_ROUND;
	result = v0 ^ v1 ^ v2 ^ v3;
	return 0;
}

u32 __arena_global sha_k[64], sha_state[8], sha_w[64];

/* A block of SHA-256; the constants are the process' to put there */
SEC("tc")
int sha256_block(void *ctx)
{
	u32 a, b, c, d, e, f, g, h, t1, t2, i;

	for (i = 0; i < 16 && can_loop; i++)
		sha_w[i] = data[4 * i] << 24 | data[4 * i + 1] << 16 | data[4 * i + 2] << 8 |
			   data[4 * i + 3];
	for (; i < 64 && can_loop; i++) {
		u32 x = sha_w[i - 15], y = sha_w[i - 2];

		sha_w[i] = sha_w[i - 16] + sha_w[i - 7] +
			   (rotr32(x, 7) ^ rotr32(x, 18) ^ x >> 3) +
			   (rotr32(y, 17) ^ rotr32(y, 19) ^ y >> 10);
	}
	a = sha_state[0]; b = sha_state[1]; c = sha_state[2]; d = sha_state[3];
	e = sha_state[4]; f = sha_state[5]; g = sha_state[6]; h = sha_state[7];
	for (i = 0; i < 64 && can_loop; i++) {
		t1 = h + (rotr32(e, 6) ^ rotr32(e, 11) ^ rotr32(e, 25)) + ((e & f) ^ (~e & g)) +
		     sha_k[i] + sha_w[i];
		t2 = (rotr32(a, 2) ^ rotr32(a, 13) ^ rotr32(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
		h = g; g = f; f = e; e = d + t1;
		d = c; c = b; b = a; a = t1 + t2;
	}
	sha_state[0] += a; sha_state[1] += b; sha_state[2] += c; sha_state[3] += d;
	sha_state[4] += e; sha_state[5] += f; sha_state[6] += g; sha_state[7] += h;
	return 0;
}
