// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that the verifier takes
 *
 * A bundle is one to MAX_PROGS programs, program 0 runs first. A program is a main
 * function and what it calls:
 *
 *   main      puts the context into its slot and mentions the arena (depth 0)
 *   function  static, one to five arguments of fixed kinds, result of a fixed kind
 *   callback  of bpf_loop(): a number and NULL; its result is 0 or 1
 *
 *   [ set up registers and slots ] [ statements ] [ dump ] [ result, exit ]
 *
 * Valid by construction:
 *  - for each register and slot it is known what kind it holds, on all paths; where
 *    paths with different kinds meet it holds nothing (UNSET);
 *  - a function only calls deeper ones, so that there is no recursion and the stack
 *    is large enough;
 *  - a program only tail-calls later ones, and callbacks do not, so that the limit
 *    of tail calls does not matter;
 *  - loops have a may_goto and a counter, see stmt.c. Many are too much for the verifier
 *    nevertheless, so few bundles have some.
 */
#include <string.h>
#include "gen.h"

#define MAX_STEPS	400000
#define MAX_STEPS_EXHAUSTED	(4 * MAY_GOTO_ROUNDS)

struct bpf_insn *emit(struct gen *g, u8 code, u32 dst, u32 src, s16 off, s32 imm)
{
	struct bpf_insn *insn = &g->prog->insn[g->prog->len++];

	if (g->prog->len > MAX_INSNS)
		die("bundle %llu is too long", (unsigned long long)g->bundle->number);
	*insn = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm,
	};
	return insn;
}

void emit_wide(struct gen *g, u32 dst, u32 pseudo, u64 imm)
{
	emit(g, BPF_LD | BPF_IMM | BPF_DW, dst, pseudo, 0, imm);
	emit(g, 0, 0, 0, 0, imm >> 32);
}

void emit_map_value(struct gen *g, u32 dst, u32 off)
{
	emit_wide(g, dst, BPF_PSEUDO_MAP_VALUE, MAP_VALUE | (u64)off << 32);
}

s16 slot_off(u32 slot)
{
	return -16 - 8 * (s32)slot;
}

/* ---- registers ---- */

/* A register that may be overwritten. */
u32 pick_dst(struct gen *g)
{
	u32 reg;

	do
		reg = rng_below(&g->rng, 10);
	while (g->locked[reg]);
	return reg;
}

static s32 find_reg(struct gen *g, enum kind kind)
{
	u32 reg = rng_below(&g->rng, 10), i;

	for (i = 0; i < 10; i++, reg = (reg + 1) % 10)
		if (g->now.reg[reg] == kind)
			return reg;
	return -1;
}

/* A register that holds @kind; if none does, one is made to. */
u32 pick_src(struct gen *g, enum kind kind)
{
	s32 reg = find_reg(g, kind);

	if (reg >= 0)
		return reg;
	reg = pick_dst(g);
	create(g, reg, kind);
	return reg;
}

u32 pick_any(struct gen *g)
{
	return pick_src(g, rng_chance(&g->rng, 30) ? ARENA : NUMBER);
}

/*
 * A number of the input. The verifier knows nothing of it: where it insists on a
 * value, it traces back to here and no further. Further back can be a loop, and one
 * whose numbers must be known does not converge.
 */
void emit_input(struct gen *g, u32 dst)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W };

	emit_map_value(g, dst, 8 * rng_below(&g->rng, INPUTS));
	switch (rng_below(&g->rng, 8)) {
	case 0:
		emit(g, BPF_STX | BPF_ATOMIC | BPF_DW, dst, dst, 0, BPF_LOAD_ACQ);
		break;
	case 1:
		emit(g, BPF_LDX | BPF_MEMSX | sizes[rng_below(&g->rng, 3)], dst, dst, 0, 0);
		break;
	default:
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, dst, dst, 0, 0);
	}
	g->now.reg[dst] = NUMBER;
}

static void create_number(struct gen *g, u32 dst)
{
	switch (rng_below(&g->rng, 4)) {
	case 0:
		emit(g, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, rng_number(&g->rng));
		break;
	case 1:
		emit(g, BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, rng_number(&g->rng));
		break;
	case 2:
		emit_wide(g, dst, 0, rng_number(&g->rng));
		break;
	default:
		emit_input(g, dst);
	}
}

/* Address of arena memory as a number: a constant, relocated, or of the input. */
static void create_uaddr(struct gen *g, u32 dst)
{
	u64 uaddr = rng_uaddr(&g->rng, g->env, g->prog->arena);
	u64 off = uaddr - g->env->base[g->prog->arena];

	switch (rng_below(&g->rng, 3)) {
	case 0:
		if (off < (u64)g->env->pages * page_size) {
			emit_wide(g, dst, BPF_PSEUDO_MAP_VALUE, MAP_ARENA | off << 32);
			break;
		}
		/* fallthrough */
	case 1:
		emit_wide(g, dst, 0, uaddr);
		break;
	default:
		emit_map_value(g, dst, 16 * rng_below(&g->rng, INPUTS / 2));
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, dst, dst, 0, 0);
	}
}

void create(struct gen *g, u32 dst, enum kind kind)
{
	if (kind == ARENA) {
		create_uaddr(g, dst);
		emit(g, BPF_ALU64 | BPF_MOV | BPF_X, dst, dst, OFF_CAST, CAST_TO_KERN);
	} else if (rng_chance(&g->rng, 20)) {
		create_uaddr(g, dst);
	} else {
		create_number(g, dst);
	}
	g->now.reg[dst] = kind;
}

/* ---- functions ---- */

static enum kind random_kind(struct gen *g)
{
	return rng_chance(&g->rng, 40) ? ARENA : NUMBER;
}

static void set_signature(struct gen *g, struct func *func, const struct func *caller)
{
	u32 i;

	func->args = func->callback ? 2 : 1 + rng_below(&g->rng, 5);
	for (i = 1; i <= func->args; i++)
		func->arg[i] = func->callback ? NUMBER : random_kind(g);
	func->has_context = !func->callback && caller->has_context && rng_chance(&g->rng, 50);
	if (func->has_context)
		func->arg[1] = OTHER;
	/* Of what a tail call out of it returns nothing is known. */
	func->ret = func->callback || func->has_context ? NUMBER : random_kind(g);
}

static s32 add_func(struct gen *g, bool callback)
{
	const struct func *caller = &g->func[g->current];
	struct func *func = &g->func[g->funcs];

	if (g->funcs == MAX_FUNCS || caller->depth == MAX_CALL_DEPTH)
		return -1;
	func->callback = callback;
	func->depth = caller->depth + 1;
	set_signature(g, func, caller);
	return g->funcs++;
}

static bool may_call(const struct func *caller, const struct func *func, bool callback)
{
	return func->depth > caller->depth && func->callback == callback &&
	       (caller->has_context || !func->has_context);
}

/* A function that the current one may call, -1 if there is none. */
s32 find_func(struct gen *g, bool callback)
{
	u32 i;

	if (rng_chance(&g->rng, 50))
		for (i = g->current + 1; i < g->funcs; i++)
			if (may_call(&g->func[g->current], &g->func[i], callback))
				return i;
	return add_func(g, callback);
}

void emit_func_ref(struct gen *g, u32 func, bool call)
{
	if (g->refs == MAX_REFS)
		die("bundle %llu has too many calls", (unsigned long long)g->bundle->number);
	g->ref[g->refs++] = (struct ref){ .at = g->prog->len, .func = func };
	if (call)
		emit(g, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
	else
		emit_wide(g, 2, BPF_PSEUDO_FUNC, 0);
}

static void enter_func(struct gen *g)
{
	const struct func *func = &g->func[g->current];
	u32 i;

	memset(g->locked, 0, sizeof(g->locked));
	for (i = 0; i < 10; i++)
		g->now.reg[i] = i && i <= func->args ? func->arg[i] : UNSET;
	for (i = 0; i < SLOTS; i++)
		g->now.slot[i] = UNSET;
	if (func->has_context) {
		emit(g, BPF_STX | BPF_MEM | BPF_DW, 10, 1, CONTEXT_OFF, 0);
		g->now.reg[1] = UNSET;
	}
	if (!g->current) {
		emit_wide(g, 1, BPF_PSEUDO_MAP_FD, MAP_ARENA);
		for (i = 0; i < 10; i++)
			create(g, i, random_kind(g));
	}
}

static void store_slots(struct gen *g)
{
	u32 i, slot;

	for (i = 0; i < SLOTS - 1; i++) {
		slot = rng_below(&g->rng, SLOTS);
		if (g->now.slot[slot] != UNSET)
			continue;
		g->now.slot[slot] = rng_chance(&g->rng, 40) ? ARENA : NUMBER;
		emit(g, BPF_STX | BPF_MEM | BPF_DW, 10, pick_src(g, g->now.slot[slot]),
		     slot_off(slot), 0);
	}
}

/* r1 is where it goes and r2 what goes there, after their own turn. */
static void dump(struct gen *g)
{
	u32 base = offsetof(struct value, out) +
		(g->index * MAX_FUNCS + g->current) * sizeof(((struct value *)0)->out[0]);
	bool has_r1 = g->now.reg[1] != UNSET;
	u32 i;

	if (has_r1)
		emit(g, BPF_STX | BPF_MEM | BPF_DW, 10, 1, SCRATCH_OFF, 0);
	emit_map_value(g, 1, base);
	for (i = 0; i < 10; i++)
		if (i != 1 && g->now.reg[i] != UNSET)
			emit(g, BPF_STX | BPF_MEM | BPF_DW, 1, i, i * 8, 0);
	if (has_r1) {
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, 2, 10, SCRATCH_OFF, 0);
		emit(g, BPF_STX | BPF_MEM | BPF_DW, 1, 2, 8, 0);
	}
	for (i = 0; i < SLOTS; i++) {
		if (g->now.slot[i] == UNSET)
			continue;
		emit(g, BPF_LDX | BPF_MEM | BPF_DW, 2, 10, slot_off(i), 0);
		emit(g, BPF_STX | BPF_MEM | BPF_DW, 1, 2, 80 - slot_off(i), 0);
	}
	g->now.reg[1] = UNSET;
	g->now.reg[2] = UNSET;
}

/* Mostly 0, which is to go on. */
static void callback_result(struct gen *g)
{
	if (rng_chance(&g->rng, 70)) {
		emit(g, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	} else {
		emit_input(g, 0);
		/* Not in 32 bits: for a callback 6.1 forgets that all 64 are looked at. */
		emit(g, BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 1);
	}
}

static void leave_func(struct gen *g)
{
	const struct func *func = &g->func[g->current];

	if (!g->current || rng_chance(&g->rng, 50))
		dump(g);
	if (func->callback)
		callback_result(g);
	else if (g->now.reg[0] != func->ret)
		emit(g, BPF_ALU64 | BPF_MOV | BPF_X, 0, pick_src(g, func->ret), 0, 0);
	emit(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void generate_func(struct gen *g)
{
	g->func[g->current].start = g->prog->len;
	enter_func(g);
	store_slots(g);
	emit_block(g, g->current ? 3 + rng_below(&g->rng, 12) : 6 + rng_below(&g->rng, 30));
	if (g->bundle->max_steps == MAX_STEPS_EXHAUSTED && !g->current && !g->index)
		emit_exhausted(g);
	leave_func(g);
}

/* The distance is from the next instruction, for the second half of ld_imm64 as well. */
static void resolve_refs(struct gen *g)
{
	u32 i;

	for (i = 0; i < g->refs; i++)
		g->prog->insn[g->ref[i].at].imm =
			g->func[g->ref[i].func].start - g->ref[i].at - 1;
}

static void generate_program(struct gen *g)
{
	g->prog->len = 0;
	g->prog->arena = rng_below(&g->rng, ARENAS);
	memset(g->func, 0, sizeof(g->func));
	g->func[0].has_context = true;
	g->func[0].args = 1;
	g->func[0].arg[1] = OTHER;
	g->funcs = 1;
	g->refs = 0;
	for (g->current = 0; g->current < g->funcs; g->current++)
		generate_func(g);
	resolve_refs(g);
}

void bundle_generate(struct bundle *bundle, const struct env *env, u64 seed, u64 number)
{
	struct gen g = { .env = env, .bundle = bundle };

	rng_seed(&g.rng, seed, number);
	bundle->number = number;
	bundle->mode = rng_below(&g.rng, MODES);
	bundle->progs = rng_chance(&g.rng, 50) ? 1 : 2 + rng_below(&g.rng, MAX_PROGS - 1);
	g.may_loop = rng_chance(&g.rng, 12);
	bundle->max_steps = rng_below(&g.rng, 1000) ? MAX_STEPS : MAX_STEPS_EXHAUSTED;
	for (g.index = 0; g.index < bundle->progs; g.index++) {
		g.prog = &bundle->prog[g.index];
		generate_program(&g);
	}
}
