/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `xensr inspect` and `xensr diff` make of the pages of a walk: an index
 * that costs disk, not memory (inspect_index.c), and the headers of a core in
 * front of the memory (inspect_elf.c).
 */
#ifndef XSR_TOOLS_INSPECT_PAGES_H
#define XSR_TOOLS_INSPECT_PAGES_H

#include "tools/walk/walk.h"

struct insp_index;

/* ---- a core file ---- */

struct insp_core *insp_core_new(struct xsr_err *err);
void insp_core_free(struct insp_core *c);
/* Takes what it needs of a row: registers. */
int insp_core_take(struct insp_core *c, const struct insp *w,
                   const struct insp_row *row, struct xsr_err *err);
/* What was taken since the last commit is the state of the guest. */
void insp_core_commit(struct insp_core *c);
uint64_t insp_core_memory_at(void); /* file offset of guest-physical 0 */
/* The headers, in front of the memory. index: sorted. */
int insp_core_write(struct insp_core *c, int fd, struct insp_index *index,
                    struct xsr_err *err);
size_t insp_core_vcpus(const struct insp_core *c);

/* ---- index of pages ---- */

struct insp_page {
    uint64_t pfn;
    uint8_t type; /* enum xsr_page_type: the last one */
    bool zero;
    uint64_t hash; /* what the caller knows of the last content */
};
struct insp_index *insp_index_new(struct xsr_err *err);
void insp_index_free(struct insp_index *x);
int insp_index_add(struct insp_index *x, const struct insp_page *page,
                   struct xsr_err *err);
/* What was added is whole; drop forgets what was added since. */
void insp_index_commit(struct insp_index *x);
void insp_index_drop(struct insp_index *x);
/* Sorted from now on. */
int insp_index_sort(struct insp_index *x, struct xsr_err *err);
/* The next page in ascending order, its last state. 1, 0 at the end, -1. */
int insp_index_next(struct insp_index *x, struct insp_page *page,
                    struct xsr_err *err);
/* From the first one again. */
int insp_index_rewind(struct insp_index *x, struct xsr_err *err);
/* The pages of a batch as they are read: on_page may be NULL. */
typedef int insp_on_page(void *ctx, const struct xsr_page_entry *entry,
                         const uint8_t *content, bool zero,
                         struct xsr_err *err);
/* Read the contents of a batch off the source, one by one, also of one that
 * is cut off. */
int insp_each_page(struct insp_src *src, const struct xsr_page_batch *batch,
                   insp_on_page *on_page, void *ctx, struct xsr_err *err);
/* The same into an index. */
int insp_index_batch(struct insp_index *x, struct insp_src *src,
                     const struct xsr_page_batch *batch, struct xsr_err *err);

#endif
