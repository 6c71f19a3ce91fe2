#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A domain that libxl has given disks or networks is destroyed by xl, whose
# hotplug scripts know what to free; without an xl it is destroyed all the same,
# and that is said. A domain without devices needs nobody.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
XSWRITE=$BUILD/tests/bin/xswrite

# An xl that keeps what it was asked for, and does that unless $T/xl.rc is there.
mkdir "$T/path"
cat >"$T/path/xl" <<'P'
#!/bin/sh
echo "$*" >>"$T/xl.log"
echo "xl: this is no image"
[ ! -e "$T/xl.rc" ] || exit "$(cat "$T/xl.rc")"
[ "$1" = destroy ] && exec "$SIM" destroy "$2"
P
chmod +x "$T/path/xl"
with_xl() { PATH=$T/path:$PATH "$@"; }
asked() { equal "asked of xl" "$(cat "$T/xl.log" 2>/dev/null)" "$1" && rm -f "$T/xl.log"; }
disk_for() { xensr sim run -- "$XSWRITE" "/libxl/$1/device/vbd/51712/frontend" x; }
gone()
{
    no_domains && ! "$SIM" xenstore | grep -E "/($1|domain/$1|libxl/$1)(/| )"
}

fresh_host
d=$(new_guest pvh) || exit 1
ok "a guest without devices is saved" with_xl xensr -q save "$d" "$T/plain"
ok "xl is not asked" asked ""

d=$(new_guest pvh) && disk_for "$d" || exit 1
ok "one with a disk that lives on" with_xl xensr -q save --keep running "$d" "$T/kept"
ok "xl is not asked, either" asked ""
piped() { with_xl xensr -q save "$d" - >"$T/piped" 2>"$T/err"; }
ok "one with a disk is saved" piped
ok "xl destroys it" asked "destroy $d"
ok "nothing is left of it" gone "$d"
ok "what xl prints is not in the image" xensr -q inspect "$T/piped"

d=$(new_guest pvh) && disk_for "$d" || exit 1
echo 3 >"$T/xl.rc"
run with_xl xensr save "$d" "$T/failed"
ok "xl fails, the save does not" equal status "$RC" 0
ok "that is said" says "xl destroy $d.*status 3.*hotplug"
ok "and nothing is left of it" gone "$d"
rm -f "$T/xl.log" "$T/xl.rc"

if ! PATH=/usr/sbin:/usr/local/sbin command -v xl >/dev/null; then
    d=$(new_guest pvh) && disk_for "$d" || exit 1
    run xensr destroy "$d"
    ok "no xl: it is destroyed" equal status "$RC" 0
    ok "and that is said" says "without libxl.*hotplug"
    ok "nothing is left of it" gone "$d"
fi
done_testing
