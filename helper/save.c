/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The save in order: "starting save", hypervisor, engine, a line of figures,
 * "complete r=N", complete. However it ends, log-dirty mode is off (guest.h).
 * helper/restore.c is its mirror image; what both say is in helper/report.c.
 */
#include "helper/guest.h"
#include "helper/run.h"
#include "helper/stop.h"

static int save(const struct xsr_args *args, struct xsr_answer *a,
                struct xsr_stats *stats, struct xsr_err *err)
{
    struct xsr_guest *g = NULL;
    int rc;

    rc = xsr_guest_open(&g, args, a, err);
    if (rc == 0) {
        xsr_stats_begin(stats, a->n_sent);
        rc = xsr_guest_save(g, stats, err);
        if (rc < 0)
            xsr_report_root_cause(args, a, err);
        else
            xsr_stats_end(stats, a->n_sent);
    }
    /* with the logger muted, and while the parent still listens */
    xsr_guest_close(g);
    return rc;
}

void xsr_save_run(const struct xsr_args *given, struct xsr_answer *a)
{
    struct xsr_args args = *given;
    struct xsr_stats stats;
    char line[XSR_STATS_LINE];
    struct xsr_err err;
    int rc;

    rc = xsr_report_begin(&args, a, &err);
    if (rc == 0)
        rc = save(&args, a, &stats, &err);
    xsr_stop_end();
    if (rc < 0) {
        xsr_report_failure(&args, a, &err);
        return;
    }
    if (xsr_stats_line(&stats, args.domid, line))
        xsr_answer_log(a, XSR_XTL_INFO, -1, XSR_HELPER_CONTEXT, line);
    xsr_report_end(&args, a, 0, 0, 0, 0);
}
