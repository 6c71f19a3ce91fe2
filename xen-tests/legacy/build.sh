#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build.sh BUILD DEST: legacy_from_v2, which turns an image of today back into the
# stream that Xen 4.5 would have written, into DEST (in dom0: /share/legacy). BUILD
# is a build folder of this tree. quick/19-legacy.sh uses it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
make -s -C "$here/../.." O="$1" "$1/tests/gen/legacy_from_v2"
mkdir -p "$2"
cp "$1/tests/gen/legacy_from_v2" "$2/"
