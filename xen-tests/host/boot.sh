# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The emulated machine: QEMU's software emulation with Xen, dom0 and the folders
# that dom0 sees. Every option here was found out the hard way; see "Why these
# options" in README.md before changing one. image.sh and build.sh come before,
# watch.sh after.

QEMU=qemu-system-x86_64
# AMD with SVM and nested paging, without what this emulation has but Xen or its
# guests do not survive.
QEMU_CPU=qemu64,+svm,+npt,-rdtscp,+nx

# can_boot: says why not.
can_boot()
{
    if [ "$(uname -m)" != x86_64 ]; then
        echo "this machine is no x86_64: xensr is built in roots of amd64"
    elif ! command -v $QEMU >/dev/null; then
        echo "no $QEMU on this machine (package qemu-system-x86)"
    elif ! $QEMU -device help 2>/dev/null | grep -q '"virtio-9p-pci"'; then
        echo "$(command -v $QEMU) was built without virtfs (virtio-9p-pci);" \
            "Debian's qemu-system-x86 has it"
    else
        return 0
    fi
    return 1
}

# how_many_machines TESTS: two at once where there are two processors, because
# an emulated processor that has to wait for another one's lock gets nothing done.
how_many_machines()
{
    local n=${XENSR_XEN_MACHINES:-$(($(nproc) < 2 ? 1 : 2))}
    echo $((n < $1 ? n : $1))
}
# qemu_command RELEASE SHARE [QEMU option...]: in the array COMMAND. $MACHINES
# share the processors.
qemu_command()
{
    local r=$1 share=$2 image kernel accel=tcg,thread=multi
    local cpus=$(($(nproc) / ${MACHINES:-1}))
    shift 2
    cpus=$((cpus < 1 ? 1 : cpus > 2 ? 2 : cpus))
    [ -n "${MACHINES-}" ] || cpus=2
    # What a guest never wrote is in its image.
    local scrub=bootscrub=0
    [ -z "${SCRUBBED-}" ] || scrub=bootscrub=1
    # A measurement takes instructions for time: the same whatever else runs.
    local counted=()
    [ -z "${COUNTED-}" ] || accel=tcg,thread=single cpus=1 counted=(-icount shift=1)
    image=$(image_name "$r")
    kernel=$(image_name kernel)
    # Nested virtualization of the machine is another thing than the emulation
    # that all of this is proved on: only on request.
    [ "${XENSR_XEN_KVM-}" != yes ] || accel=kvm
    COMMAND=(setpriv --pdeathsig KILL "$QEMU" -accel "$accel" -cpu "$QEMU_CPU"
        -smp "$cpus" -m "${XENSR_XEN_MEMORY:-4096}" -nodefaults -display none
        -no-reboot -kernel "$image/xen.elf"
        -append "console=com1 com1=115200,8n1 noreboot $scrub loglvl=all
            guest_loglvl=all conring_size=1m
            dom0_mem=${XENSR_XEN_DOM0:-2048}M,max:${XENSR_XEN_DOM0:-2048}M"
        -initrd "$(commas "$kernel/vmlinuz") console=hvc0 earlyprintk=xen \
rdinit=/init loglevel=4,$(commas "$kernel/initrd.zst")"
        -drive "file=$(commas "$image/root.sqfs"),format=raw,if=virtio,readonly=on"
        -virtfs "$(folder "$share"),mount_tag=share"
        -virtfs "$(folder "$TESTS"),mount_tag=tests,readonly=on"
        -virtfs "$(folder "$CARRY"),mount_tag=carry"
        "${counted[@]}" "$@")
    COMMAND[${#COMMAND[@]}]=-name
    COMMAND[${#COMMAND[@]}]="xen-$r"
}
commas() { printf %s "${1//,/,,}"; }
folder()
{
    printf 'local,security_model=none,multidevs=remap,path=%s' "$(commas "$1")"
}
