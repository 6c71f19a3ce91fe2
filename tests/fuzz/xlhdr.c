/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: the header of an xl save file and the optional data behind it.
 * Input: a file from its first byte. What is accepted as JSON configuration is
 * written back by the writer and must give the same bytes.
 */
#include <stdlib.h>

#include "stream/limits.h"
#include "stream/xlfile.h"
#include "tests/fuzz/support/fuzz.h"

static void same_when_written(const uint8_t *data,
                              const struct xsr_xlfile_config *config)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf out = XSR_BUF_INIT;

    fuzz_good(xsr_xlfile_put(&out, config->text, &err), &err);
    need(out.len == XSR_XLFILE_HDR_LEN + 4 + config->len + 1,
         "%zu bytes written for a text of %zu", out.len, config->len);
    need(!memcmp(out.p, data, out.len), "written back it is not the same");
    xsr_buf_fini(&out);
}

static void try_config(const uint8_t *data, size_t size,
                       const struct xsr_xlfile_hdr *hdr)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xlfile_config config;
    struct xsr_cur cur;
    size_t n = hdr->optional_len;
    uint8_t *body;

    if (n > size - XSR_XLFILE_HDR_LEN)
        n = size - XSR_XLFILE_HDR_LEN;
    body = fuzz_copy(data + XSR_XLFILE_HDR_LEN, n);
    xsr_cur_init(&cur, body, n, FUZZ_BASE);
    if (xsr_xlfile_get_config(&cur, hdr, &config, &err)) {
        fuzz_refused(&err, FUZZ_BASE, n);
    } else if (config.len) {
        need(n >= 4 && config.len <= n - 4, "config of %zu in %zu bytes",
             config.len, n);
        need(config.text == (const char *)body + 4, "config is elsewhere");
        if (hdr->mandatory_flags & XSR_XLFILE_JSON)
            need(strlen(config.text) == config.len, "a NUL inside the text");
        if (hdr->mandatory_flags == 3 && hdr->optional_len == config.len + 5)
            same_when_written(data, &config);
    }
    fuzz_cursor(&cur, 0);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = size < XSR_XLFILE_HDR_LEN ? size : XSR_XLFILE_HDR_LEN;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xlfile_hdr hdr;
    struct xsr_cur cur;
    uint8_t *head = fuzz_copy(data, n);
    int rc;

    xsr_cur_init(&cur, head, n, FUZZ_BASE);
    rc = xsr_xlfile_get_hdr(&cur, &hdr, &err);
    fuzz_cursor(&cur, 0);
    if (rc) {
        fuzz_refused(&err, FUZZ_BASE, n);
        need(n < 8 || err.kind != XSR_E_UNSUPPORTED ||
                 xsr_xlfile_probe(head, n),
             "an xl file of another kind is not recognised as one");
    } else {
        need(n == XSR_XLFILE_HDR_LEN && cur.pos == n, "taken %zu", cur.pos);
        need(xsr_xlfile_probe(head, n), "accepted but not recognised");
        need(!(hdr.mandatory_flags & ~3u) && !hdr.optional_flags &&
                 hdr.optional_len <= XSR_MAX_XL_OPTIONAL,
             "flags 0x%x 0x%x, length %u", hdr.mandatory_flags,
             hdr.optional_flags, hdr.optional_len);
        try_config(data, size, &hdr);
    }
    free(head);
    return 0;
}
