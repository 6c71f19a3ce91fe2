/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `xensr inspect` and `xensr diff` make of the rows of a walk: trees of
 * decoded values, text kept back until the summary is known. What they make of
 * pages is in pages.h.
 *
 *   inspect.c          options, exit code
 *   inspect_text.c     one record -> one line and JSON fields
 *   inspect_list.c     listener: table or JSON document
 *   inspect_stats.c    listener: what the pages are
 *   inspect_memory.c   listener: index of pages, then their contents
 *   inspect_raw.c      listener: a sparse file of the guest's memory
 *   inspect_elf.c      ... with the headers of a core in front
 *   inspect_fields.c   tables of fields -> trees
 *   inspect_decode.c   records -> trees
 *   inspect_qemu.c     sections of the device model's state
 *   inspect_print.c    trees and octets -> text
 *   inspect_summary.c  the guest; what a damaged image has lost
 */
#ifndef XSR_TOOLS_INSPECT_REPORT_H
#define XSR_TOOLS_INSPECT_REPORT_H

#include "stream/fields/fields.h"
#include "stream/qemu/qemu.h"
#include "tools/walk/walk.h"

/* ---- what the command can do ---- */

/* The meaning of a row for people, and as fields. fields may be NULL. */
void insp_describe(const struct insp *w, const struct insp_row *row, char *text,
                   size_t text_len, json_t *fields);

struct insp_options {
    bool json, decode, hex, salvage, pages, memory, skip_owned;
    const char *records; /* NULL: all of them */
    const char *raw, *elf;
};
int insp_list(struct insp_src *src, const struct insp_options *o,
              struct xsr_err *err);
int insp_stats(struct insp_src *src, const struct insp_options *o,
               struct xsr_err *err);
int insp_memory(struct insp_src *src, const struct insp_options *o,
                struct xsr_err *err);
int insp_raw(struct insp_src *src, const struct insp_options *o,
             struct xsr_err *err);

/* ---- trees ---- */

json_t *insp_u64(uint64_t value);     /* a number, or hex text from 2^63 on */
json_t *insp_hex_u64(uint64_t value); /* "0x..." */
json_t *insp_digest(const uint8_t *p, size_t n); /* xxh3, 16 digits */
json_t *insp_octets(const uint8_t *p, size_t n); /* "00ff..." */
/* From now on: elements of arrays that are zero, too. */
void insp_fields_all(bool all);
json_t *insp_fields(const struct xsr_layout *layout, const uint8_t *p,
                    size_t len);
/*
 * All that a record holds, NULL when it has no inside. q: the sections of the
 * device model's state, for the record that carries it.
 */
json_t *insp_decode(const struct insp *w, const struct insp_row *row,
                    const struct xsr_qemu *q);
/* row: of the state, for digests of the sections that it has kept. */
json_t *insp_qemu_tree(const struct xsr_qemu *q, const struct insp_row *row);
/* "QEMU newer than 2.6", as far as sections tell; what they cannot: "QEMU". */
void insp_qemu_version(const struct xsr_qemu *q, char *out, size_t out_len);

/* ---- text ---- */

/* Text in the order in which it came; what is long lies in a file without a
 * name. */
struct insp_spool {
    struct xsr_buf mem;
    int fd; /* -1 while it is short */
};
#define INSP_SPOOL_INIT  \
    {                    \
        XSR_BUF_INIT, -1 \
    }
int insp_spool_put(struct insp_spool *s, const void *p, size_t n,
                   struct xsr_err *err);
/* To standard output; then it is empty. */
int insp_spool_show(struct insp_spool *s, struct xsr_err *err);
void insp_spool_fini(struct insp_spool *s);

int insp_print_tree(struct xsr_buf *out, const json_t *tree, unsigned indent,
                    struct xsr_err *err);
/* offset: of p[0] in the input. */
int insp_print_hex(struct insp_spool *out, const uint8_t *p, size_t n,
                   uint64_t offset, struct xsr_err *err);

/* ---- summary ---- */

struct insp_summary {
    char emulator[64]; /* of the device model's state, or "" */
    char grade[40];    /* how well its sections are known */
    size_t n_sections;
    uint64_t emulator_len;
    char model[32]; /* what the configuration names, or "" */
};
void insp_summary_text(const struct insp *w, const struct insp_summary *s);
json_t *insp_summary_json(const struct insp *w, const struct insp_summary *s);
/* Is the input to blame? Then what is whole of it may be kept. */
bool insp_is_damage(const struct xsr_err *err);
/* After a walk that failed: what there is, what there is not. */
json_t *insp_salvage_json(const struct insp *w, const struct xsr_err *err);
void insp_salvage_text(const struct insp *w, const struct xsr_err *err);

#endif
