/* SPDX-License-Identifier: GPL-2.0 */
#ifndef OP_H
#define OP_H

/* What a program of ops.bpf.c is told to do, and what came of it */

#define OP_VALS 8

/* Where a packet has it: behind the Ethernet header, aligned */
#define OP_IN_PACKET 16

enum op_kind {
	OP_ALLOC,
	OP_FREE,
	OP_RESERVE,
	OP_READ,	/* vals[i] = word at addr + i * stride, cnt of them */
	OP_WRITE,	/* the inverse */
	OP_ADD,		/* ret = what was at addr, before vals[0] was added */
	OP_OR,		/* ret = all of cnt words from addr on, ored */
};

struct op {
	__u32 kind;
	__u32 cnt;
	__u64 addr;
	__u64 flags;
	__u64 ret;
	__s32 node;
	__u32 stride;
	__u64 vals[OP_VALS];
};

#endif
