/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARENA_KV_UDP_H
#define ARENA_KV_UDP_H

#include <event2/event.h>

#include "server.h"

/* Makes the session's buffers; -1 for want of memory. */
int udp_init(struct server *server);

/* event_callback_fn of the sockets */
void udp_read(evutil_socket_t fd, short what, void *arg);

void udp_close(void);

#endif
