#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A small restore, parent and helper, under valgrind: no invalid access, no leak,
# no descriptor left open; also when the restore fails in the middle.
. "${0%/*}/../lib.sh"
requires valgrind jq

vg()
{
    rm -f "$T"/vg.*
    valgrind -q --trace-children=yes \
        --track-fds=yes --leak-check=full --show-leak-kinds=definite,possible \
        --errors-for-leak-kinds=definite,possible --error-exitcode=98 \
        --log-file="$T/vg.%p" "$XENSR" --sim="$XENSR_SIM_DIR" "$@"
}
# Descriptors that valgrind lists at exit, were not there at the start, and are
# not the simulated host's own: those stand for the hypervisor.
no_open_descriptor()
{
    local bad
    bad=$(awk '
        /Open (file descriptor|AF_[A-Z]+ socket) [0-9]+/ { line = FILENAME ": " $0; next }
        line && /<inherited from parent>/ { line = "" }
        line { if (index(line, host) == 0) print line; line = "" }
        END { if (line) print line }' host=": $XENSR_SIM_DIR/" "$T"/vg.*)
    [ -z "$bad" ] || { echo "$bad"; cat "$T"/vg.*; return 1; }
}
no_error_reported()
{
    if grep -E 'Invalid|uninitialised|definitely lost|possibly lost' "$T"/vg.*
    then
        cat "$T"/vg.*
        return 1
    fi
}

fresh_host
# Little memory: the leak check walks through the host's tables as well.
"$SIM" reset && "$SIM" init --memory 1024 || exit 1
for type in pv pvh hvm; do
    img=$(image "$type" --memory 4) || exit 1
    ok "$type restores under valgrind" vg -q restore "$img"
    ok "$type: no invalid access and no leak, parent and helper" \
        no_error_reported
    ok "$type: no descriptor is left open" no_open_descriptor
    ok "$type: the memory is the image's" memory_equals "$(domids)" "$img"
    "$SIM" destroy "$(domids)"
    head -c $(($(wc -c <"$img") - 1000)) "$img" >"$T/cut"
    ok "$type cut short is refused under valgrind" must_fail 3 \
        vg -q restore "$T/cut"
    ok "$type cut short: no invalid access, no leak" no_error_reported
    ok "$type cut short: no descriptor is left open" no_open_descriptor
    ok "$type cut short: nothing is left" host_is_clean
done
done_testing
