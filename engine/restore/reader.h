/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image as records in hand: exact reads from the borrowed stream fd, the
 * position in the image, padding. Never an octet beyond the record in hand.
 * docs/formats/libxc-image.md
 */
#ifndef XSR_ENGINE_READER_H
#define XSR_ENGINE_READER_H

#include <stdbool.h>
#include <sys/uio.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "stream/xc3.h"
#include "stream/xc3_order.h"

#define XSR_READER_TAIL 1 /* iovec elements that a reader may append */

struct xsr_reader {
    int fd;
    uint64_t pos;                      /* octets of the image read so far */
    const struct xsr_xc3_order *order; /* for "expected" at end of file */
    unsigned n_rec;      /* ordinal of the record in hand, from 1 */
    uint64_t rec_offset; /* of its header */
    struct xsr_xc3_rec rec;
    uint32_t left; /* octets of its body not read yet */
    uint8_t hdr[XSR_XC3_REC_HDR_LEN];
    uint8_t pad[8];
    struct xsr_buf body;
    bool lost; /* the last read of the fd failed or met its end */
    /* A record that was read before: its body is here, not behind fd. */
    const uint8_t *kept;
};

void xsr_reader_init(struct xsr_reader *rd, int fd);
void xsr_reader_fini(struct xsr_reader *rd);
/* n octets outside of any record (the two headers). */
int xsr_reader_plain(struct xsr_reader *rd, void *p, size_t n, const char *what,
                     struct xsr_err *err);
/* The next record's header; the cursor is valid until the next read. */
int xsr_reader_next(struct xsr_reader *rd, struct xsr_cur *cur,
                    struct xsr_err *err);
/* That header was judged and means rec: its body is the next to be read. */
void xsr_reader_begin(struct xsr_reader *rd, const struct xsr_xc3_rec *rec);
/*
 * The same for a record whose header, and body without padding, came before.
 * offset and n_rec are those that it had then. The fd is not touched until
 * xsr_reader_resume, which restores what was known of the stream.
 */
struct xsr_reader_place {
    uint64_t pos, rec_offset;
    unsigned n_rec;
};
void xsr_reader_replay(struct xsr_reader *rd, const struct xsr_xc3_rec *rec,
                       uint64_t offset, unsigned n_rec, const uint8_t *body,
                       struct xsr_reader_place *place_out);
void xsr_reader_resume(struct xsr_reader *rd,
                       const struct xsr_reader_place *place);
/*
 * The next octets of the body, all that the n_iov elements hold. iov is used
 * up, and must have room for XSR_READER_TAIL more elements.
 */
int xsr_reader_readv(struct xsr_reader *rd, struct iovec *iov, size_t n_iov,
                     struct xsr_err *err);
/* Somebody else read the next n octets of the body, or failed to (rc, *err). */
int xsr_reader_was_read(struct xsr_reader *rd, size_t n, int rc,
                        struct xsr_err *err);
int xsr_reader_read(struct xsr_reader *rd, void *p, size_t n,
                    struct xsr_err *err);
/* All of the body that is left, into memory that grows as it arrives. */
int xsr_reader_body(struct xsr_reader *rd, struct xsr_cur *cur,
                    struct xsr_err *err);
int xsr_reader_skip(struct xsr_reader *rd, struct xsr_err *err);

#endif
