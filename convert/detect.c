/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recognises an image by its first bytes. Every format but the legacy one has
 * a magic; that one begins with the size of the guest's p2m, whose upper half
 * (64-bit toolstack) or successor (32-bit) says which it is. First step of
 * every conversion.
 */
#include "convert/detect.h"

#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/xl2.h"
#include "stream/xlfile.h"

/* pfns of a legacy image have 28 bits; a chunk is a batch or has a number. */
#define LEGACY_MAX_P2M   0x0fffffffu
#define LEGACY_MAX_BATCH 1024
#define LEGACY_MIN_CHUNK (-20)
#define XL_FLAGS_AT      36u

static const char *const names[XSR_N_FORMATS] = {
    [XSR_FORMAT_UNKNOWN] = "unknown",
    [XSR_FORMAT_XL] = "xl",
    [XSR_FORMAT_XL_LEGACY] = "xl-legacy",
    [XSR_FORMAT_LIBXL] = "libxl",
    [XSR_FORMAT_LIBXC2] = "libxc-v2",
    [XSR_FORMAT_LIBXC3] = "libxc-v3",
    [XSR_FORMAT_XENSERVER] = "xenserver",
    [XSR_FORMAT_XENSERVER_OLD] = "xenserver-6.2",
    [XSR_FORMAT_XEND] = "xend",
    [XSR_FORMAT_LEGACY] = "legacy",
};

static const struct {
    const char *magic;
    uint8_t len;
    enum xsr_format format;
} magics[] = {
    {"XenSavedDomv2-\n", 15, XSR_FORMAT_XENSERVER},
    {"XenSavedDomain\n", 15, XSR_FORMAT_XENSERVER_OLD},
    {"LinuxGuestRecord", 16, XSR_FORMAT_XEND},
    {"\xff\xff\xff\xff\xff\xff\xff\xffXENF\0\0\0\2", 16, XSR_FORMAT_LIBXC2},
    {"\xff\xff\xff\xff\xff\xff\xff\xffXENF\0\0\0\3", 16, XSR_FORMAT_LIBXC3},
};

const char *xsr_format_name(enum xsr_format format)
{
    return names[format < XSR_N_FORMATS ? format : XSR_FORMAT_UNKNOWN];
}

static bool is_chunk(int32_t id, int32_t highest_negative)
{
    if (id > 0)
        return id <= LEGACY_MAX_BATCH;
    return id >= LEGACY_MIN_CHUNK && id <= highest_negative;
}

/* legacy-stream.md: width and guest type from the words at 4 and 8. */
static bool is_legacy(const uint8_t *p, size_t n)
{
    uint32_t size, second;

    if (n < 16)
        return false;
    size = xsr_le32(p);
    second = xsr_le32(p + 4);
    if (size == 0 || size > LEGACY_MAX_P2M)
        return false;
    if (second == 0)
        return xsr_le64(p + 8) == UINT64_MAX ||
               is_chunk((int32_t)xsr_le32(p + 8), -1);
    /* -1 as a chunk is verify mode, never the first: it is a PV guest's mark */
    return second == UINT32_MAX || is_chunk((int32_t)second, -2);
}

enum xsr_format xsr_format_detect(const uint8_t *p, size_t n)
{
    if (xsr_xl2_probe(p, n))
        return XSR_FORMAT_LIBXL;
    if (xsr_xlfile_probe(p, n)) {
        bool v2 = n < XL_FLAGS_AT + 4 ||
                  xsr_le32(p + XL_FLAGS_AT) & XSR_XLFILE_STREAM_V2;

        return v2 ? XSR_FORMAT_XL : XSR_FORMAT_XL_LEGACY;
    }
    for (size_t i = 0; i < XSR_ARRAY_LEN(magics); i++)
        if (n >= magics[i].len && !memcmp(p, magics[i].magic, magics[i].len))
            return magics[i].format;
    return is_legacy(p, n) ? XSR_FORMAT_LEGACY : XSR_FORMAT_UNKNOWN;
}
