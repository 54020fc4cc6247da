// SPDX-License-Identifier: GPL-2.0
/*
 * Maps beside arena and array that programs use, or give to what wants an arena: a hash
 * table, a map of maps, an array whose value has a timer, formats to print with, and for
 * each type of program an array of those that were accepted
 */
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include "verifier.h"

#define TYPES (BPF_PROG_TYPE_SYSCALL + 1)

static int hash, outer, timers, formats, progs[TYPES];

/* struct { struct bpf_timer t; }, which is all that the array's value has */
static int timer_btf(struct btf *btf)
{
	int long_id = btf__add_int(btf, "long", 8, 0);
	int timer = btf__add_struct(btf, "bpf_timer", 16);

	btf__add_field(btf, "a", long_id, 0, 0);
	btf__add_field(btf, "b", long_id, 64, 0);
	return timer;
}

static int timer_value(struct btf *btf, int timer)
{
	int value = btf__add_struct(btf, "value", 16);

	btf__add_field(btf, "t", timer, 0, 0);
	return value;
}

static int create_timers(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	struct btf *btf = btf__new_empty();
	const void *raw;
	uint32_t size;

	opts.btf_key_type_id = btf__add_int(btf, "int", 4, 0);
	opts.btf_value_type_id = timer_value(btf, timer_btf(btf));
	raw = btf__raw_data(btf, &size);
	opts.btf_fd = bpf_btf_load(raw, size, NULL);
	timers = bpf_map_create(BPF_MAP_TYPE_ARRAY, "timers", 4, 16, 1, &opts);
	close(opts.btf_fd);
	btf__free(btf);
	return timers;
}

static int create_outer(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	uint32_t key = 0;
	int inner;

	inner = opts.inner_map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", 4, 8, 1, NULL);
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outer", 4, 4, 1, &opts);
	bpf_map_update_elem(outer, &key, &inner, 0);
	close(inner);
	return outer;
}

/* Addresses to follow are anybody's; what cannot be read is left out */
static int create_formats(void)
{
	static const char text[FORMAT_CNT][FORMAT_SIZE] = { "text\n", "%llx\n", "%s\n", "%pB\n" };
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);
	uint32_t key = 0;

	formats = bpf_map_create(BPF_MAP_TYPE_ARRAY, "formats", 4, sizeof(text), 1, &opts);
	if (bpf_map_update_elem(formats, &key, text, 0) || bpf_map_freeze(formats))
		return -1;
	return formats;
}

void others_open(void)
{
	uint32_t type;

	hash = bpf_map_create(BPF_MAP_TYPE_HASH, "hash", 4, 8, 8, NULL);
	for (type = 0; type < TYPES; type++)
		progs[type] = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "progs", 4, 4, 2, NULL);
	if (hash < 0 || progs[TYPES - 1] < 0 || create_outer() < 0 || create_timers() < 0 ||
	    create_formats() < 0)
		fuzz_die("cannot create maps: %m");
}

int others_fd(const struct code *c, enum fixup what)
{
	switch (what) {
	case HASH_MAP: return hash;
	case OUTER_MAP: return outer;
	case PROG_MAP: return progs[c->type];
	case TIMER_VALUE: case TIMER_MAP: return timers;
	case FORMATS: return formats;
	default: return -1;
	}
}

/*
 * What was accepted is there for the next one's tail call. Sleepable programs cannot be.
 * Those that have tail calls are not: 6.1 counts 33 of them on each way through calls of
 * functions, and a program that calls two functions which tail-call it runs 2^33 times.
 */
void others_keep(const struct code *c, int fd)
{
	uint32_t key = c->cnt % 2;

	if (!c->sleepable && !c->tail_calls && c->nr_funcs)
		bpf_map_update_elem(progs[c->type], &key, &fd, 0);
}

/* A round begins with no other's programs. */
void others_forget(void)
{
	uint32_t type, key;

	for (type = 0; type < TYPES; type++)
		for (key = 0; key < 2; key++)
			bpf_map_delete_elem(progs[type], &key);
}
