// SPDX-License-Identifier: GPL-2.0
/*
 * Does memcached's memory look as layout.h has it? XDP answers nothing before that.
 *
 * Started by the launcher as a process of its own, nobody's child. It waits for the
 * server, asks for its settings, stores items over UDP, and looks for each in the arena:
 * by way of mc_dir, in the chain that the hash says, with every field where it should be,
 * and changed as it should by fetches, incr, touch and delete; and at the counter of its
 * lock. Only then it sets mc_dir.ready. If something is not so, it says what, and
 * memcached runs on without XDP; with --require the probe ends it.
 *
 * Others may use the server meanwhile. Each request is sent again if no answer comes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"

#define PROBE_FD	3
#define TRIES		30	/* of a second each */
#define ROOM		(64 << 10)
#define PREFIX		"arena_memcached:probe:"
#define NR_SAMPLES	6
#define FETCHES		1000	/* before one makes an item active */

static const struct mc_layout layouts[] = MC_LAYOUTS;

static struct {
	struct arena arena;
	const struct mc_layout *layout;
	int pidfd;		/* memcached's */
	int sock;
	unsigned long long random;
	char answer[ROOM];
} p;

/* An item that is stored, and what has become known of it */
struct sample {
	char key[MC_KEY_MAX + 1];
	char value[1024];
	unsigned int client_flags;
	int exptime;
	unsigned long long cas;
};

const struct mc_layout *find_layout(const char *version)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++)
		if (!strcmp(layouts[i].version, version))
			return &layouts[i];
	return NULL;
}

static const char *why_not(const char *fmt, ...)
{
	static char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

/* Talking to the server */

static int open_socket(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *ai;
	struct timeval second = { .tv_sec = 1 };
	int fd;

	if (getaddrinfo(host, port, &hints, &ai))
		return -1;
	fd = socket(ai->ai_family, SOCK_DGRAM, 0);
	if (fd >= 0 && (connect(fd, ai->ai_addr, ai->ai_addrlen) ||
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)))) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}

/* The datagrams of one answer, which come in order from the machine itself */
static bool receive(__u16 id)
{
	char data[2048];
	struct mc_frame *frame = (void *)data;
	size_t all = 0;
	int seq = 0;
	ssize_t len;

	do {
		len = recv(p.sock, data, sizeof(data), 0);
		if (len < (ssize_t)sizeof(*frame))
			return false;
		if (frame->id != id)
			continue;
		len -= sizeof(*frame);
		if (ntohs(frame->seq) != seq++ || all + len >= ROOM)
			return false;
		memcpy(p.answer + all, frame + 1, len);
		all += len;
	} while (frame->id != id || seq < ntohs(frame->total));
	p.answer[all] = 0;
	return true;
}

static bool is_running(void)
{
	struct pollfd ended = { .fd = p.pidfd, .events = POLLIN };

	return poll(&ended, 1, 0) == 0;
}

/* In p.answer; false if there is none. A refused datagram (no server yet) is no answer. */
static bool __attribute__((format(printf, 2, 3))) ask(int tries, const char *fmt, ...)
{
	static __u16 id;
	char data[2048];
	struct mc_frame *frame = (void *)data;
	size_t len = sizeof(*frame);
	va_list ap;

	va_start(ap, fmt);
	len += vsnprintf(data + len, sizeof(data) - len, fmt, ap);
	va_end(ap);
	for (; tries && is_running(); tries--) {
		*frame = (struct mc_frame){ .id = ++id, .total = htons(1) };
		if (send(p.sock, data, len, 0) == (ssize_t)len && receive(frame->id))
			return true;
		usleep(50000);
	}
	return false;
}

static const char *no_answer(const char *what)
{
	return why_not("no answer to %s", what);
}

/* The server's settings */

static bool has_setting(const char *name, const char *value)
{
	char line[128];

	snprintf(line, sizeof(line), "STAT %s %s\r\n", name, value);
	return strstr(p.answer, line);
}

static const char *check_settings(const char *port)
{
	const char *const wanted[][2] = {
		{ "udpport", port }, { "cas_enabled", "yes" }, { "flush_enabled", "no" },
		{ "hash_algorithm", "murmur3" }, { "lru_segmented", "yes" },
		{ "lru_maintainer_thread", "yes" }, { "auth_enabled_sasl", "no" },
		{ "auth_enabled_ascii", "no" }, { "ssl_enabled", "no" },
		{ "memory_file", "(null)" },
	};
	unsigned int i;

	if (!ask(TRIES, "stats settings\r\n"))
		return no_answer("stats settings");
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!has_setting(wanted[i][0], wanted[i][1]))
			return why_not("its setting %s is not %s", wanted[i][0], wanted[i][1]);
	if (has_setting("binding_protocol", "binary"))
		return "its protocol is binary";
	return NULL;
}

static const char *check_version(void)
{
	char line[64];

	snprintf(line, sizeof(line), "VERSION %s\r\n", p.layout->version);
	if (!ask(TRIES, "version\r\n"))
		return no_answer("version");
	return strcmp(p.answer, line) ? "another version answers" : NULL;
}

/* The arena */

static void *at(__u64 addr)
{
	return (void *)(unsigned long)addr;
}

static const char *check_dir(void)
{
	struct mc_dir *dir;

	arena_find_dir(&p.arena);
	dir = p.arena.dir;
	if (!dir)
		return "the preloaded library has not run";
	if (!dir->seqs || !arena_contains(&p.arena, dir->seqs, (dir->lock_mask + 1) * 8))
		return "its item locks were not recognised";
	if (!dir->table || !arena_contains(&p.arena, dir->table, (dir->mask + 1) * 8))
		return "its hash table was not recognised";
	if (dir->mask < dir->lock_mask)
		return "it has more item locks than buckets";
	return NULL;
}

static __u32 hash_of(const char *key)
{
	__u32 hash = 0, word, len = strlen(key), i;

	for (i = 0; i + 4 <= len; i += 4) {
		memcpy(&word, key + i, 4);
		hash = mc_hash_add(hash, word);
	}
	word = 0;
	memcpy(&word, key + i, len - i);
	return mc_hash_end(hash ^ mc_hash_mix(word), len);
}

static volatile __u64 *counter_of(const char *key)
{
	return (__u64 *)at(p.arena.dir->seqs) + (hash_of(key) & p.arena.dir->lock_mask);
}

static char *find_in(__u64 table, __u64 mask, const char *key)
{
	unsigned int len = strlen(key), i;
	__u64 item;

	if (!arena_contains(&p.arena, table, (mask + 1) * 8))
		return NULL;
	item = *(__u64 *)at(table + (hash_of(key) & mask) * 8);
	for (i = 0; i < 1000 && arena_contains(&p.arena, item, 512); i++) {
		const char *mem = at(item);

		if ((__u8)mem[p.layout->nkey] == len &&
		    !memcmp(mem + p.layout->data + 8, key, len))
			return at(item);
		item = *(__u64 *)(mem + p.layout->h_next);
	}
	return NULL;
}

/*
 * As the program does, but tries again: others change the chain, and tables. When it
 * returns, the counter was even and unchanged.
 */
static bool find_item(const char *key, char **item)
{
	volatile __u64 *counter = counter_of(key);
	const struct mc_dir *dir = p.arena.dir;
	__u64 seq, generation;
	int tries;

	for (tries = 0; tries < 5000; tries++) {
		seq = *counter;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		generation = *(volatile __u64 *)&dir->generation;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		*item = find_in(dir->old, dir->old_mask, key);
		if (!*item)
			*item = find_in(dir->table, dir->mask, key);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!(seq & 1) && !(generation & 1) && *counter == seq &&
		    *(volatile __u64 *)&dir->generation == generation)
			return true;
		usleep(1000);
	}
	return false;
}

/* Samples */

static void make_sample(struct sample *s, int nr)
{
	static const unsigned int key_lens[] = { 40, 41, 43, 47, 100, MC_KEY_MAX };
	static const unsigned int value_lens[] = { 1, 0, 7, 100, 1000, 333 };
	static const unsigned int flags[] = { 0, 1, 0, 4294967295U, 0, 77 };
	static const int times[] = { 0, 0, 1000, 1000, 0, 100000 };
	int len;

	len = snprintf(s->key, sizeof(s->key), PREFIX "%016llx", p.random);
	memset(s->key + len, 'a' + nr, key_lens[nr] - len);
	s->key[key_lens[nr]] = 0;
	memset(s->value, 'A' + nr, value_lens[nr]);
	s->value[value_lens[nr]] = 0;
	s->client_flags = flags[nr];
	s->exptime = times[nr];
}

static const char *store(const struct sample *s)
{
	if (!ask(TRIES, "set %s %u %d %zu\r\n%s\r\n", s->key, s->client_flags, s->exptime,
		 strlen(s->value), s->value))
		return no_answer("set");
	return strcmp(p.answer, "STORED\r\n") ? "it does not store an item" : NULL;
}

static const char *fetch(struct sample *s)
{
	char line[512];
	int len;

	if (!ask(TRIES, "gets %s\r\n", s->key))
		return no_answer("gets");
	len = snprintf(line, sizeof(line), "VALUE %s %u %zu ", s->key, s->client_flags,
		       strlen(s->value));
	if (strncmp(p.answer, line, len))
		return "it does not return an item";
	s->cas = strtoull(p.answer + len, NULL, 10);
	return NULL;
}

static __u32 word_of(const char *item, __u32 off)
{
	__u32 word;

	memcpy(&word, item + off, sizeof(word));
	return word;
}

static const char *check_times(const struct sample *s, const char *item)
{
	__u32 time = word_of(item, p.layout->time), ends = word_of(item, p.layout->exptime);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!time || time > now.tv_sec - p.arena.dir->epoch)
		return "its clock is ahead";
	if (!s->exptime)
		return ends ? "exptime is not 0" : NULL;
	/* the clock goes on between the two, by jumps if the machine is slow */
	return ends > time + s->exptime || ends + 100 < time + s->exptime ?
	       "exptime is another" : NULL;
}

static __u16 flags_of(const char *item)
{
	__u16 flags;

	memcpy(&flags, item + p.layout->it_flags, sizeof(flags));
	return flags;
}

/*
 * @fetched: it has been fetched. MC_ACTIVE may be set by then or not: the LRU thread
 * clears it when it moves an item.
 */
static const char *check_fields(const struct sample *s, const char *item, bool fetched)
{
	size_t key_len = strlen(s->key), value_len = strlen(s->value);
	__u16 flags = MC_LINKED | MC_CAS | (s->client_flags ? MC_CFLAGS : 0) |
		      (fetched ? MC_FETCHED : 0);
	const char *data = item + p.layout->data;
	__u64 cas;

	memcpy(&cas, data, sizeof(cas));
	if ((flags_of(item) & ~MC_ACTIVE) != flags)
		return why_not("it_flags is %u, not %u", flags_of(item), flags);
	if (word_of(item, p.layout->nbytes) != value_len + 2)
		return "nbytes is another";
	if (s->cas && cas != s->cas)
		return "cas is another";
	data += 8 + key_len + 1;
	if (s->client_flags && word_of(data, 0) != s->client_flags)
		return "client flags are others";
	data += s->client_flags ? 4 : 0;
	if (memcmp(data, s->value, value_len) || memcmp(data + value_len, "\r\n", 2))
		return "the value is another";
	return check_times(s, item);
}

static const char *check_item(const struct sample *s, bool fetched)
{
	char *item;

	if (!find_item(s->key, &item))
		return "the counter of an item's lock does not come to rest";
	return item ? check_fields(s, item, fetched) : "an item is not where the hash says";
}

static const char *check_fetches(struct sample *s)
{
	const char *why = NULL;
	char *item = NULL;
	int i;

	for (i = 0; i < FETCHES && !why; i++) {
		why = fetch(s) ?: check_item(s, true);
		if (!why && find_item(s->key, &item) && item && flags_of(item) & MC_ACTIVE)
			return NULL;
	}
	return why ?: "fetches do not make an item active";
}

/* Each of these takes the item's lock: the counter goes on, by an even number. */
static const char *check_life(struct sample *s)
{
	__u64 before = *counter_of(s->key);
	const char *why;
	char *item;

	why = store(s) ?: check_item(s, false) ?: check_fetches(s);
	if (why)
		return why;
	if (*counter_of(s->key) < before + 6)
		return "item locks are not counted";
	if (!ask(TRIES, "delete %s\r\n", s->key))
		return no_answer("delete");
	if (!find_item(s->key, &item) || item)
		return "a deleted item is still there";
	return NULL;
}

static const char *check_items(void)
{
	struct sample sample;
	const char *why = NULL;
	int i;

	for (i = 0; i < NR_SAMPLES && !why; i++) {
		memset(&sample, 0, sizeof(sample));
		make_sample(&sample, i);
		why = check_life(&sample);
	}
	return why;
}

/* In place: the item stays, with new bytes and a new cas. */
static const char *check_incr(void)
{
	struct sample s = { .value = "41" };
	const char *why;
	char *item;

	snprintf(s.key, sizeof(s.key), PREFIX "%016llx:n", p.random);
	why = store(&s) ?: fetch(&s);
	if (why || !find_item(s.key, &item))
		return why ?: "the counter of a lock does not come to rest";
	if (!ask(TRIES, "incr %s 1\r\n", s.key) || strcmp(p.answer, "42\r\n"))
		return "it does not count";
	strcpy(s.value, "42");
	why = fetch(&s) ?: check_item(&s, true);
	if (!why && !ask(TRIES, "delete %s\r\n", s.key))
		why = no_answer("delete");
	return why;
}

/* All together */

static bool wait_for_server(const char *host, const char *port)
{
	int rounds = 0;

	while (is_running()) {
		if (p.sock < 0)
			p.sock = open_socket(host, port);
		if (p.sock >= 0 && ask(1, "version\r\n"))
			return true;
		if (++rounds == 200)
			complain("memcached does not answer on %s port %s over UDP yet", host,
				 port);
	}
	return false;
}

static const char *probe(const char *port)
{
	return check_version() ?: check_settings(port) ?: check_dir() ?: check_items() ?:
	       check_incr();
}

/* Nobody's child: memcached has none, and nobody waits for this process. */
static void leave_parent(void)
{
	pid_t pid = fork();

	if (pid)
		_exit(pid < 0);
	setsid();
}

/* VERSION PID HOST PORT require|try IFACE; the arena is file descriptor PROBE_FD. */
int probe_main(char **argv)
{
	const char *host = argv[2], *port = argv[3], *why;
	bool require = !strcmp(argv[4], "require");

	p.layout = find_layout(argv[0]);
	p.pidfd = syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	p.sock = -1;
	leave_parent();
	if (!p.layout || p.pidfd < 0 || getrandom(&p.random, sizeof(p.random), 0) < 0)
		die("the probe: %s", strerror(errno));
	why = arena_map(&p.arena, PROBE_FD);
	if (!why && !wait_for_server(host, port))
		return 0;
	why = why ?: probe(port);
	if (!is_running())
		return 0;
	if (!why) {
		__atomic_store_n(&p.arena.dir->ready, 1, __ATOMIC_RELEASE);
		complain("XDP answers on %s for port %s", argv[5], port);
		return 0;
	}
	complain("memcached runs without XDP: %s", why);
	if (require)
		syscall(SYS_pidfd_send_signal, p.pidfd, SIGTERM, NULL, 0);
	return 1;
}
