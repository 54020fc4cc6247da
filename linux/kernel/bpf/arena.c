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
 *  - A user PTE is only installed for a page that is in the window, under the lock of
 *    its chunk. arena_reap.c takes pages away, and waits for whoever has that lock: no
 *    process and no CPU is left with a translation when an address is free again.
 *  - user_vm_start goes from 0 to its value once and never changes.
 *
 * User mappings live in an address_space of the arena's own, so that "zap all
 * user PTEs" is unmap_mapping_range() and dying processes need no care here.
 *
 * Locking. mmap_lock -> arena->settle -> chunk->lock -> i_mmap_rwsem, page table locks.
 * Memory for pages and chunks is allocated without any of the arena's. Page tables are
 * allocated under arena->lock; it comes after an mmap_lock that is held for read, as in a
 * fault, and never after one for write, which would keep the OOM killer from its victim.
 * Programs that may not sleep take no lock at all: see arena_claim.c.
 */
#include <linux/bpf.h>
#include <linux/bpf_arena.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cleanup.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include "arena.h"
#include "arena_helpers.h"

/*
 * An instruction reaches from -32768 to 32767 + 7 bytes around its pointer: the
 * offset is a s16, the largest access 8 bytes.
 */
#define ARENA_GUARD_SIZE	round_up(S16_MAX + sizeof(u64), PAGE_SIZE)

/* The same for helpers: from a pointer on, as far as ARENA_MEM_MAX */
static_assert(ARENA_MEM_MAX <= ARENA_GUARD_SIZE);

#define ARENA_FLAGS		(BPF_F_MMAPABLE | BPF_F_SEGV_ON_FAULT | \
				 BPF_F_NO_USER_CONV)

/* Programs learn the size of a page from the kernel's BTF */
enum page_size_enum {
	__PAGE_SIZE = PAGE_SIZE
};

/* Address space of the kernel that an arena takes, whatever its size */
#define ARENA_SPACE		(ARENA_WINDOW_SIZE + 2 * ARENA_GUARD_SIZE + ARENA_ALIGN)

/* All arenas together take at most half of what vmalloc has. */
#define ARENA_MAX		(VMALLOC_TOTAL / 2 / ARENA_SPACE)

static atomic_long_t arena_count;

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
	return arena->kern_vm_start;
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

static bool range_crosses_4g(u64 start, u64 len)
{
	return start >> 32 != (start + len - 1) >> 32;
}

/* The inverse of arena_uaddr() for an address inside the arena */
static u32 arena_wpn(u64 uaddr)
{
	return (u32)uaddr >> PAGE_SHIFT;
}

static u64 arena_uaddr(const struct bpf_arena *arena, u32 wpn)
{
	return arena->user_vm_start + ((u64)(wpn - arena_first(arena)) << PAGE_SHIFT);
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

/* Called with the chunk's lock. *spare becomes NULL if it is used. */
static int arena_vma_insert(struct bpf_arena *arena, struct arena_chunk *chunk,
			    struct vm_fault *vmf, struct page **spare)
{
	u32 wpn = arena_wpn(vmf->address);
	struct page *page = chunk_page(chunk, wpn % ARENA_CHUNK_PAGES);
	int err;

	if (!page) {
		/* -EAGAIN: it was there a moment ago */
		err = *spare ? arena_page_insert(arena, wpn, spare) : -EAGAIN;
		if (err)
			return err;
		page = chunk->pages[wpn % ARENA_CHUNK_PAGES];
	}
	err = vm_insert_page(vmf->vma, vmf->address & PAGE_MASK, page);
	/* -EBUSY: another thread of the process was faster */
	return err == -EBUSY ? 0 : err;
}

/* The touched page is there, or was when somebody looked, or *spare is to be it. */
static vm_fault_t arena_vma_touch(struct bpf_arena *arena, struct vm_fault *vmf,
				  struct page **spare)
{
	struct arena_chunk *chunk = arena_chunk(arena, arena_wpn(vmf->address));
	int err;

	mutex_lock(&chunk->lock);
	err = arena_vma_insert(arena, chunk, vmf, spare);
	mutex_unlock(&chunk->lock);
	switch (err) {
	case 0:
		return VM_FAULT_NOPAGE;
	case -EBUSY:	/* reserved */
		return VM_FAULT_SIGSEGV;
	case -EAGAIN:	/* somebody is about to free it, or to allocate it: fault again */
		arena_reap_page(arena, arena_wpn(vmf->address));
		/* a fault of the kernel itself looks for no signal */
		return fatal_signal_pending(current) ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
	default:
		return VM_FAULT_SIGBUS;
	}
}

/*
 * Reclaim has found nothing, nor the OOM killer a victim. A cgroup of version 1
 * may want its OOM handled by user space, for which the fault has to wait as any
 * other does; a task that dies retries, to die. For anybody else to retry would be
 * to spin, since the cgroup that is charged need not be that of the task.
 */
static vm_fault_t arena_vma_nomem(void)
{
	return task_in_memcg_oom(current) || fatal_signal_pending(current) ?
	       VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

static vm_fault_t arena_vma_fault(struct vm_fault *vmf)
{
	struct bpf_map *map = vmf->vma->vm_file->private_data;
	struct bpf_arena *arena = map_to_arena(map);
	u32 wpn = arena_wpn(vmf->address);
	struct arena_chunk *chunk = arena_chunk(arena, wpn);
	struct page *spare = NULL;
	vm_fault_t ret;

	/* so that vm_insert_page() finds it and the lock is held for less */
	if (pte_alloc(vmf->vma->vm_mm, vmf->pmd))
		return VM_FAULT_OOM;
	if (chunk && chunk_page(chunk, wpn % ARENA_CHUNK_PAGES))
		return arena_vma_touch(arena, vmf, &spare);

	if (map->map_flags & BPF_F_SEGV_ON_FAULT)
		return VM_FAULT_SIGSEGV;
	if (!arena_may_grow())
		return VM_FAULT_SIGBUS;
	if (chunk && chunk_is_reserved(chunk, wpn % ARENA_CHUNK_PAGES))
		return VM_FAULT_SIGSEGV;
	if (chunk && arena_page_revive(arena, wpn))
		return arena_vma_touch(arena, vmf, &spare);
	spare = arena_page_alloc(arena, ARENA_GFP_TOUCH);
	if (!spare ||
	    (!chunk && arena_chunk_make(arena, wpn / ARENA_CHUNK_PAGES, ARENA_GFP_TOUCH))) {
		arena_note_failure(arena, -ENOMEM);
		ret = arena_vma_nomem();
	} else {
		ret = arena_vma_touch(arena, vmf, &spare);
	}
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

/*
 * Picks len bytes, at the hint if possible, that cross no 4 GiB line. Chunks are cut as
 * little as can be: an arena that fits into one is in one, a larger one begins with one,
 * and runs of 2^n pages fill either. Nor does it begin on a line, where it would have a
 * page at NULL, unless it is too large for anything else.
 */
static unsigned long arena_area_pick(struct file *filp, unsigned long hint,
				     unsigned long len, unsigned long flags)
{
	unsigned long align = min(roundup_pow_of_two(len), PMD_SIZE), addr;

	if (hint) {
		addr = current->mm->get_unmapped_area(filp, hint, len, 0, flags);
		if (addr == hint && !range_crosses_4g(addr, len))
			return addr;
	}
	addr = current->mm->get_unmapped_area(filp, 0, len + align, 0, flags);
	if (IS_ERR_VALUE(addr))
		return addr;
	addr = round_up(addr, align);
	if (!range_crosses_4g(addr, len) && (u32)addr)
		return addr;

	/* There is room behind a line that is inside of len, or where that begins. */
	addr = current->mm->get_unmapped_area(filp, 0, 2 * (len + align), 0, flags);
	if (IS_ERR_VALUE(addr))
		return addr;
	addr = round_up(addr, align);
	if (range_crosses_4g(addr, len))
		addr = round_up(addr, SZ_4G);
	return (u32)addr || len + align > SZ_4G ? addr : addr + align;
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
	/* at 0 nothing may be: user_vm_start 0 says that nothing is known yet */
	if (flags & MAP_FIXED)
		return !addr || range_crosses_4g(addr, len) ? -EINVAL : addr;
	if (!start)
		return arena_area_pick(filp, addr, len, flags);

	found = current->mm->get_unmapped_area(filp, start, len, 0, flags);
	if (IS_ERR_VALUE(found))
		return found;
	return found == start ? found : -EBUSY;
}

/* Nothing is allocated under it: mmap() has its mmap_lock. */
static DEFINE_MUTEX(arena_range_lock);

/* The first mapping decides where all are. */
static int arena_user_range_set(struct bpf_arena *arena, u64 start, u64 end)
{
	guard(mutex)(&arena_range_lock);
	if (arena_should_fail(ARENA_FAIL_RANGE))
		return -EBUSY;
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

	if (vma->vm_pgoff || !vma->vm_start || range_crosses_4g(vma->vm_start, len))
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
	u32 wpn = arena_first(arena) + (pos >> PAGE_SHIFT);
	struct arena_chunk *chunk = arena_chunk(arena, wpn);
	struct page *page = NULL;
	int left;

	if (chunk) {
		mutex_lock(&chunk->lock);
		page = chunk_page(chunk, wpn % ARENA_CHUNK_PAGES);
		if (page)
			get_page(page);
		mutex_unlock(&chunk->lock);
	}
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

static loff_t arena_map_llseek(struct bpf_map *map, struct file *filp,
			       loff_t off, int whence)
{
	struct bpf_arena *arena = map_to_arena(map);
	u64 size = arena_size(arena), pos;
	u32 first = arena_first(arena), wpn;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return fixed_size_llseek(filp, off, whence, size);
	if (off < 0 || off >= size)
		return -ENXIO;

	wpn = arena_page_seek(arena, first + (off >> PAGE_SHIFT), whence == SEEK_DATA);
	if (whence == SEEK_DATA && wpn == arena_end(arena))
		return -ENXIO;
	pos = max_t(u64, off, (u64)(wpn - first) << PAGE_SHIFT);
	return vfs_setpos(filp, pos, size);
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

/* An empty arena costs next to no memory, and what vmalloc has is needed by others. */
static struct vm_struct *arena_space_get(void)
{
	struct vm_struct *vm = NULL;

	if (atomic_long_inc_return(&arena_count) <= ARENA_MAX)
		vm = get_vm_area(ARENA_SPACE, VM_SPARSE);
	if (!vm)
		atomic_long_dec(&arena_count);
	return vm;
}

static void arena_space_put(struct vm_struct *vm)
{
	free_vm_area(vm);
	atomic_long_dec(&arena_count);
}

static struct bpf_map *arena_map_alloc(union bpf_attr *attr)
{
	struct bpf_arena *arena;

	arena = bpf_map_area_alloc(sizeof(*arena), NUMA_NO_NODE);
	if (!arena)
		return ERR_PTR(-ENOMEM);

	arena->kern_vm = arena_space_get();
	if (!arena->kern_vm) {
		bpf_map_area_free(arena);
		return ERR_PTR(-ENOMEM);
	}

	bpf_map_init_from_attr(&arena->map, attr);
	arena->kern_vm_start = round_up((unsigned long)arena->kern_vm->addr +
					ARENA_GUARD_SIZE, ARENA_ALIGN);
	arena_memcg_get(arena);
	arena_pages_init(arena);
	arena_mapping_init(&arena->mapping);
	if (attr->map_extra) {
		arena->user_vm_start = attr->map_extra;
		arena->user_vm_end = attr->map_extra + arena_size(arena);
	}
	BTF_TYPE_EMIT_ENUM(__PAGE_SIZE);
	return &arena->map;
}

static void arena_map_free(struct bpf_map *map)
{
	struct bpf_arena *arena = map_to_arena(map);

	arena_pages_exit(arena);
	arena_memcg_put(arena);
	arena_space_put(arena->kern_vm);
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
	.map_btf_id = &bpf_arena_map_btf_ids[0],
};

/* kfuncs */

/*
 * The page that a program's address names, or an error. A full user address and
 * its low half, which is what a program has after a cast, are the same to us.
 */
static int arena_uaddr_parse(const struct bpf_arena *arena, u64 uaddr, u32 cnt,
			     u32 *wpn)
{
	u64 upper = uaddr >> 32;
	u32 off = (u32)uaddr - (u32)arena->user_vm_start;

	if (!PAGE_ALIGNED(uaddr) ||
	    (upper && upper != arena->user_vm_start >> 32))
		return -EINVAL;
	if (off + ((u64)cnt << PAGE_SHIFT) > arena_size(arena))
		return -EINVAL;
	*wpn = arena_wpn(uaddr);
	return 0;
}

static bool nid_is_usable(int nid)
{
	return nid == NUMA_NO_NODE ||
	       (nid >= 0 && nid < nr_node_ids && node_online(nid));
}

/* The first page, or an error: one of those that arena_note_failure() knows */
static int arena_kfunc_pages(struct bpf_arena *arena, u64 uaddr, u32 cnt, int nid,
			     u64 flags, bool may_sleep)
{
	u32 wpn = ARENA_NOWHERE;

	if (flags || !cnt || cnt > arena->map.max_entries || !nid_is_usable(nid))
		return -EINVAL;
	if (uaddr && arena_uaddr_parse(arena, uaddr, cnt, &wpn))
		return -EINVAL;
	return may_sleep ? arena_pages_alloc(arena, wpn, cnt, nid) :
			   arena_pages_alloc_nosleep(arena, wpn, cnt);
}

static u64 arena_kfunc_alloc(struct bpf_map *map, u64 uaddr, u32 cnt, int nid,
			     u64 flags, bool may_sleep)
{
	struct bpf_arena *arena = map_to_arena(map);
	int wpn;

	/* user_vm_start is known: the verifier did not load the program before */
	if (map->map_type != BPF_MAP_TYPE_ARENA || !bpf_arena_user_vm_start(arena))
		return 0;
	wpn = arena_kfunc_pages(arena, uaddr, cnt, nid, flags, may_sleep);
	if (wpn >= 0)
		return arena_uaddr(arena, wpn);
	arena_note_failure(arena, wpn);
	return 0;
}

static void arena_kfunc_free(struct bpf_map *map, u64 uaddr, u32 cnt, bool may_sleep)
{
	struct bpf_arena *arena = map_to_arena(map);
	u64 start = arena_wpn(uaddr), end = start + cnt;

	if (map->map_type != BPF_MAP_TYPE_ARENA || !bpf_arena_user_vm_start(arena))
		return;
	if (!uaddr)
		return;	/* NULL, and not the page whose low half is 0 */
	start = max_t(u64, start, arena_first(arena));
	end = min_t(u64, end, arena_end(arena));
	if (start >= end)
		return;
	if (may_sleep)
		arena_pages_free(arena, start, end - start);
	else
		arena_pages_free_nosleep(arena, start, end - start);
}

static int arena_kfunc_reserve(struct bpf_map *map, u64 uaddr, u32 cnt, bool may_sleep)
{
	struct bpf_arena *arena = map_to_arena(map);
	u32 wpn;
	int err;

	if (map->map_type != BPF_MAP_TYPE_ARENA || !bpf_arena_user_vm_start(arena))
		return -EINVAL;
	err = arena_uaddr_parse(arena, uaddr, cnt, &wpn);
	if (err || !cnt)
		return err;
	return may_sleep ? arena_pages_reserve(arena, wpn, cnt) :
			   arena_pages_reserve_nosleep(arena, wpn, cnt);
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
 * the map's creator. The page whose address has the low 32 bits 0 is not chosen
 * before all others are in use.
 *
 * Context: any, NMI included. Where the program may sleep memory is reclaimed if
 * need be. Anywhere else up to ARENA_NOSLEEP_PAGES (32) pages come from a pool,
 * at once, of any node.
 * Return: user address of the first page, to the verifier a scalar. NULL if the
 * map is no arena, if @page_cnt is 0, if the range is not inside the arena or
 * not free, if @node_id is no online node, if @flags is not 0, and if there is
 * no memory; then nothing has been allocated. Where the program may not sleep
 * also if the pool is empty, or if @addr__ign is in a part of the arena that has
 * not been used so far; both are mended soon after the call.
 */
void *bpf_arena_alloc_pages(void *p__map, void *addr__ign, u32 page_cnt,
			    int node_id, u64 flags)
{
	return (void *)(unsigned long)
		arena_kfunc_alloc(p__map, (u64)addr__ign, page_cnt, node_id,
				  flags, false);
}

/**
 * bpf_arena_free_pages() - free pages of an arena
 * @p__map: the arena, a pointer to its struct bpf_map
 * @ptr__ign: address of the first page; only the low 32 bits count, rounded
 *	down to the page
 * @page_cnt: number of pages
 *
 * What lies outside of the arena, and pages that are not there, are ignored.
 * Reservations in the range end. NULL, all 64 bits of it, frees nothing.
 * Where the program may sleep the pages are gone from the kernel window and from
 * every process when the call returns, and their addresses can be allocated
 * again. Anywhere else that happens soon after; up to ARENA_NOSLEEP_PAGES (32)
 * pages are gone for programs on this CPU at once.
 *
 * Context: any, NMI included.
 */
void bpf_arena_free_pages(void *p__map, void *ptr__ign, u32 page_cnt)
{
	arena_kfunc_free(p__map, (u64)ptr__ign, page_cnt, false);
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
 * Context: any, NMI included.
 * Return: 0; -EINVAL if the map is no arena or the range is not inside it or
 * not aligned; -EBUSY if any of the addresses is in use; -ENOMEM, where the
 * program may not sleep also for a part of the arena that has not been used so
 * far: it can be soon after the call; -EINTR, where the program may sleep, if the
 * task is about to die.
 */
int bpf_arena_reserve_pages(void *p__map, void *ptr__ign, u32 page_cnt)
{
	return arena_kfunc_reserve(p__map, (u64)ptr__ign, page_cnt, false);
}

/*
 * The same for callers that may sleep. The verifier knows which can: a call of
 * the kfunc becomes a call of one of these.
 */
void *bpf_arena_alloc_pages_sleepable(void *p__map, void *addr__ign, u32 page_cnt,
				      int node_id, u64 flags)
{
	return (void *)(unsigned long)
		arena_kfunc_alloc(p__map, (u64)addr__ign, page_cnt, node_id,
				  flags, true);
}

void bpf_arena_free_pages_sleepable(void *p__map, void *ptr__ign, u32 page_cnt)
{
	arena_kfunc_free(p__map, (u64)ptr__ign, page_cnt, true);
}

int bpf_arena_reserve_pages_sleepable(void *p__map, void *ptr__ign, u32 page_cnt)
{
	return arena_kfunc_reserve(p__map, (u64)ptr__ign, page_cnt, true);
}

BTF_SET8_START(arena_kfuncs)
BTF_ID_FLAGS(func, bpf_arena_alloc_pages, KF_ANY_CONTEXT)
BTF_ID_FLAGS(func, bpf_arena_free_pages, KF_ANY_CONTEXT)
BTF_ID_FLAGS(func, bpf_arena_reserve_pages, KF_ANY_CONTEXT)
BTF_SET8_END(arena_kfuncs)

static const struct btf_kfunc_id_set arena_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &arena_kfuncs,
};

static int __init arena_kfunc_init(void)
{
	/* programs of every type */
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &arena_kfunc_set);
}
late_initcall(arena_kfunc_init);
