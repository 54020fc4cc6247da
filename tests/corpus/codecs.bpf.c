// SPDX-License-Identifier: GPL-2.0
/* Encoders and decoders */
#include "corpus.h"

#define SIZE 8192

u8 __arena_global in[SIZE], out[SIZE * 2];
u32 in_len, out_len;

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

SEC("tc")
int base64_encode(void *ctx)
{
	u32 i, n = 0, v;

	for (i = 0; i + 2 < in_len && can_loop; i += 3) {
		v = in[i] << 16 | in[i + 1] << 8 | in[i + 2];
		out[n++] = digits[v >> 18 & 63];
		out[n++] = digits[v >> 12 & 63];
		out[n++] = digits[v >> 6 & 63];
		out[n++] = digits[v & 63];
	}
	if (i < in_len) {
		v = in[i] << 16;
		if (i + 1 < in_len)
			v |= in[i + 1] << 8;
		out[n++] = digits[v >> 18 & 63];
		out[n++] = digits[v >> 12 & 63];
		out[n++] = i + 1 < in_len ? digits[v >> 6 & 63] : '=';
		out[n++] = '=';
	}
	out_len = n;
	return 0;
}

static int digit_of(u8 c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

SEC("tc")
int base64_decode(void *ctx)
{
	u32 i, n = 0, bits = 0, v = 0;
	int d;

	for (i = 0; i < in_len && can_loop; i++) {
		if (in[i] == '=' || in[i] == '\n')
			continue;
		d = digit_of(in[i]);
		if (d < 0)
			return -1;
		v = v << 6 | d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = v >> bits;
		}
	}
	out_len = n;
	return 0;
}

SEC("tc")
int hex_encode(void *ctx)
{
	u32 i;

	for (i = 0; i < in_len && i < SIZE && can_loop; i++) {
		u8 high = in[i] >> 4, low = in[i] & 15;

		out[2 * i] = high < 10 ? '0' + high : 'a' + high - 10;
		out[2 * i + 1] = low < 10 ? '0' + low : 'a' + low - 10;
	}
	return 0;
}

static int hex(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

SEC("tc")
int url_decode(void *ctx)
{
	u8 __arena *from = in, *to = out;
	int high, low;

	while (*from && can_loop) {
		switch (*from) {
		case '%':
			high = hex(from[1]);
			low = hex(from[2]);
			if (high < 0 || low < 0)
				return -1;
			*to++ = high << 4 | low;
			from += 3;
			break;
		case '+':
			*to++ = ' ';
			from++;
			break;
		default:
			*to++ = *from++;
		}
	}
	*to = 0;
	return to - out;
}

SEC("tc")
int utf8_count(void *ctx)
{
	u32 i = 0, runes = 0, more, cp;
	u8 c;

	while (i < in_len && can_loop) {
		c = in[i++];
		runes++;
		if (c < 0x80)
			continue;
		if (c >= 0xc2 && c < 0xe0) {
			more = 1;
			cp = c & 0x1f;
		} else if (c >= 0xe0 && c < 0xf0) {
			more = 2;
			cp = c & 0x0f;
		} else if (c >= 0xf0 && c < 0xf5) {
			more = 3;
			cp = c & 0x07;
		} else {
			return -1;
		}
		while (more-- && can_loop) {
			if (i >= in_len || (in[i] & 0xc0) != 0x80)
				return -2;
			cp = cp << 6 | (in[i++] & 0x3f);
		}
		if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
			return -3;
	}
	return runes;
}

SEC("tc")
int rle_encode(void *ctx)
{
	u32 i = 0, n = 0, run;

	while (i < in_len && can_loop) {
		run = 1;
		while (i + run < in_len && run < 255 && in[i + run] == in[i] && can_loop)
			run++;
		out[n++] = run;
		out[n++] = in[i];
		i += run;
	}
	return n;
}

SEC("tc")
int rle_decode(void *ctx)
{
	u32 i, k, n = 0;

	for (i = 0; i + 1 < in_len && can_loop; i += 2)
		for (k = in[i]; k > 0 && n < sizeof(out) && can_loop; k--)
			out[n++] = in[i + 1];
	return n;
}

/* LZ4's blocks: literals, then a match at a distance */
SEC("tc")
int lz4_decode(void *ctx)
{
	u32 i = 0, n = 0, length, distance;
	u8 token, more;

	while (i < in_len && can_loop) {
		token = in[i++];
		length = token >> 4;
		if (length == 15) {
			do {
				more = in[i++];
				length += more;
			} while (more == 255 && i < in_len && can_loop);
		}
		if (i + length > in_len || n + length > sizeof(out))
			return -1;
		for (; length && can_loop; length--)
			out[n++] = in[i++];
		if (i >= in_len)
			break;
		distance = in[i] | in[i + 1] << 8;
		i += 2;
		if (!distance || distance > n)
			return -2;
		length = token & 15;
		if (length == 15) {
			do {
				more = in[i++];
				length += more;
			} while (more == 255 && i < in_len && can_loop);
		}
		length += 4;
		if (n + length > sizeof(out))
			return -3;
		while (length-- && can_loop) {
			out[n] = out[n - distance];
			n++;
		}
	}
	return n;
}

/* Protocol buffers: the sum of all numbers of a field */
u32 field;

SEC("tc")
int protobuf_sum(void *ctx)
{
	u32 i = 0, shift;
	u64 v, tag, sum = 0;
	u8 b;

	while (i < in_len && can_loop) {
		tag = 0;
		shift = 0;
		do {
			b = in[i++];
			tag |= (u64)(b & 127) << shift;
			shift += 7;
		} while (b & 128 && shift < 64 && can_loop);
		switch (tag & 7) {
		case 0:
			v = 0;
			for (shift = 0; shift < 64 && can_loop; shift += 7) {
				b = in[i++];
				v |= (u64)(b & 127) << shift;
				if (!(b & 128))
					break;
			}
			if (tag >> 3 == field)
				sum += v;
			break;
		case 1:
			i += 8;
			break;
		case 2:
			v = 0;
			for (shift = 0; shift < 32 && can_loop; shift += 7) {
				b = in[i++];
				v |= (u64)(b & 127) << shift;
				if (!(b & 128))
					break;
			}
			i += v;
			break;
		case 5:
			i += 4;
			break;
		default:
			return -1;
		}
	}
	return sum;
}
