/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
#ifndef __BPF_ARENA_H__
#define __BPF_ARENA_H__

/*
 * One source for both sides of an arena.
 *
 * An arena is memory that a process maps with mmap() and BPF programs reach
 * through pointers. Both sides follow the same pointers, so they can share the
 * header that describes, say, a list, and the code that walks it:
 *
 *	struct node {
 *		struct node __arena *next;
 *		int value;
 *	};
 *
 *	static inline int sum(struct node __arena *n)
 *	{
 *		int s = 0;
 *
 *		for (; n && can_loop; n = n->next)
 *			s += n->value;
 *		return s;
 *	}
 *
 * What is stored is always the address that the process sees:
 *
 *	process                       BPF program
 *	n = 0x7f8a_1234_5000          n = 0x7f8a_1234_5000   (user, as 1)
 *	      |                             | cast to kernel (as 0)
 *	      |                             v
 *	      |                       0x1234_5000 from the start of the window
 *	      v                             v
 *	    page 5 of the arena  ====  page 5 of the arena
 *
 * In a process __arena is nothing. In a BPF program it is address space 1:
 * clang (19 or later, -mcpu=v3) turns user addresses into kernel addresses
 * before it follows them. A compiler that does not do so needs cast_kern()
 * before a pointer is followed, and cast_user() before one obtained that way
 * is stored; with a compiler that does, both are nothing.
 *
 *  - A NULL pointer is NULL on either side.
 *  - Memory that is not there does not stop a program: loads give 0, stores
 *    are dropped. It does stop a process with BPF_F_SEGV_ON_FAULT; without,
 *    the process gets a page of zeroes that the program sees from then on.
 *  - A loop over arena data has no bound that the verifier could prove. can_loop
 *    and cond_break give it one: some 8 million rounds for each call, 250 ms in all.
 */

/*
 * The numbers of <linux/bpf.h>, which may come from a distribution's older
 * kernel. That header is included first, so that enumerators of a newer one are
 * not hit by these macros, which are worth the same.
 */
#ifndef __VMLINUX_H__
#include <linux/bpf.h>
#endif

#ifndef BPF_MAP_TYPE_ARENA
#define BPF_MAP_TYPE_ARENA ((enum bpf_map_type)33)
#endif
#ifndef BPF_F_SEGV_ON_FAULT
#define BPF_F_SEGV_ON_FAULT (1U << 17)
#endif
#ifndef BPF_F_NO_USER_CONV
#define BPF_F_NO_USER_CONV (1U << 18)
#endif
#ifndef BPF_STDOUT
#define BPF_STDOUT 1
#endif
#ifndef BPF_STDERR
#define BPF_STDERR 2
#endif

#if defined(__bpf__) || defined(__BPF__)
#include "bpf_helpers.h"
#include "bpf_core_read.h"
#endif

/*
 * Headers of later versions and programs may have some of the names below
 * already. They keep theirs: each of these macros is defined if it is not yet.
 */

#if defined(__bpf__) || defined(__BPF__)

/*
 * Cast between address spaces 0 (kernel) and 1 (user), in place. r0 stands in
 * for a register number where the assembler does not know the instruction.
 */
#ifdef bpf_addr_space_cast
#elif defined(__BPF_FEATURE_ADDR_SPACE_CAST)
#define bpf_addr_space_cast(var, dst_as, src_as)			\
	({								\
		asm volatile("%[v] = addr_space_cast(%[v], " #dst_as ", " #src_as ")" \
			     : [v]"+r"(var));				\
	})
#else
#define bpf_addr_space_cast(var, dst_as, src_as)			\
	({								\
		asm volatile("r0 = %[v]\n\t"				\
			     ".byte 0xbf, 0\n\t"			\
			     ".short 1\n\t"				\
			     ".long (" #dst_as " << 16) | " #src_as "\n\t" \
			     "%[v] = r0"				\
			     : [v]"+r"(var) :: "r0");			\
	})
#endif

#ifdef __BPF_FEATURE_ADDR_SPACE_CAST
#ifndef __arena
#define __arena __attribute__((address_space(1)))
#endif
#ifndef __arena_global
#define __arena_global __attribute__((address_space(1)))
#endif
#ifndef cast_kern
#define cast_kern(ptr) do { } while (0)
#endif
#ifndef cast_user
#define cast_user(ptr) do { } while (0)
#endif
#else
#ifndef __arena
#define __arena
#endif
#ifndef __arena_global
#define __arena_global SEC(".addr_space.1")
#endif
#ifndef cast_kern
#define cast_kern(ptr) bpf_addr_space_cast(ptr, 0, 1)
#endif
#ifndef cast_user
#define cast_user(ptr) bpf_addr_space_cast(ptr, 1, 0)
#endif
#endif

/* Argument of a global function: an arena pointer, not a pointer to check */
#ifndef __arg_arena
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))
#endif

/*
 * Arena functions of the kernel; a kernel without arenas has none of them.
 *
 * bpf_arena_alloc_pages() allocates page_cnt zeroed pages, at addr or, if that
 * is NULL, anywhere. node_id is a NUMA node or -1, flags must be 0. NULL if
 * that is not possible. bpf_arena_free_pages() takes pages away from program
 * and process; holes in the range do not matter. bpf_arena_reserve_pages()
 * keeps a range from being allocated until it is freed; 0, -EBUSY or -EINVAL.
 *
 * The vmlinux.h of a later kernel declares these functions, too, some with and
 * some without address spaces. So they go by names with a flavor here: libbpf
 * ignores what follows ___.
 */
#define bpf_arena_alloc_pages bpf_arena_alloc_pages___arena
#define bpf_arena_free_pages bpf_arena_free_pages___arena
#define bpf_arena_reserve_pages bpf_arena_reserve_pages___arena

void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, __u32 page_cnt,
				    int node_id, __u64 flags) __ksym __weak;
void bpf_arena_free_pages(void *map, void __arena *ptr, __u32 page_cnt) __ksym __weak;
int bpf_arena_reserve_pages(void *map, void __arena *ptr, __u32 page_cnt) __ksym __weak;

/* may_goto jumps when the calling function has used up its rounds */
#ifdef __BPF_FEATURE_MAY_GOTO
#define __bpf_may_goto(label)						\
	({ asm goto("may_goto %l[" #label "]" :::: label); })
#elif __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* .short cannot hold a distance between labels; imm has to supply two bytes */
#define __bpf_may_goto(label)						\
	({								\
		asm goto("1: .byte 0xe5, 0\n\t"			\
			 ".long ((%l[" #label "] - 1b - 8) / 8) & 0xffff\n\t" \
			 ".short 0" :::: label);			\
	})
#else
#define __bpf_may_goto(label) __bpf_needs_a_compiler_with_may_goto
#endif

/* true while the loop may go on: while (can_loop && ...) */
#ifndef can_loop
#define can_loop							\
	({								\
		__label__ __l_out;					\
		int __go = 0;						\
									\
		__bpf_may_goto(__l_out);				\
		__go = 1;						\
__l_out:								\
		__go;							\
	})
#endif

/* leave the loop when it may not go on; a statement in its body */
#ifndef cond_break
#define cond_break							\
	({								\
		if (!can_loop)						\
			break;						\
	})
#endif

/*
 * The page size of the kernel that loads the program: one object file runs on
 * kernels with pages of any size. The max_entries of an arena counts such pages,
 * and its definition cannot know how large they are: 1 << 20 are 4 GiB, the most
 * that there can be, if they are of 4 KiB, and far too many if of 64 KiB. A loader
 * that needs a certain size divides it by getpagesize() and calls
 * bpf_map__set_max_entries() before load.
 *
 * Flavored names match the kernel's own, and do not clash with vmlinux.h.
 */
enum page_size_enum___arena {
	__PAGE_SIZE___arena = 4096,
};

#define arena_page_size() \
	bpf_core_enum_value(enum page_size_enum___arena, __PAGE_SIZE___arena)

/* In a process this name belongs to others: use arena_page_size() where both share code */
#ifndef PAGE_SIZE
#define PAGE_SIZE arena_page_size()
#endif

/* container_of() would drop the address space; type comes with or without it */
#ifdef arena_container_of
#elif defined(__BPF_FEATURE_ADDR_SPACE_CAST)
#define arena_container_of(ptr, type, member)				\
	((__typeof_unqual__(type) __arena *)				\
	 ((char __arena *)(ptr) -					\
	  __builtin_offsetof(__typeof_unqual__(type), member)))
#else
#define arena_container_of(ptr, type, member)				\
	((__typeof__(type) *)((char *)(ptr) - __builtin_offsetof(type, member)))
#endif

#else /* a process */

#include <errno.h>
#include <stddef.h>
#include <unistd.h>
#include <linux/types.h>

#ifndef __arena
#define __arena
#endif
#ifndef __arg_arena
#define __arg_arena
#endif
#ifndef __arena_global
#define __arena_global
#endif
#ifndef cast_kern
#define cast_kern(ptr) do { } while (0)
#endif
#ifndef cast_user
#define cast_user(ptr) do { } while (0)
#endif

/* Only a program can allocate; shared code gets the answer for "no memory" */
static inline void *bpf_arena_alloc_pages(void *map, void *addr, __u32 page_cnt,
					  int node_id, __u64 flags)
{
	return NULL;
}

static inline void bpf_arena_free_pages(void *map, void *ptr, __u32 page_cnt)
{
}

static inline int bpf_arena_reserve_pages(void *map, void *ptr, __u32 page_cnt)
{
	return -EOPNOTSUPP;
}

#ifndef can_loop
#define can_loop 1
#endif
#ifndef cond_break
#define cond_break do { } while (0)
#endif

#define arena_page_size() ((unsigned long)sysconf(_SC_PAGESIZE))

#ifndef arena_container_of
#define arena_container_of(ptr, type, member)				\
	((__typeof__(type) *)((char *)(ptr) - offsetof(__typeof__(type), member)))
#endif

#endif /* __bpf__ */

#endif /* __BPF_ARENA_H__ */
