#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# every shell script passes shellcheck, every command has -h
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

cd "$top"
mapfile -t scripts < <("$top/scripts/check" list-shell)
for script in "${scripts[@]}"; do
	holds "shellcheck $script" shellcheck -x "$script"
done

for command in scripts/{prepare,source,tree,export,kernel,series,check,clean,selftests,base-tests,corpus,guest,deb,peer,bench,fuzz,coverage} \
		vm/run tests/run; do
	run "$top/$command" -h
	expect "$command -h" 0 "usage: $command"
done

# A directory of that name is a target as well, of which make says that it is up to date.
run make help
expect "make help" 0 "make run"
mapfile -t targets < <(sed -nE 's/^make ([a-z-]+).*/\1/p' <<<"$said")
for target in "${targets[@]}"; do
	run env -u MAKEFLAGS make -n "$target"
	[ "${said/Nothing to be done/}" = "$said" ] || status="0, and nothing done"
	expect "make $target" 0 ""
done
