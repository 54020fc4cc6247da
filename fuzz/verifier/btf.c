// SPDX-License-Identifier: GPL-2.0
/*
 * BTF of a program's functions
 *
 *	int		a scalar of 32 bits
 *	long		one of 64
 *	long *		memory
 *	struct xdp_md *, ...	the context of the program's type
 *	int f0(...)	one for each function, in order, with the tag arg:arena on arguments
 *
 * Types come first, so that function i has an id that follows from i.
 */
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include "verifier.h"

enum { INT = 1, LONG, MEM, CTX_STRUCT, CTX, FIRST_PROTO };

static const char *ctx_name(uint32_t type)
{
	switch (type) {
	case BPF_PROG_TYPE_XDP: return "xdp_md";
	case BPF_PROG_TYPE_SCHED_CLS: case BPF_PROG_TYPE_SOCKET_FILTER: return "__sk_buff";
	case BPF_PROG_TYPE_RAW_TRACEPOINT: return "bpf_raw_tracepoint_args";
	default: return "context";
	}
}

static int arg_type(enum arg arg)
{
	switch (arg) {
	case ARG_INT: return INT;
	case ARG_LONG: return LONG;
	case ARG_CTX: case ARG_CTX_ARENA: return CTX;
	default: return MEM;
	}
}

static void add_types(struct btf *btf, uint32_t type)
{
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	btf__add_ptr(btf, LONG);
	btf__add_struct(btf, ctx_name(type), 4);
	btf__add_field(btf, "first", INT, 0, 0);
	btf__add_ptr(btf, CTX_STRUCT);
}

static void add_func(struct btf *btf, const struct func *f, uint32_t i)
{
	int proto = btf__add_func_proto(btf, INT);
	char name[16];
	uint32_t arg;

	for (arg = 0; arg < f->nr_args; arg++) {
		snprintf(name, sizeof(name), "arg%u", arg);
		btf__add_func_param(btf, name, arg_type(f->args[arg]));
	}
	snprintf(name, sizeof(name), "f%u", i);
	btf__add_func(btf, name, f->global ? BTF_FUNC_GLOBAL : BTF_FUNC_STATIC, proto);
}

static bool is_arena(enum arg arg)
{
	return arg == ARG_ARENA || arg == ARG_CTX_ARENA;
}

uint32_t btf_func_id(uint32_t i)
{
	return FIRST_PROTO + 2 * i + 1;
}

/* A file descriptor of it */
int btf_load(const struct code *c)
{
	struct btf *btf = btf__new_empty();
	uint32_t i, arg, size;
	const void *raw;
	int fd;

	add_types(btf, c->type);
	for (i = 0; i < c->nr_funcs; i++)
		add_func(btf, &c->funcs[i], i);
	for (i = 0; i < c->nr_funcs; i++)
		for (arg = 0; arg < c->funcs[i].nr_args; arg++)
			if (is_arena(c->funcs[i].args[arg]))
				btf__add_decl_tag(btf, "arg:arena", btf_func_id(i), arg);
	raw = btf__raw_data(btf, &size);
	fd = bpf_btf_load(raw, size, NULL);
	if (fd < 0)
		fuzz_die("cannot load BTF: %m");
	btf__free(btf);
	return fd;
}
