/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is to be saved: type, name, state, and the configuration that goes into
 * the file, brought up to date. Nothing is changed here.
 */
#ifndef XSR_PLUGIN_SUBJECT_H
#define XSR_PLUGIN_SUBJECT_H

#include "plugin/context.h"
#include "plugin/host/running.h"

struct xsr_subject {
    uint32_t domid;
    enum xensr_guest type;
    char name[128]; /* "" if xenstore has none */
    char uuid[37];
    struct xsr_domain_state state; /* as it was found */
    char *config;                  /* owned; JSON, NULL: not asked for */
};

/* Refuses what cannot be saved, with the reason. */
int xsr_subject_find(struct xsr_xen *xen, struct xsr_xs *xs, uint32_t domid,
                     struct xsr_subject *out, struct xsr_err *err);
/*
 * Fill s->config: given, or what libxl or we have stored of the domain with
 * its present name, memory and vCPUs. A mistake in given sets x->usage.
 */
int xsr_subject_read_config(struct xensr *x, struct xsr_xs *xs,
                            const char *given, struct xsr_subject *s,
                            struct xsr_err *err);
void xsr_subject_fini(struct xsr_subject *s); /* idempotent */

/*
 * Only one of us may save a domain at a time: two would switch each other's
 * log-dirty mode. *fd_out holds the lock until xsr_subject_unlock().
 */
int xsr_subject_lock(struct xensr *x, uint32_t domid, int *fd_out,
                     struct xsr_err *err);
void xsr_subject_unlock(struct xensr *x, uint32_t domid, int *fd);

#endif
