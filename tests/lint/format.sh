#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sources are as clang-format leaves them (`make format` applies it).
. "${0%/*}/../lib.sh"
requires clang-format git
cd "$TOP" || exit 1

formatted()
{
    git ls-files -co --exclude-standard '*.c' '*.h' |
        xargs clang-format --dry-run -Werror 2>&1 |
        sed -n 's/^\([^:]*:[0-9]*\):.*error: code should.*/\1/p' >"$T/bad"
    [ ! -s "$T/bad" ] || { head -n 20 "$T/bad"; return 1; }
}
ok "sources are formatted" formatted
done_testing
