/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __ARENA_STREAM_H
#define __ARENA_STREAM_H

/* What both sides of the test of streams have to know */

/* bytes of a long message, which are not a part of a stream's */
#define MESSAGE		300

#define MAX_CPUS	64
#define LINE_FORMAT	"cpu %3d line %9llu abcdefghijklmnopqrstuvwxyz0123456789\n"
#define LINE_BYTES	60

#endif
