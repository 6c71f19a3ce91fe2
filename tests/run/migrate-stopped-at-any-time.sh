#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Ctrl-C, SIGTERM or SIGHUP at the sender, SIGTERM or SIGKILL at the receiver, a
# connection that falls silent: at each phase of a migration. One owner
# afterwards; the same migration succeeds then.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
requires jq perl

two_hosts pvh || exit 1
xensr -q save --keep running web "$T/length.save" || exit 1
end=$(stat -c %s "$T/length.save")
rm "$T/length.save"

# A process group of its own, so that a "Ctrl-C" would reach all of it, and no
# signal ignored. Its number is in $T/sender.
own_group()
{
    perl -e 'use POSIX; POSIX::setsid(); $SIG{INT} = "DEFAULT";
        open(F, ">", shift) or die; print F $$, "\n"; close(F);
        exec @ARGV or die' -- "$T/sender" "$@"
}
cat >"$T/receive.sh" <<'END'
echo $$ >"$T/receiver"
exec "$XENSR" --sim="$T/host-b" -q migrate-receive
END

# hit SIGNAL WHOM "--to N or --from N" STATUSES
hit()
{
    local signal=$1 whom=$2 place=$3 statuses=$4
    # shellcheck disable=SC2086 # option and value
    must_fail "$statuses" own_group "$XENSR" --sim="$T/host-a" -q migrate \
        --no-live --timeout 20 web -- \
        "$CUTPIPE" $place --signal "$signal:$T/$whom" bash "$T/receive.sh" &&
        one_owner "$RC" && bring_home
}
for signal in 2 15 1; do
    ok "signal $signal while the banner is awaited" \
        hit $signal sender "--from 3" 1
    for n in 20 900 $((end / 2)) $((end - 3)); do
        ok "signal $signal to the sender, $n octets on their way" \
            hit $signal sender "--to $n" 1
    done
    ok "signal $signal to the sender at READY" hit $signal sender \
        "--from 70" 1
    # too late: the guest is given away, and the report is waited for
    ok "signal $signal to the sender behind GO" hit $signal sender \
        "--to $((end + 44))" 0
    ok "signal $signal to the sender at REPORT" hit $signal sender \
        "--from 100" 0
done
for signal in 15 9; do
    ok "signal $signal to the receiver at its banner" \
        hit $signal receiver "--from 54" 1
done
ok "signal 15 to the receiver in the stream" \
    hit 15 receiver "--to $((end / 2))" 1
# Nobody can clean up after SIGKILL; what is left does not run, and has a name.
killed_receiver()
{
    must_fail 1 own_group "$XENSR" --sim="$T/host-a" -q migrate web -- \
        "$CUTPIPE" --to "$1" --signal "9:$T/receiver" bash "$T/receive.sh" &&
        whole_on a && xensr_on b -q destroy web--incoming && empty_on b
}
ok "signal 9 to the receiver in the stream" killed_receiver $((end / 2))
ok "signal 15 to the receiver that awaits GO" \
    hit 15 receiver "--from 87" 1
ok "signal 15 to the receiver as GO arrives" hit 15 receiver "--from 88" "0|1"

# The whole group gets what the terminal sends: the transport stays alive.
ok "a Ctrl-C for all of the terminal's processes" bash -c '
    perl -e "use POSIX; POSIX::setsid(); \$SIG{INT} = q(DEFAULT); exec @ARGV" \
        "$XENSR" --sim="$T/host-a" -q migrate web -- sh -c "
            kill -INT -\$(cut -d\" \" -f5 /proc/\$\$/stat)
            exec \"$XENSR\" --sim=\"$T/host-b\" -q migrate-receive" \
        2>"$T/err"; rc=$?; cat "$T/err"
    [ $rc -eq 1 ] && grep -q interrupted "$T/err"'
ok "the guest runs on" whole_on a
ok "the receiver has nothing" empty_on b

silent() # "--to N or --from N" STATUSES
{
    must_fail "$2" migrate_cut "$1 --stall" "--no-live --timeout 1" &&
        one_owner "$RC" && bring_home
}
ok "silence instead of the banner" silent "--from 10" 1
ok "silence instead of READY" silent "--from 60" 1
ok "silence instead of the report" silent "--from 100" 5
ok "silence behind END" silent "--to $end" 1
ok "silence instead of the code" silent "--from 127" 5

# A sender that is killed leaves the decision to what it had said.
killed_sender() # "--to N" : dies there
{
    run own_group "$XENSR" --sim="$T/host-a" -q migrate --no-live web -- \
        "$CUTPIPE" --to "$1" --signal "9:$T/sender" bash "$T/receive.sh"
    [ "$RC" -eq 137 ] || { echo "status $RC"; return 1; }
    XENSR_SIM_DIR=$T/host-a within 10 no_operations &&
        XENSR_SIM_DIR=$T/host-b within 10 no_operations
}
ok "the sender is killed in the middle of the stream" \
    killed_sender $((end / 2))
ok "the receiver has nothing" empty_on b
ok "the guest is resumed by its name" xensr -q resume web
ok "it runs on" whole_on a
ok "the sender is killed behind GO" killed_sender $((end + 44))
ok "the guest is the receiver's" whole_on b
ok "the suspended one is destroyed" xensr -q destroy web--migratedaway
ok "and back" comes_back
ok "whole, there and back" again_there_and_back
done_testing
