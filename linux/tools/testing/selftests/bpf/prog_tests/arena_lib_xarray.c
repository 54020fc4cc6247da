// SPDX-License-Identifier: GPL-2.0
/* <bpf/arena/xarray.h> against a model, under writers, with one that dies, and damaged */
#include <setjmp.h>
#include <test_progs.h>
#include <bpf/arena/common.h>

/* A process may die before each store that it makes to what others see */
static int xa_left = -1;
static jmp_buf xa_death;

/* ... and others may come in between */
static void (*xa_between)(void);

static inline void xa_step(void)
{
	void (*between)(void) = xa_between;

	xa_between = NULL;
	if (between)
		between();
	xa_between = between;
	if (xa_left >= 0 && !xa_left--)
		longjmp(xa_death, 1);
}

/* A writer may come before a load of a reader: the one with this number */
static int xa_loads = -1;
static void (*xa_before_load)(void);

/* Nobody has a reason to look there: it is what an entry would lead to. */
static const char *xa_nowhere;
static int xa_trespassed;

static inline void xa_look_at(const void *p)
{
	if (xa_loads >= 0 && !xa_loads--)
		xa_before_load();
	if (xa_nowhere && (const char *)p >= xa_nowhere && (const char *)p < xa_nowhere + 4096)
		xa_trespassed++;
}

#undef arena_read_once
#define arena_read_once(p) (xa_look_at(p), __atomic_load_n(p, __ATOMIC_RELAXED))
#undef arena_load_acquire
#define arena_load_acquire(p) (xa_look_at(p), __atomic_load_n(p, __ATOMIC_ACQUIRE))
#undef arena_write_once
#define arena_write_once(p, v) (xa_step(), __atomic_store_n(p, v, __ATOMIC_RELAXED))
#undef arena_store_release
#define arena_store_release(p, v) (xa_step(), __atomic_store_n(p, v, __ATOMIC_RELEASE))

#include "arena_lib_xarray.h"
#include "arena_lib_xarray.skel.h"

#define ROUNDS 5000
#define HEAP_AT (1UL << 20)
#define HEAP_BYTES (1UL << 20)

static struct arena_lib_xarray *xa_skel;
static __u64 xa_model[KEYS];	/* values */
static unsigned char xa_marks[KEYS];
static struct arena_heap *xa_heap;

static int xa_run(int side, int op, unsigned long long a, unsigned long long b)
{
	struct lib_call c = { op, a, b };

	return LIB_CALL(xa_skel, side, &c);
}

static char *xa_memory(void)
{
	return (char *)xa_heap + (arena_heap_size(__arena_range.size) + 4095) / 4096 * 4096;
}

/* Indices close to each other, those around which the array grows, and any */
static __u64 xa_key(int i)
{
	if (i < 24)
		return i * 5 + 1;
	if (i < 44)
		return (1ULL << ((i - 22) / 2 * 6)) - (i & 1);
	if (i < 46)
		return (i - 44) * 2;
	if (i < 60)
		return 4096 + i * 64;
	if (i < 64)
		return ~0ULL - (i - 60) * (i - 60) * 40;
	return (__u64)i * i * 0x9e3779b97f4a7c15ULL >> (i & 3) * 12;
}

static int xa_reset(int side, unsigned long bytes)
{
	char *start = (char *)__arena_range.start;
	int i;

	memset(xa_model, 0, sizeof(xa_model));
	memset(xa_marks, 0, sizeof(xa_marks));
	memset(xa_t, 0, sizeof(*xa_t));
	for (i = 0; i < KEYS; i++)
		xa_t->key[i] = xa_key(i);
	xa_heap = (void *)(start + HEAP_AT);
	xa_t->heap = xa_heap;
	memset(xa_heap, 0, arena_heap_size(__arena_range.size));
	memset(xa_memory(), 0xa5, bytes);
	if (!ASSERT_OK(arena_heap_init(xa_heap, start, __arena_range.size, 99), "heap") ||
	    !ASSERT_OK(arena_heap_add(xa_heap, xa_memory(), bytes), "add"))
		return -1;
	return ASSERT_OK(xa_run(side, XA_INIT, 0, 0), "init") ? 0 : -1;
}

static int model_count(void)
{
	int i, n = 0;

	for (i = 0; i < KEYS; i++)
		n += !!xa_model[i];
	return n;
}

static int model_key(__u64 index)
{
	int i;

	for (i = 0; i < KEYS; i++)
		if (xa_t->key[i] == index)
			return i;
	return -1;
}

/* Entries in a subtree for the indices from @first on, or -1: something does not fit */
static int xa_subtree(struct arena_xa_node *n, int level, __u64 first)
{
	int i, k, which, below, count = 0;
	struct arena_xa_node *c;
	__u64 bit, index;

	if (!n || !n->bits[0])
		return -1;
	for (i = 0; i < 64; i++) {
		bit = 1ULL << i;
		index = first | (__u64)i << level * 6;
		if (!n->slot[i] != !(n->bits[0] & bit))
			return -1;
		if (!n->slot[i]) {
			if ((n->bits[1] | n->bits[2] | n->bits[3]) & bit)
				return -1;
			continue;
		}
		k = model_key(index);
		c = level ? __arena_xa_at(n->slot[i]) : NULL;
		below = level ? xa_subtree(c, level - 1, index) : 1;
		if (below < 0 || (level && c->parent != arena_low(n)) ||
		    (!level && (k < 0 || xa_model[k] != n->slot[i])))
			return -1;
		for (which = 1; which <= ARENA_XA_MARKS; which++)
			if (!(n->bits[which] & bit) !=
			    !(level ? c->bits[which] : xa_marks[k] >> (which - 1) & 1))
				return -1;
		count += below;
	}
	return count;
}

/* Does the array have what the model has, no node too many, and only empty ones to use again? */
static int xa_valid(void)
{
	struct arena_xa_node *root = __arena_xa_at((__u32)xa_t->array.root), *n;
	static const struct arena_xa_node none;
	__u32 level = (xa_t->array.root >> 32) / 6, i;

	if (xa_t->array.busy || xa_t->array.unmarked & 1)
		return 0;
	n = __arena_xa_at(xa_t->array.free);
	for (i = 0; n; i++) {
		if (i > 10000 || memcmp(n->bits, none.bits, sizeof(n->bits)) ||
		    memcmp(n->slot, none.slot, sizeof(n->slot)))
			return 0;
		n = __arena_xa_at(n->next_free);
	}
	if (!root)
		return !model_count();
	return (!level || root->bits[0] != 1) && xa_subtree(root, level, 0) == model_count();
}

static int xa_nodes(void)
{
	struct arena_xa_node *n = __arena_xa_at(xa_t->array.made);
	int i = 0;

	while (n && i++ < 100000)
		n = __arena_xa_at(n->next_made);
	return i;
}

/* The first one from an index on, or the last one, within a limit; marked if there is a mark */
static int model_seek(__u64 index, __u64 limit, int down, int marks)
{
	int i, best = -1;
	__u64 key;

	for (i = 0; i < KEYS; i++) {
		key = xa_t->key[i];
		if (!xa_model[i] || (marks && !(xa_marks[i] & marks)) ||
		    (down ? key > index || key < limit : key < index || key > limit))
			continue;
		if (best < 0 || (down ? key > xa_t->key[best] : key < xa_t->key[best]))
			best = i;
	}
	return best;
}

/* The result, and the key that it is about, or -1 */
static int model_op(int op, int k, __u64 limit, int mark, __u64 value, int *which)
{
	__u64 index = xa_t->key[k];
	int was = !!xa_model[k];

	*which = -1;
	switch (op) {
	case XA_STORE:
		xa_model[k] = value;
		if (!value)
			xa_marks[k] = 0;
		return 0;
	case XA_ERASE:
		xa_model[k] = 0;
		xa_marks[k] = 0;
		return was ? 0 : -ENOENT;
	case XA_SET_MARK:
		xa_marks[k] |= was << mark;
		return was ? 0 : -ENOENT;
	case XA_CLEAR_MARK:
		xa_marks[k] &= ~(1 << mark);
		return was ? 0 : -ENOENT;
	case XA_EMPTY:
		return !model_count();
	case XA_GET_MARK:
		return xa_marks[k] >> mark & 1;
	case XA_LOAD:
		*which = was ? k : -1;
		break;
	case XA_FIND:
		*which = model_seek(index, limit, 0, 0);
		break;
	case XA_FIND_LAST:
		*which = model_seek(index, limit, 1, 0);
		break;
	case XA_AFTER:
		if (~index)
			*which = model_seek(index + 1, limit, 0, 0);
		break;
	case XA_BEFORE:
		if (index)
			*which = model_seek(index - 1, limit, 1, 0);
		break;
	case XA_MARKED:
		*which = model_seek(index, limit, 0, 1 << mark);
		break;
	case XA_MARKED_LAST:
		*which = model_seek(index, limit, 1, 1 << mark);
		break;
	}
	return *which < 0 ? -ENOENT : 0;
}

/* So few or many keys at a time */
static void xa_random(int keys)
{
	int n, k, op, mark, side, err, want, which;
	struct arena_heap_stats s;
	__u64 limit, value;

	if (xa_reset(0, HEAP_BYTES))
		return;
	for (n = 0; n < ROUNDS; n++) {
		side = lib_random(2);
		op = lib_random(NR_XA_OPS + 4);
		k = lib_random(keys);
		mark = lib_random(ARENA_XA_MARKS);
		/* it is filled, and emptied */
		if (op >= NR_XA_OPS)
			op = n / 400 % 2 ? XA_ERASE : XA_STORE;
		limit = xa_t->key[lib_random(keys)];
		if (!lib_random(4))
			limit = op == XA_FIND_LAST || op == XA_BEFORE || op == XA_MARKED_LAST ?
				0 : ~0ULL;
		value = lib_random(20) ? lib_random(~0U) * 0x100000001ULL : 0;
		err = xa_run(side, XA_MARK(op, mark), xa_t->key[k], op == XA_STORE ? value : limit);
		want = model_op(op, k, limit, mark, value, &which);
		if (!ASSERT_EQ(err, want, "result") || !ASSERT_TRUE(xa_valid(), "valid") ||
		    (which >= 0 && (!ASSERT_EQ(xa_t->value, xa_model[which], "value") ||
				    !ASSERT_EQ(xa_t->index, xa_t->key[which], "index")))) {
			printf("round %d side %d op %d key %d mark %d\n", n, side, op, k, mark);
			return;
		}
	}
	ASSERT_EQ(xa_run(1, XA_MARK(XA_SET_MARK, 3), 0, 0), -EINVAL, "no such mark");
	ASSERT_EQ(xa_run(0, XA_MARK(XA_MARKED, 3), 0, 0), -EINVAL, "no such mark");
	ASSERT_OK(xa_run(lib_random(2), XA_DESTROY, 0, 0), "destroy");
	arena_heap_count(xa_heap, &s);
	ASSERT_EQ(s.objects, 0, "all memory is back");
	ASSERT_EQ(xa_run(1, XA_EMPTY, 0, 0), 1, "empty");
}

/* What came and went leaves no more nodes than were there at a time */
static void xa_reuse(void)
{
	int side, i;

	for (side = 0; side < 2; side++) {
		if (xa_reset(side, HEAP_BYTES))
			return;
		for (i = 0; i < 300; i++) {
			ASSERT_OK(xa_run(side, XA_STORE, ~0ULL - i * 4096, 1), "store");
			ASSERT_OK(xa_run(!side, XA_ERASE, ~0ULL - i * 4096, 0), "erase");
		}
		ASSERT_EQ(xa_nodes(), ARENA_XA_LEVELS, "nodes");
		ASSERT_TRUE(xa_valid(), "valid");
		ASSERT_EQ(xa_run(side, XA_EMPTY, 0, 0), 1, "empty");
	}
}

static void xa_ranges(void)
{
	__u64 from = (1ULL << 32) - 70, i;
	int side, n;

	for (side = 0; side < 2; side++) {
		if (xa_reset(side, HEAP_BYTES))
			return;
		ASSERT_EQ(xa_run(side, XA_STORE_RANGE, 5, 4), -EINVAL, "backwards");
		ASSERT_EQ(xa_run(side, XA_STORE_RANGE, 5, 5 + ARENA_XA_RANGE), -EINVAL, "too far");
		ASSERT_EQ(xa_run(side, XA_EMPTY, 0, 0), 1, "empty");
		ASSERT_OK(xa_run(side, XA_STORE_RANGE, from, from + 200), "store");
		ASSERT_OK(xa_run(side, XA_STORE_RANGE, ~0ULL - 9, ~0ULL), "store, up to the end");
		for (i = from - 1, n = 0; i <= from + 201; i++)
			n += !xa_run(!side, XA_LOAD, i, 0);
		ASSERT_EQ(n, 201, "all of them");
		ASSERT_OK(xa_run(side, XA_ERASE_RANGE, from + 3, ~0ULL - 5), "erase");
		ASSERT_OK(xa_run(side, XA_FIND, from + 3, ~0ULL), "find");
		ASSERT_EQ(xa_t->index, ~0ULL - 4, "the first one after them");
		ASSERT_OK(xa_run(side, XA_BEFORE, ~0ULL - 4, 0), "find");
		ASSERT_EQ(xa_t->index, from + 2, "the last one before them");
		ASSERT_OK(xa_run(side, XA_ERASE_RANGE, 0, ~0ULL), "erase");
		ASSERT_TRUE(xa_valid(), "empty");
	}
}

/* Without memory the array stays as it is, and goes on */
static void xa_full(void)
{
	int side, i, k, err = 0, failed = 0;

	for (side = 0; side < 2; side++) {
		if (xa_reset(side, 5 * 4096))
			return;
		for (k = 0; k < KEYS; k++) {
			err = xa_run(side, XA_STORE, xa_t->key[k], k + 1);
			if (!err)
				xa_model[k] = k + 1;
			failed += err == -ENOMEM;
			if (err && !ASSERT_EQ(err, -ENOMEM, "store"))
				return;
			if (!ASSERT_TRUE(xa_valid(), "valid"))
				return;
		}
		ASSERT_GT(failed, 20, "full");
		ASSERT_OK(xa_run(side, XA_STORE, xa_t->key[0], 77), "one that is there");
		xa_model[0] = 77;
		for (i = 0; i < 24; i++) {
			if (!xa_model[i])
				continue;
			ASSERT_OK(xa_run(!side, XA_ERASE, xa_t->key[i], 0), "erase");
			xa_model[i] = 0;
		}
		ASSERT_TRUE(xa_valid(), "valid");
		ASSERT_OK(xa_run(side, XA_ERASE_RANGE, 0, ~0ULL), "erase all");
		memset(xa_model, 0, sizeof(xa_model));
		ASSERT_OK(xa_run(side, XA_STORE, ~0ULL, 9), "again");
		xa_model[model_key(~0ULL)] = 9;
		ASSERT_TRUE(xa_valid(), "valid");
	}
}

/* All that the array is, to begin with it again */
struct xa_copy {
	struct xa_test test;
	char memory[1 << 20];
};

static struct xa_copy *xa_before;
#define DEAD_BYTES (24 * 4096)

static unsigned long xa_copied(void)
{
	return xa_memory() + DEAD_BYTES - (char *)xa_heap;
}

static void xa_do(int op, int mark, int k, __u64 value)
{
	struct lib_call c = { XA_MARK(op, mark), xa_t->key[k], value };

	lib_op(&c);
}

static int xa_odd, xa_lost;	/* deaths as a mark was lost; those that lost memory */

/* Returns true if the operation has no such store, or after a failure */
static int xa_one_death(int side, int op, int mark, int k, int step)
{
	int other = (k + 1) % KEYS, which, alive = 0, ok;
	__u64 value = xa_model[k], other_value = xa_model[other];
	unsigned char marks = xa_marks[k], other_marks = xa_marks[other];
	__u64 now;

	*xa_t = xa_before->test;
	memcpy(xa_heap, xa_before->memory, xa_copied());
	xa_left = step;
	if (!setjmp(xa_death)) {
		xa_do(op, mark, k, 4711);
		alive = xa_left >= 0;
		xa_left = -1;
	}
	xa_odd += xa_t->array.unmarked & 1;
	/* readers need no repair */
	ok = xa_run(!side, XA_LOAD, xa_t->key[k], 0);
	now = ok ? 0 : xa_t->value;
	ok = ok == (now ? 0 : -ENOENT) && (now == value || now == (op == XA_STORE ? 4711 : 0));
	ok = ASSERT_TRUE(ok, "a reader");
	/* what was not complete is tidied up by the next writer */
	ok = ASSERT_OK(xa_run(side, XA_STORE, xa_t->key[other], 99), "the next writer") && ok;
	ok = ASSERT_OK(xa_run(side, XA_ERASE, xa_t->key[other], 0), "the next writer") && ok;
	model_op(XA_ERASE, other, 0, 0, 0, &which);
	if (alive || !xa_valid()) {
		model_op(op, k, 0, mark, 4711, &which);
		ok = ASSERT_TRUE(xa_valid(), "as it was, or done") && ok;
	}
	xa_model[k] = value;
	xa_marks[k] = marks;
	xa_model[other] = other_value;
	xa_marks[other] = other_marks;
	if (!ok)
		printf("side %d op %d mark %d key %d step %d\n", side, op, mark, k, step);
	return alive || !ok;
}

/* A process dies before each store that a change makes */
static void xa_dead(void)
{
	int n, i, k, op, mark, side, step, which, steps = 0;
	struct arena_heap_stats s;

	xa_odd = 0;
	xa_before = malloc(sizeof(*xa_before));
	for (n = 0; n < 160; n++) {
		side = n & 1;
		if (xa_reset(0, DEAD_BYTES) ||
		    !ASSERT_LE(xa_copied(), sizeof(xa_before->memory), "copy"))
			break;
		for (i = lib_random(n < 40 ? 3 : 12); i >= 0; i--) {
			k = lib_random(2) ? lib_random(KEYS) : lib_random(24);
			mark = lib_random(ARENA_XA_MARKS);
			xa_run(0, XA_STORE, xa_t->key[k], k + 1);
			model_op(XA_STORE, k, 0, 0, k + 1, &which);
			/* the last one has a mark to lose */
			if (!(i & 1)) {
				xa_run(0, XA_MARK(XA_SET_MARK, mark), xa_t->key[k], 0);
				model_op(XA_SET_MARK, k, 0, mark, 0, &which);
			}
		}
		op = n / 2 % NR_XA_CHANGES;
		/* most of what changes is there, except for what is stored */
		if (op == XA_STORE && lib_random(4))
			k = lib_random(KEYS);
		xa_before->test = *xa_t;
		memcpy(xa_before->memory, xa_heap, xa_copied());
		for (step = 0; !xa_one_death(side, op, mark, k, step); step++)
			steps++;
	}
	ASSERT_GT(steps, 1000, "stores");
	ASSERT_GT(xa_odd, 20, "deaths as a mark was lost");
	free(xa_before);
	/* nodes that were lost come back in the end, but for those that the heap had in its hands */
	for (step = 0, xa_lost = 0; step < 40; step++) {
		if (xa_reset(0, DEAD_BYTES))
			return;
		xa_run(0, XA_STORE, 5, 5);
		xa_left = step;
		if (!setjmp(xa_death)) {
			xa_do(XA_STORE, 0, model_key(~0ULL), 9);
			xa_left = -1;
			break;
		}
		ASSERT_OK(xa_run(1, XA_STORE, 5, 6), "the next writer");
		ASSERT_OK(xa_run(1, XA_ERASE, 5, 0), "the next writer");
		ASSERT_OK(xa_run(1, XA_DESTROY, 0, 0), "destroy");
		arena_heap_count(xa_heap, &s);
		xa_lost += !!s.objects;
	}
	ASSERT_GT(step, 20, "deaths");
	ASSERT_LE(xa_lost, step / 3, "deaths outside of the heap that lost memory");
}

/*
 * Keys 0 to 3 of readers and writers that are interleaved: in leaves of their own, of which one is
 * used again for another
 */
static const __u64 xa_far[4] = { 5, 4096 + 5, 8192 + 5, 12288 + 5 };

static void xa_place(int i, int odd)
{
	if (arena_xa_store(&xa_t->array, xa_far[i], xa_value(i, odd)) ||
	    (odd && arena_xa_set_mark(&xa_t->array, xa_far[i], 0)))
		xa_t->wrong++;
}

/* The leaf of number 1 becomes that of number 3, marked */
static void xa_move(void)
{
	arena_xa_erase(&xa_t->array, xa_far[1]);
	xa_place(3, 1);
}

/* ... and number 1 is there again, in another one, with no mark */
static void xa_move_back(void)
{
	xa_move();
	xa_place(1, 0);
}

/* Number 1 is another one, that is not marked, in the same leaf; its neighbour keeps the leaf */
static void xa_replace(void)
{
	arena_xa_erase(&xa_t->array, xa_far[1]);
	xa_place(1, 0);
}

/* The array is two levels lower, and higher again */
static void xa_lower(void)
{
	arena_xa_erase(&xa_t->array, xa_far[1]);
	arena_xa_erase(&xa_t->array, xa_far[2]);
	xa_place(3, 1);
}

/* A writer has died as number 1 lost its mark, and the next one stores there */
static void xa_died_unmarking(void)
{
	struct arena_xa_node *n = __arena_xa_at((__u32)xa_t->array.root);
	__u32 level;

	for (level = xa_t->array.root >> 32; level; level -= 6)
		n = __arena_xa_at((__u32)n->slot[xa_far[1] >> level & 63]);
	n->bits[1] &= ~(1ULL << (xa_far[1] & 63));
	xa_place(1, 0);
}

static int xa_wrong(int err, __u64 index, __u64 value)
{
	int k = (value >> 32) - 1;

	return !err && (k < 0 || k > 3 || (xa_far[k] != index && index != xa_far[k] + 1));
}

/* A writer comes before each load of a reader */
static void xa_writers(void)
{
	void (*writers[])(void) = {
		xa_move, xa_move_back, xa_replace, xa_died_unmarking, xa_lower,
	};
	const int lower = ARRAY_SIZE(writers) - 1;
	struct arena_xa_entry e;
	int i, k, w, op, err, wrong = 0, missed = 0, cases = 0;

	for (w = 0; w < ARRAY_SIZE(writers); w++)
		for (op = 0; op < 6; op++)
			for (k = 0; k < 1000; k++) {
				xa_loads = -1;
				if (xa_reset(0, 32 * 4096))
					return;
				for (i = 0; i < 3; i++)
					xa_place(i, i >= 1);
				/* whoever dies so has begun */
				if (writers[w] == xa_died_unmarking)
					xa_t->array.unmarked |= 1;
				if (writers[w] == xa_replace)
					arena_xa_store(&xa_t->array, xa_far[1] + 1, xa_value(1, 0));
				xa_before_load = writers[w];
				xa_loads = k;
				e.index = op == 3 ? xa_far[2] - 1 : 6;
				switch (op) {
				case 0:
				case 1:
					e.index = xa_far[op];
					err = arena_xa_load(&xa_t->array, e.index, &e.value);
					missed += !op && err;
					break;
				case 2:
					err = arena_xa_find(&xa_t->array, &e, ~0ULL);
					/* number 2 is there all the time, but for xa_lower() */
					missed += w != lower && (err || e.index > xa_far[2]);
					break;
				case 3:
					err = arena_xa_find_last(&xa_t->array, &e, 0);
					missed += err || e.index < xa_far[0];
					break;
				case 4:
					err = arena_xa_find_marked(&xa_t->array, &e, ~0ULL, 0);
					wrong += !err && !(e.value & 1);
					missed += w != lower && (err || e.index > xa_far[2]);
					break;
				default:
					e.index = ~0ULL;
					err = arena_xa_find_marked_last(&xa_t->array, &e, 0, 0);
					wrong += !err && !(e.value & 1);
					missed += w != lower && (err || e.index < xa_far[2]);
				}
				if (xa_loads >= 0)
					break;
				cases++;
				if ((err && err != -ENOENT) || xa_wrong(err, e.index, e.value)) {
					printf("writer %d op %d load %d: %d\n", w, op, k, err);
					wrong++;
				}
			}
	xa_loads = -1;
	ASSERT_GT(cases, 200, "loads");
	ASSERT_EQ(wrong, 0, "wrong");
	ASSERT_EQ(missed, 0, "not found");
	ASSERT_EQ(xa_t->wrong, 0, "writer");
}

/* A node above others becomes a leaf, with an entry that looks like a link. */
static void xa_entry_for_link(void)
{
	__u64 link = arena_low(xa_nowhere);
	int i;

	arena_xa_erase(&xa_t->array, 4096 + 64 * 9 + 5);
	/* whichever node it becomes, of two that are free */
	for (i = 0; i < 3; i++)
		if (arena_xa_store(&xa_t->array, 64 * (i + 1) + 9, link))
			xa_t->wrong++;
}

/* ... which a reader does not follow that was on its way there */
static void xa_led_astray(void)
{
	const __u64 index = 4096 + 64 * 9 + 5;
	struct arena_xa_entry e;
	int k, op, err, cases = 0, wrong = 0;

	xa_trespassed = 0;
	xa_nowhere = (char *)xa_heap + 2 * HEAP_BYTES;
	for (op = 0; op < 3; op++)
		for (k = 0; k < 100; k++) {
			xa_loads = -1;
			if (xa_reset(0, 32 * 4096))
				return;
			xa_run(0, XA_STORE, 5, 1);
			xa_run(0, XA_STORE, 8192, 2);
			xa_run(0, XA_STORE, index, 3);
			xa_before_load = xa_entry_for_link;
			xa_loads = k;
			e.index = index;
			if (op == 0)
				err = arena_xa_load(&xa_t->array, index, &e.value);
			else if (op == 1)
				err = arena_xa_find(&xa_t->array, &e, index);
			else
				err = arena_xa_get_mark(&xa_t->array, index, 0);
			if (xa_loads >= 0)
				break;
			cases++;
			wrong += op < 2 ? err && err != -ENOENT : err;
			wrong += op < 2 && !err && e.value != 3;
		}
	xa_nowhere = NULL;
	xa_loads = -1;
	ASSERT_GT(cases, 20, "loads");
	ASSERT_EQ(wrong, 0, "wrong");
	ASSERT_EQ(xa_trespassed, 0, "entries that were followed");
	ASSERT_EQ(xa_t->wrong, 0, "writer");
}

static int xa_changing, xa_looks;	/* the key that comes or goes */

static void xa_look(void)
{
	struct arena_xa_entry e = { .index = 0 };
	int i, err, next;
	__u64 value;

	for (i = 0; i < 24; i += 5) {
		err = arena_xa_load(&xa_t->array, xa_t->key[i * 5], &value);
		xa_looks++;
		if (i * 5 != xa_changing && (err ? err != -ENOENT || xa_model[i * 5] :
					     value != xa_model[i * 5]))
			xa_t->wrong++;
	}
	next = model_seek(0, ~0ULL, 0, 0);
	err = arena_xa_find(&xa_t->array, &e, ~0ULL);
	i = err ? -1 : model_key(e.index);
	if (i != xa_changing && next != xa_changing && i != next)
		xa_t->wrong++;
}

/* Readers come before each store of a writer */
static void xa_readers(void)
{
	int n, err, which, op;

	if (xa_reset(0, HEAP_BYTES))
		return;
	xa_looks = 0;
	for (n = 0; n < 400; n++) {
		xa_changing = lib_random(KEYS);
		op = xa_model[xa_changing] ? XA_ERASE : XA_STORE;
		xa_between = xa_look;
		if (op == XA_ERASE)
			err = arena_xa_erase(&xa_t->array, xa_t->key[xa_changing]);
		else
			err = arena_xa_store(&xa_t->array, xa_t->key[xa_changing], n + 1);
		xa_between = NULL;
		model_op(op, xa_changing, 0, 0, n + 1, &which);
		if (!ASSERT_OK(err, "writer"))
			break;
	}
	ASSERT_TRUE(xa_valid(), "valid");
	ASSERT_GT(xa_looks, 5000, "readers");
	ASSERT_EQ(xa_t->wrong, 0, "wrong");
}

struct xa_job {
	int side, op, times, a, b, goal;
};

/* So much is to be done, however often a program's time is over, or a writer does not go on */
static int xa_behind(struct xa_job *job)
{
	__u32 *done = job->op == XA_WRITE ? &xa_t->writes : &xa_t->found;

	return __atomic_load_n(done, __ATOMIC_RELAXED) < job->goal;
}

static void *xa_worker(void *arg)
{
	struct xa_job *job = arg;
	long err;
	int i;

	for (i = 0; i < job->times || (i < 100 * job->times && xa_behind(job)); i++) {
		err = xa_run(job->side, job->op, job->a, job->b * 1000 + i);
		if (err)
			return (void *)err;
	}
	return NULL;
}

/* A walk ends, in order, and sees what is there all the time */
static void *xa_walker(void *arg)
{
	long err, i;

	for (i = 0; i < 30; i++) {
		err = xa_run(0, XA_WALK, i % 3, 0);
		/* a walk of marked ones: those that are odd */
		if (!err && xa_t->fixed != ((1ULL << FIXED) - 1) / (i % 3 < 2 ? 1 : 3) * (i % 3 < 2 ? 1 : 2))
			return (void *)-1L;
		if (err && err != -EAGAIN)
			return (void *)err;
	}
	return NULL;
}

/* Readers of both sides, as writers of both sides store, mark and erase */
static void xa_threads(void)
{
	struct xa_job jobs[] = {
		{ 1, XA_READ, 40, 256, 0, 5000 }, { 0, XA_READ, 40, 256, 0, 5000 },
		{ 1, XA_WRITE, 20, 256, 1, 4000 }, { 0, XA_WRITE, 20, 256, 2, 4000 },
	};
	pthread_t threads[ARRAY_SIZE(jobs) + 1];
	struct lib_interrupts on = {};
	void *result;
	__u64 value;
	int i, n = 0;

	if (xa_reset(0, HEAP_BYTES))
		return;
	/* no two keys are equal */
	for (i = 0; i < KEYS; i++)
		xa_t->key[i] = i < 64 ? i * 50 : i * 0x9e3779b97f4a7c15ULL >> (i & 3) * 16;
	for (i = 0; i < FIXED; i++) {
		xa_run(0, XA_STORE, xa_t->key[i], xa_value(i, i & 1));
		xa_model[i] = xa_value(i, i & 1);
		if (i & 1)
			xa_run(0, XA_SET_MARK, xa_t->key[i], 0);
		xa_marks[i] = i & 1;
	}
	if (lib_interrupt(&on, xa_skel->progs.on_clock, xa_skel->progs.on_nmi))
		goto out;
	for (n = 0; n < ARRAY_SIZE(jobs); n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, xa_worker, &jobs[n]), "thread"))
			goto join;
	if (ASSERT_OK(pthread_create(&threads[n], NULL, xa_walker, NULL), "thread"))
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
	ASSERT_GT(xa_t->interrupts, 10, "interrupted");
#endif
	printf("found %u again %u writes %u reused %llu\n", xa_t->found, xa_t->again, xa_t->writes,
	       (unsigned long long)xa_t->array.reused);
	ASSERT_EQ(xa_t->wrong, 0, "wrong");
	ASSERT_GE(xa_t->found, 5000, "found");
	for (i = FIXED; i < KEYS; i++)
		if (!arena_xa_load(&xa_t->array, xa_t->key[i], &value)) {
			xa_model[i] = value;
			xa_marks[i] = value & 1;
		}
	ASSERT_TRUE(xa_valid(), "valid");
}

/* What a damaged array returns, as long as it is an error or a result, and nothing else changes */
static void xa_damaged_ops(int side)
{
	int op, err;

	for (op = NR_XA_OPS - 1; op >= 0; op--) {
		err = xa_run(side, XA_MARK(op, op & 1), op == XA_STORE ? 70 : 5, op ? 200 : 1);
		if (err < 0 && err != -ENOENT && err != -EAGAIN && err != -EUCLEAN &&
		    err != -EFAULT && err != -ENOMEM)
			ASSERT_EQ(err, 0, "error");
	}
	xa_run(side, XA_ERASE_RANGE, 0, ~0ULL);
	xa_run(side, XA_STORE, 1ULL << 40, 1);
	xa_run(side, XA_DESTROY, 0, 0);
}

static void xa_fill(void)
{
	xa_run(0, XA_STORE, 5, 5);
	xa_run(0, XA_STORE, 6, 6);
	xa_run(0, XA_STORE, 100, 100);
	xa_run(0, XA_SET_MARK, 5, 0);
	/* one that is free */
	xa_run(0, XA_STORE, 1000, 100);
	xa_run(0, XA_ERASE, 1000, 0);
}

static struct arena_xa_node *xa_node(__u64 low)
{
	return __arena_xa_at((__u32)low);
}

static void xa_damage(void)
{
	__u64 bad[] = { 0, 1, 2, 63, 60ULL << 32, ~0ULL, (__u32)__arena_range.start - 64,
			(__u32)(__arena_range.start + __arena_range.size) - 8, 0, 0, 0, 0 };
	unsigned int side, w, b, words = sizeof(struct arena_xa) / 8;
	struct arena_xa_node *root, *nodes[4];
	__u64 *word;

	for (side = 0; side < 2; side++)
		for (w = 0; w < words + 4 * 12; w++)
			for (b = 0; b < ARRAY_SIZE(bad); b++) {
				if (xa_reset(0, 16 * 4096))
					return;
				xa_fill();
				root = xa_node(xa_t->array.root);
				nodes[0] = root;
				nodes[1] = xa_node(root->slot[0]);
				nodes[2] = xa_node(root->slot[1]);
				nodes[3] = xa_node(xa_t->array.free);
				/* round and round */
				bad[8] = arena_low(root);
				bad[9] = arena_low(nodes[1]);
				bad[10] = arena_low(nodes[3]);
				bad[11] = 12ULL << 32 | arena_low(nodes[1]);
				word = w < words ? (__u64 *)&xa_t->array + w :
				       (__u64 *)nodes[(w - words) / 12] + (w - words) % 12;
				*word = bad[b];
				xa_damaged_ops(side);
			}
}

/* Levels that are none, and what is below itself */
static void xa_loops(void)
{
	struct arena_xa_node *root;
	int side, b;

	for (side = 0; side < 2; side++) {
		if (xa_reset(0, 16 * 4096))
			return;
		xa_fill();
		xa_t->array.root |= 66ULL << 32;
		ASSERT_EQ(xa_run(side, XA_LOAD, 5, 0), -EUCLEAN, "load");
		ASSERT_EQ(xa_run(side, XA_STORE, 5, 1), -EUCLEAN, "store");
		ASSERT_EQ(xa_run(side, XA_FIND, 5, ~0ULL), -EUCLEAN, "find");
		/* a node that is below itself has no more levels than others */
		root = xa_node(xa_t->array.root);
		xa_t->array.root = 60ULL << 32 | (__u32)xa_t->array.root;
		root->slot[0] = arena_low(root);
		root->slot[5] = 0;
		ASSERT_EQ(xa_run(side, XA_LOAD, 5, 0), -ENOENT, "a loop");
		ASSERT_EQ(xa_run(side, XA_ERASE, 1, 0), 0, "a loop");
		/* bits that are set for nothing, everywhere */
		if (xa_reset(0, 16 * 4096))
			return;
		xa_fill();
		root = xa_node(xa_t->array.root);
		xa_t->array.root = 60ULL << 32 | (__u32)xa_t->array.root;
		for (b = 0; b < 64; b++)
			root->slot[b] = arena_low(root);
		xa_node(xa_t->array.free)->bits[0] = ~0ULL;
		root->bits[0] = ~0ULL;
		root->slot[0] = xa_t->array.free;
		root->bits[1] = 1;
		ASSERT_EQ(xa_run(side, XA_MARKED, 0, ~0ULL), -ENOENT, "nothing");
		xa_node(xa_t->array.free)->bits[1] = ~0ULL;
		root->bits[1] = ~0ULL;
		xa_run(side, XA_MARKED, 0, ~0ULL);
	}
}

/* Marks, parents, links and a heap that are none */
static void xa_misled(void)
{
	void *elsewhere = (void *)(__arena_range.start - 8192);
	struct arena_xa_node *root;
	__u64 value;
	int side;

	for (side = 0; side < 2; side++) {
		if (xa_reset(0, 16 * 4096))
			return;
		xa_fill();
		/* a mark of what is not there */
		root = xa_node(xa_t->array.root);
		root->bits[2] |= 1;
		xa_node(root->slot[0])->bits[2] |= 1 << 7;
		ASSERT_OK(xa_run(side, XA_STORE, 7, 7), "store");
		ASSERT_EQ(xa_run(side, XA_MARK(XA_GET_MARK, 1), 7, 0), 0, "marked");
		/* a parent that is none is left alone */
		xa_node(root->slot[1])->parent = root->slot[0];
		ASSERT_EQ(xa_run(side, XA_ERASE, 100, 0), -EUCLEAN, "erase");
		ASSERT_EQ(xa_run(side, XA_LOAD, 100, 0), -ENOENT, "gone");
		ASSERT_OK(xa_run(side, XA_LOAD, 6, 0), "load");
	}
	if (xa_reset(0, 16 * 4096))
		return;
	xa_fill();
	root = xa_node(xa_t->array.root);
	root->slot[1] = (__u32)(__arena_range.start + __arena_range.size) - 8;
	ASSERT_EQ(xa_run(0, XA_LOAD, 100, 0), -EUCLEAN, "out of the arena");
	ASSERT_EQ(xa_run(0, XA_STORE, 100, 1), -EUCLEAN, "out of the arena");
	ASSERT_EQ(xa_run(0, XA_AFTER, 6, ~0ULL), -EUCLEAN, "out of the arena");
	ASSERT_EQ(arena_xa_load(elsewhere, 1, &value), -EFAULT, "not in the arena");
	ASSERT_EQ(arena_xa_store(elsewhere, 1, 1), -EFAULT, "not in the arena");
	ASSERT_EQ(arena_xa_init(&xa_t->array, elsewhere), -EINVAL, "no heap");
	for (side = 0; side < 2; side++) {
		xa_t->array.heap = NULL;
		ASSERT_EQ(xa_run(side, XA_STORE, 1ULL << 60, 1), -EUCLEAN, "no heap");
	}
}

static int xa_stop;

static void *xa_scribbler(void *arg)
{
	__u64 *words = (void *)&xa_t->array, *memory = (void *)xa_memory();
	__u64 n = sizeof(struct arena_xa) / 8, v;

	while (!__atomic_load_n(&xa_stop, __ATOMIC_RELAXED)) {
		v = lib_random(2) ? lib_random(~0U) :
		    (__u64)lib_random(70) << 32 | (arena_low(xa_memory()) + lib_random(100) * 640);
		__atomic_store_n(lib_random(2) ? &words[lib_random(n)] : &memory[lib_random(8192)],
				 v, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void xa_scribble(void)
{
	struct xa_job jobs[] = {
		{ 1, XA_READ, 20, 256 }, { 0, XA_READ, 20, 256 }, { 1, XA_WRITE, 10, 100, 1 },
		{ 0, XA_WRITE, 10, 100, 2 }, { 0, XA_WALK, 5 }, { 1, XA_WALK, 5 },
	};
	pthread_t threads[ARRAY_SIZE(jobs)], scribbler;
	int i, n;

	if (xa_reset(0, 64 * 4096))
		return;
	for (i = 0; i < FIXED; i++)
		xa_run(0, XA_STORE, xa_t->key[i], xa_value(i, 0));
	xa_stop = 0;
	if (!ASSERT_OK(pthread_create(&scribbler, NULL, xa_scribbler, NULL), "thread"))
		return;
	for (n = 0; n < ARRAY_SIZE(jobs); n++)
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, xa_worker, &jobs[n]), "thread"))
			break;
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&xa_stop, 1, __ATOMIC_RELAXED);
	pthread_join(scribbler, NULL);
	ASSERT_EQ(n, ARRAY_SIZE(jobs), "all came to an end");
}

#ifndef ARENA_LIB_NATIVE
/* A page that is not there is an error */
static void xa_absent(void)
{
	__u32 absent = (__u32)__arena_range.start + 900 * getpagesize();

	if (xa_reset(1, 16 * 4096))
		return;
	ASSERT_EQ(xa_run(1, XA_INIT_AT, absent, 0), -EFAULT, "init");
	ASSERT_EQ(xa_run(1, XA_STORE_AT, absent, 0), -EUCLEAN, "store");
	xa_t->array.free = absent;
	ASSERT_EQ(xa_run(1, XA_STORE, 1, 1), -EFAULT, "node");
	ASSERT_EQ(xa_run(1, XA_LOAD, 1, 0), -ENOENT, "load");
}

/* A program whose time is over changes one index, or nothing */
static void xa_late(void)
{
	struct lib_call c = { XA_STORE, 5, 50, 1 };
	int err, i, which;

	if (xa_reset(1, 16 * 4096))
		return;
	for (i = 0; i < 8; i++) {
		xa_run(1, XA_STORE, xa_t->key[i], i + 1);
		model_op(XA_STORE, i, 0, 0, i + 1, &which);
	}
	c.a = xa_t->key[2];
	err = lib_program(xa_skel->progs.op, &c);
	if (err == LIB_NOT_LATE) {
		fprintf(stdout, "%s:SKIP:no program's time is over here\n", __func__);
		test__skip();
		return;
	}
	ASSERT_OK(err, "store");
	model_op(XA_STORE, 2, 0, 0, 50, &which);
	c.op = XA_ERASE;
	c.a = xa_t->key[3];
	ASSERT_OK(lib_program(xa_skel->progs.op, &c), "erase");
	model_op(XA_ERASE, 3, 0, 0, 0, &which);
	c.op = XA_LOAD;
	c.a = xa_t->key[4];
	ASSERT_OK(lib_program(xa_skel->progs.op, &c), "load");
	c.op = XA_MARK(XA_SET_MARK, 1);
	ASSERT_OK(lib_program(xa_skel->progs.op, &c), "mark");
	model_op(XA_SET_MARK, 4, 0, 1, 0, &which);
	c.op = XA_MARK(XA_GET_MARK, 1);
	ASSERT_EQ(lib_program(xa_skel->progs.op, &c), 1, "marked");
	c.op = XA_MARK(XA_GET_MARK, 2);
	ASSERT_EQ(lib_program(xa_skel->progs.op, &c), 0, "not marked");
	c.op = XA_MARK(XA_CLEAR_MARK, 1);
	ASSERT_OK(lib_program(xa_skel->progs.op, &c), "no mark");
	model_op(XA_CLEAR_MARK, 4, 0, 1, 0, &which);
	c.op = XA_FIND;
	ASSERT_EQ(lib_program(xa_skel->progs.op, &c), -EAGAIN, "find");
	/* nodes take time to clear */
	c.op = XA_STORE;
	c.a = ~0ULL;
	ASSERT_EQ(lib_program(xa_skel->progs.op, &c), -ENOMEM, "store with new nodes");
	ASSERT_TRUE(xa_valid(), "valid");
	c.op = XA_ERASE_RANGE;
	c.a = 0;
	c.b = ~0ULL;
	ASSERT_EQ(lib_program(xa_skel->progs.op, &c), -EAGAIN, "erase a range");
	ASSERT_TRUE(xa_valid(), "valid");
}
#endif

void test_arena_lib_xarray(void)
{
	struct arena_lib_xarray *skel;

	LIB_OPEN(arena_lib_xarray, skel);
	xa_skel = skel;
	xa_t = &skel->arena->xa;
	if (test__start_subtest("random"))
		xa_random(KEYS);
	if (test__start_subtest("few"))
		xa_random(8);
	if (test__start_subtest("reuse"))
		xa_reuse();
	if (test__start_subtest("ranges"))
		xa_ranges();
	if (test__start_subtest("full"))
		xa_full();
	if (test__start_subtest("dead"))
		xa_dead();
	if (test__start_subtest("readers"))
		xa_readers();
	if (test__start_subtest("writers"))
		xa_writers();
	if (test__start_subtest("led_astray"))
		xa_led_astray();
	if (test__start_subtest("threads"))
		xa_threads();
	if (LIB_DAMAGE && test__start_subtest("damage")) {
		xa_damage();
		xa_loops();
		xa_misled();
	}
	if (LIB_DAMAGE && test__start_subtest("scribble"))
		xa_scribble();
#ifndef ARENA_LIB_NATIVE
	if (test__start_subtest("absent"))
		xa_absent();
	if (test__start_subtest("late"))
		xa_late();
#endif
out:
	LIB_CLOSE(arena_lib_xarray, skel);
}
