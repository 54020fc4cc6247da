// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF arena: memory that BPF programs and user space share
 *
 * Problem. Pointers in a shared data structure must mean the same thing to both
 * sides, and a BPF program must be able to follow any value that user space
 * writes there without the kernel checking it first.
 *
 * Picture. A page of the arena is seen through two mappings, at the same
 * distance from the last 4 GiB line:
 *
 *   user space           uaddr = |  upper half  |    low 32 bits   |
 *                                 user_vm_start          |
 *                                                        v
 *   kernel   | guard |<-- kern_vm_start --------- 4 GiB --------->| guard |
 *                                        kaddr = kern_vm_start + (u32)uaddr
 *
 * The user mapping is max_entries pages and never crosses a 4 GiB line, so that
 * its upper half is a constant. Example, with pages of 4 KiB: max_entries = 2
 * and user_vm_start = 0x7f12ffffe000 use the last two pages of the kernel
 * window; the pointer 0x7f12fffff008 is pgoff 1, offset 8, for both.
 *
 * Invariants.
 *  - A program holds an arena pointer as 32 bits, and a load or store adds
 *    kern_vm_start and a signed 16-bit offset. Whatever the 32 bits are, the
 *    access stays inside window and guards. What is not mapped there faults,
 *    and the fault is fixed up: a load gives 0, a store is dropped.
 *  - pgoff is in arena->used as ARENA_PAGES if and only if a page is mapped at
 *    its kaddr. The page table of the window is the only list of pages; the
 *    arena owns one reference to each. ARENA_RESERVED means no page, and none
 *    to come before a program frees the address.
 *  - A user PTE is only installed under arena->lock, for a page that is in the
 *    window at that time. A page leaves the arena by zapping all user PTEs and
 *    flushing the kernel's, in one section under arena->lock. No process and no
 *    CPU is left with a translation when the address is free again.
 *  - user_vm_start goes from 0 to its value once and never changes.
 *
 * User mappings live in an address_space of the arena's own, so that "zap all
 * user PTEs" is unmap_mapping_range() and dying processes need no care here.
 *
 * Locking. mmap_lock -> arena->lock -> i_mmap_rwsem, page table locks. No page
 * is allocated under arena->lock; maple nodes and page tables are.
 */
#include <linux/bpf.h>
#include <linux/bpf_arena.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cleanup.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/maple_tree.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

/* Bytes that can be addressed by the low half of a pointer */
#define ARENA_WINDOW_SIZE	SZ_4G

/*
 * An instruction reaches from -32768 to 32767 + 7 bytes around its pointer: the
 * offset is a s16, the largest access 8 bytes.
 */
#define ARENA_GUARD_SIZE	round_up(S16_MAX + sizeof(u64), PAGE_SIZE)

/* Pages unmapped in one go: bounds the time without a preemption point */
#define ARENA_FREE_BATCH	SZ_4K

/* Pages mapped in one go: the array of them lives on the stack */
#define ARENA_MAP_BATCH		32

#define ARENA_FLAGS		(BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | \
				 BPF_F_NO_USER_CONV)

/* No particular page; more than the last pgoff that an arena can have */
#define ARENA_ANYWHERE		U32_MAX

/* What arena->used says of a pgoff; neighbours of one kind are one entry */
#define ARENA_PAGES		xa_mk_value(1)
#define ARENA_RESERVED		xa_mk_value(2)

/* Programs learn the size of a page from the kernel's BTF */
enum page_size_enum {
	__PAGE_SIZE = PAGE_SIZE
};

/**
 * struct bpf_arena - an arena
 * @map: the map, first member
 * @user_vm_start: where every process maps the arena; 0 before that is known.
 *	Programs read it through CO-RE, its name is part of the interface
 * @user_vm_end: first address behind the user mapping
 * @kern_vm: the reserved kernel window with its guards
 * @lock: serializes all changes of @used, of the window and of user PTEs
 * @used: ranges of pgoff that are in use: ARENA_PAGES or ARENA_RESERVED
 * @nr_pages: pages in the window
 * @mapping: holds the VMAs of all processes
 */
struct bpf_arena {
	struct bpf_map map;
	u64 user_vm_start;
	u64 user_vm_end;
	struct vm_struct *kern_vm;
	struct mutex lock;	/* used, window, user PTEs */
	struct maple_tree used;
	u32 nr_pages;
	struct address_space mapping;
};

static struct bpf_arena *map_to_arena(const struct bpf_map *map)
{
	return container_of(map, struct bpf_arena, map);
}

/**
 * bpf_arena_kern_vm_start() - kernel address of the arena's low 32 bits 0
 * @arena: arena
 *
 * Context: any.
 * Return: page aligned address; add (u32)uaddr to it.
 */
u64 bpf_arena_kern_vm_start(const struct bpf_arena *arena)
{
	return (unsigned long)arena->kern_vm->addr + ARENA_GUARD_SIZE;
}

/**
 * bpf_arena_user_vm_start() - where user space maps an arena
 * @arena: arena
 *
 * Context: any.
 * Return: page aligned address of the first page, 0 if it is not known yet.
 */
u64 bpf_arena_user_vm_start(const struct bpf_arena *arena)
{
	return READ_ONCE(arena->user_vm_start);
}

static u64 arena_size(const struct bpf_arena *arena)
{
	return (u64)arena->map.max_entries << PAGE_SHIFT;
}

static bool range_crosses_4g(u64 start, u64 len)
{
	return start >> 32 != (start + len - 1) >> 32;
}

/* The inverse of arena_uaddr() for an address inside the arena */
static u32 arena_pgoff(const struct bpf_arena *arena, u64 uaddr)
{
	return ((u32)uaddr - (u32)arena->user_vm_start) >> PAGE_SHIFT;
}

static u64 arena_uaddr(const struct bpf_arena *arena, u32 pgoff)
{
	return arena->user_vm_start + ((u64)pgoff << PAGE_SHIFT);
}

static unsigned long arena_kaddr(const struct bpf_arena *arena, u32 pgoff)
{
	return bpf_arena_kern_vm_start(arena) + (u32)arena_uaddr(arena, pgoff);
}

/* Pages */

static struct page *arena_page_alloc(const struct bpf_arena *arena, int nid)
{
	/* The OOM killer would hit whoever runs the program; fail instead. */
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
			  __GFP_RETRY_MAYFAIL;
	struct mem_cgroup *memcg, *old_memcg;
	struct page *page;

	memcg = bpf_map_get_memcg(&arena->map);
	old_memcg = set_active_memcg(memcg);
	page = alloc_pages_node(nid, gfp, 0);
	set_active_memcg(old_memcg);
	mem_cgroup_put(memcg);
	return page;
}

static void page_list_free(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		/* someone may still hold a reference through get_user_pages() */
		put_page(page);
		cond_resched();
	}
}

static int arena_page_list_alloc(const struct bpf_arena *arena, u32 cnt,
				 int nid, struct list_head *pages)
{
	struct page *page;

	while (cnt--) {
		page = NULL;
		if (!fatal_signal_pending(current))
			page = arena_page_alloc(arena, nid);
		if (!page) {
			page_list_free(pages);
			return -ENOMEM;
		}
		list_add_tail(&page->lru, pages);
		cond_resched();
	}
	return 0;
}

/* Policy: which addresses are handed out. All under arena->lock. */

static void arena_range_merge(struct bpf_arena *arena, struct ma_state *mas,
			      u32 first, u32 last, void *kind)
{
	u32 lo = first, hi = last;

	if (first) {
		mas_set(mas, first - 1);
		if (mas_walk(mas) == kind)
			lo = mas->index;
	}
	if (last < arena->map.max_entries - 1) {
		mas_set(mas, last + 1);
		if (mas_walk(mas) == kind)
			hi = mas->last;
	}
	mas_set_range(mas, lo, hi);
}

/**
 * arena_range_take() - take addresses that are not in use
 * @arena: arena, locked
 * @first: first page to take, or ARENA_ANYWHERE; the result on return
 * @cnt: number of pages, not 0, not more than the arena has
 * @kind: ARENA_PAGES or ARENA_RESERVED
 *
 * Return: 0; -EBUSY if there is no such free range; -ENOMEM.
 */
static int arena_range_take(struct bpf_arena *arena, u32 *first, u32 cnt,
			    void *kind)
{
	MA_STATE(mas, &arena->used, 0, 0);
	u32 last;

	lockdep_assert_held(&arena->lock);
	if (*first == ARENA_ANYWHERE) {
		if (mas_empty_area(&mas, 0, arena->map.max_entries - 1, cnt))
			return -EBUSY;
		*first = mas.index;
		last = *first + cnt - 1;
	} else {
		last = *first + cnt - 1;
		mas_set(&mas, *first);
		if (mas_find(&mas, last))
			return -EBUSY;
	}

	arena_range_merge(arena, &mas, *first, last, kind);
	return mas_store_gfp(&mas, kind, GFP_KERNEL);
}

/* The split of a range may need a node. Freeing must not fail, so wait for it */
static void arena_range_drop(struct bpf_arena *arena, u32 first, u32 cnt)
{
	MA_STATE(mas, &arena->used, first, first + cnt - 1);

	lockdep_assert_held(&arena->lock);
	WARN_ON_ONCE(mas_store_gfp(&mas, NULL, GFP_KERNEL | __GFP_NOFAIL));
}

/* The next range of one kind in [*first, last], cut to at most @max pages */
static u32 arena_range_next(struct bpf_arena *arena, u32 *first, u32 last,
			    u32 max, void **kind)
{
	MA_STATE(mas, &arena->used, *first, *first);

	lockdep_assert_held(&arena->lock);
	*kind = mas_find(&mas, last);
	if (!*kind)
		return 0;
	*first = max_t(u32, *first, mas.index);
	return min_t(u32, min_t(u32, mas.last, last) - *first + 1, max);
}

/* The window */

static struct page *arena_page_find(struct bpf_arena *arena, u32 pgoff)
{
	MA_STATE(mas, &arena->used, pgoff, pgoff);

	lockdep_assert_held(&arena->lock);
	if (mas_walk(&mas) != ARENA_PAGES)
		return NULL;
	return vmalloc_to_page((void *)arena_kaddr(arena, pgoff));
}

static int arena_window_map(struct bpf_arena *arena, u32 pgoff,
			    struct page **pages, u32 cnt)
{
	unsigned long kaddr = arena_kaddr(arena, pgoff);

	return vm_area_map_pages(arena->kern_vm, kaddr,
				 kaddr + ((unsigned long)cnt << PAGE_SHIFT),
				 pages);
}

/*
 * Takes cnt pages at pgoff out of user mappings and window and adds them to
 * @pages. All of them are there. The addresses stay taken.
 */
static void arena_window_unmap(struct bpf_arena *arena, u32 pgoff, u32 cnt,
			       struct list_head *pages)
{
	unsigned long kaddr = arena_kaddr(arena, pgoff);
	unsigned long len = (unsigned long)cnt << PAGE_SHIFT;
	unsigned long pos;
	struct page *page;

	lockdep_assert_held(&arena->lock);
	for (pos = kaddr; pos < kaddr + len; pos += PAGE_SIZE) {
		page = vmalloc_to_page((void *)pos);
		if (!WARN_ON_ONCE(!page))
			list_add_tail(&page->lru, pages);
	}
	unmap_mapping_range(&arena->mapping, (loff_t)pgoff << PAGE_SHIFT, len, 1);
	vm_area_unmap_pages(arena->kern_vm, kaddr, kaddr + len);
	WRITE_ONCE(arena->nr_pages, arena->nr_pages - cnt);
}

/* Maps the pages of a list at first; on failure the list is whole again */
static int arena_list_map(struct bpf_arena *arena, u32 first, u32 cnt,
			  struct list_head *list)
{
	struct page *batch[ARENA_MAP_BATCH];
	u32 done, n, i;
	LIST_HEAD(mapped);
	int err = 0;

	for (done = 0; done < cnt; done += n) {
		n = min_t(u32, cnt - done, ARENA_MAP_BATCH);
		for (i = 0; i < n; i++) {
			batch[i] = list_first_entry(list, struct page, lru);
			list_move_tail(&batch[i]->lru, &mapped);
		}
		err = arena_window_map(arena, first + done, batch, n);
		if (err)
			break;
		cond_resched();
	}
	if (err) {
		list_splice(&mapped, list);
		if (done)
			vm_area_unmap_pages(arena->kern_vm,
					    arena_kaddr(arena, first),
					    arena_kaddr(arena, first) +
					    ((unsigned long)done << PAGE_SHIFT));
		return err;
	}
	/* in use from here on; lru is free again for arena_window_unmap() */
	INIT_LIST_HEAD(&mapped);
	return 0;
}

/* Takes the addresses and puts the pages there, or does nothing */
static int arena_list_insert(struct bpf_arena *arena, u32 *first, u32 cnt,
			     struct list_head *pages)
{
	int err;

	lockdep_assert_held(&arena->lock);
	err = arena_range_take(arena, first, cnt, ARENA_PAGES);
	if (err)
		return err;
	err = arena_list_map(arena, *first, cnt, pages);
	if (err) {
		arena_range_drop(arena, *first, cnt);
		return err;
	}
	WRITE_ONCE(arena->nr_pages, arena->nr_pages + cnt);
	return 0;
}

static int arena_page_insert(struct bpf_arena *arena, u32 pgoff,
			     struct page *page)
{
	LIST_HEAD(pages);

	list_add(&page->lru, &pages);
	return arena_list_insert(arena, &pgoff, 1, &pages);
}

static void arena_range_free(struct bpf_arena *arena, u32 first, u32 last)
{
	LIST_HEAD(pages);
	void *kind;
	u32 cnt;

	do {
		mutex_lock(&arena->lock);
		cnt = arena_range_next(arena, &first, last, ARENA_FREE_BATCH,
				       &kind);
		if (kind == ARENA_PAGES)
			arena_window_unmap(arena, first, cnt, &pages);
		if (cnt)
			arena_range_drop(arena, first, cnt);
		mutex_unlock(&arena->lock);
		page_list_free(&pages);
		first += cnt;
	} while (cnt && first <= last);
}

/* User mappings */

/*
 * A core dump takes what is there. Faulting in the rest would fill the whole
 * arena on behalf of a process that is already dying.
 */
static bool arena_may_grow(void)
{
	return !(current->flags & PF_DUMPCORE);
}

/* Called with arena->lock. Consumes *spare if the page was not there before. */
static vm_fault_t arena_vma_insert(struct bpf_arena *arena, struct vm_fault *vmf,
				   struct page **spare)
{
	u32 pgoff = arena_pgoff(arena, vmf->address);
	struct page *page = arena_page_find(arena, pgoff);
	int err;

	if (!page) {
		if (!*spare)
			return VM_FAULT_RETRY;
		err = arena_page_insert(arena, pgoff, *spare);
		if (err)	/* reserved, or no memory */
			return err == -EBUSY ? VM_FAULT_SIGSEGV : VM_FAULT_SIGBUS;
		page = *spare;
		*spare = NULL;
	}
	err = vm_insert_page(vmf->vma, vmf->address & PAGE_MASK, page);
	/* -EBUSY: another thread of the process was faster */
	return err && err != -EBUSY ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
}

static vm_fault_t arena_vma_fault(struct vm_fault *vmf)
{
	struct bpf_map *map = vmf->vma->vm_file->private_data;
	struct bpf_arena *arena = map_to_arena(map);
	struct page *spare = NULL;
	vm_fault_t ret;

	/* so that vm_insert_page() finds it and the lock is held for less */
	if (pte_alloc(vmf->vma->vm_mm, vmf->pmd))
		return VM_FAULT_OOM;

	mutex_lock(&arena->lock);
	ret = arena_vma_insert(arena, vmf, &spare);
	mutex_unlock(&arena->lock);
	if (ret != VM_FAULT_RETRY)
		return ret;

	if (map->map_flags & BPF_F_SEGV_ON_FAULT)
		return VM_FAULT_SIGSEGV;
	if (!arena_may_grow())
		return VM_FAULT_SIGBUS;
	spare = arena_page_alloc(arena, NUMA_NO_NODE);
	if (!spare)
		return VM_FAULT_SIGBUS;

	mutex_lock(&arena->lock);
	ret = arena_vma_insert(arena, vmf, &spare);
	mutex_unlock(&arena->lock);
	if (spare)
		__free_page(spare);
	return ret;
}

/* The mapping is exactly the arena, at every time: no part of it may change. */
static int arena_vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static const struct vm_operations_struct arena_vm_ops = {
	.open		= bpf_map_mmap_open,
	.close		= bpf_map_mmap_close,
	.may_split	= arena_vma_may_split,
	.fault		= arena_vma_fault,
};

/**
 * vma_is_bpf_arena() - does a VMA map an arena?
 * @vma: VMA
 *
 * For the few places in mm/ where an operation on a VMA cannot be refused
 * through its vm_ops.
 *
 * Context: mmap_lock of the VMA's mm is held.
 * Return: true if it does.
 */
bool vma_is_bpf_arena(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &arena_vm_ops;
}

static int arena_len_check(const struct bpf_arena *arena, unsigned long len)
{
	if (len > arena_size(arena))
		return -E2BIG;
	return len < arena_size(arena) ? -EINVAL : 0;
}

/* Picks len bytes that do not cross a 4 GiB line, near the hint if possible */
static unsigned long arena_area_pick(struct file *filp, unsigned long hint,
				     unsigned long len, unsigned long flags)
{
	unsigned long addr;

	addr = current->mm->get_unmapped_area(filp, hint, len, 0, flags);
	if (IS_ERR_VALUE(addr) || !range_crosses_4g(addr, len))
		return addr;

	/*
	 * In [addr, addr + 2 * len) there is room for len bytes before or after
	 * any one line; the first line behind addr is where they fit for sure.
	 */
	addr = current->mm->get_unmapped_area(filp, 0, 2 * len, 0, flags);
	if (IS_ERR_VALUE(addr) || !range_crosses_4g(addr, len))
		return addr;
	return round_up(addr, SZ_4G);
}

/*
 * Where the mapping goes. This is the place to refuse a mapping: with MAP_FIXED
 * what was there before is already gone when ->mmap() is called.
 */
static unsigned long arena_get_unmapped_area(struct bpf_map *map,
					     struct file *filp,
					     unsigned long addr,
					     unsigned long len,
					     unsigned long pgoff,
					     unsigned long flags)
{
	struct bpf_arena *arena = map_to_arena(map);
	u64 start = bpf_arena_user_vm_start(arena);
	unsigned long found;
	int err;

	if (pgoff || (flags & MAP_TYPE) == MAP_PRIVATE)
		return -EINVAL;
	err = arena_len_check(arena, len);
	if (err)
		return err;
	if (start && addr != start && (addr || flags & MAP_FIXED))
		return -EINVAL;
	if (flags & MAP_FIXED)
		return range_crosses_4g(addr, len) ? -EINVAL : addr;
	if (!start)
		return arena_area_pick(filp, addr, len, flags);

	found = current->mm->get_unmapped_area(filp, start, len, 0, flags);
	if (IS_ERR_VALUE(found))
		return found;
	return found == start ? found : -EBUSY;
}

/* The first mapping decides where all are. */
static int arena_user_range_set(struct bpf_arena *arena, u64 start, u64 end)
{
	guard(mutex)(&arena->lock);
	if (arena->user_vm_start && arena->user_vm_start != start)
		return -EBUSY;
	arena->user_vm_end = end;
	/* pairs with READ_ONCE() in bpf_arena_user_vm_start() */
	WRITE_ONCE(arena->user_vm_start, start);
	return 0;
}

static int arena_map_mmap(struct bpf_map *map, struct vm_area_struct *vma)
{
	struct bpf_arena *arena = map_to_arena(map);
	unsigned long len = vma->vm_end - vma->vm_start;
	int err;

	if (vma->vm_pgoff || range_crosses_4g(vma->vm_start, len))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	err = arena_len_check(arena, len);
	if (err)
		return err;
	err = arena_user_range_set(arena, vma->vm_start, vma->vm_end);
	if (err)
		return err;

	/*
	 * DONTEXPAND and DONTCOPY: one mapping of one size per process.
	 * MIXEDMAP: pages without a place in the page cache, inserted by us.
	 */
	vma->vm_flags |= VM_DONTEXPAND | VM_DONTCOPY | VM_MIXEDMAP;
	vma->vm_ops = &arena_vm_ops;
	return 0;
}

/*
 * All files of an arena share one address_space. The inode is the anonymous one
 * that the file had before; mm/ only looks at it for its backing device.
 */
static void arena_map_new_file(struct bpf_map *map, struct file *filp)
{
	struct bpf_arena *arena = map_to_arena(map);

	WRITE_ONCE(arena->mapping.host, file_inode(filp));
	filp->f_mapping = &arena->mapping;
}

/*
 * The arena as a file. A page that is not there is a hole, as in a sparse file,
 * and stays one: this is how to look at an arena without changing it.
 */

/* Reads inside one page */
static int arena_page_read(struct bpf_arena *arena, char __user *buf, size_t len,
			   u64 pos)
{
	struct page *page;
	int left;

	mutex_lock(&arena->lock);
	page = arena_page_find(arena, pos >> PAGE_SHIFT);
	if (page)
		get_page(page);
	mutex_unlock(&arena->lock);
	if (!page)
		return clear_user(buf, len);

	/* without the lock, which comes after the reader's own mmap_lock */
	left = copy_to_user(buf, page_address(page) + offset_in_page(pos), len);
	put_page(page);
	return left;
}

static ssize_t arena_map_read(struct bpf_map *map, char __user *buf, size_t siz,
			      loff_t *ppos)
{
	struct bpf_arena *arena = map_to_arena(map);
	u64 pos = *ppos, size = arena_size(arena);
	size_t len, done = 0;
	int left = 0;

	if (pos >= size)
		return 0;
	siz = min_t(u64, siz, size - pos);
	while (done < siz && !left && !fatal_signal_pending(current)) {
		len = min(siz - done, PAGE_SIZE - offset_in_page(pos + done));
		left = arena_page_read(arena, buf + done, len, pos + done);
		done += len - left;
		cond_resched();
	}
	*ppos = pos + done;
	return done || !siz ? done : left ? -EFAULT : -EINTR;
}

/* The first page at or behind pgoff that is there, or that is not */
static u32 arena_pgoff_seek(struct bpf_arena *arena, u32 pgoff, bool there)
{
	u32 last = arena->map.max_entries - 1;
	void *kind;
	u32 cnt;

	guard(mutex)(&arena->lock);
	do {
		u32 first = pgoff;

		cnt = arena_range_next(arena, &first, last, U32_MAX, &kind);
		if (there && kind == ARENA_PAGES)
			return first;
		if (!there && (kind != ARENA_PAGES || first > pgoff))
			return pgoff;
		pgoff = first + cnt;
	} while (cnt && pgoff <= last);
	return last + 1;
}

static loff_t arena_map_llseek(struct bpf_map *map, struct file *filp,
			       loff_t off, int whence)
{
	struct bpf_arena *arena = map_to_arena(map);
	u64 size = arena_size(arena), pos;
	u32 pgoff;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return fixed_size_llseek(filp, off, whence, size);
	if (off < 0 || off >= size)
		return -ENXIO;

	pgoff = arena_pgoff_seek(arena, off >> PAGE_SHIFT, whence == SEEK_DATA);
	if (whence == SEEK_DATA && pgoff == map->max_entries)
		return -ENXIO;
	pos = max_t(u64, off, (u64)pgoff << PAGE_SHIFT);
	return vfs_setpos(filp, pos, size);
}

static u64 arena_map_mem_usage(const struct bpf_map *map)
{
	return (u64)READ_ONCE(map_to_arena(map)->nr_pages) << PAGE_SHIFT;
}

static void arena_map_show_fdinfo(const struct bpf_map *map, struct seq_file *m)
{
	const struct bpf_arena *arena = map_to_arena(map);

	seq_printf(m, "user_vm_start:\t%#llx\n", bpf_arena_user_vm_start(arena));
	seq_printf(m, "pages:\t%u\n", READ_ONCE(arena->nr_pages));
}

/* Map operations */

static int arena_map_alloc_check(union bpf_attr *attr)
{
	u64 size = (u64)attr->max_entries << PAGE_SHIFT;

	if (!bpf_capable())
		return -EPERM;
	if (!ebpf_jit_enabled() || !bpf_jit_supports_arena())
		return -EOPNOTSUPP;
	if (attr->key_size || attr->value_size || !attr->max_entries ||
	    attr->btf_key_type_id || attr->btf_value_type_id ||
	    !(attr->map_flags & BPF_F_MMAPABLE) ||
	    (attr->map_flags & ~ARENA_FLAGS) || !PAGE_ALIGNED(attr->map_extra))
		return -EINVAL;
	if (size > ARENA_WINDOW_SIZE)
		return -E2BIG;
	/* nor behind the end of what a process can map */
	if (range_crosses_4g(attr->map_extra, size) ||
	    attr->map_extra > TASK_SIZE_MAX - size)
		return -ERANGE;
	return 0;
}

static void arena_mapping_init(struct address_space *mapping)
{
	address_space_init_once(mapping);
	mapping->a_ops = &empty_aops;
	mapping_set_gfp_mask(mapping, GFP_HIGHUSER);
}

static struct bpf_map *arena_map_alloc(union bpf_attr *attr)
{
	struct bpf_arena *arena;

	arena = bpf_map_area_alloc(sizeof(*arena), NUMA_NO_NODE);
	if (!arena)
		return ERR_PTR(-ENOMEM);

	arena->kern_vm = get_vm_area(ARENA_WINDOW_SIZE + 2 * ARENA_GUARD_SIZE,
				     VM_SPARSE);
	if (!arena->kern_vm) {
		bpf_map_area_free(arena);
		return ERR_PTR(-ENOMEM);
	}

	bpf_map_init_from_attr(&arena->map, attr);
	mutex_init(&arena->lock);
	mt_init_flags(&arena->used, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&arena->used, &arena->lock);
	arena_mapping_init(&arena->mapping);
	if (attr->map_extra) {
		arena->user_vm_start = attr->map_extra;
		arena->user_vm_end = attr->map_extra + arena_size(arena);
	}
	BTF_TYPE_EMIT_ENUM(__PAGE_SIZE);
	return &arena->map;
}

/* Every VMA and every program held a reference to the map: nobody looks. */
static void arena_map_free(struct bpf_map *map)
{
	struct bpf_arena *arena = map_to_arena(map);

	arena_range_free(arena, 0, map->max_entries - 1);
	mutex_lock(&arena->lock);
	__mt_destroy(&arena->used);
	mutex_unlock(&arena->lock);
	free_vm_area(arena->kern_vm);
	mutex_destroy(&arena->lock);
	bpf_map_area_free(arena);
}

static void *arena_map_lookup_elem(struct bpf_map *map, void *key)
{
	return ERR_PTR(-EINVAL);
}

static int arena_map_update_elem(struct bpf_map *map, void *key, void *value,
				 u64 flags)
{
	return -EOPNOTSUPP;
}

static int arena_map_delete_elem(struct bpf_map *map, void *key)
{
	return -EOPNOTSUPP;
}

static int arena_map_get_next_key(struct bpf_map *map, void *key, void *next_key)
{
	return -EOPNOTSUPP;
}

static int arena_map_push_elem(struct bpf_map *map, void *value, u64 flags)
{
	return -EOPNOTSUPP;
}

static int arena_map_pop_elem(struct bpf_map *map, void *value)
{
	return -EOPNOTSUPP;
}

static int arena_map_direct_value_addr(const struct bpf_map *map, u64 *imm,
				       u32 off)
{
	struct bpf_arena *arena = map_to_arena(map);

	if (off >= arena_size(arena))
		return -ERANGE;
	*imm = bpf_arena_user_vm_start(arena);
	return 0;
}

static int arena_map_direct_value_meta(const struct bpf_map *map, u64 imm,
				       u32 *off)
{
	struct bpf_arena *arena = map_to_arena(map);
	u64 start = bpf_arena_user_vm_start(arena);

	if (!start || imm < start || imm - start >= arena_size(arena))
		return -ENOENT;
	*off = imm - start;
	return 0;
}

BTF_ID_LIST_SINGLE(bpf_arena_map_btf_ids, struct, bpf_arena)

const struct bpf_map_ops arena_map_ops = {
	.map_alloc_check = arena_map_alloc_check,
	.map_alloc = arena_map_alloc,
	.map_free = arena_map_free,
	.map_new_file = arena_map_new_file,
	.map_mmap = arena_map_mmap,
	.map_get_unmapped_area = arena_get_unmapped_area,
	.map_read = arena_map_read,
	.map_llseek = arena_map_llseek,
	.map_mem_usage = arena_map_mem_usage,
	.map_show_fdinfo = arena_map_show_fdinfo,
	.map_direct_value_addr = arena_map_direct_value_addr,
	.map_direct_value_meta = arena_map_direct_value_meta,
	.map_lookup_elem = arena_map_lookup_elem,
	.map_update_elem = arena_map_update_elem,
	.map_delete_elem = arena_map_delete_elem,
	.map_get_next_key = arena_map_get_next_key,
	.map_push_elem = arena_map_push_elem,
	.map_pop_elem = arena_map_pop_elem,
	.map_peek_elem = arena_map_pop_elem,
	.map_btf_id = &bpf_arena_map_btf_ids[0],
};

/* kfuncs */

/*
 * The page that a program's address names, or an error. A full user address and
 * its low half, which is what a program has after a cast, are the same to us.
 */
static int arena_uaddr_parse(const struct bpf_arena *arena, u64 uaddr, u32 cnt,
			     u32 *pgoff)
{
	u64 upper = uaddr >> 32;
	u32 off = (u32)uaddr - (u32)arena->user_vm_start;

	if (!PAGE_ALIGNED(uaddr) ||
	    (upper && upper != arena->user_vm_start >> 32))
		return -EINVAL;
	if (off + ((u64)cnt << PAGE_SHIFT) > arena_size(arena))
		return -EINVAL;
	*pgoff = off >> PAGE_SHIFT;
	return 0;
}

static bool nid_is_usable(int nid)
{
	return nid == NUMA_NO_NODE ||
	       (nid >= 0 && nid < nr_node_ids && node_online(nid));
}

static u64 arena_pages_alloc(struct bpf_arena *arena, u64 uaddr, u32 cnt, int nid)
{
	u32 first = ARENA_ANYWHERE;
	LIST_HEAD(pages);
	int err;

	/* user_vm_start is known: the verifier did not load the program before */
	if (!cnt || cnt > arena->map.max_entries || !nid_is_usable(nid) ||
	    !bpf_arena_user_vm_start(arena))
		return 0;
	if (uaddr && arena_uaddr_parse(arena, uaddr, cnt, &first))
		return 0;
	if (arena_page_list_alloc(arena, cnt, nid, &pages))
		return 0;

	mutex_lock(&arena->lock);
	err = arena_list_insert(arena, &first, cnt, &pages);
	mutex_unlock(&arena->lock);
	if (err) {
		page_list_free(&pages);
		return 0;
	}
	return arena_uaddr(arena, first);
}

static void arena_pages_free(struct bpf_arena *arena, u64 uaddr, u32 cnt)
{
	u64 lo = (u32)arena->user_vm_start, hi = lo + arena_size(arena);
	u64 start = (u32)uaddr & PAGE_MASK;
	u64 end = start + ((u64)cnt << PAGE_SHIFT);

	start = max(start, lo);
	end = min(end, hi);
	if (start < end && bpf_arena_user_vm_start(arena))
		arena_range_free(arena, arena_pgoff(arena, start),
				 arena_pgoff(arena, end - PAGE_SIZE));
}

static int arena_pages_reserve(struct bpf_arena *arena, u64 uaddr, u32 cnt)
{
	u32 first;
	int err;

	if (!bpf_arena_user_vm_start(arena))
		return -EINVAL;
	err = arena_uaddr_parse(arena, uaddr, cnt, &first);
	if (err || !cnt)
		return err;
	guard(mutex)(&arena->lock);
	return arena_range_take(arena, &first, cnt, ARENA_RESERVED);
}

/**
 * bpf_arena_alloc_pages() - allocate zeroed pages of an arena
 * @p__map: the arena, a pointer to its struct bpf_map
 * @addr__ign: user address of the first page, page aligned, or its low 32 bits;
 *	0 = anywhere
 * @page_cnt: number of pages
 * @node_id: NUMA node, -1 (NUMA_NO_NODE) = any
 * @flags: must be 0
 *
 * The pages are consecutive, zeroed, mapped in the kernel window, and appear in
 * user mappings when they are touched. They are charged to the memory cgroup of
 * the map's creator. Memory is reclaimed if need be.
 *
 * Context: program that may sleep.
 * Return: user address of the first page, to the verifier a scalar. NULL if the
 * map is no arena, if @page_cnt is 0, if the range is not inside the arena or
 * not free, if @node_id is no online node, if @flags is not 0, and if there is
 * no memory; then nothing has been allocated.
 */
void *bpf_arena_alloc_pages(void *p__map, void *addr__ign, u32 page_cnt,
			    int node_id, u64 flags)
{
	struct bpf_map *map = p__map;

	if (map->map_type != BPF_MAP_TYPE_ARENA || flags)
		return NULL;
	return (void *)(unsigned long)
		arena_pages_alloc(map_to_arena(map), (u64)addr__ign, page_cnt,
				  node_id);
}

/**
 * bpf_arena_free_pages() - free pages of an arena
 * @p__map: the arena, a pointer to its struct bpf_map
 * @ptr__ign: address of the first page; only the low 32 bits count, rounded
 *	down to the page
 * @page_cnt: number of pages
 *
 * What lies outside of the arena, and pages that are not there, are ignored.
 * Reservations in the range end.
 * When the call returns the pages are gone from the kernel window and from
 * every process, and their addresses can be allocated again.
 *
 * Context: program that may sleep.
 */
void bpf_arena_free_pages(void *p__map, void *ptr__ign, u32 page_cnt)
{
	struct bpf_map *map = p__map;

	if (map->map_type == BPF_MAP_TYPE_ARENA)
		arena_pages_free(map_to_arena(map), (u64)ptr__ign, page_cnt);
}

/**
 * bpf_arena_reserve_pages() - keep addresses of an arena from being allocated
 * @p__map: the arena, a pointer to its struct bpf_map
 * @ptr__ign: user address of the first page, page aligned, or its low 32 bits
 * @page_cnt: number of pages
 *
 * No page is there before bpf_arena_free_pages() has undone the reservation: a
 * program's load gives 0, and a user touch SIGSEGV whatever the map's flags.
 *
 * Context: program that may sleep.
 * Return: 0; -EINVAL if the map is no arena or the range is not inside it or
 * not aligned; -EBUSY if any of the addresses is in use; -ENOMEM.
 */
int bpf_arena_reserve_pages(void *p__map, void *ptr__ign, u32 page_cnt)
{
	struct bpf_map *map = p__map;

	if (map->map_type != BPF_MAP_TYPE_ARENA)
		return -EINVAL;
	return arena_pages_reserve(map_to_arena(map), (u64)ptr__ign, page_cnt);
}

BTF_SET8_START(arena_kfuncs)
BTF_ID_FLAGS(func, bpf_arena_alloc_pages, KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_arena_free_pages, KF_SLEEPABLE)
BTF_ID_FLAGS(func, bpf_arena_reserve_pages, KF_SLEEPABLE)
BTF_SET8_END(arena_kfuncs)

static const struct btf_kfunc_id_set arena_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &arena_kfuncs,
};

static int __init arena_kfunc_init(void)
{
	/* 6.1 has two kfunc hooks whose programs may sleep; LSM shares TRACING's */
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &arena_kfunc_set) ?:
	       register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &arena_kfunc_set);
}
late_initcall(arena_kfunc_init);
