#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make install DESTDIR=...` gives a tree that works where it stands, and
# `make uninstall` takes all of it away.
. "${0%/*}/../lib.sh"
requires make jq

variant=
case $BUILD in *-asan) variant=asan ;; esac
in_tree()
{
    make -s -C "$TOP" "$1" O="$BUILD" VARIANT="$variant" DESTDIR="$T/root" \
        PREFIX=/usr
}

ok "make install" in_tree install
for f in bin/xensr libexec/xensr/xensr-helper \
    libexec/xensr/xensr-convert-legacy lib/libxensr.so.0 \
    lib/libxensr.so include/xensr.h lib/xensr/sim/libxensrsim.so; do
    ok "it installs $f" [ -e "$T/root/usr/$f" ]
done
fresh_host
img=$(image pvh) || exit 1
ok "the installed xensr restores on the installed simulated host" \
    "$T/root/usr/bin/xensr" --sim="$XENSR_SIM_DIR" -q restore "$img"
ok "the memory is the image's" memory_equals "$(domids)" "$img"
"$SIM" destroy "$(domids)"
exports_only_its_own()
{
    nm -D --defined-only "$T/root/usr/lib/libxensr.so.0" |
        awk '$3 !~ /^(xensr_|__|_init|_fini|_edata|_end|_bss)/ { print; bad = 1 }
             END { exit bad }'
}
if [ -n "$variant" ] || ! command -v nm >/dev/null; then
    skip "libxensr exports nothing but xensr_*" "sanitizers add their own"
else
    ok "libxensr exports nothing but xensr_*" exports_only_its_own
fi
ok "make uninstall" in_tree uninstall
left() { find "$T/root" -type f -o -type l | grep . && return 1; true; }
ok "nothing of it is left" left
done_testing
