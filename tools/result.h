/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command says at its end: one JSON document or lines for people, and
 * the last word of a failure for both.
 */
#ifndef XSR_TOOLS_RESULT_H
#define XSR_TOOLS_RESULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/err.h"
#include "plugin/xensr.h"

const char *xsr_result_type(enum xensr_guest type); /* "PV" ... */
/* A name from outside may be no UTF-8, which JSON cannot hold. */
json_t *xsr_result_text(const char *text);
/* To standard output; takes o, which may be NULL. */
void xsr_result_json(json_t *o);
/*
 * Did the result arrive? The work is done, so "failed, nothing changed" would
 * be untrue: XENSR_LOOK, with the sentence of what was done.
 */
int xsr_result_printed(const char *done);
/*
 * What an error of a tool's own work is as an exit code (design.md): the same
 * as libxensr says of its errors.
 */
enum xensr_result xsr_result_of(const struct xsr_err *err);
/* Ends the progress line, prints the error, returns rc. */
int xsr_result_refuse(bool json, int rc, const char *text, uint64_t offset);

/* A domain that was saved or sent. */
struct xsr_result_saved {
    const struct xensr_saved *saved;
    const char *where; /* "saved in x.save" or "migrated" */
    const char *file;  /* NULL: none */
    bool wanted_live;
    double seconds;
};
json_t *xsr_result_of_saved(const struct xsr_result_saved *r);
void xsr_result_show_saved(FILE *to, const struct xsr_result_saved *r);

#endif
