// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies from and to an arena, whose pages may be absent or go at any time
 *
 * Loads and stores alike may fault, on either side; those of copy_to_user() are for user
 * addresses only. What faults in the loop of 16 bytes is copied again by bytes, together
 * with the rest, up to the byte that faults twice: a CPU may have looked for a translation
 * before another made it, and take the fault afterwards. See __do_kernel_fault(), which
 * repeats the accesses of programs.
 *
 * The other side may be any address, as for copy_from_kernel_nofault(). So faults on user
 * addresses are not handled, or they would sleep, or come again for ever under PAN; and
 * tags are not checked if that is reported later, when nobody knows who it was.
 */
#include <linux/bpf_arena.h>
#include <linux/uaccess.h>
#include <asm/asm-extable.h>

#define EXTABLE(insn, fixup) _ASM_EXTABLE_KACCESS_ERR_ZERO(insn, fixup, wzr, wzr)

/**
 * bpf_arena_copy() - copy memory, some of which may not be there
 * @dst: where to, kernel address
 * @src: where from, kernel address; what overlaps is copied from the lowest address on
 * @len: in bytes
 *
 * Context: any, NMI included.
 * Return: how many bytes are left, 0 if none; those before have been copied.
 */
u32 bpf_arena_copy(void *dst, const void *src, u32 len)
{
	unsigned long a, b, left = len;

	pagefault_disable();
	__uaccess_enable_tco_async();
	asm volatile("	subs	%[left], %[left], #16\n"
		     "	b.lo	3f\n"
		     "1:	ldp	%[a], %[b], [%[src]]\n"
		     "2:	stp	%[a], %[b], [%[dst]]\n"
		     "	add	%[src], %[src], #16\n"
		     "	add	%[dst], %[dst], #16\n"
		     "	subs	%[left], %[left], #16\n"
		     "	b.hs	1b\n"
		     "3:	add	%[left], %[left], #16\n"
		     "	cbz	%[left], 9f\n"
		     "4:	ldrb	%w[a], [%[src]]\n"
		     "5:	strb	%w[a], [%[dst]]\n"
		     "6:	add	%[src], %[src], #1\n"
		     "	add	%[dst], %[dst], #1\n"
		     "	subs	%[left], %[left], #1\n"
		     "	b.ne	4b\n"
		     "	b	9f\n"
		     "7:	ldrb	%w[a], [%[src]]\n"
		     "8:	strb	%w[a], [%[dst]]\n"
		     "	b	6b\n"
		     "9:\n"
		     EXTABLE(1b, 3b)
		     EXTABLE(2b, 3b)
		     EXTABLE(4b, 7b)
		     EXTABLE(5b, 7b)
		     EXTABLE(7b, 9b)
		     EXTABLE(8b, 9b)
		     : [dst] "+&r" (dst), [src] "+&r" (src), [left] "+&r" (left),
		       [a] "=&r" (a), [b] "=&r" (b)
		     :
		     : "memory", "cc");
	__uaccess_disable_tco_async();
	pagefault_enable();
	return left;
}
