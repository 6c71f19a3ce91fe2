#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SIGTERM, SIGINT and SIGHUP at any time: the library meets its own error path,
# an answer that is due is awaited, the report is complete, the status is 0.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/lib.sh"

stopped()
{
    told "restore_results 0x0 0x0" "complete -1 125 -> 0" "exit 0" &&
        told_like "log 8 -1 \"xensr-helper\" \"domain 5 was not restored: \
stopped by signal $1 .*\"" &&
        sanitizers_silent
}

for sig in 15 2 1; do
    talk_stuck "log 5 -1 xc reading; sleep 50; read 1; ok 1 2" \
        --on "=reading:delay=150,sig=$sig"
    ok "signal $sig in a blocked read" stopped "$sig"
done

# The delays sweep over the moment at which the read begins (20 ms after "go").
missed=0
for delay in 17 18 18 19 19 19 20 20 20 20 20 21 21 21 22; do
    talk_stuck "log 5 -1 xc go; sleep 20; read 1; ok 1 2" \
        --on "=go:delay=$delay,sig=15" --limit 5000
    stopped 15 >>"$T/race.out" || missed=$((missed + 1))
done
ok "a signal just before the read begins is not lost" [ "$missed" -eq 0 ] ||
    diag_file "$T/race.out"

talk_stuck "static 0; log 5 -1 xc answered; read 1; ok 1 2" \
    --on static_data_done:sig=15,delay=300
ok "while an answer is due: the answer is awaited" \
    told "static_data_done 0 -> 0" 'log 5 -1 "xc" "answered"'
ok "... and then the restore stops" stopped 15

talk "static 0; checkpoint; ok 1 2" --on static_data_done:sig=15,delay=50 \
    --reply static_data_done=-3
ok "stopped and refused at once: stopped is the reason" stopped 15

talk "log 5 -1 xc go; read 65536; log 5 -1 xc end; signal 15; ok 1 2" \
    --on =end:sig=15
ok "after the last byte was read the restore succeeds" \
    told "restore_results 0x1 0x2" "complete 0 0 -> 0" "exit 0"

talk "log 5 -1 xc go; read 65536; ok 1 2" --on complete:sig=15,delay=200
ok "during the last answer nothing changes" \
    told "complete 0 0 -> 0" "exit 0"

talk_stuck "log 5 -1 xc go; read 1; ok 1 2" \
    --on "=go:delay=20,sig=15,delay=5,sig=15,sig=2,delay=60,sig=15"
ok "many signals count once" stopped 15

mkfifo "$T/back"
exec 7<>"$T/back"
RESTORE=(--restore-domain 9 7 5 4 0 5 0 888 2)
talk_stuck "checkpoint; read 1; ok 1 2" --fd 7 --on checkpoint:delay=20,sig=15
ok "COLO with its back channel stops, too" stopped 15

RESTORE=(--restore-domain 9 -1 5 4 0 5 0 768 0)
ignore_hup() { (trap '' HUP; talk "$@"); }
ignore_hup "log 5 -1 xc go; sleep 100; read 65536; ok 1 2" --on =go:sig=1
ok "SIGHUP stays ignored under nohup" told "complete 0 0 -> 0" "exit 0"
done_testing
