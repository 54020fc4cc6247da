// SPDX-License-Identifier: GPL-2.0
/*
 * arena_kvd: memcached's protocol, on a store that XDP reads too.
 *
 * Order matters in two places. A child of fork() has no mapping of the arena,
 * so the server becomes a daemon first. And XDP is attached last and detached
 * first, so that what it answers is always a store that the server serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "net.h"
#include "store.h"

#define MEGABYTES_MAX	4096
#define ITEM_MIN	1024
#define ITEM_MAX	(128 << 20)

static const char usage_text[] =
"usage: arena_kvd [options]\n"
"\n"
"A memcached-compatible server (ASCII protocol) whose store is a BPF arena.\n"
"With -x, an XDP program answers UDP gets straight out of it.\n"
"\n"
"  -p PORT   TCP port, 0 for none (11211)\n"
"  -U PORT   UDP port, 0 for none (0)\n"
"  -l LIST   addresses to listen on, separated by commas (any)\n"
"  -x IFACE  answer gets that arrive on this interface in XDP; needs -U\n"
"  -m MB     size of the arena, the hash table included (64, at most 4096)\n"
"  -M        when it is full return an error rather than evict\n"
"  -I SIZE   longest item, with suffix k or m (1m)\n"
"  -c NUM    connections at a time (1024)\n"
"  -u USER   become this user; has to be given when started by root\n"
"  -d        become a daemon\n"
"  -P FILE   write the process id there\n"
"  -v        say what goes on; -vv: each command\n"
"  -V        print the version\n"
"  -h        print this\n";

static void bad_usage(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "arena_kvd: %s %s: %s\n", option, value, wanted);
	exit(EX_USAGE);
}

static unsigned long parse(const char *option, const char *value,
			   unsigned long min, unsigned long max)
{
	char wanted[80], *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	snprintf(wanted, sizeof(wanted), "expected a number from %lu to %lu",
		 min, max);
	if (errno || *end || *value < '0' || *value > '9' || n < min || n > max)
		bad_usage(option, value, wanted);
	return n;
}

static unsigned int item_size(const char *value)
{
	const char *wanted = "expected a size from 1k to 128m";
	unsigned long size;
	char *end;

	errno = 0;
	size = strtoul(value, &end, 10);
	if (errno || *value < '0' || *value > '9' || size > ITEM_MAX)
		bad_usage("-I", value, wanted);
	if (!strcmp(end, "k") || !strcmp(end, "K"))
		size <<= 10;
	else if (!strcmp(end, "m") || !strcmp(end, "M"))
		size <<= 20;
	else if (*end)
		bad_usage("-I", value, wanted);
	if (size < ITEM_MIN || size > ITEM_MAX)
		bad_usage("-I", value, wanted);
	return size;
}

static void parse_option(struct server_options *opt, int c)
{
	switch (c) {
	case 'p':
		opt->tcp_port = parse("-p", optarg, 0, USHRT_MAX);
		break;
	case 'U':
		opt->udp_port = parse("-U", optarg, 0, USHRT_MAX);
		break;
	case 'm':
		opt->megabytes = parse("-m", optarg, 1, MEGABYTES_MAX);
		break;
	case 'c':
		opt->connections = parse("-c", optarg, 1, 1000000);
		break;
	case 'I':
		opt->item_max = item_size(optarg);
		break;
	case 'l':
		opt->listen = optarg;
		break;
	case 'x':
		opt->iface = optarg;
		break;
	case 'u':
		opt->user = optarg;
		break;
	case 'P':
		opt->pidfile = optarg;
		break;
	case 'M':
		opt->no_evict = true;
		break;
	case 'd':
		opt->daemonize = true;
		break;
	case 'v':
		opt->verbose++;
		break;
	case 'V':
		puts("arena_kvd " SERVER_VERSION);
		exit(0);
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		fputs("Try arena_kvd -h\n", stderr);
		exit(EX_USAGE);
	}
}

static void parse_options(struct server_options *opt, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "p:U:l:x:m:I:c:u:P:MdvVh")) != -1)
		parse_option(opt, c);
	if (optind < argc)
		bad_usage("argument", argv[optind], "expected options only");
	if (opt->iface && !opt->udp_port)
		bad_usage("-x", opt->iface, "needs a UDP port, see -U");
	if (!opt->tcp_port && !opt->udp_port)
		bad_usage("-p", "0", "needs a UDP port, see -U");
	if (!geteuid() && !opt->user)
		bad_usage("-u", "USER", "has to be given when started by root");
}

/* A connection is a file; there are a few dozen others. */
static int raise_file_limit(unsigned int connections)
{
	struct rlimit limit = { connections + 64, connections + 64 }, now;

	if (!getrlimit(RLIMIT_NOFILE, &now) && now.rlim_cur >= limit.rlim_cur)
		return 0;
	if (!setrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	fprintf(stderr, "arena_kvd: -c %u: file limit: %s\n", connections,
		strerror(errno));
	return -1;
}

static int drop_privileges(const char *user)
{
	struct passwd *pw;

	if (geteuid() || !strcmp(user, "root"))
		return 0;
	pw = getpwnam(user);
	if (!pw) {
		fprintf(stderr, "arena_kvd: -u %s: no such user\n", user);
		return -1;
	}
	if (setgroups(0, NULL) || setgid(pw->pw_gid) || setuid(pw->pw_uid)) {
		fprintf(stderr, "arena_kvd: -u %s: %s\n", user, strerror(errno));
		return -1;
	}
	return 0;
}

static int write_pidfile(const char *path)
{
	FILE *file;

	if (!path)
		return 0;
	file = fopen(path, "w");
	if (file && fprintf(file, "%d\n", getpid()) > 0 && !fclose(file))
		return 0;
	fprintf(stderr, "arena_kvd: -P %s: %s\n", path, strerror(errno));
	return -1;
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	event_base_loopbreak(arg);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	store_flush(arg);
}

static int add_events(struct server *server)
{
	static const int signals[] = { SIGINT, SIGTERM };
	struct event *event;
	size_t i;

	server->base = event_base_new();
	if (!server->base)
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		event = evsignal_new(server->base, signals[i], on_signal,
				     server->base);
		if (!event || event_add(event, NULL))
			return -1;
	}
	server->flush_timer = evtimer_new(server->base, on_flush, server->root);
	return server->flush_timer ? 0 : -1;
}

static int start(struct server *server)
{
	if (raise_file_limit(server->opt.connections) || arena_open(server))
		return -1;
	if (add_events(server)) {
		fputs("arena_kvd: cannot set up libevent\n", stderr);
		return -1;
	}
	if (net_open(server) || arena_attach(server))
		return -1;
	if (write_pidfile(server->opt.pidfile))
		return -1;
	return drop_privileges(server->opt.user);
}

/* A daemon keeps its terminal until there is nothing more to say. */
static void silence(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

int main(int argc, char **argv)
{
	struct server server = {
		.opt = {
			.tcp_port = 11211,
			.megabytes = 64,
			.item_max = 1 << 20,
			.connections = 1024,
		},
	};
	int err;

	parse_options(&server.opt, argc, argv);
	if (server.opt.daemonize && daemon(1, 1)) {
		perror("arena_kvd: -d");
		return EX_OSERR;
	}
	signal(SIGPIPE, SIG_IGN);
	server.started = time(NULL);

	err = start(&server);
	if (!err) {
		if (server.opt.daemonize && !server.opt.verbose)
			silence();
		event_base_dispatch(server.base);
	}
	arena_detach();
	net_close();
	arena_close();
	if (server.opt.pidfile && !err)
		unlink(server.opt.pidfile);
	return err ? EX_UNAVAILABLE : 0;
}
