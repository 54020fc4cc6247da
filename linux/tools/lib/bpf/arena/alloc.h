/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_ALLOC_H__
#define __BPF_ARENA_ALLOC_H__

/*
 * A heap in an arena: malloc() and free() for programs and processes.
 *
 * Either side frees what the other one allocated, on any CPU and in any context, NMIs
 * as well: there is no lock. Each step is one atomic; whoever interrupts the caller
 * between two steps finds a heap that works.
 *
 *	cpu[n].cache[class]     class[c].batches        map: a bit for each page
 *	   |                       |                       1 = free
 *	   v                       v
 *	  obj -> obj -> obj       obj -> obj -> obj        page[]: what each page is
 *	                           | link                  part of
 *	                           v
 *	                          obj -> obj
 *
 * Sizes up to 8 KiB are rounded up to one of 32 classes, four to each doubling. Objects of a
 * class are cut from spans of 1 to 7 pages. Free ones lie in a stack for each CPU: to
 * allocate takes all of the stack by an xchg, and puts back all but the first; to free
 * pushes one. So nothing is ever popped from a list that somebody else could change
 * meanwhile. Any thread may use the stack of any CPU; that of its own is the one whose cache
 * line is near. A stack that is full goes to the class as a batch, and one that is empty is
 * replaced by a batch, by a new span, or, if there is no page, by another CPU's stack. What the
 * class hands out as a whole is popped, by a word that has a number of 32 bits beside the
 * pointer, which every change increments.
 *
 * Larger sizes are whole pages, found in the bitmap. A page that has become a part of a span stays
 * that: memory of free objects serves their class alone.
 *
 * A page here has 4 KiB, whatever the kernel's have. The heap gets memory by
 * arena_heap_add(), and a program may call arena_heap_grow(); arena_malloc() never does, so it
 * takes a bounded time and may be called where the kernel gives no pages (with kernels
 * before this one's: in programs that may not sleep). Fill the heap before, or grow it
 * elsewhere when arena_heap_low().
 *
 * A free object says so in its second word, with a secret number. A second free finds it, and
 * so does one that races with the first, for the word is exchanged. It is not found once the
 * object has been allocated again, or written to. A pointer that is not the beginning of an
 * object is found by what its page is part of.
 *
 * Nothing in the heap is trusted. Scribbling makes objects disappear or overlap, or frees fail;
 * no loop is longer for it, and a process touches nothing outside of the arena.
 *
 * A process that dies within malloc() or free() leaks what it had in its hands: an object, or
 * the stack of one CPU and class, ARENA_HEAP_STACK bytes. The heap stays consistent.
 */

#include "common.h"
#include "bitmap.h"

#define ARENA_HEAP_SHIFT   12
#define ARENA_HEAP_PAGE	   (1U << ARENA_HEAP_SHIFT)
#define ARENA_HEAP_CLASSES 32
#define ARENA_HEAP_MAX	   8192		/* the largest class */
#define ARENA_HEAP_STACK   16384	/* bytes in a CPU's stack of one class */

/* Stacks of objects, a power of two: CPU n uses number n % ARENA_HEAP_CPUS */
#ifndef ARENA_HEAP_CPUS
#define ARENA_HEAP_CPUS 64
#endif

/* A free object */
struct arena_heap_free {
	__u32 next;		/* low half of an address, as all links here */
	__u32 link;		/* the next batch */
	__u64 mark;		/* secret; in the low 16 bits the size of a batch, in 16 bytes */
};

/* One for each class; a line of its own, which only batches and spans change */
struct arena_heap_class {
	__u64 batches;		/* number of changes << 32 | first object of the first batch */
	__u64 carved;		/* objects in spans */
	__u64 batched;		/* size of all batches, in 16 bytes */
	__u64 pad[5];
};

struct arena_heap_cpu {
	__u64 cache[ARENA_HEAP_CLASSES]; /* size of all, in 16 bytes, << 32 | first one */
};

/*
 * What a page is part of, made for arena_free(), which does little with it:
 *
 *	63          32 31      16 15    12 11  8 7         0
 *	inverse        size / 16  number   pages class * 8	of a span
 *	0              number of pages << 8     0xff		first page of a large object
 *	0						else
 *
 * number: of the page in its span, which has that many pages. inverse: 2^32 / size, rounded up. What begins n bytes after its
 * span does is an object if n * inverse, in 32 bits, is less than inverse: if n is k * size,
 * n * inverse is k * 2^32 and less than k * size more, and k * size is less than 2^15; if not,
 * it is at least inverse more, and that is at least 2^19.
 */
#define __ARENA_PAGE_LARGE 0xff

static __always_inline __u64 __arena_page_span(__u32 class, __u32 size, __u32 nr, __u32 pages)
{
	return ((0xffffffffULL / size) + 1) << 32 | size / 16 << 16 | nr << 12 | pages << 8 |
	       class * 8;
}

struct arena_heap {
	/* never changes after arena_heap_init() */
	__u64 secret;
	__u32 start;		/* low half of the first page's address */
	__u32 nr_pages;
	__u32 own;		/* low half of the heap's own address */
	/* changes, rarely */
	__u64 hint __attribute__((aligned(64)));
	__u64 added;		/* pages */
	__u64 taken;		/* pages in spans and large objects */
	__u64 failed;
	__u64 freed_twice;
	__u64 freed_foreign;
	__u64 lost;		/* bytes */
	struct arena_heap_class class[ARENA_HEAP_CLASSES] __attribute__((aligned(64)));
	struct arena_heap_cpu cpu[ARENA_HEAP_CPUS];
	__u64 page[];		/* then the bitmap */
};

/**
 * struct arena_heap_stats - what a heap holds
 * @pages: 4 KiB pages that were added
 * @pages_free: of these, in no span and in no large object
 * @pages_large: in large objects
 * @objects: objects of classes in use, and
 * @bytes: their bytes, rounded up to the class
 * @cached: free objects, and
 * @bytes_cached: their bytes
 * @failed: calls that returned NULL
 * @freed_twice: calls of arena_free() that found a free object
 * @freed_foreign: calls of arena_free() with something that is no object
 * @lost: bytes that nobody can allocate any more: of objects that no stack took, as others
 *     changed it ARENA_TRIES times, and of large objects, see arena_free()
 *
 * Taken while others allocate and free, the numbers need not fit together.
 */
struct arena_heap_stats {
	__u64 pages, pages_free, pages_large;
	__u64 objects, bytes, cached, bytes_cached;
	__u64 failed, freed_twice, freed_foreign, lost;
};

static __always_inline __u32 __arena_class_of(__u64 size)
{
	__u32 shift;

	if (size <= 128)
		return size ? (size + 15) / 16 - 1 : 0;
	shift = 63 - __builtin_clzll(size - 1);
	return 8 + (shift - 7) * 4 + ((size - 1) >> (shift - 2)) - 4;
}

static __always_inline __u32 __arena_class_size(__u32 class)
{
	if (class < 8)
		return (class + 1) * 16;
	return ((class - 8) % 4 + 5) << ((class - 8) / 4 + 5);
}

/* Pages of a span: so many that little is left over */
static __always_inline __u32 __arena_class_pages(__u32 class)
{
	if (class < 16 || __arena_class_size(class) < 640)
		return 1;
	switch (class % 4) {
	case 0:
		return 5;
	case 1:
		return 3;
	case 2:
		return 7;
	}
	return class == ARENA_HEAP_CLASSES - 1 ? 2 : 1;
}

/* The low half of @low says where */
static __always_inline struct arena_heap_free __arena *__arena_free_at(__u64 low)
{
	return (struct arena_heap_free __arena *)arena_at(low);
}

static __always_inline __u64 __arena *__arena_heap_map(struct arena_heap __arena *heap, __u32 pages)
{
	return &heap->page[pages];
}

/* Are heap and tables for @pages pages in the arena? */
static __always_inline int __arena_heap_ok(struct arena_heap __arena *heap, __u32 pages)
{
	return arena_ok(heap, sizeof(*heap) + pages * 8ULL + ARENA_BITMAP_WORDS(pages) * 8);
}

/**
 * arena_heap_size() - memory that a heap takes for itself
 * @bytes: size of the range that it serves
 *
 * A program gets this much from bpf_arena_alloc_pages(), as one allocation.
 *
 * Return: bytes; 2 KiB + 256 * ARENA_HEAP_CPUS, and about 1/500 of @bytes.
 */
static __always_inline __u64 arena_heap_size(__u64 bytes)
{
	__u64 pages = bytes >> ARENA_HEAP_SHIFT;

	return sizeof(struct arena_heap) + pages * 8 + ARENA_BITMAP_WORDS(pages) * 8;
}

/**
 * arena_heap_init() - make an empty heap
 * @heap: arena_heap_size() bytes of zeroes, aligned to a cache line, on pages that exist
 * @start: where the range begins that the heap serves, aligned to 4 KiB; the whole arena is best
 * @bytes: its size, up to 4 GiB
 * @secret: a random number; free objects carry it
 *
 * The range need not exist: arena_heap_add() says which parts do.
 *
 * Context: any, both sides; nobody else uses it yet.
 * Return: 0; -EINVAL; -EFAULT: no memory is there for the heap's tables.
 */
static inline int arena_heap_init(struct arena_heap __arena *heap, void __arena *start,
				  __u64 bytes, __u64 secret)
{
	__u32 pages = bytes >> ARENA_HEAP_SHIFT;
	__u64 __arena *last;

	if ((__u64)start % ARENA_HEAP_PAGE || (__u64)heap % 64 || !pages || bytes > 1ULL << 32)
		return -EINVAL;
	if (!__arena_heap_ok(heap, pages))
		return -EFAULT;
	last = __arena_heap_map(heap, pages) + (pages - 1) / 64;
	arena_write_once(last, 1);
	if (arena_read_once(last) != 1)
		return -EFAULT;
	arena_write_once(last, 0);
	heap->secret = secret << 16 | 1ULL << 63;
	heap->start = arena_low(start);
	heap->own = arena_low(heap);
	heap->nr_pages = pages;
	arena_mb();
	return 0;
}

__arena_large int __arena_heap_add(__arg_arena struct arena_heap __arena *heap, __u32 low,
				   __u64 bytes)
{
	__u32 off = low - arena_read_once(&heap->start), lead = -off % ARENA_HEAP_PAGE;
	__u32 nr_pages = arena_read_once(&heap->nr_pages), first, n, i;
	__u32 own_bytes = arena_heap_size((__u64)nr_pages << ARENA_HEAP_SHIFT);
	__u64 __arena *word;

	if (bytes < lead)
		return -EINVAL;
	first = (__u64)(off + lead) >> ARENA_HEAP_SHIFT;
	n = (bytes - lead) >> ARENA_HEAP_SHIFT;
	if (bytes >> 32 || first >= nr_pages || n > nr_pages - first)
		return -EINVAL;
	/* the heap's own tables begin in the range, or the range in them */
	if (heap->own - low < bytes || low - heap->own < own_bytes)
		return -EINVAL;
	if (!__arena_heap_ok(heap, nr_pages))
		return -EFAULT;
	arena_rounds(i, n) {
		/* half of an address that is 0 is NULL */
		if (!(arena_read_once(&heap->start) + ((first + i) << ARENA_HEAP_SHIFT)))
			continue;
		word = (__u64 __arena *)arena_at(arena_read_once(&heap->start) +
						 ((first + i) << ARENA_HEAP_SHIFT));
		if (!arena_ok(word, ARENA_HEAP_PAGE))
			return -EFAULT;
		if (arena_read_once(&heap->page[first + i]))
			return -EBUSY;
		arena_write_once(word, ~0ULL);
		if (arena_read_once(word) != ~0ULL)
			return -EFAULT;
		if (arena_bitmap_set(__arena_heap_map(heap, nr_pages), first + i))
			return -EBUSY;
		arena_fetch_add(&heap->added, 1);
	}
	return i < n ? -EAGAIN : 0;
}

/**
 * arena_heap_add() - give memory to a heap
 * @heap: the heap
 * @p: where the memory is: pages that exist, that lie in the range which the heap serves, and that
 *     nobody else uses
 * @bytes: its size; parts of 4 KiB pages at both ends are left out, and so is a page whose address is a
 *     multiple of 4 GiB
 *
 * Context: any, both sides; a round for each page. In a process a page that does not exist
 * yet appears.
 * Return: 0; -EINVAL: not in the heap's range, or the heap lies there itself; -EBUSY: a page is in
 * the heap already (not found if it is in a large object, and not its first one); -EFAULT: a page does not exist; -EAGAIN: a program's time is over. Pages
 * before that one are the heap's then.
 */
static __always_inline int arena_heap_add(struct arena_heap __arena *heap, void __arena *p,
					  __u64 bytes)
{
	return __arena_heap_add(heap, arena_low(p), bytes);
}

#ifdef __ARENA_BPF__
/**
 * arena_heap_grow() - give a heap new pages of the arena
 * @heap: the heap
 * @map: the address of the arena's map
 * @pages: how many of the kernel's pages
 *
 * Programs only, in a context where bpf_arena_alloc_pages() works: any with this kernel, where
 * it gives at most 32 to a program that may not sleep.
 *
 * Return: 0; -ENOMEM; as arena_heap_add(). Pages that lie outside of the heap's range are given back.
 */
#define arena_heap_grow(heap, map, pages)				\
	({								\
		__u32 __n = (pages);					\
		void __arena *__p = bpf_arena_alloc_pages(map, NULL, __n, -1, 0); \
		int __err = -ENOMEM;					\
									\
		if (__p)						\
			__err = arena_heap_add(heap, __p, (__u64)__n * arena_page_size()); \
		if (__err == -EINVAL)					\
			bpf_arena_free_pages(map, __p, __n);		\
		__err;							\
	})
#endif

/* Puts a chain of objects, @n * 16 bytes of them, from @first on the class's stack of batches */
static __always_inline int __arena_batch_push(struct arena_heap __arena *heap, __u32 class,
					      __u32 first, __u32 n)
{
	struct arena_heap_free __arena *obj = __arena_free_at(first);
	__u64 __arena *stack = &heap->class[class].batches;
	__u64 old = arena_read_once(stack), seen;
	__u32 i;

	if (!arena_ok(obj, sizeof(*obj)))
		return -EFAULT;
	arena_write_once(&obj->mark, arena_read_once(&heap->secret) | (n & 0xffff));
	arena_write_once(&obj->link, (__u32)old);
	seen = arena_cmpxchg(stack, old, ((old >> 32) + 1) << 32 | first);
	if (seen != old)
		arena_rounds(i, ARENA_TRIES) {
			old = seen;
			arena_write_once(&obj->link, (__u32)old);
			seen = arena_cmpxchg(stack, old, ((old >> 32) + 1) << 32 | first);
			if (seen == old)
				break;
		}
	if (seen != old)
		return -EAGAIN;
	arena_fetch_add(&heap->class[class].batched, n);
	return 0;
}

/* Takes a batch: a chain, as a CPU's stack is one word: size << 32 | first; 0 if there is none */
static __always_inline __u64 __arena_batch_pop(struct arena_heap __arena *heap, __u32 class)
{
	__u64 __arena *stack = &heap->class[class].batches;
	__u64 old = arena_load_acquire(stack), seen;
	struct arena_heap_free __arena *obj;
	__u32 i, n;

	arena_rounds(i, ARENA_TRIES) {
		obj = __arena_free_at(old);
		if (!obj || !arena_ok(obj, sizeof(*obj)))
			return 0;
		/* may be somebody's by now: then the number has changed */
		n = arena_read_once(&obj->mark) & 0xffff;
		seen = arena_cmpxchg(stack, old, ((old >> 32) + 1) << 32 |
				     arena_read_once(&obj->link));
		if (seen == old) {
			arena_fetch_add(&heap->class[class].batched, -(__u64)n);
			return (__u64)n << 32 | (__u32)old;
		}
		old = seen;
	}
	return 0;
}

/* A chain goes to a CPU's stack, or becomes a batch if that is not empty */
__arena_large int __arena_chain_return(__arg_arena struct arena_heap __arena *heap, __u32 cpu,
				       __u32 class, __u64 chain)
{
	if (class >= ARENA_HEAP_CLASSES || cpu >= ARENA_HEAP_CPUS)
		return 0;
	if (!arena_cmpxchg(&heap->cpu[cpu].cache[class], 0, chain))
		return 0;
	if (__arena_batch_push(heap, class, chain, chain >> 32))
		arena_fetch_add(&heap->lost, (chain >> 32) * 16);
	return 0;
}

/*
 * Clears a run of @n bits of the bitmap, near where the last one was found. Inline, as its
 * callers are: a program has 8 frames, of which malloc takes three.
 */
static __always_inline __u32 __arena_pages_take(struct arena_heap __arena *heap, __u32 n)
{
	__u32 pages = arena_read_once(&heap->nr_pages), hint = arena_read_once(&heap->hint), bit;

	if (!__arena_heap_ok(heap, pages) || n > pages)
		return ~0U;
	/* most of the time a full heap is known to be one without a search */
	if (arena_read_once(&heap->added) - arena_read_once(&heap->taken) < n)
		return ~0U;
	bit = arena_bitmap_claim(__arena_heap_map(heap, pages), pages, n, 1, hint);
	if (bit >= pages && hint)
		bit = arena_bitmap_claim(__arena_heap_map(heap, pages), pages, n, 1, 0);
	if (bit >= pages)
		return ~0U;
	arena_write_once(&heap->hint, bit + n);
	arena_fetch_add(&heap->taken, n);
	return bit;
}

/* Those beyond the first word are lost if a program's time is over, and the rest if hostile */
static __always_inline void __arena_pages_give(struct arena_heap __arena *heap, __u32 bit, __u32 n)
{
	__u32 pages = arena_read_once(&heap->nr_pages), done;

	if (!__arena_heap_ok(heap, pages) || bit >= pages || n > pages - bit)
		return;
	done = __arena_bits_flip_run(__arena_heap_map(heap, pages), bit, n, 0);
	arena_fetch_add(&heap->taken, -(__u64)done);
	if (done < n)
		arena_fetch_add(&heap->lost, (__u64)(n - done) << ARENA_HEAP_SHIFT);
}

/* Cuts a new span into a chain of objects; 0 */
static __always_inline __u64 __arena_span_make(struct arena_heap __arena *heap, __u32 class)
{
	__u32 size, pages, n, bit, low, i;
	struct arena_heap_free __arena *obj;

	size = __arena_class_size(class);
	pages = __arena_class_pages(class);
	bit = __arena_pages_take(heap, pages);
	if (bit == ~0U)
		return 0;
	low = arena_read_once(&heap->start) + (bit << ARENA_HEAP_SHIFT);
	if (!arena_ok(__arena_free_at(low), pages * ARENA_HEAP_PAGE))
		return 0;
	arena_rounds(i, pages)
		arena_write_once(&heap->page[bit + i], __arena_page_span(class, size, i, pages));
	n = pages * ARENA_HEAP_PAGE / size;
	arena_rounds(i, n) {
		obj = __arena_free_at(low + i * size);
		arena_write_once(&obj->next, i + 1 < n ? low + (i + 1) * size : 0);
		arena_write_once(&obj->mark, arena_read_once(&heap->secret));
	}
	if (i < n) { /* no more time */
		for (i = 0; i < 7; i++)
			if (i < pages)
				arena_write_once(&heap->page[bit + i], 0);
		__arena_pages_give(heap, bit, pages);
		return 0;
	}
	arena_fetch_add(&heap->class[class].carved, n);
	return (__u64)n * (size / 16) << 32 | low;
}

/* The chain without its first object */
static __always_inline __u64 __arena_chain_rest(__u32 class, __u64 chain, __u32 next)
{
	return chain - (__u32)chain + next - ((__u64)__arena_class_size(class) / 16 << 32);
}

/* Takes another CPU's stack; 0 if all are empty */
static __always_inline __u64 __arena_chain_steal(struct arena_heap __arena *heap, __u32 class)
{
	__u64 __arena *cache;
	__u64 all;
	__u32 i;

	arena_rounds(i, ARENA_HEAP_CPUS) {
		cache = &heap->cpu[i].cache[class];
		if (!(__u32)arena_read_once(cache))
			continue;
		all = arena_xchg(cache, 0);
		if ((__u32)all)
			return all;
	}
	return 0;
}

/* The first object of a batch, a new span or another's stack; the rest goes to the CPU's stack */
__arena_large __u64 __arena_malloc_slow(__arg_arena struct arena_heap __arena *heap, __u32 class)
{
	struct arena_heap_free __arena *obj;
	__u64 chain;
	__u32 next;

	if (class >= ARENA_HEAP_CLASSES)
		return 0;
	chain = __arena_batch_pop(heap, class);
	if (!chain)
		chain = __arena_span_make(heap, class);
	if (!chain)
		chain = __arena_chain_steal(heap, class);
	obj = __arena_free_at(chain);
	if (!obj || !arena_ok(obj, __arena_class_size(class))) {
		arena_fetch_add(&heap->failed, 1);
		return 0;
	}
	next = arena_read_once(&obj->next);
	arena_write_once(&obj->mark, 0);
	if (next)
		__arena_chain_return(heap, arena_cpu() % ARENA_HEAP_CPUS, class,
				     __arena_chain_rest(class, chain, next));
	return (__u64)obj;
}

/* Whole pages, of which the first is at a multiple of @align, a power of two */
__arena_large __u64 __arena_malloc_large(__arg_arena struct arena_heap __arena *heap, __u64 size,
					 __u64 align)
{
	__u32 n, bit, more = 0, skip = 0;
	__u64 p;

	if (!size || size >> 32 || align >> 32)
		goto none;
	n = (size + ARENA_HEAP_PAGE - 1) >> ARENA_HEAP_SHIFT;
	if (align > ARENA_HEAP_PAGE)
		more = (align >> ARENA_HEAP_SHIFT) - 1;
	bit = __arena_pages_take(heap, n + more);
	if (bit == ~0U)
		goto none;
	if (more) {
		skip = (arena_read_once(&heap->start) >> ARENA_HEAP_SHIFT) + bit;
		skip = -skip & more;
		if (skip)
			__arena_pages_give(heap, bit, skip);
		if (more - skip)
			__arena_pages_give(heap, bit + skip + n, more - skip);
		bit += skip;
	}
	p = (__u64)__arena_free_at(arena_read_once(&heap->start) + (bit << ARENA_HEAP_SHIFT));
	if (!arena_ok((void __arena *)p, size))
		goto none;
	arena_store_release(&heap->page[bit], (__u64)n << 8 | __ARENA_PAGE_LARGE);
	return p;
none:
	arena_fetch_add(&heap->failed, 1);
	return 0;
}

static __always_inline void __arena *__arena_malloc_class(struct arena_heap __arena *heap,
							   __u32 class)
{
	__u32 cpu = arena_cpu() % ARENA_HEAP_CPUS, next;
	__u64 __arena *cache = &heap->cpu[cpu].cache[class];
	__u64 all = arena_xchg(cache, 0);
	struct arena_heap_free __arena *obj = __arena_free_at(all);

	if (!obj || !arena_ok(obj, __arena_class_size(class)))
		return (void __arena *)__arena_malloc_slow(heap, class);
	next = arena_read_once(&obj->next);
	arena_write_once(&obj->mark, 0);
	if (!next)
		return (void __arena *)obj;
	all = __arena_chain_rest(class, all, next);
	if (arena_cmpxchg(cache, 0, all))
		__arena_chain_return(heap, cpu, class, all);
	return (void __arena *)obj;
}

/**
 * arena_malloc() - allocate memory
 * @heap: the heap
 * @size: bytes; 0 is as good as 1
 *
 * The memory is aligned to 16 bytes, and to the largest power of two that divides the size of
 * its class: to 64 if @size is. Its contents are undefined.
 *
 * Context: any, both sides.
 * Return: its address; NULL: there is none, or a search took too long.
 */
static __always_inline void __arena *arena_malloc(struct arena_heap __arena *heap, __u64 size)
{
	if (size > ARENA_HEAP_MAX)
		return (void __arena *)__arena_malloc_large(heap, size, 1);
	return __arena_malloc_class(heap, __arena_class_of(size));
}

/* Is @off the offset of an object in a span? @page: what its page is part of */
static __always_inline int __arena_object(__u32 off, __u64 page)
{
	__u32 in_span = (off & (ARENA_HEAP_PAGE - 1)) | (page & 0x7000), inverse = page >> 32;

	/* not what is left over at the end of the span */
	return in_span * inverse < inverse &&
	       in_span + (__u32)(page >> 12 & 0xffff0) <= (page & 0xf00) << 4;
}

/* What the page at @off from the heap's start is part of; 0 */
static __always_inline __u64 __arena_page_of(struct arena_heap __arena *heap, __u32 off)
{
	__u32 page = off >> ARENA_HEAP_SHIFT;

	if (page >= arena_read_once(&heap->nr_pages) || !arena_ok(&heap->page[page], sizeof(__u64)))
		return 0;
	return arena_read_once(&heap->page[page]);
}

/* A large object, or none */
__arena_large int __arena_free_slow(__arg_arena struct arena_heap __arena *heap, __u32 off)
{
	__u64 page = __arena_page_of(heap, off);
	__u32 nr = off >> ARENA_HEAP_SHIFT;

	if ((page & 0xff) != __ARENA_PAGE_LARGE || page >> 32 || off % ARENA_HEAP_PAGE ||
	    arena_cmpxchg(&heap->page[nr], page, 0) != page) {
		arena_fetch_add(&heap->freed_foreign, 1);
		return -EINVAL;
	}
	__arena_pages_give(heap, nr, page >> 8);
	return 0;
}

/* The chain @old with an object from @page before it */
static __always_inline __u64 __arena_chain_with(__u64 page, __u64 old, __u32 low)
{
	return (old >> 32 << 32) + ((page & 0xffff0000) << 16) + low;
}

/* The stack is full: all of it becomes a batch */
__arena_large int __arena_spill(__arg_arena struct arena_heap __arena *heap, __u32 cpu, __u32 class)
{
	__u64 all;

	if (class >= ARENA_HEAP_CLASSES || cpu >= ARENA_HEAP_CPUS)
		return 0;
	all = arena_xchg(&heap->cpu[cpu].cache[class], 0);
	if ((__u32)all && __arena_batch_push(heap, class, all, all >> 32))
		__arena_chain_return(heap, cpu, class, all);
	return 0;
}

/* The first push did not succeed. @page: what the object's page is part of */
__arena_large int __arena_push_slow(__arg_arena struct arena_heap __arena *heap, __u32 cpu,
				    __u64 page, __u32 low)
{
	struct arena_heap_free __arena *obj = __arena_free_at(low);
	__u32 class = (page & 0xff) / 8, i;
	__u64 __arena *cache;
	__u64 old, seen;

	if (class >= ARENA_HEAP_CLASSES || cpu >= ARENA_HEAP_CPUS)
		return 0;
	cache = &heap->cpu[cpu].cache[class];
	old = arena_read_once(cache);
	arena_write_once(&obj->next, (__u32)old);
	seen = arena_cmpxchg(cache, old, __arena_chain_with(page, old, low));
	if (seen == old)
		return 0;
	arena_rounds(i, ARENA_TRIES) {
		old = seen;
		arena_write_once(&obj->next, (__u32)old);
		seen = arena_cmpxchg(cache, old, __arena_chain_with(page, old, low));
		if (seen == old)
			return 0;
	}
	arena_fetch_add(&heap->lost, (page >> 12) & 0xffff0);
	return 0;
}

__arena_large int __arena_free_twice(__arg_arena struct arena_heap __arena *heap, __u32 low,
				     __u64 mark)
{
	struct arena_heap_free __arena *obj = __arena_free_at(low);

	/* it may be the first one of a batch */
	arena_cmpxchg(&obj->mark, arena_read_once(&heap->secret), mark);
	arena_fetch_add(&heap->freed_twice, 1);
	return -EINVAL;
}

/* Pushes an object on the CPU's stack. @page: what its page is part of */
static __always_inline int __arena_free_object(struct arena_heap __arena *heap, __u32 low,
					       __u64 page,
					       struct arena_heap_free __arena *obj)
{
	__u64 old, new, mark, secret = arena_read_once(&heap->secret);
	__u64 __arena *cache;
	__u32 cpu;

	mark = arena_xchg(&obj->mark, secret);
	if ((mark ^ secret) < 1 << 16)
		return __arena_free_twice(heap, low, mark);
	cpu = arena_cpu() % ARENA_HEAP_CPUS;
	cache = (__u64 __arena *)((char __arena *)&heap->cpu[cpu] + (page & 0xf8));
	old = arena_read_once(cache);
	arena_write_once(&obj->next, (__u32)old);
	new = __arena_chain_with(page, old, low);
	if (arena_cmpxchg(cache, old, new) != old)
		__arena_push_slow(heap, cpu, page, low);
	else if (new >> 32 >= ARENA_HEAP_STACK / 16)
		__arena_spill(heap, cpu, (page & 0xff) / 8);
	return 0;
}

/**
 * arena_free() - free memory
 * @heap: the heap
 * @p: what arena_malloc() and the like returned; NULL: nothing happens
 *
 * A program whose time is over gives back up to 64 pages of a large object, the first ones. The
 * rest is lost, and counted.
 *
 * Context: any, both sides.
 * Return: 0; -EINVAL: it is free already, or no object of this heap.
 */
static __always_inline int arena_free(struct arena_heap __arena *heap, void __arena *p)
{
	struct arena_heap_free __arena *obj = (struct arena_heap_free __arena *)p;
	__u32 low = arena_low(p), off = low - arena_read_once(&heap->start);
	__u64 page;

	if (!p)
		return 0;
	page = __arena_page_of(heap, off);
	if (!arena_ok(obj, sizeof(*obj)))
		return __arena_free_slow(heap, ~0U); /* no object's */
	if (!__arena_object(off, page))
		return __arena_free_slow(heap, off);
	return __arena_free_object(heap, low, page, obj);
}

/**
 * arena_free_sized() - free memory whose size the caller knows
 * @heap: the heap
 * @p: what arena_malloc() or arena_calloc() returned; NULL: nothing happens
 * @size: what they were asked for; best a constant
 *
 * As arena_free(), in fewer instructions: it does not look up what @p is part of, and so does
 * not find out that it is no object, or one of another size. Then the heap hands out
 * memory that is not its own.
 *
 * Context: any, both sides.
 * Return: 0; -EINVAL: it is free already.
 */
static __always_inline int arena_free_sized(struct arena_heap __arena *heap, void __arena *p,
					    __u64 size)
{
	struct arena_heap_free __arena *obj = (struct arena_heap_free __arena *)p;
	__u32 class = __arena_class_of(size);

	if (size > ARENA_HEAP_MAX)
		return arena_free(heap, p);
	if (!p)
		return 0;
	if (!arena_ok(obj, sizeof(*obj)))
		return -EINVAL;
	return __arena_free_object(heap, arena_low(p),
				   __arena_page_span(class, __arena_class_size(class), 0, 0), obj);
}

/**
 * arena_usable_size() - how large is an object really?
 * @heap: the heap
 * @p: what arena_malloc() and the like returned, or anything
 *
 * Context: any, both sides.
 * Return: bytes, at least as many as were asked for; 0: @p is no object of this heap.
 */
static __always_inline __u64 arena_usable_size(struct arena_heap __arena *heap, void __arena *p)
{
	__u32 off = arena_low(p) - arena_read_once(&heap->start);
	__u64 page = __arena_page_of(heap, off);

	if (page >> 32)
		return __arena_object(off, page) ? (page & 0xffff0000) >> 12 : 0;
	if ((page & 0xff) != __ARENA_PAGE_LARGE || off % ARENA_HEAP_PAGE)
		return 0;
	return page >> 8 << ARENA_HEAP_SHIFT;
}

/**
 * arena_aligned_alloc() - allocate aligned memory
 * @heap: the heap
 * @align: a power of two
 * @size: bytes
 *
 * Context: any, both sides.
 * Return: an address that is a multiple of @align; NULL: there is no such memory, or @align is
 * no power of two.
 */
static inline void __arena *arena_aligned_alloc(struct arena_heap __arena *heap, __u64 align,
						__u64 size)
{
	__u32 class, i;

	if (!align || align & (align - 1))
		return NULL;
	if (size < align)
		size = align;
	if (size > ARENA_HEAP_MAX || align > ARENA_HEAP_PAGE)
		return (void __arena *)__arena_malloc_large(heap, size, align);
	class = __arena_class_of(size);
	/* one of each four is a power of two */
	arena_rounds(i, 8) {
		if (!(__arena_class_size(class) & (align - 1)))
			return __arena_malloc_class(heap, class);
		if (++class >= ARENA_HEAP_CLASSES)
			break;
	}
	return (void __arena *)__arena_malloc_large(heap, size, align);
}

/* Copies, or clears if @from is NULL, whole words; 0 if the time was enough */
__arena_large int __arena_copy(__arg_arena void __arena *to, __arg_arena void __arena *from,
			       __u64 bytes)
{
	__u64 __arena *d = (__u64 __arena *)to, *s = (__u64 __arena *)from;
	__u32 i, j, words = bytes / 8, rest = words / 8 * 8;

	arena_rounds(i, words / 8)
		for (j = 0; j < 8; j++)
			d[i * 8 + j] = from ? s[i * 8 + j] : 0;
	if (i < words / 8)
		return -EAGAIN;
	for (j = 0; j < 7; j++)
		if (rest + j < words)
			d[rest + j] = from ? s[rest + j] : 0;
	return 0;
}

/**
 * arena_calloc() - allocate memory full of zeroes
 * @heap: the heap
 * @n: how many
 * @size: bytes of each
 *
 * Context: any, both sides; a round for each 64 bytes.
 * Return: as arena_malloc(); NULL also if @n * @size does not fit, or the time is over.
 */
static inline void __arena *arena_calloc(struct arena_heap __arena *heap, __u64 n, __u64 size)
{
	void __arena *p;

	if ((n | size) >> 32 || n * size >> 32)
		return NULL;
	p = arena_malloc(heap, n * size);
	if (p && (!arena_ok(p, n * size) || __arena_copy(p, NULL, (n * size + 7) & ~7ULL))) {
		arena_free(heap, p);
		return NULL;
	}
	return p;
}

/**
 * arena_realloc() - change the size of an object
 * @heap: the heap
 * @p: what arena_malloc() and the like returned; NULL: as arena_malloc()
 * @size: its new size in bytes
 *
 * An object that is large enough, and not twice as large, stays where it is.
 *
 * Context: any, both sides; a round for each 64 bytes.
 * Return: the new address; NULL: @p is unchanged, as there is no memory, it is no object of this
 * heap, or the time is over.
 */
static inline void __arena *arena_realloc(struct arena_heap __arena *heap, void __arena *p,
					  __u64 size)
{
	__u64 old = p ? arena_usable_size(heap, p) : 0, bytes;
	void __arena *to;

	if (p && !old)
		return NULL;
	if (p && size <= old && (size > old / 2 || old <= 32))
		return p;
	to = arena_malloc(heap, size);
	if (!p || !to)
		return to;
	bytes = ((old < size ? old : size) + 7) & ~7ULL;
	if (!arena_ok(to, bytes) || !arena_ok(p, bytes) || __arena_copy(to, p, bytes)) {
		arena_free(heap, to);
		return NULL;
	}
	arena_free(heap, p);
	return to;
}

/**
 * arena_heap_low() - is it time to grow?
 * @heap: the heap
 * @pages: 4 KiB pages
 *
 * Context: any, both sides.
 * Return: true if fewer than @pages pages are in no span and in no large object.
 */
static __always_inline int arena_heap_low(struct arena_heap __arena *heap, __u64 pages)
{
	return arena_read_once(&heap->added) - arena_read_once(&heap->taken) < pages;
}

/**
 * arena_heap_count() - what a heap holds
 * @heap: the heap
 * @s: where the numbers go
 *
 * Context: any, both sides; ARENA_HEAP_CLASSES * ARENA_HEAP_CPUS rounds.
 */
static inline void arena_heap_count(struct arena_heap __arena *heap, struct arena_heap_stats *s)
{
	__u32 class, cpu, size;
	__u64 cached, spans = 0, n;
	struct arena_heap_stats sum = {};

	arena_rounds(class, ARENA_HEAP_CLASSES) {
		size = __arena_class_size(class);
		cached = arena_read_once(&heap->class[class].batched);
		arena_rounds(cpu, ARENA_HEAP_CPUS) {
			n = arena_read_once(&heap->cpu[cpu].cache[class]);
			cached += (__u32)n ? n >> 32 : 0;
		}
		n = arena_read_once(&heap->class[class].carved);
		sum.cached += cached * 16 / size;
		sum.bytes_cached += cached * 16;
		sum.objects += n - cached * 16 / size;
		sum.bytes += n * size - cached * 16;
		spans += n / (__arena_class_pages(class) * ARENA_HEAP_PAGE / size) *
			 __arena_class_pages(class);
	}
	sum.pages = arena_read_once(&heap->added);
	n = arena_read_once(&heap->taken);
	sum.pages_free = sum.pages - n;
	sum.pages_large = n - spans;
	sum.failed = arena_read_once(&heap->failed);
	sum.freed_twice = arena_read_once(&heap->freed_twice);
	sum.freed_foreign = arena_read_once(&heap->freed_foreign);
	sum.lost = arena_read_once(&heap->lost);
	*s = sum;
}

#endif /* __BPF_ARENA_ALLOC_H__ */
