#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the key/value sample: its store, its protocol, XDP in a VM
set -euo pipefail
. "$(dirname "$0")/lib.sh"

source=$tree/samples/bpf/arena_kv
sample=$out/$arch/arena_kv
port=21211
server_pid=''
trap '[ -z "$server_pid" ] || kill $server_pid; rm -rf "$scratch"' EXIT

# start CMD...: a server on this machine, in the background.
start() {
	"$@" 2>>"$scratch/server.log" &
	server_pid=$!
	local tries
	for ((tries = 0; tries < 100; tries++)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
		sleep 0.1
	done
	return 1
}

stop() {
	status=0
	kill "$server_pid"
	wait "$server_pid" || status=$?
	server_pid=''
}

# Python writes no cache: the source may be read-only, and is not ours.
export PYTHONDONTWRITEBYTECODE=1

make -s -C "$source" O="$sample" all tests >&2

"$sample/store_test" || true

start memcached -u nobody -p $port -U $port -l 127.0.0.1
"$source/tests/proto_test.py" 127.0.0.1 $port memcached || true
stop

# With sanitizers, and without an arena: an error of memory ends the server.
start "$sample/anon_kvd" -u nobody -p $port -U $port -l 127.0.0.1
"$source/tests/proto_test.py" 127.0.0.1 $port || true
holds "memccapable without an arena" memccapable -a -h 127.0.0.1 -p $port
stop
if [ "$status" = 0 ]; then
	ok "no sanitizer complained"
else
	not_ok "no sanitizer complained" "status $status: $(tail -n 1 "$scratch/server.log")"
fi

start "$sample/anon_kvd" -u nobody -p $port -l 127.0.0.1 -c 1
exec 3<>"/dev/tcp/127.0.0.1/$port"
sleep 0.2
run timeout 5 cat <"/dev/tcp/127.0.0.1/$port"
expect "one connection too many" 0 "ERROR Too many open connections"
exec 3>&-
stop

"$top/vm/run" --timeout 600 -- "$top/tests/arena_kv-vm" "$sample" "$source"
