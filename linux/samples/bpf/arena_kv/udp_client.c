// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "layout.h"
#include "udp_client.h"

int udp_client_open(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *ai;
	struct timeval second = { .tv_sec = 1 };
	int err, fd;

	err = getaddrinfo(host, port, &hints, &ai);
	if (err) {
		fprintf(stderr, "%s port %s: %s\n", host, port, gai_strerror(err));
		return -1;
	}
	fd = socket(ai->ai_family, SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second))) {
		fprintf(stderr, "%s port %s: %s\n", host, port, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}

long udp_client_ask(int fd, char *request, size_t len, __u16 reserved,
		    char *answer, size_t size)
{
	static __thread __u16 id;
	struct kv_frame frame = {
		.id = ++id, .total = htons(1), .reserved = htons(reserved),
	};
	struct iovec iov[2] = { { &frame, sizeof(frame) }, { answer, size } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t got;

	memcpy(request, &frame, sizeof(frame));
	if (send(fd, request, sizeof(frame) + len, 0) < 0)
		return -1;
	do {
		got = recvmsg(fd, &msg, 0);
	} while (got >= (ssize_t)sizeof(frame) && frame.id != id);
	return got < (ssize_t)sizeof(frame) ? -1 : got - (ssize_t)sizeof(frame);
}
