/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guest.c, guest_save.c and guest_restore.c share. */
#ifndef XSR_HELPER_GUEST_IN_H
#define XSR_HELPER_GUEST_IN_H

#include <xenctrl.h>
#include <xenguest.h>
#include <xentoollog.h>

#include "engine/engine.h"
#include "helper/guest.h"
#include "lib/log.h"

#define XSR_ENGINE_CONTEXT "xensr"

struct xsr_guest {
    xentoollog_logger logger; /* first: Xen hands us a pointer to it */
    struct xsr_log log;
    struct xsr_answer *answer;
    const struct xsr_args *args;
    xc_interface *xch;
    char cause[192]; /* first error line of the library */
    bool cause_sent;
    /* save */
    struct xsr_stats *stats;
    struct xsr_precopy *policy;
    bool device_logs;    /* the device model tells Xen what it writes */
    bool said_suspended; /* the guest is, says the parent */
};

/* A callback without arguments: message out, answer back. */
int xsr_guest_ask(struct xsr_guest *g, enum xsr_msg msg);
/* What libxenguest failed for: its errno and its first error line. */
int xsr_guest_explain(const struct xsr_guest *g, int sys, struct xsr_err *err);
/* Is XENSR_ENGINE something we know? And is it our own? */
int xsr_guest_check_engine(struct xsr_err *err);
bool xsr_guest_is_native(void);

#endif
