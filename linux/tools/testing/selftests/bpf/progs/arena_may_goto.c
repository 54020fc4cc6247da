// SPDX-License-Identifier: GPL-2.0
/* Which loops the verifier lets may_goto bound, and what it may conclude when it
 * cuts one short. Written in assembly: the compiler must not improve on them.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "bpf_misc.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, char[64]);
} values SEC(".maps");

#define __imm(name) [name]"i"(name)
#define __imm_addr(name) [name]"i"(&name)

/* r9 = &values[0]; leaves when it is not there, which never happens */
#define LOOKUP						\
	"*(u32 *)(r10 - 4) = 0;"			\
	"r1 = %[values] ll;"				\
	"r2 = r10;"					\
	"r2 += -4;"					\
	"call %[bpf_map_lookup_elem];"			\
	"if r0 == 0 goto out%=;"			\
	"r9 = r0;"
#define OPERANDS __imm(bpf_map_lookup_elem), __imm(bpf_get_prandom_u32), __imm_addr(values)
#define CLOBBERS "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "memory"
#define OUT "out%=: r0 = 0;"

/* Nothing but may_goto ends it, and each round differs from the last one */
SEC("?tc")
__success
int counts(void *ctx)
{
	asm volatile (
	"r6 = 0;"
"loop%=: may_goto out%=;"
	"r6 += 1;"
	"goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

/* Two paths through the body, so that counters go up independently */
SEC("?tc")
__success
int counts_on_two_paths(void *ctx)
{
	asm volatile (
	"r6 = 0;"
	"r7 = 0;"
"loop%=: may_goto out%=;"
	"call %[bpf_get_prandom_u32];"
	"if r0 > 7 goto other%=;"
	"r6 += 1;"
	"goto loop%=;"
"other%=: r7 += 3;"
	"goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

SEC("?tc")
__success
int nested(void *ctx)
{
	asm volatile (
	"r6 = 0;"
"outer%=: may_goto out%=;"
	"r7 = 0;"
"inner%=: may_goto next%=;"
	"call %[bpf_get_prandom_u32];"
	"if r0 == 0 goto next%=;"
	"r7 += 1;"
	"goto inner%=;"
"next%=: r6 += 1;"
	"goto outer%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

/* The index matters, so it is not forgotten; its own bound ends the loop */
SEC("?tc")
__success
int keeps_index(void *ctx)
{
	asm volatile (
	LOOKUP
	"r6 = 0;"
"loop%=: may_goto out%=;"
	"r1 = r9;"
	"r1 += r6;"
	"r0 = *(u8 *)(r1 + 0);"
	"r6 += 1;"
	"if r6 != 64 goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

SEC("?tc")
__failure __msg("invalid access to map value, value_size=64 off=64 size=1")
int index_too_large(void *ctx)
{
	asm volatile (
	LOOKUP
	"r6 = 0;"
"loop%=: may_goto out%=;"
	"r1 = r9;"
	"r1 += r6;"
	"r0 = *(u8 *)(r1 + 0);"
	"r6 += 1;"
	"if r6 != 65 goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

/* So many rounds that matter that comparing each with all others takes for ever */
SEC("?tc")
__success __log_level(4) __msg("max_states_per_insn 20 ")
int few_states_to_compare(void *ctx)
{
	asm volatile (
	LOOKUP
	"r6 = 0;"
"loop%=: may_goto out%=;"
	"r1 = r6;"
	"r1 >>= 5;"
	"r1 += r9;"
	"r0 = *(u8 *)(r1 + 0);"
	"r6 += 1;"
	"if r6 != 1000 goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

/* The bad value needs three rounds to get to where it does harm */
SEC("?tc")
__failure __msg("map_value")
int harm_in_third_round(void *ctx)
{
	asm volatile (
	LOOKUP
	"r6 = 0;"
	"r7 = 0;"
	"r8 = 0;"
"loop%=: may_goto out%=;"
	"r1 = r9;"
	"r1 += r6;"
	"r0 = *(u8 *)(r1 + 0);"
	"r6 = r7;"
	"r7 = r8;"
	"r8 = 100;"
	"goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

/* The harmful value is on the path that is verified first */
SEC("?tc")
__failure __msg("invalid access to map value, value_size=64 off=1000 size=1")
int cut_path_makes_r7_matter(void *ctx)
{
	asm volatile (
	LOOKUP
	"call %[bpf_get_prandom_u32];"
	"r7 = 0;"
	"r8 = 0;"
	"if r0 != 0 goto loop%=;"
	"r7 = 1000;"
"loop%=: may_goto out%=;"
	"r1 = r9;"
	"r1 += r8;"
	"r0 = *(u8 *)(r1 + 0);"
	"r8 = r7;"
	"goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

/* The other way round: r7 is harmless on the path that is verified first, and
 * that path is cut. The first state has to learn from the cut that r7 matters,
 * or the second path, which differs in r7 alone, is taken for the same.
 */
SEC("?tc")
__failure __msg("invalid access to map value, value_size=64 off=1000 size=1")
int cut_path_makes_r7_matter_2(void *ctx)
{
	asm volatile (
	LOOKUP
	"call %[bpf_get_prandom_u32];"
	"r7 = 1000;"
	"r8 = 0;"
	"if r0 != 0 goto loop%=;"
	"r7 = 0;"
"loop%=: may_goto out%=;"
	"r1 = r9;"
	"r1 += r8;"
	"r0 = *(u8 *)(r1 + 0);"
	"r8 = r7;"
	"goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

/* A value that is only read a round later, through a stack slot */
SEC("?tc")
__failure __msg("invalid access to map value, value_size=64 off=1000 size=1")
int cut_path_makes_slot_matter(void *ctx)
{
	asm volatile (
	LOOKUP
	"call %[bpf_get_prandom_u32];"
	"r7 = 1000;"
	"*(u64 *)(r10 - 16) = r7;"
	"r8 = 0;"
	"if r0 != 0 goto loop%=;"
	"r7 = 0;"
	"*(u64 *)(r10 - 16) = r7;"
"loop%=: may_goto out%=;"
	"r1 = r9;"
	"r1 += r8;"
	"r0 = *(u8 *)(r1 + 0);"
	"r8 = *(u64 *)(r10 - 16);"
	"goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

/* A pointer takes the place of a scalar in the second round */
SEC("?tc")
__failure __msg("R6 invalid mem access 'scalar'")
int pointer_becomes_scalar(void *ctx)
{
	asm volatile (
	LOOKUP
	"r6 = r9;"
"loop%=: may_goto out%=;"
	"r0 = *(u8 *)(r6 + 0);"
	"r6 = 1;"
	"goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

SEC("?tc")
__failure __msg("infinite loop detected")
int not_on_the_way(void *ctx)
{
	asm volatile (
	"may_goto out%=;"
"loop%=: r6 = 1;"
	"goto loop%=;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

static __noinline int one_round(void)
{
	asm volatile (
	"may_goto out%=;"
	"r6 = 1;"
	OUT :: OPERANDS : CLOBBERS);
	return 0;
}

/* Each call starts with a counter of its own, which bounds nothing here */
SEC("?tc")
__failure __msg("infinite loop detected")
int counter_of_callee(void *ctx)
{
	while (bpf_get_prandom_u32())
		one_round();
	return 0;
}

char _license[] SEC("license") = "GPL";
