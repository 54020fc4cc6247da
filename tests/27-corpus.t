#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/corpus: what it makes of what veristat says, and that it misses nothing
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# A compiler and a VM that do nothing: what veristat would say is in a file.
project=$scratch/project
export ARCH=x86_64 PATH=$scratch/bin:$PATH
work=$project/out/x86_64/corpus
mkdir -p "$scratch/bin" "$project"/{tests/corpus,vm} "$project/out/src"/{include,kernel,scripts,samples/bpf} \
	"$project/out/src/tools/testing/selftests/bpf/progs"
cp -r "$top/scripts" "$top/BASE" "$project/"
cp "$top/tests/corpus-vm" "$project/tests/"
printf '%s  takes long\n' others/slow arena/lists/long >"$project/tests/corpus.slow"
echo "lists walk  the loop" >"$project/tests/corpus.todo"
echo 6.1 >"$project/out/src.version"
touch "$project/out/src/tools/testing/selftests/bpf/progs"/{good,bad,slow,broken}.c \
	"$project/out/src/samples/bpf"/{new.bpf,old_kern}.c "$project/tests/corpus/lists.bpf.c"
cat >"$scratch/bin/make" <<END
#!/bin/sh
touch "$work/build"/{good,bad,slow}.bpf.o "$work/build/veristat"
chmod +x "$work/build/veristat"
echo "progs/broken.c:7:3: error: unknown type name 'u9'"
echo "progs/broken.c:8:3: error: another"
exit 2
END
cat >"$scratch/bin/clang-19" <<'END'
#!/bin/sh
case $* in
--version) echo "Debian clang version 19.9 (1)" ;;
*lists*) for argument; do output=$argument; done; : >"$output" ;;
*) echo "old_kern.c:1:1: error: too old" >&2; exit 1 ;;
esac
END
sed -i 's,/bin/sh$,/bin/bash,' "$scratch/bin/make"
# As the real ones do, these make something even of nothing.
cat >"$scratch/bin/llc-19" <<'END'
#!/bin/sh
for argument; do output=$argument; done
: >"$output"
END
printf '#!/bin/sh\n' >"$scratch/bin/opt-19"
printf '#!/bin/sh\necho %s/x.o\n' "$scratch" >"$scratch/bin/dpkg"
printf '#!/bin/sh\necho installed 1.2\n' >"$scratch/bin/dpkg-query"
: >"$scratch/x.o"
ln -s /usr/bin/env "$scratch/bin/ccache"
cat >"$project/vm/run" <<END
#!/bin/sh
case \$* in
*--print-complaints*) echo WARNING: ;;
*)
	cp "$work/list" "$scratch/loaded"
	while [ "\$1" != --log ]; do shift; done
	cp "$scratch/log" "\$2"
	cat "$scratch/said"
esac
END
chmod +x "$scratch/bin"/{make,clang-19,opt-19,llc-19,dpkg,dpkg-query} "$project/vm/run"
: >"$scratch/log"

corpus() {
	run "$project/scripts/corpus" "$@"
}

# says [SED-SCRIPT]: what veristat says from now on
says() {
	[ $# -gt 0 ] || set -- ""
	sed "$1" >"$scratch/said" <<-END
	== $work/build/bad.bpf.o
	libbpf: elf: skipping unrecognized data section(4) .rodata.str1.1
	libbpf: prog 'wild': BPF program load failed: Permission denied
	libbpf: prog 'wild': failed to load: -13
	libbpf: failed to load object '$work/build/bad.bpf.o'
	PROCESSING $work/build/bad.bpf.o/wild, DURATION US: 5, VERDICT: failure, VERIFIER LOG:
	arg#0 is something
	R1 invalid mem access 'scalar'
	verification time 5 usec
	stack depth 0
	processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0

	libbpf: extern (func ksym) 'f': not found in kernel BTF
	libbpf: failed to load object '$work/build/bad.bpf.o'
	PROCESSING $work/build/bad.bpf.o/lost, DURATION US: 0, VERDICT: failure, VERIFIER LOG:
	what was in memory before

	file_name,prog_name,verdict,total_insns,duration
	bad.bpf.o,wild,failure,3,5
	bad.bpf.o,lost,failure,0,0
	== $work/build/slow.bpf.o
	== $work/build/slow.bpf.o ended with 124
	== $work/build/good.bpf.o
	PROCESSING $work/build/good.bpf.o/fine, DURATION US: 9, VERDICT: success, VERIFIER LOG:
	verification time 9 usec
	stack depth 0
	processed 12 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0

	file_name,prog_name,verdict,total_insns,duration
	good.bpf.o,fine,success,12,9
	END
}

says
corpus record
expect "recorded" 0 "tests/corpus.base: 4 programs, 1 accepted, 15 instructions; 3 sources do not compile"
run cat "$project/tests/corpus.base"
expect "a line each, with the reason" 0 "# linux-source-6.1 6.1, clang 19.9, -O2 -mcpu=v3, xdp-tools 1.2
progs/bad lost failure 0 extern (func ksym) 'f': not found in kernel BTF
progs/bad wild failure 3 -13 R1 invalid mem access 'scalar'
progs/broken - uncompiled 0 unknown type name 'u9'
progs/good fine success 12
progs/slow - failure 0 veristat ended with 124
samples/new - uncompiled 0 too old
samples/old_kern - uncompiled 0 too old"

says '/slow/d'
corpus compare
expect "the same again" 0 "ok - hazard_31_corpus: 3 programs, 1 accepted, 15 instructions; 3 sources do not compile, as without the series"
holds "what is slow is not loaded" [ "$(grep -c slow "$scratch/loaded")" = 0 ]
says '/slow/d; s/success,12/success,13/'
corpus compare
expect "another count" 1 'not ok - corpus progs/good fine - was "success 12", is "success 13"'
holds "... and then there is no ok" [ "$(grep -c '^ok' <<<"$said")" = 0 ]
says '/slow/d; s/invalid mem access/will not/'
corpus compare
expect "another reason" 1 "not ok - corpus progs/bad wild"
says '/slow/d; s/^\(good.*\)success/\1failure/'
corpus compare
expect "another verdict" 1 "not ok - corpus progs/good fine"
says '/slow/d; /good.bpf.o,/d'
corpus compare
expect "a program that is gone" 1 "not ok - corpus progs/good fine - it is gone"
says '/slow/d; s/^good.*/&\n&/; s/,fine,/,new,/'
corpus compare
expect "one that is new" 1 "not ok - corpus progs/good new - it is new"
says '/slow/d; s/success,12/success,13/'
sed -i '1s/6.1,/6.0,/' "$project/tests/corpus.base"
corpus compare
expect "with another version counts do not matter" 0 "ok - hazard_31_corpus"
says '/slow/d; s/^\(good.*\)success/\1failure/'
corpus compare
expect "... and verdicts do" 1 "not ok - corpus progs/good fine"
says '/slow/d'
echo "[ 1.0] WARNING: at kernel/bpf/verifier.c" >"$scratch/log"
corpus compare
expect "a kernel that complains" 0 "not ok - corpus: series: the kernel complains"
: >"$scratch/log"

# Ours: "long" is slow, "walk" is known to be refused, "push" is not.
mkdir -p "$project/out/x86_64/selftests/tools/include"
printf '#!/bin/sh\n' >"$project/out/x86_64/selftests/veristat"
chmod +x "$project/out/x86_64/selftests/veristat"
cat >"$project/tests/corpus.peer" <<END
# linux-image-6.12
lists push success 100
lists walk success 100
lists deep failure 8000 too complex
lists long success 8000
END

ours() {
	{
		echo "== $work/arena/lists.bpf.o"
		echo "file_name,prog_name,verdict,total_insns,duration"
		printf 'lists.bpf.o,%s,1\n' "$@"
	} >"$scratch/said"
	corpus arena
}

ours push,success,80 walk,failure,5 deep,success,50
expect "what 6.12 takes is taken" 0 \
	"ok - corpus: arena programs: 2 programs accepted, 2 by 6.12; geometric mean of the instructions of 1 is 0.800 of 6.12's"
holds "what is slow is not loaded there" grep -q '/lists.bpf.o long$' "$scratch/loaded"
holds "the table" grep -q 'push .* success .* 80  success .* 100 .* 0.80' "$work/arena.table"
ours push,failure,80 walk,failure,5 deep,success,50
expect "what it takes is refused" 0 "not ok - corpus lists push - 6.12 takes it, and it is refused"
ours push,success,80 walk,success,80 deep,success,50
expect "what was to do is done" 0 "not ok - corpus lists walk - it is in tests/corpus.todo, and not refused"
ours push,success,120 walk,failure,5 deep,success,50
expect "more instructions on the mean" 0 "not ok - corpus: arena programs - 2 programs accepted"
ours push,success,80 deep,success,50
expect "a program that is not loaded" 0 "not ok - corpus lists walk - it is in tests/corpus.peer, and was not loaded"
ours push,success,80 walk,failure,5 deep,success,50 more,success,1
expect "a program that 6.12 has not seen" 0 "not ok - corpus lists more - it is not in tests/corpus.peer"

corpus something
expect "a word that is none" 1 "what to do?"
all_done
