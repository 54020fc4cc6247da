#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bpftool: arenas on its command line, in the VM
set -euo pipefail
. "$(dirname "$0")/lib.sh"

"$top/scripts/selftests" build
exec 9>"$kernel_dir/selftests/lock"	# against a build of another suite
flock -s 9
bpftool_make
$cc -O2 -Wall -shared -fPIC -o "$bpftool_dir/later_kernel.so" "$top/tests/later_kernel.c" -ldl
reports "$top/vm/run" --timeout 300 --log "$scratch/log" -- \
	"$top/tests/bpftool-vm"
all_done
