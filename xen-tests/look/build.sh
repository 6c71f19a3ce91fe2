#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build.sh BUILD DEST: look, what can be seen of the host all at once, built where
# the release's headers and compiler are and put into DEST (in dom0: /share/look).
# dom0/host.sh calls it. BUILD is not used; other folders' build.sh have it, too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
"${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o "$2/look" \
    "$here/look.c" -lxenctrl -lxenstore
