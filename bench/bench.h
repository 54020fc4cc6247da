/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What experiments are made of. See bench.c for what it is all about.
 */
#ifndef __BENCH_H
#define __BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_ROWS 8	/* of an experiment */

/*
 * A line of the final table. goal is a number and what it is a multiple of:
 * "0.6 stock" is 0.6 times what this row is on 6.12, "0.25 stock NAME" what row NAME
 * is there, "1.25 ours NAME" what row NAME is on our kernel, "1.01 base" what this row is
 * on the kernel without the series, "5 -" just 5.
 */
struct row {
	const char *name;
	const char *unit;
	const char *goal;
	const char *title;
};

/* Rows that come out of the same runs. size means what the function takes it for. */
struct experiment {
	void (*run)(const struct experiment *e);
	unsigned long size;
	struct row rows[MAX_ROWS];
};

extern const struct experiment page_experiments[];
extern const struct experiment access_experiments[];
extern const struct experiment lib_experiments[];
extern const struct experiment verify_experiments[];

extern int rounds;	/* to be done of what can be repeated */
extern bool quick;

/* A result of one round for the experiment's row number nr */
void emit(const struct experiment *e, int nr, double value);

/* What cannot be measured on this kernel, and why; all rows from number nr on */
void missing(const struct experiment *e, int nr, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What the JIT makes of native.bpf.c */
void print_jited(void);

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Instructions that the CPU has executed */
static inline uint64_t now(void)
{
	uint32_t lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

/* Nothing else runs from here on, but for interrupts */
void hold_cpu(void);

/*
 * Let all others run, workers of the kernel for example, until window instructions
 * after start, of which this returns those that were not spent waiting. The same
 * with nothing to do is what interrupts cost, to be taken off.
 */
uint64_t let_others_run(uint64_t start, uint64_t window);

/* The same for a while and for no result */
void settle(void);

void wait_until_quiet(void);

/* A multiple of the tick's period, so that each window has the same number of ticks */
#define TICK 4000000ULL

#endif
