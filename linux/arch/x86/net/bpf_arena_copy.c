// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies from and to an arena, whose pages may be absent or go at any time
 *
 * Loads and stores alike may fault, on either side. Words are copied first. What faults
 * there is copied again by bytes, together with the rest, up to the byte that faults. The
 * CPU keeps the registers up to date meanwhile, so there is no more to it.
 */
#include <linux/bpf_arena.h>
#include <asm/asm.h>

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
	unsigned long cnt = len / 8;
	const unsigned long rest = len % 8;

	asm volatile("1:	rep movsq\n"
		     "2:	lea (%[rest], %%rcx, 8), %%rcx\n"
		     "3:	rep movsb\n"
		     "4:\n"
		     _ASM_EXTABLE(1b, 2b)
		     _ASM_EXTABLE(3b, 4b)
		     : "+&c" (cnt), "+&D" (dst), "+&S" (src)
		     : [rest] "r" (rest)
		     : "memory");
	return cnt;
}
