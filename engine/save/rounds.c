/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which pages go out when. A still guest is suspended and sent once. A live
 * one is sent while it runs, then what it wrote to meanwhile, and so on until
 * the policy says stop; then it is suspended and the rest is sent. A
 * checkpoint suspends it and sends what it wrote to since the last one.
 *
 * Pages that could not be sent in a live round are deferred: the final round
 * has them again. Nothing may be deferred there.
 */
#include <stdio.h>

#include "engine/save/save.h"
#include "lib/util.h"

/* The built-in policy. */
#define MAX_ROUNDS 5u
#define FEW_PAGES  50

/* ---- suspending ---------------------------------------------------------- */

static const char *reason_name(uint32_t reason)
{
    static const char *const names[] = {
        [SHUTDOWN_poweroff] = "poweroff", [SHUTDOWN_reboot] = "reboot",
        [SHUTDOWN_suspend] = "suspend",   [SHUTDOWN_crash] = "crash",
        [SHUTDOWN_watchdog] = "watchdog", [SHUTDOWN_soft_reset] = "soft reset",
    };

    return reason < XSR_ARRAY_LEN(names) ? names[reason] : "unknown";
}

int xsr_save_check_suspended(struct xsr_save *sv, struct xsr_err *err)
{
    if (xsr_xen_get_domain(&sv->xen, &sv->dom, err) < 0)
        return -1;
    if (sv->dom.shutdown && sv->dom.shutdown_reason == SHUTDOWN_suspend)
        return 0;
    if (sv->dom.shutdown)
        return xsr_fail(err, XSR_E_XEN,
                        "domain %u has shut down with reason %s (%u) instead "
                        "of being suspended; there is nothing to save any "
                        "more",
                        sv->xen.domid, reason_name(sv->dom.shutdown_reason),
                        sv->dom.shutdown_reason);
    return xsr_fail(err, XSR_E_XEN,
                    "domain %u is %s instead of suspended, although the "
                    "toolstack said that it is; it was not saved",
                    sv->xen.domid, sv->dom.paused ? "paused" : "running");
}

/* Room for pfns that came since; they count as written to. */
static int grow(struct xsr_save *sv, struct xsr_err *err)
{
    uint64_t old = sv->dirty.n_pfns, now;

    if (sv->ops->n_pfns(sv, &now, err) < 0)
        return -1;
    if (xsr_dirty_resize(&sv->dirty, &sv->xen, now, err) < 0)
        return -1;
    for (uint64_t pfn = old; pfn < now; pfn++)
        xsr_dirty_defer(&sv->dirty, pfn);
    return 0;
}

static int suspend(struct xsr_save *sv, struct xsr_err *err)
{
    if (!sv->arg->ops->suspend(sv->arg->ops_ctx))
        return xsr_fail(err, XSR_E_PEER,
                        "domain %u was not suspended: the toolstack could "
                        "not do it, or the guest did not follow",
                        sv->xen.domid);
    if (xsr_save_check_suspended(sv, err) < 0)
        return -1;
    sv->suspended = true;
    xsr_keep_limit(&sv->keep, XSR_KEEP_STILL);
    xsr_progress(sv->log, "Domain now suspended", 0, 0);
    return grow(sv, err);
}

/* ---- passes -------------------------------------------------------------- */

static int send_all(struct xsr_save *sv, const char *label, struct xsr_err *err)
{
    const struct xsr_pass pass = {.label = label,
                                  .end = sv->dirty.n_pfns,
                                  .n = sv->dirty.n_pfns,
                                  .fresh = true};

    return xsr_save_pass(sv, &pass, err);
}

static int send_dirty(struct xsr_save *sv, const char *label,
                      struct xsr_err *err)
{
    const struct xsr_pass pass = {.label = label,
                                  .bits = sv->dirty.bits,
                                  .end = sv->dirty.n_pfns,
                                  .n = xsr_dirty_count(&sv->dirty)};

    return xsr_save_pass(sv, &pass, err);
}

/* All again, for the receiver to compare with what it has. */
static int send_for_comparison(struct xsr_save *sv, struct xsr_err *err)
{
    uint64_t n;

    if (!sv->arg->verify || sv->arg->stream_type != XSR_STREAM_IS_PLAIN)
        return 0;
    if (xsr_writer_put(&sv->out, XSR_XC3_VERIFY, NULL, 0, err) < 0 ||
        send_all(sv, "Frames verify", err) < 0)
        return -1;
    if (!sv->tracking)
        return 0;
    if (xsr_dirty_fetch(&sv->dirty, &sv->xen, false, &n, err) < 0)
        return -1;
    xsr_log(sv->log, n ? XSR_LOG_WARN : XSR_LOG_INFO,
            "verify: %llu pages were written to while the guest was suspended",
            (unsigned long long)n);
    return 0;
}

/* What was written to until now, and what was left over; the guest is still. */
static int send_rest(struct xsr_save *sv, const char *label,
                     struct xsr_err *err)
{
    uint64_t n;

    if (xsr_dirty_fetch(&sv->dirty, &sv->xen, true, &n, err) < 0)
        return -1;
    xsr_dirty_add_deferred(&sv->dirty);
    if (sv->arg->stream_type == XSR_STREAM_IS_COLO && sv->n_checkpoints &&
        xsr_save_read_secondary(sv, err) < 0)
        return -1;
    return send_dirty(sv, label, err);
}

/* ---- still --------------------------------------------------------------- */

int xsr_save_memory_still(struct xsr_save *sv, struct xsr_err *err)
{
    if (suspend(sv, err) < 0 || send_all(sv, "Frames", err) < 0)
        return -1;
    return send_for_comparison(sv, err);
}

/* ---- live ---------------------------------------------------------------- */

static int decide(struct xsr_save *sv, const struct xsr_precopy_stats *stats)
{
    const struct xsr_engine_save_ops *ops = sv->arg->ops;

    if (ops->precopy_policy)
        return ops->precopy_policy(sv->arg->ops_ctx, stats);
    if (stats->iteration >= MAX_ROUNDS ||
        (stats->dirty_count >= 0 && stats->dirty_count < FEW_PAGES))
        return XSR_PRECOPY_STOP;
    return XSR_PRECOPY_CONTINUE;
}

static void name_round(const struct xsr_precopy_stats *stats, char *out,
                       size_t len)
{
    snprintf(out, len, "Frames iteration %u", stats->iteration);
}

/* One round, if there is anything to send. */
static int send_round(struct xsr_save *sv,
                      const struct xsr_precopy_stats *stats,
                      struct xsr_err *err)
{
    char label[40];

    if (!stats->dirty_count)
        return 0;
    name_round(stats, label, sizeof(label));
    sv->arg->n_rounds++;
    return stats->iteration ? send_dirty(sv, label, err)
                            : send_all(sv, label, err);
}

/*
 * The policy is asked before a round, when it knows how much there is to send,
 * and behind it, when it knows only how long it took. A stop before a round
 * still sends that round.
 */
static int send_rounds(struct xsr_save *sv, struct xsr_precopy_stats *stats,
                       struct xsr_err *err)
{
    uint64_t n;
    int decision;

    for (;;) {
        decision = decide(sv, stats);
        if (decision != XSR_PRECOPY_ABORT && send_round(sv, stats, err) < 0)
            return -1;
        if (decision != XSR_PRECOPY_CONTINUE)
            break;
        stats->iteration++;
        stats->total_written += (uint64_t)stats->dirty_count;
        stats->dirty_count = -1;
        decision = decide(sv, stats);
        if (decision != XSR_PRECOPY_CONTINUE)
            break;
        if (xsr_dirty_fetch(&sv->dirty, &sv->xen, false, &n, err) < 0)
            return -1;
        stats->dirty_count = (int64_t)n;
    }
    if (decision != XSR_PRECOPY_ABORT)
        return 0;
    return xsr_fail(err, XSR_E_STOPPED,
                    "the pre-copy policy gave the save up in round %u, after "
                    "%llu pages",
                    stats->iteration, (unsigned long long)stats->total_written);
}

int xsr_save_memory_live(struct xsr_save *sv, struct xsr_err *err)
{
    struct xsr_precopy_stats stats = {.dirty_count = (int64_t)sv->dirty.n_pfns};
    char label[40];

    if (send_rounds(sv, &stats, err) < 0 || suspend(sv, err) < 0)
        return -1;
    name_round(&stats, label, sizeof(label));
    if (send_rest(sv, label, err) < 0)
        return -1;
    return send_for_comparison(sv, err);
}

/* ---- checkpoints behind the first ---------------------------------------- */

int xsr_save_memory_checkpoint(struct xsr_save *sv, struct xsr_err *err)
{
    if (suspend(sv, err) < 0)
        return -1;
    return send_rest(sv, "Checkpointed save", err);
}
