/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __ACCESS_H
#define __ACCESS_H

#include <bpf/bpf_arena.h>

/* What access.bpf.c has in a row */
#define UNROLLED_INSNS 256
#define UNROLLED_CALLS 256

/* Calls of a helper in a row, and the memory that each is given */
#define UNROLLED_HELPERS 16
#define TEXT_BYTES 256
#define ANSWER_BYTES 1024

/* Rounds that a may_goto allows */
#define MAX_ROUNDS 8388608

struct node {
	struct node __arena *next;
	__u64 value;
};

#endif
