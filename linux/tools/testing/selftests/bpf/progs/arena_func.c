// SPDX-License-Identifier: GPL-2.0
/*
 * What global functions take and return in programs with an arena, or with a
 * may_goto alone. prog_tests/arena_func.c runs those that say what they should
 * return; test_progs' loader loads each of the others by itself.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena.h>
#include "bpf_misc.h"

/* as later kernels have it in __arena itself */
#define __tagged __arena __attribute__((btf_type_tag("arena")))

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct node {
	struct node __arena *next;
	int value;
};

typedef struct node __tagged *node_ptr;

struct node __arena * __arena_global head;
struct node __arena * __arena_global tail;
struct node __arena_global nodes[3];
__u64 forged; /* address of nodes[0], with other bits in its upper half */
__u64 upper;

/* arguments: with the type tag, the decl tag, by a typedef, of void */

__weak int push(struct node __tagged *n)
{
	n->next = head;
	head = n;
	return n->value;
}

__weak int push_arg(struct node __arena *n __arg_arena)
{
	n->next = head;
	head = n;
	return n->value;
}

__weak int push_typedef(int unused, const node_ptr n)
{
	n->next = head;
	head = n;
	return n->value;
}

__weak int push_void(void __tagged *ptr)
{
	struct node __arena *n = ptr;

	n->next = head;
	head = n;
	return n->value;
}

/* behind its caller and before it, for the offsets of calls */
__weak struct node __tagged *second(struct node __tagged *n);

__weak struct node __tagged *third(struct node __tagged *n)
{
	return second(n)->next;
}

__weak struct node __tagged *second(struct node __tagged *n)
{
	return n->next;
}

/* another node, and not one that is known from its BTF: const, and no node at all */
__weak const struct node __tagged *after(const struct node __tagged *n)
{
	return n + 1;
}

__weak void __tagged *no_node(void)
{
	return NULL;
}

/* an integer may be one: what it is a number of is not asked */
__weak __u64 number_of(__u64 number)
{
	return number;
}

__weak __u64 address_of(struct node __tagged *n)
{
	n->value++;
	return (__u64)n;
}

/* nothing to return */
__weak void set_tail(struct node __tagged *n)
{
	tail = n;
}

/* the program mentions the arena */
static __always_inline void in_use(void __arena *p)
{
	asm volatile("" :: "r"(p));
}

static __noinline struct node __arena *static_next(struct node __arena *n)
{
	barrier_var(n);
	return n->next;
}

/*
 * Addresses are passed, stored, returned and compared as a whole: here as in user
 * space, which finds them.
 */
SEC("syscall")
int run_args(void *ctx)
{
	struct node __arena *n = &nodes[0];

	nodes[0].value = 1;
	nodes[1].value = 2;
	nodes[2].value = 3;
	head = NULL;
	if (push(&nodes[2]) != 3 || push_arg(&nodes[1]) != 2 || push_typedef(0, n) != 1)
		return 1;
	if (head != n || n->next != &nodes[1] || static_next(n) != &nodes[1])
		return 2;
	head = NULL;
	push_void(&nodes[1]);
	return head == &nodes[1] ? 0 : 3;
}

SEC("syscall")
int run_results(void *ctx)
{
	struct node __arena *n = &nodes[0];

	nodes[0].next = &nodes[1];
	nodes[1].next = &nodes[2];
	nodes[2].value = 7;
	if (second(n) != &nodes[1] || third(n) != &nodes[2] || third(n)->value != 7)
		return 1;
	if (after(n) != &nodes[1] || no_node())
		return 2;
	head = third(n);
	if (second(static_next(n))->value != 7)
		return 3;
	return 0;
}

SEC("syscall")
int run_numbers(void *ctx)
{
	struct node __arena *n = &nodes[0];
	__u64 kern;

	if (number_of((__u64)n) != (__u64)n || address_of(n) != (__u64)n)
		return 1;
	/* as it comes from a cast */
	asm volatile("r1 = %[n];"
		     "r1 = addr_space_cast(r1, 0x0, 0x1);"
		     "call number_of;"
		     "%[kern] = r0;"
		     : [kern]"=r"(kern) : [n]"r"(n)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
	return kern == (__u32)(__u64)n ? 0 : 2;
}

SEC("syscall")
int run_void(void *ctx)
{
	tail = NULL;
	set_tail(&nodes[2]);
	return tail == &nodes[2] ? 0 : 1;
}

/* no arena, but a loop: nothing to return there, too */
int count;

__weak void count_up(int n)
{
	for (; n && can_loop; n--)
		count++;
}

SEC("syscall")
int run_void_loop(void *ctx)
{
	count = 0;
	count_up(5);
	return count == 5 ? 0 : 1;
}

/*
 * By hand: access by an argument and a result as they are, which clang never does.
 * Their upper half is that of the caller's number until then, and 0 afterwards.
 */
__weak __u64 follows(struct node __arena *n __arg_arena)
{
	__u64 value;

	asm volatile("r1 = %[n];"
		     "r2 = r1;"
		     "r3 = 1;"
		     "lock *(u64 *)(r1 + 8) += r3;"
		     "*(u64 *)(r10 - 8) = r1;"
		     "r1 = *(u64 *)(r10 - 8);"
		     "%[value] = *(u64 *)(r1 + 8);"
		     "r2 >>= 32;"
		     "r2 <<= 32;"
		     "%[value] |= r2;"
		     "r1 >>= 32;"
		     "%[value] += r1;"
		     : [value]"=r"(value) : [n]"r"(n) : "r1", "r2", "r3", "memory");
	return value;
}

__weak struct node __tagged *forge(void)
{
	return (struct node __arena *)forged;
}

SEC("syscall")
int run_forged(void *ctx)
{
	__u64 value, number = forged, whole;

	nodes[0].value = 5;
	if (follows((struct node __arena *)number) != (6 | (number & 0xffffffff00000000)))
		return 1;
	asm volatile("call forge;"
		     "%[whole] = r0;"
		     "%[value] = *(u64 *)(r0 + 8);"
		     "r0 >>= 32;"
		     "%[value] += r0;"
		     : [value]"=r"(value), [whole]"=r"(whole)
		     :: "r0", "r1", "r2", "r3", "r4", "r5");
	upper = whole >> 32;
	return value == 6 ? 0 : 2;
}

/* An address that is computed on is a number; it is no reason to refuse the other path */
__weak __u64 either(struct node __tagged *n, __u64 number, int which)
{
	asm volatile("if %[which] == 0 goto +1;"
		     "%[n] = %[number];"
		     "%[n] += 8;"
		     "%[n] &= -8;"
		     : [n]"+r"(n) : [number]"r"(number), [which]"r"(which));
	return (__u64)n;
}

SEC("syscall")
int run_either(void *ctx)
{
	__u64 addr = (__u64)&nodes[0];

	if (either(&nodes[0], 1ULL << 40, 0) != (addr + 8) / 8 * 8)
		return 1;
	return either(&nodes[0], 1ULL << 40, 1) == (1ULL << 40) + 8 ? 0 : 2;
}

/* progs/arena_func_ext.c has what cannot be put into these */
__weak void returns_nothing(void);

SEC("syscall")
int ext_target(void *ctx)
{
	returns_nothing();
	return no_node() || number_of(address_of(&nodes[0])) != (__u64)&nodes[0];
}

/* What is refused */

/* a plain pointer as it is: the compiler would cast it, and make it a scalar */
static __always_inline struct node __arena *launder(void *ptr)
{
	struct node __arena *p;

	asm volatile("%[p] = %[ptr]" : [p]"=r"(p) : [ptr]"r"(ptr));
	return p;
}

SEC("syscall")
__failure __msg("R1 is not a pointer to arena or scalar")
int passes_stack(void *ctx)
{
	struct node n = {};

	in_use(&nodes);
	return push(launder(&n));
}

/* the other path comes second, and finds that an arena pointer has been passed here */
SEC("syscall")
__failure __msg("R1 is not a pointer to arena or scalar")
int passes_ctx_later(void *ctx)
{
	int ret;

	asm volatile("r6 = %[ctx];"
		     "r1 = %[n];"
		     "r1 = addr_space_cast(r1, 0x0, 0x1);"
		     "r0 = *(u64 *)(r1 + 8);"
		     "if r0 == 7 goto other%=;"
		     "call%=: call push;"
		     "goto out%=;"
		     "other%=: r1 = r6;"
		     "goto call%=;"
		     "out%=: %[ret] = r0;"
		     : [ret]"=r"(ret) : [n]"r"(&nodes[0]), [ctx]"r"(ctx)
		     : "r0", "r1", "r2", "r3", "r4", "r5", "r6");
	return ret;
}

SEC("syscall")
__failure __msg("R1 is not a scalar")
int passes_ctx_as_number(void *ctx)
{
	in_use(&nodes);
	return number_of((__u64)launder(ctx));
}

__weak struct node __tagged *returns_stack(void)
{
	struct node n = {};

	in_use(&nodes);
	return launder(&n);
}

SEC("syscall")
__failure __msg("At subprogram exit the register R0 is not a scalar value (fp)")
int gets_stack(void *ctx)
{
	return returns_stack()->value;
}

/* of two paths, the second one returns what the first one does not */
__weak struct node __tagged *returns_map_later(struct node __tagged *n)
{
	struct node __arena *ret;

	in_use(&nodes);
	asm volatile("r0 = addr_space_cast(%[n], 0x0, 0x1);"
		     "if %[n] == 0 goto other%=;"
		     "goto out%=;"
		     "other%=: r0 = %[array] ll;"
		     "out%=: %[ret] = r0;"
		     : [ret]"=r"(ret) : [n]"r"(n), [array]"i"(&array) : "r0");
	return ret;
}

SEC("syscall")
__failure __msg("At subprogram exit the register R0 is not a scalar value (map_ptr)")
int gets_map_later(void *ctx)
{
	return returns_map_later(&nodes[0])->value;
}

/* what is left in R0 may be anything */
__weak void returns_nothing(void)
{
	in_use(&nodes);
	asm volatile("r0 = r10" ::: "r0");
}

SEC("syscall")
__success
int leaves_nothing(void *ctx)
{
	returns_nothing();
	return 0;
}

SEC("syscall")
__failure __msg("R0 !read_ok")
int reads_nothing(void *ctx)
{
	int ret;

	asm volatile("call returns_nothing;"
		     "%[ret] = r0;"
		     : [ret]"=r"(ret) :: "r0", "r1", "r2", "r3", "r4", "r5");
	return ret;
}

/* a result that is a number is not followed: it may be one by chance only */
SEC("syscall")
__failure __msg("R0 invalid mem access 'scalar'")
int follows_number(void *ctx)
{
	int ret;

	in_use(&nodes);
	asm volatile("r1 = 0;"
		     "call number_of;"
		     "%[ret] = *(u32 *)(r0 + 0);"
		     : [ret]"=r"(ret) :: "r0", "r1", "r2", "r3", "r4", "r5");
	return ret;
}

/* one instruction, an address as it is and other memory */
__weak int follows_both(struct node __tagged *n, int which)
{
	int ret;

	in_use(&nodes);
	asm volatile("r1 = %[n];"
		     "if %[which] == 0 goto +3;"
		     "r1 = r10;"
		     "r1 += -8;"
		     "*(u64 *)(r1 + 0) = %[which];"
		     "%[ret] = *(u32 *)(r1 + 0);"
		     : [ret]"=r"(ret) : [n]"r"(n), [which]"r"(which) : "r1", "memory");
	return ret;
}

SEC("syscall")
__failure __msg("same insn cannot be used with different pointers")
int calls_follows_both(void *ctx)
{
	return follows_both(&nodes[0], 0);
}

/* no arena, no may_goto: as in 6.1 */

__weak void plain_void(int n)
{
	count = n;
}

SEC("syscall")
__failure __msg("Global function plain_void() doesn't return scalar")
int without_arena_void(void *ctx)
{
	plain_void(1);
	return 0;
}

__weak struct node __tagged *plain_result(void)
{
	return NULL;
}

SEC("syscall")
__failure __msg("Global function plain_result() doesn't return scalar")
int without_arena_result(void *ctx)
{
	return plain_result() == NULL;
}

/* a tag does not make an arena: this is memory, and what is passed has to be some */
__weak int plain_arg(int __attribute__((btf_type_tag("arena"))) *n)
{
	return n ? *n : 0;
}

SEC("syscall")
__success
int without_arena_arg(void *ctx)
{
	int n = 1;

	return plain_arg(&n);
}

SEC("syscall")
__failure __msg("R1 type=scalar expected=fp")
int without_arena_scalar(void *ctx)
{
	return plain_arg((int *)(long)(count + 1));
}

/* nor does another one */
__weak int other_tag(int __attribute__((btf_type_tag("user"))) *n)
{
	return n ? *n : 0;
}

SEC("syscall")
__failure __msg("R1 type=scalar expected=fp")
int with_other_tag(void *ctx)
{
	in_use(&nodes);
	return other_tag((int *)(long)(count + 1));
}

__weak int __arena *untagged_result(void)
{
	in_use(&nodes);
	return NULL;
}

SEC("syscall")
__failure __msg("Global function untagged_result() doesn't return scalar")
int gets_untagged(void *ctx)
{
	return untagged_result() == NULL;
}

/* fentry and fexit programs follow what has the type of the context */

__weak int takes_ctx(struct __sk_buff __tagged *c)
{
	return c->mark;
}

SEC("tc")
__failure __msg("arg#0 has invalid combination of tags")
int passes_tagged_ctx(struct __sk_buff *skb)
{
	return takes_ctx((struct __sk_buff __arena *)&nodes[0]);
}

__weak struct __sk_buff __tagged *returns_ctx(void)
{
	return (struct __sk_buff __arena *)&nodes[0];
}

SEC("tc")
__failure __msg("result has invalid combination of tags")
int gets_tagged_ctx(struct __sk_buff *skb)
{
	return returns_ctx()->mark;
}

char _license[] SEC("license") = "GPL";
