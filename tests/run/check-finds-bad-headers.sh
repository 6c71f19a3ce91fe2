#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xl header, configuration, libxl stream, emulator records, image headers: each
# rule broken by itself is found, by its name, where it is.
. "${0%/*}/../lib.sh"
# shellcheck source=tests/check-lib.sh
. "${0%/*}/../check-lib.sh"

for kind in "${!ALWAYS[@]}"; do
    ok "$kind: as it is" found_is "${ALWAYS[$kind]}" '' "$T/$kind.img"
done

# ---- what kind of input ------------------------------------------------------

X=put:0:
case_ pvh input.unknown 0 "nothing that is known" ${X}00
case_ pvh input.unknown 0 "the input is empty" cut:0
case_ pvh input.unknown 0 "the first octets of a save file" cut:7
case_ pvh input.legacy 0 "an image of Xen 4.5" cut:16 \
    put:0:00800000000000000400000000000000
case_ pvh input.legacy 0 "a domain saved by xend" put:0:"$(printf LinuxGuestRecord | od -An -v -tx1 | tr -d ' \n')"
case_ pvh input.legacy 0 "an image of XenServer 6.2" put:0:"$(printf 'XenSavedDomain\n' | od -An -v -tx1 | tr -d ' \n')"
case_ pvh input.xenserver 0 "an image of XenServer" put:0:"$(printf 'XenSavedDomv2-\n' | od -An -v -tx1 | tr -d ' \n')"
case_ pvh input.back-channel 0 "what a COLO secondary sends" cut:24 \
    put:0:0f0000001000000001000000000000000200000000000000
case_ pvh input.trailing 46884 "an octet behind the end" append:00
case_ hvm input.trailing 50404 "a page behind the end" append:'zeros*4096'

# ---- xl header ---------------------------------------------------------------

case_ pvh xl.cut 0 "the xl header ends early" cut:40
case_ pvh xl.cut 0 "one octet less" cut:47
case_ pvh xl.cut end "the configuration ends early" cut:100
case_ pvh xl.magic 0 "a text conversion took the NUL" put:29:20
case_ pvh xl.magic 0 "a changed letter" put:20:58
case_ pvh xl.byte-order 32 "no byte order" put:32:00000000
case_ pvh xl.big-endian 32 "of a big-endian host" put:32:01020304
case_ pvh xl.flags 36 "an unknown mandatory flag" put:36:07000000
case_ pvh xl.flags 36 "the highest flag" put:36:03000080
case_ pvh input.legacy 36 "no v2 stream" put:36:01000000
case_ pvh xl.config-text 36 "a configuration that is not JSON" put:36:02000000
case_ pvh xl.optional-flags 40 "an optional flag" put:40:01000000
case_ pvh xl.length,xl.cut 44 "more optional data than any" put:44:00000002
case_ pvh xl.length,xl.config-none,xl.cut 44 "a length near 2^32" \
    put:44:ffffffff put:48:00000000
case_ pvh xl.config-length,libxl.ident 48 "no room for the length" put:44:03000000
case_ pvh xl.config-length 48 "a configuration longer than its place" put:48:ff000000
case_ pvh xl.config-length 48 "a configuration of 2^32 octets" put:48:ffffffff
case_ pvh xl.config-none,xl.more 48 "an empty configuration" put:48:00000000
case_ pvh xl.more 251 "more behind the configuration" put:48:c7000000 \
    put:235:"$(printf %s '"type.pvh":{}}}' | od -An -v -tx1 | tr -d ' \n')00"
case_ pvh xl.config-nul 251 "no NUL behind the configuration" put:251:20
case_ pvh xl.config-nul,config.json 251 "a NUL inside" put:200:00

# ---- configuration -----------------------------------------------------------

# conf OLD NEW: an edit of the configuration; both of one length.
json=$(dd if="$T/pvh.img" bs=1 skip=52 count=199 2>/dev/null)
conf()
{
    local before=${json%%"$1"*}
    [ "${#1}" -eq "${#2}" ] && [ "$before" != "$json" ] || exit 99
    printf 'put:%d:%s' $((52 + ${#before})) \
        "$(printf %s "$2" | od -An -v -tx1 | tr -d ' \n')"
}
case_ pvh config.json 54 "no JSON" "$(conf '"c_info": {' '[c_info]: {')"
case_ pvh config.json 52 "no c_info" "$(conf c_info x_info)"
case_ pvh config.json 52 "no b_info" "$(conf b_info x_info)"
case_ pvh config.json 52 "c_info is no object" "$(conf '{"c_info": {' '{"c":3,"d":{')"
case_ pvh config.type 52 "an unknown type" "$(conf '"pvh", "name' '"arm", "name')"
case_ pvh config.type 52 "no type" "$(conf '"type": "pvh"' '"tyqe": "pvh"')"
case_ pvh config.type 52 "the type is a number" "$(conf '"type": "pvh"' '"type": 12345')"
case_ pvh config.old-pvh 52 "PVH of the first kind" \
    "$(conf '"name": "tiny"' '"pvh":   true ')"
case_ pvh config.name 52 "a name with a slash" "$(conf '"tiny"' '"t/ny"')"
case_ pvh config.name 52 "a name with a blank" "$(conf '"tiny"' '"t ny"')"
case_ pvh config.name 52 "a number for a name" "$(conf '"tiny"' '"1234"')"
case_ pvh config.uuid 52 "no UUID" "$(conf '"uuid"' '"u_id"')"
case_ pvh config.uuid 52 "a UUID with a letter" "$(conf cdef-0123 cdef-0g23)"
case_ pvh config.uuid 52 "a UUID without its dashes" "$(conf 01234567-89ab 01234567089ab)"
case_ pvh config.vcpus 52 "vCPU 2 of 2" "$(conf '[0, 1]' '[0, 2]')"
case_ pvh config.vcpus 52 "no list of vCPUs" "$(conf '[0, 1]' '    {}')"
case_ pvh config.vcpus 52 "a negative vCPU" "$(conf '[0, 1]' '[0,-1]')"
case_ pvh config.vcpus 52 "a text for a vCPU" "$(conf '[0, 1]' '["1" ]')"
case_ pvh config.vcpus 52 "no vCPUs" "$(conf '"max_vcpus": 2' '"max_vcpus": 0')"
case_ pvh config.vcpus 52 "more vCPUs than HVM can have" \
    "$(conf '"max_vcpus": 2, "avail_vcpus": [0, 1]' '"max_vcpus": 129,"avail_vcpus":[0, 1]')"
case_ pvh config.memory 52 "no memory" "$(conf '"max_memkb"' '"mix_memkb"')"
case_ pvh config.memory 52 "memory is a text" "$(conf '"max_memkb": 4096' '"max_memkb": "09"')"
case_ pvh config.memory 52 "target above maximum" \
    "$(conf '"target_memkb": 4096' '"target_memkb": 4097')"
case_ pvh config.memory 52 "a few kB" "$(conf '"max_memkb": 4096' '"max_memkb":   12')"
case_ pvh config.vcpu-state,config.vcpus end "state of vCPU 1 of 1" \
    "$(conf '"max_vcpus": 2' '"max_vcpus": 1')"
case_ pvh config.vcpu-state end "state of a vCPU beyond max_vcpus" \
    "$(conf '"max_vcpus": 2, "avail_vcpus": [0, 1]' '"max_vcpus": 1, "avail_vcpus": [0   ]')"
case_ pvh config.vcpu-offline end "a vCPU without state" \
    "$(conf '"max_vcpus": 2, "avail_vcpus": [0, 1]' '"max_vcpus": 9, "avail_vcpus":[0,1,2]')"

# ---- libxl stream ------------------------------------------------------------

S=libxl:header
case_ pvh libxl.cut 252 "no stream" cut:252
case_ pvh libxl.cut 252 "the stream header ends early" cut:267
case_ pvh libxl.ident $S "another ident" body:$S:0:0:58
case_ pvh libxl.version $S+8 "version 3" body:$S:0:11:03
case_ pvh libxl.version $S+8 "version 1" body:$S:0:11:01
case_ pvh libxl.big-endian $S+12 "big-endian records" body:$S:0:15:01
case_ pvh libxl.options $S+12 "a reserved option" body:$S:0:15:04
case_ pvh libxl.options $S+12 "the highest option" body:$S:0:12:80
case_ pvh libxl.converted $S+12 "made by the converter" body:$S:0:15:02
case_ pvh libxl.end-missing end "ends behind the stream header" cut:268
case_ pvh libxl.record-cut 268 "ends inside a record header" cut:272
case_ pvh libxl.end-missing end "no END" cut:-8
case_ pvh libxl.record-cut libxl:END "half of END" cut:-4
case_ hvm libxl.record-cut end "ends inside EMULATOR_CONTEXT" cut:-100
case_ pvh libxl.type libxl:END "an unknown record" record:libxl:END:0:6:$z
case_ pvh libxl.type libxl:END "the highest number" record:libxl:END:0:0x7fffffff:
case_ pvh libxl.optional libxl:END "an optional record" record:libxl:END:0:0x80000001:$z
case_ pvh libxl.length libxl:END "END with a body" setlen:libxl:END:0:8 append:$z
case_ pvh libxl.length libxl:LIBXC_CONTEXT "LIBXC_CONTEXT with a body" \
    insert:libxc:image-header:$z setlen:libxl:LIBXC_CONTEXT:0:8
case_ pvh libxl.length libxl:END "a length near 2^32" setlen:libxl:END:0:0xfffffff9
case_ hvm libxl.length libxl:EMULATOR_CONTEXT "an emulator context above 512 MiB" \
    setlen:libxl:EMULATOR_CONTEXT:0:0x20000001
case_ hvm libxl.padding 50389 "padding of an emulator context" put:50389:01
case_ pvh libxl.context-missing,input.trailing libxl:LIBXC_CONTEXT "END in place of the image" \
    settype:libxl:LIBXC_CONTEXT:0:0
case_ pvh libxl.context-missing libxl:LIBXC_CONTEXT "END before the image" \
    insert:libxl:LIBXC_CONTEXT:$z cut:276
case_ pvh libxl.context-repeated,image.marker libxl:END "LIBXC_CONTEXT twice" \
    record:libxl:END:0:LIBXC_CONTEXT: append:'zeros*32'
case_ remus libxl.context-repeated,image.marker \
    libxc:X86_PV_VCPU_BASIC "LIBXC_CONTEXT in a checkpoint" \
    insert:libxc:X86_PV_VCPU_BASIC:0100000000000000
case_ hvm libxl.emulator-early libxl:LIBXC_CONTEXT "emulator keys before the image" \
    move:libxl:EMULATOR_XENSTORE_DATA:0:LIBXC_CONTEXT:0
case_ hvm libxl.emulator-early libxl:LIBXC_CONTEXT "emulator state before the image" \
    move:libxl:EMULATOR_CONTEXT:0:LIBXC_CONTEXT:0
case_ hvm libxl.emulator-early 50276 "keys behind state" swap:libxl:EMULATOR_XENSTORE_DATA
case_ hvm libxl.emulator-repeated 50396 "state twice" dup:libxl:EMULATOR_CONTEXT
case_ hvm libxl.emulator-repeated libxl:EMULATOR_CONTEXT "keys twice" \
    dup:libxl:EMULATOR_XENSTORE_DATA
case_ pvh libxl.emulator-unwanted,qemu.empty libxl:END "emulator state of a PVH guest" \
    record:libxl:END:0:EMULATOR_CONTEXT:02000000000000005145564d0000000300
case_ pv64 libxl.emulator-unwanted,keys.empty libxl:END "emulator keys of a PV guest" \
    record:libxl:END:0:EMULATOR_XENSTORE_DATA:0200000000000000
case_ hvm libxl.emulator-missing 49564 "an HVM guest without state" drop:libxl:EMULATOR_CONTEXT
case_ pvh libxl.checkpoint-outside libxl:END "CHECKPOINT_END in a plain stream" \
    record:libxl:END:0:CHECKPOINT_END:
case_ pvh libxl.state-outside libxl:END "CHECKPOINT_STATE in a plain stream" \
    record:libxl:END:0:CHECKPOINT_STATE:00000000
case_ pvh libxl.state-outside,libxl.length libxl:END "CHECKPOINT_STATE without a state" \
    record:libxl:END:0:CHECKPOINT_STATE:
case_ pvh libxl.state-outside,libxl.state-id libxl:END "an unknown state" \
    record:libxl:END:0:CHECKPOINT_STATE:04000000

# ---- checkpoints -------------------------------------------------------------

C=libxc:X86_PV_P2M_FRAMES # mutate takes EMULATOR_CONTEXT of a checkpoint for it
case_ remus libxl.end-missing end "ends behind the first CHECKPOINT" \
    "cut:$(off remus:$C:0)"
case_ remus libxl.record-cut end "ends inside the first emulator context" \
    "cut:$(off remus:$C:0 100)"
case_ remus libxl.end-missing end "ends before the first CHECKPOINT_END" \
    "cut:$(off remus:libxc:X86_PV_VCPU_BASIC:0)"
case_ remus remus.cut end "ends behind the first checkpoint" \
    "cut:$(off remus:libxc:X86_PV_VCPU_BASIC:0 8)"
case_ remus remus.cut end "ends in the first record behind it" \
    "cut:$(off remus:libxc:X86_PV_VCPU_BASIC:0 12)"
case_ remus remus.cut,page.live end "ends inside memory behind it" \
    "cut:$(off remus:libxc:PAGE_DATA:1 5000)"
case_ remus remus.cut,page.live end "ends inside the second emulator context" \
    "cut:$(off remus:$C:1 100)"
case_ remus libxl.end-in-checkpoint,page.live $C:1 "END inside a checkpoint" \
    "put:$(off remus:$C:1):$z" "cut:$(off remus:$C:1 8)"
case_ remus remus.ended,page.live end "an image that ends with END" \
    "put:$(off remus:libxc:CHECKPOINT:1):$z" \
    "cut:$(off remus:libxc:CHECKPOINT:1 8)"
case_ remus libxl.emulator-missing,page.live,remus.cut $C:1 "a checkpoint without state" \
    drop:$C:1
case_ remus libxl.state-id,page.live,remus.cut 50292 "COLO with an unknown state" \
    insert:libxc:PAGE_DATA:05000000040000000900000000000000:1

# ---- emulator keys and state -------------------------------------------------

K=libxl:EMULATOR_XENSTORE_DATA E=libxl:EMULATOR_CONTEXT
k0="$(off hvm:$K:0 16)" # the first key
# Of a text, in which | stands for NUL.
hx() { printf %s "$1" | tr '|' '\0' | od -An -v -tx1 | tr -d ' \n'; }
# keys TEXT: the record with these octets behind its sub-header.
keys() { echo drop:$K; echo "record:$E:0:EMULATOR_XENSTORE_DATA:0200000000000000$1"; }
with_keys() # RULES AT "SENTENCE" TEXT
{
    mapfile -t edits < <(keys "$(hx "$4")")
    case_ hvm "$1" "$2" "$3" "${edits[@]}"
}
a=physmap/a0/start_addr s=physmap/a0/size n=physmap/a0/name
case_ hvm emu.short $K "no sub-header" drop:$K "record:$E:0:EMULATOR_XENSTORE_DATA:02000000"
case_ hvm emu.short $K "empty keys record" drop:$K "record:$E:0:EMULATOR_XENSTORE_DATA:"
case_ hvm emu.id $K+8 "emulator 3" body:$K:0:0:03
case_ hvm emu.id $E+8 "emulator 2^31" body:$E:0:3:80
case_ hvm emu.traditional,qemu.producer $E+8 "QEMU traditional" body:$E:0:0:01
case_ hvm emu.traditional $K+8 "keys of QEMU traditional" body:$K:0:0:01
case_ hvm emu.index $E+12 "index 1" body:$E:0:4:01
with_keys keys.empty $K "no keys" ''
with_keys keys.terminated $k0 "a key without its NUL" physmap/a
with_keys keys.terminated $k0 "a key without a value" 'physmap/a0/size|'
with_keys keys.terminated $((k0 + 16)) "a value without its NUL" "$s|ff"
with_keys keys.key $k0 "another key" 'state|running|'
with_keys keys.key $k0 "an empty key" '|ff|'
with_keys keys.key $k0 "an absolute key" '/physmap/a0/size|ff|'
with_keys keys.key $k0 "a way up" 'physmap/../size|ff|'
with_keys keys.key $k0 "no entry" 'physmap//size|ff|'
with_keys keys.key $k0 "17 digits" 'physmap/12345678901234567/size|ff|'
with_keys keys.key $k0 "another subkey" 'physmap/a0/prot|ff|'
with_keys keys.key $k0 "more behind the subkey" 'physmap/a0/size/x|ff|'
with_keys keys.value $((k0 + 22)) "no hexadecimal address" "$a|0x10|$s|1|$n|v|"
with_keys keys.value $((k0 + 22)) "an empty address" "$a||$s|1|$n|v|"
with_keys keys.value $((k0 + 22)) "17 digits" "$a|12345678901234567|$s|1|$n|v|"
with_keys keys.value $((k0 + 58)) "an empty name" "$a|1|$s|1|$n||"
with_keys keys.value $((k0 + 58)) "a name with a tab" "$a|1|$s|1|$n|a"$'\t''b|'
with_keys keys.repeated $((k0 + 42)) "a key twice" "$a|1|$s|1|$s|1|$n|v|"
with_keys keys.incomplete $k0 "no name" "$a|1|$s|1|"
with_keys keys.incomplete $k0 "a size alone" "$s|1|"
many=$(for i in $(seq 1 257); do
    printf 'physmap/%x/start_addr|1|physmap/%x/size|1|physmap/%x/name|v|' "$i" "$i" "$i"
done)
with_keys keys.count $((k0 + 15318)) "257 entries" "$many"
case_ hvm keys.too-long $K "above 1 MiB of keys" drop:$K \
    "record:$E:0:EMULATOR_XENSTORE_DATA:zeros*1048592" \
    "body:$K:0:0:02"

e0="$(off hvm:$E:0 16)" # QEMU's first octet
case_ hvm qemu.magic $e0 "another magic" body:$E:0:8:58
case_ hvm qemu.magic $e0 "version 2" body:$E:0:15:02
case_ hvm qemu.magic $e0 "no state" drop:$E "record:libxl:END:0:EMULATOR_CONTEXT:0200000000000000"
case_ hvm qemu.empty $((e0 + 8)) "no sections" drop:$E \
    "record:libxl:END:0:EMULATOR_CONTEXT:02000000000000005145564d0000000300"
case_ hvm qemu.trailing,qemu.empty $((e0 + 9)) "octets behind the end" drop:$E \
    "record:libxl:END:0:EMULATOR_CONTEXT:02000000000000005145564d000000030001"
case_ hvm qemu.malformed,qemu.empty $((e0 + 8)) "nothing behind the version" drop:$E \
    "record:libxl:END:0:EMULATOR_CONTEXT:02000000000000005145564d00000003"

# sec NAME VERSION LENGTH [ID [INSTANCE]]: a section with a body of zeros.
sec()
{
    printf '04%08x%02x%s%08x%08x%0*d' "${4:-1}" "${#1}" "$(hx "$1")" "${5:-0}" \
        "$2" $((2 * $3)) 0
}
blob() # RULES AT "SENTENCE" EMULATOR SECTIONS-IN-HEX
{
    case_ hvm "$1" "$2" "$3" drop:$E \
        "record:libxl:END:0:EMULATOR_CONTEXT:0${4}000000000000005145564d00000003$5"
}
blob qemu.malformed $((e0 + 8)) "no section behind the header" 2 0200
blob qemu.malformed $((e0 + 52)) "cut off behind a section" 2 "$(sec timer 2 24)01"
blob qemu.mismatch $((e0 + 8)) "a section one octet short" 2 \
    "$(sec timer 2 23)$(sec pckbd 3 4 2)00"
blob qemu.mismatch $((e0 + 51)) "piix4_pm of a length that no version has" 2 \
    "$(sec timer 2 24)$(sec 0000:00:01.3/piix4_pm 3 313 2)00"
blob qemu.split $e0 "a device that is not known" 2 \
    "$(sec timer 2 24)$(sec 0000:00:05.0/frobnicator 1 99 2)00"
blob qemu.repeated,qemu.odd $((e0 + 51)) "a section twice" 2 \
    "$(sec timer 2 24)$(sec timer 2 24 2)00"
blob qemu.producer,emu.traditional $e0 "QEMU's sections as those of traditional QEMU" 1 \
    "$(sec timer 2 24)$(sec 0000:00:01.3/piix4_pm 3 312 2)00"
blob qemu.producer $e0 "traditional QEMU's sections as QEMU's" 2 \
    "$(sec timer 2 8)$(sec gpe 1 9 2)$(sec piix4acpi 2 282 3)00"
blob qemu.piix4acpi,qemu.mismatch,emu.traditional $((e0 + 61)) "version 2 over version 1" 1 \
    "$(sec timer 2 8)$(sec gpe 1 9 2)$(sec piix4acpi 2 278 3)00"
blob qemu.cpus,qemu.split $e0 "one cpu of two" 2 \
    "$(sec timer 2 24)$(sec cpu 12 1347 2)$(sec 0000:00:01.3/piix4_pm 3 312 3)00"
done_testing
