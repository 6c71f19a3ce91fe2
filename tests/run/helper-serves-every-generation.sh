#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The toolstack of every release from 4.6 on saves and restores with its own
# arguments and message numbers, plain and Remus, with the stock library and
# with our engine; what a later one says (static_data_done, precopy_policy) an
# earlier one never hears.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/save.sh"

# The vector of a save: how many there are of what lies between.
save_vector() # GEN FLAGS CBFLAGS TYPE
{
    case $1 in
    G4) echo "$DOM 0 0 $2 0 $3" ;;
    G5) echo "-1 $DOM 0 0 $2 0 $3 $4" ;;
    G6) echo "-1 $DOM $2 0 $3 $4" ;;
    G7 | S7) echo "-1 $DOM $2 $3 $4" ;;
    esac
}
restore_vector() # GEN CBFLAGS TYPE
{
    case $1 in
    G4) echo "@F @D @S 0 @C 0 0 0 0 $2 $3" ;;
    G5) echo "@F -1 @D @S 0 @C 0 0 0 0 $2 $3" ;;
    G6) echo "@F -1 @D @S 0 @C 0 0 0 $2 $3" ;;
    G7 | S7) echo "@F -1 @D @S 0 @C 0 $2 $3" ;;
    esac
}
save_as() # GEN FLAGS CBFLAGS TYPE [fakeparent option...]
{
    local vector
    GEN=$1
    vector=$(save_vector "$1" "$2" "$3" "$4")
    shift 4
    # the back channel is part of the vector here
    # shellcheck disable=SC2086
    LD_LIBRARY_PATH=$LIBS "$FAKEPARENT" --gen "$GEN" --stream "9=$T/image" \
        --do "suspend=$SIMDOM suspend $DOM" "$@" -- "$HELPER" --save-domain \
        9 $vector >"$T/talk" 2>"$T/talk.err" ||
        bail "no conversation: $(cat "$T/talk.err")"
}
restore_as() # GEN CBFLAGS TYPE [fakeparent option...]
{
    local vector gen=$1
    vector=$(restore_vector "$1" "$2" "$3")
    shift 3
    # shellcheck disable=SC2086
    restore_args "$gen" "$@" -- $vector
}
understood() { not_told '^refused' && told "complete 0 0 -> 0" "exit 0"; }
same_memory()
{
    "$SIM" memory --skip-owned "$DOM" >"$T/mem.1" &&
        "$SIM" memory --skip-owned "$NEW" >"$T/mem.2" &&
        [ -s "$T/mem.1" ] && cmp "$T/mem.1" "$T/mem.2"
}

check() # GEN plain-save remus-save plain-restore remus-restore
{
    local gen=$1 flags=1
    guest pv --memory 8
    save_as "$gen" 0 "$2" 0
    ok "$gen saves ($ENGINE)" understood
    ok "... asking only for the suspension" not_told \
        '^(static|checkpoint|postcopy|precopy|switch)'
    restore_as "$gen" "$4" 0
    ok "$gen restores ($ENGINE)" understood
    ok "... with frames in the results" told_like \
        'restore_results 0x[1-9a-f].* 0x[1-9a-f].*'
    case $gen in
    [GS]7) ok "... and static_data_done" told "static_data_done 0 -> 0" ;;
    *) ok "... without static_data_done" not_told ^static ;;
    esac
    ok "... what was saved" same_memory
    "$SIM" destroy "$NEW"
    resume
    [ "$gen" != G4 ] || flags=$((flags | 32))
    save_as "$gen" $flags "$3" 1 --reply checkpoint=1,0 \
        --reply precopy_policy=0,0,1 \
        --do postcopy="$SIMDOM resume $DOM"
    ok "$gen protects with Remus ($ENGINE)" understood
    ok "... two checkpoints" [ "$(grep -c '^checkpoint' "$T/talk")" = 2 ]
    restore_as "$gen" "$5" 1
    ok "$gen receives Remus ($ENGINE)" understood
    ok "... two checkpoints" [ "$(grep -c '^checkpoint' "$T/talk")" = 2 ]
    "$SIM" destroy "$NEW"
    "$SIM" destroy "$DOM"
}

fresh_host
for e in $(engines); do
    engine "$e"
    check G4 72 120 32 32
    check G5 136 184 256 288
    check G6 136 184 256 288
    check G7 136 184 768 800
    # SUSE's parent is asked when to stop; here it says so at once
    check S7 280 376 1536 1600
    guest pv --memory 8
    save_as S7 1 280 0 --reply precopy_policy=0,0,1
    ok "S7 decides about the rounds ($ENGINE)" understood
    ok "... before and after each" told 'precopy_policy 0 0 2048 -> 0' \
        'precopy_policy 1 2048 -1 -> 0'
    ok "... and is not asked again when it has said stop" \
        [ "$(grep -c '^precopy' "$T/talk")" = 3 ]
    resume
    save_as S7 1 280 0 --reply precopy_policy=0,-1
    ok "S7 gives up ($ENGINE)" told "complete -1 125 -> 0" "exit 0"
    ok "... and that is the reason" told_like \
        '.*was not saved: the toolstack refused precopy_policy .answer -1.*'
    ok "... log-dirty mode is off" log_dirty_is_off
    "$SIM" destroy "$DOM"
done
done_testing
