#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the key/value sample: its store, its protocol, XDP in a VM
set -euo pipefail
. "$(dirname "$0")/lib.sh"

source=$tree/samples/bpf/arena_kv

sample_make all tests

# take_port PORT: another program of this machine has it.
take_port() {
	python3 -c '
import socket, sys, time
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    time.sleep(1500)' "$1" 2>/dev/null & taken=$!
}

take_port 21211
# What this machine cannot run goes into the VM as well.
reports ${guest_root:+"$top/vm/run" --cpus 1 --log "$scratch/local.log" --} \
	"$top/tests/arena_kv-local" "$source"
kill "$taken" 2>/dev/null || true
reports "$top/vm/run" --log "$scratch/vm.log" -- "$top/tests/arena_kv-vm" "$source"
all_done
