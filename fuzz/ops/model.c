// SPDX-License-Identifier: GPL-2.0
/*
 * What the pages of an arena must hold, and operations that are checked against it
 *
 * The caller owns the range, nobody else does anything there. Of an operation in a
 * program that may sleep the model tells the result. One that may not sleep may fail for
 * want of a page, a page table or an address, and then nothing may have changed. What it
 * frees is gone for the CPU that it ran on, and for others soon: range_free() waits for
 * that in one of two ways before the range is used again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include "ops.h"
#include <bpf/bpf_arena.h>

static const char *const how_names[] = { "syscall", "tc", "xdp" };
static const char *const state_names[] = { "absent", "a page", "reserved" };

/* Words of a page that are looked at each time */
#define WORDS 3

static uint32_t words_of_page(void)
{
	return page_size / sizeof(uint64_t);
}

static void pick_words(struct rng *rng, uint32_t *words)
{
	words[0] = 0;
	words[1] = rng_below(rng, words_of_page());
	words[2] = words_of_page() - 1;
}

uint64_t tag_word(uint32_t tag, uint32_t word)
{
	return tag ? (tag * 0x9e3779b97f4a7c15ULL) ^ word : 0;
}

static struct page *page_of(const struct range *r, uint32_t at)
{
	return &r->arena->model[r->first + at];
}

static uint64_t range_at(const struct range *r, uint32_t at)
{
	return arena_at(r->arena, (int64_t)r->first + at);
}

bool range_is(const struct range *r, uint32_t at, uint32_t cnt, enum state state)
{
	uint32_t i;

	for (i = at; i < at + cnt; i++)
		if (page_of(r, i)->state != state)
			return false;
	return true;
}

uint32_t range_count(const struct range *r, enum state state)
{
	uint32_t i, cnt = 0;

	for (i = 0; i < r->cnt; i++)
		cnt += page_of(r, i)->state == state;
	return cnt;
}

static void range_set(const struct range *r, uint32_t at, uint32_t cnt, enum state state)
{
	uint32_t i;

	for (i = at; i < at + cnt; i++)
		*page_of(r, i) = (struct page){ .state = state };
}

/* Words of a page, as a program sees them */

static uint64_t read_by_prog(const struct arena *a, enum how how, uint64_t uaddr)
{
	struct op op = { .kind = OP_READ, .cnt = 1, .addr = uaddr };

	run_op(a, how, &op);
	return op.vals[0];
}

static uint64_t add_by_prog(const struct arena *a, enum how how, uint64_t uaddr, uint64_t val)
{
	struct op op = { .kind = OP_ADD, .addr = uaddr, .vals = { val } };

	run_op(a, how, &op);
	return op.ret;
}

static uint64_t or_by_prog(const struct arena *a, enum how how, uint64_t uaddr, uint32_t cnt)
{
	struct op op = { .kind = OP_OR, .cnt = cnt, .addr = uaddr };

	run_op(a, how, &op);
	return op.ret;
}

/* What a touch must end in, as far as the mapping goes. PROT_WRITE includes reading. */
static bool touch_allowed(const struct arena *a, int prot)
{
	return a->mapped && (a->prot & prot) == prot;
}

static int touch_signal(const struct arena *a, const struct page *page, int prot)
{
	if (!touch_allowed(a, prot) || page->state == HELD)
		return SIGSEGV;
	return page->state == ABSENT && a->flags & BPF_F_SEGV_ON_FAULT ? SIGSEGV : 0;
}

/* A touch that went well has brought a page of zeroes. */
static void touched(struct page *page)
{
	if (page->state == ABSENT)
		*page = (struct page){ .state = PAGE };
}

static void expect_value(const struct range *r, uint32_t at, uint32_t word, const char *by,
			 uint64_t got, uint64_t want)
{
	if (got != want)
		finding("page %u of %u (%s), word %u: %s sees %#" PRIx64 " and not %#" PRIx64,
			r->first + at, r->arena->pages, state_names[page_of(r, at)->state], word,
			by, got, want);
}

static void expect_signal(const struct range *r, uint32_t at, const char *what, int got, int want)
{
	if (got != want)
		finding("page %u of %u (%s), flags %#x, mapping %d: a %s gives signal %d and not %d",
			r->first + at, r->arena->pages, state_names[page_of(r, at)->state],
			r->arena->flags, r->arena->mapped ? r->arena->prot : -1, what, got, want);
	if (got)
		count(faults);
}

static void check_by_touch(struct range *r, uint32_t at, uint32_t word)
{
	struct page *page = page_of(r, at);
	int want = touch_signal(r->arena, page, PROT_READ), got;
	uint64_t val = 0;

	got = touch_read(range_at(r, at) + word * 8, &val);
	expect_signal(r, at, "read", got, want);
	if (got)
		return;
	touched(page);
	expect_value(r, at, word, "the process", val, tag_word(page->tag, word));
}

static void check_by_prog(struct range *r, uint32_t at, uint32_t word, enum how how)
{
	struct page *page = page_of(r, at);
	uint64_t val = read_by_prog(r->arena, how, range_at(r, at) + word * 8);

	expect_value(r, at, word, how_names[how], val,
		     page->state == PAGE ? tag_word(page->tag, word) : 0);
}

/* Each word by the process and by a program, in an order that chance decides */
void range_check_page(struct range *r, struct rng *rng, uint32_t at)
{
	uint32_t words[WORDS], i;
	bool touch;

	count(checks);
	pick_words(rng, words);
	for (i = 0; i < WORDS; i++) {
		touch = rng_below(rng, 2);
		if (touch)
			check_by_touch(r, at, words[i]);
		check_by_prog(r, at, words[i], rng_below(rng, HOWS));
		if (!touch && page_of(r, at)->state == PAGE)
			check_by_touch(r, at, words[i]);
	}
}

void range_check_all(struct range *r, struct rng *rng)
{
	uint32_t i;

	for (i = 0; i < r->cnt; i++)
		if (page_of(r, i)->state != ABSENT || one_in(rng, r->cnt / 64 + 1))
			range_check_page(r, rng, i);
}

static void write_by_touch(struct range *r, uint32_t at, uint32_t tag)
{
	struct page *page = page_of(r, at);
	int want = touch_signal(r->arena, page, PROT_READ | PROT_WRITE), got = 0;
	uint32_t word;

	for (word = 0; word < words_of_page() && !got; word++) {
		got = touch_write(range_at(r, at) + word * 8, tag_word(tag, word));
		expect_signal(r, at, "write", got, want);
	}
	if (!got)
		*page = (struct page){ .state = PAGE, .tag = tag };
}

static void write_by_prog(struct range *r, uint32_t at, uint32_t tag, enum how how)
{
	struct op op = { .kind = OP_WRITE, .cnt = OP_VALS, .stride = 8 };
	uint32_t word, i;

	for (word = 0; word < words_of_page(); word += OP_VALS) {
		op.addr = range_at(r, at) + word * 8;
		for (i = 0; i < OP_VALS; i++)
			op.vals[i] = tag_word(tag, word + i);
		run_op(r->arena, how, &op);
		/* nothing there: the first stores are enough to see that they are dropped */
		if (page_of(r, at)->state != PAGE)
			return;
	}
	page_of(r, at)->tag = tag;
}

static void add_to_page(struct range *r, struct rng *rng, uint32_t at)
{
	struct page *page = page_of(r, at);
	uint32_t word = rng_below(rng, words_of_page());
	uint64_t uaddr = range_at(r, at) + word * 8, was, add = rng_next(rng) | 1;
	enum how how = rng_below(rng, HOWS);

	was = page->state == PAGE ? tag_word(page->tag, word) : 0;
	expect_value(r, at, word, "an atomic", add_by_prog(r->arena, how, uaddr, add), was);
	expect_value(r, at, word, "an atomic's inverse", add_by_prog(r->arena, how, uaddr, -add),
		     page->state == PAGE ? was + add : 0);
}

void range_write_page(struct range *r, struct rng *rng, uint32_t at)
{
	uint32_t tag = rng_next(rng) | 1;

	switch (rng_below(rng, 8)) {
	case 0: add_to_page(r, rng, at); break;
	case 1: write_by_prog(r, at, tag, rng_below(rng, HOWS)); break;
	default: write_by_touch(r, at, tag);
	}
}

/* Pages */

/* What has just been allocated is all zeroes. */
void expect_fresh(const struct arena *a, struct rng *rng, uint32_t pgoff, uint32_t cnt,
		  const char *what)
{
	uint32_t i, step = cnt > 8 ? cnt / 8 : 1;
	enum how how = rng_below(rng, HOWS);
	uint64_t words;

	for (i = 0; i < cnt; i += step) {
		words = or_by_prog(a, how, arena_at(a, pgoff + i), words_of_page());
		if (words)
			finding("%s: page %u of %u is not zero but has %#" PRIx64, what, pgoff + i,
				a->pages, words);
	}
}

static void expect_alloc(const struct range *r, enum how how, uint32_t at, uint32_t cnt,
			 uint64_t got, bool is_free)
{
	uint64_t want = is_free ? range_at(r, at) : 0;

	if (got != want && (how == SYSCALL || got))
		finding("%s: allocation of %u pages at page %u of %u, which are %sfree, gives %#" PRIx64
			" and not %#" PRIx64, how_names[how], cnt, r->first + at, r->arena->pages,
			is_free ? "" : "not all ", got, want);
	if (got)
		count(allocs);
	else
		count(failed_allocs);
}

void range_alloc_at(struct range *r, struct rng *rng, enum how how, uint32_t at, uint32_t cnt)
{
	struct op op = { .kind = OP_ALLOC, .cnt = cnt, .addr = range_at(r, at), .node = -1 };
	bool is_free = range_is(r, at, cnt, ABSENT);

	if (one_in(rng, 4))
		op.addr = (uint32_t)op.addr;
	/* an address of 0 means anywhere, which is for others to try */
	if (!op.addr)
		return;
	run_op(r->arena, how, &op);
	expect_alloc(r, how, at, cnt, op.ret, is_free);
	if (!op.ret)
		return;
	range_set(r, at, cnt, PAGE);
	expect_fresh(r->arena, rng, r->first + at, cnt, "allocation");
}

static int64_t reserve(const struct range *r, enum how how, uint32_t at, uint32_t cnt)
{
	struct op op = { .kind = OP_RESERVE, .cnt = cnt, .addr = range_at(r, at) };

	run_op(r->arena, how, &op);
	return op.ret;
}

static void free_pages(const struct range *r, enum how how, uint32_t at, uint32_t cnt)
{
	struct op op = { .kind = OP_FREE, .cnt = cnt, .addr = range_at(r, at) };

	count(frees);
	run_op(r->arena, how, &op);
}

/* A reservation that may sleep ends what is left of old translations. */
static void wait_until_free(const struct range *r, uint32_t at, uint32_t cnt)
{
	int64_t err = reserve(r, SYSCALL, at, cnt);

	if (err)
		finding("%u pages at page %u of %u have been freed: reserving them gives %" PRId64,
			cnt, r->first + at, r->arena->pages, err);
	free_pages(r, SYSCALL, at, cnt);
}

void range_free(struct range *r, struct rng *rng, enum how how, uint32_t at, uint32_t cnt)
{
	free_pages(r, how, at, cnt);
	/* -x: a page that the model keeps */
	if (fuzz.wrong && page_of(r, at)->state == PAGE && page_of(r, at)->tag)
		at++, cnt--;
	range_set(r, at, cnt, ABSENT);
	if (how != SYSCALL && cnt)
		wait_until_free(r, at, cnt);
	if (cnt)
		range_check_page(r, rng, rng_between(rng, at, at + cnt - 1));
}

void range_reserve(struct range *r, struct rng *rng, enum how how, uint32_t at, uint32_t cnt)
{
	int64_t want = range_is(r, at, cnt, ABSENT) ? 0 : -EBUSY, got;

	count(reserves);
	got = reserve(r, how, at, cnt);
	/* no page table yet, and it does not look further */
	if (how != SYSCALL && got == -ENOMEM)
		return;
	if (got != want)
		finding("%s: reserving %u pages at page %u of %u gives %" PRId64 " and not %" PRId64,
			how_names[how], cnt, r->first + at, r->arena->pages, got, want);
	if (!got)
		range_set(r, at, cnt, HELD);
}

/* A process has populated the address, where the model allows it. */
void page_now(struct arena *a, uint32_t pgoff)
{
	touched(&a->model[pgoff]);
}
