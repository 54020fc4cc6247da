// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/* churn N: N rounds of malloc() and free(), of sizes as programs have them; for counting */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint32_t next(uint32_t *seed)
{
	return *seed = *seed * 1664525 + 1013904223;
}

int main(int argc, char **argv)
{
	static char *ptr[4096];
	long i, n = argc > 1 ? atol(argv[1]) : 1000000;
	uint32_t seed = 1, at, size;

	for (i = 0; i < n; i++) {
		at = next(&seed) >> 20;
		size = next(&seed) >> 22;
		if (!(i % 64))
			size *= 64;
		free(ptr[at]);
		ptr[at] = malloc(size + 1);
		memset(ptr[at], 1, size / 8 + 1);
	}
	return 0;
}
