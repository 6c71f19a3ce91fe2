#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images that the stock helper wrote on real Xen (tests/golden): inspect says of
# them what it said when a person looked, and they come back on the simulated
# host, under each library and helper, with the memory that they hold.
. "${0%/*}/../lib.sh"
requires zstd jq
golden=$TOP/tests/golden/images

# Of a small translated guest most records say only that there is no memory;
# the expected text has them not.
text() { (cd "$golden" && "$XENSR" inspect "$1") | grep -Ev ' pages: [0-9]+ XTAB$'; }
json()
{
    (cd "$golden" && "$XENSR" inspect --json "$1") | jq -S \
        'del(.records[] | select(.pages_with_content? == 0))'
}
inspected()
{
    text "$1.save.zst" | diff "$golden/$1.txt" - &&
        json "$1.save.zst" | diff "$golden/$1.json" -
}
judged()
{
    zstd -q -d -f -c "$golden/$1.save.zst" >"$T/plain" &&
        PYTHONPATH=$STOCK_LIB/lib/python PYTHONDONTWRITEBYTECODE=1 \
            python3 "$STOCK_LIB/bin/verify-stream-v2" -f xl -i "$T/plain"
}
# comes_back NAME [option...]: restored, octet by octet what the image holds.
comes_back()
{
    local name=$1
    shift
    xensr -q restore "$@" "$golden/$name.save.zst" &&
        memory_equals "$(domids)" "$golden/$name.save.zst" &&
        xensr -q destroy "$(domids)" && host_is_clean
}
with_hybrid() { local XENSR_STUBS_DIR=$BUILD/stubs-hybrid; export XENSR_STUBS_DIR; "$@"; }
#with_hybrid() { XENSR_STUBS_DIR=$BUILD/stubs-hybrid "$@"; }

STOCK_LIB=$(dirname "$(realpath -m "${STOCK:-none}")")/..
fresh_host
for f in "$golden"/*.save.zst; do
    n=$(basename "$f" .save.zst)
    ok "$n: inspect says what it said" inspected "$n"
    if [ -r "$STOCK_LIB/bin/verify-stream-v2" ] && command -v python3 >/dev/null; then
        ok "$n: Xen's own verifier is content" judged "$n"
    fi
    ok "$n: comes back with our library" comes_back "$n"
    if [ -z "${XENSR_ASAN-}" ]; then
        ok "$n: comes back with Debian's" with_hybrid comes_back "$n"
    fi
    export XENSR_ENGINE=native
    ok "$n: comes back with our helper's own engine" comes_back "$n"
    unset XENSR_ENGINE
    if [ -z "${XENSR_ASAN-}" ] && [ -x "$STOCK" ]; then
        ok "$n: comes back with the stock helper" \
            with_hybrid comes_back "$n" --helper "$STOCK"
    fi
done
done_testing
