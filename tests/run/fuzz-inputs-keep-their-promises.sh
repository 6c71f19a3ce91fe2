#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What fuzzing starts from and what it has found is fed to each fuzz target of
# tests/fuzz again, without the fuzzer: every property that a target states
# holds. (`make fuzz-quick` looks for new inputs.)
. "${0%/*}/../lib.sh"
requires zstd

ok "seeds are cut from generated and golden images" \
    bash "$TOP/tests/fuzz/seeds.sh" "$BUILD" "$T/seeds"

replays()
{
    "$BUILD/tests/fuzz/$1" "$T/seeds/$1" >"$T/said" 2>&1
    local status=$?
    [ "$status" -eq 0 ] || { cat "$T/said"; return 1; }
    sanitizers_silent
}
for f in "$TOP"/tests/fuzz/*.c; do
    name=$(basename "$f" .c)
    ok "$name: $(find "$T/seeds/$name" -type f | wc -l) inputs" replays "$name"
done
done_testing
