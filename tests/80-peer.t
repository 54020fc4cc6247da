#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# programs and loaders from elsewhere: ours on Debian's 6.12, later ones on our kernel
# Runs for x86_64 only.
# With NEWEST=1 (make test-peer): ours on the newest kernel that Debian has, as well.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

if [ "$(host_arch)" != x86_64 ]; then
	skip "peer" "Debian's cloud kernel and its programs are for x86-64, this machine is not"
	all_done
	exit
fi
run "$top/scripts/peer" fetch
if [ "$status" != 0 ]; then
	skip "peer" "no packages of Debian's 6.12: $(last_line)"
	all_done
	exit
fi
"$top/scripts/selftests" build
reports "$top/scripts/peer" ours
reports "$top/scripts/peer" later
if [ -n "${NEWEST:-}" ]; then
	holds "the newest kernel is fetched" "$top/scripts/peer" fetch-newest
	reports "$top/scripts/peer" newest
fi
all_done
