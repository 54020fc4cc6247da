// SPDX-License-Identifier: GPL-2.0
/*
 * Prints what the JIT makes of native.bpf.c, for host/run.c, which runs it elsewhere:
 *
 *	jit <tab> PROGRAM <tab> ADDRESS <tab> CODE
 *
 * for each function, in hexadecimal, a program's main one first; or
 *
 *	calls <tab> PROGRAM <tab> INSTRUCTION
 *
 * for one that calls the kernel there, which nothing does elsewhere: some kernels make a
 * call of a may_goto.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bench.h"
#include "native.skel.h"

#define MAX_FUNCS 8
#define MAX_CODE 65536
#define MAX_INSNS 4096

static uint8_t code[MAX_CODE];
static struct bpf_insn insns[MAX_INSNS];
static uint64_t addrs[MAX_FUNCS];
static uint32_t lens[MAX_FUNCS];

static void get_info(const struct bpf_program *prog, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);

	*info = (struct bpf_prog_info){
		.jited_prog_insns = (uint64_t)code, .jited_prog_len = sizeof(code),
		.xlated_prog_insns = (uint64_t)insns, .xlated_prog_len = sizeof(insns),
		.jited_ksyms = (uint64_t)addrs, .nr_jited_ksyms = MAX_FUNCS,
		.jited_func_lens = (uint64_t)lens, .nr_jited_func_lens = MAX_FUNCS,
	};
	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), info, &len))
		die("cannot get the code of %s: %m", bpf_program__name(prog));
	if (!info->jited_prog_len || info->jited_prog_len > sizeof(code) ||
	    info->xlated_prog_len > sizeof(insns) || info->nr_jited_ksyms > MAX_FUNCS ||
	    info->nr_jited_ksyms != info->nr_jited_func_lens || !addrs[0])
		die("the kernel does not show the code of %s", bpf_program__name(prog));
}

/* The first instruction that calls anything but a function of the program, or -1 */
static int find_call(const struct bpf_prog_info *info)
{
	int i, nr = info->xlated_prog_len / sizeof(*insns);

	for (i = 0; i < nr; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && insns[i].src_reg != BPF_PSEUDO_CALL)
			return i;
	return -1;
}

static void print_code(const struct bpf_program *prog)
{
	const uint8_t *byte = code;
	struct bpf_prog_info info;
	uint32_t i, n;
	int call;

	get_info(prog, &info);
	call = find_call(&info);
	if (call >= 0) {
		printf("calls\t%s\t%d\n", bpf_program__name(prog), call);
		return;
	}
	for (i = 0; i < info.nr_jited_ksyms; i++) {
		printf("jit\t%s\t%llx\t", bpf_program__name(prog), (unsigned long long)addrs[i]);
		for (n = 0; n < lens[i]; n++)
			printf("%02x", *byte++);
		putchar('\n');
	}
}

void print_jited(void)
{
	struct native_bpf *skel = native_bpf__open_and_load();
	struct bpf_program *prog;

	if (!skel)
		die("cannot load the programs: %m");
	bpf_object__for_each_program(prog, skel->obj)
		print_code(prog);
	native_bpf__destroy(skel);
}
