/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/assembler.h>

/*
 * Called by JITed code when the fuel is used up. x10, w11: the arguments of
 * bpf_may_goto_look(). Keeps all registers that BPF programs have; w10 is then
 * whether the loop goes on.
 */
SYM_FUNC_START(bpf_may_goto_stub)
	stp	x29, x30, [sp, #-80]!
	mov	x29, sp
	stp	x0, x1, [sp, #16]
	stp	x2, x3, [sp, #32]
	stp	x4, x7, [sp, #48]
	str	x9, [sp, #64]
	mov	x0, x10
	mov	w1, w11
	mov	x2, x30
	bl	bpf_may_goto_look
	and	w10, w0, #0xff
	ldr	x9, [sp, #64]
	ldp	x4, x7, [sp, #48]
	ldp	x2, x3, [sp, #32]
	ldp	x0, x1, [sp, #16]
	ldp	x29, x30, [sp], #80
	ret
SYM_FUNC_END(bpf_may_goto_stub)
