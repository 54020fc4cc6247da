// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: the server's are in root.stats, XDP's in root.reader[cpu]. Only the
 * side that counts writes; a reset of XDP's is therefore a subtraction.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "stats.h"

struct counter {
	const char *name;
	size_t offset;		/* in struct kv_stats */
};

#define COUNTER(name) { #name, offsetof(struct kv_stats, name) }

static const struct counter counters[] = {
	COUNTER(cmd_set), COUNTER(cmd_flush), COUNTER(cmd_touch),
	COUNTER(get_expired), COUNTER(get_flushed),
	COUNTER(delete_misses), COUNTER(delete_hits),
	COUNTER(incr_misses), COUNTER(incr_hits),
	COUNTER(decr_misses), COUNTER(decr_hits),
	COUNTER(cas_misses), COUNTER(cas_hits), COUNTER(cas_badval),
	COUNTER(touch_hits), COUNTER(touch_misses),
	COUNTER(bytes_read), COUNTER(bytes_written),
	COUNTER(curr_connections), COUNTER(total_connections),
	COUNTER(rejected_connections),
	COUNTER(bytes), COUNTER(curr_items), COUNTER(total_items),
	COUNTER(evictions), COUNTER(reclaimed), COUNTER(slab_moves),
};

static void print(struct evbuffer *out, const char *name, __u64 value)
{
	evbuffer_add_printf(out, "STAT %s %llu\r\n", name,
			    (unsigned long long)value);
}

static void print_time(struct evbuffer *out, const char *name, struct timeval t)
{
	evbuffer_add_printf(out, "STAT %s %ld.%06ld\r\n", name, (long)t.tv_sec,
			    (long)t.tv_usec);
}

static void print_process(const struct server *server, struct evbuffer *out)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	print(out, "pid", getpid());
	print(out, "uptime", time(NULL) - server->started);
	print(out, "time", time(NULL));
	evbuffer_add_printf(out, "STAT version %s\r\n", SERVER_VERSION);
	print(out, "pointer_size", 8 * sizeof(void *));
	print_time(out, "rusage_user", usage.ru_utime);
	print_time(out, "rusage_system", usage.ru_stime);
	print(out, "max_connections", server->opt.connections);
	print(out, "limit_maxbytes", (__u64)server->opt.megabytes << 20);
	print(out, "threads", 1);
}

static struct kv_reader sum_readers(const struct kv_root *root)
{
	struct kv_reader sum = { 0 };
	__u32 cpu;

	for (cpu = 0; cpu < root->nr_readers; cpu++) {
		sum.hits += root->reader[cpu].hits;
		sum.misses += root->reader[cpu].misses;
		sum.passed += root->reader[cpu].passed;
	}
	return sum;
}

static struct kv_reader since_reset(const struct kv_root *root)
{
	struct kv_reader sum = sum_readers(root);

	sum.hits -= root->at_reset.hits;
	sum.misses -= root->at_reset.misses;
	sum.passed -= root->at_reset.passed;
	return sum;
}

/* What memcached counts is counted for both paths together. */
static void print_gets(const struct server *server, struct evbuffer *out)
{
	const struct kv_stats *stats = &server->root->stats;
	struct kv_reader xdp = since_reset(server->root);

	print(out, "cmd_get", stats->cmd_get + xdp.hits + xdp.misses);
	print(out, "get_hits", stats->get_hits + xdp.hits);
	print(out, "get_misses", stats->get_misses + xdp.misses);
	print(out, "xdp_get_hits", xdp.hits);
	print(out, "xdp_get_misses", xdp.misses);
	print(out, "xdp_passed", xdp.passed);
	evbuffer_add_printf(out, "STAT xdp_interface %s\r\n",
			    server->opt.iface ? server->opt.iface : "none");
}

void stats_print(const struct server *server, struct evbuffer *out)
{
	const char *stats = (const char *)&server->root->stats;
	size_t i;

	print_process(server, out);
	print_gets(server, out);
	for (i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		__u64 value;

		memcpy(&value, stats + counters[i].offset, sizeof(value));
		print(out, counters[i].name, value);
	}
	evbuffer_add_printf(out, "END\r\n");
}

void stats_reset(struct kv_root *root)
{
	struct kv_stats old = root->stats;

	root->at_reset = sum_readers(root);
	root->stats = (struct kv_stats){
		.curr_items = old.curr_items,
		.bytes = old.bytes,
		.curr_connections = old.curr_connections,
	};
}
