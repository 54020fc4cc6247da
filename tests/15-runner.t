#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the test runner counts what suites report, and nothing looks like success
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

export ARCH=arm64
mkdir -p "$scratch/tests" "$scratch/scripts"
cp "$top/tests/run" "$scratch/tests/"
cp "$top/scripts/lib.sh" "$scratch/scripts/"
cp "$top/BASE" "$scratch/"

# suite NAME: its text is on stdin.
suite() {
	{
		printf '#!/bin/bash\n# SPDX-License-Identifier: GPL-2.0\n#\n# %s\n' "$1"
		cat
	} >"$scratch/tests/$1.t"
	chmod +x "$scratch/tests/$1.t"
}

suite 10-good <<-'END'
	echo "ok one"
	echo "chatter, not counted"
	echo "ok two"
	echo "skip three - not here"
END
suite 20-bad <<-'END'
	echo "ok four"
	echo "not ok five - wrong"
END
suite 30-early <<-'END'
	echo "ok six"
	echo "the reason why" >&2
	exit 3
END
suite 40-silent <<-'END'
	echo "nothing that counts"
END
suite 50-vague <<-'END'
	echo "skip seven"
END
suite 60-killed <<-'END'
	printf 'ok eight'
	kill -9 $$
END

run "$scratch/tests/run" '10*'
expect "a good suite is counted" 0 $'\n2 passed, 0 failed, 1 skipped'
run "$scratch/tests/run" 10-good
expect "a skip is shown with its reason" 0 "skip three - not here"
holds "the count is the last line, alone" [ "$(last_line)" = "2 passed, 0 failed, 1 skipped" ]
run "$scratch/tests/run" '20*'
expect "a failure fails the run" 1 "1 passed, 1 failed, 0 skipped"
expect "failures come again at the end" 1 $'\n\narm64-20-bad: not ok five - wrong\n\n1 passed'
run "$scratch/tests/run" '30*'
expect "a suite that ends early is a failure" 1 "30-early: not ok - the suite ended with status 3"
expect "what it said last comes at the end" 1 $'status 3 (out/test/arm64-30-early.log)\n    | the reason why\n\n1 passed'
mkdir "$scratch/bin"
printf '#!/bin/sh\necho Avail\necho "   17"\n' >"$scratch/bin/df"
chmod +x "$scratch/bin/df"
PATH=$scratch/bin:$PATH run "$scratch/tests/run" '30*'
expect "a full disk is named" 1 "    | the disk is full: 17 MiB are left in $scratch/out"
run "$scratch/tests/run" '40*'
expect "a suite that reports nothing is a failure" 1 "40-silent: not ok - the suite reported nothing"
run "$scratch/tests/run" '50*'
expect "a skip without a reason is a failure" 1 "not ok seven - skipped without saying why"
run "$scratch/tests/run" '60*'
expect "a killed suite is a failure" 1 "60-killed: not ok - the suite ended with status 137"
run "$scratch/tests/run" '99*'
expect "a pattern that fits no suite is a failure" 1 "no suite matches '99*'"
run "$scratch/tests/run"
expect "all suites add up" 1 "5 passed, 5 failed, 1 skipped"
holds "logs are kept" grep -q chatter "$scratch/out/test/arm64-10-good.log"

# Two suites that wait for each other end only if they run at the same time.
for name in one two; do
	suite "70-$name" <<-END
		touch $scratch/$name
		for ((i = 0; i < 30; i++)); do
			[ ! -e $scratch/one ] || [ ! -e $scratch/two ] || { echo "ok $name"; exit; }
			sleep 0.1
		done
	END
done
suite 80-once <<-'END'
	# Runs once.
	echo "ok $ARCH"
END
suite 81-each <<-'END'
	echo "ok $ARCH"
	sleep 1
	echo "not ok $ARCH - to see the name"
END
suite 82-one <<-'END'
	# Runs for arm64 only.
	echo "ok $ARCH"
END
run "$scratch/tests/run" '70*'
expect "two suites at a time" 0 $'\n2 passed, 0 failed, 0 skipped'
rm "$scratch"/{one,two}
run env JOBS=1 "$scratch/tests/run" '70*'
expect "JOBS=1: one suite at a time" 1 "70-one: not ok - the suite reported nothing"
run env JOBS=many "$scratch/tests/run"
expect "JOBS of no number" 1 "JOBS=many is not a number"
unset ARCH
run "$scratch/tests/run" '81*'
expect "without ARCH: a suite for each architecture" 1 $'\n2 passed, 2 failed, 0 skipped'
expect "... told apart" 1 "x86_64-81-each: not ok x86_64 - "
expect "... both" 1 "arm64-81-each: not ok arm64 - "
run "$scratch/tests/run" '80*'
expect "a suite for no architecture runs once" 0 $'\n1 passed, 0 failed, 0 skipped'
run "$scratch/tests/run" '82*'
expect "a suite for one architecture runs there" 0 "arm64-82-one: 1 passed"
run env ARCH=x86_64 "$scratch/tests/run" '82*'
expect "... and not elsewhere" 1 "no suite matches '82*'"
suite 83-last <<-'END'
	# Runs once, after the others.
	grep -q "ok slow" "$(dirname "$0")/../out/test/84-slow.results" && echo "ok 84 has ended"
	echo "list of all: $ARCHES"
END
suite 84-slow <<-'END'
	# Runs once.
	sleep 1
	echo "ok slow"
END
run "$scratch/tests/run" '8[34]*'
expect "a suite that runs after the others" 0 $'\n2 passed, 0 failed, 0 skipped'
expect "what it lists is shown" 0 $'\n       of all: x86_64 arm64\n'
run env ARCH=vax "$scratch/tests/run"
expect "an unknown architecture" 1 "unknown architecture vax"

# Ended, it ends what it has started; two suites, since ARCH is not set.
suite 90-long <<END
	echo \$\$ >>$scratch/pids
	sleep 1000
END
pids() {
	cat "$scratch/pids" 2>/dev/null || true
}

left() {
	local pid
	for pid in $(pids); do
		[ ! -e "/proc/$pid" ] || echo "$pid"
	done
}

"$scratch/tests/run" '90*' >&2 & runner=$!
for ((i = 0; i < 100; i++)); do
	[ "$(pids | wc -l)" != 2 ] || break
	sleep 0.1
done
kill "$runner"
status=0
wait "$runner" || status=$?
holds "a runner that is ended says so" [ $status = 143 ]
for ((i = 0; i < 50; i++)); do
	[ -n "$(left)" ] || break
	sleep 0.1
done
holds "... and both of its suites are" [ "$(pids | wc -l) started, $(left | wc -l) left" = "2 started, 0 left" ]
