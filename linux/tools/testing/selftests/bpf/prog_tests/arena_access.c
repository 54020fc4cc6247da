// SPDX-License-Identifier: GPL-2.0
/*
 * Loads, stores and atomics: every size, register, and kind of address, on
 * pages that are there and on pages that are not.
 *
 * Page 0 of the arena is there and holds 100 + n for register n, so that each
 * program starts with registers whose contents the verifier does not know.
 */
#include "arena_insn.h"

#define NPAGES 32
#define BASE (ARENA_BASE + GiB)
#define PLACE 40960	/* offset in the arena; those of instructions are shorter */
#define REG_VAL(r) (100 + (r))

static const struct {
	int size, bytes;
	const char *name;
} sizes[] = {
	{ BPF_B, 1, "u8" }, { BPF_H, 2, "u16" }, { BPF_W, 4, "u32" }, { BPF_DW, 8, "u64" },
};

struct fixture {
	int fd;
	__u64 *area;
	__u32 page;	/* bytes */
	__u32 absent;	/* address of a page that is not there, far from either end */
};

static bool setup(struct fixture *f)
{
	int r;

	f->fd = arena_create(NPAGES, 0, BASE);
	if (!ASSERT_GE(f->fd, 0, "create"))
		return false;
	f->area = arena_mmap_at(f->fd, NPAGES, BASE);
	if (!ASSERT_EQ((__u64)f->area, BASE, "mmap")) {
		close(f->fd);
		return false;
	}
	for (r = 0; r < MAX_BPF_REG; r++)
		f->area[r] = REG_VAL(r);
	f->page = getpagesize();
	f->absent = GiB + NPAGES / 2 * f->page;
	return true;
}

static void teardown(struct fixture *f)
{
	munmap(f->area, arena_bytes(NPAGES));
	close(f->fd);
}

/* ptr = arena pointer to addr; the other registers hold REG_VAL() */
static void emit_start(struct arena_prog *p, const struct fixture *f, int ptr, __u64 addr)
{
	int r;

	emit_map_value(p, ptr, f->fd, 0);
	emit(p, ARENA_TO_KERN(ptr, ptr));
	for (r = BPF_REG_0; r < BPF_REG_10; r++)
		if (r != ptr)
			emit(p, BPF_LDX_MEM(BPF_DW, r, ptr, r * 8));
	emit_imm64(p, ptr, addr);
	emit(p, ARENA_TO_KERN(ptr, ptr));
}

/* result, if any, is 0, the other registers but ptr are as they were */
static void emit_check_regs(struct arena_prog *p, int ptr, int result)
{
	int r;

	for (r = BPF_REG_0; r < BPF_REG_10; r++) {
		if (r == result)
			emit_expect(p, r, 0, 1000 + r);
		else if (r != ptr)
			emit_expect(p, r, REG_VAL(r), 2000 + r);
	}
}

static void emit_check_ptr(struct arena_prog *p, int ptr, __u32 addr)
{
	const int tmp = ptr ? BPF_REG_0 : BPF_REG_1;

	emit(p, ARENA_TO_USER(ptr, ptr));
	emit_expect64(p, ptr, tmp, addr ? ARENA_BASE | addr : 0, 3000 + ptr);
}

static int run_load(const struct fixture *f, int ptr, int dst, int size, __u32 addr, __s16 off)
{
	struct arena_prog p = {};

	emit_start(&p, f, ptr, addr);
	emit(&p, BPF_LDX_MEM(size, dst, ptr, off));
	emit_check_regs(&p, ptr, dst);
	if (dst != ptr)
		emit_check_ptr(&p, ptr, addr);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

static int run_store(const struct fixture *f, int ptr, struct bpf_insn store, __u32 addr)
{
	struct arena_prog p = {};

	emit_start(&p, f, ptr, addr);
	emit(&p, store);
	emit_check_regs(&p, ptr, -1);
	emit_check_ptr(&p, ptr, addr);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

/* addresses whose pages are absent: lower half and offset of the instruction */
static void each_absent(const struct fixture *f,
			void (*check)(const struct fixture *f, int s, __u32 addr, __s16 off))
{
	const struct {
		__u32 addr;
		__s16 off;
	} addrs[] = {
		{ f->absent, 0 },
		{ f->absent, 4095 },
		{ f->absent + f->page - 1, 1 },
		{ f->absent, -1 },
		{ f->absent, 32767 },
		{ f->absent, -32767 },
		{ f->absent, -32768 },
		{ GiB + NPAGES * f->page, 0 },
		{ GiB, -4096 },
		{ 8, 0 },
		{ 1, -1 },
		{ 1, 32767 },
		{ 1, -32768 },
		{ 0, 0 },
		{ 0, -32768 },
		{ 0, 32767 },
		{ 0xffffffff, 0 },
		{ 0xffffffff, 32767 },
		{ 0xffffffff, -32768 },
		{ 0xfffffff8, 7 },
		{ 0x80000000, 0 },
		{ 0x7fffffff, 1 },
	};
	int i, s;

	for (i = 0; i < ARRAY_SIZE(addrs); i++)
		for (s = 0; s < ARRAY_SIZE(sizes); s++)
			check(f, s, addrs[i].addr, addrs[i].off);
}

static void check_absent_load(const struct fixture *f, int s, __u32 addr, __s16 off)
{
	char name[64];

	snprintf(name, sizeof(name), "load %s 0x%x%+d", sizes[s].name, addr, off);
	ASSERT_EQ(run_load(f, BPF_REG_1, BPF_REG_2, sizes[s].size, addr, off), 0, name);
}

static void absent_loads(struct fixture *f)
{
	each_absent(f, check_absent_load);
}

static void check_absent_store(const struct fixture *f, int s, __u32 addr, __s16 off)
{
	struct bpf_insn stx = BPF_STX_MEM(sizes[s].size, BPF_REG_1, BPF_REG_2, off);
	struct bpf_insn st = BPF_ST_MEM(sizes[s].size, BPF_REG_1, off, -2);
	char name[64];

	snprintf(name, sizeof(name), "store %s 0x%x%+d", sizes[s].name, addr, off);
	ASSERT_EQ(run_store(f, BPF_REG_1, stx, addr), 0, name);
	ASSERT_EQ(run_store(f, BPF_REG_1, st, addr), 0, name);
}

static void absent_stores(struct fixture *f)
{
	each_absent(f, check_absent_store);
}

static void absent_load_regs(struct fixture *f)
{
	char name[64];
	int s, r;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (r = BPF_REG_0; r < BPF_REG_10; r++) {
			snprintf(name, sizeof(name), "%s r%d = [r%d]", sizes[s].name, r, 9 - r);
			ASSERT_EQ(run_load(f, 9 - r, r, sizes[s].size, f->absent, 0), 0, name);
			snprintf(name, sizeof(name), "%s r%d = [r%d]", sizes[s].name, r, r);
			ASSERT_EQ(run_load(f, r, r, sizes[s].size, f->absent, 0), 0, name);
		}
	}
}

static void absent_store_regs(struct fixture *f)
{
	struct bpf_insn stx, st;
	char name[64];
	int s, r;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (r = BPF_REG_0; r < BPF_REG_10; r++) {
			snprintf(name, sizeof(name), "%s [r%d] = r%d", sizes[s].name, r, 9 - r);
			stx = BPF_STX_MEM(sizes[s].size, r, 9 - r, 0);
			ASSERT_EQ(run_store(f, r, stx, f->absent), 0, name);
			snprintf(name, sizeof(name), "%s [r%d] = -2", sizes[s].name, r);
			st = BPF_ST_MEM(sizes[s].size, r, 0, -2);
			ASSERT_EQ(run_store(f, r, st, f->absent), 0, name);
		}
	}
}

/*
 * What stretches from a page that is there to one that is not is not there. The
 * part of a store that could be done is done by some CPUs: arm64 allows that.
 */
static void absent_half(struct fixture *f)
{
	char *last = (char *)f->area + f->page - 1;
	const __u32 addr = GiB + f->page - 1;
	struct bpf_insn stx;
	char name[64];
	int s;

	for (s = 1; s < ARRAY_SIZE(sizes); s++) {
		snprintf(name, sizeof(name), "%s", sizes[s].name);
		*last = 'e';
		ASSERT_EQ(run_load(f, BPF_REG_1, BPF_REG_2, sizes[s].size, addr, 0), 0, name);
		stx = BPF_STX_MEM(sizes[s].size, BPF_REG_1, BPF_REG_2, 0);
		ASSERT_EQ(run_store(f, BPF_REG_1, stx, addr), 0, name);
		ASSERT_TRUE(*last == 'e' || *last == REG_VAL(BPF_REG_2), name);
	}
}

#define NO_RESULT (-1)

/* result: the register that gets the old value. All is in two's complement. */
static const struct atomic_case {
	const char *name;
	int op, result;
	__u64 mem, src, r0; /* before */
	__u64 mem_after, result_after;
} atomics[] = {
	{ "add", BPF_ADD, NO_RESULT, 40, 2, 0, 42 },
	{ "add, carry", BPF_ADD, NO_RESULT, 0xffffffff, 1, 0, 0x100000000 },
	{ "and", BPF_AND, NO_RESULT, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0,
	  0x0f000f000f000f00 },
	{ "or", BPF_OR, NO_RESULT, 0xf000000000000001, 0x0f00000000000010, 0,
	  0xff00000000000011 },
	{ "xor", BPF_XOR, NO_RESULT, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0,
	  0xf0f0f0f0f0f0f0f0 },
	{ "fetch_add", BPF_ADD | BPF_FETCH, BPF_REG_2, 0x8000000080000000, 2, 0,
	  0x8000000080000002, 0x8000000080000000 },
	{ "fetch_and", BPF_AND | BPF_FETCH, BPF_REG_2, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0,
	  0x0f000f000f000f00, 0xff00ff00ff00ff00 },
	{ "fetch_or", BPF_OR | BPF_FETCH, BPF_REG_2, 0xf000000000000001, 0x0f00000000000010, 0,
	  0xff00000000000011, 0xf000000000000001 },
	{ "fetch_xor", BPF_XOR | BPF_FETCH, BPF_REG_2, 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0, 0,
	  0xf0f0f0f0f0f0f0f0, 0xff00ff00ff00ff00 },
	{ "xchg", BPF_XCHG, BPF_REG_2, 0x1111111122222222, 0x3333333344444444, 0,
	  0x3333333344444444, 0x1111111122222222 },
	{ "cmpxchg, equal", BPF_CMPXCHG, BPF_REG_0, 0x1111111122222222, 0x3333333344444444,
	  0x1111111122222222, 0x3333333344444444, 0x1111111122222222 },
	{ "cmpxchg, different", BPF_CMPXCHG, BPF_REG_0, 0x1111111122222222, 0x3333333344444444,
	  0x1111111122222223, 0x1111111122222222, 0x1111111122222222 },
};

#define OPERANDS 128	/* offset in the arena, behind those of emit_start() */
#define RESULTS 144
#define MEM 256

/* r1 = address, r2 and r0 = operands, r3 = start of the arena */
static void emit_atomic(struct arena_prog *p, const struct fixture *f,
			const struct atomic_case *c, int size, int addr, __s16 off)
{
	f->area[OPERANDS / 8] = c->src;
	f->area[OPERANDS / 8 + 1] = c->r0;
	emit_map_value(p, BPF_REG_3, f->fd, 0);
	emit(p, ARENA_TO_KERN(BPF_REG_3, BPF_REG_3));
	emit(p, BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_3, OPERANDS));
	emit(p, BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_3, OPERANDS + 8));
	emit(p, BPF_MOV64_REG(BPF_REG_1, BPF_REG_3));
	emit(p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, addr - off));
	emit(p, BPF_ATOMIC_OP(size, c->op, BPF_REG_1, BPF_REG_2, off));
}

static int run_atomic(const struct fixture *f, const struct atomic_case *c, int size, __s16 off)
{
	struct arena_prog p = {};
	__u64 result = size == BPF_W ? (__u32)c->result_after : c->result_after;

	f->area[MEM / 8] = c->mem;
	emit_atomic(&p, f, c, size, MEM, off);
	if (c->result != NO_RESULT)
		emit_expect64(&p, c->result, BPF_REG_3, result, 1);
	if (c->result != BPF_REG_0)
		emit_expect64(&p, BPF_REG_0, BPF_REG_3, c->r0, 2);
	if (c->result != BPF_REG_2)
		emit_expect64(&p, BPF_REG_2, BPF_REG_3, c->src, 3);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

static void atomic_present(struct fixture *f)
{
	const struct atomic_case *c;
	char name[64];
	int i;

	for (i = 0; i < ARRAY_SIZE(atomics); i++) {
		c = &atomics[i];
		snprintf(name, sizeof(name), "%s u64", c->name);
		ASSERT_EQ(run_atomic(f, c, BPF_DW, 0), 0, name);
		ASSERT_EQ(f->area[MEM / 8], c->mem_after, name);
		ASSERT_EQ(run_atomic(f, c, BPF_DW, -32760), 0, name);
		ASSERT_EQ(f->area[MEM / 8], c->mem_after, name);

		snprintf(name, sizeof(name), "%s u32", c->name);
		ASSERT_EQ(run_atomic(f, c, BPF_W, 0), 0, name);
		ASSERT_EQ((__u32)f->area[MEM / 8], (__u32)c->mem_after, name);
		ASSERT_EQ(f->area[MEM / 8] >> 32, c->mem >> 32, name);
	}
}

/* leaves r2 and r0 at RESULTS */
static int run_atomic_at(const struct fixture *f, const struct atomic_case *c, int size, int addr)
{
	struct arena_prog p = {};

	emit_atomic(&p, f, c, size, addr, 0);
	emit(&p, BPF_STX_MEM(BPF_DW, BPF_REG_3, BPF_REG_2, RESULTS));
	emit(&p, BPF_STX_MEM(BPF_DW, BPF_REG_3, BPF_REG_0, RESULTS + 8));
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

static __u64 atomic_result(const struct fixture *f, const struct atomic_case *c)
{
	return f->area[RESULTS / 8 + (c->result == BPF_REG_0)];
}

static void check_unaligned(const struct fixture *f, const struct atomic_case *c, int size,
			    int addr, const char *name)
{
	const __u64 mask = size == BPF_W ? 0xffffffff : ~0ULL;
	const __u64 done = (c->mem & ~mask) | (c->mem_after & mask);
	const bool returns = c->result != NO_RESULT;
	bool is_done, is_skipped;
	__u64 mem = c->mem;

	memcpy((char *)f->area + addr, &mem, sizeof(mem));
	ASSERT_EQ(run_atomic_at(f, c, size, addr), 0, name);
	memcpy(&mem, (char *)f->area + addr, sizeof(mem));
	is_done = mem == done && (!returns || atomic_result(f, c) == (c->result_after & mask));
	is_skipped = mem == c->mem && (!returns || !atomic_result(f, c));
	ASSERT_TRUE(is_done || is_skipped, name);
}

/* nothing of it is done if one of the two pages is absent */
static void check_half_there(const struct fixture *f, const struct atomic_case *c,
			     const char *name)
{
	__u32 *last = (__u32 *)((char *)f->area + f->page - 4);

	*last = (__u32)c->mem;
	ASSERT_EQ(run_atomic_at(f, c, BPF_DW, f->page - 4), 0, name);
	ASSERT_EQ(*last, (__u32)c->mem, name);
	if (c->result != NO_RESULT)
		ASSERT_EQ(atomic_result(f, c), 0, name);
}

/* It is done or, by CPUs that want alignment, skipped, result 0: never by half */
static void atomic_unaligned(struct fixture *f)
{
	static const int addrs[] = { MEM + 1, MEM + 2, MEM + 7, MEM + 13, MEM + 61 };
	const struct atomic_case *c;
	char name[64];
	int i, a;

	for (i = 0; i < ARRAY_SIZE(atomics); i++) {
		c = &atomics[i];
		for (a = 0; a < ARRAY_SIZE(addrs); a++) {
			snprintf(name, sizeof(name), "%s u64 at %d", c->name, addrs[a]);
			check_unaligned(f, c, BPF_DW, addrs[a], name);
			snprintf(name, sizeof(name), "%s u32 at %d", c->name, addrs[a]);
			check_unaligned(f, c, BPF_W, addrs[a], name);
		}
		snprintf(name, sizeof(name), "%s u64 across two pages", c->name);
		check_half_there(f, c, name);
	}
}

static int run_absent_atomic(const struct fixture *f, const struct atomic_case *c, int size,
			     int ptr, int src)
{
	struct arena_prog p = {};
	int result = c->result == BPF_REG_2 ? src : c->result;

	emit_start(&p, f, ptr, f->absent);
	emit(&p, BPF_ATOMIC_OP(size, c->op, ptr, src, 8));
	emit_check_regs(&p, ptr, result);
	emit_check_ptr(&p, ptr, f->absent);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

static void atomic_absent(struct fixture *f)
{
	const struct atomic_case *c;
	char name[64];
	int i, s, src;

	for (i = 0; i < ARRAY_SIZE(atomics); i++) {
		c = &atomics[i];
		for (s = 2; s < ARRAY_SIZE(sizes); s++) {
			for (src = BPF_REG_1; src < BPF_REG_10; src += 4) {
				snprintf(name, sizeof(name), "%s %s r%d", c->name,
					 sizes[s].name, src);
				ASSERT_EQ(run_absent_atomic(f, c, sizes[s].size, BPF_REG_3, src),
					  0, name);
			}
		}
	}
}

#define OLD 0x5a5a5a5a

static int run_fetch(const struct fixture *f, int op, int size, int ptr, int src)
{
	struct arena_prog p = {};
	int r;

	f->area[MEM / 8] = OLD;
	emit_start(&p, f, ptr, GiB + MEM);
	emit(&p, BPF_ATOMIC_OP(size, op, ptr, src, 0));
	emit_expect(&p, src, OLD, 1000 + src);
	for (r = BPF_REG_0; r < BPF_REG_10; r++)
		if (r != ptr && r != src)
			emit_expect(&p, r, REG_VAL(r), 2000 + r);
	emit_check_ptr(&p, ptr, GiB + MEM);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

/* Where there is no instruction for it, it takes other registers for a while */
static void atomic_fetch_regs(struct fixture *f)
{
	static const struct {
		const char *name;
		int op;
		__u64 mem[2]; /* after r0, r9 */
	} ops[] = {
		{ "fetch_add", BPF_ADD | BPF_FETCH, { OLD + REG_VAL(0), OLD + REG_VAL(9) } },
		{ "fetch_and", BPF_AND | BPF_FETCH, { OLD & REG_VAL(0), OLD & REG_VAL(9) } },
		{ "fetch_or", BPF_OR | BPF_FETCH, { OLD | REG_VAL(0), OLD | REG_VAL(9) } },
		{ "fetch_xor", BPF_XOR | BPF_FETCH, { OLD ^ REG_VAL(0), OLD ^ REG_VAL(9) } },
		{ "xchg", BPF_XCHG, { REG_VAL(0), REG_VAL(9) } },
	};
	int i, size, other;
	char name[64];

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		for (size = BPF_W; size <= BPF_DW; size += BPF_DW - BPF_W) {
			for (other = BPF_REG_0; other < BPF_REG_10; other++) {
				snprintf(name, sizeof(name), "%s size %x r%d", ops[i].name, size,
					 other);
				if (other != BPF_REG_0) {
					ASSERT_EQ(run_fetch(f, ops[i].op, size, other, BPF_REG_0),
						  0, name);
					ASSERT_EQ(f->area[MEM / 8], ops[i].mem[0], name);
				}
				if (other != BPF_REG_9) {
					ASSERT_EQ(run_fetch(f, ops[i].op, size, other, BPF_REG_9),
						  0, name);
					ASSERT_EQ(f->area[MEM / 8], ops[i].mem[1], name);
				}
			}
		}
	}
}

/* of instructions: what fits into an immediate of one CPU or another, and what does not */
static const __s16 offs[] = {
	0, 1, -1, 127, -128, 128, 4095, -4095, 4096, -4096, 4097, -4097, 20480, 32760, 32767,
	-32767, -32768,
};

static int run_load_val(const struct fixture *f, int ptr, int dst, int size, __s16 off, __u64 val)
{
	const int tmp = dst == BPF_REG_3 ? BPF_REG_4 : BPF_REG_3;
	struct arena_prog p = {};

	emit_map_value(&p, ptr, f->fd, PLACE);
	emit(&p, ARENA_TO_KERN(ptr, ptr));
	emit(&p, BPF_ALU64_IMM(BPF_ADD, ptr, -off));
	emit(&p, BPF_LDX_MEM(size, dst, ptr, off));
	emit_expect64(&p, dst, tmp, val, 1);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

/* Every size and register, zero extended */
static void present_loads(struct fixture *f)
{
	const __u64 val = 0x8182838485868788;
	char name[64];
	int s, i, r;

	f->area[PLACE / 8] = val;
	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		const __u64 part = val & (~0ULL >> (64 - 8 * sizes[s].bytes));

		for (i = 0; i < ARRAY_SIZE(offs); i++) {
			snprintf(name, sizeof(name), "%s at %d", sizes[s].name, offs[i]);
			ASSERT_EQ(run_load_val(f, 1, 2, sizes[s].size, offs[i], part), 0, name);
		}
		for (r = BPF_REG_0; r < BPF_REG_10; r++) {
			snprintf(name, sizeof(name), "%s r%d", sizes[s].name, r);
			ASSERT_EQ(run_load_val(f, 9 - r, r, sizes[s].size, 0, part), 0, name);
			ASSERT_EQ(run_load_val(f, r, r, sizes[s].size, 0, part), 0, name);
		}
	}
}

static int run_store_at(const struct fixture *f, int ptr, struct bpf_insn store)
{
	struct arena_prog p = {};

	emit_start(&p, f, ptr, BASE + PLACE - store.off);
	emit(&p, store);
	emit_check_regs(&p, ptr, -1);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

static void check_stored(struct fixture *f, int ptr, struct bpf_insn store, __u64 val,
			 __u64 mask, const char *name)
{
	f->area[PLACE / 8] = 0x1122334455667788;
	ASSERT_EQ(run_store_at(f, ptr, store), 0, name);
	ASSERT_EQ(f->area[PLACE / 8], (0x1122334455667788 & ~mask) | (val & mask), name);
}

static void present_stores(struct fixture *f)
{
	char name[64];
	__u64 mask;
	int s, i, r, off;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		mask = ~0ULL >> (64 - 8 * sizes[s].bytes);
		for (i = 0; i < ARRAY_SIZE(offs); i++) {
			off = offs[i];
			r = i % BPF_REG_10;
			snprintf(name, sizeof(name), "%s [r%d%+d] = r%d", sizes[s].name, r, off,
				 9 - r);
			check_stored(f, r, BPF_STX_MEM(sizes[s].size, r, 9 - r, off),
				     REG_VAL(9 - r), mask, name);
			snprintf(name, sizeof(name), "%s [r%d%+d] = imm", sizes[s].name, r, off);
			check_stored(f, r, BPF_ST_MEM(sizes[s].size, r, off, -0x12345678),
				     -0x12345678LL, mask, name);
			check_stored(f, r, BPF_ST_MEM(sizes[s].size, r, off, 0), 0, mask, name);
		}
	}
}

/* So long that a constant behind it may be out of a load's reach */
static void long_program(struct fixture *f)
{
	static const __s16 far[] = { 5001, -5001 };
	const int filler = 8000;
	struct arena_prog p = {};
	struct bpf_insn *insns;
	int i;

	insns = malloc((filler + ARRAY_SIZE(p.insns)) * sizeof(*insns));
	for (i = 0; i < filler; i++)
		insns[i] = BPF_MOV64_REG(BPF_REG_0, BPF_REG_1);
	emit_map_value(&p, BPF_REG_1, f->fd, PLACE);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		f->area[(PLACE + 8 * i) / 8] = 40 + i;
		emit(&p, BPF_MOV64_REG(BPF_REG_2, BPF_REG_1));
		emit(&p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, 8 * i - far[i]));
		emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_2, far[i]));
		emit_expect(&p, BPF_REG_3, 40 + i, 1 + i);
	}
	emit_return(&p, 0);
	memcpy(insns + filler, p.insns, p.cnt * sizeof(*insns));
	/* what fills it wants a register to copy */
	insns[0] = BPF_MOV64_IMM(BPF_REG_1, 0);
	ASSERT_EQ(arena_run_insns(insns, filler + p.cnt, 0), 0, "far offsets");
	free(insns);
}

static void run_with(void (*test)(struct fixture *f))
{
	struct fixture f;

	if (!setup(&f))
		return;
	test(&f);
	teardown(&f);
}

void test_arena_access(void)
{
	if (test__start_subtest("hazard_17_loads"))
		run_with(present_loads);
	if (test__start_subtest("hazard_17_stores"))
		run_with(present_stores);
	if (test__start_subtest("long_program"))
		run_with(long_program);
	if (test__start_subtest("hazard_17_atomics"))
		run_with(atomic_present);
	if (test__start_subtest("hazard_17_atomics_unaligned"))
		run_with(atomic_unaligned);
	if (test__start_subtest("hazard_17_absent_atomics"))
		run_with(atomic_absent);
	if (test__start_subtest("hazard_17_fetch_regs"))
		run_with(atomic_fetch_regs);
	if (test__start_subtest("hazard_17_absent_loads"))
		run_with(absent_loads);
	if (test__start_subtest("hazard_17_absent_stores"))
		run_with(absent_stores);
	if (test__start_subtest("hazard_17_absent_load_regs"))
		run_with(absent_load_regs);
	if (test__start_subtest("hazard_17_absent_store_regs"))
		run_with(absent_store_regs);
	if (test__start_subtest("hazard_17_absent_half"))
		run_with(absent_half);
}
