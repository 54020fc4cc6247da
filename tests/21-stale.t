#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# what is built is of what is there now, whatever an earlier build has left
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# as_kernel DIR [VAR=VALUE...]: compiles DIR/obj.S as the kernel's build does it.
as_kernel() {
	env -C "$1" CCACHE_DIR="$1/cache" "${@:2}" \
		bash -euc '. "$1"; kernel_make -s -C . obj.o' - "$top/scripts/lib.sh" >&2
}

# The payload is all that changes from one compile to the next, and not its length: as
# with a kernel of which one byte is another, which piggy.S embeds. The second compile
# of the first is from the cache, or there is nothing to see.
sees_incbin() {
	local dir=$scratch/incbin$1 name
	mkdir -p "$dir"
	printf '%s\n' 'obj.o: obj.S FORCE' $'\t$(CC) -Wp,-MMD,obj.d -c -o $@ $<' FORCE: >"$dir/Makefile"
	echo '.incbin "payload"' >"$dir/obj.S"
	for name in one one two; do
		echo "this is $name" >"$dir/payload"
		as_kernel "$dir" "${@:2}"
		mv "$dir/obj.o" "$dir/$name.o"
	done
	holds "what .incbin embeds is in the object${2:+, with $2}" grep -q "this is one" "$dir/one.o"
	holds "... and so is what has the same length and comes later" grep -q "this is two" "$dir/two.o"
}

sees_incbin ''
sees_incbin -depend CCACHE_DEPEND=1
