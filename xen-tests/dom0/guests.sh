# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests of the tests inside dom0, and what they say about themselves. Read by
# lib.sh. Types: pv, pvh, hvm are our own guest (xen-tests/guest), which checks
# its whole memory after each resume; linux-pv, linux-pvh, linux-hvm count on
# their console; hvm-bios has no kernel at all: the firmware boots a floppy whose
# one sector waits for ever, with the real device model beside it. A guest's words
# are in the log that xenconsoled keeps; a guest that arrives by migration is
# called NAME--incoming at first, and its console's log for ever.

CONSOLES=/var/log/xen/console
GUESTS=$SHARE/guest
FLOPPY=/run/xen-tests-floppy.img

# ---- what this release can do --------------------------------------------------
#
# A test says first what it needs (needs_type, needs_tracking): where a release
# does not have it, it is skipped with the reason.

# device_model: the path of the QEMU that came with this Xen.
device_model()
{
    local f
    for f in /usr/libexec/xen-qemu-system-i386 \
        "/usr/lib/xen-$XEN_RELEASE/bin/qemu-system-i386"; do
        [ ! -x "$f" ] || { echo "$f"; return; }
    done
    return 1
}
# Xen says so itself; a hypervisor without shadow paging has no log-dirty mode
# for PV guests.
has_shadow() { xl info | grep -Eq '^virt_caps.*\<shadow\>'; }

release_has()
{
    [[ $1 != *hvm* ]] || device_model >/dev/null
}
needs_type()
{
    release_has "$1" ||
        skip_all "Debian's Xen $XEN_RELEASE has no device model for HVM guests"
}
# A live save of that type: nothing is missing for PVH and HVM guests.
has_tracking() { [[ $1 != *pv ]] || has_shadow; }
needs_tracking()
{
    has_tracking "$1" || skip_all "this Xen $XEN_RELEASE is built without" \
        "shadow paging, so there is no log-dirty mode for PV guests"
}

# ---- making one --------------------------------------------------------------

# guest_config NAME TYPE [KEY=VALUE...]: its configuration for xl. memory and
# vcpus are xl's, uuid too; every other key goes to the guest's command line.
guest_config()
{
    local name=$1 type=$2 memory vcpus=1 uuid='' words='' pair kernel ramdisk=''
    shift 2
    case $type in
    pv | pvh) memory=16 ;;
    hvm) memory=24 ;;
    linux-pv) memory=128 ;;
    linux-pvh) memory=160 ;;
    linux-hvm) memory=192 ;;
    hvm-bios) memory=24 ;;
    *) echo "there is no guest of type \"$type\"" >&2; return 99 ;;
    esac
    for pair; do
        case $pair in
        memory=*) memory=${pair#*=} ;;
        vcpus=*) vcpus=${pair#*=} ;;
        uuid=*) uuid=${pair#*=} ;;
        *) words="$words${words:+ }$pair" ;;
        esac
    done
    echo "name = \"$name\""
    [ -z "$uuid" ] || echo "uuid = \"$uuid\""
    case $type in
    hvm*) echo 'type = "hvm"' ;;
    *) echo "type = \"${type#linux-}\"" ;;
    esac
    echo "memory = $memory"
    echo "vcpus = $vcpus"
    case $type in
    linux-*)
        kernel=$GUESTS/vmlinuz ramdisk=$GUESTS/initrd.gz
        words="console=hvc0 quiet${words:+ }$words"
        ;;
    hvm)
        # in the place of hvmloader; its options in that of the BIOS
        kernel=
        echo "${words:-seed=1}" >"$T/$name.options"
        echo "firmware_override = \"$GUESTS/xg-hvm\""
        echo "bios_path_override = \"$T/$name.options\""
        words=
        ;;
    hvm-bios) kernel= ;;
    *) kernel=$GUESTS/xg ;;
    esac
    [ -z "$kernel" ] || echo "kernel = \"$kernel\""
    [ -z "$ramdisk" ] || echo "ramdisk = \"$ramdisk\""
    [ -z "$words" ] || echo "extra = \"$words\""
    case $type in
    *hvm*)
        # The smallest machine: no display, no network.
        echo 'vnc = 0'
        echo 'sdl = 0'
        echo 'nographic = 1'
        echo 'serial = "pty"'
        echo 'videoram = 8'
        ;;
    esac
    if [ "$type" = hvm-bios ]; then
        idle_floppy
        echo 'boot = "a"'
        echo "device_model_args_hvm = [ \"-drive\"," \
            "\"file=$FLOPPY,if=floppy,format=raw,readonly=on\" ]"
    fi
    # A guest that dies stays to be looked at; the end of the test removes it.
    echo 'on_crash = "preserve"'
    echo 'on_reboot = "preserve"'
}

# The first sector of a floppy of 1440 KiB: writes a line to port 0xe9, which Xen
# takes for its log, and waits for ever ("sti; hlt; jmp .-2" of real mode). Without
# it the firmware would reset the machine after a minute.
IDLES="xen-tests: the floppy idles"
idle_floppy()
{
    [ ! -e "$FLOPPY" ] || return 0
    # xor ax,ax; mov ds,ax; mov si,0x7c15; cld; 8: lodsb; test al,al; jz 17
    # out 0xe9,al; jmp 8; 17: sti; 18: hlt; jmp 18; 21: the line
    printf '\x31\xc0\x8e\xd8\xbe\x15\x7c\xfc\xac\x84\xc0\x74\x04'\
'\xe6\xe9\xeb\xf7\xfb\xf4\xeb\xfd%s\n' "$IDLES" >"$FLOPPY" &&
        truncate -s 510 "$FLOPPY" && printf '\x55\xaa' >>"$FLOPPY" &&
        truncate -s 1440K "$FLOPPY"
}

# guest_start NAME TYPE [KEY=VALUE...]: create it, wait until it works.
guest_start()
{
    local name=$1 type=$2
    guest_config "$@" >"$T/$name.cfg" || return
    echo "$type" >"$T/$name.type"
    guest_mark "$name"
    if ! xl create -q "$T/$name.cfg" >"$T/$name.create" 2>&1; then
        note "guest $name ($type) was not created:"
        diag_file "$T/$name.create"
        return 1
    fi
    case $type in
    linux-*) guest_says "$name" 'tick [0-9]' 240 ;;
    hvm-bios) within 120 bios_is_up "$name" ;;
    *) guest_says "$name" '^xg: ready' 120 ;;
    esac && return
    note "guest $name ($type) did not become ready; its console:"
    guest_console "$name" >"$T/$name.console"
    diag_file "$T/$name.console"
    return 1
}

guest_domid() { xl domid "$1" 2>/dev/null; }
guest_gone() { ! xl domid "$1" >/dev/null 2>&1; }
guest_stop() { xl destroy "$1" && within 60 guest_gone "$1"; }

# Its device model runs it, and the firmware has been through its start.
bios_is_up()
{
    dm_says_running "$1" &&
        xl dmesg | grep -qF "(d$(guest_domid "$1")) $IDLES"
}
dm_says_running()
{
    xl qemu-monitor-command "$1" "info status" | grep -q 'status: running'
}
# Processor time that the guest has had, in milliseconds.
guest_ms()
{
    xl list "$1" | awk 'NR == 2 { printf "%d\n", $NF * 1000 }'
}

# ---- what it says ------------------------------------------------------------

guest_console()
{
    cat "$CONSOLES/guest-$1.log" "$CONSOLES/guest-$1--incoming.log" 2>/dev/null
}
# What guests of earlier tests said, under the same names, is no word of ours:
# put aside before the first guest of a test.
put_consoles_aside()
{
    local f
    for f in "$CONSOLES"/guest-*.log; do
        [ ! -e "$f" ] || mv "$f" "${f%.log}.before-$NAME"
    done
}
console_sizes()
{
    local f
    for f in "$CONSOLES/guest-$1.log" "$CONSOLES/guest-$1--incoming.log"; do
        stat -c %s "$f" 2>/dev/null || echo 0
    done
}
# guest_mark NAME: only what it says from now on counts.
guest_mark() { console_sizes "$1" >"$T/$1.mark"; }
# guest_words NAME: what it said after the mark.
guest_words() { words_after_mark "$1" | tr -d '\r'; }
words_after_mark()
{
    local a=0 b=0 late=$CONSOLES/guest-$1--incoming.log
    { read -r a; read -r b; } <"$T/$1.mark"
    [ ! -e "$CONSOLES/guest-$1.log" ] ||
        tail -c "+$((a + 1))" "$CONSOLES/guest-$1.log"
    [ ! -e "$late" ] || tail -c "+$((b + 1))" "$late"
}
said() { words_after_mark "$1" | grep -Eaq -- "$2"; }

# guest_says NAME REGEX [SECONDS]: a line like that comes, or came, after the
# mark.
guest_says()
{
    within "${3:-60}" said "$1" "$2" && return
    echo "guest $1 did not say within ${3:-60} s: $2"
    guest_words "$1" | tail -n 15
    return 1
}

# guest_intact NAME: after the mark it went through a suspend, found nothing
# lost or changed, and runs. For guests that cannot check themselves: it runs on
# from where it was.
guest_intact()
{
    case $(cat "$T/$1.type") in
    linux-*) guest_ticks "$1" ;;
    hvm-bios) within 60 dm_says_running "$1" && guest_uses_time "$1" ;;
    *) within 120 verdict_is_in "$1" && verdict_is_good "$1" ;;
    esac
}
verdict_is_in()
{
    guest_words "$1" | verdict >"$T/$1.verdict"
    [ -s "$T/$1.verdict" ]
}
# The last suspend: "good" when it has resumed from it, found itself intact and
# said so again later; "bad" at any damage.
verdict()
{
    awk '/^xg: DAMAGED/ { bad = 1 }
         /^xg: suspend / { suspended = 1; resumed = intact = alive = 0 }
         /^xg: resumed / { resumed = 1; intact = alive = 0 }
         /^xg: intact / && resumed { intact = 1 }
         /^xg: alive / && intact { alive = 1 }
         END { if (bad) print "bad"; else if (alive) print "good" }'
}
verdict_is_good()
{
    [ "$(cat "$T/$1.verdict")" = good ] && return
    guest_words "$1" | grep -a '^xg: ' | tail -n 15
    return 1
}
last_tick()
{
    guest_console "$1" | grep -Eao 'tick [0-9]+' |
        awk '{ n = $2 } END { print n + 0 }'
}
ticked_on() { [ "$(last_tick "$1")" -gt "$2" ]; }
# It counts on, and not from the beginning; it would not, had it found damage.
guest_ticks()
{
    local n
    # one that came from another boot has said nothing on this console before
    within 60 ticked_on "$1" 0
    n=$(last_tick "$1")
    [ "$n" -gt 0 ] && within 60 ticked_on "$1" $((n + 1)) && return
    echo "guest $1 does not count on from $n:"
    guest_console "$1" | tail -n 5
    return 1
}
used_more() { [ "$(guest_ms "$1")" -gt "$2" ]; }
guest_uses_time()
{
    local ms
    ms=$(guest_ms "$1")
    within 60 used_more "$1" "$ms" && return
    echo "guest $1 does not run: $ms ms of processor time, and no more"
    return 1
}

# ---- the end -----------------------------------------------------------------

other_domids()
{
    xl list 2>/dev/null | awk 'NR > 1 && $2 != 0 { print $2 }'
}
no_guests() { [ -z "$(other_domids)" ]; }
destroy_all_guests()
{
    local d
    for d in $(other_domids); do
        xl destroy "$d" >/dev/null 2>&1 ||
            "$XENSR" destroy "$d" >/dev/null 2>&1
    done
    within 60 no_guests || note "guests are left: $(other_domids | xargs)"
}
