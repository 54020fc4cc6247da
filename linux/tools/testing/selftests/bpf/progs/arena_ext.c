// SPDX-License-Identifier: GPL-2.0
/*
 * Functions with an argument that has the tag arg:arena, where its type or
 * another program says something else of it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

struct node {
	int value;
};

int __arena_global in_arena = 5;
struct __sk_buff __arena_global like_ctx = { .mark = 7 };
__u64 addr; /* of like_ctx, or any other */

__weak int takes_arena(struct node __arena *n __arg_arena)
{
	return n ? n->value : 0;
}

__weak int takes_memory(struct node *n)
{
	return n ? n->value : 0;
}

/* fentry and fexit programs follow what has this type */
__weak int takes_tagged_ctx(struct __sk_buff *c __arg_arena)
{
	return c->mark;
}

static __noinline int takes_tagged_ctx_static(struct __sk_buff *c __arg_arena)
{
	asm volatile("");
	return c->mark;
}

SEC("?tc")
int target(struct __sk_buff *skb)
{
	struct node n = { .value = 1 };

	return takes_arena((struct node __arena *)&in_arena) + takes_memory(&n);
}

SEC("?tc")
int calls_tagged_ctx(struct __sk_buff *skb)
{
	in_arena = 1;
	return takes_tagged_ctx((struct __sk_buff *)addr);
}

__u64 forged; /* address of in_arena, with a bit above its low half */

/* by hand: clang would cast the argument once more */
__weak int upper_half(struct node __arena *n __arg_arena)
{
	__u64 upper;

	asm volatile("%[upper] = %[n];"
		     "%[upper] >>= 32;"
		     : [upper]"=r"(upper) : [n]"r"(n));
	return upper;
}

/* The path with the forged number comes second to the call. */
SEC("?tc")
int passes_forged(struct __sk_buff *skb)
{
	int __arena *n = &in_arena;
	__u64 number = forged;
	__u32 mark = skb->mark;
	int ret;

	asm volatile("r1 = %[n];"
		     "r1 = addr_space_cast(r1, 0x0, 0x1);"
		     "if %[mark] == 7 goto forged%=;"
		     "call%=: call upper_half;"
		     "goto out%=;"
		     "forged%=: r1 = %[number];"
		     "goto call%=;"
		     "out%=: %[ret] = r0;"
		     : [ret]"=r"(ret)
		     : [n]"r"(n), [mark]"r"(mark), [number]"r"(number)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
	return ret;
}

/* a static function may get anything, and is not what it says */
SEC("?tc")
int calls_tagged_static(struct __sk_buff *skb)
{
	in_arena = 1;
	return takes_tagged_ctx_static((struct __sk_buff *)&like_ctx);
}

/* the parts of the kernel's type that matter here */
struct sk_buff {
	unsigned int len;
} __attribute__((preserve_access_index));

SEC("?fentry/takes_tagged_ctx_static")
int follows_ctx(__u64 *ctx)
{
	return ((struct sk_buff *)ctx[0])->len;
}

SEC("?fexit/takes_tagged_ctx_static")
int follows_ctx_later(__u64 *ctx)
{
	return ((struct sk_buff *)ctx[0])->len;
}

SEC("?fentry/takes_arena")
int follows_arena(__u64 *ctx)
{
	return ((struct node *)ctx[0])->value;
}

SEC("?freplace/takes_tagged_ctx_static")
int replaces_static(struct __sk_buff *c __arg_arena)
{
	in_arena = 1;
	return 0;
}

SEC("?freplace/takes_arena")
int takes_memory_instead(struct node *n)
{
	return n ? n->value : 0;
}

SEC("?freplace/takes_memory")
int takes_arena_instead(struct node __arena *n __arg_arena)
{
	in_arena = 1;
	return n ? n->value : 0;
}

SEC("?freplace/takes_arena")
int takes_arena_too(struct node __arena *n __arg_arena)
{
	in_arena = 1;
	return n ? n->value : 0;
}

char _license[] SEC("license") = "GPL";
