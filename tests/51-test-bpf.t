#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# 6.1's own test_bpf: the JIT and the interpreter on every instruction
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# The module refuses to stay loaded, so what counts is its summary.
run "$top/vm/run" --timeout 600 --log "$scratch/log" -- \
	insmod "$out/$arch/build/lib/test_bpf.ko"
summary=$(grep -o 'test_bpf: Summary: .*' "$scratch/log") || true
if [ -z "$summary" ]; then
	not_ok "test_bpf" "no summary in the kernel's log: $(last_line)"
fi
while IFS= read -r line; do
	[ -z "$line" ] || case $line in
	*", 0 FAILED"*) ok "$line" ;;
	*) not_ok "test_bpf" "$line" ;;
	esac
done <<<"$summary"
while IFS= read -r line; do
	not_ok "$line" "see out/test/51-test-bpf.log"
done < <(grep -oE 'test_(bpf|tail_calls|skb_segment): #[0-9]+ .* FAIL.*' "$scratch/log")
