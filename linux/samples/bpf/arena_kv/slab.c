// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the items: slab classes, eviction, and the wait for readers.
 *
 * Problem: items of any size come and go in a heap that is always full, and
 * what is freed may still be under the eyes of an XDP program.
 *
 *	heap  | page of class 3 | page of class 9 | page of class 3 | never used
 *	       chunk chunk chunk
 *
 *	alloc ---> OWNED ---> LINKED (lru) ---> LIMBO ---> FREE ---> alloc
 *	             \                                      ^
 *	              `-- was never linked -----------------'
 *
 * A page belongs to one class and is cut into chunks of that class's size, each
 * a quarter longer than the class before: 11% of a chunk is wasted on average.
 *
 * LINKED to LIMBO is unlinking; LIMBO to FREE is limbo_drain(), which waits for
 * readers. It is called when a free list is empty, thus once for many items,
 * and waits no longer than an XDP program runs.
 *
 * Eviction is by second chance: readers set item->used, a plain store that XDP
 * can afford, and an item found used when it is the oldest moves to the newer
 * end instead of going. A class that needs memory compares its oldest item with
 * those of other classes; if another's is older by MOVE_AGE, or if it has none
 * itself, it takes the page where that one lies. So no class is starved when
 * the sizes that clients store change.
 *
 * At most one item is OWNED, and none while slab_alloc() runs.
 */
#include <sched.h>
#include <string.h>

#include "slab.h"
#include "table.h"
#include "clock.h"

#define CHUNK_MIN	128
#define CHUNK_ALIGN	16
#define PAGE_MIN	(64 << 10)
#define MOVE_AGE	60	/* s */
#define CHANCES_MAX	64	/* bounds one eviction when all is in use */
#define SPINS_MAX	1000

static void list_add_newest(struct kv_list *list, struct kv_item *item)
{
	item->older = list->newest;
	item->newer = NULL;
	if (list->newest)
		list->newest->newer = item;
	else
		list->oldest = item;
	list->newest = item;
}

static void list_del(struct kv_list *list, struct kv_item *item)
{
	if (item->newer)
		item->newer->older = item->older;
	else
		list->newest = item->older;
	if (item->older)
		item->older->newer = item->newer;
	else
		list->oldest = item->newer;
}

static struct kv_class *class_of(struct kv_slab *slab, struct kv_item *item)
{
	return &slab->class[item->class];
}

static void classes_init(struct kv_slab *slab)
{
	__u32 chunk = CHUNK_MIN, nr = 0;

	while (chunk <= slab->page_size / 2 && nr < KV_CLASS_MAX - 1) {
		slab->class[nr++].chunk = chunk;
		chunk = (chunk + chunk / 4 + CHUNK_ALIGN - 1) / CHUNK_ALIGN *
			CHUNK_ALIGN;
	}
	slab->class[nr++].chunk = slab->page_size;
	slab->nr_classes = nr;
}

int slab_init(struct kv_root *root, char *start, char *end)
{
	struct kv_slab *slab = &root->slab;
	size_t pages;

	slab->page_size = PAGE_MIN;
	while (slab->page_size < root->item_max)
		slab->page_size *= 2;

	/* Each page costs a byte of page_class, which stands in front. */
	pages = (end - start) / (slab->page_size + 1);
	if (pages < 2)
		return -1;

	slab->nr_pages = pages;
	slab->page_class = (__u8 *)start;
	slab->heap = end - pages * slab->page_size;
	classes_init(slab);
	return 0;
}

static char *page_addr(struct kv_slab *slab, __u32 page)
{
	return slab->heap + (size_t)page * slab->page_size;
}

static void put_free(struct kv_slab *slab, struct kv_item *item)
{
	item->state = KV_FREE;
	list_add_newest(&class_of(slab, item)->free, item);
}

/* Cuts a page, which holds nothing that anybody needs, for @class. */
static void page_cut(struct kv_slab *slab, __u32 page, __u8 class)
{
	__u32 chunk = slab->class[class].chunk;
	char *addr = page_addr(slab, page);
	char *end = addr + slab->page_size;

	slab->page_class[page] = class;
	slab->class[class].pages++;
	for (; addr + chunk <= end; addr += chunk) {
		struct kv_item *item = (struct kv_item *)addr;

		item->class = class;
		put_free(slab, item);
	}
}

/*
 * Waits until no reader is at an item that is in limbo now. The fence is the
 * counterpart of the reader's xchg: see 4. in layout.h. The loop is short for a
 * reader is a program that cannot sleep; it yields for the sake of virtual
 * machines, whose CPUs can be stopped in the middle of one.
 */
static void readers_wait(struct kv_root *root)
{
	__u32 cpu, spins = 0;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (cpu = 0; cpu < root->nr_readers; cpu++) {
		__u64 *busy = &root->reader[cpu].busy;

		while (__atomic_load_n(busy, __ATOMIC_ACQUIRE))
			if (++spins % SPINS_MAX == 0)
				sched_yield();
	}
}

static void limbo_drain(struct kv_root *root)
{
	struct kv_slab *slab = &root->slab;
	struct kv_item *item;

	if (!slab->limbo.oldest)
		return;
	readers_wait(root);
	while ((item = slab->limbo.oldest)) {
		list_del(&slab->limbo, item);
		put_free(slab, item);
	}
}

void slab_retire(struct kv_root *root, struct kv_item *item)
{
	list_del(&class_of(&root->slab, item)->lru, item);
	item->state = KV_LIMBO;
	list_add_newest(&root->slab.limbo, item);
}

void slab_free(struct kv_root *root, struct kv_item *item)
{
	put_free(&root->slab, item);
}

void slab_lru_add(struct kv_root *root, struct kv_item *item)
{
	item->state = KV_LINKED;
	item->stamp = clock_seconds();
	list_add_newest(&class_of(&root->slab, item)->lru, item);
}

/* The class whose oldest item is older than that of any other; -1: no item. */
static int oldest_class(struct kv_slab *slab)
{
	int class = -1;
	__u32 i;

	for (i = 0; i < slab->nr_classes; i++) {
		struct kv_item *item = slab->class[i].lru.oldest;

		if (item && (class < 0 ||
			     item->stamp < slab->class[class].lru.oldest->stamp))
			class = i;
	}
	return class;
}

/* Moves items that were read since their last chance to the newer end. */
static void give_chances(struct kv_root *root, struct kv_class *class)
{
	struct kv_item *item;
	int chances;

	for (chances = 0; chances < CHANCES_MAX; chances++) {
		item = class->lru.oldest;
		if (!item->used || table_item_dead(root, item))
			break;
		item->used = 0;
		list_del(&class->lru, item);
		slab_lru_add(root, item);
	}
}

static void evict_item(struct kv_root *root, struct kv_item *item)
{
	if (table_item_dead(root, item))
		root->stats.reclaimed++;
	else
		root->stats.evictions++;
	table_unlink(root, item);
}

static void page_clear(struct kv_root *root, __u32 page)
{
	struct kv_slab *slab = &root->slab;
	struct kv_class *class = &slab->class[slab->page_class[page]];
	char *addr = page_addr(slab, page);
	__u32 off;

	for (off = 0; off + class->chunk <= slab->page_size; off += class->chunk) {
		struct kv_item *item = (struct kv_item *)(addr + off);

		if (item->state == KV_LINKED)
			evict_item(root, item);
	}
	limbo_drain(root);
	for (off = 0; off + class->chunk <= slab->page_size; off += class->chunk)
		list_del(&class->free, (struct kv_item *)(addr + off));
	class->pages--;
}

static void page_move(struct kv_root *root, struct kv_item *victim, __u8 class)
{
	struct kv_slab *slab = &root->slab;
	__u32 page = ((char *)victim - slab->heap) / slab->page_size;

	page_clear(root, page);
	page_cut(slab, page, class);
	root->stats.slab_moves++;
}

/* Makes at least one chunk of @class free, at the cost of the oldest items. */
static bool make_room(struct kv_root *root, __u8 class)
{
	struct kv_slab *slab = &root->slab;
	struct kv_list *own = &slab->class[class].lru;
	int oldest = oldest_class(slab);
	struct kv_item *victim;

	if (oldest < 0)
		return false;
	give_chances(root, &slab->class[oldest]);
	victim = slab->class[oldest].lru.oldest;

	if (!own->oldest || victim->stamp + MOVE_AGE < own->oldest->stamp) {
		page_move(root, victim, class);
		return true;
	}
	give_chances(root, &slab->class[class]);
	evict_item(root, own->oldest);
	limbo_drain(root);
	return true;
}

/* Without eviction, what is expired or flushed still makes room. */
static bool reclaim(struct kv_root *root, struct kv_class *class)
{
	struct kv_item *item = class->lru.oldest;

	if (!item || !table_item_dead(root, item))
		return false;
	evict_item(root, item);
	limbo_drain(root);
	return true;
}

static bool refill(struct kv_root *root, __u8 class)
{
	struct kv_slab *slab = &root->slab;

	limbo_drain(root);
	if (slab->class[class].free.newest)
		return true;
	if (slab->pages_used < slab->nr_pages) {
		page_cut(slab, slab->pages_used++, class);
		return true;
	}
	if (reclaim(root, &slab->class[class]))
		return true;
	return root->evict && make_room(root, class);
}

struct kv_item *slab_alloc(struct kv_root *root, size_t size)
{
	struct kv_slab *slab = &root->slab;
	struct kv_item *item;
	__u8 class = 0;

	if (size > root->item_max)
		return NULL;
	while (slab->class[class].chunk < size)
		class++;
	if (!slab->class[class].free.newest && !refill(root, class))
		return NULL;

	item = slab->class[class].free.newest;
	list_del(&slab->class[class].free, item);
	item->state = KV_OWNED;
	return item;
}
