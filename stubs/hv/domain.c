/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Life of a simulated domain: creation with Xen's checks, pause counts,
 * shutdown and resume, destruction. A domain is a slot of the host file and a
 * file of its own. The slot's state is stored last when it comes to life and
 * first when it dies, so that repair.c knows what to remove.
 *
 * Frames that somebody still has mapped outlive the domain, as in Xen: it
 * stays visible as dying until the last mapping is gone (xsr_hv_reap).
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/util.h"
#include "stubs/guest/hooks.h"
#include "stubs/hv/hvi.h"

#define CDF_KNOWN     (XEN_DOMCTL_CDF_MAX * 2 - 1)
#define EMU_HVM       (XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI)
#define MAX_HVM_VCPUS 128u
#define SHUTDOWN_NONE (~0u)

struct xsr_slot *xsr_hv_slot(uint32_t domid)
{
    static size_t last; /* only a hint, checked */
    size_t i;

    if (xsr_host->slots[last].state != XSR_SLOT_FREE &&
        xsr_host->slots[last].domid == domid)
        return &xsr_host->slots[last];
    for (i = 0; i < XSR_SLOTS; i++) {
        struct xsr_slot *s = &xsr_host->slots[i];

        if (s->state == XSR_SLOT_FREE || s->domid != domid)
            continue;
        last = i;
        return s;
    }
    return NULL;
}

struct xsr_dom *xsr_hv_dom(uint32_t domid)
{
    struct xsr_slot *s = xsr_hv_slot(domid);

    return s ? xsr_dom_map(s) : NULL;
}

struct xsr_dom *xsr_hv_dom_any(uint32_t domid)
{
    return xsr_hv_dom(domid == DOMID_SELF ? 0 : domid);
}

struct xsr_dom *xsr_hv_dom_from(uint32_t first)
{
    struct xsr_slot *best = NULL;
    size_t i;

    for (i = 0; i < XSR_SLOTS; i++) {
        struct xsr_slot *s = &xsr_host->slots[i];

        if (s->state != XSR_SLOT_FREE && s->domid >= first &&
            (!best || s->domid < best->domid))
            best = s;
    }
    return best ? xsr_dom_map(best) : NULL;
}

struct xsr_vcpu *xsr_hv_vcpu(struct xsr_dom *d, uint32_t id)
{
    return id < d->max_vcpus && d->vcpu[id].exists ? &d->vcpu[id] : NULL;
}

int64_t xsr_hv_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec - xsr_host->boot_ns;
}

/* ---- creation ------------------------------------------------------------ */

static int refuse(const char *why, uint32_t found)
{
    xsr_sim_log("createdomain refused: %s (%#x)", why, found);
    return -EINVAL;
}

static int check_flags(const struct xen_domctl_createdomain *c)
{
    bool hvm = c->flags & XEN_DOMCTL_CDF_hvm;
    bool hap = c->flags & XEN_DOMCTL_CDF_hap;

    if (c->flags & ~CDF_KNOWN)
        return refuse("unknown flags", c->flags);
    if (c->grant_opts & ~(uint32_t)XEN_DOMCTL_GRANT_version_mask)
        return refuse("unknown grant options", c->grant_opts);
    if (c->max_vcpus < 1 ||
        c->max_vcpus > (hvm ? MAX_HVM_VCPUS : XSR_MAX_VCPUS))
        return refuse("number of vCPUs", c->max_vcpus);
    if (hap && !hvm)
        return refuse("HAP for a PV domain", c->flags);
    if (hap && !xsr_host->hap)
        return refuse("no HAP on this host", c->flags);
    if ((c->flags & XEN_DOMCTL_CDF_iommu) || c->iommu_opts)
        return refuse("no IOMMU on this host", c->iommu_opts);
    if (c->vmtrace_size)
        return refuse("no vmtrace on this host", c->vmtrace_size);
    if (c->flags & (XEN_DOMCTL_CDF_vpmu | XEN_DOMCTL_CDF_s3_integrity))
        return refuse("feature not on this host", c->flags);
    if ((c->flags & XEN_DOMCTL_CDF_nested_virt) && !hap)
        return refuse("nested virtualisation without HAP", c->flags);
    if (c->arch.misc_flags & ~XEN_X86_MSR_RELAXED)
        return refuse("unknown misc flags", c->arch.misc_flags);
    return 0;
}

static int check_emulation(const struct xen_domctl_createdomain *c)
{
    uint32_t emu = c->arch.emulation_flags;
    bool ok;

    if (emu & ~XEN_X86_EMU_ALL)
        return refuse("unknown emulation flags", emu);
    if (c->flags & XEN_DOMCTL_CDF_hvm)
        ok = emu == EMU_HVM || emu == XEN_X86_EMU_LAPIC;
    else
        ok = emu == 0 || emu == XEN_X86_EMU_PIT;
    if (!ok) {
        refuse("emulated devices not possible for the type", emu);
        return -EOPNOTSUPP;
    }
    /* HVM without HAP needs shadow paging */
    if ((c->flags & XEN_DOMCTL_CDF_hvm) && !(c->flags & XEN_DOMCTL_CDF_hap) &&
        !xsr_host->shadow)
        return -EOPNOTSUPP;
    return 0;
}

static int check_limits(const struct xen_domctl_createdomain *c)
{
    uint32_t version = XEN_DOMCTL_GRANT_version(c->grant_opts);

    if (version < 1 || version > 2)
        return refuse("grant table version", version);
    if (c->max_grant_frames == 0 ||
        c->max_grant_frames > (int32_t)XSR_MAX_GRANT_FRAMES)
        return refuse("grant frames", (uint32_t)c->max_grant_frames);
    if (c->max_maptrack_frames > (int32_t)XSR_MAX_MAPTRACK)
        return refuse("maptrack frames", (uint32_t)c->max_maptrack_frames);
    if (c->cpupool_id != 0 && c->cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY) {
        xsr_sim_log("createdomain refused: no CPU pool %u", c->cpupool_id);
        return -ESRCH;
    }
    return 0;
}

static int choose_domid(uint32_t wanted, uint32_t *out)
{
    uint32_t id = xsr_host->rover;

    if (wanted > 0 && wanted < DOMID_FIRST_RESERVED) {
        *out = wanted;
        return xsr_hv_slot(wanted) ? -EEXIST : 0;
    }
    do {
        if (++id >= DOMID_FIRST_RESERVED)
            id = 1;
        if (!xsr_hv_slot(id)) {
            *out = id;
            xsr_host->rover = id;
            return 0;
        }
    } while (id != xsr_host->rover);
    return -ENOMEM;
}

static void fill(struct xsr_dom *d, const struct xsr_slot *s,
                 const struct xen_domctl_createdomain *c)
{
    d->domid = s->domid;
    __atomic_store_n(&d->serial, s->serial, __ATOMIC_RELEASE);
    d->hvm = !!(c->flags & XEN_DOMCTL_CDF_hvm);
    d->hap = !!(c->flags & XEN_DOMCTL_CDF_hap);
    d->xs_domain = !!(c->flags & XEN_DOMCTL_CDF_xs_domain);
    d->flags = c->flags;
    d->emulation = c->arch.emulation_flags;
    d->misc_flags = c->arch.misc_flags;
    d->ssidref = c->ssidref;
    memcpy(d->handle, c->handle, sizeof(d->handle));
    d->max_vcpus = c->max_vcpus;
    /* more than 2-level channels only when a guest has set up FIFO ones */
    d->max_evtchn = (uint32_t)xsr_min(c->max_evtchn_port, XSR_2L_EVTCHN - 1);
    d->max_grants = c->max_grant_frames < 0 ? XSR_MAX_GRANT_FRAMES
                                            : (uint32_t)c->max_grant_frames;
    d->max_maptrack = c->max_maptrack_frames < 0
                          ? XSR_MAX_MAPTRACK
                          : (uint32_t)c->max_maptrack_frames;
    d->max_grant_version = XEN_DOMCTL_GRANT_version(c->grant_opts);
    d->pause_count = 1;
    d->shutdown_code = SHUTDOWN_NONE;
    d->weight = 256;
    /* what Xen gives at once; HAP and shadow paging differ */
    if (d->hvm)
        d->mempool = (d->hap ? 256ull : 1024ull) * XSR_PAGE_SIZE;
    if (d->hvm) {
        d->params[HVM_PARAM_TRIPLE_FAULT_REASON] = SHUTDOWN_reboot;
        d->params[HVM_PARAM_HPET_ENABLED] = !!(d->emulation & XEN_X86_EMU_HPET);
    }
    d->node_affinity = 1;
    d->tsc_khz = 2600000;
    d->tsc_offset = xsr_hv_now();
    xsr_hv_policy_init(d);
}

/* Pages that Xen itself gives the domain: shared info, first grant frame. */
static int give_special(struct xsr_dom *d)
{
    uint64_t mfn;

    if (xsr_frame_alloc(d, 1, 0, XSR_FF_SPECIAL, &mfn) != 1)
        return -ENOMEM;
    d->shinfo_mfn = mfn;
    return xsr_hv_grant_frame(d, 0, &mfn);
}

static void free_slot(struct xsr_slot *s)
{
    xsr_dom_file_remove(s);
    xsr_host_edge();
    __atomic_store_n(&s->state, XSR_SLOT_FREE, __ATOMIC_RELEASE);
}

static int new_in_slot(struct xsr_slot *s, uint32_t domid,
                       const struct xen_domctl_createdomain *c)
{
    struct xsr_dom *d;
    int rc;

    s->serial = xsr_host->next_serial++;
    s->domid = domid;
    __atomic_store_n(&s->state, XSR_SLOT_CREATING, __ATOMIC_RELEASE);
    xsr_host_edge();
    d = xsr_dom_file_new(s, c->max_vcpus);
    if (!d) {
        free_slot(s);
        return -ENOMEM;
    }
    xsr_host_edge();
    fill(d, s, c);
    xsr_host_edge();
    rc = domid == 0 ? 0 : give_special(d);
    if (rc < 0) {
        d->dying = 2;
        xsr_hv_reap(d);
        return rc;
    }
    __atomic_store_n(&s->state, XSR_SLOT_LIVE, __ATOMIC_RELEASE);
    return 0;
}

int xsr_hv_create(uint32_t *domid, const struct xen_domctl_createdomain *c)
{
    uint32_t id;
    size_t i;
    int rc;

    rc = choose_domid(*domid, &id);
    if (rc == 0)
        rc = check_flags(c);
    if (rc == 0)
        rc = check_emulation(c);
    if (rc == 0)
        rc = check_limits(c);
    if (rc < 0)
        return rc;
    for (i = 1; i < XSR_SLOTS; i++)
        if (xsr_host->slots[i].state == XSR_SLOT_FREE)
            break;
    if (i == XSR_SLOTS)
        return -ENOMEM;
    rc = new_in_slot(&xsr_host->slots[i], id, c);
    if (rc == 0)
        *domid = id;
    return rc;
}

void xsr_hv_make_dom0(void)
{
    struct xen_domctl_createdomain c = {
        .max_vcpus = xsr_host->n_cpus,
        .max_evtchn_port = 4095,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = 2,
    };
    struct xsr_dom *d;
    uint32_t i;

    if (new_in_slot(&xsr_host->slots[0], 0, &c) < 0)
        return;
    d = xsr_dom_map(&xsr_host->slots[0]);
    for (i = 0; i < d->max_vcpus; i++) {
        struct xsr_vcpu *v = &d->vcpu[i];

        memset(v->hard, 0xff, sizeof(v->hard));
        memset(v->soft, 0xff, sizeof(v->soft));
        v->exists = v->initialised = v->online = 1;
    }
    d->n_vcpus = d->max_vcpus;
    d->tot_pages = xsr_host->dom0_pages;
    d->max_pages = UINT32_MAX;
    d->pause_count = 0;
    d->created = 1;
}

/* ---- state --------------------------------------------------------------- */

int xsr_hv_shutdown(struct xsr_dom *d, uint32_t reason)
{
    if (d->shutdown_code == SHUTDOWN_NONE)
        d->shutdown_code = reason;
    if (d->shutdown)
        return 0;
    xsr_guest_stopping(d, d->shutdown_code);
    d->shutdown = 1;
    if (d->shutdown_code == SHUTDOWN_suspend && d->suspend_port)
        xsr_hv_evtchn_raise(d, d->suspend_port);
    else
        xsr_hv_note_release(d->domid, false);
    return 0;
}

void xsr_hv_resume(struct xsr_dom *d)
{
    d->shutdown = 0;
    d->shutdown_code = SHUTDOWN_NONE;
}

void xsr_hv_getinfo(struct xsr_dom *d, struct xen_domctl_getdomaininfo *out)
{
    uint32_t i, flags = 0;

    memset(out, 0, sizeof(*out));
    out->domain = (domid_t)d->domid;
    out->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for (i = 0; i < d->max_vcpus; i++) {
        if (!d->vcpu[i].exists)
            continue;
        out->max_vcpu_id = i;
        out->nr_online_vcpus += d->vcpu[i].online;
    }
    if (out->nr_online_vcpus)
        flags |= d->domid == 0 ? XEN_DOMINF_running : XEN_DOMINF_blocked;
    flags |= (d->dying == 2 ? XEN_DOMINF_dying : 0) |
             (d->shutdown ? XEN_DOMINF_shutdown : 0) |
             (d->pause_count ? XEN_DOMINF_paused : 0) |
             (d->debugger ? XEN_DOMINF_debugged : 0) |
             (d->xs_domain ? XEN_DOMINF_xs_domain : 0) |
             (d->hvm ? XEN_DOMINF_hvm_guest : 0) |
             (d->hap ? XEN_DOMINF_hap : 0) |
             d->shutdown_code << XEN_DOMINF_shutdownshift;
    out->flags = flags;
    out->tot_pages = d->tot_pages;
    out->max_pages = d->max_pages;
    out->outstanding_pages = d->outstanding;
    out->shared_info_frame = d->hvm ? xsr_m2p[d->shinfo_mfn] : d->shinfo_mfn;
    out->ssidref = d->ssidref;
    memcpy(out->handle, d->handle, sizeof(out->handle));
    out->gpaddr_bits = 48;
    out->arch_config.emulation_flags = d->emulation;
}

/* ---- end ----------------------------------------------------------------- */

/* Free every frame of d that nobody has mapped. Returns how many are left. */
static uint64_t free_unmapped(struct xsr_dom *d)
{
    uint16_t owner = (uint16_t)(d->domid + 1);
    size_t c, end = xsr_host->compat_mfn / XSR_CHUNK;
    uint64_t left = 0, mfn, n;

    d->tot_pages = 0;
    for (c = xsr_host->dom0_pages / XSR_CHUNK; c < end; c++) {
        if (xsr_host->chunk_used[c] == 0)
            continue;
        for (mfn = c * XSR_CHUNK; mfn < (c + 1) * XSR_CHUNK; mfn += n) {
            n = 1;
            if (xsr_frames[mfn].owner != owner)
                continue;
            if (xsr_frames[mfn].maps) {
                left++;
                d->tot_pages += !(xsr_frames[mfn].flags & XSR_FF_SPECIAL);
                continue;
            }
            while (mfn + n < (c + 1) * XSR_CHUNK &&
                   xsr_frames[mfn + n].owner == owner &&
                   !xsr_frames[mfn + n].maps)
                n++;
            xsr_frame_free(mfn, n);
        }
    }
    return left;
}

void xsr_hv_reap(struct xsr_dom *d)
{
    struct xsr_slot *s = xsr_hv_slot(d->domid);

    if (d->dying && s && free_unmapped(d) == 0)
        free_slot(s);
}

int xsr_hv_kill(struct xsr_dom *d)
{
    struct xsr_slot *s = xsr_hv_slot(d->domid);
    uint32_t domid = d->domid;

    if (domid == 0)
        return -EINVAL;
    if (d->dying == 2) {
        xsr_hv_purge_dead_maps();
        return 0;
    }
    __atomic_store_n(&s->state, XSR_SLOT_DYING, __ATOMIC_RELEASE);
    xsr_host_edge();
    d->dying = 1;
    xsr_host->claimed -= d->outstanding;
    d->outstanding = 0;
    xsr_hv_evtchn_close_all(d);
    xsr_hv_purge_dead_maps();
    d->dying = 2;
    xsr_hv_note_release(domid, true);
    xsr_hv_reap(d);
    return 0;
}
