/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bare domain through libxenctrl: created empty and paused, given its limits
 * and event channels, started, destroyed. domain.c is the only caller of
 * libxenctrl in the plugin. spec: toolstack-restore 2, 4, 10.1.
 */
#ifndef XSR_PLUGIN_DOMAIN_H
#define XSR_PLUGIN_DOMAIN_H

#include "lib/err.h"
#include "lib/log.h"
#include "plugin/config.h"

struct xsr_xen;         /* a connection to the hypervisor */

/* log: where the library's own lines go (as debug lines); must outlive it. */
int xsr_xen_open(const struct xsr_log *log, struct xsr_xen **xen_out,
                 struct xsr_err *err);
void xsr_xen_close(struct xsr_xen *xen);        /* NULL is fine */

/* Refuse a guest type that this host cannot run. */
int xsr_domain_check_host(struct xsr_xen *xen, const struct xsr_config *c,
                          struct xsr_err *err);
/* Refuse a UUID that a domain carries already. */
int xsr_domain_check_uuid(struct xsr_xen *xen, const struct xsr_config *c,
                          struct xsr_err *err);
int xsr_domain_check_exists(struct xsr_xen *xen, uint32_t domid,
                            struct xsr_err *err);

/* Created paused; the number is Xen's choice. */
int xsr_domain_create(struct xsr_xen *xen, const struct xsr_config *c,
                      uint32_t *domid_out, struct xsr_err *err);
/* vCPUs, memory limits, paging pool, HVM parameters, clocks. */
int xsr_domain_set_limits(struct xsr_xen *xen, uint32_t domid,
                          const struct xsr_config *c, struct xsr_err *err);
/* An unbound event channel of the domain's for remote to bind. */
int xsr_domain_alloc_port(struct xsr_xen *xen, uint32_t domid, uint32_t remote,
                          uint32_t *port_out, struct xsr_err *err);
/* Pages that Xen counts for the domain. */
int xsr_domain_count_pages(struct xsr_xen *xen, uint32_t domid,
                           uint64_t *n_pages_out, struct xsr_err *err);
int xsr_domain_unpause(struct xsr_xen *xen, uint32_t domid,
                       struct xsr_err *err);
/* A domain that does not exist is fine. */
int xsr_domain_destroy(struct xsr_xen *xen, uint32_t domid,
                       struct xsr_err *err);

#endif
