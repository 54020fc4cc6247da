#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# <bpf/arena/NAME.h> in a process: the self-tests' own, and under sanitizers
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

selftests=$tree/tools/testing/selftests/bpf
mkdir -p "$scratch/libbpf"
run make -s -C "$tree/tools/lib/bpf" OUTPUT="$scratch/libbpf/" DESTDIR="$scratch" prefix= install_headers
holds "the headers are installed" test -e "$scratch/include/bpf/arena/common.h"

# skeleton NAME: what bpftool would make of progs/arena_lib_NAME.c
skeleton() {
	local global
	global=$(sed -n 's/^struct \([a-z_]*\) __arena_global \([a-z]*\).*/\1 \2/p' "$selftests/arena_lib_$1.h")
	cat <<-END
	struct arena_lib_$1 {
		struct { struct ${global% *} ${global#* }; } *arena;
		struct { void *arena; } maps;
		struct { struct bpf_program *op; } progs;
	};
	static inline struct arena_lib_$1 *arena_lib_$1__open_and_load(void)
	{
		static struct arena_lib_$1 skel;

		skel.arena = native_map();
		return &skel;
	}
	static inline void arena_lib_$1__destroy(struct arena_lib_$1 *skel)
	{
	}
	END
}

# native NAME FLAG...: builds and runs it
native() {
	local name=$1 dir=$scratch/$1
	shift
	mkdir -p "$dir"
	skeleton "$name" >"$dir/arena_lib_$name.skel.h"
	cat >"$dir/main.c" <<-END
	#include "$selftests/prog_tests/arena_lib_$name.c"
	int main(void)
	{
		test_arena_lib_$name();
		return !!native_failures;
	}
	END
	gcc -std=gnu11 -O2 -g -Wall -Werror -Wno-tsan "$@" -I"$top/tests/arena_lib" \
		-I"$scratch/include" -I"$dir" -I"$selftests" "$dir/main.c" -o "$dir/test" -lpthread
	timeout 200 "$dir/test"
}

for file in "$selftests"/prog_tests/arena_lib_*.c; do
	name=$(basename "$file" .c)
	name=${name#arena_lib_}
	for flags in "" -fsanitize=thread "-fsanitize=address,undefined -fno-sanitize-recover=all"; do
		# shellcheck disable=SC2086
		run native "$name" $flags
		if [ "$status" = 0 ]; then
			ok "arena_lib_$name${flags:+ $flags}"
		else
			not_ok "arena_lib_$name${flags:+ $flags}" "status $status: $(reason)"
		fi
	done
done

# Each header stands for itself, on both sides.
for header in "$tree"/tools/lib/bpf/arena/*.h; do
	name=bpf/arena/$(basename "$header")
	echo "#include <$name>" >"$scratch/alone.c"
	holds "<$name> alone, in C11" gcc -std=c11 -Wall -Wextra -Wno-unused-parameter -Werror \
		-I"$scratch/include" -fsyntax-only "$scratch/alone.c"
	holds "<$name> alone, in a program" clang-19 -target bpf -mcpu=v3 -O2 -g -Wall -Werror \
		-I"$scratch/include" -idirafter "/usr/include/$(gcc -print-multiarch)" \
		-c "$scratch/alone.c" -o "$scratch/alone.o"
done

all_done
