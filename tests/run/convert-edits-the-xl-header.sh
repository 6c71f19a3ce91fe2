#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Name and UUID in the configuration of an xl save file are changed, or all of it
# is replaced; nothing else of the file changes, and the guest comes back under
# the new name. A header is removed and put in front again.
. "${0%/*}/../lib.sh"
. "${0%/*}/../convert-lib.sh"
requires jq
fresh_host
uuid=01234567-89ab-cdef-0123-456789abcdef

img=$(image pvh) || exit 1
# config FILE: its configuration. behind FILE: all behind the header.
len() { od -An -tu4 -j44 -N4 "$1" | tr -d ' '; }
config() { tail -c +53 "$1" | head -c "$(($(len "$1") - 5))"; }
behind() { tail -c +$(($(len "$1") + 49)) "$1"; }
old_name=$(config "$img" | jq -r .c_info.name)

ok "a new name" convert --name web2 "$img" "$T/a"
ok "... is the only change in the text" eval \
    '[ "$(config "$img" | sed "s/\"$old_name\"/\"web2\"/")" = "$(config "$T/a")" ]'
ok "... and the stream behind it is the same" \
    cmp <(behind "$img") <(behind "$T/a")
ok "a guest has it" eval 'xensr -q restore "$T/a" &&
    "$SIM" list --json | grep -q web2 && xensr -q destroy web2'
ok "a new UUID" convert --uuid $uuid "$img" "$T/a"
ok "... is the only change" eval \
    'diff <(config "$img" | jq -S .) <(config "$T/a" | jq -S .) >"$T/diff";
     [ "$(grep -c "^[<>]" "$T/diff")" = 2 ] && grep -q $uuid "$T/diff"'
ok "... in the text as well" eval \
    '[ "$(config "$img" | wc -l)" = "$(config "$T/a" | wc -l)" ]'
ok "both, in place" eval 'cp "$img" "$T/b" &&
    convert --name web3 --uuid $uuid "$T/b" "$T/b" &&
    [ "$(config "$T/b" | jq -r .c_info.name,.c_info.uuid | tr "\n" " ")" = \
    "web3 $uuid " ]'
ok "back to the old ones: the same file" eval \
    'convert --name "$old_name" \
        --uuid "$(config "$img" | jq -r .c_info.uuid)" "$T/b" "$T/c" &&
     same "$img" "$T/c"'

# Awkward texts: a name in other places, escapes, no name at all, one line.
# edited JSON: with this configuration, and then with the name changed.
edited()
{
    printf %s "$1" >"$T/config"
    convert --config "$T/config" "$img" "$T/d" &&
        convert --name web4 "$T/d" "$T/e" && config "$T/e" >"$T/now" &&
        [ "$(jq -Sc '.c_info.name = "web4"' "$T/config")" = \
            "$(jq -Sc . "$T/now")" ]
}
i=0
for json in \
    '{"b_info":{"c_info":{"name":"x"}},"c_info":{"type":"pvh","name":"y"}}' \
    '{"c_info":{"type":"pvh","x\"name\"":"name","name":"a\\\"b"},"name":1}' \
    '{"c_info" : { "list":[{"name":"z"},[]], "name" : "y" , "n":-1.5e3 } }' \
    '{"c_info":{"type":"pvh"}}' '{"a":[],"c_info":{"name":null}}'; do
    i=$((i + 1))
    ok "awkward text $i" edited "$json"
done
ok "text without a place for it is refused" eval \
    'echo "{}" >"$T/config" &&
     must_fail 3 convert --config "$T/config" --name x1 "$img" "$T/no"'
ok "... naming what is missing" says c_info
ok "what is no JSON is refused" eval 'echo "name = \"x\"" >"$T/config" &&
    must_fail 3 convert --config "$T/config" "$img" "$T/no"'
printf '{"c_info":{"type":"pv","name":"x"}}' >"$T/config"
ok "the configuration of another kind of guest is refused" \
    must_fail 3 convert --config "$T/config" "$img" "$T/no"
printf '{"c_info":{"type":"hvm","name":"x"}}' >"$T/config"
ok "an HVM guest without its device state is refused" \
    must_fail 4 convert --config "$T/config" "$img" "$T/no"
ok "nothing of them is left" test ! -e "$T/no"

ok "the header is removed" convert --to libxl "$img" "$T/f"
ok "... and nothing else" cmp <(behind "$img") "$T/f"
config "$img" >"$T/config"
ok "... and put in front again" eval \
    'convert --to xl --config "$T/config" "$T/f" "$T/g" && same "$img" "$T/g"'
ok "a file needs one" must_fail 4 convert --to xl "$T/f" "$T/no"
ok "... which is said" says --config

for bad in "" 12 "a b" a/b "$(printf 'x%.0s' {1..128})"; do
    ok "no name: '${bad:0:8}'" must_fail 2 convert --name "$bad" "$img" "$T/no"
done
for bad in "" 1234 ${uuid}0 ${uuid%f}g "${uuid//-/_}"; do
    ok "no UUID: '${bad:0:8}'" must_fail 2 convert --uuid "$bad" "$img" "$T/no"
done
ok "other formats have no name" \
    must_fail 2 convert --to libxl --name x1 "$img" "$T/no"
done_testing
