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

# bytes OCTAL...: them, one by one.
bytes() { printf '%b' "$(printf '\\0%s' "$@")"; }

# seed TARGET NAME < INPUT
seed()
{
    mkdir -p "$out/$1"
    cat >"$out/$1/$2"
}

# Small images as an old Xen would have written them: whole, for the conversion
# (its first byte: 1 xl header, 2 bare image, 4 no QEMU, 40 last checkpoint), and
# their first pieces.
for f in "$out"/image/*; do
    name=$(basename "$f")
    for width in 32 64; do
        old() { "$gen/legacy_from_v2" --width "$width" "$@" <"$f" 2>/dev/null; }
        case $name in *pvh* | *-verify* | *-live*) xl=0 ;; *) xl=1 ;; esac
        { bytes "$xl"; old --batch 4; } | seed convert "$name-$width"
        { bytes 000; old --bare; } | seed convert "$name-$width-bare"
        { bytes 046; old --bare --no-qemu; } | seed convert "$name-$width-image"
        old --bare >"$out/old"
        { bytes 0 0 0 0 0 0; head -c 16 "$out/old"; } | seed legacy "shape-$name-$width"
    done
    # Behind p2m size, marker and length of a 64-bit toolstack: extended info.
    case $name in
    pv* | *-pv-*) case $name in pvh*) ;; *)
        { bytes 1 0 0 0 0 0; head -c 5232 "$out/old" | tail -c +21; } |
            seed legacy "ext-$name" ;;
        esac ;;
    esac
done
rm -f "$out/old"

# The same small images, and tiny ones that are good in every respect: for the
# judgement and, behind a byte that says what they become, for the conversion.
mkdir -p "$out/check" "$out/recast" "$out/inspect"
for kind in pv64 pv32 pvh hvm remus; do
    "$gen/tiny" "$kind" >"$out/image/tiny-$kind"
done
"$gen/genxapi" sig "xenops=((vm_str v))" "libxc=$(echo "$out"/image/pvh2-*)" \
    "qemu=$(echo "$out"/qemu/hvm-[0-9]*)" end >"$out/image/xenserver"
for f in "$out"/image/*; do
    name=$(basename "$f")
    cp "$f" "$out/check/$name"
    for question in 0 1 2; do
        { bytes "$question"; cat "$f"; } >"$out/inspect/$name-$question"
    done
    for to in 0 1 2 4 5 6 10; do
        { bytes "$to"; cat "$f"; } >"$out/recast/$name-$to"
    done
done
{ bytes 2 2 7 0 0 1; printf '\001\0\0\0\0\0\0\0\002\0\0\060\0\0\0\0%.0s' 1 2 3 4; } |
    seed legacy batch
{ bytes 3 0 2 0 0 0 7 0 0 0 0 0 0 0; } | seed legacy vcpus
{ bytes 6 0 0 0 0 0; printf DeviceModelRecord0002; } | seed legacy qemu
{ bytes 7 0 0 0 0 0 1 0 0 0 1 0 0 0; printf '\0\0\0\360\0\0\0\0%.0s' 1 2 3
    bytes 4 0 0 0; printf 'vga\0\1\1\1\1'; } | seed legacy toolstack
{ bytes 10 0 0 0 0 0 200; head -c 4096 /dev/zero; } | seed legacy whole-page
{ bytes 10 0 0 0 0 0; bytes 4 1 2 3 4 1 2 3 4 1 2 3 4 1 2 3 4
    bytes 377 377 377 377 377 377 377 377 203; printf '\0'; } | seed legacy runs

{ printf 'XenSavedDomv2-\n'; bytes 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    bytes 360 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    bytes 0 17 0 0 0 0 0 0 100 0 0 0 0 0 0 0
    bytes 377 377 0 0 0 0 0 0 0 0 0 0 0 0 0 0; } | seed xapi frames
# A state as QEMU writes it for a traditional machine.
{ printf 'QEVM\0\0\0\003\004\0\0\0\001\003gpe\0\0\0\0\0\0\0\001%09d' 0
    printf '\004\0\0\0\002\011piix4acpi\0\0\0\0\0\0\0\002\0\0\0\002\206\200\023\161'
    head -c 270 /dev/zero; bytes 0; } | seed qemu traditional

# Every generation and side: all questions in turn, and answers, the last cut off.
for n in 0 1 2 3 4 5 6 7; do
    { bytes "$n" 0 2 3 4 5 6 0 13 11
        bytes 1 0 0 0 1 0 0 0 377 377 377 377 0 0 0 0 7; } | seed answer "save-$n"
    { bytes "$n" 1 0 7 4 5 10 2 10 11
        bytes 0 0 0 0 2 0 0 0 1 0 0 0 0 0 0 0; } | seed answer "restore-$n"
done

# Beside each target's own seeds: nothing at all, and what was hard to find.
for f in "$here"/*.c; do
    name=$(basename "$f" .c)
    mkdir -p "$out/$name"
    : >"$out/$name/empty"
    ! [ -d "$here/corpus/$name" ] || cp "$here/corpus/$name"/* "$out/$name/"
done
