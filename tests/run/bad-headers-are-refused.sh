#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every field of the four headers, with a value that is not allowed.
. "${0%/*}/../lib.sh"
. "${0%/*}/../bad.sh"
requires jq

fresh_host
use_image "$(image pvh --memory 4)"
# xl save file
bad "xl: first octet of the magic" 3 'xl save|magic|not' put:0:59
bad "xl: last octet of the magic" 3 'magic' put:31:0a
bad "xl: byte order of a big-endian machine" '3|4' 'byte ?order|endian' put:32:01020304
bad "xl: nonsense as byte order" 3 'byte ?order|endian' put:32:11223344
bad "xl: unknown mandatory flag" '3|4' 'flag' put:36:07000000
bad "xl: highest mandatory flag" '3|4' 'flag' put:36:03000080
bad "xl: a stream that is not as old as its header says" 4 'legacy stream.*PVH' put:36:01000000
bad "xl: a text configuration" 4 'flag|JSON|config' put:36:02000000
bad "xl: optional data above the limit" 3 'optional|limit' put:44:01000001
bad "xl: optional data of 4 GiB" 3 'optional|limit' put:44:ffffffff
bad "xl: no room for the configuration's length" 3 'optional|config' put:44:03000000
bad "xl: configuration longer than its room" 3 'config' put:48:"$(le32 $((XL_LEN - 3)))"
bad "xl: configuration of 4 GiB" 3 'config' put:48:ffffffff
bad "xl: empty configuration" 3 'config' put:48:00000000
bad "xl: configuration without its NUL" 3 'config|NUL' put:$((LIBXL - 1)):20
bad "xl: configuration that is no JSON" 3 '!JSON|config' put:52:78
# libxl stream header (big-endian)
bad "libxl: wrong ident" 3 'libxl|ident' put:$((LIBXL + 3)):00
bad "libxl: version 1" '3|4' 'version' put:$((LIBXL + 8)):00000001
bad "libxl: version 3" '3|4' 'version' put:$((LIBXL + 8)):00000003
bad "libxl: big-endian records" '3|4' 'option|endian' put:$((LIBXL + 12)):00000001
bad "libxl: reserved option 2" 3 'option' put:$((LIBXL + 12)):00000004
bad "libxl: reserved option 31" 3 'option' put:$((LIBXL + 12)):80000000
# libxc image header (big-endian) and domain header
for type in pv pvh hvm; do
    use_image "$(image $type --memory 4)"
    bad "$type: image marker" 3 'image|marker' put:$((LIBXC + 7)):fe
    bad "$type: image id" 3 'image|id' put:$((LIBXC + 8)):58454e47
    bad "$type: image version 1" '3|4' 'version' put:$((LIBXC + 12)):00000001
    bad "$type: image version 4" '3|4' 'version' put:$((LIBXC + 12)):00000004
    bad "$type: big-endian image" '3|4' 'endian|option' put:$((LIBXC + 16)):0001
    bad "$type: reserved image option" 3 'option' put:$((LIBXC + 16)):8000
    bad "$type: reserved octet 18" 3 'reserved' put:$((LIBXC + 18)):01
    bad "$type: reserved octet 23" 3 'reserved' put:$((LIBXC + 23)):01
    bad "$type: domain type 0" 3 'type' put:$((LIBXC + 24)):00000000
    bad "$type: domain type 3" 3 'type' put:$((LIBXC + 24)):03000000
    other=01000000
    [ $type != pv ] || other=02000000
    bad "$type: the other guest type" 3 'type|PV|HVM' put:$((LIBXC + 24)):$other
    bad "$type: page shift 13" 3 'page.?shift' put:$((LIBXC + 28)):0d00
    bad "$type: page shift 0" 3 'page.?shift' put:$((LIBXC + 28)):0000
    bad "$type: reserved octet of the domain header" 3 'reserved' \
        put:$((LIBXC + 30)):01
    still_restores
done
done_testing
