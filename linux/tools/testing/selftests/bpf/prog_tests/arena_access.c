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
#define ABSENT (16 * 4096)	/* far from either end */
#define BASE (ARENA_BASE + GiB)
#define REG_VAL(r) (100 + (r))

static const struct {
	int size, bytes;
	const char *name;
} sizes[] = {
	{ BPF_B, 1, "u8" }, { BPF_H, 2, "u16" }, { BPF_W, 4, "u32" }, { BPF_DW, 8, "u64" },
};

/* addresses whose pages are absent: lower half and offset of the instruction */
static const struct {
	__u32 addr;
	__s16 off;
} absent[] = {
	{ GiB + ABSENT, 0 },
	{ GiB + ABSENT, 4095 },
	{ GiB + ABSENT + 4095, 1 },
	{ GiB + ABSENT, -1 },
	{ GiB + ABSENT, 32767 },
	{ GiB + ABSENT, -32767 },
	{ GiB + ABSENT, -32768 },
	{ GiB + NPAGES * 4096, 0 },
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

struct fixture {
	int fd;
	__u64 *area;
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

static void absent_loads(struct fixture *f)
{
	char name[64];
	int i, s;

	for (i = 0; i < ARRAY_SIZE(absent); i++) {
		for (s = 0; s < ARRAY_SIZE(sizes); s++) {
			snprintf(name, sizeof(name), "load %s 0x%x%+d", sizes[s].name,
				 absent[i].addr, absent[i].off);
			ASSERT_EQ(run_load(f, BPF_REG_1, BPF_REG_2, sizes[s].size,
					   absent[i].addr, absent[i].off), 0, name);
		}
	}
}

static void absent_stores(struct fixture *f)
{
	struct bpf_insn stx, st;
	char name[64];
	int i, s;

	for (i = 0; i < ARRAY_SIZE(absent); i++) {
		for (s = 0; s < ARRAY_SIZE(sizes); s++) {
			snprintf(name, sizeof(name), "store %s 0x%x%+d", sizes[s].name,
				 absent[i].addr, absent[i].off);
			stx = BPF_STX_MEM(sizes[s].size, BPF_REG_1, BPF_REG_2, absent[i].off);
			ASSERT_EQ(run_store(f, BPF_REG_1, stx, absent[i].addr), 0, name);
			st = BPF_ST_MEM(sizes[s].size, BPF_REG_1, absent[i].off, -2);
			ASSERT_EQ(run_store(f, BPF_REG_1, st, absent[i].addr), 0, name);
		}
	}
}

static void absent_load_regs(struct fixture *f)
{
	char name[64];
	int s, r;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (r = BPF_REG_0; r < BPF_REG_10; r++) {
			snprintf(name, sizeof(name), "%s r%d = [r%d]", sizes[s].name, r, 9 - r);
			ASSERT_EQ(run_load(f, 9 - r, r, sizes[s].size, GiB + ABSENT, 0), 0, name);
			snprintf(name, sizeof(name), "%s r%d = [r%d]", sizes[s].name, r, r);
			ASSERT_EQ(run_load(f, r, r, sizes[s].size, GiB + ABSENT, 0), 0, name);
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
			ASSERT_EQ(run_store(f, r, stx, GiB + ABSENT), 0, name);
			snprintf(name, sizeof(name), "%s [r%d] = -2", sizes[s].name, r);
			st = BPF_ST_MEM(sizes[s].size, r, 0, -2);
			ASSERT_EQ(run_store(f, r, st, GiB + ABSENT), 0, name);
		}
	}
}

/* What stretches from a page that is there to one that is not is not there */
static void absent_half(struct fixture *f)
{
	struct bpf_insn stx;
	char name[64];
	int s;

	for (s = 1; s < ARRAY_SIZE(sizes); s++) {
		snprintf(name, sizeof(name), "%s", sizes[s].name);
		((char *)f->area)[4095] = 'e';
		ASSERT_EQ(run_load(f, BPF_REG_1, BPF_REG_2, sizes[s].size, GiB + 4095, 0), 0,
			  name);
		stx = BPF_STX_MEM(sizes[s].size, BPF_REG_1, BPF_REG_2, 0);
		ASSERT_EQ(run_store(f, BPF_REG_1, stx, GiB + 4095), 0, name);
		ASSERT_EQ(((char *)f->area)[4095], 'e', name);
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
	{ "xchg", BPF_XCHG, BPF_REG_2, 0x1111111122222222, 0x3333333344444444, 0,
	  0x3333333344444444, 0x1111111122222222 },
	{ "cmpxchg, equal", BPF_CMPXCHG, BPF_REG_0, 0x1111111122222222, 0x3333333344444444,
	  0x1111111122222222, 0x3333333344444444, 0x1111111122222222 },
	{ "cmpxchg, different", BPF_CMPXCHG, BPF_REG_0, 0x1111111122222222, 0x3333333344444444,
	  0x1111111122222223, 0x1111111122222222, 0x1111111122222222 },
};

/* The operands lie behind those of emit_start(): page 0, from 128 on */
static int run_atomic(const struct fixture *f, const struct atomic_case *c, int size, __s16 off)
{
	struct arena_prog p = {};
	__u64 result = size == BPF_W ? (__u32)c->result_after : c->result_after;

	f->area[16] = c->src;
	f->area[17] = c->r0;
	f->area[32] = c->mem;
	emit_map_value(&p, BPF_REG_1, f->fd, 0);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_1, 128));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_1, 136));
	emit(&p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 256 - off));
	emit(&p, BPF_ATOMIC_OP(size, c->op, BPF_REG_1, BPF_REG_2, off));
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
		ASSERT_EQ(f->area[32], c->mem_after, name);
		ASSERT_EQ(run_atomic(f, c, BPF_DW, -32760), 0, name);
		ASSERT_EQ(f->area[32], c->mem_after, name);

		snprintf(name, sizeof(name), "%s u32", c->name);
		ASSERT_EQ(run_atomic(f, c, BPF_W, 0), 0, name);
		ASSERT_EQ((__u32)f->area[32], (__u32)c->mem_after, name);
		ASSERT_EQ(f->area[32] >> 32, c->mem >> 32, name);
	}
}

static int run_absent_atomic(const struct fixture *f, const struct atomic_case *c, int size,
			     int ptr, int src)
{
	struct arena_prog p = {};
	int result = c->result == BPF_REG_2 ? src : c->result;

	emit_start(&p, f, ptr, GiB + ABSENT);
	emit(&p, BPF_ATOMIC_OP(size, c->op, ptr, src, 8));
	emit_check_regs(&p, ptr, result);
	emit_check_ptr(&p, ptr, GiB + ABSENT);
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

static void atomic_refused(struct fixture *f)
{
	static const struct {
		const char *name;
		int op;
	} ops[] = {
		{ "fetch_and", BPF_AND | BPF_FETCH },
		{ "fetch_or", BPF_OR | BPF_FETCH },
		{ "fetch_xor", BPF_XOR | BPF_FETCH },
	};
	struct arena_prog p;
	char *log;
	int i, fd;

	log = malloc(ARENA_LOG_SIZE);
	for (i = 0; i < ARRAY_SIZE(ops) * 2; i++) {
		p.cnt = 0;
		emit_start(&p, f, BPF_REG_1, GiB);
		emit(&p, BPF_ATOMIC_OP(i & 1 ? BPF_W : BPF_DW, ops[i / 2].op, BPF_REG_1,
				       BPF_REG_2, 0));
		emit_return(&p, 0);
		log[0] = '\0';
		fd = arena_load_insns(p.insns, p.cnt, 0, log);
		if (!ASSERT_LT(fd, 0, ops[i / 2].name) && fd >= 0)
			close(fd);
		/* a message, and not only the trace of instructions */
		ASSERT_TRUE(strstr(log, "support") || strstr(log, "invalid") ||
			    strstr(log, "cannot"), ops[i / 2].name);
	}
	free(log);
}

static int run_load_val(const struct fixture *f, int ptr, int dst, int size, __s16 off, __u64 val)
{
	const int tmp = dst == BPF_REG_3 ? BPF_REG_4 : BPF_REG_3;
	struct arena_prog p = {};

	emit_map_value(&p, ptr, f->fd, 40960);
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
	static const __s16 offs[] = { 0, 1, -1, 127, -128, 128, 32767, -32768 };
	const __u64 val = 0x8182838485868788;
	char name[64];
	int s, i, r;

	f->area[40960 / 8] = val;
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

	emit_start(&p, f, ptr, BASE + 40960 - store.off);
	emit(&p, store);
	emit_check_regs(&p, ptr, -1);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

static void check_stored(struct fixture *f, int ptr, struct bpf_insn store, __u64 val,
			 __u64 mask, const char *name)
{
	f->area[40960 / 8] = 0x1122334455667788;
	ASSERT_EQ(run_store_at(f, ptr, store), 0, name);
	ASSERT_EQ(f->area[40960 / 8], (0x1122334455667788 & ~mask) | (val & mask), name);
}

static void present_stores(struct fixture *f)
{
	static const __s16 offs[] = { 0, 127, -128, 32767, -32768 };
	char name[64];
	__u64 mask;
	int s, r, off;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		mask = ~0ULL >> (64 - 8 * sizes[s].bytes);
		for (r = BPF_REG_0; r < BPF_REG_10; r++) {
			off = offs[r % ARRAY_SIZE(offs)];
			snprintf(name, sizeof(name), "%s [r%d%+d] = r%d", sizes[s].name, r, off,
				 9 - r);
			check_stored(f, r, BPF_STX_MEM(sizes[s].size, r, 9 - r, off),
				     REG_VAL(9 - r), mask, name);
			snprintf(name, sizeof(name), "%s [r%d%+d] = imm", sizes[s].name, r, off);
			check_stored(f, r, BPF_ST_MEM(sizes[s].size, r, off, -0x12345678),
				     -0x12345678LL, mask, name);
		}
	}
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
	if (test__start_subtest("present_loads"))
		run_with(present_loads);
	if (test__start_subtest("present_stores"))
		run_with(present_stores);
	if (test__start_subtest("atomic_present"))
		run_with(atomic_present);
	if (test__start_subtest("atomic_absent"))
		run_with(atomic_absent);
	if (test__start_subtest("atomic_refused"))
		run_with(atomic_refused);
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
