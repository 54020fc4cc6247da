// SPDX-License-Identifier: GPL-2.0
/*
 * The instructions of -mcpu=v4, load-acquire and store-release: results, on all
 * memory that they may touch; what of them is refused; what the verifier knows
 * of their results.
 */
#include <linux/capability.h>
#include "arena_insn.h"
#include "arena_v4.h"
#include "arena_v4.skel.h"
#include "cap_helpers.h"

#define NPAGES 32
#define BASE (ARENA_BASE + GiB)
#define PLACE 40960
#define VALUE_SIZE 64
#define REG_VAL(r) (100 + (r))

#define MOVSX64(DST, SRC, BITS) BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, DST, SRC, BITS, 0)
#define MOVSX32(DST, SRC, BITS) BPF_RAW_INSN(BPF_ALU | BPF_MOV | BPF_X, DST, SRC, BITS, 0)
#define SDIV64(OP, DST, SRC) BPF_RAW_INSN(BPF_ALU64 | BPF_##OP | BPF_X, DST, SRC, 1, 0)
#define SDIV32(OP, DST, SRC) BPF_RAW_INSN(BPF_ALU | BPF_##OP | BPF_X, DST, SRC, 1, 0)
#define SDIV64_IMM(OP, DST, IMM) BPF_RAW_INSN(BPF_ALU64 | BPF_##OP | BPF_K, DST, 0, 1, IMM)
#define SDIV32_IMM(OP, DST, IMM) BPF_RAW_INSN(BPF_ALU | BPF_##OP | BPF_K, DST, 0, 1, IMM)
#define BSWAP(DST, BITS) BPF_RAW_INSN(BPF_ALU64 | BPF_END, DST, 0, 0, BITS)
#define GOTOL(IMM) BPF_RAW_INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, IMM)
#define LDSX(SIZE, DST, PTR, OFF) BPF_RAW_INSN(BPF_LDX | BPF_MEMSX | (SIZE), DST, PTR, OFF, 0)
#define LOAD_ACQ(SIZE, DST, PTR, OFF) \
	BPF_RAW_INSN(BPF_STX | BPF_ATOMIC | (SIZE), DST, PTR, OFF, BPF_LOAD_ACQ)
#define STORE_REL(SIZE, PTR, SRC, OFF) \
	BPF_RAW_INSN(BPF_STX | BPF_ATOMIC | (SIZE), PTR, SRC, OFF, BPF_STORE_REL)
#define R(n) BPF_REG_##n

static const struct {
	int size, bytes;
	const char *name;
} sizes[] = {
	{ BPF_B, 1, "8" }, { BPF_H, 2, "16" }, { BPF_W, 4, "32" }, { BPF_DW, 8, "64" },
};

struct fixture {
	int fd, array;
	__u64 *area;
	__u64 absent;	/* user address of a page that is not there */
};

static bool setup(struct fixture *f)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	f->fd = arena_create(NPAGES, 0, BASE);
	f->array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "value", 4, VALUE_SIZE, 1, &opts);
	if (!ASSERT_GE(f->fd, 0, "arena") || !ASSERT_GE(f->array, 0, "array"))
		return false;
	f->area = arena_mmap_at(f->fd, NPAGES, BASE);
	f->absent = BASE + NPAGES / 2 * getpagesize();
	return ASSERT_EQ((__u64)f->area, BASE, "mmap");
}

static void teardown(struct fixture *f)
{
	if ((__u64)f->area == BASE)
		munmap(f->area, arena_bytes(NPAGES));
	close(f->array);
	close(f->fd);
}

static __u64 sign_extended(__u64 val, int bytes)
{
	return (__s64)(val << (64 - 8 * bytes)) >> (64 - 8 * bytes);
}

static __u64 zero_extended(__u64 val, int bytes)
{
	return val << (64 - 8 * bytes) >> (64 - 8 * bytes);
}

/* ---- arithmetic ---- */

/* dst and src are what an operation is given; what it leaves in dst */
static const struct alu_case {
	const char *name;
	struct bpf_insn insn;
	__u64 dst, src, result;
} alus[] = {
	{ "r = (s8)r", MOVSX64(0, 0, 8), 1, 0x1122334455667780, 0xffffffffffffff80 },
	{ "r = (s8)r, positive", MOVSX64(0, 0, 8), 1, 0x112233445566777f, 0x7f },
	{ "r = (s16)r", MOVSX64(0, 0, 16), 1, 0x1122334455668000, 0xffffffffffff8000 },
	{ "r = (s16)r, positive", MOVSX64(0, 0, 16), 1, 0x11223344556f7ffe, 0x7ffe },
	{ "r = (s32)r", MOVSX64(0, 0, 32), 1, 0x1122334480000001, 0xffffffff80000001 },
	{ "r = (s32)r, positive", MOVSX64(0, 0, 32), 1, 0xf12233447fffffff, 0x7fffffff },
	{ "w = (s8)w", MOVSX32(0, 0, 8), 1, 0x11223344556677fe, 0xfffffffe },
	{ "w = (s8)w, positive", MOVSX32(0, 0, 8), -1, 0xf12233445566f70f, 0x0f },
	{ "w = (s16)w", MOVSX32(0, 0, 16), 1, 0x112233445566fffe, 0xfffffffe },
	{ "w = (s16)w, positive", MOVSX32(0, 0, 16), -1, 0xf1223344f5660f0f, 0x0f0f },
	{ "r s/= r", SDIV64(DIV, 0, 0), -41, 5, -8 },
	{ "r s/= -r", SDIV64(DIV, 0, 0), 41, -5, -8 },
	{ "r s/= 0", SDIV64(DIV, 0, 0), -41, 0, 0 },
	{ "r s/= -1", SDIV64(DIV, 0, 0), -41, -1, 41 },
	{ "r s/= -1, smallest", SDIV64(DIV, 0, 0), 1ULL << 63, -1, 1ULL << 63 },
	{ "r s/= 64 bits", SDIV64(DIV, 0, 0), -(3LL << 40), 1LL << 40, -3 },
	{ "r s%= r", SDIV64(MOD, 0, 0), -41, 5, -1 },
	{ "r s%= -r", SDIV64(MOD, 0, 0), 41, -5, 1 },
	{ "r s%= 0", SDIV64(MOD, 0, 0), -41, 0, -41 },
	{ "r s%= -1", SDIV64(MOD, 0, 0), -41, -1, 0 },
	{ "r s%= -1, smallest", SDIV64(MOD, 0, 0), 1ULL << 63, -1, 0 },
	{ "w s/= w", SDIV32(DIV, 0, 0), 0x11111111ffffffd7, 0x2222222200000005, 0xfffffff8 },
	{ "w s/= 0", SDIV32(DIV, 0, 0), -41, 1ULL << 32, 0 },
	{ "w s/= -1", SDIV32(DIV, 0, 0), -41, 0xffffffff, 41 },
	{ "w s/= -1, smallest", SDIV32(DIV, 0, 0), 0xf80000000, 0xffffffff, 0x80000000 },
	{ "w s%= w", SDIV32(MOD, 0, 0), 0x11111111ffffffd7, 0x2222222200000005, 0xffffffff },
	{ "w s%= 0", SDIV32(MOD, 0, 0), 0x11111111ffffffd7, 1ULL << 32, 0xffffffd7 },
	{ "w s%= -1", SDIV32(MOD, 0, 0), -41, 0x5ffffffff, 0 },
	{ "w s%= -1, smallest", SDIV32(MOD, 0, 0), 0xf80000000, 0xffffffff, 0 },
	{ "r s/= 7", SDIV64_IMM(DIV, 0, 7), -50, 0, -7 },
	{ "r s/= -7", SDIV64_IMM(DIV, 0, -7), 1ULL << 40, 0, -157073089682ULL },
	{ "r s/= imm -1", SDIV64_IMM(DIV, 0, -1), 1ULL << 63, 0, 1ULL << 63 },
	{ "r s%= 7", SDIV64_IMM(MOD, 0, 7), -50, 0, -1 },
	{ "r s%= imm -1", SDIV64_IMM(MOD, 0, -1), 1ULL << 63, 0, 0 },
	{ "w s/= 7", SDIV32_IMM(DIV, 0, 7), -50, 0, 0xfffffff9 },
	{ "w s/= imm -1", SDIV32_IMM(DIV, 0, -1), 0x80000000, 0, 0x80000000 },
	{ "w s%= -7", SDIV32_IMM(MOD, 0, -7), -50, 0, 0xffffffff },
	{ "w s%= imm -1", SDIV32_IMM(MOD, 0, -1), 0xf80000000, 0, 0 },
	/* as it was */
	{ "r /= r", BPF_ALU64_REG(BPF_DIV, 0, 0), -41, 5, 0x333333333333332b },
	{ "w %= 7", BPF_ALU32_IMM(BPF_MOD, 0, 7), -50, 0, 0xffffffce % 7 },
	{ "bswap16", BSWAP(0, 16), 0x1122334455667788, 0, 0x8877 },
	{ "bswap32", BSWAP(0, 32), 0x1122334455667788, 0, 0x88776655 },
	{ "bswap64", BSWAP(0, 64), 0x1122334455667788, 0, 0x8877665544332211 },
};

#define DUMP 256

/* All registers are given out at DUMP; ptr, which is neither dst nor src, is not looked at. */
static int run_alu(const struct fixture *f, const struct alu_case *c, int dst, int src, int ptr,
		   __u32 flags)
{
	struct bpf_insn insn = c->insn;
	struct arena_prog p = {};
	int r;

	for (r = 0; r < BPF_REG_10; r++)
		f->area[r] = REG_VAL(r);
	f->area[src] = c->src;
	f->area[dst] = c->dst;
	insn.dst_reg = dst;
	insn.src_reg = BPF_SRC(insn.code) == BPF_X ? src : 0;
	emit_map_value(&p, ptr, f->fd, 0);
	emit(&p, ARENA_TO_KERN(ptr, ptr));
	for (r = 0; r < BPF_REG_10; r++)
		if (r != ptr)
			emit(&p, BPF_LDX_MEM(BPF_DW, r, ptr, 8 * r));
	emit(&p, insn);
	for (r = 0; r < BPF_REG_10; r++)
		if (r != ptr)
			emit(&p, BPF_STX_MEM(BPF_DW, ptr, r, DUMP + 8 * r));
	emit_return(&p, 0);
	return arena_run_prog(&p, flags);
}

static void check_alu(const struct fixture *f, const struct alu_case *c, int dst, int src,
		      __u32 flags)
{
	const int ptr = dst != 7 && src != 7 ? 7 : dst != 8 && src != 8 ? 8 : 6;
	const __u64 *dump = &f->area[DUMP / 8];
	char name[64];
	int r;

	snprintf(name, sizeof(name), "%s, r%d r%d, flags %x", c->name, dst, src, flags);
	if (!ASSERT_EQ(run_alu(f, c, dst, src, ptr, flags), 0, name))
		return;
	ASSERT_EQ(dump[dst], c->result, name);
	for (r = 0; r < BPF_REG_10; r++)
		if (r != dst && r != ptr)
			ASSERT_EQ(dump[r], r == src ? c->src : REG_VAL(r), name);
}

static void alu(struct fixture *f)
{
	static const int regs[][2] = {
		{ 0, 3 }, { 3, 0 }, { 0, 1 }, { 3, 1 }, { 1, 0 }, { 1, 3 }, { 2, 5 }, { 5, 2 },
		{ 9, 4 }, { 6, 9 },
	};
	int i, r;

	for (i = 0; i < ARRAY_SIZE(alus); i++) {
		for (r = 0; r < ARRAY_SIZE(regs); r++)
			check_alu(f, &alus[i], regs[r][0], regs[r][1], 0);
		check_alu(f, &alus[i], 2, 8, BPF_F_TEST_RND_HI32);
	}
}

static void alu_blinded(struct fixture *f)
{
	int old = arena_sysctl(JIT_HARDEN, 2), i;

	for (i = 0; i < ARRAY_SIZE(alus); i++) {
		check_alu(f, &alus[i], 2, 3, 0);
		check_alu(f, &alus[i], 0, 9, BPF_F_TEST_RND_HI32);
	}
	arena_sysctl(JIT_HARDEN, old);
}

/* ---- memory ---- */

static const __s16 offs[] = {
	0, 8, -8, 120, -128, 128, 4088, -4096, 4096, -4104, 20480, 32760, -32768,
};

/* FRAME: r10 itself, at FRAME_OFF */
enum place { ARENA, VALUE, STACK, FRAME, PLACES };
static const char * const place_names[] = { "arena", "map value", "stack", "frame" };

#define FRAME_OFF (-16)

/* ptr = pointer to eight bytes of a place with val in them, less off. r1 and r2 are lost. */
static void emit_place(struct arena_prog *p, const struct fixture *f, enum place place, int ptr,
		       __s16 off, __u64 val)
{
	f->area[PLACE / 8] = val;
	if (place == FRAME) {
		emit_map_value(p, R(2), f->fd, PLACE);
		emit(p, ARENA_TO_KERN(R(2), R(2)));
		emit(p, BPF_LDX_MEM(BPF_DW, R(1), R(2), 0));
		emit(p, BPF_STX_MEM(BPF_DW, R(10), R(1), FRAME_OFF));
		return;
	}
	emit_map_value(p, ptr, f->fd, PLACE);
	emit(p, ARENA_TO_KERN(ptr, ptr));
	if (place != ARENA) {
		emit(p, BPF_LDX_MEM(BPF_DW, R(1), ptr, 0));
		if (place == VALUE)
			emit_map_value(p, ptr, f->array, 8);
		else
			emit(p, BPF_MOV64_REG(ptr, R(10)));
		if (place == STACK)
			emit(p, BPF_ALU64_IMM(BPF_ADD, ptr, FRAME_OFF));
		emit(p, BPF_STX_MEM(BPF_DW, ptr, R(1), 0));
	}
	emit(p, BPF_ALU64_IMM(BPF_ADD, ptr, -off));
}

static int run_load(const struct fixture *f, enum place place, struct bpf_insn load, __u64 val,
		    __u64 expected, __u32 flags)
{
	struct arena_prog p = {};

	emit_place(&p, f, place, load.src_reg, load.off, val);
	emit(&p, load);
	emit_expect64(&p, load.dst_reg, load.dst_reg == R(1) ? R(0) : R(1), expected, 1);
	emit_return(&p, 0);
	return arena_run_prog(&p, flags);
}

static void check_load(const struct fixture *f, enum place place, int s, int dst, int ptr,
		       __s16 off)
{
	const __u64 vals[] = { 0x8182838485868788, 0x0102030405060708 };
	const __u32 flags[] = { 0, BPF_F_TEST_RND_HI32 };
	struct bpf_insn ldsx = LDSX(sizes[s].size, dst, ptr, off);
	struct bpf_insn acq = LOAD_ACQ(sizes[s].size, dst, ptr, off);
	const int bytes = sizes[s].bytes;
	char name[64];
	int i;

	snprintf(name, sizeof(name), "%s: %s bits, r%d = [r%d%+d]", place_names[place],
		 sizes[s].name, dst, ptr, off);
	for (i = 0; i < 2; i++) {
		if (bytes < 8)
			ASSERT_EQ(run_load(f, place, ldsx, vals[i], sign_extended(vals[i], bytes),
					   flags[i]), 0, name);
		ASSERT_EQ(run_load(f, place, acq, vals[i], zero_extended(vals[i], bytes), flags[i]),
			  0, name);
	}
}

static void loads(struct fixture *f)
{
	int place, s, i;

	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		check_load(f, FRAME, s, 3, R(10), FRAME_OFF);
	for (place = 0; place < FRAME; place++) {
		for (s = 0; s < ARRAY_SIZE(sizes); s++) {
			for (i = 0; i < ARRAY_SIZE(offs); i++)
				check_load(f, place, s, i % 9, 9, place == ARENA ? offs[i] :
					   offs[i] % 32);
			for (i = 0; i < BPF_REG_10; i++)
				check_load(f, place, s, i, i == 1 ? 2 : i, 0);
		}
	}
}

static int run_store(const struct fixture *f, enum place place, struct bpf_insn store)
{
	struct arena_prog p = {};

	emit_place(&p, f, place, store.dst_reg, store.off, 0x1122334455667788);
	emit_imm64(&p, store.src_reg, 0x8182838485868788);
	emit(&p, store);
	emit(&p, BPF_LDX_MEM(BPF_DW, R(0), store.dst_reg, store.off));
	emit_map_value(&p, R(1), f->fd, DUMP);
	emit(&p, ARENA_TO_KERN(R(1), R(1)));
	emit(&p, BPF_STX_MEM(BPF_DW, R(1), R(0), 0));
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

static void check_store(const struct fixture *f, enum place place, int s, int ptr, __s16 off)
{
	const __u64 mask = zero_extended(-1, sizes[s].bytes);
	const int src = (ptr + 3) % 10;
	char name[64];

	snprintf(name, sizeof(name), "%s: %s bits, [r%d%+d] = r%d", place_names[place],
		 sizes[s].name, ptr, off, src);
	f->area[DUMP / 8] = 0;
	ASSERT_EQ(run_store(f, place, STORE_REL(sizes[s].size, ptr, src, off)), 0, name);
	ASSERT_EQ(f->area[DUMP / 8], (0x1122334455667788 & ~mask) | (0x8182838485868788 & mask),
		  name);
}

static void stores(struct fixture *f)
{
	int place, s, i, ptr;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		check_store(f, FRAME, s, R(10), FRAME_OFF);
		for (place = 0; place < FRAME; place++) {
			for (i = 0; i < ARRAY_SIZE(offs); i++) {
				ptr = i % 10 == 1 ? 2 : i % 10;
				check_store(f, place, s, ptr, place == ARENA ? offs[i] :
					    offs[i] % 32);
			}
		}
	}
}

/* Only aligned bytes move: those beside stay. */
static void ordered_neighbours(struct fixture *f)
{
	struct arena_prog p = {};
	int i;

	memset(&f->area[PLACE / 8], 0x11, 8);
	emit_map_value(&p, R(2), f->fd, PLACE);
	emit(&p, ARENA_TO_KERN(R(2), R(2)));
	emit(&p, BPF_MOV64_IMM(R(3), -1));
	emit(&p, STORE_REL(BPF_B, R(2), R(3), 3));
	emit(&p, STORE_REL(BPF_H, R(2), R(3), 6));
	emit(&p, LOAD_ACQ(BPF_B, R(4), R(2), 2));
	emit_expect(&p, R(4), 0x11, 1);
	emit(&p, LOAD_ACQ(BPF_H, R(4), R(2), 2));
	emit_expect(&p, R(4), 0xff11, 2);
	emit_return(&p, 0);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(arena_run_prog(&p, i ? BPF_F_TEST_RND_HI32 : 0), 0, "loads");
	ASSERT_EQ(f->area[PLACE / 8], 0xffff1111ff111111, "memory");
}

/* Registers but r9, the pointer, and r2 hold REG_VAL(); reads faults before and after. */
static void check_absent(const struct fixture *f, struct bpf_insn insn, __u64 addr, bool is_load,
			 const char *name)
{
	const long long before = arena_fdinfo(f->fd, "faults");
	struct arena_prog p = {};
	int r;

	for (r = 0; r < BPF_REG_10; r++)
		f->area[r] = REG_VAL(r);
	emit_map_value(&p, R(9), f->fd, 0);
	emit(&p, ARENA_TO_KERN(R(9), R(9)));
	for (r = 0; r < R(9); r++)
		emit(&p, BPF_LDX_MEM(BPF_DW, r, R(9), r * 8));
	emit_imm64(&p, R(9), addr - insn.off);
	emit(&p, ARENA_TO_KERN(R(9), R(9)));
	emit(&p, insn);
	for (r = 0; r < R(9); r++)
		emit_expect(&p, r, is_load && r == insn.dst_reg ? 0 : REG_VAL(r), 1000 + r);
	emit_return(&p, 0);
	ASSERT_EQ(arena_run_prog(&p, 0), 0, name);
	ASSERT_EQ(arena_fdinfo(f->fd, "faults"), before + 1, name);
	ASSERT_EQ(arena_fdinfo(f->fd, "last_fault"), addr, name);
}

static void absent(struct fixture *f)
{
	const __u64 last = f->absent + getpagesize() - 8;
	const struct {
		__u64 addr;
		__s16 off;
	} places[] = {
		{ f->absent, 0 }, { last, 8 }, { f->absent, -8 }, { f->absent, 32760 },
		{ f->absent, -32768 }, { BASE + arena_bytes(NPAGES), 0 }, { BASE - 8, -8 },
	};
	char name[64];
	int i, s, dst;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		for (s = 0; s < ARRAY_SIZE(sizes); s++) {
			dst = (i * 4 + s) % 9;
			snprintf(name, sizeof(name), "%s bits, r%d, 0x%llx%+d", sizes[s].name, dst,
				 places[i].addr, places[i].off);
			if (sizes[s].bytes < 8)
				check_absent(f, LDSX(sizes[s].size, dst, R(9), places[i].off),
					     places[i].addr, true, name);
			check_absent(f, LOAD_ACQ(sizes[s].size, dst, R(9), places[i].off),
				     places[i].addr, true, name);
			check_absent(f, STORE_REL(sizes[s].size, R(9), dst, places[i].off),
				     places[i].addr, false, name);
		}
	}
}

/* It is done, or skipped by a CPU that wants alignment: never by half */
static void unaligned(struct fixture *f)
{
	const __u64 old = 0x1122334455667788, new = 0x8182838485868788;
	struct arena_prog load = {}, store = {};
	char *at = (char *)f->area + 4096 - 4;
	int err;
	__u64 val;

	memcpy(at, &old, 8);
	emit_map_value(&load, R(2), f->fd, 4096 - 4);
	emit(&load, ARENA_TO_KERN(R(2), R(2)));
	emit(&load, LOAD_ACQ(BPF_DW, R(3), R(2), 0));
	emit(&load, BPF_JMP_IMM(BPF_JEQ, R(3), 0, 5));
	emit_expect64(&load, R(3), R(4), old, 1);
	emit_return(&load, 0);
	ASSERT_EQ(arena_run_prog(&load, 0), 0, "load");

	emit_map_value(&store, R(2), f->fd, 4096 - 4);
	emit(&store, ARENA_TO_KERN(R(2), R(2)));
	emit_imm64(&store, R(3), new);
	emit(&store, STORE_REL(BPF_DW, R(2), R(3), 0));
	emit_return(&store, 0);
	err = arena_run_prog(&store, 0);
	memcpy(&val, at, 8);
	ASSERT_EQ(err, 0, "store");
	ASSERT_TRUE(val == new || val == old, "memory");
}

/* What is spilled by store_release is what load_acquire fills: an arena pointer, a scalar */
static void spills(struct fixture *f)
{
	struct arena_prog p = {};

	f->area[PLACE / 8] = 42;
	emit_map_value(&p, R(2), f->fd, PLACE);
	emit(&p, ARENA_TO_KERN(R(2), R(2)));
	emit(&p, STORE_REL(BPF_DW, R(10), R(2), -8));
	emit(&p, BPF_MOV64_IMM(R(2), 0));
	emit(&p, LOAD_ACQ(BPF_DW, R(3), R(10), -8));
	emit(&p, BPF_LDX_MEM(BPF_DW, R(4), R(3), 0));
	emit_expect(&p, R(4), 42, 1);
	emit_map_value(&p, R(6), f->array, 0);
	emit(&p, BPF_ALU64_IMM(BPF_AND, R(4), 31));
	emit(&p, STORE_REL(BPF_DW, R(10), R(4), -16));
	emit(&p, LOAD_ACQ(BPF_DW, R(7), R(10), -16));
	emit(&p, BPF_ALU64_REG(BPF_ADD, R(6), R(7)));
	emit(&p, BPF_LDX_MEM(BPF_B, R(0), R(6), 0)); /* within bounds */
	emit_return(&p, 0);
	ASSERT_EQ(arena_run_prog(&p, 0), 0, "spills");
}

/* ---- jumps ---- */

#define FAR 70000

/* All of it is reached when area[0] is not what the verifier knows: from end to end, back */
static void gotol(struct fixture *f)
{
	struct bpf_insn *insns = calloc(FAR + 64, sizeof(*insns));
	struct arena_prog p = {};
	int i, flags, old, at;

	emit_map_value(&p, R(2), f->fd, 0);
	emit(&p, ARENA_TO_KERN(R(2), R(2)));
	emit(&p, BPF_LDX_MEM(BPF_DW, R(3), R(2), 0));
	emit(&p, BPF_MOV64_IMM(R(0), 0));
	emit(&p, BPF_MOV64_IMM(R(4), 1));
	emit(&p, BPF_JMP_IMM(BPF_JEQ, R(3), 0, 1));
	at = p.cnt;			/* if area[0]: far ahead */
	emit(&p, GOTOL(FAR));
	memcpy(insns, p.insns, p.cnt * sizeof(*insns));
	for (i = 0; i < FAR; i++)
		insns[at + 1 + i] = BPF_ALU64_REG(BPF_ADD, R(0), R(4));
	/* what constant blinding makes longer */
	insns[at + FAR / 2] = BPF_ALU64_IMM(BPF_ADD, R(0), 1);
	i = at + 1 + FAR;
	insns[i++] = BPF_JMP_IMM(BPF_JNE, R(3), 2, 2);
	insns[i++] = BPF_MOV64_IMM(R(3), 3);
	insns[i] = GOTOL(at - i);	/* once: back to the first addition */
	i++;
	insns[i++] = BPF_EXIT_INSN();

	for (flags = 0; flags < 3; flags++) {
		old = flags == 2 ? arena_sysctl(JIT_HARDEN, 2) : -1;
		f->area[0] = 0;
		ASSERT_EQ(arena_run_insns(insns, i, flags & 1 ? BPF_F_TEST_RND_HI32 : 0), FAR,
			  "falls through");
		f->area[0] = 1;
		ASSERT_EQ(arena_run_insns(insns, i, 0), 0, "ahead");
		f->area[0] = 2;
		ASSERT_EQ(arena_run_insns(insns, i, 0), FAR, "ahead and back");
		if (old >= 0)
			arena_sysctl(JIT_HARDEN, old);
	}
	free(insns);
}

/* What a gotol skips is removed, and what is patched is longer: imm follows both */
static void gotol_adjusted(struct fixture *f)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(R(0), 1),
		BPF_JMP_IMM(BPF_JEQ, R(0), 0, 1),
		GOTOL(2),
		BPF_MOV64_IMM(R(0), 2),
		BPF_EXIT_INSN(),
		BPF_MOV64_IMM(R(2), 6),
		BPF_MOV64_IMM(R(3), -2),
		GOTOL(3),
		SDIV64(DIV, R(2), R(3)),
		BPF_MOV64_REG(R(0), R(2)),
		BPF_EXIT_INSN(),
		GOTOL(0),
		SDIV64(MOD, R(2), R(3)),
		BPF_ALU64_IMM(BPF_ADD, R(2), 9),
		GOTOL(-7),
	};

	/* ((6 s% -2) + 9) s/ -2 */
	ASSERT_EQ(arena_run_insns(insns, ARRAY_SIZE(insns), 0), -4, "result");
}

/* ---- the verifier ---- */

#define ARRAY 0x7ffffe	/* in place of its file descriptor */
#define ARENA_MAP 0x7ffffd

struct verdict {
	const char *name;
	struct bpf_insn insns[24];
	int err;
	const char *msg;
	__u32 flags;
};

static void replace_maps(struct bpf_insn *insns, int cnt, const struct fixture *f)
{
	int i;

	for (i = 0; i < cnt; i++) {
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insns[i].imm == ARRAY)
			insns[i].imm = f->array;
		if (insns[i].imm == ARENA_MAP)
			insns[i].imm = f->fd;
	}
}

static void check_verdict(const struct fixture *f, const struct verdict *v)
{
	char *log = calloc(1, ARENA_LOG_SIZE);
	struct bpf_insn insns[24];
	int cnt, fd;

	for (cnt = ARRAY_SIZE(insns); cnt && !v->insns[cnt - 1].code; cnt--)
		;
	memcpy(insns, v->insns, sizeof(insns));
	replace_maps(insns, cnt, f);
	fd = arena_load_insns(insns, cnt, v->flags, log);
	ASSERT_EQ(fd < 0 ? fd : 0, v->err, v->name);
	if (v->msg && !ASSERT_OK_PTR(strstr(log, v->msg), v->name))
		fprintf(stderr, "%s", log);
	if (fd >= 0)
		close(fd);
	free(log);
}

#define RETURN_0 BPF_MOV64_IMM(R(0), 0), BPF_EXIT_INSN()
#define MSG_MOV "BPF_MOV uses reserved fields"
#define MSG_ALU "BPF_ALU uses reserved fields"
#define MSG_JA "BPF_JA uses reserved fields"
#define NUM BPF_MOV64_IMM(R(1), 1), BPF_MOV64_IMM(R(2), 1)
#define VALUE_PTR(DST) BPF_LD_MAP_VALUE(DST, ARRAY, 0)
#define SLOT BPF_ST_MEM(BPF_DW, R(10), -8, 0), BPF_MOV64_IMM(R(2), 1)
#define RAW BPF_RAW_INSN

static const struct verdict refused[] = {
	{ "movsx off 4", { NUM, MOVSX64(R(1), R(2), 4), RETURN_0 }, -EINVAL, MSG_MOV },
	{ "movsx off 24", { NUM, MOVSX64(R(1), R(2), 24), RETURN_0 }, -EINVAL, MSG_MOV },
	{ "movsx off 64", { NUM, MOVSX64(R(1), R(2), 64), RETURN_0 }, -EINVAL, MSG_MOV },
	{ "movsx off -8", { NUM, MOVSX64(R(1), R(2), -8), RETURN_0 }, -EINVAL, MSG_MOV },
	{ "movsx 32 of 32", { NUM, MOVSX32(R(1), R(2), 32), RETURN_0 }, -EINVAL, MSG_MOV },
	{ "movsx with imm",
	  { NUM, RAW(BPF_ALU64 | BPF_MOV | BPF_X, R(1), R(2), 8, 1), RETURN_0 }, -EINVAL, MSG_MOV },
	{ "movsx of imm",
	  { NUM, RAW(BPF_ALU64 | BPF_MOV | BPF_K, R(1), 0, 8, 1), RETURN_0 }, -EINVAL, MSG_MOV },
	{ "movsx into r10", { NUM, MOVSX64(R(10), R(2), 8), RETURN_0 },
	  -EACCES, "frame pointer is read only" },
	{ "movsx, uninitialized", { NUM, MOVSX64(R(1), R(3), 8), RETURN_0 },
	  -EACCES, "R3 !read_ok" },
	{ "div off 2",
	  { NUM, RAW(BPF_ALU64 | BPF_DIV | BPF_X, R(1), R(2), 2, 0), RETURN_0 }, -EINVAL, MSG_ALU },
	{ "div off -1",
	  { NUM, RAW(BPF_ALU | BPF_MOD | BPF_K, R(1), 0, -1, 3), RETURN_0 }, -EINVAL, MSG_ALU },
	{ "mul off 1",
	  { NUM, RAW(BPF_ALU64 | BPF_MUL | BPF_X, R(1), R(2), 1, 0), RETURN_0 }, -EINVAL, MSG_ALU },
	{ "sdiv with imm",
	  { NUM, RAW(BPF_ALU64 | BPF_DIV | BPF_X, R(1), R(2), 1, 1), RETURN_0 }, -EINVAL, MSG_ALU },
	{ "sdiv by imm 0", { NUM, SDIV64_IMM(DIV, R(1), 0), RETURN_0 }, -EINVAL, "div by zero" },
	{ "smod by imm 0", { NUM, SDIV32_IMM(MOD, R(1), 0), RETURN_0 }, -EINVAL, "div by zero" },
	{ "bswap 8", { NUM, BSWAP(R(1), 8), RETURN_0 }, -EINVAL, "BPF_END uses reserved fields" },
	{ "bswap off", { NUM, RAW(BPF_ALU64 | BPF_END, R(1), 0, 1, 16), RETURN_0 },
	  -EINVAL, "BPF_END uses reserved fields" },
	{ "bswap src", { NUM, RAW(BPF_ALU64 | BPF_END, R(1), R(2), 0, 16), RETURN_0 },
	  -EINVAL, "BPF_END uses reserved fields" },
	{ "bswap, BPF_X", { NUM, RAW(BPF_ALU64 | BPF_END | BPF_X, R(1), 0, 0, 16), RETURN_0 },
	  -EINVAL, "unknown opcode df" },
	{ "gotol, off", { RAW(BPF_JMP32 | BPF_JA, 0, 0, 1, 0), RETURN_0 }, -EINVAL, MSG_JA },
	{ "gotol, src", { RAW(BPF_JMP32 | BPF_JA, 0, 1, 0, 0), RETURN_0 }, -EINVAL, MSG_JA },
	{ "goto, imm", { RAW(BPF_JMP | BPF_JA, 0, 0, 0, 1), RETURN_0 }, -EINVAL, MSG_JA },
	{ "gotol out of the program", { GOTOL(2), RETURN_0 },
	  -EINVAL, "jump out of range from insn 0 to 3" },
	{ "gotol, far out", { GOTOL(0x7fffffff), RETURN_0 }, -EINVAL, "jump out of range" },
	{ "gotol to itself", { GOTOL(-1), RETURN_0 }, -EINVAL, "unreachable insn" },
	{ "gotol into ld_imm64",
	  { NUM, BPF_JMP_IMM(BPF_JEQ, R(1), 1, 1), GOTOL(1), BPF_LD_IMM64(R(1), 1), RETURN_0 },
	  -EINVAL, "jump into the middle of ldimm64" },
	{ "ldsx of 64 bits", { SLOT, LDSX(BPF_DW, R(1), R(10), -8), RETURN_0 },
	  -EINVAL, "unknown opcode 99" },
	{ "ldsx with imm",
	  { SLOT, RAW(BPF_LDX | BPF_MEMSX | BPF_W, R(1), R(10), -8, 1), RETURN_0 },
	  -EINVAL, "BPF_LDX uses reserved fields" },
	{ "the verifier's own mode, pointer to a BTF type",
	  { SLOT, RAW(BPF_LDX | 0x40 | BPF_W, R(1), R(10), -8, 0), RETURN_0 },
	  -EINVAL, "BPF_LDX uses reserved fields" },
	{ "the verifier's own mode, arena",
	  { SLOT, RAW(BPF_LDX | 0xc0 | BPF_W, R(1), R(10), -8, 0), RETURN_0 },
	  -EINVAL, "BPF_LDX uses reserved fields" },
	{ "ldsx through a number", { NUM, LDSX(BPF_W, R(1), R(2), 0), RETURN_0 },
	  -EACCES, "R2 invalid mem access 'scalar'" },
	{ "ldsx outside of the stack", { SLOT, LDSX(BPF_W, R(1), R(10), 0), RETURN_0 },
	  -EACCES, "invalid read from stack" },
	{ "ldsx of half a pointer",
	  { BPF_STX_MEM(BPF_DW, R(10), R(1), -8), LDSX(BPF_W, R(1), R(10), -8), RETURN_0 },
	  -EACCES, "invalid size of register fill" },
	{ "load_acquire, another imm",
	  { SLOT, RAW(BPF_STX | BPF_ATOMIC | BPF_W, R(1), R(10), -8, 0x101), RETURN_0 },
	  -EINVAL, "BPF_ATOMIC uses invalid atomic opcode 101" },
	{ "store_release, another imm",
	  { SLOT, RAW(BPF_STX | BPF_ATOMIC | BPF_W, R(10), R(2), -8, 0x111), RETURN_0 },
	  -EINVAL, "BPF_ATOMIC uses invalid atomic opcode 111" },
	{ "add of 8 bits",
	  { SLOT, RAW(BPF_STX | BPF_ATOMIC | BPF_B, R(10), R(2), -8, BPF_ADD), RETURN_0 },
	  -EINVAL, "invalid atomic operand size" },
	{ "cmpxchg of 16 bits",
	  { SLOT, RAW(BPF_STX | BPF_ATOMIC | BPF_H, R(10), R(2), -8, BPF_CMPXCHG), RETURN_0 },
	  -EINVAL, "invalid atomic operand size" },
	{ "load_acquire into r10", { SLOT, LOAD_ACQ(BPF_W, R(10), R(10), -8), RETURN_0 },
	  -EACCES, "frame pointer is read only" },
	{ "load_acquire, uninitialized", { SLOT, LOAD_ACQ(BPF_W, R(1), R(3), 0), RETURN_0 },
	  -EACCES, "R3 !read_ok" },
	{ "store_release, uninitialized", { SLOT, STORE_REL(BPF_W, R(10), R(3), -8), RETURN_0 },
	  -EACCES, "R3 !read_ok" },
	{ "load_acquire through a number",
	  { BPF_MOV64_IMM(R(2), 8), LOAD_ACQ(BPF_W, R(1), R(2), 0), RETURN_0 },
	  -EACCES, "R2 invalid mem access 'scalar'" },
	{ "load_acquire of the context", { LOAD_ACQ(BPF_DW, R(2), R(1), 0), RETURN_0 },
	  -EACCES, "BPF_ATOMIC loads from R1 ctx is not allowed" },
	{ "store_release to the context",
	  { BPF_MOV64_IMM(R(2), 1), STORE_REL(BPF_DW, R(1), R(2), 0), RETURN_0 },
	  -EACCES, "BPF_ATOMIC stores into R1 ctx is not allowed" },
	{ "load_acquire of the kernel's structures",
	  { BPF_EMIT_CALL(BPF_FUNC_get_current_task_btf), LOAD_ACQ(BPF_W, R(1), R(0), 0), RETURN_0 },
	  -EACCES, "BPF_ATOMIC loads from R0 ptr_ is not allowed" },
	{ "store_release to the kernel's structures",
	  { BPF_EMIT_CALL(BPF_FUNC_get_current_task_btf), BPF_MOV64_IMM(R(1), 0),
	    STORE_REL(BPF_W, R(0), R(1), 0), RETURN_0 }, -EACCES, "only read is supported" },
	{ "load_acquire of a map", { BPF_LD_MAP_FD(R(2), ARRAY), LOAD_ACQ(BPF_W, R(1), R(2), 24),
	    RETURN_0 }, -EACCES, "BPF_ATOMIC loads from R2 map_ptr is not allowed" },
	{ "unaligned load_acquire", { VALUE_PTR(R(2)), LOAD_ACQ(BPF_W, R(1), R(2), 2), RETURN_0 },
	  -EACCES, "misaligned value access" },
	{ "unaligned store_release",
	  { VALUE_PTR(R(2)), BPF_MOV64_IMM(R(1), 0), STORE_REL(BPF_H, R(2), R(1), 1), RETURN_0 },
	  -EACCES, "misaligned value access" },
	{ "load_acquire behind the value",
	  { VALUE_PTR(R(2)), LOAD_ACQ(BPF_DW, R(1), R(2), VALUE_SIZE), RETURN_0 },
	  -EACCES, "invalid access to map value" },
	{ "store_release of half a pointer",
	  { STORE_REL(BPF_W, R(10), R(1), -8), RETURN_0 },
	  -EACCES, "invalid size of register spill" },
	{ "load_acquire of the arena, and of the stack",
	  { BPF_LD_MAP_FD(R(1), ARENA_MAP), SLOT, BPF_LDX_MEM(BPF_DW, R(4), R(10), -8),
	    BPF_MOV64_IMM(R(3), 0), ARENA_TO_KERN(R(3), R(3)),
	    BPF_EMIT_CALL(BPF_FUNC_get_prandom_u32), BPF_MOV64_IMM(R(6), 0),
	    ARENA_TO_KERN(R(6), R(6)), BPF_JMP_IMM(BPF_JEQ, R(0), 0, 2), BPF_MOV64_REG(R(6), R(10)),
	    BPF_ALU64_IMM(BPF_ADD, R(6), -8), LOAD_ACQ(BPF_DW, R(1), R(6), 0), RETURN_0 },
	  -EINVAL, "same insn cannot be used with different pointers" },
};

/* A number that is not known, of 64 bits, and the map's value of VALUE_SIZE bytes */
#define UNKNOWN VALUE_PTR(R(9)), BPF_LDX_MEM(BPF_DW, R(2), R(9), 0)
#define INDEX_BY(REG) BPF_ALU64_REG(BPF_ADD, R(9), REG), BPF_LDX_MEM(BPF_B, R(0), R(9), 0)
#define MSG_NEG "min value is negative"
#define MSG_UNKNOWN "unbounded min value is not allowed"
/* reached if the verifier does not know the value: r5 was never set */
#define KNOWN(REG, VAL) BPF_JMP_IMM(BPF_JEQ, REG, VAL, 1), BPF_MOV64_REG(R(0), R(5))

static const struct verdict bounds[] = {
	{ "(s8) of 0 to 63",
	  { UNKNOWN, BPF_ALU64_IMM(BPF_AND, R(2), 63), MOVSX64(R(3), R(2), 8), INDEX_BY(R(3)),
	    RETURN_0 } },
	{ "(s8) of 0 to 255 is negative",
	  { UNKNOWN, BPF_ALU64_IMM(BPF_AND, R(2), 255), MOVSX64(R(3), R(2), 8), INDEX_BY(R(3)),
	    RETURN_0 }, -EACCES, MSG_NEG },
	{ "(s8) of what is not known, compared",
	  { UNKNOWN, MOVSX64(R(3), R(2), 8), BPF_JMP_IMM(BPF_JSLT, R(3), 0, 4),
	    BPF_JMP_IMM(BPF_JSGT, R(3), 63, 3), INDEX_BY(R(3)), BPF_MOV64_IMM(R(0), 1), RETURN_0 } },
	{ "(s16) of what is not known",
	  { UNKNOWN, MOVSX64(R(3), R(2), 16), INDEX_BY(R(3)), RETURN_0 }, -EACCES, MSG_NEG },
	{ "(s8) of 256 to 256 + 63: bits above do not count",
	  { UNKNOWN, BPF_ALU64_IMM(BPF_AND, R(2), 63), BPF_ALU64_IMM(BPF_ADD, R(2), 256),
	    MOVSX64(R(3), R(2), 8), INDEX_BY(R(3)), RETURN_0 } },
	{ "(s32) of a wide number is no smaller by itself",
	  { UNKNOWN, MOVSX64(R(3), R(2), 32), BPF_JMP_IMM(BPF_JGT, R(3), 63, 3), INDEX_BY(R(3)),
	    BPF_MOV64_IMM(R(0), 1), RETURN_0 } },
	{ "what is learned of the copy does not hold for the source",
	  { UNKNOWN, MOVSX64(R(3), R(2), 8), BPF_JMP_IMM(BPF_JGT, R(3), 63, 3), INDEX_BY(R(2)),
	    BPF_MOV64_IMM(R(0), 1), RETURN_0 }, -EINVAL, MSG_UNKNOWN },
	{ "what is learned of the copy holds where it is equal",
	  { UNKNOWN, BPF_ALU64_IMM(BPF_AND, R(2), 127), MOVSX64(R(3), R(2), 8),
	    BPF_JMP_IMM(BPF_JGT, R(3), 63, 3), INDEX_BY(R(2)), BPF_MOV64_IMM(R(0), 1), RETURN_0 } },
	{ "w = (s8)w of 0 to 63",
	  { UNKNOWN, BPF_ALU64_IMM(BPF_AND, R(2), 63), MOVSX32(R(3), R(2), 8), INDEX_BY(R(3)),
	    RETURN_0 } },
	{ "w = (s8)w is not negative, but large",
	  { UNKNOWN, BPF_ALU64_IMM(BPF_AND, R(2), 255), MOVSX32(R(3), R(2), 8), INDEX_BY(R(3)),
	    RETURN_0 }, -EACCES, "R9 unbounded memory access" },
	{ "w = (s16)w, compared",
	  { UNKNOWN, MOVSX32(R(3), R(2), 16), BPF_JMP_IMM(BPF_JGT, R(3), 63, 3), INDEX_BY(R(3)),
	    BPF_MOV64_IMM(R(0), 1), RETURN_0 } },
	{ "a constant",
	  { BPF_MOV64_IMM(R(2), 0x180), MOVSX64(R(3), R(2), 8), KNOWN(R(3), -128), RETURN_0 } },
	{ "a constant of 32 bits",
	  { BPF_LD_IMM64(R(2), 0x7fffffff80000000), MOVSX64(R(3), R(2), 32),
	    KNOWN(R(3), (__s32)0x80000000), RETURN_0 } },
	{ "w = a constant",
	  { BPF_MOV64_IMM(R(2), 0x8000), MOVSX32(R(3), R(2), 16), BPF_ALU64_IMM(BPF_RSH, R(3), 15),
	    KNOWN(R(3), 0x1ffff), RETURN_0 } },
	{ "ldsx, compared",
	  { VALUE_PTR(R(9)), LDSX(BPF_H, R(2), R(9), 2), BPF_JMP_IMM(BPF_JSLT, R(2), 0, 4),
	    BPF_JMP_IMM(BPF_JSGT, R(2), 63, 3), INDEX_BY(R(2)), BPF_MOV64_IMM(R(0), 1), RETURN_0 } },
	{ "ldsx may be negative",
	  { VALUE_PTR(R(9)), LDSX(BPF_B, R(2), R(9), 2), BPF_JMP_IMM(BPF_JSGT, R(2), 63, 3),
	    INDEX_BY(R(2)), BPF_MOV64_IMM(R(0), 1), RETURN_0 }, -EACCES, MSG_NEG },
	{ "ldsx of a spilled number",
	  { BPF_MOV64_IMM(R(2), -2), BPF_STX_MEM(BPF_W, R(10), R(2), -8),
	    LDSX(BPF_W, R(3), R(10), -8), KNOWN(R(3), -2), RETURN_0 } },
	{ "ldsx of a spilled number that it changes",
	  { BPF_LD_IMM64(R(2), 0xfffffffe), BPF_STX_MEM(BPF_W, R(10), R(2), -8),
	    LDSX(BPF_W, R(3), R(10), -8), KNOWN(R(3), -2), RETURN_0 } },
	{ "the source of such a spill is another number",
	  { UNKNOWN, BPF_MOV32_REG(R(2), R(2)), BPF_MOV64_REG(R(4), R(2)),
	    BPF_STX_MEM(BPF_W, R(10), R(2), -8), LDSX(BPF_W, R(3), R(10), -8),
	    BPF_JMP_IMM(BPF_JSGT, R(3), 63, 3), INDEX_BY(R(4)), BPF_MOV64_IMM(R(0), 1), RETURN_0 },
	  -EACCES, "unbounded memory access" },
	{ "load_acquire is zero-extended",
	  { VALUE_PTR(R(9)), LOAD_ACQ(BPF_B, R(2), R(9), 2), BPF_JMP_IMM(BPF_JGT, R(2), 63, 3),
	    INDEX_BY(R(2)), BPF_MOV64_IMM(R(0), 1), RETURN_0 } },
	{ "load_acquire of a spilled number",
	  { BPF_MOV64_IMM(R(2), 5), STORE_REL(BPF_DW, R(10), R(2), -8),
	    LOAD_ACQ(BPF_DW, R(3), R(10), -8), KNOWN(R(3), 5), RETURN_0 } },
	{ "load_acquire of a slot that nothing was written to, as a load",
	  { BPF_MOV64_REG(R(2), R(10)), LOAD_ACQ(BPF_DW, R(3), R(10), -8), RETURN_0 } },
	{ "signed division is not known",
	  { BPF_MOV64_IMM(R(2), -8), SDIV64_IMM(DIV, R(2), 2), VALUE_PTR(R(9)), INDEX_BY(R(2)),
	    RETURN_0 }, -EINVAL, MSG_UNKNOWN },
	{ "bswap is not known",
	  { BPF_MOV64_IMM(R(2), 8), BSWAP(R(2), 16), VALUE_PTR(R(9)), INDEX_BY(R(2)),
	    RETURN_0 }, -EINVAL, MSG_UNKNOWN },
};

static void verdicts(const struct fixture *f, const struct verdict *v, int cnt)
{
	while (cnt--)
		check_verdict(f, v++);
}

static void encodings(struct fixture *f)
{
	verdicts(f, refused, ARRAY_SIZE(refused));
}

static void ranges(struct fixture *f)
{
	verdicts(f, bounds, ARRAY_SIZE(bounds));
}

/*
 * A path whose index is too large, behind one that was verified first: the state at the
 * join must be compared by the number that insn makes the index of.
 */
static void check_precision(const struct fixture *f, struct bpf_insn insn, const char *name)
{
	const struct verdict v = {
		.name = name,
		.insns = {
			VALUE_PTR(R(9)),
			BPF_LDX_MEM(BPF_DW, R(3), R(9), 0),
			BPF_MOV64_IMM(R(2), 100),
			BPF_JMP_IMM(BPF_JEQ, R(3), 0, 1),
			BPF_MOV64_IMM(R(2), 8),
			BPF_STX_MEM(BPF_DW, R(10), R(2), -8),
			insn,
			INDEX_BY(R(4)),
			RETURN_0,
		},
		.err = -EACCES,
		.msg = "invalid access to map value",
		.flags = BPF_F_TEST_STATE_FREQ,
	};

	check_verdict(f, &v);
}

static void precision(struct fixture *f)
{
	check_precision(f, MOVSX64(R(4), R(2), 8), "movsx");
	check_precision(f, MOVSX32(R(4), R(2), 16), "movsx, 32 bits");
	check_precision(f, LOAD_ACQ(BPF_DW, R(4), R(10), -8), "load_acquire");
}

static void check_store_to_context(enum bpf_prog_type type, const struct bpf_insn *insns, int cnt,
				   bool refused, const char *name)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_size = ARENA_LOG_SIZE, .log_level = 1);
	char *log = calloc(1, ARENA_LOG_SIZE);
	int fd;

	opts.log_buf = log;
	opts.prog_flags = type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0;
	fd = bpf_prog_load(type, NULL, "GPL", insns, cnt, &opts);
	if (refused) {
		ASSERT_EQ(fd, -EACCES, name);
		ASSERT_OK_PTR(strstr(log, "BPF_ST stores into R1 ctx is not allowed"), name);
	} else {
		ASSERT_GE(fd, 0, name);
	}
	if (fd >= 0)
		close(fd);
	free(log);
}

/* BPF_ST to the context: where nothing converts it, in programs with an arena or may_goto */
static void store_to_context(struct fixture *f)
{
	const struct bpf_insn plain[] = { BPF_ST_MEM(BPF_W, R(1), 8, 1), RETURN_0 };
	const struct bpf_insn loop[] = { MAY_GOTO(1), BPF_ST_MEM(BPF_W, R(1), 8, 1), RETURN_0 };
	const struct bpf_insn arena[] = {
		BPF_LD_MAP_FD(R(2), f->fd), BPF_ST_MEM(BPF_W, R(1), 8, 1), RETURN_0,
	};

	check_store_to_context(BPF_PROG_TYPE_SYSCALL, plain, ARRAY_SIZE(plain), true, "plain");
	check_store_to_context(BPF_PROG_TYPE_SYSCALL, loop, ARRAY_SIZE(loop), false, "may_goto");
	check_store_to_context(BPF_PROG_TYPE_SYSCALL, arena, ARRAY_SIZE(arena), false, "arena");
	check_store_to_context(BPF_PROG_TYPE_SCHED_CLS, arena, ARRAY_SIZE(arena), true, "tc");
}

static void no_jit(struct fixture *f)
{
	const struct verdict v[] = {
		{ "movsx", { NUM, MOVSX64(R(1), R(2), 8), RETURN_0 },
		  -EOPNOTSUPP, "JIT is required to use a sign-extending move" },
		{ "sdiv", { NUM, SDIV32(DIV, R(1), R(2)), RETURN_0 },
		  -EOPNOTSUPP, "JIT is required to use signed division" },
		{ "bswap", { NUM, BSWAP(R(1), 64), RETURN_0 },
		  -EOPNOTSUPP, "JIT is required to use bswap" },
		{ "ldsx", { SLOT, LDSX(BPF_W, R(1), R(10), -8), RETURN_0 },
		  -EOPNOTSUPP, "JIT is required to use a sign-extending load" },
		{ "load_acquire", { SLOT, LOAD_ACQ(BPF_W, R(1), R(10), -8), RETURN_0 },
		  -EOPNOTSUPP, "JIT is required to use load_acquire" },
		{ "store_release", { SLOT, STORE_REL(BPF_W, R(10), R(2), -8), RETURN_0 },
		  -EOPNOTSUPP, "JIT is required to use store_release" },
		{ "gotol", { GOTOL(0), RETURN_0 } },
	};
	int old = arena_sysctl(JIT_ENABLE, 0);

	if (old < 0) {
		test__skip(); /* CONFIG_BPF_JIT_ALWAYS_ON */
		return;
	}
	verdicts(f, v, ARRAY_SIZE(v));
	arena_sysctl(JIT_ENABLE, old);
}

/* As the verifier's log shows them */
static void disassembly(struct fixture *f)
{
	static const struct {
		struct bpf_insn insn;
		const char *text;
	} insns[] = {
		{ MOVSX64(R(1), R(2), 8), "(bf) r1 = (s8)r2" },
		{ MOVSX64(R(1), R(2), 32), "(bf) r1 = (s32)r2" },
		{ MOVSX32(R(1), R(2), 16), "(bc) w1 = (s16)w2" },
		{ SDIV64(DIV, R(1), R(2)), "(3f) r1 s/= r2" },
		{ SDIV32_IMM(MOD, R(1), -3), "(94) w1 s%= -3" },
		{ BSWAP(R(1), 32), "(d7) r1 = bswap32 r1" },
		{ GOTOL(0), "(06) gotol pc+0" },
		{ LDSX(BPF_B, R(3), R(10), -8), "(91) r3 = *(s8 *)(r10 -8)" },
		{ LDSX(BPF_W, R(3), R(10), -8), "(81) r3 = *(s32 *)(r10 -8)" },
		{ LOAD_ACQ(BPF_H, R(3), R(10), -8), "(cb) r3 = load_acquire((u16 *)(r10 -8))" },
		{ STORE_REL(BPF_DW, R(10), R(1), -8), "(db) store_release((u64 *)(r10 -8), r1)" },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_size = ARENA_LOG_SIZE, .log_level = 2);
	struct arena_prog p = {};
	char *log = calloc(1, ARENA_LOG_SIZE);
	int i, fd;

	opts.log_buf = log;
	emit(&p, BPF_MOV64_IMM(R(1), 1));
	emit(&p, BPF_MOV64_IMM(R(2), 2));
	emit(&p, BPF_ST_MEM(BPF_DW, R(10), -8, 0));
	for (i = 0; i < ARRAY_SIZE(insns); i++)
		emit(&p, insns[i].insn);
	emit_return(&p, 0);
	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL, "GPL", p.insns, p.cnt, &opts);
	ASSERT_GE(fd, 0, "load");
	for (i = 0; i < ARRAY_SIZE(insns); i++)
		ASSERT_OK_PTR(strstr(log, insns[i].text), insns[i].text);
	close(fd);
	free(log);
}

/* ST | 0xc0: what the verifier puts behind a store that a load might overtake */
#define IS_NOSPEC(INSN) ((INSN).code == (BPF_ST | 0xc0))

/* For a program that may not know the kernel's addresses, a spill is followed by a stop. */
static void spill_nospec(struct fixture *f)
{
	const __u64 caps = 1ULL << CAP_PERFMON | 1ULL << CAP_SYS_ADMIN;
	struct bpf_insn code[16] = {};
	struct bpf_prog_info info = {
		.xlated_prog_insns = (__u64)code,
		.xlated_prog_len = sizeof(code),
	};
	const struct bpf_insn insns[] = {
		STORE_REL(BPF_DW, R(10), R(1), -8),
		LOAD_ACQ(BPF_DW, R(1), R(10), -8),
		RETURN_0,
	};
	__u32 len = sizeof(info);
	__u64 old;
	int fd;

	ASSERT_OK(cap_disable_effective(caps, &old), "drop capabilities");
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, NULL, "GPL", insns, ARRAY_SIZE(insns), NULL);
	ASSERT_OK(cap_enable_effective(caps, NULL), "capabilities back");
	if (!ASSERT_GE(fd, 0, "load"))
		return;
	ASSERT_OK(bpf_obj_get_info_by_fd(fd, &info, &len), "info");
	ASSERT_EQ(code[0].imm, BPF_STORE_REL, "the spill");
	ASSERT_TRUE(IS_NOSPEC(code[1]), "what follows it");
	ASSERT_EQ(code[2].imm, BPF_LOAD_ACQ, "the fill");
	close(fd);
}

/* ---- what clang compiles ---- */

static void run_skel(const struct arena_v4 *skel, const struct bpf_program *prog)
{
	memset(&skel->bss->results, 0x5a, sizeof(skel->bss->results));
	ASSERT_EQ(arena_run(prog), 0, bpf_program__name(prog));
}

static void check_compiled(struct arena_v4 *skel, __s64 s64, __s64 divisor)
{
	const struct v4_results *r = &skel->bss->results;
	struct v4_values *v = &skel->arena->values;
	struct v4_ctx ctx = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	*v = (struct v4_values){ s64, divisor, (__s32)s64, (__s16)s64, (__s8)s64 };
	memset(&skel->bss->results, 0x5a, sizeof(skel->bss->results));
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.on_arena), &opts), "run");
	ASSERT_EQ(ctx.done, 42, "store to the context");
	ASSERT_EQ(r->s8, (__s8)s64, "s8");
	ASSERT_EQ(r->s16, (__s16)s64, "s16");
	ASSERT_EQ(r->s32, (__s32)s64, "s32");
	ASSERT_EQ(r->moved8, (__s8)s64, "moved8");
	ASSERT_EQ(r->moved16, (__s16)s64, "moved16");
	ASSERT_EQ(r->moved32, (__s32)s64, "moved32");
	ASSERT_EQ(r->div, s64 / divisor, "div");
	ASSERT_EQ(r->mod, s64 % divisor, "mod");
	ASSERT_EQ(r->div32, (__s32)s64 / (__s32)divisor, "div32");
	ASSERT_EQ(r->mod32, (__s32)s64 % (__s32)divisor, "mod32");
	ASSERT_EQ(r->swap16, __builtin_bswap16(s64), "swap16");
	ASSERT_EQ(r->swap32, __builtin_bswap32(s64), "swap32");
	ASSERT_EQ(r->swap64, __builtin_bswap64(s64), "swap64");
}

/* Is there an instruction of this code in the program? */
static bool has_code(const struct bpf_program *prog, __u8 code, int off)
{
	const struct bpf_insn *insns = bpf_program__insns(prog);
	size_t i;

	for (i = 0; i < bpf_program__insn_cnt(prog); i++)
		if (insns[i].code == code && (off < 0 || insns[i].off == off))
			return true;
	return false;
}

static void check_emitted(const struct arena_v4 *skel)
{
	const struct bpf_program *prog = skel->progs.on_arena;

	ASSERT_TRUE(has_code(prog, BPF_LDX | BPF_MEMSX | BPF_B, -1), "ldsx");
	ASSERT_TRUE(has_code(prog, BPF_ALU64 | BPF_DIV | BPF_X, 1), "sdiv");
	ASSERT_TRUE(has_code(prog, BPF_ALU64 | BPF_END, -1), "bswap");
	prog = skel->progs.on_context;
	ASSERT_TRUE(has_code(prog, BPF_LDX | BPF_MEMSX | BPF_H, -1), "ldsx, context");
	prog = skel->progs.on_task;
	ASSERT_TRUE(has_code(prog, BPF_LDX | BPF_MEMSX | BPF_H, -1), "ldsx, task");
}

static void check_context(struct arena_v4 *skel)
{
	const struct v4_results *r = &skel->bss->results;
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	__u8 pkt[64] = { 0xf1, 0x22, 0x33, 0x84 };

	opts.data_in = pkt;
	opts.data_size_in = sizeof(pkt);
	memset(&skel->bss->results, 0x5a, sizeof(skel->bss->results));
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.on_context), &opts), "run");
	ASSERT_EQ(r->s32, (__s32)0x80fe80fc, "u32 of the context");
	ASSERT_EQ(r->s16, (__s16)0x80fc, "its lower half");
	ASSERT_EQ(r->s8, (__s8)0xfc, "its lowest byte");
	ASSERT_EQ(r->moved16, (__s16)0x8001, "cb, half");
	ASSERT_EQ(r->moved32, (__s32)0x80008001, "cb");
	ASSERT_EQ(r->div, (__s32)0x843322f1, "packet");
	ASSERT_EQ(r->mod, (__s8)0xf1, "its first byte");
}

#define OOM_SCORE_ADJ "/proc/self/oom_score_adj"

static void check_task(struct arena_v4 *skel)
{
	const struct v4_results *r = &skel->bss->results;
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int old = arena_sysctl(OOM_SCORE_ADJ, -333);

	memset(&skel->bss->results, 0x5a, sizeof(skel->bss->results));
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.on_task), &opts), "run");
	arena_sysctl(OOM_SCORE_ADJ, old);
	ASSERT_GT(r->s32, 0, "prio");
	ASSERT_LT(r->s32, 140, "prio");
	ASSERT_EQ(r->s16, -333, "oom_score_adj");
	ASSERT_EQ(r->s8, (__s8)-333, "its lowest byte");
	ASSERT_EQ(r->div, 0, "through NULL");
}

static void compiled(void)
{
	struct arena_v4 *skel = arena_v4__open_and_load();
	long long faults;

	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	check_emitted(skel);
	check_compiled(skel, 0x1122334455667788, 3);
	check_compiled(skel, 0x8182838485868788, -7);
	check_compiled(skel, -1, 1000);
	skel->bss->absent = (__u64)skel->arena + 8 * getpagesize();
	faults = arena_fdinfo(bpf_map__fd(skel->maps.arena), "faults");
	run_skel(skel, skel->progs.on_absent);
	ASSERT_EQ(skel->bss->results.s8 | skel->bss->results.s16 | skel->bss->results.s32, 0,
		  "absent");
	ASSERT_EQ(arena_fdinfo(bpf_map__fd(skel->maps.arena), "faults"), faults + 3, "faults");
	check_context(skel);
	check_task(skel);
	arena_v4__destroy(skel);
}

static void run_with(void (*test)(struct fixture *f))
{
	struct fixture f = {};

	if (setup(&f))
		test(&f);
	teardown(&f);
}

void serial_test_arena_v4(void)
{
	if (test__start_subtest("alu"))
		run_with(alu);
	if (test__start_subtest("alu_blinded"))
		run_with(alu_blinded);
	if (test__start_subtest("loads"))
		run_with(loads);
	if (test__start_subtest("stores"))
		run_with(stores);
	if (test__start_subtest("neighbours"))
		run_with(ordered_neighbours);
	if (test__start_subtest("absent"))
		run_with(absent);
	if (test__start_subtest("unaligned"))
		run_with(unaligned);
	if (test__start_subtest("spills"))
		run_with(spills);
	if (test__start_subtest("gotol"))
		run_with(gotol);
	if (test__start_subtest("gotol_adjusted"))
		run_with(gotol_adjusted);
	if (test__start_subtest("encodings"))
		run_with(encodings);
	if (test__start_subtest("ranges"))
		run_with(ranges);
	if (test__start_subtest("precision"))
		run_with(precision);
	if (test__start_subtest("store_to_context"))
		run_with(store_to_context);
	if (test__start_subtest("no_jit"))
		run_with(no_jit);
	if (test__start_subtest("disassembly"))
		run_with(disassembly);
	if (test__start_subtest("spill_nospec"))
		run_with(spill_nospec);
	if (test__start_subtest("compiled"))
		compiled();
}
