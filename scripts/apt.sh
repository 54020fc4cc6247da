# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # what scripts/lib.sh sets
#
# apt in a directory of its own, where no package is installed: this machine's lists
# of packages, its dpkg status and its apt cache stay as they are. The keyrings that
# signatures are checked with, and the proxy, are this machine's, and so are the
# sources unless the directory has a sources.list.

apt_conf() {
	cat <<-END
	APT::Architecture "$deb_arch";
	#clear APT::Architectures;
	APT::Architectures { "$deb_arch"; };
	APT::Get::Assume-Yes "true";
	APT::Install-Recommends "false";
	Acquire::Languages "none";
	Dir::State "$1";
	Dir::State::lists "$1/lists";
	Dir::State::status "$1/status";
	Dir::Cache "$1/cache";
	Dir::Log "$1";
	// What this machine does after a change of its own packages.
	#clear APT::Update::Pre-Invoke;
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	END
	[ ! -e "$1/sources.list" ] || cat <<-END
	Dir::Etc::sourcelist "$1/sources.list";
	Dir::Etc::sourceparts "-";
	END
}

# private_apt DIR: where apt() works from now on.
private_apt() {
	apt_dir=$1
	mkdir -p "$apt_dir"/{lists,cache/archives}/partial
	: >"$apt_dir/status"
	apt_conf "$apt_dir" >"$apt_dir/conf"
}

apt() {
	apt-get -c "$apt_dir/conf" "$@" >>"$apt_dir/log" 2>&1 || {
		tail -n 20 "$apt_dir/log" >&2
		die "cannot fetch the packages for $arch (apt-get $1)"
	}
}

# debian_root DEST PACKAGES [OPTION...]: mmdebstrap's minbase and PACKAGES, a list with
# commas, of this machine's suite and sources. They replace those of mmdebstrap before any
# package is fetched; it needs the apt.conf.d that it has made.
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
debian_root() {
	# shellcheck disable=SC2016 # the hook expands it
	mmdebstrap --quiet --variant=minbase --include="$2" --dpkgopt=force-unsafe-io \
		--setup-hook='find "$1/etc/apt" -mindepth 1 ! -path "*/apt.conf.d*" -delete; cp -a /etc/apt "$1/etc/"' \
		"${@:3}" "$suite" "$1" >"$1.log" 2>&1 || {
		tail -n 20 "$1.log" >&2
		die "mmdebstrap makes no root"
	}
}
