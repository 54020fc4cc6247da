// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What is different about a map that is an arena
 *
 * It has no keys and values but memory: max_entries pages, of which any number
 * are there. A page that is not there comes into being when a process touches
 * it, so a tool that only wants to look must not map the arena. The kernel lets
 * the map's file be read like a sparse file instead:
 *
 *	page         0     1     2     3     4     5
 *	          | data| data|  -  |  -  | data|  -  |
 *	           ^           ^           ^     ^
 *	           SEEK_DATA   SEEK_HOLE   SEEK_DATA
 *	                                         SEEK_HOLE
 *
 * A run of pages that are there is dumped as hexdump(1) does it, each line with
 * the address that processes and programs use, and ended by the first address
 * behind it. Nothing is kept but the line before, however large the arena is.
 *
 * Programs go on meanwhile. A page that leaves in the middle of it is dumped as
 * zeroes, one that comes may be left out.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/kernel.h>
#include <sys/types.h>

#include <bpf/bpf.h>

#include "json_writer.h"
#include "main.h"

/* Bytes in a line of a dump */
#define LINE_LEN	16

static const struct {
	__u32 flag;
	const char *name;
} arena_flags[] = {
	{ BPF_F_MMAPABLE,	"mmapable" },
	{ BPF_F_SEGV_ON_FAULT,	"segv_on_fault" },
	{ BPF_F_NO_USER_CONV,	"no_user_conv" },
};

struct arena_dump {
	int fd;
	long page_size;
	unsigned char *page;
	__u64 start;		/* address of the arena's first page */
	unsigned int pages;	/* dumped so far */
	bool squeezed;		/* lines like the last one were left out */
	bool has_line;
	unsigned char line[LINE_LEN];
};

/* What fdinfo tells of an arena. A later kernel tells less of it. */
enum {
	USER_VM_START,
	PAGES,
	FAULTS,
	LAST_FAULT,
	FAILED_ARGS,
	FAILED_ADDR,
	FAILED_MEM,
	FAILED_COUNT,
	FAILED_POOL,
	FAILED_TABLE,
	FAILED_KILLED,
	POOL_PAGES,
	POOL_TARGET,
	POOL_HITS,
	POOL_MISSES,
	FDINFO_CNT,
};

static const char * const fdinfo_keys[FDINFO_CNT] = {
	[USER_VM_START]	= "user_vm_start",
	[PAGES]		= "pages",
	[FAULTS]	= "faults",
	[LAST_FAULT]	= "last_fault",
	[FAILED_ARGS]	= "failed_args",
	[FAILED_ADDR]	= "failed_addr",
	[FAILED_MEM]	= "failed_mem",
	[FAILED_COUNT]	= "failed_count",
	[FAILED_POOL]	= "failed_pool",
	[FAILED_TABLE]	= "failed_table",
	[FAILED_KILLED]	= "failed_killed",
	[POOL_PAGES]	= "pool_pages",
	[POOL_TARGET]	= "pool_target",
	[POOL_HITS]	= "pool_hits",
	[POOL_MISSES]	= "pool_misses",
};

struct arena_fdinfo {
	__u64 val[FDINFO_CNT];
	bool has[FDINFO_CNT];
};

/* A line is "key:", white space, a number. One key may be the end of another. */
static void parse_fdinfo_line(struct arena_fdinfo *info, const char *line)
{
	const char *colon = strchr(line, ':');
	unsigned int i;

	for (i = 0; colon && i < FDINFO_CNT; i++) {
		if (strlen(fdinfo_keys[i]) != (size_t)(colon - line) ||
		    strncmp(line, fdinfo_keys[i], colon - line))
			continue;
		info->val[i] = strtoull(colon + 1, NULL, 0);
		info->has[i] = true;
	}
}

static void read_fdinfo(int fd, struct arena_fdinfo *info)
{
	char line[128], path[64];
	FILE *f;

	memset(info, 0, sizeof(*info));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		parse_fdinfo_line(info, line);
	fclose(f);
}

/* An address that was asked for when the arena was created is the one that it
 * has, and every kernel tells it. One that the first mmap() chose is in fdinfo.
 */
static bool arena_user_vm_start(const struct arena_fdinfo *fdinfo,
				const struct bpf_map_info *info, __u64 *start)
{
	*start = info->map_extra ?: fdinfo->val[USER_VM_START];
	return *start || fdinfo->has[USER_VM_START];
}

/* Keys that stand together have a prefix, "failed_" or "pool_": what follows it */
static const char *member_name(int key)
{
	return strchr(fdinfo_keys[key], '_') + 1;
}

/* On a line of their own, if any of them is not 0 */
static void show_members_plain(const struct arena_fdinfo *fdinfo,
			       const char *prefix, int first, int last)
{
	bool any = false;
	int i;

	for (i = first; i <= last; i++) {
		if (!fdinfo->val[i])
			continue;
		if (!any)
			printf("\n\t%s", prefix);
		printf("%s%s %llu", any ? "  " : " ", member_name(i), fdinfo->val[i]);
		any = true;
	}
}

static void show_members_json(const struct arena_fdinfo *fdinfo,
			      const char *prefix, int first, int last)
{
	int i;

	jsonw_name(json_wtr, prefix);
	jsonw_start_object(json_wtr);
	for (i = first; i <= last; i++)
		jsonw_uint_field(json_wtr, member_name(i), fdinfo->val[i]);
	jsonw_end_object(json_wtr);
}

/* Of a kernel that counts them */
static void arena_show_faults_plain(const struct arena_fdinfo *fdinfo)
{
	if (!fdinfo->has[FAULTS] || !fdinfo->has[LAST_FAULT])
		return;
	if (fdinfo->val[FAULTS])
		printf("\n\tfaults %llu  last_fault 0x%llx",
		       fdinfo->val[FAULTS], fdinfo->val[LAST_FAULT]);
	show_members_plain(fdinfo, "failed", FAILED_ARGS, FAILED_KILLED);
	show_members_plain(fdinfo, "pool", POOL_PAGES, POOL_MISSES);
}

static void arena_show_faults_json(const struct arena_fdinfo *fdinfo)
{
	if (!fdinfo->has[FAULTS] || !fdinfo->has[LAST_FAULT])
		return;
	jsonw_uint_field(json_wtr, "faults", fdinfo->val[FAULTS]);
	jsonw_uint_field(json_wtr, "last_fault", fdinfo->val[LAST_FAULT]);
	show_members_json(fdinfo, "failed", FAILED_ARGS, FAILED_KILLED);
	show_members_json(fdinfo, "pool", POOL_PAGES, POOL_MISSES);
}

void arena_show_plain(int fd, const struct bpf_map_info *info)
{
	const char *sep = "\n\tarena_flags ";
	struct arena_fdinfo fdinfo;
	unsigned int i;
	__u64 start;

	read_fdinfo(fd, &fdinfo);
	for (i = 0; i < ARRAY_SIZE(arena_flags); i++) {
		if (!(info->map_flags & arena_flags[i].flag))
			continue;
		printf("%s%s", sep, arena_flags[i].name);
		sep = ",";
	}
	if (arena_user_vm_start(&fdinfo, info, &start)) {
		if (start)
			printf("  user_vm_start 0x%llx", start);
		else
			printf("  user_vm_start none");
	}
	if (fdinfo.has[PAGES])
		printf("  pages %llu", fdinfo.val[PAGES]);
	arena_show_faults_plain(&fdinfo);
}

void arena_show_json(int fd, const struct bpf_map_info *info)
{
	struct arena_fdinfo fdinfo;
	unsigned int i;
	__u64 start;

	read_fdinfo(fd, &fdinfo);
	jsonw_name(json_wtr, "arena_flags");
	jsonw_start_array(json_wtr);
	for (i = 0; i < ARRAY_SIZE(arena_flags); i++)
		if (info->map_flags & arena_flags[i].flag)
			jsonw_string(json_wtr, arena_flags[i].name);
	jsonw_end_array(json_wtr);
	if (arena_user_vm_start(&fdinfo, info, &start))
		jsonw_uint_field(json_wtr, "user_vm_start", start);
	if (fdinfo.has[PAGES])
		jsonw_uint_field(json_wtr, "pages", fdinfo.val[PAGES]);
	arena_show_faults_json(&fdinfo);
}

static void print_line(__u64 addr, unsigned char *line)
{
	int i;

	printf("%016llx  ", addr);
	fprint_hex(stdout, line, LINE_LEN, " ");
	printf("  |");
	for (i = 0; i < LINE_LEN; i++)
		putchar(isascii(line[i]) && isprint(line[i]) ? line[i] : '.');
	printf("|\n");
}

static void dump_page_plain(struct arena_dump *d, off_t off)
{
	unsigned char *line;
	long i;

	for (i = 0; i < d->page_size; i += LINE_LEN) {
		line = d->page + i;
		if (d->has_line && !memcmp(line, d->line, LINE_LEN)) {
			if (!d->squeezed)
				printf("*\n");
			d->squeezed = true;
			continue;
		}
		print_line(d->start + off + i, line);
		memcpy(d->line, line, LINE_LEN);
		d->has_line = true;
		d->squeezed = false;
	}
}

static void dump_page_json(struct arena_dump *d, off_t off)
{
	jsonw_start_object(json_wtr);
	jsonw_uint_field(json_wtr, "address", d->start + off);
	jsonw_name(json_wtr, "bytes");
	print_hex_data_json(d->page, d->page_size);
	jsonw_end_object(json_wtr);
}

static int read_page(struct arena_dump *d)
{
	long got = 0;
	ssize_t n;

	while (got < d->page_size) {
		n = read(d->fd, d->page + got, d->page_size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n) {
			errno = ENODATA;
			return -1;
		}
		got += n;
	}
	return 0;
}

/* Pages that are there from off to end. In the text no line is taken for one
 * like a line of the run before.
 */
static int dump_run(struct arena_dump *d, off_t off, off_t end)
{
	if (lseek(d->fd, off, SEEK_SET) < 0)
		return -1;
	d->has_line = false;
	d->squeezed = false;
	for (; off < end; off += d->page_size) {
		if (read_page(d))
			return -1;
		if (json_output)
			dump_page_json(d, off);
		else
			dump_page_plain(d, off);
		d->pages++;
	}
	if (!json_output && d->has_line)
		printf("%016llx\n", (__u64)(d->start + end));
	/* a full disk ends it here rather than GiB later */
	return fflush(stdout) || ferror(stdout) ? -1 : 0;
}

static int dump_runs(struct arena_dump *d)
{
	off_t data, hole = 0;

	while ((data = lseek(d->fd, hole, SEEK_DATA)) >= 0) {
		hole = lseek(d->fd, data, SEEK_HOLE);
		if (hole < 0 || dump_run(d, data, hole))
			return -1;
	}
	return errno == ENXIO ? 0 : -1;
}

static int dump_pages(struct arena_dump *d)
{
	int err;

	if (json_output)
		jsonw_start_array(json_wtr);
	err = dump_runs(d);
	if (err)
		p_err("can't dump arena: %s", strerror(errno));
	if (json_output)
		jsonw_end_array(json_wtr);
	else if (!err)
		printf("Found %u page%s\n", d->pages, d->pages != 1 ? "s" : "");
	return err;
}

/* Can this kernel tell the pages that are there from those that are not? */
static bool arena_is_seekable(int fd)
{
	return lseek(fd, 0, SEEK_DATA) >= 0 || errno == ENXIO;
}

int arena_dump(int fd, const struct bpf_map_info *info)
{
	struct arena_dump d = {
		.fd = fd,
		.page_size = sysconf(_SC_PAGE_SIZE),
	};
	struct arena_fdinfo fdinfo;
	int err;

	if (!arena_is_seekable(fd)) {
		p_err("map %u is an arena, and this kernel does not tell which of its pages are there: %s",
		      info->id, strerror(errno));
		return -1;
	}
	d.page = malloc(d.page_size);
	if (!d.page) {
		p_err("mem alloc failed");
		return -1;
	}
	/* offsets, if it has no address */
	read_fdinfo(fd, &fdinfo);
	arena_user_vm_start(&fdinfo, info, &d.start);
	err = dump_pages(&d);
	free(d.page);
	return err;
}

static const char *arena_invalid_hint(__u32 key_size, __u32 value_size,
				      __u32 max_entries,
				      const struct bpf_map_create_opts *opts)
{
	__u32 known = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(arena_flags); i++)
		known |= arena_flags[i].flag;
	if (key_size || value_size)
		return "an arena has no keys and values, leave their sizes out";
	if (!max_entries)
		return "entries, the number of pages, not specified";
	if (opts->map_extra % sysconf(_SC_PAGE_SIZE))
		return "map_extra, the user address, is not at the start of a page";
	if (opts->map_flags & ~known)
		return "flags that an arena does not have";
	if (opts->map_ifindex)
		return "an arena cannot be offloaded to a device";
	return "this kernel may not have arenas (see feature probe)";
}

/* Why the kernel refuses to create an arena. It knows, and has only errno to
 * say it with.
 */
const char *arena_create_hint(int err, __u32 key_size, __u32 value_size,
			      __u32 max_entries,
			      const struct bpf_map_create_opts *opts)
{
	switch (err) {
	case EINVAL:
		return arena_invalid_hint(key_size, value_size, max_entries, opts);
	case E2BIG:
		return "entries are pages, and an arena has at most 4 GiB";
	case ERANGE:
		return "an arena at map_extra would cross a 4 GiB line";
	case EOPNOTSUPP:
		return "an arena needs a BPF JIT that supports it, and that is on";
	default:
		return NULL;
	}
}
