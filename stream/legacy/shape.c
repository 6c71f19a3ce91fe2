/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stream says neither who wrote it nor what guest is in it; its first 16
 * bytes do. A 64-bit toolstack's p2m size has an upper half of zeros, and
 * where a 32-bit one has its next word, a PV guest has a marker and an HVM
 * guest its first chunk.
 */
#include "lib/util.h"
#include "stream/legacy/legacy.h"
#include "stream/xc3.h"

static const struct {
    const char *name;
    uint64_t param; /* index of the HVM parameter, 0: it is none */
} chunks[-XSR_LG_LAST_ID + 1] = {
    [-XSR_LG_END] = {"end of body", 0},
    [-XSR_LG_VERIFY] = {"verify mode", 0},
    [-XSR_LG_VCPUS] = {"vCPUs", 0},
    [-XSR_LG_IDENT_PT] = {"identity page table", 12},
    [-XSR_LG_VM86_TSS] = {"vm86 TSS", 15},
    [-XSR_LG_TMEM] = {"tmem", 0},
    [-XSR_LG_TMEM_EXTRA] = {"tmem extra", 0},
    [-XSR_LG_TSC_INFO] = {"TSC info", 0},
    [-XSR_LG_CONSOLE_PFN] = {"console pfn", 17},
    [-XSR_LG_LAST_CHECKPOINT] = {"last checkpoint", 0},
    [-XSR_LG_ACPI_IOPORTS] = {"ACPI ioports location", 19},
    [-XSR_LG_VIRIDIAN] = {"viridian", 9},
    [-XSR_LG_COMPRESSED] = {"compressed data", 0},
    [-XSR_LG_COMPRESS_NEXT] = {"enable compression", 0},
    [-XSR_LG_GENERATION_ID] = {"generation id address", 34},
    [-XSR_LG_PAGING_RING] = {"paging ring pfn", 27},
    [-XSR_LG_ACCESS_RING] = {"access ring pfn", 28},
    [-XSR_LG_SHARING_RING] = {"sharing ring pfn", 29},
    [-XSR_LG_TOOLSTACK] = {"toolstack data", 0},
    [-XSR_LG_IOREQ_SERVER] = {"ioreq server pfn", 32},
    [-XSR_LG_N_IOREQ_PAGES] = {"ioreq server pages", 33},
};

const char *xsr_lg_chunk_name(int32_t id)
{
    if (id > 0)
        return "batch of pages";
    return id < XSR_LG_LAST_ID ? "unknown chunk" : chunks[-id].name;
}

bool xsr_lg_is_param(int32_t id, uint64_t *index_out)
{
    if (id > 0 || id < XSR_LG_LAST_ID || !chunks[-id].param)
        return false;
    *index_out = chunks[-id].param;
    return true;
}

/* -1 would be verify mode, which never comes first. */
static bool may_be_first(int32_t id, int32_t highest)
{
    return (id >= XSR_LG_LAST_ID && id <= highest) ||
           (id > 0 && id <= (int32_t)XSR_MAX_PAGE_BATCH);
}

int xsr_lg_get_shape(const uint8_t *p, struct xsr_lg_shape *out,
                     struct xsr_err *err)
{
    uint32_t size = xsr_le32(p), second = xsr_le32(p + 4);
    int32_t chunk = (int32_t)(second ? second : xsr_le32(p + 8));
    bool pv = second ? second == UINT32_MAX : xsr_le64(p + 8) == UINT64_MAX;

    out->width = second ? 4 : 8;
    out->guest = pv ? XSR_XC3_PV : XSR_XC3_HVM;
    if (!pv && !may_be_first(chunk, second ? -2 : -1)) {
        char shown[72];

        xsr_fail(err, XSR_E_FORMAT,
                 "found the first bytes \"%s\": this is no legacy stream "
                 "(neither a PV guest's marker nor a first chunk is there)",
                 xsr_err_quote(p, 16, shown, sizeof shown));
        return xsr_err_at(err, 0);
    }
    if (size == 0 || size > XSR_LG_MAX_P2M) {
        xsr_fail(err, XSR_E_FORMAT,
                 "found a p2m size of %#x pages, allowed 1 to %#x", size,
                 XSR_LG_MAX_P2M);
        return xsr_err_at(err, 0);
    }
    return 0;
}
