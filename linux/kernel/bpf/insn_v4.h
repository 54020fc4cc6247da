/* SPDX-License-Identifier: GPL-2.0-only */
/* Between verifier.c and insn_v4.c, which see */
#ifndef __BPF_INSN_V4_H
#define __BPF_INSN_V4_H

#include <linux/bpf_verifier.h>
#include <linux/filter.h>

/* In insn_v4.c */
bool bpf_v4_may_store_imm(const struct bpf_verifier_env *env);
int bpf_v4_check_insn(struct bpf_verifier_env *env, const struct bpf_insn *insn);
bool bpf_reg_is_sign_extended(const struct bpf_reg_state *reg, int size);
void bpf_reg_sign_extend(struct bpf_reg_state *reg, int size);
int bpf_v4_patch_div(const struct bpf_insn *insn, struct bpf_insn *buf);

/* In verifier.c, for insn_v4.c */
void __reg_combine_64_into_32(struct bpf_reg_state *reg);

#endif
