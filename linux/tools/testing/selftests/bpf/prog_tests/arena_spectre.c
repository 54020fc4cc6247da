// SPDX-License-Identifier: GPL-2.0
/*
 * No access through an arena pointer leaves its window and guards, whatever the
 * pointer is, and whatever a CPU speculates on: nothing that it could mispredict
 * stands between the pointer and the address.
 *
 *   guard | window, 4 GiB | guard        address = base + (u32)pointer + offset
 *         ^ base, a constant in the code           offset: s16, constant
 *
 * Hence two questions: does the code that the JIT emits compute just this, and
 * are window and guards there, around that base? Both are answered by looking:
 * at the code as the kernel gives it out, and at /proc/vmallocinfo.
 */
#define _GNU_SOURCE
#include <string.h>
#include "arena_insn.h"

#define NPAGES 4
#define BASE (ARENA_BASE + GiB)
#define KPTR_RESTRICT "/proc/sys/kernel/kptr_restrict"

/* The access is always through ptr, which the instruction before it cuts. */
struct access {
	const char *name;
	struct bpf_insn insn;
	int ptr;
	int expected_len;
	__u8 expected[16];
};

static int load(int arena, const struct access *a)
{
	struct arena_prog p = {};
	int r;

	emit_map_value(&p, BPF_REG_1, arena, 0);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	for (r = BPF_REG_0; r < BPF_REG_10; r++)
		emit(&p, BPF_MOV64_IMM(r, 100 + r));
	emit(&p, ARENA_TO_KERN(a->ptr, a->ptr));
	emit(&p, a->insn);
	emit_return(&p, 0);
	return arena_load_insns(p.insns, p.cnt, 0, NULL);
}

#define LDX(SIZE, DST, PTR, OFF) \
	BPF_RAW_INSN(BPF_LDX | BPF_MEM | BPF_##SIZE, DST, PTR, OFF, 0)
#define STX(SIZE, PTR, SRC, OFF) \
	BPF_RAW_INSN(BPF_STX | BPF_MEM | BPF_##SIZE, PTR, SRC, OFF, 0)
#define ST(SIZE, PTR, OFF, IMM) \
	BPF_RAW_INSN(BPF_ST | BPF_MEM | BPF_##SIZE, PTR, 0, OFF, IMM)
#define ATOMIC(SIZE, OP, PTR, SRC, OFF) \
	BPF_RAW_INSN(BPF_STX | BPF_ATOMIC | BPF_##SIZE, PTR, SRC, OFF, OP)
#define LDSX(SIZE, DST, PTR, OFF) \
	BPF_RAW_INSN(BPF_LDX | BPF_MEMSX | BPF_##SIZE, DST, PTR, OFF, 0)
#define LOAD_ACQ(SIZE, DST, PTR, OFF) ATOMIC(SIZE, BPF_LOAD_ACQ, DST, PTR, OFF)
#define STORE_REL(SIZE, PTR, SRC, OFF) ATOMIC(SIZE, BPF_STORE_REL, PTR, SRC, OFF)
#define EXPECT(...) sizeof((__u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }
#define R(N) BPF_REG_##N

#if defined(__x86_64__)

/* [r12 + index + disp]: the SIB byte has base 4 with REX.B, and scale 1 */
static const struct access accesses[] = {
	{ "u64 r0 = [r1]", LDX(DW, R(0), R(1), 0), R(1), EXPECT(0x49, 0x8b, 0x04, 0x3c) },
	{ "u32 r0 = [r1 + 16]", LDX(W, R(0), R(1), 16), R(1),
	  EXPECT(0x41, 0x8b, 0x44, 0x3c, 0x10) },
	{ "u16 r2 = [r6 - 1]", LDX(H, R(2), R(6), -1), R(6),
	  EXPECT(0x41, 0x0f, 0xb7, 0x74, 0x1c, 0xff) },
	{ "u8 r3 = [r4 + 32767]", LDX(B, R(3), R(4), 32767), R(4),
	  EXPECT(0x41, 0x0f, 0xb6, 0x94, 0x0c, 0xff, 0x7f, 0x00, 0x00) },
	{ "u64 r0 = [r9 - 32768]", LDX(DW, R(0), R(9), -32768), R(9),
	  EXPECT(0x4b, 0x8b, 0x84, 0x3c, 0x00, 0x80, 0xff, 0xff) },
	{ "u64 r7 = [r8 + 8]", LDX(DW, R(7), R(8), 8), R(8),
	  EXPECT(0x4f, 0x8b, 0x6c, 0x34, 0x08) },
	{ "u64 [r1 + 8] = r2", STX(DW, R(1), R(2), 8), R(1), EXPECT(0x49, 0x89, 0x74, 0x3c, 0x08) },
	{ "u8 [r5] = r2", STX(B, R(5), R(2), 0), R(5), EXPECT(0x43, 0x88, 0x34, 0x04) },
	{ "u16 [r0] = r8", STX(H, R(0), R(8), 0), R(0), EXPECT(0x66, 0x45, 0x89, 0x34, 0x04) },
	{ "u32 [r7 - 32768] = r3", STX(W, R(7), R(3), -32768), R(7),
	  EXPECT(0x43, 0x89, 0x94, 0x2c, 0x00, 0x80, 0xff, 0xff) },
	{ "u32 [r1] = 7", ST(W, R(1), 0, 7), R(1), EXPECT(0x41, 0xc7, 0x04, 0x3c, 0x07, 0, 0, 0) },
	{ "u64 [r9 + 32767] = 7", ST(DW, R(9), 32767, 7), R(9),
	  EXPECT(0x4b, 0xc7, 0x84, 0x3c, 0xff, 0x7f, 0x00, 0x00, 0x07, 0, 0, 0) },
	{ "add u64 [r1], r2", ATOMIC(DW, BPF_ADD, R(1), R(2), 0), R(1),
	  EXPECT(0xf0, 0x49, 0x01, 0x34, 0x3c) },
	{ "fetch_add u32 [r8 + 4], r2", ATOMIC(W, BPF_ADD | BPF_FETCH, R(8), R(2), 4), R(8),
	  EXPECT(0xf0, 0x43, 0x0f, 0xc1, 0x74, 0x34, 0x04) },
	{ "xchg u64 [r6], r2", ATOMIC(DW, BPF_XCHG, R(6), R(2), 0), R(6),
	  EXPECT(0xf0, 0x49, 0x87, 0x34, 0x1c) },
	{ "cmpxchg u64 [r1], r2", ATOMIC(DW, BPF_CMPXCHG, R(1), R(2), 0), R(1),
	  EXPECT(0xf0, 0x49, 0x0f, 0xb1, 0x34, 0x3c) },
	{ "s32 r0 = [r1 + 16]", LDSX(W, R(0), R(1), 16), R(1),
	  EXPECT(0x49, 0x63, 0x44, 0x3c, 0x10) },
	{ "s16 r2 = [r6 - 1]", LDSX(H, R(2), R(6), -1), R(6),
	  EXPECT(0x49, 0x0f, 0xbf, 0x74, 0x1c, 0xff) },
	{ "s8 r5 = [r8]", LDSX(B, R(5), R(8), 0), R(8), EXPECT(0x4f, 0x0f, 0xbe, 0x04, 0x34) },
	{ "load_acquire u64 r0, [r1]", LOAD_ACQ(DW, R(0), R(1), 0), R(1),
	  EXPECT(0x49, 0x8b, 0x04, 0x3c) },
	{ "load_acquire u8 r5, [r8]", LOAD_ACQ(B, R(5), R(8), 0), R(8),
	  EXPECT(0x47, 0x0f, 0xb6, 0x04, 0x34) },
	{ "store_release u16 [r0], r8", STORE_REL(H, R(0), R(8), 0), R(0),
	  EXPECT(0x66, 0x45, 0x89, 0x34, 0x04) },
	{ "store_release u32 [r7 - 32768], r3", STORE_REL(W, R(7), R(3), -32768), R(7),
	  EXPECT(0x43, 0x89, 0x94, 0x2c, 0x00, 0x80, 0xff, 0xff) },
	/* a loop: the load is the first of two accesses */
	{ "fetch_or u64 [r1], r2", ATOMIC(DW, BPF_OR | BPF_FETCH, R(1), R(2), 0), R(1),
	  EXPECT(0x49, 0x8b, 0x04, 0x3c) },
	{ "fetch_or u64 [r1], r2, cmpxchg", ATOMIC(DW, BPF_OR | BPF_FETCH, R(1), R(2), 0), R(1),
	  EXPECT(0xf0, 0x4d, 0x0f, 0xb1, 0x1c, 0x3c) },
};

static const __u8 *find(const struct arena_code *code, const void *bytes, size_t len)
{
	return memmem(code->bytes, code->len, bytes, len);
}

/* mov of the lower half of a register to itself, which clears the upper half */
static const __u8 *find_cut(const struct arena_code *code, int reg)
{
	static const struct {
		__u8 bytes[3];
		int len;
	} cuts[] = {
		{ { 0x89, 0xc0 }, 2 }, { { 0x89, 0xff }, 2 }, { { 0x89, 0xf6 }, 2 },
		{ { 0x89, 0xd2 }, 2 }, { { 0x89, 0xc9 }, 2 }, { { 0x45, 0x89, 0xc0 }, 3 },
		{ { 0x89, 0xdb }, 2 }, { { 0x45, 0x89, 0xed }, 3 }, { { 0x45, 0x89, 0xf6 }, 3 },
		{ { 0x45, 0x89, 0xff }, 3 },
	};
	const __u8 *at = code->bytes, *last = NULL, *end = at + code->len;

	while ((at = memmem(at, end - at, cuts[reg].bytes, cuts[reg].len)))
		last = at += cuts[reg].len;
	return last;
}

static void check_access(const struct arena_code *code, const struct access *a)
{
	const __u8 *access = find(code, a->expected, a->expected_len);
	const __u8 *cut = find_cut(code, a->ptr);

	if (!ASSERT_OK_PTR(access, a->name) || !ASSERT_OK_PTR(cut, a->name))
		return;
	/* a loop of cmpxchg saves r0 first */
	if (!strstr(a->name, "fetch_or"))
		ASSERT_EQ(access - cut, 0, "right behind the cut");
	ASSERT_LE(cut, access, a->name);
}

/* movabs r12 */
static __u64 base_of(const struct arena_code *code)
{
	const __u8 *at = find(code, "\x49\xbc", 2);
	__u64 base;

	if (!ASSERT_OK_PTR(at, "movabs r12"))
		return 0;
	memcpy(&base, at + 2, sizeof(base));
	return base;
}

#define INT3 0xcc

/* Behind "leave", which is one byte: ret or a jump to a thunk, and then a stop */
static void check_returns(const struct arena_code *code)
{
	int i, returns = 0;

	for (i = 0; i + 7 <= code->len; i++) {
		const __u8 *at = code->bytes + i;

		if (at[0] != 0xc9 || (at[1] != 0xc3 && at[1] != 0xe9))
			continue;
		returns++;
		ASSERT_EQ(at[1] == 0xc3 ? at[2] : at[6], INT3, "behind a return");
	}
	ASSERT_EQ(returns, 1, "returns");
}

/* Behind the jump that pops r12 and all the others first, and rax last */
static void check_tail_calls(const struct arena_code *code, bool direct)
{
	const __u8 *at;

	if (direct) {
		/* no program is there: a nop in place of the jump */
		at = find(code, "\x58\x0f\x1f\x44\x00\x00", 6);
		if (ASSERT_OK_PTR(at, "nop"))
			ASSERT_EQ(at[6], INT3, "behind a direct jump");
		return;
	}
	/* add rcx, X86_TAIL_CALL_OFFSET; jump */
	at = find(code, "\x48\x83\xc1", 3);
	if (!ASSERT_OK_PTR(at, "add rcx"))
		return;
	at += 4;
	if (!memcmp(at, "\x0f\xae\xe8", 3)) /* lfence */
		at += 3;
	at += *at == 0xe9 ? 5 : 2;
	ASSERT_EQ(*at, INT3, "behind an indirect jump");
}

#elif defined(__aarch64__)

static void check_returns(const struct arena_code *code)
{
}

static void check_tail_calls(const struct arena_code *code, bool direct)
{
}

/* What these do not name are accesses to the stack, and constants behind the code. */
static const struct access accesses[] = {
	{ "u64 r0 = [r1]", LDX(DW, R(0), R(1), 0), R(1) },
	{ "u32 r0 = [r1 + 16]", LDX(W, R(0), R(1), 16), R(1) },
	{ "u16 r2 = [r6 - 1]", LDX(H, R(2), R(6), -1), R(6) },
	{ "u8 r3 = [r4 + 32767]", LDX(B, R(3), R(4), 32767), R(4) },
	{ "u64 r0 = [r9 - 32768]", LDX(DW, R(0), R(9), -32768), R(9) },
	{ "u64 [r1 + 8] = r2", STX(DW, R(1), R(2), 8), R(1) },
	{ "u8 [r5] = r2", STX(B, R(5), R(2), 0), R(5) },
	{ "u16 [r0] = r8", STX(H, R(0), R(8), 0), R(0) },
	{ "u32 [r7 - 32768] = r3", STX(W, R(7), R(3), -32768), R(7) },
	{ "u64 [r9 + 32767] = 7", ST(DW, R(9), 32767, 7), R(9) },
	{ "add u64 [r1], r2", ATOMIC(DW, BPF_ADD, R(1), R(2), 0), R(1) },
	{ "fetch_add u32 [r8 + 4], r2", ATOMIC(W, BPF_ADD | BPF_FETCH, R(8), R(2), 4), R(8) },
	{ "xchg u64 [r6], r2", ATOMIC(DW, BPF_XCHG, R(6), R(2), 0), R(6) },
	{ "cmpxchg u64 [r1], r2", ATOMIC(DW, BPF_CMPXCHG, R(1), R(2), 0), R(1) },
	{ "fetch_or u64 [r1 - 8], r2", ATOMIC(DW, BPF_OR | BPF_FETCH, R(1), R(2), -8), R(1) },
	{ "s32 r0 = [r1 + 16]", LDSX(W, R(0), R(1), 16), R(1) },
	{ "s16 r2 = [r6 - 1]", LDSX(H, R(2), R(6), -1), R(6) },
	{ "s8 r5 = [r8]", LDSX(B, R(5), R(8), 0), R(8) },
	{ "load_acquire u64 r0, [r1]", LOAD_ACQ(DW, R(0), R(1), 0), R(1) },
	{ "load_acquire u8 r5, [r8 - 32768]", LOAD_ACQ(B, R(5), R(8), -32768), R(8) },
	{ "store_release u16 [r0], r8", STORE_REL(H, R(0), R(8), 0), R(0) },
	{ "store_release u32 [r7 + 8], r3", STORE_REL(W, R(7), R(3), 8), R(7) },
};

#define A64_SP 31

static bool is(__u32 insn, __u32 mask, __u32 value)
{
	return (insn & mask) == value;
}

/* Load or store with a register as offset */
static bool is_indexed(__u32 insn)
{
	return is(insn, 0x3b200c00, 0x38200800);
}

/* ADD of a register that is extended */
static bool is_add_extended(__u32 insn)
{
	return is(insn, 0xffe00000, 0x8b200000);
}

/* The offset is the lower half of a register, unsigned, not scaled. */
static bool is_uxtw(__u32 insn)
{
	if (is_add_extended(insn))
		return is(insn, 0xfc00, 0x4000);
	return is(insn, 0xf000, 0x4000);
}

/* Any other load or store, but for those relative to pc */
static bool is_other_access(__u32 insn)
{
	return is(insn, 0x0a000000, 0x08000000) && !is(insn, 0x3b000000, 0x18000000) &&
	       !is_indexed(insn);
}

static void check_access(const struct arena_code *code, const struct access *a)
{
	int indexed = 0, added = 0, sum = -1;
	__u32 insn, i, rn;

	for (i = 0; i + 4 <= code->len; i += 4) {
		memcpy(&insn, code->bytes + i, sizeof(insn));
		rn = insn >> 5 & 31;
		if (is_indexed(insn)) {
			indexed++;
			ASSERT_TRUE(is_uxtw(insn), a->name);
		} else if (is_add_extended(insn)) {
			added++;
			sum = insn & 31;
			ASSERT_TRUE(is_uxtw(insn), a->name);
		} else if (is_other_access(insn) && rn != A64_SP) {
			/* an atomic, on the sum of base and pointer */
			ASSERT_EQ(rn, sum, a->name);
		}
	}
	ASSERT_EQ(indexed + added, 1, a->name);
}

/* x28, by mov of 16 bits at a time: the first of them may invert the others */
static __u64 base_of(const struct arena_code *code)
{
	__u64 base = 0, part, mask;
	__u32 insn, i, shift;
	bool any = false;

	for (i = 0; i + 4 <= code->len; i += 4) {
		memcpy(&insn, code->bytes + i, sizeof(insn));
		shift = (insn >> 21 & 3) * 16;
		part = (__u64)(insn >> 5 & 0xffff) << shift;
		mask = 0xffffULL << shift;
		if (is(insn, 0xff80001f, 0x9280001c)) /* movn x28 */
			base = ~part;
		else if (is(insn, 0xff80001f, 0xd280001c)) /* movz x28 */
			base = part;
		else if (is(insn, 0xff80001f, 0xf280001c)) /* movk x28 */
			base = (base & ~mask) | part;
		else
			continue;
		any = true;
	}
	ASSERT_TRUE(any, "mov to x28");
	return base;
}

#endif

/* The area that an address is in: its bounds, and how /proc/vmallocinfo calls it */
static bool find_area(__u64 addr, __u64 *start, __u64 *end, char *line, int size)
{
	bool found = false;
	FILE *f;

	f = fopen("/proc/vmallocinfo", "r");
	while (f && !found && fgets(line, size, f))
		found = sscanf(line, "0x%llx-0x%llx", start, end) == 2 &&
			addr >= *start && addr < *end;
	if (f)
		fclose(f);
	return found;
}

static void check_window(__u64 base)
{
	__u64 start, end, lowest = base - 32768, highest = base + 0xffffffff + 32767 + 7;
	char line[512] = "";
	int tries = 0;

	/* what is freed meanwhile may make the file leave out others */
	while (!find_area(base, &start, &end, line, sizeof(line))) {
		if (!ASSERT_LT(tries++, 50, "the window is in /proc/vmallocinfo"))
			return;
		usleep(20 * 1000);
	}
	ASSERT_OK_PTR(strstr(line, " sparse"), "it is an arena's");
	ASSERT_GE(lowest, start, "lowest address that an access can have");
	ASSERT_LT(highest, end, "highest address that an access can have");
	ASSERT_EQ(base % getpagesize(), 0, "page aligned");
}

static bool code_of(int arena, const struct access *a, struct arena_code *code)
{
	int prog = load(arena, a);
	bool ok;

	if (!ASSERT_GE(prog, 0, a->name))
		return false;
	ok = arena_get_code(prog, code);
	close(prog);
	return ok;
}

/*
 * How much room there is depends on where the kernel finds it: of arenas in a row
 * each begins some pages further into a page table than the one before. These
 * are as many as it takes to see all of that, or as fit where addresses are short.
 */
#define ARENAS 180
#define ARENAS_FIT 20

static void check_windows(void)
{
	struct arena_code code = {};
	int arenas[ARENAS], i, n = 0;

	do {
		arenas[n] = arena_create(NPAGES, 0, BASE);
	} while (arenas[n] >= 0 && ++n < ARENAS);
	ASSERT_GE(n, ARENAS_FIT, "arenas at a time");
	for (i = 0; i < n; i++)
		if (code_of(arenas[i], accesses, &code))
			check_window(base_of(&code));
	for (i = 0; i < n; i++)
		close(arenas[i]);
}

static void check_instructions(void)
{
	int i, arena = arena_create(NPAGES, 0, BASE);
	struct arena_code code = {};

	if (!ASSERT_GE(arena, 0, "create"))
		return;
	for (i = 0; i < ARRAY_SIZE(accesses); i++)
		if (code_of(arena, &accesses[i], &code))
			check_access(&code, &accesses[i]);
	close(arena);
}

/* A program that goes on behind its first return, and there uses a pointer */
static int load_leaving(int arena, int progs, bool direct)
{
	struct arena_prog p = {};

	emit(&p, BPF_MOV64_REG(BPF_REG_6, BPF_REG_1));
	emit_map_value(&p, BPF_REG_7, arena, 0);
	emit(&p, ARENA_TO_KERN(BPF_REG_7, BPF_REG_7));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_7, 0));
	emit(&p, BPF_JMP_IMM(BPF_JEQ, BPF_REG_3, 0, 2));
	emit_return(&p, 1);
	emit(&p, direct ? BPF_MOV64_IMM(BPF_REG_3, 0) :
			  BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_7, 16));
	emit(&p, BPF_MOV64_REG(BPF_REG_1, BPF_REG_6));
	emit_map(&p, BPF_REG_2, progs);
	emit(&p, BPF_EMIT_CALL(BPF_FUNC_tail_call));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_7, 8));
	emit(&p, BPF_EXIT_INSN());
	return arena_load_insns(p.insns, p.cnt, 0, NULL);
}

static int load_returning(int ret)
{
	struct arena_prog p = {};

	emit_return(&p, ret);
	return arena_load_insns(p.insns, p.cnt, 0, NULL);
}

static int retval(int prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(prog, &opts) ?: (int)opts.retval;
}

/* No code behind a way out runs with another function's base, or runs at all. */
static void check_leaving(int arena, volatile __u64 *area, bool direct)
{
	int progs = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "progs", 4, 4, 1, NULL);
	struct arena_code code = {};
	int prog, callee, key = 0;

	prog = load_leaving(arena, progs, direct);
	callee = load_returning(3);
	if (ASSERT_GE(prog, 0, "load") && ASSERT_GE(callee, 0, "load") &&
	    arena_get_code(prog, &code)) {
		check_returns(&code);
		check_tail_calls(&code, direct);
		area[0] = 1;
		ASSERT_EQ(retval(prog), 1, "return");
		area[0] = 0;
		area[1] = 2;
		ASSERT_EQ(retval(prog), 2, "no program to call");
		ASSERT_OK(bpf_map_update_elem(progs, &key, &callee, BPF_ANY), "put");
		ASSERT_EQ(retval(prog), 3, "tail call");
		ASSERT_OK(bpf_map_delete_elem(progs, &key), "take out");
		ASSERT_EQ(retval(prog), 2, "no program any more");
		ASSERT_OK(bpf_map_update_elem(progs, &key, &callee, BPF_ANY), "put again");
		ASSERT_EQ(retval(prog), 3, "tail call again");
	}
	close(callee);
	close(prog);
	close(progs);
}

static void check_ways_out(void)
{
	int arena = arena_create(NPAGES, 0, BASE);
	void *area = arena_mmap_at(arena, NPAGES, BASE);

	if (ASSERT_EQ((__u64)area, BASE, "mmap")) {
		check_leaving(arena, area, false);
		check_leaving(arena, area, true);
		munmap(area, arena_bytes(NPAGES));
	}
	close(arena);
}

static void with_addresses(void (*test)(void))
{
	int old = arena_sysctl(KPTR_RESTRICT, 1);

	if (!ASSERT_GE(old, 0, "kptr_restrict"))
		return;
	test();
	arena_sysctl(KPTR_RESTRICT, old);
}

void serial_test_arena_spectre(void)
{
	if (test__start_subtest("hazard_23_instructions"))
		with_addresses(check_instructions);
	if (test__start_subtest("hazard_23_window"))
		with_addresses(check_windows);
	if (test__start_subtest("hazard_23_ways_out"))
		with_addresses(check_ways_out);
}
