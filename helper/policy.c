/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The built-in rule is libxenguest's own: at most five rounds, and stop where
 * fewer than 50 pages are left. It bounds rounds, not the pause: a target in
 * milliseconds is compared with what is left, at the rate of the last round.
 * Called by helper/guest_save.c from the engine's loop.
 */
#include "helper/policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOCK_ROUNDS    5u
#define STOCK_REMAINING 50u
#define TARGET_ROUNDS   30u /* with a target more rounds are worth it */
#define MAX_ROUNDS      1000u
#define MAX_TARGET_MS   3600000u
/* A round that leaves so much of the one before it gains nothing. */
#define NO_GAIN         0.95

static int get_number(const char *name, uint64_t min, uint64_t max, uint64_t *v,
                      struct xsr_err *err)
{
    const char *s = getenv(name);
    unsigned long long n;
    char *end, quoted[40];

    if (!s || !*s)
        return 0;
    errno = 0;
    n = strtoull(s, &end, 10);
    if (!errno && !*end && *s >= '0' && *s <= '9' && n >= min && n <= max) {
        *v = n;
        return 0;
    }
    return xsr_fail(
        err, XSR_E_UNSUPPORTED,
        "%s is \"%s\", expected is a number from %" PRIu64 " to %" PRIu64, name,
        xsr_err_quote(s, strlen(s), quoted, sizeof(quoted)), min, max);
}

static int get_bool(const char *name, bool *v, struct xsr_err *err)
{
    const char *s = getenv(name);
    char quoted[40];

    if (!s || !*s)
        return 0;
    if (strcmp(s, "yes") == 0 || strcmp(s, "no") == 0) {
        *v = *s == 'y';
        return 0;
    }
    return xsr_fail(err, XSR_E_UNSUPPORTED,
                    "%s is \"%s\", allowed are yes and no", name,
                    xsr_err_quote(s, strlen(s), quoted, sizeof(quoted)));
}

int xsr_precopy_init(struct xsr_precopy *p, struct xsr_err *err)
{
    uint64_t rounds = 0;

    memset(p, 0, sizeof(*p));
    p->min_remaining = STOCK_REMAINING;
    p->last_dirty = -1;
    if (get_number("XENSR_MAX_ROUNDS", 1, MAX_ROUNDS, &rounds, err) < 0 ||
        get_number("XENSR_MIN_REMAINING", 0, UINT32_MAX, &p->min_remaining,
                   err) < 0 ||
        get_number("XENSR_TARGET_DOWNTIME_MS", 1, MAX_TARGET_MS, &p->target_ms,
                   err) < 0 ||
        get_bool("XENSR_ABORT_IF_BUSY", &p->abort_if_busy, err) < 0)
        return -1;
    if (rounds)
        p->max_rounds = (unsigned)rounds;
    else
        p->max_rounds = p->target_ms ? TARGET_ROUNDS : STOCK_ROUNDS;
    return 0;
}

/* How long the guest would be suspended for that many pages; 0: not known. */
static uint64_t pause_for(const struct xsr_precopy *p, int64_t dirty)
{
    if (p->pages_per_ms <= 0)
        return 0;
    return (uint64_t)((double)dirty / p->pages_per_ms) + 1;
}

static bool is_little(const struct xsr_precopy *p, int64_t dirty)
{
    if ((uint64_t)dirty < p->min_remaining)
        return true;
    return p->target_ms && p->pages_per_ms > 0 &&
           pause_for(p, dirty) <= p->target_ms;
}

/* The guest writes as fast as we send: more rounds would only cost time. */
static bool is_hopeless(const struct xsr_precopy *p, unsigned iteration,
                        int64_t dirty)
{
    return p->target_ms && iteration >= 2 && p->last_dirty > 0 &&
           (double)dirty > NO_GAIN * (double)p->last_dirty;
}

static int give_up(struct xsr_precopy *p, unsigned iteration, int64_t dirty)
{
    char limit[64];

    if (!p->abort_if_busy)
        return XSR_POLICY_STOP;
    if (p->target_ms)
        snprintf(limit, sizeof(limit), "%" PRIu64 " ms of pause", p->target_ms);
    else
        snprintf(limit, sizeof(limit), "%" PRIu64 " pages", p->min_remaining);
    snprintf(p->why, sizeof(p->why),
             "the guest is too busy: after %u rounds %" PRId64
             " pages are left (%" PRIu64 " ms), the limit is %s",
             iteration, dirty, pause_for(p, dirty), limit);
    return XSR_POLICY_ABORT;
}

static int before_round(struct xsr_precopy *p, unsigned iteration,
                        int64_t dirty, uint64_t now_ms)
{
    int decision = XSR_POLICY_CONTINUE;

    if (is_little(p, dirty))
        decision = XSR_POLICY_STOP;
    else if (iteration >= p->max_rounds || is_hopeless(p, iteration, dirty))
        decision = give_up(p, iteration, dirty);
    p->round_ms = now_ms;
    p->round_pages = (uint64_t)dirty;
    p->last_dirty = iteration ? dirty : -1;
    return decision;
}

static int after_round(struct xsr_precopy *p, unsigned iteration,
                       uint64_t now_ms)
{
    if (now_ms > p->round_ms && p->round_pages)
        p->pages_per_ms =
            (double)p->round_pages / (double)(now_ms - p->round_ms);
    /* whether it is too busy is known only when its pages are counted */
    if (iteration >= p->max_rounds && !p->abort_if_busy)
        return XSR_POLICY_STOP;
    return XSR_POLICY_CONTINUE;
}

int xsr_precopy_ask(struct xsr_precopy *p, unsigned iteration, int64_t dirty,
                    uint64_t now_ms)
{
    return dirty >= 0 ? before_round(p, iteration, dirty, now_ms)
                      : after_round(p, iteration, now_ms);
}

int xsr_precopy_fail(const struct xsr_precopy *p, struct xsr_err *err)
{
    xsr_fail(err, XSR_E_XEN, "%s; raise the limit or unset XENSR_ABORT_IF_BUSY",
             p->why);
    err->sys = EBUSY;
    return -1;
}
