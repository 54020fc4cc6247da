#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# the series' self-tests on a CPU that has no LSE atomics, in the VM
# Runs for arm64 only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

"$top/scripts/selftests" build
reports "$top/scripts/selftests" run cortex-a53
all_done
