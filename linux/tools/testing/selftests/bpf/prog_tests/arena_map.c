// SPDX-License-Identifier: GPL-2.0
/*
 * Making an arena, every way in which that must fail, and the commands of
 * bpf(2) that make no sense for one. Each check bears the name of its case.
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <bpf/btf.h>
#include "arena_helpers.h"
#include "cap_helpers.h"

struct create_case {
	const char *name;
	__u32 key, value, entries, flags;
	__u64 extra;
	int err;
};

static void check_create(const struct create_case *c)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		.map_flags = c->flags,
		.map_extra = c->extra,
	);
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_ARENA, "arena", c->key, c->value, c->entries, &opts);
	if (c->err)
		ASSERT_EQ(fd, c->err, c->name);
	else
		ASSERT_GE(fd, 0, c->name);
	if (fd >= 0)
		close(fd);
}

static void create(void)
{
	const __u64 page = getpagesize(), base = ARENA_BASE;
	const __u32 all = 4 * GiB / page, ok = BPF_F_MMAPABLE;
	const struct create_case create_cases[] = {
		{ "key_size", 4, 0, 1, ok, 0, -EINVAL },
		{ "value_size", 0, 8, 1, ok, 0, -EINVAL },
		{ "no max_entries", 0, 0, 0, ok, 0, -EINVAL },
		{ "no BPF_F_MMAPABLE", 0, 0, 1, 0, 0, -EINVAL },
		{ "map_extra + 1", 0, 0, 1, ok, base + 1, -EINVAL },
		{ "map_extra + half a page", 0, 0, 1, ok, base + page / 2, -EINVAL },
		{ "4 GiB and a page", 0, 0, all + 1, ok, 0, -E2BIG },
		{ "2^32 - 1 pages", 0, 0, ~0U, ok, 0, -E2BIG },
		{ "4 GiB off the line", 0, 0, all, ok, base + page, -ERANGE },
		{ "2 pages across the line", 0, 0, 2, ok, base - page, -ERANGE },
		{ "2 pages across 2^64", 0, 0, 2, ok, -page, -ERANGE },
		{ "1 page", 0, 0, 1, ok, 0, 0 },
		{ "1 page before the line", 0, 0, 1, ok, base - page, 0 },
		{ "4 GiB", 0, 0, all, ok, 0, 0 },
		{ "4 GiB on the line", 0, 0, all, ok, base, 0 },
		{ "segv_on_fault", 0, 0, 1, ok | BPF_F_SEGV_ON_FAULT, 0, 0 },
		{ "no_user_conv", 0, 0, 1, ok | BPF_F_NO_USER_CONV, 0, 0 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(create_cases); i++)
		check_create(&create_cases[i]);
}

static void create_flags(void)
{
	const __u32 known = BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | BPF_F_NO_USER_CONV;
	char name[16];
	int bit, fd;

	for (bit = 0; bit < 32; bit++) {
		if (known & (1U << bit))
			continue;
		snprintf(name, sizeof(name), "flag %d", bit);
		fd = arena_create(1, 1U << bit, 0);
		if (!ASSERT_EQ(fd, -EINVAL, name) && fd >= 0)
			close(fd);
	}
}

static void create_btf(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct btf *btf;
	int fd;

	btf = btf__new_empty();
	if (!ASSERT_OK_PTR(btf, "btf"))
		return;
	opts.btf_value_type_id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	if (!ASSERT_OK(btf__load_into_kernel(btf), "load btf"))
		goto out;

	opts.btf_fd = btf__fd(btf);
	fd = bpf_map_create(BPF_MAP_TYPE_ARENA, "arena", 0, 0, 1, &opts);
	if (!ASSERT_EQ(fd, -EINVAL, "value type") && fd >= 0)
		close(fd);

	opts.btf_key_type_id = opts.btf_value_type_id;
	fd = bpf_map_create(BPF_MAP_TYPE_ARENA, "arena", 0, 0, 1, &opts);
	if (!ASSERT_EQ(fd, -EINVAL, "key and value type") && fd >= 0)
		close(fd);
out:
	btf__free(btf);
}

static void create_without_cap(void)
{
	const char *unpriv = "/proc/sys/kernel/unprivileged_bpf_disabled";
	const __u64 caps = 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_BPF;
	__u64 old_caps;
	int fd, old;

	/* else bpf(2) as a whole is out of reach, and not the arena alone */
	old = arena_sysctl(unpriv, 0);
	if (!ASSERT_OK(cap_disable_effective(caps, &old_caps), "drop caps"))
		goto out;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "array", 4, 4, 1, NULL);
	if (old >= 0)
		ASSERT_GE(fd, 0, "array without CAP_BPF");
	if (fd >= 0)
		close(fd);

	fd = arena_create(1, 0, 0);
	if (!ASSERT_EQ(fd, -EPERM, "arena without CAP_BPF") && fd >= 0)
		close(fd);
	ASSERT_OK(cap_enable_effective(caps, NULL), "caps back");
out:
	if (old >= 0)
		arena_sysctl(unpriv, old);
}

static void create_without_jit(void)
{
	int fd, old;

	old = arena_sysctl(JIT_ENABLE, 0);
	if (old < 0) {
		test__skip(); /* CONFIG_BPF_JIT_ALWAYS_ON */
		return;
	}
	fd = arena_create(1, 0, 0);
	arena_sysctl(JIT_ENABLE, old);
	if (!ASSERT_EQ(fd, -EOPNOTSUPP, "JIT off") && fd >= 0)
		close(fd);

	fd = arena_create(1, 0, 0);
	if (ASSERT_GE(fd, 0, "JIT on again"))
		close(fd);
}

static void create_without_fd(void)
{
	struct rlimit old, none;
	int fd;

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	fd = arena_create(1, 0, 0);
	setrlimit(RLIMIT_NOFILE, &old);
	if (!ASSERT_EQ(fd, -EMFILE, "no descriptor") && fd >= 0)
		close(fd);
}

/* 32 belongs to a map type of later kernels, 34 to nobody here */
static void type_numbers(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd;

	ASSERT_EQ(BPF_MAP_TYPE_ARENA, 33, "number");
	fd = bpf_map_create(32, "hole", 0, 0, 1, &opts);
	if (!ASSERT_EQ(fd, -EINVAL, "32") && fd >= 0)
		close(fd);
	ASSERT_STREQ(libbpf_bpf_map_type_str(BPF_MAP_TYPE_ARENA), "arena", "name");
	ASSERT_NULL(libbpf_bpf_map_type_str(32), "name of 32");
	ASSERT_EQ(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARENA, NULL), 1, "probe");
}

static void syscall_elems(int fd)
{
	__u64 buf[2] = {};

	ASSERT_EQ(bpf_map_lookup_elem(fd, NULL, buf), -EINVAL, "lookup");
	ASSERT_EQ(bpf_map_update_elem(fd, NULL, buf, BPF_ANY), -EOPNOTSUPP, "update");
	ASSERT_EQ(bpf_map_delete_elem(fd, NULL), -EOPNOTSUPP, "delete");
	ASSERT_EQ(bpf_map_get_next_key(fd, NULL, buf), -EOPNOTSUPP, "get_next_key");
	ASSERT_LT(bpf_map_lookup_and_delete_elem(fd, NULL, buf), 0, "pop");
	ASSERT_LT(bpf_map_lookup_elem_flags(fd, NULL, buf, BPF_F_LOCK), 0, "lookup locked");
	ASSERT_LT(bpf_map_update_elem(fd, NULL, buf, BPF_NOEXIST), 0, "push");

	ASSERT_LT(bpf_map_lookup_elem(fd, buf, buf), 0, "lookup with key");
	ASSERT_LT(bpf_map_update_elem(fd, buf, buf, BPF_ANY), 0, "update with key");
	ASSERT_LT(bpf_map_delete_elem(fd, buf), 0, "delete with key");
	ASSERT_LT(bpf_map_get_next_key(fd, buf, buf), 0, "get_next_key with key");
	ASSERT_LT(bpf_map_lookup_and_delete_elem(fd, buf, buf), 0, "pop with key");
}

static void syscall_batches(int fd)
{
	__u64 keys[2] = {}, vals[2] = {}, next;
	__u32 n = 2;

	ASSERT_LT(bpf_map_lookup_batch(fd, NULL, &next, keys, vals, &n, NULL), 0, "lookup batch");
	n = 2;
	ASSERT_LT(bpf_map_update_batch(fd, keys, vals, &n, NULL), 0, "update batch");
	n = 2;
	ASSERT_LT(bpf_map_delete_batch(fd, keys, &n, NULL), 0, "delete batch");
	n = 2;
	ASSERT_LT(bpf_map_lookup_and_delete_batch(fd, NULL, &next, keys, vals, &n, NULL), 0,
		  "lookup and delete batch");
}

static void syscalls(void)
{
	int fd;

	fd = arena_create(2, 0, 0);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	syscall_elems(fd);
	syscall_batches(fd);
	close(fd);
}

static void info(void)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd;

	fd = arena_create(3, BPF_F_SEGV_ON_FAULT, ARENA_BASE);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	if (ASSERT_OK(bpf_obj_get_info_by_fd(fd, &info, &len), "ask")) {
		ASSERT_EQ(info.type, BPF_MAP_TYPE_ARENA, "type");
		ASSERT_EQ(info.key_size, 0, "key_size");
		ASSERT_EQ(info.value_size, 0, "value_size");
		ASSERT_EQ(info.max_entries, 3, "max_entries");
		ASSERT_EQ(info.map_flags, BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT, "flags");
		ASSERT_EQ(info.map_extra, ARENA_BASE, "map_extra");
	}
	close(fd);
}

/* A program that picks an arena from a map of maps could not know its address,
 * nor could it be told that the arena is the one it was loaded for.
 */
static void inner_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int fd, outer;

	fd = arena_create(1, 0, ARENA_BASE);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	opts.inner_map_fd = fd;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outer", 4, 4, 1, &opts);
	if (!ASSERT_LT(outer, 0, "array of arenas") && outer >= 0)
		close(outer);
	outer = bpf_map_create(BPF_MAP_TYPE_HASH_OF_MAPS, "outer", 4, 4, 1, &opts);
	if (!ASSERT_LT(outer, 0, "hash of arenas") && outer >= 0)
		close(outer);
	close(fd);
}

/* Nor does one get in where another map was */
static void inner_map_replaced(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int arena, array, outer, key = 0;

	arena = arena_create(1, 0, ARENA_BASE);
	array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", 4, 4, 1, NULL);
	opts.inner_map_fd = array;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outer", 4, 4, 1, &opts);
	if (ASSERT_GE(arena, 0, "arena") && ASSERT_GE(array, 0, "inner") &&
	    ASSERT_GE(outer, 0, "outer")) {
		ASSERT_OK(bpf_map_update_elem(outer, &key, &array, BPF_ANY), "array");
		ASSERT_LT(bpf_map_update_elem(outer, &key, &arena, BPF_ANY), 0, "arena");
		ASSERT_LT(bpf_map_update_elem(array, &key, &arena, BPF_NOEXIST), 0, "as a value");
	}
	close(outer);
	close(array);
	close(arena);
}

/* Addresses of the kernel that vmalloc can give, in bytes; 0 if it is not told */
static __u64 vmalloc_total(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	__u64 kb = 0;

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "VmallocTotal: %llu", &kb) != 1)
		;
	if (f)
		fclose(f);
	return kb << 10;
}

/* Maps are freed some time after they are closed. */
static int create_soon(void)
{
	int fd, i;

	for (i = 0; i < 100; i++) {
		fd = arena_create(1, 0, 0);
		if (fd != -ENOMEM)
			break;
		usleep(100000);
	}
	return fd;
}

/* An empty arena needs little memory, so that addresses come to an end first. */
static void too_many(void)
{
	const __u64 most = vmalloc_total() / 2 / (4 * GiB);
	struct rlimit old, many = { most + 1000, most + 1000 };
	int *fds, n = 0, fd = -1;

	if (!ASSERT_GE(most, 4, "VmallocTotal"))
		return;
	if (most > 65536) {
		printf("%s:SKIP:five levels of page tables, with addresses for %llu arenas\n",
		       __func__, most);
		test__skip();
		return;
	}
	fds = calloc(most + 1, sizeof(*fds));
	if (!ASSERT_OK_PTR(fds, "calloc"))
		return;
	getrlimit(RLIMIT_NOFILE, &old);
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &many), "setrlimit");
	for (; n <= most; n++) {
		fd = arena_create(1, 0, 0);
		if (fd < 0)
			break;
		fds[n] = fd;
	}
	ASSERT_EQ(fd, -ENOMEM, "one too many");
	ASSERT_LE(n, most, "half of all addresses");
	ASSERT_GE(n, most / 2, "memory for many");
	if (n) {
		close(fds[n - 1]);
		fds[n - 1] = create_soon();
		ASSERT_GE(fds[n - 1], 0, "create after close");
	}
	while (n--)
		close(fds[n]);
	/* whoever comes next finds room */
	close(create_soon());
	setrlimit(RLIMIT_NOFILE, &old);
	free(fds);
}

void serial_test_arena_map(void)
{
	if (test__start_subtest("create"))
		create();
	if (test__start_subtest("create_flags"))
		create_flags();
	if (test__start_subtest("create_btf"))
		create_btf();
	if (test__start_subtest("create_without_cap"))
		create_without_cap();
	if (test__start_subtest("create_without_jit"))
		create_without_jit();
	if (test__start_subtest("create_without_fd"))
		create_without_fd();
	if (test__start_subtest("too_many"))
		too_many();
	if (test__start_subtest("type_numbers"))
		type_numbers();
	if (test__start_subtest("syscalls"))
		syscalls();
	if (test__start_subtest("info"))
		info();
	if (test__start_subtest("hazard_22_inner_map"))
		inner_map();
	if (test__start_subtest("hazard_22_inner_map_replaced"))
		inner_map_replaced();
}
