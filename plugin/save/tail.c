/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The records behind the guest image. The helper has gone, the output stands
 * behind the image's END, the guest is suspended.
 *
 *   start -> HVM: after_keys -> after_context_header -> after_context
 *         -> after_padding
 *         -> END -> xsr_save_after_end (save.c)
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "plugin/emu/emu.h"
#include "plugin/save/save.h"
#include "stream/limits.h"
#include "stream/xl2.h"

enum { EMULATOR_QEMU = 2 };

/* ---- END ----------------------------------------------------------------- */

static void after_end(void *ctx, const struct xsr_err *err)
{
    struct xsr_save *s = ctx;

    if (err)
        xsr_save_fail(s, err);
    else
        xsr_save_after_end(s);
}

static void write_end(struct xsr_save *s)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (xsr_xl2_put_rec(&s->sink.buf, XSR_XL2_END, 0, &err) < 0)
        xsr_save_fail(s, &err);
    else
        xsr_sink_send(&s->sink, after_end, s);
}

/* ---- EMULATOR_CONTEXT ---------------------------------------------------- */

static uint64_t state_len(const struct xsr_save *s)
{
    struct stat st;

    return fstat(s->state_fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void after_padding(void *ctx, const struct xsr_err *err)
{
    struct xsr_save *s = ctx;

    xsr_close(&s->state_fd);
    if (err)
        xsr_save_fail(s, err);
    else
        write_end(s);
}

static void after_context(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_save *s = ctx;
    uint32_t pad = xsr_xl2_pad((uint32_t)state_len(s));

    if (!err && xsr_buf_put_zero(&s->sink.buf, pad, &mine) < 0)
        err = &mine;
    if (err)
        after_padding(s, err);
    else
        xsr_sink_send(&s->sink, after_padding, s);
}

static void after_context_header(void *ctx, const struct xsr_err *err)
{
    struct xsr_save *s = ctx;

    if (err)
        after_padding(s, err);
    else
        xsr_sink_copy(&s->sink, s->state_fd, state_len(s), s->state_path,
                      after_context, s);
}

/* The device model has written it and is stopped: it does not change now. */
static int open_state(struct xsr_save *s, uint32_t *len_out,
                      struct xsr_err *err)
{
    const uint32_t max = XSR_MAX_EMULATOR_CONTEXT - XSR_XL2_EMU_HDR_LEN;
    struct stat st;

    s->state_fd = open(s->state_path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (s->state_fd < 0 || fstat(s->state_fd, &st) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno,
                            "device model: cannot open its state %s",
                            s->state_path);
    if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > max)
        return xsr_fail(err, XSR_E_PEER,
                        "device model: it left %lld bytes of state in %s; "
                        "allowed are 1 to %u",
                        (long long)st.st_size, s->state_path, max);
    *len_out = (uint32_t)st.st_size;
    return 0;
}

static int put_context_header(struct xsr_save *s, struct xsr_err *err)
{
    uint32_t len = 0;

    if (open_state(s, &len, err) < 0)
        return -1;
    xsr_log(&s->x->log, XSR_LOG_DEBUG, "EMULATOR_CONTEXT: %" PRIu32 " bytes",
            len);
    if (xsr_xl2_put_rec(&s->sink.buf, XSR_XL2_EMULATOR_CONTEXT,
                        XSR_XL2_EMU_HDR_LEN + len, err) < 0)
        return -1;
    return xsr_xl2_put_emu(&s->sink.buf, EMULATOR_QEMU, err);
}

/* ---- EMULATOR_XENSTORE_DATA ---------------------------------------------- */

static void after_keys(void *ctx, const struct xsr_err *err)
{
    struct xsr_err mine = XSR_ERR_INIT;
    struct xsr_save *s = ctx;

    if (!err && put_context_header(s, &mine) < 0)
        err = &mine;
    if (err)
        after_padding(s, err);
    else
        xsr_sink_send(&s->sink, after_context_header, s);
}

static int put_keys(struct xsr_save *s, struct xsr_err *err)
{
    struct xsr_buf keys = XSR_BUF_INIT, *out = &s->sink.buf;
    size_t n = 0;
    uint32_t len;
    int rc;

    rc = xsr_emu_keys_read(s->xs, s->params->domid, &keys, &n, err);
    if (rc == 0 && n) {
        len = XSR_XL2_EMU_HDR_LEN + (uint32_t)keys.len;
        xsr_log(&s->x->log, XSR_LOG_DEBUG, "EMULATOR_XENSTORE_DATA: %zu keys",
                n);
        if (xsr_xl2_put_rec(out, XSR_XL2_EMULATOR_XENSTORE_DATA, len, err) <
                0 ||
            xsr_xl2_put_emu(out, EMULATOR_QEMU, err) < 0 ||
            xsr_buf_put(out, keys.p, keys.len, err) < 0 ||
            xsr_buf_put_zero(out, xsr_xl2_pad(len), err) < 0)
            rc = -1;
    }
    xsr_buf_fini(&keys);
    return rc;
}

void xsr_tail_start(struct xsr_save *s)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (s->subject.type != XENSR_HVM)
        write_end(s);
    else if (put_keys(s, &err) < 0)
        xsr_save_fail(s, &err);
    else
        xsr_sink_send(&s->sink, after_keys, s);
}
