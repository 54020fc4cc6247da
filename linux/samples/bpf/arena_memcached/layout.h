/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arena_memcached: XDP answers GETs out of an unmodified memcached
 *
 * Problem. A GET costs memcached a trip through the network stack, a wake-up and a system
 * call, for a value that lies in memory ready to send. With its heap in an arena
 * (tools/bpf/arena_heap) an XDP program can read that memory; but memcached changes it
 * under locks, which XDP cannot take, and in place.
 *
 *	memcached (Debian's binary)               XDP, on each CPU
 *	  | calls                                   |
 *	preload.c: calloc, free,                    | reads
 *	  pthread_mutex_{lock,trylock,unlock}       |
 *	  | keeps                                   v
 *	struct mc_dir: seqs[lock] odd while held, {table, old table, generation}
 *	  | points to                               |
 *	memcached's own hash table -> item -> item: key, value
 *
 * memcached has a table of 2^10 to 2^15 item locks. Lock "hash & lock_mask" is held for
 * every change to a hash chain, and to flags, expiry, cas and value of an item in one.
 * It is held while an item is unlinked, too; an item is freed only after that. There are
 * never more locks than buckets. So all items of a chain have the same lock, also while
 * memcached moves them from the old table to a larger one.
 * The preloaded library keeps a counter for each. A reader does
 *
 *	1. seq = seqs[hash & lock_mask], pass up if odd
 *	2. generation of the tables, pass up if odd
 *	3. walk at most MC_WALK_MAX items of the chain, compare keys
 *	4. copy the item's fields and value
 *	5. answer by the copy if seq and generation are still the same, else pass up
 *
 * with a full barrier between 2 and 3, and between 4 and 5. If the counter is even and
 * unchanged, nobody was inside a section of that lock between 1 and 5: no item of the
 * chain was changed, unlinked, freed or reused. It does not matter what memcached does
 * inside, nor in which order.
 *
 * Which store each step rests on, of memcached 1.6.18 and of preload.c:
 *
 *  1. The odd value. Stored after the mutex is taken and before any store of the
 *     section: a plain store, then a release fence. x86-64: stores are in order. arm64:
 *     DMB ISH. So whoever saw a store of the section finds the counter changed at 5.
 *     The even value. A release store before the mutex is given back, so that whoever
 *     saw it at 1 sees all of the section. x86-64: a plain store. arm64: STLR.
 *     The next holder's odd value comes after that, by the mutex.
 *  2. A new table: calloc() stores {old, new}, with an odd generation around it, before
 *     it returns to memcached: before assoc_expand() stores any pointer in it. The other
 *     threads of memcached stand still then, XDP does not. The maintenance thread moves
 *     one old bucket at a time, each under its lock.
 *     A table that goes: free() stores the new generation, and a full fence, before
 *     mimalloc has the memory. So whoever saw a store of its next owner finds the
 *     generation changed at 5.
 *  3. assoc_insert() and assoc_delete(): h_next, then the bucket; in the section.
 *  4. do_item_link(): LINKED, then cas, in the section (a reader of flags and cas alone
 *     is fooled here: the old cas is there with LINKED for a while). incr in place: cas,
 *     then the digits, in the section. The value of an item that is not linked is
 *     written outside of any section; nobody finds it, and the unlink came before. The
 *     page mover (slabs.c) links the copy in the section of the key's lock.
 *     next, prev and slabs_clsid change outside of it: they are not looked at.
 *
 * Both barriers (mc_fence()) are BPF's xchg: those of its atomics that fetch are full
 * ones. XCHG on x86-64, where loads stay in order anyway; SWPAL, or LDXR and STLXR with
 * DMB ISH, on arm64, where nothing else orders the loads of 1 and 2 before those of 3,
 * and those of 4 before those of 5. Steps 1 and 2 may come in either order: each reads
 * its number before step 3, and step 5 reads both again after step 4.
 *
 * An item's bytes may be anything while the program looks: it may be memory that a
 * client filled to look like an item. So each pointer is followed only if its upper half
 * is the arena's, the walk is bounded, sizes are checked against room, and nothing is
 * stored but in the reader's own area. What was read wrongly is thrown away at 5.
 * Pages that are absent read as zeroes, which is no pointer.
 *
 * What memcached would have done that we do not: a hit sets FETCHED, then ACTIVE, and
 * bumps. An item without ACTIVE is passed up; with ACTIVE a further hit changes nothing
 * in memcached either, so its LRU sees what its algorithm asks for. Its statistics do
 * not count our hits: "arena-memcached --stats" does. flush_all changes no item, so it
 * has to be off (-F). memcached's clock lags behind CLOCK_MONOTONIC and is never ahead of
 * it. So an item is answered as long as it has not expired by CLOCK_MONOTONIC.
 *
 * After STORED or DELETED: memcached stores both before it queues the answer. A GET sent
 * after that reads a counter that is odd, or the new state.
 *
 * A miss is passed up. (With the counter it would be certain as well.)
 *
 * mc_dir, counters and readers are allocated by preload.c in the arena and never freed:
 * memcached never gets that memory. Readers write to struct mc_reader of their CPU only.
 *
 * Nothing is answered before mc_dir.ready is set. The launcher's probe sets it after it
 * has stored items, has found them by this layout, and has seen the counters move.
 * struct mc_layout is the layout of one memcached version; there is one for 1.6.18.
 *
 * The memcached process holds the link by which the program is attached: however it ends,
 * the kernel detaches the program. Until it has ended, the probe holds the link, too, to
 * detach the program if it finds that XDP must not answer. A process that is stopped by a
 * signal leaves even counters, whose items do not change, or odd ones.
 *
 * What it rests on, besides: that no item lock is taken but through the dynamic symbols,
 * and that each section listed here holds it. Another version or a rebuilt package needs
 * this list again. The version check compares the text "1.6.18" and nothing else: it
 * refuses another version, but not another build of this one. "lru mode flat", which
 * clients may say at any time, is not noticed: it changes what the LRU makes of ACTIVE,
 * not what is answered. Who may load BPF on
 * the arena reads and writes the whole heap. A CPU that loses 2^63 sections is fooled.
 *
 * TODO: TCP, by an sk_skb program on a sockhash of accepted connections. What is hard
 * there: the order of answers, and an answer whose length is not the request's.
 * TODO: several servers on one interface, by a program array indexed by port.
 * TODO: on arm64 nothing of this has run.
 */
#ifndef ARENA_MEMCACHED_LAYOUT_H
#define ARENA_MEMCACHED_LAYOUT_H

#include <linux/types.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "keys are hashed as little-endian words"
#endif

#define MC_MAGIC	0x6d6f656d6e657261ULL	/* "arenmemo", little-endian */
#define MC_DIR_VERSION	1
#define MC_ROOT		0	/* arena_heap_header.root[] has the address of mc_dir */

#define MC_KEY_MAX	250
#define MC_WALK_MAX	16	/* items of a chain, each table */
#define MC_LOCAL_MAX	16	/* addresses that XDP answers for, each family */
#define MC_OWN_MAX	64	/* addresses that no client has, each family */

/* memcached's limit to a UDP payload, and what its frame header leaves */
#define MC_UDP_MAX	1400
#define MC_TEXT_MAX	(MC_UDP_MAX - (int)sizeof(struct mc_frame))

/* "mg KEY v s f c k t q O...\r\n" */
#define MC_OPAQUE_MAX	31	/* with the O: see process_mget_command() for more */
#define MC_REQUEST_MAX	312
/* "VALUE KEY 4294967295 1048576 18446744073709551615\r\n", or that of mg, and room */
#define MC_LINE_MAX	424

/* it_flags */
#define MC_LINKED	1
#define MC_CAS		2
#define MC_FETCHED	8
#define MC_ACTIVE	16
#define MC_CFLAGS	256
/* All that an item may have that is answered */
#define MC_PLAIN	(MC_LINKED | MC_CAS | MC_FETCHED | MC_ACTIVE | MC_CFLAGS)
#define MC_NEEDED	(MC_LINKED | MC_CAS | MC_ACTIVE)

/* The 8 bytes in front of each UDP payload; all big-endian */
struct mc_frame {
	__u16 id;
	__u16 seq;
	__u16 total;
	__u16 reserved;
};

/*
 * Offsets in an item. @data has cas (8 bytes), the key, a NUL, the client's flags (4) if
 * MC_CFLAGS is set, the value and "\r\n", which @nbytes counts.
 */
struct mc_layout {
	char version[16];
	__u32 h_next;
	__u32 time;
	__u32 exptime;
	__u32 nbytes;
	__u32 it_flags;
	__u32 nkey;
	__u32 data;
};

#define MC_LAYOUTS {							\
	{ .version = "1.6.18", .h_next = 16, .time = 24, .exptime = 28,	\
	  .nbytes = 32, .it_flags = 38, .nkey = 41, .data = 48 },	\
}

/* One for each possible CPU, written by XDP alone */
struct mc_reader {
	__u64 busy;
	__u64 fence;
	__u64 hits;
	__u64 passed;		/* to memcached's port, but not answered; with: */
	__u64 missed;		/* a GET of which no item was found */
	__u64 inactive;		/* ... that memcached is to see, or of another kind */
	__u64 locked;		/* ... whose lock was held, or tables changed, at the start */
	__u64 changed;		/* ... or at the end: steps 1 and 2, and 5 */
	__u64 old;		/* a GET whose item was found in the old table */
	__u64 zero;		/* see start() in arena_memcached.bpf.c */
	/* The request, with room in front and behind for whole words */
	char request[8 + MC_REQUEST_MAX + 8];
	/* The first line of the answer, at the end */
	char line[MC_LINE_MAX];
} __attribute__((aligned(64)));

/* Written by preload.c. No cache line of it has anything of memcached's. */
struct mc_dir {
	__u64 magic;
	__u32 version;
	__u32 ready;		/* written by the probe */
	__u64 generation;	/* odd while the four below change */
	__u64 table;		/* array of 2^n pointers to items; 0: none is known */
	__u64 mask;		/* 2^n - 1 */
	__u64 old;		/* while the table grows: what it was */
	__u64 old_mask;
	__u64 seqs;		/* array of lock_mask + 1 counters */
	__u64 lock_mask;
	__u64 readers;		/* array of nr_readers struct mc_reader */
	__u32 nr_readers;
	__u32 test;		/* read by tests' own programs: see tests/steps.h */
	__u64 epoch;		/* s; memcached's clock is at most CLOCK_MONOTONIC less this */
	__u64 grown;		/* tables that were followed by larger ones */
} __attribute__((aligned(64)));

/* Fixed when the program is loaded. Ports and addresses are in network order. */
struct mc_config {
	__u64 root;		/* address of the arena's root[MC_ROOT] */
	struct mc_layout layout;
	__u32 nr_v4, nr_v6;
	__u32 v4[MC_LOCAL_MAX];
	__u32 v6[MC_LOCAL_MAX][4];
	/* The machine's own, and what its networks broadcast to */
	__u32 nr_own_v4, nr_own_v6;
	__u32 own_v4[MC_OWN_MAX];
	__u32 own_v6[MC_OWN_MAX][4];
	__u32 mtu;		/* of the IP packet; 0: the device's counts alone */
	__u16 port;
	__u8 mac[6];
};

/* MurmurHash3, x86, 32 bits: what memcached adds for four bytes, and the end */
static inline __u32 mc_rotate(__u32 x, int by)
{
	return x << by | x >> (32 - by);
}

static inline __u32 mc_hash_mix(__u32 word)
{
	return mc_rotate(word * 0xcc9e2d51, 15) * 0x1b873593;
}

static inline __u32 mc_hash_add(__u32 hash, __u32 word)
{
	return mc_rotate(hash ^ mc_hash_mix(word), 13) * 5 + 0xe6546b64;
}

static inline __u32 mc_hash_end(__u32 hash, __u32 len)
{
	hash ^= len;
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	return hash ^ hash >> 16;
}

#endif
