/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ARM64_NET_BPF_MAY_GOTO_H
#define _ARM64_NET_BPF_MAY_GOTO_H

#include <linux/types.h>
#include <linux/bpf_may_goto.h>

struct bpf_prog;

/* Where a function has what may_goto needs; offsets are from SP */
struct a64_may_goto {
	enum bpf_may_goto_kind kind;
	u32 cost;
	bool starts;
	bool thunk;
	bool far;	/* the sites may be out of a conditional branch's range */
	int x23_off;	/* the caller's x23, if there is a may_goto */
	int x24_off;	/* the caller's x24, if the function starts */
	int size;	/* a multiple of 16 */
	int sites;	/* index in the image, known after the first pass */
};

/* No function emits more */
#define A64_MAY_GOTO_MAX	20

void a64_may_goto_init(struct a64_may_goto *mg, const struct bpf_prog *prog);
int a64_may_goto_enter(u32 *to, const struct a64_may_goto *mg);
int a64_may_goto_leave(u32 *to, const struct a64_may_goto *mg);
int a64_may_goto_round(u32 *to, const struct a64_may_goto *mg, int idx, int nr);
int a64_may_goto_round_len(const struct a64_may_goto *mg);
int a64_may_goto_common(u32 *to, const struct a64_may_goto *mg);
int a64_may_goto_site(u32 *to, const struct a64_may_goto *mg, int idx,
		      int resume, int out);
int a64_may_goto_thunk(u32 *to, int idx);

#endif
