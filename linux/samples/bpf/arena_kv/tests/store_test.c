// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of the store on plain memory. Each check has a name; it prints
 * "ok - NAME" or "not ok - NAME - why".
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../clock.h"
#include "../store.h"
#include "../table.h"

#define MB		(1UL << 20)
#define READERS		2000	/* on more than one page, even of 64 KiB */

static struct kv_root *root;
static size_t arena_size;
static int failures;

#define check(name, cond)						\
	do {								\
		bool holds = (cond);					\
									\
		failures += !holds;					\
		printf(holds ? "ok - %s\n" : "not ok - %s - line %d: %s\n",	\
		       name, __LINE__, #cond);				\
	} while (0)

static int open_store(size_t size, __u32 item_max, bool evict)
{
	if (root)
		munmap(root, arena_size);
	arena_size = size;
	root = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (root == MAP_FAILED)
		exit(1);
	return store_init(root, size, item_max, evict, READERS);
}

static struct store_key key_of(const char *text)
{
	return (struct store_key){ text, strlen(text) };
}

static enum store_result put(enum store_op op, const char *key, const char *data,
			     size_t len, __u64 expires, __u64 cas)
{
	struct store_value value = { .data = data, .len = len, .flags = 7,
				     .expires = expires, .cas = cas };

	return store_put(root, op, key_of(key), &value);
}

static enum store_result set(const char *key, const char *data)
{
	return put(STORE_SET, key, data, strlen(data), 0, 0);
}

static bool holds_value(const char *key, const char *data)
{
	struct kv_item *item = store_get(root, key_of(key));

	return item && item_value_len(item) == strlen(data) &&
	       !memcmp(item_value(item), data, strlen(data));
}

static void test_operations(void)
{
	__u64 number, cas;

	open_store(8 * MB, 64 << 10, true);
	check("get of nothing", !store_get(root, key_of("a")));
	check("set", !set("a", "1") && holds_value("a", "1"));
	check("set again", !set("a", "22") && holds_value("a", "22"));
	check("text as sent", !memcmp(store_get(root, key_of("a"))->text,
				      "VALUE a 7 2\r\n22\r\nEND\r\n", 22));
	check("add of a key that exists",
	      put(STORE_ADD, "a", "x", 1, 0, 0) == STORE_NOT_STORED);
	check("add", !put(STORE_ADD, "b", "x", 1, 0, 0) && holds_value("b", "x"));
	check("replace of nothing",
	      put(STORE_REPLACE, "c", "x", 1, 0, 0) == STORE_NOT_STORED);
	check("append", !put(STORE_APPEND, "b", "yz", 2, 0, 0) &&
			holds_value("b", "xyz"));
	check("prepend", !put(STORE_PREPEND, "b", "vw", 2, 0, 0) &&
			 holds_value("b", "vwxyz"));
	check("incr of text",
	      store_add(root, key_of("b"), 1, false, &number) == STORE_NOT_A_NUMBER);
	check("incr", !store_add(root, key_of("a"), 78, false, &number) &&
		      number == 100 && holds_value("a", "100"));
	check("decr shortens", !store_add(root, key_of("a"), 1, true, &number) &&
			       holds_value("a", "99"));
	check("decr ends at 0", !store_add(root, key_of("a"), 100, true, &number) &&
				holds_value("a", "0"));
	cas = store_get(root, key_of("a"))->cas;
	check("cas", !put(STORE_CAS, "a", "n", 1, 0, cas) && holds_value("a", "n"));
	check("cas too late", put(STORE_CAS, "a", "m", 1, 0, cas) == STORE_EXISTS &&
			      holds_value("a", "n"));
	check("delete", store_delete(root, key_of("a")) &&
			!store_get(root, key_of("a")) &&
			!store_delete(root, key_of("a")));
}

static void test_time(void)
{
	open_store(8 * MB, 64 << 10, true);
	put(STORE_SET, "past", "x", 1, store_expiry(-1), 0);
	check("born expired", !store_get(root, key_of("past")));
	put(STORE_SET, "soon", "x", 1, clock_ns() + NSEC_PER_SEC / 10, 0);
	check("not expired yet", holds_value("soon", "x"));
	usleep(150000);
	check("expired", !store_get(root, key_of("soon")));
	check("never", store_expiry(0) == 0);
	check("absolute time", store_expiry(time(NULL) + 100) - clock_ns() <
				       101 * NSEC_PER_SEC);
	set("t", "x");
	check("touch into the past", store_touch(root, key_of("t"), 1) &&
				     !store_get(root, key_of("t")));
	set("f", "x");
	store_flush(root);
	check("flushed", !store_get(root, key_of("f")));
	check("set after a flush", !set("f", "y") && holds_value("f", "y"));
}

static void test_keys(void)
{
	char key[KV_KEY_MAX + 1] = "", value[8];
	int len, bad = 0;

	open_store(8 * MB, 64 << 10, true);
	for (len = 1; len <= KV_KEY_MAX; len++) {
		memset(key, 'k', len);
		sprintf(value, "%d", len);
		bad += set(key, value) != STORE_OK;
	}
	for (len = 1; len <= KV_KEY_MAX; len++) {
		key[len] = 0;
		memset(key, 'k', len);
		sprintf(value, "%d", len);
		bad += !holds_value(key, value);
	}
	check("keys of every length", !bad);
}

static __u16 sum_of(const char *text, size_t len)
{
	__u64 sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum += (__u64)(__u8)text[i] << i % 2 * 8;
	return kv_fold(sum);
}

static bool sums_right(struct kv_item *item)
{
	char text[2 * KV_UDP_MAX];
	size_t len = item->line_len;

	memcpy(text, item->text, len);
	memcpy(text + len, item->cas_text, item->cas_len);
	memcpy(text + len + item->cas_len, item->text + len,
	       item->text_len - len);
	return item->sum[0] == sum_of(item->text, item->text_len) &&
	       item->sum[1] == sum_of(text, item->text_len + item->cas_len);
}

static void test_sums(void)
{
	char key[12], value[1000];
	int i, bad = 0;

	open_store(8 * MB, 64 << 10, true);
	for (i = 0; i < 1000; i++)
		value[i] = 33 + i * 31 % 90;
	for (i = 0; i < 1000; i++) {
		sprintf(key, "k%d", i * i);
		put(STORE_SET, key, value, i, 0, 0);
		bad += !sums_right(store_get(root, key_of(key)));
	}
	check("checksums of answers, even and odd lengths", !bad);
}

static void test_limits(void)
{
	static char big[2 << 20];
	__u64 number;

	check("arena too small", open_store(1 * MB, 1 * MB, true) == -1);
	memset(big, 'b', sizeof(big));
	open_store(8 * MB, 1 * MB, true);
	check("largest value", !put(STORE_SET, "big", big, MB - 1024, 0, 0));
	check("too large", put(STORE_SET, "big", big, MB, 0, 0) == STORE_TOO_LARGE);
	check("what was there is gone", !store_get(root, key_of("big")));
	put(STORE_SET, "half", big, MB / 2, 0, 0);
	check("append grows too large",
	      put(STORE_APPEND, "half", big, MB / 2, 0, 0) == STORE_TOO_LARGE);
	check("and what was there stays", store_get(root, key_of("half")));
	set("n", "18446744073709551616");
	check("number over 64 bits", store_add(root, key_of("n"), 1, false, &number) ==
					     STORE_NOT_A_NUMBER);
	open_store(4096 * MB, 1 * MB, true);
	check("4 GiB", !set("a", "1") && holds_value("a", "1"));
}

static int fill(int count, size_t len)
{
	static char value[64 << 10];
	int i, refused = 0;
	char key[16];

	for (i = 0; i < count; i++) {
		sprintf(key, "%zu-%d", len, i);
		refused += put(STORE_SET, key, value, len, 0, 0) != STORE_OK;
	}
	return refused;
}

static void test_eviction(void)
{
	int i, kept = 0;

	open_store(4 * MB, 64 << 10, true);
	check("a full store takes all", !fill(20000, 1000));
	check("and evicts", root->stats.evictions > 10000);
	check("the oldest", !store_get(root, key_of("1000-0")));
	check("not the newest", store_get(root, key_of("1000-19999")));
	check("another size gets its share", !fill(2000, 30000) &&
	      root->stats.slab_moves > 0 &&
	      store_get(root, key_of("30000-1999")));
	check("items are counted", root->stats.curr_items < 4000);

	set("used", "x");
	set("unused", "x");
	for (i = 0; i < 20; i++) {
		kept += holds_value("used", "x");
		fill(200, 1 + i % 5);
	}
	check("one that is read stays when others go",
	      kept == 20 && !store_get(root, key_of("unused")));
}

static void test_no_eviction(void)
{
	open_store(4 * MB, 64 << 10, false);
	check("-M: some are refused", fill(20000, 1000) > 10000);
	check("-M: none evicted", root->stats.evictions == 0 &&
				  store_get(root, key_of("1000-0")));
	store_flush(root);
	check("-M: what was flushed makes room", !fill(100, 1000));
}

/* The program can only say that it is busy where there is memory to say it. */
static bool readers_there(void)
{
	const char *end = (char *)(root->reader + READERS);
	unsigned char there = 1;
	char *page = (char *)root;

	for (; page < end && there & 1; page += getpagesize())
		if (mincore(page, 1, &there))
			return false;
	return there & 1;
}

static atomic_bool reader_in, reader_done;

static void *hold(void *arg)
{
	__u64 *busy = arg;

	__atomic_store_n(busy, 1, __ATOMIC_SEQ_CST);
	reader_in = true;
	usleep(300000);
	reader_done = true;
	__atomic_store_n(busy, 0, __ATOMIC_SEQ_CST);
	return NULL;
}

/* As long as a reader is in, what it may look at is not used again. */
static void test_readers(void)
{
	struct kv_item *old;
	pthread_t thread;
	char text[64];
	int i;

	open_store(4 * MB, 64 << 10, true);
	check("readers have memory from the beginning", readers_there());
	set("held", "value");
	old = store_get(root, key_of("held"));
	memcpy(text, old->text, old->text_len);
	pthread_create(&thread, NULL, hold, &root->reader[READERS - 1].busy);
	while (!reader_in)
		;
	store_delete(root, key_of("held"));
	for (i = 0; i < 100000 && !reader_done; i++) {
		if (memcmp(old->text, text, strlen("VALUE held 7 5\r\nvalue\r\n")))
			break;
		fill(1, 1);
	}
	check("memory is not reused under a reader", reader_done);
	pthread_join(thread, NULL);
	fill(10000, 1);
	check("and is, afterwards", old->state != KV_LIMBO);
}

int main(void)
{
	test_operations();
	test_time();
	test_keys();
	test_sums();
	test_limits();
	test_eviction();
	test_no_eviction();
	test_readers();
	return failures != 0;
}
