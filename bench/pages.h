/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __PAGES_H
#define __PAGES_H

/* Rounds that a program of pages.bpf.c can do in one run */
#define PAGES_MAX_OPS 1000

#endif
