/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that fail because a test wants them to: per domain, or for every
 * domain of the host. Set by `xensr sim fault`, seen by `xensr sim info`, gone
 * with the domain or when switched off. A switch counts calls, so that the
 * n-th of its kind can be hit.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

static const char *const names[XSR_N_FAULTS] = {
    [XSR_FAULT_LOGDIRTY_REFUSED] = "logdirty-refused",
    [XSR_FAULT_LOGDIRTY_BUSY] = "logdirty-busy",
    [XSR_FAULT_LOGDIRTY_READ] = "logdirty-read",
    [XSR_FAULT_PAGE_TYPES] = "page-types",
    [XSR_FAULT_MAP] = "map",
    [XSR_FAULT_CONTEXT] = "getcontext",
    [XSR_FAULT_POPULATE] = "populate",
    [XSR_FAULT_SHUTDOWN] = "shutdown",
    [XSR_FAULT_RESUME] = "resume",
};

const char *xsr_fault_name(unsigned kind)
{
    return kind < XSR_N_FAULTS ? names[kind] : NULL;
}

int xsr_fault_find(const char *name)
{
    int i;

    for (i = 0; i < XSR_N_FAULTS; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static bool hit(int32_t *fault)
{
    if (*fault > 0 && --*fault == 0)
        return true;
    return *fault == XSR_FAULT_ALWAYS;
}

bool xsr_hv_fault(struct xsr_dom *d, enum xsr_fault kind)
{
    if (d->domid == 0 ||
        (!hit(&d->fault[kind]) && !hit(&xsr_host->fault[kind])))
        return false;
    xsr_sim_log("domain %u: a call fails as was asked for: %s", d->domid,
                names[kind]);
    return true;
}

/* The switches of a domain, or with XSR_FAULT_HOST those of all. */
static int32_t *switches(uint32_t domid)
{
    struct xsr_dom *d;

    if (domid == XSR_FAULT_HOST)
        return xsr_host->fault;
    d = xsr_hv_dom(domid);
    return d && domid ? d->fault : NULL;
}

int xsr_fault_set(uint32_t domid, enum xsr_fault kind, int32_t n)
{
    int32_t *fault;

    if (xsr_host_enter() < 0)
        return -EIO;
    fault = switches(domid);
    if (fault && kind < XSR_N_FAULTS)
        fault[kind] = n;
    else if (fault) /* all of them */
        memset(fault, 0, XSR_N_FAULTS * sizeof(*fault));
    xsr_host_leave();
    return fault ? 0 : -ESRCH;
}

int xsr_fault_get(uint32_t domid, enum xsr_fault kind, int32_t *n_out)
{
    const int32_t *fault;

    if (xsr_host_enter() < 0)
        return -EIO;
    fault = switches(domid);
    *n_out = fault && kind < XSR_N_FAULTS ? fault[kind] : 0;
    xsr_host_leave();
    return fault ? 0 : -ESRCH;
}
