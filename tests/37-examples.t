#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# examples/ and the manual page's first program: each is built and prints what it says
set -euo pipefail
. "$(dirname "$0")/lib.sh"

"$top/scripts/sdk"
sdk=$kernel_dir/sdk
bpftool=$bpftool_dir/bootstrap/bpftool

for file in bin/bpftool include/{vmlinux,linux/bpf,bpf/libbpf,bpf/bpf_arena}.h \
		lib/libbpf.{a,so} lib/pkgconfig/libbpf-arena.pc; do
	holds "the sdk has $file" [ -s "$sdk/$file" ]
done

# What the packages install, where pkg-config and the shell find it without being told.
mkdir "$scratch/bin"
ln -s "$bpftool" "$scratch/bin/bpftool-arena"
for path in "$top"/examples/*/; do
	name=$(basename "$path")
	holds "$name is built with the sdk" "$top/scripts/sdk" build "$name" "$scratch/sdk" \
		SDK="$sdk" bpftool="$bpftool"
	holds "$name is built as with the packages" env PATH="$scratch/bin:$PATH" \
		PKG_CONFIG_PATH="$sdk/lib/pkgconfig" "$top/scripts/sdk" build "$name" "$scratch/packages"
	names+=("$name")
	for file in "$path"*; do
		holds "${file#"$top/"} is short" [ "$(wc -l <"$file")" -lt 80 ]
	done
done

# The manual page's program, out of the page, by the page's commands. They are for the
# running kernel, and for a bpftool and a libbpf that are installed.
page=$tree/Documentation/bpf/arena.rst
c_block() {
	awk -v n="$1" '/^[^ ]/ { on = 0 } /^\.\. code-block:: c$/ { on = ++i == n; next }
		on { sub(/^   /, ""); print }' "$page"
}
mkdir "$scratch/sdk/arena_doc"
c_block 1 >"$scratch/sdk/arena_doc/arena_doc.h"
c_block 2 >"$scratch/sdk/arena_doc/arena_doc.bpf.c"
c_block 3 >"$scratch/sdk/arena_doc/arena_doc.c"
commands=$(sed -n '/^\tbpftool btf dump/,/^$/s/^\t//p' "$page" | sed -e "s,^bpftool,$bpftool," \
	-e "s,/sys/kernel/btf/vmlinux,$kernel_dir/vmlinux," -e "s,^clang,clang-19 -I $sdk/include," \
	-e "s,^cc \(.*\) -lbpf$,$cc -Wall -Werror \1 \$(pkg-config --cflags --libs libbpf-arena)," \
	-e '/^\.\//d')
holds "the page's program is built by the page's commands" env -C "$scratch/sdk/arena_doc" \
	PKG_CONFIG_PATH="$sdk/lib/pkgconfig" bash -ec "$commands"

# printed DIR NAME: what it prints in the VM; promised NAME: what its README says
printed() {
	sed -n "/^== $1 $2\$/,/^== /{/^== /!p}" <<<"$output"
}

promised() {
	sed -n '/^    .*\.\/'"$1"'$/,/^$/{/\.\//!s/^    //p}' "$top/examples/$1/README.md"
}

# shellcheck disable=SC2016 # the VM expands it
run "$top/vm/run" --timeout 300 --log "$kernel_dir/examples.log" -- bash -c '
	cd "$1"
	for dir in sdk packages; do
		for name in "${@:2}"; do
			echo "== $dir $name"
			$dir/$name/$name || echo "status $?"
		done
	done
	echo "== sdk arena_doc"
	sdk/arena_doc/arena_doc
	echo "== end"' - "$scratch" "${names[@]}"
expect "the VM comes to its end" 0 "== end"
output=$said
for name in "${names[@]}"; do
	for dir in sdk packages; do
		if [ -n "$(promised "$name")" ] && [ "$(printed "$dir" "$name")" = "$(promised "$name")" ]; then
			ok "$name ($dir) prints what its README says"
		else
			not_ok "$name ($dir) prints what its README says" \
				"$(diff <(promised "$name") <(printed "$dir" "$name") | head -n 5 | tr '\n' ' ')"
		fi
	done
done
holds "the page's program prints what the page says" diff <(printed sdk arena_doc) \
	<(sed -n '/It prints::/,/^[^ \t]/s/^\t//p' "$page")
all_done
