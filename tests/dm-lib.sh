# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests of device models; read after lib.sh.

QMPCALL=$BUILD/tests/bin/qmpcall
SIM_DM=$BUILD/stubs/xensr-sim-dm

dm_field() { jq -r ".$2" "$XENSR_SIM_DIR/run/sim-dm.$1"; } # DOMID KEY
dm_pid() # DOMID: as the node says
{
    "$SIM" xenstore "/local/domain/$1/image/device-model-pid" |
        sed -n 's/.* = "\([0-9]*\)".*/\1/p'
}
# qmp DOMID WORD...: negotiated
qmp()
{
    local d=$1
    shift
    "$QMPCALL" "$XENSR_SIM_DIR/run/qmp-libxl-$d" qmp_capabilities "$@"
}
# blob IMAGE: the emulator's state in it
blob()
{
    local off len
    read -r off len < <("$MUTATE" offsets <"$1" |
        awk '$1 == "libxl" && $2 == "EMULATOR_CONTEXT" { print $4, $5 }')
    tail -c +$((off + 8 + 8 + 1)) "$1" | head -c $((len - 8))
}
# start_dm DOMID [option...]: as libxl starts it; its last words in $T/dm.err
start_dm()
{
    local d=$1
    shift
    mkdir -p "$XENSR_SIM_DIR/run"
    "$SIM_DM" -xen-domid "$d" -no-shutdown -chardev \
        "socket,id=libxl-cmd,path=$XENSR_SIM_DIR/run/qmp-libxl-$d,server=on,wait=off" \
        -mon chardev=libxl-cmd,mode=control -nodefaults -name "any,,name" \
        -device cirrus-vga -machine xenfv,suppress-vmdesc=on -m 16 "$@" \
        2>"$T/dm.err" &
    DM=$!
}
dm_is_up() { [ "$(dm_field "$1" status)" != null ]; }
