#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Real Xen in an emulator: makes images, builds xensr for a release, boots it
# and runs tests in dom0. `make xen-check` and its relatives call this; the
# options are for people: run.sh --help. README.md here tells the rest. The
# order of things: host/image.sh, host/build.sh, host/boot.sh, host/watch.sh,
# then dom0/early and dom0/init on the other side.
. "$(dirname "${BASH_SOURCE[0]}")/host/lib.sh"
for part in packages image build boot watch; do
    # shellcheck disable=SC1090 # host/*.sh, each checked by itself
    . "$HOST/$part.sh"
done

usage()
{
    cat <<END
usage: xen-tests/run.sh MODE [option...] [-- argument...]
  check     the quick suite on one release (4.17)
  all       quick and long suite on every release
  shell     a prompt in dom0
  bench     speed: bench/bench.sh in dom0
  record    golden data: record/record.sh in dom0
  script F  any script below xen-tests/ in dom0, with arguments after --
  build     only build xensr and our guest again (a shell sees it at once)
  images    only make the images
options
  --release R   of Xen; known: $(releases | xargs)
  --only GLOB   only tests whose names match, such as '10-*' or 'long/2*'
  --long        the long suite, too
  --head        xensr of the last commit, not of the work tree
  --build DIR   where results go (build/): DIR/xen-out, DIR/tap
environment
  XENSR_CACHE   where images are kept, in its folder xen (~/.cache/xensr)
  XENSR_DEBIAN_MIRROR  instead of the mirror in apt's sources
  XENSR_XEN_MEMORY, XENSR_XEN_DOM0  MiB of the machine, of dom0 (4096, 2048)
  XENSR_XEN_LIMIT  seconds that one release may take in all (3600; with the
                   long suite four hours)
  XENSR_XEN_MACHINES  how many at once run a suite (2; 1 with one processor)
  XENSR_XEN_CLOCK=yes  a bench takes the clock's time, not that of instructions
  XENSR_XEN_KVM=yes  hardware instead of emulation (not what is proved here)
END
}

# ---- options -----------------------------------------------------------------

mode=${1-} only='' long='' out=$TOP/build chosen='' script=''
[ $# -eq 0 ] || shift
if [ "$mode" = script ]; then
    script=${1-}
    [ $# -eq 0 ] || shift
fi
while [ $# -gt 0 ]; do
    case $1 in
    --release) chosen=${2-} && shift ;;
    --only) only=${2-} && shift ;;
    --build) out=$(realpath -m "${2-}") && shift ;;
    --long) long=1 ;;
    --head) HEAD=1 ;;
    --help | -h) usage && exit ;;
    --)
        shift
        break
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    [ $# -eq 0 ] || shift
done
release=${chosen:-4.17}
known_release "$release"
CARRY=$out/xen-out/carry
[ "$mode" != all ] || long=1
limit=${XENSR_XEN_LIMIT:-$([ -n "$long" ] && echo 14400 || echo 3600)}
end_in_order

# ---- steps -------------------------------------------------------------------

# Tests below xen-tests/, one a line. A pattern with a folder finds the long
# suite's without --long.
tests()
{
    local f
    (cd "$TESTS" && ls quick/*.sh long/*.sh 2>/dev/null) | while read -r f; do
        # shellcheck disable=SC2053 # a pattern
        case $only in
        */*) [[ $f == $only || ${f%.sh} == $only ]] ;;
        *)
            [[ -n $long || $f == quick/* ]] && [[ -z $only ||
                ${f##*/} == $only || ${f##*/} == $only.sh ]]
            ;;
        esac && echo "$f"
    done
}
# By their limits: what is taken last is short, and all machines end together.
longest_first()
{
    local f limit
    while read -r f; do
        limit=$(sed -n 's/^# limit: \([0-9]*\).*/\1/p;T;q' "$TESTS/$f")
        echo "${limit:-600} $f"
    done | sort -k1,1nr -s | cut -d' ' -f2-
}
images()
{
    local r jobs=() failed=0 tool
    ! tool=$(missing_tools) || die "$tool"
    make_image kernel
    if [ $# -eq 1 ]; then
        make_image "$1"
    else
        for r; do
            background in_its_own make_image "$r"
            jobs+=("$JOB")
        done
        for r in "${jobs[@]}"; do
            wait "$r" || failed=1
        done
        [ "$failed" -eq 0 ] || exit 1
    fi
    # They stay while this run, or a QEMU that it left, lives.
    for r in kernel "$@"; do
        hold shared "$(image_name "$r")/lock" "it removes the image of $r"
    done
}
in_its_own()
{
    jobs_begun=() doomed=()
    end_in_order
    "$@"
}
# What image making needs; `make xen-check` installs it.
missing_tools()
{
    local c missing=
    for c in apt-get dpkg-deb mksquashfs cpio depmod zstd unshare setpriv; do
        command -v "$c" >/dev/null || [ -x "/usr/sbin/$c" ] ||
            [ -x "/sbin/$c" ] || missing="$missing $c"
    done
    [ -n "$missing" ] || return 1
    echo "needed to make the images and not found:$missing (run" \
        "sh tests/deps.sh --xen)"
}

# prepare RELEASE FOLDER...: the folder that dom0 sees, in $SHARE, held until
# the end, with xensr, guests and these folders' programs built.
prepare()
{
    SHARE=$out/xen-out/$1
    mkdir -p "$SHARE"/{guest,xen-tests,carry} "$CARRY" ||
        die "cannot make $SHARE"
    hold exclusive "$SHARE/lock" "it uses $SHARE"
    build "$1" "$SHARE" "${@:2}" || exit 1
    cp "$(image_name kernel)"/guest/* "$SHARE/guest/"
}
# tell MODE ARGUMENT...: what dom0 shall do.
tell()
{
    local mode=$1
    shift
    {
        echo "RELEASE=$release MODE=$mode"
        declare -p SHARE
        printf 'ARGS=('
        [ $# -eq 0 ] || printf '%q ' "$@"
        echo ')'
        read -r rows columns < <(stty size 2>/dev/null) &&
            echo "ROWS=$rows COLUMNS=$columns"
    } >"$SHARE/run"
}

# run_suite: boot $release, run its tests; results in $out/tap/xen-$release.
run_suite()
{
    local tap=$out/tap/xen-$release files begun=$SECONDS k jobs=() shares=()
    mapfile -t files < <(tests | longest_first)
    [ ${#files[@]} -gt 0 ] || die "no test matches '$only'"
    prepare "$release" legacy
    rm -rf "$CARRY/queue" && mkdir "$CARRY/queue" || die "cannot make a queue"
    MACHINES=$(how_many_machines ${#files[@]})
    for ((k = 1; k <= MACHINES; k++)); do
        shares+=("$(share_of "$k")")
    done
    say "$release: booting, ${#files[@]} tests, machines: $MACHINES;" \
        "consoles: ${shares[*]/%//console.log}"
    for k in "${shares[@]}"; do
        background in_its_own machine "$k" "${files[@]}"
        jobs+=("$JOB")
    done
    for k in "${jobs[@]}"; do
        wait "$k" || failed=1
    done
    rm -rf "$tap" && mkdir -p "$tap"
    for k in "${shares[@]}"; do
        cp "$k"/out/tap/*.tap "$tap/" 2>/dev/null
    done
    host_results >"$tap/host.tap"
    sed -n 's/^# //p' "$tap/host.tap"
    say "$release: $((SECONDS - begun)) s"
    sh "$TOP/tests/tally.sh" "$tap" || failed=1
    folders+=("$tap")
}
# share_of K: the folder of the K-th machine, with what prepare has put into the
# first one's.
share_of()
{
    local dir=$SHARE.$1 f
    [ "$1" -gt 1 ] || { echo "$SHARE"; return; }
    rm -rf "$dir" && mkdir -p "$dir"/{xen-tests,carry} || exit 1
    for f in "$SHARE"/*; do
        case ${f##*/} in
        xensr | guest | look | legacy) cp -a "$f" "$dir/" || exit 1 ;;
        esac
    done
    echo "$dir"
}
# machine SHARE FILE...: one boot; what was wrong with it is in SHARE/wrong.
machine()
{
    SHARE=$1
    shift
    tell suite "$@"
    rm -f "$SHARE/wrong"
    boot_and_watch "$release" "$SHARE" "$limit" && return
    { echo "Xen $release: $WRONG"; console_tail "$SHARE"; } >"$SHARE/wrong"
    return 1
}
# The machines' own results, and those tests that never had any. (Names are
# those of run_suite.)
host_results()
{
    local f name k n=0
    for k in "${shares[@]}"; do
        n=$((n + 1))
        name="$n - Xen $release boots, runs its tests and powers off"
        [ -e "$k/wrong" ] || { echo "ok $name"; continue; }
        echo "not ok $name"
        sed 's/^/# /' "$k/wrong"
    done
    for f in "${files[@]}"; do
        name=${f%.sh}
        [ -e "$tap/${name//\//-}.tap" ] && continue
        n=$((n + 1))
        echo "not ok $n - $name was run"
    done
    echo "1..$n"
}
summary()
{
    printf '\n'
    sh "$TOP/tests/tally.sh" --total "${folders[@]}" || failed=1
    exit "$failed"
}
# A machine that cannot run QEMU says so in the results and goes on.
unable()
{
    local r why=$1
    shift
    say "SKIPPED: $why" >&2
    for r; do
        rm -rf "$out/tap/xen-$r" && mkdir -p "$out/tap/xen-$r"
        echo "1..0 # SKIP $why" >"$out/tap/xen-$r/host.tap"
        folders+=("$out/tap/xen-$r")
    done
    summary
}

# run_script FILE ARGUMENT...: what it prints is shown as it comes.
run_script()
{
    [ -f "$TESTS/$1" ] || die "no script $TESTS/$1"
    prepare "$release" legacy "${1%%/*}"
    tell script "$@"
    boot_and_watch "$release" "$SHARE" "$limit" ||
        die "$WRONG" "$(console_tail "$SHARE")"
    say "its output: $SHARE/out/script.log; more: $SHARE/out/"
    exit "$(cat "$SHARE/complete")"
}
run_shell()
{
    LENIENT=1
    prepare "$release" legacy bench record
    tell shell
    rm -f "$SHARE"/{heartbeat,complete}
    : >"$SHARE/progress"
    qemu_command "$release" "$SHARE" -serial mon:stdio
    # Whatever ends this ends QEMU (--pdeathsig); it need not wait for it.
    trap - TERM HUP
    "${COMMAND[@]}" 2>"$SHARE/qemu.log"
    exit
}

# ---- the modes ---------------------------------------------------------------

failed=0 folders=()
case $mode in
check)
    why=$(can_boot) || unable "$why" "$release"
    images "$release"
    run_suite
    summary
    ;;
all)
    mapfile -t all < <([ -z "$chosen" ] && releases || echo "$chosen")
    why=$(can_boot) || unable "$why" "${all[@]}"
    images "${all[@]}"
    rm -rf "$CARRY"
    for release in "${all[@]}"; do
        run_suite
    done
    summary
    ;;
shell | bench | record | script)
    why=$(can_boot) || die "$why"
    images "$release"
    case $mode in
    shell) run_shell ;;
    bench)
        [ "${XENSR_XEN_CLOCK-}" = yes ] || COUNTED=1
        run_script bench/bench.sh "$@"
        ;;
    script) run_script "$script" "$@" ;;
    record)
        SCRUBBED=1
        run_script record/record.sh "$@"
        ;;
    esac
    ;;
build)
    images "$release"
    SHARE=$out/xen-out/$release
    mkdir -p "$SHARE/guest"
    LENIENT=1
    build "$release" "$SHARE" legacy bench record || exit 1
    ;;
images)
    images "$release"
    ;;
--help | -h)
    usage
    ;;
*)
    usage >&2
    exit 2
    ;;
esac
