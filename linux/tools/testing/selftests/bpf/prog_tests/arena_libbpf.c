// SPDX-License-Identifier: GPL-2.0
/*
 * What libbpf does with an arena and its globals: options, initial values and
 * addresses in them, linked objects, sharing by pins, and refusals, each of which
 * has to name its cause.
 */
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "arena_helpers.h"
#include "arena_linked.h"
#include "arena_linked.skel.h"
#include "arena_pinned.skel.h"
#include "arena_casts.subskel.h"

struct point {
	int x, y;
};

#include "arena_globals.skel.h"

#define LAST (ARRAY_SIZE(((struct arena_globals *)0)->arena->big) - 1)
/* what the program of this name returns while nobody has changed the globals */
#define READ_ALL (42 + 3 * 4 + 7 + LAST + 5 + 'a')

/* Has a child do what would spoil this process; it fails like this one would */
static void in_child(void (*fn)(void *), void *arg, const char *name)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		fn(arg);
		fflush(stdout);
		_exit(env.subtest_state->error_cnt ? 1 : 0);
	}
	ASSERT_EQ(waitpid(pid, &status, 0), pid, "wait");
	ASSERT_EQ(status, 0, name);
}

static char libbpf_msgs[4096];

static int collect_msgs(enum libbpf_print_level level, const char *fmt, va_list args)
{
	const size_t len = strlen(libbpf_msgs);

	if (level == LIBBPF_WARN)
		vsnprintf(libbpf_msgs + len, sizeof(libbpf_msgs) - len, fmt, args);
	return 0;
}

/* libbpf says no, and why */
static void check_msg(const char *msg)
{
	if (!ASSERT_OK_PTR(strstr(libbpf_msgs, msg), msg))
		fprintf(stderr, "%s", libbpf_msgs);
}

static void check_open_error(const char *file, int err, const char *msg)
{
	struct bpf_object *obj;
	libbpf_print_fn_t old;

	libbpf_msgs[0] = '\0';
	old = libbpf_set_print(collect_msgs);
	obj = bpf_object__open_file(file, NULL);
	libbpf_set_print(old);
	if (!ASSERT_EQ(libbpf_get_error(obj), err, file))
		bpf_object__close(obj);
	check_msg(msg);
}

static void check_load_error(struct arena_globals *skel, int err, const char *msg)
{
	libbpf_print_fn_t old;

	libbpf_msgs[0] = '\0';
	old = libbpf_set_print(collect_msgs);
	ASSERT_EQ(arena_globals__load(skel), err, msg);
	libbpf_set_print(old);
	check_msg(msg);
	arena_globals__destroy(skel);
}

static void initial_value(void)
{
	struct arena_globals *skel;
	size_t size = 0, all;
	struct bpf_map *map;
	const void *init;
	void *copy;

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	map = skel->maps.arena;
	init = bpf_map__initial_value(map, &size);
	ASSERT_EQ(init, skel->arena, "initial value");
	ASSERT_GE(size, sizeof(*skel->arena), "its size");
	copy = malloc(size);
	memcpy(copy, init, size);
	((typeof(skel->arena))copy)->number = 43;
	ASSERT_ERR(bpf_map__set_initial_value(map, copy, size - 1), "wrong size");
	ASSERT_OK(bpf_map__set_initial_value(map, copy, size), "set");
	if (ASSERT_OK(arena_globals__load(skel), "load")) {
		ASSERT_EQ(skel->arena->number, 43, "what was set");
		ASSERT_ERR(bpf_map__set_initial_value(map, copy, size), "too late");
		ASSERT_EQ(bpf_map__initial_value(map, &all), skel->arena, "the arena");
		ASSERT_EQ(all, arena_bytes(32), "size of the arena");
	}
	free(copy);
	arena_globals__destroy(skel);
}

/* max_entries, map_extra; and the address is free again after close */
static void map_options(void)
{
	struct arena_globals *skel;
	int i;

	for (i = 0; i < 2; i++) {
		skel = arena_globals__open();
		if (!ASSERT_OK_PTR(skel, "open"))
			return;
		bpf_map__set_max_entries(skel->maps.arena, 1000);
		bpf_map__set_map_extra(skel->maps.arena, ARENA_BASE);
		if (ASSERT_OK(arena_globals__load(skel), "load")) {
			ASSERT_EQ((__u64)skel->arena, ARENA_BASE, "at map_extra");
			ASSERT_OK(arena_write((void *)ARENA_BASE + arena_bytes(1000) - 1), "end");
			ASSERT_EQ(arena_run(skel->progs.read_all), READ_ALL, "run");
		}
		arena_globals__destroy(skel);
		ASSERT_EQ(arena_read((void *)ARENA_BASE), SIGSEGV, "unmapped");
	}
}

static void check_linked_globals(const struct arena_linked *skel)
{
	ASSERT_EQ(skel->arena->tag1, 'a', "char");
	ASSERT_EQ(skel->arena->tag2, 'b', "char of the other file");
	ASSERT_EQ(skel->arena->wide, 1000, "aligned");
	ASSERT_EQ(skel->arena->numbers[3], 4, "array");
	ASSERT_EQ(skel->arena->zeroed1[2], 0, "zeroed");
	ASSERT_EQ(skel->arena->zeroed2, 0, "zeroed in the other file");
}

/* as they are for the process */
static void check_linked_addrs(const struct arena_linked *skel)
{
	const struct link_node *first = &skel->arena->first;

	ASSERT_EQ(first->next, &skel->arena->second, "first to second");
	ASSERT_EQ(link_sum((struct link_node *)first), 1 + 2 + 4, "list");
	ASSERT_EQ(skel->data->head, first, "address in .data");
	ASSERT_EQ(skel->data->last_number, &skel->arena->numbers[3], "of an array's element");
	ASSERT_EQ(*skel->data->value_of_fourth, 4, "of a static struct's member");
	ASSERT_EQ(skel->rodata->ro.p, &skel->arena->wide, "address in .rodata");
	ASSERT_EQ(skel->arena->third_ptr->value, 3, "of a static variable");
}

static void linked(void)
{
	struct arena_linked *skel;

	skel = arena_linked__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	check_linked_globals(skel);
	if (!ASSERT_OK(arena_linked__load(skel), "load"))
		goto out;
	check_linked_globals(skel);
	ASSERT_EQ((long)&skel->arena->wide % 64, 0, "alignment");
	check_linked_addrs(skel);

	ASSERT_EQ(arena_run(skel->progs.sum1), 1 + 2 + 4 + 11 + 'a', "first file");
	ASSERT_EQ(arena_run(skel->progs.sum2), 2 + 4 + 101 + 'b', "second file");
	ASSERT_EQ(arena_run(skel->progs.sum_extern), 2 + 1000 + 3 + 4 + 1000, "externs");
	ASSERT_EQ(arena_run(skel->progs.arithmetic), 3 + 2 + 20 + 400, "arithmetic");
	ASSERT_EQ(arena_run(skel->progs.append), 0, "append");
	ASSERT_EQ(link_sum(skel->data->head), 1 + 2 + 4 + 3, "third appended");
	ASSERT_EQ(arena_run(skel->progs.sum1), 1 + 2 + 4 + 3 + 12 + 'a', "both files");
out:
	arena_linked__destroy(skel);
}

/* the addresses are those of the arena that is used, and it keeps its own */
static void linked_reuse(void)
{
	struct arena_linked *a, *b = NULL;

	a = arena_linked__open_and_load();
	if (!ASSERT_OK_PTR(a, "first"))
		return;
	a->arena->first.next = NULL;
	b = arena_linked__open();
	if (ASSERT_OK_PTR(b, "second") &&
	    ASSERT_OK(bpf_map__reuse_fd(b->maps.arena, bpf_map__fd(a->maps.arena)), "reuse") &&
	    ASSERT_OK(arena_linked__load(b), "load second")) {
		ASSERT_EQ(b->data->head, &a->arena->first, "address in .data");
		ASSERT_NULL(b->arena->first.next, "not initialized again");
	}
	arena_linked__destroy(b);
	arena_linked__destroy(a);
}

static void check_casts(struct arena_casts *sub, struct bpf_object *obj)
{
	struct link_node *tail;

	ASSERT_EQ(*sub->arena.initial, 5, "initial value");
	ASSERT_EQ(arena_run(sub->progs.build), 0, "build");
	ASSERT_EQ(link_sum(*sub->arena.head), 4 + 3 + 2 + 1, "list of the process");
	ASSERT_EQ(arena_run(sub->progs.sum), 5 + 10, "list of the program");
	ASSERT_EQ(arena_run(sub->progs.count), 4, "its length");

	for (tail = *sub->arena.head; tail->next; tail = tail->next)
		;
	tail->next = *sub->arena.head;
	ASSERT_GT(arena_run(sub->progs.count), 1000000, "cond_break leaves a circle");
}

/* A compiler without arena pointers; and subskeletons, which find globals in
 * an object that somebody else has loaded.
 */
static void casts(const char *file)
{
	struct arena_casts *sub;
	struct bpf_object *obj;
	libbpf_print_fn_t old;

	obj = bpf_object__open_file(file, NULL);
	if (!ASSERT_OK_PTR(obj, "open"))
		return;

	libbpf_msgs[0] = '\0';
	old = libbpf_set_print(collect_msgs);
	sub = arena_casts__open(obj);
	libbpf_set_print(old);
	if (!ASSERT_NULL(sub, "subskeleton before load"))
		arena_casts__destroy(sub);
	check_msg("map 'arena': a subskeleton with arena globals");

	if (ASSERT_OK(bpf_object__load(obj), "load")) {
		sub = arena_casts__open(obj);
		if (ASSERT_OK_PTR(sub, "subskeleton"))
			check_casts(sub, obj);
		arena_casts__destroy(sub);
	}
	bpf_object__close(obj);
}

/* scripts that have such a compiler leave this file */
static void casts_old_compiler(void)
{
	const char *file = "arena_casts_old.bpf.o";

	if (access(file, R_OK))
		test__skip();
	else
		casts(file);
}

/* The pages of the globals are there, though user space cannot make them; one
 * of the arenas starts on a 4 GiB line, where half an address is 0.
 */
static void segv_on_fault(void)
{
	const __u64 bases[] = { 0, ARENA_BASE };
	const size_t page = getpagesize();
	struct arena_globals *skel;
	size_t globals, i;

	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		skel = arena_globals__open();
		if (!ASSERT_OK_PTR(skel, "open"))
			return;
		bpf_map__set_map_flags(skel->maps.arena, BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT);
		bpf_map__set_map_extra(skel->maps.arena, bases[i]);
		globals = roundup(sizeof(*skel->arena), page);
		if (ASSERT_OK(arena_globals__load(skel), "load")) {
			ASSERT_EQ(skel->arena->big[LAST], LAST, "initial value");
			ASSERT_EQ(arena_run(skel->progs.read_all), READ_ALL, "program");
			ASSERT_EQ(arena_read((char *)skel->arena + globals), SIGSEGV, "beyond");
		}
		arena_globals__destroy(skel);
	}
}

#define PIN "/sys/fs/bpf/arena_data"

/* The second object finds the globals as the first one has left them */
static void check_sharing(struct arena_globals *a, struct arena_globals *b)
{
	arena_run(a->progs.write_all);
	ASSERT_EQ(arena_run(b->progs.read_all), arena_run(a->progs.read_all), "same globals");
	ASSERT_EQ(a->arena, b->arena, "same mapping");
	a->arena->number = 77;
	ASSERT_EQ(b->arena->number, 77, "same page");
}

static void reuse(void)
{
	struct arena_globals *a, *b = NULL;

	a = arena_globals__open_and_load();
	if (!ASSERT_OK_PTR(a, "first"))
		return;
	a->arena->number = 1;
	b = arena_globals__open();
	if (!ASSERT_OK_PTR(b, "second") ||
	    !ASSERT_OK(bpf_map__reuse_fd(b->maps.arena, bpf_map__fd(a->maps.arena)), "reuse") ||
	    !ASSERT_OK(arena_globals__load(b), "load second"))
		goto out;
	ASSERT_EQ(b->arena->number, 1, "not initialized again");
	check_sharing(a, b);
out:
	arena_globals__destroy(a);
	if (b && b->arena)
		ASSERT_EQ(b->arena->number, 77, "outlives the first");
	arena_globals__destroy(b);
}

/* Opens an object that reuses fd, and loads it. Whoever lent the arena has it at addr. */
static struct arena_globals *load_lent(int fd, void *addr)
{
	struct arena_globals *skel;

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	if (!ASSERT_OK(bpf_map__reuse_fd(skel->maps.arena, fd), "reuse") ||
	    !ASSERT_OK(arena_globals__load(skel), "load")) {
		arena_globals__destroy(skel);
		return NULL;
	}
	ASSERT_EQ((void *)skel->arena, addr, "where the caller has it");
	ASSERT_EQ((void *)skel->data->number_ptr, addr, "address of a global");
	return skel;
}

/* The caller has mapped the arena already, at an address of its own or of the
 * kernel's choice. That mapping is used, and remains the caller's.
 */
static void lent(__u64 base)
{
	struct arena_globals *a, *b;
	int fd = arena_create(32, 0, base);
	char *addr;

	addr = base ? arena_mmap_at(fd, 32, base) : arena_mmap(fd, 32);
	if (!ASSERT_NEQ(addr, MAP_FAILED, "the caller's mapping"))
		goto out;
	addr[arena_bytes(31)] = 'x';
	a = load_lent(fd, addr);
	b = load_lent(fd, addr);
	if (a && b) {
		a->arena->number = 77;
		ASSERT_EQ(*(int *)addr, 77, "same memory");
		arena_run(b->progs.write_all);
		ASSERT_EQ(*(int *)addr, 78, "the program's, too");
	}
	arena_globals__destroy(a);
	arena_globals__destroy(b);
	ASSERT_OK(arena_read(addr), "still mapped");
	ASSERT_EQ(addr[arena_bytes(31)], 'x', "and what it was");

	/* taken back while an object has it: the next one maps it by itself */
	a = load_lent(fd, addr);
	ASSERT_OK(munmap(addr, arena_bytes(32)), "unmap");
	b = load_lent(fd, addr);
	ASSERT_OK(arena_read(addr), "mapped again");
	arena_globals__destroy(a);
	arena_globals__destroy(b);
	ASSERT_EQ(arena_read(addr), SIGSEGV, "unmapped with the last object");
out:
	close(fd);
}

/* What is at the arena's address is something else, be it another arena */
static void lent_but_taken(void)
{
	int fd = arena_create(32, 0, ARENA_BASE), other = arena_create(1, 0, ARENA_BASE);
	struct arena_globals *skel;
	void *taken;
	int i;

	for (i = 0; i < 2; i++) {
		taken = i ? arena_mmap_at(other, 1, ARENA_BASE) :
			mmap((void *)ARENA_BASE, arena_bytes(32), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		ASSERT_EQ((__u64)taken, ARENA_BASE, "taken");
		skel = arena_globals__open();
		ASSERT_OK(bpf_map__reuse_fd(skel->maps.arena, fd), "reuse");
		check_load_error(skel, -EEXIST, "(map_extra): another mapping is there");
		munmap(taken, arena_bytes(i ? 1 : 32));
	}
	close(other);

	/* of the same bounds, mapped by libbpf */
	skel = arena_globals__open();
	bpf_map__set_map_extra(skel->maps.arena, ARENA_BASE);
	if (ASSERT_OK(arena_globals__load(skel), "load")) {
		struct arena_globals *second = arena_globals__open();

		ASSERT_OK(bpf_map__reuse_fd(second->maps.arena, fd), "reuse");
		check_load_error(second, -EEXIST, "(map_extra): another mapping is there");
	}
	arena_globals__destroy(skel);
	close(fd);
}

/* Another map of the object becomes an arena: it is mapped, and keeps what it holds,
 * and no global is looked for in it.
 */
static void foreign(bool lend)
{
	struct arena_globals *skel;
	const char *other;
	size_t size;
	int fd = -1;

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	if (lend) {
		fd = arena_create(32, 0, 0);
		ASSERT_OK(bpf_map__reuse_fd(skel->maps.other, fd), "reuse");
	} else {
		bpf_map__set_type(skel->maps.other, BPF_MAP_TYPE_ARENA);
		bpf_map__set_key_size(skel->maps.other, 0);
		bpf_map__set_value_size(skel->maps.other, 0);
		bpf_map__set_map_flags(skel->maps.other, BPF_F_MMAPABLE);
		bpf_map__set_max_entries(skel->maps.other, 32);
	}
	if (!ASSERT_OK(arena_globals__load(skel), "load"))
		goto out;
	other = bpf_map__initial_value(skel->maps.other, &size);
	if (ASSERT_OK_PTR(other, "mapped"))
		ASSERT_EQ(other[0], 0, "empty");
	ASSERT_EQ(size, arena_bytes(32), "its size");
	ASSERT_EQ(skel->data->number_ptr, &skel->arena->number, "address of the object's own");
	ASSERT_EQ(arena_run(skel->progs.read_all), READ_ALL, "program");
out:
	arena_globals__destroy(skel);
	if (fd >= 0)
		close(fd);
}

static struct arena_globals *open_pinned(void)
{
	struct arena_globals *skel;

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	/* a child has the address free only if nothing else could have taken it */
	bpf_map__set_map_extra(skel->maps.arena, ARENA_BASE);
	bpf_map__set_pin_path(skel->maps.arena, PIN);
	if (!ASSERT_OK(arena_globals__load(skel), "load")) {
		arena_globals__destroy(skel);
		return NULL;
	}
	return skel;
}

/* finds the arena as its parent has left it */
static void pinned_in_child(void *expected_addr)
{
	struct arena_globals *skel;

	skel = open_pinned();
	if (!skel)
		return;
	ASSERT_EQ(skel->arena->number, 5, "parent's value");
	ASSERT_EQ((void *)skel->arena, expected_addr, "parent's address");
	arena_run(skel->progs.write_all);
}

static void pinning(void)
{
	struct arena_globals *skel;

	skel = open_pinned();
	if (!skel)
		return;
	skel->arena->number = 5;
	in_child(pinned_in_child, skel->arena, "another process");
	ASSERT_EQ(skel->arena->number, 6, "child changed it");
	arena_globals__destroy(skel);

	/* nobody has it mapped now */
	skel = open_pinned();
	if (skel) {
		ASSERT_EQ(skel->arena->number, 6, "survives");
		arena_globals__destroy(skel);
	}
	unlink(PIN);
}

#define PIN_DIR "/sys/fs/bpf/arena_test"
#define LOADERS 6

static struct arena_pinned *load_pinned_by_name(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .pin_root_path = PIN_DIR);
	struct arena_pinned *skel;

	skel = arena_pinned__open_opts(&opts);
	if (!ASSERT_OK_PTR(skel, "open"))
		return NULL;
	if (!ASSERT_OK(arena_pinned__load(skel), "load")) {
		arena_pinned__destroy(skel);
		return NULL;
	}
	return skel;
}

/* One of many that load at the same time. All but one find the arena there. */
static void pinned_loader(int start)
{
	struct arena_pinned *skel;
	char c;

	if (read(start, &c, 1) != 1)
		_exit(1);
	skel = load_pinned_by_name();
	if (!skel)
		_exit(2);
	if ((__u64)skel->arena != ARENA_BASE || skel->arena->loads_ptr != &skel->arena->loads)
		_exit(3);
	arena_run(skel->progs.add_one);
	_exit(0);
}

static void pinning_by_name(void)
{
	struct arena_pinned *skel;
	int i, status, start[2];

	if (!ASSERT_OK(pipe(start), "pipe"))
		return;
	fflush(stdout);
	for (i = 0; i < LOADERS; i++) {
		if (!fork())
			pinned_loader(start[0]);
	}
	ASSERT_EQ(write(start[1], "123456", LOADERS), LOADERS, "start");
	for (i = 0; i < LOADERS; i++) {
		ASSERT_GT(wait(&status), 0, "wait");
		ASSERT_EQ(status, 0, "loader");
	}
	close(start[0]);
	close(start[1]);

	ASSERT_OK(access(PIN_DIR "/arena_shared", F_OK), "pinned");
	skel = load_pinned_by_name();
	if (skel)
		ASSERT_EQ(skel->arena->loads, 1000 + LOADERS, "initialized once");
	arena_pinned__destroy(skel);
	unlink(PIN_DIR "/arena_shared");
	rmdir(PIN_DIR);
}

/* What differs from the pinned arena, which has 32 pages, is named */
static void check_pin_mismatch(__u32 pages, __u32 flags, __u64 base, const char *msg)
{
	struct arena_globals *skel;

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_map__set_max_entries(skel->maps.arena, pages);
	bpf_map__set_map_flags(skel->maps.arena, BPF_F_MMAPABLE | flags);
	bpf_map__set_map_extra(skel->maps.arena, base);
	bpf_map__set_pin_path(skel->maps.arena, PIN);
	check_load_error(skel, -EINVAL, msg);
}

/* Another process has the arena where this one has something else */
static void pinned_addr_taken(void *addr)
{
	struct arena_globals *skel;
	void *taken;

	taken = mmap(addr, getpagesize(), PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	skel = arena_globals__open();
	if (!ASSERT_EQ(taken, addr, "taken") || !ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_map__set_pin_path(skel->maps.arena, PIN);
	check_load_error(skel, -EBUSY, "map 'arena': failed to mmap arena: the address where");
}

static void pin_errors(void)
{
	struct arena_globals *skel;
	int fd;

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_map__set_pin_path(skel->maps.arena, PIN);
	if (ASSERT_OK(arena_globals__load(skel), "load")) {
		check_pin_mismatch(64, 0, 0,
				   "map 'arena': pinned map has max_entries 32 (0x20) instead of 64");
		check_pin_mismatch(32, BPF_F_SEGV_ON_FAULT, 0,
				   "map 'arena': pinned map has map_flags 1024 (0x400) instead of");
		check_pin_mismatch(32, 0, ARENA_BASE,
				   "map 'arena': pinned map has map_extra 0 (0x0) instead of");
		in_child(pinned_addr_taken, skel->arena, "address taken");
	}
	arena_globals__destroy(skel);
	unlink(PIN);

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "array", 4, 4, 1, NULL);
	ASSERT_OK(bpf_obj_pin(fd, PIN), "pin an array");
	check_pin_mismatch(32, 0, 0, "map 'arena': pinned map has type 2 (0x2) instead of 33");
	unlink(PIN);

	skel = arena_globals__open();
	ASSERT_OK(bpf_map__reuse_fd(skel->maps.arena, fd), "reuse an array");
	check_load_error(skel, -EINVAL, "a map of type array is to be used for an arena");
	close(fd);

	fd = arena_create(1, 0, 0);
	skel = arena_globals__open();
	ASSERT_OK(bpf_map__reuse_fd(skel->maps.arena, fd), "reuse a small arena");
	check_load_error(skel, -E2BIG, "map 'arena': section '.addr_space.1' has");
	close(fd);
}

static void load_error_light(void)
{
	LIBBPF_OPTS(gen_loader_opts, opts);
	struct arena_globals *skel;

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	ASSERT_OK(bpf_object__gen_loader(skel->obj, &opts), "gen_loader");
	check_load_error(skel, -EOPNOTSUPP, "map 'arena': light skeletons do not support arenas");
}

static void errors(void)
{
	struct arena_globals *skel;
	char msg[80];
	void *taken;

	check_open_error("arena_bad_two.bpf.o", -EINVAL, "map 'arena_two': only one arena");
	check_open_error("arena_bad_none.bpf.o", -ENOENT, "no map of type arena");
	check_open_error("arena_bad_addr.bpf.o", -EOPNOTSUPP,
			 "map 'arena': the global at offset 0 is initialized with the address of target");
	check_open_error("arena_bad_extern.bpf.o", -ESRCH,
			 "extern 'elsewhere': this arena global is defined in no object");

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_map__set_max_entries(skel->maps.arena, 1);
	check_load_error(skel, -E2BIG, "map 'arena': section '.addr_space.1' has");

	skel = arena_globals__open();
	bpf_map__set_max_entries(skel->maps.arena, 4 * GiB / getpagesize() + 1);
	check_load_error(skel, -E2BIG, "bytes are more than the 4 GiB");

	taken = mmap((void *)ARENA_BASE, getpagesize(), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (!ASSERT_EQ((__u64)taken, ARENA_BASE, "taken"))
		return;
	*(int *)taken = 4711;
	skel = arena_globals__open();
	bpf_map__set_map_extra(skel->maps.arena, ARENA_BASE);
	snprintf(msg, sizeof(msg), "map 'arena': failed to mmap arena at 0x%llx", ARENA_BASE);
	check_load_error(skel, -EEXIST, msg);
	ASSERT_EQ(*(int *)taken, 4711, "still there");
	munmap(taken, getpagesize());

	load_error_light();
}

/* Each refusal of the kernel comes with its reason */
static void create_hints(void)
{
	static const struct {
		__u32 key_size, pages, flags;
		__u64 extra;
		int err;
		const char *msg;
	} cases[] = {
		{ 4, 32, BPF_F_MMAPABLE, 0, -EINVAL,
		  "map 'arena': an arena has no keys and values" },
		{ 0, 0, BPF_F_MMAPABLE, 0, -EINVAL, "map 'arena': max_entries is 0" },
		{ 0, 32, 0, 0, -EINVAL, "map 'arena': map_flags lack BPF_F_MMAPABLE" },
		{ 0, 32, BPF_F_MMAPABLE | BPF_F_NO_PREALLOC, 0, -EINVAL,
		  "map 'arena': map_flags have a flag that no arena can have" },
		{ 0, 32, BPF_F_MMAPABLE, ARENA_BASE + 8, -EINVAL,
		  "map 'arena': map_extra, the user address, is not at the start of a page" },
		{ 0, 32, BPF_F_MMAPABLE, ARENA_BASE - 0x10000, -ERANGE,
		  "map 'arena': an arena at map_extra would cross a 4 GiB line" },
	};
	struct arena_globals *skel;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		skel = arena_globals__open();
		if (!ASSERT_OK_PTR(skel, "open"))
			return;
		bpf_map__set_key_size(skel->maps.arena, cases[i].key_size);
		bpf_map__set_max_entries(skel->maps.arena, cases[i].pages);
		bpf_map__set_map_flags(skel->maps.arena, cases[i].flags);
		bpf_map__set_map_extra(skel->maps.arena, cases[i].extra);
		check_load_error(skel, cases[i].err, cases[i].msg);
	}
}

/* ... and each of mmap(): the map's file can only be read, and no address is left */
static void mmap_hints(void *unused)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
	struct rlimit limit = { GiB, GiB };
	struct arena_globals *skel;
	int fd = arena_create(32, 0, 0);

	ASSERT_OK(bpf_obj_pin(fd, PIN), "pin");
	close(fd);
	fd = bpf_obj_get_opts(PIN, &opts);
	unlink(PIN);
	skel = arena_globals__open();
	ASSERT_OK(bpf_map__reuse_fd(skel->maps.arena, fd), "reuse");
	check_load_error(skel, -EACCES,
			 "map 'arena': failed to mmap arena: its file descriptor was opened for reading only");

	skel = arena_globals__open();
	bpf_map__set_max_entries(skel->maps.arena, 4 * GiB / getpagesize());
	ASSERT_OK(setrlimit(RLIMIT_AS, &limit), "no more addresses");
	check_load_error(skel, -ENOMEM, "failed to mmap arena: this process has no such");
}

/* To bpf(2), a kernel without arenas is one on which no arena can be created:
 * here nothing can, which libbpf does not find out, since it asks for one only.
 */
static void without_maps(void *unused)
{
	/* struct sock_filter and sock_fprog: tools/include hides their header */
	struct { __u16 code; __u8 jt, jf; __u32 k; } insns[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 3, __NR_bpf },
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, BPF_MAP_CREATE },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EINVAL },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct { __u16 len; void *filter; } prog = { ARRAY_SIZE(insns), insns };

	if (!ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges") ||
	    !ASSERT_OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), "seccomp"))
		return;
	ASSERT_EQ(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARENA, NULL), 0, "probe");
	check_load_error(arena_globals__open(), -EINVAL,
			 "map 'arena': this kernel does not have arenas");
}

static void other_kernels(void)
{
	int old;

	ASSERT_EQ(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARENA, NULL), 1, "probe");
	in_child(without_maps, NULL, "kernel without arenas");

	old = arena_sysctl(JIT_ENABLE, 0);
	if (old < 0)
		return; /* CONFIG_BPF_JIT_ALWAYS_ON: it cannot be off */
	ASSERT_EQ(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARENA, NULL), 0, "probe, JIT off");
	check_load_error(arena_globals__open(), -EOPNOTSUPP, "map 'arena': arenas need a BPF JIT");
	arena_sysctl(JIT_ENABLE, old);
}

void serial_test_arena_libbpf(void)
{
	if (test__start_subtest("initial_value"))
		initial_value();
	if (test__start_subtest("map_options"))
		map_options();
	if (test__start_subtest("linked"))
		linked();
	if (test__start_subtest("linked_reuse"))
		linked_reuse();
	if (test__start_subtest("casts"))
		casts("arena_casts.bpf.o");
	if (test__start_subtest("casts_old_compiler"))
		casts_old_compiler();
	if (test__start_subtest("segv_on_fault"))
		segv_on_fault();
	if (test__start_subtest("reuse"))
		reuse();
	if (test__start_subtest("lent"))
		lent(0);
	if (test__start_subtest("lent_at_map_extra"))
		lent(ARENA_BASE);
	if (test__start_subtest("lent_but_taken"))
		lent_but_taken();
	if (test__start_subtest("foreign_new"))
		foreign(false);
	if (test__start_subtest("foreign_lent"))
		foreign(true);
	if (test__start_subtest("pinning"))
		pinning();
	if (test__start_subtest("pinning_by_name"))
		pinning_by_name();
	if (test__start_subtest("pin_errors"))
		pin_errors();
	if (test__start_subtest("errors"))
		errors();
	if (test__start_subtest("create_hints"))
		create_hints();
	if (test__start_subtest("mmap_hints"))
		in_child(mmap_hints, NULL, "mmap hints");
	if (test__start_subtest("other_kernels"))
		other_kernels();
}
