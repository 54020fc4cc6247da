// SPDX-License-Identifier: GPL-2.0
/* Parsers: JSON, HTTP, CSV, an ini file */
#include "corpus.h"

#define SIZE 16384

char __arena_global input[SIZE];
u32 input_len;

enum token_kind { OBJECT = 1, ARRAY, STRING, NUMBER, WORD };

struct token {
	u32 kind, start, end, size;
	int parent;
};

#define TOKENS 512

struct token __arena_global tokens[TOKENS];

static int new_token(u32 *n, u32 kind, u32 start, int parent)
{
	struct token __arena *t;

	if (*n >= TOKENS)
		return -1;
	t = &tokens[*n];
	t->kind = kind;
	t->start = start;
	t->end = 0;
	t->size = 0;
	t->parent = parent;
	if (parent >= 0)
		tokens[parent].size++;
	return (*n)++;
}

static u32 skip_string(u32 i)
{
	while (i < input_len && input[i] != '"' && can_loop) {
		if (input[i] == '\\')
			i++;
		i++;
	}
	return i;
}

SEC("tc")
int json_tokens(void *ctx)
{
	u32 i, n = 0, start;
	int parent = -1, t;

	for (i = 0; i < input_len && can_loop; i++) {
		char c = input[i];

		switch (c) {
		case '{':
		case '[':
			parent = new_token(&n, c == '{' ? OBJECT : ARRAY, i, parent);
			if (parent < 0)
				return -1;
			break;
		case '}':
		case ']':
			if (parent < 0 || tokens[parent].kind != (c == '}' ? OBJECT : ARRAY))
				return -2;
			tokens[parent].end = i + 1;
			parent = tokens[parent].parent;
			break;
		case '"':
			start = i + 1;
			i = skip_string(start);
			t = new_token(&n, STRING, start, parent);
			if (t < 0)
				return -1;
			tokens[t].end = i;
			break;
		case ' ':
		case '\t':
		case '\r':
		case '\n':
		case ':':
		case ',':
			break;
		default:
			start = i;
			while (i < input_len && can_loop) {
				char d = input[i];

				if (d == ',' || d == '}' || d == ']' || d == ' ' || d == '\n')
					break;
				i++;
			}
			t = new_token(&n, c == '-' || (c >= '0' && c <= '9') ? NUMBER : WORD,
				      start, parent);
			if (t < 0)
				return -1;
			tokens[t].end = i;
			i--;
		}
	}
	return parent < 0 ? n : -3;
}

struct header {
	u16 name, name_len, value, value_len;
};

struct request {
	u8 method;
	u16 path, path_len, query;
	u32 content_length;
	u32 headers;
	struct header header[32];
};

struct request __arena_global request;

static bool is(u32 at, const char *word, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		if ((input[at + i] | 32) != (word[i] | 32))
			return false;
	return true;
}

SEC("tc")
int http_parse(void *ctx)
{
	struct header __arena *h;
	u32 i = 0, n = 0, value;

	if (is(0, "GET ", 4)) {
		request.method = 1;
		i = 4;
	} else if (is(0, "POST ", 5)) {
		request.method = 2;
		i = 5;
	} else {
		return 400;
	}
	request.path = i;
	request.query = 0;
	while (i < input_len && input[i] != ' ' && can_loop) {
		if (input[i] == '?' && !request.query)
			request.query = i + 1;
		i++;
	}
	request.path_len = i - request.path;
	while (i < input_len && input[i] != '\n' && can_loop)
		i++;
	i++;
	while (i < input_len && input[i] != '\r' && input[i] != '\n' && can_loop) {
		if (n == 32)
			return 431;
		h = &request.header[n++];
		h->name = i;
		while (i < input_len && input[i] != ':' && can_loop)
			i++;
		h->name_len = i - h->name;
		i++;
		while (i < input_len && input[i] == ' ' && can_loop)
			i++;
		h->value = i;
		while (i < input_len && input[i] != '\r' && input[i] != '\n' && can_loop)
			i++;
		h->value_len = i - h->value;
		if (h->name_len == 14 && is(h->name, "content-length", 14)) {
			value = 0;
			for (i = h->value; input[i] >= '0' && input[i] <= '9' && can_loop; i++)
				value = value * 10 + input[i] - '0';
			request.content_length = value;
		}
		while (i < input_len && input[i] != '\n' && can_loop)
			i++;
		i++;
	}
	request.headers = n;
	return 200;
}

/* The sum of a column; fields may be quoted */
u32 column;
u64 total;

SEC("tc")
int csv_sum(void *ctx)
{
	enum { START, PLAIN, QUOTED, QUOTE } state = START;
	u32 field = 0, rows = 0, i;
	u64 number = 0;

	total = 0;
	for (i = 0; i < input_len; i++) {
		char c = input[i];

		cond_break;
		if (state == QUOTED) {
			if (c == '"')
				state = QUOTE;
			else if (c >= '0' && c <= '9')
				number = number * 10 + c - '0';
			continue;
		}
		if (c == '"') {
			state = QUOTED;
			continue;
		}
		if (c != ',' && c != '\n') {
			state = PLAIN;
			if (c >= '0' && c <= '9')
				number = number * 10 + c - '0';
			continue;
		}
		if (field == column)
			total += number;
		number = 0;
		state = START;
		if (c == '\n') {
			field = 0;
			rows++;
		} else {
			field++;
		}
	}
	return rows;
}

struct setting {
	struct setting __arena *next;
	u32 section;
	char name[24];
	char value[64];
};

struct setting __arena * __arena_global settings;

SEC("syscall")
int ini_parse(void *ctx)
{
	struct setting __arena *s;
	u32 i = 0, k, section = 0, lines = 0;

	while (i < input_len && can_loop) {
		lines++;
		while ((input[i] == ' ' || input[i] == '\t') && can_loop)
			i++;
		if (input[i] == '[') {
			section = 0;
			for (i++; i < input_len && input[i] != ']' && can_loop; i++)
				section = section * 33 + input[i];
		} else if (input[i] != '#' && input[i] != ';' && input[i] != '\n') {
			s = new(struct setting);
			if (!s)
				return -1;
			s->section = section;
			for (k = 0; i < input_len && input[i] != '=' && input[i] != '\n' && can_loop; i++)
				if (k < sizeof(s->name) - 1 && input[i] != ' ')
					s->name[k++] = input[i];
			if (input[i] == '=') {
				i++;
				k = 0;
				for (; i < input_len && input[i] != '\n' && can_loop; i++)
					if (k < sizeof(s->value) - 1)
						s->value[k++] = input[i];
			}
			s->next = settings;
			settings = s;
		}
		while (i < input_len && input[i] != '\n' && can_loop)
			i++;
		i++;
	}
	return lines;
}
