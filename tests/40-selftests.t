#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the series' self-tests, in the VM
set -euo pipefail
. "$(dirname "$0")/lib.sh"

"$top/scripts/selftests" build
reports "$top/scripts/selftests" run
all_done
