/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One restore: the state that its two chains of steps share. restore.c goes
 * from the first byte to the empty domain, and from END to the running one;
 * records.c takes what lies between.
 */
#ifndef XSR_PLUGIN_RESTORE_H
#define XSR_PLUGIN_RESTORE_H

#include "plugin/host/config.h"
#include "plugin/context.h"
#include "plugin/convert/convert.h"
#include "plugin/emu/dm.h"
#include "plugin/emu/emu.h"
#include "plugin/helper/helper_run.h"
#include "plugin/host/host.h"
#include "plugin/restore/source.h"
#include "stream/xl2_order.h"
#include "stream/xlfile.h"

#define XSR_XL_FLAGS_POS 36u /* of the mandatory flags in the xl header */

struct xsr_restore {
    /* filled by the caller */
    struct xensr *x;
    const struct xensr_restore_params *params;
    /* shared results */
    struct xensr_restored out;
    struct xsr_err err; /* first error */
    /* private: the input */
    struct xsr_loop *loop;
    struct xsr_loop_fd *watch_stop;
    struct xsr_loop_timer *tick; /* progress of a plain file */
    struct xsr_source src;
    int fd_flags; /* to put back; -1: nothing to do */
    bool seekable;
    int64_t file_start; /* offset of the input's first byte */
    uint64_t file_len;  /* bytes from there to the end */
    struct xsr_xlfile_hdr xl_hdr;
    uint64_t stream_pos; /* of the libxl stream in the input */
    bool legacy;         /* what follows the xl header has to be converted */
    struct xsr_converter converter;
    bool finished;
    /* private: the domain */
    char *config_text; /* owned */
    struct xsr_config config;
    char plain_name[sizeof(((struct xsr_config *)0)->name)]; /* no suffix */
    struct xsr_xen *xen;
    struct xsr_xs *xs;
    struct xsr_bare bare;
    uint32_t new_roots; /* shared xenstore nodes that we made */
    /* private: the record in hand (records.c) */
    struct xsr_xl2_order order;
    struct xsr_xl2_rec rec;
    uint64_t rec_pos;
    struct xsr_helper helper;
    struct xsr_emu_file emu;
    /* private: the domain's device model (built.c) */
    struct xsr_dm_start dm;
    bool has_device_model;
};

/* Give up: stops what is active, then everything is undone. First call wins. */
void xsr_restore_fail(struct xsr_restore *r, const struct xsr_err *err);

/*
 * choose.c: the configuration in the collected bytes behind the xl header, or
 * the saved text (NULL: none), unless the caller's replaces it.
 */
int xsr_restore_parse_config(struct xsr_restore *r, struct xsr_err *err);
int xsr_restore_choose_config(struct xsr_restore *r, const char *saved,
                              size_t len, struct xsr_err *err);

/*
 * legacy.c: the configuration is known; from here on the input is what a
 * converter makes of it. Behind its END the converter is joined. A failure
 * may be the converter's: then that is said. Do n bytes begin a legacy stream?
 */
int xsr_restore_convert(struct xsr_restore *r, struct xsr_err *err);
void xsr_restore_join_converter(struct xsr_restore *r);
void xsr_restore_blame(struct xsr_restore *r, struct xsr_err *err);
bool xsr_restore_looks_legacy(const uint8_t *p, size_t n);

/* records.c: read records up to END, then call xsr_restore_after_end(). */
void xsr_records_start(struct xsr_restore *r);
/* restore.c: END was read and nothing is missing. */
void xsr_restore_after_end(struct xsr_restore *r);
/* restore.c: the input has to be over (must_end), or we just stop reading. */
void xsr_restore_expect_end(struct xsr_restore *r);
/* built.c: the input is over; build and start the domain, then done(). */
void xsr_restore_build(struct xsr_restore *r);
/* restore.c: it runs, or nothing more is to come after a failure. */
void xsr_restore_done(struct xsr_restore *r);

#endif
