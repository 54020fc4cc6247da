/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __ARENA_OPS_H
#define __ARENA_OPS_H

/* Arguments and result of the programs in progs/arena_ops.c */
struct arena_op {
	__u64 addr;
	__u32 cnt;
	__s32 node;
	__u64 flags;
	__u64 ret;
};

#endif
