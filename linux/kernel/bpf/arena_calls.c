// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF arena: variants of helpers, for arguments in an arena
 *
 * An address of arena memory is in the kernel window or its guard. Whatever is there may
 * be absent, and may go while the helper works with it; processes may change it at any
 * time. So this file touches it with bpf_arena_copy() alone:
 *
 *	to an arena	directly from what the helper reads if a fault there is
 *			told from one in the arena, else over the stack, mostly piece
 *			by piece
 *	from an arena	directly to a ring buffer or a packet; all else, map keys say,
 *			is copied to the stack once, and the helper gets that copy
 *
 * A fault in the arena ends the call with -EFAULT, or NULL if it returns a pointer, and
 * is counted and reported as that of a load or store: see arena_stats.c. It belongs
 * to the program that the call returns to. What was copied up to the byte that
 * faulted stays. A helper that fails for another reason returns that error, and does what
 * it does to other memory: some clear it.
 *
 * Invariants:
 *  - Nothing but what the helper has written gets to an arena, which processes read: no
 *    uninitialised bytes of the stack do.
 *  - Stack traces that begin at the caller begin at the program, as those of the helper do.
 *    Samples of packets are the exception: bpf_event_output() fetches registers itself, and
 *    what a perf event records of the stack then has two frames of this file.
 */
#include <linux/bpf.h>
#include <linux/bpf_arena.h>
#include <linux/filter.h>
#include <linux/instruction_pointer.h>
#include <linux/kmsan-checks.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <net/xdp.h>
#include <asm/word-at-a-time.h>

#include "arena_helpers.h"

/* A variant. Its caller tells whose fault it is: a kretprobe would hide that. */
#define VARIANT(x, name, ...)							\
	bpf_helper_t bpf_arena_##name;						\
	NOKPROBE_SYMBOL(bpf_arena_##name);					\
	BPF_CALL_##x(bpf_arena_##name, __VA_ARGS__)

/* At once over the stack */
#define PIECE	256

/* Architectures whose JIT knows no arenas get here never. */
u32 __weak bpf_arena_copy(void *dst, const void *src, u32 len)
{
	return len;
}

/* ip: where the call returns to, in a program */
static int arena_fault(unsigned long ip, const void *kaddr, enum bpf_arena_access access)
{
	bpf_arena_fault_in_call(ip, (unsigned long)kaddr, access);
	return -EFAULT;
}

static int to_arena(unsigned long ip, void *kaddr, const void *src, u32 len)
{
	u32 left = bpf_arena_copy(kaddr, src, len);

	return left ? arena_fault(ip, kaddr + len - left, BPF_ARENA_WRITE) : 0;
}

/* KMSAN does not see what is copied. Nothing is known of the arena's bytes, and all count. */
static u32 copy_in(void *dst, const void *src, u32 len)
{
	u32 left = bpf_arena_copy(dst, src, len);

	kmsan_unpoison_memory(dst, len - left);
	return left;
}

static int from_arena(unsigned long ip, void *dst, const void *kaddr, u32 len)
{
	u32 left = copy_in(dst, kaddr, len);

	return left ? arena_fault(ip, kaddr + len - left, BPF_ARENA_READ) : 0;
}

/*
 * The verifier knows that it fits. Per-CPU maps copy values in words, the last one with
 * what lies behind the value.
 */
static int snapshot(unsigned long ip, u64 *buf, u32 room, const void *kaddr, u32 len)
{
	if (WARN_ON_ONCE(len > room))
		return -E2BIG;
	if (len % sizeof(u64))
		buf[len / sizeof(u64)] = 0;
	return from_arena(ip, buf, kaddr, len);
}

/* A helper has failed, and clears the memory that it was given: its error is what counts. */
static int fail_and_clear(unsigned long ip, void *kaddr, u32 len, int err)
{
	u32 done, piece;

	for (done = 0; done < len; done += piece) {
		piece = min_t(u32, len - done, PAGE_SIZE);
		if (to_arena(ip, kaddr + done, page_address(ZERO_PAGE(0)), piece))
			break;
	}
	return err;
}

VARIANT(3, copy_from_user, void *, kaddr, u32, size, const void __user *, src)
{
	u32 done, piece;
	u8 buf[PIECE];
	int err;

	for (done = 0; done < size; done += piece) {
		piece = min_t(u32, size - done, PIECE);
		if (copy_from_user(buf, src + done, piece))
			return fail_and_clear(_RET_IP_, kaddr, size, -EFAULT);
		err = to_arena(_RET_IP_, kaddr + done, buf, piece);
		if (err)
			return err;
	}
	return 0;
}

VARIANT(2, get_current_comm, char *, kaddr, u32, size)
{
	char comm[TASK_COMM_LEN];

	strscpy(comm, current->comm, min_t(u32, size, sizeof(comm)));
	return to_arena(_RET_IP_, kaddr, comm, strlen(comm) + 1);
}

/* What lies behind the end of the string may be absent. */
VARIANT(3, strncmp, const char *, kaddr, u32, size, const char *, s2)
{
	u32 done, piece, got;
	char buf[PIECE];
	int diff;

	for (done = 0; done < size; done += got) {
		piece = min_t(u32, size - done, PIECE);
		got = piece - copy_in(buf, kaddr + done, piece);
		diff = strncmp(buf, s2 + done, got);
		if (diff)	/* not what would look like an error */
			return diff < 0 ? -1 : 1;
		if (memchr(buf, 0, got))
			return 0;
		if (got < piece)
			return arena_fault(_RET_IP_, kaddr + done + got, BPF_ARENA_READ);
	}
	return 0;
}

VARIANT(4, ringbuf_output, struct bpf_map *, map, const void *, kaddr, u64, size,
	u64, flags)
{
	void *rec;
	int err;

	if (unlikely(flags & ~(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP)))
		return -EINVAL;
	rec = (void *)(unsigned long)bpf_ringbuf_reserve((unsigned long)map, size, 0, 0, 0);
	if (!rec)
		return -EAGAIN;
	err = from_arena(_RET_IP_, rec, kaddr, size);
	if (err)
		bpf_ringbuf_discard((unsigned long)rec, flags, 0, 0, 0);
	else
		bpf_ringbuf_submit((unsigned long)rec, flags, 0, 0, 0);
	return err;
}

/* Maps: keys and values are at most ARENA_SNAPSHOT_MAX bytes */

VARIANT(2, map_lookup_elem, struct bpf_map *, map, const void *, kaddr)
{
	u64 key[ARENA_SNAPSHOT_MAX / sizeof(u64)];

	if (snapshot(_RET_IP_, key, sizeof(key), kaddr, map->key_size))
		return 0;
	return bpf_map_lookup_elem((unsigned long)map, (unsigned long)key, 0, 0, 0);
}

VARIANT(4, map_update_key, struct bpf_map *, map, const void *, kaddr, void *, value,
	u64, flags)
{
	u64 key[ARENA_SNAPSHOT_MAX / sizeof(u64)];
	int err;

	err = snapshot(_RET_IP_, key, sizeof(key), kaddr, map->key_size);
	return err ?: bpf_map_update_elem((unsigned long)map, (unsigned long)key,
					  (unsigned long)value, flags, 0);
}

VARIANT(4, map_update_value, struct bpf_map *, map, void *, key, const void *, kaddr,
	u64, flags)
{
	u64 val[ARENA_SNAPSHOT_MAX / sizeof(u64)];
	int err;

	err = snapshot(_RET_IP_, val, sizeof(val), kaddr, map->value_size);
	return err ?: bpf_map_update_elem((unsigned long)map, (unsigned long)key,
					  (unsigned long)val, flags, 0);
}

/* Both are at most ARENA_SNAPSHOT_MAX bytes together. */
VARIANT(4, map_update_both, struct bpf_map *, map, const void *, key_kaddr,
	const void *, val_kaddr, u64, flags)
{
	u64 key[ARENA_SNAPSHOT_MAX / sizeof(u64) + 1];
	u32 words = DIV_ROUND_UP(map->key_size, sizeof(u64));
	int err;

	err = snapshot(_RET_IP_, key, sizeof(key), key_kaddr, map->key_size);
	err = err ?: snapshot(_RET_IP_, key + words, sizeof(key) - words * sizeof(u64),
			      val_kaddr, map->value_size);
	return err ?: bpf_map_update_elem((unsigned long)map, (unsigned long)key,
					  (unsigned long)(key + words), flags, 0);
}

VARIANT(2, map_delete_elem, struct bpf_map *, map, const void *, kaddr)
{
	u64 key[ARENA_SNAPSHOT_MAX / sizeof(u64)];
	int err;

	err = snapshot(_RET_IP_, key, sizeof(key), kaddr, map->key_size);
	return err ?: bpf_map_delete_elem((unsigned long)map, (unsigned long)key, 0, 0, 0);
}

VARIANT(3, map_push_elem, struct bpf_map *, map, const void *, kaddr, u64, flags)
{
	u64 val[ARENA_SNAPSHOT_MAX / sizeof(u64)];
	int err;

	err = snapshot(_RET_IP_, val, sizeof(val), kaddr, map->value_size);
	return err ?: bpf_map_push_elem((unsigned long)map, (unsigned long)val, flags, 0, 0);
}

VARIANT(3, map_lookup_percpu_elem, struct bpf_map *, map, const void *, kaddr,
	u32, cpu)
{
	u64 key[ARENA_SNAPSHOT_MAX / sizeof(u64)];

	if (snapshot(_RET_IP_, key, sizeof(key), kaddr, map->key_size))
		return 0;
	return bpf_map_lookup_percpu_elem((unsigned long)map, (unsigned long)key, cpu, 0, 0);
}

/* Arguments in an arena are refused: a process would choose the address that %s reads. */
VARIANT(5, snprintf, char *, kaddr, u32, size, const char *, fmt, const void *, args,
	u32, args_len)
{
	char str[ARENA_SNAPSHOT_MAX];
	int len;

	if (size > sizeof(str))
		return -EINVAL;
	len = bpf_snprintf((unsigned long)str, size, (unsigned long)fmt, (unsigned long)args,
			   args_len);
	if (len <= 0)
		return len;
	return to_arena(_RET_IP_, kaddr, str, min_t(u32, len, size)) ?: len;
}

#ifdef CONFIG_PERF_EVENTS
/* A trace is followed by 0, and an error leaves nothing else. */
static noinline int get_stack(unsigned long ip, bpf_helper_t *get, void *ctx, void *kaddr,
			      u32 size, u64 flags)
{
	u64 buf[ARENA_SNAPSHOT_MAX / sizeof(u64)] = {};
	int len, err;

	if (size > sizeof(buf))
		return -EINVAL;
	len = get((unsigned long)ctx, (unsigned long)buf, size, flags, 0);
	err = to_arena(ip, kaddr, buf, size);
	return len < 0 ? len : err ?: len;
}

#define GET_STACK(name)							\
	VARIANT(4, name, void *, ctx, void *, kaddr, u32, size, u64, flags)

GET_STACK(get_stack)
{
	return get_stack(_RET_IP_, bpf_get_stack, ctx, kaddr, size, flags);
}

GET_STACK(get_stack_pe)
{
	return get_stack(_RET_IP_, bpf_get_stack_pe, ctx, kaddr, size, flags);
}

#ifdef CONFIG_BPF_EVENTS
GET_STACK(get_stack_tp)
{
	return get_stack(_RET_IP_, bpf_get_stack_tp, ctx, kaddr, size, flags);
}

/*
 * The trace begins at the caller of whoever fetches the registers. They are one of three
 * of the CPU's, and given back before the arena is touched, which may take long.
 */
GET_STACK(get_stack_raw_tp)
{
	u64 buf[ARENA_SNAPSHOT_MAX / sizeof(u64)] = {};
	struct pt_regs *regs;
	int len, err;

	if (size > sizeof(buf))
		return -EINVAL;
	regs = get_bpf_raw_tp_regs();
	if (IS_ERR(regs))
		return PTR_ERR(regs);
	perf_fetch_caller_regs(regs);
	len = bpf_get_stack((unsigned long)regs, (unsigned long)buf, size, flags, 0);
	put_bpf_raw_tp_regs();
	err = to_arena(_RET_IP_, kaddr, buf, size);
	return len < 0 ? len : err ?: len;
}
#endif
#endif

#ifdef CONFIG_BPF_EVENTS
VARIANT(3, d_path, struct path *, path, char *, kaddr, u32, size)
{
	char buf[ARENA_SNAPSHOT_MAX];
	int len;

	if (size > sizeof(buf))
		return -EINVAL;
	len = bpf_d_path((unsigned long)path, (unsigned long)buf, size, 0, 0);
	if (len <= 0)
		return len;
	return to_arena(_RET_IP_, kaddr, buf, len) ?: len;
}

/* copy_from_kernel_nofault() in one pass: both sides may fault */
VARIANT(3, probe_read_kernel, void *, kaddr, u32, size, const void *, src)
{
	u32 left;
	int err;
	u8 byte;

	if (!copy_from_kernel_nofault_allowed(src, size))
		return fail_and_clear(_RET_IP_, kaddr, size, -ERANGE);
	left = bpf_arena_copy(kaddr, src, size);
	if (!left)
		return 0;
	err = copy_from_kernel_nofault(&byte, src + size - left, 1);
	if (err)
		return fail_and_clear(_RET_IP_, kaddr, size, err);
	return arena_fault(_RET_IP_, kaddr + size - left, BPF_ARENA_WRITE);
}

VARIANT(3, probe_read_user, void *, kaddr, u32, size, const void __user *, src)
{
	u32 done, piece;
	u8 buf[PIECE];
	int err;

	for (done = 0; done < size; done += piece) {
		piece = min_t(u32, size - done, PIECE);
		err = copy_from_user_nofault(buf, src + done, piece);
		if (err)
			return fail_and_clear(_RET_IP_, kaddr, size, err);
		err = to_arena(_RET_IP_, kaddr + done, buf, piece);
		if (err)
			return err;
	}
	return 0;
}

/* Length of a string with its end, 0 if that is not in the first len bytes */
static u32 str_bytes(const unsigned long *buf, u32 len)
{
	const struct word_at_a_time constants = WORD_AT_A_TIME_CONSTANTS;
	unsigned long zeros;
	u32 at, bytes;

	for (at = 0; at < len; at += sizeof(long)) {
		unsigned long word = buf[at / sizeof(long)];

		if (!has_zero(word, &zeros, &constants))
			continue;
		zeros = create_zero_mask(prep_zero_mask(word, zeros, &constants));
		bytes = at + find_zero(zeros) + 1;
		return bytes <= len ? bytes : 0;
	}
	return 0;
}

/*
 * strncpy_from_kernel_nofault() by words, which is ten times as fast. What lies behind the
 * end of the string is read as well, but for other pages: there may be anything.
 */
VARIANT(3, probe_read_kernel_str, char *, kaddr, u32, size, const char *, src)
{
	unsigned long buf[PIECE / sizeof(long)];
	u32 done, piece, got, len;

	for (done = 0; done < size; done += piece) {
		piece = min_t(u32, size - done, PIECE);
		piece = min_t(u32, piece, PAGE_SIZE - offset_in_page(src + done));
		if (!copy_from_kernel_nofault_allowed(src + done, piece))
			return fail_and_clear(_RET_IP_, kaddr, size, -ERANGE);
		got = piece - copy_in(buf, src + done, piece);
		len = str_bytes(buf, got);
		if (!len && got < piece)
			return fail_and_clear(_RET_IP_, kaddr, size, -EFAULT);
		if (!len && done + piece == size)
			((char *)buf)[piece - 1] = 0;
		if (to_arena(_RET_IP_, kaddr + done, buf, len ?: piece))
			return -EFAULT;
		if (len)
			return done + len;
	}
	return done;
}

/*
 * Piece by piece: each is one byte longer than what is taken from it, or its last byte,
 * which is always 0, would not tell whether the string ends there.
 */
VARIANT(3, probe_read_user_str, char *, kaddr, u32, size,
	const char __user *, src)
{
	char buf[PIECE + 1];
	u32 done, len;
	long ret;

	for (done = 0; done < size; done += len) {
		ret = strncpy_from_user_nofault(buf, src + done,
						min_t(u32, size - done, sizeof(buf)));
		if (ret < 0)
			return fail_and_clear(_RET_IP_, kaddr, size, ret);
		/* 0: it has found an end alone */
		len = min_t(u32, ret, PIECE);
		if (to_arena(_RET_IP_, kaddr + done, buf, len ?: 1))
			return -EFAULT;
		if (!ret)
			return done ? done + 1 : 0;
		if (len == ret)
			return done + len;
	}
	return done;
}
#endif

#if defined(CONFIG_BPF_EVENTS) && defined(CONFIG_NET)
static noinline int event_output(unsigned long ip, bpf_helper_t *output, void *ctx,
				 struct bpf_map *map, u64 flags, const void *kaddr, u64 size)
{
	u64 buf[ARENA_SNAPSHOT_MAX / sizeof(u64)];
	int err;

	err = snapshot(ip, buf, sizeof(buf), kaddr, size);
	return err ?: output((unsigned long)ctx, (unsigned long)map, flags,
			     (unsigned long)buf, size);
}

#define EVENT_OUTPUT(name)							\
	VARIANT(5, name, void *, ctx, struct bpf_map *, map, u64, flags,	\
		const void *, kaddr, u64, size)

EVENT_OUTPUT(perf_event_output)
{
	return event_output(_RET_IP_, bpf_perf_event_output, ctx, map, flags, kaddr, size);
}

EVENT_OUTPUT(perf_event_output_tp)
{
	return event_output(_RET_IP_, bpf_perf_event_output_tp, ctx, map, flags, kaddr, size);
}

/* See get_stack_raw_tp(): a perf event may record the stack. */
EVENT_OUTPUT(perf_event_output_raw_tp)
{
	u64 buf[ARENA_SNAPSHOT_MAX / sizeof(u64)];
	struct pt_regs *regs;
	int err;

	err = snapshot(_RET_IP_, buf, sizeof(buf), kaddr, size);
	if (err)
		return err;
	regs = get_bpf_raw_tp_regs();
	if (IS_ERR(regs))
		return PTR_ERR(regs);
	perf_fetch_caller_regs(regs);
	err = bpf_perf_event_output((unsigned long)regs, (unsigned long)map, flags,
				    (unsigned long)buf, size);
	put_bpf_raw_tp_regs();
	return err;
}

EVENT_OUTPUT(event_output_data)
{
	return event_output(_RET_IP_, bpf_event_output_data, ctx, map, flags, kaddr, size);
}

EVENT_OUTPUT(skb_event_output)
{
	return event_output(_RET_IP_, bpf_skb_event_output, ctx, map, flags, kaddr, size);
}

EVENT_OUTPUT(xdp_event_output)
{
	return event_output(_RET_IP_, bpf_xdp_event_output, ctx, map, flags, kaddr, size);
}
#endif

#ifdef CONFIG_NET
static noinline int xdp_frags_to_arena(unsigned long ip, struct xdp_buff *xdp, u32 offset,
				       void *kaddr, u32 len)
{
	u32 done, piece;
	u8 buf[PIECE];
	int err;

	for (done = 0; done < len; done += piece) {
		piece = min_t(u32, len - done, PIECE);
		bpf_xdp_copy_buf(xdp, offset + done, buf, piece, false);
		err = to_arena(ip, kaddr + done, buf, piece);
		if (err)
			return err;
	}
	return 0;
}

VARIANT(4, xdp_load_bytes, struct xdp_buff *, xdp, u32, offset, void *, kaddr,
	u32, len)
{
	void *ptr = bpf_xdp_pointer(xdp, offset, len);

	if (IS_ERR(ptr))
		return PTR_ERR(ptr);
	if (!ptr)
		return xdp_frags_to_arena(_RET_IP_, xdp, offset, kaddr, len);
	return to_arena(_RET_IP_, kaddr, ptr, len);
}

static noinline int xdp_frags_from_arena(unsigned long ip, struct xdp_buff *xdp, u32 offset,
					 const void *kaddr, u32 len)
{
	u32 done, piece;
	u8 buf[PIECE];
	int err;

	for (done = 0; done < len; done += piece) {
		piece = min_t(u32, len - done, PIECE);
		err = from_arena(ip, buf, kaddr + done, piece);
		if (err)
			return err;
		bpf_xdp_copy_buf(xdp, offset + done, buf, piece, true);
	}
	return 0;
}

VARIANT(4, xdp_store_bytes, struct xdp_buff *, xdp, u32, offset,
	const void *, kaddr, u32, len)
{
	void *ptr = bpf_xdp_pointer(xdp, offset, len);

	if (IS_ERR(ptr))
		return PTR_ERR(ptr);
	if (!ptr)
		return xdp_frags_from_arena(_RET_IP_, xdp, offset, kaddr, len);
	return from_arena(_RET_IP_, ptr, kaddr, len);
}

static noinline int skb_frags_to_arena(unsigned long ip, const struct sk_buff *skb,
				       u32 offset, void *kaddr, u32 len)
{
	u32 done, piece;
	u8 buf[PIECE];
	int err;

	for (done = 0; done < len; done += piece) {
		piece = min_t(u32, len - done, PIECE);
		if (skb_copy_bits(skb, offset + done, buf, piece))
			return fail_and_clear(ip, kaddr, len, -EFAULT);
		err = to_arena(ip, kaddr + done, buf, piece);
		if (err)
			return err;
	}
	return 0;
}

VARIANT(4, skb_load_bytes, const struct sk_buff *, skb, u32, offset,
	void *, kaddr, u32, len)
{
	if (unlikely(offset > INT_MAX))
		return fail_and_clear(_RET_IP_, kaddr, len, -EFAULT);
	if (offset > skb_headlen(skb) || len > skb_headlen(skb) - offset)
		return skb_frags_to_arena(_RET_IP_, skb, offset, kaddr, len);
	return to_arena(_RET_IP_, kaddr, skb->data + offset, len);
}

VARIANT(5, skb_store_bytes, struct sk_buff *, skb, u32, offset,
	const void *, kaddr, u32, len, u64, flags)
{
	u64 buf[ARENA_SNAPSHOT_MAX / sizeof(u64)];
	int err;

	err = snapshot(_RET_IP_, buf, sizeof(buf), kaddr, len);
	return err ?: bpf_skb_store_bytes((unsigned long)skb, offset, (unsigned long)buf, len,
					  flags);
}
#endif

#define HELPER(name, args, max)	{ bpf_##name, bpf_arena_##name, args, max }

static const struct bpf_arena_helper arena_helpers[] = {
	HELPER(copy_from_user,		BIT(0),		 ARENA_MEM_MAX),
	HELPER(get_current_comm,	BIT(0),		 ARENA_MEM_MAX),
	HELPER(strncmp,			BIT(0),		 ARENA_MEM_MAX),
	HELPER(ringbuf_output,		BIT(1),		 ARENA_MEM_MAX),
	HELPER(map_lookup_elem,		BIT(1),		 ARENA_SNAPSHOT_MAX),
	/* the first one that takes what is in the arena: the one for both is the last */
	{ bpf_map_update_elem, bpf_arena_map_update_key, BIT(1), ARENA_SNAPSHOT_MAX },
	{ bpf_map_update_elem, bpf_arena_map_update_value, BIT(2), ARENA_SNAPSHOT_MAX },
	{ bpf_map_update_elem, bpf_arena_map_update_both, BIT(1) | BIT(2), ARENA_SNAPSHOT_MAX },
	HELPER(map_delete_elem,		BIT(1),		 ARENA_SNAPSHOT_MAX),
	HELPER(map_push_elem,		BIT(1),		 ARENA_SNAPSHOT_MAX),
	HELPER(map_lookup_percpu_elem,	BIT(1),		 ARENA_SNAPSHOT_MAX),
	HELPER(snprintf,		BIT(0),		 ARENA_SNAPSHOT_MAX),
#ifdef CONFIG_PERF_EVENTS
	HELPER(get_stack,		BIT(1),		 ARENA_SNAPSHOT_MAX),
	HELPER(get_stack_pe,		BIT(1),		 ARENA_SNAPSHOT_MAX),
#endif
#if defined(CONFIG_PERF_EVENTS) && defined(CONFIG_BPF_EVENTS)
	HELPER(get_stack_tp,		BIT(1),		 ARENA_SNAPSHOT_MAX),
	HELPER(get_stack_raw_tp,	BIT(1),		 ARENA_SNAPSHOT_MAX),
#endif
#ifdef CONFIG_BPF_EVENTS
	HELPER(d_path,			BIT(1),		 ARENA_SNAPSHOT_MAX),
	HELPER(probe_read_kernel,	BIT(0),		 ARENA_MEM_MAX),
	HELPER(probe_read_user,		BIT(0),		 ARENA_MEM_MAX),
	HELPER(probe_read_kernel_str,	BIT(0),		 ARENA_MEM_MAX),
	HELPER(probe_read_user_str,	BIT(0),		 ARENA_MEM_MAX),
#endif
#if defined(CONFIG_BPF_EVENTS) && defined(CONFIG_NET)
	HELPER(perf_event_output,	BIT(3),		 ARENA_SNAPSHOT_MAX),
	HELPER(perf_event_output_tp,	BIT(3),		 ARENA_SNAPSHOT_MAX),
	HELPER(perf_event_output_raw_tp, BIT(3),	 ARENA_SNAPSHOT_MAX),
	HELPER(event_output_data,	BIT(3),		 ARENA_SNAPSHOT_MAX),
	HELPER(skb_event_output,	BIT(3),		 ARENA_SNAPSHOT_MAX),
	HELPER(xdp_event_output,	BIT(3),		 ARENA_SNAPSHOT_MAX),
#endif
#ifdef CONFIG_NET
	HELPER(xdp_load_bytes,		BIT(2),		 ARENA_MEM_MAX),
	HELPER(xdp_store_bytes,		BIT(2),		 ARENA_MEM_MAX),
	HELPER(skb_load_bytes,		BIT(2),		 ARENA_MEM_MAX),
	HELPER(skb_store_bytes,		BIT(2),		 ARENA_SNAPSHOT_MAX),
#endif
};

/**
 * bpf_arena_helper_find() - is there a variant of a helper?
 * @func: func of the helper's struct bpf_func_proto
 * @args: BIT(argno) of the arguments that are arena memory, from 0
 *
 * Return: what bpf_arena_variant() takes, 0 if there is none.
 */
u8 bpf_arena_helper_find(bpf_helper_t *func, u8 args)
{
	u8 i;

	BUILD_BUG_ON(ARRAY_SIZE(arena_helpers) > U8_MAX);
	for (i = 0; i < ARRAY_SIZE(arena_helpers); i++)
		if (arena_helpers[i].func == func && !(args & ~arena_helpers[i].args))
			return i + 1;
	return 0;
}

/**
 * bpf_arena_variant() - a variant of a helper
 * @nr: its number, not 0
 *
 * Return: the variant.
 */
const struct bpf_arena_helper *bpf_arena_variant(u8 nr)
{
	return &arena_helpers[nr - 1];
}
