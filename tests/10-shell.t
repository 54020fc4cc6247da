#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# every shell script passes shellcheck, every command has -h
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

cd "$top"
list_of "$top/scripts/check" list-shell
scripts=("${list[@]}")
for script in "${scripts[@]}"; do
	holds "shellcheck $script" shellcheck -x "$script"
done

commands=(scripts/{prepare,source,tree,export,kernel,series,check,clean,selftests,base-tests,guest,deb,peer,bench,fuzz,coverage,fresh,versions,base,long,sdk,corpus,vmtest,abi}
	vm/run tests/run)
for command in "${commands[@]}"; do
	run "$top/$command" -h
	expect "$command -h" 0 "usage: $command"
done

# A directory of that name is a target as well, of which make says that it is up to date.
run make help
expect "make help" 0 "make run"
list_of sed -nE 's/^make ([a-z-]+).*/\1/p' <<<"$said"
targets=("${list[@]}")
for target in "${targets[@]}"; do
	run env -u MAKEFLAGS make -n "$target"
	[ "${said/Nothing to be done/}" = "$said" ] || status="0, and nothing done"
	expect "make $target" 0 ""
done
plan $((${#scripts[@]} + ${#commands[@]} + 1 + ${#targets[@]}))
