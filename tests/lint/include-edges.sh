#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who may include whom. lib/ knows nothing above it, stream/ only three parts of
# lib/, the helper and the plugin never meet, and Xen's headers stay in the few
# places that talk to Xen.
. "${0%/*}/../lib.sh"
cd "$TOP" || exit 1

# edges FOLDER REGEX: every #include "..." of FOLDER's files matches REGEX.
edges()
{
    local bad
    bad=$(git ls-files -co --exclude-standard "$1/*.c" "$1/*.h" |
        xargs -r grep -Hn '^#include "' |
        sed 's/^\([^:]*:[0-9]*\):#include "\(.*\)".*/\1 \2/' |
        awk -v re="^($2)\$" '$2 !~ re { print $1 ": must not include " $2 }')
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}

ok "lib includes nothing but lib" edges lib 'lib/[a-z]+\.h'
ok "stream includes stream and lib's err, bytes, buf, util" \
    edges stream 'stream(/[a-z]+)?/[a-z0-9_]+\.h|lib/(err|bytes|buf|util)\.h'
ok "convert includes convert, stream and lib" \
    edges convert '(convert(/[a-z0-9]+)?|stream(/[a-z]+)?|lib)/[a-z0-9_]+\.h'
ok "engine includes engine, stream and lib" \
    edges engine '(engine(/[a-z]+)?|stream(/[a-z]+)?|lib)/[a-z0-9_]+\.h'
ok "helper includes helper, lib, and of the engine its interface and compat" \
    edges helper '(helper|lib)/[a-z0-9_]+\.h|engine/(engine|compat)\.h'
ok "plugin includes plugin, convert, stream and lib" \
    edges plugin '(plugin(/[a-z]+)?|convert(/[a-z0-9]+)?|stream(/[a-z]+)?|lib)/[a-z0-9_]+\.h'
ok "tools include tools, plugin's interface, convert, stream and lib" \
    edges tools '(tools(/[a-z]+)?|convert(/[a-z0-9]+)?|stream(/[a-z]+)?|lib)/[a-z0-9_]+\.h|plugin/xensr\.h'
ok "stubs include stubs, lib, stream's checks and engine's interface" \
    edges stubs '(stubs/[a-z]+|lib|stream(/[a-z]+)?)/[a-z0-9_]+\.h|engine/engine\.h'
for folder in guest look probe bench record; do
    ok "xen-tests/$folder includes nothing but its own" \
        edges "xen-tests/$folder" '[a-z0-9_]+\.h'
done

xen_headers_in_their_places()
{
    local bad
    bad=$(git ls-files -co --exclude-standard '*.c' '*.h' |
        grep -Ev '^(engine|stubs|tests|xen-tests)/' |
        grep -Evx 'helper/guest[a-z_]*\.[ch]|plugin/host/(compat\.h|(domain|xen_store)[a-z_]*\.c)' |
        xargs -r grep -HnE '^#include <xen' |
        grep -v '<xensr\.h>')
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}
ok "Xen's headers are included only where Xen is called" \
    xen_headers_in_their_places

done_testing
