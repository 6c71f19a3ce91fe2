/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside `xensr convert`: what its options say, the configuration of an xl
 * header, the folders with parts, and the report. The conversion itself is
 * convert/v2/.
 */
#ifndef XSR_TOOLS_CONVERT_H
#define XSR_TOOLS_CONVERT_H

#include <jansson.h>

#include "convert/v2/convert.h"
#include "tools/target.h"
#include "tools/tools.h"

struct conv {
    /* options */
    const char *in, *out, *name, *uuid, *config_file, *aside, *with;
    enum xsr_format from, to;
    uint32_t version;
    enum xsr_fix fix;
    bool drop_tmem, json;
    /* configuration of the output, when it has an xl header */
    bool new_config;
    char type[8]; /* "hvm", "pvh", "pv", or "" */
    /* parts: the file in hand, and which were made */
    int part_fd, aside_dir, with_dir;
    bool aside_made;
    unsigned parts_made; /* bit per enum xsr_part */
    /* report */
    json_t *notes;
    struct xsr_convert_report report;
    double seconds;
};

/* ---- config.c ------------------------------------------------------------ */

/* As xsr_convert_params.config; ctx is the struct conv. */
int conv_config(void *ctx, struct xsr_buf *text, bool json, bool *changed_out,
                struct xsr_err *err);
/* Does the new configuration fit the guest that was converted? */
int conv_check_config(const struct conv *cv, struct xsr_err *err);

/* ---- folders.c ----------------------------------------------------------- */

int conv_folders_open(struct conv *cv, struct xsr_err *err);
/* keep: what was taken aside stays, safe on disk; else it goes. */
int conv_folders_close(struct conv *cv, bool keep, struct xsr_err *err);
/* As the members of struct xsr_parts. */
int conv_aside(void *ctx, enum xsr_part part, uint64_t len, int *fd_out,
               struct xsr_err *err);
int conv_aside_done(void *ctx, enum xsr_part part, struct xsr_err *err);
int conv_with(void *ctx, enum xsr_part part, int *fd_out, uint64_t *len_out,
              struct xsr_err *err);

#endif
