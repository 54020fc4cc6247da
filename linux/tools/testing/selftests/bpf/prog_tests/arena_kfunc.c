// SPDX-License-Identifier: GPL-2.0
/* What may be passed to the kfuncs, and what the kernel tells by its BTF */
#include <bpf/btf.h>
#include "arena_helpers.h"
#include "arena_kfunc.skel.h"
#include "arena_core.skel.h"
#include "arena_nosleep.skel.h"
#include "arena_plain.skel.h"

static void check_core(__u64 map_extra)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct arena_core *skel;
	size_t size;

	skel = arena_core__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_map__set_map_extra(skel->maps.arena, map_extra);
	if (!ASSERT_OK(arena_core__load(skel), "load"))
		goto out;
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.read_types), &opts), "run");
	ASSERT_EQ(skel->bss->user_vm_start,
		  (__u64)bpf_map__initial_value(skel->maps.arena, &size), "user_vm_start");
	ASSERT_EQ(skel->bss->user_vm_end, skel->bss->user_vm_start + size, "user_vm_end");
	ASSERT_EQ(skel->bss->page_size, getpagesize(), "PAGE_SIZE of bpf_arena.h");
out:
	arena_core__destroy(skel);
}

static void core(void)
{
	check_core(0);
	check_core(ARENA_BASE + GiB);
}

static void kernel_btf(void)
{
	const struct btf_type *t;
	struct btf *btf;
	__s32 id;

	btf = btf__load_vmlinux_btf();
	if (!ASSERT_OK_PTR(btf, "vmlinux BTF"))
		return;
	id = btf__find_by_name_kind(btf, "page_size_enum", BTF_KIND_ENUM);
	if (ASSERT_GT(id, 0, "page_size_enum")) {
		t = btf__type_by_id(btf, id);
		ASSERT_EQ(btf_vlen(t), 1, "one enumerator");
		ASSERT_STREQ(btf__name_by_offset(btf, btf_enum(t)->name_off), "__PAGE_SIZE",
			     "its name");
		ASSERT_EQ(btf_enum(t)->val, getpagesize(), "its value");
	}
	ASSERT_GT(btf__find_by_name_kind(btf, "bpf_arena", BTF_KIND_STRUCT), 0, "bpf_arena");
	btf__free(btf);
}

/* A page at an address whose low half is 0 is there, and is not what NULL means. */
static void check_free_null(struct arena_nosleep *skel, const struct bpf_program *free_at)
{
	int fd = bpf_map__fd(skel->maps.arena);
	volatile char *page = (char *)ARENA_BASE;

	*page = 'x';
	skel->bss->addr = 0;
	arena_run(free_at);
	usleep(100000);
	ASSERT_EQ(*page, 'x', bpf_program__name(free_at));
	ASSERT_EQ(arena_fdinfo(fd, "pages"), 1, bpf_program__name(free_at));
	skel->bss->addr = ARENA_BASE;
	arena_run(free_at);
	arena_fdinfo_becomes(fd, "pages", 0, bpf_program__name(free_at));
}

/* Each has an arena of its own: a page that has been freed dies a little later. */
static void free_null(bool may_sleep)
{
	struct arena_nosleep *skel = arena_nosleep__open();

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_map__set_map_extra(skel->maps.arena, ARENA_BASE);
	skel->data->cnt = 4;
	if (ASSERT_OK(arena_nosleep__load(skel), "load"))
		check_free_null(skel, may_sleep ? skel->progs.run_free_at_s :
						  skel->progs.run_free_at);
	arena_nosleep__destroy(skel);
}

void test_arena_kfunc(void)
{
	if (test__start_subtest("hazard_35_free_null")) {
		free_null(false);
		free_null(true);
	}
	if (test__start_subtest("core"))
		core();
	if (test__start_subtest("kernel_btf"))
		kernel_btf();
	RUN_TESTS(arena_kfunc);
	RUN_TESTS(arena_plain);
}
