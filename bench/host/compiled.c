// SPDX-License-Identifier: GPL-2.0
/* native.h as C */
#include "../native.h"
#include "run.h"

#define FUNCTION(name)								\
	static int c_##name(struct native_args *a)				\
	{									\
		do_##name(a);							\
		return 0;							\
	}

NATIVE_PROGS(FUNCTION)

#define ENTRY(name) { #name, c_##name },

const struct compiled compiled[] = { NATIVE_PROGS(ENTRY) {} };
