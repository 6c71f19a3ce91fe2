/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store of this process: the newest state that it knows, brought up to
 * date with the file before every use, and the way to change it.
 *
 * Two locks, always in this order: the host lock (between processes, for
 * changes only), then the store's mutex (between threads). Nothing may ask
 * for the host lock, and so call hv/, between enter(false) and leave().
 */
#ifndef XSR_STUBS_XS_STORE_H
#define XSR_STUBS_XS_STORE_H

#include "stubs/xs/state.h"

/* Locked and up to date. -1 with errno: nothing is locked. */
int xsr_store_enter(bool change);
void xsr_store_leave(bool change);

/* The newest state; valid until the next commit or leave. */
const struct xsr_store_state *xsr_store_state(void);
/*
 * Make ops happen for everybody, at once or not at all; after enter(true).
 * Watches are told. -1 with errno, nothing changed.
 */
int xsr_store_commit(const struct xsr_buf *ops);

/* watch.c: a name changed; the file that stands for changes was replaced. */
void xsr_store_fire(const char *name, bool exact);
void xsr_store_follow_file(void);
/* Has this process any connection? Does one of them watch anything? */
bool xsr_store_any_conn(void);
bool xsr_store_any_watch(void);

#endif
