#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the test runner counts what suites report, and nothing looks like success
set -euo pipefail
. "$(dirname "$0")/lib.sh"

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
expect "failures come again at the end" 1 $'\n\nnot ok five - wrong\n\n1 passed'
run "$scratch/tests/run" '30*'
expect "a suite that ends early is a failure" 1 "not ok 30-early - the suite ended with status 3"
run "$scratch/tests/run" '40*'
expect "a suite that reports nothing is a failure" 1 "not ok 40-silent - the suite reported nothing"
run "$scratch/tests/run" '50*'
expect "a skip without a reason is a failure" 1 "not ok seven - skipped without saying why"
run "$scratch/tests/run" '60*'
expect "a killed suite is a failure" 1 "not ok 60-killed - the suite ended with status 137"
run "$scratch/tests/run" '99*'
expect "a pattern that fits no suite is a failure" 1 "no suite matches '99*'"
run "$scratch/tests/run"
expect "all suites add up" 1 "5 passed, 5 failed, 1 skipped"
holds "logs are kept" grep -q chatter "$scratch/out/test/10-good.log"
