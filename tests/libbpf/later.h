/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a vmlinux.h of a later kernel, and headers of later versions of libbpf,
 * have besides. AS is address_space(1) or nothing: it depends on their tools.
 */
#include "vmlinux.h"

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif

extern void AS *bpf_arena_alloc_pages(void *p__map, void AS *addr__ign, u32 page_cnt,
				      int node_id, u64 flags) __weak __ksym;
extern void bpf_arena_free_pages(void *p__map, void AS *ptr__ign, u32 page_cnt) __weak __ksym;
extern int bpf_arena_reserve_pages(void *p__map, void AS *ptr__ign, u32 page_cnt) __weak __ksym;

extern int bpf_later_can_loop(void) __ksym;

#ifdef __BPF_FEATURE_ADDR_SPACE_CAST
#define __arena __attribute__((address_space(1)))
#endif
#define __arg_arena __attribute__((btf_decl_tag("arg:arena"), unused))
#define can_loop (bpf_later_can_loop())
#define cond_break ({ if (!can_loop) break; })
