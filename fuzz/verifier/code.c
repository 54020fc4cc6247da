// SPDX-License-Identifier: GPL-2.0
/* Writing programs down, instruction by instruction, and printing them */
#include <string.h>
#include "verifier.h"

void code_clear(struct code *c)
{
	c->cnt = 0;
	c->nr_funcs = 0;
	c->attach_type = c->attach_btf_id = 0;
	c->attach_prog = 0;
	c->timers = c->tail_calls = c->many = false;
	c->never[0] = 0;
	memset(c->keep, FREE, sizeof(c->keep));
	memset(c->fixup, NONE, sizeof(c->fixup));
	memset(c->input, 0, sizeof(c->input));
}

/* Index of the instruction. What is too much is left out: the program is refused. */
uint32_t emit(struct code *c, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	uint32_t at = c->cnt;

	if (c->cnt == MAX_INSNS - 1)
		return at - 1;
	c->insns[c->cnt++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm };
	return at;
}

void keep_from(struct code *c, uint32_t from, enum keep keep)
{
	memset(c->keep + from, keep, c->cnt - from);
}

static uint8_t pseudo_src(enum fixup what)
{
	switch (what) {
	case ARENA_VALUE: case MAP_VALUE: case TIMER_VALUE: case FORMATS: return BPF_PSEUDO_MAP_VALUE;
	case FUNCTION: return BPF_PSEUDO_FUNC;
	case KERNEL_VAR: return BPF_PSEUDO_BTF_ID;
	default: return BPF_PSEUDO_MAP_FD;
	}
}

/* A load of 64 bits, two instructions, that load.c fills in */
uint32_t emit_fixup(struct code *c, uint8_t dst, enum fixup what, int32_t off)
{
	uint32_t at = emit(c, BPF_LD | BPF_DW | BPF_IMM, dst, pseudo_src(what), 0, 0);

	emit(c, 0, 0, 0, 0, off);
	c->fixup[at] = what;
	keep_from(c, at, KEEP);
	return at;
}

void emit_kfunc(struct code *c, uint32_t which)
{
	emit(c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, kfunc_id(which));
}

static void print_funcs(const struct code *c)
{
	static const char *const names[NR_ARGS] = { "int", "long", "arena *", "long *", "ctx *",
						    "arena ctx *" };
	const struct func *f;
	uint32_t i, arg;

	for (i = 0; i < c->nr_funcs; i++) {
		f = &c->funcs[i];
		printf("  function %u at %u, %s:", i, f->start, f->global ? "global" : "static");
		for (arg = 0; arg < f->nr_args; arg++)
			printf(" %s", names[f->args[arg]]);
		putchar('\n');
	}
}

/* As test_verifier and bpftool -j have them */
void print_code(const struct code *c)
{
	uint32_t i;

	printf("program of type %u, flags %#x, %s%s:\n", c->type, c->flags,
	       c->strict ? "strict" : "any", c->plain ? ", plain" : "");
	if (c->attach_type)
		printf("  attached as %u to type %u of program %d\n", c->attach_type,
		       c->attach_btf_id, c->attach_prog);
	print_funcs(c);
	for (i = 0; i < c->cnt; i++)
		printf("  %3u: { %#04x, %2u, %2u, %6d, %d }%s\n", i, c->insns[i].code,
		       c->insns[i].dst_reg, c->insns[i].src_reg, c->insns[i].off, c->insns[i].imm,
		       c->fixup[i] ? " map, function or variable" : "");
	printf("input:");
	for (i = 0; i < VALUE_WORDS; i++)
		printf(" %#llx", (unsigned long long)c->input[i]);
	putchar('\n');
}
