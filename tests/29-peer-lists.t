#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/peer: what it makes of what the self-tests say on another kernel
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Self-tests that do nothing: what they would say is in a file, the second time in another.
project=$scratch/project
export ARCH=x86_64
mkdir -p "$project/tests" "$project/out/peer/debian/boot" "$project/out/x86_64/selftests"
cp -r "$top/scripts" "$top/BASE" "$project/"
echo complete >"$project/out/peer/debian/.complete"
touch "$project/out/peer/debian/boot/vmlinuz-6.12" "$project/out/x86_64/selftests/kernel-peer.log"
cat >"$project/scripts/selftests" <<END
#!/bin/sh
case \$1 in
files) ;;
run-on)
	shift 4
	echo "\$*" >>"$scratch/asked"
	case \$1 in
	-d) cat "$scratch/first" ;;
	-t) cat "$scratch/second" ;;
	esac
esac
END
cat >"$project/tests/peer.fails" <<END
# what differs
arena_a/listed  it does otherwise
arena_a/times   at times: it may
arena_slow      not run: it takes minutes
END

# peer: with results of the first and, if there is to be one, of the second run.
peer() {
	: >"$scratch/asked"
	printf '%s\n' "ok - arena_a/passes" "${first[@]}" >"$scratch/first"
	printf '%s\n' "${second[@]}" >"$scratch/second"
	run "$project/scripts/peer" ours
}

asked() {
	[ "$(tail -n +2 "$scratch/asked")" = "$1" ]
}

listed=("not ok - arena_a/listed - check:FAIL:why" "ok - arena_a/times")
first=("${listed[@]}")
second=()
peer
expect "what is listed may fail" 0 "ok - arena_a/listed fails there: it does otherwise"
holds "... and is not run again" asked ""
holds "what is slow is left out" grep -qx -- '-d arena_slow' "$scratch/asked"

first=("${listed[@]}" "not ok - arena_a/busy - check:FAIL:71 of 512" "not ok - arena_b/wrong - check:FAIL:3 of 4")
second=("ok - arena_a/busy" "not ok - arena_b/wrong - check:FAIL:2 of 4")
peer
expect "what fails once, and passes by itself, passes" 0 \
	"ok - arena_a/busy the second time; the first - check:FAIL:71 of 512"
expect "what fails twice fails" 0 "not ok - arena_b/wrong - check:FAIL:3 of 4"
holds "what failed is run again, and nothing else" asked "-t arena_a/busy,arena_b/wrong"

second=("ok - arena_a/busy" "ok - arena_b/wrong # skip there is none")
peer
expect "what is skipped the second time fails" 0 "not ok - arena_b/wrong - check:FAIL:3 of 4"
second=("not ok - test_progs comes to its end - status 124")
peer
expect "a second run that does not end excuses nothing" 0 "not ok - arena_a/busy - check:FAIL:71 of 512"

first=("ok - arena_a/listed" "ok - arena_a/times")
second=()
peer
expect "what is listed has to fail" 0 "not ok - arena_a/listed - it passes there"
holds "... and gets no second try" asked ""
first=("${listed[@]}" "not ok - test_progs comes to its end - status 124: Killed")
peer
expect "a run that does not end" 0 "not ok - test_progs comes to its end"
first=("ok - arena_a/times")
peer
expect "a listed test that is not there" 0 "not ok - arena_a/listed - it is in tests/peer.fails and was not run"
all_done
