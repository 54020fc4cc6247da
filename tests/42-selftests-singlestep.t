#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# pages that go away between two instructions of one atomic, in the VM
#
# Emulated in blocks, as elsewhere, the load and the cmpxchg of an x86-64 atomic
# are never apart, and the second's exception table entry is not needed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

"$top/scripts/selftests" build
holds "atomics race with free, one instruction at a time" "$top/vm/run" --singlestep \
	--timeout 300 --log "$out/$arch/selftests/kernel-singlestep.log" -- \
	env -C "$out/$arch/selftests" ./test_progs -t arena_life/hazard_15_atomics
if [[ $said = *"1/1 PASSED, 0 SKIPPED, 0 FAILED"* ]]; then
	ok "hazard_15_atomics, one instruction at a time"
else
	not_ok "the race was run" "$(last_line)"
fi
plan 2
