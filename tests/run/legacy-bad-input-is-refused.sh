#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Legacy streams that are cut off at any byte, or lie about counts, sizes, types
# or places, are refused with the place; what was written then has no END, so
# that whoever reads it refuses it as well. Never a crash, never much memory.
. "${0%/*}/../lib.sh"
. "${0%/*}/../legacy-lib.sh"
requires python3

# small streams: few pages, all kinds of chunks and tails
stream pv --type pv --pages 64 --batch 16 --xsave 592 --unmapped 3 --max-vcpu 1
stream pv32 --type pv --width 32 --guest-width 32 --pages 64 --batch 16
stream hvm --type hvm --pages 180 --batch 32 --physmap 2 --state 64
stream hvm32 --type hvm --width 32 --pages 180 --batch 32 --physmap 2
stream tmem --type pv --pages 64 --tmem --live

# An independent look at the structure: places of everything but page contents,
# then a cut at each byte of it. Run in one process of Python, many of ours.
cat >"$T/cuts.py" <<'P'
import os, subprocess, sys
convert, path, width, guest, every = sys.argv[1:6]
more = sys.argv[6:]
data = open(path, "rb").read()
n = len(data)
# the first 400 bytes, the last 700, both sides of each page boundary within
cuts = set(range(0, 400)) | set(range(n - 700, n)) | set(range(0, n, 4093))
cuts = sorted(c for c in cuts if 0 <= c < n)[::int(every)]
bad = 0
def convert_first(c):
    return subprocess.run([convert, "-i", "0", "-o", "1", "-w", width, "-g",
                           guest, "-f", "libxl"] + more, input=data[:c],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
whole = convert_first(n).stdout
for c in cuts:
    r = convert_first(c)
    words = r.stderr.decode()
    if r.returncode != 1 or "ended in" not in words or \
            "(at offset %u)" % c not in words or \
            len(r.stdout) >= len(whole) or not whole.startswith(r.stdout):
        bad += 1
        print("cut at %u: status %d, %s" % (c, r.returncode, words.strip()))
        if bad == 5:
            break
print("%u places" % len(cuts))
sys.exit(bad != 0)
P
every=${EVERY-7}
[ -z "${XENSR_ASAN-}" ] || every=41
cuts() { python3 "$T/cuts.py" "$CONVERT" "$T/$1" "$3" "$2" $every "${@:4}"; }
ok "cut off: PV, 64-bit" cuts pv pv 64
ok "cut off: PV, 32-bit" cuts pv32 pv 32
ok "cut off: HVM, 64-bit" cuts hvm hvm 64
ok "cut off: HVM, 32-bit" cuts hvm32 hvm 32
ok "cut off: with tmem" cuts tmem pv 64 --drop-tmem

# ---- lies --------------------------------------------------------------------

cat >"$T/patch.py" <<'P'
# patch.py IN OUT (ANCHOR_HEX|@OFFSET) SKIP HEX: overwrite SKIP bytes behind the
# first place of the anchor
import sys
data = bytearray(open(sys.argv[1], "rb").read())
anchor, skip, new = sys.argv[3], int(sys.argv[4]), bytes.fromhex(sys.argv[5])
at = int(anchor[1:]) if anchor[0] == "@" else data.index(bytes.fromhex(anchor))
data[at + skip:at + skip + len(new)] = new
open(sys.argv[2], "wb").write(data)
P
# lie SENTENCE STATUS REGEX STREAM ANCHOR SKIP HEX [option...]
lie()
{
    local name=$1 want=$2 regex=$3 type=hvm width=64
    case $4 in *32) width=32 ;; esac
    case $4 in pv* | tmem) type=pv ;; esac
    python3 "$T/patch.py" "$T/$4" "$T/bad" "$5" "$6" "$7" 2>/dev/null ||
        { fail "$name: the place is not there"; return 1; }
    ok "$name: refused" status "$want" ours "$T/bad" "$T/out" $type $width \
        libxl "${@:8}"
    ok "$name: it says why, and where" grep -Eq "$regex.*at offset" "$T/err"
    [ ! -e "$T/out" ] || fail "$name: an output is there"
}
le32() { printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/'; }
vcpu=$(printf vcpu | od -An -tx1 | tr -d ' ')
extv=$(printf extv | od -An -tx1 | tr -d ' ')
tsc=f9ffffff00000000 # the chunk, mode 0

lie "a p2m size of 0" 1 'p2m size' pv @0 0 00000000
lie "a p2m size of more than 28 bits" 1 'p2m size' hvm @0 0 00000010
lie "no marker and no chunk" 1 'no legacy stream' pv @8 0 0000000000000000
lie "a text" 1 'no legacy stream' hvm @0 0 "$(printf 'not a stream at' |
    od -An -v -tx1 | tr -d ' \n')"
lie "a v2 stream" 1 'v2 stream.*no conversion' hvm @0 0 4c6962786c466d74
lie "an image of XenServer" 1 'XenServer' hvm @0 0 58656e5361766564446f6d
lie "extended info of 4 GiB" 1 'extended info.*allowed' pv @16 0 ffffffff
lie "extended info that ends too early" 1 'extended info' pv @16 0 00010000
lie "a vcpu block of another size" 2 'vcpu.*block' pv $vcpu 4 "$(le32 5000)"
lie "a block larger than all" 1 'extended info' pv $extv 4 ffffff7f
lie "no vcpu block" 2 'vcpu' pv $vcpu 0 78787878
frames=$((20 + 5168 + 8 + 8 + 12))
lie "a p2m frame beyond the guest" 1 'p2m frame list' pv @$frames 0 "$(le32 64)"
first=$((8 + 24)) # HVM: p2m size, TSC; then the first batch
lie "a batch of 1025" 1 'batch of 1025' hvm @$first 0 "$(le32 1025)"
lie "a batch of 2147483647" 1 'batch of 2147483647' hvm @$first 0 ffffff7f
lie "chunk -21" 1 'chunk id -21' hvm @$first 0 ebffffff
lie "chunk -2147483648" 1 'chunk id' hvm @$first 0 00000080
lie "page type 5" 1 'page type 0x5' hvm @$((first + 4)) 0 00000050
lie "a page table in an HVM guest" 1 'page table' hvm @$((first + 4)) 0 00000010
lie "a pfn beyond the guest" 1 'pfn 0xb4' hvm @$((first + 4)) 0 b4000000
lie "an entry of more than 32 bits" 1 'upper half' hvm @$((first + 8)) 0 01000000
lie "a pfn twice" 1 'pfn 0x1 twice' hvm @$((first + 4)) 0 01000000
lie "compressed data too early" 1 'compressed data' hvm @$first 0 f4ffffff
vcpus=feffffff02000000
lie "vCPU id 4096" 1 'highest id 4096' hvm $vcpus 4 "$(le32 4096)"
lie "vCPU id -1" 1 'highest id -1' hvm $vcpus 4 ffffffff
lie "a vCPU above the highest" 1 'vCPU 3 online' hvm $vcpus 8 0f
lie "no vCPU online" 1 'no vCPU' hvm $vcpus 8 00
lie "an HVM parameter of a PV guest" 1 'PV guest' pv feffffff01000000 0 fdffffff
tools=eeffffff
lie "toolstack data of 2 MiB" 1 'toolstack' hvm $tools 4 00002000
lie "toolstack data of another version" 2 'version 2' hvm $tools 8 02000000
lie "257 regions" 1 '257 physmap' hvm $tools 12 01010000
lie "a region more than there are" 1 'offset|left' hvm $tools 12 03000000
lie "a region fewer" 1 'toolstack' hvm $tools 12 01000000
lie "a name larger than all" 1 'name of' hvm $tools 40 ffffff7f
lie "a name without NUL" 1 'NUL' hvm 7667612e7672616d00 8 78
lie "a NUL in a name" 1 'NUL' hvm 7667612e7672616d00 3 00
magic=fdef0f0000000000fbef0f0000000000
lie "an HVM context of nothing" 1 'HVM context' hvm $magic 24 00000000
lie "an HVM context of 4 GiB" 1 'HVM context' hvm $magic 24 ffffffff
lie "QEMU's state of 4 GiB" 1 'QEMU record' hvm 303030324000 4 ffffffff
lie "more unmapped pages than pages" 1 'unmapped' \
    pv 0000000003000000 4 "$(le32 65)"
lie "xsave state of 2^40 bytes" 1 'xsave' \
    pv 07000000000000005002000000000000 8 0000000000010000
lie "tmem pages of 2^27 bytes" 1 'tmem' tmem 0000000000000000030000 4 f0000000 \
    --drop-tmem

# ---- odd, but converted ------------------------------------------------------

# warned REGEX ANCHOR SKIP HEX
warned()
{
    python3 "$T/patch.py" "$T/hvm" "$T/bad" "$2" "$3" "$4" &&
        status 0 ours "$T/bad" "$T/out" hvm 64 libxl && grep -Eq "$1" "$T/err"
}
ok "a state of qemu-traditional is converted with a warning" \
    warned 'warning:.*qemu-traditional' 5145564d00000003 8 01
ok "and so is one that is not QEMU's" \
    warned 'warning:.*QEVM' 5145564d00000003 0 58
ok "viridian flags that Xen refuses are warned of" \
    warned 'warning:.*bit 0' f5ffffff00000000 8 02
done_testing
