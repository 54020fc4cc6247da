/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __RUN_H
#define __RUN_H

#include <stdint.h>

struct native_args;

typedef int (*native_fn)(struct native_args *args);

/* One of native.h, by its name */
struct compiled {
	const char *name;
	native_fn fn;
};

extern const struct compiled compiled[], counted[], padded[];

/* Of one function, as the kernel has it; without bytes: of a program that calls the kernel */
struct code {
	char *prog;
	uint64_t addr;
	uint8_t *bytes;
	uint32_t len;
	struct code *next;
};

/* Whose code it is: C's, or a kernel's that has printed some (jit.c) */
struct side {
	const char *name;
	const struct compiled *compiled;
	struct code *code;
};

/* The functions in a file that "bench -j" has written */
struct code *read_code(const char *path);

/*
 * The program, such that it can be called, with base where the kernel's window is; NULL if it
 * is not among the code, or calls the kernel
 */
native_fn make_callable(const struct code *code, const char *prog, uint64_t base);

/* Does the program call the kernel? */
int calls_kernel(const struct code *code, const char *prog);

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
