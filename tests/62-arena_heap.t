#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# arena-heap: programs with their heap in an arena, in a VM
set -euo pipefail
. "$(dirname "$0")/lib.sh"

source=$tree/tools/bpf/arena_heap

# Debian's programs that run under it are for this machine.
if [ "$arch" != "$(host_arch)" ]; then
	skip "arena-heap" "the guest has no packages of $arch"
	all_done
	exit
fi

[ -e "$kernel_dir/sdk/bin/bpftool" ] || "$top/scripts/sdk"
# by programs of another user
chmod 755 "$scratch"
mkdir -p "$scratch/heap"
holds "it is built" make -s -C "$source" OUTPUT="$scratch/heap/" all
holds "its tests are built" make -s -C "$source" OUTPUT="$scratch/heap/" \
	SDK="$kernel_dir/sdk" tests
reports "$top/vm/run" --timeout 1800 --log "$kernel_dir/arena_heap.log" -- \
	"$top/tests/arena_heap-vm" "$scratch/heap"

# The manual page: no complaint, and every option is there.
# Newer docutils quote the title.
run rst2man --strict "$source/arena-heap.rst"
said=${said//\"/}
expect "the manual page is built" 0 ".TH ARENA-HEAP"
list_of sed -n 's/^	"  \( *\|-., \)--\([a-z]*\) .*/--\2/p' "$source/arena_heap.c"
for option in "${list[@]}"; do
	holds "the manual page describes $option" grep -qe "$option" "$source/arena-heap.rst"
done
all_done
