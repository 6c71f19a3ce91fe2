/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For tests of the engine: make a libxc image record by record, and restore it
 * from a file that goes on behind it.
 */
#ifndef XSR_TESTS_IMAGE_H
#define XSR_TESTS_IMAGE_H

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/engine.h"
#include "lib/buf.h"
#include "lib/bytes.h"
#include "stream/pages.h"
#include "stream/xc3.h"

#define IMAGE_STORE_PORT   0x21u
#define IMAGE_CONSOLE_PORT 0x22u

static struct {
    struct xsr_buf octets;
    char rest[64]; /* what was behind END when it returned */
    unsigned n_static, missing, n_warnings;
    int static_answer;
    enum xsr_stream_type stream_type;
    unsigned n_checkpoints, lose; /* at which the primary is lost; 0: none */
    struct xsr_engine_restore restore;
    struct xsr_err err;
} image;

static void image_end(void)
{
    xsr_buf_fini(&image.octets);
}

static void image_begin(uint32_t guest, uint32_t version)
{
    image_end();
    memset(&image, 0, sizeof(image));
    assert_int_equal(xsr_xc3_put_ihdr(&image.octets, version, &image.err), 0);
    assert_int_equal(xsr_xc3_put_dhdr(&image.octets, guest, 4, 17, &image.err),
                     0);
}

static void image_put(uint32_t type, const void *body, uint32_t len)
{
    assert_int_equal(
        xsr_xc3_put_rec(&image.octets, type, body ? body : "", len, &image.err),
        0);
}

/* One PAGE_DATA; page i, if it has content, is filled with fill[i]. */
static inline void image_put_pages(const struct xsr_page_entry *e,
                                   const uint8_t *fill, uint32_t n)
{
    uint8_t page[4096];

    assert_int_equal(xsr_pages_put_head(&image.octets, e, n, &image.err), 0);
    for (uint32_t i = 0; i < n; i++) {
        memset(page, fill[i], sizeof(page));
        if (xsr_page_has_data(e[i].type))
            assert_int_equal(
                xsr_buf_put(&image.octets, page, sizeof(page), &image.err), 0);
    }
}

static inline void image_behind(const char *text)
{
    assert_int_equal(xsr_buf_put(&image.octets, text, strlen(text), &image.err),
                     0);
}

static inline const char *image_rest(void)
{
    return image.rest;
}

static int image_static_done(void *ctx, unsigned missing)
{
    (void)ctx;
    image.n_static++;
    image.missing = missing;
    return image.static_answer;
}

static int image_checkpoint(void *ctx)
{
    (void)ctx;
    return ++image.n_checkpoints == image.lose ? 2 : 1;
}

static void image_line(void *ctx, enum xsr_level level, const char *text)
{
    (void)ctx, (void)text;
    image.n_warnings += level <= XSR_LOG_WARN;
}

static int image_restore(void)
{
    static const struct xsr_engine_restore_ops ops = {
        .on_static_data_done = image_static_done,
        .checkpoint = image_checkpoint};
    struct xsr_log log = {.on_line = image_line, .max_level = XSR_LOG_DEBUG};
    int fd = memfd_create("image", MFD_CLOEXEC), rc;

    assert_int_equal(write(fd, image.octets.p, image.octets.len),
                     (ssize_t)image.octets.len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    xsr_err_clear(&image.err);
    image.n_warnings = image.n_static = 0;
    image.restore = (struct xsr_engine_restore){
        .xch = (xc_interface *)&image,
        .fd = fd,
        .domid = 9,
        .store_evtchn = IMAGE_STORE_PORT,
        .store_domid = 6,
        .console_evtchn = IMAGE_CONSOLE_PORT,
        .console_domid = 5,
        .stream_type = image.stream_type,
        .log = &log,
        .ops = &ops,
    };
    rc = xsr_engine_restore(&image.restore, &image.err);
    memset(image.rest, 0, sizeof(image.rest));
    assert_true(read(fd, image.rest, sizeof(image.rest) - 1) >= 0);
    close(fd);
    return rc;
}

static void image_refused(enum xsr_kind kind, const char *text)
{
    assert_int_equal(image_restore(), -1);
    if (!strstr(image.err.text, text))
        print_error("found \"%s\", expected \"%s\"\n", image.err.text, text);
    assert_int_equal(image.err.kind, kind);
    assert_non_null(strstr(image.err.text, text));
    assert_true(!image.restore.store_gfn && !image.restore.console_gfn);
}

#endif
