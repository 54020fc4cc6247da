/* SPDX-License-Identifier: GPL-2.0 */
#ifndef OPS_H
#define OPS_H

#include <linux/bpf.h>
#include <sys/types.h>
#include "fuzz.h"
#include "op.h"

/* Which program is told to do it. Only the first may sleep. */
enum how { SYSCALL, TC, XDP, HOWS };

enum state { ABSENT, PAGE, HELD };

/* What an address of the arena must hold: a page with a tag in its words, 0 = zeroes */
struct page {
	uint32_t state;
	uint32_t tag;
};

struct arena {
	struct ops_bpf *skel;
	int fd;
	int progs[HOWS];
	uint64_t base;		/* user_vm_start */
	uint32_t pages;
	uint32_t flags;
	struct page *model;
	/* the mapping of this process */
	bool mapped, may_write;
	int prot;
};

/* Part of an arena that an actor has for itself */
struct range {
	struct arena *arena;
	uint32_t first, cnt;
};

/* What a round has done, in memory that all its processes share */
struct counts {
	uint64_t ops, touches, faults, allocs, failed_allocs, frees, reserves, mm_calls, forks,
		 arenas, checks;
};

extern struct counts *counts;
extern uint32_t page_size;

#define count(what) __atomic_add_fetch(&counts->what, 1, __ATOMIC_RELAXED)

/* arena.c: arenas, and what can be done to one */
bool arena_open(struct arena *a, uint32_t pages, uint32_t flags, uint64_t map_extra);
void arena_close(struct arena *a);
void arena_map(struct arena *a, int prot);
void arena_unmap(struct arena *a, bool by_fixed);
uint64_t arena_at(const struct arena *a, int64_t pgoff);
uint64_t arena_size(const struct arena *a);
void run_op(const struct arena *a, enum how how, struct op *op);
int64_t arena_info(const struct arena *a, const char *name);
long windows_left(void);

/* touch.c: memory of this process, of which a part may be missing. 0 or the signal. */
void touch_init(void);
int touch_read(uint64_t uaddr, uint64_t *val);
int touch_write(uint64_t uaddr, uint64_t val);

/* model.c: operations on a range, each checked against the model and entered there */
void range_alloc_at(struct range *r, struct rng *rng, enum how how, uint32_t at, uint32_t cnt);
void range_free(struct range *r, struct rng *rng, enum how how, uint32_t at, uint32_t cnt);
void range_reserve(struct range *r, struct rng *rng, enum how how, uint32_t at, uint32_t cnt);
void range_check_page(struct range *r, struct rng *rng, uint32_t at);
void range_write_page(struct range *r, struct rng *rng, uint32_t at);
void range_check_all(struct range *r, struct rng *rng);
void page_now(struct arena *a, uint32_t pgoff);
bool range_is(const struct range *r, uint32_t at, uint32_t cnt, enum state state);
uint32_t range_count(const struct range *r, enum state state);
uint64_t tag_word(uint32_t tag, uint32_t word);
void expect_fresh(const struct arena *a, struct rng *rng, uint32_t pgoff, uint32_t cnt,
		  const char *what);

/* mm.c: what processes may and may not do to the mapping */
void mm_op(struct arena *a, struct rng *rng);
void mm_check_vma(const struct arena *a, const char *after);

/* The two kinds of rounds */
void single_round(void);
void crowd_round(void);

#endif
