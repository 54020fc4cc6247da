// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies from and to an arena, whose pages may be absent or go at any time
 *
 * Loads and stores alike may fault, on either side; those of copy_to_user() are for user
 * addresses only. What faults in the loop of 16 bytes is copied again by bytes, together
 * with the rest, up to the byte that faults.
 */
#include <linux/bpf_arena.h>
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

	asm volatile("	subs	%[left], %[left], #16\n"
		     "	b.lo	3f\n"
		     "1:	ldp	%[a], %[b], [%[src]]\n"
		     "2:	stp	%[a], %[b], [%[dst]], #16\n"
		     "	add	%[src], %[src], #16\n"
		     "	subs	%[left], %[left], #16\n"
		     "	b.hs	1b\n"
		     "3:	add	%[left], %[left], #16\n"
		     "	cbz	%[left], 6f\n"
		     "4:	ldrb	%w[a], [%[src]], #1\n"
		     "5:	strb	%w[a], [%[dst]], #1\n"
		     "	sub	%[left], %[left], #1\n"
		     "	cbnz	%[left], 4b\n"
		     "6:\n"
		     EXTABLE(1b, 3b)
		     EXTABLE(2b, 3b)
		     EXTABLE(4b, 6b)
		     EXTABLE(5b, 6b)
		     : [dst] "+&r" (dst), [src] "+&r" (src), [left] "+&r" (left),
		       [a] "=&r" (a), [b] "=&r" (b)
		     :
		     : "memory", "cc");
	return left;
}
