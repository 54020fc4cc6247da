/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARENA_KV_TCP_H
#define ARENA_KV_TCP_H

#include <event2/listener.h>

/* evconnlistener_cb; @arg is the server */
void tcp_accept(struct evconnlistener *listener, evutil_socket_t fd,
		struct sockaddr *addr, int len, void *arg);

/* Closes all connections. */
void tcp_close(void);

#endif
