// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/rbtree.h> against a model, under writers, with one that dies, and damaged */
#include <setjmp.h>
#include <test_progs.h>
#include <bpf/arena/common.h>

/* A process may die before each store that it makes to what others see */
static int rb_left = -1;
static jmp_buf rb_death;

/* ... and others may come in between */
static void (*rb_between)(void);

static inline void rb_step(void)
{
	void (*between)(void) = rb_between;

	rb_between = NULL;
	if (between)
		between();
	rb_between = between;
	if (rb_left >= 0 && !rb_left--)
		longjmp(rb_death, 1);
}

/* A writer may come before a load of a reader: the one with this number */
static int rb_loads = -1;
static void (*rb_before_load)(void);

static inline void rb_load(void)
{
	if (rb_loads >= 0 && !rb_loads--)
		rb_before_load();
}

#undef arena_read_once
#define arena_read_once(p) (rb_load(), __atomic_load_n(p, __ATOMIC_RELAXED))
#undef arena_write_once
#define arena_write_once(p, v) (rb_step(), __atomic_store_n(p, v, __ATOMIC_RELAXED))
#undef arena_store_release
#define arena_store_release(p, v) (rb_step(), __atomic_store_n(p, v, __ATOMIC_RELEASE))

#include "arena_lib_rbtree.h"
#include "arena_lib_rbtree.skel.h"

#define ROUNDS 4000

static struct arena_lib_rbtree *rb_skel;
static char rb_in[ITEMS]; /* the model: what the tree has, with the keys that the items have */

static int rb_run(int side, int op, unsigned long long a, unsigned long long b)
{
	struct lib_call c = { op, a, b };

	return LIB_CALL(rb_skel, side, &c);
}

static void rb_reset(void)
{
	memset(rb_t, 0, sizeof(*rb_t));
	memset(rb_in, 0, sizeof(rb_in));
}

static __u32 item_low(int i)
{
	return arena_low(&rb_t->item[i].node);
}

/* Is item i before key and address? */
static int item_before(int i, __u64 key, __u64 low)
{
	__u64 k = rb_t->item[i].node.key;

	return k < key || (k == key && item_low(i) < low);
}

/* The first item after key and address, or the last one before; -1 */
static int model_seek(__u64 key, __u64 low, int down)
{
	int i, best = -1;

	for (i = 0; i < ITEMS; i++) {
		if (!rb_in[i] || item_before(i, key, low + !down) != down)
			continue;
		if (best < 0 || item_before(i, rb_t->item[best].node.key, item_low(best)) != down)
			best = i;
	}
	return best;
}

static int model_count(void)
{
	int i, n = 0;

	for (i = 0; i < ITEMS; i++)
		n += rb_in[i];
	return n;
}

/* What a subtree is: number of elements, or -1. *black: black nodes on each way down */
static int rb_subtree(struct arena_rb_node *n, int depth, int *black, int *last)
{
	struct arena_rb_node *below[2];
	int count[2], blacks[2], i;

	*black = 1;
	if (!n)
		return 0;
	below[0] = __arena_rb_child(n, 0);
	below[1] = __arena_rb_child(n, 1);
	if (depth > 20 || (n->red && (__arena_rb_red(below[0]) || __arena_rb_red(below[1]))))
		return -1;
	count[0] = rb_subtree(below[0], depth + 1, &blacks[0], last);
	/* in order, and those that the model has */
	i = arena_container_of(n, struct rb_item, node) - rb_t->item;
	if (i < 0 || i >= ITEMS || !rb_in[i] ||
	    (*last >= 0 && !item_before(*last, n->key, arena_low(n))))
		return -1;
	*last = i;
	count[1] = rb_subtree(below[1], depth + 1, &blacks[1], last);
	if (count[0] < 0 || count[1] < 0 || blacks[0] != blacks[1])
		return -1;
	*black = blacks[0] + !n->red;
	return count[0] + 1 + count[1];
}

/* Is it a red-black tree of what the model has? */
static int rb_valid(void)
{
	struct arena_rb_node *root = __arena_rb_child(&rb_t->tree.head, 1);
	int black, last = -1, n = model_count();

	return !__arena_rb_red(root) && rb_subtree(root, 0, &black, &last) == n &&
	       rb_t->tree.count == n && !rb_t->tree.notes && !(rb_t->tree.seq.count & 1);
}

/* The result, and the item that it is about, or -1 */
static int model_op(int op, int i, __u64 key, __u64 low, int *item)
{
	*item = -1;
	switch (op) {
	case RB_INSERT:
		if (rb_in[i])
			return -EEXIST;
		rb_in[i] = 1;
		return 0;
	case RB_ERASE:
		if (!rb_in[i])
			return -ENOENT;
		rb_in[i] = 0;
		return 0;
	case RB_COUNT:
		return model_count();
	case RB_FIND:
		*item = model_seek(key, 0, 0);
		if (*item >= 0 && rb_t->item[*item].node.key != key)
			*item = -1;
		break;
	default:
		*item = model_seek(key, low, op == RB_PREV);
	}
	return *item < 0 ? -ENOENT : 0;
}

/* An element in the tree is inserted again with the key that it has */
static int rb_insert_item(int side, int i, __u64 key)
{
	return rb_run(side, RB_INSERT, i, rb_in[i] ? rb_t->item[i].node.key : key);
}

static void rb_random(unsigned int keys)
{
	int n, i, op, side, err, want, item;
	__u64 key, low, number;

	rb_reset();
	for (n = 0; n < ROUNDS; n++) {
		side = lib_random(2);
		op = lib_random(NR_RB_OPS);
		i = lib_random(n < ROUNDS / 4 ? 8 : ITEMS);
		/* it is filled, and emptied */
		if (op >= RB_COUNT)
			op = n / 500 % 2 ? RB_ERASE : RB_INSERT;
		key = lib_random(8) ? lib_random(keys) : ~0ULL - lib_random(2);
		low = op == RB_FIND ? 0 : lib_random(2) ? item_low(i) : lib_random(3) - 1;
		if (op == RB_INSERT) {
			err = rb_insert_item(side, i, key);
		} else if (op == RB_ERASE) {
			err = rb_run(side, op, i, 0);
		} else {
			rb_t->number = 0;
			err = rb_run(side, op, key, (__u32)low);
		}
		want = model_op(op, i, key, (__u32)low, &item);
		number = item < 0 ? 0 : rb_t->item[item].number;
		if (!ASSERT_EQ(err, want, "result") || !ASSERT_TRUE(rb_valid(), "valid") ||
		    (item >= 0 && !ASSERT_EQ(rb_t->number, (__u32)number, "item"))) {
			printf("round %d side %d op %d item %d\n", n, side, op, i);
			return;
		}
		if (n % 100 == 0 &&
		    (!ASSERT_EQ(rb_run(side, RB_WALK, 0, 0), model_count(), "walk") ||
		     !ASSERT_EQ(rb_run(side, RB_WALK_BACK, 0, 0), model_count(), "walk back")))
			return;
	}
	ASSERT_EQ(rb_run(1, RB_COUNT, 0, 0), model_count(), "count");
	ASSERT_EQ(rb_t->torn, 0, "half of an element");
}

/* Sorted, the other way round, and all equal: as deep as it gets */
static void rb_sorted(void)
{
	int order, i, side;

	for (order = 0; order < 6; order++) {
		side = order & 1;
		rb_reset();
		for (i = 0; i < ITEMS; i++) {
			if (!ASSERT_OK(rb_run(side, RB_INSERT, i, order / 2 == 0 ? i :
					      order / 2 == 1 ? ITEMS - i : 7), "insert"))
				return;
			rb_in[i] = 1;
		}
		if (!ASSERT_TRUE(rb_valid(), "full"))
			return;
		for (i = 0; i < ITEMS; i += 2) {
			ASSERT_OK(rb_run(!side, RB_ERASE, i, 0), "erase");
			rb_in[i] = 0;
		}
		ASSERT_TRUE(rb_valid(), "every other one");
		ASSERT_EQ(rb_run(side, RB_WALK, 0, 0), ITEMS / 2, "walk");
		for (i = 1; i < ITEMS; i += 2) {
			ASSERT_OK(rb_run(side, RB_ERASE, i, 0), "erase");
			rb_in[i] = 0;
		}
		ASSERT_TRUE(rb_valid(), "empty");
		ASSERT_EQ(rb_run(side, RB_FIND, 7, 0), -ENOENT, "find");
	}
}

/* Returns true if the operation has no such store, or after a failure */
static int rb_one_death(int side, int insert, int i, int step, const struct rb_test *before)
{
	int err, other = (i + 1) % ITEMS, was = rb_in[i], was_other = rb_in[other], alive = 0, ok;

	*rb_t = *before;
	rb_left = step;
	if (!setjmp(rb_death)) {
		if (insert)
			arena_rb_insert(&rb_t->tree, &rb_t->item[i].node);
		else
			arena_rb_erase(&rb_t->tree, &rb_t->item[i].node);
		alive = rb_left >= 0;
		rb_left = -1;
	}
	/* what was not complete is undone by the next writer */
	err = rb_run(side, RB_ERASE, other, 0);
	ok = ASSERT_EQ(err, was_other ? 0 : -ENOENT, "the next writer");
	rb_in[other] = 0;
	if (alive || !rb_valid()) {
		rb_in[i] = insert;
		ok = ASSERT_TRUE(rb_valid(), "as it was, or done") && ok;
	}
	rb_in[i] = was;
	rb_in[other] = was_other;
	if (!ok)
		printf("side %d insert %d item %d step %d\n", side, insert, i, step);
	return alive || !ok;
}

/* A process dies before each store that insert and erase make */
static void rb_dead(void)
{
	static struct rb_test before;
	int n, i, k, side, step, steps = 0;

	for (n = 0; n < 60; n++) {
		side = n & 1;
		rb_reset();
		k = 1 + lib_random(n < 20 ? 6 : 40);
		for (i = 0; i < k; i++) {
			rb_in[i] = 1;
			rb_run(0, RB_INSERT, i, lib_random(50));
		}
		rb_fill(&rb_t->item[k], lib_random(50));
		i = lib_random(3) ? lib_random(k) : k;
		before = *rb_t;
		for (step = 0; !rb_one_death(side, i == k, i, step, &before); step++)
			steps++;
	}
	ASSERT_GT(steps, 1000, "stores");

	rb_reset();
	rb_run(0, RB_INSERT, 0, 1);
	rb_t->tree.seq.count |= 1;
	for (side = 0; side < 2; side++)
		ASSERT_EQ(rb_run(side, RB_FIND, 1, 0), -EAGAIN, "a reader, before the repair");
	/* notes that lead elsewhere */
	rb_t->tree.notes = 2;
	rb_t->tree.undo[0].where = (__u32)__arena_range.start - 8;
	rb_t->tree.undo[1].where = (__u32)(__arena_range.start + __arena_range.size) - 2;
	ASSERT_OK(rb_run(0, RB_INSERT, 1, 1), "insert");
	rb_t->tree.notes = ~0U;
	ASSERT_OK(rb_run(1, RB_INSERT, 2, 1), "insert");
	memset(rb_in, 1, 3);
	ASSERT_TRUE(rb_valid(), "valid");
}

static __u32 rb_changing, rb_looks;	/* the item that comes or goes */

static void rb_look(void)
{
	struct rb_item copy;
	int err;
	__u32 i;

	for (i = 0; i < 12; i += 3) {
		err = arena_rb_find(&rb_t->tree, i, &copy, node);
		rb_looks++;
		if (err == -EAGAIN || (i == rb_changing && err == -ENOENT))
			continue;
		if (err != (rb_in[i] || i == rb_changing ? 0 : -ENOENT) ||
		    (!err && (rb_torn(&copy) || copy.number != i)))
			rb_t->wrong++;
	}
}

/* Element 5 becomes 105 */
static void rb_change(void)
{
	arena_rb_erase(&rb_t->tree, &rb_t->item[5].node);
	rb_fill(&rb_t->item[5], 105);
	arena_rb_insert(&rb_t->tree, &rb_t->item[5].node);
}

static void rb_scribble_key(void)
{
	rb_t->item[5].node.key = 1;
}

/* A writer comes before each load of a reader */
static void rb_writers(void)
{
	struct rb_item copy;
	int i, k, err, gone = 0, back = 0;

	rb_before_load = rb_change;
	for (k = 0; k < 1000; k++) {
		rb_reset();
		for (i = 0; i < 12; i++)
			rb_run(0, RB_INSERT, i, i);
		rb_loads = k;
		err = arena_rb_find(&rb_t->tree, 5, &copy, node);
		if (rb_loads >= 0)
			break;
		gone += err == -ENOENT;
		if (err && err != -ENOENT)
			ASSERT_OK(err, "find");
		if (!err)
			ASSERT_TRUE(!rb_torn(&copy) && copy.number == 5, "all of the element");
	}
	ASSERT_GT(gone, 5, "loads");
	/* A walk does not go back, whatever somebody writes to a key. */
	rb_before_load = rb_scribble_key;
	for (k = 0; k < 1000; k++) {
		struct arena_rb_cursor c = { 5, 0 };

		rb_reset();
		for (i = 0; i < 12; i++)
			rb_run(0, RB_INSERT, i, i);
		rb_loads = k;
		err = arena_rb_next(&rb_t->tree, &c, &copy, node);
		if (rb_loads >= 0)
			break;
		back += err == -EUCLEAN;
		ASSERT_TRUE(err || c.key >= 5, "forwards");
	}
	rb_loads = -1;
	ASSERT_TRUE(back > 0 && k < 1000, "steps back");
}

/* Readers come before each store of a writer */
static void rb_readers(void)
{
	int n, err;

	rb_reset();
	rb_looks = 0;
	for (n = 0; n < 200; n++) {
		rb_changing = lib_random(12);
		if (!rb_in[rb_changing])
			rb_fill(&rb_t->item[rb_changing], rb_changing);
		rb_between = rb_look;
		if (rb_in[rb_changing])
			err = arena_rb_erase(&rb_t->tree, &rb_t->item[rb_changing].node);
		else
			err = arena_rb_insert(&rb_t->tree, &rb_t->item[rb_changing].node);
		rb_between = NULL;
		rb_in[rb_changing] ^= 1;
		if (!ASSERT_OK(err, "writer"))
			break;
	}
	ASSERT_TRUE(rb_valid(), "valid");
	ASSERT_GT(rb_looks, 5000, "readers");
	ASSERT_EQ(rb_t->wrong, 0, "wrong");
}

struct rb_job {
	int side, op, times, a, b, goal;
};

/* So much is to be done, however often a program's time is over, or a writer does not go on */
static int rb_behind(struct rb_job *job)
{
	__u32 *done = job->op == RB_WRITE ? &rb_t->writes : &rb_t->found;

	return __atomic_load_n(done, __ATOMIC_RELAXED) < job->goal;
}

static void *rb_worker(void *arg)
{
	struct rb_job *job = arg;
	long err;
	int i;

	for (i = 0; i < job->times || (i < 100 * job->times && rb_behind(job)); i++) {
		err = rb_run(job->side, job->op, job->a, job->b * 1000 + i);
		if (err)
			return (void *)err;
	}
	return NULL;
}

/* A walk ends, in order, and sees what is there all the time */
static void *rb_walker(void *arg)
{
	long err, i;

	for (i = 0; i < 20; i++) {
		err = rb_run(0, i & 1 ? RB_WALK : RB_WALK_BACK, 0, 0);
		if (err >= 0 && rb_t->fixed != ~0ULL)
			return (void *)-1L;
		if (err < 0 && err != -EAGAIN)
			return (void *)err;
	}
	return NULL;
}

/* Readers of both sides, as writers of both sides insert, erase, and change what is out of it */
static void rb_threads(void)
{
	struct rb_job jobs[] = {
		{ 1, RB_READ, 40, 256, 0, 5000 }, { 0, RB_READ, 40, 256, 0, 5000 },
		{ 1, RB_WRITE, 20, 256, 1, 4000 }, { 0, RB_WRITE, 20, 256, 2, 4000 },
	};
	pthread_t threads[ARRAY_SIZE(jobs) + 1];
	struct lib_interrupts on = {};
	void *result;
	int i, n = 0;

	rb_reset();
	for (i = 0; i < FIXED; i++) {
		rb_run(0, RB_INSERT, i, i);
		rb_in[i] = 1;
	}
	if (lib_interrupt(&on, rb_skel->progs.on_clock, rb_skel->progs.on_nmi))
		goto out;
	for (n = 0; n < ARRAY_SIZE(jobs); n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, rb_worker, &jobs[n]), "thread"))
			goto join;
	if (ASSERT_OK(pthread_create(&threads[n], NULL, rb_walker, NULL), "thread"))
		n++;
	for (i = 0; i < 5; i++) {
		lib_nmi();
		usleep(20000);
	}
join:
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], &result);
		ASSERT_EQ((long)result, 0, "run");
	}
out:
	lib_no_interrupts(&on);
#ifndef ARENA_LIB_NATIVE
	ASSERT_GT(rb_t->interrupts, 10, "interrupted");
#endif
	printf("found %u again %u writes %u count %u\n", rb_t->found, rb_t->again, rb_t->writes,
	       rb_t->tree.count);
	ASSERT_EQ(rb_t->torn, 0, "half of an element");
	ASSERT_EQ(rb_t->wrong, 0, "a key that was there was not found");
	ASSERT_GE(rb_t->found, 5000, "found");
	for (i = FIXED; i < ITEMS; i++)
		rb_in[i] = rb_t->in[i];
	ASSERT_TRUE(rb_valid(), "valid");
}

/* What a damaged tree returns, as long as it is an error or a result, and nothing else changes */
static void rb_damaged_ops(int side)
{
	int op, err;

	for (op = 0; op < NR_RB_OPS; op++) {
		err = rb_run(side, op, op == RB_INSERT ? 12 : op == RB_ERASE ? 4 : 5, 5);
		if (err < 0 && err != -ENOENT && err != -EEXIST && err != -EAGAIN &&
		    err != -EUCLEAN && err != -EFAULT)
			ASSERT_EQ(err, 0, "error");
	}
	rb_run(side, RB_WALK, 0, 0);
}

static void rb_damage(void)
{
	__u64 bad[] = { 0, 1, 8, 63, ~0ULL, (__u32)__arena_range.start - 32,
			(__u32)(__arena_range.start + __arena_range.size) - 8 };
	__u32 lows[] = { item_low(1), item_low(2), item_low(5), arena_low(&rb_t->tree.head) };
	void *elsewhere = (void *)(__arena_range.start - 8192);
	unsigned int side, w, b, i, errors = 0;
	__u32 *words, v;
	int err;

	for (side = 0; side < 2; side++)
		for (w = 0; w < 7 * 6 + 6; w++)
			for (b = 0; b < ARRAY_SIZE(bad) + ARRAY_SIZE(lows); b++) {
				v = b < ARRAY_SIZE(bad) ? bad[b] : lows[b - ARRAY_SIZE(bad)];
				rb_reset();
				for (i = 0; i < 7; i++)
					rb_run(0, RB_INSERT, i, i);
				words = w < 42 ? (__u32 *)&rb_t->item[w / 6].node :
						 (__u32 *)&rb_t->tree.head;
				words[w % 6] = v;
				rb_damaged_ops(side);
			}

	for (side = 0; side < 2; side++) {
		rb_reset();
		for (i = 0; i < 7; i++)
			rb_run(0, RB_INSERT, i, i);
		/* round and round */
		rb_t->tree.head.child[1] = item_low(3);
		rb_t->item[3].node.child[0] = item_low(1);
		rb_t->item[1].node.child[1] = item_low(3);
		rb_t->item[1].node.key = 0;
		err = rb_run(side, RB_FIND, 2, 0);
		errors += err == -EUCLEAN;
		err = rb_run(side, RB_INSERT, 20, 2);
		errors += err == -EUCLEAN;
		ASSERT_EQ(rb_t->tree.seq.count & 1, 0, "even");
		ASSERT_EQ(rb_t->lock.word, 0, "unlocked");
	}
	ASSERT_EQ(errors, 4, "a loop is found");
	/* what is no element is in no tree; what hangs at a link that is none stays there */
	for (side = 0; side < 2; side++) {
		rb_reset();
		for (i = 0; i < 7; i++)
			rb_run(0, RB_INSERT, i, i);
		ASSERT_EQ(rb_run(side, RB_ERASE_AT, arena_low(&rb_t->tree), 0), -EINVAL, "erase");
		ASSERT_EQ(rb_run(side, RB_INSERT_AT, arena_low(&rb_t->tree), item_low(9) + 4), -EINVAL,
			  "insert");
		memset(rb_in, 1, 7);
		ASSERT_TRUE(rb_valid(), "valid");
		if (side) /* a program follows any pointer, within the arena */
			continue;
		rb_t->item[6].node.child[1] = item_low(20) + 1;
		ASSERT_EQ(rb_run(side, RB_INSERT, 10, 1000), -EUCLEAN, "insert");
		ASSERT_EQ(rb_t->item[6].node.child[1], item_low(20) + 1, "the link");
		rb_fill(&rb_t->item[11], 1000);
		ASSERT_EQ(rb_run(side, RB_ERASE, 11, 0), -EUCLEAN, "erase");
		ASSERT_EQ(rb_t->tree.count, 7, "count");
	}
	/* nodes that are not below each other are not rotated */
	rb_reset();
	ASSERT_EQ(__arena_rb_fix(&rb_t->tree, &rb_t->tree.head, &rb_t->item[0].node,
				 &rb_t->item[1].node, 0), -EUCLEAN, "fix");
	ASSERT_EQ(__arena_rb_rotate(&rb_t->tree, &rb_t->tree.head, &rb_t->item[0].node, 1), 0,
		  "rotate");
	ASSERT_EQ(rb_t->tree.notes, 0, "nothing has changed");
	rb_reset();
	rb_run(0, RB_INSERT, 1, 1);
	rb_t->tree.head.child[1] = (__u32)(__arena_range.start + __arena_range.size) - 8;
	ASSERT_EQ(rb_run(0, RB_FIND, 1, 0), -EUCLEAN, "out of the arena");
	ASSERT_EQ(arena_rb_insert(elsewhere, &rb_t->item[0].node), -EFAULT, "not in the arena");
	ASSERT_EQ(arena_rb_erase(&rb_t->tree, elsewhere), -EFAULT, "not in the arena");
}

static int rb_stop;

static void *rb_scribbler(void *arg)
{
	__u64 *words = (void *)&rb_t->tree, n = offsetof(struct rb_test, number) / 8;
	__u64 lock = offsetof(struct rb_test, lock) / 8, w;

	while (!__atomic_load_n(&rb_stop, __ATOMIC_RELAXED)) {
		w = lib_random(n);
		if (w - lock < sizeof(struct arena_lock) / 8)
			continue;
		__atomic_store_n(&words[w], lib_random(2) ? lib_random(~0U) :
				 (__u64)item_low(lib_random(ITEMS)) << 32 | lib_random(2),
				 __ATOMIC_RELAXED);
	}
	return NULL;
}

static void rb_scribble(void)
{
	struct rb_job jobs[] = {
		{ 1, RB_READ, 20, 256 }, { 0, RB_READ, 20, 256 }, { 1, RB_WRITE, 10, 100, 1 },
		{ 0, RB_WRITE, 10, 100, 2 }, { 0, RB_WALK, 5 }, { 1, RB_WALK, 5 },
	};
	pthread_t threads[ARRAY_SIZE(jobs)], scribbler;
	int i, n;

	rb_reset();
	for (i = 0; i < FIXED; i++)
		rb_run(0, RB_INSERT, i, i);
	rb_stop = 0;
	if (!ASSERT_OK(pthread_create(&scribbler, NULL, rb_scribbler, NULL), "thread"))
		return;
	for (n = 0; n < ARRAY_SIZE(jobs); n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, rb_worker, &jobs[n]), "thread"))
			break;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&rb_stop, 1, __ATOMIC_RELAXED);
	pthread_join(scribbler, NULL);
	ASSERT_EQ(n, ARRAY_SIZE(jobs), "all came to an end");
}

#ifndef ARENA_LIB_NATIVE
/* A page that is not there is an error, and the tree is as it was */
static void rb_absent(void)
{
	__u32 absent = (__u32)__arena_range.start + 32 * getpagesize();

	rb_reset();
	rb_run(1, RB_INSERT, 0, 0);
	rb_in[0] = 1;
	ASSERT_EQ(rb_run(1, RB_INSERT_AT, absent, item_low(1)), -EFAULT, "tree");
	ASSERT_EQ(rb_run(1, RB_INSERT_AT, arena_low(&rb_t->tree), absent), -EFAULT, "element");
	ASSERT_EQ(rb_run(1, RB_INSERT_AT, arena_low(&rb_t->tree), 0), -EINVAL, "NULL");
	ASSERT_TRUE(rb_valid(), "valid");
}

/* A program whose time is over changes nothing */
static void rb_late(void)
{
	struct lib_call c = { RB_INSERT, 100, 100, 1 };
	int i, err;

	rb_reset();
	for (i = 0; i < 16; i++) {
		rb_run(1, RB_INSERT, i, i);
		rb_in[i] = 1;
	}
	err = lib_program(rb_skel->progs.op, &c);
	if (err == LIB_NOT_LATE) {
		fprintf(stdout, "%s:SKIP:no program's time is over here\n", __func__);
		test__skip();
		return;
	}
	ASSERT_EQ(err, -EAGAIN, "insert");
	c.op = RB_ERASE;
	c.a = 3;
	ASSERT_EQ(lib_program(rb_skel->progs.op, &c), -EAGAIN, "erase");
	c.op = RB_FIND;
	ASSERT_EQ(lib_program(rb_skel->progs.op, &c), -EAGAIN, "find");
	ASSERT_TRUE(rb_valid(), "valid");
	ASSERT_EQ(rb_t->lock.word, 0, "unlocked");
}
#endif

void test_arena_lib_rbtree(void)
{
	struct arena_lib_rbtree *skel;

	LIB_OPEN(arena_lib_rbtree, skel);
	rb_skel = skel;
	rb_t = &skel->arena->rb;
	if (test__start_subtest("random"))
		rb_random(1000);
	if (test__start_subtest("equal"))
		rb_random(4);
	if (test__start_subtest("sorted"))
		rb_sorted();
	if (test__start_subtest("dead"))
		rb_dead();
	if (test__start_subtest("readers"))
		rb_readers();
	if (test__start_subtest("writers"))
		rb_writers();
	if (test__start_subtest("threads"))
		rb_threads();
	if (LIB_DAMAGE && test__start_subtest("damage"))
		rb_damage();
	if (LIB_DAMAGE && test__start_subtest("scribble"))
		rb_scribble();
#ifndef ARENA_LIB_NATIVE
	if (test__start_subtest("absent"))
		rb_absent();
	if (test__start_subtest("late"))
		rb_late();
#endif
out:
	LIB_CLOSE(arena_lib_rbtree, skel);
}
