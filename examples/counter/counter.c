// SPDX-License-Identifier: GPL-2.0
/* The process: it reads the counters while they count, without system calls */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "counter.h"
#include "counter.skel.h"

static unsigned long long calls(struct counter *skel, long nr)
{
	return slot_find(skel->arena->table, nr + 1)->count;
}

int main(void)
{
	struct counter *skel = counter__open_and_load();
	int round, i;

	if (!skel)
		return 1;
	skel->bss->pid = getpid();
	if (counter__attach(skel))
		return 1;

	for (round = 1; round <= 3; round++) {
		for (i = 0; i < 1000; i++)
			syscall(SYS_getppid);
		syscall(SYS_getuid);
		printf("getppid %llu, getuid %llu\n",
		       calls(skel, SYS_getppid), calls(skel, SYS_getuid));
	}
	counter__destroy(skel);
	return 0;
}
