// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF arena: steps that fail on demand
 *
 * An allocation is made to fail by failslab and fail_page_alloc. What fails in
 * arenas for another reason, mostly that somebody else was faster, fails here:
 *
 *	/sys/kernel/debug/fail_bpf_arena/	as Documentation/fault-injection has it
 *		points				bits of enum arena_fail_point
 *
 * ALLOW_ERROR_INJECTION() would be less code, and would let sleepable programs
 * attach to functions that run under arena->lock.
 */
#include <linux/bits.h>
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/init.h>

#include "arena.h"

static DECLARE_FAULT_ATTR(arena_fail);
static u32 arena_fail_points;

/**
 * arena_should_fail() - is a step of an operation to fail?
 * @point: which step; the caller returns the error that belongs to it
 *
 * Context: any.
 * Return: whether it is.
 */
bool arena_should_fail(enum arena_fail_point point)
{
	return READ_ONCE(arena_fail_points) & BIT(point) && should_fail(&arena_fail, 1);
}

static int __init arena_fail_init(void)
{
	struct dentry *dir = fault_create_debugfs_attr("fail_bpf_arena", NULL, &arena_fail);

	if (IS_ERR(dir))
		return PTR_ERR(dir);
	debugfs_create_u32("points", 0600, dir, &arena_fail_points);
	return 0;
}
late_initcall(arena_fail_init);
