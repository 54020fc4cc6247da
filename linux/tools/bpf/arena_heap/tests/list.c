// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * An ordinary program with a list, that says where it begins and waits
 *
 *	list N: a line "head ADDRESS sum SUM", then for a line on stdin, the sum again
 */
#include <stdio.h>
#include <stdlib.h>
#include "list.h"

static unsigned long sum_of(const struct node *node)
{
	unsigned long sum = 0;

	for (; node; node = node->next)
		sum += node->value;
	return sum;
}

int main(int argc, char **argv)
{
	long i, n = argc > 1 ? atol(argv[1]) : 1000;
	struct node *head = NULL, *node;

	for (i = 1; i <= n; i++) {
		node = malloc(sizeof(*node));
		if (!node)
			return 1;
		node->value = i;
		snprintf(node->text, sizeof(node->text), "node %ld", i);
		node->next = head;
		head = node;
	}
	printf("head %p sum %lu\n", (void *)head, sum_of(head));
	fflush(stdout);
	getchar();
	printf("now %lu\n", sum_of(head));
	return 0;
}
