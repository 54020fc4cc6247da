// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions as text, in the verifier's notation
 *
 * It knows what the generator makes, and prints the bytes of anything else. Behind a
 * jump or a call is the number of the instruction that it goes to.
 */
#include <inttypes.h>
#include "progs.h"

static const char *const size_names[] = { "u32", "u16", "u8", "u64" };

static const char *const signed_size_names[] = { "s32", "s16", "s8", "s64" };

static const char *const alu_names[16] = {
	"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "= -", "%=", "^=", "=", "s>>=",
};

static const char *const jump_names[16] = {
	"", "==", ">", ">=", "&", "!=", "s>", "s>=", "", "", "<", "<=", "s<", "s<=",
};

bool insn_is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

bool insn_is_jump(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code);

	return (class == BPF_JMP || class == BPF_JMP32) && BPF_OP(insn->code) != BPF_CALL &&
	       BPF_OP(insn->code) != BPF_EXIT;
}

/* gotol has it in imm. */
s32 jump_distance(const struct bpf_insn *insn)
{
	return insn->code == OP_GOTOL ? insn->imm : insn->off;
}

void set_jump_distance(struct bpf_insn *insn, s32 distance)
{
	if (insn->code == OP_GOTOL)
		insn->imm = distance;
	else
		insn->off = distance;
}

/* A move that sign-extends the lowest off bits */
bool insn_is_movsx(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code);

	return (class == BPF_ALU || class == BPF_ALU64) && BPF_OP(insn->code) == BPF_MOV &&
	       BPF_SRC(insn->code) == BPF_X && insn->off >= 8;
}

bool insn_is_signed_div(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class == BPF_ALU || class == BPF_ALU64) && (op == BPF_DIV || op == BPF_MOD) &&
	       insn->off == OFF_SIGNED;
}

/* load_acquire or store_release */
bool insn_is_ordered(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC &&
	       (insn->imm == BPF_LOAD_ACQ || insn->imm == BPF_STORE_REL);
}

bool insn_is_conditional(const struct bpf_insn *insn)
{
	return insn_is_jump(insn) && BPF_OP(insn->code) != BPF_JA && insn->code != OP_MAY_GOTO;
}

/* A call of a function, or its address: imm is the distance. */
bool insn_is_func_ref(const struct bpf_insn *insn)
{
	return (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL) ||
	       (insn_is_wide(insn) && insn->src_reg == BPF_PSEUDO_FUNC);
}

static const char *size_name(const struct bpf_insn *insn)
{
	u32 size = BPF_SIZE(insn->code) >> 3;

	return BPF_CLASS(insn->code) == BPF_LDX && BPF_MODE(insn->code) == BPF_MEMSX ?
		signed_size_names[size] : size_names[size];
}

static void print_src(const struct bpf_insn *insn, char prefix)
{
	if (BPF_SRC(insn->code) == BPF_X)
		printf("%c%d", prefix, insn->src_reg);
	else
		printf("%d", insn->imm);
}

static void print_alu(const struct bpf_insn *insn)
{
	char prefix = BPF_CLASS(insn->code) == BPF_ALU ? 'w' : 'r';
	u8 op = BPF_OP(insn->code);

	if (op == BPF_END) {
		printf("r%d = %s%d r%d", insn->dst_reg, insn->code == OP_BSWAP ? "bswap" :
		       BPF_SRC(insn->code) == BPF_TO_BE ? "be" : "le", insn->imm, insn->dst_reg);
	} else if (op == BPF_NEG) {
		printf("%c%d = -%c%d", prefix, insn->dst_reg, prefix, insn->dst_reg);
	} else if (op == BPF_MOV && BPF_SRC(insn->code) == BPF_X && insn->off == OFF_CAST) {
		printf("r%d = addr_space_cast(r%d, %d, %d)", insn->dst_reg, insn->src_reg,
		       insn->imm >> 16, insn->imm & 0xffff);
	} else if (insn_is_movsx(insn)) {
		printf("%c%d = (s%d)%c%d", prefix, insn->dst_reg, insn->off, prefix,
		       insn->src_reg);
	} else {
		printf("%c%d %s%s ", prefix, insn->dst_reg, insn_is_signed_div(insn) ? "s" : "",
		       alu_names[op >> 4]);
		print_src(insn, prefix);
	}
}

static void print_jump(const struct bpf_insn *insn, u32 at)
{
	char prefix = BPF_CLASS(insn->code) == BPF_JMP32 ? 'w' : 'r';

	if (insn->code == OP_MAY_GOTO) {
		printf("may_goto");
	} else if (BPF_OP(insn->code) == BPF_JA) {
		printf(insn->code == OP_GOTOL ? "gotol" : "goto");
	} else {
		printf("if %c%d %s ", prefix, insn->dst_reg, jump_names[BPF_OP(insn->code) >> 4]);
		print_src(insn, prefix);
		printf(" goto");
	}
	printf(" %d", (s32)at + 1 + jump_distance(insn));
}

static const char *helper_name(s32 func)
{
	switch (func) {
	case BPF_FUNC_loop: return "bpf_loop";
	case BPF_FUNC_tail_call: return "bpf_tail_call";
	case BPF_FUNC_skb_load_bytes: return "bpf_skb_load_bytes";
	case BPF_FUNC_skb_store_bytes: return "bpf_skb_store_bytes";
	case BPF_FUNC_probe_read_kernel: return "bpf_probe_read_kernel";
	case BPF_FUNC_map_delete_elem: return "bpf_map_delete_elem";
	default: return NULL;
	}
}

static void print_call(const struct bpf_insn *insn, u32 at)
{
	if (insn->code == (BPF_JMP | BPF_EXIT))
		printf("exit");
	else if (insn->src_reg == BPF_PSEUDO_CALL)
		printf("call %d", (s32)at + 1 + insn->imm);
	else if (helper_name(insn->imm))
		printf("call %s", helper_name(insn->imm));
	else
		printf("call helper %d", insn->imm);
}

static void print_wide(const struct bpf_insn *insn, u32 at)
{
	static const char *const maps[] = { "none", "arena", "value", "progs" };
	u32 map = (u32)insn->imm < ARRAY_SIZE(maps) ? insn->imm : 0;

	printf("r%d = ", insn->dst_reg);
	if (insn->src_reg == BPF_PSEUDO_MAP_FD)
		printf("map %s", maps[map]);
	else if (insn->src_reg == BPF_PSEUDO_MAP_VALUE)
		printf("address of map %s's value + %u", maps[map], (u32)insn[1].imm);
	else if (insn->src_reg == BPF_PSEUDO_FUNC)
		printf("function %d", (s32)at + 1 + insn->imm);
	else
		printf("%#" PRIx64 " ll", (u32)insn->imm | (u64)(u32)insn[1].imm << 32);
}

static void print_atomic(const struct bpf_insn *insn)
{
	const char *fetch = insn->imm & BPF_FETCH ? "fetch_" : "";

	if (insn->imm == BPF_LOAD_ACQ) {
		printf("r%d = load_acquire(*(%s *)(r%d %+d))", insn->dst_reg, size_name(insn),
		       insn->src_reg, insn->off);
		return;
	}
	if (insn->imm == BPF_STORE_REL)
		printf("store_release(");
	else if (insn->imm == BPF_XCHG)
		printf("r%d = xchg(", insn->src_reg);
	else if (insn->imm == BPF_CMPXCHG)
		printf("r0 = cmpxchg(");
	else
		printf("lock %s%s (", fetch, alu_names[insn->imm >> 4]);
	printf("*(%s *)(r%d %+d), r%d)", size_name(insn), insn->dst_reg, insn->off,
	       insn->src_reg);
}

static void print_memory(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code);

	if (class == BPF_LDX)
		printf("r%d = *(%s *)(r%d %+d)", insn->dst_reg, size_name(insn), insn->src_reg,
		       insn->off);
	else if (class == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC)
		print_atomic(insn);
	else if (class == BPF_STX)
		printf("*(%s *)(r%d %+d) = r%d", size_name(insn), insn->dst_reg, insn->off,
		       insn->src_reg);
	else
		printf("*(%s *)(r%d %+d) = %d", size_name(insn), insn->dst_reg, insn->off,
		       insn->imm);
}

void insn_print(const struct bpf_insn *insn, u32 at)
{
	u8 class = BPF_CLASS(insn->code);

	if (class == BPF_ALU || class == BPF_ALU64)
		print_alu(insn);
	else if (insn_is_jump(insn))
		print_jump(insn, at);
	else if (class == BPF_JMP)
		print_call(insn, at);
	else if (insn_is_wide(insn))
		print_wide(insn, at);
	else
		print_memory(insn);
	printf("\n");
}

void program_print(const struct program *prog)
{
	u32 at;

	for (at = 0; at < prog->len; at++) {
		printf("  %4u: ", at);
		insn_print(&prog->insn[at], at);
		at += insn_is_wide(&prog->insn[at]);
	}
}
