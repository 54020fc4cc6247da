// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * The arena of an object file
 *
 * An arena is memory that BPF programs and processes share at one and the same
 * address. A program that uses it can only be loaded once that address is known,
 * and expects its globals there. So, in this order:
 *
 *   open    section .addr_space.1   ---> arena->data    initial values of globals
 *           .rel.data, .rel.rodata, ---> arena->addrs   where the address of an arena
 *           .rel.addr_space.1                           global is an initial value
 *
 *   load    create the map, or take the one that is reused
 *           mmap()                  ---> the mapping
 *           arena->data             ---> the mapping    unless the map is reused
 *           address of the mapping  ---> arena->addrs
 *           pin the map, create the maps behind it (.data, .rodata), load programs
 *
 *   close   munmap()
 *
 * What bpf_map__initial_value() and skeletons point at is arena->data before load
 * and the mapping after it. For other maps both are at one address; an arena's is
 * not known before.
 *
 * Invariants
 *
 *  - Only the object's own arena gets its globals, and only if it is new: whoever
 *    finds an arena by its pin finds it filled, and one that is reused keeps what it
 *    holds. A map that became an arena by bpf_map__reuse_fd() or bpf_map__set_type()
 *    is mapped, and no more.
 *  - A process maps an arena once. Objects that share an arena share the mapping,
 *    see arena_mappings. One that the caller made is used and never unmapped.
 *  - Nothing that the process has at an address is replaced.
 *  - Whatever would not work is refused with a message that names map and cause.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/kernel.h>

#include "arena.h"
#include "bpf.h"
#include "libbpf_internal.h"
#include "relo_core.h"
#include "str_error.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define STRERR_BUFSIZE 128

#define ARENA_MAX_SZ (4ULL << 30)
#define ARENA_FLAGS (BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | BPF_F_NO_USER_CONV)

static bool map_is_arena(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_ARENA;
}

static __u64 arena_size(const struct bpf_map *map)
{
	return (__u64)bpf_map__max_entries(map) * sysconf(_SC_PAGE_SIZE);
}

/* Open: the ELF file */

void bpf_object_arena__set_section(struct bpf_object_arena *arena, int shndx,
				   const Elf_Data *data)
{
	if (!data->d_size)
		return;
	arena->shndx = shndx;
	arena->elf_data = data;
}

static int bpf_object_arena__copy_data(struct bpf_object_arena *arena)
{
	const Elf_Data *data = arena->elf_data;

	arena->elf_data = NULL;
	if (!data)
		return 0;

	if (!arena->map) {
		pr_warn("elf: section '%s' holds globals, but there is no map of type arena to keep them in\n",
			ARENA_SEC);
		return -ENOENT;
	}

	arena->data = calloc(1, data->d_size);
	if (!arena->data)
		return -ENOMEM;
	if (data->d_buf)
		memcpy(arena->data, data->d_buf, data->d_size);
	arena->data_sz = data->d_size;
	pr_debug("map '%s': %zu bytes of globals\n", bpf_map__name(arena->map), arena->data_sz);
	return 0;
}

/* A program can use one arena, so that there is no need for more in an object,
 * and nothing would tell which one its globals belong to.
 */
int bpf_object_arena__init(struct bpf_object_arena *arena, struct bpf_object *obj)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		if (!map_is_arena(map))
			continue;
		if (arena->map) {
			pr_warn("map '%s': only one arena per object is supported, map '%s' is it already\n",
				bpf_map__name(map), bpf_map__name(arena->map));
			return -EINVAL;
		}
		arena->map = map;
	}

	return bpf_object_arena__copy_data(arena);
}

/* May the relocations of this section be for addresses of arena globals in data? */
bool arena_is_data_relo(const char *name)
{
	return strcmp(name, ".rel" ARENA_SEC) == 0 ||
	       strcmp(name, ".rel.data") == 0 || str_has_pfx(name, ".rel.data.") ||
	       strcmp(name, ".rel.rodata") == 0 || str_has_pfx(name, ".rel.rodata.");
}

static int bpf_object_arena__add_addr(struct bpf_object_arena *arena, struct bpf_map *map,
				      size_t off, __u64 sym_off)
{
	struct arena_addr *addrs, *addr;
	const void *data;
	size_t data_sz;
	__u64 addend;

	data = bpf_map__initial_value(map, &data_sz);
	if (!data || off > data_sz || data_sz - off < sizeof(addend)) {
		pr_warn("map '%s': relocation at offset %zu is outside of its data\n",
			bpf_map__name(map), off);
		return -LIBBPF_ERRNO__FORMAT;
	}

	addrs = libbpf_reallocarray(arena->addrs, arena->addr_cnt + 1, sizeof(*addrs));
	if (!addrs)
		return -ENOMEM;
	arena->addrs = addrs;

	memcpy(&addend, data + off, sizeof(addend));
	addr = &addrs[arena->addr_cnt++];
	addr->map = map;
	addr->off = off;
	addr->target = sym_off + addend;
	return 0;
}

/* Of the addresses in data, those of arena globals become known when the arena
 * is mapped. No other can be filled in. Ordinary data has always been loaded
 * without; but an arena global is there for its pointers to be followed.
 */
int bpf_object_arena__collect_relo(struct bpf_object_arena *arena, struct bpf_map *map,
				   const Elf64_Rel *rel, const Elf64_Sym *sym,
				   const char *sym_name)
{
	if (!sym)
		return -LIBBPF_ERRNO__FORMAT;

	if (arena->shndx && sym->st_shndx == arena->shndx &&
	    ELF64_R_TYPE(rel->r_info) == R_BPF_64_ABS64)
		return bpf_object_arena__add_addr(arena, map, rel->r_offset, sym->st_value);

	if (!map_is_arena(map)) {
		pr_info("map '%s': the address at offset %zu of its initial value is left out\n",
			bpf_map__name(map), (size_t)rel->r_offset);
		return 0;
	}

	pr_warn("map '%s': the global at offset %zu is initialized with the address of %s, which is not in the arena\n",
		bpf_map__name(map), (size_t)rel->r_offset,
		sym_name && sym_name[0] ? sym_name : "something static");
	return -ENOTSUP;
}

int arena_extern_unresolved(const char *name)
{
	pr_warn("extern '%s': this arena global is defined in no object that was linked\n", name);
	return -ESRCH;
}

/* What follows ___ in the name of a kernel function tells apart declarations of
 * one function, as it does for types: <bpf/bpf_arena.h> has such names, since a
 * vmlinux.h may have declared the function differently. kern_name is what stands
 * before ___, or NULL if all of the name is the kernel's.
 */
int ksym_kern_name(const char *name, const struct btf_type *t, char **kern_name)
{
	size_t len = bpf_core_essential_name_len(name);

	if (!btf_is_func(t) || len == strlen(name))
		return 0;

	*kern_name = strndup(name, len);
	return *kern_name ? 0 : -ENOMEM;
}

/* An attribute of up to 64 bits of a map's definition: an integer as any other
 * has, or the only enumerator of an enum, see __ulong() in bpf_helpers.h.
 */
bool get_map_field_ulong(const char *map_name, const struct btf *btf,
			 const struct btf_member *m, __u64 *res)
{
	const struct btf_type *t = skip_mods_and_typedefs(btf, m->type, NULL);
	__u32 val;

	if (!btf_is_any_enum(t)) {
		if (!get_map_field_int(map_name, btf, m, &val))
			return false;
		*res = val;
		return true;
	}
	if (btf_vlen(t) != 1) {
		pr_warn("map '%s': attr '%s': expected one enumerator, got %u.\n", map_name,
			btf__name_by_offset(btf, m->name_off), btf_vlen(t));
		return false;
	}

	if (btf_is_enum64(t))
		*res = btf_enum64_value(btf_enum64(t));
	else if (btf_kflag(t)) /* signed */
		*res = (__s64)btf_enum(t)->val;
	else
		*res = (__u32)btf_enum(t)->val;
	return true;
}

/* Load: what the kernel would only have a number for */

int bpf_object_arena__refuse_light(const struct bpf_object_arena *arena)
{
	if (!arena->map)
		return 0;
	pr_warn("map '%s': light skeletons do not support arenas\n", bpf_map__name(arena->map));
	return -ENOTSUP;
}

static void print_if_differs(const struct bpf_map *map, const char *attr,
			     __u64 pinned, __u64 wanted)
{
	if (pinned != wanted)
		pr_warn("map '%s': pinned map has %s %llu (0x%llx) instead of %llu (0x%llx)\n",
			bpf_map__name(map), attr,
			(unsigned long long)pinned, (unsigned long long)pinned,
			(unsigned long long)wanted, (unsigned long long)wanted);
}

/* Why a pinned map is not the arena that is wanted */
void arena_print_pin_mismatch(const struct bpf_map *map, int pin_fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (!map_is_arena(map) || bpf_obj_get_info_by_fd(pin_fd, &info, &len))
		return;
	if (info.type != BPF_MAP_TYPE_ARENA) {
		print_if_differs(map, "type", info.type, BPF_MAP_TYPE_ARENA);
		return;
	}
	print_if_differs(map, "max_entries", info.max_entries, bpf_map__max_entries(map));
	print_if_differs(map, "map_flags", info.map_flags, bpf_map__map_flags(map));
	print_if_differs(map, "map_extra", info.map_extra, bpf_map__map_extra(map));
}

static const char *arena_einval_hint(const struct bpf_map *map)
{
	const __u32 flags = bpf_map__map_flags(map);

	if (bpf_map__key_size(map) || bpf_map__value_size(map))
		return "an arena has no keys and values: key_size and value_size must be 0";
	if (!bpf_map__max_entries(map))
		return "max_entries is 0; set it to the number of pages";
	if (!(flags & BPF_F_MMAPABLE))
		return "map_flags lack BPF_F_MMAPABLE";
	if (flags & ~ARENA_FLAGS)
		return "map_flags have a flag that no arena can have";
	if (bpf_map__map_extra(map) % sysconf(_SC_PAGE_SIZE))
		return "map_extra, the user address, is not at the start of a page";
	if (bpf_map__ifindex(map))
		return "an arena cannot be offloaded to a device";
	if (!libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARENA, NULL))
		return "this kernel does not have arenas";
	return NULL;
}

static const char *arena_create_hint(const struct bpf_map *map, int err)
{
	switch (err) {
	case -EINVAL:
		return arena_einval_hint(map);
	case -EPERM:
		return "creating an arena takes CAP_BPF";
	case -EOPNOTSUPP:
		return "arenas need a BPF JIT that supports them; is net.core.bpf_jit_enable 0?";
	case -ERANGE:
		return "an arena at map_extra would cross a 4 GiB line or end behind user space";
	case -ENOMEM:
		return "no memory, or all arenas together have half of the kernel's vmalloc space";
	default:
		return NULL;
	}
}

/* The kernel knows why it does not create an arena, and has only errno to say so */
void arena_print_create_hint(const struct bpf_map *map, int err)
{
	const char *hint;

	if (!map_is_arena(map))
		return;

	if (err == -E2BIG && arena_size(map) > ARENA_MAX_SZ) {
		pr_warn("map '%s': %u pages of %ld bytes are more than the 4 GiB that an arena can have\n",
			bpf_map__name(map), bpf_map__max_entries(map), sysconf(_SC_PAGE_SIZE));
		return;
	}
	hint = arena_create_hint(map, err);
	if (hint)
		pr_warn("map '%s': %s\n", bpf_map__name(map), hint);
}

static const char *arena_mmap_hint(int err)
{
	switch (err) {
	case -EEXIST:
		return "another mapping is there";
	case -EBUSY:
		return "the address where it is mapped elsewhere is taken in this process";
	case -EPERM:
		return "the address is below vm.mmap_min_addr, or the map is frozen";
	case -EACCES:
		return "its file descriptor was opened for reading only";
	case -ENOMEM:
		return "this process has no such range of addresses left (ulimit -v?)";
	default:
		return NULL;
	}
}

static void arena_print_mmap_error(const struct bpf_map *map, int err)
{
	const unsigned long long addr = bpf_map__map_extra(map);
	const char *hint = arena_mmap_hint(err);
	char errmsg[STRERR_BUFSIZE];

	if (!hint)
		hint = libbpf_strerror_r(err, errmsg, sizeof(errmsg));
	if (addr)
		pr_warn("map '%s': failed to mmap arena at 0x%llx (map_extra): %s\n",
			bpf_map__name(map), addr, hint);
	else
		pr_warn("map '%s': failed to mmap arena: %s\n", bpf_map__name(map), hint);
}

/* Load: a program for what a process cannot do by itself. Returns its result. */
static int arena_run_prog(const struct bpf_insn *insns, size_t insn_cnt, void *ctx, size_t ctx_sz)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE);
	LIBBPF_OPTS(bpf_test_run_opts, run_opts, .ctx_in = ctx, .ctx_size_in = ctx_sz);
	int fd, err;

	fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "libbpf_arena", "GPL", insns, insn_cnt, &opts);
	if (fd < 0)
		return fd;

	err = bpf_prog_test_run_opts(fd, &run_opts);
	close(fd);
	return err ?: (int)run_opts.retval;
}

/* Where the arena is in all processes, this one or another: the value of offset 0 */
static int arena_user_vm_start(int map_fd, __u64 *start)
{
	const struct bpf_insn insns[] = {
		BPF_LD_MAP_VALUE(BPF_REG_2, map_fd, 0),
		BPF_STX_MEM(BPF_DW, BPF_REG_1, BPF_REG_2, 0),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	*start = 0;
	return arena_run_prog(insns, ARRAY_SIZE(insns), start, sizeof(*start));
}

/* Load: mappings */

/* A mapping keeps its map alive, and thus the map's ID. Children do not inherit
 * it: pid tells.
 */
struct arena_mapping {
	struct arena_mapping *next;
	void *addr;
	size_t size;
	__u32 map_id;
	pid_t pid;
	int users;
	bool adopted; /* made by the caller, who is the one to unmap it */
};

static struct arena_mapping *arena_mappings;
static pthread_mutex_t arena_mappings_lock = PTHREAD_MUTEX_INITIALIZER;

/* By map_id, or by address if that is 0 */
static struct arena_mapping **arena_mappings__find(__u32 map_id, const void *addr)
{
	struct arena_mapping **pos;

	for (pos = &arena_mappings; *pos; pos = &(*pos)->next)
		if ((*pos)->pid == getpid() &&
		    (map_id ? (*pos)->map_id == map_id : (*pos)->addr == addr))
			break;
	return pos;
}

/* Has this process a BPF map at exactly these addresses? */
static bool is_mapped_bpf_map(const void *addr, size_t size)
{
	unsigned long start, end, off;
	char line[256], perms[5];
	bool found = false;
	FILE *f;

	f = fopen("/proc/self/maps", "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, "anon_inode:bpf-map") &&
			sscanf(line, "%lx-%lx %4s %lx", &start, &end, perms, &off) == 4 &&
			start == (unsigned long)addr && end - start == size &&
			perms[3] == 's' && !off;
	fclose(f);
	return found;
}

static int arena_mapping__mmap_at(struct arena_mapping *m, int map_fd, void *addr)
{
	/* Where the address is known, ask for it, but never at the cost of what
	 * this process has there.
	 */
	int flags = MAP_SHARED | (addr ? MAP_FIXED | MAP_FIXED_NOREPLACE : 0);

	addr = mmap(addr, m->size, PROT_READ | PROT_WRITE, flags, map_fd, 0);
	if (addr == MAP_FAILED)
		return -errno;
	m->addr = addr;
	m->adopted = false;
	return 0;
}

/* The kernel refuses to map the arena again. What is at its address may be the
 * arena itself, since whoever reuses a map can have mapped it before. Another
 * arena that libbpf has mapped there is known, and a part of an arena cannot be
 * mapped, so a BPF map of these very bounds is taken for it. If nothing is there,
 * it is a kernel that wants to be told the address once there is one.
 */
static int arena_mapping__adopt(struct arena_mapping *m, int map_fd, int err)
{
	const struct arena_mapping *other;
	__u64 start;
	void *addr;

	if (arena_user_vm_start(map_fd, &start) || !start)
		return err;
	addr = (void *)(unsigned long)start;
	other = *arena_mappings__find(0, addr);
	if (other && other != m)
		return err;
	if (!is_mapped_bpf_map(addr, m->size))
		return arena_mapping__mmap_at(m, map_fd, addr) ? err : 0;

	m->addr = addr;
	m->adopted = true;
	return 0;
}

static int arena_mapping__mmap(struct arena_mapping *m, const struct bpf_map *map, bool reused)
{
	int err, fd = bpf_map__fd(map);

	m->size = arena_size(map);
	err = arena_mapping__mmap_at(m, fd, (void *)(unsigned long)bpf_map__map_extra(map));
	if (reused && (err == -EBUSY || err == -EEXIST || err == -EINVAL))
		return arena_mapping__adopt(m, fd, err);
	return err;
}

static struct arena_mapping *arena_mappings__add(__u32 map_id)
{
	struct arena_mapping *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->map_id = map_id;
	m->pid = getpid();
	m->next = arena_mappings;
	arena_mappings = m;
	return m;
}

static void arena_mappings__remove(struct arena_mapping **pos)
{
	struct arena_mapping *m = *pos;

	*pos = m->next;
	free(m);
}

/* The caller may have unmapped what has been adopted: find out by mapping it. */
static int arena_mappings__get(const struct bpf_map *map, __u32 map_id, bool reused, void **addr)
{
	struct arena_mapping *m = *arena_mappings__find(map_id, NULL);
	int err = 0;

	if (!m)
		m = arena_mappings__add(map_id);
	if (!m)
		return -ENOMEM;

	if (!m->users || m->adopted)
		err = arena_mapping__mmap(m, map, reused);
	if (err) {
		if (!m->users)
			arena_mappings__remove(arena_mappings__find(map_id, NULL));
		return err;
	}
	m->users++;
	*addr = m->addr;
	pr_debug("map '%s': %zu bytes of arena at %p%s\n", bpf_map__name(map), m->size, m->addr,
		 m->adopted ? ", mapped by the caller" : "");
	return 0;
}

static int arena_mapping__get(const struct bpf_map *map, bool reused, void **addr)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int err;

	err = bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len);
	if (!err) {
		pthread_mutex_lock(&arena_mappings_lock);
		err = arena_mappings__get(map, info.id, reused, addr);
		pthread_mutex_unlock(&arena_mappings_lock);
	}
	if (err)
		arena_print_mmap_error(map, err);
	return err;
}

/* Returns false if that is the address of no arena. */
bool arena_mapping__put(const void *addr)
{
	struct arena_mapping **pos;
	bool found;

	pthread_mutex_lock(&arena_mappings_lock);
	pos = arena_mappings__find(0, addr);
	found = *pos;
	if (found && --(*pos)->users == 0) {
		if (!(*pos)->adopted)
			munmap((*pos)->addr, (*pos)->size);
		arena_mappings__remove(pos);
	}
	pthread_mutex_unlock(&arena_mappings_lock);
	return found;
}

/* Load: contents */

/* With BPF_F_SEGV_ON_FAULT user space can only touch pages that a program has
 * allocated, so have one allocate those of the globals.
 */
static int arena_run_alloc(int map_fd, const void *addr, __u32 page_cnt, int kfunc_id)
{
	const struct bpf_insn insns[] = {
		BPF_LD_MAP_FD(BPF_REG_1, map_fd),
		BPF_LD_IMM64(BPF_REG_2, (unsigned long)addr),
		BPF_MOV32_IMM(BPF_REG_3, page_cnt),
		BPF_MOV64_IMM(BPF_REG_4, -1), /* any node */
		BPF_MOV64_IMM(BPF_REG_5, 0),
		BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, kfunc_id),
		/* all 64 bits count: the lower half of the address can be 0 */
		BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, 2),
		BPF_MOV64_IMM(BPF_REG_0, -ENOMEM),
		BPF_EXIT_INSN(),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	return arena_run_prog(insns, ARRAY_SIZE(insns), NULL, 0);
}

static int bpf_object_arena__alloc(const struct bpf_object_arena *arena, const void *addr)
{
	const long page_sz = sysconf(_SC_PAGE_SIZE);
	struct btf *btf = btf__load_vmlinux_btf();
	int err = libbpf_get_error(btf), id;

	if (!err) {
		id = btf__find_by_name_kind(btf, "bpf_arena_alloc_pages", BTF_KIND_FUNC);
		err = id < 0 ? id : arena_run_alloc(bpf_map__fd(arena->map), addr,
					(arena->data_sz + page_sz - 1) / page_sz, id);
		btf__free(btf);
	}
	if (err)
		pr_warn("map '%s': failed to allocate pages for %zu bytes of globals (BPF_F_SEGV_ON_FAULT): %d\n",
			bpf_map__name(arena->map), arena->data_sz, err);
	return err;
}

static int bpf_object_arena__fill(const struct bpf_object_arena *arena, void *addr)
{
	int err = 0;

	if (!arena->data)
		return 0;

	if (bpf_map__map_flags(arena->map) & BPF_F_SEGV_ON_FAULT)
		err = bpf_object_arena__alloc(arena, addr);
	if (!err)
		memcpy(addr, arena->data, arena->data_sz);
	return err;
}

/* Other maps that hold such addresses come after the arena and are still to be
 * created: their contents are there, but not yet in the kernel.
 */
static void bpf_object_arena__set_addrs(const struct bpf_object_arena *arena, void *arena_addr,
					bool reused)
{
	size_t size;
	int i;

	for (i = 0; i < arena->addr_cnt; i++) {
		const struct arena_addr *addr = &arena->addrs[i];
		const __u64 uaddr = (unsigned long)arena_addr + addr->target;
		void *data = arena_addr;

		if (addr->map != arena->map)
			data = (void *)bpf_map__initial_value(addr->map, &size);
		else if (reused)
			continue;
		memcpy(data + addr->off, &uaddr, sizeof(uaddr));
	}
}

static int bpf_object_arena__check(const struct bpf_object_arena *arena, const struct bpf_map *map)
{
	if (!map_is_arena(map)) {
		pr_warn("map '%s': a map of type %s is to be used for an arena\n",
			bpf_map__name(map),
			libbpf_bpf_map_type_str(bpf_map__type(map)) ?: "unknown");
		return -EINVAL;
	}
	if (map == arena->map && arena->data_sz > arena_size(map)) {
		pr_warn("map '%s': section '%s' has %zu bytes of globals, the arena only %llu (%u pages)\n",
			bpf_map__name(map), ARENA_SEC, arena->data_sz,
			(unsigned long long)arena_size(map), bpf_map__max_entries(map));
		return -E2BIG;
	}
	return 0;
}

/* For each map that has just been created or is reused, before it is pinned.
 * Arenas leave their address in mmaped.
 */
int bpf_object_arena__load_map(struct bpf_object_arena *arena, struct bpf_map *map,
			       bool reused, void **mmaped)
{
	void *addr;
	int err;

	if (map != arena->map && !map_is_arena(map))
		return 0;

	err = bpf_object_arena__check(arena, map);
	err = err ?: arena_mapping__get(map, reused, &addr);
	if (err)
		return err;

	if (map == arena->map) {
		err = reused ? 0 : bpf_object_arena__fill(arena, addr);
		if (err) {
			arena_mapping__put(addr);
			return err;
		}
		bpf_object_arena__set_addrs(arena, addr, reused);
	}
	*mmaped = addr;
	return 0;
}

/* Loaded */

/* Size of what is at mmaped: initial values before load, the arena after it; 0 if
 * the map is no arena.
 */
size_t bpf_object_arena__contents_size(const struct bpf_object_arena *arena,
				       const struct bpf_map *map, const void *mmaped)
{
	if (map == arena->map && mmaped == arena->data)
		return arena->data_sz;
	return map_is_arena(map) ? arena_size(map) : 0;
}

/* BTF's type of a map's globals. An arena has no value type: they are just what
 * lies in front. Their addresses are not known before load.
 */
int arena_globals_type_id(const struct bpf_map *map, const struct btf *btf)
{
	if (!map_is_arena(map))
		return bpf_map__btf_value_type_id(map);

	if (bpf_map__fd(map) < 0) {
		pr_warn("map '%s': a subskeleton with arena globals can be opened only once the object is loaded\n",
			bpf_map__name(map));
		return -EINVAL;
	}
	return btf__find_by_name_kind(btf, ARENA_SEC, BTF_KIND_DATASEC);
}

void bpf_object_arena__free(struct bpf_object_arena *arena)
{
	free(arena->data);
	free(arena->addrs);
	memset(arena, 0, sizeof(*arena));
}
