/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 6.1's own self-tests that are verified: what they are called there, and what they do.
 * scripts/bench compiles those that it finds here.
 */
#ifndef __BENCH_VERIFY_H
#define __BENCH_VERIFY_H

#define VERIFIED(X)							\
	X(pyperf180, "stacks of Python, unrolled")			\
	X(pyperf600_bpf_loop, "the same, by bpf_loop()")		\
	X(strobemeta, "thread-local variables")				\
	X(test_sysctl_loop1, "sysctl, parses text")			\
	X(loop1, "a loop in a loop")					\
	X(bpf_flow, "flow dissector, tail calls")			\
	X(test_l4lb_noinline, "load balancer, tc")			\
	X(test_xdp_noinline, "load balancer, XDP")			\
	X(test_cls_redirect, "redirection, tc")				\
	X(test_tcp_hdr_options, "TCP options, sockops")

#endif
