#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench arena-*: a second of each, in the VM
# Runs for x86_64 only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# counts NAME: its summary has hits, and no drops.
counts() {
	local summary
	summary=$(grep "^$1 Summary: " <<<"$said" || true)
	if [[ $summary =~ hits\ +([0-9.]+)\ .*drops\ +0\.000\  ]] &&
		[[ ${BASH_REMATCH[1]} =~ [1-9] ]]; then
		ok "bench $1"
	else
		not_ok "bench $1" "it has hits and no drops in: ${summary:-no summary}"
	fi
}

"$top/scripts/selftests" build
run "$top/scripts/selftests" bench
expect "bench comes to its end" 0 "arena-"
for name in arena-list arena-hash arena-alloc; do
	counts $name
done
plan 4
