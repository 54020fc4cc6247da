// SPDX-License-Identifier: GPL-2.0
/*
 * The sockets that the server listens on.
 */
#include <errno.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"
#include "tcp.h"
#include "udp.h"

#define SOCKETS_MAX	32
#define BACKLOG		1024
#define UDP_BUFFER	(4 << 20)

static struct event *udp_events[SOCKETS_MAX];
static struct evconnlistener *listeners[SOCKETS_MAX];
static int nr_udp, nr_tcp;

static int fail(const char *what, const char *address, unsigned short port)
{
	fprintf(stderr, "arena_kvd: %s %s port %u: %s\n", what,
		address ? address : "*", port, strerror(errno));
	return -1;
}

/* An IPv6 socket takes IPv6 only, so that * can have one of each family. */
static int open_socket(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
			ai->ai_protocol);
	int one = 1, size = UDP_BUFFER;

	if (fd < 0)
		return -1;
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (ai->ai_socktype == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	else
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen))
		return fd;
	close(fd);
	return -1;
}

static int add_udp(struct server *server, int fd)
{
	struct event *event = event_new(server->base, fd, EV_READ | EV_PERSIST,
					udp_read, NULL);

	if (!event || event_add(event, NULL))
		return -1;
	udp_events[nr_udp++] = event;
	return 0;
}

static int add_tcp(struct server *server, int fd)
{
	listeners[nr_tcp] = evconnlistener_new(server->base, tcp_accept, server,
					       LEV_OPT_CLOSE_ON_FREE, BACKLOG,
					       fd);
	if (!listeners[nr_tcp])
		return -1;
	nr_tcp++;
	return 0;
}

/* Families that the machine does not have are passed over. */
static int listen_each(struct server *server, const struct addrinfo *ai)
{
	int fd, opened = 0;

	for (; ai; ai = ai->ai_next) {
		if (nr_udp == SOCKETS_MAX || nr_tcp == SOCKETS_MAX) {
			errno = ENFILE;
			return -1;
		}
		fd = open_socket(ai);
		if (fd < 0 && errno == EAFNOSUPPORT)
			continue;
		if (fd < 0)
			return -1;
		if (ai->ai_socktype == SOCK_STREAM ? add_tcp(server, fd) :
						     add_udp(server, fd)) {
			close(fd);
			return -1;
		}
		opened++;
	}
	if (!opened)
		errno = EAFNOSUPPORT;
	return opened ? 0 : -1;
}

static int listen_on(struct server *server, const char *address, int type,
		     unsigned short port)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = type };
	struct addrinfo *found;
	char service[8];
	int err;

	if (!port)
		return 0;
	snprintf(service, sizeof(service), "%u", port);
	err = getaddrinfo(address, service, &hints, &found);
	if (err) {
		fprintf(stderr, "arena_kvd: -l %s: %s\n", address,
			gai_strerror(err));
		return -1;
	}
	err = listen_each(server, found);
	if (err)
		fail(type == SOCK_STREAM ? "TCP" : "UDP", address, port);
	freeaddrinfo(found);
	return err;
}

static int listen_address(struct server *server, const char *address)
{
	if (listen_on(server, address, SOCK_STREAM, server->opt.tcp_port))
		return -1;
	return listen_on(server, address, SOCK_DGRAM, server->opt.udp_port);
}

int net_open(struct server *server)
{
	char *list, *rest, *address;
	int err = 0;

	if (udp_init(server))
		return fail("buffers", NULL, 0);
	if (!server->opt.listen)
		return listen_address(server, NULL);

	list = strdup(server->opt.listen);
	if (!list)
		return fail("listen", NULL, 0);
	for (rest = list; !err && (address = strsep(&rest, ",")); )
		err = listen_address(server, address);
	free(list);
	return err;
}

/* A socket bound to the wildcard takes all addresses of its family. */
static bool bound_to(int fd, const struct sockaddr *addr)
{
	static const struct in6_addr any6 = IN6ADDR_ANY_INIT;
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} bound;
	socklen_t len = sizeof(bound);
	const struct in6_addr *v6 = &((struct sockaddr_in6 *)addr)->sin6_addr;
	in_addr_t v4 = ((struct sockaddr_in *)addr)->sin_addr.s_addr;

	if (getsockname(fd, &bound.sa, &len) ||
	    bound.sa.sa_family != addr->sa_family)
		return false;
	if (addr->sa_family == AF_INET)
		return bound.v4.sin_addr.s_addr == INADDR_ANY ||
		       bound.v4.sin_addr.s_addr == v4;
	return !memcmp(&bound.v6.sin6_addr, &any6, sizeof(any6)) ||
	       !memcmp(&bound.v6.sin6_addr, v6, sizeof(*v6));
}

bool net_serves(const struct sockaddr *addr)
{
	int i;

	for (i = 0; i < nr_udp; i++)
		if (bound_to(event_get_fd(udp_events[i]), addr))
			return true;
	return false;
}

void net_close(void)
{
	while (nr_tcp)
		evconnlistener_free(listeners[--nr_tcp]);
	while (nr_udp) {
		close(event_get_fd(udp_events[--nr_udp]));
		event_free(udp_events[nr_udp]);
	}
	tcp_close();
	udp_close();
}
