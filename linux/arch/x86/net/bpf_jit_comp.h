/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the JIT for x86-64 share
 *
 *	bpf_jit_comp.c	the JIT; it calls the others where they have to do with a
 *			function or an insn
 *	bpf_jit_arena.c	arenas
 *	bpf_may_goto.c	may_goto
 *	bpf_jit_v4.c	instructions of -mcpu=v4, load-acquire and store-release
 *
 * Functions that emit code take the place to write to, and return its end or, as
 * bpf_jit_comp.c has it, move it on.
 */
#ifndef _X86_NET_BPF_JIT_COMP_H
#define _X86_NET_BPF_JIT_COMP_H

#include <linux/bpf.h>
#include <linux/filter.h>

#include "bpf_may_goto.h"

struct exception_table_entry;
struct pt_regs;

/* Of bpf_jit_comp.c. The tables' indices are BPF registers and these: */
#define AUX_REG (MAX_BPF_JIT_REG + 1)	/* r11, for use inside of one insn */

extern const int reg2hex[];
extern const int reg2pt_regs[];
extern u8 simple_alu_opcodes[];

bool is_ereg(u32 reg);
bool is_ereg_8l(u32 reg);
int emit_call(u8 **pprog, void *func, void *ip);
void emit_return(u8 **pprog, u8 *ip);
void emit_mov_reg(u8 **pprog, bool is64, u32 dst_reg, u32 src_reg);
void emit_insn_suffix(u8 **pprog, u32 ptr_reg, u32 val_reg, int off);
void maybe_emit_mod(u8 **pprog, u32 dst_reg, u32 src_reg, bool is64);
void emit_ldx(u8 **pprog, u32 size, u32 dst_reg, u32 src_reg, int off);
void emit_stx(u8 **pprog, u32 size, u32 dst_reg, u32 src_reg, int off);

#define X86_JS	0x78	/* see the list in bpf_jit_comp.c */

/* Append the low len bytes of bytes, the lowest first */
static inline u8 *put(u8 *prog, u64 bytes, int len)
{
	while (len--) {
		*prog++ = bytes;
		bytes >>= 8;
	}
	return prog;
}

/* Append the bytes in the order in which they are given */
#define put_bytes(prog, ...) \
	put_array(prog, (const u8 []){ __VA_ARGS__ }, sizeof((const u8 []){ __VA_ARGS__ }))

static inline u8 *put_array(u8 *prog, const u8 *bytes, int len)
{
	return (u8 *)memcpy(prog, bytes, len) + len;
}

/* Copy code to the image, if there is one yet, and return its end there */
static inline int put_image(u8 *rw_image, int proglen, const u8 *from, const u8 *to)
{
	if (rw_image)
		memcpy(rw_image + proglen, from, to - from);
	return proglen + (to - from);
}

/* ModR/M of an insn on two registers; rm is the destination of mov, or, test, ... */
static inline u8 modrm_regs(u32 rm, u32 reg)
{
	return 0xC0 | (reg2hex[reg] << 3) | reg2hex[rm];
}

/* Arenas and may_goto: a part of struct jit_context */
struct x86_arena {
	/* For each insn, if the program has an arena: see find_zext() */
	u16 *zext;

	/* Where the constant of the kernel-to-user casts is, if there are any */
	int user_upper_off;

	/* What the function needs beyond plain BPF, see detect_features() */
	bool uses_arena;
	bool casts_to_user;
	struct x86_may_goto may_goto;
};

int x86_arena_prepare(struct bpf_prog *bpf_prog, struct x86_arena *arena);
void x86_arena_enter(u8 **pprog, const struct bpf_prog *bpf_prog, struct x86_arena *arena,
		     bool tail_call_reachable);
void x86_arena_load_base(u8 **pprog, const struct bpf_prog *bpf_prog,
			 const struct x86_arena *arena);
void x86_arena_leave(u8 **pprog, const struct x86_arena *arena);
void x86_arena_stop(u8 **pprog, const struct x86_arena *arena);
int x86_arena_insn(u8 **pprog, struct bpf_prog *bpf_prog, int nr, struct x86_arena *arena,
		   u8 *image, u8 *rw_image, int pos, int *excnt);
void x86_arena_after_call(u8 **pprog, const struct bpf_prog *bpf_prog,
			  const struct bpf_insn *call, const struct x86_arena *arena);
int x86_arena_end(struct bpf_prog *bpf_prog, struct x86_arena *arena, const int *addrs,
		  u8 *image, u8 *rw_image, int proglen);
bool x86_arena_fixup(const struct exception_table_entry *x, struct pt_regs *regs);

/* A load of a pointer to a BTF type, which may fault */
static inline bool is_probe_ldx(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX &&
	       (BPF_MODE(insn->code) == BPF_PROBE_MEM ||
		BPF_MODE(insn->code) == BPF_PROBE_MEMSX);
}

bool x86_v4_insn(u8 **pprog, const struct bpf_insn *insn);
void x86_v4_ldx(u8 **pprog, const struct bpf_insn *insn);
void x86_v4_cqo(u8 **pprog, bool is64);

#endif
