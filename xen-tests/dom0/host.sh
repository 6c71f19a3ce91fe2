# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Is the host as it was? host_before notes what can be seen of it: domains,
# xenstore, dom0's processes, log-dirty mode of every guest and Xen's free
# memory; host_same compares, with a limit of time because Xen and xl take
# things away after the answer. What has to differ when a guest comes back
# (numbers of domains, ports, frames, processes) is made the same first. Read by
# lib.sh.

# ---- log-dirty mode ----------------------------------------------------------

# Xen prints on its console what it knows of each domain (debug key q); the
# answer is what comes after the last such heading.
xen_says_of_domains()
{
    xl debug-keys q && xl dmesg | awk '
        /.q. pressed/ { text = "" }
        { text = text $0 "\n" }
        END { printf "%s", text }'
}
# Lines "DOMID on|off" from that; a domain without paging help has no line of
# modes and nothing switched on.
log_dirty_modes()
{
    xen_says_of_domains | awk '
        /General information for domain/ {
            d = $NF; sub(/:.*/, "", d); mode[d] = "off"
        }
        /paging assistance:/ && /log_dirty/ { mode[d] = "on" }
        END { for (d in mode) print d, mode[d] }' | sort -n
}
# log_dirty NAME: on or off.
log_dirty()
{
    local d
    d=$(guest_domid "$1") || { echo "no domain $1"; return 1; }
    log_dirty_modes | awk -v d="$d" '$1 == d { print $2; found = 1 }
        END { exit !found }'
}
log_dirty_off() { [ "$(log_dirty "$1")" = off ]; }

# ---- what can be seen --------------------------------------------------------

# All from one answer of xl's: name, memory, vCPUs of each domain, and whether it
# is paused, suspended or dying; whether it runs or waits just now is chance.
see_domains()
{
    awk 'NR > 1 { s = $5; gsub(/[rb]/, "-", s); print $1, $3, $4, s }' "$1" |
        sort
}
# xenstore with permissions. A guest's number becomes its name, and the values
# that belong to one life of a guest become "*". Three things are not as before
# after any restore, whoever makes it: libxl writes platform/ and image/ for a
# new guest only, and Linux its control/feature-... and what it asks a keyboard
# for when it boots; and the first guest of all leaves two empty folders.
see_xenstore()
{
    local subst
    subst=$(awk 'NR > 1 && $2 != 0 {
        printf "s,/%s(/| |$),/<%s>\\1,g;s,\\<([rwnb])%s\\>,\\1<%s>,g;",
               $2, $1, $2, $1 }' "$1")
    xenstore-ls -fp / | sed -E "$subst"'
        /^\/(vm|libxl) = ""/d
        /^\/vm\/[^\/]*\/image[ \/]/d
        /^\/local\/domain\/<[^>]*>\/platform[ \/]/d
        /^\/local\/domain\/<[^>]*>\/device\/vkbd\/[0-9]*\/request-/d
        s,^(/[^ ]*/(ring-ref|event-channel|port|tty|pid|start_time|domid|'\
'frontend-id|device-model-pid|control/feature-[a-z]*)) = "[^"]*",\1 = "*",' |
        sort
}
# Programs that run, without their numbers: not the kernel's own threads, not
# this test and what it starts, not the shells and small tools of dom0's init,
# and not the daemon that `xl` leaves behind for each guest (it leads a session of
# its own): it goes when it sees its guest suspended, even if that comes back.
see_processes()
{
    ps -e -o pid=,ppid=,sid=,comm= | awk -v me=$$ '
        { parent[$1] = $2; comm[$1] = $4; daemon[$1] = $4 == "xl" && $1 == $3 }
        END {
            for (p in parent) {
                q = p + 0
                while (q > 2 && q != me)
                    q = parent[q]
                if (q < 2 && !daemon[p])
                    print comm[p]
            }
        }' | grep -Evx 'bash|sleep|cut|timeout|sed|tee|suite.sh|init' | sort
}
see_log_dirty()
{
    log_dirty_modes |
        awk '$2 == "on" { n++ } END { print n + 0, "guests with log-dirty" }'
}
# In MiB, as xl has it.
see_free() { xl info free_memory; }

host_look()
{
    local dir=$1
    mkdir -p "$dir" || return
    xl list >"$dir/list"
    see_domains "$dir/list" >"$dir/domains"
    see_xenstore "$dir/list" >"$dir/xenstore"
    see_processes >"$dir/processes"
    see_free >"$dir/free"
}
host_before()
{
    host_look "$T/before" && see_log_dirty >"$T/before/log-dirty"
}

# One MiB more or less is Xen's own bookkeeping.
host_is_same()
{
    local what bad=0 a b
    host_look "$T/now"
    for what in domains xenstore processes; do
        cmp -s "$T/before/$what" "$T/now/$what" || bad=1
    done
    # The console is slow: last, and only when the rest is as it should be.
    [ "$bad" -eq 1 ] || {
        see_log_dirty >"$T/now/log-dirty"
        cmp -s "$T/before/log-dirty" "$T/now/log-dirty" || bad=1
    }
    a=$(cat "$T/before/free") b=$(cat "$T/now/free")
    [ $((a - b)) -le 1 ] && [ $((b - a)) -le 1 ] || bad=1
    return $bad
}
host_same()
{
    local what
    within "${1:-30}" host_is_same && return
    for what in domains xenstore processes log-dirty free; do
        diff -U0 "$T/before/$what" "$T/now/$what" 2>/dev/null | sed -n '3,$p' >"$T/diff"
        [ -s "$T/diff" ] || continue
        echo "$what differs:"
        head -n 40 "$T/diff"
    done
    return 1
}

# ---- for the reader of a failure ---------------------------------------------

keep_logs()
{
    cp -a /var/log/xen "$OUT/" 2>/dev/null
    xl dmesg >"$OUT/xl-dmesg" 2>&1
    xl list >"$OUT/xl-list" 2>&1
    ps -ef >"$OUT/ps" 2>&1
}
