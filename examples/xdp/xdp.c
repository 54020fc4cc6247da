// SPDX-License-Identifier: GPL-2.0
/* The process: it puts two hosts into the table and sends packets from both, over lo */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include "xdp.h"
#include "xdp.skel.h"

/* The program sees it as soon as it is in its list: there is nothing to update */
static struct host *host_add(struct xdp *skel, struct host *h, const char *addr, int drop)
{
	h->addr = inet_addr(addr);
	h->drop = drop;
	h->next = skel->arena->buckets[bucket_of(h->addr)];
	__atomic_store_n(&skel->arena->buckets[bucket_of(h->addr)], h, __ATOMIC_RELEASE);
	return h;
}

/* Returns how many of 100 packets from addr arrive */
static int send_from(const char *addr)
{
	struct sockaddr_in to = { AF_INET, htons(4711), { inet_addr("127.0.0.1") } };
	struct sockaddr_in from = { AF_INET, 0, { inet_addr(addr) } };
	int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);
	int i, got = 0;
	char c = 0;

	bind(in, (void *)&to, sizeof(to));
	bind(out, (void *)&from, sizeof(from));
	for (i = 0; i < 100; i++) {
		sendto(out, &c, 1, 0, (void *)&to, sizeof(to));
		got += recv(in, &c, 1, MSG_DONTWAIT) == 1;
	}
	return got;
}

int main(void)
{
	int lo = if_nametoindex("lo"), flags = XDP_FLAGS_SKB_MODE;
	struct xdp *skel = xdp__open_and_load();
	struct host *memory, *good, *bad;

	if (!skel || bpf_xdp_attach(lo, bpf_program__fd(skel->progs.filter), flags, NULL))
		return 1;
	memory = (void *)skel->arena + 10 * arena_page_size(); /* behind the globals */
	good = host_add(skel, &memory[0], "127.0.0.2", 0);
	bad = host_add(skel, &memory[1], "127.0.0.3", 1);

	printf("127.0.0.2: %d of 100 packets arrive", send_from("127.0.0.2"));
	printf(", the program has seen %llu\n", good->packets);
	printf("127.0.0.3: %d of 100 packets arrive", send_from("127.0.0.3"));
	printf(", the program has seen %llu\n", bad->packets);

	bpf_xdp_detach(lo, flags, NULL);
	xdp__destroy(skel);
	return 0;
}
