// SPDX-License-Identifier: GPL-2.0
/*
 * What the verifier takes and what it refuses, with the messages that tools
 * look for; casts; may_goto; and programs under settings of the kernel that
 * make it rewrite, or refuse, instructions.
 */
#include <linux/capability.h>
#include <bpf/btf.h>
#include "arena_insn.h"
#include "cap_helpers.h"

#define NPAGES 16
#define BASE (ARENA_BASE + GiB)

struct fixture {
	int fd;
	__u64 *area;
};

static bool setup_flags(struct fixture *f, __u32 flags, __u64 base)
{
	f->fd = arena_create(NPAGES, flags, base);
	if (!ASSERT_GE(f->fd, 0, "create"))
		return false;
	f->area = arena_mmap_at(f->fd, NPAGES, base);
	if (!ASSERT_EQ((__u64)f->area, base, "mmap")) {
		close(f->fd);
		return false;
	}
	return true;
}

static bool setup(struct fixture *f)
{
	return setup_flags(f, 0, BASE);
}

static void teardown(struct fixture *f)
{
	munmap(f->area, arena_bytes(NPAGES));
	close(f->fd);
}

/* A program that must not load, the error, and what the log must say. A
 * ld_imm64 of MAP stands for the arena, and END in it for the arena's size.
 */
#define MAP 0x7fffff
#define END 0x7ffffe
#define ANY_ERR 0
#define REFUSED_INSNS 12

struct refused {
	const char *name;
	struct bpf_insn insns[REFUSED_INSNS];
	int err;
	const char *msg;
};

#define R(n) BPF_REG_##n
#define LD_MAP(DST) BPF_LD_MAP_FD(DST, MAP)
#define RETURN_0 BPF_MOV64_IMM(R(0), 0), BPF_EXIT_INSN()
#define MSG_AS "addr_space_cast insn can only convert between address space 1 and 0"
#define MSG_RESERVED "BPF_MOV uses reserved fields"
#define MSG_LDX "BPF_LDX uses reserved fields"
#define MSG_GOTO "may_goto uses reserved fields"
#define MSG_NO_ARENA \
	"addr_space_cast insn can only be used in a program that has an associated arena"

static const struct refused refused_casts[] = {
	{ "cast 0 -> 0", { LD_MAP(R(1)), ARENA_CAST(R(1), R(1), 0), RETURN_0 }, -EINVAL, MSG_AS },
	{ "cast 1 -> 1", { LD_MAP(R(1)), ARENA_CAST(R(1), R(1), 0x10001), RETURN_0 },
	  -EINVAL, MSG_AS },
	{ "cast 2 -> 0", { LD_MAP(R(1)), ARENA_CAST(R(1), R(1), 2), RETURN_0 }, -EINVAL, MSG_AS },
	{ "cast 0 -> 2", { LD_MAP(R(1)), ARENA_CAST(R(1), R(1), 0x20000), RETURN_0 },
	  -EINVAL, MSG_AS },
	{ "cast -1", { LD_MAP(R(1)), ARENA_CAST(R(1), R(1), -1), RETURN_0 }, -EINVAL, MSG_AS },
	{ "imm without off",
	  { LD_MAP(R(1)), BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, R(1), R(1), 0, 1), RETURN_0 },
	  -EINVAL, MSG_RESERVED },
	{ "off 2",
	  { LD_MAP(R(1)), BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, R(1), R(1), 2, 1), RETURN_0 },
	  -EINVAL, MSG_RESERVED },
	{ "32-bit cast",
	  { LD_MAP(R(1)), BPF_RAW_INSN(BPF_ALU | BPF_MOV | BPF_X, R(1), R(1), 1, 1), RETURN_0 },
	  -EINVAL, MSG_RESERVED },
	{ "cast of an immediate",
	  { LD_MAP(R(1)), BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_K, R(1), 0, 1, 1), RETURN_0 },
	  -EINVAL, MSG_RESERVED },
	{ "cast with another operation",
	  { LD_MAP(R(1)), BPF_MOV64_IMM(R(2), 1),
	    BPF_RAW_INSN(BPF_ALU64 | BPF_ADD | BPF_X, R(2), R(2), 1, 1), RETURN_0 },
	  -EINVAL, "BPF_ALU uses reserved fields" },
	{ "cast into r10",
	  { LD_MAP(R(1)), BPF_MOV64_IMM(R(1), 1), ARENA_TO_KERN(R(10), R(1)), RETURN_0 },
	  -EACCES, "frame pointer is read only" },
	{ "cast of an uninitialized register",
	  { LD_MAP(R(1)), ARENA_TO_KERN(R(2), R(3)), RETURN_0 }, -EACCES, "R3 !read_ok" },
};

static const struct refused refused_without_arena[] = {
	{ "cast to user without arena",
	  { BPF_MOV64_IMM(R(1), 1), ARENA_TO_USER(R(1), R(1)), RETURN_0 }, -EINVAL, MSG_NO_ARENA },
	{ "cast to kernel without arena",
	  { BPF_MOV64_IMM(R(1), 1), ARENA_TO_KERN(R(1), R(1)), RETURN_0 }, -EINVAL, MSG_NO_ARENA },
	{ "cast of a pointer without arena",
	  { BPF_MOV64_REG(R(1), R(10)), ARENA_TO_KERN(R(1), R(1)), RETURN_0 },
	  -EINVAL, MSG_NO_ARENA },
	{ "cast without arena in a subprogram",
	  { BPF_CALL_REL(1), BPF_EXIT_INSN(), BPF_MOV64_IMM(R(0), 1), ARENA_TO_KERN(R(0), R(0)),
	    BPF_EXIT_INSN() }, -EINVAL, MSG_NO_ARENA },
};

static const struct refused refused_gotos[] = {
	{ "may_goto, dst_reg",
	  { BPF_RAW_INSN(BPF_JMP | BPF_JCOND, 1, 0, 0, 0), RETURN_0 },
	  -EINVAL, MSG_GOTO },
	{ "may_goto, src_reg",
	  { BPF_RAW_INSN(BPF_JMP | BPF_JCOND, 0, 1, 0, 0), RETURN_0 },
	  -EINVAL, MSG_GOTO },
	{ "may_goto, imm",
	  { BPF_RAW_INSN(BPF_JMP | BPF_JCOND, 0, 0, 0, 1), RETURN_0 },
	  -EINVAL, MSG_GOTO },
	{ "may_goto, BPF_X",
	  { BPF_RAW_INSN(BPF_JMP | BPF_JCOND | BPF_X, 0, 0, 0, 0), RETURN_0 },
	  -EINVAL, "unknown opcode ed" },
	{ "may_goto, BPF_JMP32",
	  { BPF_RAW_INSN(BPF_JMP32 | BPF_JCOND, 0, 0, 0, 0), RETURN_0 },
	  -EINVAL, "unknown opcode e6" },
	{ "may_goto to the next insn", { MAY_GOTO(0), RETURN_0 },
	  -EINVAL, "may_goto to the next insn is not allowed" },
	{ "may_goto out of the program", { MAY_GOTO(2), RETURN_0 },
	  -EINVAL, "jump out of range from insn 0 to 3" },
	{ "may_goto before the program", { MAY_GOTO(-2), RETURN_0 },
	  -EINVAL, "jump out of range from insn 0 to -1" },
	{ "may_goto into ld_imm64",
	  { MAY_GOTO(1), BPF_LD_IMM64(R(1), 1), RETURN_0 },
	  -EINVAL, "jump into the middle of ldimm64" },
	{ "code that only may_goto skips is checked",
	  { MAY_GOTO(1), BPF_LDX_MEM(BPF_DW, R(2), R(3), 0), RETURN_0 }, -EACCES, "R3 !read_ok" },
	{ "code behind may_goto is checked",
	  { BPF_MOV64_IMM(R(0), 0), MAY_GOTO(1), BPF_EXIT_INSN(),
	    BPF_LDX_MEM(BPF_DW, R(2), R(3), 0), BPF_EXIT_INSN() }, -EACCES, "R3 !read_ok" },
};

/* r1 = arena pointer to offset 0 */
#define ARENA_PTR(DST) BPF_LD_MAP_VALUE(DST, MAP, 0), ARENA_TO_KERN(DST, DST)

/* modes for the kernel's own use, over a plain pointer and an arena pointer */
#define PROBE_MEM32 0xa0
#define PROBE_ATOMIC 0xe0

static const struct refused refused_modes[] = {
	{ "PROBE_MEM32 load",
	  { ARENA_PTR(R(1)), BPF_RAW_INSN(BPF_LDX | BPF_DW | PROBE_MEM32, R(0), R(1), 0, 0),
	    RETURN_0 }, -EINVAL, MSG_LDX },
	{ "PROBE_MEM32 load from stack",
	  { LD_MAP(R(1)), BPF_ST_MEM(BPF_DW, R(10), -8, 0),
	    BPF_RAW_INSN(BPF_LDX | BPF_W | PROBE_MEM32, R(0), R(10), -8, 0), RETURN_0 },
	  -EINVAL, MSG_LDX },
	{ "PROBE_MEM32 stx",
	  { ARENA_PTR(R(1)), BPF_RAW_INSN(BPF_STX | BPF_DW | PROBE_MEM32, R(1), R(1), 0, 0),
	    RETURN_0 }, -EINVAL, "unknown opcode bb" },
	{ "PROBE_MEM32 st",
	  { ARENA_PTR(R(1)), BPF_RAW_INSN(BPF_ST | BPF_DW | PROBE_MEM32, R(1), 0, 0, 0),
	    RETURN_0 }, -EINVAL, "unknown opcode ba" },
	{ "PROBE_MEM load",
	  { ARENA_PTR(R(1)), BPF_RAW_INSN(BPF_LDX | BPF_DW | 0x20, R(0), R(1), 0, 0),
	    RETURN_0 }, -EINVAL, MSG_LDX },
	{ "PROBE_ATOMIC u64",
	  { ARENA_PTR(R(1)), BPF_MOV64_IMM(R(2), 1),
	    BPF_RAW_INSN(BPF_STX | BPF_DW | PROBE_ATOMIC, R(1), R(2), 0, BPF_ADD), RETURN_0 },
	  -EINVAL, "unknown opcode fb" },
	{ "PROBE_ATOMIC u32",
	  { ARENA_PTR(R(1)), BPF_MOV64_IMM(R(2), 1),
	    BPF_RAW_INSN(BPF_STX | BPF_W | PROBE_ATOMIC, R(1), R(2), 0, BPF_ADD), RETURN_0 },
	  -EINVAL, "unknown opcode e3" },
	{ "atomic u8",
	  { ARENA_PTR(R(1)), BPF_MOV64_IMM(R(2), 1),
	    BPF_ATOMIC_OP(BPF_B, BPF_ADD, R(1), R(2), 0), RETURN_0 },
	  -EINVAL, "invalid atomic operand size" },
	{ "atomic u16",
	  { ARENA_PTR(R(1)), BPF_MOV64_IMM(R(2), 1),
	    BPF_ATOMIC_OP(BPF_H, BPF_ADD, R(1), R(2), 0), RETURN_0 },
	  -EINVAL, "invalid atomic operand size" },
};

static const struct refused refused_pointers[] = {
	{ "same load, arena and stack",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_DW, R(2), R(1), 0),
	    BPF_ST_MEM(BPF_DW, R(10), -8, 0), BPF_JMP_IMM(BPF_JNE, R(2), 0, 2),
	    BPF_MOV64_REG(R(1), R(10)), BPF_ALU64_IMM(BPF_ADD, R(1), -8),
	    BPF_LDX_MEM(BPF_DW, R(0), R(1), 0), BPF_EXIT_INSN() },
	  -EINVAL, "same insn cannot be used with different pointers" },
	{ "same store, arena and stack",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_DW, R(2), R(1), 0),
	    BPF_MOV64_IMM(R(0), 0), BPF_JMP_IMM(BPF_JNE, R(2), 0, 2),
	    BPF_MOV64_REG(R(1), R(10)), BPF_ALU64_IMM(BPF_ADD, R(1), -8),
	    BPF_STX_MEM(BPF_DW, R(1), R(0), 0), BPF_EXIT_INSN() },
	  -EINVAL, "same insn cannot be used with different pointers" },
	{ "same immediate store, arena and stack",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_DW, R(2), R(1), 0),
	    BPF_MOV64_IMM(R(0), 0), BPF_JMP_IMM(BPF_JNE, R(2), 0, 2),
	    BPF_MOV64_REG(R(1), R(10)), BPF_ALU64_IMM(BPF_ADD, R(1), -8),
	    BPF_ST_MEM(BPF_DW, R(1), 0, 1), BPF_EXIT_INSN() },
	  -EINVAL, "same insn cannot be used with different pointers" },
	{ "same atomic, stack and arena",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_DW, R(2), R(1), 0),
	    BPF_ST_MEM(BPF_DW, R(10), -8, 0), BPF_JMP_IMM(BPF_JEQ, R(2), 0, 2),
	    BPF_MOV64_REG(R(1), R(10)), BPF_ALU64_IMM(BPF_ADD, R(1), -8),
	    BPF_ATOMIC_OP(BPF_DW, BPF_ADD, R(1), R(2), 0), RETURN_0 },
	  -EINVAL, "same insn cannot be used with different pointers" },
	{ "same addition, arena and scalar",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_DW, R(2), R(1), 0),
	    BPF_JMP_IMM(BPF_JNE, R(2), 0, 1), BPF_MOV64_REG(R(1), R(2)),
	    BPF_ALU64_IMM(BPF_ADD, R(1), 8), RETURN_0 },
	  -EINVAL, "with and without arena pointer" },
	{ "same addition, stack and arena",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_DW, R(2), R(1), 0),
	    BPF_JMP_IMM(BPF_JEQ, R(2), 0, 1), BPF_MOV64_REG(R(1), R(10)),
	    BPF_ALU64_IMM(BPF_ADD, R(1), -8), RETURN_0 },
	  -EINVAL, "with and without arena pointer" },
	{ "same shift, scalar and arena",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_DW, R(2), R(1), 0),
	    BPF_JMP_IMM(BPF_JEQ, R(2), 0, 1), BPF_MOV64_REG(R(1), R(2)),
	    BPF_ALU64_IMM(BPF_LSH, R(1), 3), RETURN_0 },
	  -EINVAL, "with and without arena pointer" },
	{ "user address as a pointer",
	  { BPF_LD_MAP_VALUE(R(1), MAP, 0), BPF_LDX_MEM(BPF_DW, R(0), R(1), 0), BPF_EXIT_INSN() },
	  -EACCES, "R1 invalid mem access 'scalar'" },
	{ "arena pointer for memory of a helper that takes none",
	  { ARENA_PTR(R(1)), BPF_MOV64_IMM(R(2), 8), BPF_EMIT_CALL(BPF_FUNC_trace_printk),
	    RETURN_0 },
	  -EACCES, "R1 type=arena: func bpf_trace_printk#6 does not take arena memory here" },
	{ "helper's memory longer than the guard",
	  { ARENA_PTR(R(1)), BPF_MOV64_IMM(R(2), 32769), BPF_MOV64_IMM(R(3), 0),
	    BPF_EMIT_CALL(BPF_FUNC_probe_read_kernel), RETURN_0 },
	  -EACCES, "func bpf_probe_read_kernel#113 takes 0 to 32768 bytes of arena memory, not 32769" },
	{ "helper's memory that may be longer than the guard",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_H, R(2), R(1), 0), BPF_MOV64_IMM(R(3), 0),
	    BPF_EMIT_CALL(BPF_FUNC_probe_read_kernel), RETURN_0 },
	  -EACCES, "func bpf_probe_read_kernel#113 takes 0 to 32768 bytes of arena memory, not 65535" },
	{ "helper's memory of any length",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_W, R(2), R(1), 0), BPF_MOV64_IMM(R(3), 0),
	    BPF_EMIT_CALL(BPF_FUNC_probe_read_kernel), RETURN_0 },
	  -EACCES, "R2 unbounded memory access" },
	{ "helper's memory of any length, with a sign",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_DW, R(2), R(1), 0), BPF_MOV64_IMM(R(3), 0),
	    BPF_EMIT_CALL(BPF_FUNC_probe_read_kernel), RETURN_0 },
	  -EACCES, "R2 min value is negative" },
	{ "helper's memory of no length",
	  { ARENA_PTR(R(1)), BPF_MOV64_IMM(R(2), 0),
	    BPF_EMIT_CALL(BPF_FUNC_get_current_comm), RETURN_0 },
	  -EACCES, "func bpf_get_current_comm#16 takes 1 to 32768 bytes of arena memory, not 0" },
	{ "same call, arena and stack",
	  { ARENA_PTR(R(1)), BPF_LDX_MEM(BPF_DW, R(4), R(1), 0),
	    BPF_JMP_IMM(BPF_JEQ, R(4), 0, 2), BPF_MOV64_REG(R(1), R(10)),
	    BPF_ALU64_IMM(BPF_ADD, R(1), -16), BPF_MOV64_IMM(R(2), 16),
	    BPF_EMIT_CALL(BPF_FUNC_get_current_comm), RETURN_0 },
	  -EINVAL, "same insn cannot be used with different pointers" },
	{ "same call, arena first, and then stack",
	  { ARENA_PTR(R(6)), BPF_LDX_MEM(BPF_DW, R(4), R(6), 0), BPF_MOV64_REG(R(1), R(10)),
	    BPF_ALU64_IMM(BPF_ADD, R(1), -16), BPF_JMP_IMM(BPF_JEQ, R(4), 0, 1),
	    BPF_MOV64_REG(R(1), R(6)), BPF_MOV64_IMM(R(2), 16),
	    BPF_EMIT_CALL(BPF_FUNC_get_current_comm), RETURN_0 },
	  -EINVAL, "same insn cannot be used with different pointers" },
	{ "user address for memory of a helper",
	  { BPF_LD_MAP_VALUE(R(1), MAP, 0), BPF_MOV64_IMM(R(2), 16),
	    BPF_EMIT_CALL(BPF_FUNC_get_current_comm), RETURN_0 },
	  -EACCES, "R1 type=scalar expected=fp" },
	{ "arena pointer for a map of a helper",
	  { ARENA_PTR(R(1)), BPF_MOV64_REG(R(2), R(10)), BPF_ST_MEM(BPF_DW, R(10), -8, 0),
	    BPF_ALU64_IMM(BPF_ADD, R(2), -8),
	    BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem), RETURN_0 },
	  -EACCES, "R1 type=arena expected=map_ptr" },
	{ "arena as a map of a helper",
	  { LD_MAP(R(1)), BPF_MOV64_REG(R(2), R(10)), BPF_ST_MEM(BPF_DW, R(10), -8, 0),
	    BPF_ALU64_IMM(BPF_ADD, R(2), -8),
	    BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem), RETURN_0 },
	  ANY_ERR, "invalid zero-sized read" },
	{ "arena as a map of a helper that needs no key",
	  { LD_MAP(R(2)), BPF_MOV64_IMM(R(3), 0), BPF_EMIT_CALL(BPF_FUNC_get_stackid), RETURN_0 },
	  -EINVAL, "cannot pass map_type 33 into func bpf_get_stackid" },
	{ "store through the map pointer",
	  { LD_MAP(R(1)), BPF_ST_MEM(BPF_DW, R(1), 0, 0), RETURN_0 },
	  -EACCES, "only read from bpf_arena is supported" },
	{ "offset at the end", { BPF_LD_MAP_VALUE(R(1), MAP, END), RETURN_0 },
	  ANY_ERR, "map value pointer" },
	{ "offset past the end", { BPF_LD_MAP_VALUE(R(1), MAP, 0x7fffffff), RETURN_0 },
	  ANY_ERR, "map value pointer" },
};

static int refused_len(const struct bpf_insn *insns)
{
	int i, n = 0;

	for (i = 0; i < REFUSED_INSNS; i++)
		if (insns[i].code)
			n = i + 1;
	return n;
}

static void check_refused(const struct fixture *f, const struct refused *c, char *log)
{
	struct bpf_insn insns[REFUSED_INSNS];
	int i, fd;

	memcpy(insns, c->insns, sizeof(insns));
	for (i = 0; i < REFUSED_INSNS; i++) {
		if (insns[i].code != (BPF_LD | BPF_DW | BPF_IMM) || insns[i].imm != MAP)
			continue;
		insns[i].imm = f->fd;
		if (insns[i + 1].imm == END)
			insns[i + 1].imm = arena_bytes(NPAGES);
	}
	log[0] = '\0';
	fd = arena_load_insns(insns, refused_len(insns), 0, log);
	if (c->err ? !ASSERT_EQ(fd, c->err, c->name) : !ASSERT_LT(fd, 0, c->name)) {
		fprintf(stderr, "%s", log);
		if (fd >= 0)
			close(fd);
	}
	if (!ASSERT_OK_PTR(strstr(log, c->msg), c->name))
		fprintf(stderr, "%s", log);
}

static void check_all_refused(const struct refused *cases, int n)
{
	struct fixture f;
	char *log;
	int i;

	log = malloc(ARENA_LOG_SIZE);
	if (ASSERT_OK_PTR(log, "log") && setup(&f)) {
		for (i = 0; i < n; i++)
			check_refused(&f, &cases[i], log);
		teardown(&f);
	}
	free(log);
}

/* load a program without these capabilities: its error, and msg in the log */
static void check_load(enum bpf_prog_type type, const struct arena_prog *p, __u64 caps,
		       int err, const char *msg)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_size = ARENA_LOG_SIZE, .log_level = 1);
	__u64 old;
	int fd;

	opts.log_buf = calloc(1, ARENA_LOG_SIZE);
	if (!ASSERT_OK_PTR(opts.log_buf, "log"))
		return;
	ASSERT_OK(cap_disable_effective(caps, &old), "drop capabilities");
	fd = bpf_prog_load(type, NULL, "GPL", p->insns, p->cnt, &opts);
	ASSERT_OK(cap_enable_effective(caps, NULL), "capabilities back");
	if (!ASSERT_EQ(fd, err, msg) && fd >= 0)
		close(fd);
	if (!ASSERT_OK_PTR(strstr(opts.log_buf, msg), msg))
		fprintf(stderr, "%s", opts.log_buf);
	free(opts.log_buf);
}

/* the same of a program that mentions the maps */
static void check_maps(int fd1, int fd2, int err, const char *msg)
{
	struct arena_prog p = {};

	emit_map(&p, BPF_REG_1, fd1);
	if (fd2 >= 0)
		emit_map(&p, BPF_REG_1, fd2);
	emit_return(&p, 0);
	check_load(BPF_PROG_TYPE_RAW_TRACEPOINT, &p, 0, err, msg);
}

static void msg_one_arena(void)
{
	struct fixture f, g;

	if (!setup(&f))
		return;
	if (setup_flags(&g, 0, BASE + 4 * GiB)) {
		check_maps(f.fd, g.fd, -EBUSY, "Only one arena per program");
		teardown(&g);
	}
	teardown(&f);
}

/* the same arena twice is one arena */
static void one_arena_twice(void)
{
	struct arena_prog p = {};
	struct fixture f;

	if (!setup(&f))
		return;
	emit_map(&p, BPF_REG_1, f.fd);
	emit_map(&p, BPF_REG_2, f.fd);
	emit_map_value(&p, BPF_REG_3, f.fd, 8);
	emit_return(&p, 7);
	ASSERT_EQ(arena_run_prog(&p, 0), 7, "run");
	teardown(&f);
}

/* the sum is an arena pointer, whichever of the two is added */
static void scalar_plus_pointer(void)
{
	struct arena_prog p = {};
	struct fixture f;

	if (!setup(&f))
		return;
	emit_map_value(&p, BPF_REG_1, f.fd, 0);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	emit(&p, BPF_MOV64_IMM(BPF_REG_2, 8));
	emit(&p, BPF_ALU64_REG(BPF_ADD, BPF_REG_2, BPF_REG_1));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_2, 0));
	emit_expect(&p, BPF_REG_3, 77, 1);
	emit_return(&p, 0);
	f.area[1] = 77;
	ASSERT_EQ(arena_run_prog(&p, 0), 0, "run");
	teardown(&f);
}

static void msg_address(void)
{
	int fd;

	fd = arena_create(NPAGES, 0, 0);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	check_maps(fd, -1, -EINVAL, "arena's user address must be set via map_extra or mmap()");
	close(fd);
}

/* map_extra alone is enough, without an mmap() ever */
/* Offset of a member of the kernel's struct bpf_arena, in bytes; or -1 */
static int arena_member(const char *name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *t;
	int i, off = -1;

	t = btf__type_by_id(btf, btf__find_by_name_kind(btf, "bpf_arena", BTF_KIND_STRUCT));
	for (i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), name))
			off = btf_member_bit_offset(t, i) / 8;
	btf__free(btf);
	return off;
}

/* What a program reads of where the arena is, before anybody has mapped it */
static void check_user_range(int fd)
{
	const int start = arena_member("user_vm_start"), end = arena_member("user_vm_end");
	struct arena_prog p = {};

	if (!ASSERT_GT(start, 0, "user_vm_start") || !ASSERT_GT(end, 0, "user_vm_end"))
		return;
	emit_map(&p, BPF_REG_1, fd);
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_1, start));
	emit_expect64(&p, BPF_REG_2, BPF_REG_3, BASE, 1);
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_1, end));
	emit_expect64(&p, BPF_REG_2, BPF_REG_3, BASE + arena_bytes(NPAGES), 2);
	emit_return(&p, 0);
	ASSERT_EQ(arena_run_prog(&p, 0), 0, "user_vm_start and user_vm_end");
}

static void address_by_map_extra(void)
{
	struct arena_prog p = {};
	int fd;

	fd = arena_create(NPAGES, 0, BASE);
	if (!ASSERT_GE(fd, 0, "create"))
		return;
	emit_map_value(&p, BPF_REG_1, fd, 4096);
	emit_expect64(&p, BPF_REG_1, BPF_REG_2, BASE + 4096, 1);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	emit(&p, BPF_ST_MEM(BPF_DW, BPF_REG_1, 0, 1));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_1, 0));
	emit_expect(&p, BPF_REG_1, 0, 2);
	emit_return(&p, 0);
	ASSERT_EQ(arena_run_prog(&p, 0), 0, "run");
	check_user_range(fd);
	close(fd);
}

static void msg_caps(void)
{
	const __u64 caps = 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_PERFMON;
	struct arena_prog p = {};
	struct fixture f;

	if (!setup(&f))
		return;
	emit_map(&p, BPF_REG_1, f.fd);
	emit_return(&p, 0);
	check_load(BPF_PROG_TYPE_SOCKET_FILTER, &p, caps, -EPERM,
		   "CAP_BPF and CAP_PERFMON are required to use arena");
	teardown(&f);
}

/* An argument that can be anything has to be something. */
static void hazard_21_no_argument(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf__find_by_name_kind(btf, "bpf_arena_free_pages", BTF_KIND_FUNC);
	struct arena_prog p = {};
	struct fixture f;

	btf__free(btf);
	if (!setup(&f))
		return;
	emit_map(&p, BPF_REG_1, f.fd);
	emit(&p, BPF_MOV64_IMM(BPF_REG_3, 1));
	emit(&p, BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, id));
	emit_return(&p, 0);
	check_load(BPF_PROG_TYPE_RAW_TRACEPOINT, &p, 0, -EACCES, "R2 !read_ok");
	teardown(&f);
}

/* What the log says of atomics */
static void log_atomics(void)
{
	static const char *const said[] = {
		"r3 = atomic64_fetch_add((u64 *)(r1 +8), r3)",
		"r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r3)",
		"r3 = atomic64_xchg((u64 *)(r1 +8), r3)",
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_size = ARENA_LOG_SIZE, .log_level = 2);
	struct arena_prog p = {};
	struct fixture f;
	int i, prog;

	if (!setup(&f))
		return;
	emit_map_value(&p, BPF_REG_1, f.fd, 0);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	emit(&p, BPF_MOV64_IMM(BPF_REG_0, 0));
	emit(&p, BPF_MOV64_IMM(BPF_REG_3, 1));
	emit(&p, BPF_ATOMIC_OP(BPF_DW, BPF_ADD | BPF_FETCH, BPF_REG_1, BPF_REG_3, 8));
	emit(&p, BPF_ATOMIC_OP(BPF_DW, BPF_CMPXCHG, BPF_REG_1, BPF_REG_3, 8));
	emit(&p, BPF_ATOMIC_OP(BPF_DW, BPF_XCHG, BPF_REG_1, BPF_REG_3, 8));
	emit_return(&p, 0);
	opts.log_buf = calloc(1, ARENA_LOG_SIZE);
	prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL, "GPL", p.insns, p.cnt, &opts);
	if (ASSERT_GE(prog, 0, "load"))
		close(prog);
	for (i = 0; i < ARRAY_SIZE(said); i++)
		if (!ASSERT_OK_PTR(strstr(opts.log_buf, said[i]), said[i]))
			fprintf(stderr, "%s", opts.log_buf);
	free(opts.log_buf);
	teardown(&f);
}

static struct arena_prog may_goto_prog(void)
{
	struct arena_prog p = {};

	emit(&p, MAY_GOTO(1));
	emit(&p, BPF_MOV64_IMM(BPF_REG_1, 0));
	emit_return(&p, 0);
	return p;
}

static void msg_caps_may_goto(void)
{
	const char *unpriv = "/proc/sys/kernel/unprivileged_bpf_disabled";
	const __u64 caps = 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;
	const struct arena_prog p = may_goto_prog();
	int old = arena_sysctl(unpriv, 0);

	if (old < 0) {
		test__skip(); /* it is off for good */
		return;
	}
	check_load(BPF_PROG_TYPE_SOCKET_FILTER, &p, caps, -EPERM,
		   "CAP_BPF is required to use may_goto");
	arena_sysctl(unpriv, old);
}

static void msg_jit(void)
{
	const struct arena_prog p = may_goto_prog();
	struct fixture f;
	int old;

	if (!setup(&f))
		return;
	old = arena_sysctl(JIT_ENABLE, 0);
	if (old < 0) {
		test__skip(); /* CONFIG_BPF_JIT_ALWAYS_ON */
	} else {
		check_maps(f.fd, -1, -EOPNOTSUPP, "JIT is required to use arena");
		check_load(BPF_PROG_TYPE_RAW_TRACEPOINT, &p, 0, -EOPNOTSUPP,
			   "JIT is required to use may_goto");
		arena_sysctl(JIT_ENABLE, old);
	}
	teardown(&f);
}

/* u: cast to user, k: to kernel. The last one is always u. */
static int run_casts(const struct fixture *f, const char *seq, int dst, int src,
		     __u64 val, __u64 want, __u32 flags)
{
	const int tmp = dst == BPF_REG_8 ? BPF_REG_7 : BPF_REG_8;
	struct arena_prog p = {};

	f->area[0] = val;
	emit_map_value(&p, src, f->fd, 0);
	emit(&p, ARENA_TO_KERN(src, src));
	emit(&p, BPF_LDX_MEM(BPF_DW, src, src, 0));
	for (; *seq; seq++, src = dst)
		emit(&p, *seq == 'u' ? ARENA_TO_USER(dst, src) : ARENA_TO_KERN(dst, src));
	emit_expect64(&p, dst, tmp, want, 1);
	emit_return(&p, 0);
	return arena_run_prog(&p, flags);
}

static void check_casts(__u64 base, __u32 map_flags, __u32 prog_flags)
{
	static const char * const seqs[] = { "u", "ku", "uu", "kuku", "uku", "kkuu" };
	const __u64 upper = map_flags & BPF_F_NO_USER_CONV ? 0 : base & ~0xffffffffULL;
	const __u64 vals[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
			       0xffffffff00000000, 0xdeadbeef00000001, ~0ULL, base, base + 4096,
			       base + arena_bytes(NPAGES) - 1 };
	struct fixture f;
	char name[80];
	__u64 want;
	int i, s;

	if (!setup_flags(&f, map_flags, base))
		return;
	for (s = 0; s < ARRAY_SIZE(seqs); s++) {
		for (i = 0; i < ARRAY_SIZE(vals); i++) {
			want = (__u32)vals[i] ? upper | (__u32)vals[i] : 0;
			snprintf(name, sizeof(name), "%s of 0x%llx, base 0x%llx, flags 0x%x",
				 seqs[s], vals[i], base, map_flags | prog_flags);
			ASSERT_EQ(run_casts(&f, seqs[s], i % 8, (i + s) % 8, vals[i], want,
					    prog_flags), 0, name);
		}
	}
	teardown(&f);
}

static void hazard_19_casts(void)
{
	check_casts(BASE, 0, 0);
	/* the arena at the top, and at the bottom, of 4 GiB */
	check_casts(ARENA_BASE - arena_bytes(NPAGES), 0, 0);
	check_casts(ARENA_BASE, 0, 0);
	check_casts(BASE, BPF_F_NO_USER_CONV, 0);
}

/* All registers: they differ in their encoding */
static void cast_regs(void)
{
	struct fixture f;
	int dst, src;
	char name[32];

	if (!setup(&f))
		return;
	for (dst = BPF_REG_0; dst < BPF_REG_10; dst++) {
		for (src = BPF_REG_0; src < BPF_REG_10; src++) {
			snprintf(name, sizeof(name), "r%d = r%d", dst, src);
			ASSERT_EQ(run_casts(&f, "u", dst, src, BASE + 5, BASE + 5, 0), 0, name);
		}
		ASSERT_EQ(run_casts(&f, "ku", dst, 9 - dst, BASE + 5, BASE + 5, 0), 0, name);
	}
	teardown(&f);
}

static int run_shifts(const struct fixture *f, struct bpf_insn first, struct bpf_insn second,
		      __u64 want)
{
	struct arena_prog p = {};

	emit_map_value(&p, BPF_REG_1, f->fd, 8);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	emit(&p, first);
	emit(&p, second);
	emit_expect64(&p, BPF_REG_1, BPF_REG_2, want, 1);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

/* What 64 bits allow is done with 64 bits: a number is left */
static void hazard_19_shifts(void)
{
	const struct bpf_insn none = BPF_MOV64_REG(BPF_REG_0, BPF_REG_1);
	const __u64 low = (__u32)BASE + 8;
	struct fixture f;

	if (!setup(&f))
		return;
	ASSERT_EQ(run_shifts(&f, BPF_ALU64_IMM(BPF_LSH, R(1), 32), none, low << 32), 0, "<< 32");
	ASSERT_EQ(run_shifts(&f, BPF_ALU64_IMM(BPF_LSH, R(1), 32),
			     BPF_ALU64_IMM(BPF_RSH, R(1), 32), low), 0, "<< 32 >> 32");
	ASSERT_EQ(run_shifts(&f, BPF_ALU64_IMM(BPF_LSH, R(1), 33),
			     BPF_ALU64_IMM(BPF_ARSH, R(1), 33), (__s64)(low << 33) >> 33), 0,
		  "<< 33 s>> 33");
	ASSERT_EQ(run_shifts(&f, BPF_ALU64_IMM(BPF_RSH, R(1), 40), none, 0), 0, ">> 40");
	ASSERT_EQ(run_shifts(&f, BPF_ALU64_IMM(BPF_ARSH, R(1), 63), none, 0), 0, "s>> 63");
	ASSERT_EQ(run_shifts(&f, BPF_ALU64_IMM(BPF_RSH, R(1), 31), none, low >> 31), 0, ">> 31");
	teardown(&f);
}

/* Arithmetic on arena pointers is 32-bit; they may be spilled and compared */
static void pointer_arithmetic(void)
{
	struct arena_prog p = {};
	struct fixture f;

	if (!setup(&f))
		return;
	f.area[1] = 11;
	f.area[2] = 22;
	f.area[3] = 0xf00000000; /* nothing in the lower half */
	emit_map_value(&p, BPF_REG_6, f.fd, 8);
	emit(&p, ARENA_TO_KERN(BPF_REG_6, BPF_REG_6));
	emit(&p, BPF_MOV64_REG(BPF_REG_7, BPF_REG_6));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_8, BPF_REG_6, 16));
	emit(&p, BPF_ALU64_REG(BPF_ADD, BPF_REG_7, BPF_REG_8));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_7, 0));
	emit_expect(&p, BPF_REG_0, 11, 1);
	emit(&p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_7, 8));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_7, 0));
	emit_expect(&p, BPF_REG_0, 22, 2);
	emit(&p, BPF_ALU64_IMM(BPF_SUB, BPF_REG_7, 8));
	emit(&p, BPF_JMP_REG(BPF_JEQ, BPF_REG_7, BPF_REG_6, 2));
	emit_return(&p, 3);
	emit(&p, BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, -8));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_9, BPF_REG_10, -8));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_9, 8));
	emit_expect(&p, BPF_REG_0, 22, 4);
	emit(&p, BPF_JMP_IMM(BPF_JNE, BPF_REG_9, 0, 2));
	emit_return(&p, 5);
	emit(&p, ARENA_TO_USER(BPF_REG_9, BPF_REG_9));
	emit_expect64(&p, BPF_REG_9, BPF_REG_0, BASE + 8, 6);
	emit_return(&p, 0);
	ASSERT_EQ(arena_run_prog(&p, 0), 0, "plain");
	ASSERT_EQ(arena_run_prog(&p, BPF_F_TEST_RND_HI32), 0, "BPF_F_TEST_RND_HI32");
	teardown(&f);
}

/* r1 = r1 op r2 with these; it is an arena pointer, and this number */
static int run_op(const struct fixture *f, __u8 op, __u64 r1, bool ptr1, __u64 r2, bool ptr2,
		  __u64 want)
{
	struct arena_prog p = {};

	f->area[0] = r1;
	f->area[1] = r2;
	emit_map_value(&p, BPF_REG_6, f->fd, 0);
	emit(&p, ARENA_TO_KERN(BPF_REG_6, BPF_REG_6));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_6, 0));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_6, 8));
	if (ptr1)
		emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	if (ptr2)
		emit(&p, ARENA_TO_KERN(BPF_REG_2, BPF_REG_2));
	emit(&p, BPF_RAW_INSN(BPF_ALU64 | op | BPF_X, BPF_REG_1, BPF_REG_2, 0, 0));
	emit_expect64(&p, BPF_REG_1, BPF_REG_3, want, 1);
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_1, 0));
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

/* 32 bits, an arena pointer on either side, and one comes out */
static void either_side(void)
{
	const __u64 low = (__u32)BASE + 64, high = 0xdead00000000ULL;
	struct fixture f;

	if (!setup(&f))
		return;
	ASSERT_EQ(run_op(&f, BPF_SUB, high + 2 * low + 8, false, low, true, (__u32)(low + 8)), 0,
		  "scalar - pointer");
	ASSERT_EQ(run_op(&f, BPF_SUB, 0, false, low, true, (__u32)-low), 0, "0 - pointer");
	ASSERT_EQ(run_op(&f, BPF_SUB, low, true, low + 8, true, (__u32)-8), 0,
		  "pointer - pointer");
	ASSERT_EQ(run_op(&f, BPF_ADD, low, true, low, true, (__u32)(2 * low)), 0,
		  "pointer + pointer");
	ASSERT_EQ(run_op(&f, BPF_AND, high + 0xfff, false, low, true, low & 0xfff), 0,
		  "scalar & pointer");
	ASSERT_EQ(run_op(&f, BPF_OR, high + 1, false, low, true, low | 1), 0, "scalar | pointer");
	ASSERT_EQ(run_op(&f, BPF_XOR, high + 1, false, low, true, low ^ 1), 0,
		  "scalar ^ pointer");
	ASSERT_EQ(run_op(&f, BPF_MUL, high + 2, false, low, true, (__u32)(2 * low)), 0,
		  "scalar * pointer");
	ASSERT_EQ(run_op(&f, BPF_DIV, high + 7 * low, false, low, true, (__u32)(7 * low) / low), 0,
		  "scalar / pointer");
	ASSERT_EQ(run_op(&f, BPF_SUB, low, true, high + 8, false, low - 8), 0,
		  "pointer - scalar");
	teardown(&f);
}

/* Another pointer gives its lower half, and no more. */
static int run_other(const struct fixture *f, struct bpf_insn other, struct bpf_insn op)
{
	struct arena_prog p = {};

	emit(&p, BPF_MOV64_REG(BPF_REG_7, BPF_REG_1));
	emit_map_value(&p, BPF_REG_6, f->fd, 8);
	emit(&p, ARENA_TO_KERN(BPF_REG_6, BPF_REG_6));
	emit(&p, other);
	emit(&p, op);
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_1, 0));
	emit(&p, BPF_ALU64_IMM(BPF_RSH, BPF_REG_1, 32));
	emit_expect(&p, BPF_REG_1, 0, 1);
	emit_return(&p, 0);
	return arena_run_prog(&p, 0);
}

static void other_pointers(void)
{
	const struct bpf_insn ctx = BPF_MOV64_REG(R(1), R(7));
	const struct bpf_insn stack = BPF_MOV64_REG(R(1), R(10));
	const struct bpf_insn arena = BPF_MOV64_REG(R(1), R(6));
	struct fixture f;

	if (!setup(&f))
		return;
	ASSERT_EQ(run_other(&f, ctx, BPF_ALU64_REG(BPF_ADD, R(1), R(6))), 0, "ctx + pointer");
	ASSERT_EQ(run_other(&f, ctx, BPF_ALU64_REG(BPF_SUB, R(1), R(6))), 0, "ctx - pointer");
	ASSERT_EQ(run_other(&f, stack, BPF_ALU64_REG(BPF_ADD, R(1), R(6))), 0,
		  "stack + pointer");
	ASSERT_EQ(run_other(&f, stack, BPF_ALU64_REG(BPF_OR, R(1), R(6))), 0, "stack | pointer");
	ASSERT_EQ(run_other(&f, arena, BPF_ALU64_REG(BPF_ADD, R(1), R(7))), 0, "pointer + ctx");
	ASSERT_EQ(run_other(&f, arena, BPF_ALU64_REG(BPF_SUB, R(1), R(10))), 0,
		  "pointer - stack");
	ASSERT_EQ(run_other(&f, arena, BPF_ALU64_REG(BPF_XOR, R(1), R(10))), 0,
		  "pointer ^ stack");
	teardown(&f);
}

/* 32-bit arithmetic is the same instruction for an arena pointer and a number. */
static int run_alu32(const struct fixture *f, __u64 which)
{
	struct arena_prog p = {};

	f->area[0] = which;
	f->area[1] = 0xdead00000010ULL;
	emit_map_value(&p, R(6), f->fd, 0);
	emit(&p, ARENA_TO_KERN(R(6), R(6)));
	emit(&p, BPF_LDX_MEM(BPF_DW, R(2), R(6), 0));
	emit(&p, BPF_MOV64_REG(R(1), R(6)));
	emit(&p, BPF_JMP_IMM(BPF_JEQ, R(2), 0, 1));
	emit(&p, BPF_LDX_MEM(BPF_DW, R(1), R(6), 8));
	emit(&p, BPF_ALU32_IMM(BPF_ADD, R(1), 8));
	emit(&p, BPF_ALU32_REG(BPF_XOR, R(1), R(2)));
	emit(&p, BPF_ALU32_IMM(BPF_LSH, R(1), 1));
	emit(&p, BPF_MOV64_REG(R(3), R(1)));
	emit(&p, BPF_ALU64_IMM(BPF_RSH, R(3), 32));
	emit_expect(&p, R(3), 0, 1);
	emit(&p, BPF_STX_MEM(BPF_DW, R(6), R(1), 16));
	emit_return(&p, 0);
	return arena_run_prog(&p, 0) ?: arena_run_prog(&p, BPF_F_TEST_RND_HI32);
}

static void alu32(void)
{
	struct fixture f;

	if (!setup(&f))
		return;
	ASSERT_EQ(run_alu32(&f, 0), 0, "pointer");
	ASSERT_EQ(f.area[2], (__u32)(((__u32)BASE + 8) << 1), "what comes out");
	ASSERT_EQ(run_alu32(&f, 1), 0, "number");
	ASSERT_EQ(f.area[2], (0x18 ^ 1) << 1, "what comes out");
	teardown(&f);
}

/* ld_imm64 of any offset of an arena of 4 GiB: a number, which is an address there */
static void full_range(void)
{
	static const __u32 offs[] = {
		0, 8, (1U << 29) - 1, 1U << 29, (1U << 29) + 4096, 1U << 30, INT_MAX, 1U << 31,
		-4096, -8, -1,
	};
	__u32 pages = (4 * GiB) / getpagesize();
	int i, fd = arena_create(pages, 0, BASE - GiB);

	if (!ASSERT_GE(fd, 0, "create"))
		return;
	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		struct arena_prog p = {};

		emit_map_value(&p, R(1), fd, offs[i]);
		/* not a constant to the verifier, or it would remove the checks */
		emit_expect64(&p, R(1), R(2), BASE - GiB + offs[i], 1);
		emit(&p, ARENA_TO_KERN(R(1), R(1)));
		emit(&p, BPF_LDX_MEM(BPF_B, R(3), R(1), 0));
		emit_return(&p, 0);
		if (!ASSERT_EQ(arena_run_prog(&p, 0), 0, "run"))
			fprintf(stderr, "offset %#x\n", offs[i]);
	}
	close(fd);
}

/* By a syscall, since libbpf has no fd_array_cnt: fd or error, and what the log says */
static int load_bound(const struct arena_prog *p, const int *fds, __u32 cnt, int token, char *log)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (__u64)p->insns,
		.insn_cnt = p->cnt,
		.license = (__u64)"GPL",
		.log_buf = (__u64)log,
		.log_size = ARENA_LOG_SIZE,
		.log_level = 1,
		.fd_array = (__u64)fds,
		.prog_token_fd = token,
		.fd_array_cnt = cnt,
	};
	int fd;

	log[0] = '\0';
	fd = syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

static void check_bound(const struct arena_prog *p, const int *fds, __u32 cnt, int err,
			const char *msg)
{
	char *log = malloc(ARENA_LOG_SIZE);
	int fd;

	if (!ASSERT_OK_PTR(log, "log"))
		return;
	fd = load_bound(p, fds, cnt, 0, log);
	if (!ASSERT_EQ(fd, err, msg) || !ASSERT_HAS_SUBSTR(log, msg, msg))
		fprintf(stderr, "%s", log);
	if (fd >= 0)
		close(fd);
	free(log);
}

static bool prog_uses(int prog, int map)
{
	struct bpf_map_info map_info = {};
	struct bpf_prog_info info = {};
	__u32 ids[4] = {}, len = sizeof(info), i;

	info.map_ids = (__u64)ids;
	info.nr_map_ids = ARRAY_SIZE(ids);
	ASSERT_OK(bpf_obj_get_info_by_fd(prog, &info, &len), "program");
	len = sizeof(map_info);
	ASSERT_OK(bpf_obj_get_info_by_fd(map, &map_info, &len), "map");
	for (i = 0; i < info.nr_map_ids && i < ARRAY_SIZE(ids); i++)
		if (ids[i] == map_info.id)
			return true;
	return false;
}

/* The program follows an address that it is given, and mentions no arena. */
static void emit_unnamed(struct arena_prog *p, int array)
{
	emit_map_value(p, R(6), array, 0);
	emit(p, BPF_LDX_MEM(BPF_DW, R(1), R(6), 0));
	emit(p, ARENA_TO_KERN(R(1), R(1)));
	emit(p, BPF_LDX_MEM(BPF_W, R(0), R(1), 8));
	emit(p, BPF_EXIT_INSN());
}

static void run_bound(const struct fixture *f, const struct arena_prog *p, const int *fds,
		      __u32 cnt)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char *log = malloc(ARENA_LOG_SIZE);
	int prog;

	if (!ASSERT_OK_PTR(log, "log"))
		return;
	prog = load_bound(p, fds, cnt, 0, log);
	if (ASSERT_GE(prog, 0, "load")) {
		ASSERT_OK(bpf_prog_test_run_opts(prog, &opts), "run");
		ASSERT_EQ(opts.retval, 77, "value");
		ASSERT_TRUE(prog_uses(prog, f->fd), "holds the arena");
		close(prog);
	} else {
		fprintf(stderr, "%s", log);
	}
	/* a token is not a thing here */
	ASSERT_EQ(load_bound(p, fds, cnt, 1, log), -EINVAL, "token");
	free(log);
}

/* An fd_array of an array, a BTF and an arena, or of other things */
static void check_bindings(const struct fixture *f, const struct fixture *g, int array, int btf)
{
	int fds[] = { array, btf, f->fd, f->fd, g->fd, STDERR_FILENO, -1 };
	int arena_and_more[] = { f->fd, STDERR_FILENO, -1 };
	struct arena_prog p = {}, named = {};
	__u64 value = BASE;
	int key = 0;

	ASSERT_OK(bpf_map_update_elem(array, &key, &value, 0), "address");
	f->area[1] = 77;
	emit_unnamed(&p, array);
	check_bound(&p, fds, 0, -EINVAL, MSG_NO_ARENA);
	check_bound(&p, fds, 2, -EINVAL, MSG_NO_ARENA);
	run_bound(f, &p, fds, 3);
	run_bound(f, &p, fds, 4);
	run_bound(f, &p, fds + 2, 1);
	check_bound(&p, fds, 5, -EBUSY, "Only one arena per program");
	check_bound(&p, arena_and_more, 2, -EINVAL,
		    "fd_array[1]: fd 2 is neither of a map nor of a BTF");
	check_bound(&p, arena_and_more + 2, 1, -EBADF, "neither of a map nor of a BTF");
	check_bound(&p, NULL, 1, -EFAULT, "");
	check_bound(&p, fds, 10000, -E2BIG, "fd_array_cnt is 10000");
	check_bound(&p, fds, -1U, -E2BIG, "fd_array_cnt is 4294967295");
	/* the arena that an instruction mentions, and another one that is bound */
	emit_map(&named, R(1), g->fd);
	emit_return(&named, 0);
	check_bound(&named, fds, 3, -EBUSY, "Only one arena per program");
}

static void fd_array_cnt(void)
{
	struct btf *btf = btf__new_empty();
	struct fixture f, g;
	int array;

	if (!ASSERT_OK_PTR(btf, "btf"))
		return;
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	ASSERT_OK(btf__load_into_kernel(btf), "load BTF");
	array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "addr", 4, 8, 1, NULL);
	if (ASSERT_GE(array, 0, "array") && setup(&f)) {
		if (setup_flags(&g, 0, BASE + 4 * GiB)) {
			check_bindings(&f, &g, array, btf__fd(btf));
			teardown(&g);
		}
		teardown(&f);
	}
	close(array);
	btf__free(btf);
}

#define BUDGET 8388608

/* All rounds, if 250 ms are enough for them on this machine, else some of them */
static void check_budget(const struct bpf_insn *insns, int cnt, int rounds, const char *name)
{
	struct timespec from, to;
	int got;

	clock_gettime(CLOCK_MONOTONIC, &from);
	got = arena_run_insns(insns, cnt, 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if ((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 250) {
		ASSERT_EQ(got, rounds, name);
	} else {
		ASSERT_GT(got, 0, name);
		ASSERT_LE(got, rounds, name);
	}
}

static void may_goto_budget(void)
{
	static const struct bpf_insn one_loop[] = {
		BPF_MOV64_IMM(R(0), 0),
		MAY_GOTO(2),
		BPF_ALU64_IMM(BPF_ADD, R(0), 1),
		BPF_JMP_IMM(BPF_JA, 0, 0, -3),
		BPF_EXIT_INSN(),
	};
	/* the loops share what the frame has */
	static const struct bpf_insn nested[] = {
		BPF_MOV64_IMM(R(0), 0),
		MAY_GOTO(7),
		BPF_ALU64_IMM(BPF_ADD, R(0), 1),
		BPF_MOV64_IMM(R(1), 100),
		MAY_GOTO(4),
		BPF_ALU64_IMM(BPF_ADD, R(0), 1),
		BPF_ALU64_IMM(BPF_SUB, R(1), 1),
		BPF_JMP_IMM(BPF_JNE, R(1), 0, -4),
		BPF_JMP_IMM(BPF_JA, 0, 0, -8),
		BPF_EXIT_INSN(),
	};
	/* a subprogram has its own, each time it is called */
	static const struct bpf_insn subprog[] = {
		BPF_CALL_REL(4),
		BPF_MOV64_REG(R(6), R(0)),
		BPF_CALL_REL(2),
		BPF_ALU64_REG(BPF_ADD, R(0), R(6)),
		BPF_EXIT_INSN(),
		BPF_MOV64_IMM(R(0), 0),
		MAY_GOTO(2),
		BPF_ALU64_IMM(BPF_ADD, R(0), 1),
		BPF_JMP_IMM(BPF_JA, 0, 0, -3),
		BPF_EXIT_INSN(),
	};
	/* jumping backwards: once more, and then never again */
	static const struct bpf_insn falls_through[] = {
		BPF_MOV64_IMM(R(0), 1),
		MAY_GOTO(1),
		BPF_MOV64_IMM(R(0), 2),
		BPF_EXIT_INSN(),
	};

	check_budget(one_loop, ARRAY_SIZE(one_loop), BUDGET, "one loop");
	check_budget(nested, ARRAY_SIZE(nested), BUDGET, "nested");
	check_budget(subprog, ARRAY_SIZE(subprog), 2 * BUDGET, "subprogram");
	ASSERT_EQ(arena_run_insns(falls_through, ARRAY_SIZE(falls_through), 0), 2,
		  "does not jump at once");
}

/* The counter must not be seen, nor clobbered: registers and stack are kept */
static void may_goto_state(void)
{
	struct arena_prog p = {};
	struct fixture f;
	int r;

	if (!setup(&f))
		return;
	for (r = 0; r < 10; r++)
		f.area[r] = 100 + r;
	emit_map_value(&p, BPF_REG_9, f.fd, 0);
	emit(&p, ARENA_TO_KERN(BPF_REG_9, BPF_REG_9));
	for (r = BPF_REG_0; r < BPF_REG_10; r++)
		emit(&p, BPF_LDX_MEM(BPF_DW, r, BPF_REG_9, r * 8));
	emit(&p, BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_3, -8));
	emit(&p, BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_4, -512));
	emit(&p, MAY_GOTO(2));
	emit(&p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_8, 1));
	emit(&p, BPF_JMP_IMM(BPF_JNE, BPF_REG_8, 1108, -3));
	for (r = BPF_REG_0; r < BPF_REG_10; r++)
		emit_expect(&p, r, r == BPF_REG_8 ? 1108 : 100 + r, 1000 + r);
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8));
	emit_expect(&p, BPF_REG_1, 103, 1);
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -512));
	emit_expect(&p, BPF_REG_1, 104, 2);
	emit_return(&p, 0);
	ASSERT_EQ(arena_run_prog(&p, 0), 0, "registers and stack");
	ASSERT_EQ(arena_run_prog(&p, BPF_F_TEST_RND_HI32), 0, "BPF_F_TEST_RND_HI32");
	teardown(&f);
}

static void rnd_hi32(void)
{
	check_casts(BASE, 0, BPF_F_TEST_RND_HI32);
	check_casts(BASE, BPF_F_NO_USER_CONV, BPF_F_TEST_RND_HI32);
}

/* Constants all over: blinding rewrites each of these instructions */
static int run_constants(const struct fixture *f, __u32 flags)
{
	struct arena_prog p = {};

	emit_map_value(&p, BPF_REG_1, f->fd, 0x1238);
	emit_expect64(&p, BPF_REG_1, BPF_REG_2, BASE + 0x1238, 1);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	emit(&p, BPF_ST_MEM(BPF_DW, BPF_REG_1, 0, 0x1badcafe));
	emit(&p, BPF_ST_MEM(BPF_W, BPF_REG_1, 8, -0x12345678));
	emit(&p, BPF_ST_MEM(BPF_H, BPF_REG_1, 16, 0x7abc));
	emit(&p, BPF_ST_MEM(BPF_B, BPF_REG_1, 24, 0x5a));
	emit(&p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 0x1000));
	emit(&p, BPF_ST_MEM(BPF_DW, BPF_REG_1, -0x1000 + 32, -2));
	emit(&p, BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_1, -0x1000));
	emit_expect(&p, BPF_REG_3, 0x1badcafe, 2);
	emit(&p, BPF_MOV64_IMM(BPF_REG_4, 0));
	emit(&p, MAY_GOTO(2));
	emit(&p, BPF_ALU64_IMM(BPF_ADD, BPF_REG_4, 0x10001));
	emit(&p, BPF_JMP_IMM(BPF_JNE, BPF_REG_4, 0x50005, -3));
	emit(&p, BPF_STX_MEM(BPF_DW, BPF_REG_1, BPF_REG_4, -0x1000 + 40));
	emit_return(&p, 0);
	return arena_run_prog(&p, flags);
}

static void blinding(void)
{
	struct fixture f;
	__u64 *m;
	int old;

	if (!setup(&f))
		return;
	m = f.area + 0x1238 / 8;
	memset(f.area, 0, 2 * 4096);
	old = arena_sysctl(JIT_HARDEN, 2);
	if (ASSERT_GE(old, 0, "bpf_jit_harden")) {
		ASSERT_EQ(run_constants(&f, 0), 0, "run");
		arena_sysctl(JIT_HARDEN, old);
		ASSERT_EQ(m[0], 0x1badcafe, "u64");
		ASSERT_EQ(m[1], (__u32)-0x12345678, "u32");
		ASSERT_EQ(m[2], 0x7abc, "u16");
		ASSERT_EQ(m[3], 0x5a, "u8");
		ASSERT_EQ(m[4], -2ULL, "negative");
		ASSERT_EQ(m[5], 0x50005, "loop");
	}
	teardown(&f);
}

/* How long the code is of a program that stores a constant so many times, or -1 */
static long code_of_stores(int arena, __u8 size, int stores)
{
	struct arena_prog p = {};
	struct arena_code code;
	long len = -1;
	int fd;

	emit_map(&p, BPF_REG_2, arena);
	emit(&p, ARENA_TO_KERN(BPF_REG_1, BPF_REG_1));
	while (stores--)
		emit(&p, BPF_ST_MEM(size, BPF_REG_1, 0, 0x5a));
	emit_return(&p, 0);
	fd = arena_load_insns(p.insns, p.cnt, 0, NULL);
	if (!ASSERT_GE(fd, 0, "load"))
		return -1;
	if (arena_get_code(fd, &code))
		len = code.len;
	close(fd);
	return len;
}

/* How much longer the code gets by ten stores */
static long code_of_ten(int arena, __u8 size, int harden)
{
	int old = arena_sysctl(JIT_HARDEN, harden);
	long len;

	len = code_of_stores(arena, size, 11) - code_of_stores(arena, size, 1);
	arena_sysctl(JIT_HARDEN, old);
	return len;
}

/*
 * Whoever chooses constants that are in the code as they are writes machine code: they
 * come into a register first, in two parts. So there is more of it.
 */
static void blinded_stores(void)
{
	static const __u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	struct fixture f;
	int i;

	if (!setup(&f))
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		ASSERT_GT(code_of_ten(f.fd, sizes[i], 2), code_of_ten(f.fd, sizes[i], 0) + 40,
			  "code of ten stores, blinded and not");
	teardown(&f);
}

/* Makes a jump of the greatest length too long, once its constant is blinded. */
#define LONG_JUMP 32767

struct unjitted {
	const char *name;
	struct bpf_insn head[8];
	int err;
};

static const struct unjitted unjitted[] = {
	{ "a cast",
	  { BPF_LD_MAP_FD(R(1), MAP), ARENA_TO_KERN(R(1), R(1)), ARENA_TO_USER(R(1), R(1)) },
	  -524 /* ENOTSUPP */ },
	{ "a load",
	  { BPF_LD_MAP_FD(R(1), MAP), ARENA_TO_KERN(R(1), R(1)),
	    BPF_LDX_MEM(BPF_DW, R(2), R(1), 0) },
	  -524 },
	{ "may_goto", { MAY_GOTO(1), BPF_MOV64_REG(R(1), R(10)) }, -524 },
	{ "a cast in a function",
	  { BPF_CALL_REL(1), BPF_EXIT_INSN(), BPF_LD_MAP_FD(R(1), MAP), ARENA_TO_KERN(R(1), R(1)) },
	  -EINVAL },
	{ "may_goto in a function",
	  { BPF_CALL_REL(1), BPF_EXIT_INSN(), MAY_GOTO(1), BPF_MOV64_REG(R(1), R(10)) },
	  -EINVAL },
};

static int load_unjitted(const struct unjitted *c, int arena)
{
	struct bpf_insn *insns = calloc(LONG_JUMP + 20, sizeof(*insns)), *insn = insns;
	int i, fd, cnt = ARRAY_SIZE(c->head);

	while (!c->head[cnt - 1].code)
		cnt--;
	for (i = 0; i < cnt; i++) {
		*insn = c->head[i];
		if (insn->code == (BPF_LD | BPF_DW | BPF_IMM))
			insn->imm = arena;
		insn++;
	}
	*insn++ = BPF_EMIT_CALL(BPF_FUNC_get_prandom_u32);
	*insn++ = BPF_JMP_IMM(BPF_JEQ, R(0), 0, LONG_JUMP);
	*insn++ = BPF_MOV64_IMM(R(0), 0x1badcafe);
	for (i = 1; i < LONG_JUMP; i++)
		*insn++ = BPF_MOV64_REG(R(0), R(0));
	*insn++ = BPF_MOV64_IMM(R(0), 0);
	*insn++ = BPF_EXIT_INSN();
	fd = arena_load_insns(insns, insn - insns, 0, NULL);
	free(insns);
	return fd;
}

/* The JIT gives up. The interpreter, which would take over, knows none of this. */
static void jit_gives_up(void)
{
	int old, fd, i;
	struct fixture f;

	if (!setup(&f))
		return;
	old = arena_sysctl(JIT_HARDEN, 2);
	for (i = 0; i < ARRAY_SIZE(unjitted); i++) {
		fd = load_unjitted(&unjitted[i], f.fd);
		/* a kernel without interpreter (BPF_JIT_ALWAYS_ON) says so of functions, too */
		if (fd != -524 && !ASSERT_EQ(fd, unjitted[i].err, unjitted[i].name) && fd >= 0)
			close(fd);
	}
	arena_sysctl(JIT_HARDEN, 0);
	for (i = 0; i < ARRAY_SIZE(unjitted); i++) {
		fd = load_unjitted(&unjitted[i], f.fd);
		if (ASSERT_GE(fd, 0, unjitted[i].name))
			close(fd);
	}
	arena_sysctl(JIT_HARDEN, old);
	teardown(&f);
}

static void blinding_budget(void)
{
	int old;

	old = arena_sysctl(JIT_HARDEN, 2);
	if (!ASSERT_GE(old, 0, "bpf_jit_harden"))
		return;
	may_goto_budget();
	may_goto_state();
	arena_sysctl(JIT_HARDEN, old);
}

/* Flags of the program, and what the kernel is set to when it is loaded */
static void with_settings(void)
{
	static const __u32 flags[] = {
		0, BPF_F_STRICT_ALIGNMENT, BPF_F_ANY_ALIGNMENT, BPF_F_TEST_STATE_FREQ,
		BPF_F_TEST_RND_HI32 | BPF_F_TEST_STATE_FREQ,
	};
	static const struct {
		const char *path;
		int val;
	} sysctls[] = {
		{ JIT_HARDEN, 0 },
		{ JIT_HARDEN, 1 },
		{ JIT_ENABLE, 2 }, /* shows the code in the log */
		{ "/proc/sys/net/core/bpf_jit_kallsyms", 0 },
		{ "/proc/sys/net/core/bpf_jit_kallsyms", 1 },
		{ "/proc/sys/kernel/bpf_stats_enabled", 1 },
		{ "/proc/sys/kernel/unprivileged_bpf_disabled", 0 },
	};
	struct fixture f;
	int i, s, old;

	if (!setup(&f))
		return;
	for (s = 0; s < ARRAY_SIZE(sysctls); s++) {
		old = arena_sysctl(sysctls[s].path, sysctls[s].val);
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			memset(f.area, 0, 2 * 4096);
			ASSERT_EQ(run_constants(&f, flags[i]), 0, sysctls[s].path);
			ASSERT_EQ(f.area[0x1238 / 8], 0x1badcafe, sysctls[s].path);
		}
		if (old >= 0)
			arena_sysctl(sysctls[s].path, old);
	}
	teardown(&f);
}

static long slab_kb(void)
{
	char line[128];
	long kb = 0;
	FILE *f;

	f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "SUnreclaim: %ld", &kb);
	if (f)
		fclose(f);
	return kb;
}

#define LONG_INSNS 8000

/* A long program with an arena and a loop, again and again: nothing of it is left. */
static void loads_leave_nothing(void)
{
	struct bpf_insn *insns = calloc(LONG_INSNS + 20, sizeof(*insns)), *insn = insns;
	const struct bpf_insn head[] = {
		BPF_LD_MAP_FD(R(1), 0), ARENA_TO_KERN(R(1), R(1)), BPF_MOV64_IMM(R(0), 0),
		MAY_GOTO(2), BPF_LDX_MEM(BPF_DW, R(2), R(1), 0), BPF_JMP_A(-3),
	};
	long before = 0, after;
	struct fixture f;
	int i, fd;

	if (!setup(&f))
		goto out;
	memcpy(insn, head, sizeof(head));
	insn->imm = f.fd;
	insn += ARRAY_SIZE(head);
	for (i = 0; i < LONG_INSNS; i++)
		*insn++ = BPF_MOV64_REG(R(0), R(0));
	*insn++ = BPF_EXIT_INSN();
	for (i = 0; i < 110; i++) {
		if (i == 10)
			before = slab_kb();
		fd = arena_load_insns(insns, insn - insns, 0, NULL);
		if (!ASSERT_GE(fd, 0, "load"))
			break;
		close(fd);
	}
	/* what they free is back soon; 1.5 KiB that each of 100 leaves is noticed */
	for (i = 0; i < 300 && (after = slab_kb()) > before + 150; i++)
		usleep(100 * 1000);
	ASSERT_LE(after, before + 150, "KiB in slabs");
	teardown(&f);
out:
	free(insns);
}

/* Every way in which a program can make a number of an arena pointer */
#define LEAKS 12

static int load_leaks(const struct fixture *f, int array)
{
	struct arena_prog p = {};
	int n = 0;

	emit_map_value(&p, BPF_REG_6, f->fd, 8);
	emit(&p, ARENA_TO_KERN(BPF_REG_6, BPF_REG_6));
	emit_map_value(&p, BPF_REG_7, array, 0);
#define LEAK(...) do {							\
		const struct bpf_insn insns[] = { __VA_ARGS__ };		\
		emit(&p, BPF_MOV64_REG(R(1), R(6)));			\
		for (int i = 0; i < ARRAY_SIZE(insns); i++)		\
			emit(&p, insns[i]);				\
		emit(&p, BPF_STX_MEM(BPF_DW, R(7), R(1), 8 * n++));	\
	} while (0)
	LEAK(BPF_MOV64_REG(R(1), R(6)));
	LEAK(BPF_MOV32_REG(R(1), R(6)));
	LEAK(BPF_STX_MEM(BPF_DW, R(10), R(1), -8), BPF_LDX_MEM(BPF_DW, R(1), R(10), -8));
	LEAK(BPF_ALU64_IMM(BPF_ADD, R(1), 16));
	LEAK(BPF_ALU64_IMM(BPF_SUB, R(1), 8));
	LEAK(BPF_ALU64_REG(BPF_SUB, R(1), R(6)));
	LEAK(BPF_ALU64_IMM(BPF_OR, R(1), 1));
	LEAK(BPF_ALU64_IMM(BPF_AND, R(1), -16));
	LEAK(BPF_STX_MEM(BPF_DW, R(6), R(1), 0), BPF_LDX_MEM(BPF_DW, R(1), R(6), 0));
	LEAK(BPF_ATOMIC_OP(BPF_DW, BPF_XCHG, R(6), R(1), 0));
	LEAK(ARENA_TO_USER(R(1), R(1)));
	LEAK(BPF_ALU64_IMM(BPF_XOR, R(1), 1));
#undef LEAK
	ASSERT_EQ(n, LEAKS, "ways");
	emit(&p, BPF_MOV64_REG(R(0), R(6)));
	emit(&p, BPF_EXIT_INSN());
	return arena_load_insns(p.insns, p.cnt, 0, NULL);
}

/* No kernel address comes out: what there is is the user's own */
static void no_kernel_address(void)
{
	const __u64 low = (__u32)BASE + 8;
	const __u64 want[LEAKS] = { low, low, low, low + 16, low - 8, 0, low | 1, low & -16,
				    low, low, BASE + 8, low ^ 1 };
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	__u64 seen[LEAKS] = {};
	int array, prog, i, key = 0;
	struct fixture f;
	char name[16];

	if (!setup(&f))
		return;
	f.area[1] = low;
	array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "leaks", 4, sizeof(seen), 1, NULL);
	prog = load_leaks(&f, array);
	if (ASSERT_GE(prog, 0, "load")) {
		ASSERT_OK(bpf_prog_test_run_opts(prog, &opts), "run");
		ASSERT_EQ(opts.retval, (__u32)low, "returned");
		ASSERT_OK(bpf_map_lookup_elem(array, &key, seen), "lookup");
		for (i = 0; i < LEAKS; i++) {
			snprintf(name, sizeof(name), "way %d", i);
			ASSERT_EQ(seen[i], want[i], name);
		}
		ASSERT_EQ(f.area[1], low, "stored in the arena");
		close(prog);
	}
	close(array);
	teardown(&f);
}

/* What a dump shows is what was loaded, whatever the kernel has made of it. */
static void check_dump(__u32 flags)
{
	struct bpf_insn dump[16] = {};
	struct bpf_prog_info info = {
		.xlated_prog_insns = (__u64)dump,
		.xlated_prog_len = sizeof(dump),
	};
	struct arena_prog p = {};
	__u32 len = sizeof(info);
	struct fixture f;
	int fd;

	if (!setup_flags(&f, flags, BASE))
		return;
	emit_map_value(&p, BPF_REG_1, f.fd, 8);
	emit(&p, ARENA_TO_KERN(BPF_REG_2, BPF_REG_1));
	emit(&p, ARENA_TO_USER(BPF_REG_3, BPF_REG_2));
	emit_imm64(&p, BPF_REG_4, 0x1122334455667788);
	emit_imm64(&p, BPF_REG_5, BASE + arena_bytes(NPAGES));
	emit_return(&p, 0);
	fd = arena_load_insns(p.insns, p.cnt, 0, NULL);
	if (ASSERT_GE(fd, 0, "load") &&
	    ASSERT_OK(bpf_obj_get_info_by_fd(fd, &info, &len), "info") &&
	    ASSERT_EQ(info.xlated_prog_len, p.cnt * sizeof(*dump), "length")) {
		ASSERT_EQ((int)dump[0].src_reg, BPF_PSEUDO_MAP_VALUE, "a value of a map");
		ASSERT_EQ(dump[1].imm, 8, "... at an offset");
		ASSERT_EQ(memcmp(&dump[2], &p.insns[2], sizeof(*dump)), 0, "cast to kernel");
		ASSERT_EQ(memcmp(&dump[3], &p.insns[3], sizeof(*dump)), 0, "cast to user");
		ASSERT_EQ(memcmp(&dump[4], &p.insns[4], 4 * sizeof(*dump)), 0,
			  "numbers that are no address in the arena");
	}
	if (fd >= 0)
		close(fd);
	teardown(&f);
}

static void dump(void)
{
	check_dump(0);
	check_dump(BPF_F_NO_USER_CONV);	/* of two casts, both are moves */
}

#define CHECK_REFUSED(cases) check_all_refused(cases, ARRAY_SIZE(cases))

static void hazard_20_settings(void)
{
	if (test__start_subtest("hazard_20_rnd_hi32"))
		rnd_hi32();
	if (test__start_subtest("hazard_20_blinding"))
		blinding();
	if (test__start_subtest("hazard_20_blinded_stores"))
		blinded_stores();
	if (test__start_subtest("hazard_20_blinding_budget"))
		blinding_budget();
	if (test__start_subtest("hazard_20_jit_gives_up"))
		jit_gives_up();
	if (test__start_subtest("hazard_20_settings"))
		with_settings();
	if (test__start_subtest("hazard_20_jit_off"))
		msg_jit();
}

void serial_test_arena_verifier(void)
{
	if (test__start_subtest("hazard_19_refused_casts"))
		CHECK_REFUSED(refused_casts);
	if (test__start_subtest("hazard_22_without_arena"))
		CHECK_REFUSED(refused_without_arena);
	if (test__start_subtest("refused_gotos"))
		CHECK_REFUSED(refused_gotos);
	if (test__start_subtest("refused_modes"))
		CHECK_REFUSED(refused_modes);
	if (test__start_subtest("hazard_21_pointers"))
		CHECK_REFUSED(refused_pointers);
	if (test__start_subtest("hazard_21_no_kernel_address"))
		no_kernel_address();
	if (test__start_subtest("msg_one_arena"))
		msg_one_arena();
	if (test__start_subtest("one_arena_twice"))
		one_arena_twice();
	if (test__start_subtest("hazard_22_no_address"))
		msg_address();
	if (test__start_subtest("address_by_map_extra"))
		address_by_map_extra();
	if (test__start_subtest("log_atomics"))
		log_atomics();
	if (test__start_subtest("scalar_plus_pointer"))
		scalar_plus_pointer();
	if (test__start_subtest("msg_caps"))
		msg_caps();
	if (test__start_subtest("msg_caps_may_goto"))
		msg_caps_may_goto();
	if (test__start_subtest("hazard_21_no_argument"))
		hazard_21_no_argument();
	if (test__start_subtest("hazard_19_casts"))
		hazard_19_casts();
	if (test__start_subtest("hazard_19_shifts"))
		hazard_19_shifts();
	if (test__start_subtest("hazard_19_cast_regs"))
		cast_regs();
	if (test__start_subtest("hazard_21_arithmetic"))
		pointer_arithmetic();
	if (test__start_subtest("hazard_21_either_side"))
		either_side();
	if (test__start_subtest("hazard_21_other_pointers"))
		other_pointers();
	if (test__start_subtest("hazard_21_alu32"))
		alu32();
	if (test__start_subtest("full_range"))
		full_range();
	if (test__start_subtest("fd_array_cnt"))
		fd_array_cnt();
	if (test__start_subtest("hazard_26_loads"))
		loads_leave_nothing();
	if (test__start_subtest("dump"))
		dump();
	if (test__start_subtest("may_goto_budget"))
		may_goto_budget();
	if (test__start_subtest("may_goto_state"))
		may_goto_state();
	hazard_20_settings();
}
