/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __ARENA_FAULT_H
#define __ARENA_FAULT_H

/* Where progs/arena_fault.c touches pages that are not there */
enum {
	FAULT_SUBPROG,
	FAULT_LOOP,
	FAULT_FOR_EACH,
	FAULT_TIMER,
	FAULT_TAIL,
	FAULT_OTHER,
	FAULT_TC,
	FAULT_SOCKET,
	FAULT_SYSCALL,
	FAULT_RAW_TP,
	FAULT_XDP,
	FAULT_CGROUP,
	FAULT_FENTRY,
	FAULT_FEXIT,
	FAULT_KPROBE,
	FAULT_TP,
	FAULT_PLACES
};

#endif
