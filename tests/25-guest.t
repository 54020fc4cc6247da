#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the guest's root: this machine is left alone, and what is half done is not used
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

case $(host_arch) in
arm64) for_arch x86_64 ;;
*) for_arch arm64 ;;
esac
project=$scratch/project repository=$scratch/repository
root=$project/out/$arch/root
export ARCH=$arch
mkdir -p "$project/scripts" "$repository"
cp "$top/scripts/"{guest,lib.sh,apt.sh} "$project/scripts/"
cp "$top/BASE" "$project/"

# An empty package but for one file, of each name that scripts/guest asks for.
make_package() {
	local dir=$scratch/package
	rm -rf "$dir"
	mkdir -p "$dir/DEBIAN" "$dir/etc" "$dir/usr/share/base-passwd" "$dir/usr/lib"
	printf '%s\n' "Package: $1" "Version: 1" "Architecture: $deb_arch" \
		"Maintainer: A. Tester <tester@example.org>" "Description: $1" >"$dir/DEBIAN/control"
	echo "$1" >"$dir/usr/lib/$1"
	case $1 in
	base-passwd) touch "$dir/usr/share/base-passwd/"{passwd,group}.master ;;
	zlib1g-dev) ln -s /usr/lib/sed "$dir/usr/lib/absolute" ;;
	esac
	dpkg-deb -Znone --root-owner-group --build "$dir" "$repository/$1.deb" >/dev/null
}

list_packages() {
	local deb
	for deb in "$repository"/*.deb; do
		dpkg-deb -f "$deb"
		printf '%s\n' "Filename: ./${deb##*/}" "Size: $(stat -c %s "$deb")" \
			"SHA256: $(sha256sum <"$deb" | cut -d ' ' -f 1)" ""
	done >"$repository/Packages"
}

make_repository() {
	local name
	while read -r name; do
		make_package "$name"
	done < <(sed -n '/^packages=(/,/^)/{//!p}' "$top/scripts/guest" | xargs -n 1)
	list_packages
	echo "deb [trusted=yes] copy:$repository ./" >"$scratch/sources.list"
	printf '%s "%s";\n' Dir::Etc::sourcelist "$scratch/sources.list" \
		Dir::Etc::sourceparts /dev/null >"$scratch/apt.conf"
	export APT_CONFIG=$scratch/apt.conf
}

guest() {
	run "$project/scripts/guest"
}

# All that this machine's own apt and dpkg go by.
machine() {
	find /etc/apt /var/lib/apt /var/lib/dpkg /var/cache/apt -type f -printf '%p %s %T@\n' | sort
	dpkg --print-foreign-architectures
}

makes_root() {
	local before
	before=$(machine)
	mkdir -p "$root.new/root/usr/lib"
	touch "$root.new/root/usr/lib/stray"
	guest
	expect "a root is made" 0 "out/$arch/root is complete"
	holds "this machine's packages and lists stay as they are" [ "$before" = "$(machine)" ]
	holds "files of the packages are there" grep -qx bash "$root/lib/bash"
	holds "dpkg there knows the packages" grep -qx 'Package: bash' "$root/var/lib/dpkg/status"
	holds "... and their files" grep -qx /usr/lib/bash "$root/var/lib/dpkg/info/bash.list"
	holds "a link is not to a file of this machine" [ "$(readlink "$root/lib/absolute")" = sed ]
	holds "what an interrupted run left is not" [ ! -e "$root/lib/stray" ]
	holds "... and is removed" [ ! -e "$root.new" ]
	guest
	expect "a second run has nothing to do" 0 ""
	holds "... and says nothing" [ -z "$said" ]
}

# The script is part of what the root is made of: a comment makes it out of date.
fails_whole() {
	echo '# newer' >>"$project/scripts/guest"
	truncate -s -600 "$repository/tar.deb"
	sed -i '/^Package: tar$/,/^$/{
		s/^Size: .*/Size: '"$(stat -c %s "$repository/tar.deb")"'/
		s/^SHA256: .*/SHA256: '"$(sha256sum <"$repository/tar.deb" | cut -d ' ' -f 1)"'/
	}' "$repository/Packages"
	guest
	expect "a package that cannot be unpacked is named" 1 "tar_1_$deb_arch.deb"
	holds "... and the old root is still whole" grep -qx zlib1g-dev "$root/lib/zlib1g-dev"
	mv "$repository" "$repository.gone"
	guest
	expect "a repository that is not there" 1 "cannot fetch the packages for $arch (apt-get update)"
	mv "$repository.gone" "$repository"
	rm "$repository/tar.deb"
	list_packages
	guest
	expect "a package that is not there" 1 "Unable to locate package tar"
	make_package tar
	list_packages
	guest
	expect "all is well again after that" 0 "out/$arch/root is complete"
}

wrong_usage() {
	run env ARCH=vax "$project/scripts/guest"
	expect "an unknown architecture" 1 "unknown architecture vax (there are x86_64 and arm64)"
	run env ARCH="$(host_arch)" "$project/scripts/guest"
	expect "this machine needs no root" 0 ""
	holds "... and nothing is said" [ -z "$said" ]
	run "$project/scripts/guest" other
	expect "an unknown argument" 1 "unknown argument other"
	run env PAGES=5k "$project/scripts/guest"
	expect "an unknown page size" 1 "no kernel with PAGES=5k for $arch"
}

make_repository
makes_root
fails_whole
wrong_usage
plan 20
