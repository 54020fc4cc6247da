/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARENA_KV_NET_H
#define ARENA_KV_NET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "server.h"

/**
 * net_open() - listen
 * @server: event base and root are set
 *
 * Return: 0, or -1 after a message.
 */
int net_open(struct server *server);

/**
 * net_serves() - whether a UDP socket takes what is sent to an address
 * @addr: IPv4 or IPv6 address of this machine
 *
 * Return: false when -l excludes it.
 */
bool net_serves(const struct sockaddr *addr);

/**
 * net_close() - close all sockets and connections
 */
void net_close(void);

#endif
