# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests of the save helper alone: a scripted parent on its pipes
# (tests/bin/fakeparent.c) and a scripted guest library under it
# (tests/fake/guest.c); neither hypervisor nor image. After tests/lib.sh:
#
#     talk "static 3; ok 1 2" --reply static_data_done=-3
#     told 'complete -1 125 -> 0'
#     heard "what the parent heard is this" <<END

FAKEPARENT=$BUILD/tests/bin/fakeparent
requires cc
bail()
{
    echo "Bail out! $*"
    finished=1
    exit 99
}
[ -x "$FAKEPARENT" ] && [ -x "$HELPER" ] || bail "build first: make check-bins"
GUEST=$T/guest.so
cc -shared -fPIC -o "$GUEST" -I"$TOP" "$TOP/tests/fake/guest.c" \
    -lxentoollog || bail "the fake guest library does not compile"
# The sanitizers' runtime cannot come first when something is preloaded.
ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0

STREAM=$T/stream
head -c 65536 /dev/zero >"$STREAM"
WHO=$HELPER
RESTORE=(--restore-domain 9 -1 5 4 0 5 0 768 0)

# talk SCRIPT [fakeparent option...]: a restore with $STREAM as fd 9; the
# conversation is in $T/talk, the helper's words for people in $T/talk.err.
talk()
{
    local script=$1
    shift
    "$FAKEPARENT" --fd 9 "$@" -- env LD_PRELOAD="$GUEST" \
        FAKE_SCRIPT="$script" "$WHO" "${RESTORE[@]}" \
        9<>"$STREAM" >"$T/talk" 2>"$T/talk.err" ||
        bail "no conversation: $(cat "$T/talk.err")"
}
# The same with a stream that never gives a byte and never ends.
talk_stuck()
{
    rm -f "$T/fifo"
    mkfifo "$T/fifo"
    STREAM=$T/fifo
    # opened for both, a FIFO neither blocks nor ends
    exec 8<>"$T/fifo"
    talk "$@"
    exec 8>&-
    STREAM=$T/stream
}
told()
{
    local line
    for line; do
        grep -Fqx -- "$line" "$T/talk" ||
            { echo "not said: $line"; cat "$T/talk" "$T/talk.err"; return 1; }
    done
}
told_like()
{
    grep -Eqx -- "$1" "$T/talk" ||
        { echo "nothing like: $1"; cat "$T/talk" "$T/talk.err"; return 1; }
}
not_told()
{
    [ -s "$T/talk" ] && ! grep -E -- "$1" "$T/talk"
}
# heard SENTENCE: the whole conversation is what stands on standard input.
heard()
{
    cat >"$T/expected"
    ok "$1" diff "$T/expected" "$T/talk"
}
