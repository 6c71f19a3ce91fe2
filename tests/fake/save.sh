# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests that save simulated guests with the save helper alone: a scripted
# parent (tests/bin/fakeparent.c) that suspends the guest as a toolstack does.
# After tests/lib.sh:
#
#     for e in $(engines); do
#         engine "$e"
#         guest pv --memory 16                  # $DOM is its number
#         save 1 [fakeparent option...]         # FLAGS; the words in $T/talk
#         told 'complete 0 0 -> 0'
#     done

FAKEPARENT=$BUILD/tests/bin/fakeparent
SIMDOM=$T/simdom
WHO=$HELPER GEN=G7 CBFLAGS=136 TYPE=0 BACK=-1 STREAM=9
bail()
{
    echo "Bail out! $*"
    finished=1
    exit 99
}
requires cc
[ -x "$FAKEPARENT" ] && [ -x "$HELPER" ] || bail "build first: make check-bins"
# It loads the same libraries as the helper: with sanitizers, if they have them.
cc ${XENSR_ASAN:+-fsanitize=address,undefined} -o "$SIMDOM" \
    "$TOP/tests/fake/simdom.c" -lxenctrl -lxenguest -lxenstore ||
    bail "tests/fake/simdom.c does not compile"

# engine hybrid|native: which engine saves and restores from now on: stock
# libxenguest, or ours inside the helper.
engine()
{
    ENGINE=$1
    unset XENSR_ENGINE
    LIBS=$BUILD/stubs-hybrid
    if [ "$1" = native ]; then
        export XENSR_ENGINE=native
        LIBS=$BUILD/stubs
    fi
}
# The engines that this build can have (stock libraries are not built with
# sanitizers).
engines()
{
    [ -n "${XENSR_ASAN-}" ] || echo hybrid
    echo native
}
# guest TYPE [option of sim create...]
guest()
{
    DOM=$("$SIM" create --type "$@" --no-dm) || bail "no guest: $*"
}
on_libs() { LD_LIBRARY_PATH=$LIBS "$@"; }

# save FLAGS [fakeparent option...]: the image is $T/image.
save()
{
    local flags=$1
    shift
    save_args "$@" -- "$DOM" "$flags" "$CBFLAGS" "$TYPE"
}
# save_args [fakeparent option...] -- what follows the back channel
save_args()
{
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    LD_LIBRARY_PATH=$LIBS "$FAKEPARENT" --gen "$GEN" --stream "9=$T/image" \
        --do "suspend=$SIMDOM suspend $DOM" --count "$T/count" \
        "${options[@]}" -- "$WHO" --save-domain "$STREAM" "$BACK" "$@" \
        >"$T/talk" 2>"$T/talk.err" ||
        bail "no conversation: $(cat "$T/talk.err")"
}
# restore_args GEN [fakeparent option...] -- ARGUMENTS: from $T/image, with
# @F @D @S @C for stream, domain, ports of xenstore and console of a new PV
# domain, which is $NEW.
restore_args()
{
    local gen=$1 options=() args=() ports word
    shift
    ports=$(on_libs "$SIMDOM" create 24) || bail "no domain to restore into"
    read -r NEW store console <<<"$ports"
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    for word; do
        case $word in
        @F) word=9 ;;
        @D) word=$NEW ;;
        @S) word=$store ;;
        @C) word=$console ;;
        esac
        args+=("$word")
    done
    LD_LIBRARY_PATH=$LIBS "$FAKEPARENT" --gen "$gen" --stream "9=$T/image" \
        --count "$T/count" "${options[@]}" -- "$WHO" --restore-domain \
        "${args[@]}" >"$T/talk" 2>"$T/talk.err" ||
        bail "no conversation: $(cat "$T/talk.err")"
}
resume() { on_libs "$SIMDOM" resume "$DOM" 2>/dev/null; }

field() { "$SIM" info --json "$DOM" | jq -r ".$1"; }
log_dirty_is_off()
{
    [ "$("$SIM" info --json "$DOM" | jq '[.. | .log_dirty? | select(. == true)] | length')" = 0 ]
}
octets() { sed -n 's/^octets //p' "$T/count"; }
# The device model was told as often to stop as to begin.
device_model_is_quiet()
{
    [ "$(grep -c '^switch_qemu_logdirty [0-9]* 1 -> 0' "$T/talk")" = \
        "$(grep -c '^switch_qemu_logdirty [0-9]* 0 ->' "$T/talk")" ]
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
