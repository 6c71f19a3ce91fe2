#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The machine that all other tests run on: the right Xen, its services, and our
# programs built for it. Stands alone (no lib.sh): when this fails, nothing else
# has to be looked at.
set -u
n=0 failed=0

ok()
{
    local text=$1
    shift
    n=$((n + 1))
    if "$@" >"$T/out" 2>&1; then
        echo "ok $n - $text"
    else
        echo "not ok $n - $text"
        sed 's/^/# /' "$T/out" | tail -n 20
        failed=1
    fi
}
release_is()
{
    xl info >"$T/info" || return 1
    cat "$T/info"
    [ "$(awk '$1 == "xen_major" { a = $3 } $1 == "xen_minor" { b = $3 }
        END { print a "." b }' "$T/info")" = "$XEN_RELEASE" ]
}
only_dom0()
{
    xl list
    [ "$(xl list | awk 'NR > 1 { print $2 }')" = 0 ]
}
has() { xl info | grep -E "^xen_caps.*: .*$1"; }
answers() { "$@"; }
# Without arguments it refuses in its own words, so its libraries were loaded
# (127: they were not).
stock_helper_starts()
{
    "$STOCK_HELPER" </dev/null
    [ $? -ne 127 ]
}
no_missing_library()
{
    local f
    for f in "$XENSR" "$HELPER" "$STOCK_HELPER"; do
        ldd "$f" || return 1
        ! ldd "$f" | grep 'not found' || return 1
    done
}
memory_to_spare()
{
    xl info | grep free_memory
    [ "$(xl info | awk '$1 == "free_memory" { print $3 }')" -ge 1024 ]
}

ok "Xen is release $XEN_RELEASE" release_is
ok "dom0 is the only domain" only_dom0
ok "PV guests can be had" has 'xen-3.0-x86_64'
ok "HVM and PVH guests can be had" has 'hvm-3.0-x86_64'
ok "xenstored answers" answers xenstore-ls /local/domain/0
ok "xenconsoled runs" answers pgrep -x xenconsoled
ok "a gibibyte is free for guests" memory_to_spare
ok "every library of the programs is there" no_missing_library
ok "our xensr starts" answers "$XENSR" --version
ok "our xensr-helper starts" answers "$HELPER" --version
ok "the stock save helper starts" stock_helper_starts
echo "1..$n"
exit $failed
