// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for xdp.c: the server on anonymous memory. It tests everything but
 * the arena where there is no kernel with arenas; it is no way to run a server.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "../server.h"
#include "../store.h"

#define READERS 4

int arena_open(struct server *server)
{
	size_t size = (size_t)server->opt.megabytes << 20;
	void *arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (arena == MAP_FAILED) {
		perror("mmap");
		return -1;
	}
	server->root = arena;
	return store_init(server->root, size, server->opt.item_max,
			  !server->opt.no_evict, READERS);
}

int arena_attach(struct server *server)
{
	return 0;
}

void arena_detach(void)
{
}

void arena_close(void)
{
}
