// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * walk PIN HEAD [ADD]: the sum of the list at HEAD by a program, which adds ADD to each
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "walk.skel.h"

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct walk *skel;
	int fd, err;

	if (argc < 3)
		return 2;
	skel = walk__open();
	fd = bpf_obj_get(argv[1]);
	if (!skel || fd < 0 || bpf_map__reuse_fd(skel->maps.arena, fd) || walk__load(skel)) {
		perror("walk");
		return 1;
	}
	skel->bss->head = strtoull(argv[2], NULL, 0);
	skel->bss->add = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
	err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.walk), &opts);
	printf("%llu nodes, sum %llu\n", (unsigned long long)skel->bss->nodes,
	       (unsigned long long)skel->bss->sum);
	walk__destroy(skel);
	return err ? 1 : 0;
}
