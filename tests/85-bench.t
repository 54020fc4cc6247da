#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make bench: its tables, what takes a JIT's code, and some rows that are measured
# Runs for x86_64 only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

report=$top/bench/report.py
plot=$top/bench/plot.py
raw=$scratch/raw

# raw_results OURS: two boots of each kernel, in which row b/two is missing on one
raw_results() {
	mkdir -p "$raw"
	printf '%s\t%s\t%s\t%s\n' a/one instr "0.5 stock" "the first" \
		b/two instr "1.2 ours a/one" "the second" c/three bytes "0 -" "the third" \
		t/four ns "1.15 C" "the fourth" t/five ns - "the fifth" >"$raw/rows"
	raw_times "${2:-20 22 24 46 100}" >"$raw/native"
	printf 'quick\t0\n' >"$raw/environment"
	printf 'row\ta/one\t%s\nrow\tb/two\t119\nrow\tc/three\t1\n' "$1" >"$raw/ours-1"
	printf 'row\ta/one\t101\nrow\tb/two\t119\nrow\tc/three\t1\n' >"$raw/ours-2"
	printf 'row\ta/one\t200\nmissing\tb/two\tno such thing\nrow\tc/three\t0\n' |
		tee "$raw/stock-1" >"$raw/stock-2"
	echo "no results" >"$raw/ours-1.log"
}

# raw_times OURS: runs of two rows. In the fourth turn the machine is half as fast. Stock
# has not been asked for the second.
raw_times() {
	printf 'row\tt/%s\t%s\t%s\n' four C "20 20 20 40 20" four C+count "22 22 22 44 22" \
		four ours "$1" four stock "30 30 30 60 30" five C "1 1" five ours "2 2"
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
	has "table: times, in a table of their own, as multiples of C in the same turn" \
		'^t/four +the fourth +ns +20 +22 +24 +30 +1\.10 +1\.15 +1\.50 +1\.15 +ok +50\.00 % +0\.00 % +178\.26 % +0\.00 %$'
	has "table: a side that has no time" '^t/five +the fifth +ns +1 +- +2 +- +- +2\.00 +- +0\.00 % +- +0\.00 % +-$'
	has "table: it says which clock a column is of" '^time +unit +C +C\+count +ours +stock +C\+count/C +ours/C +stock/C'
	has_not "table: no column for a side that nobody measured" 'C\+insns'
	has "table: why it is missing" 'on stock: no such thing \(b/two\)'
	holds "results.csv has each kernel" grep -q '^a/one,instr,stock,200.0,0.000000,200.0 200.0,,the first' \
		"$scratch/results.csv"
	raw_results 100 "24 24 24 48 24"
	run "$report" table "$raw" "$scratch/results"
	has "table: a goal by C is missed" '^t/four .* 1\.20 .* missed by 0\.05'
	echo "row a/one" >"$raw/native"
	run "$report" table "$raw" "$scratch/results"
	expect "table: a line that is no time is named" 1 "native, line 1 is no result: row a/one"
	rm "$raw/native"
	echo "row a/one" >"$raw/ours-2"
	run "$report" table "$raw" "$scratch/results"
	expect "table: a line that is no result is named" 1 "ours-2, line 1 is no result: row a/one"
}

# What verification takes is compared with the kernel without the series, and nothing else
table_of_base() {
	raw_results 100
	printf 'v/six\tinstr\t1.01 base\tthe sixth\n' >>"$raw/rows"
	printf 'row\tv/six\t102\n' | tee -a "$raw/ours-1" >>"$raw/ours-2"
	printf 'row\tv/six\t100\n' >"$raw/base-1"
	run "$report" table "$raw" "$scratch/results"
	has "table: a row of the kernel without the series" \
		'^v/six +the sixth +instr +102 +100 +- +1\.02 +- +101 +missed by 1\.0 '
	has_not "table: the others are none of it" "on base:"
	rm -r "$raw"
}

compare() {
	local name
	for name in 100 102 104; do
		raw_results $name
		printf 'row\ta/one\t%s\nrow\tb/two\t119\nrow\tc/three\t1\n' $name >"$raw/ours-2"
		"$report" table "$raw" "$scratch/$name" >/dev/null
	done
	run "$report" compare "$scratch/100.json" "$scratch/102.json"
	expect "compare: 2 % is not worse" 0 "0 of 5 rows are worse"
	run "$report" compare "$scratch/100.json" "$scratch/104.json"
	expect "compare: 4 % is" 1 "1 of 5 rows are worse by more than 2 %"
	has "compare: which" '^a/one: worse by 4\.0 %, 100 -> 104 instr$'
	has_not "compare: no other" '^b/two'
	run "$report" compare "$scratch/104.json" "$scratch/100.json"
	expect "compare: better is not worse" 0 "0 of 5 rows"
	compare_times
	sed -i 's,b/two,b/zwei,' "$scratch/102.json"
	run "$report" compare "$scratch/100.json" "$scratch/102.json"
	has "compare: a row of one file only" "^b/zwei: only in .*102.json"
	echo '{}' >"$scratch/bad.json"
	run "$report" compare "$scratch/100.json" "$scratch/bad.json"
	expect "compare: a file that is none" 1 "bad.json is no result"
}

# table_of_times NAME OURS
table_of_times() {
	raw_results 100 "$2"
	"$report" table "$raw" "$scratch/$1" >/dev/null
}

# Multiples of C's differ by nothing, or by much.
compare_times() {
	table_of_times even "20 20 20 40 20"
	table_of_times slower "21 21 21 42 21"
	table_of_times uneven "10 10 21 100 50"
	run "$report" compare "$scratch/even.json" "$scratch/slower.json"
	expect "compare: times are compared as multiples of C" 1 \
		"t/four: worse by 5.0 %, 1.00 -> 1.05 times C"
	run "$report" compare "$scratch/even.json" "$scratch/uneven.json"
	expect "compare: not by less than the runs differ" 0 "0 of 5 rows"
}

# One plot that has two points of C's, and one of ours, which makes no line
plots() {
	cat >"$scratch/plots.json" <<-'END'
		{ "rows": [
		{ "name": "native/find-64", "unit": "ns", "results": {
		  "C": { "value": 2, "runs": [1, 2, 3] }, "ours": { "value": 3, "runs": [3] } } },
		{ "name": "native/find-4m", "unit": "ns", "results": {
		  "C": { "value": 90, "runs": [80, 90, 99] }, "ours": { "missing": "for a test" } } } ] }
	END
	run "$plot" "$scratch/plots.json" "$scratch"
	expect "plot: it is drawn" 0 "plot hash-time: $scratch/hash-time.svg"
	expect "plot: one without points is not" 0 "plot pages: not drawn"
	holds "plot: that one leaves no file" test ! -e "$scratch/pages.svg"
	run python3 -c 'import sys, xml.etree.ElementTree as t; print(*t.parse(sys.argv[1]).getroot().itertext())' \
		"$scratch/hash-time.svg"
	expect "plot: it is SVG with a title" 0 "Look-up in a hash table, keys of 16 bytes"
	has "plot: a line of two points" "C, -O2"
	has_not "plot: no line of one" "arena, ours"
	run "$plot" "$scratch/plots.json" "$scratch/not-there"
	expect "plot: a directory that is not there" 1 "gnuplot has not drawn $scratch/not-there/hash-time.svg"
	run "$plot" "$scratch/bad.json" "$scratch"
	expect "plot: a file that is none" 1 "bad.json is no result"
}

# code PROGRAM HEX: what bench -j prints of one function
code() {
	printf 'jit\t%s\tffffffffc0000100\t%s\n' "$1" "$2"
}

# Code that is not what the JIT makes: none of it may look like a result.
native() {
	local native=$top/out/bench/build/native list=(-q -o native/list-64)
	code walk 31c0c3 >"$scratch/wrong"
	run "$native" "${list[@]}" k="$scratch/wrong"
	expect "native: a wrong result is none" 1 "native/list-64: k comes to 0, another one to"
	code walk e800100000c3 >"$scratch/calls"
	run "$native" "${list[@]}" k="$scratch/calls"
	expect "native: a call of what is not there" 1 "native/list-64: the code touches 0x"
	code load 31c0c3 >"$scratch/other"
	run "$native" "${list[@]}" k="$scratch/other"
	expect "native: a program that is not there" 1 "k has no code for walk"
	printf 'calls\twalk\t7\n' >"$scratch/kernel"
	run "$native" "${list[@]}" k="$scratch/kernel"
	expect "native: a program that calls the kernel is left out" 0 \
		"native/list-64: not on k, where walk calls the kernel"
	has "native: ... and C is not" "row	native/list-64	C	"
	has_not "native: ... nor has it a result" "native/list-64	k	"
	echo "jit walk" >"$scratch/text"
	run "$native" "${list[@]}" k="$scratch/text"
	expect "native: a file that is none" 1 "text, line 1 is no code"
	: >"$scratch/empty"
	run "$native" "${list[@]}" k="$scratch/empty"
	expect "native: an empty one" 1 "empty has no code"
}

# The cheapest first of what is known to cost more and more.
rows="insn/load,hash/find-64,hash/find-k64-64,hash/map-64-find,hash/map-k64-64-find"
rows+=",hash/mmapable-find,load/*,call/*,user/*-64,lib/*,kv/*,verify/*_loop1,verify/bpf_flow"

# costs WHAT FACTOR ROW...: each row is more than FACTOR times the one before it.
costs() {
	local row last=0 now factor=$2
	for row in "${@:3}"; do
		now=$(awk -F , -v row="$row" '$1 == row { print $4 }' "$scratch/bench/results.csv")
		if ! awk -v now="$now" -v last="$last" -v factor="$factor" \
			'BEGIN { exit !(now > last * factor) }'; then
			not_ok "costs: $1" "$row has '$now', the one before it $last"
			return
		fi
		last=$now
	done
	ok "costs: $1"
}

# The clock has to count instructions, or nothing else means anything.
in_vm() {
	run env QUICK=1 KERNELS=ours ONLY="$rows" "$top/scripts/bench" --to "$scratch/bench"
	expect "in the VM: it ends" 0 "insn/load"
	costs "look-ups, arena and map, 16 and 64 bytes" 1 \
		hash/find-64 hash/find-k64-64 hash/map-64-find hash/map-k64-64-find
	costs "in an array" 1 hash/mmapable-find hash/find-64
	costs "a stack, and a ring" 1 lib/stack lib/ring
	costs "load" 1 load/empty load/arena load/walk load/find
	costs "verification of one program, and of many" 2 verify/test_sysctl_loop1 verify/bpf_flow
	costs "a function that touches the arena costs more to call" 1 call/arena call/touch
	costs "plain loads and look-ups" 100 user/loads-64 user/lookups-64
	costs "a GET, XDP and not" 5 kv/xdp-miss kv/udp-miss
	costs "a GET of more bytes" 1 kv/xdp-32 kv/xdp-1024
	has "in the VM: a load is one instruction" '^insn/load +load +instr +1\.0 '
	has_not "in the VM: no row that was not asked for" '^pages/'
	run env QUICK=1 KERNELS=ours ONLY=native/list-64,native/call "$top/scripts/bench" --to "$scratch/bench"
	expect "native: it ends" 0 "native/list-64"
	has "native: a list, of C's and of ours" '^native/list-64 .* ns +[0-9.]+ +[0-9.]+ +[0-9.]+ '
	has "native: functions that call each other" '^native/call .* ns +[0-9.]+ +[0-9.]+ +[0-9.]+ '
	holds "native: each run is in results.json" python3 -c '
import json, sys
results = json.load(open(sys.argv[1]))["rows"][0]["results"]
assert len(results["C"]["runs"]) == len(results["ours"]["runs"]) >= 10' "$scratch/bench/results.json"
	run env ONLY=nothing "$top/scripts/bench" --to "$scratch/bench"
	expect "a row that is not there" 1 "no row is named nothing"
	mkdir -p "$scratch/precious/raw"
	touch "$scratch/precious/plot.svg"
	run env ONLY=nothing OUT="$scratch/precious" "$top/scripts/bench" --to "$scratch/bench"
	holds "an OUT that is exported for something else is left alone" \
		[ -d "$scratch/precious/raw" -a -e "$scratch/precious/plot.svg" ]
	run env ONLY=nothing "$top/scripts/bench" --to "$scratch/precious"
	expect "a directory with other files is refused" 1 "precious has files, and no results"
	holds "... and left alone" [ -d "$scratch/precious/raw" -a -e "$scratch/precious/plot.svg" ]
	run env KERNELS=windows "$top/scripts/bench" --to "$scratch/bench"
	expect "a kernel that is not there" 1 "no kernel windows"
	run "$top/out/bench/root/bench" -o insn/load
	expect "outside of a VM that counts it says so" 1 "vm/run --icount"
}

if [ "$(host_arch)" != x86_64 ]; then
	skip "bench" "its clock is for x86-64, this machine is not"
	all_done
	exit
fi
table
table_of_base
compare
plots
in_vm
native
all_done
