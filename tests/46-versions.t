#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the series applies to every linux-source-6.1 that the archive has
# Runs once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

run "$top/scripts/versions" list
if [ "$status" != 0 ]; then
	skip "versions" "the archive cannot be reached: $(last_line)"
	all_done
	exit
fi
reports "$top/scripts/versions" apply
all_done
