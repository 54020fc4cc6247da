// SPDX-License-Identifier: GPL-2.0
/*
 * Does memcached's memory look as layout.h has it? XDP answers nothing before that.
 *
 * Started by the launcher as a process of its own, nobody's child. It waits for the
 * server, asks for its settings, stores items over UDP, and looks for each in the arena:
 * by way of mc_dir, in the chain that the hash says, with every field where it should be,
 * and changed as it should by fetches, incr and delete; and at the counter of its lock.
 * Only then it sets mc_dir.ready. If something is not so, it says what, and detaches the
 * program: memcached runs on without XDP. With --require the probe ends it.
 *
 * Others may use the server meanwhile. They may keep it so busy that requests are lost;
 * one that is sent again may be done twice, or much later; an item may be evicted; and
 * whoever lists the keys ("lru_crawler metadump") can change the samples. None of this may
 * end the server. So the probe takes a fault for one only if the server says, after it,
 * that the key has the item that was stored (its value, flags, cas, and when it expires),
 * and if nobody has taken the item's lock since before it looked, but for that question.
 * In all other cases it begins again, with new keys, as often as it takes. What fetches
 * change is not looked at: see STRANGE.
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

#define TRIES		30	/* of a second each */
#define ROOM		(64 << 10)
#define PREFIX		"arena_memcached:probe:"
#define NR_SAMPLES	6
#define FETCHES		1000	/* before one makes an item active */
#define LAG		500	/* seconds of memcached's clock, on a slow machine */
#define TOKEN_SENT	512	/* it_flags: by "mg KEY R" */
#define STRANGE		(MC_FETCHED | MC_ACTIVE | TOKEN_SENT)	/* others may set these */
#define MG_COUNTS	4	/* what "mg" adds to the counter: it takes the lock twice */
#define PATIENCE	3	/* rounds, before it says why there is another */
#define PAUSE		500000	/* us, between them */
#define KEYS_MAX	(1 << 24)	/* to find one for a bucket; 3 s */

static const struct mc_layout layouts[] = MC_LAYOUTS;

static struct {
	struct arena arena;
	const struct mc_layout *layout;
	int pidfd;		/* memcached's */
	int sock;
	bool again;		/* it was disturbed: another round */
	unsigned long long random;
	char answer[ROOM];
} p;

/* An item that is stored, and what has become known of it */
struct sample {
	char key[MC_KEY_MAX + 1];
	char value[1024];
	unsigned int client_flags;
	int exptime;
	time_t since, until;	/* by CLOCK_MONOTONIC: it was stored between them */
	unsigned long long cas;
	int ttl;		/* as the server says; -1 for ever */
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

/* @why says nothing of memcached's memory, nor of its settings. */
static const char *disturbed(const char *why)
{
	p.again = true;
	return why;
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
	return disturbed(why_not("no answer to %s", what));
}

/* The server's settings */

static bool has_setting(const char *name, const char *value)
{
	char line[128];

	snprintf(line, sizeof(line), "STAT %s %s\r\n", name, value);
	return strstr(p.answer, line);
}

static bool ends_with(const char *end)
{
	size_t len = strlen(p.answer), end_len = strlen(end);

	return len >= end_len && !strcmp(p.answer + len - end_len, end);
}

static const char *check_settings(const char *port)
{
	const char *const wanted[][2] = {
		{ "udpport", port }, { "cas_enabled", "yes" }, { "flush_enabled", "no" },
		{ "hash_algorithm", "murmur3" }, { "lru_maintainer_thread", "yes" },
		{ "auth_enabled_sasl", "no" }, { "auth_enabled_ascii", "no" },
		{ "ssl_enabled", "no" }, { "memory_file", "(null)" },
	};
	unsigned int i;

	if (!ask(TRIES, "stats settings\r\n") || !ends_with("\r\nEND\r\n"))
		return no_answer("stats settings");
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!has_setting(wanted[i][0], wanted[i][1]))
			return why_not("its setting %s is not %s", wanted[i][0], wanted[i][1]);
	if (has_setting("binding_protocol", "binary"))
		return "its protocol is binary";
	/* any client may say "lru mode flat", and "lru mode segmented" */
	if (!has_setting("lru_segmented", "yes"))
		return disturbed("its setting lru_segmented is not yes");
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
	if (!arena_contains(&p.arena, dir->seqs, (dir->lock_mask + 1) * 8))
		return "its item locks were not recognised";
	if (!arena_contains(&p.arena, dir->table, (dir->mask + 1) * 8))
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

/* An address outside of the arena ends the walk: mimalloc found no room for it inside. */
static char *find_in(__u64 table, __u64 mask, const char *key, bool *outside)
{
	unsigned int len = strlen(key), i;
	__u64 item;

	if (!arena_contains(&p.arena, table, (mask + 1) * 8)) {
		*outside |= table != 0;
		return NULL;
	}
	item = *(__u64 *)at(table + (hash_of(key) & mask) * 8);
	for (i = 0; i < 1000 && arena_contains(&p.arena, item, 512); i++) {
		const char *mem = at(item);

		if ((__u8)mem[p.layout->nkey] == len &&
		    !memcmp(mem + p.layout->data + 8, key, len))
			return at(item);
		item = *(__u64 *)(mem + p.layout->h_next);
	}
	/* or the chain is too long: strangers can make it so */
	*outside |= item != 0;
	return NULL;
}

/*
 * As the program does, but tries again: others change the chain, and tables. When it
 * returns, the counter was even and unchanged.
 */
static const char *find_item(const char *key, char **item)
{
	bool outside = false;
	volatile __u64 *counter = counter_of(key);
	const struct mc_dir *dir = p.arena.dir;
	__u64 seq, generation;
	int tries;

	for (tries = 0; tries < 5000; tries++) {
		seq = *counter;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		generation = *(volatile __u64 *)&dir->generation;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		outside = false;
		*item = find_in(dir->old, dir->old_mask, key, &outside);
		if (!*item)
			*item = find_in(dir->table, dir->mask, key, &outside);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!(seq & 1) && !(generation & 1) && *counter == seq &&
		    *(volatile __u64 *)&dir->generation == generation)
			return !*item && outside ? disturbed("an item is not in the arena, or behind a thousand") : NULL;
		usleep(1000);
	}
	return disturbed("the counter of an item's lock does not come to rest");
}

/* Samples */

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

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

static bool has_value(const struct sample *s, size_t len)
{
	const char *value = strstr(p.answer, "\r\n");

	return value && len == strlen(s->value) && !strncmp(value + 2, s->value, len) &&
	       !strcmp(value + 2 + len, "\r\n");
}

/*
 * The cas of the item that has the key now, if it is what was stored and nobody has touched
 * it. This is not a fetch, and changes no item.
 */
static const char *learn(struct sample *s)
{
	unsigned int flags;
	size_t len;

	if (!ask(TRIES, "mg %s c t f v u\r\n", s->key) ||
	    sscanf(p.answer, "VA %zu c%llu t%d f%u", &len, &s->cas, &s->ttl, &flags) != 4)
		return disturbed("it does not keep an item");
	if (flags != s->client_flags || !has_value(s, len) ||
	    (s->exptime ? abs(s->exptime - s->ttl) > LAG / 2 : s->ttl != -1))
		return disturbed("an item does not stay as it was");
	return NULL;
}

/* @why is wrong with the item: only if nobody came near it since the counter was @before. */
static const char *confirm(const struct sample *s, const char *why, __u64 before)
{
	struct sample found = *s;

	if (!why || p.again)
		return why;
	if (learn(&found) || found.cas != s->cas || *counter_of(s->key) - before > MG_COUNTS)
		return disturbed("an item does not stay as it was");
	return why;
}

static const char *store(struct sample *s)
{
	const char *why;

	s->since = now();
	if (!ask(TRIES, "set %s %u %d %zu\r\n%s\r\n", s->key, s->client_flags, s->exptime,
		 strlen(s->value), s->value))
		return no_answer("set");
	if (strcmp(p.answer, "STORED\r\n"))
		return disturbed("it does not store an item");
	why = learn(s);
	s->until = now();
	return why;
}

/* As well as it can be done: nobody else asks for the key. */
static void discard(const struct sample *s)
{
	ask(1, "delete %s\r\n", s->key);
}

static const char *fetch(const struct sample *s)
{
	char line[512];
	int len;

	if (!ask(TRIES, "gets %s\r\n", s->key))
		return no_answer("gets");
	len = snprintf(line, sizeof(line), "VALUE %s %u %zu ", s->key, s->client_flags,
		       strlen(s->value));
	return strncmp(p.answer, line, len) ? disturbed("it does not return an item") : NULL;
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
	__s64 epoch = p.arena.dir->epoch;

	/* when it was stored, or when it was fetched since */
	if (time > now() - epoch)
		return "its clock is ahead";
	if (time + LAG < s->since - epoch)
		return "its clock is far behind";
	if (!s->exptime)
		return ends ? "exptime is not 0" : NULL;
	return ends > s->until - epoch + s->exptime + LAG ||
	       ends + LAG < s->since - epoch + s->exptime ? "exptime is another" : NULL;
}

static __u16 flags_of(const char *item)
{
	__u16 flags;

	memcpy(&flags, item + p.layout->it_flags, sizeof(flags));
	return flags;
}

/*
 * @fetched: it has been fetched by the probe.
 */
static const char *check_fields(const struct sample *s, const char *item, bool fetched)
{
	size_t key_len = strlen(s->key), value_len = strlen(s->value);
	__u16 flags = MC_LINKED | MC_CAS | (s->client_flags ? MC_CFLAGS : 0);
	const char *data = item + p.layout->data;
	__u64 cas;

	memcpy(&cas, data, sizeof(cas));
	if ((flags_of(item) & ~STRANGE) != flags)
		return why_not("it_flags is %u, not %u", flags_of(item), flags);
	if (fetched && !(flags_of(item) & MC_FETCHED))
		return "a fetch does not set FETCHED";
	if (word_of(item, p.layout->nbytes) != value_len + 2)
		return "nbytes is another";
	if (cas != s->cas)
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
	__u64 before = *counter_of(s->key);
	char *item;

	return confirm(s, find_item(s->key, &item) ?: item ? check_fields(s, item, fetched) :
		       "an item is not where the hash says", before);
}

static const char *check_fetches(const struct sample *s)
{
	const char *why = NULL;
	char *item = NULL;
	int i;

	for (i = 0; i < FETCHES && !why; i++) {
		why = fetch(s) ?: check_item(s, true) ?: find_item(s->key, &item);
		if (!why && item && flags_of(item) & MC_ACTIVE)
			return NULL;
	}
	return why ?: disturbed("fetches do not make an item active");
}

/* A set that was sent twice may have stored another item since. */
static const char *check_delete(const struct sample *s)
{
	const char *why;
	__u64 cas;
	char *item;

	if (!ask(TRIES, "delete %s\r\n", s->key))
		return no_answer("delete");
	why = find_item(s->key, &item);
	if (why || !item)
		return why;
	memcpy(&cas, item + p.layout->data, sizeof(cas));
	return cas == s->cas ? "a deleted item is still there" :
			       disturbed("a deleted item is there again");
}

/* Each of these takes the item's lock: the counter goes on, by an even number. */
static const char *check_life(struct sample *s)
{
	__u64 before = *counter_of(s->key);

	return store(s) ?: check_item(s, false) ?: check_fetches(s) ?:
	       *counter_of(s->key) < before + 6 ? "item locks are not counted" :
	       check_delete(s);
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
		if (why)
			discard(&sample);
	}
	return why;
}

/* Another key of the same bucket: the newer item is the first of its chain. */
static bool find_other(const char *key, char *other)
{
	__u64 mask = p.arena.dir->mask;
	int i;

	for (i = 0; i < KEYS_MAX; i++) {
		snprintf(other, MC_KEY_MAX, "%.200s:%d", key, i);
		if (!((hash_of(other) ^ hash_of(key)) & mask))
			return true;
	}
	return false;
}

static const char *check_chain(void)
{
	struct sample behind = { .value = "a" }, first = { .value = "b" };
	const char *why;

	snprintf(behind.key, sizeof(behind.key), PREFIX "%016llx:c", p.random);
	if (!find_other(behind.key, first.key))
		return NULL;
	why = store(&behind) ?: store(&first) ?: check_item(&behind, false);
	discard(&behind);
	discard(&first);
	return why;
}

/* An answer may have been lost, and incr done twice: it begins with 41 each time. */
static const char *count(struct sample *s)
{
	const char *why = NULL;
	int tries;

	for (tries = 0; tries < TRIES && !why; tries++) {
		why = store(s);
		if (!why && ask(1, "incr %s 1\r\n", s->key) && !strcmp(p.answer, "42\r\n")) {
			strcpy(s->value, "42");
			return NULL;
		}
	}
	return why ?: disturbed("it does not count");
}

/* In place: the item stays, with new bytes and a new cas. */
static const char *check_incr(void)
{
	struct sample s = { .value = "41" };
	const char *why;

	snprintf(s.key, sizeof(s.key), PREFIX "%016llx:n", p.random);
	why = count(&s) ?: learn(&s) ?: fetch(&s) ?: check_item(&s, true);
	discard(&s);
	return why;
}

/* All together */

static bool wait_for_server(const char *host, const char *port)
{
	int rounds = 0;

	while (is_running()) {
		if (p.sock < 0)
			p.sock = open_socket(host, port);
		if (p.sock < 0)
			usleep(50000);
		else if (ask(1, "version\r\n"))
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
	       check_chain() ?: check_incr();
}

/* Until it is certain whether XDP may answer, or memcached has ended */
static const char *probe_until_certain(const char *port)
{
	const char *why;
	int rounds = 0;

	do {
		p.again = false;
		if (getrandom(&p.random, sizeof(p.random), 0) < 0)
			return strerror(errno);
		why = probe(port);
		if (p.again && ++rounds == PATIENCE)
			complain("XDP does not answer yet: %s", why);
		if (p.again)
			usleep(PAUSE);
	} while (p.again && is_running());
	return why;
}

static void refuse(const char *why, bool require)
{
	if (xdp_detach(LINK_FD))
		complain("XDP stays attached, but answers nothing: %s", why);
	else
		complain("memcached runs without XDP: %s", why);
	if (require && syscall(SYS_pidfd_send_signal, p.pidfd, SIGTERM, NULL, 0))
		complain("--require: cannot end memcached: %s", strerror(errno));
}

/* Nobody's child: memcached has none, and nobody waits for this process. */
static void leave_parent(void)
{
	pid_t pid = fork();

	if (pid)
		_exit(pid < 0);
	setsid();
}

/* VERSION PID HOST PORT require|try IFACE. ARENA_FD and LINK_FD are open. */
int probe_main(char **argv)
{
	const char *host = argv[2], *port = argv[3], *why;
	bool require = !strcmp(argv[4], "require");

	p.layout = find_layout(argv[0]);
	p.pidfd = syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	p.sock = -1;
	leave_parent();
	if (!p.layout || p.pidfd < 0)
		die("the probe: %s", strerror(errno));
	why = arena_map(&p.arena, ARENA_FD);
	if (!why && !wait_for_server(host, port))
		return 0;
	why = why ?: probe_until_certain(port);
	if (!is_running())
		return 0;
	if (!why) {
		__atomic_store_n(&p.arena.dir->ready, 1, __ATOMIC_RELEASE);
		complain("XDP answers on %s for port %s", argv[5], port);
		return 0;
	}
	refuse(why, require);
	return 1;
}
