#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What --help says is what the manual pages say: the same commands with the same
# options, the same variables; and options that are named are taken, those that
# are not are refused.
. "${0%/*}/../lib.sh"
requires awk

man=$TOP/docs/man
options() { grep -oE -- '--[a-z][a-z0-9-]+' | sort -u; }
same() { diff <(printf '%s\n' "$1") <(printf '%s\n' "$2"); }

must_not_say() { ! grep -F -- "$1" "$T/err"; }

"$XENSR" --help >"$T/help" || exit 1
# The lines of a command in the synopsis, to the next command.
synopsis()
{
    awk -v c="$1" '/^## / { inside = $2 == "SYNOPSIS" }
        inside && $1 == "xensr" {
            sub(/\[--sim\[=DIR\]\]/, ""); sub(/\[-v\] \[-q\]/, "")
            mine = ("|" $2 "|") ~ ("\\|" c "\\|") }
        inside && mine' "$man/xensr.1.md"
}
commands=$(awk '/^[a-z-]+ / && !/^usage:|^exit / { print $1 }' "$T/help")
ok "--help has commands" [ "$(wc -w <<<"$commands")" -ge 10 ]
for c in $commands; do
    "$XENSR" "$c" --help >"$T/one" || fail "$c --help"
    [ "$c" != sim ] || continue # a program of its own, see below
    usage=$(awk '/^$/ { exit } { sub(/\[--sim\[=DIR\]\]/, "") } 1' "$T/one" | options)
    page=$(synopsis "$c" | options)
    ok "$c: the manual has it" grep -qE "^\*\*.*$c|^paused domain|\*\*$c\*\*" \
        "$man/xensr.1.md"
    ok "$c: its --help and the manual name the same options" same "$usage" "$page"
    told=$(sed '1,/^$/d' "$T/one" | grep -oE '^--[a-z][a-z0-9-]+' | sort -u)
    [ -z "$usage" ] || ok "$c: its --help explains each of them" \
        same "$usage" "$told"
    for o in $usage; do
        run "$XENSR" "$c" "$o" 1 </dev/null
        ok "$c: $o is known" must_not_say 'is not an option'
    done
    ok "$c: another option is refused" must_fail 2 "$XENSR" "$c" --no-such-option
done

sim=$("$SIM" --help | awk '/^  [a-z]+ / { print $1 }')
ok "sim --help has commands" [ "$(wc -w <<<"$sim")" -ge 10 ]
awk '/^\*\*sim\*\*/, /^`--sim`/' "$man/xensr.1.md" | tr '\n' ' ' >"$T/sim"
for c in $sim; do
    ok "sim $c: the manual has it" grep -qE "[\`]${c}[ \`]" "$T/sim"
done
table=$(sed -n '/^## Making one/,/^## /p' "$TOP/docs/simulated-guests.md" |
    grep '^|' | options)
ok "sim create: --help and docs/simulated-guests.md name the same options" \
    same "$("$SIM" create --help | sed 's/\[--dir DIR\]//' | options)" "$table"

vars() { grep -oE 'XENSR_[A-Z_]+' | sort -u; }
in_page=$(sed -n '/^## ENVIRONMENT/,/^## EXIT/p' "$man/xensr-helper.8.md" | vars)
ok "xensr-helper: the manual and the sources name the same variables" \
    same "$(cat "$TOP"/helper/*.c | grep -oE '"XENSR_[A-Z_]+"' | tr -d '"' |
        sort -u)" "$in_page"
ok "xensr-helper: --help names the same variables" \
    same "$("$HELPER" --help | vars)" "$in_page"
no_more() { ! comm -13 <(echo "$1") <(echo "$2") | grep .; }
ok "README names no other ones" no_more "$in_page" "$(vars <"$TOP/README.md")"

for t in $(sed -n 's/^\([a-z-]*\):.*## .*/\1/p' "$TOP/Makefile"); do
    make -s -C "$TOP" help | grep -q "^$t " || fail "make help lacks $t"
done
ok "documents name no target that make lacks" bash -c '
    cd "$0" && for t in $(grep -ohE "\`make [a-z][a-z-]+|^    make [a-z-]+|^make [a-z-]+" \
        README.md INSTALL CONTRIBUTING.md docs/*.md docs/*/*.md |
        awk "{ print \$2 }" | sort -u); do
        grep -q "^$t:" Makefile || { echo "make $t"; exit 1; }
    done' "$TOP"
done_testing
