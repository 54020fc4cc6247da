// SPDX-License-Identifier: GPL-2.0
/*
 * The kfuncs in programs of every type, each of which is run. Those that may not
 * sleep take their page from the arena's pool, which counts, and no others do.
 *
 *   type of program            brought about by
 *   socket_filter, sched_cls, sched_act, xdp, cgroup_skb, lwt_in, lwt_out,
 *   lwt_xmit, flow_dissector, syscall
 *                              bpf_prog_test_run()
 *   kprobe                     k(ret)probe on nanosleep(); uprobe on a function here
 *   tracepoint, raw_tracepoint a context switch
 *   raw_tracepoint_writable    the end of another program's bpf_prog_test_run()
 *   perf_event                 a clock's interrupts, in arena_nosleep
 *   tracing: raw_tp            a context switch
 *            iter              all tasks, by read() of an iterator
 *            fentry, fexit,    bpf_prog_test_run(), which calls what they hang on
 *            modify_return
 *   lsm: mac, cgroup           mprotect(), open(), bind()
 *   ext                        instead of a function of a sched_cls program
 *   struct_ops                 a TCP connection with the congestion control
 *   cgroup_sock, _sock_addr, _sockopt, sock_ops
 *                              TCP and UDP over loopback, by a member of the cgroup
 *   cgroup_device, _sysctl     open() of /dev/null and of a sysctl, by a member
 *   sk_lookup, sk_reuseport    a UDP packet for a socket
 *   sk_msg, sk_skb             TCP between sockets in a sockmap
 *   lwt_seg6local              nothing, it is only loaded: 6.1 cannot test_run it, and
 *                              the VM's kernel has no IPv6 segment routing
 *   lirc_mode2                 nothing, it is not there: it needs an infrared receiver
 *
 * NMIs are in arena_nosleep as well. Callbacks belong to syscall programs here: of
 * timers, bpf_loop(), bpf_for_each_map_elem(), bpf_find_vma() and
 * bpf_user_ringbuf_drain(), themselves and by way of global functions.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include "arena_helpers.h"
#include "network_helpers.h"
#include "trace_helpers.h"
#include "arena_types.skel.h"

#ifndef SO_ATTACH_REUSEPORT_EBPF
#define SO_ATTACH_REUSEPORT_EBPF 52
#endif

/* the kernel's ENOTSUPP, which errno.h lacks */
#define NOT_SUPPORTED 524

static struct arena_types *skel;

static long long hits(void)
{
	int fd = bpf_map__fd(skel->maps.arena);

	/* or pages that were just freed there */
	return arena_fdinfo(fd, "pool_hits") + arena_fdinfo(fd, "revived");
}

/* A program has run since the pool had old_hits, and all went well. */
static void check_went_well(const char *name, bool sleeps, long long old_hits)
{
	__u64 good = __atomic_exchange_n(&skel->bss->good, 0, __ATOMIC_SEQ_CST);
	long long drawn = hits() - old_hits;

	ASSERT_GE(good, 1, name);
	ASSERT_EQ(skel->bss->bad, 0, name);
	if (sleeps)
		ASSERT_EQ(drawn, 0, name);
	else
		ASSERT_GE(drawn, good, name);
}

/* How one program is run: attached if that is not all done by trigger() */
struct type {
	struct bpf_program *prog;
	void (*trigger)(struct bpf_program *prog);
	struct bpf_link *(*attach)(struct bpf_program *prog);
	bool sleeps;
};

static void check_type(const struct type *t)
{
	const char *name = bpf_program__name(t->prog);
	struct bpf_link *link = NULL;
	long long old = hits();

	if (t->attach) {
		link = t->attach(t->prog);
		if (!ASSERT_OK_PTR(link, name))
			return;
	}
	t->trigger(t->prog);
	bpf_link__destroy(link);
	/* other CPUs may be running it still, and would count for the next one */
	ASSERT_OK(kern_sync_rcu(), "kern_sync_rcu");
	check_went_well(name, t->sleeps, old);
}

static void check_types(const struct type *types, int cnt)
{
	int i;

	for (i = 0; i < cnt; i++)
		check_type(&types[i]);
}

static void run(struct bpf_program *prog)
{
	arena_run(prog);
}

static void run_later(struct bpf_program *prog)
{
	int tries;

	arena_run(prog);
	for (tries = 0; tries < ARENA_TRIES && !*(volatile __u64 *)&skel->bss->good; tries++)
		usleep(10000);
}

static void test_test_run(void)
{
	const struct type types[] = {
		{ skel->progs.run_socket, run },
		{ skel->progs.run_tc, run },
		{ skel->progs.run_action, run },
		{ skel->progs.run_xdp, run },
		{ skel->progs.run_cgroup_skb, run },
		{ skel->progs.run_lwt_in, run },
		{ skel->progs.run_lwt_out, run },
		{ skel->progs.run_lwt_xmit, run },
		{ skel->progs.run_flow, run },
		{ skel->progs.run_syscall, run, .sleeps = true },
		{ skel->progs.run_timer, run_later },
		{ skel->progs.run_for_each, run },
		{ skel->progs.run_loop, run, .sleeps = true },
	};

	check_types(types, ARRAY_SIZE(types));
}

static void run_many(struct bpf_program *prog)
{
	skel->data->cnt = 100;
	arena_run(prog);
	skel->data->cnt = 1;
}

static void find_vma(struct bpf_program *prog)
{
	skel->bss->some_address = (__u64)&skel;
	ASSERT_EQ(arena_run(prog), 0, "find_vma");
}

static void drain(struct bpf_program *prog)
{
	struct user_ring_buffer *rb;
	void *sample;

	rb = user_ring_buffer__new(bpf_map__fd(skel->maps.samples), NULL);
	if (!ASSERT_OK_PTR(rb, "ring buffer"))
		return;
	sample = user_ring_buffer__reserve(rb, 8);
	if (ASSERT_OK_PTR(sample, "reserve"))
		user_ring_buffer__submit(rb, sample);
	ASSERT_EQ(arena_run(prog), 0, "drain");
	user_ring_buffer__free(rb);
}

/* A call sleeps if and only if all ways to it may; none of these are seen by one path */
static void test_global(void)
{
	const struct type types[] = {
		{ skel->progs.run_global, run_many, .sleeps = true },
		{ skel->progs.run_global_loop, run_many, .sleeps = true },
		{ skel->progs.run_timer_global, run_later },
		{ skel->progs.run_timer_loop, run_later },
		{ skel->progs.run_timer_and_main, run_later },
		{ skel->progs.run_for_each_global, run },
		{ skel->progs.run_find_vma, find_vma },
		{ skel->progs.run_user_ringbuf, drain },
	};

	check_types(types, ARRAY_SIZE(types));
	/* one of the two functions is taken for one that may not sleep; either may be */
	arena_run(skel->progs.run_loop_either);
	ASSERT_EQ(__atomic_exchange_n(&skel->bss->good, 0, __ATOMIC_SEQ_CST), 1, "either");
	ASSERT_EQ(skel->bss->bad, 0, "either");
}

/* What tail-calls a program that may sleep may not. */
static void test_prog_array(void)
{
	int fd, map, key = 0;

	map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "progs", 4, 4, 1, NULL);
	if (!ASSERT_GE(map, 0, "create"))
		return;
	fd = bpf_program__fd(skel->progs.on_uprobe);
	ASSERT_OK(bpf_map_update_elem(map, &key, &fd, BPF_ANY), "may not sleep");
	fd = bpf_program__fd(skel->progs.on_uprobe_s);
	ASSERT_EQ(bpf_map_update_elem(map, &key, &fd, BPF_ANY), -EINVAL, "may sleep");
	close(map);
}

/* Tracing */

static void nap(struct bpf_program *prog)
{
	usleep(1000);
}

static noinline void traced(void)
{
	asm volatile("");
}

static void call_traced(struct bpf_program *prog)
{
	traced();
}

static struct bpf_link *attach_uprobe(struct bpf_program *prog)
{
	return bpf_program__attach_uprobe(prog, false, 0, "/proc/self/exe",
					  get_uprobe_offset(&traced));
}

static void test_run_nothing(struct bpf_program *prog)
{
	arena_run(skel->progs.calls_nothing);
}

/* A link of an iterator brings nothing about by itself. */
static void iterate(struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach_iter(prog, NULL);
	char buf[16];
	int fd;

	if (!ASSERT_OK_PTR(link, "attach"))
		return;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (ASSERT_GE(fd, 0, "iterator")) {
		ASSERT_EQ(read(fd, buf, sizeof(buf)), 0, "read");
		close(fd);
	}
	bpf_link__destroy(link);
}

static struct bpf_link *attach(struct bpf_program *prog)
{
	return bpf_program__attach(prog);
}

static void test_tracing(void)
{
	const struct type types[] = {
		{ skel->progs.on_kprobe, nap, attach },
		{ skel->progs.on_kretprobe, nap, attach },
		{ skel->progs.on_uprobe, call_traced, attach_uprobe },
		{ skel->progs.on_uprobe_s, call_traced, attach_uprobe, .sleeps = true },
		{ skel->progs.on_tp, nap, attach },
		{ skel->progs.on_raw_tp, nap, attach },
		{ skel->progs.on_raw_tp_w, test_run_nothing, attach },
		{ skel->progs.on_tp_btf, nap, attach },
		{ skel->progs.on_iter, iterate },
		{ skel->progs.on_iter_s, iterate, .sleeps = true },
	};

	check_types(types, ARRAY_SIZE(types));
}

/* Functions of the kernel */

static int cgroup;

static struct bpf_link *attach_cgroup(struct bpf_program *prog)
{
	return bpf_program__attach_cgroup(prog, cgroup);
}

static bool join_cgroup(void)
{
	cgroup = test__join_cgroup("/arena_types");
	return ASSERT_GE(cgroup, 0, "join cgroup");
}

static void protect(struct bpf_program *prog)
{
	void *p = mmap(NULL, getpagesize(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_OK(mprotect(p, getpagesize(), PROT_NONE), "mprotect");
	munmap(p, getpagesize());
}

static void open_null(struct bpf_program *prog)
{
	close(open("/dev/null", O_RDWR));
}

static void serve(struct bpf_program *prog)
{
	close(start_server(AF_INET, SOCK_DGRAM, "127.0.0.1", 0, 1000));
}

static bool has_trampolines(void)
{
	struct bpf_link *link = bpf_program__attach(skel->progs.on_fentry);
	long err = libbpf_get_error(link);

	bpf_link__destroy(link);
	return err != -NOT_SUPPORTED;
}

static void test_kernel_functions(void)
{
	const struct type types[] = {
		{ skel->progs.on_fentry, run, attach },
		{ skel->progs.on_fentry_s, run, attach, .sleeps = true },
		{ skel->progs.on_fexit, run, attach },
		{ skel->progs.on_fmod_ret, run, attach },
		{ skel->progs.on_lsm, protect, attach },
		{ skel->progs.on_lsm_s, open_null, attach, .sleeps = true },
		{ skel->progs.on_lsm_cgroup, serve, attach_cgroup },
	};

	if (!has_trampolines()) {
		fprintf(stdout, "%s:SKIP:6.1 cannot attach to the kernel's functions here\n",
			__func__);
		test__skip();
		return;
	}
	if (!join_cgroup())
		return;
	check_types(types, ARRAY_SIZE(types));
	close(cgroup);
}

/* One program put into another */
static void test_ext(void)
{
	struct arena_types *target = skel;
	struct bpf_program *prog;

	skel = arena_types__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		goto out;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, false);
	prog = skel->progs.something;
	bpf_program__set_autoload(prog, true);
	bpf_map__set_autocreate(skel->maps.ca, false);
	bpf_program__set_attach_target(prog, bpf_program__fd(target->progs.calls_nothing),
				       "nothing");
	if (ASSERT_OK(arena_types__load(skel), "load")) {
		struct bpf_link *link = bpf_program__attach_trace(prog);
		long long old = hits();

		if (ASSERT_OK_PTR(link, "attach")) {
			arena_run(target->progs.calls_nothing);
			check_went_well("ext", false, old);
		}
		bpf_link__destroy(link);
	}
	arena_types__destroy(skel);
out:
	skel = target;
}

/* Cgroups and sockets */

/* A socket and its peer, which has been sent a byte; false if it has not come */
static bool talk(int type, int server)
{
	char byte = 0;
	int client, peer;
	bool ok = false;

	client = connect_to_fd(server, 1000);
	if (!ASSERT_GE(client, 0, "connect"))
		return false;
	peer = type == SOCK_STREAM ? accept(server, NULL, NULL) : dup(server);
	if (ASSERT_GE(peer, 0, "peer")) {
		settimeo(peer, 5000);
		ok = ASSERT_EQ(send(client, "x", 1, 0), 1, "send") &&
		     ASSERT_EQ(recv(peer, &byte, 1, 0), 1, "receive") &&
		     ASSERT_EQ(byte, 'x', "byte");
		close(peer);
	}
	close(client);
	return ok;
}

static void talk_over(int type)
{
	int server = start_server(AF_INET, type, "127.0.0.1", 0, 5000);

	if (!ASSERT_GE(server, 0, "server"))
		return;
	talk(type, server);
	close(server);
}

static void talk_tcp(struct bpf_program *prog)
{
	talk_over(SOCK_STREAM);
}

static void talk_udp(struct bpf_program *prog)
{
	talk_over(SOCK_DGRAM);
}

/* Without connect(), to the port 9, where nobody is */
static void send_udp(struct bpf_program *prog)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ASSERT_EQ(sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)), 1, "sendto");
	close(fd);
}

static void get_option(struct bpf_program *prog)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), val;
	socklen_t len = sizeof(val);

	ASSERT_OK(getsockopt(fd, SOL_SOCKET, SO_TYPE, &val, &len), "getsockopt");
	close(fd);
}

static void set_option(struct bpf_program *prog)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), val = 1;

	ASSERT_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &val, sizeof(val)), "setsockopt");
	close(fd);
}

static void read_sysctl(struct bpf_program *prog)
{
	int fd = open("/proc/sys/kernel/ostype", O_RDONLY);
	char byte;

	ASSERT_EQ(read(fd, &byte, 1), 1, "sysctl");
	close(fd);
}

static void test_cgroup(void)
{
	const struct type types[] = {
		{ skel->progs.cg_sock, talk_tcp, attach_cgroup },
		{ skel->progs.cg_bind, talk_tcp, attach_cgroup },
		{ skel->progs.cg_connect, talk_tcp, attach_cgroup },
		{ skel->progs.cg_sendmsg, send_udp, attach_cgroup },
		{ skel->progs.cg_sockops, talk_tcp, attach_cgroup },
		{ skel->progs.cg_setsockopt, set_option, attach_cgroup },
		{ skel->progs.cg_getsockopt, get_option, attach_cgroup },
		{ skel->progs.cg_dev, open_null, attach_cgroup },
		{ skel->progs.cg_sysctl, read_sysctl, attach_cgroup },
	};

	if (!join_cgroup())
		return;
	check_types(types, ARRAY_SIZE(types));
	close(cgroup);
}

static struct bpf_link *attach_netns(struct bpf_program *prog)
{
	int fd = open("/proc/self/ns/net", O_RDONLY);
	struct bpf_link *link = bpf_program__attach_netns(prog, fd);

	close(fd);
	return link;
}

static void talk_reuseport(struct bpf_program *prog)
{
	int fd = bpf_program__fd(prog);
	int *server = start_reuseport_server(AF_INET, SOCK_DGRAM, "127.0.0.1", 0, 5000, 1);

	if (!ASSERT_OK_PTR(server, "server"))
		return;
	ASSERT_OK(setsockopt(*server, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &fd, sizeof(fd)),
		  "attach");
	talk(SOCK_DGRAM, *server);
	free_fds(server, 1);
}

/* Send and receive with one of both sockets in the sockmap */
static void talk_in_map(struct bpf_program *prog, bool sender)
{
	int map = bpf_map__fd(skel->maps.sockets), server, client, peer;
	int type = bpf_program__expected_attach_type(prog);
	int fd = bpf_program__fd(prog);
	char byte = 0;
	__u32 key = 0;
	__u64 member;

	server = start_server(AF_INET, SOCK_STREAM, "127.0.0.1", 0, 5000);
	client = connect_to_fd(server, 5000);
	peer = accept(server, NULL, NULL);
	settimeo(peer, 5000);
	member = sender ? client : peer;
	if (ASSERT_OK(bpf_prog_attach(fd, map, type, 0), "attach")) {
		ASSERT_OK(bpf_map_update_elem(map, &key, &member, BPF_ANY), "into the map");
		ASSERT_EQ(send(client, "x", 1, 0), 1, "send");
		ASSERT_EQ(recv(peer, &byte, 1, 0), 1, "receive");
		ASSERT_EQ(byte, 'x', "byte");
		ASSERT_OK(bpf_map_delete_elem(map, &key), "out of the map");
		bpf_prog_detach2(fd, map, type);
	}
	close(peer);
	close(client);
	close(server);
}

static void talk_sk_msg(struct bpf_program *prog)
{
	talk_in_map(prog, true);
}

static void talk_sk_skb(struct bpf_program *prog)
{
	talk_in_map(prog, false);
}

static void talk_with_ca(struct bpf_program *prog)
{
	struct network_helper_opts opts = { .cc = "bpf_arena_ca" };
	int server = start_server(AF_INET, SOCK_STREAM, "127.0.0.1", 0, 5000);
	struct bpf_link *link = bpf_map__attach_struct_ops(skel->maps.ca);
	char buf[1000] = {};
	int client, peer, i;

	if (!ASSERT_OK_PTR(link, "register"))
		goto out;
	client = connect_to_fd_opts(server, &opts);
	peer = accept(server, NULL, NULL);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(send(client, buf, sizeof(buf), 0), sizeof(buf), "send");
		ASSERT_EQ(recv(peer, buf, sizeof(buf), MSG_WAITALL), sizeof(buf), "receive");
	}
	close(peer);
	close(client);
	bpf_link__destroy(link);
out:
	close(server);
}

static void test_sockets(void)
{
	const struct type types[] = {
		{ skel->progs.on_sk_lookup, talk_udp, attach_netns },
		{ skel->progs.on_sk_reuseport, talk_reuseport },
		{ skel->progs.on_sk_msg, talk_sk_msg },
		{ skel->progs.on_sk_skb, talk_sk_skb },
		{ skel->progs.ca_cong_avoid, talk_with_ca },
	};

	check_types(types, ARRAY_SIZE(types));
}

static void with_programs(const char *name, void (*test)(void))
{
	if (!test__start_subtest(name))
		return;
	test();
	/* what they freed without sleeping is back when the worker has run */
	arena_fdinfo_becomes(bpf_map__fd(skel->maps.arena), "pages", 0, "pages that are left");
}

void test_arena_types(void)
{
	skel = arena_types__open_and_load();
	if (!ASSERT_OK_PTR(skel, "open and load"))
		return;
	with_programs("test_run", test_test_run);
	with_programs("hazard_29_global", test_global);
	with_programs("hazard_29_prog_array", test_prog_array);
	with_programs("tracing", test_tracing);
	with_programs("kernel_functions", test_kernel_functions);
	with_programs("ext", test_ext);
	with_programs("cgroup", test_cgroup);
	with_programs("sockets", test_sockets);
	arena_types__destroy(skel);
}
