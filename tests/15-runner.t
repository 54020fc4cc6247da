#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the test runner counts what suites report, and nothing looks like success
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

export ARCH=arm64
mkdir -p "$scratch/tests" "$scratch/scripts"
cp "$top/tests/"{run,harness.pl,lib.sh,times} "$scratch/tests/"
cp "$top/scripts/lib.sh" "$scratch/scripts/"
cp "$top/BASE" "$scratch/"

# suite NAME: its text is on stdin; a plan comes after it, unless it has one.
suite() {
	local text
	text=$(cat)
	{
		printf '#!/bin/bash\n# SPDX-License-Identifier: GPL-2.0\n#\n# %s\n' "$1"
		[[ $text = "#"* ]] || echo '#'
		printf '%s\n' "$text"
		[[ $text = *1..* || $text = *all_done* ]] || echo "echo 1..$(grep -c 'ok - ' <<<"$text")"
	} >"$scratch/tests/$1.t"
	chmod +x "$scratch/tests/$1.t"
}

suite 10-good <<-'END'
	echo "ok - one"
	echo "chatter, not counted"
	echo "ok - two"
	echo "ok - three # skip not here"
	echo "1..3"
END
suite 20-bad <<-'END'
	echo "ok - four"
	echo "not ok - five - wrong"
END
suite 30-early <<-'END'
	echo "ok - six"
	echo "the reason why" >&2
	exit 3
END
suite 40-silent <<-'END'
	echo "nothing that counts"
END
suite 50-vague <<-'END'
	echo "ok - seven # skip"
END
suite 60-killed <<-'END'
	printf "ok - eight"
	kill -9 $$
END

run "$scratch/tests/run" '10*'
expect "a good suite is counted" 0 $'\n2 passed, 0 failed, 1 skipped'
run "$scratch/tests/run" 10-good
expect "a skip is shown with its reason" 0 "ok - three # skip not here"
holds "the count is the last line, alone" [ "$(last_line)" = "2 passed, 0 failed, 1 skipped" ]
run "$scratch/tests/run" '20*'
expect "a failure fails the run" 1 "1 passed, 1 failed, 0 skipped"
expect "failures come again at the end" 1 $'\n\narm64-20-bad: not ok - five - wrong\n\ncommit unknown:\n1 passed'
run "$scratch/tests/run" '30*'
expect "a suite that ends early is a failure" 1 "30-early: not ok - the suite ended with status 3"
expect "what it said last comes at the end" 1 $'status 3 (out/test/arm64-30-early.log)\n    | the reason why\n\ncommit unknown:\n1 passed'
mkdir "$scratch/bin"
printf '#!/bin/sh\necho Avail\necho "   17"\n' >"$scratch/bin/df"
chmod +x "$scratch/bin/df"
PATH=$scratch/bin:$PATH run "$scratch/tests/run" '30*'
expect "a full disk is named" 1 "    | the disk is full: 17 MiB are left in $scratch/out"
run "$scratch/tests/run" '40*'
expect "a suite that reports nothing is a failure" 1 "40-silent: not ok - the suite reported nothing"
run "$scratch/tests/run" '50*'
expect "a skip without a reason is a failure" 1 "not ok - seven - skipped without saying why"
run "$scratch/tests/run" '60*'
expect "a killed suite is a failure" 1 "60-killed: not ok - the suite ended with status 137"
suite 65-both <<-'END'
	echo "not ok - nine - TODO # TODO later"
	echo "not ok - ten - wrong # skip not here"
END
run "$scratch/tests/run" '65*'
expect "a failure is one, whatever its reason looks like" 1 $'\n0 passed, 2 failed, 0 skipped'
rm "$scratch/tests/65-both.t"
printf '#!/bin/sh\nsleep 60\n' >"$scratch/tests/66-slow.t"
chmod +x "$scratch/tests/66-slow.t"
run env -C "$scratch" perl tests/harness.pl 1 1 time "1 slow arm64 66-slow it takes long"
expect "a suite has so much time" 1 "slow: not ok - still running after"
rm "$scratch/tests/66-slow.t"
run "$scratch/tests/run" '99*'
expect "a pattern that fits no suite is a failure" 1 "no suite matches '99*'"
run "$scratch/tests/run"
expect "all suites add up" 1 "5 passed, 5 failed, 1 skipped"
run "$scratch/tests/run" '20*'
holds "results of an earlier run are gone" [ "$(cd "$scratch/out/test" && echo *.results)" = arm64-20-bad.results ]
holds "logs are kept" grep -q chatter "$scratch/out/test/arm64-10-good.log"

# Two suites that wait for each other end only if they run at the same time.
for name in one two; do
	suite "70-$name" <<-END
		touch $scratch/$name
		for ((i = 0; i < 30; i++)); do
			[ ! -e $scratch/one ] || [ ! -e $scratch/two ] || { echo "ok - $name"; break; }
			sleep 0.1
		done
	END
done
suite 80-once <<-'END'
	# Runs once.
	echo "ok - $ARCH"
END
suite 81-each <<-'END'
	echo "ok - $ARCH"
	sleep 1
	echo "not ok - $ARCH - to see the name"
END
suite 82-one <<-'END'
	# Runs for arm64 only.
	echo "ok - $ARCH"
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
expect "... told apart" 1 "x86_64-81-each: not ok - x86_64 - "
expect "... both" 1 "arm64-81-each: not ok - arm64 - "
run "$scratch/tests/run" '80*'
expect "a suite for no architecture runs once" 0 $'\n1 passed, 0 failed, 0 skipped'
run "$scratch/tests/run" '82*'
expect "a suite for one architecture runs there" 0 "arm64-82-one: 1 passed"
run env ARCH=x86_64 "$scratch/tests/run" '82*'
expect "... and not elsewhere" 1 "no suite matches '82*'"
suite 83-last <<-'END'
	# Runs once, after the others.
	grep -q "ok - slow" "$(dirname "$0")/../out/test/84-slow.results" && echo "ok - 84 has ended"
	echo "list of all: $ARCHES"
END
suite 84-slow <<-'END'
	# Runs once.
	sleep 1
	echo "ok - slow"
END
run "$scratch/tests/run" '8[34]*'
expect "a suite that runs after the others" 0 $'\n2 passed, 0 failed, 0 skipped'
expect "what it lists is shown" 0 $'\n       of all: x86_64 arm64\n'
run env ARCH=arm64 "$scratch/tests/run" --list '80*,82*'
holds "several patterns" [ "$(sort <<<"$said" | paste -sd ' ')" = "80-once arm64-82-one" ]
run env ARCH=arm64 "$scratch/tests/run" --list '8*'
listed=$said
holds "--list says what would run" [ "$(sort <<<"$listed" | paste -sd ' ')" = \
	"80-once 83-last 84-slow arm64-81-each arm64-82-one" ]
holds "... in its order" [ "${listed##*$'\n'}" = 83-last ]
# what runs once does not run on such a kernel
list_of env -u MAKEFLAGS -u ONLY make -C "$top" -n test-pages
mapfile -t list < <(sed -n "s/.* PAGES=16k tests\/run '\(.*\)'$/\1/p" < <(printf '%s\n' "${list[@]}"))
list_of env ARCH=arm64 PAGES=16k "$top/tests/run" --list "${list[0]}"
for name in "${list[@]}"; do
	holds "make test-pages: $name is for its kernel" [ "${name#arm64-16k-}" != "$name" ]
done
run env ARCH=vax "$scratch/tests/run"
expect "an unknown architecture" 1 "unknown architecture vax"

# What a suite says in one breath is told in one, not when it says the next thing.
suite 87-breath <<-END
	# Runs once.
	printf 'not ok - one - x\nnot ok - two - x\n'
	for ((i = 0; i < 50; i++)); do
		! grep -q "two - x" $scratch/told || break
		sleep 0.1
	done
	[ \$i = 50 ] || echo "ok - told at once"
	echo 1..3
END
"$scratch/tests/run" '87*' >"$scratch/told" 2>&1 || true
said=$(cat "$scratch/told") status=0
expect "each failure is told at once" 0 $'\n1 passed, 2 failed, 0 skipped'

# A suite that leaves something out.
suite 10-good <<-'END'
	echo "ok - one"
	exit 0
END
run "$scratch/tests/run" '10*'
expect "a suite without a plan is a failure" 1 "10-good: not ok - No plan found in TAP output"
suite 10-good <<-'END'
	echo "ok - one"
	echo "1..2"
END
run "$scratch/tests/run" '10*'
expect "a suite that does not keep to its plan is a failure" 1 "not ok - Bad plan.  You planned 2 tests but ran 1."
suite 10-good <<-'END'
	set -euo pipefail
	. "$(dirname "$0")/lib.sh"
	ok one
	list_of false
	for name in "${list[@]}"; do
		ok "$name"
	done
	all_done
END
run "$scratch/tests/run" '10*'
expect "a loop over a command that fails is a failure" 1 "10-good: not ok - the suite ended with status 1"
sed -i 's/ false$/ true/' "$scratch/tests/10-good.t"
run "$scratch/tests/run" '10*'
expect "... and one over nothing" 1 "    | 10-good.t: true says nothing, and the suite goes by what it says"
sed -i 's/ true$/ seq 3/' "$scratch/tests/10-good.t"
run "$scratch/tests/run" '10*'
expect "... and one that has what it loops over is none" 0 "8 passed, 0 failed, 0 skipped"

# misspelt NAME FIFTH-LINE FILE
misspelt() {
	suite "${3%.t}" <<-END
	$2
	echo "ok - never"
	END
	run "$scratch/tests/run" '10*'
	expect "$1 is an error" 1 "tests/$3"
	rm "$scratch/tests/$3"
}

misspelt "an architecture that does not exist" "# Runs for arm46 only." 20-lost.t
misspelt "a fifth line that says nothing" "# Runs one." 20-lost.t
misspelt "... or nearly something" "#Runs once." 20-lost.t
misspelt "a sixth line" $'#\n# Runs once.' 20-lost.t
misspelt "a suite without a number" "# Runs once." lost.t
suite 20-lost </dev/null
chmod -x "$scratch/tests/20-lost.t"
run "$scratch/tests/run" '10*'
expect "a suite that cannot be executed is an error" 1 "tests/20-lost.t would never run"
rm "$scratch/tests/20-lost.t"

# By the times of the last run, or those that come with the suites.
for name in short long; do
	suite "85-$name" <<-END
	# Runs once.
	echo "ok - one"
	END
done
printf '85-short 10\n85-long 20\n' >"$scratch/tests/times"
rm "$scratch/out/test/times"
run env JOBS=1 "$scratch/tests/run" '85*'
expect "the suite that takes longest starts first" 0 $'85-long: 85-long\n'
holds "... alone" [ "$(grep -o '85-[a-z]*: [0-9]* passed' <<<"$said" | paste -sd ' ')" = "85-long: 1 passed 85-short: 1 passed" ]
holds "times are noted" grep -qx '85-long [01]' "$scratch/out/test/times"
printf '85-long 10\n85-short 20\n' >"$scratch/out/test/times"
run env JOBS=1 "$scratch/tests/run" '85*'
holds "... and go before those" [ "$(grep -o '85-[a-z]*: [0-9]* passed' <<<"$said" | paste -sd ' ')" = "85-short: 1 passed 85-long: 1 passed" ]

# What was tested.
mkdir "$scratch/out/x86_64"
gcc -shared -nostdlib -Wl,--build-id=0x0123456789abcdef -x c /dev/null -o "$scratch/out/x86_64/vmlinux"
git init -q "$scratch"
git -C "$scratch" -c user.name=T -c user.email=t@example.org commit -q --allow-empty -m all
run env ARCH=x86_64 "$scratch/tests/run" '85*'
expect "the line before the last says of what that is" 0 \
	$'\ncommit '"$(git -C "$scratch" rev-parse --short HEAD), x86_64 kernel 0123456789ab:"$'\n2 passed'

# A second run does not remove the first one's results.
suite 86-slow <<END
	# Runs once.
	touch $scratch/slow
	while [ -e $scratch/slow ]; do sleep 0.1; done
	echo "ok - slow"
END
"$scratch/tests/run" '86*' >"$scratch/first" 2>&1 & runner=$!
until [ -e "$scratch/slow" ]; do
	sleep 0.1
done
"$scratch/tests/run" '85*' >"$scratch/second" 2>&1 & second=$!
until grep -q waiting "$scratch/second" || ! [ -e "/proc/$second" ]; do
	sleep 0.1
done
said=$(cat "$scratch/second") status=0
expect "a second run waits, and says for whom" 0 "run: waiting for run 86* (process $runner), which has the lock of out/test"
rm "$scratch/slow"
wait "$runner" || status=$?
holds "... and the first comes to its end" [ "$status" = 0 ]
wait "$second" || true
holds "... and then the second" grep -q '^2 passed, 0 failed' "$scratch/second"

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
plan $((54 + ${#list[@]}))
