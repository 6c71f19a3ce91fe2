/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream/legacy: pieces of streams of Xen 4.5 and older. */
#include "tests/unit/stream_util.h"

#include "stream/legacy/legacy.h"
#include "stream/xc3.h"

/* ---- what the stream is -------------------------------------------------- */

static void shape_is(const char *bytes, uint8_t width, uint32_t guest)
{
    struct xsr_lg_shape shape;

    accepted(xsr_lg_get_shape((const uint8_t *)bytes, &shape, &err));
    assert_int_equal(shape.width, width);
    assert_int_equal(shape.guest, guest);
}

static int no_shape(const char *bytes, struct xsr_err *err)
{
    struct xsr_lg_shape shape;
    int rc = xsr_lg_get_shape((const uint8_t *)bytes, &shape, err);

    err->offset += BASE; /* it always speaks of the first byte */
    return rc;
}

static void width_and_guest_follow_from_the_first_bytes(void **state)
{
    (void)state;
    shape_is("\xb8\x0b\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 8,
             XSR_XC3_PV);
    shape_is("\xb8\x0b\0\0\xff\xff\xff\xff\x4c\x14\0\0vcpu", 4, XSR_XC3_PV);
    shape_is("\xb8\x0b\0\0\0\0\0\0\xf9\xff\xff\xff\0\0\0\0", 8, XSR_XC3_HVM);
    shape_is("\xb8\x0b\0\0\0\0\0\0\0\x04\0\0\0\0\0\0", 8, XSR_XC3_HVM);
    shape_is("\xb8\x0b\0\0\xf9\xff\xff\xff\0\0\0\0\0\0\0\0", 4, XSR_XC3_HVM);
    shape_is("\xff\xff\xff\x0f\0\x04\0\0\0\0\0\0\0\0\0\0", 4, XSR_XC3_HVM);
    /* verify mode may come first only where it cannot be a PV marker */
    shape_is("\1\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0", 8, XSR_XC3_HVM);
}

static void other_first_bytes_are_refused(void **state)
{
    (void)state;
    refused(no_shape("\0\0\0\0\0\0\0\0\xf9\xff\xff\xff\0\0\0\0", &err),
            XSR_E_FORMAT, 0, "p2m size");
    refused(no_shape("\0\0\0\x10\0\0\0\0\xf9\xff\xff\xff\0\0\0\0", &err),
            XSR_E_FORMAT, 0, "p2m size of 0x10000000");
    refused(no_shape("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &err), XSR_E_FORMAT, 0,
            "no legacy stream");
    refused(no_shape("\1\0\0\0\1\4\0\0\0\0\0\0\0\0\0\0", &err), XSR_E_FORMAT, 0,
            "no legacy stream");
    refused(no_shape("\1\0\0\0\xeb\xff\xff\xff\0\0\0\0\0\0\0\0", &err),
            XSR_E_FORMAT, 0, "no legacy stream");
    refused(no_shape("LibxlFmt\0\0\0\2\0\0\0\0", &err), XSR_E_FORMAT, 0,
            "LibxlFmt");
}

static void every_chunk_has_a_name(void **state)
{
    uint64_t index;

    (void)state;
    for (int32_t id = XSR_LG_LAST_ID; id <= 0; id++)
        assert_non_null(xsr_lg_chunk_name(id));
    assert_string_equal(xsr_lg_chunk_name(-21), "unknown chunk");
    assert_string_equal(xsr_lg_chunk_name(INT32_MIN), "unknown chunk");
    assert_string_equal(xsr_lg_chunk_name(7), "batch of pages");
    assert_true(xsr_lg_is_param(XSR_LG_CONSOLE_PFN, &index));
    assert_int_equal(index, 17);
    assert_false(xsr_lg_is_param(XSR_LG_TSC_INFO, &index));
    assert_false(xsr_lg_is_param(-21, &index));
    assert_false(xsr_lg_is_param(5, &index));
}

/* ---- extended info ------------------------------------------------------- */

static void put_block(struct xsr_buf *b, const char *id, uint32_t len)
{
    accepted(xsr_buf_put(b, id, 4, &err));
    accepted(xsr_buf_put_u32(b, len, &err));
    accepted(xsr_buf_put_zero(b, len, &err));
}

static int get_ext(const struct xsr_buf *b, struct xsr_lg_ext *out,
                   struct xsr_err *err)
{
    struct xsr_cur cur = cursor(b->p, b->len);

    return xsr_lg_get_ext(&cur, out, err);
}

static void blocks_tell_the_width_of_the_guest(void **state)
{
    struct xsr_buf b = XSR_BUF_INIT;
    struct xsr_lg_ext ext;

    (void)state;
    put_block(&b, "futr", 3);
    put_block(&b, "vcpu", XSR_VCPU32_LEN);
    accepted(get_ext(&b, &ext, &err));
    assert_int_equal(ext.guest_width, 4);
    assert_int_equal(ext.pt_levels, 3);
    assert_int_equal(ext.n_unknown, 1);
    assert_false(ext.extended || ext.xsave);
    put_block(&b, "extv", 0);
    put_block(&b, "xcnt", 4);
    accepted(get_ext(&b, &ext, &err));
    assert_true(ext.extended);
    assert_false(ext.xsave); /* a size of 0 */
    b.p[b.len - 4] = 1;
    accepted(get_ext(&b, &ext, &err));
    assert_true(ext.xsave);
    refused((put_block(&b, "vcpu", XSR_VCPU64_LEN), get_ext(&b, &ext, &err)),
            XSR_E_FORMAT, b.len - 8 - XSR_VCPU64_LEN, "second");
    xsr_buf_fini(&b);
}

static void blocks_that_lie_are_refused(void **state)
{
    struct xsr_buf b = XSR_BUF_INIT;
    struct xsr_lg_ext ext;

    (void)state;
    refused(get_ext(&b, &ext, &err), XSR_E_UNSUPPORTED, 0, "no \"vcpu\"");
    put_block(&b, "vcpu", 100);
    refused(get_ext(&b, &ext, &err), XSR_E_UNSUPPORTED, 0, "100 bytes");
    b.p[4] = 101;
    refused(get_ext(&b, &ext, &err), XSR_E_FORMAT, 0, "length 101");
    b.len = 6;
    refused(get_ext(&b, &ext, &err), XSR_E_FORMAT, 4, "length");
    xsr_buf_clear(&b);
    put_block(&b, "xcnt", 3);
    refused(get_ext(&b, &ext, &err), XSR_E_FORMAT, 0, "3 bytes");
    xsr_buf_fini(&b);
}

/* ---- batches ------------------------------------------------------------- */

static const struct xsr_lg_rules hvm64 = {{8, XSR_XC3_HVM}, 1000, 0};
static const struct xsr_lg_rules pv32 = {{4, XSR_XC3_PV}, 1000, 3};

static int get_batch(const struct xsr_lg_rules *rules, const uint64_t *entries,
                     uint32_t n, struct xsr_lg_batch *out, struct xsr_err *err)
{
    uint8_t bytes[8 * 1025] = {0};
    struct xsr_cur cur = cursor(bytes, (size_t)n * rules->shape.width);

    for (uint32_t i = 0; i < n; i++) {
        if (rules->shape.width == 8)
            xsr_st_le64(bytes + 8 * i, entries[i]);
        else
            xsr_st_le32(bytes + 4 * i, (uint32_t)entries[i]);
    }
    return xsr_lg_get_batch(&cur, n, rules, out, err);
}
#define BATCH(rules, ...)                              \
    get_batch(&rules, (const uint64_t[]){__VA_ARGS__}, \
              XSR_ARRAY_LEN(((uint64_t[]){__VA_ARGS__})), &b, &err)

static void entries_become_those_of_page_data(void **state)
{
    struct xsr_lg_batch b;

    (void)state;
    accepted(BATCH(hvm64, 0x10, 0xf0000000, 0xe0000011, 0xf0000012, 0xd0000013,
                   0xf0000000));
    assert_int_equal(b.count, 4);
    assert_int_equal(b.n_data, 1);
    assert_true(b.entry[0] == 0x10);
    assert_true(b.entry[1] == 0xe000000000000011ull);
    assert_true(b.entry[2] == 0xf000000000000012ull);
    assert_true(b.entry[3] == 0xd000000000000013ull);
    accepted(BATCH(pv32, 0xb0000003, 0x10000001, 0x2));
    assert_int_equal(b.n_data, 3);
    assert_true(b.entry[0] == 0xb000000000000003ull);
    accepted(BATCH(hvm64, 0xf0000000));
    assert_int_equal(b.count, 0);
}

static void entries_that_cannot_be_are_refused(void **state)
{
    struct xsr_lg_batch b;

    (void)state;
    refused(BATCH(hvm64, 1, 0x100000002), XSR_E_FORMAT, 8, "upper half");
    for (uint64_t type = 5; type <= 8; type++)
        refused(BATCH(pv32, 1, type << 28), XSR_E_FORMAT, 4, "reserved");
    refused(BATCH(hvm64, 0x10000001), XSR_E_FORMAT, 0, "HVM guest");
    refused(BATCH(pv32, 0x40000001), XSR_E_FORMAT, 0, "32-bit guest");
    refused(BATCH(pv32, 0xc0000001), XSR_E_FORMAT, 0, "L4TAB");
    refused(BATCH(hvm64, 1000), XSR_E_FORMAT, 0, "pfn 0x3e8");
    refused(BATCH(hvm64, 0xf0000000 | 1000), XSR_E_FORMAT, 0, "XTAB");
    refused(BATCH(hvm64, 7, 3, 7), XSR_E_FORMAT, 0, "0x7 twice");
    refused(BATCH(hvm64, 7, 0xe0000007), XSR_E_FORMAT, 0, "0x7 twice");
}

static void a_full_batch_in_any_order_is_fine(void **state)
{
    static const struct xsr_lg_rules rules = {{8, XSR_XC3_HVM}, 1 << 28, 0};
    struct xsr_lg_batch b;
    uint64_t e[1025];

    (void)state;
    for (uint64_t i = 0; i < 1024; i++)
        e[i] = (i * 0x9e3779b1u) & 0xfffffff;
    accepted(get_batch(&rules, e, 1024, &b, &err));
    assert_int_equal(b.n_data, 1024);
    e[1023] = e[0];
    refused(get_batch(&rules, e, 1024, &b, &err), XSR_E_FORMAT, 0, "twice");
}

/* ---- vCPUs --------------------------------------------------------------- */

static int get_vcpus(int32_t max, uint64_t first, uint64_t second,
                     struct xsr_lg_vcpus *out, struct xsr_err *err)
{
    uint8_t p[16] = {0};
    struct xsr_cur cur = cursor(p, max < 64 ? 8 : 16);

    xsr_st_le64(p, first);
    xsr_st_le64(p + 8, second);
    return xsr_lg_get_vcpus(&cur, max, out, err);
}

static int map_len(int32_t max, size_t *len, struct xsr_err *err)
{
    int rc = xsr_lg_vcpu_map_len(max, len, err);

    err->offset = BASE;
    return rc;
}

static void vcpus_above_the_highest_are_refused(void **state)
{
    struct xsr_lg_vcpus v;
    size_t len;

    (void)state;
    accepted(map_len(63, &len, &err));
    assert_int_equal(len, 8);
    accepted(map_len(64, &len, &err));
    assert_int_equal(len, 16);
    accepted(map_len(4095, &len, &err));
    assert_int_equal(len, 512);
    refused(map_len(4096, &len, &err), XSR_E_FORMAT, 0, "4096");
    refused(map_len(-1, &len, &err), XSR_E_FORMAT, 0, "-1");
    accepted(get_vcpus(63, UINT64_MAX, 0, &v, &err));
    assert_int_equal(v.n, 64);
    accepted(get_vcpus(70, 1, 0x40, &v, &err));
    assert_int_equal(v.n, 2);
    assert_true(xsr_lg_online(&v, 70) && !xsr_lg_online(&v, 69));
    refused(get_vcpus(2, 0xf, 0, &v, &err), XSR_E_FORMAT, 0, "vCPU 3");
    refused(get_vcpus(70, 1, 0x80, &v, &err), XSR_E_FORMAT, 8, "vCPU 71");
    refused(get_vcpus(2, 0, 0, &v, &err), XSR_E_FORMAT, 0, "no vCPU");
}

/* ---- toolstack, QEMU ----------------------------------------------------- */

#define ENTRY "\0\0\0\xf0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"

static int get_tools(const char *p, size_t len, uint8_t width,
                     struct xsr_buf *keys, struct xsr_err *err)
{
    struct xsr_cur cur = cursor(p, len);
    uint32_t n;

    xsr_buf_clear(keys);
    return xsr_lg_get_toolstack(&cur, width, keys, &n, err);
}
#define TOOLS(text, width) get_tools(text, sizeof(text) - 1, width, &keys, &err)

static void rubbish_behind_names_is_stepped_over(void **state)
{
    static const char want[] = "physmap/f0000000/start_addr\0"
                               "1\0"
                               "physmap/f0000000/size\0"
                               "2\0"
                               "physmap/f0000000/name\0"
                               "ab\0";
    struct xsr_buf keys = XSR_BUF_INIT;

    (void)state;
    accepted(TOOLS("\1\0\0\0\1\0\0\0" ENTRY "\3\0\0\0"
                   "ab\0",
                   4));
    assert_int_equal(keys.len, sizeof want - 1);
    assert_memory_equal(keys.p, want, keys.len);
    accepted(TOOLS("\1\0\0\0\1\0\0\0" ENTRY "\3\0\0\0"
                   "ab\0"
                   "\xde\xad\xbe\xef",
                   8));
    assert_int_equal(keys.len, sizeof want - 1);
    assert_memory_equal(keys.p, want, keys.len);
    accepted(TOOLS("\1\0\0\0\1\0\0\0" ENTRY "\0\0\0\0", 4));
    assert_int_equal(keys.len, 28 + 2 + 22 + 2);
    accepted(TOOLS("\1\0\0\0\0\0\0\0", 8));
    assert_int_equal(keys.len, 0);
    xsr_buf_fini(&keys);
}

static void toolstack_data_that_lie_are_refused(void **state)
{
    struct xsr_buf keys = XSR_BUF_INIT;

    (void)state;
    refused(TOOLS("\1\0\0", 8), XSR_E_FORMAT, 0, "version");
    refused(TOOLS("\2\0\0\0\0\0\0\0", 8), XSR_E_UNSUPPORTED, 0, "version 2");
    refused(TOOLS("\1\0\0\0\1\1\0\0", 8), XSR_E_LIMIT, 0, "257");
    refused(TOOLS("\1\0\0\0\0\0\0\0x", 8), XSR_E_FORMAT, 8, "toolstack");
    refused(TOOLS("\1\0\0\0\1\0\0\0" ENTRY "\4\0\0\0"
                  "ab\0",
                  4),
            XSR_E_FORMAT, 36, "4 bytes");
    refused(TOOLS("\1\0\0\0\1\0\0\0" ENTRY "\3\0\0\0"
                  "ab\0",
                  8),
            XSR_E_FORMAT, 39, "4 bytes behind");
    refused(TOOLS("\1\0\0\0\1\0\0\0" ENTRY "\2\0\0\0"
                  "ab",
                  4),
            XSR_E_FORMAT, 36, "no NUL");
    refused(TOOLS("\1\0\0\0\1\0\0\0" ENTRY "\3\0\0\0"
                  "a\0b",
                  4),
            XSR_E_FORMAT, 36, "NUL inside");
    refused(TOOLS("\1\0\0\0\1\0\0\0" ENTRY "\3\0\0\0"
                  "\0b\0",
                  4),
            XSR_E_FORMAT, 36, "NUL inside");
    /* what the reader of the converted stream would refuse */
    refused(TOOLS("\1\0\0\0\1\0\0\0" ENTRY "\3\0\0\0"
                  "a\7\0",
                  4),
            XSR_E_FORMAT, 0, "printable");
    refused(TOOLS("\1\0\0\0\2\0\0\0" ENTRY "\0\0\0\0" ENTRY "\0\0\0\0", 4),
            XSR_E_FORMAT, 0, "twice");
    xsr_buf_fini(&keys);
}

/* ---- compressed pages ---------------------------------------------------- */

static void runs_change_what_is_there(void **state)
{
    uint8_t page[XSR_PAGE_SIZE], packed[64];
    size_t used, n = 0;

    (void)state;
    memset(page, 0xaa, sizeof page);
    accepted(xsr_lg_unpack_page((const uint8_t *)"\0", 1, page, &used, &err));
    assert_int_equal(used, 1);
    packed[n++] = 2; /* two words are new */
    memset(packed + n, 0x11, 8);
    n += 8;
    for (unsigned left = 1022; left; left -= (unsigned)xsr_min(left, 127))
        packed[n++] = (uint8_t)(0x80 | xsr_min(left, 127));
    accepted(xsr_lg_unpack_page(packed, n, page, &used, &err));
    assert_int_equal(used, n);
    assert_int_equal(page[7], 0x11);
    assert_int_equal(page[8], 0xaa);
    assert_int_equal(page[4095], 0xaa);
}

static int unpack(const char *p, size_t n, struct xsr_err *err)
{
    uint8_t page[XSR_PAGE_SIZE] = {0};
    size_t used;
    int rc = xsr_lg_unpack_page((const uint8_t *)p, n, page, &used, err);

    err->offset = BASE;
    return rc;
}

static void runs_that_lie_are_refused(void **state)
{
    char long_runs[40];

    (void)state;
    refused(unpack("", 0, &err), XSR_E_FORMAT, 0, "0 bytes are left");
    refused(unpack("\x80rest", 5, &err), XSR_E_FORMAT, 0, "5 bytes are left");
    refused(unpack("\2abc", 4, &err), XSR_E_FORMAT, 0, "goes on");
    refused(unpack("\xff", 1, &err), XSR_E_FORMAT, 0, "goes on");
    refused(unpack("\xff\x80", 2, &err), XSR_E_FORMAT, 0, "empty run");
    memset(long_runs, '\xff', sizeof long_runs);
    refused(unpack(long_runs, sizeof long_runs, &err), XSR_E_FORMAT, 0,
            "passes the end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(width_and_guest_follow_from_the_first_bytes),
        cmocka_unit_test(other_first_bytes_are_refused),
        cmocka_unit_test(every_chunk_has_a_name),
        cmocka_unit_test(blocks_tell_the_width_of_the_guest),
        cmocka_unit_test(blocks_that_lie_are_refused),
        cmocka_unit_test(entries_become_those_of_page_data),
        cmocka_unit_test(entries_that_cannot_be_are_refused),
        cmocka_unit_test(a_full_batch_in_any_order_is_fine),
        cmocka_unit_test(vcpus_above_the_highest_are_refused),
        cmocka_unit_test(rubbish_behind_names_is_stepped_over),
        cmocka_unit_test(toolstack_data_that_lie_are_refused),
        cmocka_unit_test(runs_change_what_is_there),
        cmocka_unit_test(runs_that_lie_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
