// SPDX-License-Identifier: GPL-2.0
/*
 * The arena as other processes than memcached see it: mapped at the same address, so that
 * its pointers are theirs. They have no other use for it than to look, and to set
 * mc_dir.ready.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "launch.h"

bool arena_contains(const struct arena *arena, __u64 addr, size_t len)
{
	__u64 off = addr - (__u64)(unsigned long)arena->header;

	return off < arena->size && len <= arena->size - off;
}

/* Again and again, until memcached has it: the launcher before it has none. */
void arena_find_dir(struct arena *arena)
{
	__u64 addr = __atomic_load_n(&arena->header->root[MC_ROOT], __ATOMIC_ACQUIRE);
	struct mc_dir *dir = (struct mc_dir *)(unsigned long)addr;

	arena->dir = NULL;
	if (arena_contains(arena, addr, sizeof(*dir)) && dir->magic == MC_MAGIC &&
	    dir->version == MC_DIR_VERSION)
		arena->dir = dir;
}

/* Returns why not, or NULL. */
const char *arena_map(struct arena *arena, int fd)
{
	struct arena_heap_header header;
	void *mem;

	if (!arena_heap_read_header(fd, &header))
		return "not an arena of arena-heap";
	arena->size = ARENA_HEAP_HEADER + header.blocks * ARENA_HEAP_BLOCK;
	mem = mmap((void *)(unsigned long)header.start, arena->size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	if (mem == MAP_FAILED)
		return strerror(errno);
	arena->header = mem;
	return NULL;
}

static void print(const char *name, __u64 value)
{
	printf("%s %llu\n", name, (unsigned long long)value);
}

static void add_up(const struct mc_dir *dir, struct mc_reader *sum)
{
	const struct mc_reader *reader = (const void *)(unsigned long)dir->readers;
	__u32 i;

	for (i = 0; i < dir->nr_readers; i++) {
		sum->hits += reader[i].hits;
		sum->passed += reader[i].passed;
		sum->missed += reader[i].missed;
		sum->inactive += reader[i].inactive;
		sum->locked += reader[i].locked;
		sum->changed += reader[i].changed;
		sum->old += reader[i].old;
	}
}

int show_stats(const char *path)
{
	struct mc_reader sum = {};
	struct arena arena;
	const char *why;
	int fd;

	fd = bpf_obj_get(path);
	if (fd < 0)
		die("--stats %s: %s", path, strerror(errno));
	why = arena_map(&arena, fd);
	if (why)
		die("--stats %s: %s", path, why);
	arena_find_dir(&arena);
	if (!arena.dir)
		die("--stats %s: memcached has not started in this arena", path);
	add_up(arena.dir, &sum);
	print("pid", arena.header->pid);
	print("ready", arena.dir->ready);
	print("xdp_hits", sum.hits);
	print("xdp_passed", sum.passed);
	print("xdp_missed", sum.missed);
	print("xdp_inactive", sum.inactive);
	print("xdp_locked", sum.locked);
	print("xdp_changed", sum.changed);
	print("xdp_old", sum.old);
	print("locks", arena.dir->lock_mask + 1);
	print("buckets", arena.dir->mask + 1);
	print("growing", arena.dir->old != 0);
	print("grown", arena.dir->grown);
	print("outside", arena.header->outside);
	return 0;
}
