/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PV guest: start_info, the p2m list where the domain builder left it, and
 * what a suspend asks of a PV kernel. Before: frame numbers in start_info
 * become pseudo-physical, shared_info is unmapped (its frame is Xen's, no table
 * may carry it). After: the toolstack has put new frames and ports into
 * start_info, or, if the suspend was cancelled, nobody has and we put back the
 * old ones; and the p2m is published anew, since its frames are others.
 *
 * The list is announced as a virtual range if the tools know that, else as the
 * three-level tree (option p2m=tree: in any case).
 */
#include "xg.h"

#include <xen/event_channel.h>
#include <xen/sched.h>

#include "hypercall.h"

#define MAX_LISTS 4u /* a page of the tree's middle is 1 GiB of memory */

unsigned long *xg_p2m;

static struct start_info *si;
static char shared_page[XG_PAGE] __attribute__((aligned(4096)));
static unsigned long list_of_lists[XG_WORDS] __attribute__((aligned(4096)));
static unsigned long lists[MAX_LISTS][XG_WORDS] __attribute__((aligned(4096)));
static unsigned long n_frames;
static bool as_list;
static char command_line[MAX_GUEST_CMDLINE + 1];

static unsigned long pfn_of(const void *p)
{
    return (unsigned long)p / XG_PAGE;
}

static unsigned long frame_of(const void *p)
{
    return xg_p2m[pfn_of(p)];
}

static unsigned long pfn_of_frame(unsigned long frame)
{
    return machine_to_phys_mapping[frame];
}

static void map_shared(void)
{
    long rc = xg_pv_remap(shared_page, si->shared_info / XG_PAGE, true);

    if (rc)
        xg_panic("shared_info cannot be mapped", (uint64_t)-rc);
    memset(xg_shared->evtchn_mask, 0xff, sizeof(xg_shared->evtchn_mask));
    xg_shared->vcpu_info[0].evtchn_upcall_mask = 1;
}

static void publish_tree(void)
{
    unsigned long n_leaves = (n_frames + XG_WORDS - 1) / XG_WORDS;

    for (unsigned long i = 0; i < n_leaves; i++)
        lists[i / XG_WORDS][i % XG_WORDS] = frame_of(xg_p2m + i * XG_WORDS);
    for (unsigned long i = 0; i * XG_WORDS < n_leaves; i++)
        list_of_lists[i] = frame_of(lists[i]);
    xg_shared->arch.pfn_to_mfn_frame_list_list = frame_of(list_of_lists);
    xg_shared->arch.p2m_cr3 = 0;
}

static void publish_p2m(void)
{
    struct arch_shared_info *arch = &xg_shared->arch;

    arch->max_pfn = n_frames;
    if (!as_list) {
        publish_tree();
        return;
    }
    arch->p2m_generation = 0;
    arch->p2m_vaddr = (unsigned long)xg_p2m;
    arch->pfn_to_mfn_frame_list_list = ~0ul;
    xg_barrier();
    arch->p2m_cr3 = xen_pfn_to_cr3(frame_of((void *)si->pt_base));
}

static void find_ports(void)
{
    xg_store = (void *)(pfn_of_frame(si->store_mfn) * XG_PAGE);
    xg_console = (void *)(pfn_of_frame(si->console.domU.mfn) * XG_PAGE);
    xg_ports.store = si->store_evtchn;
    xg_ports.console = si->console.domU.evtchn;
}

static unsigned long before_suspend(void)
{
    long rc;

    si->store_mfn = pfn_of_frame(si->store_mfn);
    si->console.domU.mfn = pfn_of_frame(si->console.domU.mfn);
    rc = xg_pv_remap(shared_page, frame_of(shared_page), true);
    if (rc)
        xg_panic("shared_info cannot be unmapped", (uint64_t)-rc);
    return frame_of(si);
}

static void after_suspend(bool cancelled)
{
    if (cancelled) {
        si->store_mfn = xg_p2m[si->store_mfn];
        si->console.domU.mfn = xg_p2m[si->console.domU.mfn];
    }
    map_shared();
    publish_p2m();
}

static void check(void)
{
    for (unsigned long pfn = 0; pfn < n_frames; pfn++)
        if (pfn_of_frame(xg_p2m[pfn]) != pfn) {
            xg_damaged("p2m", pfn_of_frame(xg_p2m[pfn]), pfn);
            return;
        }
}

static const struct xg_platform platform = {.name = "pv",
                                            .find_ports = find_ports,
                                            .before_suspend = before_suspend,
                                            .after_suspend = after_suspend,
                                            .check = check};

const char *xg_pv_start(struct start_info *start, unsigned long stack_end)
{
    si = start;
    xg_platform = &platform;
    xg_p2m = (unsigned long *)si->mfn_list;
    n_frames = si->nr_pages;
    if (n_frames > MAX_LISTS * XG_WORDS * XG_WORDS)
        xg_panic("more memory than the guest has lists for", n_frames);
    xg_shared = (void *)shared_page;
    map_shared();

    xg_ram(0, n_frames);
    xg_own_until(pfn_of(xg_image_end));
    xg_own_until(pfn_of(xg_p2m + n_frames - 1) + 1);
    xg_own_until(pfn_of(si) + 1);
    xg_own_until(pfn_of_frame(si->store_mfn) + 1);
    xg_own_until(pfn_of_frame(si->console.domU.mfn) + 1);
    xg_own_until(si->pt_base / XG_PAGE + si->nr_pt_frames);
    xg_own_until((stack_end + XG_PAGE - 1) / XG_PAGE);
    xg_pv_map_all((uint64_t *)si->pt_base, n_frames);

    memcpy(command_line, si->cmd_line, MAX_GUEST_CMDLINE);
    xg_options_read(command_line); /* p2m= is needed now */
    as_list = (si->flags & SIF_VIRT_P2M_4TOOLS) && !xg_options.p2m_tree;
    publish_p2m();
    return command_line;
}
