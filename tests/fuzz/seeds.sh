#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes the corpora that fuzzing starts from and that every test run replays:
# seeds.sh BUILD FOLDER cuts generated and golden images and recorded
# conversations into FOLDER/TARGET/. Inputs that were hard to find stand beside
# this file, in corpus/TARGET/.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
top=$(realpath "$here/../..")
gen=$1/tests/gen cut=$1/tests/fuzz/support/cut out=$2
mkdir -p "$out"

# image NAME OPTION...: a generated one. Its memory does not matter much here.
image()
{
    local name=$1
    shift
    "$gen/genimage" --memory "$([ "$1 $2" = "--type pv" ] && echo 1 || echo 8)" \
        --seed 5 "$@" | "$cut" image "$name" "$out"
}
image pv --type pv --vcpus 3 --xsave
image pv2 --type pv --version 2
image pv-verify --type pv --verify --layers libxl
image pvh --type pvh --vcpus 2
image pvh2 --type pvh --version 2 --layers libxc
image hvm --type hvm --vcpus 2 --physmap --emu-size 700
image hvm-live --type hvm --live --physmap --emu-size 100 --layers libxl

for f in "$top"/tests/golden/images/*.zst; do
    name=$(basename "$f" .save.zst)
    zstd -q -dc <"$f" | "$cut" image "$name" "$out"
done
for f in "$top"/tests/golden/talk/*/talk; do
    name=$(basename "$(dirname "$f")")
    "$cut" "talk-${name##*-}" "$name" "$out" <"$f"
done

# Beside each target's own seeds: nothing at all, and what was hard to find.
for f in "$here"/*.c; do
    name=$(basename "$f" .c)
    mkdir -p "$out/$name"
    : >"$out/$name/empty"
    ! [ -d "$here/corpus/$name" ] || cp "$here/corpus/$name"/* "$out/$name/"
done
