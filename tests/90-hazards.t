#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# every line of tests/hazards has a test that passed, on each architecture
# Runs once, after the others.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# covered ARCH NN: names of the tests, one a line. Those on another kernel than
# ours say nothing of it.
covered() {
	local file
	for file in "$out/test/$1"-*.results; do
		[[ $file != *-peer.results ]] || continue
		sed -n "/ # skip/d; s/^ok - \([^ :,]*hazard_$2_[^ :,]*\).*/\1/p" "$file"
	done | sort -u
}

# One line a hazard, with the tests that not all architectures have marked.
show() {
	local nn=$1 words=$2 one names=''
	shift 2
	for one in "$@"; do
		covered "$one" "$nn" | sed "s/\$/ $one/"
	done | sort >"$scratch/names"
	names=$(awk -v all=$# '
		{ on[$1] = on[$1] " " $2; times[$1]++ }
		END { for (name in on) print name (times[name] < all ? " (" substr(on[name], 2) " alone)" : "") }
	' "$scratch/names" | sort | paste -sd , | sed 's/,/, /g')
	fold -s -w 96 <<<"$nn $words: ${names:-no test}" | sed 's/ *$//; 2,$s/^/   /; s/^/list /'
}

read -ra arches <<<"${ARCHES:-$arch}"
for arch in "${arches[@]}"; do
	compgen -G "$out/test/$arch-40-*.results" >/dev/null ||
		not_ok "self-tests on $arch" "they have not run (make test)"
done
lines=0
while read -r nn words; do
	case $nn in ''|\#*) continue ;; esac
	lines=$((lines + 1))
	show "$nn" "$words" "${arches[@]}"
	for arch in "${arches[@]}"; do
		names=$(covered "$arch" "$nn" | wc -l)
		if [ "$names" = 0 ]; then
			not_ok "line $nn, $words, on $arch" "no test of it passed"
		else
			ok "line $nn on $arch: $names tests"
		fi
	done
done <"$top/tests/hazards"
[ $lines = 36 ] || not_ok "tests/hazards has 36 lines" "it has $lines"
plan $((lines * ${#arches[@]}))
