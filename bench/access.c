// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to use an arena: instructions, loops, calls, look-ups, and user space
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench.h"
#include "access.h"
#include "hash.h"
#include "access.skel.h"

#define PAGE 4096UL

static struct access_bpf *open_access(unsigned long bytes)
{
	struct access_bpf *skel = access_bpf__open();

	/* one more for the globals, with which it begins */
	if (!skel || bpf_map__set_max_entries(skel->maps.arena, bytes / PAGE + 2))
		die("cannot open the programs");
	return skel;
}

static void load_access(struct access_bpf *skel)
{
	size_t len;

	if (access_bpf__load(skel))
		die("cannot load the programs: %m");
	skel->bss->where = (uint64_t)bpf_map__initial_value(skel->maps.arena, &len) + PAGE;
}

static void enable(struct bpf_program *prog)
{
	bpf_program__set_autoload(prog, true);
}

static void close_access(struct access_bpf *skel)
{
	access_bpf__destroy(skel);
	settle();
}

/*
 * Instructions of a test run, and of the system call. Not repeated: that makes the kernel
 * change its XDP dispatcher and wait for RCU.
 */
static uint64_t run_cost(struct access_bpf *skel, const struct bpf_program *prog,
			 uint32_t ops)
{
	char pkt[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = pkt,
		.data_size_in = sizeof(pkt),
	);
	int fd = bpf_program__fd(prog);
	uint64_t begin, end;

	skel->bss->ops = ops;
	begin = now();
	if (bpf_prog_test_run_opts(fd, &opts))
		die("cannot run %s: %m", bpf_program__name(prog));
	end = now();
	return end - begin;
}

static double ops_cost(struct access_bpf *skel, const struct bpf_program *prog, uint32_t ops)
{
	double all = run_cost(skel, prog, ops);

	return all - run_cost(skel, prog, 0);
}

/* Single instructions, less the program that has none of them */
static void measure_insns(const struct experiment *e)
{
	struct access_bpf *skel = open_access(PAGE);
	struct bpf_program *progs[] = {
		skel->progs.do_load, skel->progs.do_store, skel->progs.do_cast,
		skel->progs.do_atomic, skel->progs.do_fetch,
	};
	double none;
	int i, round;

	enable(skel->progs.do_none);
	for (i = 0; i < 5; i++)
		enable(progs[i]);
	load_access(skel);
	*(volatile char *)skel->bss->where = 1;
	for (round = 0; round < rounds; round++) {
		none = ops_cost(skel, skel->progs.do_none, 1);
		for (i = 0; i < 5; i++)
			emit(e, i, (ops_cost(skel, progs[i], 1) - none) / UNROLLED_INSNS);
	}
	close_access(skel);
}

static void measure_loops(const struct experiment *e)
{
	struct access_bpf *skel = open_access(e->size * sizeof(struct node));
	struct node *nodes;
	unsigned long i;

	enable(skel->progs.walk);
	enable(skel->progs.empty_loop);
	load_access(skel);
	nodes = (struct node *)skel->bss->where;
	for (i = 0; i < e->size; i++) {
		nodes[i].next = i + 1 < e->size ? &nodes[i + 1] : NULL;
		nodes[i].value = 1;
	}
	for (i = 0; i < rounds; i++) {
		emit(e, 0, ops_cost(skel, skel->progs.walk, 1) / e->size);
		if (skel->bss->sum != e->size)
			die("the list adds up to %llu", skel->bss->sum);
	}
	for (i = 0; i < 3; i++)
		emit(e, 1, ops_cost(skel, skel->progs.empty_loop, 1) / MAX_ROUNDS);
	close_access(skel);
}

static void measure_calls(const struct experiment *e)
{
	struct access_bpf *skel = open_access(PAGE);
	double plain;
	int i;

	enable(skel->progs.enter_plain);
	enable(skel->progs.enter_arena);
	enable(skel->progs.call_plain);
	enable(skel->progs.call_arena);
	enable(skel->progs.do_none);
	load_access(skel);
	for (i = 0; i < rounds; i++) {
		plain = run_cost(skel, skel->progs.enter_plain, 0);
		emit(e, 0, run_cost(skel, skel->progs.enter_arena, 0) - plain);
		emit(e, 1, ops_cost(skel, skel->progs.call_plain, 1) / UNROLLED_CALLS);
		emit(e, 2, ops_cost(skel, skel->progs.call_arena, 1) / UNROLLED_CALLS);
	}
	close_access(skel);
}

static void measure_load(const struct experiment *e)
{
	struct access_bpf *skel;
	uint64_t begin;
	int i;

	for (i = 0; i < rounds; i++) {
		skel = open_access(PAGE);
		enable(skel->progs.find_16);
		begin = now();
		load_access(skel);
		emit(e, 0, now() - begin);
		close_access(skel);
	}
}

/* Tables of either kind: the programs for one */

struct table_progs {
	struct bpf_program *keys, *find, *add, *remove;
};

#define TABLE_PROGS(skel, N)							\
	(struct table_progs) { (skel)->progs.keys_##N, (skel)->progs.find_##N,	\
		(skel)->progs.add_##N, (skel)->progs.remove_##N }

#define MAP_PROGS(skel, N)							\
	(struct table_progs) { (skel)->progs.keys_##N, (skel)->progs.map_find_##N, \
		(skel)->progs.map_add_##N, (skel)->progs.map_remove_##N }

static void enable_table(const struct table_progs *p)
{
	enable(p->keys);
	enable(p->find);
	enable(p->add);
	enable(p->remove);
}

#define LOOKUPS 1000

/* Beyond making that many keys, of which the first comes after start */
static double keys_cost(struct access_bpf *skel, const struct table_progs *p,
			const struct bpf_program *prog, uint64_t start)
{
	uint32_t n = skel->bss->mask + 1 < LOOKUPS ? skel->bss->mask + 1 : LOOKUPS;
	double all, keys;

	skel->bss->start = start;
	all = ops_cost(skel, prog, n);
	skel->bss->start = start;
	keys = ops_cost(skel, p->keys, n);
	return (all - keys) / n;
}

/* entries of them, a power of two; the rows from nr on are find, add, remove */
static void measure_table(const struct experiment *e, int nr, struct access_bpf *skel,
			  const struct table_progs *p, unsigned long entries)
{
	uint64_t start;
	int i;

	skel->bss->mask = entries - 1;
	skel->bss->start = 0;
	for (unsigned long done = 0; done < entries; done += skel->bss->ops)
		run_cost(skel, p->add, entries < 4096 ? entries : 4096);
	for (i = 0; i < rounds; i++) {
		start = (i * entries / rounds) & skel->bss->mask;
		emit(e, nr, keys_cost(skel, p, p->find, start));
		emit(e, nr + 2, keys_cost(skel, p, p->remove, start));
		emit(e, nr + 1, keys_cost(skel, p, p->add, start));
	}
	if (skel->bss->wrong)
		die("%s: %llu operations failed", e->rows[nr].name, skel->bss->wrong);
}

/* size is entries << 8 | entries a chain */
#define HASH(entries, load) ((unsigned long)(entries) << 8 | (load))

static void measure_arena_16(const struct experiment *e)
{
	unsigned long entries = e->size >> 8, load = e->size & 0xff;
	struct access_bpf *skel = open_access(BYTES_OF_TABLE(16, entries));
	struct table_progs p = TABLE_PROGS(skel, 16);

	enable_table(&p);
	load_access(skel);
	set_up_table(16, skel->bss->where, entries, load);
	measure_table(e, 0, skel, &p, entries);
	close_access(skel);
}

static void measure_arena_64(const struct experiment *e)
{
	unsigned long entries = e->size >> 8, load = e->size & 0xff;
	struct access_bpf *skel = open_access(BYTES_OF_TABLE(64, entries));
	struct table_progs p = TABLE_PROGS(skel, 64);

	enable_table(&p);
	load_access(skel);
	set_up_table(64, skel->bss->where, entries, load);
	measure_table(e, 0, skel, &p, entries);
	close_access(skel);
}

/* size is entries << 8 | type */
static void measure_map_16(const struct experiment *e)
{
	unsigned long entries = e->size >> 8, type = e->size & 0xff;
	struct access_bpf *skel = open_access(PAGE);
	struct table_progs p = MAP_PROGS(skel, 16);

	/* LRU maps evict before they are full, as they are filled by CPU */
	bpf_map__set_max_entries(skel->maps.map_16, type == BPF_MAP_TYPE_LRU_HASH ? 2 * entries : entries);
	bpf_map__set_type(skel->maps.map_16, type);
	enable_table(&p);
	load_access(skel);
	measure_table(e, 0, skel, &p, entries);
	close_access(skel);
}

static void measure_map_64(const struct experiment *e)
{
	unsigned long entries = e->size >> 8;
	struct access_bpf *skel = open_access(PAGE);
	struct table_progs p = MAP_PROGS(skel, 64);

	bpf_map__set_max_entries(skel->maps.map_64, entries);
	enable_table(&p);
	load_access(skel);
	measure_table(e, 0, skel, &p, entries);
	close_access(skel);
}

static void measure_array(const struct experiment *e)
{
	struct access_bpf *skel = open_access(PAGE);
	struct table_progs p = { .keys = skel->progs.keys_16, .find = skel->progs.array_find };
	int i;

	bpf_map__set_max_entries(skel->maps.map_array, e->size);
	enable(p.keys);
	enable(p.find);
	load_access(skel);
	skel->bss->mask = e->size - 1;
	for (i = 0; i < rounds; i++)
		emit(e, 0, keys_cost(skel, &p, p.find, i));
	if (skel->bss->wrong)
		die("%s: %llu operations failed", e->rows[0].name, skel->bss->wrong);
	close_access(skel);
}

/* What a process reads */

#define ENTRIES 4096

static uint64_t values[ENTRIES];
static uint32_t keys[ENTRIES];
static volatile uint64_t result;

static uint64_t read_loads(const uint64_t *mem)
{
	uint64_t begin = now(), sum = 0;
	int i;

	for (i = 0; i < ENTRIES; i++)
		sum += ((const volatile uint64_t *)mem)[i];
	result = sum;
	return now() - begin;
}

static uint64_t read_lookups(int fd)
{
	uint64_t begin = now();
	uint32_t i;

	for (i = 0; i < ENTRIES; i++)
		if (bpf_map_lookup_elem(fd, &i, &values[i]))
			die("cannot look up an element: %m");
	return now() - begin;
}

static uint64_t read_batch(int fd)
{
	uint64_t begin = now();
	uint32_t n = ENTRIES, next;

	if (bpf_map_lookup_batch(fd, NULL, &next, keys, values, &n, NULL) || n != ENTRIES)
		die("cannot look up %d elements, but %u: %m", ENTRIES, n);
	return now() - begin;
}

static void *map_of(int fd)
{
	void *mem = mmap(NULL, ENTRIES * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		die("cannot map a map: %m");
	memset(mem, 1, ENTRIES * 8);
	return mem;
}

static void measure_user(const struct experiment *e)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int arena = bpf_map_create(BPF_MAP_TYPE_ARENA, "arena", 0, 0, ENTRIES * 8 / PAGE, &opts);
	int array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "array", 4, 8, ENTRIES, &opts);
	uint64_t *mem_arena = map_of(arena), *mem_array = map_of(array);
	int i;

	for (i = 0; i < rounds; i++) {
		emit(e, 0, read_loads(mem_arena));
		emit(e, 1, read_loads(mem_array));
		emit(e, 2, read_lookups(array));
		emit(e, 3, read_batch(array));
	}
	munmap(mem_arena, ENTRIES * 8);
	munmap(mem_array, ENTRIES * 8);
	close(arena);
	close(array);
}

#define TABLE_16(entries, load, name, what)					\
	{ measure_arena_16, HASH(entries, load), {				\
		{ "hash/find-" name, "instr", "1 stock", "arena: find one of " what }, \
		{ "hash/add-" name, "instr", "1 stock", "arena: add one" },	\
		{ "hash/remove-" name, "instr", "1 stock", "arena: remove one" },	\
	} }

#define MAP_16(type, entries, name, what)					\
	{ measure_map_16, HASH(entries, type), {				\
		{ "hash/" name "-find", "instr", "-", #type ": find one of " what },	\
		{ "hash/" name "-add", "instr", "-", #type ": add one" },	\
		{ "hash/" name "-remove", "instr", "-", #type ": remove one" },	\
	} }

const struct experiment access_experiments[] = {
	{ measure_insns, 0, {
		{ "insn/load", "instr", "1 stock", "load" },
		{ "insn/store", "instr", "1 stock", "store" },
		{ "insn/cast", "instr", "5 -", "cast to user, and store" },
		{ "insn/atomic", "instr", "1 stock", "atomic add" },
		{ "insn/fetch", "instr", "1 stock", "atomic add that fetches" },
	} },
	{ measure_loops, 10000, {
		{ "loop/list", "instr/node", "1 stock", "walk of a list, with may_goto" },
		{ "loop/may_goto", "instr/round", "0.5 stock", "empty loop with may_goto" },
	} },
	{ measure_calls, 0, {
		{ "call/entry", "instr", "1 stock", "entry of a program with an arena, beyond one without" },
		{ "call/plain", "instr", "-", "call of a function, in a program without an arena" },
		{ "call/arena", "instr", "1 ours call/plain", "the same in a program with one" },
	} },
	{ measure_load, 0, {
		{ "load/object", "instr", "1 stock", "load of an object: arena, hash table, libbpf's part" },
	} },
	{ measure_user, 0, {
		{ "user/loads", "instr", "0.01 ours user/lookups", "process reads 4,096 entries: arena" },
		{ "user/array-loads", "instr", "-", "the same: mmapable array" },
		{ "user/lookups", "instr", "-", "the same: array, bpf() look-ups" },
		{ "user/batch", "instr", "-", "the same: array, one bpf() batch look-up" },
	} },
	TABLE_16(64, 1, "64", "64, keys of 16 bytes"),
	TABLE_16(4096, 1, "4k", "4 Ki"),
	TABLE_16(65536, 1, "64k", "64 Ki"),
	TABLE_16(65536, 4, "64k-load-4", "64 Ki, 4 to a chain"),
	TABLE_16(1 << 20, 1, "1m", "1 Mi"),
	TABLE_16(1 << 22, 1, "4m", "4 Mi"),
	MAP_16(BPF_MAP_TYPE_HASH, 64, "map-64", "64"),
	MAP_16(BPF_MAP_TYPE_HASH, 65536, "map-64k", "64 Ki"),
	MAP_16(BPF_MAP_TYPE_HASH, 1 << 20, "map-1m", "1 Mi"),
	MAP_16(BPF_MAP_TYPE_LRU_HASH, 65536, "lru-64k", "64 Ki"),
	MAP_16(BPF_MAP_TYPE_PERCPU_HASH, 65536, "percpu-64k", "64 Ki"),
	{ measure_array, 65536, {
		{ "hash/array-find", "instr", "-", "BPF_MAP_TYPE_ARRAY: look-up" },
	} },
	{ measure_arena_64, HASH(65536, 1), {
		{ "hash/find-k64", "instr", "1 stock", "arena: find one of 64 Ki, keys of 64 bytes" },
		{ "hash/add-k64", "instr", "1 stock", "arena: add one" },
		{ "hash/remove-k64", "instr", "1 stock", "arena: remove one" },
	} },
	{ measure_map_64, HASH(65536, BPF_MAP_TYPE_HASH), {
		{ "hash/map-k64-find", "instr", "-", "BPF_MAP_TYPE_HASH: find one of 64 Ki" },
		{ "hash/map-k64-add", "instr", "-", "BPF_MAP_TYPE_HASH: add one" },
		{ "hash/map-k64-remove", "instr", "-", "BPF_MAP_TYPE_HASH: remove one" },
	} },
	{}
};
