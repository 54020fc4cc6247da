#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# arena_memcached: XDP answers for Debian's memcached, in a VM
set -euo pipefail
. "$(dirname "$0")/lib.sh"

source=$tree/samples/bpf/arena_memcached

# The preloaded library and the probe by themselves, where the guest has neither memcached
# nor mimalloc, too
mc=$out/$arch/arena_memcached
mkdir -p "$mc"
holds "the tests of preloaded library and probe are built" flock "$mc/.lock" \
	make -s -C "$source" O="$mc" CC="$cc" "$mc/preload_test" "$mc/probe_test"
# shellcheck disable=SC2016 # the inner shell expands it
reports "$top/vm/run" --log "$kernel_dir/arena_memcached-preload.log" -- \
	sh -c '"$0"; first=$?; "$1" && exit $first' "$mc/preload_test" "$mc/probe_test"

# memcached is this machine's, and libmimalloc.
if [ "$arch" != "$(host_arch)" ]; then
	skip "arena_memcached" "the guest has no packages of $arch"
	all_done
	exit
fi

sample_make all # its clients
holds "it is built" flock "$mc/.lock" make -s -C "$source" O="$mc" ARCH="$arch" CC="$cc"

# Stale values are found, if there are any.
for how in none:nothing delete:found append:found; do
	run timeout 120 "$source/tests/stale.py" "$mc/mc_race" "${how%:*}"
	expect "mc_race, stale values after ${how%:*}: it finds ${how#*:}" 0 "${how#*:}"
done

# program NAME SED: arena-memcached-NAME, with a program that SED has changed
program() {
	mkdir -p "$mc/$1"
	sed "$2" "$source/arena_memcached.bpf.c" >"$mc/$1/arena_memcached.bpf.c"
	holds "$1: it is built" flock "$mc/.lock" make -s -C "$source" O="$mc" ARCH="$arch" \
		CC="$cc" "$mc/arena-memcached-$1"
}

# Something changes between steps 4 and 5 of layout.h, or a packet has no room, when a test
# says so.
hook='/^\/\* Step 5:/i #include "tests/steps.h"
	s/if (!is_unchanged(dir, q))/change_meanwhile(dir, q);\n\t&/
	s/(size > was && !resize/(size > was \&\& has_no_room(dir)) ||\n\t    &/'
program hooked "$hook"
# The same without the checks of one number. If sed matches nothing, this is the real program,
# and the test in the VM, which expects its failure, fails.
program lock "$hook; s/q->seq | //; s/lock_unchanged(q) && //"
program tables "$hook; s/(q->seq | q->generation)/q->seq/; s/ && tables_unchanged(dir, q)//"

reports "$top/vm/run" --timeout 1800 --log "$kernel_dir/arena_memcached.log" -- \
	env LONG="${LONG:-1}" "$top/tests/arena_memcached-vm" "$mc" "$source"

# Two CPUs are enough for make test; make test-long has more.
[ "${LONG:-1}" = 1 ] ||
	reports "$top/vm/run" --cpus 8 --timeout 1800 --log "$kernel_dir/arena_memcached-cpus.log" -- \
		"$top/tests/arena_memcached-vm" "$mc" "$source" cpus

# The page has every option of ours.
list_of sed -n 's/^	"  \( *\|-., \)--\([a-z-]*\) .*/--\2/p' "$source/options.c"
for option in "${list[@]}"; do
	holds "README.rst describes $option" grep -qe "$option" "$source/README.rst"
done

# What a GET costs the server, in instructions
reports "$top/vm/run" --icount --timeout 1800 --log "$kernel_dir/arena_memcached-count.log" -- \
	"$top/tests/arena_memcached-vm" "$mc" "$source" count
all_done
