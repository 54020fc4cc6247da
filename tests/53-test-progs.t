#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# 6.1's own test_progs gives the results that it gives without the series
# Runs for x86_64 only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# On arm64 6.1 has no fentry and its like, which many of these tests attach with.
#
# What fails without the series as well:
#   tcp_hdr_options, libbpf_probe_prog_types/...LIRC_MODE2, verif_scale_seg6_loop,
#   btf_dump/...var_data  the kernel is configured without SYN_COOKIES, LIRC,
#                         IPV6_SEG6_BPF, and something that has the variable
#   sk_lookup             clang-19's code for it is refused by 6.1's verifier
#   d_path/basic          sees one stat more than it expects; the VM's files are on
#                         overlayfs, which looks at the file below as well
"$top/scripts/base-tests" compare progs
plan 1
