#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# other people's programs are judged as without the series, those with arenas as 6.12 does
# Runs for x86_64 only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Both go by lists of what the other kernel has said; make test-long has it say so again,
# and arm64 as well.
reports "$top/scripts/corpus" compare
run "$top/scripts/selftests" build
reports "$top/scripts/corpus" arena
all_done
