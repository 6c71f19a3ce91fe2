/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * COLO's back channel: the secondary runs too and tells, in one record a
 * checkpoint, which pages it wrote to. They must be sent again even if the
 * primary did not touch them.
 */
#include "engine/save/save.h"
#include "lib/bytes.h"
#include "lib/fd.h"
#include "lib/util.h"

#define PIECE 512u /* pfns read at once */

static int read_head(struct xsr_save *sv, uint32_t *n_out, struct xsr_err *err)
{
    uint8_t raw[XSR_XC3_REC_HDR_LEN];
    uint32_t type, len;

    if (xsr_read_exact(sv->arg->back_fd, raw, sizeof(raw),
                       "the secondary's list of pages", err) < 0)
        return -1;
    type = xsr_le32(raw);
    len = xsr_le32(raw + 4);
    if (type != XSR_XC3_CHECKPOINT_DIRTY_PFN_LIST || len % 8 ||
        len / 8 > sv->dirty.n_pfns)
        return xsr_fail(err, XSR_E_PEER,
                        "back channel: found a record %s of %u octets, "
                        "allowed CHECKPOINT_DIRTY_PFN_LIST of 8 for each of "
                        "at most %llu pages",
                        xsr_xc3_type_name(type), len,
                        (unsigned long long)sv->dirty.n_pfns);
    *n_out = len / 8;
    return 0;
}

int xsr_save_read_secondary(struct xsr_save *sv, struct xsr_err *err)
{
    uint8_t raw[8 * PIECE];
    uint32_t left = 0, n;

    if (read_head(sv, &left, err) < 0)
        return -1;
    for (; left; left -= n) {
        n = (uint32_t)xsr_min(left, PIECE);
        if (xsr_read_exact(sv->arg->back_fd, raw, 8ull * n,
                           "the secondary's list of pages", err) < 0)
            return -1;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t pfn = xsr_le64(raw + 8 * (size_t)i);

            if (pfn >= sv->dirty.n_pfns)
                return xsr_fail(err, XSR_E_PEER,
                                "back channel: found pfn 0x%llx, allowed below "
                                "0x%llx",
                                (unsigned long long)pfn,
                                (unsigned long long)sv->dirty.n_pfns);
            xsr_dirty_add(&sv->dirty, pfn);
        }
    }
    return 0;
}
