/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/frame.h>

/*
 * Called by JITed code when the fuel is used up. r11, r9d: the arguments of
 * bpf_may_goto_look(). Keeps all registers that BPF programs have but these; ZF
 * set means: leave the loop.
 */
SYM_FUNC_START(bpf_may_goto_stub)
	FRAME_BEGIN
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r10
	mov	%r11, %rdi
	mov	%r9d, %esi
	mov	7*8+FRAME_OFFSET(%rsp), %rdx
	call	bpf_may_goto_look
	test	%al, %al
	/* what is popped is what was pushed, under speculation as well */
	lfence
	pop	%r10
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	FRAME_END
	RET
SYM_FUNC_END(bpf_may_goto_stub)
