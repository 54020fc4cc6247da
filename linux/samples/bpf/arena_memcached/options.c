// SPDX-License-Identifier: GPL-2.0
/*
 * The command line: memcached's options, and a few of ours among them
 *
 * All of memcached's are known here, since some rule acceleration out. The probe asks the
 * running server again, by "stats settings": this is to say so before it starts.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

static const char usage[] =
	"usage: arena-memcached [MEMCACHED'S OPTIONS] -x IFACE [OPTIONS]\n"
	"       arena-memcached --stats PATH\n"
	"\n"
	"Runs memcached with its heap in a BPF arena. An XDP program on IFACE answers\n"
	"GETs over UDP from it.\n"
	"\n"
	"  -x, --xdp IFACE     where XDP answers\n"
	"      --require       do not run without\n"
	"      --pin PATH      pin the arena at PATH in a BPF file system meanwhile\n"
	"      --arena-mib MIB size of the arena (4064, the most)\n"
	"      --mtu N         longer answers are not sent by XDP (the device's MTU)\n"
	"      --memcached PATH the server (memcached)\n"
	"      --stats PATH    say what XDP has answered; the arena is pinned at PATH\n"
	"\n"
	"memcached needs -U PORT and -F. Not with: -B binary, -C, -d, -e, -s, -S, -Y, -Z,\n"
	"-o ext_path, -o hash_algorithm, -o no_modern, -o no_lru_maintainer,\n"
	"-o proxy_config, and -l with a port.\n"
	"\n"
	"Whoever may load BPF programs that use the arena, or open its pin, reads and\n"
	"writes all of memcached's heap.\n";

enum { REQUIRE = 256, PIN, MIB, MTU, PROGRAM, STATS };

/* memcached 1.6.18's, in the order of its help; then ours */
static const char short_options[] =
	"p:U:s:a:Al:dru:m:Mc:kvhiVP:f:n:LD:t:R:Cb:B:I:SFXWY:e:Zo:N:x:";

static const struct option long_options[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "udp-port", required_argument, NULL, 'U' },
	{ "unix-socket", required_argument, NULL, 's' },
	{ "unix-mask", required_argument, NULL, 'a' },
	{ "enable-shutdown", no_argument, NULL, 'A' },
	{ "listen", required_argument, NULL, 'l' },
	{ "daemon", no_argument, NULL, 'd' },
	{ "enable-coredumps", no_argument, NULL, 'r' },
	{ "user", required_argument, NULL, 'u' },
	{ "memory-limit", required_argument, NULL, 'm' },
	{ "disable-evictions", no_argument, NULL, 'M' },
	{ "conn-limit", required_argument, NULL, 'c' },
	{ "lock-memory", no_argument, NULL, 'k' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "license", no_argument, NULL, 'i' },
	{ "version", no_argument, NULL, 'V' },
	{ "pidfile", required_argument, NULL, 'P' },
	{ "slab-growth-factor", required_argument, NULL, 'f' },
	{ "slab-min-size", required_argument, NULL, 'n' },
	{ "enable-largepages", no_argument, NULL, 'L' },
	{ "threads", required_argument, NULL, 't' },
	{ "max-reqs-per-event", required_argument, NULL, 'R' },
	{ "disable-cas", no_argument, NULL, 'C' },
	{ "listen-backlog", required_argument, NULL, 'b' },
	{ "protocol", required_argument, NULL, 'B' },
	{ "max-item-size", required_argument, NULL, 'I' },
	{ "enable-sasl", no_argument, NULL, 'S' },
	{ "disable-flush-all", no_argument, NULL, 'F' },
	{ "disable-dumping", no_argument, NULL, 'X' },
	{ "disable-watch", no_argument, NULL, 'W' },
	{ "auth-file", required_argument, NULL, 'Y' },
	{ "memory-file", required_argument, NULL, 'e' },
	{ "enable-ssl", no_argument, NULL, 'Z' },
	{ "extended", required_argument, NULL, 'o' },
	{ "napi-ids", required_argument, NULL, 'N' },
	{ "xdp", required_argument, NULL, 'x' },
	{ "require", no_argument, NULL, REQUIRE },
	{ "pin", required_argument, NULL, PIN },
	{ "arena-mib", required_argument, NULL, MIB },
	{ "mtu", required_argument, NULL, MTU },
	{ "memcached", required_argument, NULL, PROGRAM },
	{ "stats", required_argument, NULL, STATS },
	{}
};

static char *copy(const char *text)
{
	char *mem = strdup(text);

	if (!mem)
		die("no memory");
	return mem;
}

/* A list that ends with NULL */
static void add(char ***list, const char *text)
{
	size_t n = 0;

	while (*list && (*list)[n])
		n++;
	*list = realloc(*list, (n + 2) * sizeof(**list));
	if (!*list)
		die("no memory");
	(*list)[n] = copy(text);
	(*list)[n + 1] = NULL;
}

/* Whether there is a port: "host:port", "[v6]:port", "notls:host" */
static bool has_port(const char *addr)
{
	const char *colon = strchr(addr, ':');

	return *addr == '[' || (colon && colon == strrchr(addr, ':'));
}

static void listen_on(struct options *o, const char *text)
{
	char *list = copy(text), *rest = list, *addr;

	while ((addr = strsep(&rest, ";,"))) {
		if (!*addr)
			continue;
		if (has_port(addr))
			o->why_not = "-l with a port";
		add(&o->listen, addr);
	}
	free(list);
}

/* Of -o; each that changes what layout.h rests on */
static const char *rules_out(const char *text)
{
	static const char *const names[] = {
		"ext_path", "hash_algorithm", "no_modern", "no_lru_maintainer",
		"proxy_config",
	};
	static char why[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strstr(text, names[i]))
			continue;
		snprintf(why, sizeof(why), "-o %s", names[i]);
		return why;
	}
	return NULL;
}

static void pass_on(struct options *o, int c)
{
	char name[3] = { '-', c };

	add(&o->argv, name);
	if (optarg)
		add(&o->argv, optarg);
}

/* An option of memcached's: what does it mean for us? */
static void look_at(struct options *o, int c, bool *no_flush)
{
	static char why[3];

	if (strchr("CdesSYZ", c)) {
		snprintf(why, sizeof(why), "-%c", c);
		o->why_not = why;
	} else if (c == 'B' && !strcmp(optarg, "binary")) {
		o->why_not = "-B binary";
	} else if (c == 'o') {
		o->why_not = rules_out(optarg) ?: o->why_not;
	} else if (c == 'l') {
		listen_on(o, optarg);
	} else if (c == 'U') {
		o->port = optarg;
	} else if (c == 'F') {
		*no_flush = true;
	}
}

static unsigned int parse_mtu(const char *text)
{
	char *end;
	unsigned long mtu = strtoul(text, &end, 10);

	if (*end || mtu < 68 || mtu > 65535)
		die("--mtu %s: not a number from 68 to 65535", text);
	return mtu;
}

static bool is_ours(struct options *o, int c)
{
	switch (c) {
	case 'x':
		o->iface = optarg;
		return true;
	case REQUIRE:
		o->require = true;
		return true;
	case PIN:
		o->pin = optarg;
		return true;
	case MIB:
		o->mib = optarg;
		return true;
	case MTU:
		o->mtu = parse_mtu(optarg);
		return true;
	case PROGRAM:
		o->program = optarg;
		return true;
	case STATS:
		o->stats = optarg;
		return true;
	}
	return false;
}

/* Ends the process after a message if the command line makes no sense. */
void parse_options(int argc, char **argv, struct options *o)
{
	bool no_flush = false;
	int c;

	*o = (struct options){ .program = "memcached" };
	add(&o->argv, "memcached");
	while ((c = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (c == '?')
			exit(EXIT_FAILED);
		if (c == 'V' || c == 'i')
			o->only_says = true;
		if (is_ours(o, c))
			continue;
		pass_on(o, c);
		look_at(o, c, &no_flush);
	}
	if (optind < argc)
		die("argument %s: expected options only", argv[optind]);
	if (o->why_not || o->stats || o->only_says)
		return;
	if (!o->iface)
		die("-x IFACE has to be given (arena-memcached -h)");
	if (!o->port || !atoi(o->port))
		o->why_not = "no UDP port: -U PORT";
	else if (!no_flush)
		o->why_not = "flush_all, which changes no item: -F turns it off";
}
