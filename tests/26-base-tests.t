#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/base-tests: what it makes of what a program says, and that it misses nothing
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# A compiler and a VM that do nothing: the one is asked for programs, the other says
# what is in a file, and ends with the status that is in another.
project=$scratch/project
export ARCH=x86_64 PATH=$scratch/bin:$PATH
mkdir -p "$scratch/bin" "$project"/{tests,vm} "$project/out/src"/{tools,include,scripts,kernel}
cp -r "$top/scripts" "$top/BASE" "$project/"
cp "$top/tests/progs.left-out" "$project/tests/"
echo 6.1 >"$project/out/src.version"
mkdir -p "$project/out/src/tools/testing/selftests/bpf"/{bpf_testmod,progs,prog_tests}
(
	cd "$project/out/src/tools/testing/selftests/bpf"
	# shellcheck disable=SC2016 # make would expand it
	printf 'CFLAGS += -g -O0 -Wall $(GENFLAGS)\n\t$(Q)$(CLANG) $3 -O2 -target bpf -c $1 -mcpu=v3 -o $2\n' >Makefile
	printf '#define TASKS 100\n\trun_parallel(100, it);\n' >test_maps.c
	touch progs/{test_bpf_nf,sockmap_parse_prog,atomics}.c
)
cat >"$scratch/bin/make" <<'END'
#!/bin/sh
for argument; do
	case $argument in
	M=*) touch "${argument#M=}/bpf_testmod.ko" ;;
	esac
done
END
cat >"$project/vm/run" <<END
#!/bin/sh
printf '%s\n' "\$*" >"$scratch/command"
cat "$scratch/output"
. "$scratch/afterwards"
exit \$(cat "$scratch/status")
END
chmod +x "$scratch/bin/make" "$project/vm/run"

# says STATUS: what the program in the VM will say, from stdin.
says() {
	cat >"$scratch/output"
	echo "$1" >"$scratch/status"
	: >"$scratch/afterwards"
}

base_tests() {
	run "$project/scripts/base-tests" "$@"
}

progs() {
	says 1 <<-END
	#1       align:OK
	#2/1     btf/one:OK
	#2/2     btf/one:${1:-OK}
	#2       btf:${2:-OK}
	#3       perf:SKIP
	#4       bad:FAIL
	${3:-}
	All error logs:
	it:PASS:open it
	test_one:FAIL:another
	#2/2     btf/one:${1:-OK}
	${6-test_bad:FAIL:find ping unexpected error: -2}
	#4       bad:FAIL
	Summary: ${4:-3/2} PASSED, 1 SKIPPED, ${5:-1} FAILED
	END
}

progs
base_tests record progs
expect "progs: recorded" 0 "tests/progs.base: 6 results, 1 of them failures"
holds "progs: ... on the kernel without the series" \
	grep -q -- "--kernel $project/out/base-x86_64/bzImage " "$scratch/command"
run cat "$project/tests/progs.base"
expect "progs: the list's head names the version" 0 "# linux-source-6.1 6.1, x86_64
# $(gcc --version | head -n 1): -g -O0 -Wall
# $(clang-19 --version | head -n 1): -O2 -target bpf -mcpu=v3
# pahole "
expect "progs: one line a result, each with a name of its own" 0 "# without what tests/progs.left-out names
align OK
btf/one OK
btf/one (2) OK
btf OK
perf SKIP
bad FAIL"
holds "progs: what is left out is not run" \
	grep -q ' -d .*mptcp,.*verif_scale2,' "$scratch/command"
src=$project/out/x86_64/test_progs/src/tools/testing/selftests/bpf
holds "progs: ... or not built" [ ! -e "$src/progs/test_bpf_nf.c" -a -e "$src/progs/atomics.c" ]
base_tests compare progs
expect "progs: the same again" 0 "ok - hazard_24_test_progs: all 6 results are those without the series"
holds "progs: ... on the kernel with it" \
	grep -q -- "--kernel $project/out/x86_64/bzImage " "$scratch/command"
progs FAIL FAIL "" 2/1 2
base_tests compare progs
expect "progs: a subtest that fails now" 0 \
	"not ok - test_progs btf/one (2) - OK without the series, FAIL with it"
holds "progs: ... and then there is no ok" [ "$(grep -c '^ok' <<<"$said")" = 0 ]
progs SKIP OK "" 3/1
base_tests compare progs
expect "progs: one that is skipped now" 0 \
	"not ok - test_progs btf/one (2) - OK without the series, SKIP with it"
progs OK OK "#5       new:OK" 4/2
base_tests compare progs
expect "progs: one that is new" 0 "not ok - test_progs new - absent without the series, OK with it"
sed -i 's/^bad FAIL/bad OK/' "$project/tests/progs.base"
progs
base_tests compare progs
expect "progs: why one fails" 0 \
	"not ok - test_progs bad - OK without the series, FAIL with it: test_bad:FAIL:find ping unexpected error: -2"
progs OK OK "" 3/2 1 ""
base_tests compare progs
holds "progs: ... and not why another one did" \
	grep -qx "not ok - test_progs bad - OK without the series, FAIL with it" <<<"$said"
sed -i 's/^bad OK/bad FAIL/' "$project/tests/progs.base"
echo 'gone OK' >>"$project/tests/progs.base"
progs
base_tests compare progs
expect "progs: one that is gone" 0 "not ok - test_progs gone - OK without the series, absent with it"
progs OK OK "" 4/2
base_tests compare progs
expect "progs: a result that is not understood" 1 "test_progs ended with status 1, and not as it should"
echo '#1       align:OK' | says 0
base_tests compare progs
expect "progs: an early end" 1 "test_progs ended with status 0, and not as it should"
progs
echo 122 >"$scratch/status"
base_tests compare progs
expect "progs: a VM that complains" 1 "test_progs ended with status 122"
progs
cp "$project/tests/progs.base" "$scratch/before"
echo "sed -i s/perf:SKIP/perf:OK/ $scratch/output" >"$scratch/afterwards"
base_tests record progs
expect "progs: not recorded if it changes from one time to the next" 1 "test_progs says something else each time"
holds "progs: ... and what was recorded stays" cmp "$scratch/before" "$project/tests/progs.base"

says 0 <<-'END'
	Fork 10 tasks to 'test_update_delete'
	test_array:PASS
	test_map:PASS with inner map
	test_task SKIP (no CONFIG_PREEMPT)
	test_maps: OK, 1 SKIPPED
END
base_tests record maps
run cat "$project/tests/maps.base"
expect "maps: recorded" 0 "# 10 processes at a time
test_array OK
test_map with inner map OK
test_task SKIP
test_maps OK"
run cat "$project/out/x86_64/test_maps/src/tools/testing/selftests/bpf/test_maps.c"
expect "maps: fewer processes" 0 "#define TASKS 10
	run_parallel(10, it);"
sed -i '/^test_array/d' "$scratch/output"
base_tests compare maps
expect "maps: a result that is missing" 0 "not ok - test_maps test_array - OK without the series, absent with it"
says 255 <<<'test_array(12):FAIL:update '
base_tests compare maps
expect "maps: a failure" 1 'test_array(12):FAIL:update'

says 1 <<-'END'
	#0/u one OK
	#0/p one Failed to load BTF (err)
	FAIL
	#1/p two SKIP (no JIT)
	Summary: 1 PASSED, 1 SKIPPED, 1 FAILED
END
base_tests record verifier
run cat "$project/tests/verifier.base"
expect "verifier: recorded" 0 "#0/u one OK
#0/p one FAIL
#1/p two SKIP"
sed -i 's/one OK/one FAIL/' "$scratch/output"
base_tests compare verifier
expect "verifier: one that fails now" 0 "not ok - test_verifier #0/u one - OK without the series, FAIL with it"
sed -i '1s/.*/&\nFailed to load prog!\n0: (95) exit\nR0 !read_ok\nprocessed 1 insns/' "$scratch/output"
base_tests compare verifier
expect "verifier: ... and why" 0 \
	"#0/u one - OK without the series, FAIL with it: Failed to load prog! ... R0 !read_ok"
printf '# why\n#0/u one FAIL\n' >"$project/tests/verifier.changed"
base_tests compare verifier
expect "verifier: one that is to fail" 0 "ok - hazard_24_test_verifier: all"
rm "$project/tests/verifier.changed"
sed -i '/^#1/d' "$scratch/output"
base_tests compare verifier
expect "verifier: a result that is not understood" 1 "test_verifier ended with status 1"

base_tests compare something
expect "a program that is none" 1 "which program?"
base_tests repeat maps
expect "a word that is none" 1 "what to do?"
plan 31
