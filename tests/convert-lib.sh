# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of `xensr convert` share; read after tests/lib.sh.

GENXAPI=$BUILD/tests/gen/genxapi
export SOURCE_DATE_EPOCH=1400000000 # the Xenops records that convert makes

# Parts have other names on each side of these.
convert() { "$XENSR" -q convert "$@"; }
# blob KIND: a device state of traditional QEMU.
blob()
{
    [ -s "$T/blob.$1" ] || "$GENXAPI" "blob=$1" >"$T/blob.$1" || return 1
    printf %s "$T/blob.$1"
}
same()
{
    cmp "$1" "$2"
}
# Xen's own verifier, where it is installed: verifies libxc|libxl|xl FILE.
STOCK_BIN=$(dirname "$(realpath -m "${STOCK:-/nonexistent}")")
VERIFY=
for dir in "$STOCK_BIN" "$STOCK_BIN/root/usr/lib/xen-4.17/bin" \
    /usr/lib/xen-4.17/bin; do
    [ -r "$dir/verify-stream-v2" ] && command -v python3 >/dev/null &&
        VERIFY=$dir/verify-stream-v2 && break
done
verifies()
{
    PYTHONPATH=$(dirname "$VERIFY")/../lib/python PYTHONDONTWRITEBYTECODE=1 \
        python3 "$VERIFY" -f "$1" -i "$2"
}
# judged SENTENCE FORMAT FILE: a test of that name, or a skipped one.
judged()
{
    if [ -n "$VERIFY" ]; then
        ok "$1" verifies "$2" "$3"
    else
        skip "$1" "Debian's verify-stream-v2 is not there (make stock)"
    fi
}
