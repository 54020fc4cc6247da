// SPDX-License-Identifier: GPL-2.0
/*
 * Looks for torn and stale values: one thread changes keys over TCP, which XDP never
 * sees; others get them over UDP.
 *
 *	writer:  begun[key] = step   command ... answer   acked[key] = step
 *	reader:  low = acked[key]   get   high = begun[key]
 *
 * Each key goes from step to step, and has a kind, which says what its value is then and
 * how it gets there:
 *
 *	SET      set: the version, again and again, in a length that follows from it
 *	INCR     incr in place: two halves of 9 digits that are equal, the version
 *	APPEND   append: the version, once more each step; at every 20th, set to the next
 *	DELETE   delete, then add of the next version
 *
 * What a reader gets must be the value of one step from end to end, not of one before low,
 * which was acknowledged before the get was sent, nor of one after high. Once a delete is
 * acknowledged, only what is added next may be found. Nor may a step be older than what
 * this reader had before, by step and by cas. A miss is a fault, but of a key that is being
 * deleted, or with -e, when the server is evicting. Then a key that cannot be changed is
 * set anew.
 *
 * With -i there is one key, which is counted in place: all readers are at it.
 *
 * A reader asks for a key several times in a row, since memcached wants to see the first
 * gets itself. The writer waits for some gets after each change.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "layout.h"

#define KEYS		16	/* four of each kind */
#define BURST		12	/* gets of one key in a row */
#define DIGITS		9	/* of a version */
#define FIRST		100000000U
#define PIECES		100	/* versions in a value */
#define APPENDS		20	/* the same, of an APPEND */
#define ROOM		4096
#define READERS_MAX	16

enum kind { SET, INCR, APPEND, DELETE, KINDS };

static atomic_uint begun[KEYS], acked[KEYS];
static atomic_ulong changes, gets, lost, torn, stale, missed;
static atomic_bool done;
static unsigned long rounds = 2000, pace = 6;
static bool evicting, counting, verbose;
static const char *host, *port;
static int tcp;

static int connect_to(int type)
{
	struct addrinfo hints = { .ai_socktype = type }, *ai;
	struct timeval patience = { .tv_sec = 60 }; /* the machine may be busy */
	int fd;

	if (getaddrinfo(host, port, &hints, &ai))
		return -1;
	fd = socket(ai->ai_family, type, 0);
	if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	if (fd >= 0 && type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* The writer */

/* A command, and the line that it is to be answered by */
static bool command(const char *request, size_t len, const char *wanted)
{
	char answer[64] = "";
	size_t all = 0;
	ssize_t got;

	if (write(tcp, request, len) != (ssize_t)len)
		return false;
	do {
		got = read(tcp, answer + all, sizeof(answer) - 1 - all);
		all += got > 0 ? got : 0;
	} while (got > 0 && !strchr(answer, '\n') && all < sizeof(answer) - 1);
	if (!strncmp(answer, wanted, strlen(wanted)))
		return true;
	if (!evicting)
		fprintf(stderr, "mc_race: %.40s: %s", request, answer);
	return false;
}

static enum kind kind_of(unsigned int key)
{
	return counting ? INCR : key % KINDS;
}

static unsigned int version_of(unsigned int key, unsigned int step)
{
	return FIRST + (kind_of(key) == APPEND ? step / APPENDS : step);
}

static unsigned int pieces_of(unsigned int key, unsigned int step)
{
	switch (kind_of(key)) {
	case SET:
		return 1 + step * 7 % PIECES;
	case INCR:
		return 2;
	case APPEND:
		return 1 + step % APPENDS;
	default:
		return 1;
	}
}

static bool store(const char *verb, unsigned int key, unsigned int step)
{
	unsigned int i, version = version_of(key, step), pieces = pieces_of(key, step);
	char text[ROOM];
	size_t len;

	len = sprintf(text, "%s race%u 0 0 %u\r\n", verb, key, pieces * DIGITS);
	for (i = 0; i < pieces; i++)
		len += sprintf(text + len, "%u", version);
	len += sprintf(text + len, "\r\n");
	return command(text, len, "STORED\r\n");
}

static bool count(unsigned int key, unsigned int step)
{
	unsigned int version = version_of(key, step);
	char text[64], wanted[32];
	int len = sprintf(text, "incr race%u 1000000001\r\n", key);

	sprintf(wanted, "%u%u\r\n", version, version);
	return command(text, len, wanted);
}

static bool extend(unsigned int key, unsigned int step)
{
	char text[64];
	int len = sprintf(text, "append race%u 0 0 %d\r\n%u\r\n", key, DIGITS,
			  version_of(key, step));

	return command(text, len, "STORED\r\n");
}

static bool erase(unsigned int key)
{
	char text[64];
	int len = sprintf(text, "delete race%u\r\n", key);

	return command(text, len, "DELETED\r\n");
}

static bool replace(unsigned int key, unsigned int step)
{
	if (!erase(key))
		return false;
	acked[key] = step; /* from now on nobody finds what was deleted */
	return store("add", key, step);
}

static bool advance(unsigned int key, unsigned int step)
{
	switch (kind_of(key)) {
	case INCR:
		return count(key, step);
	case APPEND:
		return step % APPENDS ? extend(key, step) : store("set", key, step);
	case DELETE:
		return replace(key, step);
	default:
		return store("set", key, step);
	}
}

static bool change(unsigned int key)
{
	unsigned int step = begun[key] + 1;

	begun[key] = step;
	if (!advance(key, step) && !(evicting && store("set", key, step)))
		return false;
	acked[key] = step;
	return true;
}

static void *writer(void *arg)
{
	unsigned long i, before;

	for (i = 0; i < rounds; i++) {
		before = gets;
		if (!change(counting ? 0 : i % KEYS) && !evicting) {
			done = true;
			return "the server did not do what it was asked to";
		}
		changes++;
		while (gets < before + pace)
			usleep(20);
	}
	done = true;
	return NULL;
}

/* Readers */

struct seen {
	unsigned long long cas;
	unsigned int step;
};

/* A line of get, gets or mg: the value's length and cas; where the value begins */
static char *parse_line(char *answer, unsigned int key, size_t *len, unsigned long long *cas)
{
	char *end = strchr(answer, '\n'), name[16];
	unsigned int flags;

	*cas = 0;
	if (!end)
		return NULL;
	*end = 0; /* or a number is looked for in the value */
	if (sscanf(answer, "VA %zu c%llu", len, cas) == 2)
		return end + 1;
	if (sscanf(answer, "VALUE race%15s %u %zu %llu", name, &flags, len, cas) < 3 ||
	    (unsigned int)atoi(name) != key || flags)
		return NULL;
	return end + 1;
}

/* The value of one step from end to end: false if it is of none */
static bool parse_value(unsigned int key, const char *value, size_t len, unsigned int *step)
{
	char digits[DIGITS + 1] = "";
	size_t i;

	if (!len || len % DIGITS)
		return false;
	memcpy(digits, value, DIGITS);
	for (i = DIGITS; i < len; i += DIGITS)
		if (memcmp(value + i, digits, DIGITS))
			return false;
	*step = strtoul(digits, NULL, 10) - FIRST;
	if (kind_of(key) == APPEND)
		*step = *step * APPENDS + len / DIGITS - 1;
	return len == pieces_of(key, *step) * DIGITS;
}

static void complain(const char *what, unsigned int key, const char *answer)
{
	if (verbose)
		fprintf(stderr, "mc_race: %s: race%u: %.60s\n", what, key, answer);
}

static void check(unsigned int key, char *answer, long all, unsigned int low, unsigned int high,
		  struct seen *seen)
{
	bool whole = false;
	unsigned int step = 0;
	unsigned long long cas;
	size_t len;
	char *value;

	if (!strcmp(answer, "END\r\n") || !strcmp(answer, "EN\r\n")) {
		missed += kind_of(key) != DELETE;
		return;
	}
	value = parse_line(answer, key, &len, &cas);
	if (value && len <= (size_t)(answer + all - value) &&
	    (!strcmp(value + len, "\r\n") || !strcmp(value + len, "\r\nEND\r\n")))
		whole = parse_value(key, value, len, &step);
	if (!whole) {
		complain("torn", key, answer);
		torn++;
	} else if (step < low || step > high || step < seen->step ||
		   (cas && (cas < seen->cas || (cas == seen->cas && step != seen->step)))) {
		complain("stale", key, answer);
		stale++;
	}
	if (whole && (step > seen->step || cas > seen->cas))
		*seen = (struct seen){ cas > seen->cas ? cas : seen->cas, step };
}

/* One at a time; late answers to requests that were given up are thrown away. */
static long ask(int fd, const char *format, unsigned int key, char *answer)
{
	static __thread __u16 id;
	char data[ROOM];
	struct mc_frame *frame = (void *)data;
	size_t len = sizeof(*frame);
	ssize_t got;

	*frame = (struct mc_frame){ .id = ++id, .total = htons(1) };
	len += sprintf(data + len, format, key);
	if (send(fd, data, len, 0) < 0)
		return -1;
	do {
		got = recv(fd, data, sizeof(data) - 1, 0);
	} while (got >= (ssize_t)sizeof(*frame) && frame->id != id);
	if (got < (ssize_t)sizeof(*frame))
		return -1;
	data[got] = 0;
	memcpy(answer, frame + 1, got - sizeof(*frame) + 1);
	return got - sizeof(*frame);
}

static void fetch(int fd, unsigned int key, unsigned int i, struct seen *seen)
{
	static const char *const formats[] = {
		"get race%u\r\n", "gets race%u\r\n", "mg race%u v c\r\n",
	};
	unsigned int low = acked[key];
	char answer[ROOM];
	long len;

	len = ask(fd, formats[i % 3], key, answer);
	if (len < 0)
		lost++;
	else
		check(key, answer, len, low, begun[key], seen);
	gets++;
}

static void *reader(void *arg)
{
	struct seen seen[KEYS] = {};
	int fd = connect_to(SOCK_DGRAM);
	unsigned int i, key;

	if (fd < 0)
		return "no socket";
	for (i = (long)arg * 7; !done; i++) {
		key = i / BURST * 5 % KEYS;
		if (counting)
			key = 0; /* all at the one that is written */
		fetch(fd, key, i, &seen[key]);
	}
	return NULL;
}

static bool start(void)
{
	unsigned int i;

	tcp = connect_to(SOCK_STREAM);
	for (i = 0; i < KEYS; i++) {
		begun[i] = 0;
		acked[i] = 0;
		if (tcp < 0 || !store("set", i, 0))
			return false;
	}
	return true;
}

static int report(void)
{
	printf("changes %lu gets %lu lost %lu torn %lu stale %lu missed %lu\n", changes, gets,
	       lost, torn, stale, missed);
	return !changes || gets == lost || torn || stale || (missed && !evicting);
}

int main(int argc, char **argv)
{
	pthread_t threads[READERS_MAX + 1];
	long i, readers = 2;
	void *trouble;
	int c;

	while ((c = getopt(argc, argv, "r:n:p:eiv")) != -1) {
		if (c == 'r')
			readers = atol(optarg);
		else if (c == 'n')
			rounds = atol(optarg);
		else if (c == 'p')
			pace = atol(optarg);
		else if (c == 'e')
			evicting = true;
		else if (c == 'i')
			counting = true;
		else if (c == 'v')
			verbose = true;
		else
			break;
	}
	if (c != -1 || argc - optind != 2 || readers < 1 || readers > READERS_MAX) {
		fputs("usage: mc_race [-r READERS] [-n CHANGES] [-p GETS] [-e] [-i] [-v] HOST PORT\n",
		      stderr);
		return 2;
	}
	host = argv[optind];
	port = argv[optind + 1];
	if (!start())
		return fputs("mc_race: no server\n", stderr) < 0 ? 1 : 2;
	pthread_create(&threads[0], NULL, writer, NULL);
	for (i = 1; i <= readers; i++)
		pthread_create(&threads[i], NULL, reader, (void *)i);
	for (i = 0; i <= readers; i++) {
		pthread_join(threads[i], &trouble);
		if (trouble)
			fprintf(stderr, "mc_race: %s\n", (char *)trouble);
	}
	return report();
}
