// SPDX-License-Identifier: GPL-2.0
/*
 * Does nothing, at the client's end of a veth. What XDP sends from the other end
 * arrives in a ring that veth polls only on ends that have a program themselves:
 * see veth_xdp_flush(). A network card needs nothing of the kind.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
