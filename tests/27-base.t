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
export PATH=$scratch/bin:$PATH TMPDIR=$scratch/tmp
# make test exports them, empty
unset ONLY ROUND
mkdir "$TMPDIR"
cat >"$scratch/bin/apt-get" <<END
#!/bin/sh
echo "apt-get \$*" >>"$scratch/asked"
case \$* in *install*linux-source-6.1=*) echo 6.1.2-1 >"$scratch/installed" ;; esac
END
cat >"$scratch/bin/dpkg-query" <<END
#!/bin/sh
echo "installed \$(cat "$scratch/installed")"
END
cat >"$scratch/bin/make" <<END
#!/bin/sh
echo "\$* ONLY=\${ONLY-unset} ROUND=\${ROUND-unset}" >>"$scratch/asked"
cd "$project"
. "$scratch/does"
END
cat >"$project/scripts/versions" <<END
#!/bin/sh
echo "versions \$*" >>"$scratch/asked"
case \$1 in list) cat "$scratch/archive" ;; *) exit "\$(cat "$scratch/applies")" ;; esac
END
chmod +x "$scratch/bin"/*

# starts_anew DOES [NEWEST]: a project on 6.1.1-1, what make does, and what the archive has
starts_anew() {
	echo "linux-source-6.1 6.1.1-1" >"$project/BASE"
	echo 6.1.1-1 >"$scratch/installed"
	printf '%s\n' 6.1.0-9 "${2:-6.1.2-1}" >"$scratch/archive"
	echo 0 >"$scratch/applies"
	echo "$1" >"$scratch/does"
	: >"$scratch/asked"
	for list in verifier maps progs; do
		printf '# linux-source-6.1 6.1.1-1, x86_64\none OK\ntwo OK\n' >"$project/tests/$list.base"
	done
	echo "Made for 6.1.1." >"$project/README.md"
}

as_it_was() {
	run sh -c 'cat "$1/BASE" "$1"/tests/*.base | uniq -c | sed "s/^ *//"' - "$project"
	expect "base: ... leaves BASE and the lists as they were" 0 "1 linux-source-6.1 6.1.1-1
1 # linux-source-6.1 6.1.1-1, x86_64
1 one OK
1 two OK
1 # linux-source-6.1 6.1.1-1, x86_64
1 one OK
1 two OK
1 # linux-source-6.1 6.1.1-1, x86_64
1 one OK
1 two OK"
}

measure='case "$*" in *test-base) sed -i "s/6.1.1-1/6.1.2-1/; s/two OK/two FAIL/" tests/maps.base tests/verifier.base ;; esac'
starts_anew "$measure"
run "$project/scripts/base"
expect "base: it ends well" 0 "BASE is 6.1.2-1, it was 6.1.1-1"
expect "base: where else the version is named" 0 "README.md:1:Made for 6.1.1."
for list in maps verifier; do
	expect "base: results of $list that are others" 0 "tests/$list.base has other results:
    < two OK
    > two FAIL"
done
expect "base: ... of which version they are" 0 "    > # linux-source-6.1 6.1.2-1, x86_64"
expect "base: results that are the same" 0 "tests/progs.base has the same 2 results"
run cat "$project/BASE"
expect "base: BASE is moved" 0 "linux-source-6.1 6.1.2-1"
run cat "$scratch/asked"
expect "base: what it does, in which order" 0 "versions list
versions apply 6.1.2-1
apt-get update -qq -o APT::Update::Error-Mode=any
apt-get install -qq -y --no-install-recommends linux-source-6.1=6.1.2-1 linux-config-6.1
--no-print-directory -C $project tree ONLY=unset ROUND=unset
--no-print-directory -C $project test-base ONLY=unset ROUND=unset"
holds "base: nothing is left in the temporary directory" [ -z "$(ls "$scratch/tmp")" ]

starts_anew "$measure"'; case "$*" in *test-base) exit 1 ;; esac'
run "$project/scripts/base"
expect "base: what cannot be measured" 1 "the lists cannot be measured on 6.1.2-1"
expect "base: ... says how to go back" 1 "apt-get install linux-source-6.1=6.1.1-1 goes back"
as_it_was
starts_anew "$measure"
echo 1 >"$scratch/applies"
run "$project/scripts/base"
expect "base: a series that does not apply" 1 "the series does not apply to 6.1.2-1"
as_it_was
holds "base: ... and nothing is installed" [ "$(grep -c apt-get "$scratch/asked")" = 0 ]
starts_anew "$measure" 6.1.1-1
run "$project/scripts/base"
expect "base: an archive that has nothing newer" 0 "BASE is 6.1.1-1, and the archive has no newer one"
as_it_was
holds "base: ... and nothing is measured" [ "$(grep -c test-base "$scratch/asked")" = 0 ]

starts_anew 'case "$*" in *test-pages) echo "arm64-x: not ok - it - why"; exit 2 ;; esac; echo "all of $*"'
ONLY=x ROUND=3 run "$project/scripts/long"
expect "long: a step that fails fails the run" 1 "pages: not ok, status 2"
expect "long: ... and says what failed" 1 "    | arm64-x: not ok - it - why"
steps=$("$project/scripts/long" list | wc -l)
expect "long: the others have run" 1 "$((steps - 1)) passed, 1 failed"
expect "long: what a step is asked for" 1 "all of -C $project --no-print-directory test DEBUG=1 ARCH=x86_64"
holds "long: ... and not what this run was asked for" \
	[ "$(grep -vc 'ONLY=unset ROUND=unset' "$scratch/asked")" = 0 ]
run "$project/scripts/long" fuzz
expect "long: one of them" 0 "1 passed, 0 failed"
run "$project/scripts/long" 'debug*'
expect "long: some of them" 0 "2 passed, 0 failed"
run "$project/scripts/long" nothing
expect "long: none" 1 "no step matches 'nothing'"
all_done
