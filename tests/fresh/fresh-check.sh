#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# README's commands work in a bare Debian 12: makes a minimal root with this
# machine's package sources, installs git and make in it as README says, clones
# the committed state into it and runs the commands of README's marked blocks.
# All mounts live in a mount namespace of their own and vanish with it.
set -uo pipefail

TOP=$(cd "$(dirname "$0")/../.." && pwd)
SUITE=bookworm
n=0

say() { n=$((n + 1)); echo "$1 $n - $2"; }
skip_all() { echo "1..0 # SKIP $*"; exit 0; }

[ -z "${XENSR_FRESH-}" ] || skip_all "this is the fresh root already"
[ "$(id -u)" = 0 ] || skip_all "needs root for chroot and mounts"
command -v apt-get >/dev/null || skip_all "needs apt-get"
# The outer shell owns the folder; everything else, mounts above all, happens in
# namespaces that end when their first process does, on whatever exit.
if [ -z "${FRESH_DIR-}" ]; then
    unshare --mount --pid --fork true 2>/dev/null ||
        skip_all "mount and process namespaces are not permitted"
    FRESH_DIR=$(mktemp -d "${TMPDIR:-/var/tmp}/xensr-fresh.XXXXXX") || exit 1
    export FRESH_DIR
    pid=
    stop() { [ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null; }
    trap 'stop; rm -rf --one-file-system "$FRESH_DIR"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    unshare --mount --pid --fork --kill-child --mount-proc bash "$0" &
    pid=$!
    wait "$pid"
    status=$?
    pid=
    exit "$status"
fi
if ! command -v mmdebstrap >/dev/null && ! command -v debootstrap >/dev/null
then
    apt-get install -y -q --no-install-recommends mmdebstrap >/dev/null 2>&1 ||
        skip_all "neither mmdebstrap nor debootstrap, and no way to install"
fi

W=$FRESH_DIR
ROOT=$W/root
mount --make-rprivate /

# One line for sources.list per Debian repository that this machine uses.
host_sources()
{
    local fmt='$(REPO_URI) $(RELEASE) $(CODENAME) $(COMPONENT)'
    apt-get indextargets --format "$fmt" 'Created-By: Packages' 2>/dev/null |
        awk -v s="$SUITE" '$3 == s || $3 == s "-updates" ||
            $3 == s "-security" { print "deb", $1, $2, $4 }' | sort -u
}

# Proxy, certificates and validity rules of this machine's apt.
host_apt_conf()
{
    apt-config dump | grep -E \
        '^(Acquire::(https?::(proxy|cainfo|verify)|retries|check-)|APT::Sandbox)' \
        -i
}

make_root()
{
    host_sources >"$W/sources"
    [ -s "$W/sources" ] || return 2
    mkdir -p "$W/lists/partial"
    # Reachable at all? A machine without a network cannot do this test.
    apt-get update -q -o Dir::Etc::SourceList="$W/sources" \
        -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$W/lists" -o APT::Update::Error-Mode=any ||
        return 2
    if command -v mmdebstrap >/dev/null; then
        mmdebstrap --variant=minbase "$SUITE" "$ROOT" "$W/sources"
    else
        debootstrap --variant=minbase "$SUITE" "$ROOT" \
            "$(awk 'NR == 1 { print $2 }' "$W/sources")"
    fi || return 1
}

# Terminals of its own, as any machine has; without them tests say so.
terminals()
{
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$ROOT/dev/pts" \
        2>/dev/null || return 0
    ln -s pts/ptmx "$ROOT/dev/ptmx"
}

furnish_root()
{
    mount --bind "$ROOT" "$ROOT" &&
        cp "$W/sources" "$ROOT/etc/apt/sources.list" &&
        host_apt_conf >"$ROOT/etc/apt/apt.conf.d/90host" &&
        cp -L /etc/resolv.conf /etc/hosts "$ROOT/etc/" &&
        { [ ! -d /etc/apt/trusted.gpg.d ] ||
            cp -R /etc/apt/trusted.gpg.d/. "$ROOT/etc/apt/trusted.gpg.d/"; } &&
        { [ ! -e /etc/ssl/certs/ca-certificates.crt ] ||
            install -D -m 644 /etc/ssl/certs/ca-certificates.crt \
                "$ROOT/etc/ssl/certs/ca-certificates.crt"; } &&
        mount -t proc proc "$ROOT/proc" &&
        mount --rbind /sys "$ROOT/sys" &&
        mount -t tmpfs -o mode=755 dev "$ROOT/dev" &&
        mkdir "$ROOT/dev/shm" "$ROOT/dev/pts" &&
        mount -t tmpfs -o mode=1777 shm "$ROOT/dev/shm" &&
        terminals &&
        for d in null zero full random urandom tty; do
            touch "$ROOT/dev/$d" && mount --bind "/dev/$d" "$ROOT/dev/$d" ||
                return 1
        done &&
        ln -s /proc/self/fd "$ROOT/dev/fd" &&
        ln -s /proc/self/fd/0 "$ROOT/dev/stdin" &&
        ln -s /proc/self/fd/1 "$ROOT/dev/stdout" &&
        ln -s /proc/self/fd/2 "$ROOT/dev/stderr"
}

# Exactly README's words: the lines of the blocks that follow the mark.
readme_commands()
{
    awk '/^<!-- fresh-check -->/ { want = 1; next }
        /^```/ { if (want == 1) { want = 2; next }; want = 0 }
        want == 2 && NF { sub(/^\$ /, ""); print }' "$TOP/README.md"
}

# Commands run with a clean environment, no terminal and no input.
in_root()
{
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root XENSR_FRESH=1 CI=true DEBIAN_FRONTEND=noninteractive \
        ${http_proxy+http_proxy="$http_proxy"} \
        ${https_proxy+https_proxy="$https_proxy"} \
        chroot "$ROOT" bash -ec "$1" </dev/null
}

make_root >"$W/log" 2>&1
case $? in
0) ;;
2)
    sed 's/^/# /' "$W/log" | tail -n 5
    skip_all "no Debian $SUITE package source can be reached"
    ;;
*)
    sed 's/^/# /' "$W/log" | tail -n 30
    say "not ok" "a minimal Debian root can be made"
    echo "1..$n"
    exit 1
    ;;
esac
furnish_root || { say "not ok" "the minimal root can be entered"; exit 1; }
rm -rf "$W/lists"

# The committed state and nothing else; the address in README stands for it.
git -c safe.directory='*' clone -q --bare "$TOP" "$ROOT/srv/xensr.git" || exit 1

status=0 count=0
dir=/root
while IFS= read -r command; do
    count=$((count + 1))
    case $command in
    "git clone "*)
        in_root "cd $dir && git clone -q /srv/xensr.git xensr"
        ;;
    "cd xensr")
        dir=/root/xensr
        in_root "cd $dir"
        ;;
    *)
        in_root "cd $dir && $command"
        ;;
    esac >"$W/log" 2>&1
    result=$?
    sed 's/^/# /' "$W/log" | tail -n 40
    if [ "$result" -eq 0 ]; then
        say ok "README: $command"
    else
        say "not ok" "README: $command (status $result)"
        status=1
        break
    fi
done < <(readme_commands)
[ "$count" -ge 3 ] || { say "not ok" "README shows its commands"; status=1; }
echo "1..$n"
exit "$status"
