/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers that take arena memory; arena_helpers.c has the picture. */
#ifndef _KERNEL_BPF_ARENA_HELPERS_H
#define _KERNEL_BPF_ARENA_HELPERS_H

#include <linux/filter.h>
#include <linux/sizes.h>

/* A helper as programs call it, and as struct bpf_func_proto has it */
typedef u64 bpf_helper_t(u64, u64, u64, u64, u64);

/*
 * What one call can access of an arena, beginning at any 32-bit address: the guard
 * behind the window is longer, see ARENA_GUARD_SIZE.
 */
#define ARENA_MEM_MAX		SZ_32K

/* The same where the memory is copied to the kernel's stack first */
#define ARENA_SNAPSHOT_MAX	512

/**
 * struct bpf_arena_helper - a helper that takes arena memory
 * @func: the helper, func of its struct bpf_func_proto
 * @arena: what is called in its place if it is given arena memory
 * @args: BIT(argno) of the arguments that are arena memory, from 0
 * @max: how many bytes of it a call may access, all arguments together
 */
struct bpf_arena_helper {
	bpf_helper_t *func;
	bpf_helper_t *arena;
	u8 args;
	u16 max;
};

/* The helpers, which are global, and declared nowhere else */
#define DECLARE_HELPER(name) bpf_helper_t bpf_##name
DECLARE_HELPER(copy_from_user);
DECLARE_HELPER(get_current_comm);
DECLARE_HELPER(strncmp);
DECLARE_HELPER(ringbuf_output);
DECLARE_HELPER(ringbuf_reserve);
DECLARE_HELPER(ringbuf_submit);
DECLARE_HELPER(ringbuf_discard);
DECLARE_HELPER(map_lookup_elem);
DECLARE_HELPER(map_update_elem);
DECLARE_HELPER(map_delete_elem);
DECLARE_HELPER(probe_read_kernel);
DECLARE_HELPER(probe_read_user);
DECLARE_HELPER(probe_read_kernel_str);
DECLARE_HELPER(probe_read_user_str);
DECLARE_HELPER(perf_event_output);
DECLARE_HELPER(perf_event_output_tp);
DECLARE_HELPER(perf_event_output_raw_tp);
DECLARE_HELPER(event_output_data);
DECLARE_HELPER(skb_event_output);
DECLARE_HELPER(xdp_event_output);
DECLARE_HELPER(xdp_load_bytes);
DECLARE_HELPER(xdp_store_bytes);
DECLARE_HELPER(skb_load_bytes);
DECLARE_HELPER(map_push_elem);
DECLARE_HELPER(map_lookup_percpu_elem);
DECLARE_HELPER(snprintf);
DECLARE_HELPER(get_stack);
DECLARE_HELPER(get_stack_pe);
DECLARE_HELPER(get_stack_tp);
DECLARE_HELPER(get_stack_raw_tp);
DECLARE_HELPER(d_path);
DECLARE_HELPER(skb_store_bytes);

u8 bpf_arena_helper_find(bpf_helper_t *func, u8 args);
const struct bpf_arena_helper *bpf_arena_variant(u8 nr);

#endif
