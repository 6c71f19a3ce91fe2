#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build.sh BUILD DEST: what record.sh runs in dom0 and what is not part of an
# installation, built where the release's headers and compiler are and put into
# the folder DEST (in dom0: /share/record): capture, which writes down a
# helper's conversation, and probe, the questions to a hypervisor. BUILD is not
# used; other folders' build.sh have it, too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dest=$2

mkdir -p "$dest"
"${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror \
    -o "$dest/capture" "$here/capture.c"
# Its questions are those of the releases whose headers have all of them.
make -s -C "$here/../probe" O="$dest" ||
    echo "probe is left out: not for the headers of this release"
