/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the simulated hypervisor and xenstore meet the simulated guests. A
 * guest has no thread of its own: whoever touches the host first lets time go
 * by for it, and whoever tells it something runs its answer.
 * Unless it says otherwise the host lock is held.
 */
#ifndef XSR_STUBS_GUEST_HOOKS_H
#define XSR_STUBS_GUEST_HOOKS_H

#include <stdint.h>

struct xsr_dom;

/* All running guests become as they are now. */
void xsr_guest_advance(void);
/* d may run from now on: unpaused, or resumed while not paused. */
void xsr_guest_started(struct xsr_dom *d);
/* d is about to shut down. itself: not by a toolstack's hypercall. */
void xsr_guest_stopping(struct xsr_dom *d, uint32_t reason);
/* XEN_DOMCTL_resumedomain was done. */
void xsr_guest_resumed(struct xsr_dom *d);
/* An event was sent to port of d. */
void xsr_guest_event(struct xsr_dom *d, uint32_t port);
/* Somebody wrote its control/shutdown node. No lock is held. */
void xsr_guest_told(uint32_t domid);

#endif
