// SPDX-License-Identifier: GPL-2.0
/* State machines */
#include "corpus.h"

#define TAPE 4096

char __arena_global program[TAPE], output[TAPE];
u8 __arena_global cells[TAPE];
u16 __arena_global jumps[TAPE];
u16 __arena_global open[128];

SEC("tc")
int brainfuck(void *ctx)
{
	u32 pc, at = 0, n = 0, depth = 0;

	for (pc = 0; pc < TAPE && program[pc] && can_loop; pc++) {
		if (program[pc] == '[') {
			if (depth == 128)
				return -1;
			open[depth++] = pc;
		} else if (program[pc] == ']') {
			if (!depth)
				return -1;
			jumps[pc] = open[--depth];
			jumps[jumps[pc]] = pc;
		}
	}
	for (pc = 0; pc < TAPE && program[pc] && can_loop; pc++) {
		switch (program[pc]) {
		case '>': at = (at + 1) % TAPE; break;
		case '<': at = (at - 1) % TAPE; break;
		case '+': cells[at]++; break;
		case '-': cells[at]--; break;
		case '.':
			if (n == TAPE)
				return n;
			output[n++] = cells[at];
			break;
		case '[':
			if (!cells[at])
				pc = jumps[pc];
			break;
		case ']':
			if (cells[at])
				pc = jumps[pc];
			break;
		}
	}
	return n;
}

enum tcp_state { CLOSED, LISTEN, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSING,
		 CLOSE_WAIT, LAST_ACK, TIME_WAIT };

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

struct flow {
	u8 state;
	u8 last_flags;
	u32 packets;
	u64 bytes;
};

struct segment {
	u16 flow;
	u8 flags;
	bool in;
	u32 length;
};

struct flow __arena_global flows[1024];
struct segment __arena_global segments[4096];
u32 n;

/* What many segments do to many connections */
SEC("tc")
int tcp_track(void *ctx)
{
	u32 i, odd = 0;

	for (i = 0; i < n && can_loop; i++) {
		struct segment __arena *s = &segments[i];
		struct flow __arena *f = &flows[s->flow % 1024];
		u8 flags = s->flags;

		f->packets++;
		f->bytes += s->length;
		if (flags & RST) {
			f->state = CLOSED;
			continue;
		}
		switch (f->state) {
		case CLOSED:
		case LISTEN:
			if ((flags & (SYN | ACK)) == SYN)
				f->state = s->in ? SYN_RECV : SYN_SENT;
			else
				odd++;
			break;
		case SYN_SENT:
			if ((flags & (SYN | ACK)) == (SYN | ACK))
				f->state = ESTABLISHED;
			else if (flags & SYN)
				f->state = SYN_RECV;
			else
				odd++;
			break;
		case SYN_RECV:
			if (flags & ACK)
				f->state = ESTABLISHED;
			break;
		case ESTABLISHED:
			if (flags & FIN)
				f->state = s->in ? CLOSE_WAIT : FIN_WAIT1;
			break;
		case FIN_WAIT1:
			if (flags & FIN)
				f->state = flags & ACK ? TIME_WAIT : CLOSING;
			else if (flags & ACK)
				f->state = FIN_WAIT2;
			break;
		case FIN_WAIT2:
			if (flags & FIN)
				f->state = TIME_WAIT;
			break;
		case CLOSE_WAIT:
			if (flags & FIN && !s->in)
				f->state = LAST_ACK;
			break;
		case CLOSING:
			if (flags & ACK)
				f->state = TIME_WAIT;
			break;
		case LAST_ACK:
			if (flags & ACK)
				f->state = CLOSED;
			break;
		default:
			odd++;
		}
		f->last_flags = flags;
	}
	return odd;
}

/* A loop whose exits and paths are many and short */
struct item {
	u32 flag, busy, val;
	struct item __arena *next;
};

struct item __arena * __arena_global items;

SEC("tc")
int many_exits(void *ctx)
{
	struct item __arena *p = items;

	if (!p)
		return 0;
	while (can_loop) {
		if (p->busy == 9)
			break;
		if (p->flag == 3)
			p->val++;
		else if (p->flag == 4)
			p->val += 7;
	}
	return 0;
}

SEC("tc")
int many_exits_list(void *ctx)
{
	struct item __arena *p;
	int errors = 0;

	for (p = items; p; p = p->next) {
		if (!can_loop)
			return -1;
		if (p->busy == 9)
			return errors;
		if (p->flag > 100)
			goto bad;
		switch (p->flag) {
		case 1:
			p->val++;
			continue;
		case 2:
			p->val--;
			break;
		case 3:
			if (++errors > 10)
				goto bad;
			break;
		case 4:
			p->flag = p->val;
			break;
		}
		p->busy++;
	}
	return errors;
bad:
	return -2;
}

#define LIGHTS 64

struct light {
	u8 color; /* 0 red, 1 green, 2 yellow */
	u16 left;
};

struct light __arena_global lights[LIGHTS];

SEC("tc")
int traffic_lights(void *ctx)
{
	u32 i, changed = 0;

	for (i = 0; i < LIGHTS; i++) {
		struct light __arena *l = &lights[i];

		if (l->left) {
			l->left--;
			continue;
		}
		changed++;
		if (l->color == 0) {
			l->color = 1;
			l->left = 30;
		} else if (l->color == 1) {
			l->color = 2;
			l->left = 3;
		} else {
			l->color = 0;
			l->left = 33;
		}
	}
	return changed;
}

/* A table of transitions: which words of an automaton's language are in the text? */
u8 __arena_global next_state[64][256];
u8 __arena_global accepts[64];

SEC("tc")
int automaton(void *ctx)
{
	u32 state = 0, found = 0;
	char __arena *p;

	for (p = program; *p && can_loop; p++) {
		state = next_state[state & 63][(u8)*p];
		if (!accepts[state & 63])
			continue;
		found++;
		state = 0;
	}
	return found;
}
