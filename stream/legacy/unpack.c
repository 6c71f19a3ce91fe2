/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One page of a compressed checkpoint (Xen 4.2 to 4.5): unchanged, whole, or
 * runs of 32-bit words that are new or stay. What stays is what the receiver
 * has at that pfn from the checkpoints before.
 */
#include "stream/legacy/legacy.h"

#include "lib/util.h"

#define UNCHANGED 0x00u
#define WHOLE     0x80u
#define STAYS     0x80u /* bit of a run's header */

static int too_short(size_t n, struct xsr_err *err)
{
    return xsr_fail(err, XSR_E_FORMAT,
                    "compressed data: a page goes on behind the end of its "
                    "chunk (%zu bytes are left for it)",
                    n);
}

static int unpack_runs(const uint8_t *p, size_t n, uint8_t *page,
                       size_t *used_out, struct xsr_err *err)
{
    size_t at = 0, done = 0;

    while (done < XSR_PAGE_SIZE) {
        size_t len;
        bool stays;

        if (at == n)
            return too_short(n, err);
        stays = p[at] & STAYS;
        len = (p[at++] & 0x7fu) * 4u;
        if (len == 0)
            return xsr_fail(err, XSR_E_FORMAT,
                            "compressed data: found an empty run at byte %zu "
                            "of a page, allowed 1 to 127 words",
                            done);
        if (len > XSR_PAGE_SIZE - done)
            return xsr_fail(err, XSR_E_FORMAT,
                            "compressed data: found a run of %zu bytes at "
                            "byte %zu, which passes the end of the page",
                            len, done);
        if (!stays) {
            if (len > n - at)
                return too_short(n, err);
            memcpy(page + done, p + at, len);
            at += len;
        }
        done += len;
    }
    *used_out = at;
    return 0;
}

int xsr_lg_unpack_page(const uint8_t *p, size_t n, uint8_t *page,
                       size_t *used_out, struct xsr_err *err)
{
    if (n == 0)
        return too_short(n, err);
    *used_out = 1;
    if (p[0] == UNCHANGED)
        return 0;
    if (p[0] != WHOLE)
        return unpack_runs(p, n, page, used_out, err);
    if (n < 1 + XSR_PAGE_SIZE)
        return too_short(n, err);
    memcpy(page, p + 1, XSR_PAGE_SIZE);
    *used_out = 1 + XSR_PAGE_SIZE;
    return 0;
}
