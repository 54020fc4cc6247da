#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the key/value sample: its store, its protocol, XDP in a VM
set -euo pipefail
. "$(dirname "$0")/lib.sh"

source=$tree/samples/bpf/arena_kv

sample_make all tests

# What this machine cannot run goes into the VM as well.
${guest_root:+"$top/vm/run" --cpus 1 --log "$scratch/local.log" --} \
	"$top/tests/arena_kv-local" "$source"
"$top/vm/run" --log "$scratch/vm.log" -- "$top/tests/arena_kv-vm" "$source"
all_done
