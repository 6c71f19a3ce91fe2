#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xensr-convert-legacy takes the words that Xen's converter takes, as that one
# takes them: beginnings of options, values glued or apart, words that are
# ignored; and it ends with the same status when it does not.
. "${0%/*}/../lib.sh"
. "${0%/*}/../legacy-lib.sh"
requires cmp

stream in --type hvm
ours "$T/in" "$T/want" hvm 64 libxl
ours "$T/in" "$T/want.xc" hvm 64 libxc

# takes SENTENCE WORD...: I and O stand for input and output.
takes()
{
    local name=$1 want=${WANT:-$T/want} w args=()
    shift
    for w; do
        w=${w/#I/$T/in}
        w=${w/#O/$T/out}
        w=${w/=I/=$T/in}
        w=${w/=O/=$T/out}
        args+=("${w/-oO/-o$T/out}")
    done
    rm -f "$T/out"
    ok "takes $name" status 0 quiet "$CONVERT" "${args[@]}"
    ok "and converts: $name" cmp "$T/out" "$want"
}
quiet() { "$@" >"$T/stdout" 2>"$T/err"; }

takes "libxl's words" --in I --out O --width 64 --guest hvm --format libxl
takes "short options" -i I -o O -w 64 -g hvm -f libxl
takes "glued values" -i I -oO -w64 -ghvm -flibxl
takes "values behind =" --in=I --out=O --width=64 --guest-type=hvm \
    --format=libxl
takes "the shortest beginnings" --i I --o O --w 64 --g hvm --f libxl
takes "flags in one word" -i I -o O -vw64 -g hvm -f libxl
takes "words that are no options" more -i I and -o O -w 64 more -g hvm -f libxl
takes "words behind --" -i I -o O -w 64 -g hvm -f libxl -- --nonsense -q
takes "an option again: the later value counts" -w 32 -g pv -i I -o O -w 64 \
    -g hvm -f libxl
takes "--syslog" -i I -o O -w 64 -g hvm -f libxl --sy
takes "--skip-qemu, which libxl's format has no use for" -i I -o O -w 64 \
    -g hvm -f libxl --sk
WANT=$T/want.xc takes "libxc as the format, if none is named" -i I -o O \
    -w 64 -g hvm
fds() { quiet "$CONVERT" -i 7 -o 8 -w 64 -g hvm -f libxl 7<"$T/in" 8>"$T/out"; }
rm -f "$T/out"
ok "takes numbers of descriptors" status 0 fds
ok "and converts: numbers" cmp "$T/out" "$T/want"

# refuses SENTENCE STATUS REGEX WORD...
refuses()
{
    ok "refuses $1" status "$2" quiet "$CONVERT" "${@:4}"
    ok "and says: $1" grep -Eq -- "$3" "$T/err"
}
all=(-i "$T/in" -o "$T/out" -w 64 -g hvm)
rm -f "$T/out"
refuses "an ambiguous beginning" 2 ambiguous "${all[@]}" --v
refuses "another one" 2 ambiguous "${all[@]}" --s
refuses "an unknown long option" 2 'no such option' "${all[@]}" --nonsense
refuses "an unknown letter" 2 'no such option' "${all[@]}" -q
refuses "a value for a flag" 2 'no value' "${all[@]}" --verbose=1
refuses "a missing value" 2 'needs a value' "${all[@]}" --format
refuses "a width of 16" 2 'invalid choice' "${all[@]}" -w 16
refuses "a guest type pvh" 2 'invalid choice' "${all[@]}" -g pvh
refuses "a format xl" 2 'invalid choice' "${all[@]}" -f xl
refuses "no words at all" 1 usage
refuses "no input" 1 'missing: --in' -o "$T/out" -w 64 -g hvm
refuses "no output" 1 'missing: --out' -i "$T/in" -w 64 -g hvm
refuses "no width" 1 'missing: --width' -i "$T/in" -o "$T/out" -g hvm
refuses "no guest type" 1 'missing: --guest' -i "$T/in" -o "$T/out" -w 64
refuses "an input that is not there" 1 'nowhere' -i "$T/nowhere" \
    -o "$T/out" -w 64 -g hvm
refuses "a descriptor that is not open" 1 'descriptor 77' -i 77 -o "$T/out" \
    -w 64 -g hvm
refuses "an output folder that is not there" 1 'out' -i "$T/in" \
    -o "$T/no/out" -w 64 -g hvm
ok "none of these left an output" test ! -e "$T/out"
ok "--help tells the options" status 0 quiet "$CONVERT" --help
ok "on standard output" grep -q -- --skip-qemu "$T/stdout"

# what it says
ours "$T/in" "$T/out" hvm 64 libxl -v >"$T/list"
ok "--verbose lists the chunks on standard output" grep -q 'chunk -10' "$T/list"
ok "and says what the stream is" grep -q '64-bit toolstack' "$T/list"
"$CONVERT" -i "$T/in" -o 1 -w 64 -g hvm -f libxl -v >"$T/out" 2>"$T/err"
ok "but not into the stream" cmp "$T/out" "$T/want"
ok "there it takes standard error" grep -q 'chunk -10' "$T/err"

# under other names
ln -s "$XENSR" "$T/convert-legacy-stream"
ok "it is itself under the name of Xen's, too" status 0 quiet \
    "$T/convert-legacy-stream" -i "$T/in" -o "$T/out" -w 64 -g hvm -f libxl
ok "with the same result" cmp "$T/out" "$T/want"
ok "under any other name it is xensr" must_fail 2 "$XENSR" -i "$T/in"
done_testing
