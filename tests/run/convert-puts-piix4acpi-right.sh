#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The power management record of XenServer 6.0 to 6.2 says version 2 and has
# the length of version 1. It is warned of, and put right on request alone;
# only the version number changes, and the report says what was done.
. "${0%/*}/../lib.sh"
. "${0%/*}/../convert-lib.sh"
requires jq

mkdir "$T/none"
img=$(image hvm) || exit 1
convert --to libxc --aside "$T/keep" "$img" "$T/hvm.xc" || exit 1

# given KIND: a XenServer image with that device state.
given()
{
    "$GENXAPI" sig "xenops=(x)" "libxc=$T/hvm.xc" "qemu=$(blob "$1")" end \
        >"$T/in.xs"
}
# fixed FORMAT [option...]: converted; $T/report, $T/before without the fix.
fixed()
{
    rm -f "$T/after" "$T/before"
    "$XENSR" -q convert --json --to "$@" "$T/in.xs" "$T/after" >"$T/report" &&
        convert --to "$1" "$T/in.xs" "$T/before"
}
# The changed bytes: before and after.
differs()
{
    cmp -l "$T/before" "$T/after" | awk '{ print $2 + 0, $3 + 0 }'
}
noted() { jq -e --arg re "$1" 'any(.notes[]; test($re))' "$T/report" >/dev/null ||
    { cat "$T/report"; false; }; }

given quirk
"$XENSR" -q convert --json --to libxl "$T/in.xs" "$T/a" >"$T/report"
ok "it is warned of" noted 'warning: .*version 2 .*278 bytes.*XenServer 6.0 to 6.2'
ok "... and names the option" noted '--fix-piix4acpi'
ok "without the option it stays" eval \
    'convert --to xenserver --with "$T/none" "$T/a" "$T/b" &&
     tail -c $(($(wc -c <"$(blob quirk)") + 16)) "$T/b" |
     head -c "$(wc -c <"$(blob quirk)")" | cmp - "$(blob quirk)"'

# changes KIND FORMAT FROM TO: exactly the last byte of the version.
changes()
{
    local line
    given "$1" && fixed "$2" --fix-piix4acpi || return 1
    line=$(differs)
    [ "$line" = "$3 $4" ] || { echo "changed: $line"; cat "$T/report"; return 1; }
    noted "version $3 with 2[78][82] bytes .* version $4, at byte"
}
stays()
{
    given "$1" && fixed "$2" --fix-piix4acpi &&
        same "$T/before" "$T/after" && noted 'nothing was changed'
}
for more in '' +uhci; do
    ok "quirk$more for xl: version 2 is 1" changes quirk$more libxl 2 1
    ok "xs65$more for xl: version 3 is 2" changes xs65$more libxl 3 2
    ok "trad2$more for XenServer: version 2 is 3" changes trad2$more xenserver 2 3
    ok "trad1$more for xl is right" stays trad1$more libxl
    ok "trad2$more for xl is right" stays trad2$more libxl
    ok "quirk$more for XenServer is right" stays quirk$more xenserver
    ok "trad1$more for XenServer is right" stays trad1$more xenserver
    ok "xs65$more for XenServer is right" stays xs65$more xenserver
done

given no-gpe
ok "without a second witness it is refused" \
    must_fail 4 convert --to libxl --fix-piix4acpi "$T/in.xs" "$T/no"
ok "... naming the way to force it" says 'force'
ok "... and it can be forced" fixed libxl --fix-piix4acpi=force
ok "... to version 1" test "$(differs)" = "2 1"
given liar
ok "a contradiction is refused" \
    must_fail 4 convert --to libxl --fix-piix4acpi "$T/in.xs" "$T/no"
ok "... forced or not" \
    must_fail 4 convert --to libxl --fix-piix4acpi=force "$T/in.xs" "$T/no"
ok "... and says so" says 'contradicts'
ok "... and leaves nothing" test ! -e "$T/no"
given upstream
ok "QEMU's own device state has no such record" stays upstream libxl
ok "the option takes nothing but force" \
    must_fail 2 convert --fix-piix4acpi=maybe "$T/in.xs" "$T/no"

# An xl file of a guest that came from XenServer 6.2 through somebody else.
given quirk
convert --to xl --with "$T/keep" "$T/in.xs" "$T/xl" || exit 1
ok "in an xl file as well" eval \
    '"$XENSR" -q convert --json --fix-piix4acpi "$T/xl" "$T/after" >"$T/report" &&
     cp "$T/xl" "$T/before" && [ "$(differs)" = "2 1" ]'
done_testing
