/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The restore in order: "starting restore", hypervisor, engine, results,
 * "complete r=N", complete. helper/save.c is its mirror image; what both say
 * is in helper/report.c.
 */
#include "helper/guest.h"
#include "helper/run.h"
#include "helper/stop.h"

static int restore(const struct xsr_args *args, struct xsr_answer *a,
                   uint64_t *store_gfn, uint64_t *console_gfn,
                   struct xsr_err *err)
{
    struct xsr_guest *g = NULL;
    int rc;

    rc = xsr_guest_open(&g, args, a, err);
    if (rc == 0) {
        rc = xsr_guest_restore(g, store_gfn, console_gfn, err);
        if (rc < 0)
            xsr_report_root_cause(args, a, err);
    }
    /* before the results: afterwards nobody would hear it hang */
    xsr_guest_close(g);
    return rc;
}

void xsr_restore_run(const struct xsr_args *given, struct xsr_answer *a)
{
    uint64_t store_gfn = 0, console_gfn = 0;
    struct xsr_args args = *given;
    struct xsr_err err;
    int rc;

    rc = xsr_report_begin(&args, a, &err);
    if (rc == 0)
        rc = restore(&args, a, &store_gfn, &console_gfn, &err);
    xsr_stop_end();
    if (rc < 0)
        xsr_report_failure(&args, a, &err);
    else
        xsr_report_end(&args, a, store_gfn, console_gfn, 0, 0);
}
