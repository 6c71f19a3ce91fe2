# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests of legacy streams; read after lib.sh. Xen's own converter, a Python
# program, is the judge where it is right; Debian ships it where it does not
# find its modules, so they are named here.

CONVERT=$BUILD/bin/xensr-convert-legacy
LEGACY=$BUILD/tests/gen/legacy
export FROM_V2=$BUILD/tests/gen/legacy_from_v2
XEN_BIN=$(dirname "$(realpath -m "${STOCK:-/nonexistent}")")
[ -e "$XEN_BIN/convert-legacy-stream" ] || XEN_BIN=/usr/lib/xen-4.17/bin
# A program, so that others can start it: libxl, the plugin.
XENS=$T/convert-legacy-stream-of-xen
cat >"$XENS" <<P
#!/bin/sh
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$XEN_BIN/../lib/python" \
    exec python3 "$XEN_BIN/convert-legacy-stream" "\$@"
P
chmod +x "$XENS"

needs_xens_converter()
{
    requires python3
    [ -e "$XEN_BIN/convert-legacy-stream" ] ||
        skip_all "Xen's converter is not there (make stock)"
}

# stream NAME OPTION...: $T/NAME, made once.
stream()
{
    [ -e "$T/$1" ] || "$LEGACY" "${@:2}" >"$T/$1"
}
# ours, xens: IN OUT TYPE WIDTH FORMAT [option...]; the status is theirs.
ours() { with "$CONVERT" "$@"; }
xens() { with "$XENS" "$@"; }
with()
{
    "$1" --in "$2" --out "$3" --width "$5" --guest-type "$4" --format "$6" \
        "${@:7}" 2>"$T/err"
}
# verified FILE FORMAT: by Xen's verifier.
verified()
{
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$XEN_BIN/../lib/python \
        python3 "$XEN_BIN/verify-stream-v2" -i "$1" -f "$2" >"$T/verify" 2>&1 ||
        { tail -n 3 "$T/verify"; return 1; }
}
# status CODE COMMAND...: exactly that one, and not for a crash.
status()
{
    local want=$1 rc=0
    shift
    "$@" || rc=$?
    sanitizers_silent || return 1
    [ "$rc" -eq "$want" ] ||
        { echo "status $rc, expected $want"; cat "$T/err"; return 1; }
}
