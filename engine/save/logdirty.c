/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Log-dirty mode: Xen notes which pages the guest (and the device model)
 * writes to. Switched on before the first octet of the image, so that a host
 * which cannot do it costs nothing, and always off again at the end, but only
 * if it was us who switched it on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/compat.h"
#include "engine/save/save.h"

static int shadow(struct xsr_save *sv, unsigned op)
{
    if (xsr_xc_logdirty_switch(sv->xen.xch, sv->xen.domid, op) < 0)
        return errno ? errno : EIO;
    return 0;
}

static void describe(char *out, size_t len, bool tried, int code)
{
    char why[64];

    if (!tried)
        snprintf(out, len, "not tried");
    else if (!code)
        snprintf(out, len, "done");
    else
        snprintf(out, len, "%s", strerror_r(code, why, sizeof(why)));
}

/*
 * A mode that is on already is somebody's leftover or the tracking of video
 * memory: it is switched off once, and asked for again.
 */
int xsr_save_start_tracking(struct xsr_save *sv, struct xsr_err *err)
{
    int first = shadow(sv, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
    int off = 0, again = 0;
    char off_text[64], again_text[64], first_text[64];
    enum xsr_kind kind;

    if (first) {
        off = shadow(sv, XEN_DOMCTL_SHADOW_OP_OFF);
        if (!off)
            again = shadow(sv, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY);
    }
    if (!first || (!off && !again)) {
        sv->tracking = true;
        return 0;
    }
    describe(first_text, sizeof(first_text), true, first);
    describe(off_text, sizeof(off_text), true, off);
    describe(again_text, sizeof(again_text), !off, again);
    kind = first == EOPNOTSUPP ? XSR_E_UNSUPPORTED : XSR_E_XEN;
    xsr_fail(err, kind,
             "Xen cannot track what domain %u writes (enable: %s; off: %s; "
             "enable again: %s): save it without live, or on a host that can "
             "(PV guests need shadow paging, and passed-through devices "
             "prevent it)",
             sv->xen.domid, first_text, off_text, again_text);
    err->sys = first;
    return -1;
}

void xsr_save_stop_tracking(struct xsr_save *sv)
{
    int code;

    if (!sv->tracking)
        return;
    sv->tracking = false;
    code = shadow(sv, XEN_DOMCTL_SHADOW_OP_OFF);
    /* A guest that is gone tracks nothing. */
    if (code && code != ESRCH)
        xsr_log(sv->log, XSR_LOG_WARN,
                "log-dirty mode of domain %u is still on, which slows it "
                "down: Xen did not switch it off (errno %d)",
                sv->xen.domid, code);
}
