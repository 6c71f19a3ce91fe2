/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A legacy stream behind the xl header (Xen 4.5 or older wrote the file): a
 * converter reads it, and from here on the input is the pipe with its result.
 * Called by restore.c before anything of the stream is read, and again when
 * END was. Whoever wants the stream's descriptor gets it from the source,
 * which has one only when what it reads is a v2 stream.
 */
#include "plugin/restore/restore.h"

#include <poll.h>
#include <string.h>

#include "convert/legacy.h"

/* A converter that closed the pipe is about to say why. */
#define SAY_MS 5000u

int xsr_restore_convert(struct xsr_restore *r, struct xsr_err *err)
{
    bool hvm = r->config.type == XENSR_HVM;

    if (r->config.type == XENSR_PVH) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "xl header: a legacy stream follows (Xen 4.5 or older wrote "
                 "the file), but the configuration is of a PVH guest, which "
                 "no such stream can hold");
        return xsr_err_at(err, XSR_XL_FLAGS_POS);
    }
    if (r->src.n_head) {
        r->x->usage = true;
        return xsr_fail(err, XSR_E_FORMAT,
                        "%zu bytes that were taken from the input before "
                        "belong to the legacy stream, where its converter "
                        "cannot see them",
                        r->src.n_head);
    }
    xsr_log(&r->x->log, XSR_LOG_INFO, "the legacy stream is converted by %s",
            r->x->converter);
    r->converter.loop = r->loop;
    r->converter.log = &r->x->log;
    if (xsr_converter_start(&r->converter, r->x->converter, r->params->fd, hvm,
                            err) < 0)
        return -1;
    xsr_source_fini(&r->src); /* it has read nothing of the stream */
    xsr_source_init(&r->src, r->loop, r->converter.fd, NULL, 0);
    r->stream_pos = 0;
    return 0;
}

static bool pipe_ended(const struct xsr_restore *r)
{
    struct pollfd pfd = {.fd = r->converter.fd, .events = POLLIN};

    return poll(&pfd, 1, 0) > 0 && pfd.revents & POLLHUP;
}

/* Why the pipe ended, or what came out of it was refused. */
void xsr_restore_blame(struct xsr_restore *r, struct xsr_err *err)
{
    if (r->converter.fd < 0 || r->converter.converted ||
        err->kind == XSR_E_STOPPED)
        return;
    if (xsr_converter_failed(&r->converter, pipe_ended(r) ? SAY_MS : 0, err))
        return;
    if (err->offset != XSR_NO_OFFSET)
        xsr_err_prefix(err, "at byte %llu of the converted stream",
                       (unsigned long long)err->offset);
    err->offset = XSR_NO_OFFSET;
}

bool xsr_restore_looks_legacy(const uint8_t *p, size_t n)
{
    uint8_t first[XSR_LEGACY_PEEK] = {0};

    /* of fewer bytes, what a 64-bit toolstack's PV guest may begin with */
    if (n >= sizeof(first))
        return xsr_legacy_probe(p, n);
    memcpy(first, p, n);
    memset(first + 8, 0xff, 8);
    return n == 8 && xsr_legacy_probe(first, sizeof(first));
}

/* ---- behind END ---------------------------------------------------------- */

static void after_converter(void *ctx, const struct xsr_err *err)
{
    struct xsr_restore *r = ctx;

    if (err) {
        xsr_restore_fail(r, err);
        return;
    }
    /* the descriptor is ours again, and stands behind the legacy stream */
    xsr_source_fini(&r->src);
    xsr_source_init(&r->src, r->loop, r->params->fd, NULL, 0);
    r->src.pos_known = false;
    xsr_restore_expect_end(r);
}

static void after_pipe_end(void *ctx, const struct xsr_err *err)
{
    struct xsr_restore *r = ctx;

    if (err)
        xsr_restore_fail(r, err);
    else
        xsr_converter_join(&r->converter, after_converter, r);
}

void xsr_restore_join_converter(struct xsr_restore *r)
{
    xsr_source_expect_end(&r->src, after_pipe_end, r);
}
