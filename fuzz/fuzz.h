/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

/*
 * What the parts of make fuzz have in common: options, random numbers, and how a part
 * speaks.
 *
 * A part does rounds, and everything in a round follows from the seed and the round's
 * number:
 *
 *	seed --+-- round 0 -- numbers ...
 *	       +-- round 1 -- numbers ...
 *	       ...
 *
 * so that a finding of round 4711 is repeated by that round alone, without what went
 * before: PART -s SEED -r 4711.
 *
 * The first line has the seed, the last one "PART: N things tried, ...". A finding is
 * told in words with how to repeat it, and ends the part with status 1. With -x the part
 * expects something wrong on purpose, and has to find it.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct fuzz {
	const char *part;
	uint64_t seed;
	uint64_t round;		/* the one that runs */
	int64_t only_round;	/* -1: all */
	int seconds;
	bool wrong;		/* -x */
	time_t end, said_at;
};

extern struct fuzz fuzz;

struct rng {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

static inline uint64_t rng_between(struct rng *r, uint64_t from, uint64_t to)
{
	return from + rng_below(r, to - from + 1);
}

static inline bool one_in(struct rng *r, uint32_t n)
{
	return !rng_below(r, n);
}

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define rng_pick(r, array) ((array)[rng_below(r, ARRAY_SIZE(array))])

/* The numbers of one actor of the round that runs */
static inline struct rng fuzz_rng(uint64_t actor)
{
	struct rng r = { fuzz.seed ^ fuzz.round * 0xd6e8feb86659fd93ULL };

	r.state = rng_next(&r) ^ actor * 0xa0761d6478bd642fULL;
	return r;
}

static inline time_t fuzz_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static inline void fuzz_vsay(const char *what, const char *fmt, va_list ap)
{
	printf("%s: %s", fuzz.part, what);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
}

static inline void __attribute__((format(printf, 1, 2))) fuzz_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fuzz_vsay("", fmt, ap);
	va_end(ap);
}

/* Nothing that is wrong with arenas: the part itself cannot go on. */
static inline void __attribute__((noreturn, format(printf, 1, 2))) fuzz_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fuzz_vsay("cannot go on: ", fmt, ap);
	va_end(ap);
	_exit(2);
}

static inline void __attribute__((noreturn, format(printf, 1, 2))) finding(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fuzz_vsay("finding: ", fmt, ap);
	va_end(ap);
	fuzz_say("seed %llu, round %llu; to repeat it: make fuzz ONLY=%s SEED=%llu ROUND=%llu",
		 (unsigned long long)fuzz.seed, (unsigned long long)fuzz.round, fuzz.part,
		 (unsigned long long)fuzz.seed, (unsigned long long)fuzz.round);
	_exit(1);
}

static inline void __attribute__((noreturn)) fuzz_usage(void)
{
	fprintf(stderr, "usage: %s [-t SECONDS] [-s SEED] [-r ROUND] [-x]\n"
		"  -r  this round alone, once\n"
		"  -x  expect something wrong, which has to be found\n", fuzz.part);
	exit(2);
}

static inline void fuzz_start(const char *part, int argc, char **argv)
{
	int opt;

	fuzz = (struct fuzz){ .part = part, .seconds = 60, .only_round = -1 };
	fuzz.seed = time(NULL) ^ (uint64_t)getpid() << 32;
	while ((opt = getopt(argc, argv, "t:s:r:x")) != -1) {
		switch (opt) {
		case 't': fuzz.seconds = atoi(optarg); break;
		case 's': fuzz.seed = strtoull(optarg, NULL, 0); break;
		case 'r': fuzz.only_round = strtoll(optarg, NULL, 0); break;
		case 'x': fuzz.wrong = true; break;
		default: fuzz_usage();
		}
	}
	if (optind != argc || fuzz.seconds < 1)
		fuzz_usage();
	fuzz_say("seed %llu, %d s", (unsigned long long)fuzz.seed, fuzz.seconds);
	fuzz.said_at = fuzz_now();
	fuzz.end = fuzz.said_at + fuzz.seconds;
	fuzz.round = fuzz.only_round >= 0 ? fuzz.only_round - 1 : -1;
}

/* Is there another round? Then fuzz.round is its number. */
static inline bool fuzz_next_round(void)
{
	if (fuzz.only_round >= 0 ? (int64_t)fuzz.round == fuzz.only_round : fuzz_now() >= fuzz.end)
		return false;
	fuzz.round++;
	return true;
}

/* At most one line in 10 s */
static inline bool fuzz_may_say(void)
{
	time_t now = fuzz_now();

	if (now < fuzz.said_at + 10)
		return false;
	fuzz.said_at = now;
	return true;
}

#endif
