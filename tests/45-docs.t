#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the manual page: Sphinx has no complaint about it, and it has all that it names
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# A build of its own each time: Sphinx says nothing of a page that it knows.
# Debian's python3 is the one that Debian's Sphinx belongs to.
run env PATH=/usr/bin:/bin make -s -C "$tree" O="$scratch" SPHINXDIRS=bpf htmldocs
page=$(find "$scratch" -name arena.html -print -quit)
if [ "$status" != 0 ] || [ -z "$page" ]; then
	not_ok "the page is built" "status $status: $(reason)"
	exit
fi
ok "the page is built"

complaints=$(grep -E '(arena(_verifier)?\.(rst|c|h)|bpf/arena)[^ ]*.*(WARNING|ERROR|warning|error)' <<<"${said//"$tree/"/}" || true)
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

# The same of arena_lib.rst, and of all that its headers describe
list_of sed -n 's,^ \* \(arena_[a-z_]*\)() - .*,\1,p' "$tree"/tools/lib/bpf/arena/*.h
[ ${#list[@]} -gt 50 ] || not_ok "the headers describe their functions" "${#list[@]} of them"
missing=()
for name in "${list[@]}"; do
	grep -q "id=\"c.$name\"" "$(dirname "$page")/arena_lib.html" || missing+=("$name")
done
holds "arena_lib.rst describes what its headers have: ${missing[*]}" [ ${#missing[@]} = 0 ]

# The example stands in the page, where a reader of the raw file sees it, and in the
# self-tests. What the page says that it prints, the self-test expects.
c_block() {
	awk -v n="$1" '/^[^ ]/ { on = 0 } /^\.\. code-block:: c$/ { on = ++i == n; next }
		on { sub(/^   /, ""); print }' "$tree/Documentation/bpf/arena.rst" | sed '1{/^$/d}; ${/^$/d}'
}

part() {
	sed -n "/\[$1\]/,/\[$1 end\]/{//!p}" "$tree/tools/testing/selftests/bpf/$2"
}

n=0
for source in "shared arena_doc.h" "program progs/arena_doc.c" "process prog_tests/arena_doc.c"; do
	read -r mark file <<<"$source"
	n=$((n + 1))
	holds "the page has $file as it is tested" diff <(c_block $n) <(part "$mark" "$file")
done

list_of sed -n '/It prints::/,/^[^ \t]/s/^\t//p' "$tree/Documentation/bpf/arena.rst"
for line in "${list[@]}"; do
	holds "the self-test expects \"$line\"" grep -qF "$line" \
		"$tree/tools/testing/selftests/bpf/prog_tests/arena_doc.c"
done

# The sample's manual page: no complaint about its markup, and every option is there.
sample=$tree/samples/bpf/arena_kv
run groff -mandoc -Tutf8 -ww -z "$sample/arena_kvd.8"
if [ "$status" = 0 ] && [ -z "$said" ]; then
	ok "arena_kvd.8 is without warnings"
else
	not_ok "arena_kvd.8 is without warnings" "status $status: $(reason)"
fi
list_of sed -n 's/^" *-\([A-Za-z]\) .*/\1/p' "$sample/main.c"
options=("${list[@]}")
[ ${#options[@]} -gt 10 ] || not_ok "arena_kvd has options" "${#options[@]} in main.c"
for option in "${options[@]}"; do
	holds "arena_kvd.8 describes -$option" grep -q "^\.It Fl $option\b" "$sample/arena_kvd.8"
done
all_done
