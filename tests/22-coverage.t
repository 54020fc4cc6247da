#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# coverage: what has not run is listed, and counts that are missing or wrong are an error
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

project=$scratch/some-name
build=$project/out/x86_64-gcov/build
counts=$project/out/x86_64-gcov/counts
source=$project/out/tree/kernel/a.c
base=$project/tests/coverage.left-out
export GIT_CONFIG_GLOBAL=$scratch/gitconfig GIT_CONFIG_SYSTEM=/dev/null
git config --global user.name 'A. Tester'
git config --global user.email tester@example.org

in_tree() {
	git -C "$project/out/tree" "$@"
}

# A stand-in for the kernel: a function that base has, one of the series, and a header.
make_project() {
	mkdir -p "$project/out/tree/kernel" "$project/out/tree/include" "$project/tests" \
		"$build/kernel" "$counts"
	cp -r "$top/scripts" "$top/BASE" "$project/"
	: >"$base"
	printf 'int old(int x)\n{\n\treturn x + 1;\n}\n' >"$source"
	in_tree init -q
	in_tree add -A
	in_tree commit -qm base
	in_tree tag base
	printf 'static inline int half(int x)\n{\n\treturn x / 2;\n}\n' \
		>"$project/out/tree/include/a.h"
	cat >>"$source" <<-'END'
	#include "../include/a.h"
	int ours(int x)
	{
		if (x > 100)
			return half(x);
		if (x < 0)
			return -1;
		return 2 * x;
	}
	END
	in_tree add -A
	in_tree commit -qm ours
	compile
}

compile() {
	gcc --coverage -O0 -c ../../tree/kernel/a.c -o kernel/a.o
}

# counts_of NAME NUMBER...: an archive as vm/run leaves it, of calls with these numbers
counts_of() {
	local name=$1
	shift
	printf 'int ours(int);\nint main(void) { %s return 0; }\n' "$(printf 'ours(%s);' "$@")" \
		>"$scratch/main.c"
	gcc --coverage -o "$scratch/main" "$scratch/main.c" kernel/a.o
	"$scratch/main"
	tar -C / -cf "$counts/$name.tar" "./${build#/}/kernel/a.gcda"
	rm kernel/a.gcda
}

coverage() {
	run "$project/scripts/coverage" "$@"
}

adds_up() {
	coverage
	expect "no counts" 1 "no counts in out/x86_64-gcov/counts (make coverage)"
	counts_of one 5
	coverage
	expect "the lines that never ran" 1 "4 never ran:
include/a.h:1: static inline int half(int x)
include/a.h:3: return x / 2;
kernel/a.c:9: return half(x);
kernel/a.c:11: return -1;"
	expect "what base has is not counted" 1 "      4      6   66.7  kernel/a.c"
	expect "... nor in the sum" 1 "      4      8   50.0  total"
	expect "it says so at the end" 1 "4 lines never ran, and tests/coverage.left-out does not say why"
	counts_of two 200
	coverage
	expect "counts of two runs are added" 1 "2 runs of a VM"
	expect "... and one line is left" 1 "1 never ran:
kernel/a.c:11: return -1;"
	counts_of three -7
	coverage
	expect "all ran" 0 "      8      8  100.0  total"
	rm "$counts/three.tar"
}

reasons() {
	printf '  nobody calls it so\nkernel/a.c ours: return -1;\n' >"$base"
	coverage
	expect "a line with a reason is listed with it" 0 "1 never ran, for a reason:
kernel/a.c:11: return -1;
    nobody calls it so"
	echo 'kernel/a.c ours: return 3;' >>"$base"
	coverage
	expect "a reason for what is not there" 1 \
		"tests/coverage.left-out lists what is no line of ours: kernel/a.c ours: return 3;"
	echo 'kernel/a.c ours: return -1;' >"$base"
	coverage
	expect "a line without a reason" 1 "tests/coverage.left-out:1: no reason is given for this line"
	: >"$base"
}

wrong_counts() {
	cp "$counts/one.tar" "$scratch/good"
	head -c 700 "$scratch/good" >"$counts/one.tar"
	coverage
	expect "an archive that is cut off" 1 "one.tar is cut off or no archive"
	: >"$counts/one.tar"
	coverage
	expect "an empty one" 1 "one.tar is cut off or no archive"
	tar -cf "$counts/one.tar" -T /dev/null
	coverage
	expect "one without counts of a file" 1 "one.tar has no counts of kernel/a.c"
	cp "$scratch/good" "$counts/one.tar"

	touch -d '+1 minute' "$source"
	coverage
	expect "a source that is newer" 1 "kernel/a.c has changed since it was built"
	sed -i 's/2 \* x/3 * x + half(x)/' "$source"
	compile
	touch -d '-1 minute' "$source"
	coverage
	expect "counts of another build" 1 "gcov of kernel/a.c: "
	rm kernel/a.gcno
	coverage
	expect "a file that does not count" 1 "kernel/a.c is not built to count"
	coverage clear
	expect "clear" 0 ""
	holds "... removes the counts" [ -z "$(ls "$counts")" ]
	in_tree reset -q --hard base
	coverage
	expect "nothing of ours" 1 "out/tree adds no line to the kernel"
}

mkdir -p "$build/kernel"
cd "$build"
make_project
adds_up
reasons
wrong_counts
plan 20
