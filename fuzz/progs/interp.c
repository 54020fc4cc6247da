// SPDX-License-Identifier: GPL-2.0
/*
 * An interpreter of arena programs
 *
 * Written from Documentation/bpf/instruction-set.rst and arena.rst, and not from the
 * kernel's interpreter or verifier, to be wrong in other places than they are.
 *
 * Which memory an access is to, and whether arithmetic has 64 bits, depends on what a
 * register holds. So each carries its kind, as does each stack slot:
 *
 *   NUMBER   the rest: 64-bit arithmetic
 *   ARENA    from a cast to kernel, from arithmetic of one with a number or one, on
 *            whichever side. 32-bit arithmetic; loads through it go to the arena
 *   OTHER    address of the stack or of the map's value, made up:
 *
 *   STACK | depth << 16 | 512 - x     fp - x of the frame at this depth
 *   VALUE | x                         byte x of the map's value
 *
 * An address in the arena is the register's 32 bits plus the offset of the
 * instruction, in more than 32 bits: below 0 and above 4 GiB is nothing.
 *
 * What faults: an access of which a byte is on a page that is not there. Load: 0.
 * Store: nothing, but on arm64 it is UNDEFINED if another of its bytes is on a page.
 * Atomic: nothing, result 0. Atomics that are not aligned may be skipped on arm64, as
 * may be those on two cache lines on x86-64: UNDEFINED, unless they fault anyway.
 *
 * A helper that copies to an arena or from it ends with -EFAULT at the first byte that is
 * not there; those before have been copied. One whose packet is too short clears all that
 * it was to fill, up to such a byte.
 *
 * A tail call replaces the innermost frame, so that the program called returns to the
 * caller of a function that made it.
 */
#include <string.h>
#include "progs.h"

#define MAX_DEPTH	16
#define STACK_SIZE	512
#define MAX_CALLBACKS	(1u << 23)
#define STACK		0x5000000000000000ull
#define VALUE		0x6000000000000000ull
#define CONTEXT		0x7000000000000000ull
#define CACHE_LINE	64
#define HELPER_TAIL_CALL	BPF_FUNC_tail_call
#define HELPER_LOOP		BPF_FUNC_loop

struct reg {
	u64 v;
	enum kind kind;
};

struct frame {
	struct reg saved[4];		/* r6 to r9 of the caller */
	const struct program *prog;	/* the caller's */
	u32 pc;				/* where it goes on */
	u32 rounds;			/* left for this frame's may_gotos */
	u32 callback;			/* its first instruction, if this is one */
	u32 calls, calls_wanted;	/* of the callback */
	enum kind kind[STACK_SIZE / 8];
	u8 stack[STACK_SIZE];
};

struct machine {
	const struct bundle *bundle;
	const struct env *env;
	struct state *state;
	const struct program *prog;
	u32 pc, depth, steps, tail_calls;
	enum outcome outcome;
	bool done;
	struct reg r[11];
	u8 packet[PACKET];
	struct frame frame[MAX_DEPTH];
};

static struct bpf_insn broken;		/* interp_break() */

void interp_break(const struct bpf_insn *kind)
{
	broken = *kind;
}

/* Atomics and casts are many kinds of one code. */
static bool is_broken(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code);

	if (!broken.code || insn->code != broken.code)
		return false;
	if (class == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC)
		return insn->imm == broken.imm;
	return insn->off == broken.off || (class != BPF_ALU && class != BPF_ALU64);
}

static void stop(struct machine *m, enum outcome outcome)
{
	m->outcome = outcome;
	m->done = true;
}

static void set(struct reg *reg, u64 v, enum kind kind)
{
	reg->v = v;
	reg->kind = kind;
}

/*
 * A shortened program can use an address as a number, which the generator's do not.
 * The kernel's addresses are other ones.
 */
static u64 number(struct machine *m, const struct reg *reg)
{
	if (reg->kind == OTHER)
		stop(m, UNDEFINED);
	return reg->v;
}

/* ---- arithmetic ---- */

static u64 alu64(u8 op, u64 a, u64 b)
{
	switch (op) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_DIV: return b ? a / b : 0;
	case BPF_OR: return a | b;
	case BPF_AND: return a & b;
	case BPF_LSH: return a << (b & 63);
	case BPF_RSH: return a >> (b & 63);
	case BPF_NEG: return -a;
	case BPF_MOD: return b ? a % b : a;
	case BPF_XOR: return a ^ b;
	case BPF_MOV: return b;
	case BPF_ARSH: return (s64)a >> (b & 63);
	}
	die("no such operation: %#x", op);
}

static u32 alu32(u8 op, u32 a, u32 b)
{
	switch (op) {
	case BPF_LSH: return a << (b & 31);
	case BPF_RSH: return a >> (b & 31);
	case BPF_ARSH: return (s32)a >> (b & 31);
	default: return alu64(op, a, b);
	}
}

/* One that overflows gives the smallest number again, and nothing remains. */
static s64 signed_div(u8 op, s64 a, s64 b)
{
	if (b == -1)
		return op == BPF_DIV ? -(u64)a : 0;
	if (!b)
		return op == BPF_DIV ? 0 : a;
	return op == BPF_DIV ? a / b : a % b;
}

static u64 sign_extend(u64 v, u32 bits)
{
	return (s64)(v << (64 - bits)) >> (64 - bits);
}

static u64 compute(const struct bpf_insn *insn, bool wide, u64 a, u64 b)
{
	u8 op = BPF_OP(insn->code);

	if (insn_is_signed_div(insn))
		return wide ? signed_div(op, a, b) : (u32)signed_div(op, (s32)a, (s32)b);
	return wide ? alu64(op, a, b) : alu32(op, a, b);
}

static u64 swap(const struct bpf_insn *insn, u64 v)
{
	bool big = BPF_SRC(insn->code) == BPF_TO_BE || insn->code == OP_BSWAP;

	switch (insn->imm) {
	case 16: return big ? __builtin_bswap16(v) : (u16)v;
	case 32: return big ? __builtin_bswap32(v) : (u32)v;
	default: return big ? __builtin_bswap64(v) : v;
	}
}

static u64 cast(struct machine *m, const struct bpf_insn *insn, const struct reg *src)
{
	u64 low = (u32)number(m, src);

	if (insn->imm == CAST_TO_KERN || !low || m->env->no_user_conv[m->prog->arena])
		return low;
	return low | m->env->base[m->prog->arena] >> 32 << 32;
}

static bool shifts_out(const struct bpf_insn *insn)
{
	u8 op = BPF_OP(insn->code);

	return (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH) &&
	       BPF_SRC(insn->code) == BPF_K && insn->imm >= 32;
}

/*
 * What arithmetic other than moves leaves in its destination, by what was in its
 * operands; @src is NUMBER for an immediate. The generator asks, too.
 */
enum kind kind_of_result(const struct bpf_insn *insn, enum kind dst, enum kind src)
{
	u8 op = BPF_OP(insn->code);

	if (dst == OTHER)
		return OTHER;
	if (op == BPF_END || op == BPF_NEG || shifts_out(insn))
		return NUMBER;
	return dst == ARENA || src == ARENA ? ARENA : NUMBER;
}

static void binary(struct machine *m, const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;
	struct reg *dst = &m->r[insn->dst_reg], src;
	enum kind kind;

	if (BPF_SRC(insn->code) == BPF_X)
		src = m->r[insn->src_reg];
	else
		set(&src, (s64)insn->imm, NUMBER);
	if (dst->kind == OTHER || src.kind == OTHER)
		stop(m, UNDEFINED);
	kind = kind_of_result(insn, dst->kind, src.kind);
	if (kind == ARENA)
		wide = false;
	set(dst, compute(insn, wide, dst->v, src.v), kind);
}

static void move(struct machine *m, const struct bpf_insn *insn)
{
	struct reg *dst = &m->r[insn->dst_reg];
	struct reg src = m->r[insn->src_reg];

	if (BPF_SRC(insn->code) == BPF_K)
		set(&src, (s64)insn->imm, NUMBER);
	if (insn_is_movsx(insn))
		set(&src, sign_extend(number(m, &src), insn->off), NUMBER);
	if (BPF_CLASS(insn->code) == BPF_ALU)
		set(&src, (u32)number(m, &src), NUMBER);
	else if (BPF_SRC(insn->code) == BPF_X && insn->off == OFF_CAST)
		set(&src, cast(m, insn, &src), insn->imm == CAST_TO_KERN ? ARENA : NUMBER);
	*dst = src;
}

static void arithmetic(struct machine *m, const struct bpf_insn *insn)
{
	struct reg *dst = &m->r[insn->dst_reg];

	switch (BPF_OP(insn->code)) {
	case BPF_END:
		set(dst, swap(insn, number(m, dst)), NUMBER);
		break;
	case BPF_NEG:
		set(dst, -number(m, dst), NUMBER);
		if (BPF_CLASS(insn->code) == BPF_ALU)
			dst->v = (u32)dst->v;
		break;
	case BPF_MOV:
		move(m, insn);
		break;
	default:
		binary(m, insn);
	}
	if (is_broken(insn) && dst->kind != OTHER)
		dst->v ^= 1;
}

/* ---- memory ---- */

static u32 size_of(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B: return 1;
	case BPF_H: return 2;
	case BPF_W: return 4;
	default: return 8;
	}
}

/* Byte of arena memory, or NULL. */
static u8 *arena_byte(const struct machine *m, s64 pos)
{
	u32 arena = m->prog->arena;
	s64 at = pos - (s64)(u32)m->env->base[arena];

	if (pos < 0 || pos >> 32 || at < 0 || at >= (s64)page_size * m->env->pages)
		return NULL;
	if (!m->env->present[arena][at / page_size])
		return NULL;
	return m->state->mem[arena] + at;
}

/*
 * Memory of an access to an arena, or NULL if it faults. Pages that follow each other
 * do so in struct state as well. What is there of the access counts its bytes.
 */
static u8 *arena_at(const struct machine *m, const struct reg *base, const struct bpf_insn *insn,
		    u32 *there)
{
	s64 pos = (s64)(u32)base->v + insn->off;
	u32 size = size_of(insn), i;

	for (*there = 0, i = 0; i < size; i++)
		*there += !!arena_byte(m, pos + i);
	return *there == size ? arena_byte(m, pos) : NULL;
}

static u8 *other_at(struct machine *m, u64 addr, u32 size)
{
	struct frame *frame = &m->frame[addr >> 16 & (MAX_DEPTH - 1)];
	static u8 nowhere[8];

	if (addr >= VALUE && addr - VALUE + size <= sizeof(struct value))
		return (u8 *)&m->state->value + (addr - VALUE);
	if (addr >= STACK && (u16)addr + size <= STACK_SIZE)
		return frame->stack + (u16)addr;
	/* One that is wrong goes where the verifier knows that no path leads. */
	if (broken.code) {
		stop(m, UNDEFINED);
		return nowhere;
	}
	die("bundle %llu, program %u: instruction %u is to nowhere",
	    (unsigned long long)m->bundle->number,
	    (u32)(m->prog - m->bundle->prog), m->pc - 1);
}

/* Of the stack slot at an address, or NULL if it is none. */
static enum kind *slot_kind(struct machine *m, u64 addr)
{
	if (addr < STACK || addr >= VALUE || (u16)addr >= STACK_SIZE)
		return NULL;
	return &m->frame[addr >> 16 & (MAX_DEPTH - 1)].kind[(u16)addr / 8];
}

static u64 read_mem(const u8 *at, u32 size)
{
	u64 v = 0;

	memcpy(&v, at, size);
	return v;
}

static void load(struct machine *m, const struct bpf_insn *insn)
{
	const struct reg *base = &m->r[insn->src_reg];
	enum kind kind = NUMBER, *slot;
	u32 size = size_of(insn), there;
	const u8 *at;
	u64 v;

	if (base->kind == ARENA) {
		at = arena_at(m, base, insn, &there);
	} else {
		at = other_at(m, base->v + insn->off, size);
		slot = slot_kind(m, base->v + insn->off);
		if (slot && size == 8)
			kind = *slot;
	}
	v = at ? read_mem(at, size) : 0;
	if (BPF_CLASS(insn->code) == BPF_LDX && BPF_MODE(insn->code) == BPF_MEMSX)
		v = sign_extend(v, 8 * size);
	if (is_broken(insn) && kind != OTHER)
		v ^= 1;
	set(&m->r[insn->dst_reg], v, kind);
}

static void store(struct machine *m, const struct bpf_insn *insn)
{
	bool imm = BPF_CLASS(insn->code) == BPF_ST;
	const struct reg *base = &m->r[insn->dst_reg], *src = &m->r[insn->src_reg];
	u64 v = imm ? (u64)(s64)insn->imm : src->v;
	enum kind kind = imm ? NUMBER : src->kind;
	u32 size = size_of(insn), there;
	enum kind *slot = NULL;
	u8 *at;

	if (is_broken(insn) && kind != OTHER)
		v ^= 1;
	if (base->kind == ARENA) {
		at = arena_at(m, base, insn, &there);
#ifdef __aarch64__
		if (!at && there)
			stop(m, UNDEFINED);
#endif
	} else {
		at = other_at(m, base->v + insn->off, size);
		slot = slot_kind(m, base->v + insn->off);
		if (slot)
			*slot = size == 8 ? kind : NUMBER;
	}
	/* Only a slot may have an address. */
	if (kind == OTHER && (!slot || size != 8))
		stop(m, UNDEFINED);
	if (at)
		memcpy(at, &v, size);
}

static bool atomic_is_defined(u64 addr, u32 size)
{
#ifdef __aarch64__
	return addr % size == 0;
#else
	return addr % CACHE_LINE + size <= CACHE_LINE;
#endif
}

static u8 *atomic_at(struct machine *m, const struct bpf_insn *insn)
{
	const struct reg *base = &m->r[insn->dst_reg];
	u64 addr = base->v + insn->off;
	u32 there;
	u8 *at;

	if (base->kind != ARENA)
		return other_at(m, addr, size_of(insn));
	at = arena_at(m, base, insn, &there);
	if (at && !atomic_is_defined(addr, size_of(insn)))
		stop(m, UNDEFINED);
	return at;
}

/*
 * load_acquire and store_release. For one thread they are loads and stores, but those
 * that are not aligned may be skipped on arm64.
 */
static void ordered(struct machine *m, const struct bpf_insn *insn)
{
	bool is_load = insn->imm == BPF_LOAD_ACQ;
#ifdef __aarch64__
	const struct reg *base = &m->r[is_load ? insn->src_reg : insn->dst_reg];
	u64 addr = base->v + insn->off;
	u32 there;

	if (base->kind == ARENA && arena_at(m, base, insn, &there) &&
	    !atomic_is_defined(addr, size_of(insn)))
		stop(m, UNDEFINED);
#endif
	if (is_load)
		load(m, insn);
	else
		store(m, insn);
}

static u64 atomic_new(struct machine *m, const struct bpf_insn *insn, u64 old)
{
	u64 v = number(m, &m->r[insn->src_reg]);
	u64 expected = insn->imm == BPF_CMPXCHG ? number(m, &m->r[0]) : 0;

	if (size_of(insn) == 4)
		expected = (u32)expected;
	switch (insn->imm & ~BPF_FETCH) {
	case BPF_XCHG & ~BPF_FETCH: return v;
	case BPF_CMPXCHG & ~BPF_FETCH: return old == expected ? v : old;
	default: return alu64(insn->imm & ~BPF_FETCH, old, v);
	}
}

static void atomic(struct machine *m, const struct bpf_insn *insn)
{
	struct reg *result = insn->imm == BPF_CMPXCHG ? &m->r[0] : &m->r[insn->src_reg];
	u32 size = size_of(insn);
	u8 *at = atomic_at(m, insn);
	u64 old = 0, new;

	if (at) {
		old = read_mem(at, size);
		new = atomic_new(m, insn, old);
		if (is_broken(insn))
			new ^= 1;
		memcpy(at, &new, size);
	}
	if (insn->imm & BPF_FETCH)
		set(result, old, NUMBER);
}

static void load_imm64(struct machine *m, const struct bpf_insn *insn)
{
	struct reg *dst = &m->r[insn->dst_reg];
	u64 base = m->env->base[m->prog->arena];

	m->pc++;
	if (insn->src_reg == BPF_PSEUDO_MAP_VALUE && insn->imm == MAP_ARENA)
		set(dst, base + (u32)insn[1].imm, NUMBER);
	else if (insn->src_reg == BPF_PSEUDO_MAP_VALUE)
		set(dst, VALUE + (u32)insn[1].imm, OTHER);
	else if (insn->src_reg == BPF_PSEUDO_FUNC)
		set(dst, m->pc + insn->imm - 1, OTHER);
	else if (insn->src_reg == BPF_PSEUDO_MAP_FD)
		set(dst, insn->imm, OTHER);
	else
		set(dst, (u32)insn->imm | (u64)(u32)insn[1].imm << 32, NUMBER);
}

/* ---- control ---- */

static bool holds(u8 op, u64 a, u64 b)
{
	switch (op) {
	case BPF_JA: return true;
	case BPF_JEQ: return a == b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JSET: return a & b;
	case BPF_JNE: return a != b;
	case BPF_JSGT: return (s64)a > (s64)b;
	case BPF_JSGE: return (s64)a >= (s64)b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSLT: return (s64)a < (s64)b;
	case BPF_JSLE: return (s64)a <= (s64)b;
	}
	die("no such jump: %#x", op);
}

static void jump(struct machine *m, const struct bpf_insn *insn)
{
	u64 a, b = (s64)insn->imm;

	a = BPF_OP(insn->code) == BPF_JA ? 0 : number(m, &m->r[insn->dst_reg]);
	if (BPF_SRC(insn->code) == BPF_X)
		b = number(m, &m->r[insn->src_reg]);

	/* Signs go along, and unsigned order does not mind. */
	if (BPF_CLASS(insn->code) == BPF_JMP32) {
		a = (s32)a;
		b = (s32)b;
	}
	if (holds(BPF_OP(insn->code), a, b) != is_broken(insn))
		m->pc += jump_distance(insn);
}

static void may_goto(struct machine *m, const struct bpf_insn *insn)
{
	struct frame *frame = &m->frame[m->depth];

	if (frame->rounds)
		frame->rounds--;
	else
		m->pc += insn->off;
}

static void enter(struct machine *m, u32 pc)
{
	struct frame *frame;

	if (++m->depth == MAX_DEPTH)
		die("bundle %llu: calls are too deep", (unsigned long long)m->bundle->number);
	frame = &m->frame[m->depth];
	memset(frame, 0, sizeof(*frame));
	memcpy(frame->saved, &m->r[6], sizeof(frame->saved));
	frame->prog = m->prog;
	frame->pc = m->pc;
	frame->rounds = MAY_GOTO_ROUNDS;
	set(&m->r[10], STACK | (u64)m->depth << 16 | STACK_SIZE, OTHER);
	m->pc = pc;
}

static void leave(struct machine *m)
{
	const struct frame *frame = &m->frame[m->depth];

	if (!m->depth--) {
		m->done = true;
		return;
	}
	memcpy(&m->r[6], frame->saved, sizeof(frame->saved));
	set(&m->r[10], STACK | (u64)m->depth << 16 | STACK_SIZE, OTHER);
	m->prog = frame->prog;
	m->pc = frame->pc;
}

static void callback_start(struct machine *m)
{
	struct frame *frame = &m->frame[m->depth];

	set(&m->r[1], frame->calls++, NUMBER);
	set(&m->r[2], 0, NUMBER);
	frame->rounds = MAY_GOTO_ROUNDS;
	m->pc = frame->callback;
}

static void loop_helper(struct machine *m)
{
	u32 wanted = number(m, &m->r[1]);
	u32 callback = m->r[2].v;

	if (wanted > MAX_CALLBACKS) {
		set(&m->r[0], -7 /* E2BIG */, NUMBER);
		return;
	}
	if (!wanted) {
		set(&m->r[0], 0, NUMBER);
		return;
	}
	enter(m, callback);
	m->frame[m->depth].callback = callback;
	m->frame[m->depth].calls_wanted = wanted;
	callback_start(m);
}

static void leave_function(struct machine *m)
{
	struct frame *frame = &m->frame[m->depth];

	if (!frame->calls_wanted) {
		leave(m);
	} else if (!m->r[0].v && frame->calls < frame->calls_wanted) {
		memcpy(&m->r[6], frame->saved, sizeof(frame->saved));
		callback_start(m);
	} else {
		set(&m->r[0], frame->calls, NUMBER);
		leave(m);
	}
}

/* The stack, r6 to r9 and the counter of may_goto are the new program's own. */
static void tail_call(struct machine *m)
{
	struct frame *frame = &m->frame[m->depth];
	u32 index = number(m, &m->r[3]);

	if (!index || index >= m->bundle->progs)
		return;
	m->prog = &m->bundle->prog[index];
	m->pc = 0;
	frame->rounds = MAY_GOTO_ROUNDS;
	memset(frame->kind, 0, sizeof(frame->kind));
	set(&m->r[1], CONTEXT, OTHER);
}

/* ---- helpers that take arena memory ---- */

#define FAULT	(-14)	/* -EFAULT */
#define INVALID	(-22)	/* -EINVAL */

/* How many of @len bytes from a pointer on are there before the first that is not */
static u32 arena_there(struct machine *m, const struct reg *base, u32 len)
{
	u32 i;

	if (base->kind != ARENA)
		stop(m, UNDEFINED);
	for (i = 0; i < len && arena_byte(m, (s64)(u32)base->v + i); i++)
		;
	return i;
}

/* @from: NULL for zeroes */
static s64 copy_to_arena(struct machine *m, const struct reg *base, const u8 *from, u32 len)
{
	u32 there = arena_there(m, base, len), i;

	for (i = 0; i < there; i++)
		*arena_byte(m, (s64)(u32)base->v + i) = from ? from[i] : 0;
	return there == len ? 0 : FAULT;
}

static bool in_packet(u32 offset, u32 len)
{
	return offset <= PACKET && len <= PACKET - offset;
}

static s64 skb_load_bytes(struct machine *m, u32 offset, u32 len)
{
	if (in_packet(offset, len))
		return copy_to_arena(m, &m->r[3], m->packet + offset, len);
	copy_to_arena(m, &m->r[3], NULL, len);
	return FAULT;
}

static s64 skb_store_bytes(struct machine *m, u32 offset, u32 len)
{
	u32 i;

	if (arena_there(m, &m->r[3], len) < len || !in_packet(offset, len))
		return FAULT;
	for (i = 0; i < len; i++)
		m->packet[offset + i] = *arena_byte(m, (s64)(u32)m->r[3].v + i);
	return 0;
}

static s64 probe_read_kernel(struct machine *m, u32 len)
{
	static u8 copy[MAX_COPY];

	if (m->r[3].kind != OTHER || len > MAX_COPY) {
		stop(m, UNDEFINED);
		return 0;
	}
	memcpy(copy, other_at(m, m->r[3].v, len), len);
	return copy_to_arena(m, &m->r[1], copy, len);
}

/* Of an array: it has read the key, four bytes. */
static s64 map_delete_elem(struct machine *m)
{
	return arena_there(m, &m->r[2], 4) == 4 ? INVALID : FAULT;
}

static void helper(struct machine *m, s32 func)
{
	s64 result;

	switch (func) {
	case BPF_FUNC_skb_load_bytes:
		result = skb_load_bytes(m, number(m, &m->r[2]), number(m, &m->r[4]));
		break;
	case BPF_FUNC_skb_store_bytes:
		result = skb_store_bytes(m, number(m, &m->r[2]), number(m, &m->r[4]));
		break;
	case BPF_FUNC_probe_read_kernel:
		result = probe_read_kernel(m, number(m, &m->r[2]));
		break;
	case BPF_FUNC_map_delete_elem:
		result = map_delete_elem(m);
		break;
	default:
		die("no such helper: %d", func);
	}
	set(&m->r[0], result, NUMBER);
}

static void call(struct machine *m, const struct bpf_insn *insn)
{
	if (insn->src_reg == BPF_PSEUDO_CALL)
		enter(m, m->pc + insn->imm);
	else if (insn->imm == HELPER_LOOP)
		loop_helper(m);
	else if (insn->imm == HELPER_TAIL_CALL)
		tail_call(m);
	else
		helper(m, insn->imm);
}

static void jump_class(struct machine *m, const struct bpf_insn *insn)
{
	if (insn->code == (BPF_JMP | BPF_CALL))
		call(m, insn);
	else if (insn->code == (BPF_JMP | BPF_EXIT))
		leave_function(m);
	else if (insn->code == OP_MAY_GOTO)
		may_goto(m, insn);
	else
		jump(m, insn);
}

static void step(struct machine *m, const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		arithmetic(m, insn);
		break;
	case BPF_LD:
		load_imm64(m, insn);
		break;
	case BPF_LDX:
		load(m, insn);
		break;
	case BPF_STX:
		if (insn_is_ordered(insn)) {
			ordered(m, insn);
			break;
		}
		if (BPF_MODE(insn->code) == BPF_ATOMIC) {
			atomic(m, insn);
			break;
		}
		/* fallthrough */
	case BPF_ST:
		store(m, insn);
		break;
	default:
		jump_class(m, insn);
	}
}

/*
 * Runs a bundle from its first program. @state has the memory and the input, and gets
 * what the run leaves of them.
 *
 * Returns SAME if it came to its end, UNDEFINED or TOO_LONG.
 */
enum outcome interp_run(const struct bundle *bundle, const struct env *env, struct state *state)
{
	static struct machine m;
	u32 i;

	memset(&m, 0, offsetof(struct machine, frame) + sizeof(m.frame[0]));
	m.bundle = bundle;
	m.env = env;
	m.state = state;
	m.prog = &bundle->prog[0];
	m.frame[0].rounds = MAY_GOTO_ROUNDS;
	set(&m.r[1], CONTEXT, OTHER);
	set(&m.r[10], STACK | STACK_SIZE, OTHER);
	for (i = 0; i < PACKET; i++)
		m.packet[i] = packet_byte(i);
	while (!m.done) {
		if (++m.steps > bundle->max_steps)
			stop(&m, TOO_LONG);
		else
			step(&m, &m.prog->insn[m.pc++]);
	}
	state->ret = number(&m, &m.r[0]);
	return m.outcome;
}
