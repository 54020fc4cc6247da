# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# How a suite reports. scripts/lib.sh comes with it.

# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../scripts/lib.sh"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/arena-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
: >"$scratch/results"

# result LINE: of TAP. all_done counts them.
result() {
	printf '%s\n' "${1//$'\n'/ }"
	echo >>"$scratch/results"
}

ok() {
	result "ok - $1"
}

not_ok() {
	result "not ok - $1 - $2"
}

skip() {
	result "ok - $1 # skip $2"
}

# plan N: how many results there are to be, at a suite's end.
plan() {
	echo "1..$1"
}

# The same where the number depends on more than the suite.
all_done() {
	plan "$(wc -l <"$scratch/results")"
}

# list_of CMD...: leaves the lines that CMD says in $list, to loop over. A suite ends if
# there are none or CMD fails: the loop would add nothing to what the suite reports.
list_of() {
	local text
	text=$("$@") || die "$* failed, and the suite goes by what it says"
	[ -n "$text" ] || die "$* says nothing, and the suite goes by what it says"
	# shellcheck disable=SC2034 # the suite uses it
	mapfile -t list <<<"$text"
}

# run CMD...: leaves what it said in $said and its exit status in $status.
run() {
	status=0
	said=$("$@" 2>&1) || status=$?
	printf '%s\n' "\$ $*" "$said" "-> $status" >&2
}

last_line() {
	tail -n 1 <<<"$said"
}

# Why a command failed: its first line that sounds like an error, since later ones are
# mostly of its callers ("make: *** ... Error 2"); else its last line.
reason() {
	awk '/^make(\[[0-9]+\])?: (\*\*\*|Leaving)/ { last = $0; next }
	     { last = $0 }
	     !why && !/(^|[^0-9])0 failed|-Werror/ &&
	     tolower($0) ~ /error:|error |not found|no such|cannot|failed|denied|refused|no space/ { why = $0 }
	     END { print why ? why : last }' <<<"$said"
}

# expect NAME STATUS TEXT: what run left has that status and contains TEXT.
expect() {
	if [ "$status" != "$2" ]; then
		not_ok "$1" "status $status instead of $2: $(reason)"
	elif [[ $said != *"$3"* ]]; then
		not_ok "$1" "'$3' is not in: $(last_line)"
	else
		ok "$1"
	fi
}

# holds NAME CMD...: CMD succeeds.
holds() {
	local name=$1
	shift
	run "$@"
	if [ "$status" = 0 ]; then
		ok "$name"
	else
		not_ok "$name" "$* gave $status: $(reason)"
	fi
}

# reports CMD...: CMD writes results itself. One that dies without a failure among
# them is one.
reports() {
	local status=0
	"$@" | tee "$scratch/reported" || status=$?
	grep -E '^(not )?ok ' "$scratch/reported" >>"$scratch/results" ||
		not_ok "${*##*/} has results" "it reported none"
	[ $status = 0 ] || grep -q '^not ok' "$scratch/reported" ||
		not_ok "${*##*/} comes to its end" "status $status"
}
