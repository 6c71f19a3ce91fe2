/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Legacy libxc stream of Xen 4.5 and older, piece by piece: pure decoding of
 * bytes that the caller has collected. It has no magic and no frames, so who
 * reads it (convert/legacy.c) must know how long each piece is before it reads
 * the next. Nothing ever writes this format. docs/formats/legacy-stream.md
 */
#ifndef XSR_STREAM_LEGACY_H
#define XSR_STREAM_LEGACY_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "stream/blobs.h"
#include "stream/limits.h"

enum xsr_lg_chunk { /* above 0: a batch of so many pages */
                    XSR_LG_END = 0,
                    XSR_LG_VERIFY = -1,
                    XSR_LG_VCPUS = -2,
                    XSR_LG_IDENT_PT = -3,
                    XSR_LG_VM86_TSS = -4,
                    XSR_LG_TMEM = -5,
                    XSR_LG_TMEM_EXTRA = -6,
                    XSR_LG_TSC_INFO = -7,
                    XSR_LG_CONSOLE_PFN = -8,
                    XSR_LG_LAST_CHECKPOINT = -9,
                    XSR_LG_ACPI_IOPORTS = -10,
                    XSR_LG_VIRIDIAN = -11,
                    XSR_LG_COMPRESSED = -12,
                    XSR_LG_COMPRESS_NEXT = -13,
                    XSR_LG_GENERATION_ID = -14,
                    XSR_LG_PAGING_RING = -15,
                    XSR_LG_ACCESS_RING = -16,
                    XSR_LG_SHARING_RING = -17,
                    XSR_LG_TOOLSTACK = -18,
                    XSR_LG_IOREQ_SERVER = -19,
                    XSR_LG_N_IOREQ_PAGES = -20,
                    XSR_LG_LAST_ID = -20
};

#define XSR_LG_MAX_P2M     0x0fffffffu /* pfns have 28 bits */
#define XSR_LG_MAX_VCPU_ID 4095
#define XSR_LG_PARAM_LEN   12u
#define XSR_LG_TSC_LEN     20u
#define XSR_LG_EXTENDED    128u /* extended context of a PV vCPU */
#define XSR_LG_QEMU_SIG    21u

/* ---- shape.c: what the first 16 bytes tell ------------------------------- */

struct xsr_lg_shape {
    uint8_t width;  /* of the toolstack's unsigned long in bytes: 4, 8 */
    uint32_t guest; /* enum xsr_xc3_guest */
};

int xsr_lg_get_shape(const uint8_t *p, struct xsr_lg_shape *out,
                     struct xsr_err *err);
const char *xsr_lg_chunk_name(int32_t id);
/* Is it one HVM parameter? Its index. */
bool xsr_lg_is_param(int32_t id, uint64_t *index_out);
static inline uint64_t xsr_lg_ulong(const uint8_t *p, uint8_t width)
{
    return width == 8 ? xsr_le64(p) : xsr_le32(p);
}

/* ---- head.c: extended info of a PV guest --------------------------------- */

struct xsr_lg_ext {
    uint8_t guest_width, pt_levels; /* 0: no vcpu block */
    uint32_t vcpu_len;              /* context of one vCPU */
    bool extended;                  /* 128 bytes more for each */
    bool xsave;                     /* and xsave state */
    unsigned n_unknown;             /* blocks that were skipped */
};

/* cur: all blocks, without marker and length. */
int xsr_lg_get_ext(struct xsr_cur *cur, struct xsr_lg_ext *out,
                   struct xsr_err *err);

/* ---- batch.c: pages ------------------------------------------------------ */

struct xsr_lg_rules {
    struct xsr_lg_shape shape;
    uint64_t p2m_size;
    uint8_t max_level; /* of page tables: HVM 0, PV 3 or 4 */
};
struct xsr_lg_batch { /* without entries that name no page */
    uint32_t count, n_data;
    uint64_t entry[XSR_MAX_PAGE_BATCH]; /* as PAGE_DATA has them */
};

/* The n entries at the cursor; all rules of types, pfns and repetition. */
int xsr_lg_get_batch(struct xsr_cur *cur, uint32_t n,
                     const struct xsr_lg_rules *rules, struct xsr_lg_batch *out,
                     struct xsr_err *err);

/* ---- chunks.c ------------------------------------------------------------ */

struct xsr_lg_vcpus { /* which are online */
    int32_t max_id;
    uint32_t n;
    uint64_t word[XSR_LG_MAX_VCPU_ID / 64 + 1];
};

/* Length of the bitmap behind max_id. */
int xsr_lg_vcpu_map_len(int32_t max_id, size_t *len_out, struct xsr_err *err);
int xsr_lg_get_vcpus(struct xsr_cur *cur, int32_t max_id,
                     struct xsr_lg_vcpus *out, struct xsr_err *err);
static inline bool xsr_lg_online(const struct xsr_lg_vcpus *v, uint32_t id)
{
    return v->word[id / 64] >> (id % 64) & 1;
}
int xsr_lg_get_tsc(struct xsr_cur *cur, struct xsr_tsc_info *out,
                   struct xsr_err *err);
int xsr_lg_get_param(struct xsr_cur *cur, uint64_t *value_out,
                     struct xsr_err *err);

enum xsr_lg_qemu {
    XSR_LG_QEMU_TO_END, /* nothing says how long it is */
    XSR_LG_QEMU_LE,     /* a little-endian length follows */
    XSR_LG_QEMU_BE      /* XenServer: newline and a big-endian length */
};
/*
 * sig: XSR_LG_QEMU_SIG bytes. TO_END may still turn out to be BE: then the
 * byte behind the signature is a newline, else the first of the state.
 */
int xsr_lg_get_qemu(const uint8_t *sig, enum xsr_lg_qemu *out,
                    struct xsr_err *err);

/* ---- toolstack.c --------------------------------------------------------- */

/* The whole chunk -> the list of EMULATOR_XENSTORE_DATA behind keys->len. */
int xsr_lg_get_toolstack(struct xsr_cur *cur, uint8_t width,
                         struct xsr_buf *keys, uint32_t *n_out,
                         struct xsr_err *err);

/* ---- unpack.c: pages of a compressed checkpoint -------------------------- */

#define XSR_LG_MAX_PACKED 4105u /* one page at worst */

/* n bytes at p, of which one page uses the first ones. page: what the
   receiver has at that pfn, becomes what the sender has. */
int xsr_lg_unpack_page(const uint8_t *p, size_t n, uint8_t *page,
                       size_t *used_out, struct xsr_err *err);

#endif
