#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The simulated host answers as real Xen 4.17 did: the same program of
# questions (xen-tests/probe) was run there, and its answers were recorded.
# Where they are known to differ, tests/golden/answers/known has the question
# and why; a difference that is gone must go from there, too.
. "${0%/*}/../lib.sh"
requires make "${CC:-gcc}"
golden=$TOP/tests/golden/answers

build_probe()
{
    local flags="-O1 -g"
    [ -z "${XENSR_ASAN-}" ] || flags="$flags -fsanitize=address,undefined"
    make -s -C "$TOP/xen-tests/probe" O="$BUILD/tests/probe" CFLAGS="$flags"
}
# As Debian's: without shadow paging.
ask()
{
    xensr sim init --no-shadow &&
        xensr sim run -- "$BUILD/tests/probe/probe" >"$T/sim" 2>"$T/probe.err" &&
        [ -s "$T/sim" ]
}
topic() { grep "^$1[/:]" "$2"; }
# Questions, "TOPIC: QUESTION", whose answers differ.
differences()
{
    diff <(topic "$1" "$golden/xen-4.17") <(topic "$1" "$T/sim") |
        sed -n 's/^[<>] //p' | awk -F ': ' '{ print $1 ": " $2 }' | sort -u
}
known() { grep "^$1[/:]" "$golden/known" | sort; }
# All differences of a topic, and only they, are listed.
answers_as_real_xen()
{
    differences "$1" >"$T/differ"
    known "$1" >"$T/known"
    cmp -s "$T/differ" "$T/known" && return
    echo "differing questions (>: not known, <: not differing any more):"
    diff "$T/known" "$T/differ"
    diff <(topic "$1" "$golden/xen-4.17") <(topic "$1" "$T/sim")
    return 1
}

fresh_host
ok "the questions are built" build_probe
ok "the simulated host answers them" ask
for t in $(sed 's,[/:].*,,' "$golden/xen-4.17" | uniq); do
    ok "$t: as real Xen $(topic "$t" "$golden/xen-4.17" | wc -l) times" \
        answers_as_real_xen "$t"
done
ok "nothing is left" host_is_clean
done_testing
