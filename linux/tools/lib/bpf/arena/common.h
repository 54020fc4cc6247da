/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_COMMON_H__
#define __BPF_ARENA_COMMON_H__

/*
 * What the data structures of <bpf/arena/NAME.h> need on both sides.
 *
 * One source is compiled twice: as C11 in a process, and as BPF C. The two
 * sides differ in what orders memory, in what bounds a loop, and in what an
 * address may do:
 *
 *	                     program                  process
 *	ordering             value-returning atomics  C11 atomics
 *	a loop ends          by can_loop, too         by its own bound only
 *	a hostile pointer    reads 0 or wrong data    is checked before use
 *	an absent page       reads 0, drops stores    appears, full of zeroes
 *
 * Rules that all of the headers keep:
 *
 * 1. Every loop has a bound that nobody can change through the arena. When a
 *    bound is reached the result is an error, never another round.
 * 2. Nothing in the arena is trusted. A program cannot be harmed by an address;
 *    a process can, so it tells by arena_attach() where its arena lies, and every
 *    pointer that was loaded from the arena is checked against that.
 * 3. Atomics have 4 or 8 bytes and are aligned. Only fetch_add, xchg and cmpxchg
 *    are used, which every kernel with arenas has, in programs of -mcpu=v3.
 * 4. A function that fails returns a negative error number, and has changed
 *    nothing that others can see unless its description says otherwise.
 *
 * The error numbers have one meaning everywhere:
 *
 *	-EAGAIN		others were at it for the whole bound; try again
 *	-EUCLEAN	the contents contradict themselves
 *	-EFAULT		a pointer leads out of the arena (processes only)
 *
 * With BPF_F_SEGV_ON_FAULT a process that follows a pointer to an absent page
 * gets SIGSEGV: a process that does not trust the other side uses arenas
 * without that flag.
 */

#include "../bpf_arena.h"

#if defined(__bpf__) || defined(__BPF__)
#define __ARENA_BPF__ 1
#endif

#ifdef __ARENA_BPF__

#ifndef __BPF_FEATURE_ADDR_SPACE_CAST
#error "<bpf/arena/*.h> needs clang 19 or later, and -mcpu=v3"
#endif

/* A program has no <errno.h>; these are the kernel's numbers. */
#ifndef EPERM
#define EPERM 1
#endif
#ifndef ENOENT
#define ENOENT 2
#endif
#ifndef E2BIG
#define E2BIG 7
#endif
#ifndef EAGAIN
#define EAGAIN 11
#endif
#ifndef ENOMEM
#define ENOMEM 12
#endif
#ifndef EFAULT
#define EFAULT 14
#endif
#ifndef EBUSY
#define EBUSY 16
#endif
#ifndef EEXIST
#define EEXIST 17
#endif
#ifndef EINVAL
#define EINVAL 22
#endif
#ifndef ENOSPC
#define ENOSPC 28
#endif
#ifndef EDEADLK
#define EDEADLK 35
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT 110
#endif
#ifndef EUCLEAN
#define EUCLEAN 117
#endif
#ifndef EOWNERDEAD
#define EOWNERDEAD 130
#endif

#ifndef NULL
#define NULL ((void *)0)
#endif

/*
 * A large function. In a program it is a global one: the verifier looks at it once, not
 * once for each path to each call, and linked objects share one copy. So it takes scalars,
 * and pointers with __arg_arena, and returns a scalar. noduplicate: clang would make a copy for
 * a constant argument, which lacks that argument, though its BTF has it.
 */
#define __arena_large __weak __noinline __attribute__((noduplicate))

/* The type of a local copy */
#define __arena_unqual(x) __typeof_unqual__(x)

/*
 * x86 keeps the order of all but a store and a later load, so there a load
 * acquires and a store releases. A program that was compiled for no
 * architecture asks the kernel's BTF: struct pt_regs of x86 alone has orig_ax.
 */
#if defined(__TARGET_ARCH_x86)
#define arena_is_tso() 1
#elif defined(__TARGET_ARCH_arm64)
#define arena_is_tso() 0
#else
struct pt_regs___arena {
	unsigned long orig_ax;
};

#define arena_is_tso() bpf_core_field_exists(struct pt_regs___arena, orig_ax)
#endif

/**
 * arena_mb() - full memory barrier
 *
 * BPF has no instruction for it. An atomic that returns a value orders all
 * accesses around it; this one is to the stack, so nobody else is slowed down.
 */
static __always_inline void arena_mb(void)
{
	__u64 word = 0, add = 0;

	asm volatile("%[add] = atomic_fetch_add((u64 *)(%[word] + 0), %[add])"
		     : [add]"+r"(add) : [word]"r"(&word) : "memory");
}

/* Between loads, or between a load and later stores; between stores */
#define __arena_half_barrier()						\
	({								\
		asm volatile("" ::: "memory");				\
		if (!arena_is_tso())					\
			arena_mb();					\
	})
#define arena_rmb() __arena_half_barrier()
#define arena_wmb() __arena_half_barrier()

#define arena_read_once(p) (*(volatile __arena_unqual(*(p)) __arena *)(p))
#define arena_write_once(p, v)						\
	((void)(*(volatile __arena_unqual(*(p)) __arena *)(p) = (v)))

#define arena_load_acquire(p)						\
	({								\
		__arena_unqual(*(p)) __v = arena_read_once(p);		\
									\
		arena_rmb();						\
		__v;							\
	})
#define arena_store_release(p, v)					\
	({								\
		arena_wmb();						\
		arena_write_once(p, v);					\
	})

/*
 * asm, since clang emits a fetch_add without its result, which orders nothing on
 * arm64, when the result is not used, and a fetch_or, which 6.12 refuses, if it knows that
 * nothing is added.
 */
#define arena_fetch_add(p, v)						\
	({								\
		__arena_unqual(*(p)) __arena *__p = (p);		\
		__arena_unqual(*(p)) __v = (v);				\
									\
		asm volatile("" : "+r"(__v));				\
		__v = __sync_fetch_and_add(__p, __v);			\
		asm volatile("" : "+r"(__v) :: "memory");		\
		__v;							\
	})
#define arena_xchg(p, v) __sync_lock_test_and_set(p, v)
/* asm, since clang turns a comparison of the result into a flag and back */
#define arena_cmpxchg(p, old, new)					\
	({								\
		__auto_type __seen = __sync_val_compare_and_swap(p, old, new); \
									\
		asm volatile("" : "+r"(__seen) :: "memory");		\
		__seen;							\
	})

/* Nothing to tell the CPU: BPF has no instruction for it */
#define arena_relax() do { } while (0)

#define arena_ok(p, size) 1

/*
 * 0, but the verifier does not know: it is in .bss. A counter that begins with a number that
 * the verifier knows has it unroll each loop up to the counter's bound. So a loop counts nothing
 * else than its rounds: kernels before this one's do not forget such a counter.
 */
static volatile __u32 __arena_zero;

#define arena_zero() __arena_zero

#define arena_cpu() bpf_get_smp_processor_id()

/*
 * The address in the arena whose low half is @low; NULL if that is 0. An arena lies within a
 * range of 4 GiB that begins at a multiple of that, so half of an address says it all, and fits
 * into one word with something else, which an atomic changes at once.
 *
 * The upper half comes from the kernel, by a cast, and not from another address: to the
 * verifier that may be an arena pointer, and arithmetic with one is in 32 bits.
 */
#define arena_at(low)							\
	({								\
		__u64 __at = (low); /* the cast drops the upper half */	\
									\
		bpf_addr_space_cast(__at, 1, 0);			\
		(void __arena *)__at;					\
	})

/* asm: else clang clears the upper half anew, by two shifts, each time it is used */
#define arena_low(p)							\
	({								\
		__u32 __low;						\
									\
		asm("%0 = %1" : "=w"(__low) : "w"((__u32)(__u64)(p)));	\
		__low;							\
	})

#else /* a process */

#include <stdint.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif

#define __arena_large static inline

#define arena_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define arena_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define arena_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#define arena_read_once(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define arena_write_once(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define arena_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define arena_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

/*
 * As in a program, an atomic orders all accesses before it and all after it. C's need not order
 * those of other kinds that come after it, and on arm64 do not.
 */
#if defined(__x86_64__)
#define __arena_after_atomic() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#else
#define __arena_after_atomic() arena_mb()
#endif

#define arena_fetch_add(p, v)						\
	({								\
		__typeof__(*(p)) __v = __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST); \
									\
		__arena_after_atomic();					\
		__v;							\
	})
#define arena_xchg(p, v)						\
	({								\
		__typeof__(*(p)) __v = __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); \
									\
		__arena_after_atomic();					\
		__v;							\
	})
#define arena_cmpxchg(p, old, new)					\
	({								\
		__typeof__(*(p)) __old = (old);				\
									\
		__atomic_compare_exchange_n(p, &__old, new, 0,		\
					    __ATOMIC_SEQ_CST,		\
					    __ATOMIC_SEQ_CST);		\
		__arena_after_atomic();					\
		__old;							\
	})

#if defined(__x86_64__)
#define arena_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define arena_relax() __asm__ volatile("yield")
#else
#define arena_relax() do { } while (0)
#endif

/* Where the arena lies. weak: all files of a process share one. */
struct arena_range {
	uintptr_t start;
	size_t size;
};

__attribute__((weak)) struct arena_range __arena_range;

/**
 * arena_attach() - tell where the arena lies
 * @start: address of the arena's mapping, see bpf_map__initial_value()
 * @size: its size in bytes
 *
 * A process calls it before any other function of these headers. Without,
 * nothing is in the arena, and walks fail with -EFAULT. As a program, a process
 * uses one arena with these headers.
 *
 * Return: 0; -EBUSY if the process uses another arena; -EINVAL.
 */
static inline int arena_attach(void *start, size_t size)
{
	struct arena_range *range = &__arena_range;

	/* half of an address says all only if the upper half is one */
	if (!start || !size || (uintptr_t)start + size < (uintptr_t)start ||
	    (uintptr_t)start >> 32 != ((uintptr_t)start + size - 1) >> 32)
		return -EINVAL;
	if (range->size && (range->start != (uintptr_t)start || range->size != size))
		return -EBUSY;
	range->start = (uintptr_t)start;
	range->size = size;
	return 0;
}

/**
 * arena_detach() - forget the arena, before its mapping goes
 */
static inline void arena_detach(void)
{
	__arena_range.size = 0;
}

/* Lies an object of @size bytes at @p in the arena, aligned to 8 bytes? */
static inline int __arena_ok(const volatile void *p, size_t size)
{
	uintptr_t off = (uintptr_t)p - __arena_range.start;

	return size <= __arena_range.size && off <= __arena_range.size - size &&
	       !((uintptr_t)p & 7);
}

#define arena_ok(p, size) __arena_ok(p, size)

#define arena_zero() 0

/* A hint: the thread may be on another CPU by now. <sched.h> declares it for some. */
extern int sched_getcpu(void);

#define arena_cpu() ((__u32)sched_getcpu())

#define arena_at(low) __arena_at(low)
static inline void *__arena_at(__u32 low)
{
	return low ? (void *)(__arena_range.start >> 32 << 32 | low) : NULL;
}

#define arena_low(p) ((__u32)(uintptr_t)(p))

#endif /* a process */

/**
 * arena_rounds() - head of a loop with a bound
 * @i: a __u32, counts from 0
 * @max: how many rounds at most
 *
 * In a program a loop also ends with the time of may_goto.
 */
#define arena_rounds(i, max)						\
	for ((i) = arena_zero(); (i) < (max) && can_loop; (i)++)

/*
 * How often a cmpxchg is tried: others have come in between each time. The first try is never in
 * a loop: what is to be given up, a lock or memory, is given up also when a program's time is over.
 */
#define ARENA_TRIES 128

#endif /* __BPF_ARENA_COMMON_H__ */
