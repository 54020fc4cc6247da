// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's side: arenas, maps, loading and running
 *
 * An environment is two arenas at addresses that are worth a test, the map with the
 * value, and the array for tail calls. It lives for BUNDLES_AN_ENV bundles.
 *
 *   (u32) of an arena's address    why
 *   0                              its first page is NULL's
 *   2^32 - size                    its end is the window's
 *   2^31 - half the size           bit 31 changes inside
 *   any
 *
 * Tail calls go by position: program N of a bundle is entry N, and entry 0 is never
 * set. All entries are gone after a bundle.
 *
 * Static functions get BTF, as "int f(void)" all of them: for callbacks and for tail
 * calls out of functions the kernel insists on it, and it does not look at the
 * arguments of static functions.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <linux/btf.h>
#include "progs.h"

#define LOAD_SECONDS	1
#define HARDEN	"/proc/sys/net/core/bpf_jit_harden"

u32 page_size;

static int prog_fd[MAX_PROGS];
static u32 progs_loaded;
static char harden_was, harden_is;

static void sysctl_harden(char value)
{
	int fd = open(HARDEN, O_RDWR);

	if (fd < 0)
		die("cannot open " HARDEN ": %s", strerror(errno));
	if (!harden_was && read(fd, &harden_was, 1) != 1)
		die("cannot read " HARDEN ": %s", strerror(errno));
	if (pwrite(fd, &value, 1, 0) != 1)
		die("cannot write " HARDEN ": %s", strerror(errno));
	close(fd);
	harden_is = value;
}

void harden_restore(void)
{
	if (harden_was)
		sysctl_harden(harden_was);
}

/* ---- environment ---- */

static u64 choose_base(struct rng *rng, u32 arena, u64 size)
{
	u64 upper = 0x10ull + 2 * rng_below(rng, 0x100) + arena;
	u64 low;

	switch (rng_below(rng, 4)) {
	case 0: low = 0; break;
	case 1: low = (1ull << 32) - size; break;
	case 2: low = (1ull << 31) - size / 2; break;
	default: low = rng_next(rng) % ((1ull << 32) - size);
	}
	return upper << 32 | (low & -(u64)page_size);
}

static void arena_open(struct env *env, u32 arena, struct rng *rng)
{
	u64 size = (u64)env->pages * page_size;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	void *want;

	env->base[arena] = choose_base(rng, arena, size);
	env->no_user_conv[arena] = rng_chance(rng, 20);
	if (env->no_user_conv[arena])
		opts.map_flags |= BPF_F_NO_USER_CONV;
	opts.map_extra = env->base[arena];
	env->arena_fd[arena] = bpf_map_create(BPF_MAP_TYPE_ARENA, "fuzz_arena", 0, 0,
					      env->pages, &opts);
	if (env->arena_fd[arena] < 0)
		die("cannot create an arena: %s", strerror(errno));
	want = (void *)env->base[arena];
	env->user[arena] = mmap(want, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				env->arena_fd[arena], 0);
	if (env->user[arena] != want)
		die("cannot map an arena at %p: %s", want, strerror(errno));
}

/* The touch is what brings a page. */
static void arena_populate(struct env *env, u32 arena, struct rng *rng)
{
	u32 share = 30 + rng_below(rng, 60), page;

	for (page = 0; page < env->pages; page++) {
		env->present[arena][page] = rng_chance(rng, share);
		if (env->present[arena][page])
			*(volatile u8 *)(env->user[arena] + page * page_size) = 0;
	}
}

static void maps_open(struct env *env)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	env->value_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fuzz_value", 4,
				       sizeof(struct value), 1, &opts);
	env->progs_fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "fuzz_progs", 4, 4, PROG_SLOTS,
				       NULL);
	if (env->value_fd < 0 || env->progs_fd < 0)
		die("cannot create a map: %s", strerror(errno));
	env->value = mmap(NULL, sizeof(struct value), PROT_READ | PROT_WRITE, MAP_SHARED,
			  env->value_fd, 0);
	if (env->value == MAP_FAILED)
		die("cannot map the array: %s", strerror(errno));
}

void env_open(struct env *env, u64 seed, u64 number)
{
	struct rng rng;
	u32 arena;

	rng_seed(&rng, seed + 2, number);
	memset(env, 0, sizeof(*env));
	env->pages = 1 + rng_below(&rng, 20);
	for (arena = 0; arena < ARENAS; arena++) {
		arena_open(env, arena, &rng);
		arena_populate(env, arena, &rng);
	}
	maps_open(env);
}

void env_close(struct env *env)
{
	u32 arena;

	munmap(env->value, sizeof(struct value));
	close(env->value_fd);
	close(env->progs_fd);
	for (arena = 0; arena < ARENAS; arena++) {
		munmap(env->user[arena], (size_t)env->pages * page_size);
		close(env->arena_fd[arena]);
	}
}

/* ---- loading ---- */

#define BTF_STRINGS	"\0int\0f"
#define TYPE_INT	1
#define TYPE_PROTO	2
#define TYPE_FUNC	3

static int load_btf(void)
{
	static struct {
		struct btf_header header;
		struct btf_type integer;
		u32 encoding;
		struct btf_type proto, func;
		char strings[sizeof(BTF_STRINGS)];
	} __attribute__((packed)) btf = {
		.header = {
			.magic = BTF_MAGIC, .version = BTF_VERSION,
			.hdr_len = sizeof(struct btf_header),
			.type_len = 3 * sizeof(struct btf_type) + 4,
			.str_off = 3 * sizeof(struct btf_type) + 4,
			.str_len = sizeof(BTF_STRINGS),
		},
		.integer = { 1, BTF_KIND_INT << 24, { 4 } },
		.encoding = BTF_INT_SIGNED << 24 | 32,
		.proto = { 0, BTF_KIND_FUNC_PROTO << 24, { TYPE_INT } },
		.func = { 5, BTF_KIND_FUNC << 24, { TYPE_PROTO } },
		.strings = BTF_STRINGS,
	};
	static int fd = -1;

	if (fd < 0)
		fd = bpf_btf_load(&btf, sizeof(btf), NULL);
	if (fd < 0)
		die("cannot load BTF: %s", strerror(errno));
	return fd;
}

static u32 func_infos(const struct program *prog, struct bpf_func_info *infos)
{
	static bool starts[MAX_INSNS];
	u32 i, n = 0;

	memset(starts, 0, sizeof(starts));
	starts[0] = true;
	for (i = 0; i < prog->len; i++) {
		if (insn_is_func_ref(&prog->insn[i]))
			starts[i + 1 + prog->insn[i].imm] = true;
		i += insn_is_wide(&prog->insn[i]);
	}
	for (i = 0; i < prog->len; i++)
		if (starts[i])
			infos[n++] = (struct bpf_func_info){ .insn_off = i, .type_id = TYPE_FUNC };
	return n;
}

static void resolve_maps(struct bpf_insn *insn, u32 len, const struct env *env, u32 arena)
{
	u32 i;

	for (i = 0; i < len; i++) {
		if (!insn_is_wide(&insn[i]))
			continue;
		if (insn[i].src_reg == BPF_PSEUDO_MAP_FD || insn[i].src_reg == BPF_PSEUDO_MAP_VALUE)
			insn[i].imm = insn[i].imm == MAP_ARENA ? env->arena_fd[arena] :
				insn[i].imm == MAP_VALUE ? env->value_fd : env->progs_fd;
		i++;
	}
}

static void interrupt_load(int signal)
{
}

/* The verifier looks for signals. Some loops take it minutes, to be refused then. */
static void limit_load(u32 seconds)
{
	struct sigaction action = { .sa_handler = interrupt_load };
	struct itimerval timer = { .it_value.tv_sec = seconds };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static int load_program(const struct program *prog, const struct env *env, u32 mode, char *log,
			size_t log_size)
{
	static struct bpf_func_info infos[MAX_FUNCS + 1];
	static struct bpf_insn insn[MAX_INSNS];
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .log_buf = log, .log_size = log_size, .log_level = log ? 1 : 0, .attempts = 1);
	int fd;

	memcpy(insn, prog->insn, prog->len * sizeof(*insn));
	resolve_maps(insn, prog->len, env, prog->arena);
	opts.prog_btf_fd = load_btf();
	opts.func_info = infos;
	opts.func_info_cnt = func_infos(prog, infos);
	opts.func_info_rec_size = sizeof(*infos);
	if (mode & MODE_RND_HI32)
		opts.prog_flags = BPF_F_TEST_RND_HI32;
	limit_load(LOAD_SECONDS);
	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "fuzz", "GPL", insn, prog->len, &opts);
	limit_load(0);
	return fd;
}

static int enter_program(const struct env *env, u32 i)
{
	if (!i || !bpf_map_update_elem(env->progs_fd, &i, &prog_fd[i], BPF_ANY))
		return 0;
	die("cannot put a program into the array: %s", strerror(errno));
}

/*
 * Returns 0, or -errno if the kernel refused a program; then @log, which may be NULL,
 * says why, and nothing is loaded.
 */
int kernel_load(const struct bundle *bundle, const struct env *env, char *log, size_t log_size)
{
	char harden = bundle->mode & MODE_BLIND ? '2' : '0';
	u32 i;

	if (harden != harden_is)
		sysctl_harden(harden);
	for (i = 0; i < bundle->progs; i++) {
		int fd = load_program(&bundle->prog[i], env, bundle->mode, log, log_size);

		if (fd < 0) {
			kernel_unload(env);
			return fd;
		}
		prog_fd[progs_loaded++] = fd;
		enter_program(env, i);
	}
	return 0;
}

void kernel_unload(const struct env *env)
{
	u32 i;

	for (i = 0; i < progs_loaded; i++) {
		if (i)
			bpf_map_delete_elem(env->progs_fd, &i);
		close(prog_fd[i]);
	}
	progs_loaded = 0;
}

/* ---- running ---- */

static void copy_pages(const struct env *env, struct state *state, bool to_arena)
{
	u32 arena, page;

	for (arena = 0; arena < ARENAS; arena++) {
		for (page = 0; page < env->pages; page++) {
			u8 *user = env->user[arena] + page * page_size;
			u8 *mem = state->mem[arena] + page * page_size;

			if (env->present[arena][page])
				memcpy(to_arena ? user : mem, to_arena ? mem : user, page_size);
		}
	}
}

/*
 * Whether what the program did may be compared: after 250 ms may_goto loops end, and
 * the interpreter does not know when that is.
 */
bool kernel_run(const struct env *env, struct state *state)
{
	u8 packet[PACKET];
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		    .data_in = packet, .data_size_in = sizeof(packet), .repeat = 1);
	u32 i;

	for (i = 0; i < PACKET; i++)
		packet[i] = packet_byte(i);
	copy_pages(env, state, true);
	*env->value = state->value;
	if (bpf_prog_test_run_opts(prog_fd[0], &opts))
		die("cannot run a program: %s", strerror(errno));
	copy_pages(env, state, false);
	state->value = *env->value;
	state->ret = opts.retval;
	return opts.duration < MAY_GOTO_NS;
}
