// SPDX-License-Identifier: GPL-2.0
/*
 * TCP: one protocol session on each connection's two buffers.
 *
 * A client that sends without reading what it is sent is no longer listened to
 * once its output is at PROTO_OUT_MAX, until that has gone out. A value that it
 * is sending makes its input buffer as long as the largest item at most.
 */
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "proto.h"

#define INPUT_MAX (64 << 10)	/* read ahead, beyond the value awaited */

struct connection {
	struct proto_session session;
	struct bufferevent *bev;
	struct connection *next, **link;
};

static struct connection *connections;

static struct kv_stats *stats_of(struct connection *conn)
{
	return &conn->session.server->root->stats;
}

static void conn_free(struct connection *conn)
{
	stats_of(conn)->curr_connections--;
	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	bufferevent_free(conn->bev);
	free(conn);
}

/* Input is limited, but a value has to fit in. */
static void limit_input(struct connection *conn)
{
	struct proto_session *s = &conn->session;
	size_t awaited = s->state == PROTO_VALUE ? s->value.len + 2 : 0;

	bufferevent_setwatermark(conn->bev, EV_READ, 0, awaited + 2 * INPUT_MAX);
}

static void conn_run(struct connection *conn)
{
	struct proto_session *s = &conn->session;
	size_t before = evbuffer_get_length(s->out);

	proto_run(s);
	stats_of(conn)->bytes_written += evbuffer_get_length(s->out) - before;
	limit_input(conn);

	if (s->state == PROTO_CLOSE || evbuffer_get_length(s->out) > PROTO_OUT_MAX)
		bufferevent_disable(conn->bev, EV_READ);
	else
		bufferevent_enable(conn->bev, EV_READ);
	if (s->state == PROTO_CLOSE && !evbuffer_get_length(s->out))
		conn_free(conn);
}

static void count_input(struct evbuffer *in, const struct evbuffer_cb_info *info,
			void *arg)
{
	stats_of(arg)->bytes_read += info->n_added;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	conn_run(arg);
}

/* All output is gone: go on with input that waited for this. */
static void on_written(struct bufferevent *bev, void *arg)
{
	conn_run(arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		conn_free(arg);
}

static void conn_new(struct server *server, evutil_socket_t fd)
{
	struct connection *conn = calloc(1, sizeof(*conn));
	struct bufferevent *bev = bufferevent_socket_new(server->base, fd,
							 BEV_OPT_CLOSE_ON_FREE);
	int one = 1;

	if (!conn || !bev) {
		free(conn);
		if (bev)
			bufferevent_free(bev);
		else
			close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	conn->bev = bev;
	conn->session.server = server;
	conn->session.in = bufferevent_get_input(bev);
	conn->session.out = bufferevent_get_output(bev);
	conn->next = connections;
	conn->link = &connections;
	if (conn->next)
		conn->next->link = &conn->next;
	connections = conn;
	stats_of(conn)->curr_connections++;
	stats_of(conn)->total_connections++;

	evbuffer_add_cb(conn->session.in, count_input, conn);
	bufferevent_setcb(bev, on_read, on_written, on_event, conn);
	limit_input(conn);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

void tcp_accept(struct evconnlistener *listener, evutil_socket_t fd,
		struct sockaddr *addr, int len, void *arg)
{
	static const char refusal[] = "ERROR Too many open connections\r\n";
	struct server *server = arg;
	struct kv_stats *stats = &server->root->stats;

	if (stats->curr_connections < server->opt.connections) {
		conn_new(server, fd);
		return;
	}
	stats->rejected_connections++;
	if (write(fd, refusal, sizeof(refusal) - 1) < 0 && server->opt.verbose)
		perror("arena_kvd: refusing a connection");
	close(fd);
}

void tcp_close(void)
{
	while (connections)
		conn_free(connections);
}
