/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A new simulated guest, from an empty domain to the one that a toolstack and
 * a guest kernel would have made together: memory with its content, tables or
 * HVM context, event channels, its description, its nodes in xenstore. It is
 * left paused; unpausing it is what a toolstack does (run.c goes on there).
 *
 * The parts that differ by type are in create_pv.c and create_hvm.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/guest/gi.h"
#include "stubs/xs/xs.h"

#define BATCH    1024u
#define MAX_VCPU 128u

static int refused(const struct xsr_birth *b, const char *what, long rc,
                   struct xsr_err *err)
{
    return xsr_fail_sys(err, XSR_E_XEN, (int)-rc,
                        "guest \"%s\" cannot be made: %s", b->spec->name, what);
}

int xsr_birth_ctl(struct xsr_birth *b, struct xen_domctl *op, uint32_t cmd,
                  const char *what, struct xsr_err *err)
{
    long rc;

    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    if (b->d)
        op->domain = (domid_t)b->d->domid;
    rc = xsr_hv_domctl(op);
    return rc < 0 ? refused(b, what, rc, err) : 0;
}

static int check_spec(const struct xsr_guest_spec *s, struct xsr_layout *lay,
                      struct xsr_err *err)
{
    unsigned i;

    if (s->n_vcpus < 1 || s->n_vcpus > MAX_VCPU)
        return xsr_fail(err, XSR_E_LIMIT,
                        "a guest with %u vCPUs; 1 to %u are possible",
                        s->n_vcpus, MAX_VCPU);
    if (s->zero_pct > 99)
        return xsr_fail(err, XSR_E_LIMIT,
                        "%u %% of the pages zero; 0 to 99 are possible",
                        s->zero_pct);
    if (s->n_phases > XSR_GUEST_PHASES)
        return xsr_fail(err, XSR_E_LIMIT, "%u phases; at most %u are possible",
                        s->n_phases, XSR_GUEST_PHASES);
    for (i = 0; i < s->n_phases; i++)
        if (s->phase[i].hot_pct > 100)
            return xsr_fail(err, XSR_E_LIMIT,
                            "a hot set of %u %%; 0 to 100 are possible",
                            s->phase[i].hot_pct);
    if (s->suspend == XSR_GUEST_BY_CALL && s->type != XSR_HV_HVM)
        return xsr_fail(err, XSR_E_UNSUPPORTED,
                        "only an HVM guest can be without drivers and be "
                        "suspended by hypercall");
    if (s->memory_mib > 262144 ||
        xsr_layout_init(lay, s->type, s->memory_mib * 256, s->seed,
                        s->zero_pct) < 0)
        return xsr_fail(err, XSR_E_LIMIT,
                        "a guest with %llu MiB; %u to 262144 are possible",
                        (unsigned long long)s->memory_mib,
                        s->type == XSR_HV_HVM ? 16 : 1);
    return 0;
}

static int make_domain(struct xsr_birth *b, struct xsr_err *err)
{
    const struct xsr_guest_spec *s = b->spec;
    bool pv = s->type == XSR_HV_PV;
    struct xen_domctl op = {0};
    struct xen_domctl_createdomain *c = &op.u.createdomain;

    c->flags = pv ? 0 : XEN_DOMCTL_CDF_hvm;
    if (!pv && xsr_host->hap)
        c->flags |= XEN_DOMCTL_CDF_hap;
    memcpy(c->handle, s->uuid, sizeof(c->handle));
    c->max_vcpus = s->n_vcpus;
    c->max_evtchn_port = 1023;
    c->max_grant_frames = 64;
    c->max_maptrack_frames = 1024;
    c->grant_opts = 2;
    c->arch.misc_flags = XEN_X86_MSR_RELAXED;
    if (!pv)
        c->arch.emulation_flags = s->type == XSR_HV_PVH
                                      ? XEN_X86_EMU_LAPIC
                                      : XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI;
    if (xsr_birth_ctl(b, &op, XEN_DOMCTL_createdomain, "no domain", err) < 0)
        return -1;
    b->d = xsr_hv_dom(op.domain);
    memset(&op, 0, sizeof(op));
    op.u.max_vcpus.max = s->n_vcpus;
    if (xsr_birth_ctl(b, &op, XEN_DOMCTL_max_vcpus, "no vCPUs", err) < 0)
        return -1;
    memset(&op, 0, sizeof(op));
    op.u.max_mem.max_memkb = s->memory_mib * 1024 + 1024;
    if (xsr_birth_ctl(b, &op, XEN_DOMCTL_max_mem, "memory limit", err) < 0)
        return -1;
    memset(&op, 0, sizeof(op)); /* TSC mode 0, and its incarnation begins */
    return xsr_birth_ctl(b, &op, XEN_DOMCTL_settscinfo, "TSC mode", err);
}

/* ---- memory -------------------------------------------------------------- */

static void fill_batch(struct xsr_birth *b, uint64_t pfn, uint64_t n,
                       enum xsr_rkind kind)
{
    uint64_t seed = b->lay.seed;
    int64_t mfn;

    for (; n > 0; n--, pfn++) {
        if (kind == XSR_R_DATA
                ? !xsr_layout_is_data(&b->lay, pfn) ||
                      xsr_content_is_zero(seed, pfn, b->lay.zero_pct)
                : kind != XSR_R_STATIC)
            continue;
        mfn = b->mfn ? (int64_t)b->mfn[pfn] : xsr_hv_gfn_to_mfn(b->d, pfn);
        xsr_content_fill(seed, pfn, 0, xsr_frame_bytes((uint64_t)mfn));
    }
}

static int populate_batch(struct xsr_birth *b, uint64_t pfn, uint64_t n,
                          struct xsr_err *err)
{
    uint64_t list[BATCH], i;
    struct xen_memory_reservation r = {
        .extent_start = {list},
        .nr_extents = n,
        .domid = (domid_t)b->d->domid,
    };

    for (i = 0; i < n; i++)
        list[i] = pfn + i;
    if (xsr_hv_memory_op(XENMEM_populate_physmap, &r) != (long)n)
        return refused(b, "the host has no memory for it", -ENOMEM, err);
    if (b->mfn)
        memcpy(&b->mfn[pfn], list, n * sizeof(*list));
    return 0;
}

static int make_memory(struct xsr_birth *b, struct xsr_err *err)
{
    unsigned k;
    uint64_t i, n;

    for (k = 0; k < b->lay.n_ranges; k++) {
        const struct xsr_range *r = &b->lay.range[k];

        for (i = 0; i < r->n; i += n) {
            n = xsr_min(r->n - i, BATCH);
            if (populate_batch(b, r->first + i, n, err) < 0)
                return -1;
            fill_batch(b, r->first + i, n, r->kind);
        }
    }
    return 0;
}

/* ---- the rest ------------------------------------------------------------ */

static int make_ports(struct xsr_birth *b, struct xsr_err *err)
{
    int store = xsr_hv_evtchn_alloc(b->d->domid, 0);
    int console = xsr_hv_evtchn_alloc(b->d->domid, 0);

    if (store < 0 || console < 0)
        return refused(b, "no event channel", store < 0 ? store : console, err);
    b->store_port = (uint32_t)store;
    b->console_port = (uint32_t)console;
    return 0;
}

/* The reserved grant entries through which the daemons map their rings. */
static void seed_grants(struct xsr_birth *b)
{
    grant_entry_v1_t *e = xsr_frame_bytes(b->d->grant_mfn[0]);

    e[GNTTAB_RESERVED_CONSOLE].domid = 0;
    e[GNTTAB_RESERVED_CONSOLE].frame = (uint32_t)b->console_gfn;
    e[GNTTAB_RESERVED_CONSOLE].flags = GTF_permit_access;
    e[GNTTAB_RESERVED_XENSTORE].domid = 0;
    e[GNTTAB_RESERVED_XENSTORE].frame = (uint32_t)b->store_gfn;
    e[GNTTAB_RESERVED_XENSTORE].flags = GTF_permit_access;
}

static void describe(struct xsr_birth *b)
{
    const struct xsr_guest_spec *s = b->spec;
    int64_t mfn = xsr_guest_mfn(b->d, XSR_G_DESC);
    struct xsr_gdesc *c = xsr_frame_bytes((uint64_t)mfn);

    c->version = XSR_G_VERSION;
    c->type = s->type;
    c->seed = s->seed;
    c->pages = s->memory_mib * 256;
    c->n_vcpus = s->n_vcpus;
    c->zero_pct = s->zero_pct;
    c->suspend = s->suspend;
    c->flags =
        (s->churn_tables ? XSR_GF_CHURN : 0) | (s->p2m_tree ? XSR_GF_TREE : 0);
    c->n_phases = s->n_phases;
    memcpy(c->phase, s->phase, sizeof(c->phase));
    memcpy(c->name, s->name, sizeof(c->name));
    memcpy(c->uuid, s->uuid, sizeof(c->uuid));
    c->magic = XSR_G_MAGIC;
}

/* Said before it is tried: filling a host to its limit takes long. */
static int check_room(const struct xsr_birth *b, struct xsr_err *err)
{
    uint64_t room = xsr_min(xsr_host->free_pages, xsr_frame_backing());

    if (b->lay.n_total + XSR_DISK_MARGIN <= room)
        return 0;
    return xsr_fail(err, XSR_E_XEN,
                    "the host has no memory for it: %llu pages are needed, "
                    "the host and its folder have %llu",
                    (unsigned long long)b->lay.n_total,
                    (unsigned long long)room);
}

static int make_all(struct xsr_birth *b, struct xsr_err *err)
{
    bool pv = b->spec->type == XSR_HV_PV;

    if (check_room(b, err) < 0 || make_domain(b, err) < 0 ||
        make_memory(b, err) < 0 || make_ports(b, err) < 0 ||
        (pv ? xsr_birth_pv(b, err) : xsr_birth_hvm(b, err)) < 0)
        return -1;
    seed_grants(b);
    describe(b);
    return xsr_birth_nodes(b, err);
}

int xsr_guest_create(const struct xsr_guest_spec *spec, uint32_t *domid_out,
                     struct xsr_err *err)
{
    struct xsr_birth b = {.spec = spec};
    int rc;

    if (check_spec(spec, &b.lay, err) < 0 || xsr_hv_open(err) < 0)
        return -1;
    if (spec->type == XSR_HV_PV) {
        b.mfn = malloc(b.lay.end * sizeof(*b.mfn));
        if (!b.mfn)
            return xsr_fail(err, XSR_E_NOMEM, "no memory for the frame list");
    }
    rc = xsr_host_enter();
    if (rc < 0) {
        free(b.mfn);
        return xsr_fail_sys(err, XSR_E_IO, errno, "entering the host");
    }
    rc = make_all(&b, err);
    if (b.d)
        *domid_out = b.d->domid;
    if (rc < 0 && b.d)
        xsr_hv_kill(b.d);
    xsr_host_leave();
    xsr_hv_fire_notes();
    free(b.mfn);
    return rc;
}
