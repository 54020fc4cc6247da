// SPDX-License-Identifier: GPL-2.0
/* Searching in text: Knuth-Morris-Pratt, Horspool, Rabin-Karp, wildcards */
#include "corpus.h"

#define SIZE 8192
#define MAX 256

char __arena_global text[SIZE], pattern[MAX];
u32 __arena_global fail[MAX], shift[256];
u32 text_len, pattern_len, result;

SEC("tc")
int kmp_search(void *ctx)
{
	u32 i, k = 0, found = 0;

	if (!pattern_len || pattern_len > MAX)
		return 0;
	fail[0] = 0;
	for (i = 1; i < pattern_len && can_loop; i++) {
		while (k && pattern[i] != pattern[k] && can_loop)
			k = fail[k - 1];
		if (pattern[i] == pattern[k])
			k++;
		fail[i] = k;
	}
	k = 0;
	for (i = 0; i < text_len && can_loop; i++) {
		while (k && text[i] != pattern[k] && can_loop)
			k = fail[k - 1];
		if (text[i] == pattern[k])
			k++;
		if (k == pattern_len) {
			found++;
			result = i + 1 - k;
			k = fail[k - 1];
		}
	}
	return found;
}

SEC("tc")
int horspool_search(void *ctx)
{
	u32 i, at = 0;

	if (!pattern_len || pattern_len > text_len)
		return 0;
	for (i = 0; i < 256 && can_loop; i++)
		shift[i] = pattern_len;
	for (i = 0; i < pattern_len - 1 && can_loop; i++)
		shift[(u8)pattern[i]] = pattern_len - 1 - i;
	while (at <= text_len - pattern_len && can_loop) {
		for (i = pattern_len; i && text[at + i - 1] == pattern[i - 1] && can_loop; i--)
			;
		if (!i) {
			result = at;
			return 1;
		}
		at += shift[(u8)text[at + pattern_len - 1]];
	}
	return 0;
}

SEC("tc")
int rabin_karp(void *ctx)
{
	u32 hash = 0, wanted = 0, power = 1, i, k;

	if (pattern_len > text_len)
		return 0;
	for (i = 0; i < pattern_len && can_loop; i++) {
		wanted = wanted * 31 + pattern[i];
		hash = hash * 31 + text[i];
		if (i)
			power *= 31;
	}
	for (i = 0;; i++) {
		cond_break;
		if (hash == wanted) {
			for (k = 0; k < pattern_len && can_loop; k++)
				if (text[i + k] != pattern[k])
					break;
			if (k == pattern_len)
				return i + 1;
		}
		if (i + pattern_len >= text_len)
			break;
		hash = (hash - text[i] * power) * 31 + text[i + pattern_len];
	}
	return 0;
}

/* '*' and '?'; on a mismatch back to the last star */
SEC("tc")
int glob_match(void *ctx)
{
	const char __arena *p = pattern, *t = text, *star = NULL, *mark = NULL;

	while (*t && can_loop) {
		if (*p == '*') {
			star = p++;
			mark = t;
		} else if (*p == '?' || *p == *t) {
			p++;
			t++;
		} else if (star) {
			p = star + 1;
			t = ++mark;
		} else {
			return 0;
		}
	}
	while (*p == '*' && can_loop)
		p++;
	return !*p;
}

/* Suffixes of a path: the last component, and its extension */
SEC("tc")
int path_split(void *ctx)
{
	u32 i, slash = 0, dot = 0;

	for (i = 0; text[i] && i < SIZE - 1 && can_loop; i++) {
		if (text[i] == '/') {
			slash = i + 1;
			dot = 0;
		} else if (text[i] == '.' && i > slash) {
			dot = i;
		}
	}
	result = dot ? i - dot : 0;
	return i - slash;
}
