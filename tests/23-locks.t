#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# two that want to change the same part of out/ do it one after the other
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

project=$scratch/project
unset ARENA_LOCKS

make_project() {
	mkdir -p "$project"
	cp -r "$top/scripts" "$top/BASE" "$project/"
	cat >"$scratch/hold" <<-END
	#!/bin/bash
	set -euo pipefail
	. "$project/scripts/lib.sh"
	lock "\$@"
	echo ready
	read -r
	END
	chmod +x "$scratch/hold"
}

# hold NR MODE NAME: has a lock until release(); $pid is its process.
hold() {
	mkfifo "$scratch/in$1"
	"$scratch/hold" "${@:2}" <"$scratch/in$1" >"$scratch/out$1" 2>&1 21>&- 22>&- &
	pid=$!
	eval "exec $((20 + $1))>'$scratch/in$1'"
}

release() {
	eval "exec $((20 + $1))>&-"
	wait "$2" || true
	rm "$scratch/in$1"
}

# comes NR WORD: it is said, within a minute
comes() {
	local i
	for ((i = 0; i < 600; i++)); do
		! grep -q "$2" "$scratch/out$1" || return 0
		sleep 0.1
	done
	return 1
}

excludes() {
	local first second pid
	hold 1 "$1" thing
	first=$pid
	comes 1 ready
	hold 2 "$2" thing
	second=$pid
	holds "$1, then $2: the second waits, and says for whom" \
		comes 2 "hold: waiting for hold $1 thing (process $first), which has the lock of out/thing"
	holds "... and has nothing yet" bash -c "! grep -q ready '$scratch/out2'"
	release 1 "$first"
	holds "... and has it then" comes 2 ready
	release 2 "$second"
}

shares() {
	local first second pid
	hold 1 shared thing
	first=$pid
	comes 1 ready
	hold 2 shared thing
	second=$pid
	holds "shared, then shared: both have it" comes 2 ready
	release 1 "$first"
	release 2 "$second"
}

# A child of one that has the lock would wait for its own parent.
inherits() {
	# shellcheck disable=SC2016 # the inner shells expand it
	run timeout 60 bash -c '. "$1"; lock exclusive thing; bash -c '\''. "$1"; lock exclusive thing; echo inside'\'' - "$1"' \
		- "$project/scripts/lib.sh"
	expect "what a process has, its children have" 0 inside
}

# A kernel that is being built, or that tests run on, and scripts/tree.
scripts_use_it() {
	local first pid second
	hold 1 shared x86_64
	first=$pid
	comes 1 ready
	mkdir -p "$project/out/tree" "$project/vm/config"
	touch "$project/vm/config/"{common,x86_64,series}
	echo 'all:' >"$project/out/tree/Makefile"
	ARCH=x86_64 "$project/scripts/kernel" >"$scratch/out2" 2>&1 21>&- & second=$!
	holds "scripts/kernel does not replace a kernel that is in use" \
		comes 2 "kernel: waiting for hold shared x86_64 (process $first), which has the lock of out/x86_64"
	kill "$second"
	wait "$second" || true
	run "$project/scripts/clean"
	expect "scripts/clean refuses, too" 1 "out/ is in use by hold shared x86_64 (process $first)"
	holds "... and has removed nothing" [ -d "$project/out/tree" ]
	release 1 "$first"

	hold 1 shared tree
	first=$pid
	comes 1 ready
	echo 6.1.1-1 >"$project/out/src.version"
	"$project/scripts/tree" >"$scratch/out2" 2>&1 21>&- & second=$!
	holds "scripts/tree does not change a tree that is in use" \
		comes 2 "tree: waiting for hold shared tree (process $first), which has the lock of out/tree"
	kill "$second"
	wait "$second" || true
	release 1 "$first"
	run "$project/scripts/clean"
	expect "scripts/clean has its way afterwards" 0 ""
	holds "... and nothing is left" [ ! -e "$project/out" ]
}

# As after scripts/clean: the lock's file is another one.
survives_clean() {
	local first pid second
	hold 1 exclusive thing
	first=$pid
	comes 1 ready
	hold 2 exclusive thing
	second=$pid
	comes 2 waiting
	rm -r "$project/out/.lock"
	release 1 "$first"
	comes 2 ready
	hold 1 exclusive thing
	holds "who waited while out/ was removed has the lock all the same" comes 1 waiting
	release 2 "$second"
	release 1 "$pid"
}

# Two suites that build the sample do so one after the other.
builds_sample() {
	local i jobs=()
	mkdir -p "$project/out/tree/samples/bpf/arena_kv"
	# shellcheck disable=SC2016 # make expands it
	echo 'all: ; @mkdir $(O)/busy && sleep 1 && rmdir $(O)/busy' \
		>"$project/out/tree/samples/bpf/arena_kv/Makefile"
	for i in 1 2; do
		bash -euc '. "$1"; sample_make all' - "$project/scripts/lib.sh" >&2 & jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		status=0
		wait "$i" || status=$?
		holds "the sample is built by one at a time" [ "$status" = 0 ]
	done
}

make_project
excludes exclusive exclusive
excludes exclusive shared
excludes shared exclusive
shares
inherits
survives_clean
builds_sample
scripts_use_it
plan 20
