/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the files of the walk.
 */
#ifndef XSR_TOOLS_WALK_PARTS_H
#define XSR_TOOLS_WALK_PARTS_H

#include "tools/walk/walk.h"

/*
 * The row is good; the next n bytes become w->body with a cursor over them; the
 * padding behind len bytes.
 */
int insp_tell(struct insp *w, struct insp_row *row, struct xsr_err *err);
int insp_take(struct insp *w, uint64_t n, const char *what, struct xsr_cur *cur,
              struct xsr_err *err);
int insp_take_padding(struct insp *w, uint32_t len, const char *what,
                      struct xsr_err *err);
/* Salvage: the damage is noted in the row, and *err is empty again. */
bool insp_forgive(struct insp *w, struct insp_row *row, struct xsr_err *err);
/* Go on at offset end, if that is not behind us. */
int insp_skip_to(struct insp *w, uint64_t end, const char *what,
                 struct xsr_err *err);
/* How pages are judged, as far as the image has been read. */
struct xsr_page_rules insp_page_rules(const struct insp *w);
/*
 * Salvage: go to the next record behind a damaged one, whose length means
 * nothing. *over_out: it belongs to the stream around the image.
 */
int insp_resync(struct insp *w, struct insp_row *row, bool *over_out,
                struct xsr_err *err);
/* From the image header, or from behind a CHECKPOINT, to END or CHECKPOINT. */
int insp_begin_image(struct insp *w, struct xsr_xc3_order *order,
                     struct xsr_err *err);
int insp_walk_image(struct insp *w, struct xsr_xc3_order *order,
                    struct xsr_err *err);

#endif
