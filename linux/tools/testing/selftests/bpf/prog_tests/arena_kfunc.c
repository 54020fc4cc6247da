// SPDX-License-Identifier: GPL-2.0
/* What may be passed to the kfuncs, and what the kernel tells by its BTF */
#include <bpf/btf.h>
#include "arena_helpers.h"
#include "arena_kfunc.skel.h"
#include "arena_core.skel.h"

static void core(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct arena_core *skel;
	size_t size;

	skel = arena_core__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.read_types), &opts), "run");
	ASSERT_EQ(skel->bss->user_vm_start,
		  (__u64)bpf_map__initial_value(skel->maps.arena, &size), "user_vm_start");
	ASSERT_EQ(skel->bss->page_size, getpagesize(), "PAGE_SIZE of bpf_arena.h");
	arena_core__destroy(skel);
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

void test_arena_kfunc(void)
{
	if (test__start_subtest("core"))
		core();
	if (test__start_subtest("kernel_btf"))
		kernel_btf();
	RUN_TESTS(arena_kfunc);
}
