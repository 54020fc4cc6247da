// SPDX-License-Identifier: GPL-2.0
/* What <string.h> has, on text in the arena */
#include "corpus.h"

#define SIZE 4096

char __arena_global text[SIZE], other[SIZE], out[SIZE];
char needle[16];
u32 result;

static u32 length(const char __arena *s)
{
	const char __arena *p = s;

	while (*p && can_loop)
		p++;
	return p - s;
}

SEC("tc")
int str_length(void *ctx)
{
	return length(text);
}

SEC("tc")
int str_compare(void *ctx)
{
	const char __arena *a = text, *b = other;

	while (*a && *a == *b && can_loop) {
		a++;
		b++;
	}
	return *a - *b;
}

SEC("tc")
int str_copy_upper(void *ctx)
{
	const char __arena *from = text;
	char __arena *to = out;
	char c;

	do {
		c = *from++;
		if (c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		*to++ = c;
	} while (c && can_loop);
	return 0;
}

/* Where needle, which is not in the arena, is in text */
SEC("tc")
int str_find(void *ctx)
{
	const char __arena *p;
	u32 i;

	for (p = text; *p && can_loop; p++) {
		for (i = 0; i < sizeof(needle); i++)
			if (!needle[i] || p[i] != needle[i])
				break;
		if (i == sizeof(needle) || !needle[i]) {
			result = p - text;
			return 1;
		}
	}
	return 0;
}

SEC("tc")
int str_reverse(void *ctx)
{
	char __arena *a = text, *b = text + length(text);
	char c;

	while (a < b && can_loop) {
		b--;
		c = *a;
		*a = *b;
		*b = c;
		a++;
	}
	return 0;
}

SEC("tc")
int str_words(void *ctx)
{
	const char __arena *p = text;
	bool in_word = false;
	u32 words = 0, lines = 0;

	for (; *p; p++) {
		cond_break;
		switch (*p) {
		case '\n':
			lines++;
			in_word = false;
			break;
		case ' ':
		case '\t':
			in_word = false;
			break;
		default:
			words += !in_word;
			in_word = true;
		}
	}
	result = lines;
	return words;
}

SEC("tc")
int str_to_number(void *ctx)
{
	const char __arena *p = text;
	bool minus = false;
	u32 base = 10, digit;
	u64 n = 0;

	while ((*p == ' ' || *p == '\t') && can_loop)
		p++;
	if (*p == '-') {
		minus = true;
		p++;
	}
	if (p[0] == '0' && (p[1] | 32) == 'x') {
		base = 16;
		p += 2;
	}
	for (; can_loop; p++) {
		if (*p >= '0' && *p <= '9')
			digit = *p - '0';
		else if ((*p | 32) >= 'a' && (*p | 32) <= 'f')
			digit = (*p | 32) - 'a' + 10;
		else
			break;
		if (digit >= base)
			break;
		n = n * base + digit;
	}
	result = minus ? -n : n;
	return 0;
}

SEC("tc")
int str_from_number(void *ctx)
{
	char digits[20];
	u64 n = result;
	u32 i = 0, k;

	do {
		digits[i++] = '0' + n % 10;
		n /= 10;
	} while (n && i < sizeof(digits) && can_loop);
	for (k = 0; k < i && can_loop; k++)
		out[k] = digits[(i - 1 - k) % sizeof(digits)];
	out[k] = 0;
	return i;
}

SEC("tc")
int str_is_palindrome(void *ctx)
{
	u32 i = 0, j = length(text);

	while (i < j && can_loop) {
		j--;
		if (text[i] != text[j])
			return 0;
		i++;
	}
	return 1;
}
