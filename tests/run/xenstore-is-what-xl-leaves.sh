#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The nodes of a restored domain, their values and permissions, are those that a
# real host has after `xl restore`.
. "${0%/*}/../lib.sh"
requires jq
export XENSR_DEVICE_MODEL= # the file is for somebody else

# The saved configuration of an image: jq expression on it.
config() { tail -c +53 "$1" | head -c "$(od -An -tu4 -j 48 -N 4 "$1" | tr -d ' ')" | tr -d '\0' | jq -r "$2"; }

# Own numbers become the capital words of the expected text.
normalised() # DOMID NAME UUID
{
    sed -E -e "s#^/local/domain/$1(/| )#/local/domain/DOMID\1#" \
        -e "s#^/libxl/$1(/| )#/libxl/DOMID\1#" \
        -e "s#^(/local/domain/0/backend/console)/$1(/| )#\1/DOMID\2#" \
        -e "s#^(/local/domain/0/device-model)/$1(/| )#\1/DOMID\2#" \
        -e "s#(backend/console)/$1/0\"#\1/DOMID/0\"#" \
        -e "s#\"/local/domain/$1/#\"/local/domain/DOMID/#" \
        -e "s#$3#UUID#g" \
        -e "s#\(n$1(,|\))#(nDOMID\1#; s#,r$1\)#,rDOMID)#; s#,n$1\)#,nDOMID)#" \
        -e "s#(/(domid|frontend-id)) = \"$1\"#\1 = \"DOMID\"#" \
        -e "s#(/name) = \"$2\"#\1 = \"NAME\"#" \
        -e 's#(/ring-ref) = "[1-9][0-9]*"#\1 = "FRAME"#' \
        -e 's#(/start_time) = "[0-9]+\.[0-9][0-9]"#\1 = "TIME"#' \
        -e 's#(/tty) = "[^"]+"#\1 = "TTY"#' |
        LC_ALL=C sort
}
nodes_are_right() # TYPE IMAGE
{
    local d uuid max target video
    d=$(domids)
    uuid=$("$SIM" info "$d" --json | jq -r .uuid)
    max=$(config "$2" .b_info.max_memkb)
    target=$(config "$2" .b_info.target_memkb)
    video=$(config "$2" '.b_info.video_memkb // 0')
    "$SIM" xenstore | diff "$XENSR_SIM_DIR.pristine" - | sed -n 's/^> //p' |
        normalised "$d" golden "$uuid" >"$T/now"
    sed "s/STATIC_MAX/$max/; s/TARGET/$((target - video))/; s/VIDEO/$video/" \
        "$TOP/tests/golden/xenstore/$1.txt" | LC_ALL=C sort >"$T/expected"
    diff "$T/expected" "$T/now"
}

fresh_host
for type in pv pvh hvm; do
    cpus=1
    [ $type != pv ] || cpus=2
    img=$(image $type --vcpus $cpus) || exit 1
    xensr -q restore --name golden "$img" || exit 1
    ok "$type: nodes, values and permissions" nodes_are_right $type "$img"
    "$SIM" destroy "$(domids)"
    ok "$type: all of them go with the domain" host_is_clean
done
done_testing
