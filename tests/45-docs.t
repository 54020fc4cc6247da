#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the manual page: Sphinx has no complaint about it, and it has all that it names
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

page=$scratch/Documentation/output/bpf/arena.html

# A build of its own each time: Sphinx says nothing of a page that it knows.
# Debian's python3 is the one that Debian's Sphinx belongs to.
run env PATH=/usr/bin:/bin make -s -C "$tree" O="$scratch" SPHINXDIRS=bpf htmldocs
page=$(find "$scratch" -name arena.html -print -quit)
if [ "$status" != 0 ] || [ -z "$page" ]; then
	not_ok "the page is built" "status $status: $(last_line)"
	exit
fi
ok "the page is built"

complaints=$(grep -E '(arena(_verifier)?\.(rst|c|h)|bpf/arena)[^ ]*.*(WARNING|ERROR|warning|error)' <<<"$said" || true)
if [ -z "$complaints" ]; then
	ok "no warning is about the page or our kernel-doc"
else
	while IFS= read -r line; do
		not_ok "no warning is about the page or our kernel-doc" "$line"
	done <<<"$complaints"
fi

# 6.1's kernel-doc says nothing of a function that it does not find.
for name in bpf_arena_alloc_pages bpf_arena_free_pages bpf_arena_reserve_pages; do
	holds "the page describes $name()" grep -q "id=\"c.$name\"" "$page"
done
holds "the page contains the example" grep -q sum_visits "$page"
holds "the example's output is the self-test's" awk '
	FNR == 1 { file++ }
	file == 1 && /It prints::/ { prints = 1; next }
	file == 1 && prints && /^[^ \t]/ { prints = 0 }
	file == 1 && prints && NF { sub(/^[ \t]+/, ""); want[++n] = $0 }
	file == 2 { text = text $0 }
	END {
		for (i = 1; i <= n; i++)
			if (!index(text, want[i]))
				exit 1
		exit n == 0
	}' "$tree/Documentation/bpf/arena.rst" \
	"$tree/tools/testing/selftests/bpf/prog_tests/arena_doc.c"
