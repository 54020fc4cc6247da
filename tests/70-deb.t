#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make deb: the packages keep out of Debian's way, install, boot, and build programs
set -euo pipefail
. "$(dirname "$0")/lib.sh"

dest=$out/deb/${kernel_dir##*/}-vm
root=$kernel_dir/deb-root	# beside out/ARCH/root: its files are linked
work=$kernel_dir/deb-work
release=$(<"$kernel_dir/build/include/config/kernel.release")
home=usr/lib/$triplet/bpf-arena
tools=(libbpf-arena1 libbpf-arena-dev bpftool-arena "linux-image-arena-$deb_arch")
maintainer='A. Tester R&D/Kernel'
kernel=("linux-image-$release")
# A cross build has none: its programs would be for the wrong machine.
[ -n "$cross" ] || kernel+=("linux-headers-$release")

deb_of() {
	compgen -G "$dest/$1_*_$deb_arch.deb"
}

# Only compression differs from what a user runs.
is_built() {
	local before after
	before=$(stat -c '%i %Y' "$kernel_dir/build/vmlinux")
	run env CONFIG=vm KDEB_COMPRESS=gzip DEBFULLNAME="$maintainer" "$top/scripts/deb"
	after=$(stat -c '%i %Y' "$kernel_dir/build/vmlinux")
	expect "packages are built" 0 "out/deb/${dest##*/} has"
	[ "$status" = 0 ] || exit 0
	holds "... of the kernel that there is" [ "$before" = "$after" ]
	run sh -c 'ls "$1" | sed -n "s/_.*\.deb$//p"' - "$dest"
	holds "... and no others" [ "$(sort <<<"$said")" = "$(printf '%s\n' "${kernel[@]}" "${tools[@]}" | sort)" ]
}

# Debian's next: the same once more, a security update, a new package, a new kernel.
# They follow what is installed, which BASE may be behind.
sorts_between() {
	local version=$1 name=$2 next debian upstream revision
	debian=$(<"$pristine.version")
	upstream=${debian%-*} revision=${debian##*-}
	holds "$name is newer than what it was made from" \
		dpkg --compare-versions "$debian" lt "$version"
	for next in "$debian"{+b1,.1,+deb12u1} "$upstream-$((${revision%%[!0-9]*} + 1))" \
			"${upstream%.*}.$((${upstream##*.} + 1))-1"; do
		holds "$name is older than $next" dpkg --compare-versions "$version" lt "$next"
	done
}

keeps_out_of_the_way() {
	local name strays
	mapfile -t tool_debs < <(for name in "${tools[@]}"; do deb_of "$name"; done)
	for name in "${kernel[@]}" "${tools[@]}"; do
		sorts_between "$(dpkg-deb -f "$(deb_of "$name")" Version)" "$name"
		holds "$name has a maintainer" grep -q '^A. Tester R&D/Kernel <.*@.*>' <(dpkg-deb -f "$(deb_of "$name")" Maintainer)
	done
	sorts_between "$(<"$pristine.version")arena202611221800.edits" "a version with edits"
	holds "the metapackage brings this kernel" grep -qE "^linux-image-$release \\(= [^)]*\\)$" \
		<(dpkg-deb -f "$(deb_of "linux-image-arena-$deb_arch")" Depends)
	for name in "${tools[@]}"; do
		strays=$(dpkg-deb --fsys-tarfile "$(deb_of "$name")" | tar -t | grep -v '/$' | grep -vE \
			"^\./($home/|usr/lib/$triplet/pkgconfig/libbpf-arena.pc$|usr/sbin/bpftool-arena$|usr/share/(doc/$name/|man/man8/bpftool-arena|bash-completion/completions/bpftool-arena$))" || true)
		holds "$name has no file at a place of Debian's" [ -z "$strays" ]
	done
}

# As dpkg unpacks them, without their scripts: dpkg itself runs in the VM below.
unpack() {
	local name
	rm -rf "$root"
	cp -al "$out/$arch/root" "$root"
	for name in "${kernel[@]}" "${tools[@]}"; do
		dpkg-deb --fsys-tarfile "$(deb_of "$name")" | tar -x -C "$root" --keep-directory-symlink
	done
}

has_contents() {
	local file
	for file in "boot/vmlinuz-$release" "lib/modules/$release/modules.dep" "$home/lib64/libbpf.a" \
			"$home/lib64/libbpf.so.1" usr/share/doc/{libbpf-arena1,libbpf-arena-dev,bpftool-arena}/copyright; do
		holds "there is $file" [ -s "$root/$file" ]
	done
	for file in BPF_ARENA DEBUG_INFO_BTF; do
		holds "the kernel has CONFIG_$file" grep -qx "CONFIG_$file=y" "$root/boot/config-$release"
	done
	holds "bpf_arena.h is installed" grep -q can_loop "$root/$home/include/bpf/bpf_arena.h"
	for file in "$tree"/tools/lib/bpf/arena/*.h; do
		holds "<bpf/arena/${file##*/}> is installed" cmp "$file" "$root/$home/include/bpf/arena/${file##*/}"
	done
	holds "linux/bpf.h has the map type" grep -q BPF_MAP_TYPE_ARENA "$root/$home/include/linux/bpf.h"
	for file in "$tree"/tools/bpf/bpftool/Documentation/bpftool*.rst; do
		file=$(basename "$file" .rst)
		holds "man bpftool-arena${file#bpftool}" zgrep -q '^\.TH' "$root/usr/share/man/man8/bpftool-arena${file#bpftool}.8.gz"
	done
	# shellcheck disable=SC2016 # the inner shell expands it
	run bash -c '. "$1"; complete -p bpftool-arena; complete -p bpftool' - \
		"$root/usr/share/bash-completion/completions/bpftool-arena"
	expect "bash completes bpftool-arena" 1 "bpftool-arena bpftool-arena"
	expect "... and not bpftool" 1 "bpftool: no completion specification"
	holds "lintian has no complaint" lintian --allow-root --fail-on error,warning "${tool_debs[@]}"
}

part() {
	sed -n "/\[$1\]/,/\[$1 end\]/{//!p}" "$tree/tools/testing/selftests/bpf/$2"
}

# The manual page's example, built as README.md says, by a compiler and with headers
# and libraries from the packages. What runs while it is built is for this machine.
builds_example() {
	local commands
	mkdir -p "$work/bin"
	part shared arena_doc.h >"$work/arena_doc.h"
	part program progs/arena_doc.c >"$work/arena_doc.bpf.c"
	part process prog_tests/arena_doc.c >"$work/arena_doc.c"
	ln -sf "$dest/tools/build/bpftool/bootstrap/bpftool" "$work/bin/bpftool-arena"
	commands=$(sed -n '/^    bpftool-arena btf dump/,/^$/s/^    //p' "$top/README.md" |
		sed "s,/sys/kernel/btf/vmlinux,$kernel_dir/vmlinux,; s,^gcc,${cross}gcc --sysroot=$root,")
	[ -n "$commands" ] || not_ok "the README says how to build a program" "no line with bpftool-arena btf dump"
	as_user bash -ec "$commands"
	expect "the example is built as the README says" 0 ""
	as_user bash -ec "${cross}gcc --sysroot=$root -Wall -Werror arena_doc.c -o arena_doc.static \
		\$(pkg-config --cflags libbpf-arena) $root/$home/lib64/libbpf.a -lelf -lz"
	expect "... with the static library" 0 ""
	as_user bash -ec "clang-19 --target=$triplet --sysroot=$root \
		--gcc-install-dir=$(dirname "$("${cross}gcc" -print-libgcc-file-name)") -fuse-ld=lld-19 \
		-Wall -Werror arena_doc.c -o arena_doc.clang \$(pkg-config --cflags --libs libbpf-arena)"
	expect "... by clang" 0 ""
}

as_user() {
	run env -C "$work" PATH="$work/bin:$PATH" PKG_CONFIG_SYSROOT_DIR="$root" \
		PKG_CONFIG_LIBDIR="$root/usr/lib/$triplet/pkgconfig:$root/usr/share/pkgconfig" "$@"
}

builds_module() {
	mkdir -p "$work/module"
	echo 'obj-m := hello.o' >"$work/module/Makefile"
	cat >"$work/module/hello.c" <<-'END'
	#include <linux/bpf_arena.h>
	#include <linux/module.h>

	static int __init hello(void)
	{
		pr_info("hello from outside of the tree\n");
		return 0;
	}

	static void __exit bye(void)
	{
	}

	module_init(hello);
	module_exit(bye);
	MODULE_LICENSE("GPL");
	END
	run make -s -C "$root/usr/src/linux-headers-$release" M="$work/module" modules
	expect "a module is built with the headers" 0 ""
}

# In the VM, as root. dpkg goes by what is installed in this root, and writes
# to what the VM forgets.
in_vm() {
	cat <<-'END'
	release=$1 work=$2
	shift 2
	cd "$work"
	echo "runs: $(uname -r)"
	modprobe -nv test_bpf
	[ ! -e module/hello.ko ] || insmod module/hello.ko && echo "module: $(dmesg | grep -o 'hello from .*')"
	for program in arena_doc arena_doc.static arena_doc.clang; do
		echo "$program: $(./$program | paste -sd ' ')"
	done
	bpftool-arena btf dump file /sys/kernel/btf/vmlinux format c | cmp - vmlinux.h && echo "vmlinux.h is the same"
	bpftool-arena gen skeleton arena_doc.bpf.o name arena_doc | cmp - arena_doc.skel.h && echo "the skeleton is the same"
	bpftool-arena version | grep '^features:'
	bpftool-arena map create /sys/fs/bpf/it type arena key 0 value 0 entries 4 name it flags 0x400
	bpftool-arena map show name it
	printf '#!/bin/sh\necho hook: $DEB_MAINT_PARAMS $1 $2\n' >/etc/kernel/postinst.d/test
	chmod +x /etc/kernel/postinst.d/test
	dpkg -i "$@" 2>&1 && echo "dpkg -i: done"
	packages="linux-image-$release libbpf-arena1 libbpf-arena-dev bpftool-arena linux-image-arena-$(dpkg --print-architecture)"
	dpkg -V $packages && echo "dpkg -V: done"
	dpkg -L $packages >/tmp/files
	dpkg -P $packages 2>&1 && echo "dpkg -P: done"
	echo "left: $(while read -r file; do [ -d "$file" ] || [ ! -e "$file" ] || echo "$file"; done </tmp/files)"
	END
}

runs() {
	local page printed program
	in_vm >"$work/in-vm"
	run "$top/vm/run" --arch "$arch" --root "$root" --kernel "$root/boot/vmlinuz-$release" \
		--timeout 300 --log "$work/kernel.log" -- sh "$work/in-vm" "$release" "$work" "$(deb_of "linux-image-$release")" "${tool_debs[@]}"
	printed=$said
	expect "the installed kernel boots" 0 "runs: $release"
	expect "its modules are found" 0 "insmod /lib/modules/$release/kernel/lib/test_bpf.ko"
	[ -n "$cross" ] || expect "the module is loaded" 0 "module: hello from outside of the tree"
	expect "bpftool-arena dumps the running kernel's types" 0 "vmlinux.h is the same"
	expect "bpftool-arena makes the skeleton" 0 "the skeleton is the same"
	expect "bpftool-arena has programs of its own" 0 "skeletons"
	expect "bpftool-arena creates an arena, and shows it" 0 "arena  name it"
	expect "dpkg installs the packages" 0 "dpkg -i: done"
	expect "... and the kernel's hooks run" 0 "hook: configure $release /boot/vmlinuz-$release"
	expect "... with nothing missing or changed" 0 "dpkg -V: done"
	expect "dpkg removes them" 0 "dpkg -P: done"
	holds "... and all that they had" grep -qx 'left: ' <<<"$printed"
	page=$(sed -n '/It prints::/,/^[^ \t]/s/^\t//p' "$tree/Documentation/bpf/arena.rst" | paste -sd ' ')
	holds "the manual page says what the example prints" [ -n "$page" ]
	for program in arena_doc arena_doc.static arena_doc.clang; do
		holds "$program prints it" grep -qx "$program: $page" <<<"$printed"
	done
}

# The kernel is not built: that takes too long.
takes_debians_configuration() {
	local option
	run env -u CONFIG "$top/scripts/deb" config
	expect "Debian's configuration is taken" 0 "it differs from"
	while read -r option; do
		case $option in
		BPF_ARENA) ok "it gets arenas" ;;
		CC_VERSION_TEXT|GCC_VERSION|*_SIG_*|SYSTEM_TRUSTED_KEYS|BUILD_SALT) ;;
		*) not_ok "it changes in nothing but keys and arenas" "$option differs" ;;
		esac
	done < <(awk '/it differs from/ { on = 1; next } on { print $1 }' <<<"${said//$'\n'[-+ ]/$'\n'}")
}

takes_a_flavour() {
	run env -u CONFIG FLAVOUR=cloud "$top/scripts/deb" config
	expect "Debian's configuration for virtual machines is taken" 0 "config.${deb_arch}_none_cloud-$deb_arch.xz in"
	run env FLAVOUR=rt "$top/scripts/deb" config
	expect "there is no rt" 1 "Debian's patch for PREEMPT_RT is not in linux-source-6.1"
	run env FLAVOUR=desktop "$top/scripts/deb" config
	expect "a flavour that is none" 1 "FLAVOUR=desktop: there are generic and cloud"
}

wrong_usage() {
	run env CONFIG=/nowhere "$top/scripts/deb"
	expect "a configuration that is not there" 1 "no kernel configuration at /nowhere"
	run env CONFIG="$top/README.md" "$top/scripts/deb" config
	expect "a configuration that is none" 1 "README.md is not the configuration of a 64-bit kernel"
	run "$top/scripts/deb" install
	expect "an unknown argument" 1 "unknown argument install"
	run "$top/vm/run" --root /nowhere -- true
	expect "vm/run: a root that is not there" 125 "no root for the VM at /nowhere"
}

mkdir -p "$work"
is_built
keeps_out_of_the_way
unpack
has_contents
builds_example
[ -n "$cross" ] || builds_module
runs
takes_debians_configuration
takes_a_flavour
wrong_usage
rm -rf "$root" "$work"
all_done
