#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make bench: what report.py makes of results, and one row that is measured in the VM
# Runs for x86_64 only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

report=$top/bench/report.py
raw=$scratch/raw

# raw_results OURS: two boots of each kernel, in which row b/two is missing on one
raw_results() {
	mkdir -p "$raw"
	printf '%s\t%s\t%s\t%s\n' a/one instr "0.5 stock" "the first" \
		b/two instr "1.2 ours a/one" "the second" c/three bytes "0 -" "the third" >"$raw/rows"
	printf 'quick\t0\n' >"$raw/environment"
	printf 'row\ta/one\t%s\nrow\tb/two\t119\nrow\tc/three\t1\n' "$1" >"$raw/ours-1"
	printf 'row\ta/one\t101\nrow\tb/two\t119\nrow\tc/three\t1\n' >"$raw/ours-2"
	printf 'row\ta/one\t200\nmissing\tb/two\tno such thing\nrow\tc/three\t0\n' |
		tee "$raw/stock-1" >"$raw/stock-2"
	echo "no results" >"$raw/ours-1.log"
}

# has NAME PATTERN: a line of what was said matches
has() {
	if grep -Eq -- "$2" <<<"$said"; then
		ok "$1"
	else
		not_ok "$1" "no line matches '$2'"
	fi
}

has_not() {
	if grep -Eq -- "$2" <<<"$said"; then
		not_ok "$1" "a line matches '$2'"
	else
		ok "$1"
	fi
}

table() {
	raw_results "9 100 1000"
	run "$report" table "$raw" "$scratch/results"
	expect "table: it is printed" 0 "a/one"
	has "table: medians of rounds and boots, spread, ratio, missed goal" \
		'^a/one +the first +instr +100 +200 +0\.50 +100 +missed by 0\.5 +1\.00 % +0\.00 %$'
	has "table: a goal by another row, and a missing peer" \
		'^b/two +the second +instr +119 +- +- +121 +ok +0\.00 % +-$'
	has "table: why it is missing" 'on stock: no such thing \(b/two\)'
	holds "results.csv has each kernel" grep -q '^a/one,instr,stock,200.0,0.000000,200.0 200.0,,the first' \
		"$scratch/results.csv"
	echo "row a/one" >"$raw/ours-2"
	run "$report" table "$raw" "$scratch/results"
	expect "table: a line that is no result is named" 1 "ours-2, line 1 is no result: row a/one"
}

compare() {
	local name
	for name in 100 102 104; do
		raw_results $name
		printf 'row\ta/one\t%s\nrow\tb/two\t119\nrow\tc/three\t1\n' $name >"$raw/ours-2"
		"$report" table "$raw" "$scratch/$name" >/dev/null
	done
	run "$report" compare "$scratch/100.json" "$scratch/102.json"
	expect "compare: 2 % is not worse" 0 "0 of 3 rows are worse"
	run "$report" compare "$scratch/100.json" "$scratch/104.json"
	expect "compare: 4 % is" 1 "1 of 3 rows are worse by more than 2 %"
	has "compare: which" '^a/one: worse by 4\.0 %, 100 -> 104 instr$'
	has_not "compare: no other" '^b/two'
	run "$report" compare "$scratch/104.json" "$scratch/100.json"
	expect "compare: better is not worse" 0 "0 of 3 rows"
	sed -i 's,b/two,b/zwei,' "$scratch/102.json"
	run "$report" compare "$scratch/100.json" "$scratch/102.json"
	has "compare: a row of one file only" "^b/zwei: only in .*102.json"
	echo '{}' >"$scratch/bad.json"
	run "$report" compare "$scratch/100.json" "$scratch/bad.json"
	expect "compare: a file that is none" 1 "bad.json is no result"
}

# The clock has to count instructions, or nothing else means anything.
in_vm() {
	run env QUICK=1 KERNELS=ours ONLY=insn/load OUT="$scratch/bench" "$top/scripts/bench"
	expect "in the VM: it ends" 0 "insn/load"
	has "in the VM: a load is one instruction" '^insn/load +load +instr +1\.0 '
	has_not "in the VM: no row that was not asked for" '^pages/'
	run env ONLY=nothing OUT="$scratch/bench" "$top/scripts/bench"
	expect "a row that is not there" 1 "no row is named nothing"
	run env KERNELS=windows OUT="$scratch/bench" "$top/scripts/bench"
	expect "a kernel that is not there" 1 "no kernel windows"
	run "$top/out/bench/root/bench" -o insn/load
	expect "outside of a VM that counts it says so" 1 "vm/run --icount"
}

if [ "$(host_arch)" != x86_64 ]; then
	skip "bench" "its clock is for x86-64, this machine is not"
	exit
fi
table
compare
in_vm
