/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __ARENA_V4_H
#define __ARENA_V4_H

/* What the programs of progs/arena_v4.c read, and what they make of it */
struct v4_values {
	__s64 s64;
	__s64 divisor;
	__s32 s32;
	__s16 s16;
	__s8 s8;
};

/* The context of on_arena() */
struct v4_ctx {
	__u64 done;
};

struct v4_results {
	__s64 s8, s16, s32;
	__s64 moved8, moved16, moved32;
	__s64 div, mod;
	__s32 div32, mod32;
	__u64 swap16, swap32, swap64;
};

#endif
