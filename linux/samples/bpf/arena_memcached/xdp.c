// SPDX-License-Identifier: GPL-2.0
/*
 * The XDP program: loaded with what arena-heap's arena is like, and attached
 *
 * It is attached through a link that memcached will hold: however that process ends, the
 * kernel detaches the program.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "launch.h"
#include "arena_memcached.skel.h"

/* In what memcached listens on: address or wildcard of the same family */
static bool is_served(char **listen, const struct sockaddr *addr)
{
	const void *bytes = &((const struct sockaddr_in *)addr)->sin_addr;
	struct addrinfo hints = { .ai_family = addr->sa_family, .ai_socktype = SOCK_DGRAM }, *ai;
	size_t len = sizeof(struct in_addr), off = offsetof(struct sockaddr_in, sin_addr);
	static const char zeroes[sizeof(struct in6_addr)];
	bool found = !listen;

	if (addr->sa_family == AF_INET6) {
		off = offsetof(struct sockaddr_in6, sin6_addr);
		bytes = (const char *)addr + off;
		len = sizeof(struct in6_addr);
	}
	for (; !found && *listen; listen++) {
		if (getaddrinfo(*listen, NULL, &hints, &ai))
			continue;
		found = !memcmp((char *)ai->ai_addr + off, bytes, len) ||
			!memcmp((char *)ai->ai_addr + off, zeroes, len);
		freeaddrinfo(ai);
	}
	return found;
}

static void add_address(struct mc_config *config, const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET && config->nr_v4 < MC_LOCAL_MAX)
		memcpy(&config->v4[config->nr_v4++],
		       &((const struct sockaddr_in *)addr)->sin_addr, 4);
	if (addr->sa_family == AF_INET6 && config->nr_v6 < MC_LOCAL_MAX)
		memcpy(&config->v6[config->nr_v6++],
		       &((const struct sockaddr_in6 *)addr)->sin6_addr, 16);
}

static bool add_own_v4(struct mc_config *config, __u32 addr)
{
	if (config->nr_own_v4 == MC_OWN_MAX)
		return false;
	config->own_v4[config->nr_own_v4++] = addr;
	return true;
}

static __u32 ipv4(const struct sockaddr *addr)
{
	return ((const struct sockaddr_in *)addr)->sin_addr.s_addr;
}

/* No client has this address. False if there are too many. */
static bool add_own(struct mc_config *config, const struct ifaddrs *ifa)
{
	const struct sockaddr *addr = ifa->ifa_addr, *mask = ifa->ifa_netmask;

	if (addr->sa_family == AF_INET)
		return add_own_v4(config, ipv4(addr)) &&
		       (!mask || !(ifa->ifa_flags & IFF_BROADCAST) ||
			add_own_v4(config, ipv4(addr) | ~ipv4(mask)));
	if (addr->sa_family != AF_INET6)
		return true;
	if (config->nr_own_v6 == MC_OWN_MAX)
		return false;
	memcpy(&config->own_v6[config->nr_own_v6++],
	       &((const struct sockaddr_in6 *)addr)->sin6_addr, 16);
	return true;
}

/*
 * XDP sees packets that are only routed through this machine, too. It answers for the
 * addresses that the interface has now; what else is the server's comes up the stack.
 */
static int find_addresses(struct mc_config *config, const struct options *o)
{
	struct ifaddrs *list, *ifa;
	bool all = true;

	if (getifaddrs(&list)) {
		complain("-x %s: %s", o->iface, strerror(errno));
		return -1;
	}
	for (ifa = list; ifa; ifa = ifa->ifa_next) {
		const struct sockaddr *addr = ifa->ifa_addr;

		if (!addr)
			continue;
		all = all && add_own(config, ifa);
		if (strcmp(ifa->ifa_name, o->iface))
			continue;
		if (addr->sa_family == AF_PACKET)
			memcpy(config->mac, ((const struct sockaddr_ll *)addr)->sll_addr,
			       sizeof(config->mac));
		else if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6)
			continue;
		else if (is_served(o->listen, addr))
			add_address(config, addr);
	}
	freeifaddrs(list);
	if (all && config->nr_v4 + config->nr_v6)
		return 0;
	if (all)
		complain("-x %s: it has no address that is listened on", o->iface);
	else
		complain("this machine has too many addresses: more than %d", MC_OWN_MAX);
	return -1;
}

static int set_config(struct mc_config *config, const struct options *o,
		      const struct mc_layout *layout, int arena_fd)
{
	struct arena_heap_header header;

	if (!arena_heap_read_header(arena_fd, &header)) {
		complain("file descriptor %d is not the arena", arena_fd);
		return -1;
	}
	config->root = header.start + offsetof(struct arena_heap_header, root[MC_ROOT]);
	config->layout = *layout;
	config->port = htons(atoi(o->port));
	config->mtu = o->mtu;
	return find_addresses(config, o);
}

int xdp_attach(const struct options *o, const struct mc_layout *layout, int arena_fd)
{
	struct arena_memcached_bpf *skel;
	struct bpf_link *link;
	int ifindex;

	ifindex = if_nametoindex(o->iface);
	if (!ifindex) {
		complain("-x %s: %s", o->iface, strerror(errno));
		return -1;
	}
	skel = arena_memcached_bpf__open();
	if (!skel || bpf_map__reuse_fd(skel->maps.arena, arena_fd)) {
		complain("opening the BPF object: %s", strerror(errno));
		return -1;
	}
	if (set_config((struct mc_config *)&skel->rodata->config, o, layout, arena_fd))
		return -1;
	if (arena_memcached_bpf__load(skel)) {
		complain("loading the XDP program into the kernel: %s", strerror(errno));
		return -1;
	}
	link = bpf_program__attach_xdp(skel->progs.arena_memcached, ifindex);
	if (!link) {
		complain("-x %s: attaching the XDP program: %s", o->iface, strerror(errno));
		return -1;
	}
	return bpf_link__fd(link);
}

int xdp_detach(int link_fd)
{
	return bpf_link_detach(link_fd);
}
