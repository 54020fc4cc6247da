#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libbpf's header with other headers and compilers; what bpftool links and refuses
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# The headers, bpftool and objects that the self-tests are built with.
"$top/scripts/selftests" build
selftests=$kernel_dir/selftests
bpftool=$selftests/tools/sbin/bpftool
progs=$tree/tools/testing/selftests/bpf/progs
ours=(-I "$selftests/tools/include")
uapi=(-I "$tree/tools/include/uapi")
# <asm/types.h>, which a compiler for BPF does not know where to find
distribution=(-idirafter "/usr/include/$(gcc -print-multiarch)")
src=$(dirname "$0")/libbpf

# bpf NAME CLANG FLAGS...: the program compiles without a warning.
bpf() {
	local name=$1 clang=$2
	shift 2
	holds "a program, $clang, $name" "$clang" -g -O2 -target bpf -mcpu=v3 -Wall -Werror \
		"${ours[@]}" "$@" "${distribution[@]}" \
		-c "$src/prog.bpf.c" -o "$scratch/prog.o"
}

for clang in clang-19 clang-14; do
	bpf "<linux/bpf.h> of the distribution" $clang
	bpf "<linux/bpf.h> of this kernel" $clang "${uapi[@]}"
	bpf "this kernel's vmlinux.h" $clang -DTYPES='"vmlinux.h"'
	bpf "a later kernel's vmlinux.h" $clang -DTYPES='"later.h"' -DAS=
	holds "... whose can_loop remains its own" grep -q bpf_later_can_loop "$scratch/prog.o"
done
bpf "a later kernel's vmlinux.h with address spaces" clang-19 -DTYPES='"later.h"' \
	'-DAS=__attribute__((address_space(1)))'
bpf "<linux/bpf.h> of the distribution, again" clang-19

"$bpftool" gen skeleton "$scratch/prog.o" name prog >"$scratch/skel.h"
libs=("$selftests/tools/build/libbpf/libbpf.a" -lelf -lz)
for compiler in "gcc -std=gnu11" "g++ -std=c++11" "g++ -std=c++20"; do
	for headers in distribution uapi; do
		declare -n flags=$headers
		# shellcheck disable=SC2086 # the compiler and its options
		holds "a process, $compiler, <linux/bpf.h> of $headers" $compiler -Wall -Werror \
			"${ours[@]}" "${flags[@]}" -I "$scratch" -o "$scratch/process" \
			-x "$([[ $compiler = g++* ]] && echo c++ || echo c)" "$src/process.c" \
			-x none "${libs[@]}"
		holds "... and its tree works, $compiler, $headers" "$scratch/process"
	done
done

# symbols FILE, datasec FILE: address and name of each arena global by the symbol table, and by BTF
symbols() {
	local section
	section=$(llvm-readelf-19 -SW "$1" | sed -n 's/^ *\[ *\([0-9]*\)\] \.addr_space\.1 .*/\1/p')
	llvm-readelf-19 -sW "$1" | awk -v s="$section" '$4 == "OBJECT" && $7 == s { print $2, $8 }'
}

datasec() {
	"$bpftool" btf dump file "$1" | awk -F "[=' )]+" '
		/^\[/ { arena = /addr_space.1/ }
		/^\t/ && arena { printf "%016x %s\n", $4, $(NF - 1) }'
}

agree() {
	[ "$(symbols "$1" | wc -l)" -gt 10 ] && diff <(symbols "$1" | sort) <(datasec "$1" | sort)
}

one=$selftests/arena_linked1.bpf.o two=$selftests/arena_linked2.bpf.o
for order in "$one $two" "$two $one"; do
	# shellcheck disable=SC2086 # two files
	holds "arena_linked is linked, $(basename "${order%% *}") first" \
		"$bpftool" gen object "$scratch/linked.o" $order
	holds "... and BTF has the globals where they are" agree "$scratch/linked.o"
done

# compile FILE.c: leaves FILE.o
compile() {
	clang-19 -g -O2 -target bpf -mcpu=v3 "${ours[@]}" "${uapi[@]}" "${distribution[@]}" \
		-c "$1" -o "${1%.c}.o"
}

# variant SED: arena_linked2.c with a change, as variant.o
variant() {
	mkdir -p "$scratch/progs"
	cp "$progs/../arena_linked.h" "$scratch"
	sed "$1" "$progs/arena_linked2.c" >"$scratch/progs/variant.c"
	! cmp -s "$scratch/progs/variant.c" "$progs/arena_linked2.c" || die "sed '$1' changes nothing"
	compile "$scratch/progs/variant.c"
}

variant 's/^extern struct {/struct {/'
run "$bpftool" gen object "$scratch/bad.o" "$one" "$scratch/progs/variant.o"
expect "two files that define an arena of one name" 234 "conflicting non-weak symbol #"
expect "... which is named" 234 "(arena) definition in"

variant 's/__uint(max_entries, 4);/&\n__ulong(map_extra, 1ULL << 40);/'
run "$bpftool" gen object "$scratch/bad.o" "$one" "$scratch/progs/variant.o"
expect "two files that do not agree where the arena is" 234 "global 'arena': map map_extra mismatch"

variant 's/^extern struct {/struct {/; s/^} arena SEC/} other SEC/; s/&arena/\&other/'
"$bpftool" gen object "$scratch/bad.o" "$one" "$scratch/progs/variant.o"
run "$bpftool" gen skeleton "$scratch/bad.o"
expect "two files with an arena each" 234 "map 'other': only one arena per object"

# The linker moves sections, so it has to know what an address is of: what it cannot
# move it must not let through, as 6.1's does not.
variant 's/^int idx = 1;/&\nstatic __noinline int fn(void) { return idx; }\nint (*fn_ptr)(void) = fn;/'
run "$bpftool" gen object "$scratch/bad.o" "$one" "$scratch/progs/variant.o"
expect "a static function's address in .data" 234 "section '.data': relocation against STT_SECTION in non-exec section"

variant 's/^int idx = 1;/&\nstatic int there[2] = { 1, 2 };\nint *there_ptr = \&there[1];/'
run "$bpftool" gen object "$scratch/bad.o" "$one" "$scratch/progs/variant.o"
expect "a static variable's address in .data" 234 "section '.data': relocation against STT_SECTION in non-exec section"

run "$bpftool" gen skeleton "$two"
expect "a file whose arena is in another one" 161 "extern 'arena': unrecognized extern section '.maps'"

run "$bpftool" gen skeleton -L "$scratch/linked.o"
expect "a light skeleton" 255 "map 'arena': light skeletons do not support arenas"
holds "... of which nothing is printed" [ "$(wc -l <<<"$said")" = 1 ]

# A function's flavor is for C alone: the loader asks for the kernel's name. The
# program does not have to make sense, since nothing verifies it here.
cat >"$scratch/flavor.c" <<-END
	#include <bpf/bpf_arena.h>
	SEC("syscall") int prog(void *ctx) { return bpf_arena_reserve_pages(ctx, 0, 1); }
END
compile "$scratch/flavor.c"
run "$bpftool" -d gen skeleton -L "$scratch/flavor.o"
expect "a light skeleton without an arena, of a function with a flavor" 0 ": bpf_arena_reserve_pages at "
all_done
