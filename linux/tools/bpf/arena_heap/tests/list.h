/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
/* The list of list.c, an ordinary program, and as walk.bpf.c sees it */
#ifndef __arena
#define __arena
#endif

struct node {
	struct node __arena *next;
	unsigned long value;
	char text[16];
};
