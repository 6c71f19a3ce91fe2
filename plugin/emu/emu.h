/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a stream carries for the device model of an HVM guest: its state, which
 * goes into a file (emu_state.c), and its xenstore keys (emu_keys.c).
 */
#ifndef XSR_PLUGIN_EMU_H
#define XSR_PLUGIN_EMU_H

#include <limits.h>

#include "lib/bytes.h"
#include "lib/log.h"
#include "stream/xl2.h"

struct xsr_xs;

/* ---- emu_state.c: DIR/qemu-resume.DOMID --------------------------------- */

struct xsr_emu_file {
    char dir[PATH_MAX / 2];
    char part[PATH_MAX], name[PATH_MAX]; /* while written, afterwards */
    int fd;
    uint64_t len;
    uint8_t first[8];        /* of the content, to recognise it */
    bool has_part, has_name; /* which of the two exist and are ours */
};

void xsr_emu_file_init(struct xsr_emu_file *f);
/* Create the file under its temporary name. */
int xsr_emu_file_open(struct xsr_emu_file *f, const char *dir, uint32_t domid,
                      struct xsr_err *err);
int xsr_emu_file_put(struct xsr_emu_file *f, const uint8_t *p, size_t n,
                     struct xsr_err *err);
/* All of it is there: on the disk, under its final name. */
int xsr_emu_file_commit(struct xsr_emu_file *f, const struct xsr_log *log,
                        struct xsr_err *err);
/* As if it had never been; idempotent. */
int xsr_emu_file_remove(struct xsr_emu_file *f, struct xsr_err *err);
/* Close without a word; keeps what has been committed. */
void xsr_emu_file_fini(struct xsr_emu_file *f);

/* Refuse state of a device model that this Xen does not run. */
int xsr_emu_check_id(const struct xsr_xl2_emu *emu, struct xsr_err *err);

/* ---- emu_keys.c: /local/domain/0/device-model/DOMID/... ------------------ */

/* cur: the list behind the sub-header. All of it is written, or nothing. */
int xsr_emu_keys_write(struct xsr_xs *xs, uint32_t domid, struct xsr_cur *cur,
                       size_t *n_out, struct xsr_err *err);
/* The list of a running domain, appended to out; n 0: it has none. */
int xsr_emu_keys_read(struct xsr_xs *xs, uint32_t domid, struct xsr_buf *out,
                      size_t *n_out, struct xsr_err *err);

#endif
