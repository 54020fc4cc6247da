/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __ARENA_HELPERS_MEM_H
#define __ARENA_HELPERS_MEM_H

/* What a call may access of an arena */
#define MEM_MAX 32768

/* ... where it is copied to the kernel's stack first */
#define SNAPSHOT_MAX 512

#define KEY_SIZE 40
#define VALUE_SIZE 200

/* more than what is copied to the stack, beside a key that is */
#define BIG_SIZE 1000

/* a key and a value that fill that */
#define ODD_KEY_SIZE 41
#define ODD_VALUE_SIZE (SNAPSHOT_MAX - ODD_KEY_SIZE)

#define TRACE_LEN 50

#endif
