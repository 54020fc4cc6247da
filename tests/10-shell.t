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

for command in scripts/{prepare,source,tree,export,kernel,series,check,clean,selftests,base-tests,guest,deb,peer,bench,fuzz,coverage} \
		vm/run tests/run; do
	run "$top/$command" -h
	expect "$command -h" 0 "usage: $command"
done
