# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used by the scripts that read this
#
# What every script here needs: where things are, and how to speak.

top=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
out=$top/out
# The tree of the series, or what scripts/mutants has made of it
tree=$out/${MUTANTS:+mutants/}tree
pristine=$out/src
read -r base_package base_version <"$top/BASE"

# What git tells a hook about the repository that it runs for: here it would be taken
# for out/tree's.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_COMMON_DIR GIT_PREFIX \
	GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_NAMESPACE GIT_CONFIG GIT_CONFIG_PARAMETERS \
	GIT_CONFIG_COUNT GIT_QUARANTINE_PATH

say() {
	echo "${0##*/}: $*" >&2
}

die() {
	say "$*"
	exit 1
}

# usage_if_asked "$@" <<text: -h is understood by every script.
usage_if_asked() {
	case ${1:-} in
	-h|--help) cat; exit 0 ;;
	esac
}

# matches NAME PATTERNS: one of PATTERNS, which commas part, is NAME's. This is how ONLY is
# meant, whatever the names are of.
matches() {
	local pattern patterns
	IFS=, read -ra patterns <<<"$2"
	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $1 != $pattern ]] || return 0
	done
	return 1
}

# free_mib: what out/ can still take
free_mib() {
	mkdir -p "$out"
	df -m --output=avail "$out" | sed -n 's/^ *//; 2p'
}

# needs_space MIB WHAT: told before the work, not by a compiler in the middle of it.
needs_space() {
	local free
	free=$(free_mib)
	[ "$free" -ge "$1" ] || die "$2 needs $1 MiB of disk, and $out has $free left"
}

# lock shared|exclusive NAME: until this process and what it has started end. NAME stands
# for something in out/: a directory there, "tree", or "test" (out/test). It says whose
# lock it waits for. What a process has, its children need not ask for; so a child must
# not want to change what its parent has locked against changes.
#
# Nothing else is told by the lock's file than who had it: each adds a line. It may be
# removed (scripts/clean) while one waits, who then begins anew.
lock() {
	local file=$out/.lock/${2//\//_} fd
	[[ :${ARENA_LOCKS:-}: != *":$file:"* ]] || return 0
	while true; do
		mkdir -p "$out/.lock"
		exec {fd}>>"$file"
		if ! flock -n "--$1" "$fd"; then
			say "waiting for $(holders "$file"), which has the lock of out/$2"
			flock "--$1" "$fd"
		fi
		[ ! "$file" -ef "/proc/self/fd/$fd" ] || break
		exec {fd}>&-
	done
	[ "$1" != exclusive ] || : >"$file"
	echo "$$ ${0##*/}$lock_for" >&"$fd"
	export ARENA_LOCKS=${ARENA_LOCKS:-}:$file
}

# Those of a lock's file that still run.
holders() {
	local pid what
	while read -r pid what; do
		[ ! -e "/proc/$pid" ] || echo "$what (process $pid)"
	done <"$1" | paste -sd , | sed 's/,/, /g; s/^$/another process/'
}
lock_for=${*:+ $*}

# put FILE DEST: what is at DEST is whole, the old or the new one, and is not written if
# it has FILE's time and size.
put() {
	[ "$(stat -c '%s %y' "$1")" != "$(stat -c '%s %y' "$2" 2>/dev/null)" ] || return 0
	cp --preserve=timestamps "$1" "$2.new"
	mv "$2.new" "$2"
}

# build_id FILE: what the linker has made of all that is in it; nothing if it has none.
build_id() {
	readelf -n "$1" 2>/dev/null | sed -n 's/^ *Build ID: //p' || true
}

installed_version() {
	dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p' || true
}

can_be_root() {
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# What dpkg prints is told only when it fails, with the disk's space: a full disk is the
# cause that apt does not name.
install_packages() {
	local printed status=0
	printed=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
		--no-install-recommends "$@" 2>&1) || status=$?
	[ $status = 0 ] || {
		tail -n 30 <<<"$printed"
		df -h / /var || true
	} >&2
	return $status
}

host_arch() {
	uname -m | sed s/aarch64/arm64/
}

# for_arch ARCH: what differs from one architecture to another. One that is not
# this machine's has a root of its own (scripts/guest), for its VM to run on and
# for a cross compiler to build against. Kernels of other page sizes, and those for
# debugging, share it.
for_arch() {
	arch=$1 cross='' guest_root=''
	case $arch in
	x86_64) deb_arch=amd64 triplet=x86_64-linux-gnu image=arch/x86/boot/bzImage ;;
	arm64) deb_arch=arm64 triplet=aarch64-linux-gnu image=arch/arm64/boot/Image ;;
	*) die "unknown architecture $arch (there are x86_64 and arm64)" ;;
	esac
	cc=gcc
	if [ "$arch" != "$(host_arch)" ]; then
		cross=$triplet- guest_root=$out/$arch/root
		cc="${cross}gcc --sysroot=$guest_root"
	fi
	case ${DEBUG:-} in
	''|kcsan|gcov|abi) debug=${DEBUG:-} ;;
	1) debug=debug ;;
	*) die "no kernel with DEBUG=$DEBUG (there are 1, kcsan, gcov and abi)" ;;
	esac
	kernel_dir=$out/${MUTANTS:+mutants/}$arch${PAGES:+-$PAGES}${debug:+-$debug}
	case $arch-${PAGES:-4k} in
	*-4k|arm64-16k|arm64-64k) ;;
	*) die "no kernel with PAGES=$PAGES for $arch (there are 16k and 64k, for arm64)" ;;
	esac
}

# A build with ccache. Nothing in it differs from one run, directory or user to the
# next, or the cache would not hit: ccache takes the locale for a part of what it
# compiles. No depend mode: it does not preprocess, so ccache does not see .incbin, by
# which piggy.S, the arm64 vDSO and the certificates embed files, and would give an
# object that has an earlier file's bytes.
cached() {
	env -u CCACHE_DEPEND -u LANG -u LC_ALL -u LC_CTYPE -u LC_MESSAGES \
		CCACHE_NODEPEND=1 CCACHE_BASEDIR="$top" CCACHE_NOHASHDIR=1 "$@"
}

# The kernel's own build.
kernel_make() {
	cached KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' \
		KBUILD_BUILD_USER=arena KBUILD_BUILD_HOST=arena \
		make --no-print-directory -j"$(nproc)" ARCH="$arch" CROSS_COMPILE="$cross" \
		CC="ccache ${cross}gcc" HOSTCC="ccache gcc" "$@"
}

# The kernel's own build of its self-tests: programs for ARCH, tools for here. CLANG is in
# the environment, too: what a Makefile finds out with $(shell) does not know make's
# arguments, and bpftool without a clang has no programs of its own.
selftests_make() {
	CLANG='ccache clang-19' cached make -s -j"$(nproc)" ARCH="$arch" CROSS_COMPILE="$cross" \
		CC="ccache $cc" HOSTCC=/usr/lib/ccache/gcc CLANG='ccache clang-19' LLC=llc-19 \
		LLVM_STRIP=llvm-strip-19 BPF_GCC= "$@"
}

# sample_make TARGET...: the key/value sample, in $sample. bpftool, which makes its
# skeleton, is for here.
sample_make() {
	mkdir -p "$sample"
	flock "$sample/.lock" make -s -C "$tree/samples/bpf/arena_kv" O="$sample" ARCH="$arch" \
		CROSS_COMPILE="$cross" CC="$cc" "$@" >&2
}

# bpftool_make: bpftool for ARCH, with its disassembler and its own BPF programs,
# in $bpftool_dir. One at a time, like the sample.
bpftool_make() {
	mkdir -p "$bpftool_dir"
	(
		flock 8
		selftests_make -C "$tree/tools/bpf/bpftool" OUTPUT="$bpftool_dir/" \
			VMLINUX_BTF="$kernel_dir/vmlinux" >&2
	) 8>"$bpftool_dir/.lock"
}

# touched DIR...: the kernel's files below these that the series adds or changes
touched() {
	git -C "$tree" diff --name-only base -- "$@"
}

for_arch "${ARCH:-$(host_arch)}"
sample=$out/$arch/arena_kv
bpftool_dir=$kernel_dir/bpftool
