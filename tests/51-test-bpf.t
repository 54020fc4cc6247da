#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# 6.1's own test_bpf: what the JIT makes of every instruction
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Left out: from number 800 on, tests of "all magnitudes" of operands, which
# need many minutes under emulation.
suites=("test_suite=test_bpf test_range=0,799" test_suite=test_tail_calls
	test_suite=test_skb_segment)

cat >"$scratch/load" <<'END'
module=$1
shift
for parameters in "$@"; do
	insmod "$module" $parameters && rmmod test_bpf || exit 1
done
END
run "$top/vm/run" --timeout 300 --log "$scratch/log" -- \
	sh "$scratch/load" "$kernel_dir/build/lib/test_bpf.ko" "${suites[@]}"
[ "$status" = 0 ] || not_ok "test_bpf loads and passes" "status $status: $(last_line)"

mapfile -t summaries < <(grep -aoE 'test_[a-z_]+: Summary: .*' "$scratch/log")
for line in "${summaries[@]}"; do
	if [[ $line = *" 0 PASSED"* || $line != *", 0 FAILED"* ]]; then
		not_ok "$line" "see the lines with FAIL"
	else
		ok "hazard_24_$line"
	fi
done
[ ${#summaries[@]} = ${#suites[@]} ] ||
	not_ok "test_bpf's suites all end" "${#summaries[@]} of ${#suites[@]} gave a summary"
while IFS= read -r line; do
	not_ok "$line" "it says so"
done < <(grep -aoE 'test_bpf: #[0-9]+ .* FAIL.*' "$scratch/log")
plan ${#suites[@]}
