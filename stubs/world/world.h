/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The simulated host: one folder (XENSR_SIM_DIR) with everything in it, seen
 * by all processes at once and surviving all of them. Two folders are two
 * hosts. Part of libxensrsim.so, to which every front-end library links.
 *
 *   world.c   the folder, the host lock, the log
 *   hv/       hypervisor: domains, frames, hypercalls (file "host", "ram")
 *   xs/       xenstore (file "xenstore")
 *
 * Locking: flock on "lock"; the kernel drops it when a process dies. State
 * changed under it is ordered so that death at any point can be repaired by
 * the next holder (primary facts are single stores; counts are recomputed).
 */
#ifndef XSR_STUBS_WORLD_H
#define XSR_STUBS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

#pragma GCC visibility push(default) /* front-end libraries call these */

/* Absolute path of the folder, made (0700) on first use. NULL with *err set. */
const char *xsr_sim_dir(struct xsr_err *err);
/* openat() below the folder, close-on-exec. -1 with *err set. */
int xsr_sim_open(const char *name, int flags, struct xsr_err *err);

/* The host lock. Recursive in one thread; process- and thread-safe. */
void xsr_sim_lock(void);
void xsr_sim_unlock(void);

/* One line into the host's log file ("log"), with time and pid. */
void xsr_sim_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A call that is not simulated: logs its name, sets errno ENOSYS, is -1. */
int xsr_sim_enosys(const char *name);

/* An event is pending at a port of domain 0: wake whoever waits for one. */
void xsr_sim_wake_ports(void);

/* hv/ offers to the rest of the simulated host ---------------------------- */
bool xsr_hv_domain_exists(uint32_t domid);
/* Is port of domid a live (unbound or bound) event channel? */
bool xsr_hv_port_valid(uint32_t domid, uint32_t port);

/* xs/ offers to the rest of the simulated host ---------------------------- */
/* Fire a special watch: "@introduceDomain" or "@releaseDomain". */
void xsr_xs_fire_special(const char *name);
/* The domain is gone: what xenstored forgets about it. */
void xsr_xs_domain_gone(uint32_t domid);

#pragma GCC visibility pop

#endif
