// SPDX-License-Identifier: GPL-2.0
/*
 * Looks for torn and stale values: one thread sets over TCP, others get over UDP.
 *
 *	writer:  begun[key] = v   set ... STORED   acked[key] = v
 *	reader:  low = acked[key]   get   high = begun[key]
 *
 * A value is its version, again and again, in a length that follows from the
 * version. What a reader gets must be one version from end to end, not older
 * than low, which was STORED before the get was sent, nor newer than high. With
 * -e the server is evicting meanwhile, and a miss is no fault.
 */
#include <getopt.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "layout.h"
#include "udp_client.h"

#define KEYS		64
#define DIGITS		10		/* of a version */
#define VALUE_MAX	1000
#define ROOM		4096
#define READERS_MAX	16

static atomic_uint begun[KEYS], acked[KEYS];
static atomic_ulong sets, gets, lost, torn, stale, missed;
static atomic_bool done, evicting;
static const char *host, *port;

static unsigned int value_len(unsigned int version)
{
	return DIGITS * (1 + version * 7 % (VALUE_MAX / DIGITS));
}

static size_t make_value(unsigned int version, char *text)
{
	unsigned int len, total = value_len(version);

	for (len = 0; len < total; len += DIGITS)
		sprintf(text + len, "%0*u", DIGITS, version);
	return total;
}

static int tcp_open(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	int fd;

	if (getaddrinfo(host, port, &hints, &ai))
		return -1;
	fd = socket(ai->ai_family, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}

static bool set_value(int fd, unsigned int key, unsigned int version)
{
	char text[ROOM], answer[8];
	size_t len = sprintf(text, "set race%u 0 0 %u\r\n", key,
			     value_len(version));
	ssize_t got, all = 0;

	len += make_value(version, text + len);
	len += sprintf(text + len, "\r\n");
	if (write(fd, text, len) != (ssize_t)len)
		return false;
	do {
		got = read(fd, answer + all, sizeof(answer) - all);
		all += got;
	} while (got > 0 && all < (ssize_t)sizeof(answer));
	return all == sizeof(answer) && !memcmp(answer, "STORED\r\n", 8);
}

static bool set_next(int fd, unsigned int key)
{
	unsigned int version = begun[key] + 1;

	begun[key] = version;
	if (!set_value(fd, key, version))
		return false;
	acked[key] = version;
	sets++;
	return true;
}

static void *writer(void *arg)
{
	int fd = *(int *)arg;
	unsigned int i;

	for (i = 0; !done; i++)
		if (!set_next(fd, i * 13 % KEYS))
			return "the server did not store a value";
	return NULL;
}

static void check(const char *answer, long len, unsigned int low,
		  unsigned int high)
{
	char expected[VALUE_MAX + DIGITS], digits[DIGITS + 1] = "", *value;
	unsigned int version;
	size_t value_size;

	if (len <= KV_END_LEN) {
		missed++;
		return;
	}
	value = memchr(answer, '\n', len);
	if (!value || value - answer + 1 + DIGITS > len) {
		torn++;
		return;
	}
	value++;
	memcpy(digits, value, DIGITS);
	version = strtoul(digits, NULL, 10);
	value_size = make_value(version, expected);
	if (len != value - answer + (long)value_size + KV_TAIL_LEN ||
	    memcmp(value, expected, value_size))
		torn++;
	else if (version < low || version > high)
		stale++;
}

static void *reader(void *arg)
{
	char request[ROOM], answer[ROOM];
	int fd = udp_client_open(host, port);
	unsigned int i, key, low;
	long len;

	if (fd < 0)
		return "no socket";
	for (i = (long)arg; !done; i++) {
		key = i * 7 % KEYS;
		len = sprintf(request + sizeof(struct kv_frame),
			      i % 8 ? "get race%u\r\n" : "gets race%u\r\n", key);
		low = acked[key];
		len = udp_client_ask(fd, request, len, 0, answer, sizeof(answer));
		if (len < 0)
			lost++;
		else
			check(answer, len, low, begun[key]);
		gets++;
	}
	return NULL;
}

static int report(void)
{
	printf("sets %lu gets %lu lost %lu torn %lu stale %lu missed %lu\n", sets,
	       gets, lost, torn, stale, missed);
	return !sets || gets == lost || torn || stale || (missed && !evicting);
}

int main(int argc, char **argv)
{
	pthread_t threads[READERS_MAX + 1];
	long i, readers = 2, seconds = 5;
	void *trouble = NULL;
	int c, fd;

	while ((c = getopt(argc, argv, "r:t:eh")) != -1) {
		if (c == 'e')
			evicting = true;
		else if (c == 'r')
			readers = atol(optarg);
		else if (c == 't')
			seconds = atol(optarg);
		else
			break;
	}
	if (c != -1 || argc - optind != 2 || readers < 1 || readers > READERS_MAX) {
		fputs("usage: kv_race [-r READERS] [-t SECONDS] [-e] HOST PORT\n", stderr);
		return 2;
	}
	host = argv[optind];
	port = argv[optind + 1];
	fd = tcp_open();
	for (i = 0; i < KEYS; i++)
		if (fd < 0 || !set_next(fd, i))
			return fputs("kv_race: no server\n", stderr) < 0 ? 1 : 2;

	pthread_create(&threads[0], NULL, writer, &fd);
	for (i = 1; i <= readers; i++)
		pthread_create(&threads[i], NULL, reader, (void *)i);
	sleep(seconds);
	done = true;
	for (i = 0; i <= readers; i++) {
		pthread_join(threads[i], &trouble);
		if (trouble)
			fprintf(stderr, "kv_race: %s\n", (char *)trouble);
	}
	return report();
}
