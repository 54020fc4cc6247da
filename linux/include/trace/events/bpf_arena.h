/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM bpf_arena

#if !defined(_TRACE_BPF_ARENA_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_BPF_ARENA_H

#include <linux/bpf_arena.h>
#include <linux/tracepoint.h>

/* An access of a program to a page that is not there; see bpf_arena_fault(). */
TRACE_EVENT(bpf_arena_fault,

	TP_PROTO(u32 map_id, u32 prog_id, u64 uaddr, enum bpf_arena_access access,
		 unsigned long ip),

	TP_ARGS(map_id, prog_id, uaddr, access, ip),

	TP_STRUCT__entry(
		__field(u32, map_id)
		__field(u32, prog_id)
		__field(u64, uaddr)
		__field(u32, access)
		__field(unsigned long, ip)
	),

	TP_fast_assign(
		__entry->map_id = map_id;
		__entry->prog_id = prog_id;
		__entry->uaddr = uaddr;
		__entry->access = access;
		__entry->ip = ip;
	),

	TP_printk("map_id=%u prog_id=%u uaddr=%#llx access=%s ip=%pS",
		  __entry->map_id, __entry->prog_id, __entry->uaddr,
		  __print_symbolic(__entry->access,
				   { BPF_ARENA_READ, "read" },
				   { BPF_ARENA_WRITE, "write" },
				   { BPF_ARENA_ATOMIC, "atomic" }),
		  (void *)__entry->ip)
);

#endif

#include <trace/define_trace.h>
