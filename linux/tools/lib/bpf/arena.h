/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
/* What libbpf.c and linker.c use of arena.c, which says what it is for */
#ifndef __LIBBPF_ARENA_H
#define __LIBBPF_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <gelf.h>
#include <linux/types.h>

#include "btf.h"
#include "libbpf.h"

/* globals declared with __attribute__((address_space(1))) */
#define ARENA_SEC ".addr_space.1"

/* A global whose initial value is the address of an arena global */
struct arena_addr {
	struct bpf_map *map; /* where the former is: the arena as well, or .data, .rodata */
	size_t off; /* in that map */
	__u64 target; /* offset of the latter in the arena */
};

/* The arena of an object file */
struct bpf_object_arena {
	struct bpf_map *map; /* NULL if there is none */
	int shndx; /* of ARENA_SEC, 0 if there is none */
	const Elf_Data *elf_data; /* of that section, valid while the file is open */
	/* The initial values of its globals. They stay until the object is
	 * closed: a skeleton points at them before load.
	 */
	void *data;
	size_t data_sz;
	struct arena_addr *addrs;
	int addr_cnt;
};

/* open */
void bpf_object_arena__set_section(struct bpf_object_arena *arena, int shndx,
				   const Elf_Data *data);
int bpf_object_arena__init(struct bpf_object_arena *arena, struct bpf_object *obj);
bool arena_is_data_relo(const char *relo_sec_name);
int bpf_object_arena__collect_relo(struct bpf_object_arena *arena, struct bpf_map *map,
				   const Elf64_Rel *rel, const Elf64_Sym *sym,
				   const char *sym_name);
int arena_extern_unresolved(const char *name);
int ksym_kern_name(const char *name, const struct btf_type *t, char **kern_name);
bool get_map_field_ulong(const char *map_name, const struct btf *btf,
			 const struct btf_member *m, __u64 *res);

/* load */
int bpf_object_arena__refuse_light(const struct bpf_object_arena *arena);
void arena_print_pin_mismatch(const struct bpf_map *map, int pin_fd);
void arena_print_create_hint(const struct bpf_map *map, int err);
int bpf_object_arena__load_map(struct bpf_object_arena *arena, struct bpf_map *map,
			       bool reused, void **mmaped);

/* loaded */
size_t bpf_object_arena__contents_size(const struct bpf_object_arena *arena,
				       const struct bpf_map *map, const void *mmaped);
int arena_globals_type_id(const struct bpf_map *map, const struct btf *btf);

/* close */
bool arena_mapping__put(const void *addr);
void bpf_object_arena__free(struct bpf_object_arena *arena);

/* in libbpf.c */
bool get_map_field_int(const char *map_name, const struct btf *btf,
		       const struct btf_member *m, __u32 *res);

#endif /* __LIBBPF_ARENA_H */
