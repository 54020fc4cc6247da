// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers that are given arena memory: what they read and write of it, and what becomes of
 * absent pages, at its beginning, inside and at its end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "arena_insn.h"
#include "arena_helpers_mem.h"
#include "arena_helpers_mem.skel.h"

static struct arena_helpers_mem *skel;
static __u32 prog_flags;
static long page_size;
static char *area;
static int fd;

/* Pages 2, 3 and 5 are there. */
static bool load(void)
{
	struct bpf_program *prog;

	page_size = getpagesize();
	skel = arena_helpers_mem__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return false;
	bpf_map__set_map_extra(skel->maps.arena, ARENA_BASE);
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_flags(prog, bpf_program__flags(prog) | prog_flags);
#ifdef __x86_64__
	/* 6.1 has no fentry on arm64 */
	bpf_program__set_autoload(skel->progs.d_path, true);
#endif
	if (!ASSERT_OK(arena_helpers_mem__load(skel), "load")) {
		arena_helpers_mem__destroy(skel);
		return false;
	}
	fd = bpf_map__fd(skel->maps.arena);
	area = (char *)ARENA_BASE;
	return true;
}

static char *page(int nr)
{
	return area + nr * page_size;
}

static void fill(char *p, size_t len, int seed)
{
	while (len--)
		*p++ = seed++ % 251 + 1;
}

static void renew(void)
{
	memset(page(2), 0xaa, 2 * page_size);
	memset(page(5), 0xaa, page_size);
	fill(skel->bss->data, MEM_MAX, 0);
	skel->bss->src = 0;
	skel->bss->offset = 0;
}

static __s64 call(const struct bpf_program *prog, const void *addr, __u32 size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	skel->bss->addr = (__u64)addr;
	skel->bss->size = size;
	skel->bss->ret = -12345;
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), bpf_program__name(prog));
	ASSERT_OK(opts.retval, bpf_program__name(prog));
	return skel->bss->ret;
}

/* The same with a packet of len bytes, what becomes of it in pkt */
static __s64 call_pkt(const struct bpf_program *prog, const void *addr, __u32 size, char *pkt,
		      __u32 len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = pkt,
		.data_size_in = len,
		.data_out = pkt,
		.data_size_out = len,
	);

	skel->bss->addr = (__u64)addr;
	skel->bss->size = size;
	skel->bss->ret = -12345;
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), bpf_program__name(prog));
	ASSERT_OK(opts.retval, bpf_program__name(prog));
	return skel->bss->ret;
}

/* What is done meanwhile faults once, at uaddr. */
#define FAULTS(uaddr, expr) do {							\
	long long before = arena_fdinfo(fd, "faults");					\
											\
	expr;										\
	ASSERT_EQ(arena_fdinfo(fd, "faults"), before + 1, "faults of " #expr);		\
	ASSERT_EQ(arena_fdinfo(fd, "last_fault"), (long long)(uaddr), "fault of " #expr); \
} while (0)

static bool is(const char *p, char c, size_t len)
{
	while (len--)
		if (*p++ != c)
			return false;
	return true;
}

/* One that copies size bytes of expected to the arena */
static void check_writer(const struct bpf_program *prog, const char *expected)
{
	const __u32 sizes[] = { 1, 7, 8, 9, 255, 256, 257, 1000, 4096 };
	const char *name = bpf_program__name(prog);
	int i, off;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (off = 0; off < 9; off += 3) {
			char *p = page(3) - 600 + off;

			memset(page(2), 0xaa, 2 * page_size);
			ASSERT_EQ(call(prog, p, sizes[i]), 0, name);
			ASSERT_OK(memcmp(p, expected, sizes[i]), name);
			ASSERT_TRUE(is(p - 64, 0xaa, 64), name);
			ASSERT_TRUE(is(p + sizes[i], 0xaa, 64), name);
		}
	}
	/* only the lower half of the address counts */
	ASSERT_EQ(call(prog, page(3) + (5ULL << 32), 16), 0, name);
	ASSERT_OK(memcmp(page(3), expected, 16), name);
	ASSERT_EQ(call(prog, page(3), 0), 0, name);

	/* absent: at the beginning, behind a part, between two, before the arena */
	memset(page(2), 0xaa, 2 * page_size);
	memset(page(5), 0xaa, page_size);
	FAULTS(page(2) - 100, ASSERT_EQ(call(prog, page(2) - 100, 300), -EFAULT, name));
	ASSERT_TRUE(is(page(2), 0xaa, page_size), name);
	FAULTS(page(4), ASSERT_EQ(call(prog, page(4) - 101, 300), -EFAULT, name));
	ASSERT_OK(memcmp(page(4) - 101, expected, 101), name);
	if (page_size + 200 <= 6000) {
		FAULTS(page(4),
		       ASSERT_EQ(call(prog, page(4) - 99, page_size + 200), -EFAULT, name));
		ASSERT_OK(memcmp(page(4) - 99, expected, 99), name);
	}
	ASSERT_TRUE(is(page(5), 0xaa, page_size), name);
	/* the last byte of the window, into the guard */
	FAULTS(area + 0xffffffff, ASSERT_EQ(call(prog, area + 0xffffffff, MEM_MAX), -EFAULT, name));
	FAULTS(area, ASSERT_EQ(call(prog, NULL, 8), -EFAULT, name));
}

static void writers(void)
{
	static char user[MEM_MAX + 8];

	renew();
	fill(user, MEM_MAX, 3);
	check_writer(skel->progs.probe_read_kernel, skel->bss->data);
	skel->bss->src = (__u64)user;
	check_writer(skel->progs.probe_read_user, user);
	check_writer(skel->progs.copy_from_user, user);
}

/* The other side fails, and so does the arena: the error is that of the other side. */
static void bad_both(void)
{
	renew();
	FAULTS(page(4), ASSERT_EQ(call(skel->progs.get_stack, page(4), 13), -EINVAL, "length"));
#ifdef __x86_64__
	/* arm64 has no address that is refused before it is tried */
	skel->bss->src = 16;
	FAULTS(page(4), ASSERT_EQ(call(skel->progs.probe_read_kernel, page(4), 8), -ERANGE,
				  "address"));
#endif
}

/* The other side fails: the memory is cleared, no fault in the arena. */
static void bad_source(void)
{
	struct bpf_program *progs[] = {
		skel->progs.probe_read_kernel, skel->progs.probe_read_kernel_str,
		skel->progs.probe_read_user, skel->progs.probe_read_user_str,
		skel->progs.copy_from_user,
	};
	/* a page that the process has not touched, which may not be made for this */
	void *untouched = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const __u64 bad[] = { 16, 0xffffffffffff0000, 0x8000000000000000, (__u64)untouched };
	int i, k;

	for (i = 0; i < ARRAY_SIZE(progs); i++) {
		for (k = 0; k < ARRAY_SIZE(bad); k++) {
			long long faults = arena_fdinfo(fd, "faults");
			const char *name = bpf_program__name(progs[i]);

			if (bad[k] == (__u64)untouched && progs[i] == skel->progs.copy_from_user)
				continue;
			renew();
			skel->bss->src = bad[k];
			ASSERT_LT(call(progs[i], page(3) - 50, 700), 0, name);
			ASSERT_TRUE(is(page(3) - 50, 0, 700), "cleared");
			ASSERT_TRUE(is(page(3) - 114, 0xaa, 64), "before");
			ASSERT_TRUE(is(page(3) + 650, 0xaa, 64), "behind");
			ASSERT_EQ(arena_fdinfo(fd, "faults"), faults, "faults");
		}
	}
	munmap(untouched, page_size);
	bad_both();
}

/* A source that ends in the middle */
static void short_source(void)
{
	char *user;

	renew();
	user = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (!ASSERT_NEQ(user, MAP_FAILED, "mmap"))
		return;
	munmap(user + page_size, page_size);
	fill(user, page_size, 1);
	skel->bss->src = (__u64)user + page_size - 400;
	ASSERT_EQ(call(skel->progs.probe_read_user, page(2), 700), -EFAULT, "probe");
	ASSERT_TRUE(is(page(2), 0, 700), "cleared");
	memset(page(2), 0xaa, page_size);
	ASSERT_EQ(call(skel->progs.copy_from_user, page(2), 700), -EFAULT, "copy");
	ASSERT_TRUE(is(page(2), 0, 700), "cleared");
	ASSERT_EQ(call(skel->progs.copy_from_user, page(2), 400), 0, "all of it");
	ASSERT_OK(memcmp(page(2), user + page_size - 400, 400), "contents");
	munmap(user, page_size);
}

static void check_strings(const struct bpf_program *prog, char *source)
{
	const int lens[] = { 0, 1, 7, 254, 255, 256, 257, 258, 511, 512, 513, 700 };
	const char *name = bpf_program__name(prog);
	int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		char *p = page(3) - 300;

		fill(source, 1000, 0);
		source[lens[i]] = 0;
		memset(page(2), 0xaa, 2 * page_size);
		/* 6.1 returns 0 for an empty string of a process */
		ASSERT_EQ(call(prog, p, 1000), !lens[i] && skel->bss->src ? 0 : lens[i] + 1, name);
		ASSERT_OK(memcmp(p, source, lens[i] + 1), name);
		ASSERT_TRUE(is(p + lens[i] + 1, 0xaa, 64), name);

		/* cut off */
		source[lens[i]] = 'x';
		memset(page(2), 0xaa, 2 * page_size);
		ASSERT_EQ(call(prog, p, lens[i] + 1), lens[i] + 1, name);
		ASSERT_OK(memcmp(p, source, lens[i]), name);
		ASSERT_EQ(p[lens[i]], 0, name);
		ASSERT_TRUE(is(p + lens[i] + 1, 0xaa, 64), name);
	}
	ASSERT_EQ(call(prog, page(3), 0), 0, name);
	source[600] = 0;
	FAULTS(page(4), ASSERT_EQ(call(prog, page(4) - 300, 1000), -EFAULT, name));
	ASSERT_OK(memcmp(page(4) - 300, source, 300), name);
	/* a string that ends before the page that is absent */
	source[100] = 0;
	ASSERT_EQ(call(prog, page(4) - 101, 1000), 101, name);
}

/* Over pages of the source, at all places in a word */
static void long_strings(void)
{
	const struct bpf_program *prog = skel->progs.probe_read_kernel_str;
	char *source = skel->bss->data;
	int len;

	fill(source, MEM_MAX, 0);
	for (len = 4000; len < 4240; len += 3) {
		memset(page(2), 0xaa, 2 * page_size);
		source[len] = 0;
		ASSERT_EQ(call(prog, page(2) + 1, 6000), len + 1, "long");
		ASSERT_OK(memcmp(page(2) + 1, source, len + 1), "long");
		ASSERT_TRUE(is(page(2) + 1 + len + 1, 0xaa, 64), "long");
		source[len] = 'x';
	}
}

static void strings(void)
{
	static char user[1008];

	renew();
	check_strings(skel->progs.probe_read_kernel_str, skel->bss->data);
	long_strings();
	skel->bss->src = (__u64)user;
	check_strings(skel->progs.probe_read_user_str, user);
}

static void comm(void)
{
	const struct bpf_program *prog = skel->progs.get_current_comm;
	char name[16];
	size_t len;

	renew();
	pthread_getname_np(pthread_self(), name, sizeof(name));
	len = strlen(name);
	ASSERT_EQ(call(prog, page(2) + 5, 64), 0, "comm");
	ASSERT_STREQ(page(2) + 5, name, "comm");
	ASSERT_TRUE(is(page(2) + 5 + len + 1, 0xaa, 64), "nothing behind it");
	ASSERT_EQ(call(prog, page(2), 3), 0, "cut off");
	ASSERT_OK(memcmp(page(2), (char []){ name[0], name[1], 0, 0xaa }, 4), "cut off");
	FAULTS(page(4), ASSERT_EQ(call(prog, page(4) - 2, 64), -EFAULT, "absent"));
}

static void check_strncmp(void)
{
	const struct bpf_program *prog = skel->progs.strncmp_arena;
	const char *s = skel->rodata->string;
	const size_t len = strlen(s);
	char *p = page(3) - 100;

	renew();
	strcpy(p, s);
	ASSERT_EQ(call(prog, p, 512), 0, "equal");
	ASSERT_EQ(call(prog, p, len), 0, "equal, without its end");
	p[len - 1]++;
	ASSERT_EQ(call(prog, p, 512), 1, "greater");
	ASSERT_EQ(call(prog, p, len - 1), 0, "not that far");
	p[len - 1] -= 2;
	ASSERT_EQ(call(prog, p, 512), -1, "less");
	p[10] = 0;
	ASSERT_EQ(call(prog, p, 512), -1, "shorter");
	memcpy(page(4) - 20, s, 20);
	FAULTS(page(4), ASSERT_EQ(call(prog, page(4) - 20, 512), -EFAULT, "absent"));
	page(4)[-1]++;
	ASSERT_EQ(call(prog, page(4) - 20, 512), 1, "differs before what is absent");
	FAULTS(page(1), ASSERT_EQ(call(prog, page(1), 8), -EFAULT, "absent"));
}

/* Ring buffer */

static char record[MEM_MAX];
static size_t record_len;
static int records;

static int take_record(void *ctx, void *data, size_t len)
{
	memcpy(record, data, len);
	record_len = len;
	records++;
	return 0;
}

static void ringbuf(void)
{
	const __u32 sizes[] = { 1, 8, 100, 1024, 5000 };
	const struct bpf_program *prog = skel->progs.ringbuf_output;
	struct ring_buffer *rb;
	int i;

	renew();
	rb = ring_buffer__new(bpf_map__fd(skel->maps.ring), take_record, NULL, NULL);
	if (!ASSERT_OK_PTR(rb, "ring buffer"))
		return;
	fill(page(2), 2 * page_size, 9);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		records = 0;
		ASSERT_EQ(call(prog, page(2) + 3, sizes[i]), 0, "output");
		ASSERT_EQ(ring_buffer__consume(rb), 1, "consume");
		ASSERT_EQ(record_len, sizes[i], "length");
		ASSERT_OK(memcmp(record, page(2) + 3, sizes[i]), "record");
	}
	/* what fails leaves nothing to be seen */
	records = 0;
	FAULTS(page(4), ASSERT_EQ(call(prog, page(4) - 50, 200), -EFAULT, "absent"));
	FAULTS(page(1), ASSERT_EQ(call(prog, page(1), 200), -EFAULT, "absent"));
	FAULTS(area + 0xffffff00,
	       ASSERT_EQ(call(prog, area + 0xffffff00, MEM_MAX), -EFAULT, "guard"));
	ASSERT_EQ(ring_buffer__consume(rb), 0, "no record");
	ASSERT_EQ(call(prog, page(2), 8), 0, "it goes on");
	ASSERT_EQ(ring_buffer__consume(rb), 1, "it goes on");
	ring_buffer__free(rb);
}

/* Maps */

static void maps(void)
{
	int map = bpf_map__fd(skel->maps.hash);
	char *key, *value, out[VALUE_SIZE];

	renew();
	key = page(3) - 20;
	value = page(3) + 501;
	fill(key, KEY_SIZE, 7);
	fill(value, VALUE_SIZE, 77);
	skel->bss->addr2 = (__u64)value;
	ASSERT_EQ(call(skel->progs.map_lookup, key, 0), -1, "not there");
	ASSERT_EQ(call(skel->progs.map_update, key, 0), 0, "update");
	ASSERT_OK(bpf_map_lookup_elem(map, key, out), "lookup by user space");
	ASSERT_OK(memcmp(out, value, VALUE_SIZE), "value");
	ASSERT_EQ(call(skel->progs.map_lookup, key, 0), *value, "lookup");
	ASSERT_EQ(call(skel->progs.map_update_own_value, key, 0), 0, "value on the stack");
	ASSERT_OK(bpf_map_lookup_elem(map, key, out), "lookup by user space");
	ASSERT_STREQ(out, "on the stack", "value");
	ASSERT_EQ(call(skel->progs.map_delete, key, 0), 0, "delete");
	ASSERT_EQ(call(skel->progs.map_delete, key, 0), -ENOENT, "gone");

	FAULTS(page(1), ASSERT_EQ(call(skel->progs.map_lookup, page(1), 0), -1, "no key"));
	FAULTS(page(1), ASSERT_EQ(call(skel->progs.map_delete, page(1), 0), -EFAULT, "no key"));
	FAULTS(page(4), ASSERT_EQ(call(skel->progs.map_update, page(4) - 9, 0), -EFAULT, "no key"));
	skel->bss->addr2 = (__u64)page(4) - 9;
	FAULTS(page(4), ASSERT_EQ(call(skel->progs.map_update, key, 0), -EFAULT, "no value"));
	ASSERT_EQ(bpf_map_lookup_elem(map, key, out), -ENOENT, "nothing was stored");
}

/* One of key and value in the arena, or both as long as they may be */
static void key_or_value(void)
{
	char key[KEY_SIZE] = "on the stack", out[BIG_SIZE], *p = page(3) - 20;

	renew();
	fill(p, ODD_KEY_SIZE, 7);
	fill(page(5), SNAPSHOT_MAX, 77);
	ASSERT_EQ(call(skel->progs.map_update_own_key, page(5), 0), 0, "own key");
	ASSERT_OK(bpf_map_lookup_elem(bpf_map__fd(skel->maps.hash), key, out), "own key");
	ASSERT_OK(memcmp(out, page(5), VALUE_SIZE), "value");
	FAULTS(page(4), ASSERT_EQ(call(skel->progs.map_update_own_key, page(4) - 9, 0), -EFAULT,
				  "absent"));

	ASSERT_EQ(call(skel->progs.map_update_big, p, 0), 0, "big value");
	ASSERT_OK(bpf_map_lookup_elem(bpf_map__fd(skel->maps.big), p, out), "big value");
	ASSERT_OK(memcmp(out, skel->bss->data, BIG_SIZE), "big value");

	skel->bss->addr2 = (__u64)page(5);
	ASSERT_EQ(call(skel->progs.map_update_odd, p, 0), 0, "odd sizes");
	ASSERT_OK(bpf_map_lookup_elem(bpf_map__fd(skel->maps.odd), p, out), "odd sizes");
	ASSERT_OK(memcmp(out, page(5), ODD_VALUE_SIZE), "odd sizes");
}

static void other_maps(void)
{
	int queue = bpf_map__fd(skel->maps.queue), percpu = bpf_map__fd(skel->maps.percpu);
	__u64 values[libbpf_num_possible_cpus()];
	char *p = page(3) - 20, out[VALUE_SIZE];

	renew();
	fill(p, VALUE_SIZE, 77);
	ASSERT_EQ(call(skel->progs.map_push, p, 0), 0, "push");
	ASSERT_OK(bpf_map_lookup_and_delete_elem(queue, NULL, out), "pop");
	ASSERT_OK(memcmp(out, p, VALUE_SIZE), "value");
	FAULTS(page(4), ASSERT_EQ(call(skel->progs.map_push, page(4) - 9, 0), -EFAULT, "absent"));
	ASSERT_EQ(bpf_map_lookup_and_delete_elem(queue, NULL, out), -ENOENT, "nothing pushed");

	memset(values, 0, sizeof(values));
	values[0] = 4711;
	ASSERT_OK(bpf_map_update_elem(percpu, p, values, BPF_ANY), "update");
	ASSERT_EQ(call(skel->progs.map_lookup_percpu, p, 0), 4711, "lookup");
	FAULTS(page(4),
	       ASSERT_EQ(call(skel->progs.map_lookup_percpu, page(4) - 9, 0), -1, "absent"));
}

static void check_snprintf(void)
{
	const struct bpf_program *prog = skel->progs.snprintf_arena;
	const char *s = skel->rodata->string;
	char expected[600], *p = page(2) + 77;
	int len;

	renew();
	len = snprintf(expected, sizeof(expected), "1 and %s", s);
	ASSERT_EQ(call(prog, p, SNAPSHOT_MAX), len + 1, "all");
	ASSERT_STREQ(p, expected, "all");
	ASSERT_TRUE(is(p + len + 1, 0xaa, 64), "nothing behind it");
	memset(page(2), 0xaa, page_size);
	ASSERT_EQ(call(prog, p, 5), len + 1, "cut off");
	ASSERT_STREQ(p, "1 an", "cut off");
	ASSERT_TRUE(is(p + 5, 0xaa, 64), "cut off");
	ASSERT_EQ(call(prog, p, 0), len + 1, "length alone");
	FAULTS(page(4), ASSERT_EQ(call(prog, page(4) - 3, SNAPSHOT_MAX), -EFAULT, "absent"));
}

/*
 * Two traces of one program, taken by two of its calls: the first entries are those, and near
 * each other.
 */
static void check_traces(const __u64 *a, const __u64 *b, int len, int own_entries)
{
	int i;

	ASSERT_GT(len, own_entries, "trace");
	for (i = 0; i < own_entries; i++)
		ASSERT_LT(llabs(a[i] - b[i]), 4096, "two places in the program");
	ASSERT_OK(memcmp(a + own_entries, b + own_entries, (len - own_entries) * sizeof(*a)),
		  "frames");
}

static void stack(void)
{
	const struct bpf_program *prog = skel->progs.get_stack;
	char *p = page(3) - 100;
	__s64 len;

	renew();
	len = call(prog, p, 400);
	ASSERT_GE(len, 8, "trace");
	ASSERT_FALSE(is(p, 0, 8), "trace");
	ASSERT_TRUE(is(p + len, 0, 400 - len), "rest");
	ASSERT_TRUE(is(p + 400, 0xaa, 64), "behind");
	FAULTS(page(4), ASSERT_EQ(call(prog, page(4) - 100, 400), -EFAULT, "absent"));
	/* not a multiple of 8: fails and clears */
	ASSERT_EQ(call(prog, page(2), 13), -EINVAL, "length");
	ASSERT_TRUE(is(page(2), 0, 13), "cleared");

	len = call(skel->progs.get_two_stacks, page(2), 0);
	ASSERT_EQ(len, skel->bss->own_ret, "the same frames");
	check_traces((__u64 *)page(2), skel->bss->own_trace, len / 8, 2);
}

static void path(void)
{
	struct bpf_link *link;
	int null;

	if (!bpf_program__autoload(skel->progs.d_path)) {
		printf("%s:SKIP:6.1 has no fentry on arm64\n", __func__);
		test__skip();
		return;
	}
	renew();
	null = open("/dev/null", O_RDONLY);
	skel->bss->pid = getpid();
	skel->bss->addr = (__u64)page(3) - 4;
	skel->bss->size = 300;
	link = bpf_program__attach(skel->progs.d_path);
	if (ASSERT_OK_PTR(link, "attach")) {
		close(null);
		null = -1;
		skel->bss->pid = 0;
		ASSERT_EQ(skel->bss->ret, sizeof("/dev/null"), "length");
		ASSERT_STREQ(page(3) - 4, "/dev/null", "path");
		ASSERT_TRUE(is(page(3) - 4 + sizeof("/dev/null"), 0xaa, 300), "behind");
		bpf_link__destroy(link);
	}
	if (null >= 0)
		close(null);
}

/* Packets */

static void packet(int len)
{
	static char pkt[9000];
	int i;

	for (i = 0; i < 2; i++) {
		const struct bpf_program *load = i ? skel->progs.skb_load_bytes :
						     skel->progs.xdp_load_bytes;
		const char *name = bpf_program__name(load);

		renew();
		fill(pkt, len, 5);
		skel->bss->offset = 33;
		ASSERT_EQ(call_pkt(load, page(2) + 1, len - 33, pkt, len), 0, name);
		/* the kernel has written the packet's MAC addresses before */
		ASSERT_OK(memcmp(page(2) + 1, pkt + 33, len - 33), name);
		FAULTS(page(4),
		       ASSERT_EQ(call_pkt(load, page(4) - 7, 20, pkt, len), -EFAULT, name));
		ASSERT_LT(call_pkt(load, page(2), len, pkt, len), 0, "too much");
	}
}

static void packets(void)
{
	const struct bpf_program *store = skel->progs.xdp_store_bytes;
	char pkt[200], old[200];

	packet(200);
	renew();
	fill(pkt, sizeof(pkt), 5);
	memcpy(old, pkt, sizeof(old));
	fill(page(2), page_size, 11);
	skel->bss->offset = 50;
	ASSERT_EQ(call_pkt(store, page(2) + 3, 101, pkt, sizeof(pkt)), 0, "store");
	ASSERT_OK(memcmp(pkt + 50, page(2) + 3, 101), "stored");
	ASSERT_OK(memcmp(pkt, old, 50), "before");
	ASSERT_OK(memcmp(pkt + 151, old + 151, sizeof(pkt) - 151), "behind");
	memcpy(pkt, old, sizeof(old));
	FAULTS(page(4), ASSERT_EQ(call_pkt(store, page(4) - 13, 101, pkt, sizeof(pkt)), -EFAULT,
				  "absent"));
	ASSERT_OK(memcmp(pkt + 63, old + 63, sizeof(pkt) - 63), "not stored");
}

static void skb_store(void)
{
	const struct bpf_program *store = skel->progs.skb_store_bytes;
	char pkt[200], old[200];

	renew();
	fill(pkt, sizeof(pkt), 5);
	memcpy(old, pkt, sizeof(old));
	fill(page(2), page_size, 11);
	skel->bss->offset = 50;
	ASSERT_EQ(call_pkt(store, page(2) + 3, 101, pkt, sizeof(pkt)), 0, "store");
	ASSERT_OK(memcmp(pkt + 50, page(2) + 3, 101), "stored");
	ASSERT_OK(memcmp(pkt + 151, old + 151, sizeof(pkt) - 151), "behind");
	memcpy(pkt, old, sizeof(old));
	FAULTS(page(4), ASSERT_EQ(call_pkt(store, page(4) - 13, 101, pkt, sizeof(pkt)), -EFAULT,
				  "absent"));
	ASSERT_OK(memcmp(pkt + 50, old + 50, sizeof(pkt) - 50), "not stored");
}

/* The same from a packet of len bytes that a socket gets */
static __s64 call_sock(int sock, const void *addr, __u32 size, const char *pkt, int len)
{
	skel->bss->addr = (__u64)addr;
	skel->bss->size = size;
	skel->bss->ret = -12345;
	ASSERT_EQ(send(sock, pkt, len, 0), len, "send");
	return skel->bss->ret;
}

/* A packet whose end, from about 16 KiB on, is in pages of its own */
static void skb_frags(void)
{
	int prog = bpf_program__fd(skel->progs.skb_frags_load_bytes), socks[2], off;
	const int len = 24000, step = 1777;
	char *pkt = malloc(len);

	if (!ASSERT_OK_PTR(pkt, "packet"))
		return;
	if (!ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, socks), "sockets"))
		goto out;
	ASSERT_OK(setsockopt(socks[1], SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog)), "attach");
	renew();
	fill(pkt, len, 5);
	for (off = 0; off + step <= len; off += 555) {
		memset(page(2), 0xaa, page_size);
		skel->bss->offset = off;
		ASSERT_EQ(call_sock(socks[0], page(2) + 1, step, pkt, len), 0, "load");
		ASSERT_OK(memcmp(page(2) + 1, pkt + off, step), "contents");
		ASSERT_TRUE(is(page(2) + 1 + step, 0xaa, 64), "behind");
	}
	FAULTS(page(4), ASSERT_EQ(call_sock(socks[0], page(4) - 100, step, pkt, len), -EFAULT,
				  "absent"));
	ASSERT_OK(memcmp(page(4) - 100, pkt + skel->bss->offset, 100), "up to there");
	skel->bss->offset = len - step + 1;
	ASSERT_EQ(call_sock(socks[0], page(2), step, pkt, len), -EFAULT, "too much");
	ASSERT_TRUE(is(page(2), 0, step), "cleared");
	skel->bss->offset = 0x80000000;
	ASSERT_EQ(call_sock(socks[0], page(2), step, pkt, len), -EFAULT, "offset");
	close(socks[0]);
	close(socks[1]);
out:
	free(pkt);
}

/* A packet in pieces */
static void xdp_frags(void)
{
	char *pkt = calloc(1, 9000), *old = calloc(1, 9000);
	const struct bpf_program *store = skel->progs.xdp_store_bytes;
	const struct bpf_program *load_bytes = skel->progs.xdp_load_bytes;
	const int off = 2500, len = 4000;
	char *p = page(2) + 1;

	if (!ASSERT_OK_PTR(pkt, "packet") || !ASSERT_OK_PTR(old, "packet"))
		return;
	renew();
	fill(pkt, 9000, 5);
	memcpy(old, pkt, 9000);
	skel->bss->offset = off;
	ASSERT_EQ(call_pkt(load_bytes, p, len, pkt, 9000), 0, "load");
	ASSERT_OK(memcmp(p, old + off, len), "loaded");
	fill(p, len, 101);
	ASSERT_EQ(call_pkt(store, p, len, pkt, 9000), 0, "store");
	ASSERT_OK(memcmp(pkt + off, p, len), "stored");
	ASSERT_OK(memcmp(pkt, old, off), "before");
	ASSERT_OK(memcmp(pkt + off + len, old + off + len, 9000 - off - len), "behind");
	FAULTS(page(4), ASSERT_EQ(call_pkt(load_bytes, page(4) - 777, len, pkt, 9000), -EFAULT,
				  "absent"));
	FAULTS(page(4), ASSERT_EQ(call_pkt(store, page(4) - 777, len, pkt, 9000), -EFAULT,
				  "absent"));
	free(pkt);
	free(old);
}

/* Perf buffer */

static void take_sample(void *ctx, int cpu, void *data, __u32 size)
{
	take_record(NULL, data, size);
}

static void perf(void)
{
	const struct bpf_program *prog = skel->progs.perf_event_output;
	struct perf_buffer *pb;

	renew();
	pb = perf_buffer__new(bpf_map__fd(skel->maps.events), 8, take_sample, NULL, NULL, NULL);
	if (!ASSERT_OK_PTR(pb, "perf buffer"))
		return;
	fill(page(2), page_size, 9);
	records = 0;
	ASSERT_EQ(call(prog, page(2) + 3, SNAPSHOT_MAX), 0, "output");
	ASSERT_GE(perf_buffer__consume(pb), 0, "consume");
	ASSERT_EQ(records, 1, "samples");
	ASSERT_OK(memcmp(record, page(2) + 3, SNAPSHOT_MAX), "sample");
	FAULTS(page(4), ASSERT_EQ(call(prog, page(4) - 100, 200), -EFAULT, "absent"));
	ASSERT_GE(perf_buffer__consume(pb), 0, "consume");
	ASSERT_EQ(records, 1, "no more");
	perf_buffer__free(pb);
}

/*
 * Programs of other types, whose helpers of these names are others: what they make of it is
 * in what they return, in a sample, or in the arena.
 */

static void checks_sample(struct perf_buffer *pb, const char *name)
{
	records = 0;
	ASSERT_GE(perf_buffer__consume(pb), 0, name);
	ASSERT_EQ(records, 1, name);
	ASSERT_EQ(skel->bss->ret, 0, name);
	ASSERT_OK(memcmp(record, page(2) + 3, 100), name);
}

static void checks_stack(const char *name)
{
	char *p = page(5);

	ASSERT_GE(skel->bss->ret2, 8, name);
	ASSERT_FALSE(is(p, 0, 8), name);
	ASSERT_TRUE(is(p + skel->bss->ret2, 0, 400 - skel->bss->ret2), name);
	ASSERT_TRUE(is(p + 400, 0xaa, 64), name);
}

/* The link's program runs in this process when something is done. */
static bool prepare(struct bpf_link *link, const char *name)
{
	if (!ASSERT_OK_PTR(link, name))
		return false;
	memset(page(5), 0xaa, page_size);
	skel->bss->addr = (__u64)page(2) + 3;
	skel->bss->addr2 = (__u64)page(5);
	skel->bss->size = 100;
	skel->bss->ret = -12345;
	skel->bss->ret2 = -12345;
	skel->bss->pid = getpid();
	return true;
}

static void by_kprobe(struct perf_buffer *pb)
{
	struct bpf_link *link = bpf_program__attach(skel->progs.kprobe_both);
	int null = open("/dev/null", O_RDONLY);

	if (prepare(link, "kprobe")) {
		close(null);
		skel->bss->pid = 0;
		checks_sample(pb, "kprobe");
		checks_stack("kprobe");
	}
	bpf_link__destroy(link);
}

static void by_tracepoint(struct perf_buffer *pb)
{
	struct bpf_link *link = bpf_program__attach(skel->progs.tp_both);
	int pid;

	if (prepare(link, "tracepoint")) {
		pid = fork();
		if (!pid)
			_exit(0);
		skel->bss->pid = 0;
		waitpid(pid, NULL, 0);
		checks_sample(pb, "tracepoint");
		checks_stack("tracepoint");
	}
	bpf_link__destroy(link);
}

/* The program clears pid. */
static void by_clock(struct perf_buffer *pb)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
	};
	struct bpf_link *link;
	int event;
	long i;

	event = syscall(__NR_perf_event_open, &attr, 0, -1, -1, 0);
	if (!ASSERT_GE(event, 0, "clock"))
		return;
	link = bpf_program__attach_perf_event(skel->progs.clock_both, event);
	if (prepare(link, "clock")) {
		for (i = 0; i < 2000000 && *(volatile __u32 *)&skel->bss->pid; i++)
			getppid();
		checks_sample(pb, "clock");
		checks_stack("clock");
	}
	bpf_link__destroy(link);
}

static void by_socket(struct perf_buffer *pb)
{
	int cgroup = test__join_cgroup("/arena_helpers_mem"), sock;
	struct bpf_link *link;

	if (!ASSERT_GE(cgroup, 0, "cgroup"))
		return;
	link = bpf_program__attach_cgroup(skel->progs.sock_event, cgroup);
	if (prepare(link, "socket")) {
		sock = socket(AF_INET, SOCK_DGRAM, 0);
		ASSERT_GE(sock, 0, "socket");
		close(sock);
		checks_sample(pb, "socket");
	}
	bpf_link__destroy(link);
	close(cgroup);
}

static void other_types(void)
{
	struct perf_buffer *pb;
	char pkt[200] = {};

	renew();
	pb = perf_buffer__new(bpf_map__fd(skel->maps.events), 8, take_sample, NULL, NULL, NULL);
	if (!ASSERT_OK_PTR(pb, "perf buffer"))
		return;
	fill(page(2), page_size, 9);
	by_kprobe(pb);
	by_tracepoint(pb);
	by_clock(pb);
	by_socket(pb);
	call_pkt(skel->progs.skb_event, page(2) + 3, 100, pkt, sizeof(pkt));
	checks_sample(pb, "skb");
	call_pkt(skel->progs.xdp_event, page(2) + 3, 100, pkt, sizeof(pkt));
	checks_sample(pb, "xdp");
	perf_buffer__free(pb);
}

static __u64 chains[2][100];

static enum bpf_perf_event_ret take_chain(void *ctx, int cpu, struct perf_event_header *event)
{
	__u64 *sample = (void *)(event + 1);	/* number of entries, entries, data */

	if (event->type == PERF_RECORD_SAMPLE && records < 2 && *sample < 100)
		memcpy(chains[records++], sample, (1 + *sample) * sizeof(*sample));
	return LIBBPF_PERF_EVENT_CONT;
}

/* An event with the stack has the same frames as one that is not from the arena. */
static void perf_chain(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW,
		.sample_period = 1,
		.wakeup_events = 1,
		.exclude_callchain_user = 1,
	};
	struct perf_buffer *pb;

	renew();
	pb = perf_buffer__new_raw(bpf_map__fd(skel->maps.events), 8, &attr, take_chain, NULL, NULL);
	if (!ASSERT_OK_PTR(pb, "perf buffer"))
		return;
	records = 0;
	ASSERT_EQ(call(skel->progs.two_perf_events, page(2), 0), 0, "arena");
	ASSERT_EQ(skel->bss->own_ret, 0, "other memory");
	ASSERT_GE(perf_buffer__consume(pb), 0, "consume");
	ASSERT_EQ(records, 2, "samples");
	ASSERT_EQ(chains[0][0], chains[1][0], "the same frames");
	/* PERF_CONTEXT_KERNEL, and two entries of the program */
	check_traces(chains[0] + 1, chains[1] + 1, chains[0][0], 3);
	perf_buffer__free(pb);
}

static void functions(void)
{
	renew();
	ASSERT_EQ(call(skel->progs.in_functions, page(2), 100), 0, "loops");
	ASSERT_OK(memcmp(page(2), skel->bss->data, 800), "contents");
	ASSERT_EQ(call(skel->progs.in_functions, page(4) - 24, 5), (7 + 2) * -EFAULT, "absent");
}

/* What a program's stderr says of a fault in a helper */
static void report(void)
{
	const struct bpf_program *prog = skel->progs.probe_read_kernel;
	char text[4096], line[100];
	int len;

	renew();
	FAULTS(page(4), ASSERT_EQ(call(prog, page(4) - 8, 16), -EFAULT, "absent"));
	len = bpf_prog_stream_read(bpf_program__fd(prog), 2, text, sizeof(text) - 1, NULL);
	if (!ASSERT_GT(len, 0, "stderr"))
		return;
	text[len] = 0;
	snprintf(line, sizeof(line), "ERROR: Arena WRITE access at unmapped address 0x%llx\n",
		 (__u64)page(4));
	ASSERT_HAS_SUBSTR(text, line, "address");
	ASSERT_HAS_SUBSTR(text, "_probe_read_kernel+0x", "program");
	ASSERT_HAS_SUBSTR(text, "@ arena_helpers_mem.c:", "line");
	ASSERT_HAS_SUBSTR(text, "sys_bpf+0x", "caller");
}

/* A page that goes and comes while helpers use it */

static volatile bool stop;
static long churned;	/* how often */

static void *churn(void *arg)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	while (!stop)
		churned += !bpf_prog_test_run_opts(bpf_program__fd(skel->progs.churn), &opts);
	return NULL;
}

/* A record from the end of page 2 and from page 3, which may have been new in between */
static bool race_record(void)
{
	int i;

	for (i = 0; i < 100; i++)
		if (record[i] != (char)0xaa)
			return false;
	for (; i < record_len; i++)
		if (record[i] && record[i] != skel->bss->data[i - 100])
			return false;
	return true;
}

static void race(void)
{
	struct ring_buffer *rb;
	pthread_t thread;
	int i, other = 0, done[2] = {}, failed[2] = {}, wrong = 0;
	const __u32 len = page_size < MEM_MAX ? page_size : MEM_MAX;

	renew();
	rb = ring_buffer__new(bpf_map__fd(skel->maps.ring), take_record, NULL, NULL);
	if (!ASSERT_OK_PTR(rb, "ring buffer"))
		return;
	memset(page(3), 0, page_size);
	skel->bss->churned = (__u64)page(3);
	stop = false;
	churned = 0;
	if (!ASSERT_OK(pthread_create(&thread, NULL, churn, NULL), "thread"))
		goto out;
	/* on until each has happened, for 1,000 rounds at least */
	for (i = 0; i < 1000 || (i < 200000 && !(done[0] && done[1] && failed[0] && failed[1]));
	     i++) {
		bool writes = i & 1;
		__s64 ret = call(writes ? skel->progs.probe_read_kernel : skel->progs.ringbuf_output,
				 writes ? page(3) : page(3) - 100, writes ? len - 100 : len);

		done[writes] += !ret;
		failed[writes] += ret == -EFAULT;
		other += ret && ret != -EFAULT;
		records = 0;
		ring_buffer__consume(rb);
		wrong += records != (!writes && !ret) || (records && !race_record());
	}
	stop = true;
	pthread_join(thread, NULL);
	ASSERT_EQ(other, 0, "neither done nor failed");
	ASSERT_EQ(wrong, 0, "wrong records");
	ASSERT_GT(churned, 0, "times that the page went");
	for (i = 0; i < 2; i++) {
		ASSERT_GT(done[i], 0, i ? "written" : "read");
		ASSERT_GT(failed[i], 0, i ? "not written" : "not read");
	}
	ASSERT_TRUE(is(page(2), 0xaa, page_size - 100), "before");
out:
	ring_buffer__free(rb);
}

/* Calls that get no arena memory, and what the verifier says */
static void refused(void)
{
	const struct {
		const char *name;
		const char *message;
	} tests[] = {
		{ "map_update_too_long",
		  "func bpf_map_update_elem#2 takes 1 to 512 bytes of arena memory, not 1040" },
		{ "sock_update", "func bpf_map_update_elem#2 does not take arena memory here" },
		{ "sock_delete", "func bpf_map_delete_elem#3 does not take arena memory here" },
		{ "snprintf_args", "R4 type=arena: func bpf_snprintf#165 does not" },
		{ "get_task_stack", "func bpf_get_task_stack#141 does not take arena memory here" },
		{ "key_first", "same insn cannot be used with different pointers" },
		{ "key_last", "same insn cannot be used with different pointers" },
		{ "value_first", "same insn cannot be used with different pointers" },
		{ "value_last", "same insn cannot be used with different pointers" },
		{ "both_first", "same insn cannot be used with different pointers" },
		{ "both_last", "same insn cannot be used with different pointers" },
		{ "hash_or_socks", "func bpf_map_delete_elem#3 does not take arena memory here" },
	};
	struct arena_helpers_mem *one;
	struct bpf_program *prog;
	static char log[65536];
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		const char *name = tests[i].name;

		one = arena_helpers_mem__open();
		if (!ASSERT_OK_PTR(one, "open"))
			return;
		bpf_map__set_map_extra(one->maps.arena, ARENA_BASE + 4 * GiB);
		bpf_object__for_each_program(prog, one->obj)
			bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
		prog = bpf_object__find_program_by_name(one->obj, name);
		log[0] = 0;
		bpf_program__set_log_buf(prog, log, sizeof(log));
		ASSERT_EQ(arena_helpers_mem__load(one),
			  strstr(tests[i].message, "same insn") ? -EINVAL : -EACCES, name);
		ASSERT_HAS_SUBSTR(log, tests[i].message, name);
		arena_helpers_mem__destroy(one);
	}
}

/* Is there a line in the file whose last word is name? */
static bool file_names(const char *file, const char *name)
{
	char line[256], *word, *next;
	bool found = false;
	FILE *f = fopen(file, "r");

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		for (word = line; (next = strpbrk(word, " \t")); word = next + 1)
			;
		found = !strcmp(word, name);
	}
	if (f)
		fclose(f);
	return found;
}

/*
 * A kretprobe or the function graph tracer would take the place of the caller, whose fault it is:
 * no variant of a helper may be traced.
 */
static void kretprobe(void)
{
	static const char *const names[] = {
		"probe_read_kernel", "probe_read_kernel_str", "probe_read_user",
		"probe_read_user_str", "copy_from_user", "get_current_comm", "strncmp",
		"ringbuf_output", "map_lookup_elem", "map_update_key", "map_update_value",
		"map_update_both", "map_delete_elem", "map_push_elem", "map_lookup_percpu_elem",
		"snprintf", "get_stack", "get_stack_pe", "get_stack_tp", "get_stack_raw_tp",
		"d_path", "perf_event_output", "perf_event_output_tp", "perf_event_output_raw_tp",
		"event_output_data", "skb_event_output", "xdp_event_output", "xdp_load_bytes",
		"xdp_store_bytes", "skb_load_bytes", "skb_store_bytes",
	};
	static const char traced[] = "/sys/kernel/debug/tracing/available_filter_functions";
	static const char file[] = "/sys/kernel/debug/kprobes/blacklist";
	char name[64];
	int i;

	if (access(file, R_OK)) {
		printf("%s:SKIP:no %s\n", __func__, file);
		test__skip();
		return;
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "bpf_arena_%s", names[i]);
		ASSERT_TRUE(file_names(file, name), name);
		ASSERT_FALSE(file_names(traced, name), name);
	}
}

#define MANY_CALLS 20000

/* A program with many calls, for which the kernel works until somebody has enough of it */
static int load_many_calls(int calls)
{
	static struct bpf_insn insns[6 * MANY_CALLS + 4];
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	struct bpf_insn *insn = insns;
	int i;

	*insn++ = BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_6, BPF_PSEUDO_MAP_FD, 0, fd);
	*insn++ = BPF_RAW_INSN(0, 0, 0, 0, 0);
	for (i = 0; i < calls; i++) {
		*insn++ = BPF_MOV64_IMM(BPF_REG_1, 0);
		*insn++ = BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_1, 1, 1);
		*insn++ = BPF_MOV64_IMM(BPF_REG_2, 8);
		*insn++ = BPF_MOV64_IMM(BPF_REG_3, 0);
		*insn++ = BPF_EMIT_CALL(BPF_FUNC_probe_read_kernel);
	}
	*insn++ = BPF_MOV64_IMM(BPF_REG_0, 0);
	*insn++ = BPF_EXIT_INSN();
	return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL, "GPL", insns, insn - insns, &opts);
}

static void many_calls(void)
{
	int status, tries, pid, few = load_many_calls(100);

	if (!ASSERT_GE(few, 0, "a program with some of them"))
		return;
	close(few);
	pid = fork();
	if (!pid)
		_exit(load_many_calls(MANY_CALLS) < 0);
	if (!ASSERT_GT(pid, 0, "fork"))
		return;
	sleep(5);
	kill(pid, SIGKILL);
	for (tries = 0; tries < 500 && !waitpid(pid, &status, WNOHANG); tries++)
		usleep(10000);
	if (!ASSERT_LT(tries, 500, "is killed in five seconds")) {
		waitpid(pid, &status, 0);
	} else if (!WIFSIGNALED(status)) {
		ASSERT_OK(WEXITSTATUS(status), "load");
		printf("%s:SKIP:all is done in five seconds here\n", __func__);
		test__skip();
	}
}

static void all(void)
{
	if (!load())
		return;
	writers();
	bad_source();
	short_source();
	strings();
	comm();
	check_strncmp();
	ringbuf();
	maps();
	key_or_value();
	other_maps();
	check_snprintf();
	stack();
	if (bpf_program__autoload(skel->progs.d_path))
		path();
	packets();
	skb_store();
	skb_frags();
	xdp_frags();
	perf();
	/* With rnd_hi32, 6.1's inlined bpf_loop() ends after a round: it compares all of R0. */
	if (!prog_flags)
		functions();
	arena_helpers_mem__destroy(skel);
}

static void hardened(void)
{
	int old = arena_sysctl(JIT_HARDEN, 2);

	if (!ASSERT_GE(old, 0, "bpf_jit_harden"))
		return;
	all();
	arena_sysctl(JIT_HARDEN, old);
}

void serial_test_arena_helpers_mem(void)
{
	void (*const tests[])(void) = {
		writers, bad_source, short_source, strings, comm, check_strncmp, ringbuf, maps,
		key_or_value, other_maps, check_snprintf, stack, path, packets, skb_store,
		skb_frags, xdp_frags, perf, other_types, perf_chain, functions, report, race, refused,
		kretprobe, many_calls,
	};
	const char *const names[] = {
		"writers", "bad_source", "short_source", "strings", "comm", "strncmp", "ringbuf",
		"maps", "key_or_value", "other_maps", "snprintf", "stack", "path", "packets",
		"skb_store", "skb_frags", "xdp_frags", "perf", "other_types", "perf_chain", "functions",
		"report", "race", "refused", "kretprobe", "many_calls",
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!test__start_subtest(names[i]))
			continue;
		if (!load())
			continue;
		tests[i]();
		arena_helpers_mem__destroy(skel);
	}
	if (test__start_subtest("hardened"))
		hardened();
	if (test__start_subtest("rnd_hi32")) {
		prog_flags = BPF_F_TEST_RND_HI32;
		all();
		prog_flags = 0;
	}
}
