#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# build.sh BUILD DEST: what bench.sh runs in dom0 and what is not part of an
# installation, built where the release's headers and compiler are and put into
# the folder DEST (in dom0: /share/bench). BUILD is a build folder of this tree.
#
#   stopwatch    stands in a save helper's place and takes its time
#   count.so     counts what it asks of the kernel and of Xen
#   fakeparent   the toolstack's side of a save, without a toolstack
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1 dest=$2
flags="-std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra"

mkdir -p "$dest"
# shellcheck disable=SC2086
"${CC:-gcc}" $flags -o "$dest/stopwatch" "$here/stopwatch.c"
# shellcheck disable=SC2086
"${CC:-gcc}" $flags -shared -fPIC -fvisibility=hidden -o "$dest/count.so" \
    "$here/count.c" -ldl
make -s -C "$here/../.." O="$build" "$build/tests/bin/fakeparent"
cp "$build/tests/bin/fakeparent" "$dest/"
