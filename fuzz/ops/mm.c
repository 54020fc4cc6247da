// SPDX-License-Identifier: GPL-2.0
/*
 * What a process may do to the mapping of an arena, and what is refused
 *
 * Whatever is called, afterwards there is one VMA from the arena's first address to its
 * last one, or none if it was unmapped as a whole.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include "ops.h"
#include <bpf/bpf_arena.h>

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#define MADV_DONTNEED_LOCKED 24
#endif

/* A part of the mapping, or all of it */
struct part {
	uint64_t uaddr, len;
	uint32_t first, cnt;
	bool whole;
};

static struct part pick_part(const struct arena *a, struct rng *rng)
{
	struct part p;

	p.first = one_in(rng, 4) ? 0 : rng_below(rng, a->pages);
	p.cnt = one_in(rng, 4) ? a->pages - p.first : rng_between(rng, 1, a->pages - p.first);
	p.uaddr = arena_at(a, p.first);
	p.len = (uint64_t)p.cnt * page_size;
	p.whole = p.cnt == a->pages;
	return p;
}

void mm_check_vma(const struct arena *a, const char *after)
{
	uint64_t from = a->base, to = a->base + arena_size(a), start, end;
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	int cnt = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2 ||
		    end <= from || start >= to || !strstr(line, "bpf-map"))
			continue;
		cnt++;
		if (!a->mapped || start != from || end != to)
			finding("after %s the arena is mapped at %#" PRIx64 "-%#" PRIx64
				" and should be%s at %#" PRIx64 "-%#" PRIx64, after, start, end,
				a->mapped ? "" : " nowhere, not", from, to);
	}
	if (f)
		fclose(f);
	if (cnt != a->mapped)
		finding("after %s the arena has %d mappings", after, cnt);
}

/* err, errno, is one of two; 0 is success */
static void expect_errno(const char *what, int err, int want, int or)
{
	if (err != want && err != or)
		finding("%s gives %s and not %s", what, err ? strerror(err) : "success",
			want ? strerror(want) : "success");
}

static int err_of(long ret)
{
	return ret == -1 ? errno : 0;
}

static void try_munmap(struct arena *a, struct rng *rng)
{
	struct part p = pick_part(a, rng);

	if (!p.whole) {
		expect_errno("munmap of a part", err_of(munmap((void *)p.uaddr, p.len)), EINVAL,
			     EINVAL);
		return;
	}
	arena_unmap(a, one_in(rng, 2));
}

static void try_map_over(struct arena *a, struct rng *rng)
{
	struct part p = pick_part(a, rng);
	void *ret;

	if (p.whole)
		return;
	ret = mmap((void *)p.uaddr, p.len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
	expect_errno("MAP_FIXED over a part", err_of((long)ret), ENOMEM, EINVAL);
}

static void try_mprotect(struct arena *a, struct rng *rng)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC };
	struct part p = pick_part(a, rng);
	int prot = rng_pick(rng, prots), want = 0, err;

	if (prot == a->prot)
		return;
	if (prot & PROT_EXEC || (prot & PROT_WRITE && !a->may_write))
		want = EACCES;
	else if (!p.whole)
		want = EINVAL;
	err = err_of(mprotect((void *)p.uaddr, p.len, prot));
	expect_errno(p.whole ? "mprotect" : "mprotect of a part", err, want,
		     p.whole ? want : EINVAL);
	if (!err)
		a->prot = prot;
}

static void try_mremap(struct arena *a, struct rng *rng)
{
	struct part p = pick_part(a, rng);
	uint64_t len = p.len, elsewhere;
	int flags = 0;
	void *ret;

	elsewhere = (uint64_t)mmap(NULL, page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	switch (rng_below(rng, 4)) {
	case 0: flags = MREMAP_MAYMOVE, len += page_size; break;
	case 1: flags = MREMAP_MAYMOVE | MREMAP_FIXED; break;
	case 2: flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP; break;
	case 3: len = page_size; break;
	}
	if (len == p.len && !flags)
		goto out;	/* nothing to do, which is allowed */
	if (flags & MREMAP_FIXED)
		len = page_size;
	ret = mremap((void *)p.uaddr, p.len, len, flags, (void *)elsewhere);
	/* the kernel's own checks come first, and know EFAULT and ENOMEM */
	expect_errno("mremap", err_of((long)ret), EINVAL, len > p.len ? EFAULT : EINVAL);
out:
	munmap((void *)elsewhere, page_size);
}

/* A second mapping in this process, and mappings that are none of an arena */
static void try_mmap(struct arena *a, struct rng *rng)
{
	uint64_t addr = a->base, len = arena_size(a), off = 0;
	int flags = MAP_SHARED, want = EBUSY;
	void *ret;

	switch (rng_below(rng, 8)) {
	case 0: addr = 0; break;
	case 1: break;
	case 2: flags |= MAP_FIXED_NOREPLACE, want = EEXIST; break;
	case 3: flags = MAP_PRIVATE, want = EINVAL; break;
	case 4: off = page_size, want = EINVAL; break;
	case 5: len += page_size, want = E2BIG; break;
	case 6: len -= page_size, want = EINVAL; break;
	case 7: addr += page_size, want = EINVAL, flags |= rng_below(rng, 2) ? MAP_FIXED : 0; break;
	}
	ret = mmap((void *)addr, len, PROT_READ | PROT_WRITE, flags, a->fd, off);
	expect_errno("a mmap that is wrong", err_of((long)ret), want,
		     len > 1ULL << 32 || !len ? EINVAL : want);
}

/* Would a fault at each of these pages bring one, or find one? */
static bool can_populate(const struct arena *a, const struct part *p, int prot)
{
	uint32_t i;

	if (!a->mapped || (a->prot & prot) != prot || p->cnt > 64)
		return false;
	for (i = p->first; i < p->first + p->cnt; i++)
		if (a->model[i].state == HELD ||
		    (a->model[i].state == ABSENT && a->flags & BPF_F_SEGV_ON_FAULT))
			return false;
	return true;
}

static void populated(struct arena *a, const struct part *p)
{
	uint32_t i;

	for (i = p->first; i < p->first + p->cnt; i++)
		page_now(a, i);
}

static void try_populate(struct arena *a, struct rng *rng)
{
	bool write = rng_below(rng, 2), lock = one_in(rng, 3);
	struct part p = pick_part(a, rng);
	int err;

	p.cnt = p.cnt > 16 ? 16 : p.cnt;
	p.len = (uint64_t)p.cnt * page_size;
	if (!can_populate(a, &p, PROT_READ | (write ? PROT_WRITE : 0)))
		return;
	if (lock) {
		err = err_of(mlock((void *)p.uaddr, p.len));
		munlock((void *)p.uaddr, p.len);
	} else {
		err = err_of(madvise((void *)p.uaddr, p.len,
				     write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ));
	}
	expect_errno(lock ? "mlock" : "MADV_POPULATE", err, 0, 0);
	populated(a, &p);
}

/* Advice that does nothing to the pages, whether it is taken or not */
static void try_madvise(struct arena *a, struct rng *rng)
{
	static const int advices[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED,
		MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
		MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP,
		MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT,
		MADV_DONTNEED_LOCKED,
	};
	struct part p = pick_part(a, rng);
	int advice = rng_pick(rng, advices), err;

	err = err_of(madvise((void *)p.uaddr, p.len, advice));
	if (advice == MADV_DOFORK)
		expect_errno("MADV_DOFORK", err, EINVAL, EINVAL);
	else if (advice == MADV_DONTNEED)
		expect_errno("MADV_DONTNEED", err, 0, 0);
	/* so that the next round begins as this one did */
	madvise((void *)a->base, arena_size(a), MADV_NORMAL);
}

/* The arena as a file, and by another process's eyes */
static void try_read(struct arena *a, struct rng *rng)
{
	uint32_t pgoff = rng_below(rng, a->pages), word = rng_below(rng, page_size / 8);
	const struct page *page = &a->model[pgoff];
	off_t pos = (off_t)pgoff * page_size;
	uint64_t val = -1, want = page->state == PAGE ? tag_word(page->tag, word) : 0;

	/* no pread(): what is made by anon_inode_getfd() does not have it */
	lseek(a->fd, pos + word * 8, SEEK_SET);
	if (read(a->fd, &val, sizeof(val)) != sizeof(val) || val != want)
		finding("read() of page %u of %u gives %#" PRIx64 " and not %#" PRIx64, pgoff,
			a->pages, val, want);
	if (lseek(a->fd, pos, SEEK_HOLE) != pos && page->state != PAGE)
		finding("lseek() takes page %u of %u for one that is there", pgoff, a->pages);
	if (lseek(a->fd, pos, SEEK_DATA) == pos && page->state != PAGE)
		finding("lseek() finds data at page %u of %u", pgoff, a->pages);
	if (page->state == PAGE && lseek(a->fd, pos, SEEK_DATA) != pos)
		finding("lseek() does not find page %u of %u", pgoff, a->pages);
}

static void try_process_vm(struct arena *a, struct rng *rng)
{
	uint32_t pgoff = rng_below(rng, a->pages);
	struct page *page = &a->model[pgoff];
	uint64_t val = -1;
	struct iovec to = { &val, sizeof(val) }, from = { (void *)arena_at(a, pgoff), sizeof(val) };
	bool can = a->mapped && a->prot & PROT_READ && page->state != HELD &&
		   !(page->state == ABSENT && a->flags & BPF_F_SEGV_ON_FAULT);
	ssize_t got;

	got = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	if (got != (can ? (ssize_t)sizeof(val) : -1))
		finding("process_vm_readv() of page %u of %u gives %zd: %m", pgoff, a->pages, got);
	if (!can)
		return;
	page_now(a, pgoff);
	if (val != tag_word(page->tag, 0))
		finding("process_vm_readv() of page %u of %u reads %#" PRIx64, pgoff, a->pages, val);
}

static const struct {
	const char *name;
	void (*try)(struct arena *a, struct rng *rng);
} tries[] = {
	{ "munmap", try_munmap },
	{ "MAP_FIXED", try_map_over },
	{ "mprotect", try_mprotect },
	{ "mremap", try_mremap },
	{ "mmap", try_mmap },
	{ "populate", try_populate },
	{ "madvise", try_madvise },
	{ "read", try_read },
	{ "process_vm_readv", try_process_vm },
};

/* What is unmapped comes back the next time. */
void mm_op(struct arena *a, struct rng *rng)
{
	uint32_t i = rng_below(rng, ARRAY_SIZE(tries));

	count(mm_calls);
	if (!a->mapped) {
		arena_map(a, one_in(rng, 4) ? PROT_READ : PROT_READ | PROT_WRITE);
		mm_check_vma(a, "mmap");
		return;
	}
	tries[i].try(a, rng);
	mm_check_vma(a, tries[i].name);
}
