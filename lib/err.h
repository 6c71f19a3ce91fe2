/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one error value. Every function that can fail returns 0 or -1 and takes
 * a struct xsr_err * (never NULL) as its last parameter. The first error of an
 * operation is kept; later ones (during cleanup) are logged, not returned.
 *
 * Text: what was found, what is allowed, where; no newline, no capital at the
 * start, no guest memory. Strings from a stream go through xsr_err_quote().
 */
#ifndef XSR_LIB_ERR_H
#define XSR_LIB_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the caller may want to decide on */
enum xsr_kind {
    XSR_E_OK = 0,
    XSR_E_EOF,         /* stream ended too early */
    XSR_E_FORMAT,      /* bytes that the format does not allow */
    XSR_E_ORDER,       /* allowed bytes at a wrong moment */
    XSR_E_LIMIT,       /* larger than stream/limits.h permits */
    XSR_E_UNSUPPORTED, /* valid, but not ours (version, feature) */
    XSR_E_IO,          /* a system call failed; see .sys */
    XSR_E_PEER,        /* helper or parent misbehaved or vanished */
    XSR_E_XEN,         /* hypervisor or xenstore refused; see .sys */
    XSR_E_TIMEOUT,
    XSR_E_STOPPED, /* somebody asked us to stop */
    XSR_E_NOMEM,
    XSR_E_BUG /* our own invariant; never from input */
};

#define XSR_ERR_TEXT  256
#define XSR_NO_OFFSET UINT64_MAX

struct xsr_err {
    enum xsr_kind kind;
    int sys;         /* errno, or 0 */
    uint64_t offset; /* byte position in the stream, or XSR_NO_OFFSET */
    char text[XSR_ERR_TEXT];
};

#define XSR_ERR_INIT                   \
    {                                  \
        XSR_E_OK, 0, XSR_NO_OFFSET, "" \
    }

void xsr_err_clear(struct xsr_err *err);
/* Are the bytes of a stream at fault: cut off, not allowed, or too large? */
bool xsr_err_is_of_input(const struct xsr_err *err);

/* Fill *err and return -1. The only ways to create an error. */
int xsr_fail(struct xsr_err *err, enum xsr_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same; keeps sys (an errno) and appends ": " and its text. */
int xsr_fail_sys(struct xsr_err *err, enum xsr_kind kind, int sys,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Set the position unless one is set already; returns -1. */
int xsr_err_at(struct xsr_err *err, uint64_t offset);
/* Put "prefix: " in front of the text; returns -1. One per layer at most. */
int xsr_err_prefix(struct xsr_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Printable name of a kind: "end of stream", "format", ... */
const char *xsr_kind_name(enum xsr_kind kind);

/*
 * The errno that stands for it where only a number can be passed on (the
 * helper's "complete", libxenguest's result): EBADMSG for what the input is
 * refused for, ENODATA for its early end, ENOTSUP, ECANCELED when stopped;
 * otherwise .sys, or EIO.
 */
int xsr_err_errno(const struct xsr_err *err);

/* Whole message for people: text, and " (at offset N)" if known. */
const char *xsr_err_str(const struct xsr_err *err, char *out, size_t out_len);

/*
 * Copy at most len bytes from the stream as printable text with escapes,
 * shortened with "..." to fit out_len. Returns out.
 */
const char *xsr_err_quote(const void *bytes, size_t len, char *out,
                          size_t out_len);
/*
 * Whatever is not printable ASCII becomes '?'. Every error's text is so: other
 * libraries quote what they were given (a parser of JSON does).
 */
void xsr_err_printable(char *text);

#endif
