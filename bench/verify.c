// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to verify programs that have nothing to do with arenas
 *
 * Programs of 6.1's self-tests are loaded on the kernel with the series and on the one
 * without ("base"). The verifier says how long it took (BPF_LOG_STATS), by the kernel's
 * clock: in this VM a nanosecond is an instruction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench.h"
#include "verify.h"

#define LOG_STATS 4
#define LOG_SIZE 4096

#define INCLUDE(file, title)						\
	asm(".pushsection .rodata\n.balign 8\n" #file "_elf:\n"		\
	    ".incbin \"" #file ".bpf.o\"\n" #file "_end:\n.popsection");	\
	extern const char file##_elf[], file##_end[];
VERIFIED(INCLUDE)

static const struct {
	const char *name, *elf, *end;
} objects[] = {
#define OBJECT(file, title) { #file, file##_elf, file##_end },
	VERIFIED(OBJECT)
};

/* Microseconds that the verifier spent on one program */
static double time_of(const struct bpf_program *prog, const char *log)
{
	static const char key[] = "verification time ";
	const char *found = strstr(log, key);

	if (!found)
		die("%s: the verifier does not say how long it took", bpf_program__name(prog));
	return atof(found + strlen(key));
}

/* Instructions for all programs of an object, or -1 if the kernel does not take it */
static double verify(struct bpf_object *obj)
{
	struct bpf_program *prog;
	double sum = 0;

	bpf_object__for_each_program(prog, obj) {
		bpf_program__set_log_level(prog, LOG_STATS);
		bpf_program__set_log_buf(prog, calloc(1, LOG_SIZE), LOG_SIZE);
	}
	if (bpf_object__load(obj))
		return -1;
	bpf_object__for_each_program(prog, obj) {
		size_t size;
		const char *log = bpf_program__log_buf(prog, &size);

		sum += time_of(prog, log);
		free((void *)log);
	}
	return sum * 1000;
}

static void measure_verify(const struct experiment *e)
{
	int i, n = quick ? 1 : 3;
	struct bpf_object *obj;
	const char *elf = objects[e->size].elf;
	double cost;

	for (i = 0; i < n; i++) {
		obj = bpf_object__open_mem(elf, objects[e->size].end - elf, NULL);
		if (!obj)
			die("%s cannot be opened: %m", objects[e->size].name);
		cost = verify(obj);
		bpf_object__close(obj);
		settle();
		if (cost < 0) {
			missing(e, 0, "the kernel refuses it");
			return;
		}
		emit(e, 0, cost);
	}
}

#define NUMBER(file, title) NR_##file,
enum { VERIFIED(NUMBER) };

#define ROW(file, title)						\
	{ measure_verify, NR_##file, {					\
		{ "verify/" #file, "instr", "1.01 base", "verification: " title }, \
	} },

const struct experiment verify_experiments[] = {
	VERIFIED(ROW)
	{}
};
