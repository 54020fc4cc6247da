/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A section of another, or a table that goes, between steps 4 and 5 of layout.h; or a
 * packet that cannot be made longer: each time, as dir->test says. It is part of no program
 * but those that tests build.
 */
#define TEST_LOCK	1
#define TEST_TABLES	2
#define TEST_NO_ROOM	3

static __always_inline bool has_no_room(struct mc_dir __arena *dir)
{
	return arena_at(__u32, &dir->test) == TEST_NO_ROOM;
}

static __always_inline void change_meanwhile(struct mc_dir __arena *dir,
					     const struct query *q)
{
	__u32 test = arena_at(__u32, &dir->test);

	if (test == TEST_LOCK)
		arena_at(__u64, q->counter) += 2;
	else if (test == TEST_TABLES)
		arena_at(__u64, &dir->generation) += 2;
}
