/* SPDX-License-Identifier: GPL-2.0 */
/* <bpf/arena/list.h>, <bpf/arena/seq.h>: what program and process do to lists and a pair */
#ifndef ARENA_LIB_LIST_H
#define ARENA_LIB_LIST_H
#include <bpf/arena/list.h>
#include <bpf/arena/seq.h>
#include "arena_lib.h"

#define NODES 32
#define LISTS 2
#define WALK 40 /* rounds: more than there are nodes */
#define PAIR 8

struct list_node {
	__u64 number;
	struct arena_list link;
};

struct list_test {
	struct arena_list head[LISTS];
	struct list_node node[NODES];
	struct arena_seq seq;
	__u64 pair[PAIR]; /* equal numbers */
	__u32 torn, valid, tried;
};

enum {
	LIST_ADD, LIST_ADD_TAIL, LIST_DEL, LIST_MOVE, LIST_HASH, LIST_CHECK, LIST_EMPTY,
	LIST_ZAP, NR_LIST_OPS, SEQ_READ, SEQ_WRITE, SEQ_TRY, SEQ_REPAIR, SEQ_HANG,
};

#ifdef __bpf__
struct list_test __arena_global list;
#define LIST_T (&list)
#else
static struct list_test *list_t;
#define LIST_T list_t
#endif

/* A number that depends on all elements and their order */
static inline int list_hash(struct arena_list __arena *head)
{
	struct arena_list __arena *pos;
	__u32 i, sum = 1;

	arena_list_for_each(pos, head, i, WALK) {
		if (!arena_ok(arena_container_of(pos, struct list_node, link),
			      sizeof(struct list_node)))
			return -EFAULT;
		sum = (sum * 31 + arena_container_of(pos, struct list_node, link)->number) &
		      0xfffffff;
	}
	return arena_list_done(pos, head) ? (int)sum : -EUCLEAN;
}

/* Takes out all elements with an odd number */
static inline int list_zap(struct arena_list __arena *head)
{
	struct arena_list __arena *pos, *after;
	int n = arena_zero(), err;
	__u32 i;

	arena_list_for_each_safe(pos, after, head, i, WALK) {
		if (!(arena_container_of(pos, struct list_node, link)->number & 1))
			continue;
		err = arena_list_del(pos);
		if (err)
			return err;
		n++;
	}
	return arena_list_done(pos, head) ? n : -EUCLEAN;
}

static inline int pair_read(struct list_test __arena *t)
{
	__u64 seq, first;
	__u32 round, j, differ;

	arena_seq_read(&t->seq, seq, round) {
		first = arena_read_once(&t->pair[0]);
		differ = 0;
		for (j = 1; j < PAIR; j++)
			differ |= arena_read_once(&t->pair[j]) != first;
		if (arena_seq_valid(&t->seq, seq))
			return differ ? -EUCLEAN : 0;
	}
	return -EAGAIN;
}

static inline void pair_write(struct list_test __arena *t)
{
	__u64 n = arena_read_once(&t->pair[0]) + 1;
	__u32 j;

	for (j = 0; j < PAIR; j++)
		arena_write_once(&t->pair[j], n);
}

static inline int seq_op(struct list_test __arena *t, struct lib_call *c)
{
	__u32 i;
	int err;

	switch (c->op) {
	case SEQ_READ:
		arena_rounds(i, c->a) {
			err = pair_read(t);
			if (err == -EUCLEAN)
				return err;
			arena_fetch_add(&t->valid, !err);
		}
		return 0;
	case SEQ_WRITE:
		err = arena_seq_write_begin(&t->seq);
		pair_write(t);
		arena_seq_write_end(&t->seq);
		return err;
	case SEQ_TRY:
		arena_rounds(i, c->a) {
			err = arena_seq_try_write(&t->seq);
			if (err)
				continue;
			pair_write(t);
			arena_seq_write_end(&t->seq);
			arena_fetch_add(&t->tried, 1);
		}
		return 0;
	case SEQ_REPAIR:
		return arena_seq_repair(&t->seq, c->a);
	case SEQ_HANG:
		return pair_read(t);
	}
	return -1;
}

static inline int lib_op(struct lib_call *c)
{
	struct list_test __arena *t = LIST_T;
	struct arena_list __arena *n = &t->node[c->a % NODES].link;
	struct arena_list __arena *head = &t->head[c->b % LISTS];

	switch (c->op) {
	case LIST_ADD:
		return arena_list_add(n, head);
	case LIST_ADD_TAIL:
		return arena_list_add_tail(n, head);
	case LIST_DEL:
		return arena_list_del(n);
	case LIST_MOVE:
		return arena_list_move(n, head);
	case LIST_HASH:
		return list_hash(head);
	case LIST_CHECK:
		return arena_list_check(head, WALK);
	case LIST_EMPTY:
		return arena_list_empty(head);
	case LIST_ZAP:
		return list_zap(head);
	}
	return seq_op(t, c);
}
#endif
