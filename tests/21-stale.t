#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# what is built is of what is there now, whatever an earlier build has left
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# as_kernel DIR [VAR=VALUE...]: compiles DIR/obj.S as the kernel's build does it.
as_kernel() {
	# shellcheck disable=SC2016 # the inner shell expands it
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

# A checkout with a kernel of four files, and what of kconfig matters here: an option that
# nobody has asked for, and that exists once the file "new" is there.
make_project() {
	mkdir -p "$project/out/tree" "$project/scripts" "$scratch/bin"
	cp "$top/scripts/"{kernel,lib.sh} "$project/scripts/"
	cp -r "$top/vm" "$top/BASE" "$project/"
	echo 'the first kernel' >"$project/out/tree/image"
	cat >"$project/out/tree/Makefile" <<-'END'
	to := $(O)/arch/x86/boot
	allnoconfig:; @{ cat $(KCONFIG_ALLCONFIG); [ ! -e new ] || echo '# CONFIG_NEW is not set'; } >$(O)/.config
	olddefconfig:; @[ ! -e new ] || grep -q CONFIG_NEW $(O)/.config || echo CONFIG_NEW=y >>$(O)/.config
	bzImage:; @mkdir -p $(to); cmp -s image $(to)/bzImage || cp image $(to)/bzImage; cp image $(O)/vmlinux
	modules:; @:
	END
}

kernel() {
	run env ARCH=x86_64 "$project/scripts/kernel"
}

# The compiler has read the file when it is edited, and writes the object afterwards.
edited_meanwhile() {
	make_project
	cat >"$project/out/tree/Makefile" <<-'END'
	to := $(O)/arch/x86/boot
	allnoconfig:; @cat $(KCONFIG_ALLCONFIG) >$(O)/.config
	olddefconfig:; @:
	bzImage: $(to)/bzImage
	$(to)/bzImage: image.c; @mkdir -p $(to); cp image.c $(O)/half; [ ! -e edit ] || { rm edit; \
		echo 'the edited kernel' >image.c; sleep 0.1; }; cat $(O)/half >$@; cp $@ $(O)/vmlinux
	modules:; @:
	END
	echo 'the kernel before' >"$project/out/tree/image.c"
	touch "$project/out/tree/edit"
	kernel
	expect "kernel: an edit during the build is told" 0 "image.c was edited meanwhile: building again"
	holds "... and is in the kernel" grep -q "the edited kernel" "$project/out/x86_64/bzImage"
}

whole_kernel() {
	local image=$project/out/x86_64/bzImage
	make_project
	kernel
	expect "a kernel is built" 0 "is up to date"
	truncate -s 5 "$image"
	kernel
	holds "an image that was cut short is replaced" cmp "$project/out/tree/image" "$image"
	cat >"$scratch/bin/cp" <<-END
	#!/bin/sh
	case "\$*" in
	*out/x86_64/bzImage*) for to; do :; done; printf half >"\$to"; exit 1 ;;
	esac
	exec $(command -v cp) "\$@"
	END
	chmod +x "$scratch/bin/cp"
	cp "$image" "$scratch/before"
	echo 'the second kernel' >"$project/out/tree/image"
	PATH=$scratch/bin:$PATH kernel
	holds "a full disk is an error" [ "$status" != 0 ]
	holds "... and the image is still the old one, whole" cmp "$scratch/before" "$image"
	kernel
	holds "... and the new one as soon as there is room" cmp "$project/out/tree/image" "$image"
}

same_configuration() {
	touch "$project/out/tree/new"
	kernel
	expect "an option that is new" 0 "is up to date"
	holds "... is off in an old tree, too" grep -qx '# CONFIG_NEW is not set' "$project/out/x86_64/config"
}

# What the real sample is built with, in short: a library that installs a header, and a
# bpftool that is its own source.
make_sample() {
	local name tree=$scratch/kernel
	mkdir -p "$tree/tools/lib/bpf" "$tree/tools/bpf/bpftool" "$tree/tools/include/uapi" "$tree/samples/bpf"
	cp -r "$top/linux/samples/bpf/arena_kv" "$tree/samples/bpf/"
	echo '#define TEXT "the first header"' >"$tree/tools/lib/bpf/bpf_arena.h"
	cat >"$tree/tools/lib/bpf/Makefile" <<-'END'
	installed := $(DESTDIR)/include/bpf/bpf_arena.h
	install_headers: $(installed)
	$(installed): bpf_arena.h; @install -D $< $@
	%/libbpf.a:; @ar rc $@
	END
	printf '#!/bin/sh\necho "// the first bpftool"\n' >"$tree/tools/bpf/bpftool/main.c"
	cat >"$tree/tools/bpf/bpftool/Makefile" <<-'END'
	bootstrap: $(OUTPUT)bootstrap/bpftool
	$(OUTPUT)bootstrap/bpftool: main.c; @install -D $< $@
	END
	for name in udp_client.c arena_kv.bpf.c; do
		printf '#include <bpf/bpf_arena.h>\nconst char text[] = TEXT;\n' >"$tree/samples/bpf/arena_kv/$name"
	done
	# shellcheck disable=SC2016 # a compiler that takes what clang is given, but for the target
	printf '#!/bin/bash\nset -- "${@/#-target/-pipe}"\nset -- "${@/%%bpf/-pipe}"\nset -- "${@/-mcpu=v3/-pipe}"\nexec gcc "$@"\n' \
		>"$scratch/bin/clang-stand-in"
	chmod +x "$scratch/bin/clang-stand-in"
}

sample() {
	run make -s -C "$scratch/kernel/samples/bpf/arena_kv" O="$scratch/sample" \
		CLANG="$scratch/bin/clang-stand-in" \
		"$scratch/sample/"{udp_client.o,arena_kv.bpf.o,arena_kv.skel.h}
}

sample_follows() {
	local tools=$scratch/kernel/tools
	make_sample
	sample
	expect "the sample is built" 0 ""
	sed -i 's/first/second/' "$tools/lib/bpf/bpf_arena.h" "$tools/bpf/bpftool/main.c"
	sample
	holds "an edit of bpf_arena.h is in the server" grep -q "second header" "$scratch/sample/udp_client.o"
	holds "... and in the program" grep -q "second header" "$scratch/sample/arena_kv.bpf.o"
	holds "an edit of bpftool is in the skeleton" grep -q "second bpftool" "$scratch/sample/arena_kv.skel.h"
	touch -r "$scratch/sample/udp_client.o" "$scratch/then"
	sample
	holds "what has not changed is not built again" [ ! "$scratch/sample/udp_client.o" -nt "$scratch/then" ]
}

# What make would build again, were a header newer.
selftests_follow() {
	local target dir=$scratch/selftests
	mkdir -p "$dir"
	touch "$dir/vmlinux"
	make -C "$tree/tools/testing/selftests/bpf" -pnq OUTPUT="$dir" VMLINUX_BTF="$dir/vmlinux" \
		CLANG=clang-19 LLC=llc-19 LLVM_STRIP=llvm-strip-19 BPF_GCC= none >"$dir/rules" 2>/dev/null || true
	for target in arena_list.bpf.o arena_data.test.o no_alu32/arena_list.bpf.o; do
		holds "$target follows arena_list.h" grep -q "^$dir/$target:.* arena_list.h" "$dir/rules"
	done
}

project=$scratch/project
sees_incbin ''
sees_incbin -depend CCACHE_DEPEND=1
whole_kernel
same_configuration
edited_meanwhile
sample_follows
selftests_follow
plan 21
