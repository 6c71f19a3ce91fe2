/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A digest of a domain: hashes over what a save carries, each part on its own,
 * so that a difference has a place. Two domains that are the same guest in the
 * same moment have the same digest on any host: page tables and vCPUs are
 * hashed with page numbers instead of frames, and left out is what a restore
 * itself rewrites (docs/simulated-guests.md lists it).
 *
 * Works on any domain, not only on simulated guests. Also run when a guest
 * suspends on a host that keeps such digests (hv.h, record_suspends).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bytes.h"
#include "lib/fd.h"
#include "lib/util.h"
#include "stubs/guest/gi.h"

#include <xen/hvm/save.h>

#define N_WORDS      (XSR_PAGE_SIZE / 8)
#define START_FIELDS 32u /* of start_info: from nr_pages ... */
#define START_END    88u /* ... to the console's port */

/* Two lanes of multiply-and-fold; not against people who want a collision. */
static uint64_t hash(uint64_t h, const void *p, size_t n)
{
    const uint8_t *b = p;
    uint64_t lane[4] = {h, ~h, h * 3, h + 1};
    size_t i;

    for (; n >= 32; n -= 32, b += 32)
        for (i = 0; i < 4; i++)
            lane[i] = (lane[i] ^ xsr_le64(b + 8 * i)) * 0x9e3779b97f4a7c15ull +
                      (lane[i] >> 29);
    for (; n > 0; n--, b++)
        lane[0] = (lane[0] ^ *b) * 0x100000001b3ull;
    return xsr_g_mix(xsr_g_mix(lane[0]) ^ xsr_g_mix(lane[1] + 1) ^
                     xsr_g_mix(lane[2] + 2) ^ xsr_g_mix(lane[3] + 3));
}

static uint64_t hash_u64(uint64_t h, uint64_t v)
{
    return xsr_g_mix(h * 31 + v);
}

/* Frame -> page number; what is no page of the domain stays what it is. */
static uint64_t pfn_of(const struct xsr_dom *d, uint64_t mfn)
{
    return xsr_frame_owned(mfn, d) ? xsr_m2p[mfn] : mfn;
}

/* ---- memory -------------------------------------------------------------- */

struct owned { /* pages that a restore rewrites */
    uint64_t pfn[8];
    size_t n;
    uint64_t start_info; /* only some of its fields */
};

static void find_owned(struct xsr_dom *d, struct owned *o)
{
    static const unsigned params[] = {HVM_PARAM_STORE_PFN, HVM_PARAM_IOREQ_PFN,
                                      HVM_PARAM_BUFIOREQ_PFN,
                                      HVM_PARAM_CONSOLE_PFN};
    uint64_t mfn = d->vcpu[0].ctx.user_regs.rdx;
    size_t i;

    o->n = 0;
    o->start_info = XSR_G_NO_PFN;
    if (!d->hvm && d->vcpu[0].initialised && xsr_frame_owned(mfn, d))
        o->start_info = xsr_m2p[mfn];
    for (i = 0; d->hvm && i < XSR_ARRAY_LEN(params); i++)
        if (d->params[params[i]])
            o->pfn[o->n++] = d->params[params[i]];
}

static bool is_owned(const struct owned *o, const struct xsr_hv_page *page)
{
    size_t i;

    for (i = 0; i < o->n; i++)
        if (o->pfn[i] == page->pfn)
            return true;
    return page->p2m;
}

static int hash_memory(struct xsr_dom *d, struct xsr_guest_digest *out)
{
    xsr_hv_pages *pages = xsr_hv_pages_new(d->domid);
    uint64_t bytes[N_WORDS];
    struct xsr_hv_page page;
    struct owned owned;
    int rc = pages ? 0 : -errno;

    find_owned(d, &owned);
    while (rc == 0 && xsr_hv_pages_next(pages, &page)) {
        out->n_pages++;
        out->types =
            hash_u64(out->types, page.pfn << 8 | page.level << 1 | page.pinned);
        out->n_tables += page.level != 0;
        if (is_owned(&owned, &page))
            continue;
        rc = xsr_hv_page_read(pages, &page, true, bytes);
        if (rc < 0 || xsr_all_zero(bytes, sizeof(bytes)))
            continue;
        if (page.pfn == owned.start_info)
            memset((uint8_t *)bytes + START_FIELDS, 0,
                   START_END - START_FIELDS);
        out->n_nonzero++;
        out->memory =
            hash(hash_u64(out->memory, page.pfn), bytes, sizeof(bytes));
    }
    xsr_hv_pages_free(pages);
    return rc;
}

/* ---- vCPUs --------------------------------------------------------------- */

static uint64_t hash_pv_vcpu(const struct xsr_dom *d, uint32_t id, uint64_t h)
{
    const struct xsr_vcpu *v = &d->vcpu[id];
    struct vcpu_guest_context c = v->ctx;
    uint64_t i;

    c.flags |= VGCF_online;
    if (id == 0)
        c.user_regs.rdx = pfn_of(d, c.user_regs.rdx);
    for (i = 0; i < (c.gdt_ents + 511) / 512; i++)
        c.gdt_frames[i] = pfn_of(d, c.gdt_frames[i]);
    c.ctrlreg[3] = pfn_of(d, c.ctrlreg[3] >> 12);
    c.ctrlreg[1] = c.ctrlreg[1] ? pfn_of(d, c.ctrlreg[1] >> 12) + 1 : 0;
    h = hash(hash_u64(h, id), &c, sizeof(c));
    h = hash_u64(h, v->syscall32_eip);
    h = hash_u64(h, v->sysenter_eip);
    h = hash_u64(h, (uint64_t)v->syscall32_cs << 16 | v->sysenter_cs);
    h = hash(h, &v->vmce, sizeof(v->vmce));
    h = hash_u64(hash_u64(h, v->xcr0), v->xcr0_accum);
    h = hash(h, v->xsave, v->xsave_len);
    for (i = 0; i < v->n_msrs; i++)
        h = hash_u64(hash_u64(h, v->msrs[i].index), v->msrs[i].value);
    return h;
}

/* What of shared_info travels and stays: the rest are frames and events. */
static uint64_t hash_shared_info(const struct xsr_dom *d)
{
    const struct shared_info *si = xsr_frame_bytes(d->shinfo_mfn);
    uint64_t h = hash_u64(0, si->arch.max_pfn);
    unsigned i;

    h = hash_u64(hash_u64(h, si->arch.p2m_vaddr), si->arch.p2m_generation);
    for (i = 0; i < 32; i++) {
        struct vcpu_info v = si->vcpu_info[i];

        v.evtchn_pending_sel = 0;
        h = hash(h, &v, sizeof(v));
    }
    return h;
}

/* ---- HVM ----------------------------------------------------------------- */

/* Which parameters a save sends. */
static const unsigned travelling[] = {1,  5, 6,  27, 28, 29, 37, 17,
                                      19, 9, 12, 34, 32, 33, 36, 38};

static void hash_hvm(const struct xsr_dom *d, struct xsr_guest_digest *out)
{
    size_t i;

    out->vcpus = hash(1, d->hvmctx, d->hvmctx_len);
    for (i = 0; i < XSR_ARRAY_LEN(travelling); i++)
        out->params = hash_u64(out->params, d->params[travelling[i]]);
}

/* A leaf of zeros is the same as none, and libraries drop or add such. */
static uint64_t hash_policy(const struct xsr_dom *d)
{
    uint64_t h = 2;
    uint32_t i;

    for (i = 0; i < d->n_leaves; i++) {
        const xen_cpuid_leaf_t *l = &d->leaves[i];

        if (l->a | l->b | l->c | l->d)
            h = hash(h, l, sizeof(*l));
    }
    return hash(h, d->msrs, d->n_msrs * sizeof(*d->msrs));
}

static void hash_rest(struct xsr_dom *d, struct xsr_guest_digest *out)
{
    uint32_t id;

    if (d->hvm) {
        hash_hvm(d, out);
    } else {
        for (id = 0; id < d->max_vcpus; id++)
            if (d->vcpu[id].exists && d->vcpu[id].online)
                out->vcpus = hash_pv_vcpu(d, id, out->vcpus);
        out->params = hash_shared_info(d);
    }
    for (id = 0; id < d->max_vcpus; id++)
        out->n_vcpus += d->vcpu[id].exists && d->vcpu[id].online;
    out->policy = hash_policy(d);
    out->tsc = hash_u64(d->tsc_mode, d->tsc_khz);
}

static int digest(struct xsr_dom *d, struct xsr_guest_digest *out)
{
    memset(out, 0, sizeof(*out));
    out->type = !d->hvm                             ? XSR_HV_PV
                : d->emulation == XEN_X86_EMU_LAPIC ? XSR_HV_PVH
                                                    : XSR_HV_HVM;
    memcpy(out->uuid, d->handle, sizeof(out->uuid));
    hash_rest(d, out);
    return hash_memory(d, out);
}

int xsr_guest_digest(uint32_t domid, struct xsr_guest_digest *out,
                     struct xsr_err *err)
{
    struct xsr_dom *d;
    int rc;

    if (xsr_hv_open(err) < 0)
        return -1;
    if (xsr_host_enter() < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "entering the host");
    xsr_guest_advance();
    d = domid ? xsr_hv_dom(domid) : NULL;
    rc = d && !d->dying ? digest(d, out) : -ESRCH;
    xsr_host_leave();
    xsr_hv_fire_notes();
    return rc < 0
               ? xsr_fail_sys(err, XSR_E_XEN, -rc, "digest of domain %u", domid)
               : 0;
}

/* ---- as text ------------------------------------------------------------- */

int xsr_guest_digest_json(const struct xsr_guest_digest *g, char *out,
                          size_t len)
{
    static const char *const names[] = {"pv", "pvh", "hvm"};
    char uuid[33];
    unsigned i;

    for (i = 0; i < sizeof(g->uuid); i++)
        snprintf(uuid + 2 * i, 3, "%02x", g->uuid[i]);
    return snprintf(
        out, len,
        "{\n  \"type\": \"%s\",\n  \"uuid\": \"%.8s-%.4s-%.4s-%.4s-%.12s\",\n"
        "  \"pages\": %" PRIu64 ",\n  \"nonzero_pages\": %" PRIu64 ",\n"
        "  \"tables\": %" PRIu64 ",\n  \"vcpus\": %u,\n"
        "  \"memory\": \"%016" PRIx64 "\",\n  \"types\": \"%016" PRIx64 "\",\n"
        "  \"vcpu_state\": \"%016" PRIx64 "\",\n"
        "  \"params\": \"%016" PRIx64 "\",\n"
        "  \"cpu_policy\": \"%016" PRIx64 "\",\n  \"tsc\": \"%016" PRIx64
        "\"\n}\n",
        names[g->type], uuid, uuid + 8, uuid + 12, uuid + 16, uuid + 20,
        g->n_pages, g->n_nonzero, g->n_tables, g->n_vcpus, g->memory, g->types,
        g->vcpus, g->params, g->policy, g->tsc);
}

/* The folder is the switch: a host that has it keeps digests. */
void xsr_guest_record(struct xsr_dom *d)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_guest_digest g;
    char text[1024], name[80];
    const uint8_t *u = d->handle;
    int fd, n;

    snprintf(name, sizeof(name), "%s", XSR_RECORDS);
    fd = xsr_sim_open(name, O_RDONLY | O_DIRECTORY, &err);
    if (fd < 0)
        return;
    close(fd);
    if (digest(d, &g) < 0)
        return;
    n = xsr_guest_digest_json(&g, text, sizeof(text));
    snprintf(name, sizeof(name),
             XSR_RECORDS "/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                         "%02x%02x%02x%02x%02x%02x.json",
             u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10],
             u[11], u[12], u[13], u[14], u[15]);
    fd = xsr_sim_open(name, O_WRONLY | O_CREAT | O_TRUNC, &err);
    if (fd < 0 || xsr_write_all(fd, text, (size_t)n, name, &err) < 0)
        xsr_sim_log("domain %u: its digest is not kept: %s", d->domid,
                    err.text);
    if (fd >= 0)
        close(fd);
}
