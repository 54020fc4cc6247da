/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store of arena_kvd: one layout, followed by the server and by XDP.
 *
 * Problem: a GET that an XDP program answers from a BPF map sees a copy of the
 * data. It is stale whenever the copy is late, and each SET is paid twice.
 * Here nothing is copied. Hash table, items and free lists lie in one BPF arena
 * that the server maps with mmap(). Pointers in it are the server's own
 * addresses, and arena_kv.bpf.c dereferences them as they are.
 *
 *	root.table[hash & mask]
 *	     |
 *	     v            next             next
 *	  kv_item -----------> kv_item -----------> NULL
 *	  text: "VALUE key flags bytes\r\n" value "\r\nEND\r\n"
 *
 * An item keeps the whole answer as it goes over the wire, and its Internet
 * checksum, so answering is: find it, copy it, add a few header words.
 *
 * One writer, the server's only thread. Any number of readers: XDP on each CPU.
 *
 * 1. An item that is linked is never changed, but for three words that each are
 *    written by one aligned store: next, expires, used. A new value is a new
 *    item. Nobody can see half of a value, for no value is ever half there.
 * 2. It is published by one release store to the pointer that reaches it,
 *    after all of it was written. Readers are ordered by the address
 *    dependency, which x86-64 and arm64 both keep. A replaced item is bypassed
 *    by that same store, so that a key that exists is never out of the chain.
 * 3. The store is done before the server sends STORED. Whoever got STORED and
 *    sends a GET thereby makes it happen before that GET's lookup: no reader
 *    can return the old value, nor miss the key.
 * 4. An item that was unlinked keeps its text and its next pointer until no
 *    reader can be at it. A reader holds reader[cpu].busy from before its first
 *    look at the table until its copy is complete. The writer, having unlinked,
 *    executes a full barrier and waits until it has seen each busy at 0, once;
 *    only then is the memory used again. A reader that enters later cannot
 *    find the item: either its xchg on busy comes first and the writer sees 1,
 *    or the writer's unlinking comes first and the reader sees that.
 *    The xchg has to be a full barrier, and is: of BPF's atomics those that
 *    return a value are (SWPAL on arm64, or LDXR and STLXR with DMB ISH), and
 *    the others order nothing there. It has to find its page, too: a store to
 *    one that nobody touched is dropped, so the server clears all of reader[]
 *    before there is a reader.
 *    See limbo_drain() in slab.c and reader_enter() in arena_kv.bpf.c.
 *    Through the frozen next pointers of unlinked items a reader meets only
 *    items that were linked at some time since it entered: what it returns was
 *    the key's value while the GET was under way.
 *
 * A page that nobody touched yet is absent. To the program it reads as zeroes:
 * an empty bucket.
 *
 * The server trusts nothing that the program writes: it writes the counters and
 * the busy word of its CPU, and kv_item.used, a hint for eviction.
 */
#ifndef ARENA_KV_LAYOUT_H
#define ARENA_KV_LAYOUT_H

#include <linux/types.h>

#ifndef __arena
#ifdef __bpf__
#define __arena __attribute__((address_space(1)))
#else
#define __arena
#endif
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "keys are hashed as little-endian words"
#endif

#define KV_KEY_MAX	250
#define KV_LOCAL_MAX	16	/* addresses that XDP answers for, each family */
#define KV_CLASS_MAX	64	/* 128 * 1.25^n passes 128 MiB at n = 62 */

/* memcached's limit to a UDP payload, and what its frame header leaves. */
#define KV_UDP_MAX	1400
#define KV_UDP_TEXT_MAX	(KV_UDP_MAX - (int)sizeof(struct kv_frame))

/* "VALUE key 4294967295 1073741824\r\n", and the end of the text. */
#define KV_VERB_LEN	6
#define KV_LINE_MAX	(KV_VERB_LEN + KV_KEY_MAX + 1 + 10 + 1 + 10 + 2)
#define KV_CAS_TEXT_MAX	21	/* " 18446744073709551615" */
#define KV_TAIL		"\r\nEND\r\n"
#define KV_TAIL_LEN	7
#define KV_END_LEN	5	/* the part of KV_TAIL that ends an answer */

/* The 8 bytes in front of each UDP payload; all big-endian. */
struct kv_frame {
	__u16 id;
	__u16 seq;
	__u16 total;
	__u16 reserved;
};

enum kv_state {
	KV_FREE,	/* on its class's free list */
	KV_LINKED,	/* in the table and on its class's LRU list */
	KV_LIMBO,	/* unlinked, but readers may still be at it */
	KV_OWNED,	/* on no list: allocated, not published yet */
};

struct kv_item {
	struct kv_item __arena *next;	/* in the hash chain */
	__u64 hash;
	__u64 cas;
	__u64 expires;		/* CLOCK_MONOTONIC_COARSE, ns; 0: never */
	__u32 text_len;
	__u16 line_len;		/* up to, not including, the first \r\n */
	__u16 sum[2];		/* of the answer to get, to gets; see kv_sum() */
	__u8 key_len;
	__u8 cas_len;
	__u8 used;		/* set by readers, cleared by eviction */
	char cas_text[KV_CAS_TEXT_MAX + 2];

	/* The server's own. Each item is on one list, as its state says. */
	__u8 state;
	__u8 class;
	__u32 flags;
	__u32 stamp;		/* s; when it came to the list's newer end */
	struct kv_item __arena *newer;
	struct kv_item __arena *older;

	char text[];
};

/* One for each possible CPU, on a cache line of its own; written by XDP. */
struct kv_reader {
	__u64 busy;
	__u64 hits;
	__u64 misses;
	__u64 passed;		/* for the server's port, but not answered */
	__u64 pad[4];
};

struct kv_list {
	struct kv_item __arena *newest;
	struct kv_item __arena *oldest;
};

struct kv_class {
	struct kv_list lru;
	struct kv_list free;
	__u32 chunk;		/* bytes */
	__u32 pages;
};

struct kv_slab {
	char __arena *heap;	/* nr_pages pages of page_size bytes */
	__u8 __arena *page_class;
	struct kv_list limbo;
	__u32 page_size;
	__u32 nr_pages;
	__u32 pages_used;	/* pages from here on were never touched */
	__u32 nr_classes;
	struct kv_class class[KV_CLASS_MAX];
};

struct kv_stats {
	__u64 cmd_get, cmd_set, cmd_flush, cmd_touch;
	__u64 get_hits, get_misses, get_expired, get_flushed;
	__u64 delete_hits, delete_misses;
	__u64 incr_hits, incr_misses, decr_hits, decr_misses;
	__u64 cas_hits, cas_misses, cas_badval;
	__u64 touch_hits, touch_misses;
	__u64 curr_items, total_items, bytes;
	__u64 evictions, reclaimed, slab_moves;
	__u64 curr_connections, total_connections, rejected_connections;
	__u64 bytes_read, bytes_written;
};

/* What XDP answers for. All but nr_* is in network order. */
struct kv_local {
	__u32 nr_v4, nr_v6;
	__u32 v4[KV_LOCAL_MAX];
	__u32 v6[KV_LOCAL_MAX][4];
	__u16 port;
	__u8 mac[6];
};

/* The global from which everything in the arena is reached. */
struct kv_root {
	struct kv_item __arena * __arena *table;
	__u64 mask;		/* buckets - 1 */
	__u64 seed;		/* makes hashes unknown to clients */
	__u64 flush_cas;	/* items up to this one were flushed */
	struct kv_reader __arena *reader;
	__u32 nr_readers;
	__u32 zero;		/* see step() in arena_kv.bpf.c */
	__u32 item_max;		/* bytes, an item with its header */
	struct kv_local local;

	/* The server's own. */
	__u32 evict;		/* 0: a full store refuses, as with -M */
	__u64 last_cas;
	struct kv_slab slab;
	struct kv_stats stats;
	struct kv_reader at_reset;	/* sums when stats were reset */
};

static inline __u64 kv_hash_start(__u64 seed, __u32 key_len)
{
	return seed ^ key_len;
}

/*
 * Adds eight bytes of the key, the last ones padded with zeroes. Multiplication
 * carries upwards only, hence the shift, which brings the upper half down.
 */
static inline __u64 kv_hash_add(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/*
 * The last key_len % 8 bytes of a key, as a padded word. @word is the eight
 * bytes that end where the key ends: those in front of it are shifted out, and
 * no read goes past the key.
 */
static inline __u64 kv_key_tail(__u64 word, __u32 key_len)
{
	return word >> (64 - key_len % 8 * 8);
}

/* Folds a sum of 16 or 32-bit words into the Internet's one's complement sum. */
static inline __u16 kv_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

#endif
