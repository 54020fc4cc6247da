/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARENA_KV_SERVER_H
#define ARENA_KV_SERVER_H

#include <event2/event.h>
#include <stdbool.h>
#include <time.h>

#include "layout.h"

/* Clients derive from it what they may ask for: it is memcached's. */
#define SERVER_VERSION "1.6.18"

struct server_options {
	const char *listen;	/* comma separated, NULL: any address */
	const char *user;
	const char *pidfile;
	const char *iface;	/* where XDP answers; NULL: nowhere */
	unsigned short tcp_port;	/* 0: none */
	unsigned short udp_port;
	unsigned int megabytes;
	unsigned int item_max;	/* bytes */
	unsigned int connections;
	int verbose;
	bool no_evict;
	bool daemonize;
};

struct server {
	struct server_options opt;
	struct kv_root *root;
	struct event_base *base;
	struct event *flush_timer;
	time_t started;
};

/**
 * arena_open() - get the arena that the store will lie in
 * @server: its options say how large; root is set
 *
 * Also loads the XDP program if an interface was asked for. There are two
 * implementations: xdp.c, and for tests of all the rest on machines without
 * arenas, anonymous memory.
 *
 * Return: 0, or -1 after a message.
 */
int arena_open(struct server *server);

/**
 * arena_attach() - let XDP answer from the store, which has to be complete
 * @server: open arena
 *
 * Return: 0, or -1 after a message.
 */
int arena_attach(struct server *server);

/**
 * arena_detach() - end what arena_attach() began
 */
void arena_detach(void);

/**
 * arena_close() - give up the arena, on which nobody may look any more
 */
void arena_close(void);

#endif
