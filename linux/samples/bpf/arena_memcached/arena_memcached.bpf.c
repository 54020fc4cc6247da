// SPDX-License-Identifier: GPL-2.0
/*
 * Answers UDP GETs where they arrive, out of memcached's own memory. layout.h says why
 * that is sound; the numbers below are its steps.
 *
 *	packet:  eth | ip | udp | frame | "get KEY\r\n"
 *	                                   | copied to reader->request, parsed there
 *	memcached: table[hash] -> item -> item: flags, cas, key, value
 *	                                   | line made in reader->line; both copied
 *	answer:  eth | ip | udp | frame | "VALUE KEY 0 5\r\n" "hello\r\n" "END\r\n"
 *
 * What is answered: "get KEY", "gets KEY" and "mg KEY v ..." with flags of "vsfckqO", and
 * t for an item that does not expire, as clients write them: one blank between words,
 * "\r\n" at the end, one datagram; if an item is found that layout.h says may be
 * answered, and the answer is one datagram within the MTU. All else is passed up
 * as it came, and memcached answers it. A value is copied once, into the packet. If step 5
 * then finds that it has changed, the request, which reader->request still has, is put back.
 *
 * XDP comes before the network stack. What is answered here is seen by no firewall, NAT or
 * reverse path filter, and the path's MTU is not known: see --mtu.
 */
#include <linux/bpf.h>
#include <bpf/bpf_arena.h>

#include "packet.h"

#define GET		0x20746567	/* "get " */
#define GETS		0x73746567	/* "gets" */
#define MG		0x676d		/* "mg" */
#define CRLF		0x0a0d
#define END_CR		0x0d444e45U	/* "END\r" */
#define VALUE_WORD	0x2045554c41560000ULL	/* 2 bytes of no matter, "VALUE " */
#define VA_WORD		0x20415600U	/* 1 byte of no matter, "VA " */

#define OFF_MASK	2047		/* more than any packet we look at or send */

#define ONES		0x0101010101010101ULL
#define ARENA_LINE	32		/* an arena lies between two multiples of 4 GiB */

/* Packet and arena bytes have no alignment, and need none on x86-64 and arm64. */
#define word_at(p)	(*(__u64 *)(p))
#define arena_at(type, p) (*(volatile type __arena *)(p))

/* The one that arena-heap has made */
struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

const volatile struct mc_config config;

enum verb { NONE, VERB_GET, VERB_GETS, VERB_MG };

struct query {
	struct mc_reader __arena *reader;
	char __arena *text;	/* reader->request, the first byte */
	__u32 key;		/* offset in the text */
	__u32 key_len;
	__u32 len;		/* of the request */
	__u32 hash;
	enum verb verb;
	/* mg: flags to return, the last one in the lowest byte; the opaque, with its O */
	__u64 flags;
	__u32 opaque;		/* offset of its end in the text */
	__u32 opaque_len;
	/* What steps 1 and 2 have found */
	char __arena *counter;
	__u64 seq;
	__u64 generation;
};

/* What is read of an item in step 4; the value is where it is. */
struct found {
	char __arena *value;
	__u64 cas;
	__u32 client_flags;
	__u32 nbytes;
	__u32 exptime;
};

/* A limit that the verifier understands, and that clang cannot reason away */
static __always_inline __u64 limit(__u64 off)
{
	barrier_var(off);
	return off & OFF_MASK;
}

static __always_inline void *packet_at(const struct packet *pkt, __u64 off)
{
	return pkt->data + limit(off);
}

/*
 * Loops over bytes go from reader->zero, which is 0, but not to the verifier, by way of
 * step(), after which it knows the limit and nothing else. To it all rounds are alike: it
 * checks one, and can_loop is all it wants. Of a loop that counts it would check each
 * round, times all that follows. can_loop ends no loop here: that takes thousands of
 * rounds, and a packet has hundreds. If it did, a key would not match, or a packet would
 * be dropped.
 */
static __always_inline __u64 step(__u64 off, __u64 size)
{
	return limit(off + size);
}

#define start(q) step((q)->reader->zero, 0)

/*
 * Makes the verifier forget what it knows of @x, and so follow one path where what it
 * knew is all that differs between several.
 */
#define forget(x, zero) asm volatile("%0 |= %1" : "+r"(x) : "r"(zero))

/* A full barrier */
static __always_inline void mc_fence(struct mc_reader __arena *reader)
{
	__sync_lock_test_and_set(&reader->fence, 1);
}

/* The request */

/* The text to where it can be looked at without a check for each byte */
static __always_inline bool copy_request(const struct packet *pkt, struct query *q)
{
	__u64 off, len = pkt->len;
	void *p;

	/* The shortest is "get k\r\n"; a wrong UDP length wraps around. */
	if (len < 7 || len > MC_REQUEST_MAX)
		return false;
	for (off = start(q); off + 8 <= len && can_loop; off = step(off, 8)) {
		p = packet_at(pkt, pkt->text + off);
		if (p + 8 > pkt->end)
			return false;
		arena_at(__u64, q->text + off) = word_at(p);
	}
	/* The last 8 bytes overlap the word before, or what lies in front of the text. */
	p = packet_at(pkt, pkt->text + len - 8);
	if (p + 8 > pkt->end)
		return false;
	arena_at(__u64, q->text + len - 8) = word_at(p);
	q->len = len;
	return arena_at(__u16, q->text + len - 2) == CRLF;
}

/* The highest bit of each byte that is 0; of those after the first one it is not sure. */
static __always_inline __u64 zeroes(__u64 word)
{
	return (word - ONES) & ~word & ONES << 7;
}

/*
 * Whether one of eight bytes is what memcached takes a request apart by, or ends it by:
 * the first such byte is sure. Bytes below are rare, so they are looked at together first.
 */
static __always_inline __u64 has_end(__u64 word)
{
	if (!((word - ONES * 0x21) & ~word & ONES << 7))
		return 0;
	return zeroes(word ^ ONES * ' ') | zeroes(word ^ ONES * '\n') |
	       zeroes(word ^ ONES * '\r') | zeroes(word);
}

static __always_inline bool parse_opaque(struct query *q, __u64 *at)
{
	__u64 off, begin = *at;

	for (off = begin; off < q->len - 2 && can_loop; off = step(off, 1))
		if ((__u8)q->text[off] <= ' ')
			break;
	*at = off;
	q->opaque = off;
	q->opaque_len = off - begin;
	return q->opaque_len <= MC_OPAQUE_MAX;
}

static __always_inline bool is_flag(char c)
{
	return c == 'v' || c == 's' || c == 'f' || c == 'c' || c == 'k' || c == 'q' ||
	       c == 't' || c == 'O';
}

/* " v f c Oabc\r\n": each flag once, v among them */
static __always_inline bool parse_flags(struct query *q, __u64 off)
{
	__u64 seen = 0;
	char c;

	for (; off < q->len - 2 && can_loop; off = limit(off)) {
		if (q->text[off] != ' ')
			return false;
		c = q->text[step(off, 1)];
		if (!is_flag(c) || seen & 1ULL << (c - 'A'))
			return false;
		seen |= 1ULL << (c - 'A');
		q->flags = q->flags << 8 | (__u8)c;
		off = step(off, 1);
		if (c != 'O')
			off = step(off, 1);
		else if (!parse_opaque(q, &off))
			return false;
	}
	return off == q->len - 2 && seen & 1ULL << ('v' - 'A');
}

static __always_inline bool parse_mg(struct query *q)
{
	__u64 off, len = q->len - 2;

	q->verb = VERB_MG;
	q->key = 3;
	for (off = step(q->reader->zero, 3); off < len && can_loop; off = step(off, 1))
		if (q->text[off] == ' ')
			break;
	q->key_len = off - 3;
	return parse_flags(q, off);
}

static __always_inline bool parse_words(struct query *q)
{
	__u32 word = arena_at(__u32, q->text);
	__u32 verb_len = 4;

	if ((__u16)word == MG && q->text[2] == ' ')
		return parse_mg(q);
	if (word == GETS && q->text[4] == ' ')
		verb_len = 5;
	else if (word != GET)
		return false;
	q->verb = verb_len == 5 ? VERB_GETS : VERB_GET;
	q->key = verb_len;
	q->key_len = q->len - verb_len - 2;
	return true;
}

static __always_inline bool parse_request(struct query *q)
{
	__u64 zero = q->reader->zero;

	if (!parse_words(q))
		return false;
	forget(q->verb, zero);
	forget(q->key, zero);
	forget(q->key_len, zero);
	forget(q->flags, zero);
	forget(q->opaque, zero);
	forget(q->opaque_len, zero);
	return true;
}

/*
 * Also looks whether the key is one word: memcached itself stores others, by its binary
 * protocol. What follows the key in the last word is no part of it.
 */
static __always_inline bool hash_key(struct query *q)
{
	char __arena *key = q->text + q->key;
	__u64 off, word, end = 0, len = q->key_len;
	__u32 hash = 0;

	if (!len || len > MC_KEY_MAX)
		return false;
	for (off = start(q); off + 8 <= len && can_loop; off = step(off, 8)) {
		word = arena_at(__u64, key + off);
		end |= has_end(word);
		hash = mc_hash_add(mc_hash_add(hash, word), word >> 32);
	}
	word = arena_at(__u64, key + off) & ((1ULL << len % 8 * 8) - 1);
	end |= has_end(word) & ((1ULL << len % 8 * 8) - 1);
	if (len & 4) {
		hash = mc_hash_add(hash, word);
		word >>= 32;
	}
	q->hash = mc_hash_end(hash ^ mc_hash_mix(word), len);
	return !end;
}

/* Looking it up */

/* A pointer of memcached's that is not into the arena is not for us. */
static __always_inline bool in_arena(__u64 addr)
{
	return addr >> ARENA_LINE == config.root >> ARENA_LINE;
}

static __always_inline char __arena *pointer(__u64 addr)
{
	return (char __arena *)addr;
}

static __always_inline bool has_key(const struct query *q, char __arena *item)
{
	char __arena *key = item + config.layout.data + 8;
	char __arena *wanted = q->text + q->key;
	__u64 off, len = q->key_len;

	if (arena_at(__u8, item + config.layout.nkey) != len)
		return false;
	for (off = start(q); off + 8 <= len && can_loop; off = step(off, 8))
		if (arena_at(__u64, key + off) != arena_at(__u64, wanted + off))
			return false;
	if (len - off > 7)
		return false;
	return !((arena_at(__u64, key + off) ^ arena_at(__u64, wanted + off)) &
		 ((1ULL << len % 8 * 8) - 1));
}

/* Step 3, in one table; 0 if it is not there or not among the first */
static __always_inline __u64 walk(const struct query *q, __u64 table, __u64 mask)
{
	__u64 item, i;

	if (!in_arena(table))
		return 0;
	item = arena_at(__u64, pointer(table + (q->hash & mask) * 8));
	for (i = start(q); i < MC_WALK_MAX && in_arena(item) && can_loop; i = step(i, 1)) {
		if (has_key(q, pointer(item)))
			return item;
		item = arena_at(__u64, pointer(item + config.layout.h_next));
	}
	return 0;
}

/* It may be being changed: what is wrong here is found out in step 5. */
static __always_inline bool read_item(const struct query *q, char __arena *item,
				      struct found *found)
{
	__u32 flags = arena_at(__u16, item + config.layout.it_flags);
	char __arena *data = item + config.layout.data;

	if (flags & ~MC_PLAIN || (flags & MC_NEEDED) != MC_NEEDED)
		return false;
	found->exptime = arena_at(__u32, item + config.layout.exptime);
	found->nbytes = arena_at(__u32, item + config.layout.nbytes);
	found->cas = arena_at(__u64, data);
	found->client_flags = 0;
	data += 8 + q->key_len + 1;
	if (flags & MC_CFLAGS) {
		found->client_flags = arena_at(__u32, data);
		data += 4;
	}
	found->value = data;
	return found->nbytes >= 2 && found->nbytes <= MC_TEXT_MAX;
}

/* Steps 1 to 3, and the first part of 4. Volatile: each is read where it stands. */
static __always_inline bool look_up(struct mc_dir __arena *dir, struct query *q,
				    struct found *found)
{
	struct mc_reader __arena *reader = q->reader;
	__u64 item;

	q->counter = pointer(dir->seqs + (q->hash & dir->lock_mask) * 8);
	q->seq = arena_at(__u64, q->counter);				/* 1 */
	q->generation = arena_at(__u64, &dir->generation);		/* 2 */
	mc_fence(reader);
	if ((q->seq | q->generation) & 1) {
		reader->locked++;
		return false;
	}
	item = walk(q, arena_at(__u64, &dir->old), arena_at(__u64, &dir->old_mask));	/* 3 */
	if (item)
		reader->old++;
	else
		item = walk(q, arena_at(__u64, &dir->table), arena_at(__u64, &dir->mask));
	if (!item) {
		reader->missed++;
		return false;
	}
	if (read_item(q, pointer(item), found))				/* 4 */
		return true;
	reader->inactive++;
	return false;
}

/* Step 5: nobody has been in a section of the key's lock, ... */
static __always_inline bool lock_unchanged(const struct query *q)
{
	return arena_at(__u64, q->counter) == q->seq;
}

/* ... and no table has come or gone. */
static __always_inline bool tables_unchanged(struct mc_dir __arena *dir, const struct query *q)
{
	return arena_at(__u64, &dir->generation) == q->generation;
}

static __always_inline bool is_unchanged(struct mc_dir __arena *dir, const struct query *q)
{
	mc_fence(q->reader);
	if (lock_unchanged(q) && tables_unchanged(dir, q))
		return true;
	q->reader->changed++;
	return false;
}

/* memcached's clock is not ahead of this: see layout.h. */
static __always_inline bool is_alive(struct mc_dir __arena *dir, const struct found *found)
{
	return !found->exptime ||
	       found->exptime > bpf_ktime_get_ns() / 1000000000 - dir->epoch;
}

/* The line in front of the value, written from its end */

static __always_inline char __arena *put_char(char __arena *p, char c)
{
	*--p = c;
	return p;
}

/* In whole words: what is written too much in front is written over. */
static __always_inline char __arena *put_text(const struct query *q, char __arena *p,
					      char __arena *end, __u64 len)
{
	__u64 off;

	for (off = start(q); off < len && can_loop; off = step(off, 8))
		arena_at(__u64, p - 8 - off) = arena_at(__u64, end - 8 - off);
	return p - len;
}

/* Without the division, which is many instructions, where 32 bits suffice */
static __always_inline __u64 tenth(__u64 n)
{
	return n >> 32 ? n / 10 : n * 0xcccccccd >> 35;
}

static __always_inline char __arena *put_number(const struct query *q, char __arena *p,
						__u64 n)
{
	__u64 rest, zero = q->reader->zero;

	do {
		forget(n, zero);
		rest = tenth(n);
		*--p = '0' + n - rest * 10;
		n = rest;
	} while (n && can_loop);
	return p;
}

static __always_inline char __arena *put_key(const struct query *q, char __arena *p)
{
	return put_text(q, p, q->text + q->key + q->key_len, q->key_len);
}

static __always_inline char __arena *put_get_line(const struct query *q, char __arena *p,
						  const struct found *found)
{
	if (q->verb == VERB_GETS)
		p = put_char(put_number(q, p, found->cas), ' ');
	p = put_char(put_number(q, p, found->nbytes - 2), ' ');
	p = put_char(put_number(q, p, found->client_flags), ' ');
	p = put_key(q, p);
	arena_at(__u64, p - 8) = VALUE_WORD;
	return p - 6;
}

/* One flag of mg, with the blank in front; not v and q, which return nothing */
static __always_inline char __arena *put_flag(const struct query *q, char __arena *p,
					      const struct found *found, char c)
{
	__u64 n;

	if (c == 'v' || c == 'q')
		return p;
	if (c == 'O')
		return put_char(put_text(q, p, q->text + q->opaque, q->opaque_len), ' ');
	if (c == 'k') {
		p = put_key(q, p);
	} else if (c == 't') {
		arena_at(__u16, p - 2) = '-' | '1' << 8;
		p -= 2;
	} else {
		n = c == 'c' ? found->cas : c == 'f' ? found->client_flags : found->nbytes - 2;
		p = put_number(q, p, n);
	}
	return put_char(put_char(p, c), ' ');
}

static __always_inline char __arena *put_mg_line(const struct query *q, char __arena *p,
						 const struct found *found)
{
	__u64 flags;

	for (flags = q->flags; flags && can_loop; flags >>= 8)
		p = put_flag(q, p, found, flags);
	p = put_number(q, p, found->nbytes - 2);
	arena_at(__u32, p - 4) = VA_WORD;
	return p - 3;
}

static __always_inline bool asks_ttl(const struct query *q)
{
	__u64 flags;

	for (flags = q->flags; flags && can_loop; flags >>= 8)
		if ((flags & 0xff) == 't')
			return true;
	return false;
}

/* Its length; it ends where reader->line does. */
static __always_inline __u32 put_line(struct query *q, const struct found *found)
{
	char __arena *end = q->reader->line + MC_LINE_MAX, *p = end - 2;
	__u64 zero = q->reader->zero;
	__u32 len;

	arena_at(__u16, p) = CRLF;
	p = q->verb == VERB_MG ? put_mg_line(q, p, found) : put_get_line(q, p, found);
	len = (__u32)(long)end - (__u32)(long)p;
	forget(len, zero);
	forget(q->verb, zero);
	return len;
}

/* Writing the packet */

/* The sum of 32-bit words: all words, less the upper halves, and the upper halves */
struct sum {
	__u64 all;
	__u64 upper;
};

static __always_inline void add_word(struct sum *sum, __u64 word)
{
	sum->all += word;
	sum->upper += word >> 32;
}

static __always_inline void move_word(struct sum *sum, void *to, char __arena *from)
{
	__u64 word = arena_at(__u64, from);

	word_at(to) = word;
	add_word(sum, word);
}

/*
 * The last @rest bytes, 1 to 7, with those before them, which are written once more: eight
 * bytes are one store.
 */
static __always_inline bool move_last(struct packet *pkt, struct sum *sum, __u32 to,
				      char __arena *from, __u64 rest)
{
	__u64 word = arena_at(__u64, from - 8 + rest);
	void *p = packet_at(pkt, to - 8 + rest);

	if (p + 8 > pkt->end)
		return false;
	word_at(p) = word;
	add_word(sum, word >> (64 - rest * 8));
	return true;
}

/* The same where there are none before them */
static __always_inline bool move_few(struct packet *pkt, struct sum *sum, __u32 to,
				     char __arena *from, __u64 rest)
{
	__u64 word = arena_at(__u64, from) & ((1ULL << rest * 8) - 1);
	void *p = packet_at(pkt, to);

	add_word(sum, word);
	if (rest & 4) {
		if (p + 4 > pkt->end)
			return false;
		*(__u32 *)p = word;
		word >>= 32;
		p += 4;
	}
	if (rest & 2) {
		if (p + 2 > pkt->end)
			return false;
		*(__u16 *)p = word;
		word >>= 16;
		p += 2;
	}
	if (rest & 1) {
		if (p + 1 > pkt->end)
			return false;
		*(__u8 *)p = word;
	}
	return true;
}

static __always_inline bool move_rest(struct packet *pkt, struct sum *sum, __u32 to,
				      char __arena *from, __u32 len, __u64 off)
{
	__u64 rest = len - off;

	if (!rest)
		return true;
	if (rest > 7)
		return false;	/* can_loop has ended a loop */
	return off ? move_last(pkt, sum, to + off, from + off, rest) :
		     move_few(pkt, sum, to, from, rest);
}

/* As many whole blocks as there are behind @off; the checks are for the verifier. */
static __always_inline bool move_blocks(struct packet *pkt, struct sum *sum, __u32 to,
					char __arena *from, __u32 len, __u64 *at,
					const __u32 block)
{
	__u64 off;
	__u32 i;
	void *p;

	for (off = *at; off + block <= len && can_loop; off = step(off, block)) {
		p = packet_at(pkt, to + off);
		if (p + block > pkt->end)
			return false;
#pragma unroll
		for (i = 0; i < block; i += 8)
			move_word(sum, p + i, from + off + i);
	}
	*at = off;
	return true;
}

#define NO_ROOM	(~0ULL)

/*
 * @len bytes to offset @to of the packet; their sum, as if they began at an even one.
 * After resize() there is room for all. A global function, which the verifier follows
 * once, not once more for each path that leads here. @zero is 0: see step().
 */
__noinline __u64 move_bytes(struct xdp_md *ctx, __u32 to, char __arena *from __arg_arena,
			    __u32 len, __u64 zero)
{
	struct packet pkt = {
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u64 off = limit(zero);
	struct sum sum = {};

	if (!move_blocks(&pkt, &sum, to, from, len, &off, 64) ||
	    !move_blocks(&pkt, &sum, to, from, len, &off, 32) ||
	    !move_blocks(&pkt, &sum, to, from, len, &off, 8) ||
	    !move_rest(&pkt, &sum, to, from, len, off))
		return NO_ROOM;
	return fold(sum.all - (sum.upper << 32) + sum.upper);
}

static __always_inline bool move(const struct query *q, struct packet *pkt, __u32 to,
				 char __arena *from, __u32 len, __u64 *sum)
{
	*sum = move_bytes(pkt->ctx, pkt->text + to, from, len, q->reader->zero);
	look_anew(pkt);
	return *sum != NO_ROOM;
}

static __always_inline bool write_end(struct packet *pkt, __u32 to)
{
	char *p = packet_at(pkt, pkt->text + to);

	if ((void *)p + 5 > pkt->end)
		return false;
	*(__u32 *)p = END_CR;
	p[4] = '\n';
	return true;
}

/* A sum that begins at an odd offset has its bytes the other way round. */
static __always_inline __u16 sum_at(__u32 offset, __u16 sum)
{
	return offset & 1 ? (__u16)(sum << 8 | sum >> 8) : sum;
}

/* The text of the answer, in a packet that is long enough. The rest of step 4 */
static __always_inline bool write_text(struct query *q, struct packet *pkt,
				       const struct found *found, __u32 line_len,
				       __u64 *sum)
{
	char __arena *line = q->reader->line + MC_LINE_MAX - line_len;
	__u32 end = line_len + found->nbytes;
	__u64 value_sum;

	if (!move(q, pkt, 0, line, line_len, sum) ||
	    !move(q, pkt, line_len, found->value, found->nbytes, &value_sum))
		return false;
	*sum += sum_at(line_len, value_sum);
	if (q->verb == VERB_MG)
		return true;
	*sum += sum_at(end, fold(END_CR + '\n'));
	return write_end(pkt, end);
}

/* The request, as it was. Behind it, what a short frame is padded with is not. */
static __always_inline int put_back(const struct query *q, struct packet *pkt,
				    __u32 size)
{
	__u64 sum;

	return move(q, pkt, 0, q->text, q->len, &sum) && resize(pkt, size) ?
	       XDP_PASS : XDP_ABORTED;
}

/* A device need not pad what XDP sends: what came with padding keeps it. */
static __always_inline __u32 padded(__u32 size, __u32 was)
{
	__u32 least = was < ETH_ZLEN ? was : ETH_ZLEN;

	return size > least ? size : least;
}

/*
 * The frame gets no shorter than it was before it is certain that it is the answer: that
 * to mg may be.
 */
static __always_inline int answer_hit(struct packet *pkt,
				      struct mc_dir __arena *dir, struct query *q,
				      const struct found *found)
{
	__u32 line_len = put_line(q, found);
	__u32 len = line_len + found->nbytes + (q->verb == VERB_MG ? 0 : 5);
	__u32 was = pkt->size, size = pkt->text + len;
	__u64 sum;

	if (line_len > MC_LINE_MAX || len > MC_TEXT_MAX || !within_mtu(pkt, size) ||
	    (size > was && !resize(pkt, size)))
		return XDP_PASS;
	if (!write_text(q, pkt, found, line_len, &sum))
		return XDP_ABORTED;
	if (!is_unchanged(dir, q))
		return put_back(q, pkt, was);
	if (size < was && !resize(pkt, padded(size, was)))
		return XDP_ABORTED;
	if (!reply_headers(pkt, len, sum))
		return XDP_ABORTED;
	q->reader->hits++;
	return XDP_TX;
}

static __always_inline int answer(struct packet *pkt,
				  struct mc_dir __arena *dir, struct query *q)
{
	struct found found;

	if (!copy_request(pkt, q) || !parse_request(q) || !hash_key(q))
		return XDP_PASS;
	if (!look_up(dir, q, &found))
		return XDP_PASS;
	if (!is_alive(dir, &found) || (found.exptime && asks_ttl(q)))
		return XDP_PASS;
	return answer_hit(pkt, dir, q, &found);
}

/* Another program on this CPU may be at it, interrupted by this one. */
static __always_inline int answer_alone(struct packet *pkt,
					struct mc_dir __arena *dir, struct query *q)
{
	int verdict;

	if (__sync_lock_test_and_set(&q->reader->busy, 1))
		return XDP_PASS;
	verdict = answer(pkt, dir, q);
	q->reader->busy = 0;
	if (verdict == XDP_PASS)
		q->reader->passed++;
	return verdict;
}

SEC("xdp")
int arena_memcached(struct xdp_md *ctx)
{
	struct packet pkt = {
		.ctx = ctx,
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u32 cpu = bpf_get_smp_processor_id();
	const struct mc_frame *frame;
	struct query q = {};
	struct mc_dir __arena *dir;

	pkt.size = pkt.end - pkt.data;
	/* it has to be mentioned, to be this program's */
	asm volatile("" :: "r"(&arena));
	if (!parse_headers(&pkt))
		return XDP_PASS;
	if (pkt.from_0)
		return XDP_DROP; /* what memcached makes of it, sendmsg() in preload.c says */
	dir = (struct mc_dir __arena *)arena_at(__u64, pointer(config.root));
	/* Before memcached runs there is none, and what is read is 0. */
	if (!arena_at(__u32, &dir->ready) || cpu >= dir->nr_readers)
		return XDP_PASS;
	q.reader = (struct mc_reader __arena *)dir->readers + cpu;
	q.text = q.reader->request + 8;
	forget(pkt.text, q.reader->zero); /* IPv4 or IPv6 */
	frame = packet_at(&pkt, pkt.text - sizeof(*frame));
	if ((void *)(frame + 1) > pkt.end || frame->total != bpf_htons(1))
		return XDP_PASS;
	return answer_alone(&pkt, dir, &q);
}

char _license[] SEC("license") = "GPL";
