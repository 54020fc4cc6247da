// SPDX-License-Identifier: GPL-2.0
/*
 * The arena, and the XDP program that shares it.
 *
 * libbpf maps the arena when it loads the object; that puts the global kv at
 * its beginning, where the store grows from. The program is attached through a
 * link that this process alone holds: however the process ends, be it by
 * SIGKILL, the kernel detaches the program and frees the arena.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "layout.h"
#include "arena_kv.skel.h"
#include "net.h"
#include "store.h"

static struct arena_kv_bpf *skel;

static int fail(const char *what, int err)
{
	fprintf(stderr, "arena_kvd: %s: %s\n", what, strerror(err));
	return -1;
}

int arena_open(struct server *server)
{
	const struct server_options *opt = &server->opt;
	size_t size = (size_t)opt->megabytes << 20;

	skel = arena_kv_bpf__open();
	if (!skel)
		return fail("opening the BPF object", errno);
	bpf_map__set_max_entries(skel->maps.arena, size / getpagesize());
	bpf_program__set_autoload(skel->progs.arena_kv, opt->iface);
	if (arena_kv_bpf__load(skel))
		return fail("making an arena and loading the program into the kernel",
			    errno);

	server->root = &skel->arena->kv;
	if (!store_init(server->root, size, opt->item_max, !opt->no_evict,
			libbpf_num_possible_cpus()))
		return 0;
	fprintf(stderr,
		"arena_kvd: -m %u: too small for items of %u bytes, see -I\n",
		opt->megabytes, opt->item_max);
	return -1;
}

/* Enters an address of the interface, if the server is bound to it. */
static void add_address(struct kv_local *local, const struct sockaddr *addr)
{
	if (!net_serves(addr))
		return;
	if (addr->sa_family == AF_INET && local->nr_v4 < KV_LOCAL_MAX)
		memcpy(&local->v4[local->nr_v4++],
		       &((const struct sockaddr_in *)addr)->sin_addr, 4);
	if (addr->sa_family == AF_INET6 && local->nr_v6 < KV_LOCAL_MAX)
		memcpy(&local->v6[local->nr_v6++],
		       &((const struct sockaddr_in6 *)addr)->sin6_addr, 16);
}

/*
 * XDP sees packets that are only routed through this machine, too. It answers
 * for the addresses that the interface has now; what else is the server's comes
 * up the stack.
 */
static int find_addresses(struct kv_local *local, const char *iface)
{
	struct ifaddrs *list, *ifa;

	if (getifaddrs(&list))
		return fail(iface, errno);
	for (ifa = list; ifa; ifa = ifa->ifa_next) {
		const struct sockaddr *addr = ifa->ifa_addr;

		if (!addr || strcmp(ifa->ifa_name, iface))
			continue;
		if (addr->sa_family == AF_PACKET)
			memcpy(local->mac,
			       ((const struct sockaddr_ll *)addr)->sll_addr,
			       sizeof(local->mac));
		else
			add_address(local, addr);
	}
	freeifaddrs(list);
	if (local->nr_v4 + local->nr_v6)
		return 0;
	fprintf(stderr, "arena_kvd: -x %s: it has no address that is listened on\n",
		iface);
	return -1;
}

int arena_attach(struct server *server)
{
	struct kv_local *local = &server->root->local;
	const char *iface = server->opt.iface;
	struct bpf_link *link;
	int ifindex;

	if (!iface)
		return 0;
	ifindex = if_nametoindex(iface);
	if (!ifindex)
		return fail(iface, errno);
	if (find_addresses(local, iface))
		return -1;
	local->port = htons(server->opt.udp_port);

	link = bpf_program__attach_xdp(skel->progs.arena_kv, ifindex);
	if (!link)
		return fail(iface, errno);
	skel->links.arena_kv = link;
	if (server->opt.verbose)
		fprintf(stderr, "arena_kvd: XDP answers on %s\n", iface);
	return 0;
}

void arena_detach(void)
{
	if (!skel)
		return;
	bpf_link__destroy(skel->links.arena_kv);
	skel->links.arena_kv = NULL;
}

void arena_close(void)
{
	arena_kv_bpf__destroy(skel);
	skel = NULL;
}
