// SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause)
/*
 * Preloaded before arena-heap's library: it does not get to take stdio's lock, so that a
 * thread can be stopped while it has that, and fork() waits for it inside the C library.
 */
void _IO_list_lock(void);
void _IO_list_unlock(void);

__attribute__((visibility("default"))) void _IO_list_lock(void)
{
}

__attribute__((visibility("default"))) void _IO_list_unlock(void)
{
}
