#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fuzzing: each part for a while, and that it finds what is wrong on purpose
set -euo pipefail
. "$(dirname "$0")/lib.sh"

fuzz=$top/scripts/fuzz
seconds=${TIME:-60}
# The same each time, so that what is found comes from the change before: make fuzz
# takes a random one.
seed=${SEED:-1}
unset ONLY ROUND # make test means something else by the first

run "$fuzz" build
expect "it builds" 0 "building"
list_of "$fuzz" list
parts=("${list[@]}")
for part in "${parts[@]}"; do
	run env ONLY="$part" TIME="$seconds" SEED="$seed" "$fuzz" run
	expect "$part: $seconds s and nothing found" 0 "things tried"
	grep "things tried" <<<"$said" | sed 's/^/list /' || true
	run env ONLY="$part" TIME="$seconds" SEED="$seed" "$fuzz" self-check
	expect "$part: it finds what is wrong on purpose, and says how to repeat it" 0 "$part: finding:"
	[ "$part" = verifier ] || continue
	round=$(sed -n 's/.* ROUND=\([0-9]*\).*/\1/p' <<<"$said" | tail -n 1)
	run env ONLY="$part" TIME="$seconds" SEED="$seed" ROUND="${round:-0}" "$fuzz" self-check
	expect "$part: that round alone finds it again" 0 "round ${round:-?};"
done

run env ONLY=nothing "$fuzz" run
expect "a part that is not there" 1 "no part nothing"
run env SEED=x "$fuzz" run
expect "a seed that is no number" 1 "SEED=x is not a number"
run env ROUND=1 "$fuzz" run
expect "a round of no part" 1 "ROUND is one of a part"
plan $((5 + 2 * ${#parts[@]}))
