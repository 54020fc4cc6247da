/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memcached's ASCII protocol on a pair of buffers, wherever they lead.
 */
#ifndef ARENA_KV_PROTO_H
#define ARENA_KV_PROTO_H

#include <event2/buffer.h>
#include <stdbool.h>

#include "server.h"
#include "store.h"

enum proto_state {
	PROTO_COMMAND,		/* a command line comes next */
	PROTO_KEYS,		/* the rest of a line of keys to get */
	PROTO_VALUE,		/* a value to store */
	PROTO_CLOSE,		/* nothing any more */
};

struct proto_session {
	struct server *server;
	struct evbuffer *in;
	struct evbuffer *out;
	enum proto_state state;
	size_t skip;		/* bytes of input to throw away first */
	bool noreply;

	/* PROTO_KEYS */
	size_t line_left;	/* bytes, with the newline */
	bool with_cas;
	bool touch;		/* it is a gat: value.expires is set */

	/* PROTO_VALUE */
	enum store_op op;
	char key[KV_KEY_MAX];
	size_t key_len;
	struct store_value value;
};

/**
 * proto_run() - answer what has come in
 * @session: buffers and server are set
 *
 * Ends when the input does not suffice for the next step, when the output is
 * longer than PROTO_OUT_MAX (call it again when that was sent), or when the
 * connection is to be closed.
 */
void proto_run(struct proto_session *session);

/**
 * proto_idle() - whether the session is between two commands
 * @session: any
 *
 * Return: false when it is inside one, or has input left.
 */
bool proto_idle(const struct proto_session *session);

/**
 * proto_error() - send a line of the protocol's whatever the state
 * @session: any
 * @line: without line end
 */
void proto_error(struct proto_session *session, const char *line);

/* Keys may ask for more than memory holds: a pause ends at this many bytes. */
#define PROTO_OUT_MAX	(1 << 20)

#endif
