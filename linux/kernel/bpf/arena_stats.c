// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be seen of a BPF arena: memory, faults, allocations that failed
 *
 * Nothing here costs a program anything as long as nothing goes wrong: faults
 * are counted by the exception handler, failures where they are returned.
 */
#include <linux/bpf_stream.h>
#include <linux/filter.h>
#include <linux/seq_file.h>
#include "arena.h"

#define CREATE_TRACE_POINTS
#include <trace/events/bpf_arena.h>

/* Programs at the tracepoint may fault as well. */
static DEFINE_PER_CPU(int, arena_faults_traced);

static void arena_fault_trace(const struct bpf_arena *arena,
			      const struct bpf_prog_aux *aux, u64 uaddr,
			      enum bpf_arena_access access, unsigned long ip)
{
	if (aux->main_prog_aux)
		aux = aux->main_prog_aux;
	preempt_disable_notrace();
	if (this_cpu_inc_return(arena_faults_traced) == 1)
		trace_bpf_arena_fault(arena->map.id, aux->id, uaddr, access, ip);
	this_cpu_dec(arena_faults_traced);
	preempt_enable_notrace();
}

/* A loop may fault a million times: nothing is called while no report is made. */
static void arena_fault_report(const struct bpf_prog_aux *aux, u64 uaddr,
			       enum bpf_arena_access access, unsigned long ip,
			       bool is_call)
{
	if (bpf_stream_takes_report(aux->streams, BPF_REPORT_FAULT))
		bpf_stream_report_fault(aux, ip, uaddr, access, is_call);
	else
		bpf_stream_leave_out(aux->streams);
}

/*
 * The user address has the low half that the program used, its offset included. What
 * lies in a guard is less than 36 KiB before or behind the 4 GiB that begin where
 * user_vm_start was rounded down to.
 */
static void arena_fault_note(unsigned long ip, unsigned long kaddr,
			     enum bpf_arena_access access, bool is_call)
{
	const struct bpf_prog *prog;
	struct bpf_arena *arena;
	u64 uaddr;

	rcu_read_lock();
	prog = bpf_prog_ksym_find(ip - is_call);
	arena = prog ? prog->aux->arena : NULL;
	if (arena) {
		uaddr = round_down(arena->user_vm_start, SZ_4G) +
			kaddr - arena->kern_vm_start;
		atomic64_inc(&arena->faults);
		WRITE_ONCE(arena->last_fault, uaddr);
		if (trace_bpf_arena_fault_enabled())
			arena_fault_trace(arena, prog->aux, uaddr, access, ip - is_call);
		arena_fault_report(prog->aux, uaddr, access, ip, is_call);
	}
	rcu_read_unlock();
}

/**
 * bpf_arena_fault() - count, trace and report a program's access to an absent page
 * @ip: instruction that has faulted, in a JIT compiled function of a program
 * @kaddr: address that it accesses, in the kernel window or its guards
 * @access: what it does there
 *
 * Context: exception handler, in whatever context the program runs.
 */
void bpf_arena_fault(unsigned long ip, unsigned long kaddr,
		     enum bpf_arena_access access)
{
	arena_fault_note(ip, kaddr, access, false);
}

/**
 * bpf_arena_fault_in_call() - the same for an access that a helper makes for a program
 * @ip: where the helper returns to, in the program
 * @kaddr: address that it accesses, in the kernel window or its guards
 * @access: what it does there
 *
 * Context: any that programs run in.
 */
void bpf_arena_fault_in_call(unsigned long ip, unsigned long kaddr,
			     enum bpf_arena_access access)
{
	arena_fault_note(ip, kaddr, access, true);
}

static const struct {
	int err;
	const char *name;
} arena_failures[ARENA_FAILURES] = {
	[ARENA_FAILED_ARGS]	= { -EINVAL, "args" },
	[ARENA_FAILED_ADDR]	= { -EBUSY, "addr" },
	[ARENA_FAILED_MEM]	= { -ENOMEM, "mem" },
	[ARENA_FAILED_COUNT]	= { -E2BIG, "count" },
	[ARENA_FAILED_POOL]	= { -ENOBUFS, "pool" },
	[ARENA_FAILED_TABLE]	= { -ENOENT, "table" },
	[ARENA_FAILED_KILLED]	= { -EINTR, "killed" },
};

/* An allocation has failed. Any context. */
void arena_note_failure(struct bpf_arena *arena, int err)
{
	u32 i;

	for (i = 0; i < ARENA_FAILURES; i++)
		if (arena_failures[i].err == err)
			atomic64_inc(&arena->failed[i]);
}

/* Bytes that are in use: what the pool has is on a line of its own */
u64 arena_map_mem_usage(const struct bpf_map *map)
{
	const struct bpf_arena *arena = container_of(map, struct bpf_arena, map);

	return (u64)arena_pages_count(arena, NULL) << PAGE_SHIFT;
}

void arena_map_show_fdinfo(const struct bpf_map *map, struct seq_file *m)
{
	const struct bpf_arena *arena = container_of(map, struct bpf_arena, map);
	const struct arena_pool *pool = READ_ONCE(arena->pool);
	u64 revived;
	u32 i;

	seq_printf(m, "user_vm_start:\t%#llx\n", bpf_arena_user_vm_start(arena));
	seq_printf(m, "pages:\t%u\n", arena_pages_count(arena, &revived));
	seq_printf(m, "revived:\t%llu\n", revived);
	seq_printf(m, "faults:\t%llu\n", atomic64_read(&arena->faults));
	seq_printf(m, "last_fault:\t%#llx\n", READ_ONCE(arena->last_fault));
	for (i = 0; i < ARENA_FAILURES; i++)
		seq_printf(m, "failed_%s:\t%llu\n", arena_failures[i].name,
			   atomic64_read(&arena->failed[i]));
	seq_printf(m, "pool_pages:\t%u\n", pool ? atomic_read(&pool->ready) : 0);
	seq_printf(m, "pool_target:\t%u\n", pool ? READ_ONCE(pool->target) : 0);
	seq_printf(m, "pool_hits:\t%llu\n", pool ? atomic64_read(&pool->hits) : 0);
	seq_printf(m, "pool_misses:\t%llu\n", pool ? atomic64_read(&pool->misses) : 0);
}
