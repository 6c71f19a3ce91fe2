#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Debian's unmodified save helper and libxenguest run under our parent on the
# simulated host and give the same memory as ours: every combination of helper
# and engine, every guest type.
. "${0%/*}/../lib.sh"
requires zstd jq
requires_stock

same_memory()
{
    local domid
    domid=$(domids)
    memory_equals "$domid" "$1" && "$SIM" destroy "$domid" && host_is_clean
}

# with STUBS HELPER IMAGE: one restore with that set of libraries and helper.
with()
{
    XENSR_STUBS_DIR=$BUILD/$1 xensr -q restore --helper "$2" "$3"
}

fresh_host
for type in pv pvh hvm; do
    img=$(image "$type" --memory 16) || exit 1
    ok "$type: stock helper, stock libxenguest" \
        with stubs-hybrid "$STOCK" "$img"
    ok "$type: the image's memory, nothing left" same_memory "$img"
    ok "$type: our helper, stock libxenguest" with stubs-hybrid "$HELPER" "$img"
    ok "$type: the same memory again" same_memory "$img"
    ok "$type: stock helper, our engine" with stubs "$STOCK" "$img"
    ok "$type: and again" same_memory "$img"
    ok "$type: our helper, its own engine over the stock libraries" \
        env XENSR_ENGINE=native XENSR_STUBS_DIR="$BUILD/stubs-hybrid" \
        "$XENSR" --sim="$XENSR_SIM_DIR" -q restore "$img"
    ok "$type: and once more" same_memory "$img"
done
img=$TOP/data/demo-hvm.save.zst
ok "the bundled real image with stock helper and libxenguest" \
    with stubs-hybrid "$STOCK" "$img"
ok "the bundled image: its memory, nothing left" same_memory "$img"
done_testing
