/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PVH and HVM: hvm_start_info, parameters by hypercall, the shared page put
 * over one of the image's. An HVM guest starts in the place of hvmloader, so it
 * finds a PCI host bridge, which tells it from PVH; its options are where the
 * BIOS would be, and the memory map is Xen's to tell. With suspend=none the
 * callback parameter is left alone: the toolstack then takes the guest for one
 * without drivers and suspends it by hypercall.
 */
#include "xg.h"

#include <xen/arch-x86/hvm/start_info.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/version.h>

#include "hypercall.h"

#define MIB 256ul /* pages */

static char shared_page[XG_PAGE] __attribute__((aligned(4096)));
static char command_line[1024];
static struct {
    uint64_t cr0, cr3, cr4, efer;
} registers;

static uint64_t get_param(uint32_t index)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};
    long rc = xg_call(__HYPERVISOR_hvm_op, HVMOP_get_param, &param);

    if (rc)
        xg_panic("an HVM parameter cannot be read", index);
    return param.value;
}

/* Again after a suspend: it may be another Xen. */
static void fill_hypercall_page(void)
{
    uint32_t leaf, regs[4];

    for (leaf = 0x40000000; leaf < 0x40010000; leaf += 0x100) {
        xg_cpuid(leaf, regs);
        if (regs[1] == 0x566e6558 && regs[2] == 0x65584d4d &&
            regs[3] == 0x4d4d566e)
            break;
    }
    xg_cpuid(leaf + 2, regs);
    xg_wrmsr(regs[1], (unsigned long)xg_hypercall_page);
}

static void map_shared(void)
{
    struct xen_add_to_physmap map = {.domid = DOMID_SELF,
                                     .space = XENMAPSPACE_shared_info,
                                     .gpfn =
                                         (unsigned long)shared_page / XG_PAGE};
    long rc = xg_call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map);

    if (rc)
        xg_panic("shared_info cannot be mapped", (uint64_t)-rc);
    memset(xg_shared->evtchn_mask, 0xff, sizeof(xg_shared->evtchn_mask));
}

static void have_drivers(void)
{
    struct xen_hvm_param param = {
        .domid = DOMID_SELF,
        .index = HVM_PARAM_CALLBACK_IRQ,
        .value = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | 0xf3};

    if (xg_options.suspend != XG_NOT_AT_ALL &&
        xg_call(__HYPERVISOR_hvm_op, HVMOP_set_param, &param))
        xg_panic("the callback vector cannot be set", param.value);
}

static void read_registers(uint64_t out[4])
{
    __asm__ volatile("mov %%cr0, %0" : "=r"(out[0]));
    __asm__ volatile("mov %%cr3, %0" : "=r"(out[1]));
    __asm__ volatile("mov %%cr4, %0" : "=r"(out[2]));
    out[3] = xg_rdmsr(0xc0000080);
}

static void find_ports(void)
{
    xg_store = (void *)(get_param(HVM_PARAM_STORE_PFN) * XG_PAGE);
    xg_console = (void *)(get_param(HVM_PARAM_CONSOLE_PFN) * XG_PAGE);
    xg_ports.store = (uint32_t)get_param(HVM_PARAM_STORE_EVTCHN);
    xg_ports.console = (uint32_t)get_param(HVM_PARAM_CONSOLE_EVTCHN);
    have_drivers();
}

static unsigned long before_suspend(void)
{
    uint64_t now[4];

    read_registers(now);
    registers.cr0 = now[0];
    registers.cr3 = now[1];
    registers.cr4 = now[2];
    registers.efer = now[3];
    return 0;
}

static void after_suspend(bool cancelled)
{
    fill_hypercall_page();
    if (!cancelled)
        map_shared();
}

static void check(void)
{
    static const char *const names[] = {"cr0", "cr3", "cr4", "efer"};
    const uint64_t before[] = {registers.cr0, registers.cr3, registers.cr4,
                               registers.efer};
    uint64_t now[4];

    read_registers(now);
    for (unsigned i = 0; i < 4; i++)
        if (now[i] != before[i])
            xg_damaged(names[i], now[i], before[i]);
}

static struct xg_platform platform = {.name = "pvh",
                                      .find_ports = find_ports,
                                      .before_suspend = before_suspend,
                                      .after_suspend = after_suspend,
                                      .check = check};

/* One range of RAM: what is below 4 GiB of it, and above the first MiB if there
   are devices. */
static void take_ram(uint64_t addr, uint64_t size, bool devices)
{
    unsigned long first = (addr + XG_PAGE - 1) / XG_PAGE;
    unsigned long end = (addr + size) / XG_PAGE;

    if (devices && first < MIB)
        first = MIB;
    if (end > 4096 * MIB)
        end = 4096 * MIB;
    if (end > first)
        xg_ram(first, end - first);
}

static void find_memory(const struct hvm_start_info *si)
{
    const struct hvm_memmap_table_entry *e = (void *)si->memmap_paddr;

    if (si->version < 1 || !si->memmap_entries)
        xg_panic("hvm_start_info has no memory map; its version", si->version);
    for (unsigned i = 0; i < si->memmap_entries; i++)
        if (e[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
            take_ram(e[i].addr, e[i].size, false);
}

/* What hvmloader asks for, too. */
static void ask_for_memory(void)
{
    static struct {
        uint64_t addr, size;
        uint32_t type;
    } __attribute__((packed)) ranges[32];
    struct xen_memory_map map = {.nr_entries = 32};
    long rc;

    set_xen_guest_handle(map.buffer, (void *)ranges);
    rc = xg_call(__HYPERVISOR_memory_op, XENMEM_memory_map, &map);
    if (rc)
        xg_panic("the memory map cannot be had", (uint64_t)-rc);
    for (unsigned i = 0; i < map.nr_entries; i++)
        if (ranges[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
            take_ram(ranges[i].addr, ranges[i].size, true);
}

/* In the place of the BIOS, which the toolstack has loaded as first module: no
   zero stands behind it. */
static void read_module(const struct hvm_start_info *si)
{
    const struct hvm_modlist_entry *module = (void *)si->modlist_paddr;
    const char *from;
    uint64_t i;

    if (!si->nr_modules)
        xg_panic("there is no module with the options", 0);
    from = (void *)module->paddr;
    for (i = 0; i < module->size && i < sizeof(command_line) - 1; i++)
        command_line[i] = from[i] == '\n' ? ' ' : from[i];
}

static void read_line(const struct hvm_start_info *si)
{
    const char *from = (void *)si->cmdline_paddr;

    for (unsigned i = 0; from && from[i] && i < sizeof(command_line) - 1; i++)
        command_line[i] = from[i];
}

static bool has_host_bridge(void)
{
    xg_outl(0xcf8, 0x80000000);
    return xg_inl(0xcfc) != UINT32_MAX;
}

const char *xg_hvm_start(unsigned long start_info)
{
    const struct hvm_start_info *si = (void *)start_info;
    bool devices = has_host_bridge();

    xg_platform = &platform;
    xg_shared = (void *)shared_page;
    fill_hypercall_page();
    if (si->magic != XEN_HVM_START_MAGIC_VALUE)
        xg_panic("hvm_start_info has another magic number", si->magic);
    xg_own_until((unsigned long)xg_image_end / XG_PAGE);
    if (devices) {
        platform.name = "hvm";
        read_module(si);
        ask_for_memory();
    } else {
        read_line(si);
        find_memory(si);
    }
    map_shared();
    return command_line;
}
