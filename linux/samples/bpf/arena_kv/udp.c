// SPDX-License-Identifier: GPL-2.0
/*
 * UDP: each datagram is a session of its own, which ends with it. An answer is
 * cut into datagrams of KV_UDP_MAX bytes, numbered in their frame headers.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net.h"
#include "proto.h"
#include "udp.h"

#define BATCH		64	/* datagrams before others get their turn */
#define DATAGRAM_MAX	65536

static struct proto_session session;

/* The rest of a command that was cut off, and of an answer that is too long. */
static void end_session(struct kv_frame frame)
{
	if (frame.total != htons(1)) {
		proto_error(&session,
			    "SERVER_ERROR multi-packet request not supported");
	} else if (evbuffer_get_length(session.out) > PROTO_OUT_MAX) {
		evbuffer_drain(session.out, evbuffer_get_length(session.out));
		proto_error(&session, "SERVER_ERROR answer too long for UDP");
	} else if (session.state != PROTO_CLOSE && !proto_idle(&session)) {
		proto_error(&session, "CLIENT_ERROR incomplete request");
	}
	evbuffer_drain(session.in, evbuffer_get_length(session.in));
	session.state = PROTO_COMMAND;
	session.skip = 0;
}

/* What cannot be sent is lost: this is UDP. */
static void send_answer(int fd, struct kv_frame frame, struct sockaddr *to,
			socklen_t to_len)
{
	size_t left = evbuffer_get_length(session.out);
	char datagram[KV_UDP_MAX];
	int seq, size;

	frame.total = htons((left + KV_UDP_TEXT_MAX - 1) / KV_UDP_TEXT_MAX);
	frame.reserved = 0;
	for (seq = 0; evbuffer_get_length(session.out); seq++) {
		frame.seq = htons(seq);
		memcpy(datagram, &frame, sizeof(frame));
		size = evbuffer_remove(session.out, datagram + sizeof(frame),
				       KV_UDP_TEXT_MAX);
		if (sendto(fd, datagram, sizeof(frame) + size, 0, to, to_len) < 0 &&
		    session.server->opt.verbose)
			perror("arena_kvd: sendto");
		session.server->root->stats.bytes_written += size;
	}
}

static bool answer_one(int fd)
{
	static char datagram[DATAGRAM_MAX];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	struct kv_frame frame;
	ssize_t size;

	size = recvfrom(fd, datagram, sizeof(datagram), MSG_DONTWAIT,
			(struct sockaddr *)&from, &from_len);
	if (size < 0)
		return false;
	if (size <= (ssize_t)sizeof(frame))
		return true;	/* no request id to answer to */
	memcpy(&frame, datagram, sizeof(frame));
	session.server->root->stats.bytes_read += size;

	if (frame.total == htons(1)) {
		evbuffer_add(session.in, datagram + sizeof(frame),
			     size - sizeof(frame));
		proto_run(&session);
	}
	end_session(frame);
	send_answer(fd, frame, (struct sockaddr *)&from, from_len);
	return true;
}

void udp_read(evutil_socket_t fd, short what, void *arg)
{
	int i;

	for (i = 0; i < BATCH && answer_one(fd); i++)
		;
}

int udp_init(struct server *server)
{
	session.server = server;
	session.in = evbuffer_new();
	session.out = evbuffer_new();
	return session.in && session.out ? 0 : -1;
}

void udp_close(void)
{
	if (session.in)
		evbuffer_free(session.in);
	if (session.out)
		evbuffer_free(session.out);
}
