/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock of expiry times: the one that bpf_ktime_get_coarse_ns() reads, so
 * that an item expires on both paths in the same tick, however busy the server.
 */
#ifndef ARENA_KV_CLOCK_H
#define ARENA_KV_CLOCK_H

#include <linux/types.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ULL

static inline __u64 clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static inline __u32 clock_seconds(void)
{
	return clock_ns() / NSEC_PER_SEC;
}

#endif
