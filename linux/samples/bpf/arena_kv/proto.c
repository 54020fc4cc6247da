// SPDX-License-Identifier: GPL-2.0
/*
 * memcached's ASCII protocol: a state machine that reads lines and values.
 *
 *	COMMAND --get, gat--> KEYS ---newline---> COMMAND
 *	   |----set, cas, ..--> VALUE --stored--> COMMAND
 *	   |----quit, line without end----------> CLOSE
 *
 * Each step takes what it needs from the input in one piece or leaves it there.
 * Clients are not trusted: lines are limited to LINE_MAX, a value that cannot
 * be stored is thrown away as it arrives, and output that is not read stops the
 * session. Errors are worded as memcached words them.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "proto.h"
#include "stats.h"
#include "table.h"

#define LINE_MAX	(64 << 10)
#define TOKENS_MAX	8

#define BAD_FORMAT	"CLIENT_ERROR bad command line format"
#define BAD_CHUNK	"CLIENT_ERROR bad data chunk"
#define BAD_EXPTIME	"CLIENT_ERROR invalid exptime argument"
#define BAD_DELTA	"CLIENT_ERROR invalid numeric delta argument"
#define NOT_A_NUMBER	"CLIENT_ERROR cannot increment or decrement non-numeric value"
#define BAD_DELETE	BAD_FORMAT ".  Usage: delete <key> [noreply]"

struct token {
	char *text;
	size_t len;
};

/* The tokens of a line; count is TOKENS_MAX + 1 when there are more. */
struct args {
	struct token token[TOKENS_MAX];
	int count;
};

struct command {
	const char *name;
	void (*run)(struct proto_session *s, struct args *args, int param);
	int param;
	int min;		/* tokens, the name included */
	int max;
	int keys;		/* number of the first token that is left */
	int noreply;		/* tokens that have to precede it; 0: never */
};

static void send_line(struct proto_session *s, const char *line)
{
	evbuffer_add(s->out, line, strlen(line));
	evbuffer_add(s->out, "\r\n", 2);
}

static void reply(struct proto_session *s, const char *line)
{
	if (!s->noreply)
		send_line(s, line);
}

void proto_error(struct proto_session *s, const char *line)
{
	send_line(s, line);
}

static struct token next_token(char **at, const char *end)
{
	struct token token;

	while (*at < end && **at == ' ')
		++*at;
	token.text = *at;
	while (*at < end && **at != ' ')
		++*at;
	token.len = *at - token.text;
	return token;
}

static bool token_is(struct token token, const char *word)
{
	return token.len == strlen(word) && !memcmp(token.text, word, token.len);
}

static bool to_u64(struct token token, __u64 max, __u64 *number)
{
	size_t i;

	*number = 0;
	for (i = 0; i < token.len; i++) {
		unsigned int digit = (unsigned char)token.text[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, digit, number))
			return false;
	}
	return token.len && *number <= max;
}

static bool to_exptime(struct token token, __u64 *expires)
{
	bool negative = token.len && *token.text == '-';
	__u64 seconds;

	if (negative) {
		token.text++;
		token.len--;
	}
	if (!to_u64(token, INT64_MAX, &seconds))
		return false;
	*expires = store_expiry(negative ? -(__s64)seconds : (__s64)seconds);
	return true;
}

static bool to_key(struct token token, struct store_key *key)
{
	key->text = token.text;
	key->len = token.len;
	return token.len && token.len <= KV_KEY_MAX;
}

static void reply_result(struct proto_session *s, enum store_result result)
{
	static const char * const lines[] = {
		[STORE_OK] = "STORED",
		[STORE_NOT_STORED] = "NOT_STORED",
		[STORE_EXISTS] = "EXISTS",
		[STORE_NOT_FOUND] = "NOT_FOUND",
		[STORE_TOO_LARGE] = "SERVER_ERROR object too large for cache",
		[STORE_NO_MEMORY] = "SERVER_ERROR out of memory storing object",
		[STORE_NOT_A_NUMBER] = NOT_A_NUMBER,
	};

	reply(s, lines[result]);
}

/* get, gets, and after their time gat, gats: param is whether to send the cas */
static void run_get(struct proto_session *s, struct args *args, int with_cas)
{
	s->with_cas = with_cas;
	s->touch = false;
	s->state = PROTO_KEYS;
}

static void run_gat(struct proto_session *s, struct args *args, int with_cas)
{
	run_get(s, args, with_cas);
	s->touch = true;
	if (to_exptime(args->token[1], &s->value.expires))
		return;
	s->state = PROTO_COMMAND;
	reply(s, BAD_EXPTIME);
}

static void run_store(struct proto_session *s, struct args *args, int op)
{
	struct store_value *value = &s->value;
	__u64 flags, len, cas = 0;
	struct store_key key;

	if (!to_key(args->token[1], &key) ||
	    !to_u64(args->token[2], UINT32_MAX, &flags) ||
	    !to_exptime(args->token[3], &value->expires) ||
	    !to_u64(args->token[4], INT32_MAX - 2, &len) ||
	    (op == STORE_CAS && !to_u64(args->token[5], UINT64_MAX, &cas))) {
		reply(s, BAD_FORMAT);
		return;
	}
	value->flags = flags;
	value->len = len;
	value->cas = cas;
	if (len > s->server->root->item_max) {
		/* The store has its reasons to know; it will not take it. */
		reply_result(s, store_put(s->server->root, op, key, value));
		s->skip = len + 2;
		return;
	}
	s->op = op;
	s->key_len = key.len;
	memcpy(s->key, key.text, key.len);
	s->state = PROTO_VALUE;
}

static void run_add(struct proto_session *s, struct args *args, int subtract)
{
	enum store_result result;
	struct store_key key;
	__u64 delta, number;
	char line[32];

	if (!to_key(args->token[1], &key)) {
		reply(s, BAD_FORMAT);
		return;
	}
	if (!to_u64(args->token[2], UINT64_MAX, &delta)) {
		reply(s, BAD_DELTA);
		return;
	}
	result = store_add(s->server->root, key, delta, subtract, &number);
	if (result) {
		reply_result(s, result);
		return;
	}
	snprintf(line, sizeof(line), "%llu", (unsigned long long)number);
	reply(s, line);
}

/* A time of 0 is what clients of old send; there is no delayed delete. */
static void run_delete(struct proto_session *s, struct args *args, int param)
{
	struct store_key key;

	if (args->count - s->noreply == 3 && !token_is(args->token[2], "0"))
		reply(s, BAD_DELETE);
	else if (args->count - s->noreply > 3)
		reply(s, BAD_DELETE);
	else if (!to_key(args->token[1], &key))
		reply(s, BAD_FORMAT);
	else if (store_delete(s->server->root, key))
		reply(s, "DELETED");
	else
		reply(s, "NOT_FOUND");
}

static void run_touch(struct proto_session *s, struct args *args, int param)
{
	struct store_key key;
	__u64 expires;

	if (!to_key(args->token[1], &key))
		reply(s, BAD_FORMAT);
	else if (!to_exptime(args->token[2], &expires))
		reply(s, BAD_EXPTIME);
	else if (store_touch(s->server->root, key, expires))
		reply(s, "TOUCHED");
	else
		reply(s, "NOT_FOUND");
}

static void flush_later(struct server *server, __u64 when)
{
	__u64 delay = (when - clock_ns()) / 1000;
	struct timeval wait = { .tv_sec = delay / 1000000,
				.tv_usec = delay % 1000000 };

	evtimer_add(server->flush_timer, &wait);
}

static void run_flush(struct proto_session *s, struct args *args, int param)
{
	struct server *server = s->server;
	__u64 when = 0;

	if (args->count - s->noreply > 1 &&
	    !to_exptime(args->token[1], &when)) {
		reply(s, BAD_EXPTIME);
		return;
	}
	evtimer_del(server->flush_timer);
	if (when > clock_ns())
		flush_later(server, when);
	else
		store_flush(server->root);
	reply(s, "OK");
}

static void run_verbosity(struct proto_session *s, struct args *args, int param)
{
	__u64 level;

	if (args->count == 1) {
		reply(s, "ERROR");
		return;
	}
	if (!to_u64(args->token[1], INT32_MAX, &level)) {
		reply(s, BAD_FORMAT);
		return;
	}
	s->server->opt.verbose = level;
	reply(s, "OK");
}

static void run_version(struct proto_session *s, struct args *args, int param)
{
	reply(s, "VERSION " SERVER_VERSION);
}

static void run_quit(struct proto_session *s, struct args *args, int param)
{
	s->state = PROTO_CLOSE;
}

static void run_stats(struct proto_session *s, struct args *args, int param)
{
	if (args->count == 1) {
		stats_print(s->server, s->out);
	} else if (args->count == 2 && token_is(args->token[1], "reset")) {
		stats_reset(s->server->root);
		reply(s, "RESET");
	} else {
		reply(s, "ERROR");
	}
}

#define ANY (TOKENS_MAX + 1)

static const struct command commands[] = {
	/* tokens: min, max; where keys begin, where noreply may stand */
	{ "get",	run_get,	false,		2, ANY, 1, 0 },
	{ "gets",	run_get,	true,		2, ANY, 1, 0 },
	{ "gat",	run_gat,	false,		3, ANY, 2, 0 },
	{ "gats",	run_gat,	true,		3, ANY, 2, 0 },
	{ "set",	run_store,	STORE_SET,	5, 6, 0, 2 },
	{ "add",	run_store,	STORE_ADD,	5, 6, 0, 2 },
	{ "replace",	run_store,	STORE_REPLACE,	5, 6, 0, 2 },
	{ "append",	run_store,	STORE_APPEND,	5, 6, 0, 2 },
	{ "prepend",	run_store,	STORE_PREPEND,	5, 6, 0, 2 },
	{ "cas",	run_store,	STORE_CAS,	6, 7, 0, 2 },
	{ "incr",	run_add,	false,		3, 4, 0, 2 },
	{ "decr",	run_add,	true,		3, 4, 0, 2 },
	{ "delete",	run_delete,	0,		2, 4, 0, 2 },
	{ "touch",	run_touch,	0,		3, 4, 0, 2 },
	{ "flush_all",	run_flush,	0,		1, 3, 0, 1 },
	{ "verbosity",	run_verbosity,	0,		1, 3, 0, 1 },
	{ "version",	run_version,	0,		1, ANY, 0, 0 },
	{ "stats",	run_stats,	0,		1, ANY, 0, 0 },
	{ "quit",	run_quit,	0,		1, ANY, 0, 0 },
};

static const struct command *find_command(const struct args *args)
{
	const struct command *command;
	size_t i;

	if (!args->count)
		return NULL;
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		command = &commands[i];
		if (!token_is(args->token[0], command->name))
			continue;
		if (args->count < command->min || args->count > command->max)
			return NULL;
		return command;
	}
	return NULL;
}

static void split(char *at, const char *end, struct args *args)
{
	struct token token;

	for (args->count = 0; args->count <= TOKENS_MAX; args->count++) {
		token = next_token(&at, end);
		if (!token.len)
			return;
		if (args->count < TOKENS_MAX)
			args->token[args->count] = token;
	}
	args->count = TOKENS_MAX + 1;
}

static bool has_noreply(const struct command *command, const struct args *args)
{
	return command->noreply && args->count > command->noreply &&
	       token_is(args->token[args->count - 1], "noreply");
}

/* Runs the command of a line; returns how much of the line is done with. */
static size_t run_line(struct proto_session *s, char *line, size_t len,
		       size_t line_size)
{
	const struct command *command;
	struct args args;
	size_t done;

	if (s->server->opt.verbose > 1)
		fprintf(stderr, "< %.*s\n", (int)len, line);
	split(line, line + len, &args);
	command = find_command(&args);
	s->noreply = command && has_noreply(command, &args);
	if (!command) {
		reply(s, "ERROR");
		return line_size;
	}
	command->run(s, &args, command->param);
	if (s->state != PROTO_KEYS)
		return line_size;
	done = args.token[command->keys].text - line;
	s->line_left = line_size - done;
	return done;
}

static bool read_command(struct proto_session *s)
{
	size_t have = evbuffer_get_length(s->in), eol_size;
	struct evbuffer_ptr eol = evbuffer_search_eol(s->in, NULL, &eol_size,
						      EVBUFFER_EOL_CRLF);
	size_t size;

	if (eol.pos < 0 && have <= LINE_MAX)
		return false;
	if (eol.pos < 0 || eol.pos > LINE_MAX) {
		proto_error(s, "CLIENT_ERROR line too long");
		s->state = PROTO_CLOSE;
		return false;
	}
	size = eol.pos + eol_size;
	size = run_line(s, (char *)evbuffer_pullup(s->in, size), eol.pos, size);
	evbuffer_drain(s->in, size);
	return true;
}

/* The text of an item less its END, since more items may follow. */
static void send_item(struct proto_session *s, const struct kv_item *item)
{
	size_t line = s->with_cas ? item->line_len : 0;

	if (s->with_cas) {
		evbuffer_add(s->out, item->text, line);
		evbuffer_add(s->out, item->cas_text, item->cas_len);
	}
	evbuffer_add(s->out, item->text + line,
		     item->text_len - line - KV_END_LEN);
}

/* gat gives what was there, even if the new time is in the past. */
static void get_key(struct proto_session *s, struct store_key key)
{
	struct kv_root *root = s->server->root;
	struct kv_item *item = store_get(root, key);

	if (item)
		send_item(s, item);
	if (s->touch)
		store_touch(root, key, s->value.expires);
}

static bool read_keys(struct proto_session *s)
{
	char *line = (char *)evbuffer_pullup(s->in, s->line_left);
	char *end = line + s->line_left - 1;	/* at the newline */
	char *at = line;
	struct store_key key;
	struct token token;

	s->state = PROTO_COMMAND;
	if (end > line && end[-1] == '\r')
		end--;
	for (;;) {
		token = next_token(&at, end);
		if (!token.len) {
			send_line(s, "END");
			break;
		}
		if (!to_key(token, &key)) {
			send_line(s, BAD_FORMAT);
			break;
		}
		get_key(s, key);
		if (evbuffer_get_length(s->out) > PROTO_OUT_MAX) {
			s->state = PROTO_KEYS;
			s->line_left -= at - line;
			evbuffer_drain(s->in, at - line);
			return true;
		}
	}
	evbuffer_drain(s->in, s->line_left);
	return true;
}

static bool read_value(struct proto_session *s)
{
	struct store_key key = { s->key, s->key_len };
	size_t size = s->value.len + 2;
	const char *data;

	if (evbuffer_get_length(s->in) < size)
		return false;
	data = (const char *)evbuffer_pullup(s->in, size);
	s->value.data = data;
	if (memcmp(data + s->value.len, "\r\n", 2))
		reply(s, BAD_CHUNK);
	else
		reply_result(s, store_put(s->server->root, s->op, key, &s->value));
	evbuffer_drain(s->in, size);
	s->state = PROTO_COMMAND;
	return true;
}

static bool skip_input(struct proto_session *s)
{
	size_t have = evbuffer_get_length(s->in);
	size_t size = have < s->skip ? have : s->skip;

	evbuffer_drain(s->in, size);
	s->skip -= size;
	return !s->skip;
}

static bool step(struct proto_session *s)
{
	if (s->skip)
		return skip_input(s);
	switch (s->state) {
	case PROTO_COMMAND:
		return read_command(s);
	case PROTO_KEYS:
		return read_keys(s);
	case PROTO_VALUE:
		return read_value(s);
	case PROTO_CLOSE:
		break;
	}
	return false;
}

void proto_run(struct proto_session *s)
{
	while (evbuffer_get_length(s->out) <= PROTO_OUT_MAX && step(s))
		;
}

bool proto_idle(const struct proto_session *s)
{
	return s->state == PROTO_COMMAND && !s->skip &&
	       !evbuffer_get_length(s->in);
}
