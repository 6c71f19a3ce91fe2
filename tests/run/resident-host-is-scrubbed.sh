#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A host made with --resident has storage for all its memory from the start, and
# what a domain leaves in it is zero again when the domain is gone.
. "${0%/*}/../lib.sh"

export XENSR_SIM_DIR=$T/host
mkdir -m 700 "$XENSR_SIM_DIR"
kib() { du -k "$XENSR_SIM_DIR/ram" | cut -f1; }
# Domain 0 has the first 512 MiB, the table of frames lies behind the pool.
used() { tail -c +$(((512 << 20) + 1)) "$XENSR_SIM_DIR/ram" |
    head -c $((500 << 20)) | tr -d '\0' | head -c 1 | wc -c; }
is() { [ "$1" = "$2" ] || { echo "found $1, want $2"; return 1; }; }

ok "is made" "$SIM" init --resident --memory 1024
before=$(kib)
ok "has its storage" [ "$before" -ge $((500 << 10)) ]
ok "all of it is zero" is "$(used)" 0
ok "takes a guest" "$SIM" create --type pvh --memory 32 --seed 7 --zero 10
ok "which is good" "$SIM" guest 1
ok "whose content is there" is "$(used)" 1
ok "in no more storage than before" [ "$(kib)" -le $((before + 1024)) ]
ok "loses it" "$SIM" destroy 1
ok "and is zero again" is "$(used)" 0
ok "with all its storage" [ "$(kib)" -ge $((500 << 10)) ]
ok "takes another" "$SIM" create --type pv --memory 32 --seed 8 --zero 10
ok "which is good, too" "$SIM" guest 2
done_testing
