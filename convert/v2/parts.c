/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parts on their way out of an image and into one. The caller owns the files;
 * here is the decision between taking aside and refusing.
 */
#include "convert/v2/parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/fd.h"

static const char *const names[XSR_N_PARTS] = {
    [XSR_PART_CONFIG] = "config",
    [XSR_PART_CPUID_POLICY] = "cpuid-policy",
    [XSR_PART_MSR_POLICY] = "msr-policy",
    [XSR_PART_XENSTORE_KEYS] = "emulator-xenstore-data",
    [XSR_PART_EMULATOR] = "emulator-context",
    [XSR_PART_EMULATOR_ID] = "emulator-id",
    [XSR_PART_XENOPS] = "xenops",
    [XSR_PART_VARSTORED] = "varstored",
    [XSR_PART_SWTPM0] = "swtpm0",
    [XSR_PART_SWTPM] = "swtpm",
    [XSR_PART_XEND_CONFIG] = "xend-config",
};

const char *xsr_part_name(enum xsr_part part)
{
    return names[part];
}

void xsr_parts_note(const struct xsr_parts *parts, const char *fmt, ...)
{
    char text[XSR_ERR_TEXT];
    va_list ap;

    if (!parts->note)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    parts->note(parts->ctx, text);
}

static int open_aside(const struct xsr_parts *parts, enum xsr_part part,
                      uint64_t n, uint64_t offset, const char *why, int *fd_out,
                      struct xsr_err *err)
{
    *fd_out = -1;
    if (parts->aside && parts->aside(parts->ctx, part, n, fd_out, err))
        return -1;
    if (*fd_out >= 0)
        return 0;
    xsr_fail(err, XSR_E_UNSUPPORTED,
             "%s (%" PRIu64 " bytes) cannot be kept: %s; --aside FOLDER takes "
             "it aside",
             names[part], n, why);
    return xsr_err_at(err, offset);
}

static int close_aside(const struct xsr_parts *parts, enum xsr_part part,
                       uint64_t n, struct xsr_err *err)
{
    if (parts->aside_done && parts->aside_done(parts->ctx, part, err))
        return -1;
    xsr_parts_note(parts, "%s (%" PRIu64 " bytes) was taken aside", names[part],
                   n);
    return 0;
}

int xsr_parts_leave(const struct xsr_parts *parts, struct xsr_flow *f,
                    enum xsr_part part, uint64_t n, const char *why,
                    struct xsr_err *err)
{
    int fd;

    if (open_aside(parts, part, n, f->in_at, why, &fd, err) ||
        xsr_flow_divert(f, n, fd, names[part], err))
        return -1;
    return close_aside(parts, part, n, err);
}

int xsr_parts_leave_bytes(const struct xsr_parts *parts, enum xsr_part part,
                          const void *p, size_t n, uint64_t offset,
                          const char *why, struct xsr_err *err)
{
    int fd;

    if (open_aside(parts, part, n, offset, why, &fd, err) ||
        xsr_write_all(fd, p, n, names[part], err))
        return -1;
    return close_aside(parts, part, n, err);
}

int xsr_parts_find(const struct xsr_parts *parts, enum xsr_part part,
                   uint64_t max, int *fd_out, uint64_t *len_out,
                   struct xsr_err *err)
{
    *fd_out = -1;
    *len_out = 0;
    if (!parts->with)
        return 0;
    if (parts->with(parts->ctx, part, fd_out, len_out, err))
        return -1;
    if (*fd_out < 0)
        return 0;
    if (*len_out > max)
        return xsr_fail(err, XSR_E_LIMIT,
                        "%s to put in: found %" PRIu64 " bytes, allowed at "
                        "most %" PRIu64,
                        names[part], *len_out, max);
    xsr_parts_note(parts, "%s (%" PRIu64 " bytes) was put in", names[part],
                   *len_out);
    return 0;
}

int xsr_parts_load(const struct xsr_parts *parts, enum xsr_part part,
                   uint64_t max, struct xsr_buf *out, bool *found_out,
                   struct xsr_err *err)
{
    uint64_t len;
    int fd;

    *found_out = false;
    if (xsr_parts_find(parts, part, max, &fd, &len, err))
        return -1;
    if (fd < 0)
        return 0;
    *found_out = true;
    if (xsr_buf_reserve(out, (size_t)len, err) ||
        xsr_read_exact(fd, out->p + out->len, (size_t)len, names[part], err))
        return -1;
    out->len += (size_t)len;
    return 0;
}
