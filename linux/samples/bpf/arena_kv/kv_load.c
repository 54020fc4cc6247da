// SPDX-License-Identifier: GPL-2.0
/*
 * A fixed load: so many gets, one after another, of keys in turn. It prints the
 * time that each took. Under QEMU's -icount, where the clock counts instructions,
 * that is what all of a GET costs: client, network and server.
 *
 * With -m the keys are not there, and each answer says so.
 *
 * With -0 the answers are to come from xdp_null.bpf.c, which looks nothing up.
 * What it costs then is subtracted to have the server's part.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "layout.h"
#include "udp_client.h"

#define ROOM	4096

struct load {
	int fd;
	bool null;		/* there is nothing behind it to verify */
	bool miss;
	unsigned int keys;
	unsigned int key_len;
	unsigned int value_len;
	unsigned long count;
};

static const char usage[] =
"usage: kv_load [-n GETS] [-k KEYS] [-K KEY_LEN] [-s VALUE_LEN] [-m] [-0] HOST PORT\n";

static int make_key(const struct load *load, unsigned int i, char *key)
{
	return sprintf(key, "%0*u", (int)load->key_len, i % load->keys);
}

/* Each value is other bytes, so that a wrong one shows. */
static size_t make_item(const struct load *load, unsigned int i, char *text)
{
	char key[KV_KEY_MAX + 1];
	size_t len;

	make_key(load, i, key);
	len = sprintf(text, "%s 0 %u\r\n", key, load->value_len);
	memset(text + len, 'A' + i % load->keys % 26, load->value_len);
	return len + load->value_len;
}

static int set_all(const struct load *load)
{
	char request[ROOM], answer[ROOM], value[ROOM];
	unsigned int i;
	long got;

	for (i = 0; i < load->keys; i++) {
		char *text = request + sizeof(struct kv_frame);
		size_t len, item = make_item(load, i, value);
		char *rest = strchr(value, ' ') + 2;	/* after the flags */

		value[item] = 0;
		len = sprintf(text, "set %.*s 0%s\r\n", (int)(rest - value), value,
			      rest);
		got = udp_client_ask(load->fd, request, len, 0, answer, ROOM);
		if (got != 8 || memcmp(answer, "STORED\r\n", 8)) {
			fprintf(stderr, "kv_load: set was answered by %.*s\n",
				got < 0 ? 7 : (int)got, got < 0 ? "nothing" : answer);
			return -1;
		}
	}
	return 0;
}

/* Makes all requests and answers beforehand: it is the server that is timed. */
struct pair {
	char request[sizeof(struct kv_frame) + KV_KEY_MAX + 8];
	char answer[ROOM];
	size_t request_len, answer_len;
};

static void make_answer(const struct load *load, unsigned int i, struct pair *pair)
{
	const char *end = KV_TAIL;

	if (load->miss) {
		end += KV_TAIL_LEN - KV_END_LEN;
	} else {
		memcpy(pair->answer, "VALUE ", 6);
		pair->answer_len = 6 + make_item(load, i, pair->answer + 6);
	}
	strcpy(pair->answer + pair->answer_len, end);
	pair->answer_len += strlen(end);
}

static struct pair *make_pairs(const struct load *load)
{
	struct pair *pairs = calloc(load->keys, sizeof(*pairs));
	char key[KV_KEY_MAX + 1];
	unsigned int i;

	for (i = 0; pairs && i < load->keys; i++) {
		struct pair *pair = &pairs[i];

		make_key(load, i, key);
		pair->request_len = sprintf(pair->request + sizeof(struct kv_frame),
					    "get %s\r\n", key);
		make_answer(load, i, pair);
	}
	return pairs;
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static int run(const struct load *load)
{
	struct pair *pairs = make_pairs(load);
	unsigned long i, lost = 0, wrong = 0;
	char answer[ROOM];
	__u64 start;
	long got;

	if (!pairs || (!load->null && !load->miss && set_all(load)))
		return -1;
	start = now_ns();
	for (i = 0; i < load->count; i++) {
		struct pair *pair = &pairs[i % load->keys];

		got = udp_client_ask(load->fd, pair->request, pair->request_len,
				     load->null ? pair->answer_len : 0, answer,
				     ROOM);
		if (got < 0)
			lost++;
		else if (got != (long)pair->answer_len ||
			 (!load->null && memcmp(answer, pair->answer, got)))
			wrong++;
	}
	printf("gets %lu ns_each %llu lost %lu wrong %lu\n", load->count,
	       (unsigned long long)(now_ns() - start) / load->count, lost, wrong);
	free(pairs);
	return lost || wrong ? -1 : 0;
}

static unsigned long parse(const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || *text < '0' || *text > '9' || n < min || n > max) {
		fprintf(stderr, "kv_load: %s: expected a number from %lu to %lu\n",
			text, min, max);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	struct load load = { .keys = 100, .key_len = 16, .value_len = 100,
			     .count = 10000 };
	int c;

	while ((c = getopt(argc, argv, "n:k:K:s:m0h")) != -1) {
		if (c == 'n')
			load.count = parse(optarg, 1, 1000000000);
		else if (c == 'k')
			load.keys = parse(optarg, 1, 100000);
		else if (c == 'K')
			load.key_len = parse(optarg, 1, KV_KEY_MAX);
		else if (c == 's')
			load.value_len = parse(optarg, 1, 1024);
		else if (c == 'm')
			load.miss = true;
		else if (c == '0')
			load.null = true;
		else
			break;
	}
	if (c == 'h')
		return fputs(usage, stdout) < 0;
	if (c != -1 || argc - optind != 2)
		return fputs(usage, stderr) < 0 ? 1 : 2;
	load.fd = udp_client_open(argv[optind], argv[optind + 1]);
	return load.fd < 0 || run(&load);
}
