// SPDX-License-Identifier: GPL-2.0
/*
 * probe.c without memcached and kernel: it is part of this program, and so is a server
 * with a small heap of its own, laid out as layout.h has it. Each test makes one thing
 * wrong there, for good or for a few times.
 *
 *	for good	the probe says what, and refuses
 *	a few times	strangers can do that: the probe tries again, and finds nothing wrong
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Nobody need wait here for a machine that is busy. */
static void nap(unsigned long us);
#define usleep(us) nap(us)
#include "../probe.c"
#undef usleep

#define SIZE		(16 << 20)
#define BUCKETS		4096
#define LOCKS		1024
#define ITEMS		20000
#define GOOD		1000000000	/* times */
#define UPTIME		1000	/* s: more than LAG, so that a time of 0 is far behind */

static void nap(unsigned long us)
{
	usleep(us / 100);
}

enum fault {
	NONE, VERSION, SETTING, BINARY,
	NO_DIR, NO_SEQS, SEQS_OUTSIDE, NO_TABLE, TABLE_OUTSIDE, FEW_BUCKETS,
	NOT_LINKED, NO_CAS, NO_CFLAGS, NOT_FETCHED, OTHER_FLAG,
	NBYTES, CAS_FIELD, CLIENT_FLAGS, VALUE, NO_CRLF,
	TIME_AHEAD, TIME_BEHIND, EXPTIME_NOT_0, EXPTIME_LATE, EXPTIME_EARLY,
	NKEY, BUCKET, H_NEXT, UNCOUNTED, DELETED_STAYS, OLD_VALUE,
	/* what strangers can do */
	OVERWRITTEN, TOUCHED_FIRST, TOUCHED_TWICE, LONG_CHAIN,
	LOST, SLOW_INCR, SLOW_SET, SLOW_DELETE, SET_AGAIN, FULL, STATS_FULL, EVICTED, REUSED,
	EARLY_FETCHED, TOKEN, TOUCHED, LRU_FLAT, OUTSIDE, NOT_ACTIVE, ODD_COUNTER, ODD_GENERATION,
};

static enum fault wrong;
static long times;		/* how often it still happens */
static unsigned int wrong_setting;
static bool failed;
static unsigned int complaints, rounds;
static bool detached;
static int server;

struct entry {
	char key[MC_KEY_MAX + 1];
	char *item;
	/* what the server says, whatever is wrong in the item */
	long ends;
	unsigned int flags;
	char value[1100];
	bool linked, touched;
};

static struct {
	char *mem;
	size_t used;
	struct mc_dir *dir;
	__u64 *seqs;
	char **table;
	__u64 cas;
	int entries;
	struct entry entry[ITEMS];
	char again[2048];	/* a request that is done a second time after the next one */
} heap;

static void check(const char *name, bool good, const char *said)
{
	if (good)
		printf("ok - %s\n", name);
	else
		printf("not ok - %s - it says: %s\n", name, said ?: "nothing");
	failed |= !good;
}

/* Of launch.h */

bool arena_contains(const struct arena *arena, __u64 addr, size_t len)
{
	__u64 off = addr - (__u64)(unsigned long)arena->header;

	return off < arena->size && len <= arena->size - off;
}

void arena_find_dir(struct arena *arena)
{
	arena->dir = wrong == NO_DIR ? NULL : heap.dir;
}

const char *arena_map(struct arena *arena, int fd)
{
	return NULL;
}

int xdp_detach(int link_fd)
{
	detached = true;
	return wrong == LOST ? -1 : 0;
}

static char last_said[256];

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_said, sizeof(last_said), fmt, ap);
	va_end(ap);
	complaints++;
}

void die(const char *fmt, ...)
{
	abort();
}

/* The server's heap */

static bool is_wrong(enum fault fault)
{
	return wrong == fault && times > 0 && times-- > 0;
}

static char *take(size_t size)
{
	char *mem = heap.mem + heap.used;

	heap.used += (size + 63) & ~63UL;
	if (heap.used > SIZE)
		abort();
	return memset(mem, 0, size);
}

static void make_heap(void)
{
	heap.used = 0;
	heap.entries = 0;
	heap.again[0] = 0;
	heap.dir = (void *)take(sizeof(*heap.dir));
	heap.seqs = (void *)take(LOCKS * 8);
	heap.table = (void *)take(BUCKETS * 8);
	heap.dir->seqs = (unsigned long)heap.seqs;
	heap.dir->lock_mask = LOCKS - 1;
	heap.dir->table = (unsigned long)heap.table;
	heap.dir->mask = BUCKETS - 1;
	heap.dir->epoch = now() - UPTIME;
	if (wrong == NO_SEQS)
		heap.dir->seqs = 0;
	if (wrong == SEQS_OUTSIDE)
		heap.dir->seqs += SIZE - 64;
	if (wrong == NO_TABLE)
		heap.dir->table = 0;
	if (wrong == TABLE_OUTSIDE)
		heap.dir->table += SIZE - 64 - LOCKS * 8;
	if (wrong == FEW_BUCKETS)
		heap.dir->mask = LOCKS / 2 - 1;
}

static void put(char *item, size_t off, unsigned long long value, size_t size)
{
	memcpy(item + off, &value, size);
}

static unsigned long long get(const char *item, size_t off, size_t size)
{
	unsigned long long value = 0;

	memcpy(&value, item + off, size);
	return value;
}

static char **bucket_of(const char *key)
{
	return &heap.table[(hash_of(key) + (wrong == BUCKET)) & (BUCKETS - 1)];
}

static struct entry *find(const char *key)
{
	int i;

	for (i = heap.entries - 1; i >= 0; i--)
		if (heap.entry[i].linked && !strcmp(heap.entry[i].key, key))
			return &heap.entry[i];
	return NULL;
}

static bool in_heap(const char *item)
{
	return item >= heap.mem && item < heap.mem + SIZE;
}

static void unlink_item(struct entry *entry)
{
	char **at = bucket_of(entry->key);
	size_t h_next = wrong == H_NEXT ? 0 : 16;

	entry->linked = false;
	while (in_heap(*at) && *at != entry->item)
		at = (char **)(*at + h_next);
	if (in_heap(*at))
		*at = *(char **)(*at + h_next);
}

/* Others' items, before it */
static void lengthen(char **bucket)
{
	char *other;
	int i;

	for (i = 0; i < 1001; i++) {
		other = take(64);
		*(char **)(other + 16) = *bucket;
		*bucket = other;
	}
}

static void link_item(const char *key, char *item)
{
	struct entry *entry = &heap.entry[heap.entries++];
	char **bucket = bucket_of(key);

	if (heap.entries == ITEMS)
		abort();
	snprintf(entry->key, sizeof(entry->key), "%s", key);
	entry->item = item;
	entry->linked = true;
	*(char **)(item + (wrong == H_NEXT ? 0 : 16)) = *bucket;
	*bucket = is_wrong(OUTSIDE) ? (char *)0x1234567000UL : item;
	if (is_wrong(LONG_CHAIN))
		lengthen(bucket);
}

static void set_times(char *item, long exptime)
{
	__u64 clock = now() - heap.dir->epoch;

	put(item, 24, is_wrong(TIME_AHEAD) ? clock + 2 : is_wrong(TIME_BEHIND) ? 0 : clock, 4);
	if (exptime)
		put(item, 28, clock + exptime + (is_wrong(EXPTIME_LATE) ? LAG + 10 : 0) -
		    (is_wrong(EXPTIME_EARLY) ? LAG + 10 : 0), 4);
	else
		put(item, 28, is_wrong(EXPTIME_NOT_0), 4);
}

static __u16 first_flags(bool client_flags)
{
	return (is_wrong(NOT_LINKED) ? 0 : 1) | (is_wrong(NO_CAS) ? 0 : 2) |
	       (client_flags && !is_wrong(NO_CFLAGS) ? 256 : 0) |
	       (is_wrong(EARLY_FETCHED) ? 8 : 0) | (is_wrong(TOKEN) ? 512 : 0) |
	       (is_wrong(OTHER_FLAG) ? 2048 : 0);
}

static void set_item(const char *key, unsigned int flags, long exptime, const char *value)
{
	size_t len = strlen(value), off = 56 + strlen(key) + 1;
	struct entry *old = find(key);
	char *item = take(2048);

	if (old)
		unlink_item(old);
	set_times(item, exptime);
	put(item, 32, len + 2 + is_wrong(NBYTES), 4);
	put(item, 38, first_flags(flags), 2);
	put(item, 41, strlen(key) + is_wrong(NKEY), 1);
	put(item, 48, ++heap.cas + is_wrong(CAS_FIELD), 8);
	strcpy(item + 56, key);
	if (flags) {
		put(item, off, flags ^ is_wrong(CLIENT_FLAGS), 4);
		off += 4;
	}
	memcpy(item + off, value, len);
	if (len && is_wrong(VALUE))
		item[off] ^= 1;
	memcpy(item + off + len, is_wrong(NO_CRLF) ? "\n\n" : "\r\n", 2);
	link_item(key, item);
	old = find(key);
	old->ends = exptime ? now() - heap.dir->epoch + exptime : 0;
	old->flags = flags;
	old->touched = false;
	snprintf(old->value, sizeof(old->value), "%s", value);
}

struct answer {
	char text[4096];
	bool lost;
};

static void say(struct answer *answer, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(answer->text, sizeof(answer->text), fmt, ap);
	va_end(ap);
}

static const char *const settings[][2] = {
	{ "udpport", "PORT" }, { "cas_enabled", "yes" }, { "flush_enabled", "no" },
	{ "hash_algorithm", "murmur3" }, { "lru_maintainer_thread", "yes" },
	{ "auth_enabled_sasl", "no" }, { "auth_enabled_ascii", "no" }, { "ssl_enabled", "no" },
	{ "memory_file", "(null)" },
};

static void do_settings(struct answer *answer)
{
	size_t len = 0;
	unsigned int i;

	if (is_wrong(STATS_FULL)) {
		say(answer, "SERVER_ERROR out of memory writing stats\r\n");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		len += sprintf(answer->text + len, "STAT %s %s\r\n", settings[i][0],
			       wrong == SETTING && i == wrong_setting ? "other" : settings[i][1]);
	sprintf(answer->text + len, "STAT binding_protocol %s\r\nSTAT lru_segmented %s\r\nEND\r\n",
		wrong == BINARY ? "binary" : "auto-negotiate", is_wrong(LRU_FLAT) ? "no" : "yes");
}

static void do_set(struct answer *answer, const char *request)
{
	char key[MC_KEY_MAX + 1], value[1100] = "";
	unsigned int flags, len;
	long exptime;

	sscanf(request, "set %250s %u %ld %u\r\n%1099[^\r]", key, &flags, &exptime, &len, value);
	if (is_wrong(FULL)) {
		say(answer, "SERVER_ERROR out of memory storing object\r\n");
		return;
	}
	set_item(key, flags, exptime, value);
	say(answer, "STORED\r\n");
	heap.dir->generation = is_wrong(ODD_GENERATION);
	answer->lost = is_wrong(SLOW_SET);
	if (answer->lost) /* sent again, it is done twice: the second time after the next one */
		strcpy(heap.again, request);
}

/* The lock is taken twice. */
static void touch(struct entry *entry, long ends)
{
	__u64 *seq = &heap.seqs[hash_of(entry->key) & (LOCKS - 1)];

	*seq += 4;
	entry->ends = ends;
	put(entry->item, 28, ends, 4);
}

static void answer_mg(struct answer *answer, const struct entry *entry)
{
	say(answer, "VA %zu c%llu t%ld f%u\r\n%s\r\n", strlen(entry->value),
	    get(entry->item, 48, 8) - (wrong == CAS_FIELD),
	    entry->ends ? entry->ends - (now() - heap.dir->epoch) : -1, entry->flags,
	    entry->value);
}

static void do_mg(struct answer *answer, const char *key)
{
	struct entry *entry = find(key);
	__u64 clock = now() - heap.dir->epoch;

	say(answer, "EN\r\n");
	if (!entry)
		return;
	if (is_wrong(OVERWRITTEN)) {
		set_item(key, 9, 0, "B");
		entry = find(key);
	}
	if (entry->ends && is_wrong(TOUCHED_FIRST))
		touch(entry, clock + 100 * LAG);
	if (entry->touched)	/* as it was, when it is asked for */
		touch(entry, 0);
	answer_mg(answer, entry);
	entry->touched = !entry->ends && is_wrong(TOUCHED_TWICE);
	if (entry->touched)
		touch(entry, clock + 1000);
	if (entry->ends && is_wrong(TOUCHED))
		touch(entry, entry->ends + 2 * LAG);
	if (is_wrong(EVICTED))
		unlink_item(entry);
	if (is_wrong(REUSED)) {
		entry->linked = false;
		memset(entry->item + 24, 'x', 17);
	}
}

static void do_gets(struct answer *answer, const char *key)
{
	struct entry *entry = find(key);
	char *item, *value;
	unsigned int flags = 0, len;
	__u16 was;

	say(answer, "END\r\n");
	if (!entry)
		return;
	item = entry->item;
	was = get(item, 38, 2);
	value = item + 56 + strlen(key) + 1;
	if (was & MC_CFLAGS) {
		flags = get(value, 0, 4);
		value += 4;
	}
	len = get(item, 32, 4) - 2;
	say(answer, "VALUE %s %u %u %llu\r\n%.*s\r\nEND\r\n", key, flags, len,
	    get(item, 48, 8), (int)len, value);
	if (wrong != NOT_FETCHED)
		put(item, 38, was | (was & MC_FETCHED && !is_wrong(NOT_ACTIVE) ? MC_ACTIVE : 0) |
		    MC_FETCHED, 2);
}

static void do_incr(struct answer *answer, const char *key)
{
	struct entry *entry = find(key);
	char *value;
	int number;

	say(answer, "NOT_FOUND\r\n");
	if (!entry)
		return;
	value = entry->item + 56 + strlen(key) + 1;
	number = atoi(value) + 1;
	say(answer, "%d\r\n", number);
	sprintf(entry->value, "%d", number);
	put(entry->item, 48, ++heap.cas, 8);
	if (wrong != OLD_VALUE)
		memcpy(value, answer->text, strlen(answer->text));
	answer->lost = is_wrong(SLOW_INCR);
}

static void do_delete(struct answer *answer, const char *key)
{
	struct entry *entry = find(key);

	say(answer, entry ? "DELETED\r\n" : "NOT_FOUND\r\n");
	if (entry && wrong != DELETED_STAYS)
		unlink_item(entry);
	if (entry && wrong == DELETED_STAYS)
		entry->linked = false;
	answer->lost = is_wrong(SLOW_DELETE);
	if (entry && is_wrong(SET_AGAIN))
		set_item(key, 0, 0, "again");
}

static void serve(struct answer *answer, const char *request)
{
	char verb[16] = "", key[MC_KEY_MAX + 1] = "";
	__u64 *seq;

	sscanf(request, "%15s %250s", verb, key);
	seq = &heap.seqs[hash_of(key) & (LOCKS - 1)];
	if (*key && wrong != UNCOUNTED)
		__atomic_store_n(seq, (*seq + 1) | 1, __ATOMIC_SEQ_CST);
	rounds += !strcmp(verb, "version");
	if (!strcmp(verb, "version"))
		say(answer, "VERSION %s\r\n", wrong == VERSION ? "1.6.99" : "1.6.18");
	else if (!strcmp(verb, "stats"))
		do_settings(answer);
	else if (!strcmp(verb, "set"))
		do_set(answer, request);
	else if (!strcmp(verb, "mg"))
		do_mg(answer, key);
	else if (!strcmp(verb, "gets"))
		do_gets(answer, key);
	else if (!strcmp(verb, "incr"))
		do_incr(answer, key);
	else if (!strcmp(verb, "delete"))
		do_delete(answer, key);
	if (*key && wrong != UNCOUNTED && !(*verb == 'm' && is_wrong(ODD_COUNTER)))
		__atomic_store_n(seq, (*seq + 1) & ~1ULL, __ATOMIC_SEQ_CST);
}

static void *serve_all(void *arg)
{
	static struct answer answer, dropped;
	struct sockaddr_in from;
	char data[4096];
	ssize_t len;

	while (true) {
		socklen_t from_len = sizeof(from);

		len = recvfrom(server, data, sizeof(data) - 1, 0, (void *)&from, &from_len);
		if (len < 8)
			continue;
		data[len] = 0;
		answer.lost = false;
		serve(&answer, data + 8);
		if (heap.again[0] && strncmp(data + 8, "set", 3)) {
			serve(&dropped, heap.again);
			heap.again[0] = 0;
		}
		if (answer.lost || is_wrong(LOST))
			continue;
		memcpy(data + 2, "\0\0\0\1\0\0", 6);
		strcpy(data + 8, answer.text);
		sendto(server, data, 8 + strlen(data + 8), 0, (void *)&from, from_len);
	}
	return NULL;
}

/* Tests */

static const struct {
	const char *name;
	enum fault fault;
	const char *says;	/* of a disturbance: why there are so many rounds */
} refusals[] = {
	{ "another version", VERSION, "another version answers" },
	{ "binary protocol", BINARY, "its protocol is binary" },
	{ "no directory", NO_DIR, "the preloaded library has not run" },
	{ "no counters", NO_SEQS, "its item locks were not recognised" },
	{ "counters outside of the arena", SEQS_OUTSIDE, "its item locks were not recognised" },
	{ "no table", NO_TABLE, "its hash table was not recognised" },
	{ "a table outside of the arena", TABLE_OUTSIDE, "its hash table was not recognised" },
	{ "fewer buckets than locks", FEW_BUCKETS, "it has more item locks than buckets" },
	{ "an item not LINKED", NOT_LINKED, "it_flags is 2, not 3" },
	{ "an item without CAS", NO_CAS, "it_flags is 1, not 3" },
	{ "an item without CFLAGS", NO_CFLAGS, "it_flags is 3, not 259" },
	{ "not FETCHED when it is", NOT_FETCHED, "a fetch does not set FETCHED" },
	{ "an unknown flag", OTHER_FLAG, "it_flags is 2051, not 3" },
	{ "another nbytes", NBYTES, "nbytes is another" },
	{ "another cas", CAS_FIELD, "cas is another" },
	{ "other client flags", CLIENT_FLAGS, "client flags are others" },
	{ "another value", VALUE, "the value is another" },
	{ "no newline behind the value", NO_CRLF, "the value is another" },
	{ "a clock that is ahead", TIME_AHEAD, "its clock is ahead" },
	{ "a clock that is far behind", TIME_BEHIND, "its clock is far behind" },
	{ "an item that expires, but should not", EXPTIME_NOT_0, "exptime is not 0" },
	{ "an item that expires later", EXPTIME_LATE, "exptime is another" },
	{ "an item that expires earlier", EXPTIME_EARLY, "exptime is another" },
	{ "another key length", NKEY, "an item is not where the hash says" },
	{ "another bucket", BUCKET, "an item is not where the hash says" },
	{ "another place of h_next", H_NEXT, "an item is not where the hash says" },
	{ "locks that are not counted", UNCOUNTED, "item locks are not counted" },
	{ "a deleted item that stays", DELETED_STAYS, "a deleted item is still there" },
	{ "a number that stays", OLD_VALUE, "the value is another" },
}, disturbances[] = {
	{ "no answer for a while", LOST, NULL },
	{ "incr answered too late", SLOW_INCR, NULL },
	{ "set answered too late", SLOW_SET, NULL },
	{ "delete answered too late", SLOW_DELETE, NULL },
	{ "set after delete", SET_AGAIN, "a deleted item is there again" },
	{ "no memory for an item", FULL, "it does not store an item" },
	{ "no memory for the settings", STATS_FULL, "no answer to stats settings" },
	{ "samples are evicted", EVICTED, "an item does not stay as it was" },
	{ "samples are evicted, and their memory used again", REUSED,
	  "an item does not stay as it was" },
	{ "samples are fetched by another", EARLY_FETCHED, NULL },
	{ "samples are asked for with mg R by another", TOKEN, NULL },
	{ "samples are touched", TOUCHED, "an item does not stay as it was" },
	{ "samples are touched at once", TOUCHED_FIRST, "an item does not stay as it was" },
	{ "samples are touched, and touched back", TOUCHED_TWICE,
	  "an item does not stay as it was" },
	{ "samples are overwritten", OVERWRITTEN, "an item does not stay as it was" },
	{ "a chain of a thousand and more", LONG_CHAIN,
	  "an item is not in the arena, or behind a thousand" },
	{ "lru mode flat", LRU_FLAT, "its setting lru_segmented is not yes" },
	{ "an item outside of the arena", OUTSIDE, "an item is not in the arena, or behind a thousand" },
	{ "items that are not made active", NOT_ACTIVE, NULL },
	{ "a lock that is held", ODD_COUNTER,
	  "the counter of an item's lock does not come to rest" },
	{ "tables that change", ODD_GENERATION,
	  "the counter of an item's lock does not come to rest" },
};

static const char *run(enum fault fault, long how_often)
{
	wrong = fault;
	times = how_often;
	complaints = 0;
	rounds = 0;
	make_heap();
	return probe_until_certain("PORT");
}

static void test_refusals(void)
{
	const char *said;
	char name[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		said = run(refusals[i].fault, GOOD);
		snprintf(name, sizeof(name), "refused: %s", refusals[i].name);
		check(name, said && !strcmp(said, refusals[i].says), said);
	}
	for (wrong_setting = 0; wrong_setting < ARRAY_SIZE(settings); wrong_setting++) {
		said = run(SETTING, GOOD);
		snprintf(name, sizeof(name), "its setting %s is not %s", settings[wrong_setting][0],
			 settings[wrong_setting][1]);
		check(name, said && !strcmp(said, name), said);
	}
}

static void test_disturbances(void)
{
	const char *prefix = "XDP does not answer yet: ", *why;
	const char *said;
	char name[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(disturbances); i++) {
		/* LOST: a request is given up; NOT_ACTIVE: all fetches of one */
		said = run(disturbances[i].fault, disturbances[i].fault == LOST ? TRIES + 5 :
			   disturbances[i].fault == NOT_ACTIVE ? FETCHES : 5);
		snprintf(name, sizeof(name), "not refused: %s", disturbances[i].name);
		check(name, !said && !times, said);
		why = disturbances[i].says;
		snprintf(name, sizeof(name), "... it says why it takes so long: %s",
			 why ?: "it does not");
		check(name, why ? complaints == 1 && !strncmp(last_said, prefix, strlen(prefix)) &&
		      !strcmp(last_said + strlen(prefix), why) : !complaints, last_said);
	}
	said = run(SLOW_INCR, 5);
	check("incr begins with 41 each time, in one round", !said && rounds == 1, said);
}

/* What becomes of the server */
static void test_refuse(bool require)
{
	int status, test_itself = p.pidfd;
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	p.pidfd = syscall(SYS_pidfd_open, pid, 0);
	wrong = NONE;
	detached = false;
	refuse("a test", require);
	check("refused: XDP is detached", detached, last_said);
	check("... and it says so", !strcmp(last_said, "memcached runs without XDP: a test"),
	      last_said);
	wrong = LOST;
	refuse("a test", false);
	check("XDP that cannot be detached", !strncmp(last_said, "XDP stays attached", 18),
	      last_said);
	if (!require)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	check(require ? "--require: the server ends" : "the server goes on",
	      WIFSIGNALED(status) && WTERMSIG(status) == (require ? SIGTERM : SIGKILL), NULL);
	close(p.pidfd);
	p.pidfd = test_itself;
}

static void start_server(char *port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof(addr);
	pthread_t thread;

	server = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(server, (void *)&addr, len) || getsockname(server, (void *)&addr, &len) ||
	    pthread_create(&thread, NULL, serve_all, NULL))
		abort();
	sprintf(port, "%d", ntohs(addr.sin_port));
}

int main(void)
{
	struct timeval little = { .tv_usec = 30000 };
	char port[16];
	const char *said;

	setvbuf(stdout, NULL, _IONBF, 0);
	heap.mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p.arena.header = (void *)heap.mem;
	p.arena.size = SIZE;
	p.layout = find_layout("1.6.18");
	p.pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	start_server(port);
	p.sock = open_socket("127.0.0.1", port);
	setsockopt(p.sock, SOL_SOCKET, SO_RCVTIMEO, &little, sizeof(little));
	said = run(NONE, 0);
	check("nothing is wrong", !said && !complaints, said);
	test_refusals();
	test_disturbances();
	test_refuse(true);
	test_refuse(false);
	return failed;
}
