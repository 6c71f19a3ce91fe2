/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client of the stand-in device model may ask for, and the answers. */
#ifndef XSR_STUBS_DM_COMMAND_H
#define XSR_STUBS_DM_COMMAND_H

#include "stubs/dm/dm.h"

/* ---- command.c ----------------------------------------------------------- */

void xsr_dm_run(struct xsr_dm *dm);
void xsr_dm_halt(struct xsr_dm *dm);
const char *xsr_dm_status(const struct xsr_dm *dm);
/*
 * Do what a message asks for. The answer, error or not, without the id.
 * negotiated: of the connection; set by qmp_capabilities.
 */
json_t *xsr_dm_command(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                       const json_t *message, bool *negotiated);
/* {"return": {...}}; take NULL: nothing to tell */
json_t *xsr_dm_result(json_t *take);
/* {"error": {...}} */
json_t *xsr_dm_error(const char *class, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- fdset.c ------------------------------------------------------------- */

#define XSR_DM_GENERIC "GenericError"

typedef json_t *xsr_dm_cmd(struct xsr_dm *dm, struct xsr_dm_conn *conn,
                           const json_t *args);
xsr_dm_cmd xsr_dm_cmd_add_fd, xsr_dm_cmd_remove_fd, xsr_dm_cmd_query_fdsets;
/*
 * Open a name as QEMU does: of a set, the descriptor that was opened for the
 * same kind of access, duplicated. -1 with errno.
 */
int xsr_dm_open_name(struct xsr_dm *dm, const char *name, int flags);
void xsr_dm_fdsets_clear(struct xsr_dm *dm);

#endif
