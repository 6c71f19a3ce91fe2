/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The error value: filled where something goes wrong, given a position and at
 * most one prefix per layer on the way up, turned into text by whoever tells
 * a person. Everything is bounded by the struct itself: no allocation, so an
 * error can always be made, also for "out of memory".
 */
#include "lib/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void xsr_err_clear(struct xsr_err *err)
{
    *err = (struct xsr_err)XSR_ERR_INIT;
}

bool xsr_err_is_of_input(const struct xsr_err *err)
{
    return err->kind == XSR_E_EOF || err->kind == XSR_E_FORMAT ||
           err->kind == XSR_E_ORDER || err->kind == XSR_E_LIMIT;
}

void xsr_err_printable(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

static void fill(struct xsr_err *err, enum xsr_kind kind, int sys,
                 const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

/* The text is made aside first: an argument may be the old err->text. */
static void fill(struct xsr_err *err, enum xsr_kind kind, int sys,
                 const char *fmt, va_list ap)
{
    char text[XSR_ERR_TEXT];

    vsnprintf(text, sizeof(text), fmt, ap);
    xsr_err_printable(text);
    err->kind = kind;
    err->sys = sys;
    err->offset = XSR_NO_OFFSET;
    memcpy(err->text, text, sizeof(text));
}

int xsr_fail(struct xsr_err *err, enum xsr_kind kind, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fill(err, kind, 0, fmt, ap);
    va_end(ap);
    return -1;
}

int xsr_fail_sys(struct xsr_err *err, enum xsr_kind kind, int sys,
                 const char *fmt, ...)
{
    char why[80];
    va_list ap;
    size_t len;

    va_start(ap, fmt);
    fill(err, kind, sys, fmt, ap);
    va_end(ap);
    len = strlen(err->text);
    snprintf(err->text + len, sizeof(err->text) - len, ": %s",
             strerror_r(sys, why, sizeof(why)));
    return -1;
}

int xsr_err_at(struct xsr_err *err, uint64_t offset)
{
    if (err->offset == XSR_NO_OFFSET)
        err->offset = offset;
    return -1;
}

int xsr_err_prefix(struct xsr_err *err, const char *fmt, ...)
{
    char text[XSR_ERR_TEXT];
    va_list ap;
    size_t len;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    xsr_err_printable(text);
    len = strlen(text);
    /* cutting at the end of the struct is what is wanted here */
    if (len + 2 < sizeof(text)) {
        memcpy(text + len, ": ", 3);
        strncat(text, err->text, sizeof(text) - len - 3);
    }
    memcpy(err->text, text, sizeof(text));
    return -1;
}

const char *xsr_kind_name(enum xsr_kind kind)
{
    static const char *const names[] = {
        [XSR_E_OK] = "no error",
        [XSR_E_EOF] = "end of stream",
        [XSR_E_FORMAT] = "format",
        [XSR_E_ORDER] = "order",
        [XSR_E_LIMIT] = "limit",
        [XSR_E_UNSUPPORTED] = "not supported",
        [XSR_E_IO] = "input/output",
        [XSR_E_PEER] = "peer",
        [XSR_E_XEN] = "Xen",
        [XSR_E_TIMEOUT] = "timeout",
        [XSR_E_STOPPED] = "stopped",
        [XSR_E_NOMEM] = "out of memory",
        [XSR_E_BUG] = "internal error",
    };

    if ((size_t)kind >= sizeof(names) / sizeof(names[0]))
        return "unknown";
    return names[kind];
}

int xsr_err_errno(const struct xsr_err *err)
{
    switch (err->kind) {
    case XSR_E_OK:
        return 0;
    case XSR_E_STOPPED:
        return ECANCELED;
    case XSR_E_EOF:
        return ENODATA;
    case XSR_E_FORMAT:
    case XSR_E_ORDER:
    case XSR_E_LIMIT:
        return EBADMSG;
    case XSR_E_UNSUPPORTED:
        return ENOTSUP;
    case XSR_E_NOMEM:
        return ENOMEM;
    case XSR_E_TIMEOUT:
        return ETIMEDOUT;
    default:
        return err->sys > 0 ? err->sys : EIO;
    }
}

const char *xsr_err_str(const struct xsr_err *err, char *out, size_t out_len)
{
    if (err->offset == XSR_NO_OFFSET)
        snprintf(out, out_len, "%s", err->text);
    else
        snprintf(out, out_len, "%s (at offset %" PRIu64 ")", err->text,
                 err->offset);
    return out;
}

/* One byte as printable text; returns its length (1, 2 or 4). */
static size_t escape(uint8_t b, char out[4])
{
    static const char hex[] = "0123456789abcdef";
    static const char plain[] = "\n\t\r\\\"", letter[] = "ntr\\\"";
    const char *at = memchr(plain, b, sizeof(plain) - 1);

    out[0] = '\\';
    if (at) {
        out[1] = letter[at - plain];
        return 2;
    }
    if (b >= 0x20 && b < 0x7f) {
        out[0] = (char)b;
        return 1;
    }
    out[1] = 'x';
    out[2] = hex[b >> 4];
    out[3] = hex[b & 15];
    return 4;
}

const char *xsr_err_quote(const void *bytes, size_t len, char *out,
                          size_t out_len)
{
    const uint8_t *p = bytes;
    size_t used = 0, safe = 0, i, n;
    char one[4];

    if (out_len == 0)
        return out;
    for (i = 0; i < len; i++) {
        n = escape(p[i], one);
        if (used + n + 1 > out_len) {
            /* "safe" is the last end behind which "..." has room */
            n = out_len - 1 - safe < 3 ? out_len - 1 - safe : 3;
            memcpy(out + safe, "...", n);
            out[safe + n] = '\0';
            return out;
        }
        memcpy(out + used, one, n);
        used += n;
        if (used + 4 <= out_len)
            safe = used;
    }
    out[used] = '\0';
    return out;
}
