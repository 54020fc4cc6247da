#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# arena programs that 6.12 accepts are accepted, with as few instructions on the mean
# Runs for x86_64 only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# By the list of what 6.12 has said: the 12 minutes that it takes there are not for
# every run.
"$top/scripts/selftests" build
reports "$top/scripts/corpus" arena
all_done
