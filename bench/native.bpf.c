// SPDX-License-Identifier: GPL-2.0
/*
 * native.h as programs. Their context is what the caller has, without conversion.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "native.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__ulong(map_extra, NATIVE_USER_START);
} arena SEC(".maps");

/* Whatever refers to the map ties the program to the arena. */
#define PROG(name)								\
	SEC("syscall") int name(struct native_args *a)				\
	{									\
		asm volatile("" :: "r"(&arena));				\
		do_##name(a);							\
		return 0;							\
	}

NATIVE_PROGS(PROG)

char _license[] SEC("license") = "GPL";
