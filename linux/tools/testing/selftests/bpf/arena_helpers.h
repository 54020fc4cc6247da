/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of arenas have in common: making and mapping an arena,
 * touching memory that may not be there, and having a program do one thing.
 */
#ifndef __ARENA_HELPERS_H
#define __ARENA_HELPERS_H

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <test_progs.h>
#include "arena_ops.h"

/* not in every libc's headers */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define GiB (1ULL << 30)

/*
 * An address for map_extra that the kernel never chooses by itself, and that
 * user space has even where addresses are of 39 bits.
 */
#define ARENA_BASE (0x12ULL << 32)

static inline size_t arena_bytes(__u32 pages)
{
	return (size_t)pages * getpagesize();
}

static inline int arena_create(__u32 pages, __u32 flags, __u64 base)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		.map_flags = BPF_F_MMAPABLE | flags,
		.map_extra = base,
	);

	return bpf_map_create(BPF_MAP_TYPE_ARENA, "arena", 0, 0, pages, &opts);
}

static inline void *arena_mmap(int fd, __u32 pages)
{
	return mmap(NULL, arena_bytes(pages), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* at base, which is that of the arena */
static inline void *arena_mmap_at(int fd, __u32 pages, __u64 base)
{
	return mmap((void *)base, arena_bytes(pages), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
}

static sigjmp_buf arena_touch_env;
static siginfo_t arena_touch_info; /* of the last signal */

static inline void arena_touch_fault(int sig, siginfo_t *info, void *unused)
{
	arena_touch_info = *info;
	siglongjmp(arena_touch_env, sig);
}

/* Read, or write, a byte of memory: 0 or the signal that this brought about */
static inline int arena_touch(volatile char *p, bool write)
{
	struct sigaction sa = { .sa_sigaction = arena_touch_fault, .sa_flags = SA_SIGINFO };
	struct sigaction segv, bus;
	int sig;

	sigaction(SIGSEGV, &sa, &segv);
	sigaction(SIGBUS, &sa, &bus);
	sig = sigsetjmp(arena_touch_env, 1);
	if (!sig) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return sig;
}

static inline int arena_read(volatile void *p)
{
	return arena_touch(p, false);
}

static inline int arena_write(volatile void *p)
{
	return arena_touch(p, true);
}

/* What a program returns; all but system calls are given a packet */
static inline int arena_run(const struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	char pkt[64] = {};

	if (bpf_program__type(prog) != BPF_PROG_TYPE_SYSCALL) {
		opts.data_in = pkt;
		opts.data_size_in = sizeof(pkt);
	}
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), bpf_program__name(prog));
	return opts.retval;
}

/* Have one of the programs in progs/arena_ops.c do what op says, for its result */
static inline __u64 arena_run_op(const struct bpf_program *prog, struct arena_op op)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.ctx_in = &op,
		.ctx_size_in = sizeof(op),
	);

	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), bpf_program__name(prog));
	return op.ret;
}

/* Again and again, as long as it gets on: how many of op.cnt it has done */
static inline __u64 arena_run_op_all(const struct bpf_program *prog, struct arena_op op)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.ctx_in = &op,
		.ctx_size_in = sizeof(op),
	);
	__u64 before;

	do {
		before = op.ret;
		ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts),
			  bpf_program__name(prog));
	} while (op.ret < op.cnt && op.ret > before);
	return op.ret;
}

/* What fdinfo says of a map; -1 if there is no such line */
static inline long long arena_fdinfo(int fd, const char *key)
{
	long long val = -1;
	char line[128], path[64];
	size_t len = strlen(key);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!ASSERT_OK_PTR(f, "fdinfo"))
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, len) && line[len] == ':')
			val = strtoll(line + len + 1, NULL, 0);
	fclose(f);
	return val;
}

/* So often a test looks, each 10 ms, for what the worker or another CPU is about to do: half
 * a minute, since each flush of other CPUs' TLBs takes long where these are emulated and
 * the machine is busy
 */
#define ARENA_TRIES 3000

/* The same, when the worker may still be on its way to where it has to be val */
static inline void arena_fdinfo_becomes(int fd, const char *key, long long val,
					const char *what)
{
	long long now;
	int tries;

	/* it may not stay: what was seen once is not looked at again */
	for (tries = 0; (now = arena_fdinfo(fd, key)) != val && tries < ARENA_TRIES; tries++)
		usleep(10000);
	ASSERT_EQ(now, val, what);
}

/* What the pool has when nobody wants anything */
static inline long long arena_pool_min(void)
{
	return getpagesize() > 4096 ? 32 : 128;
}

/* Set a sysctl and return its old value, or -1 */
static inline int arena_sysctl(const char *path, int val)
{
	int old = -1;
	FILE *f;

	f = fopen(path, "r+");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &old) != 1)
		old = -1;
	rewind(f);
	if (fprintf(f, "%d\n", val) < 0 || fflush(f))
		old = -1;
	fclose(f);
	return old;
}

#define JIT_ENABLE "/proc/sys/net/core/bpf_jit_enable"
#define JIT_HARDEN "/proc/sys/net/core/bpf_jit_harden"

#endif
