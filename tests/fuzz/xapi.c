/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: the outer layer of XenServer's images. Input: the signature,
 * then record headers without what follows them. Headers that pass are the same
 * bytes when they are written back, and their order is compared with the rules
 * written down here a second time: each once, one image, nothing behind the
 * end.
 */
#include "stream/limits.h"
#include "stream/xapi/xapi.h"
#include "tests/fuzz/support/fuzz.h"

struct seen {
    uint32_t types[16];
    unsigned n;
    bool image, done;
};

static bool due(const struct seen *s, uint32_t type)
{
    if (s->done)
        return false;
    for (unsigned i = 0; i < s->n; i++)
        if (s->types[i] == type)
            return false;
    if (type == XSR_XAPI_LIBXC || type == XSR_XAPI_LIBXC_LEGACY)
        return !s->image;
    return type != XSR_XAPI_END || s->image;
}

static void note(struct seen *s, uint32_t type)
{
    need(s->n < 16, "more records than types");
    s->types[s->n++] = type;
    s->image |= type == XSR_XAPI_LIBXC || type == XSR_XAPI_LIBXC_LEGACY;
    s->done = type == XSR_XAPI_END;
}

static void check_header(const struct xsr_xapi_hdr *hdr, const uint8_t *p)
{
    struct xsr_buf out = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;

    need(hdr->len <= XSR_MAX_XAPI_RECORD || hdr->len <= XSR_MAX_XAPI_QEMU,
         "length %u", hdr->len);
    need(hdr->type != XSR_XAPI_LIBXL && hdr->type != XSR_XAPI_QEMU_XEN,
         "type 0x%x, which is reserved", hdr->type);
    need(!hdr->len ||
             (hdr->type != XSR_XAPI_LIBXC &&
              hdr->type != XSR_XAPI_LIBXC_LEGACY && hdr->type != XSR_XAPI_END),
         "length %u of type 0x%x", hdr->len, hdr->type);
    need(*xsr_xapi_type_name(hdr->type), "a type without name");
    fuzz_good(xsr_xapi_put_hdr(&out, hdr->type, hdr->len, &err), &err);
    need(out.len == XSR_XAPI_HDR_LEN && !memcmp(out.p, p, out.len),
         "written back it is not the same");
    xsr_buf_fini(&out);
}

static bool try_record(struct xsr_cur *cur, struct xsr_xapi_order *order,
                       struct seen *seen)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xapi_hdr hdr;
    size_t from = cur->pos;

    if (xsr_xapi_get_hdr(cur, &hdr, &err)) {
        fuzz_refused(&err, FUZZ_BASE + from, cur->len - from);
        return false;
    }
    check_header(&hdr, cur->p + from);
    if (xsr_xapi_order_next(order, hdr.type, FUZZ_BASE + from, &err)) {
        fuzz_refused(&err, FUZZ_BASE + from, 0);
        need(err.kind == XSR_E_ORDER && !due(seen, hdr.type), "refused: %s",
             err.text);
        return true; /* as if it had not been there */
    }
    need(due(seen, hdr.type), "%s is taken", xsr_xapi_type_name(hdr.type));
    note(seen, hdr.type);
    need(xsr_xapi_order_done(order) == seen->done, "done, or not");
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_buf out = XSR_BUF_INIT;
    struct xsr_xapi_order order = {0};
    struct seen seen = {{0}, 0, false, false};
    struct xsr_cur cur;

    xsr_cur_init(&cur, data, size, FUZZ_BASE);
    if (xsr_xapi_get_sig(&cur, &err)) {
        fuzz_refused(&err, FUZZ_BASE, size);
        return 0;
    }
    fuzz_good(xsr_xapi_put_sig(&out, &err), &err);
    need(out.len == cur.pos && !memcmp(out.p, data, out.len), "signature");
    xsr_buf_fini(&out);
    while (xsr_cur_left(&cur) && try_record(&cur, &order, &seen))
        fuzz_cursor(&cur, 0);
    return 0;
}
