# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The bad-input suite's common part, used by tests/run/bad-*.sh: a table line is
#
#     bad "SENTENCE" CODES REGEX EDIT...
#
# that is: the current image with these edits (tests/gen/mutate.c) must be
# refused with one of the exit codes, with an error that matches REGEX and says
# where in the input, and nothing may be left on the host. A REGEX that begins
# with "!" needs no place. At the end, `still_restores` proves that the host took
# no harm.

# use_image PATH: the image that the following lines break.
use_image()
{
    IMG=$1
    IMG_SIZE=$(stat -c %s "$IMG")
    "$MUTATE" offsets <"$IMG" >"$T/offsets" || exit 99
    XL_LEN=$(($(u32 44)))           # optional data of the xl header
    LIBXL=$((48 + XL_LEN))          # libxl stream header
    LIBXC=$((LIBXL + 16 + 8))       # image header
    export IMG
}
# u32 OFFSET: little-endian number there.
u32() { od -An -v -tu4 -j "$1" -N 4 "$IMG" | tr -d ' '; }

# at LAYER TYPE [N]: offset of the N-th such record's header, from 0.
at() { field 4 "$@"; }
len() { field 5 "$@"; }
field()
{
    awk -v c="$1" -v l="$2" -v t="$3" -v n="${4:-0}" '
        $1 == l && $2 == t && $3 == n { print $c; found = 1; exit }
        END { exit !found }' "$T/offsets" ||
        { echo "no record $2 $3 ${4-}" >&2; exit 99; }
}
# Little-endian octets of a number, for put and insert.
le16() { printf '%04x' "$1" | sed 's/\(..\)\(..\)/\2\1/'; }
le32() { printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/'; }
le64() { printf '%s%s' "$(le32 $(($1 & 0xffffffff)))" "$(le32 $(($1 >> 32 & 0xffffffff)))"; }
hex() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }

place='(at |offset |byte |octet )(0x)?[0-9a-f]+'

# refused CODES REGEX FILE: from the file, or through a pipe in every other case.
refused()
{
    local codes=$1 regex=$2 file=$3
    if [ $((${n_tests:-0} % 2)) -eq 0 ]; then
        must_fail "$codes" xensr restore "$file" || return 1
    else
        must_fail "$codes" bash -c 'cat "$1" 2>/dev/null |
            "$XENSR" --sim restore -' - "$file" || return 1
    fi
    case $regex in
    !*) says "${regex#!}" ;;
    *) says "$regex" && says "$place" ;;
    esac && host_is_clean
}
bad()
{
    local name=$1 codes=$2 regex=$3
    shift 3
    if ! "$MUTATE" "$@" <"$IMG" >"$T/bad" 2>"$T/err"; then
        fail "$name"
        note "mutate $*"
        diag_file "$T/err"
        return 1
    fi
    if cmp -s "$IMG" "$T/bad"; then
        fail "$name (the edit changed nothing)"
        return 1
    fi
    ok "$name" refused "$codes" "$regex" "$T/bad"
    [ -z "${XENSR_TEST_SHOW-}" ] || diag_file "$T/err" 1
}
# good SENTENCE EDIT...: still valid with these edits.
good()
{
    local name=$1
    shift
    "$MUTATE" "$@" <"$IMG" >"$T/good" && ! cmp -s "$IMG" "$T/good" ||
        { fail "$name (edit)"; return 1; }
    ok "$name" xensr -q restore "$T/good" && "$SIM" destroy "$(domids)"
}
still_restores()
{
    ok "the unharmed image restores on the same host" \
        xensr -q restore "$IMG"
    ok "its memory is the image's" memory_equals "$(domids)" "$IMG"
    "$SIM" destroy "$(domids)"
    ok "and nothing is left of it" host_is_clean
}
