/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the launcher share. Each says what it is for. */
#ifndef ARENA_MEMCACHED_LAUNCH_H
#define ARENA_MEMCACHED_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>

#include "arena_heap.h"
#include "layout.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define EXIT_FAILED 125	/* the launcher's own failures, as arena-heap has it */

struct options {
	const char *iface;	/* -x */
	const char *pin;
	const char *mib;
	unsigned int mtu;	/* 0: the device's counts alone */
	const char *stats;
	const char *program;	/* memcached */
	bool require;
	bool only_says;		/* -V, -i: memcached prints something and ends */
	const char *why_not;	/* which option rules acceleration out, if any */
	const char *port;	/* -U */
	char **listen;		/* -l, each address; up to a NULL */
	char **argv;		/* memcached's */
};

/* options.c */
void parse_options(int argc, char **argv, struct options *o);

/* arena.c: the arena as other processes than memcached see it */
struct arena {
	struct arena_heap_header *header;
	size_t size;
	struct mc_dir *dir;	/* NULL if there is none (yet) */
};

const char *arena_map(struct arena *arena, int fd);
bool arena_contains(const struct arena *arena, __u64 addr, size_t len);
void arena_find_dir(struct arena *arena);
int show_stats(const char *path);

/* xdp.c: returns the file descriptor of the link, or -1 after a message */
int xdp_attach(const struct options *o, const struct mc_layout *layout, int arena_fd);
/* For all who hold that link. Not 0: it cannot be done */
int xdp_detach(int link_fd);

/* probe.c: a process of its own, with these file descriptors */
#define ARENA_FD	3
#define LINK_FD		4	/* by which XDP is attached */

const struct mc_layout *find_layout(const char *version);
int probe_main(char **argv);

/* main.c */
void __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...);
void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...);

#endif
