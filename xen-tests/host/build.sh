# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xensr and our guest, built in the release's own root against its libraries and
# installed where dom0 sees them (/share/xensr, /share/guest). Sources and
# objects stay in the image's folder: only what changed is compiled again.
# image.sh comes before, boot.sh after.

# build RELEASE SHARE FOLDER...: with what these folders of xen-tests/ have to
# build for dom0 (FOLDER/build.sh BUILD DEST; dom0 sees it in /share/FOLDER), look/
# always. With $LENIENT not every folder's must be possible with this release.
build()
{
    local r=$1 share=$2 root image f
    shift 2
    image=$(image_name "$r") root=$(image_name "$r")/build
    hold exclusive "$image/build.lock" "it builds xensr for $r"
    LOG=$image/build.log
    : >"$LOG"
    phase "$r: xensr built in its root" build_xensr "$root" "$share" &&
        build_guest "$r" "$root" "$share" || return 1
    for f in look "$@"; do
        [ -e "$root/xensr/src/xen-tests/$f/build.sh" ] || continue
        phase "$r: programs of $f/" build_folder "$root" "$share" "$f" ||
            [ -n "${LENIENT-}" ] || return 1
    done
    release "$LOCK"
}
build_xensr()
{
    local root=$1 share=$2
    bring_sources "$root/xensr" &&
        rm -rf "$root/xensr/dest" "$share/xensr" &&
        in_root "$root" make -C /xensr/src -j "$(nproc)" O=/xensr/obj SIM= \
            WERROR=1 PREFIX= DESTDIR=/xensr/dest install &&
        cp -R "$root/xensr/dest" "$share/xensr"
}
build_guest()
{
    local r=$1 root=$2 share=$3
    rm -f "$share/guest/xg" "$share/guest/xg-hvm"
    if [ ! -e "$root/xensr/src/xen-tests/guest/Makefile" ]; then
        say "$r: NO GUEST OF OUR OWN: xen-tests/guest/Makefile is missing"
        return 0
    fi
    phase "$r: our guest" in_root "$root" \
        make -C /xensr/src/xen-tests/guest O=/xensr/guest &&
        cp "$root"/xensr/guest/xg "$root"/xensr/guest/xg-hvm "$share/guest/"
}
build_folder()
{
    local root=$1 share=$2 f=$3
    rm -rf "${root:?}/xensr/for-$f" "${share:?}/$f"
    in_root "$root" sh "/xensr/src/xen-tests/$f/build.sh" /xensr/obj \
        "/xensr/for-$f" && cp -R "$root/xensr/for-$f" "$share/$f"
}

# bring_sources TO: TO/src is what the work tree has. A file keeps its time of
# change if it is the same, whatever tree it came from before.
bring_sources()
{
    local to=$1 new=$1/new f
    rm -rf "$new" && mkdir -p "$new" "$to/src" && touch "$to/sums" &&
        (cd "$TOP" && source_archive) | tar -xf - -C "$new" -m &&
        (cd "$new" && find . -type f -exec sha256sum {} +) | sort >"$to/now" ||
        return 1
    comm -23 "$to/sums" "$to/now" | cut -c67- | while IFS= read -r f; do
        rm -f "$to/src/$f"
    done
    comm -13 "$to/sums" "$to/now" | cut -c67- | while IFS= read -r f; do
        mkdir -p "$to/src/${f%/*}" && mv "$new/$f" "$to/src/$f" || exit 1
    done && mv "$to/now" "$to/sums" && rm -rf "$new"
}
# All sources of the work tree, or with $HEAD of the last commit.
source_archive()
{
    if [ -n "${HEAD-}" ]; then
        git -c safe.directory='*' archive HEAD
    elif git -c safe.directory='*' rev-parse >/dev/null 2>&1; then
        git -c safe.directory='*' ls-files -z -co --exclude-standard |
            xargs -0 -r ls -d 2>/dev/null | tar -cf - -T -
    else
        find . -path './build*' -prune -o -type f -print0 |
            tar -cf - --null -T -
    fi
}

# in_root ROOT COMMAND...: with a few devices, no other user, no network needed.
# Without privilege root is the user's own name inside a user namespace.
in_root()
{
    local user=()
    [ "$(id -u)" = 0 ] || user=(--user --map-root-user)
    if unshare "${user[@]}" --mount true 2>/dev/null; then
        unshare "${user[@]}" --mount bash "$HOST/in-root.sh" mounts "$@"
    elif [ "$(id -u)" = 0 ]; then
        bash "$HOST/in-root.sh" nodes "$@"
    else
        echo "this user may not make namespaces, and so not enter $1;" \
            "as root: sysctl kernel.unprivileged_userns_clone=1" \
            "kernel.apparmor_restrict_unprivileged_userns=0 (whichever this" \
            "kernel has), or run this as root"
        return 1
    fi
}
