/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __ARENA_HELPERS_MEM_H
#define __ARENA_HELPERS_MEM_H

/* What a call may access of an arena */
#define MEM_MAX 32768

/* ... where it is copied to the kernel's stack first */
#define SNAPSHOT_MAX 512

#define KEY_SIZE 40
#define VALUE_SIZE 200

#endif
