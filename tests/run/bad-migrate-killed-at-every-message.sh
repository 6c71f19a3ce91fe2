#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Of the four processes of a migration - two toolstacks, two helpers - one is
# killed at each message that its helper sends: the guest has one owner, the
# sender's host, where it runs on or can be resumed; nobody is left waiting; and
# the same migration succeeds.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
. "${0%/*}/../bad-lib.sh"
requires perl

# Each side's helper strikes when the side's file names the moment.
for side in a b; do
    cat >"$T/helper-$side" <<END
#!/bin/bash
[ ! -s "$T/at-$side" ] || export AT_CALL_SEEN="$T/seen" AT_CALL="\$(cat "$T/at-$side")"
LD_PRELOAD=$AT_CALL_SO exec "$HELPER" "\$@"
END
    chmod +x "$T/helper-$side"
done

moves()
{
    mapfile -t to < <(receiver --helper "$T/helper-b")
    migrate_by "--helper $T/helper-a --timeout 20" "${to[@]}"
}
everybody_ended()
{
    local host
    for host in a b; do
        XENSR_SIM_DIR=$T/host-$host within 10 no_operations || {
            echo "left on $host:"
            XENSR_SIM_DIR=$T/host-$host host_processes | xargs -r ps -f -p
            return 1
        }
    done
}
# What is left of a receiver that was killed does not run, and has a name.
sweep_b()
{
    [ -z "$(named_on b web--incoming)" ] ||
        xensr_on b -q destroy web--incoming
    empty_on b
}
# killed SIDE WHO N WHEN: 2 if the moment did not come.
killed()
{
    local side=$1 who=$2
    rm -f "$T/seen"
    echo "1:$3:$4:9:$who" >"$T/at-$side"
    run moves
    rm -f "$T/at-$side"
    everybody_ended || return 1
    if [ ! -e "$T/seen" ]; then
        one_owner "$RC" && bring_home && return 2
        return 1
    fi
    case $RC,$side,$who in
    1,*) says 'xensr: error: .' || return 1 ;;
    0,b,*) ;; # it had done its work
    137,a,parent) xensr_on a -q resume web 2>/dev/null ;;
    *) echo "status $RC"; cat "$T/err"; return 1 ;;
    esac
    [ "$RC" -ne 0 ] || { one_owner 0 && bring_home; return; }
    whole_on a && sweep_b
}
stride=1
[ -z "${XENSR_ASAN-}" ] || stride=5
[ $stride -eq 1 ] || note "with sanitizers: every ${stride}th message"
# every TYPE SIDE WHO SENTENCE
every()
{
    local side=$2 who=$3 n rc when=after cases=0 bad=
    for ((n = 1; ; n += stride)); do
        [ $when = after ] && when=before || when=after
        rc=0
        killed "$side" "$who" "$n" "$when" >"$T/case" 2>&1 || rc=$?
        [ $rc -ne 2 ] || break
        cases=$((cases + 1))
        [ $rc -eq 0 ] || { bad="$when message $n"; break; }
    done
    if [ -n "$bad" ] || [ $cases -lt 2 ]; then
        fail "$1: $4 ($cases cases): ${bad:-too few}"
        diag_file "$T/case"
    else
        pass "$1: $4 ($cases cases)"
    fi
}
for type in pvh hvm; do
    two_hosts $type --memory 16 --zero 95 --dirty-rate 20000 --hot-set 5 || exit 1
    every $type a self "the sender's helper is killed"
    every $type a parent "the sender is killed"
    every $type b self "the receiver's helper is killed"
    every $type b parent "the receiver is killed"
    ok "$type: the same migration succeeds" moves
    ok "$type: and back" bring_home
    ok "$type: whole" whole_on a
    sim_on a destroy "$(domains_on a)"
done
done_testing
