/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host for the rest of the plugin: domain*.c are the only callers of
 * libxenctrl, xen_store*.c of libxenstore; skeleton.c knows which nodes a
 * domain without a libxl has. docs/formats/bare-domain.md
 * For domains that exist already: running.h.
 */
#ifndef XSR_PLUGIN_HOST_H
#define XSR_PLUGIN_HOST_H

#include "lib/err.h"
#include "lib/log.h"
#include "plugin/host/config.h"

/* ---- domain.c ----------------------------------------------------------- */

struct xsr_xen; /* a connection to the hypervisor */

/* log: where the library's own lines go (as debug lines); must outlive it. */
int xsr_xen_open(const struct xsr_log *log, struct xsr_xen **xen_out,
                 struct xsr_err *err);
void xsr_xen_close(struct xsr_xen *xen); /* NULL is fine */

/* Refuse a guest type that this host cannot run. */
int xsr_domain_check_host(struct xsr_xen *xen, const struct xsr_config *c,
                          struct xsr_err *err);
/* 1 = the first domain from number *domid on with that UUID; 0 = none. */
int xsr_domain_find_uuid(struct xsr_xen *xen, const uint8_t uuid[16],
                         uint32_t *domid, struct xsr_err *err);
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

/* ---- xen_store.c -------------------------------------------------------- */

struct xsr_xs; /* a connection */

/* Who may do what with a node of a domain (domain 0 may everything). */
enum xsr_xs_perm {
    XSR_XS_INHERIT, /* as the parent node */
    XSR_XS_N0,      /* domain 0 owns it, nobody else reads */
    XSR_XS_RO,      /* domain 0 owns it, the guest reads */
    XSR_XS_RW,      /* the guest owns it, nobody else reads */
    XSR_XS_RW_R0    /* the guest owns it, domain 0 named as reader */
};

#define XSR_XS_PATH 256

int xsr_xs_open(struct xsr_xs **xs_out, struct xsr_err *err);
void xsr_xs_close(struct xsr_xs *xs); /* NULL is fine */

/*
 * Run body inside a transaction, again when somebody else's change got in the
 * way (a bounded number of times). All calls below between belong to it.
 * what: for the message. body's failure aborts the transaction.
 */
typedef int xsr_xs_body(struct xsr_xs *xs, void *ctx, struct xsr_err *err);
int xsr_xs_transact(struct xsr_xs *xs, const char *what, xsr_xs_body *body,
                    void *ctx, struct xsr_err *err);

/* Value as a fresh string; *value_out NULL if the node does not exist. */
int xsr_xs_read(struct xsr_xs *xs, const char *path, char **value_out,
                struct xsr_err *err);
int xsr_xs_write(struct xsr_xs *xs, const char *path, const char *value,
                 struct xsr_err *err);
int xsr_xs_set_perm(struct xsr_xs *xs, const char *path, enum xsr_xs_perm perm,
                    uint32_t domid, struct xsr_err *err);
/* With everything below it; a node that does not exist is fine. */
int xsr_xs_rm(struct xsr_xs *xs, const char *path, struct xsr_err *err);
/* Names below path, one block to free(); n 0 if the node does not exist. */
int xsr_xs_list(struct xsr_xs *xs, const char *path, char ***names_out,
                unsigned *n_out, struct xsr_err *err);
int xsr_xs_introduce(struct xsr_xs *xs, uint32_t domid, uint64_t gfn,
                     uint32_t port, struct xsr_err *err);

/* ---- skeleton.c --------------------------------------------------------- */

#define XSR_VM_PATH 64

/* What the nodes of one domain need to know. */
struct xsr_bare {
    uint32_t domid;
    const struct xsr_config *config;
    uint32_t twin; /* the domain here that is being sent to us; 0: none */
    char vm_path[XSR_VM_PATH]; /* see vm_path.h */
    uint32_t store_domid, console_domid;
    uint32_t store_port, console_port;
    uint64_t store_gfn, console_gfn;
};

/*
 * Shared parents ("/vm", "/libxl", ...) that did not exist before we wrote
 * below them, as bits; whoever undoes takes them away when they are empty.
 */
int xsr_skeleton_missing_roots(struct xsr_xs *xs, uint32_t *roots_out,
                               struct xsr_err *err);
/* Domains that run the store and the console daemon; 0 unless said. */
int xsr_skeleton_daemons(struct xsr_xs *xs, uint32_t *store_domid_out,
                         uint32_t *console_domid_out, struct xsr_err *err);
/* Refuse a name that a domain carries already, but for twin (0: for none). */
int xsr_skeleton_check_name(struct xsr_xs *xs, const char *name, uint32_t twin,
                            struct xsr_err *err);
/* Everything known before the stream; refuses a name and a UUID in use. */
int xsr_skeleton_write(struct xsr_xs *xs, const struct xsr_bare *b,
                       struct xsr_err *err);
/* Needs ports and frames. */
int xsr_skeleton_finish(struct xsr_xs *xs, const struct xsr_bare *b,
                        struct xsr_err *err);
/* Those among them that are only ever there for domains. */
#define XSR_SKELETON_DOMAINS_ROOTS 0x7u

/* Remove all of it. roots: from missing_roots, or 0. */
int xsr_skeleton_remove(struct xsr_xs *xs, uint32_t domid, uint32_t roots,
                        struct xsr_err *err);

#endif
