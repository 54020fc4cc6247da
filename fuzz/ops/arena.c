// SPDX-License-Identifier: GPL-2.0
/*
 * Arenas with the programs that work on them, and what the kernel says of them
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <bpf/bpf_arena.h>
#include "ops.h"
#include "ops.skel.h"

uint64_t arena_at(const struct arena *a, int64_t pgoff)
{
	return a->base + pgoff * (int64_t)page_size;
}

uint64_t arena_size(const struct arena *a)
{
	return (uint64_t)a->pages * page_size;
}

/* False if the address is taken in this process */
bool arena_open(struct arena *a, uint32_t pages, uint32_t flags, uint64_t map_extra)
{
	size_t size;

	*a = (struct arena){ .skel = ops_bpf__open(), .pages = pages, .flags = flags };
	if (!a->skel)
		fuzz_die("cannot open the programs");
	bpf_map__set_max_entries(a->skel->maps.arena, pages);
	bpf_map__set_map_flags(a->skel->maps.arena, BPF_F_MMAPABLE | flags);
	bpf_map__set_map_extra(a->skel->maps.arena, map_extra);
	if (ops_bpf__load(a->skel)) {
		if (!map_extra)
			fuzz_die("cannot load the programs: %m");
		ops_bpf__destroy(a->skel);
		return false;
	}
	a->base = (uint64_t)bpf_map__initial_value(a->skel->maps.arena, &size);
	a->fd = bpf_map__fd(a->skel->maps.arena);
	a->progs[SYSCALL] = bpf_program__fd(a->skel->progs.run_syscall);
	a->progs[TC] = bpf_program__fd(a->skel->progs.run_tc);
	a->progs[XDP] = bpf_program__fd(a->skel->progs.run_xdp);
	a->mapped = a->may_write = true;
	a->prot = PROT_READ | PROT_WRITE;
	/* shared, for the processes of a round that has several */
	a->model = mmap(NULL, pages * sizeof(*a->model), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (a->model == MAP_FAILED)
		fuzz_die("no memory for the model");
	count(arenas);
	return true;
}

/* libbpf unmaps what it has mapped, be it the placeholder. */
void arena_close(struct arena *a)
{
	ops_bpf__destroy(a->skel);
	munmap(a->model, a->pages * sizeof(*a->model));
	*a = (struct arena){};
}

/* In place of what arena_unmap() has left there, or of nothing */
void arena_map(struct arena *a, int prot)
{
	void *p = mmap((void *)a->base, arena_size(a), prot, MAP_SHARED | MAP_FIXED, a->fd, 0);

	if (p != (void *)a->base)
		finding("mmap of the arena, %u pages, at its address %#llx gives %p: %m", a->pages,
			(unsigned long long)a->base, p);
	a->mapped = true;
	a->prot = prot;
	a->may_write = prot & PROT_WRITE;
}

/* Leaves something that nobody can touch, so that nothing else comes there. */
void arena_unmap(struct arena *a, bool by_fixed)
{
	if (!by_fixed && munmap((void *)a->base, arena_size(a)))
		finding("munmap of the arena: %m");
	if (mmap((void *)a->base, arena_size(a), PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		finding("MAP_FIXED over the whole arena: %m");
	a->mapped = false;
}

static void run_packet(int prog, struct op *op)
{
	char packet[OP_IN_PACKET + sizeof(*op)] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = packet,
		.data_size_in = sizeof(packet),
		.data_out = packet,
		.data_size_out = sizeof(packet),
	);

	packet[12] = 0x88;	/* an experimental EtherType */
	packet[13] = 0xb5;
	memcpy(packet + OP_IN_PACKET, op, sizeof(*op));
	if (bpf_prog_test_run_opts(prog, &opts))
		finding("a program with a packet does not run: %m");
	memcpy(op, packet + OP_IN_PACKET, sizeof(*op));
}

void run_op(const struct arena *a, enum how how, struct op *op)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = op, .ctx_size_in = sizeof(*op));

	count(ops);
	if (how != SYSCALL)
		run_packet(a->progs[how], op);
	else if (bpf_prog_test_run_opts(a->progs[how], &opts))
		finding("the syscall program does not run: %m");
}

/* A number of fdinfo; -1 if it is not there */
int64_t arena_info(const struct arena *a, const char *name)
{
	size_t len = strlen(name);
	long long value = -1;
	char line[128];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", a->fd);
	f = fopen(line, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ':')
			value = strtoll(line + len + 1, NULL, 0);
	if (f)
		fclose(f);
	return value;
}

/* Kernel windows of arenas that are there */
long windows_left(void)
{
	FILE *f = fopen("/proc/vmallocinfo", "r");
	char line[256];
	long cnt = 0;

	if (!f)
		fuzz_die("no /proc/vmallocinfo: %m");
	while (fgets(line, sizeof(line), f))
		cnt += !!strstr(line, "arena_map_alloc");
	fclose(f);
	return cnt;
}
