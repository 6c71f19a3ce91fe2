#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Small rules that a search can check: the licence line, no assert where input
# is read, no input overlaid by a struct, no tabs, no stray names.
. "${0%/*}/../lib.sh"
cd "$TOP" || exit 1
sources() { git ls-files -co --exclude-standard "$@"; }

# none COMMAND...: it must print nothing.
none()
{
    local found
    found=$("$@") || true
    [ -z "$found" ] || { echo "$found"; return 1; }
}
without_licence()
{
    sources '*.c' '*.h' | while read -r f; do
        head -n 1 "$f" |
            grep -qxF '/* SPDX-License-Identifier: LGPL-2.1-or-later */' ||
            echo "$f: first line is not the licence line"
    done
    sources '*.sh' .ci/run 'xen-tests/dom0/*' 'xen-tests/linux-guest/*' \
        '*.S' | while read -r f; do
        head -n 3 "$f" | grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' ||
            echo "$f: no licence line"
    done
}
# Parsers judge; they never assert.
asserts_on_input()
{
    sources 'stream/*.[ch]' 'tools/*.[ch]' lib/bytes.[ch] lib/ipc.[ch] |
        xargs grep -nE '\bassert *\(|\babort *\('
}
overlaid_input()
{
    sources 'stream/*.[ch]' | xargs grep -nE \
        '\((const )?struct [a-z0-9_]+ \*\) *(cur|buf|p|body|bytes|data)\b'
}
tabs()
{
    sources '*.c' '*.h' '*.sh' 'xen-tests/dom0/*' | xargs grep -nP '\t'
}
unbounded_calls()
{
    sources '*.c' '*.h' |
        xargs grep -nE '\b(strcpy|strcat|sprintf|gets|alloca|atoi|atol) *\('
}
nonblock_on_streams()
{
    sources 'engine/*.c' 'helper/*.c' | xargs grep -n 'O_NONBLOCK'
}

ok "every source begins with the licence line" none without_licence
ok "no assert or abort where input is read" none asserts_on_input
ok "no struct is laid over input" none overlaid_input
ok "no tabs in sources" none tabs
ok "no unbounded string call" none unbounded_calls
ok "engine and helper never touch O_NONBLOCK" none nonblock_on_streams
done_testing
