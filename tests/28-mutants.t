#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants: the lines that they change are there, and what they become
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

unset ONLY
mutants=$top/scripts/mutants

run env ARCH= "$mutants" check
expect "the lines of all mutants are in out/tree" 0 "all lines are found"

mkdir -p "$scratch/lists" "$scratch/tree/kernel/bpf"
export MUTANTS_LISTS=$scratch/lists MUTANTS_TREE=$scratch/tree
echo '#include <linux/bpf.h>' >"$scratch/tree/kernel/bpf/core.c"
cat >"$scratch/tree/kernel/bpf/a.c" <<END
#include <linux/bpf.h>

static int
first(int a)
{
	return a > 1;
}

int second(int a)
{
	if (a > 1)
		give(a,
		     1);
	return a > 1;
}
END

# list LINE...: the only list; a mutant of kernel/bpf/a.c
list() {
	printf '%s\n' "$@" >"$scratch/lists/list"
}

# becomes NAME TEXT: what the file is with the mutants of the list
becomes() {
	run python3 - "$mutants" <<-END
		import importlib.machinery, sys
		loader = importlib.machinery.SourceFileLoader("mutants", sys.argv[1])
		sys.dont_write_bytecode = True
		m = loader.load_module()
		print(m.mutated_files(m.read_lists())["kernel/bpf/a.c"])
	END
	expect "$1" 0 "$2"
}

list 'one kernel/bpf/a.c second' 'Why.' '- return a > 1;' '+ return 2;'
becomes "a statement" 'int second(int a)
{
	if (a > 1)
		give(a,
		     1);
	{ if (mutant(1)) { return 2; } else { return a > 1; } }
}'
becomes "... and what it needs" '#include <linux/bpf.h>
#include <linux/bpf_mutant.h>'
list 'one kernel/bpf/a.c second' 'Why.' '- give(a, 1);'
becomes "a statement that is left out, in two lines" 'if (a > 1)
		{ if (mutant(1)) {  } else { give(a,
		     1); } }
	return'
list 'one kernel/bpf/a.c first' 'Why.' '- a > 1' '+ a > 2' '' 'two kernel/bpf/a.c second' 'Why.' '- give(a, 1);'
becomes "an expression" 'first(int a)
{
	return (mutant(1) ? (a > 2) : (a > 1));'
becomes "... and a second mutant" 'if (mutant(2)) {  } else { give'

list 'one kernel/bpf/a.c second' 'Why.' '- a > 1' '+ a > 2'
run "$mutants" check
expect "what is there twice" 1 "mutants: mutants/list:1: one: kernel/bpf/a.c has 2 times instead of once in second: a > 1"
list '# a comment' '' 'one kernel/bpf/a.c second' 'Why.' '- a > 3' '+ a > 2' '' 'two kernel/bpf/a.c third' 'Why.' '- a'
run "$mutants" check
expect "what is not there" 1 "mutants: mutants/list:3: one: kernel/bpf/a.c has 0 times"
expect "... is told of all mutants" 1 "mutants/list:8: two: kernel/bpf/a.c has no function third"
list 'one kernel/bpf/a.c' 'Why.' '- a > 3'
run "$mutants" check
expect "a mutant of no function" 1 "'one kernel/bpf/a.c' is not a name, a file and a function"
list 'one kernel/bpf/a.c first' '- a > 1'
run "$mutants" check
expect "a mutant that does not say why" 1 "one has no line to replace, or does not say why"
list 'one kernel/bpf/a.c first' 'Why.' '- a > 1' '+ a > 1 : true'
run "$mutants" check
expect "half of an expression" 1 "mutants/list:1: one: no complete expression: a > 1 : true"
list 'one kernel/bpf/a.c first' 'Why.' '- a > 1' '' 'one kernel/bpf/a.c first' 'Why.' '- a > 1'
run "$mutants" check
expect "two of one name" 1 "mutants/list:5: there is another one"
list 'one kernel/bpf/a.c first' 'Why.' '- a > 1' '+ 1'
run env ONLY='o*' "$mutants" list
expect "list" 0 "kernel/bpf/a.c: Why."
run env ONLY=none "$mutants" list
expect "a name that no mutant has" 1 "no mutant matches 'none'"

# A VM that does not start says nothing of a mutant; one that crashes does.
# ends STATUS: what a run comes to whose vm/run has this status
ends() {
	run python3 - "$mutants" "$1" <<-END
		import importlib.machinery, sys
		sys.dont_write_bytecode = True
		m = importlib.machinery.SourceFileLoader("mutants", sys.argv[1]).load_module()
		m.OUT = "$scratch/out"
		m.Run.command = lambda self, tests: ["sh", "-c", "echo RUN a; echo why >&2; exit " + sys.argv[2]]
		try:
		    print("verdict", m.Run("x86_64", None, [], {}, 1).verdict)
		except m.Error as e:
		    print("error", e)
	END
}

ends 0
expect "a run in which nothing fails" 0 "verdict None"
ends 121
expect "a kernel that panics" 0 "verdict a: why"
ends 125
expect "a VM that cannot be started is no verdict" 0 "vm/run gave 125: why"
ends 99
expect "... nor is a script that fails" 0 "vm/run gave 99: why"
plan 19
