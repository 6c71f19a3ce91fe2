/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside `xensr diff`: each of the two images is walked once, as `xensr
 * inspect` does it; what a restore would make of it is collected, then
 * compared.
 *
 *   diff.c          options, exit code
 *   diff_collect.c  one image -> its records and an index of its pages
 *   diff_state.c    two collections of records -> what differs
 *   diff_pages.c    two indexes -> classes of pages
 *   diff_show.c     lines for people
 */
#ifndef XSR_TOOLS_DIFF_H
#define XSR_TOOLS_DIFF_H

#include "tools/inspect/pages.h"
#include "tools/inspect/report.h"

struct diff_rec { /* one record, the last of its key */
    char key[64]; /* "HVM_CONTEXT", "X86_PV_VCPU_BASIC/1" */
    enum insp_layer layer;
    uint32_t type, len;
    uint64_t digest; /* of the body */
    uint8_t *body;   /* a copy, decoded when it differs; or NULL */
    size_t body_len;
    json_t *tree; /* what was decoded at once; or NULL */
};

struct diff_side {
    struct insp_src src;
    struct insp w;
    struct xsr_qemu q;
    bool have_q;
    struct diff_rec *rec; /* of whole checkpoints, then of the one under way */
    size_t n, n_whole;
    json_t *by_key; /* key -> number of the whole record */
    size_t kept;    /* octets of bodies */
    struct insp_index *pages;
};

/* The walk; afterwards side's pages are sorted. */
int diff_collect(struct diff_side *side, const char *path, struct xsr_err *err);
void diff_side_fini(struct diff_side *side);
const struct diff_rec *diff_find(const struct diff_side *side, const char *key);

/* {"only_a": [...], "only_b": [...], "differ": [{"record", "fields"}...]} */
json_t *diff_state(const struct diff_side *a, const struct diff_side *b);
/* {"same": n, "differ": {"pages": n, "runs": [...]}, ...} or NULL */
json_t *diff_pages(struct diff_side *a, struct diff_side *b,
                   struct xsr_err *err);
bool diff_found(const json_t *doc);
int diff_show(const struct diff_side *a, const struct diff_side *b,
              const json_t *doc, struct xsr_err *err);

#endif
