// SPDX-License-Identifier: GPL-2.0
/* Data that program and process share: a list, a hash table, globals */
#include "arena_helpers.h"
#include "arena_list.h"
#include "arena_htab.h"
#include "arena_list.skel.h"
#include "arena_htab.skel.h"

struct point {
	int x, y;
};

#include "arena_globals.skel.h"

#define LIST_LEN 50

static void list(void)
{
	struct arena_list *skel;
	struct list_elem *elem;

	skel = arena_list__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	/* a page that the process faults in, before a program is given it */
	elem = (void *)skel->arena + (arena_bytes(64) - getpagesize());
	elem->value = 1000000;

	skel->bss->cnt = LIST_LEN;
	ASSERT_EQ(arena_run(skel->progs.list_add), LIST_LEN, "elements added");
	ASSERT_EQ(list_sum_of(&skel->arena->list), LIST_LEN * (LIST_LEN - 1) / 2,
		  "sum that the process sees");

	/* the process adds an element of its own */
	list_add_node(&elem->node, &skel->arena->list);
	list_del_node(&list_elem_of(skel->arena->list.first->next)->node);
	arena_run(skel->progs.list_sum);
	ASSERT_EQ(skel->bss->sum, list_sum_of(&skel->arena->list), "same sum");
	ASSERT_EQ(skel->bss->sum, 1000000 + (LIST_LEN - 1) * (LIST_LEN - 2) / 2, "right sum");

	ASSERT_EQ(arena_run(skel->progs.list_thin_out), LIST_LEN / 2, "elements removed");
	arena_run(skel->progs.list_sum);
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
	arena_run(skel->progs.htab_check);
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
	ASSERT_EQ(arena_run(skel->progs.htab_insert), 0, "program inserts");
	check_htab(skel, 1, 500, 0, "filled by both");
	ASSERT_EQ(htab->count, 500, "count");

	for (key = 100; key < 200; key++)
		ASSERT_OK(htab_delete_key(htab, key), "delete");
	skel->bss->first = 200;
	skel->bss->last = 299;
	ASSERT_EQ(arena_run(skel->progs.htab_delete), 0, "program deletes");
	check_htab(skel, 1, 500, 200, "200 deleted");
	ASSERT_EQ(htab->count, 300, "count, 200 deleted");

	skel->bss->first = 10000;
	skel->bss->last = 11000;
	ASSERT_EQ(arena_run(skel->progs.htab_insert), 1, "no free elements left");
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

	ASSERT_EQ(arena_run(skel->progs.read_all), 42 + 3 * 4 + 7 + LAST + 5 + 'a', "read");
	skel->arena->number = 100;
	ASSERT_EQ(arena_run(skel->progs.read_all), 100 + 3 * 4 + 7 + LAST + 5 + 'a', "changed");
	arena_run(skel->progs.write_all);
	ASSERT_EQ(skel->arena->number, 101, "number");
	ASSERT_EQ(skel->arena->zeroed, 0x123456789abcdef0, "zeroed");
	ASSERT_STREQ(skel->arena->text, "aRena", "text");
	ASSERT_EQ(skel->arena->point.y, -1, "point");
	ASSERT_EQ(skel->arena->big[0], 17, "static, through big");
	ASSERT_EQ(skel->bss->ptr, &skel->arena->point, "pointer to a global");
	ASSERT_EQ(arena_run(skel->progs.follow_ptr), 3 + 18, "another program");
out:
	arena_globals__destroy(skel);
}

void test_arena_data(void)
{
	if (test__start_subtest("list"))
		list();
	if (test__start_subtest("htab"))
		htab();
	if (test__start_subtest("globals"))
		globals();
}
