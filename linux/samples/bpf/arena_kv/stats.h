/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ARENA_KV_STATS_H
#define ARENA_KV_STATS_H

#include <event2/buffer.h>

#include "server.h"

/**
 * stats_print() - answer the stats command
 * @server: the server
 * @out: where to
 */
void stats_print(const struct server *server, struct evbuffer *out);

/**
 * stats_reset() - set to zero what counts events, not what counts things
 * @root: the store
 */
void stats_reset(struct kv_root *root);

#endif
