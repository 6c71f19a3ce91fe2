# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Tables of bad input for `xensr check`; read after lib.sh. A line is
#
#     case KIND RULES AT "SENTENCE" EDIT...
#
# that is: the tiny image of that kind (tests/gen/tiny.c) with these edits
# (tests/gen/mutate.c). RULES, with commas, are all the rules that check must
# find broken, no more and no less (those of the unbroken image are added, but
# not for remus); the first one must be found at AT, and the exit status is the
# one that the table of rules says. AT is LAYER:TYPE[:N]+OFF
# of the unbroken image, OFF counted from the record's header; or a number; or
# "end", of the broken one, or "end-N".

declare -A OFFSET SEVERITY ALWAYS
ALWAYS=([pv64]='' [pv32]=pv-info.32bit [pvh]='' [hvm]=''
    [remus]='page.live,remus.cut')
z=0000000000000000
export z

while read -r rule severity flag _; do
    case $severity-$flag in
    error-4 | warning-r) SEVERITY[$rule]=4 ;;
    error-*) SEVERITY[$rule]=3 ;;
    *) SEVERITY[$rule]=0 ;;
    esac
done < <("$XENSR" check --rules)

for kind in "${!ALWAYS[@]}"; do
    "$BUILD/tests/gen/tiny" "$kind" >"$T/$kind.img" || exit 99
    while read -r layer name n start _; do
        OFFSET[$kind:$layer:$name:$n]=$start
    done < <("$MUTATE" offsets <"$T/$kind.img")
done

# off KIND:LAYER:TYPE:N [MORE]: where such a record begins.
off() { echo $((${OFFSET[$1]:?no $1} + ${2-0})); }
# at KIND WHERE FILE: sets REPLY.
at()
{
    local key=${2%%+*} off=0 less
    [ "$key" = "$2" ] || off=${2##*+}
    case $2 in
    end*)
        REPLY=$(stat -c %s "$3")
        less=${2#end}
        less=${less#-}
        REPLY=$((REPLY - ${less:-0}))
        ;;
    [0-9]*) REPLY=$2 ;;
    *:*:*) REPLY=$((${OFFSET[$1:$key]:?no $key} + off)) ;;
    *) REPLY=$((${OFFSET[$1:$key:0]:?no $key} + off)) ;;
    esac
}

# The largest of what its rules ask for: 3 before 4 before 0.
expected_status()
{
    local r worst=0
    for r in ${1//,/ }; do
        case ${SEVERITY[$r]:-unknown} in
        3) worst=3 ;;
        4) [ "$worst" -eq 3 ] || worst=4 ;;
        0) ;;
        *) echo "there is no rule $r"; return 1 ;;
        esac
    done
    REPLY=$worst
}

# found_is RULES AT FILE: what check says of the file, and its exit status.
found_is()
{
    local want=$1 where=$2 first=${1%%,*} severity rule off found='' place=
    "$XENSR" check "$3" >"$T/out" 2>"$T/err"
    local status=$?
    while read -r severity rule _ off _; do
        case $severity in
        error | warning | note) ;;
        *) continue ;;
        esac
        rule=${rule%:}
        case ,$found, in
        *,"$rule",*) ;;
        *) found=${found:+$found,}$rule ;;
        esac
        [ "$rule" != "$first" ] || place=${place:-${off%:}}
    done <"$T/out"
    expected_status "$want" || return 1
    [ "$status" -eq "$REPLY" ] ||
        { echo "exit status $status, expected $REPLY"; cat "$T/out" "$T/err"; return 1; }
    sorted "$want" && want=$REPLY && sorted "$found"
    [ "$want" = "$REPLY" ] ||
        { echo "expected $want"; echo "found    $REPLY"; cat "$T/out"; return 1; }
    [ -z "$where" ] || [ "$place" = "$where" ] ||
        { echo "found at $place, expected $where"; cat "$T/out"; return 1; }
    sanitizers_silent
}
sorted()
{
    # shellcheck disable=SC2086 # words
    REPLY=$(printf '%s\n' ${1//,/ } | sort -u | tr '\n' ' ')
}
# What check passes, a look at the records passes, too.
inspect_agrees()
{
    "$XENSR" inspect "$1" >/dev/null 2>"$T/err" && return 0
    echo "check passes what inspect refuses:"
    cat "$T/err"
    return 1
}

case_()
{
    local kind=$1 rules=$2 where=$3 what=$4
    shift 4
    if ! "$MUTATE" "$@" <"$T/$kind.img" >"$T/bad" 2>"$T/err"; then
        fail "$kind: $what ($rules)"
        diag_file "$T/err"
        return
    fi
    at "$kind" "$where" "$T/bad"
    where=$REPLY
    [ "$kind" = remus ] || rules=$rules${ALWAYS[$kind]:+,${ALWAYS[$kind]}}
    ok "$kind: $what (${rules%%,*})" found_is "$rules" "$where" "$T/bad"
    expected_status "$rules"
    [ "$REPLY" -ne 0 ] || [ "$kind" = remus ] ||
        ok "$kind: $what: inspect agrees" inspect_agrees "$T/bad"
}
