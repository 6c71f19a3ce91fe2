/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: one image in another container or version. Input: a byte that
 * says what it is to become, then the image. Parts without a place are taken
 * aside, and given to the conversion back: the same bytes must come out. What
 * a conversion writes is accepted by the readers of that format, and it is the
 * same from a file and from a pipe.
 */
#include <stdio.h>
#include <stdlib.h>

#include "convert/v2/convert.h"
#include "lib/fd.h"
#include "lib/util.h"
#include "stream/limits.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/walk.h"

static const struct {
    enum xsr_format to;
    uint32_t version;
} targets[] = {
    {XSR_FORMAT_UNKNOWN, 0}, {XSR_FORMAT_UNKNOWN, 2}, {XSR_FORMAT_UNKNOWN, 3},
    {XSR_FORMAT_XL, 0},      {XSR_FORMAT_LIBXL, 0},   {XSR_FORMAT_LIBXC3, 0},
    {XSR_FORMAT_LIBXC2, 2},  {XSR_FORMAT_LIBXC3, 3},  {XSR_FORMAT_XENSERVER, 0},
    {XSR_FORMAT_LIBXL, 2},   {XSR_FORMAT_LIBXL, 3},
};

/* One that is made for XenServer has the time in it; this one has not. */
#define XENOPS "((vm_str x))"

struct job {
    int part[XSR_N_PARTS]; /* files, or -1 */
    struct xsr_convert_report report;
    struct xsr_buf out;
    struct xsr_err err;
    int rc;
    bool back;
};

static int aside(void *ctx, enum xsr_part part, uint64_t len, int *fd_out,
                 struct xsr_err *err)
{
    struct job *job = ctx;

    (void)err;
    /* as the input announces it; there need not be that much */
    need(len <= (part == XSR_PART_XENOPS ? XSR_MAX_XAPI_RECORD
                                         : XSR_MAX_EMULATOR_CONTEXT),
         "part %s of %llu bytes", xsr_part_name(part), (unsigned long long)len);
    need(job->part[part] < 0 || part == XSR_PART_XENOPS, "part %s twice",
         xsr_part_name(part));
    xsr_close(&job->part[part]);
    *fd_out = job->part[part] = fuzz_file(NULL, 0);
    return 0;
}

static int aside_done(void *ctx, enum xsr_part part, struct xsr_err *err)
{
    (void)ctx;
    (void)part;
    (void)err;
    return 0;
}

static int with(void *ctx, enum xsr_part part, int *fd_out, uint64_t *len_out,
                struct xsr_err *err)
{
    struct job *job = ctx;

    (void)err;
    *fd_out = job->back || part == XSR_PART_XENOPS ? job->part[part] : -1;
    if (*fd_out < 0)
        return 0;
    *len_out = (uint64_t)lseek(*fd_out, 0, SEEK_END);
    need(lseek(*fd_out, 0, SEEK_SET) == 0, "lseek");
    return 0;
}

/* The configuration that lies aside, for an input that has none. */
static int config(void *ctx, struct xsr_buf *text, bool json, bool *changed_out,
                  struct xsr_err *err)
{
    struct job *job = ctx;

    (void)json;
    if (text->len || job->part[XSR_PART_CONFIG] < 0)
        return 0;
    fuzz_read_back(job->part[XSR_PART_CONFIG], text);
    *changed_out = true;
    return xsr_buf_put_zero(text, 1, err);
}

static void note(void *ctx, const char *text)
{
    (void)ctx;
    need(*text, "a note without words");
}

static void init(struct job *job)
{
    memset(job, 0, sizeof *job);
    for (size_t i = 0; i < XSR_N_PARTS; i++)
        job->part[i] = -1;
    job->part[XSR_PART_XENOPS] = fuzz_file(XENOPS, sizeof XENOPS - 1);
}

static void fini(struct job *job)
{
    for (size_t i = 0; i < XSR_N_PARTS; i++)
        xsr_close(&job->part[i]);
    xsr_buf_fini(&job->out);
}

static void convert(struct job *job, enum xsr_format to, uint32_t version,
                    const uint8_t *p, size_t n, bool through_pipe, bool back)
{
    struct xsr_convert_params params = {
        .must_end = true,
        .to = to,
        .version = version,
        .parts = {back ? NULL : aside, aside_done, with, note, job},
        .config = back ? config : NULL,
    };

    job->back = back;
    xsr_buf_clear(&job->out);
    xsr_err_clear(&job->err);
    params.in = through_pipe ? fuzz_pipe(p, n) : fuzz_file(p, n);
    params.out = fuzz_file(NULL, 0);
    job->rc = xsr_convert(&params, &job->report, &job->err);
    fuzz_read_back(params.out, &job->out);
    xsr_close(&params.in);
    xsr_close(&params.out);
    if (!job->rc)
        need(job->report.out_bytes == job->out.len, "%llu bytes of output",
             (unsigned long long)job->report.out_bytes);
    else
        fuzz_refused_anywhere(&job->err);
}

/* What was good is good in its new form. */
static void check_output(const struct job *job)
{
    struct xsr_err err = XSR_ERR_INIT;

    if (job->report.to != XSR_FORMAT_XENSERVER)
        need(!walk_all(job->out.p, job->out.len, &err),
             "its output is refused: %s (at %llu of %zu)", err.text,
             (unsigned long long)err.offset, job->out.len);
}

/* A header that no xl writes is not written back. */
static bool odd_header(const uint8_t *p, size_t n)
{
    return n < XSR_XLFILE_HDR_LEN + 4 || xsr_le32(p + 36) != 3 ||
           xsr_le32(p + 44) != xsr_le32(p + 48) + 4 || xsr_le32(p + 48) < 2;
}

static void there_and_back(struct job *job, const uint8_t *p, size_t n)
{
    uint8_t *copy = fuzz_copy(job->out.p, job->out.len);
    size_t len = job->out.len;
    enum xsr_format from = job->report.from;

    /* Where the libxl header's "converted" is lost, it follows from Xen 0. */
    if ((from == XSR_FORMAT_XL && odd_header(p, n)) ||
        !job->report.dhdr.xen_major) {
        free(copy);
        return;
    }
    convert(job, from == XSR_FORMAT_LIBXC2 ? XSR_FORMAT_LIBXC3 : from,
            job->report.version_in, copy, len, false, true);
    need(!job->rc, "the way back is refused: %s", job->err.text);
    need(job->out.len == n && !memcmp(job->out.p, p, n),
         "%s to %s and back: %zu bytes became %zu", xsr_format_name(from),
         xsr_format_name(job->report.from), n, job->out.len);
    free(copy);
}

/* Older formats need a process each; convert.c is for them. */
static bool ours(const uint8_t *p, size_t n)
{
    static const uint8_t old[8] = {0xf2};
    enum xsr_format format = xsr_format_detect(p, n);

    if (format == XSR_FORMAT_XENSERVER)
        return !memmem(p, n, old, sizeof old);
    return format == XSR_FORMAT_XL || format == XSR_FORMAT_LIBXL ||
           format == XSR_FORMAT_LIBXC2 || format == XSR_FORMAT_LIBXC3;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    size_t what = fuzz_u8(&in) % XSR_ARRAY_LEN(targets);
    struct xsr_err err = XSR_ERR_INIT;
    static struct job file, through;

    if (in.len > FUZZ_PIPE_MAX || !ours(in.p, in.len))
        return 0;
    init(&file);
    init(&through);
    convert(&file, targets[what].to, targets[what].version, in.p, in.len, false,
            false);
    convert(&through, targets[what].to, targets[what].version, in.p, in.len,
            true, false);
    need(file.rc == through.rc && !strcmp(file.err.text, through.err.text) &&
             file.err.offset == through.err.offset,
         "file: \"%s\", pipe: \"%s\"", file.err.text, through.err.text);
    if (!file.rc) {
        need(file.out.len == through.out.len &&
                 !memcmp(file.out.p, through.out.p, file.out.len),
             "other output of file and pipe");
        if (!walk_all(in.p, in.len, &err)) {
            check_output(&file);
            there_and_back(&file, in.p, in.len);
        }
    } else if (file.err.offset != XSR_NO_OFFSET) {
        fuzz_refused(&file.err, 0, in.len);
    }
    fini(&file);
    fini(&through);
    return 0;
}
