/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: a legacy stream becomes a v2 stream. Input: a byte of options,
 * then the stream. It is converted from a file and from a pipe: verdict, output
 * and report must be the same. What comes out of a conversion that says it
 * worked is walked as any v2 stream, and of a file exactly the stream's own
 * bytes are used up.
 */
#include <stdio.h>
#include <stdlib.h>

#include "convert/legacy.h"
#include "lib/fd.h"
#include "lib/util.h"
#include "stream/xc3.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/walk.h"

#define MAX_INPUT (60u << 10) /* fits into a pipe */

struct result {
    int rc;
    struct xsr_err err;
    struct xsr_legacy_report report;
    struct xsr_buf out;
};

static struct xsr_legacy_params options(uint8_t how)
{
    return (struct xsr_legacy_params){
        .xl_header = how & 1,
        .libxc = how & 2,
        .skip_qemu = (how & 6) == 6,
        .drop_tmem = how & 8,
        .verify_records = how & 16,
        .remus = how & 32 ? XSR_LEGACY_LAST : XSR_LEGACY_FIRST,
    };
}

static void convert(struct result *r, uint8_t how, const uint8_t *p, size_t n,
                    bool through_pipe)
{
    struct xsr_legacy_params params = options(how);

    memset(r, 0, sizeof *r);
    xsr_err_clear(&r->err);
    params.in = through_pipe ? fuzz_pipe(p, n) : fuzz_file(p, n);
    params.out = fuzz_file(NULL, 0);
    r->rc = xsr_convert_legacy(&params, &r->report, &r->err);
    if (r->rc)
        fuzz_refused_anywhere(&r->err);
    else if (!through_pipe)
        need((uint64_t)lseek(params.in, 0, SEEK_CUR) == r->report.in_bytes,
             "the position is not behind the %llu bytes that were converted",
             (unsigned long long)r->report.in_bytes);
    need(r->rc || r->report.in_bytes <= n, "more bytes than there are");
    fuzz_read_back(params.out, &r->out);
    xsr_close(&params.in);
    xsr_close(&params.out);
}

static void check_same(const struct result *a, const struct result *b)
{
    need(a->rc == b->rc && a->err.kind == b->err.kind &&
             a->err.offset == b->err.offset,
         "file: \"%s\" at %lld; pipe: \"%s\" at %lld", a->err.text,
         (long long)a->err.offset, b->err.text, (long long)b->err.offset);
    if (a->rc)
        return;
    need(!memcmp(&a->report, &b->report, sizeof a->report),
         "other reports of file and pipe");
    need(a->out.len == b->out.len &&
             (!a->out.len || !memcmp(a->out.p, b->out.p, a->out.len)),
         "other output of file and pipe");
}

/*
 * What a saver wrote as one block is passed on as it is; so is the text of the
 * configuration, which may speak of another type of guest.
 */
static bool passed_on(const struct xsr_err *err)
{
    static const char *const words[] = {
        "HVM_CONTEXT", "VCPU",
        "TSC_INFO",    "valid JSON",
        "JSON text",   "another type of guest",
        "no emulator", "EMULATOR_CONTEXT is missing",
    };

    for (size_t i = 0; i < XSR_ARRAY_LEN(words); i++)
        if (strstr(err->text, words[i]))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct fuzz_in in = {data, size};
    static struct result file, through;
    uint8_t how = fuzz_u8(&in);

    if (in.len > MAX_INPUT)
        return 0;
    convert(&file, how, in.p, in.len, false);
    convert(&through, how, in.p, in.len, true);
    check_same(&file, &through);
    if (file.rc && file.err.offset != XSR_NO_OFFSET)
        fuzz_refused(&file.err, 0, in.len);
    if (!file.rc) {
        need(file.report.out_bytes == file.out.len, "%llu bytes of output",
             (unsigned long long)file.report.out_bytes);
        need(!walk_all(file.out.p, file.out.len, &err) || passed_on(&err),
             "its output is refused: %s (at %llu of %zu)", err.text,
             (unsigned long long)err.offset, file.out.len);
    }
    xsr_buf_fini(&file.out);
    xsr_buf_fini(&through.out);
    return 0;
}
