#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make base and make test-long: what they run, what they say, and what they put back
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# A machine that has only 6.1.1-1 until apt-get installs 6.1.2-1, and a make that
# writes down what it was asked for and does what is in a file.
project=$scratch/project
mkdir -p "$project"/{tests,linux,docs} "$scratch/bin"
cp -r "$top/scripts" "$project/"
export PATH=$scratch/bin:$PATH
cat >"$scratch/bin/apt-get" <<END
#!/bin/sh
[ "\$1" != install ] || echo 6.1.2-1 >"$scratch/installed"
END
cat >"$scratch/bin/dpkg-query" <<END
#!/bin/sh
echo "installed \$(cat "$scratch/installed")"
END
cat >"$scratch/bin/make" <<END
#!/bin/sh
echo "\$*" >>"$scratch/asked"
cd "$project"
. "$scratch/does"
END
chmod +x "$scratch/bin"/*

# starts_anew DOES: a project on 6.1.1-1, and what make does
starts_anew() {
	echo "linux-source-6.1 6.1.1-1" >"$project/BASE"
	echo 6.1.1-1 >"$scratch/installed"
	echo "$1" >"$scratch/does"
	: >"$scratch/asked"
	for list in verifier maps progs; do
		printf '# linux-source-6.1 6.1.1-1, x86_64\none OK\ntwo OK\n' >"$project/tests/$list.base"
	done
	echo "Made for 6.1.1." >"$project/README.md"
}

measure='case "$*" in *test-base) sed -i "s/6.1.1-1/6.1.2-1/; s/two OK/two FAIL/" tests/maps.base ;; esac'
starts_anew "$measure"
run "$project/scripts/base"
expect "base: it ends well" 0 "BASE is 6.1.2-1, it was 6.1.1-1"
expect "base: where else the version is named" 0 "README.md:1:Made for 6.1.1."
expect "base: results that are others" 0 "tests/maps.base has other results:
    < two OK
    > two FAIL"
expect "base: ... of which version they are" 0 "    > # linux-source-6.1 6.1.2-1, x86_64"
expect "base: results that are the same" 0 "tests/progs.base has the same 2 results"
run cat "$project/BASE"
expect "base: BASE is moved" 0 "linux-source-6.1 6.1.2-1"
run cat "$scratch/asked"
expect "base: the series is applied, then the lists are measured" 0 "tree
--no-print-directory -C $project test-base"

starts_anew "$measure"'; case "$*" in *test-base) exit 1 ;; esac'
run "$project/scripts/base"
expect "base: what cannot be measured" 1 "the lists cannot be measured on 6.1.2-1"
run cat "$project/BASE" "$project/tests/maps.base"
expect "base: ... leaves BASE and the lists as they were" 0 "linux-source-6.1 6.1.1-1
# linux-source-6.1 6.1.1-1, x86_64
one OK
two OK"
starts_anew 'case "$*" in *tree) exit 1 ;; esac'
run "$project/scripts/base"
expect "base: a series that does not apply" 1 "the series does not apply to 6.1.2-1"
holds "base: ... leaves BASE as it was" grep -qx "linux-source-6.1 6.1.1-1" "$project/BASE"

starts_anew 'case "$*" in *test-pages) echo "arm64-x: not ok it - why"; exit 2 ;; esac; echo "all of $*"'
ONLY=x run "$project/scripts/long"
expect "long: a step that fails fails the run" 1 "pages: not ok, status 2"
expect "long: ... and says what failed" 1 "    | arm64-x: not ok it - why"
steps=$("$project/scripts/long" list | wc -l)
expect "long: the others have run" 1 "$((steps - 1)) passed, 1 failed"
expect "long: what a step is asked for" 1 "all of -C $project --no-print-directory test DEBUG=1 ARCH=x86_64"
run "$project/scripts/long" fuzz
expect "long: one of them" 0 "1 passed, 0 failed"
run "$project/scripts/long" nothing
expect "long: none" 1 "no step matches 'nothing'"
all_done
