// SPDX-License-Identifier: GPL-2.0
/*
 * Code that a kernel's JIT has made, moved to this process
 *
 *	in the kernel				here
 *	ffffffffc0000b58  main function		area + 2 GiB
 *	ffffffffc0000be8  subprogram		area + 2 GiB + 0x90
 *
 * Functions keep their distances, and with them the calls between them are right. All
 * that can be reached from them by 32 bits is reserved and empty: whatever is called
 * there besides is a SIGSEGV, which run.c reports, and not some other code.
 *
 * What is changed is the base of the kernel's window, which each function that accesses
 * the arena loads into r12 on entry:  49 bc IMM64  movabs r12, IMM64
 * and the jump to a return thunk, if the kernel has one instead of a return, and the jump
 * to where our kernel's may_goto looks at the clock.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "run.h"

#define REACH (2ULL << 30)
#define PAGE 4096ULL

/* The window lies in the kernel's half, of 57 bits at most, at a page. */
static int is_base(uint64_t imm)
{
	return imm >> 56 == 0xff && imm % PAGE == 0;
}

static void set_base(uint8_t *bytes, uint32_t len, uint64_t base)
{
	uint64_t imm;
	uint32_t i;

	for (i = 0; i + 10 <= len; i++) {
		memcpy(&imm, bytes + i + 2, sizeof(imm));
		if (bytes[i] == 0x49 && bytes[i + 1] == 0xbc && is_base(imm)) {
			memcpy(bytes + i + 2, &base, sizeof(base));
			return;
		}
	}
}

/* leave; jmp somewhere far: a return */
static void set_returns(uint8_t *bytes, uint32_t len)
{
	int32_t rel;
	uint32_t i;

	for (i = 0; i + 6 <= len; i++) {
		memcpy(&rel, bytes + i + 2, sizeof(rel));
		if (bytes[i] == 0xc9 && bytes[i + 1] == 0xe9 &&
		    (rel < -(int32_t)i || rel > (int32_t)len))
			bytes[i + 1] = 0xc3;
	}
}

/*
 * lea r11, [rbp + OFF]; mov r9d, IMM; jmp somewhere far: the fuel of may_goto is used up,
 * and r11 has its address, with a kind in the low bits. There is always more of it here:
 * mov qword ptr [r11 - kind], 8192; ret. That ZF is not set, which means to go on, is
 * from the subtraction that led here.
 */
static void set_may_goto(uint8_t *bytes, uint32_t len)
{
	static const uint8_t refuel[] = { 0x49, 0xc7, 0x43, 0, 0x00, 0x20, 0, 0, 0xc3 };
	uint8_t kind;
	int32_t rel;
	uint32_t i;

	for (i = 7; i + 11 <= len; i++) {
		memcpy(&rel, bytes + i + 7, sizeof(rel));
		if (bytes[i] != 0x41 || bytes[i + 1] != 0xb9 || bytes[i + 6] != 0xe9 ||
		    (rel >= -(int32_t)i && rel <= (int32_t)len))
			continue;
		kind = bytes[i - 6] == 0x8d && bytes[i - 5] == 0x9d ? bytes[i - 4] & 7 : 0;
		memcpy(bytes + i, refuel, sizeof(refuel));
		bytes[i + 3] = -kind;
	}
}

static uint8_t *reserve_area(void)
{
	uint8_t *area = mmap(NULL, 4 * REACH, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		die("cannot reserve addresses for code: %m");
	return area + 2 * REACH;
}

static void place(uint8_t *at, const struct code *code, uint64_t base)
{
	uint8_t *first = (uint8_t *)((uint64_t)at & ~(PAGE - 1));
	size_t len = at + code->len - first;

	if (mprotect(first, len, PROT_READ | PROT_WRITE))
		die("%s: cannot make memory for code writable: %m", code->prog);
	memcpy(at, code->bytes, code->len);
	set_base(at, code->len, base);
	set_returns(at, code->len);
	set_may_goto(at, code->len);
}

int calls_kernel(const struct code *code, const char *prog)
{
	for (; code; code = code->next)
		if (!strcmp(code->prog, prog) && !code->bytes)
			return 1;
	return 0;
}

native_fn make_callable(const struct code *code, const char *prog, uint64_t base)
{
	const struct code *main = NULL, *c;
	uint8_t *area, *at;

	if (calls_kernel(code, prog))
		return NULL;
	area = reserve_area();
	for (c = code; c; c = c->next) {
		if (strcmp(c->prog, prog))
			continue;
		/* calls do not see it, and loops begin where they do in the kernel */
		if (!main)
			area += (main = c)->addr % PAGE;
		at = area + (int64_t)(c->addr - main->addr);
		if (llabs(at - area) >= (int64_t)REACH)
			die("%s: its functions are too far from each other", prog);
		place(at, c, base);
	}
	if (!main)
		return NULL;
	for (c = main; c; c = c->next) {
		if (strcmp(c->prog, prog))
			continue;
		at = area + (int64_t)(c->addr - main->addr);
		at -= (uint64_t)at % PAGE;
		if (mprotect(at, c->len + c->addr % PAGE, PROT_READ | PROT_EXEC))
			die("%s: cannot make code executable: %m", prog);
	}
	return (native_fn)area;
}

static struct code *parse_line(const char *path, int nr, const char *line)
{
	struct code *c = calloc(1, sizeof(*c));
	unsigned long long addr;
	int at = 0, i;

	if (sscanf(line, "calls\t%ms\t%d", &c->prog, &i) == 2)
		return c;
	free(c->prog);
	c->bytes = calloc(1, strlen(line));
	if (sscanf(line, "jit\t%ms\t%llx\t%n", &c->prog, &addr, &at) != 2 || !at)
		die("%s, line %d is no code", path, nr);
	for (i = 0; sscanf(line + at + 2 * i, "%2hhx", &c->bytes[i]) == 1; i++)
		;
	c->addr = addr;
	c->len = i;
	return c;
}

struct code *read_code(const char *path)
{
	struct code *first = NULL, **next = &first;
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	int nr = 0;

	if (!f)
		die("cannot read %s: %m", path);
	while (getline(&line, &size, f) > 0) {
		*next = parse_line(path, ++nr, line);
		next = &(*next)->next;
	}
	free(line);
	fclose(f);
	if (!first)
		die("%s has no code", path);
	return first;
}
