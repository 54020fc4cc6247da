# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used by the scripts that read this
#
# What every script here needs: where things are, and how to speak.

top=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
out=$top/out
tree=$out/tree
pristine=$out/src
arch=${ARCH:-x86_64}
read -r base_package base_version <"$top/BASE"

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

installed_version() {
	dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p' || true
}

# The kernel's own build, with ccache and nothing in it that differs from one
# run or one directory to the next, or the cache would never hit. Depend mode
# spares the preprocessor run that a miss costs otherwise.
kernel_make() {
	local cross=''
	[ "$arch" != arm64 ] || cross=aarch64-linux-gnu-
	CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 \
	KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' \
	KBUILD_BUILD_USER=arena KBUILD_BUILD_HOST=arena \
		make --no-print-directory -j"$(nproc)" ARCH="$arch" CROSS_COMPILE="$cross" \
		CC="ccache ${cross}gcc" HOSTCC="ccache gcc" "$@"
}
