// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that have nothing to do with arenas, and that the kernel accepts
 * without these as well.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "bpf_misc.h"

char buf[64];

/* Its argument has to be precise, from its first instruction on. */
__noinline int precise_argument(unsigned long n)
{
	if (n > sizeof(buf))
		return 0;
	bpf_probe_read_kernel(buf, n, (void *)bpf_get_current_task());
	return 1;
}

SEC("raw_tp/sys_enter")
__success
int hazard_31_precise_argument(__u64 *ctx)
{
	return precise_argument(ctx[1]);
}

SEC("raw_tp/sys_enter")
__success
int hazard_31_precise_main(__u64 *ctx)
{
	unsigned long i, sum = 0;

	for (i = 0; i < 10; i++)
		sum += buf[i] + precise_argument(i);
	return sum;
}

char _license[] SEC("license") = "GPL";
