#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# XenServer's images, made by a generator that shares no code with the program,
# become libxl streams and come back as the same bytes: with UEFI variables and
# a TPM, with an older image inside, in the unstructured format of 6.2, with
# records in another order, on a disk with old content behind them.
. "${0%/*}/../lib.sh"
. "${0%/*}/../convert-lib.sh"
requires jq
export XENSR_DEVICE_MODEL=
FROM_V2=$BUILD/tests/gen/legacy_from_v2
xenops='((time 20260102T03:04:05Z)(word_size 64)(vm_str "x")(xs_subtree()))'
fresh_host

hvm=$(image hvm) && pv=$(image pv) || exit 1
convert --to libxc --aside "$T/hvm" "$hvm" "$T/hvm.xc" || exit 1
convert --to libxc --aside "$T/pv" "$pv" "$T/pv.xc" || exit 1
"$FROM_V2" --bare <"$pv" >"$T/pv.legacy" 2>"$T/lost" &&
    "$FROM_V2" --bare <"$hvm" >"$T/hvm.legacy" 2>"$T/lost" &&
    "$FROM_V2" --bare --no-qemu <"$hvm" >"$T/hvm.only" 2>"$T/lost" ||
    { cat "$T/lost"; exit 1; }
blob=$(blob upstream) && trad=$(blob trad2) || exit 1
head -c 70000 "$T/hvm.xc" >"$T/vars"
head -c 5001 "$T/hvm.xc" >"$T/tpm"

# made FILE PIECE...
made() { "$GENXAPI" "${@:2}" >"$T/$1"; }
# round_trip FILE: to libxl and back, the same; Xen's verifier in between.
round_trip()
{
    rm -rf "$T/aside" "$T/libxl" "$T/back"
    convert --to libxl --aside "$T/aside" "$T/$1" "$T/libxl" &&
        convert --to xenserver --with "$T/aside" "$T/libxl" "$T/back" &&
        same "$T/$1" "$T/back"
}
# guest_of FILE IMAGE FOLDER [option...]: as xl file it becomes IMAGE's guest.
guest_of()
{
    local id
    convert --to xl --with "$3" "${@:4}" "$T/$1" "$T/xl" &&
        xensr -q restore --paused "$T/xl" || return 1
    id=$(domids)
    memory_equals "$id" "$2" && xensr -q destroy "$id"
}
says_report() { jq -e "$1" "$T/report" >/dev/null || { cat "$T/report"; false; }; }

# ---- structured ----

made hvm.xs sig "xenops=$xenops" "libxc=$T/hvm.xc" "qemu=$blob" end
made trad.xs sig "xenops=$xenops" "libxc=$T/hvm.xc" "qemu=$trad" end
made pv.xs sig "xenops=$xenops" "libxc=$T/pv.xc" end
made uefi.xs sig "xenops=$xenops" "libxc=$T/hvm.xc" "varstored=$T/vars" \
    "swtpm=$T/tpm" "qemu=$blob" end
for f in hvm trad pv uefi; do
    ok "$f: the round trip is byte-identical" round_trip $f.xs
    judged "$f: Xen's verifier accepts what is in between" libxl "$T/libxl"
    ok "$f: from XenServer's format to itself nothing changes" \
        eval 'convert "$T/$f.xs" "$T/itself" && same "$T/$f.xs" "$T/itself"'
done
ok "a PV guest comes out of one" guest_of pv.xs "$pv" "$T/pv"
mv "$T/hvm/emulator-context" "$T/"
ok "an HVM guest comes out of one" guest_of hvm.xs "$hvm" "$T/hvm"
ok "UEFI variables have no place elsewhere" \
    must_fail 4 convert --to libxl "$T/uefi.xs" "$T/no"
ok "... and it is said which record, where" says 'varstored.*offset [0-9]+'
ok "... and no file is left" test ! -e "$T/no"
ok "the report is JSON" eval \
    '"$XENSR" -q convert --json --to libxl "$T/trad.xs" "$T/j" >"$T/report"'
ok "the device state is told by its look: traditional QEMU" says_report \
    '.emulator == 1 and .from == "xenserver" and .to == "libxl"'

made turned.xs sig "qemu=$blob" "libxc=$T/hvm.xc" "xenops=$xenops" end \
    text=garbage
ok "records come in any order, and a disk has old content behind them" eval \
    'convert --to libxl "$T/turned.xs" "$T/a" &&
     convert --to libxl "$T/hvm.xs" "$T/b" && same "$T/a" "$T/b"'
ok "... from a pipe as well" eval \
    'cat "$T/turned.xs" | convert --to libxl - - | cmp - "$T/b"'

# ---- with a legacy image inside ----

made old.xs sig "xenops=$xenops" "legacy=$T/hvm.legacy" end
made oldpv.xs sig "legacy=$T/pv.legacy" end
ok "a legacy HVM image inside" guest_of old.xs "$hvm" "$T/hvm"
ok "a legacy PV image inside" guest_of oldpv.xs "$pv" "$T/pv"
ok "... is a newer one where the format stays" eval \
    'convert "$T/oldpv.xs" "$T/new.xs" &&
     convert --to libxl "$T/new.xs" "$T/a" &&
     convert --to libxl "$T/oldpv.xs" "$T/b" && same "$T/a" "$T/b"'

# ---- unstructured, up to 6.2 ----

made six.xs old-sig "file=$T/hvm.only" "old-qemu=$blob"
made sixpv.xs old-sig "file=$T/pv.legacy"
ok "6.2: an HVM guest" guest_of six.xs "$hvm" "$T/hvm"
ok "6.2: a PV guest" guest_of sixpv.xs "$pv" "$T/pv"
ok "6.2: from a pipe" eval \
    'cat "$T/sixpv.xs" | convert --to libxl - "$T/a" &&
     convert --to libxl "$T/sixpv.xs" "$T/b" && same "$T/a" "$T/b"'
ok "6.2 becomes the new format" eval \
    'convert --to xenserver --aside "$T/id" "$T/six.xs" "$T/new.xs" &&
     convert --to libxl --with "$T/id" "$T/new.xs" "$T/a" &&
     convert --to libxl "$T/six.xs" "$T/b" && same "$T/a" "$T/b"'
ok "it is found out what it is" eval \
    '"$XENSR" -q convert --json "$T/six.xs" "$T/a" >"$T/report" &&
     says_report ".from == \"xenserver-6.2\" and .to == \"libxl\""'

# ---- refused ----

# refused CODE REGEX SENTENCE PIECE...
refused()
{
    made bad.xs "${@:4}"
    rm -f "$T/refused"
    ok "$3" must_fail "$1" convert --to libxl "$T/bad.xs" "$T/refused"
    ok "... and says so" says "$2"
    ok "... and leaves nothing" test ! -e "$T/refused"
}
refused 3 'ends inside' "no End_of_image" sig "libxc=$T/pv.xc"
refused 3 'before any Libxc' "no image" sig "xenops=$xenops" end
refused 3 'second one' "two images" sig "libxc=$T/pv.xc" "libxc=$T/pv.xc" end
refused 3 'second one' "two device states" sig "libxc=$T/hvm.xc" \
    "qemu=$blob" "qemu=$blob" end
refused 3 'unknown type' "an unknown record" sig header=0x77:0
refused 3 'reserved type' "a reserved record" sig header=0xf1:0
refused 3 'at most 1048576' "too much device state" sig "libxc=$T/hvm.xc" \
    header=0xf00:1048577
refused 3 'at most 16777216' "too long a record" sig \
    header=0xf:0xffffffffffffffff
refused 3 'allowed 0 ' "a length where there is none" sig header=0xf0:8
refused 4 'virtual GPU' "a virtual GPU" sig "libxc=$T/hvm.xc" demu="$T/tpm"
refused 3 'ends inside' "a signature alone" sig
refused 3 'none of the formats' "half a signature" text=XenSavedDomv2
refused 3 'found 9 bytes|no "QEVM"|ends inside' "a record that is cut off" \
    sig "libxc=$T/hvm.xc" header=0xf00:100 text=short
done_testing
