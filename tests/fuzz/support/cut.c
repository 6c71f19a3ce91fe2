/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cuts a good image, or the record of a save helper's conversation, into seeds
 * for the fuzz targets: `cut image|talk-save|talk-restore NAME FOLDER < INPUT`
 * writes FOLDER/TARGET/NAME-N, in the form in which each target wants its input
 * (the head of tests/fuzz/TARGET.c says it). seeds.sh calls it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/ipc.h"
#include "lib/util.h"
#include "tests/fuzz/support/fuzz.h"
#include "tests/fuzz/support/walk.h"

#define MAX_SEED    (64u << 10)
#define MAX_SAME    3u /* seeds of one kind that look alike */
#define MINI_DATA   2u /* pages with content, and without, in a small image */
#define MINI_NODATA 6u

static const char *name, *folder;
static struct xsr_err err = XSR_ERR_INIT;

/* An image grown small, and its frames alone. */
static struct xsr_buf mini, xl2_frames, xc3_frames;

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "cut: %s: %s\n", name, what);
    exit(1);
}

static void seed(const char *target, const void *p, size_t n)
{
    static unsigned count;
    char path[4096];
    FILE *f;

    if (n > MAX_SEED)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, target);
    if (mkdir(path, 0777) && errno != EEXIST)
        die(path);
    snprintf(path, sizeof path, "%s/%s/%s-%u", folder, target, name, count++);
    f = fopen(path, "wxe");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f))
        die(path);
}

static void put(struct xsr_buf *buf, const void *p, size_t n)
{
    fuzz_good(xsr_buf_put(buf, p, n, &err), &err);
}

static void put_u8(struct xsr_buf *buf, uint8_t v)
{
    put(buf, &v, 1);
}

/* ---- images ---------------------------------------------------------------
 */

static void seed_blob(const struct walk *w, const uint8_t *p, size_t n)
{
    static unsigned of_type[XSR_XC3_N_TYPES];
    struct xsr_buf buf = XSR_BUF_INIT;
    uint32_t type = w->s.rec.type;

    if (type >= XSR_XC3_N_TYPES || of_type[type]++ >= MAX_SAME)
        return;
    put_u8(&buf, (uint8_t)type);
    put_u8(&buf, w->s.width == 4);
    put(&buf, p, n);
    seed(type == XSR_XC3_HVM_CONTEXT ? "hvmctx" : "blobs",
         buf.p + (type == XSR_XC3_HVM_CONTEXT ? 2 : 0),
         buf.len - (type == XSR_XC3_HVM_CONTEXT ? 2 : 0));
    xsr_buf_fini(&buf);
}

static void seed_pages(const struct walk *w, const uint8_t *frame, size_t n)
{
    static unsigned n_large, n_small;
    struct xsr_buf buf = XSR_BUF_INIT;

    if (w->batch.count > 64 ? n_large++ : n_small++ >= MAX_SAME)
        return;
    put_u8(&buf, w->s.dhdr.guest == XSR_XC3_PV);
    put_u8(&buf, w->s.width == 4);
    fuzz_good(xsr_buf_put_u64(&buf,
                              w->s.dhdr.guest == XSR_XC3_PV ? w->s.max_pfn
                                                            : XSR_MAX_PFN,
                              &err),
              &err);
    put(&buf, frame, n);
    seed("pages", buf.p, buf.len);
    xsr_buf_fini(&buf);
}

/* One record with a few of the pages: contents stay what they were. */
static void mini_pages(const struct walk *w)
{
    const uint8_t *from = w->p + w->s.pos;
    struct xsr_page_entry e[MINI_DATA + MINI_NODATA];
    uint32_t n = 0, n_data = 0;
    static unsigned n_records;

    if (n_records++ >= MAX_SAME)
        return;
    for (uint32_t i = 0; i < w->batch.count && n < XSR_ARRAY_LEN(e); i++) {
        if (!xsr_page_has_data(w->batch.entry[i].type)) {
            if (n - n_data < MINI_NODATA)
                e[n++] = w->batch.entry[i];
        } else if (n_data < MINI_DATA) {
            e[n++] = w->batch.entry[i];
            n_data++;
        }
    }
    fuzz_good(xsr_pages_put_head(&mini, e, n, &err), &err);
    put(&mini, from, (size_t)n_data * XSR_PAGE_SIZE);
}

static void frame(struct walk *w, enum walk_at at, const uint8_t *p, size_t n)
{
    static unsigned same;
    static uint32_t last;
    struct xsr_buf *to = at == AT_REC ? &xc3_frames : &xl2_frames;

    if (at == AT_REC) {
        same = w->s.rec.type == last ? same + 1 : 0;
        last = w->s.rec.type;
        if (same < MAX_SAME)
            put(to, p, n);
        if (w->s.at == AT_XL2_REC && w->s.rec.type == XSR_XC3_CHECKPOINT)
            xl2_frames.p[xl2_frames.len - 1] = 1;
        return;
    }
    put(to, p, n);
    if (w->s.xl2_rec.type == XSR_XL2_LIBXC_CONTEXT ||
        w->s.xl2_rec.type == XSR_XL2_CHECKPOINT_END)
        put_u8(to, 0);
}

static void header(const struct walk *w, enum walk_at at, const uint8_t *p,
                   size_t n)
{
    if (at == AT_XL_HDR)
        seed("xlhdr", p,
             xsr_min(n + w->s.xl.optional_len, (size_t)(w->p + w->len - p)));
    if (at == AT_XL2_HDR) {
        put_u8(&xl2_frames, (uint8_t)w->s.xl2_order.guest);
        put(&xl2_frames, p, n);
    }
    if (at == AT_IHDR)
        put_u8(&xc3_frames, 0);
    if (at == AT_IHDR || at == AT_DHDR)
        put(&xc3_frames, p, n);
}

static void seed_of_step(struct walk *w, enum walk_at at, const uint8_t *p,
                         size_t n)
{
    header(w, at, p, n);
    if (at == AT_REC || at == AT_XL2_REC)
        frame(w, at, p, n);
    if (at == AT_XL2_EMU)
        put(&xl2_frames, p, n);
    if (at == AT_XL2_KEYS)
        seed("xskeys", p, n);
    if (at == AT_XL2_BLOB && w->s.xl2_rec.type == XSR_XL2_EMULATOR_CONTEXT)
        seed("qemu", p, n);
    if (at == AT_BODY)
        seed_blob(w, p, n);
    if (at == AT_PAGES) {
        seed_pages(w, p - XSR_XC3_REC_HDR_LEN, n + XSR_XC3_REC_HDR_LEN);
        mini.len -= XSR_XC3_REC_HDR_LEN;
        mini_pages(w);
    } else if (at != AT_CONTENT) {
        put(&mini, p, n);
    }
}

static void cut_image(const uint8_t *p, size_t len)
{
    static struct walk w;
    int more = 1;

    walk_init(&w, p, len);
    while (more > 0) {
        enum walk_at at = w.s.at;
        size_t from = w.s.pos;

        more = walk_step(&w, &err);
        if (more < 0)
            die(err.text);
        seed_of_step(&w, at, p + from, w.s.pos - from);
    }
    seed("image", mini.p, mini.len);
    if (xl2_frames.len)
        seed("xl2", xl2_frames.p, xl2_frames.len);
    xc3_frames.p[0] = (w.s.order.seen_ever >> XSR_XC3_CHECKPOINT) & 1;
    seed("xc3", xc3_frames.p, xc3_frames.len);
}

/* ---- conversations --------------------------------------------------------
 */

static int hex(int c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* Lines "< HEX" are what the helper wrote. */
static void helper_bytes(const char *text, size_t len, struct xsr_buf *out)
{
    bool line = true, ours = false;

    for (size_t i = 0; i + 1 < len; i++) {
        if (line)
            ours = text[i] == '<';
        line = text[i] == '\n';
        if (!ours || hex(text[i]) < 0 || hex(text[i + 1]) < 0)
            continue;
        put_u8(out, (uint8_t)(hex(text[i]) << 4 | hex(text[i + 1])));
        i++;
    }
}

static void cut_talk(const char *text, size_t len, bool restore)
{
    struct xsr_buf said = XSR_BUF_INIT, one = XSR_BUF_INIT;
    unsigned of_number[64] = {0};
    size_t pos = 0;

    put_u8(&said, restore);
    put_u8(&said, 1);
    helper_bytes(text, len, &said);
    seed("talk", said.p, xsr_min(said.len, 8192));
    for (pos = 2; pos + 4 <= said.len;) {
        size_t n = xsr_le16(said.p + pos);
        uint16_t number = xsr_le16(said.p + pos + 2);

        if (pos + 2 + n > said.len || number >= XSR_ARRAY_LEN(of_number))
            die("not a conversation");
        xsr_buf_clear(&one);
        put_u8(&one, XSR_IPC_G7);
        put_u8(&one, restore);
        put(&one, said.p + pos + 2, n);
        if (of_number[number]++ < MAX_SAME)
            seed("ipc", one.p, one.len);
        pos += 2 + n;
    }
    xsr_buf_fini(&said);
    xsr_buf_fini(&one);
}

/* ---- the whole ------------------------------------------------------------
 */

static void read_all(struct xsr_buf *in)
{
    static uint8_t piece[1 << 16];
    size_t n;

    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0)
        put(in, piece, n);
}

int main(int argc, char **argv)
{
    struct xsr_buf in = XSR_BUF_INIT;

    if (argc != 4) {
        fputs("usage: cut image|talk-save|talk-restore NAME FOLDER < INPUT\n",
              stderr);
        return 2;
    }
    name = argv[2];
    folder = argv[3];
    read_all(&in);
    if (!strcmp(argv[1], "image"))
        cut_image(in.p, in.len);
    else
        cut_talk((const char *)in.p, in.len, !strcmp(argv[1], "talk-restore"));
    xsr_buf_fini(&in);
    xsr_buf_fini(&mini);
    xsr_buf_fini(&xl2_frames);
    xsr_buf_fini(&xc3_frames);
    return 0;
}
