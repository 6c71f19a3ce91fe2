# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Debian packages of any suite, fetched with this machine's apt and unpacked
# into folders. They are not configured, no script of theirs is run: that needs
# neither root nor namespaces, takes seconds, and gives the same tree each time.
# The mirror is the one that this machine uses, with another suite's name; the
# signatures are checked with the keys of debian-archive-keyring. image.sh makes
# its images from such folders.

# In every dom0, and in every root that xensr is built in.
DOM0_PACKAGES="mount xenstore-utils kmod iproute2 busybox-static procps psmisc zstd
    strace libjansson4 jq xxd python3-minimal file less"
BUILD_PACKAGES="gcc libc6-dev make libxen-dev libjansson-dev libzstd-dev
    libxxhash-dev"

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# debian_mirrors: "main URI" and "security URI" of this machine's apt.
debian_mirrors()
{
    apt-get indextargets --format '$(LABEL) $(CODENAME) $(REPO_URI)' \
        'Created-By: Packages' 'Component: main' 2>/dev/null | awk '
        $1 == "Debian-Security" && !s++ { print "security", $3 }
        $1 == "Debian" && $2 !~ /-/ && !m++ { print "main", $3 }'
}

# sources_of SUITE: lines for a sources.list.
sources_of()
{
    local kind uri opt='' found=
    [ ! -e "$KEYRING" ] || opt="[signed-by=$KEYRING] "
    while read -r kind uri; do
        found=1
        case $kind in
        main) echo "deb $opt$uri $1 main" ;;
        security) echo "deb $opt$uri $1-security main" ;;
        esac
    done < <([ -n "${XENSR_DEBIAN_MIRROR-}" ] &&
        echo "main $XENSR_DEBIAN_MIRROR" || debian_mirrors)
    [ -n "$found" ] && return
    echo "no Debian mirror is in this machine's apt sources (is there an" \
        "'apt-get update' to run?); name one: XENSR_DEBIAN_MIRROR=URI" >&2
    return 1
}

# private_apt DIR COMMAND...: apt-get with its whole state in DIR; only proxy,
# certificates and the like are the machine's.
private_apt()
{
    local dir=$1
    shift
    apt-get -q -o Dir::Etc::SourceList="$dir/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null \
        -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State="$dir" -o Dir::State::Lists="$(readlink "$dir/lists")" \
        -o Dir::State::Status="$dir/status" \
        -o Dir::Cache="$dir" -o Dir::Cache::Archives="$dir/debs" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" \
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 \
        -o APT::Install-Recommends=0 -o Acquire::Languages=none \
        -o Acquire::Check-Valid-Until=0 -o Acquire::Retries=3 \
        -o APT::Update::Error-Mode=any "$@" </dev/null
}
# package_lists SUITE DIR: the lists themselves stay for the next time.
package_lists()
{
    local suite=$1 dir=$2 lists=$CACHE/lists-$1
    mkdir -p "$lists/partial" "$dir/debs/partial" &&
        ln -sfn "$lists" "$dir/lists" &&
        : >"$dir/status" && sources_of "$suite" >"$dir/sources.list" &&
        cat "$dir/sources.list" &&
        hold exclusive "$lists.lock" "it fetches package lists" &&
        private_apt "$dir" update && release "$LOCK"
}

# choose DIR SET PACKAGE...: these and all that they need; the names of their
# files go to DIR/SET. With ?essential the set is a root of its own.
choose()
{
    local dir=$1 set=$2
    shift 2
    private_apt "$dir" -y --print-uris install "$@" |
        sed -n "s/^'[^']*' \([^ ]*\.deb\) .*/\1/p" | sort >"$dir/$set"
    [ "${PIPESTATUS[0]}" -eq 0 ] && [ -s "$dir/$set" ]
}
# download DIR PACKAGE...: what was chosen, all sets at once.
download()
{
    local dir=$1
    shift
    private_apt "$dir" -y --download-only install "$@"
}

# unpack DIR SET ROOT: without documents and translations.
unpack()
{
    local dir=$1 set=$2 root=$3 file d
    mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
    for d in bin sbin lib lib64; do
        ln -sfn "usr/$d" "$root/$d"
    done
    while read -r file; do
        dpkg-deb --fsys-tarfile "$dir/debs/$file" | tar -x -C "$root" \
            --keep-directory-symlink --no-same-owner --exclude='./dev/*' \
            --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
            --exclude='./usr/share/info/*' --exclude='./usr/share/locale/*' \
            --exclude='./usr/share/lintian/*' || {
            echo "cannot unpack $file"
            return 1
        }
    done <"$dir/$set"
}

# What the packages' own scripts would have done, as far as it is needed.
furnish()
{
    local root=$1
    mkdir -p "$root"/{dev,proc,sys,run,tmp,root,etc,share} &&
        cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd" &&
        cp "$root/usr/share/base-passwd/group.master" "$root/etc/group" &&
        printf '%s: files\n' passwd group shadow hosts services protocols \
            >"$root/etc/nsswitch.conf" &&
        echo "127.0.0.1 localhost" >"$root/etc/hosts" &&
        ln -sfn ../proc/self/mounts "$root/etc/mtab" &&
        rm -rf "$root/var/run" "$root/var/lock" &&
        ln -s ../run "$root/var/run" && ln -s ../run/lock "$root/var/lock" &&
        chmod 1777 "$root/tmp" || return 1
    # The alternatives that somebody misses.
    [ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
    [ -e "$root/usr/bin/cc" ] || [ ! -e "$root/usr/bin/gcc" ] ||
        ln -s gcc "$root/usr/bin/cc"
}
