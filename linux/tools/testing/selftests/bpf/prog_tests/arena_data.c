// SPDX-License-Identifier: GPL-2.0
/*
 * Data that program and process share: a list, a hash table, globals; and what
 * libbpf does with the latter.
 */
#include <sys/wait.h>
#include "arena_helpers.h"
#include "arena_list.h"
#include "arena_htab.h"
#include "arena_list.skel.h"
#include "arena_htab.skel.h"

struct point {
	int x, y;
};

#include "arena_globals.skel.h"

static int run(const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char pkt[64] = {};

	if (bpf_program__type(prog) == BPF_PROG_TYPE_SCHED_CLS) {
		opts.data_in = pkt;
		opts.data_size_in = sizeof(pkt);
	}
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), bpf_program__name(prog));
	return opts.retval;
}

#define LIST_LEN 50

static void list(void)
{
	struct arena_list *skel;
	struct list_elem *elem;

	skel = arena_list__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	skel->bss->cnt = LIST_LEN;
	ASSERT_EQ(run(skel->progs.list_add), LIST_LEN, "elements added");
	ASSERT_EQ(list_sum_of(&skel->arena->list), LIST_LEN * (LIST_LEN - 1) / 2,
		  "sum that the process sees");

	/* the process adds an element of its own, on a page that it faults in */
	elem = (void *)skel->arena + (arena_bytes(64) - getpagesize());
	elem->value = 1000000;
	list_add_node(&elem->node, &skel->arena->list);
	list_del_node(&list_elem_of(skel->arena->list.first->next)->node);
	run(skel->progs.list_sum);
	ASSERT_EQ(skel->bss->sum, list_sum_of(&skel->arena->list), "same sum");
	ASSERT_EQ(skel->bss->sum, 1000000 + (LIST_LEN - 1) * (LIST_LEN - 2) / 2, "right sum");

	ASSERT_EQ(run(skel->progs.list_thin_out), LIST_LEN / 2, "elements removed");
	run(skel->progs.list_sum);
	ASSERT_EQ(skel->bss->sum, list_sum_of(&skel->arena->list), "same sum, thinned out");
	arena_list__destroy(skel);
}

static void check_htab(struct arena_htab *skel, __u32 first, __u32 last, __u32 missing,
		       const char *when)
{
	struct htab_elem *e;
	__u32 key, n = 0;

	skel->bss->first = first;
	skel->bss->last = last;
	run(skel->progs.htab_check);
	ASSERT_EQ(skel->bss->missing, missing, when);
	ASSERT_EQ(skel->bss->wrong, 0, when);
	for (key = first; key <= last; key++) {
		e = htab_lookup_key(&skel->arena->htab, key);
		if (e && !ASSERT_EQ(e->value, key * 3, when))
			return;
		n += !e;
	}
	ASSERT_EQ(n, missing, when);
}

static void htab(void)
{
	struct arena_htab *skel;
	struct htab *htab;
	__u32 key;

	skel = arena_htab__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	htab = &skel->arena->htab;
	htab_feed(htab, (void *)skel->arena + getpagesize(), 1000);

	check_htab(skel, 1, 10, 10, "empty");
	for (key = 1; key <= 300; key++)
		ASSERT_OK(htab_insert_key(htab, key, key * 3), "insert");
	check_htab(skel, 1, 400, 100, "filled by the process");

	skel->bss->first = 200;
	skel->bss->last = 500;
	ASSERT_EQ(run(skel->progs.htab_insert), 0, "program inserts");
	check_htab(skel, 1, 500, 0, "filled by both");
	ASSERT_EQ(htab->count, 500, "count");

	for (key = 100; key < 200; key++)
		ASSERT_OK(htab_delete_key(htab, key), "delete");
	skel->bss->first = 200;
	skel->bss->last = 299;
	ASSERT_EQ(run(skel->progs.htab_delete), 0, "program deletes");
	check_htab(skel, 1, 500, 200, "200 deleted");
	ASSERT_EQ(htab->count, 300, "count, 200 deleted");

	skel->bss->first = 10000;
	skel->bss->last = 11000;
	ASSERT_EQ(run(skel->progs.htab_insert), 1, "no free elements left");
	ASSERT_EQ(htab->count, 1000, "count, full");
	arena_htab__destroy(skel);
}

#define LAST (ARRAY_SIZE(((struct arena_globals *)0)->arena->big) - 1)

static void check_initial(struct arena_globals *skel, const char *when)
{
	ASSERT_EQ(skel->arena->number, 42, when);
	ASSERT_EQ(skel->arena->zeroed, 0, when);
	ASSERT_STREQ(skel->arena->text, "arena", when);
	ASSERT_EQ(skel->arena->point.x, 3, when);
	ASSERT_EQ(skel->arena->point.y, 4, when);
	ASSERT_EQ(skel->arena->big[0], 0, when);
	ASSERT_EQ(skel->arena->big[LAST], LAST, when);
}

static void globals(void)
{
	struct arena_globals *skel;

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	check_initial(skel, "before load");
	skel->arena->big[512] = 512; /* takes part in the initial value */
	if (!ASSERT_OK(arena_globals__load(skel), "load"))
		goto out;
	check_initial(skel, "after load");
	ASSERT_EQ(skel->arena->big[512], 512, "set before load");

	ASSERT_EQ(run(skel->progs.read_all), 42 + 3 * 4 + 7 + LAST + 5 + 'a', "read");
	skel->arena->number = 100;
	ASSERT_EQ(run(skel->progs.read_all), 100 + 3 * 4 + 7 + LAST + 5 + 'a', "changed");
	run(skel->progs.write_all);
	ASSERT_EQ(skel->arena->number, 101, "number");
	ASSERT_EQ(skel->arena->zeroed, 0x123456789abcdef0, "zeroed");
	ASSERT_STREQ(skel->arena->text, "aRena", "text");
	ASSERT_EQ(skel->arena->point.y, -1, "point");
	ASSERT_EQ(skel->arena->big[0], 17, "static, through big");
	ASSERT_EQ(skel->bss->ptr, &skel->arena->point, "pointer to a global");
	ASSERT_EQ(run(skel->progs.follow_ptr), 3 + 18, "another program");
out:
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
			ASSERT_EQ(run(skel->progs.read_all), 42 + 12 + 7 + LAST + 5 + 'a', "run");
		}
		arena_globals__destroy(skel);
		ASSERT_EQ(arena_read((void *)ARENA_BASE), SIGSEGV, "unmapped");
	}
}

#define PIN "/sys/fs/bpf/arena_data"

/* The second object finds the globals as the first one has left them */
static void check_sharing(struct arena_globals *a, struct arena_globals *b)
{
	run(a->progs.write_all);
	ASSERT_EQ(run(b->progs.read_all), run(a->progs.read_all), "same globals");
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

/* exits with 0 if it found the arena as its parent left it */
static void pinned_in_child(void *expected_addr)
{
	struct arena_globals *skel;
	int err = 1;

	skel = open_pinned();
	if (skel) {
		err = skel->arena->number != 5 ? 2 : (void *)skel->arena != expected_addr ? 3 : 0;
		run(skel->progs.write_all);
	}
	_exit(err);
}

static void pinning(void)
{
	struct arena_globals *skel;
	int status;
	pid_t pid;

	skel = open_pinned();
	if (!skel)
		return;
	skel->arena->number = 5;
	pid = fork();
	if (!pid)
		pinned_in_child(skel->arena);
	ASSERT_EQ(waitpid(pid, &status, 0), pid, "wait");
	ASSERT_EQ(status, 0, "child");
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

static void errors(void)
{
	struct arena_globals *skel;
	char msg[80];
	void *taken;

	check_open_error("arena_bad_two.bpf.o", -EINVAL, "map 'arena_two': only one arena");
	check_open_error("arena_bad_none.bpf.o", -ENOENT, "no map of type arena");
	check_open_error("arena_bad_addr.bpf.o", -EOPNOTSUPP, "initialized with an address");

	skel = arena_globals__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_map__set_max_entries(skel->maps.arena, 1);
	check_load_error(skel, -E2BIG, "map 'arena': section '.addr_space.1' has");

	skel = arena_globals__open();
	bpf_map__set_max_entries(skel->maps.arena, 4 * GiB / getpagesize() + 1);
	check_load_error(skel, -E2BIG, "bytes are more than the 4 GiB");

	skel = arena_globals__open();
	bpf_map__set_map_flags(skel->maps.arena, BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT);
	check_load_error(skel, -EINVAL, "map 'arena': BPF_F_SEGV_ON_FAULT");

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
}

void test_arena_data(void)
{
	if (test__start_subtest("list"))
		list();
	if (test__start_subtest("htab"))
		htab();
	if (test__start_subtest("globals"))
		globals();
	if (test__start_subtest("initial_value"))
		initial_value();
	if (test__start_subtest("map_options"))
		map_options();
	if (test__start_subtest("reuse"))
		reuse();
	if (test__start_subtest("pinning"))
		pinning();
	if (test__start_subtest("errors"))
		errors();
}
