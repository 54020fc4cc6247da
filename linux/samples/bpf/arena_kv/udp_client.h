/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A memcached client over one UDP socket, for one request at a time.
 */
#ifndef ARENA_KV_UDP_CLIENT_H
#define ARENA_KV_UDP_CLIENT_H

#include <linux/types.h>
#include <stddef.h>

/**
 * udp_client_open() - make a connected socket
 * @host: name or address of the server
 * @port: its port
 *
 * Return: the socket, or -1 after a message.
 */
int udp_client_open(const char *host, const char *port);

/**
 * udp_client_ask() - send one request and wait for its answer
 * @fd: from udp_client_open()
 * @request: the text, after 8 bytes that are left for the frame header
 * @len: its length without those 8 bytes
 * @reserved: for the header's reserved field; servers ignore it
 * @answer: where the answer's text goes
 * @size: room there
 *
 * Late answers to requests that were given up are thrown away.
 *
 * Return: length of the answer, or -1 when none came within a second.
 */
long udp_client_ask(int fd, char *request, size_t len, __u16 reserved,
		    char *answer, size_t size);

#endif
