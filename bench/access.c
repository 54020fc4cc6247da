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
#include <bpf/btf.h>
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
	char pkt[64 + ANSWER_BYTES] = {};
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
	enable(skel->progs.call_touch);
	enable(skel->progs.do_none);
	load_access(skel);
	for (i = 0; i < rounds; i++) {
		plain = run_cost(skel, skel->progs.enter_plain, 0);
		emit(e, 0, run_cost(skel, skel->progs.enter_arena, 0) - plain);
		emit(e, 1, ops_cost(skel, skel->progs.call_plain, 1) / UNROLLED_CALLS);
		emit(e, 2, ops_cost(skel, skel->progs.call_arena, 1) / UNROLLED_CALLS);
		emit(e, 3, ops_cost(skel, skel->progs.call_touch, 1) / UNROLLED_CALLS);
	}
	close_access(skel);
}

/* Later kernels refuse arena memory for helpers. */
static void measure_helpers(const struct experiment *e)
{
	struct access_bpf *skel = open_access(PAGE);
	struct bpf_program *progs[] = {
		skel->progs.str_arena, skel->progs.str_bounce,
		skel->progs.ring_arena, skel->progs.ring_bounce,
		skel->progs.xdp_arena, skel->progs.xdp_bounce,
	};
	int i, round;

	for (i = 0; i < 6; i++)
		enable(progs[i]);
	if (access_bpf__load(skel)) {
		missing(e, 0, "helpers take no arena memory");
		close_access(skel);
		return;
	}
	skel->bss->where = (uint64_t)bpf_map__initial_value(skel->maps.arena, &(size_t){ 0 }) + PAGE;
	memset((void *)skel->bss->where, 'x', PAGE);
	memset(skel->bss->text, 'x', TEXT_BYTES - 1);
	for (round = 0; round < rounds; round++)
		for (i = 0; i < 6; i++)
			emit(e, i, ops_cost(skel, progs[i], 1) / UNROLLED_HELPERS);
	close_access(skel);
}

/*
 * A program that is there all the time, as on every machine that runs some: the first one
 * has the kernel set up 2 MiB for the code of all (bpf_prog_pack), and the end of the last
 * gives them back.
 */
static int load_another(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "another", "GPL", insns, 2, NULL);

	if (fd < 0)
		die("cannot load a program that does nothing: %m");
	return fd;
}

static void measure_open_and_load(const struct experiment *e)
{
	int i, another = load_another();
	struct access_bpf *skel;
	uint64_t begin;

	for (i = 0; i < rounds; i++) {
		skel = open_access(PAGE);
		enable(skel->progs.find_16);
		begin = now();
		load_access(skel);
		emit(e, 0, now() - begin);
		close_access(skel);
	}
	close(another);
}

/* The system call alone: verifier and JIT. The program is there already, so its maps are. */
static double prog_load_cost(const struct bpf_program *prog)
{
	uint64_t begin = now(), end;
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "again", "GPL", bpf_program__insns(prog),
			       bpf_program__insn_cnt(prog), NULL);

	end = now();
	if (fd < 0)
		die("cannot load %s again: %m", bpf_program__name(prog));
	close(fd);
	settle();
	return end - begin;
}

static double btf_load_cost(const struct btf *btf)
{
	uint32_t size;
	const void *data = btf__raw_data(btf, &size);
	uint64_t begin = now(), end;
	int fd = bpf_btf_load(data, size, NULL);

	end = now();
	if (fd < 0)
		die("cannot load BTF: %m");
	close(fd);
	settle();
	return end - begin;
}

static void measure_load(const struct experiment *e)
{
	struct access_bpf *skel = open_access(PAGE);
	struct bpf_program *progs[] = {
		skel->progs.enter_plain, skel->progs.enter_arena, skel->progs.walk,
		skel->progs.find_16, skel->progs.map_find_16, skel->progs.do_load,
	};
	int i, nr;

	for (nr = 0; nr < 6; nr++)
		enable(progs[nr]);
	load_access(skel);
	for (i = 0; i < rounds; i++) {
		for (nr = 0; nr < 6; nr++)
			emit(e, nr, prog_load_cost(progs[nr]));
		emit(e, nr, btf_load_cost(bpf_object__btf(skel->obj)));
	}
	close_access(skel);
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

#define MEASURE_ARENA(N)							\
static void measure_arena_##N(const struct experiment *e)			\
{										\
	unsigned long entries = e->size >> 8, load = e->size & 0xff;		\
	struct access_bpf *skel = open_access(BYTES_OF_TABLE(N, entries));	\
	struct table_progs p = TABLE_PROGS(skel, N);				\
										\
	enable_table(&p);							\
	load_access(skel);							\
	set_up_table(N, skel->bss->where, entries, load);			\
	measure_table(e, 0, skel, &p, entries);					\
	close_access(skel);							\
}

MEASURE_ARENA(16)
MEASURE_ARENA(64)

/* size is entries << 8 | type. LRU maps evict before they are full, as they are filled by CPU. */
#define MEASURE_MAP(N)								\
static void measure_map_##N(const struct experiment *e)				\
{										\
	unsigned long entries = e->size >> 8, type = e->size & 0xff;		\
	struct access_bpf *skel = open_access(PAGE);				\
	struct table_progs p = MAP_PROGS(skel, N);				\
	bool is_lru = type == BPF_MAP_TYPE_LRU_HASH;				\
										\
	bpf_map__set_max_entries(skel->maps.map_##N, entries << is_lru);	\
	bpf_map__set_type(skel->maps.map_##N, type);				\
	enable_table(&p);							\
	load_access(skel);							\
	measure_table(e, 0, skel, &p, entries);					\
	close_access(skel);							\
}

MEASURE_MAP(16)
MEASURE_MAP(64)

/* size is entries << 1 | mmapable */
static void measure_array(const struct experiment *e)
{
	struct access_bpf *skel = open_access(PAGE);
	struct table_progs p = { .keys = skel->progs.keys_16, .find = skel->progs.array_find };
	int i;

	bpf_map__set_max_entries(skel->maps.map_array, e->size >> 1);
	bpf_map__set_map_flags(skel->maps.map_array, e->size & 1 ? BPF_F_MMAPABLE : 0);
	enable(p.keys);
	enable(p.find);
	load_access(skel);
	skel->bss->mask = (e->size >> 1) - 1;
	for (i = 0; i < rounds; i++)
		emit(e, 0, keys_cost(skel, &p, p.find, i));
	if (skel->bss->wrong)
		die("%s: %llu operations failed", e->rows[0].name, skel->bss->wrong);
	close_access(skel);
}

/* What a process reads */

#define MAX_ENTRIES 65536

static uint64_t values[MAX_ENTRIES];
static uint32_t keys[MAX_ENTRIES];
static volatile uint64_t result;

static uint64_t read_loads(const uint64_t *mem, uint32_t n)
{
	uint64_t begin = now(), sum = 0;
	uint32_t i;

	for (i = 0; i < n; i++)
		sum += ((const volatile uint64_t *)mem)[i];
	result = sum;
	return now() - begin;
}

static uint64_t read_lookups(int fd, uint32_t n)
{
	uint64_t begin = now();
	uint32_t i;

	for (i = 0; i < n; i++)
		if (bpf_map_lookup_elem(fd, &i, &values[i]))
			die("cannot look up an element: %m");
	return now() - begin;
}

static uint64_t read_batch(int fd, uint32_t n)
{
	uint64_t begin = now();
	uint32_t cnt = n, next;

	if (bpf_map_lookup_batch(fd, NULL, &next, keys, values, &cnt, NULL) || cnt != n)
		die("cannot look up %u elements, but %u: %m", n, cnt);
	return now() - begin;
}

static void *map_of(int fd, size_t bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		die("cannot map a map: %m");
	memset(mem, 1, bytes);
	return mem;
}

static void measure_user(const struct experiment *e)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	size_t bytes = e->size * 8 < PAGE ? PAGE : e->size * 8;
	int arena = bpf_map_create(BPF_MAP_TYPE_ARENA, "arena", 0, 0, bytes / PAGE, &opts);
	int array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "array", 4, 8, e->size, &opts);
	uint64_t *mem_arena = map_of(arena, bytes), *mem_array = map_of(array, bytes);
	int i;

	for (i = 0; i < rounds; i++) {
		emit(e, 0, read_loads(mem_arena, e->size));
		emit(e, 1, read_loads(mem_array, e->size));
		emit(e, 2, read_lookups(array, e->size));
		emit(e, 3, read_batch(array, e->size));
	}
	munmap(mem_arena, bytes);
	munmap(mem_array, bytes);
	close(arena);
	close(array);
}

#define ARENA(N, entries, load, name, what)					\
	{ measure_arena_##N, HASH(entries, load), {				\
		{ "hash/find-" name, "instr", "1 stock", "arena: find one of " what }, \
		{ "hash/add-" name, "instr", "1 stock", "arena: add one" },	\
		{ "hash/remove-" name, "instr", "1 stock", "arena: remove one" }, \
	} }

#define MAP(N, type, entries, name, what)					\
	{ measure_map_##N, HASH(entries, type), {				\
		{ "hash/" name "-find", "instr", "-", #type ": find one of " what },	\
		{ "hash/" name "-add", "instr", "-", #type ": add one" },	\
		{ "hash/" name "-remove", "instr", "-", #type ": remove one" },	\
	} }

#define USER(size, name, what)							\
	{ measure_user, size, {							\
		{ "user/loads" name, "instr", "0.01 ours user/lookups" name,	\
		  "process reads " what ": arena" },				\
		{ "user/array-loads" name, "instr", "-", "the same: mmapable array" },	\
		{ "user/lookups" name, "instr", "-", "the same: array, bpf() look-ups" },	\
		{ "user/batch" name, "instr", "-", "the same: array, one bpf() batch look-up" }, \
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
		{ "call/touch", "instr", "1 stock", "call of a function that stores to the arena" },
	} },
	{ measure_helpers, 0, {
		{ "helper/str", "instr", "0.9 ours helper/str-bounce",
		  "probe_read_kernel_str of 256 bytes to the arena" },
		{ "helper/str-bounce", "instr", "-", "the same over the stack" },
		{ "helper/ring", "instr", "0.9 ours helper/ring-bounce",
		  "ring buffer record of 1 KiB from the arena" },
		{ "helper/ring-bounce", "instr", "-", "the same, reserved and copied by the program" },
		{ "helper/xdp", "instr", "0.9 ours helper/xdp-bounce",
		  "XDP answer of 1 KiB from the arena" },
		{ "helper/xdp-bounce", "instr", "-", "the same over a map's value" },
	} },
	{ measure_open_and_load, 0, {
		{ "load/object", "instr", "1 stock", "load of an object: arena, hash table, libbpf's part" },
	} },
	{ measure_load, 0, {
		{ "load/empty", "instr", "-", "load of a program, in the kernel: next to none, no arena" },
		{ "load/arena", "instr", "1 stock", "the same, and one store to an arena" },
		{ "load/walk", "instr", "1 stock", "walk of a list" },
		{ "load/find", "instr", "1 stock", "find in a hash table in the arena" },
		{ "load/map-find", "instr", "-", "find in a BPF_MAP_TYPE_HASH" },
		{ "load/256-loads", "instr", "1 stock", "256 loads from the arena" },
		{ "load/btf", "instr", "-", "BTF of the object that has all these" },
	} },
	USER(64, "-64", "64 entries"),
	USER(512, "-512", "512 entries"),
	USER(4096, "", "4,096 entries"),
	USER(MAX_ENTRIES, "-64k", "64 Ki entries"),
	ARENA(16, 64, 1, "64", "64, keys of 16 bytes"),
	ARENA(16, 4096, 1, "4k", "4 Ki"),
	ARENA(16, 65536, 1, "64k", "64 Ki"),
	ARENA(16, 65536, 2, "64k-load-2", "64 Ki, 2 to a chain"),
	ARENA(16, 65536, 4, "64k-load-4", "64 Ki, 4 to a chain"),
	ARENA(16, 65536, 8, "64k-load-8", "64 Ki, 8 to a chain"),
	ARENA(16, 1 << 20, 1, "1m", "1 Mi"),
	ARENA(16, 1 << 22, 1, "4m", "4 Mi"),
	MAP(16, BPF_MAP_TYPE_HASH, 64, "map-64", "64"),
	MAP(16, BPF_MAP_TYPE_HASH, 4096, "map-4k", "4 Ki"),
	MAP(16, BPF_MAP_TYPE_HASH, 65536, "map-64k", "64 Ki"),
	MAP(16, BPF_MAP_TYPE_HASH, 1 << 20, "map-1m", "1 Mi"),
	MAP(16, BPF_MAP_TYPE_HASH, 1 << 22, "map-4m", "4 Mi"),
	MAP(16, BPF_MAP_TYPE_LRU_HASH, 65536, "lru-64k", "64 Ki"),
	MAP(16, BPF_MAP_TYPE_PERCPU_HASH, 65536, "percpu-64k", "64 Ki"),
	{ measure_array, 65536 << 1, {
		{ "hash/array-find", "instr", "-", "BPF_MAP_TYPE_ARRAY: look-up" },
	} },
	{ measure_array, 65536 << 1 | 1, {
		{ "hash/mmapable-find", "instr", "-", "the same, BPF_F_MMAPABLE" },
	} },
	ARENA(64, 64, 1, "k64-64", "64, keys of 64 bytes"),
	ARENA(64, 4096, 1, "k64-4k", "4 Ki, keys of 64 bytes"),
	ARENA(64, 65536, 1, "k64", "64 Ki, keys of 64 bytes"),
	ARENA(64, 1 << 20, 1, "k64-1m", "1 Mi, keys of 64 bytes"),
	ARENA(64, 1 << 22, 1, "k64-4m", "4 Mi, keys of 64 bytes"),
	MAP(64, BPF_MAP_TYPE_HASH, 64, "map-k64-64", "64, keys of 64 bytes"),
	MAP(64, BPF_MAP_TYPE_HASH, 65536, "map-k64", "64 Ki, keys of 64 bytes"),
	MAP(64, BPF_MAP_TYPE_HASH, 1 << 20, "map-k64-1m", "1 Mi, keys of 64 bytes"),
	MAP(64, BPF_MAP_TYPE_LRU_HASH, 65536, "lru-k64", "64 Ki, keys of 64 bytes"),
	MAP(64, BPF_MAP_TYPE_PERCPU_HASH, 65536, "percpu-k64", "64 Ki, keys of 64 bytes"),
	{}
};
