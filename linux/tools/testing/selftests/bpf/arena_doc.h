/* SPDX-License-Identifier: GPL-2.0 */
/* What both sides of the example in Documentation/bpf/arena.rst share */
#ifndef __ARENA_DOC_H
#define __ARENA_DOC_H

/* [shared] */
#include <bpf/bpf_arena.h>

struct visit {
	struct visit __arena *next;
	__u64 value;
};

static inline __u64 sum_of(struct visit __arena *v)
{
	__u64 sum = 0;

	for (; v && can_loop; v = v->next)
		sum += v->value;
	return sum;
}
/* [shared end] */

#endif
