# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What QEMU boots and xensr is built in, made from Debian packages and kept in
# the cache under a name that says what went in:
#
#   kernel-HASH/    vmlinuz, version, modules/ (what dom0 needs), initrd.zst (the
#                   first step of dom0's start), guest/ (the Linux guest)
#   4.17-HASH/      xen.elf, root.sqfs (dom0), build/ (a root with a compiler),
#                   versions (of all packages)
#
# An image is made in a temporary folder and renamed when it is whole; one lock
# for each release keeps two runs from making the same. packages.sh comes before,
# build.sh and boot.sh after this.

# Modules that dom0 may load; with what they need.
EARLY_MODULES="virtio_pci virtio_blk squashfs overlay 9p 9pnet_virtio"
LATER_MODULES="xenfs xen_privcmd xen_evtchn xen_gntdev xen_gntalloc xen_blkback
    xen_netback xen_acpi_processor loop tun bridge"

# image_name RELEASE: its folder, by everything that decides what is in it.
image_name()
{
    printf '%s/%s-%s' "$CACHE" "$1" "$({
        awk -v r="$1" '$1 == r || $1 == "KERNEL"' "$HOST/releases"
        if [ "$1" = kernel ]; then
            cat "$TESTS/dom0/early" "$TESTS/linux-guest/init"
        else
            cat "$(image_name kernel)/version" # its modules are in the root
        fi
        cat "$HOST/packages.sh" "$HOST/image.sh"
    } | sha256sum | cut -c1-12)"
}

# make_image RELEASE: prints nothing if it is there. The path: image_name.
make_image()
{
    local what=$1 image tmp
    image=$(image_name "$what")
    mkdir -p "$CACHE" || die "cannot make $CACHE"
    hold exclusive "$CACHE/$what.lock" "it makes the image of $what"
    if [ ! -e "$image/versions" ]; then
        # Whoever had the lock before and was killed left these.
        rm -rf "$CACHE/tmp.$what".*
        tmp=$CACHE/tmp.$what.$$
        doomed+=("$tmp")
        mkdir -p "$tmp" || die "cannot make $tmp"
        LOG=$CACHE/$what.log
        : >"$LOG"
        if [ "$what" = kernel ]; then
            make_kernel "$tmp"
        else
            make_release "$what" "$tmp"
        fi || die "no image of $what; the whole log: $LOG"
        rm -rf "$image"
        mv "$tmp/image" "$image" && rm -rf "$tmp"
        remove_older "$what" "$image"
    fi
    release "$LOCK"
}
# Older images of the same release, unless a run still uses them (boot.sh).
remove_older()
{
    local old fd
    for old in "$CACHE/$1"-*; do
        [ "$old" != "$2" ] && [ -d "$old" ] || continue
        exec {fd}>>"$old/lock"
        flock -n --exclusive "$fd" && rm -rf "$old"
        exec {fd}>&-
    done
}

# ---- the kernel --------------------------------------------------------------

make_kernel()
{
    local tmp=$1 suite out=$1/image
    suite=$(suite_of KERNEL)
    mkdir -p "$out"
    phase "kernel: package lists ($suite)" package_lists "$suite" "$tmp" &&
        phase "kernel: packages" kernel_packages "$tmp" &&
        phase "kernel: kernel, modules, Linux guest" kernel_files "$tmp" &&
        cp "$tmp/wanted" "$out/versions"
}
kernel_packages()
{
    choose "$1" kernel linux-image-amd64 busybox-static &&
        download "$1" linux-image-amd64 busybox-static &&
        grep -E '^(linux-image-[0-9]|busybox-static_)' "$1/kernel" >"$1/wanted"
}
kernel_files()
{
    local tmp=$1 out=$1/image version
    unpack "$tmp" wanted "$tmp/root" || return 1
    version=$(basename "$tmp"/root/usr/lib/modules/*)
    echo "$version" >"$out/version"
    cp "$tmp/root/boot/vmlinuz-$version" "$out/vmlinuz" &&
        depmod -b "$tmp/root" "$version" &&
        pick_modules "$tmp/root" "$out/modules" "$version" \
            $EARLY_MODULES $LATER_MODULES &&
        pick_modules "$tmp/root" "$tmp/early" "$version" $EARLY_MODULES &&
        mkdir -p "$tmp"/{early,guest}/{bin,proc,sys,dev} &&
        mkdir -p "$tmp"/early/{ro,rw,new} "$out/guest" &&
        cp "$tmp/root/usr/bin/busybox" "$tmp/early/bin/" &&
        cp "$tmp/root/usr/bin/busybox" "$tmp/guest/bin/" &&
        install -m 755 "$TESTS/dom0/early" "$tmp/early/init" &&
        install -m 755 "$TESTS/linux-guest/init" "$tmp/guest/init" &&
        (cd "$tmp/early" && find . | cpio -o -H newc -R 0:0 --quiet) |
        zstd -q -3 >"$out/initrd.zst" &&
        (cd "$tmp/guest" && find . | cpio -o -H newc -R 0:0 --quiet) |
        gzip -n >"$out/guest/initrd.gz" &&
        ln "$out/vmlinuz" "$out/guest/vmlinuz"
}
# pick_modules ROOT TO VERSION MODULE...: those and what they need.
pick_modules()
{
    local root=$1 to=$2 version=$3 m f
    shift 3
    for m; do
        modprobe -S "$version" -d "$root" --show-depends "$m" || {
            echo "the kernel $version has no module $m" >&2
            return 1
        }
    done | awk '$1 == "insmod" { print $2 }' | sort -u >"$to.list" &&
        mkdir -p "$to/lib/modules/$version" &&
        cp "$root/lib/modules/$version"/modules.{builtin,builtin.modinfo,order} \
            "$to/lib/modules/$version/" || return 1
    while read -r f; do
        install -D -m 644 "$f" "$to/lib/modules/${f#*/lib/modules/}" || return 1
    done <"$to.list"
    rm "$to.list"
    depmod -b "$to" "$version"
}

# ---- one release -------------------------------------------------------------

make_release()
{
    local r=$1 tmp=$2 suite out=$2/image
    suite=$(suite_of "$r")
    mkdir -p "$out"
    phase "$r: package lists ($suite)" package_lists "$suite" "$tmp" &&
        phase "$r: packages" release_packages "$r" "$tmp" &&
        phase "$r: dom0's root, a root with a compiler" both_roots "$tmp" &&
        phase "$r: file system image" dom0_image "$tmp" &&
        sort -u "$tmp/dom0" "$tmp/build" "$tmp/wanted" >"$out/versions"
}
release_packages()
{
    local r=$1 tmp=$2 dom0
    dom0="xen-utils-$r $DOM0_PACKAGES $(packages_of "$r")"
    # shellcheck disable=SC2086 # lists of words
    choose "$tmp" hypervisor "xen-hypervisor-$r-amd64" &&
        choose "$tmp" dom0 '?essential' $dom0 &&
        choose "$tmp" build '?essential' $BUILD_PACKAGES &&
        download "$tmp" '?essential' "xen-hypervisor-$r-amd64" $dom0 \
            $BUILD_PACKAGES &&
        grep "^xen-hypervisor-$r-amd64_" "$tmp/hypervisor" >"$tmp/wanted" &&
        unpack "$tmp" wanted "$tmp/hv" &&
        gzip -dc "$tmp/hv/boot/xen-$r"*.gz >"$tmp/image/xen.elf"
}
both_roots()
{
    local tmp=$1 pid status=0
    { unpack "$tmp" build "$tmp/image/build" &&
        furnish "$tmp/image/build"; } &
    pid=$!
    { unpack "$tmp" dom0 "$tmp/root" && furnish "$tmp/root"; } || status=1
    wait "$pid" || status=1
    return "$status"
}
dom0_image()
{
    local tmp=$1 kernel
    kernel=$(image_name kernel)
    cp -R "$kernel/modules/lib/modules" "$tmp/root/usr/lib/" &&
        rm -rf "$tmp/root"/var/{cache,lib/apt,lib/dpkg} "$tmp/root/boot" \
            "$tmp/root/usr/share"/{iso-codes,zoneinfo,bash-completion} &&
        mksquashfs "$tmp/root" "$tmp/image/root.sqfs" -all-root -noappend \
            -no-progress -no-xattrs -comp zstd -Xcompression-level 3
}
