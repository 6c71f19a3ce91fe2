# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests in which a save, a restore or a migration meets one mishap after
# another (tests/bin/helperbox.c, xensrbox.c); read after lib.sh. One line for
# each kind of mishap, with the number of places where it was tried.
requires cc jq

AT_CALL_SO=$T/at_call.so
# at_call.c beside a program with sanitizers, whose runtime cannot come first
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
cc -shared -fPIC -D_GNU_SOURCE -o "$AT_CALL_SO" "$TOP/tests/fake/at_call.c" ||
    skip_all "at_call.c does not compile"

# Fewer places where there are very many, or each takes long; that is said.
STEP=${STEP-1} DENSE=${DENSE-16}
[ -z "${XENSR_ASAN-}" ] || STEP=$((STEP * 50)) DENSE=$((DENSE / 4))
[ "$STEP" -eq 1 ] ||
    note "of places in the stream the first $DENSE, then every ${STEP}th"
# What meets a save at rest meets a live one, too.
OPS="save live"
if [ -n "${XENSR_ASAN-}" ]; then
    OPS=live
    note "with sanitizers: live saves only"
fi
export OPS

bad_guest() # TYPE [create option...]: its number
{
    local type=$1
    shift
    xensr sim create --type "$type" --memory 16 --vcpus 2 --seed 5 --zero 95 \
        --dirty-rate 20000 --hot-set 5 "$@"
}

# in_groups WHAT COMMAND...: its lines as tests.
in_groups()
{
    local what=$1 verdict text
    shift
    "$@" >"$T/groups" 2>&1 || echo "fail status $? at the end" >>"$T/groups"
    while read -r verdict text; do
        case $verdict in
        pass) pass "$what: $text" ;;
        fail) fail "$what: $text" ;;
        *) note "$verdict $text" ;;
        esac
    done <"$T/groups"
}

# helper_meets TYPE OP AXIS...: on a host of its own.
helper_meets()
{
    local type=$1 op=$2 d
    shift 2
    fresh_host "$type-$op"
    d=$(bad_guest "$type") || { fail "$type: no guest"; return; }
    "$SIM" xenstore >"$T/xs.before"
    in_groups "$type" xensr sim run -- "$BUILD/tests/bin/helperbox" \
        --helper "${WHO:-$HELPER}" --preload "$AT_CALL_SO" \
        --mark "$T/mark-$type-$op" --op "$op" --step "$STEP" --dense "$DENSE" "$d" "$@"
    "$SIM" xenstore >"$T/xs.after"
    ok "$type $op: xenstore is as before" diff "$T/xs.before" "$T/xs.after"
    "$SIM" destroy "$d"
    ok "$type $op: nothing is left on the host" host_is_clean
    rm -rf "$XENSR_SIM_DIR"
}
