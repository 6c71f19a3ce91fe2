/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr-sim memory`: a domain's pages in the format of `xensr inspect
 * --memory`, so that the two can be compared octet for octet: for each page
 * that is not all zero, in ascending order, its number (8 octets, little-
 * endian) and its content. Page tables of PV domains have the guest's own
 * frame numbers, as a saver sends them.
 *
 * --skip-owned leaves out what a restore itself rewrites or clears. HVM, PVH:
 * the pages of parameters 1, 5, 6 and 17. PV: the start_info page, the store
 * and console frames that it names, and the guest's list of its frames.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "lib/fd.h"
#include "lib/util.h"
#include "stubs/tool/tool.h"

#define MAX_OWNED          8u
#define OUT_BYTES          (1u << 20)
/* PV: vCPU 0's edx leads to start_info; docs/formats/libxc-image.md */
#define CONTEXT_RDX        616u
#define START_INFO_STORE   56u
#define START_INFO_CONSOLE 72u

static const unsigned owned_params[] = {1, 5, 6, 17};

struct dump {
    const struct xsr_hv_domain *domain;
    xsr_hv_pages *pages;
    bool skip_owned;
    uint64_t owned[MAX_OWNED];
    size_t n_owned;
    struct xsr_buf out;
};

static void add_owned(struct dump *dump, uint64_t pfn)
{
    dump->owned[dump->n_owned++] = pfn;
}

static bool is_owned(const struct dump *dump, const struct xsr_hv_page *page)
{
    if (!dump->skip_owned)
        return false;
    if (page->p2m)
        return true;
    for (size_t i = 0; i < dump->n_owned; i++)
        if (dump->owned[i] == page->pfn)
            return true;
    return false;
}

static void add_mfn(struct dump *dump, uint64_t mfn)
{
    int64_t pfn = xsr_hv_pfn_of(dump->domain->domid, mfn);

    if (mfn && pfn >= 0)
        add_owned(dump, (uint64_t)pfn);
}

/* A domain that was never restored has no start_info; nothing is owned. */
static int find_owned_pv(struct dump *dump)
{
    static struct xsr_hv_vcpu v; /* large */
    struct xsr_hv_page page = {0};
    uint8_t bytes[XSR_PAGE_SIZE];
    uint64_t mfn;
    int64_t pfn;

    if (xsr_hv_vcpu_state(dump->domain->domid, 0, &v) || !v.has_context)
        return 0;
    mfn = xsr_le64(v.context + CONTEXT_RDX);
    pfn = xsr_hv_pfn_of(dump->domain->domid, mfn);
    if (pfn < 0)
        return 0;
    page.pfn = (uint64_t)pfn;
    page.mfn = mfn;
    if (xsr_hv_page_read(dump->pages, &page, false, bytes))
        return -1;
    add_owned(dump, page.pfn);
    add_mfn(dump, xsr_le64(bytes + START_INFO_STORE));
    add_mfn(dump, xsr_le64(bytes + START_INFO_CONSOLE));
    return 0;
}

static int find_owned(struct dump *dump)
{
    uint64_t params[XSR_HV_N_PARAMS];

    if (dump->domain->type == XSR_HV_PV)
        return find_owned_pv(dump);
    if (xsr_hv_params(dump->domain->domid, params))
        return -1;
    for (size_t i = 0; i < XSR_ARRAY_LEN(owned_params); i++)
        if (params[owned_params[i]])
            add_owned(dump, params[owned_params[i]]);
    return 0;
}

static int flush_out(struct dump *dump, struct xsr_err *err)
{
    int rc = xsr_write_all(STDOUT_FILENO, dump->out.p, dump->out.len,
                           "standard output", err);

    xsr_buf_clear(&dump->out);
    return rc;
}

static int put_page(struct dump *dump, uint64_t pfn, const uint8_t *bytes,
                    struct xsr_err *err)
{
    if (xsr_all_zero(bytes, XSR_PAGE_SIZE))
        return 0;
    if (xsr_buf_put_u64(&dump->out, pfn, err) ||
        xsr_buf_put(&dump->out, bytes, XSR_PAGE_SIZE, err))
        return -1;
    return dump->out.len >= OUT_BYTES ? flush_out(dump, err) : 0;
}

static int write_pages(struct dump *dump, struct xsr_err *err)
{
    uint8_t bytes[XSR_PAGE_SIZE];
    struct xsr_hv_page page;

    while (xsr_hv_pages_next(dump->pages, &page)) {
        if (is_owned(dump, &page))
            continue;
        if (xsr_hv_page_read(dump->pages, &page, true, bytes))
            return xsr_fail(err, XSR_E_XEN,
                            "page %#" PRIx64 " of domain %" PRIu32
                            " cannot be read; was it destroyed?",
                            page.pfn, dump->domain->domid);
        if (put_page(dump, page.pfn, bytes, err))
            return -1;
    }
    return flush_out(dump, err);
}

static int dump_domain(const struct xsr_hv_domain *d, bool skip_owned)
{
    struct dump dump = {.domain = d, .skip_owned = skip_owned};
    struct xsr_err err = XSR_ERR_INIT;
    int rc = XSR_SIM_OK;

    dump.pages = xsr_hv_pages_new(d->domid);
    if (!dump.pages)
        return xsr_sim_fail("pages of domain %" PRIu32 ": %s", d->domid,
                            strerror(errno));
    if (skip_owned && find_owned(&dump))
        rc = xsr_sim_fail("domain %" PRIu32
                          " cannot be looked at; was it destroyed?",
                          d->domid);
    else if (write_pages(&dump, &err))
        rc = xsr_sim_fail("%s", err.text);
    xsr_buf_fini(&dump.out);
    xsr_hv_pages_free(dump.pages);
    return rc;
}

int xsr_sim_cmd_memory(int argc, char **argv)
{
    struct xsr_hv_domain d;
    bool skip_owned;
    uint32_t domid;
    int rc;

    xsr_sim_flag(&argc, argv, "--skip-owned", &skip_owned);
    rc = xsr_sim_words(argc, argv, 1, 1);
    if (!rc)
        rc = xsr_sim_domid(argv[1], &domid);
    if (!rc && isatty(STDOUT_FILENO))
        rc = xsr_sim_usage("memory is not for a terminal: send it to a file "
                           "or a pipe");
    if (!rc)
        rc = xsr_sim_find_domain(domid, &d);
    return rc ? rc : dump_domain(&d, skip_owned);
}
