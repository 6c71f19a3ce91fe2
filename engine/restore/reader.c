/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading records. restore.c asks for a header, judges it, and then a record's
 * own code asks for the body, in one piece or straight into guest memory.
 * Whoever asks for the last octets of a body gets the padding checked as well.
 *
 * The next header is not fetched together with the end of a body, although
 * that would be allowed for most records: it saves 0.3 us in 4 MiB, and a
 * record would act only when its successor arrives. End of file is an error
 * everywhere in here.
 */
#include "engine/restore/reader.h"

#include <stdio.h>
#include <string.h>

#include "lib/fd.h"
#include "lib/util.h"

/* First piece of a large body; later ones double what has arrived. */
#define FIRST_PIECE (64u << 10)

void xsr_reader_init(struct xsr_reader *rd, int fd)
{
    memset(rd, 0, sizeof(*rd));
    rd->fd = fd;
    xsr_buf_init(&rd->body);
    /* One system call for a whole batch of pages, if fd is a pipe. */
    xsr_grow_pipe(fd, 1u << 20);
}

/* The stream cannot be read any more; whoever drives may know a way out. */
static int lose(struct xsr_reader *rd, struct xsr_err *err)
{
    rd->lost = err->kind == XSR_E_EOF || err->kind == XSR_E_IO;
    return xsr_err_at(err, rd->pos);
}

void xsr_reader_fini(struct xsr_reader *rd)
{
    xsr_buf_fini(&rd->body);
}

int xsr_reader_plain(struct xsr_reader *rd, void *p, size_t n, const char *what,
                     struct xsr_err *err)
{
    if (xsr_read_exact(rd->fd, p, n, what, err) < 0)
        return lose(rd, err);
    rd->pos += n;
    return 0;
}

static const char *expected(const struct xsr_reader *rd)
{
    return rd->order ? xsr_xc3_order_expected(rd->order) : "a record";
}

int xsr_reader_next(struct xsr_reader *rd, struct xsr_cur *cur,
                    struct xsr_err *err)
{
    size_t got;

    if (xsr_read_upto(rd->fd, rd->hdr, sizeof(rd->hdr), &got, "record header",
                      err) < 0)
        return lose(rd, err);
    if (!got)
        xsr_fail(err, XSR_E_EOF,
                 "libxc image: found end of file after "
                 "record %u, expected %s",
                 rd->n_rec, expected(rd));
    else if (got < sizeof(rd->hdr))
        xsr_fail(err, XSR_E_EOF,
                 "libxc image: found end of file after %zu of "
                 "8 octets of a record header, expected %s",
                 got, expected(rd));
    if (got < sizeof(rd->hdr))
        return lose(rd, err);
    rd->rec_offset = rd->pos;
    rd->pos += sizeof(rd->hdr);
    rd->n_rec++;
    xsr_cur_init(cur, rd->hdr, sizeof(rd->hdr), rd->rec_offset);
    return 0;
}

void xsr_reader_begin(struct xsr_reader *rd, const struct xsr_xc3_rec *rec)
{
    rd->rec = *rec;
    rd->left = rec->len;
}

void xsr_reader_replay(struct xsr_reader *rd, const struct xsr_xc3_rec *rec,
                       uint64_t offset, unsigned n_rec, const uint8_t *body,
                       struct xsr_reader_place *place_out)
{
    *place_out = (struct xsr_reader_place){rd->pos, rd->rec_offset, rd->n_rec};
    rd->pos = offset + sizeof(rd->hdr);
    rd->rec_offset = offset;
    rd->n_rec = n_rec;
    /* A record without a body is never read from. */
    rd->kept = rec->len ? body : rd->pad;
    xsr_reader_begin(rd, rec);
}

void xsr_reader_resume(struct xsr_reader *rd,
                       const struct xsr_reader_place *place)
{
    rd->pos = place->pos;
    rd->rec_offset = place->rec_offset;
    rd->n_rec = place->n_rec;
    rd->kept = NULL;
}

/* The whole body was read: was the padding behind it zero? */
static int check_padding(struct xsr_reader *rd, uint32_t pad,
                         struct xsr_err *err)
{
    if (!xsr_all_zero(rd->pad, pad)) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxc record %s: found padding that is "
                 "not zero, allowed %u zero octets behind its body",
                 xsr_xc3_type_name(rd->rec.type), pad);
        return xsr_err_at(err, rd->pos);
    }
    rd->pos += pad;
    return 0;
}

/* The next n octets of a record that was kept; its padding is not there. */
static int copy_kept(struct xsr_reader *rd, const struct iovec *iov,
                     size_t n_iov, size_t n)
{
    for (size_t i = 0; i < n_iov; i++) {
        memcpy(iov[i].iov_base, rd->kept, iov[i].iov_len);
        rd->kept += iov[i].iov_len;
    }
    rd->left -= (uint32_t)n;
    rd->pos += n;
    return 0;
}

int xsr_reader_readv(struct xsr_reader *rd, struct iovec *iov, size_t n_iov,
                     struct xsr_err *err)
{
    uint32_t pad = 0;
    char what[64];
    size_t n = 0;

    for (size_t i = 0; i < n_iov; i++)
        n += iov[i].iov_len;
    if (n > rd->left)
        return xsr_fail(err, XSR_E_BUG, "read of %zu octets beyond a record",
                        n);
    if (!n)
        return 0;
    if (rd->kept)
        return copy_kept(rd, iov, n_iov, n);
    if (n == rd->left)
        pad = xsr_xc3_pad(rd->rec.len);
    if (pad)
        iov[n_iov++] = (struct iovec){rd->pad, pad};
    snprintf(what, sizeof(what), "libxc record %s",
             xsr_xc3_type_name(rd->rec.type));
    if (xsr_readv_exact(rd->fd, iov, n_iov, what, err) < 0)
        return lose(rd, err);
    rd->left -= (uint32_t)n;
    rd->pos += n;
    return pad ? check_padding(rd, pad, err) : 0;
}

int xsr_reader_was_read(struct xsr_reader *rd, size_t n, int rc,
                        struct xsr_err *err)
{
    if (rc < 0)
        return lose(rd, err);
    if (n > rd->left || (n == rd->left && xsr_xc3_pad(rd->rec.len)))
        return xsr_fail(err, XSR_E_BUG, "read of %zu octets beyond a body", n);
    rd->left -= (uint32_t)n;
    rd->pos += n;
    return 0;
}

int xsr_reader_read(struct xsr_reader *rd, void *p, size_t n,
                    struct xsr_err *err)
{
    struct iovec iov[1 + XSR_READER_TAIL] = {{p, n}};

    return xsr_reader_readv(rd, iov, 1, err);
}

int xsr_reader_body(struct xsr_reader *rd, struct xsr_cur *cur,
                    struct xsr_err *err)
{
    uint64_t base = rd->pos;

    xsr_buf_clear(&rd->body);
    while (rd->left) {
        size_t n = xsr_min(rd->left, xsr_max(FIRST_PIECE, rd->body.len));

        if (xsr_buf_reserve(&rd->body, n, err) < 0)
            return -1;
        if (xsr_reader_read(rd, rd->body.p + rd->body.len, n, err) < 0)
            return -1;
        rd->body.len += n;
    }
    xsr_cur_init(cur, rd->body.p, rd->body.len, base);
    return 0;
}

int xsr_reader_skip(struct xsr_reader *rd, struct xsr_err *err)
{
    xsr_buf_clear(&rd->body);
    if (rd->left && xsr_buf_reserve(&rd->body, FIRST_PIECE, err) < 0)
        return -1;
    while (rd->left) {
        size_t n = xsr_min(rd->left, FIRST_PIECE);

        if (xsr_reader_read(rd, rd->body.p, n, err) < 0)
            return -1;
    }
    return 0;
}
