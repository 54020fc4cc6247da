/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs put together instruction by instruction, for what no compiler would
 * emit or would emit in just one form. Each returns 0, or a number that names
 * the check which failed.
 *
 * The verifier removes checks whose outcome it knows. Hence what is checked
 * must come out of memory, and not out of the program itself.
 */
#ifndef __ARENA_INSN_H
#define __ARENA_INSN_H

#include <linux/filter.h>
#include "arena_helpers.h"

#define ARENA_CAST(DST, SRC, IMM)	\
	BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, DST, SRC, 1, IMM)
#define ARENA_TO_KERN(DST, SRC)	ARENA_CAST(DST, SRC, 1)
#define ARENA_TO_USER(DST, SRC)	ARENA_CAST(DST, SRC, 0x10000)
#define MAY_GOTO(OFF)		BPF_RAW_INSN(BPF_JMP | BPF_JCOND, 0, 0, OFF, 0)

#define ARENA_LOG_SIZE (1 << 16)

struct arena_prog {
	struct bpf_insn insns[160];
	int cnt;
};

static inline void emit(struct arena_prog *p, struct bpf_insn insn)
{
	if (p->cnt < ARRAY_SIZE(p->insns))
		p->insns[p->cnt++] = insn;
	else
		ASSERT_FAIL("program too long");
}

static inline void emit_pair(struct arena_prog *p, const struct bpf_insn *pair)
{
	emit(p, pair[0]);
	emit(p, pair[1]);
}

static inline void emit_imm64(struct arena_prog *p, int dst, __u64 val)
{
	const struct bpf_insn pair[] = { BPF_LD_IMM64(dst, val) };

	emit_pair(p, pair);
}

static inline void emit_map(struct arena_prog *p, int dst, int fd)
{
	const struct bpf_insn pair[] = { BPF_LD_MAP_FD(dst, fd) };

	emit_pair(p, pair);
}

/* user address of an offset into the arena */
static inline void emit_map_value(struct arena_prog *p, int dst, int fd, __u32 off)
{
	const struct bpf_insn pair[] = { BPF_LD_MAP_VALUE(dst, fd, off) };

	emit_pair(p, pair);
}

static inline void emit_return(struct arena_prog *p, int ret)
{
	emit(p, BPF_MOV64_IMM(BPF_REG_0, ret));
	emit(p, BPF_EXIT_INSN());
}

/* return err unless reg is val */
static inline void emit_expect(struct arena_prog *p, int reg, __s32 val, int err)
{
	emit(p, BPF_JMP_IMM(BPF_JEQ, reg, val, 2));
	emit_return(p, err);
}

/* the same with 64 bits and a register that is of no use any more */
static inline void emit_expect64(struct arena_prog *p, int reg, int tmp, __u64 val, int err)
{
	emit_imm64(p, tmp, val);
	emit(p, BPF_JMP_REG(BPF_JEQ, reg, tmp, 2));
	emit_return(p, err);
}

static inline int arena_load_insns(const struct bpf_insn *insns, int cnt, __u32 flags, char *log)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		.prog_flags = flags,
		.log_buf = log,
		.log_size = log ? ARENA_LOG_SIZE : 0,
		.log_level = log ? 1 : 0,
	);

	return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "arena_insns", "GPL", insns, cnt, &opts);
}

/* load and run: what it returns, or a negative error from the load */
static inline int arena_run_insns(const struct bpf_insn *insns, int cnt, __u32 flags)
{
	char log[ARENA_LOG_SIZE] = "";
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	LIBBPF_OPTS(bpf_prog_load_opts, load_opts,
		.prog_flags = flags,
		.log_buf = log,
		.log_size = sizeof(log),
		.log_level = 4,	/* the message alone */
	);
	int fd, err;

	fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "arena_insns", "GPL", insns, cnt,
			   &load_opts);
	if (fd < 0) {
		printf("%s", log);
		return fd;
	}
	err = bpf_prog_test_run_opts(fd, &opts);
	close(fd);
	return err ?: (int)opts.retval;
}

/* What the JIT made of a program, all of its functions */
struct arena_code {
	__u8 bytes[2048];
	__u32 len;
};

static inline bool arena_get_code(int fd, struct arena_code *code)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	info.jited_prog_insns = (__u64)code->bytes;
	info.jited_prog_len = sizeof(code->bytes);
	if (!ASSERT_OK(bpf_obj_get_info_by_fd(fd, &info, &len), "info"))
		return false;
	code->len = info.jited_prog_len;
	return ASSERT_NEQ(info.jited_prog_insns, 0, "the kernel gives out code") &&
	       ASSERT_LE(code->len, sizeof(code->bytes), "length of the code");
}

static inline int arena_run_prog(const struct arena_prog *p, __u32 flags)
{
	return arena_run_insns(p->insns, p->cnt, flags);
}

#endif
