// SPDX-License-Identifier: GPL-2.0
/*
 * On which node the pages of an arena are. Needs two nodes, 0 and 1, with CPUs
 * and memory.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/syscall.h>
#include "arena_helpers.h"
#include "arena_ops.skel.h"

#define PAGES 16

static struct arena_ops *skel;
static long page_size;

static __u64 run(struct bpf_program *prog, __u64 addr, __u32 cnt, int node)
{
	return arena_run_op(prog, (struct arena_op){ .addr = addr, .cnt = cnt, .node = node });
}

/* The node of a page, or a negative error; move_pages() with no nodes asks. */
static int node_of(__u64 addr)
{
	void *page = (void *)addr;
	int status = -1;

	if (syscall(__NR_move_pages, 0, 1UL, &page, NULL, &status, 0))
		return -errno;
	return status;
}

/* All of them, once they are touched */
static void check_node(__u64 addr, __u32 cnt, int node, const char *what)
{
	__u32 i;

	for (i = 0; i < cnt; i++) {
		*(volatile char *)(addr + i * page_size) = 1;
		ASSERT_EQ(node_of(addr + i * page_size), node, what);
	}
}

static bool run_on_node(int node)
{
	cpu_set_t cpus;
	char path[64];
	FILE *f;
	int cpu;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%d", &cpu) != 1)
		cpu = -1;
	if (f)
		fclose(f);
	if (cpu < 0)
		return false;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return !sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* The node that is asked for, wherever the program runs; else that where it runs */
static void check_nodes_from(int here)
{
	int there = !here;
	__u64 addr;

	if (!ASSERT_TRUE(run_on_node(here), "run on a node"))
		return;
	addr = run(skel->progs.op_alloc, 0, 3, there);
	check_node(addr, 3, there, "asked for the other");
	run(skel->progs.op_free, addr, 3, 0);

	addr = run(skel->progs.op_alloc, 0, 3, here);
	check_node(addr, 3, here, "asked for this one");
	run(skel->progs.op_free, addr, 3, 0);

	/* what has just been freed on the other side is not in the way */
	addr = run(skel->progs.op_alloc, 0, 3, -1);
	check_node(addr, 3, here, "any");
	run(skel->progs.op_free, addr, 3, 0);

	addr = ARENA_BASE + 7 * page_size;
	check_node(addr, 1, here, "touched");
	run(skel->progs.op_free, addr, 1, 0);
}

void serial_test_arena_numa(void)
{
	cpu_set_t cpus;
	int round;

	if (access("/sys/devices/system/node/node1", F_OK)) {
		printf("%s:SKIP:one NUMA node\n", __func__);
		test__skip();
		return;
	}
	page_size = getpagesize();
	skel = arena_ops__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_map__set_map_extra(skel->maps.arena, ARENA_BASE);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	if (ASSERT_OK(arena_ops__load(skel), "load")) {
		for (round = 0; round < 4; round++)
			check_nodes_from(round % 2);
		ASSERT_EQ(run(skel->progs.op_alloc, 0, 1, 2), 0, "no such node");
	}
	sched_setaffinity(0, sizeof(cpus), &cpus);
	arena_ops__destroy(skel);
}
