// SPDX-License-Identifier: GPL-2.0
/* Arithmetic: infix to postfix, and a machine that runs the latter */
#include "corpus.h"

char __arena_global text[1024];
s64 __arena_global values[64];
char __arena_global operators[64];
s64 result;

static int priority(char op)
{
	switch (op) {
	case '+':
	case '-':
		return 1;
	case '*':
	case '/':
	case '%':
		return 2;
	case '^':
		return 3;
	}
	return 0;
}

static s64 power(s64 a, u64 b)
{
	s64 p = 1;

	while (b && can_loop) {
		if (b & 1)
			p *= a;
		a *= a;
		b >>= 1;
	}
	return p;
}

static int apply(u32 *nv, char op)
{
	s64 a, b;

	if (*nv < 2)
		return -1;
	b = values[--*nv];
	a = values[--*nv];
	switch (op) {
	case '+': a += b; break;
	case '-': a -= b; break;
	case '*': a *= b; break;
	case '/':
		if (!b)
			return -2;
		a = (u64)a / (u64)b;
		break;
	case '%':
		if (!b)
			return -2;
		a = (u64)a % (u64)b;
		break;
	case '^': a = power(a, b); break;
	default: return -3;
	}
	values[(*nv)++] = a;
	return 0;
}

SEC("tc")
int calculate(void *ctx)
{
	u32 nv = 0, no = 0;
	char __arena *p;
	s64 n;
	int err;

	for (p = text; *p && can_loop; p++) {
		char c = *p;

		if (c == ' ')
			continue;
		if (c >= '0' && c <= '9') {
			n = 0;
			while (*p >= '0' && *p <= '9' && can_loop)
				n = n * 10 + *p++ - '0';
			p--;
			if (nv == 64)
				return -4;
			values[nv++] = n;
			continue;
		}
		if (c == '(') {
			if (no == 64)
				return -4;
			operators[no++] = c;
			continue;
		}
		if (c == ')') {
			while (no && operators[no - 1] != '(' && can_loop) {
				err = apply(&nv, operators[--no]);
				if (err)
					return err;
			}
			if (!no)
				return -5;
			no--;
			continue;
		}
		while (no && priority(operators[no - 1]) >= priority(c) && can_loop) {
			err = apply(&nv, operators[--no]);
			if (err)
				return err;
		}
		if (no == 64)
			return -4;
		operators[no++] = c;
	}
	while (no && can_loop) {
		err = apply(&nv, operators[--no]);
		if (err)
			return err;
	}
	if (nv != 1)
		return -6;
	result = values[0];
	return 0;
}

enum opcode { PUSH, ADD, SUB, MUL, DUP, SWAP, DROP, LOAD, STORE, JUMP, JUMPZ, LESS, CALL, RET, HALT };

struct insn {
	u32 op;
	s32 arg;
};

struct insn __arena_global code[1024];
s64 __arena_global memory[256];
s64 __arena_global stack[256];
u32 __arena_global calls[64];

/* A machine with a stack */
SEC("tc")
int stack_machine(void *ctx)
{
	u32 pc = 0, sp = 0, depth = 0, steps = 0;
	s64 t;

	while (pc < 1024 && can_loop) {
		struct insn __arena *i = &code[pc++];

		steps++;
		switch (i->op) {
		case PUSH:
			if (sp == 256)
				return -1;
			stack[sp++] = i->arg;
			break;
		case ADD:
			if (sp < 2)
				return -2;
			sp--;
			stack[sp - 1] += stack[sp];
			break;
		case SUB:
			if (sp < 2)
				return -2;
			sp--;
			stack[sp - 1] -= stack[sp];
			break;
		case MUL:
			if (sp < 2)
				return -2;
			sp--;
			stack[sp - 1] *= stack[sp];
			break;
		case LESS:
			if (sp < 2)
				return -2;
			sp--;
			stack[sp - 1] = stack[sp - 1] < stack[sp];
			break;
		case DUP:
			if (!sp || sp == 256)
				return -2;
			stack[sp] = stack[sp - 1];
			sp++;
			break;
		case SWAP:
			if (sp < 2)
				return -2;
			t = stack[sp - 1];
			stack[sp - 1] = stack[sp - 2];
			stack[sp - 2] = t;
			break;
		case DROP:
			if (!sp)
				return -2;
			sp--;
			break;
		case LOAD:
			if (sp == 256)
				return -1;
			stack[sp++] = memory[i->arg & 255];
			break;
		case STORE:
			if (!sp)
				return -2;
			memory[i->arg & 255] = stack[--sp];
			break;
		case JUMPZ:
			if (!sp)
				return -2;
			if (stack[--sp])
				break;
			/* fall through */
		case JUMP:
			pc = i->arg;
			break;
		case CALL:
			if (depth == 64)
				return -1;
			calls[depth++] = pc;
			pc = i->arg;
			break;
		case RET:
			if (!depth)
				return steps;
			pc = calls[--depth];
			break;
		case HALT:
			result = sp ? stack[sp - 1] : 0;
			return steps;
		default:
			return -3;
		}
	}
	return -4;
}
