#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bpftool: man pages without a warning, and its lists of names agree
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

bpftool_source=$tree/tools/bpf/bpftool
export PATH=/usr/bin:$PATH	# Debian's python3 has Debian's docutils

mkdir "$scratch/man"
run make -s -C "$bpftool_source" doc OUTPUT="$scratch/man/"
if [ "$status" = 0 ] && ! grep -qE 'WARNING|ERROR|SEVERE' <<<"$said"; then
	ok "the man pages are built without a warning"
else
	not_ok "the man pages are built without a warning" "status $status: $(reason)"
fi
holds "bpftool-map.8 has arena" grep -q '\\fBarena\\fP' "$scratch/man/bpftool-map.8"

# synctypes NAME STATUS TEXT: 6.1's own check that lists in bpftool's code, help,
# pages and completion are the kernel's.
synctypes() {
	run env BPFTOOL_DIR="$scratch/bpftool" \
		"$tree/tools/testing/selftests/bpf/test_bpftool_synctypes.py"
	expect "$@"
}

cp -r "$bpftool_source" "$scratch/bpftool"
synctypes "bpftool's lists of names agree" 0 ''
sed -i 's/ | \*\*arena\*\* }/ }/' "$scratch/bpftool/Documentation/bpftool-map.rst"
synctypes "they are seen to disagree when arena is left out" 1 'arena'
plan 4
