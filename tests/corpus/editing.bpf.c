// SPDX-License-Identifier: GPL-2.0
/* Text that is edited: a gap buffer, pieces, a table of lines, a pool of strings */
#include "corpus.h"

#define SIZE 16384

char __arena_global gap_text[SIZE];
u32 gap_start, gap_end = SIZE, at;
char typed[64];

SEC("tc")
int gap_insert(void *ctx)
{
	u32 i;

	while (gap_start > at && can_loop)
		gap_text[--gap_end] = gap_text[--gap_start];
	while (gap_start < at && gap_end < SIZE && can_loop)
		gap_text[gap_start++] = gap_text[gap_end++];
	for (i = 0; i < sizeof(typed) && typed[i] && can_loop; i++) {
		if (gap_start == gap_end)
			return 1;
		gap_text[gap_start++] = typed[i];
	}
	at = gap_start;
	return 0;
}

struct piece {
	struct piece __arena *next;
	char __arena *text;
	u32 length;
};

struct piece __arena * __arena_global pieces;
char __arena_global flat[SIZE];

SEC("syscall")
int piece_insert(void *ctx)
{
	struct piece __arena *p = pieces, *last = NULL, *middle, *tail;
	char __arena *copy;
	u32 left = at, i;

	while (p && left >= p->length && can_loop) {
		left -= p->length;
		last = p;
		p = p->next;
	}
	middle = new(struct piece);
	copy = alloc(sizeof(typed));
	if (!middle || !copy)
		return 1;
	for (i = 0; i < sizeof(typed) && can_loop; i++) {
		copy[i] = typed[i];
		if (!typed[i])
			break;
	}
	middle->text = copy;
	middle->length = i;
	middle->next = p;
	if (p && left) {
		tail = new(struct piece);
		if (!tail)
			return 1;
		tail->text = p->text + left;
		tail->length = p->length - left;
		tail->next = p->next;
		p->length = left;
		p->next = middle;
		middle->next = tail;
	} else if (last) {
		last->next = middle;
	} else {
		pieces = middle;
	}
	return 0;
}

SEC("tc")
int piece_flatten(void *ctx)
{
	struct piece __arena *p;
	u32 n = 0, i;

	for (p = pieces; p && can_loop; p = p->next) {
		for (i = 0; i < p->length && can_loop; i++) {
			if (n == SIZE)
				return -1;
			flat[n++] = p->text[i];
		}
	}
	return n;
}

u32 __arena_global lines[1024];

SEC("tc")
int line_index(void *ctx)
{
	u32 i, n = 0;

	lines[n++] = 0;
	for (i = 0; i < SIZE && flat[i] && n < 1024 && can_loop; i++)
		if (flat[i] == '\n')
			lines[n++] = i + 1;
	return n;
}

/* Words wrap where a line is full */
SEC("tc")
int wrap(void *ctx)
{
	u32 i, column = 0, breaks = 0;
	int space = -1;

	for (i = 0; flat[i] && i < SIZE && can_loop; i++, column++) {
		switch (flat[i]) {
		case '\n':
			column = 0;
			space = -1;
			continue;
		case ' ':
			space = i;
			break;
		}
		if (column >= 72 && space >= 0) {
			flat[space] = '\n';
			column = i - space;
			space = -1;
			breaks++;
		}
	}
	return breaks;
}

struct symbol {
	struct symbol __arena *next;
	u32 hash, length;
	char name[];
};

struct symbol __arena * __arena_global symbols[256];

/* Every identifier of the text once */
SEC("syscall")
int intern_all(void *ctx)
{
	u32 i = 0, start, hash, k, n = 0;
	struct symbol __arena *s;

	while (i < SIZE && flat[i] && can_loop) {
		char c = flat[i] | 32;

		if (c < 'a' || c > 'z') {
			i++;
			continue;
		}
		start = i;
		hash = 5381;
		while (i < SIZE && can_loop) {
			c = flat[i];
			if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9') && c != '_')
				break;
			hash = hash * 33 ^ c;
			i++;
		}
		for (s = symbols[hash & 255]; s && can_loop; s = s->next) {
			if (s->hash != hash || s->length != i - start)
				continue;
			for (k = 0; k < s->length && can_loop; k++)
				if (s->name[k] != flat[start + k])
					break;
			if (k == s->length)
				break;
		}
		if (s)
			continue;
		if (i - start > 1024)
			return -1;
		s = alloc(sizeof(*s) + i - start);
		if (!s)
			return -1;
		s->hash = hash;
		s->length = i - start;
		for (k = 0; k < s->length && can_loop; k++)
			s->name[k] = flat[start + k];
		s->next = symbols[hash & 255];
		symbols[hash & 255] = s;
		n++;
	}
	return n;
}
