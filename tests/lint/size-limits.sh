#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Files and functions that a reader can hold in mind: sources up to 500 lines,
# headers 150 (the public one 400), functions 60, folders 20 files.
. "${0%/*}/../lib.sh"
cd "$TOP" || exit 1
sources() { git ls-files -co --exclude-standard "$@"; }

# longer N FILE...: lists files above N lines.
longer()
{
    local n=$1 bad
    shift
    bad=$(wc -l "$@" /dev/null | awk -v n="$n" '
        $2 != "total" && $1 > n { print $2 ": " $1 " lines, limit " n }')
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}
long_functions()
{
    local bad
    bad=$(sources '*.c' | xargs awk '
        FNR == 1 { start = 0 }
        /^[A-Za-z_].*[(]/ && !/;[ \t]*$/ { head = FNR }
        /^\{/ { start = head ? head : FNR }
        /^\}/ && start {
            n = FNR - start + 1
            if (n > 60) print FILENAME ":" start ": " n " lines, limit 60"
            start = head = 0
        }')
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}
# tests/unit has a file for each module of the whole tree: it counts by prefix.
full_folders()
{
    local bad
    bad=$(sources '*.c' '*.h' | sed 's|^\(tests/unit/[a-z]*\)_.*|\1/|; s|/[^/]*$||' |
        sort | uniq -c |
        awk '$1 > 20 { print $2 ": " $1 " files, limit 20" }')
    [ -z "$bad" ] || { echo "$bad"; return 1; }
}

mapfile -t c < <(sources '*.c')
mapfile -t h < <(sources '*.h' | grep -vx plugin/xensr.h)
ok "no source file has more than 500 lines" longer 500 "${c[@]}"
ok "no header has more than 150 lines" longer 150 "${h[@]}"
ok "the public header has at most 400 lines" longer 400 plugin/xensr.h
ok "no function has more than 60 lines" long_functions
ok "no folder has more than 20 source files" full_folders
done_testing
